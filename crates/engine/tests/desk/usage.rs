//! One filter, one answer: the log, cards, charts, groups and every kind of file tell the same sums (C5), whatever the filter,
//! in zones with and without daylight saving, and in those that are off by half an hour and by three quarters.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::RowAccessor;
use patchbay_core::chart::{Chart, ChartRequest, ChartTheme};
use patchbay_core::money::NanoUsd;
use patchbay_core::profile::{Spec, SpecTarget};
use patchbay_core::report::{Condition, Field, Filter, GroupBy, Relation};
use patchbay_core::time::zone;
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::desk::profiles::{self, Heirs, ProfileDraft};
use patchbay_engine::desk::usage::{self, ChartKind, Days, ExportFormat, Selection, TriedPrice, UsageQuery};
use patchbay_engine::desk::{log, retention};
use patchbay_engine::{Engine, VaultChoice, clock, desk};
use patchbay_store::Store;
use serde_json::Value;
use tempfile::TempDir;

const DAYS: u32 = 45;
pub const ZONES: [&str; 4] = ["America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin"];
pub const LABELS: [GroupBy; 10] = [
    GroupBy::Connection,
    GroupBy::Provider,
    GroupBy::Model,
    GroupBy::Feature,
    GroupBy::App,
    GroupBy::Profile,
    GroupBy::Type,
    GroupBy::Outcome,
    GroupBy::Error,
    GroupBy::Route,
];
const TIMES: [GroupBy; 4] = [GroupBy::Day, GroupBy::Week, GroupBy::Month, GroupBy::Hour];

pub async fn engine(attempts: u32) -> (TempDir, Arc<Engine>) {
    engine_with(attempts, DAYS).await
}

async fn engine_with(attempts: u32, days: u32) -> (TempDir, Arc<Engine>) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), VaultChoice::Memory).unwrap();
    let options = SampleOptions { attempts, days, seed: 5 };
    desk::demo::load(&engine, options, TimeZone::UTC).await.unwrap();
    (folder, engine)
}

/// What every place has to say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    attempts: u64,
    calls: u64,
    input: u64,
    output: u64,
    cost: i64,
    unpriced: u64,
}

impl Sums {
    fn add(&mut self, is_final: bool, tokens: (Option<u64>, Option<u64>), cost: Option<i64>) {
        self.attempts += 1;
        self.calls += u64::from(is_final);
        self.input += tokens.0.unwrap_or(0);
        self.output += tokens.1.unwrap_or(0);
        self.cost += cost.unwrap_or(0);
        self.unpriced += u64::from(cost.is_none());
    }
}

/// A filter of up to three conditions, each on values that occur; some on a signal, some on what nobody has.
fn random_filter(rng: &mut fastrand::Rng, rows: &[log::Line]) -> Vec<Condition> {
    let mut filter = Filter::default();
    for _ in 0..rng.usize(0..4) {
        let row = &rows[rng.usize(0..rows.len())];
        let (field, value) = match rng.usize(0..9) {
            0 => (Field::Connection, row.connection.clone()),
            1 => (Field::Provider, row.provider.clone()),
            2 => (Field::Model, row.model.clone()),
            3 => (Field::Feature, row.feature.clone()),
            4 => (Field::App, row.app.clone()),
            5 => (Field::Outcome, row.outcome.clone()),
            6 => (Field::Error, row.error_class.clone().unwrap_or_default()),
            7 => (Field::Signal, row.signal.clone().unwrap_or_default()),
            _ => (Field::Route, if row.attempt > 1 { "failover" } else { "direct" }.to_owned()),
        };
        let relation = if rng.u8(0..4) == 0 { Relation::IsNot } else { Relation::Is };
        filter = filter.and(field, relation, &value);
    }
    filter.conditions
}

fn random_days(rng: &mut fastrand::Rng, zone: &TimeZone, within: i64) -> Days {
    let today = clock::now().day(zone);
    let back = |days: i64| today.saturating_sub(jiff::Span::new().days(days)).to_string();
    let last = rng.i64(0..within);
    Days::Between { from: back(last + rng.i64(0..within / 2)), to: back(last) }
}

