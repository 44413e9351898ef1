//! Providers in this process: the Demo, and one that begins a stream and then says nothing.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
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
