//! The first screen: is it up, what did today cost, what needs me.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::catalog;
use patchbay_core::chart::{Chart, ChartRequest, DaySpend, SpendByDay, SpendSeries, spend_by_day};
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::health::Health;
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::price::PriceBook;
use patchbay_core::report::{Filter, GroupBy, Totals as Sums};
use patchbay_core::time::{HOUR_MS, Range, Timestamp, last_days};
use patchbay_store::{Db, StoreError, rollup};
use serde::Serialize;

use super::alerts;
use super::connections::{self, Connection};
use super::status::{GatewayState, VaultState, VaultStatus, vault};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// Rows of a top list.
const TOP: usize = 5;
/// Items that need attention are shown up to this; more would be noise.
const ATTENTION: usize = 3;
const DAYS: u32 = 30;

/// The first screen's figures.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Overview {
    /// The zone of its days.
    pub zone: String,
    /// Since midnight.
    pub today: Totals,
    /// The same hours of the day before.
    pub yesterday: Totals,
    /// Calls of each of the last 24 hours, oldest first.
    pub calls_by_hour: Vec<u32>,
    /// p95 of each of the last 24 hours; `None` = no traffic.
    pub p95_by_hour: Vec<Option<u32>>,
    /// The last 30 days, today included.
    pub spend_30d: DecimalUsd,
    /// The 30 days before.
    pub spend_prior_30d: DecimalUsd,
    /// What has no price.
    pub unpriced: Unpriced,
    /// At most three, the worst first.
    pub attention: Vec<Attention>,
    /// By today's spend.
    pub top_apps: Vec<TopRow>,
    /// By today's spend.
    pub top_features: Vec<TopRow>,
}

/// Sums of a span of time.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Totals {
    /// Requests as their callers saw them.
    pub calls: u32,
    /// Tries at connections.
    pub attempts: u32,
    /// Calls that ended with an answer.
    pub answered_calls: u32,
    /// Calls that ended without one.
    pub failed_calls: u32,
    /// Calls that a later attempt answered.
    pub saved_by_failover: u32,
    /// In tokens; exact up to 2⁵³.
    #[specta(type = u32)]
    pub input_tokens: u64,
    /// In tokens; exact up to 2⁵³.
    #[specta(type = u32)]
    pub output_tokens: u64,
    /// The sum of all known costs.
    pub cost: DecimalUsd,
    /// Of answered attempts.
    pub p50_ms: Option<u32>,
    /// Of answered attempts.
    pub p95_ms: Option<u32>,
    /// Of answered attempts.
    pub p99_ms: Option<u32>,
}

/// Attempts of the last 30 days whose cost is not known, and their models.
#[derive(Clone, Debug, Default, Serialize, specta::Type)]
pub struct Unpriced {
    /// How many.
    pub attempts: u32,
    /// Which models, by name.
    pub models: Vec<String>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Calls fail, or would.
    Bad,
    /// Calls are answered all the same.
    Warn,
}

/// What the button of an item does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum AttentionAction {
    /// Opens the key of its connection.
    FixKey,
    /// Opens its connection.
    OpenConnection,
    /// Listens again.
    RetryGateway,
    /// Asks the keychain to open.
    UnlockKeychain,
    /// Opens the catalogue, which names what has no price.
    SetPrices,
    /// Opens its alert.
    OpenAlert,
}

/// Something that wants a person.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Attention {
    /// How bad it is.
    pub level: Level,
    /// What it is.
    pub title: String,
    /// What it means.
    pub detail: String,
    /// Whose it is.
    pub connection: Option<String>,
    /// The number of its alert.
    pub alert: Option<u32>,
    /// What its button does.
    pub action: AttentionAction,
}

/// A row of a top list.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct TopRow {
    /// The app or feature; "(none)" where nobody said.
    pub name: String,
    /// Calls since midnight.
    pub calls: u32,
    /// Spend since midnight.
    pub cost: DecimalUsd,
}

/// See [`Overview`].
pub async fn overview(engine: &Arc<Engine>, zone: TimeZone) -> Result<Overview, Error> {
    let fleet = connections::list(engine, zone.clone()).await?;
    let vault = vault(engine).await?;
    engine
        .blocking(move |engine| {
            let now = clock::now();
            let snapshot = engine.snapshot()?;
            let mut attention = attention(engine, &fleet, &vault);
            attention.extend(alerts::needing_somebody(engine)?);
            let read = engine.store.read(|db| {
                let db = db.unchecked_transaction()?;
                read(&db, now, &zone, &snapshot.prices, attention)
            });
            Ok(read?)
        })
        .await
}

