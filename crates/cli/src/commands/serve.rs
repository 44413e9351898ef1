//! `patchbay serve`

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::desk::{demo, status};
use patchbay_engine::error::Error;
use tokio::signal;

use crate::output;

/// Serves until SIGTERM or Ctrl C, then lets calls on their way end.
pub(super) async fn run(engine: &Arc<Engine>, port: Option<u16>, with_demo: bool) -> Result<(), Error> {
    if with_demo {
        demo::connect(engine).await?;
    }
    let gateway = status::listen(engine, port).await?;
    // Scripts wait for this line; it is the same with --json.
    output::raw(&format!("listening {}\n", gateway.url));
    let keeping_up = tokio::spawn(Arc::clone(engine).keep_up());
    told_to_stop().await;
    output::note("Stopping: calls on their way end first.");
    status::drain(engine).await;
    keeping_up.abort();
    Ok(())
}

#[cfg(unix)]
async fn told_to_stop() {
    let terminated = async {
        match signal::unix::signal(signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        () = terminated => {}
        _ = signal::ctrl_c() => {}
    }
}

#[cfg(not(unix))]
async fn told_to_stop() {
    if signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
