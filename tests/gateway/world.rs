//! What every test here stands on: an engine on a folder of its own, its gateway, one app, and a bot's HTTP client.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use patchbay_core::connection::Limits;
use patchbay_core::report::Filter;
use patchbay_core::secret::Secret;
use patchbay_engine::clock::Clock;
use patchbay_engine::demo::{DemoOptions, DemoServer, Pace};
use patchbay_engine::desk::connections::{ConnectionDraft, NewSettings};
use patchbay_engine::desk::log::Line;
use patchbay_engine::desk::usage::UsageReport;
use patchbay_engine::desk::{apps, connections, log, status, usage};
use patchbay_engine::{Engine, VaultChoice};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than anything here takes when all is well.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// How often a condition without an event of its own is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// An engine that serves.
pub struct World {
    pub folder: TempDir,
    pub engine: Arc<Engine>,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// Of the app `bot`.
    pub token: String,
    /// What limits, breakers and queues go by.
    pub clock: Clock,
    client: reqwest::Client,
}

impl World {
    /// Without any connection.
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::default();
        let engine = Engine::open_at(folder.path(), VaultChoice::Memory, clock.clone()).unwrap();
        let url = status::listen(&engine, Some(0)).await.unwrap().url;
        let token = apps::add(&engine, "bot".into(), None).await.unwrap().token;
        Self { folder, engine, url, token, clock, client: client() }
    }

    /// The same folder after the end of this process and the start of another.
    pub async fn restarted(self) -> Self {
        status::drain(&self.engine).await;
        let Self { folder, engine, token, clock, client, .. } = self;
        drop(engine);
        let engine = Engine::open_at(folder.path(), VaultChoice::Memory, clock.clone()).unwrap();
        let url = status::listen(&engine, Some(0)).await.unwrap().url;
        Self { folder, engine, url, token, clock, client }
    }

    /// With one connection `main`, limited so, to a Demo provider that answers at once.
    pub async fn limited(limits: Limits) -> (Self, DemoServer) {
        let world = Self::open().await;
        let demo = demo();
        world.add(limited_draft("main", demo.base_url(), limits)).await;
        (world, demo)
    }

    /// With one connection `main` to a Demo provider that answers at once.
    pub async fn with_demo() -> (Self, DemoServer) {
        let world = Self::open().await;
        let demo = demo();
        world.connect("main", demo.base_url()).await;
        (world, demo)
    }

    /// Adds a connection of the Demo's prices and models, without retries.
    pub async fn connect(&self, key: &str, base_url: &str) {
        self.add(draft(key, base_url)).await;
    }

    pub async fn add(&self, draft: ConnectionDraft) {
        connections::add_untested(&self.engine, draft, TimeZone::UTC).await.unwrap();
    }

    /// A request with nothing in it but its address.
    pub fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A request of the bot's.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// Sends this body to the chat route.
    pub fn chat(&self, body: impl Into<reqwest::Body>) -> RequestBuilder {
        self.request(Method::POST, "/v1/chat/completions")
            .header("content-type", "application/json")
            .body(body)
    }

    /// Asks a question and waits for the head of the answer.
    pub async fn ask(&self, model: &str, extra: &Value) -> Response {
        self.chat(question(model, extra)).send().await.unwrap()
    }

    /// The whole log, oldest first.
    pub async fn log(&self) -> Vec<Line> {
        log::newest(&self.engine, Filter::default(), 100_000).await.unwrap()
    }

    /// The log, once it has so many lines.
    pub async fn log_of(&self, lines: usize) -> Vec<Line> {
        until("the rows are there", async || {
            let log = self.log().await;
            (log.len() >= lines).then_some(log)
        })
        .await
    }

    pub async fn last(&self) -> Line {
        self.log().await.pop().expect("a row")
    }

    pub async fn usage(&self) -> UsageReport {
        usage::report(&self.engine, Filter::default(), None, TimeZone::UTC).await.unwrap()
    }

    pub async fn connection(&self, key: &str) -> connections::Connection {
        connections::get(&self.engine, key, TimeZone::UTC).await.unwrap()
    }
}

/// A client that nothing stands between; only the deadline ends it early.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().unwrap()
}

/// A Demo provider that answers at once.
pub fn demo() -> DemoServer {
    let options = DemoOptions { pace: Pace::Instant, ..DemoOptions::default() };
    DemoServer::start(options).unwrap()
}

/// A Demo provider that answers at once, and only to this key.
pub fn locked_demo(key: &str) -> DemoServer {
    DemoServer::start(DemoOptions { pace: Pace::Instant, require_key: Some(Secret::new(key.to_owned())) })
        .unwrap()
}

pub fn draft(key: &str, base_url: &str) -> ConnectionDraft {
    ConnectionDraft {
        provider: "demo".into(),
        name: format!("The {key}"),
        key: Some(key.to_owned()),
        base_url: Some(base_url.to_owned()),
        default_model: Some("demo-fast".into()),
        secret: None,
        settings: NewSettings { max_retries: Some(0), ..NewSettings::default() },
    }
}

pub fn limited_draft(key: &str, base_url: &str, limits: Limits) -> ConnectionDraft {
    let mut draft = draft(key, base_url);
    draft.settings.limits = limits;
    draft
}

/// The body of a chat request with fields of its own.
pub fn question(model: &str, extra: &Value) -> String {
    let mut body = json!({ "model": model, "messages": [{ "role": "user", "content": "Is EURUSD a buy?" }] });
    for (name, value) in extra.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body.to_string()
}

pub fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let value = response.headers().get(name);
    value.map_or("", |value| value.to_str().unwrap())
}

pub async fn json_of(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// Checks an error answer by its status and the name that clients branch on, and answers its message.
pub async fn refusal(response: Response, status: u16, code: &str) -> String {
    let found = response.status().as_u16();
    let body = json_of(response).await;
    assert_eq!((found, &body["error"]["code"]), (status, &json!(code)), "{body}");
    let keys: Vec<&String> = body["error"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["message", "type", "param", "code"], "OpenAI's four keys, in its order");
    body["error"]["message"].as_str().unwrap().to_owned()
}

/// The data of all events of a stream.
pub fn events(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

/// The text in the events of a stream.
pub fn text_of(stream: &str) -> String {
    let chunks = events(stream).into_iter().filter_map(|data| serde_json::from_str::<Value>(data).ok());
    chunks.filter_map(|chunk| Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())).collect()
}

/// Waits until the condition gives something.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, condition: impl Fn() -> F) -> T {
    let waiting = async {
        let mut looks = tokio::time::interval(LOOK);
        loop {
            looks.tick().await;
            if let Some(found) = condition().await {
                return found;
            }
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}
