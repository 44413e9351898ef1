//! Where things stand on the canvas, in whole pixels.

use jiff::civil::Date;
use plotters::style::RGBColor;

use super::axis::Axis;
use super::{PlotArea, Slot};

/// Sizes outside of these are drawn at the nearest inside.
const WIDTHS: (u32, u32) = (160, 4_096);
const HEIGHTS: (u32, u32) = (80, 2_160);
const TOP: i32 = 8;
/// The label of the cap stands above its line, which may be the highest of all.
const TOP_WITH_CAP: i32 = 18;
const BOTTOM: i32 = 22;
const RIGHT: i32 = 8;
const LEFT_AT_LEAST: i32 = 38;
/// Between a tick's text and the plot.
pub(super) const TICK_GAP: i32 = 7;
/// Clear space between two labels of days.
const LABEL_GAP: i32 = 8;
/// Up to so many days each may have a label; beyond, only those on the weekday of the last.
const EVERY_DAY: usize = 10;
const BAR_PERCENT: i32 = 74;

/// A day's visible amounts in nano-USD with their colours, from the bottom up.
pub(super) type Stack = Vec<(i128, RGBColor)>;

/// The places of everything on a canvas of `size`.
pub(super) struct Layout {
    pub(super) size: (u32, u32),
    pub(super) plot: PlotArea,
    pub(super) axis: Axis,
    pub(super) slots: Vec<Slot>,
}

impl Layout {
    /// Room for those days and stacks, and for the cap line where there is one.
    pub(super) fn new(size: (u32, u32), dates: &[Date], stacks: &[Stack], cap: Option<i128>) -> Self {
        let size = (size.0.clamp(WIDTHS.0, WIDTHS.1), size.1.clamp(HEIGHTS.0, HEIGHTS.1));
        let (width, height) = (size.0.cast_signed(), size.1.cast_signed());
        let top = if cap.is_some() { TOP_WITH_CAP } else { TOP };
        let h = height - top - BOTTOM;
        let axis = Axis::new(highest_day(stacks).max(cap.unwrap_or(0)), h);
        let widest = axis.ticks().map(|tick| text_width(&axis.text(tick))).max();
        let left = (widest.unwrap_or(0) + TICK_GAP).clamp(LEFT_AT_LEAST, width / 2);
        let plot = PlotArea { x: left, y: top, w: width - left - RIGHT, h };
        let slots = slots(dates, &plot);
        Self { size, plot, axis, slots }
    }

    /// The row of the zero line; bars stand on it.
    pub(super) fn baseline(&self) -> i32 {
        self.plot.y + self.plot.h
    }

    /// The row of an amount.
    pub(super) fn y(&self, amount: i128) -> i32 {
        self.baseline() - self.axis.pixels(amount, self.plot.h)
    }

    /// One width for all bars, though slots differ by a pixel.
    pub(super) fn bar_width(&self) -> i32 {
        let days = i32::try_from(self.slots.len()).unwrap_or(i32::MAX).max(1);
        (self.plot.w * BAR_PERCENT / 100 / days).max(1)
    }
}

/// The piece of a bar that one series is.
pub(super) struct Segment {
    pub(super) top: i32,
    pub(super) height: i32,
    pub(super) color: RGBColor,
}

/// A day's stack in pixels, with a gap of one pixel between two pieces. A day with any spend shows at least one pixel.
pub(super) fn segments(stack: &[(i128, RGBColor)], layout: &Layout) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::with_capacity(stack.len());
    let (mut sum, mut bottom) = (0, layout.baseline());
    for &(amount, color) in stack {
        sum += amount;
        let top = layout.y(sum);
        if top < bottom {
            let gap = i32::from(!segments.is_empty() && bottom - top > 1);
            segments.push(Segment { top, height: bottom - gap - top, color });
            bottom = top;
        }
    }
    let largest = stack.iter().filter(|(amount, _)| *amount > 0).max_by_key(|(amount, _)| *amount);
    if let (true, Some(&(_, color))) = (segments.is_empty(), largest) {
        segments.push(Segment { top: bottom - 1, height: 1, color });
    }
    segments
}

