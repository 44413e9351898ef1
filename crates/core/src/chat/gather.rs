//! An answer put together from its pieces.

use super::{Delta, Reply};

impl Reply {
    /// Takes the next piece. Decoders tell a call before its arguments; a piece of a call that was never told has no place.
    pub fn add(&mut self, delta: Delta) {
        match delta {
            Delta::Start { id, model } => (self.id, self.model) = (id, model),
            Delta::Text(text) => self.turn.text.push_str(&text),
            Delta::Refusal(text) => self.refusal.get_or_insert_default().push_str(&text),
            Delta::Reasoning(text) => self.reasoning.push_str(&text),
            Delta::ToolCall { call, .. } => self.turn.tool_calls.push(call),
            Delta::Arguments { index, text } => {
                if let Some(call) = self.turn.tool_calls.get_mut(index as usize) {
                    call.arguments.push_str(&text);
                }
            }
            Delta::Opaque(block) => self.turn.opaque.push(block),
            Delta::Finish(finish) => self.finish = Some(finish),
            Delta::Usage(usage) => self.usage = usage,
        }
    }
}

impl FromIterator<Delta> for Reply {
    fn from_iter<I: IntoIterator<Item = Delta>>(deltas: I) -> Self {
        let mut reply = Self::default();
        deltas.into_iter().for_each(|delta| reply.add(delta));
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Finish, ToolCall, Turn};
    use crate::usage::TokenUsage;

    fn call(id: &str, arguments: &str) -> ToolCall {
        ToolCall { id: id.into(), name: "quote".into(), arguments: arguments.into(), signature: None }
    }

    #[test]
    fn pieces_come_to_the_whole_answer() {
        let usage = |output| TokenUsage { output: Some(output), ..TokenUsage::default() };
        let arguments = |index, text: &str| Delta::Arguments { index, text: text.into() };
        let reply: Reply = [
            Delta::Start { id: Some("a1".into()), model: Some("m".into()) },
            Delta::Reasoning("h".into()),
            Delta::Reasoning("m".into()),
            Delta::Text("Up".into()),
            Delta::ToolCall { index: 0, call: call("c1", "") },
            Delta::ToolCall { index: 1, call: call("c2", "") },
            arguments(1, "{"),
            arguments(0, "{}"),
            arguments(1, "}"),
            arguments(7, "nobody's"),
            Delta::Usage(usage(1)),
            Delta::Finish(Finish::ToolCalls),
            Delta::Usage(usage(2)),
        ]
        .into_iter()
        .collect();
        let expected = Reply {
            id: Some("a1".into()),
            model: Some("m".into()),
            turn: Turn {
                text: "Up".into(),
                tool_calls: vec![call("c1", "{}"), call("c2", "{}")],
                ..Turn::default()
            },
            refusal: None,
            reasoning: "hm".into(),
            finish: Some(Finish::ToolCalls),
            usage: usage(2),
        };
        assert_eq!(reply, expected);
        let refused: Reply = ["No", "."].map(|text| Delta::Refusal(text.into())).into_iter().collect();
        assert_eq!(refused.refusal.as_deref(), Some("No."));
    }
}
