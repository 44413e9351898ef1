//! Prices: what is known, who says it, and the user's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::price::{self as rules, Price, PriceBook, PriceSource};
use patchbay_core::report::{Column, Columns, Detail, Field, Filter};
use patchbay_core::time::{HOUR_MS, Range, Timestamp};
use patchbay_store::{Db, Recorded, StoreError, model, price, rollup};
use serde::{Deserialize, Serialize};

use crate::changes::Changed;
use crate::error::Error;
use crate::{Engine, clock};

/// How far back calls without a price are looked for.
const MONTH_MS: i64 = 30 * 24 * HOUR_MS;

/// The prices of a model from a moment on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct PriceVersion {
    /// Who says so; the user's are "Yours" and can be removed.
    pub source: PriceSource,
    /// Since when; `None` for the bundled table, which has always held.
    pub effective_from: Option<Timestamp>,
    /// It is the one that calls are priced by now.
    pub in_effect: bool,
    /// For every prompt first, then for those above a size.
    pub tiers: Vec<PriceTier>,
}

/// Prices in US dollars per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct PriceTier {
    /// It holds for the whole call once its prompt is longer than so many tokens; `None` for every prompt.
    #[specta(type = Option<u32>)]
    pub above_tokens: Option<u64>,
    /// Input that is neither cached nor written to a cache.
    pub input: DecimalUsd,
    /// Output, reasoning included.
    pub output: DecimalUsd,
    /// Input read from a cache; `None` = as input.
    pub cached: Option<DecimalUsd>,
    /// Input written to a cache; `None` = as input.
    pub cache_write: Option<DecimalUsd>,
}

impl From<&Price> for PriceTier {
    fn from(price: &Price) -> Self {
        Self {
            above_tokens: price.above_tokens,
            input: price.input.into(),
            output: price.output.into(),
            cached: price.cached_input.map(Into::into),
            cache_write: price.cache_write.map(Into::into),
        }
    }
}

/// A price of the user's own.
#[derive(Clone, Debug, Deserialize, specta::Type)]
pub struct PriceDraft {
    /// The provider's slug.
    pub provider: String,
    /// The model, exactly.
    pub model: String,
    /// Since when; `None` = now. Calls that were made before stay as they were priced.
    pub effective_from: Option<Timestamp>,
    /// One for every prompt, and any for those above a size.
    pub tiers: Vec<PriceTier>,
}

/// A model that was called and has no price.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct UnpricedModel {
    /// The provider's slug.
    pub provider: String,
    /// The model.
    pub model: String,
    /// Attempts of the last 30 days whose cost is not known.
    pub attempts: u32,
    /// About when the last one was.
    pub last_at: Option<Timestamp>,
}

/// Everything that was ever said of a model's price, the user's first.
pub fn history(engine: &Engine, provider: &str, model: &str) -> Result<Vec<PriceVersion>, Error> {
    let snapshot = engine.snapshot()?;
    snapshot.provider(provider)?;
    Ok(versions(&snapshot.prices, provider, model, clock::now()))
}

pub(super) fn versions(book: &PriceBook, provider: &str, model: &str, now: Timestamp) -> Vec<PriceVersion> {
    let in_effect = book.in_effect(provider, model, now);
    let view = |version: &rules::PriceVersion| {
        let mut tiers = version.prices.clone();
        tiers.sort_by_key(|price| price.above_tokens);
        let is_in_effect = in_effect
            .is_some_and(|(source, prices)| source == version.source && prices == version.prices)
            && version.effective_from <= now;
        PriceVersion {
            source: version.source,
            effective_from: Some(version.effective_from).filter(|_| version.source != PriceSource::Bundled),
            in_effect: is_in_effect,
            tiers: tiers.iter().map(Into::into).collect(),
        }
    };
    book.history(provider, model).iter().map(view).collect()
}

/// Sets a price of the user's own. It comes before all others from its date on; what was priced before stays (C3).
pub async fn set(engine: &Arc<Engine>, draft: PriceDraft) -> Result<Vec<PriceVersion>, Error> {
    engine.snapshot()?.provider(&draft.provider)?;
    let now = clock::now();
    let version = rules::PriceVersion {
        source: PriceSource::User,
        effective_from: draft.effective_from.unwrap_or(now),
        prices: checked(&draft)?,
    };
    let (provider, name) = (draft.provider, draft.model);
    let of = (provider.clone(), name.clone());
    engine
        .change(move |db| {
            price::set(db, &of.0, &of.1, &version, now)?;
            let entry = Entry::user(Action::Create, Kind::Price, format!("{}/{}", of.0, of.1));
            Ok(Recorded::new((), entry.change(Change::made(&version))))
        })
        .await?;
    engine.changes.send(Changed::Models);
    history(engine, &provider, &name)
}

