//! Errors: the envelope is that of chat completions, and inside a stream there are two more.

use serde_json::{Value, json};

use crate::dialect::{Failure, openai};

/// The class of an error answer, of an `error` event, or of a `response.failed`. `status` is 200 inside a stream.
pub fn failure(status: u16, retry_after_ms: Option<u64>, body: &[u8]) -> Failure {
    let event: Option<Value> = serde_json::from_slice(body).ok();
    match event.as_ref().and_then(|event| event.pointer("/response/error")).filter(|error| error.is_object())
    {
        Some(error) => {
            openai::failure(status, retry_after_ms, json!({ "error": error }).to_string().as_bytes())
        }
        None => openai::failure(status, retry_after_ms, body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    #[test]
    fn f3_errors_are_understood_wherever_they_stand() {
        for (status, body, code) in [
            (400, r#"{"error":{"code":"model_not_found","message":"x"}}"#, Code::ModelNotFound),
            (400, r#"{"error":{"code":"context_length_exceeded","message":"x"}}"#, Code::ContextTooLong),
            (400, r#"{"code":"invalid-argument","error":"Incorrect API key provided."}"#, Code::KeyRefused),
            (401, r#"{"error":{"code":"invalid_api_key","message":"x"}}"#, Code::KeyRefused),
            (
                200,
                r#"{"type":"error","error":{"code":"insufficient_quota","message":"x"}}"#,
                Code::QuotaExhausted,
            ),
            (200, r#"{"type":"error","code":"rate_limit_exceeded","message":"x"}"#, Code::RateLimited),
            (
                200,
                r#"{"type":"response.failed","response":{"error":{"code":"insufficient_quota","message":"x"}}}"#,
                Code::QuotaExhausted,
            ),
        ] {
            let failure = failure(status, None, body.as_bytes());
            assert_eq!(failure.code, code, "{body}");
            assert!(
                failure.message == "x" || failure.message.starts_with("Incorrect"),
                "{}",
                failure.message
            );
        }
    }
}
