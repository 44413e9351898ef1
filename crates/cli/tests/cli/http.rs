//! The least of HTTP that a bot needs, which sees exactly what arrived, and when.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::program::parse;

/// Longer than any answer waits.
const SILENCE: Duration = Duration::from_mins(1);

pub struct Request {
    address: String,
    text: String,
}

impl Request {
    pub fn post(address: &str, path: &str, token: &str, body: &str) -> Self {
        Self::new("POST", address, path, token, body)
    }

    pub fn get(address: &str, path: &str, token: &str) -> Self {
        Self::new("GET", address, path, token, "")
    }

    fn new(method: &str, address: &str, path: &str, token: &str, body: &str) -> Self {
        let length = body.len();
        let text = format!(
            "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
        );
        Self { address: address.to_owned(), text }
    }

    /// Sends it. A connection that fails is an answer of status 0.
    pub fn send(&self) -> Arriving {
        let stream = TcpStream::connect(&self.address).and_then(|mut stream| {
            stream.set_read_timeout(Some(SILENCE))?;
            stream.write_all(self.text.as_bytes())?;
            Ok(stream)
        });
        Arriving { stream: stream.ok(), bytes: Vec::new() }
    }
}

/// An answer on its way.
pub struct Arriving {
    stream: Option<TcpStream>,
    bytes: Vec<u8>,
}

/// What arrived.
#[derive(Debug)]
pub struct Answer {
    /// 0 where nothing did.
    pub status: u16,
    pub head: String,
    pub body: String,
    /// Every byte that was announced is here.
    pub whole: bool,
}

impl Arriving {
    /// Reads on until this text is there; `false` when the connection ends before.
    pub fn reads(&mut self, text: &str) -> bool {
        loop {
            if String::from_utf8_lossy(&self.bytes).contains(text) {
                return true;
            }
            if !self.read_some() {
                return false;
            }
        }
    }

    /// Reads to the end.
    pub fn rest(mut self) -> Answer {
        while self.read_some() {}
        Answer::from_bytes(&self.bytes)
    }

    fn read_some(&mut self) -> bool {
        let mut piece = [0; 8_192];
        let read = self.stream.as_mut().map_or(0, |stream| stream.read(&mut piece).unwrap_or(0));
        self.bytes.extend_from_slice(&piece[..read]);
        read > 0
    }
}

impl Answer {
    fn from_bytes(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let Some((head, rest)) = text.split_once("\r\n\r\n") else {
            return Self { status: 0, head: text, body: String::new(), whole: false };
        };
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let head = head.to_owned();
        let length = header(&head, "content-length").map(|length| length.parse::<usize>().unwrap());
        let (body, whole) = match length {
            Some(length) => (rest.to_owned(), rest.len() == length),
            None => unchunked(rest),
        };
        Self { status, head, body, whole }
    }

    pub fn header(&self, name: &str) -> &str {
        header(&self.head, name).unwrap_or_default()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        parse(&self.body)
    }

    /// Whether the bot has all of it: the body as long as announced, or the end mark of a stream.
    pub fn is_complete(&self, streamed: bool) -> bool {
        self.status == 200 && if streamed { self.body.contains("data: [DONE]\n\n") } else { self.whole }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
}

/// The body behind its chunks, and whether the last chunk is there.
fn unchunked(mut rest: &str) -> (String, bool) {
    let mut body = String::new();
    loop {
        let Some((size, after)) = rest.split_once("\r\n") else { return (body, false) };
        let Ok(size) = usize::from_str_radix(size, 16) else { return (body, false) };
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = after.get(..size) else {
            return (body + after, false);
        };
        body += chunk;
        rest = after.get(size + 2..).unwrap_or_default();
    }
}
