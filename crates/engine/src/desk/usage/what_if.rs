//! The same traffic on another model, as a profile would send it, or at a price of one's own.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::ledger::UsageType;
use patchbay_core::model::bundled;
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::price::Price;
use patchbay_core::profile::Place;
use patchbay_core::report::{Column, Columns, Detail, Field, Filter, Relation, Totals, Traffic};
use patchbay_core::time::{HOUR_MS, Range, Timestamp};
use patchbay_store::{Db, StoreError, rollup, series};
use serde::{Deserialize, Serialize};

use super::query::UsageQuery;
use super::view::short;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// Models that are compared where nobody chose any.
const SUGGESTED: usize = 4;
/// What begins the id of a profile; no provider's slug has a colon.
const PROFILE: &str = "profile:";
/// How far back it is looked how long a model's answers take.
const MEASURED_MS: i64 = 30 * 24 * HOUR_MS;

/// A price to try, in decimal dollars per million tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct TriedPrice {
    /// Of input tokens.
    pub input: String,
    /// Of output tokens.
    pub output: String,
}

/// What the same traffic would have been elsewhere. The quality of answers is not compared.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct WhatIf {
    /// What it did cost, as far as costs are known.
    pub actual: DecimalUsd,
    /// Attempts that told their tokens: what estimates are made of.
    pub attempts: u32,
    /// Attempts whose cost is not known; the actual cost is without them.
    pub unpriced_attempts: u32,
    /// Attempts of other types than chat, which are left out on both sides unless the query says which types it means: no chat model
    /// would have made an embedding.
    pub other_attempts: u32,
    /// The alternatives, the dearest first.
    pub rows: Vec<WhatIfRow>,
    /// What else can be chosen.
    pub options: Vec<WhatIfOption>,
}

/// One alternative.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct WhatIfRow {
    /// `provider/model`, `profile:NAME`; empty for a price of one's own.
    pub id: String,
    /// The model's id at its provider; the profile's name.
    pub model: String,
    /// Of a profile: the first step of its chain, `provider/model`. Traffic goes there while it works.
    pub first_step: Option<String>,
    /// Two letters for the tile.
    pub tile: String,
    /// Colour of the tile, 1 to 6.
    pub color: u8,
    /// What the traffic would have cost; `None` where its price is not known.
    pub cost: Option<DecimalUsd>,
    /// What it costs more (or less, where negative) in basis points of the actual cost.
    pub change_bp: Option<i32>,
    /// Attempts that would not have fitted into its context, within 1 %; `None` where its size is not known.
    pub too_long: Option<u32>,
    /// Median time of its answers here in the last 30 days; `None` where there were none.
    pub p50_ms: Option<u32>,
    /// Its 95th percentile.
    pub p95_ms: Option<u32>,
}

/// A model or profile that can be chosen.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct WhatIfOption {
    /// `provider/model`, `profile:NAME`.
    pub id: String,
    /// The model's id at its provider; the profile's name.
    pub model: String,
    /// Its provider's name; of a profile, that of its first step.
    pub provider_name: String,
    /// Whether it is a profile.
    pub is_profile: bool,
    /// Dollars per million input tokens.
    pub input_price: DecimalUsd,
    /// Dollars per million output tokens.
    pub output_price: DecimalUsd,
}

/// Compares the traffic of a query with these models (`provider/model`) and profiles (`profile:NAME`), or with some models that
/// are in use where none is named.
pub async fn what_if(
    engine: &Arc<Engine>,
    query: UsageQuery,
    models: Vec<String>,
    price: Option<TriedPrice>,
    zone: TimeZone,
) -> Result<WhatIf, Error> {
    engine
        .blocking(move |engine| {
            let now = clock::now();
            let spans = query.days.spans(now, &zone)?;
            let snapshot = engine.snapshot()?;
            let tried = price.map(|price| read_price(&price)).transpose()?;
            let chosen = models.iter().map(|id| named(&snapshot, id)).collect::<Result<Vec<_>, _>>()?;
            let compared = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                let known = known(&db, &snapshot, now)?;
                let (makes, filter, other_attempts) = meant(&db, query.filter(spans.range))?;
                let totals = rollup::totals(&db, &filter)?;
                let chosen = if chosen.is_empty() && tried.is_none() {
                    suggested(&db, &known, makes, &snapshot, now)?
                } else {
                    chosen
                };
                let comparison = Comparison { db: &db, snapshot: &snapshot, now, totals: &totals };
                let mut rows =
                    chosen.iter().map(|choice| comparison.row(choice)).collect::<Result<Vec<_>, _>>()?;
                rows.extend(tried.map(|price| comparison.at_price(price)));
                rows.sort_by_key(|row| std::cmp::Reverse(cost_of(row)));
                Ok(WhatIf {
                    actual: totals.cost.into(),
                    attempts: short(totals.sizes.count()),
                    unpriced_attempts: short(totals.unpriced_attempts),
                    other_attempts: short(other_attempts),
                    rows,
                    options: options(&known, &snapshot, now),
                })
            });
            Ok(compared?)
        })
        .await
}

