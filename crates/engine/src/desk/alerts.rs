//! Alerts: what somebody should know, until its cause ends, and which are wanted.

mod chart;

use std::sync::Arc;

use patchbay_core::alert::{AlertKind, AlertState, Rules, Severity, Sign};
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::money::{DecimalUsd, NanoUsd};
use patchbay_core::time::{HOUR_MS, Timestamp};
use patchbay_store::alert::{self as table, AlertRow, Which};
use patchbay_store::{Recorded, StoreError, setting};
use serde::{Deserialize, Serialize};

use self::chart::Evidence;
use super::overview::{Attention, AttentionAction, Level};
use crate::changes::Changed;
use crate::error::Error;
use crate::snapshot::ALERT_RULES;
use crate::{Engine, clock};

pub use self::chart::chart;
pub(super) use self::chart::draw;

/// So many closed ones a list shows.
const SHOWN: u32 = 200;

/// How long the alert of a test stands.
const TEST_MS: i64 = HOUR_MS / 60;

/// An alert.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Alert {
    /// Its number.
    pub id: u32,
    /// What it is about.
    pub kind: AlertKind,
    /// Whom: a connection key, a budget, an app, a model.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// Where it stands.
    pub state: AlertState,
    /// One sentence.
    pub title: String,
    /// Figures and names behind it.
    pub evidence: String,
    /// When its cause began.
    pub opened_at: Timestamp,
    /// The end of its quiet.
    pub snoozed_until: Option<Timestamp>,
    /// When its cause ended.
    pub closed_at: Option<Timestamp>,
}

/// A line of an alert's story.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct AlertEvent {
    /// When.
    pub at: Timestamp,
    /// `opened`, `graver`, `eased`, `told`, `acknowledged`, `snoozed`, `woken` or `closed`.
    pub what: String,
    /// Figures then.
    pub detail: String,
}

/// An alert with its story.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct AlertDetail {
    /// The alert.
    #[serde(flatten)]
    pub alert: Alert,
    /// What became of it, in order.
    pub events: Vec<AlertEvent>,
    /// What the chart of what it is about is called; `None` where there is nothing over time.
    pub chart: Option<String>,
}

/// All that the list shows.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct Alerts {
    /// Those whose cause lasts, gravest first, then oldest: open and acknowledged.
    pub open: Vec<Alert>,
    /// Those that are quiet for a while.
    pub snoozed: Vec<Alert>,
    /// The last that were closed, newest first.
    pub closed: Vec<Alert>,
    /// How many are closed altogether.
    pub closed_count: u32,
}

/// Which alerts are told, and how.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type)]
pub struct AlertRule {
    /// What it is about.
    pub kind: AlertKind,
    /// Whether it is wanted.
    pub is_on: bool,
    /// Whether it is told on the desktop, too.
    pub on_desktop: bool,
    /// When one last opened.
    pub last_at: Option<Timestamp>,
}

/// Where some rules begin.
#[derive(Clone, Debug, Serialize, Deserialize, specta::Type)]
pub struct AlertLimits {
    /// Nothing is told on the desktop.
    pub quiet: bool,
    /// So many times the same prompt of an app …
    pub loop_times: u32,
    /// … within so many minutes are a circle.
    pub loop_minutes: u32,
    /// The first hour of the day, 0 to 23, in which nobody should be spending …
    pub idle_from: u32,
    /// … and the first in which it is fine again.
    pub idle_until: u32,
    /// So much may be spent meanwhile, in dollars.
    pub idle_spend: DecimalUsd,
    /// An account that has less than this left is told of, in dollars.
    pub low_balance: DecimalUsd,
}

/// The rules.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct AlertRules {
    /// One for each kind.
    pub rules: Vec<AlertRule>,
    /// Where some of them begin.
    pub limits: AlertLimits,
}

/// All alerts.
pub async fn list(engine: &Arc<Engine>) -> Result<Alerts, Error> {
    engine
        .blocking(|engine| {
            let (lasting, closed, closed_count) = engine.store.read(|db| {
                let closed = table::list(db, Which::Closed(SHOWN))?;
                Ok((table::list(db, Which::Lasting)?, closed, table::closed(db)?))
            })?;
            let (snoozed, open) =
                lasting.into_iter().map(view).partition(|alert| alert.state == AlertState::Snoozed);
            Ok(Alerts { open, snoozed, closed: closed.into_iter().map(view).collect(), closed_count })
        })
        .await
}