fn read(
    db: &Db,
    now: Timestamp,
    zone: &TimeZone,
    prices: &PriceBook,
    attention: Vec<Attention>,
) -> Result<Overview, StoreError> {
    let days = last_days(now, 2 * DAYS, zone);
    let edge = |index: usize| days.get(index).map_or(now, |(_, range)| range.from);
    let today = Filter::during(Range { from: edge(59), to: now.plus_ms(1) });
    let elapsed = i64::try_from(now.since_ms(edge(59))).unwrap_or(0);
    let yesterday = Filter::during(Range { from: edge(58), to: edge(58).plus_ms(elapsed) });
    let month = Filter::during(Range { from: edge(30), to: now.plus_ms(1) });
    let before = Filter::during(Range { from: edge(0), to: edge(30) });
    let hours = hours(db, now)?;
    let unpriced = unpriced(db, &month, prices, now)?;
    Ok(Overview {
        zone: zone.iana_name().unwrap_or("local time").to_owned(),
        today: totals(&rollup::totals(db, &today)?),
        yesterday: totals(&rollup::totals(db, &yesterday)?),
        calls_by_hour: hours.iter().map(|hour| short(hour.calls)).collect(),
        p95_by_hour: hours.iter().map(|hour| hour.latency.percentile(95.0)).collect(),
        spend_30d: rollup::totals(db, &month)?.cost.into(),
        spend_prior_30d: rollup::totals(db, &before)?.cost.into(),
        attention: most_urgent(attention.into_iter().chain(of_prices(&unpriced)).collect()),
        unpriced,
        top_apps: top(db, &today, GroupBy::App, zone)?,
        top_features: top(db, &today, GroupBy::Feature, zone)?,
    })
}

fn totals(sums: &Sums) -> Totals {
    Totals {
        calls: short(sums.calls),
        attempts: short(sums.attempts),
        answered_calls: short(sums.succeeded),
        failed_calls: short(sums.failed),
        saved_by_failover: short(sums.saved_by_failover),
        input_tokens: sums.input_tokens,
        output_tokens: sums.output_tokens,
        cost: sums.cost.into(),
        p50_ms: sums.latency.percentile(50.0),
        p95_ms: sums.latency.percentile(95.0),
        p99_ms: sums.latency.percentile(99.0),
    }
}

