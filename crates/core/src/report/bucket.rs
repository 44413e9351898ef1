//! What reports are made of: a span of time, a quarter of an hour or more, of one combination of labels.

use super::{Field, Totals};
use crate::rollup::Histogram;
use crate::time::Timestamp;

/// The labels of a bucket or of a row, as they were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Labels {
    /// The connection key.
    pub connection: String,
    /// The connection's name.
    pub connection_name: String,
    /// The provider's slug.
    pub provider: String,
    /// The model asked of the provider.
    pub model: String,
    /// The feature; empty where nobody said.
    pub feature: String,
    /// The app.
    pub app: String,
    /// The profile; empty where none was used.
    pub profile: String,
    /// What was called.
    pub usage_type: String,
    /// How attempts ended.
    pub outcome: String,
    /// The class of the error; empty for answers.
    pub error: String,
    /// `direct` for first attempts, `failover` for later ones.
    pub route: String,
}

impl Labels {
    /// The label of that name. A signal is no label: there is one for each decision, so it is looked for in rows.
    pub fn get(&self, field: Field) -> &str {
        match field {
            Field::Connection => &self.connection,
            Field::Provider => &self.provider,
            Field::Model => &self.model,
            Field::Feature => &self.feature,
            Field::App => &self.app,
            Field::Profile => &self.profile,
            Field::Type => &self.usage_type,
            Field::Outcome => &self.outcome,
            Field::Error => &self.error,
            Field::Route => &self.route,
            Field::Signal => "",
        }
    }
}

/// Sums of a span of time of one combination of labels.
#[derive(Clone, Copy, Debug)]
pub struct Bucket<'a> {
    /// Where it begins.
    pub at: Timestamp,
    /// Whose it is: equal for all buckets of the same combination, and below the number of combinations.
    pub series: usize,
    /// Its labels.
    pub labels: &'a Labels,
    /// Its sums, as far as they were asked for. The histograms inside are empty: they are the fields beside it.
    pub counts: &'a Totals,
    /// Milliseconds of answered attempts.
    pub latency: Values<'a>,
    /// Milliseconds to the first piece of answered attempts.
    pub first_token: Values<'a>,
    /// Tokens in and out of each attempt.
    pub sizes: Values<'a>,
}

/// What a histogram is to count.
#[derive(Clone, Copy, Debug)]
pub enum Values<'a> {
    /// Nothing.
    None,
    /// One value.
    One(u64),
    /// All of a stored histogram.
    Stored(&'a [u8]),
}

impl Values<'_> {
    /// Counts them. A stored form that cannot be read counts nothing: the sums beside it are still right.
    pub fn add_to(self, histogram: &mut Histogram) {
        match self {
            Self::None => {}
            Self::One(value) => histogram.record(value),
            Self::Stored(bytes) => {
                let _ = histogram.add_stored(bytes);
            }
        }
    }
}