/// What the overview has no words of its own for: those of connections, prices and the gateway it tells from their state.
pub(super) fn needing_somebody(engine: &Engine) -> Result<Vec<Attention>, Error> {
    use AlertKind as K;
    let lasting = engine.store.read(|db| table::list(db, Which::Lasting))?;
    let is_told_elsewhere = |kind: K| {
        matches!(
            kind,
            K::NeedsAttention | K::BreakerOpen | K::UnknownPrice | K::GatewayDown | K::LedgerFailing
        )
    };
    let wanted = lasting.into_iter().filter(|alert| {
        alert.state == AlertState::Open && alert.severity > Severity::Info && !is_told_elsewhere(alert.kind)
    });
    let item = |alert: AlertRow| Attention {
        level: if alert.severity == Severity::Bad { Level::Bad } else { Level::Warn },
        title: alert.title,
        detail: alert.evidence,
        connection: None,
        alert: u32::try_from(alert.id).ok(),
        action: AttentionAction::OpenAlert,
    };
    Ok(wanted.map(item).collect())
}

/// One alert with its story.
pub async fn show(engine: &Arc<Engine>, id: u32) -> Result<AlertDetail, Error> {
    engine
        .blocking(move |engine| {
            let (alert, events) = engine
                .store
                .read(|db| Ok((table::get(db, i64::from(id))?, table::events(db, i64::from(id))?)))?;
            let event = |row: table::EventRow| AlertEvent { at: row.at, what: row.what, detail: row.detail };
            Ok(AlertDetail {
                chart: Evidence::of(alert.kind, &alert.subject).map(|about| about.heading().to_owned()),
                alert: view(alert),
                events: events.into_iter().map(event).collect(),
            })
        })
        .await
}

fn view(row: AlertRow) -> Alert {
    Alert {
        id: u32::try_from(row.id).unwrap_or(u32::MAX),
        kind: row.kind,
        subject: row.subject,
        severity: row.severity,
        state: row.state,
        title: row.title,
        evidence: row.evidence,
        opened_at: row.opened_at,
        snoozed_until: row.snoozed_until,
        closed_at: row.closed_at,
    }
}

/// Somebody has seen it: it stays in the list until its cause ends, and is not told again.
pub async fn acknowledge(engine: &Arc<Engine>, id: u32) -> Result<(), Error> {
    react(engine, id, move |db| table::acknowledge(db, i64::from(id), clock::now())).await
}

/// Somebody wants to hear of it again only after so many minutes.
pub async fn snooze(engine: &Arc<Engine>, id: u32, minutes: u32) -> Result<(), Error> {
    if !(1..=60 * 24 * 31).contains(&minutes) {
        return Err(Error::invalid("A quiet lasts a minute to a month.", "Name 1 to 44640 minutes."));
    }
    let now = clock::now();
    let until = now.plus_ms(i64::from(minutes) * HOUR_MS / 60);
    react(engine, id, move |db| table::snooze(db, i64::from(id), until, now)).await
}

