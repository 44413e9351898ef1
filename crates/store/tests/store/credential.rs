//! The life of a credential's versions.

use patchbay_core::code::Code;
use patchbay_core::credential::{CredentialState, Policy};
use patchbay_core::id::ConnectionId;
use patchbay_core::time::HOUR_MS;
use patchbay_store::credential::{self, Mark, Predecessor};
use patchbay_store::vault::{Slot, VaultKind};
use patchbay_store::{Db, Store, StoreError, connection, credential_policy, loose_secret};

use crate::common::{NOW, activate, connect, store};

const RETIRES: Predecessor = Predecessor::Retires { erase_at: NOW };

fn stage(db: &Db, id: ConnectionId, fingerprint: &str) -> Result<u32, StoreError> {
    let version = credential::next_version(db, id)?;
    let mark = Mark { tail: "7fQ2".to_owned(), fingerprint: fingerprint.to_owned() };
    credential::stage(db, id, version, &mark, NOW).map(|()| version)
}

fn states(store: &Store, id: ConnectionId) -> Vec<(u32, &'static str)> {
    let all = store.read(|db| credential::all(db, id)).expect("versions");
    all.iter().map(|version| (version.version, version.state.as_str())).collect()
}

fn key_in_use(store: &Store, id: ConnectionId) -> Option<u32> {
    let all = store.read(connection::all).expect("connections");
    all.into_iter().find(|c| c.id == id).expect("there").credential.map(|key| key.version)
}

#[test]
fn k2_a_switch_is_atomic_and_keeps_the_old_version() {
    let (_folder, store) = store();
    let id = connect(&store, "first").expect("added");
    store.write(move |db| activate(db, id, "sk-one-abcdefghijkl")).expect("activated");
    store.write(move |db| stage(db, id, "two")).expect("staged");
    assert_eq!((states(&store, id), key_in_use(&store, id)), (vec![(2, "staged"), (1, "active")], Some(1)));
    let before = store.write(move |db| credential::promote(db, id, 2, RETIRES, NOW)).expect("promoted");
    assert_eq!((before, states(&store, id)), (Some(1), vec![(2, "active"), (1, "retiring")]));
    store.write(move |db| credential::promote(db, id, 1, Predecessor::StandsBy, NOW)).expect("rolled back");
    assert_eq!((states(&store, id), key_in_use(&store, id)), (vec![(2, "standby"), (1, "active")], Some(1)));
    let all = store.read(|db| credential::all(db, id)).expect("versions");
    assert_eq!((all[1].retired_at, all[1].erase_at), (None, None), "it is in use again");
}

#[test]
fn k2_what_is_over_stays_over_and_its_dates_stay() {
    let (_folder, store) = store();
    let id = connect(&store, "first").expect("added");
    store.write(move |db| activate(db, id, "sk-one-abcdefghijkl")).expect("activated");
    store.write(move |db| credential::revoke(db, id, 1, NOW, NOW)).expect("revoked");
    assert_eq!(key_in_use(&store, id), None);
    let refused = store.write(move |db| credential::promote(db, id, 1, RETIRES, NOW)).expect_err("revoked");
    assert_eq!(refused.code(), Code::InvalidInput);
    assert!(store.write(move |db| credential::purge(db, id, 1, NOW)).expect("purged"));
    assert!(!store.write(move |db| credential::purge(db, id, 1, NOW)).expect("once"));
    assert!(store.write(move |db| credential::stand_by(db, id, 1)).is_err());
    let old = store.read(|db| credential::get(db, id, 1)).expect("its row");
    assert_eq!((old.state, old.purged_at, old.activated_at), (CredentialState::Purged, Some(NOW), Some(NOW)));
    assert_eq!(old.fingerprint, "fingerprint of sk-one-abcdefghijkl");
    assert_eq!(store.read(|db| credential::next_version(db, id)).expect("a version"), 2, "never used again");
    assert!(store.read(|db| credential::with_secret(db, id)).expect("versions").is_empty());
}

#[test]
fn k2_only_versions_that_retired_are_erased_by_themselves() {
    let (_folder, store) = store();
    let id = connect(&store, "first").expect("added");
    for secret in ["sk-one-abcdefghijkl", "sk-two-abcdefghijkl"] {
        store.write(move |db| activate(db, id, secret)).expect("activated");
    }
    let due = |hours: i64| store.read(|db| credential::due(db, NOW.plus_ms(hours * HOUR_MS))).expect("due");
    assert_eq!((due(23), due(24)), (vec![], vec![(id, 1)]));
    store.write(move |db| credential::stand_by(db, id, 1)).expect("waits");
    assert_eq!(due(99), [], "a standby is kept");
}

#[test]
fn k2_a_version_on_its_way_to_the_vault_is_not_given_away_twice() {
    let (_folder, store) = store();
    let id = connect(&store, "first").expect("added");
    let slot = Slot { store: "s".to_owned(), connection: id, version: 1 };
    let noted = slot.clone();
    store.write(move |db| loose_secret::note(db, VaultKind::File, &noted, "me")).expect("noted");
    assert_eq!(store.read(|db| credential::next_version(db, id)).expect("a version"), 2);
    let all = store.read(loose_secret::all).expect("places");
    assert_eq!(
        (all.len(), &all[0].slot, all[0].vault, all[0].owner.as_str()),
        (1, &slot, VaultKind::File, "me")
    );
    store.write(move |db| loose_secret::cross_out(db, VaultKind::File, &slot)).expect("crossed out");
    assert_eq!(store.read(loose_secret::all).expect("places"), []);
}

#[test]
fn k3_the_same_key_on_two_connections_is_seen() {
    let (_folder, store) = store();
    let [first, second] = ["first", "second"].map(|key| connect(&store, key).expect("added"));
    store.write(move |db| stage(db, first, "same")).expect("staged");
    store.write(move |db| activate(db, second, "other")).expect("activated");
    let sharing = || store.read(|db| credential::sharing(db, second)).expect("names");
    assert_eq!(sharing(), Vec::<String>::new());
    store.write(move |db| stage(db, second, "same")).expect("staged");
    assert_eq!(sharing(), ["first"]);
}

#[test]
fn k3_a_policy_is_kept_and_goes_with_its_connection() {
    let (_folder, store) = store();
    let id = connect(&store, "first").expect("added");
    let policy = || store.read(|db| credential_policy::get(db, id)).expect("a policy");
    assert_eq!(policy(), Policy::default());
    let own = Policy { remind_days: None, use_standby: false, erase_days: 30 };
    store.write(move |db| credential_policy::set(db, id, &own)).expect("set");
    assert_eq!(policy(), own);
    store.write(move |db| connection::delete(db, id)).expect("deleted");
    assert_eq!(policy(), Policy::default());
}

#[test]
fn k1_an_id_can_be_reserved_before_its_connection_is_there() {
    let (_folder, store) = store();
    let first = store.write(connection::reserve).expect("an id");
    let other = connect(&store, "other").expect("added");
    assert!(other.0 > first.0);
    let new = connection::NewConnection {
        id: Some(first),
        provider: "openai".to_owned(),
        key: "first".to_owned(),
        name: "first".to_owned(),
        ..connection::NewConnection::default()
    };
    assert_eq!(store.write(move |db| connection::insert(db, &new, NOW)).expect("added"), first);
}
