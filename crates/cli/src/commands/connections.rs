//! `patchbay connections`

use std::process::ExitCode;
use std::sync::Arc;

use patchbay_core::connection::{ConnectionStatus, Limits};
use patchbay_core::diagnose::{Spend, StageReport};
use patchbay_core::private::PrivateValues;
use patchbay_engine::Engine;
use patchbay_engine::desk::connections::{
    self, Connection, ConnectionDraft, ConnectionEdit, HeaderEdit, HeaderInfo, NewSettings, SecretHeaderEdit,
    Undo,
};
use patchbay_engine::desk::credentials;
use patchbay_engine::error::Error;
use tokio::sync::mpsc;

use super::testing::{self, exit_code_of, report};
use super::{secrets_from_stdin, zone};
use crate::args::{AddArgs, Connections, EditArgs, LimitArgs};
use crate::output::{Output, table};

pub(super) async fn run(
    engine: &Arc<Engine>,
    command: Connections,
    output: &Output,
) -> Result<ExitCode, Error> {
    match command {
        Connections::List => output.document(&connections::list(engine, zone()).await?, |all| list(all)),
        Connections::Show { key } => output.document(&connections::get(engine, &key, zone()).await?, show),
        Connections::Add(args) => return add(engine, *args, output).await,
        Connections::Edit(args) => edit(engine, *args, output).await?,
        Connections::Remove { key, reassign_to } => {
            connections::remove_with(engine, &key, reassign_to.as_deref(), Undo::Never).await?;
            output.done(&format!("{key} is deleted. Its history stays."));
        }
        Connections::Duplicate { key } => {
            output.document(&connections::duplicate(engine, &key, zone()).await?, show);
        }
        Connections::Suspend { key } => {
            output.document(&connections::suspend(engine, &key, zone()).await?, show);
        }
        Connections::Enable { key } => {
            output.document(&connections::enable(engine, &key, zone()).await?, show);
        }
        Connections::Pause { key } => output.document(&connections::pause(engine, &key, zone()).await?, show),
        Connections::Reorder { keys } => {
            connections::reorder(engine, keys).await?;
            output.document(&connections::list(engine, zone()).await?, |all| list(all));
        }
        Connections::Test { keys, all, spend, deep } => {
            let keys = if all { every_key(engine).await? } else { keys };
            let spend = match (spend, deep) {
                (_, true) => Spend::Deep,
                (true, false) => Spend::Allowed,
                (false, false) => Spend::FreeOnly,
            };
            return testing::run(engine, &keys, spend, output).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn every_key(engine: &Arc<Engine>) -> Result<Vec<String>, Error> {
    Ok(connections::list(engine, zone()).await?.into_iter().map(|connection| connection.key).collect())
}

async fn add(engine: &Arc<Engine>, args: AddArgs, output: &Output) -> Result<ExitCode, Error> {
    let (secret, secret_headers) = secrets_from_stdin(args.api_key_stdin, &args.secret_headers)?;
    let draft = ConnectionDraft {
        provider: args.provider,
        name: args.name,
        key: args.key,
        base_url: args.base_url,
        default_model: args.model,
        secret,
        settings: NewSettings {
            proxy: args.proxy,
            headers: args.headers.into_iter().collect(),
            private: PrivateValues { headers: secret_headers.into_iter().collect(), proxy_login: None },
            priority: args.priority,
            limits: limits(&args.limits, Limits::default()),
            max_retries: args.max_retries,
            timeout_s: args.timeout,
        },
    };
    if args.untested {
        output.document(&connections::add_untested(engine, draft, zone()).await?, show);
        return Ok(ExitCode::SUCCESS);
    }
    let outcome = connections::add_tested(engine, draft, nobody_watches(), zone()).await?;
    let failed = outcome.connection.is_none();
    output.document(&outcome, |outcome| match &outcome.connection {
        Some(connection) => format!("{}{}", report(&outcome.report), show(connection)),
        None => format!("{}Nothing was saved. --untested saves it all the same.\n", report(&outcome.report)),
    });
    Ok(if failed { exit_code_of(&outcome.report) } else { ExitCode::SUCCESS })
}

async fn edit(engine: &Arc<Engine>, args: EditArgs, output: &Output) -> Result<(), Error> {
    let blank = |text: String| Some(text).filter(|text| !text.is_empty());
    let mut edits = Vec::new();
    edits.extend(args.name.map(ConnectionEdit::Name));
    edits.extend(args.base_url.map(|url| ConnectionEdit::BaseUrl(blank(url))));
    edits.extend(args.model.map(|model| ConnectionEdit::DefaultModel(blank(model))));
    edits.extend(args.priority.map(ConnectionEdit::Priority));
    edits.extend(args.max_retries.map(ConnectionEdit::MaxRetries));
    edits.extend(args.timeout.map(ConnectionEdit::TimeoutS));
    edits.extend(args.proxy.map(|proxy| ConnectionEdit::Proxy(blank(proxy))));
    edits.extend(
        args.headers
            .into_iter()
            .map(|(name, value)| ConnectionEdit::Header(HeaderEdit { name, value: blank(value) })),
    );
    let (key, secret_headers) = secrets_from_stdin(args.api_key_stdin, &args.secret_headers)?;
    edits.extend(
        secret_headers
            .into_iter()
            .map(|(name, value)| ConnectionEdit::SecretHeader(SecretHeaderEdit { name, value: Some(value) })),
    );
    if args.limits != LimitArgs::default() {
        let known = connections::limits(engine, &args.key)?;
        edits.push(ConnectionEdit::Limits(limits(&args.limits, known)));
    }
    if edits.is_empty() && key.is_none() {
        return Err(Error::invalid(
            "There is nothing to change.",
            "Name a field, such as --name or --base-url.",
        ));
    }
    for edit in edits {
        connections::edit(engine, &args.key, edit, zone()).await?;
    }
    if let Some(key) = key {
        credentials::replace_key(engine, &args.key, key, zone()).await?;
    }
    output.document(&connections::get(engine, &args.key, zone()).await?, show);
    Ok(())
}

/// What is known, with what is given in its place. Nothing of a limit is none.
fn limits(args: &LimitArgs, known: Limits) -> Limits {
    let rate = args.rate.or(known.rate_limit_requests.zip(known.rate_limit_period_s));
    let (requests, period) = rate.filter(|(requests, _)| *requests > 0).unzip();
    let given = |given: Option<u32>, known: Option<u32>| given.or(known).filter(|most| *most > 0);
    Limits {
        rate_limit_requests: requests,
        rate_limit_period_s: period,
        rate_limit_per_minute: given(args.rpm, known.rate_limit_per_minute),
        rate_limit_per_day: given(args.rpd, known.rate_limit_per_day),
        tokens_per_minute: given(args.tpm, known.tokens_per_minute),
        max_concurrent_requests: given(args.max_concurrent, known.max_concurrent_requests),
    }
}

/// A channel whose stages nobody reads: the report holds them all.
pub(super) fn nobody_watches() -> mpsc::Sender<StageReport> {
    mpsc::channel(1).0
}

fn list(all: &[Connection]) -> String {
    let rows = all.iter().map(|c| {
        vec![
            c.key.clone(),
            c.name.clone(),
            c.provider.clone(),
            c.priority.to_string(),
            state(c),
            c.default_model.clone().unwrap_or_else(|| "-".to_owned()),
            c.requests_today.to_string(),
            format!("${}", c.cost_today.0),
        ]
    });
    table(&["KEY", "NAME", "PROVIDER", "#", "STATE", "MODEL", "ATTEMPTS TODAY", "SPEND TODAY"], rows)
}

fn state(connection: &Connection) -> String {
    use patchbay_core::health::Health;
    let word = match (connection.status, connection.health) {
        (ConnectionStatus::Inactive, _) => "off",
        (ConnectionStatus::Suspended, _) => "stopped",
        (ConnectionStatus::Active, Health::Unknown) => "untested",
        (ConnectionStatus::Active, Health::Healthy) => "healthy",
        (ConnectionStatus::Active, Health::Degraded | Health::Warning) => "degraded",
        (ConnectionStatus::Active, Health::Critical) => "failing",
    };
    word.to_owned()
}

fn show(c: &Connection) -> String {
    let key = c
        .credential
        .as_ref()
        .map_or_else(|| "none".to_owned(), |k| format!("•••• {} (version {})", k.tail, k.version));
    let rows = [
        ("key", c.key.clone()),
        ("name", c.name.clone()),
        ("provider", c.provider_name.clone()),
        ("state", state(c)),
        ("base URL", c.base_url.clone()),
        ("API key", key),
        ("model", c.default_model.clone().unwrap_or_else(|| "-".to_owned())),
        ("proxy", proxy(c)),
        ("headers", headers(c)),
        ("priority", c.priority.to_string()),
        ("timeout", format!("{} s", c.timeout_s)),
        ("retries", c.max_retries.to_string()),
        ("last error", c.last_error.as_ref().map_or_else(|| "-".to_owned(), |error| error.message.clone())),
    ];
    rows.iter().map(|(name, value)| format!("{name:<12}{value}\n")).collect()
}

fn proxy(c: &Connection) -> String {
    let login = if c.proxy_login { ", with a login" } else { "" };
    c.proxy.as_ref().map_or_else(|| "the system's".to_owned(), |proxy| format!("{proxy}{login}"))
}

fn headers(c: &Connection) -> String {
    let one = |header: &HeaderInfo| match &header.value {
        Some(value) => format!("{}: {value}", header.name),
        None => format!("{}: ••••", header.name),
    };
    if c.headers.is_empty() {
        "-".to_owned()
    } else {
        c.headers.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}
