//! The neutral form into a request for a provider.

use serde_json::{Map, Value, json};

use super::call_ids::CallIdMap;
use super::decode::REASONING_CONTENT;
use super::parts::{encode_function, encode_schema, image_url, insert};
use super::reply::{encode_call, is_reasoning_detail};
use crate::catalog::{MaxTokens, MustCall, Quirks, SchemaFormat, SeedName, StreamUsage, TopTemperature};
use crate::chat::{ChatRequest, Message, Part, ResponseFormat, Sampling, Tool, ToolChoice, Turn};
use crate::code::Code;
use crate::dialect::{Encoded, Failure};

const ROUTE: &str = "chat/completions";

/// Writes the body of `POST /chat/completions` for a provider with these quirks.
pub fn encode_request(request: &ChatRequest, quirks: Quirks) -> Result<Encoded, Failure> {
    let mut draft = Draft { quirks, fields: Map::new(), notices: Vec::new() };
    refuse_unwritable(request)?;
    draft.put("model", Some(request.model.as_str()));
    draft.messages(request);
    draft.tools(request);
    draft.sampling(&request.sampling);
    let limit = match quirks.max_tokens {
        MaxTokens::Kept => "max_tokens",
        MaxTokens::Renamed => "max_completion_tokens",
    };
    draft.put(limit, request.max_tokens);
    draft.put("reasoning_effort", request.reasoning_effort.map(|effort| json!(effort)));
    draft.response_format(request.response_format.as_ref());
    if request.delivery.is_streamed() {
        draft.put("stream", Some(true));
        let options = (quirks.stream_usage == StreamUsage::Asked).then(|| json!({ "include_usage": true }));
        draft.put("stream_options", options);
    }
    let body = Value::Object(draft.fields).to_string().into_bytes();
    Ok(Encoded { route: ROUTE.to_owned(), body, notices: draft.notices })
}

/// What no JSON can hold, or no provider answers.
pub(in crate::dialect) fn refuse_unwritable(request: &ChatRequest) -> Result<(), Failure> {
    let sampling = &request.sampling;
    let numbers = [
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("presence_penalty", sampling.presence_penalty),
        ("frequency_penalty", sampling.frequency_penalty),
    ];
    if let Some((name, _)) = numbers.iter().find(|(_, number)| number.is_some_and(|n| !n.is_finite())) {
        return Err(Failure::new(Code::BadRequest, format!("The field `{name}` must be a number.")));
    }
    if request.messages.is_empty() {
        return Err(Failure::new(Code::BadRequest, "The field `messages` must hold at least one message."));
    }
    Ok(())
}

struct Draft {
    quirks: Quirks,
    fields: Map<String, Value>,
    notices: Vec<String>,
}

