//! `patchbay checks`

use std::sync::Arc;

use patchbay_core::diagnose::Verdict;
use patchbay_core::schedule::CheckSchedule;
use patchbay_core::time::Timestamp;
use patchbay_engine::Engine;
use patchbay_engine::desk::checks::{self, CheckPoint, ScheduleInfo};
use patchbay_engine::error::Error;

use crate::args::{Checks, Schedule, When};
use crate::output::{Output, table};

pub(super) async fn run(engine: &Arc<Engine>, command: Checks, output: &Output) -> Result<(), Error> {
    match command {
        Checks::Schedule { command: Schedule::Show } => output.document(&checks::schedule(engine)?, schedule),
        Checks::Schedule { command: Schedule::Set { when } } => {
            let wanted = match when {
                When::Off => CheckSchedule::Off,
                When::Every { minutes } => CheckSchedule::Every { minutes },
                When::BeforeOpen { market, minutes } => CheckSchedule::BeforeOpen { market, minutes },
            };
            output.document(&checks::set_schedule(engine, wanted).await?, schedule);
        }
        Checks::History { key } => {
            output.document(&checks::history(engine, &key).await?, |points| history(points));
        }
    }
    Ok(())
}

fn schedule(info: &ScheduleInfo) -> String {
    let moment = |at: Option<Timestamp>| at.map_or_else(|| "-".to_owned(), Timestamp::to_rfc3339);
    format!(
        "tests       {}\nnext        {}\nlast        {}\nThey run while `patchbay serve` or the window does, and cost nothing.\n",
        info.schedule.words(),
        moment(info.next),
        moment(info.last)
    )
}

fn history(points: &[CheckPoint]) -> String {
    let rows = points.iter().map(|point| {
        let verdict = match point.verdict {
            Verdict::Passed => "passed",
            Verdict::Failed => "FAILED",
            Verdict::Limited => "limited",
            Verdict::NotRun => "not run",
            Verdict::Unsupported => "without",
        };
        vec![point.at.to_rfc3339(), verdict.to_owned(), format!("{} ms", point.took_ms), point.title.clone()]
    });
    table(&["AT", "VERDICT", "TOOK", "FOUND"], rows)
}
