//! `patchbay serve`

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::desk::{demo, drill, status};
use patchbay_engine::error::Error;
#[cfg(unix)]
use tokio::signal::unix::{SignalKind, signal};

use crate::output;

/// Serves until SIGTERM or Ctrl C, then lets calls on their way end.
pub(super) async fn run(engine: &Arc<Engine>, port: Option<u16>, with_demo: bool) -> Result<(), Error> {
    if with_demo {
        demo::connect(engine).await?;
    }
    // Heard from here on: a script may ask to stop as soon as it has read the line below.
    let told_to_stop = told_to_stop();
    let gateway = status::listen(engine, port).await?;
    // Scripts wait for this line; it is the same with --json.
    output::raw(&format!("listening {}\n", gateway.url));
    if !gateway.warning.is_empty() {
        output::note(&gateway.warning);
    }
    if let Some(in_force) = drill::in_force(engine)? {
        output::note(&super::drill::sentence(&in_force));
    }
    let keeping_up = tokio::spawn(Arc::clone(engine).keep_up());
    told_to_stop.await;
    output::note("Stopping: calls on their way end first.");
    status::drain(engine).await;
    keeping_up.abort();
    Ok(())
}

/// Listens when it is called, not only when it is awaited.
#[cfg(unix)]
fn told_to_stop() -> impl Future<Output = ()> {
    let kinds = [SignalKind::terminate(), SignalKind::interrupt()];
    let [terminated, interrupted] = kinds.map(|kind| {
        let signals = signal(kind);
        async {
            match signals {
                Ok(mut signals) => drop(signals.recv().await),
                Err(_) => std::future::pending().await,
            }
        }
    });
    async {
        tokio::select! {
            () = terminated => {}
            () = interrupted => {}
        }
    }
}

#[cfg(not(unix))]
async fn told_to_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
