//! Sample data: the ledger of a trader's busy month that never happened, or of a whole desk's years. The same seed makes the
//! same rows.

mod cast;
mod desk;
mod draft;
mod hours;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use fastrand::Rng;
use jiff::tz::TimeZone;
use patchbay_core::id::CallId;
use patchbay_core::ledger::{Position, UsageRow};
use patchbay_core::price::PriceBook;
use patchbay_core::time::{Range, Timestamp};
use patchbay_store::{Store, StoreError, series, usage};
use uuid::Builder;

use cast::{Cast, Workload};
use draft::{Draft, Trouble};
use hours::Slot;

/// How many rows share a transaction, so that real attempts get their turn between two of them.
const BATCH: usize = 4_000;
/// Batches that are made while another is being written.
const AHEAD: usize = 2;
/// No single trader's programs make more attempts than that: they are a desk's.
const TRADER: u32 = 1_000_000;

/// What sample data to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleOptions {
    /// How many rows of the ledger. More than a million are those of a desk: 40 connections, 120 models and 15 apps.
    pub attempts: u32,
    /// Over how many calendar days, today included; ten years at most.
    pub days: u32,
    /// Another seed, another month.
    pub seed: u64,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self { attempts: 12_000, days: 30, seed: 1 }
    }
}

/// Puts sample data in the place of what sample data there is, and answers how many attempts it has.
pub fn load(
    store: &Store,
    options: SampleOptions,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<u32, StoreError> {
    clear(store)?;
    let rows = rows(options, now, zone);
    let (send, batches) = sync_channel(AHEAD);
    thread::scope(|scope| {
        // It ends when all are made, or when nobody takes them any more.
        scope.spawn(move || make(rows, &send));
        let mut loaded = 0;
        for batch in batches {
            loaded += u32::try_from(batch.len()).unwrap_or(u32::MAX);
            store.write(move |db| usage::append_all(db, &batch))?;
        }
        Ok(loaded)
    })
}

fn make(mut rows: impl Iterator<Item = UsageRow>, send: &SyncSender<Vec<UsageRow>>) {
    loop {
        let batch: Vec<UsageRow> = rows.by_ref().take(BATCH).collect();
        if batch.is_empty() || send.send(batch).is_err() {
            return;
        }
    }
}

/// Removes the sample data, and nothing else.
pub fn clear(store: &Store) -> Result<(), StoreError> {
    while store.write(series::delete_some_sample)? {}
    Ok(())
}

/// The rows, by the time their calls began. They are made one after another: a long list takes no more memory than a
/// short one.
pub fn rows(
    options: SampleOptions,
    now: Timestamp,
    zone: &TimeZone,
) -> impl Iterator<Item = UsageRow> + Send + use<> {
    cast_rows(if options.attempts > TRADER { desk::cast() } else { cast::trader() }, options, now, zone)
}

fn cast_rows(cast: &'static Cast, options: SampleOptions, now: Timestamp, zone: &TimeZone) -> Rows {
    let mut rng = Rng::with_seed(options.seed);
    let slots = hours::slots(options, now, zone, &mut rng);
    let begin = slots.first().map_or(now, |slot| slot.from);
    Rows {
        rng,
        cast,
        span: Range { from: begin, to: now },
        book: PriceBook::default(),
        seed: options.seed,
        slots: slots.into_iter(),
        calls: 0,
        ready: VecDeque::new(),
    }
}

struct Rows {
    rng: Rng,
    cast: &'static Cast,
    /// All of its time.
    span: Range,
    book: PriceBook,
    seed: u64,
    slots: std::vec::IntoIter<Slot>,
    calls: u64,
    /// Made and not yet taken: those of one quarter of an hour at most.
    ready: VecDeque<UsageRow>,
}

impl Iterator for Rows {
    type Item = UsageRow;

    fn next(&mut self) -> Option<UsageRow> {
        while self.ready.is_empty() {
            let slot = self.slots.next()?;
            self.fill(slot);
        }
        self.ready.pop_front()
    }
}

impl Rows {
    /// Makes as many attempts as the slot has.
    fn fill(&mut self, slot: Slot) {
        let mut begins: Vec<i64> = (0..slot.attempts).map(|_| self.rng.i64(0..slot.ms)).collect();
        begins.sort_unstable();
        let mut left = slot.attempts;
        for begin in begins {
            if left == 0 {
                break;
            }
            let before = self.ready.len();
            self.call(slot.from.plus_ms(begin), left);
            left -= (self.ready.len() - before) as u64;
        }
    }

    /// Makes the one or two attempts of a call.
    fn call(&mut self, at: Timestamp, room: u64) {
        let work = self.cast.pick(at, self.span, &mut self.rng);
        let first = Draft {
            work,
            target: &work.chain[0],
            call: self.call_id(at),
            number: self.calls,
            attempt: 1,
            at,
        };
        match self.first_trouble(work, room) {
            None => {
                let row = self.ending(&first);
                self.ready.push_back(row);
            }
            Some(trouble) => {
                let failed = first.failed(trouble, Position::Earlier, &mut self.rng);
                let second = Draft {
                    target: &work.chain[1],
                    attempt: 2,
                    at: at.plus_ms(i64::try_from(failed.total_ms).unwrap_or(0)),
                    ..first
                };
                let row = match self.rng.u32(0..100) {
                    0..4 => second.failed(draft::any_trouble(&mut self.rng), Position::Final, &mut self.rng),
                    _ => second.answered(&self.book, &mut self.rng),
                };
                self.ready.extend([failed, row]);
            }
        }
    }

    /// What goes wrong with the first attempt, where a second one can follow.
    fn first_trouble(&mut self, work: &Workload, room: u64) -> Option<&'static Trouble> {
        if work.chain.len() < 2 || room < 2 {
            return None;
        }
        let limits = work.chain[0].account.limited;
        match self.rng.u32(0..10_000) {
            dice if dice < limits => Some(&draft::LIMITED),
            dice if dice < limits + 55 => Some(draft::any_trouble(&mut self.rng)),
            _ => None,
        }
    }

    /// The end of a call that needs no second attempt: nearly always an answer.
    fn ending(&mut self, draft: &Draft) -> UsageRow {
        match self.rng.u32(0..10_000) {
            0..8 => draft.failed(&draft::REFUSED, Position::Final, &mut self.rng),
            8..13 => draft.cut(&self.book, &mut self.rng),
            13..28 => draft.cancelled(&self.book, &mut self.rng),
            _ => draft.answered(&self.book, &mut self.rng),
        }
    }

    /// A UUID of version 7 out of the seed and the call's number alone.
    fn call_id(&mut self, at: Timestamp) -> CallId {
        self.calls += 1;
        let mut tail = [0; 10];
        let seed = self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        tail[..5].copy_from_slice(&seed[..5]);
        tail[5..].copy_from_slice(&self.calls.to_be_bytes()[3..]);
        let millis = u64::try_from(at.0).unwrap_or(0);
        CallId(Builder::from_unix_timestamp_millis(millis, &tail).into_uuid())
    }
}
