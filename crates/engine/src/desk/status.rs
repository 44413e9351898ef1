//! Is it up, what flows, and who stopped it.

use std::sync::{Arc, PoisonError};

use jiff::tz::TimeZone;
use patchbay_core::alert::{AlertKind, AlertState, Severity, Sign};
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::health::Health;
use patchbay_core::market::{Market, MarketState};
use patchbay_core::money::DecimalUsd;
use patchbay_core::report::Filter;
use patchbay_core::time::{Timestamp, last_days};
use patchbay_store::alert::Which;
use patchbay_store::vault::{VaultError, VaultState as StoreVaultState};
use patchbay_store::{Recorded, alert, rollup, setting};
use serde::Serialize;

use super::budgets::{self, BudgetStop};
use super::drill::{self, DrillInForce};
use super::{connections, demo};
use crate::changes::Changed;
use crate::error::Error;
use crate::gateway::{DEFAULT_PORT, Gateway};
use crate::snapshot::{STOPPED, Stopped};
use crate::{Engine, clock};

/// The setting that holds the gateway's port.
const PORT: &str = "gateway_port";

/// Writes that wait in the store's queue before people are told.
const MANY_QUEUED: usize = 1_000;

/// How the gateway is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum GatewayState {
    /// It has not been asked to listen yet.
    #[default]
    Starting,
    /// It answers.
    Listening,
    /// Another program has its port.
    PortTaken,
    /// It cannot listen for another reason.
    Failed,
}

/// The gateway as the window shows it.
#[derive(Clone, Debug, Default, Serialize, specta::Type)]
#[serde(rename = "Gateway")]
pub struct GatewayView {
    /// How it is.
    pub state: GatewayState,
    /// What bots are told.
    pub url: String,
    /// Its port.
    pub port: u16,
    /// Why it does not listen.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Since when it listens.
    pub since: Option<Timestamp>,
    /// That others than this machine can call; empty where they cannot.
    pub warning: String,
}

/// The gateway of this process.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    pub(crate) view: GatewayView,
    pub(crate) gateway: Option<Gateway>,
}

/// How the vault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum VaultState {
    /// Secrets can be read and written.
    Ready,
    /// This system runs none.
    Absent,
    /// It is closed.
    Locked,
    /// It says no.
    Denied,
}

/// The vault as the window shows it.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct VaultStatus {
    /// `keychain`, `file` or `memory`.
    pub kind: String,
    /// How it is.
    pub state: VaultState,
    /// What this system calls it.
    pub name: String,
    /// What is wrong; empty when ready.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

/// The status bar.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Status {
    /// The gateway.
    pub gateway: GatewayView,
    /// The vault.
    pub vault: VaultStatus,
    /// Calls on their way.
    pub in_flight: u32,
    /// Calls that began in the last 60 s.
    pub per_minute: u32,
    /// Spend since midnight.
    pub today_cost: DecimalUsd,
    /// The cap of the daily budget of everything, with what was added; `None` where there is none.
    pub today_cap: Option<DecimalUsd>,
    /// The budget that lets no call through now.
    pub budget_stop: Option<BudgetStop>,
    /// Alerts that nobody has reacted to.
    pub open_alerts: u32,
    /// Connections that are on and critical.
    pub failing_connections: u32,
    /// `None` while traffic flows.
    pub stopped: Option<Stopped>,
    /// The drill in force.
    pub drill: Option<DrillInForce>,
    /// Whether sample data is shown.
    pub sample_data: bool,
    /// What keeps usage rows from being written; empty when all is well.
    pub ledger_trouble: String,
    /// Exchanges: the one that opened last first, then those that are open longer, then the one that opens next.
    pub markets: Vec<MarketSession>,
}

/// Whether an exchange trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct MarketSession {
    /// Where it is.
    pub city: &'static str,
    /// Whether it does.
    pub state: MarketState,
    /// Until when.
    pub until: Timestamp,
}

