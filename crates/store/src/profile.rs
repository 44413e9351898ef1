//! Profiles and their immutable versions (M2).

use std::collections::HashMap;

use patchbay_core::id::ProfileId;
use patchbay_core::profile::{Spec, SpecTarget, WhenUntaken};
use patchbay_core::time::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, ValueRef};
use rusqlite::{Connection as Db, OptionalExtension, Row, named_params};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::error::StoreError;

/// A profile with the version in use.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileRow {
    /// Its row.
    pub id: ProfileId,
    /// Unique; bots name it as a model.
    pub name: String,
    /// Out of use, and kept.
    pub is_archived: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// The version in use.
    pub version: VersionRow,
}

/// A version of a profile.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionRow {
    /// From 1.
    pub number: u32,
    /// Why it was made; may be empty.
    pub note: String,
    /// When.
    pub created_at: Timestamp,
    /// Everything that it says.
    pub spec: Spec,
}

/// All profiles by name, archived ones too.
pub fn all(db: &Db) -> Result<Vec<ProfileRow>, StoreError> {
    let mut targets = targets(db, "JOIN profile p ON p.id = t.profile_id AND p.version = t.version", [])?;
    let mut statement = db.prepare_cached(
        "SELECT v.*, p.name, p.archived, p.created_at AS made_at FROM profile p
         JOIN profile_version v ON v.profile_id = p.id AND v.version = p.version ORDER BY p.name",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(ProfileRow {
            id: ProfileId(row.get("profile_id")?),
            name: row.get("name")?,
            is_archived: row.get("archived")?,
            created_at: Timestamp(row.get("made_at")?),
            version: version(row, &mut targets)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The profile of that name.
pub fn find(db: &Db, name: &str) -> Result<Option<ProfileRow>, StoreError> {
    Ok(all(db)?.into_iter().find(|profile| profile.name == name))
}

/// The profile of that name, or an error that names it.
pub fn get(db: &Db, name: &str) -> Result<ProfileRow, StoreError> {
    find(db, name)?.ok_or_else(|| StoreError::NotFound { what: "profile", name: name.to_owned() })
}

/// All versions of a profile, the newest first.
pub fn versions(db: &Db, id: ProfileId) -> Result<Vec<VersionRow>, StoreError> {
    let mut targets = targets(db, "WHERE t.profile_id = ?1", [id.0])?;
    let mut statement =
        db.prepare_cached("SELECT * FROM profile_version WHERE profile_id = ?1 ORDER BY version DESC")?;
    let rows = statement.query_map([id.0], |row| version(row, &mut targets))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Adds a profile with its first version.
pub fn insert(db: &Db, name: &str, spec: &Spec, note: &str, now: Timestamp) -> Result<ProfileId, StoreError> {
    refuse_taken(db, name)?;
    db.execute("INSERT INTO profile (name, version, created_at) VALUES (?1, 1, ?2)", (name, now.0))?;
    let id = ProfileId(db.last_insert_rowid());
    write(db, (id, 1), spec, note, now)?;
    Ok(id)
}

/// Adds a version, which is in use from now on, and answers its number.
pub fn add_version(
    db: &Db,
    id: ProfileId,
    spec: &Spec,
    note: &str,
    now: Timestamp,
) -> Result<u32, StoreError> {
    let sql = "SELECT max(version) + 1 AS next FROM profile_version WHERE profile_id = ?1";
    let number: u32 = db.query_row(sql, [id.0], |row| row.get("next"))?;
    write(db, (id, number), spec, note, now)?;
    // Raises the configuration's version, now that the new one is whole.
    db.execute("UPDATE profile SET version = ?2 WHERE id = ?1", (id.0, number))?;
    Ok(number)
}

/// Takes a profile that nothing points at out of use (M6). It is kept with all its versions.
pub fn archive(db: &Db, profile: &ProfileRow) -> Result<(), StoreError> {
    refuse_in_use(db, &profile.name)?;
    set_archived(db, profile.id, true)
}

/// Puts it back into use.
pub fn unarchive(db: &Db, id: ProfileId) -> Result<(), StoreError> {
    set_archived(db, id, false)
}

pub(crate) fn set_archived(db: &Db, id: ProfileId, is_archived: bool) -> Result<(), StoreError> {
    db.execute("UPDATE profile SET archived = ?2 WHERE id = ?1 AND archived <> ?2", (id.0, is_archived))?;
    Ok(())
}

/// Deletes a profile that nothing points at (M6), with all its versions. The ledger keeps its name.
pub fn delete(db: &Db, profile: &ProfileRow) -> Result<(), StoreError> {
    refuse_in_use(db, &profile.name)?;
    db.execute("DELETE FROM profile WHERE id = ?1", [profile.id.0])?;
    Ok(())
}

/// Refuses while something points at a profile (M6).
fn refuse_in_use(db: &Db, name: &str) -> Result<(), StoreError> {
    let users = users(db, name)?;
    if users.is_empty() {
        return Ok(());
    }
    Err(StoreError::InUse { what: "The profile", by: users.join(", ") })
}

/// What points at a profile: aliases, budgets, and apps that may use only what they name.
pub fn users(db: &Db, name: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT 1 AS rank, 'the alias ' || alias AS user FROM alias WHERE target = ?1
         UNION SELECT 2, 'its budget per ' || period FROM budget WHERE scope = 'profile' AND scope_name = ?1
         UNION SELECT 3, 'the app ' || name FROM app, json_each(app.allowed_models) allowed WHERE allowed.value = ?1
         ORDER BY rank, user",
    )?;
    let rows = statement.query_map([name], |row| row.get("user"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Gives everything that points at one profile to another; answers how many there were.
pub fn reassign_users(db: &Db, from: &str, to: &str) -> Result<usize, StoreError> {
    let aliases = db.execute("UPDATE alias SET target = ?2 WHERE target = ?1", (from, to))?;
    let apps = db.execute(
        "UPDATE app SET allowed_models =
             (SELECT json_group_array(DISTINCT iif(value = ?1, ?2, value)) FROM json_each(app.allowed_models))
         WHERE EXISTS (SELECT 1 FROM json_each(app.allowed_models) WHERE value = ?1)",
        (from, to),
    )?;
    // A budget that the other one has already stays with it.
    let budgets = db.execute(
        "UPDATE OR IGNORE budget SET scope_name = ?2 WHERE scope = 'profile' AND scope_name = ?1",
        (from, to),
    )?;
    db.execute("DELETE FROM budget WHERE scope = 'profile' AND scope_name = ?1", [from])?;
    Ok(aliases + apps + budgets)
}

/// A profile's name is read before an alias and a connection key: it must not hide one.
fn refuse_taken(db: &Db, name: &str) -> Result<(), StoreError> {
    let sql = "SELECT 'a profile named' AS what FROM profile WHERE name = ?1
               UNION ALL SELECT 'an alias' FROM alias WHERE alias = ?1
               UNION ALL SELECT 'a connection with the key' FROM connection WHERE connection_key = ?1";
    let taken: Option<String> = db.query_row(sql, [name], |row| row.get("what")).optional()?;
    let what = match taken.as_deref() {
        None => return Ok(()),
        Some("an alias") => "an alias",
        Some("a profile named") => "a profile named",
        Some(_) => "a connection with the key",
    };
    Err(StoreError::NameTaken { what, name: name.to_owned() })
}

fn write(
    db: &Db,
    (id, number): (ProfileId, u32),
    spec: &Spec,
    note: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let text = |value: serde_json::Value| (!value.is_null()).then(|| value.to_string());
    let word = |value: serde_json::Value| value.as_str().map(str::to_owned);
    db.execute(
        "INSERT INTO profile_version (profile_id, version, model_name, temperature, top_p, max_tokens, presence_penalty,
             frequency_penalty, seed, stop_sequences, response_format, tool_configurations, tool_choice, system_prompt,
             streaming_enabled, max_concurrent_requests, rate_limit_requests, rate_limit_period_s, rate_limit_per_minute,
             rate_limit_per_day, tokens_per_minute, timeout_s, max_attempts, when_full, wait_s, when_slow,
             when_untaken, note, created_at)
         VALUES (:id, :version, :model, :temperature, :top_p, :max_tokens, :presence, :frequency, :seed, :stop, :format, :tools,
             :choice, :system, :streaming, :concurrent, :requests, :period, :rpm, :rpd, :tpm, :timeout, :attempts, :full, :wait,
             :slow, :untaken, :note, :now)",
        named_params! {
            ":id": id.0, ":version": number, ":model": spec.model_name(), ":temperature": spec.temperature,
            ":top_p": spec.top_p, ":max_tokens": spec.max_tokens, ":presence": spec.presence_penalty,
            ":frequency": spec.frequency_penalty, ":seed": spec.seed, ":stop": json!(spec.stop_sequences).to_string(),
            ":format": text(json!(spec.response_format)), ":tools": json!(spec.tool_configurations).to_string(),
            ":choice": text(json!(spec.tool_choice)), ":system": spec.system_prompt,
            ":streaming": spec.streaming_enabled, ":concurrent": spec.max_concurrent_requests,
            ":requests": spec.rate_limit_requests, ":period": spec.rate_limit_period_s,
            ":rpm": spec.rate_limit_per_minute, ":rpd": spec.rate_limit_per_day, ":tpm": spec.tokens_per_minute,
            ":timeout": spec.timeout_s, ":attempts": spec.max_attempts, ":full": word(json!(spec.when_full)),
            ":wait": spec.wait_s, ":slow": word(json!(spec.when_slow)), ":untaken": spec.when_untaken.as_str(), ":note": note, ":now": now.0,
        },
    )?;
    let mut insert = db.prepare_cached(
        "INSERT INTO profile_target (profile_id, version, position, connection_key, provider_slug, model)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (position, target) in (1_u32..).zip(&spec.targets) {
        insert.execute((id.0, number, position, &target.connection, &target.provider, &target.model))?;
    }
    Ok(())
}

type Targets = HashMap<(i64, u32), Vec<SpecTarget>>;

fn targets(db: &Db, which: &str, values: impl rusqlite::Params) -> Result<Targets, StoreError> {
    let sql =
        format!("SELECT t.* FROM profile_target t {which} ORDER BY t.profile_id, t.version, t.position");
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(values)?;
    let mut targets = Targets::new();
    while let Some(row) = rows.next()? {
        let of = (row.get("profile_id")?, row.get("version")?);
        targets.entry(of).or_default().push(SpecTarget {
            connection: row.get("connection_key")?,
            provider: row.get("provider_slug")?,
            model: row.get("model")?,
        });
    }
    Ok(targets)
}

fn version(row: &Row<'_>, targets: &mut Targets) -> rusqlite::Result<VersionRow> {
    let number = row.get("version")?;
    let when_untaken: String = row.get("when_untaken")?;
    Ok(VersionRow {
        number,
        note: row.get("note")?,
        created_at: Timestamp(row.get("created_at")?),
        spec: Spec {
            targets: targets.remove(&(row.get("profile_id")?, number)).unwrap_or_default(),
            temperature: row.get("temperature")?,
            top_p: row.get("top_p")?,
            max_tokens: row.get("max_tokens")?,
            presence_penalty: row.get("presence_penalty")?,
            frequency_penalty: row.get("frequency_penalty")?,
            seed: row.get("seed")?,
            stop_sequences: row.get::<_, Json<_>>("stop_sequences")?.0,
            response_format: row.get::<_, Option<Json<_>>>("response_format")?.map(|json| json.0),
            tool_configurations: row.get::<_, Json<_>>("tool_configurations")?.0,
            tool_choice: row.get::<_, Option<Json<_>>>("tool_choice")?.map(|json| json.0),
            system_prompt: row.get("system_prompt")?,
            streaming_enabled: row.get("streaming_enabled")?,
            max_concurrent_requests: row.get("max_concurrent_requests")?,
            rate_limit_requests: row.get("rate_limit_requests")?,
            rate_limit_period_s: row.get("rate_limit_period_s")?,
            rate_limit_per_minute: row.get("rate_limit_per_minute")?,
            rate_limit_per_day: row.get("rate_limit_per_day")?,
            tokens_per_minute: row.get("tokens_per_minute")?,
            timeout_s: row.get("timeout_s")?,
            max_attempts: row.get("max_attempts")?,
            when_full: row.get::<_, Option<String>>("when_full")?.and_then(named),
            wait_s: row.get("wait_s")?,
            when_slow: row.get::<_, Option<String>>("when_slow")?.and_then(named),
            when_untaken: WhenUntaken::parse(&when_untaken),
        },
    })
}

/// A column that holds JSON text. One that cannot be read is an error: a version must not lose a part in silence.
struct Json<T>(T);

impl<T: DeserializeOwned> FromSql for Json<T> {
    fn column_result(value: ValueRef<'_>) -> Result<Self, FromSqlError> {
        serde_json::from_str(value.as_str()?).map(Self).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

fn named<T: DeserializeOwned>(name: String) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(name)).ok()
}
