//! Providers, lists of models and prices.

use patchbay_core::catalog::{self, KeyNeed, Protocol, Quirks};
use patchbay_core::dialect::models::ListedModel;
use patchbay_core::id::{ConnectionId, ProviderId};
use patchbay_core::model::{Capability, ModelState};
use patchbay_core::provider::{Provider, ProviderFacts, ProviderStatus};
use patchbay_core::time::Timestamp;
use patchbay_store::connection::{self, NewConnection};
use patchbay_store::model::{self, Allowed, ListChanges, Listing, ModelRow, RelianceKind};
use patchbay_store::{Store, StoreError, provider, setting};

use crate::common::{NOW, connect, store};

fn own(slug: &str, name: &str) -> Provider {
    Provider {
        id: ProviderId(0),
        slug: slug.to_owned(),
        name: name.to_owned(),
        protocol: Protocol::Openai,
        also: vec![Protocol::Responses],
        api_base_url: "http://127.0.0.1:8000/v1".to_owned(),
        facts: ProviderFacts {
            key: KeyNeed::Required,
            key_check: "key".to_owned(),
            ..ProviderFacts::default()
        },
        key_prefix: "dp-".to_owned(),
        default_model: "small".to_owned(),
        supported_models: vec!["small".to_owned(), "large".to_owned()],
        default_timeout_s: 7,
        default_connection: None,
        built_in: false,
        quirks: Quirks { max_tokens: catalog::MaxTokens::Renamed, ..Quirks::default() },
        created_at: NOW,
    }
}

fn listed(ids: &[&str]) -> Vec<ListedModel> {
    ids.iter().map(|id| ListedModel { id: (*id).to_owned(), ..ListedModel::default() }).collect()
}

fn sync(store: &Store, models: Vec<ListedModel>, unheard: Vec<ConnectionId>, at: i64) -> ListChanges {
    let listing = Listing { models, unheard };
    store
        .write(move |db| model::sync(db, provider::id(db, "openai")?, &listing, Timestamp(NOW.0 + at)))
        .expect("synced")
}

fn rows(store: &Store) -> Vec<ModelRow> {
    store.read(model::all).expect("rows")
}

fn states(store: &Store) -> Vec<(String, ModelState)> {
    rows(store).into_iter().map(|row| (row.model, row.state)).collect()
}

