//! Sums of a quarter of an hour, with latencies as histograms that can be merged (behaviours T1).

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use thiserror::Error;

/// Two significant digits: a percentile is right within 1 %.
const DIGITS: u8 = 2;
/// One day: longer times are counted as this.
const MAX_MS: u64 = 86_400_000;

/// The stored form of a histogram cannot be read.
#[derive(Debug, Error)]
#[error("a stored histogram of latencies cannot be read")]
pub struct Unreadable;

/// Latencies in milliseconds.
#[derive(Clone, Debug)]
pub struct Latencies(Option<Histogram<u64>>);

impl Default for Latencies {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, MAX_MS, DIGITS).ok())
    }
}

impl Latencies {
    /// Counts one; 0 ms counts as 1 ms.
    pub fn record(&mut self, ms: u64) {
        if let Some(histogram) = &mut self.0 {
            histogram.saturating_record(ms.clamp(1, MAX_MS));
        }
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        if let (Some(own), Some(other)) = (&mut self.0, &other.0) {
            // Both have the same bounds, so adding cannot fail.
            let _ = own.add(other);
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, Histogram::len)
    }

    /// The value below which `percent` of all lie, in milliseconds; `None` when empty.
    pub fn percentile(&self, percent: f64) -> Option<u32> {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty())?;
        u32::try_from(histogram.value_at_percentile(percent)).ok()
    }

    /// The form that the database keeps (HDR histogram, V2).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(histogram) = &self.0 {
            // Writing into memory cannot fail.
            let _ = V2Serializer::new().serialize(histogram, &mut bytes);
        }
        bytes
    }

    /// Reads the stored form.
    pub fn from_bytes(mut bytes: &[u8]) -> Result<Self, Unreadable> {
        let histogram = Deserializer::new().deserialize(&mut bytes).map_err(|_| Unreadable)?;
        Ok(Self(Some(histogram)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        values.into_iter().for_each(|ms| latencies.record(ms));
        latencies
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
        let latencies = of([0, 7, 1_234, u64::MAX]);
        let back = Latencies::from_bytes(&latencies.to_bytes()).expect("readable");
        assert_eq!((back.count(), back.percentile(50.0)), (4, latencies.percentile(50.0)));
        assert!(latencies.to_bytes().len() < 80, "{}", latencies.to_bytes().len());
        assert!(Latencies::from_bytes(b"nonsense").is_err());
    }

    #[test]
    fn nothing_counted_has_no_percentile() {
        assert_eq!(Latencies::default().percentile(50.0), None);
    }
}
