//! A gateway that ends in the middle of its work, by force and by request.

use std::collections::{HashMap, HashSet};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::http::Request;
use crate::program::{Program, parse, signal};
use crate::serving::{Serving, question};
use crate::upstream::silent;

const BOTS: usize = 16;
const CALLS: usize = 200;
/// How many calls are complete when the axe falls: early, and in full swing. `PATCHBAY_KILLS=50` lets it fall more often.
const MOMENTS: [usize; 3] = [5, 60, 120];

/// The ids of calls, as far as the bots saw them.
#[derive(Default)]
struct Seen {
    complete: HashSet<String>,
    begun: HashSet<String>,
}

/// Many bots call at once until the gateway is gone.
fn call_until_killed(serving: Serving, token: &str, moment: usize, seen: &Mutex<Seen>) {
    let (started, completed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (process, address) = (serving.running.id(), &serving.address);
    thread::scope(|scope| {
        for _ in 0..BOTS {
            scope.spawn(|| {
                while started.fetch_add(1, Ordering::SeqCst) < CALLS {
                    let streamed = started.load(Ordering::SeqCst) % 3 != 0;
                    let stream = format!(r#","stream":{streamed}"#);
                    let answer = question(address, token, "demo-fast", &stream).send().rest();
                    if answer.is_complete(streamed) {
                        let call = answer.header("x-patchbay-call").to_owned();
                        seen.lock().unwrap().complete.insert(call);
                        if completed.fetch_add(1, Ordering::SeqCst) + 1 == moment {
                            signal("KILL", process);
                        }
                    } else if answer.body.contains("data: ") {
                        seen.lock().unwrap().begun.insert(answer.header("x-patchbay-call").to_owned());
                    }
                }
            });
        }
    });
    assert!(completed.load(Ordering::SeqCst) >= moment);
    serving.running.kill();
}

#[test]
fn c4_kill_9_loses_no_completed_call() {
    let program = Program::new();
    program.ok(&["demo", "load", "--attempts", "1"]);
    let token = program.token("bot");
    let seen = Mutex::default();
    let kills = std::env::var("PATCHBAY_KILLS").ok().and_then(|kills| kills.parse().ok());
    for moment in MOMENTS.into_iter().cycle().take(kills.unwrap_or(MOMENTS.len())) {
        call_until_killed(Serving::start(&program, &[]), &token, moment, &seen);
    }
    let Seen { complete, begun } = seen.into_inner().unwrap();
    let rows: Vec<Value> = program.log().into_iter().filter(|row| row["app"] == "bot").collect();
    let outcomes: HashMap<&str, &str> =
        rows.iter().map(|row| (row["call"].as_str().unwrap(), row["outcome"].as_str().unwrap())).collect();
    assert_eq!(outcomes.len(), rows.len(), "one row each");
    let lost: Vec<&String> =
        complete.iter().filter(|call| outcomes.get(call.as_str()) != Some(&"answered")).collect();
    assert!(lost.is_empty(), "{} of {} complete calls are lost", lost.len(), complete.len());
    let unknown = begun.iter().filter(|call| !outcomes.contains_key(call.as_str())).count();
    assert_eq!(unknown, 0, "of {} streams that had begun", begun.len());
    let interrupted = outcomes.values().filter(|outcome| **outcome == "interrupted").count();
    assert!(interrupted > 0, "calls were open each time: {}", outcomes.len());
    assert!(rows.iter().all(|row| row["outcome"] == "answered" || row["outcome"] == "interrupted"));
    println!(
        "{} complete, {} begun, {interrupted} interrupted, {} rows",
        complete.len(),
        begun.len(),
        rows.len()
    );

    let totals = program.json(&["usage", "--where", "app=bot"])["totals"].clone();
    let sum = |name: &str| rows.iter().filter_map(|row| row[name].as_i64()).sum::<i64>();
    for name in ["input_tokens", "output_tokens", "cost_nano_usd"] {
        assert_eq!(totals[name], sum(name), "{name}");
    }
    assert_eq!((&totals["attempts"], &totals["calls"]), (&json!(rows.len()), &json!(rows.len())));
    assert_integrity(&program);
}

/// Asks SQLite itself, where this machine has a Python to ask it with.
fn assert_integrity(program: &Program) {
    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); print(db.execute('PRAGMA integrity_check').fetchone()[0], \
                  len(db.execute('PRAGMA foreign_key_check').fetchall()), db.execute('SELECT count(*) FROM open_attempt').fetchone()[0])";
    let checked = Command::new("python3").args(["-c", script]).arg(program.data.join("patchbay.db")).output();
    match checked {
        Ok(output) => assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "ok 0 0", "{output:?}"),
        Err(error) => println!("skipped the integrity check: python3: {error}"),
    }
}

