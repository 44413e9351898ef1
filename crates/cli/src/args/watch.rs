//! The grammar of `patchbay budgets` and `patchbay alerts`.

use clap::{Subcommand, ValueEnum};
use patchbay_core::alert::AlertKind;
use patchbay_core::budget::{Measure, OnLimit, Period, ScopeName};

/// `patchbay budgets …`
#[derive(Debug, Subcommand)]
pub enum Budgets {
    /// All budgets, and how far they are used.
    List,
    /// Set a budget: a new one, or other terms for the one of that scope and period.
    Set(BudgetSet),
    /// Take a budget away.
    Remove {
        /// Which one.
        #[command(flatten)]
        which: BudgetWhich,
    },
    /// Let calls go on with so much more than the cap, until the day or month ends.
    Resume {
        /// Which one.
        #[command(flatten)]
        which: BudgetWhich,
        /// Dollars, requests or tokens, as the budget counts [default: a sixth of the cap].
        #[arg(long)]
        more: Option<String>,
    },
}

/// `patchbay budgets set`
#[derive(Debug, clap::Args)]
pub struct BudgetSet {
    /// What it is for: all, provider:SLUG, connection:KEY, profile:NAME, app:NAME or feature:NAME.
    #[arg(long, value_parser = parse_scope)]
    pub scope: ScopeName,
    /// When it begins anew.
    #[arg(long, value_enum)]
    pub per: PerArg,
    /// A cap in dollars.
    #[arg(long, value_name = "DOLLARS", required_unless_present_any = ["requests", "tokens"], conflicts_with_all = ["requests", "tokens"])]
    pub usd: Option<String>,
    /// A cap on requests.
    #[arg(long, value_name = "N", conflicts_with = "tokens")]
    pub requests: Option<String>,
    /// A cap on tokens, in and out.
    #[arg(long, value_name = "N")]
    pub tokens: Option<String>,
    /// What happens at the cap.
    #[arg(long, value_enum, default_value_t = OnLimitArg::Stop)]
    pub on_limit: OnLimitArg,
    /// The model, profile or connection that calls go to at the cap, for `--on-limit degrade`.
    #[arg(long, value_name = "MODEL")]
    pub degrade_to: Option<String>,
    /// The percents at which an alert speaks [default: as they are, else 50,80,95,100].
    #[arg(long, value_name = "PERCENTS", value_delimiter = ',')]
    pub levels: Option<Vec<u16>>,
}

/// What tells one budget from another.
#[derive(Debug, clap::Args)]
pub struct BudgetWhich {
    /// What it is for.
    #[arg(long, value_parser = parse_scope)]
    pub scope: ScopeName,
    /// When it begins anew.
    #[arg(long, value_enum)]
    pub per: PerArg,
    /// What it counts.
    #[arg(long, value_enum, default_value_t = MeasureArg::Money)]
    pub measure: MeasureArg,
}

/// When a budget begins anew.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PerArg {
    /// At midnight in your zone.
    Day,
    /// On the first of the month in your zone.
    Month,
}

impl From<PerArg> for Period {
    fn from(per: PerArg) -> Self {
        match per {
            PerArg::Day => Self::Day,
            PerArg::Month => Self::Month,
        }
    }
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum MeasureArg {
    /// Dollars.
    Money,
    /// Attempts.
    Requests,
    /// In and out.
    Tokens,
}

impl From<MeasureArg> for Measure {
    fn from(measure: MeasureArg) -> Self {
        match measure {
            MeasureArg::Money => Self::Money,
            MeasureArg::Requests => Self::Requests,
            MeasureArg::Tokens => Self::Tokens,
        }
    }
}

/// What happens at the cap.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum OnLimitArg {
    /// No further call; at a provider or a connection, others may answer.
    Stop,
    /// An alert, and calls go on.
    Warn,
    /// Calls go to a cheaper model: see `--degrade-to`.
    Degrade,
}

impl From<OnLimitArg> for OnLimit {
    fn from(on_limit: OnLimitArg) -> Self {
        match on_limit {
            OnLimitArg::Stop => Self::Stop,
            OnLimitArg::Warn => Self::Warn,
            OnLimitArg::Degrade => Self::Degrade,
        }
    }
}

fn parse_scope(text: &str) -> Result<ScopeName, String> {
    let hint = "write all, provider:SLUG, connection:KEY, profile:NAME, app:NAME or feature:NAME";
    ScopeName::parse(text).ok_or_else(|| hint.to_owned())
}

/// `patchbay alerts …`
#[derive(Debug, clap::Args)]
pub struct Alerts {
    /// What to do [default: list].
    #[command(subcommand)]
    pub command: Option<AlertCommand>,
}

/// `patchbay alerts …`
#[derive(Debug, Subcommand)]
pub enum AlertCommand {
    /// Alerts whose cause lasts.
    List {
        /// Those that were closed, too.
        #[arg(long)]
        all: bool,
    },
    /// One alert with its story.
    Show {
        /// Its number.
        id: u32,
    },
    /// Say that you have seen it: it is not told again, and closes with its cause.
    Ack {
        /// Its number.
        id: u32,
    },
    /// Hear of it again only later, if its cause lasts.
    Snooze {
        /// Its number.
        id: u32,
        /// After so many minutes.
        #[arg(long, default_value_t = 60)]
        minutes: u32,
    },
    /// Which alerts are told, and how.
    Rules,
    /// Raise an alert of a rule for a minute, to see how it is told.
    Test {
        /// Which, as `rules` names it.
        #[arg(value_parser = parse_kind)]
        kind: AlertKind,
    },
    /// Switch a rule.
    Rule {
        /// Which, as `rules` names it.
        #[arg(value_parser = parse_kind)]
        kind: AlertKind,
        /// Whether it is wanted.
        #[arg(value_enum)]
        switch: RuleArg,
    },
}

/// How an alert is wanted.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RuleArg {
    /// Here and on the desktop.
    On,
    /// Here only.
    Silent,
    /// Not at all.
    Off,
}

fn parse_kind(text: &str) -> Result<AlertKind, String> {
    AlertKind::parse(text).ok_or_else(|| {
        let names: Vec<_> = AlertKind::ALL.iter().map(|kind| kind.as_str()).collect();
        format!("write one of {}", names.join(", "))
    })
}
