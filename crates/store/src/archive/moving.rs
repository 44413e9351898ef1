//! Moving rows from the ledger to files. Each step leaves a state that is whole: a file lies in its place before the database
//! names it; its rows count in the ledger until they are deleted there, a few at a time, so that nobody waits for it.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read};
use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use patchbay_core::time::{Range, Timestamp, month_range};
use rusqlite::{Connection as Db, OptionalExtension, Row};
use sha2::{Digest, Sha256};

use super::read::Rows;
use super::row::{Archived, COLUMNS, DETOURS, LOOKED_UP};
use super::{Archive, all, folder, from_row, of_month, replace};
use crate::columns::{Reader, SMALL_GROUP, Writer};
use crate::error::StoreError;
use crate::files;

/// Rows that are deleted in one go.
const SOME: u32 = 1_000;
/// How old a file has to be before it is swept: somebody may have begun to read it while it still counted.
const UNREAD: Duration = Duration::from_hours(1);

/// Rows of one month that are old enough to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// 2026-08, UTC.
    pub month: String,
    /// Whether they are sample data.
    pub sample: bool,
    /// The part of the month that goes.
    pub range: Range,
    /// How many there are in the ledger.
    pub rows: u64,
    /// About how much of the disk they take there.
    pub bytes: u64,
}

/// What is older than `cut`, by month. The newest row of the ledger stays whatever its age: numbers of rows go on from it.
pub fn plan(db: &Db, cut: Timestamp) -> Result<Vec<Plan>, StoreError> {
    let cut = cut.bucket();
    let oldest: Option<i64> =
        db.query_row("SELECT min(at) AS oldest FROM usage WHERE at < ?1", [cut.0], |row| row.get("oldest"))?;
    let mut plans = Vec::new();
    let mut next = oldest.map(Timestamp);
    while let Some(at) = next.filter(|at| *at < cut) {
        let month = month_range(at.day(&TimeZone::UTC), &TimeZone::UTC);
        let range = Range { from: month.from, to: month.to.min(cut) };
        for sample in [false, true] {
            let plan = plan_month(db, at.day(&TimeZone::UTC), sample, range)?;
            plans.extend(Some(plan).filter(|plan| plan.rows > 0));
        }
        next = Some(month.to);
    }
    Ok(plans)
}

fn plan_month(db: &Db, day: Date, sample: bool, range: Range) -> Result<Plan, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT count(*) AS rows,
             coalesce(sum(170 + 2 * coalesce(length(u.signal), 0) + length(u.requested_model) + length(u.cost_source)
                 + coalesce(length(u.message), 0) + coalesce(length(u.error_class), 0)
                 + coalesce(length(u.finish_reason), 0) + coalesce(length(u.upstream_id), 0)
                 + coalesce(length(u.detours), 0)), 0) AS bytes
         FROM usage u JOIN series s ON s.id = u.series_id
         WHERE u.at >= ?1 AND u.at < ?2 AND s.sample = ?3 AND u.id < (SELECT max(id) FROM usage)",
    )?;
    let (rows, bytes) = statement
        .query_row((range.from.0, range.to.0, sample), |row| Ok((row.get("rows")?, row.get("bytes")?)))?;
    Ok(Plan { month: day.strftime("%Y-%m").to_string(), sample, range, rows, bytes })
}

/// A file that lies in its place and does not count yet.
#[derive(Clone, Debug)]
pub struct Draft {
    archive: Archive,
    /// How many rows it takes from the ledger.
    pub moved: u64,
}

impl Draft {
    /// The month, the file's name, its rows and its size.
    pub fn facts(&self) -> (&str, &str, u64, u64) {
        (&self.archive.month, &self.archive.file, self.archive.rows, self.archive.bytes)
    }
}

/// Writes the file of a month: what its file before holds, and what goes now. It is complete on the disk, and its sums are
/// those of the rollup, or there is no file.
pub fn draft(db: &Db, plan: &Plan, now: Timestamp) -> Result<Draft, StoreError> {
    let db = db.unchecked_transaction()?;
    let before = of_month(&db, &plan.month, plan.sample)?;
    let folder = folder(&db)?;
    let full = |_| StoreError::DiskFull { path: folder.clone() };
    std::fs::create_dir_all(&folder).map_err(full)?;
    if let Some(before) = &before {
        check(&folder.join(&before.file), before)?;
    }
    let version = before.as_ref().map_or(1, |before| before.version + 1);
    let kind = if plan.sample { ".sample" } else { "" };
    let file = format!("{}{kind}.v{version}.parquet", plan.month);
    let scratch = tempfile::NamedTempFile::new_in(&folder).map_err(full)?;
    let sums = write(&db, plan, before.as_ref(), scratch.as_file())?;
    sums.agree(&db, plan)?;
    let (sha256, bytes) = digest(scratch.path()).map_err(full)?;
    let archive = Archive {
        id: 0,
        month: plan.month.clone(),
        sample: plan.sample,
        file,
        version,
        range: Range { from: sums.first, to: sums.last.plus_ms(1) },
        rows: sums.rows,
        bytes,
        sha256,
        created_at: now,
        upto_id: newest_id(&db)? - 1,
        moving: true,
    };
    let path = folder.join(&archive.file);
    files::keep(scratch.into_temp_path(), &path).map_err(full)?;
    check(&path, &archive)?;
    let moved = archive.rows - before.map_or(0, |before| before.rows);
    Ok(Draft { archive, moved })
}

