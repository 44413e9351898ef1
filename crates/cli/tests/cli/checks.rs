//! `patchbay checks`, and tests of several connections.

use serde_json::json;

use crate::contract::refusal;
use crate::program::{Program, parse};
use crate::upstream::{Demo, dead_url};

fn add(program: &Program, url: &str, name: &str) {
    let args =
        ["connections", "add", "--provider", "compatible", "--base-url", url, "--name", name, "--untested"];
    program.ok(&[&args[..], &["--model", "demo-fast"]].concat());
}

#[test]
fn f8_a_deep_test_tells_its_price_first_and_what_the_connection_can_do() {
    let program = Program::new();
    let demo = Demo::start(None);
    add(&program, demo.url(), "Desk");
    let tested = program.run(&["--json", "connections", "test", "desk", "--deep"]);
    assert_eq!(tested.code, 0, "{tested:?}");
    assert!(tested.err.contains("desk: asks demo-fast up to 4 times"), "{tested:?}");
    let report = &parse(&tested.out)[0];
    assert_eq!(report["verdict"], "passed", "{report}");
    for ability in ["tools", "json_schema"] {
        assert!(report["learned"][ability].is_boolean(), "{report}");
    }
    let rows = program.log();
    assert_eq!(rows.len(), 5, "trap 11: each question is a row, the one for vectors too: {rows:?}");
    assert!(rows.iter().all(|row| row["feature"] == "connection_test"), "{rows:?}");
}

#[test]
fn f8_a_better_base_url_comes_with_its_command() {
    let program = Program::new();
    let demo = Demo::start(None);
    let wrong = demo.url().replace("/v1", "/v1/v1");
    add(&program, &wrong, "Desk");
    let text = program.run(&["connections", "test", "desk"]);
    let command = format!("patchbay connections edit desk --base-url {}", demo.url());
    assert!(text.code == 1 && text.out.contains(&command), "{text:?}");
    program.ok(&["connections", "edit", "desk", "--base-url", demo.url()]);
    program.ok(&["connections", "test", "desk"]);
}

#[test]
fn f8_the_past_of_a_connection_can_be_read() {
    let program = Program::new();
    add(&program, &dead_url(), "Dead");
    assert_eq!(program.json(&["checks", "history", "dead"]), json!([]));
    program.run(&["connections", "test", "dead"]);
    let history = program.json(&["checks", "history", "dead"]);
    assert_eq!((&history[0]["verdict"], &history[0]["failed_stage"]), (&json!("failed"), &json!("tcp")));
    assert!(program.ok(&["checks", "history", "dead"]).contains("FAILED"));
    refusal(&program.run(&["--json", "checks", "history", "nobody"]), 1, "not_found");
}

#[test]
fn f8_tests_run_by_themselves_when_told_to() {
    let program = Program::new();
    assert_eq!(program.json(&["checks", "schedule", "show"])["schedule"], json!({ "kind": "off" }));
    let set = program.json(&["checks", "schedule", "set", "before-open", "nyse", "30"]);
    assert_eq!(set["schedule"], json!({ "kind": "before_open", "market": "nyse", "minutes": 30 }));
    assert!(set["next"].is_i64(), "{set}");
    assert!(program.ok(&["checks", "schedule", "show"]).contains("30 minutes before NYSE opens"));
    refusal(&program.run(&["--json", "checks", "schedule", "set", "every", "1"]), 2, "invalid_input");
    assert_eq!(program.json(&["checks", "schedule", "set", "off"])["next"], json!(null));
}
