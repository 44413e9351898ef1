//! Connections: what an edit, a pause, a deletion changes, and what it leaves alone.

use std::collections::{BTreeMap, BTreeSet};

use patchbay_core::code::Code;
use patchbay_core::connection::{Connection, ConnectionStatus, Limits, Timeouts};
use patchbay_core::id::ConnectionId;
use patchbay_core::private::Private;
use patchbay_core::standing::{Attention, Kept, ModelRest};
use patchbay_store::connection::{self, Editable, NewConnection};
use patchbay_store::standing::{self, ConnectionState};
use patchbay_store::{Store, model, setting};

use crate::common::{NOW, activate, answered, append, connect, failed, store};

fn find(store: &Store, id: ConnectionId) -> Connection {
    let all = store.read(connection::all).expect("connections");
    all.into_iter().find(|connection| connection.id == id).expect("there")
}

fn state(store: &Store, id: ConnectionId) -> ConnectionState {
    let states = store.read(standing::states).expect("states");
    states.get(&id).cloned().unwrap_or_default()
}

/// A connection with everything set that can be set.
fn furnished(store: &Store) -> ConnectionId {
    let id = added(store);
    let fields = Editable {
        organization: Some("org-desk".to_owned()),
        project: Some("proj-fx".to_owned()),
        timeouts: Timeouts { connect_ms: 1_000, first_byte_ms: 12_000, idle_ms: 30_000, total_ms: 90_000 },
        streaming: false,
        ..Editable::from(&find(store, id))
    };
    store.write(move |db| connection::update(db, id, &fields, NOW)).expect("edited");
    id
}

fn added(store: &Store) -> ConnectionId {
    let new = NewConnection {
        id: None,
        provider: "openai".to_owned(),
        key: "openai_primary".to_owned(),
        name: "OpenAI primary".to_owned(),
        base_url: Some("https://proxy.example/v1".to_owned()),
        default_model: Some("gpt-5-mini".to_owned()),
        proxy: Some("socks5://127.0.0.1:9050".to_owned()),
        headers: BTreeMap::from([("x-desk".to_owned(), "fx".to_owned())]),
        private: Private {
            version: Some(2),
            headers: BTreeSet::from(["x-desk-token".to_owned()]),
            proxy_login: true,
        },
        priority: Some(3),
        limits: Limits {
            rate_limit_requests: Some(10),
            rate_limit_period_s: Some(2),
            rate_limit_per_minute: Some(60),
            rate_limit_per_day: Some(1_000),
            tokens_per_minute: Some(90_000),
            max_concurrent_requests: Some(4),
        },
        max_retries: Some(2),
        first_byte_ms: Some(12_000),
        tested: true,
    };
    store
        .write(move |db| {
            let id = connection::insert(db, &new, NOW)?;
            activate(db, id, "sk-proj-abcdefghijkl7fQ2")?;
            model::seen(db, id, &["gpt-5-mini".to_owned(), "gpt-5".to_owned()], NOW)?;
            connection::set_default(db, id)?;
            Ok(id)
        })
        .expect("added")
}

#[test]
fn a_connection_is_read_as_it_was_added() {
    let (_folder, store) = store();
    let found = find(&store, added(&store));
    assert_eq!(
        (found.key.as_str(), found.provider.as_str(), found.priority),
        ("openai_primary", "openai", 3)
    );
    assert_eq!(found.base_url, "https://proxy.example/v1");
    assert_eq!(found.limits.tokens_per_minute, Some(90_000));
    assert_eq!((found.timeouts.first_byte_ms, found.max_retries), (12_000, 2));
    assert_eq!(found.credential.as_ref().map(|key| (key.version, key.tail.as_str())), Some((1, "7fQ2")));
    assert_eq!(found.models, ["gpt-5", "gpt-5-mini"]);
    assert!(found.is_default && found.tested && found.streaming);
    assert!(found.private.version == Some(2) && found.private.proxy_login, "{:?}", found.private);
    assert!(found.private.headers.contains("x-desk-token"), "{:?}", found.private);
    let plain = find(&store, connect(&store, "backup").expect("added"));
    assert_eq!(plain.base_url, "https://api.openai.com/v1");
    assert_eq!((plain.priority, plain.credential), (4, None));
}

#[test]
fn trap_6_an_edit_of_nothing_changes_nothing() {
    let (_folder, store) = store();
    let id = furnished(&store);
    let before = find(&store, id);
    let fields = Editable::from(&before);
    store.write(move |db| connection::update(db, id, &fields, NOW.plus_ms(1))).expect("edited");
    assert_eq!(find(&store, id), before);
}

