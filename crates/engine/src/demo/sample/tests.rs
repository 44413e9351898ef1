use std::collections::{BTreeMap, HashSet};

use jiff::civil::Weekday;
use patchbay_core::ledger::{Origin, Outcome};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Filter, GroupBy};
use patchbay_core::time::zone;
use patchbay_core::usage::CostSource;
use patchbay_store::rollup;

use super::*;

/// 2026-11-20, a Friday, 10:42 in New York.
const NOW: Timestamp = Timestamp(1_795_189_320_000);

fn new_york() -> TimeZone {
    zone("America/New_York").expect("a zone")
}

fn made(options: SampleOptions) -> Vec<UsageRow> {
    rows(options, NOW, &new_york()).collect()
}

fn few(attempts: u32) -> SampleOptions {
    SampleOptions { attempts, ..SampleOptions::default() }
}

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("opens");
    (folder, store)
}

#[test]
fn the_same_seed_makes_the_same_rows_and_another_others() {
    assert_eq!(made(few(500)), made(few(500)));
    let other = made(SampleOptions { seed: 2, ..few(500) });
    assert_ne!(made(few(500)), other);
    let calls: HashSet<_> = made(few(500)).iter().map(|row| row.call).collect();
    assert!(other.iter().all(|row| !calls.contains(&row.call)));
}

#[test]
fn there_are_exactly_as_many_rows_as_asked_for() {
    for attempts in [0, 1, 7, 5_000] {
        assert_eq!(made(few(attempts)).len(), attempts as usize);
    }
    for days in [0, 1, 400, u32::MAX] {
        assert_eq!(made(SampleOptions { days, ..few(100) }).len(), 100, "{days} days");
    }
}

#[test]
fn rows_are_well_formed() {
    let rows = made(SampleOptions::default());
    let earliest = patchbay_core::time::last_days(NOW, 30, &new_york())[0].1.from;
    let keys: HashSet<_> = rows.iter().map(|row| (row.call, row.attempt)).collect();
    assert_eq!(keys.len(), rows.len());
    for row in &rows {
        assert!(row.at >= earliest && row.at.plus_ms(row.total_ms.cast_signed()) <= NOW, "{row:?}");
        assert_eq!(row.series.origin, Origin::Sample);
        assert!(row.series.connection_id.0 < 0, "never a real connection");
        assert_eq!(row.cost.amount.is_none(), row.cost.source == CostSource::Unknown);
        assert!(row.usage.cached <= row.usage.input && row.usage.reasoning <= row.usage.output);
        assert_eq!(row.error.is_none(), row.series.outcome == Outcome::Answered);
    }
    let finals = rows.iter().filter(|row| row.position == Position::Final).count();
    let calls: HashSet<_> = rows.iter().map(|row| row.call).collect();
    assert_eq!(finals, calls.len(), "every call ends once");
}

#[test]
fn the_month_looks_like_a_month() {
    let rows = made(SampleOptions::default());
    let share = |found: &dyn Fn(&&UsageRow) -> bool| rows.iter().filter(found).count() * 10_000 / rows.len();
    let failed = share(&|row| row.series.outcome == Outcome::Failed);
    assert!((30..=110).contains(&failed), "{failed} of 10,000 fail");
    assert!(share(&|row| row.series.outcome == Outcome::Limited) > 50);
    assert!(share(&|row| row.saved_its_call()) > 70);
    assert!(share(&|row| row.cost.source == CostSource::Unknown) > 0);
    assert!(share(&|row| row.cost.source == CostSource::Reported) > 200);
    let providers: HashSet<_> = rows.iter().map(|row| row.series.provider.as_str()).collect();
    assert_eq!(providers, HashSet::from(["openai", "anthropic", "gemini", "openrouter", "ollama"]));
    let connections: HashSet<_> = rows.iter().map(|row| row.series.connection_id).collect();
    assert_eq!(connections.len(), 7);
}

#[test]
fn weekdays_cost_between_three_and_twelve_dollars() {
    let mut days: BTreeMap<_, NanoUsd> = BTreeMap::new();
    let rows = made(SampleOptions::default());
    for row in &rows {
        *days.entry(row.at.day(&new_york())).or_default() += row.cost.amount.unwrap_or_default();
    }
    assert_eq!(days.len(), 30);
    days.pop_last();
    for (day, spent) in days {
        let dollars = spent.0 / 1_000_000_000;
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        let usual = if weekend { 0..2 } else { 3..12 };
        assert!(usual.contains(&dollars), "{day}: {spent}");
    }
}

