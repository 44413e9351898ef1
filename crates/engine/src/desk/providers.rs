//! Providers, and what a prompt can be sent to.

use std::sync::Arc;

use patchbay_core::catalog::{self, KeyNeed, Protocol};
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::money::DecimalUsd;
use patchbay_core::price::PriceBook;
use serde::Serialize;

use crate::error::Error;
use crate::{Engine, clock};

/// A provider as the window shows it.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Provider {
    /// Unique.
    pub slug: String,
    /// As people write it.
    pub name: String,
    /// Two letters for the tile.
    pub tile: String,
    /// 1..=6: its fixed chart colour.
    pub color: u8,
    /// What it speaks.
    pub protocol: Protocol,
    /// Empty where the user must give one.
    pub base_url: String,
    /// One line under its name.
    pub blurb: String,
    /// Whether it wants a key.
    pub key: KeyNeed,
    /// What its keys start with; empty for any.
    pub key_prefix: String,
    /// Whether it has a page where keys are made.
    pub has_keys_page: bool,
    /// Runs on this machine.
    pub local: bool,
    /// Shown in the short picker of the first run.
    pub featured: bool,
    /// The model offered first; empty for none.
    pub default_model: String,
    /// Models known without asking.
    pub known_models: Vec<String>,
}

/// All providers, in the order of the picker.
pub fn list() -> Vec<Provider> {
    catalog::providers().iter().map(view).collect()
}

fn view(provider: &catalog::CatalogProvider) -> Provider {
    Provider {
        slug: provider.slug.clone(),
        name: provider.name.clone(),
        tile: provider.tile.clone(),
        color: provider.color,
        protocol: provider.protocol,
        base_url: provider.base_url.clone(),
        blurb: provider.blurb.clone(),
        key: provider.key,
        key_prefix: provider.key_prefix.clone(),
        has_keys_page: !provider.keys_page.is_empty(),
        local: provider.local,
        featured: provider.featured,
        default_model: provider.default_model.clone(),
        known_models: provider.known_models.clone(),
    }
}

/// The page where a provider's keys are made; only addresses of the catalogue are ever opened.
pub fn keys_page(slug: &str) -> Result<&'static str, Error> {
    let page =
        catalog::provider(slug).map(|provider| provider.keys_page.as_str()).filter(|page| !page.is_empty());
    page.ok_or_else(|| {
        Error::invalid(format!("\"{slug}\" has no page for keys."), "Ask whoever runs this server for a key.")
    })
}

/// A provider's tile: two letters and a colour.
pub(super) fn tile(slug: &str) -> (String, u8) {
    match catalog::provider(slug) {
        Some(provider) => (provider.tile.clone(), provider.color),
        None => (slug.chars().take(2).collect::<String>().to_uppercase(), 6),
    }
}

/// Something a prompt can be sent to.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Target {
    /// `connection_key/model`.
    pub id: String,
    /// The model id.
    pub model: String,
    /// The connection key.
    pub connection: String,
    /// The connection's name.
    pub connection_name: String,
    /// Two letters for the tile.
    pub tile: String,
    /// 1..=6.
    pub color: u8,
    /// Per million tokens; `None` = unknown.
    pub input_price: Option<DecimalUsd>,
    /// Per million tokens; `None` = unknown.
    pub output_price: Option<DecimalUsd>,
    /// Whether it may be called now.
    pub usable: bool,
}

/// Every model of every connection, the default model of each first.
pub fn targets(engine: &Arc<Engine>) -> Result<Vec<Target>, Error> {
    let snapshot = engine.snapshot()?;
    let mut targets = Vec::new();
    for connection in &snapshot.connections {
        let first = connection.default_model.iter();
        let others =
            connection.models.iter().filter(|model| connection.default_model.as_ref() != Some(model));
        for model in first.chain(others) {
            let (tile, color) = tile(&connection.provider);
            let (input_price, output_price) = prices(&snapshot.prices, &connection.provider, model);
            targets.push(Target {
                id: format!("{}/{model}", connection.key),
                model: model.clone(),
                connection: connection.key.clone(),
                connection_name: connection.name.clone(),
                tile,
                color,
                input_price,
                output_price,
                usable: connection.status == ConnectionStatus::Active,
            });
        }
    }
    Ok(targets)
}

fn prices(book: &PriceBook, provider: &str, model: &str) -> (Option<DecimalUsd>, Option<DecimalUsd>) {
    match book.find(provider, model, clock::now(), 0) {
        Some(price) => (Some(price.input.into()), Some(price.output.into())),
        None => (None, None),
    }
}
