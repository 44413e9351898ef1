use jiff::ToSpan;
use proptest::prelude::*;

use super::*;
use crate::time::parse_day;

const TODAY: &str = "2025-11-22";
const CAP: NanoUsd = NanoUsd(12_000_000_000);

fn series(count: usize) -> Vec<SpendSeries> {
    let names = ["OpenAI", "Anthropic", "Google Gemini", "OpenRouter", "Ollama", "Groq", "Mistral", "xAI"];
    let colors = [1, 2, 3, 4, 5, 6, 6, 6];
    let one =
        |(name, color): (&str, u8)| SpendSeries { id: name.to_lowercase(), name: name.to_owned(), color };
    names.into_iter().zip(colors).take(count).map(one).collect()
}

fn days(amounts: impl IntoIterator<Item = Vec<NanoUsd>>) -> Vec<DaySpend> {
    let amounts: Vec<_> = amounts.into_iter().collect();
    let today = parse_day(TODAY).expect("a day");
    let date = |back: usize| today.saturating_sub(i64::try_from(back).expect("few days").days());
    let count = amounts.len();
    amounts.into_iter().enumerate().map(|(i, spend)| DaySpend { date: date(count - 1 - i), spend }).collect()
}

/// 30 days of four providers: quiet weekends, one day at the cap.
fn month() -> SpendByDay {
    let spend = |day: i64| {
        if day == 27 {
            return [5_310, 3_420, 2_180, 1_090].map(|milli| NanoUsd(milli * 1_000_000)).to_vec();
        }
        let weekend = matches!(day % 7, 1 | 2);
        let scale = if weekend { 100_000 } else { 1_000_000 };
        [3_600 + day * 37 % 900, 2_000 + day * 71 % 800, 1_300 + day * 53 % 600, 400 + day * 29 % 300]
            .map(|milli| NanoUsd(milli * scale + day))
            .to_vec()
    };
    SpendByDay { series: series(4), days: days((0..30).map(spend)) }
}

fn request(width: u32, height: u32, theme: ChartTheme, hidden: &[&str]) -> ChartRequest {
    ChartRequest {
        width,
        height,
        theme,
        days: 30,
        hidden: hidden.iter().map(|id| (*id).to_owned()).collect(),
    }
}

