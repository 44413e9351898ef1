//! Saved views: unique names, and nothing half done.

use patchbay_core::code::Code;
use patchbay_core::time::Timestamp;
use patchbay_store::saved_view::{self, SavedViewRow};
use patchbay_store::{Store, StoreError, configuration, setting};
use serde_json::{Value, json};

use crate::common::{NOW, store};

fn later(ms: i64) -> Timestamp {
    NOW.plus_ms(ms)
}

fn add(store: &Store, name: &'static str, shows: Value) -> Result<(), StoreError> {
    store.write(move |db| saved_view::add(db, name, &shows, NOW))
}

fn all(store: &Store) -> Vec<SavedViewRow> {
    store.read(saved_view::all).expect("a list")
}

fn names(store: &Store) -> Vec<String> {
    all(store).into_iter().map(|row| row.name).collect()
}

#[test]
fn views_are_listed_by_name_renamed_replaced_and_removed() {
    let (_folder, store) = store();
    for name in ["weekly", "Failures", "by app"] {
        add(&store, name, json!({ "of": name })).expect("saved");
    }
    assert_eq!(names(&store), ["by app", "Failures", "weekly"]);

    store.write(|db| saved_view::rename(db, "weekly", "a week", later(5))).expect("renamed");
    let before = store.write(|db| saved_view::replace(db, "a week", &json!({ "of": 7 }), later(9)));
    assert_eq!(before.expect("replaced"), json!({ "of": "weekly" }));
    let row = SavedViewRow { name: "a week".into(), shows: json!({ "of": 7 }), updated_at: later(9) };
    assert_eq!(all(&store)[0], row);

    let gone = store.write(|db| saved_view::remove(db, "a week")).expect("removed");
    assert_eq!((gone, names(&store)), (json!({ "of": 7 }), vec!["by app".to_owned(), "Failures".to_owned()]));
}

#[test]
fn a_name_is_one_views_alone_and_what_is_not_there_is_named() {
    let (_folder, store) = store();
    add(&store, "one", json!({})).expect("saved");
    add(&store, "two", json!({})).expect("saved");
    let taken = [
        add(&store, "one", json!({})).expect_err("taken"),
        store.write(|db| saved_view::rename(db, "two", "one", NOW)).expect_err("taken"),
    ];
    for error in taken {
        assert_eq!(
            (error.code(), error.to_string()),
            (Code::NameTaken, "There is already a view named \"one\".".into())
        );
    }
    let missing = [
        store.write(|db| saved_view::rename(db, "three", "four", NOW)).expect_err("missing"),
        store.write(|db| saved_view::replace(db, "three", &json!({}), NOW)).expect_err("missing"),
        store.write(|db| saved_view::remove(db, "three")).expect_err("missing"),
    ];
    for error in missing {
        assert_eq!(
            (error.code(), error.to_string()),
            (Code::NotFound, "There is no saved view \"three\".".into())
        );
    }
    assert_eq!(names(&store), ["one", "two"]);
    for (name, shows) in [("", json!({})), ("list", json!([]))] {
        assert!(add(&store, name, shows).is_err(), "{name:?} fits no view");
    }
}

#[test]
fn every_change_of_a_view_is_seen_by_other_processes() {
    let (_folder, store) = store();
    let version = || store.read(setting::configuration_version).expect("a version");
    let mut last = version();
    let mut has_grown = || {
        let now = version();
        std::mem::replace(&mut last, now) < now
    };
    add(&store, "one", json!({})).expect("saved");
    assert!(has_grown());
    store.write(|db| saved_view::replace(db, "one", &json!({ "a": 1 }), NOW)).expect("replaced");
    assert!(has_grown());
    store.write(|db| saved_view::remove(db, "one")).expect("removed");
    assert!(has_grown());
}

#[test]
fn views_travel_with_the_configuration() {
    let (_folder, store) = store();
    add(&store, "one", json!({ "screen": "usage", "days": [1, 2] })).expect("saved");
    let document = store.read(configuration::export).expect("a document");
    assert_eq!(
        document["saved_views"],
        json!([{ "name": "one", "shows": { "screen": "usage", "days": [1, 2] } }])
    );
    let (_other, fresh) = self::store();
    let sent = document.clone();
    let steps = fresh.write(move |db| configuration::import(db, &sent, NOW)).expect("imported");
    assert!(steps.iter().any(|step| step.name == "one"), "{steps:?}");
    assert_eq!(all(&fresh), all(&store));
    let again = fresh.write(move |db| configuration::import(db, &document, later(1))).expect("the same");
    assert!(again.iter().all(|step| step.name != "one"), "{again:?}");
}
