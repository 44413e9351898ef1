//! An Excel workbook: what was asked for, groups, days, and every attempt. Text is written as text, so no cell is a formula.

use std::fs::File;
use std::io;
use std::sync::LazyLock;

use jiff::tz::TimeZone;
use patchbay_core::report::{Filter, GroupBy, Relation, Totals};
use patchbay_core::time::{Range, Timestamp, month_range};
use patchbay_store::usage::LogRow;
use patchbay_store::{Db, StoreError, rollup};
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::columns::{COLUMNS, Value};
use super::groups::{FIGURES, figures};
use super::{Selection, each_row, unwritable};
use crate::error::Error;

/// Rows of a sheet below its heading: what Excel can open.
const SHEET: u32 = 1_048_575;
/// All sheets are of one moment, so they agree (C5).
pub(super) fn write(db: &Db, selection: &Selection, file: &mut File) -> Result<u32, Error> {
    let mut book = Workbook::new();
    let db = db.unchecked_transaction().map_err(StoreError::from)?;
    let Selection { filter, by, zone } = selection;
    let (totals, groups) = (rollup::totals(&db, filter)?, lines(&db, filter, *by, zone)?);
    let days = days(&db, filter, zone)?;
    let sheets = || -> Result<(), XlsxError> {
        summary(book.add_worksheet(), selection, &totals)?;
        let name = selection.by.field().map_or("time", patchbay_core::report::Field::as_str);
        table(book.add_worksheet(), &format!("By {name}"), groups)?;
        table(book.add_worksheet(), "By day", days)
    };
    sheets().map_err(|error| failed(&error))?;
    let mut attempts = Attempts { selection, sheets: 0, row: SHEET, book: &mut book };
    attempts.sheet().map_err(|error| failed(&error))?;
    let count = each_row(&db, filter, |row| attempts.write(row).map_err(io::Error::other))?;
    book.save_to_writer(file).map_err(|error| failed(&error))?;
    Ok(count)
}

/// A group's name and figures. The histograms that some come from are large, and not kept.
type Line = (String, [Value; 13]);

fn lines(db: &Db, filter: &Filter, by: GroupBy, zone: &TimeZone) -> Result<Vec<Line>, StoreError> {
    let groups = rollup::groups(db, filter, by, zone)?;
    Ok(groups.into_iter().map(|group| (group.key, figures(&group.totals))).collect())
}

/// Reads days a month at a time, for the same reason.
fn days(db: &Db, filter: &Filter, zone: &TimeZone) -> Result<Vec<Line>, StoreError> {
    let Some(range) = filter.range else { return lines(db, filter, GroupBy::Day, zone) };
    let mut days = Vec::new();
    let mut from = range.from;
    while from < range.to {
        let to = month_range(from.day(zone), zone).to.min(range.to);
        let month = Filter { range: Some(Range { from, to }), ..filter.clone() };
        days.extend(lines(db, &month, GroupBy::Day, zone)?);
        from = to;
    }
    Ok(days)
}

fn failed(error: &XlsxError) -> Error {
    unwritable(&io::Error::other(error.to_string()))
}

fn summary(sheet: &mut Worksheet, selection: &Selection, totals: &Totals) -> Result<(), XlsxError> {
    sheet.set_name("Summary")?.set_column_width(0, 24)?.set_column_width(1, 40)?;
    let zone = selection.zone.iana_name().unwrap_or("local time");
    let moment = |at: Timestamp| at.to_local(&selection.zone);
    let mut lines = vec![("Zone of days".to_owned(), zone.to_owned())];
    if let Some(range) = selection.filter.range {
        lines.push(("From".to_owned(), moment(range.from)));
        lines.push(("Before".to_owned(), moment(range.to)));
    }
    for condition in &selection.filter.conditions {
        let relation = if condition.relation == Relation::Is { "is" } else { "is not" };
        lines.push((format!("{} {relation}", condition.field.as_str()), condition.values.join(" or ")));
    }
    let mut row = 0;
    for (name, value) in &lines {
        sheet.write_string(row, 0, name)?.write_string(row, 1, value)?;
        row += 1;
    }
    for (name, value) in FIGURES.iter().zip(figures(totals)) {
        sheet.write_string(row, 0, *name)?;
        put(sheet, row, 1, value)?;
        row += 1;
    }
    Ok(())
}

