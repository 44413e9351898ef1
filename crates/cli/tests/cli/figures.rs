//! `patchbay usage`, `log` and `demo`: what scripts read agrees with itself.

use serde_json::{Value, json};

use crate::program::{Program, parse};

/// The contract's names.
const FIGURES: [&str; 11] = [
    "calls",
    "attempts",
    "succeeded",
    "failed",
    "input_tokens",
    "output_tokens",
    "cost_nano_usd",
    "unpriced_attempts",
    "p50_ms",
    "p95_ms",
    "p99_ms",
];
const SUMS: usize = 8;
const LINE: [&str; 27] = [
    "call",
    "attempt",
    "at",
    "app",
    "feature",
    "signal",
    "profile",
    "connection",
    "provider",
    "requested_model",
    "model",
    "outcome",
    "error_class",
    "status",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "cost_nano_usd",
    "cost_source",
    "total_ms",
    "first_token_ms",
    "streamed",
    "finish_reason",
    "message",
    "call",
];

fn names(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn sorted<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[track_caller]
fn check_groups(report: &Value, what: &str) {
    for name in &FIGURES[..SUMS] {
        let groups = report["groups"].as_array().unwrap();
        let sum: i64 = groups.iter().map(|group| group[name].as_i64().unwrap()).sum();
        assert_eq!(report["totals"][name], sum, "{what}: {name}");
    }
}

#[test]
fn c5_the_documents_are_as_promised_and_their_sums_agree() {
    let program = Program::new();
    program.ok(&["demo", "load", "--attempts", "3000", "--days", "12", "--seed", "7"]);
    let whole = program.json(&["usage"]);
    assert_eq!(sorted(names(&whole["totals"])), sorted(FIGURES));
    assert_eq!((&whole["totals"]["attempts"], &whole["groups"]), (&json!(3000), &json!([])));
    for by in ["connection", "provider", "model", "feature", "app", "day", "hour"] {
        let report = program.json(&["usage", "--by", by]);
        assert_eq!(report["totals"], whole["totals"]);
        check_groups(&report, by);
        for group in report["groups"].as_array().unwrap() {
            assert_eq!(sorted(names(group)), sorted(FIGURES.into_iter().chain(["key"])));
        }
        assert!(program.ok(&["usage", "--by", by]).contains("total"));
    }

    let log = program.log();
    assert_eq!(log.len(), 3000);
    for row in &log {
        assert_eq!(sorted(names(row)), sorted(LINE));
    }
    let sum = |name: &str| log.iter().filter_map(|row| row[name].as_i64()).sum::<i64>();
    for name in ["input_tokens", "output_tokens", "cost_nano_usd"] {
        assert_eq!(whole["totals"][name], sum(name), "{name}");
    }
    let unknown = log.iter().filter(|row| row["cost_nano_usd"].is_null()).count();
    assert_eq!(whole["totals"]["unpriced_attempts"], unknown);
}

#[test]
fn c5_filters_and_days_mean_the_same_everywhere() {
    let program = Program::new();
    program.ok(&["demo", "load", "--attempts", "2000", "--days", "9"]);
    let by_model = program.json(&["usage", "--by", "model"]);
    for group in by_model["groups"].as_array().unwrap() {
        let model = group["key"].as_str().unwrap();
        let condition = format!("model={model}");
        let filtered = program.json(&["usage", "--where", &condition])["totals"].clone();
        for name in FIGURES {
            assert_eq!(filtered[name], group[name], "{model}: {name}");
        }
        let lines = program.ok(&["--json", "log", "--limit", "5000", "--where", &condition]);
        assert_eq!(filtered["attempts"], lines.lines().count());
    }
    let by_day = program.json(&["usage", "--by", "day"]);
    let days: Vec<&str> =
        by_day["groups"].as_array().unwrap().iter().map(|day| day["key"].as_str().unwrap()).collect();
    for (number, day) in days.iter().enumerate() {
        let of_day = program.json(&["usage", "--from", day, "--to", day])["totals"].clone();
        assert_eq!(of_day["attempts"], by_day["groups"][number]["attempts"], "{day}");
    }
    let (first, last) = (days[0], days[days.len() - 1]);
    assert_eq!(program.json(&["usage", "--from", first, "--to", last])["totals"], by_day["totals"]);
    let two = ["usage", "--where", "outcome=answered", "--where", "provider=openai"];
    let answered = program.json(&two)["totals"].clone();
    assert_eq!((&answered["failed"], &answered["calls"]), (&json!(0), &answered["succeeded"]));
}

/// The figures of what was; where a month is heading changes with the moment.
pub fn settled(mut usage: Value) -> Value {
    assert!(usage["more"]["month_pace_nano_usd"].take().is_i64(), "{usage}");
    usage
}

#[test]
fn sample_data_is_the_same_for_the_same_seed_and_goes_without_the_rest() {
    let (program, other) = (Program::new(), Program::new());
    let figures = |program: &Program| settled(program.json(&["usage", "--by", "model"])).to_string();
    let load = |program: &Program| {
        program.ok(&["demo", "load", "--attempts", "400", "--days", "3", "--seed", "11"]);
        figures(program)
    };
    // Sample data ends with the last full quarter of an hour: one may end between two loads, two cannot.
    let loads = || {
        let begun = quarter();
        let all = [load(&program), load(&other), load(&program)];
        (begun == quarter()).then_some(all)
    };
    let [first, second, again] = loads().or_else(loads).expect("within a quarter of an hour");
    assert_eq!(first, second);
    assert_eq!(first, again, "loading again replaces");

    let asked = program.json(&["run", "--model", "demo-fast", "Hedge?"]);
    program.ok(&["demo", "clear"]);
    let totals = program.json(&["usage"])["totals"].clone();
    assert_eq!((&totals["attempts"], &totals["cost_nano_usd"]), (&json!(1), &asked["cost_nano_usd"]));
    assert_eq!(program.json(&["connections", "list"]), json!([]));
    let empty = program.run(&["run", "--model", "demo-fast", "x"]);
    assert_eq!(empty.code, 1);
}

/// Which quarter of an hour it is.
fn quarter() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() / 900
}

