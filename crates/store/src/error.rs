//! Why the store refuses.

use std::path::PathBuf;

use patchbay_core::code::Code;
use rusqlite::ErrorCode;
use thiserror::Error;

/// A failure of the store. Nothing was changed where one is returned.
#[derive(Clone, Debug, Error)]
pub enum StoreError {
    /// The file was written by a newer Patchbay.
    #[error("{} was written by a newer Patchbay (format {found}; this one knows {known}).", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format that this program knows.
        known: i64,
    },
    /// No space, or not writable.
    #[error("The disk that holds {} is full or cannot be written.", path.display())]
    DiskFull {
        /// The database file, or its folder.
        path: PathBuf,
    },
    /// There is no such row.
    #[error("There is no {what} \"{name}\".")]
    NotFound {
        /// "connection", "app", …
        what: &'static str,
        /// What was looked for.
        name: String,
    },
    /// The name belongs to another row.
    #[error("There is already {what} \"{name}\".")]
    NameTaken {
        /// "a connection named", "an app", …
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Something else points at it.
    #[error("{what} is still used by {by}.")]
    InUse {
        /// "The connection", …
        what: &'static str,
        /// The names of its users.
        by: String,
    },
    /// Its state does not allow it.
    #[error("{what} is {state}, so this cannot be done with it.")]
    Unfit {
        /// "Version 3", …
        what: String,
        /// Its state, by its name in the database.
        state: &'static str,
    },
    /// A file is not what it should be.
    #[error("{} cannot be used: {why}.", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A sealed file was sealed with another passphrase.
    #[error("The passphrase does not open {}.", path.display())]
    WrongPassphrase {
        /// The file.
        path: PathBuf,
    },
    /// SQLite failed in another way.
    #[error("The store failed: {0}")]
    Sqlite(String),
    /// The writer's thread is gone.
    #[error("The store is closed.")]
    Closed,
}

impl StoreError {
    /// What callers branch on.
    pub fn code(&self) -> Code {
        match self {
            Self::Newer { .. } => Code::DatabaseNewer,
            Self::DiskFull { .. } => Code::DiskFull,
            Self::NotFound { .. } => Code::NotFound,
            Self::NameTaken { .. } => Code::NameTaken,
            Self::InUse { .. } => Code::InUse,
            Self::Unfit { .. } | Self::BadFile { .. } => Code::InvalidInput,
            Self::WrongPassphrase { .. } => Code::VaultDenied,
            Self::Sqlite(_) | Self::Closed => Code::DatabaseFailed,
        }
    }

    /// What to do about it; empty where the sentence says it all.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Newer { .. } => {
                "Update Patchbay, or open another data folder with --data-dir. The file was not touched."
            }
            Self::DiskFull { .. } => {
                "Free some space or make the folder writable, then try again. Nothing was lost."
            }
            Self::Sqlite(_) => {
                "Try again. If it stays, copy the data folder to a safe place and restore a backup from its backups folder."
            }
            Self::InUse { .. } => "Take it out there first. Pausing it keeps everything and takes no calls.",
            Self::WrongPassphrase { .. } => "Try again with the right one. Nothing was changed.",
            Self::Closed => "Start Patchbay again.",
            Self::Unfit { .. } => "`patchbay credentials list KEY` shows the versions and their states.",
            Self::BadFile { .. } => "Use another copy of the file. Nothing was changed.",
            Self::NotFound { .. } | Self::NameTaken { .. } => "",
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure,
            ) => Self::DiskFull { path: PathBuf::from("patchbay.db") },
            _ => Self::Sqlite(error.to_string()),
        }
    }
}
