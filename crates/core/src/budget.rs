//! Caps on money, requests or tokens (behaviours N1): the rule, its levels, and where the period is heading.

use serde::{Deserialize, Serialize};

use crate::admission::Subject;
pub use crate::admission::calendar::Period;
use crate::admission::calendar::PeriodKey;
use crate::id::BudgetId;
use crate::time::{Range, Timestamp};

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Nano-USD.
    Money,
    /// Attempts.
    Requests,
    /// Input and output.
    Tokens,
}

/// What a budget is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Everything.
    All,
    /// A provider, a connection, a profile or an app.
    Of(Subject),
    /// Calls for that purpose.
    Feature(String),
}

/// What happens at 100 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum OnLimit {
    /// An alert, and calls go on.
    Warn,
    /// Calls go to a cheaper model.
    Degrade,
    /// No further call: of a provider's or a connection's budget, none there, and others may answer.
    Stop,
}

/// The kinds of scope, by the names in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// Everything.
    All,
    /// A provider, by its slug.
    Provider,
    /// A connection, by its key.
    Connection,
    /// A profile, by its name.
    Profile,
    /// An app, by its name.
    App,
    /// A feature.
    Feature,
}

/// A scope as people write it: `all`, `app:mt5-signal-bot`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
pub struct ScopeName {
    /// What kind.
    pub kind: ScopeKind,
    /// Whom; empty for everything.
    pub name: String,
}

impl ScopeName {
    /// Everything.
    pub const ALL: Self = Self { kind: ScopeKind::All, name: String::new() };

    /// Reads `all` or `KIND:NAME`. `None` where it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once(':').unwrap_or((text, ""));
        let kind = ScopeKind::parse(kind)?;
        ((kind == ScopeKind::All) == name.is_empty()).then(|| Self { kind, name: name.to_owned() })
    }
}

impl std::fmt::Display for ScopeName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.kind {
            ScopeKind::All => f.write_str("all"),
            kind => write!(f, "{}:{}", kind.as_str(), self.name),
        }
    }
}

macro_rules! named {
    ($($kind:ident { $($one:ident = $name:literal),* })*) => { $(
        impl $kind {
            /// The name in the database and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$one => $name),* }
            }

            /// The one of that name.
            pub fn parse(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$one),)* _ => None }
            }
        }
    )* };
}
named! {
    Measure { Money = "money", Requests = "requests", Tokens = "tokens" }
    OnLimit { Warn = "warn", Degrade = "degrade", Stop = "stop" }
    ScopeKind {
        All = "all", Provider = "provider", Connection = "connection", Profile = "profile", App = "app",
        Feature = "feature"
    }
    Period { Day = "day", Month = "month" }
}

/// The levels in percent at which a budget speaks, unless the user set others.
pub const LEVELS: [u16; 4] = [50, 80, 95, 100];

/// A cap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Its row.
    pub id: BudgetId,
    /// What it is for.
    pub scope: Scope,
    /// When it begins anew.
    pub period: Period,
    /// What it counts.
    pub measure: Measure,
    /// In units of the measure.
    pub cap: u64,
    /// What somebody added to the cap, for that one period.
    pub extra: Option<(PeriodKey, u64)>,
    /// What happens at the cap.
    pub on_limit: OnLimit,
    /// The model, profile or connection that calls go to instead, where the cap degrades them.
    pub degrade_to: Option<String>,
    /// In percent, ascending.
    pub levels: Vec<u16>,
}

impl Budget {
    /// The cap of that period, with what somebody added to it.
    pub fn cap_in(&self, period: PeriodKey) -> u64 {
        let extra = self.extra.filter(|(of, _)| *of == period).map_or(0, |(_, extra)| extra);
        self.cap.saturating_add(extra)
    }
}

/// Fallen so many points below a level, a budget may speak of it again: the cap was raised, or a large estimate came back.
const HYSTERESIS_POINTS: u64 = 5;

/// Which levels a budget has spoken of in its period: each once (N2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announced {
    period: i32,
    level: u16,
}

/// A level that was reached, or left again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// The highest level that is now reached.
    Reached(u16),
    /// The cap was raised, and this is the highest level that is still reached.
    Fell(u16),
    /// The use fell well below everything that was announced, or the period began anew: open alerts close.
    Left,
}

impl Announced {
    /// What was said of that period before this process began.
    pub fn known(period: PeriodKey, level: u16) -> Self {
        Self { period, level }
    }

