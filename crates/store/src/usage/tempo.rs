//! How many attempts began in each step of a span: the bars above the log.

use patchbay_core::ledger::Outcome;
use patchbay_core::report::{Column, Columns, Detail, Filter};
use patchbay_core::time::{BUCKET_MS, Range, Timestamp};
use rusqlite::{Connection as Db, ToSql};

use super::Counted;
use crate::error::StoreError;
use crate::rollup;
use crate::series;

/// What began in a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tempo {
    /// With an answer.
    pub answered: u32,
    /// Without one.
    pub failed: u32,
}

/// Counts each step of `step_ms` from the start of the filter's range. Steps of whole buckets are read from the rollup, finer
/// ones from the rows.
pub fn tempo(
    db: &Db,
    filter: &Filter,
    counted: Counted,
    range: Range,
    step_ms: i64,
) -> Result<Vec<Tempo>, StoreError> {
    let steps = usize::try_from((range.to.0 - range.from.0 + step_ms - 1) / step_ms).unwrap_or(0);
    let mut list = vec![Tempo::default(); steps];
    let filter = Filter { range: Some(range), conditions: filter.conditions.clone() };
    let mut add = |at: i64, is_answer: bool, count: u64| {
        let index = usize::try_from((at - range.from.0).div_euclid(step_ms)).ok();
        if let Some(step) = index.and_then(|index| list.get_mut(index)) {
            let sum = if is_answer { &mut step.answered } else { &mut step.failed };
            *sum = sum.saturating_add(u32::try_from(count).unwrap_or(u32::MAX));
        }
    };
    let is_answer = |outcome: &str| outcome == Outcome::Answered.as_str();
    if step_ms % BUCKET_MS == 0 {
        let columns = match counted {
            Counted::Calls => Columns::of(&[Column::Calls]),
            Counted::Attempts => Columns::of(&[Column::Attempts]),
        };
        let step = |at: Timestamp| (at.0 - range.from.0).div_euclid(step_ms);
        let as_one = |span: Range| step(span.from) == step(span.to.plus_ms(-1));
        rollup::scan(db, &filter, &Detail::spans(columns, &as_one).of_all(), |bucket| {
            let count = match counted {
                Counted::Calls => bucket.counts.calls,
                Counted::Attempts => bucket.counts.attempts,
            };
            add(bucket.at.0, is_answer(&bucket.labels.outcome), count);
        })?;
        return Ok(list);
    }
    let (conditions, mut parameters) = series::conditions(&filter);
    let sql = format!(
        "SELECT u.at, s.outcome FROM usage u JOIN series s ON s.id = u.series_id
         WHERE {conditions} AND u.at >= ? AND u.at < ?{}",
        counted.condition()
    );
    let edges: [&dyn ToSql; 2] = [&range.from.0, &range.to.0];
    parameters.extend(edges);
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(parameters.as_slice())?;
    while let Some(row) = rows.next()? {
        add(row.get("at")?, is_answer(row.get_ref("outcome")?.as_str().unwrap_or_default()), 1);
    }
    Ok(list)
}
