use super::*;
use crate::dialect::RateLimits;
use crate::health::Health;

const MODEL: &str = "gpt-5-mini";

fn at(ms: u64) -> Now {
    Now { mono: Mono(ms), wall: Timestamp(1_790_000_000_000 + i64::try_from(ms).expect("small")) }
}

fn standing() -> Standing {
    Standing::new(ConnectionStatus::Active, Some(1))
}

fn failed(code: Code) -> Verdict {
    Verdict::Failed { code, retry_after_ms: None }
}

/// Makes an attempt, if the connection lets it, from `from` to a second later.
fn attempt(standing: &mut Standing, verdict: Verdict, from: u64) -> Option<Change> {
    let pass = standing.hurdle(MODEL, Naming::InPlan, Mono(from)).expect("a way in");
    standing.enter(MODEL, pass, from, Mono(from));
    first(standing.learn(MODEL, verdict, (pass, Mono(from)), at(from + 1_000)))
}

/// An attempt that nothing had let in ends: it was under way before, or it was a test.
fn learn(standing: &mut Standing, verdict: Verdict, from: u64, to: u64) -> Option<Change> {
    first(standing.learn(MODEL, verdict, (Pass::Free, Mono(from)), at(to)))
}

fn first(changes: [Option<Change>; 2]) -> Option<Change> {
    changes.into_iter().flatten().next()
}

fn hurdle(standing: &Standing, ms: u64) -> Option<Hurdle> {
    standing.hurdle(MODEL, Naming::InPlan, Mono(ms)).err()
}

#[test]
fn f3_each_class_of_error_has_its_state_after() {
    for (code, state, after) in [
        (Code::RateLimited, Some(Hurdle::Cooling(Mono(21_000))), Health::Unknown),
        (Code::QuotaExhausted, Some(Hurdle::NeedsAttention(Code::QuotaExhausted)), Health::Critical),
        (Code::KeyRefused, Some(Hurdle::NeedsAttention(Code::KeyRefused)), Health::Critical),
        (Code::UpstreamFailed, None, Health::Degraded),
        (Code::TimedOut, None, Health::Degraded),
        (Code::BadRequest, None, Health::Unknown),
        (Code::ContextTooLong, None, Health::Unknown),
        (Code::ContentFiltered, None, Health::Unknown),
        (Code::ModelNotFound, Some(Hurdle::ModelMissing(Mono(901_000))), Health::Unknown),
        (Code::MalformedAnswer, None, Health::Degraded),
        (Code::Offline, None, Health::Unknown),
        (Code::Cancelled, None, Health::Unknown),
    ] {
        let mut standing = standing();
        attempt(&mut standing, failed(code), 0);
        assert_eq!(
            (hurdle(&standing, 1_000), standing.vitals(at(1_000)).health()),
            (state, after),
            "{code:?}"
        );
        assert_eq!(standing.hurdle("another", Naming::ByKey, Mono(1_000)), Ok(Pass::Free), "{code:?}");
    }
}

#[test]
fn f5_a_paused_connection_stays_paused() {
    for status in [ConnectionStatus::Inactive, ConnectionStatus::Suspended] {
        let mut standing = Standing::new(status, Some(1));
        for verdict in [Verdict::Answered, failed(Code::KeyRefused), Verdict::Unknown, Verdict::Answered] {
            standing.learn(MODEL, verdict, (Pass::Free, Mono(0)), at(10));
        }
        standing.clear();
        standing.configure(status, Some(2), None);
        for naming in [Naming::InPlan, Naming::ByKey] {
            assert!(
                matches!(
                    standing.hurdle(MODEL, naming, Mono(99_999_999)),
                    Err(Hurdle::Paused | Hurdle::Suspended)
                ),
                "{status:?}"
            );
        }
    }
}

#[test]
fn trap3_a_paused_connection_stays_paused_after_a_test_that_passed() {
    let mut standing = standing();
    standing.configure(ConnectionStatus::Inactive, Some(1), None);
    standing.learn(MODEL, Verdict::Answered, (Pass::Free, Mono(0)), at(10));
    assert_eq!(standing.hurdle(MODEL, Naming::ByKey, Mono(20)), Err(Hurdle::Paused));
}

