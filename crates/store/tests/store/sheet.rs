//! The log page by page: whole, in order, whatever is appended meanwhile.

use std::collections::BTreeSet;

use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::ledger::{Position, UsageRow};
use patchbay_core::report::{Field, Filter, Relation};
use patchbay_core::time::{BUCKET_MS, HOUR_MS, Range, Timestamp, zone};
use patchbay_store::rollup::settle;
use patchbay_store::usage::{self, Counted, LogRow, Place, Sheet, Tempo};
use patchbay_store::{Store, rollup};

use crate::common::{NOW, answered, append, failed, store};

const SOMEONE: ConnectionId = ConnectionId(7);
/// Several attempts begin in each of these.
const STEP_MS: i64 = 700;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A call's only attempt, one of eleven combinations of labels; every third began in the same millisecond as the one before.
fn attempt(n: u32) -> UsageRow {
    let mut row = match n % 4 {
        0 => failed(u128::from(n) + 1, SOMEONE, Code::TimedOut),
        _ => answered(u128::from(n) + 1, SOMEONE),
    };
    row.at = NOW.plus_ms(i64::from(n - n % 3 / 2) * STEP_MS);
    row.series.app = ["mt5-signal-bot", "news-digest", "risk-guard"][n as usize % 3].to_owned();
    row.signal = n.is_multiple_of(5).then(|| format!("signal {}", n % 2));
    if n.is_multiple_of(7) {
        row.position = Position::Earlier;
    }
    row
}

fn filters() -> Vec<Filter> {
    let late = Range { from: NOW.plus_ms(20 * STEP_MS), to: NOW.plus_ms(60 * STEP_MS) };
    vec![
        Filter::default(),
        Filter::during(late),
        Filter::default().only(Field::App, "news-digest"),
        Filter::default().and(Field::App, Relation::IsNot, "news-digest").only(Field::Outcome, "answered"),
        Filter::during(late).only(Field::Error, "timed_out"),
        Filter::default().only(Field::Signal, "signal 1"),
        Filter::default().and(Field::Signal, Relation::IsNot, "signal 1").only(Field::App, "risk-guard"),
        Filter::default().only(Field::App, "nobody"),
    ]
}

fn place(row: &LogRow) -> Place {
    Place { at: row.at, id: row.id }
}

fn read(store: &Store, filter: &Filter, counted: Counted, below: Option<Place>, limit: usize) -> Vec<LogRow> {
    store.read(|db| usage::sheet(db, filter, &Sheet { counted, below, limit })).expect("a page")
}

/// All pages, one after the other; `between` runs after each.
fn pages(
    store: &Store,
    filter: &Filter,
    counted: Counted,
    limit: usize,
    mut between: impl FnMut(),
) -> Vec<LogRow> {
    let mut all: Vec<LogRow> = Vec::new();
    loop {
        let page = read(store, filter, counted, all.last().map(place), limit);
        let is_last = page.len() < limit;
        all.extend(page);
        between();
        if is_last {
            return all;
        }
    }
}

/// What the whole log has of a filter, the newest first.
fn expected(store: &Store, filter: &Filter, counted: Counted) -> Vec<LogRow> {
    let mut expected = Vec::new();
    let scanned = store.read(|db| {
        usage::scan(db, filter, |row| {
            expected.push(row);
            Ok(())
        })
    });
    scanned.expect("scanned");
    // Sums take a range to the quarter of an hour, the log to the millisecond.
    let is_inside = |at: Timestamp| filter.range.is_none_or(|range| range.from <= at && at < range.to);
    expected.retain(|row| is_inside(row.at) && (counted == Counted::Attempts || row.is_final));
    expected.reverse();
    expected
}

fn pages_are_the_log(store: &Store, filters: &[Filter], limits: &[usize]) {
    for filter in filters {
        for counted in [Counted::Attempts, Counted::Calls] {
            let expected = expected(store, filter, counted);
            for limit in limits {
                assert_eq!(pages(store, filter, counted, *limit, || {}), expected, "{filter:?} by {limit}");
            }
        }
    }
}

#[test]
fn c5_pages_are_together_the_log_under_every_filter_and_of_any_length() {
    let (_folder, store) = store();
    append(&store, (0..120).map(attempt));
    pages_are_the_log(&store, &filters(), &[1, 7, 120, 500]);
}

