//! Profiles and aliases as bots meet them: names of models, with a chain and a recipe.

use patchbay_core::code::Code;
use patchbay_core::connection::Limits;
use patchbay_core::profile::{Spec, SpecTarget, WhenUntaken};
use patchbay_engine::demo::DemoFault;
use patchbay_engine::desk::drill::{self, DrillOutcome, DrillRequest, TroubleKind};
use patchbay_engine::desk::profiles::{self, Heirs, ProfileDraft};
use patchbay_engine::desk::{aliases, connections, retention};
use patchbay_store::{Db, Store, rollup};
use serde_json::{Value, json};

use crate::upstream::{Upstream, answer};
use crate::world::{World, demo, draft, header, json_of, refusal};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn to(connection: &str, model: &str) -> SpecTarget {
    SpecTarget { connection: Some(connection.into()), provider: None, model: model.into() }
}

fn chain(targets: &[(&str, &str)]) -> Spec {
    Spec { targets: targets.iter().map(|(key, model)| to(key, model)).collect(), ..Spec::default() }
}

async fn profile(world: &World, name: &str, spec: Spec) {
    let draft = ProfileDraft { name: name.into(), spec, note: String::new() };
    profiles::add(&world.engine, draft).await.unwrap();
}

/// The body of the last request that a server saw.
fn last_body(upstream: &Upstream) -> Value {
    let seen = upstream.seen();
    let (_, body) = seen.last().expect("a request").split_once("\r\n\r\n").expect("a body");
    serde_json::from_str(body).expect("JSON")
}

#[tokio::test]
async fn f7_a_profile_leads_along_its_chain_with_a_model_for_each_step() {
    let world = World::open().await;
    let (first, second) = (demo(), demo());
    world.connect("first", first.base_url()).await;
    world.connect("second", second.base_url()).await;
    profile(&world, "signals", chain(&[("first", "demo-fast"), ("second", "demo-deep")])).await;
    first.set_fault(DemoFault::ServerError);

    let response = world.ask("signals", &json!({})).await;
    assert_eq!(response.status(), 200);
    let told = |name: &str| header(&response, name).to_owned();
    assert_eq!(
        (told("x-patchbay-connection"), told("x-patchbay-model")),
        ("second".into(), "demo-deep".into())
    );
    assert_eq!(json_of(response).await["model"], "signals", "the answer echoes what was asked for");
    let log = world.log().await;
    let seen: Vec<_> = log.iter().map(|line| (line.connection.as_str(), line.model.as_str())).collect();
    assert_eq!(seen, [("first", "demo-fast"), ("second", "demo-deep")], "each once");
    assert!(log.iter().all(|line| line.profile == "signals" && line.requested_model == "signals"));
}

#[tokio::test]
async fn m2_a_call_records_the_version_that_it_was_made_with() {
    let (world, _demo) = World::with_demo().await;
    profile(&world, "signals", chain(&[("main", "demo-fast")])).await;
    world.ask("signals", &json!({})).await.bytes().await.unwrap();
    let warmer = Spec { temperature: Some(0.9), ..chain(&[("main", "demo-fast")]) };
    let draft = ProfileDraft { name: "signals".into(), spec: warmer, note: "warmer".into() };
    let edited = profiles::edit(&world.engine, draft.clone(), Some(1)).await.unwrap();
    assert!(edited.changed && edited.profile.version == 2);
    world.ask("signals", &json!({})).await.bytes().await.unwrap();
    let versions: Vec<_> = world.log().await.iter().map(|line| line.profile_version).collect();
    assert_eq!(versions, [Some(1), Some(2)]);

    let again = profiles::edit(&world.engine, draft.clone(), None).await.unwrap();
    assert!(!again.changed, "an edit that changes nothing makes no version");
    let late = profiles::edit(&world.engine, draft, Some(1)).await.expect_err("it was seen at version 1");
    assert_eq!(late.code, Code::InvalidInput);

    let restored = profiles::restore(&world.engine, "signals", 1).await.unwrap();
    assert_eq!((restored.profile.version, restored.profile.spec.temperature), (3, None));
    let history = profiles::versions(&world.engine, "signals").await.unwrap();
    let told: Vec<_> = history.iter().map(|version| (version.number, version.is_current)).collect();
    assert_eq!(told, [(3, true), (2, false), (1, false)]);
    assert_eq!(
        (history[1].changes[0].field.as_str(), history[1].changes[0].after.as_str()),
        ("temperature", "0.9")
    );
}

