//! The verdict of a connection test: which stage broke, what that means, and what to do, in order (behaviours F8).
//! The engine runs the stages and collects what happened; every word is chosen here.

use url::Url;

use crate::catalog::Protocol;
use crate::money::{DecimalUsd, NanoUsd};
use crate::time::Timestamp;
pub use cause::{Cause, Tcp, Tls};
pub use limits::{ToldLimit, told_limits};
pub use look::{Look, family, is_api, judge, lists, may_be_address, skew_s, speaks, unreadable};
pub use nearby::candidates;
pub use report::{CheckPlan, CheckReport, Learned, Remedy, RemedyAction, Spend, Stage, StageReport, Verdict};

mod account;
mod address;
mod answer;
mod cause;
mod limits;
mod look;
mod nearby;
mod path;
mod report;
#[cfg(test)]
mod tests;

/// As many models as a report carries.
const MAX_MODELS: usize = 200;
/// As many near names as a remedy offers.
const NEAREST: usize = 3;

/// What was tested, as far as the words need it. There is no secret in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The connection key.
    pub key: String,
    /// The connection's name.
    pub name: String,
    /// The provider's slug.
    pub provider_slug: String,
    /// The provider's name.
    pub provider_name: String,
    /// Where its keys are made; empty where there is no such page.
    pub keys_page: String,
    /// What the connection speaks.
    pub protocol: Protocol,
    /// The last four characters of the API key; empty for a short key and for none.
    pub key_tail: String,
    /// Where requests go.
    pub base_url: String,
    /// The model that the completion asks.
    pub default_model: Option<String>,
    /// The host is this machine.
    pub local: bool,
    /// The host of the base URL.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl Subject {
    /// The provider in a sentence; an endpoint that the user named has only its host.
    fn provider(&self) -> &str {
        if self.provider_slug == "compatible" || self.provider_name.is_empty() {
            &self.host
        } else {
            &self.provider_name
        }
    }

    fn key(&self) -> String {
        if self.key_tail.is_empty() {
            "the key".to_owned()
        } else {
            format!("the key ending {}", self.key_tail)
        }
    }

    fn model(&self) -> &str {
        self.default_model.as_deref().unwrap_or("this model")
    }

    /// The remedy that opens the provider's page of keys, where it has one.
    fn keys_page(&self, text: String) -> Option<Remedy> {
        (!self.keys_page.is_empty()).then(|| Remedy::new(RemedyAction::OpenKeysPage, text))
    }

    /// The base URL with the version that most servers have in their path; `None` where it has one.
    fn base_url_with_version(&self) -> Option<String> {
        let url = Url::parse(&self.base_url).ok()?;
        let mut parts = url.path_segments()?;
        let is_version = |part: &str| {
            part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        };
        (!parts.any(is_version)).then(|| format!("{}/v1", self.base_url.trim_end_matches('/')))
    }
}

/// What the engine found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Findings {
    /// When the test began.
    pub at: Timestamp,
    /// All stages together.
    pub took_ms: u32,
    /// The stages that were begun, in any order. The others are added to the report with the reason.
    pub stages: Vec<StageReport>,
    /// Where and why the test ended early.
    pub failed: Option<(Stage, Cause)>,
    /// The provider's raw answer, key masked.
    pub answer: String,
    /// The models that the list named.
    pub models: Vec<String>,
    /// What the completion cost, where that is known.
    pub cost: Option<NanoUsd>,
    /// What it taught beside.
    pub learned: Learned,
}

/// What is said of a cause.
struct Words {
    /// Completes "Failed at auth: …".
    what: String,
    /// What happened and what it does to the user.
    detail: String,
    /// What to do.
    remedies: Vec<Remedy>,
}

impl Words {
    fn new(
        what: impl Into<String>,
        detail: impl Into<String>,
        remedies: impl IntoIterator<Item = Remedy>,
    ) -> Self {
        Self { what: what.into(), detail: detail.into(), remedies: remedies.into_iter().collect() }
    }
}

