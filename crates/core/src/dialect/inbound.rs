//! A caller's request, read without losing a byte of it, and what becomes of it for a provider: where both speak the same
//! protocol the caller's own text goes on, with only what must change changed; between protocols it is translated.

mod count;
mod embed;
mod limit;
mod needs;
mod recipe;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::fields::{Change, Fields};
use super::keepsake::{Keepsake, give_back};
use super::models::ModelLimits;
use super::takes::{self, Parameters};
use super::{Encoded, Failure, anthropic, gemini, openai, responses};
use crate::catalog::{
    CallIds, MaxTokens, MustCall, Protocol, Quirks, SchemaFormat, SeedName, StreamUsage, TopTemperature,
};
use crate::chat::{ChatRequest, Delivery, ResponseFormat};
use crate::code::Code;
use crate::embeddings::EmbeddingsForm;
use crate::profile::Recipe;

/// What a caller asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Task {
    /// A chat.
    #[default]
    Chat,
    /// Vectors.
    Embed(EmbeddingsForm),
    /// How many tokens a chat would be.
    Count,
}

/// A caller's request.
#[derive(Debug)]
pub struct Inbound {
    /// What it is written in, and what the answer has to be written in.
    pub protocol: Protocol,
    /// What is asked for.
    pub task: Task,
    /// What the caller asked for.
    pub model: String,
    /// Whole or streamed.
    pub delivery: Delivery,
    /// The caller itself asked for usage at the end of the stream.
    pub wants_usage: bool,
    /// `metadata.feature`, where the caller named one.
    pub feature: Option<String>,
    /// What the caller says in headers to a provider of its own protocol, and to no other: see [`passed_on`].
    pub headers: Vec<(&'static str, String)>,
    /// What was changed in it already, by name, and why.
    notices: Vec<String>,
    fields: Fields,
    /// What its profile says where it says nothing itself.
    recipe: Option<Arc<Recipe>>,
}

/// The headers that go on to a provider of the same protocol. None of them holds a secret.
pub fn passed_on(protocol: Protocol) -> &'static [&'static str] {
    match protocol {
        Protocol::Anthropic => &["anthropic-version", "anthropic-beta"],
        Protocol::Openai | Protocol::Responses => &["openai-beta"],
        Protocol::Gemini => &[],
    }
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// What the provider speaks.
    pub protocol: Protocol,
    /// The model's id there.
    pub model: &'a str,
    /// How the provider differs from its protocol.
    pub quirks: Quirks,
    /// What is known of the model.
    pub limits: ModelLimits,
    /// What the model does not take, whatever its protocol has words for.
    pub untaken: Parameters,
}

