//! Every change is in the audit log, with its fields and without its secrets.

use jiff::tz::TimeZone;
use patchbay_core::diagnose::Spend;
use patchbay_engine::demo::DemoFault;
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::desk::audit::{self, AuditQuery, FieldChange, Format};
use patchbay_engine::desk::connections::{self, ConnectionEdit};
use patchbay_engine::desk::{apps, credentials, demo, status};
use serde_json::Value;

use crate::common::{Desk, NEW, OLD, nobody, secret};

/// Does everything once that there is to do.
async fn everything(desk: &Desk) -> Vec<String> {
    let (engine, utc) = (&desk.engine, TimeZone::UTC);
    desk.connect("spare", None).await;
    for edit in [
        ConnectionEdit::TimeoutS(9),
        ConnectionEdit::IsDefault(true),
        ConnectionEdit::Proxy(Some("http://me:hunter2@127.0.0.1:9".into())),
    ] {
        connections::edit(engine, "main", edit, utc.clone()).await.unwrap();
    }
    connections::reorder(engine, vec!["spare".into(), "main".into()]).await.unwrap();
    connections::pause(engine, "main", utc.clone()).await.unwrap();
    connections::enable(engine, "main", utc.clone()).await.unwrap();
    connections::test(engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    credentials::replace_key(engine, "main", secret(NEW), utc.clone()).await.unwrap();
    let first = apps::add(engine, "bot".into(), Some("signals".into())).await.unwrap();
    let second = apps::rotate(engine, "bot".into()).await.unwrap();
    apps::revoke(engine, "bot".into()).await.unwrap();
    status::stop(engine, "the test").await.unwrap();
    status::resume(engine).await.unwrap();
    status::resume(engine).await.unwrap();
    demo::load(engine, SampleOptions { attempts: 10, days: 2, seed: 1 }, utc.clone()).await.unwrap();
    demo::pretend(engine, DemoFault::ServerError).await.unwrap();
    demo::clear(engine).await.unwrap();
    connections::remove(engine, "spare").await.unwrap();
    vec![first.token, second.token]
}

const EXPECTED: &str = "\
user create main
user stage main v1
user activate main v1
user create spare
user update main
user update main
user update main
user reorder spare, main
user pause main
user enable main
user test main
user stage main v2
user activate main v2
user create bot
user rotate bot
user revoke bot
user stop all calls
user resume all calls
user create demo_fast
user create demo_deep
user load sample data
user update demo_fault
user clear sample data
user delete demo_fast
user delete demo_deep
user delete spare";

#[tokio::test]
async fn a2_every_change_is_in_the_log() {
    let desk = Desk::open().await;
    let secrets = everything(&desk).await;
    assert_eq!(desk.log().await.join("\n"), EXPECTED);
    assert!(audit::verify(&desk.engine).await.unwrap().intact);
    for format in [Format::Json, Format::Csv] {
        let file = audit::export_to_folder(&desk.engine, AuditQuery::default(), format, TimeZone::UTC)
            .await
            .unwrap();
        let text = std::fs::read_to_string(&file.path).unwrap();
        for hidden in secrets.iter().map(String::as_str).chain([OLD, NEW, "hunter2"]) {
            assert!(!text.contains(hidden), "{hidden} is in the export");
        }
        assert!(text.contains("OLD1") && text.contains("fingerprint"), "told by what a person recognises");
    }
    let exports = desk.log().await.iter().filter(|line| *line == "user export entries").count();
    assert_eq!(exports, 2, "an export is a change that is noted, too");
}

#[tokio::test]
async fn a1_fields_are_told_before_and_after() {
    let desk = Desk::open().await;
    connections::edit(&desk.engine, "main", ConnectionEdit::TimeoutS(9), TimeZone::UTC).await.unwrap();
    connections::pause(&desk.engine, "main", TimeZone::UTC).await.unwrap();
    let query = AuditQuery { name: Some("main".into()), ..AuditQuery::default() };
    let page = audit::list(&desk.engine, query, None, 2).await.unwrap();
    let change = |field: &str, before: &str, after: &str| FieldChange {
        field: field.into(),
        before: before.into(),
        after: after.into(),
    };
    assert_eq!(page.entries[0].changes, [change("status", "active", "inactive")]);
    assert_eq!(page.entries[1].changes, [change("timeouts.first_byte_ms", "60000", "9000")]);
    assert_eq!(page.next, Some(page.entries[1].entry), "there is more");
    let rest = audit::list(&desk.engine, AuditQuery::default(), page.next, 100).await.unwrap();
    assert_eq!((rest.entries.len(), rest.next), (3, None));
}

#[tokio::test]
async fn a3_an_export_is_a_document_of_all_that_fits() {
    let desk = Desk::open().await;
    let export = |format| {
        let query = AuditQuery { kind: Some("credential".into()), ..AuditQuery::default() };
        audit::export_to_folder(&desk.engine, query, format, TimeZone::UTC)
    };
    let json = export(Format::Json).await.unwrap();
    let entries: Value = serde_json::from_slice(&std::fs::read(&json.path).unwrap()).unwrap();
    assert_eq!((json.entries, entries.as_array().unwrap().len()), (2, 2));
    assert_eq!((&entries[0]["action"], &entries[1]["name"]), (&"stage".into(), &"main v1".into()));
    let csv = export(Format::Csv).await.unwrap();
    let text = std::fs::read_to_string(&csv.path).unwrap();
    assert_eq!(text.lines().count(), 3);
    assert!(
        text.starts_with("entry,at_utc,at_local,actor,action,kind,name,change,reason,hash\r\n2,20"),
        "{text}"
    );
}
