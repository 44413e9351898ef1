//! Providers. Those of the catalogue are kept in step with it at every start.

use patchbay_core::catalog::{CatalogProvider, KeyNeed, Protocol, Quirks};
use patchbay_core::id::{ConnectionId, ProviderId};
use patchbay_core::provider::{Provider, ProviderFacts, ProviderStatus};
use patchbay_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::error::StoreError;

/// Writes the catalogue's facts; what the user set (status, limits, supported models, default connection) stays, and so does
/// a provider of the user's own that happens to have a slug or a name of the catalogue.
pub fn sync_catalog(db: &Connection, catalog: &[CatalogProvider], now: Timestamp) -> Result<(), StoreError> {
    // The WHERE keeps an unchanged row untouched, so that the configuration's version stays.
    let mut statement = db.prepare(
        "INSERT INTO provider (slug, name, protocol, api_base_url, supported_models, key_need, key_prefix, keys_page,
             key_check, default_model, also_speaks, quirks, built_in, created_at, updated_at)
         VALUES (:slug, :name, :protocol, :base_url, :models, :key, :prefix, :page, :check, :model, :also, :quirks, 1, :now, :now)
         ON CONFLICT (slug) DO UPDATE SET
             name = excluded.name, protocol = excluded.protocol, api_base_url = excluded.api_base_url,
             key_need = excluded.key_need, key_prefix = excluded.key_prefix, keys_page = excluded.keys_page,
             key_check = excluded.key_check, default_model = excluded.default_model,
             also_speaks = excluded.also_speaks, quirks = excluded.quirks,
             updated_at = excluded.updated_at
         WHERE built_in = 1
           AND (name, protocol, api_base_url, key_need, key_prefix, keys_page, key_check, default_model,
                also_speaks, quirks)
            <> (excluded.name, excluded.protocol, excluded.api_base_url, excluded.key_need, excluded.key_prefix,
                excluded.keys_page, excluded.key_check, excluded.default_model,
                excluded.also_speaks, excluded.quirks)
         ON CONFLICT (name) DO NOTHING",
    )?;
    for provider in catalog {
        statement.execute(named_params! {
            ":slug": provider.slug, ":name": provider.name, ":protocol": provider.protocol.as_str(),
            ":base_url": provider.base_url, ":models": serde_json::json!(provider.known_models).to_string(),
            ":key": provider.key.as_str(), ":prefix": provider.key_prefix, ":page": provider.keys_page,
            ":check": provider.key_check, ":model": provider.default_model,
            ":also": serde_json::json!(provider.also).to_string(),
            ":quirks": serde_json::json!(provider.quirks).to_string(), ":now": now.0,
        })?;
    }
    Ok(())
}

/// The row of a slug.
pub fn id(db: &Connection, slug: &str) -> Result<ProviderId, StoreError> {
    let found =
        db.query_row("SELECT id FROM provider WHERE slug = ?1", [slug], |row| row.get("id")).optional()?;
    found.map(ProviderId).ok_or_else(|| StoreError::NotFound { what: "provider", name: slug.to_owned() })
}

/// Adds a provider of the user's own.
pub fn insert(db: &Connection, provider: &Provider, now: Timestamp) -> Result<ProviderId, StoreError> {
    refuse_taken(db, "a provider with the slug", "slug", &provider.slug, None)?;
    refuse_taken(db, "a provider named", "name", &provider.name, None)?;
    db.execute(
        "INSERT INTO provider (slug, name, protocol, api_base_url, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
        (&provider.slug, &provider.name, provider.protocol.as_str(), &provider.api_base_url, now.0),
    )?;
    let id = ProviderId(db.last_insert_rowid());
    update(db, id, provider, now)?;
    Ok(id)
}

/// Writes all fields but the slug and where it comes from.
pub fn update(
    db: &Connection,
    id: ProviderId,
    provider: &Provider,
    now: Timestamp,
) -> Result<(), StoreError> {
    refuse_taken(db, "a provider named", "name", &provider.name, Some(id))?;
    db.execute(
        "UPDATE provider SET name = :name, protocol = :protocol, api_base_url = :base_url, status = :status,
             supported_models = :models, max_concurrent_requests = :concurrent, default_timeout_s = :timeout,
             supports_streaming = :streaming, default_connection_id = :default, key_need = :key, key_prefix = :prefix,
             keys_page = :page, key_check = :check, default_model = :model, also_speaks = :also, quirks = :quirks,
             updated_at = :now
         WHERE id = :id",
        named_params! {
            ":id": id.0, ":name": provider.name, ":protocol": provider.protocol.as_str(),
            ":base_url": provider.api_base_url, ":status": provider.facts.status.as_str(),
            ":models": serde_json::json!(provider.supported_models).to_string(),
            ":concurrent": provider.facts.max_concurrent_requests, ":timeout": provider.default_timeout_s,
            ":streaming": provider.facts.streaming, ":default": provider.default_connection.map(|id| id.0),
            ":key": provider.facts.key.as_str(), ":prefix": provider.key_prefix, ":page": provider.facts.keys_page,
            ":check": provider.facts.key_check, ":model": provider.default_model,
            ":also": serde_json::json!(provider.also).to_string(),
            ":quirks": serde_json::json!(provider.quirks).to_string(), ":now": now.0,
        },
    )?;
    Ok(())
}

