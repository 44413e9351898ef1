//! `patchbay alerts`

use std::sync::Arc;

use patchbay_core::alert::AlertState;
use patchbay_core::time::Timestamp;
use patchbay_engine::Engine;
use patchbay_engine::desk::alerts::{self, Alert, AlertDetail, AlertRules, Alerts as All};
use patchbay_engine::error::Error;

use super::zone;
use crate::args::{AlertCommand, Alerts, RuleArg};
use crate::output::{Output, table};

pub(super) async fn run(engine: &Arc<Engine>, args: Alerts, output: &Output) -> Result<(), Error> {
    match args.command.unwrap_or(AlertCommand::List { all: false }) {
        AlertCommand::List { all } => {
            output.document(&alerts::list(engine).await?, |found| list(found, all));
        }
        AlertCommand::Show { id } => output.document(&alerts::show(engine, id).await?, show),
        AlertCommand::Ack { id } => {
            alerts::acknowledge(engine, id).await?;
            output.done(&format!("Alert {id} is acknowledged. It closes when its cause ends."));
        }
        AlertCommand::Snooze { id, minutes } => {
            alerts::snooze(engine, id, minutes).await?;
            output.done(&format!("Alert {id} is quiet for {minutes} min, or until it becomes graver."));
        }
        AlertCommand::Rules => output.document(&alerts::rules(engine).await?, rules),
        AlertCommand::Test { kind } => {
            alerts::test_rule(engine, kind).await?;
            output.done("An alert stands for a minute.");
        }
        AlertCommand::Rule { kind, switch } => {
            let (is_on, on_desktop) = match switch {
                RuleArg::On => (true, Some(true)),
                RuleArg::Silent => (true, Some(false)),
                RuleArg::Off => (false, None),
            };
            let found = alerts::set_rule(engine, kind, Some(is_on), on_desktop).await?;
            output.document(&found, rules);
        }
    }
    Ok(())
}

fn list(found: &All, all: bool) -> String {
    let closed = found.closed.iter().filter(|_| all);
    let rows: Vec<_> = found.open.iter().chain(&found.snoozed).chain(closed).map(row).collect();
    if rows.is_empty() {
        return "Nothing needs you.\n".to_owned();
    }
    table(&["NO", "WEIGHT", "STATE", "SINCE", "WHAT", ""], rows)
}

fn row(alert: &Alert) -> Vec<String> {
    vec![
        alert.id.to_string(),
        alert.severity.as_str().to_owned(),
        state(alert),
        alert.opened_at.in_words(&zone()),
        alert.title.clone(),
        alert.evidence.clone(),
    ]
}

fn state(alert: &Alert) -> String {
    let until = |at: Option<Timestamp>| at.map(|at| at.in_words(&zone())).unwrap_or_default();
    match alert.state {
        AlertState::Snoozed => format!("quiet until {}", until(alert.snoozed_until)),
        AlertState::Closed => format!("closed {}", until(alert.closed_at)),
        state => state.as_str().to_owned(),
    }
}

fn show(detail: &AlertDetail) -> String {
    let alert = &detail.alert;
    let story = detail
        .events
        .iter()
        .map(|event| vec![event.at.in_words(&zone()), event.what.clone(), event.detail.clone()]);
    format!(
        "{}\n{}\nkind        {}\nsubject     {}\nstate       {}\n\n{}",
        alert.title,
        alert.evidence,
        alert.kind.as_str(),
        if alert.subject.is_empty() { "-" } else { &alert.subject },
        state(alert),
        table(&["WHEN", "WHAT", ""], story)
    )
}

fn rules(found: &AlertRules) -> String {
    let rows = found.rules.iter().map(|rule| {
        let how = match (rule.is_on, rule.on_desktop) {
            (false, _) => "off",
            (true, false) => "silent",
            (true, true) => "on",
        };
        let last = rule.last_at.map_or_else(|| "never".to_owned(), |at| at.in_words(&zone()));
        vec![rule.kind.as_str().to_owned(), how.to_owned(), last]
    });
    table(&["RULE", "", "LAST"], rows)
}
