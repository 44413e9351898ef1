//! What becomes of an alert when its cause is seen, seen again, or has ended: one for each kind and subject (N2).

use serde::{Deserialize, Serialize};

use super::{Severity, Sign};
use crate::time::Timestamp;

/// So many are open at most; beyond, only graver ones push a lighter one out.
pub const MOST_OPEN: usize = 200;

/// Where an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody has reacted.
    Open,
    /// Somebody has seen it.
    Acknowledged,
    /// Quiet for a while.
    Snoozed,
    /// Its cause has ended.
    Closed,
}

impl AlertState {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Snoozed => "snoozed",
            Self::Closed => "closed",
        }
    }

    /// The one of that name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Open, Self::Acknowledged, Self::Snoozed, Self::Closed];
        all.into_iter().find(|state| state.as_str() == name)
    }
}

/// An alert whose cause lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// How much it matters.
    pub severity: Severity,
    /// See [`Sign::Raise`].
    pub rank: u16,
    /// Where it stands; never closed.
    pub state: AlertState,
    /// The end of its quiet.
    pub snoozed_until: Option<Timestamp>,
}

/// What a sign does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: there was no such alert, and there is no cause.
    Nothing,
    /// A new one, which people are told of.
    Open,
    /// It became graver, or its quiet is over: people are told again.
    Reopen,
    /// Its figures are newer; nobody is told.
    Renew,
    /// Its cause has ended.
    Close,
}

/// What a sign does to the alert of its kind and subject.
pub fn step(known: Option<Known>, sign: &Sign, now: Timestamp) -> Step {
    let Sign::Raise { severity, rank, .. } = sign else {
        return if known.is_some() { Step::Close } else { Step::Nothing };
    };
    let Some(known) = known else { return Step::Open };
    let is_graver = (*severity, *rank) > (known.severity, known.rank);
    let has_slept =
        known.state == AlertState::Snoozed && known.snoozed_until.is_none_or(|until| until <= now);
    if is_graver || has_slept { Step::Reopen } else { Step::Renew }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(severity: Severity, rank: u16) -> Sign {
        Sign::Raise { severity, rank, title: "title".into(), evidence: "evidence".into() }
    }

    #[test]
    fn n2_a_cause_is_told_once_until_it_ends_or_becomes_graver() {
        use AlertState::{Acknowledged, Open, Snoozed};

        let known = |state, snoozed_until: Option<i64>| {
            Some(Known {
                severity: Severity::Warn,
                rank: 80,
                state,
                snoozed_until: snoozed_until.map(Timestamp),
            })
        };
        let warn = raise(Severity::Warn, 80);
        for (known, sign, expected) in [
            (None, &warn, Step::Open),
            (None, &Sign::Clear, Step::Nothing),
            (known(Open, None), &warn, Step::Renew),
            (known(Acknowledged, None), &warn, Step::Renew),
            (known(Snoozed, Some(101)), &warn, Step::Renew),
            (known(Snoozed, Some(100)), &warn, Step::Reopen),
            (known(Acknowledged, None), &raise(Severity::Warn, 95), Step::Reopen),
            (known(Snoozed, Some(101)), &raise(Severity::Bad, 0), Step::Reopen),
            (known(Open, None), &raise(Severity::Info, 50), Step::Renew),
            (known(Snoozed, Some(101)), &Sign::Clear, Step::Close),
        ] {
            assert_eq!(step(known, sign, Timestamp(100)), expected, "{known:?} {sign:?}");
        }
    }
}
