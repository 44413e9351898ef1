//! A provider's stream into the neutral form, one event at a time.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::wire::{Called, PARAGRAPH, Response, call, to_send_back};
use crate::chat::{Delta, ToolCall};
use crate::code::Code;
use crate::dialect::Failure;
use crate::dialect::wire::{MOST_CALLS, endless};
use crate::sse::Event;
use crate::usage::TokenUsage;

/// Reads a stream of named events.
#[derive(Debug, Default)]
pub struct Decoder {
    progress: Progress,
    calls: Vec<Call>,
    /// The part of the thinking that was shown last.
    shown: Option<(u64, u64)>,
    usage: TokenUsage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Progress {
    #[default]
    Waiting,
    Started,
    Done,
}

/// A call of a tool, by the place of its item.
#[derive(Debug)]
struct Call {
    output_index: u64,
    arguments: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    NotYet,
    InPieces,
}

/// What of an event is looked at. Long parts stay raw text until they are needed.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(borrow)]
    response: Option<&'a RawValue>,
    #[serde(borrow)]
    item: Option<&'a RawValue>,
    #[serde(borrow)]
    delta: Option<&'a RawValue>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
    #[serde(default)]
    output_index: u64,
    summary_index: Option<u64>,
    content_index: Option<u64>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

impl Wire<'_> {
    fn delta(&self) -> Option<String> {
        text(self.delta).filter(|text| !text.is_empty())
    }

    /// Which part of the thinking it belongs to.
    fn part(&self) -> (u64, u64) {
        (self.output_index, self.summary_index.or(self.content_index).unwrap_or(0))
    }
}

fn text(raw: Option<&RawValue>) -> Option<String> {
    serde_json::from_str(raw?.get()).ok()
}

impl Decoder {
    /// Takes one event. After a failure nothing more is worth reading.
    pub fn event(&mut self, event: &Event) -> Result<Vec<Delta>, Failure> {
        let mut deltas = Vec::new();
        // OpenRouter adds the end mark of chat completions.
        match event.data.as_deref().map(str::trim) {
            None | Some("" | "[DONE]") => {}
            Some(data) => self.wire(&read::<Wire>(data)?, data, &mut deltas)?,
        }
        Ok(deltas)
    }

