//! A failover drill in force, as bots meet it: whoever is struck is passed by or late, nothing learns of it, and it ends.

use std::sync::Arc;

use patchbay_core::code::Code;
use patchbay_core::profile::{Spec, SpecTarget, WhenSlow};
use patchbay_engine::demo::DemoServer;
use patchbay_engine::desk::audit::{self, AuditQuery};
use patchbay_engine::desk::drill::{self, DrillInForce, DrillRequest, Homeless, LONGEST_MIN, TroubleKind};
use patchbay_engine::desk::profiles::{self, ProfileDraft};
use patchbay_engine::desk::{alerts, log, status};
use patchbay_engine::{Engine, VaultChoice};
use serde_json::{Value, json};

use crate::world::{World, demo, header, refusal, until};

const MINUTES: u32 = 10;
const MINUTE_MS: u64 = 60_000;

/// Profiles `safe`, over `first` and `second`, and `alone`, which leads to `first` only.
async fn desk() -> (World, [DemoServer; 2]) {
    let world = World::open().await;
    let servers = [demo(), demo()];
    world.connect("first", servers[0].base_url()).await;
    world.connect("second", servers[1].base_url()).await;
    profile(&world, "safe", &["first", "second"], Spec::default()).await;
    profile(&world, "alone", &["first"], Spec::default()).await;
    (world, servers)
}

async fn profile(world: &World, name: &str, places: &[&str], spec: Spec) {
    let target = |key: &&str| SpecTarget {
        connection: Some((*key).into()),
        provider: None,
        model: "demo-fast".into(),
    };
    let spec = Spec { targets: places.iter().map(target).collect(), ..spec };
    let draft = ProfileDraft { name: name.into(), spec, note: String::new() };
    profiles::add(&world.engine, draft).await.unwrap();
}

fn request(trouble: TroubleKind, first_byte_ms: Option<u32>) -> DrillRequest {
    DrillRequest { struck: "first".into(), trouble, first_byte_ms }
}

async fn begin(engine: &Arc<Engine>, request: &DrillRequest) -> DrillInForce {
    drill::start(engine, request, MINUTES, Homeless::Accept).await.unwrap().in_force.expect("in force")
}

/// Everything that attempts teach of a connection, as the window shows it.
async fn learnt_of(world: &World, key: &str) -> Value {
    serde_json::to_value(world.connection(key).await).unwrap()
}

/// What was entered of drills, oldest first.
async fn entered(world: &World) -> Vec<(String, String, String)> {
    let query = AuditQuery { kind: Some("drill".into()), ..AuditQuery::default() };
    let page = audit::list(&world.engine, query, None, 100).await.unwrap();
    page.entries.into_iter().rev().map(|entry| (entry.actor, entry.action, entry.name)).collect()
}

fn by(actor: &str, action: &str) -> (String, String, String) {
    (actor.into(), action.into(), "first".into())
}

#[tokio::test]
async fn real_calls_pass_by_who_is_struck_and_nothing_learns_of_it() {
    for (trouble, word) in [(TroubleKind::Outage, "an outage"), (TroubleKind::RateLimited, "429")] {
        let (world, _servers) = desk().await;
        assert_eq!(world.ask("alone", &json!({})).await.status(), 200);
        let before = learnt_of(&world, "first").await;
        begin(&world.engine, &request(trouble, None)).await;
        // More than open a breaker, if they were failures.
        for _ in 0..8 {
            let response = world.ask("safe", &json!({})).await;
            assert_eq!((response.status().as_u16(), header(&response, "x-patchbay-attempts")), (200, "1"));
            assert_eq!(header(&response, "x-patchbay-connection"), "second");
        }
        for model in ["alone", "first", "first/demo-fast"] {
            let response = world.ask(model, &json!({})).await;
            let wait: u64 = header(&response, "retry-after").parse().unwrap();
            assert!(wait <= 60 * u64::from(MINUTES), "not later than the drill ends: {wait} s");
            let message = refusal(response, 503, "no_candidate").await;
            for part in ["A drill is in force: The first is pretended to", "patchbay drill end", word] {
                assert!(message.contains(part), "{part}: {message}");
            }
        }

        assert_eq!(
            learnt_of(&world, "first").await,
            before,
            "its health, counts and last use are as they were"
        );
        let log = world.log().await;
        assert_eq!(log.len(), 9, "no attempt is entered that was not made");
        let passed = &log[8].detours.as_ref().expect("it came round somebody").skipped[0];
        assert_eq!(passed.connection, "The first");
        assert!(passed.reason.contains(&format!(
            "a drill pretends {}",
            if word == "429" { "that it answers 429" } else { word }
        )));
        let story = log::explain(&world.engine, log[8].call.parse().unwrap()).await.unwrap().unwrap();
        assert!(
            story.steps.iter().any(|step| step.starts_with("The first was passed by: a drill")),
            "{story:?}"
        );
        let told = alerts::list(&world.engine).await.unwrap();
        assert!(told.open.is_empty() && told.closed_count == 0, "nobody is told of anything: {told:?}");

        drill::end(&world.engine).await.unwrap().expect("it was in force");
        assert_eq!(world.ask("alone", &json!({})).await.status(), 200);
        assert_eq!(entered(&world).await, [by("user", "begin"), by("user", "end")]);
        assert!(drill::end(&world.engine).await.unwrap().is_none());
        assert_eq!(entered(&world).await.len(), 2, "what did not change is not entered");
    }
}

