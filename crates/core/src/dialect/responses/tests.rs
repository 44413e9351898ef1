//! What holds for Responses as a whole: requests and answers there and back.

use serde_json::{Value, json};

use super::*;
use crate::chat::{ChatRequest, Delivery, Message, Turn};
use crate::code::Code;

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
