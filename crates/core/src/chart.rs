//! Charts, drawn by `plotters` at their real pixel size into SVG text or a PNG, with what the window's overlay needs beside
//! it. A chart is worked out as a list of marks first, so that both look alike.

use serde::{Deserialize, Serialize};

use jiff::tz::TimeZone;
use marks::Picture;

mod alone;
mod axis;
mod bars;
mod curves;
mod heat;
mod lines;
mod marks;
mod pixels;
mod place;
mod sheet;
mod steps;
mod strip;
mod table;
#[cfg(test)]
mod tests;
mod theme;
mod unit;

pub use alone::Heading;
pub use bars::{Stacked, bars};
pub use curves::{Curves, curves};
pub use heat::{Heat, HeatCell, HeatKind, Look, Session, heat};
pub use lines::{Percentiles, lines};
pub use pixels::{Pixels, Unpaintable};
pub use sheet::{Sheet, SheetRow};
pub use steps::{Resolution, Step, Steps};
pub use strip::strip;
pub use unit::Unit;

/// The id of the series that the smallest are folded into. No provider's slug begins with a plus.
pub const OTHER: &str = "+other";

/// What the window asks of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ChartRequest {
    /// In px; drawn as at least 160 and at most 4,096.
    pub width: u32,
    /// In px; drawn as at least 80 and at most 2,160.
    pub height: u32,
    /// Which colours.
    pub theme: ChartTheme,
    /// Ids of series that are left out of the drawing.
    pub hidden: Vec<String>,
}

/// Which set of colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ChartTheme {
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

/// A drawn chart. Sums and rows are of all series, hidden ones too; a hidden series is only not drawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Chart {
    /// The drawing.
    pub svg: String,
    /// One sentence for a screen reader: what is drawn.
    pub summary: String,
    /// What its numbers count.
    pub unit: Unit,
    /// Where in the drawing the data stand.
    pub plot: PlotArea,
    /// One for each step or cell; cells go row by row.
    pub slots: Vec<Slot>,
    /// Slots in a row.
    pub columns: u32,
    /// In drawing order, from the bottom of a stack up.
    pub series: Vec<ChartSeries>,
    /// `rows[slot][series]`, as decimal text; `None` = no traffic.
    pub rows: Vec<Vec<Option<String>>>,
    /// The sum of each row; `None` where a sum would mean nothing.
    pub totals: Vec<Option<String>>,
    /// There is nothing to show.
    pub empty: bool,
    /// The lowest values of the five upper colours of a heat map, as decimal text.
    pub scale: Vec<String>,
    /// What no step should go beyond.
    pub cap: Option<ChartCap>,
}

/// The cap of each step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ChartCap {
    /// As decimal text.
    pub amount: String,
    /// There is a line at its height; far above everything it would only flatten the bars.
    pub drawn: bool,
}

/// A rectangle in px.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PlotArea {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub w: i32,
    /// Height.
    pub h: i32,
}

/// The share of the plot that belongs to one step or cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Slot {
    /// Left edge in px.
    pub x: i32,
    /// Upper edge in px.
    pub y: i32,
    /// Width in px.
    pub w: i32,
    /// Height in px.
    pub h: i32,
    /// What it is: "Thu 20 Nov", "Tue 09:00".
    pub label: String,
    /// Its first and last day (2026-11-20), for a closer look; of an hour, and in a strip, its first millisecond and the first after it;
    /// empty where it is neither.
    pub from: String,
    /// See `from`.
    pub to: String,
}

/// A series as the legend shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ChartSeries {
    /// What filters call it, or [`OTHER`].
    pub id: String,
    /// As people write it.
    pub name: String,
    /// 1 to 6.
    pub color: u8,
    /// The sum over all steps, as decimal text; `None` where a sum would mean nothing.
    pub total: Option<String>,
    /// Left out of the drawing.
    pub hidden: bool,
}

/// A series before it is drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeriesName {
    /// What filters call it.
    pub id: String,
    /// As people write it.
    pub name: String,
    /// Its colour, 1 to 6.
    pub color: u8,
}

/// A chart that is worked out, and can be written as SVG, PNG or a sheet of figures.
#[derive(Clone)]
pub struct Drawing {
    chart: Chart,
    /// What each slot is of; `None` where a grid has no cell.
    of: Vec<Option<sheet::Of>>,
    picture: Picture,
    theme: ChartTheme,
}

impl Drawing {
    /// As the window shows it: without a heading, which the page has.
    pub fn into_chart(self) -> Chart {
        Chart { svg: self.picture.svg(), ..self.chart }
    }

    /// One sentence of what it shows.
    pub fn summary(&self) -> &str {
        &self.chart.summary
    }

    /// A picture that stands alone, as SVG: with heading, legend and background.
    pub fn svg(&self, heading: &Heading) -> String {
        self.picture.alone(heading, &self.chart, self.theme).svg()
    }

    /// The same as pixels, two for each px.
    pub fn pixels(&self, heading: &Heading) -> Result<Pixels, Unpaintable> {
        self.picture.alone(heading, &self.chart, self.theme).pixels()
    }

    /// Its figures, the oldest first.
    pub fn sheet(&self, zone: &TimeZone) -> Sheet {
        Sheet::new(&self.chart, &self.of, zone)
    }
}
