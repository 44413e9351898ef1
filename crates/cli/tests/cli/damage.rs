//! Data folders that cannot be used: each is told in a sentence with a remedy, and nothing is harmed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::contract::refusal;
use crate::program::{DEADLINE, Program};
use crate::serving::Serving;

/// Where a database's header keeps the number of its format.
const FORMAT: std::ops::Range<usize> = 60..64;

fn database(program: &Program) -> PathBuf {
    program.data.join("patchbay.db")
}

/// A database of Patchbay's alone, without its log of changes, to be put into a fresh folder.
fn used() -> (Program, Vec<u8>) {
    let (program, fresh) = (Program::new(), Program::new());
    program.ok(&["providers", "list"]);
    let bytes = fs::read(database(&program)).unwrap();
    assert!(bytes.starts_with(b"SQLite format 3\0"));
    fs::create_dir_all(&fresh.data).unwrap();
    (fresh, bytes)
}

/// Every kind of command says the same of it.
fn refused_everywhere(program: &Program, code: &str) -> String {
    let mut message = String::new();
    for args in [&["usage"][..], &["serve", "--port", "0"], &["stop"], &["connections", "list"]] {
        message = refusal(&program.run(&[&["--json"], args].concat()), 1, code);
    }
    message
}

#[test]
fn x1_a_newer_database_is_refused_and_left_alone() {
    let (program, mut bytes) = used();
    bytes[FORMAT].copy_from_slice(&9_999_u32.to_be_bytes());
    fs::write(database(&program), &bytes).unwrap();
    let message = refused_everywhere(&program, "database_newer");
    assert!(message.contains("9999") && message.contains("Update Patchbay"), "{message}");
    assert_eq!(fs::read(database(&program)).unwrap(), bytes);
}

#[test]
fn x1_a_file_that_is_no_database_is_refused_and_left_alone() {
    for garbage in [b"this is not a database, but somebody's notes\n".repeat(200), vec![0; 4_096]] {
        let program = Program::new();
        fs::create_dir_all(&program.data).unwrap();
        fs::write(database(&program), &garbage).unwrap();
        let message = refused_everywhere(&program, "database_failed");
        assert!(message.contains("not a database") && message.contains("backup"), "{message}");
        assert_eq!(fs::read(database(&program)).unwrap(), garbage);
    }
}

#[test]
fn x1_a_damaged_database_is_no_crash() {
    let (program, mut bytes) = used();
    for page in bytes.chunks_mut(4_096).skip(1) {
        page.fill(0xA5);
    }
    fs::write(database(&program), &bytes).unwrap();
    let message = refused_everywhere(&program, "database_failed");
    assert!(message.contains("backup"), "{message}");
    let program = Program::new();
    fs::create_dir_all(database(&program)).unwrap();
    let done = program.run(&["usage"]);
    assert!(done.code == 1 && done.err.lines().count() == 2, "{done:?}");
}

#[test]
fn x1_a_folder_that_cannot_be_written_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o500)).unwrap();
    // Root may write anywhere but into what the kernel shows as files.
    let is_root = fs::write(closed.join("probe"), "").is_ok();
    let place = if is_root { Path::new("/proc/patchbay") } else { closed.as_path() };
    for data in [place, Path::new("/dev/null/patchbay")] {
        let message = refused_everywhere(&Program::at(data), "disk_full");
        assert!(message.contains(data.to_str().unwrap()) && message.contains("writable"), "{message}");
    }
}

/// A file system of its own, which is gone when this is dropped.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    /// `None`, with the reason printed, where this user may not mount one.
    fn mount(options: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder.path()).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self { folder }),
            other => {
                println!("skipped: a small file system cannot be mounted here: {other:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn remount(&self, options: &str) {
        let done =
            Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(self.path()).status();
        assert!(done.unwrap().success());
    }

    /// Takes all the space that is left.
    fn fill(&self) {
        let mut filler = fs::File::create(self.path().join("filler")).unwrap();
        for piece in [1 << 16, 1 << 12, 1] {
            let piece = vec![1; piece];
            while filler.write_all(&piece).is_ok() {
                assert!(filler.metadata().unwrap().len() < 1 << 26, "it has no end");
            }
        }
    }

    fn empty(&self) {
        fs::remove_file(self.path().join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // It may be busy for a moment yet; a lazy one goes as soon as it is not.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[test]
fn x1_a_read_only_disk_is_told() {
    let Some(disk) = Disk::mount("size=8m") else { return };
    let program = Program::at(disk.path());
    program.ok(&["demo", "load", "--attempts", "10"]);
    let bytes = fs::read(database(&program)).unwrap();
    disk.remount("ro");
    let message = refused_everywhere(&program, "disk_full");
    assert!(message.contains("cannot be written") && message.contains("writable"), "{message}");
    assert_eq!(fs::read(database(&program)).unwrap(), bytes);
    disk.remount("rw");
    assert_eq!(program.json(&["usage"])["totals"]["attempts"], 10);
}

#[test]
fn x1_a_full_disk_at_the_first_start_is_told() {
    let Some(disk) = Disk::mount("size=64k") else { return };
    let program = Program::at(disk.path());
    disk.fill();
    let message = refused_everywhere(&program, "disk_full");
    assert!(message.contains("Free some space"), "{message}");
    disk.empty();
    disk.remount("size=8m");
    program.ok(&["demo", "load", "--attempts", "10"]);
}

#[test]
fn c4_a_disk_that_fills_up_fails_no_call_and_its_rows_come_later() {
    let Some(disk) = Disk::mount("size=8m") else { return };
    let program = Program::at(disk.path());
    let serving = Serving::start(&program, &["--demo"]);
    let token = program.token("bot");
    assert_eq!(serving.ask(&token, "demo-free").status, 200);
    disk.fill();
    for stream in [false, true] {
        let extra = format!(r#","stream":{stream}"#);
        for _ in 0..20 {
            let answer = serving.question(&token, "demo-free", &extra).send().rest();
            assert!(answer.is_complete(stream), "{answer:?}");
        }
    }
    assert_eq!(program.log().len(), 1, "the others wait");
    disk.empty();
    let began = Instant::now();
    let rows: Vec<Value> = loop {
        let rows = program.log();
        if rows.len() == 41 {
            break rows;
        }
        assert!(began.elapsed() < DEADLINE, "{} of 41 rows", rows.len());
    };
    assert!(rows.iter().all(|row| row["outcome"] == "answered"));
    let totals = program.json(&["usage"])["totals"].clone();
    assert_eq!((&totals["attempts"], &totals["succeeded"]), (&Value::from(41), &Value::from(41)));
    assert_eq!(serving.running.terminate().0, 0);
}
