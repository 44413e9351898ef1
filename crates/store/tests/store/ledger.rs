//! The ledger: rows, their rollup, and what outlives what.

use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::ledger::{Origin, Outcome, Position, UsageRow};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Field, Filter, Group, GroupBy, Relation, Totals};
use patchbay_core::time::{BUCKET_MS, HOUR_MS, Range, Timestamp, day_range, parse_day, zone};
use patchbay_core::usage::{Cost, CostSource, TokenUsage};
use patchbay_store::usage::{LogRow, Page};
use patchbay_store::{Store, StoreError, connection, open_attempt, rollup, series, usage};

use crate::common::{NOW, answered, append, connect, failed, store};

const SOMEONE: ConnectionId = ConnectionId(7);

fn totals(store: &Store, filter: &Filter) -> Totals {
    store.read(|db| rollup::totals(db, filter)).expect("totals")
}

fn all(store: &Store) -> Totals {
    totals(store, &Filter::default())
}

fn groups(store: &Store, by: GroupBy, zone_name: &str) -> Vec<Group> {
    let zone = zone(zone_name).expect("a zone");
    store.read(|db| rollup::groups(db, &Filter::default(), by, &zone)).expect("groups")
}

fn log(store: &Store, filter: &Filter) -> Vec<LogRow> {
    store.read(|db| usage::log(db, filter, Page::Newest(1_000))).expect("the log")
}

fn count(store: &Store, table: &'static str) -> i64 {
    let sql = format!("SELECT count(*) FROM {table}");
    store.read(|db| Ok(db.query_row(&sql, [], |row| row.get(0))?)).expect("counts")
}

/// A row at another time.
fn at(row: UsageRow, at: Timestamp) -> UsageRow {
    UsageRow { at, ..row }
}

/// From one row of [`traffic`] to the next.
const STEP_MS: i64 = 45_000;

/// Calls of three days, some of them in each bucket, by two apps over several models and outcomes, with failover and
/// unknown costs.
fn traffic() -> Vec<UsageRow> {
    (0..120)
        .map(|n: u32| {
            let call = u128::from(n / 2 + 1);
            let mut row = match n % 5 {
                0 => failed(call, SOMEONE, Code::TimedOut),
                _ => answered(call, SOMEONE),
            };
            row.attempt = 1 + n % 2;
            row.position = if n % 2 == 1 { Position::Final } else { Position::Earlier };
            row.at = NOW.plus_ms(-i64::from(n) * STEP_MS - i64::from(n / 40) * 24 * HOUR_MS);
            row.total_ms = 100 + u64::from(n) * 37;
            row.series.model = ["gpt-5-mini", "gpt-5", "mystery"][n as usize % 3].to_owned();
            row.series.app = ["mt5-signal-bot", "news-digest"][n as usize % 2].to_owned();
            if row.series.model == "mystery" {
                row.cost = Cost::UNKNOWN;
            }
            row
        })
        .collect()
}

#[test]
fn c5_the_log_and_the_rollup_agree_under_every_filter() {
    let (_folder, store) = store();
    append(&store, traffic());
    for (name, value) in [
        ("", ""),
        ("model", "mystery"),
        ("app", "news-digest"),
        ("outcome", "answered"),
        ("outcome", "failed"),
        ("connection", "openai_primary"),
        ("provider", "openai"),
        ("feature", "signal_parsing"),
        ("app", "nobody"),
        ("app!", "news-digest"),
        ("error", "timed_out"),
        ("error!", ""),
        ("route", "failover"),
        ("type", "chat"),
        ("profile", ""),
    ] {
        let mut filter = Filter::default();
        assert!(name.is_empty() || filter.set(name, value));
        check_agreement(&store, &filter);
        // A span whose edges lie inside buckets.
        filter.range =
            Some(Range { from: NOW.plus_ms(-45 * STEP_MS - 24 * HOUR_MS), to: NOW.plus_ms(-5 * STEP_MS) });
        check_agreement(&store, &filter);
    }
}

