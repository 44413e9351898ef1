//! Breakers, attention and health: who is left alone, for how long, and that every place tells the same.

use jiff::tz::TimeZone;
use patchbay_core::diagnose::{Spend, Verdict};
use patchbay_core::health::Health;
use patchbay_core::secret::Secret;
use patchbay_engine::changes::Changed;
use patchbay_engine::demo::DemoFault;
use patchbay_engine::desk::{audit, connections, credentials, overview, providers, status};
use patchbay_engine::{Engine, VaultChoice};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::world::{World, demo, draft, header, locked_demo, question, refusal, until};

const COOLDOWN_MS: u64 = 30_000;

async fn fail(world: &World, times: usize) {
    for _ in 0..times {
        refusal(world.ask("main/demo-fast", &json!({})).await, 502, "upstream_failed").await;
    }
}

/// Its health, as every place tells it: the list, the overview, the providers' cards and the status bar, here and in another
/// process on the folder.
async fn health(world: &World) -> Health {
    let other = Engine::open(world.folder.path(), VaultChoice::Memory).unwrap();
    let mut told = Vec::new();
    for engine in [&world.engine, &other] {
        let one = connections::get(engine, "main", TimeZone::UTC).await.unwrap().health;
        let failing = u32::from(one == Health::Critical);
        let status = status::status(engine, TimeZone::UTC).await.unwrap();
        assert_eq!(status.failing_connections, failing);
        let cards = providers::cards(engine, TimeZone::UTC).await.unwrap();
        let card = cards.into_iter().find(|card| card.provider.slug == "demo").expect("the Demo's");
        assert_eq!(card.connections_failing, failing);
        let overview = overview::overview(engine, TimeZone::UTC).await.unwrap();
        let bad = overview
            .attention
            .iter()
            .any(|item| item.connection.as_deref() == Some("main") && item.level == overview::Level::Bad);
        assert_eq!(bad, failing == 1);
        told.push(one);
    }
    assert_eq!(told[0], told[1]);
    told[0]
}

#[tokio::test]
async fn f4_a_breaker_opens_lets_one_probe_through_and_closes_by_itself() {
    let (world, demo) = World::with_demo().await;
    demo.set_fault(DemoFault::ServerError);
    fail(&world, 5).await;
    let response = world.ask("main/demo-fast", &json!({})).await;
    let wait: u64 = header(&response, "retry-after").parse().expect("seconds");
    assert!((25..=30).contains(&wait), "{wait}");
    let message = refusal(response, 503, "no_candidate").await;
    assert!(message.contains("failed too often and rests"), "{message}");
    assert_eq!(demo.requests(), 5);

    world.clock.advance(COOLDOWN_MS);
    let mut crowd = JoinSet::new();
    for _ in 0..20 {
        let request = world.chat(question("main/demo-fast", &json!({})));
        crowd.spawn(async move { request.send().await.unwrap().status() });
    }
    let statuses = crowd.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 502).count(), 1, "{statuses:?}");
    assert_eq!(demo.requests(), 6, "exactly one probe");

    demo.set_fault(DemoFault::None);
    world.clock.advance(COOLDOWN_MS);
    refusal(world.ask("main/demo-fast", &json!({})).await, 503, "no_candidate").await;
    world.clock.advance(COOLDOWN_MS);
    for _ in 0..2 {
        assert_eq!(world.ask("main/demo-fast", &json!({})).await.status(), 200, "trap 4: it heals by itself");
    }
    assert_ne!(health(&world).await, Health::Critical);
}

