//! Providers and models: the catalogue, a price of one's own by keys alone, and a provider of one's own from nothing to its
//! first priced call.

use patchbay_engine::demo::{DemoOptions, DemoServer};
use serde_json::{Value, json};

use crate::connections::explore;
use crate::driver::Home;
use crate::window::Window;

/// Opens the screen with a window that has the Demo provider.
async fn catalogue(home: &Home) -> Window {
    let window = explore(home).await;
    window.press(&["g", "m"]).await;
    window.see("model-demo/demo-fast").await;
    window
}

/// What the page says is old.
const STALE: &str = "return document.querySelector('[data-testid=stale]')?.innerText ?? ''";

pub(crate) async fn lists_are_read_searched_and_compared() {
    let home = Home::new();
    let window = catalogue(&home).await;
    window.says("provider-demo", "Demo").await;
    window.says("stale", "Demo").await;
    window.misses("toast").await;
    window.picture("50-models-stale").await;
    window.click("stale-update").await;
    window.says("toast-text", "Read 1 list").await;
    // The prices that come with the program grow old too, and are told in the same place.
    let fresh = async || (!window.run::<String>(STALE).await.contains("Demo")).then_some(());
    window.until("no list is old", fresh).await;

    window.press(&["/"]).await;
    window.focuses("models-text").await;
    window.fill("models-text", "dmo-deep").await;
    window.click("nearest-demo-deep").await;
    window.see("model-demo/demo-deep").await;
    window.misses("model-demo/demo-fast").await;
    window.click("models-text").await;
    window.press(&["Escape", "Escape"]).await;
    window.see("model-demo/demo-fast").await;

    window.press(&["Down", "x", "Down", "x", "Shift+X"]).await;
    window.says("compare-dialog", "Output / 1M").await;
    window.picture("51-models-compared").await;
    window.press(&["Escape"]).await;
    window.misses("compare-dialog").await;
    window.close().await;
}

pub(crate) async fn a_price_by_keys_alone() {
    let home = Home::new();
    let window = catalogue(&home).await;
    window.press(&["/"]).await;
    window.focuses("models-text").await;
    window.press(&["demo-deep"]).await;
    window.misses("model-demo/demo-fast").await;
    window.run::<()>("document.activeElement.blur()").await;
    window.press(&["j"]).await;
    window.focuses("model-demo/demo-deep").await;
    window.press(&["Enter"]).await;
    window.says("price-history", "in effect").await;
    window.press(&["e"]).await;
    window.focuses("price-input").await;
    window
        .until("the price of now is there", async || (window.value("price-input").await == "2").then_some(()))
        .await;
    window.press(&["Ctrl+a", "1", ".", "5", "Enter"]).await;
    window.misses("price-dialog").await;
    window.says("price-user", "Yours").await;
    window.says("input-demo/demo-deep", "$1.50").await;
    window.says("input-demo/demo-deep", "Yours").await;
    window.picture("52-models-yours").await;

    let prices = asked(&window, "price_history", &json!({ "provider": "demo", "model": "demo-deep" })).await;
    assert_eq!(prices[0]["source"], "user");
    assert_eq!(prices[0]["in_effect"], true);
    assert_eq!(prices[0]["tiers"][0]["input"], "1.5");
    assert_eq!(prices[0]["tiers"][0]["output"], "10");
    window.press(&["Escape"]).await;
    window.misses("model-detail").await;
    window.focuses("model-demo/demo-deep").await;
    window.close().await;
}

pub(crate) async fn a_provider_of_ones_own() {
    let server = DemoServer::start(DemoOptions::default()).expect("a server");
    let home = Home::new();
    let window = catalogue(&home).await;
    it_is_added(&window, server.base_url()).await;
    it_has_a_connection_and_a_list(&window).await;
    its_first_call_has_no_price_until_one_is_set(&window).await;
    it_stays_while_it_is_in_use(&window).await;
    window.close().await;
}

async fn it_is_added(window: &Window, base_url: &str) {
    window.click("add-provider").await;
    window.fill("new-provider-name", "Desk GPU").await;
    window.fill("new-provider-url", base_url).await;
    window.picture("53-add-provider").await;
    window.press(&["Ctrl+Enter"]).await;
    window.says("provider-detail", "Desk GPU").await;
    window.says("provider-state", "Not connected").await;
}

async fn it_has_a_connection_and_a_list(window: &Window) {
    window.click("provider-connect").await;
    window.fill("add-name", "Desk").await;
    window.fill("add-model", "demo-fast").await;
    window.click("add-test-save").await;
    window.says("toast-text", "Desk is ready").await;
    window.press(&["g", "m"]).await;
    window.click("provider-desk_gpu").await;
    window.says("provider-read", "never read").await;
    window.click("provider-sync").await;
    window.says("provider-read", "4 models").await;
    window.see("model-desk_gpu/demo-deep").await;
    window.picture("54-provider").await;
}

async fn its_first_call_has_no_price_until_one_is_set(window: &Window) {
    window.press(&["Escape"]).await;
    window.misses("provider-detail").await;
    window.click("state-desk_gpu/demo-fast").await;
    window.click("model-play").await;
    window.fill("pg-prompt", "Long or short?").await;
    window.press(&["Ctrl+Enter"]).await;
    window.says("pg-route", "Answered").await;
    window.press(&["Escape"]).await;
    window.run::<()>("document.activeElement.blur()").await;

    window.press(&["g", "o"]).await;
    // The sample data have one of their own.
    window.says("ov-attention", "gpt-5.5-desk-preview and 1 more have no price").await;
    window.click("attention-set_prices").await;
    window.says("unpriced", "called without a price").await;
    window.picture("55-unpriced").await;
    window.click("set-price-desk_gpu/demo-fast").await;
    window.says("price-dialog", "Price of demo-fast").await;
    window.fill("price-input", "0.1").await;
    window.fill("price-output", "0.4").await;
    window.picture("56-set-price").await;
    window.press(&["Enter"]).await;
    window.misses("price-dialog").await;
    window.misses("set-price-desk_gpu/demo-fast").await;
    window.says("input-desk_gpu/demo-fast", "Yours").await;
}

async fn it_stays_while_it_is_in_use(window: &Window) {
    window.click("provider-desk_gpu").await;
    window.click("provider-remove").await;
    window.focuses("remove-provider-cancel").await;
    window.click("remove-provider-go").await;
    window.says("remove-provider-error", "Desk").await;
    window.picture("57-remove-provider").await;
    window.press(&["Escape"]).await;
    let providers = window.invoke("providers").await;
    let all = providers.as_array().expect("a list");
    assert!(all.iter().any(|one| one["slug"] == "desk_gpu"), "it is still there");
}

async fn asked(window: &Window, command: &str, arguments: &Value) -> Value {
    window.settle(&format!("return window.__TAURI_INTERNALS__.invoke({command:?}, {arguments})")).await
}
