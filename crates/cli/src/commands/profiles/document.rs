//! A profile as one flat JSON document: what `show --json` prints, `add` and `edit` take. What Patchbay itself adds to it is
//! passed over on the way back.

use std::io::{IsTerminal, Read};
use std::sync::Arc;

use patchbay_core::profile::Spec;
use patchbay_engine::Engine;
use patchbay_engine::desk::profiles::{self, Profile, ProfileDraft};
use patchbay_engine::error::Error;
use serde_json::{Map, Value, json};

use crate::args::{FormatArg, ProfileFields, WhenFullArg, WhenSlowArg, WhenUntakenArg};

/// What a document tells besides what a person sets.
const TOLD: [&str; 9] = [
    "version",
    "created_at",
    "changed_at",
    "is_archived",
    "hints",
    "users",
    "apps",
    "requests",
    "model_name",
];

/// The document of a profile.
pub(super) fn flat(profile: &Profile) -> Value {
    let Value::Object(mut whole) = json!(profile) else { return Value::Null };
    if let Some(Value::Object(spec)) = whole.remove("spec") {
        whole.extend(spec);
    }
    Value::Object(whole)
}

/// A new profile, from options or from standard input.
pub(super) fn made(
    engine: &Arc<Engine>,
    name: Option<String>,
    fields: &ProfileFields,
) -> Result<ProfileDraft, Error> {
    let mut document = if fields.targets.is_empty() { from_stdin()? } else { Map::new() };
    document.extend(given(engine, fields)?);
    let named = name.map(Value::String).or_else(|| document.remove("name"));
    document.remove("name");
    let name = named.as_ref().and_then(Value::as_str).map(str::to_owned).ok_or_else(|| {
        Error::invalid("A profile needs a name.", "Give it as an argument, or as `name` in the document.")
    })?;
    chained_by_model(&mut document);
    draft(name, document)
}

/// A profile as it is to be from now on: what is not named stays.
pub(super) fn changed(
    engine: &Arc<Engine>,
    before: &Profile,
    unset: &[String],
    fields: &ProfileFields,
) -> Result<ProfileDraft, Error> {
    let options = given(engine, fields)?;
    let is_silent = unset.is_empty() && options.keys().all(|name| name == "note");
    let mut changes = if is_silent { from_stdin()? } else { Map::new() };
    changes.remove("name");
    if let (Some(model), None) = (changes.remove("model_name"), changes.get("targets")) {
        changes.insert("targets".into(), with_first_model(before, model));
    }
    changes.extend(options);
    let Value::Object(mut document) = json!(before.spec) else {
        return Err(unreadable("its form is unknown"));
    };
    for field in unset {
        if document.insert(field.clone(), Value::Null).is_none() {
            return Err(Error::invalid(
                format!("A profile has no field \"{field}\"."),
                format!("`patchbay profiles show {} --json` names them.", before.name),
            ));
        }
    }
    document.extend(changes);
    draft(before.name.clone(), document)
}

fn draft(name: String, mut document: Map<String, Value>) -> Result<ProfileDraft, Error> {
    let note = document.remove("note").and_then(|note| note.as_str().map(str::to_owned)).unwrap_or_default();
    for told in TOLD {
        document.remove(told);
    }
    // A list or a choice that is taken away is its default.
    document.retain(|_, value| !value.is_null());
    let spec = Spec::read(document).map_err(|error| unreadable(&error.to_string()))?;
    Ok(ProfileDraft { name, spec, note })
}

/// `connection` or `provider` with `model_name` is a chain of one step.
fn chained_by_model(document: &mut Map<String, Value>) {
    let place =
        ["connection", "provider"].into_iter().find_map(|place| Some((place, document.remove(place)?)));
    if let (Some((place, name)), Some(model)) = (place, document.get("model_name").cloned()) {
        document.entry("targets").or_insert_with(|| json!([{ place: name, "model": model }]));
    }
}

/// The same chain, with another model at its first step.
fn with_first_model(before: &Profile, model: Value) -> Value {
    let mut targets = json!(before.spec.targets);
    if let Some(first) = targets.get_mut(0) {
        first["model"] = model;
    }
    targets
}

fn from_stdin() -> Result<Map<String, Value>, Error> {
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        return Err(Error::invalid(
            "There is nothing to save.",
            "Give --target CONNECTION/MODEL and other options, or pipe a JSON document in.",
        ));
    }
    let mut text = String::new();
    input.read_to_string(&mut text).map_err(|error| unreadable(&error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(why: &str) -> Error {
    Error::invalid(
        format!("The profile's document cannot be read: {why}."),
        "`patchbay profiles show NAME --json` prints one that can.",
    )
}

/// The options as fields of a document.
fn given(engine: &Arc<Engine>, fields: &ProfileFields) -> Result<Map<String, Value>, Error> {
    let mut given = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            given.insert(name.to_owned(), value);
        }
    };
    put("temperature", json!(fields.temperature));
    put("top_p", json!(fields.top_p));
    put("max_tokens", json!(fields.max_tokens));
    put("presence_penalty", json!(fields.presence_penalty));
    put("frequency_penalty", json!(fields.frequency_penalty));
    put("seed", json!(fields.seed));
    put("system_prompt", json!(fields.system_prompt));
    put("streaming_enabled", json!(fields.streaming));
    put("max_concurrent_requests", json!(fields.max_concurrent));
    put("rate_limit_per_minute", json!(fields.rpm));
    put("rate_limit_per_day", json!(fields.rpd));
    put("tokens_per_minute", json!(fields.tpm));
    put("rate_limit_requests", json!(fields.rate.map(|(requests, _)| requests)));
    put("rate_limit_period_s", json!(fields.rate.map(|(_, seconds)| seconds)));
    put("timeout_s", json!(fields.timeout));
    put("max_attempts", json!(fields.max_attempts));
    put("wait_s", json!(fields.wait));
    put("note", json!(fields.note));
    let format = fields.format.map(|format| match format {
        FormatArg::Text => json!({ "type": "text" }),
        FormatArg::Json => json!({ "type": "json_object" }),
    });
    put("response_format", json!(format));
    let when_full = fields.when_full.map(|when| match when {
        WhenFullArg::Rotate => "rotate",
        WhenFullArg::Wait => "wait",
        WhenFullArg::Fail => "fail",
    });
    put("when_full", json!(when_full));
    let when_slow = fields.when_slow.map(|when| match when {
        WhenSlowArg::Wait => "wait",
        WhenSlowArg::AskNext => "ask_next",
    });
    put("when_slow", json!(when_slow));
    let when_untaken = fields.when_untaken.map(|when| match when {
        WhenUntakenArg::Drop => "drop",
        WhenUntakenArg::Refuse => "refuse",
    });
    put("when_untaken", json!(when_untaken));
    if !fields.stop_sequences.is_empty() {
        put("stop_sequences", json!(fields.stop_sequences));
    }
    if !fields.targets.is_empty() {
        let steps = fields.targets.iter().map(|text| profiles::step(engine, text));
        put("targets", json!(steps.collect::<Result<Vec<_>, _>>()?));
    }
    Ok(given)
}
