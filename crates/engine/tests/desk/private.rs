//! Secret headers and the login of a proxy are credentials: they lie in the vault and travel with requests (K1).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use patchbay_core::code::Code;
use patchbay_core::diagnose::{Spend, Verdict};
use patchbay_engine::desk::connections::{
    self, Connection, ConnectionEdit, HeaderEdit, NewSettings, SecretHeaderEdit,
};
use patchbay_engine::desk::{audit, credentials, vault};

use crate::common::{Desk, Glass, demo, draft, nobody, open, secret};
use crate::crash::image;

const HEADER: &str = "hdr-canary-1f0b9c77ae42";
const LATER: &str = "hdr-canary-a5e8d1c36b90";

fn header(name: &str, value: Option<&str>) -> ConnectionEdit {
    ConnectionEdit::SecretHeader(SecretHeaderEdit { name: name.into(), value: value.map(secret) })
}

async fn edit(desk: &Desk, edit: ConnectionEdit) -> Connection {
    connections::edit(&desk.engine, "main", edit, TimeZone::UTC).await.unwrap()
}

fn shown(connection: &Connection) -> Vec<(&str, Option<&str>)> {
    connection.headers.iter().map(|header| (header.name.as_str(), header.value.as_deref())).collect()
}

/// The versions in the vault that are secret settings.
fn settings(desk: &Desk) -> Vec<u32> {
    desk.glass.versions().into_iter().filter(|version| *version > 1_000_000).collect()
}

