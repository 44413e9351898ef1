//! What has to be done from time to time: erasing keys whose time has come, letting old audit entries go. Done at every
//! start and hourly while a process runs; a machine that was off for weeks catches up at once (behaviours T4).

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::time::HOUR_MS;
use patchbay_store::audit::Recorded;
use patchbay_store::{Store, StoreError, audit, setting};

use crate::{Engine, clock, retention, settling};

/// The setting that holds how many days audit entries are kept; 0 = for ever.
pub(crate) const AUDIT_DAYS: &str = "audit_keep_days";
/// Three years, where nobody set it: much longer than usage rows.
pub(crate) const DEFAULT_AUDIT_DAYS: u32 = 1_095;

const EVERY: Duration = Duration::from_hours(1);

impl Engine {
    /// Does what is due. A failure is logged and tried again next time: it never keeps anybody from working.
    pub(crate) fn do_chores(&self) {
        if let Err(error) = self.sweep() {
            tracing::warn!(%error, "keys that are not needed any more could not be erased");
        }
        if let Err(error) = self.end_drill_in_time() {
            tracing::warn!(%error, "a drill whose time is over could not be ended");
        }
        if let Err(error) = self.erase_bodies() {
            tracing::warn!(%error, "kept requests and answers whose time has come could not be erased");
        }
        if let Err(error) = retain_audit(&self.store) {
            tracing::warn!(%error, "old audit entries could not be let go");
        }
    }

    pub(crate) async fn keep_tidy(self: &Arc<Self>) {
        let mut ticks = tokio::time::interval(EVERY);
        let mut is_start = true;
        loop {
            ticks.tick().await;
            let engine = Arc::clone(self);
            // It ends by itself; a chore that panics is tried again an hour later.
            let _ = tokio::task::spawn_blocking(move || engine.do_chores()).await;
            self.retain_attempts(is_start).await;
            if let Err(error) = self.look_at_balances().await {
                tracing::warn!(%error, "accounts could not be asked what they have left");
            }
            self.settle_days().await;
            is_start = false;
        }
    }
}

impl Engine {
    /// Moves old attempts to archives: at every start of a process that goes on, and daily.
    async fn retain_attempts(self: &Arc<Self>, is_start: bool) {
        let engine = Arc::clone(self);
        let ran = tokio::task::spawn_blocking(move || {
            let now = clock::now();
            if is_start || retention::is_due(&engine, now)? {
                retention::run_due(&engine, now)
            } else {
                Ok(())
            }
        });
        if let Ok(Err(error)) = ran.await {
            tracing::warn!(%error, "old attempts could not be moved to archives; it is tried again");
        }
    }
}

impl Engine {
    /// Sums up the days that are over, and those that a late attempt has changed.
    async fn settle_days(self: &Arc<Self>) {
        let engine = Arc::clone(self);
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || settling::run(&engine)).await {
            tracing::warn!(%error, "days that are over could not be summed up; it is tried again");
        }
    }
}

fn retain_audit(store: &Store) -> Result<(), StoreError> {
    let days = store.read(|db| setting::get(db, AUDIT_DAYS))?.unwrap_or(DEFAULT_AUDIT_DAYS);
    if days == 0 {
        return Ok(());
    }
    let until = clock::now().plus_ms(-i64::from(days) * 24 * HOUR_MS);
    if store.read(audit::oldest)?.is_none_or(|oldest| oldest >= until) {
        return Ok(());
    }
    store.change(clock::now(), move |db| {
        let gone = audit::retain(db, until)?;
        let change = Change::default().fact("entries", gone).fact("older_than_days", days);
        Ok(Recorded::new(
            (),
            Entry::by(Actor::Scheduler, Action::Retain, Kind::Audit, "entries").change(change),
        ))
    })
}
