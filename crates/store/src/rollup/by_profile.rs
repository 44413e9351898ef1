//! The rollup by profile and app: who calls a profile, and how often.

use patchbay_core::time::Range;
use rusqlite::Connection as Db;

use crate::error::StoreError;

/// How often an app called a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileUse {
    /// The profile's name.
    pub profile: String,
    /// The app's name.
    pub app: String,
    /// Requests as their callers saw them.
    pub calls: u32,
}

/// Every app's calls of every profile in a span of time, most first.
pub fn by_profile(db: &Db, range: Range) -> Result<Vec<ProfileUse>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT s.profile, s.app, sum(r.calls) AS calls FROM rollup r JOIN series s ON s.id = r.series_id
         WHERE s.profile <> '' AND r.bucket >= ?1 AND r.bucket < ?2
         GROUP BY s.profile, s.app HAVING calls > 0 ORDER BY calls DESC, s.app",
    )?;
    let rows = statement.query_map((range.from.bucket().0, range.to.0), |row| {
        Ok(ProfileUse { profile: row.get("profile")?, app: row.get("app")?, calls: row.get("calls")? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
