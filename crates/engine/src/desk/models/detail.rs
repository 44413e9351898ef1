//! One model in full, and several side by side.

use std::sync::Arc;

use patchbay_core::diagnose::nearest;
use patchbay_core::model::{ModelState, is_same_model};
use patchbay_core::money::DecimalUsd;
use patchbay_store::model;
use patchbay_store::model::RelianceKind;
use serde::Serialize;

use super::library::{Library, Model, ModelReach, mix_price};
use crate::Engine;
use crate::desk::prices::{PriceVersion, versions};
use crate::error::Error;

/// How many replacements and near names are proposed.
const PROPOSED: usize = 5;

/// A model with everything that is known of it.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ModelDetail {
    /// The model.
    pub model: Model,
    /// Per million tokens of what the user used of this model itself; `None` without a price or without use.
    pub own_mix_price: Option<DecimalUsd>,
    /// Everything that was ever said of its price, the user's first.
    pub prices: Vec<PriceVersion>,
    /// The same model at other providers.
    pub elsewhere: Vec<Model>,
    /// What stops working when it is gone.
    pub relied_on_by: Vec<Reliance>,
    /// Ids of its provider that could take its place, where it is gone or going.
    pub replacements: Vec<String>,
}

/// Something that relies on a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Reliance {
    /// `default_model`, `profile` or `alias`.
    pub kind: String,
    /// The connection's key, the profile's name or the alias.
    pub name: String,
}

impl From<model::Reliance> for Reliance {
    fn from(reliance: model::Reliance) -> Self {
        let kind = match reliance.kind {
            RelianceKind::DefaultModel => "default_model",
            RelianceKind::Profile => "profile",
            RelianceKind::Alias => "alias",
        };
        Self { kind: kind.to_owned(), name: reliance.name }
    }
}

/// A model beside others.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Compared {
    /// The model.
    pub model: Model,
    /// What all tokens of the user's last 30 days would have cost here; `None` without a price or without use.
    pub month_cost: Option<DecimalUsd>,
}

/// One model.
pub async fn detail(engine: &Arc<Engine>, provider: String, name: String) -> Result<ModelDetail, Error> {
    engine
        .blocking(move |engine| {
            let library = Library::read(engine)?;
            if !library.names().contains(&(provider.as_str(), name.as_str())) {
                return Err(unknown(&library, &name));
            }
            let shown = library.model(&provider, &name);
            let relied_on_by = engine.store.read(|db| model::relying(db, &provider, &name))?;
            let used = library.uses.get(&(provider.clone(), name.clone()));
            let price = library.snapshot.prices.find(&provider, &name, library.now, 0);
            let own = used.zip(price).and_then(|(used, price)| mix_price(&price, used));
            let others = library.names();
            let elsewhere =
                others.iter().filter(|(slug, other)| *slug != provider && is_same_model(other, &name));
            Ok(ModelDetail {
                own_mix_price: own.map(Into::into),
                prices: versions(&library.snapshot.prices, &provider, &name, library.now),
                elsewhere: elsewhere.map(|(slug, other)| library.model(slug, other)).collect(),
                relied_on_by: relied_on_by.into_iter().map(Into::into).collect(),
                replacements: replacements(&library, &shown),
                model: shown,
            })
        })
        .await
}

/// Nothing changes by itself: these are only proposed (M3).
fn replacements(library: &Library, model: &Model) -> Vec<String> {
    if model.state == ModelState::Available {
        return Vec::new();
    }
    let others = library.names().into_iter().filter(|(slug, name)| {
        *slug == model.provider && library.model(slug, name).state == ModelState::Available
    });
    let names: Vec<String> = others.map(|(_, name)| name.to_owned()).collect();
    nearest(&model.model, &names, PROPOSED).into_iter().map(str::to_owned).collect()
}

/// Models side by side, each as `provider-slug/model`.
pub async fn compare(engine: &Arc<Engine>, ids: Vec<String>) -> Result<Vec<Compared>, Error> {
    engine
        .blocking(move |engine| {
            let library = Library::read(engine)?;
            ids.iter().map(|id| compared(&library, id)).collect()
        })
        .await
}

fn compared(library: &Library, id: &str) -> Result<Compared, Error> {
    let (provider, name) = named(library, id, None)?;
    let tokens = library.all_use.tokens();
    let price = library.snapshot.prices.find(provider, name, library.now, 0);
    let used = library.all_use.input + library.all_use.output > 0;
    Ok(Compared {
        model: library.model(provider, name),
        month_cost: price.filter(|_| used).map(|price| price.cost(&tokens).into()),
    })
}

/// The provider and the model that a text means: `provider-slug/model`, or a bare id that only one provider has, or only one
/// that is connected.
pub async fn resolve(
    engine: &Arc<Engine>,
    text: String,
    provider: Option<String>,
) -> Result<(String, String), Error> {
    engine
        .blocking(move |engine| {
            let library = Library::read(engine)?;
            let (provider, name) = named(&library, &text, provider.as_deref())?;
            Ok((provider.to_owned(), name.to_owned()))
        })
        .await
}

fn named<'a>(library: &'a Library, text: &str, provider: Option<&str>) -> Result<(&'a str, &'a str), Error> {
    let names = library.names();
    if let Some(slug) = provider {
        library.snapshot.provider(slug)?;
    } else if let Some((slug, model)) = text.split_once('/')
        && let Some(exact) = names.iter().find(|known| **known == (slug, model))
    {
        return Ok(*exact);
    }
    let fits =
        names.iter().filter(|(slug, model)| *model == text && provider.is_none_or(|wanted| wanted == *slug));
    let fitting: Vec<(&str, &str)> = fits.copied().collect();
    let is_connected =
        |(slug, model): &&(&str, &str)| library.model(slug, model).reach != ModelReach::NotConnected;
    let connected: Vec<_> = fitting.iter().filter(is_connected).collect();
    match (fitting.as_slice(), connected.as_slice()) {
        ([], _) => Err(unknown(library, text)),
        ([one], _) => Ok(*one),
        (_, [one]) => Ok(**one),
        _ => Err(ambiguous(text, &fitting)),
    }
}

fn ambiguous(text: &str, fitting: &[(&str, &str)]) -> Error {
    let choices: Vec<String> = fitting.iter().map(|(slug, model)| format!("{slug}/{model}")).collect();
    Error::invalid(
        format!("\"{text}\" is offered by several providers."),
        format!("Write {}.", choices.join(" or ")),
    )
}

fn unknown(library: &Library, text: &str) -> Error {
    let names: Vec<String> = library.names().into_iter().map(|(_, model)| model.to_owned()).collect();
    let near = nearest(text, &names, PROPOSED);
    Error::new(
        patchbay_core::code::Code::NotFound,
        format!("There is no model \"{text}\" in the catalogue."),
        format!("The nearest are {}. `patchbay models sync` reads the providers' lists.", near.join(", ")),
    )
}
