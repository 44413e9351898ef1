use proptest::prelude::*;

use super::*;
use crate::chat::{ReasoningEffort, ToolChoice};
use crate::dialect::arbitrary;

const WORDS: &[&str] = &[
    "type",
    "content",
    "text",
    "tool_use",
    "tool_result",
    "thinking",
    "input",
    "id",
    "name",
    "index",
    "delta",
    "content_block",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_start",
    "message_delta",
    "message_stop",
    "message",
    "usage",
    "input_tokens",
    "stop_reason",
    "error",
    "model",
    "messages",
    "role",
    "user",
    "assistant",
    "system",
    "tools",
    "input_json_delta",
    "partial_json",
    "signature_delta",
    "signature",
    "text_delta",
    "data",
];

/// What Anthropic cannot say, taken away or put as it says it.
fn sayable(mut request: ChatRequest) -> ChatRequest {
    let is_forced = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Function(_)));
    if is_forced {
        request.reasoning_effort = None;
    }
    if request.reasoning_effort.is_some_and(|effort| effort != ReasoningEffort::None) {
        request.sampling.temperature = None;
    }
    for message in &mut request.messages {
        match message {
            Message::Tool(result) => result.name = None,
            Message::Assistant(turn) => {
                turn.opaque = vec![json!({ "type": "thinking", "thinking": "hm", "signature": "s" })];
            }
            _ => {}
        }
    }
    request
}

fn told(stream: &[u8], cuts: &[usize]) -> (Vec<Delta>, bool) {
    let mut decoder = Decoder::default();
    let events = arbitrary::events(stream, cuts);
    let deltas = events.iter().flat_map(|event| decoder.event(event).expect("an event")).collect();
    (deltas, decoder.is_complete())
}

/// Neighbouring pieces of a kind joined, and what only the start and the usage say left out.
fn joined(deltas: &[Delta]) -> Vec<Delta> {
    let mut all: Vec<Delta> = Vec::new();
    for delta in deltas {
        match (all.last_mut(), delta) {
            (_, Delta::Start { .. } | Delta::Usage(_) | Delta::Opaque(_)) => {}
            (Some(Delta::Text(before)), Delta::Text(text))
            | (Some(Delta::Reasoning(before)), Delta::Reasoning(text)) => *before += text,
            _ => all.push(delta.clone()),
        }
    }
    all
}

proptest! {
    #[test]
    fn a_request_keeps_its_meaning(request in arbitrary::request("claude-opus-4-8").prop_map(sayable)) {
        let encoded = encode(&request, ModelLimits::default()).expect("a body");
        prop_assert_eq!(&encoded.notices, &Vec::<String>::new());
        prop_assert_eq!(decode_request(&encoded.body).expect("a request"), request);
    }

    #[test]
    fn a_stream_keeps_its_meaning_wherever_it_is_split(
        deltas in arbitrary::deltas(),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut encoder = Encoder::new("m", "msg_1");
        let mut stream: Vec<u8> = deltas.iter().flat_map(|delta| encoder.delta(delta)).collect();
        stream.extend(encoder.finish());
        let whole = told(&stream, &[]);
        prop_assert_eq!(&told(&stream, &cuts), &whole);
        prop_assert!(whole.1);
        prop_assert_eq!(joined(&whole.0), joined(&deltas));
        let with_crlf = String::from_utf8(stream).expect("text").replace('\n', "\r\n").into_bytes();
        prop_assert_eq!(&told(&with_crlf, &cuts), &whole);
    }

    #[test]
    fn nothing_that_arrives_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        json in arbitrary::babble(WORDS),
    ) {
        for bytes in [bytes, json.to_string().into_bytes(), format!("data: {json}\n\n").into_bytes()] {
            let _ = (decode_request(&bytes), decode_reply(&bytes), decode_models(&bytes), failure(400, None, &bytes));
            let mut decoder = Decoder::default();
            for event in arbitrary::events(&bytes, &[]) {
                let _ = decoder.event(&event);
            }
        }
    }

    #[test]
    fn no_order_of_events_panics(events in proptest::collection::vec(arbitrary::babble(WORDS), 0..12)) {
        let mut decoder = Decoder::default();
        for data in events {
            let event = Event { raw: Vec::new(), name: None, data: Some(data.to_string()) };
            let _ = decoder.event(&event);
        }
    }
}