/// What kind of models the traffic is for, the filter of what can be compared, and how many attempts that leaves out.
fn meant(db: &Db, filter: Filter) -> Result<(Makes, Filter, u64), StoreError> {
    let types = filter.conditions.iter().find(|condition| condition.field == Field::Type);
    if let Some(types) = types {
        let makes_vectors = types.values == [UsageType::Embedding.as_str()] && types.relation == Relation::Is;
        return Ok((if makes_vectors { Makes::Vectors } else { Makes::Answers }, filter, 0));
    }
    let others = filter.clone().and(Field::Type, Relation::IsNot, UsageType::Chat.as_str());
    let mut left_out = 0;
    rollup::scan(db, &others, &Detail::whole(Columns::of(&[Column::Attempts])), |bucket| {
        left_out += bucket.counts.attempts;
    })?;
    Ok((Makes::Answers, filter.only(Field::Type, UsageType::Chat.as_str()), left_out))
}

/// What models make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Makes {
    Answers,
    Vectors,
}

fn cost_of(row: &WhatIfRow) -> Option<NanoUsd> {
    row.cost.as_ref().and_then(|cost| NanoUsd::from_decimal(&cost.0))
}

fn read_price(price: &TriedPrice) -> Result<Price, Error> {
    let amount = |text: &str| {
        NanoUsd::from_decimal(text.trim()).ok_or_else(|| {
            Error::invalid(
                format!("\"{text}\" is no price."),
                "Write dollars per million tokens, such as 0.15.",
            )
        })
    };
    Ok(Price { input: amount(&price.input)?, output: amount(&price.output)?, ..Price::FREE })
}

/// What the traffic is compared with.
struct Choice {
    provider: String,
    model: String,
    profile: Option<String>,
}

impl Choice {
    fn model((provider, model): (String, String)) -> Self {
        Self { provider, model, profile: None }
    }

    fn id(&self) -> String {
        match &self.profile {
            Some(name) => format!("{PROFILE}{name}"),
            None => self.target(),
        }
    }

    fn target(&self) -> String {
        format!("{}/{}", self.provider, self.model)
    }

    /// What was answered here already.
    fn measured(&self, range: Range) -> Filter {
        match &self.profile {
            Some(name) => Filter::during(range).only(Field::Profile, name),
            None => {
                Filter::during(range).only(Field::Provider, &self.provider).only(Field::Model, &self.model)
            }
        }
    }
}

fn named(snapshot: &Snapshot, id: &str) -> Result<Choice, Error> {
    if let Some(name) = id.strip_prefix(PROFILE) {
        return profiles(snapshot).find(|choice| choice.profile.as_deref() == Some(name)).ok_or_else(|| {
            Error::invalid(
                format!("There is no profile \"{name}\" whose first step leads anywhere."),
                "Write profile:NAME, as `patchbay profiles list` shows it.",
            )
        });
    }
    let parts = id.split_once('/').filter(|(provider, model)| !provider.is_empty() && !model.is_empty());
    parts.map(|(provider, model)| Choice::model((provider.to_owned(), model.to_owned()))).ok_or_else(|| {
        Error::invalid(
            format!("\"{id}\" names no model."),
            "Write PROVIDER/MODEL, as `patchbay models list` shows it, or profile:NAME.",
        )
    })
}

/// The profiles in use with the first step of their chains.
fn profiles(snapshot: &Snapshot) -> impl Iterator<Item = Choice> {
    snapshot.profiles.iter().filter(|profile| !profile.is_archived).filter_map(|profile| {
        let step = profile.version.spec.targets.first()?;
        let provider = match step.place()? {
            Place::Connection(key) => &snapshot.connection(key)?.provider,
            Place::Provider(slug) => slug,
        };
        let (provider, model) = (provider.to_owned(), step.model.clone());
        Some(Choice { provider, model, profile: Some(profile.name.clone()) })
    })
}

