//! Apps, and from where their calls may come.

use clap::Subcommand;

/// `patchbay apps …`
#[derive(Debug, Subcommand)]
pub enum Apps {
    /// All apps.
    List,
    /// Add an app and print its token, once.
    Add {
        /// Its name.
        name: String,
        /// What its calls are for, where a call does not say.
        #[arg(long)]
        feature: Option<String>,
        /// Stop its calls at so much a day.
        #[arg(long, value_name = "DOLLARS")]
        budget_day: Option<String>,
    },
    /// Change an app; what is not named stays.
    Edit(AppChange),
    /// Print a new token, once. The old one works for another 24 hours.
    Rotate {
        /// The app's name.
        name: String,
    },
    /// Refuse an app from now on.
    Revoke {
        /// The app's name.
        name: String,
    },
}

/// `patchbay apps edit`
#[derive(Debug, clap::Args)]
pub struct AppChange {
    /// The app's name.
    pub name: String,
    /// What its calls are for, where a call does not say; "" for nothing.
    #[arg(long)]
    pub feature: Option<String>,
    /// A profile, alias or model that it may call, `*` at the end for all that begin so; may be repeated, and replaces the list.
    #[arg(long, value_name = "MODEL")]
    pub may_use: Vec<String>,
    /// It may call everything.
    #[arg(long, conflicts_with = "may_use")]
    pub may_use_all: bool,
    /// Requests in any minute; 0 for no limit.
    #[arg(long)]
    pub rpm: Option<u32>,
    /// Requests at the same time; 0 for no limit.
    #[arg(long)]
    pub max_concurrent: Option<u32>,
    /// The longest answer in tokens; 0 for no limit.
    #[arg(long)]
    pub max_output: Option<u32>,
    /// Keep its requests and answers, sealed by a key in the vault, for a time such as 24h or 7d (at most 30d); "off" keeps
    /// nothing and erases what was kept.
    #[arg(long, value_name = "TIME|off", value_parser = keeping)]
    pub keep_bodies: Option<Keeping>,
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Not at all.
    Off,
    /// So many seconds.
    For(u32),
}

fn keeping(text: &str) -> Result<Keeping, String> {
    if text == "off" {
        return Ok(Keeping::Off);
    }
    let unit = |letter: char| match letter {
        'h' => Some(3_600),
        'd' => Some(24 * 3_600),
        _ => None,
    };
    let seconds = text.chars().last().and_then(unit).and_then(|unit: u32| {
        let number: u32 = text.get(..text.len() - 1)?.parse().ok()?;
        number.checked_mul(unit)
    });
    seconds.map(Keeping::For).ok_or_else(|| "write hours or days, such as 24h or 7d, or off".to_owned())
}

/// `patchbay gateway …`
#[derive(Debug, Subcommand)]
pub enum GatewayReach {
    /// From where it can be reached.
    Show,
    /// Listen on another address of this machine too: that of a Docker bridge, of the local network, or 0.0.0.0 for all.
    Open {
        /// The address.
        address: String,
        /// A name by which clients call it there, such as host.docker.internal; may be repeated.
        #[arg(long = "host", value_name = "NAME")]
        hosts: Vec<String>,
    },
    /// Listen to this machine only.
    Close,
}