#[tokio::test]
async fn slowness_comes_before_the_attempt_and_is_in_no_figure() {
    const HELD_MS: u32 = 700;
    let (world, _servers) = desk().await;
    begin(&world.engine, &request(TroubleKind::Slow, Some(HELD_MS))).await;
    let asked = patchbay_engine::clock::now();
    let response = world.ask("safe", &json!({})).await;
    assert_eq!(header(&response, "x-patchbay-connection"), "first", "whoever is slow answers");
    let row = world.last().await;
    let began: jiff::Timestamp = row.at.parse().unwrap();
    assert!(began.as_millisecond() - asked.0 >= i64::from(HELD_MS), "it was sent only then");
    let held_ms = row.detours.as_ref().expect("it was held back").held_ms;
    assert!(held_ms >= u64::from(HELD_MS), "{held_ms}");
    let story = log::explain(&world.engine, row.call.parse().unwrap()).await.unwrap().unwrap();
    assert!(story.steps[1].contains(&format!("held it back for {held_ms} ms")), "{story:?}");
    let call = patchbay_engine::desk::activity::call(&world.engine, row.call.parse().unwrap());
    let call = call.await.unwrap().unwrap();
    assert_eq!((u64::from(call.stops[0].held_ms), u64::from(call.took_ms)), (held_ms, row.total_ms));
}

#[tokio::test]
async fn slowness_beyond_the_first_byte_timeout_passes_by() {
    let (world, _servers) = desk().await;
    profile(&world, "hasty", &["first", "second"], Spec { timeout_s: Some(1), ..Spec::default() }).await;
    begin(&world.engine, &request(TroubleKind::Slow, None)).await;
    let response = world.ask("hasty", &json!({})).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-patchbay-connection")), (200, "second"));
    let log = world.log().await;
    assert_eq!(log.len(), 1, "nothing was sent to the first");
    let detours = log[0].detours.clone().unwrap();
    assert!(detours.held_ms >= 1_000 && detours.skipped[0].reason.contains("too slow"), "{detours:?}");
}

#[tokio::test]
async fn who_asks_the_next_beside_a_slow_one_goes_there_as_soon() {
    let (world, _servers) = desk().await;
    let spec = Spec { when_slow: Some(WhenSlow::AskNext), ..Spec::default() };
    profile(&world, "fast", &["first", "second"], spec).await;
    // So many answers set a pace.
    for _ in 0..20 {
        world.ask("fast", &json!({})).await.bytes().await.unwrap();
    }
    begin(&world.engine, &request(TroubleKind::Slow, Some(19_000))).await;
    let response = world.ask("fast", &json!({})).await;
    assert_eq!(header(&response, "x-patchbay-connection"), "second", "long before the first would be asked");
    let log = world.log().await;
    assert_eq!(log.len(), 21, "only one was asked");
    assert!(log[20].detours.as_ref().is_some_and(|met| met.held_ms >= 50 && met.beside_after_ms.is_none()));
}