    /// Looks at the use of a period. Says something only when that is news.
    pub fn look(&mut self, levels: &[u16], used: u64, cap: u64, period: i32) -> Option<Crossing> {
        let had_spoken = self.level > 0;
        if self.period != period {
            *self = Self { period, level: 0 };
        }
        let reached = |level: u16, points: u64| {
            u128::from(used) * 100 >= u128::from(cap) * u128::from(u64::from(level).saturating_sub(points))
        };
        let highest = levels.iter().copied().filter(|level| reached(*level, 0)).max().unwrap_or(0);
        if highest > self.level {
            self.level = highest;
            return Some(Crossing::Reached(highest));
        }
        if self.level > 0 && !reached(self.level, HYSTERESIS_POINTS) {
            self.level = highest;
            if highest > 0 {
                return Some(Crossing::Fell(highest));
            }
        }
        (had_spoken && self.level == 0).then_some(Crossing::Left)
    }
}

/// What a period comes to if it goes on as it went; `None` before there is anything to go by (a 50th of the period).
pub fn forecast(used: u64, range: Range, now: Timestamp) -> Option<u64> {
    let whole = u128::from(range.to.since_ms(range.from));
    let gone = u128::from(now.since_ms(range.from)).min(whole);
    (gone > 0 && gone * 50 >= whole)
        .then(|| u64::try_from(u128::from(used) * whole / gone).unwrap_or(u64::MAX))
}

/// When the cap will be reached at this pace; `None` if not within the period.
pub fn reaches_cap_at(used: u64, cap: u64, range: Range, now: Timestamp) -> Option<Timestamp> {
    forecast(used, range, now).filter(|end| *end >= cap && used < cap)?;
    let gone = i128::from(now.since_ms(range.from));
    let until = i128::from(cap) * gone / i128::from(used.max(1));
    Some(range.from.plus_ms(i64::try_from(until).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n2_each_level_speaks_once_a_period_and_again_after_the_reset() {
        let mut announced = Announced::default();
        let mut look = |used, period| announced.look(&LEVELS, used, 100, period);
        assert_eq!(look(49, 1), None);
        assert_eq!(look(50, 1), Some(Crossing::Reached(50)));
        assert_eq!(look(49, 1), None, "a reservation came back");
        assert_eq!(look(51, 1), None, "hysteresis: not again");
        assert_eq!(look(97, 1), Some(Crossing::Reached(95)), "the highest only");
        assert_eq!(look(100, 1), Some(Crossing::Reached(100)));
        assert_eq!(look(300, 1), None);
        assert_eq!(look(0, 2), Some(Crossing::Left));
        assert_eq!(look(0, 2), None);
        assert_eq!(look(81, 2), Some(Crossing::Reached(80)));
    }

    #[test]
    fn n2_a_cap_raised_a_little_says_where_the_use_stands_now() {
        let mut announced = Announced::known(1, 100);
        assert_eq!(announced.look(&LEVELS, 1_200, 1_200, 1), None, "said before this process began");
        assert_eq!(announced.look(&LEVELS, 1_200, 1_400, 1), Some(Crossing::Fell(80)));
        assert_eq!(announced.look(&LEVELS, 1_400, 1_400, 1), Some(Crossing::Reached(100)));
    }

    #[test]
    fn scopes_are_read_back_as_they_are_written() {
        for text in ["all", "provider:openai", "app:mt5-signal-bot", "feature:a:b"] {
            assert_eq!(ScopeName::parse(text).map(|scope| scope.to_string()).as_deref(), Some(text));
        }
        for bad in ["", "app", "app:", "all:x", "bot:x"] {
            assert_eq!(ScopeName::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn n2_a_raised_cap_closes_and_rearms() {
        let mut announced = Announced::default();
        assert_eq!(announced.look(&LEVELS, 100, 100, 1), Some(Crossing::Reached(100)));
        assert_eq!(announced.look(&LEVELS, 100, 400, 1), Some(Crossing::Left));
        assert_eq!(announced.look(&LEVELS, 200, 400, 1), Some(Crossing::Reached(50)));
    }

    #[test]
    fn a_forecast_goes_by_the_pace_so_far() {
        let range = Range { from: Timestamp(0), to: Timestamp(1_000) };
        assert_eq!(forecast(30, range, Timestamp(250)), Some(120));
        assert_eq!(forecast(30, range, Timestamp(10)), None, "too early to say");
        assert_eq!(reaches_cap_at(30, 60, range, Timestamp(250)), Some(Timestamp(500)));
        assert_eq!(reaches_cap_at(30, 200, range, Timestamp(250)), None);
    }
}
