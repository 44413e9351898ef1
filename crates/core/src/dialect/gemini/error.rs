//! Errors: the class comes from Google's status and details, from the HTTP status where there are none, and from words
//! only where one status has several meanings.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::code::Code;
use crate::dialect::wire::{plain_message, says_too_long};
use crate::dialect::{Failure, shorten};
use crate::time::parse_go_duration;

#[derive(Deserialize)]
struct Envelope {
    error: WireError,
}

#[derive(Default, Deserialize)]
struct WireError {
    code: Option<u16>,
    message: Option<String>,
    status: Option<String>,
    #[serde(default)]
    details: Vec<Detail>,
}

/// One of Google's details, told apart by what is in it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Detail {
    reason: Option<String>,
    retry_delay: Option<String>,
    #[serde(default)]
    violations: Vec<Violation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Violation {
    quota_id: Option<String>,
    quota_value: Option<String>,
}

/// The class of an error answer. `status` is 200 for an error inside an answer or a stream.
pub fn failure(status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> Failure {
    let error = read(body);
    let code = error.class(status);
    let message = match error.message.as_deref() {
        Some(words) if !words.is_empty() => shorten(words),
        _ => plain_message(status, body),
    };
    // A used-up day comes with a delay of seconds, after which it is as used up as before.
    let retry_after_ms =
        if code == Code::QuotaExhausted { None } else { retry_after_ms.or(error.retry_delay()) };
    Failure { code, message, status: Some(status), retry_after_ms }
}

/// Without `alt=sse` an error stands in a list.
fn read(body: &[u8]) -> WireError {
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return WireError::default();
    };
    let value = value.get_mut(0).map(Value::take).unwrap_or(value);
    serde_json::from_value(value).map(|Envelope { error }| error).unwrap_or_default()
}

impl WireError {
    fn class(&self, status: u16) -> Code {
        if self.has_reason("API_KEY_INVALID") || self.has_reason("API_KEY_EXPIRED") {
            return Code::KeyRefused;
        }
        let words = self.message.as_deref().unwrap_or_default();
        match self.status.as_deref().unwrap_or_default() {
            "UNAUTHENTICATED" => Code::KeyRefused,
            "PERMISSION_DENIED" => Code::PermissionDenied,
            "NOT_FOUND" => Code::ModelNotFound,
            "RESOURCE_EXHAUSTED" => self.limit(),
            "FAILED_PRECONDITION" => unmet(words),
            "INVALID_ARGUMENT" | "OUT_OF_RANGE" => bad_request(words),
            "UNAVAILABLE" => Code::Overloaded,
            "DEADLINE_EXCEEDED" => Code::TimedOut,
            "INTERNAL" | "UNKNOWN" | "ABORTED" | "CANCELLED" | "DATA_LOSS" | "UNIMPLEMENTED" => {
                Code::UpstreamFailed
            }
            _ => self.of_status(self.code.filter(|_| status == 200).unwrap_or(status), words),
        }
    }

    fn has_reason(&self, reason: &str) -> bool {
        self.details.iter().any(|detail| detail.reason.as_deref() == Some(reason))
    }

    fn retry_delay(&self) -> Option<u64> {
        self.details.iter().filter_map(|detail| detail.retry_delay.as_deref()).find_map(parse_go_duration)
    }

    /// A minute's limit passes by itself; a day's, or one of nothing, does not within any call's patience.
    fn limit(&self) -> Code {
        let is_used_up = |violation: &Violation| {
            violation.quota_id.as_deref().is_some_and(|id| id.contains("PerDay"))
                || violation.quota_value.as_deref() == Some("0")
        };
        let mut violations = self.details.iter().flat_map(|detail| &detail.violations);
        if violations.any(is_used_up) { Code::QuotaExhausted } else { Code::RateLimited }
    }

    fn of_status(&self, status: u16, words: &str) -> Code {
        match status {
            401 => Code::KeyRefused,
            402 => Code::QuotaExhausted,
            403 => Code::PermissionDenied,
            404 => Code::ModelNotFound,
            408 | 504 | 524 => Code::TimedOut,
            413 => Code::ContextTooLong,
            429 => self.limit(),
            503 | 529 => Code::Overloaded,
            400..=499 => bad_request(words),
            _ => Code::UpstreamFailed,
        }
    }
}

/// Billing that is not set up, or a country where Gemini is not offered.
fn unmet(words: &str) -> Code {
    if words.contains("location") { Code::PermissionDenied } else { Code::QuotaExhausted }
}

/// The words for a bad key are for proxies that leave the details out.
fn bad_request(words: &str) -> Code {
    if words.contains("API key not valid") {
        Code::KeyRefused
    } else if says_too_long(words) {
        Code::ContextTooLong
    } else {
        Code::BadRequest
    }
}

/// An error as Google's clients know it, as an answer or as the data of an event.
pub fn encode_failure(code: Code, status: u16, message: &str) -> Vec<u8> {
    let (known, name) = name(code);
    let status = if status == 200 { known } else { status };
    json!({ "error": { "code": status, "message": message, "status": name } }).to_string().into_bytes()
}

/// Google's name of a condition, and the HTTP status that goes with it.
fn name(code: Code) -> (u16, &'static str) {
    match code {
        Code::Unauthorized | Code::KeyRefused => (401, "UNAUTHENTICATED"),
        Code::PermissionDenied | Code::Forbidden | Code::Stopped => (403, "PERMISSION_DENIED"),
        Code::ModelNotFound | Code::NotFound => (404, "NOT_FOUND"),
        Code::RateLimited => (429, "RESOURCE_EXHAUSTED"),
        Code::QuotaExhausted | Code::BudgetExceeded => (402, "FAILED_PRECONDITION"),
        Code::TimedOut => (504, "DEADLINE_EXCEEDED"),
        Code::BadRequest | Code::InvalidInput | Code::ContextTooLong | Code::ContentFiltered => {
            (400, "INVALID_ARGUMENT")
        }
        Code::UpstreamFailed | Code::MalformedAnswer | Code::Internal => (500, "INTERNAL"),
        _ => (503, "UNAVAILABLE"),
    }
}
