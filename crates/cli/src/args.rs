//! The command line's grammar.

mod apps;
mod catalogue;
mod checks;
mod keys;
mod profiles;
mod retention;
mod usage;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Parser, Subcommand, ValueEnum};
use patchbay_engine::error::Error;
use patchbay_engine::{VaultChoice, VaultSetup};

pub use apps::{AppChange, Apps, GatewayReach, Keeping};
pub use checks::{Checks, Schedule, When};
pub use keys::{Audit, AuditFilter, Credentials, FileArgs, ImportArgs, SetArgs, Switch, Vault, VaultPlace};
pub use profiles::{
    Aliases, DrillArgs, DrillCommand, FormatArg, ProfileFields, Profiles, TroubleArg, WhenFullArg,
    WhenSlowArg, WhenUntakenArg,
};
pub use retention::{Retention, RetentionArgs};
pub use usage::{
    By, ChartArgs, ChartName, ExploreArgs, ExportArgs, PictureArgs, SpanArgs, StatementArgs, ThemeArg,
    UsageArgs, Views,
};
pub use watch::{AlertCommand, Alerts, BudgetSet, BudgetWhich, Budgets, RuleArg};

use crate::passphrase::Terminal;

pub use catalogue::{
    CapabilityArg, KeyArg, ModelSearch, ModelStateArg, Models, PriceSet, Prices, ProtocolArg, ProviderAdd,
    ProviderChange, ProviderFields, Providers, SortArg, StatusArg,
};

/// The local control room for your AI connections.
#[derive(Debug, Parser)]
#[command(name = "patchbay", version, about, max_term_width = 100)]
pub struct Args {
    /// Where everything is kept [default: the platform's data folder].
    #[arg(long, global = true, env = "PATCHBAY_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where secrets are kept [default: where `patchbay vault move` put them, else the keychain].
    #[arg(long, global = true, value_enum)]
    vault: Option<VaultArg>,
    /// Print one JSON document on standard output; messages go to standard error.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Args {
    /// The data folder: as given, else the platform's.
    pub fn data_dir(&self) -> Result<PathBuf, Error> {
        self.data_dir.clone().map_or_else(patchbay_engine::default_data_dir, Ok)
    }

    /// The vault, and who knows its passphrase.
    pub fn vault(&self) -> VaultSetup {
        let choice = match self.vault {
            None => VaultChoice::AsSet,
            Some(VaultArg::Keychain) => VaultChoice::Keychain,
            Some(VaultArg::File) => VaultChoice::File,
            Some(VaultArg::Memory) => VaultChoice::Memory,
        };
        VaultSetup { choice, passphrases: Arc::new(Terminal::for_vault()) }
    }
}

/// Where secrets are kept.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum VaultArg {
    /// The system's keychain.
    Keychain,
    /// An encrypted file in the data folder; its passphrase comes from PATCHBAY_VAULT_PASSPHRASE or the terminal.
    File,
    /// This process's memory: keys are gone when it ends.
    Memory,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway until told to stop (SIGTERM or Ctrl C: calls on their way end first).
    Serve {
        /// The port of 127.0.0.1; 0 for any free one [default: that of last time, else 4141].
        #[arg(long)]
        port: Option<u16>,
        /// Add the offline Demo provider.
        #[arg(long)]
        demo: bool,
    },
    /// Manage providers: those that come with Patchbay, and your own.
    #[command(subcommand)]
    Providers(Providers),
    /// What can be called, and at what price.
    #[command(subcommand)]
    Models(Models),
    /// What models cost, and who says so.
    #[command(subcommand)]
    Prices(Prices),
    /// Manage profiles: named recipes with a chain of targets, which bots call as a model.
    #[command(subcommand)]
    Profiles(Profiles),
    /// Let well-known model ids stand for something else.
    #[command(subcommand)]
    Aliases(Aliases),
    /// Pretend that somebody is in trouble, and see where each profile would go: in a dry run, or with real calls for a while.
    Drill(DrillArgs),
    /// Manage connections.
    #[command(subcommand)]
    Connections(Connections),
    /// Manage the versions of a connection's key.
    #[command(subcommand)]
    Credentials(Credentials),
    /// Connection tests over time, and when they run by themselves.
    #[command(subcommand)]
    Checks(Checks),
    /// Manage the apps that may use the gateway.
    #[command(subcommand)]
    Apps(Apps),
    /// Caps on money, requests or tokens.
    #[command(subcommand)]
    Budgets(Budgets),
    /// What somebody should know.
    Alerts(Alerts),
    /// From where the gateway can be reached: this machine only, unless you open it.
    #[command(subcommand)]
    Gateway(GatewayReach),
    /// Send one prompt.
    Run(RunArgs),
    /// Show what calls cost and how they went, or write every attempt to a file.
    Usage(UsageArgs),
    /// Show one number by groups and groups inside them, as a table or over time.
    Explore(ExploreArgs),
    /// Views of usage that were saved under a name.
    #[command(subcommand)]
    Views(Views),
    /// Draw a chart into a file.
    Chart(ChartArgs),
    /// Write what one app spent in a month, as a page to print.
    Statement(StatementArgs),
    /// Show attempts, the newest last.
    Log(LogArgs),
    /// Show, check and export who changed what.
    #[command(subcommand)]
    Audit(Audit),
    /// How long attempts stay in the database, and moving older ones to compressed archives.
    Retention(RetentionArgs),
    /// Show or change where secrets are kept.
    #[command(subcommand)]
    Vault(Vault),
    /// Copy everything into a file, while calls go on.
    Backup(FileArgs),
    /// Put a copy in the place of everything. What was there is kept in the backups folder.
    Restore {
        /// The file to read.
        file: PathBuf,
        /// Only tell what is in it.
        #[arg(long)]
        dry_run: bool,
    },
    /// Write the configuration into a file.
    Export(FileArgs),
    /// Add connections of a .env file, of LiteLLM, of this environment or machine; or all that an export says. Nothing is deleted.
    Import(ImportArgs),
    /// Stop all traffic until `resume`.
    Stop,
    /// Let traffic flow again.
    Resume,
    /// The offline Demo provider and its sample data.
    #[command(subcommand)]
    Demo(Demo),
}

