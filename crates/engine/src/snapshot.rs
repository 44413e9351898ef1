//! The configuration as one immutable value. Calls share it; a change by any process makes the next call read a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use patchbay_core::admission::Allowed;
use patchbay_core::alert::Rules;
use patchbay_core::app::{App, TokenHash};
use patchbay_core::connection::Connection;
use patchbay_core::id::AppId;
use patchbay_core::price::PriceBook;
use patchbay_core::profile::Profile;
use patchbay_core::provider::{OTHER_COLOR, Provider, tile_of};
use patchbay_core::route::{Directory, InForce, ModelFacts};
use patchbay_core::time::Timestamp;
use patchbay_store::budget::BudgetRow;
use patchbay_store::model::ModelRow;
use patchbay_store::profile::ProfileRow;
use patchbay_store::{
    Store, StoreError, alias, app, budget, connection, model, price, profile, provider, setting,
};
use serde::{Deserialize, Serialize};

use crate::demo::DemoFault;

/// The kill switch, while it is thrown.
pub const STOPPED: &str = "stopped";
/// The drill in force.
pub const DRILL: &str = "drill";
/// The rules of alerts.
pub const ALERT_RULES: &str = "alert_rules";
/// The trader's zone, an IANA name: days and months of budgets and limits are cut in it.
pub const ZONE: &str = "zone";
/// Patchbay's own callers, which have budgets like apps do and no row of their own.
pub const OWN_APPS: [&str; 3] = ["playground", "command line", "test"];
/// What the Demo provider pretends.
pub const DEMO_FAULT: &str = "demo_fault";

/// Who stopped all traffic, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Stopped {
    /// "the window", "the command line".
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// Everything that a call is decided by.
#[derive(Debug)]
pub struct Snapshot {
    /// The store's configuration version that this was read at.
    pub version: i64,
    /// All providers by name.
    pub providers: Vec<Provider>,
    /// All connections.
    pub connections: Vec<Connection>,
    /// All profiles by name, archived ones too.
    pub profiles: Vec<ProfileRow>,
    /// Other names of targets and profiles.
    pub aliases: HashMap<String, String>,
    /// What the catalogue knows of models, as far as routing goes by it.
    pub models: Vec<ModelFacts>,
    /// Who has which model: what calls are planned from.
    pub directory: Directory,
    /// All apps.
    pub apps: HashMap<AppId, App>,
    /// All tokens that may be valid.
    pub tokens: Vec<TokenHash>,
    /// All prices.
    pub prices: PriceBook,
    /// All budgets.
    pub budgets: Vec<BudgetRow>,
    /// Which alerts are wanted.
    pub alert_rules: Rules,
    /// See [`ZONE`]; empty for the system's.
    pub zone: String,
    /// Set while all traffic is stopped.
    pub stopped: Option<Stopped>,
    /// The drill that is in force until its end; [`Directory::drill`] knows whether that has come.
    pub drill: Option<InForce>,
    /// What the Demo provider pretends.
    pub demo_fault: DemoFault,
}

impl Snapshot {
    fn read(store: &Store) -> Result<Self, StoreError> {
        store.read(|db| {
            // One transaction, so that all of it is of one version.
            let db = db.unchecked_transaction()?;
            Ok(Self {
                version: setting::configuration_version(&db)?,
                providers: provider::all(&db)?,
                connections: connection::all(&db)?,
                profiles: profile::all(&db)?,
                aliases: alias::all(&db)?,
                models: model::all(&db)?.into_iter().map(facts_of).collect(),
                directory: Directory::default(),
                apps: app::all(&db)?.into_iter().map(|app| (app.id, app)).collect(),
                tokens: app::tokens(&db)?,
                prices: PriceBook::new(price::all(&db)?),
                budgets: budget::all(&db)?,
                alert_rules: setting::get(&db, ALERT_RULES)?.unwrap_or_default(),
                zone: setting::get(&db, ZONE)?.unwrap_or_default(),
                stopped: setting::get(&db, STOPPED)?,
                drill: setting::get(&db, DRILL)?,
                demo_fault: setting::get(&db, DEMO_FAULT)?.unwrap_or_default(),
            })
        })
    }

    /// The app of that name: one with a token, or one of Patchbay's own.
    pub fn app_id(&self, name: &str) -> Option<AppId> {
        let own = || OWN_APPS.iter().zip(1..).find(|(own, _)| **own == name).map(|(_, index)| AppId(-index));
        self.apps.values().find(|app| app.name == name).map(|app| app.id).or_else(own)
    }

