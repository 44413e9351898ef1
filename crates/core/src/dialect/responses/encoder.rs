//! The neutral form into a stream for a caller: numbered events, and exactly one terminal one.

use serde_json::{Value, json};

use super::items::Items;
use super::reply::Outline;
use crate::chat::{Delta, Finish};
use crate::dialect::Failure;
use crate::dialect::openai::names;
use crate::usage::TokenUsage;

/// Writes a stream of named events.
#[derive(Debug)]
pub struct Encoder {
    id: String,
    model: String,
    created: i64,
    progress: Progress,
    events: Events,
    items: Items,
    finish: Option<Finish>,
    usage: TokenUsage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Begun,
    Closed,
}

/// Events that were written and not handed on yet, and the number of the next.
#[derive(Debug, Default)]
pub(super) struct Events {
    out: String,
    next: u64,
}

impl Events {
    pub(super) fn push(&mut self, kind: &str, mut fields: Value) {
        fields["type"] = kind.into();
        fields["sequence_number"] = self.next.into();
        self.next += 1;
        self.out.push_str(&format!("event: {kind}\ndata: {fields}\n\n"));
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out).into_bytes()
    }
}

impl Encoder {
    /// An encoder for a caller who asked for `model`; `created` in seconds since 1970.
    pub fn new(model: &str, id: &str, created: i64) -> Self {
        Self {
            id: id.to_owned(),
            model: model.to_owned(),
            created,
            progress: Progress::Waiting,
            events: Events::default(),
            items: Items::new(id),
            finish: None,
            usage: TokenUsage::default(),
        }
    }

    /// The bytes of one piece; empty where the protocol has no word for it.
    pub fn delta(&mut self, delta: &Delta) -> Vec<u8> {
        if self.progress == Progress::Closed {
            return Vec::new();
        }
        self.begin();
        let (items, events) = (&mut self.items, &mut self.events);
        match delta {
            Delta::Start { .. } => {}
            Delta::Text(text) => items.text(text, events),
            Delta::Refusal(text) => items.refusal(text, events),
            Delta::Reasoning(text) => items.reasoning(text, events),
            Delta::ToolCall { index, call } => items.call(*index, call, events),
            Delta::Arguments { index, text } => items.arguments(*index, text, events),
            Delta::Opaque(block) => items.opaque(block, events),
            Delta::Finish(finish) => self.finish = Some(finish.clone()),
            Delta::Usage(usage) => self.usage = *usage,
        }
        self.events.take()
    }

    /// The end of a whole answer.
    pub fn finish(&mut self) -> Vec<u8> {
        if self.progress == Progress::Closed {
            return Vec::new();
        }
        self.begin();
        self.progress = Progress::Closed;
        let output = self.items.close(&mut self.events);
        let outline = Outline { id: &self.id, model: &self.model, created: self.created };
        let response = outline.ended(self.finish.as_ref(), &output, &self.usage);
        let kind =
            if response["status"] == "incomplete" { "response.incomplete" } else { "response.completed" };
        self.events.push(kind, json!({ "response": response }));
        self.events.take()
    }

    /// The end of an answer that failed midway: what happened, and the terminal event.
    pub fn fail(&mut self, failure: &Failure) -> Vec<u8> {
        if self.progress == Progress::Closed {
            return Vec::new();
        }
        self.begin();
        self.progress = Progress::Closed;
        let (kind, code) = names(failure.code, failure.status.unwrap_or(500));
        let error = json!({ "type": kind, "code": code, "message": failure.message, "param": null });
        self.events.push(
            "error",
            json!({ "error": error, "code": code, "message": failure.message, "param": null }),
        );
        let outline = Outline { id: &self.id, model: &self.model, created: self.created };
        let mut response = outline.response("failed", &self.items.so_far());
        response["error"] = json!({ "code": code, "message": failure.message });
        self.events.push("response.failed", json!({ "response": response }));
        self.events.take()
    }