#[tokio::test]
async fn f9_every_place_tells_the_same_health_and_hears_of_a_change() {
    let (world, demo) = World::with_demo().await;
    assert_eq!(health(&world).await, Health::Unknown);
    world.ask("demo-fast", &json!({})).await;
    assert_eq!(health(&world).await, Health::Healthy);
    demo.set_fault(DemoFault::ServerError);
    fail(&world, 4).await;
    assert_eq!(health(&world).await, Health::Degraded);
    let mut changes = world.engine.changes().subscribe();
    fail(&world, 1).await;
    assert_eq!(health(&world).await, Health::Critical);
    while changes.recv().await.expect("a change") != Changed::Connections {}
    let notes = world.connection("main").await.notes;
    assert!(notes.iter().any(|note| note.starts_with("Failed too often")), "{notes:?}");

    let world = world.restarted().await;
    assert_eq!(health(&world).await, Health::Critical);
    refusal(world.ask("main/demo-fast", &json!({})).await, 503, "no_candidate").await;
    assert_eq!(demo.requests(), 6, "a restart is no way around a breaker");
}

#[tokio::test]
async fn f5_enabling_clears_counters_and_breaker_in_every_process() {
    let (world, demo) = World::with_demo().await;
    demo.set_fault(DemoFault::ServerError);
    fail(&world, 5).await;
    demo.set_fault(DemoFault::None);
    let other = Engine::open(world.folder.path(), VaultChoice::Memory).unwrap();
    connections::enable(&other, "main", TimeZone::UTC).await.unwrap();
    assert_ne!(health(&world).await, Health::Critical);
    assert_eq!(world.ask("main/demo-fast", &json!({})).await.status(), 200);
}

#[tokio::test]
async fn trap3_a_paused_connection_stays_paused_after_a_test_that_passed() {
    let (world, demo) = World::with_demo().await;
    connections::pause(&world.engine, "main", TimeZone::UTC).await.unwrap();
    let (stages, _watcher) = mpsc::channel(64);
    let report = connections::test(&world.engine, "main", Spend::Allowed, stages).await.unwrap();
    assert_eq!(report.verdict, Verdict::Passed);
    let asked = demo.requests();
    refusal(world.ask("main/demo-fast", &json!({})).await, 503, "no_candidate").await;
    assert_eq!(demo.requests(), asked);
}

#[tokio::test]
async fn a_test_that_passes_brings_a_connection_back() {
    let (world, demo) = World::with_demo().await;
    demo.set_fault(DemoFault::ServerError);
    fail(&world, 5).await;
    demo.set_fault(DemoFault::None);
    let (stages, _watcher) = mpsc::channel(64);
    connections::test(&world.engine, "main", Spend::Allowed, stages).await.unwrap();
    assert_eq!(world.ask("main/demo-fast", &json!({})).await.status(), 200);
}

#[tokio::test]
async fn trap5_a_bad_prompt_hurts_nobody() {
    let (world, demo) = World::with_demo().await;
    for _ in 0..10 {
        refusal(world.ask("demo-fast", &json!({ "messages": [] })).await, 400, "bad_request").await;
    }
    assert_eq!(demo.requests(), 10);
    assert_eq!(health(&world).await, Health::Unknown);
    assert_eq!(world.ask("demo-fast", &json!({})).await.status(), 200);
}

#[tokio::test]
async fn f3_a_refused_key_needs_a_person_and_a_new_key_ends_it() {
    let world = World::open().await;
    let main = locked_demo("sk-demo-right-0123456789");
    let spare = demo();
    let mut wrong = draft("main", main.base_url());
    wrong.secret = Some(Secret::new("sk-demo-wrong-0123456789".into()));
    world.add(wrong).await;
    world.connect("spare", spare.base_url()).await;
    for _ in 0..3 {
        assert_eq!(header(&world.ask("demo-fast", &json!({})).await, "x-patchbay-connection"), "spare");
    }
    assert_eq!(main.requests(), 1, "a key that was refused is not tried again");
    assert_eq!(health(&world).await, Health::Critical);
    let notes = world.connection("main").await.notes;
    assert!(notes.iter().any(|note| note.contains("its key was refused")), "{notes:?}");

    let right = Secret::new("sk-demo-right-0123456789".into());
    credentials::replace_key(&world.engine, "main", right, TimeZone::UTC).await.unwrap();
    assert_ne!(health(&world).await, Health::Critical);
    assert_eq!(header(&world.ask("demo-fast", &json!({})).await, "x-patchbay-connection"), "main");
}

