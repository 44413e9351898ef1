//! Where things stand on the canvas, in whole pixels.

use super::axis::Axis;
use super::marks::Picture;
use super::steps::{Resolution, Steps};
use super::theme::Palette;
use super::unit::Unit;
use super::{PlotArea, Slot};
use plotters::style::text_anchor::{HPos, VPos};

/// Sizes outside of these are drawn at the nearest inside.
const WIDTHS: (u32, u32) = (160, 4_096);
const HEIGHTS: (u32, u32) = (80, 2_160);
const STRIP_HEIGHTS: (u32, u32) = (16, 240);
const BOTTOM: i32 = 22;
const LEFT_AT_LEAST: i32 = 38;
/// Between a tick's text and the plot.
const TICK_GAP: i32 = 7;
/// Clear space between two labels of days.
const LABEL_GAP: i32 = 8;

/// The nearest size that is drawn.
pub(super) fn drawn_size(size: (u32, u32)) -> (u32, u32) {
    (size.0.clamp(WIDTHS.0, WIDTHS.1), size.1.clamp(HEIGHTS.0, HEIGHTS.1))
}

/// The nearest size that a strip is drawn at.
pub(super) fn drawn_strip(size: (u32, u32)) -> (u32, u32) {
    (size.0.clamp(WIDTHS.0, WIDTHS.1), size.1.clamp(STRIP_HEIGHTS.0, STRIP_HEIGHTS.1))
}

/// What a chart over time needs to know before it is placed.
pub(super) struct Needs {
    /// As it was asked for.
    pub(super) size: (u32, u32),
    pub(super) unit: Unit,
    /// The highest value that has to fit.
    pub(super) highest: i128,
    /// Free px above the plot and right of it.
    pub(super) top: i32,
    pub(super) right: i32,
}

/// The places of a chart over time.
pub(super) struct Layout {
    pub(super) size: (u32, u32),
    pub(super) plot: PlotArea,
    pub(super) axis: Axis,
    pub(super) slots: Vec<Slot>,
}

impl Layout {
    pub(super) fn new(needs: &Needs, steps: &Steps) -> Self {
        let size = drawn_size(needs.size);
        let (width, height) = (size.0.cast_signed(), size.1.cast_signed());
        let h = height - needs.top - BOTTOM;
        let axis = Axis::new(needs.highest, h, needs.unit);
        let widest = axis.ticks().map(|tick| text_width(&axis.text(tick))).max();
        let left = (widest.unwrap_or(0) + TICK_GAP).clamp(LEFT_AT_LEAST, width / 2);
        let right = needs.right.min(width / 4);
        let plot = PlotArea { x: left, y: needs.top, w: width - left - right, h };
        let slots = slots(steps, &plot);
        Self { size, plot, axis, slots }
    }

    /// Places without room for axes.
    pub(super) fn bare(size: (u32, u32), plot: PlotArea, axis: Axis, steps: &Steps) -> Self {
        Self { size, plot, axis, slots: slots(steps, &plot) }
    }

    /// The row of the zero line; bars stand on it.
    pub(super) fn baseline(&self) -> i32 {
        self.plot.y + self.plot.h
    }

    /// The row of an amount.
    pub(super) fn y(&self, amount: i128) -> i32 {
        self.baseline() - self.axis.pixels(amount, self.plot.h)
    }

    /// Horizontal lines and what is written beside them.
    pub(super) fn draw_grid(&self, picture: &mut Picture, palette: &Palette) {
        for tick in self.axis.ticks() {
            let y = self.y(tick);
            if tick > 0 {
                picture.row(self.plot.x, y, self.plot.w, palette.grid);
            }
            let beside = (self.plot.x - TICK_GAP, y + 1);
            picture.text(&self.axis.text(tick), beside, (HPos::Right, VPos::Center), palette.label);
        }
    }

    /// The zero line and the labels below it.
    pub(super) fn draw_time(&self, steps: &Steps, picture: &mut Picture, palette: &Palette) {
        picture.row(self.plot.x, self.baseline(), self.plot.w, palette.axis);
        for (center, text) in time_labels(steps, self) {
            let below = (center, self.baseline() + 9);
            picture.text(&text, below, (HPos::Center, VPos::Top), palette.label);
        }
    }
}

