//! What holds for chat completions as a whole: requests and answers there and back.

use serde_json::{Value, json};

use super::*;
use crate::catalog::{Quirks, provider};
use crate::chat::{
    self, ChatRequest, Delivery, Message, Part, ReasoningEffort, ResponseFormat, ToolChoice, Turn,
};
use crate::code::Code;

fn quirks(slug: &str) -> Quirks {
    provider(slug).expect("a row").quirks
}

fn read(body: &Value) -> ChatRequest {
    decode_request(body.to_string().as_bytes())
        .unwrap_or_else(|failure| panic!("{body}: {}", failure.message))
}

fn written(request: &ChatRequest, slug: &str) -> (Value, Vec<String>) {
    let encoded = encode_request(request, quirks(slug)).expect("it can be said");
    assert_eq!(encoded.route, "chat/completions");
    (serde_json::from_slice(&encoded.body).expect("JSON"), encoded.notices)
}

#[test]
fn what_cannot_be_read_is_refused_by_name() {
    let user = json!([{ "role": "user", "content": "hi" }]);
    for (fields, words) in [
        (json!({}), "`messages` must hold at least one"),
        (json!({ "messages": "hi" }), "`messages` must be a list"),
        (json!({ "messages": [7] }), "`messages[0].role` is missing"),
        (json!({ "messages": [{ "role": "user" }] }), "`messages[0].content` is missing"),
        (json!({ "messages": [{ "role": "user", "content": 7 }] }), "`messages[0].content` must be a string"),
        (
            json!({ "messages": [{ "role": "user", "content": [{ "text": "hi" }] }] }),
            "`messages[0].content[0].type` is missing",
        ),
        (
            json!({ "messages": [{ "role": "user", "content": [{ "type": "input_audio" }] }] }),
            "is of type `input_audio`",
        ),
        (
            json!({ "messages": [{ "role": "function", "content": "hi" }] }),
            "`messages[0].role` is `function`",
        ),
        (
            json!({ "messages": [{ "role": "tool", "content": "3" }] }),
            "`messages[0].tool_call_id` is missing",
        ),
        (json!({ "messages": user, "temperature": "hot" }), "`temperature` must be a number"),
        (json!({ "messages": user, "max_tokens": -1 }), "`max_tokens` must be a whole number"),
        (json!({ "messages": user, "seed": 1.5 }), "`seed` must be a whole number"),
        (json!({ "messages": user, "stop": 7 }), "`stop` must be a list"),
        (json!({ "messages": user, "n": 2 }), "`n` asks for several answers"),
        (json!({ "messages": user, "tools": [{ "type": "custom" }] }), "`tools[0].type` is `custom`"),
        (json!({ "messages": user, "tools": [{ "function": {} }] }), "`tools[0].function.name` is missing"),
        (json!({ "messages": user, "tool_choice": "maybe" }), "`tool_choice` must be"),
        (json!({ "messages": user, "functions": [] }), "`functions` is the old form"),
        (json!({ "messages": user, "reasoning_effort": "much" }), "`reasoning_effort` must be one of"),
        (json!({ "messages": user, "response_format": "json" }), "`response_format` must be an object"),
        (
            json!({ "messages": user, "response_format": { "type": "xml" } }),
            "`response_format.type` is `xml`",
        ),
        (json!({ "messages": user, "modalities": ["text", "audio"] }), "`modalities` asks for more"),
        (json!({ "messages": user, "model": null }), "`model` is missing"),
    ] {
        let mut body = json!({ "model": "m" });
        body.as_object_mut().expect("fields").extend(fields.as_object().expect("fields").clone());
        let failure = decode_request(body.to_string().as_bytes()).expect_err(words);
        assert_eq!(failure.code, Code::BadRequest);
        assert!(failure.message.contains(words), "{words}: {}", failure.message);
    }
    assert_eq!(decode_request(b"[]").expect_err("no object").code, Code::BadRequest);
}

#[test]
fn forms_that_mean_the_same_are_read_alike() {
    let asks = |fields: Value| {
        let mut body = json!({ "model": "m", "messages": [{ "role": "user", "content": "hi" }] });
        body.as_object_mut().expect("fields").extend(fields.as_object().expect("fields").clone());
        read(&body)
    };
    assert_eq!(
        asks(json!({ "max_tokens": 7 })),
        asks(json!({ "max_completion_tokens": 7, "max_tokens": 9 }))
    );
    assert_eq!(asks(json!({ "seed": 7 })), asks(json!({ "random_seed": 7 })));
    assert_eq!(asks(json!({ "stop": "x" })), asks(json!({ "stop": ["x"] })));
    assert_eq!(asks(json!({ "tool_choice": "any" })), asks(json!({ "tool_choice": "required" })));
    assert_eq!(asks(json!({ "reasoning": { "effort": "low" } })), asks(json!({ "reasoning_effort": "low" })));
    assert_eq!(asks(json!({ "tools": null, "stop": null, "n": 1, "logit_bias": {} })), asks(json!({})));
    let body = br#"{"model":"m","messages":[],"logit_bias":{},"web_search_options":{},"metadata":{},"n":1}"#;
    assert_eq!(unspoken_fields(body), ["logit_bias", "web_search_options"]);
}

