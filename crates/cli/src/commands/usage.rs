//! `patchbay usage`, `chart` and `statement`

use std::io;
use std::path::Path;
use std::sync::Arc;

use patchbay_core::chart::{ChartRequest, ChartTheme};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Filter, GroupBy};
use patchbay_engine::desk::charts::{self, ChartOf, ShownChart};
use patchbay_engine::desk::usage::{
    self, ChartKind, Days, ExportFormat, Figures, Selection, TriedPrice, UsageQuery, UsageReport, Wanted,
};
use patchbay_engine::error::Error;
use patchbay_engine::{Engine, clock};

use super::{filter, zone};
use crate::args::{By, ChartArgs, ChartName, ExportArgs, SpanArgs, StatementArgs, ThemeArg, UsageArgs};
use crate::output::{Output, raw, table};

pub(super) async fn run(engine: &Arc<Engine>, args: UsageArgs, output: &Output) -> Result<(), Error> {
    if args.by.len() > 2 {
        return Err(Error::invalid("Groups go two levels deep.", "Name one or two, such as provider,model."));
    }
    let days = days(&args.span);
    let spans = days.spans(clock::now(), &zone())?;
    let chosen = Filter { range: Some(spans.range), ..filter(&args.span.conditions)? };
    let by: Vec<GroupBy> = args.by.iter().copied().map(group_by).collect();
    if let Some((path, format)) = target(&args.export)
        && (format != ExportFormat::Csv || by.is_empty())
    {
        let by = by.first().copied().unwrap_or(GroupBy::Provider);
        return export(engine, Selection { filter: chosen, by, zone: zone() }, format, path, output).await;
    }
    let wanted = Wanted {
        filter: chosen,
        by: by.first().copied(),
        then: by.get(1).copied(),
        top: args.top,
        prior: args.compare.then_some(spans.prior),
    };
    let mut report = usage::detailed(engine, wanted, zone()).await?;
    if let Some(path) = &args.export.csv {
        return write_text(path, &report.to_csv(), output);
    }
    if !args.what_if.is_empty() || args.at_price.is_some() {
        let conditions = filter(&args.span.conditions)?.conditions;
        let query = UsageQuery { days, conditions, by: GroupBy::Model };
        let price = args.at_price.map(|(input, output)| TriedPrice { input, output });
        report.what_if = Some(usage::what_if(engine, query, args.what_if, price, zone()).await?);
    }
    output.document(&report, text);
    Ok(())
}

pub(super) fn days(args: &SpanArgs) -> Days {
    match &args.from {
        None => Days::Last { days: args.days },
        Some(from) => {
            let to = args.to.clone().unwrap_or_else(|| clock::now().day(&zone()).to_string());
            Days::Between { from: from.clone(), to }
        }
    }
}

fn target(args: &ExportArgs) -> Option<(&Path, ExportFormat)> {
    let named = [
        (&args.csv, ExportFormat::Csv),
        (&args.json_rows, ExportFormat::Json),
        (&args.parquet, ExportFormat::Parquet),
        (&args.xlsx, ExportFormat::Xlsx),
    ];
    named.into_iter().find_map(|(path, format)| Some((path.as_deref()?, format)))
}

async fn export(
    engine: &Arc<Engine>,
    selection: Selection,
    format: ExportFormat,
    path: &Path,
    output: &Output,
) -> Result<(), Error> {
    if path == Path::new("-") {
        return usage::to_writer(engine, selection, format, io::stdout()).await.map(drop);
    }
    let written = usage::to_file(engine, selection, format, path.to_owned()).await?;
    output.document(&written, |written| format!("{} attempts are in {}.\n", written.entries, written.path));
    Ok(())
}

fn write_text(path: &Path, text: &str, output: &Output) -> Result<(), Error> {
    if path == Path::new("-") {
        raw(text);
        return Ok(());
    }
    std::fs::write(path, text).map_err(|error| {
        Error::invalid(format!("{} could not be written: {error}.", path.display()), "Choose another place.")
    })?;
    output.done(&format!("The groups are in {}.", path.display()));
    Ok(())
}

pub(super) async fn chart(engine: &Arc<Engine>, args: ChartArgs, output: &Output) -> Result<(), Error> {
    let conditions = filter(&args.span.conditions)?.conditions;
    let query = UsageQuery { days: days(&args.span), conditions, by: group_by(args.by) };
    let theme = theme(args.theme);
    let request = ChartRequest { width: args.width, height: args.height, theme, hidden: Vec::new() };
    let kind = match args.name {
        ChartName::Spend => ChartKind::Spend,
        ChartName::Tokens => ChartKind::Tokens,
        ChartName::Latency => ChartKind::Latency,
        ChartName::Errors => ChartKind::Errors,
        ChartName::Hours => ChartKind::Hours,
        ChartName::Calendar => ChartKind::Calendar,
    };
    let chart = ShownChart { of: ChartOf::Usage { kind, query }, request };
    let summary = charts::to_file(engine, chart, zone(), args.out.clone()).await?;
    let document = serde_json::json!({ "path": args.out.display().to_string(), "summary": summary });
    output.document(&document, |_| format!("{summary}\nIt is in {}.\n", args.out.display()));
    Ok(())
}

