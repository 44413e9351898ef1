//! The official OpenAI client for Python as a bot uses it, unmodified but for its address.

use std::process::Command;

use crate::program::{Program, parse};
use crate::serving::Serving;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/openai_sdk.py");

#[test]
fn c5_the_official_client_and_the_usage_agree_token_for_token() {
    let Some(python) = std::env::var_os("PATCHBAY_TEST_PYTHON") else {
        println!("skipped: PATCHBAY_TEST_PYTHON names no Python with the OpenAI client (./test makes one)");
        return;
    };
    let program = Program::new();
    let serving = Serving::start(&program, &["--demo"]);
    let token = program.token("bot");
    let ran = Command::new(python)
        .arg(SCRIPT)
        .env("OPENAI_BASE_URL", format!("http://{}/v1", serving.address))
        .env("OPENAI_API_KEY", &token)
        .env_remove("http_proxy")
        .env_remove("HTTP_PROXY")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{errors}");
    let saw = parse(&String::from_utf8(ran.stdout).unwrap());

    let totals = program.json(&["usage", "--where", "app=bot"])["totals"].clone();
    for (name, figure) in [
        ("calls", "calls"),
        ("succeeded", "calls"),
        ("input_tokens", "input_tokens"),
        ("output_tokens", "output_tokens"),
    ] {
        assert_eq!(totals[name], saw[figure], "{name}: {saw}");
    }
    let reasoning: i64 = program.log().iter().filter_map(|row| row["reasoning_tokens"].as_i64()).sum();
    assert_eq!(saw["reasoning_tokens"], reasoning);
    assert!(totals["cost_nano_usd"].as_i64() > Some(0));
}
