//! A caller's request into the neutral form.

use super::parts::{decode_choice_word, decode_effort, decode_format, decode_function, image, joined_text};
use super::read::{self, Field};
use crate::chat::{
    ChatRequest, Delivery, Message, Part, ResponseFormat, Sampling, Tool, ToolCall, ToolChoice, ToolResult,
    Turn,
};
use crate::dialect::Failure;

/// The fields that the neutral form has a word for.
const SPOKEN: [&str; 18] = [
    "frequency_penalty",
    "max_completion_tokens",
    "max_tokens",
    "messages",
    "model",
    "n",
    "parallel_tool_calls",
    "presence_penalty",
    "random_seed",
    "reasoning",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
];

/// Reads the body of `POST /v1/chat/completions`. Unknown fields are ignored ([`unspoken_fields`] names them); a wrong type,
/// or something that would change the answer and cannot be translated, is refused by name.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest, Failure> {
    let body = read::body(body)?;
    let root = Field::root(&body);
    refuse_untranslatable(&root)?;
    let messages = root.get("messages");
    let list = messages.items()?;
    if list.is_empty() {
        return Err(messages.must("hold at least one message"));
    }
    let reasoning = root.get("reasoning");
    let effort = decode_effort(&root.get("reasoning_effort"))?;
    let max_tokens = root.get("max_completion_tokens").limit()?;
    Ok(ChatRequest {
        model: root.get("model").required_text()?.to_owned(),
        messages: list.iter().map(message).collect::<Result<_, _>>()?,
        tools: root.get("tools").items()?.iter().map(tool).collect::<Result<_, _>>()?,
        tool_choice: tool_choice(&root.get("tool_choice"))?,
        parallel_tool_calls: root.get("parallel_tool_calls").flag()?,
        response_format: format(root.get("response_format"))?,
        sampling: sampling(&root)?,
        max_tokens: max_tokens.or(root.get("max_tokens").limit()?),
        // OpenRouter's place for it.
        reasoning_effort: effort.or(decode_effort(&reasoning.get("effort"))?),
        delivery: delivery(&root)?,
    })
}

/// What a request asks for and the neutral form cannot carry: such fields go no further than Patchbay.
pub fn unspoken_fields(body: &[u8]) -> Vec<String> {
    read::unspoken(body, &SPOKEN)
}

/// What would silently be another question without it.
fn refuse_untranslatable(root: &Field<'_>) -> Result<(), Failure> {
    let n = root.get("n");
    if n.integer()?.is_some_and(|n| n != 1) {
        return Err(n.cannot("asks for several answers"));
    }
    for name in ["functions", "function_call"] {
        let old = root.get(name);
        if !old.is_absent() {
            return Err(old.cannot("is the old form of `tools`"));
        }
    }
    let modalities = root.get("modalities");
    if modalities.items()?.iter().any(|kind| kind.value() != "text") {
        return Err(modalities.cannot("asks for more than text"));
    }
    Ok(())
}

fn sampling(root: &Field<'_>) -> Result<Sampling, Failure> {
    let seed = root.get("seed").integer()?;
    Ok(Sampling {
        temperature: root.get("temperature").number()?,
        top_p: root.get("top_p").number()?,
        presence_penalty: root.get("presence_penalty").number()?,
        frequency_penalty: root.get("frequency_penalty").number()?,
        // Mistral's name for it.
        seed: seed.or(root.get("random_seed").integer()?),
        stop: stop(&root.get("stop"))?,
    })
}

fn stop(stop: &Field<'_>) -> Result<Vec<String>, Failure> {
    if let Some(one) = stop.value().as_str() {
        return Ok(vec![one.to_owned()]);
    }
    stop.items()?.iter().map(|one| one.required_text().map(str::to_owned)).collect()
}

pub(in crate::dialect) fn delivery(root: &Field<'_>) -> Result<Delivery, Failure> {
    Ok(if root.get("stream").flag()? == Some(true) { Delivery::Streamed } else { Delivery::Whole })
}