pub fn random_query(rng: &mut fastrand::Rng, rows: &[log::Line], zone: &TimeZone, within: i64) -> UsageQuery {
    UsageQuery {
        days: random_days(rng, zone, within),
        conditions: random_filter(rng, rows),
        by: LABELS[rng.usize(0..LABELS.len())],
    }
}

#[tokio::test]
async fn c5_the_log_cards_charts_and_files_tell_the_same_under_random_filters() {
    let (folder, engine) = engine(3_000).await;
    let rows = log::newest(&engine, Filter::default(), 10_000).await.unwrap();
    let mut rng = fastrand::Rng::with_seed(20_261_130);
    let mut with_any = 0;
    for round in 0..24 {
        let zone = zone(ZONES[round % ZONES.len()]).unwrap();
        let query = random_query(&mut rng, &rows, &zone, 40);
        let sums = check(&engine, folder.path(), &query, &zone).await;
        with_any += usize::from(sums.attempts > 0);
    }
    assert!(with_any > 8, "{with_any} filters found anything");
}

#[tokio::test]
async fn t3_the_same_is_told_before_and_after_old_attempts_are_archived() {
    let (folder, engine) = engine_with(2_400, 170).await;
    let rows = log::newest(&engine, Filter::default(), 10_000).await.unwrap();
    let mut rng = fastrand::Rng::with_seed(3);
    let mut told = Vec::new();
    for round in 0..10 {
        let zone = zone(ZONES[round % ZONES.len()]).unwrap();
        let query = random_query(&mut rng, &rows, &zone, 165);
        let view = usage::view(&engine, query.clone(), zone.clone()).await.unwrap();
        told.push((check(&engine, folder.path(), &query, &zone).await, figures(&view), query, zone));
    }
    let moved = retention::run(&engine).await.unwrap();
    assert!(
        moved.attempts > 400 && log::newest(&engine, Filter::default(), 10_000).await.unwrap().len() < 2_000
    );
    for (sums, before, query, zone) in told {
        assert_eq!(check(&engine, folder.path(), &query, &zone).await, sums, "{query:?}");
        let view = usage::view(&engine, query.clone(), zone).await.unwrap();
        assert_eq!(figures(&view), before, "{query:?}");
    }
}

#[tokio::test]
async fn t1_every_figure_and_every_chart_is_the_same_before_and_after_days_are_settled() {
    let (folder, engine) = engine_with(2_400, 170).await;
    let rows = log::newest(&engine, Filter::default(), 10_000).await.unwrap();
    let mut rng = fastrand::Rng::with_seed(11);
    for name in ZONES {
        desk::budgets::set_zone(&engine, name.to_owned()).await.unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.write(|db| Ok(db.execute("DELETE FROM settled", [])?)).unwrap();
        let zone = zone(name).unwrap();
        let queries: Vec<_> = (0..5).map(|_| random_query(&mut rng, &rows, &zone, 165)).collect();
        let mut told = Vec::new();
        for query in &queries {
            told.push((
                check(&engine, folder.path(), query, &zone).await,
                screens(&engine, query, &zone).await,
            ));
        }
        let settled = usage::settle(&engine).await.unwrap();
        assert!(settled > 165, "{settled} days and months of {name}");
        for (query, (sums, before)) in queries.iter().zip(told) {
            assert_eq!(check(&engine, folder.path(), query, &zone).await, sums, "{query:?} in {name}");
            let after = screens(&engine, query, &zone).await;
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before, after, "{query:?} in {name}");
            }
        }
    }
}