fn short(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The last 24 hours, each on its own.
fn hours(db: &Db, now: Timestamp) -> Result<Vec<Sums>, StoreError> {
    let first = (now.0.div_euclid(HOUR_MS) - 23) * HOUR_MS;
    let mut hours = vec![Sums::default(); 24];
    rollup::scan(db, &Filter::during(Range { from: Timestamp(first), to: now.plus_ms(1) }), |bucket| {
        let index = usize::try_from((bucket.at.0 - first) / HOUR_MS).ok();
        if let Some(hour) = index.and_then(|index| hours.get_mut(index)) {
            hour.add(bucket);
        }
    })?;
    Ok(hours)
}

/// Only what has no price: a timeout's cost is unknown too, but no price would tell it.
fn unpriced(db: &Db, month: &Filter, prices: &PriceBook, now: Timestamp) -> Result<Unpriced, StoreError> {
    let mut sum = Unpriced::default();
    rollup::scan(db, month, |bucket| {
        let labels = bucket.labels;
        if bucket.counts.unpriced_attempts == 0
            || prices.find(&labels.provider, &labels.model, now, 0).is_some()
        {
            return;
        }
        sum.attempts = sum.attempts.saturating_add(short(bucket.counts.unpriced_attempts));
        if !sum.models.contains(&labels.model) {
            sum.models.push(labels.model.clone());
        }
    })?;
    Ok(sum)
}

fn top(db: &Db, today: &Filter, by: GroupBy, zone: &TimeZone) -> Result<Vec<TopRow>, StoreError> {
    let mut groups = rollup::groups(db, today, by, zone)?;
    groups.sort_by_key(|group| std::cmp::Reverse((group.totals.cost, group.totals.calls)));
    let row = |group: patchbay_core::report::Group| TopRow {
        name: if group.key.is_empty() { "(none)".to_owned() } else { group.key },
        calls: short(group.totals.calls),
        cost: group.totals.cost.into(),
    };
    Ok(groups.into_iter().take(TOP).map(row).collect())
}

fn attention(engine: &Engine, fleet: &[Connection], vault: &VaultStatus) -> Vec<Attention> {
    let gateway = engine.listening().view.clone();
    let closed = matches!(gateway.state, GatewayState::PortTaken | GatewayState::Failed).then(|| Attention {
        level: Level::Bad,
        title: "The gateway does not listen".to_owned(),
        detail: format!("{} {}", gateway.message, gateway.hint),
        connection: None,
        alert: None,
        action: AttentionAction::RetryGateway,
    });
    let wants_keys = fleet.iter().any(|connection| connection.credential.is_some());
    let locked = (vault.state != VaultState::Ready && wants_keys).then(|| Attention {
        level: Level::Bad,
        title: format!("The {} cannot be read", vault.name),
        detail: format!("{} {}", vault.message, vault.hint),
        connection: None,
        alert: None,
        action: AttentionAction::UnlockKeychain,
    });
    let on = fleet.iter().filter(|connection| connection.status == ConnectionStatus::Active);
    closed.into_iter().chain(locked).chain(on.filter_map(of_connection)).collect()
}

fn most_urgent(mut items: Vec<Attention>) -> Vec<Attention> {
    items.sort_by_key(|item| item.level);
    items.truncate(ATTENTION);
    items
}

/// What it cost is unknown, and a budget cannot count it.
fn of_prices(unpriced: &Unpriced) -> Option<Attention> {
    let first = unpriced.models.first()?;
    let others = unpriced.models.len() - 1;
    Some(Attention {
        level: Level::Warn,
        title: if others == 0 {
            format!("{first} has no price")
        } else {
            format!("{first} and {others} more have no price")
        },
        detail: format!(
            "The cost of {} of the last 30 days is unknown. Set a price for those to come.",
            if unpriced.attempts == 1 {
                "an attempt".to_owned()
            } else {
                format!("{} attempts", unpriced.attempts)
            }
        ),
        connection: None,
        alert: None,
        action: AttentionAction::SetPrices,
    })
}

fn of_connection(connection: &Connection) -> Option<Attention> {
    let level = match connection.health {
        Health::Critical => Level::Bad,
        Health::Warning | Health::Degraded => Level::Warn,
        Health::Healthy | Health::Unknown => return None,
    };
    let refused = connection.last_error.as_ref().is_some_and(|error| {
        use patchbay_core::code::Code;
        matches!(error.code, Code::KeyRefused | Code::PermissionDenied | Code::CredentialMissing)
    });
    let share = connection
        .success_bp
        .map_or_else(String::new, |bp| format!("{}.{} % answered. ", bp / 100, bp % 100 / 10));
    Some(Attention {
        level,
        title: format!(
            "{} {}",
            connection.name,
            if level == Level::Bad { "is failing" } else { "is unsteady" }
        ),
        detail: connection
            .last_error
            .as_ref()
            .map_or_else(|| share.trim_end().to_owned(), |error| format!("{share}{}", error.message)),
        connection: Some(connection.key.clone()),
        alert: None,
        action: if refused { AttentionAction::FixKey } else { AttentionAction::OpenConnection },
    })
}

/// Spend by day and provider, drawn.
pub async fn spend_chart(
    engine: &Arc<Engine>,
    request: ChartRequest,
    zone: TimeZone,
) -> Result<Chart, Error> {
    engine
        .blocking(move |engine| {
            let snapshot = engine.snapshot()?;
            let days = request.days.clamp(1, 366);
            let spend = engine.store.read(|db| spend(db, &snapshot, days, clock::now(), &zone))?;
            Ok(spend_by_day(&request, &spend, None))
        })
        .await
}

fn spend(
    db: &Db,
    snapshot: &Snapshot,
    days: u32,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<SpendByDay, StoreError> {
    let days = last_days(now, days, zone);
    let (Some(first), Some(last)) = (days.first(), days.last()) else {
        return Ok(SpendByDay::default());
    };
    let range = Range { from: first.1.from, to: last.1.to };
    let mut by_day: Vec<Vec<(String, NanoUsd)>> = vec![Vec::new(); days.len()];
    rollup::scan(db, &Filter::during(range), |bucket| {
        let index = days.partition_point(|(_, day)| day.to <= bucket.at);
        if let Some(day) = by_day.get_mut(index) {
            match day.iter_mut().find(|(provider, _)| *provider == bucket.labels.provider) {
                Some((_, sum)) => *sum += bucket.counts.cost,
                None => day.push((bucket.labels.provider.clone(), bucket.counts.cost)),
            }
        }
    })?;
    let series = series_of(&by_day, snapshot);
    let amount = |day: &Vec<(String, NanoUsd)>, id: &str| {
        day.iter().find(|(p, _)| p == id).map_or(NanoUsd::ZERO, |(_, sum)| *sum)
    };
    let spend = days
        .iter()
        .zip(&by_day)
        .map(|((date, _), day)| DaySpend {
            date: *date,
            spend: series.iter().map(|s| amount(day, &s.id)).collect(),
        })
        .collect();
    Ok(SpendByDay { series, days: spend })
}

/// The providers that occur, in the fixed order of the catalogue, those of the user's own last.
fn series_of(by_day: &[Vec<(String, NanoUsd)>], snapshot: &Snapshot) -> Vec<SpendSeries> {
    let occurs = |slug: &str| {
        by_day.iter().flatten().any(|(provider, cost)| provider == slug && *cost > NanoUsd::ZERO)
    };
    let known = catalog::providers().iter().filter(|provider| occurs(&provider.slug));
    let mut series: Vec<SpendSeries> =
        known.map(|p| SpendSeries { id: p.slug.clone(), name: p.name.clone(), color: p.color }).collect();
    for (slug, _) in by_day.iter().flatten() {
        if catalog::provider(slug).is_none() && occurs(slug) && !series.iter().any(|known| known.id == *slug)
        {
            let (name, color) = (snapshot.provider_name(slug).to_owned(), snapshot.tile(slug).1);
            series.push(SpendSeries { id: slug.clone(), name, color });
        }
    }
    series
}
