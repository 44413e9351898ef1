//! The Demo provider from outside.

use std::time::{Duration, Instant};

use patchbay_core::secret::Secret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{DemoFault, DemoOptions, DemoServer, Pace};
use crate::{Engine, VaultChoice, desk};

/// Longer than anything here takes, except what waits for the slow first byte.
const SOON: Duration = Duration::from_secs(10);

fn start() -> DemoServer {
    start_with(None)
}

fn start_with(require_key: Option<&str>) -> DemoServer {
    DemoServer::start(DemoOptions {
        require_key: require_key.map(|key| Secret::new(key.to_owned())),
        pace: Pace::Instant,
    })
    .expect("starts")
}

/// Whoever reads the configuration first may be a thread of its own: of the window, of the settling.
#[tokio::test(flavor = "multi_thread")]
async fn is_started_by_any_thread_that_asks() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::open(folder.path(), VaultChoice::Memory).expect("opens");
    desk::demo::connect(&engine).await.expect("connects");
    drop(engine);
    let engine = Engine::open(folder.path(), VaultChoice::Memory).expect("opens again");
    let asked = std::thread::spawn(move || (engine.snapshot().expect("a configuration"), engine));
    let (snapshot, _engine) = asked.join().expect("the thread");
    let base_url = &snapshot.connections[0].base_url;
    let models = client().get(format!("{base_url}/models")).send().await.expect("an answer");
    assert_eq!(models.status(), 200);
}

fn client() -> reqwest::Client {
    // The second test to come finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(SOON).build().expect("a client")
}

