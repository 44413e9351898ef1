//! Rows that are entered together, one by one, or on their caller's own thread: the same comes of it.

use std::sync::mpsc::channel;

use patchbay_core::code::Code;
use patchbay_core::ledger::UsageRow;
use patchbay_core::report::Filter;
use patchbay_store::standing::{ConnectionState, states};
use patchbay_store::{Store, StoreError, rollup, usage};

use crate::common::{answered, connect, failed, store};

/// What is known of each connection, in the order in which they were made.
fn known(store: &Store) -> Vec<ConnectionState> {
    let mut known: Vec<_> = store.read(states).expect("read").into_iter().collect();
    known.sort_by_key(|(id, _)| *id);
    known.into_iter().map(|(_, state)| state).collect()
}

#[test]
fn c4_attempts_together_teach_what_they_teach_one_by_one() {
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..20 {
        let (stores, mut call) = ([store(), store()], 0);
        let [one, other] = &stores;
        let ids = ["first", "second"].map(|key| connect(&one.1, key).expect("added"));
        assert_eq!(ids, ["first", "second"].map(|key| connect(&other.1, key).expect("added")));
        for _ in 0..rng.usize(1..4) {
            let mut rows = Vec::new();
            for _ in 0..rng.usize(1..9) {
                call += 1;
                let id = ids[rng.usize(0..2)];
                let mut row = match rng.u8(0..4) {
                    0 => failed(call, id, Code::TimedOut),
                    1 => failed(call, id, Code::RateLimited),
                    2 => failed(call, id, Code::Cancelled),
                    _ => answered(call, id),
                };
                row.at = row.at.plus_ms(rng.i64(-90..90));
                rows.push(row);
            }
            let same = rows.clone();
            one.1.write(move |db| usage::append_all(db, &rows)).expect("together");
            other
                .1
                .write(move |db| same.iter().try_for_each(|row| usage::append(db, row)))
                .expect("one by one");
        }
        assert_eq!(known(&one.1), known(&other.1));
        assert!(!known(&one.1).is_empty());
    }
}

/// Enters a row once the thread that wrote before has let go.
fn enter_here(store: &Store, row: &UsageRow) -> Result<(), StoreError> {
    loop {
        if let Some(entered) = store.enter_here(row) {
            return entered;
        }
        std::thread::yield_now();
    }
}

#[test]
fn c4_a_lonely_row_is_entered_by_its_caller_and_never_past_what_is_queued() {
    let (_folder, store) = store();
    let id = connect(&store, "openai_primary").expect("added");
    let attempts = || store.read(|db| rollup::totals(db, &Filter::default())).expect("totals").attempts;
    enter_here(&store, &answered(1, id)).expect("entered");
    assert_eq!(attempts(), 1);
    assert!(enter_here(&store, &answered(1, id)).is_err(), "the same attempt again");
    assert_eq!((attempts(), known(&store).len()), (1, 1), "nothing of it stays");

    let (go, held) = channel::<()>();
    store.submit(move |_| Ok(held.recv().is_ok()), |_| {}).expect("queued");
    assert!(store.enter_here(&answered(2, id)).is_none(), "others come first");
    go.send(()).expect("it waits");
    store.write(|_| Ok(())).expect("all is written");
    enter_here(&store, &answered(3, id)).expect("entered");

    let other = rusqlite::Connection::open(store.path()).expect("another program");
    other.execute_batch("BEGIN IMMEDIATE").expect("begun");
    assert!(store.enter_here(&answered(2, id)).is_none(), "another process writes: nobody is held up");
    other.execute_batch("COMMIT").expect("ended");
    enter_here(&store, &answered(2, id)).expect("entered");
    assert_eq!(attempts(), 3);
}
