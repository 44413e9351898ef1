use super::*;
use crate::catalog::provider;

fn target(protocol: Protocol, quirks: Quirks) -> Target<'static> {
    Target {
        protocol,
        model: "gpt-5-mini",
        quirks,
        limits: ModelLimits::default(),
        untaken: Parameters::NONE,
    }
}

fn encoded(body: &str, protocol: Protocol, quirks: Quirks) -> Encoded {
    let inbound = Inbound::read(protocol, body.as_bytes()).expect("a request");
    inbound.for_provider(&target(protocol, quirks), |_| None).expect("the same protocol")
}

fn upstream(body: &str, quirks: Quirks) -> String {
    String::from_utf8(encoded(body, Protocol::Openai, quirks).body).expect("UTF-8")
}

#[test]
fn unknown_fields_order_and_number_precision_survive() {
    let body = r#"{"messages":[{"role":"user","content":"é\u00e9"}],"model":"conn/x","seed":12345678901234567890,"temperature":0.10,"my_field":{"b":1,"a":[]}}"#;
    assert_eq!(upstream(body, Quirks::default()), body.replace("conn/x", "gpt-5-mini"));
}

#[test]
fn the_same_protocol_passes_through_on_every_protocol() {
    let body = r#"{"model":"conn/x","max_tokens":9,"messages":[],"cache_control":{"z":1.50}}"#;
    for (protocol, route) in [(Protocol::Anthropic, "v1/messages"), (Protocol::Responses, "responses")] {
        let encoded = encoded(body, protocol, Quirks::default());
        assert_eq!(encoded.route, route);
        assert_eq!(encoded.body, body.replace("conn/x", "gpt-5-mini").into_bytes());
    }
    let body = br#"{"contents":[{"parts":[{"text":"hi"}]}],"safetySettings":[],"n":1.0}"#;
    let inbound = Inbound::read_gemini("conn/gemini-x", Delivery::Streamed, body).expect("a request");
    let encoded =
        inbound.for_provider(&target(Protocol::Gemini, Quirks::default()), |_| None).expect("a route");
    assert_eq!(encoded.route, "models/gpt-5-mini:streamGenerateContent?alt=sse");
    assert_eq!(encoded.body, body);
}

