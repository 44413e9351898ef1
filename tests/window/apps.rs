//! A bot's token, what it may do, and the end of it.

use crate::connections::explore;
use crate::driver::Home;
use crate::gateway;
use crate::window::Window;

pub(crate) async fn limits_hold_and_a_token_changes_without_a_gap() {
    let home = Home::new();
    let window = explore(&home).await;
    window.press(&["g", "b"]).await;
    window.click("add-app").await;
    window.see("add-app-dialog").await;
    window.fill("app-name", "mt5-signal-bot").await;
    window.fill("app-feature", "signal-scan").await;
    window.click("app-save").await;
    window.see("app-token").await;
    let first = window.value("app-token").await;
    window.says("snippet-text", "/v1").await;
    window.click("snippet-env").await;
    let env = window.says("snippet-text", &first).await;
    let url = env.lines().find_map(|line| line.strip_prefix("OPENAI_BASE_URL=")).expect("a URL").to_owned();
    assert_eq!(gateway::ask(&url, &first, "demo_fast/demo-fast").await.0, 200);

    window.fill("app-rate_limit_per_minute", "2").await;
    window.press(&["Enter"]).await;
    window.marked("app-rate_limit_per_minute", "aria-invalid", "false").await;
    window.click("app-may-use-add").await;
    window.fill("app-may-use-name", "demo_fast/*").await;
    window.press(&["Enter"]).await;
    window.says("app-may-use", "demo_fast/*").await;
    window.picture("50-app-set").await;
    let (status, body) = gateway::ask(&url, &first, "demo_deep/demo-deep").await;
    assert!(status == 403 && body.contains("demo_fast/*"), "{status} {body}");

    window.click("app-rotate").await;
    window.see("rotate").await;
    window.picture("51-app-rotate").await;
    window.click("rotate-go").await;
    window.says("app-old-token", "works until").await;
    let second = window.value("app-token").await;
    assert_ne!(first, second);
    // One call of the minute was before the limit was set; it counts from the next one on.
    let old = gateway::ask(&url, &first, "demo_fast/demo-fast").await.0;
    assert!(old == 200 || old == 429, "the old token is good for a day: {old}");
    window.picture("52-app-new-token").await;

    where_it_would_cost_less(&window).await;
    window.resize(960, 640).await;
    window.picture("53-app-small").await;
    window.click("app-revoke").await;
    window.click("revoke-go").await;
    window.says("app-state", "Revoked").await;
    for token in [&first, &second] {
        assert_eq!(gateway::ask(&url, token, "demo_fast/demo-fast").await.0, 403);
    }
    window.close().await;
}

/// The sample data has traffic of an app of that name.
async fn where_it_would_cost_less(window: &Window) {
    window.misses("app-cheaper").await;
    window.run::<()>("document.querySelector('[data-testid=app-may-use] .tok button').click()").await;
    window.says("app-may-use", "Everything").await;
    let add = "const { invoke } = window.__TAURI_INTERNALS__;
         const draft = { provider: 'gemini', name: 'Gemini desk', key: 'gemini_desk', base_url: null,
             default_model: 'gemini-2.5-flash-lite', secret: 'canary-gemini-5d1f0b9c77ae42d8e1f0a3' };
         return invoke('connection_add_untested', { draft })";
    assert_eq!(window.settle(add).await["key"], "gemini_desk");
    window.says("app-cheaper", "less on gemini-2.5-flash-lite").await;
    window.says("app-cheaper", "Answer quality not compared.").await;
    for theme in ["dark", "light"] {
        window.press(&["Ctrl+Shift+l"]).await;
        window.marks_root("theme", theme).await;
        window.picture(&format!("52-app-cheaper-{theme}")).await;
    }
}
