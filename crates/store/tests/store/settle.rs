//! Days and months that are settled are only copies: every answer is the same with them and without them, whatever comes late.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::ledger::{Origin, UsageRow};
use patchbay_core::report::{Bucket, Column, Columns, Detail, Field, Filter, GroupBy, Relation, Totals};
use patchbay_core::time::{HOUR_MS, Range, Timestamp, day_range, zone};
use patchbay_store::rollup::settle::{self, Due, Kind};
use patchbay_store::{Db, Store, rollup, series, usage};

use crate::common::{NOW, answered, append, failed, store};

const DAY_MS: i64 = 24 * HOUR_MS;
/// Until [`NOW`]: clocks change in New York on 1 November 2026, on Lord Howe by half an hour on 4 October.
const DAYS: i64 = 75;
const ZONES: [&str; 4] = ["Asia/Kolkata", "Australia/Lord_Howe", "America/New_York", "UTC"];

fn in_zone(name: &str) -> TimeZone {
    zone(name).expect("a zone")
}

/// An attempt at a random time of those days, busier in some hours, of one of a few series.
fn random_row(rng: &mut fastrand::Rng, call: u128) -> UsageRow {
    let connection = ConnectionId(1 + rng.i64(0..3));
    let mut row = match rng.u8(0..8) {
        0 => failed(call, connection, Code::TimedOut),
        1 => failed(call, connection, Code::RateLimited),
        _ => answered(call, connection),
    };
    row.at = NOW.plus_ms(-rng.i64(0..DAYS) * DAY_MS - rng.i64(0..DAY_MS).min(rng.i64(0..DAY_MS)));
    row.series.app = ["bot", "digest", "guard"][rng.usize(0..3)].to_owned();
    row.series.provider = ["openai", "gemini"][rng.usize(0..2)].to_owned();
    row.total_ms = rng.u64(1..40_000);
    row.first_token_ms = rng.bool().then(|| rng.u64(1..3_000));
    row.signal = (rng.u8(0..3) == 0).then(|| format!("s{}", rng.u8(0..90)));
    row.usage.input = row.usage.input.map(|_| rng.u64(0..90_000));
    row.usage.cached = rng.bool().then(|| rng.u64(0..300));
    row.cost.amount = row.cost.amount.map(|_| patchbay_core::money::NanoUsd(rng.i64(0..90_000_000)));
    row
}

fn filled(rows: u128) -> (tempfile::TempDir, Store) {
    let (folder, store) = store();
    let mut rng = fastrand::Rng::with_seed(21);
    let rows: Vec<UsageRow> = (1..=rows).map(|call| random_row(&mut rng, call)).collect();
    store.write(move |db| usage::append_all(db, &rows)).expect("appended");
    (folder, store)
}

fn random_filter(rng: &mut fastrand::Rng) -> Filter {
    let from = NOW.plus_ms(-rng.i64(0..DAYS * DAY_MS));
    let mut filter = match rng.u8(0..4) {
        0 => Filter::default(),
        _ => Filter::during(Range { from, to: from.plus_ms(rng.i64(0..DAYS * DAY_MS)) }),
    };
    for (field, value) in [(Field::App, "bot"), (Field::Outcome, "answered"), (Field::Provider, "gemini")] {
        if rng.u8(0..3) == 0 {
            let relation = if rng.bool() { Relation::Is } else { Relation::IsNot };
            filter = filter.and(field, relation, value);
        }
    }
    filter
}

/// Every sum and every byte of the histograms.
fn told(totals: &Totals) -> String {
    let sums: Vec<u64> = Column::SUMS.into_iter().map(|column| totals.get(column)).collect();
    let bytes = |column| totals.histogram(column).expect("a histogram").to_bytes();
    let derived = (totals.succeeded, totals.failed, totals.answered_attempts);
    format!("{sums:?} {derived:?} {:?}", Column::HISTOGRAMS.map(bytes))
}

