//! Connections, and what calls have taught us of them.

use std::collections::{BTreeMap, HashMap};

use patchbay_core::connection::{Connection, ConnectionStatus, CredentialRef, Limits, Timeouts};
use patchbay_core::id::{ConnectionId, ProviderId};
use patchbay_core::private::Private;
use patchbay_core::provider::Provider;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension, Row, named_params};
use serde::Serialize;

use crate::error::StoreError;
use crate::{provider, standing, told};

/// What a new connection is made of; the rest are defaults.
#[derive(Clone, Debug, Default, Serialize)]
pub struct NewConnection {
    /// From [`reserve`], where its key is in the vault already.
    #[serde(skip)]
    pub id: Option<ConnectionId>,
    /// The provider's slug.
    pub provider: String,
    /// Unique.
    pub key: String,
    /// Unique.
    pub name: String,
    /// Its own base URL.
    pub base_url: Option<String>,
    /// Tests and the playground use it.
    pub default_model: Option<String>,
    /// HTTP or SOCKS5, without its login.
    pub proxy: Option<String>,
    /// Without secrets.
    #[serde(serialize_with = "told::headers")]
    pub headers: BTreeMap<String, String>,
    /// Headers with secrets, and whether the proxy has a login. The values are in the vault already.
    #[serde(flatten)]
    pub private: Private,
    /// From 1; the last of its provider where `None`.
    pub priority: Option<u32>,
    /// See [`Limits`].
    pub limits: Limits,
    /// 0..=10.
    pub max_retries: Option<u32>,
    /// First-byte timeout in milliseconds; the provider's where `None`.
    pub first_byte_ms: Option<u32>,
    /// Whether a test passed.
    pub tested: bool,
}

/// An id that no connection ever had: its key can be put into the vault before the connection is there.
pub fn reserve(db: &Db) -> Result<ConnectionId, StoreError> {
    let raised = db.execute("UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'connection'", [])?;
    if raised == 0 {
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('connection', 1)", [])?;
    }
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'connection'";
    Ok(ConnectionId(db.query_row(sql, [], |row| row.get("seq"))?))
}

/// Adds a connection and answers its id.
pub fn insert(db: &Db, new: &NewConnection, now: Timestamp) -> Result<ConnectionId, StoreError> {
    refuse_taken(db, &new.key, &new.name, None)?;
    let provider = provider::get(db, &new.provider)?;
    let provider_id = provider.id;
    let priority = match new.priority {
        Some(priority) => priority,
        None => next_priority(db, provider_id)?,
    };
    let defaults = Timeouts::default();
    db.execute(
        "INSERT INTO connection (id, connection_key, provider_id, name, priority, base_url, default_model, proxy, headers,
             private_version, secret_headers, proxy_login, rate_limit_requests, rate_limit_period_s, rate_limit_per_minute, rate_limit_per_day, tokens_per_minute,
             max_concurrent_requests, max_retries, connect_timeout_ms, first_byte_timeout_ms, idle_timeout_ms,
             total_timeout_ms, tested, created_at, updated_at)
         VALUES (:id, :key, :provider_id, :name, :priority, :base_url, :default_model, :proxy, :headers,
             :private, :secret_headers, :proxy_login, :requests, :period, :rpm, :rpd, :tpm, :concurrent, :retries, :connect, :first_byte, :idle, :total,
             :tested, :now, :now)",
        named_params! {
            ":id": new.id.map(|id| id.0), ":key": new.key, ":provider_id": provider_id.0, ":name": new.name, ":priority": priority,
            ":base_url": new.base_url, ":default_model": new.default_model, ":proxy": new.proxy,
            ":headers": serde_json::json!(new.headers).to_string(),
            ":private": new.private.version, ":secret_headers": serde_json::json!(new.private.headers).to_string(),
            ":proxy_login": new.private.proxy_login,
            ":requests": new.limits.rate_limit_requests, ":period": new.limits.rate_limit_period_s,
            ":rpm": new.limits.rate_limit_per_minute, ":rpd": new.limits.rate_limit_per_day,
            ":tpm": new.limits.tokens_per_minute, ":concurrent": new.limits.max_concurrent_requests,
            ":retries": new.max_retries.unwrap_or(1),
            ":connect": defaults.connect_ms, ":first_byte": new.first_byte_ms.unwrap_or(provider.default_timeout_s * 1_000),
            ":idle": defaults.idle_ms, ":total": defaults.total_ms, ":tested": new.tested, ":now": now.0,
        },
    )?;
    Ok(ConnectionId(db.last_insert_rowid()))
}