pub(super) fn theme(theme: ThemeArg) -> ChartTheme {
    match theme {
        ThemeArg::Dark => ChartTheme::Dark,
        ThemeArg::Light => ChartTheme::Light,
    }
}

pub(super) async fn statement(
    engine: &Arc<Engine>,
    args: StatementArgs,
    output: &Output,
) -> Result<(), Error> {
    let written = usage::statement(engine, args.app, args.month, zone(), args.out).await?;
    output.document(&written, |written| format!("The statement is in {}.\n", written.path));
    Ok(())
}

pub(super) fn group_by(by: By) -> GroupBy {
    match by {
        By::Connection => GroupBy::Connection,
        By::Provider => GroupBy::Provider,
        By::Model => GroupBy::Model,
        By::Feature => GroupBy::Feature,
        By::App => GroupBy::App,
        By::Profile => GroupBy::Profile,
        By::Type => GroupBy::Type,
        By::Outcome => GroupBy::Outcome,
        By::Error => GroupBy::Error,
        By::Route => GroupBy::Route,
        By::Day => GroupBy::Day,
        By::Week => GroupBy::Week,
        By::Month => GroupBy::Month,
        By::Hour => GroupBy::Hour,
    }
}

pub(super) fn text(report: &UsageReport) -> String {
    let groups = report.groups.iter().flat_map(|group| {
        let inner = group.groups.iter().map(|inner| row(&format!("  {}", named(&inner.key)), &inner.figures));
        std::iter::once(row(named(&group.key), &group.figures)).chain(inner).collect::<Vec<_>>()
    });
    let prior = report.prior.iter().map(|prior| row("before", prior));
    let rows = groups.chain([row("total", &report.totals)]).chain(prior);
    let mut text =
        table(&["", "CALLS", "ANSWERED", "FAILED", "IN", "OUT", "COST", "UNPRICED", "P50", "P95"], rows);
    text.push_str(&more(report));
    if let Some(compared) = &report.what_if {
        text.push_str(
            "\nThe same traffic elsewhere (an estimate; the quality of answers is not compared):\n",
        );
        if compared.other_attempts > 0 {
            let others = compared.other_attempts;
            text.push_str(&format!(
                "Of chat only: {others} attempts of other types are left out on both sides.\n"
            ));
        }
        let rows = compared.rows.iter().map(|row| {
            let share = row.change_bp.map_or_else(|| "-".to_owned(), |bp| format!("{:+} %", bp / 100));
            vec![
                if row.id.is_empty() { row.model.clone() } else { row.id.clone() },
                row.cost.as_ref().map_or_else(|| "unknown".to_owned(), |cost| format!("${}", cost.0)),
                share,
                row.too_long.map_or_else(|| "-".to_owned(), |count| count.to_string()),
                ms(row.p50_ms),
                ms(row.p95_ms),
            ]
        });
        text.push_str(&table(&["", "COST", "CHANGE", "TOO LONG", "P50 HERE", "P95 HERE"], rows));
    }
    text
}

/// What a table has no column for.
fn more(report: &UsageReport) -> String {
    let more = &report.more;
    let mut words = Vec::new();
    let dollars = |nano: i64| format!("${}", NanoUsd(nano));
    words.extend(more.per_thousand_nano_usd.map(|nano| format!("{} per 1,000 calls", dollars(nano))));
    words.extend(more.per_signal_nano_usd.map(|nano| format!("{} per signal", dollars(nano))));
    if more.saved_by_failover > 0 {
        words.push(format!("{} calls saved by failover", more.saved_by_failover));
    }
    if more.cached_tokens > 0 {
        let by = NanoUsd(more.cache_saving_nano_usd.saturating_abs());
        let end = if more.cache_saving_nano_usd < 0 { "more than without it" } else { "saved" };
        words.push(format!("{} input tokens from a cache, about ${by} {end}", more.cached_tokens));
    }
    words.extend(more.month_pace_nano_usd.map(|nano| format!("on pace for {} this month", dollars(nano))));
    if words.is_empty() { String::new() } else { format!("{}.\n", words.join(", ")) }
}

fn named(key: &str) -> &str {
    if key.is_empty() { "(none)" } else { key }
}

fn ms(value: Option<u32>) -> String {
    value.map_or_else(|| "-".to_owned(), |ms| format!("{ms} ms"))
}

fn row(key: &str, figures: &Figures) -> Vec<String> {
    vec![
        key.to_owned(),
        figures.calls.to_string(),
        figures.succeeded.to_string(),
        figures.failed.to_string(),
        figures.input_tokens.to_string(),
        figures.output_tokens.to_string(),
        format!("${}", NanoUsd(figures.cost_nano_usd)),
        figures.unpriced_attempts.to_string(),
        ms(figures.p50_ms),
        ms(figures.p95_ms),
    ]
}
