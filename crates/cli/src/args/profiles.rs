//! `patchbay profiles`, `patchbay aliases` and `patchbay drill`.

use clap::{Subcommand, ValueEnum};

use super::parse_rate;

/// `patchbay profiles …`
#[derive(Debug, Subcommand)]
pub enum Profiles {
    /// All profiles, with their chains.
    List {
        /// Archived ones, too.
        #[arg(long)]
        all: bool,
    },
    /// One profile, as the document that `add` and `edit` take.
    Show {
        /// Its name.
        name: String,
        /// What is in force at each step, and who says so.
        #[arg(long)]
        effective: bool,
    },
    /// Make a profile. Without --target, a JSON document is read from standard input.
    Add {
        /// Its name, which bots send as a model [default: the document's].
        name: Option<String>,
        #[command(flatten)]
        fields: Box<ProfileFields>,
    },
    /// Make a new version of a profile; what is not named stays. Without any option, a JSON document is read from standard input.
    Edit {
        /// Its name.
        name: String,
        /// Say nothing of this field any more (temperature, system_prompt, …); may be repeated.
        #[arg(long, value_name = "FIELD")]
        unset: Vec<String>,
        /// Save only if this version is still the one in use.
        #[arg(long, value_name = "VERSION")]
        expect: Option<u32>,
        #[command(flatten)]
        fields: Box<ProfileFields>,
    },
    /// All versions of a profile with what each changed, the newest first.
    Versions {
        /// Its name.
        name: String,
    },
    /// What differs between two versions.
    Diff {
        /// Its name.
        name: String,
        /// The earlier one.
        before: u32,
        /// The later one [default: the one in use].
        after: Option<u32>,
    },
    /// Use an older version again, as a new one that says the same.
    Restore {
        /// Its name.
        name: String,
        /// The version.
        version: u32,
    },
    /// Make another profile that says the same.
    Clone {
        /// Its name.
        name: String,
        /// The new one's name.
        new_name: String,
    },
    /// Take a profile out of use, and keep it.
    Archive {
        /// Its name.
        name: String,
        /// Who takes over the aliases, budgets and apps that point at it.
        #[arg(long, value_name = "PROFILE")]
        reassign_to: Option<String>,
    },
    /// Put an archived profile back into use.
    Unarchive {
        /// Its name.
        name: String,
    },
    /// Delete a profile with all its versions. The ledger keeps its name.
    Remove {
        /// Its name.
        name: String,
        /// Who takes over the aliases, budgets and apps that point at it.
        #[arg(long, value_name = "PROFILE")]
        reassign_to: Option<String>,
    },
    /// Profiles whose model is gone or will end, with what may take its place.
    Affected,
    /// Lead every step that goes to one place to another instead, as new versions.
    Retarget {
        /// A connection key or a provider's slug, with /MODEL or without.
        from: String,
        /// The same, for where it goes from now on.
        to: String,
        /// In this profile only.
        #[arg(long, value_name = "PROFILE")]
        only: Option<String>,
    },
}

