//! The scale: where ticks stand and what is written beside them.

use super::unit::Unit;

/// The shortest distance between two ticks, in px, that keeps their text apart.
const TICK_PX: i32 = 20;

/// A scale from zero to `top`, with a tick each `step`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Axis {
    unit: Unit,
    pub(super) step: i128,
    pub(super) top: i128,
}

impl Axis {
    /// The scale with 3 to 5 ticks, zero among them, that holds `highest` within `height` px.
    pub(super) fn new(highest: i128, height: i32, unit: Unit) -> Self {
        let highest = if highest > 0 { highest } else { unit.one() };
        let most = i128::from((height / TICK_PX).clamp(2, 4));
        let step = nice_steps().find(|step| intervals(highest, *step) <= most).unwrap_or(highest);
        Self { unit, step, top: step * intervals(highest, step).max(2) }
    }

    /// The scale that ends with `highest`.
    pub(super) fn exactly(highest: i128, unit: Unit) -> Self {
        let top = if highest > 0 { highest } else { unit.one() };
        Self { unit, step: top, top }
    }

    /// The values of the ticks, from zero up.
    pub(super) fn ticks(self) -> impl Iterator<Item = i128> {
        (0..=self.top / self.step).map(move |n| n * self.step)
    }

    /// What is written beside a tick: its unit too, and as many decimals as the step needs ("$5", "$2.50", "2 M", "1.5 s").
    pub(super) fn text(self, tick: i128) -> String {
        if tick == 0 {
            return self.unit.zero().to_owned();
        }
        let (before, one, after) = self.unit.dress(self.step);
        let digits = match (decimals(self.step, one), before, after) {
            (1, "$", "") => 2,
            (digits, ..) => digits,
        };
        format!("{before}{}{after}", fixed(tick, one, digits))
    }

    /// Pixels from the baseline up to `amount` on a plot of `height` px.
    pub(super) fn pixels(self, amount: i128, height: i32) -> i32 {
        let scaled = (amount * i128::from(height) + self.top / 2) / self.top;
        i32::try_from(scaled).unwrap_or(height)
    }
}

/// 1, 2, 2.5 and 5 times each power of ten, rising.
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
pub(super) fn fixed(amount: i128, unit: i128, digits: usize) -> String {
    let per_unit = 10_i128.pow(u32::try_from(digits).unwrap_or(0));
    let scaled = (amount * per_unit + unit / 2) / unit;
    let whole = grouped(scaled / per_unit);
    if digits == 0 { whole } else { format!("{whole}.{:0digits$}", scaled % per_unit) }
}

pub(super) fn grouped(whole: i128) -> String {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::NanoUsd;

    fn texts(highest: &str, height: i32) -> String {
        let highest = NanoUsd::from_decimal(highest).expect("an amount");
        let axis = Axis::new(i128::from(highest.0), height, Unit::Usd);
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
    fn counts_and_times_have_their_units() {
        for (unit, highest, expect) in [
            (Unit::Count, 0, "0 1 2 3 4"),
            (Unit::Count, 7, "0 2 4 6 8"),
            (Unit::Count, 1_900, "0 500 1,000 1,500 2,000"),
            (Unit::Count, 6_100_000, "0 2 M 4 M 6 M 8 M"),
            (Unit::Count, 900_000, "0 0.25 M 0.50 M 0.75 M 1.00 M"),
            (Unit::Ms, 180, "0 s 50 ms 100 ms 150 ms 200 ms"),
            (Unit::Ms, 4_500, "0 s 2 s 4 s 6 s"),
            (Unit::Share, 1_130, "0% 5% 10% 15%"),
            (Unit::Share, 9, "0% 0.05% 0.10%"),
        ] {
            let axis = Axis::new(highest, 180, unit);
            let texts: Vec<_> = axis.ticks().map(|tick| axis.text(tick)).collect();
            assert_eq!(texts.join(" "), expect);
        }
    }

    proptest! {
        #[test]
        fn any_amount_fits_under_three_to_five_ticks(highest in 0..=i64::MAX, height in 1..2_160_i32, unit in prop_oneof![Just(Unit::Usd), Just(Unit::Count), Just(Unit::Ms), Just(Unit::Share)]) {
            let axis = Axis::new(i128::from(highest), height, unit);
            prop_assert!((3..=5).contains(&axis.ticks().count()));
            prop_assert!(axis.top >= i128::from(highest));
            let texts: std::collections::HashSet<_> = axis.ticks().map(|tick| axis.text(tick)).collect();
            prop_assert_eq!(texts.len(), axis.ticks().count());
        }
    }
}
