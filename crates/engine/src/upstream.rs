//! Requests to providers. One pool of warm connections for each way of connecting; redirects are never followed, so a key
//! never travels to another host.

use std::collections::HashMap;
use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use patchbay_core::catalog::Protocol;
use patchbay_core::code::Code;
use patchbay_core::connection::{Connection, is_loopback_host};
use patchbay_core::dialect::{self, Encoded, Failure, RateLimits, retry_after_ms};
use patchbay_core::private::with_login;
use patchbay_core::secret::Secret;
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Request, Response, Url};
use sha2::{Digest, Sha256};
use tokio::time::timeout;

use crate::checks::is_offline;
use crate::pass::Pass;

/// The longest whole answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;
/// The longest error answer that is read, in bytes.
const MAX_ERROR: usize = 256 * 1024;
/// How long an unused connection stays warm: longer than the pause between two bars of a minute chart.
const KEEP_WARM: Duration = Duration::from_secs(90);

/// What a client is made for; connections with the same needs share one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Way {
    connect_ms: u32,
    proxy: Option<String>,
    /// Tells two logins of a proxy apart without telling either.
    login: Option<[u8; 32]>,
    loopback: Loopback,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Loopback {
    /// No proxy is asked for an address of this machine.
    Yes,
    No,
}

/// The clients.
#[derive(Debug, Default)]
pub struct Upstream(Mutex<HashMap<Way, Client>>);

