use super::*;
use crate::budget::{LEVELS, Measure, OnLimit, Period, Scope};
use crate::money::NanoUsd;
use crate::time::{Timestamp, zone};

const MINUTE_MS: u64 = 60_000;
const USD: i64 = 1_000_000_000;

fn at(mono: u64) -> Now {
    // Noon in New York.
    Now { mono: Mono(mono), wall: Timestamp(1_795_626_000_000 + i64::try_from(mono).expect("small")) }
}

fn subjects() -> [Subject; 4] {
    [
        Subject::Provider("ollama".into()),
        Subject::Connection(ConnectionId(1)),
        Subject::Profile(ProfileId(1)),
        Subject::App(AppId(1)),
    ]
}

/// An admission where each subject has these limits.
fn admission(limits: &[Allowed; 4], budgets: Vec<Budget>) -> Admission {
    let mut admission = Admission::new(zone("America/New_York").expect("a zone"));
    admission.configure(subjects().into_iter().zip(*limits), budgets);
    admission
}

fn of_connection(allowed: Allowed) -> [Allowed; 4] {
    [Allowed::default(), allowed, Allowed::default(), Allowed::default()]
}

fn ask(admission: &Admission) -> Ask<'static> {
    let seats = subjects().map(|subject| admission.seat(&subject));
    let estimate = Estimate { tokens: 100, cost: NanoUsd(USD / 10) };
    Ask { seats, feature: "signal_parsing", estimate, pass: Pass::Free }
}

fn budget(scope: Scope, measure: Measure, cap: u64, on_limit: OnLimit) -> Budget {
    Budget {
        id: BudgetId(1),
        scope,
        period: Period::Day,
        measure,
        cap,
        extra: None,
        on_limit,
        degrade_to: None,
        levels: LEVELS.to_vec(),
    }
}

/// Admits as many as it lets, up to 1,000.
fn fill(admission: &mut Admission, now: Now) -> Vec<Reservation> {
    let ask = ask(admission);
    (0..1_000).map_while(|_| admission.admit(&ask, now).ok()).collect()
}

/// On their way, and started today.
fn counts(used: Used) -> (u32, u64) {
    (used.in_flight, used.today)
}

fn settle(admission: &mut Admission, mut reservation: Reservation, spent: Spent, now: Now) {
    reservation.mark_sent();
    let _ = admission.settle(reservation, spent, now);
}

#[test]
fn r1_every_subject_limits_and_refuses_in_the_fixed_order() {
    for (index, reach) in
        [Reach::Candidate, Reach::Candidate, Reach::Call, Reach::Call].into_iter().enumerate()
    {
        for (allowed, why) in [
            (Allowed { concurrent: Some(3), ..Allowed::default() }, Why::Concurrency),
            (Allowed { rates: [Some(Rate::per_minute(3)), None], ..Allowed::default() }, Why::Rate),
            (Allowed { rates: [None, Some(Rate::per_minute(3))], ..Allowed::default() }, Why::Rate),
            (Allowed { per_day: Some(3), ..Allowed::default() }, Why::Day),
            (Allowed { tokens_per_minute: Some(350), ..Allowed::default() }, Why::Tokens),
        ] {
            let mut limits = [Allowed::default(); 4];
            limits[index] = allowed;
            let mut admission = admission(&limits, Vec::new());
            let held = fill(&mut admission, at(0));
            assert_eq!(held.len(), 3, "{why:?}");
            let refusal = admission.refusal(&ask(&admission), at(0)).expect("full");
            let seat = admission.seat(&subjects()[index]).expect("a seat");
            assert_eq!((refusal.why, refusal.gate, refusal.reach), (why, Gate::Seat(seat), reach));
        }
    }
}

