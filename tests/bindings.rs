//! `ui/src/bindings.ts` is generated from the shell's commands and committed. This test fails when it is out of date;
//! `PATCHBAY_WRITE_BINDINGS=1 cargo test --test bindings` writes it anew.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;

use specta_typescript::Typescript;

fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui/src/bindings.ts")
}

fn generated() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let fresh = folder.path().join("bindings.ts");
    let header = "// Generated from the commands in src-tauri/. Do not edit.\n// @ts-nocheck\n";
    patchbay_desktop::bindings()
        .export(Typescript::default().header(header), &fresh)
        .expect("the types can be exported");
    std::fs::read_to_string(&fresh).expect("the file")
}

#[test]
fn the_bindings_are_up_to_date() {
    let fresh = generated();
    if std::env::var_os("PATCHBAY_WRITE_BINDINGS").is_some() {
        std::fs::write(file(), &fresh).expect("written");
    }
    let committed = std::fs::read_to_string(file()).expect("the committed file");
    assert!(
        committed == fresh,
        "ui/src/bindings.ts is out of date: run PATCHBAY_WRITE_BINDINGS=1 cargo test --test bindings"
    );
}

#[test]
fn every_command_is_permitted_and_no_other() {
    let permissions = include_str!("../src-tauri/permissions/patchbay.toml");
    let permitted: BTreeSet<&str> =
        permissions.lines().filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\",")).collect();
    let bindings = generated();
    let called: BTreeSet<&str> =
        bindings.split("__TAURI_INVOKE(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert_eq!(called, permitted);
    assert!(called.len() > 30);
}

#[test]
fn k1_secrets_go_in_and_never_come_out() {
    let bindings = generated();
    let code = bindings.lines().map(str::trim).filter(|line| !line.starts_with(['/', '*']));
    let naming: Vec<&str> = code.filter(|line| line.contains("secret")).collect();
    // The arguments of these commands, and a field of the draft and one of the edits, which are only ever arguments.
    let takers = ["credentialStage", "credentialRotate"];
    assert_eq!(naming.len(), takers.len() + 2, "{naming:#?}");
    for (line, taker) in naming.iter().zip(takers) {
        assert!(line.contains(taker), "{line}");
    }
    assert!(naming[takers.len()].starts_with("secret:"), "{}", naming[takers.len()]);
    assert!(naming[takers.len() + 1].contains("value: SecretHeaderEdit"), "{}", naming[takers.len() + 1]);
    let code = bindings.lines().map(str::trim).filter(|line| !line.starts_with(['/', '*']));
    let asking: Vec<&str> = code.filter(|line| line.contains("passphrase")).collect();
    // Each line is a command that takes one; a line of a type would be an answer that tells one.
    assert_eq!(asking.len(), 8, "{asking:#?}");
    assert!(asking.iter().all(|line| line.contains("__TAURI_INVOKE")), "{asking:#?}");
    assert!(!bindings.contains("typedError<ConnectionDraft"));
}