impl Upstream {
    /// Posts a request, written in `protocol` and with what the caller says of it in headers, below the connection's base URL
    /// and waits so many milliseconds for the head of the answer. A status that is no success is a failure, read and
    /// classified.
    pub async fn post(
        &self,
        connection: &Connection,
        pass: &Pass,
        (protocol, headers, encoded): (Protocol, &[(&'static str, String)], Encoded),
        first_byte_ms: u32,
    ) -> Result<Response, Refused> {
        let mut request = Self::request(connection, pass, Method::POST, (protocol, &encoded.route), headers)?;
        request
            .headers_mut()
            .insert("content-type", reqwest::header::HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(encoded.body.into());
        self.send(connection, pass, (protocol, request), first_byte_ms).await
    }

    /// Gets a route below the connection's base URL.
    pub async fn get(&self, connection: &Connection, pass: &Pass, route: &str) -> Result<Response, Failure> {
        let protocol = connection.protocol;
        let request = Self::request(connection, pass, Method::GET, (protocol, route), &[])?;
        let sent = self.send(connection, pass, (protocol, request), connection.timeouts.first_byte_ms).await;
        sent.map_err(|refused| refused.failure)
    }

    /// Gets a route below the connection's base URL in that protocol, and hands over whatever answers, for a caller that judges
    /// it by itself.
    pub async fn look(
        &self,
        connection: &Connection,
        pass: &Pass,
        protocol: Protocol,
        route: &str,
    ) -> Result<Seen, Failure> {
        let request = Self::request(connection, pass, Method::GET, (protocol, route), &[])?;
        let url = request.url().to_string();
        let response = self.exchange(connection, pass, request, connection.timeouts.first_byte_ms).await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = read_whole(response, connection).await?;
        Ok(Seen { url, status, headers, body })
    }

    fn request(
        connection: &Connection,
        pass: &Pass,
        method: Method,
        (protocol, route): (Protocol, &str),
        of_caller: &[(&'static str, String)],
    ) -> Result<Request, Failure> {
        let url = Url::parse(&dialect::url_of(&connection.base_url, route)).map_err(|_| {
            Failure::new(Code::InvalidInput, format!("{} has no usable base URL.", connection.name))
        })?;
        let mut request = Request::new(method, url);
        let headers = request.headers_mut();
        let mut put = |name: &str, value: &str, sensitive: Sensitive| -> Result<(), Failure> {
            let bad = |_| {
                Failure::new(
                    Code::InvalidInput,
                    format!("The header {name} of {} cannot be sent.", connection.name),
                )
            };
            let name = name.parse::<reqwest::header::HeaderName>().map_err(|error| bad(error.to_string()))?;
            let mut value =
                value.parse::<reqwest::header::HeaderValue>().map_err(|error| bad(error.to_string()))?;
            value.set_sensitive(sensitive == Sensitive::Yes);
            headers.insert(name, value);
            Ok(())
        };
        for (name, value) in dialect::fixed_headers(protocol) {
            put(name, value, Sensitive::No)?;
        }
        for (name, value) in of_caller {
            put(name, value, Sensitive::No)?;
        }
        // The connection's own come last: what its owner has set stands.
        for (name, value) in &connection.headers {
            put(name, value, Sensitive::No)?;
        }
        for (name, value) in
            [("openai-organization", &connection.organization), ("openai-project", &connection.project)]
        {
            if let Some(value) = value {
                put(name, value, Sensitive::No)?;
            }
        }
        for (name, value) in &pass.headers {
            put(name, value.expose(), Sensitive::Yes)?;
        }
        if let Some(key) = &pass.key {
            let (name, before) = dialect::auth_header(protocol);
            put(name, &format!("{before}{}", key.expose()), Sensitive::Yes)?;
        }
        Ok(request)
    }

    async fn send(
        &self,
        connection: &Connection,
        pass: &Pass,
        (protocol, request): (Protocol, Request),
        first_byte_ms: u32,
    ) -> Result<Response, Refused> {
        let response = self.exchange(connection, pass, request, first_byte_ms).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let limits = limits(&response);
        Err(Refused { failure: refused(response, protocol, pass).await, limits })
    }

    async fn exchange(
        &self,
        connection: &Connection,
        pass: &Pass,
        request: Request,
        first_byte_ms: u32,
    ) -> Result<Response, Failure> {
        let client = self.client(connection, pass, request.url())?;
        let url = request.url().clone();
        let wait = Duration::from_millis(first_byte_ms.into());
        let answered = timeout(wait, client.execute(request)).await.map_err(|_| {
            let seconds = wait.as_secs_f32();
            Failure::new(
                Code::TimedOut,
                format!("{} sent no first byte within {seconds} s.", connection.name),
            )
        })?;
        match answered {
            Ok(response) => Ok(response),
            Err(error) => Err(or_offline(explain(&error, &url), &url).await),
        }
    }

    fn client(&self, connection: &Connection, pass: &Pass, url: &Url) -> Result<Client, Failure> {
        let loopback =
            if url.host_str().is_some_and(is_loopback_host) { Loopback::Yes } else { Loopback::No };
        let way = Way {
            connect_ms: connection.timeouts.connect_ms,
            proxy: connection.proxy.clone(),
            login: pass.proxy_login.as_ref().map(|login| Sha256::digest(login.expose()).into()),
            loopback,
        };
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&way) {
            return Ok(client.clone());
        }
        let client = build(&way, pass.proxy_login.as_ref()).map_err(|error| {
            Failure::new(
                Code::InvalidInput,
                format!(
                    "The proxy or TLS settings of {} do not work: {}.",
                    connection.name,
                    error.without_url()
                ),
            )
        })?;
        clients.insert(way, client.clone());
        Ok(client)
    }
}

/// An answer of any status.
#[derive(Debug)]
pub struct Seen {
    /// Where it was asked; there is no key in it.
    pub url: String,
    /// The HTTP status.
    pub status: u16,
    headers: HeaderMap,
    /// Unchanged.
    pub body: Vec<u8>,
}

impl Seen {
    /// A header of the answer.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// What the status says; `None` for a success.
    pub fn failure(&self, protocol: Protocol, pass: &Pass) -> Option<Failure> {
        let is_success = (200..300).contains(&self.status);
        let failure =
            || dialect::failure(protocol, self.status, retry_after_ms(|name| self.header(name)), &self.body);
        (!is_success).then(|| redacted(failure(), pass))
    }
}

/// A request that got no success.
#[derive(Debug)]
pub struct Refused {
    /// Why.
    pub failure: Failure,
    /// What the provider told of its own limits.
    pub limits: RateLimits,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { failure, limits: RateLimits::default() }
    }
}

/// What an answer's headers tell of the provider's own limits.
pub fn limits(response: &Response) -> RateLimits {
    RateLimits::read(|name| response.headers().get(name).and_then(|value| value.to_str().ok()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sensitive {
    Yes,
    No,
}

fn build(way: &Way, login: Option<&Secret>) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder()
        .user_agent(concat!("patchbay/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_millis(way.connect_ms.into()))
        .pool_idle_timeout(KEEP_WARM)
        .tcp_nodelay(true);
    if let Some(proxy) = &way.proxy {
        let address = login.map(|login| with_login(proxy, login));
        let address = address.as_ref().map_or(proxy.as_str(), Secret::expose);
        builder = builder.proxy(reqwest::Proxy::all(address)?);
    } else if way.loopback == Loopback::Yes {
        builder = builder.no_proxy();
    }
    builder.build()
}

/// The failure that an answer with an error status is.
async fn refused(response: Response, protocol: Protocol, pass: &Pass) -> Failure {
    let is_moved = response.status().is_redirection();
    let failure = if is_moved { moved(&response) } else { failed(response, protocol).await };
    redacted(failure, pass)
}

fn moved(response: &Response) -> Failure {
    let to = response.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or("another address");
    Failure {
        status: Some(response.status().as_u16()),
        ..Failure::new(
            Code::MalformedAnswer,
            format!("The address answers with a redirect to {to}, which is not followed."),
        )
    }
}

async fn failed(response: Response, protocol: Protocol) -> Failure {
    let status = response.status().as_u16();
    let wait = retry_after_ms(|name| response.headers().get(name).and_then(|value| value.to_str().ok()));
    let body = read_up_to(response, MAX_ERROR).await.unwrap_or_default();
    dialect::failure(protocol, status, wait, &body)
}

/// Reads a whole answer within the connection's total time.
pub async fn read_whole(response: Response, connection: &Connection) -> Result<Vec<u8>, Failure> {
    let wait = Duration::from_millis(connection.timeouts.total_ms.into());
    match timeout(wait, read_up_to(response, MAX_ANSWER)).await {
        Ok(Ok(body)) if body.len() < MAX_ANSWER => Ok(body),
        Ok(Ok(_)) => {
            Err(Failure::new(Code::MalformedAnswer, "The answer is longer than 64 MiB and was broken off."))
        }
        Ok(Err(_)) => Err(Failure::new(
            Code::StreamCut,
            format!("{} ended its answer before its end.", connection.name),
        )),
        Err(_) => Err(Failure::new(
            Code::TimedOut,
            format!("{} did not finish its answer in time.", connection.name),
        )),
    }
}

async fn read_up_to(mut response: Response, limit: usize) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = limit - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == limit {
            break;
        }
    }
    Ok(body)
}

/// What a request that got no answer ran into, in words.
pub fn explain(error: &reqwest::Error, url: &Url) -> Failure {
    let host = url.host_str().unwrap_or("the address");
    let port = url.port_or_known_default().unwrap_or(0);
    if error.is_timeout() {
        return Failure::new(Code::TimedOut, format!("No connection to {host} on port {port} in time."));
    }
    let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
    let says = |word: &str| causes.iter().any(|cause| cause.to_ascii_lowercase().contains(word));
    if says("proxy auth") {
        let text = "The proxy asks for a name and a password.";
        return Failure { status: Some(407), ..Failure::new(Code::NetworkFailed, text) };
    }
    let text = match io_kind(error) {
        Some(ErrorKind::ConnectionRefused) if is_loopback_host(host) => {
            format!("Port {port} on this machine is closed: nothing listens there.")
        }
        Some(ErrorKind::ConnectionRefused) => format!("{host} refuses connections on port {port}."),
        Some(ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) => {
            format!("There is no route to {host}.")
        }
        _ if says("dns error") || says("lookup address") => format!("No address was found for {host}."),
        _ if says("certificate") => {
            format!("The certificate of {host} is not trusted: {}.", causes.last().map_or("", String::as_str))
        }
        _ if error.is_connect() => {
            format!("No connection to {host} on port {port}: {}.", causes.last().map_or("", String::as_str))
        }
        _ => format!(
            "{host} broke the connection off: {}.",
            causes.last().map_or("no reason given", String::as_str)
        ),
    };
    Failure::new(Code::NetworkFailed, text)
}

/// A provider that cannot be reached is not to blame where this machine reaches nobody (F3).
async fn or_offline(failure: Failure, url: &Url) -> Failure {
    let is_far = !url.host_str().is_some_and(is_loopback_host);
    if is_far && failure.status.is_none() && failure.code == Code::NetworkFailed && is_offline().await {
        return Failure::new(Code::Offline, "This machine has no network.");
    }
    failure
}

fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    causes(error).find_map(|cause| cause.downcast_ref::<std::io::Error>()).map(std::io::Error::kind)
}

/// What lies behind an error, the nearest first. The error's own text is left out: it names the URL.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

/// A failure without anything of the pass, which some providers repeat in their words.
pub fn redacted(mut failure: Failure, pass: &Pass) -> Failure {
    failure.message = pass.redact(&failure.message);
    failure
}
