//! A key goes in by standard input and comes out nowhere (K1).

use std::fs;
use std::path::Path;

use crate::program::Program;
use crate::upstream::Demo;

const CANARY: &str = "sk-canary-77d0e24b583f9a1c-Qw7E";

#[test]
fn k1_a_key_is_neither_printed_nor_written() {
    let program = Program::new();
    let (right, wrong) = (Demo::start(Some(CANARY)), Demo::start(Some("sk-something-else-entirely")));
    let add = |demo: &Demo, name: &str, extra: &[&str]| {
        let about = ["--provider", "compatible", "--base-url", demo.url(), "--name", name, "--api-key-stdin"];
        let args = [&["connections", "add", "--model", "demo-fast"][..], &about, extra].concat();
        program.run_with("PATCHBAY_LOG", "trace", &args, &format!("{CANARY}\n"))
    };
    let done = [
        add(&right, "Good", &[]),
        add(&right, "Document", &["--json"]),
        add(&wrong, "Refused", &[]),
        add(&wrong, "Saved", &["--untested"]),
        add(&wrong, "Saved", &["--untested"]),
        program.run_with(
            "PATCHBAY_LOG",
            "trace",
            &["connections", "edit", "good", "--api-key-stdin"],
            CANARY,
        ),
        program.run_with("PATCHBAY_LOG", "trace", &["connections", "test", "good", "--spend"], ""),
        program.run_with("PATCHBAY_LOG", "trace", &["--json", "connections", "list"], ""),
        program.run_with("PATCHBAY_LOG", "trace", &["connections", "show", "good"], ""),
        program.run_with("PATCHBAY_LOG", "trace", &["connections", "remove", "document"], ""),
        program.run_with("PATCHBAY_LOG", "trace", &["--json", "log"], ""),
    ];
    let codes: Vec<i32> = done.iter().map(|done| done.code).collect();
    assert_eq!(codes, [0, 0, 4, 0, 1, 0, 4, 0, 0, 0, 0], "{done:#?}");
    let sent = right.server.recent();
    assert!(sent.iter().any(|request| request.header("authorization").unwrap().contains(CANARY)));
    for done in &done {
        assert!(!done.out.contains(CANARY) && !done.err.contains(CANARY), "{done:?}");
    }
    assert!(done[0].err.contains("TRACE") || done[0].err.contains("DEBUG"), "all of the log was on");
    assert!(done[0].out.contains("Qw7E"), "the last four are shown");
    assert!(fs::metadata(program.data.join("patchbay.db")).unwrap().len() > 0);
    assert_eq!(files_with(&program.data, CANARY), Vec::<String>::new());
}

#[test]
fn k1_secret_headers_and_a_proxys_login_are_neither_printed_nor_written() {
    const HEADER: &str = "hdr-canary-5d1f0b9c77ae42";
    const LOGIN: &str = "me:proxy-canary-93b07a4c1de852";
    let program = Program::with_file();
    let demo = Demo::start(None);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let proxy = format!("http://{LOGIN}@127.0.0.1:9");
    let about = ["--provider", "compatible", "--base-url", demo.url(), "--model", "demo-fast", "--untested"];
    let add = [&["connections", "add", "--name", "Desk", "--api-key-stdin"][..], &about].concat();
    let secret = ["--secret-header", "X-Desk-Token", "--proxy", &proxy];
    let lines = format!("{CANARY}\n{HEADER}\n");
    let run = |args: &[&str], input: &str| program.run_with("PATCHBAY_LOG", "trace", args, input);
    let sealed = |args: &[&str]| program.run_with("PATCHBAY_BACKUP_PASSPHRASE", "battery staple", args, "");
    let done = [
        run(&[&add[..], &secret].concat(), &lines),
        run(&["connections", "test", "desk"], ""),
        run(&["connections", "edit", "desk", "--proxy", ""], ""),
        run(&["--json", "connections", "test", "desk", "--spend"], ""),
        run(&["connections", "edit", "desk", "--proxy", &proxy], ""),
        run(&["--json", "connections", "show", "desk"], ""),
        run(&["export", &file("desk.json")], ""),
        run(&["backup", &file("desk.db")], ""),
        sealed(&["export", &file("desk.age"), "--with-secrets"]),
        sealed(&["backup", &file("desk.db.age"), "--with-secrets"]),
        run(&["--json", "audit", "export"], ""),
        run(&["log"], ""),
    ];
    let codes: Vec<i32> = done.iter().map(|done| done.code).collect();
    assert_eq!(codes, [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], "{done:#?}");
    let sent = demo.server.recent();
    assert!(sent.iter().all(|request| request.header("x-desk-token") == Some(HEADER)) && !sent.is_empty());
    for canary in [CANARY, HEADER, "proxy-canary"] {
        for done in &done {
            assert!(!done.out.contains(canary) && !done.err.contains(canary), "{canary}: {done:?}");
        }
        assert_eq!(files_with(&program.data, canary), Vec::<String>::new());
        assert_eq!(files_with(folder.path(), canary), Vec::<String>::new());
    }
    let export = fs::read_to_string(file("desk.json")).unwrap();
    assert!(export.contains("x-desk-token") && export.contains("http://127.0.0.1:9"), "{export}");

    let elsewhere = Program::with_file();
    let import = ["import", &file("desk.age")];
    let imported = elsewhere.run_with("PATCHBAY_BACKUP_PASSPHRASE", "battery staple", &import, "");
    assert_eq!(imported.code, 0, "{imported:?}");
    elsewhere.ok(&["connections", "edit", "desk", "--proxy", ""]);
    assert_eq!(elsewhere.run(&["connections", "test", "desk"]).code, 0, "with its secret header");
    assert_eq!(demo.server.recent().last().unwrap().header("x-desk-token"), Some(HEADER));
}

#[test]
fn k1_there_is_no_option_for_a_key_that_other_processes_could_read() {
    let program = Program::new();
    for option in ["--api-key", "--secret", "--token", "--password"] {
        let done =
            program.run(&["connections", "add", "--provider", "openai", "--name", "x", option, CANARY]);
        assert_eq!(done.code, 2, "{option}");
    }
}

pub fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if fs::read(&path).unwrap().windows(text.len()).any(|part| part == text.as_bytes()) {
            found.push(path.display().to_string());
        }
    }
    found
}
