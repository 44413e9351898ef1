use serde_json::json;

use super::*;
use crate::catalog::{Quirks, provider};
use crate::chat::{ResponseFormat, Sampling};
use crate::dialect::models::ModelLimits;
use crate::dialect::takes::untaken_by_model;

fn target(protocol: Protocol) -> Target<'static> {
    Target {
        protocol,
        model: "served",
        quirks: Quirks::default(),
        limits: ModelLimits::default(),
        untaken: Parameters::NONE,
    }
}

fn recipe() -> Recipe {
    Recipe {
        system_prompt: Some("Be brief.".into()),
        sampling: Sampling {
            temperature: Some(0.3),
            seed: Some(7),
            stop: vec!["END".into()],
            ..Sampling::default()
        },
        max_tokens: Some(100),
        response_format: Some(ResponseFormat::JsonSchema {
            name: "side".into(),
            description: None,
            schema: json!({ "type": "object", "additionalProperties": false }),
            strict: None,
        }),
        ..Recipe::default()
    }
}

fn inbound(protocol: Protocol, body: &str, recipe: Recipe) -> Inbound {
    let read = match protocol {
        Protocol::Gemini => Inbound::read_gemini("signals", crate::chat::Delivery::Whole, body.as_bytes()),
        _ => Inbound::read(protocol, body.as_bytes()),
    };
    read.expect("a request").by_recipe(&Arc::new(recipe))
}

fn sent(inbound: &Inbound, target: &Target<'_>) -> (Value, Vec<String>) {
    let encoded = inbound.for_provider(target, |_| None).expect("it can be said");
    (serde_json::from_slice(&encoded.body).expect("JSON"), encoded.notices)
}

/// Field by field: what must be in the request that goes out.
fn check(body: &Value, expected: &[(&str, Value)]) {
    for (pointer, value) in expected {
        assert_eq!(body.pointer(pointer), Some(value), "{pointer} in {body}");
    }
}

#[test]
fn m5_a_profile_says_in_every_protocol_what_the_call_leaves_out() {
    let openai = inbound(
        Protocol::Openai,
        r#"{"model":"signals","messages":[{"role":"user","content":"hi"}],"n":1.0}"#,
        recipe(),
    );
    let (body, notices) = sent(&openai, &target(Protocol::Openai));
    assert_eq!(notices, Vec::<String>::new());
    check(
        &body,
        &[
            ("/model", json!("served")),
            ("/messages/0", json!({ "role": "system", "content": "Be brief." })),
            ("/messages/1/content", json!("hi")),
            ("/temperature", json!(0.3)),
            ("/seed", json!(7)),
            ("/stop", json!(["END"])),
            ("/max_tokens", json!(100)),
            ("/response_format/type", json!("json_schema")),
            ("/n", json!(1.0)),
        ],
    );
    let anthropic = r#"{"model":"signals","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}"#;
    let (body, notices) =
        sent(&inbound(Protocol::Anthropic, anthropic, recipe()), &target(Protocol::Anthropic));
    assert!(notices.iter().any(|notice| notice.contains("`seed`")), "{notices:?}");
    check(
        &body,
        &[
            ("/system", json!("Be brief.")),
            ("/max_tokens", json!(9)),
            ("/temperature", json!(0.3)),
            ("/stop_sequences", json!(["END"])),
            ("/output_config/format/type", json!("json_schema")),
            ("/messages/0/content", json!("hi")),
        ],
    );
    let gemini =
        r#"{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"temperature":0.90,"topK":4}}"#;
    let (body, _) = sent(&inbound(Protocol::Gemini, gemini, recipe()), &target(Protocol::Gemini));
    check(
        &body,
        &[
            ("/generationConfig/temperature", json!(0.9)),
            ("/generationConfig/topK", json!(4)),
            ("/generationConfig/maxOutputTokens", json!(100)),
            ("/generationConfig/stopSequences", json!(["END"])),
            ("/systemInstruction/parts/0/text", json!("Be brief.")),
        ],
    );
    let responses = r#"{"model":"signals","input":"hi","text":{"verbosity":"low"}}"#;
    let (body, notices) =
        sent(&inbound(Protocol::Responses, responses, recipe()), &target(Protocol::Responses));
    assert!(notices.iter().any(|notice| notice.contains("`stop`")), "{notices:?}");
    check(
        &body,
        &[
            ("/input", json!("hi")),
            ("/instructions", json!("Be brief.")),
            ("/max_output_tokens", json!(100)),
            ("/text/verbosity", json!("low")),
            ("/text/format/type", json!("json_schema")),
        ],
    );
    assert!(body.get("store").is_none(), "what a request says of itself is the caller's affair");
}

#[test]
fn m5_what_the_call_says_stays_byte_by_byte() {
    let own = r#"{"model":"x","messages":[{"role":"system","content":"mine"}],"temperature":0.10,"seed":1,"stop":"x","max_completion_tokens":5,"response_format":{"type":"text"}}"#;
    let inbound = inbound(Protocol::Openai, own, recipe());
    let encoded = inbound.for_provider(&target(Protocol::Openai), |_| None).expect("it can be said");
    assert_eq!(
        String::from_utf8_lossy(&encoded.body),
        own.replace("\"model\":\"x\"", "\"model\":\"served\"")
    );
}

