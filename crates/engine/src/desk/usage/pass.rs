//! What the rollup tells of a query: totals, groups with their lines, and what failed attempts failed of.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use patchbay_core::chart::Steps;
use patchbay_core::report::{Bucket, Column, Columns, Detail, GroupBy, Totals as Sums, basis_points};
use patchbay_core::time::{Range, Timestamp};
use patchbay_store::{Db, StoreError, rollup};

use super::query::{Spans, UsageQuery};
use super::view::{Cause, GroupRow, Totals, short};
use super::words;
use crate::snapshot::Snapshot;

/// Points of a row's little line.
const SPARK: usize = 24;
/// What the screen shows of a span of time.
pub(crate) const SHOWN: Columns = Columns::of(&[
    Column::Calls,
    Column::Attempts,
    Column::Cost,
    Column::SavedCalls,
    Column::InputTokens,
    Column::OutputTokens,
    Column::CachedTokens,
    Column::UnpricedAttempts,
    Column::Signals,
    Column::SignalCost,
    Column::Latency,
]);

/// Everything that the rollup tells.
pub(super) struct Pass {
    pub(super) totals: Sums,
    groups: Vec<(String, Sums, Vec<i64>)>,
    causes: HashMap<String, u64>,
    /// The provider of a group, for its tile.
    providers: Vec<String>,
}

impl Pass {
    pub(super) fn over(
        db: &Db,
        query: &UsageQuery,
        spans: &Spans,
        (now, zone): (Timestamp, &TimeZone),
    ) -> Result<Self, StoreError> {
        let mut pass = Self {
            totals: Sums::default(),
            groups: Vec::new(),
            causes: HashMap::new(),
            providers: Vec::new(),
        };
        let mut indices = Indices::new(query.by, zone);
        let filter = query.filter(spans.range);
        let of_one_group = |span: Range| rollup::is_one_group(span, query.by, zone);
        rollup::scan(db, &filter, &Detail::spans(SHOWN, &of_one_group), |bucket| {
            let group = indices.of(bucket, &mut pass);
            pass.groups[group].1.add(bucket);
            pass.note_failed(bucket);
        })?;
        let steps = Steps::new(spans.range, now, zone);
        let mut finder = steps.finder();
        let of_one_point = |span: Range| of_one_group(span) && steps.keep_whole(span);
        let detail = Detail::spans(Columns::of(&[Column::Cost]), &of_one_point);
        rollup::scan(db, &filter, &detail, |bucket| {
            if let Some(step) = finder.find(bucket.at) {
                let group = indices.of(bucket, &mut pass);
                let spark = &mut pass.groups[group].2;
                spark.resize(steps.list.len(), 0);
                spark[step] += bucket.counts.cost.0;
            }
        })?;
        for (_, sums, _) in &pass.groups {
            pass.totals.merge(sums);
        }
        Ok(pass)
    }

    fn note_failed(&mut self, bucket: &Bucket<'_>) {
        let failed = bucket.counts.attempts - bucket.counts.answered_attempts;
        if failed > 0 {
            *self.causes.entry(bucket.labels.error.clone()).or_default() += failed;
        }
    }

    pub(super) fn rows(&self, by: GroupBy, snapshot: &Snapshot) -> Vec<GroupRow> {
        let mut groups: Vec<_> = self.groups.iter().zip(&self.providers).collect();
        groups.sort_by(|((a, x, _), _), ((b, y, _), _)| {
            (y.cost, y.calls).cmp(&(x.cost, x.calls)).then_with(|| a.cmp(b))
        });
        let whole = self.totals.cost.0;
        let row = |((key, sums, spark), provider): (&(String, Sums, Vec<i64>), &String)| {
            let (tile, color) = tile(by, provider, snapshot);
            let mut totals = Totals::from(sums);
            totals.per_signal = totals.per_signal.filter(|_| by == GroupBy::App);
            GroupRow {
                name: words::name(snapshot, by, key),
                key: key.clone(),
                tile,
                color,
                totals,
                share_bp: basis_points(sums.cost.0.unsigned_abs(), whole.unsigned_abs()).unwrap_or(0),
                success_bp: basis_points(sums.answered_attempts, sums.attempts),
                spark: thin(spark),
            }
        };
        groups.into_iter().map(row).collect()
    }

    pub(super) fn causes(&self) -> Vec<Cause> {
        let all: u64 = self.causes.values().sum();
        let mut causes: Vec<_> = self.causes.iter().collect();
        causes.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
        let cause = |(error, attempts): (&String, &u64)| Cause {
            error: error.clone(),
            name: words::cause(error).to_owned(),
            attempts: short(*attempts),
            share_bp: basis_points(*attempts, all).unwrap_or(0),
        };
        causes.into_iter().map(cause).collect()
    }
}

/// Which group a bucket belongs to: found once for each series, as far as it goes by labels.
struct Indices<'a> {
    by: GroupBy,
    zone: &'a TimeZone,
    of_series: Vec<Option<usize>>,
    of_key: HashMap<String, usize>,
}

impl<'a> Indices<'a> {
    fn new(by: GroupBy, zone: &'a TimeZone) -> Self {
        Self { by, zone, of_series: Vec::new(), of_key: HashMap::new() }
    }

    fn of(&mut self, bucket: &Bucket<'_>, pass: &mut Pass) -> usize {
        if let Some(group) = self.of_series.get(bucket.series).copied().flatten() {
            return group;
        }
        let group = self.group(bucket, pass);
        if self.by.field().is_some() {
            self.of_series.resize(self.of_series.len().max(bucket.series + 1), None);
            self.of_series[bucket.series] = Some(group);
        }
        group
    }

    fn group(&mut self, bucket: &Bucket<'_>, pass: &mut Pass) -> usize {
        let key = rollup::key(bucket, self.by, self.zone);
        let provider = &bucket.labels.provider;
        let index = *self.of_key.entry(key.clone()).or_insert_with(|| {
            pass.groups.push((key, Sums::default(), Vec::new()));
            pass.providers.push(provider.clone());
            pass.groups.len() - 1
        });
        // Of several the first by name, in whatever order they come.
        if *provider < pass.providers[index] {
            pass.providers[index].clone_from(provider);
        }
        index
    }
}

/// Groups that belong to one provider wear its tile.
pub(super) fn tile(by: GroupBy, provider: &str, snapshot: &Snapshot) -> (String, u8) {
    match by {
        GroupBy::Provider | GroupBy::Connection | GroupBy::Model => snapshot.tile(provider),
        _ => (String::new(), 6),
    }
}

/// At most so many points, each the sum of its share of steps, in dollars.
#[expect(clippy::cast_precision_loss, reason = "the length of a line on a screen")]
fn thin(amounts: &[i64]) -> Vec<f32> {
    let each = amounts.len().div_ceil(SPARK).max(1);
    amounts.rchunks(each).rev().map(|chunk| chunk.iter().sum::<i64>() as f32 / 1e9).collect()
}
