use jiff::Span;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::marks::Picture;
use super::*;
use crate::money::NanoUsd;
use crate::time::{Range, day_range, parse_day};
use plotters::style::RGBColor;
use plotters::style::text_anchor::{HPos, VPos};

const TODAY: &str = "2025-11-22";
const CAP: i64 = 12_000_000_000;

fn series(count: usize) -> Vec<SeriesName> {
    let names = ["OpenAI", "Anthropic", "Google Gemini", "OpenRouter", "Ollama", "Groq", "Mistral", "xAI"];
    let colors = [1, 2, 3, 4, 5, 6, 6, 6];
    let one =
        |(name, color): (&str, u8)| SeriesName { id: name.to_lowercase(), name: name.to_owned(), color };
    names.into_iter().zip(colors).take(count).map(one).collect()
}

/// So many days up to [`TODAY`].
fn days(count: usize) -> Steps {
    let today = parse_day(TODAY).expect("a day");
    let back = Span::new().days(i64::try_from(count).expect("few days") - 1);
    let range = Range {
        from: day_range(today.saturating_sub(back), &TimeZone::UTC).from,
        to: day_range(today, &TimeZone::UTC).to,
    };
    let steps = Steps::by(Resolution::Day, range, range.to.plus_ms(-1), &TimeZone::UTC);
    if count == 0 { Steps { list: Vec::new(), ..steps } } else { steps }
}

fn spend(count: usize, rows: Vec<Vec<i64>>) -> Stacked {
    Stacked {
        title: "Spend",
        nothing: "nothing spent",
        unit: Unit::Usd,
        series: series(count),
        steps: days(rows.len()),
        rows,
        cap: None,
    }
}

/// 30 days of four providers: quiet weekends, one day at the cap.
fn month() -> Stacked {
    let of_day = |day: i64| {
        if day == 27 {
            return [5_310, 3_420, 2_180, 1_090].map(|milli| milli * 1_000_000).to_vec();
        }
        let weekend = matches!(day % 7, 1 | 2);
        let scale = if weekend { 100_000 } else { 1_000_000 };
        [3_600 + day * 37 % 900, 2_000 + day * 71 % 800, 1_300 + day * 53 % 600, 400 + day * 29 % 300]
            .map(|milli| milli * scale + day)
            .to_vec()
    };
    spend(4, (0..30).map(of_day).collect())
}

fn with_cap(data: Stacked, cap: i64) -> Stacked {
    Stacked { cap: Some(cap), ..data }
}

fn request(width: u32, height: u32, theme: ChartTheme, hidden: &[&str]) -> ChartRequest {
    ChartRequest { width, height, theme, hidden: hidden.iter().map(|id| (*id).to_owned()).collect() }
}

fn dark(hidden: &[&str]) -> ChartRequest {
    request(704, 220, ChartTheme::Dark, hidden)
}

fn draw(hidden: &[&str], data: &Stacked) -> Chart {
    bars(&dark(hidden), data).into_chart()
}

fn snapshot(name: &str, chart: &Chart) {
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, chart.svg);
    });
}

/// All text that a drawing shows.
fn texts(svg: &str) -> Vec<&str> {
    svg.split("<text")
        .skip(1)
        .map(|part| part.split_once(">\n").expect("a tag").1.split('\n').next().unwrap_or(""))
        .collect()
}

#[expect(clippy::ref_option, reason = "that is what rows are made of")]
fn nano(amount: &Option<String>) -> i64 {
    NanoUsd::from_decimal(amount.as_ref().expect("an amount")).expect("a number").0
}

#[test]
fn the_dark_chart() {
    snapshot("chart_dark", &draw(&[], &with_cap(month(), CAP)));
}

#[test]
fn the_light_chart() {
    let light = request(704, 220, ChartTheme::Light, &[]);
    snapshot("chart_light", &bars(&light, &with_cap(month(), CAP)).into_chart());
}

#[test]
fn the_summary_says_span_sum_and_highest_day() {
    let chart = draw(&[], &month());
    assert_eq!(
        chart.summary,
        "Spend by day, 24 Oct to 22 Nov: $188.91 in all, most on Thu 20 Nov with $12.00."
    );
    let chart = draw(&["openai", "anthropic", "openrouter"], &month());
    assert_eq!(
        chart.summary,
        "Spend by day, 24 Oct to 22 Nov, without OpenAI, Anthropic and OpenRouter: $34.99 in all, most on Thu 20 Nov \
         with $2.18."
    );
}

