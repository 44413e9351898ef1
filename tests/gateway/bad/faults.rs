//! The faults, as data: what the provider does, how a connection leads there, and what a test must say of it.

mod address;
mod answer;
mod way;

use patchbay_core::code::Code;
use patchbay_core::diagnose::RemedyAction;
use patchbay_core::diagnose::Stage;

use super::{Door, Reply, Request};
use crate::upstream::{ending, stream_head, token, whole};

/// How a connection leads to the bad provider.
#[derive(Clone, Copy, Debug)]
pub enum Setting {
    /// `http://127.0.0.1:PORT` and this path.
    Here(&'static str),
    /// `https://localhost:PORT/v1`.
    Secure,
    /// This base URL, with the bad provider as its proxy: so it is a server elsewhere.
    Elsewhere(&'static str),
    /// This base URL, and no proxy.
    Nowhere(&'static str),
    /// `http://127.0.0.1:PORT/v1`, where nobody listens any more.
    Closed,
}

/// One way of being broken.
pub struct Fault {
    pub id: &'static str,
    /// For people.
    pub about: &'static str,
    pub door: fn() -> Door,
    pub setting: Setting,
    /// The connection's provider.
    pub provider: &'static str,
    pub answer: fn(&Request) -> Reply,
    /// How long the connection waits for a first byte: where that is the fault, not long.
    pub patience_s: u32,
    /// The verdict's sentence; PORT stands for the port.
    pub title: &'static str,
    pub stage: Stage,
    pub code: Code,
    pub remedies: &'static [RemedyAction],
    /// What the first remedy that brings a value brings; PORT stands for the port.
    pub value: Option<&'static str>,
}

/// All of them, the way to a provider first.
pub fn faults() -> impl Iterator<Item = &'static Fault> {
    [way::WAY, address::ADDRESS, answer::ANSWER].into_iter().flatten()
}

/// The fault of that name.
pub fn fault(id: &str) -> &'static Fault {
    faults().find(|fault| fault.id == id).unwrap_or_else(|| panic!("there is no fault {id}"))
}

const LIST: &str =
    r#"{"object":"list","data":[{"id":"gpt-5","object":"model"},{"id":"gpt-5-mini","object":"model"}]}"#;
const COMPLETION: &str = r#"{"choices":[{"message":{"content":"OK"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#;
const SIGN_IN: &str = "<!doctype html><title>Hotel</title><form>Room <input type=\"password\"></form>";

fn json(status: u16, body: &str) -> Reply {
    Reply::Say(whole(status, &[("content-type", "application/json")], body))
}

fn page(status: u16, body: &str) -> Reply {
    Reply::Say(whole(status, &[("content-type", "text/html")], body))
}

fn moved(to: &str) -> Reply {
    Reply::Say(whole(301, &[("location", to), ("content-type", "text/html")], ""))
}

/// A sound list of models; the rest goes to `rest`.
fn listed(request: &Request, rest: impl Fn() -> Reply) -> Reply {
    if request.is_list() { json(200, LIST) } else { rest() }
}

/// A sound list of models and a sound whole answer: only streams go to `rest`.
fn streamed(request: &Request, rest: impl Fn() -> Reply) -> Reply {
    match () {
        () if request.is_list() => json(200, LIST),
        () if request.is_streamed => rest(),
        () => json(200, COMPLETION),
    }
}

/// A sound list at this path, and nothing anywhere else.
fn only_at(request: &Request, path: &str, list: &str) -> Reply {
    if request.path == path { json(200, list) } else { json(404, r#"{"detail":"Not Found"}"#) }
}

fn http() -> Door {
    Door::Http
}

const COMMON: Fault = Fault {
    id: "",
    about: "",
    door: http,
    setting: Setting::Elsewhere("http://llm.example.com/v1"),
    provider: "compatible",
    answer: |_| json(200, LIST),
    patience_s: 30,
    title: "",
    stage: Stage::Auth,
    code: Code::MalformedAnswer,
    remedies: &[],
    value: None,
};

const NETWORK: Fault = Fault { code: Code::NetworkFailed, ..COMMON };
const SECURE: Fault = Fault { setting: Setting::Secure, stage: Stage::Tls, ..NETWORK };
const ANSWERS: Fault = Fault { stage: Stage::Completion, ..COMMON };

/// What a provider answers that is not broken at all.
pub fn sound(request: &Request) -> Reply {
    streamed(request, || Reply::Say(format!("{}{}{}", stream_head(), token("OK"), ending())))
}
