//! The way to a provider, stage by stage: address, port, certificate.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use patchbay_core::code::Code;
use patchbay_core::connection::{Connection, Timeouts};
use patchbay_core::diagnose::{Cause, Tcp, Tls};
use patchbay_core::dialect::Failure;
use rustls::ProtocolVersion;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, UdpSocket, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use url::Url;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::certificate;

/// An address that is routed nowhere (RFC 5737): naming it sends nothing, and tells whether there is any route at all.
const NOWHERE: &str = "192.0.2.1:9";

/// Where the first byte goes: the provider's host, or the proxy on the way to it.
#[derive(Debug)]
pub(super) struct Place {
    host: String,
    port: u16,
    way: Way,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    Tls,
    /// The certificate behind a proxy is seen by the request itself.
    Proxy,
}

impl Place {
    /// `None` where the base URL is none.
    pub(super) fn of(connection: &Connection) -> Option<Self> {
        let through = connection.proxy.as_deref();
        let url = Url::parse(through.unwrap_or(&connection.base_url)).ok()?;
        let way = match (through, url.scheme()) {
            (Some(_), _) => Way::Proxy,
            (None, "https") => Way::Tls,
            (None, _) => Way::Plain,
        };
        let host = url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        Some(Self { host, port: url.port_or_known_default()?, way })
    }

    /// Whether the next step is a certificate.
    pub(super) fn is_tls(&self) -> bool {
        self.way == Way::Tls
    }
}

/// The addresses of the host.
pub(super) async fn resolve(place: &Place) -> Result<(Vec<SocketAddr>, String), Cause> {
    let found = lookup_host((place.host.as_str(), place.port)).await;
    let addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    match addresses.first() {
        Some(first) if first.ip().to_string() == place.host => {
            Ok((addresses.clone(), format!("{} is an address itself", place.host)))
        }
        Some(first) => Ok((addresses.clone(), format!("{} to {}", place.host, first.ip()))),
        None if is_offline().await => Err(Cause::Offline),
        None => Err(Cause::NoAddress),
    }
}

/// Whether this machine has no route to anywhere.
pub(crate) async fn is_offline() -> bool {
    match UdpSocket::bind("0.0.0.0:0").await {
        Ok(socket) => socket.connect(NOWHERE).await.is_err(),
        Err(_) => true,
    }
}

/// An open port.
pub(super) async fn connect(
    place: &Place,
    addresses: &[SocketAddr],
    timeouts: Timeouts,
) -> Result<(TcpStream, String), Cause> {
    let wait = Duration::from_millis(timeouts.connect_ms.into());
    let stream = match timeout(wait, TcpStream::connect(addresses)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            return Err(match error.kind() {
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Cause::Tcp(Tcp::Refused),
                ErrorKind::TimedOut => Cause::Tcp(Tcp::TimedOut),
                _ if is_offline().await => Cause::Offline,
                _ => Cause::Tcp(Tcp::Unreachable),
            });
        }
        Err(_) => return Err(Cause::Tcp(Tcp::TimedOut)),
    };
    let through = if place.way == Way::Proxy { " of the proxy" } else { "" };
    Ok((stream, format!("Connected to port {}{through}", place.port)))
}

/// A certificate that this system trusts.
pub(super) async fn handshake(
    place: &Place,
    stream: TcpStream,
    timeouts: Timeouts,
) -> Result<((), String), Cause> {
    let other = |error: String| Cause::Tls(Tls::Other(error));
    let (config, witness) = certificate::witnessed().map_err(|error| other(error.to_string()))?;
    let name = ServerName::try_from(place.host.clone()).map_err(|error| other(error.to_string()))?;
    let wait = Duration::from_millis(timeouts.connect_ms.into());
    match timeout(wait, TlsConnector::from(Arc::new(config)).connect(name.clone(), stream)).await {
        Ok(Ok(stream)) => Ok(((), evidence(&stream))),
        Ok(Err(error)) => Err(Cause::Tls(certificate::fault(&error, &witness, &name))),
        Err(_) => Err(Cause::Http(Failure::new(Code::TimedOut, "The handshake did not end in time."))),
    }
}

fn evidence(stream: &TlsStream<TcpStream>) -> String {
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLS 1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
        _ => "TLS",
    };
    let certificate = session.peer_certificates().and_then(<[_]>::first);
    let parsed = certificate.and_then(|der| X509Certificate::from_der(der).ok());
    match parsed {
        Some((_, certificate)) => format!(
            "{version}, certificate valid until {}",
            certificate::day(certificate.validity().not_after.timestamp())
        ),
        None => version.to_owned(),
    }
}
