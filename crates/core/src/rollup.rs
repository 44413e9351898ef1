//! Sums of a quarter of an hour, with histograms that can be merged (behaviours T1).

use std::ops::RangeInclusive;

use thiserror::Error;

/// One day in milliseconds: larger values are counted as this.
const MAX: u64 = 86_400_000;
/// Counts of the upper half of a power of two stand at so many indices: a percentile is right within 1 %.
const HALF: usize = 128;
/// One for each value that is told apart: the index of [`MAX`] is the last.
const COUNTERS: usize = 2_597;
/// What the stored form begins with.
const MARK: u8 = 1;
/// What an older stored form begins with: an HDR histogram, V2, with counts of any length.
const COOKIE: [u8; 4] = 0x1c84_9313_u32.to_be_bytes();
const HEADER: usize = 40;
/// In such a header: how many digits are told apart.
const DIGITS: u32 = 2;
/// So many values are kept as they are: nearly all buckets have no more, and counters for all that could be take 20 kB.
const FEW: usize = 32;

/// The stored form of a histogram cannot be read.
#[derive(Debug, Error)]
#[error("a stored histogram cannot be read")]
pub struct Unreadable;

/// Counts of values from 1 to 86,400,000: milliseconds or tokens. They are told apart as an HDR histogram of two digits does.
/// Empty ones take no memory.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    /// The indices of all values, in no order, as long as they are few.
    few: Vec<u16>,
    /// All values, once they are more.
    many: Option<Counters>,
}

/// How often each index was counted.
#[derive(Clone, Debug)]
struct Counters {
    counts: Box<[u64]>,
    total: u64,
}

impl Counters {
    fn add(&mut self, index: usize, times: u64) {
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(times);
            self.total = self.total.saturating_add(times);
        }
    }
}

impl Histogram {
    /// Counts one; 0 counts as 1.
    pub fn record(&mut self, value: u64) {
        self.add_at(index_of(value.clamp(1, MAX)), 1);
    }

    fn add_at(&mut self, index: usize, times: u64) {
        // A stored form may tell of 0 and of more than the most; these count as the least and the most.
        let index = index.clamp(1, COUNTERS - 1);
        if let Some(many) = &mut self.many {
            many.add(index, times);
            return;
        }
        let room = usize::try_from(times).is_ok_and(|times| self.few.len().saturating_add(times) <= FEW);
        match u16::try_from(index) {
            Ok(index) if room => self.few.extend((0..times).map(|_| index)),
            _ => self.counters().add(index, times),
        }
    }

    /// Makes counters of the values.
    fn counters(&mut self) -> &mut Counters {
        let few = std::mem::take(&mut self.few);
        self.many.get_or_insert_with(|| {
            let mut all = Counters { counts: vec![0; COUNTERS].into_boxed_slice(), total: 0 };
            for index in few {
                all.add(index.into(), 1);
            }
            all
        })
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        if let Some(many) = &other.many {
            let own = self.counters();
            own.counts
                .iter_mut()
                .zip(many.counts.iter())
                .for_each(|(own, other)| *own = own.saturating_add(*other));
            own.total = own.total.saturating_add(many.total);
        }
        for index in &other.few {
            self.add_at((*index).into(), 1);
        }
    }

    /// Adds the counts of a stored form, value by value: nearly all of a quarter of an hour are zero, and a report reads
    /// a great many of these.
    pub fn add_stored(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let mut counts = if let [MARK, counts @ ..] = bytes {
            counts
        } else {
            let (header, counts) = bytes.split_at_checked(HEADER).ok_or(Unreadable)?;
            if !header.starts_with(&COOKIE) || header[12..16] != DIGITS.to_be_bytes() {
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
                    self.add_at(index, times);
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
        self.many.as_ref().map_or(self.few.len() as u64, |many| many.total)
    }

    /// How many of them are larger than `value`, within 1 %.
    pub fn above(&self, value: u64) -> u64 {
        let last = index_of(value.min(MAX));
        let beyond = self.counted().into_iter().filter(|(index, _)| *index > last);
        beyond.fold(0, |sum, (_, times)| sum.saturating_add(times))
    }

    /// The value below which `percent` of all lie; `None` when empty.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a count, which is not negative; beyond 2^53 values a percentile may be of the value beside it"
    )]
    pub fn percentile(&self, percent: f64) -> Option<u32> {
        let wanted = ((percent / 100.0).min(1.0) * self.count() as f64).ceil() as u64;
        let mut passed = 0_u64;
        for (index, times) in self.counted() {
            passed = passed.saturating_add(times);
            if passed >= wanted.max(1) {
                let span = values_at(index);
                return u32::try_from(if percent > 0.0 { *span.end() } else { *span.start() }).ok();
            }
        }
        None
    }

