//! A provider's stream into the neutral form, one event at a time.

use serde_json::Value;

use super::calls::Calls;
use super::wire::{Body, Content, Line, Said, finish};
use crate::catalog::Quirks;
use crate::chat::{Delta, Finish};
use crate::dialect::Failure;
use crate::dialect::wire::{Kept, MOST_CALLS, endless};
use crate::sse::Event;
use crate::usage::TokenUsage;

/// Reads a stream of chunks.
#[derive(Debug, Default)]
pub struct Decoder {
    quirks: Quirks,
    id: Option<String>,
    progress: Progress,
    calls: Calls,
    details: Vec<Value>,
    kept: Kept,
    finish: Option<Finish>,
    usage: TokenUsage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Waiting,
    Started,
    Done,
}

impl Decoder {
    /// A decoder for a provider with these quirks.
    pub fn new(quirks: Quirks) -> Self {
        Self { quirks, ..Self::default() }
    }

    /// Takes one event. After a failure nothing more is worth reading.
    pub fn event(&mut self, event: &Event) -> Result<Vec<Delta>, Failure> {
        let mut deltas = Vec::new();
        match Line::read(event.data.as_deref())? {
            Line::Nothing => {}
            Line::Done => {
                self.progress = Progress::Done;
                self.flush_details(&mut deltas);
            }
            Line::Chunk(chunk) => {
                self.chunk(chunk, event.data.as_deref().unwrap_or_default(), &mut deltas)?;
            }
        }
        Ok(deltas)
    }

    fn chunk(&mut self, mut chunk: Body<'_>, data: &str, deltas: &mut Vec<Delta>) -> Result<(), Failure> {
        let usage = chunk.take_usage(self.quirks);
        self.usage = usage.unwrap_or(self.usage);
        if chunk.is_error() {
            return Err(super::failure(200, None, data.as_bytes()));
        }
        if self.progress == Progress::Waiting {
            self.progress = Progress::Started;
            self.id = chunk.id();
            deltas.push(Delta::Start { id: self.id.clone(), model: chunk.model() });
        }
        for mut choice in chunk.take_choices() {
            // Further answers were never asked for.
            if choice.index.unwrap_or(0) == 0 {
                if let Some(said) = choice.take_said() {
                    self.said(said, deltas)?;
                }
                self.finish(choice.finish_reason.as_deref().unwrap_or_default(), deltas);
            }
        }
        deltas.extend(usage.map(Delta::Usage));
        Ok(())
    }

    fn said(&mut self, said: Said<'_>, deltas: &mut Vec<Delta>) -> Result<(), Failure> {
        self.kept.add(said.reasoning_details.map_or(0, |raw| raw.get().len()))?;
        for piece in said.reasoning_details() {
            self.detail(piece);
        }
        if self.details.len() > MOST_CALLS {
            return Err(endless());
        }
        let reasoning = said.reasoning();
        let (text, thinking) = said.content.map(Content::into_text_and_thinking).unwrap_or_default();
        let pieces = [
            (reasoning.unwrap_or(thinking), Delta::Reasoning as fn(String) -> Delta),
            (text, Delta::Text),
            (said.refusal.unwrap_or_default(), Delta::Refusal),
        ];
        deltas
            .extend(pieces.into_iter().filter(|(text, _)| !text.is_empty()).map(|(text, delta)| delta(text)));
        self.calls.pieces(said.tool_calls, self.id.as_deref(), deltas)
    }

    /// Some providers say the reason on several chunks.
    fn finish(&mut self, word: &str, deltas: &mut Vec<Delta>) {
        if word.is_empty() || self.finish.is_some() {
            return;
        }
        let reason = finish(word);
        self.finish = Some(reason.clone());
        self.flush_details(deltas);
        deltas.push(Delta::Finish(reason));
    }

    /// OpenRouter's blocks come in pieces; they are wanted back whole.
    fn detail(&mut self, piece: Value) {
        let is_same = |known: &&mut Value| known["type"] == piece["type"] && known["index"] == piece["index"];
        let Some(known) = self.details.iter_mut().rev().find(is_same) else {
            self.details.push(piece);
            return;
        };
        for (name, value) in piece.as_object().into_iter().flatten() {
            match (&mut known[name.as_str()], value) {
                (_, Value::Null) => {}
                (Value::String(text), Value::String(more))
                    if ["text", "summary", "data"].contains(&name.as_str()) =>
                {
                    text.push_str(more);
                }
                (known, value) => *known = value.clone(),
            }
        }
    }

    fn flush_details(&mut self, deltas: &mut Vec<Delta>) {
        deltas.extend(self.details.drain(..).map(Delta::Opaque));
    }

    /// Whether the stream came to its end: a finish reason or the end mark. Without either it was cut.
    pub fn is_complete(&self) -> bool {
        self.progress == Progress::Done || self.finish.is_some()
    }

    /// Tokens and reported cost so far, also of a stream that failed.
    pub fn usage(&self) -> TokenUsage {
        self.usage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    fn event(data: &str) -> Event {
        Event { raw: Vec::new(), name: None, data: Some(data.to_owned()) }
    }

    fn decode(chunks: &[&str]) -> (Decoder, Vec<Delta>) {
        let mut decoder = Decoder::new(Quirks::default());
        let deltas = chunks.iter().flat_map(|chunk| decoder.event(&event(chunk)).expect("a chunk")).collect();
        (decoder, deltas)
    }

    #[test]
    fn blocks_to_send_back_are_put_together_and_told_before_the_end() {
        let (_, deltas) = decode(&[
            r#"{"choices":[{"delta":{"reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","index":0}]}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":"b","reasoning_details":[{"type":"reasoning.text","text":"b","index":0,"signature":"s"}]}}]}"#,
            r#"{"choices":[{"delta":{"content":"c"},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"delta":{"content":""},"finish_reason":"stop"}]}"#,
        ]);
        let block =
            serde_json::json!({ "type": "reasoning.text", "text": "ab", "index": 0, "signature": "s" });
        let expected = [
            Delta::Start { id: None, model: None },
            Delta::Reasoning("a".into()),
            Delta::Reasoning("b".into()),
            Delta::Text("c".into()),
            Delta::Opaque(block),
            Delta::Finish(Finish::Stop),
        ];
        assert_eq!(deltas, expected);
    }

    #[test]
    fn the_same_reasoning_under_two_names_is_told_once() {
        let (_, deltas) = decode(&[r#"{"choices":[{"delta":{"reasoning":"a","reasoning_content":"a"}}]}"#]);
        assert_eq!(deltas[1..], [Delta::Reasoning("a".into())]);
    }

    #[test]
    fn f6_an_error_inside_a_200_is_a_failure_and_keeps_the_usage_beside_it() {
        let mut decoder = Decoder::default();
        let error = r#"{"error":{"code":400,"message":"Token limit reached"},"choices":[{"delta":{}}],"usage":{"prompt_tokens":43,"completion_tokens":10}}"#;
        assert_eq!(decoder.event(&event(error)).expect_err("an error").code, Code::BadRequest);
        assert_eq!((decoder.usage().input, decoder.is_complete()), (Some(43), false));
        assert_eq!(decoder.event(&event("{oops")).expect_err("no JSON").code, Code::MalformedAnswer);
    }

    #[test]
    fn a_second_answer_is_not_mixed_into_the_first() {
        let (_, deltas) = decode(&[
            r#"{"choices":[{"index":0,"delta":{"content":"a"}},{"index":1,"delta":{"content":"b"},"finish_reason":"stop"}]}"#,
        ]);
        assert_eq!(deltas[1..], [Delta::Text("a".into())]);
    }
}
