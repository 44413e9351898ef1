//! The catalogue of models: what providers' lists said, and which connection can reach which.

use patchbay_core::dialect::models::ListedModel;
use patchbay_core::id::{ConnectionId, ProviderId};
use patchbay_core::model::{Capability, ModelSource, ModelState};
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, Row, named_params};

use crate::error::StoreError;

/// Notes the models that a connection's list named. An empty list changes nothing (M1), and none is deleted.
pub fn seen(db: &Db, connection: ConnectionId, models: &[String], now: Timestamp) -> Result<(), StoreError> {
    let mut catalogue = db.prepare(
        "INSERT INTO model (provider_id, model, source, first_seen_at, last_seen_at, state_since)
         SELECT provider_id, ?2, 'test', ?3, ?3, ?3 FROM connection WHERE id = ?1
         ON CONFLICT (provider_id, model) DO UPDATE SET
             last_seen_at = excluded.last_seen_at,
             state_since = CASE state WHEN 'unavailable' THEN excluded.last_seen_at ELSE state_since END,
             state = CASE state WHEN 'unavailable' THEN 'available' ELSE state END",
    )?;
    for model in models.iter().filter(|model| is_name(model)) {
        catalogue.execute((connection.0, model, now.0))?;
    }
    reached(db, connection, models, now)
}

/// Notes which models a connection can reach. What the user took from it stays taken.
pub fn reached(
    db: &Db,
    connection: ConnectionId,
    models: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut reach = db.prepare(
        "INSERT INTO connection_model (connection_id, model, seen_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (connection_id, model) DO UPDATE SET seen_at = excluded.seen_at",
    )?;
    for model in models.iter().filter(|model| is_name(model)) {
        reach.execute((connection.0, model, now.0))?;
    }
    Ok(())
}

/// What the table takes as an id; a list that names something longer loses only that.
pub fn is_name(model: &str) -> bool {
    (1..=200).contains(&model.chars().count())
}

/// Whether a connection may use a model that it can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// It may.
    Yes,
    /// It may not, though it could.
    No,
}

/// Lets a connection use a model, or not.
pub fn allow(
    db: &Db,
    connection: ConnectionId,
    model: &str,
    allowed: Allowed,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        "INSERT INTO connection_model (connection_id, model, allowed, seen_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (connection_id, model) DO UPDATE SET allowed = excluded.allowed WHERE allowed <> excluded.allowed",
        (connection.0, model, allowed == Allowed::Yes, now.0),
    )?;
    Ok(())
}

/// A model as the catalogue keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRow {
    /// Its provider's slug.
    pub provider: String,
    /// Its id.
    pub model: String,
    /// Whether it can be had.
    pub state: ModelState,
    /// Since when.
    pub state_since: Option<Timestamp>,
    /// The longest prompt and answer together, in tokens.
    pub context_window: Option<u32>,
    /// The longest answer, in tokens.
    pub max_output: Option<u32>,
    /// What it is known to do.
    pub capabilities: Vec<Capability>,
    /// What is missing above is not there.
    pub capabilities_complete: bool,
    /// The day of its end.
    pub retires_on: Option<String>,
    /// Where it is known from.
    pub source: ModelSource,
    /// When a list named it first.
    pub first_seen_at: Timestamp,
    /// When a list named it last.
    pub last_seen_at: Timestamp,
}

const COLUMNS: &str = "SELECT m.*, p.slug FROM model m JOIN provider p ON p.id = m.provider_id";

