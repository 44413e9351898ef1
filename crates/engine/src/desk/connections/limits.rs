//! The limits of a connection, and how much of each is used right now.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::admission::{Subject, Used};
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::connection::{Connection as Settings, Limits};
use patchbay_core::time::Timestamp;
use patchbay_store::connection::{self, Editable};
use patchbay_store::{Recorded, StoreError};
use serde::{Deserialize, Serialize};

use super::edit::in_range;
use super::list::{Connection, find, get};
use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, clock};

const MOST_REQUESTS: u32 = 1_000_000;
const MOST_TOKENS: u32 = 1_000_000_000;
/// A day: longer ones are what the limit by day is for.
const LONGEST_PERIOD_S: u32 = 24 * 60 * 60;

/// A limit and how much of it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct LimitUse {
    /// `None` is no limit.
    pub at_most: Option<u32>,
    /// As this process counts it; 0 where nothing is counted because there is no limit.
    pub used: u32,
}

/// The limits of a connection, each with what is used of it now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct LimitsInUse {
    /// Requests in any minute.
    pub per_minute: LimitUse,
    /// Requests in any window of `period_s` seconds.
    pub per_period: LimitUse,
    /// The length of that window; `None` without such a limit.
    pub period_s: Option<u32>,
    /// Requests in the calendar day of this machine.
    pub per_day: LimitUse,
    /// When that day ends.
    pub day_ends: Timestamp,
    /// Tokens in any minute. Those of calls on their way are estimated.
    pub tokens_per_minute: LimitUse,
    /// Requests at the same time.
    pub at_once: LimitUse,
}

/// One limit as it is to be; `None` takes it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(tag = "limit", content = "at_most", rename_all = "snake_case")]
pub enum LimitEdit {
    /// Requests in any minute.
    PerMinute(Option<u32>),
    /// Requests in any window of a length of its own.
    PerPeriod(Option<PeriodLimit>),
    /// Requests in a calendar day.
    PerDay(Option<u32>),
    /// Tokens in any minute.
    TokensPerMinute(Option<u32>),
    /// Requests at the same time.
    AtOnce(Option<u32>),
}

/// Requests in any window of that length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, specta::Type)]
pub struct PeriodLimit {
    /// At most so many.
    pub requests: u32,
    /// In so many seconds.
    pub seconds: u32,
}

/// How much of each limit is used now.
pub(super) fn in_use(engine: &Engine, settings: &Settings) -> LimitsInUse {
    let (used, day_ends) = engine.board.used(&Subject::Connection(settings.id));
    let Limits { rate_limit_per_minute, rate_limit_per_day, .. } = settings.limits;
    let of =
        |at_most: Option<u32>, used: u64| LimitUse { at_most, used: used.try_into().unwrap_or(u32::MAX) };
    let Used { in_flight, minute, period, today, tokens } = used;
    LimitsInUse {
        per_minute: of(rate_limit_per_minute, minute.into()),
        per_period: of(settings.limits.rate_limit_requests, period.into()),
        period_s: settings.limits.rate_limit_period_s,
        per_day: of(rate_limit_per_day, today),
        day_ends,
        tokens_per_minute: of(settings.limits.tokens_per_minute, tokens),
        at_once: of(settings.limits.max_concurrent_requests, in_flight.into()),
    }
}

/// Sets or takes away one limit; the others stay as they are (K5).
pub async fn set_limit(
    engine: &Arc<Engine>,
    key: &str,
    edit: LimitEdit,
    zone: TimeZone,
) -> Result<Connection, Error> {
    let settings = find(engine, key)?;
    let limits = applied(settings.limits, edit)?;
    engine
        .change(move |db| {
            let before = Editable::from(&settings);
            let fields = Editable { limits, ..before.clone() };
            let change = Change::between(&before, &fields);
            if change.is_empty() {
                return Ok(Recorded::unchanged(()));
            }
            connection::update(db, settings.id, &fields, clock::now())?;
            let entry = Entry::user(Action::Update, Kind::Connection, settings.key).change(change);
            Ok::<_, StoreError>(Recorded::new((), entry))
        })
        .await?;
    engine.changes.send(Changed::Connections);
    get(engine, key, zone).await
}

fn applied(mut limits: Limits, edit: LimitEdit) -> Result<Limits, Error> {
    let fit = |what: &str, value: Option<u32>, most: u32, unit: &str| match value {
        Some(value) => in_range(what, value, 1..=most, unit),
        None => Ok(()),
    };
    match edit {
        LimitEdit::PerMinute(most) => {
            fit("The limit of a minute", most, MOST_REQUESTS, "requests")?;
            limits.rate_limit_per_minute = most;
        }
        LimitEdit::PerPeriod(period) => {
            fit("The limit of a period", period.map(|of| of.requests), MOST_REQUESTS, "requests")?;
            fit("The period", period.map(|of| of.seconds), LONGEST_PERIOD_S, "seconds")?;
            limits.rate_limit_requests = period.map(|of| of.requests);
            limits.rate_limit_period_s = period.map(|of| of.seconds);
        }
        LimitEdit::PerDay(most) => {
            fit("The limit of a day", most, MOST_REQUESTS, "requests")?;
            limits.rate_limit_per_day = most;
        }
        LimitEdit::TokensPerMinute(most) => {
            fit("The limit of a minute", most, MOST_TOKENS, "tokens")?;
            limits.tokens_per_minute = most;
        }
        LimitEdit::AtOnce(most) => {
            fit("The limit at the same time", most, MOST_REQUESTS, "requests")?;
            limits.max_concurrent_requests = most;
        }
    }
    Ok(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k5_one_limit_is_set_and_the_others_stay() {
        let known = Limits { rate_limit_per_day: Some(9), ..Limits::default() };
        let period = Some(PeriodLimit { requests: 3, seconds: 10 });
        for (edit, expected) in [
            (LimitEdit::PerMinute(Some(5)), Limits { rate_limit_per_minute: Some(5), ..known }),
            (LimitEdit::PerDay(None), Limits::default()),
            (LimitEdit::AtOnce(Some(1)), Limits { max_concurrent_requests: Some(1), ..known }),
            (
                LimitEdit::PerPeriod(period),
                Limits { rate_limit_requests: Some(3), rate_limit_period_s: Some(10), ..known },
            ),
        ] {
            assert_eq!(applied(known, edit).ok(), Some(expected), "{edit:?}");
        }
    }

    #[test]
    fn r3_a_limit_of_nothing_is_a_pause_and_not_a_limit() {
        let none = Some(PeriodLimit { requests: 5, seconds: 0 });
        for edit in
            [LimitEdit::PerMinute(Some(0)), LimitEdit::TokensPerMinute(Some(0)), LimitEdit::PerPeriod(none)]
        {
            assert!(applied(Limits::default(), edit).is_err(), "{edit:?}");
        }
    }
}
