//! `patchbay providers`

use std::sync::Arc;

use patchbay_core::catalog::{KeyNeed, Protocol, Quirks};
use patchbay_core::provider::ProviderStatus;
use patchbay_engine::Engine;
use patchbay_engine::desk::providers::{self, Provider, ProviderDraft, ProviderEdit};
use patchbay_engine::error::Error;
use serde_json::Value;

use crate::args::{KeyArg, ProtocolArg, ProviderAdd, ProviderChange, ProviderFields, Providers, StatusArg};
use crate::output::{Output, table};

pub(super) async fn run(engine: &Arc<Engine>, command: Providers, output: &Output) -> Result<(), Error> {
    match command {
        Providers::List => output.document(&providers::list(engine)?, |all| list(all)),
        Providers::Show { slug } => output.document(&providers::get(engine, &slug)?, show),
        Providers::Add(args) => output.document(&providers::add(engine, draft(*args)?).await?, show),
        Providers::Edit(args) => edit(engine, *args, output).await?,
        Providers::Remove { slug, reassign_to } => {
            providers::remove(engine, &slug, reassign_to).await?;
            output.done(&format!("{slug} is removed. Its history stays."));
        }
    }
    Ok(())
}

fn draft(args: ProviderAdd) -> Result<ProviderDraft, Error> {
    let ProviderFields { also, models, quirks, max_concurrent, .. } = args.fields;
    Ok(ProviderDraft {
        name: args.name,
        slug: args.slug,
        protocol: args.protocol.into(),
        also: also.into_iter().map(Into::into).collect(),
        base_url: args.fields.base_url,
        key: args.fields.api_key.map(Into::into),
        key_prefix: args.fields.key_prefix,
        keys_page: args.fields.keys_page,
        key_check: args.fields.key_check,
        default_model: args.fields.default_model,
        supported_models: models,
        max_concurrent_requests: max_concurrent.filter(|most| *most > 0),
        default_timeout_s: args.fields.timeout,
        supports_streaming: args.fields.streaming,
        quirks: Some(with_quirks(Quirks::default(), &quirks)?),
    })
}

async fn edit(engine: &Arc<Engine>, args: ProviderChange, output: &Output) -> Result<(), Error> {
    let edits = edits(providers::get(engine, &args.slug)?.quirks, &args)?;
    if edits.is_empty() {
        return Err(Error::invalid(
            "There is nothing to change.",
            "Name a field, such as --status or --base-url.",
        ));
    }
    for edit in edits {
        providers::edit(engine, &args.slug, edit).await?;
    }
    output.document(&providers::get(engine, &args.slug)?, show);
    Ok(())
}

fn edits(quirks: Quirks, args: &ProviderChange) -> Result<Vec<ProviderEdit>, Error> {
    let fields = &args.fields;
    let mut edits = Vec::new();
    edits.extend(args.name.clone().map(ProviderEdit::Name));
    edits.extend(args.protocol.map(|protocol| ProviderEdit::Protocol(protocol.into())));
    edits.extend(args.status.map(|status| ProviderEdit::Status(status.into())));
    edits.extend(args.default_connection.clone().map(|key| ProviderEdit::DefaultConnection(Some(key))));
    edits.extend(fields.base_url.clone().map(|url| ProviderEdit::BaseUrl(Some(url))));
    edits.extend(fields.api_key.map(|need| ProviderEdit::Key(need.into())));
    edits.extend(fields.key_prefix.clone().map(|prefix| ProviderEdit::KeyPrefix(Some(prefix))));
    edits.extend(fields.keys_page.clone().map(|page| ProviderEdit::KeysPage(Some(page))));
    edits.extend(fields.key_check.clone().map(|path| ProviderEdit::KeyCheck(Some(path))));
    edits.extend(fields.default_model.clone().map(|model| ProviderEdit::DefaultModel(Some(model))));
    if !fields.also.is_empty() {
        edits.push(ProviderEdit::Also(fields.also.iter().copied().map(Into::into).collect()));
    }
    if !fields.models.is_empty() {
        edits.push(ProviderEdit::SupportedModels(fields.models.clone()));
    }
    edits.extend(
        fields
            .max_concurrent
            .map(|most| ProviderEdit::MaxConcurrentRequests(Some(most).filter(|most| *most > 0))),
    );
    edits.extend(fields.timeout.map(ProviderEdit::DefaultTimeoutS));
    edits.extend(fields.streaming.map(ProviderEdit::SupportsStreaming));
    if !fields.quirks.is_empty() {
        edits.push(ProviderEdit::Quirks(with_quirks(quirks, &fields.quirks)?));
    }
    Ok(edits)
}

