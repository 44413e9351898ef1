//! Versions of a connection's secret: their states, and how they are looked after (behaviours K2, K3).

use serde::{Deserialize, Serialize};

use crate::time::{HOUR_MS, Timestamp};

const DAY_MS: i64 = 24 * HOUR_MS;

/// Where a version is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum CredentialState {
    /// Stored, and not in use yet.
    Staged,
    /// In use: one at most.
    Active,
    /// Takes over where the active one is refused or exhausted.
    Standby,
    /// Was active. Can be rolled back to until its secret is erased.
    Retiring,
    /// Not to be used again. Its secret is still to be erased.
    Revoked,
    /// Its secret is erased; dates and fingerprint stay.
    Purged,
}

impl CredentialState {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Active => "active",
            Self::Standby => "standby",
            Self::Retiring => "retiring",
            Self::Revoked => "revoked",
            Self::Purged => "purged",
        }
    }

    /// The state of that name; anything unknown is taken as revoked, which is never used.
    pub fn parse(name: &str) -> Self {
        match name {
            "staged" => Self::Staged,
            "active" => Self::Active,
            "standby" => Self::Standby,
            "retiring" => Self::Retiring,
            "purged" => Self::Purged,
            _ => Self::Revoked,
        }
    }

    /// Whether it may become the active one.
    pub fn can_be_promoted(self) -> bool {
        matches!(self, Self::Staged | Self::Standby | Self::Retiring)
    }
}

/// How the keys of a connection are looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Policy {
    /// Days until a reminder to rotate; `None` = none.
    pub remind_days: Option<u32>,
    /// Whether a standby takes over where the active one is refused or exhausted.
    pub use_standby: bool,
    /// Days until the secret of a version that was replaced is erased.
    pub erase_days: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self { remind_days: Some(90), use_standby: true, erase_days: 7 }
    }
}

impl Policy {
    /// When a version that is replaced now is erased.
    pub fn erase_at(&self, now: Timestamp) -> Timestamp {
        now.plus_ms(i64::from(self.erase_days) * DAY_MS)
    }

    /// When a version that is active since then is to be replaced, by its age or by its own end.
    pub fn reminder_at(&self, active_since: Timestamp, expires_at: Option<Timestamp>) -> Option<Timestamp> {
        let by_age = self.remind_days.map(|days| active_since.plus_ms(i64::from(days) * DAY_MS));
        by_age.into_iter().chain(expires_at).min()
    }
}

/// Whether the active key is to be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Reminder {
    /// Not yet.
    Fresh,
    /// It is older than the policy wants.
    Due,
    /// Its own end is a week away or less.
    ExpiresSoon,
    /// Its own end has passed.
    Expired,
}

impl Reminder {
    /// For a version that is active since then.
    pub fn of(
        policy: &Policy,
        active_since: Timestamp,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        match expires_at {
            Some(end) if end <= now => return Self::Expired,
            Some(end) if end <= now.plus_ms(7 * DAY_MS) => return Self::ExpiresSoon,
            _ => {}
        }
        match policy.reminder_at(active_since, None) {
            Some(at) if at <= now => Self::Due,
            _ => Self::Fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k3_a_reminder_comes_by_age_or_by_the_keys_own_end() {
        let policy = Policy::default();
        let day = |days: i64| Timestamp(days * DAY_MS);
        for (now, expires_at, expected) in [
            (day(89), None, Reminder::Fresh),
            (day(90), None, Reminder::Due),
            (day(20), Some(day(28)), Reminder::Fresh),
            (day(21), Some(day(28)), Reminder::ExpiresSoon),
            (day(28), Some(day(28)), Reminder::Expired),
            (day(95), Some(day(200)), Reminder::Due),
        ] {
            assert_eq!(Reminder::of(&policy, day(0), expires_at, now), expected, "{now:?} {expires_at:?}");
        }
        let never = Policy { remind_days: None, ..policy };
        assert_eq!(Reminder::of(&never, day(0), None, day(9_999)), Reminder::Fresh);
        assert_eq!(policy.reminder_at(day(0), Some(day(30))), Some(day(30)));
        assert_eq!(never.reminder_at(day(0), None), None);
    }

    #[test]
    fn k2_what_is_not_to_be_used_again_is_never_promoted() {
        for state in [CredentialState::Active, CredentialState::Revoked, CredentialState::Purged] {
            assert!(!state.can_be_promoted(), "{state:?}");
        }
        assert_eq!(CredentialState::parse("from the future"), CredentialState::Revoked);
        for state in [CredentialState::Staged, CredentialState::Standby, CredentialState::Retiring] {
            assert_eq!(CredentialState::parse(state.as_str()), state);
        }
    }
}
