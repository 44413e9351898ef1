//! `patchbay budgets`

use std::sync::Arc;

use patchbay_core::budget::{Measure, OnLimit, Period};
use patchbay_engine::Engine;
use patchbay_engine::desk::budgets::{self, Budget, BudgetDraft, BudgetKey};
use patchbay_engine::error::Error;

use crate::args::{BudgetSet, BudgetWhich, Budgets};
use crate::output::{Output, table};

pub(super) async fn run(engine: &Arc<Engine>, command: Budgets, output: &Output) -> Result<(), Error> {
    match command {
        Budgets::List => output.document(&budgets::list(engine).await?, |all| list(all)),
        Budgets::Set(args) => {
            let budget = budgets::set(engine, draft(args)).await?;
            output.document(&budget, |budget| list(std::slice::from_ref(budget)));
        }
        Budgets::Remove { which } => {
            let key = key(which);
            let scope = key.scope.to_string();
            budgets::remove(engine, key).await?;
            output.done(&format!("The budget of {scope} is gone; nothing is counted against it any more."));
        }
        Budgets::Resume { which, more } => {
            let key = key(which);
            let more = match more {
                Some(more) => more,
                None => fitting(engine, &key).await?,
            };
            let budget = budgets::resume(engine, key, &more).await?;
            output.document(&budget, |budget| list(std::slice::from_ref(budget)));
        }
    }
    Ok(())
}

fn key(which: BudgetWhich) -> BudgetKey {
    BudgetKey { scope: which.scope, period: which.per.into(), measure: which.measure.into() }
}

fn draft(args: BudgetSet) -> BudgetDraft {
    let (measure, cap) = match (args.usd, args.requests, args.tokens) {
        (Some(usd), ..) => (Measure::Money, usd),
        (_, Some(requests), _) => (Measure::Requests, requests),
        (.., tokens) => (Measure::Tokens, tokens.unwrap_or_default()),
    };
    BudgetDraft {
        key: BudgetKey { scope: args.scope, period: args.per.into(), measure },
        cap,
        on_limit: args.on_limit.into(),
        degrade_to: args.degrade_to,
        levels: args.levels,
    }
}

async fn fitting(engine: &Arc<Engine>, key: &BudgetKey) -> Result<String, Error> {
    let all = budgets::list(engine).await?;
    Ok(all.into_iter().find(|budget| budget.key == *key).map(|budget| budget.more).unwrap_or_default())
}

fn list(all: &[Budget]) -> String {
    if all.is_empty() {
        return "No budget is set. `patchbay budgets set --scope all --per day --usd 5` sets one.\n"
            .to_owned();
    }
    let rows = all.iter().map(|budget| {
        let amount = |text: &str| words(budget.key.measure, text);
        let cap = match budget.extra.as_str() {
            "0" => amount(&budget.cap),
            extra => format!("{} + {}", amount(&budget.cap), amount(extra)),
        };
        vec![
            budget.key.scope.to_string(),
            if budget.key.period == Period::Day { "day" } else { "month" }.to_owned(),
            format!("{} of {cap}", amount(&budget.spent)),
            format!("{} %", budget.percent),
            budget.on_pace_for.as_ref().map_or_else(|| "-".to_owned(), |pace| amount(pace)),
            at_cap(budget),
            budget.resets_at.to_rfc3339(),
        ]
    });
    table(&["SCOPE", "PER", "USED", "", "ON PACE FOR", "AT CAP", "BEGINS ANEW"], rows)
}

fn at_cap(budget: &Budget) -> String {
    let state = if budget.is_reached { ", reached" } else { "" };
    let what = match (budget.on_limit, &budget.degrade_to) {
        _ if !budget.has_subject => return "meets no call: its subject is gone".to_owned(),
        (OnLimit::Degrade, Some(to)) => format!("degrade to {to}"),
        (on_limit, _) => on_limit.as_str().to_owned(),
    };
    format!("{what}{state}")
}

fn words(measure: Measure, amount: &str) -> String {
    match measure {
        Measure::Money => format!("${amount}"),
        Measure::Requests => format!("{amount} requests"),
        Measure::Tokens => format!("{amount} tokens"),
    }
}
