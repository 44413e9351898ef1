//! Who is tried, in what order, and why somebody is not (behaviours F1, F7).

use crate::catalog::{DEMO, KeyNeed};
use crate::chat::Delivery;
use crate::code::{Code, Retry, Rotate};
use crate::connection::{Connection, ConnectionStatus};
use crate::dialect::Failure;
use crate::provider::ProviderStatus;

/// A connection that may be tried, with the model that it is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// The model id as its provider knows it.
    pub model: String,
}

/// Why a connection is not tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The user paused it.
    Paused,
    /// It is suspended.
    Suspended,
    /// It was saved without a test and was not named by its key.
    Untested,
    /// It needs a key and has none.
    NoCredential,
    /// The call wants a stream, and streams are switched off here.
    NoStreams,
    /// Its provider is in maintenance.
    Maintenance,
}

impl SkipReason {
    /// For people.
    pub fn as_text(self) -> &'static str {
        match self {
            Self::Paused => "switched off",
            Self::Suspended => "suspended",
            Self::Untested => "never tested: test it, or address it by its key",
            Self::NoCredential => "has no key",
            Self::NoStreams => "streams are switched off",
            Self::Maintenance => "its provider is in maintenance",
        }
    }
}

/// The outcome of planning. An empty plan with skipped candidates is a 503; an empty one without any is a 404.
#[derive(Debug)]
pub struct Plan<'a> {
    /// In the order of trying.
    pub candidates: Vec<Candidate<'a>>,
    /// Who has the model and is not tried.
    pub skipped: Vec<(&'a Connection, SkipReason)>,
}

/// How a requested model was read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Address<'a> {
    /// `connection_key/model`, or a bare connection key for its default model.
    Connection(&'a str, Option<&'a str>),
    /// `provider-slug/model`.
    Provider(&'a str, &'a str),
    /// A bare model id, which may hold slashes itself.
    Model(&'a str),
}

/// Plans a call for `requested`. `last_used` is the moment in milliseconds a connection was used last, for the tie-break.
pub fn plan<'a>(
    connections: &'a [Connection],
    requested: &str,
    delivery: Delivery,
    last_used: impl Fn(&Connection) -> i64,
) -> Plan<'a> {
    let address = read_address(connections, requested);
    let mut plan = Plan { candidates: Vec::new(), skipped: Vec::new() };
    for connection in connections {
        let Some(model) = model_on(connection, &address) else {
            continue;
        };
        match skip_reason(connection, &address, delivery) {
            Some(reason) => plan.skipped.push((connection, reason)),
            None => plan.candidates.push(Candidate { connection, model }),
        }
    }
    plan.candidates.sort_by_key(|candidate| {
        let connection = candidate.connection;
        (connection.priority, !connection.is_default, last_used(connection), connection.id)
    });
    plan
}

/// A connection key comes before a provider's slug, a slug before a model id with a slash in it; a slug without any
/// connection is no slug.
fn read_address<'a>(connections: &[Connection], requested: &'a str) -> Address<'a> {
    if connections.iter().any(|connection| connection.key == requested) {
        return Address::Connection(requested, None);
    }
    match requested.split_once('/') {
        Some((key, model)) if connections.iter().any(|connection| connection.key == key) => {
            Address::Connection(key, Some(model))
        }
        Some((slug, model)) if connections.iter().any(|connection| connection.provider == slug) => {
            Address::Provider(slug, model)
        }
        _ => Address::Model(requested),
    }
}

/// The model to ask this connection for; `None` where it is not addressed.
fn model_on(connection: &Connection, address: &Address<'_>) -> Option<String> {
    match *address {
        Address::Connection(key, model) => {
            let model = model.map(str::to_owned).or_else(|| connection.default_model.clone());
            model.filter(|_| connection.key == key)
        }
        Address::Provider(slug, model) => (connection.provider == slug).then(|| model.to_owned()),
        Address::Model(model) => has_model(connection, model).then(|| model.to_owned()),
    }
}

fn has_model(connection: &Connection, model: &str) -> bool {
    connection.default_model.as_deref() == Some(model) || connection.models.iter().any(|known| known == model)
}

fn skip_reason(connection: &Connection, address: &Address<'_>, delivery: Delivery) -> Option<SkipReason> {
    let by_key = matches!(address, Address::Connection(..));
    match connection.status {
        ConnectionStatus::Inactive => Some(SkipReason::Paused),
        ConnectionStatus::Suspended => Some(SkipReason::Suspended),
        ConnectionStatus::Active if connection.facts.status == ProviderStatus::Maintenance => {
            Some(SkipReason::Maintenance)
        }
        ConnectionStatus::Active if !connection.tested && !by_key && connection.provider != DEMO => {
            Some(SkipReason::Untested)
        }
        ConnectionStatus::Active if needs_key(connection) => Some(SkipReason::NoCredential),
        ConnectionStatus::Active if delivery.is_streamed() && !streams(connection) => {
            Some(SkipReason::NoStreams)
        }
        ConnectionStatus::Active => None,
    }
}

fn needs_key(connection: &Connection) -> bool {
    connection.facts.key == KeyNeed::Required && connection.credential.is_none()
}

