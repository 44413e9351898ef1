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
        Tls::WrongHost => wrong_host(subject),
        Tls::UnknownIssuer => unknown_issuer(subject),
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

fn unknown_issuer(subject: &Subject) -> Words {
    let trust = Remedy::new(
        A::TestAgain,
        "If you know who signed it, add its root certificate to the trusted ones of this system, then test again.",
    );
    let plain = Remedy::new(
        A::EditBaseUrl,
        "A server on this machine needs no certificate: change the base URL to http://.",
    );
    Words::new(
        "the certificate is signed by someone unknown",
        format!(
            "This system does not trust who vouches for {}, so no key was sent. A company proxy, an antivirus program or a \
             certificate of one's own making is the usual cause.",
            subject.host
        ),
        subject.local.then_some(plain).into_iter().chain([trust]),
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
            "Certificates and requests are checked against the time, so {} turns this machine away.",
            subject.provider()
        ),
        [Remedy::new(A::TestAgain, "Let this system set its time by itself, then test again.")],
    )
}

fn span(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
