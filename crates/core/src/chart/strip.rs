//! Bars without axes, for a strip above a list: where there is traffic, and where it fails.

use super::axis::Axis;
use super::bars::{Stacked, draw_bars, stacks, total};
use super::marks::Picture;
use super::place::{Layout, drawn_strip};
use super::table::Table;
use super::theme::Palette;
use super::{ChartRequest, Drawing, PlotArea};

/// Free px above the highest bar.
const TOP: i32 = 2;
/// The line that bars stand on, and one px below it.
const BOTTOM: i32 = 2;

/// Draws a strip. Its slots name moments in milliseconds.
pub fn strip(request: &ChartRequest, data: &Stacked) -> Drawing {
    let table = Table::new(data, &request.hidden);
    let palette = Palette::of(request.theme);
    let stacks = stacks(&table, palette);
    let highest = stacks.iter().map(|stack| total(stack)).max().unwrap_or(0);
    let size = drawn_strip((request.width, request.height));
    let (width, height) = (size.0.cast_signed(), size.1.cast_signed());
    let plot = PlotArea { x: 0, y: TOP, w: width, h: height - TOP - BOTTOM };
    // To its full height: without ticks there is nothing that round numbers would serve.
    let axis = Axis::exactly(highest, data.unit);
    let layout = Layout::bare(size, plot, axis, &data.steps);
    let mut picture = Picture::new(size);
    picture.row(plot.x, layout.baseline(), plot.w, palette.axis);
    draw_bars(&stacks, &layout, &mut picture);
    let chart = table.chart(data, plot, layout.slots);
    Drawing { chart, of: data.steps.of(), picture, theme: request.theme }
}
