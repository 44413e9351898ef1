//! Budgets and alerts, as scripts use them.

use std::process::Command;

use serde_json::{Value, json};

use crate::program::Program;
use crate::serving::Serving;
use crate::upstream::Demo;

fn connected() -> (Program, Demo) {
    let (program, demo) = (Program::new(), Demo::start(None));
    let about = [
        "--provider",
        "demo",
        "--base-url",
        demo.url(),
        "--name",
        "main",
        "--model",
        "demo-fast",
        "--no-api-key",
    ];
    program.ok(&[&["connections", "add", "--untested"][..], &about].concat());
    (program, demo)
}

#[test]
fn n1_a_budget_is_set_kept_raised_and_removed() {
    let (program, _demo) = connected();
    let set = program.json(&["budgets", "set", "--scope", "all", "--per", "day", "--requests", "1"]);
    assert_eq!((&set["on_limit"], &set["levels"]), (&json!("stop"), &json!([50, 80, 95, 100])));
    program.ok(&["run", "--model", "main", "Buy?"]);
    let refused = program.run(&["--json", "run", "--model", "main", "Buy?"]);
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("budget_exceeded"), "{refused:?}");
    let listed = program.ok(&["budgets", "list"]);
    assert!(listed.contains("1 requests of 1 requests") && listed.contains("stop, reached"), "{listed}");
    let which = ["--scope", "all", "--per", "day", "--measure", "requests"];
    let raised = program.json(&[&["budgets", "resume"][..], &which].concat());
    assert_eq!((&raised["extra"], &raised["is_reached"]), (&json!("1"), &json!(false)));
    program.ok(&["run", "--model", "main", "Buy?"]);
    assert_eq!(program.run(&["run", "--model", "main", "Buy?"]).code, 3);
    program.ok(&[&["budgets", "remove"][..], &which].concat());
    program.ok(&["run", "--model", "main", "Buy?"]);
    let noted = program.json(&["audit", "list", "--where", "kind=budget"]);
    let actions: Vec<&Value> =
        noted["entries"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["delete", "resume", "create"]);
}

#[test]
fn n1_a_running_gateway_follows_a_budget_at_once() {
    let (program, _demo) = connected();
    let token =
        program.json(&["apps", "add", "bot", "--budget-day", "0.50"])["token"].as_str().unwrap().to_owned();
    let serving = Serving::start(&program, &[]);
    assert_eq!(serving.ask(&token, "main").status, 200);
    program.ok(&["budgets", "set", "--scope", "app:bot", "--per", "day", "--usd", "0"]);
    assert_eq!(serving.ask(&token, "main").status, 402);
    program.ok(&["budgets", "set", "--scope", "app:bot", "--per", "day", "--usd", "0", "--on-limit", "warn"]);
    assert_eq!(serving.ask(&token, "main").status, 200);
    assert_eq!(serving.running.terminate().0, 0);
}

#[test]
fn bad_budgets_say_what_is_wrong() {
    let (program, _demo) = connected();
    for (args, says) in [
        (&["--scope", "app:nobody", "--per", "day", "--usd", "5"][..], "no app \"nobody\""),
        (&["--scope", "bot", "--per", "day", "--usd", "5"], "app:NAME"),
        (&["--scope", "all", "--per", "day", "--usd", "five"], "no amount"),
        (&["--scope", "all", "--per", "day", "--usd", "5", "--on-limit", "degrade"], "where calls go"),
        (&["--scope", "all", "--per", "day", "--usd", "5", "--degrade-to", "main"], "--on-limit degrade"),
        (&["--scope", "all", "--per", "day", "--usd", "5", "--levels", "0"], "no levels"),
        (&["--scope", "all", "--per", "day"], "--usd"),
    ] {
        let done = program.run(&[&["budgets", "set"][..], args].concat());
        assert_eq!(done.code, 2, "{args:?}: {done:?}");
        assert!(done.err.contains(says), "{args:?}: {done:?}");
    }
}

#[test]
fn n2_alerts_are_listed_shown_acknowledged_and_snoozed() {
    let (program, _demo) = connected();
    assert_eq!(program.ok(&["alerts"]), "Nothing needs you.\n");
    program.ok(&["budgets", "set", "--scope", "all", "--per", "month", "--requests", "2"]);
    program.ok(&["run", "--model", "main", "Buy?"]);
    let open = program.json(&["alerts", "list"])["open"].clone();
    assert_eq!(open[0]["title"], "Half the monthly request budget is used");
    let id = open[0]["id"].to_string();
    program.ok(&["alerts", "ack", &id]);
    program.ok(&["run", "--model", "main", "Buy?"]);
    let shown = program.json(&["alerts", "show", &id]);
    assert_eq!((&shown["state"], &shown["severity"]), (&json!("open"), &json!("bad")), "it became graver");
    program.ok(&["alerts", "snooze", &id, "--minutes", "5"]);
    let events: Vec<String> = program.json(&["alerts", "show", &id])["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["what"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(events, ["opened", "acknowledged", "graver", "snoozed"]);
    program.ok(&["budgets", "remove", "--scope", "all", "--per", "month", "--measure", "requests"]);
    let rules = program.ok(&["alerts", "rule", "budget", "off"]);
    assert!(
        rules.lines().any(|line| line.trim_start().starts_with("budget") && line.contains("off")),
        "{rules}"
    );
    let all = program.json(&["alerts", "list"]);
    assert_eq!((all["snoozed"].as_array().unwrap().len(), &all["closed_count"]), (0, &json!(1)));
    assert_eq!(program.run(&["alerts", "ack", "999"]).code, 1);
}

/// A network with nothing in it, not even this machine; `None` where the system does not give one.
fn without_network(program: &Program, args: &[&str]) -> Option<std::process::Output> {
    let may = Command::new("unshare").args(["-r", "-n", "true"]).status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("skipped: this system makes no network namespace");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-r", "-n", env!("CARGO_BIN_EXE_patchbay"), "--vault", "memory", "--data-dir"]);
    Some(command.arg(&program.data).args(args).output().unwrap())
}

#[test]
fn f3_a_machine_without_network_blames_nobody_and_says_so_once() {
    let program = Program::new();
    for name in ["one", "two"] {
        let about = ["--provider", "compatible", "--base-url", "http://192.0.2.1/v1", "--model", "m"];
        let args =
            [&["connections", "add", "--untested", "--no-api-key", "--name", name][..], &about].concat();
        program.ok(&args);
    }
    let Some(done) = without_network(&program, &["--json", "run", "--model", "one", "Buy?"]) else { return };
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(said.contains("\"offline\"") && said.contains("Local connections still answer"), "{said}");
    without_network(&program, &["run", "--model", "two", "Buy?"]);
    let rows = program.log();
    assert!(rows.iter().all(|row| row["error_class"] == "offline" && row["cost_nano_usd"] == 0), "{rows:?}");
    assert_eq!(rows.len(), 2, "no retry, nobody else is asked");
    for connection in program.json(&["connections", "list"]).as_array().unwrap() {
        assert_eq!(connection["health"], "unknown", "nobody is blamed: {connection}");
    }
    let open = program.json(&["alerts", "list"])["open"].clone();
    assert_eq!((open.as_array().unwrap().len(), &open[0]["kind"]), (1, &json!("offline")));
}
