//! Patchbay at work. [`Engine::open`] opens a data folder; both shells, the gateway and the tests go through it. A call's
//! life is told by [`pipeline::serve`]; what the shells can do is in [`desk`].

pub mod call;
pub mod changes;
pub mod checks;
pub mod clock;
pub mod demo;
pub mod desk;
pub mod dumps;
pub mod error;
pub mod gateway;
pub mod pipeline;
pub mod snapshot;

mod alerts;
mod balance;
mod board;
mod bodies;
mod budgets;
mod chores;
mod custody;
mod gauges;
mod keepsakes;
mod keys;
mod ledger;
mod metrics;
mod owner;
mod pass;
mod retention;
mod running;
mod safe;
mod settling;
mod trail;
mod upstream;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use patchbay_core::catalog::{self, DEMO};
use patchbay_core::code::Code;
use patchbay_core::connection::Connection;
use patchbay_core::route::Fleet;
use patchbay_core::time::Timestamp;
use patchbay_store::vault::{Passphrases, Vault};
use patchbay_store::{Db, Recorded, Store, StoreError, open_attempt, provider, setting};
use tokio::runtime::Handle;

use crate::alerts::{Alerts, Watch};
use crate::board::Board;
use crate::changes::{Changed, Changes};
use crate::clock::Clock;
use crate::demo::{DemoOptions, DemoServer};
use crate::error::{Error, remedy};
use crate::gauges::Gauges;
use crate::keepsakes::Keepsakes;
use crate::keys::{Identity, Keys};
use crate::ledger::Ledger;
use crate::metrics::Metrics;
use crate::owner::Owner;
use crate::snapshot::{Snapshot, Snapshots};
use crate::upstream::Upstream;

pub use safe::{VaultChoice, VaultSetup};

/// What the shells need to know of vaults.
pub mod vault {
    pub use patchbay_store::vault::{
        Given, Memory, Passphrases, Question, Slot, Vault, VaultError, VaultKind, VaultState,
    };
}

/// How often a change by another process is looked for while nobody calls.
const LOOK: Duration = Duration::from_millis(500);
/// What may have changed with the configuration's version.
const OF_CONFIGURATION: [Changed; 9] = [
    Changed::Connections,
    Changed::Apps,
    Changed::Settings,
    Changed::Status,
    Changed::Models,
    Changed::Budgets,
    Changed::Alerts,
    Changed::Profiles,
    Changed::Views,
];

/// The platform's own data folder, which both shells use unless told otherwise.
pub fn default_data_dir() -> Result<PathBuf, Error> {
    let dirs = directories::ProjectDirs::from("", "", "patchbay");
    dirs.map(|dirs| dirs.data_dir().to_owned())
        .ok_or_else(|| Error::invalid("This system names no data folder.", "Give one with --data-dir DIR."))
}

/// An open data folder.
#[derive(Debug)]
pub struct Engine {
    data_dir: PathBuf,
    store: Store,
    snapshots: Snapshots,
    keys: Keys,
    ledger: Arc<Ledger>,
    gauges: Gauges,
    metrics: Arc<Metrics>,
    keepsakes: Keepsakes,
    board: Arc<Board>,
    watch: Arc<Watch>,
    upstream: Upstream,
    demo: Mutex<Option<Arc<DemoServer>>>,
    runtime: Handle,
    checks: checks::Running,
    body_key: bodies::KnownKey,
    runs: desk::playground::Runs,
    syncs: desk::models::Syncs,
    listening: Mutex<desk::status::Listening>,
    changes: Changes,
    passphrases: Arc<dyn Passphrases>,
    owner: Owner,
}

impl Engine {
    /// Opens a data folder: migrates it, takes over what a crash left, brings the catalogue up to date. Must be called
    /// inside a tokio runtime.
    pub fn open(data_dir: &Path, vault: impl Into<VaultSetup>) -> Result<Arc<Self>, Error> {
        Self::open_at(data_dir, vault, Clock::default())
    }

    /// The same, with limits, breakers and queues by that clock.
    pub fn open_at(data_dir: &Path, vault: impl Into<VaultSetup>, clock: Clock) -> Result<Arc<Self>, Error> {
        let setup = vault.into();
        let store = Store::open(data_dir)?;
        let vault = setup.vault(&store, data_dir)?;
        Self::start(data_dir, store, (vault, setup.passphrases), clock)
    }

