//! Connection tests: stages from the address to a first answer, each timed, each with what it saw (behaviours F8). What the
//! findings mean is decided in core; nothing here changes a connection.

mod network;

use std::collections::HashMap;
use std::future::ready;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use patchbay_core::catalog::KeyNeed;
use patchbay_core::chat::{ChatRequest, Delivery};
use patchbay_core::code::Code;
use patchbay_core::connection::{Connection, is_loopback_host};
use patchbay_core::diagnose::{
    Cause, CheckReport, Findings, Spend, Stage, StageReport, Subject, Verdict, nearest, verdict,
};
use patchbay_core::dialect::{Failure, Inbound, models};
use patchbay_core::ledger::UsageType;
use patchbay_core::money::NanoUsd;
use patchbay_core::secret::Secret;
use tokio::sync::{Notify, mpsc};
use url::Url;

use crate::call::{Call, Caller};
use crate::pipeline;
use crate::{Engine, clock, upstream};

/// Under which app and feature a test stands in the ledger.
const APP: &str = "test";
const FEATURE: &str = "connection_test";
/// The question of the tiny completion, and the most that it may answer.
const QUESTION: &str = "Reply with the word OK.";
const MOST_TOKENS: u32 = 16;

/// Tests on their way, by connection key.
#[derive(Debug, Default)]
pub struct Running(Mutex<HashMap<String, Arc<Notify>>>);

impl Running {
    fn begin(&self, key: &str) -> Arc<Notify> {
        let stop = Arc::new(Notify::new());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), Arc::clone(&stop));
        stop
    }

    fn end(&self, key: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }

    /// Stops the test of that key; fine where none runs.
    pub fn stop(&self, key: &str) {
        if let Some(stop) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
            stop.notify_one();
        }
    }
}

/// Tests a connection, or a draft of one whose key was lent. Each stage is sent when it begins and when it ends.
pub async fn run(
    engine: &Arc<Engine>,
    connection: &Connection,
    spend: Spend,
    stages: mpsc::Sender<StageReport>,
) -> CheckReport {
    let stop = engine.checks.begin(&connection.key);
    let mut test = Test::new(engine, connection, stages);
    let end = tokio::select! {
        end = test.stages(spend) => end,
        () = stop.notified() => Err(Cause::Cancelled),
    };
    engine.checks.end(&connection.key);
    test.report(end.err())
}

/// One test and what it has found so far.
struct Test<'a> {
    engine: &'a Arc<Engine>,
    connection: &'a Connection,
    watcher: mpsc::Sender<StageReport>,
    at: patchbay_core::time::Timestamp,
    began: Instant,
    stages: Vec<StageReport>,
    models: Vec<String>,
    answer: String,
    cost: Option<NanoUsd>,
}

impl<'a> Test<'a> {
    fn new(engine: &'a Arc<Engine>, connection: &'a Connection, watcher: mpsc::Sender<StageReport>) -> Self {
        Self {
            engine,
            connection,
            watcher,
            at: clock::now(),
            began: Instant::now(),
            stages: Vec::new(),
            models: Vec::new(),
            answer: String::new(),
            cost: None,
        }
    }

    async fn stages(&mut self, spend: Spend) -> Result<(), Cause> {
        let place = network::Place::of(self.connection).ok_or(Cause::NotAnApi)?;
        let addresses = self.stage(Stage::Dns, network::resolve(&place)).await?;
        let stream =
            self.stage(Stage::Tcp, network::connect(&place, &addresses, self.connection.timeouts)).await?;
        if place.is_tls() {
            self.stage(Stage::Tls, network::handshake(&place, stream)).await?;
        }
        let (engine, connection) = (self.engine, self.connection);
        let (key, listed) = self.stage(Stage::Auth, authenticate(engine, connection)).await?;
        let models = self.stage(Stage::Models, list(engine, connection, key.as_ref(), listed)).await?;
        let wanted = self.connection.default_model.clone();
        let model = self.stage(Stage::Models, ready(present(wanted, &models))).await;
        self.models = models;
        let model = model?;
        if spend == Spend::Allowed {
            let (text, cost) = self.stage(Stage::Completion, complete(engine, connection, &model)).await?;
            (self.answer, self.cost) = (text, cost);
        }
        Ok(())
    }

    /// Runs a stage between its two reports. A stage in two parts is reported as one.
    async fn stage<T>(
        &mut self,
        stage: Stage,
        work: impl Future<Output = Result<(T, String), Cause>>,
    ) -> Result<T, Cause> {
        let mut report = match self.stages.pop_if(|last| last.stage == stage) {
            Some(earlier) => earlier,
            None => StageReport {
                stage,
                verdict: None,
                started_ms: self.elapsed(),
                took_ms: None,
                evidence: String::new(),
            },
        };
        report.verdict = None;
        self.tell(&report).await;
        self.stages.push(report.clone());
        let result = work.await;
        self.stages.pop();
        report.took_ms = Some(self.elapsed().saturating_sub(report.started_ms));
        report.verdict = Some(match &result {
            Ok(_) => Verdict::Passed,
            Err(cause) if cause.code() == Code::RateLimited => Verdict::Limited,
            Err(_) => Verdict::Failed,
        });
        report.evidence = match &result {
            Ok((_, evidence)) => evidence.clone(),
            Err(Cause::Http(failure)) => {
                failure.status.map_or_else(|| failure.message.clone(), |status| format!("Answered {status}"))
            }
            Err(_) => String::new(),
        };
        if let Err(Cause::Http(failure)) = &result {
            self.answer.clone_from(&failure.message);
        }
        self.tell(&report).await;
        self.stages.push(report);
        result.map(|(value, _)| value)
    }

