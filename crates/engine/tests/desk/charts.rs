//! Charts in files: the same sums as the screen, without what is hidden, at the size that is asked for (C5).

use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::alert::AlertKind;
use patchbay_core::chart::{ChartRequest, ChartTheme};
use patchbay_core::report::{Filter, GroupBy, Metric};
use patchbay_core::time::zone;
use patchbay_engine::Engine;
use patchbay_engine::desk::audit::{self, AuditQuery};
use patchbay_engine::desk::charts::{self, ChartFormat, ChartOf, ShownChart, ShownKind};
use patchbay_engine::desk::export::Exported;
use patchbay_engine::desk::usage::{self, ChartKind, Days, ExploreQuery, OpenGroups, UsageQuery};
use patchbay_engine::desk::{alerts, log};

use crate::sheets::csv_cells;
use crate::usage::{ZONES, engine, nano, random_query};

fn request(hidden: &[&str]) -> ChartRequest {
    let hidden = hidden.iter().map(|id| (*id).to_owned()).collect();
    ChartRequest { width: 500, height: 150, theme: ChartTheme::Dark, hidden }
}

fn of_usage(kind: ChartKind, query: &UsageQuery, hidden: &[&str]) -> ShownChart {
    ShownChart { of: ChartOf::Usage { kind, query: query.clone() }, request: request(hidden) }
}

fn last(days: u32, by: GroupBy) -> UsageQuery {
    UsageQuery { days: Days::Last { days }, conditions: Vec::new(), by }
}

async fn written(engine: &Arc<Engine>, chart: ShownChart, format: ChartFormat, zone: &TimeZone) -> Exported {
    charts::to_folder(engine, chart, format, zone.clone()).await.unwrap()
}

/// The lines of a CSV file with as many of them as it says.
fn lines(file: &Exported) -> Vec<Vec<String>> {
    let lines = csv_cells(&std::fs::read_to_string(&file.path).unwrap());
    assert_eq!(lines.len(), 1 + usize::try_from(file.entries).unwrap());
    assert!(lines.iter().all(|line| line.len() == lines[0].len()), "{lines:?}");
    lines
}

/// The sum of what stands in a column, in billionths.
fn sum(lines: &[Vec<String>], column: usize) -> i64 {
    lines[1..].iter().filter(|line| !line[column].is_empty()).map(|line| nano(&line[column])).sum()
}

/// The sum of a column of whole numbers.
fn whole(lines: &[Vec<String>], column: usize) -> i64 {
    lines[1..].iter().map(|line| line[column].parse::<i64>().unwrap()).sum()
}

/// In pixels.
fn size(png: &Path) -> (u32, u32) {
    let file = std::io::BufReader::new(std::fs::File::open(png).unwrap());
    let reader = png::Decoder::new(file).read_info().unwrap();
    (reader.info().width, reader.info().height)
}

#[tokio::test]
async fn c5_the_figures_of_charts_sum_to_the_cards_under_random_filters() {
    const WHOLE: i64 = 1_000_000_000;
    let (_folder, engine) = engine(2_000).await;
    let rows = log::newest(&engine, Filter::default(), 10_000).await.unwrap();
    let mut rng = fastrand::Rng::with_seed(20_261_130);
    let mut with_any = 0;
    for round in 0..12 {
        let zone = zone(ZONES[round % ZONES.len()]).unwrap();
        let query = random_query(&mut rng, &rows, &zone, 40);
        let totals = usage::view(&engine, query.clone(), zone.clone()).await.unwrap().totals;
        let tokens = i64::try_from(totals.input_tokens + totals.output_tokens).unwrap();
        for (kind, expected) in [
            (ChartKind::Spend, nano(&totals.cost.0)),
            (ChartKind::Tokens, tokens * WHOLE),
            (ChartKind::Errors, i64::from(totals.failed_attempts) * WHOLE),
        ] {
            let chart = of_usage(kind, &query, &["input", "openai"]);
            let lines = lines(&written(&engine, chart, ChartFormat::Csv, &zone).await);
            let columns = lines[0].len();
            let all = lines[0].iter().position(|name| name.starts_with("All"));
            let first =
                lines[0].iter().take_while(|name| name.chars().all(|c| c.is_lowercase() || c == '_')).count();
            let parts: i64 = (first..all.unwrap_or(columns)).map(|column| sum(&lines, column)).sum();
            assert_eq!(parts, expected, "{kind:?}: {query:?}");
            assert_eq!(all.map_or(expected, |all| sum(&lines, all)), expected, "{kind:?}: {query:?}");
        }
        with_any += usize::from(totals.attempts > 0);
    }
    assert!(with_any > 4, "{with_any} filters found anything");
}

