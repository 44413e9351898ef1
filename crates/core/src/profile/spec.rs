//! A profile as a person writes it: one version, whole. It is what scripts give on standard input and what the editor holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

use super::{Conduct, Profile, Recipe, Step, Streams, Target, WhenFull, WhenSlow, WhenUntaken};
use crate::chat::{ResponseFormat, Sampling, Tool, ToolChoice};
use crate::connection::Limits;
use crate::id::{ConnectionId, ProfileId};

/// Steps of a chain at most.
const MOST_TARGETS: usize = 20;
/// What OpenAI takes; others take no fewer.
const MOST_STOPS: usize = 4;
/// What the strictest provider takes.
const MOST_TOOLS: usize = 128;
/// The longest system prompt, in bytes: a book is no instruction.
const LONGEST_PROMPT: usize = 256 * 1024;
/// The longest wait for room, in seconds.
const LONGEST_WAIT_S: u32 = 600;

/// One version of a profile. What is `None` or empty is not sent, or left to the connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The chain, first tried first: 1 to 20 steps.
    pub targets: Vec<SpecTarget>,
    /// 0..=2.
    pub temperature: Option<f64>,
    /// 0..=1.
    pub top_p: Option<f64>,
    /// The longest answer in tokens, from 1.
    pub max_tokens: Option<u32>,
    /// −2..=2.
    pub presence_penalty: Option<f64>,
    /// −2..=2.
    pub frequency_penalty: Option<f64>,
    /// 32 bits, which every protocol takes.
    pub seed: Option<i32>,
    /// Texts that end the answer; 4 at most.
    pub stop_sequences: Vec<String>,
    /// The shape of the answer.
    pub response_format: Option<AnswerFormat>,
    /// Functions that the model may call.
    pub tool_configurations: Vec<ToolSpec>,
    /// Whether it must call one.
    pub tool_choice: Option<ToolUse>,
    /// Instructions, before everything else.
    pub system_prompt: Option<String>,
    /// Whether calls may be streamed; `None` as each connection says.
    pub streaming_enabled: Option<bool>,
    /// Requests at the same time, on top of the connections' limits.
    pub max_concurrent_requests: Option<u32>,
    /// Requests per `rate_limit_period_s`; both or neither.
    pub rate_limit_requests: Option<u32>,
    /// Seconds.
    pub rate_limit_period_s: Option<u32>,
    /// Requests in any minute.
    pub rate_limit_per_minute: Option<u32>,
    /// Requests in a local calendar day.
    pub rate_limit_per_day: Option<u32>,
    /// Tokens in any minute.
    pub tokens_per_minute: Option<u32>,
    /// Until the first byte, in seconds, 1..=3600.
    pub timeout_s: Option<u32>,
    /// Attempts of one call, 1..=20; `None` = 4.
    pub max_attempts: Option<u32>,
    /// What happens when a connection is full: `rotate` to the others first, `wait` for it, or `fail`; `None` = `rotate`.
    pub when_full: Option<FullPolicy>,
    /// How long a call waits for room, in seconds, 0..=600; `None` = 10.
    pub wait_s: Option<u32>,
    /// What happens when a target is slower than it usually is: `wait` for it, or `ask_next` as well; `None` = `wait`.
    #[serde(default)]
    pub when_slow: Option<WhenSlow>,
    /// What happens to a parameter that a model does not take.
    pub when_untaken: WhenUntaken,
}

/// What happens when a connection is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum FullPolicy {
    /// The other candidates first, then wait for the first that has room.
    Rotate,
    /// Wait for this one, then the next.
    Wait,
    /// Fail at the first that is full.
    Fail,
}

/// A step of the chain: a connection, or a provider with all its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(deny_unknown_fields)]
pub struct SpecTarget {
    /// A connection key.
    pub connection: Option<String>,
    /// A provider's slug.
    pub provider: Option<String>,
    /// The model id as that provider knows it.
    pub model: String,
}

