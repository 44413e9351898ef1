//! What is wrong with a certificate. The system decides whether it is trusted; why not is read from the certificate itself,
//! because each system words its refusal in its own way.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};

use patchbay_core::diagnose::Tls;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, InvalidMessage, SignatureScheme};
use rustls_platform_verifier::Verifier;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::clock;

/// The system's own verifier, which remembers what it was shown.
#[derive(Debug)]
pub(super) struct Witness {
    system: Verifier,
    shown: Mutex<Option<CertificateDer<'static>>>,
}

/// A configuration that trusts what the system trusts, and who will have seen the certificate.
pub(super) fn witnessed() -> Result<(ClientConfig, Arc<Witness>), rustls::Error> {
    let provider =
        CryptoProvider::get_default().map_or_else(|| Arc::new(ring::default_provider()), Arc::clone);
    let system = Verifier::new(Arc::clone(&provider))?;
    let witness = Arc::new(Witness { system, shown: Mutex::default() });
    let verifier: Arc<dyn ServerCertVerifier> = Arc::<Witness>::clone(&witness);
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok((config, witness))
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.clone().into_owned());
        self.system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

/// Why a handshake failed.
pub(super) fn fault(error: &std::io::Error, witness: &Witness, name: &ServerName<'_>) -> Tls {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::InvalidCertificate(_)) => {
            let shown = witness.shown.lock().unwrap_or_else(PoisonError::into_inner);
            let fault = shown.as_ref().and_then(|certificate| of_certificate(certificate, name));
            fault.unwrap_or_else(|| Tls::Other(error.to_string()))
        }
        Some(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType)) => Tls::NotTls,
        None if matches!(
            error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe
        ) =>
        {
            Tls::Reset
        }
        _ => Tls::Other(error.to_string()),
    }
}

/// What a certificate that was not trusted says against itself, the plainest first.
fn of_certificate(der: &CertificateDer<'_>, name: &ServerName<'_>) -> Option<Tls> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let (begins, ends) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    let now = clock::now().0 / 1_000;
    let is_named = ParsedCertificate::try_from(der)
        .and_then(|parsed| rustls::client::verify_server_name(&parsed, name))
        .is_ok();
    Some(if now > ends {
        Tls::Expired { on: day(ends) }
    } else if now < begins {
        Tls::NotYetValid { on: day(begins) }
    } else if !is_named {
        Tls::WrongHost
    } else if certificate.issuer() == certificate.subject() {
        Tls::SelfSigned
    } else {
        Tls::UnknownIssuer { issuer: issuer(&certificate) }
    })
}

/// Who signed it, by name: the organisation, else the common name. It comes from outside, so it is cut.
fn issuer(certificate: &X509Certificate<'_>) -> String {
    let issuer = certificate.issuer();
    let organisation = issuer.iter_organization().next();
    let name = organisation.or_else(|| issuer.iter_common_name().next()).and_then(|name| name.as_str().ok());
    name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(64).collect()
}

/// "2 Mar 2027", UTC.
pub(super) fn day(unix_seconds: i64) -> String {
    match jiff::Timestamp::from_second(unix_seconds) {
        Ok(moment) => moment.strftime("%-d %b %Y").to_string(),
        Err(_) => "an unknown day".to_owned(),
    }
}
