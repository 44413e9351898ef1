//! What is answered besides chats, and what is not.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::world::{DEADLINE, World, header, json_of, question, refusal};

#[tokio::test]
async fn models_are_listed_bare_and_by_connection_under_every_prefix() {
    let (world, _demo) = World::with_demo().await;
    for prefix in ["", "/v1", "/v1/v1"] {
        let list = json_of(world.get(&format!("{prefix}/models")).await).await;
        assert_eq!(list["object"], "list");
        let ids: Vec<&str> =
            list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
        assert!(ids.contains(&"main/demo-fast"), "{prefix}: {ids:?}");
        for id in ids {
            let model = json_of(world.get(&format!("{prefix}/models/{id}")).await).await;
            assert_eq!((&model["id"], &model["object"]), (&json!(id), &json!("model")));
        }
        let ghost = world.get(&format!("{prefix}/models/no/such")).await;
        refusal(ghost, 404, "model_not_found").await;
    }
}

#[tokio::test]
async fn chats_are_served_under_every_prefix() {
    let (world, demo) = World::with_demo().await;
    for path in ["/chat/completions", "/v1/chat/completions", "/v1/v1/chat/completions"] {
        let asked = world.request(Method::POST, path).body(question("demo-fast", &json!({})));
        assert_eq!(asked.send().await.unwrap().status(), 200, "{path}");
    }
    assert_eq!(demo.requests(), 3);
}

#[tokio::test]
async fn an_unknown_model_is_a_404_before_any_event() {
    let (world, demo) = World::with_demo().await;
    for stream in [false, true] {
        let response = world.ask("gpt-99", &json!({ "stream": stream })).await;
        assert_eq!(header(&response, "content-type"), "application/json");
        let message = refusal(response, 404, "model_not_found").await;
        assert!(message.contains("gpt-99") && message.contains("/v1/models"), "{message}");
    }
    assert_eq!(demo.requests(), 0);
    assert!(world.log().await.is_empty(), "no attempt was made, so there is no row");
}

#[tokio::test]
async fn what_is_no_request_is_refused_with_its_reason_and_sent_nowhere() {
    let (world, demo) = World::with_demo().await;
    for (body, reason) in [
        ("", "no JSON object"),
        ("{\"model\":\"demo-fast\",", "no JSON object"),
        ("[]", "no JSON object"),
        ("\u{feff}{}", "no JSON object"),
        (r#"{"messages":[]}"#, "`model` is missing"),
        (r#"{"model":"demo-fast","messages":[],"model":"gpt-5"}"#, "`model` is there twice"),
        (r#"{"model":"demo-fast","stream":"yes"}"#, "`stream` must be a boolean"),
    ] {
        let message = refusal(world.chat(body).send().await.unwrap(), 400, "bad_request").await;
        assert!(message.contains(reason), "{body}: {message}");
    }
    assert_eq!(demo.requests(), 0);
    let latin = world.chat(b"{\"model\":\"d\xe9mo\"}".to_vec()).send().await.unwrap();
    refusal(latin, 400, "bad_request").await;
}

#[tokio::test]
async fn a_model_named_in_escapes_is_the_same_model() {
    let (world, _demo) = World::with_demo().await;
    let body = r#"{"mod\u0065l":"demo\u002dfast","messages":[{"role":"user","content":"x"}]}"#;
    let answer = json_of(world.chat(body).send().await.unwrap()).await;
    assert_eq!(answer["model"], "demo-fast", "{answer}");
}

#[tokio::test]
async fn unknown_routes_and_wrong_methods_name_those_that_are_there() {
    let (world, _demo) = World::with_demo().await;
    for path in ["/", "/v1/completions", "/v2/models", "/v1/chat", "/v1/v1/v1/models"] {
        let message = refusal(world.get(path).await, 404, "not_found").await;
        assert!(message.contains(path) && message.contains("/v1/chat/completions"), "{message}");
    }
    for (method, path) in [
        (Method::GET, "/v1/chat/completions"),
        (Method::PUT, "/v1/chat/completions"),
        (Method::OPTIONS, "/v1/chat/completions"),
        (Method::POST, "/v1/models"),
        (Method::DELETE, "/v1/models/demo-fast"),
    ] {
        let response = world.request(method.clone(), path).send().await.unwrap();
        assert!(response.headers().get("access-control-allow-origin").is_none(), "no page may call");
        let message = refusal(response, 405, "bad_request").await;
        assert!(message.contains(method.as_str()), "{message}");
    }
}

#[tokio::test]
async fn head_is_answered_like_get_without_a_body() {
    let (world, _demo) = World::with_demo().await;
    for path in ["/healthz", "/v1/models", "/v1/models/main/demo-fast"] {
        let response = world.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.text().await.unwrap(), "");
    }
}

#[tokio::test]
async fn health_needs_no_token_and_tells_nothing() {
    let (world, _demo) = World::with_demo().await;
    let response = world.bare(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(json_of(response).await, json!({ "status": "ok" }));
}

#[tokio::test]
async fn x2_a_body_over_32_mib_is_refused_and_one_below_is_not() {
    let (world, demo) = World::with_demo().await;
    let body = |bytes: usize| question("demo-fast", &json!({ "padding": "x".repeat(bytes) }));
    let large = world.chat(body(31 << 20)).send().await.unwrap();
    let status = large.status();
    assert_eq!(status, 200, "{}", large.text().await.unwrap());
    assert_eq!(demo.requests(), 1);
    let message =
        refusal(world.chat(body(33 << 20)).send().await.unwrap(), 400, "context_length_exceeded").await;
    assert!(message.contains("32 MiB"), "{message}");
    assert_eq!(demo.requests(), 1);
}

#[tokio::test]
async fn x2_a_head_without_end_is_cut_off() {
    let (world, _demo) = World::with_demo().await;
    let mut stream = TcpStream::connect(world.url.trim_start_matches("http://")).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n").await.unwrap();
    let line = format!("x-filler: {}\r\n", "y".repeat(1_000));
    let sent = async {
        for _ in 0..1_000 {
            if stream.write_all(line.as_bytes()).await.is_err() {
                break;
            }
        }
        let mut answer = Vec::new();
        // The other end may close so fast that what it said is lost.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    };
    let answer = tokio::time::timeout(DEADLINE, sent).await.expect("an end");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn two_requests_on_one_connection_do_not_mix() {
    let (world, _demo) = World::with_demo().await;
    let address = world.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let (first, second) = (question("gpt-99", &json!({})), question("demo-fast", &json!({})));
    let request = |body: &str, last: &str| {
        format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {}\r\n\
             content-length: {}\r\n{last}\r\n{body}",
            world.token,
            body.len()
        )
    };
    let both = request(&first, "") + &request(&second, "connection: close\r\n");
    stream.write_all(both.as_bytes()).await.unwrap();
    let mut answers = String::new();
    let reading = stream.read_to_string(&mut answers);
    tokio::time::timeout(DEADLINE, reading).await.unwrap().unwrap();
    let (first, second) = answers.split_at(answers.rfind("HTTP/1.1 ").unwrap());
    assert!(first.starts_with("HTTP/1.1 404") && second.starts_with("HTTP/1.1 200"));
    let body = second.split_once("\r\n\r\n").unwrap().1;
    assert!(serde_json::from_str::<Value>(body).is_ok(), "{body}");
}
