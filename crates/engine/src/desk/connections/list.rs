//! Connections with their health, figures and last test.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::catalog::DEMO;
use patchbay_core::code::Code;
use patchbay_core::connection::{Connection as Settings, ConnectionStatus};
use patchbay_core::diagnose::CheckReport;
use patchbay_core::health::{Health, Vitals};
use patchbay_core::id::ConnectionId;
use patchbay_core::ledger::Outcome;
use patchbay_core::money::DecimalUsd;
use patchbay_core::report::{Column, Columns, Detail, Filter, Totals};
use patchbay_core::time::{HOUR_MS, Range, Timestamp, last_days};
use patchbay_store::standing::{ConnectionState, states};
use patchbay_store::{Db, StoreError, check, rollup, usage};
use serde::Serialize;

use super::limits::{LimitsInUse, in_use};
use super::notes;
use crate::demo::DemoFault;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{Engine, clock};

/// Half-hours in the strip of a day.
const CELLS: usize = 48;
const CELL_MS: i64 = HOUR_MS / 2;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A connection as the window shows it.
#[derive(Clone, Debug, Serialize, specta::Type)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own that the window shows beside the others"
)]
pub struct Connection {
    /// Unique; bots and people address it by this.
    pub key: String,
    /// As the user calls it.
    pub name: String,
    /// The provider's slug.
    pub provider: String,
    /// The provider's name.
    pub provider_name: String,
    /// Two letters for the tile.
    pub tile: String,
    /// 1..=6.
    pub color: u8,
    /// On, paused, suspended.
    pub status: ConnectionStatus,
    /// From 1; lower is tried first within the provider.
    pub priority: u32,
    /// Used when a bot names no connection and two could answer.
    pub is_default: bool,
    /// Where requests go.
    pub base_url: String,
    /// It is the provider's.
    pub base_url_is_default: bool,
    /// OpenAI's organization header.
    pub organization: Option<String>,
    /// OpenAI's project header.
    pub project: Option<String>,
    /// HTTP or SOCKS5, without its login; the system's where `None`.
    pub proxy: Option<String>,
    /// Whether the proxy has a login, which lies in the vault.
    pub proxy_login: bool,
    /// Extra headers, by name.
    pub headers: Vec<HeaderInfo>,
    /// Tests and the playground use it.
    pub default_model: Option<String>,
    /// Until the first byte, in seconds.
    pub timeout_s: u32,
    /// Further tries here before the next connection.
    pub max_retries: u32,
    /// Whether streams are allowed.
    pub streaming: bool,
    /// Its limits, and how much of each is used now.
    pub limits: LimitsInUse,
    /// The Demo provider's.
    pub demo: bool,
    /// What the Demo provider pretends.
    pub demo_fault: Option<DemoFault>,
    /// `None` without a key.
    pub credential: Option<CredentialInfo>,
    /// See [`Health`].
    pub health: Health,
    /// Share answered of the window that health is judged by, in basis points; `None` = no traffic.
    pub success_bp: Option<u32>,
    /// Of answered attempts of the last 24 h.
    pub p95_ms: Option<u32>,
    /// Attempts since midnight.
    pub requests_today: u32,
    /// Spend since midnight.
    pub cost_today: DecimalUsd,
    /// The last attempt.
    pub last_used_at: Option<Timestamp>,
    /// The last error that counted.
    pub last_error: Option<LastError>,
    /// 48 half-hours, oldest first.
    pub strip: Vec<StripCell>,
    /// p95 of each hour of the last 24 with traffic, oldest first.
    pub latency: Vec<u32>,
    /// The last test.
    pub last_check: Option<CheckReport>,
    /// What a careful person would point out; empty mostly.
    pub notes: Vec<String>,
}

/// An extra header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct HeaderInfo {
    /// In lower case.
    pub name: String,
    /// `None` = it lies in the vault.
    pub value: Option<String>,
}

/// Half an hour of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct StripCell {
    /// Where it begins.
    pub at: Timestamp,
    /// Attempts that were answered.
    pub answered: u32,
    /// Attempts that failed or were cut.
    pub failed: u32,
    /// Its p95 is over twice the day's.
    pub slow: bool,
}

/// An error that counted against health.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// Its class.
    pub code: Code,
    /// The provider's words, redacted.
    pub message: String,
}

/// What is shown of a credential.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct CredentialInfo {
    /// From 1.
    pub version: u32,
    /// The last four characters; empty for a short key.
    pub tail: String,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// All connections, by provider and priority.
