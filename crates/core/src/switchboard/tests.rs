use super::*;
use crate::budget::{Budget, LEVELS, Measure, OnLimit, Period, Scope};
use crate::code::Code;
use crate::connection::{Connection, Limits};
use crate::id::BudgetId;
use crate::money::NanoUsd;
use crate::route::tests::connection;
use crate::route::{Needs, SkipReason, plan};
use crate::time::Timestamp;

fn at(ms: u64) -> Now {
    Now { mono: Mono(ms), wall: Timestamp(1_790_000_000_000 + i64::try_from(ms).expect("small")) }
}

fn with_concurrency(id: i64, most: u32) -> Connection {
    let limits = Limits { max_concurrent_requests: Some(most), ..Limits::default() };
    Connection { limits, ..connection(id, &format!("c{id}"), "ollama", 1, &["m"]) }
}

fn board(connections: &[Connection]) -> (Switchboard, Directory) {
    let mut board = Switchboard::new(TimeZone::UTC);
    let directory = board.configure(Fleet { connections: connections.to_vec(), ..Fleet::default() });
    (board, directory)
}

fn bids<'a>(board: &Switchboard, directory: &'a Directory) -> Vec<(usize, Bid<'a>)> {
    let plan = plan(directory, "m", &Needs::default(), board, at(0));
    let bid = |candidate| Bid::new(candidate, &Caller::default());
    plan.candidates.iter().map(bid).enumerate().collect()
}

fn ending(verdict: Verdict) -> Ending<'static> {
    Ending { model: "m", spent: Spent::default(), verdict, signal: Signal::default() }
}

fn settle(board: &mut Switchboard, reservation: Reservation, verdict: Verdict, ms: u64) {
    board.settle(reservation, &ending(verdict), at(ms));
}

fn tickets(woken: &[(Ticket, Wake)]) -> Vec<Ticket> {
    woken.iter().map(|(ticket, _)| *ticket).collect()
}

