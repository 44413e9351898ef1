//! Groups of groups, now and in the days before, and the ones that are put together as "Other".

use std::collections::HashMap;

use patchbay_core::report::{Bucket, Detail, Filter, Group, GroupBy, Totals, top_by};
use patchbay_store::{Db, StoreError, rollup};

use super::ExploreQuery;
use crate::desk::usage::view::short;

/// Sums of a group, now and before.
#[derive(Clone, Debug, Default)]
pub(super) struct Pair {
    pub(super) now: Totals,
    pub(super) before: Totals,
    /// Whose they are, for a tile; any of them where there are several.
    pub(super) provider: String,
}

impl Pair {
    pub(super) fn now(&mut self) -> &mut Totals {
        &mut self.now
    }

    pub(super) fn before(&mut self) -> &mut Totals {
        &mut self.before
    }

    fn merge(&mut self, other: &Self) {
        self.now.merge(&other.now);
        self.before.merge(&other.before);
        if self.provider.is_empty() {
            self.provider.clone_from(&other.provider);
        }
    }
}

/// A group that is shown, or those that are not, together.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    /// `None` for the others.
    pub(super) key: Option<String>,
    /// How many groups it is.
    pub(super) count: u32,
    pub(super) pair: Pair,
}

/// All groups by their keys: the outer one, and the one inside it where there are two levels.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    list: Vec<((String, String), Pair)>,
    of_key: HashMap<(String, String), usize>,
}

impl Pairs {
    /// One pass over what the filter admits, into the sums that `at` points at.
    pub(super) fn read(
        &mut self,
        db: &Db,
        filter: &Filter,
        query: &ExploreQuery,
        at: fn(&mut Pair) -> &mut Totals,
    ) -> Result<(), StoreError> {
        // Labels are the same for all buckets of a series, so its group is found once.
        let mut of_series: HashMap<usize, usize> = HashMap::new();
        rollup::scan(db, filter, &Detail::whole(query.metric.columns()), |bucket| {
            let index = *of_series.entry(bucket.series).or_insert_with(|| self.index(query, bucket));
            if let Some((_, pair)) = self.list.get_mut(index) {
                at(pair).add(bucket);
            }
        })
    }

    fn index(&mut self, query: &ExploreQuery, bucket: &Bucket<'_>) -> usize {
        let inner = query.then().map_or_else(String::new, |then| label(bucket, then));
        let key = (label(bucket, query.by), inner);
        *self.of_key.entry(key.clone()).or_insert_with(|| {
            let pair = Pair { provider: bucket.labels.provider.clone(), ..Pair::default() };
            self.list.push((key, pair));
            self.list.len() - 1
        })
    }

    /// All of them together.
    pub(super) fn whole(&self) -> Pair {
        sum(self.list.iter().map(|(_, pair)| pair))
    }

    /// How many outer groups there are.
    pub(super) fn count(&self) -> u32 {
        short(self.nested().len() as u64)
    }

    /// The groups that are shown, each with the ones inside it.
    pub(super) fn groups(&self, query: &ExploreQuery) -> Vec<(Folded, Vec<Folded>)> {
        let nested = self.nested();
        let outer = nested.iter().map(|(key, inner)| (key.clone(), sum(inner.values()))).collect();
        let groups = fold(query, outer).into_iter().map(|group| {
            let inner = match &group.key {
                Some(key) => nested.get(key).cloned().unwrap_or_default(),
                None => HashMap::new(),
            };
            let inside = if query.then().is_some() { fold(query, inner) } else { Vec::new() };
            (group, inside)
        });
        groups.collect()
    }

    fn nested(&self) -> HashMap<String, HashMap<String, Pair>> {
        let mut nested: HashMap<String, HashMap<String, Pair>> = HashMap::new();
        for ((outer, inner), pair) in &self.list {
            nested.entry(outer.clone()).or_default().insert(inner.clone(), pair.clone());
        }
        nested
    }
}

/// The label that a bucket is grouped by.
pub(super) fn label(bucket: &Bucket<'_>, by: GroupBy) -> String {
    by.field().map_or_else(String::new, |field| bucket.labels.get(field).to_owned())
}

fn sum<'a>(pairs: impl Iterator<Item = &'a Pair>) -> Pair {
    pairs.fold(Pair::default(), |mut sum, pair| {
        sum.merge(pair);
        sum
    })
}

/// The groups that weigh most, the highest number first, and all others as one. Those that were there only before are among
/// them, so that what was before adds up as well.
fn fold(query: &ExploreQuery, mut pairs: HashMap<String, Pair>) -> Vec<Folded> {
    let metric = query.metric;
    let groups =
        pairs.iter().map(|(key, pair)| Group { key: key.clone(), totals: pair.now.clone() }).collect();
    let (kept, _) = top_by(groups, query.top(), |totals| (metric.weight(totals), totals.cost, totals.calls));
    let mut folded: Vec<Folded> = kept
        .into_iter()
        .filter_map(|group| Some(Folded { pair: pairs.remove(&group.key)?, key: Some(group.key), count: 1 }))
        .collect();
    folded.sort_by_key(|group| std::cmp::Reverse(metric.of(&group.pair.now)));
    if !pairs.is_empty() {
        folded.push(Folded { key: None, count: short(pairs.len() as u64), pair: sum(pairs.values()) });
    }
    folded
}
