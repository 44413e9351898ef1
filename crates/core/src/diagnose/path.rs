//! Words for what breaks on the way to a provider.

use super::{Remedy, RemedyAction as A, Subject, Tcp, Tls, Words};

pub(super) fn offline() -> Words {
    Words::new(
        "this machine has no network",
        "Nothing was sent. Local connections still answer.",
        [Remedy::new(A::TestAgain, "Connect to a network, then test again.")],
    )
}

pub(super) fn no_address(subject: &Subject) -> Words {
    let host = &subject.host;
    Words::new(
        format!("no address found for {host}"),
        "The name server knows no such host, so nothing was sent. A slip in the base URL is the usual cause, a VPN or name \
         server that is down the next.",
        [
            Remedy::new(A::EditBaseUrl, format!("Check the host in the base URL, {}.", subject.base_url)),
            Remedy::new(A::TestAgain, "If it is right, check your network or VPN, then test again."),
        ],
    )
}

pub(super) fn tcp(subject: &Subject, trouble: Tcp) -> Words {
    match trouble {
        Tcp::Refused if subject.local => port_closed(subject),
        Tcp::Refused => refused(subject),
        Tcp::TimedOut => silent(subject),
        Tcp::Unreachable => Words::new(
            format!("there is no way to {}", subject.host),
            "The host has an address, but your network has no route to it, so nothing was sent. A VPN that is off is a \
             common cause.",
            [
                Remedy::new(A::TestAgain, "Check your network or VPN, then test again."),
                Remedy::new(A::EditBaseUrl, format!("Check the host in the base URL, {}.", subject.base_url)),
            ],
        ),
    }
}

fn port_closed(subject: &Subject) -> Words {
    let provider = subject.provider();
    let start = match subject.provider_slug.as_str() {
        "ollama" => "Start Ollama: run `ollama serve`, then test again.".to_owned(),
        "lmstudio" => "Open LM Studio and start its local server, then test again.".to_owned(),
        _ => format!("Start the server that should listen on port {}, then test again.", subject.port),
    };
    Words::new(
        format!("port {} on this machine is closed", subject.port),
        format!(
            "No program listens there, so {provider} is not running or listens on another port. Nothing was sent."
        ),
        [
            Remedy::new(A::TestAgain, start),
            Remedy::new(A::EditBaseUrl, "If it listens on another port, change the base URL."),
        ],
    )
}

fn refused(subject: &Subject) -> Words {
    let Subject { host, port, .. } = subject;
    Words::new(
        format!("{host} refuses connections on port {port}"),
        "The host is there, but nobody listens on that port, or a firewall closes it. Nothing was sent.",
        [
            Remedy::new(A::EditBaseUrl, format!("Check the port in the base URL, {}.", subject.base_url)),
            Remedy::new(A::TestAgain, "If it is right, the server may be down: test again later."),
        ],
    )
}

fn silent(subject: &Subject) -> Words {
    let Subject { host, port, .. } = subject;
    Words::new(
        format!("{host} did not answer on port {port}"),
        "Nothing came back in time, so nothing was sent. A firewall or VPN may swallow the way, or the server is down.",
        [
            Remedy::new(A::TestAgain, "Check your firewall, VPN and proxy, then test again."),
            Remedy::new(
                A::EditBaseUrl,
                format!("Check the host and port in the base URL, {}.", subject.base_url),
            ),
            Remedy::new(A::RaiseTimeout, "On a slow line, raise the timeout of this connection."),
        ],
    )
}

pub(super) fn tls(subject: &Subject, trouble: &Tls) -> Words {
    match trouble {
        Tls::Expired { on } => expired(subject, on),
        Tls::NotYetValid { on } => not_yet_valid(subject, on),
        Tls::WrongHost => wrong_host(subject),
        Tls::SelfSigned => self_signed(subject),
        Tls::UnknownIssuer { issuer } => unknown_issuer(subject, issuer),
        Tls::Reset => reset(subject),
        Tls::NotTls => not_tls(subject),
        Tls::Other(message) => Words::new(
            format!("no secure connection to {}", subject.host),
            format!("The handshake failed, so no key was sent. It said: \"{message}\"."),
            [
                Remedy::new(
                    A::EditBaseUrl,
                    "Check that the base URL has the right port, and https only where the server speaks it.",
                ),
                Remedy::new(
                    A::TestAgain,
                    "If it is right, check your proxy or antivirus program, then test again.",
                ),
            ],
        ),
    }
}

fn expired(subject: &Subject, on: &str) -> Words {
    let renew = if subject.local {
        "If the date is right, renew the certificate of your server.".to_owned()
    } else {
        format!("If the date is right, only {} can renew it.", subject.provider())
    };
    Words::new(
        format!("the certificate ended on {on}"),
        format!(
            "{} cannot prove who it is, so no key was sent. Calls through this connection fail until it has a new one.",
            subject.host
        ),
        [
            Remedy::new(A::TestAgain, "If the date of this machine is wrong, set it, then test again."),
            Remedy::advice(renew),
        ],
    )
}