#[test]
fn m5_null_is_nothing_said() {
    let body = r#"{"model":"x","messages":[],"temperature":null,"max_tokens":null}"#;
    let (body, _) = sent(&inbound(Protocol::Openai, body, recipe()), &target(Protocol::Openai));
    check(
        &body,
        &[("/temperature", json!(0.3)), ("/max_tokens", json!(100)), ("/messages/0/role", json!("system"))],
    );
}

#[test]
fn m4_between_protocols_the_recipe_is_translated_with_the_request() {
    let body = r#"{"model":"x","messages":[{"role":"user","content":"hi"}]}"#;
    let (body, notices) = sent(&inbound(Protocol::Openai, body, recipe()), &target(Protocol::Anthropic));
    check(
        &body,
        &[("/system", json!("Be brief.")), ("/temperature", json!(0.3)), ("/max_tokens", json!(100))],
    );
    assert!(body.get("seed").is_none());
    assert!(notices.iter().any(|notice| notice.contains("`seed`")), "{notices:?}");
}

#[test]
fn m4_what_a_model_does_not_take_is_dropped_with_a_notice_or_refused() {
    let untaken = untaken_by_model("openai", "gpt-5-mini");
    let mini = Target { model: "gpt-5-mini", untaken, ..target(Protocol::Openai) };
    let body = r#"{"model":"x","messages":[{"role":"user","content":"hi"}],"top_p":0.5}"#;
    let (dropped, notices) = sent(&inbound(Protocol::Openai, body, recipe()), &mini);
    for name in ["temperature", "top_p", "stop"] {
        assert!(dropped.get(name).is_none(), "{dropped}");
        assert!(notices.iter().any(|notice| notice.contains(&format!("`{name}`"))), "{notices:?}");
    }
    check(&dropped, &[("/seed", json!(7))]);

    let strict = Recipe { when_untaken: WhenUntaken::Refuse, ..Recipe::default() };
    let refused = inbound(Protocol::Openai, body, strict).for_provider(&mini, |_| None).expect_err("top_p");
    assert_eq!(refused.code, Code::Untranslatable);
    assert!(refused.message.contains("`top_p`") && refused.message.contains("gpt-5-mini"), "{refused:?}");

    let (bare, notices) = sent(&Inbound::read(Protocol::Openai, body.as_bytes()).expect("a request"), &mini);
    assert!(bare.get("top_p").is_none() && notices.len() == 1, "{bare} {notices:?}");
}

#[test]
fn a_schema_of_the_recipe_goes_into_the_instructions_where_the_provider_wants_it_there() {
    let deepseek = Target { quirks: provider("deepseek").expect("a row").quirks, ..target(Protocol::Openai) };
    let body = r#"{"model":"x","messages":[{"role":"user","content":"hi"}]}"#;
    let (body, _) = sent(&inbound(Protocol::Openai, body, recipe()), &deepseek);
    check(&body, &[("/response_format/type", json!("json_object"))]);
}

#[test]
fn claude_gets_either_a_temperature_or_a_top_p() {
    let body = r#"{"model":"x","max_tokens":9,"top_p":0.5,"messages":[{"role":"user","content":"hi"}]}"#;
    let (body, _) = sent(&inbound(Protocol::Anthropic, body, recipe()), &target(Protocol::Anthropic));
    assert!(body.get("temperature").is_none(), "{body}");
}

#[test]
fn the_tools_of_a_recipe_and_its_choice_go_together_or_with_the_callers_tools() {
    let tool = |name: &str| Tool {
        name: name.into(),
        description: None,
        parameters: json!({ "type": "object", "properties": {} }),
        strict: None,
    };
    let armed =
        Recipe { tools: vec![tool("trend")], tool_choice: Some(ToolChoice::Required), ..Recipe::default() };
    let bare = r#"{"model":"x","messages":[{"role":"user","content":"hi"}]}"#;
    let (body, _) = sent(&inbound(Protocol::Openai, bare, armed.clone()), &target(Protocol::Openai));
    check(&body, &[("/tools/0/function/name", json!("trend")), ("/tool_choice", json!("required"))]);
    assert!(
        inbound(Protocol::Openai, bare, armed.clone())
            .needs()
            .capabilities
            .has(crate::model::Capability::Tools)
    );

    let own = r#"{"model":"x","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"mine"}}]}"#;
    let (body, _) = sent(&inbound(Protocol::Openai, own, armed.clone()), &target(Protocol::Openai));
    check(&body, &[("/tools/0/function/name", json!("mine")), ("/tool_choice", json!("required"))]);
    assert_eq!(body["tools"].as_array().map(Vec::len), Some(1));

    let chooser = Recipe { tools: Vec::new(), ..armed };
    let (body, _) = sent(&inbound(Protocol::Openai, bare, chooser), &target(Protocol::Openai));
    assert!(body.get("tool_choice").is_none(), "there is no tool to choose");
}

#[test]
fn the_longest_answer_and_the_prompt_are_estimated_with_the_recipe() {
    let bare = r#"{"model":"x","messages":[]}"#;
    let plain = inbound(Protocol::Openai, bare, Recipe::default());
    let with = inbound(Protocol::Openai, bare, recipe());
    assert_eq!((plain.longest_answer(), with.longest_answer()), (None, Some(100)));
    assert_eq!(with.prompt_bytes() - plain.prompt_bytes(), "Be brief.".len());
}
