//! Alerts on their way into the store, and what is noticed on the way of calls. The store's table is the truth for all processes
//! on the folder; here is only what keeps a busy gateway from writing the same news with every call.

mod review;
mod watch;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use patchbay_core::admission::calendar::PeriodKey;
use patchbay_core::alert::{AlertKind, News, Rules, Severity, Sign, Step};
use patchbay_core::time::Timestamp;
use patchbay_store::alert::{self, AlertRow, Which};
use patchbay_store::{Store, StoreError};

pub(crate) use self::watch::Watch;
use crate::changes::{Changed, Changes};
use crate::clock;

/// News that could not be written wait here; beyond so many the oldest is given up.
const BACKLOG: usize = 256;

/// News with the period that they belong to, for those of budgets.
pub(crate) type Dated = (News, Option<PeriodKey>);

/// The way of news into the store.
#[derive(Clone, Debug)]
pub(crate) struct Alerts {
    store: Store,
    changes: Changes,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    rules: Rules,
    /// Alerts whose cause lasts, as far as this process knows, and how much they matter.
    lasting: HashMap<(AlertKind, String), (Severity, u16)>,
    /// Causes that end by themselves, then.
    ends: BTreeMap<(AlertKind, String), Timestamp>,
    /// What could not be written yet.
    waiting: Vec<Dated>,
    /// The newest change of the table that this process has read.
    seen: i64,
}

impl Alerts {
    pub(crate) fn new(store: Store, changes: Changes) -> Self {
        Self { store, changes, state: Arc::default() }
    }

    /// The rules as they are now.
    pub(crate) fn set_rules(&self, rules: Rules) {
        self.state().rules = rules;
    }

    /// News of one condition.
    pub(crate) fn tell(&self, kind: AlertKind, subject: impl Into<String>, sign: Sign) {
        self.take(vec![(News::new(kind, subject, sign), None)]);
    }

    /// A condition that ends by itself.
    pub(crate) fn tell_until(&self, kind: AlertKind, subject: &str, sign: Sign, until: Timestamp) {
        self.state().ends.insert((kind, subject.to_owned()), until);
        self.tell(kind, subject, sign);
    }

    /// Takes news into the store, without waiting. What is known already is not written again.
    pub(crate) fn take(&self, mut news: Vec<Dated>) {
        news.retain(|(news, _)| self.state().is_news(news));
        self.write(news);
    }

    fn write(&self, news: Vec<Dated>) {
        if news.is_empty() {
            return;
        }
        let (alerts, copy) = (self.clone(), news.clone());
        let submitted = self.store.submit(
            move |db| take_all(db, &news, clock::now()),
            move |result| match result {
                Ok(()) => alerts.changes.send(Changed::Alerts),
                Err(error) => {
                    tracing::warn!(%error, "an alert could not be written and waits");
                    alerts.state().keep(copy);
                }
            },
        );
        if let Err(error) = submitted {
            tracing::warn!(%error, "an alert is lost: the store is closed");
        }
    }

    /// Whether the cause of such an alert lasts.
    pub(crate) fn lasts(&self, kind: AlertKind, subject: &str) -> bool {
        self.state().lasting.contains_key(&(kind, subject.to_owned()))
    }

    /// Whether any alert of that kind lasts.
    pub(crate) fn any_lasts(&self, kind: AlertKind) -> bool {
        self.state().lasting.keys().any(|(known, _)| *known == kind)
    }

    /// What lasts, as far as this process knows.
    pub(crate) fn lasting(&self) -> Vec<(AlertKind, String)> {
        self.state().lasting.keys().cloned().collect()
    }

    /// What time alone does: causes that end by themselves, quiet that is over, news that wait, and what other processes did.
    pub(crate) fn tick(&self) -> Result<(), StoreError> {
        let now = clock::now();
        let (over, waiting) = self.state().due(now);
        self.take(
            over.into_iter().map(|(kind, subject)| (News::new(kind, subject, Sign::Clear), None)).collect(),
        );
        self.write(waiting);
        if self.store.read(|db| alert::is_any_due(db, now))? {
            self.store.write(move |db| alert::wake(db, now))?;
        }
        self.catch_up()
    }

    /// Reads the table again where any process has changed it.
    pub(crate) fn catch_up(&self) -> Result<(), StoreError> {
        let newest = self.store.read(alert::newest_change)?;
        let seen = std::mem::replace(&mut self.state().seen, newest);
        if newest == seen {
            return Ok(());
        }
        let all = self.store.read(|db| alert::list(db, Which::Lasting))?;
        let lasting =
            all.into_iter().map(|alert| ((alert.kind, alert.subject), (alert.severity, alert.rank)));
        self.state().lasting = lasting.collect();
        self.changes.send(Changed::Alerts);
        Ok(())
    }

    /// The alerts that nobody was told of; from now on they count as told.
    pub(crate) fn claim_untold(&self) -> Result<Vec<AlertRow>, StoreError> {
        if !self.store.read(alert::is_any_untold)? {
            return Ok(Vec::new());
        }
        self.store.write(|db| alert::claim_untold(db, clock::now()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether it has to be written. What is written is known from then on.
    fn is_news(&mut self, news: &News) -> bool {
        let key = (news.kind, news.subject.clone());
        match &news.sign {
            Sign::Clear => {
                self.ends.remove(&key);
                self.lasting.remove(&key).is_some()
            }
            Sign::Raise { severity, rank, .. } => {
                let weight = (*severity, *rank);
                self.rules.is_on(news.kind) && self.lasting.insert(key, weight) != Some(weight)
            }
        }
    }

    fn keep(&mut self, news: Vec<Dated>) {
        self.waiting.extend(news);
        let over = self.waiting.len().saturating_sub(BACKLOG);
        self.waiting.drain(..over);
    }

    fn due(&mut self, now: Timestamp) -> (Vec<(AlertKind, String)>, Vec<Dated>) {
        let over: Vec<_> =
            self.ends.iter().filter(|(_, end)| **end <= now).map(|(key, _)| key.clone()).collect();
        (over, std::mem::take(&mut self.waiting))
    }
}

fn take_all(db: &patchbay_store::Db, news: &[Dated], now: Timestamp) -> Result<(), StoreError> {
    for (news, period) in news {
        let step = alert::take(db, news, *period, now)?;
        if matches!(step, Step::Open | Step::Reopen) {
            tracing::info!(kind = news.kind.as_str(), subject = news.subject, "an alert");
        }
    }
    Ok(())
}
