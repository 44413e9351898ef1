//! `patchbay usage`, `chart` and `statement`.

use std::path::PathBuf;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use patchbay_core::report::Metric;

use super::parse_pair;

/// Which days and attempts.
#[derive(Debug, clap::Args)]
pub struct SpanArgs {
    /// The last so many days, today included.
    #[arg(long, default_value_t = 30, conflicts_with_all = ["from", "to"], value_parser = clap::value_parser!(u32).range(1..=3_653))]
    pub days: u32,
    /// The first day (2026-11-01); up to today without --to.
    #[arg(long, value_name = "DAY")]
    pub from: Option<String>,
    /// The last day.
    #[arg(long, value_name = "DAY", requires = "from")]
    pub to: Option<String>,
    /// Only what fits: connection=…, provider, model, feature, app, profile, type, outcome, error, route, signal; NAME!=VALUE
    /// for the opposite; one name several times for alternatives.
    #[arg(long = "where", value_name = "NAME=VALUE", value_parser = parse_pair)]
    pub conditions: Vec<(String, String)>,
}

/// `patchbay usage`
#[derive(Debug, clap::Args)]
pub struct UsageArgs {
    #[command(flatten)]
    pub span: SpanArgs,
    /// Group by this; by two, such as `provider,model`, for groups of groups.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub by: Vec<By>,
    /// Only so many groups, the dearest; the others together are `+other`.
    #[arg(long, value_name = "N", requires = "by")]
    pub top: Option<usize>,
    /// Also the same number of days before.
    #[arg(long)]
    pub compare: bool,
    /// What the same traffic would have cost on PROVIDER/MODEL, or on the first step of profile:NAME; may be repeated. The
    /// quality of answers is not compared.
    #[arg(long, value_name = "MODEL")]
    pub what_if: Vec<String>,
    /// What it would have cost at this price, in dollars per million tokens.
    #[arg(long, value_name = "IN/OUT", value_parser = parse_price)]
    pub at_price: Option<(String, String)>,
    #[command(flatten)]
    pub export: ExportArgs,
}

/// Where the attempts are written to, one line each; with --by, CSV has one line for each group.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub struct ExportArgs {
    /// Write CSV to a file, or print it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub csv: Option<PathBuf>,
    /// Write every attempt as JSON to a file, or print it.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json_rows: Option<PathBuf>,
    /// Write every attempt to a Parquet file.
    #[arg(long, value_name = "FILE")]
    pub parquet: Option<PathBuf>,
    /// Write an Excel workbook: a summary, groups, days and attempts.
    #[arg(long, value_name = "FILE")]
    pub xlsx: Option<PathBuf>,
}

/// What to group by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum By {
    /// Connection keys.
    Connection,
    /// Providers.
    Provider,
    /// Models.
    Model,
    /// Features.
    Feature,
    /// Apps.
    App,
    /// Profiles.
    Profile,
    /// What was called: chat, embedding, test, count.
    Type,
    /// How attempts ended.
    Outcome,
    /// What attempts failed of.
    Error,
    /// First attempts, and those after another failed.
    Route,
    /// Calendar days.
    Day,
    /// Weeks, by their Monday.
    Week,
    /// Months.
    Month,
    /// Hours, UTC.
    Hour,
}

/// `patchbay chart`
#[derive(Debug, clap::Args)]
pub struct ChartArgs {
    /// Which chart.
    #[arg(value_enum)]
    pub name: ChartName,
    /// The file: its ending, .svg, .png or .csv (its figures), says what it is to be.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    #[command(flatten)]
    pub span: SpanArgs,
    /// What spend is stacked by.
    #[arg(long, value_enum, default_value = "provider")]
    pub by: By,
    /// Its colours.
    #[arg(long, value_enum, default_value = "light")]
    pub theme: ThemeArg,
    /// Its width in px.
    #[arg(long, default_value_t = 960, value_parser = clap::value_parser!(u32).range(160..=4_096))]
    pub width: u32,
    /// Its height in px, without the heading.
    #[arg(long, default_value_t = 360, value_parser = clap::value_parser!(u32).range(80..=2_160))]
    pub height: u32,
}

/// A chart.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ChartName {
    /// Spend over time, stacked.
    Spend,
    /// Tokens over time.
    Tokens,
    /// p50, p95 and p99 of answers over time.
    Latency,
    /// Failed attempts over time, by cause.
    Errors,
    /// Requests by weekday and hour, with market sessions.
    Hours,
    /// Spend of each day of the last months.
    Calendar,
}

/// The colours of a chart.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ThemeArg {
    /// Light on dark.
    Dark,
    /// Dark on light.
    Light,
}

/// `patchbay explore`
#[derive(Debug, clap::Args)]
pub struct ExploreArgs {
    /// Which number.
    #[arg(default_value = "spend", value_parser = metric_parser())]
    pub metric: Metric,
    #[command(flatten)]
    pub span: SpanArgs,
    /// Group by this.
    #[arg(long, value_enum, default_value = "provider")]
    pub by: By,
    /// Group each of them by this.
    #[arg(long, value_enum, value_name = "BY")]
    pub then: Option<By>,
    /// Only so many groups, the highest, and so many in each; the others together are one more.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub top: u32,
    /// Also the same number of days before.
    #[arg(long)]
    pub compare: bool,
    /// Keep this view under a name.
    #[arg(long, value_name = "NAME")]
    pub save: Option<String>,
    #[command(flatten)]
    pub picture: PictureArgs,
}

/// A chart in a file.
#[derive(Debug, clap::Args)]
pub struct PictureArgs {
    /// Draw it over time into a file: its ending, .svg, .png or .csv (its figures), says what it is to be.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Its colours.
    #[arg(long, value_enum, default_value = "light", requires = "out")]
    pub theme: ThemeArg,
}

/// `patchbay views`
#[derive(Debug, clap::Subcommand)]
pub enum Views {
    /// All saved views.
    List,
    /// What a saved view shows now.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        picture: PictureArgs,
    },
    /// Give a view another name.
    Rename {
        /// Its name.
        name: String,
        /// Its new name.
        to: String,
    },
    /// Delete a view. What it showed stays.
    Remove {
        /// Its name.
        name: String,
    },
}

fn metric_parser() -> impl clap::builder::TypedValueParser<Value = Metric> {
    let names: Vec<&str> = Metric::ALL.iter().map(|metric| metric.as_str()).collect();
    let one = |name: String| Metric::ALL.into_iter().find(|metric| metric.as_str() == name);
    PossibleValuesParser::new(names).map(move |name| one(name).unwrap_or(Metric::Spend))
}

/// `patchbay statement`
#[derive(Debug, clap::Args)]
pub struct StatementArgs {
    /// The app's name.
    pub app: String,
    /// Which month (2026-11) [default: this one].
    #[arg(long, value_name = "MONTH")]
    pub month: Option<String>,
    /// The file: a page that a browser prints.
    #[arg(long, value_name = "FILE.html")]
    pub out: PathBuf,
}

fn parse_price(text: &str) -> Result<(String, String), String> {
    let pair =
        text.split_once('/').map(|(input, output)| (input.trim().to_owned(), output.trim().to_owned()));
    pair.ok_or_else(|| "write IN/OUT, such as 0.15/0.60".to_owned())
}
