use std::collections::{BTreeMap, HashMap};

use super::*;
use crate::admission::{Gate, Reach, Refusal, Why};
use crate::catalog::{KeyNeed, Protocol, Quirks};
use crate::code::Code;
use crate::connection::{Limits, Timeouts};
use crate::dialect::Failure;
use crate::id::{ConnectionId, ProfileId};
use crate::model::Capability;
use crate::profile::{Step, Target, WhenFull};
use crate::provider::ProviderFacts;
use crate::time::{Mono, Timestamp};

const NOW: Now = Now { mono: Mono(1_000), wall: Timestamp(1_790_000_000_000) };

pub(crate) fn connection(id: i64, key: &str, provider: &str, priority: u32, models: &[&str]) -> Connection {
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
        cleared_at: None,
        own_base_url: None,
        base_url: "http://127.0.0.1:1/v1".into(),
        default_model: None,
        organization: None,
        project: None,
        proxy: None,
        headers: BTreeMap::new(),
        private: crate::private::Private::default(),
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

fn board() -> Switchboard {
    Switchboard::new(jiff::tz::TimeZone::UTC)
}

fn fleet(connections: &[Connection]) -> Fleet {
    Fleet { connections: connections.to_vec(), ..Fleet::default() }
}

fn plan_of(fleet: Fleet, requested: &str, needs: &Needs) -> (Vec<String>, Vec<(String, SkipReason)>) {
    let mut board = board();
    let directory = board.configure(fleet);
    let plan = plan(&directory, requested, needs, &board, NOW);
    let name = |candidate: &Candidate<'_>| format!("{} {}", candidate.connection.key, candidate.model);
    (
        plan.candidates.iter().map(name).collect(),
        plan.skipped.iter().map(|(connection, reason)| (connection.key.clone(), *reason)).collect(),
    )
}

fn keys(connections: &[Connection], requested: &str) -> Vec<String> {
    plan_of(fleet(connections), requested, &Needs::default()).0
}

fn skipped(fleet: Fleet, requested: &str, needs: &Needs) -> Option<SkipReason> {
    plan_of(fleet, requested, needs).1.first().map(|(_, reason)| *reason)
}

#[test]
fn f1_priority_then_default_then_least_recently_used_then_id() {
    let mut connections = vec![
        connection(1, "c", "ollama", 2, &["m"]),
        connection(2, "b", "ollama", 1, &["m"]),
        connection(3, "a", "ollama", 1, &["m"]),
    ];
    assert_eq!(keys(&connections, "m"), ["b m", "a m", "c m"]);
    connections[2].is_default = true;
    assert_eq!(keys(&connections, "m"), ["a m", "b m", "c m"]);

    connections[2].is_default = false;
    let mut board = board();
    let directory = board.configure(fleet(&connections));
    let first = plan(&directory, "m", &Needs::default(), &board, NOW).candidates[0];
    let _used = board
        .admit(&crate::switchboard::Bid::new(&first, &crate::switchboard::Caller::default()), NOW)
        .expect("free");
    let again = plan(&directory, "m", &Needs::default(), &board, NOW);
    assert_eq!(again.candidates[0].connection.key, "a", "b was used more recently");
}

#[test]
fn a_target_is_a_connection_a_provider_or_a_model() {
    let mut connections = vec![
        connection(1, "main", "ollama", 1, &["gpt-oss", "x/y"]),
        connection(2, "spare", "ollama", 2, &["gpt-oss"]),
    ];
    connections[0].default_model = Some("gpt-oss".into());
    assert_eq!(keys(&connections, "spare/any"), ["spare any"]);
    assert_eq!(keys(&connections, "main"), ["main gpt-oss"]);
    assert_eq!(keys(&connections, "ollama/any"), ["main any", "spare any"]);
    assert_eq!(keys(&connections, "gpt-oss"), ["main gpt-oss", "spare gpt-oss"]);
    assert_eq!(keys(&connections, "x/y"), ["main x/y"], "a model id may hold a slash");
    assert!(keys(&connections, "nobody-has-it").is_empty());
}

fn chain(steps: &[(Step, &str)]) -> Profile {
    let target = |(step, model): &(Step, &str)| Target { step: step.clone(), model: (*model).into() };
    Profile::chain(ProfileId(1), "signals", 3, steps.iter().map(target).collect())
}

#[test]
fn f7_calls_cross_providers_only_along_a_chain_with_a_model_for_each_step() {
    let connections = [
        connection(1, "groq-1", "groq-like", 2, &["m"]),
        connection(2, "groq-2", "groq-like", 1, &["m"]),
        connection(3, "local", "ollama", 3, &["m"]),
    ];
    let (tried, skipped) = plan_of(fleet(&connections), "m", &Needs::default());
    assert_eq!(tried, ["groq-2 m", "groq-1 m"]);
    assert_eq!(skipped, [("local".into(), SkipReason::OtherProvider)]);

    let profile = chain(&[
        (Step::Connection(ConnectionId(3)), "small"),
        (Step::Provider("groq-like".into()), "large"),
        (Step::Connection(ConnectionId(1)), "large"),
        (Step::Connection(ConnectionId(99)), "gone"),
    ]);
    let aliases = HashMap::from([("gpt-5.5".to_owned(), "signals".to_owned())]);
    for requested in ["signals", "gpt-5.5"] {
        let fleet =
            Fleet { profiles: vec![profile.clone()], aliases: aliases.clone(), ..fleet(&connections) };
        let (tried, _) = plan_of(fleet, requested, &Needs::default());
        assert_eq!(tried, ["local small", "groq-2 large", "groq-1 large"], "each once, in the chain's order");
    }
}

#[test]
fn f1_every_skipped_connection_has_its_reason() {
    let base = connection(1, "main", "ollama", 1, &["m"]);
    let changed = |change: fn(&mut Connection)| {
        let mut connection = base.clone();
        change(&mut connection);
        fleet(&[connection])
    };
    let streamed = Needs { delivery: crate::chat::Delivery::Streamed, ..Needs::default() };
    for (fleet, expected) in [
        (changed(|c| c.status = ConnectionStatus::Inactive), SkipReason::Paused),
        (changed(|c| c.status = ConnectionStatus::Suspended), SkipReason::Suspended),
        (changed(|c| c.tested = false), SkipReason::Untested),
        (changed(|c| c.facts.key = KeyNeed::Required), SkipReason::NoCredential),
        (changed(|c| c.streaming = false), SkipReason::NoStreams),
        (changed(|c| c.facts.streaming = false), SkipReason::NoStreams),
    ] {
        assert_eq!(skipped(fleet, "m", &streamed), Some(expected));
    }
}

#[test]
fn a_provider_in_maintenance_is_not_called_by_any_name_and_a_deprecated_one_is() {
    let mut base = connection(1, "main", "ollama", 1, &["m"]);
    base.default_model = Some("m".into());
    for (status, expected) in
        [(ProviderStatus::Maintenance, Some(SkipReason::Maintenance)), (ProviderStatus::Deprecated, None)]
    {
        base.facts.status = status;
        for requested in ["m", "main/m", "main", "ollama/m"] {
            let fleet = fleet(std::slice::from_ref(&base));
            assert_eq!(skipped(fleet, requested, &Needs::default()), expected, "{requested}");
        }
    }
}

#[test]
fn models_are_skipped_for_what_is_known_of_them_and_never_for_what_is_not() {
    let facts = |state, context, capabilities| ModelFacts {
        provider: "ollama".into(),
        model: "m".into(),
        state,
        context,
        max_output: None,
        capabilities,
    };
    let needs = Needs {
        capabilities: Capabilities::NONE.with(Capability::Tools).with(Capability::Images),
        context: 9_000,
        ..Needs::default()
    };
    let tools = Capabilities::NONE.with(Capability::Tools);
    for (known, expected) in [
        (facts(ModelState::Unavailable, None, None), Some(SkipReason::ModelUnavailable)),
        (facts(ModelState::Available, None, Some(tools)), Some(SkipReason::Lacks(Capability::Images))),
        (facts(ModelState::Available, Some(8_192), None), Some(SkipReason::ContextTooSmall(8_192))),
        (facts(ModelState::Deprecated, Some(9_000), None), None),
    ] {
        for requested in ["m", "main/m", "ollama/m"] {
            let connections = [connection(1, "main", "ollama", 1, &["m"])];
            let fleet = Fleet { models: vec![known.clone()], ..fleet(&connections) };
            assert_eq!(skipped(fleet, requested, &needs), expected, "{requested}");
        }
    }
}

#[test]
fn f5_a_paused_connection_refuses_even_when_addressed_by_key() {
    let mut paused = connection(1, "main", "ollama", 1, &["m"]);
    paused.status = ConnectionStatus::Inactive;
    assert_eq!(skipped(fleet(&[paused]), "main/m", &Needs::default()), Some(SkipReason::Paused));
}

#[test]
fn an_untested_connection_is_out_of_chains_and_answers_to_its_key() {
    let mut untested = connection(1, "main", "ollama", 1, &["m"]);
    untested.tested = false;
    assert!(keys(&[untested.clone()], "m").is_empty());
    assert_eq!(keys(&[untested], "main/m"), ["main m"]);
}

/// What a pursuit of these candidates does when the attempts fail so, one after the other.
fn pursue(connections: &[Connection], chain_models: &[&str], codes: &[Code], terms: Terms) -> Vec<Next> {
    let candidates: Vec<_> = connections
        .iter()
        .zip(chain_models)
        .map(|(connection, model)| Candidate::unlisted(connection, model))
        .collect();
    let mut pursuit = Pursuit::new(terms);
    codes
        .iter()
        .map(|code| {
            let failure = Failure::new(*code, "x");
            let failed = Failed { failure: &failure, standby: Standby::Absent, jitter: 7 };
            pursuit.failed(&failed, &candidates, NOW.mono)
        })
        .collect()
}

fn pair(max_retries: u32) -> Vec<Connection> {
    let mut both = vec![connection(1, "a", "ollama", 1, &["m"]), connection(2, "b", "ollama", 2, &["m"])];
    for one in &mut both {
        one.max_retries = max_retries;
    }
    both
}

const MODELS: [&str; 2] = ["m", "m"];

#[test]
fn trap1_two_failing_connections_are_each_tried_once() {
    let nexts = pursue(&pair(0), &MODELS, &[Code::UpstreamFailed; 2], Terms::default());
    assert_eq!(nexts, [Next::Candidate, Next::GiveUp]);
}

#[test]
fn trap2_a_failure_of_the_second_does_not_bring_the_first_back() {
    let nexts =
        pursue(&pair(1), &MODELS, &[Code::KeyRefused, Code::TimedOut, Code::TimedOut], Terms::default());
    assert_eq!(nexts, [Next::Candidate, Next::Same { after_ms: 7 }, Next::GiveUp]);
}

#[test]
fn f2_a_second_request_at_the_same_time_is_the_next_connections_and_counts_as_an_attempt() {
    let connections = pair(0);
    let candidates: Vec<_> = connections.iter().map(|one| Candidate::unlisted(one, "m")).collect();
    let mut pursuit = Pursuit::new(Terms { attempts: 3, ..Terms::default() });
    assert_eq!(pursuit.beside(&candidates), Some(1));
    pursuit.went_beside(1);
    assert_eq!((pursuit.beside(&candidates), pursuit.candidate()), (None, 0), "there is no third");
    pursuit.left_with(0, 1);
    let failure = Failure::new(Code::UpstreamFailed, "x");
    let failed = Failed { failure: &failure, standby: Standby::Absent, jitter: 0 };
    assert_eq!(pursuit.failed(&failed, &candidates, NOW.mono), Next::GiveUp, "both had their turn");
    let short = Pursuit::new(Terms { attempts: 1, ..Terms::default() });
    assert_eq!(short.beside(&candidates), None, "one attempt is one request");
}

#[test]
fn f2_retries_back_off_under_the_cap_of_attempts_and_the_deadline() {
    let nexts = pursue(&pair(9), &MODELS, &[Code::Overloaded; 4], Terms::default());
    assert_eq!(nexts[..3], [Next::Same { after_ms: 7 }; 3]);
    assert_eq!(nexts[3], Next::GiveUp, "four attempts in all");
    let soon = Terms { deadline: NOW.mono.plus_ms(5), ..Terms::default() };
    assert_eq!(
        pursue(&pair(9), &MODELS, &[Code::Overloaded], soon),
        [Next::Candidate],
        "no time for a backoff"
    );
    let over = Terms { deadline: NOW.mono, ..Terms::default() };
    assert_eq!(pursue(&pair(9), &MODELS, &[Code::Overloaded], over), [Next::GiveUp]);
}

#[test]
fn f3_each_class_of_error_is_retried_rotated_or_told() {
    for (code, first) in [
        (Code::BadRequest, Next::GiveUp),
        (Code::ContentFiltered, Next::GiveUp),
        (Code::ContextTooLong, Next::GiveUp),
        (Code::Offline, Next::GiveUp),
        (Code::Cancelled, Next::GiveUp),
        (Code::KeyRefused, Next::Candidate),
        (Code::QuotaExhausted, Next::Candidate),
        (Code::ModelNotFound, Next::Candidate),
        (Code::RateLimited, Next::Candidate),
        (Code::MalformedAnswer, Next::Same { after_ms: 7 }),
        (Code::TimedOut, Next::Same { after_ms: 7 }),
    ] {
        assert_eq!(pursue(&pair(3), &MODELS, &[code], Terms::default()), [first], "{code:?}");
    }
    let twice = pursue(&pair(3), &MODELS, &[Code::MalformedAnswer; 2], Terms::default());
    assert_eq!(twice[1], Next::Candidate, "a malformed answer is asked for once more only");
}

#[test]
fn f3_another_model_of_the_same_connection_helps_only_against_the_models_own_trouble() {
    let one = connection(1, "a", "ollama", 1, &[]);
    let both = [one.clone(), one];
    for (code, next) in [
        (Code::RateLimited, Next::Candidate),
        (Code::ModelNotFound, Next::Candidate),
        (Code::TimedOut, Next::GiveUp),
        (Code::KeyRefused, Next::GiveUp),
    ] {
        assert_eq!(pursue(&both, &["large", "small"], &[code], Terms::default()), [next], "{code:?}");
    }
}

#[test]
fn f3_a_prompt_that_is_too_long_goes_only_to_a_model_that_is_declared_larger() {
    let connections = pair(0);
    let failure = Failure::new(Code::ContextTooLong, "x");
    let failed = Failed { failure: &failure, standby: Standby::Absent, jitter: 0 };
    for (here, there, next) in [
        (Some(8_000), Some(32_000), Next::Candidate),
        (Some(8_000), Some(8_000), Next::GiveUp),
        (Some(8_000), None, Next::GiveUp),
        (None, Some(32_000), Next::GiveUp),
    ] {
        let candidate =
            |index: usize, context| Candidate { context, ..Candidate::unlisted(&connections[index], "m") };
        let candidates = [candidate(0, here), candidate(1, there)];
        assert_eq!(Pursuit::default().failed(&failed, &candidates, NOW.mono), next, "{here:?} {there:?}");
    }
}

#[test]
fn f3_a_rate_limit_waits_only_when_the_wait_is_short_and_a_refused_key_tries_the_standby_first() {
    let connections = pair(0);
    let candidates: Vec<_> = connections.iter().map(|one| Candidate::unlisted(one, "m")).collect();
    let limited = |ms| Failure { retry_after_ms: Some(ms), ..Failure::new(Code::RateLimited, "x") };
    for (ms, next) in [(1_000, Next::Same { after_ms: 1_000 }), (60_000, Next::Candidate)] {
        let failed = Failed { failure: &limited(ms), standby: Standby::Absent, jitter: 0 };
        assert_eq!(Pursuit::default().failed(&failed, &candidates, NOW.mono), next);
    }
    let refused = Failure::new(Code::KeyRefused, "x");
    let failed = Failed { failure: &refused, standby: Standby::Ready, jitter: 0 };
    let mut pursuit = Pursuit::default();
    assert_eq!(pursuit.failed(&failed, &candidates, NOW.mono), Next::Standby);
    assert_eq!(pursuit.failed(&failed, &candidates, NOW.mono), Next::Candidate, "once");
}

fn full(reach: Reach, why: Why) -> Refusal {
    Refusal { why, gate: Gate::Seat(Seat(0)), reach, after_ms: None }
}

#[test]
fn r4_a_full_connection_is_passed_by_waited_for_or_told() {
    let connections = pair(0);
    let candidates: Vec<_> = connections.iter().map(|one| Candidate::unlisted(one, "m")).collect();
    let refusal = full(Reach::Candidate, Why::Concurrency);
    let begin = |when_full| Pursuit::new(Terms { when_full, ..Terms::default() });

    let mut rotates = begin(WhenFull::default());
    assert_eq!(rotates.refused(&refusal, &candidates, NOW.mono), Next::Candidate);
    assert_eq!(rotates.refused(&refusal, &candidates, NOW.mono), Next::Wait { up_to_ms: 10_000 });
    assert_eq!(rotates.full(), [0, 1]);
    rotates.granted(0);
    assert_eq!((rotates.candidate(), rotates.full()), (0, &[1][..]));
    let broken = Failure::new(Code::TimedOut, "x");
    let failed = Failed { failure: &broken, standby: Standby::Absent, jitter: 0 };
    let later = NOW.mono.plus_ms(4_000);
    assert_eq!(rotates.failed(&failed, &candidates, later), Next::Wait { up_to_ms: 6_000 }, "ten in all");
    assert_eq!(rotates.waited(&candidates, later.plus_ms(6_000)), Next::GiveUp);

    let mut waits = begin(WhenFull::Wait { wait_ms: 500 });
    assert_eq!(waits.refused(&refusal, &candidates, NOW.mono), Next::Wait { up_to_ms: 500 });
    assert_eq!(waits.full(), [0]);
    assert_eq!(waits.waited(&candidates, NOW.mono.plus_ms(500)), Next::Candidate);
    assert_eq!(begin(WhenFull::Fail).refused(&refusal, &candidates, NOW.mono), Next::GiveUp);
}

#[test]
fn r4_a_limit_of_the_call_itself_is_not_sought_elsewhere() {
    let connections = pair(0);
    let candidates: Vec<_> = connections.iter().map(|one| Candidate::unlisted(one, "m")).collect();
    let mut pursuit = Pursuit::default();
    let app_is_full = full(Reach::Call, Why::Rate);
    assert_eq!(pursuit.refused(&app_is_full, &candidates, NOW.mono), Next::Wait { up_to_ms: 10_000 });
    assert_eq!(pursuit.full(), [0, 1], "any of them will do when it is over");
    let held = full(Reach::Call, Why::Budget);
    assert_eq!(Pursuit::default().refused(&held, &candidates, NOW.mono), Next::Wait { up_to_ms: 10_000 });
    let spent = Refusal { after_ms: Some(3_600_000), ..held };
    assert_eq!(Pursuit::default().refused(&spent, &candidates, NOW.mono), Next::GiveUp);
}

#[test]
fn f1_what_is_full_or_rests_says_until_when() {
    let refusal = |why, after_ms| Refusal { after_ms, ..full(Reach::Candidate, why) };
    let in_a_minute = NOW.wall.plus_ms(60_000);
    for (why, after_ms, reason, text) in [
        (Why::Concurrency, None, SkipReason::Full, "as many calls as it may have are on their way"),
        (Why::Queue, None, SkipReason::Full, "as many calls as it may have are on their way"),
        (
            Why::Rate,
            Some(60_000),
            SkipReason::OverRate(in_a_minute),
            "its rate limit is reached (until 2026-09-21T14:14:20.000Z)",
        ),
        (
            Why::Budget,
            Some(60_000),
            SkipReason::OverBudget(in_a_minute),
            "its budget is used up (until 2026-09-21T14:14:20.000Z)",
        ),
    ] {
        let found = SkipReason::of_refusal(&refusal(why, after_ms), NOW);
        assert_eq!((found, found.to_string().as_str()), (reason, text));
    }
    let both = pair(0);
    let skipped = vec![
        (&both[0], SkipReason::Paused),
        (&both[1], SkipReason::Cooling(in_a_minute)),
        (&both[1], SkipReason::BreakerOpen(NOW.wall.plus_ms(5_000))),
    ];
    let plan = Plan { skipped, ..Plan::default() };
    assert_eq!(plan.opens_at(), Some(NOW.wall.plus_ms(5_000)));
}