#[test]
fn r1_a_refused_call_counts_nowhere() {
    let limits = [
        Allowed { rates: [Some(Rate::per_minute(10)), None], ..Allowed::default() },
        Allowed::default(),
        Allowed::default(),
        Allowed { concurrent: Some(1), ..Allowed::default() },
    ];
    let mut admission = admission(&limits, Vec::new());
    let first = fill(&mut admission, at(0)).pop().expect("one fits");
    let call = ask(&admission);
    for _ in 0..100 {
        assert_eq!(admission.admit(&call, at(1)).expect_err("the app is full").why, Why::Concurrency);
    }
    settle(&mut admission, first, Spent::default(), at(2));
    let provider = admission.seat(&subjects()[0]).expect("a seat");
    assert_eq!(counts(admission.used(provider, at(2))), (0, 1));
}

#[test]
fn r1_only_what_was_not_sent_is_refunded() {
    let limits = of_connection(Allowed {
        rates: [Some(Rate::per_minute(1)), None],
        per_day: Some(1),
        tokens_per_minute: Some(100),
        ..Allowed::default()
    });
    let money = budget(Scope::All, Measure::Money, 1, OnLimit::Stop);
    let mut admission = admission(&limits, vec![money]);
    let unsent = fill(&mut admission, at(0)).pop().expect("one fits");
    let _ = admission.settle(unsent, Spent::default(), at(1));
    let sent = fill(&mut admission, at(2)).pop().expect("it fits again");
    settle(&mut admission, sent, Spent::default(), at(3));
    assert!(fill(&mut admission, at(4)).is_empty(), "an error costs its start");
    assert_eq!(
        admission.budget_used(BudgetId(1), at(4)),
        Some(BudgetUse { spent: 100_000_000, reserved: 0 }),
        "what is not known may have been billed"
    );
}

#[test]
fn r1_a_dropped_reservation_gives_itself_back() {
    let limits = of_connection(Allowed { concurrent: Some(2), per_day: Some(3), ..Allowed::default() });
    let mut admission = admission(&limits, Vec::new());
    let mut held = fill(&mut admission, at(0));
    held[0].mark_sent();
    drop(held);
    assert_eq!(admission.open(), 2, "not before the next touch");
    while admission.reclaim(at(1)).is_some() {}
    assert_eq!(admission.open(), 0);
    let connection = admission.seat(&subjects()[1]).expect("a seat");
    assert_eq!(counts(admission.used(connection, at(1))), (0, 1), "one had been sent");
}

#[test]
fn r2_a_window_is_full_until_the_oldest_start_has_left_it() {
    let rate = Rate { requests: 3, period_ms: 10_000 };
    let mut admission =
        admission(&of_connection(Allowed { rates: [Some(rate), None], ..Allowed::default() }), Vec::new());
    let held = fill(&mut admission, at(9_000));
    for one in held {
        settle(&mut admission, one, Spent::default(), at(9_100));
    }
    let refusal = admission.refusal(&ask(&admission), at(10_000)).expect("a bucket would have been refilled");
    assert_eq!((refusal.after_ms, refusal.retry_after_s()), (Some(9_001), 10));
    assert_eq!(fill(&mut admission, at(19_001)).len(), 3);
}

#[test]
fn trap9_calls_side_by_side_overshoot_no_limit_and_no_budget() {
    let limits = of_connection(Allowed { concurrent: Some(7), ..Allowed::default() });
    assert_eq!(fill(&mut admission(&limits, Vec::new()), at(0)).len(), 7);
    let call = u64::try_from(USD / 10).expect("positive");
    let money = budget(Scope::All, Measure::Money, call * 5 / 2, OnLimit::Stop);
    let mut admission = admission(&[Allowed::default(); 4], vec![money]);
    let held = fill(&mut admission, at(0));
    assert_eq!(held.len(), 3, "$0.25 at $0.10 a call: the third begins below the cap, the fourth does not");
    let used = admission.budget_used(BudgetId(1), at(0)).expect("a budget");
    assert!(used.reserved <= call * 5 / 2 + call, "one estimate over at most");
}

