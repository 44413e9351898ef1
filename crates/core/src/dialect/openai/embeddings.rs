//! Embeddings, both ways. OpenAI's own clients ask for base64: little-endian 32-bit floats, a quarter of the size.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::base64;
use super::read::{self, Field};
use super::usage::WireUsage;
use crate::catalog::Quirks;
use crate::code::Code;
use crate::dialect::{Encoded, Failure};
use crate::embeddings::{Embeddings, EmbeddingsInput, EmbeddingsRequest, VectorEncoding};
use crate::usage::TokenUsage;

/// Reads the body of `POST /v1/embeddings`.
pub fn decode_embeddings_request(body: &[u8]) -> Result<EmbeddingsRequest, Failure> {
    let body = read::body(body)?;
    let root = Field::root(&body);
    let encoding = root.get("encoding_format");
    Ok(EmbeddingsRequest {
        model: root.get("model").required_text()?.to_owned(),
        input: input(&root.get("input"))?,
        encoding: match encoding.text()? {
            None | Some("float") => VectorEncoding::Float,
            Some("base64") => VectorEncoding::Base64,
            Some(_) => return Err(encoding.must("be `float` or `base64`")),
        },
        dimensions: root.get("dimensions").limit()?,
    })
}

fn input(input: &Field<'_>) -> Result<EmbeddingsInput, Failure> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Wire {
        Text(String),
        Texts(Vec<String>),
        Tokens(Vec<u32>),
        ListsOfTokens(Vec<Vec<u32>>),
    }
    if input.is_absent() {
        return Err(input.is_missing());
    }
    let must = || input.must("be a string, a list of strings, or lists of tokens, and not empty");
    let input = match serde_json::from_value(input.value().clone()).map_err(|_| must())? {
        Wire::Text(text) => EmbeddingsInput::Texts(vec![text]),
        Wire::Texts(texts) if !texts.is_empty() => EmbeddingsInput::Texts(texts),
        Wire::Tokens(tokens) if !tokens.is_empty() => EmbeddingsInput::Tokens(vec![tokens]),
        Wire::ListsOfTokens(lists) if !lists.is_empty() => EmbeddingsInput::Tokens(lists),
        _ => return Err(must()),
    };
    Ok(input)
}

/// Writes the body of `POST /embeddings`.
pub fn encode_embeddings_request(request: &EmbeddingsRequest) -> Encoded {
    let input = match &request.input {
        EmbeddingsInput::Texts(texts) => json!(texts),
        EmbeddingsInput::Tokens(lists) => json!(lists),
    };
    let encoding = match request.encoding {
        VectorEncoding::Float => "float",
        VectorEncoding::Base64 => "base64",
    };
    let mut body = json!({ "model": request.model, "input": input, "encoding_format": encoding });
    if let Some(dimensions) = request.dimensions {
        body["dimensions"] = dimensions.into();
    }
    Encoded { route: "embeddings".to_owned(), body: body.to_string().into_bytes(), notices: Vec::new() }
}

/// Reads a 200 answer; the vectors may be written in either way, and may be out of order.
pub fn decode_embeddings(body: &[u8], quirks: Quirks) -> Result<Embeddings, Failure> {
    #[derive(Deserialize)]
    struct Wire {
        model: Option<String>,
        data: Option<Vec<WireVector>>,
        usage: Option<WireUsage>,
        error: Option<Value>,
    }
    #[derive(Deserialize)]
    struct WireVector {
        index: Option<usize>,
        embedding: WireNumbers,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum WireNumbers {
        Base64(String),
        Floats(Vec<f32>),
    }
    let malformed = || Failure {
        status: Some(200),
        ..Failure::new(
            Code::MalformedAnswer,
            "The provider answered 200 with something that holds no embeddings.",
        )
    };
    let wire: Wire = serde_json::from_slice(body).map_err(|_| malformed())?;
    if wire.error.is_some() {
        return Err(super::failure(200, None, body));
    }
    let mut vectors = Vec::new();
    for (at, vector) in wire.data.ok_or_else(malformed)?.into_iter().enumerate() {
        let numbers = match vector.embedding {
            WireNumbers::Floats(numbers) => numbers,
            WireNumbers::Base64(text) => floats(&text).ok_or_else(malformed)?,
        };
        vectors.push((vector.index.unwrap_or(at), numbers));
    }
    vectors.sort_by_key(|(index, _)| *index);
    let usage = wire.usage.map(|usage| usage.into_usage(quirks)).unwrap_or_default();
    Ok(Embeddings {
        model: wire.model,
        vectors: vectors.into_iter().map(|(_, numbers)| numbers).collect(),
        usage: TokenUsage { output: usage.output.or(Some(0)).filter(|_| usage.input.is_some()), ..usage },
    })
}

/// An answer for a caller who asked for `model`, with its vectors written as it wished.
pub fn encode_embeddings(embeddings: &Embeddings, model: &str, encoding: VectorEncoding) -> Vec<u8> {
    #[derive(Serialize)]
    struct Wire<'a> {
        object: &'static str,
        data: Vec<WireVector<'a>>,
        model: &'a str,
        usage: WireTotals,
    }
    #[derive(Serialize)]
    struct WireVector<'a> {
        object: &'static str,
        index: usize,
        embedding: WireNumbers<'a>,
    }
    // Numbers are written as f32: through f64 each would show 17 digits.
    #[derive(Serialize)]
    #[serde(untagged)]
    enum WireNumbers<'a> {
        Base64(String),
        Floats(&'a [f32]),
    }
    #[derive(Serialize)]
    struct WireTotals {
        prompt_tokens: u64,
        total_tokens: u64,
    }
    let vector = |(index, numbers)| WireVector {
        object: "embedding",
        index,
        embedding: match encoding {
            VectorEncoding::Float => WireNumbers::Floats(numbers),
            VectorEncoding::Base64 => WireNumbers::Base64(base64::encode(&little_endian(numbers))),
        },
    };
    let input = embeddings.usage.input.unwrap_or(0);
    let wire = Wire {
        object: "list",
        data: embeddings.vectors.iter().map(Vec::as_slice).enumerate().map(vector).collect(),
        model,
        usage: WireTotals { prompt_tokens: input, total_tokens: input },
    };
    // It holds nothing that serde_json could refuse.
    serde_json::to_vec(&wire).unwrap_or_default()
}

