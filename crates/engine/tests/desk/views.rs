//! Saved views: each change is in the audit log, names are checked, and a configuration brings only what can be read.

use std::path::Path;

use patchbay_core::code::Code;
use patchbay_core::report::{Condition, Field, GroupBy, Metric, Relation};
use patchbay_core::secret::Secret;
use patchbay_engine::desk::backup::Secrets;
use patchbay_engine::desk::configuration::{self, Mode};
use patchbay_engine::desk::usage::{Days, ExploreQuery, UsageQuery};
use patchbay_engine::desk::views::{self, Shows};
use patchbay_engine::error::Error;
use serde_json::{Value, json};

use crate::common::Desk;

fn usage() -> Shows {
    let query = UsageQuery { days: Days::Last { days: 7 }, conditions: Vec::new(), by: GroupBy::App };
    Shows::Usage { query, compare: true, calendar: false }
}

fn explore() -> Shows {
    let only = Condition { field: Field::App, relation: Relation::IsNot, values: vec!["playground".into()] };
    let query = ExploreQuery {
        days: Days::Between { from: "2026-11-01".into(), to: "2026-11-09".into() },
        conditions: vec![only],
        metric: Metric::LatencyP95,
        by: GroupBy::Model,
        then: Some(GroupBy::App),
        top: 10,
    };
    Shows::Explore { query, compare: false }
}

async fn saved(desk: &Desk) -> Vec<(String, Shows)> {
    let list = views::list(&desk.engine).await.unwrap();
    list.into_iter().map(|view| (view.name, view.shows)).collect()
}

#[tokio::test]
async fn a1_views_are_saved_renamed_replaced_removed_and_brought_back() {
    let desk = Desk::open().await;
    let before = desk.log().await.len();
    views::add(&desk.engine, "  A week ", usage()).await.unwrap();
    views::add(&desk.engine, "Slow", explore()).await.unwrap();
    views::replace(&desk.engine, "A week", usage()).await.unwrap();
    views::replace(&desk.engine, "A week", explore()).await.unwrap();
    views::rename(&desk.engine, "Slow", "Slow models").await.unwrap();
    views::rename(&desk.engine, "Slow models", "Slow models").await.unwrap();
    assert_eq!(saved(&desk).await, [("A week".to_owned(), explore()), ("Slow models".to_owned(), explore())]);
    views::remove(&desk.engine, "A week").await.unwrap();
    views::add(&desk.engine, "A week", explore()).await.unwrap();
    assert_eq!(saved(&desk).await[0], ("A week".to_owned(), explore()));
    let told = [
        "user create A week",
        "user create Slow",
        "user update A week",
        "user update Slow",
        "user delete A week",
        "user create A week",
    ];
    assert_eq!(desk.log().await[before..], told, "what changed nothing is not told");
}

#[tokio::test]
async fn a_name_is_unique_and_has_1_to_80_characters() {
    let desk = Desk::open().await;
    views::add(&desk.engine, "one", usage()).await.unwrap();
    views::add(&desk.engine, &"é".repeat(80), usage()).await.unwrap();
    let refused = async |name: &str| views::add(&desk.engine, name, usage()).await.unwrap_err();
    assert_eq!(refused("one").await.code, Code::NameTaken);
    for name in ["", "   ", &"x".repeat(81), "two\nlines"] {
        let error = refused(name).await;
        assert!(error.code == Code::InvalidInput && error.hint.contains("1 to 80"), "{name:?}: {error}");
    }
    assert_eq!(views::rename(&desk.engine, "one", "").await.unwrap_err().code, Code::InvalidInput);
    assert_eq!(views::rename(&desk.engine, "two", "three").await.unwrap_err().code, Code::NotFound);
    assert_eq!(views::remove(&desk.engine, "two").await.unwrap_err().code, Code::NotFound);
}

fn nobody() -> Result<Secret, Error> {
    Err(Error::invalid("Nobody is asked.", ""))
}

async fn import(desk: &Desk, file: &Path) -> Result<configuration::Imported, Error> {
    configuration::import(&desk.engine, file.to_owned(), Mode::Apply, nobody).await
}

#[tokio::test]
async fn x1_views_travel_and_one_that_cannot_be_read_brings_nothing_in() {
    let desk = Desk::open().await;
    views::add(&desk.engine, "Slow", explore()).await.unwrap();
    let file = desk.folder.path().join("configuration.json");
    configuration::export(&desk.engine, file.clone(), Secrets::Without).await.unwrap();
    views::remove(&desk.engine, "Slow").await.unwrap();
    let done = import(&desk, &file).await.unwrap();
    assert!(done.steps.iter().any(|step| (step.kind.as_str(), step.name.as_str()) == ("view", "Slow")));
    assert_eq!(saved(&desk).await, [("Slow".to_owned(), explore())]);

    let mut document: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for (name, shows) in [
        ("Slow", json!({ "screen": "explore", "query": { "metric": "luck" } })),
        ("Nothing", Value::Null),
        ("", json!(usage())),
    ] {
        document["saved_views"] =
            json!([{ "name": "Fine", "shows": usage() }, { "name": name, "shows": shows }]);
        std::fs::write(&file, document.to_string()).unwrap();
        let error = import(&desk, &file).await.unwrap_err();
        assert_eq!(error.code, Code::InvalidInput, "{error}");
        assert_eq!(saved(&desk).await, [("Slow".to_owned(), explore())], "nothing was brought in");
    }
}
