//! The gateway: loopback HTTP for bots that work unmodified.

mod answer;
mod auth;
mod calls;
mod door;
mod kept;
mod models;
mod patience;
mod reach;
mod routes;

pub use auth::token_hash;
pub use reach::Reach;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use patchbay_core::code::Code;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use self::routes::Door;
use crate::Engine;
use crate::error::Error;
use crate::metrics::{Metrics, Refused};

/// The port that bots know.
pub const DEFAULT_PORT: u16 = 4141;
/// The longest request head, in bytes.
const HEADER_BYTES: usize = 64 * 1024;
/// How long calls on their way may take to end after a stop.
const DRAIN: Duration = Duration::from_secs(30);
/// Before another try to accept, when the system has no more sockets.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// What a client hears that comes when all places are taken; the end of the connection ends it.
const CROWDED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 1\r\n\
    content-type: application/json\r\n\r\n\
    {\"error\":{\"message\":\"Too many connections are open. Close some, or try again in a second.\",\
    \"type\":\"overloaded\",\"param\":null,\"code\":\"overloaded\"}}";

/// What a client may take of the gateway.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections that are open at the same time.
    pub connections: usize,
    /// How long a request's head may take.
    pub header_time: Duration,
    /// How long its body may take.
    pub body_time: Duration,
    /// How long a stream may be silent before a comment is sent.
    pub keep_alive: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 512,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_mins(1),
            keep_alive: Duration::from_secs(5),
        }
    }
}

/// A listening gateway. Dropping it takes no more calls; [`Gateway::drain`] also waits for those on their way.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinSet<()>,
}

impl Gateway {
    /// Listens on a port of 127.0.0.1, of ::1 where this machine has it, and wherever `reach` says; 0 for any free one.
    pub async fn listen(engine: &Arc<Engine>, port: u16, reach: Reach) -> Result<Self, Error> {
        Self::listen_within(engine, port, reach, Bounds::default()).await
    }

    /// The same with bounds of the caller's own.
    pub async fn listen_within(
        engine: &Arc<Engine>,
        port: u16,
        reach: Reach,
        bounds: Bounds,
    ) -> Result<Self, Error> {
        let (first, others) = reach.addresses(port);
        let wider = reach.address;
        let listener = TcpListener::bind(first).await.map_err(|error| cannot_open(first, &error))?;
        let address = listener.local_addr().map_err(|error| cannot_open(first, &error))?;
        let mut listeners = vec![listener];
        for mut other in others {
            other.set_port(address.port());
            match TcpListener::bind(other).await {
                Ok(listener) => listeners.push(listener),
                Err(error) if Some(other.ip()) == wider => return Err(cannot_open(other, &error)),
                Err(error) => tracing::debug!(%other, %error, "not every address can be listened on"),
            }
        }
        let door = Door { engine: Arc::clone(engine), bounds, reach: Arc::new(reach) };
        let entry = Entry {
            places: Arc::new(Semaphore::new(bounds.connections)),
            metrics: Arc::clone(&engine.metrics),
            router: routes::router(door),
            bounds,
        };
        let (stop, stopped) = watch::channel(false);
        let mut accepting = JoinSet::new();
        for listener in listeners {
            accepting.spawn(accept(listener, entry.clone(), stopped.clone()));
        }
        Ok(Self { address, stop, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What bots of this machine are told: `http://127.0.0.1:4141`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.address.port())
    }

    /// Gives the port up at once. Calls on their way go on.
    pub async fn close(mut self) {
        // Over when the listeners are dropped.
        self.accepting.shutdown().await;
    }

    /// Takes no more calls and returns when those on their way have ended.
    pub async fn drain(mut self) {
        self.stop.send_replace(true);
        while self.accepting.join_next().await.is_some() {}
    }
}

fn cannot_open(address: SocketAddr, error: &std::io::Error) -> Error {
    let port = address.port();
    match error.kind() {
        std::io::ErrorKind::AddrInUse => Error::new(
            Code::PortInUse,
            format!("Port {port} is taken by another program."),
            format!("Use {}, or stop the other program and try again.", port.saturating_add(1)),
        ),
        std::io::ErrorKind::AddrNotAvailable => Error::invalid(
            format!("{} is no address of this machine.", address.ip()),
            "Choose one that is, or go back to this machine only: `patchbay gateway close`.",
        ),
        _ => Error::new(
            Code::Internal,
            format!("Port {port} cannot be opened: {error}."),
            "Choose another port.",
        ),
    }
}

/// What the accepting tasks share.
#[derive(Clone)]
struct Entry {
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
    router: Router,
    bounds: Bounds,
}

/// Accepts until told to stop. `axum::serve` is not used: it has neither limits on heads nor TCP_NODELAY, without which
/// the first token of a stream waits 40 ms.
async fn accept(listener: TcpListener, entry: Entry, mut stopped: watch::Receiver<bool>) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Also when the gateway is dropped.
            _ = stopped.wait_for(|stopped| *stopped) => break,
        };
        match accepted {
            Ok((stream, _)) => match Arc::clone(&entry.places).try_acquire_owned() {
                Ok(place) => converse(stream, place, &entry, &graceful),
                Err(_) => turn_away(&stream, &entry.metrics),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN).await;
            }
        }
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("calls that did not end in time are cut");
    }
}

/// There is no place for one more, and no memory for what it may send.
fn turn_away(stream: &TcpStream, metrics: &Metrics) {
    metrics.refused(Refused::Crowd);
    // The client may be gone, or not listen: it is turned away all the same.
    let _ = stream.try_write(CROWDED);
}

fn converse(stream: TcpStream, place: OwnedSemaphorePermit, entry: &Entry, graceful: &GracefulShutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let router = TowerToHyperService::new(entry.router.clone());
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(entry.bounds.header_time)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(
            TokioIo::new(stream),
            service_fn(move |request| router.call(door::opened(request))),
        );
    let connection = graceful.watch(connection);
    let metrics = Arc::clone(&entry.metrics);
    metrics.connections.inc();
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a client's connection ended");
        }
        metrics.connections.dec();
        drop(place);
    });
}