/// All models, by provider and id.
pub fn all(db: &Db) -> Result<Vec<ModelRow>, StoreError> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} ORDER BY p.slug, m.model"))?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn of_provider(db: &Db, provider: ProviderId) -> Result<Vec<ModelRow>, StoreError> {
    let mut statement = db.prepare_cached(&format!("{COLUMNS} WHERE p.id = ?1 ORDER BY m.model"))?;
    let rows = statement.query_map([provider.0], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<ModelRow> {
    Ok(ModelRow {
        provider: row.get("slug")?,
        model: row.get("model")?,
        state: ModelState::parse(&row.get::<_, String>("state")?),
        state_since: row.get::<_, Option<i64>>("state_since")?.map(Timestamp),
        context_window: row.get("context_window")?,
        max_output: row.get("max_output")?,
        capabilities: serde_json::from_str(&row.get::<_, String>("capabilities")?).unwrap_or_default(),
        capabilities_complete: row.get("capabilities_complete")?,
        retires_on: row.get("retires_on")?,
        source: ModelSource::parse(&row.get::<_, String>("source")?),
        first_seen_at: Timestamp(row.get("first_seen_at")?),
        last_seen_at: Timestamp(row.get("last_seen_at")?),
    })
}

/// What a provider's lists said, all together.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Every model that was named, once.
    pub models: Vec<ListedModel>,
    /// Connections that were asked and did not answer: what they reached before may still be there.
    pub unheard: Vec<ConnectionId>,
}

/// What a listing changed, by the ids of models.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListChanges {
    /// Named for the first time.
    pub added: Vec<String>,
    /// Not named any more.
    pub gone: Vec<String>,
    /// Named again.
    pub returned: Vec<String>,
    /// Given a day of their end.
    pub deprecated: Vec<String>,
}

/// Brings the catalogue in step with a provider's lists. A model that is missing becomes unavailable and is never deleted; an
/// empty listing changes nothing (M1).
pub fn sync(
    db: &Db,
    provider: ProviderId,
    listing: &Listing,
    now: Timestamp,
) -> Result<ListChanges, StoreError> {
    if listing.models.is_empty() {
        return Ok(ListChanges::default());
    }
    let before = of_provider(db, provider)?;
    for model in listing.models.iter().filter(|model| is_name(&model.id)) {
        put(db, provider, model, now)?;
    }
    miss(db, provider, &listing.unheard, now)?;
    let priced = listing.models.iter().filter(|model| !model.prices.is_empty()).count();
    db.execute(
        "INSERT INTO model_sync (provider_id, at, models, priced) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (provider_id) DO UPDATE SET at = excluded.at, models = excluded.models, priced = excluded.priced",
        (provider.0, now.0, listing.models.len(), priced),
    )?;
    Ok(changes(&before, &of_provider(db, provider)?))
}

/// What a list does not say does not wipe out what an earlier one said.
fn put(db: &Db, provider: ProviderId, model: &ListedModel, now: Timestamp) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached(
        "INSERT INTO model (provider_id, model, state, context_window, max_output, capabilities, capabilities_complete,
             retires_on, source, first_seen_at, last_seen_at, state_since)
         VALUES (:provider, :model, :state, :window, :output, :can, :complete, :retires, 'synced', :now, :now, :now)
         ON CONFLICT (provider_id, model) DO UPDATE SET
             state_since = CASE state WHEN excluded.state THEN state_since ELSE excluded.state_since END,
             state = excluded.state,
             context_window = coalesce(excluded.context_window, context_window),
             max_output = coalesce(excluded.max_output, max_output),
             capabilities = CASE WHEN excluded.capabilities = '[]' AND excluded.capabilities_complete = 0
                 THEN capabilities ELSE excluded.capabilities END,
             capabilities_complete = max(capabilities_complete, excluded.capabilities_complete),
             retires_on = excluded.retires_on,
             source = excluded.source,
             last_seen_at = excluded.last_seen_at",
    )?;
    let state = if model.retires_on.is_some() { ModelState::Deprecated } else { ModelState::Available };
    statement.execute(named_params! {
        ":provider": provider.0, ":model": model.id, ":state": state.as_str(), ":window": model.context_window,
        ":output": model.max_output, ":can": serde_json::json!(model.capabilities).to_string(),
        ":complete": model.capabilities_complete, ":retires": model.retires_on, ":now": now.0,
    })?;
    Ok(())
}

