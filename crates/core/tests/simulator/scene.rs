//! What a run consists of, made from its seed.

use std::collections::BTreeMap;

use patchbay_core::admission::{Allowed, Estimate, Rate, Subject};
use patchbay_core::budget::{Budget, LEVELS, Measure, OnLimit, Period, Scope};
use patchbay_core::catalog::{Protocol, Quirks};
use patchbay_core::code::Code;
use patchbay_core::connection::{Connection, ConnectionStatus, CredentialRef, Limits, Timeouts};
use patchbay_core::id::{AppId, BudgetId, ConnectionId, ProfileId};
use patchbay_core::money::NanoUsd;
use patchbay_core::profile::{Conduct, Profile, Step, Target, WhenFull};
use patchbay_core::provider::ProviderFacts;
use patchbay_core::route::Fleet;
use patchbay_core::time::Timestamp;

use crate::rng::Rng;

pub const MODELS: [&str; 3] = ["large", "middle", "small"];
const PROVIDERS: [&str; 2] = ["ollama", "lm-studio"];
const FEATURES: [&str; 3] = ["", "signal_parsing", "news"];
const ZONES: [&str; 5] =
    ["America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"];

/// What a connection's server does from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    Answers,
    Fails(Code),
    Limits(Option<u64>),
}

/// What becomes of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Stays,
    /// It hangs up after so many milliseconds.
    Leaves(u64),
    /// Its task ends without any clean-up in the middle of its first attempt.
    Vanishes,
}

#[derive(Clone, Debug)]
pub struct CallSpec {
    pub at: u64,
    pub target: String,
    pub app: Option<AppId>,
    pub feature: &'static str,
    pub estimate: Estimate,
    pub patience_ms: u64,
    pub when_full: WhenFull,
    pub fate: Fate,
    pub is_bad: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Pause(usize),
    Enable(usize),
    NewKey(usize),
    Restart,
    SetClock(i64),
}

#[derive(Debug)]
pub struct Scene {
    pub seed: u64,
    pub zone: &'static str,
    pub starts_at: Timestamp,
    pub fleet: Fleet,
    pub faults: Vec<Vec<(u64, Behaviour)>>,
    pub calls: Vec<CallSpec>,
    pub changes: Vec<(u64, Change)>,
    pub slowest_ms: u64,
}

impl Scene {
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let span = rng.pick(&[20_000, 300_000, 300_000, 30 * 3_600_000]);
        let fleet = fleet(&mut rng);
        let connections = fleet.connections.len();
        let faults = (0..connections).map(|_| faults(&mut rng, span)).collect();
        let count = rng.between(5, 60);
        let mut calls: Vec<_> = (0..count).map(|_| call(&mut rng, span, &fleet)).collect();
        calls.sort_by_key(|call| call.at);
        let mut changes: Vec<_> =
            (0..rng.below(6)).map(|_| (rng.below(span), change(&mut rng, connections, span))).collect();
        changes.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            zone: rng.pick(&ZONES),
            // A moment in 2026, so that days with 23 and 25 hours are among them.
            starts_at: Timestamp(
                1_767_225_600_000 + i64::try_from(rng.below(365 * 86_400_000)).expect("small"),
            ),
            fleet,
            faults,
            calls,
            changes,
            slowest_ms: rng.pick(&[50, 3_000, 20_000]),
        }
    }

    pub fn behaviour(&self, connection: usize, at: u64) -> Behaviour {
        let phases = &self.faults[connection];
        phases.iter().rev().find(|(from, _)| *from <= at).map_or(Behaviour::Answers, |(_, what)| *what)
    }
}

fn fleet(rng: &mut Rng) -> Fleet {
    let count = i64::try_from(rng.between(1, 5)).expect("small");
    let mut connections: Vec<_> = (1..=count).map(|id| connection(rng, id)).collect();
    for slug in PROVIDERS {
        let most = rng.limit(15, 6);
        let members = connections.iter_mut().filter(|connection| connection.provider == slug);
        members.for_each(|connection| connection.facts.max_concurrent_requests = most);
    }
    let apps = (1..=2).map(|id| (AppId(id), app_limits(rng))).collect();
    let profiles = vec![profile(rng, count)];
    let budgets = (1..=rng.below(3)).map(|id| budget(rng, i64::try_from(id).expect("small"))).collect();
    Fleet { connections, profiles, apps, budgets, ..Fleet::default() }
}

fn connection(rng: &mut Rng, id: i64) -> Connection {
    let rate = rng.limit(30, 6);
    Connection {
        id: ConnectionId(id),
        key: format!("c{id}"),
        name: format!("c{id}"),
        provider: rng.pick(&PROVIDERS).into(),
        provider_name: "any".into(),
        status: ConnectionStatus::Active,
        priority: u32::try_from(rng.between(1, 2)).expect("small"),
        is_default: rng.chance(20),
        tested: true,
        cleared_at: None,
        own_base_url: None,
        base_url: "http://127.0.0.1:1/v1".into(),
        default_model: Some(MODELS[0].into()),
        organization: None,
        project: None,
        proxy: None,
        headers: BTreeMap::new(),
        private: patchbay_core::private::Private::default(),
        limits: Limits {
            rate_limit_requests: rate,
            rate_limit_period_s: rate.map(|_| rng.pick(&[1, 10, 3_600])),
            rate_limit_per_minute: rng.limit(25, 12),
            rate_limit_per_day: rng.limit(15, 20),
            tokens_per_minute: rng.chance(20).then(|| rng.pick(&[500, 3_000])),
            max_concurrent_requests: rng.limit(40, 4),
        },
        max_retries: u32::try_from(rng.below(3)).expect("small"),
        timeouts: Timeouts::default(),
        streaming: true,
        credential: Some(CredentialRef { version: 1, tail: String::new(), created_at: Timestamp(0) }),
        models: MODELS[..usize::try_from(rng.between(1, 3)).expect("small")]
            .iter()
            .map(|&m| m.into())
            .collect(),
        protocol: Protocol::Openai,
        also: Vec::new(),
        quirks: Quirks::default(),
        facts: ProviderFacts::default(),
    }
}