fn check_agreement(store: &Store, filter: &Filter) {
    let rows = log(store, filter);
    let totals = totals(store, filter);
    let finals = |outcome: &str| {
        let counts = |row: &&LogRow| row.is_final && (row.outcome == "answered") == (outcome == "answered");
        rows.iter().filter(counts).count() as u64
    };
    let answers = rows.iter().filter(|row| row.outcome == "answered");
    assert_eq!(totals.attempts, rows.len() as u64, "{filter:?}");
    assert_eq!(totals.succeeded, finals("answered"), "{filter:?}");
    assert_eq!(totals.failed, finals("other"), "{filter:?}");
    assert_eq!(totals.calls, totals.succeeded + totals.failed);
    let saved = |row: &&LogRow| row.is_final && row.outcome == "answered" && row.attempt > 1;
    assert_eq!(totals.saved_by_failover, rows.iter().filter(saved).count() as u64);
    assert_eq!(totals.input_tokens, rows.iter().filter_map(|row| row.input_tokens).sum::<u64>());
    assert_eq!(totals.output_tokens, rows.iter().filter_map(|row| row.output_tokens).sum::<u64>());
    assert_eq!(totals.cost.0, rows.iter().filter_map(|row| row.cost_nano_usd).sum::<i64>());
    let unknown = rows.iter().filter(|row| row.cost_nano_usd.is_none()).count() as u64;
    assert_eq!(totals.unpriced_attempts, unknown);
    assert_eq!(totals.latency.count(), answers.count() as u64, "of answers only");
}

#[test]
fn c5_every_grouping_has_the_same_sums() {
    let (_folder, store) = store();
    append(&store, traffic());
    let whole = all(&store);
    for by in [
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
        GroupBy::Day,
        GroupBy::Week,
        GroupBy::Month,
        GroupBy::Hour,
    ] {
        let groups = groups(&store, by, "Asia/Kathmandu");
        let sum = |of: fn(&Totals) -> u64| groups.iter().map(|group| of(&group.totals)).sum::<u64>();
        assert_eq!(sum(|totals| totals.attempts), whole.attempts, "{by:?}");
        assert_eq!(sum(|totals| totals.calls), whole.calls, "{by:?}");
        assert_eq!(sum(|totals| totals.saved_by_failover), whole.saved_by_failover, "{by:?}");
        assert_eq!(groups.iter().map(|group| group.totals.cost).sum::<NanoUsd>(), whole.cost, "{by:?}");
    }
}

#[test]
fn c5_latency_of_failures_is_kept_apart() {
    let (_folder, store) = store();
    let slow = UsageRow { total_ms: 60_000, ..failed(2, SOMEONE, Code::TimedOut) };
    append(&store, [answered(1, SOMEONE), slow]);
    let p99 = all(&store).latency.percentile(99.0).expect("counted");
    assert!((890..=910).contains(&p99), "{p99}");
}

#[test]
fn c4_a_row_that_fails_leaves_neither_itself_nor_its_bucket() {
    let (_folder, store) = store();
    append(&store, [answered(1, SOMEONE)]);
    let twice = answered(1, SOMEONE);
    let impossible = UsageRow {
        cost: Cost { amount: None, source: CostSource::Priced },
        ..at(answered(2, SOMEONE), NOW.plus_ms(HOUR_MS))
    };
    for row in [twice, impossible] {
        assert!(store.write(move |db| usage::append(db, &row)).is_err());
    }
    // One that was whole, in work that failed afterwards.
    let undone = store.write(|db| {
        let mut row = at(answered(3, SOMEONE), NOW.plus_ms(HOUR_MS));
        row.series.feature = "never seen".to_owned();
        usage::append(db, &row)?;
        Err::<(), _>(StoreError::Closed)
    });
    assert!(undone.is_err());
    assert_eq!((count(&store, "usage"), count(&store, "rollup"), count(&store, "series")), (1, 1, 1));
    assert_eq!((all(&store).attempts, all(&store).cost), (1, NanoUsd(1_000_000)));
}

#[test]
fn c4_of_rows_that_are_entered_together_a_bad_one_fails_alone() {
    let (_folder, store) = store();
    let (told, heard) = std::sync::mpsc::channel();
    let bad = UsageRow { attempt: 0, ..answered(4, SOMEONE) };
    // The first job holds the writer until all rows are queued, so that they are one group.
    let (go, held) = std::sync::mpsc::channel::<()>();
    store.submit(move |_| Ok(held.recv().is_ok()), |_| {}).expect("queued");
    for row in [answered(1, SOMEONE), answered(2, SOMEONE), bad, answered(3, SOMEONE)] {
        let told = told.clone();
        store
            .enter(row, move |row, result| told.send((row.call, result.is_ok())).expect("heard"))
            .expect("queued");
    }
    go.send(()).expect("held");
    drop(told);
    let entered: Vec<_> = heard.iter().collect();
    let call = |number| answered(number, SOMEONE).call;
    assert_eq!(entered, [(call(1), true), (call(2), true), (call(4), false), (call(3), true)]);
    assert_eq!((all(&store).attempts, log(&store, &Filter::default()).len()), (3, 3));
    check_agreement(&store, &Filter::default());
}

