//! The encrypted file: what goes in comes out, and only there, only with the passphrase.
#![cfg(test)]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::secret::Secret;
use patchbay_store::vault::{FileVault, Given, Slot, VAULT_FILE, Vault, VaultError, VaultState};
use serde_json::Value;

const CANARY: &str = "sk-canary-5d1f0b9c77ae42-Vf8Q";

fn key(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

fn slot(connection: i64, version: u32) -> Slot {
    Slot { store: "test-store".to_owned(), connection: ConnectionId(connection), version }
}

fn vault(folder: &Path, passphrase: Option<&str>) -> FileVault {
    FileVault::new(folder, Arc::new(Given(passphrase.map(key))))
}

/// A file with the canary in version 1 and another key in version 2 of connection 7.
fn filled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let vault = vault(folder.path(), Some("correct horse"));
    vault.put(&slot(7, 1), &key(CANARY)).expect("stored");
    vault.put(&slot(7, 2), &key("sk-second")).expect("stored");
    folder
}

fn document(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join(VAULT_FILE)).expect("bytes")).expect("JSON")
}

/// Writes the document back with a checksum that fits, as somebody who knows the format would.
fn forge(folder: &Path, document: &mut Value) {
    use base64::Engine as _;
    use sha2::Digest as _;
    document["sum"] = Value::String(String::new());
    let sum = sha2::Sha256::digest(serde_json::to_vec(document).expect("JSON"));
    document["sum"] = Value::String(base64::engine::general_purpose::STANDARD.encode(sum));
    fs::write(folder.join(VAULT_FILE), serde_json::to_vec(document).expect("JSON")).expect("written");
}

#[test]
fn k1_a_secret_goes_there_and_back_and_is_not_in_the_file() {
    let folder = filled();
    let again = vault(folder.path(), Some("correct horse"));
    assert_eq!(again.get(&slot(7, 1)), Ok(Some(key(CANARY))), "as another process sees it");
    assert_eq!(again.get(&slot(7, 3)), Ok(None));
    assert_eq!(again.get(&Slot { store: "another".to_owned(), ..slot(7, 1) }), Ok(None));
    again.delete(&slot(7, 1)).expect("deleted");
    again.delete(&slot(7, 1)).expect("fine where there is none");
    assert_eq!(again.get(&slot(7, 1)), Ok(None));
    assert_eq!(again.get(&slot(7, 2)), Ok(Some(key("sk-second"))));
    let bytes = fs::read(filled().path().join(VAULT_FILE)).expect("bytes");
    for hidden in [CANARY, "correct horse"] {
        assert!(!bytes.windows(hidden.len()).any(|part| part == hidden.as_bytes()));
    }
}

#[cfg(unix)]
#[test]
fn k1_only_its_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let folder = filled();
    let mode = fs::metadata(folder.path().join(VAULT_FILE)).expect("facts").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn k4_no_passphrase_a_wrong_one_and_a_damaged_file_are_told_apart() {
    let folder = filled();
    let locked = vault(folder.path(), None);
    assert_eq!(locked.state(), VaultState::Locked);
    assert_eq!(locked.get(&slot(7, 1)), Err(VaultError::PassphraseMissing));
    assert_eq!(locked.put(&slot(7, 3), &key("sk-new")), Err(VaultError::PassphraseMissing));
    assert_eq!(locked.unlock(&key("wrong")), Err(VaultError::WrongPassphrase));
    locked.unlock(&key("correct horse")).expect("unlocked");
    assert_eq!((locked.state(), locked.get(&slot(7, 2))), (VaultState::Ready, Ok(Some(key("sk-second")))));

    let wrong = vault(folder.path(), Some("wrong horse"));
    for refused in
        [wrong.get(&slot(7, 1)).map(drop), wrong.put(&slot(7, 1), &key("x")), wrong.delete(&slot(7, 1))]
    {
        assert_eq!(refused, Err(VaultError::WrongPassphrase));
    }
    assert_eq!(vault(folder.path(), Some("correct horse")).get(&slot(7, 1)), Ok(Some(key(CANARY))));

    let path = folder.path().join(VAULT_FILE);
    let whole = fs::read(&path).expect("bytes");
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).expect("written");
        let damaged = vault(folder.path(), Some("correct horse"));
        assert_eq!(damaged.get(&slot(7, 1)), Err(VaultError::Damaged(path.clone())), "{cut} bytes");
        assert_eq!(
            damaged.put(&slot(7, 1), &key("x")),
            Err(VaultError::Damaged(path.clone())),
            "never overwritten"
        );
        assert_eq!(damaged.state(), VaultState::Denied);
    }
    for (error, code) in [
        (VaultError::PassphraseMissing, Code::VaultLocked),
        (VaultError::WrongPassphrase, Code::VaultDenied),
        (VaultError::Damaged(path), Code::VaultFailed),
    ] {
        assert_eq!(error.code(), code);
        assert!(!error.hint().is_empty());
    }
}