/// Judges a test.
pub fn verdict(subject: &Subject, findings: Findings) -> CheckReport {
    let failed = findings.failed.clone().map(|(stage, cause)| (stage, cause.settle(stage)));
    let verdict = failed.as_ref().map_or(Verdict::Passed, |(_, cause)| cause.verdict());
    let words = match &failed {
        Some((stage, cause)) => words(subject, *stage, cause, &findings.models),
        None => success(subject, &findings),
    };
    let title = match (&failed, verdict) {
        (Some((stage, _)), Verdict::NotRun) => format!("Stopped at {}", stage.name()),
        (Some((stage, _)), Verdict::Limited) => format!("Limited at {}: {}", stage.name(), words.what),
        (Some((stage, _)), _) => format!("Failed at {}: {}", stage.name(), words.what),
        (None, _) => words.what,
    };
    let broke = failed.as_ref().filter(|_| verdict != Verdict::NotRun);
    CheckReport {
        connection: subject.key.clone(),
        name: subject.name.clone(),
        at: findings.at,
        took_ms: findings.took_ms,
        verdict,
        failed_stage: broke.map(|(stage, _)| *stage),
        code: failed.as_ref().map(|(_, cause)| cause.code()),
        title,
        detail: words.detail,
        stages: all_stages(subject, &findings.stages, failed.as_ref()),
        remedies: words.remedies,
        answer: findings.answer,
        models: findings.models.into_iter().take(MAX_MODELS).collect(),
        cost: findings.cost.map(DecimalUsd::from),
        learned: Some(findings.learned),
    }
}

/// The `n` names nearest to `wanted` by edit distance, nearest first. A vendor before a slash ("openai/gpt-5") does not
/// count against a name that has none.
pub fn nearest<'a>(wanted: &str, known: &'a [String], n: usize) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let distance = |name: &str| {
        let name = name.to_lowercase();
        let bare = name.rsplit('/').next().unwrap_or(&name);
        strsim::osa_distance(&wanted, &name).min(strsim::osa_distance(&wanted, bare).saturating_add(1))
    };
    let mut names: Vec<(usize, &str)> = known.iter().map(|name| (distance(name), name.as_str())).collect();
    names.sort_unstable();
    names.into_iter().take(n).map(|(_, name)| name).collect()
}

fn words(subject: &Subject, stage: Stage, cause: &Cause, models: &[String]) -> Words {
    match cause {
        Cause::Offline => path::offline(),
        Cause::NoAddress => path::no_address(subject),
        Cause::Tcp(trouble) => path::tcp(subject, *trouble),
        Cause::Tls(trouble) => path::tls(subject, trouble),
        Cause::ProxyAuth => path::proxy(subject),
        Cause::ClockSkew { seconds } => path::clock(subject, *seconds),
        Cause::NoKey => account::no_key(subject),
        Cause::VaultLocked => account::vault_locked(subject),
        Cause::VaultDenied => account::vault_denied(subject),
        Cause::VaultAbsent => account::vault_absent(subject),
        Cause::VaultFailed(message) => account::vault_failed(subject, message),
        Cause::NotAnApi => answer::not_an_api(subject),
        Cause::WrongJson => address::wrong_json(subject),
        Cause::WrongPath { better } => address::wrong_path(subject, better),
        Cause::WrongProtocol { speaks } => address::wrong_protocol(subject, *speaks),
        Cause::SignInPage => address::sign_in_page(subject),
        Cause::Blocked => address::blocked(subject),
        Cause::Redirected { host, better } => address::redirected(subject, host, better.as_deref()),
        Cause::EmptyModelList => answer::empty_list(subject),
        Cause::ModelMissing { nearest } => answer::model_missing(subject, nearest, models),
        Cause::EmptyAnswer => answer::empty_answer(subject),
        Cause::Http(failure) => answer::http(subject, stage, failure),
        Cause::Cancelled => Words::new(
            "stopped",
            "You stopped the test. What passed before is shown below.",
            [Remedy::new(RemedyAction::TestAgain, "Test again when you like.")],
        ),
    }
}

