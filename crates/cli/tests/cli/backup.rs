//! `patchbay backup`, `restore`, `export`, `import`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Done, Program, parse};
use crate::secrets::files_with;
use crate::upstream::Demo;

const CANARY: &str = "sk-canary-77d0e24b583f9a1c-Qw7E";
const VARIABLE: &str = "PATCHBAY_BACKUP_PASSPHRASE";

struct Scene {
    program: Program,
    demo: Demo,
    folder: TempDir,
}

/// A connection with everything set that the command line sets, an app, a stop, some history.
fn scene() -> Scene {
    let (program, demo) = (Program::with_file(), Demo::start(Some(CANARY)));
    let limits =
        ["--rpm", "60", "--rate", "5/10", "--max-retries", "3", "--header", "x-desk=fx", "--priority", "2"];
    let about =
        ["--provider", "compatible", "--base-url", demo.url(), "--name", "Main desk", "--model", "demo-fast"];
    let proxy = ["--proxy", "http://me:hunter2@127.0.0.1:9", "--untested", "--api-key-stdin"];
    let added = program.feed(&[&["connections", "add"][..], &about, &limits, &proxy].concat(), CANARY);
    assert_eq!(added.code, 0, "{added:?}");
    program.ok(&["connections", "edit", "main_desk", "--proxy", ""]);
    program.ok(&["credentials", "set", "main_desk", "--remind", "30"]);
    program.ok(&["apps", "add", "bot", "--feature", "signals"]);
    program.ok(&["connections", "test", "main_desk", "--spend"]);
    Scene { program, demo, folder: tempfile::tempdir().unwrap() }
}

