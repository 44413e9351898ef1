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
