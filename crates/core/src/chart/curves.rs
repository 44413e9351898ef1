//! Shares, averages and times of groups over time: a line for each, because they do not add up.

use plotters::style::text_anchor::{HPos, VPos};

use super::lines::{apart, path, runs};
use super::marks::{Mark, Picture};
use super::place::{Layout, Needs, text_width};
use super::steps::Steps;
use super::theme::Palette;
use super::unit::Unit;
use super::{Chart, ChartRequest, ChartSeries, Drawing, PlotArea, SeriesName, Slot};

const TOP: i32 = 8;
/// Between the end of a line and its name.
const NAME_GAP: i32 = 4;
/// A longer name is cut.
const LONGEST_NAME: usize = 16;

/// A number by step and series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curves {
    /// What it is: "Cost per request".
    pub title: &'static str,
    /// What it counts; money is nano-USD.
    pub unit: Unit,
    /// In the order of the legend.
    pub series: Vec<SeriesName>,
    /// When.
    pub steps: Steps,
    /// `rows[step][series]`; `None` = there was nothing that it could be of.
    pub rows: Vec<Vec<Option<i64>>>,
    /// The number of each series over all steps: it cannot be told from the steps.
    pub whole: Vec<Option<i64>>,
}

/// Draws a line for each series, with a gap where it has no number.
pub fn curves(request: &ChartRequest, data: &Curves) -> Drawing {
    let palette = Palette::of(request.theme);
    let is_shown = |series: &SeriesName| !request.hidden.contains(&series.id);
    let shown: Vec<Curve<'_>> = (0..)
        .zip(&data.series)
        .filter(|(_, series)| is_shown(series))
        .map(|(index, series)| Curve {
            series,
            values: data.rows.iter().map(|row| value(row, index)).collect(),
        })
        .collect();
    let highest = shown.iter().flat_map(|curve| curve.values.iter().flatten()).max().copied().unwrap_or(0);
    let widest = shown.iter().map(|curve| text_width(&short(&curve.series.name))).max().unwrap_or(0);
    let needs = Needs {
        size: (request.width, request.height),
        unit: data.unit,
        highest: i128::from(highest),
        top: TOP,
        right: widest + 2 * NAME_GAP,
    };
    let layout = Layout::new(&needs, &data.steps);
    let mut picture = Picture::new(layout.size);
    layout.draw_grid(&mut picture, palette);
    for curve in &shown {
        curve.draw(&layout, &mut picture, palette);
    }
    layout.draw_time(&data.steps, &mut picture, palette);
    draw_names(&shown, &layout, &mut picture, palette);
    let Layout { plot, slots, .. } = layout;
    let chart = chart(data, &request.hidden, plot, slots);
    Drawing { chart, of: data.steps.of(), picture, theme: request.theme }
}

/// A line that is drawn.
struct Curve<'a> {
    series: &'a SeriesName,
    values: Vec<Option<i64>>,
}

impl Curve<'_> {
    fn draw(&self, layout: &Layout, picture: &mut Picture, palette: &Palette) {
        for run in runs(&self.values) {
            let points = path(&run, layout, |step| self.values.get(step).copied().flatten().map(i128::from));
            picture.mark(Mark::Line(points, palette.series(self.series.color)));
        }
    }
}

fn value(row: &[Option<i64>], series: usize) -> Option<i64> {
    row.get(series).copied().flatten().map(|value| value.max(0))
}