#[test]
fn c4_a_call_open_at_the_crash_shows_at_the_next_start_and_not_before() {
    let program = Program::new();
    let url = silent();
    let add = ["connections", "add", "--provider", "compatible", "--name", "Silent", "--model", "m"];
    program.ok(&[&add[..], &["--base-url", &url, "--no-api-key", "--untested"]].concat());
    let token = program.token("bot");
    let (doomed, other) = (Serving::start(&program, &[]), Serving::start(&program, &[]));
    let mut cut = doomed.question(&token, "silent", r#","stream":true"#).send();
    let mut kept = other.question(&token, "silent", r#","stream":true"#).send();
    assert!(cut.reads("Hold ") && kept.reads("Hold "));
    assert_eq!(program.log().len(), 0, "both are on their way");
    let on_their_way = || -> Vec<Value> {
        program.ok(&["--json", "log", "--running", "--where", "app=bot"]).lines().map(parse).collect()
    };
    let open = on_their_way();
    assert_eq!(open.len(), 2, "{open:?}");
    assert!(open.iter().all(|call| call["connection"] == "silent" && call["streamed"] == true), "{open:?}");
    assert!(program.ok(&["log", "--running"]).contains("silent m"));
    doomed.running.kill();
    let rows = program.log();
    assert_eq!(on_their_way().len(), 1, "what was cut off is none");
    assert_eq!((rows.len(), &rows[0]["outcome"]), (1, &json!("interrupted")), "the other one lives");
    assert_eq!(program.log().len(), 1, "entered once");
    assert!(cut.rest().body.contains("Hold "));
    drop(kept);
    assert_eq!(other.running.terminate().0, 0);
    let outcomes: HashSet<String> = program.log().iter().map(|row| row["outcome"].to_string()).collect();
    assert_eq!(outcomes, HashSet::from([r#""interrupted""#.to_owned(), r#""cancelled""#.to_owned()]));
}

#[test]
fn sigterm_lets_a_stream_end_whole() {
    let program = Program::new();
    let serving = Serving::start(&program, &["--demo"]);
    let token = program.token("bot");
    let mut streams: Vec<_> =
        (0..4).map(|_| serving.question(&token, "demo-deep", r#","stream":true"#).send()).collect();
    assert!(streams.iter_mut().all(|stream| stream.reads("data: ")));
    signal("TERM", serving.running.id());
    for stream in streams {
        let answer = stream.rest();
        assert!(answer.is_complete(true) && answer.whole, "{answer:?}");
    }
    let address = serving.address.clone();
    let (code, errors) = serving.running.wait();
    assert_eq!(code, 0, "{errors}");
    assert_eq!(Request::get(&address, "/healthz", "").send().rest().status, 0, "nobody listens any more");
    let outcomes: Vec<Value> = program.log().iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["answered"; 4]);
}

#[test]
fn sigterm_right_after_the_first_line_is_heard() {
    let program = Program::new();
    for name in ["TERM", "INT"] {
        for _ in 0..5 {
            let serving = Serving::start(&program, &[]);
            signal(name, serving.running.id());
            assert_eq!(serving.running.wait().0, 0, "{name}");
        }
    }
}
