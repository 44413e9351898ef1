//! From a fresh machine to the first cost: a key, a bot's call, a prompt by hand.

use patchbay_core::secret::Secret;
use patchbay_engine::demo::{DemoOptions, DemoServer, Pace};
use serde_json::json;

use crate::driver::Home;
use crate::gateway;
use crate::window::Window;

/// A provider of this test's own that wants a key.
pub(crate) fn provider(key: &str, pace: Pace) -> DemoServer {
    DemoServer::start(DemoOptions { require_key: Some(Secret::new(key.to_owned())), pace })
        .expect("the provider starts")
}

/// Picks "Other" in the first run and fills in all but the key.
pub(crate) async fn describe(window: &Window, provider: &DemoServer) {
    window.see("first-run").await;
    window.click("fr-provider-compatible").await;
    window.fill("fr-base-url", provider.base_url()).await;
    window.fill("fr-name", "Desk provider").await;
}

/// What the last step of the first run gives to a bot.
pub(crate) struct Bot {
    pub(crate) base_url: String,
    pub(crate) token: String,
    pub(crate) model: String,
}

/// Keeps the budget that is offered, makes the bot's token, and reads everything else from the snippets, as a trader would.
pub(crate) async fn bot(window: &Window) -> Bot {
    window.click("fr-set-budget").await;
    window.click("fr-make-token").await;
    window.see("app-token").await;
    let token = window.value("app-token").await;
    window.click("fr-snippet-env").await;
    let env = window.says("fr-snippet-text", &token).await;
    let base_url = env.lines().find_map(|line| line.strip_prefix("OPENAI_BASE_URL="));
    window.click("fr-snippet-curl").await;
    let curl = window.says("fr-snippet-text", "\"model\"").await;
    let model = curl.split("\"model\": \"").nth(1).and_then(|rest| rest.split('"').next());
    Bot {
        base_url: base_url.expect("an address").to_owned(),
        token,
        model: model.expect("a model").to_owned(),
    }
}

pub(crate) async fn to_first_cost() {
    let key = "sk-canary-first-run-6b1d0a5e";
    let provider = provider(key, Pace::Natural);
    let home = Home::new();
    let window = Window::open(&home, &["--port", "0"]).await;
    describe(&window, &provider).await;
    window.picture("01-first-run").await;

    a_wrong_key_saves_nothing(&window).await;
    the_right_key_passes_and_is_saved(&window, key).await;
    assert_eq!(window.value("fr-cap").await, "5.00");
    window.picture("02b-first-run-budget").await;
    let bot = bot(&window).await;
    let budgets = window.invoke("budgets").await;
    assert_eq!((&budgets[0]["cap"], &budgets[0]["on_limit"]), (&json!("5"), &json!("stop")));
    window.picture("03-first-run-token").await;
    the_first_call_arrives(&window, &bot).await;
    assert_eq!(provider.requests(), 3, "a tiny completion and a stream of the test, one call of the bot");

    the_overview_counts_it_without_a_price(&window).await;
    the_demo_provider_is_added(&window).await;
    let cost = a_prompt_streams_and_costs(&window).await;
    two_models_are_compared(&window).await;
    the_overview_tells_the_cost(&window, &cost).await;
    window.close().await;
}

async fn a_wrong_key_saves_nothing(window: &Window) {
    let wrong = "sk-canary-wrong-0c7f31aa";
    window.fill("fr-secret", wrong).await;
    window.click("fr-test-save").await;
    window.marked("add-report", "data-verdict", "failed").await;
    window.marked("stage-tcp", "data-verdict", "passed").await;
    window.marked("stage-auth", "data-verdict", "failed").await;
    window.says("remedies", "key").await;
    window.see("remedy-replace_key").await;
    assert_eq!(window.value("fr-secret").await, wrong, "the typed key is kept");
    assert_eq!(window.invoke("connections").await, json!([]), "nothing is saved");
    window.picture("02-key-refused").await;
    window.click("remedy-replace_key").await;
    window.focuses("fr-secret").await;
}

async fn the_right_key_passes_and_is_saved(window: &Window, key: &str) {
    window.fill("fr-secret", key).await;
    watch_stages(window).await;
    window.press(&["Ctrl+Enter"]).await;
    window.see("fr-cap").await;
    let seen: Vec<String> = window.run("return window.seen").await;
    for stage in ["dns", "tcp", "auth", "models"] {
        let passed = format!("stage-{stage} passed");
        assert!(seen.contains(&passed), "{passed} is missing in {seen:?}");
    }
    let running = "stage-completion running".to_owned();
    assert!(seen.contains(&running), "{running} is missing in {seen:?}");
    let connections = window.invoke("connections").await;
    assert_eq!(connections[0]["name"], "Desk provider");
    assert_eq!(connections[0]["credential"]["tail"], key[key.len() - 4..]);
}

/// Notes every verdict that a stage ever shows: a test that passes is over within a few frames.
async fn watch_stages(window: &Window) {
    const SCRIPT: &str = "
        window.seen = [];
        const look = () => document.querySelectorAll('[data-testid^=stage-]').forEach(({ dataset }) => {
            const line = `${dataset.testid} ${dataset.verdict}`;
            if (!window.seen.includes(line)) window.seen.push(line);
        });
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });";
    window.run::<()>(SCRIPT).await;
}

