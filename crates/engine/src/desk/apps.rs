//! Apps: one gateway token for each bot.

use std::sync::Arc;

use patchbay_core::app::{App as CoreApp, AppLimits, TOKEN_PREFIX, TokenHash, is_label};
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::budget::{Measure, Period, ScopeKind, ScopeName};
use patchbay_core::id::AppId;
use patchbay_core::money::DecimalUsd;
use patchbay_core::report::{Field, Filter, GroupBy, Totals};
use patchbay_core::secret::Secret;
use patchbay_core::time::{HOUR_MS, Timestamp, last_days};
use patchbay_store::budget::Key;
use patchbay_store::kept_body::KEY_MADE;
use patchbay_store::{Db, Recorded, StoreError, app, kept_body, rollup, setting, usage};
use serde::{Deserialize, Serialize};

use super::budgets;
use crate::changes::Changed;
use crate::error::Error;
use crate::gateway::token_hash;
use crate::{Engine, clock};

/// How long a replaced token stays valid.
const GRACE_MS: i64 = 24 * HOUR_MS;
/// Requests and answers are kept so long at least and at most.
const SHORTEST_S: u32 = 3_600;
const LONGEST_S: u32 = 30 * 24 * 3_600;
/// The most names in an app's list, and the most characters in one.
const MOST_NAMES: usize = 200;

/// Whether an app may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum AppState {
    /// Yes.
    Active,
    /// No more.
    Revoked,
}

/// What can be set of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, specta::Type)]
pub struct AppSettings {
    /// What its calls are for, where a call does not say.
    pub feature: Option<String>,
    /// The profiles, aliases and models that it may call, an ending `*` for all that begin so; everything where there is no
    /// list.
    pub may_use: Option<Vec<String>>,
    /// Its own limits, on top of its connections'.
    #[serde(flatten)]
    pub limits: AppLimits,
    /// How many seconds its requests and answers are kept, sealed; not at all where it is not set.
    pub keep_bodies_s: Option<u32>,
}

/// One thing to set of an app; everything else stays.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(tag = "field", content = "value", rename_all = "snake_case")]
pub enum AppEdit {
    /// `None` for nothing.
    Feature(Option<String>),
    /// `None` for everything.
    MayUse(Option<Vec<String>>),
    /// `None` for no limit.
    RateLimitPerMinute(Option<u32>),
    /// `None` for no limit.
    MaxConcurrentRequests(Option<u32>),
    /// `None` for no limit.
    MaxOutputTokens(Option<u32>),
    /// In seconds, an hour to 30 days; `None` keeps nothing and erases what was kept.
    KeepBodiesS(Option<u32>),
}

impl AppSettings {
    fn with(mut self, edit: AppEdit) -> Self {
        match edit {
            AppEdit::Feature(feature) => self.feature = feature,
            AppEdit::MayUse(names) => self.may_use = names,
            AppEdit::RateLimitPerMinute(most) => self.limits.rate_limit_per_minute = most,
            AppEdit::MaxConcurrentRequests(most) => self.limits.max_concurrent_requests = most,
            AppEdit::MaxOutputTokens(most) => self.limits.max_output_tokens = most,
            AppEdit::KeepBodiesS(seconds) => self.keep_bodies_s = seconds,
        }
        self
    }

    fn of(app: &CoreApp) -> Self {
        Self {
            feature: app.feature.clone(),
            may_use: app.may_use.clone(),
            limits: app.limits,
            keep_bodies_s: app.keep_bodies_s,
        }
    }

    fn check(&self) -> Result<(), Error> {
        if let Some(feature) = &self.feature {
            check_label(feature)?;
        }
        let names = self.may_use.as_deref().unwrap_or_default();
        let is_name = |name: &String| {
            !name.trim().is_empty() && name.len() <= MOST_NAMES && !name.contains(char::is_control)
        };
        if names.len() > MOST_NAMES || !names.iter().all(is_name) {
            return Err(Error::invalid(
                "The list of what the app may use has an empty, overlong or unprintable name, or more than 200.",
                "Name profiles, aliases or models as a call would, such as signal-scan or openai/*.",
            ));
        }
        let AppLimits { rate_limit_per_minute, max_concurrent_requests, max_output_tokens } = self.limits;
        if [rate_limit_per_minute, max_concurrent_requests, max_output_tokens].contains(&Some(0)) {
            return Err(Error::invalid(
                "A limit of 0 would let nothing through.",
                "Leave it empty for no limit, or revoke the app.",
            ));
        }
        if self.keep_bodies_s.is_some_and(|seconds| !(SHORTEST_S..=LONGEST_S).contains(&seconds)) {
            return Err(Error::invalid(
                "Requests and answers are kept for an hour at least and for 30 days at most.",
                "Choose a time such as 24h or 7d, or off.",
            ));
        }
        Ok(())
    }
}

