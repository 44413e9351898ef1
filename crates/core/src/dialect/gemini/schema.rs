//! Google's schemas, a subset of OpenAPI with its own spelling, as JSON schema.

use serde_json::{Map, Value, json};

/// Numbers that Google may write as text.
const COUNTS: [&str; 6] =
    ["minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"];

/// The JSON schema of a schema of Google's. One that is JSON schema already stays what it is.
pub(super) fn to_json_schema(schema: Value) -> Value {
    let Value::Object(fields) = schema else {
        return schema;
    };
    let is_nullable = fields.get("nullable").and_then(Value::as_bool) == Some(true);
    let mut converted = Map::new();
    for (name, value) in fields {
        match name.as_str() {
            "nullable" | "propertyOrdering" | "property_ordering" => {}
            "type" => {
                converted.insert(name, kind(value, is_nullable));
            }
            "anyOf" | "any_of" => {
                converted.insert("anyOf".into(), each(value));
            }
            "items" => {
                converted.insert(name, to_json_schema(value));
            }
            "properties" => {
                converted.insert(name, properties(value));
            }
            _ => {
                let value = if COUNTS.contains(&name.as_str()) { count(value) } else { value };
                converted.insert(name, value);
            }
        }
    }
    Value::Object(converted)
}

fn kind(kind: Value, is_nullable: bool) -> Value {
    match kind {
        Value::String(name) if is_nullable => json!([name.to_ascii_lowercase(), "null"]),
        Value::String(name) => name.to_ascii_lowercase().into(),
        other => other,
    }
}

fn each(schemas: Value) -> Value {
    match schemas {
        Value::Array(schemas) => schemas.into_iter().map(to_json_schema).collect(),
        other => other,
    }
}

fn properties(properties: Value) -> Value {
    match properties {
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, schema)| (name, to_json_schema(schema))).collect())
        }
        other => other,
    }
}

fn count(value: Value) -> Value {
    match value.as_str().and_then(|text| text.parse::<u64>().ok()) {
        Some(number) => number.into(),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn googles_schemas_become_json_schema() {
        let google = json!({
            "type": "OBJECT", "propertyOrdering": ["type"], "required": ["type"],
            "properties": {
                "type": { "type": "STRING", "nullable": true },
                "nullable": { "type": "ARRAY", "items": { "type": "INTEGER" }, "minItems": "1" },
                "side": { "anyOf": [{ "type": "STRING", "enum": ["BUY"] }, { "type": "NUMBER" }] },
            },
        });
        let expected = json!({
            "type": "object", "required": ["type"],
            "properties": {
                "type": { "type": ["string", "null"] },
                "nullable": { "type": "array", "items": { "type": "integer" }, "minItems": 1 },
                "side": { "anyOf": [{ "type": "string", "enum": ["BUY"] }, { "type": "number" }] },
            },
        });
        assert_eq!(to_json_schema(google), expected);
        assert_eq!(to_json_schema(expected.clone()), expected);
    }
}