/// Each line is named beside its last number.
fn draw_names(shown: &[Curve<'_>], layout: &Layout, picture: &mut Picture, palette: &Palette) {
    let mut ends: Vec<(i32, &str)> = shown
        .iter()
        .filter_map(|curve| {
            let last = curve.values.iter().rev().flatten().next()?;
            Some((layout.y(i128::from(*last)), curve.series.name.as_str()))
        })
        .collect();
    ends.sort_unstable();
    let wanted: Vec<i32> = ends.iter().map(|(y, _)| *y).collect();
    for ((_, name), y) in ends.iter().zip(apart(&wanted, layout.baseline())) {
        let at = (layout.plot.x + layout.plot.w + NAME_GAP, y);
        picture.text(&short(name), at, (HPos::Left, VPos::Center), palette.label);
    }
}

fn short(name: &str) -> String {
    if name.chars().count() <= LONGEST_NAME {
        return name.to_owned();
    }
    name.chars().take(LONGEST_NAME - 1).chain(['…']).collect()
}

fn chart(data: &Curves, hidden: &[String], plot: PlotArea, slots: Vec<Slot>) -> Chart {
    let series = data.series.iter().map(|series| ChartSeries {
        id: series.id.clone(),
        name: series.name.clone(),
        color: series.color,
        total: None,
        hidden: hidden.contains(&series.id),
    });
    let text = |value: &Option<i64>| value.map(|value| data.unit.decimal(value));
    Chart {
        svg: String::new(),
        summary: summary(data, hidden),
        unit: data.unit,
        plot,
        columns: u32::try_from(slots.len()).unwrap_or(u32::MAX),
        slots,
        series: series.collect(),
        rows: data.rows.iter().map(|row| row.iter().map(text).collect()).collect(),
        totals: vec![None; data.rows.len()],
        empty: data.rows.iter().flatten().all(Option::is_none),
        scale: Vec::new(),
        cap: None,
    }
}

fn summary(data: &Curves, hidden: &[String]) -> String {
    let opening = format!("{} by {}", data.title, data.steps.resolution.noun());
    let shown = data.series.iter().zip(&data.whole).filter(|(series, _)| !hidden.contains(&series.id));
    let words: Vec<String> = shown
        .filter_map(|(series, whole)| Some(format!("{} {}", series.name, data.unit.words((*whole)?))))
        .collect();
    match data.steps.span() {
        Some(span) if !words.is_empty() => format!("{opening}, {span}: {} over all of it.", words.join(", ")),
        _ => format!("{opening}: nothing to show."),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::chart::{ChartTheme, Resolution};
    use crate::time::{day_range, parse_day};

    fn data() -> Curves {
        let day = |text: &str| day_range(parse_day(text).expect("a day"), &TimeZone::UTC);
        let range = crate::time::Range { from: day("2026-11-01").from, to: day("2026-11-04").to };
        let name = |id: &str, color| SeriesName { id: id.into(), name: format!("The {id}"), color };
        Curves {
            title: "Failed share",
            unit: Unit::Share,
            series: vec![name("one", 1), name("a-name-that-is-long", 2)],
            steps: Steps::by(Resolution::Day, range, range.to, &TimeZone::UTC),
            rows: vec![
                vec![Some(100), None],
                vec![Some(250), None],
                vec![None, Some(40)],
                vec![Some(1_000), None],
            ],
            whole: vec![Some(420), Some(40)],
        }
    }

    fn draw(hidden: &[&str]) -> Chart {
        let hidden = hidden.iter().map(|id| (*id).to_owned()).collect();
        curves(&ChartRequest { width: 600, height: 200, theme: ChartTheme::Dark, hidden }, &data())
            .into_chart()
    }

    #[test]
    fn numbers_that_do_not_add_up_have_no_totals_and_gaps_stay_gaps() {
        let chart = draw(&[]);
        assert_eq!(chart.totals, vec![None; 4]);
        assert_eq!(chart.rows[1], [Some("250".to_owned()), None]);
        assert!(chart.series.iter().all(|series| series.total.is_none()));
        assert_eq!(
            chart.summary,
            "Failed share by day, 1 Nov to 4 Nov: The one 4.2%, The a-name-that-is-long 0.4% over all of it."
        );
        // Two runs of the first line, one of the second.
        assert_eq!(chart.svg.matches("<polyline").count(), 3, "{}", chart.svg);
        assert!(chart.svg.contains("The a-name-that…") && chart.svg.contains("10.0%"), "{}", chart.svg);
    }

    #[test]
    fn a_hidden_line_is_not_drawn_nor_said_and_the_axis_rescales() {
        let chart = draw(&["one"]);
        assert_eq!(
            chart.summary,
            "Failed share by day, 1 Nov to 4 Nov: The a-name-that-is-long 0.4% over all of it."
        );
        assert_eq!(chart.svg.matches("<polyline").count(), 1);
        assert!(!chart.svg.contains("10.0%") && chart.svg.contains("0.4%"), "{}", chart.svg);
        assert!(chart.series[0].hidden && !chart.empty);
    }
}
