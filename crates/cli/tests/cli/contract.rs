//! `serve`, `apps`, `run`, `stop` and `resume`, and the codes that all commands exit with.

use std::net::TcpListener;

use crate::program::{Done, Program, parse};
use crate::serving::Serving;
use crate::upstream::{dead_url, silent};

/// The document of an error, which is all of standard error.
#[track_caller]
pub fn refusal(done: &Done, exit: i32, code: &str) -> String {
    assert_eq!((done.code, done.out.as_str()), (exit, ""), "{done:?}");
    let error = parse(&done.err)["error"].clone();
    assert_eq!(error["code"], code, "{done:?}");
    assert!(!error["message"].as_str().unwrap().is_empty());
    format!("{} {}", error["message"].as_str().unwrap(), error["hint"].as_str().unwrap())
}

#[test]
fn serve_says_where_it_listens_and_an_app_added_meanwhile_can_call_at_once() {
    let program = Program::new();
    let serving = Serving::start(&program, &["--demo"]);
    let added = program.json(&["apps", "add", "bot", "--feature", "signal_parsing"]);
    assert_eq!(added["name"], "bot");
    let token = added["token"].as_str().unwrap();
    let models = serving.models(token);
    assert!(models.status == 200 && models.body.contains("demo-fast"), "{models:?}");
    let answer = serving.ask(token, "demo-free");
    assert_eq!(answer.status, 200, "{answer:?}");
    let row = program.log().pop().unwrap();
    assert_eq!((&row["app"], &row["feature"]), (&"bot".into(), &"signal_parsing".into()));
    assert_eq!(row["call"], answer.header("x-patchbay-call"));

    let rotated = program.json(&["apps", "rotate", "bot"])["token"].as_str().unwrap().to_owned();
    assert_eq!((serving.models(token).status, serving.models(&rotated).status), (200, 200));
    assert!(program.ok(&["apps", "list"]).contains("bot"));
    program.ok(&["apps", "revoke", "bot"]);
    assert_eq!((serving.models(token).status, serving.models(&rotated).status), (403, 403));
    assert_eq!(serving.running.terminate().0, 0);
}

#[test]
fn a_token_is_printed_alone_for_scripts_without_json() {
    let program = Program::new();
    let done = program.run(&["apps", "add", "bot"]);
    assert_eq!(done.code, 0);
    assert!(done.out.starts_with("pb_"), "{done:?}");
    assert_eq!(done.out.lines().count(), 1);
    assert!(done.err.contains("shown once"), "{done:?}");
    let again = program.run(&["--json", "apps", "add", "bot"]);
    refusal(&again, 1, "name_taken");
    let list = program.json(&["apps", "list"]);
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert!(!list.to_string().contains(done.out.trim()), "the token is not shown again");
}

#[test]
fn run_answers_plainly_in_a_stream_from_standard_input_and_as_a_document() {
    let program = Program::new();
    program.ok(&["demo", "load", "--attempts", "1"]);
    let whole = program.run(&["run", "--model", "demo-free", "Is EURUSD a buy?"]);
    assert!(whole.code == 0 && whole.out.to_lowercase().contains("demo"), "{whole:?}");
    assert!(whole.err.contains("tokens") && whole.err.contains("demo-free"), "{whole:?}");
    let streamed = program.run(&["run", "--model", "demo-free", "--stream", "Is EURUSD a buy?"]);
    assert_eq!((streamed.code, streamed.out), (0, whole.out.clone()));
    let fed = program.feed(&["run", "--model", "demo-free", "-"], "Is EURUSD a buy?");
    assert_eq!((fed.code, fed.out), (0, whole.out.clone()));
    for stream in [&[][..], &["--stream"]] {
        let args = [&["run", "--model", "demo-fast", "--feature", "risk"], stream, &["Hedge?"]].concat();
        let document = program.json(&args);
        let text = document["text"].as_str().unwrap();
        assert!(!text.is_empty() && document["finish_reason"] == "stop", "{document}");
        let row = program.log().pop().unwrap();
        for field in ["call", "connection", "model", "input_tokens", "output_tokens", "cost_nano_usd"] {
            assert_eq!(document[field], row[field], "{field}");
        }
        assert_eq!((&row["app"], &row["feature"]), (&"command line".into(), &"risk".into()));
    }
    let unnamed = program.json(&["run", "Which model?"]);
    assert!(unnamed["model"].as_str().unwrap().starts_with("demo-"), "{unnamed}");
}

