//! Embeddings in no protocol's words: what is asked for, and the vectors that come back.

use crate::usage::TokenUsage;

/// What is to be embedded.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingsRequest {
    /// The model.
    pub model: String,
    /// At least one.
    pub input: EmbeddingsInput,
    /// How the caller wants its numbers.
    pub encoding: VectorEncoding,
    /// A shorter vector than the model's own.
    pub dimensions: Option<u32>,
}

/// Texts, or texts that the caller cut into tokens already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbeddingsInput {
    /// Each becomes a vector.
    Texts(Vec<String>),
    /// Each list becomes a vector.
    Tokens(Vec<Vec<u32>>),
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VectorEncoding {
    /// As JSON numbers.
    #[default]
    Float,
    /// As little-endian `f32` in base64.
    Base64,
}

/// Whether a caller asked for the vector of one text, or for a list. Only Gemini has two words for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmbeddingsForm {
    /// One text: Gemini's `:embedContent`.
    One,
    /// A list: Gemini's `:batchEmbedContents`, and everything of OpenAI's.
    Batch,
}

/// Vectors, in the order of the input.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Embeddings {
    /// The model that answered.
    pub model: Option<String>,
    /// One for each input.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens and reported cost.
    pub usage: TokenUsage,
}