/// What somebody does with an alert is part of its own story.
async fn react(
    engine: &Arc<Engine>,
    id: u32,
    work: impl FnOnce(&patchbay_store::Db) -> Result<(), StoreError> + Send + 'static,
) -> Result<(), Error> {
    engine
        .change(move |db| {
            let before = table::get(db, i64::from(id))?;
            work(db)?;
            let after = table::get(db, i64::from(id))?;
            let change = Change::default().with("state", before.state, after.state);
            let name = format!("{} {}", after.kind.as_str(), after.subject);
            Ok(Recorded::new((), Entry::user(Action::Update, Kind::Alert, name.trim()).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Alerts);
    Ok(())
}

/// The rules, and when each last spoke.
pub async fn rules(engine: &Arc<Engine>) -> Result<AlertRules, Error> {
    engine
        .blocking(|engine| {
            let rules = engine.snapshot()?.alert_rules.clone();
            let last = engine.store.read(table::last_opened)?;
            let rule = |kind: &AlertKind| AlertRule {
                kind: *kind,
                is_on: rules.is_on(*kind),
                on_desktop: !rules.silent.contains(kind),
                last_at: last.iter().find(|(known, _)| known == kind).map(|(_, at)| *at),
            };
            let limits = AlertLimits {
                quiet: rules.quiet,
                loop_times: rules.loop_times,
                loop_minutes: rules.loop_minutes,
                idle_from: rules.idle_from,
                idle_until: rules.idle_until,
                idle_spend: rules.idle_spend.into(),
                low_balance: rules.low_balance.into(),
            };
            Ok(AlertRules { rules: AlertKind::ALL.iter().map(rule).collect(), limits })
        })
        .await
}

/// Switches a rule, and whether it is told on the desktop.
pub async fn set_rule(
    engine: &Arc<Engine>,
    kind: AlertKind,
    is_on: Option<bool>,
    on_desktop: Option<bool>,
) -> Result<AlertRules, Error> {
    change_rules(engine, move |rules| {
        for (wanted, set) in [(is_on, &mut rules.off), (on_desktop, &mut rules.silent)] {
            match wanted {
                Some(true) => {
                    set.remove(&kind);
                }
                Some(false) => {
                    set.insert(kind);
                }
                None => {}
            }
        }
    })
    .await
}

/// Raises an alert of that kind for a minute, so that somebody sees how it is told.
pub async fn test_rule(engine: &Arc<Engine>, kind: AlertKind) -> Result<(), Error> {
    if !engine.snapshot()?.alert_rules.is_on(kind) {
        return Err(Error::invalid("This rule is off, so it tells nothing.", "Turn it on, then test it."));
    }
    let sign = Sign::raise(
        Severity::Info,
        "A test of this rule".to_owned(),
        "you asked for it; it closes itself within a minute",
    );
    engine.watch.alerts().tell_until(kind, "test", sign, clock::now().plus_ms(TEST_MS));
    engine.settle().await
}

/// Sets where some rules begin.
pub async fn set_limits(engine: &Arc<Engine>, limits: AlertLimits) -> Result<AlertRules, Error> {
    let money = NanoUsd::from_decimal(&limits.idle_spend.0).zip(NanoUsd::from_decimal(&limits.low_balance.0));
    let fits = limits.idle_from < 24
        && limits.idle_until < 24
        && (2..=1_000).contains(&limits.loop_times)
        && (1..=1_440).contains(&limits.loop_minutes);
    let Some((idle_spend, low_balance)) = money.filter(|_| fits) else {
        return Err(Error::invalid(
            "These are no limits of alerts.",
            "Hours go from 0 to 23, a circle from 2 to 1000 times in 1 to 1440 minutes, and money is dollars.",
        ));
    };
    change_rules(engine, move |rules| {
        *rules = Rules {
            quiet: limits.quiet,
            loop_times: limits.loop_times,
            loop_minutes: limits.loop_minutes,
            idle_from: limits.idle_from,
            idle_until: limits.idle_until,
            idle_spend,
            low_balance,
            ..std::mem::take(rules)
        };
    })
    .await
}

async fn change_rules(
    engine: &Arc<Engine>,
    change: impl FnOnce(&mut Rules) + Send + 'static,
) -> Result<AlertRules, Error> {
    engine
        .change(move |db| {
            let before: Rules = setting::get(db, ALERT_RULES)?.unwrap_or_default();
            let mut after = before.clone();
            change(&mut after);
            setting::set(db, ALERT_RULES, &after, clock::now())?;
            let change = Change::between(&before, &after);
            if change.is_empty() {
                return Ok(Recorded::unchanged(()));
            }
            Ok(Recorded::new((), Entry::user(Action::Update, Kind::Setting, ALERT_RULES).change(change)))
        })
        .await?;
    // Alerts of a rule that is off are over.
    let snapshot = engine.snapshot()?;
    engine
        .blocking(move |engine| {
            engine.review_alerts(&snapshot);
            Ok(())
        })
        .await?;
    engine.changes.send(Changed::Alerts);
    rules(engine).await
}

/// The alerts that nobody was told of yet, by any process; from now on they count as told. For who shows desktop
/// notifications: those of rules that want one.
pub async fn claim_untold(engine: &Arc<Engine>) -> Result<Vec<Alert>, Error> {
    engine
        .blocking(|engine| {
            let rules = engine.snapshot()?.alert_rules.clone();
            let untold = engine.watch.alerts().claim_untold()?;
            Ok(untold.into_iter().filter(|alert| rules.is_told(alert.kind)).map(view).collect())
        })
        .await
}