/// An app as lists show it.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct App {
    /// Unique.
    pub name: String,
    /// What it is set to.
    #[serde(flatten)]
    pub settings: AppSettings,
    /// Whether it may call.
    pub state: AppState,
    /// The last four characters of its newest token; empty for a revoked app.
    pub token_tail: String,
    /// Until when the token before works, too.
    pub old_token_until: Option<Timestamp>,
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
                        let of_app = Filter::default().only(Field::App, &app.name);
                        let last = usage::log(db, &of_app, usage::Page::Newest(1))?.first().map(|row| row.at);
                        let tokens: Vec<_> = tokens.iter().filter(|token| token.app == app.id).collect();
                        Ok(view(app, &tokens, &totals.unwrap_or_default(), last))
                    });
                    views.collect::<Result<Vec<_>, _>>()
                })
                .map_err(Error::from)
        })
        .await
}

/// Its tokens come newest first.
fn view(app: CoreApp, tokens: &[&TokenHash], today: &Totals, last_used_at: Option<Timestamp>) -> App {
    let now = clock::now();
    let newest = tokens.first().filter(|_| !app.revoked);
    App {
        settings: AppSettings::of(&app),
        name: app.name,
        state: if app.revoked { AppState::Revoked } else { AppState::Active },
        token_tail: newest.map(|token| token.tail.clone()).unwrap_or_default(),
        old_token_until: tokens.get(1).and_then(|old| old.expires_at).filter(|end| now < *end),
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
        check_label(label)?;
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

fn check_label(label: &str) -> Result<(), Error> {
    if is_label(label) {
        return Ok(());
    }
    Err(Error::invalid(
        format!("\"{label}\" cannot be used as a name."),
        "Use 1 to 64 characters without slashes, line breaks or blanks at the ends.",
    ))
}

/// Sets some things of an app; its token stays.
pub async fn edit(engine: &Arc<Engine>, name: String, edits: Vec<AppEdit>) -> Result<(), Error> {
    let asked = edits.iter().cloned().fold(AppSettings::default(), AppSettings::with);
    asked.check()?;
    if asked.keep_bodies_s.is_some() {
        // Where it cannot be made, nothing is turned on.
        engine.body_key().await?;
    }
    engine
        .change(move |db| {
            let app = app::get(db, &name)?;
            let before = AppSettings::of(&app);
            let after = edits.into_iter().fold(before.clone(), AppSettings::with);
            let change = Change::between(&before, &after);
            if change.is_empty() {
                return Ok(Recorded::unchanged(()));
            }
            let AppSettings { feature, may_use, limits, keep_bodies_s } = after;
            keep_as_told(db, app.id, keep_bodies_s)?;
            app::update(db, &CoreApp { feature, may_use, limits, keep_bodies_s, ..app }, clock::now())?;
            Ok(Recorded::new((), Entry::user(Action::Update, Kind::App, name).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Apps);
    Ok(())
}

/// What was kept before ends with the new time, or at once.
fn keep_as_told(db: &Db, app: AppId, keep_bodies_s: Option<u32>) -> Result<(), StoreError> {
    match keep_bodies_s {
        Some(seconds) => {
            setting::set(db, KEY_MADE, &true, clock::now())?;
            kept_body::shorten(db, app, clock::now().plus_ms(i64::from(seconds) * 1_000))
        }
        None => kept_body::erase_of(db, app).map(drop),
    }
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
            let tokens = app::tokens(db)?;
            let tokens: Vec<_> = tokens.iter().filter(|token| token.app == app.id).collect();
            Ok(Recorded::new(view(app, &tokens, &Totals::default(), None), entry))
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
