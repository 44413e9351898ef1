//! What an exchange that was written by hand says that it means.

use patchbay_core::chat::{Finish, Reply};
use serde_json::{Value, json};

/// Every field is checked; one that is absent means that there is none.
pub fn check(name: &str, expect: &Value, said: &Reply) {
    let calls = said.turn.tool_calls.iter();
    let calls: Vec<Value> = calls.map(|call| json!([call.id, call.name, call.arguments])).collect();
    let cost = said.usage.reported_cost.map(|cost| cost.0);
    let told = json!({
        "text": said.turn.text,
        "thinking": said.reasoning,
        "refusal": said.refusal,
        "calls": calls,
        "finish_reason": said.finish.as_ref().map(Finish::as_str),
        "input": said.usage.input,
        "output": said.usage.output,
        "cached": said.usage.cached,
        "cache_write": said.usage.cache_write,
        "reasoning": said.usage.reasoning,
        "reported_nano_usd": cost,
    });
    let expected = expect.as_object().expect("fields");
    assert!(!expected.is_empty(), "{name}");
    // Whether something went out before an error says nothing of an answer.
    for (field, value) in expected.iter().filter(|(field, _)| *field != "began") {
        // The gateway's ledger keeps the provider's own word.
        let value = if *value == "eos" { &json!("stop") } else { value };
        assert_eq!(told.get(field), Some(value), "{name}: {field}");
    }
    // The gateway's own exchanges say nothing of calls and thoughts.
    for (field, value) in told.as_object().expect("fields").iter().filter(|(_, value)| value.is_u64()) {
        assert_eq!(expected.get(field), Some(value), "{name}: {field}");
    }
}
