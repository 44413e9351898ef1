//! Connection tests against providers that are broken, each in one way.

mod rounds;
mod table;

use futures_util::{StreamExt, stream};
use jiff::tz::TimeZone;
use patchbay_core::diagnose::{CheckReport, RemedyAction, Spend, Stage, Verdict};
use patchbay_core::secret::Secret;
use patchbay_engine::desk::connections::{self, ConnectionDraft, NewSettings};
use tokio::sync::mpsc;

use crate::bad::{BadProvider, Door, Fault, Setting, fault, faults, sound};
use crate::world::World;

/// More would only make each of them slower.
const AT_ONCE: usize = 4;
const KEY: &str = "sk-bad-provider-0123456789-7fQ2";

/// A connection that leads to a bad provider.
struct Broken {
    world: World,
    provider: BadProvider,
}

impl Broken {
    async fn new(fault: &Fault) -> Self {
        let provider = BadProvider::start((fault.door)(), fault.answer).await;
        let world = World::open().await;
        let port = provider.port;
        let (base_url, proxy) = match fault.setting {
            Setting::Here(path) => (format!("http://127.0.0.1:{port}{path}"), None),
            Setting::Secure => (format!("https://localhost:{port}/v1"), None),
            Setting::Elsewhere(base_url) => (base_url.to_owned(), Some(format!("http://127.0.0.1:{port}"))),
            Setting::Nowhere(base_url) => (base_url.to_owned(), None),
            Setting::Closed => (format!("http://127.0.0.1:{}/v1", closed_port().await), None),
        };
        world.add(draft(fault, &base_url, proxy)).await;
        Self { world, provider }
    }

    async fn test(&self, spend: Spend) -> CheckReport {
        connections::test(&self.world.engine, "broken", spend, nobody_watches()).await.unwrap()
    }
}

/// A channel whose other end is gone: were it only unread, the test would wait for it.
fn nobody_watches<T>() -> mpsc::Sender<T> {
    mpsc::channel(1).0
}

fn draft(fault: &Fault, base_url: &str, proxy: Option<String>) -> ConnectionDraft {
    ConnectionDraft {
        provider: fault.provider.to_owned(),
        name: "Broken".to_owned(),
        key: Some("broken".to_owned()),
        base_url: Some(base_url.to_owned()),
        default_model: Some("gpt-5".to_owned()),
        secret: Some(Secret::new(KEY.to_owned())),
        settings: NewSettings {
            proxy,
            timeout_s: Some(fault.patience_s),
            max_retries: Some(0),
            ..NewSettings::default()
        },
    }
}

async fn closed_port() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

/// A report with what differs from run to run put into words.
fn steady(text: &str, broken: &Broken, report: &CheckReport) -> String {
    let mut text = text.replace(&format!(":{}", broken.provider.port), ":PORT");
    text = text.replace(&format!("port {}", broken.provider.port), "port PORT");
    if let Some((_, rest)) = report.title.split_once("of this machine is ")
        && let Some((days, _)) = rest.split_once(" days")
    {
        text = text.replace(&format!("is {days} days"), "is DAYS days");
    }
    if let Some((_, rest)) = report.title.split_once("Failed at TCP: port ")
        && let Some((port, _)) = rest.split_once(' ')
    {
        text = text.replace(&format!("port {port}"), "port PORT");
    }
    text
}

/// What one fault looks like to who tests it.
async fn tested(fault: &Fault) -> (Broken, CheckReport) {
    let broken = Broken::new(fault).await;
    let report = broken.test(Spend::Allowed).await;
    (broken, report)
}

#[tokio::test]
async fn f8_every_fault_is_named() {
    assert!(faults().count() >= 25);
    let tests = stream::iter(faults()).map(|fault| async move {
        let (broken, report) = tested(fault).await;
        (named(fault, &broken, &report), steady(&table::row(fault.about, &report), &broken, &report))
    });
    let (wrong, rows): (Vec<_>, Vec<_>) = tests.buffered(AT_ONCE).unzip().await;
    let wrong: Vec<String> = wrong.into_iter().flatten().collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    table::compare(&rows);
}

