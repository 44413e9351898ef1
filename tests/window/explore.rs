//! Explore: a number by groups and groups inside them, and the views that are saved of it.

use crate::connections::explore as look_around;
use crate::driver::Home;
use crate::window::Window;

pub(crate) async fn from_a_number_to_a_saved_view() {
    let home = Home::new();
    let window = look_around(&home).await;
    window.misses("toast").await;
    window.press(&["g", "u"]).await;
    window.says("usage-cost", "$").await;
    window.press(&["]"]).await;
    window.says("explore-whole", "$").await;
    window.see("group-openai").await;
    window.marks_root("theme", "light").await;
    for theme in ["dark", "light"] {
        window.press(&["Ctrl+Shift+l"]).await;
        window.marks_root("theme", theme).await;
        pictures(&window, theme).await;
    }
    save_what_is_asked(&window).await;
    bring_a_deleted_view_back(&window).await;
    lead_to_the_requests(&window).await;

    // Both are there in the next window: what was shown last, and what was saved.
    window.press(&["g", "u"]).await;
    window.says("explore-table", "Attempts by app").await;
    window.close().await;
    let window = Window::open(&home, &["--port", "0"]).await;
    window.says("explore-table", "Attempts by app").await;
    window.click("views").await;
    window.see("view-Attempts of bots").await;
    window.close().await;
}

async fn pictures(window: &Window, theme: &str) {
    ask(window, "explore-metric", "spend").await;
    ask(window, "explore-then", "model").await;
    window.says("explore-table", "Spend by provider").await;
    is_drawn(window).await;
    window.picture(&format!("66-explore-{theme}")).await;
    ask(window, "explore-then", "").await;
    ask(window, "explore-metric", "latency_p95").await;
    window.says("explore-table", "Latency p95 by provider").await;
    is_drawn(window).await;
    window.picture(&format!("67-explore-times-{theme}")).await;
}

/// A number, groups, groups inside them; then away, and back by the palette.
async fn save_what_is_asked(window: &Window) {
    ask(window, "explore-metric", "attempts").await;
    ask(window, "explore-by", "app").await;
    ask(window, "explore-then", "model").await;
    window.click("explore-top-3").await;
    window.says("explore-table", "Attempts by app").await;
    let sum = window.text("explore-total").await;
    window.says("explore-whole", &sum).await;
    window.click("views").await;
    window.click("view-save").await;
    window.press(&["Enter"]).await;
    window.says("views-menu", "A view needs a name").await;
    window.fill("view-name", "Attempts of bots").await;
    window.press(&["Enter"]).await;
    window.says("toast-text", "saved as Attempts of bots").await;
    window.click("views").await;
    window.resize(960, 640).await;
    is_drawn(window).await;
    window.picture("68-explore-small").await;
    window.press(&["Escape"]).await;
    window.resize(1280, 800).await;

    ask(window, "explore-metric", "spend").await;
    window.press(&["g", "o"]).await;
    window.says("ov-spend-today", "$").await;
    window.press(&["Ctrl+k"]).await;
    window.fill("palette-input", "Attempts of").await;
    window.press(&["Enter"]).await;
    window.says("explore-table", "Attempts by app").await;
    window.marked("explore-top-3", "aria-pressed", "true").await;
}

async fn bring_a_deleted_view_back(window: &Window) {
    window.click("views").await;
    window.focuses("view-Attempts of bots").await;
    window.press(&["Delete"]).await;
    window.says("toast-text", "is deleted").await;
    assert_eq!(window.invoke("saved_views").await.as_array().map(Vec::len), Some(0));
    window.click("toast-action").await;
    window.click("views").await;
    window.see("view-Attempts of bots").await;
    window.press(&["Escape"]).await;
}

/// By keys alone, to what is behind the first row.
async fn lead_to_the_requests(window: &Window) {
    window.run::<()>("document.querySelector('[data-testid=explore-table] tbody tr').focus()").await;
    window.press(&["Down", "Enter"]).await;
    window.see("filter-app").await;
    window.see("filter-model").await;
    window.says("activity-when", "last 30 d").await;
}

/// Picks from a list.
async fn ask(window: &Window, id: &str, value: &str) {
    window.see(id).await;
    let pick = format!(
        "const list = document.querySelector('[data-testid=\"{id}\"]');
         list.value = '{value}';
         list.dispatchEvent(new Event('change', {{ bubbles: true }}))"
    );
    window.run::<()>(&pick).await;
}

async fn is_drawn(window: &Window) {
    let drawn = "return document.querySelector('[data-testid=explore-chart-chart] svg text') ? true : null";
    window.until("the chart is drawn", async || window.run::<Option<bool>>(drawn).await).await;
}