/// The fields that a user edits; [`update`] writes all of them as they are given.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Editable {
    /// Unique.
    pub name: String,
    /// Its own base URL.
    pub base_url: Option<String>,
    /// Tests and the playground use it.
    pub default_model: Option<String>,
    /// OpenAI's organization header.
    pub organization: Option<String>,
    /// OpenAI's project header.
    pub project: Option<String>,
    /// HTTP or SOCKS5, without its login.
    pub proxy: Option<String>,
    /// Without secrets.
    #[serde(serialize_with = "told::headers")]
    pub headers: BTreeMap<String, String>,
    /// From 1.
    pub priority: u32,
    /// See [`Limits`].
    pub limits: Limits,
    /// 0..=10.
    pub max_retries: u32,
    /// See [`Timeouts`].
    pub timeouts: Timeouts,
    /// Whether streams are allowed.
    pub streaming: bool,
}

impl From<&Connection> for Editable {
    fn from(c: &Connection) -> Self {
        Self {
            name: c.name.clone(),
            base_url: c.own_base_url.clone(),
            default_model: c.default_model.clone(),
            organization: c.organization.clone(),
            project: c.project.clone(),
            proxy: c.proxy.clone(),
            headers: c.headers.clone(),
            priority: c.priority,
            limits: c.limits,
            max_retries: c.max_retries,
            timeouts: c.timeouts,
            streaming: c.streaming,
        }
    }
}

/// Writes the editable fields; key, credential, status and everything learned stay.
pub fn update(db: &Db, id: ConnectionId, fields: &Editable, now: Timestamp) -> Result<(), StoreError> {
    refuse_taken(db, "", &fields.name, Some(id))?;
    db.execute(
        "UPDATE connection SET name = :name, base_url = :base_url, default_model = :default_model,
             organization = :organization, project = :project, proxy = :proxy, headers = :headers, priority = :priority,
             rate_limit_requests = :requests, rate_limit_period_s = :period, rate_limit_per_minute = :rpm,
             rate_limit_per_day = :rpd, tokens_per_minute = :tpm, max_concurrent_requests = :concurrent,
             max_retries = :retries, connect_timeout_ms = :connect, first_byte_timeout_ms = :first_byte,
             idle_timeout_ms = :idle, total_timeout_ms = :total, streaming_enabled = :streaming, updated_at = :now
         WHERE id = :id",
        named_params! {
            ":name": fields.name, ":base_url": fields.base_url, ":default_model": fields.default_model,
            ":organization": fields.organization, ":project": fields.project, ":proxy": fields.proxy,
            ":headers": serde_json::json!(fields.headers).to_string(), ":priority": fields.priority,
            ":requests": fields.limits.rate_limit_requests, ":period": fields.limits.rate_limit_period_s,
            ":rpm": fields.limits.rate_limit_per_minute, ":rpd": fields.limits.rate_limit_per_day,
            ":tpm": fields.limits.tokens_per_minute, ":concurrent": fields.limits.max_concurrent_requests,
            ":retries": fields.max_retries, ":connect": fields.timeouts.connect_ms,
            ":first_byte": fields.timeouts.first_byte_ms, ":idle": fields.timeouts.idle_ms,
            ":total": fields.timeouts.total_ms, ":streaming": fields.streaming, ":now": now.0, ":id": id.0,
        },
    )?;
    Ok(())
}

/// Sets the status. Only a user's own action calls this (F5). Turning on forgets the errors so far and, like a passed
/// test, lets it into chains.
pub fn set_status(
    db: &Db,
    id: ConnectionId,
    status: ConnectionStatus,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.execute(
        "UPDATE connection SET status = ?2, updated_at = ?3 WHERE id = ?1",
        (id.0, status.as_str(), now.0),
    )?;
    if status == ConnectionStatus::Active {
        mark_tested(db, id)?;
        standing::clear(db, id, now)?;
    }
    Ok(())
}

/// Lets the connection into chains.
pub fn mark_tested(db: &Db, id: ConnectionId) -> Result<(), StoreError> {
    db.execute("UPDATE connection SET tested = 1 WHERE id = ?1 AND tested = 0", [id.0])?;
    Ok(())
}

/// Makes it its provider's default.
pub fn set_default(db: &Db, id: ConnectionId) -> Result<(), StoreError> {
    db.execute(
        "UPDATE provider SET default_connection_id = ?1 WHERE id = (SELECT provider_id FROM connection WHERE id = ?1)",
        [id.0],
    )?;
    Ok(())
}

/// Takes the default away, where it is the default.
pub fn clear_default(db: &Db, id: ConnectionId) -> Result<(), StoreError> {
    db.execute("UPDATE provider SET default_connection_id = NULL WHERE default_connection_id = ?1", [id.0])?;
    Ok(())
}

