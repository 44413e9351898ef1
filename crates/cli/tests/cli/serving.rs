//! A gateway in another process, and a bot that calls it.

use crate::http::{Answer, Request};
use crate::program::{Program, Running};

/// `patchbay serve`.
pub struct Serving {
    pub running: Running,
    /// `127.0.0.1:PORT`
    pub address: String,
}

impl Serving {
    /// On a free port.
    #[track_caller]
    pub fn start(program: &Program, extra: &[&str]) -> Self {
        let running = program.start(&[&["serve", "--port", "0"], extra].concat());
        let line = running.line();
        let address = line.strip_prefix("listening http://").unwrap_or_else(|| panic!("{line}")).to_owned();
        Self { running, address }
    }

    /// A question of a bot's, not yet sent.
    pub fn question(&self, token: &str, model: &str, extra: &str) -> Request {
        question(&self.address, token, model, extra)
    }

    /// A whole answer.
    pub fn ask(&self, token: &str, model: &str) -> Answer {
        self.question(token, model, "").send().rest()
    }

    pub fn models(&self, token: &str) -> Answer {
        Request::get(&self.address, "/v1/models", token).send().rest()
    }
}

/// The same for whoever knows only the address.
pub fn question(address: &str, token: &str, model: &str, extra: &str) -> Request {
    let body = format!(
        r#"{{"model":"{model}","messages":[{{"role":"user","content":"Is EURUSD a buy?"}}]{extra}}}"#
    );
    Request::post(address, "/v1/chat/completions", token, &body)
}