/// What a test says wrongly of a fault; `None` where it is right.
fn named(fault: &Fault, broken: &Broken, report: &CheckReport) -> Option<String> {
    let title = steady(&report.title, broken, report);
    let actions: Vec<RemedyAction> = report.remedies.iter().filter_map(|remedy| remedy.action).collect();
    let value = report.remedies.iter().find_map(|remedy| remedy.value.clone());
    let value = value.map(|value| steady(&value, broken, report));
    let found = (title.as_str(), report.failed_stage, report.code, &actions[..], value.as_deref());
    let expected = (fault.title, Some(fault.stage), Some(fault.code), fault.remedies, fault.value);
    let leaked = serde_json::to_string(report).unwrap().contains(KEY);
    (found != expected || leaked)
        .then(|| format!("{}\n  found    {found:?}\n  expected {expected:?}\n  leaked {leaked}\n", fault.id))
}

#[tokio::test]
async fn f8_a_sound_provider_passes_every_stage() {
    let good = Fault { answer: sound, ..*fault("key_refused") };
    let (broken, report) = tested(&good).await;
    assert_eq!((report.verdict, report.remedies.len()), (Verdict::Passed, 0), "{report:?}");
    let passed = |stage| report.stages.iter().any(|s| s.stage == stage && s.verdict == Some(Verdict::Passed));
    assert!(passed(Stage::Completion) && passed(Stage::Stream), "{report:?}");
    let learned = report.learned.clone().unwrap();
    assert!(learned.first_token_ms.is_some(), "{report:?}");
    let rows = broken.world.log().await;
    let paid: Vec<_> = rows.iter().map(|row| (row.app.as_str(), row.feature.as_str())).collect();
    assert_eq!(paid, [("test", "connection_test"); 2], "trap 11: a test is in the ledger");
}

#[tokio::test]
async fn k5_a_key_is_offered_to_no_other_server_while_the_right_path_is_looked_for() {
    let broken = Broken::new(fault("no_api")).await;
    broken.test(Spend::FreeOnly).await;
    let seen = broken.provider.seen();
    assert!(seen.len() > 3, "it looks around: {seen:?}");
    let elsewhere = seen.iter().find(|request| request.header("host") != Some("llm.example.com"));
    assert!(elsewhere.is_none(), "{elsewhere:?}");
}

#[tokio::test]
async fn f8_the_better_base_url_mends_the_connection() {
    let broken = Broken::new(fault("path_missing")).await;
    let report = broken.test(Spend::FreeOnly).await;
    let better = report.remedies[0].value.clone();
    let edit = connections::ConnectionEdit::BaseUrl(better);
    connections::edit(&broken.world.engine, "broken", edit, TimeZone::UTC).await.unwrap();
    let again = broken.test(Spend::FreeOnly).await;
    assert_eq!(again.verdict, Verdict::Passed, "{again:?}");
    assert!(again.stages.iter().any(|stage| stage.evidence.contains("accepts the key")), "the key stayed");
}

#[tokio::test]
async fn trap_3_no_test_ends_a_pause() {
    let good = Fault { answer: sound, ..*fault("key_refused") };
    for (fault, verdict) in [(&good, Verdict::Passed), (fault("key_refused"), Verdict::Failed)] {
        let broken = Broken::new(fault).await;
        connections::pause(&broken.world.engine, "broken", TimeZone::UTC).await.unwrap();
        assert_eq!(broken.test(Spend::Deep).await.verdict, verdict);
        let status = broken.world.connection("broken").await.status;
        assert_eq!(status, patchbay_core::connection::ConnectionStatus::Inactive);
    }
}

#[tokio::test]
async fn f8_a_passing_test_speaks_of_a_clock_that_is_off() {
    let answer = |request: &crate::bad::Request| match sound(request) {
        crate::bad::Reply::Say(text) if request.is_list() => crate::bad::Reply::Say(text.replacen(
            "content-length",
            "date: Sun, 02 Jan 2050 10:00:00 GMT\r\ncontent-length",
            1,
        )),
        other => other,
    };
    let (_broken, report) = tested(&Fault { answer, door: || Door::Http, ..*fault("key_refused") }).await;
    assert_eq!(report.verdict, Verdict::Passed, "{report:?}");
    assert!(report.remedies[0].text.contains("days behind"), "{report:?}");
}
