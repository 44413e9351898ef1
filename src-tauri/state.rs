//! What the window holds: the engine, or why there is none.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::tz::TimeZone;
use patchbay_core::code::Code;
use patchbay_core::secret::Secret;
use patchbay_engine::desk::backup::{self, Restored};
use patchbay_engine::desk::{demo, status, vault as keys};
use patchbay_engine::error::Error;
use patchbay_engine::vault::Given;
use patchbay_engine::{Engine, VaultSetup, clock, default_data_dir, demo::sample::SampleOptions};
use tauri::AppHandle;
use tauri::Manager;
use tauri::async_runtime::JoinHandle;

use crate::commands::preferences;
use crate::{Args, changed, notify, tray};

/// How long a closed window waits for calls on their way.
const LAST_CALLS: Duration = Duration::from_secs(5);

/// The window's state.
#[derive(Debug)]
pub struct Desk {
    app: AppHandle,
    data_dir: Result<PathBuf, Error>,
    vault: VaultSetup,
    port: Option<u16>,
    engine: RwLock<Result<Arc<Engine>, Error>>,
    /// What runs beside the engine for as long as it is open.
    chores: Mutex<Option<JoinHandle<()>>>,
}

impl Desk {
    /// Opens the data folder and lets the gateway listen. What goes wrong is shown by the window, not here.
    pub(crate) fn open(app: &AppHandle, args: &Args) -> Self {
        let data_dir = args.data_dir.clone().map_or_else(default_data_dir, Ok);
        let closed = Error::new(Code::Internal, "The data folder is not open yet.", "");
        let desk = Self {
            app: app.clone(),
            data_dir,
            vault: args.vault(),
            port: args.port,
            engine: RwLock::new(Err(closed)),
            chores: Mutex::default(),
        };
        if let Ok(engine) = desk.reopen()
            && args.demo
        {
            let zone = desk.zone();
            tauri::async_runtime::spawn(async move {
                if let Err(error) = demo::load(&engine, SampleOptions::default(), zone).await {
                    tracing::error!(%error, "the sample data could not be loaded");
                }
            });
        }
        desk
    }

    /// The engine.
    pub(crate) fn engine(&self) -> Result<Arc<Engine>, Error> {
        self.engine.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The engine, opened again where it could not be opened before.
    pub(crate) fn reopen(&self) -> Result<Arc<Engine>, Error> {
        if let Ok(engine) = self.engine() {
            return Ok(engine);
        }
        let opened = self.data_dir.clone().and_then(|folder| {
            tauri::async_runtime::block_on(async { Engine::open(&folder, self.vault.clone()) })
        });
        if let Ok(engine) = &opened {
            self.start(engine);
        }
        self.engine.write().unwrap_or_else(PoisonError::into_inner).clone_from(&opened);
        opened
    }

    fn start(&self, engine: &Arc<Engine>) {
        changed::forward(&self.app, engine);
        notify::tell_of_alerts(&self.app, engine);
        tray::follow(&self.app, engine);
        let chores = tauri::async_runtime::spawn(Arc::clone(engine).keep_up());
        *self.chores.lock().unwrap_or_else(PoisonError::into_inner) = Some(chores);
        let (engine, port) = (Arc::clone(engine), self.port);
        tauri::async_runtime::spawn(async move {
            // The status bar shows a port that is taken, and offers another.
            if let Err(error) = status::listen(&engine, port).await {
                tracing::warn!(%error, "the gateway does not listen");
            }
        });
    }

    /// Puts a copy in the place of everything: the engine is closed for it and opened again afterwards, whatever comes of it.
    pub(crate) async fn restore(
        &self,
        copy: (PathBuf, Option<Secret>),
        vault_passphrase: Option<Secret>,
    ) -> Result<Restored, Error> {
        let (folder, mut vault) = (self.data_dir.clone()?, self.vault.clone());
        if vault_passphrase.is_some() {
            vault.passphrases = Arc::new(Given(vault_passphrase.clone()));
        }
        let engine = self.engine()?;
        let opened = backup::open(folder.clone(), vault.clone(), copy).await?;
        let mark = engine.mark().to_owned();
        let closed = Error::new(Code::InUse, "A backup is being restored.", "Wait until it is done.");
        *self.engine.write().unwrap_or_else(PoisonError::into_inner) = Err(closed);
        self.end(engine).await;
        let restored = if backup::is_free(&folder, mark, LAST_CALLS).await {
            let work = move || opened.restore(&folder, &vault);
            tauri::async_runtime::spawn_blocking(work).await.unwrap_or_else(|_| Err(broken_off()))
        } else {
            Err(Error::new(
                Code::InUse,
                "Something is still running on this data folder: a test, or a call.",
                "Wait a moment and try again. Nothing was changed.",
            ))
        };
        let app = self.app.clone();
        let opened = tauri::async_runtime::spawn_blocking(move || app.state::<Self>().reopen().map(drop));
        opened.await.unwrap_or_else(|_| Err(broken_off()))?;
        if let (Ok(_), Some(passphrase)) = (&restored, vault_passphrase) {
            keys::unlock(&self.engine()?, passphrase).await?;
        }
        restored
    }

    /// Ends what the engine does and lets go of it.
    async fn end(&self, engine: Arc<Engine>) {
        if tokio::time::timeout(LAST_CALLS, status::drain(&engine)).await.is_err() {
            tracing::warn!("calls on their way are cut; they are entered as interrupted");
        }
        let chores = self.chores.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(chores) = chores {
            chores.abort();
            // It ends as aborted, which is what was wanted.
            let _ = chores.await;
        }
    }

    /// Takes no more calls, and gives those on their way a moment to end.
    pub(crate) fn close(&self) {
        if let Ok(engine) = self.engine() {
            let draining = async { tokio::time::timeout(LAST_CALLS, status::drain(&engine)).await };
            if tauri::async_runtime::block_on(draining).is_err() {
                tracing::warn!("calls on their way are cut; the next start enters them as interrupted");
            }
        }
    }

    /// The zone that days are counted in.
    pub(crate) fn zone(&self) -> TimeZone {
        clock::zone_or_system(&preferences::read(self).zone)
    }

    /// Where the page's preferences are kept; `None` without a data folder.
    pub(crate) fn preferences_file(&self) -> Option<PathBuf> {
        self.data_dir.as_deref().ok().map(|folder: &Path| folder.join("preferences.json"))
    }

    /// The running app.
    pub(crate) fn app(&self) -> &AppHandle {
        &self.app
    }
}

fn broken_off() -> Error {
    Error::new(Code::Internal, "The restore was broken off.", "Start Patchbay again.")
}
