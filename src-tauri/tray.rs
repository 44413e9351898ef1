//! The icon in the system's tray: whether traffic flows, and the switch that stops all of it (behaviours N4).

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::changes::Changed;
use patchbay_engine::desk::status;
use patchbay_engine::error::Error;
use tauri::menu::{Menu, MenuId, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{AppHandle, Manager, Wry};
use tokio::sync::broadcast::error::RecvError;

use crate::state::Desk;

const OPEN: &str = "open";
const TRAFFIC: &str = "traffic";
const QUIT: &str = "quit";

/// The line that stops and resumes.
struct Switch(MenuItem<Wry>);

/// Puts the icon into the tray. A desktop without one is told of nothing: the window has the same switch.
pub(crate) fn put(app: &AppHandle) -> tauri::Result<()> {
    let open = MenuItem::with_id(app, OPEN, "Open Patchbay", true, None::<&str>)?;
    let traffic = MenuItem::with_id(app, TRAFFIC, words(Traffic::Flows), true, None::<&str>)?;
    let quit = MenuItem::with_id(app, QUIT, "Quit Patchbay", true, None::<&str>)?;
    let line = PredefinedMenuItem::separator(app)?;
    let menu = Menu::with_items(app, &[&open, &traffic, &line, &quit])?;
    let mut icon = TrayIconBuilder::with_id("patchbay")
        .tooltip("Patchbay")
        .menu(&menu)
        .on_menu_event(|app, event| chosen(app, event.id()));
    if let Some(image) = app.default_window_icon() {
        icon = icon.icon(image.clone());
    }
    icon.build(app)?;
    app.manage(Switch(traffic));
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Traffic {
    Flows,
    Stopped,
}

fn words(traffic: Traffic) -> &'static str {
    match traffic {
        Traffic::Flows => "Stop all traffic",
        Traffic::Stopped => "Resume traffic",
    }
}

fn chosen(app: &AppHandle, line: &MenuId) {
    match line.as_ref() {
        OPEN => crate::show(app),
        QUIT => app.exit(0),
        TRAFFIC => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move {
                if let Err(error) = turn(&app).await {
                    tracing::error!(%error, "the switch in the tray did nothing");
                }
            });
        }
        _ => {}
    }
}

async fn turn(app: &AppHandle) -> Result<(), Error> {
    let engine = app.state::<Desk>().engine()?;
    match traffic(&engine)? {
        Traffic::Flows => status::stop(&engine, "you, in the tray").await,
        Traffic::Stopped => status::resume(&engine).await,
    }
}

fn traffic(engine: &Engine) -> Result<Traffic, Error> {
    Ok(if status::is_stopped(engine)? { Traffic::Stopped } else { Traffic::Flows })
}

/// Shows whether traffic flows for as long as the engine lives, and does not keep it alive.
pub(crate) fn follow(app: &AppHandle, engine: &Arc<Engine>) {
    let mut news = engine.changes().subscribe();
    let (app, engine) = (app.clone(), Arc::downgrade(engine));
    tauri::async_runtime::spawn(async move {
        loop {
            let Some(now) = engine.upgrade().map(|engine| traffic(&engine)) else { return };
            if let (Ok(now), Some(switch)) = (now, app.try_state::<Switch>())
                && let Err(error) = switch.0.set_text(words(now))
            {
                tracing::warn!(%error, "the tray could not be told whether traffic flows");
            }
            loop {
                match news.recv().await {
                    Ok(Changed::Status) | Err(RecvError::Lagged(_)) => break,
                    Ok(_) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        }
    });
}
