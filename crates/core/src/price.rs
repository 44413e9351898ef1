//! Prices, and what a call costs by them. The bundled table (`data/prices.tsv`) is other people's transcription of
//! price pages, read on the day in its first line.
//!
//! At any moment the user's own price holds where there is one; else the one that the provider's list named; else the bundled
//! one. Within each of these the newest version holds that was in effect at that moment: a provider that changes its list
//! does not undo what the user set.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::money::NanoUsd;
use crate::time::Timestamp;
use crate::usage::{Cost, CostSource, TokenUsage};

const TOKENS_PER_PRICE: i128 = 1_000_000;

/// Prices of one model in nano-USD per million tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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

/// Who says a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum PriceSource {
    /// The user: it comes first.
    User,
    /// The provider's own list.
    Provider,
    /// The table in this program.
    Bundled,
}

impl PriceSource {
    /// The name in the database; the bundled table is not there.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Provider => "provider",
            Self::Bundled => "bundled",
        }
    }

    /// The source of that name; anything unknown comes after the user's own.
    pub fn parse(name: &str) -> Self {
        if name == "user" { Self::User } else { Self::Provider }
    }
}

/// The prices of a model from a moment on: one for every prompt, and those that hold above a size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PriceVersion {
    /// Who says so.
    pub source: PriceSource,
    /// It holds from here until a later version of the same source. The bundled table has always held.
    pub effective_from: Timestamp,
    /// In any order; one of them has no `above_tokens`.
    pub prices: Vec<Price>,
}

/// A row of the user's or a provider's price of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceRow {
    /// The provider's slug.
    pub provider: String,
    /// The model id, exactly.
    pub model: String,
    /// The user or the provider.
    pub source: PriceSource,
    /// Rows of one moment and source are one version.
    pub effective_from: Timestamp,
    /// The price.
    pub price: Price,
}

/// All known prices.
#[derive(Clone, Debug, Default)]
pub struct PriceBook {
    /// By provider and model.
    own: HashMap<String, HashMap<String, Vec<PriceVersion>>>,
}

impl PriceBook {
    /// A book of the given rows, which come before the bundled table.
    pub fn new(rows: Vec<PriceRow>) -> Self {
        let mut book = Self::default();
        for row in rows {
            let versions = book.own.entry(row.provider).or_default().entry(row.model).or_default();
            let same =
                |v: &&mut PriceVersion| v.source == row.source && v.effective_from == row.effective_from;
            match versions.iter_mut().find(same) {
                Some(version) => version.prices.push(row.price),
                None => versions.push(PriceVersion {
                    source: row.source,
                    effective_from: row.effective_from,
                    prices: vec![row.price],
                }),
            }
        }
        book
    }

    /// The price of a model of a provider at a moment, for a prompt of so many tokens. `None` where it is not known:
    /// there is no default price.
    pub fn find(&self, provider: &str, model: &str, at: Timestamp, input_tokens: u64) -> Option<Price> {
        self.in_effect(provider, model, at).and_then(|(_, prices)| tier(prices, input_tokens))
    }

    /// Who sets the prices of a model at a moment, and what they are.
    pub fn in_effect(&self, provider: &str, model: &str, at: Timestamp) -> Option<(PriceSource, &[Price])> {
        let newest = |source: PriceSource| {
            let versions = self.versions(provider, model).iter();
            let begun = versions.filter(move |v| v.source == source && v.effective_from <= at);
            begun.max_by_key(|version| version.effective_from)
        };
        match newest(PriceSource::User).or_else(|| newest(PriceSource::Provider)) {
            Some(version) => Some((version.source, &version.prices)),
            None => bundled(provider, model).map(|prices| (PriceSource::Bundled, prices)),
        }
    }

    /// Everything that was ever said of a model's price, the newest of each source first, the user's first of all.
    pub fn history(&self, provider: &str, model: &str) -> Vec<PriceVersion> {
        let mut versions = self.versions(provider, model).to_vec();
        versions.extend(bundled(provider, model).map(|prices| PriceVersion {
            source: PriceSource::Bundled,
            effective_from: Timestamp(0),
            prices: prices.to_vec(),
        }));
        versions.sort_by_key(|version| (version.source, std::cmp::Reverse(version.effective_from)));
        versions
    }

