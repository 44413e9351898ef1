//! Limits are kept: concurrency, windows, days and tokens, through restarts, clocks that are set and callers who leave.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::connection::Limits;
use patchbay_engine::desk::providers::{self, ProviderEdit};
use patchbay_engine::desk::{connections, status};
use reqwest::Response;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::upstream::{Step, Upstream, answer, ending, stream_head, token, whole};
use crate::world::{World, demo, header, limited_draft, refusal, until};

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

fn concurrent(most: u32) -> Limits {
    Limits { max_concurrent_requests: Some(most), ..Limits::default() }
}

fn per_minute(most: u32) -> Limits {
    Limits { rate_limit_per_minute: Some(most), ..Limits::default() }
}

fn per_day(most: u32) -> Limits {
    Limits { rate_limit_per_day: Some(most), ..Limits::default() }
}

async fn ask(world: &World) -> Response {
    world.ask("demo-fast", &json!({})).await
}

async fn answered(world: &World, times: usize) {
    for time in 0..times {
        assert_eq!(ask(world).await.status(), 200, "call {time}");
    }
}

/// The seconds of a refusal's `Retry-After`.
async fn refused(world: &World) -> u64 {
    let response = ask(world).await;
    let wait = header(&response, "retry-after").parse().expect("whole seconds");
    let message = refusal(response, 429, "rate_limit_exceeded").await;
    assert!(message.contains("at its limit"), "{message}");
    wait
}

/// Callers side by side; how many of them were answered.
async fn crowd(world: &World, callers: usize) -> usize {
    let mut asking = JoinSet::new();
    for _ in 0..callers {
        let request = world.chat(crate::world::question("demo-fast", &json!({})));
        asking.spawn(async move { request.send().await.unwrap().status() });
    }
    asking.join_all().await.into_iter().filter(|status| *status == 200).count()
}

/// An upstream whose answers wait for permits.
async fn gated(world: &World, key: &str, limits: Limits) -> (Upstream, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let steps = vec![Step::Wait(Arc::clone(&gate)), Step::text(answer(10, 20))];
    let upstream = Upstream::answering(steps).await;
    world.add(limited_draft(key, &upstream.base_url, limits)).await;
    (upstream, gate)
}

async fn asked(upstream: &Upstream, times: usize) {
    until("the provider was asked", async || (upstream.seen().len() >= times).then_some(())).await;
}

#[tokio::test]
async fn r2_never_more_than_k_upstream() {
    let (world, demo) = World::limited(concurrent(3)).await;
    assert_eq!(crowd(&world, 100).await, 100, "who finds no room waits");
    assert!(demo.most_in_flight() <= 3, "{}", demo.most_in_flight());
}

#[tokio::test]
async fn r2_a_provider_s_limit_holds_over_all_its_connections() {
    let world = World::open().await;
    let (first, second) = (demo(), demo());
    world.connect("main", first.base_url()).await;
    world.connect("spare", second.base_url()).await;
    let edit = ProviderEdit::MaxConcurrentRequests(Some(1));
    providers::edit(&world.engine, "demo", edit).await.unwrap();
    assert_eq!(crowd(&world, 50).await, 50);
    assert!(first.most_in_flight() <= 1 && second.most_in_flight() <= 1);
}

#[tokio::test]
async fn r2_never_more_than_n_starts_in_any_window() {
    let (world, demo) = World::limited(per_minute(5)).await;
    assert_eq!(crowd(&world, 30).await, 5);
    world.clock.advance(MINUTE_MS / 2);
    let wait = refused(&world).await;
    assert!((25..=31).contains(&wait), "{wait}");
    // A bucket would be half full by now.
    assert_eq!(demo.requests(), 5);
    world.clock.advance(MINUTE_MS / 2 + 1);
    assert_eq!(crowd(&world, 30).await, 5);
    assert_eq!(demo.requests(), 10);
}

