//! A profile's recipe in a caller's request: it says what the caller left out (M5), as far as the target takes it (M4).

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Encoded, Failure, Inbound, Target, encode_request};
use crate::catalog::Protocol;
use crate::chat::{ChatRequest, Message, Sampling, Tool, ToolChoice};
use crate::code::Code;
use crate::dialect::fields::{Change, Fields};
use crate::dialect::takes::{Parameters, asked, forget, notice, untaken_by_protocol};
use crate::profile::{Recipe, WhenUntaken};

/// What every request says for itself: a recipe has no say in it.
const OWN: [&str; 9] =
    ["model", "messages", "input", "contents", "stream", "stream_options", "store", "include", "thinking"];
/// Objects that a recipe fills up field by field.
const SHARED: [&str; 3] = ["generationConfig", "text", "output_config"];

/// What a recipe adds to a request.
#[derive(Default)]
pub(super) struct Added {
    pub(super) recipe: Recipe,
    pub(super) notices: Vec<String>,
}

#[derive(Deserialize)]
struct Spoken<'a> {
    #[serde(borrow, default)]
    role: Cow<'a, str>,
}

impl Inbound {
    /// The same request, called by a profile: what it leaves out is the recipe's to say.
    #[must_use]
    pub fn by_recipe(self, recipe: &Arc<Recipe>) -> Self {
        let has_a_say = !recipe.is_empty() || recipe.when_untaken == WhenUntaken::Refuse;
        Self { recipe: has_a_say.then(|| Arc::clone(recipe)), ..self }
    }

    /// What the recipe says and the caller does not.
    pub(super) fn missing(&self) -> Option<Recipe> {
        let mut recipe = Recipe::clone(self.recipe.as_ref()?);
        let sampling = &mut recipe.sampling;
        let wishes = [
            (&mut sampling.temperature, Wish::Temperature),
            (&mut sampling.top_p, Wish::TopP),
            (&mut sampling.presence_penalty, Wish::PresencePenalty),
            (&mut sampling.frequency_penalty, Wish::FrequencyPenalty),
        ];
        for (value, wish) in wishes {
            *value = value.filter(|_| !self.says(wish));
        }
        sampling.seed = sampling.seed.filter(|_| !self.says(Wish::Seed));
        if self.says(Wish::Stop) {
            sampling.stop.clear();
        }
        recipe.max_tokens = recipe.max_tokens.filter(|_| !self.says(Wish::MaxTokens));
        recipe.response_format = recipe.response_format.filter(|_| !self.says(Wish::Format));
        recipe.system_prompt = recipe.system_prompt.filter(|_| !self.instructs());
        if self.says(Wish::Tools) {
            recipe.tools.clear();
        }
        let has_tools = self.says(Wish::Tools) || !recipe.tools.is_empty();
        recipe.tool_choice = recipe.tool_choice.filter(|_| has_tools && !self.says(Wish::ToolChoice));
        Some(recipe)
    }

    /// What the recipe adds for that target. What it does not take is left out with a notice, or refused.
    pub(super) fn added(&self, target: &Target<'_>) -> Result<Added, Failure> {
        let Some(mut recipe) = self.missing() else { return Ok(Added::default()) };
        let wanted = asked(&recipe.sampling, recipe.response_format.as_ref());
        let untaken = untaken_by_protocol(target.protocol);
        let lost = wanted.and(untaken);
        let unheard = wanted.and(target.untaken).iter().chain(self.own_wishes().and(target.untaken).iter());
        if recipe.when_untaken == WhenUntaken::Refuse
            && let Some(parameter) = lost.iter().chain(unheard).next()
        {
            let name = parameter.as_str();
            let why =
                format!("`{name}` is not taken by {}, and the profile wants it refused then.", target.model);
            return Err(Failure::new(Code::Untranslatable, why));
        }
        forget(&mut recipe.sampling, &mut recipe.response_format, untaken);
        Ok(Added { recipe, notices: lost.iter().map(notice).collect() })
    }