#[test]
fn n1_a_cap_is_told_also_where_it_is_too_high_to_be_drawn() {
    for (cap, drawn, told) in [
        (CAP, true, "No day is above the daily cap of $12.00."),
        (CAP - 1, true, "1 day is above the daily cap of $12.00."),
        (6_500_000_000, true, "days are above the daily cap of $6.50."),
        (100 * CAP, false, "No day is above the daily cap of $1,200.00."),
    ] {
        let chart = draw(&[], &with_cap(month(), cap));
        assert!(chart.summary.ends_with(told), "{}", chart.summary);
        assert_eq!(chart.cap, Some(ChartCap { amount: NanoUsd(cap).to_string(), drawn }));
        assert_eq!(texts(&chart.svg).iter().any(|text| text.contains("daily cap")), drawn);
    }
    assert_eq!(draw(&[], &month()).cap, None);
}

#[test]
fn c5_rows_totals_and_series_agree_to_the_last_nano() {
    for hidden in [&[][..], &["openai"], &["openai", "anthropic", "google gemini", "openrouter"]] {
        let chart = draw(hidden, &with_cap(month(), CAP));
        let rows: i64 = chart.rows.iter().flatten().map(nano).sum();
        assert_eq!(rows, chart.totals.iter().map(nano).sum::<i64>());
        assert_eq!(rows, chart.series.iter().map(|series| nano(&series.total)).sum::<i64>());
        for (row, total) in chart.rows.iter().zip(&chart.totals) {
            assert_eq!(row.iter().map(nano).sum::<i64>(), nano(total));
        }
        assert_eq!(rows, month().rows.into_iter().flatten().sum::<i64>());
    }
}

#[test]
fn a_hidden_series_stays_in_the_legend_and_the_axis_rescales() {
    let chart = draw(&["openai", "anthropic"], &month());
    let hidden: Vec<bool> = chart.series.iter().map(|series| series.hidden).collect();
    assert_eq!(hidden, [true, true, false, false]);
    assert!(!chart.svg.contains("#4F8FF7") && chart.svg.contains("#935F9E"));
    assert_eq!(texts(&chart.svg)[..5], ["$0", "$1", "$2", "$3", "$4"]);
}

#[test]
fn more_than_five_series_fold_the_smallest_into_other() {
    let amounts = vec![80, 10, 70, 60, 20, 50, 40, 30];
    let chart = draw(&[OTHER], &spend(8, vec![amounts.clone(), amounts]));
    let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["OpenAI", "Google Gemini", "OpenRouter", "Groq", "Mistral", "Other"]);
    let other = chart.series.last().expect("other");
    assert_eq!((nano(&other.total), other.color, other.hidden), (120, 6, true));
    assert_eq!(nano(&chart.totals[0]), 360);
}

#[test]
fn what_is_other_already_is_folded_no_further() {
    let mut data = spend(6, vec![vec![1, 2, 3, 4, 5, 6]]);
    data.series[1].id = OTHER.to_owned();
    let chart = draw(&[], &data);
    let ids: Vec<&str> = chart.series.iter().map(|series| series.id.as_str()).collect();
    assert_eq!(ids, ["openai", "google gemini", "openrouter", "ollama", "groq", OTHER]);
    assert_eq!(nano(&chart.series[5].total), 2);
    assert_eq!(nano(&chart.totals[0]), 21);
}

#[test]
fn five_series_are_not_folded() {
    assert_eq!(draw(&[], &spend(5, vec![vec![1; 5]])).series.len(), 5);
}

#[test]
fn a_chart_without_spend_has_its_axes() {
    for data in [spend(0, Vec::new()), spend(4, vec![Vec::new(); 30])] {
        let chart = draw(&[], &data);
        assert!(chart.empty);
        assert!(texts(&chart.svg).contains(&"$0"));
        assert!(chart.svg.contains("#3A424C"));
    }
    let summary = draw(&[], &spend(1, vec![Vec::new(); 2])).summary;
    assert_eq!(summary, "Spend by day, 21 Nov to 22 Nov: nothing spent.");
}

#[test]
fn labels_stand_on_the_weekday_of_today() {
    let chart = draw(&[], &month());
    let labels: Vec<&str> = texts(&chart.svg).into_iter().filter(|text| !text.starts_with('$')).collect();
    assert_eq!(labels, ["today", "15 Nov", "8 Nov", "1 Nov", "25 Oct"]);
    assert_eq!(chart.slots[27].label, "Thu 20 Nov");
    let narrow = bars(&request(200, 120, ChartTheme::Dark, &[]), &month()).into_chart();
    let labels: Vec<&str> = texts(&narrow.svg).into_iter().filter(|text| !text.starts_with('$')).collect();
    assert_eq!(labels, ["today", "8 Nov", "25 Oct"]);
}

