//! What the page may not do, even if a stranger's script ran in it.

use patchbay_engine::demo::{DemoOptions, DemoServer};

use crate::driver::Home;
use crate::window::Window;

pub(crate) async fn reaches_only_its_backend() {
    let elsewhere = DemoServer::start(DemoOptions::default()).expect("a server");
    let url = format!("{}/models", elsewhere.base_url());
    let home = Home::new();
    let window = Window::open(&home, &["--port", "0"]).await;
    window.see("first-run").await;

    assert_eq!(window.run::<String>("return typeof window.__TAURI__").await, "undefined");
    for body in ways_out(&url) {
        let ended = window.settle(&body).await;
        assert!(ended.get("thrown").is_some(), "{body} ended with {ended}");
    }
    for (command, arguments) in [
        ("exfiltrate", "{}"),
        ("plugin:store|load", "{ path: 'preferences.json' }"),
        ("plugin:dialog|open", "{ options: {} }"),
        ("plugin:fs|read_text_file", "{ path: '/etc/passwd' }"),
        ("plugin:opener|open_url", "{ url: 'https://example.com' }"),
        ("plugin:opener|open_path", "{ path: '/etc/passwd' }"),
        ("plugin:window|close", "{ label: 'main' }"),
        ("plugin:webview|create_webview_window", "{ options: { label: 'x', url: 'https://example.com' } }"),
        ("plugin:event|emit", "{ event: 'changed', payload: 'usage' }"),
    ] {
        let call = format!("return window.__TAURI_INTERNALS__.invoke({command:?}, {arguments})");
        let answer = window.settle(&call).await;
        let thrown = answer["thrown"].as_str().unwrap_or_default();
        assert!(thrown.contains("not allowed"), "{command} answered {answer}");
    }
    leaves_for_no_other_address(&window, &url).await;
    assert!(elsewhere.recent().is_empty(), "nothing has arrived: {:?}", elsewhere.recent());
    window.close().await;
}

/// Each of them would tell another server something.
fn ways_out(url: &str) -> [String; 6] {
    let element = |tag: &str, attribute: &str| {
        format!(
            "await new Promise((went, refused) => {{
                const element = document.createElement('{tag}');
                element.onload = went;
                element.onerror = () => refused('refused');
                element.{attribute} = '{url}';
                document.body.append(element);
            }})"
        )
    };
    [
        format!("await fetch('{url}')"),
        format!("await fetch('{url}', {{ method: 'POST', mode: 'no-cors', body: 'x' }})"),
        "await new Promise((went, refused) => {
            const socket = new WebSocket('ws://127.0.0.1:9/');
            socket.onopen = went;
            socket.onerror = () => refused('refused');
        })"
        .to_owned(),
        element("img", "src"),
        element("script", "src"),
        "return (0, eval)('1')".to_owned(),
    ]
}

/// A link, a form and a script that want to go somewhere else all stay here.
async fn leaves_for_no_other_address(window: &Window, url: &str) {
    for way in [
        format!("location.href = '{url}'"),
        format!(
            "const frame = document.createElement('iframe'); frame.src = '{url}'; document.body.append(frame)"
        ),
        format!("window.open('{url}')"),
        format!(
            "const form = document.createElement('form'); form.action = '{url}'; document.body.append(form); form.submit()"
        ),
    ] {
        window.settle(&way).await;
        // The backend answers our page only, and only while it lives.
        assert!(window.invoke("overview").await.get("today").is_some(), "{way}");
    }
    window.reload().await;
    window.see("first-run").await;
}
