//! Old rows move to files, and nothing that is told of them changes (T3).

use std::fs;
use std::path::Path;

use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::ledger::{Origin, Position, UsageRow};
use patchbay_core::report::{Field, Filter, GroupBy, Relation};
use patchbay_core::time::{HOUR_MS, Range, Timestamp, zone};
use patchbay_store::archive::{self, Plan};
use patchbay_store::usage::{self, Counted, LogRow, Page, Place, Sheet};
use patchbay_store::{Store, booked, rollup, series, space};
use tempfile::TempDir;

use crate::common::{NOW, answered, append, failed, store};

const SOMEONE: ConnectionId = ConnectionId(7);
const DAY_MS: i64 = 24 * HOUR_MS;
const CUT: Timestamp = Timestamp(NOW.0 - 90 * DAY_MS);

/// Calls of 200 days, some of two attempts, in signals of three calls each, one of which goes on for months.
fn traffic() -> Vec<UsageRow> {
    let row = |n: u32| {
        let call = u128::from(n / 2 + 1);
        let mut row =
            if n.is_multiple_of(5) { failed(call, SOMEONE, Code::TimedOut) } else { answered(call, SOMEONE) };
        row.attempt = 1 + n % 2;
        row.position = if n % 2 == 1 { Position::Final } else { Position::Earlier };
        row.at = NOW.plus_ms(i64::from(n) * 200 * DAY_MS / 600 - 200 * DAY_MS);
        row.total_ms = 100 + u64::from(n) * 37;
        row.signal = match n % 7 {
            0 => Some("a-long-one".to_owned()),
            1..4 => Some(format!("signal-{}", n / 9)),
            _ => None,
        };
        row.series.app = ["mt5-signal-bot", "news-digest"][n as usize % 2].to_owned();
        row.series.model = ["gpt-5-mini", "gpt-5", "mystery"][n as usize % 3].to_owned();
        row
    };
    (0..600).map(row).collect()
}

fn filled() -> (TempDir, Store) {
    let (folder, store) = store();
    store.write(|db| usage::append_all(db, &traffic())).expect("appended");
    (folder, store)
}

fn filters() -> Vec<Filter> {
    let all = Filter::default;
    let span = Range { from: NOW.plus_ms(-150 * DAY_MS), to: NOW.plus_ms(-60 * DAY_MS) };
    vec![
        all(),
        all().only(Field::App, "news-digest"),
        all().only(Field::Outcome, "failed"),
        all().only(Field::Route, "failover").only(Field::Type, "chat"),
        all().only(Field::Signal, "a-long-one"),
        all().only(Field::Signal, "signal-3").and(Field::Signal, Relation::Is, "signal-60"),
        all().and(Field::Signal, Relation::IsNot, "a-long-one"),
        all().only(Field::Signal, ""),
        Filter::during(span),
        Filter::during(span).only(Field::Model, "mystery"),
        Filter::during(span).only(Field::Signal, "a-long-one"),
    ]
}

/// Everything that is told of a filter, as text.
fn told(store: &Store, filter: &Filter) -> String {
    let read = store.read(|db| {
        let zone = zone("Asia/Kathmandu").expect("a zone");
        let totals = rollup::totals(db, filter)?;
        let mut text = format!(
            "{:?} {:?} {:?}\n",
            totals.latency.percentile(95.0),
            totals.sizes.count(),
            rollup::newest(db, filter)?
        );
        for by in [GroupBy::Day, GroupBy::App, GroupBy::Error] {
            for group in rollup::groups(db, filter, by, &zone)? {
                let sums = group.totals;
                text += &format!(
                    "{} {} {} {} {} {} {} {} {}\n",
                    group.key,
                    sums.calls,
                    sums.attempts,
                    sums.input_tokens,
                    sums.output_tokens,
                    sums.cost,
                    sums.unpriced_attempts,
                    sums.signals,
                    sums.saved_by_failover
                );
            }
        }
        usage::scan(db, filter, |row| {
            text += &format!("{row:?}\n");
            Ok(())
        })?;
        Ok(text)
    });
    read.expect("read")
}

fn all_told(store: &Store) -> Vec<String> {
    filters().iter().map(|filter| told(store, filter)).collect()
}

/// Enough to see a row that is lost or counts twice.
fn briefly(store: &Store) -> [String; 2] {
    [Filter::default(), Filter::default().only(Field::Signal, "a-long-one")]
        .map(|filter| told(store, &filter))
}

fn plans(store: &Store, cut: Timestamp) -> Vec<Plan> {
    store.read(|db| archive::plan(db, cut)).expect("a plan")
}

