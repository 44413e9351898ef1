//! `patchbay` as a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// Longer than anything here takes when all is well.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// What opens the encrypted file of [`Program::with_file`].
pub const PASSPHRASE: &str = "correct horse battery staple";

/// The program with a data folder.
pub struct Program {
    pub data: PathBuf,
    vault: &'static str,
    _folder: Option<TempDir>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Program {
    /// On a folder of its own.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { data: folder.path().join("data"), vault: "memory", _folder: Some(folder) }
    }

    /// On a folder of its own, with keys that outlive a command: in the encrypted file.
    pub fn with_file() -> Self {
        Self { vault: "file", ..Self::new() }
    }

    /// On a folder that somebody else keeps.
    pub fn at(data: &Path) -> Self {
        Self { data: data.to_owned(), vault: "memory", _folder: None }
    }

    /// Nothing of the developer's settings reaches it.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_patchbay"));
        for name in
            ["PATCHBAY_DATA_DIR", "PATCHBAY_LOG", "PATCHBAY_VAULT_PASSPHRASE", "PATCHBAY_BACKUP_PASSPHRASE"]
        {
            command.env_remove(name);
        }
        if self.vault == "file" {
            command.env("PATCHBAY_VAULT_PASSPHRASE", PASSPHRASE);
        }
        command.args(["--vault", self.vault, "--data-dir"]).arg(&self.data).args(args);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Done {
        finish(self.command(args).spawn().unwrap(), args)
    }

    /// The same with an environment variable more.
    pub fn run_with(&self, name: &str, value: &str, args: &[&str], input: &str) -> Done {
        let mut child = self.command(args).env(name, value).stdin(Stdio::piped()).spawn().unwrap();
        // A program that wants no input may have ended before it gets some.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        finish(child, args)
    }

    /// The same with two of them and no input.
    pub fn run_with_both(&self, variables: [(&str, &str); 2], args: &[&str]) -> Done {
        finish(self.command(args).envs(variables).spawn().unwrap(), args)
    }

    /// The same with something on standard input.
    pub fn feed(&self, args: &[&str], input: &str) -> Done {
        self.run_with("LC_ALL", "C", args, input)
    }

    /// Runs a command that has to succeed, and answers its standard output.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let done = self.run(args);
        assert_eq!(done.code, 0, "{args:?}: {done:?}");
        done.out
    }

    /// The same for the one JSON document of a command.
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Value {
        parse(&self.ok(&[&["--json"], args].concat()))
    }

    /// All attempts, oldest first.
    #[track_caller]
    pub fn log(&self) -> Vec<Value> {
        let text = self.ok(&["--json", "log", "--limit", "1000000"]);
        text.lines().map(parse).collect()
    }

    /// A token of a new app.
    #[track_caller]
    pub fn token(&self, app: &str) -> String {
        let added = self.json(&["apps", "add", app]);
        added["token"].as_str().unwrap().to_owned()
    }

    /// Starts a command with something on standard input.
    pub fn start_with(&self, args: &[&str], input: &str) -> Running {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        Running::new(child)
    }

    /// Starts a command that goes on.
    pub fn start(&self, args: &[&str]) -> Running {
        Running::new(self.command(args).spawn().unwrap())
    }
}

#[track_caller]
pub fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn finish(child: Child, args: &[&str]) -> Done {
    let id = child.id();
    let (ended, end) = channel();
    thread::spawn(move || ended.send(child.wait_with_output()));
    let Ok(output) = end.recv_timeout(DEADLINE) else {
        signal("KILL", id);
        panic!("{args:?} does not end");
    };
    let output: Output = output.unwrap();
    Done {
        code: output.status.code().expect("it was not killed"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn signal(name: &str, process: u32) {
    assert!(reaches(name, process), "kill -{name} {process}");
}

/// Sends a signal to a process that may have ended by now, and answers whether it was there still.
pub fn reaches(name: &str, process: u32) -> bool {
    let sent =
        Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).stderr(Stdio::null()).status();
    sent.unwrap().success()
}

/// A command that goes on until it is ended; it is killed when this is dropped.
pub struct Running {
    child: Child,
    lines: Receiver<String>,
    /// Everything on standard error, once that is closed.
    errors: Receiver<String>,
}

impl Running {
    fn new(mut child: Child) -> Self {
        let (line, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|text| line.send(text)));
        let (error, errors) = channel();
        let mut err = child.stderr.take().unwrap();
        thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).map(|_| error.send(text))
        });
        Self { child, lines, errors }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output.
    #[track_caller]
    pub fn line(&self) -> String {
        match self.lines.recv_timeout(DEADLINE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Timeout) => panic!("it says nothing"),
            Err(RecvTimeoutError::Disconnected) => panic!("it ended: {}", self.errors.recv().unwrap()),
        }
    }

    /// Waits until it says no more: it has ended.
    pub fn ends(&self) {
        while self.lines.recv_timeout(DEADLINE).is_ok() {}
    }

    /// Tells it to stop, waits, and answers its exit code and all of its standard error.
    #[track_caller]
    pub fn terminate(self) -> (i32, String) {
        signal("TERM", self.id());
        self.wait()
    }

    /// Waits for its end.
    #[track_caller]
    pub fn wait(mut self) -> (i32, String) {
        let errors = self.errors.recv_timeout(DEADLINE).expect("an end");
        let status = self.child.wait().unwrap();
        (status.code().unwrap_or_else(|| panic!("{status}: {errors}")), errors)
    }

    /// `kill -9`.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended by itself in most tests.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
