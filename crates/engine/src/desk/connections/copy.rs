//! A second connection like the first.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::connection::{self as rules, key_from_name};
use patchbay_store::connection::{Editable, NewConnection};
use patchbay_store::{Recorded, connection};

use super::list::{Connection, find, get};
use crate::changes::Changed;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// The longest name, in characters.
const LONGEST: usize = 80;

/// Adds a connection with the settings and limits of another, last in its provider's order, and answers it. Nothing secret is
/// copied, so it waits for a key, and for a test before it comes into chains.
pub async fn duplicate(engine: &Arc<Engine>, key: &str, zone: TimeZone) -> Result<Connection, Error> {
    let settings = find(engine, key)?;
    let snapshot = engine.snapshot()?;
    let (key, name) = free_names(&snapshot, &settings.name);
    let siblings = snapshot.connections.iter().filter(|other| other.provider == settings.provider);
    let priority = siblings.map(|other| other.priority).max().unwrap_or(0) + 1;
    let new = NewConnection {
        provider: settings.provider.clone(),
        key: key.clone(),
        name: name.clone(),
        ..NewConnection::default()
    };
    let fields = Editable { name, priority, ..Editable::from(&settings) };
    engine
        .change(move |db| {
            let now = clock::now();
            let id = connection::insert(db, &new, now)?;
            connection::update(db, id, &fields, now)?;
            let entry = Entry::user(Action::Create, Kind::Connection, &new.key).change(Change::made(&fields));
            Ok(Recorded::new((), entry.because(format!("a copy of {}", settings.key))))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    get(engine, &key, zone).await
}

/// "Desk" becomes "Desk copy", then "Desk copy 2".
fn free_names(snapshot: &Snapshot, name: &str) -> (String, String) {
    let is_free = |key: &str, name: &str| {
        let clashes = |other: &rules::Connection| other.key == key || other.name == name;
        !snapshot.connections.iter().any(clashes)
    };
    let named = |suffix: String| {
        let kept: String = name.chars().take(LONGEST - suffix.len()).collect();
        let name = format!("{kept}{suffix}");
        (key_from_name(&name), name)
    };
    let suffixes = std::iter::once(" copy".to_owned()).chain((2..).map(|n| format!(" copy {n}")));
    suffixes.map(named).find(|(key, name)| is_free(key, name)).unwrap_or_else(|| named(" copy".to_owned()))
}