#[test]
fn n1_budgets_count_money_requests_and_tokens_for_every_scope() {
    let [provider, connection, profile, app] = subjects();
    let scopes = [
        (Scope::All, Reach::Call),
        (Scope::Of(provider), Reach::Candidate),
        (Scope::Of(connection), Reach::Candidate),
        (Scope::Of(profile), Reach::Call),
        (Scope::Of(app), Reach::Call),
        (Scope::Feature("signal_parsing".into()), Reach::Call),
    ];
    for (scope, reach) in scopes {
        for (measure, cap) in [(Measure::Money, 200_000_000), (Measure::Requests, 2), (Measure::Tokens, 200)]
        {
            let mut admission =
                admission(&[Allowed::default(); 4], vec![budget(scope.clone(), measure, cap, OnLimit::Stop)]);
            let held = fill(&mut admission, at(0));
            assert_eq!(held.len(), 2, "{scope:?} {measure:?}");
            let refusal = admission.refusal(&ask(&admission), at(0)).expect("held");
            assert_eq!((refusal.why, refusal.reach), (Why::Budget, reach));
            assert_eq!(
                (refusal.after_ms, refusal.may_pass_soon()),
                (None, true),
                "one of them may be cheaper"
            );
            for one in held {
                settle(&mut admission, one, Spent::default(), at(0));
            }
            let refusal = admission.refusal(&ask(&admission), at(0)).expect("used up");
            assert!(!refusal.may_pass_soon());
            let noon_to_midnight = 12 * 3_600_000;
            assert_eq!(refusal.after_ms, Some(noon_to_midnight), "its reset");
        }
    }
    let others = budget(Scope::Feature("news".into()), Measure::Requests, 0, OnLimit::Stop);
    assert_eq!(fill(&mut admission(&[Allowed::default(); 4], vec![others]), at(0)).len(), 1_000);
    let warns = budget(Scope::All, Measure::Requests, 1, OnLimit::Warn);
    assert_eq!(fill(&mut admission(&[Allowed::default(); 4], vec![warns]), at(0)).len(), 1_000);
}

#[test]
fn n2_levels_speak_at_the_reservation() {
    let requests = budget(Scope::All, Measure::Requests, 10, OnLimit::Stop);
    let mut admission = admission(&[Allowed::default(); 4], vec![requests]);
    let held = fill(&mut admission, at(0));
    let levels: Vec<_> = admission.level_events(at(0)).into_iter().map(|event| event.crossing).collect();
    assert_eq!(levels, [50, 80, 100].map(crate::budget::Crossing::Reached), "95 and 100 are one step here");
    let tomorrow = at(86_400_000);
    assert_eq!(held.len(), 10, "and what lasts past midnight burdens the day it began in");
    assert_eq!(admission.level_events(tomorrow)[0].crossing, crate::budget::Crossing::Left);
}

#[test]
fn trap12_a_limit_of_the_day_is_enforced_until_local_midnight() {
    let mut admission =
        admission(&of_connection(Allowed { per_day: Some(2), ..Allowed::default() }), Vec::new());
    let held = fill(&mut admission, at(0));
    assert_eq!(held.len(), 2);
    for one in held {
        settle(&mut admission, one, Spent::default(), at(1));
    }
    let to_midnight = 12 * 3_600_000;
    let refusal = admission.refusal(&ask(&admission), at(0)).expect("used up");
    assert_eq!((refusal.why, refusal.after_ms), (Why::Day, Some(to_midnight)));
    assert!(fill(&mut admission, at(to_midnight - 1)).is_empty());
    assert_eq!(fill(&mut admission, at(to_midnight)).len(), 2);
}

