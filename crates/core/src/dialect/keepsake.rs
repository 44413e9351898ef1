//! What a provider wants back together with a tool's result: signed thinking, the signature of a call. A caller of another
//! protocol has no place to keep it in, so it is kept here between the answer and the next request of the same loop.

use serde_json::Value;

use crate::chat::{ChatRequest, Delta, Message, Turn};

/// What goes back with one answer of a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keepsake {
    /// The ids of its tool calls, with their signatures.
    calls: Vec<(String, Option<String>)>,
    /// Blocks, as the provider sent them.
    opaque: Vec<Value>,
}

impl Keepsake {
    /// Of a whole answer.
    pub fn of(turn: &Turn) -> Self {
        let calls = turn.tool_calls.iter().map(|call| (call.id.clone(), call.signature.clone()));
        Self { calls: calls.collect(), opaque: turn.opaque.clone() }
    }

    /// Of a streamed one, piece by piece.
    pub(super) fn note(&mut self, delta: &Delta) {
        match delta {
            Delta::ToolCall { call, .. } => self.calls.push((call.id.clone(), call.signature.clone())),
            Delta::Opaque(block) => self.opaque.push(block.clone()),
            _ => {}
        }
    }

    /// Whether there is anything to keep. An answer without a tool call is asked for by nobody.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() || (self.opaque.is_empty() && self.calls.iter().all(|(_, sig)| sig.is_none()))
    }

    /// By which it is asked for.
    pub fn call_ids(&self) -> impl Iterator<Item = &str> {
        self.calls.iter().map(|(id, _)| id.as_str())
    }

    fn give_back(&self, turn: &mut Turn) {
        if turn.opaque.is_empty() {
            turn.opaque.clone_from(&self.opaque);
        }
        for call in turn.tool_calls.iter_mut().filter(|call| call.signature.is_none()) {
            let kept = self.calls.iter().find(|(id, _)| *id == call.id);
            call.signature = kept.and_then(|(_, signature)| signature.clone());
        }
    }
}

/// Gives back to each turn what was kept of it; `kept` finds it by the id of a tool call.
pub(super) fn give_back(request: &mut ChatRequest, kept: impl Fn(&str) -> Option<Keepsake>) {
    for message in &mut request.messages {
        if let Message::Assistant(turn) = message
            && let Some(keepsake) = turn.tool_calls.first().and_then(|call| kept(&call.id))
        {
            keepsake.give_back(turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::ToolCall;

    fn call(id: &str, signature: Option<&str>) -> ToolCall {
        ToolCall {
            id: id.into(),
            name: "quote".into(),
            arguments: "{}".into(),
            signature: signature.map(str::to_owned),
        }
    }

    #[test]
    fn a_turn_gets_back_what_its_caller_could_not_keep() {
        let thinking = json!({ "type": "thinking", "thinking": "hm", "signature": "s" });
        let told = Turn {
            tool_calls: vec![call("a", Some("sig")), call("b", None)],
            opaque: vec![thinking.clone()],
            ..Turn::default()
        };
        let keepsake = Keepsake::of(&told);
        assert_eq!(keepsake.call_ids().collect::<Vec<_>>(), ["a", "b"]);
        let bare = Turn { tool_calls: vec![call("a", None), call("b", None)], ..Turn::default() };
        let mut request =
            ChatRequest { messages: vec![Message::Assistant(bare.clone())], ..ChatRequest::default() };
        give_back(&mut request, |id| (id == "a").then(|| keepsake.clone()));
        assert_eq!(request.messages, [Message::Assistant(told)]);

        let mut other = ChatRequest { messages: vec![Message::Assistant(bare)], ..ChatRequest::default() };
        let before = other.clone();
        give_back(&mut other, |_| None);
        assert_eq!(other, before);
    }

    #[test]
    fn only_a_call_with_something_beside_it_is_kept() {
        let turn = Turn { tool_calls: vec![call("a", None)], ..Turn::default() };
        assert!(Keepsake::of(&turn).is_empty(), "nothing beside it");
        let turn = Turn { opaque: vec![json!({})], ..Turn::default() };
        assert!(Keepsake::of(&turn).is_empty(), "no tool's result will follow");
        let mut streamed = Keepsake::default();
        streamed.note(&Delta::Opaque(json!({})));
        streamed.note(&Delta::ToolCall { index: 0, call: call("a", None) });
        assert!(!streamed.is_empty());
    }
}
