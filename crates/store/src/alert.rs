//! Alerts: one open for each kind and subject, with what became of it. The table is the truth for every process on the folder;
//! what a sign does is decided by [`patchbay_core::alert::step`].

use patchbay_core::admission::calendar::PeriodKey;
use patchbay_core::alert::{AlertKind, AlertState, Known, MOST_OPEN, News, Severity, Sign, Step, step};
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, OptionalExtension, Row, named_params};
use serde_json::json;

use crate::error::StoreError;

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlertRow {
    /// Its row.
    pub id: i64,
    /// What it is about.
    pub kind: AlertKind,
    /// Whom.
    pub subject: String,
    /// How much it matters.
    pub severity: Severity,
    /// See [`Sign::Raise`].
    pub rank: u16,
    /// A budget's day or month.
    pub period: Option<PeriodKey>,
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// When.
    pub at: Timestamp,
    /// `opened`, `graver`, `eased`, `told`, `acknowledged`, `snoozed`, `woken` or `closed`.
    pub what: String,
    /// Figures then.
    pub detail: String,
}

/// Takes news. Answers whether people are to be told: of a new alert, or of one that became graver. `period` is that of a budget.
pub fn take(db: &Db, news: &News, period: Option<PeriodKey>, now: Timestamp) -> Result<Step, StoreError> {
    let known = find_open(db, news.kind, &news.subject)?;
    let before = known.as_ref().map(|alert| Known {
        severity: alert.severity,
        rank: alert.rank,
        state: alert.state,
        snoozed_until: alert.snoozed_until,
    });
    let what = step(before, &news.sign, now);
    match (what, &known) {
        (Step::Open, _) if !make_room(db, &news.sign, now)? => return Ok(Step::Nothing),
        (Step::Open, _) => open(db, news, period, now)?,
        (Step::Reopen | Step::Renew, Some(alert)) => renew(db, alert, (news, period), what, now)?,
        (Step::Close, Some(alert)) => close(db, alert.id, now)?,
        _ => {}
    }
    Ok(what)
}

fn open(db: &Db, news: &News, period: Option<PeriodKey>, now: Timestamp) -> Result<(), StoreError> {
    let Sign::Raise { severity, rank, title, evidence } = &news.sign else { return Ok(()) };
    db.prepare_cached(
        "INSERT INTO alert (kind, subject, level, rank, period, message, evidence, opened_at, changed_at)
         VALUES (:kind, :subject, :level, :rank, :period, :title, :evidence, :now, :now)",
    )?
    .execute(named_params! {
        ":kind": news.kind.as_str(), ":subject": news.subject, ":level": severity.as_str(), ":rank": rank,
        ":period": period, ":title": title, ":evidence": json!({ "text": evidence }).to_string(), ":now": now.0,
    })?;
    note(db, db.last_insert_rowid(), "opened", evidence, now)
}

fn renew(
    db: &Db,
    alert: &AlertRow,
    (news, period): (&News, Option<PeriodKey>),
    what: Step,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Sign::Raise { severity, rank, title, evidence } = &news.sign else { return Ok(()) };
    let is_told = what == Step::Renew;
    db.prepare_cached(
        "UPDATE alert SET level = :level, rank = :rank, period = :period, message = :title, evidence = :evidence,
             changed_at = :now, state = iif(:quiet, state, 'open'),
             snoozed_until = iif(:quiet, snoozed_until, NULL), told = iif(:quiet, told, 0) WHERE id = :id",
    )?
    .execute(named_params! {
        ":level": severity.as_str(), ":rank": rank, ":period": period, ":title": title,
        ":evidence": json!({ "text": evidence }).to_string(), ":now": now.0, ":quiet": is_told, ":id": alert.id,
    })?;
    match ((*severity, *rank).cmp(&(alert.severity, alert.rank)), what) {
        (std::cmp::Ordering::Greater, _) => note(db, alert.id, "graver", evidence, now),
        (std::cmp::Ordering::Less, _) => note(db, alert.id, "eased", evidence, now),
        (_, Step::Reopen) => note(db, alert.id, "woken", evidence, now),
        _ => Ok(()),
    }
}