#[tokio::test]
async fn k1_a_secret_header_lies_in_the_vault_and_travels_with_requests() {
    let desk = Desk::open().await;
    let made = edit(&desk, header("X-Desk-Token", Some(HEADER))).await;
    assert_eq!(shown(&made), [("x-desk-token", None)]);
    assert_eq!(settings(&desk), [1_000_001]);
    connections::test(&desk.engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    let seen = desk.provider.recent();
    assert!(!seen.is_empty() && seen.iter().all(|asked| asked.header("x-desk-token") == Some(HEADER)));

    edit(&desk, header("x-desk-token", Some(LATER))).await;
    assert_eq!(settings(&desk), [1_000_002], "what was replaced is erased");
    connections::test(&desk.engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    assert_eq!(desk.provider.recent().last().unwrap().header("x-desk-token"), Some(LATER));

    let plain = ConnectionEdit::Header(HeaderEdit { name: "x-desk".into(), value: Some("fx".into()) });
    assert_eq!(shown(&edit(&desk, plain).await), [("x-desk", Some("fx")), ("x-desk-token", None)]);
    assert_eq!(shown(&edit(&desk, header("x-desk-token", None)).await), [("x-desk", Some("fx"))]);
    assert_eq!((settings(&desk), vault::report(&desk.engine).await.unwrap().to_erase), (vec![], 0));
    let told = ConnectionEdit::Header(HeaderEdit { name: "x-api-key".into(), value: Some("x".into()) });
    let refused = connections::edit(&desk.engine, "main", told, TimeZone::UTC).await.unwrap_err();
    assert!(refused.code == Code::InvalidInput && refused.hint.contains("secret header"), "{refused:?}");
    let log = serde_json::to_string(
        &audit::list(&desk.engine, audit::AuditQuery::default(), None, 100).await.unwrap(),
    );
    let log = log.unwrap();
    assert!(!log.contains(HEADER) && !log.contains(LATER) && log.contains("x-desk-token"), "{log}");
    assert_eq!(desk.credentials().await.versions.len(), 1, "the key was not touched");
}

#[tokio::test]
async fn k1_a_proxys_login_lies_in_the_vault_and_stays_with_its_proxy() {
    let desk = Desk::open().await;
    let set = |url: &str| ConnectionEdit::Proxy(Some(url.to_owned()));
    let made = edit(&desk, set("http://me:hunter2@127.0.0.1:9")).await;
    assert_eq!((made.proxy.as_deref(), made.proxy_login), (Some("http://127.0.0.1:9"), true));
    assert_eq!(settings(&desk).len(), 1);
    let same = edit(&desk, set("http://127.0.0.1:9")).await;
    assert!(same.proxy_login, "K5: blank keeps");
    let other = edit(&desk, set("http://127.0.0.1:10")).await;
    assert!(!other.proxy_login, "K5: a login that was given for one proxy is not shown to another");
    assert_eq!(settings(&desk), Vec::<u32>::new());
    let refused = connections::edit(&desk.engine, "main", set("ftp://x"), TimeZone::UTC).await.unwrap_err();
    assert_eq!(refused.code, Code::InvalidInput);
}

#[tokio::test]
async fn k1_a_draft_is_tested_with_its_secret_headers_and_saved_with_them() {
    let desk = Desk::open().await;
    let provider = demo("sk-not-asked-for-0000");
    let settings = NewSettings {
        private: patchbay_core::private::PrivateValues {
            headers: BTreeMap::from([("Authorization".to_owned(), secret("Bearer sk-not-asked-for-0000"))]),
            proxy_login: None,
        },
        ..NewSettings::default()
    };
    let draft = connections::ConnectionDraft { settings, ..draft("gate", provider.base_url(), None) };
    let outcome = connections::add_tested(&desk.engine, draft, nobody(), TimeZone::UTC).await.unwrap();
    assert_eq!(outcome.report.verdict, Verdict::Passed, "{:?}", outcome.report);
    assert_eq!(shown(&outcome.connection.unwrap()), [("authorization", None)]);
    let again = connections::test(&desk.engine, "gate", Spend::FreeOnly, nobody()).await.unwrap();
    assert_eq!(again.verdict, Verdict::Passed, "with what lies in the vault");
}

#[tokio::test]
async fn k5_a_secret_header_is_not_sent_to_another_server() {
    let desk = Desk::open().await;
    edit(&desk, header("x-desk-token", Some(HEADER))).await;
    let other = demo("sk-other");
    let moved = edit(&desk, ConnectionEdit::BaseUrl(Some(other.base_url().to_owned()))).await;
    assert_eq!(shown(&moved), [("x-desk-token", None)], "it is asked for again");
    assert_eq!(settings(&desk), Vec::<u32>::new());
    let report = connections::test(&desk.engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    assert_eq!(report.verdict, Verdict::Failed);
    assert!(other.recent().is_empty(), "nothing is sent without it");
    edit(&desk, header("x-desk-token", Some(LATER))).await;
    connections::test(&desk.engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    assert_eq!(other.recent()[0].header("x-desk-token"), Some(LATER));
}

#[tokio::test]
async fn k2_a_crash_between_any_two_steps_leaves_one_set_of_secret_settings() {
    let desk = Desk::open().await;
    let images = Arc::new(Mutex::new(Vec::new()));
    let (kept, data) = (Arc::clone(&images), desk.folder.path().to_owned());
    desk.glass.watch(Some(Box::new(move |step, secrets| {
        kept.lock().unwrap().push(image(step, &data, secrets));
        Ok(())
    })));
    edit(&desk, header("x-desk-token", Some(HEADER))).await;
    edit(&desk, header("x-desk-token", Some(LATER))).await;
    edit(&desk, header("x-desk-token", None)).await;
    desk.glass.watch(None);
    let images = std::mem::take(&mut *images.lock().unwrap());
    assert!(images.len() >= 8, "{}", images.len());
    for image in images {
        let glass = Arc::new(Glass::holding(image.secrets));
        let engine = open(image.folder.path(), &glass);
        let report = vault::report(&engine).await.unwrap();
        let named = connections::get(&engine, "main", TimeZone::UTC).await.unwrap().headers.len();
        let keys = credentials::list(&engine, "main").await.unwrap().versions.len();
        assert_eq!((glass.versions().len(), report.to_erase), (keys + named, 0), "{}", image.moment);
    }
}
