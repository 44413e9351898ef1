//! `patchbay drill`

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::desk::drill::{self, DrillReport, DrillRequest, DrillRow, DrillStop, TroubleKind};
use patchbay_engine::error::Error;

use crate::args::{DrillArgs, TroubleArg};
use crate::output::Output;

pub(super) fn run(engine: &Arc<Engine>, args: &DrillArgs, output: &Output) -> Result<(), Error> {
    let request = DrillRequest {
        struck: args.struck.clone(),
        trouble: match args.trouble {
            TroubleArg::Outage => TroubleKind::Outage,
            TroubleArg::RateLimited => TroubleKind::RateLimited,
            TroubleArg::Slow => TroubleKind::Slow,
        },
        first_byte_ms: Some(args.first_byte.saturating_mul(1_000)),
    };
    output.document(&drill::run(engine, &request)?, text);
    Ok(())
}

fn text(report: &DrillReport) -> String {
    if report.rows.is_empty() {
        return "There is no profile and no alias to play it on. `patchbay profiles add --help` makes one.\n"
            .into();
    }
    let rows: String = report.rows.iter().map(row).collect();
    let end = match report.homeless {
        0 => format!("All of them would be answered without {}.", report.struck),
        1 => "1 of them would have no home.".to_owned(),
        count => format!("{count} of them would have no home."),
    };
    format!("{rows}{end} Nothing was sent, and nobody's health changed.\n")
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
