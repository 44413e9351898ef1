//! Certificates that no careful client accepts, made when they are needed.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug)]
pub enum Certificate {
    Expired,
    NotYetValid,
    /// For another host.
    WrongHost,
    SelfSigned,
    /// Signed by the root of a company that nobody here knows.
    UnknownIssuer,
}

impl Certificate {
    pub fn acceptor(self) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        let host = if matches!(self, Self::WrongHost) { "elsewhere.example" } else { "localhost" };
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, host);
        let (begins, ends) = match self {
            Self::Expired => ((2020, 1, 1), (2021, 3, 2)),
            Self::NotYetValid => ((2090, 1, 1), (2091, 1, 1)),
            Self::WrongHost | Self::SelfSigned | Self::UnknownIssuer => ((2020, 1, 1), (2090, 1, 1)),
        };
        params.not_before = date_time_ymd(begins.0, begins.1, begins.2);
        params.not_after = date_time_ymd(ends.0, ends.1, ends.2);
        let certificate = match self {
            Self::SelfSigned => params.self_signed(&key).unwrap(),
            _ => params.signed_by(&key, &house_root()).unwrap(),
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        // Another crate of the build may bring a second provider: this one is meant.
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }
}

fn house_root() -> Issuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(DnType::OrganizationName, "House of Cards Ltd");
    params.distinguished_name.push(DnType::CommonName, "House root");
    Issuer::new(params, KeyPair::generate().unwrap())
}