#[tokio::test]
async fn c5_a_calendars_figures_are_its_days_in_their_order() {
    let (_folder, engine) = engine(600).await;
    let chart = of_usage(ChartKind::Calendar, &last(30, GroupBy::App), &[]);
    let lines = lines(&written(&engine, chart, ChartFormat::Csv, &TimeZone::UTC).await);
    assert_eq!(lines[0], ["day", "Spend, USD"]);
    let days: Vec<&String> = lines[1..].iter().map(|line| &line[0]).collect();
    assert!(days.is_sorted() && days.len() > 170, "{days:?}");
    let month = usage::view(&engine, last(30, GroupBy::App), TimeZone::UTC).await.unwrap();
    let of_month: i64 = lines[lines.len() - 30..].iter().map(|line| nano(&line[1])).sum();
    assert_eq!(of_month, nano(&month.totals.cost.0));
}

#[tokio::test]
async fn c5_a_hidden_series_is_in_no_picture_but_in_the_figures() {
    let (_folder, engine) = engine(600).await;
    let query = last(30, GroupBy::Provider);
    let text = async |hidden: &[&str], format| {
        let file = written(&engine, of_usage(ChartKind::Spend, &query, hidden), format, &TimeZone::UTC).await;
        std::fs::read_to_string(file.path).unwrap()
    };
    let (all, without) = (text(&[], ChartFormat::Svg).await, text(&["openai"], ChartFormat::Svg).await);
    assert!(all.contains(">\nOpenAI\n<") && !without.contains(">\nOpenAI\n<"), "the legend");
    assert!(without.contains("Without OpenAI."), "and it says so");
    let blue = "fill=\"#4F8FF7\"";
    assert!(all.matches(blue).count() > 20 && !without.contains(blue), "its bars");
    let (all, without) = (text(&[], ChartFormat::Csv).await, text(&["openai"], ChartFormat::Csv).await);
    assert!(all.contains("\"OpenAI, USD\"") && all == without);
}

#[tokio::test]
async fn c5_a_picture_is_as_large_as_it_is_shown_and_pixels_are_the_same() {
    let (folder, engine) = engine(600).await;
    let query = last(30, GroupBy::Provider);
    let explored = ExploreQuery {
        days: query.days.clone(),
        conditions: Vec::new(),
        metric: Metric::LatencyP95,
        by: GroupBy::Model,
        then: None,
        top: 5,
    };
    alerts::test_rule(&engine, AlertKind::NeedsAttention).await.unwrap();
    let id = alerts::list(&engine).await.unwrap().open[0].id;
    let explore = ShownChart { of: ChartOf::Explore { query: explored }, request: request(&[]) };
    let alert = ShownChart { of: ChartOf::Alert { id }, request: request(&[]) };
    let drawing = written(&engine, alert.clone(), ChartFormat::Svg, &TimeZone::UTC).await;
    let drawing = std::fs::read_to_string(drawing.path).unwrap();
    assert!(
        drawing.contains("Attempts, per quarter of an hour") && drawing.contains(". Opened "),
        "{drawing}"
    );
    for (chart, name) in [
        (of_usage(ChartKind::Hours, &query, &[]), "hours-"),
        (explore, "explore-latency_p95-"),
        (alert, &format!("alert-{id}-")),
    ] {
        let file = written(&engine, chart.clone(), ChartFormat::Png, &TimeZone::UTC).await;
        let path = Path::new(&file.path);
        assert!(path.file_name().unwrap().to_str().unwrap().starts_with(name), "{}", file.path);
        assert_eq!(path.parent().unwrap(), folder.path().join("exports"));
        let (width, height) = size(path);
        // Two pixels for each px, a margin of 16 px, and a heading.
        assert_eq!(width, 2 * (500 + 32), "{name}");
        assert!((2 * (150 + 16 + 40)..2 * 300).contains(&height), "{name}: {height}");
        let pixels = charts::pixels(&engine, chart, TimeZone::UTC).await.unwrap();
        assert_eq!((pixels.width, pixels.height), (width, height));
        assert_eq!(pixels.rgba().len() / 4, pixels.rgb.len() / 3);
    }
}

