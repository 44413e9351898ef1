//! Streamed answers, one event at a time.

use super::wire::{Body, Choice, Content, Line};
use crate::catalog::Quirks;
use crate::dialect::Failure;
use crate::usage::TokenUsage;

/// What one event was.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A piece of the answer; the text is empty for tool calls and reasoning.
    Token(String),
    /// The chunk that carries nothing but usage.
    UsageOnly,
    /// The end mark.
    Done,
    /// An error inside the stream.
    Failed(Failure),
    /// A comment, a role, a finish reason, padding.
    Other,
}

/// Reads a stream and remembers what the ledger needs of it.
#[derive(Debug, Default)]
pub struct StreamDecoder {
    quirks: Quirks,
    usage: TokenUsage,
    finish_reason: Option<String>,
    model: Option<String>,
    output_bytes: usize,
    done: bool,
}

impl StreamDecoder {
    /// A decoder for a provider with these quirks.
    pub fn new(quirks: Quirks) -> Self {
        Self { quirks, ..Self::default() }
    }

    /// Takes the data of one event; `None` for a comment.
    pub fn event(&mut self, data: Option<&str>) -> Seen {
        match Line::read(data) {
            Ok(Line::Chunk(chunk)) => self.chunk(chunk, data.unwrap_or_default()),
            Ok(Line::Nothing) => Seen::Other,
            Ok(Line::Done) => {
                self.done = true;
                Seen::Done
            }
            Err(failure) => Seen::Failed(failure),
        }
    }

    fn chunk(&mut self, mut chunk: Body<'_>, data: &str) -> Seen {
        let usage = chunk.take_usage(self.quirks);
        // On several chunks, the last one counts; an error can bring it too.
        self.usage = usage.unwrap_or(self.usage);
        if chunk.is_error() {
            return Seen::Failed(super::failure(200, None, data.as_bytes()));
        }
        self.model = self.model.take().or_else(|| chunk.model());
        let choices = chunk.take_choices();
        let has_choices = !choices.is_empty();
        let pieces = choices.into_iter().map(|choice| self.choice(choice));
        let text = pieces.fold(None, |all: Option<String>, piece| match (all, piece) {
            (Some(all), Some(piece)) => Some(all + &piece),
            (all, piece) => all.or(piece),
        });
        match text {
            Some(text) => Seen::Token(text),
            None if usage.is_some() && !has_choices => Seen::UsageOnly,
            None => Seen::Other,
        }
    }

    fn choice(&mut self, mut choice: Choice<'_>) -> Option<String> {
        let said = choice.take_said();
        if choice.finish_reason.as_deref().is_some_and(|reason| !reason.is_empty()) {
            self.finish_reason = choice.finish_reason;
        }
        let said = said?;
        let silent =
            said.tool_calls.is_some() || said.reasoning.is_some() || said.reasoning_content.is_some();
        let text =
            said.content.map(Content::into_text).unwrap_or_default() + &said.refusal.unwrap_or_default();
        self.output_bytes += text.len();
        (silent || !text.is_empty()).then_some(text)
    }

    /// Whether the stream came to its end: a finish reason or the end mark. Without either it was cut.
    pub fn is_complete(&self) -> bool {
        self.done || self.finish_reason.is_some()
    }

    /// Tokens and reported cost; the last report counts.
    pub fn usage(&self) -> TokenUsage {
        self.usage
    }

    /// Why the model stopped.
    pub fn finish_reason(&self) -> Option<&str> {
        self.finish_reason.as_deref()
    }

    /// The model that answered.
    pub fn model(&self) -> Option<&str> {
        self.model.as_deref()
    }

    /// Bytes of text so far: a base for an estimate where usage never came.
    pub fn output_bytes(&self) -> usize {
        self.output_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    fn decode(events: &[&str]) -> (StreamDecoder, Vec<Seen>) {
        let mut decoder = StreamDecoder::new(Quirks::default());
        let seen = events.iter().map(|data| decoder.event(Some(data))).collect();
        (decoder, seen)
    }

    #[test]
    fn text_finish_usage_and_end_are_read() {
        let (decoder, seen) = decode(&[
            r#"{"model":"m","choices":[{"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
            r#"{"choices":[{"delta":{"content":"Hel"}}]}"#,
            r#"{"choices":[{"delta":{"content":"lo"}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#,
            "[DONE]",
        ]);
        let expected = [
            Seen::Other,
            Seen::Token("Hel".into()),
            Seen::Token("lo".into()),
            Seen::Other,
            Seen::UsageOnly,
            Seen::Done,
        ];
        assert_eq!(seen, expected);
        assert_eq!((decoder.usage().input, decoder.usage().output), (Some(3), Some(2)));
        assert_eq!(
            (decoder.finish_reason(), decoder.is_complete(), decoder.output_bytes()),
            (Some("stop"), true, 5)
        );
    }

    #[test]
    fn a_stream_without_finish_reason_or_end_mark_is_cut() {
        let (decoder, _) = decode(&[r#"{"choices":[{"delta":{"content":"Hel"},"finish_reason":null}]}"#]);
        assert!(!decoder.is_complete());
    }

    #[test]
    fn f6_an_error_event_inside_a_200_is_an_error() {
        let (_, seen) = decode(&[r#"{"error":{"message":"overloaded","code":503}}"#]);
        assert!(matches!(&seen[0], Seen::Failed(failure) if failure.code == Code::Overloaded));
    }

    #[test]
    fn usage_beside_choices_is_not_a_usage_only_chunk() {
        let (decoder, seen) = decode(&[
            r#"{"choices":[{"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
        ]);
        assert_eq!(seen, [Seen::Other]);
        assert!(decoder.usage().is_reported());
    }

    #[test]
    fn a_tool_call_is_a_token_without_text() {
        let (_, seen) =
            decode(&[r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}"#]);
        assert_eq!(seen, [Seen::Token(String::new())]);
    }
}
