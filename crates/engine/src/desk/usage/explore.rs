//! One number of the ledger by groups and groups inside them, as a table and over time: the filter and the days of the Usage
//! screen, so the same sums (C5).

mod fold;
mod over_time;

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::chart::{Chart, ChartRequest, Drawing, Heading, Unit};
use patchbay_core::report::{Condition, Filter, GroupBy, Metric, Totals, basis_points};
use patchbay_core::time::{Range, Timestamp};
use patchbay_store::{Db, StoreError, rollup};
use serde::{Deserialize, Serialize};

use super::charts::{detail, noun};
use super::pass::tile;
use super::query::{Days, Spans};
use super::view::short;
use super::{OTHER, words};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};
use fold::{Folded, Pair};

/// So many groups may be shown beside "Other".
const MOST: u32 = 100;

/// What the window asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ExploreQuery {
    /// Which days.
    pub days: Days,
    /// What has to hold.
    pub conditions: Vec<Condition>,
    /// Which number.
    pub metric: Metric,
    /// What groups go by: a label.
    pub by: GroupBy,
    /// What the groups inside them go by.
    pub then: Option<GroupBy>,
    /// Only so many groups, and as many in each; the others together are one more.
    pub top: u32,
}

/// One number by groups.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ExploreView {
    /// The zone of its days.
    pub zone: String,
    /// The first day (2026-11-10).
    pub from: String,
    /// The last day.
    pub to: String,
    /// How many days.
    pub days: u32,
    /// What the numbers count.
    pub unit: Unit,
    /// Whether the numbers of groups make up the whole.
    pub adds_up: bool,
    /// Everything that the query admits: where numbers add up, the sum of the groups.
    pub whole: ExploreRow,
    /// Groups, the highest first and "Other" last.
    pub groups: Vec<ExploreGroup>,
    /// When there was anything at all that fits, whatever the days.
    pub last_activity: Option<Timestamp>,
}

/// A group and what is inside it.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ExploreGroup {
    /// The group.
    pub row: ExploreRow,
    /// The groups inside it, where they were asked for, in the same order.
    pub inside: Vec<ExploreRow>,
}

/// The number of a group.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ExploreRow {
    /// What filters call it; `+other` for the groups that are not among the first.
    pub key: String,
    /// As people read it.
    pub name: String,
    /// Two letters for the tile; empty where groups have none.
    pub tile: String,
    /// Colour of the tile, 1 to 6.
    pub color: u8,
    /// The number, as decimal text; `None` where there is nothing that it could be of.
    pub value: Option<String>,
    /// The same over as many days before.
    pub before: Option<String>,
    /// Of the whole, in basis points; `None` where numbers do not add up.
    pub share_bp: Option<u32>,
    /// Requests behind it.
    pub calls: u32,
    /// Tries behind it.
    pub attempts: u32,
    /// How many groups it stands for.
    pub groups: u32,
}

/// See [`ExploreView`].
pub async fn explore(
    engine: &Arc<Engine>,
    query: ExploreQuery,
    zone: TimeZone,
) -> Result<ExploreView, Error> {
    engine
        .blocking(move |engine| {
            query.check()?;
            let spans = query.days.spans(clock::now(), &zone)?;
            let snapshot = engine.snapshot()?;
            let read = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                Reading { query: &query, snapshot: &snapshot, zone: &zone }.view(&db, &spans)
            });
            Ok(read?)
        })
        .await
}

/// The same over time: bars where numbers add up, else a line for each group.
pub async fn explore_chart(
    engine: &Arc<Engine>,
    query: ExploreQuery,
    request: ChartRequest,
    zone: TimeZone,
) -> Result<Chart, Error> {
    engine.blocking(move |engine| Ok(draw(engine, &query, &request, &zone)?.0.into_chart())).await
}

/// Draws the chart, with the heading of one that stands alone.
pub(crate) fn draw(
    engine: &Engine,
    query: &ExploreQuery,
    request: &ChartRequest,
    zone: &TimeZone,
) -> Result<(Drawing, Heading), Error> {
    query.check()?;
    let now = clock::now();
    let spans = query.days.spans(now, zone)?;
    let snapshot = engine.snapshot()?;
    let reading = Reading { query, snapshot: &snapshot, zone };
    let drawing = engine.store.read(|db| reading.draw(db, &spans, now, request))?;
    let title = format!("{} by {}", over_time::title(query.metric).0, noun(query.by));
    Ok((drawing, Heading { title, detail: detail((spans.first, spans.last), &query.conditions, zone) }))
}

