//! Old attempts go to archives: when, how many, and who says so (T3, T4, A2).

use std::fs::File;
use std::sync::Arc;

use jiff::tz::TimeZone;
use patchbay_core::code::Code;
use patchbay_core::report::Filter;
use patchbay_engine::changes::Changed;
use patchbay_engine::demo::sample::SampleOptions;
use patchbay_engine::desk::audit::{self, AuditQuery};
use patchbay_engine::desk::retention::{self, RetentionRun};
use patchbay_engine::desk::{demo, log};
use patchbay_engine::{Engine, VaultChoice};
use tempfile::TempDir;

async fn engine() -> (TempDir, Arc<Engine>) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(folder.path(), VaultChoice::Memory).unwrap();
    let options = SampleOptions { attempts: 1_500, days: 150, seed: 2 };
    demo::load(&engine, options, TimeZone::UTC).await.unwrap();
    (folder, engine)
}

async fn in_ledger(engine: &Arc<Engine>) -> usize {
    log::newest(engine, Filter::default(), 10_000).await.unwrap().len()
}

fn facts(run: &RetentionRun) -> Vec<(String, u64)> {
    run.months.iter().map(|month| (month.month.clone(), month.attempts)).collect()
}

#[tokio::test]
async fn t3_a_dry_run_tells_what_a_run_moves_and_moves_nothing() {
    let (folder, engine) = engine().await;
    let told = retention::dry_run(&engine).await.unwrap();
    assert!(told.dry_run && told.attempts > 300 && told.database_bytes > told.attempts * 150);
    assert_eq!((in_ledger(&engine).await, folder.path().join("archives").exists()), (1_500, false));
    let moved = retention::run(&engine).await.unwrap();
    assert_eq!((facts(&moved), moved.attempts), (facts(&told), told.attempts));
    assert!(moved.archive_bytes > 0 && moved.months.iter().all(|month| month.file.is_some()));
    assert_eq!(in_ledger(&engine).await as u64, 1_500 - moved.attempts);
    let info = retention::info(&engine).await.unwrap();
    assert_eq!(u64::from(info.archived_attempts), moved.attempts);
    assert_eq!((info.archived_bytes, info.unused_bytes), (moved.archive_bytes, 0));
    assert!(info.last_run.is_some() && retention::verify(&engine).await.unwrap().is_empty());
    assert_eq!(retention::run(&engine).await.unwrap().attempts, 0);
}

#[tokio::test]
async fn t3_attempts_stay_as_long_as_is_set_or_for_ever() {
    let (_folder, engine) = engine().await;
    assert_eq!(retention::set_days(&engine, 0).await.unwrap().days, 0);
    assert_eq!(retention::run(&engine).await.unwrap().attempts, 0);
    let usual =
        retention::set_days(&engine, 90).await.map(|_| retention::dry_run(&engine)).unwrap().await.unwrap();
    retention::set_days(&engine, 30).await.unwrap();
    let shorter = retention::dry_run(&engine).await.unwrap();
    assert!(shorter.attempts > usual.attempts && usual.attempts > 0);
    for wrong in [1, 6, 40_000] {
        let refused = retention::set_days(&engine, wrong).await.unwrap_err();
        assert!(refused.code == Code::InvalidInput && refused.hint.contains("for ever"));
    }
}

#[tokio::test]
async fn a2_the_setting_and_every_month_that_is_moved_are_in_the_audit_log() {
    let (_folder, engine) = engine().await;
    retention::set_days(&engine, 60).await.unwrap();
    let moved = retention::run(&engine).await.unwrap();
    let query = |action: &str| AuditQuery { action: Some(action.to_owned()), ..AuditQuery::default() };
    let entries = audit::list(&engine, query("retain"), None, 100).await.unwrap().entries;
    assert_eq!(entries.len(), moved.months.len());
    let (entry, month) = (entries.last().unwrap(), &moved.months[0]);
    assert_eq!((entry.actor.as_str(), entry.kind.as_str(), &entry.name), ("user", "usage", &month.month));
    let field = |name: &str| entry.changes.iter().find(|change| change.field == name).unwrap().after.clone();
    assert_eq!(field("attempts"), month.attempts.to_string());
    assert_eq!((field("file"), field("older_than_days")), (month.file.clone().unwrap(), "60".to_owned()));
    let set = audit::list(&engine, query("update"), None, 100).await.unwrap().entries;
    assert!(set.iter().any(|entry| entry.name == "usage_keep_days"));
    assert!(audit::verify(&engine).await.unwrap().intact);
}

#[tokio::test]
async fn t4_one_process_moves_at_a_time() {
    let (folder, engine) = engine().await;
    let other = File::create(folder.path().join("retention.lock")).unwrap();
    other.lock().unwrap();
    let refused = retention::run(&engine).await.unwrap_err();
    assert!(refused.code == Code::InUse && !refused.hint.is_empty(), "{refused}");
    assert_eq!(in_ledger(&engine).await, 1_500);
    other.unlock().unwrap();
    assert!(retention::run(&engine).await.unwrap().attempts > 0);
}

#[tokio::test]
async fn t4_a_process_that_goes_on_catches_up_at_its_start_by_itself() {
    let (_folder, engine) = engine().await;
    let mut changes = engine.changes().subscribe();
    let running = tokio::spawn(Arc::clone(&engine).keep_up());
    while changes.recv().await.unwrap() != Changed::Usage {}
    assert!(in_ledger(&engine).await < 1_500);
    let query = AuditQuery { actor: Some("scheduler".to_owned()), ..AuditQuery::default() };
    let entries = audit::list(&engine, query, None, 10).await.unwrap().entries;
    assert!(entries.iter().any(|entry| entry.action == "retain" && entry.kind == "usage"));
    running.abort();
}