/// What a scan tells of each key, for all columns that were asked for.
fn by(
    db: &Db,
    filter: &Filter,
    columns: Columns,
    key: impl Fn(Timestamp) -> i64,
) -> BTreeMap<(i64, String), String> {
    let as_one = |span: Range| key(span.from) == key(span.to.plus_ms(-1));
    let mut sums: BTreeMap<(i64, String), Totals> = BTreeMap::new();
    let add = |bucket: &Bucket<'_>| {
        let labels = bucket.labels;
        let of = format!("{} {} {} {}", labels.connection, labels.app, labels.provider, labels.error);
        sums.entry((key(bucket.at), of)).or_default().add(bucket);
    };
    rollup::scan(db, filter, &Detail::spans(columns, &as_one), add).expect("read");
    sums.into_iter().map(|(key, totals)| (key, told(&totals))).collect()
}

fn at_hour(at: Timestamp) -> i64 {
    at.0.div_euclid(HOUR_MS)
}

/// All that can be asked under a filter.
fn answers(store: &Store, filter: &Filter, zone: &TimeZone) -> Vec<String> {
    let by_hour = Columns::of(&[Column::Calls, Column::Attempts, Column::Cost]);
    let ask = |db: &Db| {
        let mut answers = vec![told(&rollup::totals(db, filter)?)];
        for group in
            [GroupBy::App, GroupBy::Error, GroupBy::Day, GroupBy::Week, GroupBy::Month, GroupBy::Hour]
        {
            let groups = rollup::groups(db, filter, group, zone)?;
            answers.extend(groups.iter().map(|group| format!("{} {}", group.key, told(&group.totals))));
        }
        for columns in [by_hour, Columns::ALL] {
            let mut hours: BTreeMap<(i64, bool), Totals> = BTreeMap::new();
            let within = |span: Range| at_hour(span.from) == at_hour(span.to.plus_ms(-1));
            rollup::scan(db, filter, &Detail::spans(columns, &within).of_all(), |bucket| {
                let is_answer = bucket.labels.outcome == "answered";
                hours.entry((at_hour(bucket.at), is_answer)).or_default().add(bucket);
            })?;
            let told = hours.iter().map(|(key, totals)| (key, told(totals)));
            answers.push(format!("{:?}", told.collect::<Vec<_>>()));
        }
        let hour = |at: Timestamp| day_range(at.day(zone), zone).from.0 + i64::from(at.hour(zone));
        answers.push(format!("{:?}", by(db, filter, by_hour, hour)));
        answers.push(format!("{:?}", by(db, filter, Columns::ALL, hour)));
        answers.push(format!("{:?}", by(db, filter, by_hour, |at| at.0.div_euclid(5 * HOUR_MS))));
        answers.push(format!("{:?}", by(db, filter, Columns::of(&[Column::Latency]), |_| 0)));
        let range = filter.range.unwrap_or(Range { from: NOW.plus_ms(-DAYS * DAY_MS), to: NOW });
        for step in [HOUR_MS / 4, HOUR_MS, 7 * HOUR_MS, DAY_MS] {
            let tempo = usage::tempo(db, filter, usage::Counted::Attempts, range, step)?;
            answers.push(format!("{tempo:?}"));
        }
        answers.push(format!(
            "{:?} {:?}",
            rollup::by_model(db, range)?.keys(),
            rollup::by_profile(db, range)?
        ));
        Ok(answers)
    };
    store.read(ask).expect("read")
}

/// How many days and months are settled.
fn settled(store: &Store) -> (i64, i64) {
    let sql = "SELECT coalesce(sum(kind = 'day'), 0), coalesce(sum(kind = 'month'), 0) FROM settled WHERE is_whole = 1 AND of_all = 0";
    store.read(|db| Ok(db.query_row(sql, [], |row| row.try_into())?)).expect("read")
}

