//! The numbers behind bars: folded to few series, summed, and said in one sentence.

use std::cmp::Reverse;

use super::bars::{Stacked, sum};
use super::{ChartSeries, OTHER, SeriesName};

/// More series than these are folded.
const MAX_SERIES: usize = 5;
/// The colour of "Other".
const OTHER_COLOR: u8 = 6;

/// What the chart is about: folded, with one amount for each step and series.
pub(super) struct Table {
    pub(super) series: Vec<ChartSeries>,
    pub(super) rows: Vec<Vec<i64>>,
}

impl Table {
    pub(super) fn new(data: &Stacked, hidden: &[String]) -> Self {
        let (kept, folded) = fold(data);
        let row = |amounts: &Vec<i64>| {
            let amount = |index: &usize| amounts.get(*index).copied().unwrap_or_default();
            let mut row: Vec<i64> = kept.iter().map(amount).collect();
            if !folded.is_empty() {
                row.push(sum(&folded.iter().map(amount).collect::<Vec<_>>()));
            }
            row
        };
        let rows: Vec<Vec<i64>> = data.rows.iter().map(row).collect();
        let other = SeriesName { id: OTHER.to_owned(), name: "Other".to_owned(), color: OTHER_COLOR };
        let named = kept.iter().filter_map(|index| data.series.get(*index));
        let named = named.chain((!folded.is_empty()).then_some(&other));
        let total = |index: usize| rows.iter().filter_map(|row| row.get(index)).copied().collect::<Vec<_>>();
        let series = named
            .enumerate()
            .map(|(index, series)| ChartSeries {
                id: series.id.clone(),
                name: series.name.clone(),
                color: series.color,
                total: Some(data.unit.decimal(sum(&total(index)))),
                hidden: hidden.contains(&series.id),
            })
            .collect();
        Self { series, rows }
    }

    fn visible(&self, row: &[i64]) -> i64 {
        let shown = row.iter().zip(&self.series).filter(|(_, series)| !series.hidden);
        sum(&shown.map(|(amount, _)| *amount).collect::<Vec<_>>())
    }

    pub(super) fn summary(&self, data: &Stacked) -> String {
        let by = format!("{} by {}", data.title, data.steps.resolution.noun());
        let Some(span) = data.steps.span() else { return format!("{by}: {}.", data.nothing) };
        let hidden = without(&self.series).map_or_else(String::new, |names| format!(", without {names}"));
        let opening = format!("{by}, {span}{hidden}");
        let amounts: Vec<i64> = self.rows.iter().map(|row| self.visible(row)).collect();
        let highest = data.steps.list.iter().zip(&amounts).rev().max_by_key(|(_, amount)| **amount);
        let cap = data.cap.map_or_else(String::new, |cap| self.of_cap(data, cap));
        match highest.filter(|(_, amount)| **amount > 0) {
            None => format!("{opening}: {}.{cap}", data.nothing),
            Some((step, most)) => format!(
                "{opening}: {} in all, most {} with {}.{cap}",
                data.unit.words(sum(&amounts)),
                data.steps.when(step),
                data.unit.words(*most)
            ),
        }
    }

    /// A cap is one on everything, hidden series too.
    fn of_cap(&self, data: &Stacked, cap: i64) -> String {
        let beyond = self.rows.iter().filter(|row| sum(row) > cap).count();
        let cap = data.unit.words(cap);
        match beyond {
            0 => format!(" No day is above the daily cap of {cap}."),
            1 => format!(" 1 day is above the daily cap of {cap}."),
            days => format!(" {days} days are above the daily cap of {cap}."),
        }
    }
}

/// The names of hidden series: what is theirs is not in the drawing, nor in its summary.
pub(super) fn without(series: &[ChartSeries]) -> Option<String> {
    let hidden = series.iter().filter(|series| series.hidden);
    let names: Vec<&str> = hidden.map(|series| series.name.as_str()).collect();
    Some(match names.split_last()? {
        (name, []) => (*name).to_owned(),
        (name, others) => format!("{} and {name}", others.join(", ")),
    })
}

/// Which series are kept and which become "Other": the smallest by total, the later ones first among equals, and what whoever
/// asks has put together so already.
fn fold(data: &Stacked) -> (Vec<usize>, Vec<usize>) {
    let (all, other): (Vec<usize>, Vec<usize>) =
        (0..data.series.len()).partition(|index| data.series.get(*index).is_some_and(|one| one.id != OTHER));
    if all.len() <= MAX_SERIES {
        return (all, other);
    }
    let total =
        |index: usize| sum(&data.rows.iter().filter_map(|row| row.get(index)).copied().collect::<Vec<_>>());
    let mut by_total = all;
    by_total.sort_by_key(|index| Reverse(total(*index)));
    let mut folded = by_total.split_off(MAX_SERIES);
    folded.extend(other);
    by_total.sort_unstable();
    folded.sort_unstable();
    (by_total, folded)
}
