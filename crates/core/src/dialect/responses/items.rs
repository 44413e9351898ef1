//! The items of a streamed answer, as they grow. Thinking and words come one item after the other; calls of tools may grow
//! side by side.

use serde_json::{Value, json};

use super::encoder::Events;
use super::reply::{call_item, message_item, reasoning_item, refusal_part, summary_part, text_part};
use super::wire::is_encrypted;
use crate::chat::ToolCall;

#[derive(Debug)]
pub(super) struct Items {
    answer: String,
    /// Closed items, and the last ones while they are open.
    all: Vec<Item>,
}

#[derive(Debug)]
struct Item {
    id: String,
    kind: Kind,
    text: String,
    state: State,
}

#[derive(Debug)]
enum Kind {
    Reasoning,
    Text,
    Refusal,
    Call {
        index: u32,
        id: String,
        name: String,
    },
    /// As the provider wrote it.
    Opaque(Value),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    Beginning,
    End,
}

impl Items {
    pub(super) fn new(answer: &str) -> Self {
        Self { answer: answer.to_owned(), all: Vec::new() }
    }

    pub(super) fn text(&mut self, text: &str, events: &mut Events) {
        let at = self.open(&|kind| matches!(kind, Kind::Text), || Kind::Text, events);
        self.grow(
            at,
            "response.output_text.delta",
            json!({ "content_index": 0, "logprobs": [] }),
            text,
            events,
        );
    }

    pub(super) fn refusal(&mut self, text: &str, events: &mut Events) {
        let at = self.open(&|kind| matches!(kind, Kind::Refusal), || Kind::Refusal, events);
        self.grow(at, "response.refusal.delta", json!({ "content_index": 0 }), text, events);
    }

    pub(super) fn reasoning(&mut self, text: &str, events: &mut Events) {
        let at = self.open(&|kind| matches!(kind, Kind::Reasoning), || Kind::Reasoning, events);
        self.grow(at, "response.reasoning_summary_text.delta", json!({ "summary_index": 0 }), text, events);
    }

    pub(super) fn call(&mut self, index: u32, call: &ToolCall, events: &mut Events) {
        self.close_all(&|kind| !matches!(kind, Kind::Call { .. }), events);
        self.add(Kind::Call { index, id: call.id.clone(), name: call.name.clone() }, events);
        if !call.arguments.is_empty() {
            self.arguments(index, &call.arguments, events);
        }
    }

    pub(super) fn arguments(&mut self, index: u32, text: &str, events: &mut Events) {
        let is_it = |item: &Item| matches!(&item.kind, Kind::Call { index: known, .. } if *known == index);
        if let Some(at) = self.all.iter().rposition(is_it) {
            self.grow(at, "response.function_call_arguments.delta", json!({}), text, events);
        }
    }

    /// A block of this protocol that its provider wants back; it takes the place of the words that were shown of it.
    pub(super) fn opaque(&mut self, block: &Value, events: &mut Events) {
        if !is_encrypted(block) {
            return;
        }
        let is_shown = |item: &Item| item.state == State::Open && matches!(item.kind, Kind::Reasoning);
        if let Some(at) = self.all.iter().position(is_shown) {
            let mut whole = reasoning_item(&self.all[at].id, &self.all[at].text);
            whole["encrypted_content"] = block["encrypted_content"].clone();
            self.close_with(at, &whole, events);
            self.all[at].kind = Kind::Opaque(whole);
            return;
        }
        self.close_all(&|_| true, events);
        let at = self.add(Kind::Opaque(block.clone()), events);
        self.close_item(at, events);
    }

    /// Closes what is open; all items, for the terminal event.
    pub(super) fn close(&mut self, events: &mut Events) -> Vec<Value> {
        self.close_all(&|_| true, events);
        self.so_far()
    }

    pub(super) fn so_far(&self) -> Vec<Value> {
        self.all.iter().map(Item::whole).collect()
    }

    /// The open item of a kind, which is begun where there is none; everything else is closed.
    fn open(&mut self, fits: &dyn Fn(&Kind) -> bool, kind: impl Fn() -> Kind, events: &mut Events) -> usize {
        self.close_all(&|kind| !fits(kind), events);
        let is_open = |item: &Item| item.state == State::Open;
        self.all.iter().rposition(is_open).unwrap_or_else(|| self.add(kind(), events))
    }

