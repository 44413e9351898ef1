//! Keys of a connection in the window: added after a failing test, rotated, rolled back; and the log of it all.

use std::path::PathBuf;

use jiff::tz::TimeZone;
use patchbay_core::secret::Secret;
use patchbay_engine::demo::{DemoServer, Pace};
use patchbay_engine::desk::backup::{self, Secrets};
use patchbay_engine::desk::connections::{self, ConnectionDraft, NewSettings};
use patchbay_engine::desk::vault;
use patchbay_engine::{Engine, VaultChoice};

use crate::connections::explore;
use crate::driver::Home;
use crate::first_run::provider;
use crate::window::Window;

const KEY: &str = "sk-canary-desk-41c07be2-GOOD";
const WRONG: &str = "sk-canary-desk-9d3360fa-MISS";

/// From a key that is refused to one that works, to a new version, and one step back.
pub(crate) async fn rotated_and_rolled_back() {
    let provider = provider(KEY, Pace::Instant);
    let home = Home::new();
    let window = explore(&home).await;
    window.press(&["g", "c"]).await;
    added_after_a_failing_test(&window, &provider).await;
    a_refused_key_leaves_the_old_one_live(&window).await;
    a_good_key_takes_its_place(&window).await;
    one_step_back(&window).await;
    limits_are_kept_one_by_one(&window).await;
    the_log_tells_it_all(&window).await;
    window.close().await;
}

async fn added_after_a_failing_test(window: &Window, provider: &DemoServer) {
    window.press(&["Ctrl+n"]).await;
    window.click("add-more-providers").await;
    window.click("add-provider-compatible").await;
    window.fill("add-base-url", provider.base_url()).await;
    window.fill("add-name", "Vault desk").await;
    window.fill("add-secret", WRONG).await;
    window.press(&["Ctrl+Enter"]).await;
    window.marked("add-report", "data-verdict", "failed").await;
    window.marked("stage-auth", "data-verdict", "failed").await;
    window.picture("60-add-refused").await;
    window.click("remedy-replace_key").await;
    window.fill("add-secret", KEY).await;
    window.press(&["Ctrl+Enter"]).await;
    window.misses("add-dialog").await;
    window.see("conn-conn_vault_desk").await;
    window.says("detail", "Vault desk").await;
}

async fn a_refused_key_leaves_the_old_one_live(window: &Window) {
    window.press(&["r"]).await;
    window.focuses("key-secret").await;
    window.says("version-state-1", "Live").await;
    window.fill("key-secret", WRONG).await;
    window.picture("61-rotate").await;
    window.press(&["Enter"]).await;
    window.marked("key-outcome", "data-switched", "false").await;
    window.says("key-outcome", "Version 2 is stored and not used. Version 1 is still live.").await;
    window.says("version-state-2", "Not in use yet").await;
    window.picture("62-rotate-refused").await;
    window.click("key-forget").await;
    window.says("version-state-2", "Erased").await;
}

async fn a_good_key_takes_its_place(window: &Window) {
    window.press(&["r"]).await;
    window.focuses("key-secret").await;
    window.fill("key-secret", KEY).await;
    window.press(&["Enter"]).await;
    window.marked("key-outcome", "data-switched", "true").await;
    window.says("version-state-3", "Live").await;
    window.says("version-state-1", "Retired").await;
    window.picture("63-rotated").await;
}

async fn one_step_back(window: &Window) {
    window.click("version-rollback-1").await;
    window.says("version-state-1", "Live").await;
    window.says("version-state-3", "Retired").await;
    let credentials = "return window.__TAURI_INTERNALS__.invoke('credentials', { key: 'conn_vault_desk' })";
    let credentials = window.settle(credentials).await;
    let states: Vec<&str> = credentials["versions"]
        .as_array()
        .expect("versions")
        .iter()
        .filter_map(|one| one["state"].as_str())
        .collect();
    assert_eq!(states, ["retiring", "purged", "active"]);
    assert_eq!(credentials["rollback_to"], 3);
}

async fn limits_are_kept_one_by_one(window: &Window) {
    window.press(&["]"]).await;
    window.fill("limit-per_minute", "120").await;
    window.press(&["Enter"]).await;
    window.says("limit-per_minute-used", "0 used").await;
    window.fill("limit-at_once", "4").await;
    window.press(&["Enter"]).await;
    window.says("limit-at_once-used", "0 used").await;
    window.says("save-state", "All changes saved").await;
    window.picture("64-limits").await;
    let connections = window.invoke("connections").await;
    let all = connections.as_array().expect("a list");
    let desk = all.iter().find(|one| one["key"] == "conn_vault_desk").expect("the connection");
    assert_eq!(desk["limits"]["per_minute"]["at_most"], 120);
    assert_eq!(desk["limits"]["at_once"]["at_most"], 4);
}

