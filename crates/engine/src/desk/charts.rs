//! Charts to take along: as a picture or as figures in a file, or as pixels for the clipboard. Each is drawn anew from the question
//! that is shown, at the same size, in the same colours, without what is hidden.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::audit::Kind;
use patchbay_core::chart::{
    ChartRequest, ChartTheme, Drawing, Heading, Pixels, Sheet, SheetRow, Unpaintable,
};
use patchbay_core::code::Code;
use patchbay_store::files;
use serde::{Deserialize, Serialize};

use super::export::{self, Exported, cell, line, unwritable};
use super::usage::{ChartKind, ExploreQuery, UsageQuery};
use super::{alerts, usage};
use crate::Engine;
use crate::error::Error;

/// The size of a chart that nobody looks at, in px.
const UNSEEN: (u32, u32) = (960, 360);

/// What a chart is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ChartFormat {
    /// A picture that can be shown anywhere, with two pixels for each px.
    Png,
    /// A picture that stays sharp at any size.
    Svg,
    /// Its figures: a row for each step or cell, hidden series too.
    Csv,
}

impl ChartFormat {
    /// The ending of its files.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Svg => "svg",
            Self::Csv => "csv",
        }
    }

    fn of(path: &Path) -> Result<Self, Error> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let all = [Self::Png, Self::Svg, Self::Csv];
        all.into_iter().find(|format| ending.eq_ignore_ascii_case(format.ending())).ok_or_else(|| {
            Error::invalid(
                format!("\"{}\" is neither an SVG, a PNG nor a CSV file.", path.display()),
                "Let the name end with .svg, .png or .csv.",
            )
        })
    }
}

/// The question behind a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "screen", rename_all = "snake_case")]
pub enum ChartOf {
    /// One of the Usage screen's.
    Usage {
        /// Which.
        kind: ChartKind,
        /// Days, filters and groups.
        query: UsageQuery,
    },
    /// Explore's number over time.
    Explore {
        /// Days, filters, number and groups.
        query: ExploreQuery,
    },
    /// What an alert is about.
    Alert {
        /// Its number.
        id: u32,
    },
}

/// A chart as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ShownChart {
    /// Of what.
    pub of: ChartOf,
    /// How large, in which colours, and without what.
    pub request: ChartRequest,
}

/// A chart of the Usage screen as it is shown there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct ShownKind {
    /// Which.
    pub kind: ChartKind,
    /// How large, in which colours, and without what.
    pub request: ChartRequest,
}

/// Writes a chart into a new file in the `exports` folder of the data folder, which only its owner can read.
pub async fn to_folder(
    engine: &Arc<Engine>,
    chart: ShownChart,
    format: ChartFormat,
    zone: TimeZone,
) -> Result<Exported, Error> {
    engine
        .blocking(move |engine| {
            let path = export::fresh_path(engine, &chart.of.name(), format.ending())?;
            let (_, entries) = write(engine, &chart, zone, format, &path)?;
            Ok(Exported { path: path.display().to_string(), entries })
        })
        .await
}

/// Writes a chart as SVG, PNG or CSV, by the path's ending. Answers its summary.
pub async fn to_file(
    engine: &Arc<Engine>,
    chart: ShownChart,
    zone: TimeZone,
    path: PathBuf,
) -> Result<String, Error> {
    engine
        .blocking(move |engine| {
            let format = ChartFormat::of(&path)?;
            let (summary, _) = write(engine, &chart, zone, format, &path)?;
            Ok(summary)
        })
        .await
}

/// Answers its summary, and how many pictures or rows are in the file.
fn write(
    engine: &Engine,
    chart: &ShownChart,
    zone: TimeZone,
    format: ChartFormat,
    path: &Path,
) -> Result<(String, u32), Error> {
    let standing = Standing::draw(engine, chart, zone)?;
    let entries = standing.write(format, path)?;
    export::recorded(engine, (Kind::Usage, &chart.of.name()), format.ending(), entries)?;
    Ok((standing.drawing.summary().to_owned(), entries))
}

