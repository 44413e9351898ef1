//! What a request asks, apart from how a protocol must arrange it.

use patchbay_core::chat::{
    ChatRequest, Message, Part, ReasoningEffort, ResponseFormat, Sampling, Tool, ToolChoice,
};
use serde_json::Value;

/// Two requests with equal meanings ask the same.
#[derive(Debug, Default, PartialEq)]
pub struct Meaning {
    /// Instructions, as one text.
    system: String,
    user: Vec<Part>,
    said: String,
    /// Id, name and arguments.
    calls: Vec<(String, String, Value)>,
    /// Id, content, and whether it failed.
    results: Vec<(String, String, bool)>,
    tools: Vec<Tool>,
    choice: Option<ToolChoice>,
    one_at_a_time: bool,
    format: Option<ResponseFormat>,
    sampling: Sampling,
    limit: Option<u32>,
    effort: Option<ReasoningEffort>,
    is_streamed: bool,
}

impl Meaning {
    pub fn of(request: &ChatRequest) -> Self {
        let has_tools = !request.tools.is_empty();
        let penalty = |penalty: Option<f64>| penalty.filter(|penalty| *penalty != 0.0);
        let sampling = &request.sampling;
        let mut meaning = Self {
            tools: request.tools.iter().map(tool).collect(),
            choice: request.tool_choice.clone().filter(|choice| has_tools && *choice != ToolChoice::Auto),
            one_at_a_time: has_tools && request.parallel_tool_calls == Some(false),
            format: request.response_format.as_ref().and_then(format),
            sampling: Sampling {
                presence_penalty: penalty(sampling.presence_penalty),
                frequency_penalty: penalty(sampling.frequency_penalty),
                ..sampling.clone()
            },
            limit: request.max_tokens,
            effort: request.reasoning_effort,
            is_streamed: request.delivery.is_streamed(),
            ..Self::default()
        };
        request.messages.iter().for_each(|message| meaning.add(message));
        meaning
    }

    fn add(&mut self, message: &Message) {
        match message {
            Message::System(text) if self.system.is_empty() => self.system.clone_from(text),
            Message::System(text) => self.system = format!("{}\n\n{text}", self.system),
            Message::User(parts) => self.user.extend(parts.iter().cloned()),
            Message::Assistant(turn) => {
                self.said += &turn.text;
                let json =
                    |text: &String| serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into());
                let calls = turn.tool_calls.iter();
                self.calls
                    .extend(calls.map(|call| (call.id.clone(), call.name.clone(), json(&call.arguments))));
            }
            Message::Tool(result) => {
                self.results.push((result.call_id.clone(), result.content.clone(), result.is_error));
            }
        }
    }
}

/// A tool that does not say so is not strict.
fn tool(tool: &Tool) -> Tool {
    Tool { strict: tool.strict.filter(|strict| *strict), ..tool.clone() }
}

/// Text is what there is anyway; the name of a schema is for the provider's files, and every protocol but OpenAI's own keeps
/// strictly to one.
fn format(format: &ResponseFormat) -> Option<ResponseFormat> {
    match format.clone() {
        ResponseFormat::Text => None,
        ResponseFormat::JsonObject => Some(ResponseFormat::JsonObject),
        ResponseFormat::JsonSchema { description, schema, .. } => {
            Some(ResponseFormat::JsonSchema { name: String::new(), description, schema, strict: None })
        }
    }
}
