//! Lists of models.

use patchbay_core::dialect::models::ListedModel;
use patchbay_core::dialect::{anthropic, gemini, openai};
use patchbay_core::money::NanoUsd;
use serde_json::{Value, json};

use crate::dialects::Dialect;
use crate::exchange::Exchange;

pub fn check(dialect: &Dialect, exchange: &Exchange) {
    let (name, body, list) = (&exchange.name, exchange.answer(), exchange.json());
    match dialect.name {
        "anthropic" => {
            let page = anthropic::decode_models(&body).expect(name);
            let listed = list["data"].as_array().expect("a list");
            assert_eq!((page.models.len(), page.next), (listed.len(), None), "{name}");
            for (model, listed) in page.models.iter().zip(listed) {
                assert_eq!(model.id, listed["id"], "{name}");
                assert_eq!(json!(model.context_window), listed["max_input_tokens"], "{name}");
                assert_eq!(json!(model.max_output), listed["max_tokens"], "{name}");
            }
        }
        "gemini" => check_gemini(exchange),
        _ => {
            let page = openai::decode_models(&body).expect(name);
            let listed = list["data"].as_array().expect("a list");
            let ids: Vec<&str> = listed.iter().filter_map(|model| model["id"].as_str()).collect();
            let found: Vec<&str> = page.models.iter().map(|model| model.id.as_str()).collect();
            assert_eq!(found, ids, "{name}");
            check_marketplace(name, &page.models, listed);
        }
    }
}

/// What a marketplace tells beside the ids: sizes, and prices per token where this program counts them per million.
fn check_marketplace(name: &str, models: &[ListedModel], listed: &[Value]) {
    for (model, listed) in models.iter().zip(listed).filter(|(_, listed)| listed["pricing"].is_object()) {
        assert_eq!(json!(model.context_window), listed["context_length"], "{name}: {}", model.id);
        let told = listed["pricing"]["prompt"].as_str().and_then(NanoUsd::from_decimal);
        if let (Some(price), Some(told)) = (model.prices.first(), told) {
            assert_eq!(price.input.0, told.0 * 1_000_000, "{name}: {}", model.id);
        }
    }
}

/// Those that answer or embed, without the folder in their names.
fn check_gemini(exchange: &Exchange) {
    let page = gemini::decode_models(&exchange.answer()).expect("a list");
    let list = exchange.json();
    let answers = |model: &&Value| {
        let methods = model["supportedGenerationMethods"].to_string();
        methods.contains("\"generateContent\"") || methods.contains("\"embedContent\"")
    };
    let listed: Vec<&Value> = list["models"].as_array().expect("models").iter().filter(answers).collect();
    assert_eq!((page.models.len(), json!(page.next)), (listed.len(), list["nextPageToken"].clone()));
    for (model, listed) in page.models.iter().zip(listed) {
        assert_eq!(format!("models/{}", model.id), listed["name"]);
        assert_eq!(json!(model.context_window), listed["inputTokenLimit"]);
        assert_eq!(json!(model.max_output), listed["outputTokenLimit"]);
    }
}