/// Too many are open: only a graver one pushes the lightest out.
fn make_room(db: &Db, sign: &Sign, now: Timestamp) -> Result<bool, StoreError> {
    let open: usize =
        db.query_row("SELECT count(*) AS open FROM alert WHERE state <> 'closed'", [], |row| {
            row.get("open")
        })?;
    if open < MOST_OPEN {
        return Ok(true);
    }
    let Sign::Raise { severity, .. } = sign else { return Ok(false) };
    let lightest = list(db, Which::Lasting)?.pop().filter(|alert| alert.severity < *severity);
    match lightest {
        Some(alert) => close(db, alert.id, now).map(|()| true),
        None => Ok(false),
    }
}

/// Its cause has ended.
pub fn close(db: &Db, id: i64, now: Timestamp) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE alert SET state = 'closed', closed_at = ?2, changed_at = ?2, told = 1, snoozed_until = NULL WHERE id = ?1",
    )?
    .execute((id, now.0))?;
    note(db, id, "closed", "", now)
}

/// Somebody has seen it.
pub fn acknowledge(db: &Db, id: i64, now: Timestamp) -> Result<(), StoreError> {
    set_state(db, id, AlertState::Acknowledged, None, now)
}

/// Somebody wants to hear of it again only then.
pub fn snooze(db: &Db, id: i64, until: Timestamp, now: Timestamp) -> Result<(), StoreError> {
    set_state(db, id, AlertState::Snoozed, Some(until), now)
}

fn set_state(
    db: &Db,
    id: i64,
    state: AlertState,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let changed = db.execute(
        "UPDATE alert SET state = ?2, snoozed_until = ?3, changed_at = ?4, told = 1 WHERE id = ?1 AND state <> 'closed'",
        (id, state.as_str(), until.map(|until| until.0), now.0),
    )?;
    if changed == 0 {
        return Err(StoreError::NotFound { what: "open alert", name: id.to_string() });
    }
    let detail = until.map(Timestamp::to_rfc3339).unwrap_or_default();
    note(db, id, state.as_str(), &detail, now)
}

/// Alerts whose quiet is over and whose cause is not are open again, and told again; how many.
pub fn wake(db: &Db, now: Timestamp) -> Result<usize, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT * FROM alert WHERE state = 'snoozed' AND snoozed_until <= ?1")?;
    let due: Vec<AlertRow> = statement.query_map([now.0], from_row)?.collect::<Result<_, _>>()?;
    for alert in &due {
        db.execute(
            "UPDATE alert SET state = 'open', snoozed_until = NULL, told = 0, changed_at = ?2 WHERE id = ?1",
            (alert.id, now.0),
        )?;
        note(db, alert.id, "woken", "", now)?;
    }
    Ok(due.len())
}

/// Whether a quiet is over.
pub fn is_any_due(db: &Db, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM alert WHERE state = 'snoozed' AND snoozed_until <= ?1) AS due";
    Ok(db.prepare_cached(sql)?.query_row([now.0], |row| row.get("due"))?)
}

/// Claims the alerts that nobody was told of: whoever is answered them tells.
pub fn claim_untold(db: &Db, now: Timestamp) -> Result<Vec<AlertRow>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT * FROM alert WHERE told = 0 AND state = 'open' ORDER BY id")?;
    let untold: Vec<AlertRow> = statement.query_map([], from_row)?.collect::<Result<_, _>>()?;
    for alert in &untold {
        db.execute("UPDATE alert SET told = 1 WHERE id = ?1", [alert.id])?;
        note(db, alert.id, "told", "", now)?;
    }
    Ok(untold)
}

/// Whether [`claim_untold`] would answer any.
pub fn is_any_untold(db: &Db) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM alert WHERE told = 0 AND state = 'open') AS untold";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get("untold"))?)
}

/// Which alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those whose cause lasts, gravest first, then oldest.
    Lasting,
    /// The last so many that were closed, newest first.
    Closed(u32),
}

