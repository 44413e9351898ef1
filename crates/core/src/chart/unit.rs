//! What the numbers of a chart count, and how they are written.

use serde::{Deserialize, Serialize};

use super::axis::{fixed, grouped};
use crate::money::NanoUsd;

pub(super) const NANO_PER_USD: i128 = 1_000_000_000;
pub(super) const MILLION: i128 = 1_000_000;
/// One and a hundred percent, in basis points.
const PERCENT: i128 = 100;
const WHOLE: i128 = 100 * PERCENT;

/// What numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Nano-dollars here, dollars in the chart.
    Usd,
    /// Tokens, calls, attempts.
    Count,
    /// Milliseconds.
    Ms,
    /// Basis points here, percent where people read.
    Share,
}

impl Unit {
    /// The value of an empty axis' top.
    pub(super) fn one(self) -> i128 {
        match self {
            Self::Usd => NANO_PER_USD,
            Self::Count => 4,
            Self::Ms => 1_000,
            Self::Share => 4 * PERCENT,
        }
    }

    /// A value as decimal text.
    pub fn decimal(self, value: i64) -> String {
        match self {
            Self::Usd => NanoUsd(value).to_string(),
            Self::Count | Self::Ms | Self::Share => value.to_string(),
        }
    }

    /// As sentences say it: `$1,234.56`, `1,268`, `3.42 M`, `640 ms`, `2.31 s`.
    pub(super) fn words(self, value: i64) -> String {
        let amount = i128::from(value).abs();
        let sign = if value < 0 { "-" } else { "" };
        match self {
            Self::Usd => {
                let digits = if amount > 0 && amount < NANO_PER_USD / 100 { 4 } else { 2 };
                format!("{sign}${}", fixed(amount, NANO_PER_USD, digits))
            }
            Self::Count if amount >= MILLION => format!("{sign}{} M", fixed(amount, MILLION, 2)),
            Self::Count => format!("{sign}{}", grouped(amount)),
            Self::Ms if amount < 1_000 => format!("{sign}{amount} ms"),
            Self::Ms => format!("{sign}{} s", fixed(amount, 1_000, 2)),
            Self::Share if amount % WHOLE == 0 => format!("{sign}{}%", amount / PERCENT),
            Self::Share => format!("{sign}{}%", fixed(amount, PERCENT, 1)),
        }
    }

    /// As the zero of an axis is written.
    pub(super) fn zero(self) -> &'static str {
        match self {
            Self::Usd => "$0",
            Self::Count => "0",
            Self::Ms => "0 s",
            Self::Share => "0%",
        }
    }

    /// What stands around the numbers of an axis with that step: what is before them, how large one is, and what follows.
    pub(super) fn dress(self, step: i128) -> (&'static str, i128, &'static str) {
        match self {
            Self::Usd if step >= MILLION * NANO_PER_USD => ("$", MILLION * NANO_PER_USD, " M"),
            Self::Usd => ("$", NANO_PER_USD, ""),
            Self::Count if step >= MILLION / 10 => ("", MILLION, " M"),
            Self::Count => ("", 1, ""),
            Self::Ms if step >= 200 => ("", 1_000, " s"),
            Self::Ms => ("", 1, " ms"),
            Self::Share => ("", PERCENT, "%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_the_design_says() {
        for (unit, value, text) in [
            (Unit::Usd, 0, "$0.00"),
            (Unit::Usd, 12_000_000_000, "$12.00"),
            (Unit::Usd, 1_234_560_000_000, "$1,234.56"),
            (Unit::Usd, 2_100_000, "$0.0021"),
            (Unit::Usd, 194_394_999_999, "$194.39"),
            (Unit::Usd, i64::MAX, "$9,223,372,036.85"),
            (Unit::Usd, -1_500_000_000, "-$1.50"),
            (Unit::Count, 1_268, "1,268"),
            (Unit::Count, 3_421_000, "3.42 M"),
            (Unit::Ms, 640, "640 ms"),
            (Unit::Ms, 2_310, "2.31 s"),
            (Unit::Share, 0, "0%"),
            (Unit::Share, 37, "0.4%"),
            (Unit::Share, 2_500, "25.0%"),
            (Unit::Share, 10_000, "100%"),
        ] {
            assert_eq!(unit.words(value), text);
        }
    }
}
