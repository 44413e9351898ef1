//! Desktop notifications of alerts, by whichever process they were raised. Who has a window tells them.

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::changes::Changed;
use patchbay_engine::desk::alerts::{self, Alert};
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt;
use tokio::sync::broadcast::error::RecvError;

/// More than so many at once are told in one.
const AT_ONCE: usize = 3;

/// Tells of alerts for as long as the engine lives, and does not keep it alive: a restore waits until it has ended.
pub(crate) fn tell_of_alerts(app: &AppHandle, engine: &Arc<Engine>) {
    let mut news = engine.changes().subscribe();
    let (app, engine) = (app.clone(), Arc::downgrade(engine));
    tauri::async_runtime::spawn(async move {
        loop {
            let Some(engine) = engine.upgrade() else { return };
            match alerts::claim_untold(&engine).await {
                Ok(untold) => tell(&app, &untold),
                Err(error) => tracing::warn!(%error, "alerts could not be told on the desktop"),
            }
            drop(engine);
            loop {
                match news.recv().await {
                    Ok(Changed::Alerts) | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        }
    });
}

fn tell(app: &AppHandle, untold: &[Alert]) {
    if untold.len() > AT_ONCE {
        let titles: Vec<&str> = untold.iter().map(|alert| alert.title.as_str()).collect();
        return show(app, &format!("{} alerts", untold.len()), &titles.join("\n"));
    }
    for alert in untold {
        show(app, &alert.title, &alert.evidence);
    }
}

fn show(app: &AppHandle, title: &str, body: &str) {
    if let Err(error) = app.notification().builder().title(title).body(body).show() {
        tracing::warn!(%error, "a notification could not be shown");
    }
}
