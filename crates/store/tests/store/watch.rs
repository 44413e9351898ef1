//! Alerts and what budgets are told, in a real database.

use patchbay_core::alert::{AlertKind, AlertState, MOST_OPEN, News, Severity, Sign, Step};
use patchbay_core::ledger::{Origin, Outcome};
use patchbay_core::money::NanoUsd;
use patchbay_core::time::{Range, Timestamp};
use patchbay_store::alert::{self, Which};
use patchbay_store::{Store, booked, usage};

use crate::common::{NOW, answered, connect, store};

fn take(store: &Store, kind: AlertKind, subject: &str, sign: Sign, at: Timestamp) -> Step {
    let news = News::new(kind, subject, sign);
    store.write(move |db| alert::take(db, &news, None, at)).expect("taken")
}

fn warn() -> Sign {
    Sign::raise(Severity::Warn, "title".into(), "evidence")
}

fn open(store: &Store) -> Vec<alert::AlertRow> {
    store.read(|db| alert::list(db, Which::Lasting)).expect("a list")
}

#[test]
fn n2_an_alert_is_told_once_by_whoever_claims_it_and_again_when_it_is_graver() {
    let (_folder, store) = store();
    let claim = || store.write(|db| alert::claim_untold(db, NOW)).expect("claimed").len();
    assert_eq!(take(&store, AlertKind::Loop, "bot", warn(), NOW), Step::Open);
    assert_eq!((claim(), claim()), (1, 0));
    assert_eq!(take(&store, AlertKind::Loop, "bot", warn(), NOW.plus_ms(1)), Step::Renew);
    assert_eq!(claim(), 0);
    let id = open(&store)[0].id;
    store.write(move |db| alert::acknowledge(db, id, NOW)).expect("seen");
    let worse = Sign::raise(Severity::Bad, "title".into(), "worse");
    assert_eq!(take(&store, AlertKind::Loop, "bot", worse, NOW.plus_ms(2)), Step::Reopen);
    assert_eq!((claim(), open(&store)[0].state), (1, AlertState::Open));
    assert_eq!(take(&store, AlertKind::Loop, "bot", Sign::Clear, NOW.plus_ms(3)), Step::Close);
    assert_eq!(take(&store, AlertKind::Loop, "bot", Sign::Clear, NOW.plus_ms(4)), Step::Nothing);
    let events = store.read(move |db| alert::events(db, id)).expect("a story");
    let told: Vec<_> = events.iter().map(|event| event.what.as_str()).collect();
    assert_eq!(told, ["opened", "told", "acknowledged", "graver", "told", "closed"]);
    assert_eq!(take(&store, AlertKind::Loop, "bot", warn(), NOW.plus_ms(5)), Step::Open, "a new cause");
}

#[test]
fn n2_a_snoozed_alert_comes_back_while_its_cause_lasts() {
    let (_folder, store) = store();
    take(&store, AlertKind::Offline, "", warn(), NOW);
    let id = open(&store)[0].id;
    let until = NOW.plus_ms(1_000);
    store.write(move |db| alert::snooze(db, id, until, NOW)).expect("quiet");
    let wake = |at: i64| store.write(move |db| alert::wake(db, NOW.plus_ms(at))).expect("looked at");
    assert_eq!((wake(999), wake(1_000), wake(1_001)), (0, 1, 0));
    assert!(store.read(alert::is_any_untold).expect("a look"), "told again");
    take(&store, AlertKind::Offline, "", Sign::Clear, NOW);
    assert!(store.write(move |db| alert::snooze(db, id, until, NOW)).is_err(), "its cause has ended");
}

#[test]
fn n2_alerts_are_capped_and_grave_ones_find_room() {
    let (_folder, store) = store();
    for n in 0..=MOST_OPEN {
        take(&store, AlertKind::Loop, &n.to_string(), warn(), NOW);
    }
    assert_eq!(open(&store).len(), MOST_OPEN);
    let bad = Sign::raise(Severity::Bad, "title".into(), "");
    assert_eq!(take(&store, AlertKind::LedgerFailing, "", bad, NOW), Step::Open);
    let open = open(&store);
    assert_eq!((open.len(), open[0].kind), (MOST_OPEN, AlertKind::LedgerFailing));
}

#[test]
fn n1_budgets_are_told_what_was_sent_for_real() {
    let (_folder, store) = store();
    let connection = connect(&store, "main").expect("a connection");
    let mut sample = answered(2, connection);
    sample.series.origin = Origin::Sample;
    let mut unsent = answered(3, connection);
    unsent.series.outcome = Outcome::Failed;
    unsent.error = Some(patchbay_core::code::Code::NetworkFailed);
    (unsent.status, unsent.cost) = (None, patchbay_core::usage::Cost::NOTHING);
    for row in [answered(1, connection), sample, unsent] {
        store.write(move |db| usage::append(db, &row)).expect("a row");
    }
    let (rows, newest) = store.read(|db| booked::after(db, 0)).expect("rows");
    assert_eq!((rows.len(), newest), (1, 3));
    assert_eq!((rows[0].tokens, rows[0].cost, rows[0].requests), (1_200, NanoUsd(1_000_000), 1));
    assert!(store.read(move |db| booked::after(db, newest)).expect("rows").0.is_empty());
    let day = Range { from: NOW.bucket().plus_ms(-900_000), to: NOW.bucket().plus_ms(900_000) };
    let sums = store.read(move |db| booked::during(db, day)).expect("sums");
    let spent: i64 = sums.iter().map(|sum| sum.cost.0).sum();
    assert_eq!((spent, sums[0].connection), (1_000_000, connection));
}