    async fn tell(&self, report: &StageReport) {
        // A window that was closed listens no more.
        let _ = self.watcher.send(report.clone()).await;
    }

    fn report(self, cause: Option<Cause>) -> CheckReport {
        let failed = cause.map(|cause| (self.stages.last().map_or(Stage::Dns, |last| last.stage), cause));
        let findings = Findings {
            at: self.at,
            took_ms: self.elapsed(),
            stages: self.stages,
            failed,
            answer: self.answer,
            models: self.models,
            cost: self.cost,
        };
        verdict(&subject(self.connection), findings)
    }

    fn elapsed(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_millis()).unwrap_or(u32::MAX)
    }
}

fn subject(connection: &Connection) -> Subject {
    let url = Url::parse(&connection.base_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
    Subject {
        key: connection.key.clone(),
        name: connection.name.clone(),
        provider_slug: connection.provider.clone(),
        provider_name: connection.provider_name.clone(),
        keys_page: connection.facts.keys_page.clone(),
        key_tail: connection
            .credential
            .as_ref()
            .map(|credential| credential.tail.clone())
            .unwrap_or_default(),
        base_url: connection.base_url.clone(),
        default_model: connection.default_model.clone(),
        local: is_loopback_host(&host),
        port: url.as_ref().and_then(Url::port_or_known_default).unwrap_or(0),
        host,
    }
}

type Found<T> = Result<(T, String), Cause>;

/// Proves the key where the provider proves one without spending. Where that is the list of models, the list comes along.
async fn authenticate(engine: &Engine, connection: &Connection) -> Found<(Option<Secret>, Option<Vec<u8>>)> {
    let key = engine
        .keys
        .of(connection)
        .await
        .map_err(|error| Cause::Http(Failure::new(error.code, error.message)))?;
    if key.is_none() && connection.facts.key == KeyNeed::Required {
        return Err(Cause::NoKey);
    }
    let own = Some(connection.facts.key_check.as_str()).filter(|route| !route.is_empty());
    let route = own.map_or_else(|| models::route(connection.protocol, None), str::to_owned);
    let body = get(engine, connection, key.as_ref(), &route).await?;
    let route = route.split('?').next().unwrap_or_default();
    let evidence = match key {
        Some(_) => format!("GET {route} accepts the key"),
        None => format!("GET {route} answers without a key"),
    };
    let listed = own.is_none().then_some(body);
    Ok(((key, listed), evidence))
}

async fn list(
    engine: &Engine,
    connection: &Connection,
    key: Option<&Secret>,
    listed: Option<Vec<u8>>,
) -> Found<Vec<String>> {
    let body = match listed {
        Some(body) => body,
        None => get(engine, connection, key, &models::route(connection.protocol, None)).await?,
    };
    let page = models::decode(connection.protocol, &body).map_err(|_| Cause::NotAnApi)?;
    let models: Vec<String> = page.models.into_iter().map(|model| model.id).collect();
    if models.is_empty() {
        return Err(Cause::EmptyModelList);
    }
    let evidence = if models.len() == 1 { "1 model".to_owned() } else { format!("{} models", models.len()) };
    Ok((models, evidence))
}

/// The model to ask: the connection's own, which must be on the list, or the first of the list.
fn present(wanted: Option<String>, models: &[String]) -> Found<String> {
    let count = models.len();
    match wanted {
        Some(wanted) if models.contains(&wanted) => {
            let evidence = format!("{wanted} is one of {count}");
            Ok((wanted, evidence))
        }
        Some(wanted) => {
            let nearest = nearest(&wanted, models, 3).into_iter().map(str::to_owned).collect();
            Err(Cause::ModelMissing { nearest })
        }
        None => {
            let first = models.first().cloned().ok_or(Cause::EmptyModelList)?;
            let evidence = format!("{count} found, asking {first}");
            Ok((first, evidence))
        }
    }
}

async fn complete(
    engine: &Arc<Engine>,
    connection: &Connection,
    model: &str,
) -> Found<(String, Option<NanoUsd>)> {
    let mut question = ChatRequest::prompt(model, QUESTION, Delivery::Whole);
    question.max_tokens = Some(MOST_TOKENS);
    let caller = Caller { app: APP.into(), feature: FEATURE.into(), signal: None };
    let inbound = Inbound::own(&question).map_err(Cause::Http)?;
    let call = Call { usage_type: UsageType::Test, ..Call::new(inbound, caller) };
    // A call is by far the largest part of a test: in a box it does not make every caller of a test as large.
    let answer =
        Box::pin(pipeline::attempt_once(engine, call, connection, model)).await.map_err(Cause::Http)?;
    // A model that reasons may spend all of so few tokens before its first word.
    if answer.text.trim().is_empty() && answer.end.finish_reason.as_deref() != Some("length") {
        return Err(Cause::EmptyAnswer);
    }
    let tokens = answer.end.usage.output.unwrap_or(0);
    Ok(((answer.text, answer.end.cost.amount), format!("{model} answered with {tokens} tokens")))
}

async fn get(
    engine: &Engine,
    connection: &Connection,
    key: Option<&Secret>,
    route: &str,
) -> Result<Vec<u8>, Cause> {
    let response = engine.upstream.get(connection, key, route).await.map_err(Cause::Http)?;
    upstream::read_whole(response, connection).await.map_err(Cause::Http)
}