/// Gives the connections of these keys the priorities 1, 2, 3, … in this order.
pub fn reorder(db: &Db, keys: &[String], now: Timestamp) -> Result<(), StoreError> {
    for (priority, key) in (1_u32..).zip(keys) {
        let changed = db.execute(
            "UPDATE connection SET priority = ?2, updated_at = ?3 WHERE connection_key = ?1",
            (key, priority, now.0),
        )?;
        if changed == 0 {
            return Err(StoreError::NotFound { what: "connection", name: key.clone() });
        }
    }
    Ok(())
}

/// Deletes a connection that nothing points at (M6). Its ledger rows stay.
pub fn delete(db: &Db, id: ConnectionId) -> Result<(), StoreError> {
    let users = users(db, id)?;
    if !users.is_empty() {
        return Err(StoreError::InUse { what: "The connection", by: users.join(", ") });
    }
    db.execute("DELETE FROM connection WHERE id = ?1", [id.0])?;
    Ok(())
}

/// Lets the budgets of one connection be another's. One that the heir has already stays its own.
pub fn reassign_budgets(db: &Db, from: &str, to: &str) -> Result<(), StoreError> {
    db.execute(
        "UPDATE OR IGNORE budget SET scope_name = ?2 WHERE scope = 'connection' AND scope_name = ?1",
        (from, to),
    )?;
    db.execute("DELETE FROM budget WHERE scope = 'connection' AND scope_name = ?1", [from])?;
    Ok(())
}

