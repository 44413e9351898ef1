//! A key is in the vault and on its way to its provider, and nowhere else (K1).

use std::path::Path;

use jiff::tz::TimeZone;
use patchbay_core::diagnose::{Spend, Verdict};
use patchbay_core::secret::Secret;
use patchbay_engine::desk::audit::{self, AuditQuery, Format};
use patchbay_engine::desk::backup::{self, Secrets};
use patchbay_engine::desk::connections::{self, ConnectionEdit};
use patchbay_engine::desk::{apps, configuration, credentials, overview, providers, status, vault};
use serde_json::json;
use tokio::sync::mpsc;

use crate::upstream::{Step, Upstream, token, whole};
use crate::world::{World, draft, header, locked_demo};

const CANARY: &str = "sk-canary-3f9a1c77d0e24b58-XyZ9";

#[tokio::test]
async fn k1_a_canary_key_is_nowhere_else() {
    let world = World::open().await;
    let parrots = parrots().await;
    let demo = locked_demo(CANARY);
    let mut heard = String::new();

    let mut good = draft("good", demo.base_url());
    good.secret = Some(Secret::new(CANARY.into()));
    let (stages, mut told) = mpsc::channel(64);
    let added = connections::add_tested(&world.engine, good, stages, TimeZone::UTC).await.unwrap();
    assert_eq!(added.report.verdict, Verdict::Passed);
    while let Some(stage) = told.recv().await {
        heard += &json!(stage).to_string();
    }
    heard += &json!(added).to_string();
    for (number, parrot) in parrots.iter().enumerate() {
        let mut bad = draft(&format!("bad{number}"), &parrot.base_url);
        bad.secret = Some(Secret::new(CANARY.into()));
        world.add(bad).await;
    }
    let replaced =
        credentials::replace_key(&world.engine, "good", Secret::new(format!("{CANARY}\n")), TimeZone::UTC);
    heard += &json!(replaced.await.unwrap()).to_string();

    for model in ["good", "bad0", "bad1", "bad2", "bad3", "bad4"] {
        for stream in [false, true] {
            let response = world.ask(model, &json!({ "stream": stream })).await;
            heard += &format!("{:?} {}", response.headers(), header(&response, "x-patchbay-connection"));
            heard += &response.text().await.unwrap();
        }
    }
    let (stages, _told) = mpsc::channel(64);
    let report = connections::test(&world.engine, "bad0", Spend::Allowed, stages).await;
    heard += &json!(report.unwrap()).to_string();
    heard += &everything_told(&world).await;
    for parrot in &parrots {
        assert!(parrot.seen()[0].contains(CANARY), "the canary flew");
    }
    assert!(heard.matches("…XyZ9").count() > parrots.len(), "echoes were redacted and not dropped");
    assert!(!heard.contains(CANARY), "{}", &heard[heard.find(CANARY).unwrap_or(0)..]);
    assert_eq!(files_with(world.folder.path(), CANARY), Vec::<String>::new());
    assert_eq!(
        files_with(world.folder.path(), &world.token),
        Vec::<String>::new(),
        "of a token, only the hash is kept"
    );
    assert!(!files_with(world.folder.path(), "The good").is_empty(), "the search finds what is there");
}

/// Providers that repeat the key that they were sent, each in a place of its own.
async fn parrots() -> Vec<Upstream> {
    let error = format!(r#"{{"error":{{"message":"Incorrect API key provided: {CANARY}."}}}}"#);
    let event = format!("event: error\ndata: {error}\n\n");
    let to = format!("http://127.0.0.1:1/login?key={CANARY}");
    vec![
        Upstream::saying(401, "application/json", &error).await,
        Upstream::saying(200, "application/json", &error).await,
        Upstream::saying(500, "text/plain", &format!("no luck with {CANARY}")).await,
        Upstream::streaming(&(token("Hold ") + &event)).await,
        Upstream::answering(vec![Step::text(whole(307, &[("location", &to)], ""))]).await,
    ]
}

/// All that the shells are told.
async fn everything_told(world: &World) -> String {
    let utc = TimeZone::UTC;
    let renamed = ConnectionEdit::Name("The good one".into());
    let edited = connections::edit(&world.engine, "good", renamed, utc.clone()).await.unwrap();
    let told = json!([
        edited,
        connections::list(&world.engine, utc.clone()).await.unwrap(),
        apps::list(&world.engine, utc.clone()).await.unwrap(),
        overview::overview(&world.engine, utc.clone()).await.unwrap(),
        providers::targets(&world.engine).unwrap(),
        status::status(&world.engine, utc.clone()).await.unwrap(),
        credentials::list(&world.engine, "good").await.unwrap(),
        audit::list(&world.engine, AuditQuery::default(), None, 1_000).await.unwrap(),
        vault::report(&world.engine).await.unwrap(),
        world.log().await,
    ]);
    let files = files_written(world).await;
    let missing = connections::get(&world.engine, "no-such", utc).await.unwrap_err();
    format!("{told} {files} {missing} {missing:?} {:?}", world.engine)
}

/// Every kind of file that the desk writes; they stay in the data folder, where the canary is looked for.
async fn files_written(world: &World) -> serde_json::Value {
    let (engine, data) = (&world.engine, world.folder.path());
    let sealed = || Secrets::Sealed(Secret::new("battery staple".into()));
    let query = AuditQuery::default;
    json!([
        audit::export_to_folder(engine, query(), Format::Json, TimeZone::UTC).await.unwrap(),
        audit::export_to_folder(engine, query(), Format::Csv, TimeZone::UTC).await.unwrap(),
        backup::back_up(engine, data.join("plain.db"), Secrets::Without).await.unwrap(),
        backup::back_up(engine, data.join("sealed.age"), sealed()).await.unwrap(),
        configuration::export(engine, data.join("plain.json"), Secrets::Without).await.unwrap(),
        configuration::export(engine, data.join("sealed.json.age"), sealed()).await.unwrap(),
    ])
}

/// The files below a folder that hold this text, the database's log of changes included.
fn files_with(folder: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, text));
        } else if holds(&std::fs::read(&path).unwrap(), text) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// In UTF-8 or in UTF-16.
fn holds(bytes: &[u8], text: &str) -> bool {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [text.as_bytes(), &wide].iter().any(|needle| bytes.windows(needle.len()).any(|part| part == *needle))
}