fn little_endian(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

fn floats(text: &str) -> Option<Vec<f32>> {
    let bytes = base64::decode(text)?;
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn requests_are_read_in_all_their_forms() {
        for (input, expected) in [
            (json!("a"), EmbeddingsInput::Texts(vec!["a".into()])),
            (json!(["a", "b"]), EmbeddingsInput::Texts(vec!["a".into(), "b".into()])),
            (json!([1, 2]), EmbeddingsInput::Tokens(vec![vec![1, 2]])),
            (json!([[1], [2, 3]]), EmbeddingsInput::Tokens(vec![vec![1], vec![2, 3]])),
        ] {
            let body = json!({ "model": "m", "input": input, "encoding_format": "base64", "dimensions": 8 });
            let request = decode_embeddings_request(body.to_string().as_bytes()).expect("a request");
            assert_eq!((&request.input, request.dimensions), (&expected, Some(8)));
            let written = encode_embeddings_request(&request);
            assert_eq!(decode_embeddings_request(&written.body).expect("a request"), request);
        }
        for (body, words) in [
            (json!({ "model": "m" }), "`input` is missing"),
            (json!({ "model": "m", "input": [] }), "`input` must be"),
            (json!({ "model": "m", "input": {} }), "`input` must be"),
            (json!({ "model": "m", "input": "a", "encoding_format": "int8" }), "`encoding_format` must be"),
            (json!({ "input": "a" }), "`model` is missing"),
        ] {
            let failure = decode_embeddings_request(body.to_string().as_bytes()).expect_err("a refusal");
            assert!(failure.message.contains(words), "{}", failure.message);
        }
    }

    #[test]
    fn vectors_are_put_in_order_and_numbers_stay_short() {
        let body = br#"{"data":[{"index":1,"embedding":[2]},{"index":0,"embedding":"zczMPQ=="}],"usage":{"prompt_tokens":2,"total_tokens":2}}"#;
        let embeddings = decode_embeddings(body, Quirks::default()).expect("embeddings");
        assert_eq!(embeddings.vectors, [[0.1], [2.0]]);
        assert_eq!((embeddings.usage.input, embeddings.usage.output), (Some(2), Some(0)));
        let written =
            String::from_utf8(encode_embeddings(&embeddings, "m", VectorEncoding::Float)).expect("UTF-8");
        assert!(written.contains(r#""embedding":[0.1]"#), "{written}");
        for body in ["[]", "{}", r#"{"data":[{"embedding":"abc"}]}"#] {
            assert_eq!(
                decode_embeddings(body.as_bytes(), Quirks::default()).expect_err(body).code,
                Code::MalformedAnswer
            );
        }
    }

    proptest! {
        #[test]
        fn vectors_survive_both_encodings(vectors in proptest::collection::vec(proptest::collection::vec(-1e9_f32..1e9, 0..9), 0..5)) {
            let embeddings = Embeddings { vectors, ..Embeddings::default() };
            for encoding in [VectorEncoding::Float, VectorEncoding::Base64] {
                let body = encode_embeddings(&embeddings, "m", encoding);
                prop_assert_eq!(&decode_embeddings(&body, Quirks::default()).expect("embeddings").vectors, &embeddings.vectors);
            }
        }
    }
}
