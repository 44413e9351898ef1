//! What an archive keeps of an attempt: everything.

use std::io;

use patchbay_core::id::ConnectionId;
use patchbay_core::report::Labels;
use patchbay_core::time::Timestamp;
use rusqlite::Row;

use crate::columns::{Cell, Group, Kind, Reader};
use crate::error::StoreError;
use crate::rollup::{OfSignal, Tally};
use crate::usage::{self, LogRow, Start};

/// An attempt out of an archive.
#[derive(Clone, Debug, PartialEq)]
pub struct Archived {
    /// As the log shows it.
    pub row: LogRow,
    /// Whether it was its signal's first.
    pub begins_signal: bool,
    /// The connection's row at the time.
    pub connection_id: i64,
}

/// Columns of the file, in their order.
pub(super) const COLUMNS: [(&str, Kind); 35] = [
    ("id", Kind::Number),
    ("at", Kind::Moment),
    ("call", Kind::Text),
    ("attempt", Kind::Number),
    ("final", Kind::Flag),
    ("connection_id", Kind::Number),
    ("connection_key", Kind::Text),
    ("connection_name", Kind::Text),
    ("provider", Kind::Text),
    ("model", Kind::Text),
    ("app", Kind::Text),
    ("feature", Kind::Text),
    ("profile", Kind::Text),
    ("profile_version", Kind::Number),
    ("usage_type", Kind::Text),
    ("outcome", Kind::Text),
    ("signal", Kind::Text),
    ("begins_signal", Kind::Flag),
    ("requested_model", Kind::Text),
    ("credential_version", Kind::Number),
    ("input_tokens", Kind::Number),
    ("output_tokens", Kind::Number),
    ("cached_tokens", Kind::Number),
    ("cache_write_tokens", Kind::Number),
    ("reasoning_tokens", Kind::Number),
    ("cost_nano_usd", Kind::Number),
    ("cost_source", Kind::Text),
    ("total_ms", Kind::Number),
    ("first_token_ms", Kind::Number),
    ("status", Kind::Number),
    ("error_class", Kind::Text),
    ("message", Kind::Text),
    ("finish_reason", Kind::Text),
    ("streamed", Kind::Flag),
    ("upstream_id", Kind::Text),
];
/// The last column, apart because it is told as JSON.
pub(super) const DETOURS: (&str, Kind) = ("detours", Kind::Text);
/// Columns in which single values are looked for.
pub(super) const LOOKED_UP: [&str; 2] = ["call", "signal"];

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn maybe(text: Option<&String>) -> Cell {
    text.map_or(Cell::None, |text| Cell::Text(text.clone()))
}

fn number(number: Option<impl TryInto<i64>>) -> Cell {
    number.map_or(Cell::None, |number| Cell::Number(number.try_into().unwrap_or(i64::MAX)))
}

impl Archived {
    /// Out of the ledger.
    pub(super) fn from_ledger(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: usage::log_row(row)?,
            begins_signal: row.get("begins_signal")?,
            connection_id: row.get("connection_id")?,
        })
    }

    /// Where it stands among others.
    pub(super) fn place(&self) -> (Timestamp, i64) {
        (self.row.at, self.row.id)
    }

    pub(super) fn cells(&self) -> [Cell; 36] {
        let row = &self.row;
        [
            Cell::Number(row.id),
            Cell::Number(row.at.0),
            Cell::Text(row.call.to_string()),
            number(Some(row.attempt)),
            Cell::Flag(row.is_final),
            Cell::Number(self.connection_id),
            text(&row.connection),
            text(&row.connection_name),
            text(&row.provider),
            text(&row.model),
            text(&row.app),
            text(&row.feature),
            text(&row.profile),
            number(row.profile_version),
            text(&row.usage_type),
            text(&row.outcome),
            maybe(row.signal.as_ref()),
            Cell::Flag(self.begins_signal),
            text(&row.requested_model),
            number(row.credential_version),
            number(row.input_tokens),
            number(row.output_tokens),
            number(row.cached_tokens),
            number(row.cache_write_tokens),
            number(row.reasoning_tokens),
            number(row.cost_nano_usd),
            text(&row.cost_source),
            number(Some(row.total_ms)),
            number(row.first_token_ms),
            number(row.status),
            maybe(row.error_class.as_ref()),
            maybe(row.message.as_ref()),
            maybe(row.finish_reason.as_ref()),
            Cell::Flag(row.streamed),
            maybe(row.upstream_id.as_ref()),
            row.detours
                .as_ref()
                .map_or(Cell::None, |detours| serde_json::to_string(detours).map_or(Cell::None, Cell::Text)),
        ]
    }

    /// Its combination of labels.
    pub(crate) fn series(&self) -> (Labels, i64, bool) {
        let row = &self.row;
        let labels = Labels {
            connection: row.connection.clone(),
            connection_name: row.connection_name.clone(),
            provider: row.provider.clone(),
            model: row.model.clone(),
            feature: row.feature.clone(),
            app: row.app.clone(),
            profile: row.profile.clone(),
            usage_type: row.usage_type.clone(),
            outcome: row.outcome.clone(),
            error: row.error_class.clone().unwrap_or_default(),
            route: if row.attempt > 1 { "failover" } else { "direct" }.to_owned(),
        };
        (labels, self.connection_id, self.row.is_sample)
    }

    /// What it counts against limits; `None` of sample data, and where nothing was sent.
    pub(super) fn start(&self) -> Option<Start> {
        let row = &self.row;
        let nothing_sent = row.status.is_none() && row.cost_nano_usd == Some(0);
        (!row.is_sample && !nothing_sent).then(|| Start {
            connection: ConnectionId(self.connection_id),
            app: row.app.clone(),
            profile: row.profile.clone(),
            is_final: row.is_final,
            at: row.at,
            tokens: row.input_tokens.unwrap_or(0) + row.output_tokens.unwrap_or(0),
        })
    }

    /// What its bucket counts of it.
    pub(crate) fn counted(&self) -> Tally {
        let row = &self.row;
        let beside_after_ms = row.detours.as_ref().and_then(|detours| detours.beside_after_ms);
        Tally {
            is_final: row.is_final,
            saved: row.is_final && Tally::saves(&row.outcome, row.attempt, beside_after_ms),
            input: row.input_tokens,
            output: row.output_tokens,
            cached: row.cached_tokens,
            cache_write: row.cache_write_tokens,
            reasoning: row.reasoning_tokens,
            cost: row.cost_nano_usd,
            signal: OfSignal::new(row.signal.as_deref(), self.begins_signal),
            total_ms: row.total_ms,
            first_token_ms: row.first_token_ms,
        }
    }
}

