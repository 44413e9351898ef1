//! What is noticed on the way of calls: prompts in a circle, spend in idle hours, models without a price, calls that nobody
//! took. Asked with every call and with every row of the ledger, so it writes only what is news.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use patchbay_core::alert::{AlertKind, IdleSpend, LoopWatch, Rules, Severity, Sign};
use patchbay_core::code::Code;
use patchbay_core::dialect::Failure;
use patchbay_core::ledger::{Origin, Outcome, UsageRow};
use patchbay_core::money::NanoUsd;
use patchbay_core::time::Timestamp;
use patchbay_core::usage::CostSource;

use super::Alerts;
use crate::call::Call;
use crate::clock::{self, Clock};
use crate::snapshot::Snapshot;

/// Where nobody says when to come back, a limit is over after so many milliseconds without another refusal.
const CALM_MS: i64 = 60_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Watch {
    alerts: Alerts,
    clock: Clock,
    /// Keyed anew by each process: its hashes mean nothing elsewhere.
    hasher: RandomState,
    noticed: Mutex<Noticed>,
}

#[derive(Debug)]
struct Noticed {
    rules: Rules,
    zone: jiff::tz::TimeZone,
    loops: LoopWatch,
    idle: IdleSpend,
}

impl Noticed {
    fn new(rules: Rules, zone: jiff::tz::TimeZone) -> Self {
        let within_ms = u64::from(rules.loop_minutes) * 60_000;
        Self {
            loops: LoopWatch::new(rules.loop_times, within_ms),
            idle: IdleSpend::new(rules.idle_spend),
            rules,
            zone,
        }
    }
}

impl Watch {
    pub(crate) fn new(alerts: Alerts, clock: Clock) -> Self {
        let noticed = Noticed::new(Rules::default(), clock::zone_or_system(""));
        Self { alerts, clock, hasher: RandomState::new(), noticed: Mutex::new(noticed) }
    }

    pub(crate) fn alerts(&self) -> &Alerts {
        &self.alerts
    }

    /// Goes by these rules from now on. Where they are the same, what was counted stays.
    pub(crate) fn follow(&self, snapshot: &Snapshot) {
        let (rules, zone) = (&snapshot.alert_rules, clock::zone_or_system(&snapshot.zone));
        self.alerts.set_rules(rules.clone());
        let mut noticed = self.noticed();
        if noticed.rules != *rules || noticed.zone != zone {
            *noticed = Noticed::new(rules.clone(), zone);
        }
    }

    /// A call arrives.
    pub(crate) fn asked(&self, call: &Call, snapshot: &Snapshot) {
        let Some(app) = snapshot.app_id(&call.caller.app) else { return };
        let mut hasher = self.hasher.build_hasher();
        call.inbound.hash_prompt(&mut hasher);
        let now = self.clock.moment().mono;
        let sign = self.noticed().loops.see(app, hasher.finish(), now);
        if let Some(sign) = sign {
            self.alerts.tell(AlertKind::Loop, &call.caller.app, named(sign, &call.caller.app));
        }
    }

    /// Circles that have ended close their alerts.
    pub(crate) fn look_for_ends(&self, snapshot: &Snapshot) {
        let ended = self.noticed().loops.ended(self.clock.moment().mono);
        for app in ended.iter().filter_map(|app| snapshot.app_name(*app)) {
            self.alerts.tell(AlertKind::Loop, app, Sign::Clear);
        }
    }

    /// A call got no answer from anybody, and nobody was asked.
    pub(crate) fn unserved(&self, model: &str, failure: &Failure) {
        match failure.code {
            Code::NoCandidate => {
                let title = format!("Nobody can answer for {model}");
                let sign = Sign::raise(Severity::Bad, title, failure.message.clone());
                self.alerts.tell(AlertKind::NoCandidate, model, sign);
            }
            Code::RateLimited => {
                let after_ms =
                    failure.retry_after_ms.and_then(|ms| i64::try_from(ms).ok()).unwrap_or(CALM_MS);
                let until = clock::now().plus_ms(after_ms.max(CALM_MS));
                let sign = Sign::raise(
                    Severity::Warn,
                    format!("Everybody who can answer for {model} is at a limit"),
                    failure.message.clone(),
                );
                self.alerts.tell_until(AlertKind::LimitReached, model, sign, until);
            }
            _ => {}
        }
    }

    /// An attempt ended.
    pub(crate) fn row(&self, row: &UsageRow) {
        if row.series.origin == Origin::Sample {
            return;
        }
        match row.error {
            Some(Code::Offline) => {
                let sign = Sign::raise(
                    Severity::Warn,
                    "This machine has no network".to_owned(),
                    "calls to providers fail; local connections still answer, and nobody is blamed",
                );
                self.alerts.tell(AlertKind::Offline, "", sign);
            }
            None if row.series.outcome == Outcome::Answered => self.answered(row),
            _ => {}
        }
        self.spent(row.cost.amount, row.at);
    }

    fn answered(&self, row: &UsageRow) {
        let series = &row.series;
        for (kind, subject) in [
            (AlertKind::NoCandidate, row.requested_model.as_str()),
            (AlertKind::LimitReached, row.requested_model.as_str()),
            (AlertKind::ModelGone, &format!("{}/{}", series.connection_key, series.model)),
        ] {
            if self.alerts.lasts(kind, subject) {
                self.alerts.tell(kind, subject, Sign::Clear);
            }
        }
        if self.alerts.any_lasts(AlertKind::Offline) && !is_local(row) {
            self.alerts.tell(AlertKind::Offline, "", Sign::Clear);
        }
        let subject = format!("{}/{}", series.provider, series.model);
        if row.cost.source == CostSource::Unknown {
            let sign = Sign::raise(
                Severity::Info,
                format!("{} at {} has no price", series.model, series.provider),
                "what its calls cost is not known, and no budget of money counts it",
            );
            self.alerts.tell(AlertKind::UnknownPrice, subject, sign);
        } else if self.alerts.lasts(AlertKind::UnknownPrice, &subject) {
            self.alerts.tell(AlertKind::UnknownPrice, subject, Sign::Clear);
        }
    }

    fn spent(&self, cost: Option<NanoUsd>, at: Timestamp) {
        let sign = {
            let mut noticed = self.noticed();
            let hours = noticed.rules.hours(at, &noticed.zone);
            noticed.idle.spend(cost.unwrap_or_default(), hours)
        };
        if let Some(sign) = sign {
            self.alerts.tell(AlertKind::IdleSpend, "", sign);
        }
    }

    /// The ledger cannot be written, or can again.
    pub(crate) fn ledger(&self, trouble: Option<&str>) {
        let sign = trouble.map_or(Sign::Clear, |why| {
            let title = "The ledger cannot be written".to_owned();
            Sign::raise(Severity::Bad, title, format!("calls go on, and their rows wait: {why}"))
        });
        self.alerts.tell(AlertKind::LedgerFailing, "", sign);
    }

    fn noticed(&self) -> MutexGuard<'_, Noticed> {
        self.noticed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer of a server on this machine says nothing of the network.
fn is_local(row: &UsageRow) -> bool {
    ["demo", "ollama", "lmstudio", "local"].contains(&row.series.provider.as_str())
}

fn named(sign: Sign, app: &str) -> Sign {
    match sign {
        Sign::Raise { severity, rank, evidence, .. } => {
            Sign::Raise { severity, rank, title: format!("{app} asks the same again and again"), evidence }
        }
        Sign::Clear => Sign::Clear,
    }
}
