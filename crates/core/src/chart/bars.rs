//! Amounts over time as stacked bars: spend, tokens, errors.

use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

use super::marks::Picture;
use super::place::{Layout, Needs, text_width};
use super::steps::Steps;
use super::table::Table;
use super::theme::Palette;
use super::unit::Unit;
use super::{Chart, ChartCap, ChartRequest, Drawing, SeriesName, Slot};

/// A cap further above the highest bar than this would flatten every bar; then it is not drawn.
const CAP_REACH: i128 = 4;
const DASH: (i32, i32) = (4, 3);
const TOP: i32 = 8;
/// The label of the cap stands above its line, which may be the highest of all.
const TOP_WITH_CAP: i32 = 18;
const RIGHT: i32 = 8;
const BAR_PERCENT: i32 = 74;

/// Amounts by step and series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stacked {
    /// What they are: "Spend".
    pub title: &'static str,
    /// What follows where there is nothing: "nothing spent".
    pub nothing: &'static str,
    /// What they count; money is nano-USD.
    pub unit: Unit,
    /// In drawing order, from the bottom up.
    pub series: Vec<SeriesName>,
    /// When.
    pub steps: Steps,
    /// `rows[step][series]`; missing ones are zero.
    pub rows: Vec<Vec<i64>>,
    /// A line at this height, where it would not flatten the bars.
    pub cap: Option<i64>,
}

/// A step's visible amounts with their colours, from the bottom up.
pub(super) type Stack = Vec<(i128, RGBColor)>;

/// Draws stacked bars, with the cap as a dashed line where there is one.
pub fn bars(request: &ChartRequest, data: &Stacked) -> Drawing {
    let table = Table::new(data, &request.hidden);
    let palette = Palette::of(request.theme);
    let stacks = stacks(&table, palette);
    let highest = stacks.iter().map(|stack| total(stack)).max().unwrap_or(0);
    let cap = data.cap.map(i128::from).filter(|cap| is_within_reach(*cap, highest));
    let needs = Needs {
        size: (request.width, request.height),
        unit: data.unit,
        highest: highest.max(cap.unwrap_or(0)),
        top: if cap.is_some() { TOP_WITH_CAP } else { TOP },
        right: RIGHT,
    };
    let layout = Layout::new(&needs, &data.steps);
    let mut picture = Picture::new(layout.size);
    layout.draw_grid(&mut picture, palette);
    draw_bars(&stacks, &layout, &mut picture);
    layout.draw_time(&data.steps, &mut picture, palette);
    if let Some(cap) = cap {
        draw_cap(cap, data.unit, &stacks, &layout, &mut picture, palette);
    }
    let Layout { plot, slots, .. } = layout;
    let told = |amount: i64| ChartCap { amount: data.unit.decimal(amount), drawn: cap.is_some() };
    let chart = Chart { cap: data.cap.map(told), ..table.chart(data, plot, slots) };
    Drawing { chart, of: data.steps.of(), picture, theme: request.theme }
}

impl Table {
    pub(super) fn chart(self, data: &Stacked, plot: super::PlotArea, slots: Vec<Slot>) -> Chart {
        let text = |amount: i64| Some(data.unit.decimal(amount));
        Chart {
            svg: String::new(),
            summary: self.summary(data),
            unit: data.unit,
            plot,
            columns: u32::try_from(slots.len()).unwrap_or(u32::MAX),
            slots,
            rows: self.rows.iter().map(|row| row.iter().map(|amount| text(*amount)).collect()).collect(),
            totals: self.rows.iter().map(|row| text(sum(row))).collect(),
            empty: self.rows.iter().flatten().all(|amount| *amount == 0),
            series: self.series,
            scale: Vec::new(),
            cap: None,
        }
    }
}

/// A sum that stays within bounds.
pub(super) fn sum(amounts: &[i64]) -> i64 {
    amounts.iter().fold(0, |sum, amount| sum.saturating_add(*amount))
}

pub(super) fn stacks(table: &Table, palette: &Palette) -> Vec<Stack> {
    let stack = |row: &Vec<i64>| {
        let visible = row.iter().zip(&table.series).filter(|(_, series)| !series.hidden);
        visible.map(|(amount, series)| (i128::from((*amount).max(0)), palette.series(series.color))).collect()
    };
    table.rows.iter().map(stack).collect()
}

pub(super) fn total(stack: &[(i128, RGBColor)]) -> i128 {
    stack.iter().map(|(amount, _)| amount).sum()
}

fn is_within_reach(cap: i128, highest: i128) -> bool {
    cap > 0 && (highest == 0 || cap <= highest * CAP_REACH)
}

pub(super) fn draw_bars(stacks: &[Stack], layout: &Layout, picture: &mut Picture) {
    // One width for all bars, though slots differ by a pixel.
    let count = i32::try_from(layout.slots.len()).unwrap_or(i32::MAX).max(1);
    let width = (layout.plot.w * BAR_PERCENT / 100 / count).max(1);
    for (slot, stack) in layout.slots.iter().zip(stacks) {
        let x = slot.x + (slot.w - width).max(0) / 2;
        for bar in segments(stack, layout) {
            picture.block((x, bar.top), (width, bar.height), bar.color);
        }
    }
}

/// The piece of a bar that one series is.
struct Segment {
    top: i32,
    height: i32,
    color: RGBColor,
}

/// A stack in pixels, with a gap of one pixel between two pieces. A step with any amount shows at least one pixel.
fn segments(stack: &[(i128, RGBColor)], layout: &Layout) -> Vec<Segment> {
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

fn draw_cap(
    cap: i128,
    unit: Unit,
    stacks: &[Stack],
    layout: &Layout,
    picture: &mut Picture,
    palette: &Palette,
) {
    let (y, left) = (layout.y(cap), layout.plot.x);
    let right = left + layout.plot.w;
    let mut x = left;
    while x < right {
        picture.row(x, y, DASH.0.min(right - x), palette.cap);
        x += DASH.0 + DASH.1;
    }
    let text = format!("daily cap {}", unit.words(i64::try_from(cap).unwrap_or(i64::MAX)));
    if let Some(end) = free_end(stacks, layout, text_width(&text), cap) {
        picture.text(&text, (end, y - 2), (HPos::Right, VPos::Bottom), palette.cap);
    }
}

/// The rightmost end of a label of `width` px that no bar above the cap runs through; the right edge where all do, `None`
/// where there is no room at all.
fn free_end(stacks: &[Stack], layout: &Layout, width: i32, cap: i128) -> Option<i32> {
    let (left, right) = (layout.plot.x, layout.plot.x + layout.plot.w);
    let above = layout.slots.iter().zip(stacks).filter(|(_, stack)| total(stack) > cap);
    let tall: Vec<&Slot> = above.map(|(slot, _)| slot).collect();
    let is_free = |end: i32| tall.iter().all(|slot| slot.x >= end || slot.x + slot.w <= end - width);
    let ends = std::iter::once(right).chain(tall.iter().rev().map(|slot| slot.x));
    (right - left >= width)
        .then(|| ends.filter(|end| end - width >= left).find(|end| is_free(*end)).unwrap_or(right))
}
