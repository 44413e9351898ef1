//! The program without its window: started with the computer, closed to the tray, opened again; and who may call it.

use std::path::PathBuf;
use std::process::Command;

use crate::connections::explore;
use crate::display::Display;
use crate::driver::Home;
use crate::gateway;
use crate::window::Window;

pub(crate) async fn behind_a_closed_window() {
    let home = Home::new();
    let window = explore(&home).await;
    window.press(&["Ctrl+,"]).await;
    window.click("section-gateway").await;
    with_the_computer(&window, &home).await;
    closed_and_opened_again(&window, &home).await;
    opened_to_other_machines(&window).await;
    window.close().await;
    started_with_the_computer(&home).await;
}

async fn started_with_the_computer(home: &Home) {
    let window = Window::open(home, &["--hidden", "--port", "0"]).await;
    let display = Display::open();
    let listening = async || {
        let gateway = &window.invoke("status").await["gateway"];
        gateway["url"].as_str().filter(|_| gateway["state"] == "listening").map(str::to_owned)
    };
    let url = window.until("bots are served", listening).await;
    assert_eq!(gateway::ask(&format!("{url}/v1"), "pb_nobody", "any").await.0, 401);
    assert!(!display.shows_it(), "its window is not shown");
    started_again(home);
    window.until("the window is open", async || display.shows_it().then_some(())).await;
    window.close().await;
}

/// A second start, which leaves it to the first.
fn started_again(home: &Home) {
    let again =
        Command::new(env!("CARGO_BIN_EXE_patchbay-desktop")).arg("--data-dir").arg(home.data()).status();
    assert!(again.expect("it starts").success());
}

async fn with_the_computer(window: &Window, home: &Home) {
    window.marked("start-with-computer", "aria-checked", "false").await;
    window.click("start-with-computer").await;
    let entry = window.until("an entry to start", async || entry(home)).await;
    let text = std::fs::read_to_string(&entry).expect("the entry");
    let folder = home.data().display().to_string();
    for part in ["--hidden", "--data-dir", &folder] {
        assert!(text.lines().any(|line| line.starts_with("Exec=") && line.contains(part)), "{text}");
    }
    window.click("start-with-computer").await;
    window.until("the entry is gone", async || self::entry(home).is_none().then_some(())).await;
}

/// What the desktop starts with a session.
fn entry(home: &Home) -> Option<PathBuf> {
    let folder = std::fs::read_dir(home.path().join(".config/autostart")).ok()?;
    folder
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "desktop"))
}

async fn closed_and_opened_again(window: &Window, home: &Home) {
    let display = Display::open();
    let url = window.invoke("status").await["gateway"]["url"].as_str().expect("an address").to_owned();
    window.click("keep-running").await;
    window.marked("keep-running", "aria-checked", "true").await;
    window.picture("77-gateway-settings").await;
    assert!(display.shows_it());
    display.close_it();
    window.until("the window is closed", async || (!display.shows_it()).then_some(())).await;
    assert_eq!(gateway::ask(&format!("{url}/v1"), "pb_nobody", "any").await.0, 401, "bots are served still");

    started_again(home);
    window.until("the window is open", async || display.shows_it().then_some(())).await;
}

async fn opened_to_other_machines(window: &Window) {
    window.fill("reach-address", "localhost").await;
    window.click("reach-open").await;
    let refused = "return document.body.innerText.includes('no address to open the gateway at')";
    window.until("it is refused", async || window.run::<bool>(refused).await.then_some(())).await;
    window.fill("reach-address", "0.0.0.0").await;
    window.fill("reach-hosts", "host.docker.internal").await;
    window.click("reach-open").await;
    let warning = window.says("reach-warning", "nothing is encrypted on the way").await;
    let state = window.says("gateway-state", "Other machines can reach it, too.").await;
    let port = |text: &str, before: &str| {
        let rest = text
            .split_once(before)
            .map(|(_, rest)| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        rest.filter(|port| !port.is_empty()).unwrap_or_else(|| panic!("no port after {before} in {text}"))
    };
    assert_eq!(port(&warning, "0.0.0.0:"), port(&state, "127.0.0.1:"), "it listens where it did");
    for theme in ["dark", "light"] {
        window.press(&["Ctrl+Shift+l"]).await;
        window.marks_root("theme", theme).await;
        window.picture(&format!("78-gateway-open-{theme}")).await;
    }
    window.resize(960, 640).await;
    window.picture("79-gateway-open-small").await;
    window.resize(1280, 800).await;
    window.click("reach-close").await;
    window.misses("reach-warning").await;
    window.says("gateway-state", "Only programs on this computer can reach it.").await;
}
