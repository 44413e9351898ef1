use proptest::prelude::*;

use super::*;
use crate::dialect::arbitrary;

const WORDS: &[&str] = &[
    "candidates",
    "content",
    "contents",
    "parts",
    "text",
    "thought",
    "thoughtSignature",
    "functionCall",
    "name",
    "args",
    "functionResponse",
    "response",
    "inlineData",
    "mimeType",
    "data",
    "role",
    "user",
    "model",
    "finishReason",
    "STOP",
    "SAFETY",
    "usageMetadata",
    "promptTokenCount",
    "promptFeedback",
    "blockReason",
    "error",
    "status",
    "details",
    "generationConfig",
    "tools",
    "functionDeclarations",
    "parameters",
    "type",
    "properties",
    "systemInstruction",
    "thinkingConfig",
    "thinkingBudget",
    "requests",
    "values",
    "embedding",
    "models",
];

/// Signed, as Gemini wants it: the text by a part of its own, the calls each.
fn signed(mut request: ChatRequest) -> ChatRequest {
    for message in &mut request.messages {
        if let Message::Assistant(turn) = message {
            turn.opaque = vec![json!({ "text": "", "thoughtSignature": "s" })];
            for call in &mut turn.tool_calls {
                call.signature = Some("sig".into());
            }
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

/// Without the start, which says what the encoder was told.
fn unstarted(deltas: &[Delta]) -> Vec<Delta> {
    deltas.iter().filter(|delta| !matches!(delta, Delta::Start { .. })).cloned().collect()
}

proptest! {
    #[test]
    fn a_request_keeps_its_meaning(request in arbitrary::request("gemini-2.5-flash").prop_map(signed)) {
        let encoded = encode(&request, ModelLimits::default()).expect("a body");
        prop_assert_eq!(&encoded.notices, &Vec::<String>::new());
        let again = decode_request(&encoded.body, &request.model, request.delivery).expect("a request");
        prop_assert_eq!(again, request);
    }

    #[test]
    fn a_stream_keeps_its_meaning_wherever_it_is_split(
        deltas in arbitrary::deltas(),
        cuts in proptest::collection::vec(any::<usize>(), 0..20),
    ) {
        let mut encoder = Encoder::new("m", "id");
        let mut stream: Vec<u8> = deltas.iter().flat_map(|delta| encoder.delta(delta)).collect();
        stream.extend(encoder.finish());
        let whole = told(&stream, &[]);
        prop_assert_eq!(&told(&stream, &cuts), &whole);
        prop_assert!(whole.1);
        prop_assert_eq!(unstarted(&whole.0), deltas);
        let with_crlf = String::from_utf8(stream).expect("text").replace('\n', "\r\n").into_bytes();
        prop_assert_eq!(&told(&with_crlf, &cuts), &whole);
    }

    #[test]
    fn nothing_that_arrives_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        json in arbitrary::babble(WORDS),
    ) {
        for bytes in [bytes, json.to_string().into_bytes(), format!("data: {json}\n\n").into_bytes()] {
            let _ = (decode_request(&bytes, "m", Delivery::Whole), decode_reply(&bytes), decode_models(&bytes));
            let _ = (failure(400, None, &bytes), decode_embeddings(&bytes));
            let _ = decode_embeddings_request(&bytes, "m", EmbeddingsForm::Batch);
            let mut decoder = Decoder::default();
            for event in arbitrary::events(&bytes, &[]) {
                let _ = decoder.event(&event);
            }
        }
    }
}
