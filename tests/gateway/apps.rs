//! What an app may do: its key in a path, its list of models, its own limits.

use patchbay_engine::desk::apps::{self, AppEdit};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, header, json_of, question, refusal};

async fn set(world: &World, edit: AppEdit) {
    apps::edit(&world.engine, "bot".into(), vec![edit]).await.unwrap();
}

fn ids(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_key_may_stand_in_the_path_or_in_the_query() {
    let (world, demo) = World::with_demo().await;
    let key = format!("/b/bot-{}", world.token);
    let body = || question("demo-fast", &json!({}));
    let asked = world.bare(Method::POST, &format!("{key}/v1/chat/completions")).body(body());
    assert_eq!(
        asked.bearer_auth("none").send().await.unwrap().status(),
        200,
        "what it sends besides does not count"
    );
    let listed = world.bare(Method::GET, &format!("{key}/v1/models")).send().await.unwrap();
    assert_eq!(listed.status(), 200);
    let gemini = format!("/v1beta/models/main%2Fdemo-fast:generateContent?key={}", world.token);
    let contents = json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }] });
    let asked = world.bare(Method::POST, &gemini).body(contents.to_string()).send().await.unwrap();
    assert_eq!(asked.status(), 200);
    assert!(demo.recent().iter().all(|received| !format!("{received:?}").contains(&world.token)));
}

#[tokio::test]
async fn x2_a_key_in_a_path_is_good_for_its_own_app_alone() {
    let (world, demo) = World::with_demo().await;
    for key in [
        format!("/b/other-{}", world.token),
        format!("/b/bot-{}x", world.token),
        "/b/bot-pb_".into(),
        format!("/b/{}", world.token),
    ] {
        let asked = world.bare(Method::POST, &format!("{key}/v1/chat/completions"));
        let response = asked.body(question("demo-fast", &json!({}))).send().await.unwrap();
        let status = response.status().as_u16();
        let body = response.text().await.unwrap();
        assert!(status == 401 || status == 404, "{status}");
        assert!(!body.contains(&world.token) || status == 404, "{body}");
    }
    assert_eq!(demo.requests(), 0);
}

#[tokio::test]
async fn an_app_calls_and_sees_only_what_it_may_use() {
    let (world, demo) = World::with_demo().await;
    let may_use = Some(vec!["demo-fast".to_owned(), "main/demo-f*".to_owned()]);
    set(&world, AppEdit::MayUse(may_use)).await;
    let list = json_of(world.get("/v1/models").await).await;
    assert!(
        ids(&list).iter().all(|id| ["demo-fast", "main/demo-fast", "main/demo-free"].contains(id)),
        "{list}"
    );
    assert_eq!(world.ask("main/demo-free", &json!({})).await.status(), 200);
    let message = refusal(world.ask("main/demo-deep", &json!({})).await, 403, "forbidden").await;
    assert!(message.contains("demo-deep") && message.contains("main/demo-f*"), "{message}");
    assert_eq!(demo.requests(), 1);
}

#[tokio::test]
async fn r1_an_apps_own_rate_holds_on_top_of_its_connections() {
    let (world, _demo) = World::with_demo().await;
    set(&world, AppEdit::RateLimitPerMinute(Some(3))).await;
    for _ in 0..3 {
        assert_eq!(world.ask("demo-fast", &json!({})).await.status(), 200);
    }
    let response = world.ask("demo-fast", &json!({})).await;
    assert!(header(&response, "retry-after").parse::<u64>().is_ok_and(|wait| wait > 10), "{response:?}");
    refusal(response, 429, "rate_limit_exceeded").await;
    let other = apps::add(&world.engine, "other".into(), None).await.unwrap().token;
    let asked = world.bare(Method::POST, "/v1/chat/completions").bearer_auth(other);
    assert_eq!(asked.body(question("demo-fast", &json!({}))).send().await.unwrap().status(), 200);

    let world = world.restarted().await;
    let response = world.ask("demo-fast", &json!({})).await;
    assert_eq!(response.status(), 429, "R3: a restart forgives nothing");
}

#[tokio::test]
async fn an_answer_ends_where_the_apps_limit_is_and_the_caller_is_told() {
    let (world, demo) = World::with_demo().await;
    set(&world, AppEdit::MaxOutputTokens(Some(3))).await;
    let response = world.ask("demo-fast", &json!({ "max_tokens": 4_000 })).await;
    assert!(header(&response, "x-patchbay-notices").contains("`max_tokens`: 3"), "{response:?}");
    let answer = json_of(response).await;
    assert_eq!(
        (&answer["usage"]["completion_tokens"], &answer["choices"][0]["finish_reason"]),
        (&json!(3), &json!("length"))
    );
    assert!(demo.recent()[0].body.contains(r#""max_tokens":3"#));
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_with_its_reason() {
    let (world, _demo) = World::with_demo().await;
    for (edit, word) in [
        (AppEdit::RateLimitPerMinute(Some(0)), "limit of 0"),
        (AppEdit::Feature(Some("a/b".into())), "a/b"),
        (AppEdit::MayUse(Some(vec![String::new()])), "empty"),
    ] {
        let error = apps::edit(&world.engine, "bot".into(), vec![edit]).await.unwrap_err();
        assert!(error.message.contains(word), "{error:?}");
    }
    let error = apps::edit(&world.engine, "ghost".into(), Vec::new()).await.unwrap_err();
    assert!(error.message.contains("ghost"), "{error:?}");
}