pub async fn list(engine: &Arc<Engine>, zone: TimeZone) -> Result<Vec<Connection>, Error> {
    engine
        .blocking(move |engine| {
            let snapshot = engine.snapshot()?;
            let now = clock::now();
            engine.board.recall(&snapshot);
            let views = engine.store.read(|db| {
                let figures = Figures::read(db, now, &zone)?;
                let states = states(db)?;
                let view = |settings| {
                    let limits = in_use(engine, settings);
                    let state = states.get(&id_of(settings));
                    view(db, &snapshot, (settings, limits), &figures, state, (now, &zone))
                };
                snapshot.connections.iter().map(view).collect::<Result<Vec<_>, _>>()
            });
            Ok(views?)
        })
        .await
}

/// One connection.
pub async fn get(engine: &Arc<Engine>, key: &str, zone: TimeZone) -> Result<Connection, Error> {
    let found = list(engine, zone).await?.into_iter().find(|connection| connection.key == key);
    found.ok_or_else(|| StoreError::NotFound { what: "connection", name: key.to_owned() }.into())
}

/// The settings of a connection by its key.
pub(crate) fn find(engine: &Engine, key: &str) -> Result<Settings, Error> {
    let snapshot = engine.snapshot()?;
    let found = snapshot.connection(key).cloned();
    found.ok_or_else(|| StoreError::NotFound { what: "connection", name: key.to_owned() }.into())
}

/// How a connection is doing.
pub(crate) struct Condition {
    pub(crate) key: String,
    pub(crate) name: String,
    pub(crate) health: Health,
    /// As the connection tells it.
    pub(crate) success_bp: Option<u32>,
    pub(crate) last_error: Option<LastError>,
}

/// How every connection is doing that is on.
pub(crate) fn conditions(engine: &Engine, snapshot: &Snapshot) -> Result<Vec<Condition>, Error> {
    let now = clock::now();
    let conditions = engine.store.read(|db| {
        let states = states(db)?;
        let on =
            snapshot.connections.iter().filter(|connection| connection.status == ConnectionStatus::Active);
        on.map(|Settings { id, key, name, .. }| {
            let state = states.get(id);
            let vitals = vitals(db, *id, state, now)?;
            let (key, name) = (key.clone(), name.clone());
            let (health, success_bp) = (vitals.health(), vitals.success_bp());
            Ok(Condition { key, name, health, success_bp, last_error: state.and_then(last_error) })
        })
        .collect::<Result<Vec<_>, StoreError>>()
    });
    Ok(conditions?)
}

/// The health of every connection that is on.
pub(crate) fn healths(engine: &Engine, snapshot: &Snapshot) -> Result<Vec<(String, Health)>, Error> {
    let conditions = conditions(engine, snapshot)?;
    Ok(conditions.into_iter().map(|condition| (condition.key, condition.health)).collect())
}

fn id_of(settings: &Settings) -> ConnectionId {
    settings.id
}

fn vitals(
    db: &Db,
    id: ConnectionId,
    state: Option<&ConnectionState>,
    now: Timestamp,
) -> Result<Vitals, StoreError> {
    let mut vitals = usage::vitals(db, id, now)?;
    if let Some(state) = state {
        vitals.consecutive_errors = state.consecutive_errors;
        vitals.needs_attention = state.kept.attention.is_some();
        vitals.breaker_open = state.kept.rest.is_some();
    }
    Ok(vitals)
}

fn view(
    db: &Db,
    snapshot: &Snapshot,
    (settings, limits): (&Settings, LimitsInUse),
    figures: &Figures,
    state: Option<&ConnectionState>,
    (now, zone): (Timestamp, &TimeZone),
) -> Result<Connection, StoreError> {
    let vitals = vitals(db, settings.id, state, now)?;
    let own = figures.by_key.get(&settings.key).cloned().unwrap_or_default();
    let (tile, color) = snapshot.tile(&settings.provider);
    let demo = settings.provider == DEMO;
    Ok(Connection {
        key: settings.key.clone(),
        name: settings.name.clone(),
        provider: settings.provider.clone(),
        provider_name: settings.provider_name.clone(),
        tile,
        color,
        status: settings.status,
        priority: settings.priority,
        is_default: settings.is_default,
        base_url: settings.base_url.clone(),
        base_url_is_default: settings.own_base_url.is_none(),
        organization: settings.organization.clone(),
        project: settings.project.clone(),
        proxy: settings.proxy.clone(),
        proxy_login: settings.private.proxy_login,
        headers: headers(settings),
        default_model: settings.default_model.clone(),
        timeout_s: settings.timeouts.first_byte_ms.div_ceil(1_000),
        max_retries: settings.max_retries,
        streaming: settings.streaming,
        limits,
        demo,
        demo_fault: demo.then_some(snapshot.demo_fault),
        credential: settings.credential.as_ref().map(credential_info),
        health: vitals.health(),
        success_bp: vitals.success_bp(),
        p95_ms: own.day.latency.percentile(95.0),
        requests_today: u32::try_from(own.today.attempts).unwrap_or(u32::MAX),
        cost_today: own.today.cost.into(),
        last_used_at: state.and_then(|state| state.last_used_at),
        last_error: state.and_then(last_error),
        strip: own.strip(now),
        latency: own.latency_by_hour(now),
        last_check: check::latest(db, settings.id)?,
        notes: notes::of(db, settings, state.map(|state| &state.kept), &own.today, (now, zone))?,
    })
}

