//! What breaks on the way to a provider.

use patchbay_core::code::Code;
use patchbay_core::diagnose::RemedyAction::{EditBaseUrl, RaiseTimeout, ReplaceKey, TestAgain, UseBaseUrl};
use patchbay_core::diagnose::Stage;

use super::{COMMON, Fault, NETWORK, SECURE, SIGN_IN, Setting, moved, page};
use crate::bad::Certificate;
use crate::bad::{Door, Reply};
use crate::upstream::whole;

pub(super) const WAY: &[Fault] = &[
    // The way there.
    Fault {
        id: "no_address",
        about: "The host has no address",
        setting: Setting::Nowhere("http://no-such-host.invalid/v1"),
        title: "Failed at DNS: no address found for no-such-host.invalid",
        stage: Stage::Dns,
        remedies: &[EditBaseUrl, TestAgain],
        ..NETWORK
    },
    Fault {
        id: "refused",
        about: "Nobody listens on the port",
        setting: Setting::Closed,
        title: "Failed at TCP: port PORT on this machine is closed",
        stage: Stage::Tcp,
        remedies: &[TestAgain, EditBaseUrl],
        ..NETWORK
    },
    Fault {
        id: "tls_reset",
        about: "The connection is reset during the handshake",
        door: || Door::Slammed,
        title: "Failed at TLS: localhost ended the connection during the handshake",
        remedies: &[TestAgain, EditBaseUrl],
        ..SECURE
    },
    Fault {
        id: "tls_not_spoken",
        about: "The port of an https address speaks plain HTTP",
        door: || Door::Talks(whole(400, &[], "Client sent plain text")),
        title: "Failed at TLS: port PORT does not speak TLS",
        remedies: &[UseBaseUrl, EditBaseUrl, TestAgain],
        value: Some("http://localhost:PORT/v1"),
        ..SECURE
    },
    Fault {
        id: "tls_expired",
        about: "The certificate has ended",
        door: || Door::Tls(Certificate::Expired),
        title: "Failed at TLS: the certificate ended on 2 Mar 2021",
        remedies: &[TestAgain],
        ..SECURE
    },
    Fault {
        id: "tls_not_yet_valid",
        about: "The certificate begins later, by this machine's clock",
        door: || Door::Tls(Certificate::NotYetValid),
        title: "Failed at TLS: the certificate begins on 1 Jan 2090",
        remedies: &[TestAgain],
        ..SECURE
    },
    Fault {
        id: "tls_wrong_host",
        about: "The certificate is for another host",
        door: || Door::Tls(Certificate::WrongHost),
        title: "Failed at TLS: the certificate belongs to another host",
        remedies: &[EditBaseUrl, TestAgain],
        ..SECURE
    },
    Fault {
        id: "tls_self_signed",
        about: "The certificate is signed by itself",
        door: || Door::Tls(Certificate::SelfSigned),
        title: "Failed at TLS: the certificate is signed by itself",
        remedies: &[UseBaseUrl, TestAgain, EditBaseUrl],
        value: Some("http://localhost:PORT/v1"),
        ..SECURE
    },
    Fault {
        id: "tls_unknown_issuer",
        about: "A company proxy signs the certificate",
        door: || Door::Tls(Certificate::UnknownIssuer),
        title: "Failed at TLS: the certificate is signed by \"House of Cards Ltd\", who is not trusted",
        remedies: &[UseBaseUrl, TestAgain],
        value: Some("http://localhost:PORT/v1"),
        ..SECURE
    },
    Fault {
        id: "proxy_password",
        about: "The proxy wants a name and a password (407)",
        answer: |_| page(407, "<html>Proxy Authentication Required</html>"),
        title: "Failed at auth: the proxy asks for a name and a password",
        remedies: &[TestAgain],
        ..NETWORK
    },
    Fault {
        id: "sign_in_511",
        about: "A network wants its users to sign in (511)",
        answer: |_| page(511, "<html>Network Authentication Required</html>"),
        title: "Failed at auth: a sign-in page answers in place of llm.example.com",
        remedies: &[TestAgain, EditBaseUrl],
        ..NETWORK
    },
    Fault {
        id: "sign_in_page",
        about: "A sign-in page answers with 200",
        answer: |_| page(200, SIGN_IN),
        title: "Failed at auth: a sign-in page answers in place of llm.example.com",
        remedies: &[TestAgain, EditBaseUrl],
        ..NETWORK
    },
    Fault {
        id: "sign_in_401",
        about: "A login in front of the server answers with 401",
        answer: |_| page(401, SIGN_IN),
        title: "Failed at auth: a sign-in page answers in place of llm.example.com",
        remedies: &[TestAgain, EditBaseUrl],
        ..NETWORK
    },
    Fault {
        id: "sign_in_redirect",
        about: "A redirect leads to a portal",
        answer: |_| moved("http://portal.hotel.example/login"),
        title: "Failed at auth: a sign-in page answers in place of llm.example.com",
        remedies: &[TestAgain, EditBaseUrl],
        ..NETWORK
    },
    Fault {
        id: "firewall",
        about: "A firewall answers with a page of its own (403)",
        answer: |_| page(403, "<html><h1>Access denied</h1></html>"),
        title: "Failed at auth: a web page in place of llm.example.com refuses this machine",
        remedies: &[TestAgain, EditBaseUrl],
        ..NETWORK
    },
    Fault {
        id: "clock",
        about: "This machine's clock is off, and the key is refused",
        answer: |_| {
            let head = [("content-type", "application/json"), ("date", "Sun, 02 Jan 2050 10:00:00 GMT")];
            Reply::Say(whole(401, &head, r#"{"error":{"message":"Signature expired"}}"#))
        },
        title: "Failed at auth: the clock of this machine is DAYS days behind",
        remedies: &[TestAgain, ReplaceKey],
        ..NETWORK
    },
    Fault {
        id: "slow",
        patience_s: 1,
        about: "No head of an answer comes",
        answer: |_| Reply::Hang(String::new()),
        title: "Failed at auth: llm.example.com did not answer in time",
        code: Code::TimedOut,
        remedies: &[TestAgain, RaiseTimeout],
        ..COMMON
    },
    Fault {
        id: "body_reset",
        about: "The connection is reset in the middle of the list",
        answer: |_| Reply::Reset("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"data\":[".to_owned()),
        title: "Failed at auth: the connection to llm.example.com broke off",
        code: Code::StreamCut,
        remedies: &[TestAgain],
        ..COMMON
    },
];
