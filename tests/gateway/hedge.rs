//! Two requests at the same time, for profiles whose calls cannot wait: the first to answer is taken, both are on the ledger.

use std::sync::Arc;

use patchbay_core::profile::{Spec, SpecTarget, WhenSlow};
use patchbay_engine::desk::log::{self, Line};
use patchbay_engine::desk::profiles::{self, ProfileDraft};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::upstream::{Step, Upstream, answer, ending, stream_head, token};
use crate::world::{World, header, json_of, question, text_of};

/// So many answers set a pace.
const KNOWN: usize = 20;

fn usual() -> Step {
    Step::text(answer(3, 5))
}

fn held() -> Vec<Step> {
    vec![Step::Hold]
}

/// A connection that answers at once so often that its pace is known, and then does something else.
async fn paced(usual: Step, then: Vec<Step>) -> Upstream {
    let mut scripts = vec![vec![usual]; KNOWN];
    scripts.push(then);
    Upstream::varying(scripts).await
}

/// A profile over `first` and `second` that asks the second beside a slow first, once the first's pace is known.
async fn hedged(first: &Upstream, second: &Upstream, when_slow: Option<WhenSlow>, extra: &Value) -> World {
    let world = World::open().await;
    world.connect("first", &first.base_url).await;
    world.connect("second", &second.base_url).await;
    let target =
        |key: &str| SpecTarget { connection: Some(key.into()), provider: None, model: "demo-fast".into() };
    let spec = Spec { targets: vec![target("first"), target("second")], when_slow, ..Spec::default() };
    let draft = ProfileDraft { name: "fast".into(), spec, note: String::new() };
    profiles::add(&world.engine, draft).await.unwrap();
    for _ in 0..KNOWN {
        assert!(world.ask("fast", extra).await.text().await.unwrap().contains("stop"));
    }
    world
}

fn told(line: &Line) -> (&str, u32, &str, bool) {
    (&line.connection, line.attempt, &line.outcome, line.is_final)
}

#[tokio::test]
async fn f6_a_slow_answer_is_overtaken_and_both_are_on_the_ledger() {
    let (first, second) = (paced(usual(), held()).await, Upstream::answering(vec![usual()]).await);
    let world = hedged(&first, &second, Some(WhenSlow::AskNext), &json!({})).await;
    let response = world.ask("fast", &json!({})).await;
    assert_eq!((response.status().as_u16(), header(&response, "x-patchbay-connection")), (200, "second"));
    first.was_left().await;
    let log = world.log_of(KNOWN + 2).await;
    let mut both: Vec<_> = log[KNOWN..].iter().collect();
    both.sort_by_key(|line| line.attempt);
    assert_eq!(
        both.iter().map(|line| told(line)).collect::<Vec<_>>(),
        [("first", 1, "cancelled", false), ("second", 2, "answered", true)]
    );
    assert_eq!(both[0].message.as_deref(), Some("Another one answered first."));
    assert_eq!(both[0].cost_source, "unknown", "it may be billed all the same");
    assert!(both[1].detours.as_ref().is_some_and(|detours| detours.beside_after_ms.is_some()));
    let story = log::explain(&world.engine, both[1].call.parse().unwrap()).await.unwrap().unwrap();
    assert!(story.steps.iter().any(|step| step.contains("slower than usual")), "{story:?}");

    let usage = world.usage().await;
    assert_eq!((usage.totals.calls, usage.totals.attempts), (21, 22), "one call, whoever answered it");
    assert_eq!(usage.more.saved_by_failover, 0, "nothing had failed");
    assert!(world.connection("first").await.last_error.is_none(), "being slow is no error");
}

#[tokio::test]
async fn f6_a_stream_is_overtaken_before_its_first_token_only() {
    let (go, streamed) = (Arc::new(Semaphore::new(0)), json!({ "stream": true }));
    let late = vec![
        Step::text(stream_head()),
        Step::text(token("He")),
        Step::Wait(Arc::clone(&go)),
        Step::text(token("llo") + &ending()),
    ];
    let whole = stream_head() + &token("Hi") + &ending();
    let first = paced(Step::text(whole), late).await;
    let second = Upstream::answering(held()).await;
    let world = hedged(&first, &second, Some(WhenSlow::AskNext), &streamed).await;
    let response = world.ask("fast", &streamed).await;
    assert_eq!(header(&response, "x-patchbay-connection"), "first");
    go.add_permits(1);
    assert_eq!(text_of(&response.text().await.unwrap()), "Hello", "a stream that has begun is waited for");
}

#[tokio::test]
async fn f2_where_one_of_two_fails_the_other_is_waited_for() {
    let go = Arc::new(Semaphore::new(0));
    let slow = vec![Step::Wait(Arc::clone(&go)), usual()];
    let (first, second) = (paced(usual(), slow).await, Upstream::saying(500, "application/json", "{}").await);
    let world = hedged(&first, &second, Some(WhenSlow::AskNext), &json!({})).await;
    let asked = world.chat(question("fast", &json!({}))).send();
    let failed = async {
        world.log_of(KNOWN + 1).await;
        go.add_permits(1);
    };
    let (response, ()) = tokio::join!(asked, failed);
    let response = response.unwrap();
    assert_eq!(header(&response, "x-patchbay-connection"), "first");
    assert_eq!(json_of(response).await["model"], "fast");
    let log = world.log().await;
    assert_eq!(
        log[KNOWN..].iter().map(told).collect::<Vec<_>>(),
        [("first", 1, "answered", true), ("second", 2, "failed", false)]
    );
    let story = log::explain(&world.engine, log[KNOWN].call.parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(story.summary, "Answered by The first (demo-fast) at attempt 1.");
    assert_eq!(second.seen().len(), 1, "each connection once a round");
}

#[tokio::test]
async fn f7_nobody_is_asked_beside_unless_the_profile_says_so() {
    let go = Arc::new(Semaphore::new(0));
    let slow = vec![Step::Wait(Arc::clone(&go)), usual()];
    let (first, second) = (paced(usual(), slow).await, Upstream::answering(vec![usual()]).await);
    let world = hedged(&first, &second, None, &json!({})).await;
    let asked = world.chat(question("fast", &json!({}))).send();
    let waited = async {
        crate::world::until("the slow one is asked", async || (first.seen().len() > KNOWN).then_some(()))
            .await;
        go.add_permits(1);
    };
    let (response, ()) = tokio::join!(asked, waited);
    let response = response.unwrap();
    assert_eq!(header(&response, "x-patchbay-connection"), "first");
    assert_eq!((world.log().await.len(), second.seen().len()), (KNOWN + 1, 0));
}