/// What a provider wants of a field.
#[derive(Clone, Copy)]
enum New {
    Name(&'static str),
    /// JSON text.
    Value(&'static str),
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    feature: Option<String>,
}

impl Inbound {
    /// Reads the body of a request in a protocol whose bodies name the model: all but Gemini's.
    pub fn read(protocol: Protocol, body: &[u8]) -> Result<Self, Failure> {
        let fields = read_fields(body)?;
        let model = fields
            .get::<String>("model")
            .map_err(|_| bad("The field `model` must be a string.".into()))?
            .filter(|model| !model.is_empty())
            .ok_or_else(|| {
                bad("The field `model` is missing: name a model, such as one from GET /v1/models.".into())
            })?;
        let streamed = fields
            .get::<Option<bool>>("stream")
            .map_err(|_| bad("The field `stream` must be a boolean.".into()))?;
        let delivery = if streamed.flatten() == Some(true) { Delivery::Streamed } else { Delivery::Whole };
        Ok(Self::of(protocol, model, delivery, fields))
    }

    /// Reads the body of a request to Gemini, whose path says which model answers, and how.
    pub fn read_gemini(model: &str, delivery: Delivery, body: &[u8]) -> Result<Self, Failure> {
        Ok(Self::of(Protocol::Gemini, model.to_owned(), delivery, read_fields(body)?))
    }

    /// A request of Patchbay's own, on the same path as everybody else's.
    pub fn own(request: &ChatRequest) -> Result<Self, Failure> {
        // Whether usage is asked for at the end is decided per provider.
        let quirks = Quirks { stream_usage: StreamUsage::Unasked, ..Quirks::default() };
        Self::read(Protocol::Openai, &openai::encode_request(request, quirks)?.body)
    }

    fn of(protocol: Protocol, model: String, delivery: Delivery, fields: Fields) -> Self {
        let options = fields.get::<Option<StreamOptions>>("stream_options").unwrap_or_default();
        let metadata = fields.get::<Option<Metadata>>("metadata").unwrap_or_default();
        Self {
            protocol,
            task: Task::Chat,
            model,
            delivery,
            wants_usage: options.flatten().and_then(|options| options.include_usage) == Some(true),
            feature: metadata.flatten().and_then(|metadata| metadata.feature),
            headers: Vec::new(),
            notices: Vec::new(),
            fields,
            recipe: None,
        }
    }

    /// The same request for something else than a chat: that comes in one piece.
    #[must_use]
    pub fn asking_for(self, task: Task) -> Self {
        let delivery = if task == Task::Chat { self.delivery } else { Delivery::Whole };
        Self { task, delivery, ..self }
    }

    /// How long the prompt is, in bytes: a base for estimates.
    pub fn prompt_bytes(&self) -> usize {
        let added = self.recipe.as_ref().map_or(0, |recipe| recipe.prompt_bytes());
        self.fields.bytes_of(self.prompt_fields()) + added
    }

    fn prompt_fields(&self) -> &'static [&'static str] {
        match (self.task, self.protocol) {
            (Task::Embed(_), Protocol::Gemini) => &["content", "requests"],
            (Task::Embed(_), _) => &["input"],
            (_, Protocol::Openai) => &["messages"],
            (_, Protocol::Responses) => &["instructions", "input"],
            (_, Protocol::Anthropic) => &["system", "messages"],
            (_, Protocol::Gemini) => {
                &["systemInstruction", "system_instruction", "contents", "generateContentRequest"]
            }
        }
    }

    /// Whether the provider's answer is in the caller's own protocol already.
    pub fn passes_through(&self, target: &Target<'_>) -> bool {
        self.protocol == target.protocol
    }

    /// The request for a provider. What its protocol cannot say is refused by name with [`Code::Untranslatable`]. `kept`
    /// finds what this provider, or another one, wants back with the result of a tool call, by the call's id.
    pub fn for_provider(
        &self,
        target: &Target<'_>,
        kept: impl Fn(&str) -> Option<Keepsake>,
    ) -> Result<Encoded, Failure> {
        let mut encoded = match self.task {
            Task::Chat => self.chat_for(target, kept),
            Task::Embed(form) => self.embeddings_for(form, target),
            Task::Count => self.count_for(target),
        }?;
        encoded.notices.splice(0..0, self.notices.iter().cloned());
        Ok(encoded)
    }

    /// The caller's own words to a provider of the same protocol.
    pub fn headers_for(&self, target: &Target<'_>) -> &[(&'static str, String)] {
        if self.passes_through(target) { &self.headers } else { &[] }
    }

    fn chat_for(
        &self,
        target: &Target<'_>,
        kept: impl Fn(&str) -> Option<Keepsake>,
    ) -> Result<Encoded, Failure> {
        let added = self.added(target)?;
        let mut encoded = if !self.passes_through(target) || self.is_foreign_to(target, &added.recipe) {
            self.translate(target, &added.recipe, kept).map_err(untranslatable)?
        } else {
            let own = self.pass_on(target).map_err(untranslatable)?;
            self.with_recipe(own, &added.recipe, target).map_err(untranslatable)?
        };
        encoded.notices.extend(added.notices);
        Ok(encoded)
    }

