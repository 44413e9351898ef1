//! The vault against a real Secret Service (gnome-keyring). Each test brings a bus, folders and, where it wants one, a
//! keychain of its own: it starts itself again in a nested session. Only in the private session of `./test`; elsewhere
//! these tests say so and pass.
#![cfg(test)]
#![cfg(target_os = "linux")]

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_store::vault::{Keychain, Slot, Vault, VaultError, VaultState};

/// Names the test that runs inside its nested session.
const INSIDE: &str = "PATCHBAY_VAULT_TEST";
/// Long enough for a busy machine, short enough for a call that waits for a person.
const LIMIT_S: &str = "60";
const SOON: Duration = Duration::from_secs(20);
/// No folder of services, so that nothing starts by itself.
const BARE_BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>"#;

/// Runs `test` in a nested session without a display and without any service.
fn in_own_session(test: fn()) {
    let thread = std::thread::current();
    let name = thread.name().expect("tests run on threads of their name");
    if std::env::var(INSIDE).is_ok_and(|inside| inside == name) {
        return test();
    }
    if std::env::var("PATCHBAY_TEST_SESSION").as_deref() != Ok("private") {
        println!("{name} is skipped: it needs the private desktop session that ./test brings.");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let output = nested(name, folder.path()).output().expect("dbus-run-session runs");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn nested(name: &str, folder: &Path) -> Command {
    let bus = folder.join("bus.conf");
    std::fs::write(&bus, BARE_BUS).expect("written");
    let mut command = Command::new("timeout");
    command
        .args(["-k", "5", LIMIT_S, "dbus-run-session"])
        .arg(format!("--config-file={}", bus.display()))
        .arg("--")
        .arg(std::env::current_exe().expect("this program"))
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("GNOME_KEYRING_CONTROL");
    for (variable, part) in
        [("XDG_RUNTIME_DIR", "run"), ("XDG_DATA_HOME", "data"), ("XDG_CONFIG_HOME", "config")]
    {
        let path = folder.join(part);
        std::fs::create_dir(&path).expect("a folder");
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700))
            .expect("private");
        command.env(variable, path);
    }
    command
}

/// A running keychain. It ends when it is dropped; what it stores stays in the session's folder.
struct Daemon(Child);

impl Daemon {
    /// With the login keyring open.
    fn unlocked() -> Self {
        Self::start("--unlock", "\n")
    }

    /// Without any keyring, as on a machine that nobody ever logged in to.
    fn empty() -> Self {
        Self::start("--foreground", "")
    }

    fn start(how: &str, password: &str) -> Self {
        let mut child = Command::new("gnome-keyring-daemon")
            .args(["--foreground", "--components=secrets", how])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("gnome-keyring-daemon runs");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(password.as_bytes()).expect("written");
        Self(child)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("gone");
    }
}

/// Each look asks the bus, so this waits for its answers, not for time.
fn wait_for(keychain: &Keychain, state: VaultState) {
    let begun = Instant::now();
    while keychain.state() != state {
        assert!(begun.elapsed() < SOON, "it is {:?}, not {state:?}", keychain.state());
    }
}

fn lock() {
    let status = Command::new("dbus-send")
        .args(["--session", "--print-reply", "--dest=org.freedesktop.secrets", "/org/freedesktop/secrets"])
        .arg("org.freedesktop.Secret.Service.Lock")
        .arg("array:objpath:/org/freedesktop/secrets/collection/login")
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("dbus-send runs").success());
}

fn slot(version: u32) -> Slot {
    Slot { store: "test-store".to_owned(), connection: ConnectionId(7), version }
}

