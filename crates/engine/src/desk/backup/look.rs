//! What is in a copy, before it is put in the place of everything; and which copies there are.

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use patchbay_core::code::Code;
use patchbay_core::report::Filter;
use patchbay_core::secret::Secret;
use patchbay_core::time::Timestamp;
use patchbay_store::audit::{self, AuditFilter, Page};
use patchbay_store::backup::Aside;
use patchbay_store::{app, connection, rollup, sealed};
use serde::Serialize;

use super::{OpenCopy, count_of};
use crate::error::Error;
use crate::safe::as_set;
use crate::{Engine, clock};

/// Where copies are made unless another place is given, inside the data folder.
const FOLDER: &str = "backups";

/// A copy in the folder of copies.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct BackupFile {
    /// The whole path.
    pub path: String,
    /// The file's name.
    pub name: String,
    /// When it was written.
    pub at: Timestamp,
    /// Its size, in bytes; at most 4 GB are told.
    pub bytes: u32,
    /// A passphrase opens it, and there may be keys in it.
    pub sealed: bool,
}

/// What is in a copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct BackupContents {
    /// A passphrase opens it.
    pub sealed: bool,
    /// How many keys are in it.
    pub keys: u32,
    /// Where its keys are kept: `keychain`, `file` or `memory`.
    pub vault: String,
    /// The names of its connections.
    pub connections: Vec<String>,
    /// How many apps it has.
    pub apps: u32,
    /// How many attempts its ledger counts.
    pub attempts: u32,
    /// When something was last changed.
    pub changed_at: Option<Timestamp>,
}

/// A path for a new copy of this moment.
pub fn fresh_path(engine: &Engine, sealed: bool) -> PathBuf {
    let stamp = clock::now().to_rfc3339().replace([':', '.'], "-");
    let ending = if sealed { "age" } else { "db" };
    engine.data_dir.join(FOLDER).join(format!("patchbay-{stamp}.{ending}"))
}

/// The copies in the folder of copies, the newest first.
pub fn shelf(engine: &Engine) -> Vec<BackupFile> {
    let files = std::fs::read_dir(engine.data_dir.join(FOLDER)).into_iter().flatten().flatten();
    let mut copies: Vec<BackupFile> = files.filter_map(|file| copy(&file.path())).collect();
    copies.sort_by_key(|copy| std::cmp::Reverse((copy.at, copy.name.clone())));
    copies
}

fn copy(path: &Path) -> Option<BackupFile> {
    let ending = path.extension()?.to_str()?;
    let facts = path.metadata().ok().filter(|facts| facts.is_file() && ["db", "age"].contains(&ending))?;
    let at = facts.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_millis();
    Some(BackupFile {
        path: path.display().to_string(),
        name: path.file_name()?.to_str()?.to_owned(),
        at: Timestamp(i64::try_from(at).ok()?),
        bytes: u32::try_from(facts.len()).unwrap_or(u32::MAX),
        sealed: sealed::is_sealed(path).unwrap_or(false),
    })
}

/// Looks into a copy without changing anything.
pub fn look(
    file: &Path,
    passphrase: impl FnOnce() -> Result<Secret, Error>,
) -> Result<BackupContents, Error> {
    contents(&OpenCopy::open(file, &std::env::temp_dir(), passphrase)?)
}

/// The same off the async threads.
pub async fn look_at(file: PathBuf, passphrase: Option<Secret>) -> Result<BackupContents, Error> {
    let looking =
        tokio::task::spawn_blocking(move || look(&file, || passphrase.ok_or_else(passphrase_wanted)));
    looking.await.map_err(|_| broken_off())?
}

pub(super) fn broken_off() -> Error {
    Error::new(Code::Internal, "The look into the file was broken off.", "Try again.")
}

/// What a sealed copy says without its passphrase.
pub fn passphrase_wanted() -> Error {
    Error::new(
        Code::VaultLocked,
        "This copy is sealed by a passphrase.",
        "Type the passphrase it was made with.",
    )
}

/// What is in an open copy. Nothing is changed: its database is brought up to date beside it, and thrown away.
pub(super) fn contents(copy: &OpenCopy) -> Result<BackupContents, Error> {
    let aside = Aside::open(copy.database())?;
    let small = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    let vault = as_set(aside.store())?.as_str().to_owned();
    let contents = aside.store().read(|db| {
        let newest = audit::list(db, &AuditFilter::default(), Page { before: None, limit: 1 })?;
        Ok(BackupContents {
            sealed: copy.is_sealed(),
            keys: count_of(copy.keys()),
            vault,
            connections: connection::all(db)?.into_iter().map(|connection| connection.name).collect(),
            apps: small(app::all(db)?.len() as u64),
            attempts: small(rollup::totals(db, &Filter::default())?.attempts),
            changed_at: newest.first().map(|entry| entry.at),
        })
    });
    Ok(contents?)
}