/// Moves what began before, and calls `step` after each of its steps.
fn move_rows(store: &Store, cut: Timestamp, mut step: impl FnMut(&str)) {
    let finish = |step: &mut dyn FnMut(&str)| {
        for id in store.read(archive::unfinished).expect("read") {
            while store.write(move |db| archive::delete_some(db, id)).expect("deleted") {
                step("some deleted");
            }
            step("all deleted");
        }
    };
    finish(&mut step);
    for plan in plans(store, cut) {
        let draft = store.read(|db| archive::draft(db, &plan, NOW)).expect("written");
        step("written");
        store.write(move |db| archive::note(db, &draft)).expect("noted");
        step("noted");
        finish(&mut step);
    }
    while store.write(space::give_back_some).expect("given back") {}
}

fn in_ledger(store: &Store) -> Vec<LogRow> {
    store.read(|db| usage::log(db, &Filter::default(), Page::Newest(10_000))).expect("the log")
}

#[test]
fn t3_old_rows_move_to_one_file_a_month_and_all_that_is_told_stays_the_same() {
    let (folder, store) = filled();
    let before = all_told(&store);
    let planned = plans(&store, CUT);
    move_rows(&store, CUT, |_| {});
    assert_eq!(all_told(&store), before);
    assert!(in_ledger(&store).iter().all(|row| row.at >= CUT.bucket()));
    let archives = store.read(archive::all).expect("read");
    let months: Vec<_> = archives.iter().map(|archive| archive.month.as_str()).collect();
    assert_eq!(months, ["2026-05", "2026-06", "2026-07", "2026-08"]);
    let (files, rows, bytes) = archive::sum_of(&archives);
    assert_eq!((files, rows), (4, planned.iter().map(|plan| plan.rows).sum()));
    assert_eq!(rows + in_ledger(&store).len() as u64, 600);
    let on_disk =
        |archive: &archive::Archive| fs::metadata(folder.path().join(archive::FOLDER).join(&archive.file));
    assert_eq!(archives.iter().map(|archive| on_disk(archive).expect("there").len()).sum::<u64>(), bytes);
    assert!(plans(&store, CUT).is_empty() && store.read(archive::verify).expect("checked").is_empty());
}

#[test]
fn t3_limits_and_budgets_of_long_periods_count_what_was_archived() {
    let (_folder, store) = filled();
    let month = Range { from: Timestamp(1_785_542_400_000), to: Timestamp(1_788_220_800_000) };
    let since = NOW.plus_ms(-120 * DAY_MS - 7);
    let counted = || {
        let read = store.read(|db| Ok((usage::starts(db, since)?, booked::during(db, month)?)));
        read.expect("read")
    };
    let before = counted();
    let (starts, booked) = &before;
    assert!(starts.iter().any(|start| start.at < CUT) && starts.is_sorted_by_key(|start| start.at));
    assert!(starts[0].at >= since && starts.len() > 250 && starts.len() < 360, "{}", starts.len());
    assert!(booked.iter().map(|row| row.requests).sum::<u64>() > 80);
    move_rows(&store, CUT, |step| assert!(counted() == before, "{step}"));
    assert!(in_ledger(&store).iter().all(|row| row.at >= CUT.bucket()));
    assert!(counted() == before);
}

#[test]
fn t3_archived_rows_are_paged_like_others() {
    let (_folder, store) = filled();
    let mut whole = in_ledger(&store);
    move_rows(&store, CUT, |_| {});
    let mut paged: Vec<LogRow> = Vec::new();
    loop {
        let before = paged.last().map(|row| (row.at, row.id));
        let page = store.read(|db| usage::page(db, &Filter::default(), before, 70)).expect("a page");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, whole);
    whole.retain(|row| row.at < CUT.bucket());
    let archived = store.read(|db| archive::rows(db, &Filter::default(), None, 1_000)).expect("read");
    assert_eq!(archived, whole);
    let old = traffic().remove(1);
    let call = store.read(|db| usage::of_call(db, old.call, Some(old.at))).expect("read");
    assert_eq!(
        call.iter().map(|row| (row.call, row.attempt)).collect::<Vec<_>>(),
        [(old.call, 1), (old.call, 2)]
    );
}

/// The log as the window reads it, page by page.
fn paged(store: &Store, filter: &Filter, counted: Counted, limit: usize) -> Vec<LogRow> {
    let mut all: Vec<LogRow> = Vec::new();
    loop {
        let below = all.last().map(|row| Place { at: row.at, id: row.id });
        let page =
            store.read(|db| usage::sheet(db, filter, &Sheet { counted, below, limit })).expect("a page");
        let is_last = page.len() < limit;
        all.extend(page);
        if is_last {
            return all;
        }
    }
}

