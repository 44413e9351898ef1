//! `patchbay import`

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::desk::configuration::ImportStep;
use patchbay_engine::desk::imports::{self, Import, Planned, Source};
use patchbay_engine::error::Error;
use patchbay_engine::vault::Question;

use super::backup::passphrase;
use crate::args::ImportArgs;
use crate::output::Output;

pub(super) async fn run(engine: &Arc<Engine>, args: ImportArgs, output: &Output) -> Result<(), Error> {
    let source = match args.file {
        Some(file) => Source::File(file),
        None if args.env => Source::Environment,
        None => Source::Machine,
    };
    let ask = || passphrase(Question::Open);
    if args.dry_run {
        output.document(&imports::plan(engine, &source, ask).await?, |plan| {
            format!("{}{}", show(plan), told(plan, "Nothing was changed yet"))
        });
        return Ok(());
    }
    let chosen = Some(args.only).filter(|only| !only.is_empty());
    output.document(&imports::apply(engine, &source, chosen, ask).await?, |made| {
        format!("{}{}", show(made), told(made, "Done"))
    });
    Ok(())
}

fn show(import: &Import) -> String {
    let mut text: String = import.connections.iter().map(connection).collect();
    text += &import.steps.iter().map(step).collect::<String>();
    text += &import.keys.iter().map(|key| format!("key     connection {key}\n")).collect::<String>();
    for left in &import.skipped {
        text += &format!("left    {}: {}\n", left.what, left.why);
    }
    text
}

fn told(import: &Import, end: &str) -> String {
    match import.connections.len() + import.steps.len() + import.keys.len() {
        0 => "There is nothing new.\n".to_owned(),
        1 => format!("1 change. {end}.\n"),
        count => format!("{count} changes. {end}.\n"),
    }
}

fn connection(planned: &Planned) -> String {
    let key =
        planned.key_from.as_ref().map_or_else(|| "no key".to_owned(), |from| format!("key from {from}"));
    let mut text = format!("create  connection {}\n", planned.key);
    text += &format!("          {} at {}, {key}\n", planned.provider_name, planned.base_url);
    if let Some(clash) = &planned.clash {
        let only = &planned.origin;
        text += &format!(
            "          {clash} leads to the same place already; --only \"{only}\" adds it all the same\n"
        );
    }
    text + &planned.notes.iter().map(|note| format!("          {note}\n")).collect::<String>()
}

fn step(step: &ImportStep) -> String {
    let changes = step.changes.iter().map(|change| match change.before.as_str() {
        "" => format!("          {}: {}\n", change.field, change.after),
        before => format!("          {}: {before} -> {}\n", change.field, change.after),
    });
    format!("{:<8}{} {}\n{}", step.action, step.kind, step.name, changes.collect::<String>())
}
