use super::*;

#[test]
fn tools_and_schemas_are_read_in_every_spelling() {
    let request = neutral(&json!({
        "contents": { "parts": { "text": "hi" } },
        "tools": { "function_declarations": [
            { "name": "a", "parameters": { "type": "OBJECT", "properties": { "n": { "type": "INTEGER" } } } },
            { "name": "b" },
        ] },
        "tool_config": { "function_calling_config": { "mode": "ANY", "allowed_function_names": ["a"] } },
        "generation_config": { "response_mime_type": "application/json", "response_schema": { "type": "STRING" },
            "thinking_config": { "thinking_level": "low", "include_thoughts": true } },
    }));
    let schemas: Vec<&Value> = request.tools.iter().map(|tool: &Tool| &tool.parameters).collect();
    let (one, none) = (
        json!({ "type": "object", "properties": { "n": { "type": "integer" } } }),
        json!({ "type": "object", "properties": {} }),
    );
    assert_eq!(schemas, [&one, &none]);
    assert_eq!(request.tool_choice, Some(ToolChoice::Function("a".into())));
    assert_eq!(request.reasoning_effort, Some(ReasoningEffort::Low));
    let Some(ResponseFormat::JsonSchema { schema, .. }) = &request.response_format else {
        panic!("{request:?}")
    };
    assert_eq!(schema, &json!({ "type": "string" }));
    assert_eq!(
        written(&request).0["tools"][0]["functionDeclarations"][1],
        json!({ "name": "b" }),
        "an empty object is refused"
    );
}

#[test]
fn what_no_other_protocol_says_is_refused_by_name() {
    let text = json!([{ "parts": [{ "text": "hi" }] }]);
    for (body, why) in [
        (json!({ "contents": text, "generationConfig": { "topK": 4 } }), "`topK`"),
        (json!({ "contents": text, "generationConfig": { "candidateCount": 2 } }), "candidateCount"),
        (json!({ "contents": text, "generationConfig": { "responseModalities": ["IMAGE"] } }), "IMAGE"),
        (
            json!({ "contents": text, "generationConfig": { "responseMimeType": "text/x.enum" } }),
            "text/x.enum",
        ),
        (json!({ "contents": text, "cachedContent": "c" }), "`cachedContent`"),
        (json!({ "contents": [{ "parts": [{ "executableCode": {} }] }] }), "executableCode"),
        (
            json!({ "contents": [{ "parts": [{ "functionResponse": { "name": "f" } }] }] }),
            "`f` answers no call",
        ),
    ] {
        let failure = decode_request(body.to_string().as_bytes(), "m", Delivery::Whole).expect_err(why);
        assert_eq!((failure.code, failure.status), (Code::BadRequest, Some(400)));
        assert!(failure.message.contains(why), "{}", failure.message);
    }
}

#[test]
fn f3_the_class_comes_from_status_details_and_words() {
    let detailed = |status: &str, details: Value| json!({ "error": { "status": status, "message": "x", "details": details } });
    let said = |status: &str, words: &str| json!({ "error": { "status": status, "message": words } });
    let quota = |id: &str, value: &str| {
        let violation = json!({ "quotaId": id, "quotaValue": value });
        detailed("RESOURCE_EXHAUSTED", json!([{ "violations": [violation] }, { "retryDelay": "41s" }]))
    };
    let long = "The input token count (9) exceeds the maximum number of tokens allowed (8).";
    let invalid = |words| said("INVALID_ARGUMENT", words);
    let unmet = |words| said("FAILED_PRECONDITION", words);
    for (status, body, code, wait) in [
        (400, detailed("INVALID_ARGUMENT", json!([{ "reason": "API_KEY_INVALID" }])), Code::KeyRefused, None),
        (400, json!([invalid("API key not valid. Please pass one.")]), Code::KeyRefused, None),
        (400, invalid(long), Code::ContextTooLong, None),
        (400, invalid("Unknown name x"), Code::BadRequest, None),
        (400, unmet("User location is not supported for the API use."), Code::PermissionDenied, None),
        (400, unmet("Please enable billing"), Code::QuotaExhausted, None),
        (429, quota("RequestsPerDayPerModel", "20"), Code::QuotaExhausted, None),
        (429, quota("RequestsPerMinutePerModel", "0"), Code::QuotaExhausted, None),
        (429, quota("RequestsPerMinutePerModel", "5"), Code::RateLimited, Some(41_000)),
        (403, said("PERMISSION_DENIED", "x"), Code::PermissionDenied, None),
        (504, said("DEADLINE_EXCEEDED", "x"), Code::TimedOut, None),
        (500, said("INTERNAL", "x"), Code::UpstreamFailed, None),
        (200, json!({ "error": { "code": 503, "message": "x" } }), Code::Overloaded, None),
        (404, Value::Null, Code::ModelNotFound, None),
    ] {
        let failure = failure(status, None, body.to_string().as_bytes());
        assert_eq!((failure.code, failure.retry_after_ms), (code, wait), "{body}");
    }
    assert_eq!(failure(502, Some(7), b"<html>").code, Code::UpstreamFailed);
    let written: Value =
        serde_json::from_slice(&encode_failure(Code::RateLimited, 200, "why")).expect("JSON");
    assert_eq!(
        written,
        json!({ "error": { "code": 429, "message": "why", "status": "RESOURCE_EXHAUSTED" } })
    );
}

