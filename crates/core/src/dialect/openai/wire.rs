//! What arrives, before it means anything: one set of types for whole answers and for chunks. What the pass-through path does
//! not look at stays raw text here, so that a chunk costs that path no more than it must.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::usage::WireUsage;
use crate::catalog::Quirks;
use crate::chat::Finish;
use crate::code::Code;
use crate::dialect::Failure;
use crate::usage::TokenUsage;

/// A whole answer or a chunk of one.
#[derive(Deserialize)]
pub(super) struct Body<'a> {
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    model: Option<&'a RawValue>,
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    usage: Option<WireUsage>,
    x_groq: Option<Groq>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// Groq's own place for usage, on the last chunk.
#[derive(Deserialize)]
struct Groq {
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
pub(super) struct Choice<'a> {
    /// Its number, where several answers were asked for.
    pub(super) index: Option<u32>,
    #[serde(borrow)]
    message: Option<Said<'a>>,
    #[serde(borrow)]
    delta: Option<Said<'a>>,
    pub(super) finish_reason: Option<String>,
}

/// A message, or a piece of one.
#[derive(Default, Deserialize)]
pub(super) struct Said<'a> {
    pub(super) content: Option<Content>,
    pub(super) refusal: Option<String>,
    #[serde(borrow)]
    pub(super) tool_calls: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reasoning: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) reasoning_details: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) extra_content: Option<&'a RawValue>,
}

/// One event of a stream.
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is made; a box would cost an allocation per token"
)]
pub(super) enum Line<'a> {
    /// A comment, or an empty line.
    Nothing,
    /// The end mark.
    Done,
    /// A piece of the answer.
    Chunk(Body<'a>),
}

impl<'a> Line<'a> {
    /// Reads the data of an event; `None` for a comment.
    pub(super) fn read(data: Option<&'a str>) -> Result<Self, Failure> {
        match data.map(str::trim) {
            None | Some("") => Ok(Self::Nothing),
            Some("[DONE]") => Ok(Self::Done),
            Some(data) => serde_json::from_str(data).map(Self::Chunk).map_err(|error| {
                Failure::new(
                    Code::MalformedAnswer,
                    format!("An event of the stream is no JSON, or no chunk: {error}."),
                )
            }),
        }
    }
}

impl<'a> Body<'a> {
    /// A whole answer, and its first choice. An error inside it, or something that is no answer, is a failure.
    pub(super) fn whole(body: &'a [u8]) -> Result<(Self, Choice<'a>), Failure> {
        let malformed =
            |why: String| Failure { status: Some(200), ..Failure::new(Code::MalformedAnswer, why) };
        let mut wire: Self = serde_json::from_slice(body).map_err(|error| {
            malformed(format!("The provider answered 200 with something that is no answer: {error}."))
        })?;
        if wire.is_error() {
            return Err(super::failure(200, None, body));
        }
        let choice = wire.take_choices().into_iter().next();
        let choice =
            choice.ok_or_else(|| malformed("The provider answered 200 without any choice.".into()))?;
        if choice.message.is_none() && choice.delta.is_none() {
            return Err(malformed("The provider answered 200 with a choice that holds no message.".into()));
        }
        Ok((wire, choice))
    }

    pub(super) fn is_error(&self) -> bool {
        self.error.is_some()
    }

    pub(super) fn id(&self) -> Option<String> {
        text(self.id)
    }

    pub(super) fn model(&self) -> Option<String> {
        text(self.model)
    }

    pub(super) fn take_usage(&mut self, quirks: Quirks) -> Option<TokenUsage> {
        let usage = self.usage.take().or_else(|| self.x_groq.take().and_then(|groq| groq.usage));
        usage.map(|usage| usage.into_usage(quirks))
    }

    pub(super) fn take_choices(&mut self) -> Vec<Choice<'a>> {
        self.choices.take().unwrap_or_default()
    }
}

impl<'a> Choice<'a> {
    pub(super) fn take_said(&mut self) -> Option<Said<'a>> {
        self.delta.take().or_else(|| self.message.take())
    }
}

impl Said<'_> {
    /// Thinking that is shown, under whichever name.
    pub(super) fn reasoning(&self) -> Option<String> {
        let texts = [self.reasoning_content, self.reasoning];
        texts.into_iter().filter_map(text).find(|text| !text.is_empty())
    }

    /// OpenRouter's blocks that it wants back.
    pub(super) fn reasoning_details(&self) -> Vec<Value> {
        self.reasoning_details.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
    }
}

/// A string, or nothing where it is none.
pub(super) fn text(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

/// Gemini's thought signature, where its OpenAI form puts it.
pub(super) fn signature(extra_content: Option<&RawValue>) -> Option<String> {
    let extra: Value = serde_json::from_str(extra_content?.get()).ok()?;
    extra["google"]["thought_signature"].as_str().map(str::to_owned)
}

/// OpenAI's word, or that of a server that copies it.
pub(super) fn finish(word: &str) -> Finish {
    match word {
        "stop" | "eos" => Finish::Stop,
        "length" | "model_length" => Finish::Length,
        "tool_calls" | "function_call" => Finish::ToolCalls,
        "content_filter" => Finish::ContentFilter,
        other => Finish::Other(other.to_owned()),
    }
}

/// Text, or Mistral's list of parts.
#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
pub(super) struct Part {
    text: Option<String>,
    thinking: Option<Content>,
}

impl Content {
    pub(super) fn into_text(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Parts(parts) => parts.into_iter().filter_map(|part| part.text).collect(),
        }
    }

    /// The answer, and the thinking beside it.
    pub(super) fn into_text_and_thinking(self) -> (String, String) {
        match self {
            Self::Text(text) => (text, String::new()),
            Self::Parts(parts) => {
                let (mut text, mut thinking) = (String::new(), String::new());
                for part in parts {
                    text.extend(part.text);
                    thinking.extend(part.thinking.map(Self::into_text));
                }
                (text, thinking)
            }
        }
    }
}

/// By hand: an untagged enum would copy every token of a stream once more.
impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrParts;
        impl<'de> Visitor<'de> for TextOrParts {
            type Value = Content;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Content, E> {
                Ok(Content::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Content, E> {
                Ok(Content::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Content, A::Error> {
                let mut parts = Vec::new();
                while let Some(part) = list.next_element()? {
                    parts.push(part);
                }
                Ok(Content::Parts(parts))
            }
        }
        deserializer.deserialize_any(TextOrParts)
    }
}