#[test]
fn m4_every_provider_is_asked_in_its_own_words() {
    let request = read(&json!({
        "model": "m", "stream": true, "max_tokens": 9, "seed": 7, "temperature": 1.8, "tool_choice": "required",
        "messages": [
            { "role": "user", "content": "hi" },
            { "role": "assistant", "tool_calls": [{ "id": "call_1", "type": "function", "function": { "name": "f", "arguments": "{}" } }] },
            { "role": "tool", "tool_call_id": "call_1", "content": "3" },
        ],
        "response_format": { "type": "json_schema", "json_schema": { "name": "s", "schema": { "type": "object" } } },
    }));

    let (openai, notices) = written(&request, "openai");
    assert_eq!(
        (&openai["max_completion_tokens"], &openai["seed"], &openai["temperature"]),
        (&json!(9), &json!(7), &json!(1.8))
    );
    assert_eq!(
        (&openai["stream_options"], &openai["tool_choice"]),
        (&json!({ "include_usage": true }), &json!("required"))
    );
    assert_eq!((&openai["messages"][1]["content"], notices), (&Value::Null, Vec::<String>::new()));

    let (mistral, notices) = written(&request, "mistral");
    assert_eq!(
        (&mistral["max_tokens"], &mistral["random_seed"], &mistral["temperature"]),
        (&json!(9), &json!(7), &json!(1.5))
    );
    assert_eq!((mistral.get("stream_options"), &mistral["tool_choice"]), (None, &json!("any")));
    let id = mistral["messages"][1]["tool_calls"][0]["id"].as_str().expect("an id");
    assert_eq!((id.len(), mistral["messages"][2]["tool_call_id"].as_str()), (9, Some(id)));
    assert_eq!(notices.len(), 2, "{notices:?}");

    let (deepseek, notices) = written(&request, "deepseek");
    assert_eq!(deepseek["response_format"], json!({ "type": "json_object" }));
    let instructions = deepseek["messages"][0]["content"].as_str().expect("instructions");
    assert!(instructions.contains("JSON") && instructions.contains(r#"{"type":"object"}"#), "{instructions}");
    assert!(notices[0].contains("response_format"), "{notices:?}");
}

#[test]
fn blocks_go_back_to_their_own_protocol_only() {
    let opaque = vec![
        json!({ "type": "reasoning.text", "text": "t", "signature": "s" }),
        json!({ "type": "thinking", "signature": "s" }),
        json!({ "type": "reasoning", "encrypted_content": "e" }),
    ];
    let turn = Turn { text: "hi".into(), opaque, ..Turn::default() };
    let request = ChatRequest {
        messages: vec![Message::Assistant(turn)],
        ..ChatRequest::prompt("m", "", Delivery::Whole)
    };
    let (body, notices) = written(&request, "openrouter");
    assert_eq!(body["messages"][0]["reasoning_details"].as_array().map(Vec::len), Some(1));
    assert_eq!(notices.len(), 1, "{notices:?}");

    let own = json!({ "model": "m", "messages": [{ "role": "assistant", "content": "4", "reasoning_content": "2+2" }] });
    assert_eq!(written(&read(&own), "deepseek").0["messages"], own["messages"]);
}

#[test]
fn what_cannot_be_said_is_refused() {
    let mut request = ChatRequest::prompt("m", "hi", Delivery::Whole);
    request.sampling.temperature = Some(f64::NAN);
    let failure = encode_request(&request, Quirks::default()).expect_err("no number");
    assert!(failure.code == Code::BadRequest && failure.message.contains("`temperature`"));
    assert!(encode_request(&ChatRequest::default(), Quirks::default()).is_err());
}

#[test]
fn effort_and_format_have_their_words() {
    let request = read(&json!({
        "model": "m", "messages": [{ "role": "developer", "content": [{ "type": "text", "text": "a" }, { "type": "text", "text": "b" }] },
            { "role": "user", "content": [{ "type": "image_url", "image_url": "https://x/y.png" }] }],
        "reasoning_effort": "xhigh", "response_format": { "type": "json_object" },
        "tool_choice": { "type": "function", "function": { "name": "f" } },
    }));
    assert_eq!(request.messages[0], Message::System("a\nb".into()));
    assert_eq!(
        request.messages[1],
        Message::User(vec![Part::Image(chat::Image::Url("https://x/y.png".into()))])
    );
    assert_eq!(request.reasoning_effort, Some(ReasoningEffort::Xhigh));
    assert_eq!(request.response_format, Some(ResponseFormat::JsonObject));
    assert_eq!(request.tool_choice, Some(ToolChoice::Function("f".into())));
}