#[test]
fn c4_the_ledger_is_append_only() {
    let (_folder, store) = store();
    append(&store, [answered(1, SOMEONE)]);
    let error =
        store.write(|db| Ok(db.execute("UPDATE usage SET cost_nano_usd = 0", [])?)).expect_err("refused");
    assert!(error.to_string().contains("append-only"), "{error}");
    assert_eq!(all(&store).cost, NanoUsd(1_000_000));
}

#[test]
fn c4_an_attempt_that_a_crash_cut_off_shows_as_interrupted() {
    let (_folder, store) = store();
    let dead = open_row(1);
    let alive = open_row(2);
    let done = open_row(3);
    let noted = [("dead", dead.clone()), ("alive", alive), ("dead", done)];
    store
        .write(move |db| noted.iter().try_for_each(|(owner, row)| open_attempt::open(db, owner, row)))
        .expect("noted");
    // The third got its row before the crash: it is not interrupted as well.
    append(&store, [answered(3, SOMEONE)]);

    for found in [1, 0] {
        let entered = store.write(|db| open_attempt::interrupt(db, "dead")).expect("entered");
        assert_eq!(entered, found);
    }
    let outcomes: Vec<_> =
        log(&store, &Filter::default()).into_iter().map(|row| (row.call, row.outcome)).collect();
    assert_eq!(outcomes.len(), 2);
    assert!(outcomes.contains(&(dead.call, "interrupted".to_owned())));
    assert_eq!(store.read(open_attempt::owners).expect("owners"), ["alive"]);
    assert_eq!((all(&store).succeeded, all(&store).failed), (1, 1));
}

fn open_row(call: u128) -> UsageRow {
    let mut row = answered(call, SOMEONE);
    row.series.outcome = Outcome::Interrupted;
    row.cost = Cost::UNKNOWN;
    row.usage = TokenUsage::default();
    row
}

#[test]
fn c4_the_ledger_survives_a_restart() {
    let (folder, store) = store();
    append(&store, traffic());
    let before = all(&store);
    drop(store);
    let store = Store::open(folder.path()).expect("opens again");
    let after = all(&store);
    assert_eq!((after.attempts, after.cost), (before.attempts, before.cost));
    assert_eq!(after.latency.percentile(95.0), before.latency.percentile(95.0));
}

#[test]
fn trap_7_deleting_a_connection_keeps_its_history() {
    let (_folder, store) = store();
    let id = connect(&store, "openai_primary").expect("added");
    append(&store, [answered(1, id), failed(2, id, Code::TimedOut)]);
    let before = log(&store, &Filter::default());
    store.write(move |db| connection::delete(db, id)).expect("deleted");
    assert_eq!(log(&store, &Filter::default()), before);
    assert_eq!(before[0].connection_name, "OpenAI primary");
    assert_eq!((all(&store).attempts, all(&store).cost), (2, NanoUsd(1_000_000)));
    // A call that was on its way meanwhile still gets its row.
    append(&store, [answered(3, id)]);
    assert_eq!(all(&store).attempts, 3);
    let next = connect(&store, "openai_primary").expect("the key is free again");
    assert_ne!(next, id, "but the id is not used again");
}

#[test]
fn c2_an_unknown_cost_is_counted_and_not_guessed() {
    let (_folder, store) = store();
    let unknown = UsageRow { cost: Cost::UNKNOWN, ..answered(2, SOMEONE) };
    append(&store, [answered(1, SOMEONE), unknown]);
    let totals = all(&store);
    assert_eq!((totals.attempts, totals.unpriced_attempts, totals.cost), (2, 1, NanoUsd(1_000_000)));
}

#[test]
fn t2_a_late_row_reopens_its_bucket() {
    let (_folder, store) = store();
    let early = NOW.bucket();
    append(&store, [at(answered(1, SOMEONE), early), at(answered(2, SOMEONE), NOW.plus_ms(9 * HOUR_MS))]);
    let late = UsageRow { total_ms: 5_000, ..at(answered(3, SOMEONE), early.plus_ms(BUCKET_MS - 1)) };
    append(&store, [late]);
    let bucket = Range { from: early, to: early.plus_ms(BUCKET_MS) };
    let totals = totals(&store, &Filter::during(bucket));
    assert_eq!((totals.attempts, totals.latency.count()), (2, 2));
    assert!(totals.latency.percentile(100.0).is_some_and(|ms| ms >= 5_000));
    assert_eq!(count(&store, "rollup"), 2);
}

