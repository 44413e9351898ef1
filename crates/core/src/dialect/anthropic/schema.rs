//! Schemas of answers: Anthropic answers 400 unless every object in them says that it takes no other properties.

use serde_json::{Map, Value};

/// The schema with every object closed that does not say whether it is; `None` where there is nothing to close.
pub(super) fn closed(schema: &Value) -> Option<Value> {
    let mut closed = schema.clone();
    (close(&mut closed) > 0).then_some(closed)
}

/// Closes a schema and those inside it, and counts.
fn close(schema: &mut Value) -> usize {
    let Value::Object(fields) = schema else {
        return 0;
    };
    let inner: usize = fields.iter_mut().map(|(name, value)| close_inner(name, value)).sum();
    inner + usize::from(close_object(fields))
}

fn close_object(fields: &mut Map<String, Value>) -> bool {
    let is_object = match fields.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => false,
    };
    if !is_object || fields.contains_key("additionalProperties") {
        return false;
    }
    fields.insert("additionalProperties".into(), false.into());
    true
}

fn close_inner(keyword: &str, value: &mut Value) -> usize {
    match (keyword, value) {
        ("items", schema) => close(schema),
        ("anyOf" | "allOf" | "oneOf", Value::Array(schemas)) => schemas.iter_mut().map(close).sum(),
        ("properties" | "$defs" | "definitions", Value::Object(schemas)) => {
            schemas.values_mut().map(close).sum()
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_object_that_says_nothing_is_closed() {
        let schema = json!({ "type": "object", "properties": {
            "type": { "type": "string" },
            "legs": { "type": "array", "items": { "type": ["object", "null"] } },
            "side": { "anyOf": [{ "type": "object", "additionalProperties": true }, { "$ref": "#/$defs/a" }] },
        }, "$defs": { "a": { "type": "object" } } });
        let expected = json!({ "type": "object", "additionalProperties": false, "properties": {
            "type": { "type": "string" },
            "legs": { "type": "array", "items": { "type": ["object", "null"], "additionalProperties": false } },
            "side": { "anyOf": [{ "type": "object", "additionalProperties": true }, { "$ref": "#/$defs/a" }] },
        }, "$defs": { "a": { "type": "object", "additionalProperties": false } } });
        assert_eq!(closed(&schema), Some(expected.clone()));
        assert_eq!(closed(&expected), None);
    }
}
