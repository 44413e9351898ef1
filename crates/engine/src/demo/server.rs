//! The Demo provider: a real HTTP server on a loopback port of the system's choice.

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Bytes, to_bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use patchbay_core::secret::Secret;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::answer::{answer, model};
use super::wire::{self, ChatRequest, Delivery, Heading};
use super::{DemoFault, delivery, embeddings};

/// The largest body that is read.
const LARGEST: usize = 32 << 20;
/// How many requests are remembered …
const REMEMBERED: usize = 50;
/// … and how much of the body of each.
const REMEMBERED_BYTES: usize = 64 << 10;
/// Before another try to accept, when the system has no more sockets.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
const COMPLETIONS: &str = "/v1/chat/completions";
/// Far from any limit; [`DemoFault::RateLimited`] says otherwise.
const RATE_HEADERS: [(&str, &str); 6] = [
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "10000000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "9999000"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-reset-tokens", "0s"),
];

/// How a Demo provider behaves.
#[derive(Clone, Debug, Default)]
pub struct DemoOptions {
    /// The key that it wants; none where `None`.
    pub require_key: Option<Secret>,
    /// How fast it answers.
    pub pace: Pace,
}

/// How fast the Demo answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As its models say.
    #[default]
    Natural,
    /// At once, for tests.
    Instant,
}

impl Pace {
    pub(super) async fn wait(self, time: Duration) {
        if self == Self::Natural {
            tokio::time::sleep(time).await;
        }
    }
}

/// A request that the Demo received.
#[derive(Clone, Debug)]
pub struct Received {
    /// `GET` or `POST`.
    pub method: String,
    /// With its query.
    pub path: String,
    /// The `authorization` header is marked as sensitive, so that it is not printed.
    pub headers: HeaderMap,
    /// Its first 64 KiB.
    pub body: String,
}

impl Received {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A running Demo provider. It stops, and cuts the connections to it, when it is dropped.
#[derive(Debug)]
pub struct DemoServer {
    base_url: String,
    demo: Arc<Demo>,
    _running: JoinSet<()>,
}

impl DemoServer {
    /// Starts one on a free port. It needs a tokio runtime around it.
    pub fn start(options: DemoOptions) -> io::Result<Self> {
        Self::start_on(options, &Handle::try_current().map_err(io::Error::other)?)
    }

    /// The same on that runtime, from any thread.
    pub(crate) fn start_on(options: DemoOptions, runtime: &Handle) -> io::Result<Self> {
        let _inside = runtime.enter();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let base_url = format!("http://{}/v1", listener.local_addr()?);
        let demo = Arc::new(Demo { options, state: Mutex::default() });
        let mut running = JoinSet::new();
        running.spawn(accept(TcpListener::from_std(listener)?, router(&demo)));
        Ok(Self { base_url, demo, _running: running })
    }

    /// What a connection to it has as its base URL: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Switches a failure on, or all off; requests that are on their way keep theirs.
    pub fn set_fault(&self, fault: DemoFault) {
        self.demo.state().fault = fault;
    }

    /// The failure that is on.
    pub fn fault(&self) -> DemoFault {
        self.demo.state().fault
    }

    /// How many chat completions were asked for, refused ones included.
    pub fn requests(&self) -> u64 {
        self.demo.state().completions
    }

    /// How many requests are on their way now, until the last byte of their answers.
    pub fn in_flight(&self) -> u64 {
        self.demo.state().in_flight
    }

    /// The most that ever were on their way at once.
    pub fn most_in_flight(&self) -> u64 {
        self.demo.state().most_in_flight
    }

