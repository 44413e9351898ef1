//! Vectors of the Demo: texts that share words lie near each other, which is all that a trial needs.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use patchbay_core::dialect::openai::{decode_embeddings_request, encode_embeddings};
use patchbay_core::embeddings::{Embeddings, EmbeddingsInput, EmbeddingsRequest};
use patchbay_core::usage::{TokenUsage, estimate_tokens};

use super::answer::fnv1a;
use super::wire;

/// The model that makes them.
pub(super) const MODEL: &str = "demo-embed";
/// Numbers in a vector, unless fewer are asked for.
const DIMENSIONS: usize = 64;

/// `POST /v1/embeddings`
pub(super) fn answer(body: &[u8]) -> Response {
    match decode_embeddings_request(body) {
        Ok(request) if request.model == MODEL => {
            let body = encode_embeddings(&embed(&request), MODEL, request.encoding);
            (StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body).into_response()
        }
        Ok(request) => wire::no_such_model(&request.model),
        Err(failure) => wire::bad_request(&failure.message),
    }
}

fn embed(request: &EmbeddingsRequest) -> Embeddings {
    let asked = request.dimensions.and_then(|dimensions| usize::try_from(dimensions).ok());
    let dimensions = asked.unwrap_or(DIMENSIONS).clamp(1, DIMENSIONS);
    let (vectors, tokens): (Vec<_>, Vec<_>) = match &request.input {
        EmbeddingsInput::Texts(texts) => texts
            .iter()
            .map(|text| (vector(text.split_whitespace(), dimensions), estimate_tokens(text.len())))
            .unzip(),
        EmbeddingsInput::Tokens(lists) => lists
            .iter()
            .map(|list| {
                let words: Vec<String> = list.iter().map(ToString::to_string).collect();
                (vector(words.iter().map(String::as_str), dimensions), list.len() as u64)
            })
            .unzip(),
    };
    let input = tokens.iter().sum();
    let usage = TokenUsage { input: Some(input), output: Some(0), ..TokenUsage::default() };
    Embeddings { model: Some(MODEL.to_owned()), vectors, usage }
}

/// Each word adds one to the number that it falls on; the whole is as long as one.
fn vector<'a>(words: impl Iterator<Item = &'a str>, dimensions: usize) -> Vec<f32> {
    let mut numbers = vec![0.0_f32; dimensions];
    for word in words {
        let hash = fnv1a(word.bytes().map(|byte| byte.to_ascii_lowercase()));
        let at = usize::try_from(hash % dimensions as u64).unwrap_or_default();
        numbers[at] += 1.0;
    }
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        for number in &mut numbers {
            *number /= length;
        }
    }
    numbers
}
