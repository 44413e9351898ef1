//! `patchbay log`

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::code::Code;
use patchbay_core::id::CallId;
use patchbay_core::money::NanoUsd;
use patchbay_core::report::Filter;
use patchbay_engine::Engine;
use patchbay_engine::desk::log::{self, Line, OpenLine};
use patchbay_engine::error::Error;

use super::filter;
use crate::args::{LogArgs, LogShow};
use crate::output::{self, Output};

/// How often `--follow` looks: other processes write the ledger, so there is nothing to wait for but time.
const LOOK: Duration = Duration::from_millis(250);

pub(super) async fn run(engine: &Arc<Engine>, args: LogArgs, output: &Output) -> Result<(), Error> {
    if let Some(LogShow::Show { call, body }) = args.show {
        let call = known(&call)?;
        return if body { messages(engine, call, output).await } else { show(engine, call, output).await };
    }
    let filter = filter(&args.conditions)?;
    if args.running {
        return running(engine, filter, output).await;
    }
    let lines = if args.archived {
        log::newest_of_all(engine, filter.clone(), args.limit).await?
    } else {
        log::newest(engine, filter.clone(), args.limit).await?
    };
    print(&lines, output);
    if args.follow {
        follow(engine, filter, lines.iter().map(|line| line.id).max().unwrap_or(0), output).await?;
    }
    Ok(())
}

async fn running(engine: &Arc<Engine>, filter: Filter, output: &Output) -> Result<(), Error> {
    for line in log::open(engine, filter).await? {
        if output.is_json() {
            output::json_line(&line);
        } else {
            let OpenLine { at, call, attempt, app, connection, model, running_ms, .. } = line;
            output.line(&format!(
                "{at}  {call}#{attempt}  running     {app:<16} {connection} {model}  {running_ms} ms"
            ));
        }
    }
    Ok(())
}

async fn follow(engine: &Arc<Engine>, filter: Filter, mut seen: i64, output: &Output) -> Result<(), Error> {
    let mut ticks = tokio::time::interval(LOOK);
    loop {
        ticks.tick().await;
        let lines = log::after(engine, filter.clone(), seen).await?;
        print(&lines, output);
        seen = lines.iter().map(|line| line.id).max().unwrap_or(seen);
    }
}

fn unknown(call: &str) -> Error {
    Error::new(Code::NotFound, format!("There is no call \"{call}\"."), "`patchbay log` lists the newest.")
}

fn known(call: &str) -> Result<CallId, Error> {
    call.parse().map_err(|_| unknown(call))
}

async fn messages(engine: &Arc<Engine>, call: CallId, output: &Output) -> Result<(), Error> {
    let kept = engine.messages(call).await?.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            "What was sent and answered in this call is not kept.",
            "`patchbay apps edit NAME --keep-bodies 24h` keeps it for calls from then on.",
        )
    })?;
    output.document(&kept, |kept| {
        let cut = if kept.is_cut { "\n(only the beginning is kept)" } else { "" };
        format!("{}\n\n{}{cut}", kept.request, kept.answer)
    });
    Ok(())
}

async fn show(engine: &Arc<Engine>, call: CallId, output: &Output) -> Result<(), Error> {
    let story = log::explain(engine, call).await?.ok_or_else(|| unknown(&call.to_string()))?;
    if output.is_json() {
        print(&log::of_call(engine, call).await?, output);
        return Ok(());
    }
    output.line(&story.summary);
    story.steps.iter().for_each(|step| output.line(&format!("  {step}")));
    Ok(())
}

fn print(lines: &[Line], output: &Output) {
    for line in lines {
        if output.is_json() {
            output::json_line(line);
        } else {
            output.line(&text(line));
        }
    }
}

fn text(line: &Line) -> String {
    let tokens = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
    let cost = line.cost_nano_usd.map_or_else(|| "unknown".to_owned(), |nano| format!("${}", NanoUsd(nano)));
    let message = line.message.as_ref().map_or_else(String::new, |message| format!("  {message}"));
    format!(
        "{}  {}#{}  {:<11} {:<16} {} {}  {} + {}  {cost}  {} ms{message}",
        line.at,
        line.call,
        line.attempt,
        line.outcome,
        line.app,
        line.connection,
        line.model,
        tokens(line.input_tokens),
        tokens(line.output_tokens),
        line.total_ms
    )
}
