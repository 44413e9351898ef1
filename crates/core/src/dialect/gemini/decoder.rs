//! Streamed answers, one event at a time.

use serde_json::Value;

use super::part::Said;
use super::reply::{Calls, Candidate, WireReply, WireUsage, call_id, finish, read_said, refuse_blocked};
use crate::chat::{Delta, Finish, ToolCall};
use crate::dialect::Failure;
use crate::dialect::wire::malformed;
use crate::sse::Event;

/// Reads a stream. Gemini has no end mark: the event with the finish reason is the last one.
#[derive(Debug, Default)]
pub struct Decoder {
    is_started: bool,
    response_id: Option<String>,
    tool_calls: u32,
    is_complete: bool,
}

impl Decoder {
    /// Takes one event. An error event is an error, whatever the status was (F6).
    pub fn event(&mut self, event: &Event) -> Result<Vec<Delta>, Failure> {
        let data = event.data.as_deref().map(str::trim).filter(|data| !data.is_empty() && *data != "[DONE]");
        let Some(data) = data else {
            return Ok(Vec::new());
        };
        let chunk: WireReply = serde_json::from_str(data)
            .map_err(|error| malformed(format!("An event of the stream is none of Gemini's: {error}.")))?;
        if chunk.error.as_ref().is_some_and(|error| !error.is_null()) {
            return Err(super::failure(200, None, data.as_bytes()));
        }
        self.chunk(chunk)
    }

    /// Whether a finish reason came. Without it the stream was cut.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn chunk(&mut self, chunk: WireReply) -> Result<Vec<Delta>, Failure> {
        refuse_blocked(chunk.prompt_feedback)?;
        let mut deltas: Vec<Delta> =
            self.started(chunk.response_id, chunk.model_version).into_iter().collect();
        if let Some(candidate) = chunk.candidates.and_then(|candidates| candidates.into_iter().next()) {
            self.candidate(candidate, &mut deltas)?;
        }
        // On every event, and cumulative: the last one counts.
        deltas.extend(chunk.usage_metadata.map(|usage| Delta::Usage(self.used(usage))));
        Ok(deltas)
    }

    fn started(&mut self, id: Option<String>, model: Option<String>) -> Option<Delta> {
        if self.is_started {
            return None;
        }
        self.is_started = true;
        self.response_id.clone_from(&id);
        Some(Delta::Start { id, model })
    }

    fn used(&self, usage: WireUsage) -> crate::usage::TokenUsage {
        if self.is_complete { usage.in_total() } else { usage.so_far() }
    }

    fn candidate(&mut self, candidate: Candidate, deltas: &mut Vec<Delta>) -> Result<(), Failure> {
        for part in candidate.content.and_then(|content| content.parts).unwrap_or_default() {
            self.part(part, deltas)?;
        }
        let Some(reason) = candidate.finish_reason else {
            return Ok(());
        };
        let calls = if self.tool_calls > 0 { Calls::Some } else { Calls::None };
        let finish = finish(&reason, candidate.finish_message.as_deref(), calls)?;
        self.is_complete = true;
        if finish == Finish::ContentFilter {
            deltas.extend(candidate.finish_message.map(Delta::Refusal));
        }
        deltas.push(Delta::Finish(finish));
        Ok(())
    }

    fn part(&mut self, part: Value, deltas: &mut Vec<Delta>) -> Result<(), Failure> {
        let (said, kept) = read_said(part)?;
        match said {
            Said::Text(text) if !text.is_empty() => deltas.push(Delta::Text(text)),
            Said::Thought(text) if !text.is_empty() => deltas.push(Delta::Reasoning(text)),
            Said::Call { id, name, arguments, signature } => {
                deltas.extend(self.called(id, name, arguments, signature));
            }
            _ => {}
        }
        deltas.extend(kept.map(Delta::Opaque));
        Ok(())
    }

    /// Calls come whole; they are told like everybody else's, the arguments apart.
    fn called(
        &mut self,
        id: Option<String>,
        name: String,
        text: String,
        signature: Option<String>,
    ) -> [Delta; 2] {
        let index = self.tool_calls;
        self.tool_calls += 1;
        let id = id.unwrap_or_else(|| call_id(self.response_id.as_deref(), index as usize));
        let call = ToolCall { id, name, arguments: String::new(), signature };
        [Delta::ToolCall { index, call }, Delta::Arguments { index, text }]
    }
}
