//! Anthropic Messages, in both directions: `POST /v1/messages` and `GET /v1/models`.
//!
//! In a caller's request `metadata`, `service_tier`, `cache_control`, `inference_geo` and `betas` say nothing about the
//! answer and are left out; any other field or block without a counterpart is refused by name.

mod conversation;
mod decoder;
mod encoder;
mod error;
mod inbound;
mod models;
mod options;
mod reply;
mod request;
mod schema;
#[cfg(test)]
mod tests;
mod thinking;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use error::{encode_failure, failure};
pub use inbound::decode_request;
pub use models::{decode_models, models_route};
pub use reply::{decode_reply, encode_reply};
pub use request::encode;

/// The header that carries the key, and what stands before the key in it.
pub fn auth_header() -> (&'static str, &'static str) {
    ("x-api-key", "")
}

/// The headers that every request carries.
pub fn fixed_headers() -> &'static [(&'static str, &'static str)] {
    &[("anthropic-version", "2023-06-01")]
}