async fn the_log_tells_it_all(window: &Window) {
    // Single keys are off while somebody types.
    window.run::<()>("document.activeElement.blur()").await;
    window.press(&["g", "e"]).await;
    window.click("tab-audit").await;
    window.marked("audit-verdict", "data-intact", "true").await;
    window.fill("audit-text", "vault_desk").await;
    let body = "return [...document.querySelectorAll('tr[data-key]')].map((row) => row.innerText)";
    let told = async || {
        let rows: Vec<String> = window.run(body).await;
        let tells = |word: &str| rows.iter().any(|row| row.contains(word));
        (["changed", "rolled back", "made live", "erased", "tested", "added"].iter().all(|word| tells(word)))
            .then_some(rows)
    };
    let rows = window.until("the log tells of the connection", told).await;
    assert!(rows.iter().all(|row| !row.contains(KEY) && !row.contains(WRONG)), "{rows:?}");
    window.click("audit-verify").await;
    window.says("audit-verdict", "Chain intact").await;
    window.picture("65-audit").await;
    window.run::<()>("document.activeElement.blur()").await;
    window.press(&["j", "Enter"]).await;
    window.says("audit-detail", "Hash of this entry").await;
    window.picture("66-audit-entry").await;
}

/// A copy of everything with its keys, looked into, and put back over what was changed since.
pub(crate) async fn backed_up_and_restored() {
    let home = Home::new();
    let window = explore(&home).await;
    window.press(&["Ctrl+,"]).await;
    window.says("vault-state", "open").await;
    window.click("backup-open").await;
    window.click("backup-kind-sealed").await;
    window.fill("backup-passphrase", "correct horse battery").await;
    window.fill("backup-passphrase-again", "correct horse battery").await;
    window.picture("67-backup").await;
    window.press(&["Enter"]).await;
    window.says("toast-text", "Everything is copied to").await;
    window.misses("backup-dialog").await;

    window.press(&["g", "c"]).await;
    window.click("switch-demo_fast").await;
    window.says("health-demo_fast", "Off").await;
    window.press(&["Ctrl+,"]).await;
    window.click("backup-look").await;
    window.fill("restore-passphrase", "not this one").await;
    window.click("restore-look").await;
    window.says("restore-error", "passphrase").await;
    window.fill("restore-passphrase", "correct horse battery").await;
    window.click("restore-look").await;
    window.says("restore-contents", "Demo fast, Demo deep").await;
    window.picture("68-restore").await;
    window.click("restore-go").await;
    window.misses("restore-dialog").await;
    // The page loads anew; keys that came before it stands would reach nobody.
    window.see("nav-connections").await;
    window.press(&["g", "c"]).await;
    window.marked("switch-demo_fast", "aria-checked", "true").await;
    window.press(&["g", "e"]).await;
    window.click("tab-audit").await;
    window.says("audit-1", "#1").await;
    window.marked("audit-verdict", "data-intact", "true").await;
    window.close().await;
}

const VAULT: &str = "the machine's own passphrase";
const SEAL: &str = "battery staple";

/// A data folder whose keys are in the encrypted file, and a sealed copy of it.
async fn with_a_vault_file(home: &Home) -> PathBuf {
    let engine = Engine::open(&home.data(), VaultChoice::AsSet).expect("a data folder");
    let secret = |text: &str| Secret::new(text.to_owned());
    let draft = ConnectionDraft {
        provider: "compatible".into(),
        name: "Sealed desk".into(),
        key: None,
        base_url: Some("http://127.0.0.1:9/v1".into()),
        default_model: Some("demo-fast".into()),
        secret: Some(secret(KEY)),
        settings: NewSettings::default(),
    };
    vault::move_to_file(&engine, secret(VAULT)).await.expect("the file is made");
    connections::add_untested(&engine, draft, TimeZone::UTC).await.expect("a connection");
    let copy = home.path().join("sealed.age");
    backup::back_up(&engine, copy.clone(), Secrets::Sealed(secret(SEAL))).await.expect("a copy");
    let mark = engine.mark().to_owned();
    drop(engine);
    let soon = std::time::Duration::from_secs(20);
    assert!(backup::is_free(&home.data(), mark, soon).await, "the folder is free for the window");
    copy
}

/// A copy with keys is put back where the vault file is locked: its passphrase is asked for, and told while nothing has
/// happened yet where it is wrong.
pub(crate) async fn restored_into_a_locked_vault() {
    let home = Home::new();
    let copy = with_a_vault_file(&home).await;
    let window = Window::open(&home, &["--port", "0"]).await;
    window.see("nav-overview").await;
    window.press(&["Ctrl+,"]).await;
    window.reads("vault-state", |text| !text.contains("open")).await;
    window.click("restore-open").await;
    window.fill("restore-path", &copy.display().to_string()).await;
    window.click("restore-look").await;
    window.fill("restore-passphrase", SEAL).await;
    window.click("restore-look").await;
    window.says("restore-contents", "Sealed desk").await;
    window.fill("restore-vault-passphrase", "not this one").await;
    window.picture("81-restore-locked").await;
    window.press(&["Enter"]).await;
    window.says("restore-error", "does not open the encrypted vault file").await;
    assert_eq!(window.invoke("backups").await, serde_json::json!([]), "nothing has happened yet");
    window.fill("restore-vault-passphrase", VAULT).await;
    window.press(&["Enter"]).await;
    window.misses("restore-dialog").await;
    window.press(&["Ctrl+,"]).await;
    window.says("vault-state", "open").await;
    let connections = window.invoke("connections").await;
    assert_eq!(connections[0]["credential"]["tail"], KEY[KEY.len() - 4..]);
    window.close().await;
}