fn markets(now: Timestamp) -> Vec<MarketSession> {
    let of = |market: Market| {
        let (state, until) = market.state(now)?;
        let opened = market.last_session(now.plus_ms(1)).map(|session| session.from);
        let rank = match state {
            MarketState::Open => (0, opened.map_or(0, |opened| -opened.0)),
            MarketState::Closed => (1, until.0),
        };
        Some((rank, MarketSession { city: market.city(), state, until }))
    };
    let mut markets: Vec<_> = Market::ALL.into_iter().filter_map(of).collect();
    markets.sort_by_key(|(rank, _)| *rank);
    markets.into_iter().map(|(_, market)| market).collect()
}

/// What the window needs before its first paint.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Bootstrap {
    /// Patchbay's version.
    pub version: String,
    /// There is no connection yet.
    pub first_run: bool,
    /// The vault.
    pub vault: VaultStatus,
    /// Where everything is kept.
    pub data_dir: String,
}

/// See [`Bootstrap`].
pub async fn bootstrap(engine: &Arc<Engine>) -> Result<Bootstrap, Error> {
    Ok(Bootstrap {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        first_run: engine.snapshot()?.connections.is_empty(),
        vault: vault(engine).await?,
        data_dir: engine.data_dir.display().to_string(),
    })
}

/// See [`Status`].
pub async fn status(engine: &Arc<Engine>, zone: TimeZone) -> Result<Status, Error> {
    let vault = vault(engine).await?;
    engine
        .blocking(move |engine| {
            let snapshot = engine.snapshot()?;
            let range = last_days(clock::now(), 1, &zone).into_iter().next().map(|(_, range)| range);
            let today = engine.store.read(|db| rollup::totals(db, &Filter { range, ..Filter::default() }))?;
            let critical = connections::healths(engine, &snapshot)?
                .into_iter()
                .filter(|(_, health)| *health == Health::Critical);
            let budgets = budgets::all(engine, &snapshot);
            let lasting = engine.store.read(|db| alert::list(db, Which::Lasting))?;
            let open = lasting.iter().filter(|alert| alert.state == AlertState::Open);
            Ok(Status {
                gateway: engine.listening().view.clone(),
                vault,
                in_flight: engine.gauges.in_flight(),
                per_minute: engine.gauges.per_minute(),
                today_cost: today.cost.into(),
                today_cap: budgets::daily_cap(&budgets),
                budget_stop: budgets::stop_of(&budgets),
                open_alerts: u32::try_from(open.count()).unwrap_or(u32::MAX),
                failing_connections: u32::try_from(critical.count()).unwrap_or(u32::MAX),
                stopped: snapshot.stopped.clone(),
                drill: drill::in_force(engine)?,
                sample_data: demo::is_loaded(&engine.store)?,
                ledger_trouble: ledger_trouble(engine),
                markets: markets(clock::now()),
            })
        })
        .await
}

/// A ledger that cannot be written, or one whose disk does not keep up: beyond a full queue, calls wait for it.
fn ledger_trouble(engine: &Engine) -> String {
    let queued = engine.store.pending();
    match engine.ledger.trouble() {
        Some((rows, why)) => format!("{rows} usage rows wait to be written. {why}"),
        None if queued > MANY_QUEUED => {
            format!("The disk does not keep up: {queued} writes wait. Calls slow down until they are done.")
        }
        None => String::new(),
    }
}

/// The vault's state, asked without opening a dialog.
pub async fn vault(engine: &Arc<Engine>) -> Result<VaultStatus, Error> {
    let (name, kind) = {
        let vault = engine.keys.vault();
        (vault.name().to_owned(), vault.kind().as_str().to_owned())
    };
    let trouble = engine.keys.with_vault(|vault| Ok::<_, VaultError>((vault.state(), vault.trouble())));
    let (state, error) = trouble.await?;
    let state = match state {
        StoreVaultState::Ready => VaultState::Ready,
        StoreVaultState::Absent => VaultState::Absent,
        StoreVaultState::Locked => VaultState::Locked,
        StoreVaultState::Denied => VaultState::Denied,
    };
    let (message, hint) = error.map(|error| (error.to_string(), error.hint().to_owned())).unwrap_or_default();
    Ok(VaultStatus { kind, state, name, message, hint })
}

/// Whether all traffic is stopped.
pub fn is_stopped(engine: &Engine) -> Result<bool, Error> {
    Ok(engine.snapshot()?.stopped.is_some())
}