/// Where a step leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// To the connection of that key.
    Connection(&'a str),
    /// To the connections of that provider.
    Provider(&'a str),
}

impl SpecTarget {
    /// Where it leads; `None` where it names neither or both.
    pub fn place(&self) -> Option<Place<'_>> {
        match (self.connection.as_deref(), self.provider.as_deref()) {
            (Some(key), None) => Some(Place::Connection(key)),
            (None, Some(slug)) => Some(Place::Provider(slug)),
            _ => None,
        }
    }

    /// As a call would name it: `connection_key/model` or `provider-slug/model`.
    pub fn address(&self) -> String {
        let place = self.connection.as_ref().or(self.provider.as_ref()).map_or("", String::as_str);
        format!("{place}/{}", self.model)
    }
}

/// Any JSON, as the window's types name it. Only its shape is used: the values are serde_json's.
#[derive(Clone, Debug, PartialEq, Serialize, specta::Type)]
#[serde(untagged)]
pub enum AnyJson {
    /// `null`
    Null,
    /// `true`, `false`
    Truth(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<AnyJson>),
    /// An object.
    Object(BTreeMap<String, AnyJson>),
}

/// The shape of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum AnswerFormat {
    /// Plain text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// 1 to 64 of a-z, A-Z, 0-9, _ and -.
        name: String,
        /// The schema: an object.
        #[specta(type = AnyJson)]
        schema: Value,
        /// Whether it must fit exactly.
        strict: Option<bool>,
    },
}

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, specta::Type)]
#[serde(deny_unknown_fields)]
pub struct ToolSpec {
    /// 1 to 64 of a-z, A-Z, 0-9, _ and -.
    pub name: String,
    /// For the model.
    pub description: Option<String>,
    /// JSON schema of its arguments: an object.
    #[specta(type = AnyJson)]
    pub parameters: Value,
    /// Whether arguments must fit the schema exactly.
    pub strict: Option<bool>,
}

/// Whether the model must call a tool.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ToolUse {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Function(String),
}

/// Why a profile cannot be as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SpecError {
    /// The field, by its name in [`Spec`].
    pub field: &'static str,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub hint: String,
}

/// Whether a text may be a profile's name: 1 to 64 of `a-z A-Z 0-9 . _ : -`. Bots send it as a model, some of them in a path.
pub fn is_profile_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b))
}

impl Spec {
    /// Reads a document. What it leaves out is not said.
    pub fn read(document: Map<String, Value>) -> serde_json::Result<Self> {
        let mut whole = serde_json::to_value(Self::default())?;
        if let Value::Object(fields) = &mut whole {
            fields.extend(document);
        }
        serde_json::from_value(whole)
    }

    /// Whether everything is in its range (M4). Whether its targets exist is the store's to say.
    pub fn check(&self) -> Result<(), SpecError> {
        self.check_chain()?;
        self.check_limits()?;
        self.check_recipe()
    }

    /// The same of what is sent only.
    pub fn check_recipe(&self) -> Result<(), SpecError> {
        self.check_numbers()?;
        self.check_texts()?;
        self.check_tools()
    }

    /// The model of its first step; empty for a chain without any.
    pub fn model_name(&self) -> &str {
        self.targets.first().map_or("", |target| &target.model)
    }

    /// What is sent.
    pub fn recipe(&self) -> Recipe {
        Recipe {
            system_prompt: self.system_prompt.clone().filter(|text| !text.trim().is_empty()),
            sampling: Sampling {
                temperature: self.temperature,
                top_p: self.top_p,
                presence_penalty: self.presence_penalty,
                frequency_penalty: self.frequency_penalty,
                seed: self.seed.map(i64::from),
                stop: self.stop_sequences.clone(),
            },
            max_tokens: self.max_tokens,
            response_format: self.response_format.as_ref().map(AnswerFormat::neutral),
            tools: self.tool_configurations.iter().map(ToolSpec::neutral).collect(),
            tool_choice: self.tool_choice.as_ref().map(ToolUse::neutral),
            when_untaken: self.when_untaken,
        }
    }