/// `patchbay connections …`
#[derive(Debug, Subcommand)]
pub enum Connections {
    /// All connections, in the order in which they are tried.
    List,
    /// One connection.
    Show {
        /// Its connection key.
        key: String,
    },
    /// Add a connection. It is tested first and saved only if it works.
    Add(Box<AddArgs>),
    /// Change a connection; what is not named stays.
    Edit(Box<EditArgs>),
    /// Delete a connection and its key. Its history stays.
    Remove {
        /// Its connection key.
        key: String,
        /// Give profiles, aliases, budgets and apps' lists that name it to this connection.
        #[arg(long, value_name = "KEY")]
        reassign_to: Option<String>,
    },
    /// Add a second connection like this one, without its key.
    Duplicate {
        /// Its connection key.
        key: String,
    },
    /// Let a connection take calls.
    Enable {
        /// Its connection key.
        key: String,
    },
    /// Take a connection out until it is enabled again.
    Pause {
        /// Its connection key.
        key: String,
    },
    /// Stop a connection on purpose, until it is enabled again.
    Suspend {
        /// Its connection key.
        key: String,
    },
    /// Set the order in which connections are tried.
    Reorder {
        /// Connection keys, first tried first.
        #[arg(required = true)]
        keys: Vec<String>,
    },
    /// Test connections, stage by stage.
    Test {
        /// Connection keys.
        #[arg(required_unless_present = "all")]
        keys: Vec<String>,
        /// All connections.
        #[arg(long, conflicts_with = "keys")]
        all: bool,
        /// Also ask for a tiny completion, whole and as a stream, which costs a little.
        #[arg(long)]
        spend: bool,
        /// Also ask what else it can do (tools, JSON schema, embeddings), which costs a little more.
        #[arg(long, conflicts_with = "spend")]
        deep: bool,
    },
}