    /// The last requests, oldest first.
    pub fn recent(&self) -> Vec<Received> {
        self.demo.state().recent.iter().cloned().collect()
    }
}

#[derive(Debug)]
struct Demo {
    options: DemoOptions,
    state: Mutex<DemoState>,
}

#[derive(Debug, Default)]
struct DemoState {
    fault: DemoFault,
    /// Of any kind.
    received: u64,
    completions: u64,
    in_flight: u64,
    most_in_flight: u64,
    recent: VecDeque<Received>,
}

/// A request on its way: its number, and the failure that was on when it came. Its answer holds it to the end.
#[derive(Debug)]
pub(super) struct Ticket {
    number: u64,
    pub(super) fault: DemoFault,
    demo: Arc<Demo>,
}

impl Ticket {
    pub(super) fn pace(&self) -> Pace {
        self.demo.options.pace
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.demo.state().in_flight -= 1;
    }
}

impl Demo {
    fn state(&self) -> MutexGuard<'_, DemoState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Remembers a request.
    fn note(self: &Arc<Self>, request: Received) -> Arc<Ticket> {
        let mut state = self.state();
        state.received += 1;
        state.completions += u64::from(request.path == COMPLETIONS);
        if state.recent.len() == REMEMBERED {
            state.recent.pop_front();
        }
        state.recent.push_back(request);
        state.in_flight += 1;
        state.most_in_flight = state.most_in_flight.max(state.in_flight);
        Arc::new(Ticket { number: state.received, fault: state.fault, demo: Arc::clone(self) })
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        match &self.options.require_key {
            None => true,
            Some(key) => given.and_then(|given| given.strip_prefix("Bearer ")) == Some(key.expose()),
        }
    }
}

/// Each connection is a task of the set, so that dropping the set ends all of them.
async fn accept(listener: TcpListener, router: Router) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(connections.spawn(converse(stream, router.clone()))),
            Err(error) => {
                tracing::warn!(%error, "the Demo provider cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn converse(stream: TcpStream, router: Router) {
    // Without it, the small writes of a stream wait 40 ms for each other.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY for the Demo provider");
    }
    let served = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::trace!(%error, "a connection to the Demo provider ended early");
    }
}

fn router(demo: &Arc<Demo>) -> Router {
    Router::new()
        .route("/v1/models", get(async || Json(wire::model_list())))
        .route("/v1/models/{*id}", get(show_model))
        .route(COMPLETIONS, post(complete))
        .route("/v1/embeddings", post(async |body: Bytes| embeddings::answer(&body)))
        .fallback(no_such_route)
        .method_not_allowed_fallback(no_such_route)
        .layer(from_fn_with_state(Arc::clone(demo), receive))
        // The limit is that of `receive`; the framework's own would be 2 MiB.
        .layer(DefaultBodyLimit::disable())
        .with_state(Arc::clone(demo))
}

/// What every request goes through, whatever it asks for.
async fn receive(State(demo): State<Arc<Demo>>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if let Some(authorization) = parts.headers.get_mut(header::AUTHORIZATION) {
        authorization.set_sensitive(true);
    }
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return wire::bad_request("The body is larger than 32 MiB, or did not arrive whole.");
    };
    let ticket = demo.note(Received {
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers.clone(),
        body: String::from_utf8_lossy(body.get(..REMEMBERED_BYTES).unwrap_or(&body)).into_owned(),
    });
    let mut response = match ticket.fault.strike().await {
        Some(failure) => failure,
        None if demo.admits(&parts.headers) => {
            parts.extensions.insert(Arc::clone(&ticket));
            next.run(Request::from_parts(parts, body.into())).await
        }
        None => wire::key_refused(),
    };
    add_headers(response.headers_mut(), ticket.number);
    response
}

/// Those that the failure has set stay.
fn add_headers(headers: &mut HeaderMap, number: u64) {
    for (name, value) in RATE_HEADERS {
        headers.entry(HeaderName::from_static(name)).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&format!("req_demo_{number}")) {
        headers.insert("x-request-id", id);
    }
}

async fn no_such_route(request: Request) -> Response {
    let message = format!("Invalid URL ({} {})", request.method(), request.uri().path());
    wire::error(StatusCode::NOT_FOUND, &message, "invalid_request_error", None)
}

async fn show_model(Path(id): Path<String>) -> Response {
    match model(&id) {
        Some(model) => Json(wire::model(model.id)).into_response(),
        None if id == embeddings::MODEL => Json(wire::model(embeddings::MODEL)).into_response(),
        None => wire::no_such_model(&id),
    }
}

async fn complete(Extension(ticket): Extension<Arc<Ticket>>, body: Bytes) -> Response {
    let request: ChatRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => {
            let message = format!("We could not parse the JSON body of your request: {error}");
            return wire::bad_request(&message);
        }
    };
    if request.messages.is_empty() {
        return wire::bad_request("[] is too short - 'messages'");
    }
    let Some(model) = model(&request.model) else {
        return wire::no_such_model(&request.model);
    };
    let heading = Heading {
        id: format!("chatcmpl-demo-{}", ticket.number),
        created: crate::clock::now().0 / 1_000,
        model: model.id,
    };
    let form = request.delivery();
    let answer = answer(model, &request.into_wish());
    match form {
        Delivery::Plain => {
            ticket.pace().wait(delivery::speaking_time(model, &answer)).await;
            delivery::plain(&wire::completion(&heading, &answer), ticket)
        }
        Delivery::Stream | Delivery::StreamWithUsage => {
            delivery::streamed(model, &wire::chunks(&heading, &answer, form), ticket)
        }
    }
}