fn queue(board: &mut Switchboard, bids: &[(usize, Bid<'_>)], ms: u64) -> Ticket {
    match board.wait(bids, Mono(ms + 10_000), at(ms)) {
        Wait::Queued(ticket) => ticket,
        other => panic!("should wait: {other:?}"),
    }
}

#[test]
fn r4_waiting_is_first_come_first_served() {
    let (mut board, directory) = board(&[with_concurrency(1, 1)]);
    let bids = bids(&board, &directory);
    let held = board.admit(&bids[0].1, at(0)).expect("free");
    let (first, second) = (queue(&mut board, &bids, 1), queue(&mut board, &bids, 2));
    settle(&mut board, held, Verdict::Answered, 3);
    let Err(Denial::Refused(refusal)) = board.admit(&bids[0].1, at(3)) else {
        panic!("a newcomer overtook two who wait");
    };
    assert_eq!(refusal.why, Why::Queue);
    let mut woken = board.wake(at(4));
    assert_eq!(tickets(&woken), [first]);
    let Some((_, Wake::Granted(0, held))) = woken.pop() else { panic!("room for one") };
    settle(&mut board, held, Verdict::Answered, 5);
    assert_eq!(tickets(&board.wake(at(6))), [second]);
}

/// A board with one connection without limits, and a daily budget of one call at a time: each may cost all of it.
fn with_budget(estimate: Estimate) -> (Switchboard, Directory, Caller<'static>) {
    let budget = Budget {
        id: BudgetId(1),
        scope: Scope::All,
        period: Period::Day,
        measure: Measure::Money,
        cap: estimate.cost.0.unsigned_abs(),
        extra: None,
        on_limit: OnLimit::Stop,
        degrade_to: None,
        levels: LEVELS.to_vec(),
    };
    let mut board = Switchboard::new(TimeZone::UTC);
    let connections = vec![connection(1, "c1", "ollama", 1, &["m"])];
    let fleet = Fleet { connections, budgets: vec![budget], ..Fleet::default() };
    let directory = board.configure(fleet);
    (board, directory, Caller { estimate, ..Caller::default() })
}

#[test]
fn r4_nobody_overtakes_who_waits_for_a_budget() {
    let (mut board, directory, caller) = with_budget(Estimate { tokens: 0, cost: NanoUsd(100) });
    let plan = plan(&directory, "m", &Needs::default(), &board, at(0));
    let bids = [(0, Bid::new(&plan.candidates[0], &caller))];
    let mut held = board.admit(&bids[0].1, at(0)).expect("nothing is spent");
    held.mark_sent();
    let first = queue(&mut board, &bids, 1);
    let cheap = Ending { spent: Spent { tokens: None, cost: Some(NanoUsd(1)) }, ..ending(Verdict::Answered) };
    board.settle(held, &cheap, at(2));
    let Err(Denial::Refused(refusal)) = board.admit(&bids[0].1, at(2)) else {
        panic!("a newcomer overtook one who waits");
    };
    assert_eq!((refusal.why, refusal.reach), (Why::Queue, crate::admission::Reach::Call));
    assert_eq!(tickets(&board.wake(at(3))), [first]);
}

#[test]
fn r4_a_budget_that_begins_anew_wakes_who_waits() {
    const MIDNIGHT: u64 = 35_200_000;
    let (mut board, directory, caller) = with_budget(Estimate { tokens: 0, cost: NanoUsd(100) });
    let plan = plan(&directory, "m", &Needs::default(), &board, at(0));
    let bids = [(0, Bid::new(&plan.candidates[0], &caller))];
    let _held = board.admit(&bids[0].1, at(MIDNIGHT - 2_000)).expect("nothing is spent");
    let ticket = queue(&mut board, &bids, MIDNIGHT - 1_000);
    assert_eq!(board.wakes_at(), Some(Mono(MIDNIGHT)));
    let woken = board.wake(at(MIDNIGHT));
    assert!(matches!(&woken[..], [(known, Wake::Granted(0, _))] if *known == ticket), "{woken:?}");
}

#[test]
fn r4_a_caller_that_leaves_or_runs_out_of_time_makes_way() {
    let (mut board, directory) = board(&[with_concurrency(1, 1)]);
    let bids = bids(&board, &directory);
    let held = board.admit(&bids[0].1, at(0)).expect("free");
    let (first, second) = (queue(&mut board, &bids, 0), queue(&mut board, &bids, 500));
    board.cancel(first, at(600));
    assert_eq!(board.wakes_at(), Some(Mono(600)));
    assert!(board.wake(at(600)).is_empty());
    assert_eq!(board.wakes_at(), Some(Mono(10_500)), "the end of the other's patience");
    let woken = board.wake(at(10_500));
    assert!(matches!(woken[..], [(ticket, Wake::TimedOut(Some(_)))] if ticket == second));
    settle(&mut board, held, Verdict::Answered, 11_000);
    assert!(board.admit(&bids[0].1, at(11_000)).is_ok(), "nobody waits any more");
}

#[test]
fn r4_the_queue_is_bounded() {
    let (mut board, directory) = board(&[with_concurrency(1, 1)]);
    let bids = bids(&board, &directory);
    let _held = board.admit(&bids[0].1, at(0)).expect("free");
    for _ in 0..LONGEST {
        queue(&mut board, &bids, 0);
    }
    assert!(matches!(board.wait(&bids, Mono(10_000), at(0)), Wait::Crowded));
}

#[test]
fn r4_full_is_no_error() {
    let (mut board, directory) = board(&[with_concurrency(1, 1)]);
    let bids = bids(&board, &directory);
    let held = board.admit(&bids[0].1, at(0)).expect("free");
    for ms in 0..100 {
        assert!(board.admit(&bids[0].1, at(ms)).is_err());
    }
    settle(&mut board, held, Verdict::Answered, 100);
    let seat = bids[0].1.seats[1].expect("a seat");
    assert_eq!(board.standing(seat).map(|standing| standing.vitals(at(100)).failed), Some(0));
    assert!(board.events().is_empty());
}

#[test]
fn a_window_that_opens_wakes_by_the_clock() {
    let limits = Limits { rate_limit_per_minute: Some(1), ..Limits::default() };
    let limited = Connection { limits, ..connection(1, "c1", "ollama", 1, &["m"]) };
    let (mut board, directory) = board(&[limited]);
    let bids = bids(&board, &directory);
    let held = board.admit(&bids[0].1, at(0)).expect("free");
    settle(&mut board, held, Verdict::Answered, 10);
    assert!(
        matches!(board.wait(&bids, Mono(90_000), at(20)), Wait::Over(Wake::Granted(..))),
        "nothing had been sent"
    );
    let mut held = board.admit(&bids[0].1, at(30)).expect("dropped unsent, so refunded");
    held.mark_sent();
    settle(&mut board, held, Verdict::Answered, 40);
    queue(&mut board, &bids, 55_000);
    assert_eq!(board.wakes_at(), Some(Mono(60_031)));
    assert!(board.wake(at(60_030)).is_empty());
    assert!(matches!(board.wake(at(60_031))[..], [(_, Wake::Granted(0, _))]));
}

#[test]
fn f4_of_many_callers_one_is_the_probe() {
    let (mut board, directory) = board(&[connection(1, "c1", "ollama", 1, &["m"])]);
    let bids = bids(&board, &directory);
    let failed = Verdict::Failed { code: Code::TimedOut, retry_after_ms: None };
    for ms in 0..5 {
        let held = board.admit(&bids[0].1, at(ms)).expect("closed");
        settle(&mut board, held, failed, ms);
    }
    assert!(matches!(board.events()[..], [Event { change: Change::BreakerOpened(Mono(30_004)), .. }]));
    let plan_now = plan(&directory, "m", &Needs::default(), &board, at(10));
    assert!(matches!(plan_now.skipped[..], [(_, SkipReason::BreakerOpen(_))]));

    let let_in: Vec<_> = (0..100).filter_map(|_| board.admit(&bids[0].1, at(30_004)).ok()).collect();
    assert_eq!(let_in.len(), 1);
    drop(let_in); // its caller left: the next one may probe
    let probe = board.admit(&bids[0].1, at(30_005)).expect("the second probe");
    settle(&mut board, probe, Verdict::Answered, 30_006);
    assert_eq!((0..100).filter_map(|_| board.admit(&bids[0].1, at(30_007)).ok()).count(), 100);
}

#[test]
fn f5_a_call_that_was_planned_before_a_pause_is_not_sent_after_it() {
    let active = connection(1, "c1", "ollama", 1, &["m"]);
    let (mut board, directory) = board(std::slice::from_ref(&active));
    let bids = bids(&board, &directory);
    let paused = Connection { status: ConnectionStatus::Inactive, ..active };
    board.configure(Fleet { connections: vec![paused], ..Fleet::default() });
    assert_eq!(board.admit(&bids[0].1, at(1)).err(), Some(Denial::Barred(Hurdle::Paused)));
    board.configure(Fleet::default());
    assert_eq!(board.admit(&bids[0].1, at(2)).err(), Some(Denial::Barred(Hurdle::Paused)), "deleted");
    let wait = board.wait(&bids, Mono(10_000), at(3));
    assert!(matches!(wait, Wait::Over(Wake::Barred(Hurdle::Paused))), "nothing to wait for: {wait:?}");
    assert_eq!(board.waiting(), 0);
}
