//! Many callers against providers that fail in every way at once.

use serde_json::json;
use tokio::task::JoinSet;

use crate::upstream::{Step, Upstream, answer, whole};
use crate::world::{World, demo, draft, question};

/// Of twenty requests, four meet a rate limit, two a server error, one hears nothing; the others are answered.
async fn moody() -> Upstream {
    let limited =
        || vec![Step::text(whole(429, &[("retry-after", "1")], r#"{"error":{"message":"slow down"}}"#))];
    let broken = || vec![Step::text(whole(500, &[], r#"{"error":{"message":"oops"}}"#))];
    let well = || vec![Step::text(answer(10, 20))];
    let mut scripts = vec![limited(), broken(), well(), well(), limited(), vec![Step::Hold], well()];
    scripts.extend([limited(), well(), well(), broken(), well(), limited()]);
    scripts.extend((0..7).map(|_| well()));
    assert_eq!(scripts.len(), 20);
    Upstream::varying(scripts).await
}

#[tokio::test]
async fn f2_every_caller_is_answered_while_one_connection_is_well() {
    let world = World::open().await;
    let mut fleet = Vec::new();
    for number in 0..3 {
        let upstream = moody().await;
        let mut hasty = draft(&format!("moody_{number}"), &upstream.base_url);
        hasty.settings.timeout_s = Some(1);
        world.add(hasty).await;
        fleet.push(upstream);
    }
    let well = demo();
    world.connect("well", well.base_url()).await;
    let mut callers = JoinSet::new();
    for number in 0..200 {
        let request = world.chat(question("demo-fast", &json!({ "stream": number % 2 == 0 })));
        callers.spawn(async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        });
    }
    let answers = callers.join_all().await;
    let failed: Vec<_> = answers.iter().filter(|(status, _)| *status != 200).collect();
    assert!(failed.is_empty(), "{} of 200: {:?}", failed.len(), failed.first());
    let totals = world.usage().await.totals;
    assert_eq!((totals.calls, totals.failed), (200, 0));
    assert!(totals.attempts > 200, "some had to be saved");
    assert!(fleet.iter().all(|upstream| !upstream.seen().is_empty()));
}
