//! The open alerts: one for each kind and subject, with history.

use std::collections::{BTreeMap, VecDeque};

use super::{AlertKind, Severity, Sign};
use crate::time::Timestamp;

/// So many are open at most; beyond, only graver ones push a lighter one out.
pub const MOST_OPEN: usize = 200;
/// So many closed ones are kept here; the store keeps them all.
const HISTORY: usize = 200;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// Nobody has reacted.
    Open,
    /// Somebody has seen it.
    Acknowledged,
    /// Quiet until then.
    Snoozed(Timestamp),
    /// Its cause has ended.
    Closed(Timestamp),
}

/// Something that somebody should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// Whom: a connection key, a budget, an app.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// One sentence.
    pub title: String,
    /// Figures and names behind it.
    pub evidence: String,
    /// When its cause began.
    pub since: Timestamp,
    /// Where it stands.
    pub state: AlertState,
}

/// All alerts that are open, and the last that were.
#[derive(Clone, Debug, Default)]
pub struct AlertBoard {
    open: BTreeMap<(AlertKind, String), Alert>,
    history: VecDeque<Alert>,
}

impl AlertBoard {
    /// Takes a sign. The answer is the alert that a person is to be told of now: a new one, or one that became graver. A sign that
    /// repeats what is known tells nobody anything.
    pub fn take(&mut self, kind: AlertKind, subject: &str, sign: Sign, now: Timestamp) -> Option<&Alert> {
        let key = (kind, subject.to_owned());
        let Sign::Raise { severity, title, evidence } = sign else {
            self.close(&key, now);
            return None;
        };
        let known = self.open.get(&key).map(|known| (known.severity, known.since, known.state));
        if known.is_none() && !self.make_room(severity, now) {
            return None;
        }
        let is_graver = known.is_none_or(|(known, ..)| severity > known);
        let (since, state) = match known {
            Some((_, since, state)) if !is_graver => (since, state),
            Some((_, since, _)) => (since, AlertState::Open),
            None => (now, AlertState::Open),
        };
        let subject = key.1.clone();
        self.open.insert(key.clone(), Alert { kind, subject, severity, title, evidence, since, state });
        self.open.get(&key).filter(|_| is_graver)
    }

    fn make_room(&mut self, severity: Severity, now: Timestamp) -> bool {
        if self.open.len() < MOST_OPEN {
            return true;
        }
        let lightest = self.open.iter().min_by_key(|(_, alert)| (alert.severity, alert.since));
        let Some(key) = lightest.filter(|(_, alert)| alert.severity < severity).map(|(key, _)| key.clone())
        else {
            return false;
        };
        self.close(&key, now);
        true
    }

    fn close(&mut self, key: &(AlertKind, String), now: Timestamp) {
        if let Some(alert) = self.open.remove(key) {
            if self.history.len() == HISTORY {
                self.history.pop_front();
            }
            self.history.push_back(Alert { state: AlertState::Closed(now), ..alert });
        }
    }

    /// Somebody has seen it.
    pub fn acknowledge(&mut self, kind: AlertKind, subject: &str) {
        self.set_state(kind, subject, AlertState::Acknowledged);
    }

    /// Somebody wants to hear of it again only then.
    pub fn snooze(&mut self, kind: AlertKind, subject: &str, until: Timestamp) {
        self.set_state(kind, subject, AlertState::Snoozed(until));
    }

    fn set_state(&mut self, kind: AlertKind, subject: &str, state: AlertState) {
        if let Some(alert) = self.open.get_mut(&(kind, subject.to_owned())) {
            alert.state = state;
        }
    }

    /// Alerts whose snooze is over and whose cause is not: they are open again, and told again.
    pub fn wake(&mut self, now: Timestamp) -> Vec<Alert> {
        let is_due = |alert: &&mut Alert| matches!(alert.state, AlertState::Snoozed(until) if until <= now);
        let due = self.open.values_mut().filter(is_due);
        due.map(|alert| {
            alert.state = AlertState::Open;
            alert.clone()
        })
        .collect()
    }

    /// Those whose cause lasts, gravest first, then oldest.
    pub fn open(&self) -> Vec<&Alert> {
        let mut open: Vec<_> = self.open.values().collect();
        open.sort_by_key(|alert| (std::cmp::Reverse(alert.severity), alert.since));
        open
    }

    /// The last that were closed, oldest first.
    pub fn history(&self) -> impl Iterator<Item = &Alert> {
        self.history.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(severity: Severity) -> Sign {
        Sign::raise(severity, "title".into(), "evidence")
    }

    #[test]
    fn n2_a_cause_is_told_once_until_it_ends_or_becomes_graver() {
        let mut board = AlertBoard::default();
        let kind = AlertKind::Budget;
        assert!(board.take(kind, "all", raise(Severity::Warn), Timestamp(1)).is_some());
        assert!(board.take(kind, "all", raise(Severity::Warn), Timestamp(2)).is_none());
        board.acknowledge(kind, "all");
        let graver = board.take(kind, "all", raise(Severity::Bad), Timestamp(3)).expect("told again");
        assert_eq!((graver.since, graver.state), (Timestamp(1), AlertState::Open));
        assert!(board.take(kind, "all", Sign::Clear, Timestamp(4)).is_none());
        assert!(board.open().is_empty());
        assert_eq!(board.history().next().map(|alert| alert.state), Some(AlertState::Closed(Timestamp(4))));
        assert!(board.take(kind, "all", raise(Severity::Warn), Timestamp(5)).is_some(), "a new cause");
    }

    #[test]
    fn n2_a_snoozed_alert_comes_back_while_its_cause_lasts() {
        let mut board = AlertBoard::default();
        board.take(AlertKind::LedgerFailing, "", raise(Severity::Bad), Timestamp(0));
        board.snooze(AlertKind::LedgerFailing, "", Timestamp(100));
        assert!(board.take(AlertKind::LedgerFailing, "", raise(Severity::Bad), Timestamp(50)).is_none());
        assert!(board.wake(Timestamp(99)).is_empty());
        assert_eq!(board.wake(Timestamp(100)).len(), 1);
        assert!(board.wake(Timestamp(101)).is_empty());
        board.snooze(AlertKind::LedgerFailing, "", Timestamp(200));
        board.take(AlertKind::LedgerFailing, "", Sign::Clear, Timestamp(150));
        assert!(board.wake(Timestamp(200)).is_empty(), "its cause has ended");
    }

    #[test]
    fn n2_alerts_are_capped_and_grave_ones_find_room() {
        let mut board = AlertBoard::default();
        for n in 0..1_000 {
            board.take(AlertKind::Loop, &n.to_string(), raise(Severity::Warn), Timestamp(n));
        }
        assert_eq!(board.open().len(), MOST_OPEN);
        assert!(board.take(AlertKind::LedgerFailing, "", raise(Severity::Bad), Timestamp(2_000)).is_some());
        assert_eq!(board.open().len(), MOST_OPEN);
        assert_eq!(board.open()[0].kind, AlertKind::LedgerFailing);
    }
}
