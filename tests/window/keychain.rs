//! Where a key goes, and where it must never be seen.

use std::path::{Path, PathBuf};
use std::process::Command;

use patchbay_engine::demo::Pace;

use crate::driver::Home;
use crate::first_run::{bot, describe, provider};
use crate::gateway;
use crate::window::Window;

/// The last four characters are shown on purpose, so the rest is what gives a key away.
const KEY: &str = "sk-canary-2f7c19e04bd84d5e-tail";
const WRONG: &str = "sk-canary-83ad60c1f5b9472e-miss";
const TAIL: usize = 4;

pub(crate) async fn nowhere_but_there() {
    let provider = provider(KEY, Pace::Instant);
    let home = Home::new();
    let window = Window::open(&home, &["--port", "0"]).await;
    describe(&window, &provider).await;
    window.fill("fr-secret", WRONG).await;
    window.click("fr-test-save").await;
    window.marked("add-report", "data-verdict", "failed").await;
    nothing_in_the_page(&window, WRONG).await;
    window.fill("fr-secret", KEY).await;
    window.click("fr-test-save").await;
    let bot = bot(&window).await;
    let (status, _) = gateway::ask(&bot.base_url, &bot.token, &bot.model).await;
    assert_eq!(status, 200);
    window.marked("fr-listening", "data-called", "true").await;
    nothing_in_the_page(&window, KEY).await;
    window.click("fr-open-overview").await;
    window.press(&["g", "c"]).await;
    window.press(&["j", "Enter"]).await;
    window.says("detail", "Desk provider").await;
    nothing_in_the_page(&window, KEY).await;
    nothing_in_the_page(&window, &bot.token).await;

    // Otherwise the search below would prove nothing.
    let sent = |key: &str| {
        let header = format!("Bearer {key}");
        provider.recent().iter().any(|request| request.header("authorization") == Some(&header))
    };
    assert!(sent(KEY) && sent(WRONG), "the provider was shown both keys");
    nothing_on_the_disk(&home, &bot.token);
    window.close().await;
    nothing_on_the_disk(&home, &bot.token);
    the_keychain_has_it();

    let window = Window::open(&home, &["--port", "0"]).await;
    window.click("health-conn_desk_provider").await;
    window.click("delete").await;
    window.says("remove", "Its key is erased from your keychain").await;
    window.click("remove-go").await;
    window.misses("conn-conn_desk_provider").await;
    // For as long as the deletion can be taken back, its key is kept.
    let erased = async || (!keychain().contains(secret(KEY))).then_some(());
    window.until("a deleted connection leaves no key behind", erased).await;
    window.close().await;
}

fn secret(key: &str) -> &str {
    &key[..key.len() - TAIL]
}

/// Neither in its markup nor in what it stores nor in what the engine tells it.
async fn nothing_in_the_page(window: &Window, key: &str) {
    let secret = secret(key);
    let stores: String = window
        .run("return JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, location.href])")
        .await;
    let visible: String = window.run("return document.body.innerText").await;
    let told = [window.invoke("connections").await, window.invoke("apps").await];
    let told = serde_json::to_string(&told).expect("text");
    let source = window.source().await;
    for (place, text) in [("stores", stores), ("text", visible), ("answers", told), ("source", source)] {
        assert!(!text.contains(secret), "the page's {place} give the key away:\n{text}");
    }
}

/// Not in the database, its log, the preferences, the output or the web view's own folders.
fn nothing_on_the_disk(home: &Home, token: &str) {
    let mut files = Vec::new();
    collect(home.path(), &mut files);
    // A file that goes away meanwhile holds nothing.
    let files: Vec<(PathBuf, Vec<u8>)> =
        files.into_iter().filter_map(|path| std::fs::read(&path).ok().map(|bytes| (path, bytes))).collect();
    let holders = |text: &str| -> Vec<&Path> {
        files.iter().filter(|(_, bytes)| holds(bytes, text)).map(|(path, _)| path.as_path()).collect()
    };
    for key in [KEY, WRONG, token] {
        assert_eq!(holders(secret(key)), Vec::<&Path>::new(), "these hold {key}");
    }
    // What may be there is found, so the search works.
    assert!(holders("Desk provider").iter().any(|path| path.starts_with(home.data())));
    assert!(holders("127.0.0.1").contains(&home.log().as_path()));
}

/// Whether the bytes hold the text, in the encoding of files or in that of the web view.
fn holds(bytes: &[u8], text: &str) -> bool {
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    [text.as_bytes(), &wide].iter().any(|needle| bytes.windows(needle.len()).any(|window| window == *needle))
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), into),
            Ok(kind) if kind.is_file() => into.push(entry.path()),
            _ => {}
        }
    }
}

fn the_keychain_has_it() {
    let listed = keychain();
    assert!(listed.contains(&format!("secret = {KEY}")), "the keychain lists:\n{listed}");
    assert!(listed.contains("attribute.username = "), "the keychain lists:\n{listed}");
    assert!(!listed.contains(secret(WRONG)), "a refused key is not kept:\n{listed}");
}

/// Everything that the session's keychain holds for Patchbay.
fn keychain() -> String {
    let output = Command::new("secret-tool")
        .args(["search", "--all", "--unlock", "service", "Patchbay"])
        .output()
        .expect("secret-tool runs (Debian: libsecret-tools)");
    // It writes the attributes to the other stream.
    [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat()
}