#[test]
fn f5_enabling_clears_counters_breaker_and_attention() {
    let mut standing = standing();
    for n in 0..5 {
        attempt(&mut standing, failed(Code::TimedOut), n);
    }
    standing.learn(MODEL, failed(Code::KeyRefused), (Pass::Free, Mono(6)), at(7));
    assert!(hurdle(&standing, 10).is_some());
    standing.configure(ConnectionStatus::Inactive, Some(1), None);
    assert_eq!(hurdle(&standing, 10), Some(Hurdle::Paused));
    assert_eq!(standing.configure(ConnectionStatus::Active, Some(1), None), Some(Change::AttentionCleared));
    assert_eq!(hurdle(&standing, 10), None);
    assert_eq!(standing.vitals(at(10)).health(), Health::Unknown);
}

#[test]
fn trap5_a_bad_prompt_hurts_nobody() {
    let mut standing = standing();
    for n in 0..100 {
        attempt(&mut standing, failed(Code::BadRequest), n);
    }
    assert_eq!((hurdle(&standing, 100), standing.vitals(at(100)).health()), (None, Health::Unknown));
}

#[test]
fn f4_a_breaker_opens_closes_and_says_so() {
    let mut standing = standing();
    let changes: Vec<_> =
        (0..5).filter_map(|n| attempt(&mut standing, failed(Code::TimedOut), n * 10)).collect();
    assert_eq!(changes, [Change::BreakerOpened(Mono(31_040))]);
    assert_eq!(standing.vitals(at(2_000)).health(), Health::Critical);
    assert_eq!(hurdle(&standing, 2_000), Some(Hurdle::Broken(Mono(31_040))));
    assert_eq!(attempt(&mut standing, Verdict::Answered, 31_040), Some(Change::BreakerClosed));
    assert_eq!(hurdle(&standing, 32_040), None);
}

#[test]
fn an_account_is_well_again_by_a_new_key_or_a_later_answer() {
    let mut standing = standing();
    let change = attempt(&mut standing, failed(Code::KeyRefused), 1_000);
    assert_eq!(change, Some(Change::NeedsAttention(Code::KeyRefused)));
    let early = learn(&mut standing, Verdict::Answered, 1_500, 3_000);
    assert_eq!(early, None, "it was under way before the refusal");
    assert_eq!(standing.configure(ConnectionStatus::Active, Some(1), None), None, "an edit of its name");
    assert!(hurdle(&standing, 4_000).is_some());
    let mut with_new_key = standing.clone();
    let change = with_new_key.configure(ConnectionStatus::Active, Some(2), None);
    assert_eq!((change, hurdle(&with_new_key, 4_000)), (Some(Change::AttentionCleared), None));
    let late = learn(&mut standing, Verdict::Answered, 4_000, 5_000);
    assert_eq!(late, Some(Change::AttentionCleared), "a manual test passed");
}

#[test]
fn r5_signals_lower_what_is_allowed_and_never_raise_it() {
    let mut standing = standing();
    let signal = |left, reset| Signal { requests: Some((left, reset)), tokens_spent: None };
    standing.observe(MODEL, signal(2, 10_000), Mono(0));
    assert_eq!(attempt(&mut standing, Verdict::Answered, 0), None);
    assert_eq!(attempt(&mut standing, Verdict::Answered, 1), None);
    assert_eq!(hurdle(&standing, 2), Some(Hurdle::Cooling(Mono(10_000))));
    assert_eq!(hurdle(&standing, 10_000), None);
    let rest = Verdict::Failed { code: Code::RateLimited, retry_after_ms: Some(7_000) };
    assert_eq!(attempt(&mut standing, rest, 20_000), Some(Change::Cooling(Mono(28_000))));
    standing.observe(MODEL, signal(1_000, 10_000), Mono(21_500));
    assert_eq!(hurdle(&standing, 22_000), Some(Hurdle::Cooling(Mono(28_000))), "plenty left ends no pause");
}

