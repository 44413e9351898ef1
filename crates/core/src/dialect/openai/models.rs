//! The list of models: `{data: [{id}]}`, or the bare array that Together sends. Beyond the id every provider tells other
//! things under other names; what is there is taken, and what is odd is left out, but never costs the list.

use serde::Deserialize;
use serde_json::Value;

use crate::dialect::Failure;
use crate::dialect::models::{ListedModel, ModelPage};
use crate::dialect::wire::malformed;
use crate::model::Capability;
use crate::money::NanoUsd;
use crate::price::Price;

#[derive(Deserialize)]
#[serde(untagged)]
enum List {
    Wrapped { data: Vec<Value> },
    Bare(Vec<Value>),
}

/// The path of the list, which has one page.
pub fn models_route() -> String {
    "models".to_owned()
}

/// Reads `GET /models`. What makes pictures, films or sound, which nothing here asks for, is left out.
pub fn decode_models(body: &[u8]) -> Result<ModelPage, Failure> {
    let not_a_list = || malformed("The address answers, but not with a list of models.");
    let list = serde_json::from_slice(body).map_err(|_| not_a_list())?;
    let (List::Wrapped { data: models } | List::Bare(models)) = list;
    if models.iter().any(|model| !model["id"].is_string()) {
        return Err(not_a_list());
    }
    Ok(ModelPage {
        models: models.iter().filter(|model| is_callable(model)).map(listed).collect(),
        next: None,
    })
}

/// Together says what its models are for.
fn is_callable(model: &Value) -> bool {
    !matches!(
        model["type"].as_str(),
        Some("image" | "audio" | "video" | "rerank" | "moderation" | "transcribe" | "speech")
    )
}

fn listed(model: &Value) -> ListedModel {
    let (capabilities, capabilities_complete) = capabilities(model);
    // Gemini's OpenAI form prefixes its ids; both forms are accepted in a request.
    let id = model["id"].as_str().unwrap_or_default();
    ListedModel {
        id: id.strip_prefix("models/").unwrap_or(id).to_owned(),
        context_window: first_count(
            model,
            &["context_length", "context_window", "max_context_length", "max_model_len"],
        ),
        max_output: count(&model["top_provider"]["max_completion_tokens"])
            .or_else(|| first_count(model, &["max_completion_tokens", "max_output_tokens"])),
        capabilities,
        capabilities_complete,
        prices: prices(&model["pricing"]),
        retires_on: ["expiration_date", "shutdown_date", "deprecation"]
            .iter()
            .find_map(|name| day(&model[name])),
    }
}

fn first_count(model: &Value, names: &[&str]) -> Option<u32> {
    names.iter().find_map(|name| count(&model[name]))
}

/// Some write whole numbers as floats.
fn count(value: &Value) -> Option<u32> {
    let text = value.as_number()?.to_string();
    text.strip_suffix(".0").unwrap_or(&text).parse().ok().filter(|count| *count > 0)
}

/// The calendar day of a date, however it goes on.
fn day(value: &Value) -> Option<String> {
    let day = value.as_str()?.get(..10)?;
    crate::time::parse_day(day).map(|day| day.to_string())
}

/// OpenRouter names what a model takes, and leaves nothing out; Mistral and Together name some of it.
fn capabilities(model: &Value) -> (Vec<Capability>, bool) {
    let has = |list: &Value, word: &str| {
        list.as_array().is_some_and(|list| list.iter().any(|entry| entry.as_str() == Some(word)))
    };
    let takes = |word| has(&model["supported_parameters"], word);
    let architecture = &model["architecture"];
    let mistral = &model["capabilities"];
    let found = [
        (Capability::Tools, takes("tools") || mistral["function_calling"] == true),
        (Capability::Json, takes("structured_outputs") || takes("response_format")),
        (Capability::Images, has(&architecture["input_modalities"], "image") || mistral["vision"] == true),
        (Capability::Reasoning, takes("reasoning") || mistral["reasoning"] == true),
        (
            Capability::Embeddings,
            has(&architecture["output_modalities"], "embeddings") || model["type"] == "embedding",
        ),
    ];
    let complete = model["supported_parameters"].is_array() && architecture["input_modalities"].is_array();
    (found.into_iter().filter(|(_, there)| *there).map(|(capability, _)| capability).collect(), complete)
}

/// OpenRouter: decimal text in USD per token, with tiers. Together: numbers in USD per million tokens.
fn prices(pricing: &Value) -> Vec<Price> {
    let per_million = |value: &Value| NanoUsd::from_decimal(&value.as_number()?.to_string());
    if let (Some(input), Some(output)) = (per_million(&pricing["input"]), per_million(&pricing["output"])) {
        return vec![Price { input, output, ..Price::FREE }];
    }
    let Some(base) = per_token(pricing, None) else {
        return Vec::new();
    };
    let tiers = pricing["overrides"].as_array().into_iter().flatten().filter_map(|tier| {
        let from = tier["min_prompt_tokens"].as_u64().filter(|from| *from > 1)?;
        per_token(tier, Some(from - 1))
    });
    std::iter::once(base).chain(tiers).collect()
}

