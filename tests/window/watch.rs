//! Alerts and budgets in the real window, and on the desktop.

use std::sync::{Arc, Mutex};

use self::desktop::Desktop;
use crate::driver::Home;
use crate::first_run::{Bot, bot, describe, provider};
use crate::gateway;
use crate::tray::Tray;
use crate::window::Window;
use patchbay_engine::demo::Pace;
use serde_json::json;

mod desktop {
    #![expect(
        clippy::too_many_arguments,
        clippy::unused_self,
        clippy::used_underscore_binding,
        reason = "the interface is the specification's, and its code is made by a macro"
    )]

    use std::sync::{Arc, Mutex, PoisonError};

    use zbus::interface;

    /// A notification daemon of the test's own, on the session's private bus.
    pub(super) struct Desktop(pub(super) Arc<Mutex<Vec<String>>>);

    #[interface(name = "org.freedesktop.Notifications")]
    impl Desktop {
        fn notify(
            &self,
            _app: &str,
            _replaces: u32,
            _icon: &str,
            summary: &str,
            body: &str,
            _actions: Vec<String>,
            _hints: std::collections::HashMap<String, zbus::OwnedVariant>,
            _timeout: i32,
        ) -> u32 {
            let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            told.push(format!("{summary}: {body}"));
            u32::try_from(told.len()).unwrap_or(1)
        }

        fn get_capabilities(&self) -> Vec<String> {
            vec!["body".to_owned()]
        }

        fn get_server_information(&self) -> (&str, &str, &str, &str) {
            ("test", "patchbay", "1", "1.2")
        }

        fn close_notification(&self, _id: u32) {}
    }
}

pub(crate) async fn a_budget_stops_is_told_and_resumed() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let bus = zbus::connection::Builder::session()
        .name("org.freedesktop.Notifications")
        .serve_at("/org/freedesktop/Notifications", Desktop(Arc::clone(&told)))
        .build()
        .await
        .expect("the private bus");
    let tray = Tray::open().await;
    let home = Home::new();
    let key = "sk-canary-budget-71c0d2ee";
    let provider = provider(key, Pace::Instant);
    let window = Window::open(&home, &["--port", "0"]).await;
    describe(&window, &provider).await;
    window.fill("fr-secret", key).await;
    window.click("fr-test-save").await;
    let bot = bot(&window).await;
    window.click("fr-open-overview").await;
    n4_the_switch_in_the_tray(&window, &tray, &bot).await;

    let everything = json!({ "kind": "all", "name": "" });
    let draft = json!({
        "scope": everything, "period": "day", "measure": "requests", "cap": "4", "on_limit": "stop",
        "degrade_to": null, "levels": null
    });
    window
        .settle(&format!("return window.__TAURI_INTERNALS__.invoke('budget_set', {{ draft: {draft} }})"))
        .await;
    let (status, _) = gateway::ask(&bot.base_url, &bot.token, &bot.model).await;
    assert_eq!(status, 200, "two questions of the test, and this one");
    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(gateway::ask(&bot.base_url, &bot.token, &bot.model).await.0);
    }
    assert_eq!(statuses, [200, 402]);
    window.says("budget-note", "the daily request budget of 4 requests is reached").await;
    window.says("status-gateway", "Traffic stopped").await;
    window.says("ov-attention", "The daily request budget is used up").await;
    window.picture("60-stopped-by-budget").await;
    on_the_desktop(&window, &told, "The daily request budget is used up: 4 requests of 4 requests").await;

    window.click("resume-more").await;
    window.misses("budget-note").await;
    assert_eq!(gateway::ask(&bot.base_url, &bot.token, &bot.model).await.0, 200);
    alerts_by_keys(&window).await;
    window.close().await;
    drop(bus);
}

/// N4: the same switch as in the window, and each shows what the other did.
async fn n4_the_switch_in_the_tray(window: &Window, tray: &Tray, bot: &Bot) {
    tray.choose(window, "Stop all traffic").await;
    window.says("status-gateway", "Traffic stopped").await;
    assert_eq!(gateway::ask(&bot.base_url, &bot.token, &bot.model).await.0, 403);
    tray.choose(window, "Resume traffic").await;
    tray.shows(window, "Stop all traffic").await;
}

async fn on_the_desktop(window: &Window, told: &Mutex<Vec<String>>, what: &str) {
    let look = async || {
        let told = told.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        told.iter().any(|one| one == what).then_some(())
    };
    window.until("the desktop was told", look).await;
}

async fn alerts_by_keys(window: &Window) {
    window.press(&["g", "e"]).await;
    window.see("alert-budget").await;
    window.press(&["j", "Enter"]).await;
    window.see("alert-step-0").await;
    window.press(&["Ctrl+Shift+l"]).await;
    window.marks_root("theme", "dark").await;
    the_chart_is_drawn(window).await;
    window.picture("61-alerts-dark").await;
    window.click("alert-evidence-options").await;
    window.click("alert-evidence-as-table").await;
    window.says("alert-evidence", "Cap").await;
    window.click("alert-evidence-options").await;
    window.click("alert-evidence-as-table").await;
    window.press(&["a"]).await;
    window.marked("alert-budget", "data-state", "acknowledged").await;
    window.press(&["z"]).await;
    window.misses("alert-budget").await;
    window.click("alerts-snoozed").await;
    window.see("alert-budget").await;
    window.press(&["Ctrl+Shift+l"]).await;
    window.marks_root("theme", "light").await;
    window.click("alert-budget").await;
    the_chart_is_drawn(window).await;
    window.picture("62-alerts-light").await;
    window.resize(960, 640).await;
    the_chart_is_drawn(window).await;
    window.picture("63-alert-small").await;
    window.press(&["Escape"]).await;
    window.click("alerts-open").await;
    window.see("rule-budget").await;
    window.picture("63-alerts-small").await;
    window.press(&["Ctrl+,"]).await;
    window.click("nav-settings").await;
    window.resize(1280, 800).await;
    window.click("section-budget").await;
    window.picture("64-settings-budget").await;
}

/// What the budget was used to beside its levels, drawn at the size that there is room for.
async fn the_chart_is_drawn(window: &Window) {
    let drawn = "const box = document.querySelector('[data-testid=alert-evidence-chart]');
                 const drawing = box?.querySelector('.drawing svg');
                 return !!drawing && drawing.width.baseVal.value === box.clientWidth
                     && box.ariaLabel.startsWith('Used by hour')";
    window.until("the alert's chart is drawn", async || window.run::<bool>(drawn).await.then_some(())).await;
}