    /// The name of an app.
    pub fn app_name(&self, id: AppId) -> Option<&str> {
        let own = || OWN_APPS.iter().zip(1..).find(|(_, index)| AppId(-*index) == id).map(|(own, _)| *own);
        self.apps.get(&id).map(|app| app.name.as_str()).or_else(own)
    }

    /// Everybody who calls, by id.
    pub fn app_ids(&self) -> impl Iterator<Item = AppId> {
        let own = (1..).zip(OWN_APPS).map(|(index, _)| AppId(-index));
        self.apps.keys().copied().chain(own)
    }

    /// What an app may take at most; Patchbay's own know no limits.
    pub fn allowed(&self, app: AppId) -> Allowed {
        self.apps.get(&app).map_or_else(Allowed::default, |app| app.limits.into())
    }

    /// The connection of that key.
    pub fn connection(&self, key: &str) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.key == key)
    }

    /// The app of that name.
    pub fn app(&self, name: &str) -> Option<&App> {
        self.apps.values().find(|app| app.name == name)
    }

    /// The profiles in use, compiled for calls.
    pub fn compiled_profiles(&self) -> Vec<Profile> {
        let in_use = self.profiles.iter().filter(|profile| !profile.is_archived);
        let id_of = |key: &str| self.connection(key).map(|connection| connection.id);
        in_use
            .map(|profile| {
                let name = (profile.id, profile.name.clone(), profile.version.number);
                profile.version.spec.compile(name, id_of)
            })
            .collect()
    }

    /// The provider of that slug.
    pub fn provider(&self, slug: &str) -> Result<&Provider, StoreError> {
        let found = self.providers.iter().find(|provider| provider.slug == slug);
        found.ok_or_else(|| StoreError::NotFound { what: "provider", name: slug.to_owned() })
    }

    /// A provider's tile: two letters and a colour. The ledger may name one that is gone.
    pub fn tile(&self, slug: &str) -> (String, u8) {
        self.provider(slug)
            .map_or_else(|_| (tile_of(slug), OTHER_COLOR), |provider| (provider.tile(), provider.color()))
    }

    /// A provider's name; its slug where it is gone.
    pub fn provider_name<'a>(&'a self, slug: &'a str) -> &'a str {
        self.provider(slug).map_or(slug, |provider| &provider.name)
    }
}

/// Capabilities count only where the list names all of them: what is not known forbids nothing.
fn facts_of(row: ModelRow) -> ModelFacts {
    ModelFacts {
        capabilities: row.capabilities_complete.then(|| row.capabilities.iter().copied().collect()),
        provider: row.provider,
        model: row.model,
        state: row.state,
        context: row.context_window,
        max_output: row.max_output,
    }
}

/// How long other processes' changes may go unnoticed: at thousands of calls a second, asking for each takes longer than planning it.
const FRESH: Duration = Duration::from_millis(1);

/// Keeps the newest snapshot.
#[derive(Debug, Default)]
pub struct Snapshots(Mutex<Option<Known>>);

/// A snapshot that was the newest when it was looked at.
#[derive(Clone, Debug)]
struct Known {
    snapshot: Arc<Snapshot>,
    at: Instant,
    /// [`Store::jobs_done`] then.
    jobs_done: u64,
}

impl Snapshots {
    /// The configuration as it is now; of other processes' changes, a millisecond may have been missed. One small query at most, and
    /// a full read only after a change. `adjust` completes a fresh one.
    pub fn current(
        &self,
        store: &Store,
        adjust: impl FnOnce(&mut Snapshot),
    ) -> Result<Arc<Snapshot>, StoreError> {
        let (at, jobs_done) = (Instant::now(), store.jobs_done());
        let known = self.known().clone();
        if let Some(known) = &known
            && known.jobs_done == jobs_done
            && at.duration_since(known.at) < FRESH
        {
            return Ok(Arc::clone(&known.snapshot));
        }
        let version = store.read(setting::configuration_version)?;
        let unchanged = known.map(|known| known.snapshot).filter(|known| known.version == version);
        let snapshot = unchanged.map_or_else(|| Self::read(store, adjust), Ok)?;
        *self.known() = Some(Known { snapshot: Arc::clone(&snapshot), at, jobs_done });
        Ok(snapshot)
    }

    fn read(store: &Store, adjust: impl FnOnce(&mut Snapshot)) -> Result<Arc<Snapshot>, StoreError> {
        let mut fresh = Snapshot::read(store)?;
        adjust(&mut fresh);
        Ok(Arc::new(fresh))
    }

    fn known(&self) -> MutexGuard<'_, Option<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
