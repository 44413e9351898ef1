//! The real window, from outside: started as a user starts it, and driven by pointer and keys through the web view's own
//! driver. What it showed is kept as pictures in `target/window`.
#![cfg(test)]

mod activity;
mod apps;
mod chooser;
mod connections;
mod display;
mod driver;
mod explore;
mod first_run;
mod gateway;
mod imports;
mod keychain;
mod keys;
mod models;
mod page;
mod problems;
mod profiles;
mod running;
mod screens;
mod speed;
mod tray;
mod upkeep;
mod usage;
mod wait;
mod watch;
mod window;

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt as _;

/// Goes a journey, where a window may be opened. Without a graphics card the web view draws by Mesa's software renderer, which
/// crashes now and then (a protection fault in `swrast_dri`, as the kernel notes) and takes the driver's session along. Only then a
/// journey is gone once more, and says so.
async fn journey(name: &str, go: impl AsyncFn()) {
    if !has_a_session(name) {
        return;
    }
    let Err(panic) = AssertUnwindSafe(go()).catch_unwind().await else { return };
    let told = panic.downcast_ref::<String>().map_or("", String::as_str);
    if !told.contains("session id is invalid") || told.contains("panicked") {
        resume_unwind(panic);
    }
    println!("{name}: the web view was lost, so it is gone once more");
    go().await;
}

/// Whether a window may be opened here.
fn has_a_session(name: &str) -> bool {
    let private = std::env::var("PATCHBAY_TEST_SESSION").as_deref() == Ok("private");
    if !private {
        println!("{name} is skipped: it needs the private desktop session that ./test brings.");
    }
    private
}

#[tokio::test(flavor = "multi_thread")]
async fn x4_first_run_to_first_cost() {
    journey("x4_first_run_to_first_cost", first_run::to_first_cost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_apps_limits_hold_and_its_token_changes_without_a_gap() {
    journey(
        "an_apps_limits_hold_and_its_token_changes_without_a_gap",
        apps::limits_hold_and_a_token_changes_without_a_gap,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_a_paused_connection_stays_paused_after_a_passing_test() {
    journey("f5_a_paused_connection_stays_paused_after_a_passing_test", connections::a_pause_stays).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_mended_by_keys_alone() {
    journey("connections_are_mended_by_keys_alone", connections::by_keys_alone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k2_a_key_is_rotated_and_rolled_back() {
    journey("k2_a_key_is_rotated_and_rolled_back", keys::rotated_and_rolled_back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x1_everything_is_backed_up_and_restored() {
    journey("x1_everything_is_backed_up_and_restored", keys::backed_up_and_restored).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k4_a_locked_vault_file_is_opened_for_a_restore() {
    journey("k4_a_locked_vault_file_is_opened_for_a_restore", keys::restored_into_a_locked_vault).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x1_connections_and_names_are_imported_from_files() {
    journey("x1_connections_and_names_are_imported_from_files", imports::from_files_to_working_connections)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m6_a_connection_is_looked_after_until_an_heir_takes_over() {
    journey(
        "m6_a_connection_is_looked_after_until_an_heir_takes_over",
        upkeep::headers_stops_copies_and_deletions,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_models_are_read_searched_and_compared() {
    journey("lists_of_models_are_read_searched_and_compared", models::lists_are_read_searched_and_compared)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c3_a_price_of_ones_own_is_set_by_keys_alone() {
    journey("c3_a_price_of_ones_own_is_set_by_keys_alone", models::a_price_by_keys_alone).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m6_a_provider_of_ones_own_is_called_and_stays_while_in_use() {
    journey("m6_a_provider_of_ones_own_is_called_and_stays_while_in_use", models::a_provider_of_ones_own)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m2_a_profile_is_made_saved_restored_called_and_drilled() {
    journey(
        "m2_a_profile_is_made_saved_restored_called_and_drilled",
        profiles::from_a_recipe_to_a_call_and_a_drill,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_screen_has_two_themes_and_fits_the_smallest_window() {
    journey("every_screen_has_two_themes_and_fits_the_smallest_window", screens::in_both_themes).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x1_a_newer_database_is_shown_and_not_touched() {
    journey("x1_a_newer_database_is_shown_and_not_touched", problems::a_newer_database).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_told_and_another_one_works() {
    journey("a_taken_port_is_told_and_another_one_works", problems::a_port_that_is_taken).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k4_a_locked_keychain_is_told_and_the_rest_works() {
    journey("k4_a_locked_keychain_is_told_and_the_rest_works", problems::a_locked_keychain).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn k1_the_key_is_nowhere_but_the_keychain() {
    journey("k1_the_key_is_nowhere_but_the_keychain", keychain::nowhere_but_there).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn n1_a_budget_stops_is_told_on_the_desktop_and_resumed() {
    journey(
        "n1_a_budget_stops_is_told_on_the_desktop_and_resumed",
        watch::a_budget_stops_is_told_and_resumed,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x2_bots_are_served_behind_a_closed_window_and_others_only_where_it_is_opened() {
    journey(
        "x2_bots_are_served_behind_a_closed_window_and_others_only_where_it_is_opened",
        running::behind_a_closed_window,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_reaches_only_its_backend() {
    journey("the_page_reaches_only_its_backend", page::reaches_only_its_backend).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_activity_from_the_log_to_one_call() {
    journey("c1_activity_from_the_log_to_one_call", activity::from_the_log_to_one_call).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_explore_from_a_number_to_a_saved_view() {
    journey("c5_explore_from_a_number_to_a_saved_view", explore::from_a_number_to_a_saved_view).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_usage_from_a_month_to_a_file() {
    journey("c5_usage_from_a_month_to_a_file", usage::from_a_month_to_a_file).await;
}

/// `bench/window.sh` runs it, on a build as it is released.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "it measures, and judges nothing"]
async fn how_fast_the_window_is() {
    journey("how_fast_the_window_is", speed::of_a_million_attempts).await;
}
