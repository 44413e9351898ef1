//! Charts, drawn by `plotters` into SVG text at their real pixel size, with what the window's overlay needs beside it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::money::{DecimalUsd, NanoUsd};
use draw::Drawing;
use layout::{Stack, highest_day};
use table::Table;
use theme::Palette;

mod axis;
mod draw;
mod layout;
mod table;
#[cfg(test)]
mod tests;
mod theme;

/// The id of the series that the smallest are folded into. No provider's slug begins with a plus.
pub const OTHER: &str = "+other";
/// A cap further above the highest day than this would flatten every bar; then it is not drawn.
const CAP_REACH: i128 = 4;

/// What the window asks of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ChartRequest {
    /// In px; drawn as at least 160 and at most 4,096.
    pub width: u32,
    /// In px; drawn as at least 80 and at most 2,160.
    pub height: u32,
    /// Which colours.
    pub theme: ChartTheme,
    /// How many days up to today.
    pub days: u32,
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
    /// Where in the drawing the bars stand.
    pub plot: PlotArea,
    /// One for each day.
    pub slots: Vec<Slot>,
    /// In drawing order, from the bottom of a stack up.
    pub series: Vec<ChartSeries>,
    /// `rows[slot][series]`.
    pub rows: Vec<Vec<DecimalUsd>>,
    /// The sum of each row.
    pub totals: Vec<DecimalUsd>,
    /// Nothing was spent on any day.
    pub empty: bool,
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

/// The share of the plot that belongs to one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Slot {
    /// Left edge in px.
    pub x: i32,
    /// Width in px.
    pub w: i32,
    /// The day: "Thu 20 Nov".
    pub label: String,
}

/// A series as the legend shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ChartSeries {
    /// A provider's slug, or [`OTHER`].
    pub id: String,
    /// As people write it.
    pub name: String,
    /// 1 to 6.
    pub color: u8,
    /// The sum over all days.
    pub total: DecimalUsd,
    /// Left out of the drawing.
    pub hidden: bool,
}

/// Spend by day and provider, as it comes from the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpendByDay {
    /// In the fixed order of the catalogue.
    pub series: Vec<SpendSeries>,
    /// Oldest first; the last is today.
    pub days: Vec<DaySpend>,
}

/// Whose spend it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendSeries {
    /// A provider's slug.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its chart colour, 1 to 6.
    pub color: u8,
}

/// The spend of one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaySpend {
    /// The calendar day in the trader's zone.
    pub date: Date,
    /// One amount for each series, in their order; missing ones are zero.
    pub spend: Vec<NanoUsd>,
}

/// Draws spend by day as stacked bars, with the daily cap as a dashed line where there is one.
pub fn spend_by_day(request: &ChartRequest, spend: &SpendByDay, cap: Option<NanoUsd>) -> Chart {
    let table = Table::new(spend, &request.hidden);
    let palette = Palette::of(request.theme);
    let stacks = table.stacks(palette);
    let drawing = Drawing {
        size: (request.width, request.height),
        palette,
        dates: &table.dates,
        cap: cap.filter(|cap| is_within_reach(*cap, &stacks)),
        stacks,
    };
    let drawn = drawing.draw();
    Chart {
        svg: drawn.svg,
        summary: table.summary(),
        plot: drawn.plot,
        slots: drawn.slots,
        rows: table.rows.iter().map(|row| row.iter().map(|amount| (*amount).into()).collect()).collect(),
        totals: table.rows.iter().map(|row| row.iter().copied().sum::<NanoUsd>().into()).collect(),
        empty: table.rows.iter().flatten().all(|amount| *amount == NanoUsd::ZERO),
        series: table.series,
    }
}

fn is_within_reach(cap: NanoUsd, stacks: &[Stack]) -> bool {
    let highest = highest_day(stacks);
    cap > NanoUsd::ZERO && (highest == 0 || i128::from(cap.0) <= highest * CAP_REACH)
}
