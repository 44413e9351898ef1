//! What an alert is about, over time: how attempts ended or what was spent around the moment at which it opened, or how its budget
//! filled. Kinds that are about no series have no chart.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::admission::calendar::{Calendar, Period};
use patchbay_core::alert::AlertKind;
use patchbay_core::budget::{Measure, ScopeKind, ScopeName};
use patchbay_core::chart::{
    Chart, ChartRequest, Curves, Drawing, Heading, Resolution, SeriesName, Stacked, Steps, Unit, bars, curves,
};
use patchbay_core::report::{Bucket, Column, Columns, Condition, Detail, Field, Filter};
use patchbay_core::time::{BUCKET_MS, Range, Timestamp};
use patchbay_store::alert::{self as table, AlertRow};
use patchbay_store::booked::{self, BookedRow};
use patchbay_store::budget::Key;
use patchbay_store::{Db, StoreError, rollup};

use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// So many quarters of an hour are shown before the one in which it opened, and from that one on.
const BEFORE: i64 = 12;
const AFTER: i64 = 8;

/// What an alert is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Evidence {
    /// How attempts ended, of those that fit.
    Attempts(Vec<Condition>),
    /// What they cost.
    Spend(Vec<Condition>),
    /// How much of a budget was used in its day or month.
    Budget(Key),
}

impl Evidence {
    /// `None` where no attempt that is on the ledger is behind it.
    pub(super) fn of(kind: AlertKind, subject: &str) -> Option<Self> {
        use AlertKind as K;
        let only = |field, value: &str| Filter::default().only(field, value);
        let (before, behind) = subject.split_once('/').unwrap_or((subject, ""));
        Some(match kind {
            K::NeedsAttention | K::BreakerOpen => Self::Attempts(only(Field::Connection, subject).conditions),
            K::StandbyTookOver => {
                let key = subject.rsplit_once(" v").map_or(subject, |(key, _)| key);
                Self::Attempts(only(Field::Connection, key).conditions)
            }
            K::ModelGone => {
                Self::Attempts(only(Field::Connection, before).only(Field::Model, behind).conditions)
            }
            K::UnknownPrice => {
                Self::Attempts(only(Field::Provider, before).only(Field::Model, behind).conditions)
            }
            K::Loop => Self::Attempts(only(Field::App, subject).conditions),
            K::Offline => Self::Attempts(Vec::new()),
            K::IdleSpend => Self::Spend(Vec::new()),
            K::LowBalance => Self::Spend(only(Field::Connection, subject).conditions),
            K::Budget => Self::Budget(Key::parse(subject)?),
            K::NoCandidate | K::LimitReached | K::CredentialAge | K::GatewayDown | K::LedgerFailing => {
                return None;
            }
        })
    }

    /// What its chart is called.
    pub(super) fn heading(&self) -> &'static str {
        match self {
            Self::Attempts(_) => "Attempts, per quarter of an hour",
            Self::Spend(_) => "Spend, per quarter of an hour",
            Self::Budget(key) if key.period == Period::Day => "Used that day, added up",
            Self::Budget(_) => "Used that month, added up",
        }
    }
}

/// Draws what an alert is about.
pub async fn chart(
    engine: &Arc<Engine>,
    id: u32,
    request: ChartRequest,
    zone: TimeZone,
) -> Result<Chart, Error> {
    engine.blocking(move |engine| Ok(draw(engine, id, &request, &zone)?.0.into_chart())).await
}

/// Draws it, with the heading of one that stands alone.
pub(in crate::desk) fn draw(
    engine: &Engine,
    id: u32,
    request: &ChartRequest,
    zone: &TimeZone,
) -> Result<(Drawing, Heading), Error> {
    let alert = engine.store.read(|db| table::get(db, i64::from(id)))?;
    let evidence = Evidence::of(alert.kind, &alert.subject).ok_or_else(|| {
        Error::invalid("Nothing over time is behind this alert.", "Its story tells what is known.")
    })?;
    let snapshot = engine.snapshot()?;
    let subject = Subject { engine, alert: &alert, snapshot: &snapshot, now: clock::now(), zone };
    let drawing = engine.store.read(|db| match &evidence {
        Evidence::Attempts(conditions) => Ok(bars(request, &subject.attempts(db, conditions)?)),
        Evidence::Spend(conditions) => Ok(bars(request, &subject.spend(db, conditions)?)),
        Evidence::Budget(key) => Ok(curves(request, &subject.budget(db, key)?)),
    })?;
    Ok((drawing, Heading { title: evidence.heading().to_owned(), detail: subject.detail() }))
}

/// What is drawn.
struct Subject<'a> {
    engine: &'a Engine,
    alert: &'a AlertRow,
    snapshot: &'a Snapshot,
    now: Timestamp,
    zone: &'a TimeZone,
}