#[test]
fn a_week_has_a_label_on_each_day() {
    let chart = draw(&[], &spend(1, vec![vec![5]; 7]));
    assert!(
        texts(&chart.svg).ends_with(&["today", "21 Nov", "20 Nov", "19 Nov", "18 Nov", "17 Nov", "16 Nov"])
    );
}

#[test]
fn the_cap_is_drawn_unless_it_would_flatten_the_bars() {
    for (cap, drawn) in [(12, true), (40, true), (60, false), (0, false)] {
        let chart = draw(&[], &with_cap(month(), cap * 1_000_000_000));
        let label = texts(&chart.svg).into_iter().any(|text| text.starts_with("daily cap $"));
        assert_eq!((label, chart.svg.contains("#F0B03E")), (drawn, drawn), "{cap}");
    }
}

#[test]
fn the_label_of_the_cap_keeps_off_bars_above_it() {
    let mut data = with_cap(month(), CAP);
    for row in data.rows.iter_mut().rev().take(3) {
        *row = vec![14_000_000_000];
    }
    let chart = draw(&[], &data);
    let label = chart.svg.split("<text").find(|text| text.contains("daily cap")).expect("a label");
    assert!(label.contains(&format!(" x=\"{}\"", chart.slots[27].x)), "{label}");
}

#[test]
fn x3_names_cannot_put_markup_into_the_drawing() {
    let mut data = with_cap(month(), CAP);
    data.series[0].name = "<b>&\"'</b>".to_owned();
    data.series[0].id = "<script>".to_owned();
    let chart = draw(&["<script>"], &data);
    let without_tags = chart.svg.replace("<svg ", "").replace("<rect ", "").replace("<text ", "");
    assert!(!without_tags.replace("</svg>", "").replace("</text>", "").contains('<'));
    assert!(chart.summary.contains("without <b>&\"'</b>"), "plain text, escaped where it is shown");
}

#[test]
fn x3_text_is_escaped_on_its_way_into_the_drawing() {
    let mut picture = Picture::new((160, 80));
    picture.text("<b>&\"'", (80, 40), (HPos::Center, VPos::Center), RGBColor(0, 0, 0));
    assert!(picture.svg().contains("&lt;b&gt;&amp;&quot;&apos;"));
}

#[test]
fn a_day_with_any_spend_shows() {
    let chart = draw(&[], &spend(1, vec![vec![1], vec![1_000_000_000]]));
    assert_eq!(chart.svg.matches("#4F8FF7").count(), 2);
}

#[test]
fn pieces_of_a_bar_are_one_pixel_apart() {
    let chart = bars(&request(704, 230, ChartTheme::Dark, &[]), &spend(3, vec![vec![5, 0, 3]])).into_chart();
    let rects: Vec<(i32, i32)> = chart
        .svg
        .split("<rect ")
        .filter(|rect| rect.contains("#4F8FF7") || rect.contains("#935F9E"))
        .map(|rect| {
            let number = |name: &str| {
                let value = rect.split_once(&format!("{name}=\"")).expect("an attribute").1;
                value.split_once('"').expect("its end").0.parse().expect("a number")
            };
            (number("y"), number("height"))
        })
        .collect();
    let base = chart.plot.y + chart.plot.h;
    assert_eq!((chart.plot.h, rects), (200, vec![(base - 125, 125), (base - 200, 74)]));
}

#[test]
fn the_window_reads_what_is_sent() {
    let text = r#"{"width":704,"height":220,"theme":"dark","hidden":["openai"]}"#;
    assert_eq!(serde_json::from_str::<ChartRequest>(text).expect("a request"), dark(&["openai"]));
    let mut chart = draw(&[], &spend(1, vec![vec![250_000_000]]));
    chart.svg.clear();
    insta::with_settings!({ snapshot_path => "../snapshots", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("chart_sent", serde_json::to_string_pretty(&chart).expect("JSON"));
    });
}

fn latency() -> Percentiles {
    let row =
        |day: u32| (day != 11).then(|| [3_900 + day * 37 % 900, 2_100 + day * 71 % 300, 600 + day * 13 % 90]);
    Percentiles { steps: days(30), rows: (0..30).map(row).collect(), whole: Some(2_180) }
}

