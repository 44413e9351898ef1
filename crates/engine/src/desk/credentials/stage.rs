//! New versions: stored, tested, and only then put to use.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::{Action, Actor, Change};
use patchbay_core::connection::{Connection as Settings, CredentialRef};
use patchbay_core::credential::CredentialState;
use patchbay_core::diagnose::{CheckReport, Spend, StageReport, Verdict};
use patchbay_core::secret::Secret;
use patchbay_store::{Recorded, credential};
use serde::Serialize;
use tokio::sync::mpsc;

use super::chosen;
use super::list::{Credentials, list};
use super::switch::{Afterwards, promote};
use crate::changes::Changed;
use crate::custody::about;
use crate::desk::connections::{self, Connection, find};
use crate::error::Error;
use crate::{Engine, checks};

/// The end of a rotation.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Rotation {
    /// What the test of the new key found.
    pub report: CheckReport,
    /// Whether the new key is in use now. Where not, it stays staged and the old one stays in use.
    pub switched: bool,
    /// All versions.
    pub credentials: Credentials,
}

/// Stores a key as a new version, which is not used yet.
pub async fn stage(engine: &Arc<Engine>, key: &str, secret: Secret) -> Result<Credentials, Error> {
    lay(engine, key, secret).await?;
    list(engine, key).await
}

/// Stores a key, tests it, and puts it to use if the test passes. The old one stays for a while, as a way back or as a standby.
pub async fn rotate(
    engine: &Arc<Engine>,
    key: &str,
    secret: Secret,
    afterwards: Afterwards,
    how: (Spend, mpsc::Sender<StageReport>),
) -> Result<Rotation, Error> {
    let version = lay(engine, key, secret).await?;
    promote_tested(engine, key, Some(version), afterwards, how).await
}

/// Tests a version and puts it to use if the test passes: the staged one, else the standby, where none is named.
pub async fn promote_tested(
    engine: &Arc<Engine>,
    key: &str,
    version: Option<u32>,
    afterwards: Afterwards,
    (spend, stages): (Spend, mpsc::Sender<StageReport>),
) -> Result<Rotation, Error> {
    let settings = find(engine, key)?;
    let all = engine.store.read(|db| credential::all(db, settings.id))?;
    let version = chosen(&all, version, &[CredentialState::Staged, CredentialState::Standby])?.version;
    let report = test(engine, key, Some(version), spend, stages).await?;
    let switched = report.verdict == Verdict::Passed;
    if switched {
        promote(engine, key, Some(version), afterwards).await?;
    }
    Ok(Rotation { report, switched, credentials: list(engine, key).await? })
}

/// Stores a key and puts it to use without a test. The old one can be rolled back to for a while.
pub async fn replace_key(
    engine: &Arc<Engine>,
    key: &str,
    secret: Secret,
    zone: TimeZone,
) -> Result<Connection, Error> {
    let version = lay(engine, key, secret).await?;
    promote(engine, key, Some(version), Afterwards::Retire).await?;
    connections::get(engine, key, zone).await
}

/// Answers the version that the key got.
async fn lay(engine: &Arc<Engine>, key: &str, secret: Secret) -> Result<u32, Error> {
    if secret.is_empty() {
        return Err(Error::invalid(
            "There is no key to store.",
            "Paste the new key. The old one is still in use.",
        ));
    }
    let settings = find(engine, key)?;
    let version = engine
        .blocking(move |engine| {
            let (_, laid) = engine.lay_down(Some(settings.id), &secret)?;
            engine.name_laid(laid, move |db, laid, now| {
                let staged = laid.stage(db, &settings.key, now)?;
                Ok(Recorded::new(laid.version(), staged))
            })
        })
        .await?;
    engine.changes.send(Changed::Connections);
    Ok(version)
}

/// Tests a version by itself: the staged one, else the standby, where none is named. Whatever it finds, nothing is switched.
pub async fn test(
    engine: &Arc<Engine>,
    key: &str,
    version: Option<u32>,
    spend: Spend,
    stages: mpsc::Sender<StageReport>,
) -> Result<CheckReport, Error> {
    let settings = find(engine, key)?;
    let all = engine.store.read(|db| credential::all(db, settings.id))?;
    let likely = [CredentialState::Staged, CredentialState::Standby, CredentialState::Active];
    let version = chosen(&all, version, &likely)?;
    let credential = Some(CredentialRef {
        version: version.version,
        tail: version.tail.clone(),
        created_at: version.created_at,
    });
    let subject = Settings { credential, ..settings.clone() };
    // Boxed, because a test is a large future and this one is part of others.
    let report = Box::pin(checks::run(engine, &subject, spend, stages)).await;
    if report.verdict != Verdict::NotRun {
        let (verdict, at, took_ms) = (connections::verdict(&report), report.at, report.took_ms);
        let title = report.title.clone();
        engine
            .change(move |db| {
                credential::tested(db, settings.id, version.version, verdict, at)?;
                let change = Change::default().fact("verdict", verdict).fact("took_ms", took_ms);
                let tested = about(Actor::User, Action::Test, &settings.key, &version);
                Ok(Recorded::new((), tested.change(change).because(title)))
            })
            .await?;
    }
    engine.changes.send(Changed::Connections);
    Ok(report)
}