fn dark(hidden: &[&str]) -> ChartRequest {
    request(704, 220, ChartTheme::Dark, hidden)
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

fn nano(amount: &DecimalUsd) -> i64 {
    NanoUsd::from_decimal(&amount.0).expect("an amount").0
}

#[test]
fn the_dark_chart() {
    snapshot("chart_dark", &spend_by_day(&dark(&[]), &month(), Some(CAP)));
}

#[test]
fn the_light_chart() {
    snapshot("chart_light", &spend_by_day(&request(704, 220, ChartTheme::Light, &[]), &month(), Some(CAP)));
}

#[test]
fn the_summary_says_span_sum_and_highest_day() {
    let chart = spend_by_day(&dark(&[]), &month(), None);
    assert_eq!(
        chart.summary,
        "Spend by day, 24 Oct to 22 Nov: $188.91 in all, most on Thu 20 Nov with $12.00."
    );
    let chart = spend_by_day(&dark(&["openai", "anthropic", "openrouter"]), &month(), None);
    assert_eq!(
        chart.summary,
        "Spend by day, 24 Oct to 22 Nov, without OpenAI, Anthropic and OpenRouter: $34.99 in all, most on Thu 20 Nov \
         with $2.18."
    );
}

#[test]
fn c5_rows_totals_and_series_agree_to_the_last_nano() {
    for hidden in [&[][..], &["openai"], &["openai", "anthropic", "google gemini", "openrouter"]] {
        let chart = spend_by_day(&dark(hidden), &month(), Some(CAP));
        let rows: i64 = chart.rows.iter().flatten().map(nano).sum();
        assert_eq!(rows, chart.totals.iter().map(nano).sum::<i64>());
        assert_eq!(rows, chart.series.iter().map(|series| nano(&series.total)).sum::<i64>());
        for (row, total) in chart.rows.iter().zip(&chart.totals) {
            assert_eq!(row.iter().map(nano).sum::<i64>(), nano(total));
        }
        let ledger: NanoUsd = month().days.iter().flat_map(|day| day.spend.clone()).sum();
        assert_eq!(rows, ledger.0);
    }
}

#[test]
fn a_hidden_series_stays_in_the_legend_and_the_axis_rescales() {
    let chart = spend_by_day(&dark(&["openai", "anthropic"]), &month(), None);
    let hidden: Vec<bool> = chart.series.iter().map(|series| series.hidden).collect();
    assert_eq!(hidden, [true, true, false, false]);
    assert!(!chart.svg.contains("#4F8FF7") && chart.svg.contains("#935F9E"));
    assert_eq!(texts(&chart.svg)[..5], ["$0", "$1", "$2", "$3", "$4"]);
}

#[test]
fn more_than_five_series_fold_the_smallest_into_other() {
    let amounts = [80, 10, 70, 60, 20, 50, 40, 30].map(NanoUsd).to_vec();
    let spend = SpendByDay { series: series(8), days: days([amounts.clone(), amounts]) };
    let chart = spend_by_day(&dark(&[OTHER]), &spend, None);
    let names: Vec<&str> = chart.series.iter().map(|series| series.name.as_str()).collect();
    assert_eq!(names, ["OpenAI", "Google Gemini", "OpenRouter", "Groq", "Mistral", "Other"]);
    let other = chart.series.last().expect("other");
    assert_eq!((nano(&other.total), other.color, other.hidden), (120, 6, true));
    assert_eq!(nano(&chart.totals[0]), 360);
}

#[test]
fn five_series_are_not_folded() {
    let spend = SpendByDay { series: series(5), days: days([vec![NanoUsd(1); 5]]) };
    assert_eq!(spend_by_day(&dark(&[]), &spend, None).series.len(), 5);
}

#[test]
fn a_chart_without_spend_has_its_axes() {
    for spend in [SpendByDay::default(), SpendByDay { series: series(4), days: days(vec![Vec::new(); 30]) }] {
        let chart = spend_by_day(&dark(&[]), &spend, None);
        assert!(chart.empty);
        assert!(texts(&chart.svg).contains(&"$0"));
        assert!(chart.svg.contains("#3A424C"));
    }
    let summary =
        spend_by_day(&dark(&[]), &SpendByDay { series: series(1), days: days(vec![Vec::new(); 2]) }, None)
            .summary;
    assert_eq!(summary, "Spend by day, 21 Nov to 22 Nov: nothing spent.");
}

#[test]
fn labels_stand_on_the_weekday_of_today() {
    let chart = spend_by_day(&dark(&[]), &month(), None);
    let labels: Vec<&str> = texts(&chart.svg).into_iter().filter(|text| !text.starts_with('$')).collect();
    assert_eq!(labels, ["today", "15 Nov", "8 Nov", "1 Nov", "25 Oct"]);
    assert_eq!(chart.slots[27].label, "Thu 20 Nov");
    let narrow = spend_by_day(&request(200, 120, ChartTheme::Dark, &[]), &month(), None);
    let labels: Vec<&str> = texts(&narrow.svg).into_iter().filter(|text| !text.starts_with('$')).collect();
    assert_eq!(labels, ["today", "8 Nov", "25 Oct"]);
}

#[test]
fn a_week_has_a_label_on_each_day() {
    let spend = SpendByDay { series: series(1), days: days(vec![vec![NanoUsd(5)]; 7]) };
    let chart = spend_by_day(&dark(&[]), &spend, None);
    assert!(
        texts(&chart.svg).ends_with(&["today", "21 Nov", "20 Nov", "19 Nov", "18 Nov", "17 Nov", "16 Nov"])
    );
}

#[test]
fn the_cap_is_drawn_unless_it_would_flatten_the_bars() {
    for (cap, drawn) in [(12, true), (40, true), (60, false), (0, false)] {
        let chart = spend_by_day(&dark(&[]), &month(), Some(NanoUsd(cap * 1_000_000_000)));
        let label = texts(&chart.svg).into_iter().any(|text| text.starts_with("daily cap $"));
        assert_eq!((label, chart.svg.contains("#F0B03E")), (drawn, drawn), "{cap}");
    }
}

#[test]
fn the_label_of_the_cap_keeps_off_bars_above_it() {
    let mut spend = month();
    for day in spend.days.iter_mut().rev().take(3) {
        day.spend = vec![NanoUsd(14_000_000_000)];
    }
    let chart = spend_by_day(&dark(&[]), &spend, Some(CAP));
    let label = chart.svg.split("<text").find(|text| text.contains("daily cap")).expect("a label");
    assert!(label.contains(&format!(" x=\"{}\"", chart.slots[27].x)), "{label}");
}

#[test]
fn x3_names_cannot_put_markup_into_the_drawing() {
    let mut spend = month();
    spend.series[0].name = "<b>&\"'</b>".to_owned();
    spend.series[0].id = "<script>".to_owned();
    let chart = spend_by_day(&dark(&["<script>"]), &spend, Some(CAP));
    let without_tags = chart.svg.replace("<svg ", "").replace("<rect ", "").replace("<text ", "");
    assert!(!without_tags.replace("</svg>", "").replace("</text>", "").contains('<'));
    assert!(chart.summary.contains("without <b>&\"'</b>"), "plain text, escaped where it is shown");
}

#[test]
fn x3_text_is_escaped_on_its_way_into_the_drawing() {
    assert!(draw::tests::drawn_text("<b>&\"'").contains("&lt;b&gt;&amp;&quot;&apos;"));
}

#[test]
fn a_day_with_any_spend_shows() {
    let amounts = [vec![NanoUsd(1)], vec![NanoUsd(1_000_000_000)]];
    let spend = SpendByDay { series: series(1), days: days(amounts) };
    let chart = spend_by_day(&dark(&[]), &spend, None);
    assert_eq!(chart.svg.matches("#4F8FF7").count(), 2);
}

#[test]
fn the_window_reads_what_is_sent() {
    let text = r#"{"width":704,"height":220,"theme":"dark","days":30,"hidden":["openai"]}"#;
    assert_eq!(serde_json::from_str::<ChartRequest>(text).expect("a request"), dark(&["openai"]));
    let spend = SpendByDay { series: series(1), days: days([vec![NanoUsd(250_000_000)]]) };
    let mut chart = spend_by_day(&dark(&[]), &spend, None);
    chart.svg.clear();
    assert_eq!(
        serde_json::to_string(&chart).expect("JSON"),
        r#"{"svg":"","summary":"Spend by day, 22 Nov: $0.25 in all, most on Sat 22 Nov with $0.25.","plot":{"x":40,"y":8,"w":656,"h":190},"slots":[{"x":40,"w":656,"label":"Sat 22 Nov"}],"series":[{"id":"openai","name":"OpenAI","color":1,"total":"0.25","hidden":false}],"rows":[["0.25"]],"totals":["0.25"],"empty":false}"#
    );
}

fn any_spend() -> impl Strategy<Value = SpendByDay> {
    let amount = prop_oneof![Just(0), 0..=20_000_000_000_i64, any::<i64>()];
    let row = proptest::collection::vec(amount.prop_map(NanoUsd), 0..9);
    (0..9_usize, proptest::collection::vec(row, 0..70))
        .prop_map(|(count, rows)| SpendByDay { series: series(count), days: days(rows) })
}

proptest! {
    #[test]
    fn no_size_and_no_amount_panics(
        spend in any_spend(),
        width in prop_oneof![0..=200_u32, 200..=5_000_u32, any::<u32>()],
        height in prop_oneof![0..=100_u32, 100..=3_000_u32, any::<u32>()],
        cap in proptest::option::of(any::<i64>().prop_map(NanoUsd)),
        hide in proptest::sample::subsequence(vec!["openai", "groq", OTHER], 0..=3),
    ) {
        let chart = spend_by_day(&request(width, height, ChartTheme::Light, &hide), &spend, cap);
        prop_assert!(chart.svg.ends_with("</svg>\n"));
        let negative = ["x", "y", "width", "height"].iter().any(|name| chart.svg.contains(&format!(" {name}=\"-")));
        prop_assert!(!negative, "nothing lies left of or above the drawing");
        prop_assert!(chart.plot.w > 0 && chart.plot.h > 0);
        prop_assert_eq!(chart.slots.len(), spend.days.len());
        if let Some(last) = chart.slots.last() {
            prop_assert_eq!(last.x + last.w, chart.plot.x + chart.plot.w);
        }
        for slots in chart.slots.windows(2) {
            prop_assert_eq!(slots[0].x + slots[0].w, slots[1].x);
        }
        prop_assert_eq!(chart.totals.len(), chart.rows.len());
    }
}