/// Quiet nights and weekends.
fn week() -> Heat {
    let cell = |index: usize| {
        let (day, hour) = (index / 24, i64::try_from(index % 24).expect("an hour"));
        let trades = day < 5 && (3..17).contains(&hour);
        let value =
            if trades { 400 + (hour * 97 + 31 * i64::try_from(day).expect("a day")) % 1_700 } else { 0 };
        Some(HeatCell { label: format!("day {day}, {hour:02}:00"), value, look: Look::Nowhere })
    };
    let session = |name: &str, from, to| Session { name: name.to_owned(), from, to };
    Heat {
        kind: HeatKind::Hours,
        title: "Average requests an hour by weekday and hour, New York time".to_owned(),
        unit: Unit::Count,
        cells: (0..168).map(cell).collect(),
        ticks: (0..24).step_by(3).map(|hour| (hour, format!("{hour:02}"))).collect(),
        sessions: vec![
            session("Tokyo", 1_140, 90),
            session("London", 180, 690),
            session("New York", 570, 960),
        ],
    }
}

fn calendar() -> Heat {
    let value = |index: i64| if index % 26 > 20 { 0 } else { index * 77_000_000 % 12_000_000_000 };
    let cell = |index: i64| HeatCell {
        label: format!("day {index}"),
        value: value(index),
        look: Look::Day(parse_day("2025-11-22").expect("a day")),
    };
    Heat {
        kind: HeatKind::Calendar,
        title: "Spend of each day".to_owned(),
        unit: Unit::Usd,
        cells: (0..182).map(|index| (index != 181).then(|| cell(index))).collect(),
        ticks: vec![(0, "Jun".to_owned()), (4, "Jul".to_owned())],
        sessions: Vec::new(),
    }
}

#[test]
fn every_chart_in_both_themes() {
    for (name, theme) in [("dark", ChartTheme::Dark), ("light", ChartTheme::Light)] {
        let request = request(480, 200, theme, &[]);
        snapshot(&format!("latency_{name}"), &lines(&request, &latency()).into_chart());
        snapshot(&format!("hours_{name}"), &heat(&request, &week()).into_chart());
        snapshot(&format!("calendar_{name}"), &heat(&request, &calendar()).into_chart());
    }
}

#[test]
fn a_line_has_a_gap_where_nothing_was_answered() {
    let chart = lines(&dark(&[]), &latency()).into_chart();
    assert_eq!(chart.svg.matches("<polyline").count(), 6, "two pieces of three lines");
    assert_eq!(chart.svg.matches("<polygon").count(), 2, "and of the band");
    assert_eq!(chart.rows[11], [None, None, None]);
    assert_eq!(
        chart.summary,
        "Latency by day, 24 Oct to 22 Nov: p95 of 2.18 s, highest on Fri 14 Nov with 2.39 s."
    );
    let hidden = lines(&dark(&["p99", "p50"]), &latency()).into_chart();
    assert_eq!((hidden.svg.matches("<polyline").count(), hidden.svg.matches("<polygon").count()), (2, 0));
    let none = Percentiles { rows: vec![None; 30], whole: None, ..latency() };
    let none = lines(&dark(&[]), &none).into_chart();
    assert!(none.empty);
    assert_eq!(none.summary, "Latency by day: no answers.");
}

#[test]
fn a_heat_map_has_fixed_steps_and_outlines_the_busiest() {
    let chart = heat(&dark(&[]), &week()).into_chart();
    assert_eq!((chart.columns, chart.slots.len(), chart.rows.len()), (24, 168, 168));
    assert_eq!(chart.scale, ["0", "50", "100", "150", "200"]);
    assert!(chart.summary.contains("busiest day 4, 16:00 with 207.6."), "{}", chart.summary);
    assert_eq!(chart.svg.matches("fill=\"none\"").count(), 1, "one outline");
    // Tokyo goes over midnight, so it has two pieces; London and New York overlap.
    assert_eq!(chart.svg.matches("#3A424C").count(), 4);
    let empty = Heat { cells: vec![None; 168], ..week() };
    assert!(heat(&dark(&[]), &empty).into_chart().empty);
}

