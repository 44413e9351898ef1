//! Percentiles over time: how long answers took.

use plotters::style::text_anchor::{HPos, VPos};

use super::marks::{Mark, Picture};
use super::place::{Layout, Needs};
use super::steps::Steps;
use super::theme::Palette;
use super::unit::Unit;
use super::{Chart, ChartRequest, ChartSeries, Drawing, Slot};

const TOP: i32 = 8;
/// Room for the label at the end of a line.
const RIGHT: i32 = 34;
/// Labels at the ends of lines stand at least so far apart.
const LABEL_PX: i32 = 14;
/// The highest line first, as the legend reads; each with its colour.
const LINES: [(&str, u8); 3] = [("p99", 3), ("p95", 1), ("p50", 6)];

/// How long answers took in each step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Percentiles {
    /// When.
    pub steps: Steps,
    /// p99, p95 and p50 in milliseconds of each step; `None` = no answers.
    pub rows: Vec<Option<[u32; 3]>>,
    /// The p95 of all of it.
    pub whole: Option<u32>,
}

/// Draws a line for each percentile, and the band between the highest and the lowest.
pub fn lines(request: &ChartRequest, data: &Percentiles) -> Drawing {
    let palette = Palette::of(request.theme);
    let shown: Vec<usize> =
        (0..LINES.len()).filter(|line| !request.hidden.iter().any(|id| id == LINES[*line].0)).collect();
    let values = data.rows.iter().flatten();
    let highest = values.flat_map(|row| shown.iter().map(|line| row[*line])).max().unwrap_or(0);
    let size = (request.width, request.height);
    let needs = Needs { size, unit: Unit::Ms, highest: i128::from(highest), top: TOP, right: RIGHT };
    let layout = Layout::new(&needs, &data.steps);
    let mut picture = Picture::new(layout.size);
    layout.draw_grid(&mut picture, palette);
    for run in runs(&data.rows) {
        draw_band(data, &run, &shown, &layout, &mut picture, palette);
        for line in &shown {
            let color = palette.series(LINES[*line].1);
            picture.mark(Mark::Line(points(data, &run, *line, &layout), color));
        }
    }
    layout.draw_time(&data.steps, &mut picture, palette);
    draw_names(data, &shown, &layout, &mut picture, palette);
    let Layout { plot, slots, .. } = layout;
    let chart = chart(data, &request.hidden, plot, slots);
    Drawing { chart, of: data.steps.of(), picture, theme: request.theme }
}

/// Steps with answers that follow each other: a line has a gap where there were none.
pub(super) fn runs<T>(rows: &[Option<T>]) -> Vec<std::ops::Range<usize>> {
    let mut runs: Vec<std::ops::Range<usize>> = Vec::new();
    for (index, _) in rows.iter().enumerate().filter(|(_, row)| row.is_some()) {
        match runs.last_mut().filter(|run| run.end == index) {
            Some(run) => run.end += 1,
            None => runs.push(index..index + 1),
        }
    }
    runs
}

fn points(data: &Percentiles, run: &std::ops::Range<usize>, line: usize, layout: &Layout) -> Vec<(i32, i32)> {
    path(run, layout, |index| Some(i128::from(data.rows.get(index)?.as_ref()?[line])))
}

/// The line through the middles of its slots; a lone one is as wide as its slot.
pub(super) fn path(
    run: &std::ops::Range<usize>,
    layout: &Layout,
    value: impl Fn(usize) -> Option<i128>,
) -> Vec<(i32, i32)> {
    let of = |index: usize| Some((layout.slots.get(index)?, layout.y(value(index)?)));
    if let (1, Some((slot, y))) = (run.len(), of(run.start)) {
        return vec![(slot.x + 1, y), (slot.x + slot.w - 1, y)];
    }
    run.clone().filter_map(of).map(|(slot, y)| (slot.x + slot.w / 2, y)).collect()
}

