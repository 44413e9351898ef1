//! The stages that cost something: a few tokens whole and as a stream, and what else the connection can do. Each question goes
//! through the pipeline, so it is in the ledger like any other call, under an app and a feature of its own.

use std::sync::Arc;

use patchbay_core::catalog::Protocol;
use patchbay_core::chat::{ChatRequest, Delivery, ResponseFormat, Tool, ToolChoice};
use patchbay_core::code::Code;
use patchbay_core::connection::Connection;
use patchbay_core::diagnose::{Cause, CheckPlan, Spend, ToldLimit};
use patchbay_core::dialect::{Failure, Inbound};
use patchbay_core::ledger::UsageType;
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::usage::{CostSource, TokenUsage};
use serde_json::{Value, json};

use super::{Found, Trouble};
use crate::call::{Call, Caller};
use crate::error::Error;
use crate::pipeline::{self, Answer, End, Piece, Streamed, Whole};
use crate::{Engine, clock};

/// Under which app and feature a test stands in the ledger.
pub(super) const APP: &str = "test";
pub(super) const FEATURE: &str = "connection_test";
/// The question of the tiny completion, and the most that it may answer.
const QUESTION: &str = "Reply with the word OK.";
const MOST_TOKENS: u32 = 16;
/// As many tokens as the question has with everything that protocols put around it, rounded up.
const QUESTION_TOKENS: u64 = 24;
/// The same for a question that brings a tool or a schema along.
const DEEP_TOKENS: u64 = 200;
const MOST_DEEP_TOKENS: u32 = 128;

/// An answer to a paid question.
pub(super) struct Paid {
    pub(super) text: String,
    pub(super) cost: Option<NanoUsd>,
    pub(super) limits: Vec<ToldLimit>,
    pub(super) first_token_ms: Option<u32>,
    pub(super) has_usage: Option<bool>,
}

/// What a test would ask and cost at most.
pub fn plan(engine: &Engine, connection: &Connection, spend: Spend) -> Result<CheckPlan, Error> {
    let model = connection.default_model.clone().or_else(|| connection.models.first().cloned());
    let tiny = match spend {
        Spend::FreeOnly => 0,
        Spend::Allowed | Spend::Deep => 1 + u32::from(connection.streaming),
    };
    let deep = if spend == Spend::Deep { 2 } else { 0 };
    let tokens = TokenUsage {
        input: Some(QUESTION_TOKENS * u64::from(tiny) + DEEP_TOKENS * u64::from(deep)),
        output: Some(u64::from(MOST_TOKENS * tiny + MOST_DEEP_TOKENS * deep)),
        ..TokenUsage::default()
    };
    let snapshot = engine.snapshot()?;
    let amount = |model: &String| {
        let prices = &snapshot.prices;
        prices.cost(&connection.provider, model, clock::now(), &tokens, CostSource::Priced).amount
    };
    let estimate = if tiny == 0 { Some(NanoUsd::ZERO) } else { model.as_ref().and_then(amount) };
    Ok(CheckPlan {
        connection: connection.key.clone(),
        questions: tiny + deep,
        model,
        estimate: estimate.map(DecimalUsd::from),
    })
}

/// What is said of the questions before the first of them is sent.
pub(super) fn announcement(plan: &CheckPlan, model: &str) -> String {
    let questions =
        if plan.questions == 1 { "1 question".to_owned() } else { format!("{} questions", plan.questions) };
    match &plan.estimate {
        Some(cost) => format!("Asking {model} {questions}, at most ${} by estimate", cost.0),
        None => format!("Asking {model} {questions}; what it costs is not known"),
    }
}

/// The tiny completion.
pub(super) async fn complete(engine: &Arc<Engine>, connection: &Connection, model: &str) -> Found<Paid> {
    let whole = whole(engine, connection, &tiny(model, Delivery::Whole)).await?;
    if is_silent(&whole.text, &whole.end) {
        return Err(Cause::EmptyAnswer.into());
    }
    let tokens = whole.end.usage.output.unwrap_or(0);
    let evidence = format!("{model} answered with {tokens} tokens");
    let limits = whole.limits;
    let paid =
        Paid { text: whole.text, cost: whole.end.cost.amount, limits, first_token_ms: None, has_usage: None };
    Ok((paid, evidence))
}

/// The same in pieces.
pub(super) async fn stream(engine: &Arc<Engine>, connection: &Connection, model: &str) -> Found<Paid> {
    let call = call(&tiny(model, Delivery::Streamed))?;
    // A call is by far the largest part of a test: in a box it does not make every caller of a test as large.
    let begun = Box::pin(pipeline::attempt_once(engine, call, connection, model)).await;
    let Answer::Stream(streamed) = begun.map_err(Cause::Http)? else {
        return Err(Cause::Http(Failure::new(Code::Internal, "A stream was asked for.")).into());
    };
    let (text, end) = to_the_end(streamed).await.map_err(Cause::Http)?;
    if is_silent(&text, &end) {
        return Err(Cause::EmptyAnswer.into());
    }
    let has_usage = match end.cost.source {
        CostSource::Reported | CostSource::Priced => Some(true),
        CostSource::Estimated => Some(false),
        CostSource::Unknown => None,
    };
    let first_token_ms = end.first_token_ms.and_then(|ms| u32::try_from(ms).ok());
    let first =
        first_token_ms.map_or_else(|| "no token".to_owned(), |ms| format!("first token after {ms} ms"));
    let usage = match has_usage {
        Some(true) => ", usage at the end",
        Some(false) => ", no usage at the end: costs of streams are estimates",
        None => "",
    };
    let cost = end.cost.amount;
    Ok((Paid { text, cost, limits: Vec::new(), first_token_ms, has_usage }, format!("{first}{usage}")))
}

