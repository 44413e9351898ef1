//! Budgets are kept: by callers side by side, over restarts, by other processes on the folder, and they say so.

use patchbay_core::alert::AlertKind;
use patchbay_core::budget::{Measure, OnLimit, Period, ScopeName};
use patchbay_engine::clock::Clock;
use patchbay_engine::desk::budgets::{self, Budget, BudgetDraft, BudgetKey};
use patchbay_engine::desk::{alerts, apps, status};
use patchbay_engine::{Engine, VaultChoice};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::upstream::{Step, Upstream, answer};
use crate::world::{World, demo, draft, header, json_of, question, refusal, until};

const DAY_MS: u64 = 24 * 3_600_000;

fn key(scope: &str, period: Period, measure: Measure) -> BudgetKey {
    BudgetKey { scope: ScopeName::parse(scope).expect("a scope"), period, measure }
}

fn daily(scope: &str, measure: Measure, cap: &str) -> BudgetDraft {
    BudgetDraft {
        key: key(scope, Period::Day, measure),
        cap: cap.to_owned(),
        on_limit: OnLimit::Stop,
        degrade_to: None,
        levels: None,
    }
}

async fn set(world: &World, draft: BudgetDraft) -> Budget {
    budgets::set(&world.engine, draft).await.unwrap()
}

async fn only(world: &World) -> Budget {
    budgets::list(&world.engine).await.unwrap().remove(0)
}

/// A short question with a short answer, and what it cost in nano-USD.
async fn paid(world: &World) -> i64 {
    let response = world.ask("demo-fast", &json!({ "max_tokens": 50 })).await;
    assert_eq!(response.status(), 200);
    world.last().await.cost_nano_usd.expect("the Demo's models have prices")
}

async fn stopped(world: &World, extra: &Value) -> String {
    let response = world.ask("demo-fast", extra).await;
    assert_eq!(header(&response, "x-should-retry"), "false");
    refusal(response, 402, "patchbay_budget_exceeded").await
}

fn dollars(nano: i64) -> String {
    patchbay_core::money::NanoUsd(nano).to_string()
}

#[tokio::test]
async fn n1_a_budget_stops_calls_until_its_day_ends() {
    let (world, demo) = World::with_demo().await;
    let cost = paid(&world).await;
    set(&world, daily("all", Measure::Money, &dollars(cost * 2))).await;
    paid(&world).await;
    let message = stopped(&world, &json!({})).await;
    assert!(message.contains("The daily budget, $") && message.contains("budgets resume"), "{message}");
    assert_eq!(demo.requests(), 2, "the third was not sent");
    let budget = only(&world).await;
    assert_eq!(
        (budget.is_reached, budget.percent),
        (true, 100),
        "what was spent before it was set counts, too"
    );
    world.clock.advance(DAY_MS);
    paid(&world).await;
}

#[tokio::test]
async fn n1_callers_side_by_side_overshoot_by_one_estimate_at_most() {
    let world = World::open().await;
    let upstream = Upstream::answering(vec![Step::text(answer(10, 20))]).await;
    world.connect("main", &upstream.base_url).await;
    let cost = paid(&world).await;
    let cap = cost * 40;
    set(&world, daily("all", Measure::Money, &dollars(cap))).await;
    let mut callers = JoinSet::new();
    for _ in 0..200 {
        let request = world.chat(question("demo-fast", &json!({ "max_tokens": 30 })));
        callers.spawn(async move {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap())
        });
    }
    let answers = callers.join_all().await;
    let answered = answers.iter().filter(|(status, _)| *status == 200).count();
    assert!(answers.iter().all(|(status, _)| [200, 402, 429].contains(status)), "{:?}", answers[0]);
    assert!(answered >= 39, "what is left is spent: {answered}");
    let spent = world.usage().await.totals.cost_nano_usd;
    // A prompt of some sixty bytes and thirty tokens cost more than the answer that came.
    let estimate = cost * 4;
    assert!(spent >= cap && spent <= cap + estimate, "{spent} of {cap}, one estimate is below {estimate}");
}