/// Deletes a provider that nothing points at (M6), with the prices that were set for it. The ledger keeps its slug.
pub fn delete(db: &Connection, id: ProviderId) -> Result<(), StoreError> {
    let users = users(db, id)?;
    if !users.is_empty() {
        return Err(StoreError::InUse { what: "The provider", by: users.join(", ") });
    }
    db.execute("DELETE FROM price WHERE provider_slug = (SELECT slug FROM provider WHERE id = ?1)", [id.0])?;
    db.execute("DELETE FROM provider WHERE id = ?1", [id.0])?;
    Ok(())
}

/// The names of its connections, and of the profiles whose version in use leads to it.
pub fn users(db: &Connection, id: ProviderId) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare(
        "SELECT 1 AS place, name FROM connection WHERE provider_id = ?1
         UNION SELECT 2, 'the profile ' || f.name FROM profile f
          JOIN profile_target t ON t.profile_id = f.id AND t.version = f.version
          JOIN provider p ON p.slug = t.provider_slug
          WHERE p.id = ?1 AND f.archived = 0
         ORDER BY place, name",
    )?;
    let rows = statement.query_map([id.0], |row| row.get("name"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives the connections of one provider to another. Each goes on calling the server that it called: the key that it holds
/// is that server's (K5).
pub fn reassign(
    db: &Connection,
    from: ProviderId,
    to: ProviderId,
    now: Timestamp,
) -> Result<usize, StoreError> {
    db.execute(
        "UPDATE provider SET default_connection_id = NULL WHERE id = ?1 AND default_connection_id IS NOT NULL",
        [from.0],
    )?;
    Ok(db.execute(
        "UPDATE connection SET provider_id = ?2, updated_at = ?3,
             base_url = coalesce(base_url, (SELECT api_base_url FROM provider WHERE id = ?1))
         WHERE provider_id = ?1",
        (from.0, to.0, now.0),
    )?)
}

fn refuse_taken(
    db: &Connection,
    what: &'static str,
    column: &str,
    value: &str,
    except: Option<ProviderId>,
) -> Result<(), StoreError> {
    let sql = format!("SELECT 1 FROM provider WHERE {column} = ?1 AND id IS NOT ?2");
    let taken = db.query_row(&sql, (value, except.map(|id| id.0)), |_| Ok(())).optional()?;
    taken.map_or(Ok(()), |()| Err(StoreError::NameTaken { what, name: value.to_owned() }))
}

/// All providers by name.
pub fn all(db: &Connection) -> Result<Vec<Provider>, StoreError> {
    let mut statement = db.prepare_cached("SELECT * FROM provider ORDER BY name")?;
    let rows = statement.query_map([], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The provider of a slug.
pub fn get(db: &Connection, slug: &str) -> Result<Provider, StoreError> {
    let mut statement = db.prepare_cached("SELECT * FROM provider WHERE slug = ?1")?;
    let found = statement.query_row([slug], from_row).optional()?;
    found.ok_or_else(|| StoreError::NotFound { what: "provider", name: slug.to_owned() })
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Provider> {
    Ok(Provider {
        id: ProviderId(row.get("id")?),
        slug: row.get("slug")?,
        name: row.get("name")?,
        protocol: protocol_from(row)?,
        also: serde_json::from_str(&row.get::<_, String>("also_speaks")?).unwrap_or_default(),
        api_base_url: row.get("api_base_url")?,
        facts: facts_from(row)?,
        key_prefix: row.get("key_prefix")?,
        default_model: row.get("default_model")?,
        supported_models: names(row, "supported_models")?,
        default_timeout_s: row.get("default_timeout_s")?,
        default_connection: row.get::<_, Option<i64>>("default_connection_id")?.map(ConnectionId),
        built_in: row.get("built_in")?,
        quirks: quirks_from(row)?,
        created_at: Timestamp(row.get("created_at")?),
    })
}

/// A protocol that a newer Patchbay wrote is a failure of this row, not a guess.
fn protocol_from(row: &Row<'_>) -> rusqlite::Result<Protocol> {
    let name: String = row.get("protocol")?;
    Protocol::parse(&name).ok_or_else(|| {
        rusqlite::Error::InvalidColumnType(0, format!("protocol {name}"), rusqlite::types::Type::Text)
    })
}

fn facts_from(row: &Row<'_>) -> rusqlite::Result<ProviderFacts> {
    Ok(ProviderFacts {
        status: ProviderStatus::parse(&row.get::<_, String>("status")?),
        key: KeyNeed::parse(&row.get::<_, String>("key_need")?),
        keys_page: row.get("keys_page")?,
        key_check: row.get("key_check")?,
        streaming: row.get("supports_streaming")?,
        max_concurrent_requests: row.get("max_concurrent_requests")?,
    })
}

/// A provider that a newer Patchbay wrote has those quirks that this one knows.
fn quirks_from(row: &Row<'_>) -> rusqlite::Result<Quirks> {
    Ok(serde_json::from_str(&row.get::<_, String>("quirks")?).unwrap_or_default())
}

fn names(row: &Row<'_>, column: &str) -> rusqlite::Result<Vec<String>> {
    Ok(serde_json::from_str(&row.get::<_, String>(column)?).unwrap_or_default())
}
