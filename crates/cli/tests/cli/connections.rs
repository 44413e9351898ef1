//! `patchbay connections`

use serde_json::{Value, json};

use crate::contract::refusal;
use crate::program::{Program, parse};
use crate::serving::Serving;
use crate::upstream::{Demo, dead_url};

const KEY: &str = "sk-right-0123456789-aB3x";

fn add<'a>(url: &'a str, name: &'a str) -> Vec<&'a str> {
    let about = ["--provider", "compatible", "--base-url", url, "--name", name, "--model", "demo-fast"];
    [&["--json", "connections", "add"][..], &about].concat()
}

fn keys(program: &Program) -> Vec<String> {
    let list = program.json(&["connections", "list"]);
    list.as_array().unwrap().iter().map(|connection| connection["key"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_connection_is_tested_before_it_is_saved() {
    let program = Program::new();
    let demo = Demo::start(Some(KEY));
    let base = add(demo.url(), "Main desk");

    let wrong = program.feed(&[base.clone(), vec!["--api-key-stdin"]].concat(), "sk-wrong-0123456789-zzzz\n");
    assert_eq!(wrong.code, 4, "{wrong:?}");
    let report = parse(&wrong.out);
    assert_eq!(
        (&report["connection"], &report["report"]["verdict"], &report["report"]["code"]),
        (&Value::Null, &json!("failed"), &json!("key_refused"))
    );
    assert!(!report["report"]["remedies"].as_array().unwrap().is_empty());
    let none = program.run(&base);
    assert_eq!(none.code, 4, "{none:?}");
    assert!(keys(&program).is_empty(), "nothing was saved");

    let right = program.feed(&[base.clone(), vec!["--api-key-stdin"]].concat(), &format!("{KEY}\n"));
    assert_eq!(right.code, 0, "{right:?}");
    let saved = parse(&right.out);
    assert_eq!(saved["connection"]["key"], "main_desk");
    assert_eq!(saved["connection"]["credential"]["tail"], "aB3x");
    let stages = saved["report"]["stages"].as_array().unwrap();
    assert!(stages.iter().all(|stage| stage["verdict"] != "failed"), "{stages:?}");
    let row = program.log().pop().unwrap();
    assert_eq!((&row["app"], &row["feature"]), (&json!("test"), &json!("connection_test")));

    let again = program.feed(&[base, vec!["--api-key-stdin"]].concat(), KEY);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.err.contains("name_taken"), "{again:?}");
    assert!(!demo.server.recent().is_empty());
}

#[test]
fn k4_a_key_that_the_vault_lost_is_told_apart_from_a_wrong_one() {
    let program = Program::new();
    let demo = Demo::start(Some(KEY));
    let added = program.feed(&[add(demo.url(), "Desk"), vec!["--api-key-stdin"]].concat(), KEY);
    assert_eq!(added.code, 0, "{added:?}");
    // The memory of the first process is gone with it.
    let message = refusal(&program.run(&["--json", "run", "--model", "desk", "x"]), 4, "credential_missing");
    assert!(message.contains("Replace the key"), "{message}");
    let tested = program.run(&["--json", "connections", "test", "desk"]);
    assert_eq!(tested.code, 4, "{tested:?}");
    assert_eq!(parse(&tested.out)[0]["code"], "credential_missing");
    assert_eq!(program.json(&["connections", "show", "desk"])["credential"]["version"], 1);
    let replaced = program.feed(&["--json", "connections", "edit", "desk", "--api-key-stdin"], KEY);
    assert_eq!(parse(&replaced.out)["credential"]["version"], 2, "{replaced:?}");
}

#[test]
fn k5_an_edit_changes_what_it_names_and_nothing_else() {
    let program = Program::new();
    let demo = Demo::start(None);
    let extra = vec![
        "--rpm",
        "60",
        "--rate",
        "10/30",
        "--header",
        "x-desk=fx",
        "--timeout",
        "7",
        "--max-retries",
        "3",
        "--no-api-key",
    ];
    let added = program.run(&[add(demo.url(), "Desk"), extra].concat());
    assert_eq!(added.code, 0, "{added:?}");
    let before = program.json(&["connections", "show", "desk"]);
    assert_eq!((&before["timeout_s"], &before["max_retries"]), (&json!(7), &json!(3)));
    let after = program.json(&["connections", "edit", "desk", "--name", "FX desk", "--timeout", "9"]);
    let mut expected = before.clone();
    expected["name"] = json!("FX desk");
    expected["timeout_s"] = json!(9);
    assert_eq!(after, expected);
    assert!(program.ok(&["connections", "show", "desk"]).contains("FX desk"));

    refusal(&program.run(&["--json", "connections", "edit", "desk"]), 2, "invalid_input");
    refusal(&program.run(&["--json", "connections", "edit", "desk", "--timeout", "0"]), 2, "invalid_input");
    refusal(
        &program.run(&["--json", "connections", "edit", "desk", "--base-url", "ftp://x"]),
        2,
        "invalid_input",
    );
    refusal(&program.run(&["--json", "connections", "edit", "desk", "--base-url", ""]), 2, "invalid_input");
    let empty = program.feed(&["--json", "connections", "edit", "desk", "--api-key-stdin"], " \n");
    refusal(&empty, 2, "invalid_input");
    assert_eq!(program.json(&["connections", "show", "desk"]), after);
}

#[test]
fn r3_a_limit_of_nothing_takes_it_away() {
    let (program, demo) = (Program::new(), Demo::start(None));
    let limits = vec!["--rpm", "60", "--rate", "10/30", "--max-concurrent", "2", "--no-api-key"];
    assert_eq!(program.run(&[add(demo.url(), "Desk"), limits].concat()).code, 0);
    let shown =
        program.json(&["connections", "edit", "desk", "--rpm", "0", "--rate", "0/1"])["limits"].clone();
    assert_eq!(shown["per_minute"]["at_most"], json!(null));
    assert_eq!((&shown["per_period"]["at_most"], &shown["period_s"]), (&json!(null), &json!(null)));
    assert_eq!(shown["at_once"], json!({ "at_most": 2, "used": 0 }));
}

#[test]
fn f5_a_pause_holds_until_the_user_ends_it() {
    let program = Program::new();
    let demo = Demo::start(None);
    assert_eq!(program.run(&add(demo.url(), "Desk")).code, 0);
    assert_eq!(program.json(&["connections", "pause", "desk"])["status"], "inactive");
    let tested = program.json(&["connections", "test", "desk", "--spend"]);
    assert_eq!(tested[0]["verdict"], "passed");
    let refused = program.run(&["--json", "run", "--model", "desk", "x"]);
    let message = refusal(&refused, 1, "no_candidate");
    assert!(message.contains("Desk: switched off"), "{message}");
    assert_eq!(program.json(&["connections", "enable", "desk"])["status"], "active");
    program.ok(&["run", "--model", "desk", "x"]);
}

#[test]
fn the_order_is_shown_as_it_is_tried_and_a_removed_connection_keeps_its_history() {
    let program = Program::new();
    let (first, second) = (Demo::start(None), Demo::start(None));
    for (demo, name) in [(&first, "One"), (&second, "Two")] {
        assert_eq!(program.run(&add(demo.url(), name)).code, 0);
    }
    assert_eq!(keys(&program), ["one", "two"]);
    program.ok(&["connections", "reorder", "two", "one"]);
    assert_eq!(keys(&program), ["two", "one"]);
    assert_eq!(program.json(&["run", "--model", "demo-fast", "x"])["connection"], "two");
    let before = program.json(&["usage"])["totals"].clone();
    program.ok(&["connections", "remove", "two"]);
    assert_eq!(keys(&program), ["one"]);
    assert_eq!(program.json(&["usage"])["totals"], before);
    refusal(&program.run(&["--json", "connections", "reorder", "one", "two"]), 1, "not_found");
    assert!(program.ok(&["connections", "list"]).contains("one"));
}

#[test]
fn f8_tests_name_the_stage_that_failed() {
    let program = Program::new();
    let demo = Demo::start(None);
    let url = dead_url();
    assert_eq!(program.run(&add(demo.url(), "Good")).code, 0);
    assert_eq!(program.run(&[add(&url, "Dead"), vec!["--untested"]].concat()).code, 0);
    let all = program.run(&["--json", "connections", "test", "--all"]);
    assert_eq!(all.code, 1, "{all:?}");
    let reports = parse(&all.out);
    let of = |key: &str| {
        let found = reports.as_array().unwrap().iter().find(|report| report.to_string().contains(key));
        found.unwrap_or_else(|| panic!("{key}: {reports}")).clone()
    };
    assert_eq!(
        (of("Dead")["verdict"].clone(), of("Good")["verdict"].clone()),
        (json!("failed"), json!("passed"))
    );
    let failed: Vec<Value> = of("Dead")["stages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|stage| stage["verdict"] == "failed")
        .map(|stage| stage["stage"].clone())
        .collect();
    assert_eq!(failed, ["tcp"]);
    let text = program.run(&["connections", "test", "dead"]);
    assert!(text.code == 1 && text.out.contains("FAILED") && text.out.contains("1. "), "{text:?}");
    let unknown = program.run(&["--json", "connections", "test", "nobody"]);
    refusal(&unknown, 1, "not_found");
    let missing = program.run(&[add(demo.url(), "Typo"), vec!["--model", "demo-fats"]].concat());
    assert_ne!(missing.code, 0);
}

#[test]
fn a_connection_added_while_serving_answers_at_once() {
    let program = Program::new();
    let demo = Demo::start(None);
    let serving = Serving::start(&program, &[]);
    let token = program.token("bot");
    assert_eq!(serving.ask(&token, "demo-fast").status, 404);
    assert_eq!(program.run(&add(demo.url(), "Desk")).code, 0);
    let answer = serving.ask(&token, "demo-fast");
    assert_eq!((answer.status, answer.header("x-patchbay-connection")), (200, "desk"), "{answer:?}");
}
