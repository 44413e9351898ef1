//! Embeddings on their way to a provider and back. OpenAI and Gemini make them; Anthropic does not.

use serde_json::Value;

use super::{Inbound, Target, untranslatable};
use crate::catalog::Protocol;
use crate::dialect::fields::{Change, Fields};
use crate::dialect::relay::Relayed;
use crate::dialect::wire::refuse;
use crate::dialect::{Encoded, Failure, gemini, openai};
use crate::embeddings::{Embeddings, EmbeddingsForm, EmbeddingsRequest};
use crate::usage::TokenUsage;

impl Inbound {
    pub(super) fn embeddings_for(
        &self,
        form: EmbeddingsForm,
        target: &Target<'_>,
    ) -> Result<Encoded, Failure> {
        match (self.protocol, target.protocol) {
            (_, Protocol::Anthropic) => Err(untranslatable(refuse("Anthropic makes no embeddings."))),
            (Protocol::Gemini, Protocol::Gemini) => {
                self.forward_to_gemini(form, target).map_err(untranslatable)
            }
            (_, Protocol::Gemini) => {
                let request = self.embeddings_request(form, target)?;
                gemini::encode_embeddings_request(&request).map_err(untranslatable)
            }
            (Protocol::Gemini, _) => {
                let request = self.embeddings_request(form, target).map_err(untranslatable)?;
                Ok(openai::encode_embeddings_request(&request))
            }
            _ => Ok(self.with_model("embeddings", target)),
        }
    }

    /// The caller's own body, with the model of the target wherever Gemini wants it repeated.
    fn forward_to_gemini(&self, form: EmbeddingsForm, target: &Target<'_>) -> Result<Encoded, Failure> {
        let path = gemini::model_path(target.model)?;
        let model = Value::from(path.as_str()).to_string();
        let named = |fields: &Fields| {
            let change = |name, _| if name == "model" { Change::Value(model.clone()) } else { Change::Keep };
            fields.write(change).finish()
        };
        let (method, body) = match form {
            EmbeddingsForm::One => ("embedContent", named(&self.fields)),
            EmbeddingsForm::Batch => {
                let requests: Vec<Fields> = self.fields.get("requests").ok().flatten().unwrap_or_default();
                let requests = requests.iter().map(named).collect::<Vec<_>>().join(",");
                let list = |name, _| match name {
                    "requests" => Change::Value(format!("[{requests}]")),
                    _ => Change::Keep,
                };
                ("batchEmbedContents", self.fields.write(list).finish())
            }
        };
        Ok(Encoded { route: format!("{path}:{method}"), body: body.into_bytes(), notices: Vec::new() })
    }

    fn embeddings_request(
        &self,
        form: EmbeddingsForm,
        target: &Target<'_>,
    ) -> Result<EmbeddingsRequest, Failure> {
        let body = self.whole();
        let request = match self.protocol {
            Protocol::Gemini => gemini::decode_embeddings_request(&body, &self.model, form),
            _ => openai::decode_embeddings_request(&body),
        }?;
        Ok(EmbeddingsRequest { model: target.model.to_owned(), ..request })
    }

    /// Takes a 200 answer with vectors to the caller. Where both speak the same protocol, not a digit of them changes.
    pub(in crate::dialect) fn relay_embeddings(
        &self,
        form: EmbeddingsForm,
        target: &Target<'_>,
        body: Vec<u8>,
    ) -> Result<Relayed, Failure> {
        let embeddings = match target.protocol {
            Protocol::Gemini => gemini::decode_embeddings(&body),
            _ => openai::decode_embeddings(&body, target.quirks),
        }?;
        let usage = nothing_written(embeddings.usage);
        let body = match (self.protocol, target.protocol) {
            (Protocol::Gemini, Protocol::Gemini) => body,
            (Protocol::Gemini, _) => gemini::encode_embeddings(&embeddings, form),
            (_, Protocol::Gemini) => self.encode_for_openai(&embeddings)?,
            _ => crate::dialect::relay::echoed(body, embeddings.model.as_deref(), &self.model),
        };
        Ok(Relayed::without_text(body, usage))
    }

    fn encode_for_openai(&self, embeddings: &Embeddings) -> Result<Vec<u8>, Failure> {
        let asked = openai::decode_embeddings_request(&self.whole())?;
        Ok(openai::encode_embeddings(embeddings, &self.model, asked.encoding))
    }
}

/// A vector is no token.
fn nothing_written(usage: TokenUsage) -> TokenUsage {
    TokenUsage { output: usage.output.or(usage.input.map(|_| 0)), ..usage }
}