#[tokio::test]
async fn the_end_of_a_drill_lets_go_of_whom_it_holds_and_so_does_the_switch() {
    let (world, _servers) = desk().await;
    let held = async |end: &dyn Fn() -> Arc<Engine>| {
        until("the call is held", async || {
            let status = status::status(&world.engine, jiff::tz::TimeZone::UTC).await.unwrap();
            (status.in_flight == 1).then_some(())
        })
        .await;
        end()
    };
    let extra = json!({});
    begin(&world.engine, &request(TroubleKind::Slow, Some(29_000))).await;
    let ending = async {
        let engine = held(&|| Arc::clone(&world.engine)).await;
        drill::end(&engine).await.unwrap();
    };
    let (response, ()) = tokio::join!(world.ask("alone", &extra), ending);
    assert_eq!((response.status().as_u16(), header(&response, "x-patchbay-connection")), (200, "first"));
    response.bytes().await.unwrap();

    begin(&world.engine, &request(TroubleKind::Slow, Some(29_000))).await;
    let stopping = async {
        let engine = held(&|| Arc::clone(&world.engine)).await;
        status::stop(&engine, "the test").await.unwrap();
    };
    let (response, ()) = tokio::join!(world.ask("alone", &extra), stopping);
    refusal(response, 403, "patchbay_stopped").await;
    assert_eq!(world.log().await.len(), 1, "nothing was sent");
}

#[tokio::test]
async fn a_drill_lasts_over_a_restart_and_ends_with_its_time() {
    let (world, _servers) = desk().await;
    begin(&world.engine, &request(TroubleKind::Outage, None)).await;
    let world = world.restarted().await;
    assert!(drill::in_force(&world.engine).unwrap().is_some());
    refusal(world.ask("alone", &json!({})).await, 503, "no_candidate").await;

    world.clock.advance(u64::from(MINUTES) * MINUTE_MS);
    assert_eq!(world.ask("alone", &json!({})).await.status(), 200, "its time alone ends it");
    assert!(drill::in_force(&world.engine).unwrap().is_none());
    let keeping_up = tokio::spawn(Arc::clone(&world.engine).keep_up());
    let log = until("its end is entered", async || {
        let log = entered(&world).await;
        (log.len() > 1).then_some(log)
    });
    assert_eq!(log.await, [by("user", "begin"), by("scheduler", "end")]);
    keeping_up.abort();

    begin(&world.engine, &request(TroubleKind::Outage, None)).await;
    world.clock.advance(u64::from(MINUTES) * MINUTE_MS);
    let world = world.restarted().await;
    assert_eq!(entered(&world).await.last(), Some(&by("scheduler", "end")), "a start enters it, too");
}

#[tokio::test]
async fn every_process_on_the_folder_follows_a_drill() {
    let (world, _servers) = desk().await;
    let other = Engine::open(world.folder.path(), VaultChoice::Memory).unwrap();
    begin(&other, &request(TroubleKind::Outage, None)).await;
    refusal(world.ask("alone", &json!({})).await, 503, "no_candidate").await;
    let shown =
        status::status(&world.engine, jiff::tz::TimeZone::UTC).await.unwrap().drill.expect("in force");
    assert_eq!(shown.text, "The first is pretended to be down");
    drill::end(&other).await.unwrap();
    assert_eq!(world.ask("alone", &json!({})).await.status(), 200);
}

#[tokio::test]
async fn a_drill_begins_one_at_a_time_and_with_consent_where_names_have_no_home() {
    let (world, _servers) = desk().await;
    let outage = request(TroubleKind::Outage, None);
    for minutes in [0, LONGEST_MIN + 1] {
        let refused =
            drill::start(&world.engine, &outage, minutes, Homeless::Accept).await.expect_err("too long");
        assert_eq!(refused.code, Code::InvalidInput);
    }
    let asked = drill::start(&world.engine, &outage, LONGEST_MIN, Homeless::Ask).await.unwrap();
    assert!(asked.in_force.is_none() && asked.report.homeless == 1);
    assert_eq!(world.ask("alone", &json!({})).await.status(), 200, "nothing has begun");

    let second = DrillRequest { struck: "second".into(), ..outage.clone() };
    let begun = drill::start(&world.engine, &second, 1, Homeless::Ask).await.unwrap();
    assert!(begun.in_force.is_some(), "whom it strikes nobody depends on");
    let refused = drill::start(&world.engine, &outage, 1, Homeless::Accept).await.expect_err("one at a time");
    assert_eq!(refused.code, Code::InUse);
    assert!(refused.message.contains("The second is pretended to be down until"), "{refused}");
    let dry = drill::run(&world.engine, &outage).unwrap();
    assert_eq!(dry.homeless, 1, "a dry run takes no notice of the drill in force");
    world.clock.advance(MINUTE_MS);
    begin(&world.engine, &outage).await;
    assert_eq!(entered(&world).await.len(), 3, "one begun, its end, and the other");
}
