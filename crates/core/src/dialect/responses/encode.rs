//! The neutral form into a request for a provider.

use serde_json::{Map, Value, json};

use super::wire::is_encrypted;
use crate::chat::{ChatRequest, Message, Part, ResponseFormat, Sampling, Tool, ToolChoice, ToolResult, Turn};
use crate::code::Code;
use crate::dialect::openai::{encode_function, encode_schema, image_url, insert, refuse_unwritable};
use crate::dialect::{Encoded, Failure};

const ROUTE: &str = "responses";

/// Writes the body of `POST /responses`. Nothing is stored at the provider: the whole conversation is in every request.
pub fn encode_request(request: &ChatRequest) -> Result<Encoded, Failure> {
    refuse_unwritable(request)?;
    refuse_stop(&request.sampling)?;
    let mut draft = Draft::default();
    draft.put("model", Some(request.model.as_str()));
    draft.put("store", Some(false));
    draft.input(request);
    draft.tools(request);
    draft.put("temperature", request.sampling.temperature);
    draft.put("top_p", request.sampling.top_p);
    draft.drop_unsaid(&request.sampling);
    draft.put("max_output_tokens", request.max_tokens);
    draft.put("reasoning", request.reasoning_effort.map(|effort| json!({ "effort": effort })));
    draft.include(request);
    draft.put(
        "text",
        request.response_format.as_ref().map(|format| json!({ "format": encode_format(format) })),
    );
    if request.delivery.is_streamed() {
        draft.put("stream", Some(true));
    }
    let body = Value::Object(draft.fields).to_string().into_bytes();
    Ok(Encoded { route: ROUTE.to_owned(), body, notices: draft.notices })
}

/// The answer would go on where the caller wants it to end.
fn refuse_stop(sampling: &Sampling) -> Result<(), Failure> {
    if sampling.stop.is_empty() {
        return Ok(());
    }
    Err(Failure::new(Code::BadRequest, "The field `stop` cannot be said in the Responses protocol."))
}

#[derive(Default)]
struct Draft {
    fields: Map<String, Value>,
    notices: Vec<String>,
}

impl Draft {
    fn put(&mut self, name: &str, value: Option<impl Into<Value>>) {
        insert(&mut self.fields, name, value);
    }

    /// The first instructions have a field of their own.
    fn input(&mut self, request: &ChatRequest) {
        let mut messages = request.messages.as_slice();
        if let [Message::System(text), rest @ ..] = messages
            && !rest.is_empty()
        {
            self.put("instructions", Some(text.as_str()));
            messages = rest;
        }
        let mut items = Vec::with_capacity(messages.len());
        for message in messages {
            self.message(message, &mut items);
        }
        self.put("input", Some(items));
    }

    fn message(&mut self, message: &Message, items: &mut Vec<Value>) {
        match message {
            Message::System(text) => items.push(json!({ "role": "system", "content": text })),
            Message::User(parts) => items.push(json!({ "role": "user", "content": user_content(parts) })),
            Message::Assistant(turn) => self.turn(turn, items),
            Message::Tool(result) => items.push(self.result(result)),
        }
    }

    /// A turn is a row of items: thoughts, words, calls.
    fn turn(&mut self, turn: &Turn, items: &mut Vec<Value>) {
        for block in &turn.opaque {
            if is_encrypted(block) {
                items.push(block.clone());
            } else {
                self.notice("thinking of an earlier turn: it was signed for another protocol");
            }
        }
        if !turn.text.is_empty() || (turn.tool_calls.is_empty() && turn.opaque.is_empty()) {
            let part = json!({ "type": "output_text", "text": turn.text });
            items.push(json!({ "role": "assistant", "content": [part] }));
        }
        for call in &turn.tool_calls {
            if call.signature.is_some() {
                self.notice("`thought_signature` of a tool call: only Gemini's own protocol takes it back");
            }
            items.push(json!({
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
            }));
        }
    }

    fn result(&mut self, result: &ToolResult) -> Value {
        if result.is_error {
            self.notice("`is_error` of a tool's result: the protocol has no word for it; the text says it or nothing does");
        }
        json!({ "type": "function_call_output", "call_id": result.call_id, "output": result.content })
    }

    fn tools(&mut self, request: &ChatRequest) {
        if !request.tools.is_empty() {
            self.put("tools", Some(request.tools.iter().map(encode_tool).collect::<Vec<_>>()));
        }
        let choice = request.tool_choice.as_ref().map(|choice| match choice {
            ToolChoice::Auto => json!("auto"),
            ToolChoice::None => json!("none"),
            ToolChoice::Required => json!("required"),
            ToolChoice::Function(name) => json!({ "type": "function", "name": name }),
        });
        self.put("tool_choice", choice);
        self.put("parallel_tool_calls", request.parallel_tool_calls);
    }

    /// What the protocol has no word for and what changes an answer only by shades.
    fn drop_unsaid(&mut self, sampling: &Sampling) {
        let unsaid = [
            ("presence_penalty", sampling.presence_penalty.is_some_and(|n| n != 0.0)),
            ("frequency_penalty", sampling.frequency_penalty.is_some_and(|n| n != 0.0)),
            ("seed", sampling.seed.is_some()),
        ];
        for (name, _) in unsaid.iter().filter(|(_, is_said)| *is_said) {
            self.notice(&format!("`{name}`: the Responses protocol has no word for it"));
        }
    }

    /// Thoughts that are not stored must come along, encrypted; models that do not think answer 400 when asked for them.
    fn include(&mut self, request: &ChatRequest) {
        let has_thoughts = |message: &Message| match message {
            Message::Assistant(turn) => turn.opaque.iter().any(is_encrypted),
            _ => false,
        };
        if request.reasoning_effort.is_some() || request.messages.iter().any(has_thoughts) {
            self.put("include", Some(json!(["reasoning.encrypted_content"])));
        }
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
        Part::Text(text) => json!({ "type": "input_text", "text": text }),
        Part::Image(image) => json!({ "type": "input_image", "image_url": image_url(image) }),
    }
}

/// Flat, and not strict unless it was asked for: here the default is the other way round.
fn encode_tool(tool: &Tool) -> Value {
    let mut fields = encode_function(tool);
    fields.insert("type".into(), "function".into());
    fields.entry("strict").or_insert(Value::Bool(false));
    Value::Object(fields)
}

fn encode_format(format: &ResponseFormat) -> Value {
    match (encode_schema(format), format) {
        (Some(mut fields), _) => {
            fields.insert("type".into(), "json_schema".into());
            Value::Object(fields)
        }
        (None, ResponseFormat::JsonObject) => json!({ "type": "json_object" }),
        (None, _) => json!({ "type": "text" }),
    }
}
