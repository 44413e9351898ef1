//! The Activity screen: from a screen full of sample calls to one call, and what arrives while somebody looks.

use crate::connections::explore;
use crate::driver::Home;
use crate::gateway;
use crate::window::Window;

pub(crate) async fn from_the_log_to_one_call() {
    let home = Home::new();
    let window = explore(&home).await;
    window.press(&["g", "a"]).await;
    window.see("line").await;
    the_bars_are_drawn(&window).await;
    assert!(drawn(&window).await < 80, "only the lines in view are drawn");
    window.misses("toast").await;

    // A million lines or a hundred: it reads on while it is scrolled, and stays small.
    let deep = "const log = document.querySelector('[data-testid=log]');
                log.scrollTop = log.scrollHeight;
                return [...document.querySelectorAll('[data-testid=line]')].length";
    for _ in 0..4 {
        window.run::<u32>(deep).await;
        window.marked("activity-held", "aria-pressed", "true").await;
    }
    assert!(drawn(&window).await < 80);
    window.press(&["l"]).await;
    window.marked("activity-live", "aria-pressed", "true").await;

    // Only failures, and of those one in full.
    choose(&window, "activity-lines", "attempts").await;
    choose(&window, "usage-status", "failed").await;
    window.reads("line", |text| !text.contains("200")).await;
    window.click("line-state").await;
    window.says("call-detail", "Route, ").await;
    window.see("call-copy").await;
    for theme in ["dark", "light"] {
        window.press(&["Ctrl+Shift+l"]).await;
        window.marks_root("theme", theme).await;
        the_bars_are_drawn(&window).await;
        window.picture(&format!("66-activity-call-{theme}")).await;
    }
    let first = window.text("call-detail").await;
    window.press(&["j"]).await;
    window.reads("call-detail", |text| text.contains("Route, ") && text != first).await;
    window.press(&["Escape"]).await;
    window.misses("call-detail").await;

    // What is called now is on top, or counted where somebody looks further down.
    choose(&window, "usage-status", "").await;
    choose(&window, "activity-lines", "calls").await;
    window.run::<()>("document.activeElement.blur()").await;
    ask(&window, "What is new?").await;
    window.press(&["g", "a"]).await;
    window.says("line", "playground").await;
    what_is_on_its_way(&window).await;
    window.run::<u32>(deep).await;
    window.marked("activity-held", "aria-pressed", "true").await;
    window.picture("67-activity-held").await;

    window.resize(960, 640).await;
    window.press(&["l"]).await;
    window.see("line").await;
    the_bars_are_drawn(&window).await;
    window.picture("68-activity-small").await;
    window.resize(1280, 800).await;

    // What one connection did, in its own pane, and one of its attempts among all.
    window.press(&["g", "c"]).await;
    window.click("health-demo_fast").await;
    what_it_has(&window).await;
    window.click("tab-activity").await;
    window.says("connection-changes", "added").await;
    window.see("line").await;
    window.picture("69-connection-activity").await;
    window.click("open-in-activity").await;
    window.says("filter-connection", "Demo fast").await;
    window.run::<()>("document.querySelector('[data-testid=filter-connection] .x').click()").await;
    window.misses("filter-connection").await;
    choose(&window, "activity-lines", "calls").await;

    into_a_file(&window).await;
    columns_are_chosen(&window).await;
    filters_stay(window, &home).await;
}

/// Calls that take their time stand at the head of the log until they end, and then in it.
async fn what_is_on_its_way(window: &Window) {
    let command = async |command: &str, arguments: &str| {
        window.settle(&format!("return window.__TAURI_INTERNALS__.invoke({command:?}, {arguments})")).await
    };
    let scope = "scope: { kind: 'app', name: 'slow-bot' }, period: 'day', measure: 'requests'";
    let made = command("app_add", "{ name: 'slow-bot', feature: null }").await;
    let cap = "cap: '10', on_limit: 'warn', degrade_to: null, levels: null";
    command("budget_set", &format!("{{ draft: {{ {scope}, {cap} }} }}")).await;
    command("demo_fault", "{ fault: 'slow_first_byte' }").await;
    let url = format!("{}/v1", window.invoke("status").await["gateway"]["url"].as_str().expect("an address"));
    let token = made["token"].as_str().expect("a token").to_owned();
    let whole = tokio::spawn({
        let (url, token) = (url.clone(), token.clone());
        async move { gateway::ask(&url, &token, "demo_fast/demo-fast").await }
    });
    let streamed =
        tokio::spawn(async move { gateway::ask_streamed(&url, &token, "demo_deep/demo-deep").await });
    for state in ["In flight", "Streaming"] {
        let shown = format!(
            "return [...document.querySelectorAll('[data-testid=running]')].some((row) =>
             row.innerText.includes('{state}') && row.innerText.includes('slow-bot'))"
        );
        window.until(state, async || window.run::<bool>(&shown).await.then_some(())).await;
    }
    for theme in ["dark", "light"] {
        window.press(&["Ctrl+Shift+l"]).await;
        window.marks_root("theme", theme).await;
        the_bars_are_drawn(window).await;
        window.picture(&format!("67-activity-running-{theme}")).await;
    }
    window.resize(960, 640).await;
    window.see("running").await;
    window.picture("67-activity-running-small").await;
    window.resize(1280, 800).await;
    whole.abort();
    streamed.abort();
    window.misses("running").await;
    command("demo_fault", "{ fault: 'none' }").await;
    window.says("line", "slow-bot").await;
    window.says("line-state", "Cancelled").await;
    window.click("line-state").await;
    window.says("call-budgets", "8 of 10 requests today, app slow-bot").await;
    window.picture("67-activity-budget-left").await;
    window.press(&["Escape"]).await;
    window.misses("call-detail").await;
    window.press(&["l"]).await;
    window.marked("activity-live", "aria-pressed", "true").await;
}

