//! What apps send and get is kept only where somebody turned that on, and then sealed.

use std::fs;

use crate::program::{Program, parse};
use crate::secrets::files_with;
use crate::serving::Serving;

const PROMPT: &str = "prompt-canary-4b1d7f20c9";

fn ask(serving: &Serving, token: &str, extra: &str) -> String {
    let asked = serving.question(token, "demo-fast", &format!(r#","user":"{PROMPT}"{extra}"#)).send().rest();
    assert_eq!(asked.status, 200, "{asked:?}");
    asked.body
}

#[test]
fn k1_a_prompt_is_kept_only_where_that_is_on_and_is_readable_nowhere() {
    let program = Program::with_file();
    let (open, closed) = (program.token("open-bot"), program.token("closed-bot"));
    let serving = Serving::start(&program, &["--demo"]);
    program.ok(&["apps", "edit", "open-bot", "--keep-bodies", "24h"]);
    ask(&serving, &closed, "");
    ask(&serving, &open, "");
    let streamed = ask(&serving, &open, r#","stream":true"#);
    assert_eq!(serving.running.terminate().0, 0);

    let log = program.log();
    let calls: Vec<&str> = log.iter().map(|line| line["call"].as_str().unwrap()).collect();
    let body = |call: &str| program.run(&["--json", "log", "show", call, "--body"]);
    let not_kept = body(calls[0]);
    assert!(not_kept.code == 1 && not_kept.err.contains("not kept"), "{not_kept:?}");
    for call in &calls[1..] {
        let kept = body(call);
        assert_eq!(kept.code, 0, "{kept:?}");
        let kept = parse(&kept.out);
        assert!(kept["request"].as_str().unwrap().contains(PROMPT), "{kept}");
        assert!(kept["answer"].as_str().unwrap().contains("choices"), "{kept}");
        assert_eq!(kept["is_cut"], false);
    }
    let last = parse(&body(calls[2]).out);
    assert_eq!(last["answer"].as_str().unwrap(), streamed, "what the caller got, byte for byte");
    let answer = "data: {";
    assert!(streamed.contains(answer));

    // Neither the prompt nor the answer can be read in the data folder, an export, a backup or the log.
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    program.ok(&["backup", &file("all.db")]);
    program.ok(&["export", &file("all.json")]);
    program.ok(&["usage", "--csv", &file("all.csv")]);
    let audit = program.ok(&["--json", "audit", "export"]);
    assert!(!audit.contains(PROMPT) && audit.contains("keep_bodies_s"), "the change itself is told");
    for text in [PROMPT, answer] {
        assert_eq!(files_with(&program.data, text), Vec::<String>::new());
        assert_eq!(files_with(folder.path(), text), Vec::<String>::new());
    }
    assert!(!fs::read_to_string(file("all.json")).unwrap().contains("keep_bodies"));

    // The backup has nothing of it at all, sealed or not.
    let elsewhere = Program::with_file();
    elsewhere.ok(&["restore", &file("all.db")]);
    assert_eq!(elsewhere.run(&["log", "show", calls[1], "--body"]).code, 1);

    // Turned off, what was kept is gone at once.
    program.ok(&["apps", "edit", "open-bot", "--keep-bodies", "off"]);
    assert_eq!(body(calls[1]).code, 1);
    for wrong in ["31d", "10m", "0h", "soon"] {
        assert_ne!(program.run(&["apps", "edit", "open-bot", "--keep-bodies", wrong]).code, 0, "{wrong}");
    }
}

#[test]
fn k1_the_key_of_what_is_kept_is_among_those_that_move_to_another_vault() {
    let program = Program::with_file();
    let token = program.token("bot");
    program.ok(&["apps", "edit", "bot", "--keep-bodies", "1h"]);
    let serving = Serving::start(&program, &["--demo"]);
    ask(&serving, &token, "");
    assert_eq!(serving.running.terminate().0, 0);
    let status = program.json(&["vault", "status"]);
    assert_eq!(status["keys"], 1, "{status}");
}