#[test]
fn r5_nothing_left_is_a_rest_that_a_restart_does_not_end() {
    let mut before = standing();
    let signal = |left| Signal { requests: Some((left, 60_000)), tokens_spent: None };
    let until = Mono(60_000);
    assert_eq!(before.observe(MODEL, signal(0), Mono(0)), Some(Change::Cooling(until)));
    assert_eq!(before.observe(MODEL, signal(0), Mono(0)), None, "no news");
    assert_eq!(before.observe(MODEL, signal(3), Mono(5)), None, "an answer that was on its way ends no rest");
    assert_eq!(hurdle(&before, 10), Some(Hurdle::Cooling(until)));
    let mut after = standing();
    after.resume(&before.keep(at(10_000)), at(10_000));
    assert_eq!((hurdle(&after, 59_999), hurdle(&after, 60_000)), (Some(Hurdle::Cooling(until)), None));
}

#[test]
fn r5_headers_are_read() {
    let headers = [
        ("x-ratelimit-remaining-requests", "59"),
        ("x-ratelimit-reset-requests", "1.5s"),
        ("x-ratelimit-remaining-tokens", "0"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    let header = |name: &str| headers.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let signal = Signal::from(RateLimits::read(header));
    assert_eq!(signal, Signal { requests: Some((59, 1_500)), tokens_spent: Some(360_000) });
    assert_eq!(signal.tightest(), Some((0, 360_000)));
    assert_eq!(Signal::from(RateLimits::read(|_| None)), Signal::default());
}

#[test]
fn invented_models_do_not_fill_the_memory() {
    let mut standing = standing();
    for n in 0..1_000 {
        let model = format!("invented-{n}");
        standing.learn(&model, failed(Code::ModelNotFound), (Pass::Free, Mono(0)), at(n));
    }
    assert_eq!(standing.troubles.len(), MODELS);
}

#[test]
fn f9_a_restart_forgets_neither_attention_nor_a_rest() {
    let mut before = standing();
    for n in 0..5 {
        attempt(&mut before, failed(Code::TimedOut), n * 10);
    }
    learn(&mut before, failed(Code::QuotaExhausted), 50, 60);
    before.learn("slow", failed(Code::RateLimited), (Pass::Free, Mono(0)), at(1_000));
    before.learn("gone", failed(Code::ModelNotFound), (Pass::Free, Mono(0)), at(1_000));
    let kept = before.keep(at(2_000));

    let mut after = standing();
    let start = |ms: u64| Now { mono: Mono::START.plus_ms(ms), wall: at(2_000 + ms).wall };
    after.resume(&kept, start(0));
    assert_eq!(after.keep(start(0)), kept);
    assert_eq!(after.attention().map(|attention| attention.code), Some(Code::QuotaExhausted));
    let by_key = |model: &str, ms: u64| after.hurdle(model, Naming::ByKey, start(ms).mono);
    assert_eq!(by_key(MODEL, 29_039), Err(Hurdle::Broken(start(29_040).mono)));
    assert_eq!(by_key(MODEL, 29_040), Ok(Pass::Probe));
    assert_eq!(by_key("slow", 18_999), Err(Hurdle::Cooling(start(19_000).mono)));
    assert_eq!(by_key("gone", 0), Err(Hurdle::ModelMissing(start(899_000).mono)));

    let mut with_new_key = Standing::new(ConnectionStatus::Active, Some(2));
    with_new_key.resume(&kept, start(0));
    assert_eq!(with_new_key.attention(), None);
}

#[test]
fn f5_all_is_well_once_a_person_says_so_to_whichever_process() {
    let mut standing = standing();
    for n in 0..5 {
        attempt(&mut standing, failed(Code::TimedOut), n);
    }
    let said = Some(Timestamp(1));
    assert!(hurdle(&standing, 10).is_some());
    standing.configure(ConnectionStatus::Active, Some(1), said);
    assert_eq!(hurdle(&standing, 10), None);
    for n in 10..15 {
        attempt(&mut standing, failed(Code::TimedOut), n);
    }
    standing.configure(ConnectionStatus::Active, Some(1), said);
    assert!(hurdle(&standing, 20).is_some(), "once");
}