fn chat(extra: &Value) -> Value {
    let mut body =
        json!({"model": "demo-fast", "messages": [{"role": "user", "content": "Is EURUSD a buy?"}]});
    for (name, value) in extra.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

async fn post(server: &DemoServer, body: String) -> reqwest::Response {
    let url = format!("{}/chat/completions", server.base_url());
    client().post(url).body(body).send().await.expect("an answer")
}

async fn ask(server: &DemoServer, extra: &Value) -> reqwest::Response {
    post(server, chat(extra).to_string()).await
}

async fn json_of(response: reqwest::Response) -> Value {
    serde_json::from_str(&response.text().await.expect("a body")).expect("JSON")
}

/// The data of the events of a stream.
fn events(stream: &str) -> Vec<&str> {
    stream.split("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect()
}

/// The whole answer to one request on a connection of its own, as it came over the wire.
async fn raw(server: &DemoServer, body: &Value) -> String {
    let mut stream = connect(server, body).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.expect("in time");
    // A reset instead of an orderly end is a cut as well.
    let _ = read;
    String::from_utf8(answer).expect("text")
}

async fn connect(server: &DemoServer, body: &Value) -> TcpStream {
    let address = server.base_url().trim_start_matches("http://").trim_end_matches("/v1");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    let body = body.to_string();
    let request = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream
}

#[tokio::test]
async fn a_plain_answer_has_openai_s_shape() {
    let server = start();
    let response = ask(&server, &json!({})).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-request-id"], "req_demo_1");
    assert_eq!(response.headers()["x-ratelimit-reset-requests"], "6ms");
    let answer = json_of(response).await;
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "demo-fast");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let text = answer["choices"][0]["message"]["content"].as_str().expect("text");
    assert!(text.to_lowercase().contains("demo"), "{text}");
    assert_eq!(answer["usage"]["prompt_tokens"], 4);
    assert_eq!(answer["usage"]["completion_tokens"], text.len().div_ceil(4));
}

#[tokio::test]
async fn a_stream_says_the_same_as_a_plain_answer() {
    let server = start();
    let plain = json_of(ask(&server, &json!({})).await).await;
    let wish = json!({"stream": true, "stream_options": {"include_usage": true}});
    let response = ask(&server, &wish).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    let stream = response.text().await.expect("a body");
    let mut data = events(&stream);
    assert_eq!(data.pop(), Some("[DONE]"));
    let chunks: Vec<Value> = data.iter().map(|data| serde_json::from_str(data).expect("JSON")).collect();
    let (last, rest) = chunks.split_last().expect("chunks");
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"], plain["usage"]);
    assert!(rest.iter().all(|chunk| chunk["usage"].is_null() && chunk.get("usage").is_some()));
    assert_eq!(rest[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(rest[rest.len() - 1]["choices"][0]["finish_reason"], "stop");
    let said: String =
        rest.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(plain["choices"][0]["message"]["content"], said);
}

#[tokio::test]
async fn a_stream_reports_usage_only_when_asked() {
    let server = start();
    let stream = ask(&server, &json!({"stream": true})).await.text().await.expect("a body");
    assert!(!stream.contains("usage"), "{stream}");
}

#[tokio::test]
async fn tools_are_called_and_schemas_filled_in_the_same_way_whole_and_streamed() {
    let server = start();
    let tool = json!({"type": "function", "function": {"name": "price", "parameters": {"type": "object",
        "properties": {"symbol": {"type": "string"}}}}});
    let asked = json!({"tools": [tool]});
    let whole = json_of(ask(&server, &asked).await).await;
    let call = &whole["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(call, &json!({"name": "price", "arguments": r#"{"symbol":"demo"}"#}));
    assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
    let streamed =
        ask(&server, &json!({"tools": [tool], "stream": true})).await.text().await.expect("a body");
    assert!(streamed.contains(r#""name":"price""#) && streamed.contains("tool_calls"), "{streamed}");
    let told = json!({"tools": [tool], "messages": [{"role": "user", "content": "x"},
        {"role": "tool", "tool_call_id": "1", "content": "1.17"}]});
    assert!(json_of(ask(&server, &told).await).await["choices"][0]["message"]["content"].is_string());
    let schema = json!({"type": "object", "properties": {"side": {"enum": ["buy"]}}});
    let shaped =
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}});
    let text = json_of(ask(&server, &shaped).await).await["choices"][0]["message"]["content"].clone();
    assert_eq!(text, r#"{"side":"buy"}"#);
}

#[tokio::test]
async fn texts_that_share_words_lie_near_each_other() {
    let server = start();
    let body = json!({"model": "demo-embed", "input": ["buy the euro", "buy the dollar", "rates"]});
    let url = format!("{}/embeddings", server.base_url());
    let answer = json_of(client().post(url).body(body.to_string()).send().await.expect("an answer")).await;
    let vectors: Vec<Vec<f64>> = answer["data"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| serde_json::from_value(one["embedding"].clone()).expect("numbers"))
        .collect();
    let near = |a: usize, b: usize| vectors[a].iter().zip(&vectors[b]).map(|(x, y)| x * y).sum::<f64>();
    assert!(near(0, 1) > near(0, 2), "{} {}", near(0, 1), near(0, 2));
    assert!(answer["usage"]["prompt_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn models_are_listed_and_shown() {
    let server = start();
    let get =
        async |path: &str| client().get(format!("{}/{path}", server.base_url())).send().await.expect("sent");
    let list = json_of(get("models").await).await;
    let ids: Vec<&str> =
        list["data"].as_array().expect("a list").iter().filter_map(|model| model["id"].as_str()).collect();
    assert_eq!(ids, ["demo-fast", "demo-deep", "demo-free", "demo-embed"]);
    assert_eq!(json_of(get("models/demo-deep").await).await["id"], "demo-deep");
    assert_eq!(get("models/gpt-9").await.status(), 404);
    assert_eq!(get("nothing").await.status(), 404);
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn errors_wear_openai_s_envelope() {
    let server = start_with(Some("sk-demo-right"));
    let keyless = ask(&server, &json!({})).await;
    check_error(keyless, 401, "invalid_request_error", Some("invalid_api_key")).await;

    let server = start();
    let unknown = ask(&server, &json!({"model": "gpt-9"})).await;
    check_error(unknown, 404, "invalid_request_error", Some("model_not_found")).await;
    for body in ["{\"model\":", "{\"model\": \"demo-fast\"}", &chat(&json!({"messages": []})).to_string()] {
        check_error(post(&server, body.to_owned()).await, 400, "invalid_request_error", None).await;
    }
    for (fault, status, kind, code) in [
        (DemoFault::Unauthorized, 401, "invalid_request_error", Some("invalid_api_key")),
        (DemoFault::RateLimited, 429, "requests", Some("rate_limit_exceeded")),
        (DemoFault::ServerError, 500, "server_error", None),
    ] {
        server.set_fault(fault);
        assert_eq!(server.fault(), fault);
        check_error(ask(&server, &json!({})).await, status, kind, code).await;
    }
    assert_eq!(server.requests(), 7);
}

async fn check_error(response: reqwest::Response, status: u16, kind: &str, code: Option<&str>) {
    assert_eq!(response.status(), status);
    let body = json_of(response).await;
    let error = body["error"].as_object().expect("an envelope");
    assert_eq!(error.len(), 4, "{error:?}");
    assert_eq!((&error["type"], &error["code"]), (&json!(kind), &json!(code)));
    assert!(error["param"].is_null() && error["message"].is_string());
}

#[tokio::test]
async fn a_played_rate_limit_says_when_to_come_back() {
    let server = start();
    server.set_fault(DemoFault::RateLimited);
    let response = ask(&server, &json!({})).await;
    assert_eq!(response.headers()["retry-after"], "20");
    assert_eq!(response.headers()["x-ratelimit-remaining-requests"], "0");
    server.set_fault(DemoFault::None);
    assert_eq!(ask(&server, &json!({})).await.status(), 200);
}

#[tokio::test]
async fn the_right_key_gets_in_and_is_not_printed() {
    let server = start_with(Some("sk-demo-right"));
    let url = format!("{}/models", server.base_url());
    let response = client().get(url).bearer_auth("sk-demo-right").send().await.expect("sent");
    assert_eq!(response.status(), 200);
    let recent = server.recent();
    assert_eq!(recent[0].path, "/v1/models");
    assert_eq!(recent[0].header("authorization"), Some("Bearer sk-demo-right"));
    assert!(!format!("{recent:?} {server:?}").contains("sk-demo-right"));
}

#[tokio::test]
async fn the_last_fifty_requests_are_remembered() {
    let server = start();
    for n in 0..53 {
        ask(&server, &json!({"user": n})).await;
    }
    let recent = server.recent();
    assert_eq!(recent.len(), 50);
    assert!(recent[0].body.contains("\"user\":3"), "{}", recent[0].body);
    assert_eq!(recent[49].method, "POST");
    assert_eq!(server.requests(), 53);
}

#[tokio::test]
async fn a_cut_stream_ends_after_half_of_it_without_an_end() {
    let server = start();
    let whole = raw(&server, &chat(&json!({"stream": true}))).await;
    server.set_fault(DemoFault::CutStream);
    let cut = raw(&server, &chat(&json!({"stream": true}))).await;
    let pieces = |stream: &str| stream.matches("data: ").count();
    assert_eq!(pieces(&cut), (pieces(&whole) - 1) / 2, "{cut}");
    assert!(whole.contains("[DONE]") && whole.ends_with("0\r\n\r\n"));
    assert!(!cut.contains("[DONE]") && !cut.contains("\"stop\"") && !cut.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn a_cut_plain_answer_is_shorter_than_it_said() {
    let server = start();
    server.set_fault(DemoFault::CutStream);
    let answer = raw(&server, &chat(&json!({}))).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let said = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    assert_eq!(said.parse::<usize>().expect("a number") / 2, body.len());
}

#[tokio::test]
async fn a_slow_first_byte_ends_when_its_caller_leaves() {
    let server = start();
    server.set_fault(DemoFault::SlowFirstByte);
    let mut stream = connect(&server, &chat(&json!({}))).await;
    while server.requests() == 0 {
        tokio::task::yield_now().await;
    }
    let mut byte = [0];
    let early = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut byte)).await;
    assert!(early.is_err(), "nothing is said at first");
    assert_eq!(server.in_flight(), 1);
    drop(stream);
    tokio::time::timeout(SOON, async {
        while server.in_flight() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("the request is dropped long before it would be answered");
    assert_eq!(server.most_in_flight(), 1);
}

#[tokio::test]
async fn a_dropped_server_cuts_its_connections_and_is_gone() {
    let server = start();
    server.set_fault(DemoFault::SlowFirstByte);
    let mut stream = connect(&server, &chat(&json!({}))).await;
    while server.requests() == 0 {
        tokio::task::yield_now().await;
    }
    let url = format!("{}/models", server.base_url());
    drop(server);
    let mut byte = [0];
    let ended = tokio::time::timeout(SOON, stream.read(&mut byte)).await.expect("in time");
    assert!(!matches!(ended, Ok(1)), "the connection is cut");
    assert!(client().get(url).send().await.is_err());
}

#[tokio::test]
async fn a_natural_pace_takes_its_time() {
    let server = DemoServer::start(DemoOptions::default()).expect("starts");
    let begun = Instant::now();
    let stream = ask(&server, &json!({"stream": true})).await.text().await.expect("a body");
    let words = u32::try_from(events(&stream).len()).expect("few");
    let least = Duration::from_millis(80) + Duration::from_millis(6) * (words - 3);
    assert!(begun.elapsed() >= least, "{:?} < {least:?}", begun.elapsed());
}

#[test]
fn a_demo_without_a_runtime_is_refused() {
    assert!(DemoServer::start(DemoOptions::default()).is_err());
}
