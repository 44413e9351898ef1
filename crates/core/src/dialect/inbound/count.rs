//! How many tokens a chat would be: Anthropic and Gemini count for nothing. OpenAI's protocol has no word for it, so a
//! connection that speaks it is not asked: the length of the text tells about how many.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Inbound, Target, encode_request, untranslatable};
use crate::catalog::Protocol;
use crate::chat::{ChatRequest, Delivery};
use crate::dialect::fields::{Change, Fields};
use crate::dialect::relay::Relayed;
use crate::dialect::wire::malformed;
use crate::dialect::{Encoded, Failure, anthropic, gemini};
use crate::usage::{TokenUsage, estimate_tokens};

/// Where Gemini's callers put a whole request, if they do.
const WRAPPED: &str = "generateContentRequest";
/// What Anthropic reads when it only counts.
const COUNTED: [&str; 6] = ["model", "system", "messages", "tools", "tool_choice", "thinking"];
/// What the caller is told of a number that nobody counted.
const ESTIMATED: &str =
    "`tokens`: estimated from the length of the text, because this connection cannot count them.";

impl Inbound {
    pub(super) fn count_for(&self, target: &Target<'_>) -> Result<Encoded, Failure> {
        match (self.protocol, target.protocol) {
            (Protocol::Anthropic, Protocol::Anthropic) => {
                Ok(self.with_model("v1/messages/count_tokens", target))
            }
            (Protocol::Gemini, Protocol::Gemini) => self.forward_count(target).map_err(untranslatable),
            _ => self.translate_count(target).map_err(untranslatable),
        }
    }

    fn forward_count(&self, target: &Target<'_>) -> Result<Encoded, Failure> {
        let path = gemini::model_path(target.model)?;
        let model = Value::from(path.as_str()).to_string();
        let renamed = |fields: &Fields| {
            let change = |name, _| if name == "model" { Change::Value(model.clone()) } else { Change::Keep };
            fields.write(change).finish()
        };
        let inner = self.fields.get::<Fields>(WRAPPED).ok().flatten();
        let body = self.fields.write(|name, _| match (&inner, name) {
            (Some(inner), WRAPPED) => Change::Value(renamed(inner)),
            _ => Change::Keep,
        });
        Ok(Encoded {
            route: format!("{path}:countTokens"),
            body: body.finish().into_bytes(),
            notices: Vec::new(),
        })
    }

    fn translate_count(&self, target: &Target<'_>) -> Result<Encoded, Failure> {
        let mut request = self.counted()?;
        target.model.clone_into(&mut request.model);
        let encoded = encode_request(&request, target)?;
        let mut body: Map<String, Value> = serde_json::from_slice(&encoded.body).unwrap_or_default();
        let (route, body) = if target.protocol == Protocol::Gemini {
            let path = gemini::model_path(target.model)?;
            body.insert("model".into(), path.as_str().into());
            (format!("{path}:countTokens"), json!({ WRAPPED: body }))
        } else {
            body.retain(|name, _| COUNTED.contains(&name.as_str()));
            ("v1/messages/count_tokens".to_owned(), Value::Object(body))
        };
        Ok(Encoded { route, body: body.to_string().into_bytes(), notices: encoded.notices })
    }

    /// The chat whose tokens are to be counted.
    fn counted(&self) -> Result<ChatRequest, Failure> {
        match self.protocol {
            Protocol::Gemini => {
                let inner = self.fields.get::<Fields>(WRAPPED).ok().flatten();
                let fields = inner.as_ref().unwrap_or(&self.fields);
                let named = fields.write(|_, _| Change::Keep).finish();
                let mut body: Map<String, Value> = serde_json::from_str(&named).unwrap_or_default();
                body.remove("model");
                let body = Value::Object(body).to_string();
                gemini::decode_request(body.as_bytes(), &self.model, Delivery::Whole)
            }
            _ => anthropic::decode_request(&self.whole()),
        }
    }

    /// The answer without asking anybody, where the provider's protocol has no word for it.
    pub fn count_here(&self, target: &Target<'_>) -> Option<(Relayed, &'static str)> {
        let is_spoken = matches!(target.protocol, Protocol::Anthropic | Protocol::Gemini);
        if self.task != super::Task::Count || is_spoken {
            return None;
        }
        let body = self.write_count(estimate_tokens(self.prompt_bytes()));
        Some((Relayed::without_text(body, TokenUsage::default()), ESTIMATED))
    }

    /// Takes a provider's count to the caller.
    pub(in crate::dialect) fn relay_count(
        &self,
        target: &Target<'_>,
        body: Vec<u8>,
    ) -> Result<Relayed, Failure> {
        #[derive(Deserialize)]
        struct Wire {
            #[serde(alias = "totalTokens")]
            input_tokens: Option<u64>,
        }
        let wire: Option<Wire> = serde_json::from_slice(&body).ok();
        let count = wire.and_then(|wire| wire.input_tokens).ok_or_else(|| {
            malformed("The provider answered 200 with something that holds no count of tokens.")
        })?;
        let body = if self.protocol == target.protocol { body } else { self.write_count(count) };
        Ok(Relayed::without_text(body, TokenUsage::default()))
    }

    fn write_count(&self, tokens: u64) -> Vec<u8> {
        let answer = match self.protocol {
            Protocol::Gemini => json!({ "totalTokens": tokens }),
            _ => json!({ "input_tokens": tokens }),
        };
        answer.to_string().into_bytes()
    }
}