#[tokio::test]
async fn c5_all_charts_are_written_as_they_are_shown_or_at_a_size_of_ours() {
    let (folder, engine) = engine(600).await;
    let query = last(7, GroupBy::App);
    let shown = vec![ShownKind { kind: ChartKind::Tokens, request: request(&["input"]) }];
    let written =
        charts::all_to_folder(&engine, query.clone(), ChartTheme::Light, shown, TimeZone::UTC).await;
    let written = written.unwrap();
    let files: Vec<_> = std::fs::read_dir(&written.path).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!((files.len(), written.entries), (6, 6));
    for file in &files {
        let of_tokens = file.ends_with("tokens.png");
        assert_eq!(size(file).0, 2 * (if of_tokens { 500 } else { 960 } + 32), "{}", file.display());
    }
    let wrong = folder.path().join("chart.gif");
    let spend = of_usage(ChartKind::Spend, &query, &[]);
    let refused = charts::to_file(&engine, spend.clone(), TimeZone::UTC, wrong).await.unwrap_err();
    assert!(refused.hint.contains(".csv"), "{refused:?}");
    let right = folder.path().join("spend.CSV");
    charts::to_file(&engine, spend, TimeZone::UTC, right.clone()).await.unwrap();
    assert!(std::fs::read_to_string(right).unwrap().starts_with("day,"));
}

#[tokio::test]
async fn a2_a_chart_in_a_file_is_an_entry_of_the_audit_log() {
    let (_folder, engine) = engine(100).await;
    let chart = of_usage(ChartKind::Latency, &last(7, GroupBy::App), &[]);
    let _ = written(&engine, chart, ChartFormat::Csv, &TimeZone::UTC).await;
    let page = audit::list(&engine, AuditQuery::default(), None, 1).await.unwrap();
    let entry = &page.entries[0];
    assert_eq!(
        (entry.action.as_str(), entry.kind.as_str(), entry.name.as_str()),
        ("export", "usage", "latency")
    );
}

#[tokio::test]
async fn c5_the_cost_tables_file_tells_the_sums_of_the_screen_and_what_is_inside_open_rows() {
    let (_folder, engine) = engine(1_000).await;
    let query = last(30, GroupBy::Provider);
    let view = usage::view(&engine, query.clone(), TimeZone::UTC).await.unwrap();
    let write =
        async |open| usage::groups_to_folder(&engine, query.clone(), open, TimeZone::UTC).await.unwrap();
    let closed = lines(&write(None).await);
    let at = |lines: &[Vec<String>], name: &str| lines[0].iter().position(|head| head == name).unwrap();
    assert_eq!(closed[0][..3], ["provider", "provider_name", "Requests"]);
    assert_eq!(sum(&closed, at(&closed, "Cost, USD")), nano(&view.totals.cost.0));
    assert_eq!(whole(&closed, at(&closed, "Cost, nano-USD")), nano(&view.totals.cost.0));
    assert_eq!(whole(&closed, at(&closed, "Requests")), i64::from(view.totals.calls));

    let keys = vec!["openai".to_owned()];
    let open = lines(&write(Some(OpenGroups { by: GroupBy::Model, keys })).await);
    assert_eq!(open[0][..4], ["provider", "provider_name", "model", "model_name"]);
    let (inside, groups): (Vec<_>, Vec<_>) = open[1..].iter().partition(|line| !line[2].is_empty());
    assert_eq!(groups.len(), closed.len() - 1);
    assert!(inside.len() > 1 && inside.iter().all(|line| line[0] == "openai"), "{inside:?}");
    let cost = at(&open, "Cost, USD");
    let openai = groups.iter().find(|line| line[0] == "openai").unwrap();
    assert_eq!(inside.iter().map(|line| nano(&line[cost])).sum::<i64>(), nano(&openai[cost]));
}