    /// The newest version that a source has set of a model, whether it holds already or not.
    pub fn newest(&self, provider: &str, model: &str, source: PriceSource) -> Option<&PriceVersion> {
        let versions = self.versions(provider, model).iter();
        versions.filter(|version| version.source == source).max_by_key(|version| version.effective_from)
    }

    fn versions(&self, provider: &str, model: &str) -> &[PriceVersion] {
        self.own.get(provider).and_then(|models| models.get(model)).map_or(&[], Vec::as_slice)
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

/// The day on which the bundled table was read (2026-11-21).
pub fn bundled_on() -> Option<jiff::civil::Date> {
    let heading = TABLE.lines().next()?;
    heading.split_once("read on ")?.1.split(';').next().and_then(crate::time::parse_day)
}

/// The models of a provider that the bundled table prices.
pub fn bundled_models(provider: &str) -> impl Iterator<Item = &'static str> {
    BUNDLED.get(provider).into_iter().flat_map(|models| models.keys().copied())
}

const TABLE: &str = include_str!("../data/prices.tsv");

type Bundled = HashMap<&'static str, HashMap<&'static str, Vec<Price>>>;

static BUNDLED: LazyLock<Bundled> = LazyLock::new(|| {
    let mut table = Bundled::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
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

    fn row(source: PriceSource, from: i64, input: &str) -> PriceRow {
        PriceRow {
            provider: "openai".into(),
            model: "gpt-5-mini".into(),
            source,
            effective_from: Timestamp(from),
            price: Price { input: usd(input), ..Price::FREE },
        }
    }

    fn input(book: &PriceBook, at: i64) -> Option<NanoUsd> {
        book.find("openai", "gpt-5-mini", Timestamp(at), 1).map(|price| price.input)
    }

    #[test]
    fn c3_a_price_holds_from_its_date_on() {
        let user = PriceSource::User;
        let book = PriceBook::new(vec![row(user, NOW.0, "3"), row(user, NOW.0 + 1_000, "4")]);
        assert_eq!(input(&book, NOW.0), Some(usd("3")));
        assert_eq!(input(&book, NOW.0 + 1_000), Some(usd("4")));
        assert_eq!(input(&book, NOW.0 - 1), Some(usd("0.25")), "the bundled price holds before");
    }

    #[test]
    fn c3_the_users_price_comes_before_the_providers_whichever_is_newer() {
        let (user, provider) = (PriceSource::User, PriceSource::Provider);
        let book =
            PriceBook::new(vec![row(provider, 1_000, "1"), row(user, 2_000, "2"), row(provider, 3_000, "3")]);
        for (at, price) in [(999, "0.25"), (1_000, "1"), (2_000, "2"), (3_000, "2")] {
            assert_eq!(input(&book, at), Some(usd(price)), "{at}");
        }
        let sources: Vec<_> = book.history("openai", "gpt-5-mini").iter().map(|v| v.source).collect();
        assert_eq!(sources, [user, provider, provider, PriceSource::Bundled]);
        assert_eq!(
            book.newest("openai", "gpt-5-mini", provider).map(|v| v.effective_from),
            Some(Timestamp(3_000))
        );
    }

    #[test]
    fn c3_a_new_version_leaves_no_tier_of_the_old_one_in_force() {
        let mut long = row(PriceSource::User, NOW.0, "9");
        long.price.above_tokens = Some(100);
        let user = PriceSource::User;
        let book = PriceBook::new(vec![row(user, NOW.0, "3"), long, row(user, NOW.0 + 1_000, "4")]);
        let at = |moment: i64| book.find("openai", "gpt-5-mini", Timestamp(moment), 101).map(|p| p.input);
        assert_eq!((at(NOW.0), at(NOW.0 + 1_000)), (Some(usd("9")), Some(usd("4"))));
    }

    #[test]
    fn the_bundled_table_says_when_it_was_read() {
        assert!(bundled_on().is_some_and(|day| day.year() >= 2026));
        assert!(bundled_models("openai").any(|model| model == "gpt-5-mini"));
        assert_eq!(bundled_models("nobody").count(), 0);
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
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(BUNDLED.values().flat_map(HashMap::values).map(Vec::len).sum::<usize>(), lines);
        assert!(lines > 900);
    }
}