/// Every chart of the Usage screen as PNG, in a new folder beside other exports: those that are shown as they are, and the others
/// at a size of ours.
pub async fn all_to_folder(
    engine: &Arc<Engine>,
    query: UsageQuery,
    theme: ChartTheme,
    shown: Vec<ShownKind>,
    zone: TimeZone,
) -> Result<Exported, Error> {
    engine
        .blocking(move |engine| {
            let folder = export::fresh_path(engine, "charts", "")?.with_extension("");
            std::fs::create_dir_all(&folder).map_err(|error| unwritable(&error))?;
            for kind in ChartKind::ALL {
                let known = shown.iter().find(|shown| shown.kind == kind);
                let request = known.map_or_else(|| unseen(theme), |shown| shown.request.clone());
                let chart = ShownChart { of: ChartOf::Usage { kind, query: query.clone() }, request };
                let path = folder.join(format!("{}.png", kind.as_str()));
                Standing::draw(engine, &chart, zone.clone())?.write(ChartFormat::Png, &path)?;
            }
            let entries = u32::try_from(ChartKind::ALL.len()).unwrap_or(u32::MAX);
            export::recorded(engine, (Kind::Usage, "charts"), ChartFormat::Png.ending(), entries)?;
            Ok(Exported { path: folder.display().to_string(), entries })
        })
        .await
}

fn unseen(theme: ChartTheme) -> ChartRequest {
    ChartRequest { width: UNSEEN.0, height: UNSEEN.1, theme, hidden: Vec::new() }
}

/// A chart as pixels, for the clipboard.
pub async fn pixels(engine: &Arc<Engine>, chart: ShownChart, zone: TimeZone) -> Result<Pixels, Error> {
    engine.blocking(move |engine| Standing::draw(engine, &chart, zone)?.pixels()).await
}

impl ChartOf {
    /// As its files and its entries in the audit log are called.
    fn name(&self) -> String {
        match self {
            Self::Usage { kind, .. } => kind.as_str().to_owned(),
            Self::Explore { query } => format!("explore-{}", query.metric.as_str()),
            Self::Alert { id } => format!("alert-{id}"),
        }
    }
}

/// A chart that stands alone.
struct Standing {
    drawing: Drawing,
    heading: Heading,
    zone: TimeZone,
}

impl Standing {
    fn draw(engine: &Engine, chart: &ShownChart, zone: TimeZone) -> Result<Self, Error> {
        let ShownChart { of, request } = chart;
        let (drawing, heading) = match of {
            ChartOf::Usage { kind, query } => usage::draw(engine, *kind, query, request, &zone),
            ChartOf::Explore { query } => usage::draw_explored(engine, query, request, &zone),
            ChartOf::Alert { id } => alerts::draw(engine, *id, request, &zone),
        }?;
        Ok(Self { drawing, heading, zone })
    }

    /// Answers how many pictures or rows are in the file.
    fn write(&self, format: ChartFormat, path: &Path) -> Result<u32, Error> {
        let (bytes, entries) = match format {
            ChartFormat::Png => (self.pixels()?.png().map_err(|error| unpaintable(&error))?, 1),
            ChartFormat::Svg => (self.drawing.svg(&self.heading).into_bytes(), 1),
            ChartFormat::Csv => {
                let sheet = self.drawing.sheet(&self.zone);
                let rows = u32::try_from(sheet.rows.len()).unwrap_or(u32::MAX);
                (csv(&sheet).into_bytes(), rows)
            }
        };
        files::replace(path, &bytes).map_err(|error| unwritable(&error))?;
        Ok(entries)
    }

    fn pixels(&self) -> Result<Pixels, Error> {
        self.drawing.pixels(&self.heading).map_err(|error| unpaintable(&error))
    }
}

fn unpaintable(error: &Unpaintable) -> Error {
    Error::new(Code::Internal, error.to_string(), "Save it as SVG instead.")
}

/// Figures are as they are; names might begin a formula (C5).
fn csv(sheet: &Sheet) -> String {
    let head = line(sheet.head.iter().map(|name| cell(name)));
    let rows = sheet.rows.iter();
    let rows = rows.map(|SheetRow { of, figures }| {
        line(of.iter().map(|text| cell(text)).chain(figures.iter().cloned()))
    });
    std::iter::once(head).chain(rows).collect()
}
