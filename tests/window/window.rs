//! The open window, as somebody at the screen and the keyboard has it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{By, Key, WebDriver, WebElement};
use tokio::sync::{Mutex, MutexGuard};

use crate::display::{Display, Picture};
use crate::driver::{Driver, Home, Keychain};
use crate::wait::found;

/// Generous: the machine may be busy with something else.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ends after the page was drawn with whatever had changed.
const DRAWN_TWICE: &str =
    "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))";

/// There is one display, and Patchbay opens only one window in a session.
static ALONE: Mutex<()> = Mutex::const_new(());

/// The open window.
pub(crate) struct Window {
    page: WebDriver,
    home: PathBuf,
    // Ended before the next window may open.
    driver: Option<Driver>,
    _alone: MutexGuard<'static, ()>,
}

impl Window {
    /// Starts the program on the home's data folder.
    pub(crate) async fn open(home: &Home, arguments: &[&str]) -> Self {
        Self::open_with(home, arguments, Keychain::Open).await
    }

    pub(crate) async fn open_with(home: &Home, arguments: &[&str], keychain: Keychain) -> Self {
        let alone = ALONE.lock().await;
        let data_dir = home.data().display().to_string();
        let mut all = vec!["--data-dir".to_owned(), data_dir];
        all.extend(arguments.iter().map(ToString::to_string));
        let driver = Driver::start(home, keychain);
        let page = driver.open(&all).await;
        Self { page, home: home.path().to_owned(), driver: Some(driver), _alone: alone }
    }

    /// Closes the window and waits until every process of it is gone.
    pub(crate) async fn close(mut self) {
        self.page.clone().quit().await.expect("the session ends");
        self.driver.take();
    }

    /// The element with a test id, once it is shown.
    pub(crate) async fn see(&self, id: &str) -> WebElement {
        self.until(&format!("{id} is shown"), async || self.shown(id).await).await
    }

    /// The element with a test id, if it is shown now.
    pub(crate) async fn shown(&self, id: &str) -> Option<WebElement> {
        // The driver's own idea of what is displayed leaves out what scrolls.
        const SCRIPT: &str = "return [...document.querySelectorAll(arguments[0])].find((one) => one.checkVisibility()) ?? null";
        let found = self.page.execute(SCRIPT, vec![selector(id).into()]).await.ok()?;
        found.element().ok()
    }

    /// The text of an element, once it has one that satisfies.
    pub(crate) async fn reads(&self, id: &str, satisfies: impl Fn(&str) -> bool) -> String {
        let look = async || {
            let text = written(&self.shown(id).await?).await?;
            satisfies(&text).then_some(text)
        };
        self.until(&format!("{id} reads as it should"), look).await
    }

    /// Waits until an element says this, among other things.
    pub(crate) async fn says(&self, id: &str, part: &str) -> String {
        let look = async || {
            let text = written(&self.shown(id).await?).await?;
            text.contains(part).then_some(text)
        };
        self.until(&format!("{id} says \"{part}\""), look).await
    }

    /// The text of an element now.
    pub(crate) async fn text(&self, id: &str) -> String {
        self.reads(id, |_| true).await
    }

    /// Waits until an attribute of an element has this value.
    pub(crate) async fn marked(&self, id: &str, attribute: &str, value: &str) {
        let look = async || {
            let found = self.shown(id).await?.attr(attribute).await.ok()??;
            (found == value).then_some(())
        };
        self.until(&format!("{id} has {attribute}={value}"), look).await;
    }

    /// Waits until the whole page has this.
    pub(crate) async fn marks_root(&self, name: &str, value: &str) {
        let body = format!("return document.documentElement.dataset[{name:?}]");
        let look = async || (self.run::<String>(&body).await == value).then_some(());
        self.until(&format!("the page has {name}={value}"), look).await;
    }

    /// Waits until the keyboard is on an element.
    pub(crate) async fn focuses(&self, id: &str) {
        let body = "return document.activeElement?.dataset.testid ?? ''";
        let look = async || (self.run::<String>(body).await == id).then_some(());
        self.until(&format!("{id} has the focus"), look).await;
    }

    /// Waits until there is no such element.
    pub(crate) async fn misses(&self, id: &str) {
        let look = async || {
            let elements = self.page.find_all(By::Css(selector(id))).await.ok()?;
            elements.is_empty().then_some(())
        };
        self.until(&format!("{id} is gone"), look).await;
    }

    /// Clicks an element once it can be clicked.
    pub(crate) async fn click(&self, id: &str) {
        let look = async || self.shown(id).await?.click().await.ok();
        self.until(&format!("{id} can be clicked"), look).await;
    }

    /// What is typed in a field.
    pub(crate) async fn value(&self, id: &str) -> String {
        let value = self.see(id).await.prop("value").await.expect("a property");
        value.unwrap_or_default()
    }

    /// Types into a field in place of what was there. (Clearing it through the driver would not tell the page.)
    pub(crate) async fn fill(&self, id: &str, text: &str) {
        self.click(id).await;
        let field = self.see(id).await;
        let keys = Key::Control + "a";
        field.send_keys(keys).await.expect("selected");
        field.send_keys(Key::Backspace + text).await.expect("typed");
        let look = async || (self.value(id).await == text).then_some(());
        self.until(&format!("{id} holds what was typed"), look).await;
    }