fn wrong_host(subject: &Subject) -> Words {
    Words::new(
        "the certificate belongs to another host",
        format!(
            "Who answers is not {}, so no key was sent. The base URL may be wrong, or a sign-in page or proxy answers in \
             its place.",
            subject.host
        ),
        [
            Remedy::new(A::EditBaseUrl, format!("Check the host in the base URL, {}.", subject.base_url)),
            Remedy::new(A::TestAgain, "On a network with a sign-in page, sign in first, then test again."),
        ],
    )
}

fn not_yet_valid(subject: &Subject, on: &str) -> Words {
    Words::new(
        format!("the certificate begins on {on}"),
        format!(
            "By the clock of this machine it is not valid yet, so no key was sent to {}. A clock that is behind is the usual cause.",
            subject.host
        ),
        [
            Remedy::new(A::TestAgain, "Let this system set its time by itself, then test again."),
            Remedy::advice(
                "If the time is right, the certificate was made for later: only its owner can change it.",
            ),
        ],
    )
}

fn self_signed(subject: &Subject) -> Words {
    let trust = Remedy::new(
        A::TestAgain,
        "If the server is yours, add its certificate to the trusted ones of this system, then test again.",
    );
    Words::new(
        "the certificate is signed by itself",
        format!(
            "Nobody vouches for {}, so no key was sent. Anybody can make such a certificate.",
            subject.host
        ),
        plain_http(subject).into_iter().chain([
            trust,
            Remedy::new(A::EditBaseUrl, format!("If it is not, check the base URL, {}.", subject.base_url)),
        ]),
    )
}

fn unknown_issuer(subject: &Subject, issuer: &str) -> Words {
    let trust = Remedy::new(
        A::TestAgain,
        "If you know who signed it, add its root certificate to the trusted ones of this system, then test again.",
    );
    let signer = if issuer.is_empty() {
        "someone unknown".to_owned()
    } else {
        format!("\"{issuer}\", who is not trusted")
    };
    Words::new(
        format!("the certificate is signed by {signer}"),
        format!(
            "This system does not trust who vouches for {}, so no key was sent. A company proxy or an antivirus program that \
             reads along is the usual cause.",
            subject.host
        ),
        plain_http(subject).into_iter().chain([trust]),
    )
}

/// A server on this machine needs no certificate.
fn plain_http(subject: &Subject) -> Option<Remedy> {
    let plain = subject.base_url.strip_prefix("https://").map(|rest| format!("http://{rest}"))?;
    let text = format!(
        "If that server also speaks plain HTTP, which is safe on this machine, change the base URL to {plain}."
    );
    subject.local.then(|| Remedy::with_value(A::UseBaseUrl, &plain, text))
}

fn reset(subject: &Subject) -> Words {
    Words::new(
        format!("{} ended the connection during the handshake", subject.host),
        "The port is open, but no secure connection came about, so no key was sent. A firewall or proxy that does not allow \
         this host often does that.",
        [
            Remedy::new(A::TestAgain, "Check your firewall, VPN and proxy, then test again."),
            Remedy::new(
                A::EditBaseUrl,
                format!("Check the host and port in the base URL, {}.", subject.base_url),
            ),
        ],
    )
}

fn not_tls(subject: &Subject) -> Words {
    let edit = Remedy::new(A::EditBaseUrl, format!("Check the port in the base URL, {}.", subject.base_url));
    Words::new(
        format!("port {} does not speak TLS", subject.port),
        format!("{} answers there in plain text, so no key was sent.", subject.host),
        plain_http(subject).into_iter().chain([edit, Remedy::new(A::TestAgain, "Then test again.")]),
    )
}

pub(super) fn proxy(subject: &Subject) -> Words {
    Words::new(
        "the proxy asks for a name and a password",
        format!("Your proxy let nothing through, so {} was not asked.", subject.provider()),
        [Remedy::new(
            A::TestAgain,
            "Enter them in the proxy setting of this connection or of this system, then test again.",
        )],
    )
}

pub(super) fn clock(subject: &Subject, seconds: i64) -> Words {
    let direction = if seconds < 0 { "behind" } else { "ahead" };
    Words::new(
        format!("the clock of this machine is {} {direction}", span(seconds.unsigned_abs())),
        format!(
            "By the time that {} tells, that is. Certificates and requests are checked against the time, so calls are turned \
             away. The key was not judged.",
            subject.provider()
        ),
        [
            Remedy::new(A::TestAgain, "Let this system set its time by itself, then test again."),
            Remedy::new(
                A::ReplaceKey,
                "If the time here is right, theirs is wrong, and the key may be refused for itself.",
            ),
        ],
    )
}

pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
