//! `patchbay models`

use std::process::ExitCode;
use std::sync::Arc;

use patchbay_core::model::{Capability, ModelState, Pricing};
use patchbay_core::money::DecimalUsd;
use patchbay_engine::Engine;
use patchbay_engine::desk::models::{
    self, Compared, Model, ModelDetail, ModelList, ModelQuery, ModelReach, ModelScope, ModelSort,
    SyncOutcome, SyncReport,
};
use patchbay_engine::error::Error;

use super::prices;
use crate::args::{CapabilityArg, ModelSearch, ModelStateArg, Models, SortArg};
use crate::output::{self, Output, table};

pub(super) async fn run(engine: &Arc<Engine>, command: Models, output: &Output) -> Result<ExitCode, Error> {
    match command {
        Models::List(args) => output.document(&models::list(engine, query(*args)).await?, list),
        Models::Show { model, provider } => {
            let (provider, model) = models::resolve(engine, model, provider).await?;
            output.document(&models::detail(engine, provider, model).await?, show);
        }
        Models::Compare { models } => {
            output.document(&models::compare(engine, models).await?, |all| compared(all));
        }
        Models::Sync { provider } => return sync(engine, provider, output).await,
        Models::Allow { connection, model } => {
            models::allow(engine, &connection, model.clone(), true).await?;
            output.done(&format!("{connection} may use {model}."));
        }
        Models::Disallow { connection, model } => {
            models::allow(engine, &connection, model.clone(), false).await?;
            output.done(&format!("{connection} may not use {model}."));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn query(args: ModelSearch) -> ModelQuery {
    let pricing = match (args.priced, args.unpriced) {
        (true, _) => Some(Pricing::Known),
        (_, true) => Some(Pricing::Unknown),
        _ => None,
    };
    ModelQuery {
        provider: args.provider,
        connection: args.connection,
        text: args.text.join(" "),
        capabilities: args.capabilities.into_iter().map(Into::into).collect(),
        state: args.state.map(Into::into),
        pricing,
        max_input: args.max_price.map(DecimalUsd),
        min_context: args.min_context,
        scope: if args.connected { ModelScope::Connected } else { ModelScope::Everything },
        sort: args.sort.into(),
        reversed: false,
        limit: Some(args.limit).filter(|limit| *limit > 0),
    }
}

/// One that could not be read makes the command fail; one without a connection is only told.
async fn sync(engine: &Arc<Engine>, provider: Option<String>, output: &Output) -> Result<ExitCode, Error> {
    let one = provider.is_some();
    let work = models::sync(engine, provider);
    let reports = tokio::select! {
        reports = work => reports?,
        _ = tokio::signal::ctrl_c() => {
            output::note("Stopped: nothing has changed.");
            return Ok(ExitCode::FAILURE);
        }
    };
    output.document(&reports, |reports| reports.iter().map(synced).collect());
    let is_bad = |report: &SyncReport| match report.outcome {
        SyncOutcome::Done => false,
        SyncOutcome::NotConnected => one,
        SyncOutcome::Failed | SyncOutcome::Empty | SyncOutcome::Stopped => true,
    };
    Ok(if reports.iter().any(is_bad) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn synced(report: &SyncReport) -> String {
    let what = match report.outcome {
        SyncOutcome::Done => format!(
            "{} models, {} new, {} back, {} gone, {} prices changed",
            report.listed,
            report.added.len(),
            report.returned.len(),
            report.gone.len(),
            report.prices_changed
        ),
        SyncOutcome::Failed => "no list could be read; nothing has changed".to_owned(),
        SyncOutcome::Empty => "the list is empty; nothing has changed".to_owned(),
        SyncOutcome::NotConnected => "no connection to ask through".to_owned(),
        SyncOutcome::Stopped => "stopped; nothing has changed".to_owned(),
    };
    let mut text = format!("{}: {what}\n", report.provider_name);
    for asked in &report.asked {
        if let Some(error) = &asked.error {
            text.push_str(&format!("  {}: {} {}\n", asked.connection, error.message, error.hint));
        }
    }
    for gone in report.gone.iter().chain(&report.deprecated) {
        let users: Vec<&str> = gone.relied_on_by.iter().map(|user| user.name.as_str()).collect();
        if !users.is_empty() {
            text.push_str(&format!("  {} is relied on by {}\n", gone.model, users.join(", ")));
        }
    }
    text
}

fn list(list: &ModelList) -> String {
    if list.matched == 0 {
        let near = list.nearest.join(", ");
        let hint = if near.is_empty() { String::new() } else { format!(" The nearest are {near}.") };
        return format!("No model fits.{hint}\n");
    }
    let mut text = models_table(&list.models);
    text.push_str(&format!("{} of {} models, {} shown. ", list.matched, list.total, list.models.len()));
    if let Some(mix) = list.mix {
        text.push_str(&format!(
            "Your mix of the last 30 days is {} % input, {} % output. ",
            mix.input_bp.div_ceil(100),
            mix.output_bp / 100
        ));
    }
    text.push_str(&format!("Bundled prices of {}.\n", list.age.bundled_on));
    if !list.age.due.is_empty() {
        text.push_str(&format!("Not read for 7 days: {}. `patchbay models sync`\n", list.age.due.join(", ")));
    }
    text
}

fn models_table(models: &[Model]) -> String {
    let rows = models.iter().map(|m| {
        vec![
            m.id.clone(),
            m.context_window.map_or_else(unknown, |size| size.to_string()),
            price(m.input_price.as_ref()),
            price(m.output_price.as_ref()),
            price(m.mix_price.as_ref()),
            m.requests.to_string(),
            reach(m).to_owned(),
        ]
    });
    table(&["MODEL", "CONTEXT", "IN / 1M", "OUT / 1M", "YOUR MIX", "30 D CALLS", "STATE"], rows)
}

fn unknown() -> String {
    "-".to_owned()
}

pub(super) fn price(price: Option<&DecimalUsd>) -> String {
    price.map_or_else(
        unknown,
        |price| if price.0 == "0" { "free".to_owned() } else { format!("${}", price.0) },
    )
}

fn reach(model: &Model) -> &'static str {
    match model.reach {
        ModelReach::Ready => "ready",
        ModelReach::Failing => "failing",
        ModelReach::Off => "off",
        ModelReach::NotAllowed => "not allowed",
        ModelReach::NotConnected => "not connected",
        ModelReach::Gone => "gone",
    }
}

fn show(detail: &ModelDetail) -> String {
    let m = &detail.model;
    let number = |value: Option<u32>| value.map_or_else(unknown, |value| value.to_string());
    let names: Vec<&str> = m.offered_by.iter().map(|offer| offer.connection.as_str()).collect();
    let can: Vec<String> = m.capabilities.iter().map(|can| format!("{can:?}").to_lowercase()).collect();
    let join = |list: &[&str]| if list.is_empty() { unknown() } else { list.join(", ") };
    let users: Vec<&str> = detail.relied_on_by.iter().map(|user| user.name.as_str()).collect();
    let elsewhere: Vec<&str> = detail.elsewhere.iter().map(|other| other.id.as_str()).collect();
    let near: Vec<&str> = detail.replacements.iter().map(String::as_str).collect();
    let rows = [
        ("model", m.id.clone()),
        ("state", format!("{}, {}", m.state.as_str(), reach(m))),
        ("ends on", m.retires_on.clone().unwrap_or_else(unknown)),
        ("context", number(m.context_window)),
        ("output", number(m.max_output)),
        ("can do", join(&can.iter().map(String::as_str).collect::<Vec<_>>())),
        ("connections", join(&names)),
        ("30 d calls", m.requests.to_string()),
        ("your mix", price(m.mix_price.as_ref())),
        ("elsewhere", join(&elsewhere)),
        ("relied on by", join(&users)),
        ("instead", join(&near)),
    ];
    let text: String = rows.iter().map(|(name, value)| format!("{name:<14}{value}\n")).collect();
    text + &prices::versions(&detail.prices)
}

fn compared(all: &[Compared]) -> String {
    let rows = all.iter().map(|entry| {
        let m = &entry.model;
        vec![
            m.id.clone(),
            m.context_window.map_or_else(unknown, |size| size.to_string()),
            price(m.input_price.as_ref()),
            price(m.output_price.as_ref()),
            price(m.mix_price.as_ref()),
            price(entry.month_cost.as_ref()),
        ]
    });
    table(&["MODEL", "CONTEXT", "IN / 1M", "OUT / 1M", "YOUR MIX", "YOUR 30 DAYS"], rows)
}

impl From<CapabilityArg> for Capability {
    fn from(capability: CapabilityArg) -> Self {
        match capability {
            CapabilityArg::Tools => Self::Tools,
            CapabilityArg::Json => Self::Json,
            CapabilityArg::Images => Self::Images,
            CapabilityArg::Reasoning => Self::Reasoning,
            CapabilityArg::Embeddings => Self::Embeddings,
        }
    }
}

impl From<ModelStateArg> for ModelState {
    fn from(state: ModelStateArg) -> Self {
        match state {
            ModelStateArg::Available => Self::Available,
            ModelStateArg::Unavailable => Self::Unavailable,
            ModelStateArg::Deprecated => Self::Deprecated,
        }
    }
}

impl From<SortArg> for ModelSort {
    fn from(sort: SortArg) -> Self {
        match sort {
            SortArg::Requests => Self::Requests,
            SortArg::Name => Self::Name,
            SortArg::Input => Self::Input,
            SortArg::Output => Self::Output,
            SortArg::Mix => Self::Mix,
            SortArg::Context => Self::Context,
            SortArg::FirstToken => Self::FirstToken,
        }
    }
}
