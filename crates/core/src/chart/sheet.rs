//! The figures of a chart as rows and columns: a row for each step or cell, the newest last; what it is of, each series, and all of
//! them together. Hidden series are in it, as they are in the window's table: they are only not drawn.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::unit::Unit;
use super::{Chart, ChartSeries};
use crate::time::Range;

/// What a row is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Of {
    /// A day of the trader's zone.
    Day(Date),
    /// A week of it, of which the outermost are cut.
    Week(Date, Date),
    /// Something finer.
    Moments(Range),
    /// An hour of each such weekday: "Tue 09:00".
    Hour(String),
}

/// A chart's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// What the columns are called; those of figures say what they count.
    pub head: Vec<String>,
    /// The oldest first.
    pub rows: Vec<SheetRow>,
}

/// The figures of one step or cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetRow {
    /// Which it is, in words: the first columns.
    pub of: Vec<String>,
    /// Decimal text with every digit; empty where there was nothing that it could be of.
    pub figures: Vec<String>,
}

impl Sheet {
    pub(super) fn new(chart: &Chart, of: &[Option<Of>], zone: &TimeZone) -> Self {
        let has_sum = chart.series.len() > 1 && chart.totals.iter().any(Option::is_some);
        let slots = of.iter().zip(chart.rows.iter().zip(&chart.totals));
        let mut slots: Vec<_> = slots.filter_map(|(of, figures)| Some((of.as_ref()?, figures))).collect();
        // A calendar goes row by row, which is weekday by weekday.
        slots.sort_by_key(|(of, _)| of.day());
        let figure = |figure: &Option<String>| figure.clone().unwrap_or_default();
        let rows = slots.iter().map(|(of, (row, total))| SheetRow {
            of: of.cells(zone),
            figures: row.iter().chain(has_sum.then_some(*total)).map(figure).collect(),
        });
        let names = chart.series.iter().map(|ChartSeries { name, .. }| name.as_str());
        let figures = names.chain(has_sum.then_some("All")).map(|name| counted(name, chart.unit));
        let of = slots.first().map_or(&[][..], |(of, _)| of.head());
        Self { head: of.iter().map(ToString::to_string).chain(figures).collect(), rows: rows.collect() }
    }
}

impl Of {
    /// As exports of attempts write them: small, and with the kind of time.
    fn head(&self) -> &'static [&'static str] {
        match self {
            Self::Day(_) => &["day"],
            Self::Week(..) => &["first_day", "last_day"],
            Self::Moments(_) => &["from_utc", "from_local", "to_utc", "to_local"],
            Self::Hour(_) => &["hour"],
        }
    }

    fn cells(&self, zone: &TimeZone) -> Vec<String> {
        match self {
            Self::Day(day) => vec![day.to_string()],
            Self::Week(first, last) => vec![first.to_string(), last.to_string()],
            Self::Moments(Range { from, to }) => {
                [from, to].into_iter().flat_map(|at| [at.to_rfc3339(), at.to_local(zone)]).collect()
            }
            Self::Hour(label) => vec![label.clone()],
        }
    }

    fn day(&self) -> Option<Date> {
        match self {
            Self::Day(day) | Self::Week(day, _) => Some(*day),
            Self::Moments(_) | Self::Hour(_) => None,
        }
    }
}

