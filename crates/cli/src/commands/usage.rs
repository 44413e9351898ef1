//! `patchbay usage`

use std::sync::Arc;

use patchbay_core::report::GroupBy;
use patchbay_core::time::{Range, day_range, last_days, parse_day};
use patchbay_engine::desk::usage::{self, Figures, UsageReport};
use patchbay_engine::error::Error;
use patchbay_engine::{Engine, clock};

use super::{filter, zone};
use crate::args::{By, UsageArgs};
use crate::output::{Output, table};

pub(super) async fn run(engine: &Arc<Engine>, args: UsageArgs, output: &Output) -> Result<(), Error> {
    let mut filter = filter(&args.conditions)?;
    filter.range = range(&args)?;
    let report = usage::report(engine, filter, args.by.map(group_by), zone()).await?;
    output.document(&report, text);
    Ok(())
}

fn range(args: &UsageArgs) -> Result<Option<Range>, Error> {
    let zone = zone();
    let (Some(from), Some(to)) = (&args.from, &args.to) else {
        let days = last_days(clock::now(), args.days, &zone);
        let ends = days.first().zip(days.last());
        return Ok(ends.map(|((_, first), (_, last))| Range { from: first.from, to: last.to }));
    };
    let day = |text: &str| {
        parse_day(text)
            .ok_or_else(|| Error::invalid(format!("\"{text}\" is no day."), "Write it like 2026-11-01."))
    };
    let range = Range { from: day_range(day(from)?, &zone).from, to: day_range(day(to)?, &zone).to };
    if range.to <= range.from {
        return Err(Error::invalid("--from is after --to.", "Exchange the two."));
    }
    Ok(Some(range))
}

fn group_by(by: By) -> GroupBy {
    match by {
        By::Connection => GroupBy::Connection,
        By::Provider => GroupBy::Provider,
        By::Model => GroupBy::Model,
        By::Feature => GroupBy::Feature,
        By::App => GroupBy::App,
        By::Day => GroupBy::Day,
        By::Hour => GroupBy::Hour,
    }
}

fn text(report: &UsageReport) -> String {
    let groups = report.groups.iter().map(|group| row(&group.key, &group.figures));
    let rows = groups.chain([row("total", &report.totals)]);
    table(&["", "CALLS", "ANSWERED", "FAILED", "IN", "OUT", "COST", "UNPRICED", "P50", "P95"], rows)
}

fn row(key: &str, figures: &Figures) -> Vec<String> {
    let ms = |value: Option<u32>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"));
    vec![
        if key.is_empty() { "(none)".to_owned() } else { key.to_owned() },
        figures.calls.to_string(),
        figures.succeeded.to_string(),
        figures.failed.to_string(),
        figures.input_tokens.to_string(),
        figures.output_tokens.to_string(),
        format!("${}", patchbay_core::money::NanoUsd(figures.cost_nano_usd)),
        figures.unpriced_attempts.to_string(),
        ms(figures.p50_ms),
        ms(figures.p95_ms),
    ]
}