    /// The same with a vault of the caller's own: for tests of what happens when a vault fails.
    pub fn with_vault(
        data_dir: &Path,
        vault: Arc<dyn Vault>,
        passphrases: Arc<dyn Passphrases>,
    ) -> Result<Arc<Self>, Error> {
        Self::start(data_dir, Store::open(data_dir)?, (vault, passphrases), Clock::default())
    }

    fn start(
        data_dir: &Path,
        store: Store,
        (vault, passphrases): (Arc<dyn Vault>, Arc<dyn Passphrases>),
        clock: Clock,
    ) -> Result<Arc<Self>, Error> {
        // A second call finds the provider installed, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = Handle::try_current()
            .map_err(|error| Error::new(Code::Internal, error.to_string(), remedy(Code::Internal)))?;
        let owner = Owner::claim(data_dir, uuid::Uuid::new_v4().simple().to_string())?;
        let identity = prepare(&store, data_dir)?;
        let changes = Changes::default();
        let alerts = Alerts::new(store.clone(), changes.clone());
        let watch = Arc::new(Watch::new(alerts.clone(), clock.clone()));
        let metrics = Arc::new(Metrics::default());
        let engine = Arc::new(Self {
            data_dir: data_dir.to_owned(),
            snapshots: Snapshots::default(),
            keys: Keys::new(vault, identity),
            ledger: Arc::new(Ledger::new(
                store.clone(),
                owner.name().to_owned(),
                changes.clone(),
                (Arc::clone(&watch), Arc::clone(&metrics)),
            )),
            gauges: Gauges::default(),
            metrics,
            keepsakes: Keepsakes::default(),
            board: Arc::new(Board::new(clock, store.clone(), changes.clone(), alerts)),
            watch,
            upstream: Upstream::default(),
            demo: Mutex::default(),
            runtime,
            checks: checks::Running::default(),
            body_key: bodies::KnownKey::default(),
            runs: desk::playground::Runs::default(),
            syncs: desk::models::Syncs::default(),
            listening: Mutex::default(),
            changes,
            passphrases,
            store,
            owner,
        });
        engine.do_chores();
        Ok(engine)
    }

    /// Where everything is kept.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The random name that marks this engine on its folder for as long as it lives.
    pub fn mark(&self) -> &str {
        self.owner.name()
    }

