//! Heat maps: when calls are made (weekday by hour, with market sessions above), and what each day cost (a calendar).

use jiff::civil::Date;
use plotters::style::text_anchor::{HPos, VPos};

use super::marks::{Mark, Picture};
use super::place::{drawn_size, text_width};
use super::sheet::Of;
use super::theme::Palette;
use super::unit::Unit;
use super::{Chart, ChartRequest, ChartSeries, Drawing, PlotArea, Slot};
use crate::time::Range;

const LEFT: i32 = 36;
const RIGHT: i32 = 6;
const TOP: i32 = 4;
const BOTTOM: i32 = 22;
/// A bar of a session, and the way to the next lane.
const SESSION: i32 = 11;
const LANE: i32 = 14;
/// Between the sessions and the cells.
const BELOW_SESSIONS: i32 = 6;
const MINUTES: i32 = 24 * 60;
const ROWS: i32 = 7;

/// What a heat map shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeatKind {
    /// A row for each weekday, a column for each hour.
    Hours,
    /// A row for each weekday, a column for each week.
    Calendar,
}

/// A value for each cell of seven rows, Monday first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heat {
    /// Which map it is.
    pub kind: HeatKind,
    /// What it says in a sentence before the busiest: "Requests by weekday and hour, New York time".
    pub title: String,
    /// What values count. Counts are in tenths.
    pub unit: Unit,
    /// Row by row; `None` is no cell at all.
    pub cells: Vec<Option<HeatCell>>,
    /// What stands below the columns: at which, and the text.
    pub ticks: Vec<(usize, String)>,
    /// Trading sessions, in minutes of the day.
    pub sessions: Vec<Session>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeatCell {
    /// "Tue 09:00", "Thu 20 Nov".
    pub label: String,
    /// How much.
    pub value: i64,
    /// What a closer look at it is.
    pub look: Look,
}

/// What a cell opens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing.
    Nowhere,
    /// A day.
    Day(Date),
    /// To the millisecond.
    Moments(Range),
}

impl Look {
    /// As slots write it.
    fn edges(self) -> (String, String) {
        match self {
            Self::Nowhere => (String::new(), String::new()),
            Self::Day(day) => (day.to_string(), day.to_string()),
            Self::Moments(range) => (range.from.0.to_string(), range.to.0.to_string()),
        }
    }
}

/// When a market trades, in minutes of the trader's day; an end before the begin is on the next day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The market's city.
    pub name: String,
    /// Its first minute.
    pub from: u16,
    /// The minute after its last.
    pub to: u16,
}

/// Draws a heat map: one hue by lightness, by fixed steps, the highest cell outlined.
pub fn heat(request: &ChartRequest, data: &Heat) -> Drawing {
    let palette = Palette::of(request.theme);
    let size = drawn_size((request.width, request.height));
    let lanes = lanes(&data.sessions);
    let lane_count = lanes.iter().map(|(lane, ..)| lane + 1).max().unwrap_or(0);
    let above = if lane_count == 0 { TOP } else { TOP + lane_count * LANE + BELOW_SESSIONS };
    let plot = PlotArea {
        x: LEFT,
        y: above,
        w: size.0.cast_signed() - LEFT - RIGHT,
        h: (size.1.cast_signed() - above - BOTTOM).max(ROWS),
    };
    let columns = i32::try_from(data.cells.len()).unwrap_or(ROWS) / ROWS;
    let slots = slots(data, &plot, columns.max(1));
    let highest = data.cells.iter().flatten().map(|cell| cell.value).max().unwrap_or(0);
    let scale = Scale::up_to(highest);
    let mut picture = Picture::new(size);
    draw_sessions(&lanes, &plot, &mut picture, palette);
    draw_cells(data, &slots, scale, &mut picture, palette);
    draw_labels(data, &plot, columns.max(1), &mut picture, palette);
    let chart = chart(data, (plot, slots), columns, highest, scale);
    Drawing { chart, of: of(data), picture, theme: request.theme }
}

/// What each cell is of: a day, or an hour of every such weekday, which is told by its label.
fn of(data: &Heat) -> Vec<Option<Of>> {
    let of = |cell: &HeatCell| match (data.kind, cell.look) {
        (HeatKind::Calendar, Look::Day(day)) => Of::Day(day),
        _ => Of::Hour(cell.label.clone()),
    };
    data.cells.iter().map(|cell| cell.as_ref().map(of)).collect()
}

/// Values from `cut` times 0, 1, 2, 3 and 4 on have the colours 1 to 5; nothing has colour 0.
#[derive(Clone, Copy)]
struct Scale {
    cut: i64,
}

impl Scale {
    /// The steps whose last one begins at a nice number not above the highest value.
    fn up_to(highest: i64) -> Self {
        let nice = (0..18).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_i64.pow(power)));
        Self { cut: nice.take_while(|cut| cut.saturating_mul(4) <= highest).last().unwrap_or(1) }
    }

    fn color(self, value: i64) -> usize {
        match value {
            ..=0 => 0,
            _ => usize::try_from(value / self.cut + 1).unwrap_or(5).min(5),
        }
    }
}

fn decimal(unit: Unit, value: i64) -> String {
    match unit {
        Unit::Count if value % 10 == 0 => (value / 10).to_string(),
        Unit::Count => format!("{}.{}", value / 10, value % 10),
        Unit::Usd | Unit::Ms | Unit::Share => unit.decimal(value),
    }
}

fn words(unit: Unit, value: i64) -> String {
    match unit {
        Unit::Count => decimal(unit, value),
        Unit::Usd | Unit::Ms | Unit::Share => unit.words(value),
    }
}

