//! Drawing on whole pixels: lines are rectangles of one pixel, because a stroked line would lie half on each of two rows
//! and look grey.

use jiff::civil::Date;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Rectangle, Text};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor};

use super::axis::dollars;
use super::layout::{Layout, Stack, TICK_GAP, day_labels, segments, text_width, total};
use super::theme::{FONT, FONT_PX, Palette};
use super::{PlotArea, Slot};
use crate::money::NanoUsd;

const DASH: (i32, i32) = (4, 3);
/// `plotters` divides a font's size by this on its way into an SVG.
const FONT_SCALE: f64 = 1.24;

/// What is drawn: visible series only.
pub(super) struct Drawing<'a> {
    pub(super) size: (u32, u32),
    pub(super) palette: &'a Palette,
    pub(super) dates: &'a [Date],
    /// One for each day.
    pub(super) stacks: Vec<Stack>,
    pub(super) cap: Option<NanoUsd>,
}

/// Where it was drawn.
pub(super) struct Drawn {
    pub(super) svg: String,
    pub(super) plot: PlotArea,
    pub(super) slots: Vec<Slot>,
}

impl Drawing<'_> {
    /// Draws it.
    pub(super) fn draw(&self) -> Drawn {
        let cap = self.cap.map(|cap| i128::from(cap.0));
        let layout = Layout::new(self.size, self.dates, &self.stacks, cap);
        let mut svg = String::new();
        {
            let canvas = Canvas(SVGBackend::with_string(&mut svg, layout.size).into_drawing_area());
            self.draw_grid(&canvas, &layout);
            self.draw_bars(&canvas, &layout);
            canvas.row(layout.plot.x, layout.baseline(), layout.plot.w, self.palette.axis);
            self.draw_day_labels(&canvas, &layout);
            self.draw_cap(&canvas, &layout);
        }
        Drawn { svg, plot: layout.plot, slots: layout.slots }
    }

    fn draw_grid(&self, canvas: &Canvas, layout: &Layout) {
        for tick in layout.axis.ticks() {
            let y = layout.y(tick);
            if tick > 0 {
                canvas.row(layout.plot.x, y, layout.plot.w, self.palette.grid);
            }
            let at = Pos::new(HPos::Right, VPos::Center);
            canvas.text(&layout.axis.text(tick), (layout.plot.x - TICK_GAP, y + 1), at, self.palette.label);
        }
    }

    fn draw_bars(&self, canvas: &Canvas, layout: &Layout) {
        let width = layout.bar_width();
        for (slot, stack) in layout.slots.iter().zip(&self.stacks) {
            let x = slot.x + (slot.w - width).max(0) / 2;
            for bar in segments(stack, layout) {
                canvas.block((x, bar.top), (width, bar.height), bar.color);
            }
        }
    }

    fn draw_day_labels(&self, canvas: &Canvas, layout: &Layout) {
        for (center, text) in day_labels(self.dates, layout) {
            let below = (center, layout.baseline() + 9);
            canvas.text(&text, below, Pos::new(HPos::Center, VPos::Top), self.palette.label);
        }
    }

    fn draw_cap(&self, canvas: &Canvas, layout: &Layout) {
        let Some(cap) = self.cap else { return };
        let (y, left) = (layout.y(i128::from(cap.0)), layout.plot.x);
        let right = left + layout.plot.w;
        let mut x = left;
        while x < right {
            canvas.row(x, y, DASH.0.min(right - x), self.palette.cap);
            x += DASH.0 + DASH.1;
        }
        let text = format!("daily cap {}", dollars(cap));
        if let Some(end) = self.free_end(layout, text_width(&text), i128::from(cap.0)) {
            canvas.text(&text, (end, y - 2), Pos::new(HPos::Right, VPos::Bottom), self.palette.cap);
        }
    }

    /// The rightmost end of a label of `width` px that no bar above the cap runs through; the right edge where all do,
    /// `None` where there is no room at all.
    fn free_end(&self, layout: &Layout, width: i32, cap: i128) -> Option<i32> {
        let (left, right) = (layout.plot.x, layout.plot.x + layout.plot.w);
        let tall: Vec<&Slot> = layout
            .slots
            .iter()
            .zip(&self.stacks)
            .filter(|(_, stack)| total(stack) > cap)
            .map(|(slot, _)| slot)
            .collect();
        let is_free = |end: i32| tall.iter().all(|slot| slot.x >= end || slot.x + slot.w <= end - width);
        let ends = std::iter::once(right).chain(tall.iter().rev().map(|slot| slot.x));
        (right - left >= width)
            .then(|| ends.filter(|end| end - width >= left).find(|end| is_free(*end)).unwrap_or(right))
    }
}

struct Canvas<'a>(DrawingArea<SVGBackend<'a>, plotters::coord::Shift>);

impl Canvas<'_> {
    fn block(&self, (x, y): (i32, i32), (width, height): (i32, i32), color: RGBColor) {
        // Writing into memory cannot fail; the same holds below.
        let _ = self.0.draw(&Rectangle::new([(x, y), (x + width, y + height)], color.filled()));
    }

    /// A horizontal line of one pixel.
    fn row(&self, x: i32, y: i32, width: i32, color: RGBColor) {
        self.block((x, y), (width, 1), color);
    }

    fn text(&self, text: &str, at: (i32, i32), anchor: Pos, color: RGBColor) {
        let font = FontDesc::new(FontFamily::Name(FONT), FONT_PX * FONT_SCALE, FontStyle::Normal);
        let _ = self.0.draw(&Text::new(text, at, font.color(&color).pos(anchor)));
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An SVG with that text in it.
    pub(in crate::chart) fn drawn_text(text: &str) -> String {
        let mut svg = String::new();
        let canvas = Canvas(SVGBackend::with_string(&mut svg, (160, 80)).into_drawing_area());
        canvas.text(text, (80, 40), Pos::new(HPos::Center, VPos::Center), RGBColor(0, 0, 0));
        drop(canvas);
        svg
    }
}