    /// How its calls are made.
    pub fn conduct(&self) -> Conduct {
        let wait_ms = u64::from(self.wait_s.unwrap_or(10)) * 1_000;
        Conduct {
            limits: self.limits(),
            when_full: match self.when_full {
                None | Some(FullPolicy::Rotate) => WhenFull::Rotate { wait_ms },
                Some(FullPolicy::Wait) => WhenFull::Wait { wait_ms },
                Some(FullPolicy::Fail) => WhenFull::Fail,
            },
            when_slow: self.when_slow.unwrap_or_default(),
            attempts: self.max_attempts,
            first_byte_ms: self.timeout_s.map(|seconds| seconds.saturating_mul(1_000)),
            streams: match self.streaming_enabled {
                None => Streams::AsConnection,
                Some(true) => Streams::Allowed,
                Some(false) => Streams::Refused,
            },
        }
    }

    /// Compiled for calls. A step whose connection is gone is left out.
    pub fn compile(
        &self,
        (id, name, version): (ProfileId, String, u32),
        connection: impl Fn(&str) -> Option<ConnectionId>,
    ) -> Profile {
        let step = |target: &SpecTarget| match target.place()? {
            Place::Connection(key) => connection(key).map(Step::Connection),
            Place::Provider(slug) => Some(Step::Provider(slug.to_owned())),
        };
        let target =
            |target: &SpecTarget| step(target).map(|step| Target { step, model: target.model.clone() });
        Profile {
            recipe: Arc::new(self.recipe()),
            conduct: self.conduct(),
            ..Profile::chain(id, name, version, self.targets.iter().filter_map(target).collect())
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            rate_limit_requests: self.rate_limit_requests,
            rate_limit_period_s: self.rate_limit_period_s,
            rate_limit_per_minute: self.rate_limit_per_minute,
            rate_limit_per_day: self.rate_limit_per_day,
            tokens_per_minute: self.tokens_per_minute,
            max_concurrent_requests: self.max_concurrent_requests,
        }
    }

    fn check_chain(&self) -> Result<(), SpecError> {
        if !(1..=MOST_TARGETS).contains(&self.targets.len()) {
            let message = format!("A profile has 1 to {MOST_TARGETS} steps, not {}.", self.targets.len());
            return Err(wrong("targets", message, "Add a connection or a provider with a model."));
        }
        for (step, target) in (1..).zip(&self.targets) {
            if target.place().is_none() {
                let message = format!("Step {step} must name either a connection or a provider.");
                return Err(wrong("targets", message, "Give `connection` or `provider`, and `model`."));
            }
            if !(1..=200).contains(&target.model.chars().count())
                || target.model.chars().any(char::is_control)
            {
                let message = format!("Step {step} needs a model of 1 to 200 characters.");
                return Err(wrong("targets", message, "`patchbay models list` shows what can be called."));
            }
            if self.targets[..step - 1].contains(target) {
                let message = format!("Step {step} is there twice: {}.", target.address());
                return Err(wrong(
                    "targets",
                    message,
                    "A call tries each place once; leave one of them out.",
                ));
            }
        }
        Ok(())
    }

