//! The list of connections, by pointer and by keys alone.

use serde_json::Value;

use crate::driver::Home;
use crate::window::Window;

/// A window with the Demo provider and its sample data, opened as somebody does who only wants to look.
pub(crate) async fn explore(home: &Home) -> Window {
    let window = Window::open(home, &["--port", "0"]).await;
    window.click("fr-demo").await;
    window.see("sample-data").await;
    window
}

/// What the engine knows of a connection.
pub(crate) async fn known(window: &Window, key: &str) -> Value {
    let connections = window.invoke("connections").await;
    let all = connections.as_array().expect("a list");
    all.iter().find(|one| one["key"] == key).expect("the connection").clone()
}

pub(crate) async fn a_pause_stays() {
    let home = Home::new();
    let window = explore(&home).await;
    window.press(&["g", "c"]).await;
    window.marked("switch-demo_fast", "aria-checked", "true").await;
    window.click("switch-demo_fast").await;
    window.says("health-demo_fast", "Off").await;

    window.click("test-demo_fast").await;
    window.says("toast-text", "Demo fast passed in").await;
    assert_eq!(known(&window, "demo_fast").await["last_check"]["verdict"], "passed");
    assert_eq!(known(&window, "demo_fast").await["status"], "inactive");
    window.says("health-demo_fast", "Off").await;
    window.marked("switch-demo_fast", "aria-checked", "false").await;
    window.picture("20-paused-after-a-passing-test").await;
    window.close().await;

    let window = Window::open(&home, &["--port", "0"]).await;
    window.says("health-demo_fast", "Off").await;
    window.click("switch-demo_fast").await;
    window.marked("switch-demo_fast", "aria-checked", "true").await;
    window.close().await;
}

pub(crate) async fn by_keys_alone() {
    let home = Home::new();
    let window = explore(&home).await;
    window.press(&["g", "c"]).await;
    window.see("conn-demo_fast").await;
    window.press(&["j"]).await;
    window.focuses("conn-demo_fast").await;
    window.press(&["j"]).await;
    window.focuses("conn-demo_deep").await;
    window.press(&["k"]).await;
    window.focuses("conn-demo_fast").await;

    a_test_runs(&window).await;
    the_switch_flips(&window).await;
    the_order_changes_for_good(&window).await;
    the_palette_finds(&window).await;
    one_is_deleted(&window).await;
    window.close().await;
}

async fn a_test_runs(window: &Window) {
    window.press(&["Enter"]).await;
    window.see("detail").await;
    window.press(&["t"]).await;
    window.says("toast-text", "Demo fast passed in").await;
    window.press(&["]", "]", "]", "]", "]"]).await;
    window.marked("verdict", "data-verdict", "passed").await;
    window.says("stage-completion", "Passed").await;
    window.picture("21-test-passed").await;
    window.press(&["Escape"]).await;
    window.misses("detail").await;
    window.focuses("conn-demo_fast").await;
}

async fn the_switch_flips(window: &Window) {
    window.press(&["Space"]).await;
    window.says("health-demo_fast", "Off").await;
    window.press(&["Space"]).await;
    window.marked("switch-demo_fast", "aria-checked", "true").await;
    assert_eq!(known(window, "demo_fast").await["status"], "active");
}

async fn the_order_changes_for_good(window: &Window) {
    const ROWS: &str = "return [...document.querySelectorAll('tr[data-key]')].map((row) => row.dataset.key)";
    assert_eq!(window.run::<Vec<String>>(ROWS).await, ["demo_fast", "demo_deep"]);
    window.press(&["Alt+Down"]).await;
    window.says("toast-text", "Demo fast, now second of 2").await;
    window.focuses("conn-demo_fast").await;
    assert_eq!(window.run::<Vec<String>>(ROWS).await, ["demo_deep", "demo_fast"]);
    window.reload().await;
    window.see("conn-demo_fast").await;
    assert_eq!(window.run::<Vec<String>>(ROWS).await, ["demo_deep", "demo_fast"]);
}

async fn the_palette_finds(window: &Window) {
    window.press(&["Ctrl+k"]).await;
    window.focuses("palette-input").await;
    window.fill("palette-input", "demo deep").await;
    window.says("palette", "demo_deep").await;
    window.picture("22-palette").await;
    window.press(&["Escape"]).await;
    window.misses("palette").await;
    window.press(&["Ctrl+k"]).await;
    window.fill("palette-input", "open playground").await;
    window.press(&["Enter"]).await;
    window.see("pg-prompt").await;
    window.press(&["Ctrl+k"]).await;
    window.fill("palette-input", "demo deep").await;
    window.see("palette-row").await;
    window.press(&["Down", "Enter"]).await;
    window.says("detail", "Demo deep").await;
}

async fn one_is_deleted(window: &Window) {
    window.press(&["Delete"]).await;
    window.says("remove", "Delete Demo deep?").await;
    window.focuses("remove-cancel").await;
    window.picture("23-delete").await;
    window.press(&["Escape"]).await;
    window.misses("remove").await;
    window.press(&["Delete"]).await;
    window.click("remove-go").await;
    window.misses("conn-demo_deep").await;
    window.says("toast-text", "Demo deep deleted").await;
    window.misses("detail").await;
    assert_eq!(window.invoke("connections").await.as_array().map(Vec::len), Some(1));
}