    fn add(&mut self, kind: Kind, events: &mut Events) -> usize {
        let at = self.all.len();
        let prefix = match &kind {
            Kind::Reasoning => "rs",
            Kind::Text | Kind::Refusal => "msg",
            Kind::Call { .. } => "fc",
            Kind::Opaque(_) => "",
        };
        let id = format!("{prefix}_{}_{at}", self.answer);
        let item = Item { id, kind, text: String::new(), state: State::Open };
        events.push("response.output_item.added", json!({ "output_index": at, "item": item.begun() }));
        item.tell(at, item.part(Moment::Beginning), events);
        self.all.push(item);
        at
    }

    fn grow(&mut self, at: usize, kind: &str, mut fields: Value, text: &str, events: &mut Events) {
        let item = &mut self.all[at];
        item.text.push_str(text);
        fields["delta"] = text.into();
        item.tell(at, Some((kind, fields)), events);
    }

    fn close_all(&mut self, which: &dyn Fn(&Kind) -> bool, events: &mut Events) {
        for at in 0..self.all.len() {
            if self.all[at].state == State::Open && which(&self.all[at].kind) {
                self.close_item(at, events);
            }
        }
    }

    fn close_item(&mut self, at: usize, events: &mut Events) {
        let whole = self.all[at].whole();
        self.close_with(at, &whole, events);
    }

    fn close_with(&mut self, at: usize, whole: &Value, events: &mut Events) {
        let item = &mut self.all[at];
        item.state = State::Closed;
        item.tell(at, item.done(), events);
        item.tell(at, item.part(Moment::End), events);
        events.push("response.output_item.done", json!({ "output_index": at, "item": whole }));
    }
}

impl Item {
    fn tell(&self, at: usize, event: Option<(&str, Value)>, events: &mut Events) {
        if let Some((kind, mut fields)) = event {
            fields["output_index"] = at.into();
            fields["item_id"] = self.id.as_str().into();
            events.push(kind, fields);
        }
    }

    /// As it is told when it begins.
    fn begun(&self) -> Value {
        let mut item = match &self.kind {
            Kind::Text | Kind::Refusal => {
                json!({ "id": self.id, "type": "message", "role": "assistant", "content": [] })
            }
            Kind::Opaque(block) => return block.clone(),
            _ => self.whole(),
        };
        item["status"] = "in_progress".into();
        item
    }

    fn whole(&self) -> Value {
        match &self.kind {
            Kind::Reasoning => reasoning_item(&self.id, &self.text),
            Kind::Text => message_item(&self.text, None, &self.id),
            Kind::Refusal => message_item("", Some(&self.text), &self.id),
            Kind::Call { id, name, .. } => call_item(&self.id, id, name, &self.text),
            Kind::Opaque(block) => block.clone(),
        }
    }

    /// The event of its part when it begins or ends, with the part as it is then.
    fn part(&self, moment: Moment) -> Option<(&'static str, Value)> {
        let content = match moment {
            Moment::Beginning => "response.content_part.added",
            Moment::End => "response.content_part.done",
        };
        let summary = match moment {
            Moment::Beginning => "response.reasoning_summary_part.added",
            Moment::End => "response.reasoning_summary_part.done",
        };
        match self.kind {
            Kind::Text => Some((content, json!({ "content_index": 0, "part": text_part(&self.text) }))),
            Kind::Refusal => Some((content, json!({ "content_index": 0, "part": refusal_part(&self.text) }))),
            Kind::Reasoning => {
                Some((summary, json!({ "summary_index": 0, "part": summary_part(&self.text) })))
            }
            _ => None,
        }
    }

    /// The event that tells all of its text.
    fn done(&self) -> Option<(&'static str, Value)> {
        let text = &self.text;
        match &self.kind {
            Kind::Text => Some((
                "response.output_text.done",
                json!({ "content_index": 0, "text": text, "logprobs": [] }),
            )),
            Kind::Refusal => Some(("response.refusal.done", json!({ "content_index": 0, "refusal": text }))),
            Kind::Reasoning => {
                Some(("response.reasoning_summary_text.done", json!({ "summary_index": 0, "text": text })))
            }
            Kind::Call { name, .. } => {
                Some(("response.function_call_arguments.done", json!({ "arguments": text, "name": name })))
            }
            Kind::Opaque(_) => None,
        }
    }
}