    fn check_numbers(&self) -> Result<(), SpecError> {
        for (field, value, least, most) in [
            ("temperature", self.temperature, 0.0, 2.0),
            ("top_p", self.top_p, 0.0, 1.0),
            ("presence_penalty", self.presence_penalty, -2.0, 2.0),
            ("frequency_penalty", self.frequency_penalty, -2.0, 2.0),
        ] {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                let message = format!("The {} cannot be {value}.", field.replace('_', " "));
                return Err(wrong(field, message, format!("Use {least} to {most}.")));
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Result<(), SpecError> {
        for (field, value, least, most) in [
            ("max_tokens", self.max_tokens, 1, u32::MAX),
            ("max_concurrent_requests", self.max_concurrent_requests, 1, u32::MAX),
            ("rate_limit_requests", self.rate_limit_requests, 1, u32::MAX),
            ("rate_limit_period_s", self.rate_limit_period_s, 1, 31 * 86_400),
            ("rate_limit_per_minute", self.rate_limit_per_minute, 1, u32::MAX),
            ("rate_limit_per_day", self.rate_limit_per_day, 1, u32::MAX),
            ("tokens_per_minute", self.tokens_per_minute, 1, u32::MAX),
            ("timeout_s", self.timeout_s, 1, 3_600),
            ("max_attempts", self.max_attempts, 1, 20),
            ("wait_s", self.wait_s, 0, LONGEST_WAIT_S),
        ] {
            if let Some(value) = value.filter(|value| !(least..=most).contains(value)) {
                let range =
                    if most == u32::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
                return Err(wrong(field, format!("`{field}` cannot be {value}."), format!("Use {range}.")));
            }
        }
        if self.rate_limit_requests.is_some() != self.rate_limit_period_s.is_some() {
            let message = "A rate has requests and a period in seconds, both or neither.";
            return Err(wrong("rate_limit_period_s", message, "Give the other one, too."));
        }
        Ok(())
    }

    fn check_texts(&self) -> Result<(), SpecError> {
        if self.stop_sequences.len() > MOST_STOPS || self.stop_sequences.iter().any(String::is_empty) {
            let message = format!("There may be {MOST_STOPS} stop sequences, none of them empty.");
            return Err(wrong("stop_sequences", message, "Leave out those that matter least."));
        }
        if self.system_prompt.as_ref().is_some_and(|text| text.len() > LONGEST_PROMPT) {
            return Err(wrong("system_prompt", "The system prompt is longer than 256 KiB.", "Shorten it."));
        }
        Ok(())
    }

    fn check_tools(&self) -> Result<(), SpecError> {
        if let Some(AnswerFormat::JsonSchema { name, schema, .. }) = &self.response_format {
            check_function("response_format", name, schema)?;
        }
        if self.tool_configurations.len() > MOST_TOOLS {
            return Err(wrong("tool_configurations", "There may be 128 tools.", "Leave some out."));
        }
        for (index, tool) in self.tool_configurations.iter().enumerate() {
            check_function("tool_configurations", &tool.name, &tool.parameters)?;
            if self.tool_configurations[..index].iter().any(|other| other.name == tool.name) {
                let message = format!("There are two tools named \"{}\".", tool.name);
                return Err(wrong("tool_configurations", message, "Rename one of them."));
            }
        }
        match &self.tool_choice {
            Some(ToolUse::Function(name))
                if !self.tool_configurations.iter().any(|tool| tool.name == *name) =>
            {
                let message = format!("The tool \"{name}\" must be called, and there is none of that name.");
                Err(wrong("tool_choice", message, "Choose one of the profile's tools."))
            }
            Some(ToolUse::Required) if self.tool_configurations.is_empty() => {
                let message = "A tool must be called, and the profile has none.";
                Err(wrong("tool_choice", message, "Add a tool, or choose \"auto\"."))
            }
            _ => Ok(()),
        }
    }
}

/// What holds for the name and the schema of a tool and of an answer.
fn check_function(field: &'static str, name: &str, schema: &Value) -> Result<(), SpecError> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    if !(1..=64).contains(&name.len()) || !name.bytes().all(is_plain) {
        let message = format!("\"{name}\" is no name that every provider takes.");
        return Err(wrong(field, message, "Use 1 to 64 of a-z, A-Z, 0-9, _ and -."));
    }
    if !schema.is_object() {
        let message = format!("The schema of \"{name}\" is no JSON object.");
        return Err(wrong(
            field,
            message,
            "Write a JSON schema, such as {\"type\":\"object\",\"properties\":{}}.",
        ));
    }
    Ok(())
}

fn wrong(field: &'static str, message: impl Into<String>, hint: impl Into<String>) -> SpecError {
    SpecError { field, message: message.into(), hint: hint.into() }
}

impl AnswerFormat {
    fn neutral(&self) -> ResponseFormat {
        match self {
            Self::Text => ResponseFormat::Text,
            Self::JsonObject => ResponseFormat::JsonObject,
            Self::JsonSchema { name, schema, strict } => ResponseFormat::JsonSchema {
                name: name.clone(),
                description: None,
                schema: schema.clone(),
                strict: *strict,
            },
        }
    }
}

impl ToolSpec {
    fn neutral(&self) -> Tool {
        Tool {
            name: self.name.clone(),
            description: self.description.clone(),
            parameters: self.parameters.clone(),
            strict: self.strict,
        }
    }
}

impl ToolUse {
    fn neutral(&self) -> ToolChoice {
        match self {
            Self::Auto => ToolChoice::Auto,
            Self::None => ToolChoice::None,
            Self::Required => ToolChoice::Required,
            Self::Function(name) => ToolChoice::Function(name.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