fn newest_id(db: &Db) -> Result<i64, StoreError> {
    Ok(db.query_row("SELECT coalesce(max(id), 0) AS newest FROM usage", [], |row| row.get("newest"))?)
}

/// What a file holds, in sums that the rollup has too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    rows: u64,
    input: u64,
    output: u64,
    cost: i64,
    first: Timestamp,
    last: Timestamp,
}

impl Sums {
    fn add(&mut self, row: &Archived) {
        if self.rows == 0 {
            self.first = row.row.at;
        }
        self.last = row.row.at;
        self.rows += 1;
        self.input += row.row.input_tokens.unwrap_or(0);
        self.output += row.row.output_tokens.unwrap_or(0);
        self.cost += row.row.cost_nano_usd.unwrap_or(0);
    }

    /// Rows go only after their rollup: what is in the file, and what stays in the ledger, is all that was ever counted.
    fn agree(&self, db: &Db, plan: &Plan) -> Result<(), StoreError> {
        let span = (plan.range.from.0, plan.range.to.0, plan.sample);
        let counts = |row: &Row<'_>| {
            let numbers: [i64; 4] = [row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?];
            Ok(numbers)
        };
        let counted = db.query_row(
            "SELECT coalesce(sum(attempts), 0), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
                 coalesce(sum(cost_nano_usd), 0)
             FROM rollup WHERE bucket >= ?1 AND bucket < ?2 AND series_id IN (SELECT id FROM series WHERE sample = ?3)",
            span,
            counts,
        )?;
        let stays = db.query_row(
            "SELECT count(*), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0),
                 coalesce(sum(cost_nano_usd), 0)
             FROM usage WHERE at >= ?1 AND at < ?2 AND series_id IN (SELECT id FROM series WHERE sample = ?3)
                 AND id = (SELECT max(id) FROM usage)",
            span,
            counts,
        )?;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let own = [number(self.rows), number(self.input), number(self.output), self.cost];
        if (0..4).all(|index| own[index] + stays[index] == counted[index]) {
            return Ok(());
        }
        Err(StoreError::Sqlite(format!(
            "the sums of {} are not those of its rows, so its rows stay where they are",
            plan.month
        )))
    }
}

/// Writes the rows, those of before and new ones in one order.
fn write(db: &Db, plan: &Plan, before: Option<&Archive>, file: &File) -> Result<Sums, StoreError> {
    let full = |error: io::Error| {
        StoreError::Sqlite(format!("the archive of {} could not be written: {error}", plan.month))
    };
    let columns: Vec<_> = COLUMNS.into_iter().chain([DETOURS]).collect();
    let mut out = Writer::new(BufWriter::new(file), &columns, &LOOKED_UP, SMALL_GROUP).map_err(full)?;
    let mut sums = Sums::default();
    let mut put = |row: &Archived| {
        sums.add(row);
        out.write(row.cells()).map_err(full)
    };
    let mut old = Rows::of(before.into_iter().cloned().collect());
    let mut waiting = old.next(db)?;
    let sql = format!(
        "{} WHERE s.sample = ?1 AND u.at >= ?2 AND u.at < ?3 AND u.id < (SELECT max(id) FROM usage) ORDER BY u.at, u.id",
        crate::usage::WHOLE
    );
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query((plan.sample, plan.range.from.0, plan.range.to.0))?;
    while let Some(row) = rows.next()? {
        let row = Archived::from_ledger(row)?;
        while let Some(earlier) = waiting.take_if(|waiting| waiting.place() < row.place()) {
            put(&earlier)?;
            waiting = old.next(db)?;
        }
        put(&row)?;
    }
    while let Some(rest) = waiting {
        put(&rest)?;
        waiting = old.next(db)?;
    }
    out.end().map_err(full)?;
    Ok(sums)
}

fn digest(path: &Path) -> io::Result<([u8; 32], u64)> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 64 * 1024]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hash.finalize().into(), bytes));
        }
        hash.update(&buffer[..read]);
        bytes += read as u64;
    }
}

/// Refuses a file that is not what was written.
fn check(path: &Path, archive: &Archive) -> Result<(), StoreError> {
    let bad = |why: String| StoreError::BadFile { path: path.to_owned(), why };
    let (sha256, bytes) = digest(path).map_err(|error| bad(error.to_string()))?;
    let rows = Reader::open(path).map_err(|error| bad(error.to_string()))?.rows();
    if (sha256, bytes, rows) == (archive.sha256, archive.bytes, archive.rows) {
        return Ok(());
    }
    Err(bad("it is not what was written: its checksum is another".to_owned()))
}