/// Marks what nobody named, unless a connection that did not answer reached it.
fn miss(db: &Db, provider: ProviderId, unheard: &[ConnectionId], now: Timestamp) -> Result<(), StoreError> {
    db.execute(
        "UPDATE model SET state = 'unavailable', state_since = ?2
         WHERE provider_id = ?1 AND state <> 'unavailable' AND last_seen_at < ?2
           AND NOT EXISTS (SELECT 1 FROM connection_model r WHERE r.model = model.model
                           AND r.connection_id IN (SELECT value FROM json_each(?3)))",
        (provider.0, now.0, serde_json::json!(unheard).to_string()),
    )?;
    Ok(())
}

fn changes(before: &[ModelRow], after: &[ModelRow]) -> ListChanges {
    let mut changes = ListChanges::default();
    for model in after {
        let was = before.iter().find(|known| known.model == model.model).map(|known| known.state);
        let list = match (was, model.state) {
            (None, _) => &mut changes.added,
            (Some(was), is) if was == is => continue,
            (_, ModelState::Unavailable) => &mut changes.gone,
            (_, ModelState::Deprecated) => &mut changes.deprecated,
            (_, ModelState::Available) => &mut changes.returned,
        };
        list.push(model.model.clone());
    }
    changes
}

/// The last list of a provider that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastSync {
    /// The provider's slug.
    pub provider: String,
    /// When.
    pub at: Timestamp,
    /// How many models it named.
    pub models: u32,
    /// How many of them came with a price.
    pub priced: u32,
}

/// The last list of each provider that ever had one.
pub fn syncs(db: &Db) -> Result<Vec<LastSync>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT p.slug, s.at, s.models, s.priced FROM model_sync s JOIN provider p ON p.id = s.provider_id ORDER BY p.name",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(LastSync {
            provider: row.get("slug")?,
            at: Timestamp(row.get("at")?),
            models: row.get("models")?,
            priced: row.get("priced")?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// How a connection stands to a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The connection.
    pub connection: ConnectionId,
    /// The model.
    pub model: String,
    /// Whether it may use it.
    pub allowed: Allowed,
}

/// Which connections can reach which models, as their own lists said.
pub fn reaches(db: &Db) -> Result<Vec<Reach>, StoreError> {
    let mut statement = db.prepare_cached("SELECT connection_id, model, allowed FROM connection_model")?;
    let rows = statement.query_map([], |row| {
        Ok(Reach {
            connection: ConnectionId(row.get("connection_id")?),
            model: row.get("model")?,
            allowed: if row.get("allowed")? { Allowed::Yes } else { Allowed::No },
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What relies on a model (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelianceKind {
    /// It is a connection's default model.
    DefaultModel,
    /// A profile asks for it.
    Profile,
    /// An alias leads to it.
    Alias,
}

/// Something that relies on a model, by its name for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reliance {
    /// How.
    pub kind: RelianceKind,
    /// The connection's key, the profile's name or the alias.
    pub name: String,
}

/// Everything that stops working when a model is gone (M3).
pub fn relying(db: &Db, provider: &str, model: &str) -> Result<Vec<Reliance>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT 'default' AS kind, c.connection_key AS name FROM connection c JOIN provider p ON p.id = c.provider_id
          WHERE p.slug = ?1 AND c.default_model = ?2
         UNION SELECT 'alias', alias FROM alias
          WHERE target IN (?2, ?1 || '/' || ?2)
         UNION SELECT 'profile', f.name FROM profile f
          JOIN profile_target t ON t.profile_id = f.id AND t.version = f.version
          LEFT JOIN connection c ON c.connection_key = t.connection_key
          JOIN provider p ON p.slug = t.provider_slug OR p.id = c.provider_id
          WHERE p.slug = ?1 AND t.model = ?2 AND f.archived = 0
         ORDER BY kind, name",
    )?;
    let rows = statement.query_map((provider, model), |row| {
        let kind = match row.get::<_, String>("kind")?.as_str() {
            "alias" => RelianceKind::Alias,
            "profile" => RelianceKind::Profile,
            _ => RelianceKind::DefaultModel,
        };
        Ok(Reliance { kind, name: row.get("name")? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