#[test]
fn log_shows_one_call_and_follows_what_comes() {
    let program = Program::new();
    program.ok(&["demo", "load", "--attempts", "3"]);
    program.ok(&["demo", "fault", "server-error"]);
    assert_eq!(program.run(&["run", "--model", "demo_fast", "x"]).code, 1);
    let call = program.log().pop().unwrap()["call"].as_str().unwrap().to_owned();
    let shown = program.ok(&["--json", "log", "show", &call]);
    let attempts: Vec<Value> = shown.lines().map(|line| parse(line)["attempt"].clone()).collect();
    assert_eq!(attempts, [1, 2], "the connection is tried once more");
    assert!(program.ok(&["log", "show", &call]).contains("plays a server error"));
    assert_eq!(program.ok(&["--json", "log", "--limit", "1"]).lines().count(), 1);

    program.ok(&["demo", "fault", "none"]);
    let following = program.start(&["--json", "log", "--follow", "--limit", "1"]);
    assert_eq!(parse(&following.line())["call"], call);
    let asked = program.json(&["run", "--model", "demo_fast", "x"]);
    assert_eq!(parse(&following.line())["call"], asked["call"]);
}

#[test]
fn every_command_with_json_prints_one_document() {
    let program = Program::new();
    for args in [
        &["demo", "load", "--attempts", "5"][..],
        &["demo", "fault", "none"],
        &["stop"],
        &["resume"],
        &["providers", "list"],
        &["connections", "list"],
        &["apps", "add", "bot"],
        &["apps", "revoke", "bot"],
        &["connections", "remove", "demo_deep"],
        &["demo", "clear"],
    ] {
        let out = program.ok(&[&["--json"], args].concat());
        assert_eq!(out.lines().count(), 1, "{args:?}: {out}");
        parse(&out);
    }
}

