//! `patchbay run`

use std::io::Read;
use std::sync::Arc;

use patchbay_core::chat::Delivery;
use patchbay_core::code::Code;
use patchbay_engine::Engine;
use patchbay_engine::call::{Call, Caller};
use patchbay_engine::desk::playground::{self, PlaygroundRequest};
use patchbay_engine::desk::profiles;
use patchbay_engine::desk::providers;
use patchbay_engine::error::Error;
use patchbay_engine::pipeline::{self, Answer, End, Head, Piece, Streamed};
use serde_json::json;

use crate::args::RunArgs;
use crate::output::{self, Output};

/// Under which app these calls stand in the ledger.
const APP: &str = "command line";

pub(super) async fn run(engine: &Arc<Engine>, args: RunArgs, output: &Output) -> Result<(), Error> {
    let asked = match args.profile {
        // Told here, so that a slip of the pen is not taken for a model.
        Some(name) => Some(profiles::get(engine, &name).await?.name),
        None => args.model,
    };
    let request = PlaygroundRequest {
        model: asked.map_or_else(|| first_model(engine), Ok)?,
        prompt: prompt(args.prompt)?,
        attachment: args.attach,
        ..PlaygroundRequest::default()
    };
    let delivery = if args.stream { Delivery::Streamed } else { Delivery::Whole };
    let caller = Caller { app: APP.into(), feature: args.feature.unwrap_or_default(), ..Caller::default() };
    let call = Call::new(playground::inbound(&request, delivery)?, caller);
    match pipeline::serve(engine, call).await {
        Ok(Answer::Whole(answer)) => {
            output.line(&answer.text);
            finish(&answer.head, &answer.end, &answer.text, output);
            Ok(())
        }
        Ok(Answer::Stream(answer)) => stream(answer, output).await,
        Err(error) => Err(playground::call_error(&error)),
    }
}

fn first_model(engine: &Arc<Engine>) -> Result<String, Error> {
    let usable = providers::targets(engine)?.into_iter().find(|target| target.usable);
    usable.map(|target| target.id).ok_or_else(|| {
        Error::new(
            Code::NoCandidate,
            "There is no connection to ask.",
            "Add one: `patchbay connections add --help`, or try `patchbay demo load`.",
        )
    })
}

fn prompt(text: String) -> Result<String, Error> {
    if text != "-" {
        return Ok(text);
    }
    let mut read = String::new();
    match std::io::stdin().lock().read_to_string(&mut read) {
        Ok(_) => Ok(read),
        Err(error) => Err(Error::invalid(
            format!("Standard input cannot be read: {error}."),
            "Give the prompt as an argument.",
        )),
    }
}

async fn stream(mut answer: Streamed, output: &Output) -> Result<(), Error> {
    let mut whole = String::new();
    while let Some(piece) = answer.pieces.recv().await {
        match piece {
            Piece::Event { text, .. } => {
                if !output.is_json() {
                    output::raw(&text);
                }
                whole.push_str(&text);
            }
            Piece::Answered { end, .. } => {
                output.line("");
                finish(&answer.head, &end, &whole, output);
                return Ok(());
            }
            Piece::Failed { failure, .. } => {
                output.line("");
                return Err(failure.into());
            }
        }
    }
    Err(Error::new(Code::StreamCut, "The answer broke off.", "Ask again."))
}

fn finish(head: &Head, end: &End, text: &str, output: &Output) {
    if output.is_json() {
        return output::json_line(&json!({
            "call": head.call.to_string(), "text": text, "connection": head.connection, "model": head.model,
            "attempts": head.attempts, "input_tokens": end.usage.input, "output_tokens": end.usage.output,
            "cost_nano_usd": end.cost.amount, "cost_source": end.cost.source, "total_ms": end.total_ms,
            "first_token_ms": end.first_token_ms, "finish_reason": end.finish_reason,
        }));
    }
    let cost = end.cost.amount.map_or_else(|| "cost unknown".to_owned(), |cost| format!("${cost}"));
    let tokens = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    output::note(&format!(
        "{} · {} · {} + {} tokens · {cost} · {} ms",
        head.connection,
        head.model,
        tokens(end.usage.input),
        tokens(end.usage.output),
        end.total_ms
    ));
}
