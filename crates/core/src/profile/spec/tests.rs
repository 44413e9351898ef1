use serde_json::json;

use super::*;

fn spec() -> Spec {
    let target = SpecTarget { connection: Some("main".into()), provider: None, model: "m".into() };
    Spec { targets: vec![target], ..Spec::default() }
}

fn refused(change: impl FnOnce(&mut Spec)) -> Option<&'static str> {
    let mut changed = spec();
    change(&mut changed);
    changed.check().err().map(|error| error.field)
}

#[test]
fn m4_values_are_checked_against_their_ranges() {
    for (value, ok) in [(0.0, true), (2.0, true), (2.01, false), (-0.01, false), (f64::NAN, false)] {
        let field = refused(|spec| spec.temperature = Some(value));
        assert_eq!(field, (!ok).then_some("temperature"), "{value}");
    }
    for (value, ok) in [(0.0, true), (1.0, true), (1.1, false), (-0.1, false)] {
        assert_eq!(refused(|spec| spec.top_p = Some(value)), (!ok).then_some("top_p"), "{value}");
    }
    for (value, ok) in [(-2.0, true), (2.0, true), (2.1, false), (-2.1, false), (f64::INFINITY, false)] {
        let presence = refused(|spec| spec.presence_penalty = Some(value));
        assert_eq!(presence, (!ok).then_some("presence_penalty"), "{value}");
        let frequency = refused(|spec| spec.frequency_penalty = Some(value));
        assert_eq!(frequency, (!ok).then_some("frequency_penalty"), "{value}");
    }
}

#[test]
fn m4_what_no_provider_takes_is_refused_by_its_field() {
    let stops = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let tool = |name: &str| ToolSpec {
        name: name.into(),
        description: None,
        parameters: json!({ "type": "object" }),
        strict: None,
    };
    let schema = |schema| Some(AnswerFormat::JsonSchema { name: "a".into(), schema, strict: None });
    assert_eq!(refused(|_| {}), None);
    assert_eq!(refused(|s| s.stop_sequences = stops(4)), None);
    assert_eq!(refused(|s| s.stop_sequences = stops(5)), Some("stop_sequences"));
    assert_eq!(refused(|s| s.stop_sequences = vec![String::new()]), Some("stop_sequences"));
    assert_eq!(refused(|s| s.max_tokens = Some(0)), Some("max_tokens"));
    assert_eq!(refused(|s| s.timeout_s = Some(3_601)), Some("timeout_s"));
    assert_eq!(refused(|s| s.max_attempts = Some(21)), Some("max_attempts"));
    assert_eq!(refused(|s| s.wait_s = Some(601)), Some("wait_s"));
    assert_eq!(refused(|s| s.rate_limit_requests = Some(1)), Some("rate_limit_period_s"));
    assert_eq!(refused(|s| s.response_format = schema(json!({}))), None);
    assert_eq!(refused(|s| s.response_format = schema(json!([]))), Some("response_format"));
    assert_eq!(refused(|s| s.tool_configurations = vec![tool("a b")]), Some("tool_configurations"));
    assert_eq!(refused(|s| s.tool_configurations = vec![tool("a"), tool("a")]), Some("tool_configurations"));
    assert_eq!(refused(|s| s.tool_choice = Some(ToolUse::Required)), Some("tool_choice"));
    assert_eq!(refused(|s| s.tool_choice = Some(ToolUse::Function("b".into()))), Some("tool_choice"));
}

#[test]
fn a_chain_has_steps_that_lead_somewhere_once() {
    assert_eq!(refused(|s| s.targets.clear()), Some("targets"));
    assert_eq!(refused(|s| s.targets.push(s.targets[0].clone())), Some("targets"));
    assert_eq!(refused(|s| s.targets[0].provider = Some("openai".into())), Some("targets"));
    assert_eq!(refused(|s| s.targets[0].connection = None), Some("targets"));
    assert_eq!(refused(|s| s.targets[0].model.clear()), Some("targets"));
}

#[test]
fn a_document_is_read_and_written_alike_and_unknown_fields_are_refused() {
    let document = json!({
        "targets": [{ "connection": "main", "model": "gpt-5-mini" }, { "provider": "gemini", "model": "flash" }],
        "temperature": 0.3,
        "response_format": { "type": "json_schema", "name": "side", "schema": { "type": "object" } },
        "tool_configurations": [{ "name": "trend", "parameters": { "type": "object" } }],
        "tool_choice": { "function": "trend" },
    });
    let Value::Object(document) = document else { panic!("an object") };
    let read = Spec::read(document).expect("a spec");
    read.check().expect("in range");
    let again: Spec = serde_json::from_value(json!(read)).expect("its own form");
    assert_eq!(again, read);
    assert_eq!(read.model_name(), "gpt-5-mini");
    assert_eq!(read.targets[1].address(), "gemini/flash");
    let slip = Map::from_iter([("temprature".to_owned(), json!(1))]);
    let error = Spec::read(slip).expect_err("a slip of the pen");
    assert!(error.to_string().contains("temprature"), "{error}");
}

#[test]
fn a_step_whose_connection_is_gone_is_left_out() {
    let mut two = spec();
    two.targets.push(SpecTarget { connection: Some("gone".into()), provider: None, model: "m".into() });
    let found = |key: &str| (key == "main").then_some(ConnectionId(7));
    let profile = two.compile((ProfileId(1), "signals".into(), 3), found);
    assert_eq!(profile.targets, [Target { step: Step::Connection(ConnectionId(7)), model: "m".into() }]);
}

#[test]
fn r4_what_happens_when_full_is_the_profiles_to_say() {
    for (full, wait_s, expected) in [
        (None, None, WhenFull::Rotate { wait_ms: 10_000 }),
        (Some(FullPolicy::Rotate), Some(0), WhenFull::Rotate { wait_ms: 0 }),
        (Some(FullPolicy::Wait), Some(3), WhenFull::Wait { wait_ms: 3_000 }),
        (Some(FullPolicy::Fail), Some(3), WhenFull::Fail),
    ] {
        assert_eq!(Spec { when_full: full, wait_s, ..spec() }.conduct().when_full, expected);
    }
}

#[test]
fn names_fit_into_a_body_and_into_a_path() {
    for (name, ok) in
        [("signal-scan", true), ("gpt-5.5", true), ("a:b", true), ("a b", false), ("a/b", false)]
    {
        assert_eq!(is_profile_name(name), ok, "{name}");
    }
    assert!(!is_profile_name("") && !is_profile_name(&"x".repeat(65)) && !is_profile_name("größe"));
}