#[test]
fn r3_both_forms_of_a_limit_are_read() {
    let limits = crate::connection::Limits {
        rate_limit_requests: Some(5),
        rate_limit_period_s: Some(10),
        rate_limit_per_minute: Some(20),
        rate_limit_per_day: Some(100),
        tokens_per_minute: Some(1_000),
        max_concurrent_requests: Some(2),
    };
    let allowed = Allowed::from(limits);
    assert_eq!(allowed.rates, [Some(Rate { requests: 5, period_ms: 10_000 }), Some(Rate::per_minute(20))]);
    assert_eq!((allowed.per_day, allowed.concurrent), (Some(100), Some(2)));
    assert_eq!(allowed.tokens_per_minute, Some(1_000));
}

fn limited() -> [Allowed; 4] {
    of_connection(Allowed {
        concurrent: Some(9),
        rates: [Some(Rate { requests: 4, period_ms: 60 * MINUTE_MS }), None],
        per_day: Some(6),
        ..Allowed::default()
    })
}

#[test]
fn r3_counters_survive_a_restart() {
    let money = budget(Scope::All, Measure::Money, 5_000_000_000, OnLimit::Stop);
    let mut first = admission(&limited(), vec![money.clone()]);
    let start = Mono::START.0;
    let held = fill(&mut first, at(start));
    assert_eq!(held.len(), 4);
    let text = serde_json::to_string(&first.keep(at(start + 1))).expect("plain data");
    let counters: Counters = serde_json::from_str(&text).expect("as written");

    // Half an hour later the process begins again: its steady clock begins anew, the wall does not.
    let later = |ms: u64| Now { mono: Mono::START.plus_ms(ms), wall: at(start + 30 * MINUTE_MS + ms).wall };
    let mut second = admission(&limited(), vec![money]);
    second.restore(&counters, later(0));
    assert!(fill(&mut second, later(29 * MINUTE_MS)).is_empty(), "the hour is not over");
    let connection = second.seat(&subjects()[1]).expect("a seat");
    assert_eq!(counts(second.used(connection, later(0))), (0, 4));
    let held = fill(&mut second, later(30 * MINUTE_MS + 1));
    assert_eq!(held.len(), 2, "the window is free again, the day has two left");
}

#[test]
fn r3_what_the_ledger_knows_better_is_recalled() {
    let mut admission = admission(&limited(), Vec::new());
    let now = Now { mono: Mono::START, wall: at(0).wall };
    let seats = ask(&admission).seats;
    for ago in [50 * 60_000, 10 * 60_000, 1_000] {
        admission.recall(&Recalled { seats, at: now.wall.plus_ms(-ago), tokens: 40 }, now);
    }
    assert_eq!(fill(&mut admission, now).len(), 1, "three of four are in the hour");
}

/// The ledger holds so many dollars more.
fn book(admission: &mut Admission, dollars: i64, at: Now) {
    let used = Estimate { tokens: 40, cost: NanoUsd(dollars * USD) };
    let booked = Booked { seats: ask(admission).seats, feature: "", requests: 1, used };
    admission.book(&booked, None, at.wall);
    admission.balance_books();
}

#[test]
fn n1_what_others_on_the_folder_spent_counts_and_what_is_ones_own_counts_once() {
    let money = budget(Scope::All, Measure::Money, 5_000_000_000, OnLimit::Stop);
    let mut admission = admission(&[Allowed::default(); 4], vec![money]);
    let spent =
        |admission: &mut Admission| admission.budget_used(BudgetId(1), at(0)).expect("a budget").spent;
    book(&mut admission, 1, at(0));
    assert_eq!(spent(&mut admission), 1_000_000_000, "an earlier run's");
    let own = fill(&mut admission, at(0)).pop().expect("it fits");
    settle(&mut admission, own, Spent { tokens: Some(40), cost: Some(NanoUsd(2 * USD)) }, at(0));
    assert_eq!(spent(&mut admission), 3_000_000_000, "before its row is in the ledger");
    book(&mut admission, 2, at(0));
    assert_eq!(spent(&mut admission), 3_000_000_000, "and after");
    book(&mut admission, 2, at(0));
    assert_eq!(spent(&mut admission), 5_000_000_000, "another process's");
    assert!(fill(&mut admission, at(0)).is_empty());
    let tomorrow = at(86_400_000);
    assert_eq!(admission.budget_used(BudgetId(1), tomorrow).expect("a budget").spent, 0);
}