fn message(message: &Field<'_>) -> Result<Message, Failure> {
    let role = message.get("role");
    let content = message.get("content");
    match role.required_text()? {
        "system" | "developer" => Ok(Message::System(joined_text(&content, &["text"])?)),
        "user" => Ok(Message::User(user_parts(&content)?)),
        "assistant" => Ok(Message::Assistant(turn(message)?)),
        "tool" => Ok(Message::Tool(ToolResult {
            call_id: message.get("tool_call_id").required_text()?.to_owned(),
            name: message.get("name").text()?.map(str::to_owned),
            content: joined_text(&content, &["text"])?,
            is_error: false,
        })),
        other => Err(role.cannot(&format!("is `{other}`"))),
    }
}

fn user_parts(content: &Field<'_>) -> Result<Vec<Part>, Failure> {
    if !content.value().is_array() {
        return Ok(vec![Part::Text(content.required_text()?.to_owned())]);
    }
    content.items()?.iter().map(part).collect()
}

fn part(part: &Field<'_>) -> Result<Part, Failure> {
    match part.get("type").required_text()? {
        "text" => Ok(Part::Text(part.get("text").required_text()?.to_owned())),
        "image_url" => {
            let place = part.get("image_url");
            let url = if place.value().is_string() { place } else { place.get("url") };
            Ok(Part::Image(image(url.required_text()?)))
        }
        other => Err(part.cannot(&format!("is of type `{other}`"))),
    }
}

fn turn(message: &Field<'_>) -> Result<Turn, Failure> {
    let function_call = message.get("function_call");
    if !function_call.is_absent() {
        return Err(function_call.cannot("is the old form of `tool_calls`"));
    }
    let said = said(&message.get("content"))?;
    let refusal = message.get("refusal").text()?.unwrap_or_default();
    let text = if said.is_empty() { refusal.to_owned() } else { said };
    let calls = message.get("tool_calls").items()?;
    let details = message.get("reasoning_details").items()?;
    let mut opaque: Vec<_> = details.iter().map(|block| block.value().clone()).collect();
    if let Some(reasoning) = message.get("reasoning_content").text()? {
        opaque.push(serde_json::json!({ "type": REASONING_CONTENT, "text": reasoning }));
    }
    Ok(Turn { text, tool_calls: calls.iter().map(call).collect::<Result<_, _>>()?, opaque })
}

/// The kind under which DeepSeek's `reasoning_content` is kept: thinking models want it back in a tool loop.
pub(super) const REASONING_CONTENT: &str = "reasoning_content";

/// What the model said. Its own thoughts, which Mistral puts between the parts, are left out.
fn said(content: &Field<'_>) -> Result<String, Failure> {
    if !content.value().is_array() {
        return Ok(content.text()?.unwrap_or_default().to_owned());
    }
    let mut said = String::new();
    for part in content.items()? {
        match part.get("type").required_text()? {
            "text" => said.push_str(part.get("text").required_text()?),
            "refusal" => said.push_str(part.get("refusal").required_text()?),
            "thinking" => {}
            other => return Err(part.cannot(&format!("is of type `{other}`"))),
        }
    }
    Ok(said)
}

fn call(call: &Field<'_>) -> Result<ToolCall, Failure> {
    is_function(call)?;
    let function = call.get("function");
    let signature = call.get("extra_content").get("google").get("thought_signature");
    Ok(ToolCall {
        id: call.get("id").required_text()?.to_owned(),
        name: function.get("name").required_text()?.to_owned(),
        arguments: function.get("arguments").text()?.unwrap_or_default().to_owned(),
        signature: signature.text()?.map(str::to_owned),
    })
}

fn tool(tool: &Field<'_>) -> Result<Tool, Failure> {
    is_function(tool)?;
    decode_function(&tool.get("function"))
}

/// Some clients leave the type out.
fn is_function(field: &Field<'_>) -> Result<(), Failure> {
    let kind = field.get("type");
    match kind.text()? {
        None | Some("function") => Ok(()),
        Some(other) => Err(kind.cannot(&format!("is `{other}`"))),
    }
}

fn tool_choice(choice: &Field<'_>) -> Result<Option<ToolChoice>, Failure> {
    if choice.is_absent() {
        return Ok(None);
    }
    if let Some(word) = choice.value().as_str() {
        return decode_choice_word(choice, word).map(Some);
    }
    is_function(choice)?;
    Ok(Some(ToolChoice::Function(choice.get("function").get("name").required_text()?.to_owned())))
}

fn format(format: Field<'_>) -> Result<Option<ResponseFormat>, Failure> {
    let format = format.object()?;
    format.map(|format| decode_format(&format, |format| format.get("json_schema"))).transpose()
}
