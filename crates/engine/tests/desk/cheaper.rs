//! Where an app's traffic would have cost less, on sample data.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::report::{Condition, Field, GroupBy, Relation};
use patchbay_core::secret::Secret;
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::desk::apps::{self, AppEdit};
use patchbay_engine::desk::connections::{self, ConnectionDraft, NewSettings};
use patchbay_engine::desk::demo;
use patchbay_engine::desk::usage::{self, Days, UsageQuery};
use patchbay_engine::{Engine, VaultChoice};
use tempfile::TempDir;

const APP: &str = "mt5-signal-bot";
const CHEAP: (&str, &str) = ("gemini", "gemini-2.5-flash-lite");

async fn engine() -> (TempDir, Arc<Engine>) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), VaultChoice::Memory).unwrap();
    let options = SampleOptions { attempts: 4_000, days: 30, seed: 11 };
    demo::load(&engine, options, TimeZone::UTC).await.unwrap();
    apps::add(&engine, APP.to_owned(), None).await.unwrap();
    (folder, engine)
}

async fn connect(engine: &Arc<Engine>, (provider, model): (&str, &str)) {
    let draft = ConnectionDraft {
        provider: provider.into(),
        name: model.to_owned(),
        key: Some(model.replace(['.', '-'], "_")),
        base_url: None,
        default_model: Some(model.into()),
        secret: Some(Secret::new("sk-test-5d1f0b9c77ae42d8e1f0a3b6c9".to_owned())),
        settings: NewSettings::default(),
    };
    connections::add_untested(engine, draft, TimeZone::UTC).await.unwrap();
}

async fn found(engine: &Arc<Engine>) -> Option<usage::AppCheaper> {
    usage::cheaper(engine, APP.to_owned(), TimeZone::UTC).await.unwrap()
}

#[tokio::test]
async fn c2_an_app_is_told_of_the_cheapest_model_that_fits_and_what_it_would_save() {
    let (_folder, engine) = engine().await;
    assert_eq!(found(&engine).await, None, "how much fits into the Demo's models is not known");
    connect(&engine, ("openai", "gpt-5.4")).await;
    assert_eq!(found(&engine).await, None, "it costs more");
    connect(&engine, ("openai", "gpt-5-nano")).await;
    assert_eq!(found(&engine).await, None, "it is cheap, and about to be retired");
    connect(&engine, CHEAP).await;
    let told = found(&engine).await.expect("a cheaper model");
    assert_eq!((told.id.as_str(), told.days), ("gemini/gemini-2.5-flash-lite", 30));

    // The same as Usage says of the same traffic.
    let is = |field, value: &str| Condition { field, relation: Relation::Is, values: vec![value.to_owned()] };
    let query = UsageQuery {
        days: Days::Last { days: 30 },
        conditions: vec![is(Field::App, APP), is(Field::Type, "chat")],
        by: GroupBy::Model,
    };
    let compared = usage::what_if(&engine, query, vec![told.id.clone()], None, TimeZone::UTC).await.unwrap();
    assert_eq!((&told.actual, Some(&told.cost)), (&compared.actual, compared.rows[0].cost.as_ref()));
    let [actual, cost, saving] = [&told.actual, &told.cost, &told.saving]
        .map(|amount| patchbay_core::money::NanoUsd::from_decimal(&amount.0).unwrap().0);
    assert!(saving > 0 && actual - cost == saving, "{told:?}");
}

#[tokio::test]
async fn c2_an_app_is_told_of_no_model_that_it_may_not_call_or_whose_connection_is_off() {
    let (_folder, engine) = engine().await;
    connect(&engine, CHEAP).await;
    assert!(found(&engine).await.is_some());
    let may = |names: Option<&[&str]>| {
        vec![AppEdit::MayUse(names.map(|names| names.iter().map(ToString::to_string).collect()))]
    };
    for (names, expected) in [
        (Some(&["openai/*"][..]), false),
        (Some(&["gemini/*"][..]), true),
        (Some(&["gemini_2_5_flash_lite/*"][..]), true),
        (Some(&["gemini-2.5-flash-lite"][..]), true),
        (None, true),
    ] {
        apps::edit(&engine, APP.to_owned(), may(names)).await.unwrap();
        assert_eq!(found(&engine).await.is_some(), expected, "{names:?}");
    }
    connections::pause(&engine, "gemini_2_5_flash_lite", TimeZone::UTC).await.unwrap();
    assert_eq!(found(&engine).await, None);
    let nobody = usage::cheaper(&engine, "nobody".to_owned(), TimeZone::UTC).await.unwrap();
    assert_eq!(nobody, None, "without traffic there is nothing to save");
}