/// What was spent on the day with the most.
pub(super) fn highest_day(stacks: &[Stack]) -> i128 {
    stacks.iter().map(|stack| total(stack)).max().unwrap_or(0)
}

/// What was spent on a day.
pub(super) fn total(stack: &[(i128, RGBColor)]) -> i128 {
    stack.iter().map(|(amount, _)| amount).sum()
}

/// Slots share the plot without a gap; where it does not divide evenly, some are a pixel wider.
fn slots(dates: &[Date], plot: &PlotArea) -> Vec<Slot> {
    let count = i64::try_from(dates.len()).unwrap_or(i64::MAX).max(1);
    let edge = |index: i64| plot.x + i32::try_from(i64::from(plot.w) * index / count).unwrap_or(plot.w);
    (0_i64..)
        .zip(dates)
        .map(|(index, date)| {
            let (x, end) = (edge(index), edge(index + 1));
            Slot { x, w: end - x, label: date.strftime("%a %-d %b").to_string() }
        })
        .collect()
}

/// The labels below the axis, each with its middle, the last day first: "today", then each day that is a whole number
/// of weeks before it (of days, where there are few), so many of them as the text leaves room for.
pub(super) fn day_labels(dates: &[Date], layout: &Layout) -> Vec<(i32, String)> {
    let width = layout.size.0.cast_signed();
    let mut labels: Vec<(i32, String)> = Vec::new();
    let mut free_until = width;
    for (date, slot) in dates.iter().zip(&layout.slots).rev().step_by(label_stride(dates.len(), layout)) {
        let text = if labels.is_empty() { "today".to_owned() } else { date.strftime("%-d %b").to_string() };
        let half = text_width(&text) / 2 + 1;
        let center = (slot.x + slot.w / 2).clamp(half, width - half);
        if center + half <= free_until {
            free_until = center - half - LABEL_GAP;
            labels.push((center, text));
        }
    }
    labels
}

/// Days from one label to the next.
fn label_stride(days: usize, layout: &Layout) -> usize {
    let unit = if days > EVERY_DAY { 7 } else { 1 };
    let room = usize::try_from(text_width("30 Nov") + LABEL_GAP).unwrap_or(usize::MAX);
    let plot = usize::try_from(layout.plot.w).unwrap_or(0).max(1);
    (room * days).div_ceil(plot * unit).max(1) * unit
}

/// A guess on the wide side: there is no font here to measure with.
pub(super) fn text_width(text: &str) -> i32 {
    i32::try_from(text.chars().count() * 13 / 2 + 1).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pieces_of_a_bar_are_one_pixel_apart() {
        let (blue, red) = (RGBColor(0, 0, 255), RGBColor(255, 0, 0));
        let stack = vec![(5, blue), (0, red), (3, red)];
        let layout = Layout::new((704, 230), &[], std::slice::from_ref(&stack), None);
        let pieces = segments(&stack, &layout);
        assert_eq!((layout.axis.top, layout.plot.h), (8, 200));
        assert_eq!(pieces.len(), 2);
        assert_eq!((pieces[0].top, pieces[0].height), (layout.baseline() - 125, 125));
        assert_eq!((pieces[1].top, pieces[1].height), (layout.baseline() - 200, 74));
    }

    #[test]
    fn bars_take_74_percent_of_their_slot() {
        let dates = [Date::constant(2025, 11, 22); 30];
        let layout = Layout::new((704, 220), &dates, &[], None);
        assert_eq!((layout.slots[0].w, layout.bar_width()), (21, 16));
    }

    proptest! {
        #[test]
        fn labels_of_days_never_overlap(width in 160..4_096_u32, count in 1..800_i64) {
            let first = Date::constant(2025, 11, 22);
            let dates: Vec<Date> = (0..count).map(|n| first.saturating_add(jiff::Span::new().days(n))).collect();
            let labels = day_labels(&dates, &Layout::new((width, 220), &dates, &[], None));
            prop_assert_eq!(labels[0].1.as_str(), "today");
            for pair in labels.windows(2) {
                let (right, left) = (&pair[0], &pair[1]);
                prop_assert!(left.0 + text_width(&left.1) / 2 < right.0 - text_width(&right.1) / 2);
            }
        }
    }
}
