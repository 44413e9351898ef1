//! From the files that bots have their keys in to connections that work: nothing of a key is ever in the page.

use std::path::{Path, PathBuf};

use patchbay_engine::demo::{DemoServer, Pace};

use crate::chooser::Chooser;
use crate::connections::{explore, known};
use crate::driver::Home;
use crate::first_run::provider;
use crate::window::Window;

const KEY: &str = "sk-canary-import-5ad70c31-GOOD";
const OTHER: &str = "sk-canary-import-c4418be0-ELSE";

pub(crate) async fn from_files_to_working_connections() {
    let provider = provider(KEY, Pace::Instant);
    let chooser = Chooser::start().await;
    let home = Home::with_portals();
    let window = explore(&home).await;
    window.press(&["g", "c"]).await;
    a_file_is_chosen_and_told(&window, &home, (&provider, &chooser)).await;
    what_was_chosen_is_added_and_works(&window, &provider).await;
    names_of_litellm_are_kept(&window, &home, &provider).await;
    a_place_for_a_backup_is_chosen(&window, &home, &chooser).await;
    window.close().await;
}

fn write(home: &Home, name: &str, text: &str) -> PathBuf {
    let path = home.path().join(name);
    std::fs::write(&path, text).expect("the file is written");
    path
}

async fn nothing_of_a_key(window: &Window) {
    let source = window.source().await;
    let values: String = window
        .run("return [...document.querySelectorAll('input')].map((input) => input.value).join(' ')")
        .await;
    for key in [KEY, OTHER] {
        assert!(!source.contains(key) && !values.contains(key), "the page holds {key}");
    }
}

async fn a_file_is_chosen_and_told(
    window: &Window,
    home: &Home,
    (provider, chooser): (&DemoServer, &Chooser),
) {
    let text = format!(
        "# bot\nexport DESK_OPENAI_API_KEY={KEY}\nDESK_OPENAI_BASE_URL={}\nGROQ_API_KEY='{OTHER}'\nBINANCE_API_KEY=x\n",
        provider.base_url()
    );
    let file = write(home, "bot.env", &text);
    window.click("import").await;
    window.see("import-dialog").await;
    window.picture("70-import").await;
    chooser.chooses(&file);
    window.click("import-path-choose").await;
    window.says("import-plan", "Groq").await;
    assert_eq!(window.value("import-path").await, file.display().to_string());
    assert_eq!(*chooser.asked.lock().expect("asked"), ["OpenFile Import connections"]);
    let told = window.text("import-plan").await;
    let place = provider.base_url().trim_start_matches("http://");
    assert!(told.contains("DESK_OPENAI_API_KEY") && told.contains(place), "{told}");
    window.says("import-skipped", "Left alone: 1").await;
    nothing_of_a_key(window).await;
    window.picture("71-import-plan").await;
}

async fn what_was_chosen_is_added_and_works(window: &Window, provider: &DemoServer) {
    window.run::<()>("document.querySelector('[data-testid=import-GROQ_API_KEY]').focus()").await;
    window.press(&["Space"]).await;
    window.says("import-go", "Import 1").await;
    window.run::<()>("document.querySelector('[data-testid=import-go]').focus()").await;
    window.press(&["Enter"]).await;
    window.misses("import-dialog").await;
    window.says("detail", "Other desk").await;
    window.says("health-other_desk", "Untested").await;
    window.fill("set-model", "demo-fast").await;
    window.press(&["Enter"]).await;
    window.says("save-state", "All changes saved").await;
    window.run::<()>("document.activeElement.blur()").await;
    window.press(&["t"]).await;
    let passed = async || {
        let check = &known(window, "other_desk").await["last_check"];
        (check["verdict"] == "passed").then_some(())
    };
    window.until("its test has passed", passed).await;
    let key = format!("Bearer {KEY}");
    assert!(provider.recent().iter().any(|asked| asked.header("authorization") == Some(&key)));
    let connections = window.invoke("connections").await;
    assert!(!connections.to_string().contains(KEY), "{connections}");
    nothing_of_a_key(window).await;
    window.picture("72-imported").await;
}

async fn names_of_litellm_are_kept(window: &Window, home: &Home, provider: &DemoServer) {
    let url = provider.base_url();
    let text = format!(
        "model_list:
  - model_name: fast
    litellm_params: {{ model: openai/demo-fast, api_base: \"{url}\", api_key: {KEY} }}
  - model_name: gpt-4o
    litellm_params: {{ model: openai/demo-deep, api_base: \"{url}\", api_key: {KEY} }}
  - model_name: gpt-4o
    litellm_params: {{ model: anthropic/claude-haiku-4-5, api_key: {OTHER} }}
"
    );
    let file = write(home, "config.yaml", &text);
    window.click("import").await;
    window.fill("import-path", &file.display().to_string()).await;
    window.press(&["Enter"]).await;
    window.says("import-plan", "gpt-4o").await;
    window.says("import-plan", "leads to the same place already").await;
    nothing_of_a_key(window).await;
    window.picture("73-import-litellm").await;
    window.click("import-go").await;
    window.misses("import-dialog").await;
    let aliases = window.invoke("aliases").await;
    assert_eq!(
        (&aliases[0]["alias"], &aliases[0]["target"]),
        (&"fast".into(), &"other_desk/demo-fast".into())
    );
    let profiles = window.invoke("profiles").await;
    let chain = &profiles[0]["spec"]["targets"];
    assert_eq!((&profiles[0]["name"], &chain[0]["connection"]), (&"gpt-4o".into(), &"other_desk".into()));
    assert_eq!(&chain[1]["model"], "claude-haiku-4-5", "{chain}");
}

async fn a_place_for_a_backup_is_chosen(window: &Window, home: &Home, chooser: &Chooser) {
    let place = home.path().join("everything.db");
    chooser.chooses(&place);
    window.press(&["Ctrl+,"]).await;
    window.click("backup-open").await;
    window.click("backup-path-choose").await;
    let shown = place.display().to_string();
    let look = async || (window.value("backup-path").await == shown).then_some(());
    window.until("the place is in the field", look).await;
    window.picture("74-backup-place").await;
    window.click("backup-go").await;
    window.says("toast-text", "everything.db").await;
    assert!(Path::new(&place).is_file());
    let asked = chooser.asked.lock().expect("asked").clone();
    assert_eq!(asked.last().map(String::as_str), Some("SaveFile Back up everything"));
}
