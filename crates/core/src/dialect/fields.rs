//! A JSON object as the raw text of its fields: what is not touched goes on byte by byte, in its order.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// The fields of an object, in order, as the text that arrived.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, Box<RawValue>)>);

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

impl Fields {
    /// The names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some()
    }

    /// The text of a field.
    pub(super) fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.get())
    }

    /// A field as a type; `None` where it is absent.
    pub(super) fn get<'a, T: Deserialize<'a>>(&'a self, name: &str) -> serde_json::Result<Option<T>> {
        self.raw(name).map(serde_json::from_str).transpose()
    }

    /// How long these fields are together, in bytes.
    pub(super) fn bytes_of(&self, names: &[&str]) -> usize {
        names.iter().filter_map(|name| self.raw(name)).map(str::len).sum()
    }

    /// Gives a field another value, or adds it at the end.
    pub(super) fn put(&mut self, name: &str, value: impl Into<Value>) {
        // A value of ours has nothing in it that could not be written.
        let Ok(value) = RawValue::from_string(value.into().to_string()) else { return };
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// The object again, with each field as `change` wants it.
    pub(super) fn write<'a>(&'a self, change: impl Fn(&'a str, &'a str) -> Change<'a>) -> Object {
        let mut object = Object::with_capacity(self.0.iter().map(|(n, v)| n.len() + v.get().len() + 8).sum());
        for (name, value) in &self.0 {
            match change(name, value.get()) {
                Change::Keep => object.push(name, value.get()),
                Change::Value(value) => object.push(name, &value),
                Change::Rename(name) => object.push(name, value.get()),
                Change::Drop => {}
            }
        }
        object
    }
}

/// What becomes of a field.
pub(super) enum Change<'a> {
    /// It stays as it came.
    Keep,
    /// It gets another value: JSON text.
    Value(String),
    /// It gets another name.
    Rename(&'a str),
    /// It is left out.
    Drop,
}

/// A JSON object on its way out.
pub(super) struct Object(String);

impl Object {
    fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Adds a field whose value is JSON text.
    pub(super) fn push(&mut self, name: &str, value: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        self.0.push_str(&Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(value);
    }

    /// The whole of it.
    pub(super) fn finish(mut self) -> String {
        self.0.push_str(if self.0.is_empty() { "{}" } else { "}" });
        self.0
    }
}

/// A provider's JSON object with its `model` replaced by what the caller asked for; everything else stays as it came. The
/// model may stand inside the object `within`. `None` where there is nothing to replace.
pub fn echo_model(json: &str, within: Option<&str>, model: &str) -> Option<String> {
    let fields: Fields = serde_json::from_str(json).ok()?;
    let (place, value) = match within {
        Some(within) => (within, echo_model(fields.raw(within)?, None, model)?),
        None => ("model", Value::from(model).to_string()),
    };
    fields.raw(place)?;
    let object =
        fields.write(|name, _| if name == place { Change::Value(value.clone()) } else { Change::Keep });
    Some(object.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_echoes_the_model_that_was_asked_for() {
        let json = r#"{"id":"x","model":"gpt-5-mini-2025","choices":[{"model":"inner"}]}"#;
        let echoed = r#"{"id":"x","model":"main/gpt-5-mini","choices":[{"model":"inner"}]}"#;
        assert_eq!(echo_model(json, None, "main/gpt-5-mini").as_deref(), Some(echoed));
        assert_eq!(echo_model(r#"{"id":"x"}"#, None, "m"), None);
    }

    #[test]
    fn a_model_inside_an_object_is_echoed_there() {
        let json = r#"{"type":"message_start","message":{"id":"x","model":"a","n":1.0},"model":"outer"}"#;
        let echoed = r#"{"type":"message_start","message":{"id":"x","model":"b","n":1.0},"model":"outer"}"#;
        assert_eq!(echo_model(json, Some("message"), "b").as_deref(), Some(echoed));
        assert_eq!(echo_model(r#"{"model":"a"}"#, Some("message"), "b"), None);
    }

    #[test]
    fn an_empty_object_stays_one() {
        let fields: Fields = serde_json::from_str("{}").expect("an object");
        assert_eq!(fields.write(|_, _| Change::Keep).finish(), "{}");
    }
}