/// The Models tab: what the connection has, at what price, and what it did.
async fn what_it_has(window: &Window) {
    window.click("tab-models").await;
    window.says("of-demo-fast", "Default").await;
    window.says("of-demo-fast", "$0.15").await;
    window.reads("used-demo-fast", |text| text.parse::<u32>().is_ok_and(|requests| requests >= 2)).await;
    for theme in ["dark", "light"] {
        window.press(&["Ctrl+Shift+l"]).await;
        window.marks_root("theme", theme).await;
        window.picture(&format!("69-connection-models-{theme}")).await;
    }
    window.resize(960, 640).await;
    window.picture("69-connection-models-small").await;
    window.resize(1280, 800).await;
}

async fn into_a_file(window: &Window) {
    window.click("activity-export").await;
    window.see("export-csv").await;
    window.picture("68-activity-export").await;
    window.click("export-csv").await;
    let told = window.says("toast-text", "attempts are in").await;
    let path = told.split(" are in ").nth(1).expect("a path").trim();
    let file = std::fs::read_to_string(path).expect("the file");
    assert!(file.lines().any(|line| line.contains("slow-bot")));
}

async fn columns_are_chosen(window: &Window) {
    window.click("activity-columns").await;
    window.marked("column-feature", "aria-checked", "false").await;
    window.click("column-feature").await;
    window.click("column-tokens").await;
    window.marked("column-tokens", "aria-checked", "false").await;
    window.says("log", "Feature").await;
    window.picture("68-activity-columns").await;
    window.press(&["Escape"]).await;
    window.misses("column-feature").await;
}

/// A filter is there after another screen, and in the next window.
async fn filters_stay(window: Window, home: &Home) {
    choose(&window, "usage-status", "failed").await;
    window.press(&["g", "o"]).await;
    window.says("ov-spend-today", "$").await;
    window.press(&["g", "a"]).await;
    window.says("log", "Time").await;
    let failed = "return document.querySelector('[data-testid=usage-status]').value";
    assert_eq!(window.run::<String>(failed).await, "failed");
    window.close().await;
    let window = Window::open(home, &["--port", "0"]).await;
    window.see("nav-activity").await;
    window.press(&["g", "a"]).await;
    window.see("log").await;
    assert_eq!(window.run::<String>(failed).await, "failed");
    let heads =
        "return [...document.querySelectorAll('[data-testid=log] th')].map((head) => head.innerText).join()";
    let shown = window.run::<String>(heads).await;
    assert!(shown.contains("Feature") && !shown.contains("Tokens"), "{shown}");
    window.close().await;
}

/// Chooses in a native list.
async fn choose(window: &Window, id: &str, value: &str) {
    window.see(id).await;
    let body = format!(
        "const list = document.querySelector('[data-testid={id}]');
         list.value = '{value}';
         list.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    );
    window.run::<()>(&body).await;
}

async fn ask(window: &Window, prompt: &str) {
    window.press(&["g", "l"]).await;
    window.focuses("pg-prompt").await;
    window.fill("pg-prompt", prompt).await;
    window.press(&["Ctrl+Enter"]).await;
    window.says("pg-route", "Answered").await;
    window.run::<()>("document.activeElement.blur()").await;
}

async fn drawn(window: &Window) -> u32 {
    window.run("return document.querySelectorAll('[data-testid=line]').length").await
}

async fn the_bars_are_drawn(window: &Window) {
    let drawn = "const box = document.querySelector('[data-testid=activity-bars-chart]');
                 const drawing = box?.querySelector('.drawing svg');
                 return !!drawing && drawing.width.baseVal.value === box.clientWidth";
    window.until("the bars are drawn", async || window.run::<bool>(drawn).await.then_some(())).await;
}
