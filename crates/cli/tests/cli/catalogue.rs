//! `patchbay providers`, `models` and `prices`

use serde_json::{Value, json};

use crate::contract::refusal;
use crate::program::Program;
use crate::serving::Serving;
use crate::upstream::Demo;

fn slugs(program: &Program) -> Vec<String> {
    let list = program.json(&["providers", "list"]);
    list.as_array().unwrap().iter().map(|provider| provider["slug"].as_str().unwrap().to_owned()).collect()
}

fn add_desk(program: &Program, url: &str) -> Value {
    program.json(&[
        "providers",
        "add",
        "--name",
        "Desk proxy",
        "--base-url",
        url,
        "--api-key",
        "none",
        "--default-model",
        "demo-fast",
        "--max-concurrent",
        "4",
        "--timeout",
        "9",
        "--quirk",
        "reasoning_tokens=beside",
    ])
}

#[test]
fn a_provider_of_ones_own_serves_from_the_first_word_to_the_price_of_a_call() {
    let program = Program::new();
    let demo = Demo::start(None);
    let added = add_desk(&program, demo.url());
    assert_eq!(
        (&added["slug"], &added["built_in"], &added["default_timeout_s"]),
        (&json!("desk_proxy"), &json!(false), &json!(9))
    );
    assert_eq!(added["quirks"]["reasoning_tokens"], "beside");
    let connected = program.json(&["connections", "add", "--provider", "desk_proxy", "--name", "Desk"]);
    assert_eq!(connected["report"]["verdict"], "passed", "{connected}");
    assert_eq!(connected["connection"]["default_model"], "demo-fast");

    let serving = Serving::start(&program, &[]);
    let token = program.token("bot");
    assert_eq!(serving.ask(&token, "demo-fast").status, 200);
    let first = program.log().pop().unwrap();
    assert_eq!((&first["provider"], &first["cost_nano_usd"]), (&json!("desk_proxy"), &Value::Null));
    let unpriced = program.json(&["prices", "list", "--unpriced"]);
    assert_eq!(
        (&unpriced[0]["model"], &unpriced[0]["provider"]),
        (&json!("demo-fast"), &json!("desk_proxy"))
    );

    let price = ["--provider", "desk_proxy", "--input", "1000", "--output", "2000"];
    let set = program.json(&[&["prices", "set", "demo-fast"][..], &price].concat());
    assert_eq!((&set[0]["source"], &set[0]["in_effect"]), (&json!("user"), &json!(true)));
    assert_eq!(serving.ask(&token, "demo-fast").status, 200);
    let log = program.log();
    let (before, priced) = (&log[log.len() - 2], &log[log.len() - 1]);
    assert_eq!(before["cost_nano_usd"], Value::Null, "C3: a past row is never repriced");
    let tokens = |name: &str| priced[name].as_i64().unwrap();
    let expected = tokens("input_tokens") * 1_000_000 + tokens("output_tokens") * 2_000_000;
    assert_eq!(
        (priced["cost_nano_usd"].as_i64(), &priced["cost_source"]),
        (Some(expected), &json!("priced"))
    );
    assert_eq!(program.json(&["prices", "list", "--unpriced"]), json!([]));
}

#[test]
fn m6_a_provider_in_use_is_not_removed_and_another_may_take_over() {
    let program = Program::new();
    let demo = Demo::start(None);
    add_desk(&program, demo.url());
    assert_eq!(
        program.run(&["connections", "add", "--provider", "desk_proxy", "--name", "Main desk"]).code,
        0
    );
    let message = refusal(&program.run(&["--json", "providers", "remove", "desk_proxy"]), 1, "in_use");
    assert!(message.contains("Main desk") && message.contains("--reassign-to"), "{message}");
    program.ok(&["providers", "remove", "desk_proxy", "--reassign-to", "compatible"]);
    assert!(!slugs(&program).contains(&"desk_proxy".to_owned()));
    let moved = program.json(&["connections", "show", "main_desk"]);
    assert_eq!((&moved["provider"], &moved["base_url"]), (&json!("compatible"), &json!(demo.url())));
    refusal(&program.run(&["--json", "providers", "remove", "openai"]), 2, "invalid_input");
    refusal(&program.run(&["--json", "providers", "remove", "nobody"]), 1, "not_found");
}

#[test]
fn providers_are_changed_one_field_at_a_time_and_say_what_does_not_fit() {
    let program = Program::new();
    add_desk(&program, "http://127.0.0.1:9/v1");
    let before = program.json(&["providers", "show", "desk_proxy"]);
    let edit = ["providers", "edit", "desk_proxy"];
    let after = program
        .json(&[&edit[..], &["--model", "x", "--model", "y", "--quirk", "max_tokens=renamed"]].concat());
    let mut expected = before;
    expected["known_models"] = json!(["x", "y"]);
    expected["quirks"]["max_tokens"] = json!("renamed");
    assert_eq!(after, expected);
    for wrong in [
        &[][..],
        &["--quirk", "colour=red"],
        &["--quirk", "max_tokens=blue"],
        &["--timeout", "0"],
        &["--base-url", "ftp://x"],
        &["--keys-page", "http://plain.example"],
        &["--default-connection", "nobody"],
    ] {
        refusal(&program.run(&[&["--json"][..], &edit, wrong].concat()), 2, "invalid_input");
    }
    assert_eq!(program.json(&["providers", "show", "desk_proxy"]), expected);
    let again = program.run(&["--json", "providers", "add", "--name", "Desk proxy", "--slug", "other"]);
    refusal(&again, 1, "name_taken");
    assert_eq!(
        program.json(&["providers", "edit", "openai", "--status", "deprecated"])["status"],
        "deprecated"
    );
    refusal(&program.run(&["--json", "providers", "edit", "openai", "--name", "Mine"]), 2, "invalid_input");
    let text = program.ok(&["providers", "list"]);
    assert!(text.contains("deprecated") && text.contains("yours"), "{text}");
}

