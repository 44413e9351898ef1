//! What attempts teach of their connections: counted with their rows, once for all that are entered together.

use std::collections::BTreeMap;

use patchbay_core::code::{Blame, Code};
use patchbay_core::id::ConnectionId;
use patchbay_core::ledger::{Outcome, UsageRow};
use patchbay_core::time::Timestamp;
use rusqlite::{Connection as Db, named_params};

use crate::error::StoreError;

/// By connection; attempts are told in their order.
#[derive(Default)]
pub(super) struct Lessons<'a>(BTreeMap<ConnectionId, Lesson<'a>>);

#[derive(Default)]
struct Lesson<'a> {
    answered: u32,
    failed: u32,
    /// Failures since the last answer among these, or among all where there is none.
    failed_last: u32,
    last_used_at: Option<Timestamp>,
    last_error_at: Option<Timestamp>,
    last_error: Option<&'a UsageRow>,
}

impl<'a> Lessons<'a> {
    pub(super) fn add(&mut self, row: &'a UsageRow) {
        let lesson = self.0.entry(row.series.connection_id).or_default();
        lesson.last_used_at = lesson.last_used_at.max(Some(row.at));
        let blame = row.error.map_or(Blame::Nobody, |code| code.policy().health);
        if row.series.outcome == Outcome::Answered {
            lesson.answered += 1;
            lesson.failed_last = 0;
        } else if blame != Blame::Nobody && row.series.outcome != Outcome::Cancelled {
            lesson.failed += 1;
            lesson.failed_last += 1;
            lesson.last_error_at = lesson.last_error_at.max(Some(row.at));
            lesson.last_error = Some(row);
        }
    }

    /// Counts them, except for connections that were deleted meanwhile.
    pub(super) fn write(self, db: &Db) -> Result<(), StoreError> {
        let mut statement = db.prepare_cached(
            "INSERT INTO connection_state (connection_id, success_count, error_count, consecutive_errors, last_used_at,
                 last_error_at, last_error_class, last_error_message)
             SELECT id, :answered, :failed, :failed_last, :at, :error_at, :error, :message FROM connection WHERE id = :id
             ON CONFLICT (connection_id) DO UPDATE SET
                 success_count = success_count + :answered,
                 error_count = error_count + :failed,
                 consecutive_errors = iif(:answered, 0, consecutive_errors) + :failed_last,
                 last_used_at = max(coalesce(last_used_at, :at), :at),
                 last_error_at = nullif(max(coalesce(last_error_at, 0), coalesce(:error_at, 0)), 0),
                 last_error_class = coalesce(:error, last_error_class),
                 last_error_message = coalesce(:message, last_error_message)",
        )?;
        for (id, lesson) in self.0 {
            statement.execute(named_params! {
                ":id": id.0, ":answered": lesson.answered, ":failed": lesson.failed, ":failed_last": lesson.failed_last,
                ":at": lesson.last_used_at.map(|at| at.0), ":error_at": lesson.last_error_at.map(|at| at.0),
                ":error": lesson.last_error.and_then(|row| row.error).map(Code::as_str),
                ":message": lesson.last_error.and_then(|row| row.message.as_ref()),
            })?;
        }
        Ok(())
    }
}
