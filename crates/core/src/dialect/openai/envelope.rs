//! Errors for a caller, in OpenAI's words.

use serde_json::json;

use crate::code::Code;

/// OpenAI's envelope with all its four keys. `status` is the HTTP status that goes with it.
pub fn encode_failure(code: Code, status: u16, message: &str) -> Vec<u8> {
    let (kind, name) = names(code, status);
    let body = json!({ "error": { "message": message, "type": kind, "param": null, "code": name } });
    body.to_string().into_bytes()
}

/// The type and code by which OpenAI's clients know an error; Patchbay's own where they know none.
pub(in crate::dialect) fn names(code: Code, status: u16) -> (&'static str, &'static str) {
    match code {
        Code::Unauthorized => ("invalid_request_error", "invalid_api_key"),
        Code::KeyRefused => ("authentication_error", "patchbay_key_refused"),
        Code::ModelNotFound => ("invalid_request_error", "model_not_found"),
        Code::ContextTooLong => ("invalid_request_error", "context_length_exceeded"),
        Code::ContentFiltered => ("invalid_request_error", "content_filter"),
        Code::RateLimited => ("rate_limit_error", "rate_limit_exceeded"),
        Code::QuotaExhausted => ("insufficient_quota", "insufficient_quota"),
        Code::Stopped => ("patchbay_error", "patchbay_stopped"),
        Code::BudgetExceeded => ("patchbay_error", "patchbay_budget_exceeded"),
        _ if (400..500).contains(&status) => ("invalid_request_error", code.as_str()),
        _ => ("api_error", code.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x2_clients_know_an_error_by_its_code() {
        for (code, status, kind, name) in [
            (Code::ModelNotFound, 404, "invalid_request_error", "model_not_found"),
            (Code::RateLimited, 429, "rate_limit_error", "rate_limit_exceeded"),
            (Code::QuotaExhausted, 402, "insufficient_quota", "insufficient_quota"),
            (Code::BudgetExceeded, 402, "patchbay_error", "patchbay_budget_exceeded"),
            (Code::BadRequest, 400, "invalid_request_error", "bad_request"),
            (Code::UpstreamFailed, 502, "api_error", "upstream_failed"),
        ] {
            let body: serde_json::Value =
                serde_json::from_slice(&encode_failure(code, status, "why")).expect("JSON");
            let expected = json!({ "message": "why", "type": kind, "param": null, "code": name });
            assert_eq!(body["error"], expected);
        }
    }

    #[test]
    fn an_error_is_read_back_as_itself() {
        for (code, status) in [
            (Code::ModelNotFound, 404),
            (Code::RateLimited, 429),
            (Code::QuotaExhausted, 402),
            (Code::ContextTooLong, 400),
            (Code::ContentFiltered, 400),
            (Code::Overloaded, 503),
        ] {
            let body = encode_failure(code, status, "why");
            assert_eq!(super::super::failure(status, None, &body).code, code);
        }
    }
}
