//! Reading the providers' lists, and what becomes of them: real HTTP on loopback, page by page.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use jiff::tz::TimeZone;
use patchbay_core::catalog::{KeyNeed, Protocol};
use patchbay_core::id::ProviderId;
use patchbay_core::model::{Capability, ModelState, Pricing};
use patchbay_core::money::DecimalUsd;
use patchbay_core::price::PriceSource;
use patchbay_core::provider::{Provider, ProviderFacts, ProviderStatus};
use patchbay_core::time::Timestamp;
use patchbay_engine::desk::credentials;
use patchbay_engine::desk::models::{self, ModelQuery, ModelReach, SyncOutcome, SyncReport};
use patchbay_engine::desk::playground::{PlaygroundEvent, PlaygroundRequest};
use patchbay_engine::desk::prices::{self, PriceDraft, PriceTier};
use patchbay_engine::desk::providers::{self, ProviderEdit};
use patchbay_store::connection::NewConnection;
use patchbay_store::{Store, connection, provider};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::playground;
use crate::world::World;

/// A server that answers each request with the next page, the last one for ever, and keeps the paths that it was asked.
struct Lists {
    url: String,
    script: Arc<Script>,
    _running: JoinSet<()>,
}

#[derive(Default)]
struct Script {
    pages: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<String>>,
    /// Set where requests are never answered.
    silent: bool,
    arrived: Notify,
}

impl Lists {
    async fn start(script: Script) -> Self {
        let script = Arc::new(script);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().fallback(page).with_state(Arc::clone(&script));
        let mut running = JoinSet::new();
        running.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, script, _running: running }
    }

    async fn of(pages: &[(u16, Value)]) -> Self {
        let lists = Self::start(Script::default()).await;
        lists.next(pages);
        lists
    }

    /// What it answers from now on.
    fn next(&self, pages: &[(u16, Value)]) {
        *self.script.pages.lock().unwrap() =
            pages.iter().map(|(status, body)| (*status, body.to_string())).collect();
        self.script.asked.lock().unwrap().clear();
    }

    fn asked(&self) -> Vec<String> {
        self.script.asked.lock().unwrap().clone()
    }
}

async fn page(State(script): State<Arc<Script>>, request: Request) -> (StatusCode, String) {
    script.asked.lock().unwrap().push(request.uri().to_string());
    script.arrived.notify_one();
    if script.silent {
        std::future::pending::<()>().await;
    }
    let mut pages = script.pages.lock().unwrap();
    let (status, body) = if pages.len() > 1 { pages.pop_front() } else { pages.front().cloned() }.unwrap();
    (StatusCode::from_u16(status).unwrap(), body)
}

/// Adds a provider of this protocol with one connection, as another process on the folder would.
fn provide(world: &World, slug: &'static str, protocol: Protocol, url: &str) {
    let store = Store::open(world.folder.path()).unwrap();
    let fresh = Provider {
        id: ProviderId(0),
        slug: slug.to_owned(),
        name: format!("The {slug}"),
        protocol,
        also: Vec::new(),
        api_base_url: url.to_owned(),
        facts: ProviderFacts { key: KeyNeed::None, ..ProviderFacts::default() },
        key_prefix: String::new(),
        default_model: String::new(),
        supported_models: Vec::new(),
        default_timeout_s: 60,
        default_connection: None,
        built_in: false,
        quirks: patchbay_core::catalog::Quirks::default(),
        created_at: Timestamp(0),
    };
    let new = NewConnection {
        provider: slug.to_owned(),
        key: format!("{slug}_main"),
        name: format!("{slug} main"),
        tested: true,
        default_model: Some("a".to_owned()),
        ..NewConnection::default()
    };
    store
        .write(move |db| {
            provider::insert(db, &fresh, Timestamp(1))?;
            connection::insert(db, &new, Timestamp(1))
        })
        .unwrap();
}

async fn sync(world: &World, slug: &str) -> SyncReport {
    models::sync(&world.engine, Some(slug.to_owned())).await.unwrap().remove(0)
}

