//! Why a test ended early, typed.

use super::{Stage, Verdict};
use crate::catalog::Protocol;
use crate::code::Code;
use crate::dialect::Failure;

/// Why a stage did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This machine has no network.
    Offline,
    /// The name server knows no such host.
    NoAddress,
    /// The port did not open.
    Tcp(Tcp),
    /// No secure connection.
    Tls(Tls),
    /// The proxy wants a name and a password (407).
    ProxyAuth,
    /// This machine's clock is wrong by so much; positive where it is ahead.
    ClockSkew {
        /// Own time minus true time.
        seconds: i64,
    },
    /// The provider wants a key and none is stored.
    NoKey,
    /// The keychain is closed.
    VaultLocked,
    /// The keychain, or the person at its dialog, said no.
    VaultDenied,
    /// This system runs no keychain.
    VaultAbsent,
    /// The keychain failed in another way, and said this.
    VaultFailed(String),
    /// The provider answered with an error, or the connection broke while it was asked.
    Http(Failure),
    /// Something answered that is no API: a web page, no list at the path of the list.
    NotAnApi,
    /// JSON came that is no list of models.
    WrongJson,
    /// Another base URL on the same server is the right one.
    WrongPath {
        /// That one.
        better: String,
    },
    /// The server speaks another protocol than the connection.
    WrongProtocol {
        /// That one.
        speaks: Protocol,
    },
    /// A page that wants somebody to sign in answers in place of the API (511, a captive portal, a login in front of it).
    SignInPage,
    /// A page that refuses answers in place of the API: a firewall.
    Blocked,
    /// The address answers with a redirect, which is not followed.
    Redirected {
        /// Where it leads.
        host: String,
        /// The base URL there, where it is the same server's.
        better: Option<String>,
    },
    /// The list is there and empty.
    EmptyModelList,
    /// The list does not name the default model.
    ModelMissing {
        /// The names nearest to it; looked up where empty.
        nearest: Vec<String>,
    },
    /// The completion came back without a word.
    EmptyAnswer,
    /// The user stopped the test.
    Cancelled,
}

/// Why a port did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tcp {
    /// Nobody listens.
    Refused,
    /// Nothing came back in time.
    TimedOut,
    /// There is no route.
    Unreachable,
}

/// Why a certificate is not good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It ended.
    Expired {
        /// The day: "2 Dec".
        on: String,
    },
    /// It begins later, by the clock of this machine.
    NotYetValid {
        /// The day: "2 Dec".
        on: String,
    },
    /// It is for another host.
    WrongHost,
    /// It is signed by itself.
    SelfSigned,
    /// It is signed by somebody whom this system does not trust.
    UnknownIssuer {
        /// As the certificate names them; empty where it does not.
        issuer: String,
    },
    /// The other side ended the connection during the handshake.
    Reset,
    /// The port does not speak TLS.
    NotTls,
    /// The handshake failed, with these words.
    Other(String),
}

impl Cause {
    /// The same in its most telling form. What a status means depends on the stage: a 404 for the list of models is no
    /// missing model but a base URL that leads elsewhere.
    pub(super) fn settle(self, stage: Stage) -> Self {
        let Self::Http(failure) = self else { return self };
        match (failure.code, failure.status) {
            (_, Some(407)) => Self::ProxyAuth,
            (Code::Offline, _) => Self::Offline,
            (Code::Cancelled, _) => Self::Cancelled,
            (Code::CredentialMissing, _) => Self::NoKey,
            (Code::VaultLocked, _) => Self::VaultLocked,
            (Code::VaultDenied, _) => Self::VaultDenied,
            (Code::VaultAbsent, _) => Self::VaultAbsent,
            (Code::VaultFailed, _) => Self::VaultFailed(failure.message),
            (Code::ModelNotFound, _) if stage >= Stage::Completion => {
                Self::ModelMissing { nearest: Vec::new() }
            }
            (Code::ModelNotFound | Code::MalformedAnswer, _) | (Code::BadRequest, Some(405))
                if stage < Stage::Completion =>
            {
                Self::NotAnApi
            }
            _ => Self::Http(failure),
        }
    }

    /// How the whole test ended.
    pub(super) fn verdict(&self) -> Verdict {
        match self.code() {
            Code::RateLimited => Verdict::Limited,
            Code::Cancelled => Verdict::NotRun,
            _ => Verdict::Failed,
        }
    }

    /// What the window and `--json` branch on.
    pub fn code(&self) -> Code {
        match self {
            Self::Offline => Code::Offline,
            Self::Tcp(Tcp::TimedOut) => Code::TimedOut,
            Self::NoAddress | Self::Tcp(_) | Self::Tls(_) | Self::ProxyAuth | Self::ClockSkew { .. } => {
                Code::NetworkFailed
            }
            Self::NoKey => Code::CredentialMissing,
            Self::VaultLocked => Code::VaultLocked,
            Self::VaultDenied => Code::VaultDenied,
            Self::VaultAbsent => Code::VaultAbsent,
            Self::VaultFailed(_) => Code::VaultFailed,
            Self::Http(failure) => failure.code,
            Self::NotAnApi
            | Self::WrongJson
            | Self::WrongPath { .. }
            | Self::WrongProtocol { .. }
            | Self::Redirected { .. }
            | Self::EmptyAnswer => Code::MalformedAnswer,
            Self::SignInPage | Self::Blocked => Code::NetworkFailed,
            Self::EmptyModelList | Self::ModelMissing { .. } => Code::ModelNotFound,
            Self::Cancelled => Code::Cancelled,
        }
    }

    /// Why the stages behind it were not run.
    pub(super) fn blocks(&self, provider: &str) -> String {
        let reason = match self {
            Self::Offline => "Needs a network",
            Self::NoAddress => "Needs an address",
            Self::Tcp(_) => "Needs an open port",
            Self::Tls(_) => "Needs a secure connection",
            Self::ClockSkew { .. } => "Needs the right time",
            Self::ProxyAuth => "Needs a proxy that lets it through",
            Self::SignInPage | Self::Blocked => "Needs a way through",
            Self::WrongProtocol { .. } => "Needs the right protocol",
            Self::NotAnApi | Self::WrongJson | Self::WrongPath { .. } | Self::Redirected { .. } => {
                "Needs the right base URL"
            }
            Self::EmptyModelList | Self::ModelMissing { .. } => "Needs a model",
            Self::Cancelled => "The test was stopped",
            _ => return self.blocks_by_code(provider),
        };
        reason.to_owned()
    }

    fn blocks_by_code(&self, provider: &str) -> String {
        match self.code() {
            Code::RateLimited => "Waits for the limit".to_owned(),
            Code::QuotaExhausted => "Needs credit".to_owned(),
            Code::KeyRefused | Code::PermissionDenied | Code::CredentialMissing => {
                "Needs a working key".to_owned()
            }
            Code::VaultLocked | Code::VaultDenied | Code::VaultAbsent | Code::VaultFailed => {
                "Needs the key".to_owned()
            }
            _ => format!("Needs an answer from {provider}"),
        }
    }
}
