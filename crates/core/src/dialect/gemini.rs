//! Google Gemini, in both directions: `generateContent`, `streamGenerateContent`, `batchEmbedContents` and the list of
//! models, below a base URL that ends in `/v1beta`.
//!
//! Google reads `camelCase` and `snake_case`, and one thing where a list is due; so does this. In a caller's request
//! `labels` and `includeThoughts` say nothing about the answer and are left out; any other field or part without a
//! counterpart is refused by name.

mod contents;
mod decoder;
mod embeddings;
mod encoder;
mod error;
mod history;
mod inbound;
mod models;
mod options;
mod part;
mod reply;
mod request;
mod schema;
#[cfg(test)]
mod tests;
mod thinking;
mod turns;

pub use decoder::Decoder;
pub use embeddings::{
    decode_embeddings, decode_embeddings_request, encode_embeddings, encode_embeddings_request,
};
pub use encoder::Encoder;
pub use error::{encode_failure, failure};
pub use inbound::decode_request;
pub use models::{decode_models, models_route};
pub use reply::{decode_reply, encode_reply};
pub(super) use request::model_path;
pub use request::{encode, route};

/// The header that carries the key, and what stands before the key in it. A key never goes into the query: it would land
/// in logs.
pub fn auth_header() -> (&'static str, &'static str) {
    ("x-goog-api-key", "")
}

/// The headers that every request carries.
pub fn fixed_headers() -> &'static [(&'static str, &'static str)] {
    &[]
}