fn headers(settings: &Settings) -> Vec<HeaderInfo> {
    let plain = settings
        .headers
        .iter()
        .map(|(name, value)| HeaderInfo { name: name.clone(), value: Some(value.clone()) });
    let secret = settings.private.headers.iter().map(|name| HeaderInfo { name: name.clone(), value: None });
    let mut all: Vec<HeaderInfo> = plain.chain(secret).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

fn credential_info(credential: &patchbay_core::connection::CredentialRef) -> CredentialInfo {
    CredentialInfo {
        version: credential.version,
        tail: credential.tail.clone(),
        created_at: credential.created_at,
    }
}

fn last_error(state: &ConnectionState) -> Option<LastError> {
    Some(LastError {
        at: state.last_error_at?,
        code: state.last_error_class.as_deref().and_then(Code::parse)?,
        message: state.last_error_message.clone().unwrap_or_default(),
    })
}

/// What is shown of a connection's attempts.
const SHOWN: Columns = Columns::of(&[Column::Attempts, Column::Cost, Column::Latency]);

/// The last 24 hours and today, by connection key, from one pass over the rollup.
struct Figures {
    by_key: HashMap<String, OfConnection>,
}

#[derive(Clone, Debug, Default)]
struct OfConnection {
    today: Totals,
    day: Totals,
    /// By the start of each half-hour.
    cells: HashMap<i64, Totals>,
    /// Likewise: attempts that failed or were cut. Limits, and callers that went away, are no failures of a connection (F3).
    failed: HashMap<i64, u64>,
}

impl Figures {
    fn read(db: &Db, now: Timestamp, zone: &TimeZone) -> Result<Self, StoreError> {
        let midnight = last_days(now, 1, zone).first().map_or(now, |(_, range)| range.from);
        let window = first_cell(now);
        let from = midnight.min(window);
        let mut by_key: HashMap<String, OfConnection> = HashMap::new();
        let filter = Filter::during(Range { from, to: now.plus_ms(1) });
        rollup::scan(db, &filter, &Detail::quarters(SHOWN), |bucket| {
            let own = by_key.entry(bucket.labels.connection.clone()).or_default();
            if bucket.at >= midnight {
                own.today.add(bucket);
            }
            if bucket.at >= window {
                own.day.add(bucket);
                let cell = cell_start(bucket.at);
                own.cells.entry(cell).or_default().add(bucket);
                if [Outcome::Failed, Outcome::Cut].iter().any(|bad| bucket.labels.outcome == bad.as_str()) {
                    *own.failed.entry(cell).or_default() += bucket.counts.attempts;
                }
            }
        })?;
        Ok(Self { by_key })
    }
}

fn cell_start(at: Timestamp) -> i64 {
    at.0.div_euclid(CELL_MS) * CELL_MS
}

fn first_cell(now: Timestamp) -> Timestamp {
    Timestamp(cell_start(now) + CELL_MS - DAY_MS)
}

impl OfConnection {
    fn strip(&self, now: Timestamp) -> Vec<StripCell> {
        let typical = self.day.latency.percentile(95.0);
        let first = first_cell(now).0;
        (0..CELLS)
            .scan(first, |at, _| Some(std::mem::replace(at, *at + CELL_MS)))
            .map(|at| self.cell(Timestamp(at), typical))
            .collect()
    }

    fn cell(&self, at: Timestamp, typical: Option<u32>) -> StripCell {
        let Some(totals) = self.cells.get(&at.0) else {
            return StripCell { at, answered: 0, failed: 0, slow: false };
        };
        let answered = u32::try_from(totals.latency.count()).unwrap_or(u32::MAX);
        let failed = self.failed.get(&at.0).copied().unwrap_or(0);
        let p95 = totals.latency.percentile(95.0);
        let slow = matches!((p95, typical), (Some(p95), Some(typical)) if p95 > typical.saturating_mul(2));
        StripCell { at, answered, failed: u32::try_from(failed).unwrap_or(u32::MAX), slow }
    }

    fn latency_by_hour(&self, now: Timestamp) -> Vec<u32> {
        let first = first_cell(now).0;
        let hours = (0..CELLS / 2).scan(first, |at, _| Some(std::mem::replace(at, *at + HOUR_MS)));
        hours
            .filter_map(|at| {
                let mut hour = self.cells.get(&at).cloned().unwrap_or_default();
                if let Some(second) = self.cells.get(&(at + CELL_MS)) {
                    hour.merge(second);
                }
                hour.latency.percentile(95.0)
            })
            .collect()
    }
}