/// Slots share the plot without a gap; where it does not divide evenly, some are a pixel wider.
fn slots(steps: &Steps, plot: &PlotArea) -> Vec<Slot> {
    let count = i64::try_from(steps.list.len()).unwrap_or(i64::MAX).max(1);
    let edge = |index: i64| plot.x + i32::try_from(i64::from(plot.w) * index / count).unwrap_or(plot.w);
    (0_i64..)
        .zip(&steps.list)
        .map(|(index, step)| {
            let (x, end) = (edge(index), edge(index + 1));
            let (from, to) = match steps.resolution {
                Resolution::Fine | Resolution::Hour => {
                    (step.range.from.0.to_string(), step.range.to.0.to_string())
                }
                Resolution::Day | Resolution::Week => (step.day.to_string(), step.last_day.to_string()),
            };
            Slot { x, y: plot.y, w: end - x, h: plot.h, label: step.label.clone(), from, to }
        })
        .collect()
}

/// The labels below the axis, each with its middle: as many of those that the steps offer as there is room for.
pub(super) fn time_labels(steps: &Steps, layout: &Layout) -> Vec<(i32, String)> {
    let width = layout.size.0.cast_signed();
    let mut labels: Vec<(i32, String)> = Vec::new();
    for (index, text) in steps.ticks(|unit| label_stride(steps.list.len(), unit, layout)) {
        let Some(slot) = layout.slots.get(index) else { continue };
        let half = text_width(&text) / 2 + 1;
        let center = (slot.x + slot.w / 2).clamp(half, width - half);
        let is_clear = |(other, said): &(i32, String)| {
            (center - other).abs() >= half + text_width(said) / 2 + 1 + LABEL_GAP
        };
        if labels.last().is_none_or(is_clear) {
            labels.push((center, text));
        }
    }
    labels
}

/// Steps from one label to the next: a multiple of `unit`.
fn label_stride(steps: usize, unit: usize, layout: &Layout) -> usize {
    let room = usize::try_from(text_width("30 Nov") + LABEL_GAP).unwrap_or(usize::MAX);
    let plot = usize::try_from(layout.plot.w).unwrap_or(0).max(1);
    (room * steps).div_ceil(plot * unit).max(1) * unit
}

/// A guess on the wide side: the window's font is not here to measure with.
pub(super) fn text_width(text: &str) -> i32 {
    i32::try_from(text.chars().count() * 13 / 2 + 1).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::time::{HOUR_MS, Range, Timestamp};

    pub(in crate::chart) fn of(width: u32, days: i64) -> (Steps, Layout) {
        let range = Range { from: Timestamp(0), to: Timestamp(days * 24 * HOUR_MS) };
        let steps = Steps::new(range, range.to.plus_ms(-1), &TimeZone::UTC);
        let needs = Needs { size: (width, 220), unit: Unit::Usd, highest: 0, top: 8, right: 8 };
        let layout = Layout::new(&needs, &steps);
        (steps, layout)
    }

    proptest! {
        #[test]
        fn labels_of_time_never_overlap(width in 160..4_096_u32, count in 1..800_i64) {
            let (steps, layout) = of(width, count);
            let mut labels = time_labels(&steps, &layout);
            prop_assert!(!labels.is_empty());
            labels.sort_by_key(|(center, _)| *center);
            for pair in labels.windows(2) {
                prop_assert!(pair[0].0 + text_width(&pair[0].1) / 2 < pair[1].0 - text_width(&pair[1].1) / 2);
            }
        }
    }

    #[test]
    fn a_day_is_labelled_by_its_hours() {
        let (steps, layout) = of(704, 1);
        let labels: Vec<String> = time_labels(&steps, &layout).into_iter().map(|(_, text)| text).collect();
        assert_eq!(labels, ["00:00", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00"]);
    }

    #[test]
    fn a_slot_leads_to_its_days_or_to_the_moments_of_its_hour() {
        let ends = |days: i64, at: usize| {
            let slot = of(704, days).1.slots.remove(at);
            (slot.from, slot.to)
        };
        assert_eq!(ends(1, 9), ((9 * HOUR_MS).to_string(), (10 * HOUR_MS).to_string()));
        assert_eq!(ends(10, 9), ("1970-01-10".to_owned(), "1970-01-10".to_owned()));
        assert_eq!(ends(140, 1), ("1970-01-05".to_owned(), "1970-01-11".to_owned()));
    }
}
