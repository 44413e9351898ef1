//! Routing under fire: random fleets, limits, faults and callers in virtual time. Each run drives plan, admission, queue, breaker
//! and pursuit as the engine does, and a second, naive bookkeeping checks every step of it.
//!
//! `PATCHBAY_SIM_RUNS=100000` runs longer; `PATCHBAY_SIM_SEED=…` replays the one run that a failure names.
#![cfg(test)]

mod book;
mod changes;
mod checks;
mod clock;
mod evidence;
mod recovery;
mod rng;
mod run;
mod scene;
mod tally;

use std::cell::OnceCell;

use crate::run::Run;
use crate::scene::Scene;
use crate::tally::Tally;

/// In a debug build, a few seconds' worth.
const RUNS: u64 = 1_500;

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long to run, and what to replay, is said by whoever starts the tests"
)]
fn no_run_breaks_a_rule() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    if let Some(seed) = number("PATCHBAY_SIM_SEED") {
        simulate(seed).unwrap_or_else(|broken| panic!("{broken}"));
        return;
    }
    let mut all = Tally::default();
    let runs = number("PATCHBAY_SIM_RUNS").unwrap_or(RUNS);
    for seed in 0..runs {
        match simulate(seed) {
            Ok(tally) => all.add(&tally),
            Err(broken) => panic!("{broken}\nreplay it: PATCHBAY_SIM_SEED={seed}"),
        }
    }
    println!("{runs} runs: {all:?}");
    // A simulation in which nothing happens proves nothing.
    for (what, count) in all.everything() {
        assert!(count * 20 > runs, "{what} came too rarely: {count} times in {runs} runs");
    }
}

fn simulate(seed: u64) -> Result<Tally, String> {
    let scene = Scene::new(seed);
    let directories: Vec<_> = (0..=scene.changes.len()).map(|_| OnceCell::new()).collect();
    Run::new(&scene, &directories).play()
}
