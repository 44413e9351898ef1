//! What calls have taught of connections: the tables `connection_state` and `cooldown`. Counts and the last error come with each
//! row of the ledger; breaker, attention and rests come from routing, when they change.

use std::collections::HashMap;

use patchbay_core::audit::{Action, Actor, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::standing::{Attention, Kept, ModelRest};
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension, Row, named_params};

use crate::audit;
use crate::error::StoreError;

/// What calls have taught us of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionState {
    /// Errors since the last answer.
    pub consecutive_errors: u32,
    /// The last attempt.
    pub last_used_at: Option<Timestamp>,
    /// The last error.
    pub last_error_at: Option<Timestamp>,
    /// Its class.
    pub last_error_class: Option<String>,
    /// Its text.
    pub last_error_message: Option<String>,
    /// What routing keeps of it.
    pub kept: Kept,
}

/// The states of all connections that were ever used. What an account was blamed for ends with its credential.
pub fn states(db: &Db) -> Result<HashMap<ConnectionId, ConnectionState>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT s.*, s.needs_attention AND s.attention_credential IS
             (SELECT version FROM credential k WHERE k.connection_id = s.connection_id AND k.state = 'active')
             AS is_blamed
         FROM connection_state s",
    )?;
    let rows =
        statement.query_map([], |row| Ok((ConnectionId(row.get("connection_id")?), from_row(row)?)))?;
    let mut states: HashMap<_, _> = rows.collect::<Result<_, _>>()?;
    rests(db, &mut states)?;
    Ok(states)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<ConnectionState> {
    let moment = |name: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(name)?.map(Timestamp));
    let cooldown: Option<u64> = row.get("breaker_cooldown_ms")?;
    let is_open = row.get::<_, String>("breaker")? != "closed";
    let code = row.get::<_, Option<String>>("attention_code")?.and_then(|code| Code::parse(&code));
    let is_blamed: bool = row.get("is_blamed")?;
    let blame = code.zip(moment("attention_since")?).filter(|_| is_blamed);
    let credential = row.get("attention_credential")?;
    Ok(ConnectionState {
        consecutive_errors: row.get("consecutive_errors")?,
        last_used_at: moment("last_used_at")?,
        last_error_at: moment("last_error_at")?,
        last_error_class: row.get("last_error_class")?,
        last_error_message: row.get("last_error_message")?,
        kept: Kept {
            rest: moment("breaker_until")?.zip(cooldown).filter(|_| is_open),
            attention: blame.map(|(code, since)| Attention::known(code, since, credential)),
            models: Vec::new(),
        },
    })
}

fn rests(db: &Db, states: &mut HashMap<ConnectionId, ConnectionState>) -> Result<(), StoreError> {
    let mut statement = db.prepare_cached("SELECT * FROM cooldown ORDER BY connection_id, model")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let rest = ModelRest {
            model: row.get("model")?,
            until: Timestamp(row.get("until")?),
            why: Code::parse(&row.get::<_, String>("reason")?).unwrap_or(Code::RateLimited),
        };
        states.entry(ConnectionId(row.get("connection_id")?)).or_default().kept.models.push(rest);
    }
    Ok(())
}

/// Keeps what routing knows of a connection now, unless that was deleted meanwhile. That it begins to need a person, or does so
/// no more, that its breaker opens or closes, is noted in the audit log (A2).
pub fn keep(db: &Db, id: ConnectionId, kept: &Kept, now: Timestamp) -> Result<(), StoreError> {
    let before = states(db)?.remove(&id).unwrap_or_default().kept;
    write(db, id, kept)?;
    let sql = "SELECT connection_key FROM connection WHERE id = ?1";
    let key: Option<String> = db.query_row(sql, [id.0], |row| row.get("connection_key")).optional()?;
    let Some(key) = key else { return Ok(()) };
    match news(&before, kept) {
        Some((action, why)) => {
            let entry = Entry::by(Actor::Router, action, Kind::Connection, &key).because(why);
            audit::append(db, &entry, now)
        }
        None => Ok(()),
    }
}

