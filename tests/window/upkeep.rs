//! What becomes of a connection over time: a header of its own, a stop, a copy, a deletion that is taken back, an heir.

use patchbay_engine::demo::{DemoServer, Pace};
use serde_json::{Value, json};

use crate::connections::{explore, known};
use crate::driver::Home;
use crate::first_run::provider;
use crate::window::Window;

const KEY: &str = "sk-canary-upkeep-70be19d2-GOOD";
const HEADER: &str = "hdr-canary-upkeep-33d1a6f0";

pub(crate) async fn headers_stops_copies_and_deletions() {
    let provider = provider(KEY, Pace::Instant);
    let home = Home::new();
    let window = explore(&home).await;
    window.press(&["g", "c"]).await;
    added(&window, &provider).await;
    a_secret_header_is_masked_kept_and_cleared(&window, &provider).await;
    a_stop_holds_until_it_is_turned_on(&window).await;
    a_copy_asks_for_a_key_of_its_own(&window).await;
    a_deletion_is_taken_back(&window, &provider).await;
    an_heir_takes_over(&window).await;
    window.close().await;
}

async fn added(window: &Window, provider: &DemoServer) {
    window.press(&["Ctrl+n"]).await;
    window.click("add-more-providers").await;
    window.click("add-provider-compatible").await;
    window.fill("add-base-url", provider.base_url()).await;
    window.fill("add-name", "Night desk").await;
    window.fill("add-secret", KEY).await;
    window.press(&["Ctrl+Enter"]).await;
    window.misses("add-dialog").await;
    window.says("detail", "Night desk").await;
}

/// Tests the connection by its key and waits until the provider has answered; answers what the header was.
async fn header_of_a_test(window: &Window, provider: &DemoServer) -> Option<String> {
    let before = provider.recent().len();
    window.run::<()>("document.activeElement.blur()").await;
    window.press(&["t"]).await;
    let asked = async || (provider.recent().len() > before).then_some(());
    window.until("the provider is asked", asked).await;
    window.marked("detail-test", "aria-busy", "false").await;
    assert_eq!(known(window, "conn_night_desk").await["last_check"]["verdict"], "passed");
    provider.recent().last().and_then(|asked| asked.header("x-desk-token").map(str::to_owned))
}

async fn a_secret_header_is_masked_kept_and_cleared(window: &Window, provider: &DemoServer) {
    window.click("header-add").await;
    window.focuses("header-name").await;
    window.fill("header-name", "X-Desk-Token").await;
    window.run::<()>("document.querySelector('[data-testid=header-secret]').focus()").await;
    window.press(&["Space"]).await;
    window.fill("header-value", HEADER).await;
    window.misses("toast").await;
    window.picture("75-secret-header").await;
    window.press(&["Enter"]).await;
    window.says("header-x-desk-token", "In your keychain").await;
    assert!(!window.source().await.contains(HEADER), "it does not come back");
    assert_eq!(
        known(window, "conn_night_desk").await["headers"],
        json!([{ "name": "x-desk-token", "value": null }])
    );
    assert_eq!(header_of_a_test(window, provider).await.as_deref(), Some(HEADER));

    window.press(&["e"]).await;
    window.focuses("set-name").await;
    window.click("header-edit-x-desk-token").await;
    window.focuses("header-value").await;
    assert_eq!(window.value("header-value").await, "");
    window.misses("toast").await;
    window.picture("76-secret-header-kept").await;
    window.press(&["Enter"]).await;
    window.misses("header-value").await;
    assert_eq!(header_of_a_test(window, provider).await.as_deref(), Some(HEADER), "K5: blank keeps");

    window.press(&["e"]).await;
    window.click("header-remove-x-desk-token").await;
    window.misses("header-x-desk-token").await;
    assert_eq!(header_of_a_test(window, provider).await, None, "cleared");
}