#[test]
fn t1_days_have_as_many_hours_as_the_clock_gives_them() {
    for (zone_name, day, calls_there) in [
        ("America/New_York", "2026-11-01", 25),
        ("America/New_York", "2026-03-08", 23),
        ("Europe/Berlin", "2026-03-29", 23),
        // 24 hours and a half.
        ("Australia/Lord_Howe", "2026-04-05", 25),
        ("Asia/Kathmandu", "2026-11-01", 24),
    ] {
        let (_folder, store) = store();
        let day_is = parse_day(day).expect("a day");
        let range = day_range(day_is, &zone(zone_name).expect("a zone"));
        // One call an hour, from two hours before the day to two hours after it.
        let begins = (-2..).map(|hour| range.from.plus_ms(hour * HOUR_MS));
        let rows = begins.take_while(|begin| *begin < range.to.plus_ms(2 * HOUR_MS)).zip(1..);
        append(&store, rows.map(|(begin, call)| at(answered(call, SOMEONE), begin)));
        let groups = groups(&store, GroupBy::Day, zone_name);
        let calls: Vec<_> = groups.iter().map(|group| (group.key.as_str(), group.totals.calls)).collect();
        assert_eq!(calls[1], (day, calls_there), "{zone_name}");
        assert_eq!(totals(&store, &Filter::during(range)).calls, calls_there, "{zone_name}");
    }
}

#[test]
fn c5_the_log_is_followed_without_gap_and_without_repeat() {
    let (_folder, store) = store();
    append(&store, traffic());
    let mut seen = Vec::new();
    let mut last = 0;
    loop {
        let page = store.read(|db| usage::log(db, &Filter::default(), Page::After(last))).expect("a page");
        let Some(newest) = page.last() else { break };
        last = newest.id;
        seen.extend(page.into_iter().map(|row| row.id));
    }
    assert_eq!(seen.len(), 120);
    assert!(seen.is_sorted_by(|a, b| a < b));
    let newest = store.read(|db| usage::log(db, &Filter::default(), Page::Newest(2))).expect("a page");
    assert_eq!(newest.iter().map(|row| row.at).collect::<Vec<_>>(), [NOW, NOW.plus_ms(-STEP_MS)]);
}

#[test]
fn deleting_the_sample_leaves_real_rows() {
    let (_folder, store) = store();
    let mut sample = answered(2, SOMEONE);
    sample.series.origin = Origin::Sample;
    append(&store, [answered(1, SOMEONE), sample]);
    assert_eq!(all(&store).attempts, 2);
    assert!(store.read(series::has_sample).expect("read"));
    while store.write(series::delete_some_sample).expect("deleted") {}
    assert!(!store.read(series::has_sample).expect("read"));
    let rows = log(&store, &Filter::default());
    assert_eq!((rows.len(), all(&store).attempts), (1, 1));
    assert_eq!(rows[0].call, answered(1, SOMEONE).call);
}

#[test]
fn f9_health_counts_what_the_connection_is_to_blame_for() {
    let (_folder, store) = store();
    let id = connect(&store, "openai_primary").expect("added");
    let old = at(failed(100, id, Code::TimedOut), NOW.plus_ms(-25 * HOUR_MS));
    let mut elsewhere = failed(101, SOMEONE, Code::TimedOut);
    elsewhere.series.connection_key = "other".to_owned();
    append(&store, [old, elsewhere]);
    append(&store, (1..=3).map(|call| answered(call, id)));
    append(&store, [failed(4, id, Code::TimedOut), failed(5, id, Code::KeyRefused)]);
    // Trap 5: neither a bad prompt nor a limit hurts.
    append(&store, [failed(6, id, Code::BadRequest), failed(7, id, Code::RateLimited)]);
    let vitals = store.read(|db| usage::vitals(db, id, NOW)).expect("vitals");
    assert_eq!((vitals.answered, vitals.failed), (3, 2));
    // The window holds 50 attempts.
    append(&store, (10..70).map(|call| at(answered(call, id), NOW.plus_ms(1))));
    let vitals = store.read(|db| usage::vitals(db, id, NOW)).expect("vitals");
    assert_eq!((vitals.answered, vitals.failed), (50, 0));
}