/// Models with a price that were ever called, or that a connection would call.
fn known(db: &Db, snapshot: &Snapshot, now: Timestamp) -> Result<BTreeSet<(String, String)>, StoreError> {
    let called = series::all(db)?.into_iter().map(|labels| (labels.provider, labels.model));
    let would = snapshot.connections.iter().flat_map(|connection| {
        let models = connection.models.iter().chain(&connection.default_model);
        models.map(|model| (connection.provider.clone(), model.clone()))
    });
    let priced =
        |(provider, model): &(String, String)| snapshot.prices.find(provider, model, now, 0).is_some();
    Ok(called.chain(would).filter(priced).collect())
}

/// Of those that make what the traffic is for, the ones that were called most in the last 30 days. What costs nothing is for those who
/// choose it: it would win over everything else, on whatever machine it runs.
fn suggested(
    db: &Db,
    known: &BTreeSet<(String, String)>,
    makes: Makes,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Result<Vec<Choice>, StoreError> {
    let range = Range { from: now.plus_ms(-MEASURED_MS), to: now.plus_ms(1) };
    let fits = |(provider, model): &(String, String)| {
        let price = snapshot.prices.find(provider, model, now, 0);
        let costs = price.is_some_and(|price| price.input.0 > 0 || price.output.0 > 0);
        costs && bundled(provider, model).embeds == (makes == Makes::Vectors)
    };
    let mut used: Vec<_> =
        rollup::by_model(db, range)?.into_iter().filter(|(id, _)| known.contains(id) && fits(id)).collect();
    used.sort_by_key(|(_, used)| std::cmp::Reverse(used.calls));
    let first = used.into_iter().map(|(id, _)| Choice::model(id)).take(SUGGESTED);
    Ok(first.collect())
}

fn options(known: &BTreeSet<(String, String)>, snapshot: &Snapshot, now: Timestamp) -> Vec<WhatIfOption> {
    let option = |choice: Choice| {
        let price = snapshot.prices.find(&choice.provider, &choice.model, now, 0)?;
        Some(WhatIfOption {
            id: choice.id(),
            provider_name: snapshot.provider_name(&choice.provider).to_owned(),
            is_profile: choice.profile.is_some(),
            model: choice.profile.unwrap_or(choice.model),
            input_price: price.input.into(),
            output_price: price.output.into(),
        })
    };
    known.iter().cloned().map(Choice::model).chain(profiles(snapshot)).filter_map(option).collect()
}

struct Comparison<'a> {
    db: &'a Db,
    snapshot: &'a Snapshot,
    now: Timestamp,
    totals: &'a Totals,
}

impl Comparison<'_> {
    fn row(&self, choice: &Choice) -> Result<WhatIfRow, StoreError> {
        let (provider, model) = (choice.provider.as_str(), choice.model.as_str());
        let traffic = Traffic::of(self.totals);
        let price = self.snapshot.prices.find(provider, model, self.now, traffic.typical_input());
        let facts =
            self.snapshot.models.iter().find(|facts| facts.provider == provider && facts.model == model);
        let context = facts.and_then(|facts| facts.context).or(bundled(provider, model).context_window);
        let range = Range { from: self.now.plus_ms(-MEASURED_MS), to: self.now.plus_ms(1) };
        let measured = rollup::totals(self.db, &choice.measured(range))?.latency;
        let (tile, color) = self.snapshot.tile(provider);
        let other = traffic.at(price, context.map(u64::from));
        Ok(WhatIfRow {
            id: choice.id(),
            model: choice.profile.as_deref().unwrap_or(model).to_owned(),
            first_step: choice.profile.is_some().then(|| choice.target()),
            tile,
            color,
            change_bp: self.change(other.cost),
            cost: other.cost.map(Into::into),
            too_long: other.too_long.map(short),
            p50_ms: measured.percentile(50.0),
            p95_ms: measured.percentile(95.0),
        })
    }

    fn at_price(&self, price: Price) -> WhatIfRow {
        let cost = Traffic::of(self.totals).at(Some(price), None).cost;
        WhatIfRow {
            id: String::new(),
            model: format!("${} in, ${} out", price.input, price.output),
            first_step: None,
            tile: "$".to_owned(),
            color: 6,
            change_bp: self.change(cost),
            cost: cost.map(Into::into),
            too_long: None,
            p50_ms: None,
            p95_ms: None,
        }
    }

    fn change(&self, cost: Option<NanoUsd>) -> Option<i32> {
        let (cost, actual) = (i128::from(cost?.0), i128::from(self.totals.cost.0));
        i32::try_from(((cost - actual) * 10_000).checked_div(actual)?).ok()
    }
}
