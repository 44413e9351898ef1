//! The bundled price table beside the list of prices that it was made from, which lies next to the checkout.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

/// Input, output, cached, cache write, and above how many tokens; `-` where it is not stated.
type Row = [String; 5];
/// By provider and model.
type Rows = BTreeMap<(String, String), Vec<Row>>;

#[test]
fn c2_the_bundled_table_is_the_list_that_it_was_made_from() {
    let Some(list) = list() else {
        println!("skipped: the list of prices is not here");
        return;
    };
    let (listed, bundled) = (listed(&list), bundled());
    for (model, rows) in &listed {
        assert_eq!(bundled.get(model), Some(rows), "{model:?}");
    }
    let unknown: Vec<_> = bundled.keys().filter(|model| !listed.contains_key(*model)).collect();
    assert_eq!(unknown, Vec::<&(String, String)>::new(), "nobody transcribed these");
    println!("{:<12} {:>7} {:>7}", "provider", "models", "rows");
    for provider in listed.keys().map(|(provider, _)| provider).collect::<std::collections::BTreeSet<_>>() {
        let rows = listed.iter().filter(|((of, _), _)| of == provider);
        println!(
            "{provider:<12} {:>7} {:>7}",
            rows.clone().count(),
            rows.map(|(_, rows)| rows.len()).sum::<usize>()
        );
    }
}

#[expect(clippy::disallowed_methods, reason = "the core reads no files; its tests do")]
fn list() -> Option<Value> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/model-prices.json");
    let text = std::fs::read_to_string(beside).ok()?;
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// Without those that this project invented for its Demo.
fn bundled() -> Rows {
    let mut rows = Rows::new();
    for line in include_str!("../../data/prices.tsv").lines().filter(|line| !line.starts_with(['#'])) {
        let mut cells = line.split('\t').map(str::to_owned);
        let mut cell = || cells.next().expect("seven cells");
        let model = (cell(), cell());
        let row = [cell(), cell(), cell(), cell(), cell()];
        if model.0 != "demo" {
            rows.entry(model).or_default().push(row);
        }
    }
    rows
}

/// A model that answers has no row without a price for its answers: its cost stays unknown. Embeddings have no answers.
fn listed(list: &Value) -> Rows {
    let mut rows = Rows::new();
    for model in list["models"].as_array().expect("models") {
        let is_embedding = model["mode"] == "embedding";
        let mut base = row(model);
        if base[1] == "-" && !is_embedding {
            continue;
        }
        if base[1] == "-" {
            base[1] = "0".to_owned();
        }
        let tiers = model["tiers"].as_array().into_iter().flatten().map(row);
        let key = ["provider", "model"].map(|field| model[field].as_str().expect("a name").to_owned());
        rows.insert(key.into(), [base].into_iter().chain(tiers).collect());
    }
    rows
}

fn row(prices: &Value) -> Row {
    let names = [
        "input_per_mtok_usd",
        "output_per_mtok_usd",
        "cached_input_per_mtok_usd",
        "cache_write_per_mtok_usd",
    ];
    let [input, output, cached, write] = names.map(|name| prices[name].as_str().unwrap_or("-").to_owned());
    let above = prices["above_input_tokens"].as_u64().map_or("-".to_owned(), |above| above.to_string());
    [input, output, cached, write, above]
}
