//! Sampling, tools and the shape of the answer, as Anthropic takes them.

use serde_json::{Map, Value, json};

use super::schema::closed;
use super::thinking::Thinking;
use crate::chat::{ChatRequest, ResponseFormat, Sampling, Tool, ToolChoice};
use crate::dialect::Failure;
use crate::dialect::wire::{put, refuse};

/// Adds temperature, top_p and stop texts; the rest of a caller's sampling is not known here.
pub(super) fn sampling(
    body: &mut Map<String, Value>,
    sampling: &Sampling,
    thinks: bool,
    notices: &mut Vec<String>,
) {
    let temperature = sampling.temperature.and_then(|value| temperature(value, thinks, notices));
    let top_p = sampling.top_p.filter(|value| {
        let why = match (temperature, thinks) {
            (Some(_), _) => "Claude takes either this or a temperature",
            (None, true) if *value < 0.95 => "Claude takes no less than 0.95 while it thinks",
            _ => return true,
        };
        notices.push(format!("top_p: dropped, because {why}."));
        false
    });
    put(body, "temperature", temperature);
    put(body, "top_p", top_p);
    let (stop, blank): (Vec<&String>, Vec<&String>) =
        sampling.stop.iter().partition(|text| !text.trim().is_empty());
    if !blank.is_empty() {
        notices.push("stop: a text of white space was dropped, which Anthropic does not take.".into());
    }
    put(body, "stop_sequences", (!stop.is_empty()).then(|| json!(stop)));
    unknown(sampling, notices);
}

fn temperature(value: f64, thinks: bool, notices: &mut Vec<String>) -> Option<f64> {
    if thinks && value < 1.0 {
        notices.push(format!("temperature: {value} dropped, because Claude takes only 1 while it thinks."));
        return None;
    }
    if value > 1.0 {
        notices.push(format!("temperature: 1 instead of {value}, which is Anthropic's highest."));
    }
    Some(value.min(1.0))
}

fn unknown(sampling: &Sampling, notices: &mut Vec<String>) {
    let penalties =
        [("presence_penalty", sampling.presence_penalty), ("frequency_penalty", sampling.frequency_penalty)];
    let set = penalties.into_iter().filter(|(_, value)| value.is_some_and(|value| value != 0.0));
    let names = set.map(|(name, _)| name).chain(sampling.seed.map(|_| "seed"));
    notices.extend(names.map(|name| format!("{name}: dropped, because Anthropic has no such parameter.")));
}

/// Adds the tools and whether one must be called.
pub(super) fn tools(body: &mut Map<String, Value>, request: &ChatRequest) -> Result<(), Failure> {
    if request.tools.is_empty() {
        return match request.tool_choice {
            Some(ToolChoice::Required | ToolChoice::Function(_)) => {
                Err(refuse("`tool_choice` wants a tool to be called, and `tools` has none."))
            }
            _ => Ok(()),
        };
    }
    body.insert("tools".into(), request.tools.iter().map(tool).collect());
    put(body, "tool_choice", tool_choice(request));
    Ok(())
}

fn tool(tool: &Tool) -> Value {
    let mut written = Map::new();
    written.insert("name".into(), tool.name.as_str().into());
    put(&mut written, "description", tool.description.as_deref());
    written.insert("input_schema".into(), input_schema(&tool.parameters));
    put(&mut written, "strict", tool.strict.filter(|strict| *strict));
    Value::Object(written)
}

/// Anthropic wants an object even of a tool that takes nothing.
fn input_schema(parameters: &Value) -> Value {
    match parameters {
        Value::Object(schema) if schema.contains_key("type") => parameters.clone(),
        Value::Object(schema) => {
            let mut schema = schema.clone();
            schema.insert("type".into(), "object".into());
            Value::Object(schema)
        }
        _ => json!({ "type": "object", "properties": {} }),
    }
}

fn tool_choice(request: &ChatRequest) -> Option<Value> {
    let one_at_a_time = request.parallel_tool_calls == Some(false);
    let mut choice = match &request.tool_choice {
        Some(ToolChoice::None) => return Some(json!({ "type": "none" })),
        Some(ToolChoice::Required) => json!({ "type": "any" }),
        Some(ToolChoice::Function(name)) => json!({ "type": "tool", "name": name }),
        Some(ToolChoice::Auto) => json!({ "type": "auto" }),
        None if one_at_a_time => json!({ "type": "auto" }),
        None => return None,
    };
    if one_at_a_time {
        choice["disable_parallel_tool_use"] = true.into();
    }
    Some(choice)
}

/// The effort and the schema of the answer.
pub(super) fn output_config(
    request: &ChatRequest,
    thinking: &Thinking,
    notices: &mut Vec<String>,
) -> Result<Option<Value>, Failure> {
    let mut config = Map::new();
    put(&mut config, "effort", thinking.effort());
    match &request.response_format {
        None | Some(ResponseFormat::Text) => {}
        Some(ResponseFormat::JsonObject) => {
            return Err(refuse(
                "`response_format` asks for any JSON object, which Anthropic cannot promise: give a json_schema.",
            ));
        }
        Some(ResponseFormat::JsonSchema { description, schema, .. }) => {
            if description.is_some() {
                notices.push(
                    "response_format: its description was dropped, which Anthropic does not take.".into(),
                );
            }
            let closed = closed(schema);
            if closed.is_some() {
                notices.push(
                    "response_format: its objects were closed (no additionalProperties), as Anthropic wants."
                        .into(),
                );
            }
            let schema = closed.as_ref().unwrap_or(schema);
            config.insert("format".into(), json!({ "type": "json_schema", "schema": schema }));
        }
    }
    Ok((!config.is_empty()).then_some(Value::Object(config)))
}