    fn wire(&mut self, wire: &Wire<'_>, data: &str, deltas: &mut Vec<Delta>) -> Result<(), Failure> {
        let kind = wire.kind.as_deref().unwrap_or_default();
        if kind == "error" || (kind.is_empty() && wire.error.is_some()) {
            return Err(super::failure(200, None, data.as_bytes()));
        }
        match kind {
            "response.created" | "response.in_progress" => self.start(wire, deltas)?,
            "response.output_text.delta" => deltas.extend(wire.delta().map(Delta::Text)),
            "response.refusal.delta" => deltas.extend(wire.delta().map(Delta::Refusal)),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => {
                self.reasoning(wire, deltas);
            }
            "response.output_item.added" => {
                self.call(wire, deltas)?;
            }
            "response.output_item.done" => self.item_done(wire, deltas)?,
            "response.function_call_arguments.delta" => self.arguments(wire, wire.delta(), deltas),
            "response.function_call_arguments.done" => {
                self.whole_arguments(wire, text(wire.arguments), deltas);
            }
            "response.completed" | "response.incomplete" | "response.failed" => self.end(wire, deltas)?,
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, wire: &Wire<'_>, deltas: &mut Vec<Delta>) -> Result<(), Failure> {
        if self.progress == Progress::Waiting {
            self.progress = Progress::Started;
            let (id, model) = response(wire)?.id_and_model();
            deltas.push(Delta::Start { id, model });
        }
        Ok(())
    }

    fn reasoning(&mut self, wire: &Wire<'_>, deltas: &mut Vec<Delta>) {
        let Some(text) = wire.delta() else { return };
        let part = wire.part();
        if self.shown.is_some_and(|shown| shown != part) {
            deltas.push(Delta::Reasoning(PARAGRAPH.to_owned()));
        }
        self.shown = Some(part);
        deltas.push(Delta::Reasoning(text));
    }

    /// Tells a call that was not told yet.
    fn call(&mut self, wire: &Wire<'_>, deltas: &mut Vec<Delta>) -> Result<Option<Value>, Failure> {
        let Some(item) = wire.item.and_then(|item| serde_json::from_str::<Value>(item.get()).ok()) else {
            return Ok(None);
        };
        if item["type"] == "function_call" && self.position(wire).is_none() {
            if self.calls.len() == MOST_CALLS {
                return Err(endless());
            }
            let index = u32::try_from(self.calls.len()).unwrap_or(u32::MAX);
            self.calls.push(Call { output_index: wire.output_index, arguments: Told::NotYet });
            deltas
                .push(Delta::ToolCall { index, call: ToolCall { arguments: String::new(), ..call(&item) } });
        }
        Ok(Some(item))
    }

    fn item_done(&mut self, wire: &Wire<'_>, deltas: &mut Vec<Delta>) -> Result<(), Failure> {
        let Some(item) = self.call(wire, deltas)? else { return Ok(()) };
        if item["type"] == "function_call" {
            self.whole_arguments(wire, item["arguments"].as_str().map(str::to_owned), deltas);
        }
        deltas.extend(to_send_back(item).map(Delta::Opaque));
        Ok(())
    }

    /// Arguments that were not told in pieces.
    fn whole_arguments(&mut self, wire: &Wire<'_>, whole: Option<String>, deltas: &mut Vec<Delta>) {
        if self.position(wire).is_some_and(|at| self.calls[at].arguments == Told::NotYet) {
            self.arguments(wire, whole.filter(|text| !text.is_empty()), deltas);
        }
    }

    fn arguments(&mut self, wire: &Wire<'_>, text: Option<String>, deltas: &mut Vec<Delta>) {
        if let (Some(at), Some(text)) = (self.position(wire), text) {
            self.calls[at].arguments = Told::InPieces;
            deltas.push(Delta::Arguments { index: u32::try_from(at).unwrap_or(u32::MAX), text });
        }
    }

    fn position(&self, wire: &Wire<'_>) -> Option<usize> {
        self.calls.iter().position(|call| call.output_index == wire.output_index)
    }

    fn end(&mut self, wire: &Wire<'_>, deltas: &mut Vec<Delta>) -> Result<(), Failure> {
        let response = response(wire)?;
        self.usage = response.usage();
        if let Some(failure) = response.failure() {
            return Err(failure);
        }
        self.progress = Progress::Done;
        let called = if self.calls.is_empty() { Called::None } else { Called::Some };
        deltas.push(Delta::Finish(response.finish(called)));
        if self.usage.is_reported() {
            deltas.push(Delta::Usage(self.usage));
        }
        Ok(())
    }

    /// Whether the stream came to its end: one of its terminal events, which are not failures. Without one it was cut.
    pub fn is_complete(&self) -> bool {
        self.progress == Progress::Done
    }

    /// Tokens and reported cost, also of a stream that failed.
    pub fn usage(&self) -> TokenUsage {
        self.usage
    }
}

fn response(wire: &Wire<'_>) -> Result<Response, Failure> {
    read(wire.response.map_or("null", RawValue::get))
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(
            Code::MalformedAnswer,
            format!("An event of the stream is no JSON, or not what its type says: {error}."),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Finish;

    fn event(data: &str) -> Event {
        Event { raw: Vec::new(), name: None, data: Some(data.to_owned()) }
    }

    fn decode(events: &[&str]) -> (Decoder, Vec<Delta>) {
        let mut decoder = Decoder::default();
        let deltas = events.iter().flat_map(|data| decoder.event(&event(data)).expect("an event")).collect();
        (decoder, deltas)
    }

    #[test]
    fn arguments_that_come_whole_are_told_once() {
        let item = r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#;
        let (decoder, deltas) = decode(&[
            &format!(r#"{{"type":"response.output_item.done","output_index":1,"item":{item}}}"#),
            r#"{"type":"response.function_call_arguments.done","output_index":1,"arguments":"{}"}"#,
            r#"{"type":"response.completed","response":{"status":"completed"}}"#,
            "[DONE]",
        ]);
        let call = ToolCall { id: "c".into(), name: "f".into(), arguments: String::new(), signature: None };
        let expected = [
            Delta::ToolCall { index: 0, call },
            Delta::Arguments { index: 0, text: "{}".into() },
            Delta::Finish(Finish::ToolCalls),
        ];
        assert_eq!(deltas, expected);
        assert!(decoder.is_complete());
    }

    #[test]
    fn parts_of_a_summary_are_paragraphs() {
        let delta = |part: u8, text: &str| {
            format!(
                r#"{{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":{part},"delta":"{text}"}}"#
            )
        };
        let (_, deltas) = decode(&[&delta(0, "a"), &delta(0, "b"), &delta(1, "c")]);
        let texts = ["a", "b", "\n\n", "c"].map(|text| Delta::Reasoning(text.into()));
        assert_eq!(deltas, texts);
    }

    #[test]
    fn f6_an_error_event_and_a_failed_response_are_failures() {
        for (data, code) in [
            (r#"{"type":"error","error":{"code":"insufficient_quota","message":"x"}}"#, Code::QuotaExhausted),
            (
                r#"{"type":"error","code":"rate_limit_exceeded","message":"x","param":null}"#,
                Code::RateLimited,
            ),
            (r#"{"error":{"code":502,"message":"x"}}"#, Code::UpstreamFailed),
            (
                r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"x"}}}"#,
                Code::UpstreamFailed,
            ),
            (r#"{"type":"response.completed"}"#, Code::MalformedAnswer),
            ("{oops", Code::MalformedAnswer),
        ] {
            let mut decoder = Decoder::default();
            assert_eq!(decoder.event(&event(data)).expect_err(data).code, code, "{data}");
            assert!(!decoder.is_complete());
        }
    }
}
