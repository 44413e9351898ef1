//! Providers in this process: the Demo, and one that begins a stream and then says nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use patchbay_core::secret::Secret;
use patchbay_engine::demo::{DemoOptions, DemoServer, Pace};
use tokio::runtime::Runtime;

/// A Demo provider that wants this key and answers at once.
pub struct Demo {
    pub server: DemoServer,
    _runtime: Runtime,
}

impl Demo {
    pub fn start(key: Option<&str>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let inside = runtime.enter();
        let options =
            DemoOptions { require_key: key.map(|key| Secret::new(key.to_owned())), pace: Pace::Instant };
        let server = DemoServer::start(options).unwrap();
        drop(inside);
        Self { server, _runtime: runtime }
    }

    pub fn url(&self) -> &str {
        self.server.base_url()
    }
}

/// A server that lists two models at a port of this machine, as Ollama and LM Studio do.
pub struct ModelServer {
    port: u16,
    asked: Receiver<String>,
}

impl ModelServer {
    /// `None` where the port is taken.
    pub fn start(port: u16) -> Option<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).ok()?;
        let (ask, asked) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                ask.send(list_models(stream)).unwrap();
            }
        });
        Some(Self { port, asked })
    }

    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// The first lines of all requests since the last look.
    pub fn asked(&self) -> Vec<String> {
        self.asked.try_iter().collect()
    }
}

/// Answers the first line of the request.
fn list_models(mut stream: TcpStream) -> String {
    let mut request = [0; 16_384];
    let read = stream.read(&mut request).unwrap_or(0);
    let line = String::from_utf8_lossy(&request[..read]).lines().next().unwrap_or_default().to_owned();
    let models = r#"{"object":"list","data":[{"id":"llama3.2:3b","object":"model"},{"id":"qwen3:8b","object":"model"}]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    // The client may leave whenever it likes.
    let _ = stream.write_all(format!("{head}content-length: {}\r\n\r\n{models}", models.len()).as_bytes());
    line
}

/// The base URL of a provider that sends one token and keeps the connection open until its client leaves.
pub fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || begin(stream));
        }
    });
    url
}

fn begin(mut stream: TcpStream) {
    let mut request = [0; 16_384];
    let read = stream.read(&mut request).unwrap_or(0);
    if read == 0 {
        return;
    }
    let event = r#"{"model":"m","choices":[{"index":0,"delta":{"content":"Hold "},"finish_reason":null}]}"#;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    // The client may leave whenever it likes.
    let _ = stream.write_all(format!("{head}data: {event}\n\n").as_bytes());
    let _ = stream.read_to_end(&mut Vec::new());
}

/// A port that was free a moment ago, where nothing listens.
pub fn dead_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/v1", listener.local_addr().unwrap())
}
