use super::*;

#[test]
fn m4_what_anthropic_does_not_take_is_dropped_with_a_notice() {
    check(|r| r.sampling.temperature = Some(1.5), &json!({ "temperature": 1.0 }), &["temperature"]);
    check(|r| r.sampling.temperature = Some(0.5), &json!({ "temperature": 0.5 }), &[]);
    check(|r| r.sampling.seed = Some(7), &json!({ "seed": null }), &["seed"]);
    check(|r| r.sampling.presence_penalty = Some(0.0), &json!({ "presence_penalty": null }), &[]);
    check(|r| r.sampling.frequency_penalty = Some(1.0), &json!({}), &["frequency_penalty"]);
    check(
        |r| r.sampling.stop = vec!["\n".into(), "END".into()],
        &json!({ "stop_sequences": ["END"] }),
        &["stop"],
    );
    let both = |r: &mut ChatRequest| (r.sampling.temperature, r.sampling.top_p) = (Some(0.2), Some(0.9));
    check(both, &json!({ "temperature": 0.2, "top_p": null }), &["top_p"]);
    let shaped = |r: &mut ChatRequest| {
        let (name, schema) = ("a".to_owned(), json!({ "type": "object" }));
        r.response_format =
            Some(ResponseFormat::JsonSchema { name, description: None, schema, strict: None });
    };
    let schema = json!({ "type": "object", "additionalProperties": false });
    let format = json!({ "format": { "type": "json_schema", "schema": schema } });
    check(shaped, &json!({ "output_config": format }), &["response_format"]);
    check(|r| r.max_tokens = None, &json!({ "max_tokens": 4_096 }), &["max_tokens"]);
}

#[test]
fn the_limit_is_the_callers_within_the_models() {
    let limits = ModelLimits { max_output: Some(8_192) };
    for (given, sent, notices) in [(None, 8_192, 0), (Some(100), 100, 0), (Some(9_000), 8_192, 1)] {
        let (body, noticed) = written(&ChatRequest { max_tokens: given, ..asked("hi") }, limits);
        assert_eq!((body["max_tokens"].as_u64(), noticed.len()), (Some(sent), notices), "{given:?}");
    }
}

#[test]
fn thinking_is_an_effort_a_budget_or_nothing() {
    use crate::chat::ReasoningEffort as E;
    let with = |model: &'static str, effort| {
        move |r: &mut ChatRequest| (r.model, r.reasoning_effort) = (model.into(), Some(effort))
    };
    let adaptive =
        |effort: &str| json!({ "thinking": { "type": "adaptive" }, "output_config": { "effort": effort } });
    let budget = |tokens: u32| json!({ "thinking": { "type": "enabled", "budget_tokens": tokens } });
    let nothing = json!({ "thinking": null, "output_config": null });
    check(with("claude-opus-4-8", E::Xhigh), &adaptive("xhigh"), &[]);
    check(with("claude-sonnet-4-6", E::Xhigh), &adaptive("high"), &["reasoning_effort"]);
    check(with("claude-opus-5", E::Minimal), &adaptive("low"), &["reasoning_effort"]);
    check(with("claude-opus-5", E::None), &json!({ "thinking": { "type": "disabled" } }), &[]);
    check(with("claude-haiku-4-5", E::Low), &budget(2_048), &[]);
    check(with("claude-sonnet-4-20250514", E::High), &budget(4_500), &["reasoning_effort"]);
    check(with("claude-3-5-haiku-latest", E::High), &nothing, &["reasoning_effort"]);
    check(with("claude-3-5-haiku-latest", E::None), &nothing, &[]);
    let cold = |r: &mut ChatRequest| {
        (r.reasoning_effort, r.sampling.temperature) = (Some(E::High), Some(0.2));
    };
    check(cold, &json!({ "temperature": null }), &["temperature"]);
}

#[test]
fn an_unsigned_tool_loop_is_not_thought_about() {
    let call = ToolCall { id: "c".into(), name: "f".into(), arguments: String::new(), signature: None };
    let result = ToolResult { call_id: "c".into(), name: None, content: "1".into(), is_error: false };
    let turn =
        |opaque| Message::Assistant(Turn { text: String::new(), tool_calls: vec![call.clone()], opaque });
    let budget = json!({ "thinking": { "type": "enabled", "budget_tokens": 1_024 } });
    for (opaque, thinking, noticed) in [
        (vec![], json!({ "thinking": null }), ["reasoning_effort"].as_slice()),
        (vec![json!({ "type": "thinking", "thinking": "", "signature": "s" })], budget, &[]),
    ] {
        let looped = |r: &mut ChatRequest| {
            r.model = "claude-haiku-4-5".into();
            r.reasoning_effort = Some(crate::chat::ReasoningEffort::Minimal);
            r.messages.extend([turn(opaque), Message::Tool(result.clone())]);
        };
        check(looped, &thinking, noticed);
    }
}

#[test]
fn results_of_one_turn_share_a_message_and_come_first() {
    let call =
        |id: &str| ToolCall { id: id.into(), name: "f".into(), arguments: "{}".into(), signature: None };
    let result = |id: &str| {
        Message::Tool(ToolResult {
            call_id: id.into(),
            name: None,
            content: "1".into(),
            is_error: id == "b:2",
        })
    };
    let mut request = asked("hi");
    let turn = Turn {
        text: String::new(),
        tool_calls: vec![call("a"), call("b:2")],
        opaque: vec![json!({ "x": 1 })],
    };
    request.messages.extend([Message::Assistant(turn), Message::user("and?"), result("a"), result("b:2")]);
    request.messages.push(Message::System("Be brief.".into()));
    let (body, notices) = written(&request, ModelLimits { max_output: Some(9) });
    let last = json!({ "role": "user", "content": [
        { "type": "tool_result", "tool_use_id": "a", "content": "1" },
        { "type": "tool_result", "tool_use_id": "b_2", "content": "1", "is_error": true },
        { "type": "text", "text": "and?" },
    ] });
    assert_eq!(body["messages"][2], last);
    assert_eq!(
        (body["messages"][1]["content"][1]["id"].as_str(), body["system"].as_str()),
        (Some("b_2"), Some("Be brief."))
    );
    assert_eq!(notices.len(), 2, "the foreign block and the moved instruction: {notices:?}");
}

#[test]
fn what_the_protocol_cannot_say_is_refused_by_name() {
    let bad_call =
        ToolCall { id: "c".into(), name: "buy".into(), arguments: "{\"a\":".into(), signature: None };
    let turn = Turn { tool_calls: vec![bad_call], ..Turn::default() };
    let bad_image = crate::chat::Image::Url("data:image/png,raw".into());
    let refusals: [(Vec<Message>, Option<ResponseFormat>, &str); 6] = [
        (vec![], None, "messages"),
        (vec![Message::Assistant(Turn { text: "hi".into(), ..Turn::default() })], None, "assistant"),
        (vec![Message::user(" ")], None, "empty"),
        (vec![Message::user("x"), Message::Assistant(turn)], None, "`buy`"),
        (vec![Message::User(vec![Part::Image(bad_image)])], None, "data URL"),
        (vec![Message::user("x")], Some(ResponseFormat::JsonObject), "response_format"),
    ];
    for (messages, response_format, why) in refusals {
        let request = ChatRequest { messages, response_format, ..asked("") };
        let failure = encode(&request, ModelLimits::default()).expect_err(why);
        assert_eq!(failure.code, Code::BadRequest);
        assert!(failure.message.contains(why), "{}", failure.message);
    }
}
