//! Errors: a class from status and code first, from words only where a provider gives no code.

use serde_json::Value;

use crate::code::Code;
use crate::dialect::{Failure, shorten};

/// The class of an error answer. `status` is 200 for an error inside an answer or a stream.
pub fn failure(status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> Failure {
    let error = Details::read(body);
    let code = classify(error.status.unwrap_or(status), &error);
    let message =
        if error.message.is_empty() { plain_message(status, body) } else { shorten(&error.message) };
    let retry_after_ms = retry_after_ms.or(error.retry_after_ms);
    Failure { code, message, status: Some(status), retry_after_ms }
}

/// The parts of an error body that decide, wherever the provider puts them.
#[derive(Debug, Default)]
struct Details {
    message: String,
    /// `code`, `type`, `status` and Gemini's `reason`, all lower case.
    names: Vec<String>,
    /// A status inside the body: OpenRouter and Groq send one under HTTP 200.
    status: Option<u16>,
    retry_after_ms: Option<u64>,
}

impl Details {
    fn read(body: &[u8]) -> Self {
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return Self::default();
        };
        let outer = value.get(0).unwrap_or(&value);
        let inner = match outer.get("error") {
            Some(error @ Value::Object(_)) => error,
            _ => outer,
        };
        let mut details = Self { message: message(outer, inner), ..Self::default() };
        for field in ["code", "type", "status", "status_code"] {
            details.name_or_status(inner.get(field));
        }
        for detail in inner.get("details").and_then(Value::as_array).into_iter().flatten() {
            details.name_or_status(detail.get("reason"));
            details.retry_after_ms = details.retry_after_ms.or_else(|| retry_delay(detail));
        }
        details
    }

    fn name_or_status(&mut self, value: Option<&Value>) {
        match value {
            Some(Value::String(name)) => self.names.push(name.to_ascii_lowercase()),
            Some(Value::Number(number)) => {
                let status =
                    number.as_u64().and_then(|n| u16::try_from(n).ok()).filter(|n| (400..600).contains(n));
                self.status = self.status.or(status);
            }
            _ => {}
        }
    }

    fn is(&self, names: &[&str]) -> bool {
        self.names.iter().any(|name| names.contains(&name.as_str()))
    }

    fn says(&self, words: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        words.iter().any(|word| message.contains(word))
    }
}

fn message(outer: &Value, inner: &Value) -> String {
    let texts = [inner.get("message"), outer.get("error"), outer.get("message"), outer.get("detail")];
    texts.into_iter().flatten().find_map(prose).unwrap_or_default()
}

/// The words of an error; Mistral's are a list of what is wrong with which field.
fn prose(error: &Value) -> Option<String> {
    match error {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => Some(list.iter().filter_map(prose).collect::<Vec<_>>().join("; ")),
        Value::Object(fields) => match (fields.get("msg").and_then(Value::as_str), &error["loc"]) {
            (Some(text), Value::Array(path)) => Some(format!("{}: {text}", place(path))),
            (Some(text), _) => Some(text.to_owned()),
            (None, _) => fields.get("message").or(fields.get("detail")).and_then(prose),
        },
        other => Some(other.to_string()),
    }
}

fn place(path: &[Value]) -> String {
    let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
    path.iter().map(step).collect::<Vec<_>>().join(".")
}

/// Gemini's RetryInfo: `{"retryDelay": "34.4s"}`.
fn retry_delay(detail: &Value) -> Option<u64> {
    crate::time::parse_go_duration(detail.get("retryDelay")?.as_str()?)
}

fn classify(status: u16, error: &Details) -> Code {
    match status {
        401 => Code::KeyRefused,
        402 => Code::QuotaExhausted,
        403 if error.is(&["content_policy_violation", "content_filter"]) || error.says(&["moderation"]) => {
            Code::ContentFiltered
        }
        403 => Code::PermissionDenied,
        404 => Code::ModelNotFound,
        408 | 504 | 524 => Code::TimedOut,
        413 => Code::ContextTooLong,
        429 | 498 if error.is(&["insufficient_quota", "billing_hard_limit_reached"]) => Code::QuotaExhausted,
        429 | 498 => Code::RateLimited,
        503 | 529 => Code::Overloaded,
        400 | 405..=499 => bad_request(error),
        200 => named(error),
        _ => Code::UpstreamFailed,
    }
}