fn streams(connection: &Connection) -> bool {
    connection.streaming && connection.facts.streaming
}

/// Attempts of one call at most (F2).
pub const MAX_ATTEMPTS: u32 = 4;
/// A provider's wish to wait is followed at the same connection only when it is as short as this, in milliseconds.
const SHORT_WAIT_MS: u64 = 2_000;
const BACKOFF_MS: u64 = 250;
const BACKOFF_CAP_MS: u64 = 4_000;

/// What to do after an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The same connection again, after so many milliseconds.
    Same {
        /// Wait so long first.
        after_ms: u64,
    },
    /// The next candidate, at once.
    Candidate,
    /// Tell the caller.
    GiveUp,
}

/// A call on its way through its candidates: a loop, each at most once per round, under a cap of attempts (F2).
#[derive(Clone, Copy, Debug, Default)]
pub struct Pursuit {
    candidate: usize,
    tries_here: u32,
    attempts: u32,
}

impl Pursuit {
    /// The candidate to try now, counted from 0.
    pub fn candidate(&self) -> usize {
        self.candidate
    }

    /// The number of the attempt that is being made now, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempts + 1
    }

    /// The current attempt failed so. `jitter` is a random number, from which full jitter is taken.
    pub fn failed(&mut self, failure: &Failure, max_retries: u32, candidates: usize, jitter: u64) -> Next {
        self.attempts += 1;
        self.tries_here += 1;
        if self.attempts >= MAX_ATTEMPTS {
            return Next::GiveUp;
        }
        let policy = failure.code.policy();
        if let Some(after_ms) = self.same_after(failure, policy.retry_same, max_retries, jitter) {
            return Next::Same { after_ms };
        }
        if policy.rotate == Rotate::Next && self.candidate + 1 < candidates {
            self.candidate += 1;
            self.tries_here = 0;
            return Next::Candidate;
        }
        Next::GiveUp
    }

    fn same_after(&self, failure: &Failure, retry: Retry, max_retries: u32, jitter: u64) -> Option<u64> {
        if failure.code == Code::RateLimited {
            return failure.retry_after_ms.filter(|wait| *wait <= SHORT_WAIT_MS && self.tries_here == 1);
        }
        let allowed = match retry {
            Retry::Never => 0,
            Retry::Once => max_retries.min(1),
            Retry::Backoff => max_retries,
        };
        (self.tries_here <= allowed).then(|| {
            let ceiling = (BACKOFF_MS << (self.tries_here - 1).min(10)).min(BACKOFF_CAP_MS);
            jitter % (ceiling + 1)
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::catalog::{Protocol, Quirks};
    use crate::connection::{Limits, Timeouts};
    use crate::id::ConnectionId;
    use crate::provider::ProviderFacts;

    pub(crate) fn connection(
        id: i64,
        key: &str,
        provider: &str,
        priority: u32,
        models: &[&str],
    ) -> Connection {
        Connection {
            id: ConnectionId(id),
            key: key.into(),
            name: key.into(),
            provider: provider.into(),
            provider_name: provider.into(),
            status: ConnectionStatus::Active,
            priority,
            is_default: false,
            tested: true,
            own_base_url: None,
            base_url: "http://127.0.0.1:1/v1".into(),
            default_model: None,
            organization: None,
            project: None,
            proxy: None,
            headers: BTreeMap::new(),
            limits: Limits::default(),
            max_retries: 0,
            timeouts: Timeouts::default(),
            streaming: true,
            credential: None,
            models: models.iter().map(|&model| model.into()).collect(),
            protocol: Protocol::Openai,
            also: Vec::new(),
            quirks: Quirks::default(),
            facts: ProviderFacts::default(),
        }
    }

    fn keys(connections: &[Connection], requested: &str) -> Vec<String> {
        let plan = plan(connections, requested, Delivery::Whole, |connection| connection.id.0);
        plan.candidates.iter().map(|c| format!("{} {}", c.connection.key, c.model)).collect()
    }

    #[test]
    fn f1_priority_then_default_then_least_recently_used_then_id() {
        let mut fleet = vec![
            connection(1, "c", "ollama", 2, &["m"]),
            connection(2, "b", "ollama", 1, &["m"]),
            connection(3, "a", "ollama", 1, &["m"]),
        ];
        assert_eq!(keys(&fleet, "m"), ["b m", "a m", "c m"]);
        fleet[2].is_default = true;
        assert_eq!(keys(&fleet, "m"), ["a m", "b m", "c m"]);
    }

    #[test]
    fn a_target_is_a_connection_a_provider_or_a_model() {
        let mut fleet = vec![
            connection(1, "main", "ollama", 1, &["gpt-oss", "x/y"]),
            connection(2, "spare", "ollama", 2, &["gpt-oss"]),
        ];
        fleet[0].default_model = Some("gpt-oss".into());
        assert_eq!(keys(&fleet, "spare/any"), ["spare any"]);
        assert_eq!(keys(&fleet, "main"), ["main gpt-oss"]);
        assert_eq!(keys(&fleet, "ollama/any"), ["main any", "spare any"]);
        assert_eq!(keys(&fleet, "gpt-oss"), ["main gpt-oss", "spare gpt-oss"]);
        assert_eq!(keys(&fleet, "x/y"), ["main x/y"], "a model id may hold a slash");
        assert!(keys(&fleet, "nobody-has-it").is_empty());
    }

    #[test]
    fn f5_a_paused_connection_refuses_even_when_addressed_by_key() {
        let mut fleet = vec![connection(1, "main", "ollama", 1, &["m"])];
        fleet[0].status = ConnectionStatus::Inactive;
        let plan = plan(&fleet, "main/m", Delivery::Whole, |_| 0);
        assert!(plan.candidates.is_empty());
        assert_eq!(plan.skipped[0].1, SkipReason::Paused);
    }

    #[test]
    fn an_untested_connection_is_out_of_chains_and_answers_to_its_key() {
        let mut fleet = vec![connection(1, "main", "ollama", 1, &["m"])];
        fleet[0].tested = false;
        assert!(keys(&fleet, "m").is_empty());
        assert_eq!(keys(&fleet, "main/m"), ["main m"]);
    }

    #[test]
    fn a_connection_without_streams_answers_whole_calls_only() {
        let mut fleet = vec![connection(1, "main", "ollama", 1, &["m"])];
        fleet[0].streaming = false;
        let streamed = plan(&fleet, "m", Delivery::Streamed, |_| 0);
        assert_eq!(streamed.skipped[0].1, SkipReason::NoStreams);
        assert_eq!(keys(&fleet, "m"), ["main m"]);
    }

    #[test]
    fn a_connection_without_its_key_is_skipped() {
        let mut fleet = vec![connection(1, "main", "openai", 1, &["m"])];
        fleet[0].facts.key = KeyNeed::Required;
        let plan = plan(&fleet, "m", Delivery::Whole, |_| 0);
        assert_eq!(plan.skipped[0].1, SkipReason::NoCredential);
    }

    #[test]
    fn a_provider_in_maintenance_is_not_called_by_any_name_and_a_deprecated_one_is() {
        let mut fleet = vec![connection(1, "main", "ollama", 1, &["m"])];
        fleet[0].facts.status = ProviderStatus::Maintenance;
        for target in ["m", "main/m", "main", "ollama/m"] {
            fleet[0].default_model = Some("m".into());
            let plan = plan(&fleet, target, Delivery::Whole, |_| 0);
            assert_eq!((plan.candidates.len(), plan.skipped[0].1), (0, SkipReason::Maintenance), "{target}");
        }
        fleet[0].facts.status = ProviderStatus::Deprecated;
        assert_eq!(keys(&fleet, "m"), ["main m"]);
    }

    #[test]
    fn a_provider_without_streams_has_connections_without_streams() {
        let mut fleet = vec![connection(1, "main", "ollama", 1, &["m"])];
        fleet[0].facts.streaming = false;
        assert_eq!(plan(&fleet, "m", Delivery::Streamed, |_| 0).skipped[0].1, SkipReason::NoStreams);
        assert_eq!(keys(&fleet, "m"), ["main m"]);
    }

    fn failure(code: Code) -> Failure {
        Failure::new(code, "x")
    }

    #[test]
    fn trap_1_two_failing_connections_are_each_tried_once() {
        let mut pursuit = Pursuit::default();
        let broken = failure(Code::UpstreamFailed);
        assert_eq!(pursuit.failed(&broken, 0, 2, 0), Next::Candidate);
        assert_eq!(pursuit.candidate(), 1);
        assert_eq!(pursuit.failed(&broken, 0, 2, 0), Next::GiveUp);
    }

    #[test]
    fn f2_retries_back_off_with_full_jitter_under_the_cap_of_attempts() {
        let mut pursuit = Pursuit::default();
        let broken = failure(Code::Overloaded);
        assert_eq!(pursuit.failed(&broken, 9, 1, 0), Next::Same { after_ms: 0 });
        assert!(
            matches!(pursuit.failed(&broken, 9, 1, u64::MAX), Next::Same { after_ms } if after_ms <= 500)
        );
        assert!(matches!(pursuit.failed(&broken, 9, 1, 7), Next::Same { after_ms: 7 }));
        assert_eq!(pursuit.failed(&broken, 9, 1, 0), Next::GiveUp, "four attempts in all");
    }

    #[test]
    fn f3_a_bad_request_ends_the_call_and_a_refused_key_moves_on() {
        assert_eq!(Pursuit::default().failed(&failure(Code::BadRequest), 3, 3, 0), Next::GiveUp);
        assert_eq!(Pursuit::default().failed(&failure(Code::KeyRefused), 3, 3, 0), Next::Candidate);
    }

    #[test]
    fn f3_a_rate_limit_waits_only_when_the_wait_is_short() {
        let limited = |wait| Failure { retry_after_ms: Some(wait), ..failure(Code::RateLimited) };
        assert_eq!(Pursuit::default().failed(&limited(1_000), 0, 2, 0), Next::Same { after_ms: 1_000 });
        assert_eq!(Pursuit::default().failed(&limited(60_000), 0, 2, 0), Next::Candidate);
    }
}