#[test]
fn k5_an_edit_of_the_name_leaves_key_and_settings() {
    let (_folder, store) = store();
    let id = furnished(&store);
    let before = find(&store, id);
    let fields = Editable { name: "Main".to_owned(), ..Editable::from(&before) };
    store.write(move |db| connection::update(db, id, &fields, NOW.plus_ms(1))).expect("edited");
    assert_eq!(find(&store, id), Connection { name: "Main".to_owned(), ..before });
}

#[test]
fn f5_pause_is_sticky() {
    let (_folder, store) = store();
    let id = furnished(&store);
    for status in [ConnectionStatus::Inactive, ConnectionStatus::Suspended] {
        store.write(move |db| connection::set_status(db, id, status, NOW)).expect("paused");
        // Trap 3: not even a test that passed, an answer, an edit or a new key turns it on again.
        let fields = Editable::from(&find(&store, id));
        let call = 1 + status as u128;
        append(&store, [answered(call, id)]);
        store
            .write(move |db| {
                connection::mark_tested(db, id)?;
                connection::update(db, id, &fields, NOW)?;
                activate(db, id, "sk-proj-abcdefghijklNEW1")
            })
            .expect("done");
        assert_eq!(find(&store, id).status, status);
    }
}

#[test]
fn f5_turning_on_forgets_the_errors() {
    let (_folder, store) = store();
    let id = connect(&store, "openai_primary").expect("added");
    assert!(!find(&store, id).tested);
    append(&store, [failed(1, id, Code::TimedOut), failed(2, id, Code::KeyRefused)]);
    let blame = Kept {
        rest: Some((NOW.plus_ms(30_000), 30_000)),
        attention: Some(Attention::known(Code::KeyRefused, NOW, None)),
        models: vec![ModelRest { model: "m".into(), until: NOW.plus_ms(5), why: Code::RateLimited }],
    };
    let kept = blame.clone();
    store.write(move |db| standing::keep(db, id, &kept, NOW)).expect("kept");
    let known = state(&store, id);
    assert_eq!((known.consecutive_errors, known.kept), (2, blame));
    assert_eq!(known.last_error_class.as_deref(), Some("key_refused"));
    store.write(move |db| connection::set_status(db, id, ConnectionStatus::Active, NOW)).expect("on");
    let known = state(&store, id);
    assert_eq!((known.consecutive_errors, known.kept), (0, Kept::default()));
    assert_eq!(find(&store, id).cleared_at, Some(NOW), "every process on the folder is told");
    assert!(find(&store, id).tested, "the user wants it");
}

#[test]
fn f3_only_the_connection_s_own_errors_count() {
    let (_folder, store) = store();
    let id = connect(&store, "openai_primary").expect("added");
    for (call, code) in
        (1..).zip([Code::BadRequest, Code::RateLimited, Code::ContextTooLong, Code::Cancelled])
    {
        append(&store, [failed(call, id, code)]);
    }
    let known = state(&store, id);
    assert_eq!((known.consecutive_errors, known.last_error_at), (0, None), "trap 5");
    append(&store, [failed(11, id, Code::Overloaded), failed(12, id, Code::TimedOut)]);
    assert_eq!(state(&store, id).consecutive_errors, 2);
    append(&store, [answered(13, id)]);
    let known = state(&store, id);
    assert_eq!((known.consecutive_errors, known.last_error_at), (0, Some(NOW)));
}

#[test]
fn a_late_row_does_not_turn_the_last_use_back() {
    let (_folder, store) = store();
    let id = connect(&store, "openai_primary").expect("added");
    let mut late = failed(2, id, Code::TimedOut);
    late.at = NOW.plus_ms(-60_000);
    append(&store, [answered(1, id), late]);
    assert_eq!(state(&store, id).last_used_at, Some(NOW));
}

#[test]
fn names_and_keys_are_unique() {
    let (_folder, store) = store();
    let first = connect(&store, "first").expect("added");
    let second = connect(&store, "second").expect("added");
    let same_key = connect(&store, "first").expect_err("taken");
    assert_eq!((same_key.code(), same_key.to_string().contains("first")), (Code::NameTaken, true));
    let same_name = NewConnection {
        provider: "openai".to_owned(),
        key: "third".to_owned(),
        name: "first".to_owned(),
        ..NewConnection::default()
    };
    let refused = store.write(move |db| connection::insert(db, &same_name, NOW)).expect_err("taken");
    assert_eq!(refused.code(), Code::NameTaken);
    let fields = Editable::from(&find(&store, first));
    let stolen = fields.clone();
    let refused = store.write(move |db| connection::update(db, second, &stolen, NOW)).expect_err("taken");
    assert_eq!(refused.code(), Code::NameTaken);
    store.write(move |db| connection::update(db, first, &fields, NOW)).expect("its own name");
    let nowhere = NewConnection { provider: "acme".to_owned(), ..NewConnection::default() };
    let refused = store.write(move |db| connection::insert(db, &nowhere, NOW)).expect_err("no provider");
    assert_eq!(refused.code(), Code::NotFound);
}