#[test]
fn n1_a_cap_is_raised_for_one_period_and_a_degraded_call_goes_elsewhere() {
    let mut money = budget(Scope::All, Measure::Money, 1_000_000_000, OnLimit::Stop);
    let mut admission = admission(&[Allowed::default(); 4], vec![money.clone()]);
    book(&mut admission, 1, at(0));
    assert!(fill(&mut admission, at(0)).is_empty());
    let today = admission.today(at(0)).day.key;
    money.extra = Some((today, 200_000_000));
    admission.configure(subjects().map(|subject| (subject, Allowed::default())), vec![money.clone()]);
    assert_eq!(fill(&mut admission, at(0)).len(), 2, "$0.20 more, at $0.10 a call");
    money.extra = Some((today - 1, 200_000_000));
    admission.configure(subjects().map(|subject| (subject, Allowed::default())), vec![money.clone()]);
    assert!(fill(&mut admission, at(0)).is_empty(), "yesterday's is over");
    (money.on_limit, money.degrade_to) = (OnLimit::Degrade, Some("ollama/llama3.2".into()));
    admission.configure(subjects().map(|subject| (subject, Allowed::default())), vec![money]);
    let call = ask(&admission);
    assert_eq!(admission.detour(&call, at(0)), Some("ollama/llama3.2"));
    assert_eq!(admission.detour(&call, at(86_400_000)), None, "a new day");
    assert_eq!(fill(&mut admission, at(0)).len(), 1_000, "and is never refused");
}

#[test]
fn r6_a_clock_that_is_set_changes_no_window() {
    let mut admission = admission(&limited(), Vec::new());
    assert_eq!(fill(&mut admission, at(0)).len(), 4);
    for days in [-400, -1, 1, 400_i64] {
        let now = Now { mono: Mono(1_000), wall: at(0).wall.plus_ms(days * 86_400_000) };
        assert!(fill(&mut admission, now).is_empty(), "{days}");
    }
}

#[test]
fn limits_that_change_keep_their_counts() {
    let mut admission = admission(&limited(), Vec::new());
    let _held = fill(&mut admission, at(0));
    let tighter = of_connection(Allowed { concurrent: Some(5), ..Allowed::default() });
    admission.configure(subjects().into_iter().zip(tighter), Vec::new());
    assert_eq!(fill(&mut admission, at(0)).len(), 1, "four of five are on their way");
}

#[test]
fn r3_what_is_used_of_each_limit_is_known_at_every_moment() {
    let allowed = Allowed {
        concurrent: Some(9),
        rates: [Some(Rate { requests: 9, period_ms: 10_000 }), Some(Rate::per_minute(9))],
        per_day: Some(9),
        tokens_per_minute: Some(9_000),
    };
    let mut admission = admission(&of_connection(allowed), Vec::new());
    let seat = admission.seat(&subjects()[1]).expect("a seat");
    let ask = ask(&admission);
    let first = admission.admit(&ask, at(0)).expect("room");
    let second = admission.admit(&ask, at(20_000)).expect("room");
    let used = Used { in_flight: 2, minute: 2, period: 1, today: 2, tokens: 200 };
    assert_eq!(admission.used(seat, at(20_000)), used);
    settle(&mut admission, first, Spent { tokens: Some(30), ..Spent::default() }, at(30_000));
    let used = Used { in_flight: 1, minute: 2, period: 1, today: 2, tokens: 130 };
    assert_eq!(admission.used(seat, at(30_000)), used, "what was used replaces the estimate");
    let used = Used { in_flight: 1, minute: 1, period: 0, today: 2, tokens: 100 };
    assert_eq!(admission.used(seat, at(60_001)), used, "a minute later the first counts for the day only");
    drop(second);
}
