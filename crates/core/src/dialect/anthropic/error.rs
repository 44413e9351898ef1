//! Errors: the class comes from Anthropic's type, from the status where there is none, and from words only where one
//! type has several meanings.

use serde::Deserialize;
use serde_json::json;

use crate::code::Code;
use crate::dialect::wire::{plain_message, says_too_long};
use crate::dialect::{Failure, shorten};

#[derive(Deserialize)]
struct Envelope {
    error: WireError,
}

#[derive(Default, Deserialize)]
struct WireError {
    #[serde(rename = "type")]
    kind: Option<String>,
    message: Option<String>,
}

/// The class of an error answer. `status` is 200 for an error inside an answer or a stream.
pub fn failure(status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> Failure {
    let error = serde_json::from_slice(body).map(|Envelope { error }| error).unwrap_or_default();
    let words = error.message.unwrap_or_default();
    let code =
        error.kind.and_then(|kind| of_type(&kind, &words)).unwrap_or_else(|| of_status(status, &words));
    let message = if words.is_empty() { plain_message(status, body) } else { shorten(&words) };
    Failure { code, message, status: Some(status), retry_after_ms }
}

fn of_type(kind: &str, words: &str) -> Option<Code> {
    Some(match kind {
        "authentication_error" => Code::KeyRefused,
        "billing_error" => Code::QuotaExhausted,
        "permission_error" => Code::PermissionDenied,
        "not_found_error" => Code::ModelNotFound,
        "request_too_large" => Code::ContextTooLong,
        "rate_limit_error" => Code::RateLimited,
        "api_error" => Code::UpstreamFailed,
        "timeout_error" => Code::TimedOut,
        "overloaded_error" => Code::Overloaded,
        "invalid_request_error" => bad_request(words),
        _ => return None,
    })
}

/// On some accounts an empty balance, a spent limit, a long prompt and a policy all hide in the same type.
fn bad_request(words: &str) -> Code {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if says(&["credit balance is too low", "API usage limits"]) {
        Code::QuotaExhausted
    } else if says_too_long(words) {
        Code::ContextTooLong
    } else if says(&["content filtering policy"]) {
        Code::ContentFiltered
    } else {
        Code::BadRequest
    }
}

fn of_status(status: u16, words: &str) -> Code {
    match status {
        401 => Code::KeyRefused,
        402 => Code::QuotaExhausted,
        403 => Code::PermissionDenied,
        404 => Code::ModelNotFound,
        408 | 504 | 524 => Code::TimedOut,
        413 => Code::ContextTooLong,
        429 => Code::RateLimited,
        503 | 529 => Code::Overloaded,
        400..=499 => bad_request(words),
        _ => Code::UpstreamFailed,
    }
}

/// An error as Anthropic's clients know it, as an answer or as the data of an `error` event.
pub fn encode_failure(code: Code, status: u16, message: &str) -> Vec<u8> {
    let kind = type_of(code).unwrap_or(type_of_status(status));
    json!({ "type": "error", "error": { "type": kind, "message": message } }).to_string().into_bytes()
}

fn type_of(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::Unauthorized | Code::KeyRefused => "authentication_error",
        Code::QuotaExhausted | Code::BudgetExceeded => "billing_error",
        Code::PermissionDenied | Code::Forbidden | Code::Stopped => "permission_error",
        Code::ModelNotFound | Code::NotFound => "not_found_error",
        Code::RateLimited => "rate_limit_error",
        Code::Overloaded => "overloaded_error",
        Code::TimedOut => "timeout_error",
        Code::BadRequest | Code::InvalidInput | Code::ContextTooLong | Code::ContentFiltered => {
            "invalid_request_error"
        }
        _ => return None,
    })
}

fn type_of_status(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