fn key(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// Every door says the same, and none says "no key".
fn check_refusal(keychain: &Keychain, expected: &VaultError, code: Code) {
    assert_eq!(keychain.get(&slot(1)).as_ref(), Err(expected), "a key that is there");
    assert_eq!(keychain.get(&slot(99)).as_ref(), Err(expected), "a key that is not there");
    assert_eq!(keychain.put(&slot(1), &key("sk-other")).as_ref(), Err(expected));
    assert_eq!(keychain.put(&slot(2), &key("sk-new")).as_ref(), Err(expected));
    assert_eq!(keychain.delete(&slot(1)).as_ref(), Err(expected));
    assert_eq!(expected.code(), code);
    assert!(!expected.hint().is_empty());
}

#[test]
fn k1_a_secret_goes_there_and_back() {
    in_own_session(|| {
        let _daemon = Daemon::unlocked();
        let keychain = Keychain::default();
        wait_for(&keychain, VaultState::Ready);
        assert_eq!(keychain.get(&slot(1)), Ok(None));
        keychain.put(&slot(1), &key("sk-first")).expect("stored");
        keychain.put(&slot(2), &key("sk-second")).expect("stored");
        keychain.put(&slot(1), &key("sk-changed")).expect("stored again");
        assert_eq!(keychain.get(&slot(1)), Ok(Some(key("sk-changed"))));
        let another = Keychain::default();
        assert_eq!(another.get(&slot(2)), Ok(Some(key("sk-second"))), "as another process sees it");
        let elsewhere = Slot { store: "another store".to_owned(), ..slot(1) };
        assert_eq!(keychain.get(&elsewhere), Ok(None));
        keychain.delete(&slot(1)).expect("deleted");
        keychain.delete(&slot(1)).expect("fine where there is none");
        assert_eq!(keychain.get(&slot(1)), Ok(None));
        assert_eq!(another.get(&slot(2)), Ok(Some(key("sk-second"))), "the other one stays");
    });
}

#[test]
fn k4_absent_is_not_no_key() {
    in_own_session(|| {
        let keychain = Keychain::default();
        assert_eq!(keychain.state(), VaultState::Absent);
        check_refusal(&keychain, &VaultError::Absent, Code::VaultAbsent);
    });
}

#[test]
fn k4_locked_is_not_no_key() {
    in_own_session(|| {
        let _daemon = Daemon::unlocked();
        let keychain = Keychain::default();
        wait_for(&keychain, VaultState::Ready);
        keychain.put(&slot(1), &key("sk-first")).expect("stored");
        lock();
        assert_eq!(keychain.state(), VaultState::Locked);
        check_refusal(&keychain, &VaultError::Locked, Code::VaultLocked);
        check_refusal(&Keychain::default(), &VaultError::Locked, Code::VaultLocked);
    });
}

#[test]
fn k4_a_keychain_that_appears_goes_and_comes_back_is_noticed() {
    in_own_session(|| {
        let keychain = Keychain::default();
        assert_eq!(keychain.get(&slot(1)), Err(VaultError::Absent));

        let daemon = Daemon::unlocked();
        wait_for(&keychain, VaultState::Ready);
        keychain.put(&slot(1), &key("sk-first")).expect("stored");

        drop(daemon);
        wait_for(&keychain, VaultState::Absent);
        check_refusal(&keychain, &VaultError::Absent, Code::VaultAbsent);

        let daemon = Daemon::unlocked();
        wait_for(&keychain, VaultState::Ready);
        assert_eq!(keychain.get(&slot(1)), Ok(Some(key("sk-first"))), "nothing is lost");

        // So quickly that nobody noticed.
        drop(daemon);
        let _daemon = Daemon::unlocked();
        wait_for(&Keychain::default(), VaultState::Ready);
        assert_eq!(keychain.get(&slot(1)), Ok(Some(key("sk-first"))));
    });
}

#[test]
fn k4_a_bus_that_goes_away_midway_is_an_absent_keychain() {
    in_own_session(|| {
        let _daemon = Daemon::unlocked();
        let keychain = Keychain::default();
        wait_for(&keychain, VaultState::Ready);
        keychain.put(&slot(1), &key("sk-first")).expect("stored");
        end_bus();
        wait_for(&keychain, VaultState::Absent);
        check_refusal(&keychain, &VaultError::Absent, Code::VaultAbsent);
    });
}

/// Kills the session's bus, whose process it names itself.
fn end_bus() {
    let asked = Command::new("dbus-send")
        .args(["--session", "--print-reply=literal", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus"])
        .args(["org.freedesktop.DBus.GetConnectionUnixProcessID", "string:org.freedesktop.DBus"])
        .output()
        .expect("dbus-send runs");
    let answer = String::from_utf8(asked.stdout).expect("text");
    let process = answer.split_whitespace().last().expect("a number");
    let killed = Command::new("kill").args(["-KILL", process]).status().expect("kill runs");
    assert!(killed.success(), "{answer}");
}

#[test]
fn k4_a_dismissed_dialog_is_told_and_loses_nothing() {
    in_own_session(|| {
        let _daemon = Daemon::unlocked();
        let keychain = Keychain::default();
        wait_for(&keychain, VaultState::Ready);
        keychain.put(&slot(1), &key("sk-first")).expect("stored");
        lock();
        // There is no display, so the keychain's dialog is dismissed at once.
        let refused = keychain.put(&slot(2), &key("sk-second")).expect_err("dismissed");
        assert!(refused.hint().contains("Unlock the keychain"), "{refused}: {}", refused.hint());
        assert_eq!(keychain.delete(&slot(1)), Err(VaultError::Locked));
    });
}

#[test]
fn k4_a_keychain_without_a_keyring_asks_for_one() {
    in_own_session(|| {
        let _daemon = Daemon::empty();
        let keychain = Keychain::default();
        wait_for(&keychain, VaultState::Ready);
        assert_eq!(keychain.get(&slot(1)), Ok(None));
        // Nobody can answer its dialog here, so nobody lets it make a keyring.
        assert_eq!(keychain.put(&slot(1), &key("sk-first")), Err(VaultError::Denied));
        assert_eq!(keychain.get(&slot(1)), Ok(None));
    });
}
