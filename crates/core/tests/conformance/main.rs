#![cfg(test)]
//! What holds for every dialect. One suite of exchanges, recorded and written by hand, goes through all of them; on top come
//! random conversations between each pair, hostile answers and noise.

mod claim;
mod costs;
mod dialects;
mod embeddings;
mod errors;
mod exchange;
mod expect;
mod fuzz;
mod hostile;

mod lists;
mod meaning;
mod pass_through;
mod prices;
mod property;
mod random;
mod reading;
mod suite;
mod table;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use exchange::{Exchange, listed, recorded, written};
use table::Table;

#[test]
fn every_recorded_exchange_goes_through() {
    let Some(exchanges) = recorded() else { return };
    let mut names: Vec<&str> = exchanges.iter().map(|exchange| exchange.name.as_str()).collect();
    let mut listed = listed();
    names.sort_unstable();
    listed.sort();
    assert_eq!(names, listed, "the folder's list names each exchange once");
    let table = go_through(&exchanges);
    assert_eq!(table.count(), listed.len());
    told(&table);
}

#[test]
fn every_exchange_written_by_hand_goes_through() {
    told(&go_through(&written()));
}

/// The page that tells readers what is covered tells it as it is.
#[expect(clippy::disallowed_methods, reason = "the core reads no files; its tests do")]
fn told(table: &Table) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let page = std::fs::read_to_string(page).expect("a page");
    assert!(page.contains(&table.to_string()), "docs/conformance.md is stale; it has to say:\n{table}");
}

/// Checks all of them before it fails, so that one change shows all that it breaks.
fn go_through(exchanges: &[Exchange]) -> Table {
    let check = |exchange| catch_unwind(AssertUnwindSafe(|| suite::check(exchange)));
    let (passed, failed): (Vec<_>, Vec<_>) =
        exchanges.iter().map(|exchange| (exchange, check(exchange))).partition(|(_, line)| line.is_ok());
    let table: Table = passed.into_iter().filter_map(|(_, line)| line.ok()).collect();
    println!("{table}");
    let failed: Vec<&str> = failed.iter().map(|(exchange, _)| exchange.name.as_str()).collect();
    assert_eq!(failed, Vec::<&str>::new());
    table
}

#[test]
fn c2_reported_costs_are_what_the_prices_come_to() {
    let Some(exchanges) = recorded() else { return };
    costs::compare(&exchanges);
}
