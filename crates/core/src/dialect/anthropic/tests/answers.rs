use super::*;

#[test]
fn what_no_other_protocol_says_is_refused_by_name() {
    let message = json!([{ "role": "user", "content": "hi" }]);
    for (body, why) in [
        (json!({ "model": "m", "messages": message, "top_k": 4 }), "unknown field `top_k`"),
        (json!({ "messages": message }), "missing field `model`"),
        (json!({ "model": "m", "messages": [{ "role": "tool", "content": "" }] }), "role `tool`"),
        (
            json!({ "model": "m", "messages": [{ "role": "user", "content": [{ "type": "document" }] }] }),
            "`document`",
        ),
        (
            json!({ "model": "m", "messages": message, "tools": [{ "type": "web_search_20250305", "name": "s" }] }),
            "web_search",
        ),
    ] {
        let failure = decode_request(body.to_string().as_bytes()).expect_err(why);
        assert_eq!((failure.code, failure.status), (Code::BadRequest, Some(400)));
        assert!(
            failure.message.contains(why) && !failure.message.contains("expected"),
            "{}",
            failure.message
        );
    }
}

#[test]
fn a_request_of_every_kind_of_field_is_read() {
    let request = neutral(&json!({
        "model": "m", "max_tokens": 5, "stream": true, "metadata": { "user_id": "u" }, "system": "Be brief.",
        "messages": [
            { "role": "user", "content": [
                { "type": "image", "source": { "type": "url", "url": "https://a/b.png" } },
            ] },
            { "role": "assistant", "content": [
                { "type": "thinking", "thinking": "t", "signature": "" },
                { "type": "text", "text": "a" },
            ] },
        ],
        "tools": [{ "name": "f", "input_schema": { "type": "object" }, "strict": true }],
        "tool_choice": { "type": "tool", "name": "f", "disable_parallel_tool_use": true },
        "thinking": { "type": "adaptive" }, "output_config": { "format": { "type": "json_schema", "schema": {} } },
    }));
    assert_eq!(request.tool_choice, Some(crate::chat::ToolChoice::Function("f".into())));
    assert_eq!((request.parallel_tool_calls, request.tools[0].strict), (Some(false), Some(true)));
    assert_eq!(request.reasoning_effort, Some(crate::chat::ReasoningEffort::High));
    assert!(request.delivery.is_streamed());
    let unsigned = Message::Assistant(Turn { text: "a".into(), ..Turn::default() });
    assert_eq!(request.messages[2], unsigned, "thinking without a signature is another provider's");
}

