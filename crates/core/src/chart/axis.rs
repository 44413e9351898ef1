//! The scale of money: where ticks stand and what is written beside them.

use crate::money::NanoUsd;

const NANO_PER_USD: i128 = 1_000_000_000;
const MILLION: i128 = 1_000_000;
/// The shortest distance between two ticks, in px, that keeps their text apart.
const TICK_PX: i32 = 20;

/// A scale from zero to `top` in nano-USD, with a tick each `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    pub(super) step: i128,
    pub(super) top: i128,
}

impl Axis {
    /// The scale with 3 to 5 ticks, zero among them, that holds `highest` within `height` px.
    pub(super) fn new(highest: i128, height: i32) -> Self {
        let highest = if highest > 0 { highest } else { NANO_PER_USD };
        let most = i128::from((height / TICK_PX).clamp(2, 4));
        let step = nice_steps().find(|step| intervals(highest, *step) <= most).unwrap_or(highest);
        Self { step, top: step * intervals(highest, step).max(2) }
    }

    /// The values of the ticks, from zero up.
    pub(super) fn ticks(self) -> impl Iterator<Item = i128> {
        (0..=self.top / self.step).map(move |n| n * self.step)
    }

    /// What is written beside a tick: its unit too, and as many decimals as the step needs ("$5", "$2.50", "$0.05").
    pub(super) fn text(self, tick: i128) -> String {
        if tick == 0 {
            return "$0".to_owned();
        }
        let (unit, suffix) = if self.step >= MILLION * NANO_PER_USD {
            (MILLION * NANO_PER_USD, " M")
        } else {
            (NANO_PER_USD, "")
        };
        let digits = match (decimals(self.step, unit), suffix) {
            (1, "") => 2,
            (digits, _) => digits,
        };
        format!("${}{suffix}", fixed(tick, unit, digits))
    }

    /// Pixels from the baseline up to `amount` on a plot of `height` px.
    pub(super) fn pixels(self, amount: i128, height: i32) -> i32 {
        let scaled = (amount * i128::from(height) + self.top / 2) / self.top;
        i32::try_from(scaled).unwrap_or(height)
    }
}

/// 1, 2, 2.5 and 5 times each power of ten, in nano-USD, rising.
fn nice_steps() -> impl Iterator<Item = i128> {
    (0..20).flat_map(|power| [10, 20, 25, 50].map(|digits| digits * 10_i128.pow(power) / 10))
}

fn intervals(highest: i128, step: i128) -> i128 {
    (highest + step - 1) / step
}

/// How many decimals of `unit` it takes to write `amount` exactly.
fn decimals(amount: i128, unit: i128) -> usize {
    (0..)
        .zip(std::iter::successors(Some(unit), |part| Some(part / 10)))
        .find(|(_, part)| *part <= 1 || amount % part == 0)
        .map_or(0, |(digits, _)| digits)
}

/// `amount` in `unit`s with that many decimals, rounded half up, and commas between thousands.
fn fixed(amount: i128, unit: i128, digits: usize) -> String {
    let per_unit = 10_i128.pow(u32::try_from(digits).unwrap_or(0));
    let scaled = (amount * per_unit + unit / 2) / unit;
    let whole = grouped(scaled / per_unit);
    if digits == 0 { whole } else { format!("{whole}.{:0digits$}", scaled % per_unit) }
}

fn grouped(whole: i128) -> String {
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An amount as sentences and labels say it: `$1,234.56`, below a cent `$0.0021`.
pub(super) fn dollars(amount: NanoUsd) -> String {
    let nano = i128::from(amount.0).abs();
    let digits = if nano > 0 && nano < NANO_PER_USD / 100 { 4 } else { 2 };
    let sign = if amount.0 < 0 { "-" } else { "" };
    format!("{sign}${}", fixed(nano, NANO_PER_USD, digits))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(highest: &str, height: i32) -> String {
        let highest = NanoUsd::from_decimal(highest).expect("an amount");
        let axis = Axis::new(i128::from(highest.0), height);
        axis.ticks().map(|tick| axis.text(tick)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_nice_numbers_with_their_unit() {
        for (highest, expect) in [
            ("0", "$0 $0.25 $0.50 $0.75 $1.00"),
            ("12", "$0 $5 $10 $15"),
            ("20", "$0 $5 $10 $15 $20"),
            ("7.01", "$0 $2 $4 $6 $8"),
            ("9", "$0 $2.50 $5.00 $7.50 $10.00"),
            ("0.18", "$0 $0.05 $0.10 $0.15 $0.20"),
            ("0.0009", "$0 $0.00025 $0.00050 $0.00075 $0.00100"),
            ("0.000000001", "$0 $0.000000001 $0.000000002"),
            ("7400", "$0 $2,000 $4,000 $6,000 $8,000"),
            ("9000000", "$0 $2.5 M $5.0 M $7.5 M $10.0 M"),
            ("9223372036", "$0 $2,500 M $5,000 M $7,500 M $10,000 M"),
        ] {
            assert_eq!(texts(highest, 180), expect, "{highest}");
        }
    }

    #[test]
    fn a_low_chart_has_fewer_ticks() {
        assert_eq!(texts("12", 42), "$0 $10 $20");
    }

    #[test]
    fn amounts_are_written_as_the_design_says() {
        for (nano, text) in [
            (0, "$0.00"),
            (12_000_000_000, "$12.00"),
            (1_234_560_000_000, "$1,234.56"),
            (2_100_000, "$0.0021"),
            (194_394_999_999, "$194.39"),
            (i64::MAX, "$9,223,372,036.85"),
            (-1_500_000_000, "-$1.50"),
        ] {
            assert_eq!(dollars(NanoUsd(nano)), text);
        }
    }

    proptest! {
        #[test]
        fn any_amount_fits_under_three_to_five_ticks(highest in 0..=i64::MAX, height in 1..2_160_i32) {
            let axis = Axis::new(i128::from(highest), height);
            prop_assert!((3..=5).contains(&axis.ticks().count()));
            prop_assert!(axis.top >= i128::from(highest));
            let texts: std::collections::HashSet<_> = axis.ticks().map(|tick| axis.text(tick)).collect();
            prop_assert_eq!(texts.len(), axis.ticks().count());
        }
    }
}