/// Alerts.
pub fn list(db: &Db, which: Which) -> Result<Vec<AlertRow>, StoreError> {
    let (sql, limit) = match which {
        Which::Lasting => (
            "SELECT * FROM alert WHERE state <> 'closed'
             ORDER BY CASE level WHEN 'bad' THEN 0 WHEN 'warn' THEN 1 ELSE 2 END, opened_at, id LIMIT ?1",
            i64::MAX,
        ),
        Which::Closed(limit) => (
            "SELECT * FROM alert WHERE state = 'closed' ORDER BY closed_at DESC, id DESC LIMIT ?1",
            i64::from(limit),
        ),
    };
    let mut statement = db.prepare_cached(sql)?;
    let rows = statement.query_map([limit], from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One alert.
pub fn get(db: &Db, id: i64) -> Result<AlertRow, StoreError> {
    let mut statement = db.prepare_cached("SELECT * FROM alert WHERE id = ?1")?;
    let found = statement.query_row([id], from_row).optional()?;
    found.ok_or_else(|| StoreError::NotFound { what: "alert", name: id.to_string() })
}

/// The alert of that kind and subject, while its cause lasts.
pub fn find_open(db: &Db, kind: AlertKind, subject: &str) -> Result<Option<AlertRow>, StoreError> {
    let sql = "SELECT * FROM alert WHERE kind = ?1 AND subject = ?2 AND state <> 'closed'";
    Ok(db.prepare_cached(sql)?.query_row((kind.as_str(), subject), from_row).optional()?)
}

/// What became of it, in order.
pub fn events(db: &Db, id: i64) -> Result<Vec<EventRow>, StoreError> {
    let mut statement =
        db.prepare_cached("SELECT at, what, detail FROM alert_event WHERE alert_id = ?1 ORDER BY id")?;
    let rows = statement.query_map([id], |row| {
        Ok(EventRow { at: Timestamp(row.get("at")?), what: row.get("what")?, detail: row.get("detail")? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// When each kind last opened.
pub fn last_opened(db: &Db) -> Result<Vec<(AlertKind, Timestamp)>, StoreError> {
    let mut statement = db.prepare_cached("SELECT kind, max(opened_at) AS at FROM alert GROUP BY kind")?;
    let rows =
        statement.query_map([], |row| Ok((row.get::<_, String>("kind")?, Timestamp(row.get("at")?))))?;
    let all: Vec<(String, Timestamp)> = rows.collect::<Result<_, _>>()?;
    Ok(all.into_iter().filter_map(|(kind, at)| Some((AlertKind::parse(&kind)?, at))).collect())
}

/// How many are closed.
pub fn closed(db: &Db) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) AS closed FROM alert WHERE state = 'closed'";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get("closed"))?)
}

/// Grows with every change of any alert, by whichever process.
pub fn newest_change(db: &Db) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(max(changed_at), 0) AS at FROM alert";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get("at"))?)
}

/// Lets go of alerts that were closed before a moment; how many.
pub fn retain(db: &Db, until: Timestamp) -> Result<usize, StoreError> {
    Ok(db.execute("DELETE FROM alert WHERE closed_at < ?1", [until.0])?)
}

fn note(db: &Db, alert: i64, what: &str, detail: &str, now: Timestamp) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO alert_event (alert_id, at, what, detail) VALUES (?1, ?2, ?3, ?4)")?
        .execute((alert, now.0, what, detail))?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<AlertRow> {
    let text = |name: &str| row.get::<_, String>(name);
    let moment = |name: &str| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(name)?.map(Timestamp));
    let evidence: serde_json::Value = serde_json::from_str(&text("evidence")?).unwrap_or_default();
    Ok(AlertRow {
        id: row.get("id")?,
        // One that a newer Patchbay knows better.
        kind: AlertKind::parse(&text("kind")?).unwrap_or(AlertKind::NeedsAttention),
        subject: row.get("subject")?,
        severity: Severity::parse(&text("level")?).unwrap_or(Severity::Warn),
        rank: row.get("rank")?,
        period: row.get("period")?,
        state: AlertState::parse(&text("state")?).unwrap_or(AlertState::Open),
        title: row.get("message")?,
        evidence: evidence["text"].as_str().unwrap_or_default().to_owned(),
        opened_at: Timestamp(row.get("opened_at")?),
        snoozed_until: moment("snoozed_until")?,
        closed_at: moment("closed_at")?,
    })
}
