//! OpenAI chat completions, and the servers that copy them. Where they differ was read off recorded traffic; whatever
//! arrives is parsed leniently and unknown fields are ignored.
//!
//! There are two ways through. Where caller and provider both speak this protocol, bytes pass through, and [`decode_reply`]
//! and [`StreamDecoder`] look only for what the ledger needs. Where one of them speaks another, the neutral form of
//! [`crate::chat`] lies between: [`decode_request`] and [`encode_request`], [`decode_neutral_reply`] and [`encode_reply`],
//! [`Decoder`] and [`Encoder`]. Both ways read the same wire types.

mod base64;
mod call_ids;
mod calls;
mod decode;
mod decoder;
mod embeddings;
mod encode;
mod encoder;
mod envelope;
mod error;
mod models;
mod parts;
mod read;
mod reply;
mod stream;
#[cfg(test)]
mod tests;
mod usage;
mod wire;

pub use decode::{decode_request, unspoken_fields};
pub use decoder::Decoder;
pub use embeddings::{
    decode_embeddings, decode_embeddings_request, encode_embeddings, encode_embeddings_request,
};
pub use encode::encode_request;
pub use encoder::{Encoder, UsageChunk};
pub use envelope::encode_failure;
pub use error::failure;
pub use models::{decode_models, models_route};
pub use reply::{Reply, decode_neutral_reply, decode_reply, encode_reply};
pub use stream::{Seen, StreamDecoder};

// Responses writes these alike.
pub(super) use decode::delivery;
pub(super) use encode::refuse_unwritable;
pub(super) use envelope::names;
pub(super) use parts::{
    decode_choice_word, decode_effort, decode_format, decode_function, encode_function, encode_schema, image,
    image_url, insert, joined_text,
};
pub(super) use read::{Field, body as read_body, unspoken};
pub(super) use usage::reported_cost;
