//! The audit log: read, checked, exported.

mod export;

use std::sync::Arc;

use patchbay_core::time::{Range, Timestamp};
use patchbay_store::audit::{self, AuditFilter, Page, Written};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Engine;
use crate::error::Error;

pub use super::export::Exported;
pub use export::{Format, export, export_to_folder};

/// How many entries a page may have.
const LONGEST_PAGE: u32 = 1_000;

/// Which entries; what is `None` or empty does not matter.
#[derive(Clone, Debug, Default, Deserialize, specta::Type)]
pub struct AuditQuery {
    /// Words that stand in the name, the change or the reason.
    pub text: Option<String>,
    /// `user`, `scheduler`, `router`, `import` or `app`.
    pub actor: Option<String>,
    /// `create`, `update`, `delete`, …
    pub action: Option<String>,
    /// `connection`, `credential`, `app`, …
    pub kind: Option<String>,
    /// A whole name; a connection key finds its credentials too.
    pub name: Option<String>,
    /// From here on.
    pub from: Option<Timestamp>,
    /// Up to here, exclusive.
    pub to: Option<Timestamp>,
}

impl AuditQuery {
    /// Sets a condition by its name; whether there is one of that name.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let field = match name {
            "text" => &mut self.text,
            "actor" => &mut self.actor,
            "action" => &mut self.action,
            "kind" => &mut self.kind,
            "name" => &mut self.name,
            _ => return false,
        };
        *field = Some(value.to_owned());
        true
    }

    fn filter(self) -> AuditFilter {
        let given = |value: Option<String>| value.filter(|value| !value.is_empty());
        let range = (self.from.is_some() || self.to.is_some()).then(|| Range {
            from: self.from.unwrap_or_default(),
            to: self.to.unwrap_or(Timestamp(i64::MAX)),
        });
        AuditFilter {
            text: given(self.text),
            actor: given(self.actor),
            action: given(self.action),
            kind: given(self.kind),
            name: given(self.name),
            range,
        }
    }
}

/// An entry as it is shown. Its words are texts: a newer Patchbay may have written others.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct AuditEntry {
    /// Its number, from 1.
    pub entry: u32,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Did what.
    pub action: String,
    /// To what kind of thing.
    pub kind: String,
    /// To which.
    pub name: String,
    /// Fields before and after.
    pub changes: Vec<FieldChange>,
    /// Why, or how; may be empty.
    pub reason: String,
    /// Covers the entry and the one before it.
    pub hash: String,
}

/// A field before and after; empty where there was or is nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct FieldChange {
    /// Its name.
    pub field: String,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

/// One page, the newest first.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct AuditPage {
    /// The entries.
    pub entries: Vec<AuditEntry>,
    /// Ask for the entries before this number next; `None` = that was all.
    pub next: Option<u32>,
}

/// Whether the log is as it was written.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct AuditVerdict {
    /// Every entry is there and as it was written.
    pub intact: bool,
    /// How many entries there are.
    pub entries: u32,
    /// The first entry that is missing or not as it was written.
    pub first_bad: Option<u32>,
    /// The hash of the last one: kept elsewhere, it proves the log up to here.
    pub head: String,
}

/// One page of the log: the newest entries, or those before a number.
pub async fn list(
    engine: &Arc<Engine>,
    query: AuditQuery,
    before: Option<u32>,
    limit: u32,
) -> Result<AuditPage, Error> {
    let limit = limit.clamp(1, LONGEST_PAGE);
    engine
        .blocking(move |engine| {
            let page = Page { before: before.map(i64::from), limit: limit + 1 };
            let mut entries = engine.store.read(|db| audit::list(db, &query.filter(), page))?;
            let more = entries.len() > limit as usize;
            entries.truncate(limit as usize);
            let next = entries.last().filter(|_| more).map(|last| number(last.id));
            Ok(AuditPage { entries: entries.into_iter().map(view).collect(), next })
        })
        .await
}

/// Reads the whole chain of hashes.
pub async fn verify(engine: &Arc<Engine>) -> Result<AuditVerdict, Error> {
    engine
        .blocking(|engine| {
            let verdict = engine.store.read(audit::verify)?;
            Ok(AuditVerdict {
                intact: verdict.first_bad.is_none(),
                entries: u32::try_from(verdict.entries).unwrap_or(u32::MAX),
                first_bad: verdict.first_bad.map(number),
                head: verdict.head,
            })
        })
        .await
}

fn number(id: i64) -> u32 {
    u32::try_from(id).unwrap_or(u32::MAX)
}

fn view(written: Written) -> AuditEntry {
    AuditEntry {
        entry: number(written.id),
        at: written.at,
        actor: written.actor,
        action: written.action,
        kind: written.kind,
        name: written.name,
        changes: fields(&written.change),
        reason: written.reason,
        hash: written.hash,
    }
}

/// The fields of a change, as people read them.
pub(super) fn fields(change: &Value) -> Vec<FieldChange> {
    let fields = change.as_object().into_iter().flatten();
    fields
        .map(|(field, both)| FieldChange {
            field: field.clone(),
            before: plain(&both["before"]),
            after: plain(&both["after"]),
        })
        .collect()
}

/// A value as people write it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
