//! A bot: a program that knows nothing but an address and a token.

use std::time::Duration;

use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(20);

fn client() -> reqwest::Client {
    // Whoever came first has installed it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(LIMIT).build().expect("a client")
}

/// Asks a model a question. The status and the body of the answer.
pub(crate) async fn ask(base_url: &str, token: &str, model: &str) -> (u16, String) {
    send(base_url, token, json!({ "model": model, "messages": messages() })).await
}

/// The same for a stream, to its end.
pub(crate) async fn ask_streamed(base_url: &str, token: &str, model: &str) -> (u16, String) {
    send(base_url, token, json!({ "model": model, "messages": messages(), "stream": true })).await
}

fn messages() -> Value {
    json!([{ "role": "user", "content": "Long or short?" }])
}

async fn send(base_url: &str, token: &str, question: Value) -> (u16, String) {
    let answer = client()
        .post(format!("{base_url}/chat/completions"))
        .bearer_auth(token)
        .header("content-type", "application/json")
        .body(question.to_string())
        .send()
        .await
        .expect("the gateway answers");
    (answer.status().as_u16(), answer.text().await.expect("an answer"))
}
