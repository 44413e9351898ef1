//! `patchbay retention`

use std::process::ExitCode;
use std::sync::Arc;

use patchbay_core::time::Timestamp;
use patchbay_engine::Engine;
use patchbay_engine::desk::retention::{self, RetentionInfo, RetentionRun};
use patchbay_engine::error::Error;

use crate::args::{Retention, RetentionArgs};
use crate::output::{Output, table};

pub(super) async fn run(
    engine: &Arc<Engine>,
    args: RetentionArgs,
    output: &Output,
) -> Result<ExitCode, Error> {
    match args.command {
        None => output.document(&retention::info(engine).await?, info),
        Some(Retention::Set { days }) => output.document(&retention::set_days(engine, days).await?, info),
        Some(Retention::Run { dry_run: true }) => output.document(&retention::dry_run(engine).await?, moved),
        Some(Retention::Run { dry_run: false }) => output.document(&retention::run(engine).await?, moved),
        Some(Retention::Verify) => {
            let bad = retention::verify(engine).await?;
            output.document(&bad, |bad| {
                if bad.is_empty() {
                    "Every archive is what was written.\n".to_owned()
                } else {
                    bad.join("\n") + "\n"
                }
            });
            return Ok(if bad.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn info(info: &RetentionInfo) -> String {
    let stay = match info.days {
        0 => "for ever".to_owned(),
        days => format!("{days} days"),
    };
    format!(
        "attempts stay  {stay}\narchives       {} with {} attempts, {}\ndatabase       {}, of which {} are unused\nlast run       {}\n",
        info.archives,
        info.archived_attempts,
        megabytes(info.archived_bytes),
        megabytes(info.database_bytes),
        megabytes(info.unused_bytes),
        info.last_run.map_or_else(|| "-".to_owned(), Timestamp::to_rfc3339)
    )
}

fn moved(run: &RetentionRun) -> String {
    let Some(older_than) = run.older_than.as_ref().filter(|_| run.attempts > 0) else {
        return "Nothing is old enough to be moved.\n".to_owned();
    };
    let rows = run.months.iter().map(|month| {
        vec![
            month.month.clone() + if month.sample { " (sample)" } else { "" },
            month.attempts.to_string(),
            megabytes(month.database_bytes),
            month.file.clone().unwrap_or_else(|| "-".to_owned()),
            if month.file.is_some() { megabytes(month.archive_bytes) } else { "-".to_owned() },
        ]
    });
    let text = table(&["MONTH", "ATTEMPTS", "IN DATABASE", "ARCHIVE", "SIZE"], rows);
    let verb = if run.dry_run { "would be moved" } else { "were moved" };
    let about = megabytes(run.database_bytes);
    format!(
        "{text}{} attempts from before {older_than} {verb}; in the database they took about {about}.\n",
        run.attempts
    )
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}