/// Whether the model calls a tool that it must call.
pub(super) async fn tools(
    engine: &Arc<Engine>,
    connection: &Connection,
    model: &str,
) -> Found<Option<NanoUsd>> {
    let mut question = ChatRequest::prompt(model, "What is the price of EURUSD?", Delivery::Whole);
    question.tools = vec![Tool {
        name: "price_of".to_owned(),
        description: Some("The price of a currency pair.".to_owned()),
        parameters: json!({ "type": "object", "properties": { "pair": { "type": "string" } }, "required": ["pair"] }),
        strict: None,
    }];
    question.tool_choice = Some(ToolChoice::Required);
    question.max_tokens = Some(MOST_DEEP_TOKENS);
    let whole = whole(engine, connection, &question).await?;
    let body: Value = serde_json::from_slice(&whole.body).unwrap_or_default();
    match body["choices"][0]["message"]["tool_calls"][0]["function"]["name"].as_str() {
        Some("price_of") => Ok((whole.end.cost.amount, format!("{model} called the tool"))),
        _ => {
            Err(unsupported(format!("{model} answered without calling the tool"), whole.end.cost.amount)
                .into())
        }
    }
}

/// Whether the model keeps to a JSON schema.
pub(super) async fn schema(
    engine: &Arc<Engine>,
    connection: &Connection,
    model: &str,
) -> Found<Option<NanoUsd>> {
    let mut question =
        ChatRequest::prompt(model, "Is EURUSD a currency pair? Answer in JSON.", Delivery::Whole);
    question.response_format = Some(ResponseFormat::JsonSchema {
        name: "answer".to_owned(),
        description: None,
        schema: json!({
            "type": "object", "properties": { "is_pair": { "type": "boolean" } }, "required": ["is_pair"],
            "additionalProperties": false,
        }),
        strict: Some(true),
    });
    question.max_tokens = Some(MOST_DEEP_TOKENS);
    let whole = whole(engine, connection, &question).await?;
    let value: Value = serde_json::from_str(whole.text.trim()).unwrap_or_default();
    if value["is_pair"].is_boolean() {
        Ok((whole.end.cost.amount, format!("{model} kept to the schema")))
    } else {
        Err(unsupported(format!("{model} did not keep to the schema"), whole.end.cost.amount).into())
    }
}

/// An answer came, and cost something, but it was not the one that was asked for.
fn unsupported(what: String, cost: Option<NanoUsd>) -> Trouble {
    let mut trouble = Trouble::seen(Cause::EmptyAnswer, what, String::new());
    trouble.paid.push(cost);
    trouble
}

fn tiny(model: &str, delivery: Delivery) -> ChatRequest {
    ChatRequest { max_tokens: Some(MOST_TOKENS), ..ChatRequest::prompt(model, QUESTION, delivery) }
}

fn call(question: &ChatRequest) -> Result<Call, Cause> {
    let inbound = Inbound::own(question).map_err(Cause::Http)?;
    Ok(Call { usage_type: UsageType::Test, ..Call::new(inbound, caller()) })
}

pub(super) fn caller() -> Caller {
    Caller { app: APP.into(), feature: FEATURE.into(), ..Caller::default() }
}

async fn whole(
    engine: &Arc<Engine>,
    connection: &Connection,
    question: &ChatRequest,
) -> Result<Whole, Cause> {
    let call = call(question)?;
    debug_assert_eq!(call.inbound.protocol, Protocol::Openai, "the answer is read in that form");
    match Box::pin(pipeline::attempt_once(engine, call, connection, &question.model)).await {
        Ok(Answer::Whole(whole)) => Ok(*whole),
        Ok(Answer::Stream(_)) => {
            Err(Cause::Http(Failure::new(Code::Internal, "A whole answer was asked for.")))
        }
        Err(failure) => Err(Cause::Http(failure)),
    }
}

async fn to_the_end(mut streamed: Streamed) -> Result<(String, End), Failure> {
    let mut all = String::new();
    while let Some(piece) = streamed.pieces.recv().await {
        match piece {
            Piece::Event { text, .. } => all.push_str(&text),
            Piece::Answered { end, .. } => return Ok((all, end)),
            Piece::Failed { failure, .. } => return Err(failure),
        }
    }
    Err(Failure::new(Code::StreamCut, "The stream ended before its end."))
}

/// A model that reasons may spend all of so few tokens before its first word.
fn is_silent(text: &str, end: &End) -> bool {
    text.trim().is_empty() && end.finish_reason.as_deref() != Some("length")
}
