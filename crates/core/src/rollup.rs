//! Sums of a quarter of an hour, with histograms that can be merged (behaviours T1).

use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Serializer, V2Serializer};
use thiserror::Error;

/// Two significant digits: a percentile is right within 1 %.
const DIGITS: u8 = 2;
/// One day in milliseconds: larger values are counted as this.
const MAX: u64 = 86_400_000;
/// Counts of the upper half of a power of two stand at so many indices, for these digits.
const HALF: usize = 128;
/// What a stored form begins with: the mark of V2 with counts of any length.
const COOKIE: [u8; 4] = 0x1c84_9313_u32.to_be_bytes();
const HEADER: usize = 40;

/// The stored form of a histogram cannot be read.
#[derive(Debug, Error)]
#[error("a stored histogram cannot be read")]
pub struct Unreadable;

/// Counts of values from 1 to 86,400,000: milliseconds or tokens. Empty ones take no memory.
#[derive(Clone, Debug, Default)]
pub struct Histogram(Option<Hdr<u64>>);

impl Histogram {
    /// Counts one; 0 counts as 1.
    pub fn record(&mut self, value: u64) {
        self.record_many(value, 1);
    }

    fn record_many(&mut self, value: u64, times: u64) {
        if self.0.is_none() {
            // These bounds are valid, so there is a histogram now.
            self.0 = Hdr::new_with_bounds(1, MAX, DIGITS).ok();
        }
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record_n(value.clamp(1, MAX), times);
        }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        match (&mut self.0, &other.0) {
            (Some(own), Some(other)) => {
                // Both have the same bounds, so adding cannot fail.
                let _ = own.add(other);
            }
            (None, Some(other)) => self.0 = Some(other.clone()),
            (_, None) => {}
        }
    }

    /// Adds the counts of a stored form, value by value: nearly all of a quarter of an hour are zero, and a report reads
    /// a great many of these.
    pub fn add_stored(&mut self, bytes: &[u8]) -> Result<(), Unreadable> {
        let (header, mut counts) = bytes.split_at_checked(HEADER).ok_or(Unreadable)?;
        if !header.starts_with(&COOKIE) || header[12..16] != u32::from(DIGITS).to_be_bytes() {
            return Err(Unreadable);
        }
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
        self.0.as_ref().map_or(0, Hdr::len)
    }

    /// How many of them are larger than `value`, within 1 %.
    pub fn above(&self, value: u64) -> u64 {
        let up_to = |histogram: &Hdr<u64>| histogram.count_between(0, value.min(MAX));
        self.0.as_ref().map_or(0, |histogram| histogram.len().saturating_sub(up_to(histogram)))
    }

    /// The value below which `percent` of all lie; `None` when empty.
    pub fn percentile(&self, percent: f64) -> Option<u32> {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty())?;
        u32::try_from(histogram.value_at_percentile(percent)).ok()
    }

    /// The form that the database keeps (HDR histogram, V2); nothing at all when empty.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(histogram) = &self.0 {
            // Writing into memory cannot fail.
            let _ = V2Serializer::new().serialize(histogram, &mut bytes);
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
        assert!(histogram.to_bytes().len() < 80, "{}", histogram.to_bytes().len());
        for broken in [&b"nonsense"[..], &histogram.to_bytes()[..20], &[0xff; 60]] {
            assert!(Histogram::from_bytes(broken).is_err());
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
            proptest::prop_assert_eq!(added.0, whole.0);
        }
    }

    #[test]
    fn values_above_a_limit_are_counted() {
        let sizes = of([10, 1_000, 50_000, 200_000]);
        assert_eq!((sizes.above(0), sizes.above(1_000), sizes.above(120_000)), (4, 2, 1));
        assert_eq!(Histogram::default().above(1), 0);
    }
}