/// "OpenAI, USD".
fn counted(name: &str, unit: Unit) -> String {
    match unit {
        Unit::Usd => format!("{name}, USD"),
        Unit::Count => name.to_owned(),
        Unit::Ms => format!("{name}, ms"),
        Unit::Share => format!("{name}, basis points"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::{
        ChartRequest, ChartTheme, Heat, HeatCell, HeatKind, Look, Percentiles, SeriesName, Stacked, Steps,
        bars, heat, lines,
    };
    use crate::time::{day_range, parse_day, zone};

    const NEW_YORK: &str = "America/New_York";

    fn request(hidden: &[&str]) -> ChartRequest {
        let hidden = hidden.iter().map(|id| (*id).to_owned()).collect();
        ChartRequest { width: 600, height: 200, theme: ChartTheme::Dark, hidden }
    }

    /// What New York's days from the first to the last are cut into.
    fn steps(first: &str, last: &str) -> Steps {
        let zone = zone(NEW_YORK).expect("a zone");
        let day = |text: &str| day_range(parse_day(text).expect("a day"), &zone);
        let range = Range { from: day(first).from, to: day(last).to };
        Steps::new(range, range.to, &zone)
    }

    fn spend(steps: Steps, names: &[&str], hidden: &[&str]) -> Sheet {
        let name = |name: &&str| SeriesName { id: name.to_lowercase(), name: (*name).to_owned(), color: 1 };
        let row = |step: i64| (0..).take(names.len()).map(|one| step * 10_000_000_000 + one).collect();
        let rows = (0..).take(steps.list.len()).map(row).collect();
        let series = names.iter().map(name).collect();
        let (title, nothing) = ("Spend", "nothing spent");
        let data = Stacked { title, nothing, unit: Unit::Usd, series, steps, rows, cap: None };
        bars(&request(hidden), &data).sheet(&zone(NEW_YORK).expect("a zone"))
    }

    fn line(sheet: &Sheet, row: usize) -> String {
        let SheetRow { of, figures } = &sheet.rows[row];
        [of.join(" "), figures.join(" ")].join(" | ")
    }

    #[test]
    fn c5_a_day_has_every_digit_of_all_series_hidden_ones_too() {
        let sheet = spend(steps("2026-10-30", "2026-11-02"), &["OpenAI", "Anthropic"], &["openai"]);
        assert_eq!(sheet.head, ["day", "OpenAI, USD", "Anthropic, USD", "All, USD"]);
        assert_eq!(sheet.rows.len(), 4);
        assert_eq!(line(&sheet, 1), "2026-10-31 | 10 10.000000001 20.000000001");
    }

    #[test]
    fn one_series_is_its_own_sum() {
        let sheet = spend(steps("2026-10-30", "2026-11-02"), &["OpenAI"], &[]);
        assert_eq!(sheet.head, ["day", "OpenAI, USD"]);
        assert_eq!(line(&sheet, 3), "2026-11-02 | 30");
    }

    #[test]
    fn t1_an_hour_that_comes_twice_is_told_by_utc_and_by_its_offset() {
        let sheet = spend(steps("2026-11-01", "2026-11-01"), &["OpenAI"], &[]);
        assert_eq!(sheet.head, ["from_utc", "from_local", "to_utc", "to_local", "OpenAI, USD"]);
        assert_eq!(sheet.rows.len(), 25);
        let first = "2026-11-01T05:00:00.000Z 2026-11-01T01:00:00-04:00";
        let second = "2026-11-01T06:00:00.000Z 2026-11-01T01:00:00-05:00";
        assert_eq!(line(&sheet, 1), format!("{first} {second} | 10"));
        assert!(line(&sheet, 2).starts_with(second), "{}", line(&sheet, 2));
    }

    #[test]
    fn a_week_tells_its_days_and_the_first_begins_with_what_was_asked_for() {
        let sheet = spend(steps("2026-01-01", "2026-06-30"), &["OpenAI"], &[]);
        assert_eq!(sheet.head, ["first_day", "last_day", "OpenAI, USD"]);
        assert!(line(&sheet, 0).starts_with("2026-01-01 2026-01-04 |"), "{}", line(&sheet, 0));
        assert!(line(&sheet, 1).starts_with("2026-01-05 2026-01-11 |"), "{}", line(&sheet, 1));
    }

    #[test]
    fn percentiles_have_no_sum_and_nothing_where_nothing_was_answered() {
        let steps = steps("2026-10-30", "2026-11-01");
        let data = Percentiles { steps, rows: vec![Some([900, 500, 40]), None, None], whole: None };
        let sheet = lines(&request(&[]), &data).sheet(&TimeZone::UTC);
        assert_eq!(sheet.head, ["day", "p99, ms", "p95, ms", "p50, ms"]);
        assert_eq!(
            (line(&sheet, 0).as_str(), line(&sheet, 1).as_str()),
            ("2026-10-30 | 900 500 40", "2026-10-31 |   ")
        );
    }

    fn cells(kind: HeatKind, unit: Unit, cell: impl Fn(usize) -> Option<HeatCell>) -> Sheet {
        let cells = (0..14).map(cell).collect();
        let data = Heat { kind, title: String::new(), unit, cells, ticks: Vec::new(), sessions: Vec::new() };
        heat(&request(&[]), &data).sheet(&TimeZone::UTC)
    }

    #[test]
    fn a_calendar_goes_day_by_day_though_it_is_drawn_weekday_by_weekday() {
        let first = parse_day("2026-11-02").expect("a Monday");
        let cell = |index: usize| {
            let day = i64::try_from(index % 2 * 7 + index / 2).expect("a day");
            let look = Look::Day(first.saturating_add(jiff::Span::new().days(day)));
            (day < 13).then(|| HeatCell { label: String::new(), value: day * 1_500_000_000, look })
        };
        let sheet = cells(HeatKind::Calendar, Unit::Usd, cell);
        assert_eq!(sheet.head, ["day", "Spend, USD"]);
        let days: Vec<&str> = sheet.rows.iter().map(|row| row.of[0].as_str()).collect();
        assert!(days.is_sorted() && days.len() == 13, "{days:?}");
        assert_eq!(line(&sheet, 1), "2026-11-03 | 1.5");
    }

    #[test]
    fn an_hour_of_the_week_is_named_and_one_that_never_came_is_left_out() {
        let cell = |index: usize| {
            let label = format!("Mon {index:02}:00");
            (index > 0).then_some(HeatCell { label, value: 15, look: Look::Nowhere })
        };
        let sheet = cells(HeatKind::Hours, Unit::Count, cell);
        assert_eq!(
            (sheet.head.as_slice(), sheet.rows.len()),
            (&["hour".into(), "Requests an hour".into()][..], 13)
        );
        assert_eq!(line(&sheet, 0), "Mon 01:00 | 1.5");
    }
}