/// What points at a connection: profiles by their version in use, then aliases, budgets, lists of apps that are let in, and the
/// cheaper models of budgets.
pub fn users(db: &Db, id: ConnectionId) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare(
        "WITH own AS (SELECT connection_key AS key FROM connection WHERE id = ?1)
         SELECT 1 AS rank, 'the profile ' || p.name AS user FROM own, profile p
         JOIN profile_target t ON t.profile_id = p.id AND t.version = p.version
         WHERE t.connection_key = own.key AND p.archived = 0
         UNION SELECT 2, 'the alias ' || alias FROM alias, own WHERE target = key OR substr(target, 1, length(key) + 1) = key || '/'
         UNION SELECT 3, 'its budget per ' || period FROM budget, own WHERE scope = 'connection' AND scope_name = key
         UNION SELECT 4, 'the list of the app ' || app.name FROM own, app, json_each(app.allowed_models) AS entry
         WHERE app.state = 'active'
           AND (entry.value = own.key OR substr(entry.value, 1, length(own.key) + 1) = own.key || '/')
         UNION SELECT 5, 'the cheaper model of the ' || CASE period WHEN 'day' THEN 'daily ' ELSE 'monthly ' END
             || CASE measure WHEN 'money' THEN '' WHEN 'requests' THEN 'request ' ELSE 'token ' END || 'budget'
             || CASE scope WHEN 'all' THEN '' ELSE ' of the ' || scope || ' ' || scope_name END
         FROM budget, own WHERE degrade_to = own.key OR substr(degrade_to, 1, length(own.key) + 1) = own.key || '/'
         ORDER BY rank, user",
    )?;
    let rows = statement.query_map([id.0], |row| row.get("user"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Where in the vault its secret settings lie.
pub fn private_version(db: &Db, id: ConnectionId) -> Result<Option<u32>, StoreError> {
    let sql = "SELECT private_version FROM connection WHERE id = ?1";
    Ok(db.query_row(sql, [id.0], |row| row.get("private_version")).optional()?.flatten())
}

/// Says what of its settings is secret, and where the values lie.
pub fn set_private(db: &Db, id: ConnectionId, private: &Private, now: Timestamp) -> Result<(), StoreError> {
    db.execute(
        "UPDATE connection SET private_version = ?2, secret_headers = ?3, proxy_login = ?4, updated_at = ?5 WHERE id = ?1",
        (id.0, private.version, serde_json::json!(private.headers).to_string(), private.proxy_login, now.0),
    )?;
    Ok(())
}

/// The connection key of an id.
pub fn key_of(db: &Db, id: ConnectionId) -> Result<Option<String>, StoreError> {
    let sql = "SELECT connection_key FROM connection WHERE id = ?1";
    Ok(db.query_row(sql, [id.0], |row| row.get("connection_key")).optional()?)
}

/// All connections, by provider name and priority.
pub fn all(db: &Db) -> Result<Vec<Connection>, StoreError> {
    let mut models = models_by_connection(db)?;
    let providers: HashMap<i64, Provider> =
        provider::all(db)?.into_iter().map(|provider| (provider.id.0, provider)).collect();
    let mut statement = db.prepare_cached(
        "SELECT c.*, k.version, k.tail, k.created_at AS credential_at
         FROM connection c
         JOIN provider p ON p.id = c.provider_id
         LEFT JOIN credential k ON k.connection_id = c.id AND k.state = 'active'
         ORDER BY p.name, c.priority, c.id",
    )?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(provider) = providers.get(&row.get("provider_id")?) {
            all.push(from_row(row, provider, &mut models)?);
        }
    }
    Ok(all)
}

fn from_row(
    row: &Row<'_>,
    provider: &Provider,
    models: &mut HashMap<i64, Vec<String>>,
) -> rusqlite::Result<Connection> {
    let id: i64 = row.get("id")?;
    let own_base_url: Option<String> = row.get("base_url")?;
    let mut models = models.remove(&id).unwrap_or_default();
    for model in &provider.supported_models {
        if !models.contains(model) {
            models.push(model.clone());
        }
    }
    Ok(Connection {
        id: ConnectionId(id),
        key: row.get("connection_key")?,
        name: row.get("name")?,
        provider: provider.slug.clone(),
        provider_name: provider.name.clone(),
        status: ConnectionStatus::parse(&row.get::<_, String>("status")?),
        priority: row.get("priority")?,
        is_default: provider.default_connection == Some(ConnectionId(id)),
        tested: row.get("tested")?,
        cleared_at: row.get::<_, Option<i64>>("cleared_at")?.map(Timestamp),
        base_url: own_base_url.clone().unwrap_or_else(|| provider.api_base_url.clone()),
        own_base_url,
        default_model: row.get("default_model")?,
        organization: row.get("organization")?,
        project: row.get("project")?,
        proxy: row.get("proxy")?,
        headers: serde_json::from_str(&row.get::<_, String>("headers")?).unwrap_or_default(),
        private: private_from(row)?,
        limits: limits_from(row)?,
        max_retries: row.get("max_retries")?,
        timeouts: timeouts_from(row)?,
        streaming: row.get("streaming_enabled")?,
        credential: credential_from(row)?,
        models,
        protocol: provider.protocol,
        also: provider.also.clone(),
        quirks: provider.quirks,
        facts: provider.facts.clone(),
    })
}

fn private_from(row: &Row<'_>) -> rusqlite::Result<Private> {
    Ok(Private {
        version: row.get("private_version")?,
        headers: serde_json::from_str(&row.get::<_, String>("secret_headers")?).unwrap_or_default(),
        proxy_login: row.get("proxy_login")?,
    })
}

fn timeouts_from(row: &Row<'_>) -> rusqlite::Result<Timeouts> {
    Ok(Timeouts {
        connect_ms: row.get("connect_timeout_ms")?,
        first_byte_ms: row.get("first_byte_timeout_ms")?,
        idle_ms: row.get("idle_timeout_ms")?,
        total_ms: row.get("total_timeout_ms")?,
    })
}

fn limits_from(row: &Row<'_>) -> rusqlite::Result<Limits> {
    Ok(Limits {
        rate_limit_requests: row.get("rate_limit_requests")?,
        rate_limit_period_s: row.get("rate_limit_period_s")?,
        rate_limit_per_minute: row.get("rate_limit_per_minute")?,
        rate_limit_per_day: row.get("rate_limit_per_day")?,
        tokens_per_minute: row.get("tokens_per_minute")?,
        max_concurrent_requests: row.get("max_concurrent_requests")?,
    })
}

fn credential_from(row: &Row<'_>) -> rusqlite::Result<Option<CredentialRef>> {
    let Some(version) = row.get("version")? else {
        return Ok(None);
    };
    Ok(Some(CredentialRef {
        version,
        tail: row.get("tail")?,
        created_at: Timestamp(row.get("credential_at")?),
    }))
}

fn models_by_connection(db: &Db) -> Result<HashMap<i64, Vec<String>>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT connection_id, model FROM connection_model WHERE allowed = 1 ORDER BY model",
    )?;
    let mut models: HashMap<i64, Vec<String>> = HashMap::new();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        models.entry(row.get("connection_id")?).or_default().push(row.get("model")?);
    }
    Ok(models)
}

fn refuse_taken(db: &Db, key: &str, name: &str, except: Option<ConnectionId>) -> Result<(), StoreError> {
    let taken = |what, column: &str, value: &str| -> Result<(), StoreError> {
        let sql = format!("SELECT id FROM connection WHERE {column} = ?1 AND id IS NOT ?2");
        match db.query_row(&sql, (value, except.map(|id| id.0)), |row| row.get::<_, i64>("id")).optional()? {
            Some(_) => Err(StoreError::NameTaken { what, name: value.to_owned() }),
            None => Ok(()),
        }
    };
    taken("a connection with the key", "connection_key", key)?;
    taken("a connection named", "name", name)
}

fn next_priority(db: &Db, provider: ProviderId) -> Result<u32, StoreError> {
    let sql = "SELECT coalesce(max(priority), 0) + 1 AS next FROM connection WHERE provider_id = ?1";
    Ok(db.query_row(sql, [provider.0], |row| row.get("next"))?)
}
