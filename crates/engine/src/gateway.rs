//! The gateway: loopback HTTP for bots that work unmodified.

mod answer;
mod auth;
mod routes;

pub use auth::token_hash;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use patchbay_core::code::Code;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::Engine;
use crate::error::Error;

/// The port that bots know.
pub const DEFAULT_PORT: u16 = 4141;
/// How long a client may take to send its request's head.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// The longest request head, in bytes.
const HEADER_BYTES: usize = 64 * 1024;
/// How long calls on their way may take to end after a stop.
const DRAIN: Duration = Duration::from_secs(30);

/// A listening gateway. Dropping it takes no more calls; [`Gateway::drain`] also waits for those on their way.
#[derive(Debug)]
pub struct Gateway {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

impl Gateway {
    /// Listens on a port of 127.0.0.1; 0 for any free one.
    pub async fn listen(engine: &Arc<Engine>, port: u16) -> Result<Self, Error> {
        let failed = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Error::new(
                Code::PortInUse,
                format!("Port {port} is taken by another program."),
                format!("Use {}, or stop the other program and try again.", port.saturating_add(1)),
            ),
            _ => Error::new(
                Code::Internal,
                format!("Port {port} cannot be opened: {error}."),
                "Choose another port.",
            ),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = oneshot::channel();
        let router = routes::router(Arc::clone(engine));
        let done = tokio::spawn(accept(listener, router, stopped));
        Ok(Self { address, stop, done })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What bots are told: `http://127.0.0.1:4141`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Gives the port up at once. Calls on their way go on.
    pub async fn close(self) {
        self.done.abort();
        // Over when the listener is dropped.
        let _ = self.done.await;
    }

    /// Takes no more calls and returns when those on their way have ended.
    pub async fn drain(self) {
        // The accepting task may have ended by itself.
        let _ = self.stop.send(());
        let _ = self.done.await;
    }
}

/// Accepts until told to stop. `axum::serve` is not used: it has neither limits on heads nor TCP_NODELAY, without which
/// the first token of a stream waits 40 ms.
async fn accept(listener: TcpListener, router: Router, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            // Also when the gateway is dropped.
            _ = &mut stopped => break,
        };
        match accepted {
            Ok((stream, _)) => converse(stream, router.clone(), &graceful),
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::task::yield_now().await;
            }
        }
    }
    drop(listener);
    if timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("calls that did not end in time are cut");
    }
}

fn converse(stream: TcpStream, router: Router, graceful: &GracefulShutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_buf_size(HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a client's connection ended");
        }
    });
}
