//! The ledger. [`append_all`] is its only writer: the row, its rollup, and what it teaches of the connection, in one transaction.

use std::collections::HashSet;
use std::ops::Deref;

use patchbay_core::code::{Blame, Code};
use patchbay_core::health::{Vitals, WINDOW_ATTEMPTS, WINDOW_MS};
use patchbay_core::id::{CallId, ConnectionId};
use patchbay_core::ledger::{Detours, Origin, Position, UsageRow};
use patchbay_core::report::Filter;
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, Row, Statement, ToSql, Transaction, params};

use crate::error::StoreError;
use crate::rollup::{Batch, Tally};
use crate::series;
use crate::writer::in_savepoint;
use crate::{archive, open_attempt};

mod lessons;
mod sheet;
mod tempo;
mod waits;

use lessons::Lessons;
pub use sheet::{Counted, Place, Sheet, newest_id, news, sheet};
pub use tempo::{Tempo, tempo};
pub use waits::waits;

/// Appends an attempt.
pub fn append(db: &Db, row: &UsageRow) -> Result<(), StoreError> {
    append_all(db, std::slice::from_ref(row))
}

/// Appends attempts: the same as one after another, in a fraction of the time.
pub fn append_all(db: &Db, rows: &[UsageRow]) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached(INSERT)?;
    let mut known = series::Known::default();
    let mut begun = Begun::default();
    let mut batch = Batch::default();
    let mut lessons = Lessons::default();
    for row in rows {
        let series_id = known.intern(db, row)?;
        insert_with(&mut insert, row, series_id)?;
        let begins_signal = begun.by(db, row, db.last_insert_rowid())?;
        batch.add(row.at.0, series_id, &Tally::of(row, begins_signal));
        if row.series.origin == Origin::Real {
            open_attempt::close(db, row.call, row.attempt)?;
            lessons.add(row);
        }
    }
    lessons.write(db)?;
    batch.write(db)
}

/// Appends attempts that ended at about the same time, and answers what became of each: one that cannot be entered takes none of
/// the others with it.
pub fn append_group(db: &Db, rows: &[UsageRow]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
    match in_savepoint(db, |db| append_all(db, rows)) {
        Ok(()) => Ok(rows.iter().map(|_| Ok(())).collect()),
        Err(error) if rows.len() == 1 => Err(error),
        Err(_) => Ok(rows.iter().map(|row| in_savepoint(db, |db| append(db, row))).collect()),
    }
}

const INSERT: &str = "INSERT INTO usage (call, attempt, at, series_id, final, signal, profile_version, requested_model,
        credential_version, input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens, cost_nano_usd,
        cost_source, total_ms, first_token_ms, status, error_class, message, finish_reason, streamed, upstream_id, detours)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)";

fn insert_with(statement: &mut Statement<'_>, row: &UsageRow, series_id: i64) -> Result<(), StoreError> {
    statement.execute(params![
        row.call.as_bytes(),
        row.attempt,
        row.at.0,
        series_id,
        row.position == Position::Final,
        row.signal,
        row.profile_version,
        row.requested_model,
        row.credential_version,
        row.usage.input,
        row.usage.output,
        row.usage.cached,
        row.usage.cache_write,
        row.usage.reasoning,
        row.cost.amount.map(|amount| amount.0),
        row.cost.source.as_str(),
        row.total_ms,
        row.first_token_ms,
        row.status,
        row.error.map(Code::as_str),
        row.message,
        row.finish_reason,
        row.streamed,
        row.upstream_id,
        row.detours.as_ref().map(|detours| serde_json::json!(detours).to_string())
    ])?;
    Ok(())
}

/// Signals that are known to have begun: each is counted once, with its first row.
#[derive(Default)]
struct Begun<'a>(HashSet<&'a str>);

impl<'a> Begun<'a> {
    /// Whether a row that was just entered is its signal's first.
    fn by(&mut self, db: &Db, row: &'a UsageRow, row_id: i64) -> Result<bool, StoreError> {
        let Some(signal) = row.signal.as_deref().filter(|signal| self.0.insert(signal)) else {
            return Ok(false);
        };
        let mut statement = db.prepare_cached(
            "SELECT NOT EXISTS (SELECT 1 FROM usage WHERE signal = ?1 AND id < ?2)
                 AND NOT EXISTS (SELECT 1 FROM archived_signal WHERE signal = ?1) AS first",
        )?;
        Ok(statement.query_row((signal, row_id), |row| row.get("first"))?)
    }
}

