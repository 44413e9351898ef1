//! The neutral form into a stream for a caller.

use serde_json::{Value, json};

use super::envelope::encode_failure;
use super::reply::is_reasoning_detail;
use super::usage::encode_usage;
use crate::chat::{Delta, Finish, ToolCall};
use crate::dialect::Failure;
use crate::usage::TokenUsage;

/// Whether the caller asked for usage at the end (`stream_options.include_usage`). One that did not may stumble over a chunk
/// without choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UsageChunk {
    /// It did not.
    #[default]
    Left,
    /// It did.
    Sent,
}

/// Writes a stream of chunks.
#[derive(Debug)]
pub struct Encoder {
    /// The beginning of every chunk, up to its choices.
    head: String,
    usage_chunk: UsageChunk,
    usage: TokenUsage,
    progress: Progress,
    calls: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Begun,
    Finished,
    Closed,
}

impl Encoder {
    /// An encoder for a caller who asked for `model`; `created` in seconds since 1970.
    pub fn new(model: &str, id: &str, created: i64) -> Self {
        let (model, id) = (Value::from(model), Value::from(id));
        let head = format!(
            r#"data: {{"id":{id},"object":"chat.completion.chunk","created":{created},"model":{model},"system_fingerprint":null,"choices":["#
        );
        Self {
            head,
            usage_chunk: UsageChunk::Left,
            usage: TokenUsage::default(),
            progress: Progress::Waiting,
            calls: 0,
        }
    }

    /// The same, with or without the chunk of usage.
    #[must_use]
    pub fn with(self, usage_chunk: UsageChunk) -> Self {
        Self { usage_chunk, ..self }
    }

    /// The bytes of one piece; empty where the protocol has no word for it.
    pub fn delta(&mut self, delta: &Delta) -> Vec<u8> {
        if self.progress == Progress::Closed {
            return Vec::new();
        }
        let mut out = String::new();
        self.begin(&mut out);
        match delta {
            Delta::Text(text) => self.chunk(&mut out, &json!({ "content": text }), None),
            Delta::Refusal(text) => self.chunk(&mut out, &json!({ "refusal": text }), None),
            Delta::Reasoning(text) => self.chunk(&mut out, &json!({ "reasoning_content": text }), None),
            Delta::ToolCall { index, call } => self.call(&mut out, *index, call),
            Delta::Arguments { index, text } => {
                let piece = json!({ "index": index, "function": { "arguments": text } });
                self.chunk(&mut out, &json!({ "tool_calls": [piece] }), None);
            }
            Delta::Opaque(block) if is_reasoning_detail(block) => {
                self.chunk(&mut out, &json!({ "reasoning_details": [block] }), None);
            }
            Delta::Start { .. } | Delta::Opaque(_) => {}
            Delta::Finish(finish) => self.finished(&mut out, finish),
            Delta::Usage(usage) => self.usage = *usage,
        }
        out.into_bytes()
    }

    /// The end of a whole answer: the reason if none was told, usage where it was asked for, and the end mark.
    pub fn finish(&mut self) -> Vec<u8> {
        if self.progress == Progress::Closed {
            return Vec::new();
        }
        let mut out = String::new();
        self.begin(&mut out);
        self.finished(&mut out, if self.calls > 0 { &Finish::ToolCalls } else { &Finish::Stop });
        if self.usage_chunk == UsageChunk::Sent {
            out.push_str(&format!("{}],\"usage\":{}}}\n\n", self.head, encode_usage(&self.usage)));
        }
        out.push_str("data: [DONE]\n\n");
        self.progress = Progress::Closed;
        out.into_bytes()
    }

    /// The end of an answer that failed midway. No end mark follows: it is not whole.
    pub fn fail(&mut self, failure: &Failure) -> Vec<u8> {
        if self.progress == Progress::Closed {
            return Vec::new();
        }
        self.progress = Progress::Closed;
        let envelope = encode_failure(failure.code, failure.status.unwrap_or(500), &failure.message);
        [b"data: ".as_slice(), &envelope, b"\n\n"].concat()
    }

    fn begin(&mut self, out: &mut String) {
        if self.progress == Progress::Waiting {
            self.progress = Progress::Begun;
            self.chunk(out, &json!({ "role": "assistant", "content": "", "refusal": null }), None);
        }
    }

    fn call(&mut self, out: &mut String, index: u32, call: &ToolCall) {
        self.calls += 1;
        let mut piece = json!({
            "index": index,
            "id": call.id,
            "type": "function",
            "function": { "name": call.name, "arguments": call.arguments },
        });
        if let Some(signature) = &call.signature {
            piece["extra_content"] = json!({ "google": { "thought_signature": signature } });
        }
        self.chunk(out, &json!({ "tool_calls": [piece] }), None);
    }

    /// The reason is told once.
    fn finished(&mut self, out: &mut String, finish: &Finish) {
        if self.progress == Progress::Begun {
            self.progress = Progress::Finished;
            self.chunk(out, &json!({}), Some(finish));
        }
    }

    fn chunk(&self, out: &mut String, delta: &Value, finish: Option<&Finish>) {
        let finish = finish.map_or(Value::Null, |finish| finish.as_str().into());
        let usage = if self.usage_chunk == UsageChunk::Sent { r#","usage":null"# } else { "" };
        out.push_str(&self.head);
        out.push_str(&format!(
            "{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]{usage}}}\n\n"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    fn data(bytes: &[u8]) -> Vec<Value> {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        let lines = text.split("\n\n").filter(|event| !event.is_empty());
        lines
            .map(|event| {
                serde_json::from_str(event.strip_prefix("data: ").expect("data")).unwrap_or_default()
            })
            .collect()
    }

    #[test]
    fn a_stream_has_a_role_a_reason_and_an_end() {
        let mut encoder = Encoder::new("main/x", "a1", 7);
        let text = data(&encoder.delta(&Delta::Text("hi".into())));
        assert_eq!(
            (&text[0]["choices"][0]["delta"]["role"], &text[0]["created"]),
            (&json!("assistant"), &json!(7))
        );
        assert_eq!(text[1]["choices"][0]["delta"], json!({ "content": "hi" }));
        assert_eq!(encoder.delta(&Delta::Usage(TokenUsage::default())), b"");
        let end = data(&encoder.finish());
        assert_eq!((end.len(), &end[0]["choices"][0]["finish_reason"]), (2, &json!("stop")));
        assert_eq!(encoder.finish(), b"", "there is one end");
    }

    #[test]
    fn usage_comes_last_and_only_where_it_was_asked_for() {
        let usage = TokenUsage { input: Some(3), output: Some(4), ..TokenUsage::default() };
        let mut encoder = Encoder::new("m", "a1", 7).with(UsageChunk::Sent);
        let first = data(&encoder.delta(&Delta::Usage(usage)));
        assert_eq!(first[0].get("usage"), Some(&Value::Null));
        let end = data(&encoder.finish());
        assert_eq!((&end[1]["choices"], &end[1]["usage"]["total_tokens"]), (&json!([]), &json!(7)));
    }

    #[test]
    fn f6_an_answer_that_failed_ends_with_an_error_and_without_an_end_mark() {
        let mut encoder = Encoder::new("m", "a1", 7);
        let end = data(&encoder.fail(&Failure::new(Code::StreamCut, "It ended before its end.")));
        assert_eq!((end.len(), &end[0]["error"]["code"]), (1, &json!("stream_cut")));
        assert_eq!(encoder.finish(), b"");
    }
}
