//! `patchbay apps`

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::desk::apps::{self, App, AppState, NewApp};
use patchbay_engine::error::Error;
use serde_json::json;

use super::zone;
use crate::args::Apps;
use crate::output::{self, Output, table};

pub(super) async fn run(engine: &Arc<Engine>, command: Apps, output: &Output) -> Result<(), Error> {
    match command {
        Apps::List => output.document(&apps::list(engine, zone()).await?, |apps| list(apps)),
        Apps::Add { name, feature, budget_day } => {
            token(&apps::add_with_budget(engine, name, feature, budget_day).await?, output);
        }
        Apps::Rotate { name } => token(&apps::rotate(engine, name).await?, output),
        Apps::Revoke { name } => {
            apps::revoke(engine, name.clone()).await?;
            output.done(&format!("{name} is refused from now on."));
        }
    }
    Ok(())
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
            app.requests_today.to_string(),
            format!("${}", app.cost_today.0),
        ]
    });
    table(&["APP", "STATE", "TOKEN", "CALLS TODAY", "SPEND TODAY"], rows)
}
