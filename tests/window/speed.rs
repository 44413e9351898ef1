//! How fast the real window is over a desk's million attempts: measured in the page, told, and judged by nobody.

use jiff::tz::TimeZone;
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::{Engine, VaultChoice, desk};

use crate::driver::Home;
use crate::window::Window;

const ATTEMPTS: u32 = 1_000_000;
const DAYS: u32 = 1_095;
/// Each way is gone so often, and the middle time told.
const TURNS: usize = 9;
/// Pictures that the log is scrolled over.
const FRAMES: u32 = 240;

pub(crate) async fn of_a_million_attempts() {
    let home = Home::new();
    fill(&home).await;
    let window = Window::open(&home, &["--port", "0"]).await;
    window.says("ov-spend-today", "$").await;
    let cost = "document.querySelector('[data-testid=usage-cost]')?.textContent ?? ''";
    let first = "document.querySelector('[data-testid^=group-]')?.dataset.testid ?? ''";
    let drawn = "document.querySelector('[data-testid=usage-spend-chart] svg')?.outerHTML ?? ''";
    for (what, from, to, shows) in [
        ("Overview to Usage: figures", "nav-overview", "nav-usage", cost),
        ("Overview to Usage: chart of spend", "nav-overview", "nav-usage", drawn),
        ("Usage, 30 to 90 days: figures", "range-30", "range-90", cost),
        ("Usage, 30 to 90 days: chart of spend", "range-30", "range-90", drawn),
        ("Usage by provider to by model: table", "usage-by-provider", "usage-by-model", first),
    ] {
        let mut times = Vec::new();
        for _ in 0..TURNS {
            way(&window, from, shows).await;
            times.push(way(&window, to, shows).await);
        }
        println!("{what}: {:.0} ms", middle(times));
    }
    scroll(&window).await;
    window.close().await;
}

async fn fill(home: &Home) {
    let engine = Engine::open(&home.data(), VaultChoice::Memory).expect("a data folder");
    let options = SampleOptions { attempts: ATTEMPTS, days: DAYS, seed: 1 };
    desk::demo::load(&engine, options, TimeZone::system()).await.expect("sample data");
    engine.settle().await.expect("written");
}

/// From a click until what it leads to is painted, in milliseconds. Where it leads to nothing else, until the next picture.
async fn way(window: &Window, to: &str, shows: &str) -> f64 {
    let body = format!(
        "const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
         const shown = () => {shows};
         const before = shown();
         const began = performance.now();
         document.querySelector('[data-testid={to}]').click();
         for (let turn = 0; turn < 600; turn += 1) {{
             await painted();
             const now = shown();
             if ('{to}' === 'nav-overview' ? now === '' : now !== '' && now !== before) break;
         }}
         return performance.now() - began"
    );
    window.settle(&body).await.as_f64().expect("milliseconds")
}

async fn scroll(window: &Window) {
    window.click("nav-activity").await;
    window.see("line").await;
    let body = format!(
        "const log = document.querySelector('[data-testid=log]');
         const frame = () => new Promise(requestAnimationFrame);
         let last = await frame();
         const gaps = [];
         for (let turn = 0; turn < {FRAMES}; turn += 1) {{
             log.scrollTop += 90;
             const now = await frame();
             gaps.push(now - last);
             last = now;
         }}
         return gaps"
    );
    let gaps = window.settle(&body).await;
    let mut gaps: Vec<f64> =
        gaps.as_array().expect("a list").iter().filter_map(serde_json::Value::as_f64).collect();
    gaps.sort_by(f64::total_cmp);
    let at = |part: usize| gaps[(gaps.len() * part / 100).min(gaps.len() - 1)];
    let mean = gaps.iter().sum::<f64>() / f64::from(FRAMES);
    println!(
        "the log while it is scrolled: {:.0} pictures/s, {:.1} ms between two at p50, {:.1} at p95, {:.1} at most",
        1_000.0 / mean,
        at(50),
        at(95),
        at(100)
    );
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