#[test]
fn c5_groups_go_two_levels_deep_and_the_dearest_are_kept() {
    let program = Program::new();
    program.ok(&["demo", "load", "--attempts", "800", "--days", "10"]);
    let report = program.json(&["usage", "--by", "provider,model", "--top", "2", "--compare"]);
    let groups = report["groups"].as_array().unwrap();
    let keys: Vec<&str> = groups.iter().map(|group| group["key"].as_str().unwrap()).collect();
    assert_eq!((keys.len(), keys[2]), (3, "+other"));
    let sum =
        |groups: &[Value]| groups.iter().map(|group| group["cost_nano_usd"].as_i64().unwrap()).sum::<i64>();
    assert_eq!(report["totals"]["cost_nano_usd"], sum(groups));
    for group in &groups[..2] {
        assert_eq!(group["cost_nano_usd"], sum(group["groups"].as_array().unwrap()), "{group}");
    }
    assert_eq!(sorted(names(&report["prior"])), sorted(FIGURES));
    assert!(report["more"]["signals"].as_i64().unwrap() > 0);
    assert!(program.ok(&["usage", "--by", "provider,model"]).contains("per signal"));
    let refused = program.run(&["usage", "--by", "provider,model,app"]);
    assert_eq!(refused.code, 2);
}

#[test]
fn c5_files_hold_what_the_report_sums() {
    let program = Program::new();
    program.ok(&["demo", "load", "--attempts", "700", "--days", "8"]);
    let totals = program.json(&["usage", "--where", "app!=news-digest"])["totals"].clone();
    let rows = program.ok(&["usage", "--where", "app!=news-digest", "--csv"]);
    let heading: Vec<&str> = rows.lines().next().unwrap().split(',').collect();
    let cost = heading.iter().position(|column| *column == "cost_nano_usd").unwrap();
    let costs = rows.lines().skip(1).map(|line| line.split(',').nth(cost).unwrap().parse().unwrap_or(0));
    assert_eq!(totals["cost_nano_usd"], costs.sum::<i64>());
    assert_eq!(totals["attempts"], rows.lines().count() - 1);
    let groups = program.ok(&["usage", "--by", "day", "--csv"]);
    assert!(groups.starts_with("key,calls,attempts,"), "{groups}");

    for (flag, file, begins) in [
        ("--parquet", "a.parquet", &b"PAR1"[..]),
        ("--xlsx", "a.xlsx", b"PK"),
        ("--json-rows", "a.json", b"["),
    ] {
        let path = program.data.join(file);
        let told = program.json(&["usage", flag, path.to_str().unwrap()]);
        assert_eq!(told["entries"], 700, "{file}");
        assert!(std::fs::read(&path).unwrap().starts_with(begins), "{file}");
    }
}

#[test]
fn charts_and_statements_are_written_and_told_in_words() {
    let program = Program::new();
    program.ok(&["demo", "load", "--attempts", "300", "--days", "8"]);
    for name in ["spend", "tokens", "latency", "errors", "hours", "calendar"] {
        let path = program.data.join(format!("{name}.svg"));
        let told = program.json(&["chart", name, "--out", path.to_str().unwrap(), "--days", "8"]);
        assert!(!told["summary"].as_str().unwrap().is_empty());
        assert!(std::fs::read_to_string(&path).unwrap().starts_with("<svg "), "{name}");
    }
    let path = program.data.join("tokens.csv");
    program.ok(&["chart", "tokens", "--out", path.to_str().unwrap(), "--days", "8"]);
    let figures = std::fs::read_to_string(&path).unwrap();
    assert!(figures.starts_with("day,Input,Cached input,Output,All\r\n"), "{figures}");
    let all = figures.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse::<i64>().unwrap());
    let totals = &program.json(&["usage", "--days", "8"])["totals"];
    let tokens = ["input_tokens", "output_tokens"].map(|name| totals[name].as_i64().unwrap());
    assert_eq!(all.sum::<i64>(), tokens.iter().sum::<i64>());
    let wrong = program.run(&["chart", "spend", "--out", "chart.gif"]);
    assert!(wrong.code == 2 && wrong.err.contains(".svg, .png or .csv"), "{}", wrong.err);
    let path = program.data.join("statement.html");
    program.ok(&["statement", "mt5-signal-bot", "--out", path.to_str().unwrap()]);
    assert!(std::fs::read_to_string(&path).unwrap().contains("<h1>mt5-signal-bot"));
    let compared = program.json(&["usage", "--what-if", "openai/gpt-5-mini", "--at-price", "1/4"]);
    assert_eq!(compared["what_if"]["rows"].as_array().unwrap().len(), 2);
}