    fn begin(&mut self) {
        if self.progress == Progress::Waiting {
            self.progress = Progress::Begun;
            let outline = Outline { id: &self.id, model: &self.model, created: self.created };
            let response = outline.response("in_progress", &[]);
            self.events.push("response.created", json!({ "response": response.clone() }));
            self.events.push("response.in_progress", json!({ "response": response }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::ToolCall;
    use crate::code::Code;

    fn events(bytes: &[u8]) -> Vec<Value> {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        let read = |event: &str| {
            let (name, data) = event.split_once('\n').expect("two lines");
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
            assert_eq!(name.strip_prefix("event: "), data["type"].as_str());
            data
        };
        text.split("\n\n").filter(|event| !event.is_empty()).map(read).collect()
    }

    fn encode(deltas: &[Delta]) -> Vec<Value> {
        let mut encoder = Encoder::new("main/x", "r1", 7);
        let mut bytes: Vec<u8> = deltas.iter().flat_map(|delta| encoder.delta(delta)).collect();
        bytes.extend(encoder.finish());
        assert_eq!(encoder.finish(), b"", "there is one end");
        let events = events(&bytes);
        let numbers: Vec<_> = events.iter().map(|event| event["sequence_number"].as_u64()).collect();
        assert_eq!(numbers, (0..events.len() as u64).map(Some).collect::<Vec<_>>());
        events
    }

    fn kinds(events: &[Value]) -> Vec<&str> {
        let kinds = events.iter().filter_map(|event| event["type"].as_str());
        kinds.map(|kind| kind.strip_prefix("response.").unwrap_or(kind)).collect()
    }

    #[test]
    fn a_text_comes_in_the_order_of_the_protocol() {
        let events =
            encode(&[Delta::Text("Hel".into()), Delta::Text("lo".into()), Delta::Finish(Finish::Length)]);
        let expected = [
            "created",
            "in_progress",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "incomplete",
        ];
        assert_eq!(kinds(&events), expected);
        let response = &events[9]["response"];
        assert_eq!(response["output"][0]["content"][0]["text"], "Hello");
        assert_eq!(response["incomplete_details"]["reason"], "max_output_tokens");
        assert_eq!((&response["model"], &response["id"]), (&json!("main/x"), &json!("r1")));
    }

    #[test]
    fn calls_that_are_told_in_turns_keep_their_arguments() {
        let call = |name: &str| ToolCall {
            id: name.into(),
            name: name.into(),
            arguments: String::new(),
            signature: None,
        };
        let events = encode(&[
            Delta::Reasoning("hm".into()),
            Delta::ToolCall { index: 0, call: call("f") },
            Delta::ToolCall { index: 1, call: call("g") },
            Delta::Arguments { index: 0, text: "{".into() },
            Delta::Arguments { index: 1, text: "{}".into() },
            Delta::Arguments { index: 0, text: "}".into() },
        ]);
        let output = &events.last().expect("an end")["response"]["output"];
        assert_eq!(output[0]["summary"][0]["text"], "hm");
        for (at, name) in [(1, "f"), (2, "g")] {
            assert_eq!((&output[at]["name"], &output[at]["arguments"]), (&json!(name), &json!("{}")));
        }
        let terminal = ["completed", "incomplete", "failed"];
        assert_eq!(kinds(&events).iter().filter(|kind| terminal.contains(kind)).count(), 1);
    }

    #[test]
    fn f6_an_answer_that_failed_ends_with_the_error_and_one_terminal_event() {
        let mut encoder = Encoder::new("m", "r1", 7);
        let mut bytes = encoder.delta(&Delta::Text("Hel".into()));
        bytes.extend(encoder.fail(&Failure::new(Code::StreamCut, "It ended before its end.")));
        assert_eq!(
            (encoder.finish(), encoder.fail(&Failure::new(Code::Internal, ""))),
            (Vec::new(), Vec::new())
        );
        let events = events(&bytes);
        assert_eq!(kinds(&events)[4..], ["output_text.delta", "error", "failed"]);
        let response = &events.last().expect("an end")["response"];
        assert_eq!(
            (&response["status"], &response["error"]["code"]),
            (&json!("failed"), &json!("stream_cut"))
        );
        assert_eq!(response["output"][0]["content"][0]["text"], "Hel");
    }
}
