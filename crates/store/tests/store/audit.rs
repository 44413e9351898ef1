//! The audit log: in one transaction with the change, chained, append-only.

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::standing::{Attention, Kept};
use patchbay_core::time::{HOUR_MS, Range};
use patchbay_store::audit::{AuditFilter, Page, Recorded, Written, append, list, retain, scan, verify};
use patchbay_store::{Store, StoreError, standing};

use crate::common::{NOW, connect, store};

const ALL: Page = Page { before: None, limit: 1_000 };

fn entry(number: i64) -> Entry {
    let change = Change::default().with("priority", number, number + 1);
    Entry::user(Action::Update, Kind::Connection, format!("connection_{number}")).change(change)
}

/// So many entries, an hour apart.
fn filled(count: i64) -> (tempfile::TempDir, Store) {
    let (folder, store) = store();
    for number in 1..=count {
        store.write(move |db| append(db, &entry(number), NOW.plus_ms(number * HOUR_MS))).expect("appended");
    }
    (folder, store)
}

fn entries(store: &Store, filter: &AuditFilter) -> Vec<Written> {
    store.read(|db| list(db, filter, ALL)).expect("entries")
}

fn first_bad(store: &Store) -> Option<i64> {
    store.read(verify).expect("a verdict").first_bad
}

/// Runs SQL behind the triggers' back, as somebody with an editor would.
fn tamper(store: &Store, sql: &'static str) {
    store
        .write(move |db| {
            for trigger in ["insert", "update", "delete"] {
                db.execute_batch(&format!("DROP TRIGGER IF EXISTS audit_is_append_only_{trigger}"))?;
            }
            Ok(db.execute_batch(sql)?)
        })
        .expect("tampered");
}

#[test]
fn a1_the_log_is_append_only() {
    let (_folder, store) = filled(3);
    for sql in [
        "UPDATE audit SET reason = 'x' WHERE id = 2",
        "DELETE FROM audit WHERE id = 3",
        "DELETE FROM audit WHERE id = 1",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE id = 2",
        "INSERT INTO audit SELECT 9, at, actor, action, kind, name, change, reason, previous, zeroblob(32) FROM audit WHERE id = 2",
    ] {
        let refused = store.write(move |db| Ok(db.execute(sql, [])?)).expect_err(sql);
        assert!(refused.to_string().contains("append-only"), "{sql}: {refused}");
    }
    assert_eq!((entries(&store, &AuditFilter::default()).len(), first_bad(&store)), (3, None));
}

#[test]
fn a3_a_chain_that_was_touched_names_the_first_bad_entry() {
    for (sql, bad) in [
        ("UPDATE audit SET reason = 'nothing happened' WHERE id = 4", 4),
        ("UPDATE audit SET at = at + 1 WHERE id = 1", 1),
        ("UPDATE audit SET change = '{}' WHERE id IN (3, 5)", 3),
        ("DELETE FROM audit WHERE id = 3", 3),
        ("DELETE FROM audit WHERE id = 1", 1),
        ("DELETE FROM audit WHERE id = 6", 6),
        ("DELETE FROM audit", 1),
        ("UPDATE audit SET id = 10 WHERE id = 6", 6),
    ] {
        let (_folder, store) = filled(6);
        assert_eq!(first_bad(&store), None);
        tamper(&store, sql);
        assert_eq!(first_bad(&store), Some(bad), "{sql}");
    }
}

#[test]
fn a3_the_entry_is_there_if_and_only_if_the_change_is() {
    let (_folder, store) = store();
    let id = connect(&store, "first").expect("added");
    let failing = store.change(NOW, move |db| {
        db.execute("UPDATE connection SET priority = 9 WHERE id = ?1", [id.0])?;
        append(db, &entry(1), NOW)?;
        Err::<Recorded<()>, _>(StoreError::Closed)
    });
    assert!(failing.is_err());
    assert_eq!(entries(&store, &AuditFilter::default()), []);
    store
        .change(NOW, move |db| {
            db.execute("UPDATE connection SET priority = 9 WHERE id = ?1", [id.0])?;
            Ok(Recorded::new((), entry(1)).and(entry(2)))
        })
        .expect("changed");
    let log = entries(&store, &AuditFilter::default());
    assert_eq!(
        log.iter().map(|entry| (entry.id, entry.name.as_str())).collect::<Vec<_>>(),
        [(2, "connection_2"), (1, "connection_1"),]
    );
    assert_eq!(log[1].change["priority"]["after"], 2);
    assert_eq!(first_bad(&store), None);
}

