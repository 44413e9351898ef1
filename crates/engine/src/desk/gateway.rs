//! From where the gateway can be reached.

use std::sync::Arc;

use patchbay_core::app::is_label;
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::connection::is_loopback_host;
use patchbay_store::{Recorded, setting};
use serde::Serialize;

use super::status;
use crate::changes::Changed;
use crate::error::Error;
use crate::gateway::Reach;
use crate::{Engine, clock};

/// The setting that opens the gateway to others.
const REACH: &str = "gateway_reach";

/// From where the gateway can be reached, as it is set.
#[derive(Clone, Debug, Serialize, specta::Type)]
#[serde(rename = "GatewayReach")]
pub struct ReachView {
    /// The other address that it listens on; none while only this machine can call.
    pub address: Option<String>,
    /// Names by which clients call it there.
    pub hosts: Vec<String>,
    /// What is to be known of it; empty while only this machine can call.
    pub warning: String,
}

/// See [`ReachView`].
pub async fn reach(engine: &Arc<Engine>) -> Result<ReachView, Error> {
    let port = status::port(engine)?;
    let reach = engine.blocking(crate::Engine::reach).await?;
    Ok(view(&reach, port))
}

/// Lets others than this machine call, at one of its addresses and by these names; or nobody else any more. It holds from the
/// gateway's next start.
pub async fn set_reach(
    engine: &Arc<Engine>,
    address: Option<String>,
    hosts: Vec<String>,
) -> Result<ReachView, Error> {
    let after = read(address.as_deref(), hosts)?;
    let port = status::port(engine)?;
    let set = after.clone();
    engine
        .change(move |db| {
            let before: Reach = setting::get(db, REACH)?.unwrap_or_default();
            setting::set(db, REACH, &set, clock::now())?;
            let change = Change::between(&before, &set);
            if change.is_empty() {
                return Ok(Recorded::unchanged(()));
            }
            Ok(Recorded::new((), Entry::user(Action::Update, Kind::Setting, REACH).change(change)))
        })
        .await?;
    engine.changes.send(Changed::Settings);
    Ok(view(&after, port))
}

fn read(address: Option<&str>, hosts: Vec<String>) -> Result<Reach, Error> {
    let Some(address) = address else { return Ok(Reach::default()) };
    let parsed = address.parse().ok().filter(|_| !is_loopback_host(address)).ok_or_else(|| {
        Error::invalid(
            format!("\"{address}\" is no address to open the gateway at."),
            "Give an address of this machine, such as 192.168.1.5 or 172.17.0.1, or 0.0.0.0 for all.",
        )
    })?;
    let is_name = |host: &String| is_label(host) && !host.contains([':', ' ', '*']);
    if let Some(host) = hosts.iter().find(|host| !is_name(host)) {
        return Err(Error::invalid(
            format!("\"{host}\" is no name of a machine."),
            "Give a name without a port, such as host.docker.internal.",
        ));
    }
    Ok(Reach { address: Some(parsed), hosts })
}

fn view(reach: &Reach, port: u16) -> ReachView {
    ReachView {
        address: reach.address.map(|address| address.to_string()),
        hosts: reach.hosts.clone(),
        warning: reach.warning(port),
    }
}

impl Engine {
    /// From where the gateway shall be reached.
    pub(crate) fn reach(&self) -> Result<Reach, Error> {
        Ok(self.store.read(|db| setting::get(db, REACH))?.unwrap_or_default())
    }
}
