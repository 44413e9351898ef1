//! The grammar of everything about keys: their versions, their vault, the log of changes.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::parse_pair;

/// `patchbay credentials …`
#[derive(Debug, Subcommand)]
pub enum Credentials {
    /// The versions of a connection's key.
    List {
        /// The connection key.
        key: String,
    },
    /// Store a new version from standard input. It is not used yet.
    Stage {
        /// The connection key.
        key: String,
    },
    /// Test a version by itself [default: the staged one, else the standby].
    Test {
        /// The connection key.
        key: String,
        /// Which version.
        #[arg(long, value_name = "N")]
        version: Option<u32>,
        /// Also ask for a tiny completion, which costs a little.
        #[arg(long)]
        spend: bool,
    },
    /// Store a new version from standard input, test it, and use it if the test passes.
    Rotate {
        /// The connection key.
        key: String,
        /// Also ask for a tiny completion, which costs a little.
        #[arg(long)]
        spend: bool,
        /// Keep the old version as the standby.
        #[arg(long)]
        keep_standby: bool,
    },
    /// Use a version from now on [default: the staged one, else the standby]. It is tested first.
    Promote {
        /// The connection key.
        key: String,
        /// Which version.
        #[arg(long, value_name = "N")]
        version: Option<u32>,
        /// Do not test it first.
        #[arg(long)]
        untested: bool,
        /// Keep the old version as the standby.
        #[arg(long)]
        keep_standby: bool,
    },
    /// Let a version wait to take over where the active one is refused [default: the staged one].
    Standby {
        /// The connection key.
        key: String,
        /// Which version.
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// Use the version before again.
    Rollback {
        /// The connection key.
        key: String,
    },
    /// Never use a version again [default: the active one].
    Revoke {
        /// The connection key.
        key: String,
        /// Which version.
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// Erase a secret from the vault now [default: those of all versions that are over].
    Purge {
        /// The connection key.
        key: String,
        /// Which version.
        #[arg(long, value_name = "N")]
        version: Option<u32>,
    },
    /// Set how a key is looked after; what is not named stays.
    Set(SetArgs),
}

/// `patchbay credentials set`
#[derive(Debug, clap::Args)]
pub struct SetArgs {
    /// The connection key.
    pub key: String,
    /// The day on which the key ends (2027-03-31); "never" takes it away.
    #[arg(long, value_name = "DAY")]
    pub expires: Option<String>,
    /// Which version ends then [default: the active one].
    #[arg(long, value_name = "N", requires = "expires")]
    pub version: Option<u32>,
    /// Days until a reminder to rotate; 0 for none.
    #[arg(long, value_name = "DAYS")]
    pub remind: Option<u32>,
    /// Days until a version that was replaced is erased.
    #[arg(long, value_name = "DAYS")]
    pub erase_after: Option<u32>,
    /// Whether a standby takes over where the active key is refused.
    #[arg(long, value_enum)]
    pub use_standby: Option<Switch>,
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// Yes.
    On,
    /// No.
    Off,
}

/// `patchbay vault …`
#[derive(Debug, Subcommand)]
pub enum Vault {
    /// Where secrets are kept, and how that is.
    Status,
    /// Move all secrets and keep them there from now on.
    Move {
        /// Where to.
        #[arg(long, value_enum)]
        to: VaultPlace,
    },
    /// Seal the encrypted file anew. The old passphrase comes from PATCHBAY_VAULT_PASSPHRASE or the terminal, the new one
    /// from PATCHBAY_NEW_VAULT_PASSPHRASE or the terminal.
    ChangePassphrase,
}

/// A vault that outlives a run.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum VaultPlace {
    /// The system's keychain.
    Keychain,
    /// An encrypted file in the data folder.
    File,
}

/// `patchbay backup` and `patchbay export`
#[derive(Debug, clap::Args)]
pub struct FileArgs {
    /// The file to write.
    pub file: PathBuf,
    /// Put the keys in too. The file is then sealed (age format) by a passphrase from PATCHBAY_BACKUP_PASSPHRASE or the
    /// terminal.
    #[arg(long)]
    pub with_secrets: bool,
}

/// `patchbay import`
#[derive(Debug, clap::Args)]
pub struct ImportArgs {
    /// The file to read: an export, a .env file, or LiteLLM's config.yaml.
    #[arg(required_unless_present_any = ["env", "found"])]
    pub file: Option<PathBuf>,
    /// Connections whose keys are in this environment's variables.
    #[arg(long, conflicts_with_all = ["file", "found"])]
    pub env: bool,
    /// Model servers that run on this machine.
    #[arg(long, conflicts_with = "file")]
    pub found: bool,
    /// Only what was found under this name (a variable, a model, a server); may be repeated.
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// Only tell what would change.
    #[arg(long)]
    pub dry_run: bool,
}

/// `patchbay audit …`
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// The newest entries, the newest first.
    List {
        /// At most so many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Only entries before this number.
        #[arg(long, value_name = "ENTRY")]
        before: Option<u32>,
        #[command(flatten)]
        filter: AuditFilter,
    },
    /// Check that every entry is there and as it was written.
    Verify,
    /// Write all entries that fit to standard output, the oldest first.
    Export {
        /// For spreadsheets; without it, JSON.
        #[arg(long)]
        csv: bool,
        #[command(flatten)]
        filter: AuditFilter,
    },
}

/// Which entries.
#[derive(Debug, clap::Args)]
pub struct AuditFilter {
    /// Only what fits: actor=…, action=…, kind=…, name=…, text=…; may be repeated.
    #[arg(long = "where", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub conditions: Vec<(String, String)>,
    /// The last so many days, today included.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    pub days: Option<u32>,
}
