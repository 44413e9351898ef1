//! The numbers behind a chart: folded to few series, summed, and said in one sentence.

use std::cmp::Reverse;

use jiff::civil::Date;

use super::axis::dollars;
use super::layout::Stack;
use super::theme::Palette;
use super::{ChartSeries, DaySpend, OTHER, SpendByDay, SpendSeries};
use crate::money::NanoUsd;

/// More series than these are folded.
const MAX_SERIES: usize = 5;
/// The colour of "Other".
const OTHER_COLOR: u8 = 6;

/// What the chart is about: folded, with one amount for each day and series.
pub(super) struct Table {
    pub(super) series: Vec<ChartSeries>,
    pub(super) dates: Vec<Date>,
    pub(super) rows: Vec<Vec<NanoUsd>>,
}

impl Table {
    pub(super) fn new(spend: &SpendByDay, hidden: &[String]) -> Self {
        let (kept, folded) = fold(spend);
        let row = |day: &DaySpend| {
            let amount = |index: &usize| day.spend.get(*index).copied().unwrap_or_default();
            let mut row: Vec<NanoUsd> = kept.iter().map(amount).collect();
            if !folded.is_empty() {
                row.push(folded.iter().map(amount).sum());
            }
            row
        };
        let rows: Vec<Vec<NanoUsd>> = spend.days.iter().map(row).collect();
        let other = SpendSeries { id: OTHER.to_owned(), name: "Other".to_owned(), color: OTHER_COLOR };
        let named = kept
            .iter()
            .filter_map(|index| spend.series.get(*index))
            .chain((!folded.is_empty()).then_some(&other));
        let series = named
            .enumerate()
            .map(|(index, series)| ChartSeries {
                id: series.id.clone(),
                name: series.name.clone(),
                color: series.color,
                total: rows.iter().filter_map(|row| row.get(index)).copied().sum::<NanoUsd>().into(),
                hidden: hidden.contains(&series.id),
            })
            .collect();
        Self { series, dates: spend.days.iter().map(|day| day.date).collect(), rows }
    }

    pub(super) fn stacks(&self, palette: &Palette) -> Vec<Stack> {
        let stack = |row: &Vec<NanoUsd>| {
            let visible = row.iter().zip(&self.series).filter(|(_, series)| !series.hidden);
            visible
                .map(|(amount, series)| (i128::from(amount.0.max(0)), palette.series(series.color)))
                .collect()
        };
        self.rows.iter().map(stack).collect()
    }

    fn visible(&self, row: &[NanoUsd]) -> NanoUsd {
        row.iter().zip(&self.series).filter(|(_, series)| !series.hidden).map(|(amount, _)| *amount).sum()
    }

    pub(super) fn summary(&self) -> String {
        let (Some(first), Some(last)) = (self.dates.first(), self.dates.last()) else {
            return "Spend by day: no days.".to_owned();
        };
        let opening = format!("Spend by day, {}{}", span(*first, *last), self.without());
        let days: Vec<NanoUsd> = self.rows.iter().map(|row| self.visible(row)).collect();
        let highest = self.dates.iter().zip(&days).rev().max_by_key(|(_, amount)| **amount);
        match highest.filter(|(_, amount)| **amount > NanoUsd::ZERO) {
            None => format!("{opening}: nothing spent."),
            Some((date, most)) => format!(
                "{opening}: {} in all, most on {} with {}.",
                dollars(days.iter().copied().sum()),
                date.strftime("%a %-d %b"),
                dollars(*most)
            ),
        }
    }

    /// Names the hidden series: their spend is not in the drawing, nor in its summary.
    fn without(&self) -> String {
        let names: Vec<&str> =
            self.series.iter().filter(|series| series.hidden).map(|series| series.name.as_str()).collect();
        match names.split_last() {
            None => String::new(),
            Some((name, [])) => format!(", without {name}"),
            Some((name, others)) => format!(", without {} and {name}", others.join(", ")),
        }
    }
}

/// Which series are kept and which become "Other": the smallest by total, the later ones first among equals.
fn fold(spend: &SpendByDay) -> (Vec<usize>, Vec<usize>) {
    let all = 0..spend.series.len();
    if all.len() <= MAX_SERIES {
        return (all.collect(), Vec::new());
    }
    let total =
        |index: usize| spend.days.iter().filter_map(|day| day.spend.get(index)).copied().sum::<NanoUsd>();
    let mut by_total: Vec<usize> = all.collect();
    by_total.sort_by_key(|index| Reverse(total(*index)));
    let mut folded = by_total.split_off(MAX_SERIES);
    by_total.sort_unstable();
    folded.sort_unstable();
    (by_total, folded)
}

/// "24 Oct to 22 Nov"; with years where they differ.
fn span(first: Date, last: Date) -> String {
    if first == last {
        return last.strftime("%-d %b").to_string();
    }
    let form = if first.year() == last.year() { "%-d %b" } else { "%-d %b %Y" };
    format!("{} to {}", first.strftime(form), last.strftime(form))
}