/// What a connection's health is judged by, apart from its state (F9).
pub fn vitals(db: &Db, connection: ConnectionId, now: Timestamp) -> Result<Vitals, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT s.outcome, u.error_class FROM usage u JOIN series s ON s.id = u.series_id
         WHERE u.series_id IN (SELECT id FROM series WHERE connection_id = ?1 AND sample = 0) AND u.at > ?2
         ORDER BY u.at DESC LIMIT ?3",
    )?;
    let mut rows = statement.query((connection.0, now.0 - WINDOW_MS, WINDOW_ATTEMPTS * 2))?;
    let mut vitals = Vitals::default();
    while let Some(row) = rows.next()? {
        if vitals.answered + vitals.failed == WINDOW_ATTEMPTS {
            break;
        }
        let class: Option<String> = row.get("error_class")?;
        let blame =
            class.and_then(|class| Code::parse(&class)).map_or(Blame::Nobody, |code| code.policy().health);
        match (row.get::<_, String>("outcome")?.as_str(), blame) {
            ("answered", _) => vitals.answered += 1,
            (_, Blame::Connection | Blame::Account) => vitals.failed += 1,
            _ => {}
        }
    }
    Ok(vitals)
}

/// How much a version of a credential was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VersionUse {
    /// The version.
    pub version: u32,
    /// Attempts, as far as raw rows are kept.
    pub attempts: u32,
    /// The last of them.
    pub last_at: Timestamp,
}

