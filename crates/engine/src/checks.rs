//! Connection tests: stages from the address to a first answer, each timed, each with what it saw (behaviours F8). What the
//! findings mean is decided in core; nothing here changes a connection.

mod certificate;
mod embeddings;
mod free;
mod network;
mod paid;

pub(crate) use network::is_offline;

use std::collections::HashMap;
use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use patchbay_core::code::Code;
use patchbay_core::connection::{Connection, Timeouts, is_loopback_host};
use patchbay_core::diagnose::{
    Cause, CheckReport, Findings, Learned, Spend, Stage, StageReport, Subject, Verdict, verdict,
};
use patchbay_core::money::NanoUsd;
use tokio::sync::{Notify, mpsc};
use url::Url;

pub use self::paid::plan;
use crate::{Engine, clock};

/// Tests on their way, by connection key.
#[derive(Debug, Default)]
pub struct Running {
    stops: Mutex<HashMap<String, Arc<Notify>>>,
    /// Grows when all tests are stopped, so that those which wait for their turn do not begin.
    round: AtomicU64,
}

impl Running {
    fn begin(&self, key: &str) -> Arc<Notify> {
        let stop = Arc::new(Notify::new());
        self.stops.lock().unwrap_or_else(PoisonError::into_inner).insert(key.to_owned(), Arc::clone(&stop));
        stop
    }

    /// A later test of the same connection keeps its own stop.
    fn end(&self, key: &str, stop: &Arc<Notify>) {
        let mut stops = self.stops.lock().unwrap_or_else(PoisonError::into_inner);
        if stops.get(key).is_some_and(|known| Arc::ptr_eq(known, stop)) {
            stops.remove(key);
        }
    }

    /// Stops the test of that key; fine where none runs.
    pub fn stop(&self, key: &str) {
        if let Some(stop) = self.stops.lock().unwrap_or_else(PoisonError::into_inner).get(key) {
            stop.notify_one();
        }
    }

    /// Stops all tests, and those that wait for their turn.
    pub fn stop_all(&self) {
        self.round.fetch_add(1, Ordering::Relaxed);
        for stop in self.stops.lock().unwrap_or_else(PoisonError::into_inner).values() {
            stop.notify_one();
        }
    }

    /// The round that tests begin in; another one later means that they were all stopped.
    pub fn round(&self) -> u64 {
        self.round.load(Ordering::Relaxed)
    }
}

/// Why a stage did not pass, and what was seen of it.
struct Trouble {
    cause: Cause,
    evidence: String,
    /// The provider's raw answer, key masked.
    answer: String,
    /// What it cost all the same: nothing in the list where nothing was answered.
    paid: Vec<Option<NanoUsd>>,
}

impl Trouble {
    fn seen(cause: Cause, evidence: String, answer: String) -> Self {
        Self { cause, evidence, answer, paid: Vec::new() }
    }
}

impl From<Cause> for Box<Trouble> {
    fn from(cause: Cause) -> Self {
        let (evidence, answer) = match &cause {
            Cause::Http(failure) => {
                let answered = |status| format!("Answered {status}");
                (failure.status.map_or_else(|| failure.message.clone(), answered), failure.message.clone())
            }
            _ => (String::new(), String::new()),
        };
        Self::new(Trouble::seen(cause, evidence, answer))
    }
}

type Found<T> = Result<(T, String), Box<Trouble>>;

/// Tests a connection, or a draft of one whose key was lent. Each stage is sent when it begins and when it ends.
pub async fn run(
    engine: &Arc<Engine>,
    connection: &Connection,
    spend: Spend,
    stages: mpsc::Sender<StageReport>,
) -> CheckReport {
    let connection = &impatient(connection);
    let stop = engine.checks.begin(&connection.key);
    let mut test = Test::new(engine, connection, stages);
    let end = tokio::select! {
        end = test.stages(spend) => end,
        () = stop.notified() => Err(Cause::Cancelled),
    };
    engine.checks.end(&connection.key, &stop);
    test.report(end.err())
}

/// The report of a test that was stopped before it began.
pub fn not_begun(engine: &Arc<Engine>, connection: &Connection) -> CheckReport {
    Test::new(engine, connection, mpsc::channel(1).0).report(Some(Cause::Cancelled))
}