#[test]
fn m1_models_are_read_searched_and_shown() {
    let program = Program::new();
    let demo = Demo::start(None);
    add_desk(&program, demo.url());
    let alone = program.run(&["--json", "models", "sync", "--provider", "desk_proxy"]);
    assert_eq!(alone.code, 1, "there is no connection to ask through: {alone:?}");
    assert_eq!(program.run(&["connections", "add", "--provider", "desk_proxy", "--name", "Desk"]).code, 0);
    let report = program.json(&["models", "sync"]);
    assert_eq!(
        (&report[0]["outcome"], &report[0]["asked"][0]["connection"]),
        (&json!("done"), &json!("desk"))
    );
    let list = program.json(&["models", "list", "--provider", "desk_proxy", "--sort", "name"]);
    let ids: Vec<&Value> = list["models"].as_array().unwrap().iter().map(|model| &model["model"]).collect();
    assert!(ids.contains(&&json!("demo-fast")) && list["matched"] == ids.len(), "{ids:?}");
    let near = program.json(&["models", "list", "demo-fats", "--connected"]);
    assert_eq!((&near["matched"], &near["nearest"][0]), (&json!(0), &json!("demo-fast")));
    let shown = program.json(&["models", "show", "desk_proxy/demo-fast"]);
    assert_eq!(
        (&shown["model"]["reach"], &shown["elsewhere"][0]["id"]),
        (&json!("ready"), &json!("demo/demo-fast"))
    );
    assert_eq!(shown["relied_on_by"], json!([{ "kind": "default_model", "name": "desk" }]));
    let bare = program.json(&["models", "show", "demo-fast"]);
    assert_eq!(bare["model"]["id"], "desk_proxy/demo-fast", "the one that is connected");
    let message = refusal(&program.run(&["--json", "models", "show", "demo-fats"]), 1, "not_found");
    assert!(message.contains("demo-fast"), "{message}");
    program.ok(&["models", "disallow", "desk", "demo-deep"]);
    let taken = program.json(&["models", "show", "desk_proxy/demo-deep"]);
    assert_eq!(taken["model"]["reach"], "not_allowed");
    assert!(program.ok(&["models", "list", "gpt-5-mini"]).contains("openai/gpt-5-mini"));
    assert!(program.ok(&["models", "compare", "openai/gpt-5-mini", "demo/demo-fast"]).contains("$0.25"));
}

#[test]
fn c2_prices_have_dates_tiers_and_a_way_back() {
    let program = Program::new();
    let base = ["prices", "set", "gpt-5-mini", "--provider", "openai"];
    let amounts = [
        "--input",
        "0.2",
        "--output",
        "1",
        "--cached",
        "0.02",
        "--tier",
        "200000:0.4:2",
        "--from",
        "2026-01-01T00:00:00Z",
    ];
    let set = program.json(&[&base[..], &amounts].concat());
    assert_eq!(
        set[0]["tiers"][1],
        json!({ "above_tokens": 200_000, "input": "0.4", "output": "2", "cached": null, "cache_write": null })
    );
    assert_eq!(program.json(&["models", "show", "openai/gpt-5-mini"])["model"]["price_source"], "user");
    let later =
        program.json(&[&base[..], &["--input", "9", "--output", "9", "--from", "2099-01-01"]].concat());
    let in_effect: Vec<&Value> =
        later.as_array().unwrap().iter().map(|version| &version["in_effect"]).collect();
    assert_eq!(in_effect, [&json!(false), &json!(true), &json!(false)]);
    for wrong in [
        &["--input", "cheap", "--output", "1"][..],
        &["--input", "-1", "--output", "1"],
        &["--input", "1", "--output", "1", "--tier", "1:2"],
        &["--input", "1", "--output", "1", "--tier", "5:1:1", "--tier", "5:2:2"],
        &["--input", "1", "--output", "1", "--from", "soon"],
    ] {
        // A leading minus is clap's to refuse.
        let done = program.run(&[&["--json"][..], &base, wrong].concat());
        assert_eq!(done.code, 2, "{wrong:?}: {done:?}");
    }
    assert!(program.ok(&["prices", "show", "openai/gpt-5-mini"]).contains("yours"));
    let left = program.json(&["prices", "unset", "gpt-5-mini", "--provider", "openai"]);
    assert_eq!((left.as_array().unwrap().len(), &left[0]["source"]), (1, &json!("bundled")));
    let unset = program.run(&["--json", "prices", "unset", "gpt-5-mini", "--provider", "openai"]);
    refusal(&unset, 1, "not_found");
}