/// Where each column stands in a file.
pub(super) struct Places {
    columns: [usize; 36],
    sample: bool,
}

impl Places {
    pub(super) fn of(file: &Reader, sample: bool) -> io::Result<Self> {
        let mut columns = [0; 36];
        for (place, (name, _)) in columns.iter_mut().zip(COLUMNS.iter().chain([&DETOURS])) {
            *place = file.column(name)?;
        }
        Ok(Self { columns, sample })
    }

    pub(super) fn at(&self, name: &str) -> usize {
        let index = COLUMNS.iter().position(|(known, _)| *known == name);
        index.map_or(usize::MAX, |index| self.columns[index])
    }

    /// The row of that number in a group.
    pub(super) fn read(&self, group: &Group, row: usize) -> Result<Archived, StoreError> {
        let mut places = self.columns.into_iter();
        let mut next = || places.next().unwrap_or(usize::MAX);
        let cells = Cells { group, row };
        let (id, at, call) = (cells.number(next()), cells.number(next()), cells.text(next()));
        let attempt = cells.count(next());
        let is_final = cells.flag(next());
        let connection_id = cells.number(next());
        let [connection, connection_name, provider, model, app, feature, profile] =
            std::array::from_fn(|_| cells.text(next()));
        let profile_version = cells.maybe(next());
        let [usage_type, outcome] = std::array::from_fn(|_| cells.text(next()));
        let (signal, begins_signal) = (cells.maybe_text(next()), cells.flag(next()));
        let (requested_model, credential_version) = (cells.text(next()), cells.maybe(next()));
        let [input_tokens, output_tokens, cached_tokens, cache_write_tokens, reasoning_tokens] =
            std::array::from_fn(|_| cells.maybe(next()));
        let (cost_nano_usd, cost_source) = (group.number(next(), row), cells.text(next()));
        let (total_ms, first_token_ms, status) =
            (cells.count(next()), cells.maybe(next()), cells.maybe(next()));
        let [error_class, message, finish_reason] = std::array::from_fn(|_| cells.maybe_text(next()));
        let (streamed, upstream_id) = (cells.flag(next()), cells.maybe_text(next()));
        let detours = cells.maybe_text(next()).and_then(|detours| serde_json::from_str(&detours).ok());
        let call = call.parse().map_err(|_| StoreError::Sqlite("an archived call has no id".to_owned()))?;
        let row = LogRow {
            id,
            call,
            attempt,
            at: Timestamp(at),
            is_final,
            is_sample: self.sample,
            app,
            feature,
            signal,
            profile,
            profile_version,
            connection,
            connection_name,
            provider,
            requested_model,
            model,
            usage_type,
            outcome,
            error_class,
            status,
            input_tokens,
            output_tokens,
            cached_tokens,
            cache_write_tokens,
            reasoning_tokens,
            cost_nano_usd,
            cost_source,
            total_ms,
            first_token_ms,
            streamed,
            finish_reason,
            message,
            credential_version,
            upstream_id,
            detours,
        };
        Ok(Archived { row, begins_signal, connection_id })
    }
}

/// One row of a group.
struct Cells<'a> {
    group: &'a Group,
    row: usize,
}

impl Cells<'_> {
    fn number(&self, column: usize) -> i64 {
        self.group.number(column, self.row).unwrap_or(0)
    }

    fn count<T: TryFrom<i64> + Default>(&self, column: usize) -> T {
        self.maybe(column).unwrap_or_default()
    }

    fn maybe<T: TryFrom<i64>>(&self, column: usize) -> Option<T> {
        self.group.number(column, self.row).and_then(|number| number.try_into().ok())
    }

    fn text(&self, column: usize) -> String {
        self.maybe_text(column).unwrap_or_default()
    }

    fn maybe_text(&self, column: usize) -> Option<String> {
        self.group.text(column, self.row).map(str::to_owned)
    }

    fn flag(&self, column: usize) -> bool {
        self.group.flag(column, self.row).unwrap_or(false)
    }
}
