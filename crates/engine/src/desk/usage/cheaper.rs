//! Where an app's traffic would have cost less: the cheapest model that a connection would call, that the app may call, and into
//! whose context all of it would have fitted. The quality of answers is not compared.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::app::App;
use patchbay_core::connection::{Connection, ConnectionStatus};
use patchbay_core::ledger::UsageType;
use patchbay_core::model::{ModelState, bundled};
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::report::{Field, Filter, Traffic};
use patchbay_store::rollup;
use serde::Serialize;

use super::query::Days;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// So many days are looked at, today included.
const DAYS: u32 = 30;
/// Less than a cent is not worth a word.
const LEAST: NanoUsd = NanoUsd(10_000_000);

/// A model on which the same traffic would have cost less.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct AppCheaper {
    /// `provider/model`.
    pub id: String,
    /// The model's id at its provider.
    pub model: String,
    /// Its provider's name.
    pub provider_name: String,
    /// So many days were looked at, today included.
    pub days: u32,
    /// What the app's chat requests did cost, as far as costs are known.
    pub actual: DecimalUsd,
    /// What they would have cost.
    pub cost: DecimalUsd,
    /// The difference.
    pub saving: DecimalUsd,
}

/// Where an app's chat requests of the last 30 days would have cost less; `None` where nowhere.
pub async fn cheaper(engine: &Arc<Engine>, app: String, zone: TimeZone) -> Result<Option<AppCheaper>, Error> {
    engine
        .blocking(move |engine| {
            let spans = Days::Last { days: DAYS }.spans(clock::now(), &zone)?;
            let filter = Filter::during(spans.range)
                .only(Field::App, &app)
                .only(Field::Type, UsageType::Chat.as_str());
            let totals = engine.store.read(|db| rollup::totals(db, &filter))?;
            let snapshot = engine.snapshot()?;
            let traffic = Traffic::of(&totals);
            let of_app = snapshot.app(&app);
            let fitting = candidates(&snapshot, of_app);
            let priced = fitting.into_iter().filter_map(|id| Some((cost(&snapshot, &traffic, id)?, id)));
            let Some((cost, (provider, model))) = priced.min() else { return Ok(None) };
            let saving = NanoUsd(totals.cost.0.saturating_sub(cost.0));
            Ok((saving >= LEAST).then(|| AppCheaper {
                id: format!("{provider}/{model}"),
                model: model.to_owned(),
                provider_name: snapshot.provider_name(provider).to_owned(),
                days: DAYS,
                actual: totals.cost.into(),
                cost: cost.into(),
                saving: saving.into(),
            }))
        })
        .await
}

/// What connections that are on would call, and the app may: neither what makes vectors, nor what has an end.
fn candidates<'a>(snapshot: &'a Snapshot, app: Option<&App>) -> BTreeSet<(&'a str, &'a str)> {
    let on = snapshot.connections.iter().filter(|one| one.status == ConnectionStatus::Active);
    let named = on.flat_map(|one| {
        let models = one.models.iter().chain(&one.default_model);
        models.map(move |model| (one, model.as_str()))
    });
    // A list names models as calls do: alone, or behind their connection or provider.
    let may = |one: &Connection, model: &str| {
        let ways = [model.to_owned(), format!("{}/{model}", one.key), format!("{}/{model}", one.provider)];
        app.is_none_or(|app| ways.iter().any(|way| app.may_use(way)))
    };
    let lasts = |provider: &str, model: &str| {
        let known = bundled(provider, model);
        let facts = snapshot.models.iter().find(|facts| facts.provider == provider && facts.model == model);
        let is_there = facts.is_none_or(|facts| facts.state == ModelState::Available);
        is_there && !known.embeds && known.retires_on.is_none()
    };
    let fitting = named.filter(|(one, model)| may(one, model) && lasts(&one.provider, model));
    fitting.map(|(one, model)| (one.provider.as_str(), model)).collect()
}

/// What the traffic would have cost there; `None` where that is not known, where it would not all have fitted, and where nothing
/// costs anything: that would win over everything else, on whatever machine it runs.
fn cost(snapshot: &Snapshot, traffic: &Traffic, (provider, model): (&str, &str)) -> Option<NanoUsd> {
    let facts = snapshot.models.iter().find(|facts| facts.provider == provider && facts.model == model);
    let context = facts.and_then(|facts| facts.context).or(bundled(provider, model).context_window);
    let price = snapshot.prices.find(provider, model, clock::now(), traffic.typical_input());
    let price = price.filter(|price| price.input.0 > 0 || price.output.0 > 0);
    let other = traffic.at(price, context.map(u64::from));
    other.cost.filter(|_| other.too_long == Some(0))
}
