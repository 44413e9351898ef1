//! Who is let in.

use patchbay_engine::desk::apps;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, draft, locked_demo, question, refusal};

#[tokio::test]
async fn x2_no_token_and_a_wrong_one_are_refused_on_every_route() {
    let (world, demo) = World::with_demo().await;
    let almost = format!("{}x", world.token);
    for (method, path) in [
        (Method::GET, "/v1/models"),
        (Method::GET, "/v1/models/demo-fast"),
        (Method::POST, "/v1/chat/completions"),
        (Method::POST, "/v1/v1/chat/completions"),
    ] {
        let ask = || world.bare(method.clone(), path).body(question("demo-fast", &json!({})));
        for request in [
            ask(),
            ask().header("authorization", "Bearer "),
            ask().header("authorization", &world.token),
            ask().header("authorization", format!("Basic {}", world.token)),
            ask().bearer_auth("sk-proj-somebody-elses"),
            ask().bearer_auth(&almost),
            ask().header("x-api-key", &almost),
        ] {
            let message = refusal(request.send().await.unwrap(), 401, "invalid_api_key").await;
            assert!(message.contains("patchbay apps add"), "{message}");
            assert!(!message.contains(&world.token), "no answer repeats what it was sent");
        }
    }
    assert_eq!(demo.recent().len(), 0);
}

#[tokio::test]
async fn a_token_is_taken_from_the_header_of_each_clients_library() {
    let (world, _demo) = World::with_demo().await;
    let ask = || world.bare(Method::GET, "/v1/models");
    for request in [
        ask().header("authorization", format!("Bearer {}", world.token)),
        ask().header("authorization", format!("bearer {}", world.token)),
        ask().header("x-api-key", &world.token),
        ask().header("x-goog-api-key", &world.token),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_revoked_app_is_refused_at_once_and_a_rotated_one_has_a_day_of_grace() {
    let (world, _demo) = World::with_demo().await;
    let status = async |token: &str| {
        let request = world.bare(Method::GET, "/v1/models").bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    let fresh = apps::rotate(&world.engine, "bot".into()).await.unwrap().token;
    assert_ne!(fresh, world.token);
    assert_eq!((status(&world.token).await, status(&fresh).await), (200, 200));
    apps::revoke(&world.engine, "bot".into()).await.unwrap();
    assert_eq!((status(&world.token).await, status(&fresh).await), (403, 403));
    let revived = apps::rotate(&world.engine, "bot".into()).await.unwrap().token;
    assert_eq!(
        (status(&world.token).await, status(&fresh).await, status(&revived).await),
        (401, 401, 200),
        "a token that was revoked stays so"
    );
}

#[tokio::test]
async fn x2_another_host_name_is_a_rebound_one() {
    let (world, demo) = World::with_demo().await;
    for host in [
        "evil.example",
        "evil.example:4141",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "10.0.0.7",
        "0.0.0.0",
        "169.254.169.254",
        "[::]:4141",
        "127.0.0.1@evil.example",
        "",
    ] {
        for (method, path) in
            [(Method::GET, "/healthz"), (Method::GET, "/v1/models"), (Method::POST, "/v1/chat/completions")]
        {
            let request = world.request(method, path).header("host", host);
            let response = request.send().await.unwrap();
            let found = response.status().as_u16();
            assert!(found == 403 || (host.is_empty() && found == 400), "{host} {path}: {found}");
        }
    }
    for host in ["localhost", "127.0.0.1", "[::1]:4141", "LOCALHOST:9"] {
        let request = world.request(Method::GET, "/healthz").header("host", host);
        assert_eq!(request.send().await.unwrap().status(), 200, "{host}");
    }
    assert_eq!(demo.requests(), 0);
}

#[tokio::test]
async fn x2_a_web_page_is_refused_even_with_a_token() {
    let (world, demo) = World::with_demo().await;
    for origin in ["https://evil.example", "null", "http://127.0.0.1:4141", "http://localhost"] {
        let asked = world.chat(question("demo-fast", &json!({}))).header("origin", origin);
        let message = refusal(asked.send().await.unwrap(), 403, "forbidden").await;
        assert!(message.contains("web pages"), "{message}");
    }
    let asked = world
        .request(Method::OPTIONS, "/v1/chat/completions")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST");
    let response = asked.send().await.unwrap();
    assert_eq!(response.status(), 403);
    assert!(response.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
    assert_eq!(demo.requests(), 0);
}

#[tokio::test]
async fn k1_the_apps_token_stays_here_and_the_connections_key_goes_out() {
    let world = World::open().await;
    let demo = locked_demo("sk-demo-0123456789abcdef");
    let mut locked = draft("main", demo.base_url());
    locked.secret = Some(patchbay_core::secret::Secret::new("sk-demo-0123456789abcdef".into()));
    world.add(locked).await;
    for stream in [false, true] {
        let asked = world
            .chat(question("demo-fast", &json!({ "stream": stream })))
            .header("x-api-key", &world.token)
            .header("cookie", format!("session={}", world.token))
            .header("openai-organization", "org-of-the-bot")
            .header("x-patchbay-feature", "risk");
        let response = asked.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap();
    }
    for received in demo.recent() {
        assert_eq!(received.header("authorization"), Some("Bearer sk-demo-0123456789abcdef"));
        let names: Vec<&str> = received.headers.keys().map(reqwest::header::HeaderName::as_str).collect();
        for name in ["x-api-key", "cookie", "openai-organization", "x-patchbay-feature", "origin", "referer"]
        {
            assert!(!names.contains(&name), "{name} went out");
        }
        let everything = format!("{:?} {:?} {}", received.path, received.headers, received.body);
        assert!(!everything.contains(&world.token));
        assert_eq!(received.header("host"), demo.base_url().split('/').nth(2));
    }
}