/// Checks every file, and answers those that are missing or damaged, each with what is wrong.
pub fn verify(db: &Db) -> Result<Vec<(Archive, String)>, StoreError> {
    let folder = folder(db)?;
    let found = all(db)?.into_iter().filter_map(|archive| {
        let error = check(&folder.join(&archive.file), &archive).err()?;
        Some((archive, error.to_string()))
    });
    Ok(found.collect())
}

/// Lets a file count, in the transaction of its entry in the audit log.
pub fn note(db: &Db, draft: &Draft) -> Result<i64, StoreError> {
    replace(db, &draft.archive)?;
    let noted = of_month(db, &draft.archive.month, draft.archive.sample)?;
    Ok(noted.map_or(0, |archive| archive.id))
}

/// Archives whose rows are not all deleted from the ledger.
pub fn unfinished(db: &Db) -> Result<Vec<i64>, StoreError> {
    let mut statement = db.prepare_cached("SELECT id FROM archive WHERE moving = 1 ORDER BY month")?;
    let rows = statement.query_map([], |row| row.get("id"))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Deletes some of the rows that an archive holds from the ledger: from then on these count in the file. Answers whether more
/// are there.
pub fn delete_some(db: &Db, archive: i64) -> Result<bool, StoreError> {
    let sql = "SELECT * FROM archive WHERE id = ?1 AND moving = 1";
    let Some(archive) = db.prepare_cached(sql)?.query_row([archive], from_row).optional()? else {
        return Ok(false);
    };
    let rows = some_in_ledger(db, &archive)?;
    if rows.is_empty() {
        db.execute("UPDATE archive SET moving = 0 WHERE id = ?1", [archive.id])?;
        return Ok(false);
    }
    let mut delete = db.prepare_cached("DELETE FROM usage WHERE id = ?1")?;
    for (id, _) in &rows {
        delete.execute([id])?;
    }
    // A signal that goes on in later rows has begun all the same.
    let mut begun = db.prepare_cached(
        "INSERT OR IGNORE INTO archived_signal SELECT ?1 WHERE EXISTS (SELECT 1 FROM usage WHERE signal = ?1)",
    )?;
    let mut signals: Vec<String> = rows.into_iter().filter_map(|(_, signal)| signal).collect();
    signals.dedup();
    for signal in signals {
        begun.execute([signal])?;
    }
    Ok(true)
}

fn some_in_ledger(db: &Db, archive: &Archive) -> Result<Vec<(i64, Option<String>)>, StoreError> {
    let mut statement = db.prepare_cached(
        "SELECT u.id, u.signal FROM usage u JOIN series s ON s.id = u.series_id
         WHERE u.at >= ?1 AND u.at < ?2 AND u.id <= ?3 AND s.sample = ?4 ORDER BY u.at LIMIT ?5",
    )?;
    let (from, to) = (archive.range.from.0, archive.range.to.0);
    let rows = statement.query_map((from, to, archive.upto_id, archive.sample, SOME), |row| {
        Ok((row.get("id")?, row.get("signal")?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Files, their rows and their bytes.
pub fn sum_of(archives: &[Archive]) -> (u64, u64, u64) {
    let sum = |of: fn(&Archive) -> u64| archives.iter().map(of).sum();
    (archives.len() as u64, sum(|archive| archive.rows), sum(|archive| archive.bytes))
}

/// Removes files that a newer one of their month has replaced, files of sample data that is gone, and what was being written
/// when a process ended. A file that nothing replaces stays: a restored database may not know of it.
pub fn sweep(db: &Db) -> Result<(), StoreError> {
    let folder = folder(db)?;
    let known = all(db)?;
    let Ok(files) = std::fs::read_dir(&folder) else { return Ok(()) };
    for file in files.flatten() {
        let old = file.metadata().and_then(|facts| facts.modified());
        let old = old.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > UNREAD));
        let name = file.file_name().to_string_lossy().into_owned();
        if old && is_useless(&name, &known) {
            // It is tried again next time.
            let _ = std::fs::remove_file(file.path());
        }
    }
    Ok(())
}

fn is_useless(name: &str, known: &[Archive]) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    let (month, sample, version) = match parts.as_slice() {
        [month, version, "parquet"] => (month, false, version),
        [month, "sample", version, "parquet"] => (month, true, version),
        ["", scratch] => return scratch.starts_with("tmp"),
        _ => return false,
    };
    let version = version.strip_prefix('v').and_then(|version| version.parse::<i64>().ok());
    let noted = known.iter().find(|archive| archive.month == *month && archive.sample == sample);
    match (noted, version) {
        (Some(noted), Some(version)) => version < noted.version,
        (None, Some(_)) => sample,
        _ => false,
    }
}