#[tokio::test]
async fn r3_a_period_of_one_s_own_is_kept() {
    let limits = Limits { rate_limit_requests: Some(2), rate_limit_period_s: Some(600), ..Limits::default() };
    let (world, demo) = World::limited(limits).await;
    answered(&world, 2).await;
    world.clock.advance(9 * MINUTE_MS);
    assert!(refused(&world).await <= 60);
    world.clock.advance(MINUTE_MS);
    answered(&world, 2).await;
    assert_eq!(demo.requests(), 4);
}

#[tokio::test]
async fn trap12_a_per_day_limit_is_enforced_until_midnight() {
    let (world, demo) = World::limited(per_day(3)).await;
    answered(&world, 3).await;
    world.clock.advance(2 * MINUTE_MS);
    let wait = refused(&world).await;
    assert!(wait <= DAY_MS / 1_000 + 3_600, "{wait}");
    assert_eq!(demo.requests(), 3);
    let note = world.connection("main").await.notes.into_iter().find(|note| note.contains("3 of 3 requests"));
    assert!(note.is_some_and(|note| note.contains("counted anew at")), "R3: its reset time is shown");
    world.clock.advance(wait * 1_000 + 1);
    answered(&world, 3).await;
    refused(&world).await;
}

#[tokio::test]
async fn r3_counters_survive_a_restart() {
    let limits = Limits { rate_limit_per_day: Some(3), ..per_minute(2) };
    let (world, demo) = World::limited(limits).await;
    answered(&world, 2).await;
    let world = world.restarted().await;
    assert!(refused(&world).await <= 60, "the minute is still full");
    world.clock.advance(MINUTE_MS + 1);
    answered(&world, 1).await;
    let world = world.restarted().await;
    world.clock.advance(MINUTE_MS + 1);
    assert!(refused(&world).await > 0, "the day is full");
    assert_eq!(demo.requests(), 3);
}

#[tokio::test]
async fn r1_tokens_are_reserved_by_estimate_and_settled_by_use() {
    let world = World::open().await;
    let limits = Limits { tokens_per_minute: Some(1_500), ..Limits::default() };
    let (upstream, gate) = gated(&world, "main", limits).await;
    let first = tokio::spawn(world.chat(crate::world::question("demo-fast", &json!({}))).send());
    asked(&upstream, 1).await;
    // The first holds its estimate; the second does not fit beside it, and may pass in a minute only.
    assert!(refused(&world).await > 10);
    gate.add_permits(2);
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    answered(&world, 1).await;
    assert_eq!(upstream.seen().len(), 2, "30 tokens were used of the thousand that were held");
}

#[tokio::test]
async fn r4_full_rotates_first() {
    let world = World::open().await;
    let (upstream, gate) = gated(&world, "main", concurrent(1)).await;
    let spare = demo();
    world.connect("spare", spare.base_url()).await;
    let first = tokio::spawn(world.chat(crate::world::question("demo-fast", &json!({}))).send());
    asked(&upstream, 1).await;
    let response = ask(&world).await;
    assert_eq!(header(&response, "x-patchbay-connection"), "spare");
    assert_eq!(header(&response, "x-patchbay-attempts"), "1", "full is no attempt");
    gate.add_permits(1);
    first.await.unwrap().unwrap();
    assert!(world.connection("main").await.last_error.is_none(), "and no error");
}

