//! `patchbay audit`

use std::process::ExitCode;
use std::sync::Arc;

use patchbay_core::time::last_days;
use patchbay_engine::desk::audit::{self as desk, AuditEntry, AuditQuery, Format};
use patchbay_engine::error::Error;
use patchbay_engine::{Engine, clock};

use super::zone;
use crate::args::{Audit, AuditFilter};
use crate::output::{Output, table};

pub(super) async fn run(engine: &Arc<Engine>, command: Audit, output: &Output) -> Result<ExitCode, Error> {
    match command {
        Audit::List { limit, before, filter } => {
            let page = desk::list(engine, query(&filter)?, before, limit).await?;
            output.document(&page, |page| list(&page.entries));
        }
        Audit::Verify => {
            let verdict = desk::verify(engine).await?;
            output.document(&verdict, |verdict| match verdict.first_bad {
                Some(entry) => {
                    format!("The chain is broken: entry {entry} is missing or not as it was written.\n")
                }
                None => {
                    format!("The chain is intact: {} entries, up to {}.\n", verdict.entries, verdict.head)
                }
            });
            return Ok(if verdict.intact { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Audit::Export { csv, filter } => {
            let format = if csv { Format::Csv } else { Format::Json };
            desk::export(engine, query(&filter)?, format, zone(), std::io::stdout()).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn query(filter: &AuditFilter) -> Result<AuditQuery, Error> {
    let mut query = AuditQuery::default();
    for (name, value) in &filter.conditions {
        if !query.set(name, value) {
            return Err(Error::invalid(
                format!("There is no condition \"{name}\"."),
                "Use actor, action, kind, name or text.",
            ));
        }
    }
    let days = filter.days.map(|days| last_days(clock::now(), days, &zone()));
    query.from = days.and_then(|days| days.first().map(|(_, range)| range.from));
    Ok(query)
}

fn list(entries: &[AuditEntry]) -> String {
    let rows = entries.iter().map(|entry| {
        vec![
            format!("#{}", entry.entry),
            entry.at.to_local(&zone()),
            entry.actor.clone(),
            entry.action.clone(),
            entry.kind.clone(),
            entry.name.clone(),
            detail(entry),
        ]
    });
    table(&["ENTRY", "AT", "WHO", "ACTION", "KIND", "WHAT", "DETAIL"], rows)
}

fn detail(entry: &AuditEntry) -> String {
    let changes = entry.changes.iter().map(|change| match change.before.as_str() {
        "" => format!("{} {}", change.field, change.after),
        before => format!("{} {before} to {}", change.field, change.after),
    });
    changes
        .chain(Some(entry.reason.clone()).filter(|reason| !reason.is_empty()))
        .collect::<Vec<_>>()
        .join(", ")
}
