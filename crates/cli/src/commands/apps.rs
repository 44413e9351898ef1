//! `patchbay apps`

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::desk::apps::{self, App, AppEdit, AppState, NewApp};
use patchbay_engine::error::Error;
use serde_json::json;

use super::zone;
use crate::args::{AppChange, Apps, Keeping};
use crate::output::{self, Output, table};

pub(super) async fn run(engine: &Arc<Engine>, command: Apps, output: &Output) -> Result<(), Error> {
    match command {
        Apps::List => output.document(&apps::list(engine, zone()).await?, |apps| list(apps)),
        Apps::Add { name, feature, budget_day } => {
            token(&apps::add_with_budget(engine, name, feature, budget_day).await?, output);
        }
        Apps::Edit(change) => {
            let name = change.name.clone();
            edit(engine, change).await?;
            output.done(&format!("{name} is changed."));
        }
        Apps::Rotate { name } => token(&apps::rotate(engine, name).await?, output),
        Apps::Revoke { name } => {
            apps::revoke(engine, name.clone()).await?;
            output.done(&format!("{name} is refused from now on."));
        }
    }
    Ok(())
}

async fn edit(engine: &Arc<Engine>, change: AppChange) -> Result<(), Error> {
    let limit = |number: u32| Some(number).filter(|number| *number > 0);
    let text = |text: String| Some(text).filter(|text| !text.is_empty());
    let names = (!change.may_use.is_empty()).then_some(change.may_use);
    let may_use = if change.may_use_all { Some(None) } else { names.map(Some) };
    let edits = [
        change.feature.map(|feature| AppEdit::Feature(text(feature))),
        may_use.map(AppEdit::MayUse),
        change.rpm.map(|most| AppEdit::RateLimitPerMinute(limit(most))),
        change.max_concurrent.map(|most| AppEdit::MaxConcurrentRequests(limit(most))),
        change.max_output.map(|most| AppEdit::MaxOutputTokens(limit(most))),
        change.keep_bodies.map(|keeping| {
            AppEdit::KeepBodiesS(match keeping {
                Keeping::Off => None,
                Keeping::For(seconds) => Some(seconds),
            })
        }),
    ];
    apps::edit(engine, change.name, edits.into_iter().flatten().collect()).await
}

fn token(new: &NewApp, output: &Output) {
    if output.is_json() {
        return output::json_line(&json!({ "name": new.app.name, "token": new.token }));
    }
    output::note(&format!("The token of {}. It is shown once: only its hash is kept.", new.app.name));
    output.line(&new.token);
}

fn list(apps: &[App]) -> String {
    let rows = apps.iter().map(|app| {
        let state = if app.state == AppState::Active { "on" } else { "revoked" };
        vec![
            app.name.clone(),
            state.to_owned(),
            format!("…{}", app.token_tail),
            app.settings.may_use.as_ref().map_or_else(|| "everything".to_owned(), |names| names.join(", ")),
            app.requests_today.to_string(),
            format!("${}", app.cost_today.0),
        ]
    });
    table(&["APP", "STATE", "TOKEN", "MAY USE", "CALLS TODAY", "SPEND TODAY"], rows)
}