fn checked(draft: &PriceDraft) -> Result<Vec<Price>, Error> {
    if !model::is_name(&draft.model) {
        return Err(Error::invalid(
            "A model's id has 1 to 200 characters.",
            "Name the model as its provider does.",
        ));
    }
    let prices = draft.tiers.iter().map(price_of).collect::<Result<Vec<_>, _>>()?;
    let mut sizes: Vec<Option<u64>> = prices.iter().map(|price| price.above_tokens).collect();
    sizes.sort_unstable();
    sizes.dedup();
    if sizes.len() != prices.len() || sizes.first() != Some(&None) {
        return Err(Error::invalid(
            "A price needs one line for every prompt, and one at most for each size.",
            "Give input and output prices, and tiers for longer prompts beside them.",
        ));
    }
    Ok(prices)
}

fn price_of(tier: &PriceTier) -> Result<Price, Error> {
    let amount = |what: &str, text: &DecimalUsd| {
        NanoUsd::from_decimal(text.0.trim()).ok_or_else(|| {
            Error::invalid(
                format!("\"{}\" is no price for {what}.", text.0),
                "Write US dollars per million tokens, such as 0.15; 0 is free.",
            )
        })
    };
    if tier.above_tokens.is_some_and(|above| above == 0 || i64::try_from(above).is_err()) {
        return Err(Error::invalid("A tier begins above a number of tokens.", "Such as 200000."));
    }
    Ok(Price {
        input: amount("input", &tier.input)?,
        output: amount("output", &tier.output)?,
        cached_input: tier.cached.as_ref().map(|text| amount("cached input", text)).transpose()?,
        cache_write: tier.cache_write.as_ref().map(|text| amount("writing to a cache", text)).transpose()?,
        above_tokens: tier.above_tokens,
    })
}

/// Takes the user's own price away: the version of that moment, or all of them. The others hold again from now on.
pub async fn unset(
    engine: &Arc<Engine>,
    provider: String,
    name: String,
    from: Option<Timestamp>,
) -> Result<Vec<PriceVersion>, Error> {
    engine.snapshot()?.provider(&provider)?;
    let of = (provider.clone(), name.clone());
    let removed = engine
        .change(move |db| {
            let removed = price::unset(db, &of.0, &of.1, PriceSource::User, from)?;
            if removed == 0 {
                return Ok(Recorded::unchanged(removed));
            }
            let entry = Entry::user(Action::Delete, Kind::Price, format!("{}/{}", of.0, of.1));
            Ok(Recorded::new(removed, entry.change(Change::default().fact("effective_from", from))))
        })
        .await?;
    if removed == 0 {
        return Err(Error::new(
            patchbay_core::code::Code::NotFound,
            format!("You have set no price of {name} at {provider}."),
            "`patchbay prices show MODEL` tells who says what.",
        ));
    }
    engine.changes.send(Changed::Models);
    history(engine, &provider, &name)
}

/// What was called in the last 30 days and has no price, the most called first.
pub async fn unpriced(engine: &Arc<Engine>) -> Result<Vec<UnpricedModel>, Error> {
    engine
        .blocking(|engine| {
            let now = clock::now();
            let month = Filter::during(Range { from: now.plus_ms(-MONTH_MS), to: now.plus_ms(1) });
            let snapshot = engine.snapshot()?;
            Ok(engine.store.read(|db| without_price(db, &month, &snapshot.prices, now))?)
        })
        .await
}

/// What was called and has no price now, the most called first. A timeout's cost is unknown too, but no price would tell it.
pub(super) fn without_price(
    db: &Db,
    when: &Filter,
    prices: &PriceBook,
    now: Timestamp,
) -> Result<Vec<UnpricedModel>, StoreError> {
    let mut unpriced: BTreeMap<(String, String), u64> = BTreeMap::new();
    rollup::scan(db, when, &Detail::whole(Columns::of(&[Column::UnpricedAttempts])), |bucket| {
        let (provider, model) = (&bucket.labels.provider, &bucket.labels.model);
        let attempts = bucket.counts.unpriced_attempts;
        if attempts > 0 && prices.find(provider, model, now, 0).is_none() {
            *unpriced.entry((provider.clone(), model.clone())).or_default() += attempts;
        }
    })?;
    let model = |((provider, model), attempts): ((String, String), u64)| {
        let filter = when.clone().only(Field::Provider, &provider).only(Field::Model, &model);
        let last_at = rollup::newest_unpriced(db, &filter)?;
        let attempts = u32::try_from(attempts).unwrap_or(u32::MAX);
        Ok(UnpricedModel { provider, model, attempts, last_at })
    };
    let mut models = unpriced.into_iter().map(model).collect::<Result<Vec<_>, StoreError>>()?;
    models.sort_by_key(|model| std::cmp::Reverse(model.attempts));
    Ok(models)
}