#[test]
fn m6_a_connection_in_use_is_not_deleted_and_its_users_are_named() {
    let (_folder, store) = store();
    let id = furnished(&store);
    // Of the third profile, an older version only.
    let chain = "INSERT INTO profile VALUES (1, 'signals', 1, 0, 0), (2, 'digest', 1, 0, 0), (3, 'moved', 2, 0, 0);
         INSERT INTO profile_version (profile_id, version, model_name, created_at)
             VALUES (1, 1, 'm', 0), (2, 1, 'm', 0), (3, 1, 'm', 0), (3, 2, 'm', 0);
         INSERT INTO profile_target VALUES (1, 1, 1, 'openai_primary', NULL, 'm'), (2, 1, 1, 'openai_primary', NULL, 'm'),
             (2, 1, 2, 'openai_primary', NULL, 'm2'), (3, 1, 1, 'openai_primary', NULL, 'm'), (3, 2, 1, NULL, 'openai', 'm');
         INSERT INTO alias VALUES ('gpt-4', 'openai_primary/gpt-5'), ('other', 'openai_primary_2/gpt-5');
         INSERT INTO budget (scope, scope_name, period, cap, created_at, updated_at)
             VALUES ('connection', 'openai_primary', 'day', 5, 0, 0), ('connection', 'another', 'day', 5, 0, 0);";
    store.write(|db| Ok(db.execute_batch(chain)?)).expect("a chain");
    let refused = store.write(move |db| connection::delete(db, id)).expect_err("in use");
    assert_eq!(refused.code(), Code::InUse);
    assert!(
        refused
            .to_string()
            .contains("the profile digest, the profile signals, the alias gpt-4, its budget per day"),
        "{refused}"
    );
    assert!(refused.hint().contains("Pausing"));
    store
        .write(|db| Ok(db.execute_batch("DELETE FROM profile; DELETE FROM alias; DELETE FROM budget")?))
        .expect("free");
    store.write(move |db| connection::delete(db, id)).expect("deleted");
    assert!(store.read(connection::all).expect("connections").is_empty());
}

#[test]
fn a_deleted_connection_takes_its_own_rows_along_and_frees_its_place() {
    let (_folder, store) = store();
    let id = furnished(&store);
    append(&store, [failed(1, id, Code::TimedOut)]);
    store.write(move |db| connection::delete(db, id)).expect("deleted");
    let left: i64 = store
        .read(|db| {
            let sql = "SELECT (SELECT count(*) FROM credential) + (SELECT count(*) FROM connection_model)
                            + (SELECT count(*) FROM connection_state) + (SELECT count(default_connection_id) FROM provider)";
            Ok(db.query_row(sql, [], |row| row.get(0))?)
        })
        .expect("counts");
    assert_eq!(left, 0);
}

#[test]
fn reordering_sets_priorities_all_or_nothing() {
    let (_folder, store) = store();
    for key in ["a", "b", "c"] {
        connect(&store, key).expect("added");
    }
    let order = || -> Vec<String> {
        store
            .read(connection::all)
            .expect("connections")
            .into_iter()
            .map(|connection| connection.key)
            .collect()
    };
    let reorder = |keys: &[&str]| {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        store.write(move |db| connection::reorder(db, &keys, NOW))
    };
    reorder(&["c", "a", "b"]).expect("reordered");
    assert_eq!(order(), ["c", "a", "b"]);
    assert_eq!(reorder(&["b", "nobody"]).expect_err("no such key").code(), Code::NotFound);
    assert_eq!(order(), ["c", "a", "b"]);
}

#[test]
fn configuration_changes_are_told_and_calls_are_not() {
    let (_folder, store) = store();
    let id = furnished(&store);
    let version = || store.read(setting::configuration_version).expect("a version");
    let before = version();
    append(&store, [answered(1, id), failed(2, id, Code::TimedOut)]);
    assert_eq!(version(), before);
    store.write(move |db| connection::set_status(db, id, ConnectionStatus::Inactive, NOW)).expect("paused");
    assert!(version() > before);
}

#[test]
fn an_account_s_blame_ends_with_its_key() {
    let (_folder, store) = store();
    let id = furnished(&store);
    let version = find(&store, id).credential.expect("a key").version;
    let attention = Some(Attention::known(Code::QuotaExhausted, NOW, Some(version)));
    store.write(move |db| standing::keep(db, id, &Kept { attention, ..Kept::default() }, NOW)).expect("kept");
    assert_eq!(state(&store, id).kept.attention, attention);
    store.write(move |db| activate(db, id, "sk-proj-abcdefghijklNEW1")).expect("replaced");
    assert_eq!(state(&store, id).kept.attention, None);
}
