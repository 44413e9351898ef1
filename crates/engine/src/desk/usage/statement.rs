//! What one app spent in a month, as a page that a browser prints: no script, no link, nothing fetched.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use patchbay_core::audit::{Action, Change, Entry, Kind};
use patchbay_core::money::NanoUsd;
use patchbay_core::report::{Field, Filter, Group, GroupBy, Totals};
use patchbay_core::time::{month_range, parse_day};
use patchbay_store::audit::Recorded;
use patchbay_store::{Db, StoreError, files, rollup};

use crate::desk::export::{self, Exported, unwritable};
use crate::error::Error;
use crate::{Engine, clock};

const STYLE: &str = "body{font:13px/1.5 system-ui,sans-serif;color:#14181d;max-width:760px;margin:32px auto;padding:0 16px}\
h1{font-size:20px;margin:0}h2{font-size:14px;margin:24px 0 4px}p{margin:2px 0;color:#48515c}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:4px 8px;border-bottom:1px solid #e0e4e9;text-align:right}th:first-child,td:first-child{text-align:left}\
tfoot td{font-weight:600;border-top:1px solid #48515c}tr{break-inside:avoid}";

/// Writes the statement of an app for a month ("2026-11", this one where it is `None`) into a file.
pub async fn statement(
    engine: &Arc<Engine>,
    app: String,
    month: Option<String>,
    zone: TimeZone,
    path: PathBuf,
) -> Result<Exported, Error> {
    engine.blocking(move |engine| write(engine, &app, month.as_deref(), &zone, &path)).await
}

/// The same into a new file in the `exports` folder of the data folder.
pub async fn statement_to_folder(
    engine: &Arc<Engine>,
    app: String,
    month: Option<String>,
    zone: TimeZone,
) -> Result<Exported, Error> {
    engine
        .blocking(move |engine| {
            let path = export::fresh_path(engine, "statement", "html")?;
            write(engine, &app, month.as_deref(), &zone, &path)
        })
        .await
}

fn write(
    engine: &Engine,
    app: &str,
    month: Option<&str>,
    zone: &TimeZone,
    path: &std::path::Path,
) -> Result<Exported, Error> {
    let first = match month {
        None => clock::now().day(zone).first_of_month(),
        Some(text) => parse_day(&format!("{text}-01"))
            .ok_or_else(|| Error::invalid(format!("\"{text}\" is no month."), "Write it like 2026-11."))?,
    };
    let page = engine.store.read(|db| {
        let db = db.unchecked_transaction()?;
        Page::read(&db, app, first, zone)
    })?;
    if page.totals.attempts == 0 {
        return Err(Error::invalid(
            format!("The app \"{app}\" made no calls in {}.", first.strftime("%B %Y")),
            "`patchbay usage --by app` lists the apps of the last 30 days.",
        ));
    }
    files::replace(path, page.html(app, first, zone).as_bytes()).map_err(|error| unwritable(&error))?;
    let change = Change::default().fact("month", first.strftime("%Y-%m").to_string()).fact("format", "html");
    let name = app.to_owned();
    engine.store.change(clock::now(), move |_| {
        Ok(Recorded::new((), Entry::user(Action::Export, Kind::Usage, name).change(change)))
    })?;
    Ok(Exported { path: path.display().to_string(), entries: 1 })
}

struct Page {
    totals: Totals,
    /// A heading, and its groups.
    parts: [(&'static str, Vec<Group>); 4],
}

impl Page {
    fn read(db: &Db, app: &str, first: Date, zone: &TimeZone) -> Result<Self, StoreError> {
        let filter = Filter::during(month_range(first, zone)).only(Field::App, app);
        let groups = |by| rollup::groups(db, &filter, by, zone);
        Ok(Self {
            totals: rollup::totals(db, &filter)?,
            parts: [
                ("Model", groups(GroupBy::Model)?),
                ("Feature", groups(GroupBy::Feature)?),
                ("Connection", groups(GroupBy::Connection)?),
                ("Day", groups(GroupBy::Day)?),
            ],
        })
    }

    fn html(&self, app: &str, first: Date, zone: &TimeZone) -> String {
        let month = first.strftime("%B %Y");
        let zone = zone.iana_name().unwrap_or("local time");
        let unpriced = match self.totals.unpriced_attempts {
            0 => String::new(),
            count => format!("<p>The cost of {count} attempts is not known; it is not in these sums.</p>"),
        };
        let saved = self.totals.saved_by_failover;
        let tables: String = self.parts.iter().map(|(name, groups)| self.table(name, groups)).collect();
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{app}, {month}</title>\
             <style>{STYLE}</style></head><body><h1>{app}: {}</h1><p>{month}, days of {zone}. {} requests, {} answered, \
             {saved} of them after failover.</p>{unpriced}{tables}\
             <p>Made by Patchbay on this machine. Costs are what providers reported, else tokens times the prices that held \
             when the calls were made.</p></body></html>\n",
            dollars(self.totals.cost),
            self.totals.calls,
            self.totals.succeeded,
            app = escaped(app),
        )
    }

    fn table(&self, name: &str, groups: &[Group]) -> String {
        let rows: String = groups.iter().map(|group| row(&named(&group.key), &group.totals)).collect();
        format!(
            "<h2>By {}</h2><table><thead><tr><th>{name}</th><th>Requests</th><th>Tokens in</th><th>Tokens out</th>\
             <th>Cost</th></tr></thead><tbody>{rows}</tbody><tfoot>{}</tfoot></table>",
            name.to_lowercase(),
            row("Total", &self.totals)
        )
    }
}

fn row(name: &str, totals: &Totals) -> String {
    format!(
        "<tr><td>{name}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        totals.calls,
        totals.input_tokens,
        totals.output_tokens,
        dollars(totals.cost)
    )
}

fn named(key: &str) -> String {
    if key.is_empty() { "(none)".to_owned() } else { escaped(key) }
}

fn dollars(amount: NanoUsd) -> String {
    format!("${amount}")
}

/// Names are text, never markup (X3).
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x3_names_are_text_in_a_statement() {
        let group = Group { key: "<script>".to_owned(), totals: Totals::default() };
        let parts = [
            ("Model", vec![group]),
            ("Feature", Vec::new()),
            ("Connection", Vec::new()),
            ("Day", Vec::new()),
        ];
        let page = Page { totals: Totals::default(), parts };
        let first = parse_day("2026-11-01").expect("a day");
        let html = page.html("\"><img src=x>", first, &TimeZone::UTC);
        assert!(!html.contains("<script") && !html.contains("<img"), "{html}");
        assert!(html.contains("&lt;script&gt;") && html.contains("November 2026"));
    }
}