/// A variable price, which is `-1`, is no price.
fn per_token(pricing: &Value, above_tokens: Option<u64>) -> Option<Price> {
    let price = |name: &str| pricing[name].as_str().and_then(NanoUsd::per_million_from_one);
    Some(Price {
        input: price("prompt")?,
        output: price("completion")?,
        cached_input: price("input_cache_read"),
        cache_write: price("input_cache_write"),
        above_tokens,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    fn one(json: &str) -> ListedModel {
        let page = decode_models(format!(r#"{{"data":[{json}]}}"#).as_bytes()).expect("a list");
        page.models.into_iter().next().expect("a model")
    }

    fn ids(body: &[u8]) -> Vec<String> {
        decode_models(body).expect("a list").models.into_iter().map(|model| model.id).collect()
    }

    fn usd(text: &str) -> NanoUsd {
        NanoUsd::from_decimal(text).expect("an amount")
    }

    #[test]
    fn lists_come_wrapped_bare_and_prefixed() {
        assert_eq!(ids(br#"{"object":"list","data":[{"id":"a"},{"id":"models/b"}]}"#), ["a", "b"]);
        assert_eq!(ids(br#"[{"id":"a"},{"id":"p","type":"image"}]"#), ["a"]);
        for body in ["<html>", "{}", r#"{"data":[{"name":"a"}]}"#, "[1]"] {
            assert_eq!(decode_models(body.as_bytes()).expect_err(body).code, Code::MalformedAnswer);
        }
    }

    #[test]
    fn m1_openrouter_tells_window_capabilities_and_prices() {
        let model =
            one(r#"{"id":"a/b","context_length":200000,"top_provider":{"max_completion_tokens":64000},
                "supported_parameters":["tools","response_format"],"expiration_date":"2026-12-31",
                "architecture":{"input_modalities":["text","image"],"output_modalities":["text"]},
                "pricing":{"prompt":"0.000003","completion":"0.000015","input_cache_read":"3e-7",
                "overrides":[{"min_prompt_tokens":200000,"prompt":"0.000006","completion":"0.0000225"}]}}"#);
        assert_eq!((model.context_window, model.max_output), (Some(200_000), Some(64_000)));
        assert_eq!(model.capabilities, [Capability::Tools, Capability::Json, Capability::Images]);
        assert!(model.capabilities_complete);
        assert_eq!(model.retires_on.as_deref(), Some("2026-12-31"));
        let base =
            Price { input: usd("3"), output: usd("15"), cached_input: Some(usd("0.3")), ..Price::FREE };
        let long = Price { input: usd("6"), output: usd("22.5"), above_tokens: Some(199_999), ..Price::FREE };
        assert_eq!(model.prices, [base, long]);
    }

    #[test]
    fn c2_a_variable_or_missing_price_is_none_and_nought_is_free() {
        let prices = |pricing: &str| one(&format!(r#"{{"id":"m","pricing":{pricing}}}"#)).prices;
        assert!(prices(r#"{"prompt":"-1","completion":"-1"}"#).is_empty());
        assert!(prices(r#"{"prompt":"0.1"}"#).is_empty());
        assert!(prices("null").is_empty());
        assert_eq!(prices(r#"{"prompt":"0","completion":"0"}"#), [Price::FREE]);
    }

    #[test]
    fn others_tell_what_they_tell_under_their_own_names() {
        let together = one(
            r#"{"id":"m","type":"embedding","context_length":32768.0,"pricing":{"input":0.18,"output":0.18}}"#,
        );
        assert_eq!((together.context_window, together.max_output), (Some(32_768), None));
        assert_eq!(together.capabilities, [Capability::Embeddings]);
        assert_eq!(together.prices, [Price { input: usd("0.18"), output: usd("0.18"), ..Price::FREE }]);
        let mistral = one(r#"{"id":"m","max_context_length":131072,"deprecation":"2026-06-30T12:00:00Z",
                "capabilities":{"function_calling":true,"vision":true}}"#);
        assert_eq!(mistral.context_window, Some(131_072));
        assert_eq!(mistral.capabilities, [Capability::Tools, Capability::Images]);
        assert_eq!(
            (mistral.capabilities_complete, mistral.retires_on.as_deref()),
            (false, Some("2026-06-30"))
        );
        let groq = one(r#"{"id":"m","context_window":131072,"max_completion_tokens":32768}"#);
        assert_eq!((groq.context_window, groq.max_output), (Some(131_072), Some(32_768)));
        let odd = one(
            r#"{"id":"m","context_length":"long","pricing":"ask us","capabilities":[1],"deprecation":7}"#,
        );
        assert_eq!(odd, ListedModel { id: "m".into(), ..ListedModel::default() });
    }
}
