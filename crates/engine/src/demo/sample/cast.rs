//! Who calls whom in the sample data. Accounts have ids below zero, which no real connection has.

use std::sync::LazyLock;

use fastrand::Rng;
use patchbay_core::time::{Range, Timestamp};

/// A connection of the sample data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    pub(super) provider: &'static str,
    /// `None` for one without a key.
    pub(super) credential_version: Option<u32>,
    /// Of ten thousand calls, so many meet its limit.
    pub(super) limited: u32,
}

/// [`Account::limited`] of a free one.
pub(super) const FREE_TIER: u32 = 900;

// Keys that a connection of the user's own would hardly have: figures are grouped by key.
const OPENAI_PRIMARY: Account = account(-1, "sample_openai_primary", "OpenAI primary", "openai");
const OPENAI_BACKUP: Account = account(-2, "sample_openai_backup", "OpenAI backup", "openai");
const GEMINI_RESEARCH: Account = account(-3, "sample_gemini_research", "Gemini research", "gemini");
const GEMINI_FREE: Account =
    Account { limited: FREE_TIER, ..account(-4, "sample_gemini_free_tier", "Gemini free tier", "gemini") };
const CLAUDE: Account = account(-5, "sample_claude_strategy", "Claude strategy", "anthropic");
const OPENROUTER: Account = account(-6, "sample_openrouter_overflow", "OpenRouter overflow", "openrouter");
const OLLAMA: Account =
    Account { credential_version: None, ..account(-7, "sample_ollama_desk", "Ollama desk", "ollama") };

pub(super) const fn account(
    id: i64,
    key: &'static str,
    name: &'static str,
    provider: &'static str,
) -> Account {
    Account { id, key, name, provider, credential_version: Some(1), limited: 45 }
}

/// A model at an account, and how fast it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) account: Account,
    pub(super) model: &'static str,
    /// The median time to the first token.
    pub(super) first_token_ms: u64,
    /// For each further token.
    pub(super) token_us: u64,
    /// Of the output, in percent.
    pub(super) reasoning: u64,
}

const fn target(account: Account, model: &'static str, first_token_ms: u64, token_us: u64) -> Target {
    Target { account, model, first_token_ms, token_us, reasoning: 0 }
}

const fn thinking(target: Target, reasoning: u64) -> Target {
    Target { reasoning, ..target }
}

/// How an app takes its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Whole,
    Streamed,
}

/// One kind of call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workload {
    /// Of a thousand calls.
    pub(super) share: u32,
    pub(super) app: &'static str,
    pub(super) feature: &'static str,
    pub(super) profile: &'static str,
    pub(super) takes: Takes,
    /// Median tokens.
    pub(super) input: u64,
    pub(super) output: u64,
    /// Of the input, in percent, where the cache is warm.
    pub(super) cached: u64,
    /// The first is asked first; the second where it fails.
    pub(super) chain: &'static [Target],
}

/// The model that no price list knows.
#[cfg(test)]
pub(super) const UNPRICED: &str = "gpt-5.5-desk-preview";