async fn a_stop_holds_until_it_is_turned_on(window: &Window) {
    window.press(&["e"]).await;
    window.focuses("set-name").await;
    window.click("set-stopped").await;
    window.says("health-conn_night_desk", "Stopped").await;
    window.picture("77-stopped-connection").await;
    assert_eq!(known(window, "conn_night_desk").await["status"], "suspended");
    window.run::<()>("document.querySelector('[data-testid=conn-conn_night_desk]').focus()").await;
    window.press(&["Space"]).await;
    window.marked("switch-conn_night_desk", "aria-checked", "true").await;
    assert_eq!(known(window, "conn_night_desk").await["status"], "active");
}

async fn a_copy_asks_for_a_key_of_its_own(window: &Window) {
    window.click("duplicate").await;
    window.says("detail", "Night desk copy").await;
    window.focuses("key-secret").await;
    window.picture("78-copy").await;
    assert_eq!(known(window, "night_desk_copy").await["credential"], Value::Null);
    window.press(&["Escape"]).await;
}

async fn a_deletion_is_taken_back(window: &Window, provider: &DemoServer) {
    window.click("health-conn_night_desk").await;
    window.says("detail", "Night desk").await;
    let before = known(window, "conn_night_desk").await["credential"].clone();
    window.press(&["Delete"]).await;
    window.focuses("remove-cancel").await;
    window.click("remove-go").await;
    window.misses("conn-conn_night_desk").await;
    window.click("toast-action").await;
    window.see("conn-conn_night_desk").await;
    assert_eq!(known(window, "conn_night_desk").await["credential"], before);
    window.click("health-conn_night_desk").await;
    header_of_a_test(window, provider).await;
    let key = format!("Bearer {KEY}");
    let last = provider.recent().last().and_then(|asked| asked.header("authorization").map(str::to_owned));
    assert_eq!(last, Some(key), "its key works");
}

async fn an_heir_takes_over(window: &Window) {
    let step = json!({ "connection": "conn_night_desk", "provider": null, "model": "demo-fast" });
    let invoke = |command: &str, arguments: Value| {
        format!("return window.__TAURI_INTERNALS__.invoke({command:?}, {arguments})")
    };
    let draft = json!({ "name": "signals", "note": "", "spec": spec(&step) });
    let made = window.settle(&invoke("profile_add", json!({ "draft": draft }))).await;
    assert_eq!(made["version"], 1, "{made}");
    window
        .settle(&invoke("alias_set", json!({ "alias": "gpt-4", "target": "conn_night_desk/demo-fast" })))
        .await;
    window.press(&["Delete"]).await;
    window.says("remove-users", "The profile signals and the alias gpt-4 lead to it").await;
    window.click("remove-go").await;
    window.says("remove-error", "signals").await;
    window
        .run::<()>(
            "const heir = document.querySelector('[data-testid=remove-heir]');
         heir.value = 'demo_fast';
         heir.dispatchEvent(new Event('change', { bubbles: true }))",
        )
        .await;
    window.says("remove-handovers", "demo_fast/demo-fast").await;
    window.picture("80-heir").await;
    window.click("remove-go").await;
    window.misses("conn-conn_night_desk").await;
    let profiles = window.invoke("profiles").await;
    let (version, chain) = (&profiles[0]["version"], &profiles[0]["spec"]["targets"]);
    assert_eq!((version, &chain[0]["connection"]), (&json!(2), &json!("demo_fast")), "M2: as a new version");
    assert_eq!(window.invoke("aliases").await[0]["target"], "demo_fast/demo-fast");
}

/// A profile with one step and nothing else.
fn spec(step: &Value) -> Value {
    json!({
        "targets": [step], "temperature": null, "top_p": null, "max_tokens": null, "presence_penalty": null,
        "frequency_penalty": null, "seed": null, "stop_sequences": [], "response_format": null,
        "tool_configurations": [], "tool_choice": null, "system_prompt": null, "streaming_enabled": null,
        "max_concurrent_requests": null, "rate_limit_requests": null, "rate_limit_period_s": null,
        "rate_limit_per_minute": null, "rate_limit_per_day": null, "tokens_per_minute": null, "timeout_s": null,
        "max_attempts": null, "when_full": null, "wait_s": null, "when_untaken": "drop"
    })
}
