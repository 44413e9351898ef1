//! A process may end between any two steps of a rotation: the folder then still has one active key that works, and the next
//! start erases what was left in the vault (K2).

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use patchbay_core::credential::CredentialState as State;
use patchbay_core::diagnose::Spend;
use patchbay_engine::Engine;
use patchbay_engine::desk::credentials::{self, Afterwards};
use patchbay_engine::desk::{audit, connections, vault};
use patchbay_engine::vault::VaultError;
use tempfile::TempDir;

use crate::common::{Desk, Glass, NEW, OLD, Secrets, nobody, open, rotate, secret};

const NEWER: &str = "sk-newer-c0ffee5d1f0b9c77-NWR3";

/// What a `kill -9` at this moment would leave behind: the files as they are, and the vault.
pub struct Image {
    pub moment: String,
    pub folder: TempDir,
    pub secrets: Secrets,
}

/// Copies database, its log of changes, and the marks of processes; in the copy, nobody holds their locks.
pub fn image(moment: &str, data: &Path, secrets: &Secrets) -> Image {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("processes")).unwrap();
    for from in [data.to_owned(), data.join("processes")] {
        for entry in fs::read_dir(&from).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_file() && path.extension().is_none_or(|ending| ending != "db-shm") {
                fs::copy(&path, folder.path().join(path.strip_prefix(data).unwrap())).unwrap();
            }
        }
    }
    Image { moment: moment.to_owned(), folder, secrets: secrets.clone() }
}

fn expected(version: u32) -> &'static str {
    [OLD, NEW, NEWER][version as usize - 1]
}

/// Opens what is left, as the next start does, and answers the version in use.
async fn check(image: Image) -> Option<u32> {
    let moment = &image.moment;
    let glass = Arc::new(Glass::holding(image.secrets));
    let engine = open(image.folder.path(), &glass);
    let report = vault::report(&engine).await.unwrap();
    assert_eq!(report.to_erase, 0, "{moment}: something is left to erase");
    assert!(audit::verify(&engine).await.unwrap().intact, "{moment}");
    let Ok(found) = credentials::list(&engine, "main").await else {
        assert!(glass.versions().is_empty(), "{moment}: the connection is gone, and its keys are not");
        return None;
    };
    let mut stored: Vec<u32> =
        found.versions.iter().filter(|v| v.state != State::Purged).map(|v| v.version).collect();
    stored.sort_unstable();
    assert_eq!(glass.versions(), stored, "{moment}: the vault holds what is named, and nothing else");
    let active: Vec<u32> =
        found.versions.iter().filter(|v| v.state == State::Active).map(|v| v.version).collect();
    assert_eq!(active.len(), 1, "{moment}: one key is in use");
    let held = glass.secrets.lock().unwrap();
    let secret = held.iter().find(|((_, version), _)| *version == active[0]).expect("its secret");
    assert_eq!(secret.1.expose(), expected(active[0]), "{moment}: and it is the right one");
    Some(active[0])
}

/// All that can happen to keys, in one go.
async fn a_life(engine: &Arc<Engine>) {
    credentials::stage(engine, "main", secret(NEW)).await.unwrap();
    credentials::test(engine, "main", Some(2), Spend::FreeOnly, nobody()).await.unwrap();
    credentials::promote(engine, "main", Some(2), Afterwards::Retire).await.unwrap();
    credentials::rollback(engine, "main").await.unwrap();
    credentials::rollback(engine, "main").await.unwrap();
    credentials::purge_retired(engine, "main").await.unwrap();
    credentials::replace_key(engine, "main", secret(NEWER), jiff::tz::TimeZone::UTC).await.unwrap();
    credentials::purge(engine, "main", 2).await.unwrap();
    connections::remove(engine, "main").await.unwrap();
}

#[tokio::test]
async fn k2_a_crash_between_any_two_steps_leaves_one_key_that_works() {
    let desk = Desk::open().await;
    let images = Arc::new(Mutex::new(Vec::new()));
    let (kept, data) = (Arc::clone(&images), desk.folder.path().to_owned());
    desk.glass.watch(Some(Box::new(move |step, secrets| {
        let moment = format!("{} {step}", kept.lock().unwrap().len());
        kept.lock().unwrap().push(image(&moment, &data, secrets));
        Ok(())
    })));
    a_life(&desk.engine).await;
    desk.glass.watch(None);
    let images: Vec<Image> = std::mem::take(&mut *images.lock().unwrap());
    let mut used = Vec::new();
    for image in images {
        used.push(check(image).await);
    }
    assert!(used.len() >= 12, "{used:?}");
    used.dedup();
    assert_eq!(used, [Some(1), Some(2), Some(3), None], "in this order, and no other");
    assert!(desk.glass.versions().is_empty());
}

#[tokio::test]
async fn k2_a_vault_that_fails_at_any_step_leaves_one_key_that_works() {
    let mut steps = 0;
    loop {
        let desk = Desk::open().await;
        let count = AtomicUsize::new(0);
        desk.glass.watch(Some(Box::new(move |_, _| {
            let now = count.fetch_add(1, Ordering::SeqCst);
            if now == steps { Err(VaultError::Locked) } else { Ok(()) }
        })));
        let rotated = rotate(&desk.engine, NEW).await;
        let purged = credentials::purge_retired(&desk.engine, "main").await;
        desk.glass.watch(None);
        let secrets = desk.glass.secrets.lock().unwrap().clone();
        check(image(&format!("failing at {steps}"), desk.folder.path(), &secrets)).await.expect("in use");
        if rotated.is_ok_and(|rotation| rotation.switched) && purged.is_ok() {
            break;
        }
        steps += 1;
    }
    assert!(steps >= 6, "put, get and delete, before and after: {steps}");
}