#[test]
fn f3_the_class_comes_from_type_status_and_words() {
    let said =
        |kind: &str, message: &str| json!({ "error": { "type": kind, "message": message } }).to_string();
    for (status, body, code) in [
        (
            400,
            said("invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
            Code::ContextTooLong,
        ),
        (
            400,
            said("invalid_request_error", "Your credit balance is too low to access"),
            Code::QuotaExhausted,
        ),
        (
            400,
            said("invalid_request_error", "You have reached your specified API usage limits."),
            Code::QuotaExhausted,
        ),
        (
            400,
            said("invalid_request_error", "Output blocked by content filtering policy"),
            Code::ContentFiltered,
        ),
        (400, said("invalid_request_error", "max_tokens: Field required"), Code::BadRequest),
        (413, said("request_too_large", "Request exceeds the maximum size"), Code::ContextTooLong),
        (200, said("api_error", "Internal server error"), Code::UpstreamFailed),
        (403, said("permission_error", "no"), Code::PermissionDenied),
        (504, said("timeout_error", "slow"), Code::TimedOut),
        (529, String::new(), Code::Overloaded),
        (502, "<html>".to_owned(), Code::UpstreamFailed),
        (401, "null".to_owned(), Code::KeyRefused),
    ] {
        let failure = failure(status, Some(5), body.as_bytes());
        assert_eq!(
            (failure.code, failure.status, failure.retry_after_ms),
            (code, Some(status), Some(5)),
            "{body}"
        );
    }
}

#[test]
fn errors_are_written_as_anthropics_clients_know_them() {
    for (code, status, kind) in [
        (Code::ModelNotFound, 404, "not_found_error"),
        (Code::QuotaExhausted, 402, "billing_error"),
        (Code::Overloaded, 200, "overloaded_error"),
        (Code::StreamCut, 200, "api_error"),
        (Code::NoCandidate, 503, "overloaded_error"),
    ] {
        let body: Value = serde_json::from_slice(&encode_failure(code, status, "why")).expect("JSON");
        assert_eq!(body, json!({ "type": "error", "error": { "type": kind, "message": "why" } }));
    }
}

#[test]
fn c2_counts_that_come_again_replace_and_totals_are_inclusive() {
    let mut decoder = Decoder::default();
    let mut feed = |data: Value| {
        let event = Event { raw: Vec::new(), name: None, data: Some(data.to_string()) };
        decoder.event(&event).expect("an event")
    };
    feed(json!({ "type": "message_start", "message": {
            "usage": { "input_tokens": 3, "cache_read_input_tokens": 10, "output_tokens": 1 },
        } }));
    let end = feed(json!({
        "type": "message_delta", "delta": { "stop_reason": "pause_turn" },
        "usage": { "output_tokens": 7, "output_tokens_details": { "thinking_tokens": 4 } },
    }));
    let Delta::Usage(usage) = end[1] else { panic!("{end:?}") };
    assert_eq!(end[0], Delta::Finish(Finish::Other("pause_turn".into())));
    assert_eq!(
        (usage.input, usage.output, usage.cached, usage.reasoning),
        (Some(13), Some(7), Some(10), Some(4))
    );
}

#[test]
fn pages_of_models_follow_each_other() {
    let page = br#"{"data":[{"id":"a","type":"model"}],"has_more":true,"last_id":"a&b"}"#;
    let page = decode_models(page).expect("a page");
    assert_eq!(models_route(page.next.as_deref()), "v1/models?limit=1000&after_id=a%26b");
    assert_eq!((models_route(None).as_str(), page.models[0].id.as_str()), ("v1/models?limit=1000", "a"));
    assert_eq!((auth_header().0, fixed_headers()[0].0), ("x-api-key", "anthropic-version"));
}

#[test]
fn an_error_or_nothing_under_a_200_is_a_failure() {
    for (body, code) in [
        (r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#, Code::Overloaded),
        ("{}", Code::MalformedAnswer),
        ("", Code::MalformedAnswer),
    ] {
        assert_eq!(decode_reply(body.as_bytes()).expect_err(body).code, code);
    }
    let reply = Reply { reasoning: "because".into(), refusal: Some("no".into()), ..Reply::default() };
    let again = decode_reply(&encode_reply(&reply, "m")).expect("a reply");
    assert_eq!((again.reasoning.as_str(), again.refusal.as_deref()), ("because", Some("no")));
    assert_eq!(again.finish, Some(Finish::ContentFilter));
}

#[test]
fn calls_whose_pieces_are_mixed_come_out_one_after_the_other() {
    let call = |index, id: &str| Delta::ToolCall {
        index,
        call: ToolCall { id: id.into(), name: "f".into(), arguments: String::new(), signature: None },
    };
    let piece = |index, text: &str| Delta::Arguments { index, text: text.into() };
    let mixed = [call(0, "a"), call(1, "b"), piece(1, "{\"x\""), piece(0, "{}"), piece(1, ":1}")];
    let mut encoder = Encoder::new("m", "msg_1");
    let mut stream: Vec<u8> = mixed.iter().flat_map(|delta| encoder.delta(delta)).collect();
    stream.extend(encoder.finish());
    let mut decoder = Decoder::default();
    let events = events(&stream);
    let told: Vec<Delta> = events.iter().flat_map(|event| decoder.event(event).expect("an event")).collect();
    let expected = [call(0, "a"), piece(0, "{}"), call(1, "b"), piece(1, "{\"x\":1}")];
    assert_eq!(told[2..6], expected, "after the start and its usage");
}

#[test]
fn f6_a_stream_that_fails_ends_with_an_error_event() {
    let mut encoder = Encoder::new("m", "msg_1");
    let mut stream = encoder.delta(&Delta::Text("Hel".into()));
    stream.extend(encoder.fail(&Failure::new(Code::Overloaded, "too busy")));
    let mut decoder = Decoder::default();
    let events = events(&stream);
    let last = events.iter().map(|event| decoder.event(event)).next_back().expect("an event");
    assert_eq!((last.expect_err("a failure").code, decoder.is_complete()), (Code::Overloaded, false));
}

#[test]
fn blocks_of_tools_that_run_at_anthropic_are_kept() {
    let mut decoder = Decoder::default();
    let mut feed = |data: Value| {
        let event = Event { raw: Vec::new(), name: None, data: Some(data.to_string()) };
        decoder.event(&event).expect("an event")
    };
    let block = json!({ "type": "server_tool_use", "id": "s", "name": "web_search", "input": {} });
    feed(json!({ "type": "content_block_start", "index": 0, "content_block": block }));
    let delta = json!({ "type": "input_json_delta", "partial_json": "{\"query\":\"x\"}" });
    assert_eq!(feed(json!({ "type": "content_block_delta", "index": 0, "delta": delta })), []);
    let mut whole = block;
    whole["input"] = json!({ "query": "x" });
    assert_eq!(feed(json!({ "type": "content_block_stop", "index": 0 })), [Delta::Opaque(whole)]);
}
