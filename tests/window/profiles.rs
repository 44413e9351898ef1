//! Profiles: made, edited, versioned and called in the real window, and a drill on them.

use crate::chooser::Chooser;
use crate::connections::explore;
use crate::driver::Home;
use crate::window::Window;

/// Makes a profile that leads to the Demo provider's quick connection.
async fn made(window: &Window) {
    window.press(&["g", "p"]).await;
    window.click("new-profile").await;
    window.click("start-scan").await;
    window.fill("profile-name", "signal-scan").await;
    window.click("profile-create").await;
    window.see("profile-editor").await;
    window.says("versions", "version 1").await;
}

pub(crate) async fn from_a_recipe_to_a_call_and_a_drill() {
    let chooser = Chooser::start().await;
    let home = Home::with_portals();
    let window = explore(&home).await;
    window.press(&["g", "p"]).await;
    window.see("no-profiles").await;
    window.picture("60-profiles-none").await;
    made(&window).await;
    window.picture("61-profile-new").await;

    window.click("add-step").await;
    window.says("add-step-dialog", "Where").await;
    window.click("step-add").await;
    window.see("step-2").await;
    window.fill("field-temperature", "0.7").await;
    window.says("unsaved", "2 unsaved changes").await;
    window.picture("62-profile-unsaved").await;
    window.press(&["Ctrl+s"]).await;
    window.says("versions", "version 2").await;
    window.misses("unsaved").await;

    window.click("versions").await;
    window.says("version-2", "temperature").await;
    window.picture("63-profile-versions").await;
    window.click("restore-1").await;
    window.see("version-3").await;
    window.press(&["Escape"]).await;
    window.says("versions", "version 3").await;

    window.click("effective").await;
    window.says("effective-timeout_s", "This profile").await;
    window.picture("64-profile-effective").await;
    window.press(&["Escape"]).await;

    window.click("drill").await;
    window.click("drill-go").await;
    window.says("drill-verdict", "would have no home").await;
    window.picture("65-profile-drill").await;
    in_force(&window).await;

    window.click("try").await;
    window.focuses("pg-prompt").await;
    window.fill("pg-prompt", "Long or short?").await;
    window.press(&["Ctrl+Enter"]).await;
    window.says("pg-route", "Answered").await;
    window.picture("66-profile-tried").await;
    what_goes_with_a_prompt(&window, &home, &chooser).await;
    for (width, height, size) in [(960, 640, "small"), (1280, 800, "wide")] {
        window.resize(width, height).await;
        window.run::<()>("document.activeElement.blur()").await;
        window.press(&["g", "p"]).await;
        window.see("profile-editor").await;
        window.picture(&format!("67-profile-{size}")).await;
    }
    window.press(&["Ctrl+Shift+l"]).await;
    window.picture("68-profile-light").await;
    window.close().await;
}

/// A drill that real calls meet: it asks before it leaves names without a home, is told of on every screen, and ends.
async fn in_force(window: &Window) {
    // A menu of the system's own, which no driver reaches.
    let choose = "const menu = document.querySelector('[data-testid=drill-minutes]'); \
                  menu.value = '10'; menu.dispatchEvent(new Event('change', { bubbles: true }))";
    window.run::<()>(choose).await;
    window.click("drill-start").await;
    window.says("drill-confirm", "fail with 503").await;
    window.picture("65-profile-drill-asks").await;
    window.click("drill-confirm-go").await;
    window.says("drill-note", "10 minutes left").await;
    window.click("try").await;
    window.focuses("pg-prompt").await;
    window.fill("pg-prompt", "Long or short?").await;
    window.press(&["Ctrl+Enter"]).await;
    window.says("pg-error", "A drill is in force").await;
    window.see("drill-note").await;
    window.picture("65-profile-drill-met").await;
    for (width, height, size) in [(960, 640, "small"), (1280, 800, "wide")] {
        window.resize(width, height).await;
        window.run::<()>("document.activeElement.blur()").await;
        window.press(&["g", "p"]).await;
        window.see("profile-editor").await;
        window.picture(&format!("65-profile-drill-note-{size}")).await;
    }
    window.press(&["Ctrl+Shift+l"]).await;
    window.picture("65-profile-drill-note-theme").await;
    window.press(&["Ctrl+Shift+l"]).await;
    window.click("drill-end").await;
    window.misses("drill-note").await;
}

/// The shape of the answer, tools, a file and an estimate in the composer.
async fn what_goes_with_a_prompt(window: &Window, home: &Home, chooser: &Chooser) {
    let bars = home.path().join("es_15m.csv");
    std::fs::write(&bars, "time,close\n09:45,6851.25\n10:00,6849.50\n").expect("a file");
    chooser.chooses(&bars);
    window.click("pg-attach").await;
    window.says("pg-attachment", "es_15m.csv").await;
    window.says("pg-attachment", "3 lines").await;
    window.says("pg-estimate", "at most").await;
    window.picture("66-playground-file").await;
    window.click("pg-format").await;
    window.see("add-tool").await;
    window.click("format-json_schema").await;
    window.see("field-schema").await;
    window.picture("66-playground-format").await;
    window.resize(960, 640).await;
    window.picture("66-playground-format-small").await;
    window.click("pg-shape-done").await;
    window.says("pg-format", "JSON schema").await;
    window.press(&["Ctrl+Shift+l"]).await;
    window.picture("66-playground-file-small-theme").await;
    window.press(&["Ctrl+Shift+l"]).await;
    window.click("pg-prompt").await;
    window.press(&["Ctrl+Enter"]).await;
    window.says("pg-route", "Answered").await;
    window.click("pg-detach").await;
    window.see("pg-attach").await;
}
