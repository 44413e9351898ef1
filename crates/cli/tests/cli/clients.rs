//! The clients that bots are made with, unmodified but for their address, against a connection of each protocol. What they
//! were told of tokens is what the ledger says.
//!
//! The providers are another Patchbay with the Demo behind it, which speaks all four protocols.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::program::{Program, parse};
use crate::serving::Serving;

/// A model at a connection of each protocol.
const TARGETS: &str = "direct/demo-fast,messages/demo-fast,responses/demo-fast,gemini/demo-fast";
/// Anthropic makes none.
const EMBEDDERS: &str = "direct/demo-embed,gemini/demo-embed";

/// A gateway whose connections speak each protocol to the one behind it.
struct Chain {
    front: Program,
    gateway: Serving,
    _behind: (Program, Serving),
}

impl Chain {
    fn start() -> Self {
        let behind = Program::new();
        let serving = Serving::start(&behind, &["--demo"]);
        let token = behind.token("front");
        let front = Program::with_file();
        let root = format!("http://{}", serving.address);
        let (v1, v1beta) = (format!("{root}/v1"), format!("{root}/v1beta"));
        let speaks_responses = ["providers", "add", "--name", "Speaks Responses", "--slug", "spoken"];
        front.ok(&[&speaks_responses[..], &["--protocol", "responses", "--base-url", &v1]].concat());
        for (provider, key, url) in [
            ("compatible", "direct", &v1),
            ("anthropic", "messages", &root),
            ("spoken", "responses", &v1),
            ("gemini", "gemini", &v1beta),
        ] {
            let add = [
                "connections",
                "add",
                "--provider",
                provider,
                "--name",
                key,
                "--key",
                key,
                "--base-url",
                url,
            ];
            let how = ["--model", "demo-fast", "--api-key-stdin"];
            let done = front.feed(&[&add[..], &how].concat(), &token);
            assert_eq!(done.code, 0, "{done:?}");
        }
        let gateway = Serving::start(&front, &[]);
        Self { front, gateway, _behind: (behind, serving) }
    }

    /// Runs a script as the app of that name, and compares what it was told with the ledger.
    fn check(&self, mut command: Command, app: &str) {
        let ran = command
            .env("GATEWAY", format!("http://{}", self.gateway.address))
            .env("TOKEN", self.front.token(app))
            .env("TARGETS", TARGETS)
            .env("EMBEDDERS", EMBEDDERS)
            .env_remove("http_proxy")
            .env_remove("HTTP_PROXY")
            .env_remove("ALL_PROXY")
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.success(), "{app}: {errors}");
        let told = String::from_utf8(ran.stdout).unwrap();
        let told = parse(told.lines().last().expect("what it was told"));
        let totals = self.front.json(&["usage", "--where", &format!("app={app}")])["totals"].clone();
        let rows: Vec<Value> = self.front.log().into_iter().filter(|row| row["app"] == app).collect();
        let failed: Vec<&Value> = rows.iter().filter(|row| row["outcome"] != "answered").collect();
        assert!(failed.len() <= 2, "only what it asked for: {failed:?}");
        for name in ["input_tokens", "output_tokens"] {
            assert_eq!(totals[name], told[name], "{app}, {name}: {told} {totals}");
        }
    }
}

fn scripts() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/clients"))
}

#[test]
fn c5_clients_for_python_are_told_what_the_ledger_says_on_each_protocol() {
    let Some(python) = std::env::var_os("PATCHBAY_TEST_PYTHON") else {
        println!("skipped: PATCHBAY_TEST_PYTHON names no Python with the clients (./test makes one)");
        return;
    };
    let chain = Chain::start();
    for name in ["openai_each", "anthropic_each", "google_each", "langchain_each", "litellm_each", "bots"] {
        let mut command = Command::new(&python);
        command.arg(scripts().join(format!("{name}.py")));
        chain.check(command, name);
    }
}

#[test]
fn c5_the_client_for_node_is_told_what_the_ledger_says_on_each_protocol() {
    let Some(clients) = std::env::var_os("PATCHBAY_TEST_NODE") else {
        println!("skipped: PATCHBAY_TEST_NODE names no folder with the clients for Node (./test makes one)");
        return;
    };
    let mut command = Command::new("node");
    command.arg(scripts().join("openai_each.mjs")).env("CLIENTS", clients);
    Chain::start().check(command, "openai_node");
}
