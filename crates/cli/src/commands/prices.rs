//! `patchbay prices`

use std::sync::Arc;

use patchbay_core::money::DecimalUsd;
use patchbay_core::price::PriceSource;
use patchbay_core::time::{Timestamp, parse_moment};
use patchbay_engine::Engine;
use patchbay_engine::desk::models::{self, Model, ModelQuery};
use patchbay_engine::desk::prices::{self, PriceDraft, PriceTier, PriceVersion, UnpricedModel};
use patchbay_engine::error::Error;

use super::models::price;
use super::zone;
use crate::args::{PriceSet, Prices};
use crate::output::{Output, table};

pub(super) async fn run(engine: &Arc<Engine>, command: Prices, output: &Output) -> Result<(), Error> {
    match command {
        Prices::Show { model, provider } => {
            let (provider, model) = models::resolve(engine, model, provider).await?;
            output.document(&prices::history(engine, &provider, &model)?, |all| versions(all));
        }
        Prices::List { unpriced: true } => {
            output.document(&prices::unpriced(engine).await?, |all| without_price(all));
        }
        Prices::List { unpriced: false } => {
            let mut all = models::list(engine, ModelQuery::default()).await?.models;
            all.retain(|model| model.requests > 0);
            output.document(&all, |all| used(all));
        }
        Prices::Set(args) => set(engine, *args, output).await?,
        Prices::Unset { model, provider, from } => {
            let from = from.as_deref().map(moment).transpose()?;
            let (provider, model) = which(engine, model, provider).await?;
            output.document(&prices::unset(engine, provider, model, from).await?, |all| versions(all));
        }
    }
    Ok(())
}

async fn set(engine: &Arc<Engine>, args: PriceSet, output: &Output) -> Result<(), Error> {
    let mut tiers = vec![PriceTier {
        above_tokens: None,
        input: DecimalUsd(args.input),
        output: DecimalUsd(args.output),
        cached: args.cached.map(DecimalUsd),
        cache_write: args.cache_write.map(DecimalUsd),
    }];
    for text in &args.tiers {
        tiers.push(tier(text)?);
    }
    let effective_from = args.from.as_deref().map(moment).transpose()?;
    let (provider, model) = which(engine, args.model, args.provider).await?;
    let draft = PriceDraft { provider, model, effective_from, tiers };
    output.document(&prices::set(engine, draft).await?, |all| versions(all));
    Ok(())
}

/// A price may be set for a model that no list names, where its provider is given.
async fn which(
    engine: &Arc<Engine>,
    model: String,
    provider: Option<String>,
) -> Result<(String, String), Error> {
    match provider {
        Some(provider) => Ok((provider, model)),
        None => models::resolve(engine, model, None).await,
    }
}

fn tier(text: &str) -> Result<PriceTier, Error> {
    let parts: Vec<&str> = text.split(':').collect();
    let amount = |index: usize| parts.get(index).map(|part| DecimalUsd((*part).to_owned()));
    let above = parts.first().and_then(|above| above.parse().ok());
    match (above, amount(1), amount(2)) {
        (Some(above), Some(input), Some(output)) if parts.len() <= 5 => Ok(PriceTier {
            above_tokens: Some(above),
            input,
            output,
            cached: amount(3),
            cache_write: amount(4),
        }),
        _ => Err(Error::invalid(
            format!("\"{text}\" is no tier."),
            "Write TOKENS:INPUT:OUTPUT, such as 200000:2.50:15.",
        )),
    }
}

fn moment(text: &str) -> Result<Timestamp, Error> {
    parse_moment(text, &zone()).ok_or_else(|| {
        Error::invalid(format!("\"{text}\" is no date."), "Write 2026-12-01, or 2026-12-01T00:00:00Z.")
    })
}

/// Who says what, for people.
pub(super) fn versions(all: &[PriceVersion]) -> String {
    if all.is_empty() {
        return "No price is known. `patchbay prices set` sets one of your own.\n".to_owned();
    }
    let rows = all.iter().flat_map(|version| version.tiers.iter().map(move |tier| (version, tier)));
    let rows = rows.map(|(version, tier)| {
        vec![
            source(version.source).to_owned(),
            version.effective_from.map_or_else(|| "always".to_owned(), Timestamp::to_rfc3339),
            tier.above_tokens.map_or_else(|| "-".to_owned(), |above| format!("> {above}")),
            price(Some(&tier.input)),
            price(Some(&tier.output)),
            price(tier.cached.as_ref()),
            price(tier.cache_write.as_ref()),
            if version.in_effect { "in effect".to_owned() } else { String::new() },
        ]
    });
    table(&["WHO", "SINCE", "INPUT", "IN / 1M", "OUT / 1M", "CACHED", "CACHE WRITE", ""], rows)
}

fn source(source: PriceSource) -> &'static str {
    match source {
        PriceSource::User => "yours",
        PriceSource::Provider => "provider",
        PriceSource::Bundled => "bundled",
    }
}

fn without_price(all: &[UnpricedModel]) -> String {
    if all.is_empty() {
        return "Every model that you called in the last 30 days has a price.\n".to_owned();
    }
    let rows = all.iter().map(|m| vec![m.provider.clone(), m.model.clone(), m.attempts.to_string()]);
    table(&["PROVIDER", "MODEL", "ATTEMPTS WITHOUT PRICE"], rows)
}

fn used(all: &[Model]) -> String {
    let rows = all.iter().map(|m| {
        let who = m.price_source.map_or("-", source);
        vec![m.id.clone(), price(m.input_price.as_ref()), price(m.output_price.as_ref()), who.to_owned()]
    });
    table(&["MODEL", "IN / 1M", "OUT / 1M", "WHO"], rows)
}
