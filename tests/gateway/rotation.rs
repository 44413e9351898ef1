//! A key that is switched while calls are on their way (K2).

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::secret::Secret;
use patchbay_engine::desk::credentials;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::upstream::{Step, Upstream, ending, stream_head, token};
use crate::world::{World, draft, text_of};

const OLD: &str = "sk-old-5d1f0b9c77ae42d3-OLD1";
const NEW: &str = "sk-new-93b07a4c1de852f0-NEW2";

#[tokio::test]
async fn k2_calls_on_their_way_end_on_the_old_key_and_the_next_ones_use_the_new() {
    let world = World::open().await;
    let gate = Arc::new(Semaphore::new(0));
    let steps = vec![
        Step::text(stream_head() + &token("Hold ")),
        Step::Wait(Arc::clone(&gate)),
        Step::text(token("EURUSD") + &ending()),
    ];
    let upstream = Upstream::answering(steps).await;
    let mut settings = draft("main", &upstream.base_url);
    settings.secret = Some(Secret::new(OLD.into()));
    world.add(settings).await;

    let mut flowing = world.ask("demo-fast", &json!({ "stream": true })).await;
    let begun = flowing.chunk().await.unwrap().expect("the first event");
    let new = Secret::new(NEW.into());
    credentials::replace_key(&world.engine, "main", new, TimeZone::UTC).await.unwrap();
    credentials::purge(&world.engine, "main", 1).await.unwrap();
    let next = world.ask("demo-fast", &json!({ "stream": true })).await;
    gate.add_permits(2);
    let rest = flowing.text().await.unwrap();
    let whole = String::from_utf8_lossy(&begun).into_owned() + &rest;
    assert_eq!(
        (text_of(&whole).as_str(), text_of(&next.text().await.unwrap()).as_str()),
        ("Hold EURUSD", "Hold EURUSD")
    );

    let keys: Vec<bool> = upstream.seen().iter().map(|request| request.contains(NEW)).collect();
    assert_eq!(keys, [false, true]);
    assert!(upstream.seen()[0].contains(OLD));
    let versions = credentials::list(&world.engine, "main").await.unwrap().versions;
    let used: Vec<(u32, u32)> = versions.iter().map(|version| (version.version, version.requests)).collect();
    assert_eq!(used, [(2, 1), (1, 1)], "the ledger names the version that each call used");
}
