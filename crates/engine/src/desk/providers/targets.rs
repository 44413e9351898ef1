//! What a prompt can be sent to.

use std::sync::Arc;

use patchbay_core::connection::ConnectionStatus;
use patchbay_core::money::DecimalUsd;
use patchbay_core::price::PriceBook;
use patchbay_core::provider::ProviderStatus;
use serde::Serialize;

use crate::error::Error;
use crate::{Engine, clock};

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
            let (tile, color) = snapshot.tile(&connection.provider);
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
                usable: connection.status == ConnectionStatus::Active
                    && connection.facts.status != ProviderStatus::Maintenance,
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
