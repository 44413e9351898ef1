//! Money: integer nano-USD, never a float.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

const NANO_PER_USD: i64 = 1_000_000_000;

/// An amount in nano-USD (10⁻⁹ US dollars). `i64` holds 9.2 billion dollars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub i64);

impl NanoUsd {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Reads decimal dollars ("0.15", "12", "6e-05"), rounding half up to the nano-dollar. `None` where the text is no
    /// number, is negative, or does not fit.
    pub fn from_decimal(text: &str) -> Option<Self> {
        Self::scaled(text, 0)
    }

    /// The price of a million from the price of one, in decimal dollars ("0.00000015" makes 0.15), rounded once.
    pub fn per_million_from_one(text: &str) -> Option<Self> {
        Self::scaled(text, 6)
    }

    /// For people: `$1,234.56`; below a cent with four decimals, `$0.0021`.
    pub fn in_dollars(self) -> String {
        let (sign, nano) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        if nano > 0 && nano < 10_000_000 {
            return format!("{sign}$0.{:04}", (nano + 50_000) / 100_000);
        }
        let cents = (nano + 5_000_000) / 10_000_000;
        let whole = (cents / 100).to_string();
        let groups: Vec<&str> =
            whole.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
        format!("{sign}${}.{:02}", groups.join(","), cents % 100)
    }

    fn scaled(text: &str, power: i32) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || digits.len() > 36 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let value: u128 = digits.parse().ok()?;
        let shift = (9 + power).checked_add(exponent)?.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        scale(value, shift).and_then(|nano| i64::try_from(nano).ok()).map(Self)
    }
}

fn scale(value: u128, shift: i32) -> Option<u128> {
    if value == 0 {
        return Some(0);
    }
    let factor = 10_u128.checked_pow(shift.unsigned_abs());
    match (shift >= 0, factor) {
        (true, Some(factor)) => value.checked_mul(factor),
        (true, None) => None,
        (false, Some(factor)) => Some((value + factor / 2) / factor),
        (false, None) => Some(0),
    }
}

/// Plain decimal dollars without a sign for the currency: `6.28`, `0.000004`, `0`.
impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nano = self.0.unsigned_abs();
        let (whole, fraction) = (nano / NANO_PER_USD.unsigned_abs(), nano % NANO_PER_USD.unsigned_abs());
        if fraction == 0 {
            return write!(f, "{sign}{whole}");
        }
        let digits = format!("{fraction:09}");
        write!(f, "{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

impl Add for NanoUsd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for NanoUsd {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for NanoUsd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

/// Decimal dollars as text: how money crosses to the window, where numbers are floats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(transparent)]
pub struct DecimalUsd(pub String);

impl From<NanoUsd> for DecimalUsd {
    fn from(amount: NanoUsd) -> Self {
        Self(amount.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c2_money_reads_and_prints_decimals_exactly() {
        for (text, nano) in [
            ("0", 0),
            ("0.15", 150_000_000),
            ("12", 12_000_000_000),
            ("6e-05", 60_000),
            ("0.00016415", 164_150),
            ("1.0000000004", 1_000_000_000),
            ("1.0000000005", 1_000_000_001),
            ("0.000000000000000001", 0),
        ] {
            assert_eq!(NanoUsd::from_decimal(text), Some(NanoUsd(nano)), "{text}");
        }
        assert_eq!(NanoUsd(150_000_000).to_string(), "0.15");
        assert_eq!(NanoUsd(12_000_000_000).to_string(), "12");
        assert_eq!(NanoUsd(4_000).to_string(), "0.000004");
    }

    #[test]
    fn money_for_people_has_two_decimals_and_groups() {
        for (nano, text) in [
            (0, "$0.00"),
            (2_000_000_000, "$2.00"),
            (1_234_567_890_000_000, "$1,234,567.89"),
            (999_000_000_000, "$999.00"),
            (2_100_000, "$0.0021"),
            (9_999_999, "$0.0100"),
            (-1_500_000_000, "-$1.50"),
        ] {
            assert_eq!(NanoUsd(nano).in_dollars(), text);
        }
    }

    #[test]
    fn c2_the_price_of_a_million_is_exact() {
        for (one, million) in [("0.00000015", "0.15"), ("0.000003", "3"), ("3e-7", "0.3"), ("0", "0")] {
            assert_eq!(NanoUsd::per_million_from_one(one), NanoUsd::from_decimal(million), "{one}");
        }
        for text in ["-1", "", "free", "1e2147483647"] {
            assert_eq!(NanoUsd::per_million_from_one(text), None, "{text}");
        }
    }

    #[test]
    fn c2_money_refuses_what_is_no_amount() {
        for text in ["", "-1", "abc", "1.2.3", "1e999", "99999999999999999999", "NaN", "0x10"] {
            assert_eq!(NanoUsd::from_decimal(text), None, "{text}");
        }
    }
}