#[tokio::test]
async fn m5_the_call_comes_before_the_profile() {
    let world = World::open().await;
    let upstream =
        Upstream::saying(200, "application/json", answer(1, 1).split_once("\r\n\r\n").unwrap().1).await;
    world.add(draft("main", &upstream.base_url)).await;
    let spec = Spec {
        temperature: Some(0.3),
        max_tokens: Some(50),
        system_prompt: Some("Answer long, short or flat.".into()),
        ..chain(&[("main", "demo-fast")])
    };
    profile(&world, "signals", spec).await;
    let response = world.ask("signals", &json!({ "temperature": 1.5 })).await;
    assert_eq!(response.status(), 200, "{:?}", response.text().await);
    let sent = last_body(&upstream);
    assert_eq!((&sent["temperature"], &sent["max_tokens"]), (&json!(1.5), &json!(50)));
    assert_eq!(sent["messages"][0], json!({ "role": "system", "content": "Answer long, short or flat." }));
    assert_eq!(sent["model"], "demo-fast");
}

#[tokio::test]
async fn m5_the_limits_of_a_profile_hold_on_top_of_its_connections() {
    let (world, _demo) = World::limited(Limits { rate_limit_per_minute: Some(5), ..Limits::default() }).await;
    let spec = Spec { rate_limit_per_minute: Some(2), wait_s: Some(0), ..chain(&[("main", "demo-fast")]) };
    profile(&world, "signals", spec).await;
    for status in [200, 200, 429] {
        assert_eq!(world.ask("signals", &json!({})).await.status(), status);
    }
    assert_eq!(world.ask("main", &json!({})).await.status(), 200, "others have what is left");
}

/// As if the same calls had been made before.
fn copy_into_the_past(world: &World, ms: i64) {
    let store = Store::open(world.folder.path()).unwrap();
    let copy = move |db: &Db| {
        let sql = "INSERT INTO usage (call, attempt, at, series_id, final, requested_model, input_tokens, output_tokens,
                       cost_nano_usd, cost_source, total_ms, status, streamed)
                   SELECT randomblob(16), attempt, at - ?1, series_id, final, requested_model, input_tokens, output_tokens,
                       cost_nano_usd, cost_source, total_ms, status, streamed FROM usage";
        db.execute(sql, [ms])?;
        rollup::rebuild(db)
    };
    store.write(copy).unwrap();
}

#[tokio::test]
async fn t3_a_limit_of_thirty_days_counts_what_was_archived_after_seven() {
    let (world, demo) = World::with_demo().await;
    let spec = chain(&[("main", "demo-fast")]);
    profile(&world, "signals", spec.clone()).await;
    for _ in 0..2 {
        assert_eq!(world.ask("signals", &json!({})).await.status(), 200);
    }
    copy_into_the_past(&world, 20 * DAY_MS);
    // The newest row is never archived.
    assert_eq!(world.ask("main", &json!({})).await.status(), 200);
    retention::set_days(&world.engine, 7).await.unwrap();
    assert_eq!(retention::run(&world.engine).await.unwrap().attempts, 2);
    let five = Spec {
        rate_limit_requests: Some(5),
        rate_limit_period_s: Some(30 * 86_400),
        wait_s: Some(0),
        ..spec
    };
    let draft = ProfileDraft { name: "signals".into(), spec: five, note: String::new() };
    profiles::edit(&world.engine, draft, None).await.unwrap();
    let world = world.restarted().await;
    assert_eq!(world.ask("signals", &json!({})).await.status(), 200, "the fifth");
    let refused = world.ask("signals", &json!({})).await;
    let wait: i64 = header(&refused, "retry-after").parse().unwrap();
    assert!(
        (9 * DAY_MS..=10 * DAY_MS).contains(&(wait * 1_000)),
        "until the oldest is 30 days old: {wait} s"
    );
    refusal(refused, 429, "rate_limit_exceeded").await;
    assert_eq!(demo.requests(), 4);
}

#[tokio::test]
async fn r3_what_a_profile_used_survives_a_restart() {
    let (world, _demo) = World::with_demo().await;
    let spec = Spec { rate_limit_per_day: Some(2), wait_s: Some(0), ..chain(&[("main", "demo-fast")]) };
    profile(&world, "signals", spec).await;
    assert_eq!(world.ask("signals", &json!({})).await.status(), 200);
    let world = world.restarted().await;
    for status in [200, 429] {
        assert_eq!(world.ask("signals", &json!({})).await.status(), status);
    }
}

