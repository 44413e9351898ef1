//! What each error says, read by a person.

use patchbay_core::code::Code;
use patchbay_core::dialect::{retry_after_ms, shorten};
use serde_json::Value;

use crate::dialects::{Dialect, OPENAI, RESPONSES};
use crate::exchange::{Exchange, events};

/// The class, and for how many milliseconds the provider wants to be left alone.
type Row = (&'static str, Code, Option<u64>);

const ERRORS: [Row; 50] = [
    ("anthropic/err-400", Code::BadRequest, None),
    ("anthropic/err-401", Code::KeyRefused, None),
    ("anthropic/err-402-billing", Code::QuotaExhausted, None),
    ("anthropic/err-404-model", Code::ModelNotFound, None),
    ("anthropic/err-429-rate-limit", Code::RateLimited, Some(21_000)),
    ("anthropic/err-529-overloaded", Code::Overloaded, None),
    ("anthropic/stream-error-overloaded", Code::Overloaded, None),
    ("deepseek/err-400-context", Code::ContextTooLong, None),
    ("deepseek/err-401", Code::KeyRefused, None),
    ("deepseek/err-402-balance", Code::QuotaExhausted, None),
    ("gemini/err-400-key", Code::KeyRefused, None),
    ("gemini/err-400-stream", Code::KeyRefused, None),
    ("gemini/err-404-count", Code::ModelNotFound, None),
    ("gemini/err-429-daily-quota", Code::QuotaExhausted, None),
    ("gemini/err-429-quota", Code::RateLimited, None),
    ("gemini/err-429-retry-info", Code::RateLimited, Some(34_400)),
    ("gemini/err-503-overloaded", Code::Overloaded, None),
    // A 200 that is a refusal.
    ("gemini/generate-prompt-blocked", Code::ContentFiltered, None),
    ("groq/chat-stream-error", Code::BadRequest, None),
    ("groq/err-400-tool-use-failed", Code::BadRequest, None),
    ("groq/err-404-model", Code::ModelNotFound, None),
    ("groq/err-429-rate-limit", Code::RateLimited, Some(7_000)),
    ("mistral/err-401", Code::KeyRefused, None),
    ("mistral/err-422-validation", Code::BadRequest, None),
    ("mistral/err-429", Code::RateLimited, None),
    ("ollama/err-400-context", Code::ContextTooLong, None),
    // The model in `/api/chat` is missing; the body is {"error": "text"}.
    ("ollama/native-err-404-model", Code::ModelNotFound, None),
    ("openai/err-400-context", Code::ContextTooLong, None),
    // Chat completions answers 404 to the same.
    ("openai/err-400-model-responses", Code::ModelNotFound, None),
    ("openai/err-400-param", Code::BadRequest, None),
    ("openai/err-400-temperature-unsupported", Code::BadRequest, None),
    ("openai/err-401-chat", Code::KeyRefused, None),
    ("openai/err-401-responses", Code::KeyRefused, None),
    ("openai/err-404-embedding-model", Code::ModelNotFound, None),
    ("openai/err-404-model", Code::ModelNotFound, None),
    ("openai/err-429-insufficient-quota", Code::QuotaExhausted, None),
    ("openai/err-429-rate-limit", Code::RateLimited, Some(5_800)),
    ("openai/err-502-html", Code::UpstreamFailed, None),
    ("openai/err-503-overloaded", Code::Overloaded, Some(2_000)),
    ("openai/responses-stream-quota-error", Code::QuotaExhausted, None),
    ("openai/stream-cut-before-done", Code::StreamCut, None),
    // "Token limit reached", code 400, after a finish reason.
    ("openrouter/chat-stream-error", Code::BadRequest, None),
    ("openrouter/err-400-context", Code::ContextTooLong, None),
    ("openrouter/err-401", Code::KeyRefused, None),
    ("openrouter/err-402-credits", Code::QuotaExhausted, None),
    ("openrouter/err-403-moderation", Code::ContentFiltered, None),
    ("openrouter/err-429", Code::RateLimited, None),
    ("openrouter/err-502-provider", Code::UpstreamFailed, None),
    ("xai/err-400-key", Code::KeyRefused, None),
    ("xai/err-429", Code::RateLimited, None),
];

/// The class of an error, and the pause that it asks for. What was written by hand says it itself.
pub fn expected(exchange: &Exchange) -> Option<(Code, Option<u64>)> {
    if let Some(expect) = exchange.expect() {
        let code = Code::parse(expect["code"].as_str()?).expect("a code");
        return Some((code, expect["retry_after_ms"].as_u64()));
    }
    ERRORS.iter().find(|(name, ..)| *name == exchange.name).map(|(_, code, wait)| (*code, *wait))
}

pub fn check(dialect: &Dialect, exchange: &Exchange) {
    let name = &exchange.name;
    let (code, wait) = expected(exchange).unwrap_or_else(|| panic!("{name}: read it, and give it a class"));
    if exchange.status() >= 400 {
        check_answer(dialect, exchange, (code, wait));
        if dialect.name == "openai" {
            // Servers answer the same on both paths.
            check_answer(&RESPONSES, exchange, (code, wait));
        }
    } else if exchange.stream().is_some() {
        check_stream(dialect, exchange, code);
    } else {
        let failure = (dialect.decode_reply)(&exchange.answer(), exchange.quirks()).expect_err(name);
        assert_eq!((failure.code, failure.status), (code, Some(200)), "{name}");
        check_words(exchange, &failure.message);
    }
}

fn check_answer(dialect: &Dialect, exchange: &Exchange, expected: (Code, Option<u64>)) {
    let wait = retry_after_ms(|header| exchange.header(header));
    let failure = dialect.failure(exchange.status(), wait, &exchange.answer());
    assert_eq!((failure.code, failure.retry_after_ms), expected, "{}", exchange.name);
    assert_eq!(failure.status, Some(exchange.status()), "{}", exchange.name);
    check_words(exchange, &failure.message);
}

/// The provider's own, where they are where most put them; never bare JSON or HTML.
fn check_words(exchange: &Exchange, message: &str) {
    let name = &exchange.name;
    if let Value::String(words) = &exchange.json()["error"]["message"] {
        assert_eq!(message, shorten(words), "{name}");
    }
    assert!(!message.is_empty() && !message.starts_with(['{', '<']), "{name}: {message}");
}

/// What was told before the failure is what came before it; a cut stream is one that did not come to its end.
fn check_stream(dialect: &Dialect, exchange: &Exchange, code: Code) {
    let (name, data) = (&exchange.name, exchange.stream().expect("a stream"));
    let (said, _) = (dialect.streamed)(exchange, &data);
    for length in [1, 7, usize::MAX] {
        let outcome = dialect.decode_stream(&events(&exchange.answer(), length), exchange.quirks());
        let failed = outcome.failure.as_ref().map_or(Code::StreamCut, |failure| failure.code);
        assert_eq!((failed, outcome.is_complete), (code, false), "{name}");
        assert_eq!(outcome.reply().turn.text, said.turn.text, "{name}");
    }
    if dialect.name == OPENAI.name {
        crate::pass_through::check_failed(exchange, code, &data);
    }
}