#[tokio::test]
async fn n1_two_hundred_callers_and_every_fault_do_not_break_a_budget() {
    let world = World::open().await;
    let limited = || {
        let head = [("retry-after", "1")];
        vec![Step::text(crate::upstream::whole(429, &head, r#"{"error":{"message":"slow down"}}"#))]
    };
    let broken = || vec![Step::text(crate::upstream::whole(500, &[], r#"{"error":{"message":"oops"}}"#))];
    let mut scripts = vec![limited(), broken(), vec![Step::Hold], limited(), broken(), limited(), limited()];
    scripts.extend((0..13).map(|_| vec![Step::text(answer(10, 20))]));
    let moody = Upstream::varying(scripts).await;
    let mut hasty = draft("moody", &moody.base_url);
    hasty.settings.timeout_s = Some(1);
    world.add(hasty).await;
    let well = demo();
    world.connect("well", well.base_url()).await;
    set(&world, daily("app:bot", Measure::Requests, "100")).await;
    let mut callers = JoinSet::new();
    for _ in 0..200 {
        let request = world.chat(question("demo-fast", &json!({})));
        callers.spawn(async move { request.send().await.unwrap().status().as_u16() });
    }
    let statuses = callers.join_all().await;
    assert!(statuses.iter().all(|status| [200, 402, 429, 502, 504].contains(status)), "{statuses:?}");
    let sent = moody.seen().len() + usize::try_from(well.requests()).unwrap();
    assert_eq!(sent, 100, "each request counts, also one that failed");
}

#[tokio::test]
async fn n1_every_scope_meets_its_own_calls() {
    let (world, demo) = World::with_demo().await;
    world.connect("other", demo.base_url()).await;
    paid(&world).await;
    for scope in ["provider:demo", "app:bot", "feature:news", "connection:main"] {
        set(&world, daily(scope, Measure::Requests, "0")).await;
        let met = world.ask("main/demo-fast", &json!({ "metadata": { "feature": "news" } })).await;
        assert_eq!(met.status(), 402, "{scope}");
        let other = world.ask("other/demo-fast", &json!({ "metadata": { "feature": "risk" } })).await;
        let expected = if matches!(scope, "provider:demo" | "app:bot") { 402 } else { 200 };
        assert_eq!(other.status(), expected, "{scope}");
        budgets::remove(&world.engine, key(scope, Period::Day, Measure::Requests)).await.unwrap();
    }
    let refused = budgets::set(&world.engine, daily("app:nobody", Measure::Money, "5")).await.unwrap_err();
    assert!(refused.message.contains("nobody"), "{refused:?}");
}

#[tokio::test]
async fn n1_a_connection_that_is_over_its_budget_passes_calls_on() {
    let (world, demo) = World::with_demo().await;
    world.connect("backup", demo.base_url()).await;
    set(&world, daily("connection:main", Measure::Requests, "1")).await;
    for expected in ["main", "backup", "backup"] {
        let response = world.ask("demo-fast", &json!({})).await;
        assert_eq!((response.status().as_u16(), header(&response, "x-patchbay-connection")), (200, expected));
    }
    let message = refusal(world.ask("main", &json!({})).await, 402, "patchbay_budget_exceeded").await;
    assert!(message.contains("of the connection main, 1 requests"), "{message}");
}

#[tokio::test]
async fn n1_a_budget_survives_a_restart_and_a_raised_cap_too() {
    let (world, _demo) = World::with_demo().await;
    set(&world, daily("all", Measure::Requests, "2")).await;
    for _ in 0..2 {
        paid(&world).await;
    }
    let world = world.restarted().await;
    stopped(&world, &json!({})).await;
    let budget =
        budgets::resume(&world.engine, key("all", Period::Day, Measure::Requests), "1").await.unwrap();
    assert_eq!((budget.cap.as_str(), budget.extra.as_str(), budget.is_reached), ("2", "1", false));
    let world = world.restarted().await;
    paid(&world).await;
    stopped(&world, &json!({ "stream": true })).await;
}

#[tokio::test]
async fn n1_what_another_process_on_the_folder_spends_counts() {
    let (world, _demo) = World::with_demo().await;
    set(&world, daily("all", Measure::Requests, "3")).await;
    paid(&world).await;
    let other = Engine::open_at(world.folder.path(), VaultChoice::Memory, Clock::default()).unwrap();
    let url = status::listen(&other, Some(0)).await.unwrap().url;
    let following = tokio::spawn(std::sync::Arc::clone(&world.engine).keep_up());
    let client = crate::world::client();
    for _ in 0..2 {
        let request = client.post(format!("{url}/v1/chat/completions")).bearer_auth(&world.token);
        let response = request.body(question("demo-fast", &json!({}))).send().await.unwrap();
        assert_eq!(response.status(), 200, "it knows of the first one");
    }
    until("both are counted here", async || only(&world).await.is_reached.then_some(())).await;
    stopped(&world, &json!({})).await;
    following.abort();
}

#[tokio::test]
async fn n1_a_cap_that_degrades_sends_calls_to_the_cheaper_model() {
    let (world, _demo) = World::with_demo().await;
    let degrades = |to: &str| BudgetDraft {
        on_limit: OnLimit::Degrade,
        degrade_to: Some(to.to_owned()),
        ..daily("all", Measure::Requests, "1")
    };
    for to in ["", "nobody-has-this"] {
        assert!(budgets::set(&world.engine, degrades(to)).await.is_err(), "{to:?}");
    }
    set(&world, degrades("main/demo-deep")).await;
    for (expected, echo) in [("demo-fast", "demo-fast"), ("demo-deep", "demo-fast")] {
        let response = world.ask("demo-fast", &json!({})).await;
        assert_eq!(header(&response, "x-patchbay-model"), expected);
        assert_eq!(json_of(response).await["model"], echo, "the caller's own name");
    }
    let row = world.last().await;
    assert_eq!((row.requested_model.as_str(), row.model.as_str()), ("demo-fast", "demo-deep"));
}

#[tokio::test]
async fn n2_each_level_is_told_once_and_closes_with_the_day() {
    let (world, _demo) = World::with_demo().await;
    set(&world, daily("all", Measure::Requests, "4")).await;
    let told = async || -> Vec<String> {
        world.engine.settle().await.unwrap();
        let untold = alerts::claim_untold(&world.engine).await.unwrap();
        untold.into_iter().map(|alert| format!("{} ({})", alert.title, alert.evidence)).collect()
    };
    let mut heard = Vec::new();
    for _ in 0..4 {
        paid(&world).await;
        heard.extend(told().await);
    }
    stopped(&world, &json!({})).await;
    heard.extend(told().await);
    assert_eq!(
        heard,
        [
            "Half the daily request budget is used (2 requests of 4 requests)",
            "The daily request budget is used up (4 requests of 4 requests)"
        ]
    );
    let world = world.restarted().await;
    stopped(&world, &json!({})).await;
    world.engine.settle().await.unwrap();
    assert!(alerts::claim_untold(&world.engine).await.unwrap().is_empty(), "not again after a restart");
    let all = alerts::list(&world.engine).await.unwrap();
    assert_eq!(all.open.iter().map(|alert| alert.kind).collect::<Vec<_>>(), [AlertKind::Budget]);

    world.clock.advance(DAY_MS);
    paid(&world).await;
    world.engine.settle().await.unwrap();
    let all = alerts::list(&world.engine).await.unwrap();
    assert_eq!((all.open.len(), all.closed.len()), (0, 1), "its cause has ended");
}

#[tokio::test]
async fn an_app_is_added_with_a_budget_of_its_own() {
    let (world, _demo) = World::with_demo().await;
    let new = apps::add_with_budget(&world.engine, "spender".into(), None, Some("0".into())).await.unwrap();
    let request = world.bare(reqwest::Method::POST, "/v1/chat/completions").bearer_auth(new.token);
    let response = request.body(question("demo-fast", &json!({}))).send().await.unwrap();
    let message = refusal(response, 402, "patchbay_budget_exceeded").await;
    assert!(message.contains("of the app spender, $0.00"), "{message}");
    assert_eq!(world.ask("demo-fast", &json!({})).await.status(), 200, "others go on");
}

#[tokio::test]
async fn a_budget_that_stops_everything_shows_in_the_status() {
    let (world, _demo) = World::with_demo().await;
    let shown = async || status::status(&world.engine, jiff::tz::TimeZone::UTC).await.unwrap();
    assert!(shown().await.budget_stop.is_none());
    set(&world, daily("all", Measure::Money, "0")).await;
    let now = shown().await;
    assert_eq!(now.today_cap.map(|cap| cap.0).as_deref(), Some("0"));
    let stop = now.budget_stop.expect("a stop");
    assert_eq!(stop.name, "daily budget");
    let of_all = key("all", Period::Day, Measure::Money);
    budgets::resume(&world.engine, of_all, "2").await.unwrap();
    let now = shown().await;
    assert_eq!((now.budget_stop.is_none(), now.today_cap.map(|cap| cap.0).as_deref()), (true, Some("2")));
}

#[tokio::test]
async fn n1_a_day_turns_at_midnight_in_the_traders_zone_also_when_clocks_change() {
    let (world, _demo) = World::with_demo().await;
    set(&world, daily("all", Measure::Requests, "1")).await;
    for name in ["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo"]
    {
        budgets::set_zone(&world.engine, name.into()).await.unwrap();
        let zone = patchbay_core::time::zone(name).expect("a zone");
        // Through a year: both changes of its clocks are among the days.
        for days in [2, 93, 97] {
            world.clock.advance(days * DAY_MS);
            assert_eq!(world.ask("demo-fast", &json!({})).await.status(), 200, "{name}");
            stopped(&world, &json!({})).await;
            let now = world.clock.moment().wall;
            let midnight = only(&world).await.resets_at;
            assert!(midnight > now && midnight.0 - now.0 <= 25 * 3_600_000, "{name}");
            let (before, after) = (midnight.plus_ms(-1).day(&zone), midnight.day(&zone));
            assert_eq!(before.tomorrow().ok(), Some(after), "{name} {days}");
            world.clock.advance(u64::try_from(midnight.0 - now.0 - 1_000).unwrap());
            assert_eq!(world.ask("demo-fast", &json!({})).await.status(), 402, "{name}: a second before");
            world.clock.advance(1_000);
            assert_eq!(world.ask("demo-fast", &json!({})).await.status(), 200, "{name}: a new day");
        }
    }
    assert!(budgets::set_zone(&world.engine, "Mars/Olympus".into()).await.is_err());
}
