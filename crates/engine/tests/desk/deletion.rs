//! A deletion can be taken back for a while; keys are erased when that is over, also after a crash.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use jiff::tz::TimeZone;
use patchbay_core::budget::{Measure, OnLimit, Period, ScopeKind, ScopeName};
use patchbay_core::code::Code;
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::diagnose::Spend;
use patchbay_core::profile::{Spec, SpecTarget};
use patchbay_engine::desk::apps::{self, AppEdit};
use patchbay_engine::desk::budgets::{self, BudgetDraft, BudgetKey};
use patchbay_engine::desk::connections::{self, ConnectionEdit, HeaderEdit, SecretHeaderEdit, Undo};
use patchbay_engine::desk::profiles::{self, ProfileDraft};
use patchbay_engine::desk::{aliases, credentials, vault};

use crate::common::{Desk, Glass, NEW, draft, nobody, open, secret};
use crate::crash::image;

const HOUR: Undo = Undo::For(Duration::from_hours(1));

/// A connection with a past: two keys, a header, a test, a default, a place in the order.
async fn furnished() -> Desk {
    let desk = Desk::open().await;
    let utc = TimeZone::UTC;
    desk.connect("second", None).await;
    credentials::replace_key(&desk.engine, "main", secret(NEW), utc.clone()).await.unwrap();
    for edit in [
        ConnectionEdit::IsDefault(true),
        ConnectionEdit::Header(HeaderEdit { name: "x-desk".into(), value: Some("fx".into()) }),
        ConnectionEdit::SecretHeader(SecretHeaderEdit { name: "x-t".into(), value: Some(secret("hush")) }),
    ] {
        connections::edit(&desk.engine, "main", edit, utc.clone()).await.unwrap();
    }
    connections::reorder(&desk.engine, vec!["second".into(), "main".into()]).await.unwrap();
    connections::test(&desk.engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    desk
}

async fn everything(desk: &Desk) -> String {
    let all = connections::list(&desk.engine, TimeZone::UTC).await.unwrap();
    serde_json::to_string(&(all, desk.credentials().await)).unwrap()
}

#[tokio::test]
async fn m6_a_deletion_is_taken_back_whole() {
    let desk = furnished().await;
    let (before, held) = (everything(&desk).await, desk.glass.versions());
    connections::remove_with(&desk.engine, "main", None, HOUR).await.unwrap();
    let gone = connections::get(&desk.engine, "main", TimeZone::UTC).await.unwrap_err();
    assert_eq!((gone.code, desk.glass.versions()), (Code::NotFound, held.clone()));
    connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(everything(&desk).await, before);
    assert_eq!((desk.glass.versions(), vault::report(&desk.engine).await.unwrap().to_erase), (held, 0));
    let tested = connections::test(&desk.engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    assert_eq!(tested.verdict, patchbay_core::diagnose::Verdict::Passed, "its key works");
    let twice = connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap_err();
    assert_eq!(twice.code, Code::NotFound);
}

#[tokio::test]
async fn m6_a_name_that_was_taken_meanwhile_is_not_taken_away() {
    let desk = Desk::open().await;
    connections::remove_with(&desk.engine, "main", None, HOUR).await.unwrap();
    desk.connect("main", None).await;
    let refused = connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap_err();
    assert_eq!(refused.code, Code::NameTaken);
    connections::remove(&desk.engine, "main").await.unwrap();
    connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(desk.credentials().await.versions.len(), 1, "the one with the key");
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_keys_are_erased_when_a_deletion_cannot_be_taken_back_any_more() {
    let desk = Desk::open().await;
    let (erased, all) = channel();
    desk.glass.watch(Some(Box::new(move |step, secrets| {
        if step == "after delete" && secrets.is_empty() {
            erased.send(()).unwrap();
        }
        Ok(())
    })));
    connections::remove_with(&desk.engine, "main", None, Undo::For(Duration::ZERO)).await.unwrap();
    tokio::task::spawn_blocking(move || all.recv_timeout(Duration::from_secs(30))).await.unwrap().unwrap();
    let over = connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap_err();
    assert_eq!(over.code, Code::NotFound);
}

#[tokio::test]
async fn k1_a_crash_ends_what_could_be_taken_back() {
    let desk = furnished().await;
    connections::remove_with(&desk.engine, "main", None, HOUR).await.unwrap();
    let secrets = desk.glass.secrets.lock().unwrap().clone();
    let left = image("while it could be taken back", desk.folder.path(), &secrets);
    let glass = Arc::new(Glass::holding(left.secrets));
    let engine = open(left.folder.path(), &glass);
    assert_eq!((glass.versions(), vault::report(&engine).await.unwrap().to_erase), (vec![], 0));
    let over = connections::undo_remove(&engine, "main", TimeZone::UTC).await.unwrap_err();
    assert_eq!(over.code, Code::NotFound);
}

fn step(connection: &str, model: &str) -> SpecTarget {
    SpecTarget { connection: Some(connection.into()), provider: None, model: model.into() }
}

/// A profile whose chain names `main` twice and `second` once, one that is archived, two aliases.
async fn used() -> Desk {
    let desk = Desk::open().await;
    desk.connect("second", None).await;
    let chain = vec![step("main", "demo-fast"), step("second", "demo-fast"), step("main", "demo-deep")];
    for name in ["signals", "old"] {
        let spec = Spec { targets: chain.clone(), temperature: Some(0.3), ..Spec::default() };
        let draft = ProfileDraft { name: name.into(), spec, note: String::new() };
        profiles::add(&desk.engine, draft).await.unwrap();
    }
    profiles::archive(&desk.engine, "old", profiles::Heirs::Block).await.unwrap();
    aliases::set(&desk.engine, "gpt-4", "main/demo-deep").await.unwrap();
    aliases::set(&desk.engine, "desk", "main").await.unwrap();
    desk
}

/// Where the profile and the aliases lead, and the profile's version.
async fn leads(desk: &Desk) -> (Vec<String>, Vec<String>, u32) {
    let profile = profiles::get(&desk.engine, "signals").await.unwrap();
    assert_eq!(profile.spec.temperature, Some(0.3), "the rest of the profile stays");
    let aliases = aliases::list(&desk.engine).unwrap();
    let chain = profile.spec.targets.iter().map(SpecTarget::address).collect();
    (chain, aliases.into_iter().map(|alias| alias.target).collect(), profile.version)
}

fn of(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn m6_an_heir_takes_over_profiles_and_aliases_and_gives_them_back() {
    let desk = used().await;
    let before = leads(&desk).await;
    let told = connections::removal(&desk.engine, "main", None).await.unwrap();
    assert_eq!(told.users, ["the profile signals", "the alias desk", "the alias gpt-4"]);
    let refused = connections::remove_with(&desk.engine, "main", None, HOUR).await.unwrap_err();
    assert!(refused.code == Code::InUse && refused.hint.contains("--reassign-to"), "{refused:?}");
    assert_eq!(leads(&desk).await, before, "a refusal changes nothing");

    let told = connections::removal(&desk.engine, "main", Some("second")).await.unwrap().handovers;
    assert_eq!(
        (told[0].user.as_str(), told[0].after.as_str()),
        ("the profile signals", "second/demo-fast → second/demo-deep")
    );
    connections::remove_with(&desk.engine, "main", Some("second"), HOUR).await.unwrap();
    let after = leads(&desk).await;
    assert_eq!(after.0, of(&["second/demo-fast", "second/demo-deep"]), "no step is there twice");
    assert_eq!((after.1, after.2), (of(&["second", "second/demo-deep"]), 2), "M2: as a new version");
    let log = desk.log().await;
    for line in ["user update signals", "user update gpt-4", "user delete main"] {
        assert!(log.contains(&line.to_owned()), "{line} is missing in {log:?}");
    }

    connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(leads(&desk).await, (before.0, before.1, 3), "M2: as another version");
}

#[tokio::test]
async fn m6_what_was_led_elsewhere_meanwhile_stays_there() {
    let desk = used().await;
    connections::remove_with(&desk.engine, "main", Some("second"), HOUR).await.unwrap();
    aliases::set(&desk.engine, "gpt-4", "second/demo-fast").await.unwrap();
    connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(leads(&desk).await.1, of(&["main", "second/demo-fast"]));
}

#[tokio::test]
async fn m6_an_heir_of_another_provider_answers_with_a_model_that_it_has() {
    let desk = used().await;
    let utc = || TimeZone::UTC;
    let other = connections::ConnectionDraft {
        provider: "anthropic".into(),
        default_model: None,
        ..draft("claude", desk.provider.base_url(), Some("sk-ant-not-asked-for-0000"))
    };
    connections::add_untested(&desk.engine, other, utc()).await.unwrap();
    let default = |model: Option<&str>| ConnectionEdit::DefaultModel(model.map(Into::into));
    connections::edit(&desk.engine, "claude", default(None), utc()).await.unwrap();
    let lost = connections::remove_with(&desk.engine, "main", Some("claude"), HOUR).await.unwrap_err();
    assert!(lost.code == Code::InvalidInput && lost.message.contains("demo-"), "{lost:?}");
    connections::edit(&desk.engine, "claude", default(Some("claude-haiku-4-5")), utc()).await.unwrap();
    connections::remove_with(&desk.engine, "main", Some("claude"), HOUR).await.unwrap();
    assert_eq!(leads(&desk).await.0, of(&["claude/claude-haiku-4-5", "second/demo-fast"]));
}

#[tokio::test]
async fn m6_budgets_go_to_the_heir_and_come_back() {
    let desk = used().await;
    let caps = async || -> Vec<(String, String)> {
        let all = budgets::list(&desk.engine).await.unwrap();
        all.into_iter().map(|budget| (budget.key.scope.name, budget.cap)).collect()
    };
    let scope = ScopeName { kind: ScopeKind::Connection, name: "main".into() };
    let key = BudgetKey { scope, period: Period::Day, measure: Measure::Money };
    let cap = "7".to_owned();
    let draft = BudgetDraft { key, cap, on_limit: OnLimit::Stop, degrade_to: None, levels: None };
    budgets::set(&desk.engine, draft).await.unwrap();
    let before = caps().await;
    connections::remove_with(&desk.engine, "main", Some("second"), HOUR).await.unwrap();
    assert_eq!(caps().await, [("second".to_owned(), before[0].1.clone())]);
    connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(caps().await, before);
}

#[tokio::test]
async fn m6_the_lists_of_apps_and_the_cheaper_models_of_budgets_go_to_the_heir_and_come_back() {
    let desk = Desk::open().await;
    desk.connect("second", None).await;
    let names = of(&["main", "main/demo-fast", "main/*", "second", "gpt-4", "mainframe"]);
    for app in ["bot", "gone"] {
        apps::add(&desk.engine, app.into(), None).await.unwrap();
        let edit = vec![AppEdit::MayUse(Some(names.clone()))];
        apps::edit(&desk.engine, app.into(), edit).await.unwrap();
    }
    apps::revoke(&desk.engine, "gone".into()).await.unwrap();
    let scope = ScopeName { kind: ScopeKind::App, name: "bot".into() };
    let key = BudgetKey { scope, period: Period::Day, measure: Measure::Money };
    let degrade_to = Some("main/demo-fast".to_owned());
    let draft = BudgetDraft { key, cap: "7".into(), on_limit: OnLimit::Degrade, degrade_to, levels: None };
    budgets::set(&desk.engine, draft).await.unwrap();
    let lists = async || {
        let app = apps::list(&desk.engine, TimeZone::UTC).await.unwrap();
        let list = app.into_iter().find(|app| app.name == "bot").unwrap().settings.may_use.unwrap();
        let budget = budgets::list(&desk.engine).await.unwrap().remove(0);
        (list, budget.degrade_to.unwrap())
    };
    let before = lists().await;

    let users = of(&["the list of the app bot", "the cheaper model of the daily budget of the app bot"]);
    assert_eq!(connections::removal(&desk.engine, "main", None).await.unwrap().users, users);
    let refused = connections::remove(&desk.engine, "main").await.unwrap_err();
    assert!(refused.code == Code::InUse && refused.message.contains("the app bot"), "{refused}");
    let told = connections::removal(&desk.engine, "main", Some("second")).await.unwrap().handovers;
    let told: Vec<_> = told.iter().map(|one| (one.user.as_str(), one.after.as_str())).collect();
    assert_eq!(
        told,
        [
            (users[0].as_str(), "second/demo-fast, second/*"),
            ("the list of the app gone", "second/demo-fast, second/*"),
            (users[1].as_str(), "second/demo-fast"),
        ]
    );

    connections::remove_with(&desk.engine, "main", Some("second"), HOUR).await.unwrap();
    let after = of(&["second", "second/demo-fast", "second/*", "gpt-4", "mainframe"]);
    assert_eq!(lists().await, (after, "second/demo-fast".to_owned()), "nothing is on a list twice");
    let log = desk.log().await;
    assert!(log.contains(&"user update bot".to_owned()), "{log:?}");
    connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(lists().await, before);

    connections::remove_with(&desk.engine, "main", Some("second"), HOUR).await.unwrap();
    let edit = vec![AppEdit::MayUse(Some(of(&["second"])))];
    apps::edit(&desk.engine, "bot".into(), edit).await.unwrap();
    connections::undo_remove(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(lists().await.0, ["second"], "what somebody said meanwhile stays");
}

#[tokio::test]
async fn a_copy_has_every_setting_and_no_secret() {
    let desk = furnished().await;
    let copy = connections::duplicate(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    let main = connections::get(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!((copy.key.as_str(), copy.name.as_str()), ("the_main_copy", "The main copy"));
    assert_eq!((&copy.base_url, &copy.default_model), (&main.base_url, &main.default_model));
    assert_eq!((copy.max_retries, copy.priority, copy.is_default), (main.max_retries, 3, false));
    assert_eq!((copy.credential.is_none(), copy.headers.len(), main.headers.len()), (true, 1, 2));
    let again = connections::duplicate(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(again.name, "The main copy 2");
}

#[tokio::test]
async fn f5_a_stopped_connection_stays_stopped_until_it_is_turned_on() {
    let desk = furnished().await;
    let stopped = connections::suspend(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(stopped.status, ConnectionStatus::Suspended);
    connections::test(&desk.engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    let after = connections::get(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(after.status, ConnectionStatus::Suspended, "a passing test does not turn it on");
    let on = connections::enable(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    assert_eq!(on.status, ConnectionStatus::Active);
    assert!(desk.log().await.contains(&"user stop main".to_owned()));
}
