//! Groups over time: at most as many as there are colours, and all others as one.

use std::collections::HashMap;

use patchbay_core::catalog;
use patchbay_core::chart::{ChartRequest, Curves, Drawing, OTHER, SeriesName, Stacked, Steps, bars, curves};
use patchbay_core::report::{Detail, Group, GroupBy, Metric, Totals, top_by};
use patchbay_core::time::{Range, Timestamp};
use patchbay_store::{Db, StoreError, rollup};

use super::fold::label;
use super::{Reading, Spans, words};

/// Groups with a colour of their own.
const COLORS: u8 = 5;

/// A group's sums step by step, and over all of them.
struct Series {
    name: SeriesName,
    steps: Vec<Totals>,
    whole: Totals,
}

impl Reading<'_> {
    pub(super) fn draw(
        &self,
        db: &Db,
        spans: &Spans,
        now: Timestamp,
        request: &ChartRequest,
    ) -> Result<Drawing, StoreError> {
        let metric = self.query.metric;
        let steps = Steps::new(spans.range, now, self.zone);
        let series = self.series(self.by_step(db, spans, &steps)?, steps.list.len());
        let number = |step: usize, one: &Series| one.steps.get(step).and_then(|totals| metric.of(totals));
        let names = series.iter().map(|one| one.name.clone()).collect();
        if metric.adds_up() {
            let row = |step| series.iter().map(|one| number(step, one).unwrap_or(0)).collect();
            let rows = (0..steps.list.len()).map(row).collect();
            let (title, nothing) = title(metric);
            let unit = metric.unit();
            return Ok(bars(
                request,
                &Stacked { title, nothing, unit, series: names, steps, rows, cap: None },
            ));
        }
        let row = |step| series.iter().map(|one| number(step, one)).collect();
        let rows = (0..steps.list.len()).map(row).collect();
        let whole = series.iter().map(|one| metric.of(&one.whole)).collect();
        let title = title(metric).0;
        Ok(curves(request, &Curves { title, unit: metric.unit(), series: names, steps, rows, whole }))
    }

    fn by_step(
        &self,
        db: &Db,
        spans: &Spans,
        steps: &Steps,
    ) -> Result<HashMap<String, Vec<Totals>>, StoreError> {
        let (by, metric) = (self.query.by, self.query.metric);
        let mut rows: HashMap<String, Vec<Totals>> = HashMap::new();
        let mut keys: HashMap<usize, String> = HashMap::new();
        let as_one = |span: Range| steps.keep_whole(span);
        let detail = Detail::spans(metric.columns(), &as_one);
        let mut finder = steps.finder();
        rollup::scan(db, &self.query.filter(spans.range), &detail, |bucket| {
            let Some(step) = finder.find(bucket.at) else { return };
            let key = keys.entry(bucket.series).or_insert_with(|| label(bucket, by));
            let row = match rows.get_mut(key) {
                Some(row) => row,
                None => rows.entry(key.clone()).or_insert_with(|| vec![Totals::default(); steps.list.len()]),
            };
            row[step].add(bucket);
        })?;
        Ok(rows)
    }

    /// The groups that weigh most; providers in the order of the catalogue, which every chart has.
    fn series(&self, mut rows: HashMap<String, Vec<Totals>>, steps: usize) -> Vec<Series> {
        let metric = self.query.metric;
        let groups = rows.iter().map(|(key, row)| Group { key: key.clone(), totals: sum(row) });
        let has_any = |number: i64| number > 0 || !metric.adds_up();
        let groups = groups.filter(|group| metric.of(&group.totals).is_some_and(has_any)).collect();
        let most = self.query.top().min(usize::from(COLORS));
        let weight = |totals: &Totals| (metric.weight(totals), totals.cost, totals.calls);
        let (mut kept, other) = top_by(groups, most, weight);
        if self.query.by == GroupBy::Provider {
            kept.sort_by_key(|group| {
                catalog::providers().iter().position(|known| known.slug == group.key).unwrap_or(usize::MAX)
            });
        }
        let mut series: Vec<Series> = (1..)
            .zip(kept)
            .map(|(color, Group { key, totals })| Series {
                steps: rows.remove(&key).unwrap_or_default(),
                name: self.named(key, color),
                whole: totals,
            })
            .collect();
        if let Some(whole) = other {
            let name = SeriesName { id: OTHER.to_owned(), name: "Other".to_owned(), color: COLORS + 1 };
            let of_step = |step| sum(rows.values().filter_map(|row: &Vec<Totals>| row.get(step)));
            series.push(Series { name, steps: (0..steps).map(of_step).collect(), whole });
        }
        series
    }

    fn named(&self, id: String, color: u8) -> SeriesName {
        let by = self.query.by;
        let color = if by == GroupBy::Provider { self.snapshot.tile(&id).1 } else { color };
        SeriesName { name: words::name(self.snapshot, by, &id), id, color }
    }
}

fn sum<'a>(totals: impl IntoIterator<Item = &'a Totals>) -> Totals {
    totals.into_iter().fold(Totals::default(), |mut sum, one| {
        sum.merge(one);
        sum
    })
}

/// What a chart's numbers are called, and what it says where there are none.
pub(super) fn title(metric: Metric) -> (&'static str, &'static str) {
    match metric {
        Metric::Spend => ("Spend", "nothing spent"),
        Metric::Requests => ("Requests", "none made"),
        Metric::Attempts => ("Attempts", "none made"),
        Metric::FailedAttempts => ("Failed attempts", "none failed"),
        Metric::FailedShare => ("Failed share of attempts", "no attempts"),
        Metric::InputTokens => ("Input tokens", "none used"),
        Metric::OutputTokens => ("Output tokens", "none used"),
        Metric::CachedTokens => ("Cached input tokens", "none used"),
        Metric::CostPerRequest => ("Cost per request", "no requests"),
        Metric::CostPerThousand => ("Cost per 1,000 requests", "no requests"),
        Metric::CostPerSignal => ("Cost per signal", "no signals"),
        Metric::LatencyP50 => ("Latency p50", "no answers"),
        Metric::LatencyP95 => ("Latency p95", "no answers"),
        Metric::LatencyP99 => ("Latency p99", "no answers"),
        Metric::FirstTokenP50 => ("Time to first token p50", "no answers"),
        Metric::FirstTokenP95 => ("Time to first token p95", "no answers"),
    }
}