#[test]
fn n4_stop_and_resume_work_across_processes() {
    let program = Program::new();
    let url = silent();
    program.ok(&[
        "connections",
        "add",
        "--provider",
        "compatible",
        "--name",
        "Silent",
        "--base-url",
        &url,
        "--model",
        "m",
        "--no-api-key",
        "--untested",
    ]);
    let serving = Serving::start(&program, &["--demo"]);
    let token = program.token("bot");
    let mut flowing = serving.question(&token, "silent/m", r#","stream":true"#).send();
    assert!(flowing.reads("Hold "));
    program.ok(&["stop"]);
    let cut = flowing.rest();
    assert!(cut.body.contains("patchbay_stopped") && !cut.is_complete(true), "{cut:?}");

    let refused = serving.ask(&token, "demo-free");
    assert_eq!((refused.status, refused.header("x-should-retry")), (403, "false"));
    assert_eq!(refused.json()["error"]["code"], "patchbay_stopped");
    let message = refusal(&program.run(&["--json", "run", "--model", "demo-free", "x"]), 3, "stopped");
    assert!(message.contains("the command line") && message.contains("patchbay resume"), "{message}");

    drop(serving);
    let serving = Serving::start(&program, &["--demo"]);
    assert_eq!(serving.ask(&token, "demo-free").status, 403, "it holds across restarts");
    program.ok(&["resume"]);
    assert_eq!(serving.ask(&token, "demo-free").status, 200);
    let outcomes: Vec<_> = program.log().iter().map(|row| row["outcome"].clone()).collect();
    assert_eq!(outcomes, ["cancelled", "answered"]);
}

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let program = Program::new();
    for args in [
        &["no-such-command"][..],
        &[],
        &["run"],
        &["serve", "--port", "70000"],
        &["usage", "--by", "mood"],
        &["usage", "--days", "0"],
        &["log", "--limit", "many"],
        &["connections", "test"],
        &["--vault", "sock", "stop"],
    ] {
        let done = program.run(args);
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{args:?}: {done:?}");
        assert!(done.err.contains("Usage") || done.err.contains("--help"), "{done:?}");
    }
    for (args, exit, code) in [
        (&["run", "--model", "demo-free", ""][..], 2, "invalid_input"),
        (&["usage", "--where", "mood=good"], 2, "invalid_input"),
        (&["usage", "--from", "2026-11-31", "--to", "2026-12-01"], 2, "invalid_input"),
        (&["usage", "--from", "2026-11-30", "--to", "2026-11-01"], 2, "invalid_input"),
        (&["log", "show", "nonsense"], 1, "not_found"),
        (&["connections", "show", "nobody"], 1, "not_found"),
        (&["connections", "remove", "nobody"], 1, "not_found"),
        (&["apps", "revoke", "nobody"], 1, "not_found"),
        (&["run", "--model", "gpt-99", "x"], 1, "model_not_found"),
        (&["run", "x"], 1, "no_candidate"),
    ] {
        refusal(&program.run(&[&["--json"], args].concat()), exit, code);
        let plain = program.run(args);
        assert_eq!((plain.code, plain.out.as_str()), (exit, ""));
        assert!(plain.err.starts_with("patchbay: "), "{plain:?}");
    }
    for args in [&["--help"][..], &["--version"], &["connections", "add", "--help"]] {
        assert_eq!(program.run(args).code, 0);
    }
}

#[test]
fn a_dead_port_and_a_faulty_provider_exit_with_1_and_a_limit_with_3() {
    let program = Program::new();
    let url = dead_url();
    let add = ["--provider", "compatible", "--name", "Dead", "--base-url", &url, "--model", "m"];
    let done = program.run(&[&["connections", "add"][..], &add].concat());
    assert_eq!(done.code, 1, "{done:?}");
    assert!(done.out.contains("Nothing was saved"), "{done:?}");
    program.ok(&[&["connections", "add", "--untested"][..], &add].concat());
    let message = refusal(&program.run(&["--json", "run", "--model", "dead", "x"]), 1, "network_failed");
    assert!(message.contains("nothing listens there"), "{message}");

    program.ok(&["demo", "load", "--attempts", "1"]);
    for (fault, exit, code) in [
        ("rate-limited", 3, "rate_limited"),
        ("unauthorized", 4, "key_refused"),
        ("server-error", 1, "upstream_failed"),
        ("cut-stream", 1, "stream_cut"),
    ] {
        program.ok(&["demo", "fault", fault]);
        refusal(&program.run(&["--json", "run", "--model", "demo_fast", "x"]), exit, code);
        // What one process learnt of a connection, the next one knows.
        program.ok(&["connections", "enable", "demo_fast"]);
    }
    let broken = program.run(&["run", "--stream", "--model", "demo_fast", "x"]);
    assert_eq!(broken.code, 1);
    assert!(!broken.out.is_empty() && broken.err.contains("Ask again"), "{broken:?}");
    program.ok(&["demo", "fault", "none"]);
    program.ok(&["run", "--model", "demo_fast", "x"]);
}

#[test]
fn a_port_that_is_taken_is_told_with_the_next_one() {
    let program = Program::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let done = program.run(&["--json", "serve", "--port", &port.to_string()]);
    let message = refusal(&done, 1, "port_in_use");
    assert!(message.contains(&port.to_string()) && message.contains(&(port + 1).to_string()), "{message}");
    assert_eq!(TcpListener::bind(("127.0.0.1", port)).unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
}

#[test]
fn x1_two_gateways_share_one_folder() {
    let program = Program::new();
    let (first, second) = (Serving::start(&program, &["--demo"]), Serving::start(&program, &["--demo"]));
    let token = program.token("bot");
    for serving in [&first, &second, &first, &second] {
        assert_eq!(serving.ask(&token, "demo-free").status, 200);
    }
    program.ok(&["connections", "pause", "demo_fast"]);
    program.ok(&["connections", "pause", "demo_deep"]);
    assert_eq!((first.ask(&token, "demo-free").status, second.ask(&token, "demo-free").status), (503, 503));
    assert_eq!(program.log().len(), 4);
}