    /// What changes from now on.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// The configuration as it is now.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        Ok(self.snapshots.current(&self.store, |fresh| self.adjust(fresh))?)
    }

    /// Completes a fresh configuration with what only this process knows: where its Demo provider listens.
    fn adjust(&self, fresh: &mut Snapshot) {
        if fresh.stopped.is_some() {
            self.gauges.stop();
        } else {
            self.gauges.resume();
        }
        if fresh.connections.iter().any(|connection| connection.provider == DEMO)
            && let Some(demo) = self.lead_to_demo(&mut fresh.connections)
        {
            demo.set_fault(fresh.demo_fault);
        }
        self.gauges.drill(fresh.drill.clone());
        self.watch.follow(fresh);
        let mut fleet = Fleet {
            connections: fresh.connections.clone(),
            profiles: fresh.compiled_profiles(),
            aliases: fresh.aliases.clone(),
            models: fresh.models.clone(),
            apps: fresh.app_ids().map(|app| (app, fresh.allowed(app))).collect(),
            drill: fresh.drill.clone(),
            ..Fleet::default()
        };
        fleet.budgets = budgets::resolved(fresh, &fleet);
        fresh.directory = self.board.configure(fleet, fresh);
    }

    /// Connections of the Demo provider lead to this process's, unless they have a base URL of their own.
    fn lead_to_demo(&self, connections: &mut [Connection]) -> Option<Arc<DemoServer>> {
        match self.demo_server() {
            Ok(demo) => {
                let own = |c: &&mut Connection| c.provider == DEMO && c.own_base_url.is_none();
                for connection in connections.iter_mut().filter(own) {
                    demo.base_url().clone_into(&mut connection.base_url);
                }
                Some(demo)
            }
            Err(error) => {
                tracing::error!(%error, "the Demo provider could not start");
                None
            }
        }
    }

    fn demo_server(&self) -> std::io::Result<Arc<DemoServer>> {
        let mut demo = self.demo.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = demo.as_ref() {
            return Ok(Arc::clone(running));
        }
        let started = Arc::new(DemoServer::start_on(DemoOptions::default(), &self.runtime)?);
        *demo = Some(Arc::clone(&started));
        Ok(started)
    }

    /// Keeps this process in step with the others on the same folder, the ledger written, and the connections tested as the
    /// schedule says. Runs until dropped.
    pub async fn keep_up(self: Arc<Self>) {
        let retrying = Arc::clone(&self.ledger).keep_retrying();
        tokio::select! {
            () = retrying => {}
            () = self.follow_configuration() => {}
            () = self.keep_tidy() => {}
            () = desk::checks::keep_schedule(&self) => {}
        }
    }

    async fn follow_configuration(&self) {
        let mut ticks = tokio::time::interval(LOOK);
        let mut seen = None;
        loop {
            ticks.tick().await;
            match self.snapshot() {
                Ok(snapshot) => {
                    let version = Some(snapshot.version);
                    if seen.is_some() && seen != version {
                        for changed in OF_CONFIGURATION {
                            self.changes.send(changed);
                        }
                    }
                    if snapshot.drill.is_some()
                        && let Err(error) = self.end_drill_in_time()
                    {
                        tracing::warn!(%error, "a drill whose time is over could not be ended");
                    }
                    if let Err(error) = self.look_after_money(&snapshot, seen) {
                        tracing::warn!(%error, "budgets and alerts could not be looked at");
                    }
                    seen = version;
                }
                Err(error) => tracing::warn!(%error, "the configuration could not be read"),
            }
        }
    }

    /// What others on the folder spent, what time alone does to budgets and alerts, and what a change of the configuration,
    /// since the version `seen`, has ended.
    fn look_after_money(&self, snapshot: &Snapshot, seen: Option<i64>) -> Result<(), StoreError> {
        self.board.recall(snapshot);
        self.board.follow_ledger(snapshot)?;
        self.watch.alerts().tick()?;
        if seen.is_none() && !owner::is_shared(&self.data_dir, self.owner.name()) {
            self.forget_momentary_alerts();
        }
        if seen != Some(snapshot.version) {
            self.review_alerts(snapshot);
            self.look_at_keys(snapshot)?;
        }
        self.watch.look_for_ends(snapshot);
        Ok(())
    }

    /// Returns when everything that was handed to the store is written: the last thing before a process ends.
    pub async fn settle(self: &Arc<Self>) -> Result<(), Error> {
        self.blocking(|engine| Ok(engine.store.write(|_| Ok(()))?)).await
    }

    /// Changes the configuration, and notes the change in the audit log in the same transaction.
    async fn change<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Db) -> Result<Recorded<T>, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        self.blocking(|engine| Ok(engine.store.change(clock::now(), work)?)).await
    }

    /// Runs blocking work on the store off the async threads.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let engine = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&engine)).await;
        done.map_err(|_| {
            Error::new(
                Code::Internal,
                "Patchbay made a mistake of its own; the log tells more.",
                "Try again.",
            )
        })?
    }
}

/// Catalogue, identity and leftovers.
fn prepare(store: &Store, data_dir: &Path) -> Result<Identity, StoreError> {
    let now = clock::now();
    let gone = store
        .read(open_attempt::owners)?
        .into_iter()
        .filter(|name| owner::is_gone(data_dir, name))
        .collect::<Vec<_>>();
    owner::sweep(data_dir);
    store.write(move |db| {
        provider::sync_catalog(db, catalog::providers(), now)?;
        for name in &gone {
            let attempts = open_attempt::interrupt(db, name)?;
            tracing::info!(attempts, "entered attempts that a crash had cut off");
        }
        Ok(Identity {
            store_id: made_once(db, "store_id", now)?,
            fingerprint_key: made_once(db, "fingerprint_key", now)?,
        })
    })
}

/// A random text that is made at the first start and stays.
fn made_once(db: &Db, name: &str, now: Timestamp) -> Result<String, StoreError> {
    if let Some(known) = setting::get(db, name)? {
        return Ok(known);
    }
    let fresh = uuid::Uuid::new_v4().simple().to_string();
    setting::set(db, name, &fresh, now)?;
    Ok(fresh)
}
