//! What apps send and get, where somebody turned that on: sealed on the way into the store, opened only when it is asked for.

use std::sync::{Arc, Mutex, PoisonError};

use patchbay_core::code::Code;
use patchbay_core::id::{AppId, CallId};
use patchbay_core::time::Timestamp;
use patchbay_store::kept_body::{self, BodyKey, KEY_PLACE, KeptBody, Part};
use serde::Serialize;

use crate::error::Error;
use crate::{Engine, clock};

/// Of each side so much is kept.
pub(crate) const MOST_BYTES: usize = 1024 * 1024;

/// The key, once it was read.
#[derive(Debug, Default)]
pub(crate) struct KnownKey(Mutex<Option<BodyKey>>);

/// One side of a call.
pub(crate) struct Side {
    pub(crate) text: Vec<u8>,
    pub(crate) is_cut: bool,
}

/// Both sides of a call.
pub(crate) struct Written {
    pub(crate) call: CallId,
    pub(crate) app: AppId,
    pub(crate) for_s: u32,
    pub(crate) request: Side,
    pub(crate) answer: Side,
}

/// What an app sent and got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Messages {
    /// What it sent.
    pub request: String,
    /// What it got.
    pub answer: String,
    /// Only the beginning of one of them is kept.
    pub is_cut: bool,
    /// When both are erased.
    pub erase_at: Timestamp,
}

impl Engine {
    /// The key, made where there is none yet.
    pub(crate) async fn body_key(&self) -> Result<BodyKey, Error> {
        if let Some(key) = self.known_body_key() {
            return Ok(key);
        }
        let slot = self.keys.slot(KEY_PLACE.0, KEY_PLACE.1);
        let key = self
            .keys
            .with_vault(move |vault| {
                if let Some(secret) = vault.get(&slot)? {
                    return BodyKey::of_secret(&secret).ok_or_else(lost);
                }
                let key = BodyKey::fresh()?;
                vault.put(&slot, &key.to_secret())?;
                Ok::<_, Error>(key)
            })
            .await?;
        *self.body_key.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
        Ok(key)
    }

    fn known_body_key(&self) -> Option<BodyKey> {
        self.body_key.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps both sides of a call.
    pub(crate) async fn keep(self: &Arc<Self>, written: Written) -> Result<(), Error> {
        let key = self.body_key().await?;
        self.blocking(move |engine| {
            let now = clock::now();
            let erase_at = now.plus_ms(i64::from(written.for_s) * 1_000);
            let body = |part, side: Side| {
                let sealed = key.seal(written.call, part, &side.text)?;
                let (call, app, is_cut) = (written.call, written.app, side.is_cut);
                Ok::<_, Error>(KeptBody { call, part, app, sealed, is_cut, erase_at })
            };
            let both = [body(Part::Request, written.request)?, body(Part::Answer, written.answer)?];
            engine.store.write(move |db| both.iter().try_for_each(|body| kept_body::keep(db, body, now)))?;
            Ok(())
        })
        .await
    }

    /// What is kept of a call; `None` where nothing is.
    pub async fn messages(self: &Arc<Self>, call: CallId) -> Result<Option<Messages>, Error> {
        let kept = self
            .blocking(move |engine| Ok(engine.store.read(|db| kept_body::of_call(db, call, clock::now()))?))
            .await?;
        let Some(erase_at) = kept.iter().map(|body| body.erase_at).min() else { return Ok(None) };
        let key = self.body_key().await?;
        let text = |part: Part| {
            let Some(body) = kept.iter().find(|body| body.part == part) else { return Ok(String::new()) };
            let text = key.open(call, part, &body.sealed).ok_or_else(lost)?;
            Ok::<_, Error>(String::from_utf8_lossy(&text).into_owned())
        };
        Ok(Some(Messages {
            request: text(Part::Request)?,
            answer: text(Part::Answer)?,
            is_cut: kept.iter().any(|body| body.is_cut),
            erase_at,
        }))
    }

    /// Erases what is due.
    pub(crate) fn erase_bodies(&self) -> Result<(), Error> {
        Ok(self.store.write(|db| kept_body::erase_due(db, clock::now())).map(drop)?)
    }
}

fn lost() -> Error {
    Error::new(
        Code::CredentialMissing,
        "The key that the kept requests and answers are sealed by is not in the keychain any more.",
        "What was kept before cannot be read; turn keeping off and on again for a fresh start.",
    )
}