/// `patchbay connections add`
#[derive(Debug, clap::Args)]
pub struct AddArgs {
    /// The provider's slug (`patchbay providers list`).
    #[arg(long)]
    pub provider: String,
    /// A name for people.
    #[arg(long)]
    pub name: String,
    /// The connection key [default: made from the name].
    #[arg(long)]
    pub key: Option<String>,
    /// Where requests go [default: the provider's].
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// The model for tests and the playground.
    #[arg(long)]
    pub model: Option<String>,
    /// From 1; lower is tried first.
    #[arg(long)]
    pub priority: Option<u32>,
    /// Further tries here before the next connection, 0 to 10.
    #[arg(long, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub max_retries: Option<u32>,
    /// Seconds to wait for the first byte.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub timeout: Option<u32>,
    /// HTTP or SOCKS5 proxy.
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// An extra header without secrets; may be repeated.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub headers: Vec<(String, String)>,
    /// An extra header whose value is a line of standard input, after the API key; may be repeated.
    #[arg(long = "secret-header", value_name = "NAME")]
    pub secret_headers: Vec<String>,
    /// Read the API key from standard input.
    #[arg(long, conflicts_with = "no_api_key")]
    pub api_key_stdin: bool,
    /// There is no API key.
    #[arg(long)]
    pub no_api_key: bool,
    /// Save without a test; it stays out of chains until one passes.
    #[arg(long)]
    pub untested: bool,
    // Last, because its heading holds for what follows.
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// `patchbay connections edit`
#[derive(Debug, clap::Args)]
pub struct EditArgs {
    /// Its connection key.
    pub key: String,
    /// A new name.
    #[arg(long)]
    pub name: Option<String>,
    /// Where requests go; "" for the provider's.
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// The model for tests and the playground; "" for none.
    #[arg(long)]
    pub model: Option<String>,
    /// From 1; lower is tried first.
    #[arg(long)]
    pub priority: Option<u32>,
    /// Further tries here before the next connection, 0 to 10.
    #[arg(long)]
    pub max_retries: Option<u32>,
    /// Seconds to wait for the first byte.
    #[arg(long)]
    pub timeout: Option<u32>,
    /// HTTP or SOCKS5 proxy; "" for the system's.
    #[arg(long, value_name = "URL")]
    pub proxy: Option<String>,
    /// Set an extra header without secrets; "NAME=" takes it away; may be repeated.
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub headers: Vec<(String, String)>,
    /// Set an extra header to a line of standard input, after the API key; an empty line takes it away; may be repeated.
    #[arg(long = "secret-header", value_name = "NAME")]
    pub secret_headers: Vec<String>,
    /// Read a new API key from standard input.
    #[arg(long)]
    pub api_key_stdin: bool,
    #[command(flatten)]
    pub limits: LimitArgs,
}

/// Limits of a connection. A call beyond them goes to another connection, waits up to 10 seconds, or is told when to come back.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Limits (kept by each Patchbay process)")]
pub struct LimitArgs {
    /// Requests in any minute; 0 for no such limit.
    #[arg(long)]
    pub rpm: Option<u32>,
    /// Requests in a calendar day of this machine's zone; 0 for no such limit.
    #[arg(long)]
    pub rpd: Option<u32>,
    /// Tokens in any minute; 0 for no such limit.
    #[arg(long)]
    pub tpm: Option<u32>,
    /// Requests in any so many seconds; 0/1 for no such limit.
    #[arg(long, value_name = "N/SECONDS", value_parser = parse_rate)]
    pub rate: Option<(u32, u32)>,
    /// Requests at the same time; 0 for no such limit.
    #[arg(long)]
    pub max_concurrent: Option<u32>,
}

/// `patchbay run`
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// A model, `connection_key/model`, `provider/model` or a connection key [default: the first connection's].
    #[arg(long)]
    pub model: Option<String>,
    /// A profile, instead of a model.
    #[arg(long, conflicts_with = "model")]
    pub profile: Option<String>,
    /// What the call is for.
    #[arg(long)]
    pub feature: Option<String>,
    /// Print the answer while it arrives.
    #[arg(long)]
    pub stream: bool,
    /// A picture or a text that goes along.
    #[arg(long, value_name = "FILE")]
    pub attach: Option<String>,
    /// The prompt; `-` reads it from standard input.
    pub prompt: String,
}

/// `patchbay log`
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LogArgs {
    /// Go on printing what comes.
    #[arg(long)]
    pub follow: bool,
    /// At most so many.
    #[arg(long, default_value_t = 50)]
    pub limit: u32,
    /// Those that were moved to archives, too.
    #[arg(long)]
    pub archived: bool,
    /// Those that are on their way instead, in whichever process on the folder.
    #[arg(long, conflicts_with_all = ["follow", "limit", "archived"])]
    pub running: bool,
    /// Only what fits, as for `usage`; may be repeated.
    #[arg(long = "where", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub conditions: Vec<(String, String)>,
    /// One call.
    #[command(subcommand)]
    pub show: Option<LogShow>,
}

/// `patchbay log show`
#[derive(Debug, Subcommand)]
pub enum LogShow {
    /// One call in plain words: who was asked, who was passed by and why, how long it waited, what it cost.
    Show {
        /// The call's id.
        call: String,
        /// Also what the app sent and got, where that is kept.
        #[arg(long)]
        body: bool,
    },
}

/// `patchbay demo …`
#[derive(Debug, Subcommand)]
pub enum Demo {
    /// Add the Demo provider and sample data.
    Load {
        /// How many attempts; more than a million are those of a desk with 40 connections, 120 models and 15 apps.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
        attempts: Option<u32>,
        /// Over how many days.
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=3_650))]
        days: Option<u32>,
        /// The same seed makes the same data.
        #[arg(long)]
        seed: Option<u64>,
    },
    /// Remove the Demo provider and the sample data.
    Clear,
    /// Make the Demo provider fail.
    Fault {
        /// How.
        #[arg(value_enum)]
        fault: Fault,
    },
}

/// What the Demo provider pretends.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Fault {
    /// Nothing: it answers.
    None,
    /// 401.
    Unauthorized,
    /// 429 with Retry-After.
    RateLimited,
    /// 500.
    ServerError,
    /// No first byte for 30 s.
    SlowFirstByte,
    /// A stream that ends in the middle.
    CutStream,
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "write NAME=VALUE".to_owned())
}

fn parse_rate(text: &str) -> Result<(u32, u32), String> {
    let parts = text.split_once('/').and_then(|(n, seconds)| Some((n.parse().ok()?, seconds.parse().ok()?)));
    parts.filter(|(_, seconds)| *seconds > 0).ok_or_else(|| "write N/SECONDS, such as 10/60".to_owned())
}
