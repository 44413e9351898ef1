//! The Usage screen: from the sample data's month to one app's file.

mod charts;

use std::path::Path;

use crate::connections::explore;
use crate::driver::Home;
use crate::window::Window;

pub(crate) async fn from_a_month_to_a_file() {
    let home = Home::new();
    let window = explore(&home).await;
    window.press(&["g", "u"]).await;
    window.says("usage-cost", "$").await;
    window.see("group-openai").await;
    the_charts_are_drawn(&window).await;
    window.misses("toast").await;
    window.marks_root("theme", "light").await;
    for theme in ["dark", "light"] {
        window.press(&["Ctrl+Shift+l"]).await;
        window.marks_root("theme", theme).await;
        pictures(&window, theme).await;
    }

    charts::are_taken_along(&window).await;
    under_a_cap_and_at_a_price_of_ones_own(&window).await;

    window.click("usage-by-app").await;
    window.says("usage-table", "Cost by app").await;
    window.click("only-mt5-signal-bot").await;
    window.says("filter-app", "mt5-signal-bot").await;
    window.says("usage-more", "per signal").await;
    window.picture("63-usage-one-app").await;
    window.click("usage-export").await;
    window.see("export-csv").await;
    window.picture("64-usage-export").await;
    window.click("export-csv").await;
    let told = window.says("toast-text", "attempts are in").await;
    let path = told.split(" are in ").nth(1).expect("a path").trim();
    let file = std::fs::read_to_string(Path::new(path)).expect("the file");
    let apps: Vec<&str> = file.lines().skip(1).filter_map(|line| line.split(',').nth(5)).collect();
    assert!(!apps.is_empty() && apps.iter().all(|app| *app == "mt5-signal-bot"));

    // A figure leads to the requests behind it.
    window.run::<()>("document.querySelector('[data-testid^=requests-]').click()").await;
    window.says("filter-app", "mt5-signal-bot").await;
    window.says("activity-when", "last 30 d").await;
    window.see("line").await;

    // The filter is there after another screen, and in the next window.
    window.press(&["g", "o"]).await;
    window.says("ov-spend-today", "$").await;
    window.press(&["g", "u"]).await;
    window.says("filter-app", "mt5-signal-bot").await;
    window.close().await;
    let window = Window::open(&home, &["--port", "0"]).await;
    window.says("filter-app", "mt5-signal-bot").await;
    window.close().await;
}

async fn under_a_cap_and_at_a_price_of_ones_own(window: &Window) {
    let cap = "const { invoke } = window.__TAURI_INTERNALS__;
         const scope = { kind: 'all', name: '' };
         const terms = { cap: '5', on_limit: 'warn', degrade_to: null, levels: null };
         return invoke('budget_set', { draft: { scope, period: 'day', measure: 'money', ...terms } })";
    window.settle(cap).await;
    window.says("chart-cap", "Daily cap $5.00").await;
    let told = "const chart = document.querySelector('[data-testid=usage-spend-chart]');
         return chart.getAttribute('aria-label').includes('above the daily cap of $5.00')";
    assert!(window.run::<bool>(told).await);
    window.fill("own-input", "cheap").await;
    window.press(&["Enter"]).await;
    window.says("own-error", "is no price").await;
    window.fill("own-input", "0.10").await;
    window.fill("own-output", "0.40").await;
    window.press(&["Enter"]).await;
    window.says("usage-what-if", "$0.1 in, $0.4 out").await;
    window.misses("own-error").await;
    window.picture("69-usage-cap").await;
}

/// Days in view: of the calendar, and of the bars.
const CALENDAR: usize = 26 * 7;
const MONTH: usize = 30;

async fn has_slots(window: &Window, wanted: usize) {
    let drawn = format!(
        "const slots = document.querySelectorAll('[data-testid=usage-spend-chart] [data-slot]').length;
         return slots === {wanted} || null"
    );
    window.until("the chart", async || window.run::<Option<bool>>(&drawn).await).await;
}

async fn the_charts_are_drawn(window: &Window) {
    for chart in ["usage-spend-chart", "usage-hours-chart", "usage-tokens-chart", "usage-latency-chart"] {
        // As wide as there is room for: after a change of the window's size it is drawn anew.
        let drawn = format!(
            "const room = document.querySelector('[data-testid={chart}]');
             const picture = room?.querySelector('svg:has(text)');
             if (!picture) return null;
             return Math.abs(picture.getBoundingClientRect().width - room.clientWidth) < 2 ? true : null"
        );
        window.until(chart, async || window.run::<Option<bool>>(&drawn).await).await;
    }
}

async fn pictures(window: &Window, theme: &str) {
    the_charts_are_drawn(window).await;
    window.picture(&format!("60-usage-{theme}")).await;
    for (part, scrolled) in [(61, 600), (62, 1_300)] {
        let scroll = format!("document.querySelector('[data-testid=usage]').scrollTo(0, {scrolled})");
        window.run::<()>(&scroll).await;
        window.picture(&format!("{part}-usage-{theme}")).await;
    }
    window.run::<()>("document.querySelector('[data-testid=usage]').scrollTo(0, 0)").await;
    window.click("usage-calendar").await;
    has_slots(window, CALENDAR).await;
    window.picture(&format!("74-calendar-{theme}")).await;
    window.click("usage-calendar").await;
    has_slots(window, MONTH).await;
    if theme == "dark" {
        window.resize(960, 640).await;
        the_charts_are_drawn(window).await;
        window.picture("65-usage-small").await;
        window.resize(1280, 800).await;
    }
}