/// Both screens, apart from paces, and every chart.
async fn screens(engine: &Arc<Engine>, query: &UsageQuery, zone: &TimeZone) -> Vec<Value> {
    let view = usage::view(engine, query.clone(), zone.clone()).await.unwrap();
    let overview = desk::overview::overview(engine, zone.clone()).await.unwrap();
    let (models, nothing) = (vec!["openai/gpt-5-mini".to_owned()], Vec::new());
    let compared = usage::what_if(engine, query.clone(), models, None, zone.clone()).await.unwrap();
    let suggested = usage::what_if(engine, query.clone(), nothing, None, zone.clone()).await.unwrap();
    let mut told = vec![
        figures(&view),
        serde_json::json!([overview.today, overview.before, overview.calls_by_hour, overview.p95_by_hour]),
        serde_json::json!([overview.spend_30d, overview.spend_prior_30d, overview.unpriced]),
        serde_json::json!([overview.top_apps, overview.top_features]),
        serde_json::json!([compared, suggested]),
    ];
    let request = ChartRequest { width: 600, height: 200, theme: ChartTheme::Dark, hidden: Vec::new() };
    for kind in ChartKind::ALL {
        let chart = usage::chart(engine, kind, query.clone(), request.clone(), zone.clone()).await.unwrap();
        told.push(serde_json::json!(chart));
    }
    told
}

/// What the screen shows, apart from paces, which go with the clock.
fn figures(view: &usage::UsageView) -> serde_json::Value {
    serde_json::json!([view.totals, view.prior, view.groups, view.causes, view.last_activity])
}

async fn check(engine: &Arc<Engine>, folder: &Path, query: &UsageQuery, zone: &TimeZone) -> Sums {
    let range = query.days.spans(clock::now(), zone).unwrap().range;
    let filter = query.filter(range);
    let mut sums = Sums::default();
    for row in log::newest_of_all(engine, filter.clone(), 100_000).await.unwrap() {
        sums.add(row.is_final, (row.input_tokens, row.output_tokens), row.cost_nano_usd);
    }
    let report = |by| usage::report(engine, filter.clone(), by, zone.clone());
    assert_eq!(of_figures(&report(None).await.unwrap().totals), sums, "{query:?}");
    for by in LABELS.into_iter().chain(TIMES) {
        let groups = report(Some(by)).await.unwrap().groups;
        let all = groups.iter().map(|group| of_figures(&group.figures)).fold(Sums::default(), plus);
        assert_eq!(all, sums, "by {by:?}: {query:?}");
    }
    check_screen(engine, query, zone, sums).await;
    check_files(engine, folder, query, zone, sums).await;
    sums
}

fn of_figures(figures: &usage::Figures) -> Sums {
    Sums {
        attempts: figures.attempts,
        calls: figures.calls,
        input: figures.input_tokens,
        output: figures.output_tokens,
        cost: figures.cost_nano_usd,
        unpriced: figures.unpriced_attempts,
    }
}

fn plus(a: Sums, b: Sums) -> Sums {
    Sums {
        attempts: a.attempts + b.attempts,
        calls: a.calls + b.calls,
        input: a.input + b.input,
        output: a.output + b.output,
        cost: a.cost + b.cost,
        unpriced: a.unpriced + b.unpriced,
    }
}

fn of_totals(totals: &usage::Totals) -> Sums {
    Sums {
        attempts: totals.attempts.into(),
        calls: totals.calls.into(),
        input: totals.input_tokens,
        output: totals.output_tokens,
        cost: nano(&totals.cost.0),
        unpriced: totals.unpriced_attempts.into(),
    }
}

pub fn nano(dollars: &str) -> i64 {
    NanoUsd::from_decimal(dollars).unwrap().0
}

async fn check_screen(engine: &Arc<Engine>, query: &UsageQuery, zone: &TimeZone, sums: Sums) {
    let view = usage::view(engine, query.clone(), zone.clone()).await.unwrap();
    assert_eq!(of_totals(&view.totals), sums, "the cards: {query:?}");
    let groups = view.groups.iter().map(|group| of_totals(&group.totals)).fold(Sums::default(), plus);
    assert_eq!(groups, sums, "the table: {query:?}");
    let causes: u32 = view.causes.iter().map(|cause| cause.attempts).sum();
    assert_eq!(causes, view.totals.failed_attempts, "the causes: {query:?}");
    let request = ChartRequest { width: 600, height: 200, theme: ChartTheme::Dark, hidden: Vec::new() };
    let draw = |kind| usage::chart(engine, kind, query.clone(), request.clone(), zone.clone());
    let total = |chart: &Chart| chart.totals.iter().flatten().map(String::as_str).map(nano).sum::<i64>();
    let whole = 1_000_000_000;
    assert_eq!(total(&draw(ChartKind::Spend).await.unwrap()), sums.cost, "spend: {query:?}");
    let tokens = i64::try_from(sums.input + sums.output).unwrap();
    assert_eq!(total(&draw(ChartKind::Tokens).await.unwrap()) / whole, tokens, "tokens: {query:?}");
    let errors = total(&draw(ChartKind::Errors).await.unwrap()) / whole;
    assert_eq!(errors, i64::from(view.totals.failed_attempts), "errors: {query:?}");
}

