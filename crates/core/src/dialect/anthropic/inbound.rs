//! Requests of callers that speak Anthropic.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::thinking::effort_of_budget;
use crate::chat::{
    ChatRequest, Delivery, Image, Message, Part, ReasoningEffort, ResponseFormat, Sampling, Tool, ToolCall,
    ToolChoice, ToolResult, Turn,
};
use crate::dialect::Failure;
use crate::dialect::wire::{read_part, read_request, unreadable};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRequest {
    model: String,
    messages: Vec<WireMessage>,
    max_tokens: Option<u32>,
    system: Option<Value>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    stop_sequences: Option<Vec<String>>,
    stream: Option<bool>,
    tools: Option<Vec<WireTool>>,
    tool_choice: Option<WireChoice>,
    thinking: Option<WireThinking>,
    output_config: Option<OutputConfig>,
    /// The name of `output_config.format` while it was in beta.
    output_format: Option<WireFormat>,
    #[serde(rename = "metadata")]
    _metadata: Option<IgnoredAny>,
    #[serde(rename = "service_tier")]
    _service_tier: Option<IgnoredAny>,
    #[serde(rename = "cache_control")]
    _cache_control: Option<IgnoredAny>,
    #[serde(rename = "inference_geo")]
    _inference_geo: Option<IgnoredAny>,
    #[serde(rename = "betas")]
    _betas: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct WireMessage {
    role: String,
    content: Value,
}

/// A block of any kind: what its kind does not have is absent.
#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    source: Option<Source>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Value>,
    tool_use_id: Option<String>,
    content: Option<Value>,
    is_error: Option<bool>,
    signature: Option<String>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Source {
    Base64 { media_type: String, data: String },
    Url { url: String },
}

#[derive(Deserialize)]
struct WireTool {
    #[serde(rename = "type")]
    kind: Option<String>,
    name: String,
    description: Option<String>,
    #[serde(default)]
    input_schema: Value,
    strict: Option<bool>,
}

#[derive(Deserialize)]
struct WireChoice {
    #[serde(flatten)]
    kind: ChoiceKind,
    disable_parallel_tool_use: Option<bool>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ChoiceKind {
    Auto,
    Any,
    None,
    Tool { name: String },
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireThinking {
    Enabled { budget_tokens: u32 },
    Adaptive,
    Disabled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutputConfig {
    effort: Option<ReasoningEffort>,
    format: Option<WireFormat>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum WireFormat {
    JsonSchema { schema: Value },
}

/// Reads the body of `POST /v1/messages`.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest, Failure> {
    let wire: WireRequest = read_request(body)?;
    let config = wire.output_config.unwrap_or(OutputConfig { effort: None, format: None });
    let mut messages = wire.system.map(system).transpose()?.unwrap_or_default();
    for message in wire.messages {
        messages.extend(read_message(message)?);
    }
    let parallel = wire.tool_choice.as_ref().and_then(|choice| choice.disable_parallel_tool_use);
    Ok(ChatRequest {
        model: wire.model,
        messages,
        tools: wire.tools.into_iter().flatten().map(tool).collect::<Result<_, _>>()?,
        tool_choice: wire.tool_choice.map(|choice| tool_choice(choice.kind)),
        parallel_tool_calls: parallel.filter(|disabled| *disabled).map(|_| false),
        response_format: config.format.or(wire.output_format).map(response_format),
        sampling: Sampling {
            temperature: wire.temperature,
            top_p: wire.top_p,
            stop: wire.stop_sequences.unwrap_or_default(),
            ..Sampling::default()
        },
        max_tokens: wire.max_tokens,
        reasoning_effort: reasoning_effort(wire.thinking.as_ref(), config.effort),
        delivery: if wire.stream == Some(true) { Delivery::Streamed } else { Delivery::Whole },
    })
}

fn system(content: Value) -> Result<Vec<Message>, Failure> {
    let blocks = blocks("system", content)?;
    let text = |block: Block| match block.text {
        Some(text) if block.kind == "text" => Ok(Message::System(text)),
        _ => Err(foreign("system", &block.kind)),
    };
    blocks.into_iter().map(|(block, _)| text(block)).collect()
}

/// Text alone stands for one text block. Each block comes with what it was read from.
fn blocks(what: &str, content: Value) -> Result<Vec<(Block, Value)>, Failure> {
    let values = match content {
        Value::String(text) => vec![serde_json::json!({ "type": "text", "text": text })],
        Value::Array(values) => values,
        _ => return Err(unreadable(format!("`{what}` must be text or a list of blocks."))),
    };
    values.into_iter().map(|value| Ok((read_part(what, value.clone())?, value))).collect()
}

fn foreign(what: &str, kind: &str) -> Failure {
    unreadable(format!("A block `{kind}` in `{what}` cannot be said in any other protocol."))
}

fn read_message(message: WireMessage) -> Result<Vec<Message>, Failure> {
    let blocks = blocks("messages", message.content)?;
    match message.role.as_str() {
        "user" => user(blocks),
        "assistant" => Ok(vec![Message::Assistant(assistant(blocks)?)]),
        other => Err(unreadable(format!("There is no role `{other}` in `messages`."))),
    }
}

/// Results of tools first, each a message of its own.
fn user(blocks: Vec<(Block, Value)>) -> Result<Vec<Message>, Failure> {
    let mut messages = Vec::new();
    let mut parts = Vec::new();
    for (block, _) in blocks {
        match block.kind.as_str() {
            "text" => parts.push(Part::Text(block.text.unwrap_or_default())),
            "image" => parts.push(Part::Image(image(block)?)),
            "tool_result" => messages.push(Message::Tool(tool_result(block)?)),
            other => return Err(foreign("messages", other)),
        }
    }
    if !parts.is_empty() {
        messages.push(Message::User(parts));
    }
    Ok(messages)
}

fn image(block: Block) -> Result<Image, Failure> {
    match block.source {
        Some(Source::Base64 { media_type, data }) => Ok(Image::Inline { media_type, data }),
        Some(Source::Url { url }) => Ok(Image::Url(url)),
        None => Err(unreadable("A block `image` in `messages` has no `source`.")),
    }
}

fn tool_result(block: Block) -> Result<ToolResult, Failure> {
    let call_id =
        block.tool_use_id.ok_or_else(|| unreadable("A block `tool_result` has no `tool_use_id`."))?;
    let inner = block.content.filter(|content| !content.is_null());
    let inner = inner.map(|content| blocks("tool_result", content)).transpose()?.unwrap_or_default();
    let text = |(block, _): (Block, Value)| match block.text {
        Some(text) if block.kind == "text" => Ok(text),
        _ => Err(foreign("tool_result", &block.kind)),
    };
    let content = inner.into_iter().map(text).collect::<Result<String, _>>()?;
    Ok(ToolResult { call_id, name: None, content, is_error: block.is_error == Some(true) })
}

fn assistant(blocks: Vec<(Block, Value)>) -> Result<Turn, Failure> {
    let mut turn = Turn::default();
    for (block, value) in blocks {
        match block.kind.as_str() {
            "text" => turn.text += &block.text.unwrap_or_default(),
            "tool_use" => turn.tool_calls.push(tool_call(block)?),
            // Thinking of another provider, which a client sends back as it got it: nobody can check it.
            "thinking" if block.signature.as_deref().unwrap_or_default().is_empty() => {}
            _ => turn.opaque.push(value),
        }
    }
    Ok(turn)
}

fn tool_call(block: Block) -> Result<ToolCall, Failure> {
    let missing = |field: &str| unreadable(format!("A block `tool_use` has no `{field}`."));
    Ok(ToolCall {
        id: block.id.ok_or_else(|| missing("id"))?,
        name: block.name.ok_or_else(|| missing("name"))?,
        arguments: block.input.ok_or_else(|| missing("input"))?.to_string(),
        signature: None,
    })
}

fn tool(tool: WireTool) -> Result<Tool, Failure> {
    match tool.kind.as_deref() {
        None | Some("custom") => Ok(Tool {
            name: tool.name,
            description: tool.description,
            parameters: tool.input_schema,
            strict: tool.strict,
        }),
        Some(kind) => {
            Err(unreadable(format!("The tool `{kind}` runs at Anthropic and has no counterpart elsewhere.")))
        }
    }
}

fn tool_choice(kind: ChoiceKind) -> ToolChoice {
    match kind {
        ChoiceKind::Auto => ToolChoice::Auto,
        ChoiceKind::Any => ToolChoice::Required,
        ChoiceKind::None => ToolChoice::None,
        ChoiceKind::Tool { name } => ToolChoice::Function(name),
    }
}

/// Anthropic's schemas have no name, and always fit exactly.
fn response_format(format: WireFormat) -> ResponseFormat {
    let WireFormat::JsonSchema { schema } = format;
    ResponseFormat::JsonSchema { name: "answer".to_owned(), description: None, schema, strict: Some(true) }
}

/// Anthropic's own default of the effort is high.
fn reasoning_effort(
    thinking: Option<&WireThinking>,
    effort: Option<ReasoningEffort>,
) -> Option<ReasoningEffort> {
    match thinking {
        Some(WireThinking::Disabled) => Some(ReasoningEffort::None),
        Some(WireThinking::Enabled { budget_tokens }) => Some(effort_of_budget(*budget_tokens)),
        Some(WireThinking::Adaptive) => Some(effort.unwrap_or(ReasoningEffort::High)),
        None => effort,
    }
}
