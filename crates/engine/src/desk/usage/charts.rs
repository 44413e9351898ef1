//! What the charts show, read from the rollup: the same filter, the same sums (C5).

use std::collections::HashMap;
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use patchbay_core::catalog;
use patchbay_core::chart::{
    Chart, ChartRequest, Drawing, Heading, Heat, HeatCell, HeatKind, Look, Percentiles, Resolution,
    SeriesName, Session, Stacked, Steps, Unit, bars, heat, lines,
};
use patchbay_core::market::Market;
use patchbay_core::report::{Bucket, Column, Columns, Condition, Detail, GroupBy, Relation};
use patchbay_core::rollup::Histogram;
use patchbay_core::time::{BUCKET_MS, HOUR_MS, Range, Timestamp, day_range, monday};
use patchbay_store::{Db, StoreError, rollup};
use serde::{Deserialize, Serialize};

use super::cap::daily_cap;
use super::query::{Spans, UsageQuery};
use super::words;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// Series with a colour of their own, where it is not the provider's.
const COLORS: u8 = 5;
/// A calendar shows at least so many weeks.
const CALENDAR_WEEKS: i64 = 26;

/// Which chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ChartKind {
    /// Spend over time, stacked by group.
    Spend,
    /// Tokens over time: input, cached input, output.
    Tokens,
    /// p50, p95 and p99 of answers over time.
    Latency,
    /// Failed attempts over time, by cause.
    Errors,
    /// Requests by weekday and hour, with market sessions.
    Hours,
    /// Spend of each day of the last months.
    Calendar,
}

impl ChartKind {
    /// All of them, in the order of the screen.
    pub const ALL: [Self; 6] =
        [Self::Spend, Self::Hours, Self::Errors, Self::Tokens, Self::Latency, Self::Calendar];

    /// As scripts and file names write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Spend => "spend",
            Self::Tokens => "tokens",
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::Hours => "hours",
            Self::Calendar => "calendar",
        }
    }

    fn title(self, by: GroupBy) -> String {
        match self {
            Self::Spend => format!("Spend by {}", noun(by)),
            Self::Tokens => "Tokens".to_owned(),
            Self::Latency => "Latency of answers".to_owned(),
            Self::Errors => "Failed attempts by cause".to_owned(),
            Self::Hours => "When your bots call: requests an hour".to_owned(),
            Self::Calendar => "Spend of each day".to_owned(),
        }
    }
}

pub(super) fn noun(by: GroupBy) -> &'static str {
    by.field().map_or("day", patchbay_core::report::Field::as_str)
}

/// Draws a chart for the window.
pub async fn chart(
    engine: &Arc<Engine>,
    kind: ChartKind,
    query: UsageQuery,
    request: ChartRequest,
    zone: TimeZone,
) -> Result<Chart, Error> {
    engine.blocking(move |engine| Ok(draw(engine, kind, &query, &request, &zone)?.0.into_chart())).await
}

/// Draws a chart, with the heading of one that stands alone.
pub(crate) fn draw(
    engine: &Engine,
    kind: ChartKind,
    query: &UsageQuery,
    request: &ChartRequest,
    zone: &TimeZone,
) -> Result<(Drawing, Heading), Error> {
    let now = clock::now();
    let spans = query.days.spans(now, zone)?;
    let snapshot = engine.snapshot()?;
    let subject = Subject { query, spans, now, zone, snapshot: &snapshot };
    let drawing = engine.store.read(|db| match kind {
        ChartKind::Spend => Ok(bars(request, &subject.spend(db)?)),
        ChartKind::Tokens => Ok(bars(request, &subject.tokens(db)?)),
        ChartKind::Errors => Ok(bars(request, &subject.errors(db)?)),
        ChartKind::Latency => Ok(lines(request, &subject.latency(db)?)),
        ChartKind::Hours => Ok(heat(request, &subject.hours(db)?)),
        ChartKind::Calendar => Ok(heat(request, &subject.calendar(db)?)),
    })?;
    Ok((
        drawing,
        Heading { title: kind.title(query.by), detail: detail(subject.days(kind), &query.conditions, zone) },
    ))
}

