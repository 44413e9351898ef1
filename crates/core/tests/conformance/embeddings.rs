//! Embeddings, asked for and answered.

use patchbay_core::dialect::{gemini, openai};
use patchbay_core::embeddings::EmbeddingsForm;
use serde_json::{Value, json};

use crate::dialects::Dialect;
use crate::exchange::Exchange;

/// The request means the same after a journey through the neutral form.
pub fn check_request(dialect: &Dialect, exchange: &Exchange, body: &Value) {
    let (name, bytes) = (&exchange.name, body.to_string().into_bytes());
    if dialect.name == "gemini" {
        let model =
            exchange.path().rsplit('/').next().and_then(|last| last.split(':').next()).expect("a model");
        let neutral = gemini::decode_embeddings_request(&bytes, model, EmbeddingsForm::Batch).expect(name);
        let encoded = gemini::encode_embeddings_request(&neutral).expect(name);
        assert_eq!(format!("v1beta/{}", encoded.route), exchange.path(), "{name}");
        let written: Value = serde_json::from_slice(&encoded.body).expect("JSON");
        return assert_eq!((dialect.meaning)(&written), (dialect.meaning)(body), "{name}");
    }
    let request = openai::decode_embeddings_request(&bytes).expect(name);
    let written: Value =
        serde_json::from_slice(&openai::encode_embeddings_request(&request).body).expect("JSON");
    let texts = if body["input"].is_array() { body["input"].clone() } else { json!([body["input"]]) };
    let encoding = body["encoding_format"].as_str().unwrap_or("float");
    let mut expected = json!({ "model": body["model"], "input": texts, "encoding_format": encoding });
    if body["dimensions"].is_number() {
        expected["dimensions"] = body["dimensions"].clone();
    }
    assert_eq!(written, expected, "{name}");
}

/// The vectors are what they were, to the last bit.
pub fn check_answer(dialect: &Dialect, exchange: &Exchange) {
    let (name, body, wire) = (&exchange.name, exchange.answer(), exchange.json());
    if dialect.name == "gemini" {
        let embeddings = gemini::decode_embeddings(&body).expect(name);
        let written = gemini::encode_embeddings(&embeddings, EmbeddingsForm::Batch);
        return assert_eq!(serde_json::from_slice::<Value>(&written).expect(name), wire, "{name}");
    }
    let request = exchange.request().expect("a request").to_string();
    let encoding = openai::decode_embeddings_request(request.as_bytes()).expect(name).encoding;
    let embeddings = openai::decode_embeddings(&body, exchange.quirks()).expect(name);
    let prompt = wire["usage"]["prompt_tokens"].as_u64();
    assert_eq!((embeddings.usage.input, embeddings.usage.output), (prompt, Some(0)), "{name}");
    let again: Value =
        serde_json::from_slice(&openai::encode_embeddings(&embeddings, "m", encoding)).expect("JSON");
    let (recorded, written) = (vectors(&wire), vectors(&again));
    assert_eq!((recorded.len(), embeddings.vectors.len()), (written.len(), written.len()), "{name}");
    assert_eq!(recorded, written, "{name}");
}

/// As 32-bit floats, which they are; base64 stays text.
fn vectors(body: &Value) -> Vec<(Vec<f32>, Option<&str>)> {
    #[expect(clippy::cast_possible_truncation, reason = "vectors are 32-bit floats")]
    let short = |number: &Value| number.as_f64().expect("a number") as f32;
    let data = body["data"].as_array().expect("vectors").iter().map(|vector| &vector["embedding"]);
    let vectors: Vec<_> = data
        .map(|vector| {
            (vector.as_array().into_iter().flatten().map(short).collect::<Vec<_>>(), vector.as_str())
        })
        .collect();
    assert!(vectors.iter().all(|(numbers, text)| numbers.len() > 1 || text.is_some()));
    vectors
}
