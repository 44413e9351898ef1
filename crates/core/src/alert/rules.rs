//! Which alerts are wanted, and where they begin.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::{AlertKind, Hours};
use crate::money::NanoUsd;
use crate::time::Timestamp;

/// What the user set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Rules that are switched off.
    pub off: BTreeSet<AlertKind>,
    /// Nothing is told on the desktop.
    pub quiet: bool,
    /// Rules that show in the window only, without a desktop notification.
    pub silent: BTreeSet<AlertKind>,
    /// So many times the same prompt of an app …
    pub loop_times: u32,
    /// … within so many minutes are a circle.
    pub loop_minutes: u32,
    /// The first hour of the day, 0 to 23, in which nobody should be spending …
    pub idle_from: u32,
    /// … and the first in which it is fine again.
    pub idle_until: u32,
    /// So much may be spent meanwhile.
    pub idle_spend: NanoUsd,
    /// An account that has less than this left is told of.
    pub low_balance: NanoUsd,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            quiet: false,
            // Nobody knows when a trader sleeps before the trader said so.
            off: BTreeSet::from([AlertKind::IdleSpend]),
            silent: BTreeSet::from([
                AlertKind::CredentialAge,
                AlertKind::UnknownPrice,
                AlertKind::LimitReached,
            ]),
            loop_times: 20,
            loop_minutes: 5,
            idle_from: 22,
            idle_until: 6,
            idle_spend: NanoUsd(500_000_000),
            low_balance: NanoUsd(5_000_000_000),
        }
    }
}

impl Rules {
    /// Whether it is to be heard of.
    pub fn is_on(&self, kind: AlertKind) -> bool {
        !self.off.contains(&kind)
    }

    /// Whether it is told on the desktop, too.
    pub fn is_told(&self, kind: AlertKind) -> bool {
        !self.quiet && self.is_on(kind) && !self.silent.contains(&kind)
    }

    /// Whether anybody should be spending now.
    pub fn hours(&self, now: Timestamp, zone: &TimeZone) -> Hours {
        let hour = now.hour(zone);
        let is_idle = if self.idle_from <= self.idle_until {
            (self.idle_from..self.idle_until).contains(&hour)
        } else {
            hour >= self.idle_from || hour < self.idle_until
        };
        if is_idle { Hours::Idle } else { Hours::Busy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{HOUR_MS, zone};

    #[test]
    fn idle_hours_may_reach_over_midnight() {
        let tokyo = zone("Asia/Tokyo").expect("a zone");
        // Midnight in Tokyo.
        let midnight = Timestamp(15 * HOUR_MS);
        for (from, until, hour, expected) in [
            (22, 6, 21, Hours::Busy),
            (22, 6, 22, Hours::Idle),
            (22, 6, 0, Hours::Idle),
            (22, 6, 6, Hours::Busy),
            (1, 3, 0, Hours::Busy),
            (1, 3, 2, Hours::Idle),
            (5, 5, 5, Hours::Busy),
        ] {
            let rules = Rules { idle_from: from, idle_until: until, ..Rules::default() };
            let now = midnight.plus_ms(hour * HOUR_MS);
            assert_eq!(rules.hours(now, &tokyo), expected, "{from} to {until} at {hour}");
        }
    }

    #[test]
    fn rules_of_an_older_patchbay_are_completed() {
        let rules: Rules = serde_json::from_str(r#"{ "loop_times": 7 }"#).expect("readable");
        assert_eq!((rules.loop_times, rules.loop_minutes), (7, 5));
        assert!(rules.is_on(AlertKind::Budget) && !rules.is_told(AlertKind::CredentialAge));
    }
}