#[test]
fn a3_filters_and_pages() {
    let (_folder, store) = filled(5);
    let special = Entry::by(Actor::Router, Action::TakeOver, Kind::Credential, "connection_1 v2")
        .because("100% refused_");
    store.write(move |db| append(db, &special, NOW.plus_ms(6 * HOUR_MS))).expect("appended");
    let some = |value: &str| Some(value.to_owned());
    let all = AuditFilter::default();
    for (filter, expected) in [
        (AuditFilter { actor: some("router"), ..all.clone() }, vec![6]),
        (
            AuditFilter { action: some("update"), kind: some("connection"), ..all.clone() },
            vec![5, 4, 3, 2, 1],
        ),
        (AuditFilter { name: some("connection_1"), ..all.clone() }, vec![6, 1]),
        (AuditFilter { text: some("100%"), ..all.clone() }, vec![6]),
        (AuditFilter { text: some("refused_"), ..all.clone() }, vec![6]),
        (AuditFilter { text: some("onnection_4"), ..all.clone() }, vec![4]),
        (AuditFilter { text: some("100_"), ..all.clone() }, vec![]),
        (
            AuditFilter {
                range: Some(Range { from: NOW.plus_ms(2 * HOUR_MS), to: NOW.plus_ms(4 * HOUR_MS) }),
                ..all.clone()
            },
            vec![3, 2],
        ),
    ] {
        let found: Vec<i64> = entries(&store, &filter).iter().map(|entry| entry.id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let page = store.read(|db| list(db, &all, Page { before: Some(5), limit: 2 })).expect("a page");
    assert_eq!(page.iter().map(|entry| entry.id).collect::<Vec<_>>(), [4, 3]);
    let mut seen = Vec::new();
    let each = |entry: Written| {
        seen.push(entry.id);
        Ok(())
    };
    store.read(|db| scan(db, &all, each)).expect("scanned");
    assert_eq!(seen, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn a3_retention_lets_the_oldest_go_and_the_chain_stays_whole() {
    let (_folder, store) = filled(6);
    let gone = store.write(|db| retain(db, NOW.plus_ms(3 * HOUR_MS))).expect("retained");
    assert_eq!((gone, first_bad(&store)), (2, None));
    assert_eq!(store.write(|db| retain(db, NOW)).expect("nothing to do"), 0);
    store.write(|db| append(db, &entry(7), NOW.plus_ms(9 * HOUR_MS))).expect("appended");
    let ids: Vec<i64> = entries(&store, &AuditFilter::default()).iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [7, 6, 5, 4, 3]);
    tamper(&store, "DELETE FROM audit WHERE id = 3");
    assert_eq!(first_bad(&store), Some(3), "the new beginning is watched too");
    store.write(|db| retain(db, NOW.plus_ms(99 * HOUR_MS))).expect("all gone");
    assert_eq!(entries(&store, &AuditFilter::default()), []);
    assert_eq!(first_bad(&store), None);
}

#[test]
fn a3_two_processes_write_one_chain() {
    let (folder, store) = filled(1);
    let other = Store::open(folder.path()).expect("opens too");
    std::thread::scope(|scope| {
        for store in [&store, &other] {
            scope.spawn(move || {
                for number in 0..100 {
                    store.write(move |db| append(db, &entry(number), NOW)).expect("appended");
                }
            });
        }
    });
    let verdict = store.read(verify).expect("a verdict");
    assert_eq!((verdict.entries, verdict.first_bad), (201, None));
    assert_eq!(verdict.head.len(), 64);
}

#[test]
fn a2_a_connection_that_needs_a_person_or_rests_is_noted_once() {
    let (_folder, store) = store();
    let id = connect(&store, "openai_primary").expect("added");
    let well = Kept::default();
    let resting = Kept { rest: Some((NOW, 30_000)), ..Kept::default() };
    let longer = Kept { rest: Some((NOW, 60_000)), ..Kept::default() };
    let attention = Some(Attention::known(Code::KeyRefused, NOW, None));
    let refused = Kept { attention, ..Kept::default() };
    for kept in [well.clone(), refused.clone(), refused, well.clone(), resting, longer, well.clone(), well] {
        store.write(move |db| standing::keep(db, id, &kept, NOW)).expect("kept");
    }
    let log = entries(&store, &AuditFilter::default());
    let told: Vec<_> = log.iter().map(|e| (e.actor.as_str(), e.action.as_str(), e.reason.as_str())).collect();
    assert_eq!(
        told,
        [
            ("router", "recover", "an attempt was answered"),
            ("router", "rest", "it failed too often"),
            ("router", "recover", "an attempt was answered"),
            ("router", "need_attention", "key_refused"),
        ]
    );
    assert_eq!(log[0].name, "openai_primary");
}
