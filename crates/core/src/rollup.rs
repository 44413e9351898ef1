//! Sums of a quarter of an hour, with histograms that can be merged (behaviours T1).

use hdrhistogram::Histogram as Hdr;
use thiserror::Error;

/// Two significant digits: a percentile is right within 1 %.
const DIGITS: u8 = 2;
/// One day in milliseconds: larger values are counted as this.
const MAX: u64 = 86_400_000;
/// Counts of the upper half of a power of two stand at so many indices, for these digits.
const HALF: usize = 128;
/// What the stored form begins with.
const MARK: u8 = 1;
/// What an older stored form begins with: an HDR histogram, V2, with counts of any length.
const COOKIE: [u8; 4] = 0x1c84_9313_u32.to_be_bytes();
const HEADER: usize = 40;
/// So many values are kept as they are: nearly all buckets have no more, and counters for all that could be take 20 kB.
const FEW: usize = 32;

/// The stored form of a histogram cannot be read.
#[derive(Debug, Error)]
#[error("a stored histogram cannot be read")]
pub struct Unreadable;

/// Counts of values from 1 to 86,400,000: milliseconds or tokens. Empty ones take no memory.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// All values, in no order, as long as they are few.
    few: Vec<u64>,
    /// All values, once they are more.
    many: Option<Hdr<u64>>,
}

impl Histogram {
    /// Counts one; 0 counts as 1.
    pub fn record(&mut self, value: u64) {
        self.record_many(value, 1);
    }

    fn record_many(&mut self, value: u64, times: u64) {
        let value = value.clamp(1, MAX);
        let room = usize::try_from(times).is_ok_and(|times| self.few.len().saturating_add(times) <= FEW);
        if self.many.is_none() && room {
            self.few.extend((0..times).map(|_| value));
            return;
        }
        self.count_all();
        if let Some(histogram) = &mut self.many {
            histogram.saturating_record_n(value, times);
        }
    }

    /// Makes counters of the values.
    fn count_all(&mut self) {
        if self.many.is_none() {
            self.many = counters(&self.few);
            self.few = Vec::new();
        }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        if let Some(many) = &other.many {
            self.count_all();
            if let Some(own) = &mut self.many {
                // Both have the same bounds, so adding cannot fail.
                let _ = own.add(many);
            }
        }
        for value in &other.few {
            self.record(*value);
        }
    }

    /// Adds the counts of a stored form, value by value: nearly all of a quarter of an hour are zero, and a report reads
    /// a great many of these.
    pub fn add_stored(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let mut counts = if let [MARK, counts @ ..] = bytes {
            counts
        } else {
            let (header, counts) = bytes.split_at_checked(HEADER).ok_or(Unreadable)?;
            let digits = u32::from(DIGITS).to_be_bytes();
            if !header.starts_with(&COOKIE) || header[12..16] != digits {
                return Err(Unreadable);
            }
            counts
        };
        let mut index = 0_usize;
        while let Some((number, rest)) = varint(counts) {
            counts = rest;
            match u64::try_from(number) {
                Ok(0) => index += 1,
                Ok(times) => {
                    self.record_many(value_at(index).ok_or(Unreadable)?, times);
                    index += 1;
                }
                Err(_) => {
                    let skipped = usize::try_from(number.unsigned_abs()).map_err(|_| Unreadable)?;
                    index = index.checked_add(skipped).ok_or(Unreadable)?;
                }
            }
        }
        if counts.is_empty() { Ok(()) } else { Err(Unreadable) }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.many.as_ref().map_or(self.few.len() as u64, Hdr::len)
    }

    /// How many of them are larger than `value`, within 1 %.
    pub fn above(&self, value: u64) -> u64 {
        self.ask(|all| all.len().saturating_sub(all.count_between(0, value.min(MAX)))).unwrap_or(0)
    }

    /// The value below which `percent` of all lie; `None` when empty.
    pub fn percentile(&self, percent: f64) -> Option<u32> {
        u32::try_from(self.ask(|all| all.value_at_percentile(percent))?).ok()
    }

    /// Asks all counters; `None` when empty.
    fn ask<T>(&self, question: impl FnOnce(&Hdr<u64>) -> T) -> Option<T> {
        match &self.many {
            Some(all) => Some(question(all)),
            None if self.few.is_empty() => None,
            None => counters(&self.few).as_ref().map(question),
        }
    }

    /// The form that the database keeps: the counts of an HDR histogram (V2) behind a byte instead of its header of 40, which
    /// would be most of it. Nothing at all when empty.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut counts: Vec<(usize, u64)> = match &self.many {
            Some(all) => all
                .iter_recorded()
                .map(|at| (index_of(at.value_iterated_to()), at.count_at_value()))
                .collect(),
            None => self.few.iter().map(|value| (index_of(*value), 1)).collect(),
        };
        counts.sort_unstable();
        let mut bytes = Vec::with_capacity(1 + 4 * counts.len());
        let mut next = 0;
        for same in counts.chunk_by(|a, b| a.0 == b.0) {
            if bytes.is_empty() {
                bytes.push(MARK);
            }
            let (index, times) = (same[0].0, same.iter().map(|(_, times)| times).sum::<u64>());
            match i64::try_from(index - next).unwrap_or(0) {
                0 => {}
                1 => put_varint(0, &mut bytes),
                zeros => put_varint(-zeros, &mut bytes),
            }
            put_varint(i64::try_from(times).unwrap_or(i64::MAX), &mut bytes);
            next = index + 1;
        }
        bytes
    }

    /// Reads the stored form; nothing at all is an empty histogram.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut histogram = Self::default();
        if !bytes.is_empty() {
            histogram.add_stored(bytes)?;
        }
        Ok(histogram)
    }
}

