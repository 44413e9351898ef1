//! Embeddings: `:batchEmbedContents` towards Gemini, that and `:embedContent` from callers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::history::WireContent;
use super::reply::WireUsage;
use super::request::model_path;
use crate::dialect::wire::{malformed, put, read_request, refuse, unreadable};
use crate::dialect::{Encoded, Failure};
use crate::embeddings::{Embeddings, EmbeddingsForm, EmbeddingsInput, EmbeddingsRequest, VectorEncoding};

/// `taskType` and `title` tune a vector for a purpose that no other protocol knows, and are refused as unknown fields.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireOne {
    #[serde(rename = "model")]
    _model: Option<serde::de::IgnoredAny>,
    content: WireContent,
    #[serde(alias = "output_dimensionality")]
    output_dimensionality: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireBatch {
    requests: Vec<WireOne>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAnswer {
    embedding: Option<WireVector>,
    embeddings: Option<Vec<WireVector>>,
    usage_metadata: Option<WireUsage>,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct WireVector {
    values: Vec<f32>,
}

/// Writes the body of `POST /models/{model}:batchEmbedContents`.
pub fn encode_embeddings_request(request: &EmbeddingsRequest) -> Result<Encoded, Failure> {
    let path = model_path(&request.model)?;
    let EmbeddingsInput::Texts(texts) = &request.input else {
        return Err(refuse("`input` is given in tokens, and Gemini takes only text."));
    };
    let one = |text: &String| {
        let mut one = Map::new();
        one.insert("model".into(), path.as_str().into());
        one.insert("content".into(), json!({ "parts": [{ "text": text }] }));
        put(&mut one, "outputDimensionality", request.dimensions);
        Value::Object(one)
    };
    let requests: Vec<Value> = texts.iter().map(one).collect();
    let body = json!({ "requests": requests }).to_string().into_bytes();
    Ok(Encoded { route: format!("{path}:batchEmbedContents"), body, notices: Vec::new() })
}

/// Reads the body of one of the two methods; the path says which, and for which model.
pub fn decode_embeddings_request(
    body: &[u8],
    model: &str,
    form: EmbeddingsForm,
) -> Result<EmbeddingsRequest, Failure> {
    let requests = match form {
        EmbeddingsForm::One => vec![read_request::<WireOne>(body)?],
        EmbeddingsForm::Batch => read_request::<WireBatch>(body)?.requests,
    };
    let dimensions = requests.first().and_then(|first| first.output_dimensionality);
    if requests.is_empty() || requests.iter().any(|one| one.output_dimensionality != dimensions) {
        return Err(unreadable(
            "`requests` must hold at least one text, all with the same `outputDimensionality`.",
        ));
    }
    let texts = requests.into_iter().map(|one| one.content.into_text()).collect::<Result<_, _>>()?;
    Ok(EmbeddingsRequest {
        model: model.strip_prefix("models/").unwrap_or(model).to_owned(),
        input: EmbeddingsInput::Texts(texts),
        encoding: VectorEncoding::Float,
        dimensions,
    })
}

/// Reads a 200 answer of either method.
pub fn decode_embeddings(body: &[u8]) -> Result<Embeddings, Failure> {
    let none = || malformed("Gemini answered 200 with something that holds no embeddings.");
    let wire: WireAnswer = serde_json::from_slice(body).map_err(|_| none())?;
    if wire.error.is_some_and(|error| !error.is_null()) {
        return Err(super::failure(200, None, body));
    }
    let vectors = wire.embeddings.or(wire.embedding.map(|one| vec![one])).ok_or_else(none)?;
    Ok(Embeddings {
        model: None,
        vectors: vectors.into_iter().map(|vector| vector.values).collect(),
        usage: wire.usage_metadata.map(WireUsage::in_total).unwrap_or_default(),
    })
}

/// Writes a 200 answer for the method that was called. Numbers are written as `f32`: through `f64` each would show 17
/// digits.
pub fn encode_embeddings(embeddings: &Embeddings, form: EmbeddingsForm) -> Vec<u8> {
    #[derive(Serialize)]
    struct Vector<'a> {
        values: &'a [f32],
    }
    #[derive(Serialize)]
    #[serde(rename_all = "lowercase")]
    enum Vectors<'a> {
        Embedding(Vector<'a>),
        Embeddings(Vec<Vector<'a>>),
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Usage {
        prompt_token_count: u64,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer<'a> {
        #[serde(flatten)]
        vectors: Vectors<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage_metadata: Option<Usage>,
    }
    let mut vectors = embeddings.vectors.iter().map(|values| Vector { values });
    let vectors = match form {
        EmbeddingsForm::One => Vectors::Embedding(vectors.next().unwrap_or(Vector { values: &[] })),
        EmbeddingsForm::Batch => Vectors::Embeddings(vectors.collect()),
    };
    let usage_metadata = embeddings.usage.input.map(|prompt_token_count| Usage { prompt_token_count });
    let answer = Answer { vectors, usage_metadata };
    // Nothing in it can fail to be written.
    serde_json::to_vec(&answer).unwrap_or_default()
}