/// A 400 has many meanings; Gemini and xAI hide a bad key in it.
fn bad_request(error: &Details) -> Code {
    if error.is(&["api_key_invalid", "invalid_api_key"])
        || error.says(&["incorrect api key", "api key not valid"])
    {
        Code::KeyRefused
    } else if error.is(&["model_not_found", "invalid_model"]) {
        Code::ModelNotFound
    } else if error.is(&["context_length_exceeded"]) || error.says(&LONG_PROMPT) {
        Code::ContextTooLong
    } else if error.is(&["content_filter", "content_policy_violation"]) {
        Code::ContentFiltered
    } else if error.is(&["insufficient_quota", "failed_precondition"]) {
        Code::QuotaExhausted
    } else {
        Code::BadRequest
    }
}

/// An error under HTTP 200 that names itself only by its code or type.
fn named(error: &Details) -> Code {
    match bad_request(error) {
        Code::BadRequest if error.is(&["rate_limit_exceeded", "rate_limit_error"]) => Code::RateLimited,
        Code::BadRequest if error.is(&["overloaded_error", "overloaded"]) => Code::Overloaded,
        Code::BadRequest if error.is(&["invalid_request_error"]) => Code::BadRequest,
        Code::BadRequest => Code::UpstreamFailed,
        other => other,
    }
}

/// How providers without a code say that the prompt is too long.
const LONG_PROMPT: [&str; 5] =
    ["context length", "maximum context", "too long", "too many tokens", "exceeds the maximum"];

fn plain_message(status: u16, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4_096)]);
    if text.trim_start().starts_with('<') {
        format!("The provider answered {status} with a web page instead of JSON.")
    } else if text.trim().is_empty() {
        format!("The provider answered {status} without a word.")
    } else {
        shorten(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, code: Code) {
        assert_eq!(failure(status, None, body.as_bytes()).code, code, "{status} {body}");
    }

    #[test]
    fn f3_the_class_comes_from_status_and_code() {
        check(
            401,
            r#"{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}"#,
            Code::KeyRefused,
        );
        check(
            400,
            r#"{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xa***"}"#,
            Code::KeyRefused,
        );
        check(
            400,
            r#"[{"error":{"code":400,"status":"INVALID_ARGUMENT","message":"x","details":[{"reason":"API_KEY_INVALID"}]}}]"#,
            Code::KeyRefused,
        );
        check(402, r#"{"error":{"message":"Insufficient Balance"}}"#, Code::QuotaExhausted);
        check(
            429,
            r#"{"error":{"code":"insufficient_quota","type":"insufficient_quota"}}"#,
            Code::QuotaExhausted,
        );
        check(429, r#"{"error":{"code":"rate_limit_exceeded"}}"#, Code::RateLimited);
        check(404, r#"{"error":{"code":"model_not_found"}}"#, Code::ModelNotFound);
        check(400, r#"{"error":{"code":"context_length_exceeded"}}"#, Code::ContextTooLong);
        check(
            400,
            r#"{"error":{"message":"This model's maximum context length is 8192 tokens"}}"#,
            Code::ContextTooLong,
        );
        check(
            400,
            r#"{"error":{"param":"temperature","code":null,"message":"Unsupported value"}}"#,
            Code::BadRequest,
        );
        check(422, r#"{"detail":[{"msg":"Extra inputs are not permitted"}]}"#, Code::BadRequest);
        check(503, "", Code::Overloaded);
        check(502, "<html><body>Bad gateway</body></html>", Code::UpstreamFailed);
        check(200, r#"{"error":{"message":"Provider returned error","code":429}}"#, Code::RateLimited);
    }

    #[test]
    fn r5_a_retry_delay_in_the_body_is_read() {
        let body = br#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"x","details":[{"retryDelay":"34.4s"}]}}"#;
        assert_eq!(failure(429, None, body).retry_after_ms, Some(34_400));
        assert_eq!(failure(429, Some(5), body).retry_after_ms, Some(5), "the header comes first");
    }

    #[test]
    fn a_list_of_what_is_wrong_is_told_in_words() {
        let detail = r#"[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]"#;
        for body in [
            format!(r#"{{"detail":{detail}}}"#),
            format!(r#"{{"object":"error","message":{{"detail":{detail}}}}}"#),
        ] {
            let failure = failure(422, None, body.as_bytes());
            assert_eq!(failure.message, "body.stream_options: Extra inputs are not permitted");
        }
    }

    #[test]
    fn a_web_page_is_not_shown_as_text() {
        assert_eq!(
            failure(502, None, b"<html>").message,
            "The provider answered 502 with a web page instead of JSON."
        );
        assert_eq!(failure(500, None, b"").message, "The provider answered 500 without a word.");
    }
}
