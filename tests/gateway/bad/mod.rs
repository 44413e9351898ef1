//! Providers that are broken, each in one way. A [`BadProvider`] listens on loopback and looks at each request; it serves
//! whoever wants to see what a fault does: a connection test, a call, a drill.

mod faults;
mod tls;

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub use faults::{Fault, Setting, fault, faults, sound};
pub use tls::Certificate;

/// A request as a bad provider sees it.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Without a host, also where a proxy is asked.
    pub path: String,
    /// It asks for an answer in pieces.
    pub is_streamed: bool,
    head: String,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    pub fn is_list(&self) -> bool {
        self.method == "GET"
    }
}

/// What becomes of a request.
pub enum Reply {
    /// These bytes, then the end.
    Say(String),
    /// These bytes, and then nothing, until the other side leaves.
    Hang(String),
    /// These bytes, then a reset.
    Reset(String),
}

/// How it listens.
pub enum Door {
    /// Plain HTTP, at the front or as a proxy.
    Http,
    /// TLS with this certificate.
    Tls(Certificate),
    /// It resets connections at the first word.
    Slammed,
    /// It says this at once, whatever it hears.
    Talks(String),
}

/// A listening one; its connections end with it.
pub struct BadProvider {
    pub port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
    _running: JoinSet<()>,
}

impl BadProvider {
    pub async fn start(door: Door, answer: fn(&Request) -> Reply) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let mut running = JoinSet::new();
        running.spawn(accept(listener, door, answer, Arc::clone(&seen)));
        Self { port, seen, _running: running }
    }

    /// All requests so far.
    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

async fn accept(
    listener: TcpListener,
    door: Door,
    answer: fn(&Request) -> Reply,
    seen: Arc<Mutex<Vec<Request>>>,
) {
    let acceptor = match &door {
        Door::Tls(certificate) => Some(certificate.acceptor()),
        Door::Http | Door::Slammed | Door::Talks(_) => None,
    };
    let mut connections = JoinSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        match &door {
            Door::Slammed => {
                connections.spawn(async move {
                    let _ = stream.read(&mut [0; 64]).await;
                    reset(&stream);
                });
                continue;
            }
            Door::Talks(text) => {
                let text = text.clone();
                connections.spawn(async move {
                    let _ = stream.write_all(text.as_bytes()).await;
                    let _ = stream.read_to_end(&mut Vec::new()).await;
                });
                continue;
            }
            Door::Http | Door::Tls(_) => {}
        }
        let (acceptor, seen) = (acceptor.clone(), Arc::clone(&seen));
        connections.spawn(async move {
            // A client that does not like what it sees leaves, which is no fault of the test.
            let _ = match acceptor {
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(mut stream) => converse(&mut stream, answer, &seen).await.map(|_| ()),
                    Err(error) => Err(error),
                },
                None => plain(stream, answer, &seen).await,
            };
        });
    }
}

async fn plain(
    mut stream: TcpStream,
    answer: fn(&Request) -> Reply,
    seen: &Mutex<Vec<Request>>,
) -> io::Result<()> {
    if converse(&mut stream, answer, seen).await? == Ending::Reset {
        reset(&stream);
    }
    Ok(())
}

#[derive(PartialEq, Eq)]
enum Ending {
    Close,
    Reset,
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    answer: fn(&Request) -> Reply,
    seen: &Mutex<Vec<Request>>,
) -> io::Result<Ending> {
    let Some(request) = read_request(stream).await? else { return Ok(Ending::Close) };
    let reply = answer(&request);
    seen.lock().unwrap().push(request);
    match reply {
        Reply::Say(text) => {
            stream.write_all(text.as_bytes()).await?;
            stream.shutdown().await?;
        }
        Reply::Hang(text) => {
            stream.write_all(text.as_bytes()).await?;
            stream.read_to_end(&mut Vec::new()).await?;
        }
        Reply::Reset(text) => {
            stream.write_all(text.as_bytes()).await?;
            stream.flush().await?;
            return Ok(Ending::Reset);
        }
    }
    Ok(Ending::Close)
}

/// The other side is told that the connection is void, not that it is over.
fn reset(stream: &TcpStream) {
    stream.set_zero_linger().unwrap();
}

async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= content_length(head)
        {
            return Ok(Some(parse(head, body)));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(head: &str, body: &str) -> Request {
    let mut first = head.split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let target = first.next().unwrap_or_default();
    let path = match target.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("/", |at| &rest[at..]),
        None => target,
    };
    let path = path.split('?').next().unwrap_or_default().to_owned();
    let is_streamed = body.contains("\"stream\":true");
    Request { method, path, is_streamed, head: head.to_owned() }
}

fn content_length(head: &str) -> usize {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut lengths = lines.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().map_or(0, |(_, length)| length.parse().unwrap())
}
