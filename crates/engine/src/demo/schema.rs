//! A value that fits a JSON schema: what the Demo says where a caller wants an answer, or a tool's arguments, in a shape.

use serde_json::{Map, Value, json};

/// How deep a schema may lead: one that points at itself ends there.
const DEEPEST: u32 = 12;

/// The smallest value that fits. `root` is where `$ref` points.
pub(super) fn instance(schema: &Value, root: &Value) -> Value {
    fitting(schema, root, 0)
}

fn fitting(schema: &Value, root: &Value, depth: u32) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    if let Some(target) = schema["$ref"].as_str().and_then(|path| root.pointer(path.trim_start_matches('#')))
    {
        return fitting(target, root, depth + 1);
    }
    if let Some(value) =
        schema.get("const").or_else(|| schema["enum"].get(0)).or_else(|| schema.get("default"))
    {
        return value.clone();
    }
    if let Some(first) = ["anyOf", "oneOf", "allOf"].iter().find_map(|name| schema[*name].get(0)) {
        return fitting(first, root, depth + 1);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind.map(str::to_ascii_lowercase).as_deref() {
        Some("string") => json!(text(schema)),
        Some("integer" | "number") => number(schema),
        Some("boolean") => json!(true),
        Some("null") => Value::Null,
        Some("array") => {
            let least = schema["minItems"].as_u64().unwrap_or(1);
            json!((0..least).map(|_| fitting(&schema["items"], root, depth + 1)).collect::<Vec<_>>())
        }
        _ => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            let fields: Map<String, Value> =
                fields.map(|(name, field)| (name.clone(), fitting(field, root, depth + 1))).collect();
            Value::Object(fields)
        }
    }
}

fn text(schema: &Value) -> &'static str {
    match schema["format"].as_str() {
        Some("date") => "2026-12-09",
        Some("date-time") => "2026-12-09T15:42:00Z",
        _ => "demo",
    }
}

fn number(schema: &Value) -> Value {
    let bound = ["minimum", "exclusiveMinimum"].iter().find_map(|name| schema[*name].as_i64());
    json!(bound.map_or(1, |least| least + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_schema() {
        let schema = json!({
            "$defs": { "Side": { "enum": ["buy", "sell"] } },
            "type": "object",
            "properties": {
                "side": { "$ref": "#/$defs/Side" },
                "confidence": { "type": "number", "minimum": 0 },
                "tags": { "type": "array", "items": { "type": "string" } },
                "stop": { "anyOf": [{ "type": "number" }, { "type": "null" }] },
                "inner": { "type": ["object", "null"], "properties": { "ok": { "type": "boolean" } } },
            },
        });
        let expected =
            json!({ "side": "buy", "confidence": 1, "tags": ["demo"], "stop": 1, "inner": { "ok": true } });
        assert_eq!(instance(&schema, &schema), expected);
    }

    #[test]
    fn a_schema_that_points_at_itself_ends() {
        let schema = json!({ "type": "object", "properties": { "next": { "$ref": "#" } } });
        assert!(instance(&schema, &schema)["next"]["next"].is_object());
    }
}