/// What a profile says. What is not named is not sent, or left to the connection.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What it says")]
pub struct ProfileFields {
    /// A step of the chain, first tried first: CONNECTION/MODEL or PROVIDER/MODEL; may be repeated.
    #[arg(long = "target", value_name = "PLACE/MODEL")]
    pub targets: Vec<String>,
    /// 0 to 2.
    #[arg(long)]
    pub temperature: Option<f64>,
    /// 0 to 1.
    #[arg(long)]
    pub top_p: Option<f64>,
    /// The longest answer in tokens.
    #[arg(long)]
    pub max_tokens: Option<u32>,
    /// -2 to 2.
    #[arg(long, allow_negative_numbers = true)]
    pub presence_penalty: Option<f64>,
    /// -2 to 2.
    #[arg(long, allow_negative_numbers = true)]
    pub frequency_penalty: Option<f64>,
    /// Makes an answer repeatable, as far as the model goes.
    #[arg(long, allow_negative_numbers = true)]
    pub seed: Option<i32>,
    /// A text that ends the answer; up to 4.
    #[arg(long = "stop", value_name = "TEXT")]
    pub stop_sequences: Vec<String>,
    /// Instructions, before everything else.
    #[arg(long = "system", value_name = "TEXT")]
    pub system_prompt: Option<String>,
    /// The shape of the answer; a JSON schema and tools come in a document on standard input.
    #[arg(long, value_enum)]
    pub format: Option<FormatArg>,
    /// Whether calls may be streamed [default: as each connection says].
    #[arg(long, value_name = "true|false")]
    pub streaming: Option<bool>,
    /// Requests at the same time.
    #[arg(long)]
    pub max_concurrent: Option<u32>,
    /// Requests in any minute.
    #[arg(long)]
    pub rpm: Option<u32>,
    /// Requests in a calendar day of this machine's zone.
    #[arg(long)]
    pub rpd: Option<u32>,
    /// Tokens in any minute.
    #[arg(long)]
    pub tpm: Option<u32>,
    /// Requests in any so many seconds.
    #[arg(long, value_name = "N/SECONDS", value_parser = parse_rate)]
    pub rate: Option<(u32, u32)>,
    /// Seconds until the first byte.
    #[arg(long)]
    pub timeout: Option<u32>,
    /// Attempts of one call, 1 to 20 [default: 4].
    #[arg(long)]
    pub max_attempts: Option<u32>,
    /// When a connection is full [default: rotate].
    #[arg(long, value_enum)]
    pub when_full: Option<WhenFullArg>,
    /// How many seconds a call waits for room [default: 10].
    #[arg(long)]
    pub wait: Option<u32>,
    /// When a target is slower than 95 % of its latest answers [default: wait].
    #[arg(long, value_enum)]
    pub when_slow: Option<WhenSlowArg>,
    /// What happens to a parameter that a model does not take [default: drop].
    #[arg(long, value_enum)]
    pub when_untaken: Option<WhenUntakenArg>,
    /// Why this version is made.
    #[arg(long)]
    pub note: Option<String>,
}

/// The shape of an answer.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormatArg {
    /// Plain text.
    Text,
    /// Any JSON object.
    Json,
}

/// What happens when a connection is full.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum WhenFullArg {
    /// The others first, then wait for the first that has room.
    Rotate,
    /// Wait for it, then the next.
    Wait,
    /// Fail.
    Fail,
}

/// What happens when a target is slower than it usually is.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum WhenSlowArg {
    /// Wait for it.
    Wait,
    /// Ask the next target as well and take whichever answers first; both are paid for.
    AskNext,
}

/// What happens to a parameter that a model does not take.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum WhenUntakenArg {
    /// It is left out, and a notice says so.
    Drop,
    /// That step is passed by.
    Refuse,
}

/// `patchbay aliases …`
#[derive(Debug, Subcommand)]
pub enum Aliases {
    /// All aliases.
    List,
    /// Let a model id stand for something else.
    Set {
        /// What bots ask for.
        alias: String,
        /// A profile, CONNECTION/MODEL, PROVIDER/MODEL, a connection key or a model.
        target: String,
    },
    /// Remove an alias.
    Remove {
        /// What bots ask for.
        alias: String,
    },
}

/// `patchbay drill`; alone it tells which drill is in force.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct DrillArgs {
    /// Who is in trouble: a connection key or a provider's slug.
    pub struck: Option<String>,
    /// What is the matter.
    #[arg(long, value_enum, default_value = "outage")]
    pub trouble: TroubleArg,
    /// For --trouble slow: seconds until the first byte.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub first_byte: u32,
    /// Let real calls meet it for so long, 1m to 120m; without it, it is a dry run.
    #[arg(long = "for", value_name = "MINUTES", value_parser = parse_minutes, requires = "struck")]
    pub minutes: Option<u32>,
    /// Also where names would have no home: their calls fail until it ends.
    #[arg(long, requires = "minutes")]
    pub yes: bool,
    /// End it.
    #[command(subcommand)]
    pub command: Option<DrillCommand>,
}

/// `patchbay drill …`
#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// End the drill in force.
    End,
}

/// `10m`, `2h`, or a number of minutes.
fn parse_minutes(text: &str) -> Result<u32, String> {
    let minutes = match text.strip_suffix('h') {
        Some(hours) => hours.parse().ok().and_then(|hours: u32| hours.checked_mul(60)),
        None => text.strip_suffix('m').unwrap_or(text).parse().ok(),
    };
    minutes.ok_or_else(|| "write minutes, such as 10m".to_owned())
}

/// What is pretended.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum TroubleArg {
    /// It cannot be reached.
    Outage,
    /// It answers 429.
    RateLimited,
    /// Its first byte comes late.
    Slow,
}