#[test]
fn t1_settled_days_and_months_tell_the_same_under_random_filters_in_every_zone() {
    let (_folder, store) = filled(1_200);
    let mut rng = fastrand::Rng::with_seed(4);
    for name in ZONES {
        let asked: Vec<(Filter, TimeZone)> = (0..9)
            .map(|_| (random_filter(&mut rng), in_zone(ZONES[rng.usize(0..ZONES.len())])))
            .chain([(Filter::default(), in_zone(name))])
            .collect();
        store.write(|db| Ok(db.execute("DELETE FROM settled", [])?)).expect("nothing is settled");
        let before: Vec<_> = asked.iter().map(|(filter, zone)| answers(&store, filter, zone)).collect();
        settle::run(&store, &in_zone(name), NOW).expect("settled");
        let (days, months) = settled(&store);
        assert!(days > DAYS - 3 && months == 2, "{days} days and {months} months in {name}");
        for ((filter, zone), before) in asked.iter().zip(before) {
            assert_eq!(answers(&store, filter, zone), before, "{filter:?} in a store settled in {name}");
        }
    }
}

#[test]
fn t1_what_is_settled_is_read_there() {
    let (_folder, store) = filled(600);
    let zone = in_zone("Australia/Lord_Howe");
    settle::run(&store, &zone, NOW).expect("settled");
    let days = Range { from: NOW.plus_ms(-60 * DAY_MS), to: NOW.plus_ms(-2 * DAY_MS) };
    let days = Range {
        from: day_range(days.from.day(&zone), &zone).from,
        to: day_range(days.to.day(&zone), &zone).to,
    };
    let filter = Filter::during(days).only(Field::App, "bot");
    let ask = |store: &Store| {
        let calls = Columns::of(&[Column::Calls]);
        let told = store.read(|db| {
            let whole = told(&rollup::totals(db, &filter)?);
            Ok((whole, by(db, &filter, calls, |at| at.0.div_euclid(HOUR_MS))))
        });
        told.expect("read")
    };
    let before = ask(&store);
    // Nobody but a test can take the quarters away from under it.
    store
        .write(|db| Ok(db.execute_batch("DROP TRIGGER rollup_delete_reopens; DELETE FROM rollup;")?))
        .expect("emptied");
    assert!(ask(&store) == before, "told from the quarters");
    assert!(before.1.len() > 50, "{} hours", before.1.len());
}

#[test]
fn t2_a_late_row_opens_its_day_and_its_month_again_and_no_other() {
    let (_folder, store) = filled(900);
    let zone = in_zone("America/New_York");
    settle::run(&store, &zone, NOW).expect("settled");
    let (days, months) = settled(&store);
    let late = UsageRow { at: NOW.plus_ms(-30 * DAY_MS), ..answered(1_000_000, ConnectionId(1)) };
    append(&store, [answered(1_000_001, ConnectionId(1))]);
    assert_eq!(settled(&store), (days, months), "a row of today changes nothing that is over");
    append(&store, [late]);
    assert_eq!(settled(&store), (days - 1, months - 1));
    let everything = store.read(|db| rollup::totals(db, &Filter::default())).expect("read");
    assert_eq!(everything.attempts, 902);
    assert_eq!(settle::run(&store, &zone, NOW).expect("again"), 3, "the day, its week and its month");
    assert_eq!(settle::run(&store, &zone, NOW).expect("nothing is left"), 0);
    let again = store.read(|db| rollup::totals(db, &Filter::default())).expect("read");
    assert_eq!(told(&again), told(&everything));
}