#[test]
fn t3_the_log_goes_on_in_archives_under_every_filter() {
    let (_folder, store) = filled();
    let asked: Vec<(Filter, Counted)> = filters()
        .into_iter()
        .flat_map(|filter| [Counted::Calls, Counted::Attempts].map(|counted| (filter.clone(), counted)))
        .collect();
    let read =
        || asked.iter().map(|(filter, counted)| paged(&store, filter, *counted, 23)).collect::<Vec<_>>();
    let before = read();
    move_rows(&store, CUT, |_| {
        let everything = paged(&store, &Filter::default(), Counted::Attempts, 600);
        assert_eq!(everything.len(), 600, "between the steps of a move, too");
    });
    let mut late = answered(9_001, SOMEONE);
    late.at = NOW.plus_ms(-120 * DAY_MS);
    for ((filter, counted), (after, before)) in asked.iter().zip(read().iter().zip(&before)) {
        assert_eq!(after, before, "{counted:?} of {filter:?}");
    }
    append(&store, [late.clone()]);
    let everything = paged(&store, &Filter::default(), Counted::Attempts, 41);
    assert_eq!(everything.len(), 601);
    assert!(
        everything.is_sorted_by(|a, b| (a.at, a.id) > (b.at, b.id)),
        "one that is old and in the ledger stands among them"
    );
}

#[test]
fn t3_a_day_later_the_months_file_is_written_anew_and_late_rows_find_their_place() {
    let (folder, store) = filled();
    move_rows(&store, CUT, |_| {});
    let mut late = answered(9_001, SOMEONE);
    late.at = NOW.plus_ms(-120 * DAY_MS);
    late.signal = Some("a-long-one".to_owned());
    append(&store, [late, answered(9_002, SOMEONE)]);
    let before = all_told(&store);
    move_rows(&store, CUT.plus_ms(DAY_MS), |_| {});
    assert_eq!(all_told(&store), before);
    let archives = store.read(archive::all).expect("read");
    let versions: Vec<_> = archives.iter().map(|archive| (archive.month.as_str(), archive.version)).collect();
    assert_eq!(versions, [("2026-05", 1), ("2026-06", 1), ("2026-07", 2), ("2026-08", 2)]);
    // Who reads the file before may go on: it is swept when nobody can be at it any more.
    store.read(archive::sweep).expect("swept");
    let files = folder.path().join(archive::FOLDER);
    assert!(files.join("2026-08.v1.parquet").exists());
    let hours_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(2);
    let old = fs::File::options().append(true).open(files.join("2026-08.v1.parquet")).expect("opens");
    old.set_modified(hours_ago).expect("made older");
    store.read(archive::sweep).expect("swept");
    assert!(!files.join("2026-08.v1.parquet").exists() && files.join("2026-08.v2.parquet").exists());
}

/// What a `kill -9` at this moment would leave behind.
fn image(data: &Path) -> TempDir {
    let copy = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(copy.path().join(archive::FOLDER)).expect("a folder");
    for from in [data.to_owned(), data.join(archive::FOLDER)] {
        for file in fs::read_dir(from).into_iter().flatten().map(Result::unwrap) {
            let path = file.path();
            if path.is_file() && path.extension().is_none_or(|ending| ending != "db-shm") {
                fs::copy(&path, copy.path().join(path.strip_prefix(data).unwrap())).expect("copied");
            }
        }
    }
    copy
}

#[test]
fn t3_a_crash_at_any_step_loses_nothing_and_doubles_nothing() {
    let (folder, store) = filled();
    let before = briefly(&store);
    let mut images = Vec::new();
    for cut in [CUT, CUT.plus_ms(3 * DAY_MS)] {
        move_rows(&store, cut, |step| images.push((step.to_owned(), image(folder.path()))));
    }
    assert!(images.len() >= 20, "{} steps", images.len());
    for (step, image) in images {
        let store = Store::open(image.path()).expect("opens");
        assert_eq!(briefly(&store), before, "after \"{step}\"");
        move_rows(&store, CUT.plus_ms(3 * DAY_MS), |_| {});
        assert_eq!(briefly(&store), before, "after \"{step}\", and at the end");
        assert!(store.read(archive::unfinished).expect("read").is_empty());
    }
}

#[test]
fn t3_rows_go_only_after_their_rollup() {
    let (folder, store) = filled();
    store
        .write(|db| Ok(db.execute("DELETE FROM rollup WHERE bucket = (SELECT min(bucket) FROM rollup)", [])?))
        .expect("damaged");
    let plan = plans(&store, CUT).remove(0);
    let refused = store.read(|db| archive::draft(db, &plan, NOW)).expect_err("refused");
    assert!(refused.to_string().contains("2026-05"), "{refused}");
    assert_eq!(fs::read_dir(folder.path().join(archive::FOLDER)).expect("a folder").count(), 0);
}

