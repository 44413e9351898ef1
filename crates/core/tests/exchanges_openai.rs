//! Chat completions as OpenAI and the servers that copy it really speak it: every recorded exchange, both ways.
#![cfg(test)]

mod exchange;
mod openai_json;

use exchange::suite::{self, Dialect, Outcome, Said};
use exchange::{Exchange, Kind, all, costs, count};
use openai_json::{UNSPOKEN, meaning, said, streamed};
use patchbay_core::catalog::Quirks;
use patchbay_core::code::Code;
use patchbay_core::dialect::openai;
use patchbay_core::sse::Event;
use serde_json::{Value, json};

const DIALECT: Dialect = Dialect {
    decode_request: openai::decode_request,
    encode_request: openai::encode_request,
    decode_reply: openai::decode_neutral_reply,
    encode_reply: |reply| openai::encode_reply(reply, "m", 1),
    decode_stream,
    encode_stream: |deltas| {
        let mut encoder = openai::Encoder::new("m", "a1", 1).with(openai::UsageChunk::Sent);
        let mut bytes: Vec<u8> = deltas.iter().flat_map(|delta| encoder.delta(delta)).collect();
        bytes.extend(encoder.finish());
        bytes
    },
    failure: openai::failure,
    meaning,
    said,
    streamed,
};

/// What each error file says, read by a person. `None`: the stream was cut.
const ERRORS: [(&str, Option<Code>); 30] = [
    ("deepseek/err-400-context", Some(Code::ContextTooLong)),
    ("deepseek/err-401", Some(Code::KeyRefused)),
    ("deepseek/err-402-balance", Some(Code::QuotaExhausted)),
    ("groq/chat-stream-error", Some(Code::BadRequest)),
    ("groq/err-400-tool-use-failed", Some(Code::BadRequest)),
    ("groq/err-404-model", Some(Code::ModelNotFound)),
    ("groq/err-429-rate-limit", Some(Code::RateLimited)),
    ("mistral/err-401", Some(Code::KeyRefused)),
    ("mistral/err-422-validation", Some(Code::BadRequest)),
    ("mistral/err-429", Some(Code::RateLimited)),
    ("ollama/err-400-context", Some(Code::ContextTooLong)),
    // The model in `/api/chat` is missing; the body is {"error": "text"}.
    ("ollama/native-err-404-model", Some(Code::ModelNotFound)),
    ("openai/err-400-param", Some(Code::BadRequest)),
    ("openai/err-401-chat", Some(Code::KeyRefused)),
    ("openai/err-404-embedding-model", Some(Code::ModelNotFound)),
    ("openai/err-404-model", Some(Code::ModelNotFound)),
    ("openai/err-429-insufficient-quota", Some(Code::QuotaExhausted)),
    ("openai/err-429-rate-limit", Some(Code::RateLimited)),
    ("openai/err-502-html", Some(Code::UpstreamFailed)),
    ("openai/err-503-overloaded", Some(Code::Overloaded)),
    ("openai/stream-cut-before-done", None),
    // "Token limit reached", code 400, after a finish reason.
    ("openrouter/chat-stream-error", Some(Code::BadRequest)),
    ("openrouter/err-400-context", Some(Code::ContextTooLong)),
    ("openrouter/err-401", Some(Code::KeyRefused)),
    ("openrouter/err-402-credits", Some(Code::QuotaExhausted)),
    ("openrouter/err-403-moderation", Some(Code::ContentFiltered)),
    ("openrouter/err-429", Some(Code::RateLimited)),
    ("openrouter/err-502-provider", Some(Code::UpstreamFailed)),
    ("xai/err-429", Some(Code::RateLimited)),
    ("xai/err-400-key", Some(Code::KeyRefused)),
];

/// Requests that are refused, and the words of the refusal.
const REFUSED: [(&str, &str); 2] = [
    ("openai/err-400-param", "`messages[1].content[0].type` is missing"),
    ("openrouter/chat-plain", "`messages[0].content[1]` is of type `file`"),
];

#[test]
fn every_recorded_request_keeps_its_meaning() {
    let Some(exchanges) = all() else { return };
    let chats = exchanges.iter().filter(|exchange| exchange.kind() == Kind::Chat);
    let (mut kept, mut answers_only) = (Vec::new(), Vec::new());
    for exchange in chats {
        let refusal = REFUSED.iter().find(|(name, _)| *name == exchange.name);
        if let (Some((name, words)), Some(body)) = (refusal, exchange.request()) {
            let failure = openai::decode_request(body.to_string().as_bytes()).expect_err(name);
            assert!(failure.message.contains(words), "{name}: {}", failure.message);
        } else if suite::request(&DIALECT, exchange) {
            let dropped = openai::unspoken_fields(exchange.request().unwrap().to_string().as_bytes());
            assert!(
                dropped.iter().all(|name| UNSPOKEN.contains(&name.as_str())),
                "{}: {dropped:?}",
                exchange.name
            );
            kept.push(exchange);
        } else {
            answers_only.push(exchange);
        }
    }
    count("requests that mean the same there and back", kept);
    count("exchanges without a recorded request", answers_only);
    println!("refused by name: {REFUSED:?}");
}

#[test]
fn every_recorded_answer_is_understood() {
    let Some(exchanges) = all() else { return };
    let mut answers = Vec::new();
    for exchange in exchanges.iter().filter(|exchange| exchange.kind() == Kind::Chat) {
        if !ERRORS.iter().any(|(name, _)| *name == exchange.name) {
            let reply = suite::answer(&DIALECT, exchange);
            passed_through_alike(exchange, &Said::of(&reply));
            answers.push((exchange, reply));
        }
    }
    count("answers, whole and streamed", answers.iter().map(|(exchange, _)| *exchange));
    costs::compare(&answers, &["openrouter/chat-tools"]);
}

