//! Every screen, for those who look at pictures.

use crate::connections::explore;
use crate::driver::Home;
use crate::window::Window;

/// Every screen in both themes and in the smallest window, for those who look at pictures.
pub(crate) async fn in_both_themes() {
    let home = Home::new();
    first_run(&home).await;
    let window = explore(&home).await;
    window.misses("toast").await;
    window.marks_root("theme", "light").await;
    for theme in ["dark", "light"] {
        window.press(&["Ctrl+Shift+l"]).await;
        window.marks_root("theme", theme).await;
        pictures(&window, theme).await;
    }
    window.press(&["Ctrl+Shift+l"]).await;
    window.marks_root("theme", "dark").await;
    window.close().await;

    let window = Window::open(&home, &["--port", "0"]).await;
    window.see("pg-prompt").await;
    window.marks_root("theme", "dark").await;
    window.close().await;
}

/// It has no keys of its own for the theme: what was chosen before counts.
async fn first_run(home: &Home) {
    let window = Window::open(home, &["--port", "0"]).await;
    for theme in ["dark", "light"] {
        let choose = format!(
            "const {{ invoke }} = window.__TAURI_INTERNALS__;
             const preferences = await invoke('preferences');
             return invoke('set_preferences', {{ preferences: {{ ...preferences, theme: '{theme}' }} }})"
        );
        window.settle(&choose).await;
        window.reload().await;
        window.marks_root("theme", theme).await;
        window.see("fr-test-save").await;
        window.picture(&format!("28-first-run-{theme}")).await;
        window.resize(960, 640).await;
        window.picture(&format!("29-first-run-small-{theme}")).await;
        window.resize(1280, 800).await;
    }
    window.close().await;
}

async fn pictures(window: &Window, theme: &str) {
    window.press(&["g", "o"]).await;
    window.says("ov-spend-today", "$").await;
    // Just after midnight nobody has spent anything yet, and the list says so.
    window.reads("ov-top", |text| text.contains('$') || text.contains("No calls today")).await;
    the_chart_fits(window).await;
    window.picture(&format!("30-overview-{theme}")).await;
    window.press(&["g", "c"]).await;
    window.see("conn-demo_fast").await;
    window.picture(&format!("31-connections-{theme}")).await;
    window.click("health-demo_fast").await;
    window.see("detail").await;
    window.picture(&format!("32-connection-{theme}")).await;
    window.press(&["Escape", "g", "e"]).await;
    window.see("tab-audit").await;
    window.picture(&format!("43-alerts-{theme}")).await;
    window.click("tab-audit").await;
    window.marked("audit-verdict", "data-intact", "true").await;
    window.picture(&format!("39-audit-{theme}")).await;
    window.press(&["g", "m"]).await;
    window.see("model-demo/demo-fast").await;
    window.picture(&format!("37-models-{theme}")).await;
    window.click("state-demo/demo-fast").await;
    window.see("price-history").await;
    window.picture(&format!("38-model-{theme}")).await;
    window.press(&["Escape", "g", "l"]).await;
    window.focuses("pg-prompt").await;
    window.fill("pg-prompt", "Summarise the tape in one line.").await;
    window.press(&["Ctrl+Enter"]).await;
    window.says("pg-route", "Answered").await;
    window.picture(&format!("33-playground-{theme}")).await;
    window.press(&["Ctrl+,"]).await;
    window.see("theme-dark").await;
    window.picture(&format!("34-settings-{theme}")).await;
    window.press(&["g", "b"]).await;
    window.see("add-app").await;
    window.picture(&format!("35-apps-{theme}")).await;
    window.press(&["?"]).await;
    window.see("shortcuts").await;
    window.picture(&format!("36-shortcuts-{theme}")).await;
    window.press(&["Escape"]).await;

    window.resize(960, 640).await;
    window.press(&["g", "o"]).await;
    window.says("ov-spend-today", "$").await;
    // Just after midnight nobody has spent anything yet, and the list says so.
    window.reads("ov-top", |text| text.contains('$') || text.contains("No calls today")).await;
    the_chart_fits(window).await;
    window.picture(&format!("40-overview-small-{theme}")).await;
    window.press(&["g", "c"]).await;
    window.see("conn-demo_fast").await;
    window.picture(&format!("41-connections-small-{theme}")).await;
    window.click("health-demo_deep").await;
    window.see("detail").await;
    window.picture(&format!("42-connection-small-{theme}")).await;
    window.press(&["Escape", "g", "e"]).await;
    window.see("tab-audit").await;
    window.picture(&format!("47-alerts-small-{theme}")).await;
    window.click("tab-audit").await;
    window.marked("audit-verdict", "data-intact", "true").await;
    window.picture(&format!("46-audit-small-{theme}")).await;
    window.press(&["g", "m"]).await;
    window.see("model-demo/demo-fast").await;
    window.picture(&format!("44-models-small-{theme}")).await;
    window.click("state-demo/demo-deep").await;
    window.see("price-history").await;
    window.picture(&format!("45-model-small-{theme}")).await;
    window.press(&["Escape", "g", "l"]).await;
    window.see("pg-prompt").await;
    window.picture(&format!("43-playground-small-{theme}")).await;
    window.run::<()>("document.activeElement.blur()").await;
    window.resize(1280, 800).await;
}

/// The drawing is made for the place that it has, in the colours of the theme.
async fn the_chart_fits(window: &Window) {
    const FITS: &str = "
        const box = document.querySelector('[data-testid=spend-chart]');
        const drawing = box?.querySelector('.drawing svg');
        return !!drawing && drawing.width.baseVal.value === box.clientWidth";
    window.until("the chart fits", async || window.run::<bool>(FITS).await.then_some(())).await;
}
