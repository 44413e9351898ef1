//! Prices, and what a call costs by them. The bundled table (`data/prices.tsv`) is other people's transcription of
//! price pages, read on the day in its first line; the user's own prices and the providers' come before it.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::money::NanoUsd;
use crate::time::Timestamp;
use crate::usage::{Cost, CostSource, TokenUsage};

const TOKENS_PER_PRICE: i128 = 1_000_000;

/// Prices of one model in nano-USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Input tokens that are neither cached nor written to a cache.
    pub input: NanoUsd,
    /// Output tokens, reasoning included.
    pub output: NanoUsd,
    /// Input tokens read from the cache; the input price where `None`.
    pub cached_input: Option<NanoUsd>,
    /// Input tokens written to the cache; the input price where `None`.
    pub cache_write: Option<NanoUsd>,
    /// This price holds for the whole call once its input is longer than so many tokens.
    pub above_tokens: Option<u64>,
}

impl Price {
    /// A model that costs nothing.
    pub const FREE: Self = Self {
        input: NanoUsd::ZERO,
        output: NanoUsd::ZERO,
        cached_input: None,
        cache_write: None,
        above_tokens: None,
    };

    /// The cost of `usage` by this price, rounded half up once, to the nano-dollar.
    pub fn cost(&self, usage: &TokenUsage) -> NanoUsd {
        let input = usage.input.unwrap_or(0);
        let cached = usage.cached.unwrap_or(0).min(input);
        let written = usage.cache_write.unwrap_or(0).min(input - cached);
        let parts = [
            (input - cached - written, self.input),
            (cached, self.cached_input.unwrap_or(self.input)),
            (written, self.cache_write.unwrap_or(self.input)),
            (usage.output.unwrap_or(0), self.output),
        ];
        let total: i128 = parts.iter().map(|(tokens, price)| i128::from(*tokens) * i128::from(price.0)).sum();
        let rounded = (total + TOKENS_PER_PRICE / 2) / TOKENS_PER_PRICE;
        NanoUsd(i64::try_from(rounded).unwrap_or(i64::MAX))
    }
}

/// A price that the user or the provider set, from a moment on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// The provider's slug.
    pub provider: String,
    /// The model id, exactly.
    pub model: String,
    /// It holds from here until a later row of the same model.
    pub effective_from: Timestamp,
    /// The prices.
    pub price: Price,
}

/// All known prices.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    own: HashMap<(String, String), Vec<PriceRow>>,
}

impl PriceBook {
    /// A book of the given rows, which come before the bundled table.
    pub fn new(rows: Vec<PriceRow>) -> Self {
        let mut own: HashMap<_, Vec<PriceRow>> = HashMap::new();
        for row in rows {
            own.entry((row.provider.clone(), row.model.clone())).or_default().push(row);
        }
        Self { own }
    }

    /// The price of a model of a provider at a moment, for a prompt of so many tokens. `None` where it is not known:
    /// there is no default price.
    pub fn find(&self, provider: &str, model: &str, at: Timestamp, input_tokens: u64) -> Option<Price> {
        let own = self.own.get(&(provider.to_owned(), model.to_owned()));
        let newest = own.and_then(|rows| {
            let newest = rows.iter().map(|row| row.effective_from).filter(|from| *from <= at).max()?;
            Some(
                rows.iter()
                    .filter(|row| row.effective_from == newest)
                    .map(|row| row.price)
                    .collect::<Vec<_>>(),
            )
        });
        match newest {
            Some(prices) => tier(&prices, input_tokens),
            None => bundled(provider, model).and_then(|prices| tier(prices, input_tokens)),
        }
    }

    /// The cost of an attempt: the provider's own figure where it gave one, else tokens times prices.
    pub fn cost(
        &self,
        provider: &str,
        model: &str,
        at: Timestamp,
        usage: &TokenUsage,
        source: CostSource,
    ) -> Cost {
        if let Some(amount) = usage.reported_cost {
            return Cost { amount: Some(amount), source: CostSource::Reported };
        }
        if !usage.is_reported() {
            return Cost::UNKNOWN;
        }
        match self.find(provider, model, at, usage.input.unwrap_or(0)) {
            Some(price) => Cost { amount: Some(price.cost(usage)), source },
            None => Cost::UNKNOWN,
        }
    }
}

fn tier(prices: &[Price], input_tokens: u64) -> Option<Price> {
    let fits = |price: &&Price| price.above_tokens.is_none_or(|above| input_tokens > above);
    prices.iter().filter(fits).max_by_key(|price| price.above_tokens.unwrap_or(0)).copied()
}

