//! `patchbay profiles`, `aliases`, `drill` and `run --profile`

use serde_json::{Value, json};

use crate::contract::refusal;
use crate::program::Program;
use crate::upstream::Demo;

fn with_demo() -> (Program, Demo) {
    let program = Program::new();
    let demo = Demo::start(None);
    for key in ["main", "spare"] {
        program.ok(&[
            "connections",
            "add",
            "--provider",
            "demo",
            "--name",
            key,
            "--key",
            key,
            "--base-url",
            demo.url(),
            "--model",
            "demo-fast",
            "--no-api-key",
        ]);
    }
    (program, demo)
}

#[test]
fn m2_a_profile_is_made_edited_compared_restored_and_removed() {
    let (program, _demo) = with_demo();
    let document = json!({
        "name": "signal-scan",
        "targets": [{ "connection": "main", "model": "demo-fast" }, { "provider": "demo", "model": "demo-deep" }],
        "temperature": 0.3,
        "response_format": { "type": "json_schema", "name": "side", "schema": { "type": "object" } },
        "tool_configurations": [{ "name": "trend", "parameters": { "type": "object" } }],
        "tool_choice": "auto",
        "note": "from the desk",
    });
    let added = program.feed(&["profiles", "add", "--json"], &document.to_string());
    assert_eq!(added.code, 0, "{added:?}");
    let shown = program.json(&["profiles", "show", "signal-scan"]);
    assert_eq!((&shown["version"], &shown["note"]), (&json!(1), &json!("from the desk")));
    assert_eq!(
        (&shown["model_name"], &shown["targets"][1]["provider"]),
        (&json!("demo-fast"), &json!("demo"))
    );

    let same = program.feed(&["profiles", "edit", "signal-scan", "--json"], &shown.to_string());
    assert_eq!(same.code, 0, "what `show` prints can be given back: {same:?}");
    assert_eq!(program.json(&["profiles", "show", "signal-scan"])["version"], 1, "nothing was changed");

    program.ok(&[
        "profiles",
        "edit",
        "signal-scan",
        "--temperature",
        "0.7",
        "--stop",
        "END",
        "--presence-penalty",
        "-1",
    ]);
    program.ok(&["profiles", "edit", "signal-scan", "--unset", "temperature"]);
    let versions = program.json(&["profiles", "versions", "signal-scan"]);
    assert_eq!((&versions[0]["number"], &versions[0]["is_current"]), (&json!(3), &json!(true)));
    assert_eq!(versions[0]["changes"], json!([{ "field": "temperature", "before": "0.7", "after": "" }]));
    let diff = program.ok(&["profiles", "diff", "signal-scan", "1", "2"]);
    assert!(
        diff.contains("temperature: 0.3 -> 0.7") && diff.contains("presence_penalty: nothing -> -1"),
        "{diff}"
    );
    let restored = program.json(&["profiles", "restore", "signal-scan", "1"]);
    assert_eq!((&restored["version"], &restored["temperature"]), (&json!(4), &json!(0.3)));

    let cloned = program.json(&["profiles", "clone", "signal-scan", "night-scan"]);
    assert_eq!(cloned["temperature"], 0.3);
    program.ok(&["profiles", "remove", "night-scan"]);
    let left: Vec<Value> = program.json(&["profiles", "list"]).as_array().unwrap().clone();
    assert_eq!(left.len(), 1);
}

