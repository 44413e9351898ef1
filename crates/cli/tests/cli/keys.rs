//! `patchbay credentials`, `vault` and `audit`, as scripts use them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::program::{PASSPHRASE, Program, parse};
use crate::secrets::files_with;
use crate::serving::Serving;
use crate::upstream::Demo;

const OLD: &str = "sk-old-5d1f0b9c77ae42d3-OLD1";
const NEW: &str = "sk-new-93b07a4c1de852f0-NEW2";

/// A connection `main` with this key, to a provider that wants [`NEW`].
fn connected(program: &Program, demo: &Demo, key: &str) {
    let about =
        ["--provider", "compatible", "--base-url", demo.url(), "--name", "main", "--model", "demo-fast"];
    let args = [&["connections", "add", "--untested", "--api-key-stdin"][..], &about].concat();
    let added = program.feed(&args, key);
    assert_eq!(added.code, 0, "{added:?}");
}

fn states(view: &Value) -> Vec<String> {
    let versions = view["versions"].as_array().unwrap();
    versions.iter().map(|v| format!("{} {}", v["version"], v["state"].as_str().unwrap())).collect()
}

#[test]
fn k2_a_key_is_rotated_from_a_script_and_back() {
    let program = Program::with_file();
    let demo = Demo::start(Some(NEW));
    connected(&program, &demo, OLD);
    let wrong = program.feed(&["credentials", "rotate", "main"], "sk-wrong-0123456789abcdef-BAD9");
    assert_eq!(wrong.code, 4, "{wrong:?}");
    assert!(wrong.out.contains("the old key is still in use"), "{wrong:?}");
    let staged = program.feed(&["--json", "credentials", "stage", "main"], NEW);
    assert_eq!(states(&parse(&staged.out)), ["3 staged", "2 staged", "1 active"]);
    let refused = program.run(&["credentials", "promote", "main", "--version", "2"]);
    assert_eq!(refused.code, 4, "a test comes first: {refused:?}");
    let promoted = program.json(&["credentials", "promote", "main"]);
    assert_eq!(states(&promoted["credentials"]), ["3 active", "2 staged", "1 retiring"]);

    let token = program.token("bot");
    let serving = Serving::start(&program, &[]);
    program.ok(&["connections", "enable", "main"]);
    assert_eq!(serving.ask(&token, "main").status, 200, "the new key is the right one");
    program.ok(&["credentials", "rollback", "main"]);
    assert_ne!(serving.ask(&token, "main").status, 200, "a running gateway follows at once");
    program.ok(&["credentials", "rollback", "main"]);
    assert_eq!(serving.ask(&token, "main").status, 200);
    let used: Vec<Value> = program.json(&["credentials", "list", "main"])["versions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["requests"].clone())
        .collect();
    assert_eq!(used, [2, 0, 1], "of versions 3, 2 and 1: a test without a completion is no attempt");
    assert_eq!(serving.running.terminate().0, 0);

    let again = program.feed(&["--json", "credentials", "rotate", "main", "--keep-standby"], NEW);
    assert_eq!(states(&parse(&again.out)["credentials"])[..2], ["4 active", "3 standby"]);
    program.ok(&["credentials", "rollback", "main"]);
    program.ok(&["credentials", "purge", "main", "--version", "4"]);

    let erased = program.json(&["credentials", "purge", "main"]);
    assert_eq!(states(&erased), ["4 purged", "3 active", "2 staged", "1 purged"]);
    assert_eq!(program.run(&["credentials", "purge", "main", "--version", "3"]).code, 2, "it is in use");
    assert_eq!(
        program.run(&["credentials", "rollback", "main"]).code,
        1,
        "there is nothing left to go back to"
    );
    program.ok(&["credentials", "revoke", "main"]);
    assert_eq!(program.run(&["credentials", "list", "nobody"]).code, 1);
    let list = program.ok(&["credentials", "list", "main"]);
    assert!(list.contains("…NEW2") && list.contains("erased") && !list.contains(NEW), "{list}");
}

#[test]
fn k3_expiry_and_policy_are_set_from_a_script() {
    let program = Program::new();
    let demo = Demo::start(Some(NEW));
    connected(&program, &demo, NEW);
    let set = program.json(&[
        "credentials",
        "set",
        "main",
        "--expires",
        "2020-02-29",
        "--remind",
        "0",
        "--erase-after",
        "3",
    ]);
    assert_eq!(
        (&set["reminder"], &set["policy"]["remind_days"], &set["policy"]["erase_days"]),
        (&json!("expired"), &Value::Null, &json!(3))
    );
    assert!(program.ok(&["credentials", "list", "main"]).contains("has ended"));
    let never = program.json(&["credentials", "set", "main", "--expires", "never", "--use-standby", "off"]);
    assert_eq!((&never["reminder"], &never["policy"]["use_standby"]), (&json!("fresh"), &json!(false)));
    assert_eq!(program.run(&["credentials", "set", "main", "--expires", "soon"]).code, 2);
}

#[test]
fn k1_the_file_vault_is_never_used_silently_and_its_states_are_told_apart() {
    let program = Program::with_file();
    let demo = Demo::start(Some(NEW));
    connected(&program, &demo, NEW);
    let vault = program.data.join("secrets.vault");
    assert!(vault.is_file());
    assert_eq!(program.json(&["vault", "status"])["kind"], "file");
    let test = ["--json", "connections", "test", "main"];
    assert_eq!(program.run(&test).code, 0);
    let wrong = program.run_with("PATCHBAY_VAULT_PASSPHRASE", "wrong", &test, "");
    assert_eq!((wrong.code, &parse(&wrong.out)[0]["code"]), (4, &json!("vault_denied")));
    let none = program.run_with("PATCHBAY_VAULT_PASSPHRASE", "", &test, "");
    assert_eq!((none.code, &parse(&none.out)[0]["code"]), (4, &json!("vault_locked")));
    fs::write(&vault, "{}").unwrap();
    let damaged = program.run(&test);
    assert_eq!((damaged.code, &parse(&damaged.out)[0]["code"]), (4, &json!("vault_failed")));
    assert!(damaged.out.contains("damaged"), "{damaged:?}");
    assert_eq!(
        program.json(&["connections", "list"])[0]["credential"]["tail"],
        "NEW2",
        "every setting is kept"
    );

    let other = Program::new();
    connected(&other, &demo, NEW);
    assert!(!other.data.join("secrets.vault").exists(), "nobody asked for a file");
}

#[test]
fn k1_another_passphrase_opens_and_the_old_one_does_not() {
    let program = Program::with_file();
    let demo = Demo::start(Some(NEW));
    connected(&program, &demo, NEW);
    let change =
        program.run_with("PATCHBAY_NEW_VAULT_PASSPHRASE", "another", &["vault", "change-passphrase"], "");
    assert_eq!(change.code, 0, "{change:?}");
    let test = ["connections", "test", "main"];
    assert_eq!(program.run(&test).code, 4, "{PASSPHRASE} is the old one");
    assert_eq!(program.run_with("PATCHBAY_VAULT_PASSPHRASE", "another", &test, "").code, 0);
}

#[test]
fn a3_the_log_is_listed_verified_and_exported() {
    let program = Program::new();
    let demo = Demo::start(Some(NEW));
    connected(&program, &demo, NEW);
    program.ok(&["connections", "pause", "main"]);
    program.ok(&["stop"]);
    let list = program.json(&["audit", "list", "--limit", "2"]);
    assert_eq!(
        (&list["entries"][0]["action"], &list["entries"][1]["action"], &list["next"]),
        (&json!("stop"), &json!("pause"), &json!(4))
    );
    assert_eq!(
        program.json(&["audit", "list", "--where", "kind=credential"])["entries"].as_array().unwrap().len(),
        2
    );
    assert_eq!(program.run(&["audit", "list", "--where", "colour=red"]).code, 2);
    assert!(program.ok(&["audit", "list"]).contains("status active to inactive"));
    let verdict = program.json(&["audit", "verify"]);
    assert_eq!((&verdict["intact"], &verdict["entries"]), (&json!(true), &json!(5)));
    let export = parse(&program.ok(&["audit", "export"]));
    assert_eq!(export.as_array().unwrap().len(), 5);
    let csv = program.ok(&["audit", "export", "--csv", "--days", "1"]);
    assert_eq!(csv.lines().count(), 7, "the export before is in it: {csv}");

    let script = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('DROP TRIGGER audit_is_append_only_update'); \
                  db.execute(\"UPDATE audit SET actor = 'router' WHERE id = 4\"); db.commit()";
    match Command::new("python3").args(["-c", script]).arg(program.data.join("patchbay.db")).status() {
        Ok(status) => assert!(status.success()),
        Err(error) => return println!("skipped the broken chain: python3: {error}"),
    }
    let broken = program.run(&["--json", "audit", "verify"]);
    assert_eq!((broken.code, &parse(&broken.out)["first_bad"]), (1, &json!(4)));
}

/// Of an idle gateway: it has the secrets in its vault, and has read them for nobody yet.
#[test]
fn k1_a_core_dump_holds_no_key() {
    if Command::new("gcore").arg("--help").output().is_err() {
        return println!("skipped: gcore (of gdb) is not installed");
    }
    let (header, login) = ("hdr-canary-5d1f0b9c77ae42", "proxy-canary-93b07a4c1de852");
    let program = Program::with_file();
    let demo = Demo::start(Some(NEW));
    connected(&program, &demo, NEW);
    let proxy = format!("http://me:{login}@127.0.0.1:9");
    let edit = ["connections", "edit", "main", "--secret-header", "X-Desk-Token", "--proxy", &proxy];
    let edited = program.feed(&edit, &format!("{header}\n"));
    assert_eq!(edited.code, 0, "{edited:?}");
    let serving = Serving::start(&program, &[]);
    assert_eq!(serving.models(&program.token("bot")).status, 200);
    let process = serving.running.id();
    #[cfg(target_os = "linux")]
    {
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(cores.split_whitespace().nth(4), Some("0"), "a crash writes no dump at all: {cores}");
    }
    let folder = tempfile::tempdir().unwrap();
    let dump = Command::new("gcore")
        .arg("-o")
        .arg(folder.path().join("core"))
        .arg(process.to_string())
        .output()
        .unwrap();
    if !dump.status.success() {
        return println!("skipped: gcore may not look into processes here: {dump:?}");
    }
    for secret in [NEW, header, login] {
        assert!(!dump_holds(folder.path(), secret), "{secret}");
        assert_eq!(files_with(&program.data, secret), Vec::<String>::new());
    }
    for known in ["patchbay", "x-desk-token"] {
        assert!(dump_holds(folder.path(), known), "the search finds what is there: {known}");
    }
}

/// A dump is large, so a program that is made for it searches.
fn dump_holds(folder: &Path, text: &str) -> bool {
    let found = Command::new("grep").args(["-r", "-q", "-a", "-F", text]).arg(folder).status().unwrap();
    assert!(matches!(found.code(), Some(0 | 1)), "{found}");
    found.success()
}
