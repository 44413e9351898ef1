//! What a chart is made of: marks on whole pixels, painted by `plotters` as SVG or as PNG. Straight lines are rectangles of one
//! pixel, because a stroked line would lie half on each of two rows and look grey.

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontDesc, FontFamily, FontStyle, IntoFont, RGBColor, ShapeStyle, register_font,
};

use super::PlotArea;
use super::pixels::{Pixels, Unpaintable};
use super::theme::{FONT, FONT_PX};

/// `plotters` divides a font's size by this on its way into an SVG.
const FONT_SCALE: f64 = 1.24;
/// How much of an area's colour is seen.
const AREA_ALPHA: f64 = 0.13;
/// Pixels of a PNG for each px.
const PNG_SCALE: i32 = 2;
/// The font of PNGs: they are shown where ours may not be. See `data/README.md`.
const PNG_FONT: &[u8] = include_bytes!("../../data/sans.ttf");
const PNG_FAMILY: &str = "sans-serif";

/// A piece of a chart.
#[derive(Clone)]
pub(super) enum Mark {
    /// A filled rectangle.
    Block(PlotArea, RGBColor),
    /// The edge of a rectangle, one pixel wide.
    Outline(PlotArea, RGBColor),
    /// A line of 2 px.
    Line(Vec<(i32, i32)>, RGBColor),
    /// What lies between a line and another, faintly.
    Area(Vec<(i32, i32)>, RGBColor),
    /// Text.
    Text(Words),
}

/// A text and where it stands.
#[derive(Clone)]
pub(super) struct Words {
    pub(super) text: String,
    pub(super) at: (i32, i32),
    pub(super) side: HPos,
    pub(super) level: VPos,
    pub(super) color: RGBColor,
    pub(super) px: f64,
}

/// Marks on a canvas.
#[derive(Clone)]
pub(super) struct Picture {
    pub(super) size: (u32, u32),
    pub(super) marks: Vec<Mark>,
}

impl Picture {
    pub(super) fn new(size: (u32, u32)) -> Self {
        Self { size, marks: Vec::new() }
    }

    pub(super) fn block(&mut self, (x, y): (i32, i32), (w, h): (i32, i32), color: RGBColor) {
        self.marks.push(Mark::Block(PlotArea { x, y, w, h }, color));
    }

    /// A horizontal line of one pixel.
    pub(super) fn row(&mut self, x: i32, y: i32, width: i32, color: RGBColor) {
        self.block((x, y), (width, 1), color);
    }

    pub(super) fn text(&mut self, text: &str, at: (i32, i32), (side, level): (HPos, VPos), color: RGBColor) {
        self.marks.push(Mark::Text(Words { text: text.to_owned(), at, side, level, color, px: FONT_PX }));
    }

    pub(super) fn mark(&mut self, mark: Mark) {
        self.marks.push(mark);
    }

    /// As SVG. The system's own font is where the window is.
    pub(super) fn svg(&self) -> String {
        let mut svg = String::new();
        {
            let area = SVGBackend::with_string(&mut svg, self.size).into_drawing_area();
            // Writing into memory cannot fail.
            let _ = self.paint(&Canvas { area, scale: 1, font: FONT });
        }
        svg
    }

    /// As pixels, two for each px.
    pub(super) fn pixels(&self) -> Result<Pixels, Unpaintable> {
        register_font(PNG_FAMILY, FontStyle::Normal, PNG_FONT)
            .map_err(|_| Unpaintable("its font cannot be read".to_owned()))?;
        let scale = PNG_SCALE.unsigned_abs();
        let (width, height) = (self.size.0 * scale, self.size.1 * scale);
        let pixels = usize::try_from(width).unwrap_or(0) * usize::try_from(height).unwrap_or(0);
        let mut rgb = vec![0; pixels * 3];
        {
            let area = BitMapBackend::with_buffer(&mut rgb, (width, height)).into_drawing_area();
            let canvas = Canvas { area, scale: PNG_SCALE, font: PNG_FAMILY };
            self.paint(&canvas).map_err(|error| Unpaintable(error.to_string()))?;
        }
        Ok(Pixels { width, height, rgb })
    }

    fn paint<DB: DrawingBackend>(&self, canvas: &Canvas<DB>) -> Result<(), Failed<DB>> {
        self.marks.iter().try_for_each(|mark| canvas.paint(mark))
    }
}

impl Mark {
    pub(super) fn moved(&self, x: i32, y: i32) -> Self {
        let area = |a: &PlotArea| PlotArea { x: a.x + x, y: a.y + y, ..*a };
        let all = |points: &[(i32, i32)]| points.iter().map(|point| (point.0 + x, point.1 + y)).collect();
        match self {
            Self::Block(place, color) => Self::Block(area(place), *color),
            Self::Outline(place, color) => Self::Outline(area(place), *color),
            Self::Line(points, color) => Self::Line(all(points), *color),
            Self::Area(points, color) => Self::Area(all(points), *color),
            Self::Text(words) => Self::Text(Words { at: (words.at.0 + x, words.at.1 + y), ..words.clone() }),
        }
    }
}

type Failed<DB> = plotters::drawing::DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>;

struct Canvas<DB: DrawingBackend> {
    area: DrawingArea<DB, Shift>,
    scale: i32,
    font: &'static str,
}

impl<DB: DrawingBackend> Canvas<DB> {
    fn paint(&self, mark: &Mark) -> Result<(), Failed<DB>> {
        let scaled = |points: &[(i32, i32)]| -> Vec<(i32, i32)> {
            points.iter().map(|(x, y)| (x * self.scale, y * self.scale)).collect()
        };
        match mark {
            Mark::Block(place, color) => {
                self.area.draw(&Rectangle::new(self.corners(*place), color.filled()))
            }
            Mark::Outline(place, color) => {
                // An edge in a bitmap lies on its second corner, where it ends in an SVG.
                let [first, (right, bottom)] = self.corners(*place);
                let inside = (self.scale - 1).min(1);
                self.area.draw(&Rectangle::new([first, (right - inside, bottom - inside)], *color))
            }
            Mark::Line(points, color) => {
                let style = ShapeStyle::from(color).stroke_width(2 * self.scale.unsigned_abs());
                self.area.draw(&PathElement::new(scaled(points), style))
            }
            Mark::Area(points, color) => {
                self.area.draw(&Polygon::new(scaled(points), color.mix(AREA_ALPHA).filled()))
            }
            Mark::Text(words) => self.write(words),
        }
    }

    fn corners(&self, place: PlotArea) -> [(i32, i32); 2] {
        let scaled = |x: i32, y: i32| (x * self.scale, y * self.scale);
        [scaled(place.x, place.y), scaled(place.x + place.w, place.y + place.h)]
    }

    fn write(&self, words: &Words) -> Result<(), Failed<DB>> {
        let size = words.px * FONT_SCALE * f64::from(self.scale);
        let font = FontDesc::new(FontFamily::Name(self.font), size, FontStyle::Normal).into_font();
        let at = (words.at.0 * self.scale, words.at.1 * self.scale);
        let style = font.color(&words.color).pos(Pos::new(words.side, words.level));
        self.area.draw(&Text::new(words.text.as_str(), at, style))
    }
}
