//! What an exchange means, read off it without Patchbay's decoders: from its `expect`, else from its own name and body.

use serde_json::{Value, json};

use super::recorded::Exchange;
use super::{Told, check_tokens};
use crate::world::events;

/// What the call must come to.
#[derive(Debug, Default)]
pub struct Expected {
    /// The class of the error; `None` for an answer.
    pub code: Option<&'static str>,
    /// Something of the answer went out before the error.
    pub began: bool,
    pub text: String,
    pub finish_reason: Option<String>,
    pub input: Option<u64>,
    pub output: Option<u64>,
    pub cached: Option<u64>,
    pub reasoning: Option<u64>,
    pub reported_nano_usd: Option<i64>,
}

/// The word in a file's name, or the status, and the class of error that it stands for; the first that fits counts.
const CLASSES: [(&str, &str); 24] = [
    ("context", "context_too_long"),
    ("insufficient-quota", "quota_exhausted"),
    ("balance", "quota_exhausted"),
    ("credits", "quota_exhausted"),
    ("moderation", "content_filtered"),
    ("-key", "key_refused"),
    ("html", "upstream_failed"),
    ("overloaded", "overloaded"),
    ("-model", "model_not_found"),
    ("401", "key_refused"),
    ("402", "quota_exhausted"),
    ("403", "permission_denied"),
    ("404", "model_not_found"),
    ("408", "timed_out"),
    ("413", "context_too_long"),
    ("429", "rate_limited"),
    ("498", "rate_limited"),
    ("503", "overloaded"),
    ("529", "overloaded"),
    ("504", "timed_out"),
    ("524", "timed_out"),
    ("-5", "upstream_failed"),
    ("-4", "bad_request"),
    ("cut", "stream_cut"),
];

fn class(name: &str) -> &'static str {
    let file = name.rsplit('/').next().unwrap_or(name);
    let found = CLASSES.iter().find(|(word, _)| file.contains(word));
    found.unwrap_or_else(|| panic!("{name}: what does this error mean?")).1
}

/// Gemini and xAI answer 400 to a bad key; the name of the file may not tell.
fn class_of(exchange: &Exchange) -> &'static str {
    let answer = exchange.answer();
    let bad_key = ["API_KEY_INVALID", "Incorrect API key"];
    if bad_key.iter().any(|words| answer.contains(words)) {
        return "key_refused";
    }
    class(&exchange.name)
}

impl Expected {
    pub fn of(exchange: &Exchange) -> Self {
        let mut expected = if exchange.file["expect"].is_object() {
            Self::default()
        } else if exchange.status() >= 400 {
            Self { code: Some(class_of(exchange)), ..Self::default() }
        } else if let Some(events) = exchange.events() {
            Self::of_stream(exchange, &events)
        } else {
            Self::of_body(exchange)
        };
        expected.override_by(exchange);
        expected
    }

    fn of_body(exchange: &Exchange) -> Self {
        let body = &exchange.file["response"]["body"];
        if body["error"].is_object() {
            return Self { code: Some(class(&exchange.name)), ..Self::default() };
        }
        let choice = &body["choices"][0];
        let mut expected = Self {
            text: text(&choice["message"]["content"]),
            finish_reason: choice["finish_reason"].as_str().map(str::to_owned),
            ..Self::default()
        };
        expected.usage(&exchange.provider, &body["usage"]);
        expected
    }

    fn of_stream(exchange: &Exchange, events: &[String]) -> Self {
        let mut expected = Self::default();
        let mut complete = false;
        for data in events {
            if data == "[DONE]" {
                complete = true;
                break;
            }
            let chunk: Value = serde_json::from_str(data).unwrap();
            let error = &chunk["error"];
            if error.is_object() {
                let status = error["code"].as_u64().or(error["status_code"].as_u64());
                let status = status.unwrap_or_else(|| panic!("{}: {data}", exchange.name));
                expected.code = Some(class(&format!("err-{status}")));
                return expected;
            }
            for choice in chunk["choices"].as_array().into_iter().flatten() {
                let delta = &choice["delta"];
                expected.text += &text(&delta["content"]);
                expected.text += delta["refusal"].as_str().unwrap_or_default();
                let silent = ["tool_calls", "reasoning", "reasoning_content"]
                    .iter()
                    .any(|name| !delta[name].is_null());
                expected.began |= silent || !expected.text.is_empty();
                if let Some(reason) = choice["finish_reason"].as_str().filter(|reason| !reason.is_empty()) {
                    expected.finish_reason = Some(reason.to_owned());
                    complete = true;
                }
            }
            for usage in [&chunk["x_groq"]["usage"], &chunk["usage"]] {
                expected.usage(&exchange.provider, usage);
            }
        }
        if !complete {
            expected.code = Some("stream_cut");
        }
        expected
    }