fn draw_band(
    data: &Percentiles,
    run: &std::ops::Range<usize>,
    shown: &[usize],
    layout: &Layout,
    picture: &mut Picture,
    palette: &Palette,
) {
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return };
    if first == last {
        return;
    }
    let mut edge = points(data, run, *first, layout);
    edge.extend(points(data, run, *last, layout).into_iter().rev());
    picture.mark(Mark::Area(edge, palette.series(LINES[1].1)));
}

/// Each line is named at its end.
fn draw_names(
    data: &Percentiles,
    shown: &[usize],
    layout: &Layout,
    picture: &mut Picture,
    palette: &Palette,
) {
    let Some(Some(last)) = data.rows.iter().rev().find(|row| row.is_some()) else { return };
    let wanted: Vec<i32> = shown.iter().map(|line| layout.y(i128::from(last[*line]))).collect();
    for (line, y) in shown.iter().zip(apart(&wanted, layout.baseline())) {
        let at = (layout.plot.x + layout.plot.w + 4, y);
        picture.text(LINES[*line].0, at, (HPos::Left, VPos::Center), palette.label);
    }
}

/// Places from the top down that are as near to the wanted ones as a label's height lets them, none below `lowest`.
pub(super) fn apart(wanted: &[i32], lowest: i32) -> Vec<i32> {
    let mut places: Vec<i32> = Vec::with_capacity(wanted.len());
    for y in wanted {
        places.push(places.last().map_or(*y, |above| (*y).max(above + LABEL_PX)));
    }
    let mut free = lowest;
    for y in places.iter_mut().rev() {
        *y = (*y).min(free);
        free = *y - LABEL_PX;
    }
    places
}

fn chart(data: &Percentiles, hidden: &[String], plot: super::PlotArea, slots: Vec<Slot>) -> Chart {
    let series = LINES.map(|(name, color)| ChartSeries {
        id: name.to_owned(),
        name: name.to_owned(),
        color,
        total: None,
        hidden: hidden.iter().any(|id| id == name),
    });
    let row = |row: &Option<[u32; 3]>| match row {
        Some(values) => values.map(|ms| Some(ms.to_string())).to_vec(),
        None => vec![None; LINES.len()],
    };
    Chart {
        svg: String::new(),
        summary: summary(data),
        unit: Unit::Ms,
        plot,
        columns: u32::try_from(slots.len()).unwrap_or(u32::MAX),
        slots,
        series: series.to_vec(),
        rows: data.rows.iter().map(row).collect(),
        totals: vec![None; data.rows.len()],
        empty: data.rows.iter().all(Option::is_none),
        scale: Vec::new(),
        cap: None,
    }
}

fn summary(data: &Percentiles) -> String {
    let opening = format!("Latency by {}", data.steps.resolution.noun());
    let (Some(span), Some(whole)) = (data.steps.span(), data.whole) else {
        return format!("{opening}: no answers.");
    };
    let rows = data.steps.list.iter().zip(&data.rows).rev();
    let slowest = rows.filter_map(|(step, row)| Some((step, (*row)?[1]))).max_by_key(|(_, p95)| *p95);
    let slowest = slowest.map_or_else(String::new, |(step, p95)| {
        format!(", highest {} with {}", data.steps.when(step), Unit::Ms.words(i64::from(p95)))
    });
    format!("{opening}, {span}: p95 of {}{slowest}.", Unit::Ms.words(i64::from(whole)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_the_ends_of_lines_never_overlap_nor_leave_the_plot() {
        for (wanted, expected) in [
            (vec![10, 60, 90], vec![10, 60, 90]),
            (vec![10, 12, 14], vec![10, 24, 38]),
            (vec![118, 119, 120], vec![92, 106, 120]),
            (vec![100, 119, 119], vec![92, 106, 120]),
            (vec![119], vec![119]),
        ] {
            assert_eq!(apart(&wanted, 120), expected, "{wanted:?}");
        }
    }
}
