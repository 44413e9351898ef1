//! Moving keys to another vault: all of them or none, and the old vault forgets them.

use std::sync::Arc;

use patchbay_core::code::Code;
use patchbay_core::diagnose::{Spend, Verdict};
use patchbay_core::secret::Secret;
use patchbay_engine::desk::{connections, credentials, vault};
use patchbay_engine::vault::{Given, VaultError, VaultKind};
use patchbay_engine::{Engine, VaultChoice, VaultSetup};

use crate::common::{Desk, NEW, PASSPHRASE, nobody, open, secret};

fn setup(passphrase: Option<&str>) -> VaultSetup {
    let given = passphrase.map(|text| Secret::new(text.to_owned()));
    VaultSetup { choice: VaultChoice::AsSet, passphrases: Arc::new(Given(given)) }
}

async fn test(engine: &Arc<Engine>) -> Option<Code> {
    let report = connections::test(engine, "main", Spend::FreeOnly, nobody()).await.unwrap();
    if report.verdict == Verdict::Passed { None } else { report.code }
}

#[tokio::test]
async fn k1_keys_move_to_the_file_and_are_used_from_there() {
    let desk = Desk::open().await;
    credentials::replace_key(&desk.engine, "main", secret(NEW), jiff::tz::TimeZone::UTC).await.unwrap();
    assert_eq!(vault::move_to(&desk.engine, VaultKind::File).await.unwrap(), 2);
    assert!(desk.glass.versions().is_empty(), "the old vault has forgotten them");
    let report = vault::report(&desk.engine).await.unwrap();
    assert_eq!((report.kind.as_str(), report.keys, report.to_erase), ("file", 2, 0));
    assert_eq!(test(&desk.engine).await, None);
    let again = vault::move_to(&desk.engine, VaultKind::File).await.unwrap_err();
    assert_eq!(again.code, Code::InvalidInput);
    assert!(desk.log().await.contains(&"user move file".to_owned()));
    let Desk { folder, engine, provider, .. } = desk;
    drop(engine);

    let next = Engine::open(folder.path(), setup(Some(PASSPHRASE))).unwrap();
    assert_eq!(test(&next).await, None, "the setting is remembered");
    credentials::rollback(&next, "main").await.unwrap();
    assert_eq!(test(&next).await, Some(Code::KeyRefused), "the old version came along");
    drop(next);
    let locked = Engine::open(folder.path(), setup(None)).unwrap();
    assert_eq!(test(&locked).await, Some(Code::VaultLocked), "and is not \"no key\"");
    vault::unlock(&locked, secret(PASSPHRASE)).await.unwrap();
    assert_eq!(test(&locked).await, Some(Code::KeyRefused));
    drop(provider);
}

#[tokio::test]
async fn k1_keys_move_to_a_file_behind_a_passphrase_of_its_own_and_back() {
    let desk = Desk::open().await;
    assert_eq!(vault::move_to_file(&desk.engine, secret("another passphrase")).await.unwrap(), 1);
    let status = vault::report(&desk.engine).await.unwrap().status;
    assert_eq!((status.kind.as_str(), status.message.as_str()), ("file", ""));
    let refused = vault::change_passphrase(&desk.engine, secret(PASSPHRASE), secret("a third one")).await;
    assert_eq!(refused.unwrap_err().code, Code::VaultDenied);
    vault::change_passphrase(&desk.engine, secret("another passphrase"), secret("a third one"))
        .await
        .unwrap();
    let Desk { folder, engine, provider, .. } = desk;
    drop(engine);
    let next = Engine::open(folder.path(), setup(None)).unwrap();
    assert_eq!(vault::ask(&next).await.unwrap_err().code, Code::VaultLocked, "nobody is there to type it");
    vault::unlock(&next, secret("a third one")).await.unwrap();
    assert_eq!(vault::ask(&next).await.unwrap().message, "");
    drop(provider);
}

#[tokio::test]
async fn k4_a_move_that_fails_leaves_everything_where_it_was() {
    for failing in ["before get", "after get"] {
        let desk = Desk::open().await;
        credentials::replace_key(&desk.engine, "main", secret(NEW), jiff::tz::TimeZone::UTC).await.unwrap();
        desk.glass.watch(Some(Box::new(
            move |step, _| if step == failing { Err(VaultError::Locked) } else { Ok(()) },
        )));
        let refused = vault::move_to(&desk.engine, VaultKind::File).await.unwrap_err();
        assert_eq!(refused.code, Code::VaultLocked);
        desk.glass.watch(None);
        assert_eq!((desk.glass.versions(), test(&desk.engine).await), (vec![1, 2], None));
        assert_eq!(vault::report(&desk.engine).await.unwrap().kind, "memory");
    }
}

#[tokio::test]
async fn k1_keys_do_not_move_while_another_process_looks_for_them() {
    let desk = Desk::open().await;
    let other = open(desk.folder.path(), &desk.glass);
    let refused = vault::move_to(&desk.engine, VaultKind::File).await.unwrap_err();
    assert_eq!((refused.code, desk.glass.versions()), (Code::InUse, vec![1]));
    drop(other);
    assert_eq!(vault::move_to(&desk.engine, VaultKind::Memory).await.unwrap_err().code, Code::InvalidInput);
    assert_eq!(vault::move_to(&desk.engine, VaultKind::File).await.unwrap(), 1);
}