/// What a person would want to find in the audit log.
fn news(before: &Kept, after: &Kept) -> Option<(Action, &'static str)> {
    let is_in_trouble = |kept: &Kept| kept.attention.is_some() || kept.rest.is_some();
    match (after.attention, after.rest) {
        (Some(attention), _) if before.attention.is_none() => {
            Some((Action::NeedAttention, attention.code.as_str()))
        }
        (_, Some(_)) if before.rest.is_none() => Some((Action::Rest, "it failed too often")),
        (None, None) if is_in_trouble(before) => Some((Action::Recover, "an attempt was answered")),
        _ => None,
    }
}

fn write(db: &Db, id: ConnectionId, kept: &Kept) -> Result<(), StoreError> {
    let (until, cooldown) = kept.rest.map(|(until, cooldown)| (until.0, cooldown)).unzip();
    let mut statement = db.prepare_cached(
        "INSERT INTO connection_state (connection_id, needs_attention, breaker, breaker_until, breaker_cooldown_ms,
             attention_code, attention_since, attention_credential)
         SELECT id, :attention, :breaker, :until, :cooldown, :code, :since, :credential FROM connection WHERE id = :id
         ON CONFLICT (connection_id) DO UPDATE SET
             needs_attention = excluded.needs_attention,
             breaker = excluded.breaker,
             breaker_until = excluded.breaker_until,
             breaker_cooldown_ms = excluded.breaker_cooldown_ms,
             attention_code = excluded.attention_code,
             attention_since = excluded.attention_since,
             attention_credential = excluded.attention_credential",
    )?;
    statement.execute(named_params! {
        ":id": id.0, ":attention": kept.attention.is_some(),
        ":breaker": if kept.rest.is_some() { "open" } else { "closed" }, ":until": until, ":cooldown": cooldown,
        ":code": kept.attention.map(|attention| attention.code.as_str()),
        ":since": kept.attention.map(|attention| attention.since.0),
        ":credential": kept.attention.and_then(|attention| attention.credential),
    })?;
    db.execute("DELETE FROM cooldown WHERE connection_id = ?1", [id.0])?;
    let mut statement = db.prepare_cached(
        "INSERT INTO cooldown (connection_id, model, until, reason)
         SELECT id, ?2, ?3, ?4 FROM connection WHERE id = ?1
         ON CONFLICT (connection_id, model) DO UPDATE SET until = max(until, excluded.until)",
    )?;
    for rest in &kept.models {
        statement.execute((id.0, &rest.model, rest.until.0, rest.why.as_str()))?;
    }
    Ok(())
}

/// Whether it rests, a model of it does, or it needs a person.
pub fn is_blamed(db: &Db, id: ConnectionId) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM cooldown WHERE connection_id = ?1)
               OR EXISTS (SELECT 1 FROM connection_state WHERE connection_id = ?1
                          AND (needs_attention OR breaker <> 'closed')) AS is_blamed";
    Ok(db.query_row(sql, [id.0], |row| row.get("is_blamed"))?)
}

/// Forgets what a connection was blamed for, here and, by the moment that is noted, in every process on the folder (F5).
pub fn clear(db: &Db, id: ConnectionId, now: Timestamp) -> Result<(), StoreError> {
    db.execute("UPDATE connection SET cleared_at = ?2 WHERE id = ?1", (id.0, now.0))?;
    db.execute("UPDATE connection_state SET consecutive_errors = 0 WHERE connection_id = ?1", [id.0])?;
    write(db, id, &Kept::default())
}

/// Forgets that the key was refused or the account exhausted, because another key is in use now; whether it was.
pub fn clear_attention(db: &Db, id: ConnectionId) -> Result<bool, StoreError> {
    let sql =
        "UPDATE connection_state SET needs_attention = 0 WHERE connection_id = ?1 AND needs_attention = 1";
    Ok(db.execute(sql, [id.0])? > 0)
}
