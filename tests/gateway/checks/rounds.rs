//! Many tests at once, and those that run by themselves.

use jiff::tz::TimeZone;
use patchbay_core::diagnose::{Spend, Verdict};
use patchbay_core::schedule::CheckSchedule;
use patchbay_engine::clock;
use patchbay_engine::desk::{checks, connections};

use super::{draft, nobody_watches};
use crate::bad::{BadProvider, Door, Fault, Setting, fault, sound};
use crate::world::{World, until};

/// A world with so many connections to one provider.
async fn world_of(many: usize, fault: &Fault) -> (World, BadProvider, Vec<String>) {
    let provider = BadProvider::start(Door::Http, fault.answer).await;
    let world = World::open().await;
    let base_url = format!("http://127.0.0.1:{}/v1", provider.port);
    let keys: Vec<String> = (0..many).map(|number| format!("desk_{number}")).collect();
    for key in &keys {
        let mut draft = draft(fault, &base_url, None);
        (draft.key, draft.name) = (Some(key.clone()), key.clone());
        world.add(draft).await;
    }
    (world, provider, keys)
}

fn fine() -> Fault {
    Fault { answer: sound, setting: Setting::Here("/v1"), ..*fault("key_refused") }
}

#[tokio::test]
async fn f8_at_most_four_are_tested_at_once_and_all_can_be_stopped() {
    let patient = Fault { patience_s: 30, ..*fault("slow") };
    let (world, provider, keys) = world_of(6, &patient).await;
    let testing = connections::test_many(&world.engine, &keys, Spend::Allowed, nobody_watches());
    let stopping = async {
        until("four are asked", async || (provider.seen().len() == 4).then_some(())).await;
        connections::test_stop_all(&world.engine);
    };
    let (reports, ()) = tokio::join!(testing, stopping);
    let reports = reports.unwrap();
    assert_eq!(
        reports.iter().map(|report| &report.connection).collect::<Vec<_>>(),
        keys.iter().collect::<Vec<_>>()
    );
    assert!(reports.iter().all(|report| report.verdict == Verdict::NotRun), "{reports:?}");
    let ran =
        |report: &&patchbay_core::diagnose::CheckReport| report.stages[0].verdict == Some(Verdict::Passed);
    assert_eq!(reports.iter().filter(ran).count(), 4, "what ran is reported");
    assert_eq!(provider.seen().len(), 4, "the others never began");
}

#[tokio::test]
async fn f8_rounds_by_schedule_are_free_and_come_once() {
    let (world, _provider, keys) = world_of(2, &fine()).await;
    connections::pause(&world.engine, &keys[1], TimeZone::UTC).await.unwrap();
    let now = clock::now();
    assert!(checks::run_due(&world.engine, now).await.unwrap().is_empty(), "off by default");
    checks::set_schedule(&world.engine, CheckSchedule::Every { minutes: 5 }).await.unwrap();
    let (one, other) = tokio::join!(checks::run_due(&world.engine, now), checks::run_due(&world.engine, now));
    let reports = [one.unwrap(), other.unwrap()].concat();
    assert_eq!(reports.len(), 1, "one round, and only of what is on: {reports:?}");
    assert_eq!((reports[0].connection.as_str(), reports[0].verdict), ("desk_0", Verdict::Passed));
    assert!(world.log().await.is_empty(), "nothing was paid for");
    let later = now.plus_ms(5 * 60_000);
    assert_eq!(checks::run_due(&world.engine, later).await.unwrap().len(), 1);
    let history = checks::history(&world.engine, "desk_0").await.unwrap();
    assert_eq!(history.iter().map(|point| point.verdict).collect::<Vec<_>>(), [Verdict::Passed; 2]);
    assert!(checks::history(&world.engine, "desk_1").await.unwrap().is_empty());
    let nonsense = checks::set_schedule(&world.engine, CheckSchedule::Every { minutes: 1 }).await;
    assert!(nonsense.is_err());
}

#[tokio::test]
async fn n4_while_all_traffic_is_stopped_nothing_is_tested_by_itself() {
    let (world, provider, _) = world_of(1, &fine()).await;
    checks::set_schedule(&world.engine, CheckSchedule::Every { minutes: 5 }).await.unwrap();
    patchbay_engine::desk::status::stop(&world.engine, "the test").await.unwrap();
    assert!(checks::run_due(&world.engine, clock::now()).await.unwrap().is_empty());
    assert!(provider.seen().is_empty());
}