    /// What was counted, by index.
    fn counted(&self) -> Vec<(usize, u64)> {
        if let Some(many) = &self.many {
            let all = many.counts.iter().copied().enumerate();
            return all.filter(|(_, times)| *times > 0).collect();
        }
        let mut few = self.few.clone();
        few.sort_unstable();
        few.chunk_by(|a, b| a == b).map(|same| (same[0].into(), same.len() as u64)).collect()
    }

    /// The form that the database keeps: the counts of an HDR histogram (V2) behind a byte instead of its header of 40, which
    /// would be most of it. Nothing at all when empty.
    pub fn to_bytes(&self) -> Vec<u8> {
        let counts = self.counted();
        let mut bytes = Vec::with_capacity(1 + 4 * counts.len());
        let mut next = 0;
        for (index, times) in counts {
            if bytes.is_empty() {
                bytes.push(MARK);
            }
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
    // Nearly all of them are one byte long.
    if let [byte @ 0..0x80, rest @ ..] = bytes {
        let number = i64::from(*byte);
        return Some(((number >> 1) ^ -(number & 1), rest));
    }
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

/// The values that are counted at an index.
fn values_at(index: usize) -> RangeInclusive<u64> {
    let power = (index / HALF).saturating_sub(1);
    let first = u64::try_from(index - power * HALF).unwrap_or(0) << power;
    first..=first + (1 << power) - 1
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram as Hdr;
    use hdrhistogram::serialization::{Serializer, V2Serializer};

    use super::*;

    /// The same values in an HDR histogram of two digits.
    fn hdr(values: &[u64]) -> Hdr<u64> {
        let mut all = Hdr::new_with_bounds(1, MAX, 2).expect("valid bounds");
        for value in values {
            all.saturating_record((*value).clamp(1, MAX));
        }
        all
    }

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
            V2Serializer::new().serialize(&hdr(&values), &mut old).expect("written");
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

    proptest::proptest! {
        #[test]
        fn t1_percentiles_are_those_of_an_hdr_histogram(
            values in proptest::collection::vec(proptest::prop_oneof![0..700_u64, 0..200_000_000_u64], 1..200),
            limit in 0..100_000_000_u64,
        ) {
            let (own, peer) = (of(values.iter().copied()), hdr(&values));
            for percent in [0.0, 0.1, 33.3, 50.0, 95.0, 99.0, 99.9, 100.0] {
                let expected = u32::try_from(peer.value_at_percentile(percent)).ok();
                proptest::prop_assert_eq!(own.percentile(percent), expected, "{}", percent);
            }
            let above = peer.len() - peer.count_between(0, limit.min(MAX));
            proptest::prop_assert_eq!((own.count(), own.above(limit)), (peer.len(), above));
        }
    }

    #[test]
    fn every_value_has_its_counter() {
        assert_eq!((index_of(MAX), values_at(0), values_at(255)), (COUNTERS - 1, 0..=0, 255..=255));
        for index in 0..COUNTERS {
            let values = values_at(index);
            assert_eq!((index_of(*values.start()), index_of(*values.end())), (index, index));
        }
    }

    #[test]
    fn values_above_a_limit_are_counted() {
        let sizes = of([10, 1_000, 50_000, 200_000]);
        assert_eq!((sizes.above(0), sizes.above(1_000), sizes.above(120_000)), (4, 2, 1));
        assert_eq!(Histogram::default().above(1), 0);
    }
}
