//! The same traffic on another model or at another price: what it would have cost, and whether it would have fitted. The
//! quality of the answers is not compared.

use super::Totals;
use crate::money::NanoUsd;
use crate::price::Price;
use crate::rollup::Histogram;
use crate::usage::TokenUsage;

/// What was sent and answered.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Its tokens.
    pub tokens: TokenUsage,
    /// Attempts that told their tokens.
    pub attempts: u64,
    /// Tokens in and out of each of them.
    pub sizes: Histogram,
}

/// What an alternative would have meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// What the traffic would have cost; `None` without a price.
    pub cost: Option<NanoUsd>,
    /// Attempts longer than the context; `None` where its size is not known. Within 1 %.
    pub too_long: Option<u64>,
}

impl Traffic {
    /// The traffic behind some totals.
    pub fn of(totals: &Totals) -> Self {
        Self {
            tokens: TokenUsage {
                input: Some(totals.input_tokens),
                output: Some(totals.output_tokens),
                cached: Some(totals.cached_tokens),
                cache_write: Some(totals.cache_write_tokens),
                ..TokenUsage::default()
            },
            attempts: totals.sizes.count(),
            sizes: totals.sizes.clone(),
        }
    }

    /// The length of an average prompt: what decides about the price where long prompts cost more.
    pub fn typical_input(&self) -> u64 {
        self.tokens.input.unwrap_or(0).checked_div(self.attempts).unwrap_or(0)
    }

    /// What it would have been at that price with that context, in tokens. As much of it is taken to come from a cache as
    /// did; where the price names none for cached tokens, they cost what input costs.
    pub fn at(&self, price: Option<Price>, context: Option<u64>) -> Alternative {
        Alternative {
            cost: price.map(|price| price.cost(&self.tokens)),
            too_long: context.map(|context| self.sizes.above(context)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> NanoUsd {
        NanoUsd::from_decimal(text).expect("an amount")
    }

    fn traffic() -> Traffic {
        let mut totals = Totals {
            input_tokens: 3_000_000,
            cached_tokens: 1_000_000,
            output_tokens: 500_000,
            ..Totals::default()
        };
        for size in [1_000, 2_000, 90_000, 300_000] {
            totals.sizes.record(size);
        }
        Traffic::of(&totals)
    }

    #[test]
    fn c2_the_same_tokens_cost_what_another_price_says() {
        let price =
            Price { input: usd("2"), output: usd("8"), cached_input: Some(usd("0.5")), ..Price::FREE };
        let with_cache = traffic().at(Some(price), Some(128_000));
        assert_eq!(with_cache, Alternative { cost: Some(usd("8.5")), too_long: Some(1) });
        let without = traffic().at(Some(Price { cached_input: None, ..price }), None);
        assert_eq!(without, Alternative { cost: Some(usd("10")), too_long: None });
        assert_eq!(traffic().at(None, Some(1_000_000)), Alternative { cost: None, too_long: Some(0) });
        assert_eq!(traffic().typical_input(), 750_000);
        assert_eq!(Traffic::default().typical_input(), 0);
    }
}
