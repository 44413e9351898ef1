//! From where the gateway can be reached: this machine, and more only where somebody has said so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};

/// Whom the gateway answers besides programs of this machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// Another address of this machine to listen on: that of a Docker bridge, of the local network, or all (`0.0.0.0`).
    pub address: Option<IpAddr>,
    /// Names by which clients call it there, such as `host.docker.internal`.
    pub hosts: Vec<String>,
}

impl Reach {
    /// Where to listen. The first has to work; IPv6 is not on every machine.
    pub(super) fn addresses(&self, port: u16) -> (SocketAddr, Vec<SocketAddr>) {
        let at = |address: IpAddr| SocketAddr::from((address, port));
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        match self.address {
            Some(all @ IpAddr::V4(address)) if address.is_unspecified() => (at(all), vec![at(loopback[1])]),
            Some(other) => (at(loopback[0]), vec![at(loopback[1]), at(other)]),
            None => (at(loopback[0]), vec![at(loopback[1])]),
        }
    }

    /// What to tell whoever opened it; empty while only this machine can call.
    pub fn warning(&self, port: u16) -> String {
        self.address.map_or_else(String::new, |address| {
            format!(
                "Other machines and containers can reach the gateway at {}. Every call needs an app's token, and nothing is \
                 encrypted on the way.",
                SocketAddr::from((address, port))
            )
        })
    }
}