fn table(sheet: &mut Worksheet, name: &str, lines: Vec<Line>) -> Result<(), XlsxError> {
    sheet.set_name(name)?.set_column_width(0, 28)?.set_freeze_panes(1, 1)?;
    sheet.write_string(0, 0, name)?;
    for (column, name) in (1..).zip(FIGURES) {
        sheet.write_string(0, column, name)?;
    }
    for (row, (key, figures)) in (1..).zip(lines) {
        sheet.write_string(row, 0, if key.is_empty() { "(none)" } else { &key })?;
        for (column, value) in (1..).zip(figures) {
            put(sheet, row, column, value)?;
        }
    }
    Ok(())
}

/// The sheets of attempts. They write each row to a scratch file at once, and keep none.
struct Attempts<'a> {
    selection: &'a Selection,
    book: &'a mut Workbook,
    sheets: usize,
    row: u32,
}

impl Attempts<'_> {
    fn sheet(&mut self) -> Result<(), XlsxError> {
        self.sheets += 1;
        let sheet = self.book.add_worksheet_with_constant_memory()?;
        let name = if self.sheets == 1 { "Attempts".to_owned() } else { format!("Attempts {}", self.sheets) };
        sheet.set_name(name)?.set_freeze_panes(1, 0)?;
        for (column, heading) in (0..).zip(&COLUMNS) {
            sheet.write_string(0, column, heading.name)?;
        }
        self.row = 0;
        Ok(())
    }

    fn write(&mut self, attempt: &LogRow) -> Result<(), XlsxError> {
        if self.row == SHEET {
            self.sheet()?;
        }
        self.row += 1;
        let sheet = self.book.worksheet_from_index(2 + self.sheets)?;
        for (number, column) in (0..).zip(&COLUMNS) {
            put(sheet, self.row, number, (column.value)(attempt, &self.selection.zone))?;
        }
        Ok(())
    }
}

/// Excel keeps 15 digits of a number: one that has more is written as text.
#[expect(clippy::cast_precision_loss, reason = "only numbers of up to 15 digits are turned into floats")]
fn put(sheet: &mut Worksheet, row: u32, column: u16, value: Value) -> Result<(), XlsxError> {
    const EXACT: i64 = 1_000_000_000_000_000;
    /// 1970-01-01 in Excel's days.
    const EPOCH: f64 = 25_569.0;
    static MOMENT: LazyLock<Format> =
        LazyLock::new(|| Format::new().set_num_format("yyyy-mm-dd hh:mm:ss.000"));
    match value {
        Value::None => {}
        Value::Text(text) => {
            sheet.write_string(row, column, text)?;
        }
        Value::Number(number) if number.abs() < EXACT => {
            sheet.write_number(row, column, number as f64)?;
        }
        Value::Number(number) => {
            sheet.write_string(row, column, number.to_string())?;
        }
        Value::Flag(flag) => {
            sheet.write_boolean(row, column, flag)?;
        }
        Value::Moment(at) => {
            let days = at.0 as f64 / 86_400_000.0 + EPOCH;
            sheet.write_number_with_format(row, column, days, &MOMENT)?;
        }
        Value::Dollars(amount) if amount.0.abs() < EXACT => {
            sheet.write_number(row, column, amount.0 as f64 / 1e9)?;
        }
        Value::Dollars(amount) => {
            sheet.write_string(row, column, amount.to_string())?;
        }
    }
    Ok(())
}