type Bundled = HashMap<&'static str, HashMap<&'static str, Vec<Price>>>;

static BUNDLED: LazyLock<Bundled> = LazyLock::new(|| {
    let mut table = Bundled::new();
    for line in include_str!("../data/prices.tsv").lines().filter(|line| !line.starts_with('#')) {
        if let Some((provider, model, price)) = parse_line(line) {
            table.entry(provider).or_default().entry(model).or_default().push(price);
        }
    }
    table
});

/// What runs on this machine costs nothing; the rest is looked up.
fn bundled(provider: &str, model: &str) -> Option<&'static [Price]> {
    if crate::catalog::provider(provider)
        .is_some_and(|known| known.local && known.slug != crate::catalog::DEMO)
    {
        return Some(&[Price::FREE]);
    }
    BUNDLED.get(provider)?.get(model).map(Vec::as_slice)
}

/// `provider  model  input  output  cached  cache_write  above_tokens`, USD per million tokens, `-` for not stated.
fn parse_line(line: &'static str) -> Option<(&'static str, &'static str, Price)> {
    let mut fields = line.split('\t');
    let (provider, model) = (fields.next()?, fields.next()?);
    let mut money = || fields.next().and_then(NanoUsd::from_decimal);
    let (input, output) = (money(), money());
    let (cached_input, cache_write) = (money(), money());
    let above_tokens = fields.next().and_then(|above| above.parse().ok());
    Some((provider, model, Price { input: input?, output: output?, cached_input, cache_write, above_tokens }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn usd(text: &str) -> NanoUsd {
        NanoUsd::from_decimal(text).expect("an amount")
    }

    fn usage(input: u64, output: u64, cached: u64) -> TokenUsage {
        TokenUsage { input: Some(input), output: Some(output), cached: Some(cached), ..TokenUsage::default() }
    }

    #[test]
    fn c2_input_output_and_cached_tokens_are_priced_apart() {
        let price =
            Price { input: usd("2"), output: usd("8"), cached_input: Some(usd("0.5")), ..Price::FREE };
        assert_eq!(price.cost(&usage(1_000, 500, 400)), usd("0.0054"));
    }

    #[test]
    fn c2_an_unknown_model_costs_unknown() {
        let book = PriceBook::default();
        let cost = book.cost("openai", "no-such-model", NOW, &usage(10, 10, 0), CostSource::Priced);
        assert_eq!(cost, Cost::UNKNOWN);
    }

    #[test]
    fn c2_a_reported_cost_wins_over_the_table() {
        let used = TokenUsage { reported_cost: Some(NanoUsd(60_000)), ..usage(10, 10, 0) };
        let cost = PriceBook::default().cost("openai", "gpt-5-mini", NOW, &used, CostSource::Priced);
        assert_eq!(cost, Cost { amount: Some(NanoUsd(60_000)), source: CostSource::Reported });
    }

    #[test]
    fn c2_cached_tokens_beyond_the_input_never_make_a_cost_negative() {
        let price =
            Price { input: usd("2"), output: usd("8"), cached_input: Some(usd("0.5")), ..Price::FREE };
        assert_eq!(price.cost(&usage(100, 0, 4_000)), price.cost(&usage(100, 0, 100)));
    }

    #[test]
    fn c3_a_price_holds_from_its_date_on() {
        let row = |from: i64, input: &str| PriceRow {
            provider: "openai".into(),
            model: "gpt-5-mini".into(),
            effective_from: Timestamp(from),
            price: Price { input: usd(input), ..Price::FREE },
        };
        let book = PriceBook::new(vec![row(NOW.0, "3"), row(NOW.0 + 1_000, "4")]);
        let input = |at: i64| book.find("openai", "gpt-5-mini", Timestamp(at), 1).map(|price| price.input);
        assert_eq!(input(NOW.0), Some(usd("3")));
        assert_eq!(input(NOW.0 + 1_000), Some(usd("4")));
        assert_eq!(input(NOW.0 - 1), Some(usd("0.25")), "the bundled price holds before");
    }

    #[test]
    fn c2_a_tier_holds_for_the_whole_call() {
        let base = Price { input: usd("1.25"), ..Price::FREE };
        let long = Price { input: usd("2.5"), above_tokens: Some(200_000), ..Price::FREE };
        assert_eq!(tier(&[base, long], 200_000), Some(base));
        assert_eq!(tier(&[base, long], 200_001), Some(long));
    }

    #[test]
    fn the_bundled_table_is_read_whole() {
        let lines = include_str!("../data/prices.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(BUNDLED.values().flat_map(HashMap::values).map(Vec::len).sum::<usize>(), lines);
        assert!(lines > 900);
    }
}
