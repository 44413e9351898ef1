//! The columns of exported attempts: one list for every format.

use jiff::tz::TimeZone;
use patchbay_core::money::NanoUsd;
use patchbay_core::time::Timestamp;
use patchbay_store::usage::LogRow;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ColumnKind {
    Text,
    Number,
    Flag,
    /// Milliseconds since 1970; text where a format has no times.
    Moment,
    /// Nano-dollars; decimal dollars as text where a format has no decimals.
    Dollars,
}

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Text(String),
    Number(i64),
    Flag(bool),
    Moment(Timestamp),
    Dollars(NanoUsd),
}

/// A column: its name, what it holds, and where it comes from.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: ColumnKind,
    pub(super) value: fn(&LogRow, &TimeZone) -> Value,
}

fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

fn maybe(value: Option<&String>) -> Value {
    value.map_or(Value::None, |value| text(value))
}

fn count(value: Option<u64>) -> Value {
    value.map_or(Value::None, |value| Value::Number(i64::try_from(value).unwrap_or(i64::MAX)))
}

const fn column(name: &'static str, kind: ColumnKind, value: fn(&LogRow, &TimeZone) -> Value) -> Column {
    Column { name, kind, value }
}

/// All of them, in their order. What models said and were asked is not among them; neither are messages of providers, which
/// may repeat it.
pub(super) const COLUMNS: [Column; 32] = [
    column("at_utc", ColumnKind::Moment, |row, _| Value::Moment(row.at)),
    column("at_local", ColumnKind::Text, |row, zone| Value::Text(row.at.to_local(zone))),
    column("call", ColumnKind::Text, |row, _| Value::Text(row.call.to_string())),
    column("attempt", ColumnKind::Number, |row, _| Value::Number(i64::from(row.attempt))),
    column("final", ColumnKind::Flag, |row, _| Value::Flag(row.is_final)),
    column("app", ColumnKind::Text, |row, _| text(&row.app)),
    column("feature", ColumnKind::Text, |row, _| text(&row.feature)),
    column("signal", ColumnKind::Text, |row, _| maybe(row.signal.as_ref())),
    column("profile", ColumnKind::Text, |row, _| text(&row.profile)),
    column("connection", ColumnKind::Text, |row, _| text(&row.connection)),
    column("connection_name", ColumnKind::Text, |row, _| text(&row.connection_name)),
    column("provider", ColumnKind::Text, |row, _| text(&row.provider)),
    column("requested_model", ColumnKind::Text, |row, _| text(&row.requested_model)),
    column("model", ColumnKind::Text, |row, _| text(&row.model)),
    column("outcome", ColumnKind::Text, |row, _| text(&row.outcome)),
    column("error_class", ColumnKind::Text, |row, _| maybe(row.error_class.as_ref())),
    column("status", ColumnKind::Number, |row, _| count(row.status.map(u64::from))),
    column("input_tokens", ColumnKind::Number, |row, _| count(row.input_tokens)),
    column("output_tokens", ColumnKind::Number, |row, _| count(row.output_tokens)),
    column("cached_tokens", ColumnKind::Number, |row, _| count(row.cached_tokens)),
    column("cache_write_tokens", ColumnKind::Number, |row, _| count(row.cache_write_tokens)),
    column("reasoning_tokens", ColumnKind::Number, |row, _| count(row.reasoning_tokens)),
    column("cost_nano_usd", ColumnKind::Number, |row, _| {
        row.cost_nano_usd.map_or(Value::None, Value::Number)
    }),
    column("cost_usd", ColumnKind::Dollars, |row, _| {
        row.cost_nano_usd.map_or(Value::None, |nano| Value::Dollars(NanoUsd(nano)))
    }),
    column("cost_source", ColumnKind::Text, |row, _| text(&row.cost_source)),
    column("total_ms", ColumnKind::Number, |row, _| count(Some(row.total_ms))),
    column("first_token_ms", ColumnKind::Number, |row, _| count(row.first_token_ms)),
    column("streamed", ColumnKind::Flag, |row, _| Value::Flag(row.streamed)),
    column("finish_reason", ColumnKind::Text, |row, _| maybe(row.finish_reason.as_ref())),
    column("usage_type", ColumnKind::Text, |row, _| text(&row.usage_type)),
    column("profile_version", ColumnKind::Number, |row, _| count(row.profile_version.map(u64::from))),
    column("credential_version", ColumnKind::Number, |row, _| count(row.credential_version.map(u64::from))),
];