#[test]
fn bad_profiles_are_refused_with_what_to_do() {
    let (program, _demo) = with_demo();
    for (args, word) in [
        (vec!["add", "p", "--target", "nowhere/m"], "nowhere"),
        (vec!["add", "p", "--target", "main"], "names no model"),
        (vec!["add", "p q", "--target", "main/m"], "p q"),
        (vec!["add", "main", "--target", "main/m"], "already"),
        (vec!["add", "p", "--target", "main/m", "--temperature", "3"], "temperature"),
        (vec!["edit", "nobody", "--temperature", "1"], "nobody"),
        (vec!["show", "nobody"], "nobody"),
    ] {
        let refused = program.run(&[&["profiles"][..], &args].concat());
        assert_ne!(refused.code, 0, "{args:?}");
        assert!(refused.err.contains(word), "{args:?}: {}", refused.err);
    }
    let slip = program.feed(&["profiles", "add", "p"], r#"{"targets":[],"temprature":1}"#);
    assert!(slip.code != 0 && slip.err.contains("temprature"), "{slip:?}");
}

#[test]
fn a_profile_answers_a_prompt_and_a_drill_says_what_would_happen_to_it() {
    let (program, _demo) = with_demo();
    program.ok(&["profiles", "add", "scan", "--target", "main/demo-fast", "--target", "spare/demo-deep"]);
    program.ok(&["profiles", "add", "alone", "--target", "main/demo-fast"]);
    let answer = program.json(&["run", "--profile", "scan", "hello"]);
    assert_eq!((&answer["connection"], &answer["model"]), (&json!("main"), &json!("demo-fast")));
    let last = program.log().pop().unwrap();
    assert_eq!(last["profile"], "scan");
    let story = program.ok(&["log", "show", last["call"].as_str().unwrap()]);
    assert!(story.contains("Called the profile scan, version 1."), "{story}");
    refusal(&program.run(&["run", "--profile", "nobody", "hello", "--json"]), 1, "not_found");
    refusal(&program.run(&["run", "--attach", "/no/such/file", "hello", "--json"]), 1, "not_found");

    program.ok(&["aliases", "set", "gpt-5.5", "scan"]);
    assert_eq!(
        program.json(&["aliases", "list"])[0],
        json!({ "alias": "gpt-5.5", "target": "scan", "leads": true })
    );
    assert_eq!(program.json(&["run", "--model", "gpt-5.5", "hello"])["connection"], "main");

    let report = program.json(&["drill", "main"]);
    assert_eq!(report["homeless"], 1);
    let told = program.ok(&["drill", "main", "--trouble", "rate-limited"]);
    assert!(
        told.contains("alone goes to nowhere") && told.contains("scan goes to spare (demo-deep)"),
        "{told}"
    );
    assert!(told.contains("Nothing was sent"), "{told}");

    let effective = program.ok(&["profiles", "show", "scan", "--effective"]);
    assert!(effective.contains("timeout_s") && effective.contains("connection"), "{effective}");
    program.ok(&["aliases", "remove", "gpt-5.5"]);
    assert_eq!(program.json(&["aliases", "list"]), json!([]));
}

#[test]
fn a_drill_in_force_is_met_by_calls_until_it_is_ended() {
    let (program, _demo) = with_demo();
    program.ok(&["profiles", "add", "scan", "--target", "main/demo-fast", "--target", "spare/demo-deep"]);
    program.ok(&["profiles", "add", "alone", "--target", "main/demo-fast"]);
    assert_eq!(program.json(&["drill"]), json!({ "in_force": null }));
    refusal(&program.run(&["drill", "main", "--for", "3h", "--json"]), 2, "invalid_input");
    let refused = program.run(&["drill", "main", "--for", "10m"]);
    assert!(
        refused.code == 2 && refused.err.contains("alone") && refused.err.contains("--yes"),
        "{refused:?}"
    );
    assert_eq!(program.ok(&["drill"]), "No drill is in force.\n", "it was not begun");

    let before = program.log().len();
    let begun = program.json(&["drill", "main", "--for", "10m", "--yes"]);
    assert_eq!(
        (&begun["in_force"]["text"], &begun["report"]["homeless"]),
        (&json!("main is pretended to be down"), &json!(1))
    );
    let told = program.ok(&["drill"]);
    assert!(
        told.contains("main is pretended to be down until") && told.contains("10 min from now"),
        "{told}"
    );
    assert_eq!(program.json(&["run", "--profile", "scan", "hello"])["connection"], "spare");
    let story = program.ok(&["log", "show", program.log().pop().unwrap()["call"].as_str().unwrap()]);
    assert!(story.contains("main was passed by: a drill pretends an outage"), "{story}");
    let alone = program.run(&["run", "--profile", "alone", "hello"]);
    assert!(alone.code == 1 && alone.err.contains("patchbay drill end"), "{alone:?}");
    refusal(&program.run(&["drill", "spare", "--for", "1", "--yes", "--json"]), 1, "in_use");

    assert!(program.ok(&["drill", "end"]).contains("main is pretended to be down no more"));
    assert_eq!(program.json(&["run", "--profile", "alone", "hello"])["connection"], "main");
    assert_eq!(program.log().len(), before + 2, "no attempt was made that the drill struck");
    assert_eq!(program.ok(&["drill", "end"]), "No drill is in force.\n");
    let audit = program.ok(&["audit", "list", "--where", "kind=drill"]);
    assert!(audit.contains("begin") && audit.contains("end"), "{audit}");
}

#[test]
fn m6_a_connection_of_a_chain_is_given_over_before_it_goes() {
    let (program, _demo) = with_demo();
    program.ok(&["profiles", "add", "scan", "--target", "main/demo-fast"]);
    let refused = program.run(&["connections", "remove", "main"]);
    assert!(refused.code != 0 && refused.err.contains("the profile scan"), "{refused:?}");
    let led = program.json(&["profiles", "retarget", "main", "spare"]);
    assert_eq!(led, json!({ "profiles": ["scan"] }));
    program.ok(&["connections", "remove", "main"]);
    assert_eq!(program.json(&["profiles", "show", "scan"])["targets"][0]["connection"], "spare");
}
