//! Moving old attempts to archives, ended by force at every turn (T3).

use std::collections::HashSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::figures::settled;
use crate::program::Program;

const ATTEMPTS: usize = 12_000;

/// What the program tells of the whole time: its totals by day, and every attempt.
fn told(program: &Program) -> (Value, HashSet<(String, i64)>) {
    let usage = settled(program.json(&["usage", "--days", "300", "--by", "day"]));
    let log = program.ok(&["--json", "log", "--archived", "--limit", "100000"]);
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let attempts =
        |line: &Value| (line["call"].as_str().unwrap().to_owned(), line["attempt"].as_i64().unwrap());
    let all: HashSet<_> = lines.iter().map(attempts).collect();
    assert_eq!(all.len(), lines.len(), "each attempt once");
    (usage, all)
}

fn archives(data: &Path) -> usize {
    let files = std::fs::read_dir(data.join("archives")).into_iter().flatten().flatten();
    files.filter(|file| file.path().extension().is_some_and(|ending| ending == "parquet")).count()
}

#[test]
fn t3_kill_9_while_attempts_move_loses_nothing_and_doubles_nothing() {
    let program = Program::new();
    program.ok(&["demo", "load", "--attempts", &ATTEMPTS.to_string(), "--days", "250"]);
    let before = told(&program);
    assert_eq!(before.1.len(), ATTEMPTS);
    let planned = program.json(&["retention", "run", "--dry-run"]);
    let months = planned["months"].as_array().unwrap().len();
    assert!(months > 4);
    // It is killed as soon as one more month has its file: before that is noted, or while its rows are being deleted.
    for files in 1..=3 {
        let running = program.start(&["retention", "run"]);
        while archives(&program.data) < files {
            std::thread::yield_now();
        }
        running.kill();
        assert_eq!(told(&program), before, "after {files} files");
    }
    program.ok(&["retention", "run"]);
    assert_eq!(told(&program), before);
    let info = program.json(&["retention"]);
    assert_eq!(info["archived_attempts"], planned["attempts"]);
    assert_eq!(info["archives"], json!(months));
    assert_eq!(program.json(&["retention", "verify"]), json!([]));
    assert!(program.json(&["audit", "verify"])["intact"].as_bool().unwrap());
}