async fn check_files(engine: &Arc<Engine>, folder: &Path, query: &UsageQuery, zone: &TimeZone, sums: Sums) {
    let range = query.days.spans(clock::now(), zone).unwrap().range;
    let written = async |format: ExportFormat| {
        let selection = Selection { filter: query.filter(range), by: query.by, zone: zone.clone() };
        let path = folder.join(format!("attempts.{}", format.ending()));
        let done = usage::to_file(engine, selection, format, path.clone()).await.unwrap();
        assert_eq!(u64::from(done.entries), sums.attempts, "{format:?}: {query:?}");
        path
    };
    assert_eq!(of_csv(&written(ExportFormat::Csv).await), sums, "CSV: {query:?}");
    assert_eq!(of_json(&written(ExportFormat::Json).await), sums, "JSON: {query:?}");
    assert_eq!(of_parquet(&written(ExportFormat::Parquet).await), sums, "Parquet: {query:?}");
}

fn of_csv(path: &Path) -> Sums {
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.split("\r\n").filter(|line| !line.is_empty());
    let heading: Vec<&str> = lines.next().unwrap().split(',').collect();
    let at = |name: &str| heading.iter().position(|column| *column == name).unwrap();
    let mut sums = Sums::default();
    for line in lines {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), heading.len(), "{line}");
        let number = |name: &str| cells[at(name)].parse::<i64>().ok();
        let count = |name: &str| number(name).map(|count| u64::try_from(count).unwrap());
        let cost = number("cost_nano_usd");
        assert_eq!(cost, (!cells[at("cost_usd")].is_empty()).then(|| nano(cells[at("cost_usd")])));
        sums.add(cells[at("final")] == "true", (count("input_tokens"), count("output_tokens")), cost);
    }
    sums
}

fn of_json(path: &Path) -> Sums {
    let rows: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut sums = Sums::default();
    for row in rows {
        let tokens = (row["input_tokens"].as_u64(), row["output_tokens"].as_u64());
        sums.add(row["final"].as_bool().unwrap(), tokens, row["cost_nano_usd"].as_i64());
    }
    sums
}

fn of_parquet(path: &Path) -> Sums {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let columns = reader.metadata().file_metadata().schema_descr().columns().to_vec();
    let at = |name: &str| columns.iter().position(|column| column.name() == name).unwrap();
    let mut sums = Sums::default();
    for row in reader.get_row_iter(None).unwrap() {
        let row = row.unwrap();
        let count = |name: &str| row.get_long(at(name)).ok().map(|count| u64::try_from(count).unwrap());
        let tokens = (count("input_tokens"), count("output_tokens"));
        sums.add(row.get_bool(at("final")).unwrap(), tokens, row.get_long(at("cost_nano_usd")).ok());
    }
    sums
}