fn app_limits(rng: &mut Rng) -> Allowed {
    Allowed {
        concurrent: rng.limit(20, 4),
        rates: [None, rng.limit(20, 20).map(Rate::per_minute)],
        ..Allowed::default()
    }
}

fn profile(rng: &mut Rng, connections: i64) -> Profile {
    let target = |rng: &mut Rng| Target {
        step: if rng.chance(70) {
            Step::Connection(ConnectionId(
                1 + i64::try_from(rng.below(connections.unsigned_abs())).expect("small"),
            ))
        } else {
            Step::Provider(rng.pick(&PROVIDERS).into())
        },
        model: rng.pick(&MODELS).into(),
    };
    let targets = (0..rng.between(1, 4)).map(|_| target(rng)).collect();
    let limits = Limits {
        max_concurrent_requests: rng.limit(15, 5),
        rate_limit_per_minute: rng.limit(15, 15),
        ..Limits::default()
    };
    Profile {
        conduct: Conduct { limits, ..Conduct::default() },
        ..Profile::chain(ProfileId(1), "signals", 1, targets)
    }
}

fn budget(rng: &mut Rng, id: i64) -> Budget {
    let measure = rng.pick(&[Measure::Money, Measure::Requests, Measure::Tokens]);
    let scope = match rng.below(6) {
        0 => Scope::All,
        1 => Scope::Of(Subject::Provider(PROVIDERS[0].into())),
        2 => Scope::Of(Subject::Connection(ConnectionId(1))),
        3 => Scope::Of(Subject::Profile(ProfileId(1))),
        4 => Scope::Of(Subject::App(AppId(1))),
        _ => Scope::Feature(FEATURES[1].into()),
    };
    Budget {
        id: BudgetId(id),
        scope,
        period: rng.pick(&[Period::Day, Period::Month]),
        measure,
        cap: match measure {
            Measure::Money => rng.between(1, 400),
            Measure::Requests => rng.between(0, 30),
            Measure::Tokens => rng.between(1, 8_000),
        },
        extra: None,
        degrade_to: None,
        on_limit: if rng.chance(75) { OnLimit::Stop } else { OnLimit::Warn },
        levels: LEVELS.to_vec(),
    }
}

fn faults(rng: &mut Rng, span: u64) -> Vec<(u64, Behaviour)> {
    let mut phases: Vec<_> = (0..rng.below(6)).map(|_| (rng.below(span), behaviour(rng))).collect();
    phases.sort_by_key(|(from, _)| *from);
    phases
}

fn behaviour(rng: &mut Rng) -> Behaviour {
    match rng.below(12) {
        0..=3 => Behaviour::Answers,
        4 => Behaviour::Limits(None),
        5 => Behaviour::Limits(Some(rng.between(1, 120_000))),
        6 => Behaviour::Fails(Code::KeyRefused),
        7 => Behaviour::Fails(Code::ModelNotFound),
        8 => Behaviour::Fails(Code::MalformedAnswer),
        _ => Behaviour::Fails(rng.pick(&[Code::TimedOut, Code::UpstreamFailed, Code::NetworkFailed])),
    }
}

fn call(rng: &mut Rng, span: u64, fleet: &Fleet) -> CallSpec {
    // Bots call in bursts: most calls share a few moments.
    let at = if rng.chance(70) { span / 8 * rng.below(8) + rng.below(200) } else { rng.below(span) };
    let key = usize::try_from(rng.below(fleet.connections.len() as u64)).expect("small");
    let model = rng.pick(&MODELS);
    let target = match rng.below(10) {
        0..=3 => "signals".to_owned(),
        4..=6 => model.to_owned(),
        7 => format!("{}/{model}", rng.pick(&PROVIDERS)),
        8 => fleet.connections[key].key.clone(),
        _ => format!("{}/{model}", fleet.connections[key].key),
    };
    CallSpec {
        at,
        target,
        app: rng.chance(70).then(|| AppId(1 + i64::try_from(rng.below(2)).expect("small"))),
        feature: rng.pick(&FEATURES),
        estimate: Estimate {
            tokens: rng.between(1, 900),
            cost: NanoUsd(i64::try_from(rng.between(0, 30)).expect("small")),
        },
        patience_ms: rng.pick(&[500, 30_000, 120_000]),
        when_full: match rng.below(4) {
            0 => WhenFull::Fail,
            1 => WhenFull::Wait { wait_ms: rng.pick(&[100, 5_000]) },
            _ => WhenFull::default(),
        },
        fate: match rng.below(20) {
            0 => Fate::Leaves(rng.below(8_000)),
            1 => Fate::Vanishes,
            _ => Fate::Stays,
        },
        is_bad: rng.chance(5),
    }
}

fn change(rng: &mut Rng, connections: usize, span: u64) -> Change {
    let which = usize::try_from(rng.below(connections as u64)).expect("small");
    match rng.below(8) {
        0 | 1 => Change::Pause(which),
        2 | 3 => Change::Enable(which),
        4 => Change::NewKey(which),
        5 if span < 3_600_000 => Change::SetClock(rng.pick(&[-86_400_000, -3_600_000, 3_600_000])),
        _ => Change::Restart,
    }
}
