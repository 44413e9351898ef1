//! The neutral form of a conversation, between the protocols. Every dialect reads into it and writes from it; what a protocol
//! cannot say is refused by name, never dropped in silence.

mod gather;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::usage::TokenUsage;

/// A request in no protocol. What is `None` or empty is not sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChatRequest {
    /// A target: `connection_key/model`, `provider/model`, or a bare model id.
    pub model: String,
    /// At least one, in order.
    pub messages: Vec<Message>,
    /// Functions that the model may call.
    pub tools: Vec<Tool>,
    /// Whether it must call one.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// The shape of the answer.
    pub response_format: Option<ResponseFormat>,
    /// How words are chosen.
    pub sampling: Sampling,
    /// Upper limit of the answer in tokens, reasoning included.
    pub max_tokens: Option<u32>,
    /// How long to think.
    pub reasoning_effort: Option<ReasoningEffort>,
    /// Whole or in pieces.
    pub delivery: Delivery,
}

/// How words are chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0..=2.
    pub temperature: Option<f64>,
    /// 0..=1.
    pub top_p: Option<f64>,
    /// −2..=2.
    pub presence_penalty: Option<f64>,
    /// −2..=2.
    pub frequency_penalty: Option<f64>,
    /// Best effort.
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
}

/// How an answer is delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Delivery {
    /// As one document.
    #[default]
    Whole,
    /// As server-sent events.
    Streamed,
}

impl Delivery {
    /// The wire's `stream` flag.
    pub fn is_streamed(self) -> bool {
        self == Self::Streamed
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Instructions (OpenAI's `system` and `developer`).
    System(String),
    /// The caller.
    User(Vec<Part>),
    /// The model.
    Assistant(Turn),
    /// The result of a tool call.
    Tool(ToolResult),
}

impl Message {
    /// The caller, in plain text.
    pub fn user(text: impl Into<String>) -> Self {
        Self::User(vec![Part::Text(text.into())])
    }
}

/// A piece of the caller's message.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Plain text.
    Text(String),
    /// A picture.
    Image(Image),
}

/// A picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Image {
    /// Somewhere else.
    Url(String),
    /// Here.
    Inline {
        /// `image/png`, …
        media_type: String,
        /// Base64.
        data: String,
    },
}

/// What the model said, in one turn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Turn {
    /// The answer; may be empty beside tool calls.
    pub text: String,
    /// Calls of tools, in order.
    pub tool_calls: Vec<ToolCall>,
    /// Blocks that the provider wants back unchanged (signed thinking), as it sent them.
    pub opaque: Vec<Value>,
}

/// A call of a tool by the model.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// By which its result names it.
    pub id: String,
    /// The function.
    pub name: String,
    /// JSON text; models send invalid JSON at times, and it is passed on as it came.
    pub arguments: String,
    /// Gemini's thought signature, which must come back with the call.
    pub signature: Option<String>,
}

/// What a tool answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    /// Of the call.
    pub call_id: String,
    /// The function, where the protocol names it.
    pub name: Option<String>,
    /// Plain text or JSON text.
    pub content: String,
    /// Whether the tool failed, where the protocol says so.
    pub is_error: bool,
}

/// A function that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// 1 to 64 of a-z, A-Z, 0-9, _ and -.
    pub name: String,
    /// For the model.
    pub description: Option<String>,
    /// JSON schema of its arguments.
    pub parameters: Value,
    /// Whether arguments must fit the schema exactly.
    pub strict: Option<bool>,
}

/// Whether the model must call a tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Function(String),
}

/// The shape of the answer.
#[derive(Clone, Debug, PartialEq)]
pub enum ResponseFormat {
    /// Plain text.
    Text,
    /// Any JSON object.
    JsonObject,
    /// JSON that fits a schema.
    JsonSchema {
        /// A name for it.
        name: String,
        /// For the model.
        description: Option<String>,
        /// The schema.
        schema: Value,
        /// Whether it must fit exactly.
        strict: Option<bool>,
    },
}

/// How long a model thinks before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReasoningEffort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// A little.
    Low,
    /// As usual.
    Medium,
    /// Long.
    High,
    /// Longer.
    Xhigh,
    /// As long as it takes.
    Max,
}

/// A whole answer in no protocol.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    /// The provider's id of it.
    pub id: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// The answer.
    pub turn: Turn,
    /// The model's words when it declines.
    pub refusal: Option<String>,
    /// Thinking that the provider shows.
    pub reasoning: String,
    /// Why it stopped.
    pub finish: Option<Finish>,
    /// Tokens and reported cost.
    pub usage: TokenUsage,
}

/// A piece of a streamed answer in no protocol.
#[derive(Clone, Debug, PartialEq)]
pub enum Delta {
    /// The provider's id and model, at the beginning.
    Start {
        /// Its id of the answer.
        id: Option<String>,
        /// The model that answers.
        model: Option<String>,
    },
    /// More of the answer.
    Text(String),
    /// More of the words when it declines.
    Refusal(String),
    /// More of the thinking that is shown.
    Reasoning(String),
    /// A tool call begins.
    ToolCall {
        /// Counted from 0.
        index: u32,
        /// As far as it is known: the arguments follow.
        call: ToolCall,
    },
    /// More of a tool call's arguments.
    Arguments {
        /// Of the call.
        index: u32,
        /// A piece of JSON text.
        text: String,
    },
    /// Blocks that the provider wants back unchanged.
    Opaque(Value),
    /// Why it stopped.
    Finish(Finish),
    /// Tokens; the last report counts.
    Usage(TokenUsage),
}

/// Why a model stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It was done, or came to a stop text.
    Stop,
    /// The limit of tokens.
    Length,
    /// It waits for tools.
    ToolCalls,
    /// A policy.
    ContentFilter,
    /// Another reason, in the provider's word.
    Other(String),
}

impl Finish {
    /// OpenAI's word for it, which the ledger keeps.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Other(word) => word,
        }
    }
}

impl ChatRequest {
    /// A single question.
    pub fn prompt(model: &str, text: &str, delivery: Delivery) -> Self {
        Self { model: model.to_owned(), messages: vec![Message::user(text)], delivery, ..Self::default() }
    }
}
