//! Causes that end with a change of the configuration: what an alert speaks of is gone, or is as it should be.

use patchbay_core::alert::{AlertKind, News, Severity, Sign, credential_age};
use patchbay_core::credential::CredentialState;
use patchbay_core::route::Needs;
use patchbay_store::{StoreError, credential, credential_policy};

use super::Dated;
use crate::Engine;
use crate::clock;
use crate::snapshot::Snapshot;

impl Engine {
    /// Closes the alerts whose cause the configuration has ended, whoever raised them.
    pub(crate) fn review_alerts(&self, snapshot: &Snapshot) {
        if let Err(error) = self.watch.alerts().catch_up() {
            tracing::warn!(%error, "alerts could not be read");
        }
        let over = self.watch.alerts().lasting().into_iter().filter(|(kind, subject)| {
            !snapshot.alert_rules.is_on(*kind) || self.is_over(snapshot, *kind, subject)
        });
        let news: Vec<Dated> =
            over.map(|(kind, subject)| (News::new(kind, subject, Sign::Clear), None)).collect();
        self.watch.alerts().take(news);
    }

    fn is_over(&self, snapshot: &Snapshot, kind: AlertKind, subject: &str) -> bool {
        let is_gone = |key: &str| snapshot.connection(key).is_none();
        match kind {
            AlertKind::NeedsAttention
            | AlertKind::BreakerOpen
            | AlertKind::CredentialAge
            | AlertKind::LowBalance => is_gone(subject),
            AlertKind::ModelGone => is_gone(subject.split('/').next().unwrap_or_default()),
            AlertKind::StandbyTookOver => {
                let Some((key, version)) = subject.rsplit_once(" v") else { return true };
                let connection = snapshot.connection(key);
                let active = connection.and_then(|connection| connection.credential.as_ref());
                active.is_none_or(|active| active.version.to_string() != version)
            }
            AlertKind::Budget => snapshot.budgets.iter().all(|budget| budget.key.to_string() != subject),
            AlertKind::UnknownPrice => subject.split_once('/').is_some_and(|(provider, model)| {
                snapshot.prices.find(provider, model, clock::now(), 0).is_some()
            }),
            AlertKind::NoCandidate => {
                let needs = Needs::default();
                !self.board.plan(&snapshot.directory, subject, &needs).candidates.is_empty()
            }
            _ => false,
        }
    }

    /// Looks at the age of every key in use (K3).
    pub(crate) fn look_at_keys(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let now = clock::now();
        let mut news = Vec::new();
        for connection in &snapshot.connections {
            let (versions, policy) = self.store.read(|db| {
                Ok((credential::all(db, connection.id)?, credential_policy::get(db, connection.id)?))
            })?;
            let active = versions.iter().find(|version| version.state == CredentialState::Active);
            let sign = active.map_or(Sign::Clear, |active| {
                credential_age(active.created_at, active.expires_at, policy.remind_days, now)
            });
            news.push((
                News::new(AlertKind::CredentialAge, &connection.key, of(&connection.name, sign)),
                None,
            ));
        }
        self.watch.alerts().take(news);
        Ok(())
    }

    /// A standby key took over.
    pub(crate) fn tell_of_standby(&self, key: &str, name: &str, version: u32, why: &str) {
        let sign = Sign::raise(
            Severity::Warn,
            format!("{name} answers with its standby key"),
            format!("version {version} took over: {why}. Stage a new key"),
        );
        self.watch.alerts().tell(AlertKind::StandbyTookOver, format!("{key} v{version}"), sign);
    }

    /// What ended with the process that knew it.
    pub(crate) fn forget_momentary_alerts(&self) {
        let passing =
            [AlertKind::LimitReached, AlertKind::Offline, AlertKind::Loop, AlertKind::LedgerFailing];
        let over = self.watch.alerts().lasting().into_iter().filter(|(kind, _)| passing.contains(kind));
        let clear = |(kind, subject)| (News::new(kind, subject, Sign::Clear), None);
        self.watch.alerts().take(over.map(clear).collect());
    }
}

fn of(name: &str, sign: Sign) -> Sign {
    match sign {
        Sign::Raise { severity, rank, title, evidence } => {
            Sign::Raise { severity, rank, title: format!("{name}: {}", lower_first(&title)), evidence }
        }
        Sign::Clear => Sign::Clear,
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