#[tokio::test]
async fn r4_a_profile_may_fail_at_the_first_connection_that_is_full() {
    let world = World::open().await;
    let (first, second) = (demo(), demo());
    let one = Limits { rate_limit_per_minute: Some(1), ..Limits::default() };
    world.add(crate::world::limited_draft("first", first.base_url(), one)).await;
    world.connect("second", second.base_url()).await;
    let steps = [("first", "demo-fast"), ("second", "demo-fast")];
    profile(&world, "rotates", chain(&steps)).await;
    let fails = Spec { when_full: Some(patchbay_core::profile::FullPolicy::Fail), ..chain(&steps) };
    profile(&world, "fails", fails).await;
    assert_eq!(world.ask("fails", &json!({})).await.status(), 200);
    let refused = world.ask("fails", &json!({})).await;
    assert!(header(&refused, "retry-after").parse::<u32>().unwrap() > 0);
    refusal(refused, 429, "rate_limit_exceeded").await;
    assert_eq!(world.ask("rotates", &json!({})).await.status(), 200);
    assert_eq!(world.last().await.connection, "second");
}

#[tokio::test]
async fn m5_streams_that_a_profile_refuses_are_not_sent() {
    let (world, _demo) = World::with_demo().await;
    profile(&world, "whole", Spec { streaming_enabled: Some(false), ..chain(&[("main", "demo-fast")]) })
        .await;
    assert_eq!(world.ask("whole", &json!({})).await.status(), 200);
    let refused = world.ask("whole", &json!({ "stream": true })).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.text().await.unwrap().contains("streams are switched off"));
}

#[tokio::test]
async fn m4_what_a_model_does_not_take_is_told_in_a_header_or_passes_the_step_by() {
    let world = World::open().await;
    let body = answer(1, 1).split_once("\r\n\r\n").unwrap().1.to_owned();
    let (openai, other) = (
        Upstream::saying(200, "application/json", &body).await,
        Upstream::saying(200, "application/json", &body).await,
    );
    let mut mini = draft("mini", &openai.base_url);
    mini.provider = "openai".into();
    mini.secret = Some(patchbay_core::secret::Secret::new("sk-test-000000000000000000000000".into()));
    world.add(mini).await;
    world.add(draft("other", &other.base_url)).await;
    patchbay_engine::desk::connections::enable(&world.engine, "mini", jiff::tz::TimeZone::UTC).await.unwrap();
    let steps = [("mini", "gpt-5-mini"), ("other", "demo-fast")];
    profile(&world, "drops", Spec { temperature: Some(0.3), ..chain(&steps) }).await;
    let refuses = Spec { temperature: Some(0.3), when_untaken: WhenUntaken::Refuse, ..chain(&steps) };
    profile(&world, "refuses", refuses).await;

    let dropped = world.ask("drops", &json!({})).await;
    assert_eq!(header(&dropped, "x-patchbay-connection"), "mini");
    assert!(header(&dropped, "x-patchbay-notices").contains("`temperature`"));
    dropped.bytes().await.unwrap();
    assert!(last_body(&openai).get("temperature").is_none());

    let passed = world.ask("refuses", &json!({})).await;
    assert_eq!(header(&passed, "x-patchbay-connection"), "other");
    passed.bytes().await.unwrap();
    assert_eq!(last_body(&other)["temperature"], json!(0.3));
    assert_eq!(openai.seen().len(), 1, "what the profile wants refused is not sent");
    let hints = profiles::get(&world.engine, "drops").await.unwrap().hints;
    assert_eq!((hints[0].setting, hints[0].model.as_str()), ("temperature", "gpt-5-mini"));
}

#[tokio::test]
async fn a_profile_and_an_alias_are_models_and_are_listed_first() {
    let (world, _demo) = World::with_demo().await;
    profile(&world, "signals", chain(&[("main", "demo-deep")])).await;
    aliases::set(&world.engine, "gpt-5.5", "signals").await.unwrap();
    aliases::set(&world.engine, "gpt-4o", "main/demo-fast").await.unwrap();
    for (asked, served) in [("gpt-5.5", "demo-deep"), ("gpt-4o", "demo-fast")] {
        let response = world.ask(asked, &json!({})).await;
        assert_eq!(header(&response, "x-patchbay-model"), served);
        assert_eq!(json_of(response).await["model"], asked);
    }
    let listed = json_of(world.get("/v1/models").await).await;
    let ids: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids[..3], ["signals", "gpt-4o", "gpt-5.5"], "{ids:?}");

    for (alias, target) in
        [("x", "gpt-4o"), ("x", "nowhere"), ("signals", "main/demo-fast"), ("a b", "signals")]
    {
        let refused = aliases::set(&world.engine, alias, target).await.expect_err(alias);
        assert!(matches!(refused.code, Code::InvalidInput | Code::NameTaken), "{refused}");
    }
}