    /// Adds the recipe to a request that goes on in the caller's own protocol.
    pub(super) fn with_recipe(
        &self,
        encoded: Encoded,
        recipe: &Recipe,
        target: &Target<'_>,
    ) -> Result<Encoded, Failure> {
        if recipe.is_empty() {
            return Ok(encoded);
        }
        let mut wish = ChatRequest {
            model: target.model.to_owned(),
            messages: vec![Message::user("-")],
            ..ChatRequest::default()
        };
        recipe.complete(&mut wish);
        // A choice goes with the caller's tools, which are not taken apart here.
        let choice = recipe.tool_choice.clone().filter(|_| recipe.tools.is_empty());
        let said = encode_request(&wish, target)?;
        let mut fields: Map<String, Value> = serde_json::from_slice(&said.body).unwrap_or_default();
        fields.extend(choice.and_then(|choice| written_choice(&wish, choice, target)));
        let text = String::from_utf8_lossy(&encoded.body);
        let mut body = merged(&text, &fields)?;
        if let Some(prompt) = recipe.system_prompt.as_ref().filter(|_| self.protocol == Protocol::Openai) {
            body = instructed(&body, prompt)?;
        }
        let notices = encoded.notices.into_iter().chain(said.notices).collect();
        Ok(Encoded { body: body.into_bytes(), notices, ..encoded })
    }

    /// The parameters that the caller itself asks for, as far as they can be told from the text.
    pub(super) fn own_wishes(&self) -> Parameters {
        let number = |name: &str| self.fields.get::<f64>(name).ok().flatten();
        let sampling = Sampling {
            temperature: number("temperature"),
            top_p: number("top_p"),
            presence_penalty: number("presence_penalty"),
            frequency_penalty: number("frequency_penalty"),
            seed: None,
            stop: if self.has("stop") { vec![String::new()] } else { Vec::new() },
        };
        asked(&sampling, None)
    }

    /// Whether a field is there and not `null`.
    fn has(&self, name: &str) -> bool {
        self.fields.raw(name).is_some_and(|raw| raw != "null")
    }

    fn instructs(&self) -> bool {
        match self.protocol {
            Protocol::Openai => {
                let spoken: Vec<Spoken<'_>> = self.fields.get("messages").ok().flatten().unwrap_or_default();
                spoken.iter().any(|one| matches!(&*one.role, "system" | "developer"))
            }
            Protocol::Responses => self.has("instructions"),
            Protocol::Anthropic => self.has("system"),
            Protocol::Gemini => self.has("systemInstruction") || self.has("system_instruction"),
        }
    }

    fn says(&self, wish: Wish) -> bool {
        // Claude takes either of the two, and chooses its words itself while it thinks.
        if self.protocol == Protocol::Anthropic && matches!(wish, Wish::Temperature | Wish::TopP) {
            return self.has("temperature") || self.has("top_p") || self.has("thinking");
        }
        wish.names(self.protocol).iter().any(|name| match name.split_once('.') {
            None => self.has(name),
            Some((outer, inner)) => {
                let same = |name: &str| name == outer || plain(name) == plain(outer);
                self.fields.names().filter(|name| same(name)).any(|outer| {
                    let object: Map<String, Value> =
                        self.fields.get(outer).ok().flatten().unwrap_or_default();
                    object.iter().any(|(name, value)| plain(name) == plain(inner) && !value.is_null())
                })
            }
        })
    }
}

/// Something that a request may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Temperature,
    TopP,
    PresencePenalty,
    FrequencyPenalty,
    Seed,
    Stop,
    MaxTokens,
    Format,
    Tools,
    ToolChoice,
}