/// The path of bytes that pass through reads the same off them.
fn passed_through_alike(exchange: &Exchange, said: &Said) {
    let Some(data) = exchange.stream() else {
        let reply = openai::decode_reply(&exchange.answer(), exchange.quirks()).unwrap();
        assert_eq!((&reply.text, reply.usage), (&said.text, said.usage), "{}", exchange.name);
        return;
    };
    let mut decoder = openai::StreamDecoder::new(exchange.quirks());
    let mut text = String::new();
    for line in &data {
        if let openai::Seen::Token(piece) = decoder.event(Some(line)) {
            text += &piece;
        }
    }
    assert_eq!(
        (text, decoder.usage(), decoder.is_complete()),
        (said.text.clone(), said.usage, true),
        "{}",
        exchange.name
    );
    assert_eq!(decoder.finish_reason(), said.finish.as_deref(), "{}", exchange.name);
}

#[test]
fn f3_f6_every_recorded_error_has_its_class() {
    let Some(exchanges) = all() else { return };
    let is_ours =
        |exchange: &&Exchange| !matches!(exchange.kind(), Kind::Responses | Kind::AnthropicOrGemini);
    let mut errors = Vec::new();
    for exchange in
        exchanges.iter().filter(|exchange| is_ours(exchange) || exchange.name == "xai/err-400-key")
    {
        match ERRORS.iter().find(|(name, _)| *name == exchange.name) {
            Some((_, code)) => {
                suite::error(&DIALECT, exchange, *code);
                errors.push(exchange);
            }
            None => assert_eq!(exchange.status(), 200, "{}: read it, and give it a class", exchange.name),
        }
    }
    assert_eq!(count("errors", errors), ERRORS.len());
}

#[test]
fn model_lists_are_read_and_what_is_out_of_scope_is_listed() {
    let Some(exchanges) = all() else { return };
    let of = |kind: Kind| exchanges.iter().filter(move |exchange| exchange.kind() == kind);
    for exchange in of(Kind::Models) {
        let models = openai::decode_models(&exchange.answer()).unwrap();
        assert_eq!(
            models.len(),
            exchange.answer_body()["data"].as_array().unwrap().len(),
            "{}",
            exchange.name
        );
    }
    count("model lists", of(Kind::Models));
    for (kind, why) in [
        (Kind::Responses, "tests/exchanges_responses.rs"),
        (Kind::AnthropicOrGemini, "the tests of those dialects"),
        (Kind::Embeddings, "below"),
        (Kind::Legacy, "out of scope: completions of a text; nothing in the neutral form asks for them"),
        (Kind::Native, "out of scope but for the error: Patchbay speaks to Ollama through /v1"),
        (Kind::KeyInfo, "out of scope: a key test of the engine reads only its status"),
    ] {
        count(&format!("{kind:?} ({why})"), of(kind));
    }
}

#[test]
fn every_recorded_embedding_is_understood() {
    let Some(exchanges) = all() else { return };
    let embeddings: Vec<_> =
        exchanges.iter().filter(|exchange| exchange.kind() == Kind::Embeddings).collect();
    for exchange in &embeddings {
        let (name, body) = (&exchange.name, exchange.request().unwrap());
        let request = openai::decode_embeddings_request(body.to_string().as_bytes()).unwrap();
        let written: Value =
            serde_json::from_slice(&openai::encode_embeddings_request(&request).body).unwrap();
        let texts = if body["input"].is_array() { body["input"].clone() } else { json!([body["input"]]) };
        let encoding = body["encoding_format"].as_str().unwrap_or("float");
        let expected = json!({ "model": body["model"], "input": texts, "encoding_format": encoding });
        assert_eq!(written, expected, "{name}");
        if exchange.status() == 200 {
            vectors(exchange, request.encoding);
        }
    }
    count("embeddings", embeddings);
}

fn vectors(exchange: &Exchange, encoding: openai::VectorEncoding) {
    let (name, wire) = (&exchange.name, exchange.answer_body());
    let embeddings = openai::decode_embeddings(&exchange.answer(), exchange.quirks()).unwrap();
    let prompt = wire["usage"]["prompt_tokens"].as_u64();
    assert_eq!((embeddings.usage.input, embeddings.usage.output), (prompt, Some(0)), "{name}");
    let again: Value =
        serde_json::from_slice(&openai::encode_embeddings(&embeddings, "m", encoding)).unwrap();
    let (recorded, written) = (wire["data"].as_array().unwrap(), again["data"].as_array().unwrap());
    assert_eq!((recorded.len(), embeddings.vectors.len()), (written.len(), written.len()), "{name}");
    for (recorded, written) in recorded.iter().zip(written) {
        match (&recorded["embedding"], &written["embedding"]) {
            (Value::Array(recorded), Value::Array(written)) => {
                #[expect(clippy::cast_possible_truncation, reason = "vectors are 32-bit floats")]
                let short = |number: &Value| number.as_f64().unwrap() as f32;
                let (recorded, written): (Vec<_>, Vec<_>) =
                    (recorded.iter().map(short).collect(), written.iter().map(short).collect());
                assert!(recorded == written && recorded.len() > 100, "{name}");
            }
            (recorded, written) => assert!(recorded == written && recorded.is_string(), "{name}"),
        }
    }
}

fn decode_stream(events: &[Event], quirks: Quirks) -> Outcome {
    let mut decoder = openai::Decoder::new(quirks);
    let mut deltas = Vec::new();
    for event in events {
        match decoder.event(event) {
            Ok(more) => deltas.extend(more),
            Err(failure) => return Outcome { deltas, failure: Some(failure), is_complete: false },
        }
    }
    Outcome { deltas, failure: None, is_complete: decoder.is_complete() }
}
