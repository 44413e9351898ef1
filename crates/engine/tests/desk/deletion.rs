//! A deletion can be taken back for a while; keys are erased when that is over, also after a crash.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use jiff::tz::TimeZone;
use patchbay_core::code::Code;
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::diagnose::Spend;
use patchbay_engine::desk::connections::{self, ConnectionEdit, HeaderEdit, SecretHeaderEdit, Undo};
use patchbay_engine::desk::{credentials, vault};

use crate::common::{Desk, Glass, NEW, nobody, open, secret};
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
