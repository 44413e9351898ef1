//! The file's format: one JSON document. A checksum tells a damaged file from a wrong passphrase.

use std::collections::BTreeMap;
use std::path::Path;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use patchbay_core::secret::Secret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::files;
use crate::vault::VaultError;

/// The format that this program writes, and the only one there is so far.
const FORMAT: u32 = 1;
/// RFC 9106's second choice: 64 MiB and three passes.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
/// Of what an altered file may ask for at most, so that it cannot eat the machine.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 64;
/// The place of the text that proves a passphrase.
const CHECK: &str = "check";

/// A derived key and the salt that it belongs to. It is wiped when dropped.
#[derive(Clone)]
pub(super) struct Key {
    salt: String,
    bytes: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The whole file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Document {
    format: u32,
    kdf: Kdf,
    check: Sealed,
    entries: BTreeMap<String, Sealed>,
    /// SHA-256 of this document with an empty sum.
    sum: String,
}

/// How the key is made from the passphrase.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kdf {
    name: String,
    memory_kib: u32,
    passes: u32,
    salt: String,
}

/// A sealed text; both parts in base64.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sealed {
    nonce: String,
    text: String,
}

impl Document {
    /// The file; `None` where there is none.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, VaultError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(VaultError::File(error.to_string())),
        };
        let damaged = || VaultError::Damaged(path.to_owned());
        let document: Self = serde_json::from_slice(&bytes).map_err(|_| damaged())?;
        if document.format > FORMAT {
            return Err(VaultError::File(format!("{} was written by a newer Patchbay", path.display())));
        }
        let sane = document.kdf.memory_kib <= MOST_MEMORY_KIB && document.kdf.passes <= MOST_PASSES;
        if document.sum != document.sum() || document.kdf.name != "argon2id" || !sane {
            return Err(damaged());
        }
        Ok(Some(document))
    }

    /// An empty one with a salt of its own.
    pub(super) fn create(passphrase: &Secret) -> Result<(Self, Key), VaultError> {
        let salt = STANDARD.encode(random::<16>()?);
        let kdf = Kdf { name: "argon2id".to_owned(), memory_kib: MEMORY_KIB, passes: PASSES, salt };
        let key = kdf.key(passphrase)?;
        let check = seal(&key, &kdf.bound(CHECK), b"patchbay")?;
        Ok((Self { format: FORMAT, kdf, check, entries: BTreeMap::new(), sum: String::new() }, key))
    }

    /// Replaces the file by this document.
    pub(super) fn write(&self, path: &Path) -> Result<(), VaultError> {
        let whole = Self { sum: self.sum(), ..self.clone() };
        let json = serde_json::to_vec_pretty(&whole).map_err(|error| VaultError::File(error.to_string()))?;
        files::replace(path, &json).map_err(|error| VaultError::File(error.to_string()))
    }

    /// Whether this key was made for this file.
    pub(super) fn is_opened_by(&self, key: &Key) -> bool {
        key.salt == self.kdf.salt && open(key, &self.kdf.bound(CHECK), &self.check).is_some()
    }

    /// The key that this passphrase makes, if it is the right one.
    pub(super) fn unlock(&self, passphrase: &Secret) -> Result<Key, VaultError> {
        let key = self.kdf.key(passphrase)?;
        if self.is_opened_by(&key) { Ok(key) } else { Err(VaultError::WrongPassphrase) }
    }

    pub(super) fn seal(&mut self, key: &Key, account: &str, secret: &Secret) -> Result<(), VaultError> {
        let sealed = seal(key, &self.kdf.bound(account), secret.expose().as_bytes())?;
        self.entries.insert(account.to_owned(), sealed);
        Ok(())
    }

    /// `path` is for the message.
    pub(super) fn open(&self, key: &Key, account: &str, path: &Path) -> Result<Option<Secret>, VaultError> {
        let Some(sealed) = self.entries.get(account) else { return Ok(None) };
        let text = open(key, &self.kdf.bound(account), sealed)
            .and_then(|bytes| Some(Secret::new(std::str::from_utf8(&bytes).ok()?.to_owned())));
        text.map(Some).ok_or_else(|| VaultError::Damaged(path.to_owned()))
    }

    /// Whether there was one.
    pub(super) fn forget(&mut self, account: &str) -> bool {
        self.entries.remove(account).is_some()
    }

    /// The same secrets under another passphrase. One that cannot be opened stops all.
    pub(super) fn sealed_anew(
        &self,
        old: &Key,
        passphrase: &Secret,
        path: &Path,
    ) -> Result<(Self, Key), VaultError> {
        let (mut fresh, key) = Self::create(passphrase)?;
        for account in self.entries.keys() {
            if let Some(secret) = self.open(old, account, path)? {
                fresh.seal(&key, account, &secret)?;
            }
        }
        Ok((fresh, key))
    }

    fn sum(&self) -> String {
        let without = Self { sum: String::new(), ..self.clone() };
        let digest: [u8; 32] = Sha256::digest(serde_json::to_vec(&without).unwrap_or_default()).into();
        STANDARD.encode(digest)
    }
}

impl Kdf {
    fn key(&self, passphrase: &Secret) -> Result<Key, VaultError> {
        let failed = |error: argon2::Error| VaultError::File(error.to_string());
        let params = Params::new(self.memory_kib, self.passes, 1, Some(32)).map_err(failed)?;
        let salt = STANDARD.decode(&self.salt).unwrap_or_default();
        let mut bytes = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &salt, bytes.as_mut())
            .map_err(failed)?;
        Ok(Key { salt: self.salt.clone(), bytes })
    }

    /// What a sealed text is bound to: the format, how the key was made, and its place. Moved elsewhere, it does not open.
    fn bound(&self, place: &str) -> Vec<u8> {
        let Self { name, memory_kib, passes, salt } = self;
        format!("patchbay vault {FORMAT}\n{name} {memory_kib} {passes} {salt}\n{place}").into_bytes()
    }
}

fn seal(key: &Key, bound: &[u8], text: &[u8]) -> Result<Sealed, VaultError> {
    let nonce = random::<24>()?;
    let sealed = cipher(key)
        .encrypt(&nonce.into(), Payload { msg: text, aad: bound })
        .map_err(|_| VaultError::File("a secret could not be sealed".to_owned()))?;
    Ok(Sealed { nonce: STANDARD.encode(nonce), text: STANDARD.encode(sealed) })
}

fn open(key: &Key, bound: &[u8], sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
    let nonce: [u8; 24] = STANDARD.decode(&sealed.nonce).ok()?.try_into().ok()?;
    let text = STANDARD.decode(&sealed.text).ok()?;
    cipher(key).decrypt(&nonce.into(), Payload { msg: &text, aad: bound }).ok().map(Zeroizing::new)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new((&*key.bytes).into())
}

fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| VaultError::File(error.to_string()))?;
    Ok(bytes)
}