    /// The caller's own text, with only what must change changed.
    fn pass_on(&self, target: &Target<'_>) -> Result<Encoded, Failure> {
        match target.protocol {
            Protocol::Openai => Ok(self.for_openai(target)),
            Protocol::Responses => Ok(self.with_model("responses", target)),
            Protocol::Anthropic => Ok(self.with_model("v1/messages", target)),
            Protocol::Gemini => {
                let route = gemini::route(target.model, self.delivery)?;
                Ok(Encoded { route, body: self.whole(), notices: Vec::new() })
            }
        }
    }

    fn translate(
        &self,
        target: &Target<'_>,
        recipe: &Recipe,
        kept: impl Fn(&str) -> Option<Keepsake>,
    ) -> Result<Encoded, Failure> {
        let body = self.whole();
        let mut unspoken = Vec::new();
        let mut request = match self.protocol {
            Protocol::Openai => {
                unspoken = openai::unspoken_fields(&body);
                openai::decode_request(&body)
            }
            Protocol::Responses => {
                unspoken = responses::unspoken_fields(&body);
                responses::decode_request(&body)
            }
            Protocol::Anthropic => anthropic::decode_request(&body),
            Protocol::Gemini => gemini::decode_request(&body, &self.model, self.delivery),
        }?;
        target.model.clone_into(&mut request.model);
        give_back(&mut request, kept);
        recipe.complete(&mut request);
        let mut encoded = encode_request(&request, target)?;
        // How the answer is delivered is known on both sides.
        unspoken.retain(|name| name != "stream" && name != "stream_options");
        encoded.notices.extend(
            unspoken.iter().map(|name| format!("`{name}`: left out, because it cannot be translated.")),
        );
        Ok(encoded)
    }

    fn whole(&self) -> Vec<u8> {
        self.fields.write(|_, _| Change::Keep).finish().into_bytes()
    }

    fn with_model(&self, route: &str, target: &Target<'_>) -> Encoded {
        let model = Value::from(target.model).to_string();
        let (untaken, notices) = self.untaken(target);
        let change = |name, _| match name {
            "model" => Change::Value(model.clone()),
            _ if untaken.contains(&name) => Change::Drop,
            _ => Change::Keep,
        };
        let body = self.fields.write(change).finish().into_bytes();
        Encoded { route: route.to_owned(), body, notices }
    }

    /// Whether the request holds something that this provider of the same protocol takes only in another form, deep inside.
    fn is_foreign_to(&self, target: &Target<'_>, recipe: &Recipe) -> bool {
        let quirks = target.quirks;
        let wants_schema = matches!(recipe.response_format, Some(ResponseFormat::JsonSchema { .. }));
        let raw = |name: &str| self.fields.raw(name).unwrap_or_default();
        target.protocol == Protocol::Openai
            && ((quirks.call_ids == CallIds::NineAlphanumerics && has_other_call_ids(raw("messages")))
                || (quirks.schema_format == SchemaFormat::Instructed
                    && (wants_schema || raw("response_format").contains("json_schema"))))
    }

    /// The caller's own fields that the model does not take.
    fn untaken(&self, target: &Target<'_>) -> (Vec<&'static str>, Vec<String>) {
        if target.untaken == Parameters::NONE {
            return (Vec::new(), Vec::new());
        }
        let fields = self.own_wishes().and(target.untaken);
        (fields.iter().map(takes::Parameter::as_str).collect(), fields.iter().map(takes::notice).collect())
    }