    /// Presses keys one after the other, wherever the focus is: `"G"`, `"Ctrl+Shift+L"`, `"Alt+Down"`.
    pub(crate) async fn press(&self, strokes: &[&str]) {
        for stroke in strokes {
            self.stroke(stroke).await.expect("the keys are pressed");
        }
    }

    async fn stroke(&self, stroke: &str) -> WebDriverResult<()> {
        let mut parts: Vec<&str> = stroke.split('+').collect();
        let last = parts.pop().expect("a key");
        let mut actions = self.page.action_chain();
        for held in &parts {
            actions = actions.key_down(modifier(held));
        }
        actions = match named(last) {
            Some(key) => actions.key_down(key.clone()).key_up(key),
            None => actions.send_keys(last),
        };
        for held in parts.iter().rev() {
            actions = actions.key_up(modifier(held));
        }
        actions.perform().await
    }

    /// Runs a function's body in the page.
    pub(crate) async fn run<T: DeserializeOwned>(&self, body: &str) -> T {
        let returned = self.page.execute(body, Vec::new()).await.expect("the script runs");
        returned.convert().expect("what was asked for")
    }

    /// Runs the body of an asynchronous function in the page. What it throws comes back as `{"thrown": …}`.
    pub(crate) async fn settle(&self, body: &str) -> Value {
        let script = format!(
            "const done = arguments[0]; (async () => {{ {body} }})().then((value) => done(value ?? null), \
             (thrown) => done({{ thrown: String(thrown?.message ?? thrown) }}))"
        );
        let returned = self.page.execute_async(script, Vec::new()).await;
        returned.expect("the script ends").json().clone()
    }

    /// Calls a command as the page itself does.
    pub(crate) async fn invoke(&self, command: &str) -> Value {
        self.settle(&format!("return window.__TAURI_INTERNALS__.invoke({command:?})")).await
    }

    pub(crate) async fn source(&self) -> String {
        self.page.source().await.expect("the page's source")
    }

    pub(crate) async fn reload(&self) {
        self.page.refresh().await.expect("the page loads again");
    }

    pub(crate) async fn resize(&self, width: u32, height: u32) {
        self.page.set_window_rect(0, 0, width, height).await.expect("a size");
        let body = "return [window.innerWidth, window.innerHeight]";
        let look = async || (self.run::<(u32, u32)>(body).await == (width, height)).then_some(());
        self.until("the window has its size", look).await;
    }

    /// Keeps what the window shows as `target/window/NAME.png`, once it stands still: the first picture after a change may
    /// be of the time before it. (The driver's own pictures never come where the web view draws without a graphics card.)
    pub(crate) async fn picture(&self, name: &str) {
        const TRIES: usize = 8;
        let display = Display::open();
        let mut last = None;
        for _ in 0..TRIES {
            self.settle(DRAWN_TWICE).await;
            let next = display.picture();
            assert!(next.is_some(), "{name}: no window is on the screen");
            if next == last {
                break;
            }
            last = next;
        }
        save(name, &last.expect("a picture"));
    }

    pub(crate) async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        match found(PATIENCE, look).await {
            Some(seen) => seen,
            None => panic!("{}", self.complaint(what).await),
        }
    }

    /// What was waited for, and what was there instead.
    async fn complaint(&self, what: &str) -> String {
        let shown = match self.page.find(By::Tag("body")).await {
            Ok(body) => written(&body).await.unwrap_or_default(),
            Err(error) => error.to_string(),
        };
        if let Some(picture) = Display::open().picture() {
            save("failed", &picture);
        }
        let log = std::fs::read_to_string(self.home.join("output.log")).unwrap_or_default();
        let complaints: Vec<&str> = log
            .lines()
            .filter(|line| ["WARN", "ERROR", "panicked"].iter().any(|word| line.contains(word)))
            .collect();
        format!(
            "waited in vain: {what}. The window shows (target/window/failed.png):\n{shown}\nIt complained:\n{}",
            complaints.join("\n")
        )
    }
}

/// The text of an element. The driver's own idea of it leaves out what scrolls, and all line breaks.
async fn written(element: &WebElement) -> Option<String> {
    element.prop("innerText").await.ok()?
}

fn selector(id: &str) -> String {
    format!("[data-testid=\"{id}\"]")
}

fn modifier(name: &str) -> Key {
    match name {
        "Ctrl" => Key::Control,
        "Alt" => Key::Alt,
        "Shift" => Key::Shift,
        other => panic!("{other} is no modifier"),
    }
}

fn named(name: &str) -> Option<Key> {
    Some(match name {
        "Enter" => Key::Enter,
        "Escape" => Key::Escape,
        "Down" => Key::Down,
        "Up" => Key::Up,
        "End" => Key::End,
        "Delete" => Key::Delete,
        "Space" => Key::Space,
        "Tab" => Key::Tab,
        _ => return None,
    })
}

fn save(name: &str, picture: &Picture) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("window");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join(format!("{name}.png")), picture.as_png()).expect("the picture is written");
}