#[test]
fn c5_pages_find_what_is_far_apart_however_many_days_are_settled() {
    let (_folder, store) = store();
    // A crowd on some evenings, and single attempts between them.
    let at = |n: i64| match n % 40 {
        0..30 => NOW.plus_ms(n * STEP_MS - n / 40 * 9 * DAY_MS),
        apart => NOW.plus_ms(-(n / 40 * 9 * DAY_MS) - apart * 5 * HOUR_MS),
    };
    append(&store, (0..480).map(|n| UsageRow { at: at(i64::from(n)), ..attempt(n) }));
    let past = Range { from: NOW.plus_ms(-70 * DAY_MS - 7), to: NOW.plus_ms(-18 * DAY_MS + 9 * STEP_MS) };
    let mut all = filters();
    all.extend(filters().into_iter().map(|filter| Filter { range: Some(past), ..filter }));
    let zone = zone("Asia/Kathmandu").expect("a zone");
    for settled_until in [None, Some(-50), Some(-20), Some(1)] {
        if let Some(days) = settled_until {
            assert!(settle::run(&store, &zone, NOW.plus_ms(days * DAY_MS)).expect("settled") > 0);
        }
        pages_are_the_log(&store, &all, &[3, 50]);
    }
    // One that ended late takes its day, week and month out of what is settled.
    append(&store, [UsageRow { at: NOW.plus_ms(-27 * DAY_MS + 11), ..attempt(500) }]);
    pages_are_the_log(&store, &all, &[3, 50]);
}

#[test]
fn no_line_is_told_twice_or_missed_while_attempts_are_appended() {
    let (_folder, store) = store();
    append(&store, (0..60).map(attempt));
    for filter in filters() {
        let first: BTreeSet<i64> =
            read(&store, &filter, Counted::Attempts, None, 1_000).iter().map(|row| row.id).collect();
        let seen = store.read(usage::newest_id).expect("the newest row");
        let mut appended = 0_u32;
        let base = u32::try_from(seen).expect("few rows") * 10;
        let paged = pages(&store, &filter, Counted::Attempts, 5, || {
            // One that is newer than everything, and one that began long ago and ended only now.
            let newer = attempt(base + 60 + appended * 12);
            let late = UsageRow {
                at: NOW.plus_ms(i64::from(appended) * STEP_MS),
                ..attempt(base + 66 + appended * 12)
            };
            append(&store, [newer, late]);
            appended += 1;
        });
        let ids: Vec<i64> = paged.iter().map(|row| row.id).collect();
        let told: BTreeSet<i64> = ids.iter().copied().collect();
        assert_eq!(told.len(), ids.len(), "none twice: {filter:?}");
        assert!(first.is_subset(&told), "none missed: {filter:?}");
        assert!(paged.windows(2).all(|pair| place(&pair[0]) > place(&pair[1])), "in order: {filter:?}");
        // What pages do not tell of the new ones, the news does.
        let news =
            store.read(|db| usage::news(db, &filter, Counted::Attempts, seen, 10_000)).expect("the news");
        let all: BTreeSet<i64> =
            read(&store, &filter, Counted::Attempts, None, 10_000).iter().map(|row| row.id).collect();
        let both: BTreeSet<i64> = told.union(&news.iter().map(|row| row.id).collect()).copied().collect();
        assert_eq!(both, all, "{filter:?}");
    }
}

#[test]
fn news_come_in_the_order_in_which_they_were_appended_and_are_cut_without_loss() {
    let (_folder, store) = store();
    append(&store, (0..40).rev().map(attempt));
    let of_app = Filter::default().only(Field::App, "risk-guard");
    let (mut seen, mut told) = (0, Vec::new());
    loop {
        let news = store.read(|db| usage::news(db, &of_app, Counted::Calls, seen, 4)).expect("the news");
        let Some(last) = news.last() else { break };
        seen = last.id;
        told.extend(news);
    }
    assert!(told.windows(2).all(|pair| pair[0].id < pair[1].id));
    let mut paged = pages(&store, &of_app, Counted::Calls, 50, || {});
    paged.sort_by_key(|row| row.id);
    assert_eq!(told, paged);
}

#[test]
fn t1_bars_count_what_the_log_shows_from_rows_and_from_the_rollup_alike() {
    let (_folder, store) = store();
    append(&store, (0..4_000).map(attempt));
    let from = NOW.bucket();
    let range = Range { from, to: from.plus_ms(4 * BUCKET_MS) };
    for conditions in filters().into_iter().map(|filter| filter.conditions) {
        let filter = Filter { range: Some(range), conditions };
        for counted in [Counted::Attempts, Counted::Calls] {
            let count = |step_ms| {
                store.read(|db| usage::tempo(db, &filter, counted, range, step_ms)).expect("counted")
            };
            let (fine, whole) = (count(BUCKET_MS / 30), count(BUCKET_MS));
            let folded: Vec<Tempo> = fine
                .chunks(30)
                .map(|steps| Tempo {
                    answered: steps.iter().map(|step| step.answered).sum(),
                    failed: steps.iter().map(|step| step.failed).sum(),
                })
                .collect();
            assert_eq!(folded, whole, "{filter:?}");
            let lines = read(&store, &filter, counted, None, 10_000).len();
            assert_eq!(whole.iter().map(|step| (step.answered + step.failed) as usize).sum::<usize>(), lines);
        }
    }
    let all = store.read(|db| rollup::totals(db, &Filter::during(range))).expect("totals");
    assert!(all.attempts > 3_000, "the test is about something: {}", all.attempts);
}