async fn the_first_call_arrives(window: &Window, bot: &Bot) {
    window.marked("fr-listening", "data-called", "false").await;
    let (status, answer) = gateway::ask(&bot.base_url, &bot.token, &bot.model).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer.contains("\"content\":"), "{answer}");
    window.marked("fr-listening", "data-called", "true").await;
    window.says("fr-listening", "Your first call arrived").await;
    window.picture("04-first-call").await;
    let (status, _) = gateway::ask(&bot.base_url, "pb_wrong", &bot.model).await;
    assert_eq!(status, 401, "another token is refused");
}

async fn the_overview_counts_it_without_a_price(window: &Window) {
    window.click("fr-open-overview").await;
    // The two questions of the test are calls too.
    window.says("ov-requests", "\n3").await;
    window.says("ov-spend-today", "$0.00").await;
    window.says("ov-unpriced", "3 attempts of unknown price: demo-fast").await;
    window.says("ov-gateway", "Listening").await;
    window.says("ov-top", "my-bot").await;
    window.picture("05-overview-first-call").await;
}

/// Its models have prices.
async fn the_demo_provider_is_added(window: &Window) {
    window.press(&["Ctrl+n"]).await;
    window.see("add-dialog").await;
    window.click("add-more-providers").await;
    window.click("add-provider-demo").await;
    window.fill("add-name", "Demo fast").await;
    window.fill("add-key", "demo_fast").await;
    window.picture("06-add-connection").await;
    window.press(&["Ctrl+Enter"]).await;
    window.see("conn-demo_fast").await;
    window.says("detail-health", "Healthy").await;
}

/// Answers what the run cost, as it is shown.
async fn a_prompt_streams_and_costs(window: &Window) -> String {
    window.press(&["Escape", "g", "l"]).await;
    window.focuses("pg-prompt").await;
    window.fill("pg-target", "demo-deep").await;
    window.press(&["Enter"]).await;
    window.marked("pg-target", "data-value", "demo_fast/demo-deep").await;
    watch_growth(window).await;
    window.fill("pg-prompt", "Long or short?").await;
    window.press(&["Ctrl+Enter"]).await;
    window.says("pg-route", "no failover").await;
    window.says("attempt-1", "Answered").await;
    window.says("attempt-1", "Demo fast").await;
    let answer = window.text("pg-answer").await;
    assert!(answer.len() > 20, "{answer}");
    let sizes: Vec<u32> = window.run("return window.sizes").await;
    assert!(sizes.len() > 5, "the answer came in pieces: {sizes:?}");
    window.says("pg-tokens", " + ").await;
    let cost = window.reads("pg-cost", |text| text.starts_with("$0.00")).await;
    window.says("pg-history", "demo-deep").await;
    window.picture("07-playground").await;
    cost
}

/// Notes how long the answer was each time that it changed.
async fn watch_growth(window: &Window) {
    const SCRIPT: &str = "
        window.sizes = [];
        const look = () => {
            const size = document.querySelector('[data-testid=pg-answer]')?.textContent.trim().length ?? 0;
            if (size > (window.sizes.at(-1) ?? 0)) window.sizes.push(size);
        };
        new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });";
    window.run::<()>(SCRIPT).await;
}

/// Two models side by side; the cheaper one says so.
async fn two_models_are_compared(window: &Window) {
    window.click("pg-columns-two").await;
    window.fill("pg-target-b", "demo-fast").await;
    window.press(&["Enter"]).await;
    window.marked("pg-target-b", "data-value", "demo_fast/demo-fast").await;
    window.click("pg-prompt").await;
    window.press(&["Ctrl+Enter"]).await;
    window.says("pg-history", "2 models").await;
    window.reads("pg-cost", |text| text.starts_with("$0.00")).await;
    window.reads("pg-cost-b", |text| text.starts_with("$0.0000")).await;
    window.picture("08-playground-two").await;
}

async fn the_overview_tells_the_cost(window: &Window, cost: &str) {
    window.press(&["Escape"]).await;
    window.click("nav-overview").await;
    window.says("ov-requests", "\n8").await;
    window.reads("ov-spend-today", |text| dollars(text) > 0.001).await;
    window.reads("status-today", |text| dollars(text) > 0.001).await;
    window.says("ov-conn-demo_fast", "100%").await;
    //
    let today = window.invoke("overview").await["today"]["cost"].clone();
    let today: f64 = today.as_str().and_then(|text| text.parse().ok()).expect("a sum");
    assert!(today > 2.0 * dollars(cost), "{today} holds {cost} twice");
    window.run::<()>("document.querySelector('[data-testid=spend-chart]').focus()").await;
    window.press(&["End"]).await;
    window.says("spend-chart", "$0.00").await;
    let tip: String =
        window.run("return document.querySelector('[data-testid=spend-chart] .tip').innerText").await;
    assert!(dollars(&tip) > 0.001, "today has a bar: {tip}");
    window.picture("09-overview-cost").await;
    window.click("spend-options").await;
    window.click("spend-as-table").await;
    window.says("chart-table", "Demo").await;
}

/// The first amount of a text: 0.0019 of `Spend today $0.0019`.
fn dollars(text: &str) -> f64 {
    let digits = text.split('$').nth(1).unwrap_or_default();
    let end = digits.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().unwrap_or(0.0)
}