/// The use of each version of a connection's credential.
pub fn by_version(db: &Db, connection: ConnectionId) -> Result<Vec<VersionUse>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT credential_version AS version, count(*) AS attempts, max(at) AS last_at FROM usage
         WHERE series_id IN (SELECT id FROM series WHERE connection_id = ?1 AND sample = 0)
             AND credential_version IS NOT NULL GROUP BY credential_version",
    )?;
    let rows = statement.query_map([connection.0], |row| {
        Ok(VersionUse {
            version: row.get("version")?,
            attempts: row.get("attempts")?,
            last_at: Timestamp(row.get("last_at")?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// An attempt that counts against limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The connection's row.
    pub connection: ConnectionId,
    /// The app's name.
    pub app: String,
    /// The profile's name; may be empty.
    pub profile: String,
    /// Whether it ended its call, of which apps and profiles count one, however many attempts it took.
    pub is_final: bool,
    /// When it began.
    pub at: Timestamp,
    /// Input and output, as far as they are known.
    pub tokens: u64,
}

/// Attempts since a moment, oldest first, archived ones too: what limits are counted by after a restart (R3). One of which nothing
/// was sent is not among them.
pub fn starts(db: &Db, since: Timestamp) -> Result<Vec<Start>, StoreError> {
    let db = snapshot(db)?;
    let mut starts = Vec::new();
    // All other limits would begin anew with those that an archive was needed for.
    if let Err(error) = archive::starts(&db, since, &mut starts) {
        tracing::warn!(%error, "limits do not count all old attempts");
    }
    let mut statement = db.prepare_cached(
        "SELECT s.connection_id, s.app, s.profile, u.final, u.at,
             coalesce(u.input_tokens, 0) + coalesce(u.output_tokens, 0) AS tokens
         FROM usage u JOIN series s ON s.id = u.series_id
         WHERE u.at >= ?1 AND s.sample = 0
           AND NOT (u.status IS NULL AND u.cost_nano_usd IS 0)
         ORDER BY u.at",
    )?;
    let rows = statement.query_map([since.0], |row| {
        Ok(Start {
            connection: ConnectionId(row.get("connection_id")?),
            app: row.get("app")?,
            profile: row.get("profile")?,
            is_final: row.get("final")?,
            at: Timestamp(row.get("at")?),
            tokens: row.get("tokens")?,
        })
    })?;
    for start in rows {
        starts.push(start?);
    }
    starts.sort_by_key(|start| start.at);
    Ok(starts)
}

/// An attempt as the log shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// Its row, which pages and follows go by.
    pub id: i64,
    /// The call.
    pub call: CallId,
    /// From 1.
    pub attempt: u32,
    /// When it began.
    pub at: Timestamp,
    /// Whether it ended its call.
    pub is_final: bool,
    /// Whether it is sample data.
    pub is_sample: bool,
    /// Text columns by their names in the contract of `patchbay log --json`.
    pub app: String,
    /// What the call was for.
    pub feature: String,
    /// Groups calls into one decision.
    pub signal: Option<String>,
    /// The profile.
    pub profile: String,
    /// Its version.
    pub profile_version: Option<u32>,
    /// The connection key.
    pub connection: String,
    /// The connection's name as it was.
    pub connection_name: String,
    /// The provider's slug.
    pub provider: String,
    /// What the caller asked for.
    pub requested_model: String,
    /// What was asked of the provider.
    pub model: String,
    /// What was called: `chat`, `embedding`, `test` or `count`.
    pub usage_type: String,
    /// How it ended.
    pub outcome: String,
    /// The class of the error.
    pub error_class: Option<String>,
    /// The provider's HTTP status.
    pub status: Option<u16>,
    /// All input tokens.
    pub input_tokens: Option<u64>,
    /// All output tokens.
    pub output_tokens: Option<u64>,
    /// Of the input.
    pub cached_tokens: Option<u64>,
    /// Of the input.
    pub cache_write_tokens: Option<u64>,
    /// Of the output.
    pub reasoning_tokens: Option<u64>,
    /// `None` = unknown.
    pub cost_nano_usd: Option<i64>,
    /// Where the cost comes from.
    pub cost_source: String,
    /// The whole attempt.
    pub total_ms: u64,
    /// Until the first piece of the answer.
    pub first_token_ms: Option<u64>,
    /// Whether it came as a stream.
    pub streamed: bool,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// Redacted text of the error.
    pub message: Option<String>,
    /// The credential that was used.
    pub credential_version: Option<u32>,
    /// The provider's own id of the request.
    pub upstream_id: Option<String>,
    /// What its call met on the way.
    pub detours: Option<Detours>,
}

/// Which part of the log.
#[derive(Clone, Copy, Debug)]
pub enum Page {
    /// The newest, newest first.
    Newest(u32),
    /// What came after this row, oldest first.
    After(i64),
}

const LOG_COLUMNS: &str =
    "SELECT u.*, s.app, s.feature, s.profile, s.connection_key, s.connection_name, s.provider, s.model,
        s.usage_type, s.outcome, s.sample FROM usage u JOIN series s ON s.id = u.series_id";

/// The same with what only archives keep.
pub(crate) const WHOLE: &str =
    "SELECT u.*, s.app, s.feature, s.profile, s.connection_id, s.connection_key, s.connection_name, s.provider, s.model,
        s.usage_type, s.outcome, s.sample, u.signal IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM usage e WHERE e.signal = u.signal AND e.id < u.id)
            AND NOT EXISTS (SELECT 1 FROM archived_signal a WHERE a.signal = u.signal) AS begins_signal
     FROM usage u JOIN series s ON s.id = u.series_id";

/// Attempts that fit the filter and are in the ledger still.
pub fn log(db: &Db, filter: &Filter, page: Page) -> Result<Vec<LogRow>, StoreError> {
    let (conditions, mut parameters) = series::conditions(filter);
    let span = series::span(filter);
    let (bound, order, bound_value) = match &page {
        Page::Newest(limit) => ("", "ORDER BY u.at DESC, u.id DESC LIMIT ?", i64::from(*limit)),
        Page::After(id) => (" AND u.id > ?", "ORDER BY u.id LIMIT 1000", *id),
    };
    let sql = format!("{LOG_COLUMNS} WHERE {conditions} AND u.at >= ? AND u.at < ?{bound} {order}");
    let tail: [&dyn ToSql; 3] = [&span.0, &span.1, &bound_value];
    parameters.extend(tail);
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(parameters.as_slice(), log_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One page of attempts that fit, archived ones too, the newest first: those before a place (when they began, and their row), or
/// the newest of all.
pub fn page(
    db: &Db,
    filter: &Filter,
    before: Option<(Timestamp, i64)>,
    limit: usize,
) -> Result<Vec<LogRow>, StoreError> {
    let db = snapshot(db)?;
    let (conditions, mut parameters) = series::conditions(filter);
    let span = series::span(filter);
    let (at, id) = before.map_or((i64::MAX, i64::MAX), |(at, id)| (at.0, id));
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let tail: [&dyn ToSql; 6] = [&span.0, &span.1, &at, &at, &id, &most];
    parameters.extend(tail);
    let sql = format!(
        "{LOG_COLUMNS} WHERE {conditions} AND u.at >= ? AND u.at < ? AND u.at <= ? AND (u.at < ? OR u.id < ?)
         ORDER BY u.at DESC, u.id DESC LIMIT ?"
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map(parameters.as_slice(), log_row)?;
    let mut page = rows.collect::<Result<Vec<_>, _>>()?;
    page.extend(archive::rows(&db, filter, before, limit)?);
    page.sort_unstable_by_key(|row| std::cmp::Reverse((row.at, row.id)));
    page.truncate(limit);
    Ok(page)
}

/// Calls `each` for every attempt that fits, archived ones too, the oldest first, without holding more than a few of them.
pub fn scan(
    db: &Db,
    filter: &Filter,
    mut each: impl FnMut(LogRow) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let db = snapshot(db)?;
    let mut archived = archive::Rows::new(&db, filter)?;
    let mut waiting = archived.next(&db)?;
    let (conditions, mut parameters) = series::conditions(filter);
    let span = series::span(filter);
    let sql = format!("{LOG_COLUMNS} WHERE {conditions} AND u.at >= ? AND u.at < ? ORDER BY u.at, u.id");
    let edges: [&dyn ToSql; 2] = [&span.0, &span.1];
    parameters.extend(edges);
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(parameters.as_slice())?;
    while let Some(row) = rows.next()? {
        let row = log_row(row)?;
        let place = (row.at, row.id);
        while let Some(earlier) = waiting.take_if(|waiting| (waiting.row.at, waiting.row.id) < place) {
            each(earlier.row)?;
            waiting = archived.next(&db)?;
        }
        each(row)?;
    }
    while let Some(rest) = waiting {
        each(rest.row)?;
        waiting = archived.next(&db)?;
    }
    Ok(())
}

/// The attempts of one call, in order. Where it is known when one of them began, archives are not searched for longer than a day
/// around it.
pub fn of_call(db: &Db, call: CallId, near: Option<Timestamp>) -> Result<Vec<LogRow>, StoreError> {
    let db = snapshot(db)?;
    let mut statement = db.prepare_cached(&format!("{LOG_COLUMNS} WHERE u.call = ?1 ORDER BY u.attempt"))?;
    let rows = statement.query_map([call.as_bytes()], log_row)?;
    let found = rows.collect::<Result<Vec<_>, _>>()?;
    if found.iter().any(|row| row.is_final) {
        return Ok(found);
    }
    let mut attempts = archive::of_call(&db, call, near)?;
    attempts.extend(found);
    Ok(attempts)
}

/// One state of the database for several queries; inside a transaction there is one already.
pub(crate) fn snapshot(db: &Db) -> Result<Snapshot<'_>, StoreError> {
    Ok(if db.is_autocommit() { Snapshot::Own(db.unchecked_transaction()?) } else { Snapshot::Given(db) })
}

/// See [`snapshot`].
pub(crate) enum Snapshot<'a> {
    Own(Transaction<'a>),
    Given(&'a Db),
}

impl Deref for Snapshot<'_> {
    type Target = Db;

    fn deref(&self) -> &Db {
        match self {
            Self::Own(transaction) => transaction,
            Self::Given(db) => db,
        }
    }
}

pub(crate) fn log_row(row: &Row<'_>) -> rusqlite::Result<LogRow> {
    Ok(LogRow {
        id: row.get("id")?,
        call: CallId(uuid_from(row.get("call")?)),
        attempt: row.get("attempt")?,
        at: Timestamp(row.get("at")?),
        is_final: row.get("final")?,
        is_sample: row.get("sample")?,
        app: row.get("app")?,
        feature: row.get("feature")?,
        signal: row.get("signal")?,
        profile: row.get("profile")?,
        profile_version: row.get("profile_version")?,
        connection: row.get("connection_key")?,
        connection_name: row.get("connection_name")?,
        provider: row.get("provider")?,
        requested_model: row.get("requested_model")?,
        model: row.get("model")?,
        usage_type: row.get("usage_type")?,
        outcome: row.get("outcome")?,
        error_class: row.get("error_class")?,
        status: row.get("status")?,
        input_tokens: row.get("input_tokens")?,
        output_tokens: row.get("output_tokens")?,
        cached_tokens: row.get("cached_tokens")?,
        cache_write_tokens: row.get("cache_write_tokens")?,
        reasoning_tokens: row.get("reasoning_tokens")?,
        cost_nano_usd: row.get("cost_nano_usd")?,
        cost_source: row.get("cost_source")?,
        total_ms: row.get("total_ms")?,
        first_token_ms: row.get("first_token_ms")?,
        streamed: row.get("streamed")?,
        finish_reason: row.get("finish_reason")?,
        message: row.get("message")?,
        credential_version: row.get("credential_version")?,
        upstream_id: row.get("upstream_id")?,
        detours: row
            .get::<_, Option<String>>("detours")?
            .and_then(|detours| serde_json::from_str(&detours).ok()),
    })
}

fn uuid_from(bytes: [u8; 16]) -> uuid::Uuid {
    uuid::Uuid::from_bytes(bytes)
}