#[test]
fn usage_is_asked_for_in_a_stream_unless_the_provider_refuses_the_field() {
    let body = r#"{"model":"x","stream":true,"messages":[]}"#;
    let asked =
        r#"{"model":"gpt-5-mini","stream":true,"messages":[],"stream_options":{"include_usage":true}}"#;
    assert_eq!(upstream(body, Quirks::default()), asked);
    let unasked = Quirks { stream_usage: StreamUsage::Unasked, ..Quirks::default() };
    assert_eq!(upstream(body, unasked), r#"{"model":"gpt-5-mini","stream":true,"messages":[]}"#);
    let own = r#"{"model":"x","stream":true,"stream_options":{"include_obfuscation":false}}"#;
    assert!(
        upstream(own, Quirks::default())
            .contains(r#""stream_options":{"include_obfuscation":false,"include_usage":true}"#)
    );
}

#[test]
fn m4_the_limit_of_an_answer_is_renamed_where_the_provider_wants_it() {
    let renamed = Quirks { max_tokens: MaxTokens::Renamed, ..Quirks::default() };
    let body = r#"{"model":"x","max_tokens":16}"#;
    assert_eq!(upstream(body, renamed), r#"{"model":"gpt-5-mini","max_completion_tokens":16}"#);
    assert_eq!(upstream(body, Quirks::default()), r#"{"model":"gpt-5-mini","max_tokens":16}"#);
}

#[test]
fn m4_each_change_that_a_provider_needs_is_told_by_name() {
    let mistral = provider("mistral").expect("a row").quirks;
    let body = r#"{"model":"x","seed":7,"tool_choice":"required","temperature":1.9}"#;
    let encoded = encoded(body, Protocol::Openai, mistral);
    let changed = r#"{"model":"gpt-5-mini","random_seed":7,"tool_choice":"any","temperature":1.5}"#;
    assert_eq!(String::from_utf8_lossy(&encoded.body), changed);
    let told = encoded.notices.join(" ");
    for name in ["`seed`", "`tool_choice`", "`temperature`"] {
        assert!(told.contains(name), "{told}");
    }
}

#[test]
fn m4_what_a_provider_takes_in_another_form_deep_inside_is_translated() {
    let deepseek = provider("deepseek").expect("a row").quirks;
    let body = r#"{"model":"x","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}}}"#;
    let sent = upstream(body, deepseek);
    assert!(sent.contains("json_object") && !sent.contains("json_schema\":{"), "{sent}");
    let plain = r#"{"model":"x","messages":[{"role":"user","content":"hi"}],"my_field":1}"#;
    assert!(upstream(plain, deepseek).contains("my_field"), "everything else passes through");
}

#[test]
fn m4_ids_of_tool_calls_are_mapped_only_where_the_provider_would_refuse_them() {
    let mistral = provider("mistral").expect("a row").quirks;
    let body = |id: &str| {
        format!(
            r#"{{"model":"x","my_field":1,"messages":[{{"role":"user","content":"hi"}},{{"role":"assistant","content":"","tool_calls":[{{"id":"{id}","type":"function","function":{{"name":"f","arguments":"{{}}"}}}}]}},{{"role":"tool","tool_call_id" : "{id}","content":"1"}}]}}"#
        )
    };
    assert!(upstream(&body("abcDEF123"), mistral).contains("my_field"), "nothing to map");
    let mapped = upstream(&body("call_0123456789"), mistral);
    assert!(!mapped.contains("call_0123456789"), "{mapped}");
}

#[test]
fn what_cannot_be_translated_is_refused_by_name_and_another_connection_may_take_it() {
    let body = br#"{"model":"x","n":3,"messages":[{"role":"user","content":"hi"}]}"#;
    let inbound = Inbound::read(Protocol::Openai, body).expect("a request");
    let refused =
        inbound.for_provider(&target(Protocol::Anthropic, Quirks::default()), |_| None).expect_err("three");
    assert_eq!((refused.code, refused.status), (Code::Untranslatable, None));
    assert!(refused.message.contains("`n`"), "{}", refused.message);
    assert_eq!(refused.code.policy().rotate, crate::code::Rotate::Next);
}

#[test]
fn what_is_left_out_of_a_translation_is_told_by_name() {
    let body = br#"{"model":"x","stream":true,"stream_options":{},"logit_bias":{"1":2},"messages":[{"role":"user","content":"hi"}]}"#;
    let inbound = Inbound::read(Protocol::Openai, body).expect("a request");
    let encoded =
        inbound.for_provider(&target(Protocol::Anthropic, Quirks::default()), |_| None).expect("a request");
    assert_eq!(encoded.notices.iter().filter(|notice| notice.contains("`logit_bias`")).count(), 1);
    assert!(!encoded.notices.iter().any(|notice| notice.contains("`stream")), "{:?}", encoded.notices);
}

#[test]
fn what_is_no_request_is_refused_with_a_reason() {
    for (body, reason) in [
        ("", "no JSON object"),
        ("[]", "no JSON object"),
        (r#"{"messages":[]}"#, "`model` is missing"),
        (r#"{"model":7}"#, "`model` must be a string"),
        (r#"{"model":"a","model":"b"}"#, "`model` is there twice"),
        (r#"{"model":"a","stream":"yes"}"#, "`stream` must be a boolean"),
    ] {
        let failure = Inbound::read(Protocol::Openai, body.as_bytes()).expect_err(body);
        assert_eq!(failure.code, Code::BadRequest);
        assert!(failure.message.contains(reason), "{}", failure.message);
    }
}

#[test]
fn a_null_is_the_same_as_nothing() {
    let body = br#"{"model":"a","stream":null,"stream_options":null,"metadata":null}"#;
    let inbound = Inbound::read(Protocol::Openai, body).expect("a request");
    assert_eq!((inbound.delivery, inbound.wants_usage, inbound.feature), (Delivery::Whole, false, None));
}

#[test]
fn the_feature_comes_from_the_metadata() {
    let body = br#"{"model":"a","metadata":{"feature":"risk"}}"#;
    let inbound = Inbound::read(Protocol::Openai, body).expect("a request");
    assert_eq!(inbound.feature.as_deref(), Some("risk"));
}

#[test]
fn an_own_question_leaves_usage_to_the_provider_it_goes_to() {
    let mut question = ChatRequest::prompt("m", "hi", Delivery::Streamed);
    question.max_tokens = Some(9);
    let inbound = Inbound::own(&question).expect("a request");
    assert!(!inbound.wants_usage);
    let unasked = Quirks { stream_usage: StreamUsage::Unasked, ..Quirks::default() };
    let sent = inbound.for_provider(&target(Protocol::Openai, unasked), |_| None).expect("the same protocol");
    let body: Value = serde_json::from_slice(&sent.body).expect("JSON");
    let expected = serde_json::json!({ "model": "gpt-5-mini", "max_tokens": 9, "stream": true, "messages": [{ "role": "user", "content": "hi" }] });
    assert_eq!(body, expected);
}

fn text(encoded: &Encoded) -> (&str, String) {
    (&encoded.route, String::from_utf8_lossy(&encoded.body).into_owned())
}

#[test]
fn embeddings_are_passed_through_or_translated_and_never_asked_of_who_makes_none() {
    let asked = |form, protocol, body: &str| {
        let inbound = match protocol {
            Protocol::Gemini => Inbound::read_gemini("e", Delivery::Whole, body.as_bytes()),
            _ => Inbound::read(protocol, body.as_bytes()),
        };
        inbound.expect("a request").asking_for(Task::Embed(form))
    };
    let openai = r#"{"model":"e","input":["a","b"],"encoding_format":"float","x":1.0}"#;
    let one = r#"{"model":"models/e","content":{"parts":[{"text":"a"}]},"taskType":"X"}"#;
    let batch = r#"{"requests":[{"model":"models/e","content":{"parts":[{"text":"a"}]}}]}"#;
    let (one_form, batch_form) = (EmbeddingsForm::One, EmbeddingsForm::Batch);
    for (inbound, to, route, body) in [
        (
            asked(batch_form, Protocol::Openai, openai),
            Protocol::Openai,
            "embeddings",
            r#"{"model":"gpt-5-mini","input":["a","b"],"encoding_format":"float","x":1.0}"#,
        ),
        (
            asked(batch_form, Protocol::Openai, openai),
            Protocol::Gemini,
            "models/gpt-5-mini:batchEmbedContents",
            r#"{"requests":[{"model":"models/gpt-5-mini","content":{"parts":[{"text":"a"}]}},{"model":"models/gpt-5-mini","content":{"parts":[{"text":"b"}]}}]}"#,
        ),
        (
            asked(one_form, Protocol::Gemini, one),
            Protocol::Gemini,
            "models/gpt-5-mini:embedContent",
            r#"{"model":"models/gpt-5-mini","content":{"parts":[{"text":"a"}]},"taskType":"X"}"#,
        ),
        (
            asked(batch_form, Protocol::Gemini, batch),
            Protocol::Gemini,
            "models/gpt-5-mini:batchEmbedContents",
            r#"{"requests":[{"model":"models/gpt-5-mini","content":{"parts":[{"text":"a"}]}}]}"#,
        ),
        (
            asked(batch_form, Protocol::Gemini, batch),
            Protocol::Openai,
            "embeddings",
            r#"{"model":"gpt-5-mini","input":["a"],"encoding_format":"float"}"#,
        ),
    ] {
        let encoded = inbound.for_provider(&target(to, Quirks::default()), |_| None).expect("a request");
        assert_eq!(text(&encoded), (route, body.to_owned()));
    }
    for (inbound, to, word) in [
        (asked(batch_form, Protocol::Openai, openai), Protocol::Anthropic, "embeddings"),
        (asked(one_form, Protocol::Gemini, one), Protocol::Openai, "taskType"),
    ] {
        let refused = inbound.for_provider(&target(to, Quirks::default()), |_| None).expect_err(word);
        assert_eq!(refused.code, Code::Untranslatable);
        assert!(refused.message.contains(word), "{}", refused.message);
    }
}

#[test]
fn tokens_are_counted_by_who_can_and_estimated_where_nobody_can() {
    let anthropic = r#"{"model":"c","system":"s","messages":[{"role":"user","content":"hello there"}]}"#;
    let gemini = r#"{"generateContentRequest":{"model":"models/c","contents":[{"role":"user","parts":[{"text":"hi"}]}]}}"#;
    let counting = |protocol, body: &str| {
        let inbound = match protocol {
            Protocol::Gemini => Inbound::read_gemini("c", Delivery::Whole, body.as_bytes()),
            _ => Inbound::read(protocol, body.as_bytes()),
        };
        inbound.expect("a request").asking_for(Task::Count)
    };
    for (inbound, to, route, body) in [
        (
            counting(Protocol::Anthropic, anthropic),
            Protocol::Anthropic,
            "v1/messages/count_tokens",
            anthropic.replace("\"c\"", "\"gpt-5-mini\""),
        ),
        (
            counting(Protocol::Anthropic, anthropic),
            Protocol::Gemini,
            "models/gpt-5-mini:countTokens",
            r#"{"generateContentRequest":{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"role":"user","parts":[{"text":"hello there"}]}],"model":"models/gpt-5-mini"}}"#.into(),
        ),
        (
            counting(Protocol::Gemini, gemini),
            Protocol::Gemini,
            "models/gpt-5-mini:countTokens",
            gemini.replace("models/c", "models/gpt-5-mini"),
        ),
        (
            counting(Protocol::Gemini, gemini),
            Protocol::Anthropic,
            "v1/messages/count_tokens",
            r#"{"model":"gpt-5-mini","messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}"#.into(),
        ),
    ] {
        let target = target(to, Quirks::default());
        assert!(inbound.count_here(&target).is_none());
        let encoded = inbound.for_provider(&target, |_| None).expect("a request");
        assert_eq!(text(&encoded), (route, body));
    }
    let (here, notice) = counting(Protocol::Anthropic, anthropic)
        .count_here(&target(Protocol::Openai, Quirks::default()))
        .expect("nobody to ask");
    assert!(String::from_utf8_lossy(&here.body).starts_with(r#"{"input_tokens":"#));
    assert!(notice.contains("estimated"));
}

#[test]
fn an_answer_is_no_longer_than_the_app_may_ask_for() {
    for (protocol, body, expected) in [
        (Protocol::Openai, r#"{"model":"gpt-5-mini"}"#, r#"{"model":"gpt-5-mini","max_tokens":9}"#),
        (
            Protocol::Openai,
            r#"{"model":"gpt-5-mini","max_completion_tokens":10}"#,
            r#"{"model":"gpt-5-mini","max_completion_tokens":9}"#,
        ),
        (
            Protocol::Openai,
            r#"{"model":"gpt-5-mini","max_tokens":8}"#,
            r#"{"model":"gpt-5-mini","max_tokens":8}"#,
        ),
        (
            Protocol::Anthropic,
            r#"{"model":"gpt-5-mini","max_tokens":4096}"#,
            r#"{"model":"gpt-5-mini","max_tokens":9}"#,
        ),
        (Protocol::Responses, r#"{"model":"gpt-5-mini"}"#, r#"{"model":"gpt-5-mini","max_output_tokens":9}"#),
        (
            Protocol::Gemini,
            r#"{"generationConfig":{"temperature":0}}"#,
            r#"{"generationConfig":{"temperature":0,"maxOutputTokens":9}}"#,
        ),
    ] {
        let mut inbound = match protocol {
            Protocol::Gemini => Inbound::read_gemini("m", Delivery::Whole, body.as_bytes()),
            _ => Inbound::read(protocol, body.as_bytes()),
        }
        .expect("a request");
        inbound.limit_answer(9);
        let encoded =
            inbound.for_provider(&target(protocol, Quirks::default()), |_| None).expect("a request");
        assert_eq!(text(&encoded).1, expected);
        assert_eq!(encoded.notices.len(), usize::from(body != expected), "{:?}", encoded.notices);
    }
}