impl Scene {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// With the passphrase of sealed files.
fn sealed(program: &Program, args: &[&str]) -> Done {
    program.run_with(VARIABLE, "battery staple", args, "")
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What a person would miss, were it gone.
fn memory(program: &Program) -> [Value; 4] {
    let mut connections = program.json(&["connections", "list"]);
    for connection in connections.as_array_mut().unwrap() {
        connection["strip"] = Value::Null;
        // What is used of a minute is less a minute later.
        for limit in ["per_minute", "per_period", "tokens_per_minute"] {
            connection["limits"][limit]["used"] = Value::Null;
        }
    }
    [
        connections,
        program.json(&["apps", "list"]),
        program.json(&["credentials", "list", "main_desk"]),
        json!(program.log()),
    ]
}

#[test]
fn x1_a_backup_brings_everything_back_and_holds_no_key() {
    let scene = scene();
    let (program, file) = (&scene.program, scene.file("all.db"));
    let before = memory(program);
    program.ok(&["backup", text(&file)]);
    assert_eq!(files_with(scene.folder.path(), CANARY), Vec::<String>::new());
    program.ok(&["connections", "pause", "main_desk"]);
    program.ok(&["apps", "revoke", "bot"]);
    let found = program.json(&["restore", text(&file), "--dry-run"]);
    assert_eq!((&found["connections"], &found["keys"]), (&json!(["Main desk"]), &json!(0)));
    assert_eq!(program.json(&["connections", "list"])[0]["status"], "inactive", "a look changes nothing");
    let restored = program.json(&["restore", text(&file)]);
    assert_eq!(memory(program), before);
    let kept = PathBuf::from(restored["before"].as_str().unwrap());
    assert_eq!(program.run(&["connections", "test", "main_desk"]).code, 0, "the key is where it was");
    assert_eq!(program.json(&["audit", "verify"])["intact"], true);
    assert_eq!(program.json(&["audit", "list", "--limit", "1"])["entries"][0]["action"], "test");

    program.ok(&["restore", text(&kept)]);
    assert_eq!(
        program.json(&["connections", "list"])[0]["status"],
        "inactive",
        "a restore can be taken back"
    );
}

#[test]
fn x1_a_sealed_backup_takes_the_keys_along() {
    let scene = scene();
    let file = scene.file("all.age");
    let made = sealed(&scene.program, &["--json", "backup", text(&file), "--with-secrets"]);
    assert_eq!((made.code, &parse(&made.out)["keys"]), (0, &json!(1)), "{made:?}");
    assert_eq!(files_with(scene.folder.path(), CANARY), Vec::<String>::new());
    assert!(fs::read(&file).unwrap().starts_with(b"age-encryption.org/v1\n"));

    let elsewhere = Program::with_file();
    for (passphrase, code) in [("wrong", 4), ("", 4)] {
        let refused = elsewhere.run_with(VARIABLE, passphrase, &["restore", text(&file)], "");
        assert_eq!(refused.code, code, "{refused:?}");
        assert!(!elsewhere.data.join("patchbay.db").exists(), "nothing was changed");
    }
    let restored = sealed(&elsewhere, &["restore", text(&file)]);
    assert_eq!(restored.code, 0, "{restored:?}");
    assert_eq!(memory(&elsewhere)[..3], memory(&scene.program)[..3]);
    assert_eq!(elsewhere.run(&["connections", "test", "main_desk"]).code, 0, "with its key");
    assert!(!scene.demo.server.recent().is_empty());
}

#[test]
fn k4_keys_are_restored_only_where_the_vault_can_be_opened() {
    let scene = scene();
    let (file, other) = (scene.file("all.age"), scene.file("other.db"));
    assert_eq!(sealed(&scene.program, &["backup", text(&file), "--with-secrets"]).code, 0);
    let elsewhere = self::scene();
    elsewhere.program.ok(&["connections", "pause", "main_desk"]);
    let before = memory(&elsewhere.program);
    let held = fs::read(elsewhere.program.data.join("secrets.vault")).unwrap();
    for (passphrase, told) in [("", "PATCHBAY_VAULT_PASSPHRASE"), ("not this one", "does not open")] {
        let refused = elsewhere.program.run_with_both(
            [(VARIABLE, "battery staple"), ("PATCHBAY_VAULT_PASSPHRASE", passphrase)],
            &["restore", text(&file)],
        );
        assert!(refused.code == 4 && refused.err.contains(told), "{refused:?}");
        assert!(refused.err.contains("vault file"), "it says which passphrase: {refused:?}");
        assert_eq!(memory(&elsewhere.program), before, "nothing was changed");
        assert_eq!(fs::read(elsewhere.program.data.join("secrets.vault")).unwrap(), held);
        let backups = fs::read_dir(elsewhere.program.data.join("backups"));
        assert_eq!(backups.map_or(0, Iterator::count), 0, "not even a copy was made");
    }
    // Without keys in it, a copy needs no vault.
    scene.program.ok(&["backup", text(&other)]);
    let done = elsewhere.program.run_with("PATCHBAY_VAULT_PASSPHRASE", "", &["restore", text(&other)], "");
    assert_eq!(done.code, 0, "{done:?}");
    assert_eq!(sealed(&elsewhere.program, &["restore", text(&file)]).code, 0, "with the right one");
    assert_eq!(elsewhere.program.run(&["connections", "test", "main_desk"]).code, 0, "its key is there");
}

#[test]
fn x1_what_is_no_backup_changes_nothing() {
    let scene = scene();
    let (program, file) = (&scene.program, scene.file("all.db"));
    program.ok(&["backup", text(&file)]);
    let whole = fs::read(&file).unwrap();
    let before = memory(program);
    let mut torn = whole.clone();
    torn[whole.len() / 2..].fill(0x5a);
    for (name, bytes) in [
        ("empty", vec![]),
        ("text", b"hello".to_vec()),
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("torn", torn),
    ] {
        fs::write(scene.file(name), bytes).unwrap();
        let refused = program.run(&["restore", text(&scene.file(name))]);
        assert_eq!(refused.code, 2, "{name}: {refused:?}");
    }
    assert_ne!(program.run(&["restore", text(&scene.file("nowhere"))]).code, 0);
    assert_ne!(program.run(&["backup", "/dev/null/all.db"]).code, 0);
    let serving = crate::serving::Serving::start(program, &[]);
    let refused = program.run(&["restore", text(&file)]);
    assert!(refused.code == 1 && refused.err.contains("Another Patchbay"), "{refused:?}");
    assert_eq!(serving.running.terminate().0, 0);
    assert_eq!(memory(program), before);
}

#[test]
fn x1_the_configuration_goes_there_and_back_without_secrets() {
    let scene = scene();
    let (program, file, again) = (&scene.program, scene.file("desk.json"), scene.file("again.json"));
    program.ok(&["connections", "edit", "main_desk", "--proxy", "http://me:hunter2@127.0.0.1:9"]);
    program.ok(&["export", text(&file)]);
    let document = fs::read_to_string(&file).unwrap();
    for hidden in [CANARY, "hunter2", "store_id", "fingerprint"] {
        assert!(!document.contains(hidden), "{hidden}");
    }
    let same = program.json(&["import", text(&file)]);
    let nothing = json!({ "connections": [], "steps": [], "keys": [], "skipped": [] });
    assert_eq!(same, nothing, "what is the same changes nothing");

    let elsewhere = Program::with_file();
    let told = elsewhere.json(&["import", text(&file), "--dry-run"]);
    let names: Vec<_> = told["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| format!("{} {} {}", s["action"], s["kind"], s["name"]).replace('"', ""))
        .collect();
    assert_eq!(names, ["create connection main_desk", "create connection main_desk", "create app bot"]);
    assert_eq!(elsewhere.json(&["connections", "list"]), json!([]), "a dry run changes nothing");
    assert_eq!(elsewhere.json(&["import", text(&file)]), told, "and tells what is done");
    elsewhere.ok(&["export", text(&again)]);
    assert_eq!(fs::read_to_string(&again).unwrap(), document, "there and back");
    let imported = &elsewhere.json(&["connections", "list"])[0];
    assert_eq!((&imported["credential"], &imported["max_retries"]), (&Value::Null, &json!(3)));
    let log = elsewhere.json(&["audit", "list", "--where", "actor=import"]);
    assert_eq!(log["entries"].as_array().unwrap().len(), 4);
}

#[test]
fn x1_a_sealed_configuration_brings_its_keys() {
    let scene = scene();
    let file = scene.file("desk.age");
    assert_eq!(sealed(&scene.program, &["export", text(&file), "--with-secrets"]).code, 0);
    let elsewhere = Program::with_file();
    let imported = sealed(&elsewhere, &["--json", "import", text(&file)]);
    assert_eq!((imported.code, &parse(&imported.out)["keys"]), (0, &json!(["main_desk"])), "{imported:?}");
    assert_eq!(elsewhere.run(&["connections", "test", "main_desk"]).code, 0);
    assert_eq!(sealed(&elsewhere, &["import", text(&file)]).code, 0);
    let versions = elsewhere.json(&["credentials", "list", "main_desk"])["versions"].clone();
    assert_eq!(versions.as_array().unwrap().len(), 1, "the same key again is no new version");
    assert_eq!(files_with(&elsewhere.data, CANARY), Vec::<String>::new());
}

#[test]
fn x1_an_import_is_whole_or_not_at_all() {
    let scene = scene();
    let (program, file) = (&scene.program, scene.file("desk.json"));
    program.ok(&["export", text(&file)]);
    let whole: Value = parse(&fs::read_to_string(&file).unwrap());
    let before = memory(program);
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut document = whole.clone();
        document["apps"][0]["feature"] = json!("changed");
        change(&mut document);
        fs::write(&file, document.to_string()).unwrap();
        program.run(&["import", text(&file)])
    };
    for refused in [
        changed(&|document| document["connections"][0]["priority"] = json!(-1)),
        changed(&|document| document["connections"][0]["base_url"] = json!("ftp://x")),
        changed(&|document| document["connections"][0]["provider"] = json!("nobody")),
        changed(&|document| document["connections"][0]["colour"] = json!("red")),
        changed(&|document| document["settings"] = json!([{ "name": "store_id", "value": "\"x\"" }])),
        changed(&|document| document["apps"] = json!("all of them")),
        changed(&|document| document["patchbay_configuration"] = json!(99)),
    ] {
        assert_ne!(refused.code, 0, "{refused:?}");
        assert!(refused.err.len() > 20, "{refused:?}");
    }
    assert_eq!(memory(program), before);

    let moved = changed(&|document| document["connections"][0]["base_url"] = json!("http://127.0.0.1:9/v1"));
    assert_eq!(moved.code, 0, "{moved:?}");
    let credentials = program.json(&["credentials", "list", "main_desk"]);
    assert_eq!(
        credentials["versions"][0]["state"], "purged",
        "K5: a key given for one server is not sent to another"
    );
}
