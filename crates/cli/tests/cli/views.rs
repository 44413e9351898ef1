//! `patchbay explore` and `views`: the same sums as `usage`, and a view that is come back to.

use std::fs;

use serde_json::Value;

use crate::program::{Program, parse};

fn with_sample_data() -> Program {
    let program = Program::new();
    let loaded = program.run(&["demo", "load", "--days", "20", "--attempts", "600", "--seed", "11"]);
    assert_eq!(loaded.code, 0, "{loaded:?}");
    program
}

fn json(program: &Program, args: &[&str]) -> Value {
    let done = program.run(&[&["--json"], args].concat());
    assert_eq!(done.code, 0, "{done:?}");
    parse(&done.out)
}

fn nano(value: &Value) -> i64 {
    let (dollars, rest) = value.as_str().unwrap().split_once('.').unwrap_or((value.as_str().unwrap(), ""));
    dollars.parse::<i64>().unwrap() * 1_000_000_000 + format!("{rest:0<9}").parse::<i64>().unwrap()
}

#[test]
fn c5_explored_groups_are_the_groups_of_usage() {
    let program = with_sample_data();
    let usage = json(&program, &["usage", "--days", "7", "--by", "provider,model"]);
    let explored =
        json(&program, &["explore", "--days", "7", "--by", "provider", "--then", "model", "--top", "100"]);
    assert_eq!(nano(&explored["whole"]["value"]), usage["totals"]["cost_nano_usd"].as_i64().unwrap());
    let groups = explored["groups"].as_array().unwrap();
    assert!(groups.len() > 1, "{explored}");
    for group in groups.iter().filter(|group| group["row"]["attempts"] != 0) {
        let same = |other: &&Value| other["key"] == group["row"]["key"];
        let of_usage = usage["groups"].as_array().unwrap().iter().find(same).unwrap();
        assert_eq!(nano(&group["row"]["value"]), of_usage["cost_nano_usd"].as_i64().unwrap());
        // What was used in the days before only is a row, too.
        let inside = group["inside"].as_array().unwrap().iter().filter(|inner| inner["attempts"] != 0);
        assert_eq!(inside.count(), of_usage["groups"].as_array().unwrap().len());
    }
}

#[test]
fn a_view_is_saved_shown_drawn_renamed_and_removed() {
    let program = with_sample_data();
    let saved = program.run(&[
        "explore",
        "latency_p95",
        "--by",
        "app",
        "--days",
        "7",
        "--compare",
        "--save",
        "Slow apps",
    ]);
    assert_eq!(saved.code, 0, "{saved:?}");
    assert!(saved.out.starts_with("Saved as \"Slow apps\".\n"), "{}", saved.out);
    assert!(saved.out.contains("BEFORE") && saved.out.contains(" ms"), "{}", saved.out);
    let again = program.run(&["views", "show", "Slow apps"]);
    assert_eq!(saved.out.split_once('\n').unwrap().1, again.out, "the same now as when it was saved");

    let picture = program.data.join("slow.svg");
    let drawn = program.run(&["views", "show", "Slow apps", "--out", picture.to_str().unwrap()]);
    assert!(drawn.out.contains("slow.svg"), "{drawn:?}");
    assert!(fs::read_to_string(&picture).unwrap().contains("Latency p95 by app"));

    assert_eq!(program.run(&["views", "rename", "Slow apps", "Slow"]).code, 0);
    let list = json(&program, &["views", "list"]);
    assert_eq!((list[0]["name"].as_str(), list.as_array().unwrap().len()), (Some("Slow"), 1));
    let taken = program.run(&["explore", "--save", "Slow"]);
    assert_eq!((taken.code, taken.err.contains("already a view named")), (1, true), "{taken:?}");
    assert_eq!(program.run(&["views", "remove", "Slow"]).code, 0);
    let gone = program.run(&["views", "show", "Slow"]);
    assert_eq!(gone.code, 2, "{gone:?}");
    assert!(gone.err.contains("no saved view") && gone.err.contains("patchbay views list"), "{}", gone.err);
}
