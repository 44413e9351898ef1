//! Sampling, tools and the shape of the answer, as Gemini takes them.

use serde_json::{Map, Value, json};

use crate::chat::{ChatRequest, ResponseFormat, Sampling, Tool, ToolChoice};
use crate::dialect::Failure;
use crate::dialect::models::ModelLimits;
use crate::dialect::wire::{put, refuse};

/// How many stop texts Gemini takes.
const MOST_STOPS: usize = 5;

/// `generationConfig` with how words are chosen.
pub(super) fn sampling(sampling: &Sampling, notices: &mut Vec<String>) -> Map<String, Value> {
    let mut config = Map::new();
    put(&mut config, "temperature", sampling.temperature);
    put(&mut config, "topP", sampling.top_p);
    put(&mut config, "presencePenalty", sampling.presence_penalty);
    put(&mut config, "frequencyPenalty", sampling.frequency_penalty);
    put(&mut config, "seed", sampling.seed.and_then(|seed| small_seed(seed, notices)));
    let stop = &sampling.stop[..sampling.stop.len().min(MOST_STOPS)];
    if stop.len() < sampling.stop.len() {
        notices.push(format!("stop: only the first {MOST_STOPS} texts were sent, Gemini's most."));
    }
    put(&mut config, "stopSequences", (!stop.is_empty()).then(|| json!(stop)));
    config
}

fn small_seed(seed: i64, notices: &mut Vec<String>) -> Option<i32> {
    let small = i32::try_from(seed).ok();
    if small.is_none() {
        notices.push(format!("seed: {seed} dropped, because Gemini takes 32 bits."));
    }
    small
}

/// Adds the limit and the shape of the answer.
pub(super) fn answer(
    config: &mut Map<String, Value>,
    request: &ChatRequest,
    limits: ModelLimits,
    notices: &mut Vec<String>,
) {
    let most = limits.max_output.unwrap_or(u32::MAX);
    if let Some(given) = request.max_tokens.filter(|given| *given > most) {
        notices.push(format!("max_tokens: {most} instead of {given}, which is the model's most."));
    }
    put(config, "maxOutputTokens", request.max_tokens.map(|given| given.min(most)));
    match &request.response_format {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => {
            config.insert("responseMimeType".into(), "application/json".into());
        }
        Some(ResponseFormat::JsonSchema { description, schema, .. }) => {
            if description.is_some() {
                notices
                    .push("response_format: its description was dropped, which Gemini does not take.".into());
            }
            config.insert("responseMimeType".into(), "application/json".into());
            config.insert("responseJsonSchema".into(), schema.clone());
        }
    }
}

/// Adds the tools and whether one must be called.
pub(super) fn tools(
    body: &mut Map<String, Value>,
    request: &ChatRequest,
    notices: &mut Vec<String>,
) -> Result<(), Failure> {
    if request.tools.is_empty() {
        return match request.tool_choice {
            Some(ToolChoice::Required | ToolChoice::Function(_)) => {
                Err(refuse("`tool_choice` wants a tool to be called, and `tools` has none."))
            }
            _ => Ok(()),
        };
    }
    if request.parallel_tool_calls == Some(false) {
        notices
            .push("parallel_tool_calls: dropped, because Gemini cannot be kept from several calls.".into());
    }
    if request.tools.iter().any(|tool| tool.strict == Some(true)) {
        notices.push("strict: dropped, because Gemini does not promise that arguments fit.".into());
    }
    let declarations: Vec<Value> = request.tools.iter().map(declaration).collect();
    body.insert("tools".into(), json!([{ "functionDeclarations": declarations }]));
    put(body, "toolConfig", request.tool_choice.as_ref().map(tool_config));
    Ok(())
}

fn declaration(tool: &Tool) -> Value {
    let mut written = Map::new();
    written.insert("name".into(), tool.name.as_str().into());
    put(&mut written, "description", tool.description.as_deref());
    put(
        &mut written,
        "parametersJsonSchema",
        takes_something(&tool.parameters).then(|| tool.parameters.clone()),
    );
    Value::Object(written)
}

/// Gemini answers 400 to an object without properties, and takes a tool without parameters.
fn takes_something(parameters: &Value) -> bool {
    let is_nothing = |(name, value): (&String, &Value)| match name.as_str() {
        "properties" => value.as_object().is_none_or(Map::is_empty),
        "required" => value.as_array().is_none_or(Vec::is_empty),
        "additionalProperties" => value.is_boolean(),
        "type" | "title" | "description" | "$schema" => true,
        _ => false,
    };
    parameters.as_object().is_some_and(|schema| !schema.iter().all(is_nothing))
}

fn tool_config(choice: &ToolChoice) -> Value {
    let calling = match choice {
        ToolChoice::Auto => json!({ "mode": "AUTO" }),
        ToolChoice::None => json!({ "mode": "NONE" }),
        ToolChoice::Required => json!({ "mode": "ANY" }),
        ToolChoice::Function(name) => json!({ "mode": "ANY", "allowedFunctionNames": [name] }),
    };
    json!({ "functionCallingConfig": calling })
}