    /// The caller's own body with the model of the target, the fields that this provider names otherwise, and, in a stream,
    /// usage asked for.
    fn for_openai(&self, target: &Target<'_>) -> Encoded {
        let quirks = target.quirks;
        let ask =
            self.delivery.is_streamed() && quirks.stream_usage == StreamUsage::Asked && !self.wants_usage;
        let model = Value::from(target.model).to_string();
        let (untaken, mut notices) = self.untaken(target);
        let mut changes = self.renames(quirks, &mut notices);
        changes.extend(self.other_values(quirks, &mut notices));
        let mut body = self.fields.write(|name, value| match name {
            "model" => Change::Value(model.clone()),
            "stream_options" if ask => Change::Value(with_usage(value)),
            _ if untaken.contains(&name) => Change::Drop,
            _ => {
                changes.iter().find(|(known, _)| *known == name).map_or(Change::Keep, |(_, new)| match *new {
                    New::Name(name) => Change::Rename(name),
                    New::Value(value) => Change::Value(value.to_owned()),
                })
            }
        });
        if ask && !self.fields.has("stream_options") {
            body.push("stream_options", r#"{"include_usage":true}"#);
        }
        Encoded { route: "chat/completions".to_owned(), body: body.finish().into_bytes(), notices }
    }

    /// Fields that the provider knows under another name.
    fn renames(&self, quirks: Quirks, notices: &mut Vec<String>) -> Vec<(&'static str, New)> {
        let wanted = [
            (quirks.max_tokens == MaxTokens::Renamed, "max_tokens", "max_completion_tokens"),
            (quirks.seed_name == SeedName::RandomSeed, "seed", "random_seed"),
        ];
        let mut renames = Vec::new();
        for (is_wanted, from, to) in wanted {
            if is_wanted && self.fields.has(from) && !self.fields.has(to) {
                notices.push(format!("`{from}`: sent as `{to}`, which is the provider's name for it."));
                renames.push((from, New::Name(to)));
            }
        }
        renames
    }

    /// Fields whose value the provider does not take.
    fn other_values(&self, quirks: Quirks, notices: &mut Vec<String>) -> Vec<(&'static str, New)> {
        let mut values = Vec::new();
        if quirks.must_call == MustCall::Any && self.fields.raw("tool_choice") == Some("\"required\"") {
            notices.push("`tool_choice`: sent as `any`, which is the provider's word for `required`.".into());
            values.push(("tool_choice", New::Value("\"any\"")));
        }
        let temperature = self.fields.get::<f64>("temperature").ok().flatten();
        if quirks.top_temperature == TopTemperature::OneAndAHalf && temperature.is_some_and(|t| t > 1.5) {
            notices.push("`temperature`: 1.5, the highest that the provider takes.".into());
            values.push(("temperature", New::Value("1.5")));
        }
        values
    }
}

/// Writes a neutral request for a provider.
pub fn encode_request(request: &ChatRequest, target: &Target<'_>) -> Result<Encoded, Failure> {
    if target.untaken != Parameters::NONE {
        let mut taken = request.clone();
        let notices = takes::drop_untaken(&mut taken, target.untaken);
        let mut encoded = encode_request(&taken, &Target { untaken: Parameters::NONE, ..*target })?;
        encoded.notices.extend(notices);
        return Ok(encoded);
    }
    match target.protocol {
        Protocol::Openai => openai::encode_request(request, target.quirks),
        Protocol::Responses => responses::encode_request(request),
        Protocol::Anthropic => anthropic::encode(request, target.limits),
        Protocol::Gemini => gemini::encode(request, target.limits),
    }
}

/// Whether the messages name a tool call by anything but nine letters or digits.
fn has_other_call_ids(messages: &str) -> bool {
    messages.split("\"tool_call_id\"").skip(1).any(|rest| {
        let id = rest.trim_start_matches([':', ' ', '\n', '\r', '\t']).trim_start_matches('"');
        let id = id.split('"').next().unwrap_or_default();
        id.len() != 9 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

fn read_fields(body: &[u8]) -> Result<Fields, Failure> {
    serde_json::from_slice(body).map_err(|error| bad(format!("The body is no JSON object: {error}.")))
}

fn bad(why: String) -> Failure {
    Failure { status: Some(400), ..Failure::new(Code::BadRequest, why) }
}

/// Another connection, of another protocol, may still take the request as it is.
fn untranslatable(failure: Failure) -> Failure {
    Failure { code: Code::Untranslatable, status: None, ..failure }
}

fn with_usage(options: &str) -> String {
    let mut options: Value = serde_json::from_str(options).unwrap_or_default();
    if !options.is_object() {
        options = serde_json::json!({});
    }
    options["include_usage"] = true.into();
    options.to_string()
}

#[cfg(test)]
mod tests;