#[test]
fn t2_a_rollup_made_anew_counts_archived_rows() {
    let (folder, store) = filled();
    move_rows(&store, CUT, |_| {});
    let before = all_told(&store);
    store.write(rollup::rebuild).expect("made anew");
    assert_eq!(all_told(&store), before);
    store.write(|db| Ok(db.execute("DELETE FROM rollup", [])?)).expect("emptied");
    drop(store);
    assert_eq!(all_told(&Store::open(folder.path()).expect("opens")), before);
}

#[test]
fn t3_the_disk_really_shrinks() {
    let (folder, store) = store();
    let rows = |n: u32| {
        let mut row = answered(u128::from(n) + 1, SOMEONE);
        row.at = NOW.plus_ms(i64::from(n) * 100 - 120 * DAY_MS);
        row.message = Some("x".repeat(400));
        row
    };
    for n in 0..10 {
        store
            .write(move |db| {
                usage::append_all(db, &(n * 1_000..(n + 1) * 1_000).map(rows).collect::<Vec<_>>())
            })
            .expect("appended");
    }
    append(&store, [answered(99_999, SOMEONE)]);
    let before = store.read(space::used).expect("read");
    move_rows(&store, CUT, |_| {});
    let after = store.read(space::used).expect("read");
    assert_eq!(after.free, 0);
    assert!(after.file * 3 < before.file, "{before:?} {after:?}");
    drop(store);
    assert_eq!(fs::metadata(folder.path().join("patchbay.db")).expect("there").len(), after.file);
}

#[test]
fn t3_an_archive_that_is_damaged_or_gone_is_told() {
    let (folder, store) = filled();
    move_rows(&store, CUT, |_| {});
    let files = folder.path().join(archive::FOLDER);
    let mut bytes = fs::read(files.join("2026-06.v1.parquet")).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(files.join("2026-06.v1.parquet"), bytes).expect("damaged");
    fs::remove_file(files.join("2026-07.v1.parquet")).expect("removed");
    let bad = store.read(archive::verify).expect("checked");
    let months: Vec<_> = bad.iter().map(|(archive, _)| archive.month.as_str()).collect();
    assert_eq!(months, ["2026-06", "2026-07"]);
    let refused = store.read(|db| usage::scan(db, &Filter::default(), |_| Ok(()))).expect_err("refused");
    assert!(refused.to_string().contains("2026-0"), "{refused}");
}

#[test]
fn t3_clearing_the_sample_clears_its_archives_and_no_others() {
    let (_folder, store) = store();
    let rows = |origin: Origin, first: u128| {
        traffic().into_iter().take(300).map(move |mut row| {
            row.series.origin = origin;
            row.call = answered(u128::from(row.attempt) + first + u128::from(row.total_ms) * 4, SOMEONE).call;
            row
        })
    };
    let real: Vec<UsageRow> = rows(Origin::Real, 0).collect();
    let sample: Vec<UsageRow> = rows(Origin::Sample, 1 << 90).collect();
    store.write(move |db| usage::append_all(db, &real)).expect("appended");
    let before = told(&store, &Filter::default());
    store.write(move |db| usage::append_all(db, &sample)).expect("appended");
    append(&store, [answered(77, SOMEONE)]);
    move_rows(&store, NOW.plus_ms(-1), |_| {});
    let archives = store.read(archive::all).expect("read");
    assert!(archives.iter().any(|archive| archive.sample) && archives.iter().any(|archive| !archive.sample));
    while store.write(series::delete_some_sample).expect("deleted") {}
    assert!(store.read(archive::all).expect("read").iter().all(|archive| !archive.sample));
    let rows = told(&store, &Filter::during(Range { from: Timestamp(0), to: NOW.plus_ms(-DAY_MS) }));
    assert_eq!(rows.lines().filter(|line| line.starts_with("LogRow")).count(), 300);
    assert_eq!(before.lines().filter(|line| line.starts_with("LogRow")).count(), 300);
}

#[test]
fn t4_an_attempt_is_entered_while_old_ones_are_deleted() {
    let (_folder, store) = store();
    let rows: Vec<UsageRow> = (0..3_500_u32)
        .map(|n| UsageRow {
            at: NOW.plus_ms(-110 * DAY_MS + i64::from(n)),
            ..answered(u128::from(n) + 1, SOMEONE)
        })
        .collect();
    store.write(move |db| usage::append_all(db, &rows)).expect("appended");
    append(&store, [answered(88_000, SOMEONE)]);
    let mut between = 0;
    move_rows(&store, CUT, |step| {
        if step == "some deleted" {
            between += 1;
            append(&store, [answered(90_000 + between, SOMEONE)]);
        }
    });
    assert_eq!(between, 4, "a thousand rows at a time");
    assert_eq!(in_ledger(&store).len(), 5);
}