#[test]
fn a_stream_that_breaks_off_inside_is_a_failure() {
    let event = |data: Value| Event { raw: Vec::new(), name: None, data: Some(data.to_string()) };
    for (data, code) in [
        (json!({ "error": { "code": 503, "status": "UNAVAILABLE", "message": "x" } }), Code::Overloaded),
        (json!({ "promptFeedback": { "blockReason": "SAFETY" } }), Code::ContentFiltered),
        (
            json!({ "candidates": [{ "finishReason": "MALFORMED_FUNCTION_CALL", "finishMessage": "x" }] }),
            Code::MalformedAnswer,
        ),
        (json!({ "candidates": [{ "finishReason": "MISSING_THOUGHT_SIGNATURE" }] }), Code::BadRequest),
        (json!([]), Code::MalformedAnswer),
    ] {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.event(&event(data)).expect_err("a failure").code, code);
        assert!(!decoder.is_complete());
    }
    let mut decoder = Decoder::default();
    let part = json!({
        "candidates": [{ "content": { "parts": [{ "text": "a" }] } }], "usageMetadata": { "promptTokenCount": 3 },
    });
    let deltas = decoder.event(&event(part)).expect("deltas");
    let Some(Delta::Usage(usage)) = deltas.last() else { panic!("{deltas:?}") };
    assert_eq!((usage.input, usage.output), (Some(3), None), "not counted yet is not nothing");
}

#[test]
fn a_refusal_is_told_and_calls_without_ids_get_one() {
    let parts = json!([{ "functionCall": { "name": "f" } }]);
    let body = json!({ "responseId": "ab/c", "candidates": [{ "content": { "parts": parts }, "finishReason": "STOP" }] });
    let reply = decode_reply(body.to_string().as_bytes()).expect("a reply");
    assert_eq!(
        (reply.turn.tool_calls[0].id.as_str(), reply.turn.tool_calls[0].arguments.as_str()),
        ("call_ab_c_0", "{}")
    );
    let refused = Reply { refusal: Some("no".into()), finish: Some(Finish::Stop), ..Reply::default() };
    let again = decode_reply(&encode_reply(&refused, "m")).expect("a reply");
    assert_eq!((again.refusal.as_deref(), again.finish), (Some("no"), Some(Finish::ContentFilter)));
}

#[test]
fn embeddings_go_both_ways() {
    let one = br#"{"content":{"parts":[{"text":"a"},{"text":"b"}]},"outputDimensionality":2}"#;
    let request = decode_embeddings_request(one, "models/e", EmbeddingsForm::One).expect("a request");
    let expected = EmbeddingsRequest {
        model: "e".into(),
        input: EmbeddingsInput::Texts(vec!["ab".into()]),
        encoding: VectorEncoding::Float,
        dimensions: Some(2),
    };
    assert_eq!(request, expected);
    let tokens = EmbeddingsRequest { input: EmbeddingsInput::Tokens(vec![vec![1]]), ..expected };
    assert!(encode_embeddings_request(&tokens).expect_err("tokens").message.contains("`input`"));
    let answer = Embeddings { vectors: vec![vec![0.1, -2.0]], ..Embeddings::default() };
    assert_eq!(encode_embeddings(&answer, EmbeddingsForm::One), br#"{"embedding":{"values":[0.1,-2.0]}}"#);
    assert_eq!(
        decode_embeddings(&encode_embeddings(&answer, EmbeddingsForm::Batch)).expect("vectors"),
        answer
    );
}

#[test]
fn pictures_are_read_in_both_alphabets_of_base64() {
    let parts = json!([
        { "inline_data": { "mime_type": "image/png", "data": "a-_b" } },
        { "fileData": { "fileUri": "https://a/b.png", "mimeType": "image/png" } },
    ]);
    let request = neutral(&json!({ "contents": [{ "parts": parts }] }));
    let inline = Image::Inline { media_type: "image/png".into(), data: "a+/b".into() };
    let expected = [Part::Image(inline), Part::Image(Image::Url("https://a/b.png".into()))];
    assert_eq!(request.messages, [Message::User(expected.to_vec())]);
    assert_eq!(written(&request).0["contents"][0]["parts"][1], parts[1]);
}