fn slots(data: &Heat, plot: &PlotArea, columns: i32) -> Vec<Slot> {
    let edge = |at: i32, of: i32, length: i32| length * at / of;
    let cells = data.cells.iter().zip(0_i32..);
    cells
        .map(|(cell, index)| {
            let (row, column) = (index / columns, index % columns);
            let (x, y) = (edge(column, columns, plot.w), edge(row, ROWS, plot.h));
            let (from, to) = cell.as_ref().map_or(Look::Nowhere, |cell| cell.look).edges();
            Slot {
                x: plot.x + x,
                y: plot.y + y,
                w: edge(column + 1, columns, plot.w) - x,
                h: edge(row + 1, ROWS, plot.h) - y,
                label: cell.as_ref().map_or_else(String::new, |cell| cell.label.clone()),
                from,
                to,
            }
        })
        .collect()
}

fn draw_cells(data: &Heat, slots: &[Slot], scale: Scale, picture: &mut Picture, palette: &Palette) {
    let inner = |slot: &Slot| ((slot.x, slot.y), ((slot.w - 1).max(1), (slot.h - 1).max(1)));
    for (cell, slot) in data.cells.iter().zip(slots) {
        if let Some(cell) = cell {
            let (at, size) = inner(slot);
            picture.block(at, size, palette.heat[scale.color(cell.value)]);
        }
    }
    let cells = data.cells.iter().zip(slots).filter_map(|(cell, slot)| Some((cell.as_ref()?, slot)));
    let busiest = cells.rev().filter(|(cell, _)| cell.value > 0).max_by_key(|(cell, _)| cell.value);
    if let Some((_, slot)) = busiest {
        let ((x, y), (w, h)) = inner(slot);
        picture.mark(Mark::Outline(PlotArea { x, y, w, h }, palette.text));
    }
}

fn draw_labels(data: &Heat, plot: &PlotArea, columns: i32, picture: &mut Picture, palette: &Palette) {
    for (row, day) in (0_i32..).zip(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]) {
        let middle = plot.y + plot.h * row / ROWS + plot.h / ROWS / 2;
        picture.text(day, (plot.x - 7, middle), (HPos::Right, VPos::Center), palette.label);
    }
    let mut free = plot.x;
    for (column, text) in &data.ticks {
        let x = plot.x + plot.w * i32::try_from(*column).unwrap_or(0) / columns;
        if x >= free && x + text_width(text) <= plot.x + plot.w + RIGHT {
            picture.text(text, (x, plot.y + plot.h + 6), (HPos::Left, VPos::Top), palette.label);
            free = x + text_width(text) + 8;
        }
    }
}

/// Each piece of a session with its lane: those that overlap stand below each other.
fn lanes(sessions: &[Session]) -> Vec<(i32, i32, i32, &str)> {
    let mut lanes: Vec<(i32, i32, i32, &str)> = Vec::new();
    for session in sessions {
        let (from, to) = (i32::from(session.from), i32::from(session.to));
        let pieces = if to <= from { vec![(0, to), (from, MINUTES)] } else { vec![(from, to)] };
        let is_free = |lane: i32| {
            let mut taken = lanes.iter().filter(|(other, ..)| *other == lane);
            taken.all(|(_, begin, end, _)| pieces.iter().all(|(from, to)| to <= begin || end <= from))
        };
        let most = i32::try_from(lanes.len()).unwrap_or(i32::MAX);
        let lane = (0..most).find(|lane| is_free(*lane)).unwrap_or(most);
        lanes.extend(
            pieces
                .iter()
                .filter(|(from, to)| from < to)
                .map(|(from, to)| (lane, *from, *to, session.name.as_str())),
        );
    }
    lanes
}

fn draw_sessions(lanes: &[(i32, i32, i32, &str)], plot: &PlotArea, picture: &mut Picture, palette: &Palette) {
    for (lane, from, to, name) in lanes {
        let x = plot.x + plot.w * from / MINUTES;
        let width = plot.x + plot.w * to / MINUTES - x;
        let y = TOP + lane * LANE;
        picture.block((x, y), (width.max(1), SESSION), palette.session);
        if text_width(name) + 6 <= width {
            picture.text(name, (x + 5, y + SESSION / 2 + 1), (HPos::Left, VPos::Center), palette.text);
        }
    }
}

fn chart(
    data: &Heat,
    (plot, slots): (PlotArea, Vec<Slot>),
    columns: i32,
    highest: i64,
    scale: Scale,
) -> Chart {
    let name = if data.unit == Unit::Usd { "Spend" } else { "Requests an hour" };
    let value = |cell: &Option<HeatCell>| cell.as_ref().map(|cell| decimal(data.unit, cell.value));
    Chart {
        svg: String::new(),
        summary: summary(data, highest),
        unit: data.unit,
        plot,
        slots,
        columns: columns.unsigned_abs(),
        series: vec![ChartSeries {
            id: "value".to_owned(),
            name: name.to_owned(),
            color: 1,
            total: None,
            hidden: false,
        }],
        rows: data.cells.iter().map(|cell| vec![value(cell)]).collect(),
        totals: data.cells.iter().map(value).collect(),
        empty: highest <= 0,
        scale: (0..5).map(|step| decimal(data.unit, scale.cut * step)).collect(),
        cap: None,
    }
}

fn summary(data: &Heat, highest: i64) -> String {
    let busiest = data.cells.iter().flatten().find(|cell| cell.value == highest && highest > 0);
    let most = match data.kind {
        HeatKind::Hours => "busiest",
        HeatKind::Calendar => "most on",
    };
    match busiest {
        None => format!("{}: nothing yet.", data.title),
        Some(cell) => {
            format!("{}: {most} {} with {}.", data.title, cell.label, words(data.unit, cell.value))
        }
    }
}
