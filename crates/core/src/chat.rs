//! A prompt of Patchbay's own (playground, `patchbay run`, connection tests), before it wears a protocol.

use serde::{Deserialize, Serialize};

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions.
    System,
    /// The caller.
    User,
    /// The model.
    Assistant,
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Role,
    /// Plain text.
    pub content: String,
}

/// A request in no protocol yet. What is `None` is not sent.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// A target: `connection_key/model`, `provider/model`, or a bare model id.
    pub model: String,
    /// At least one.
    pub messages: Vec<Message>,
    /// 0..=2.
    pub temperature: Option<f64>,
    /// Upper limit of the answer.
    pub max_tokens: Option<u32>,
    /// Whether the answer comes in pieces.
    pub delivery: Delivery,
}

/// How an answer is delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// As one document.
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

impl ChatRequest {
    /// A single question.
    pub fn prompt(model: &str, text: &str, delivery: Delivery) -> Self {
        let message = Message { role: Role::User, content: text.to_owned() };
        Self {
            model: model.to_owned(),
            messages: vec![message],
            temperature: None,
            max_tokens: None,
            delivery,
        }
    }
}