#[test]
fn r3_limits_are_counted_by_what_was_sent() {
    let (_folder, store) = store();
    let id = connect(&store, "openai_primary").expect("added");
    let nothing_sent = UsageRow {
        status: None,
        cost: Cost::NOTHING,
        usage: TokenUsage::default(),
        ..failed(2, id, Code::VaultLocked)
    };
    let timed_out = UsageRow {
        status: None,
        cost: Cost::UNKNOWN,
        usage: TokenUsage::default(),
        ..failed(3, id, Code::TimedOut)
    };
    let early = at(answered(4, id), NOW.plus_ms(-1));
    append(&store, [answered(1, id), nothing_sent, timed_out, early]);
    let starts = store.read(|db| usage::starts(db, NOW)).expect("read");
    let start = |tokens| usage::Start {
        connection: id,
        app: "mt5-signal-bot".into(),
        profile: String::new(),
        is_final: true,
        at: NOW,
        tokens,
    };
    assert_eq!(starts, [start(1_200), start(0)]);
}

#[test]
fn t2_a_rollup_made_anew_is_the_same() {
    let (folder, store) = store();
    let signalled = traffic().into_iter().enumerate().map(|(n, mut row)| {
        row.signal = (n % 3 == 0).then(|| format!("eurusd-{}", n / 9));
        row.first_token_ms = (n % 2 == 0).then_some(40);
        row
    });
    append(&store, signalled);
    let before = buckets(&store);
    store.write(rollup::rebuild).expect("made anew");
    assert_eq!(buckets(&store), before);
    // A store whose rollup is gone fills it when it is opened.
    store.write(|db| Ok(db.execute("DELETE FROM rollup", [])?)).expect("emptied");
    drop(store);
    let store = Store::open(folder.path()).expect("opens again");
    assert_eq!(buckets(&store), before);
}

/// The whole rollup, byte by byte.
fn buckets(store: &Store) -> Vec<(i64, i64, Vec<i64>, String)> {
    let sql = "SELECT bucket, series_id, attempts, calls, saved_calls, input_tokens, output_tokens, cost_nano_usd,
                   unpriced_attempts, signals, signal_cost_nano_usd, hex(latency) || hex(first_token) || hex(sizes)
               FROM rollup ORDER BY bucket, series_id";
    store
        .read(|db| {
            let mut statement = db.prepare(sql)?;
            let rows = statement.query_map([], |row| {
                let counts = (2..11).map(|column| row.get(column)).collect::<Result<_, _>>()?;
                Ok((row.get(0)?, row.get(1)?, counts, row.get(11)?))
            })?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })
        .expect("read")
}

#[test]
fn c5_signals_are_counted_once_and_found_again() {
    let (_folder, store) = store();
    let of = |call, signal: &str| UsageRow { signal: Some(signal.to_owned()), ..answered(call, SOMEONE) };
    append(&store, [of(1, "a"), of(2, "a"), of(3, "b"), answered(4, SOMEONE)]);
    let whole = all(&store);
    assert_eq!((whole.signals, whole.signal_cost), (2, NanoUsd(3_000_000)));
    assert_eq!(whole.per_signal(), Some(NanoUsd(1_500_000)));
    for (filter, calls) in [
        (Filter::default().only(Field::Signal, "a"), 2),
        (Filter::default().only(Field::Signal, ""), 1),
        (Filter::default().and(Field::Signal, Relation::IsNot, "a"), 2),
        (Filter::default().and(Field::Signal, Relation::IsNot, ""), 3),
        (Filter::default().only(Field::Signal, "a").only(Field::App, "nobody"), 0),
    ] {
        assert_eq!(log(&store, &filter).len(), calls, "{filter:?}");
        check_agreement(&store, &filter);
    }
}

#[test]
fn the_newest_that_fits_is_found_whatever_the_range() {
    let (_folder, store) = store();
    let old = UsageRow {
        signal: Some("a".to_owned()),
        ..at(answered(1, SOMEONE), NOW.plus_ms(-90 * 24 * HOUR_MS))
    };
    append(&store, [old, failed(2, SOMEONE, Code::TimedOut)]);
    let newest = |filter: Filter| store.read(|db| rollup::newest(db, &filter)).expect("read");
    let long_ago = Some(NOW.plus_ms(-90 * 24 * HOUR_MS).bucket());
    assert_eq!(newest(Filter::default()), Some(NOW.bucket()));
    assert_eq!(newest(Filter::default().only(Field::Outcome, "answered")), long_ago);
    assert_eq!(newest(Filter::default().only(Field::Signal, "a")), long_ago);
    assert_eq!(newest(Filter::default().only(Field::App, "nobody")), None);
}
