//! Files that hold secrets: sealed by a passphrase in the format of `age`, which other programs open too.

use std::io::{self, Read, Write};
use std::iter;
use std::path::Path;

use age::secrecy::SecretString;
use age::{DecryptError, Decryptor, Encryptor, Identity, scrypt};
use patchbay_core::secret::Secret;

use crate::error::StoreError;

/// How such a file begins.
const MAGIC: &[u8] = b"age-encryption.org/v1";

/// Whether a file is sealed.
pub fn is_sealed(file: &Path) -> Result<bool, StoreError> {
    let bad = |error: io::Error| StoreError::BadFile { path: file.to_owned(), why: error.to_string() };
    let mut begin = Vec::new();
    std::fs::File::open(file).map_err(bad)?.take(MAGIC.len() as u64).read_to_end(&mut begin).map_err(bad)?;
    Ok(begin == MAGIC)
}

/// Seals what `write` writes.
pub fn seal<W: Write>(
    out: W,
    passphrase: &Secret,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut sealed = Encryptor::with_user_passphrase(text(passphrase)).wrap_output(out)?;
    write(&mut sealed)?;
    sealed.finish()?;
    Ok(())
}

/// Opens a sealed file. A wrong passphrase is told apart from a damaged file.
pub fn open(file: &Path, passphrase: &Secret) -> Result<impl Read + use<>, StoreError> {
    let bad = |why: String| StoreError::BadFile { path: file.to_owned(), why };
    let sealed = std::fs::File::open(file).map_err(|error| bad(error.to_string()))?;
    let decryptor =
        Decryptor::new_buffered(io::BufReader::new(sealed)).map_err(|_| bad("it is damaged".to_owned()))?;
    let identity = scrypt::Identity::new(text(passphrase));
    decryptor.decrypt(iter::once(&identity as &dyn Identity)).map_err(|error| match error {
        DecryptError::DecryptionFailed | DecryptError::KeyDecryptionFailed | DecryptError::NoMatchingKeys => {
            StoreError::WrongPassphrase { path: file.to_owned() }
        }
        _ => bad("it is damaged".to_owned()),
    })
}

fn text(passphrase: &Secret) -> SecretString {
    SecretString::from(passphrase.expose().to_owned())
}
