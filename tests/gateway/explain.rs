//! A call's way, told afterwards.

use jiff::tz::TimeZone;
use patchbay_engine::demo::DemoFault;
use patchbay_engine::desk::{connections, log};
use serde_json::json;

use crate::world::{World, demo, header};

#[tokio::test]
async fn f1_a_call_keeps_whom_it_passed_by_and_why() {
    let world = World::open().await;
    let (paused, failing, well) = (demo(), demo(), demo());
    for (key, server) in [("paused", &paused), ("failing", &failing), ("well", &well)] {
        world.connect(key, server.base_url()).await;
    }
    failing.set_fault(DemoFault::ServerError);
    connections::pause(&world.engine, "paused", TimeZone::UTC).await.unwrap();
    let response = world.ask("demo-fast", &json!({})).await;
    let call = header(&response, "x-patchbay-call").parse().expect("an id");
    response.bytes().await.unwrap();
    let story = log::explain(&world.engine, call).await.unwrap().expect("it is in the log");
    assert_eq!(story.summary, "Answered by The well (demo-fast) at attempt 2.");
    let told: Vec<_> = story.steps.iter().map(String::as_str).collect();
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!(told[0], "The paused was passed by: switched off.");
    assert!(
        told[1].starts_with("Attempt 1 at The failing (demo-fast): upstream_failed, HTTP 500, after "),
        "{told:?}"
    );
    assert!(told[2].starts_with("Attempt 2 at The well (demo-fast): answered, after "), "{told:?}");
    assert!(told[2].contains(" tokens in, ") && told[2].contains("for $"), "{told:?}");
}

#[tokio::test]
async fn a_call_that_nobody_made_has_no_story() {
    let world = World::open().await;
    let unknown = "01970000-0000-7000-8000-000000000000".parse().expect("an id");
    assert!(log::explain(&world.engine, unknown).await.unwrap().is_none());
}
