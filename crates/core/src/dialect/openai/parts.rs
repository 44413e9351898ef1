//! What chat completions and Responses write alike: pictures, functions, schemas, efforts.

use serde_json::{Map, Value, json};

use super::read::Field;
use crate::chat::{Image, ReasoningEffort, ResponseFormat, Tool, ToolChoice};
use crate::dialect::Failure;

/// A picture by its address; a `data:` address holds the picture itself.
pub(in crate::dialect) fn image(url: &str) -> Image {
    let inline = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match inline {
        Some((media_type, data)) => {
            Image::Inline { media_type: media_type.to_owned(), data: data.to_owned() }
        }
        None => Image::Url(url.to_owned()),
    }
}

pub(in crate::dialect) fn image_url(image: &Image) -> String {
    match image {
        Image::Url(url) => url.clone(),
        Image::Inline { media_type, data } => format!("data:{media_type};base64,{data}"),
    }
}

/// The object that holds a function's name, description, parameters and strictness.
pub(in crate::dialect) fn decode_function(function: &Field<'_>) -> Result<Tool, Failure> {
    let parameters = function.get("parameters").object()?;
    Ok(Tool {
        name: function.get("name").required_text()?.to_owned(),
        description: function.get("description").text()?.map(str::to_owned),
        parameters: parameters
            .map_or_else(|| json!({ "type": "object", "properties": {} }), |schema| schema.value().clone()),
        strict: function.get("strict").flag()?,
    })
}

pub(in crate::dialect) fn encode_function(tool: &Tool) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("name".into(), tool.name.as_str().into());
    fields.insert("parameters".into(), tool.parameters.clone());
    insert(&mut fields, "description", tool.description.as_deref());
    insert(&mut fields, "strict", tool.strict);
    fields
}

/// `format` tells the kind, `schema_of` where the schema lies for it.
pub(in crate::dialect) fn decode_format<'a>(
    format: &Field<'a>,
    schema_of: impl Fn(&Field<'a>) -> Field<'a>,
) -> Result<ResponseFormat, Failure> {
    match format.get("type").required_text()? {
        "text" => Ok(ResponseFormat::Text),
        "json_object" => Ok(ResponseFormat::JsonObject),
        "json_schema" => {
            let fields = schema_of(format);
            let schema = fields.get("schema").object()?;
            Ok(ResponseFormat::JsonSchema {
                name: fields.get("name").required_text()?.to_owned(),
                description: fields.get("description").text()?.map(str::to_owned),
                schema: schema.map_or_else(|| json!({}), |schema| schema.value().clone()),
                strict: fields.get("strict").flag()?,
            })
        }
        other => Err(format.get("type").cannot(&format!("is `{other}`"))),
    }
}

/// The object that holds a schema's name, description, schema and strictness; `None` for a format without one.
pub(in crate::dialect) fn encode_schema(format: &ResponseFormat) -> Option<Map<String, Value>> {
    let ResponseFormat::JsonSchema { name, description, schema, strict } = format else {
        return None;
    };
    let mut fields = Map::new();
    fields.insert("name".into(), name.as_str().into());
    fields.insert("schema".into(), schema.clone());
    insert(&mut fields, "description", description.as_deref());
    insert(&mut fields, "strict", *strict);
    Some(fields)
}

/// `auto`, `none`, `required`, or Mistral's `any`.
pub(in crate::dialect) fn decode_choice_word(choice: &Field<'_>, word: &str) -> Result<ToolChoice, Failure> {
    match word {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" | "any" => Ok(ToolChoice::Required),
        _ => Err(choice.must("be `auto`, `none`, `required` or a function")),
    }
}

pub(in crate::dialect) fn decode_effort(effort: &Field<'_>) -> Result<Option<ReasoningEffort>, Failure> {
    if effort.text()?.is_none() {
        return Ok(None);
    }
    let read = serde_json::from_value(effort.value().clone());
    read.map(Some)
        .map_err(|_| effort.must("be one of `none`, `minimal`, `low`, `medium`, `high`, `xhigh` and `max`"))
}

/// Text that came whole or as parts of one of these kinds, each on its own line.
pub(in crate::dialect) fn joined_text(content: &Field<'_>, kinds: &[&str]) -> Result<String, Failure> {
    if !content.value().is_array() {
        return Ok(content.text()?.unwrap_or_default().to_owned());
    }
    let mut lines = Vec::new();
    for part in content.items()? {
        match part.get("type").required_text()? {
            kind if kinds.contains(&kind) => lines.push(part.get("text").required_text()?),
            kind => return Err(part.cannot(&format!("is of type `{kind}`"))),
        }
    }
    Ok(lines.join("\n"))
}

pub(in crate::dialect) fn insert(
    fields: &mut Map<String, Value>,
    name: &str,
    value: Option<impl Into<Value>>,
) {
    if let Some(value) = value {
        fields.insert(name.to_owned(), value.into());
    }
}