fn names(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

#[test]
fn m1_a_missing_model_becomes_unavailable_and_comes_back_and_none_is_deleted() {
    let (_folder, store) = store();
    assert_eq!(sync(&store, listed(&["a", "b"]), Vec::new(), 0).added, names(&["a", "b"]));
    let gone = sync(&store, listed(&["a", "c"]), Vec::new(), 10);
    assert_eq!((gone.added, gone.gone), (names(&["c"]), names(&["b"])));
    let b = rows(&store).into_iter().find(|row| row.model == "b").expect("never deleted");
    assert_eq!(
        (b.state, b.state_since, b.first_seen_at, b.last_seen_at),
        (ModelState::Unavailable, Some(Timestamp(NOW.0 + 10)), NOW, NOW)
    );
    let back = sync(&store, listed(&["a", "b", "c"]), Vec::new(), 20);
    assert_eq!((back.returned, back.gone), (names(&["b"]), Vec::<String>::new()));
    let b = rows(&store).into_iter().find(|row| row.model == "b").expect("there");
    assert_eq!((b.state, b.first_seen_at), (ModelState::Available, NOW));
    assert_eq!(sync(&store, listed(&["a", "b", "c"]), Vec::new(), 30), ListChanges::default());
}

#[test]
fn m1_an_empty_list_changes_nothing() {
    let (_folder, store) = store();
    sync(&store, listed(&["a"]), Vec::new(), 0);
    let before = (rows(&store), store.read(model::syncs).expect("syncs"));
    assert_eq!(sync(&store, Vec::new(), Vec::new(), 10), ListChanges::default());
    assert_eq!((rows(&store), store.read(model::syncs).expect("syncs")), before);
}

#[test]
fn m1_what_only_an_unheard_connection_reached_stays() {
    let (_folder, store) = store();
    let (heard, silent) =
        (connect(&store, "heard").expect("added"), connect(&store, "silent").expect("added"));
    sync(&store, listed(&["shared", "fine-tuned", "old"]), Vec::new(), 0);
    store.write(move |db| model::reached(db, silent, &names(&["shared", "fine-tuned"]), NOW)).expect("noted");
    store.write(move |db| model::reached(db, heard, &names(&["shared", "old"]), NOW)).expect("noted");
    let changes = sync(&store, listed(&["shared"]), vec![silent], 10);
    assert_eq!(changes.gone, names(&["old"]));
    assert_eq!(sync(&store, listed(&["shared"]), Vec::new(), 20).gone, names(&["fine-tuned"]));
}

#[test]
fn m1_a_list_that_tells_less_does_not_wipe_out_what_is_known() {
    let (_folder, store) = store();
    let full = ListedModel {
        context_window: Some(200_000),
        max_output: Some(64_000),
        capabilities: vec![Capability::Tools],
        capabilities_complete: true,
        retires_on: Some("2026-12-31".to_owned()),
        ..listed(&["a"]).remove(0)
    };
    sync(&store, vec![full], Vec::new(), 0);
    assert_eq!(states(&store), [("a".to_owned(), ModelState::Deprecated)]);
    sync(&store, listed(&["a"]), Vec::new(), 10);
    let row = rows(&store).remove(0);
    assert_eq!(
        (row.context_window, row.max_output, row.capabilities),
        (Some(200_000), Some(64_000), vec![Capability::Tools])
    );
    assert_eq!((row.state, row.retires_on), (ModelState::Available, None), "an end that is called off");
}

#[test]
fn m1_a_model_with_an_impossible_name_costs_only_itself() {
    let (_folder, store) = store();
    let long = "x".repeat(201);
    assert_eq!(sync(&store, listed(&["a", &long, ""]), Vec::new(), 0).added, names(&["a"]));
}

#[test]
fn a_model_that_the_user_took_from_a_connection_is_not_brought_back_by_its_list() {
    let (_folder, store) = store();
    let main = connect(&store, "main").expect("added");
    store.write(move |db| model::reached(db, main, &names(&["a", "b"]), NOW)).expect("noted");
    store.write(move |db| model::allow(db, main, "a", Allowed::No, NOW)).expect("taken");
    store.write(move |db| model::reached(db, main, &names(&["a", "b"]), NOW)).expect("noted");
    let known = store.read(connection::all).expect("connections").remove(0);
    assert_eq!(known.models, ["b"]);
    store.write(move |db| model::allow(db, main, "a", Allowed::Yes, NOW)).expect("given back");
    assert_eq!(store.read(connection::all).expect("connections").remove(0).models, ["a", "b"]);
}

#[test]
fn m3_what_relies_on_a_model_is_named() {
    let (_folder, store) = store();
    let new = NewConnection {
        provider: "openai".to_owned(),
        key: "main".to_owned(),
        name: "Main".to_owned(),
        default_model: Some("gpt-5-mini".to_owned()),
        ..NewConnection::default()
    };
    store.write(move |db| connection::insert(db, &new, NOW)).expect("added");
    store
        .write(move |db| {
            db.execute("INSERT INTO alias VALUES ('fast', 'openai/gpt-5-mini')", [])?;
            db.execute("INSERT INTO profile VALUES (1, 'scan', 2, 0, 1)", [])?;
            for (version, model) in [(1, "gpt-4o"), (2, "gpt-5-mini")] {
                db.execute(
                    "INSERT INTO profile_version (profile_id, version, model_name, created_at) VALUES (1, ?1, ?2, 1)",
                    (version, model),
                )?;
                db.execute("INSERT INTO profile_target VALUES (1, ?1, 1, 'main', NULL, ?2)", (version, model))?;
            }
            Ok(())
        })
        .expect("a profile");
    let relying = |name: &'static str| {
        let all = store.read(move |db| model::relying(db, "openai", name)).expect("read");
        all.into_iter().map(|reliance| (reliance.kind, reliance.name)).collect::<Vec<_>>()
    };
    assert_eq!(
        relying("gpt-5-mini"),
        [
            (RelianceKind::Alias, "fast".to_owned()),
            (RelianceKind::DefaultModel, "main".to_owned()),
            (RelianceKind::Profile, "scan".to_owned()),
        ]
    );
    assert!(relying("gpt-4o").is_empty(), "an old version relies on nothing");
}

