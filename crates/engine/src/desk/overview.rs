//! The first screen: is it up, what did today cost, what needs me.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use patchbay_core::health::Health;
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::price::PriceBook;
use patchbay_core::report::{Column, Columns, Detail, Field, Filter, Totals as Sums};
use patchbay_core::time::{HOUR_MS, Range, Timestamp, day_range, last_days};
use patchbay_store::{Db, StoreError, rollup};
use serde::Serialize;

use super::alerts;
use super::connections::{self, Condition};
use super::prices::{UnpricedModel, without_price};
use super::status::{GatewayState, VaultState, VaultStatus, vault};
use super::usage::{SHOWN, Totals, expected, short, spent};
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
    /// The same hours of the last day like today: a weekday is compared with the weekday before it, and Saturdays and Sundays with
    /// each other, since markets rest on them.
    pub before: Before,
    /// Where today's spend will be at midnight, as the same hours of the last weeks tell; `None` where nothing tells.
    pub pace: Option<DecimalUsd>,
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

/// What today is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct Before {
    /// The day: "Fri 27 Nov".
    pub day: String,
    /// Calls as their callers saw them.
    pub calls: u32,
    /// Calls that were answered.
    pub answered_calls: u32,
    /// Input and output tokens; exact up to 2⁵³.
    #[specta(type = u32)]
    pub tokens: u64,
    /// Their cost.
    pub cost: DecimalUsd,
    /// Of answered attempts.
    pub p95_ms: Option<u32>,
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
    let vault = vault(engine).await?;
    engine
        .blocking(move |engine| {
            let now = clock::now();
            let snapshot = engine.snapshot()?;
            let mut attention = attention(engine, &snapshot, &vault)?;
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
    let day = days.last().map_or(Range { from: now, to: now }, |(_, day)| *day);
    let elapsed = i64::try_from(now.since_ms(edge(59))).unwrap_or(0);
    let before_day = day_like(now.day(zone));
    let like = day_range(before_day, zone);
    let like = Range { from: like.from, to: like.from.plus_ms(elapsed).min(like.to) };
    let recent = Recent::read(db, day.from, now)?;
    let month = Filter::during(Range { from: edge(30), to: now.plus_ms(1) });
    // As much of its last day as has passed of today.
    let before = Filter::during(Range { from: edge(0), to: edge(29).plus_ms(elapsed).min(edge(30)) });
    let unpriced = unpriced(&without_price(db, &month, prices, now)?);
    Ok(Overview {
        zone: zone.iana_name().unwrap_or("local time").to_owned(),
        today: (&recent.today).into(),
        before: Before::read(db, before_day, like)?,
        pace: expected(db, &Filter::default(), day, now)?.map(Into::into),
        calls_by_hour: recent.hours.iter().map(|hour| short(hour.calls)).collect(),
        p95_by_hour: recent.hours.iter().map(|hour| hour.latency.percentile(95.0)).collect(),
        spend_30d: spent(db, &month)?.into(),
        spend_prior_30d: spent(db, &before)?.into(),
        attention: most_urgent(attention.into_iter().chain(of_prices(&unpriced)).collect()),
        unpriced,
        top_apps: top(recent.apps),
        top_features: top(recent.features),
    })
}

fn day_like(today: Date) -> Date {
    let back = match today.weekday() {
        Weekday::Monday => 3,
        Weekday::Saturday => 6,
        _ => 1,
    };
    today.saturating_sub(back.days())
}

impl Before {
    fn read(db: &Db, day: Date, range: Range) -> Result<Self, StoreError> {
        let columns =
            [Column::Calls, Column::InputTokens, Column::OutputTokens, Column::Cost, Column::Latency];
        let mut sums = Sums::default();
        let detail = Detail::whole(Columns::of(&columns)).of_all();
        rollup::scan(db, &Filter::during(range), &detail, |bucket| sums.add(bucket))?;
        Ok(Self {
            day: day.strftime("%a %-d %b").to_string(),
            calls: short(sums.calls),
            answered_calls: short(sums.succeeded),
            tokens: sums.input_tokens.saturating_add(sums.output_tokens),
            cost: sums.cost.into(),
            p95_ms: sums.latency.percentile(95.0),
        })
    }
}

/// Today, and the last 24 hours each on its own: from one pass over the rollup.
struct Recent {
    today: Sums,
    hours: Vec<Sums>,
    /// Calls and spend since midnight by app, and by feature.
    apps: BTreeMap<String, (NanoUsd, u64)>,
    features: BTreeMap<String, (NanoUsd, u64)>,
}

impl Recent {
    fn read(db: &Db, midnight: Timestamp, now: Timestamp) -> Result<Self, StoreError> {
        let mut recent = Self {
            today: Sums::default(),
            hours: vec![Sums::default(); 24],
            apps: BTreeMap::new(),
            features: BTreeMap::new(),
        };
        let first = (now.0.div_euclid(HOUR_MS) - 23) * HOUR_MS;
        let whole = Range { from: midnight.min(Timestamp(first)), to: now.plus_ms(1) };
        rollup::scan(db, &Filter::during(whole), &Detail::quarters(SHOWN), |bucket| {
            if bucket.at >= midnight {
                recent.today.add(bucket);
                for (groups, field) in
                    [(&mut recent.apps, Field::App), (&mut recent.features, Field::Feature)]
                {
                    let label = bucket.labels.get(field);
                    let sums = match groups.get_mut(label) {
                        Some(sums) => sums,
                        None => groups.entry(label.to_owned()).or_default(),
                    };
                    sums.0 += bucket.counts.cost;
                    sums.1 += bucket.counts.calls;
                }
            }
            let hour = usize::try_from((bucket.at.0 - first).div_euclid(HOUR_MS)).ok();
            if let Some(hour) = hour.and_then(|hour| recent.hours.get_mut(hour)) {
                hour.calls += bucket.counts.calls;
                bucket.latency.add_to(&mut hour.latency);
            }
        })?;
        Ok(recent)
    }
}

fn unpriced(models: &[UnpricedModel]) -> Unpriced {
    let mut sum = Unpriced::default();
    for one in models {
        sum.attempts = sum.attempts.saturating_add(one.attempts);
        if !sum.models.contains(&one.model) {
            sum.models.push(one.model.clone());
        }
    }
    sum
}

fn top(groups: BTreeMap<String, (NanoUsd, u64)>) -> Vec<TopRow> {
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, sums)| std::cmp::Reverse(*sums));
    let row = |(name, (cost, calls)): (String, (NanoUsd, u64))| TopRow {
        name: if name.is_empty() { "(none)".to_owned() } else { name },
        calls: short(calls),
        cost: cost.into(),
    };
    groups.into_iter().take(TOP).map(row).collect()
}

