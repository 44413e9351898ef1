//! Requests of callers that speak Gemini.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::history::{Calls, WireContent, system};
use super::schema::to_json_schema;
use super::thinking::{effort_of_budget, effort_of_level};
use crate::chat::{ChatRequest, Delivery, ReasoningEffort, ResponseFormat, Sampling, Tool, ToolChoice};
use crate::dialect::Failure;
use crate::dialect::wire::{read_request, unreadable};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireRequest {
    #[serde(deserialize_with = "one_or_many")]
    contents: Vec<WireContent>,
    #[serde(alias = "system_instruction")]
    system_instruction: Option<WireContent>,
    #[serde(alias = "generation_config")]
    generation_config: Option<GenerationConfig>,
    #[serde(default, deserialize_with = "one_or_many")]
    tools: Vec<WireTools>,
    #[serde(alias = "tool_config")]
    tool_config: Option<ToolConfig>,
    #[serde(rename = "model")]
    _model: Option<IgnoredAny>,
    #[serde(rename = "labels")]
    _labels: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct GenerationConfig {
    temperature: Option<f64>,
    #[serde(alias = "top_p")]
    top_p: Option<f64>,
    #[serde(alias = "max_output_tokens")]
    max_output_tokens: Option<u32>,
    #[serde(alias = "stop_sequences", deserialize_with = "one_or_many")]
    stop_sequences: Vec<String>,
    #[serde(alias = "candidate_count")]
    candidate_count: Option<u32>,
    #[serde(alias = "presence_penalty")]
    presence_penalty: Option<f64>,
    #[serde(alias = "frequency_penalty")]
    frequency_penalty: Option<f64>,
    seed: Option<i64>,
    #[serde(alias = "response_mime_type")]
    response_mime_type: Option<String>,
    #[serde(alias = "response_schema")]
    response_schema: Option<Value>,
    #[serde(alias = "response_json_schema")]
    response_json_schema: Option<Value>,
    #[serde(alias = "response_modalities", deserialize_with = "one_or_many")]
    response_modalities: Vec<String>,
    #[serde(alias = "thinking_config")]
    thinking_config: Option<ThinkingConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ThinkingConfig {
    #[serde(alias = "thinking_budget")]
    thinking_budget: Option<i64>,
    #[serde(alias = "thinking_level")]
    thinking_level: Option<String>,
    #[serde(rename = "includeThoughts", alias = "include_thoughts")]
    _include_thoughts: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireTools {
    #[serde(default, alias = "function_declarations", deserialize_with = "one_or_many")]
    function_declarations: Vec<Declaration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Declaration {
    name: String,
    description: Option<String>,
    parameters: Option<Value>,
    #[serde(alias = "parameters_json_schema")]
    parameters_json_schema: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ToolConfig {
    #[serde(alias = "function_calling_config")]
    function_calling_config: Option<CallingConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CallingConfig {
    mode: Option<String>,
    #[serde(default, alias = "allowed_function_names", deserialize_with = "one_or_many")]
    allowed_function_names: Vec<String>,
}

/// Google takes one thing where a list is due, and `null` for an empty one.
pub(super) fn one_or_many<'de, D: Deserializer<'de>, T: serde::de::DeserializeOwned>(
    from: D,
) -> Result<Vec<T>, D::Error> {
    let values = match Value::deserialize(from)? {
        Value::Null => Vec::new(),
        Value::Array(values) => values,
        one => vec![one],
    };
    values.into_iter().map(|value| T::deserialize(value).map_err(serde::de::Error::custom)).collect()
}

/// Reads the body of `POST /models/{model}:generateContent`, or of `:streamGenerateContent`: the path says which model, and
/// how the answer is delivered.
pub fn decode_request(body: &[u8], model: &str, delivery: Delivery) -> Result<ChatRequest, Failure> {
    let wire: WireRequest = read_request(body)?;
    let mut messages = wire.system_instruction.map(system).transpose()?.unwrap_or_default();
    let mut calls = Calls::default();
    for content in wire.contents {
        messages.extend(calls.content(content)?);
    }
    let config = wire.generation_config.unwrap_or_default();
    refuse_foreign(&config)?;
    let calling = wire.tool_config.and_then(|config| config.function_calling_config);
    Ok(ChatRequest {
        model: model.strip_prefix("models/").unwrap_or(model).to_owned(),
        messages,
        tools: wire.tools.into_iter().flat_map(|tools| tools.function_declarations).map(tool).collect(),
        tool_choice: calling.map(tool_choice).transpose()?.flatten(),
        parallel_tool_calls: None,
        reasoning_effort: config.thinking_config.as_ref().and_then(reasoning_effort),
        max_tokens: config.max_output_tokens,
        response_format: response_format(&config)?,
        sampling: Sampling {
            temperature: config.temperature,
            top_p: config.top_p,
            presence_penalty: config.presence_penalty,
            frequency_penalty: config.frequency_penalty,
            seed: config.seed,
            stop: config.stop_sequences,
        },
        delivery,
    })
}

/// What no other protocol can say.
fn refuse_foreign(config: &GenerationConfig) -> Result<(), Failure> {
    if config.candidate_count.is_some_and(|count| count > 1) {
        return Err(unreadable("`candidateCount` is more than 1: ask for one answer at a time."));
    }
    match config.response_modalities.iter().find(|modality| *modality != "TEXT") {
        Some(other) => {
            Err(unreadable(format!("`responseModalities` asks for {other}; only TEXT can be translated.")))
        }
        None => Ok(()),
    }
}

fn tool(declaration: Declaration) -> Tool {
    let schema = declaration.parameters_json_schema.or(declaration.parameters.map(to_json_schema));
    Tool {
        name: declaration.name,
        description: declaration.description,
        parameters: schema.unwrap_or_else(|| json!({ "type": "object", "properties": {} })),
        strict: None,
    }
}

fn tool_choice(calling: CallingConfig) -> Result<Option<ToolChoice>, Failure> {
    let mut allowed = calling.allowed_function_names;
    let choice = match (calling.mode.as_deref(), allowed.len()) {
        (None | Some("MODE_UNSPECIFIED"), 0) => None,
        (Some("AUTO" | "VALIDATED"), 0) => Some(ToolChoice::Auto),
        (Some("NONE"), _) => Some(ToolChoice::None),
        (Some("ANY"), 0) => Some(ToolChoice::Required),
        (Some("ANY"), 1) => allowed.pop().map(ToolChoice::Function),
        (Some("AUTO" | "ANY" | "VALIDATED"), _) => {
            return Err(unreadable(
                "`allowedFunctionNames` allows some of the tools: only ANY with one name can be translated.",
            ));
        }
        (mode, _) => {
            return Err(unreadable(format!(
                "There is no `mode` of function calling `{}`.",
                mode.unwrap_or_default()
            )));
        }
    };
    Ok(choice)
}

fn reasoning_effort(config: &ThinkingConfig) -> Option<ReasoningEffort> {
    let level = config.thinking_level.as_deref().and_then(effort_of_level);
    level.or_else(|| config.thinking_budget.and_then(effort_of_budget))
}

fn response_format(config: &GenerationConfig) -> Result<Option<ResponseFormat>, Failure> {
    let openapi = || config.response_schema.clone().map(to_json_schema);
    let schema = config.response_json_schema.clone().or_else(openapi);
    match (config.response_mime_type.as_deref(), schema) {
        (None | Some("text/plain"), None) => Ok(None),
        (Some("application/json"), None) => Ok(Some(ResponseFormat::JsonObject)),
        (Some("application/json"), Some(schema)) => Ok(Some(ResponseFormat::JsonSchema {
            name: "answer".to_owned(),
            description: None,
            schema,
            strict: None,
        })),
        (None | Some("text/plain"), Some(_)) => {
            Err(unreadable("A schema of the answer needs `responseMimeType` to be application/json."))
        }
        (Some(other), _) => {
            Err(unreadable(format!("`responseMimeType` {other} cannot be said in any other protocol.")))
        }
    }
}
