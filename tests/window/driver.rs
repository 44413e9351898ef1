//! WebKitWebDriver, which starts the window and tells it what to do.

use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use thirtyfour::{Capabilities, WebDriver};
use tokio::net::TcpStream;

use crate::wait::until;

const STARTED: Duration = Duration::from_mins(1);
const ENDED: Duration = Duration::from_secs(10);
/// Longer than any command takes; a screenshot of a web view that lost its display never ends.
const COMMAND: Duration = Duration::from_secs(30);

/// A folder for everything that a window writes. Windows that follow each other may share it.
pub(crate) struct Home {
    folder: TempDir,
    chooses_by_portal: bool,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), chooses_by_portal: false }
    }

    /// On a desktop whose file chooser is a service on the bus, as sandboxed programs have it.
    pub(crate) fn with_portals() -> Self {
        Self { chooses_by_portal: true, ..Self::new() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Patchbay's data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("patchbay")
    }

    /// What the program and its driver wrote to their outputs.
    pub(crate) fn log(&self) -> PathBuf {
        self.path().join("output.log")
    }
}

/// The bus and the keychain that the window finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keychain {
    /// The test session's, which is open.
    Open,
    /// One of its own, which is locked.
    Locked,
}

/// A running driver with whatever it started. All of them end when it is dropped.
pub(crate) struct Driver {
    child: Child,
    port: u16,
    /// Closed when the last of them has ended.
    ended: Receiver<()>,
}

impl Driver {
    pub(crate) fn start(home: &Home, keychain: Keychain) -> Self {
        let port = free_port();
        let mut command = match keychain {
            Keychain::Open => Command::new("WebKitWebDriver"),
            Keychain::Locked => in_a_locked_session(home),
        };
        command
            .arg(format!("--port={port}"))
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            // As much as the program can ever be made to tell about itself.
            .env("PATCHBAY_LOG", "trace")
            // What starts with a session is noted below it, whatever the variables below say.
            .env("HOME", home.path())
            .env_remove("PATCHBAY_DATA_DIR");
        for (variable, part) in
            [("XDG_DATA_HOME", "share"), ("XDG_CONFIG_HOME", "config"), ("XDG_CACHE_HOME", "cache")]
        {
            command.env(variable, home.path().join(part));
        }
        if home.chooses_by_portal {
            command.env("GTK_USE_PORTAL", "1");
        }
        let (output, write_end) = std::io::pipe().expect("a pipe");
        let log = File::options().create(true).append(true).open(home.log()).expect("a log");
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(write_end.try_clone().expect("another end"))
            .stderr(write_end)
            .spawn()
            .expect("WebKitWebDriver runs (Debian: webkit2gtk-driver)");
        // The command keeps its ends of the pipe open.
        drop(command);
        Self { child, port, ended: drain(output, log) }
    }

    /// Opens the window.
    pub(crate) async fn open(&self, arguments: &[String]) -> WebDriver {
        let port = self.port;
        until("the driver listens", STARTED, async || TcpStream::connect(("127.0.0.1", port)).await.ok())
            .await;
        // Whoever came first has installed it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut wanted = Capabilities::default();
        let options = json!({ "binary": env!("CARGO_BIN_EXE_patchbay-desktop"), "args": arguments });
        wanted.set("webkitgtk:browserOptions", options).expect("a capability");
        WebDriver::builder(format!("http://127.0.0.1:{port}"), wanted)
            .request_timeout(COMMAND)
            .await
            .expect("the window opens")
    }

    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        let sent = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
        sent.expect("kill runs");
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        for signal in ["-TERM", "-KILL"] {
            self.signal(signal);
            // An error means that the output has no writer any more, so all have ended.
            if self.ended.recv_timeout(ENDED) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                break;
            }
        }
        self.child.wait().expect("the driver has ended");
    }
}

/// Copies the output to a file until nobody writes to it any more: a pipe that somebody still held would keep the whole
/// test run waiting, and a file cannot tell when its writers are gone.
fn drain(mut output: std::io::PipeReader, mut log: File) -> Receiver<()> {
    let (ended, receiver) = channel();
    std::thread::spawn(move || {
        std::io::copy(&mut output, &mut log).expect("the log is written");
        log.flush().expect("the log is written");
        drop(ended);
    });
    receiver
}

/// A bus of its own with a keychain that is locked before anybody asks for it.
fn in_a_locked_session(home: &Home) -> Command {
    const SCRIPT: &str = r#"
        echo | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1
        dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
            org.freedesktop.Secret.Service.Lock \
            array:objpath:/org/freedesktop/secrets/collection/login >/dev/null
        exec WebKitWebDriver "$@""#;
    let runtime = home.path().join("run");
    std::fs::create_dir(&runtime).expect("a folder");
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&runtime, private).expect("a private folder");
    let mut command = Command::new("dbus-run-session");
    command
        .args(["--", "sh", "-c", SCRIPT, "locked-session"])
        .env("XDG_RUNTIME_DIR", runtime)
        .env_remove("GNOME_KEYRING_CONTROL");
    command
}

/// One that nobody listens on at the moment.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("an address").port()
}