/// What stands below a title: "1 Nov to 30 Nov 2026, America/New_York time. app is not playground."
pub(super) fn detail((first, last): (Date, Date), conditions: &[Condition], zone: &TimeZone) -> String {
    let zone = zone.iana_name().unwrap_or("local");
    let days = if first == last {
        first.strftime("%-d %b %Y").to_string()
    } else {
        format!("{} to {}", first.strftime("%-d %b %Y"), last.strftime("%-d %b %Y"))
    };
    let conditions = conditions.iter().map(|condition| {
        let relation = match condition.relation {
            Relation::Is => "is",
            Relation::IsNot => "is not",
        };
        let values: Vec<&str> =
            condition.values.iter().map(|value| if value.is_empty() { "(none)" } else { value }).collect();
        format!(" {} {relation} {}.", condition.field.as_str(), values.join(" or "))
    });
    format!("{days}, {zone} time.{}", conditions.collect::<String>())
}

/// What is drawn.
struct Subject<'a> {
    query: &'a UsageQuery,
    spans: Spans,
    now: Timestamp,
    zone: &'a TimeZone,
    snapshot: &'a Snapshot,
}

impl Subject<'_> {
    /// The first and the last day that are drawn.
    fn days(&self, kind: ChartKind) -> (Date, Date) {
        let Spans { first, last, .. } = self.spans;
        match kind {
            ChartKind::Calendar => (calendar_begin(first, last), last),
            _ => (first, last),
        }
    }

    fn steps(&self) -> Steps {
        Steps::new(self.spans.range, self.now, self.zone)
    }

    /// Reads these sums of each step, whatever their labels.
    fn scan(
        &self,
        db: &Db,
        (range, steps): (Range, &Steps),
        columns: &[Column],
        each: impl FnMut(&Bucket<'_>),
    ) -> Result<(), StoreError> {
        let as_one = |span: Range| steps.keep_whole(span);
        let detail = Detail::spans(Columns::of(columns), &as_one).of_all();
        rollup::scan(db, &self.query.filter(range), &detail, each)
    }

    /// One amount for each step and key.
    fn by_step(
        &self,
        db: &Db,
        columns: &[Column],
        key: impl Fn(&Bucket<'_>) -> String,
        amount: impl Fn(&Bucket<'_>) -> i64,
    ) -> Result<(Steps, HashMap<String, Vec<i64>>), StoreError> {
        let steps = self.steps();
        let mut finder = steps.finder();
        let mut sums: Vec<Vec<i64>> = Vec::new();
        let mut indices: HashMap<String, usize> = HashMap::new();
        let mut of_series: Vec<Option<usize>> = Vec::new();
        let as_one = |span: Range| steps.keep_whole(span);
        let detail = Detail::spans(Columns::of(columns), &as_one);
        rollup::scan(db, &self.query.filter(self.spans.range), &detail, |bucket| {
            let (amount, step) = (amount(bucket), finder.find(bucket.at));
            if let (1.., Some(step)) = (amount, step) {
                let known = of_series.get(bucket.series).copied().flatten();
                let index = known.unwrap_or_else(|| {
                    let index = *indices.entry(key(bucket)).or_insert(sums.len());
                    sums.resize_with(sums.len().max(index + 1), || vec![0; steps.list.len()]);
                    of_series.resize(of_series.len().max(bucket.series + 1), None);
                    of_series[bucket.series] = Some(index);
                    index
                });
                sums[index][step] += amount;
            }
        })?;
        let named = indices.into_iter().map(|(key, index)| (key, std::mem::take(&mut sums[index]))).collect();
        Ok((steps, named))
    }

    fn spend(&self, db: &Db) -> Result<Stacked, StoreError> {
        // Spend over time can be stacked by labels only.
        let by = if self.query.by.field().is_some() { self.query.by } else { GroupBy::Provider };
        let key = |bucket: &Bucket<'_>| rollup::key(bucket, by, self.zone);
        let (steps, sums) = self.by_step(db, &[Column::Cost], key, |bucket| bucket.counts.cost.0)?;
        let names = if by == GroupBy::Provider { self.providers(&sums) } else { self.by_total(&sums, by) };
        let is_by_day = steps.resolution == Resolution::Day;
        let cap = daily_cap(&self.snapshot.budgets, &self.query.conditions).filter(|_| is_by_day);
        Ok(Stacked { cap, ..stacked(("Spend", "nothing spent", Unit::Usd), names, steps, &sums) })
    }

    fn tokens(&self, db: &Db) -> Result<Stacked, StoreError> {
        let steps = self.steps();
        let mut finder = steps.finder();
        let mut rows = vec![vec![0; 3]; steps.list.len()];
        let columns = [Column::InputTokens, Column::CachedTokens, Column::OutputTokens];
        self.scan(db, (self.spans.range, &steps), &columns, |bucket| {
            if let Some(row) = finder.find(bucket.at).and_then(|step| rows.get_mut(step)) {
                let counts = bucket.counts;
                let cached = counts.cached_tokens.min(counts.input_tokens);
                let parts = [counts.input_tokens - cached, cached, counts.output_tokens];
                row.iter_mut()
                    .zip(parts)
                    .for_each(|(sum, part)| *sum += i64::try_from(part).unwrap_or(i64::MAX));
            }
        })?;
        let series = [("input", "Input", 1), ("cached", "Cached input", 4), ("output", "Output", 5)];
        let series = series.map(|(id, name, color)| SeriesName { id: id.into(), name: name.into(), color });
        let (title, nothing) = ("Tokens", "none used");
        Ok(Stacked { title, nothing, unit: Unit::Count, series: series.to_vec(), steps, rows, cap: None })
    }

    fn errors(&self, db: &Db) -> Result<Stacked, StoreError> {
        let key = |bucket: &Bucket<'_>| bucket.labels.error.clone();
        let failed = |bucket: &Bucket<'_>| {
            i64::try_from(bucket.counts.attempts - bucket.counts.answered_attempts).unwrap_or(i64::MAX)
        };
        let (steps, sums) = self.by_step(db, &[Column::Attempts], key, failed)?;
        let names = self.by_total(&sums, GroupBy::Error);
        Ok(stacked(("Failed attempts", "none failed", Unit::Count), names, steps, &sums))
    }

    fn latency(&self, db: &Db) -> Result<Percentiles, StoreError> {
        let steps = self.steps();
        let mut finder = steps.finder();
        let mut histograms = vec![Histogram::default(); steps.list.len()];
        self.scan(db, (self.spans.range, &steps), &[Column::Latency], |bucket| {
            if let Some(histogram) = finder.find(bucket.at).and_then(|step| histograms.get_mut(step)) {
                bucket.latency.add_to(histogram);
            }
        })?;
        let mut whole = Histogram::default();
        for histogram in &histograms {
            whole.merge(histogram);
        }
        let row = |histogram: &Histogram| {
            let [p99, p95, p50] = [99.0, 95.0, 50.0].map(|percent| histogram.percentile(percent));
            Some([p99?, p95?, p50?])
        };
        Ok(Percentiles { rows: histograms.iter().map(row).collect(), whole: whole.percentile(95.0), steps })
    }

    /// The average of each hour of the week, over those hours that have begun since there was a request at all.
    fn hours(&self, db: &Db) -> Result<Heat, StoreError> {
        let mut calls = vec![0_u64; 7 * 24];
        // When each of them last had a request.
        let mut last: Vec<Option<Timestamp>> = vec![None; 7 * 24];
        let mut first = self.now;
        let mut hour_of_week = HoursOfWeek::new(self.spans.range, self.zone);
        let as_one = |span: Range| {
            span.to.0 - span.from.0 <= HOUR_MS
                && self::hour_of_week(span.from, self.zone)
                    == self::hour_of_week(span.to.plus_ms(-1), self.zone)
        };
        let detail = Detail::spans(Columns::of(&[Column::Calls]), &as_one).of_all();
        rollup::scan(db, &self.query.filter(self.spans.range), &detail, |bucket| {
            let index = hour_of_week.of(bucket.at);
            if let (Some(cell), Some(last)) = (calls.get_mut(index), last.get_mut(index)) {
                *cell += bucket.counts.calls;
                *last = (*last).max(Some(bucket.at));
                first = first.min(bucket.at);
            }
        })?;
        let mut hours = vec![0_u64; 7 * 24];
        let mut at = hour_of(first, self.zone).from.max(self.spans.range.from);
        while at < self.spans.range.to.min(self.now) {
            hours[hour_of_week.of(at)] += 1;
            at = at.plus_ms(HOUR_MS);
        }
        let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
        let cell = |(index, (calls, hours)): (usize, (&u64, &u64))| {
            // A rare request is more than none; an hour that never came is not one without requests.
            let tenths = (calls * 10 + hours / 2).checked_div(*hours)?.max(u64::from(*calls > 0));
            Some(HeatCell {
                label: format!("{} {:02}:00", days[index / 24], index % 24),
                value: i64::try_from(tenths).unwrap_or(i64::MAX),
                look: last[index].map_or(Look::Nowhere, |at| Look::Moments(hour_of(at, self.zone))),
            })
        };
        Ok(Heat {
            kind: HeatKind::Hours,
            title: format!(
                "Average requests an hour by weekday and hour, {} time",
                self.zone.iana_name().unwrap_or("local")
            ),
            unit: Unit::Count,
            cells: calls.iter().zip(&hours).enumerate().map(cell).collect(),
            ticks: (0..24).step_by(3).map(|hour| (hour, format!("{hour:02}"))).collect(),
            sessions: self.sessions(),
        })
    }

    /// The last sessions of the span in the trader's own clock. Crypto trades at all hours, so it has no bar.
    fn sessions(&self) -> Vec<Session> {
        let before = self.spans.range.to.min(self.now);
        let minutes = |at: Timestamp| {
            let since = at.0 - day_range(at.day(self.zone), self.zone).from.0;
            u16::try_from(since / 60_000).unwrap_or(0).min(24 * 60)
        };
        let session = |market: Market| {
            let Range { from, to } = market.last_session(before)?;
            Some(Session { name: market.city().to_owned(), from: minutes(from), to: minutes(to) })
        };
        [Market::Tse, Market::Hkex, Market::Xetra, Market::Lse, Market::Nyse]
            .into_iter()
            .filter_map(session)
            .collect()
    }

    /// Whole weeks up to the span's last day.
    fn calendar(&self, db: &Db) -> Result<Heat, StoreError> {
        let (first, end) = self.days(ChartKind::Calendar);
        let range = Range { from: day_range(first, self.zone).from, to: day_range(end, self.zone).to };
        let days = Steps::by(Resolution::Day, range, self.now, self.zone);
        let mut finder = days.finder();
        let mut spent = vec![0_i64; days.list.len()];
        self.scan(db, (range, &days), &[Column::Cost], |bucket| {
            if let Some(sum) = finder.find(bucket.at).and_then(|day| spent.get_mut(day)) {
                *sum += bucket.counts.cost.0;
            }
        })?;
        let weeks = days.list.len().div_ceil(7);
        let cell = |row: usize, week: usize| {
            let step = days.list.get(week * 7 + row)?;
            let value = spent[week * 7 + row];
            Some(HeatCell { label: step.label.clone(), value, look: Look::Day(step.day) })
        };
        let cells = (0..7).flat_map(|row| (0..weeks).map(move |week| (row, week)));
        let month_begins = |week: usize| {
            let days = days.list.iter().skip(week * 7).take(7);
            days.map(|step| step.day).find(|day| day.day() == 1)
        };
        let ticks =
            (0..weeks).filter_map(|week| Some((week, month_begins(week)?.strftime("%b").to_string())));
        Ok(Heat {
            kind: HeatKind::Calendar,
            title: "Spend of each day".to_owned(),
            unit: Unit::Usd,
            ticks: ticks.collect(),
            cells: cells.map(|(row, week)| cell(row, week)).collect(),
            sessions: Vec::new(),
        })
    }

    /// The providers that occur, in the fixed order of the catalogue, those of the user's own last.
    fn providers(&self, sums: &HashMap<String, Vec<i64>>) -> Vec<SeriesName> {
        let known = catalog::providers().iter().filter(|provider| sums.contains_key(&provider.slug));
        let mut series: Vec<SeriesName> =
            known.map(|p| SeriesName { id: p.slug.clone(), name: p.name.clone(), color: p.color }).collect();
        let mut others: Vec<&String> = sums.keys().filter(|slug| catalog::provider(slug).is_none()).collect();
        others.sort();
        series.extend(others.into_iter().map(|slug| SeriesName {
            id: slug.clone(),
            name: self.snapshot.provider_name(slug).to_owned(),
            color: self.snapshot.tile(slug).1,
        }));
        series
    }

    /// The groups that occur, the highest total first. The smallest of more than five are folded when they are drawn.
    fn by_total(&self, sums: &HashMap<String, Vec<i64>>, by: GroupBy) -> Vec<SeriesName> {
        let mut keys: Vec<(&String, i64)> = sums.iter().map(|(key, row)| (key, row.iter().sum())).collect();
        keys.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let colors = (1..=COLORS).chain(std::iter::repeat(COLORS + 1));
        let series = keys.into_iter().zip(colors).map(|((key, _), color)| SeriesName {
            id: key.clone(),
            name: words::name(self.snapshot, by, key),
            color,
        });
        series.collect()
    }
}

fn stacked(
    (title, nothing, unit): (&'static str, &'static str, Unit),
    series: Vec<SeriesName>,
    steps: Steps,
    sums: &HashMap<String, Vec<i64>>,
) -> Stacked {
    let amount = |id: &str, step: usize| sums.get(id).map_or(0, |row| row[step]);
    let rows = (0..steps.list.len())
        .map(|step| series.iter().map(|series| amount(&series.id, step)).collect())
        .collect();
    Stacked { title, nothing, unit, series, steps, rows, cap: None }
}

/// The Monday with which a calendar up to a day begins.
fn calendar_begin(first: Date, last: Date) -> Date {
    monday(first).min(monday(last).saturating_sub((7 * (CALENDAR_WEEKS - 1)).days()))
}

/// The hour of the zone that holds a bucket's begin.
fn hour_of(at: Timestamp, zone: &TimeZone) -> Range {
    let is_same = |back: &i64| hour_of_week(at.plus_ms(-back * BUCKET_MS), zone) == hour_of_week(at, zone);
    let from = at.plus_ms(-BUCKET_MS * (1..4).take_while(is_same).last().unwrap_or(0));
    Range { from, to: from.plus_ms(HOUR_MS) }
}

/// The hours of the week of many moments of a range: each quarter of an hour is looked up once.
struct HoursOfWeek<'a> {
    from: Timestamp,
    zone: &'a TimeZone,
    known: Vec<Option<usize>>,
}

impl<'a> HoursOfWeek<'a> {
    fn new(range: Range, zone: &'a TimeZone) -> Self {
        let from = range.from.bucket();
        let quarters = range.to.since_ms(from) / BUCKET_MS.unsigned_abs();
        Self { from, zone, known: vec![None; usize::try_from(quarters).unwrap_or(0) + 1] }
    }

    fn of(&mut self, at: Timestamp) -> usize {
        let quarter = usize::try_from(at.since_ms(self.from) / BUCKET_MS.unsigned_abs()).unwrap_or(0);
        let found = || hour_of_week(at, self.zone);
        self.known.get_mut(quarter).map_or_else(found, |known| *known.get_or_insert_with(found))
    }
}

/// Monday's first hour is 0.
fn hour_of_week(at: Timestamp, zone: &TimeZone) -> usize {
    let (weekday, hour) = at.weekday_and_hour(zone);
    usize::from(weekday.to_monday_zero_offset().unsigned_abs()) * 24 + usize::from(hour.unsigned_abs())
}
