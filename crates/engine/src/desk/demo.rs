//! The Demo provider and the sample data: explore without a key, and take it all away again.

use std::sync::Arc;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::catalog::DEMO;
use patchbay_store::connection::NewConnection;
use patchbay_store::{Recorded, Store, StoreError, connection, credential, series, setting};

use crate::changes::Changed;
use crate::demo::DemoFault;
use crate::demo::sample::{self, SampleOptions};
use crate::error::Error;
use crate::snapshot::DEMO_FAULT;
use crate::{Engine, clock, settling};

/// Key, name and default model of the connections that the Demo provider comes with.
const CONNECTIONS: [(&str, &str, &str); 2] =
    [("demo_fast", "Demo fast", "demo-fast"), ("demo_deep", "Demo deep", "demo-deep")];

/// Adds the Demo provider's connections where they are missing.
pub async fn connect(engine: &Arc<Engine>) -> Result<(), Error> {
    engine
        .blocking(|engine| {
            let known = engine.snapshot()?;
            let missing = CONNECTIONS
                .into_iter()
                .filter(|(key, ..)| known.connection(key).is_none())
                .collect::<Vec<_>>();
            engine.store.change(clock::now(), move |db| {
                let mut entries = Vec::new();
                for (key, name, model) in missing {
                    let new = NewConnection {
                        provider: DEMO.into(),
                        key: key.into(),
                        name: name.into(),
                        default_model: Some(model.into()),
                        tested: true,
                        ..NewConnection::default()
                    };
                    connection::insert(db, &new, clock::now())?;
                    let created = Entry::user(Action::Create, Kind::Connection, key);
                    entries.push(created.change(Change::made(&new)).because("the Demo provider"));
                }
                Ok(Recorded::all((), entries))
            })?;
            Ok(())
        })
        .await?;
    engine.changes.send(Changed::Connections);
    Ok(())
}

/// Adds the Demo provider and sample data; what was there of either is replaced.
pub async fn load(
    engine: &Arc<Engine>,
    options: SampleOptions,
    zone: jiff::tz::TimeZone,
) -> Result<u32, Error> {
    connect(engine).await?;
    let rows = engine
        .blocking(move |engine| {
            sample::clear(&engine.store)?;
            let rows = sample::load(&engine.store, options, clock::now(), &zone)?;
            settling::run(engine)?;
            let change = Change::default().fact("attempts", rows).fact("days", options.days);
            engine.store.change(clock::now(), move |_| {
                let loaded = Entry::user(Action::Load, Kind::SampleData, "sample data");
                Ok(Recorded::new((), loaded.change(change)))
            })?;
            Ok(rows)
        })
        .await?;
    announce(engine);
    Ok(rows)
}

/// Removes the sample data and the Demo provider's connections, and nothing else.
pub async fn clear(engine: &Arc<Engine>) -> Result<(), Error> {
    engine
        .blocking(|engine| {
            sample::clear(&engine.store)?;
            let demo = engine
                .snapshot()?
                .connections
                .iter()
                .filter(|c| c.provider == DEMO)
                .map(|c| (c.id, c.key.clone()))
                .collect::<Vec<_>>();
            let custody = engine.custody();
            let keys = engine.store.change(clock::now(), move |db| {
                let mut keys = Vec::new();
                let mut entries = vec![Entry::user(Action::Clear, Kind::SampleData, "sample data")];
                for (id, key) in demo {
                    let versions = credential::with_secret(db, id)?;
                    custody.note(db, id, &versions)?;
                    keys.push((id, versions));
                    connection::delete(db, id)?;
                    let deleted = Entry::user(Action::Delete, Kind::Connection, key);
                    entries.push(deleted.because("the Demo provider"));
                }
                setting::clear(db, DEMO_FAULT)?;
                Ok(Recorded::all(keys, entries))
            })?;
            for (id, versions) in keys {
                engine.erase_soon(id, &versions);
            }
            Ok(())
        })
        .await?;
    announce(engine);
    Ok(())
}

/// Makes the Demo provider fail, or answer again.
pub async fn pretend(engine: &Arc<Engine>, fault: DemoFault) -> Result<(), Error> {
    engine
        .change(move |db| {
            let before: Option<DemoFault> = setting::get(db, DEMO_FAULT)?;
            setting::set(db, DEMO_FAULT, &fault, clock::now())?;
            let change = Change::default().with(DEMO_FAULT, before.unwrap_or_default(), fault);
            Ok(Recorded::new((), Entry::user(Action::Update, Kind::Setting, DEMO_FAULT).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    Ok(())
}

/// Whether sample data is there.
pub(super) fn is_loaded(store: &Store) -> Result<bool, StoreError> {
    store.read(series::has_sample)
}

fn announce(engine: &Engine) {
    for changed in [Changed::Connections, Changed::Usage, Changed::Status, Changed::Settings] {
        engine.changes.send(changed);
    }
}
