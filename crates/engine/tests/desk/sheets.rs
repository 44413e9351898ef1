//! What a spreadsheet makes of exports: the same sums as the report, read by a reader that is not ours, and no formula (C5).

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use calamine::{Data, Range, Reader, Xlsx, open_workbook};
use jiff::tz::TimeZone;
use patchbay_core::id::{CallId, ConnectionId};
use patchbay_core::ledger::{Origin, Outcome, Position, Series, UsageRow, UsageType};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Field, Filter, GroupBy, Relation};
use patchbay_core::time::zone;
use patchbay_core::usage::{Cost, CostSource, TokenUsage};
use patchbay_engine::desk::log;
use patchbay_engine::desk::usage::{self, ExportFormat, Figures, Selection};
use patchbay_engine::{Engine, VaultChoice, clock};
use patchbay_store::Store;

use crate::usage::{ZONES, engine, random_query};

const SHEETS: [&str; 3] = ["Summary", "By day", "Attempts"];
/// What begins a formula, and what hides one's beginning.
const STARTS: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

type Book = HashMap<String, Range<Data>>;

/// All sheets, and how many formulas are in them.
fn read(path: &Path) -> (Book, usize) {
    let mut book: Xlsx<_> = open_workbook(path).unwrap();
    let names = book.sheet_names();
    let formulas = names.iter().map(|name| book.worksheet_formula(name).unwrap().used_cells().count()).sum();
    (names.into_iter().map(|name| (name.clone(), book.worksheet_range(&name).unwrap())).collect(), formulas)
}

async fn written(engine: &Arc<Engine>, selection: Selection, format: ExportFormat, folder: &Path) -> PathBuf {
    let path = folder.join(format!("attempts.{}", format.ending()));
    usage::to_file(engine, selection, format, path.clone()).await.unwrap();
    path
}

#[tokio::test]
async fn c5_a_workbook_that_another_program_reads_tells_the_same_sums() {
    let (folder, engine) = engine(1_500).await;
    let rows = log::newest(&engine, Filter::default(), 10_000).await.unwrap();
    let mut rng = fastrand::Rng::with_seed(6);
    let mut with_any = 0;
    for round in 0..8 {
        let zone = zone(ZONES[round % ZONES.len()]).unwrap();
        let query = random_query(&mut rng, &rows, &zone, 40);
        let filter = query.filter(query.days.spans(clock::now(), &zone).unwrap().range);
        let report = usage::report(&engine, filter.clone(), None, zone.clone()).await.unwrap();
        let selection = Selection { filter, by: query.by, zone };
        let (book, formulas) = read(&written(&engine, selection, ExportFormat::Xlsx, folder.path()).await);
        assert_eq!((book.len(), formulas), (4, 0), "{query:?}");
        let expected = of_figures(&report.totals);
        assert_eq!(of_summary(&book["Summary"]), expected, "the summary: {query:?}");
        let groups = book.iter().find(|(name, _)| !SHEETS.contains(&name.as_str())).unwrap();
        for (name, sheet) in [groups, (&"By day".to_owned(), &book["By day"])] {
            assert_eq!(of_table(sheet, FIGURES), expected, "{name}: {query:?}");
        }
        let attempts =
            of_table(&book["Attempts"], ["final", "", "input_tokens", "output_tokens", "cost_nano_usd"]);
        let count = number(book["Attempts"].height() - 1);
        assert_eq!([attempts[0], count, attempts[2], attempts[3], attempts[4]], expected, "{query:?}");
        with_any += usize::from(report.totals.attempts > 0);
    }
    assert!(with_any > 3, "{with_any} filters found anything");
}

/// What the sheets of groups and of days call requests, attempts, tokens in and out, and nano-dollars.
const FIGURES: [&str; 5] = ["Requests", "Attempts", "Input tokens", "Output tokens", "Cost, nano-USD"];

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap()
}

fn of_figures(figures: &Figures) -> [i64; 5] {
    let count = |count: u64| i64::try_from(count).unwrap();
    [
        count(figures.calls),
        count(figures.attempts),
        count(figures.input_tokens),
        count(figures.output_tokens),
        figures.cost_nano_usd,
    ]
}

#[expect(clippy::cast_possible_truncation, reason = "a spreadsheet's whole numbers")]
fn cell(data: &Data) -> i64 {
    match data {
        Data::Float(number) => {
            assert!(number.fract() == 0.0, "{number}");
            *number as i64
        }
        Data::Int(number) => *number,
        Data::Bool(flag) => i64::from(*flag),
        Data::String(text) => text.parse().unwrap_or(0),
        _ => 0,
    }
}

fn of_summary(sheet: &Range<Data>) -> [i64; 5] {
    FIGURES.map(|name| {
        let row = sheet.rows().find(|row| row[0] == name).unwrap();
        cell(&row[1])
    })
}

/// The sums of these columns.
fn of_table(sheet: &Range<Data>, columns: [&str; 5]) -> [i64; 5] {
    let heads: Vec<&Data> = sheet.rows().next().unwrap().iter().collect();
    columns.map(|name| {
        let at = heads.iter().position(|head| **head == name);
        at.map_or(0, |at| sheet.rows().skip(1).map(|row| cell(&row[at])).sum())
    })
}

