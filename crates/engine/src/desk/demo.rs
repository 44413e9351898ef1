//! The Demo provider and the sample data: explore without a key, and take it all away again.

use std::sync::Arc;

use patchbay_core::catalog::DEMO;
use patchbay_store::connection::NewConnection;
use patchbay_store::{Store, StoreError, connection, series, setting};

use crate::changes::Changed;
use crate::demo::DemoFault;
use crate::demo::sample::{self, SampleOptions};
use crate::error::Error;
use crate::snapshot::DEMO_FAULT;
use crate::{Engine, clock};

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
            engine.store.write(move |db| {
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
                }
                Ok(())
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
            Ok(sample::load(&engine.store, options, clock::now(), &zone)?)
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
                .map(|c| c.id)
                .collect::<Vec<_>>();
            engine.store.write(move |db| {
                for id in demo {
                    connection::delete(db, id)?;
                }
                setting::clear(db, DEMO_FAULT)
            })?;
            Ok(())
        })
        .await?;
    announce(engine);
    Ok(())
}

/// Makes the Demo provider fail, or answer again.
pub async fn pretend(engine: &Arc<Engine>, fault: DemoFault) -> Result<(), Error> {
    engine
        .blocking(move |engine| {
            engine.store.write(move |db| setting::set(db, DEMO_FAULT, &fault, clock::now()))?;
            Ok(())
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
