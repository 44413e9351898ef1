//! The grammar of `patchbay checks`.

use clap::Subcommand;
use patchbay_core::market::Market;

/// `patchbay checks …`
#[derive(Debug, Subcommand)]
pub enum Checks {
    /// When connections are tested by themselves; only what is free is ever asked then.
    Schedule {
        /// Show it, or set it.
        #[command(subcommand)]
        command: Schedule,
    },
    /// What the tests of the last 30 days found.
    History {
        /// A connection key.
        key: String,
    },
}

/// `patchbay checks schedule …`
#[derive(Debug, Subcommand)]
pub enum Schedule {
    /// As it is set, and when the next round is due.
    Show,
    /// Set it: `set off`, `set every MINUTES`, `set before-open MARKET MINUTES`.
    Set {
        /// When.
        #[command(subcommand)]
        when: When,
    },
}

/// `patchbay checks schedule set …`
#[derive(Debug, Subcommand)]
pub enum When {
    /// Never.
    Off,
    /// Again and again.
    Every {
        /// 5 to 1440.
        minutes: u32,
    },
    /// Before each opening of a market.
    BeforeOpen {
        /// NYSE, LSE, XETRA, TSE or HKEX.
        #[arg(value_parser = parse_market)]
        market: Market,
        /// So many minutes before.
        minutes: u32,
    },
}

fn parse_market(text: &str) -> Result<Market, String> {
    Market::parse(text).ok_or_else(|| "write NYSE, LSE, XETRA, TSE or HKEX".to_owned())
}
