//! One module for each noun.

mod alerts;
mod aliases;
mod apps;
mod audit;
mod backup;
mod budgets;
mod checks;
mod connections;
mod credentials;
mod demo;
mod drill;
mod gateway;
mod imports;
mod log;
mod models;
mod prices;
mod profiles;
mod prompt;
mod providers;
mod retention;
mod serve;
mod testing;
mod usage;
mod vault;
mod views;

pub use backup::{look, restore};

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::process::ExitCode;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::report::{Field, Filter};
use patchbay_core::secret::Secret;
use patchbay_engine::desk::status;
use patchbay_engine::error::Error;
use patchbay_engine::{Engine, clock};

use crate::args::Command;
use crate::output::Output;

/// Does what the command line says.
pub async fn run(engine: &Arc<Engine>, command: Command, output: &Output) -> Result<ExitCode, Error> {
    match command {
        Command::Serve { port, demo } => serve::run(engine, port, demo).await?,
        Command::Providers(command) => providers::run(engine, command, output).await?,
        Command::Models(command) => return models::run(engine, command, output).await,
        Command::Prices(command) => prices::run(engine, command, output).await?,
        Command::Profiles(command) => profiles::run(engine, command, output).await?,
        Command::Aliases(command) => aliases::run(engine, command, output).await?,
        Command::Drill(args) => drill::run(engine, args, output).await?,
        Command::Connections(command) => return connections::run(engine, command, output).await,
        Command::Credentials(command) => return credentials::run(engine, command, output).await,
        Command::Audit(command) => return audit::run(engine, command, output).await,
        Command::Retention(args) => return retention::run(engine, args, output).await,
        Command::Vault(command) => vault::run(engine, command, output).await?,
        Command::Backup(args) => backup::back_up(engine, args, output).await?,
        Command::Export(args) => backup::export(engine, args, output).await?,
        Command::Import(args) => imports::run(engine, args, output).await?,
        // Done before the data folder was opened.
        Command::Restore { .. } => {}
        Command::Checks(command) => checks::run(engine, command, output).await?,
        Command::Apps(command) => apps::run(engine, command, output).await?,
        Command::Budgets(command) => budgets::run(engine, command, output).await?,
        Command::Alerts(args) => alerts::run(engine, args, output).await?,
        Command::Gateway(command) => gateway::run(engine, command, output).await?,
        Command::Run(args) => prompt::run(engine, args, output).await?,
        Command::Usage(args) => usage::run(engine, args, output).await?,
        Command::Explore(args) => views::explore(engine, args, output).await?,
        Command::Views(command) => views::run(engine, command, output).await?,
        Command::Chart(args) => usage::chart(engine, args, output).await?,
        Command::Statement(args) => usage::statement(engine, args, output).await?,
        Command::Log(args) => log::run(engine, args, output).await?,
        Command::Stop => {
            status::stop(engine, "the command line").await?;
            output.done("All traffic is stopped. `patchbay resume` lets it flow again.");
        }
        Command::Resume => {
            status::resume(engine).await?;
            output.done("Traffic flows.");
        }
        Command::Demo(command) => demo::run(engine, command, output).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The system's zone, which days are counted in.
fn zone() -> TimeZone {
    clock::zone_or_system("")
}

/// A secret from standard input, to its end.
fn secret_from_stdin() -> Result<Secret, Error> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    let secret = Secret::new(text);
    if read.is_err() || secret.is_empty() {
        return Err(Error::invalid(
            "There is no key on standard input.",
            "Pipe it in, such as: pass show openai | patchbay …",
        ));
    }
    Ok(secret)
}

/// Headers by name.
type SecretHeaders = Vec<(String, Secret)>;

/// The API key, where one is wanted, and the values of these headers: a line of standard input each, in this order.
fn secrets_from_stdin(key: bool, headers: &[String]) -> Result<(Option<Secret>, SecretHeaders), Error> {
    if headers.is_empty() {
        return Ok((if key { Some(secret_from_stdin()?) } else { None }, Vec::new()));
    }
    let lines = std::io::stdin().lock().lines().map_while(Result::ok);
    let mut secrets: VecDeque<Secret> = lines.map(Secret::new).collect();
    if secrets.len() < usize::from(key) + headers.len() {
        return Err(Error::invalid(
            "Standard input has too few lines.",
            "It is one line for each secret: first the API key, where one is read, then the headers in their order.",
        ));
    }
    let key = if key { secrets.pop_front() } else { None };
    Ok((key, headers.iter().cloned().zip(secrets).collect()))
}

/// The conditions of `--where`.
fn filter(conditions: &[(String, String)]) -> Result<Filter, Error> {
    let mut filter = Filter::default();
    for (name, value) in conditions {
        if !filter.set(name, value) {
            return Err(Error::invalid(
                format!("There is no condition \"{name}\"."),
                format!("Use {}.", Field::ALL.map(Field::as_str).join(", ")),
            ));
        }
    }
    Ok(filter)
}