#[test]
fn c5_totals_of_the_rollup_are_the_sums_of_the_rows() {
    let (_folder, store) = store();
    let options = few(3_000);
    assert_eq!(load(&store, options, NOW, &new_york()).expect("loads"), 3_000);
    let rows = made(options);
    let totals = store.read(|db| rollup::totals(db, &Filter::default())).expect("totals");
    assert_eq!(totals.attempts, 3_000);
    let finals = || rows.iter().filter(|row| row.position == Position::Final);
    assert_eq!(totals.calls, finals().count() as u64);
    let answered = finals().filter(|row| row.series.outcome == Outcome::Answered).count() as u64;
    assert_eq!((totals.succeeded, totals.failed), (answered, totals.calls - answered));
    assert_eq!(totals.input_tokens, rows.iter().filter_map(|row| row.usage.input).sum::<u64>());
    assert_eq!(totals.output_tokens, rows.iter().filter_map(|row| row.usage.output).sum::<u64>());
    assert_eq!(totals.cost, rows.iter().filter_map(|row| row.cost.amount).sum());
    let saved = rows.iter().filter(|row| row.saved_its_call()).count() as u64;
    assert_eq!(totals.saved_by_failover, saved);
    assert_eq!(
        totals.latency.count(),
        rows.iter().filter(|row| row.series.outcome == Outcome::Answered).count() as u64
    );
    let days =
        store.read(|db| rollup::groups(db, &Filter::default(), GroupBy::Day, &new_york())).expect("days");
    assert_eq!(days.iter().map(|day| day.totals.cost).sum::<NanoUsd>(), totals.cost);
}

#[test]
fn loading_again_replaces_and_clearing_leaves_real_rows_untouched() {
    let (_folder, store) = store();
    let mut real = made(few(1)).remove(0);
    real.series.origin = Origin::Real;
    let kept = real.clone();
    store.write(move |db| usage::append(db, &real)).expect("appended");
    let attempts = || store.read(|db| rollup::totals(db, &Filter::default())).expect("totals").attempts;
    for _ in 0..2 {
        load(&store, few(300), NOW, &new_york()).expect("loads");
        assert_eq!(attempts(), 301);
    }
    assert!(store.read(series::has_sample).expect("read"));
    clear(&store).expect("cleared");
    assert!(!store.read(series::has_sample).expect("read"));
    let rows = store.read(|db| usage::of_call(db, kept.call, None)).expect("read");
    assert_eq!((rows.len(), attempts()), (1, 1));
    assert_eq!(rows[0].cost_nano_usd, kept.cost.amount.map(|amount| amount.0));
}

#[test]
fn a_desks_years_are_well_formed_and_the_same_for_a_seed() {
    let options = SampleOptions { attempts: 40_000, days: 200, seed: 3 };
    let made = || cast_rows(desk::cast(), options, NOW, &new_york()).collect::<Vec<_>>();
    let rows = made();
    assert!(rows == made() && rows.len() == 40_000);
    let calls: HashSet<_> = rows.iter().map(|row| (row.call, row.attempt)).collect();
    assert_eq!(calls.len(), rows.len());
    let connections: HashSet<_> = rows.iter().map(|row| row.series.connection_id).collect();
    assert_eq!(connections.len(), 40);
    let retried = rows.iter().filter(|row| row.attempt > 1).count();
    let weekend =
        |row: &&UsageRow| matches!(row.at.day(&new_york()).weekday(), Weekday::Saturday | Weekday::Sunday);
    assert!(retried > 100 && rows.iter().filter(weekend).count() * 10 < rows.len());
}

#[test]
fn c5_rows_that_come_together_are_counted_like_rows_that_come_one_by_one() {
    let (_one, singly) = store();
    let (_all, together) = store();
    let rows = made(few(400));
    for row in rows.clone() {
        singly.write(move |db| usage::append(db, &row)).expect("appended");
    }
    let halves: Vec<Vec<UsageRow>> = rows.chunks(170).map(<[UsageRow]>::to_vec).collect();
    for half in halves {
        together.write(move |db| usage::append_all(db, &half)).expect("appended");
    }
    let sql = "SELECT group_concat(bucket || ' ' || series_id || ' ' || attempts || ' ' || calls || ' ' || cost_nano_usd || ' '
        || signals || ' ' || hex(latency) || hex(first_token) || hex(sizes), ';') FROM rollup";
    let all = |store: &Store| {
        store.read(|db| Ok(db.query_row(sql, [], |row| row.get::<_, String>(0))?)).expect("read")
    };
    assert_eq!(all(&singly), all(&together));
}