#[test]
fn a_connection_takes_what_its_provider_lays_down() {
    let (_folder, store) = store();
    let fresh = own("desk_proxy", "Desk proxy");
    store.write(move |db| provider::insert(db, &fresh, NOW)).expect("added");
    let new = NewConnection {
        provider: "desk_proxy".to_owned(),
        key: "desk".to_owned(),
        name: "Desk".to_owned(),
        ..NewConnection::default()
    };
    store.write(move |db| connection::insert(db, &new, NOW)).expect("added");
    let desk = store.read(connection::all).expect("connections").remove(0);
    let provider = store.read(|db| provider::get(db, "desk_proxy")).expect("there");
    assert_eq!((desk.facts, desk.quirks), (provider.facts.clone(), provider.quirks));
    assert_eq!((desk.protocol, desk.also), (Protocol::Openai, vec![Protocol::Responses]));
    assert_eq!((desk.models, desk.base_url), (names(&["small", "large"]), provider.api_base_url.clone()));
    assert_eq!(desk.timeouts.first_byte_ms, 7_000);
    assert_eq!(provider, Provider { id: provider.id, ..own("desk_proxy", "Desk proxy") });
}

#[test]
fn m6_a_provider_in_use_names_its_users_and_stays() {
    let (_folder, store) = store();
    let fresh = own("desk_proxy", "Desk proxy");
    let id = store.write(move |db| provider::insert(db, &fresh, NOW)).expect("added");
    let heir = {
        let other = Provider { api_base_url: "http://127.0.0.1:9000/v1".to_owned(), ..own("heir", "Heir") };
        store.write(move |db| provider::insert(db, &other, NOW)).expect("added")
    };
    let new = NewConnection {
        provider: "desk_proxy".to_owned(),
        key: "desk".to_owned(),
        name: "Main desk".to_owned(),
        ..NewConnection::default()
    };
    store.write(move |db| connection::insert(db, &new, NOW)).expect("added");
    let refused = store.write(move |db| provider::delete(db, id)).expect_err("in use");
    assert!(matches!(&refused, StoreError::InUse { by, .. } if by == "Main desk"), "{refused}");
    let moved = store.write(move |db| provider::reassign(db, id, heir, NOW)).expect("given");
    store.write(move |db| provider::delete(db, id)).expect("nobody uses it");
    let desk = store.read(connection::all).expect("connections").remove(0);
    assert_eq!((moved, desk.provider.as_str()), (1, "heir"));
    assert_eq!(desk.base_url, "http://127.0.0.1:8000/v1", "its key is that server's");
}

#[test]
fn the_catalogue_leaves_alone_what_is_the_users() {
    let (_folder, store) = store();
    let change = |slug: &'static str, change: fn(&mut Provider)| {
        store
            .write(move |db| {
                let mut row = provider::get(db, slug)?;
                change(&mut row);
                provider::update(db, row.id, &row, NOW)
            })
            .expect("changed");
    };
    change("openai", |row| {
        row.facts.status = ProviderStatus::Deprecated;
        row.facts.max_concurrent_requests = Some(3);
        row.supported_models = vec!["mine".to_owned()];
    });
    // What an older program's catalogue said is brought up to date.
    change("groq", |row| row.api_base_url = "https://old.example/v1".to_owned());
    store.write(|db| provider::sync_catalog(db, catalog::providers(), NOW)).expect("in step");
    let openai = store.read(|db| provider::get(db, "openai")).expect("there");
    assert_eq!(
        (openai.facts.status, openai.facts.max_concurrent_requests, openai.supported_models),
        (ProviderStatus::Deprecated, Some(3), names(&["mine"]))
    );
    assert_eq!(
        store.read(|db| provider::get(db, "groq")).expect("there").api_base_url,
        "https://api.groq.com/openai/v1"
    );
    let version = store.read(setting::configuration_version).expect("a version");
    store.write(|db| provider::sync_catalog(db, catalog::providers(), NOW)).expect("in step");
    assert_eq!(
        store.read(setting::configuration_version).expect("a version"),
        version,
        "nothing was touched"
    );
}

#[test]
fn a_provider_of_the_users_keeps_its_slug_and_name_when_the_catalogue_gets_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(folder.path()).expect("opens");
    for (slug, name) in [("groq", "My Groq"), ("other", "Mistral")] {
        let fresh = own(slug, name);
        store.write(move |db| provider::insert(db, &fresh, NOW)).expect("added");
    }
    store.write(|db| provider::sync_catalog(db, catalog::providers(), NOW)).expect("in step");
    let groq = store.read(|db| provider::get(db, "groq")).expect("there");
    assert_eq!((groq.name.as_str(), groq.built_in), ("My Groq", false));
    assert_eq!(store.read(|db| provider::get(db, "other")).expect("there").name, "Mistral");
    let twice = own("groq", "Another");
    let refused = store.write(move |db| provider::insert(db, &twice, NOW)).expect_err("taken");
    assert!(matches!(refused, StoreError::NameTaken { .. }), "{refused}");
}
