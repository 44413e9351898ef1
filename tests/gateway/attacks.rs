//! Attacks on the door: each is refused, costs little, and is counted.

use std::net::SocketAddr;
use std::time::Duration;

use patchbay_engine::desk::gateway::set_reach;
use patchbay_engine::gateway::{Bounds, Gateway, Reach};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::upstream::Upstream;
use crate::world::{DEADLINE, World, draft, question, until};

/// What is written to one connection, and all that comes back until it ends.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The other end may close before it has read everything.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    let _ = tokio::time::timeout(DEADLINE, reading).await.expect("the connection ends");
    String::from_utf8_lossy(&answer).into_owned()
}

fn address_of(world: &World) -> SocketAddr {
    world.url.trim_start_matches("http://").parse().unwrap()
}

/// How often requests were turned away for that reason.
async fn refused(world: &World, reason: &str) -> u64 {
    let text = world.get("/metrics").await.text().await.unwrap();
    let name = format!("patchbay_refused_total{{reason=\"{reason}\"}} ");
    text.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok()).unwrap_or(0)
}

#[tokio::test]
async fn x2_every_refusal_at_the_door_is_counted_by_its_reason() {
    let (world, demo) = World::with_demo().await;
    let ask = || world.request(Method::GET, "/v1/models");
    ask().header("host", "evil.example").send().await.unwrap();
    ask().header("origin", "https://evil.example").send().await.unwrap();
    world.bare(Method::GET, "/v1/models").bearer_auth("pb_wrong").send().await.unwrap();
    world.chat(vec![b'x'; 100 << 20]).send().await.map(|response| response.status()).ok();
    for reason in ["Host", "Origin", "Token", "Size"] {
        assert_eq!(refused(&world, reason).await, 1, "{reason}");
    }
    assert_eq!(demo.recent().len(), 0);
}

#[tokio::test]
async fn x2_a_request_that_two_readers_could_take_for_two_is_refused() {
    let (world, demo) = World::with_demo().await;
    let address = address_of(&world);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n",
        world.token
    );
    let smuggled = format!(
        "GET /v1/models HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\r\n",
        world.token
    );
    for framing in [
        "content-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
        "content-length: 0\r\ncontent-length: 200\r\n\r\n",
        "content-length: -1\r\n\r\n",
        "content-length: +0\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "content-length : 0\r\n\r\n",
        " content-length: 0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    ] {
        let answer = exchange(address, format!("{head}{framing}{smuggled}").as_bytes()).await;
        let ok = answer.matches("HTTP/1.1 200").count();
        assert_eq!(
            ok,
            usize::from(answer.starts_with("HTTP/1.1 400") && answer.matches("HTTP/1.1").count() == 2),
            "{framing:?}: {answer}"
        );
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{framing:?}: {answer}");
    }
    assert_eq!(demo.requests(), 0);
}

