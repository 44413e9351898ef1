//! Calls on their way, as every process on the folder sees them.

use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::report::{Condition, Field, Filter, Relation};
use patchbay_core::time::Timestamp;
use patchbay_engine::Engine;
use patchbay_engine::call::Caller;
use patchbay_engine::changes::Changed;
use patchbay_engine::desk::activity::{self, ActivityLines, ActivityNow, ActivityQuery, ActivitySpan};
use patchbay_engine::desk::connections;
use patchbay_engine::desk::log;
use patchbay_engine::desk::playground::{self, PlaygroundRequest};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::common::{Desk, open};

fn query(lines: ActivityLines, conditions: Vec<Condition>) -> ActivityQuery {
    ActivityQuery { span: ActivitySpan::Any, conditions, lines }
}

fn only(field: Field, value: &str) -> Vec<Condition> {
    vec![Condition { field, relation: Relation::Is, values: vec![value.to_owned()] }]
}

async fn now(engine: &Arc<Engine>, query: ActivityQuery) -> ActivityNow {
    activity::now(engine, query, TimeZone::UTC).await.unwrap()
}

/// A provider that takes requests and never answers; its connection is `silent`.
async fn silent(desk: &Desk) -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let draft = crate::common::draft("silent", &url, Some("sk-silent-0123456789abcdef"));
    connections::add_untested(&desk.engine, draft, TimeZone::UTC).await.unwrap();
    listener
}

/// Asks it in the background until [`playground::stop`].
fn ask(engine: &Arc<Engine>) {
    let engine = Arc::clone(engine);
    let request = PlaygroundRequest {
        model: "silent/demo-fast".to_owned(),
        prompt: "Is EURUSD a buy?".to_owned(),
        ..PlaygroundRequest::default()
    };
    tokio::spawn(async move {
        let caller = Caller { app: "playground".into(), ..Caller::default() };
        playground::run(&engine, "run", caller, request, mpsc::channel(64).0).await
    });
}

#[tokio::test]
async fn c4_a_call_is_on_its_way_for_every_process_until_the_ledger_has_it() {
    let desk = Desk::open().await;
    let listener = silent(&desk).await;
    let other = open(desk.folder.path(), &desk.glass);
    let calls = || query(ActivityLines::Calls, Vec::new());
    assert!(now(&other, calls()).await.running.is_empty());
    let mut changes = desk.engine.changes().subscribe();
    ask(&desk.engine);
    let kept = listener.accept().await.unwrap();
    while changes.recv().await.unwrap() != Changed::Running {}

    for engine in [&desk.engine, &other] {
        let seen = now(engine, calls()).await;
        let [call] = seen.running.as_slice() else { panic!("{seen:?}") };
        assert_eq!((call.app.as_str(), call.model.as_str(), call.attempt), ("playground", "demo-fast", 1));
        assert_eq!(call.connection_name, "The silent");
        assert!(call.is_streamed && call.via.is_empty());
        let lines = log::open(engine, Filter::default()).await.unwrap();
        assert_eq!((lines.len(), &lines[0].call, lines[0].connection.as_str()), (1, &call.call, "silent"));
    }
    let newest = now(&other, calls()).await.newest;

    playground::stop(&desk.engine, "run");
    while changes.recv().await.unwrap() != Changed::Usage {}
    for engine in [&desk.engine, &other] {
        let seen = now(engine, calls()).await;
        assert!(seen.running.is_empty() && seen.newest > newest, "it is a row now: {seen:?}");
    }
    drop(kept);
}

#[tokio::test]
async fn f3_a_caller_that_goes_away_is_no_failure_in_the_strip_of_a_connection() {
    let desk = Desk::open().await;
    let listener = silent(&desk).await;
    let mut changes = desk.engine.changes().subscribe();
    ask(&desk.engine);
    let _kept = listener.accept().await.unwrap();
    while changes.recv().await.unwrap() != Changed::Running {}
    playground::stop(&desk.engine, "run");
    while changes.recv().await.unwrap() != Changed::Usage {}
    let all = connections::list(&desk.engine, TimeZone::UTC).await.unwrap();
    let silent = all.iter().find(|connection| connection.key == "silent").unwrap();
    let failed: u32 = silent.strip.iter().map(|cell| cell.failed).sum();
    assert_eq!((silent.requests_today, failed), (1, 0));
}

#[tokio::test]
async fn c5_what_is_on_its_way_is_filtered_as_the_log_is() {
    let desk = Desk::open().await;
    let listener = silent(&desk).await;
    let mut changes = desk.engine.changes().subscribe();
    ask(&desk.engine);
    let _kept = listener.accept().await.unwrap();
    while changes.recv().await.unwrap() != Changed::Running {}

    let not = |field, value: &str| {
        let mut conditions = only(field, value);
        conditions[0].relation = Relation::IsNot;
        conditions
    };
    let cases = [
        (only(Field::App, "playground"), 1),
        (only(Field::App, "bot"), 0),
        (not(Field::App, "bot"), 1),
        (only(Field::Connection, "silent"), 1),
        (only(Field::Model, "demo-fast"), 1),
        (only(Field::Provider, "compatible"), 1),
        (only(Field::Type, "chat"), 1),
        (only(Field::Route, "failover"), 0),
        (only(Field::Route, "direct"), 1),
        (only(Field::Signal, ""), 1),
        (only(Field::Signal, "eurusd-17"), 0),
        (only(Field::Outcome, "interrupted"), 0),
        (not(Field::Outcome, "answered"), 0),
        (not(Field::Error, "timed_out"), 0),
    ];
    for (conditions, expected) in cases {
        for lines in [ActivityLines::Calls, ActivityLines::Attempts] {
            let seen = now(&desk.engine, query(lines, conditions.clone())).await;
            assert_eq!(seen.running.len(), expected, "{conditions:?}");
        }
    }
    let begun = now(&desk.engine, query(ActivityLines::Calls, Vec::new())).await.running[0].at;
    for (from, to, expected) in [
        (None, begun, 0),
        (None, Timestamp(begun.0 + 1), 1),
        (Some(Timestamp(begun.0 + 1)), Timestamp(begun.0 + 9), 0),
    ] {
        let span = ActivitySpan::Moments { from, to };
        let asked = ActivityQuery { span, ..query(ActivityLines::Calls, Vec::new()) };
        assert_eq!(now(&desk.engine, asked).await.running.len(), expected, "{from:?} {to:?}");
    }
}