/// A row whose every text begins a formula.
fn hostile(number: u128, start: char, connection_id: ConnectionId) -> UsageRow {
    let text = |rest: &str| format!("{start}{rest}");
    UsageRow {
        call: CallId(uuid(number)),
        attempt: 1,
        at: clock::now(),
        series: Series {
            connection_id,
            connection_key: text("connection"),
            connection_name: text("HYPERLINK(\"http://x\",\"y\")"),
            provider: text("provider"),
            model: text("1+1"),
            app: text("cmd|' /C calc'!A0"),
            feature: text("feature"),
            profile: text("profile"),
            usage_type: UsageType::Chat,
            outcome: Outcome::Answered,
            origin: Origin::Real,
        },
        position: Position::Final,
        signal: Some(text("signal")),
        profile_version: None,
        requested_model: text("requested, \"quoted\""),
        credential_version: Some(1),
        usage: TokenUsage { input: Some(10), output: Some(2), ..TokenUsage::default() },
        cost: Cost { amount: Some(NanoUsd(1_000)), source: CostSource::Priced },
        total_ms: 900,
        first_token_ms: None,
        status: Some(200),
        error: None,
        message: None,
        finish_reason: Some(text("stop")),
        streamed: false,
        upstream_id: None,
        detours: None,
    }
}

fn uuid(number: u128) -> uuid::Uuid {
    uuid::Uuid::from_u128(number)
}

/// An engine whose ledger holds nothing but hostile rows.
fn hostile_engine(folder: &Path) -> Arc<Engine> {
    let engine = Engine::open(folder, VaultChoice::Memory).unwrap();
    let store = Store::open(folder).unwrap();
    for (number, start) in (1..).zip(STARTS) {
        let row = hostile(number, start, ConnectionId(1));
        store.write(move |db| patchbay_store::usage::append(db, &row)).unwrap();
    }
    engine
}

fn everything() -> Selection {
    Selection { filter: Filter::default(), by: GroupBy::App, zone: TimeZone::UTC }
}

/// The cells of CSV as a spreadsheet takes them apart.
pub fn csv_cells(text: &str) -> Vec<Vec<String>> {
    let (mut lines, mut cells, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = text.chars().peekable();
    while let Some(next) = rest.next() {
        match next {
            '"' if quoted && rest.peek() == Some(&'"') => cell.extend(rest.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !quoted && rest.peek() == Some(&'\n') => {}
            '\n' if !quoted => {
                cells.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut cells));
            }
            other => cell.push(other),
        }
    }
    lines
}

#[tokio::test]
async fn c5_no_cell_of_a_csv_file_begins_a_formula() {
    let folder = tempfile::tempdir().unwrap();
    let engine = hostile_engine(folder.path());
    let path = written(&engine, everything(), ExportFormat::Csv, folder.path()).await;
    let attempts = csv_cells(&std::fs::read_to_string(path).unwrap());
    let groups = usage::report(&engine, Filter::default(), Some(GroupBy::App), TimeZone::UTC).await.unwrap();
    let groups = csv_cells(&groups.to_csv());
    for (table, texts) in [(&attempts, 10), (&groups, 1)] {
        assert_eq!(table.len(), 1 + STARTS.len());
        for line in table {
            assert_eq!(line.len(), table[0].len(), "{line:?}");
            assert!(line.iter().all(|cell| !cell.starts_with(STARTS)), "{line:?}");
        }
        // They are all there, behind an apostrophe.
        for start in STARTS {
            let shown = table.iter().flatten().filter(|cell| cell.starts_with(&format!("'{start}")));
            assert_eq!(shown.count(), texts, "{start:?} in {table:?}");
        }
    }
}

#[tokio::test]
async fn c5_no_cell_of_a_workbook_is_a_formula_and_texts_are_what_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let engine = hostile_engine(folder.path());
    let only = hostile(1, '=', ConnectionId(1)).series.app;
    let filter = Filter::default().and(Field::App, Relation::IsNot, &format!("{only}, but not quite"));
    let selection = Selection { filter, ..everything() };
    let (book, formulas) = read(&written(&engine, selection, ExportFormat::Xlsx, folder.path()).await);
    assert_eq!(formulas, 0);
    let sheet = &book["Attempts"];
    assert_eq!(sheet.height(), 1 + STARTS.len());
    let at = sheet.rows().next().unwrap().iter().position(|head| *head == "app").unwrap();
    let shown: Vec<String> = sheet.rows().skip(1).map(|row| row[at].to_string()).collect();
    assert!(sheet.rows().skip(1).all(|row| matches!(row[0], Data::DateTime(_))), "a time is a time");
    for start in ['=', '+', '-', '@'] {
        let app = hostile(1, start, ConnectionId(1)).series.app;
        assert!(shown.contains(&app), "{app:?} in {shown:?}");
    }
    let groups: Vec<String> = book["By app"].rows().skip(1).map(|row| row[0].to_string()).collect();
    assert!(groups.contains(&only), "{groups:?}");
}
