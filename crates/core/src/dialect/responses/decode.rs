//! A caller's request into the neutral form.

use crate::chat::{
    ChatRequest, Message, Part, ResponseFormat, Sampling, Tool, ToolCall, ToolChoice, ToolResult, Turn,
};
use crate::dialect::Failure;
use crate::dialect::openai::{
    Field, decode_choice_word, decode_effort, decode_format, decode_function, delivery, image, joined_text,
    read_body, unspoken,
};

/// The fields that the neutral form has a word for, or whose default is what it says.
const SPOKEN: [&str; 13] = [
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "model",
    "parallel_tool_calls",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
];

/// Reads the body of `POST /v1/responses`. Unknown fields are ignored ([`unspoken_fields`] names them); a wrong type, or
/// something that would change the answer and cannot be translated, is refused by name.
pub fn decode_request(body: &[u8]) -> Result<ChatRequest, Failure> {
    let body = read_body(body)?;
    let root = Field::root(&body);
    refuse_untranslatable(&root)?;
    Ok(ChatRequest {
        model: root.get("model").required_text()?.to_owned(),
        messages: Messages::of(&root)?,
        tools: root.get("tools").items()?.iter().map(tool).collect::<Result<_, _>>()?,
        tool_choice: tool_choice(&root.get("tool_choice"))?,
        parallel_tool_calls: root.get("parallel_tool_calls").flag()?,
        response_format: format(&root.get("text"))?,
        sampling: Sampling {
            temperature: root.get("temperature").number()?,
            top_p: root.get("top_p").number()?,
            ..Sampling::default()
        },
        max_tokens: root.get("max_output_tokens").limit()?,
        reasoning_effort: decode_effort(&root.get("reasoning").get("effort"))?,
        delivery: delivery(&root)?,
    })
}

/// What a request asks for and the neutral form cannot carry: such fields go no further than Patchbay.
pub fn unspoken_fields(body: &[u8]) -> Vec<String> {
    unspoken(body, &SPOKEN)
}

/// What lies at the provider, and would silently be missing.
fn refuse_untranslatable(root: &Field<'_>) -> Result<(), Failure> {
    for name in ["previous_response_id", "conversation", "prompt"] {
        let field = root.get(name);
        if !field.is_absent() {
            return Err(field.cannot("names something that is stored at one provider"));
        }
    }
    let background = root.get("background");
    if background.flag()? == Some(true) {
        return Err(background.cannot("asks for an answer later"));
    }
    Ok(())
}

/// The messages so far; items of the model are gathered in a turn until something else comes.
#[derive(Default)]
struct Messages {
    all: Vec<Message>,
    turn: Option<Turn>,
}

impl Messages {
    fn of(root: &Field<'_>) -> Result<Vec<Message>, Failure> {
        let mut messages = Self::default();
        if let Some(text) = root.get("instructions").text()? {
            messages.put(Message::System(text.to_owned()));
        }
        messages.input(&root.get("input"))?;
        messages.end_turn();
        Ok(messages.all)
    }

    fn input(&mut self, input: &Field<'_>) -> Result<(), Failure> {
        if let Some(text) = input.value().as_str() {
            self.put(Message::user(text));
            return Ok(());
        }
        let items = input.items()?;
        if items.is_empty() {
            return Err(input.must("be a text or hold at least one item"));
        }
        items.iter().try_for_each(|item| self.item(item))
    }

    fn item(&mut self, item: &Field<'_>) -> Result<(), Failure> {
        let kind = item.get("type");
        match kind.text()? {
            None | Some("message") => self.message(item)?,
            Some("function_call") => self.turn().tool_calls.push(call(item)?),
            Some("function_call_output") => self.put(Message::Tool(result(item)?)),
            Some("reasoning") => self.wordless_turn().opaque.push(item.value().clone()),
            Some(other) => return Err(kind.cannot(&format!("is `{other}`"))),
        }
        Ok(())
    }

    fn message(&mut self, message: &Field<'_>) -> Result<(), Failure> {
        let role = message.get("role");
        let content = message.get("content");
        match role.required_text()? {
            "system" | "developer" => {
                self.put(Message::System(joined_text(&content, &["input_text", "text"])?));
            }
            "user" => self.put(Message::User(user_parts(&content)?)),
            "assistant" => self.wordless_turn().text = said(&content)?,
            other => return Err(role.cannot(&format!("is `{other}`"))),
        }
        Ok(())
    }

    fn put(&mut self, message: Message) {
        self.end_turn();
        self.all.push(message);
    }

    fn end_turn(&mut self) {
        self.all.extend(self.turn.take().map(Message::Assistant));
    }

    fn turn(&mut self) -> &mut Turn {
        self.turn.get_or_insert_default()
    }

    /// Thoughts and words begin a turn, unless it has nothing but thoughts yet.
    fn wordless_turn(&mut self) -> &mut Turn {
        if self.turn.as_ref().is_some_and(|turn| !turn.text.is_empty() || !turn.tool_calls.is_empty()) {
            self.end_turn();
        }
        self.turn()
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
        "input_text" => Ok(Part::Text(part.get("text").required_text()?.to_owned())),
        "input_image" => {
            let file = part.get("file_id");
            if !file.is_absent() {
                return Err(file.cannot("names a file that is stored at one provider"));
            }
            Ok(Part::Image(image(part.get("image_url").required_text()?)))
        }
        other => Err(part.cannot(&format!("is of type `{other}`"))),
    }
}

fn said(content: &Field<'_>) -> Result<String, Failure> {
    if !content.value().is_array() {
        return Ok(content.required_text()?.to_owned());
    }
    let mut said = String::new();
    for part in content.items()? {
        match part.get("type").required_text()? {
            "output_text" => said.push_str(part.get("text").required_text()?),
            "refusal" => said.push_str(part.get("refusal").required_text()?),
            other => return Err(part.cannot(&format!("is of type `{other}`"))),
        }
    }
    Ok(said)
}

fn call(item: &Field<'_>) -> Result<ToolCall, Failure> {
    Ok(ToolCall {
        id: item.get("call_id").required_text()?.to_owned(),
        name: item.get("name").required_text()?.to_owned(),
        arguments: item.get("arguments").text()?.unwrap_or_default().to_owned(),
        signature: None,
    })
}

fn result(item: &Field<'_>) -> Result<ToolResult, Failure> {
    Ok(ToolResult {
        call_id: item.get("call_id").required_text()?.to_owned(),
        name: None,
        content: joined_text(&item.get("output"), &["input_text", "output_text"])?,
        is_error: false,
    })
}

fn tool(tool: &Field<'_>) -> Result<Tool, Failure> {
    let kind = tool.get("type");
    match kind.required_text()? {
        "function" => decode_function(tool),
        other => Err(kind.cannot(&format!("is `{other}`"))),
    }
}

fn tool_choice(choice: &Field<'_>) -> Result<Option<ToolChoice>, Failure> {
    if choice.is_absent() {
        return Ok(None);
    }
    if let Some(word) = choice.value().as_str() {
        return decode_choice_word(choice, word).map(Some);
    }
    let kind = choice.get("type");
    match kind.required_text()? {
        "function" => Ok(Some(ToolChoice::Function(choice.get("name").required_text()?.to_owned()))),
        other => Err(kind.cannot(&format!("is `{other}`"))),
    }
}

/// The schema lies flat beside the kind.
fn format(text: &Field<'_>) -> Result<Option<ResponseFormat>, Failure> {
    let format = text.get("format").object()?;
    format.map(|format| decode_format(&format, Field::same)).transpose()
}