impl ExploreQuery {
    fn check(&self) -> Result<(), Error> {
        if self.by.field().is_none() || self.then.is_some_and(|then| then.field().is_none()) {
            return Err(Error::invalid(
                "Groups go by what calls are labelled with; the chart is over time.",
                "Group by a connection, provider, model, feature, app or another label.",
            ));
        }
        let tells_signals = Filter { range: None, conditions: self.conditions.clone() }.keeps_signals_whole()
            && self.by == GroupBy::App
            && self.then().is_none();
        if self.metric == Metric::CostPerSignal && !tells_signals {
            return Err(Error::invalid(
                "What a signal costs is known of apps only: its steps may ask several models, connections and features.",
                "Group by app, with nothing inside, and filter by app or not at all.",
            ));
        }
        if !(1..=MOST).contains(&self.top) {
            return Err(Error::invalid(
                format!("{} groups cannot be shown.", self.top),
                format!("Show 1 to {MOST} of them; the others are put together."),
            ));
        }
        Ok(())
    }

    fn filter(&self, range: Range) -> Filter {
        Filter { range: Some(range), conditions: self.conditions.clone() }
    }

    /// A group that is split by what it goes by already has nothing inside it.
    fn then(&self) -> Option<GroupBy> {
        self.then.filter(|then| *then != self.by)
    }

    fn top(&self) -> usize {
        usize::try_from(self.top).unwrap_or(usize::MAX)
    }
}

/// A query that is being answered.
struct Reading<'a> {
    query: &'a ExploreQuery,
    snapshot: &'a Snapshot,
    zone: &'a TimeZone,
}

impl Reading<'_> {
    fn view(&self, db: &Db, spans: &Spans) -> Result<ExploreView, StoreError> {
        let (query, metric) = (self.query, self.query.metric);
        let mut pairs = fold::Pairs::default();
        for (range, at) in
            [(spans.range, Pair::now as fn(&mut Pair) -> &mut Totals), (spans.prior, Pair::before)]
        {
            pairs.read(db, &query.filter(range), query, at)?;
        }
        let whole = pairs.whole();
        let anything = Filter { range: None, conditions: query.conditions.clone() };
        let last_activity = if whole.now.attempts > 0 { None } else { rollup::newest(db, &anything)? };
        let groups = pairs.groups(query).into_iter().map(|(group, inside)| ExploreGroup {
            row: self.row(query.by, group, &whole),
            inside: inside
                .into_iter()
                .map(|inner| self.row(query.then.unwrap_or(query.by), inner, &whole))
                .collect(),
        });
        let groups: Vec<ExploreGroup> = groups.collect();
        let count = pairs.count();
        Ok(ExploreView {
            zone: self.zone.iana_name().unwrap_or("local time").to_owned(),
            from: spans.first.to_string(),
            to: spans.last.to_string(),
            days: spans.first.until(spans.last).map_or(0, |span| span.get_days()).unsigned_abs() + 1,
            unit: metric.unit(),
            adds_up: metric.adds_up(),
            whole: self.row(query.by, Folded { key: None, count, pair: whole.clone() }, &whole),
            groups,
            last_activity,
        })
    }

    fn row(&self, by: GroupBy, folded: Folded, whole: &Pair) -> ExploreRow {
        let (metric, Pair { now, before, provider }) = (self.query.metric, folded.pair);
        let text = |totals: &Totals| metric.of(totals).map(|value| metric.unit().decimal(value));
        let part = |totals: &Totals| metric.of(totals).unwrap_or(0).unsigned_abs();
        let (tile, color) = match &folded.key {
            Some(_) => tile(by, &provider, self.snapshot),
            None => (String::new(), 6),
        };
        ExploreRow {
            name: folded
                .key
                .as_ref()
                .map_or_else(|| "Other".to_owned(), |key| words::name(self.snapshot, by, key)),
            key: folded.key.unwrap_or_else(|| OTHER.to_owned()),
            tile,
            color,
            value: text(&now),
            before: text(&before),
            share_bp: metric.adds_up().then(|| basis_points(part(&now), part(&whole.now)).unwrap_or(0)),
            calls: short(now.calls),
            attempts: short(now.attempts),
            groups: folded.count,
        }
    }
}
