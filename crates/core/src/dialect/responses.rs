//! OpenAI Responses, and the servers that copy it (xAI, OpenRouter, DeepSeek, LM Studio): the same questions as in chat
//! completions, as a row of items. Nothing that is stored at a provider can be translated, and nothing is stored there.

mod decode;
mod decoder;
mod encode;
mod encoder;
mod error;
mod items;
mod reply;
#[cfg(test)]
mod tests;
mod wire;

pub use super::openai::encode_failure;
pub use decode::{decode_request, unspoken_fields};
pub use decoder::Decoder;
pub use encode::encode_request;
pub use encoder::Encoder;
pub use error::failure;
pub use reply::{decode_reply, encode_reply};