fn attention(engine: &Engine, snapshot: &Snapshot, vault: &VaultStatus) -> Result<Vec<Attention>, Error> {
    let gateway = engine.listening().view.clone();
    let closed = matches!(gateway.state, GatewayState::PortTaken | GatewayState::Failed).then(|| Attention {
        level: Level::Bad,
        title: "The gateway does not listen".to_owned(),
        detail: format!("{} {}", gateway.message, gateway.hint),
        connection: None,
        alert: None,
        action: AttentionAction::RetryGateway,
    });
    let wants_keys = snapshot.connections.iter().any(|connection| connection.credential.is_some());
    let locked = (vault.state != VaultState::Ready && wants_keys).then(|| Attention {
        level: Level::Bad,
        title: format!("The {} cannot be read", vault.name),
        detail: format!("{} {}", vault.message, vault.hint),
        connection: None,
        alert: None,
        action: AttentionAction::UnlockKeychain,
    });
    let conditions = connections::conditions(engine, snapshot)?;
    Ok(closed.into_iter().chain(locked).chain(conditions.iter().filter_map(of_connection)).collect())
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

fn of_connection(connection: &Condition) -> Option<Attention> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_are_compared_with_weekdays_and_weekends_with_weekends() {
        let like = [
            ("2026-11-30", "2026-11-27"),
            ("2026-12-01", "2026-11-30"),
            ("2026-12-05", "2026-11-29"),
            ("2026-11-29", "2026-11-28"),
        ];
        for (today, before) in like {
            let [today, before]: [Date; 2] = [today, before].map(|day| day.parse().unwrap());
            assert_eq!(day_like(today), before);
        }
    }
}