#[tokio::test]
async fn k3_a_standby_takes_over_in_the_very_call_whose_key_was_refused() {
    for stream in [false, true] {
        let world = World::open().await;
        let main = locked_demo("sk-demo-right-0123456789");
        let mut wrong = draft("main", main.base_url());
        wrong.secret = Some(Secret::new("sk-demo-wrong-0123456789".into()));
        world.add(wrong).await;
        let right = Secret::new("sk-demo-right-0123456789".into());
        credentials::stage(&world.engine, "main", right).await.unwrap();
        credentials::stand_by(&world.engine, "main", None).await.unwrap();

        let answer = world.ask("main/demo-fast", &json!({ "stream": stream })).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "x-patchbay-attempts")), (200, "2"));
        answer.bytes().await.unwrap();
        let log = world.log().await;
        let rows: Vec<_> = log.iter().map(|row| (row.outcome.as_str(), row.error_class.as_deref())).collect();
        assert_eq!(rows, [("failed", Some("key_refused")), ("answered", None)]);
        assert_ne!(health(&world).await, Health::Critical);
        assert_eq!(world.ask("main/demo-fast", &json!({})).await.status(), 200);
        assert_eq!(main.requests(), 3, "the key that was refused is not tried again");

        let entries = audit::list(&world.engine, audit::AuditQuery::default(), None, 100).await.unwrap();
        assert!(format!("{entries:?}").contains("\"take_over\""), "{entries:?}");
    }
}

#[tokio::test]
async fn f3_a_standby_that_is_refused_too_ends_there() {
    let world = World::open().await;
    let main = locked_demo("sk-demo-right-0123456789");
    let mut wrong = draft("main", main.base_url());
    wrong.secret = Some(Secret::new("sk-demo-wrong-0123456789".into()));
    world.add(wrong).await;
    let other = Secret::new("sk-demo-other-0123456789".into());
    credentials::stage(&world.engine, "main", other).await.unwrap();
    credentials::stand_by(&world.engine, "main", None).await.unwrap();
    refusal(world.ask("main/demo-fast", &json!({})).await, 401, "patchbay_key_refused").await;
    assert_eq!(main.requests(), 2, "each key once, and the first is not brought back");
}

#[tokio::test]
async fn f2_a_call_makes_four_attempts_at_most() {
    let world = World::open().await;
    let fleet: Vec<_> = (0..6).map(|_| demo()).collect();
    for (number, demo) in fleet.iter().enumerate() {
        demo.set_fault(DemoFault::ServerError);
        world.connect(&format!("c{number}"), demo.base_url()).await;
    }
    let response = world.ask("demo-fast", &json!({})).await;
    assert_eq!(header(&response, "x-patchbay-attempts"), "4");
    let asked: Vec<_> = fleet.iter().map(patchbay_engine::demo::DemoServer::requests).collect();
    assert_eq!(asked, [1, 1, 1, 1, 0, 0]);
}

#[tokio::test]
async fn trap1_trap2_a_failure_of_the_second_does_not_bring_the_first_back() {
    let world = World::open().await;
    let (first, second) = (demo(), demo());
    for (key, server) in [("main", &first), ("spare", &second)] {
        server.set_fault(DemoFault::ServerError);
        let mut patient = draft(key, server.base_url());
        patient.settings.max_retries = Some(1);
        world.add(patient).await;
    }
    let response = world.ask("demo-fast", &json!({})).await;
    assert_eq!(header(&response, "x-patchbay-attempts"), "4");
    let order: Vec<_> = world.log().await.into_iter().map(|row| row.connection).collect();
    assert_eq!(order, ["main", "main", "spare", "spare"]);
}

#[tokio::test]
async fn a_connection_that_answers_again_is_used_again() {
    let (world, demo) = World::with_demo().await;
    demo.set_fault(DemoFault::ServerError);
    fail(&world, 5).await;
    demo.set_fault(DemoFault::None);
    let healed = until("it heals", async || {
        world.clock.advance(COOLDOWN_MS);
        (world.ask("demo-fast", &json!({})).await.status() == 200).then_some(())
    });
    healed.await;
}