impl Wish {
    /// The fields of a protocol that say it; `a.b` is `b` inside the object `a`.
    fn names(self, protocol: Protocol) -> &'static [&'static str] {
        match protocol {
            Protocol::Openai => self.in_openai(),
            Protocol::Responses => match self {
                Self::Temperature => &["temperature"],
                Self::TopP => &["top_p"],
                Self::MaxTokens => &["max_output_tokens"],
                Self::Format => &["text.format"],
                Self::Tools => &["tools"],
                Self::ToolChoice => &["tool_choice"],
                Self::PresencePenalty | Self::FrequencyPenalty | Self::Seed | Self::Stop => &[],
            },
            Protocol::Anthropic => match self {
                Self::Temperature => &["temperature"],
                Self::TopP => &["top_p"],
                Self::Stop => &["stop_sequences"],
                Self::MaxTokens => &["max_tokens"],
                Self::Format => &["output_format", "output_config.format"],
                Self::Tools => &["tools"],
                Self::ToolChoice => &["tool_choice"],
                Self::PresencePenalty | Self::FrequencyPenalty | Self::Seed => &[],
            },
            Protocol::Gemini => self.in_gemini(),
        }
    }

    fn in_openai(self) -> &'static [&'static str] {
        match self {
            Self::Temperature => &["temperature"],
            Self::TopP => &["top_p"],
            Self::PresencePenalty => &["presence_penalty"],
            Self::FrequencyPenalty => &["frequency_penalty"],
            Self::Seed => &["seed", "random_seed"],
            Self::Stop => &["stop"],
            Self::MaxTokens => &["max_tokens", "max_completion_tokens"],
            Self::Format => &["response_format"],
            Self::Tools => &["tools", "functions"],
            Self::ToolChoice => &["tool_choice", "function_call"],
        }
    }

    fn in_gemini(self) -> &'static [&'static str] {
        match self {
            Self::Temperature => &["generationConfig.temperature"],
            Self::TopP => &["generationConfig.topP"],
            Self::PresencePenalty => &["generationConfig.presencePenalty"],
            Self::FrequencyPenalty => &["generationConfig.frequencyPenalty"],
            Self::Seed => &["generationConfig.seed"],
            Self::Stop => &["generationConfig.stopSequences"],
            Self::MaxTokens => &["generationConfig.maxOutputTokens"],
            Self::Format => &[
                "generationConfig.responseMimeType",
                "generationConfig.responseSchema",
                "generationConfig.responseJsonSchema",
            ],
            Self::Tools => &["tools"],
            Self::ToolChoice => &["toolConfig", "tool_config"],
        }
    }
}

/// A name without what Google's two spellings differ in.
fn plain(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// The field that a choice is written in, for tools that the caller gave.
fn written_choice(wish: &ChatRequest, choice: ToolChoice, target: &Target<'_>) -> Option<(String, Value)> {
    let tool = Tool {
        name: "any".into(),
        description: None,
        parameters: serde_json::json!({ "type": "object" }),
        strict: None,
    };
    let with_tool = ChatRequest { tools: vec![tool], tool_choice: Some(choice), ..wish.clone() };
    let said = encode_request(&with_tool, target).ok()?;
    let fields: Map<String, Value> = serde_json::from_slice(&said.body).ok()?;
    fields.into_iter().find(|(name, _)| name == "tool_choice" || name == "toolConfig")
}

/// The caller's object with the fields that it lacks. Its own stay byte by byte.
fn merged(body: &str, extra: &Map<String, Value>) -> Result<String, Failure> {
    let fields: Fields = serde_json::from_str(body).map_err(|_| unreadable())?;
    let find = |name: &str| extra.iter().find(|(other, _)| plain(other) == plain(name));
    let inner = |name: &str, value: &str| {
        let (_, Value::Object(more)) = find(name).filter(|(name, _)| SHARED.contains(&name.as_str()))? else {
            return None;
        };
        merged(value, more).ok()
    };
    let mut whole = fields.write(|name, value| {
        if OWN.contains(&name) {
            return Change::Keep;
        }
        match find(name) {
            Some((_, wanted)) if value == "null" => Change::Value(wanted.to_string()),
            _ => inner(name, value).map_or(Change::Keep, Change::Value),
        }
    });
    let is_new =
        |name: &str| !OWN.contains(&name) && !fields.names().any(|known| plain(known) == plain(name));
    for (name, value) in extra.iter().filter(|(name, _)| is_new(name)) {
        whole.push(name, &value.to_string());
    }
    Ok(whole.finish())
}

/// OpenAI's messages with instructions before them.
fn instructed(body: &str, prompt: &str) -> Result<String, Failure> {
    let fields: Fields = serde_json::from_str(body).map_err(|_| unreadable())?;
    let system = serde_json::json!({ "role": "system", "content": prompt }).to_string();
    let whole = fields.write(|name, value| match value.strip_prefix('[') {
        Some(rest) if name == "messages" => {
            let comma = if rest.trim_start().starts_with(']') { "" } else { "," };
            Change::Value(format!("[{system}{comma}{rest}"))
        }
        _ => Change::Keep,
    });
    Ok(whole.finish())
}

fn unreadable() -> Failure {
    Failure::new(Code::Internal, "A request that was read once could not be read again.")
}

#[cfg(test)]
mod tests;
