//! A look into copies: it tells what is in them and changes nothing.

use std::fs;

use patchbay_core::code::Code;
use patchbay_engine::desk::backup::{self, Secrets};

use crate::common::{Desk, PASSPHRASE, secret};

#[tokio::test]
async fn x1_a_look_tells_what_a_copy_holds_and_changes_nothing() {
    let desk = Desk::open().await;
    let plain = backup::fresh_path(&desk.engine, false);
    backup::back_up(&desk.engine, plain.clone(), Secrets::Without).await.unwrap();
    let sealed = backup::fresh_path(&desk.engine, true);
    let made =
        backup::back_up(&desk.engine, sealed.clone(), Secrets::Sealed(secret(PASSPHRASE))).await.unwrap();
    assert_eq!(made.keys, 1);
    desk.connect("later", None).await;

    let before = fs::read(&plain).unwrap();
    let found = backup::look_at(plain.clone(), None).await.unwrap();
    assert_eq!((found.sealed, found.keys, found.connections), (false, 0, vec!["The main".to_owned()]));
    assert_eq!(fs::read(&plain).unwrap(), before, "not a byte is changed");

    assert_eq!(backup::look_at(sealed.clone(), None).await.unwrap_err().code, Code::VaultLocked);
    let wrong = backup::look_at(sealed.clone(), Some(secret("not this"))).await.unwrap_err();
    assert_eq!(wrong.code, Code::VaultDenied);
    let found = backup::look_at(sealed, Some(secret(PASSPHRASE))).await.unwrap();
    assert_eq!((found.sealed, found.keys, found.connections.len()), (true, 1, 1));

    let shelf = backup::shelf(&desk.engine);
    assert_eq!(shelf.iter().map(|file| file.sealed).collect::<Vec<_>>(), [true, false], "the newest first");
    let missing = backup::look_at(plain.with_extension("gone"), None).await.unwrap_err();
    assert_eq!(missing.code, Code::InvalidInput);
}

#[tokio::test]
async fn x1_a_folder_is_free_once_its_engine_is_gone() {
    let desk = Desk::open().await;
    let (folder, mark) = (desk.folder.path().to_owned(), desk.engine.mark().to_owned());
    let soon = std::time::Duration::from_millis(50);
    assert!(!backup::is_free(&folder, mark.clone(), soon).await, "it is still at work");
    let Desk { folder: kept, engine, .. } = desk;
    drop(engine);
    assert!(backup::is_free(&folder, mark, std::time::Duration::from_secs(20)).await);
    drop(kept);
}