#[test]
fn t2_settling_may_end_after_any_step_and_every_answer_is_exact() {
    let (_folder, store) = filled(300);
    let zone = in_zone("Asia/Kolkata");
    let exact = answers(&store, &Filter::default(), &zone);
    let due = |kind| store.read(|db| settle::due(db, kind, &zone, NOW)).expect("read");
    for (kind, count) in [(Kind::Day, 5), (Kind::Week, 2), (Kind::Month, 1)] {
        for due in due(kind).into_iter().take(count) {
            let place = store.write(move |db| settle::begin(db, &due)).expect("a place");
            assert_eq!(answers(&store, &Filter::default(), &zone), exact, "a place alone");
            let summary = store.read(|db| settle::sum_up(db, &due)).expect("summed up");
            let filled = store.write(move |db| settle::end(db, place, &due, &summary)).expect("filled");
            assert!(filled);
            assert_eq!(answers(&store, &Filter::default(), &zone), exact, "{due:?}");
        }
    }
    // One that was left in the middle is taken up again.
    let left: Due = due(Kind::Day)[0];
    store.write(move |db| settle::begin(db, &left)).expect("a place");
    settle::run(&store, &zone, NOW).expect("settled");
    for kind in [Kind::Day, Kind::Week, Kind::Month] {
        assert_eq!(due(kind), Vec::new(), "{kind:?}");
    }
    assert_eq!(answers(&store, &Filter::default(), &zone), exact);
}

#[test]
fn t2_a_row_that_comes_while_its_day_is_summed_up_is_not_lost() {
    let (_folder, store) = filled(300);
    let zone = in_zone("UTC");
    let due = store.read(|db| settle::due(db, Kind::Day, &zone, NOW)).expect("read")[7];
    let place = store.write(move |db| settle::begin(db, &due)).expect("a place");
    let summary = store.read(|db| settle::sum_up(db, &due)).expect("summed up");
    append(&store, [UsageRow { at: due.span.from, ..answered(1_000_000, ConnectionId(1)) }]);
    assert!(!store.write(move |db| settle::end(db, place, &due, &summary)).expect("tried"));
    assert_eq!(
        (settled(&store), store.read(|db| rollup::totals(db, &Filter::default())).expect("read").attempts),
        ((0, 0), 301)
    );
}

#[test]
fn t2_what_is_removed_or_made_anew_is_not_told_from_copies() {
    let (_folder, store) = store();
    let sample = |n: u128| {
        let mut row = UsageRow {
            at: NOW.plus_ms(-i64::try_from(n).expect("few") * 7 * HOUR_MS),
            ..answered(n, ConnectionId(-1))
        };
        row.series.origin = Origin::Sample;
        row
    };
    append(&store, (1..200).map(sample));
    settle::run(&store, &in_zone("UTC"), NOW).expect("settled");
    let before = store.read(|db| rollup::totals(db, &Filter::default())).expect("read");
    store.write(rollup::rebuild).expect("made anew");
    assert_eq!(settled(&store), (0, 0));
    assert_eq!(told(&store.read(|db| rollup::totals(db, &Filter::default())).expect("read")), told(&before));
    settle::run(&store, &in_zone("UTC"), NOW).expect("settled again");
    while store.write(series::delete_some_sample).expect("removed") {}
    let after = store.read(|db| rollup::totals(db, &Filter::default())).expect("read");
    assert_eq!((after.attempts, settled(&store)), (0, (0, 0)));
    // A series that gets the id of one that is gone is not taken for it.
    append(&store, [failed(5_000, ConnectionId(2), Code::TimedOut)]);
    let groups = store.read(|db| rollup::groups(db, &Filter::default(), GroupBy::Outcome, &in_zone("UTC")));
    assert_eq!(groups.expect("read").iter().map(|group| group.key.as_str()).collect::<Vec<_>>(), ["failed"]);
}

#[test]
fn t1_days_of_a_zone_that_is_not_used_any_more_go() {
    let (_folder, store) = filled(400);
    settle::run(&store, &in_zone("America/New_York"), NOW).expect("settled");
    let there = settled(&store);
    settle::run(&store, &in_zone("Asia/Kolkata"), NOW).expect("settled anew");
    let starts = "SELECT count(*) FROM settled WHERE from_at % 86400000 <> 66600000";
    let foreign = store.read(|db| Ok(db.query_row(starts, [], |row| row.get::<_, i64>(0))?)).expect("read");
    assert_eq!(foreign, 0, "all begin at 18:30 UTC");
    assert!(settled(&store).0 >= there.0 - 1);
}