#[test]
fn k1_a_sealed_secret_opens_only_in_its_own_place() {
    let folder = filled();
    let mut swapped = document(folder.path());
    let [one, two] = ["test-store/connection-7/v1", "test-store/connection-7/v2"];
    let (first, second) = (swapped["entries"][one].clone(), swapped["entries"][two].clone());
    (swapped["entries"][one], swapped["entries"][two]) = (second, first);
    forge(folder.path(), &mut swapped);
    let vault = vault(folder.path(), Some("correct horse"));
    let damaged = Err(VaultError::Damaged(folder.path().join(VAULT_FILE)));
    assert_eq!((vault.get(&slot(7, 1)), vault.get(&slot(7, 2))), (damaged.clone(), damaged));
}

#[test]
fn k1_a_file_cannot_ask_for_a_weaker_or_an_endless_key() {
    for (field, value) in [("passes", 1), ("memory_kib", 2_000_000_000_u32), ("passes", 100_000)] {
        let folder = filled();
        let mut forged = document(folder.path());
        forged["kdf"][field] = value.into();
        forge(folder.path(), &mut forged);
        assert!(vault(folder.path(), Some("correct horse")).get(&slot(7, 1)).is_err(), "{field} {value}");
    }
}

#[test]
fn k1_another_passphrase_reseals_all_or_nothing() {
    let folder = filled();
    let running = vault(folder.path(), Some("correct horse"));
    assert_eq!(running.get(&slot(7, 2)), Ok(Some(key("sk-second"))));
    let changing = vault(folder.path(), None);
    let (old, new) = (key("correct horse"), key("battery staple"));
    assert_eq!(changing.change_passphrase(&new, &old), Err(VaultError::WrongPassphrase));
    assert_eq!(changing.change_passphrase(&old, &key("")), Err(VaultError::PassphraseMissing));
    changing.change_passphrase(&old, &new).expect("changed");
    assert_eq!(changing.get(&slot(7, 1)), Ok(Some(key(CANARY))));
    assert_eq!(vault(folder.path(), Some("battery staple")).get(&slot(7, 2)), Ok(Some(key("sk-second"))));
    assert_eq!(running.get(&slot(7, 2)), Err(VaultError::WrongPassphrase), "another process notices");

    let mut broken = document(folder.path());
    broken["entries"]["test-store/connection-7/v2"]["text"] = "AAAA".into();
    forge(folder.path(), &mut broken);
    let before = fs::read(folder.path().join(VAULT_FILE)).expect("bytes");
    assert!(matches!(changing.change_passphrase(&new, &old), Err(VaultError::Damaged(_))));
    assert_eq!(fs::read(folder.path().join(VAULT_FILE)).expect("bytes"), before, "nothing was changed");
}

#[test]
fn k1_two_processes_write_one_file() {
    let folder = filled();
    std::thread::scope(|scope| {
        for connection in [1, 2] {
            let vault = vault(folder.path(), Some("correct horse"));
            scope.spawn(move || {
                for version in 1..=10 {
                    vault.put(&slot(connection, version), &key("sk-many")).expect("stored");
                }
            });
        }
    });
    assert_eq!(document(folder.path())["entries"].as_object().expect("entries").len(), 22);
}
