//! A rotation that is ended by `kill -9` wherever it is: one key is in use afterwards, and it works (K2). The data folder is
//! watched from outside, so that the axe falls right after a step of its own has reached the disk.

use std::fs;
use std::mem::MaybeUninit;
use std::thread;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use serde_json::Value;

use crate::program::{Program, reaches};
use crate::upstream::Demo;

const OLD: &str = "sk-old-5d1f0b9c77ae42-OLD1";
const NEW: &str = "sk-new-93b07a4c1de852-NEW2";
/// At how many moments of a rotation it is ended.
const MOMENTS: usize = 12;

/// What says that a process is gone.
const END: &str = "end-of-watch";

/// Rotates, ends the process after so many steps, and answers how many there were.
fn rotate(program: &Program, until: Option<usize>) -> usize {
    let watch = inotify::init(CreateFlags::CLOEXEC).unwrap();
    let flags = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE;
    inotify::add_watch(&watch, &program.data, flags).unwrap();
    let running = program.start_with(&["credentials", "rotate", "main"], NEW);
    let process = running.id();
    let mut steps = 0;
    thread::scope(|scope| {
        scope.spawn(move || {
            running.ends();
            fs::write(program.data.join(END), "").unwrap();
        });
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut events = Reader::new(&watch, &mut buffer);
        while events.next().unwrap().file_name().is_none_or(|name| name.to_bytes() != END.as_bytes()) {
            steps += 1;
            if Some(steps) == until {
                // After its last steps it may have ended sooner than it is killed.
                reaches("KILL", process);
            }
        }
    });
    steps
}

/// A connection with a key, at a provider that takes any.
fn prepared(demo: &Demo) -> Program {
    let program = Program::with_file();
    let about =
        ["--provider", "compatible", "--base-url", demo.url(), "--name", "Main", "--model", "demo-fast"];
    let added = program
        .feed(&[&["connections", "add"][..], &about, &["--untested", "--api-key-stdin"]].concat(), OLD);
    assert_eq!(added.code, 0, "{added:?}");
    program
}

/// The version in use, after its key has answered.
fn working(program: &Program, demo: &Demo, moment: usize) -> u64 {
    let versions = program.json(&["credentials", "list", "main"])["versions"].clone();
    let active: Vec<&Value> =
        versions.as_array().unwrap().iter().filter(|version| version["state"] == "active").collect();
    assert_eq!(active.len(), 1, "after {moment} steps: {versions}");
    let version = active[0]["version"].as_u64().unwrap();
    assert_eq!(program.run(&["connections", "test", "main"]).code, 0, "after {moment} steps");
    let sent = demo.server.recent();
    let expected = format!("Bearer {}", if version == 1 { OLD } else { NEW });
    assert_eq!(sent.last().unwrap().header("authorization"), Some(expected.as_str()), "after {moment} steps");
    assert_eq!(program.json(&["audit", "verify"])["intact"], true, "after {moment} steps");
    version
}

#[test]
fn k2_kill_9_at_any_step_of_a_rotation_leaves_one_key_that_works() {
    let demo = Demo::start(None);
    let whole = prepared(&demo);
    let steps = rotate(&whole, None);
    assert_eq!(working(&whole, &demo, steps), 2);
    let mut left = Vec::new();
    for moment in (0..MOMENTS).map(|part| 1 + part * steps / MOMENTS) {
        let program = prepared(&demo);
        rotate(&program, Some(moment));
        left.push(working(&program, &demo, moment));
    }
    println!("{steps} steps; in use afterwards: {left:?}");
    assert!(left.contains(&1), "some ended before the switch: {left:?}");
}
