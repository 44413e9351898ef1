//! `patchbay drill`

use std::io::{BufRead, IsTerminal};
use std::sync::Arc;

use patchbay_engine::desk::drill::{
    self, DrillInForce, DrillReport, DrillRequest, DrillRow, DrillStop, Homeless, TroubleKind,
};
use patchbay_engine::error::Error;
use patchbay_engine::{Engine, clock};
use serde_json::json;

use super::zone;
use crate::args::{DrillArgs, DrillCommand, TroubleArg};
use crate::output::{self, Output};

pub(super) async fn run(engine: &Arc<Engine>, args: DrillArgs, output: &Output) -> Result<(), Error> {
    let DrillArgs { struck, trouble, first_byte, minutes, yes, command } = args;
    let Some(struck) = struck else {
        return match command {
            Some(DrillCommand::End) => end(engine, output).await,
            None => tell(engine, output),
        };
    };
    let trouble = match trouble {
        TroubleArg::Outage => TroubleKind::Outage,
        TroubleArg::RateLimited => TroubleKind::RateLimited,
        TroubleArg::Slow => TroubleKind::Slow,
    };
    let request = DrillRequest { struck, trouble, first_byte_ms: Some(first_byte.saturating_mul(1_000)) };
    let Some(minutes) = minutes else {
        output.document(&drill::run(engine, &request)?, |report| {
            format!("{} Nothing was sent, and nobody's health changed.\n", text(report))
        });
        return Ok(());
    };
    start(engine, &request, minutes, if yes { Homeless::Accept } else { Homeless::Ask }, output).await
}

async fn start(
    engine: &Arc<Engine>,
    request: &DrillRequest,
    minutes: u32,
    homeless: Homeless,
    output: &Output,
) -> Result<(), Error> {
    let mut started = drill::start(engine, request, minutes, homeless).await?;
    if started.in_force.is_none() && has_consent(&started.report, output) {
        started = drill::start(engine, request, minutes, Homeless::Accept).await?;
    }
    let Some(in_force) = &started.in_force else {
        return Err(Error::invalid(
            format!("It was not begun: calls for {} would have no home.", homeless_names(&started.report)),
            "Begin it anyway with --yes, or add a step that leads somewhere else.",
        ));
    };
    output.document(&started, |started| format!("{}\n{}\n", text(&started.report), sentence(in_force)));
    Ok(())
}

/// Whether the person at the terminal wants a drill that leaves names without a home.
fn has_consent(report: &DrillReport, output: &Output) -> bool {
    if output.is_json() || !std::io::stdin().is_terminal() {
        return false;
    }
    output::note(&format!("{}\nTheir calls fail until it ends. Begin it anyway? [y/N]", text(report)));
    let mut answer = String::new();
    let read = std::io::stdin().lock().read_line(&mut answer);
    read.is_ok() && answer.trim().eq_ignore_ascii_case("y")
}

async fn end(engine: &Arc<Engine>, output: &Output) -> Result<(), Error> {
    output.done(&match drill::end(engine).await? {
        Some(ended) => format!("The drill has ended: {} no more.", ended.text),
        None => "No drill is in force.".to_owned(),
    });
    Ok(())
}

fn tell(engine: &Engine, output: &Output) -> Result<(), Error> {
    let in_force = drill::in_force(engine)?;
    output.document(&json!({ "in_force": in_force }), |_| {
        let told = in_force.as_ref().map_or_else(|| "No drill is in force.".to_owned(), sentence);
        format!("{told}\n")
    });
    Ok(())
}

/// What is in force, until when, and how to end it.
pub(super) fn sentence(in_force: &DrillInForce) -> String {
    let minutes = in_force.until.since_ms(clock::now()).div_ceil(60_000);
    let until = in_force.until.clock(&zone());
    format!(
        "A drill is in force: {} until {until}, {minutes} min from now. `patchbay drill end` ends it.",
        in_force.text
    )
}

fn homeless_names(report: &DrillReport) -> String {
    let names: Vec<&str> =
        report.rows.iter().filter(|row| row.home.is_none()).map(|row| row.name.as_str()).collect();
    names.join(", ")
}

fn text(report: &DrillReport) -> String {
    if report.rows.is_empty() {
        return "There is no profile and no alias to play it on. `patchbay profiles add --help` makes one."
            .into();
    }
    let rows: String = report.rows.iter().map(row).collect();
    let end = match report.homeless {
        0 => format!("All of them would be answered without {}.", report.struck),
        1 => "1 of them would have no home.".to_owned(),
        count => format!("{count} of them would have no home."),
    };
    format!("{rows}{end}")
}

fn row(row: &DrillRow) -> String {
    let where_to = match (&row.home, &row.model) {
        (Some(home), Some(model)) => format!("{home} ({model})"),
        _ => "nowhere".to_owned(),
    };
    let delay = if row.delay_ms == 0 { String::new() } else { format!(", up to {} ms later", row.delay_ms) };
    let touched = if row.is_struck { "" } else { ", untouched" };
    let stops: String = row.stops.iter().map(stop).collect();
    format!("{} goes to {where_to}{delay}{touched}\n{stops}", row.name)
}

fn stop(stop: &DrillStop) -> String {
    let model = if stop.model.is_empty() { String::new() } else { format!(" ({})", stop.model) };
    format!("  {}{model}: {}\n", stop.name, stop.text)
}