/// A test asks for a few tokens: a pause between two of them, or an end, that takes longer than a first byte may is none.
fn impatient(connection: &Connection) -> Connection {
    let given = connection.timeouts;
    let idle_ms = given.idle_ms.min(given.first_byte_ms);
    let total_ms = given.total_ms.min(given.first_byte_ms.saturating_mul(2));
    Connection { timeouts: Timeouts { idle_ms, total_ms, ..given }, ..connection.clone() }
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
    /// One for each paid question; `None` where its price is not known.
    costs: Vec<Option<NanoUsd>>,
    learned: Learned,
    /// What is said of the next stage while it runs.
    opening: String,
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
            costs: Vec::new(),
            learned: Learned::default(),
            opening: String::new(),
        }
    }

    async fn stages(&mut self, spend: Spend) -> Result<(), Cause> {
        let place = network::Place::of(self.connection).ok_or(Cause::NotAnApi)?;
        let addresses = self.stage(Stage::Dns, network::resolve(&place)).await?;
        let stream =
            self.stage(Stage::Tcp, network::connect(&place, &addresses, self.connection.timeouts)).await?;
        if place.is_tls() {
            let timeouts = self.connection.timeouts;
            self.stage(Stage::Tls, network::handshake(&place, stream, timeouts)).await?;
        }
        let model = self.free().await?;
        if spend != Spend::FreeOnly {
            self.tiny(&model, spend).await?;
        }
        if spend == Spend::Deep {
            self.deep(&model).await;
        }
        Ok(())
    }

    /// The key and the list of models. Answers the model to ask.
    async fn free(&mut self) -> Result<String, Cause> {
        let (engine, connection) = (self.engine, self.connection);
        let mut proven = self.stage(Stage::Auth, free::authenticate(engine, connection)).await?;
        self.learned = std::mem::take(&mut proven.learned);
        self.learned.balance = engine.balance_of(connection, &proven.pass).await;
        let models = self.stage(Stage::Models, free::list(engine, connection, &mut proven)).await?;
        let wanted = connection.default_model.clone();
        let model = self.stage(Stage::Models, ready(free::present(wanted, &models))).await;
        self.models = models;
        model
    }

    /// A few tokens, whole and as a stream. What they cost at most is told before they are asked for.
    async fn tiny(&mut self, model: &str, spend: Spend) -> Result<(), Cause> {
        let (engine, connection) = (self.engine, self.connection);
        if let Ok(plan) = plan(engine, connection, spend) {
            self.opening = paid::announcement(&plan, model);
        }
        let paid = self.stage(Stage::Completion, paid::complete(engine, connection, model)).await?;
        self.answer = paid.text;
        self.costs.push(paid.cost);
        if !paid.limits.is_empty() {
            self.learned.limits = paid.limits;
        }
        if connection.streaming {
            let paid = self.stage(Stage::Stream, paid::stream(engine, connection, model)).await?;
            self.costs.push(paid.cost);
            (self.learned.first_token_ms, self.learned.stream_usage) = (paid.first_token_ms, paid.has_usage);
        }
        Ok(())
    }

    /// What else the connection can do. Nothing here makes a test fail.
    async fn deep(&mut self, model: &str) {
        let (engine, connection) = (self.engine, self.connection);
        let tools = self.stage(Stage::Tools, paid::tools(engine, connection, model)).await;
        self.learned.tools = self.ability(tools);
        let schema = self.stage(Stage::Schema, paid::schema(engine, connection, model)).await;
        self.learned.json_schema = self.ability(schema);
        if let Some(model) = embeddings::model_for(connection.protocol, &self.models).cloned() {
            let embedded = self.stage(Stage::Embeddings, embeddings::embed(engine, connection, &model)).await;
            self.learned.embeddings = self.ability(embedded);
        }
    }

    /// A limit says nothing of what a connection can do.
    fn ability(&mut self, asked: Result<Option<NanoUsd>, Cause>) -> Option<bool> {
        match asked {
            Ok(cost) => {
                self.costs.push(cost);
                Some(true)
            }
            Err(cause) if cause.code() == Code::RateLimited => None,
            Err(_) => Some(false),
        }
    }

    /// Runs a stage between its two reports. A stage in two parts is reported as one.
    async fn stage<T, E: Into<Box<Trouble>>>(
        &mut self,
        stage: Stage,
        work: impl Future<Output = Result<(T, String), E>>,
    ) -> Result<T, Cause> {
        let mut report = match self.stages.pop_if(|last| last.stage == stage) {
            Some(earlier) => earlier,
            None => StageReport {
                stage,
                verdict: None,
                started_ms: self.elapsed(),
                took_ms: None,
                evidence: std::mem::take(&mut self.opening),
            },
        };
        report.verdict = None;
        self.tell(&report).await;
        self.stages.push(report.clone());
        let result = work.await;
        self.stages.pop();
        report.took_ms = Some(self.elapsed().saturating_sub(report.started_ms));
        let result = match result {
            Ok((value, evidence)) => {
                report.verdict = Some(Verdict::Passed);
                report.evidence = evidence;
                Ok(value)
            }
            Err(trouble) => {
                let Trouble { cause, evidence, answer, paid } = *trouble.into();
                self.costs.extend(paid);
                report.verdict = Some(failed(stage, &cause));
                report.evidence = evidence;
                if !Stage::OPTIONAL.contains(&stage) {
                    self.answer = answer;
                }
                Err(cause)
            }
        };
        self.tell(&report).await;
        self.stages.push(report);
        result
    }

    async fn tell(&self, report: &StageReport) {
        // A window that was closed listens no more.
        let _ = self.watcher.send(report.clone()).await;
    }

    fn report(self, cause: Option<Cause>) -> CheckReport {
        let failed = cause.map(|cause| (self.stages.last().map_or(Stage::Dns, |last| last.stage), cause));
        let costs: Option<Vec<i64>> = self.costs.iter().map(|cost| cost.map(|cost| cost.0)).collect();
        let cost = costs.filter(|costs| !costs.is_empty()).map(|costs| NanoUsd(costs.iter().sum()));
        let findings = Findings {
            at: self.at,
            took_ms: self.elapsed(),
            stages: self.stages,
            failed,
            answer: self.answer,
            models: self.models,
            cost,
            learned: self.learned,
        };
        verdict(&subject(self.connection), findings)
    }

    fn elapsed(&self) -> u32 {
        u32::try_from(self.began.elapsed().as_millis()).unwrap_or(u32::MAX)
    }
}

fn failed(stage: Stage, cause: &Cause) -> Verdict {
    match cause.code() {
        Code::RateLimited => Verdict::Limited,
        _ if Stage::OPTIONAL.contains(&stage) => Verdict::Unsupported,
        _ => Verdict::Failed,
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
        protocol: connection.protocol,
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
