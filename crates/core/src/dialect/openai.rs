//! OpenAI chat completions, and the servers that copy them. Where they differ was read off recorded traffic; whatever
//! arrives is parsed leniently and unknown fields are ignored.

mod error;
mod reply;
mod request;
mod stream;

pub use error::failure;
pub use reply::{Reply, decode_models, decode_reply};
pub use request::{Inbound, echo_model, encode};
pub use stream::{Seen, StreamDecoder};
