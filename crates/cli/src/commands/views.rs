//! `patchbay explore` and `views`

use std::sync::Arc;

use patchbay_core::chart::{ChartRequest, Unit};
use patchbay_core::report::{Field, Filter};
use patchbay_engine::desk::charts::{self, ChartOf, ShownChart};
use patchbay_engine::desk::usage::{self, ChartKind, ExploreQuery, ExploreRow, ExploreView, Wanted};
use patchbay_engine::desk::views::{self, SavedView, Shows};
use patchbay_engine::error::Error;
use patchbay_engine::{Engine, clock};

use super::usage::{days, group_by, text, theme};
use super::{filter, zone};
use crate::args::{ExploreArgs, PictureArgs, Views};
use crate::output::{Output, table};

/// The size of a picture, in px, its heading apart.
const WIDTH: u32 = 960;
const HEIGHT: u32 = 360;

pub(super) async fn explore(engine: &Arc<Engine>, args: ExploreArgs, output: &Output) -> Result<(), Error> {
    let query = ExploreQuery {
        days: days(&args.span),
        conditions: filter(&args.span.conditions)?.conditions,
        metric: args.metric,
        by: group_by(args.by),
        then: args.then.map(group_by),
        top: args.top,
    };
    if let Some(name) = &args.save {
        let shows = Shows::Explore { query: query.clone(), compare: args.compare };
        views::add(engine, name, shows).await?;
        output.line(&format!("Saved as \"{name}\"."));
    }
    explored(engine, query, args.compare, args.picture, output).await
}

pub(super) async fn run(engine: &Arc<Engine>, command: Views, output: &Output) -> Result<(), Error> {
    match command {
        Views::List => output.document(&views::list(engine).await?, |list| {
            table(&["NAME", "SHOWS", "SAVED"], list.iter().map(line))
        }),
        Views::Show { name, picture } => show(engine, &name, picture, output).await?,
        Views::Rename { name, to } => {
            views::rename(engine, &name, &to).await?;
            output.done(&format!("\"{name}\" is called \"{to}\" now."));
        }
        Views::Remove { name } => {
            views::remove(engine, &name).await?;
            output.done(&format!("\"{name}\" is deleted. What it showed stays."));
        }
    }
    Ok(())
}

fn line(view: &SavedView) -> Vec<String> {
    let (what, by) = match &view.shows {
        Shows::Usage { query, .. } => ("usage", query.by),
        Shows::Explore { query, .. } => (query.metric.as_str(), query.by),
    };
    let shows = format!("{what} by {}", by.field().map_or("time", Field::as_str));
    vec![view.name.clone(), shows, view.updated_at.to_local(&zone())]
}

async fn show(engine: &Arc<Engine>, name: &str, picture: PictureArgs, output: &Output) -> Result<(), Error> {
    match views::one(engine, name).await?.shows {
        Shows::Explore { query, compare } => explored(engine, query, compare, picture, output).await,
        Shows::Usage { query, compare, calendar } => {
            if picture.out.is_some() {
                let kind = if calendar { ChartKind::Calendar } else { ChartKind::Spend };
                return draw(engine, ChartOf::Usage { kind, query }, picture, output).await;
            }
            let spans = query.days.spans(clock::now(), &zone())?;
            let wanted = Wanted {
                filter: Filter { range: Some(spans.range), conditions: query.conditions },
                by: Some(query.by),
                then: None,
                top: None,
                prior: compare.then_some(spans.prior),
            };
            output.document(&usage::detailed(engine, wanted, zone()).await?, text);
            Ok(())
        }
    }
}

async fn explored(
    engine: &Arc<Engine>,
    query: ExploreQuery,
    compare: bool,
    picture: PictureArgs,
    output: &Output,
) -> Result<(), Error> {
    if picture.out.is_some() {
        return draw(engine, ChartOf::Explore { query }, picture, output).await;
    }
    let view = usage::explore(engine, query, zone()).await?;
    output.document(&view, |view| groups(view, compare));
    Ok(())
}

async fn draw(engine: &Arc<Engine>, of: ChartOf, picture: PictureArgs, output: &Output) -> Result<(), Error> {
    let request =
        ChartRequest { width: WIDTH, height: HEIGHT, theme: theme(picture.theme), hidden: Vec::new() };
    let out = picture.out.unwrap_or_default();
    let summary = charts::to_file(engine, ShownChart { of, request }, zone(), out.clone()).await?;
    let document = serde_json::json!({ "path": out.display().to_string(), "summary": summary });
    output.document(&document, |_| format!("{summary}\nIt is in {}.\n", out.display()));
    Ok(())
}

fn groups(view: &ExploreView, compare: bool) -> String {
    let row = |name: String, one: &ExploreRow| {
        let mut cells = vec![name, number(view.unit, one.value.as_deref())];
        if compare {
            cells.push(number(view.unit, one.before.as_deref()));
        }
        if view.adds_up {
            cells.push(one.share_bp.map_or_else(String::new, percent));
        }
        cells.push(one.calls.to_string());
        cells
    };
    let mut head = vec!["", "NOW"];
    head.extend(compare.then_some("BEFORE"));
    head.extend(view.adds_up.then_some("SHARE"));
    head.push("CALLS");
    let mut rows = Vec::new();
    for group in &view.groups {
        rows.push(row(group.row.name.clone(), &group.row));
        rows.extend(group.inside.iter().map(|inner| row(format!("  {}", inner.name), inner)));
    }
    rows.push(row("total".to_owned(), &view.whole));
    format!("{}{} to {}, {}.\n", table(&head, rows), view.from, view.to, view.zone)
}

fn number(unit: Unit, value: Option<&str>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    match unit {
        Unit::Usd => format!("${value}"),
        Unit::Count => value.to_owned(),
        Unit::Ms => format!("{value} ms"),
        Unit::Share => value.parse().map_or_else(|_| value.to_owned(), percent),
    }
}

/// Basis points as people read them.
fn percent(bp: u32) -> String {
    format!("{}.{} %", bp / 100, bp % 100 / 10)
}
