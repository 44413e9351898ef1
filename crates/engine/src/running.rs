//! Attempts that are on their way, in whichever process on the folder: what the database was told when they began. A call that
//! stands in line makes none yet, and one that began less than 5 ms ago is not noted.

use patchbay_core::ledger::UsageRow;
use patchbay_core::report::{Condition, Field, Filter};
use patchbay_store::{Db, StoreError, open_attempt};

use crate::{Engine, owner};

/// Those that fit, the newest first.
pub(crate) fn attempts(engine: &Engine, db: &Db, filter: &Filter) -> Result<Vec<UsageRow>, StoreError> {
    let mut open = open_attempt::all(db)?;
    // What a process left that is gone was cut off: the next start enters it so.
    let mut gone: Vec<String> = open.iter().map(|open| open.owner.clone()).collect();
    gone.sort_unstable();
    gone.dedup();
    gone.retain(|name| name != engine.mark() && owner::is_gone(engine.data_dir(), name));
    open.retain(|open| !gone.contains(&open.owner) && !engine.ledger.keeps(open.row.call, open.row.attempt));
    Ok(open.into_iter().map(|open| open.row).filter(|row| fits(row, filter)).collect())
}

fn fits(row: &UsageRow, filter: &Filter) -> bool {
    let is_then = filter.range.is_none_or(|range| range.from <= row.at && row.at < range.to);
    is_then && filter.conditions.iter().all(|condition| holds(condition, row))
}

/// Nobody knows yet how it ends: neither a condition on that nor its opposite holds.
fn holds(condition: &Condition, row: &UsageRow) -> bool {
    let labels = &row.series;
    condition.admits(match condition.field {
        Field::Connection => &labels.connection_key,
        Field::Provider => &labels.provider,
        Field::Model => &labels.model,
        Field::Feature => &labels.feature,
        Field::App => &labels.app,
        Field::Profile => &labels.profile,
        Field::Type => labels.usage_type.as_str(),
        Field::Route if row.attempt > 1 => "failover",
        Field::Route => "direct",
        Field::Signal => row.signal.as_deref().unwrap_or_default(),
        Field::Outcome | Field::Error => return false,
    })
}