#[tokio::test]
async fn c2_the_same_traffic_elsewhere_is_priced_by_its_tokens() {
    let (_folder, engine) = engine(600).await;
    let query = UsageQuery { days: Days::Last { days: DAYS }, conditions: Vec::new(), by: GroupBy::Provider };
    let price = TriedPrice { input: "2".to_owned(), output: "10".to_owned() };
    let models = vec!["openai/gpt-5-mini".to_owned(), "nobody/nothing".to_owned()];
    let compared = usage::what_if(&engine, query.clone(), models, Some(price), TimeZone::UTC).await.unwrap();
    let view = usage::view(&engine, query.clone(), TimeZone::UTC).await.unwrap();
    assert_eq!(compared.actual, view.totals.cost);
    let row = |id: &str| compared.rows.iter().find(|row| row.id == id).unwrap();
    let tried = nano(&row("").cost.as_ref().unwrap().0);
    let (input, output) = (view.totals.input_tokens, view.totals.output_tokens);
    assert_eq!(tried, i64::try_from(input * 2_000 + output * 10_000).unwrap());
    assert!(row("openai/gpt-5-mini").cost.is_some() && row("openai/gpt-5-mini").too_long.is_some());
    let unknown = row("nobody/nothing");
    assert!(unknown.cost.is_none() && unknown.too_long.is_none() && unknown.p50_ms.is_none());
    assert!(compared.options.iter().any(|option| option.id == "openai/gpt-5-mini"));

    let suggested = usage::what_if(&engine, query.clone(), Vec::new(), None, TimeZone::UTC).await.unwrap();
    assert!(!suggested.rows.is_empty() && suggested.rows.iter().any(|row| row.p95_ms.is_some()));
    let refused =
        usage::what_if(&engine, query, vec!["gpt-5".into()], None, TimeZone::UTC).await.unwrap_err();
    assert!(refused.message.contains("names no model") && !refused.hint.is_empty());
}

#[tokio::test]
async fn c2_the_same_traffic_as_a_profile_would_send_it_is_priced_at_its_first_step() {
    let (_folder, engine) = engine(600).await;
    let target =
        |model: &str| SpecTarget { provider: Some("openai".into()), connection: None, model: model.into() };
    let spec = Spec { targets: vec![target("gpt-5-mini"), target("gpt-5")], ..Spec::default() };
    let draft = ProfileDraft { name: "scan".into(), spec, note: String::new() };
    profiles::add(&engine, draft).await.unwrap();
    let query = UsageQuery { days: Days::Last { days: DAYS }, conditions: Vec::new(), by: GroupBy::Provider };
    let ask = async |ids: &[&str]| {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        usage::what_if(&engine, query.clone(), ids, None, TimeZone::UTC).await
    };
    let compared = ask(&["profile:scan", "openai/gpt-5-mini"]).await.unwrap();
    let row = |id: &str| compared.rows.iter().find(|row| row.id == id).unwrap();
    let (profile, model) = (row("profile:scan"), row("openai/gpt-5-mini"));
    assert_eq!((&profile.cost, profile.too_long), (&model.cost, model.too_long));
    assert!(profile.cost.is_some() && profile.p50_ms.is_none(), "nobody called it yet");
    assert_eq!((profile.model.as_str(), profile.first_step.as_deref()), ("scan", Some("openai/gpt-5-mini")));
    assert_eq!(model.first_step, None);
    assert!(compared.options.iter().any(|option| option.id == "profile:scan" && option.is_profile));

    profiles::archive(&engine, "scan", Heirs::Block).await.unwrap();
    for gone in ["profile:scan", "profile:nobody"] {
        let refused = ask(&[gone]).await.unwrap_err();
        assert!(refused.message.contains("no profile") && !refused.hint.is_empty(), "{refused}");
    }
}

#[tokio::test]
async fn c5_a_statement_and_a_workbook_are_whole_files() {
    let (_folder, engine) = engine(600).await;
    let written = usage::statement_to_folder(&engine, "mt5-signal-bot".into(), None, TimeZone::UTC).await;
    let page = std::fs::read_to_string(written.unwrap().path).unwrap();
    assert!(page.contains("mt5-signal-bot") && page.contains("By model") && !page.contains("<script"));
    let nobody = usage::statement_to_folder(&engine, "nobody".into(), None, TimeZone::UTC).await.unwrap_err();
    assert!(nobody.message.contains("made no calls"), "{nobody}");

    let query = UsageQuery { days: Days::Last { days: 7 }, conditions: Vec::new(), by: GroupBy::App };
    let book = usage::to_folder(&engine, query, ExportFormat::Xlsx, TimeZone::UTC).await.unwrap();
    assert!(std::fs::read(&book.path).unwrap().starts_with(b"PK"), "{}", book.path);
}
