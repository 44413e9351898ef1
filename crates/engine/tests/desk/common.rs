//! An engine on a folder of its own, a provider that wants a key, and a vault that can be looked into.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::tz::TimeZone;
use patchbay_core::credential::CredentialState;
use patchbay_core::diagnose::{Spend, StageReport};
use patchbay_core::secret::Secret;
use patchbay_engine::Engine;
use patchbay_engine::demo::{DemoOptions, DemoServer, Pace};
use patchbay_engine::desk::audit::{self, AuditQuery};
use patchbay_engine::desk::connections::{self, ConnectionDraft, NewSettings};
use patchbay_engine::desk::credentials::{self, Afterwards, Credentials, Rotation};
use patchbay_engine::error::Error;
use patchbay_engine::vault::{Given, Slot, Vault, VaultError, VaultKind, VaultState};
use tempfile::TempDir;
use tokio::sync::mpsc;

pub const OLD: &str = "sk-old-5d1f0b9c77ae42-OLD1";
pub const PASSPHRASE: &str = "correct horse battery staple";
pub const NEW: &str = "sk-new-93b07a4c1de852-NEW2";

/// Runs before and after each use of a vault; an error makes the use fail.
pub type Hook = Box<dyn Fn(&str, &Secrets) -> Result<(), VaultError> + Send + Sync>;
pub type Secrets = BTreeMap<(i64, u32), Secret>;

/// A vault that a test looks into and breaks.
#[derive(Default)]
pub struct Glass {
    pub secrets: Mutex<Secrets>,
    pub hook: Mutex<Option<Hook>>,
}

impl std::fmt::Debug for Glass {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Glass")
    }
}

impl Glass {
    pub fn holding(secrets: Secrets) -> Self {
        Self { secrets: Mutex::new(secrets), hook: Mutex::default() }
    }

    pub fn watch(&self, hook: Option<Hook>) {
        *self.hook.lock().unwrap() = hook;
    }

    /// The versions that have a secret.
    pub fn versions(&self) -> Vec<u32> {
        self.secrets.lock().unwrap().keys().map(|(_, version)| *version).collect()
    }

    fn told(&self, step: &str) -> Result<(), VaultError> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.hook
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .map_or(Ok(()), |hook| hook(step, &secrets))
    }

    fn around<T>(&self, what: &str, work: impl FnOnce(&mut Secrets) -> T) -> Result<T, VaultError> {
        self.told(&format!("before {what}"))?;
        let done = work(&mut self.secrets.lock().unwrap());
        self.told(&format!("after {what}"))?;
        Ok(done)
    }
}

impl Vault for Glass {
    fn kind(&self) -> VaultKind {
        VaultKind::Memory
    }

    fn name(&self) -> &'static str {
        "glass"
    }

    fn state(&self) -> VaultState {
        VaultState::Ready
    }

    fn put(&self, slot: &Slot, secret: &Secret) -> Result<(), VaultError> {
        let place = (slot.connection.0, slot.version);
        self.around("put", |secrets| drop(secrets.insert(place, secret.clone())))
    }

    fn get(&self, slot: &Slot) -> Result<Option<Secret>, VaultError> {
        self.around("get", |secrets| secrets.get(&(slot.connection.0, slot.version)).cloned())
    }

    fn delete(&self, slot: &Slot) -> Result<(), VaultError> {
        self.around("delete", |secrets| drop(secrets.remove(&(slot.connection.0, slot.version))))
    }
}

/// An engine with a connection `main` whose key is [`OLD`], at a provider that takes [`NEW`].
pub struct Desk {
    pub folder: TempDir,
    pub glass: Arc<Glass>,
    pub engine: Arc<Engine>,
    pub provider: DemoServer,
}

impl Desk {
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let glass = Arc::new(Glass::default());
        let engine = open(folder.path(), &glass);
        let provider = demo(NEW);
        let desk = Self { folder, glass, engine, provider };
        desk.connect("main", Some(OLD)).await;
        desk
    }

    pub async fn connect(&self, key: &str, secret: Option<&str>) {
        let draft = draft(key, self.provider.base_url(), secret);
        connections::add_untested(&self.engine, draft, TimeZone::UTC).await.unwrap();
    }

    pub async fn credentials(&self) -> Credentials {
        credentials::list(&self.engine, "main").await.unwrap()
    }

    pub async fn states(&self) -> Vec<(u32, CredentialState)> {
        states(&self.credentials().await)
    }

    /// The log, the oldest first, as "actor action name".
    pub async fn log(&self) -> Vec<String> {
        let page = audit::list(&self.engine, AuditQuery::default(), None, 1_000).await.unwrap();
        let lines = page.entries.iter().map(|e| format!("{} {} {}", e.actor, e.action, e.name));
        lines.rev().collect()
    }
}

/// Another process on the same folder and vault, or the next start.
pub fn open(folder: &Path, glass: &Arc<Glass>) -> Arc<Engine> {
    let passphrases = Arc::new(Given(Some(secret(PASSPHRASE))));
    Engine::with_vault(folder, Arc::clone(glass) as Arc<dyn Vault>, passphrases).unwrap()
}

pub fn states(credentials: &Credentials) -> Vec<(u32, CredentialState)> {
    credentials.versions.iter().map(|version| (version.version, version.state)).collect()
}

pub fn demo(key: &str) -> DemoServer {
    let require_key = Some(Secret::new(key.to_owned()));
    DemoServer::start(DemoOptions { pace: Pace::Instant, require_key }).unwrap()
}

pub fn draft(key: &str, base_url: &str, secret: Option<&str>) -> ConnectionDraft {
    ConnectionDraft {
        provider: "compatible".into(),
        name: format!("The {key}"),
        key: Some(key.to_owned()),
        base_url: Some(base_url.to_owned()),
        default_model: Some("demo-fast".into()),
        secret: secret.map(self::secret),
        settings: NewSettings { max_retries: Some(0), ..NewSettings::default() },
    }
}

pub fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// Rotates the key of `main`, with a way back.
pub async fn rotate(engine: &Arc<Engine>, new: &str) -> Result<Rotation, Error> {
    let how = (Spend::FreeOnly, nobody());
    credentials::rotate(engine, "main", secret(new), Afterwards::Retire, how).await
}

/// A channel whose stages nobody reads.
pub fn nobody() -> mpsc::Sender<StageReport> {
    mpsc::channel(1).0
}