const WORKLOADS: [Workload; 11] = [
    Workload {
        share: 330,
        app: "mt5-signal-bot",
        feature: "signal_parsing",
        profile: "signal-parser",
        takes: Takes::Whole,
        input: 2_400,
        output: 420,
        cached: 60,
        chain: &[
            thinking(target(OPENAI_PRIMARY, "gpt-5-mini", 380, 2_100), 55),
            thinking(target(OPENAI_BACKUP, "gpt-5-mini", 400, 2_100), 55),
        ],
    },
    Workload {
        share: 150,
        app: "mt5-signal-bot",
        feature: "market_analysis",
        profile: "market-analyst",
        takes: Takes::Streamed,
        input: 6_200,
        output: 1_150,
        cached: 35,
        chain: &[
            thinking(target(OPENAI_PRIMARY, "gpt-5", 560, 2_600), 45),
            target(CLAUDE, "claude-sonnet-4-5", 640, 2_900),
        ],
    },
    Workload {
        share: 165,
        app: "news-digest",
        feature: "news_digest",
        profile: "digest",
        takes: Takes::Streamed,
        input: 9_000,
        output: 850,
        cached: 0,
        chain: &[
            target(GEMINI_RESEARCH, "gemini-2.5-flash", 310, 1_300),
            target(OPENROUTER, "deepseek/deepseek-chat-v3.1", 820, 4_200),
        ],
    },
    Workload {
        share: 55,
        app: "news-digest",
        feature: "translation",
        profile: "translate",
        takes: Takes::Whole,
        input: 700,
        output: 380,
        cached: 0,
        chain: &[
            target(GEMINI_FREE, "gemma-4-31b-it", 420, 2_200),
            target(GEMINI_RESEARCH, "gemini-2.5-flash-lite", 260, 900),
        ],
    },
    Workload {
        share: 60,
        app: "news-digest",
        feature: "sentiment",
        profile: "sentiment",
        takes: Takes::Whole,
        input: 5_200,
        output: 280,
        cached: 0,
        chain: &[
            target(OPENROUTER, "qwen/qwen3-max", 760, 4_200),
            thinking(target(OPENAI_PRIMARY, "gpt-5-mini", 380, 2_100), 55),
        ],
    },
    Workload {
        share: 130,
        app: "risk-guard",
        feature: "risk_check",
        profile: "risk",
        takes: Takes::Whole,
        input: 3_300,
        output: 380,
        cached: 50,
        chain: &[
            target(CLAUDE, "claude-sonnet-4-5", 610, 2_900),
            thinking(target(OPENAI_PRIMARY, "gpt-5", 560, 2_600), 45),
        ],
    },
    Workload {
        share: 38,
        app: "journal-notebook",
        feature: "trade_journal",
        profile: "",
        takes: Takes::Streamed,
        input: 5_500,
        output: 1_200,
        cached: 20,
        chain: &[
            target(CLAUDE, "claude-haiku-4-5", 380, 1_700),
            target(OPENROUTER, "deepseek/deepseek-chat-v3.1", 820, 4_200),
        ],
    },
    Workload {
        share: 30,
        app: "journal-notebook",
        feature: "trade_journal",
        profile: "",
        takes: Takes::Streamed,
        input: 2_600,
        output: 520,
        cached: 0,
        chain: &[target(OLLAMA, "llama3.1:8b", 240, 9_500)],
    },
    Workload {
        share: 2,
        app: "journal-notebook",
        feature: "",
        profile: "",
        takes: Takes::Whole,
        input: 1_800,
        output: 600,
        cached: 0,
        chain: &[target(OPENAI_BACKUP, "gpt-5.5-desk-preview", 900, 3_400)],
    },
    Workload {
        share: 26,
        app: "earnings-parser",
        feature: "earnings_parsing",
        profile: "earnings",
        takes: Takes::Whole,
        input: 36_000,
        output: 1_900,
        cached: 0,
        chain: &[
            thinking(target(GEMINI_RESEARCH, "gemini-2.5-pro", 1_150, 3_100), 40),
            target(CLAUDE, "claude-sonnet-4-5", 900, 2_900),
        ],
    },
    Workload {
        share: 14,
        app: "earnings-parser",
        feature: "sentiment",
        profile: "sentiment",
        takes: Takes::Whole,
        input: 6_800,
        output: 300,
        cached: 0,
        chain: &[
            target(OPENROUTER, "qwen/qwen3-max", 760, 4_200),
            thinking(target(OPENAI_PRIMARY, "gpt-5-mini", 380, 2_100), 55),
        ],
    },
];

/// Who calls whom, in times of the same length: models come and go.
#[derive(Debug)]
pub(super) struct Cast {
    pub(super) eras: Vec<Vec<Workload>>,
}

/// One trader's programs.
pub(super) fn trader() -> &'static Cast {
    static TRADER: LazyLock<Cast> = LazyLock::new(|| Cast { eras: vec![WORKLOADS.to_vec()] });
    &TRADER
}

impl Cast {
    /// One kind of call of that moment, by its share.
    pub(super) fn pick(&self, at: Timestamp, span: Range, rng: &mut Rng) -> &Workload {
        let passed = u128::from(at.since_ms(span.from)) * self.eras.len() as u128;
        let era = usize::try_from(passed / u128::from(span.to.since_ms(span.from).max(1))).unwrap_or(0);
        let works = &self.eras[era.min(self.eras.len() - 1)];
        let mut dice = rng.u32(0..1_000);
        for work in works {
            if dice < work.share {
                return work;
            }
            dice -= work.share;
        }
        &works[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        assert_eq!(WORKLOADS.iter().map(|work| work.share).sum::<u32>(), 1_000);
    }

    #[test]
    fn every_model_but_one_has_a_price() {
        let book = patchbay_core::price::PriceBook::default();
        for target in WORKLOADS.iter().flat_map(|work| work.chain) {
            let price =
                book.find(target.account.provider, target.model, patchbay_core::time::Timestamp(0), 1);
            assert_eq!(price.is_none(), target.model == UNPRICED, "{}", target.model);
        }
    }
}
