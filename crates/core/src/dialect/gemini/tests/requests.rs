use super::*;

#[test]
fn m4_what_gemini_does_not_take_is_dropped_with_a_notice() {
    check(|r| r.sampling.seed = Some(1 << 40), &Value::Null, &["seed"]);
    check(|r| r.sampling.seed = Some(-3), &json!({ "seed": -3 }), &[]);
    let stops = |r: &mut ChatRequest| r.sampling.stop = (0..6).map(|n| n.to_string()).collect();
    check(stops, &json!({ "stopSequences": ["0", "1", "2", "3", "4"] }), &["stop"]);
    check(|r| r.max_tokens = Some(70_000), &json!({ "maxOutputTokens": 65_536 }), &["max_tokens"]);
    let json_mode = |r: &mut ChatRequest| r.response_format = Some(ResponseFormat::JsonObject);
    check(json_mode, &json!({ "responseMimeType": "application/json" }), &[]);
}

#[test]
fn thinking_is_a_level_a_budget_or_nothing() {
    use ReasoningEffort as E;
    let with = |model: &'static str, effort| {
        move |r: &mut ChatRequest| (r.model, r.reasoning_effort) = (model.into(), Some(effort))
    };
    let budget = |tokens: u32| json!({ "thinkingConfig": { "thinkingBudget": tokens } });
    let level = |level: &str| json!({ "thinkingConfig": { "thinkingLevel": level } });
    check(with("gemini-2.5-flash", E::None), &budget(0), &[]);
    check(with("gemini-2.5-flash", E::Max), &budget(24_576), &[]);
    check(with("gemini-2.5-flash", E::Xhigh), &budget(24_576), &["reasoning_effort"]);
    check(with("gemini-2.5-pro", E::Max), &budget(32_768), &[]);
    check(with("gemini-2.5-pro", E::None), &budget(128), &["reasoning_effort"]);
    check(with("gemini-3-flash-preview", E::Minimal), &level("MINIMAL"), &[]);
    check(with("gemini-3.1-pro-preview", E::None), &level("LOW"), &["reasoning_effort"]);
    check(with("gemini-3.6-flash", E::Xhigh), &level("HIGH"), &["reasoning_effort"]);
    check(with("gemini-2.0-flash", E::High), &Value::Null, &["reasoning_effort"]);
    check(with("gemini-2.0-flash", E::None), &Value::Null, &[]);
}

#[test]
fn results_share_a_content_and_carry_the_functions_name() {
    let mut request = asked("hi");
    let turn = Turn { tool_calls: vec![call("a", Some("s")), call("b", None)], ..Turn::default() };
    let results = [result("a", None, "42"), result("b", Some("other"), r#"{"ok":true}"#)];
    request.messages.push(Message::Assistant(turn));
    request.messages.extend(results.into_iter().map(Message::Tool));
    request.messages.push(Message::user("go on"));
    let (body, _) = written(&request);
    let response =
        |id, said: Value| json!({ "functionResponse": { "id": id, "name": "buy", "response": said } });
    let called =
        json!({ "functionCall": { "id": "a", "name": "buy", "args": { "n": 1 } }, "thoughtSignature": "s" });
    assert_eq!(body["contents"][1]["parts"][0], called);
    assert_eq!(
        body["contents"][2]["parts"],
        json!([response("a", json!({ "result": "42" })), response("b", json!({ "ok": true }))])
    );
    assert_eq!(body["contents"][3], json!({ "role": "user", "parts": [{ "text": "go on" }] }));
}

#[test]
fn a_call_of_another_model_gets_googles_word_for_no_signature() {
    for (model, signature) in [
        ("gemini-3-flash-preview", json!("skip_thought_signature_validator")),
        ("gemini-2.5-flash", Value::Null),
    ] {
        let turn = Turn { tool_calls: vec![call("a", None), call("b", None)], ..Turn::default() };
        let mut request = ChatRequest { model: model.into(), ..asked("hi") };
        request.messages.push(Message::Assistant(turn));
        let (body, _) = written(&request);
        let parts = &body["contents"][1]["parts"];
        assert_eq!(
            (&parts[0]["thoughtSignature"], &parts[1]["thoughtSignature"]),
            (&signature, &Value::Null),
            "{model}"
        );
    }
}

#[test]
fn a_signature_comes_back_with_the_part_it_came_with() {
    let body = json!({ "candidates": [{ "content": { "parts": [
        { "text": "plan", "thought": true, "thoughtSignature": "t" },
        { "text": "Hel" },
        { "text": "lo", "thoughtSignature": "s" },
    ] }, "finishReason": "STOP" }] });
    let reply = decode_reply(body.to_string().as_bytes()).expect("a reply");
    assert_eq!((reply.turn.text.as_str(), reply.reasoning.as_str()), ("Hello", "plan"));
    let mut request = asked("hi");
    request.messages.push(Message::Assistant(Turn { text: "Hello!".into(), ..reply.turn.clone() }));
    let (changed, notices) = written(&request);
    assert_eq!((changed["contents"][1]["parts"][1].clone(), notices.len()), (json!({ "text": "Hello!" }), 1));
    request.messages[1] = Message::Assistant(reply.turn);
    let (same, notices) = written(&request);
    assert_eq!(
        (&same["contents"][1]["parts"], notices.len()),
        (&body["candidates"][0]["content"]["parts"], 0)
    );
}

#[test]
fn what_the_protocol_cannot_say_is_refused_by_name() {
    let bad = ToolCall { arguments: "[1]".into(), ..call("c", None) };
    let bad_turn = Message::Assistant(Turn { tool_calls: vec![bad], ..Turn::default() });
    for (model, messages, why) in [
        ("m", vec![], "messages"),
        ("m", vec![Message::user("")], "empty"),
        ("m", vec![Message::Tool(result("x", None, ""))], "`x`"),
        ("m", vec![bad_turn], "`buy`"),
        ("m", vec![Message::User(vec![Part::Image(Image::Url("data:x".into()))])], "data URL"),
        ("../../v1/files?x=", vec![Message::user("x")], "no name of a Gemini model"),
        ("", vec![Message::user("x")], "no name of a Gemini model"),
    ] {
        let request = ChatRequest { model: model.into(), messages, ..ChatRequest::default() };
        let failure = encode(&request, ModelLimits::default()).expect_err(why);
        assert_eq!(failure.code, Code::BadRequest);
        assert!(failure.message.contains(why), "{}", failure.message);
    }
}

#[test]
fn a_route_names_the_model_and_the_delivery() {
    for (model, delivery, route) in [
        ("models/gemini-2.5-pro", Delivery::Whole, "models/gemini-2.5-pro:generateContent"),
        ("tunedModels/mine-1", Delivery::Streamed, "tunedModels/mine-1:streamGenerateContent?alt=sse"),
    ] {
        let request = ChatRequest { model: model.into(), delivery, ..asked("hi") };
        assert_eq!(encode(&request, ModelLimits::default()).expect("a body").route, route);
    }
    assert_eq!(models_route(Some("a=b")), "models?pageSize=1000&pageToken=a%3Db");
    assert_eq!((auth_header().0, fixed_headers().len()), ("x-goog-api-key", 0));
}
