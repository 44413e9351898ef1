//! Apps: one gateway token for each bot.

use std::sync::Arc;

use patchbay_core::app::{App as CoreApp, TOKEN_PREFIX, is_label};
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::budget::{Measure, Period, ScopeKind, ScopeName};
use patchbay_core::money::DecimalUsd;
use patchbay_core::report::{Field, Filter, GroupBy, Totals};
use patchbay_core::secret::Secret;
use patchbay_core::time::{HOUR_MS, Timestamp, last_days};
use patchbay_store::budget::Key;
use patchbay_store::{Db, Recorded, StoreError, app, rollup, usage};
use serde::Serialize;

use super::budgets;
use crate::changes::Changed;
use crate::error::Error;
use crate::gateway::token_hash;
use crate::{Engine, clock};

/// How long a replaced token stays valid.
const GRACE_MS: i64 = 24 * HOUR_MS;

/// Whether an app may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum AppState {
    /// Yes.
    Active,
    /// No more.
    Revoked,
}

/// An app as lists show it.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct App {
    /// Unique.
    pub name: String,
    /// What its calls are for, where a call does not say.
    pub feature: Option<String>,
    /// Whether it may call.
    pub state: AppState,
    /// The last four characters of its newest token; empty for a revoked app.
    pub token_tail: String,
    /// Calls since midnight.
    pub requests_today: u32,
    /// Spend since midnight.
    pub cost_today: DecimalUsd,
    /// The last call of the last 30 days.
    pub last_used_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// An app with the only sight of its token.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct NewApp {
    /// The app.
    pub app: App,
    /// Shown once; only its hash is kept.
    pub token: String,
}

/// All apps by name.
pub async fn list(engine: &Arc<Engine>, zone: jiff::tz::TimeZone) -> Result<Vec<App>, Error> {
    engine
        .blocking(move |engine| {
            let today = last_days(clock::now(), 1, &zone).into_iter().next().map(|(_, range)| range);
            engine
                .store
                .read(|db| {
                    let spent = rollup::groups(
                        db,
                        &Filter { range: today, ..Filter::default() },
                        GroupBy::App,
                        &zone,
                    )?;
                    let tokens = app::tokens(db)?;
                    let views = app::all(db)?.into_iter().map(|app| {
                        let totals = spent
                            .iter()
                            .find(|group| group.key == app.name)
                            .map(|group| group.totals.clone());
                        let tail =
                            tokens.iter().find(|token| token.app == app.id).map(|token| token.tail.clone());
                        let of_app = Filter::default().only(Field::App, &app.name);
                        let last = usage::log(db, &of_app, usage::Page::Newest(1))?.first().map(|row| row.at);
                        Ok(view(app, tail, &totals.unwrap_or_default(), last))
                    });
                    views.collect::<Result<Vec<_>, _>>()
                })
                .map_err(Error::from)
        })
        .await
}

fn view(app: CoreApp, tail: Option<String>, today: &Totals, last_used_at: Option<Timestamp>) -> App {
    App {
        name: app.name,
        feature: app.feature,
        state: if app.revoked { AppState::Revoked } else { AppState::Active },
        token_tail: tail.unwrap_or_default(),
        requests_today: u32::try_from(today.calls).unwrap_or(u32::MAX),
        cost_today: today.cost.into(),
        last_used_at,
        created_at: app.created_at,
    }
}

/// Adds an app and makes its token.
pub async fn add(engine: &Arc<Engine>, name: String, feature: Option<String>) -> Result<NewApp, Error> {
    add_with_budget(engine, name, feature, None).await
}

/// The same with a daily budget in dollars that stops its calls.
pub async fn add_with_budget(
    engine: &Arc<Engine>,
    name: String,
    feature: Option<String>,
    budget_day: Option<String>,
) -> Result<NewApp, Error> {
    let budget = budget_day.as_deref().map(budgets::stop_at).transpose()?;
    for label in std::iter::once(&name).chain(&feature) {
        if !is_label(label) {
            return Err(Error::invalid(
                format!("\"{label}\" cannot be used as a name."),
                "Use 1 to 64 characters without slashes, line breaks or blanks at the ends.",
            ));
        }
    }
    with_new_token(engine, name, move |db, name, now| {
        app::insert(db, name, feature.as_deref(), now)?;
        if let Some(terms) = budget {
            let scope = ScopeName { kind: ScopeKind::App, name: name.to_owned() };
            let key = Key { scope, period: Period::Day, measure: Measure::Money };
            budgets::set_in(db, &key, terms)?.write(db, now)?;
        }
        let entry = Entry::user(Action::Create, Kind::App, name);
        Ok((app::get(db, name)?, entry.change(Change::default().fact("feature", feature))))
    })
    .await
}

/// Gives an app a new token. The old one works for another 24 hours.
pub async fn rotate(engine: &Arc<Engine>, name: String) -> Result<NewApp, Error> {
    with_new_token(engine, name, |db, name, now| {
        let app = app::get(db, name)?;
        app::revive(db, app.id, now)?;
        let change = Change::default().with("revoked", app.revoked, false);
        Ok((app::get(db, name)?, Entry::user(Action::Rotate, Kind::App, name).change(change)))
    })
    .await
}

async fn with_new_token(
    engine: &Arc<Engine>,
    name: String,
    find: impl FnOnce(&Db, &str, Timestamp) -> Result<(CoreApp, Entry), StoreError> + Send + 'static,
) -> Result<NewApp, Error> {
    let token = new_token();
    let (hash, tail) = (token_hash(token.expose()), token.tail());
    let now = clock::now();
    let app = engine
        .change(move |db| {
            let (app, mut entry) = find(db, &name, now)?;
            app::add_token(db, app.id, hash, &tail, now, now.plus_ms(GRACE_MS))?;
            entry.change = entry.change.fact("token_tail", &tail);
            Ok(Recorded::new(view(app, Some(tail), &Totals::default(), None), entry))
        })
        .await?;
    engine.changes.send(Changed::Apps);
    Ok(NewApp { app, token: token.expose().to_owned() })
}

/// Refuses an app's calls from now on.
pub async fn revoke(engine: &Arc<Engine>, name: String) -> Result<(), Error> {
    engine
        .change(move |db| {
            let app = app::get(db, &name)?;
            app::revoke(db, app.id, clock::now())?;
            let change = Change::default().with("revoked", app.revoked, true);
            Ok(Recorded::new((), Entry::user(Action::Revoke, Kind::App, name).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Apps);
    Ok(())
}

/// 244 random bits from the operating system, in hexadecimal.
fn new_token() -> Secret {
    let (first, second) = (uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple());
    Secret::new(format!("{TOKEN_PREFIX}{first}{second}"))
}
