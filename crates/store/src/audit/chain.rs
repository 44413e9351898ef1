//! The chain of hashes, and whether it is whole.

use patchbay_core::audit::Entry;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, Row};
use sha2::{Digest, Sha256};

use crate::error::StoreError;

/// A row of the log as its hash sees it: the texts as they are stored.
pub(super) struct Link {
    pub(super) id: i64,
    pub(super) at: i64,
    pub(super) actor: String,
    pub(super) action: String,
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) change: String,
    pub(super) reason: String,
}

impl Link {
    pub(super) fn of(id: i64, at: Timestamp, entry: &Entry) -> Result<Self, StoreError> {
        Ok(Self {
            id,
            at: at.0,
            actor: entry.actor.as_str(),
            action: entry.action.as_str(),
            kind: entry.kind.as_str(),
            name: entry.name.clone(),
            change: super::to_json(&entry.change)?,
            reason: entry.reason.clone(),
        })
    }

    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            at: row.get("at")?,
            actor: row.get("actor")?,
            action: row.get("action")?,
            kind: row.get("kind")?,
            name: row.get("name")?,
            change: row.get("change")?,
            reason: row.get("reason")?,
        })
    }

    /// Over the hash before it and each field with its length, so that no two rows read alike.
    pub(super) fn hash(&self, previous: &[u8; 32]) -> [u8; 32] {
        let mut digest = Sha256::new();
        digest.update(previous);
        digest.update(self.id.to_be_bytes());
        digest.update(self.at.to_be_bytes());
        for text in [&self.actor, &self.action, &self.kind, &self.name, &self.change, &self.reason] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text.as_bytes());
        }
        digest.finalize().into()
    }
}

/// What a look at the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Entries that are there.
    pub entries: u64,
    /// The hash of the last one, in hexadecimal: kept elsewhere, it proves the log up to here.
    pub head: String,
    /// The first entry that is missing or not as it was written; `None` = the chain is whole.
    pub first_bad: Option<i64>,
}

/// Reads the whole chain from its beginning to its end.
pub fn verify(db: &Db) -> Result<Verdict, StoreError> {
    // One transaction: a log that grows meanwhile is no broken one.
    let db = db.unchecked_transaction()?;
    let (first_id, mut previous, last_id, last_hash): (i64, [u8; 32], i64, [u8; 32]) =
        db.query_row("SELECT first_id, first_hash, last_id, last_hash FROM audit_chain", [], |row| {
            Ok((row.get("first_id")?, row.get("first_hash")?, row.get("last_id")?, row.get("last_hash")?))
        })?;
    let mut statement = db.prepare("SELECT * FROM audit ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut expected = first_id + 1;
    let mut entries = 0;
    let mut first_bad = None;
    while let Some(row) = rows.next()? {
        entries += 1;
        if first_bad.is_some() {
            continue;
        }
        let link = Link::from_row(row)?;
        let (own, before): ([u8; 32], [u8; 32]) = (row.get("hash")?, row.get("previous")?);
        if link.id != expected || before != previous || link.hash(&previous) != own {
            first_bad = Some(expected);
        }
        (expected, previous) = (link.id + 1, own);
    }
    if first_bad.is_none() && (expected != last_id + 1 || previous != last_hash) {
        first_bad = Some(expected.min(last_id + 1));
    }
    Ok(Verdict { entries, head: last_hash.iter().map(|byte| format!("{byte:02x}")).collect(), first_bad })
}