fn counters(values: &[u64]) -> Option<Hdr<u64>> {
    // These bounds are valid, so there are counters.
    let mut all = Hdr::new_with_bounds(1, MAX, DIGITS).ok()?;
    for value in values {
        all.saturating_record(*value);
    }
    Some(all)
}

/// Writes what [`varint`] reads.
fn put_varint(number: i64, bytes: &mut Vec<u8>) {
    let mut rest = ((number << 1) ^ (number >> 63)).cast_unsigned();
    for _ in 0..8 {
        let low = u8::try_from(rest & 0x7f).unwrap_or(0);
        rest >>= 7;
        if rest == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
    bytes.push(u8::try_from(rest & 0xff).unwrap_or(0));
}

/// Where a value is counted.
fn index_of(value: u64) -> usize {
    let power = usize::try_from(value.max(1).ilog2()).unwrap_or(0).saturating_sub(7);
    usize::try_from(value >> power).unwrap_or(0) + power * HALF
}

/// A number of the stored form and what follows it: zigzag, seven bits a byte, the ninth byte whole. Positive numbers are
/// counts, negative ones skip so many zeros.
fn varint(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let mut number = 0_u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        let is_last = at == 8 || byte & 0x80 == 0;
        let bits = if at == 8 { *byte } else { byte & 0x7f };
        number |= u64::from(bits) << (7 * at);
        if is_last {
            let sign = -(number & 1).cast_signed();
            return Some(((number >> 1).cast_signed() ^ sign, &bytes[at + 1..]));
        }
    }
    None
}

/// The value that is counted at an index.
fn value_at(index: usize) -> Option<u64> {
    let value = match (index / HALF).checked_sub(1) {
        None => u64::try_from(index).ok()?,
        Some(power) => {
            let top = u64::try_from(index % HALF + HALF).ok()?;
            top.checked_shl(u32::try_from(power).ok()?)?
        }
    };
    Some(value)
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::{Serializer, V2Serializer};

    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|ms| histogram.record(ms));
        histogram
    }

    #[test]
    fn t1_percentiles_of_a_merge_equal_those_of_the_whole() {
        let mut merged = of((1..=500).map(|n| n * 3));
        merged.merge(&of((501..=1_000).map(|n| n * 3)));
        let whole = of((1..=1_000).map(|n| n * 3));
        for percent in [50.0, 95.0, 99.0] {
            assert_eq!(merged.percentile(percent), whole.percentile(percent));
        }
        let p95 = whole.percentile(95.0).expect("counted");
        assert!((2_850..=2_880).contains(&p95), "{p95}");
    }

    #[test]
    fn the_stored_form_is_read_back() {
        let histogram = of([0, 7, 1_234, u64::MAX]);
        let back = Histogram::from_bytes(&histogram.to_bytes()).expect("readable");
        assert_eq!((back.count(), back.percentile(50.0)), (4, histogram.percentile(50.0)));
        assert!(histogram.to_bytes().len() < 20, "{}", histogram.to_bytes().len());
        for broken in [&b"nonsense"[..], &[MARK, 0x80], &[0xff; 60]] {
            assert!(Histogram::from_bytes(broken).is_err());
        }
    }

    #[test]
    fn t2_what_an_older_patchbay_stored_is_read() {
        for values in
            [vec![7], vec![0, 1_234, 1_234, 90_000_000], (1..500).map(|n| n * 97).collect::<Vec<u64>>()]
        {
            let mut old = Vec::new();
            let all = counters(&values.iter().map(|value| (*value).clamp(1, MAX)).collect::<Vec<_>>())
                .expect("counted");
            V2Serializer::new().serialize(&all, &mut old).expect("written");
            let read = Histogram::from_bytes(&old).expect("readable");
            assert_eq!(read.to_bytes(), of(values).to_bytes());
        }
    }

    #[test]
    fn nothing_counted_has_no_percentile() {
        assert_eq!(Histogram::default().percentile(50.0), None);
    }

    proptest::proptest! {
        #[test]
        fn t1_stored_forms_are_added_value_by_value(
            first in proptest::collection::vec(0..200_000_000_u64, 0..200),
            second in proptest::collection::vec(0..3_000_u64, 0..200),
        ) {
            let mut added = of(first.iter().copied());
            let stored = of(second.iter().copied()).to_bytes();
            if !stored.is_empty() {
                added.add_stored(&stored).expect("readable");
            }
            let whole = of(first.into_iter().chain(second));
            proptest::prop_assert_eq!(added.to_bytes(), whole.to_bytes());
            for percent in [0.0, 50.0, 95.0, 99.0, 100.0] {
                proptest::prop_assert_eq!(added.percentile(percent), whole.percentile(percent));
            }
            proptest::prop_assert_eq!((added.count(), added.above(900)), (whole.count(), whole.above(900)));
        }
    }

    #[test]
    fn values_above_a_limit_are_counted() {
        let sizes = of([10, 1_000, 50_000, 200_000]);
        assert_eq!((sizes.above(0), sizes.above(1_000), sizes.above(120_000)), (4, 2, 1));
        assert_eq!(Histogram::default().above(1), 0);
    }
}