async fn known(world: &World, slug: &str) -> Vec<(String, ModelState)> {
    let query = ModelQuery { provider: Some(slug.to_owned()), ..ModelQuery::default() };
    let list = models::list(&world.engine, query).await.unwrap();
    list.models.into_iter().map(|model| (model.model, model.state)).collect()
}

fn plain(ids: &[&str]) -> Value {
    json!({ "data": ids.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>() })
}

fn available(ids: &[&str]) -> Vec<(String, ModelState)> {
    ids.iter().map(|id| ((*id).to_owned(), ModelState::Available)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn m1_a_list_of_several_pages_is_read_whole() {
    let world = World::open().await;
    let lists = Lists::of(&[
        (200, json!({ "data": [{ "id": "a" }, { "id": "b" }], "has_more": true, "last_id": "b" })),
        (200, json!({ "data": [{ "id": "c" }], "has_more": true, "last_id": "c" })),
        (200, json!({ "data": [{ "id": "d", "max_input_tokens": 9 }], "has_more": false, "last_id": "d" })),
    ])
    .await;
    provide(&world, "paged", Protocol::Anthropic, &lists.url);
    let report = sync(&world, "paged").await;
    assert_eq!((report.outcome, report.listed, report.added.len()), (SyncOutcome::Done, 4, 4), "{report:?}");
    assert_eq!(known(&world, "paged").await, available(&["a", "b", "c", "d"]));
    let asked = lists.asked();
    assert_eq!(asked.len(), 3, "one request a page: {asked:?}");
    assert!(asked[1].contains("after_id=b") && asked[2].contains("after_id=c"), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn m1_a_sync_that_fails_midway_or_finds_nothing_changes_nothing() {
    let world = World::open().await;
    let lists =
        Lists::of(&[(200, json!({ "data": [{ "id": "a" }, { "id": "b" }], "has_more": false }))]).await;
    provide(&world, "paged", Protocol::Anthropic, &lists.url);
    assert_eq!(sync(&world, "paged").await.outcome, SyncOutcome::Done);
    let first = (200, json!({ "data": [{ "id": "new" }], "has_more": true, "last_id": "new" }));
    for (pages, outcome) in [
        (vec![first.clone(), (500, json!({ "error": { "message": "Midway." } }))], SyncOutcome::Failed),
        (vec![first.clone(), (200, json!("no list"))], SyncOutcome::Failed),
        (vec![first], SyncOutcome::Failed),
        (vec![(401, json!({ "error": { "message": "Who are you?" } }))], SyncOutcome::Failed),
        (vec![(200, json!({ "data": [], "has_more": false }))], SyncOutcome::Empty),
    ] {
        lists.next(&pages);
        let report = sync(&world, "paged").await;
        assert_eq!(report.outcome, outcome, "{report:?}");
        assert_eq!(report.asked[0].error.is_some(), outcome == SyncOutcome::Failed, "{report:?}");
        assert_eq!(known(&world, "paged").await, available(&["a", "b"]), "{pages:?}");
        assert!(lists.asked().len() <= 2, "a list that repeats itself is broken off: {:?}", lists.asked());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn m1_a_sync_that_is_stopped_changes_nothing() {
    let world = World::open().await;
    let lists = Lists::start(Script { silent: true, ..Script::default() }).await;
    provide(&world, "slow", Protocol::Openai, &lists.url);
    let engine = Arc::clone(&world.engine);
    let running = tokio::spawn(async move { models::sync(&engine, None).await.unwrap() });
    lists.script.arrived.notified().await;
    models::sync_stop(&world.engine);
    let reports = running.await.unwrap();
    assert_eq!(reports.iter().map(|report| report.outcome).collect::<Vec<_>>(), [SyncOutcome::Stopped]);
    assert_eq!(known(&world, "slow").await, available(&["a"]), "the connection's own model only");
}

#[tokio::test(flavor = "multi_thread")]
async fn m3_a_model_that_is_gone_names_who_relies_on_it_and_what_could_take_its_place() {
    let world = World::open().await;
    let lists = Lists::of(&[(200, plain(&["a", "a-2", "embed-long"]))]).await;
    provide(&world, "vendor", Protocol::Openai, &lists.url);
    sync(&world, "vendor").await;
    lists.next(&[(200, plain(&["a-2", "embed-long"]))]);
    let report = sync(&world, "vendor").await;
    assert_eq!(report.gone.len(), 1, "{report:?}");
    assert_eq!(
        (report.gone[0].model.as_str(), report.gone[0].relied_on_by[0].name.as_str()),
        ("a", "vendor_main")
    );
    let detail = models::detail(&world.engine, "vendor".into(), "a".into()).await.unwrap();
    assert_eq!((detail.model.state, detail.model.reach), (ModelState::Unavailable, ModelReach::Gone));
    assert_eq!(detail.replacements.first().map(String::as_str), Some("a-2"));
    let settings = world.connection("vendor_main").await;
    assert_eq!(settings.default_model.as_deref(), Some("a"), "nothing changes by itself");
    lists.next(&[(200, plain(&["a", "embed-long"]))]);
    let back = sync(&world, "vendor").await;
    assert_eq!((back.returned, back.gone[0].model.as_str()), (vec!["a".to_owned()], "a-2"));
}

fn marketplace(price: &str) -> Value {
    json!({ "data": [
        { "id": "maker/fast", "context_length": 200_000,
          "supported_parameters": ["tools", "reasoning"],
          "architecture": { "input_modalities": ["text", "image"], "output_modalities": ["text"] },
          "pricing": { "prompt": price, "completion": "0.000002", "input_cache_read": "0.0000001" } },
        { "id": "maker/free", "pricing": { "prompt": "0", "completion": "0" } },
        { "id": "auto", "pricing": { "prompt": "-1", "completion": "-1" } },
    ] })
}

#[tokio::test(flavor = "multi_thread")]
async fn c3_a_marketplaces_prices_are_kept_by_date_and_a_price_of_the_users_comes_first() {
    let world = World::open().await;
    let lists = Lists::of(&[(200, marketplace("0.000001"))]).await;
    provide(&world, "market", Protocol::Openai, &lists.url);
    assert_eq!(sync(&world, "market").await.prices_changed, 2);
    assert_eq!(sync(&world, "market").await.prices_changed, 0, "the same price is no new version");
    lists.next(&[(200, marketplace("0.0000015"))]);
    assert_eq!(sync(&world, "market").await.prices_changed, 1);
    let history = prices::history(&world.engine, "market", "maker/fast").unwrap();
    let inputs: Vec<&str> = history.iter().map(|version| version.tiers[0].input.0.as_str()).collect();
    assert_eq!(inputs, ["1.5", "1"]);
    assert_eq!(history.iter().map(|version| version.in_effect).collect::<Vec<_>>(), [true, false]);

    let mine = prices::set(&world.engine, price("market", "maker/fast", "0.5")).await.unwrap();
    assert_eq!((mine[0].source, mine[0].in_effect), (PriceSource::User, true));
    lists.next(&[(200, marketplace("0.000009"))]);
    assert_eq!(sync(&world, "market").await.prices_changed, 1);
    let query =
        ModelQuery { capabilities: vec![Capability::Tools, Capability::Images], ..ModelQuery::default() };
    let found = models::list(&world.engine, query).await.unwrap().models;
    let fast = found.iter().find(|model| model.model == "maker/fast").unwrap();
    assert_eq!(
        (fast.input_price.clone(), fast.price_source),
        (Some(DecimalUsd("0.5".into())), Some(PriceSource::User))
    );
    assert_eq!((fast.context_window, fast.capabilities_complete), (Some(200_000), true));
    prices::unset(&world.engine, "market".into(), "maker/fast".into(), None).await.unwrap();
    let now = prices::history(&world.engine, "market", "maker/fast").unwrap();
    assert_eq!((now[0].tiers[0].input.0.as_str(), now[0].source), ("9", PriceSource::Provider));
}

fn price(provider: &str, model: &str, input: &str) -> PriceDraft {
    let tier = PriceTier {
        above_tokens: None,
        input: DecimalUsd(input.into()),
        output: DecimalUsd("1".into()),
        cached: None,
        cache_write: None,
    };
    PriceDraft { provider: provider.into(), model: model.into(), effective_from: None, tiers: vec![tier] }
}

#[tokio::test(flavor = "multi_thread")]
async fn m4_a_picture_is_not_sent_to_a_model_that_cannot_see() {
    let world = World::open().await;
    let blind = json!({ "data": [
        { "id": "maker/blind", "supported_parameters": ["tools"],
          "architecture": { "input_modalities": ["text"], "output_modalities": ["text"] },
          "pricing": { "prompt": "0.000001", "completion": "0.000002" } },
    ] });
    let lists = Lists::of(&[(200, blind)]).await;
    provide(&world, "market", Protocol::Openai, &lists.url);
    sync(&world, "market").await;
    let asked = lists.asked().len();
    let picture = world.folder.path().join("chart.png");
    std::fs::write(&picture, playground::PNG).unwrap();
    let request = PlaygroundRequest {
        attachment: Some(picture.display().to_string()),
        ..playground::prompt("market_main/maker/blind")
    };
    let told = playground::run(&world, request).await;
    let Some(PlaygroundEvent::Failed { error }) = told.last() else { panic!("{told:?}") };
    assert!(error.message.contains("the model cannot see images"), "{error}");
    assert_eq!(lists.asked().len(), asked, "nothing is sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_catalogue_is_searched_by_what_is_known_of_its_models() {
    let world = World::open().await;
    let lists = Lists::of(&[(200, marketplace("0.000001"))]).await;
    provide(&world, "market", Protocol::Openai, &lists.url);
    sync(&world, "market").await;
    let own = || ModelQuery { provider: Some("market".into()), ..ModelQuery::default() };
    for (query, ids) in [
        (ModelQuery { text: "FAST".into(), ..own() }, vec!["maker/fast"]),
        (ModelQuery { pricing: Some(Pricing::Unknown), ..own() }, vec!["a", "auto"]),
        (ModelQuery { max_input: Some(DecimalUsd("0.99".into())), ..own() }, vec!["maker/free"]),
        (ModelQuery { min_context: Some(200_000), ..own() }, vec!["maker/fast"]),
        (ModelQuery { capabilities: vec![Capability::Json], ..own() }, vec![]),
        (ModelQuery { limit: Some(1), ..own() }, vec!["a"]),
    ] {
        let list = models::list(&world.engine, query.clone()).await.unwrap();
        let found: Vec<&str> = list.models.iter().map(|model| model.model.as_str()).collect();
        assert_eq!(found, ids, "{query:?}");
        assert!(usize::try_from(list.matched).unwrap() >= ids.len() && list.total >= 4);
    }
    let none = models::list(&world.engine, ModelQuery { text: "makr/fast".into(), ..own() }).await.unwrap();
    assert_eq!(none.nearest.first().map(String::as_str), Some("maker/fast"));
    let wrong = ModelQuery { max_input: Some(DecimalUsd("cheap".into())), ..own() };
    assert!(models::list(&world.engine, wrong).await.unwrap_err().message.contains("cheap"));
    assert!(none.age.syncs.iter().any(|sync| sync.provider == "market" && !sync.stale && sync.priced == 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn c2_your_mix_weighs_a_price_by_what_was_used_and_what_has_no_price_is_counted() {
    let (world, _demo) = World::with_demo().await;
    assert_eq!(world.ask("main/demo-fast", &json!({})).await.status(), 200);
    assert_eq!(world.ask("main/demo-fast", &json!({})).await.status(), 200);
    let used = world.usage().await.totals;
    let list =
        models::list(&world.engine, ModelQuery { provider: Some("demo".into()), ..ModelQuery::default() });
    let list = list.await.unwrap();
    let fast = list.models.iter().find(|model| model.model == "demo-fast").unwrap();
    assert_eq!((fast.requests, fast.reach), (2, ModelReach::Ready));
    assert_eq!(list.models[0].model, "demo-fast", "the most used comes first");
    let mixed =
        (i128::from(used.cost_nano_usd) * 1_000_000) / i128::from(used.input_tokens + used.output_tokens);
    let shown: f64 = fast.mix_price.as_ref().unwrap().0.parse().unwrap();
    let expected = f64::from(i32::try_from(mixed).unwrap()) / 1e9;
    assert!((shown - expected).abs() < expected / 100.0, "{shown} {expected}");
    let compared = models::compare(&world.engine, vec!["demo/demo-fast".into(), "demo/demo-free".into()]);
    let compared = compared.await.unwrap();
    assert_eq!(compared[1].month_cost, Some(DecimalUsd("0".into())));
    assert!(compared[0].month_cost.is_some());
    assert!(prices::unpriced(&world.engine).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_in_maintenance_is_skipped_with_its_reason_and_one_that_is_deprecated_is_not() {
    let (world, _demo) = World::with_demo().await;
    let set = |status| providers::edit(&world.engine, "demo", ProviderEdit::Status(status));
    set(ProviderStatus::Maintenance).await.unwrap();
    let refused = world.ask("main/demo-fast", &json!({})).await;
    assert_eq!(refused.status(), 503);
    let body = refused.text().await.unwrap();
    assert!(body.contains("its provider is in maintenance"), "{body}");
    set(ProviderStatus::Deprecated).await.unwrap();
    assert_eq!(world.ask("main/demo-fast", &json!({})).await.status(), 200);
    assert!(world.connection("main").await.notes.iter().any(|note| note.contains("deprecated")));
}

#[tokio::test(flavor = "multi_thread")]
async fn k5_a_provider_that_moves_to_another_server_asks_for_the_keys_of_its_connections_again() {
    let world = World::open().await;
    provide(&world, "vendor", Protocol::Openai, "http://127.0.0.1:1/v1");
    let secret = patchbay_core::secret::Secret::new("sk-vendor-0123456789".to_owned());
    credentials::replace_key(&world.engine, "vendor_main", secret, TimeZone::UTC).await.unwrap();
    let to = |url: &str| ProviderEdit::BaseUrl(Some(url.to_owned()));
    providers::edit(&world.engine, "vendor", to("http://127.0.0.1:1/v2")).await.unwrap();
    assert!(world.connection("vendor_main").await.credential.is_some(), "the same server");
    providers::edit(&world.engine, "vendor", to("http://127.0.0.1:2/v1")).await.unwrap();
    let moved = world.connection("vendor_main").await;
    assert_eq!((moved.credential.is_none(), moved.base_url.as_str()), (true, "http://127.0.0.1:2/v1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn m6_what_comes_with_patchbay_is_changed_only_where_it_is_the_users() {
    let world = World::open().await;
    for edit in [
        ProviderEdit::Name("Mine".into()),
        ProviderEdit::BaseUrl(Some("https://proxy.example/v1".into())),
        ProviderEdit::Key(KeyNeed::None),
    ] {
        assert!(providers::edit(&world.engine, "openai", edit).await.is_err());
    }
    let edited =
        providers::edit(&world.engine, "openai", ProviderEdit::SupportedModels(vec!["x".into()])).await;
    assert_eq!(edited.unwrap().known_models, ["x"]);
    assert!(providers::remove(&world.engine, "openai", None).await.is_err());
    let wrong = ProviderEdit::KeysPage(Some("javascript:alert(1)".into()));
    provide(&world, "vendor", Protocol::Openai, "http://127.0.0.1:1/v1");
    assert!(providers::edit(&world.engine, "vendor", wrong).await.is_err());
    let used = providers::remove(&world.engine, "vendor", None).await.unwrap_err();
    assert!(used.message.contains("vendor main") && used.hint.contains("--reassign-to"), "{used:?}");
}
