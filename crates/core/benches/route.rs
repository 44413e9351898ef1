//! What routing adds to a call, and how often it asks for memory: `cargo bench -p patchbay-core --bench route`.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use jiff::tz::TimeZone;
use patchbay_core::admission::{Allowed, Estimate, Rate, Spent};
use patchbay_core::budget::{Budget, LEVELS, Measure, OnLimit, Period, Scope};
use patchbay_core::catalog::{Protocol, Quirks};
use patchbay_core::connection::{Connection, ConnectionStatus, Limits, Timeouts};
use patchbay_core::id::{AppId, BudgetId, ConnectionId};
use patchbay_core::money::NanoUsd;
use patchbay_core::provider::ProviderFacts;
use patchbay_core::route::{Directory, Fleet, Needs, plan};
use patchbay_core::standing::{Signal, Verdict};
use patchbay_core::switchboard::{Bid, Caller, Ending, Switchboard};
use patchbay_core::time::{Mono, Now, Timestamp};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

fn connection(id: i64) -> Connection {
    Connection {
        id: ConnectionId(id),
        key: format!("connection-{id}"),
        name: format!("Connection {id}"),
        provider: "ollama".into(),
        provider_name: "Ollama".into(),
        status: ConnectionStatus::Active,
        priority: 1,
        is_default: false,
        tested: true,
        cleared_at: None,
        own_base_url: None,
        base_url: "http://127.0.0.1:1/v1".into(),
        default_model: Some("gpt-5-mini".into()),
        organization: None,
        project: None,
        proxy: None,
        headers: std::collections::BTreeMap::new(),
        private: patchbay_core::private::Private::default(),
        limits: Limits {
            rate_limit_per_minute: Some(100_000),
            rate_limit_per_day: Some(u32::MAX),
            tokens_per_minute: Some(u32::MAX),
            max_concurrent_requests: Some(100),
            ..Limits::default()
        },
        max_retries: 1,
        timeouts: Timeouts::default(),
        streaming: true,
        credential: None,
        models: (0..20).map(|n| format!("model-{n}")).collect(),
        protocol: Protocol::Openai,
        also: Vec::new(),
        quirks: Quirks::default(),
        facts: ProviderFacts::default(),
    }
}

fn fleet(connections: i64) -> Fleet {
    let budget = |id, scope, measure| Budget {
        id: BudgetId(id),
        scope,
        period: Period::Day,
        measure,
        cap: u64::MAX,
        extra: None,
        degrade_to: None,
        on_limit: OnLimit::Stop,
        levels: LEVELS.to_vec(),
    };
    let app = Allowed { rates: [None, Some(Rate::per_minute(100_000))], ..Allowed::default() };
    Fleet {
        connections: (1..=connections).map(connection).collect(),
        apps: vec![(AppId(1), app)],
        budgets: vec![
            budget(1, Scope::All, Measure::Money),
            budget(2, Scope::Feature("signal_parsing".into()), Measure::Tokens),
        ],
        ..Fleet::default()
    }
}

/// One call from its plan to its end. Time goes on by a millisecond a call, so that windows fill and empty.
fn call(directory: &Directory, board: &mut Switchboard, count: u64) {
    let now =
        Now { mono: Mono(count), wall: Timestamp(1_790_000_000_000 + i64::try_from(count).unwrap_or(0)) };
    let plan = plan(directory, black_box("gpt-5-mini"), &Needs::default(), board, now);
    let estimate = Estimate { tokens: 2_000, cost: NanoUsd(1_000_000) };
    let app = directory.app_seat(AppId(1));
    let caller = Caller { app, feature: "signal_parsing", estimate, ..Caller::default() };
    let Ok(mut reservation) = board.admit(&Bid::new(&plan.candidates[0], &caller), now) else { return };
    reservation.mark_sent();
    let spent = Spent { tokens: Some(1_500), cost: Some(NanoUsd(700_000)) };
    let ending = Ending { model: "gpt-5-mini", spent, verdict: Verdict::Answered, signal: Signal::default() };
    board.settle(reservation, &ending, now);
}

#[expect(clippy::print_stdout, reason = "a bench says what it measured")]
fn route(c: &mut Criterion) {
    let mut group = c.benchmark_group("plan, admit and settle");
    for connections in [10, 100, 1_000] {
        let mut board = Switchboard::new(TimeZone::UTC);
        let directory = board.configure(fleet(connections));
        let mut count = 0;
        let mut once = || {
            count += 1;
            call(&directory, &mut board, count);
        };
        // Tables grow at first.
        (0..200_000).for_each(|_| once());
        let region = Region::new(ALLOCATOR);
        (0..1_000).for_each(|_| once());
        let asked = region.change();
        println!(
            "{connections} connections: {} allocations in 1,000 calls",
            asked.allocations + asked.reallocations
        );
        group.bench_function(BenchmarkId::from_parameter(connections), |b| b.iter(&mut once));
    }
    group.finish();
}

criterion_group!(benches, route);
criterion_main!(benches);