#[tokio::test]
async fn r4_then_waits_and_is_served_in_its_turn() {
    let world = World::open().await;
    let (upstream, gate) = gated(&world, "main", concurrent(1)).await;
    let callers: Vec<_> = (0..3)
        .map(|_| tokio::spawn(world.chat(crate::world::question("demo-fast", &json!({}))).send()))
        .collect();
    asked(&upstream, 1).await;
    for turn in 1..=3 {
        gate.add_permits(1);
        asked(&upstream, (turn + 1).min(3)).await;
        assert!(upstream.seen().len() <= turn + 1, "one after the other");
    }
    for caller in callers {
        assert_eq!(caller.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test]
async fn r4_who_leaves_the_line_takes_nobody_s_place() {
    let world = World::open().await;
    let (upstream, gate) = gated(&world, "main", concurrent(1)).await;
    let first = tokio::spawn(world.chat(crate::world::question("demo-fast", &json!({}))).send());
    asked(&upstream, 1).await;
    let impatient = tokio::spawn(world.chat(crate::world::question("demo-fast", &json!({}))).send());
    in_flight(&world, 2).await;
    impatient.abort();
    in_flight(&world, 1).await;
    gate.add_permits(2);
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    answered(&world, 1).await;
    assert_eq!(upstream.seen().len(), 2);
}

#[tokio::test]
async fn r4_a_wait_in_vain_is_a_429_with_retry_after() {
    let world = World::open().await;
    let (upstream, gate) = gated(&world, "main", concurrent(1)).await;
    let first = tokio::spawn(world.chat(crate::world::question("demo-fast", &json!({}))).send());
    asked(&upstream, 1).await;
    let second = tokio::spawn(world.chat(crate::world::question("demo-fast", &json!({}))).send());
    in_flight(&world, 2).await;
    let waited = until("its time is over", async || {
        world.clock.advance(10_000);
        connections::edit(&world.engine, "main", connections::ConnectionEdit::MaxRetries(0), TimeZone::UTC)
            .await
            .unwrap();
        second.is_finished().then_some(())
    });
    waited.await;
    let response = second.await.unwrap().unwrap();
    assert_eq!(header(&response, "retry-after"), "1");
    let message = refusal(response, 429, "rate_limit_exceeded").await;
    assert!(message.contains("as many calls as it may have are on their way"), "{message}");
    gate.add_permits(1);
    first.await.unwrap().unwrap();
    assert_eq!(world.log().await.len(), 1, "no attempt was made, and nothing was spent");
}

async fn in_flight(world: &World, calls: u32) {
    until("so many calls are on their way", async || {
        let status = status::status(&world.engine, TimeZone::UTC).await.unwrap();
        (status.in_flight == calls).then_some(())
    })
    .await;
}

#[tokio::test]
async fn r1_a_place_comes_back_on_every_exit() {
    let world = World::open().await;
    let held = vec![Step::text(stream_head() + &token("Hold ")), Step::Hold];
    let broken = vec![Step::text(stream_head() + &token("Hold "))];
    let streamed = vec![Step::text(stream_head() + &token("Hold.") + &ending())];
    let scripts = vec![
        vec![Step::text(answer(1, 1))],
        vec![Step::text(whole(500, &[], "no"))],
        vec![Step::text(whole(400, &[], r#"{"error":{"message":"no"}}"#))],
        vec![Step::text("no answer at all\r\n\r\n")],
        streamed,
        broken,
        held.clone(),
        held,
        vec![Step::text(answer(1, 1))],
    ];
    let upstream = Upstream::varying(scripts).await;
    world.add(limited_draft("main", &upstream.base_url, concurrent(1))).await;
    for _ in 0..4 {
        ask(&world).await;
    }
    let stream = json!({ "stream": true });
    for _ in 0..2 {
        world.ask("demo-fast", &stream).await.bytes().await.unwrap();
    }
    // A caller who leaves, and the switch.
    let mut response = world.ask("demo-fast", &stream).await;
    response.chunk().await.unwrap().expect("the first event");
    drop(response);
    upstream.was_left().await;
    let mut response = world.ask("demo-fast", &stream).await;
    response.chunk().await.unwrap().expect("the first event");
    status::stop(&world.engine, "the test").await.unwrap();
    response.bytes().await.unwrap();
    status::resume(&world.engine).await.unwrap();
    answered(&world, 1).await;
    assert_eq!(upstream.seen().len(), 9);
}

#[tokio::test]
async fn r1_only_what_was_not_sent_is_refunded() {
    let world = World::open().await;
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = format!("http://{}/v1", nobody.local_addr().unwrap());
    drop(nobody);
    world.add(limited_draft("main", &closed, per_minute(1))).await;
    for _ in 0..3 {
        refusal(ask(&world).await, 502, "network_failed").await;
    }
    let demo = demo();
    let edit = connections::ConnectionEdit::BaseUrl(Some(demo.base_url().to_owned()));
    connections::edit(&world.engine, "main", edit, TimeZone::UTC).await.unwrap();
    refusal(world.ask("demo-fast", &json!({ "messages": [] })).await, 400, "bad_request").await;
    refused(&world).await;
    assert_eq!(demo.requests(), 1, "a refused request was sent, and counts");
}

#[tokio::test]
async fn r6_a_clock_that_is_set_opens_no_window() {
    let (world, demo) = World::limited(per_minute(1)).await;
    answered(&world, 1).await;
    for by_ms in [3_600_000, -7_200_000, 30 * 60_000] {
        world.clock.set_wall(by_ms);
        refused(&world).await;
    }
    world.clock.advance(MINUTE_MS + 1);
    answered(&world, 1).await;
    assert_eq!(demo.requests(), 2);
}

#[tokio::test]
async fn trap9_parallel_calls_do_not_overshoot_a_limit() {
    let (world, demo) = World::limited(per_day(10)).await;
    assert_eq!(crowd(&world, 100).await, 10);
    assert_eq!(demo.requests(), 10);
}

#[tokio::test]
async fn r5_a_provider_s_wish_for_a_pause_is_kept_for_that_model() {
    let world = World::open().await;
    let limited = whole(429, &[("retry-after", "30")], r#"{"error":{"message":"slow down"}}"#);
    let scripts = vec![vec![Step::text(limited)], vec![Step::text(answer(1, 1))]];
    let main = Upstream::varying(scripts).await;
    let spare = demo();
    world.connect("main", &main.base_url).await;
    world.connect("spare", spare.base_url()).await;
    for _ in 0..3 {
        assert_eq!(header(&ask(&world).await, "x-patchbay-connection"), "spare");
    }
    assert_eq!(main.seen().len(), 1, "it is left alone");
    let notes = world.connection("main").await.notes;
    assert!(notes.iter().any(|note| note.starts_with("demo-fast rests until")), "{notes:?}");
    let other = world.ask("main/demo-smart", &json!({})).await;
    assert_eq!(header(&other, "x-patchbay-connection"), "main", "its other models are not meant");
    let response = world.ask("main/demo-fast", &json!({})).await;
    let wait: u64 = header(&response, "retry-after").parse().expect("seconds");
    assert!((25..=30).contains(&wait), "{wait}");
    refusal(response, 429, "rate_limit_exceeded").await;

    let world = world.restarted().await;
    assert_eq!(header(&ask(&world).await, "x-patchbay-connection"), "spare", "and after a restart, too");
    world.clock.advance(31_000);
    world.ask("main/demo-fast", &json!({})).await;
    assert_eq!(main.seen().len(), 3);
}

#[tokio::test]
async fn r5_what_is_left_at_the_provider_lowers_what_is_sent() {
    let world = World::open().await;
    let told = [
        ("content-type", "application/json"),
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "20s"),
    ];
    let body = answer(1, 1);
    let (_, body) = body.split_once("\r\n\r\n").expect("a body");
    let main = Upstream::answering(vec![Step::text(whole(200, &told, body))]).await;
    let spare = demo();
    world.connect("main", &main.base_url).await;
    world.connect("spare", spare.base_url()).await;
    for connection in ["main", "spare", "spare"] {
        assert_eq!(header(&ask(&world).await, "x-patchbay-connection"), connection);
    }
    world.clock.advance(21_000);
    assert_eq!(header(&ask(&world).await, "x-patchbay-connection"), "main");
}
