//! The program without its window: started with the computer, closed to the tray, opened again; and who may call it.

use std::path::PathBuf;
use std::process::Command;

use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ClientMessageEvent, ConnectionExt, EventMask, MapState, Window as Id};
use x11rb::rust_connection::RustConnection;

use crate::connections::explore;
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
    assert!(!display.shows("Patchbay"), "its window is not shown");
    started_again(home);
    window.until("the window is open", async || display.shows("Patchbay").then_some(())).await;
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
    assert!(display.shows("Patchbay"));
    display.close("Patchbay");
    window.until("the window is closed", async || (!display.shows("Patchbay")).then_some(())).await;
    assert_eq!(gateway::ask(&format!("{url}/v1"), "pb_nobody", "any").await.0, 401, "bots are served still");

    started_again(home);
    window.until("the window is open", async || display.shows("Patchbay").then_some(())).await;
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

/// The display as a window manager has it.
struct Display {
    server: RustConnection,
    root: Id,
}

impl Display {
    fn open() -> Self {
        let (server, screen) = x11rb::connect(None).expect("a display");
        let root = server.setup().roots[screen].root;
        Self { server, root }
    }

    /// Whether a window of that title is on the screen.
    fn shows(&self, title: &str) -> bool {
        self.find(self.root, title).is_some_and(|window| {
            let found = self.server.get_window_attributes(window).ok().and_then(|asked| asked.reply().ok());
            found.is_some_and(|attributes| attributes.map_state == MapState::VIEWABLE)
        })
    }

    /// Asks a window to close, as its own cross does.
    fn close(&self, title: &str) {
        let window = self.find(self.root, title).expect("a window");
        let [protocols, delete] = ["WM_PROTOCOLS", "WM_DELETE_WINDOW"].map(|name| self.atom(name));
        let message = ClientMessageEvent::new(32, window, protocols, [delete, x11rb::CURRENT_TIME, 0, 0, 0]);
        self.server.send_event(false, window, EventMask::NO_EVENT, message).expect("sent");
        self.server.flush().expect("sent");
    }

    /// The window of that title that can be asked to close.
    fn find(&self, below: Id, title: &str) -> Option<Id> {
        let (name, text, protocols) =
            (self.atom("_NET_WM_NAME"), self.atom("UTF8_STRING"), self.atom("WM_PROTOCOLS"));
        let children = self.server.query_tree(below).ok()?.reply().ok()?.children;
        children.into_iter().find_map(|window| {
            let read = |property, kind| {
                let asked = self.server.get_property(false, window, property, kind, 0, 64).ok()?;
                asked.reply().ok().map(|found| found.value)
            };
            let any = x11rb::protocol::xproto::AtomEnum::ANY;
            let is_named = read(name, text).is_some_and(|found| found == title.as_bytes());
            let can_close = read(protocols, any.into()).is_some_and(|found| !found.is_empty());
            if is_named && can_close { Some(window) } else { self.find(window, title) }
        })
    }

    fn atom(&self, name: &str) -> u32 {
        let asked = self.server.intern_atom(false, name.as_bytes()).expect("asked");
        asked.reply().expect("an atom").atom
    }
}
