//! Cutting a range: into settled months, weeks and days, and quarters of an hour for all that is between.

use patchbay_core::report::Detail;
use rusqlite::Connection as Db;

use super::span::{Kind, Settled, slots_tell, within};
use crate::error::StoreError;

/// A part of a range, and where its sums are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// One bucket of each series.
    Settled(Settled),
    /// A day of which each series has a bucket for every hour.
    Slots(Settled),
    /// Quarters of an hour, from and to.
    Quarters(i64, i64),
}

/// The parts of a range, which together are all of it, and nothing twice.
pub(super) fn parts(db: &Db, range: (i64, i64), detail: &Detail<'_>) -> Result<Vec<Part>, StoreError> {
    let mut parts = Vec::new();
    cut(db, Kind::Month, range, detail, &mut parts)?;
    Ok(parts)
}

fn cut(
    db: &Db,
    kind: Kind,
    (from, to): (i64, i64),
    detail: &Detail<'_>,
    parts: &mut Vec<Part>,
) -> Result<(), StoreError> {
    let mut at = from;
    for settled in within(db, kind, detail.whose, (from, to))? {
        // Spans of two zones may overlap until those of the old one are gone.
        let Some(part) = part(kind, settled, detail).filter(|_| settled.span.from.0 >= at) else { continue };
        between(db, kind, (at, settled.span.from.0), detail, parts)?;
        parts.push(part);
        at = settled.span.to.0;
    }
    between(db, kind, (at, to), detail, parts)
}

fn part(kind: Kind, settled: Settled, detail: &Detail<'_>) -> Option<Part> {
    if (detail.as_one)(settled.span) {
        return Some(Part::Settled(settled));
    }
    (kind == Kind::Day && slots_tell(settled.span, detail)).then_some(Part::Slots(settled))
}

/// What no span of that kind holds.
fn between(
    db: &Db,
    kind: Kind,
    (from, to): (i64, i64),
    detail: &Detail<'_>,
    parts: &mut Vec<Part>,
) -> Result<(), StoreError> {
    match kind {
        _ if from >= to => {}
        Kind::Month => cut(db, Kind::Week, (from, to), detail, parts)?,
        Kind::Week => cut(db, Kind::Day, (from, to), detail, parts)?,
        Kind::Day => parts.push(Part::Quarters(from, to)),
    }
    Ok(())
}
