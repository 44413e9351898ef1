//! What a connection has, and what it did with it.

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::call::Caller;
use patchbay_engine::desk::models::{self, ModelQuery};
use patchbay_engine::desk::playground::{self, PlaygroundRequest};
use tokio::sync::mpsc;

use crate::common::{Desk, NEW, rotate};

async fn ask(engine: &Arc<Engine>, model: &str) {
    let request = PlaygroundRequest {
        model: model.to_owned(),
        prompt: "Is EURUSD a buy?".to_owned(),
        ..PlaygroundRequest::default()
    };
    let caller = Caller { app: "bot".into(), ..Caller::default() };
    playground::run(engine, "run", caller, request, mpsc::channel(1_000).0).await.unwrap();
}

/// Name, whether the connection may use it, and requests.
async fn of(engine: &Arc<Engine>, connection: Option<&str>) -> Vec<(String, bool, u32)> {
    let query = ModelQuery {
        provider: Some("compatible".into()),
        connection: connection.map(str::to_owned),
        ..ModelQuery::default()
    };
    let found = models::list(engine, query).await.unwrap();
    let may = |model: &models::Model| {
        let own = model.offered_by.iter().find(|offer| connection.is_none_or(|key| offer.connection == key));
        own.is_some_and(|offer| offer.allowed)
    };
    found.models.into_iter().map(|model| (model.model.clone(), may(&model), model.requests)).collect()
}

#[tokio::test]
async fn m6_the_models_of_a_connection_are_its_own_with_its_own_requests() {
    let desk = Desk::open().await;
    rotate(&desk.engine, NEW).await.unwrap();
    desk.connect("other", Some(NEW)).await;
    models::allow(&desk.engine, "main", "demo-deep".into(), true).await.unwrap();
    models::allow(&desk.engine, "other", "demo-free".into(), true).await.unwrap();
    for model in ["main/demo-fast", "main/demo-fast", "other/demo-fast", "other/demo-free"] {
        ask(&desk.engine, model).await;
    }
    let named = |list: &[(&str, bool, u32)]| -> Vec<(String, bool, u32)> {
        list.iter().map(|(name, may, requests)| ((*name).to_owned(), *may, *requests)).collect()
    };
    let of_main = of(&desk.engine, Some("main")).await;
    assert_eq!(of_main, named(&[("demo-fast", true, 2), ("demo-deep", true, 0)]));
    let of_other = of(&desk.engine, Some("other")).await;
    assert_eq!(of_other, named(&[("demo-fast", true, 1), ("demo-free", true, 1)]));
    let of_all = of(&desk.engine, None).await;
    assert_eq!(of_all[0], ("demo-fast".to_owned(), true, 3));
    assert!(of(&desk.engine, Some("nobody")).await.is_empty());
}
