//! `patchbay gateway`

use std::sync::Arc;

use patchbay_engine::Engine;
use patchbay_engine::desk::gateway::{self, ReachView};
use patchbay_engine::error::Error;

use crate::args::GatewayReach;
use crate::output::Output;

pub(super) async fn run(engine: &Arc<Engine>, command: GatewayReach, output: &Output) -> Result<(), Error> {
    let reach = match command {
        GatewayReach::Show => gateway::reach(engine).await?,
        GatewayReach::Open { address, hosts } => gateway::set_reach(engine, Some(address), hosts).await?,
        GatewayReach::Close => gateway::set_reach(engine, None, Vec::new()).await?,
    };
    output.document(&reach, told);
    Ok(())
}

fn told(reach: &ReachView) -> String {
    let Some(address) = &reach.address else {
        return "Only programs of this machine can reach the gateway.".to_owned();
    };
    let hosts =
        if reach.hosts.is_empty() { String::new() } else { format!(" as {}", reach.hosts.join(", ")) };
    format!("The gateway listens on {address}{hosts}, too, from its next start.\n{}", reach.warning)
}