#[tokio::test]
async fn m6_what_is_in_use_is_not_removed_unless_somebody_takes_over() {
    let (world, demo) = World::with_demo().await;
    world.connect("spare", demo.base_url()).await;
    profile(&world, "old", chain(&[("main", "demo-fast")])).await;
    profile(&world, "new", chain(&[("spare", "demo-fast")])).await;
    aliases::set(&world.engine, "gpt-5.5", "old").await.unwrap();

    let refused = connections::remove(&world.engine, "main").await.expect_err("a profile leads there");
    assert_eq!(refused.code, Code::InUse);
    assert!(refused.message.contains("the profile old"), "{refused}");
    let led = profiles::retarget(&world.engine, ("main", "spare"), None).await.unwrap();
    assert_eq!(led, ["old"]);
    assert_eq!(profiles::get(&world.engine, "old").await.unwrap().version, 2);
    connections::remove(&world.engine, "main").await.unwrap();
    let lost = profiles::restore(&world.engine, "old", 1).await.expect_err("its connection is gone");
    assert!(lost.message.contains("\"main\""), "{lost}");

    for gone in [
        profiles::remove(&world.engine, "old", Heirs::Block).await.map(drop),
        profiles::archive(&world.engine, "old", Heirs::Block).await.map(drop),
    ] {
        let refused = gone.expect_err("an alias leads there");
        assert_eq!(refused.code, Code::InUse);
        assert!(refused.message.contains("the alias gpt-5.5"), "{refused}");
    }
    profiles::archive(&world.engine, "old", Heirs::Reassign("new".into())).await.unwrap();
    assert_eq!(aliases::list(&world.engine).unwrap()[0].target, "new");
    refusal(world.ask("old", &json!({})).await, 404, "model_not_found").await;
    profiles::unarchive(&world.engine, "old").await.unwrap();
    assert_eq!(world.ask("old", &json!({})).await.status(), 200);
    profiles::remove(&world.engine, "old", Heirs::Block).await.unwrap();
}

#[tokio::test]
async fn a_drill_tells_who_has_no_home_and_touches_nobody() {
    let world = World::open().await;
    let (first, second) = (demo(), demo());
    world.connect("first", first.base_url()).await;
    world.connect("second", second.base_url()).await;
    profile(&world, "safe", chain(&[("first", "demo-fast"), ("second", "demo-fast")])).await;
    profile(&world, "alone", chain(&[("first", "demo-fast")])).await;
    let request = DrillRequest { struck: "first".into(), trouble: TroubleKind::Outage, first_byte_ms: None };
    let report = drill::run(&world.engine, &request).unwrap();
    assert_eq!(report.homeless, 1);
    let homes: Vec<_> = report.rows.iter().map(|row| (row.name.as_str(), row.home.as_deref())).collect();
    assert_eq!(homes, [("alone", None), ("safe", Some("The second"))]);
    assert_eq!(report.rows[1].stops[0].outcome, DrillOutcome::Fails);
    assert_eq!(report.rows[1].delay_ms, 5_000, "an outage is noticed when the connection times out");
    assert!(world.log().await.is_empty(), "nothing was sent");
    assert_eq!(world.ask("alone", &json!({})).await.status(), 200, "and nobody's health changed");
    let unknown = DrillRequest { struck: "nobody".into(), ..request };
    assert_eq!(drill::run(&world.engine, &unknown).expect_err("nobody").code, Code::InvalidInput);
}

#[tokio::test]
async fn a_profile_in_another_process_is_seen_at_once() {
    let (world, _demo) = World::with_demo().await;
    let other =
        patchbay_engine::Engine::open(world.folder.path(), patchbay_engine::VaultChoice::Memory).unwrap();
    let draft =
        ProfileDraft { name: "signals".into(), spec: chain(&[("main", "demo-deep")]), note: String::new() };
    profiles::add(&other, draft).await.unwrap();
    let response = world.ask("signals", &json!({})).await;
    assert_eq!(header(&response, "x-patchbay-model"), "demo-deep");
}
