//! The programs of a whole desk: 40 connections, 120 models and 15 apps, over times in which models come and go.

use std::sync::LazyLock;

use patchbay_core::price::bundled_models;

use super::cast::{Account, Cast, FREE_TIER, Takes, Target, Workload, account};

const PROVIDERS: [(&str, &str); 5] = [
    ("openai", "OpenAI"),
    ("anthropic", "Anthropic"),
    ("gemini", "Gemini"),
    ("openrouter", "OpenRouter"),
    ("mistral", "Mistral"),
];
/// Connections of each provider.
const EACH: [&str; 8] = ["alpha", "beta", "gamma", "delta", "backup", "research", "night", "free"];
/// Models of each provider, as far as it has so many; the first provider makes up for those that have less.
const MODELS: usize = 24;
const ALL_MODELS: usize = 120;
const ERAS: usize = 4;
const APPS: [&str; 15] = [
    "mt5-signal-bot",
    "news-digest",
    "risk-guard",
    "earnings-parser",
    "journal-notebook",
    "order-reviewer",
    "fx-scout",
    "crypto-scout",
    "filing-reader",
    "macro-watch",
    "options-desk",
    "alert-triage",
    "backtest-notes",
    "chat-desk",
    "compliance-log",
];
const FEATURES: [&str; 8] = [
    "signal_parsing",
    "market_analysis",
    "news_digest",
    "translation",
    "sentiment",
    "risk_check",
    "earnings_parsing",
    "",
];
const PROFILES: [&str; 4] = ["signal-parser", "market-analyst", "digest", ""];
/// Median tokens in and out, and how much of the input a warm cache holds, in percent.
const SHAPES: [(u64, u64, u64); 6] = [
    (2_400, 420, 60),
    (6_200, 1_150, 35),
    (900, 120, 0),
    (12_000, 850, 20),
    (3_300, 380, 50),
    (36_000, 1_900, 0),
];
/// Kinds of call of each app.
const KINDS: usize = 4;

/// Who calls whom.
pub(super) fn cast() -> &'static Cast {
    static DESK: LazyLock<Cast> = LazyLock::new(|| {
        let accounts = accounts();
        let models = models();
        Cast { eras: (0..ERAS).map(|era| works(era, &accounts, &models)).collect() }
    });
    &DESK
}

/// Names that live as long as the program, which makes them once.
fn forever(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn accounts() -> Vec<Account> {
    let all = EACH.iter().flat_map(|name| PROVIDERS.map(|provider| (*name, provider)));
    let one = |(id, (name, (slug, provider))): (i64, (&str, (&'static str, &str)))| {
        let key = forever(format!("sample_desk_{slug}_{name}"));
        let usual = account(id, key, forever(format!("{provider} {name}")), slug);
        Account { limited: if name == "free" { FREE_TIER } else { usual.limited }, ..usual }
    };
    (-139..=-100).rev().zip(all).map(one).collect()
}

/// Models of each provider, in the order of the price list.
fn models() -> Vec<Vec<&'static str>> {
    let of = |(slug, _): (&'static str, &str)| {
        let mut models: Vec<&str> = bundled_models(slug).collect();
        models.sort_unstable();
        models
    };
    let mut models = PROVIDERS.map(of).to_vec();
    for of_one in &mut models[1..] {
        of_one.truncate(MODELS);
    }
    let others: usize = models[1..].iter().map(Vec::len).sum();
    models[0].truncate(ALL_MODELS - others);
    models
}

fn works(era: usize, accounts: &[Account], models: &[Vec<&'static str>]) -> Vec<Workload> {
    let count = APPS.len() * KINDS;
    let weights = |rank: usize| 10_000 / (u32::try_from(rank).unwrap_or(0) + 6);
    let whole: u32 = (0..count).map(weights).sum();
    let mut works: Vec<Workload> = (0..count)
        .map(|rank| Workload { share: weights(rank) * 1_000 / whole, ..work(era, rank, accounts, models) })
        .collect();
    let left = 1_000 - works.iter().map(|work| work.share).sum::<u32>();
    works[0].share += left;
    works
}

fn work(era: usize, rank: usize, accounts: &[Account], models: &[Vec<&'static str>]) -> Workload {
    // The busiest kinds of call are spread over the apps.
    let (app, kind) = (rank % APPS.len(), rank / APPS.len());
    let (input, output, cached) = SHAPES[(app + 2 * kind) % SHAPES.len()];
    let chain = [0, 1].map(|step| target(era * APPS.len() * KINDS + rank + step, accounts, models));
    Workload {
        share: 0,
        app: APPS[app],
        feature: FEATURES[(app + 3 * kind) % FEATURES.len()],
        profile: PROFILES[(app + kind) % PROFILES.len()],
        takes: if (app + kind).is_multiple_of(3) { Takes::Streamed } else { Takes::Whole },
        input,
        output,
        cached,
        chain: Box::leak(Box::new(chain)),
    }
}

/// The targets of a chain follow each other, so they are at different providers.
fn target(number: usize, accounts: &[Account], models: &[Vec<&'static str>]) -> Target {
    let account = accounts[number % accounts.len()];
    let of_provider = &models[number % PROVIDERS.len()];
    let turn = number / PROVIDERS.len();
    let pace = u64::try_from(turn % 7).unwrap_or(0);
    Target {
        account,
        model: of_provider[turn % of_provider.len()],
        first_token_ms: 240 + 130 * pace,
        token_us: 900 + 450 * pace,
        reasoning: if turn.is_multiple_of(5) { 45 } else { 0 },
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_desk_has_40_connections_120_models_and_15_apps() {
        let targets = || cast().eras.iter().flatten().flat_map(|work| work.chain);
        let keys: HashSet<_> = targets().map(|target| target.account.key).collect();
        let models: HashSet<_> = targets().map(|target| (target.account.provider, target.model)).collect();
        let apps: HashSet<_> = cast().eras.iter().flatten().map(|work| work.app).collect();
        assert_eq!((keys.len(), models.len(), apps.len()), (40, 120, 15));
        for era in &cast().eras {
            assert_eq!(era.iter().map(|work| work.share).sum::<u32>(), 1_000);
            assert!(era.iter().all(|work| work.chain[0].account.provider != work.chain[1].account.provider));
        }
    }
}
