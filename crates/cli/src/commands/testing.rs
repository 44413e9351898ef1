//! `patchbay connections test`

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use patchbay_core::diagnose::{CheckReport, Remedy, RemedyAction, Spend, StageReport, Verdict};
use patchbay_engine::Engine;
use patchbay_engine::desk::connections::{self, CheckProgress};
use patchbay_engine::error::Error;
use tokio::sync::mpsc;

use crate::output::{self, Output};

/// Tests these connections. What it may cost is told first; Ctrl C ends the tests, and what ran is reported.
pub(super) async fn run(
    engine: &Arc<Engine>,
    keys: &[String],
    spend: Spend,
    output: &Output,
) -> Result<ExitCode, Error> {
    if spend != Spend::FreeOnly {
        announce(engine, keys, spend)?;
    }
    let (progress, seen) = mpsc::channel(16);
    let told = tell(seen, output);
    let tests = connections::test_many(engine, keys, spend, progress);
    let stopping = tokio::spawn(stop_when_told(Arc::clone(engine)));
    let (reports, ()) = tokio::join!(tests, told);
    stopping.abort();
    let reports = reports?;
    if output.is_json() {
        output::json_line(&reports);
    }
    let worst = reports.iter().find(|report| matches!(report.verdict, Verdict::Failed | Verdict::NotRun));
    Ok(worst.map_or(ExitCode::SUCCESS, exit_code_of))
}

async fn stop_when_told(engine: Arc<Engine>) {
    // Without a way to hear of Ctrl C, the system ends the program as it ends any other.
    if tokio::signal::ctrl_c().await.is_ok() {
        output::note("Stopping: what ran is reported.");
        connections::test_stop_all(&engine);
    }
}

/// What the tests ask and cost at most, on standard error, before anything is sent.
fn announce(engine: &Engine, keys: &[String], spend: Spend) -> Result<(), Error> {
    for plan in connections::test_plans(engine, keys, spend)? {
        let model = plan.model.as_deref().unwrap_or("the first model of the list");
        let cost = match &plan.estimate {
            Some(cost) => format!("at most ${} by estimate", cost.0),
            None => "at a price that is not known".to_owned(),
        };
        output::note(&format!("{}: asks {model} up to {} times, {cost}.", plan.connection, plan.questions));
    }
    Ok(())
}

/// Prints each report when it is there, and, for a person who watches, each stage.
async fn tell(mut seen: mpsc::Receiver<CheckProgress>, output: &Output) {
    let is_watched = std::io::stderr().is_terminal();
    while let Some(progress) = seen.recv().await {
        match progress {
            CheckProgress::Stage { connection, stage } if is_watched => {
                output::note(&format!("{connection:<20}{}", stage_line(&stage)));
            }
            CheckProgress::Stage { .. } => {}
            CheckProgress::Done { report: done } => output.line(&report(&done)),
        }
    }
}

/// The contract's exit code for a test that did not pass.
pub(super) fn exit_code_of(report: &CheckReport) -> ExitCode {
    report.code.map_or(ExitCode::FAILURE, crate::exit_code)
}

/// A test for people: the verdict, each stage, what to do.
pub(super) fn report(report: &CheckReport) -> String {
    let mut text = format!("{}: {}\n{}\n", report.connection, report.title, report.detail);
    for stage in &report.stages {
        text.push_str(&format!("  {}\n", stage_line(stage)));
    }
    if let Some(balance) = report.learned.as_ref().and_then(|learned| learned.balance.as_ref()) {
        text.push_str(&format!("  account     {}\n", balance.words()));
    }
    for limit in report.learned.iter().flat_map(|learned| &learned.limits) {
        let left = limit.remaining.map_or_else(String::new, |left| format!(", {left} left"));
        text.push_str(&format!("  limit       {} {}{left}\n", limit.limit, limit.of));
    }
    for (number, remedy) in report.remedies.iter().enumerate() {
        text.push_str(&format!("  {}. {}\n", number + 1, remedy.text));
        if let Some(command) = command(&report.connection, remedy) {
            text.push_str(&format!("     {command}\n"));
        }
    }
    text
}

fn stage_line(stage: &StageReport) -> String {
    let verdict = match stage.verdict {
        Some(Verdict::Passed) => "passed",
        Some(Verdict::Failed) => "FAILED",
        Some(Verdict::Limited) => "limited",
        Some(Verdict::Unsupported) => "without",
        Some(Verdict::NotRun) => "not run",
        None => "…",
    };
    let took = stage.took_ms.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
    let name = format!("{:?}", stage.stage).to_lowercase();
    format!("{name:<12}{verdict:<9}{took:>9}  {}", stage.evidence)
}

/// The command that does what a remedy's button does, where one command does it.
fn command(key: &str, remedy: &Remedy) -> Option<String> {
    let value = remedy.value.as_deref();
    Some(match remedy.action? {
        RemedyAction::UseBaseUrl => format!("patchbay connections edit {key} --base-url {}", value?),
        RemedyAction::AddInstead => {
            format!("patchbay connections add --provider {} --name NAME --api-key-stdin", value?)
        }
        RemedyAction::ReplaceKey => format!("patchbay connections edit {key} --api-key-stdin"),
        RemedyAction::TurnOff => format!("patchbay connections pause {key}"),
        _ => return None,
    })
}