/// The quirks with some of them changed; a name or a value that there is not is told with those that there are.
fn with_quirks(quirks: Quirks, changes: &[(String, String)]) -> Result<Quirks, Error> {
    let mut object = serde_json::json!(quirks);
    for (name, value) in changes {
        match object.get_mut(name) {
            Some(slot) => *slot = Value::String(value.clone()),
            None => return Err(no_such_quirk(name)),
        }
    }
    serde_json::from_value(object)
        .map_err(|error| Error::invalid(format!("This is no quirk: {error}."), "Correct --quirk NAME=VALUE."))
}

fn no_such_quirk(name: &str) -> Error {
    let known = serde_json::json!(Quirks::default());
    let names: Vec<&str> = known.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    Error::invalid(format!("There is no quirk \"{name}\"."), format!("Use {}.", names.join(", ")))
}

fn list(all: &[Provider]) -> String {
    let rows = all.iter().map(|p| {
        let whose = if p.built_in { "" } else { "yours" };
        vec![
            p.slug.clone(),
            p.name.clone(),
            p.status.as_str().to_owned(),
            p.base_url.clone(),
            whose.to_owned(),
        ]
    });
    table(&["PROVIDER", "NAME", "STATUS", "BASE URL", ""], rows)
}

fn show(p: &Provider) -> String {
    let or_none = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let rows = [
        ("slug", p.slug.clone()),
        ("name", p.name.clone()),
        ("from", if p.built_in { "Patchbay's catalogue".to_owned() } else { "you".to_owned() }),
        ("status", p.status.as_str().to_owned()),
        ("protocol", p.protocol.as_str().to_owned()),
        ("base URL", or_none(&p.base_url)),
        ("API key", p.key.as_str().to_owned()),
        ("keys page", or_none(&p.keys_page)),
        ("model", or_none(&p.default_model)),
        ("models", or_none(&p.known_models.join(", "))),
        (
            "parallel",
            p.max_concurrent_requests.map_or_else(|| "no limit".to_owned(), |most| most.to_string()),
        ),
        ("timeout", format!("{} s", p.default_timeout_s)),
        ("streams", if p.supports_streaming { "yes".to_owned() } else { "no".to_owned() }),
        ("default", or_none(p.default_connection.as_deref().unwrap_or_default())),
    ];
    rows.iter().map(|(name, value)| format!("{name:<12}{value}\n")).collect()
}

impl From<ProtocolArg> for Protocol {
    fn from(protocol: ProtocolArg) -> Self {
        match protocol {
            ProtocolArg::Openai => Self::Openai,
            ProtocolArg::Responses => Self::Responses,
            ProtocolArg::Anthropic => Self::Anthropic,
            ProtocolArg::Gemini => Self::Gemini,
        }
    }
}

impl From<StatusArg> for ProviderStatus {
    fn from(status: StatusArg) -> Self {
        match status {
            StatusArg::Active => Self::Active,
            StatusArg::Maintenance => Self::Maintenance,
            StatusArg::Deprecated => Self::Deprecated,
        }
    }
}

impl From<KeyArg> for KeyNeed {
    fn from(need: KeyArg) -> Self {
        match need {
            KeyArg::Required => Self::Required,
            KeyArg::Optional => Self::Optional,
            KeyArg::None => Self::None,
        }
    }
}
