//! A row of the ledger holds everything that is known of an attempt.

use patchbay_core::code::Code;
use patchbay_core::id::ConnectionId;
use patchbay_core::ledger::{Detours, Outcome, Skipped, UsageRow, UsageType};
use patchbay_core::money::NanoUsd;
use patchbay_core::usage::{Cost, CostSource, TokenUsage};
use patchbay_store::usage::{self, LogRow};

use crate::common::{NOW, answered, append, store};

/// No field has its usual value.
fn full() -> UsageRow {
    let mut row = UsageRow {
        attempt: 3,
        signal: Some("eurusd-17".to_owned()),
        profile_version: Some(4),
        requested_model: "fast".to_owned(),
        credential_version: Some(2),
        usage: TokenUsage {
            input: Some(11),
            output: Some(12),
            cached: Some(5),
            cache_write: Some(3),
            reasoning: Some(7),
            reported_cost: Some(NanoUsd(987)),
        },
        cost: Cost { amount: Some(NanoUsd(987)), source: CostSource::Reported },
        total_ms: 1_234,
        first_token_ms: Some(321),
        status: Some(206),
        error: Some(Code::StreamCut),
        message: Some("the stream ended".to_owned()),
        finish_reason: Some("length".to_owned()),
        streamed: true,
        upstream_id: Some("req_1".to_owned()),
        detours: Some(detours()),
        ..answered(9, ConnectionId(7))
    };
    row.series.profile = "fast".to_owned();
    row.series.usage_type = UsageType::Test;
    row.series.outcome = Outcome::Cut;
    row
}

fn as_logged(row: &UsageRow, id: i64) -> LogRow {
    LogRow {
        id,
        call: row.call,
        attempt: 3,
        at: NOW,
        is_final: true,
        is_sample: false,
        app: "mt5-signal-bot".to_owned(),
        feature: "signal_parsing".to_owned(),
        signal: Some("eurusd-17".to_owned()),
        profile: "fast".to_owned(),
        profile_version: Some(4),
        connection: "openai_primary".to_owned(),
        connection_name: "OpenAI primary".to_owned(),
        provider: "openai".to_owned(),
        requested_model: "fast".to_owned(),
        model: "gpt-5-mini".to_owned(),
        usage_type: "test".to_owned(),
        outcome: "cut".to_owned(),
        error_class: Some("stream_cut".to_owned()),
        status: Some(206),
        input_tokens: Some(11),
        output_tokens: Some(12),
        cached_tokens: Some(5),
        cache_write_tokens: Some(3),
        reasoning_tokens: Some(7),
        cost_nano_usd: Some(987),
        cost_source: "reported".to_owned(),
        total_ms: 1_234,
        first_token_ms: Some(321),
        streamed: true,
        finish_reason: Some("length".to_owned()),
        message: Some("the stream ended".to_owned()),
        credential_version: Some(2),
        upstream_id: Some("req_1".to_owned()),
        detours: Some(detours()),
    }
}

fn detours() -> Detours {
    let skipped = Skipped { connection: "Main".to_owned(), reason: "switched off".to_owned() };
    Detours {
        waited_ms: 12,
        held_ms: 3,
        beside_after_ms: Some(40),
        skipped: vec![skipped.clone()],
        in_vain: vec![skipped],
    }
}

#[test]
fn c1_a_row_keeps_every_field() {
    let (_folder, store) = store();
    let row = full();
    append(&store, [row.clone()]);
    let found = store.read(|db| usage::of_call(db, row.call, None)).expect("read");
    assert_eq!(found, [as_logged(&row, found[0].id)]);
}

#[test]
fn c1_the_row_names_credential_profile_version_and_type() {
    let (_folder, store) = store();
    append(&store, [full()]);
    let sql = "SELECT profile_version, credential_version, upstream_id, connection_id, usage_type, sample
               FROM usage JOIN series ON series.id = series_id";
    let found: (u32, u32, String, i64, String, bool) =
        store.read(|db| Ok(db.query_row(sql, [], |row| row.try_into())?)).expect("read");
    assert_eq!(found, (4, 2, "req_1".to_owned(), 7, "test".to_owned(), false));
}

#[test]
fn c1_what_is_not_known_stays_unknown() {
    let (_folder, store) = store();
    let bare = UsageRow {
        usage: TokenUsage::default(),
        cost: Cost::UNKNOWN,
        status: None,
        finish_reason: None,
        credential_version: None,
        ..answered(1, ConnectionId(7))
    };
    let call = bare.call;
    append(&store, [bare]);
    let found = store.read(|db| usage::of_call(db, call, None)).expect("read").remove(0);
    assert_eq!((found.input_tokens, found.output_tokens, found.cost_nano_usd), (None, None, None));
    assert_eq!((found.status, found.first_token_ms, found.finish_reason), (None, None, None));
    assert_eq!(found.cost_source, "unknown");
}