/// Stops all calls, of every process on this folder, until [`resume`].
pub async fn stop(engine: &Arc<Engine>, by: &str) -> Result<(), Error> {
    let stopped = Stopped { by: by.to_owned(), at: clock::now() };
    engine.gauges.stop();
    engine
        .change(move |db| {
            setting::set(db, STOPPED, &stopped, stopped.at)?;
            let reason = format!("by {}", stopped.by);
            Ok(Recorded::new((), Entry::user(Action::Stop, Kind::Traffic, "all calls").because(reason)))
        })
        .await?;
    engine.changes.send(Changed::Status);
    Ok(())
}

/// Lets calls through again.
pub async fn resume(engine: &Arc<Engine>) -> Result<(), Error> {
    engine
        .change(|db| {
            let stopped: Option<Stopped> = setting::get(db, STOPPED)?;
            setting::clear(db, STOPPED)?;
            if stopped.is_none() {
                return Ok(Recorded::unchanged(()));
            }
            Ok(Recorded::new((), Entry::user(Action::Resume, Kind::Traffic, "all calls")))
        })
        .await?;
    engine.gauges.resume();
    engine.changes.send(Changed::Status);
    Ok(())
}

/// Listens on a port: the given one, else the one that it listens on, else the one of last time, else the well-known one. A port that was given and worked
/// is remembered, unless it was 0.
pub async fn listen(engine: &Arc<Engine>, port: Option<u16>) -> Result<GatewayView, Error> {
    let known: Option<u16> = engine.store.read(|db| setting::get(db, PORT))?;
    let wanted = match port {
        Some(port) => port,
        None => self::port(engine)?,
    };
    let reach = engine.reach()?;
    let earlier = engine.listening().gateway.take();
    if let Some(earlier) = earlier {
        earlier.close().await;
    }
    let result = Gateway::listen(engine, wanted, reach.clone()).await;
    let sign = result.as_ref().err().map_or(Sign::Clear, |error| {
        Sign::raise(Severity::Bad, "The gateway does not listen".to_owned(), error.message.clone())
    });
    engine.watch.alerts().tell(AlertKind::GatewayDown, "", sign);
    let (view, gateway) = match result {
        Ok(gateway) => {
            let view = GatewayView {
                state: GatewayState::Listening,
                url: gateway.url(),
                port: gateway.address().port(),
                since: Some(clock::now()),
                warning: reach.warning(gateway.address().port()),
                ..GatewayView::default()
            };
            (Ok(view), Some(gateway))
        }
        Err(error) => (Err(error), None),
    };
    let shown = view.clone().unwrap_or_else(|error| GatewayView {
        state: if error.code == Code::PortInUse { GatewayState::PortTaken } else { GatewayState::Failed },
        url: format!("http://127.0.0.1:{wanted}"),
        port: wanted,
        message: error.message,
        hint: error.hint,
        ..GatewayView::default()
    });
    *engine.listening() = Listening { view: shown, gateway };
    if view.is_ok() && port.is_some_and(|port| port != 0 && Some(port) != known) {
        engine
            .change(move |db| {
                setting::set(db, PORT, &wanted, clock::now())?;
                let change = Change::default().with(PORT, known, wanted);
                Ok(Recorded::new((), Entry::user(Action::Update, Kind::Setting, PORT).change(change)))
            })
            .await?;
    }
    engine.changes.send(Changed::Status);
    view
}

/// The port that the gateway has, or will have.
pub(crate) fn port(engine: &Engine) -> Result<u16, Error> {
    let listening = engine.listening().gateway.as_ref().map(|gateway| gateway.address().port());
    let known: Option<u16> = engine.store.read(|db| setting::get(db, PORT))?;
    Ok(listening.or(known).unwrap_or(DEFAULT_PORT))
}

/// Takes no more calls, and returns when those on their way have ended and are in the ledger.
pub async fn drain(engine: &Arc<Engine>) {
    let gateway = engine.listening().gateway.take();
    if let Some(gateway) = gateway {
        gateway.drain().await;
    }
    if let Err(error) = engine.settle().await {
        tracing::error!(%error, "the last rows may be missing");
    }
}

impl Engine {
    pub(crate) fn listening(&self) -> std::sync::MutexGuard<'_, Listening> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