#[test]
fn a_picture_that_stands_alone_says_what_it_is() {
    let heading = Heading { title: "Spend by provider".to_owned(), detail: "24 Oct to 22 Nov".to_owned() };
    let drawing = bars(&dark(&[]), &month());
    let svg = drawing.svg(&heading);
    for said in ["Spend by provider", "24 Oct to 22 Nov", "OpenAI", "OpenRouter", "$10", "today"] {
        assert!(svg.contains(&format!(">\n{said}\n")), "{said}");
    }
    assert!(svg.starts_with("<svg width=\"736\" height=\"304\""), "{}", &svg[..60]);
}

#[test]
fn a_narrow_picture_that_stands_alone_takes_more_lines_and_says_what_is_hidden() {
    let (title, detail) = ("Spend by provider and day", "24 Oct 2025 to 22 Nov 2025, America/New_York time.");
    let heading = Heading { title: title.to_owned(), detail: detail.to_owned() };
    let svg = bars(&request(200, 150, ChartTheme::Dark, &["openai"]), &month()).svg(&heading);
    let wide = bars(&request(700, 150, ChartTheme::Dark, &["openai"]), &month()).svg(&heading);
    assert!(
        wide.contains(">\n24 Oct 2025 to 22 Nov 2025, America/New_York time. Without OpenAI.\n<"),
        "{wide}"
    );
    let [narrow, wide] = [&svg, &wide].map(|svg| texts(svg));
    assert!(narrow.len() > wide.len(), "{narrow:?}");
    assert!(!narrow.contains(&"OpenAI") && narrow.contains(&"Anthropic"), "the legend: {narrow:?}");
    for text in svg.split("<text x=\"").skip(1) {
        let (x, rest) = text.split_once('"').expect("its place");
        let words = rest.split('\n').nth(1).expect("its words");
        let begins_there = rest.contains("text-anchor=\"start\"");
        let end =
            x.parse::<i32>().expect("a number") + if begins_there { place::text_width(words) } else { 0 };
        assert!(end <= 232, "{words} ends at {end}");
    }
}

#[test]
fn a_png_is_twice_as_large_and_has_what_was_drawn() {
    let heading = Heading { title: "Spend".to_owned(), detail: "November".to_owned() };
    for drawing in [bars(&dark(&[]), &month()), lines(&dark(&[]), &latency()), heat(&dark(&[]), &week())] {
        let bytes = drawing.pixels(&heading).and_then(|pixels| pixels.png()).expect("painted");
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().expect("a PNG");
        let mut pixels = vec![0; reader.output_buffer_size().expect("it fits")];
        let info = reader.next_frame(&mut pixels).expect("its pixels");
        assert_eq!((info.width, info.height), (1_472, 608));
        let colors: std::collections::HashSet<&[u8]> = pixels.chunks(3).collect();
        let background = &[0x15, 0x18, 0x1c][..];
        assert!(colors.contains(background) && colors.len() > 8, "background and marks");
        assert!(pixels.starts_with(background) && pixels.ends_with(background), "to the last pixel");
    }
}

fn any_spend() -> impl Strategy<Value = Stacked> {
    let amount = prop_oneof![Just(0), 0..=20_000_000_000_i64, any::<i64>()];
    let row = proptest::collection::vec(amount, 0..9);
    (0..9_usize, proptest::collection::vec(row, 0..70)).prop_map(|(count, rows)| spend(count, rows))
}

proptest! {
    #[test]
    fn no_size_and_no_amount_panics(
        data in any_spend(),
        width in prop_oneof![0..=200_u32, 200..=5_000_u32, any::<u32>()],
        height in prop_oneof![0..=100_u32, 100..=3_000_u32, any::<u32>()],
        cap in proptest::option::of(any::<i64>()),
        hide in proptest::sample::subsequence(vec!["openai", "groq", OTHER], 0..=3),
    ) {
        let data = Stacked { cap, ..data };
        let chart = bars(&request(width, height, ChartTheme::Light, &hide), &data).into_chart();
        prop_assert!(chart.svg.ends_with("</svg>\n"));
        let negative = ["x", "y", "width", "height"].iter().any(|name| chart.svg.contains(&format!(" {name}=\"-")));
        prop_assert!(!negative, "nothing lies left of or above the drawing");
        prop_assert!(chart.plot.w > 0 && chart.plot.h > 0);
        prop_assert_eq!(chart.slots.len(), data.steps.list.len());
        if let Some(last) = chart.slots.last() {
            prop_assert_eq!(last.x + last.w, chart.plot.x + chart.plot.w);
        }
        for slots in chart.slots.windows(2) {
            prop_assert_eq!(slots[0].x + slots[0].w, slots[1].x);
        }
        prop_assert_eq!(chart.totals.len(), chart.rows.len());
    }
}
