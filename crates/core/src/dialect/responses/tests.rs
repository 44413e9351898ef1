//! What holds for Responses as a whole: requests and answers there and back.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::chat::{ChatRequest, Delivery, Message, Turn};
use crate::code::Code;
use crate::dialect::openai::samples::{self, events, gather, pieces};

fn read(body: &Value) -> ChatRequest {
    decode_request(body.to_string().as_bytes())
        .unwrap_or_else(|failure| panic!("{body}: {}", failure.message))
}

fn written(request: &ChatRequest) -> (Value, Vec<String>) {
    let encoded = encode_request(request).expect("it can be said");
    assert_eq!(encoded.route, "responses");
    (serde_json::from_slice(&encoded.body).expect("JSON"), encoded.notices)
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    for (fields, words) in [
        (json!({}), "`input` must be a text or hold"),
        (json!({ "input": 7 }), "`input` must be a list"),
        (json!({ "input": [] }), "`input` must be a text or hold"),
        (
            json!({ "input": [{ "role": "user", "content": [{ "type": "input_file" }] }] }),
            "is of type `input_file`",
        ),
        (
            json!({ "input": [{ "role": "user", "content": [{ "type": "input_image", "file_id": "f" }] }] }),
            "`input[0].content[0].file_id` names a file",
        ),
        (
            json!({ "input": [{ "type": "item_reference", "id": "x" }] }),
            "`input[0].type` is `item_reference`",
        ),
        (json!({ "input": [{ "type": "function_call", "name": "f" }] }), "`input[0].call_id` is missing"),
        (
            json!({ "input": "hi", "previous_response_id": "resp_1" }),
            "`previous_response_id` names something that is stored",
        ),
        (json!({ "input": "hi", "background": true }), "`background` asks for an answer later"),
        (json!({ "input": "hi", "tools": [{ "type": "web_search" }] }), "`tools[0].type` is `web_search`"),
        (
            json!({ "input": "hi", "tool_choice": { "type": "file_search" } }),
            "`tool_choice.type` is `file_search`",
        ),
        (json!({ "input": "hi", "max_output_tokens": "many" }), "`max_output_tokens` must be a whole number"),
        (
            json!({ "input": "hi", "text": { "format": { "type": "json_schema" } } }),
            "`text.format.name` is missing",
        ),
        (json!({ "input": "hi", "model": "" , "instructions": [] }), "`instructions` must be a string"),
    ] {
        let mut body = json!({ "model": "m" });
        body.as_object_mut().expect("fields").extend(fields.as_object().expect("fields").clone());
        let failure = decode_request(body.to_string().as_bytes()).expect_err(words);
        assert_eq!(failure.code, Code::BadRequest);
        assert!(failure.message.contains(words), "{words}: {}", failure.message);
    }
    assert_eq!(
        unspoken_fields(br#"{"model":"m","input":"x","max_tool_calls":3,"store":true}"#),
        ["max_tool_calls"]
    );
}

#[test]
fn the_items_of_a_turn_are_gathered_and_written_again_in_their_order() {
    let thought = json!({ "type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "e" });
    let words = json!({ "role": "assistant", "content": [{ "type": "output_text", "text": "I look." }] });
    let call = |id: &str| json!({ "type": "function_call", "call_id": id, "name": "f", "arguments": "{}" });
    let result = |id: &str| json!({ "type": "function_call_output", "call_id": id, "output": "3" });
    let input = json!([
        { "role": "user", "content": "hi" }, thought, words, call("a"), call("b"), result("a"), result("b"), thought, words,
    ]);
    let request = read(&json!({ "model": "m", "instructions": "Be brief.", "input": input }));
    assert_eq!(request.messages.len(), 6);
    assert!(
        matches!(&request.messages[2], Message::Assistant(turn) if turn.tool_calls.len() == 2 && turn.opaque.len() == 1)
    );
    let (body, notices) = written(&request);
    assert_eq!(
        (&body["input"], &body["instructions"], notices),
        (&input, &json!("Be brief."), Vec::<String>::new())
    );
    assert_eq!((&body["store"], &body["include"]), (&json!(false), &json!(["reasoning.encrypted_content"])));
}

#[test]
fn m4_what_the_protocol_has_no_word_for_is_told() {
    let mut request = ChatRequest::prompt("m", "hi", Delivery::Whole);
    request.sampling.seed = Some(7);
    request.sampling.presence_penalty = Some(0.5);
    request.sampling.frequency_penalty = Some(0.0);
    request.messages.push(Message::Assistant(Turn {
        opaque: vec![json!({ "type": "thinking" })],
        text: "a".into(),
        ..Turn::default()
    }));
    let (body, notices) = written(&request);
    assert_eq!(
        (body.get("seed"), body.get("presence_penalty"), notices.len()),
        (None, None, 3),
        "{notices:?}"
    );
    request.sampling.stop = vec!["x".into()];
    let failure = encode_request(&request).expect_err("a stop text");
    assert!(failure.code == Code::BadRequest && failure.message.contains("`stop`"));
}

const NAMES: [&str; 22] = [
    "model",
    "input",
    "role",
    "user",
    "assistant",
    "content",
    "type",
    "text",
    "message",
    "function_call",
    "reasoning",
    "output",
    "status",
    "response",
    "response.completed",
    "response.output_item.added",
    "item",
    "delta",
    "usage",
    "error",
    "arguments",
    "response.output_text.delta",
];

/// What the protocol cannot say is left out of the comparison.
fn sayable(mut request: ChatRequest) -> ChatRequest {
    let sampling = &mut request.sampling;
    (sampling.seed, sampling.presence_penalty, sampling.frequency_penalty) = (None, None, None);
    sampling.stop.clear();
    request
}

/// Turns side by side are one where nothing but calls follows.
fn joined(request: ChatRequest) -> ChatRequest {
    let mut messages: Vec<Message> = Vec::new();
    for message in request.messages {
        match (messages.last_mut(), message) {
            (Some(Message::Assistant(turn)), Message::Assistant(next))
                if next.text.is_empty() && !next.tool_calls.is_empty() =>
            {
                turn.tool_calls.extend(next.tool_calls);
            }
            (Some(Message::Assistant(turn)), Message::Assistant(next))
                if turn.text.is_empty() && turn.tool_calls.is_empty() =>
            {
                *turn = next;
            }
            (_, message) => messages.push(message),
        }
    }
    let mut tools = request.tools;
    for tool in &mut tools {
        // Said aloud, because here silence would mean the opposite.
        tool.strict = tool.strict.or(Some(false));
    }
    ChatRequest { messages, tools, ..request }
}

proptest! {
    #[test]
    fn a_request_means_the_same_there_and_back(request in samples::request()) {
        let request = sayable(request);
        prop_assert_eq!(read(&written(&request).0), joined(request));
    }

    #[test]
    fn an_answer_means_the_same_there_and_back(reply in samples::reply()) {
        let body = encode_reply(&reply, "m", 1);
        prop_assert_eq!(decode_reply(&body), Ok(reply));
    }

    #[test]
    fn a_stream_means_the_same_there_and_back_wherever_it_is_cut(reply in samples::reply(), lengths in proptest::collection::vec(0_usize..300, 0..20)) {
        let mut encoder = Encoder::new("m", "a1", 1);
        let mut bytes: Vec<u8> = pieces(&reply).iter().flat_map(|delta| encoder.delta(delta)).collect();
        bytes.extend(encoder.finish());
        let mut decoder = Decoder::default();
        let mut deltas = Vec::new();
        for event in events(&bytes, &lengths) {
            prop_assert!(!decoder.is_complete(), "there is one end");
            deltas.extend(decoder.event(&event).expect("an event"));
        }
        prop_assert!(decoder.is_complete());
        prop_assert_eq!(gather(deltas), reply.clone());
        // What the last event says is what the pieces said.
        let last = events(&bytes, &[]).pop().and_then(|event| event.data).expect("an end");
        let response = serde_json::from_str::<Value>(&last).expect("JSON")["response"].to_string();
        prop_assert_eq!(decode_reply(response.as_bytes()), Ok(reply));
    }

    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200), value in samples::nonsense(&NAMES)) {
        for body in [bytes, value.to_string().into_bytes()] {
            let _ = decode_request(&body);
            let _ = decode_reply(&body);
            let _ = failure(200, None, &body);
            let _ = unspoken_fields(&body);
            let mut decoder = Decoder::default();
            for event in events(&[b"data: ", body.as_slice()].concat(), &[]) {
                let _ = decoder.event(&event);
            }
        }
    }
}