impl Draft {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        insert(&mut self.fields, name, value);
    }

    fn messages(&mut self, request: &ChatRequest) {
        let mut ids = CallIdMap::new(self.quirks.call_ids);
        let mut messages = Vec::with_capacity(request.messages.len() + 1);
        for message in &request.messages {
            messages.push(self.message(message, &mut ids));
        }
        self.notices.extend(ids.notice());
        self.put("messages", Some(messages));
    }

    fn message(&mut self, message: &Message, ids: &mut CallIdMap) -> Value {
        match message {
            // Most compatible servers do not know `developer`.
            Message::System(text) => json!({ "role": "system", "content": text }),
            Message::User(parts) => json!({ "role": "user", "content": user_content(parts) }),
            Message::Assistant(turn) => self.turn(turn, ids),
            Message::Tool(result) => {
                if result.is_error {
                    self.notice("`is_error` of a tool's result: the protocol has no word for it; the text says it or nothing does");
                }
                json!({ "role": "tool", "tool_call_id": ids.wire(&result.call_id), "content": result.content })
            }
        }
    }

    fn turn(&mut self, turn: &Turn, ids: &mut CallIdMap) -> Value {
        let is_silent = turn.text.is_empty() && !turn.tool_calls.is_empty();
        let content = if is_silent { Value::Null } else { turn.text.as_str().into() };
        let mut message = json!({ "role": "assistant", "content": content });
        if !turn.tool_calls.is_empty() {
            let calls = turn.tool_calls.iter().map(|call| encode_call(call, ids.wire(&call.id).as_ref()));
            message["tool_calls"] = calls.collect();
        }
        if turn.tool_calls.iter().any(|call| call.signature.is_some()) {
            self.notice("`thought_signature` of a tool call: only Gemini's own protocol takes it back");
        }
        self.opaque(&turn.opaque, &mut message);
        message
    }

    /// Blocks to send back, as far as they are of this protocol.
    fn opaque(&mut self, blocks: &[Value], message: &mut Value) {
        let mut details = Vec::new();
        for block in blocks {
            if is_reasoning_detail(block) {
                details.push(block.clone());
            } else if block["type"] == REASONING_CONTENT {
                message[REASONING_CONTENT] = block["text"].clone();
            } else {
                self.notice("thinking of an earlier turn: it was signed for another protocol");
            }
        }
        if !details.is_empty() {
            message["reasoning_details"] = Value::Array(details);
        }
    }

    fn tools(&mut self, request: &ChatRequest) {
        if !request.tools.is_empty() {
            self.put("tools", Some(request.tools.iter().map(encode_tool).collect::<Vec<_>>()));
        }
        let must_call = match self.quirks.must_call {
            MustCall::Required => "required",
            MustCall::Any => "any",
        };
        let choice = request.tool_choice.as_ref().map(|choice| match choice {
            ToolChoice::Auto => json!("auto"),
            ToolChoice::None => json!("none"),
            ToolChoice::Required => json!(must_call),
            ToolChoice::Function(name) => json!({ "type": "function", "function": { "name": name } }),
        });
        self.put("tool_choice", choice);
        self.put("parallel_tool_calls", request.parallel_tool_calls);
    }

    fn sampling(&mut self, sampling: &Sampling) {
        let temperature = self.temperature(sampling.temperature);
        self.put("temperature", temperature);
        self.put("top_p", sampling.top_p);
        self.put("presence_penalty", sampling.presence_penalty);
        self.put("frequency_penalty", sampling.frequency_penalty);
        let seed = match self.quirks.seed_name {
            SeedName::Seed => "seed",
            SeedName::RandomSeed => "random_seed",
        };
        self.put(seed, sampling.seed);
        if !sampling.stop.is_empty() {
            self.put("stop", Some(sampling.stop.clone()));
        }
    }

    fn temperature(&mut self, asked: Option<f64>) -> Option<f64> {
        let top = match self.quirks.top_temperature {
            TopTemperature::Two => return asked,
            TopTemperature::OneAndAHalf => 1.5,
        };
        let asked = asked?;
        if asked > top {
            self.notice(&format!("`temperature` {asked}: the provider takes {top} at most, which was sent"));
        }
        Some(asked.min(top))
    }

    fn response_format(&mut self, format: Option<&ResponseFormat>) {
        let Some(format) = format else { return };
        let wire = match (encode_schema(format), format) {
            (Some(fields), _) if self.quirks.schema_format == SchemaFormat::Instructed => {
                self.instruct(&fields);
                json!({ "type": "json_object" })
            }
            (Some(fields), _) => json!({ "type": "json_schema", "json_schema": fields }),
            (None, ResponseFormat::JsonObject) => json!({ "type": "json_object" }),
            (None, _) => json!({ "type": "text" }),
        };
        self.put("response_format", Some(wire));
    }

    /// The schema as instructions, before everything else.
    fn instruct(&mut self, schema: &Map<String, Value>) {
        let text = format!("Answer with one JSON object that fits this JSON schema: {}", schema["schema"]);
        if let Some(Value::Array(messages)) = self.fields.get_mut("messages") {
            messages.insert(0, json!({ "role": "system", "content": text }));
        }
        self.notice("`response_format`: the provider takes no JSON schema; `json_object` was sent, and the schema as instructions");
    }

    fn notice(&mut self, what: &str) {
        if !self.notices.iter().any(|known| known == what) {
            self.notices.push(what.to_owned());
        }
    }
}

fn user_content(parts: &[Part]) -> Value {
    match parts {
        [] => json!(""),
        [Part::Text(text)] => json!(text),
        parts => parts.iter().map(encode_part).collect(),
    }
}

fn encode_part(part: &Part) -> Value {
    match part {
        Part::Text(text) => json!({ "type": "text", "text": text }),
        Part::Image(image) => json!({ "type": "image_url", "image_url": { "url": image_url(image) } }),
    }
}

fn encode_tool(tool: &Tool) -> Value {
    json!({ "type": "function", "function": encode_function(tool) })
}
