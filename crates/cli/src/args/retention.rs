//! `patchbay retention`.

use clap::Subcommand;

/// `patchbay retention`
#[derive(Debug, clap::Args)]
pub struct RetentionArgs {
    /// What to do; alone it tells how things stand.
    #[command(subcommand)]
    pub command: Option<Retention>,
}

/// `patchbay retention …`
#[derive(Debug, Subcommand)]
pub enum Retention {
    /// Let attempts stay so many days in the database.
    Set {
        /// From 7, or `forever`.
        #[arg(value_name = "DAYS", value_parser = parse_days)]
        days: u32,
    },
    /// Move what is older now. It also happens daily while `serve` or the window runs.
    Run {
        /// Only tell what would be moved.
        #[arg(long)]
        dry_run: bool,
    },
    /// Check that every archive is there and is what was written.
    Verify,
}

/// 0 stands for ever.
fn parse_days(text: &str) -> Result<u32, String> {
    match text {
        "forever" => Ok(0),
        days => days
            .parse()
            .ok()
            .filter(|days| *days > 0)
            .ok_or_else(|| "write a number of days, or `forever`".to_owned()),
    }
}
