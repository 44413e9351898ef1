//! Requests that pass through: a caller's is read without losing a byte of it.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::encode::encode_request;
use crate::catalog::{MaxTokens, Quirks, StreamUsage};
use crate::chat::{ChatRequest, Delivery};
use crate::code::Code;
use crate::dialect::Failure;

/// A caller's request. Its fields stay as the raw text that arrived, so that unknown fields and number precision survive.
#[derive(Debug)]
pub struct Inbound {
    /// What the caller asked for.
    pub model: String,
    /// Whole or streamed.
    pub delivery: Delivery,
    /// The caller itself asked for usage at the end of the stream.
    pub wants_usage: bool,
    /// `metadata.feature`, where the caller named one.
    pub feature: Option<String>,
    fields: Vec<(String, Box<RawValue>)>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StreamOptions {
    include_usage: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    feature: Option<String>,
}

struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields: Vec<(String, Box<RawValue>)> = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    // Two readers could each believe another one of them.
                    if fields.iter().any(|(known, _)| *known == name) {
                        return Err(serde::de::Error::custom(format!("the field `{name}` is there twice")));
                    }
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl Inbound {
    /// Reads the body of `POST /v1/chat/completions`.
    pub fn read(body: &[u8]) -> Result<Self, Failure> {
        let bad = |why: String| Failure { status: Some(400), ..Failure::new(Code::BadRequest, why) };
        let Fields(fields) = serde_json::from_slice(body)
            .map_err(|error| bad(format!("The body is no JSON object: {error}.")))?;
        let mut inbound = Self {
            model: String::new(),
            delivery: Delivery::Whole,
            wants_usage: false,
            feature: None,
            fields,
        };
        inbound.model = inbound
            .field::<String>("model")
            .map_err(|_| bad("The field `model` must be a string.".into()))?
            .filter(|model| !model.is_empty())
            .ok_or_else(|| {
                bad("The field `model` is missing: name a model, such as one from GET /v1/models.".into())
            })?;
        let streamed = inbound
            .field::<Option<bool>>("stream")
            .map_err(|_| bad("The field `stream` must be a boolean.".into()))?;
        if streamed.flatten() == Some(true) {
            inbound.delivery = Delivery::Streamed;
        }
        let options = inbound.field::<Option<StreamOptions>>("stream_options").unwrap_or_default();
        inbound.wants_usage = options.flatten().and_then(|options| options.include_usage) == Some(true);
        inbound.feature = inbound
            .field::<Option<Metadata>>("metadata")
            .unwrap_or_default()
            .flatten()
            .and_then(|m| m.feature);
        Ok(inbound)
    }

    /// A request of Patchbay's own, on the same path as everybody else's.
    pub fn own(request: &ChatRequest) -> Result<Self, Failure> {
        // Whether usage is asked for at the end is decided per provider, in `upstream_body`.
        let quirks = Quirks { stream_usage: StreamUsage::Unasked, ..Quirks::default() };
        Self::read(&encode_request(request, quirks)?.body)
    }

    /// How long the prompt is, in bytes: a base for estimates.
    pub fn prompt_bytes(&self) -> usize {
        self.fields.iter().filter(|(name, _)| name == "messages").map(|(_, value)| value.get().len()).sum()
    }

    /// The body for the provider: the caller's own, with the model of the target and, in a stream, usage asked for.
    pub fn upstream_body(&self, model: &str, quirks: Quirks) -> Vec<u8> {
        let ask =
            self.delivery.is_streamed() && quirks.stream_usage == StreamUsage::Asked && !self.wants_usage;
        let model = Value::from(model).to_string();
        let mut body =
            String::with_capacity(self.fields.iter().map(|(n, v)| n.len() + v.get().len() + 8).sum());
        for (name, value) in &self.fields {
            match name.as_str() {
                "model" => push_field(&mut body, name, &model),
                "max_tokens"
                    if quirks.max_tokens == MaxTokens::Renamed && !self.has("max_completion_tokens") =>
                {
                    push_field(&mut body, "max_completion_tokens", value.get());
                }
                "stream_options" if ask => push_field(&mut body, name, &with_usage(value)),
                _ => push_field(&mut body, name, value.get()),
            }
        }
        if ask && !self.fields.iter().any(|(name, _)| name == "stream_options") {
            push_field(&mut body, "stream_options", r#"{"include_usage":true}"#);
        }
        body.push('}');
        body.into_bytes()
    }

    fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    fn field<'a, T: Deserialize<'a>>(&'a self, name: &str) -> serde_json::Result<Option<T>> {
        let value = self.fields.iter().find(|(known, _)| known == name);
        value.map(|(_, value)| serde_json::from_str(value.get())).transpose()
    }
}

/// A JSON object of the provider's with its `model` replaced by what the caller asked for; everything else stays as it came.
/// `None` where there is nothing to replace.
pub fn echo_model(json: &str, model: &str) -> Option<String> {
    let Fields(fields) = serde_json::from_str(json).ok()?;
    if !fields.iter().any(|(name, _)| name == "model") {
        return None;
    }
    let model = Value::from(model).to_string();
    let mut echoed = String::with_capacity(json.len() + model.len());
    for (name, value) in &fields {
        push_field(&mut echoed, name, if name == "model" { &model } else { value.get() });
    }
    echoed.push('}');
    Some(echoed)
}

fn push_field(body: &mut String, name: &str, value: &str) {
    body.push(if body.is_empty() { '{' } else { ',' });
    body.push_str(&Value::from(name).to_string());
    body.push(':');
    body.push_str(value);
}

fn with_usage(options: &RawValue) -> String {
    let mut options: Value = serde_json::from_str(options.get()).unwrap_or_default();
    if !options.is_object() {
        options = serde_json::json!({});
    }
    options["include_usage"] = true.into();
    options.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(body: &str, quirks: Quirks) -> String {
        let inbound = Inbound::read(body.as_bytes()).expect("a request");
        String::from_utf8(inbound.upstream_body("gpt-5-mini", quirks)).expect("UTF-8")
    }

    #[test]
    fn unknown_fields_order_and_number_precision_survive() {
        let body = r#"{"messages":[{"role":"user","content":"é\u00e9"}],"model":"conn/x","seed":12345678901234567890,"temperature":0.10,"my_field":{"b":1,"a":[]}}"#;
        assert_eq!(upstream(body, Quirks::default()), body.replace("conn/x", "gpt-5-mini"));
    }

    #[test]
    fn usage_is_asked_for_in_a_stream_unless_the_provider_refuses_the_field() {
        let body = r#"{"model":"x","stream":true,"messages":[]}"#;
        let asked =
            r#"{"model":"gpt-5-mini","stream":true,"messages":[],"stream_options":{"include_usage":true}}"#;
        assert_eq!(upstream(body, Quirks::default()), asked);
        let unasked = Quirks { stream_usage: StreamUsage::Unasked, ..Quirks::default() };
        assert_eq!(upstream(body, unasked), r#"{"model":"gpt-5-mini","stream":true,"messages":[]}"#);
        let own = r#"{"model":"x","stream":true,"stream_options":{"include_obfuscation":false}}"#;
        assert!(
            upstream(own, Quirks::default())
                .contains(r#""stream_options":{"include_obfuscation":false,"include_usage":true}"#)
        );
    }

    #[test]
    fn m4_the_limit_of_an_answer_is_renamed_where_the_provider_wants_it() {
        let renamed = Quirks { max_tokens: MaxTokens::Renamed, ..Quirks::default() };
        let body = r#"{"model":"x","max_tokens":16}"#;
        assert_eq!(upstream(body, renamed), r#"{"model":"gpt-5-mini","max_completion_tokens":16}"#);
        assert_eq!(upstream(body, Quirks::default()), r#"{"model":"gpt-5-mini","max_tokens":16}"#);
    }

    #[test]
    fn what_is_no_request_is_refused_with_a_reason() {
        for (body, reason) in [
            ("", "no JSON object"),
            ("[]", "no JSON object"),
            (r#"{"messages":[]}"#, "`model` is missing"),
            (r#"{"model":7}"#, "`model` must be a string"),
            (r#"{"model":"a","model":"b"}"#, "`model` is there twice"),
            (r#"{"model":"a","stream":"yes"}"#, "`stream` must be a boolean"),
        ] {
            let failure = Inbound::read(body.as_bytes()).expect_err(body);
            assert_eq!(failure.code, Code::BadRequest);
            assert!(failure.message.contains(reason), "{}", failure.message);
        }
    }

    #[test]
    fn the_answer_echoes_the_model_that_was_asked_for() {
        let json = r#"{"id":"x","model":"gpt-5-mini-2025","choices":[{"model":"inner"}]}"#;
        let echoed = r#"{"id":"x","model":"main/gpt-5-mini","choices":[{"model":"inner"}]}"#;
        assert_eq!(echo_model(json, "main/gpt-5-mini").as_deref(), Some(echoed));
        assert_eq!(echo_model(r#"{"id":"x"}"#, "m"), None);
    }

    #[test]
    fn a_null_is_the_same_as_nothing() {
        let inbound = Inbound::read(br#"{"model":"a","stream":null,"stream_options":null,"metadata":null}"#)
            .expect("a request");
        assert_eq!((inbound.delivery, inbound.wants_usage, inbound.feature), (Delivery::Whole, false, None));
    }

    #[test]
    fn the_feature_comes_from_the_metadata() {
        let inbound = Inbound::read(br#"{"model":"a","metadata":{"feature":"risk"}}"#).expect("a request");
        assert_eq!(inbound.feature.as_deref(), Some("risk"));
    }
}
