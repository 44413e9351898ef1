//! A store in a folder of its own, and rows to put into it.

use patchbay_core::catalog;
use patchbay_core::code::Code;
use patchbay_core::id::{CallId, ConnectionId};
use patchbay_core::ledger::{Origin, Outcome, Position, Series, UsageRow, UsageType};
use patchbay_core::money::NanoUsd;
use patchbay_core::secret::Secret;
use patchbay_core::time::{HOUR_MS, Timestamp};
use patchbay_core::usage::{Cost, CostSource, TokenUsage};
use patchbay_store::connection::{self, NewConnection};
use patchbay_store::credential::{self, Mark, Predecessor};
use patchbay_store::{Db, Store, StoreError, provider, usage};

/// 2026-11-20 15:42 UTC.
pub const NOW: Timestamp = Timestamp(1_795_189_320_000);

/// A fresh store with the catalogue's providers. It lives as long as its folder.
pub fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("opens");
    store.write(|db| provider::sync_catalog(db, catalog::providers(), NOW)).expect("the catalogue");
    (folder, store)
}

/// Adds a connection to OpenAI whose name is its key.
pub fn connect(store: &Store, key: &str) -> Result<ConnectionId, StoreError> {
    let new = NewConnection {
        provider: "openai".to_owned(),
        key: key.to_owned(),
        name: key.to_owned(),
        ..NewConnection::default()
    };
    store.write(move |db| connection::insert(db, &new, NOW))
}

/// Makes a key the connection's active one; the one before can be rolled back to for a day.
pub fn activate(db: &Db, connection: ConnectionId, secret: &str) -> Result<(), StoreError> {
    let version = credential::next_version(db, connection)?;
    let mark = Mark::of(&Secret::new(secret.to_owned()), format!("fingerprint of {secret}"));
    credential::stage(db, connection, version, &mark, NOW)?;
    let retires = Predecessor::Retires { erase_at: NOW.plus_ms(24 * HOUR_MS) };
    credential::promote(db, connection, version, retires, NOW).map(drop)
}

/// An answered call of its own, with 1,000 tokens in, 200 out, for a tenth of a cent.
pub fn answered(call: u128, connection: ConnectionId) -> UsageRow {
    UsageRow {
        call: CallId(uuid::Uuid::from_u128(call)),
        attempt: 1,
        at: NOW,
        series: series(connection, Outcome::Answered),
        position: Position::Final,
        signal: None,
        profile_version: None,
        requested_model: "gpt-5-mini".to_owned(),
        credential_version: Some(1),
        usage: TokenUsage { input: Some(1_000), output: Some(200), ..TokenUsage::default() },
        cost: Cost { amount: Some(NanoUsd(1_000_000)), source: CostSource::Priced },
        total_ms: 900,
        first_token_ms: None,
        status: Some(200),
        error: None,
        message: None,
        finish_reason: Some("stop".to_owned()),
        streamed: false,
        upstream_id: None,
        detours: None,
    }
}

/// A call that failed before anything was charged.
pub fn failed(call: u128, connection: ConnectionId, code: Code) -> UsageRow {
    UsageRow {
        series: series(connection, Outcome::Failed),
        usage: TokenUsage::default(),
        cost: Cost::NOTHING,
        status: None,
        error: Some(code),
        message: Some(format!("it failed: {}", code.as_str())),
        finish_reason: None,
        ..answered(call, connection)
    }
}

fn series(connection: ConnectionId, outcome: Outcome) -> Series {
    Series {
        connection_id: connection,
        connection_key: "openai_primary".to_owned(),
        connection_name: "OpenAI primary".to_owned(),
        provider: "openai".to_owned(),
        model: "gpt-5-mini".to_owned(),
        app: "mt5-signal-bot".to_owned(),
        feature: "signal_parsing".to_owned(),
        profile: String::new(),
        usage_type: UsageType::Chat,
        outcome,
        origin: Origin::Real,
    }
}

/// Appends rows, each in a transaction of its own.
pub fn append(store: &Store, rows: impl IntoIterator<Item = UsageRow>) {
    for row in rows {
        store.write(move |db| usage::append(db, &row)).expect("appended");
    }
}