    fn usage(&mut self, provider: &str, usage: &Value) {
        if !usage.is_object() {
            return;
        }
        self.input = usage["prompt_tokens"].as_u64();
        self.reasoning = usage["completion_tokens_details"]["reasoning_tokens"].as_u64();
        let cached = usage["prompt_tokens_details"]["cached_tokens"].as_u64();
        // DeepSeek, Mistral and Together have places of their own for it.
        let elsewhere = ["prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens"];
        let elsewhere = elsewhere.iter().find_map(|place| usage[*place].as_u64());
        self.cached = cached.or(elsewhere);
        self.output = usage["completion_tokens"].as_u64();
        if ["xai", "compatible"].contains(&provider) {
            // Their total is the only figure with the reasoning in it.
            self.output = Some(usage["total_tokens"].as_u64().unwrap() - self.input.unwrap());
            self.reported_nano_usd =
                usage["cost_in_usd_ticks"].as_i64().map(|ticks| ticks / 10).or(self.reported_nano_usd);
        }
    }

    /// What an exchange of our own says of itself.
    fn override_by(&mut self, exchange: &Exchange) {
        let expect = &exchange.file["expect"];
        if let Some(fields) = expect.as_object() {
            assert!(!fields.is_empty(), "{}", exchange.name);
            self.code = expect["code"].as_str().map(|name| {
                let known = patchbay_core::code::Code::parse(name).unwrap_or_else(|| panic!("{name}"));
                known.as_str()
            });
            self.began = expect["began"] == true;
            self.text = expect["text"].as_str().unwrap_or_default().to_owned();
            self.finish_reason = expect["finish_reason"].as_str().map(str::to_owned);
            (self.input, self.output) = (expect["input"].as_u64(), expect["output"].as_u64());
            (self.cached, self.reasoning) = (expect["cached"].as_u64(), expect["reasoning"].as_u64());
            self.reported_nano_usd = expect["reported_nano_usd"].as_i64();
        }
    }

    /// Checks what the caller was told and what the ledger keeps.
    pub fn check(&self, exchange: &Exchange, told: &Told, row: &patchbay_engine::desk::log::Line) {
        let name = &exchange.name;
        assert_eq!(row.error_class.as_deref(), self.code, "{name}: {:?}", row.message);
        let Some(code) = self.code else {
            assert_eq!((told.error.as_deref(), told.status.unwrap_or(200)), (None, 200), "{name}");
            if let Some(text) = &told.text {
                assert_eq!(text, &self.text, "{name}");
            }
            assert_eq!(told.done, exchange.is_stream(), "{name}");
            assert_eq!(row.outcome, "answered", "{name}");
            assert_eq!(row.finish_reason, self.finish_reason, "{name}");
            return check_tokens(name, row, self);
        };
        assert!(told.error.is_some() && !told.done, "{name}: {told:?}");
        let outcome = match (self.began, code) {
            (true, _) => "cut",
            (false, "rate_limited") => "limited",
            (false, _) => "failed",
        };
        assert_eq!(row.outcome, outcome, "{name}");
        if let Some(status) = told.status.filter(|_| !self.began) {
            let class = if exchange.status() == 200 { status / 100 } else { exchange.status() / 100 };
            assert_eq!(status / 100, class, "{name}: {status}");
            assert!(status >= 400, "{name}");
        }
        assert!(!row.message.as_deref().unwrap_or_default().is_empty(), "{name}");
    }
}

/// The bytes that the bot got are the provider's but for the model, the usage that it did not ask for, and the end.
pub fn check_bytes(exchange: &Exchange, found: &str) {
    let model = format!("it/{}", exchange.model());
    let as_asked = |mut value: Value| {
        if !value["model"].is_null() {
            value["model"] = json!(model);
        }
        value
    };
    let Some(recorded) = exchange.events() else {
        let wanted = as_asked(exchange.file["response"]["body"].clone());
        let found: Value = serde_json::from_str(found).unwrap();
        assert_eq!(found, wanted, "{}", exchange.name);
        return;
    };
    let parsed = recorded.iter().filter_map(|data| serde_json::from_str::<Value>(data).ok());
    let shown = parsed.filter(|chunk| {
        let bare = chunk["choices"].as_array().is_none_or(Vec::is_empty) && chunk["usage"].is_object();
        exchange.wants_usage() || !bare
    });
    let wanted: Vec<Value> = shown.map(as_asked).collect();
    let found: Vec<Value> = events(found).iter().filter_map(|data| serde_json::from_str(data).ok()).collect();
    assert_eq!(found, wanted, "{}", exchange.name);
}

/// Text, or the text among a list of parts.
fn text(content: &Value) -> String {
    match content {
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}