impl Subject<'_> {
    /// "OpenAI primary is failing. Opened 20 Nov 2026, 09:14, America/New_York time."
    fn detail(&self) -> String {
        let AlertRow { title, opened_at, .. } = self.alert;
        let day = opened_at.day(self.zone).strftime("%-d %b %Y");
        let (clock, zone) = (opened_at.clock(self.zone), self.zone.iana_name().unwrap_or("local"));
        format!("{}. Opened {day}, {clock}, {zone} time.", title.trim_end_matches('.'))
    }

    fn attempts(&self, db: &Db, conditions: &[Condition]) -> Result<Stacked, StoreError> {
        let (steps, rows) = self.around(db, conditions, Column::Attempts, |bucket| {
            let answered = bucket.counts.answered_attempts;
            [answered, bucket.counts.attempts - answered]
                .map(|count| i64::try_from(count).unwrap_or(i64::MAX))
        })?;
        let series = [("answered", "Answered", 1), ("failed", "Failed", 5)];
        let (title, nothing) = ("Attempts", "none made");
        Ok(Stacked { title, nothing, unit: Unit::Count, series: named(&series), steps, rows, cap: None })
    }

    fn spend(&self, db: &Db, conditions: &[Condition]) -> Result<Stacked, StoreError> {
        let (steps, rows) = self.around(db, conditions, Column::Cost, |bucket| [bucket.counts.cost.0])?;
        let (title, nothing) = ("Spend", "nothing spent");
        let series = named(&[("spent", "Spent", 1)]);
        Ok(Stacked { title, nothing, unit: Unit::Usd, series, steps, rows, cap: None })
    }

    /// Amounts of each quarter of an hour from shortly before it opened on, as far as these have begun.
    fn around<const N: usize>(
        &self,
        db: &Db,
        conditions: &[Condition],
        column: Column,
        amounts: impl Fn(&Bucket<'_>) -> [i64; N],
    ) -> Result<(Steps, Vec<Vec<i64>>), StoreError> {
        let opened = self.alert.opened_at.bucket();
        let until = opened.plus_ms(AFTER * BUCKET_MS).min(self.now.bucket().plus_ms(BUCKET_MS));
        let range = Range { from: opened.plus_ms(-BEFORE * BUCKET_MS), to: until };
        let steps = Steps::fine(range, BUCKET_MS, self.now, self.zone);
        let mut rows = vec![vec![0; N]; steps.list.len()];
        let as_one = |span: Range| steps.keep_whole(span);
        let detail = Detail::spans(Columns::of(&[column]), &as_one).of_all();
        let filter = Filter { range: Some(range), conditions: conditions.to_vec() };
        rollup::scan(db, &filter, &detail, |bucket| {
            if let Some(row) = steps.index(bucket.at).and_then(|step| rows.get_mut(step)) {
                row.iter_mut().zip(amounts(bucket)).for_each(|(sum, amount)| *sum += amount);
            }
        })?;
        Ok((steps, rows))
    }

    /// What was used by the end of each hour of its day, or each day of its month, beside the levels at which it speaks.
    fn budget(&self, db: &Db, key: &Key) -> Result<Curves, StoreError> {
        let span = Calendar::new(self.zone.clone()).at(self.alert.opened_at).span(key.period);
        let resolution = if key.period == Period::Day { Resolution::Hour } else { Resolution::Day };
        let steps = Steps::by(resolution, span.range, self.now, self.zone);
        let levels = self.levels(key);
        let mut used: i64 = 0;
        let mut rows = Vec::with_capacity(steps.list.len());
        for step in &steps.list {
            let has_begun = step.range.from <= self.now;
            if has_begun {
                let booked = booked::during(db, step.range)?;
                let counted = booked.iter().filter(|row| self.counts(&key.scope, row));
                used = counted.map(|row| amount(key.measure, row)).fold(used, i64::saturating_add);
            }
            let levels = levels.iter().map(|(_, amount)| Some(*amount));
            rows.push(std::iter::once(has_begun.then_some(used)).chain(levels).collect());
        }
        let spent = SeriesName { id: "used".into(), name: "Used".into(), color: 1 };
        let level = |(level, _): &(u16, i64)| SeriesName {
            id: level.to_string(),
            name: if *level == 100 { "Cap".to_owned() } else { format!("{level}%") },
            color: if *level < 100 { 6 } else { 5 },
        };
        Ok(Curves {
            title: "Used",
            unit: if key.measure == Measure::Money { Unit::Usd } else { Unit::Count },
            series: std::iter::once(spent).chain(levels.iter().map(level)).collect(),
            steps,
            rows,
            whole: std::iter::once(used).chain(levels.iter().map(|(_, amount)| *amount)).map(Some).collect(),
        })
    }

    /// The levels of the budget as it is now, and what each of them is of its cap; none where it is gone.
    fn levels(&self, key: &Key) -> Vec<(u16, i64)> {
        let Some(row) = self.snapshot.budgets.iter().find(|row| row.key == *key) else { return Vec::new() };
        let cap = u128::from(self.engine.board.budget(row, self.snapshot).cap);
        let of_cap = |level: u16| i64::try_from(cap * u128::from(level) / 100).unwrap_or(i64::MAX);
        row.terms.levels.iter().map(|level| (*level, of_cap(*level))).collect()
    }

    fn counts(&self, scope: &ScopeName, row: &BookedRow) -> bool {
        let name = scope.name.as_str();
        match scope.kind {
            ScopeKind::All => true,
            ScopeKind::Provider => row.provider == name,
            ScopeKind::Connection => {
                self.snapshot.connection(name).is_some_and(|one| one.id == row.connection)
            }
            ScopeKind::Profile => row.profile == name,
            ScopeKind::App => row.app == name,
            ScopeKind::Feature => row.feature == name,
        }
    }
}

fn amount(measure: Measure, row: &BookedRow) -> i64 {
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    match measure {
        Measure::Money => row.cost.0,
        Measure::Requests => count(row.requests),
        Measure::Tokens => count(row.tokens),
    }
}

fn named(series: &[(&str, &str, u8)]) -> Vec<SeriesName> {
    series
        .iter()
        .map(|(id, name, color)| SeriesName { id: (*id).into(), name: (*name).into(), color: *color })
        .collect()
}

#[cfg(test)]
mod tests;