#[tokio::test]
async fn x2_a_head_or_a_body_that_comes_slowly_loses_its_place() {
    let (world, demo) = World::with_demo().await;
    let short = Duration::from_millis(200);
    let bounds = Bounds { header_time: short, body_time: short, ..Bounds::default() };
    let gateway = Gateway::listen_within(&world.engine, 0, Reach::default(), bounds).await.unwrap();
    let head = exchange(gateway.address(), b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ").await;
    assert!(head.is_empty() || head.starts_with("HTTP/1.1 408"), "{head}");
    let slow = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {}\r\ncontent-length: 500\r\n\r\n{{\"model\"",
        world.token
    );
    let body = exchange(gateway.address(), slow.as_bytes()).await;
    assert!(body.starts_with("HTTP/1.1 400") && body.contains("did not arrive within"), "{body}");
    assert_eq!((refused(&world, "Slow").await, demo.requests()), (1, 0));
}

#[tokio::test]
async fn x2_only_so_many_connections_are_open_at_once() {
    let (world, _demo) = World::with_demo().await;
    let bounds = Bounds { connections: 3, ..Bounds::default() };
    let gateway = Gateway::listen_within(&world.engine, 0, Reach::default(), bounds).await.unwrap();
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(TcpStream::connect(gateway.address()).await.unwrap());
    }
    let fourth = exchange(gateway.address(), b"").await;
    assert!(fourth.starts_with("HTTP/1.1 503") && fourth.contains("Too many connections"), "{fourth}");
    assert_eq!(refused(&world, "Crowd").await, 1);
    drop(open);
    until("a place is free again", async || {
        let answer = exchange(
            gateway.address(),
            b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n",
        )
        .await;
        answer.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
}

#[tokio::test]
async fn x2_a_models_name_leads_nowhere_else() {
    let world = World::open().await;
    let upstream = Upstream::saying(200, "application/json", "{}").await;
    let mut gemini = draft("gemini", &upstream.base_url);
    gemini.provider = "gemini".into();
    gemini.secret = Some(patchbay_core::secret::Secret::new("sk-of-the-test-0123456789".into()));
    world.add(gemini).await;
    let body = json!({ "contents": [{ "role": "user", "parts": [{ "text": "hi" }] }] }).to_string();
    for model in [
        "..%2F..%2Fv1%2Ffiles%3Fx=",
        "a%2F..%2F..%2Fkeys",
        "m%3Fkey=1",
        "m%23",
        "%2e%2e%2fadmin",
        "m%0d%0ahost:evil",
    ] {
        let path = format!("/v1beta/models/gemini%2F{model}:generateContent");
        let response = world.request(Method::POST, &path).body(body.clone()).send().await.unwrap();
        assert!(response.status().is_client_error(), "{model}: {}", response.status());
    }
    assert!(upstream.seen().is_empty(), "{:?}", upstream.seen());
}

#[tokio::test]
async fn x2_metrics_tell_nothing_without_a_token() {
    let (world, _demo) = World::with_demo().await;
    let response = world.bare(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn x2_others_reach_the_gateway_only_where_somebody_has_said_so() {
    let (world, _demo) = World::with_demo().await;
    for address in ["127.0.0.1", "::1", "localhost", "evil.example", ""] {
        let error = set_reach(&world.engine, Some(address.into()), Vec::new()).await.unwrap_err();
        assert!(error.message.contains(address), "{error:?}");
    }
    set_reach(&world.engine, Some("0.0.0.0".into()), vec!["host.docker.internal".into()]).await.unwrap();
    let view = patchbay_engine::desk::status::listen(&world.engine, Some(0)).await.unwrap();
    assert!(view.warning.contains("Every call needs an app's token"), "{view:?}");
    let ask = |host: &'static str| {
        let url = format!("{}/v1/models", view.url);
        crate::world::client().get(url).header("host", host).bearer_auth(&world.token).send()
    };
    for (host, status) in [("host.docker.internal:4141", 200), ("192.168.1.7", 200), ("evil.example", 403)] {
        assert_eq!(ask(host).await.unwrap().status(), status, "{host}");
    }
    let without = crate::world::client().get(format!("{}/v1/models", view.url)).send().await.unwrap();
    assert_eq!(without.status(), 401, "opened does not mean free");
}

#[tokio::test]
async fn the_gateway_answers_on_both_loopback_addresses() {
    let (world, _demo) = World::with_demo().await;
    let port = address_of(&world).port();
    let Ok(mut stream) = TcpStream::connect(format!("[::1]:{port}")).await else {
        return println!("skipped: this machine has no ::1");
    };
    let request = format!("GET /healthz HTTP/1.1\r\nhost: [::1]:{port}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_call_is_measured_by_the_names_that_others_use() {
    let (world, _demo) = World::with_demo().await;
    world.chat(question("demo-fast", &json!({}))).send().await.unwrap().bytes().await.unwrap();
    world
        .chat(question("demo-fast", &json!({ "stream": true })))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    let text = world.get("/metrics").await.text().await.unwrap();
    for name in [
        "gen_ai_client_operation_duration_seconds_count{",
        "gen_ai_server_time_to_first_token_seconds_count{",
        "gen_ai_client_token_usage_sum{gen_ai_token_type=\"input\"",
        "patchbay_cost_nano_usd_total{",
        "patchbay_overhead_seconds_count 2",
        "patchbay_connections ",
    ] {
        assert!(text.contains(name), "{name}: {text}");
    }
    let spent: i64 = world.log().await.iter().filter_map(|row| row.cost_nano_usd).sum();
    let told = text.lines().find(|line| line.starts_with("patchbay_cost_nano_usd_total{")).unwrap();
    assert!(told.ends_with(&format!(" {spent}")), "{told}: {spent}");
}