fn success(subject: &Subject, findings: &Findings) -> Words {
    let passed = |report: &&StageReport| report.verdict == Some(Verdict::Passed);
    let count = findings.stages.iter().filter(passed).count();
    let asked = findings.stages.iter().filter(passed).any(|report| report.stage == Stage::Completion);
    let is_whole = count >= Stage::ALL.len() && findings.stages.iter().all(|report| passed(&report));
    let stages = if is_whole { format!("All {count} stages") } else { plural(count, "stage") };
    let models = match findings.models.len() {
        0 => String::new(),
        count => format!(" {} found.", plural(count, "model")),
    };
    let cost = match (asked, findings.cost) {
        (false, _) | (true, Some(NanoUsd::ZERO)) => "The test was free.".to_owned(),
        (true, Some(cost)) => format!("The test cost ${cost}."),
        (true, None) => "What the test cost is not known.".to_owned(),
    };
    let pick =
        Remedy::new(RemedyAction::PickModel, "Pick a default model, so that the test can ask it a question.");
    let skew = findings.learned.skew_s.filter(|seconds| i64::from(*seconds).abs() >= look::SKEW_S);
    let clock = skew.map(|seconds| {
        let direction = if seconds < 0 { "behind" } else { "ahead" };
        let span = path::span(u64::from(seconds.unsigned_abs()));
        Remedy::advice(format!(
            "The clock of this machine is {span} {direction}: let this system set its time by itself."
        ))
    });
    Words::new(
        format!("{} answers", subject.name),
        format!("{stages} passed in {}.{models} {cost}{}", took(findings.took_ms), lacks(&findings.learned)),
        subject.default_model.is_none().then_some(pick).into_iter().chain(clock),
    )
}

/// What the connection works without.
fn lacks(learned: &Learned) -> String {
    let missing: Vec<&str> = [
        ("usage at the end of a stream", learned.stream_usage),
        ("tools", learned.tools),
        ("a JSON schema", learned.json_schema),
        ("embeddings", learned.embeddings),
    ]
    .into_iter()
    .filter_map(|(name, has)| (has == Some(false)).then_some(name))
    .collect();
    if missing.is_empty() { String::new() } else { format!(" It works without: {}.", missing.join(", ")) }
}

/// The stages in order: those that were run, with the verdict on the one where the test ended, and the others with
/// the reason why not.
fn all_stages(subject: &Subject, run: &[StageReport], failed: Option<&(Stage, Cause)>) -> Vec<StageReport> {
    let at = |stage: Stage| failed.filter(|(failed, _)| *failed == stage).map(|(_, cause)| cause);
    let complete = |stage: Stage| {
        let report = run.iter().find(|report| report.stage == stage).cloned();
        let skipped =
            StageReport { stage, verdict: None, started_ms: 0, took_ms: None, evidence: String::new() };
        let mut report = report.unwrap_or(skipped);
        let verdict = at(stage).map(Cause::verdict).or(report.verdict).unwrap_or(Verdict::NotRun);
        report.verdict = Some(verdict);
        if verdict == Verdict::NotRun && report.evidence.is_empty() {
            report.evidence = why_not_run(subject, stage, failed);
        }
        report
    };
    let was_begun = |stage: &Stage| run.iter().any(|report| report.stage == *stage);
    Stage::ALL.into_iter().chain(Stage::MORE.into_iter().filter(was_begun)).map(complete).collect()
}

fn why_not_run(subject: &Subject, stage: Stage, failed: Option<&(Stage, Cause)>) -> String {
    match failed {
        Some((Stage::Dns, Cause::NoAddress)) => "Needs an address".to_owned(),
        Some((broke, cause)) if *broke <= stage => cause.blocks(subject.provider()),
        _ if stage == Stage::Tls && subject.local => "Plain HTTP on this machine".to_owned(),
        _ if stage == Stage::Tls => "Plain HTTP".to_owned(),
        _ if stage == Stage::Completion && subject.default_model.is_none() => {
            "Needs a default model".to_owned()
        }
        _ if stage == Stage::Completion => "No spending allowed".to_owned(),
        _ => "Not needed".to_owned(),
    }
}

fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// "640 ms", "2.31 s", "1 min 42 s".
fn took(ms: u32) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..100_000 => format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1_000),
    }
}
