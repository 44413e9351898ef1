//! docs/connection-tests.md, made from what the tests really say.

use std::path::Path;

use patchbay_core::diagnose::CheckReport;

const ANEW: &str = "UPDATE_DOCS=1 cargo test -p patchbay-engine --test gateway f8_every_fault_is_named";
const HEAD: &str = "# What a connection test says\n\n\
    Each line is a fault that the tests produce over real sockets, with the verdict and what the test offers to do. \
    This page is made from them: `UPDATE_DOCS=1 cargo test -p patchbay-engine --test gateway f8_every_fault_is_named` writes it anew.\n\n\
    | fault | verdict | what to do |\n|---|---|---|\n";

/// Compares the page with what the tests said just now.
pub fn compare(rows: &[String]) {
    let page = format!("{HEAD}{}", rows.concat());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/connection-tests.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == page, "docs/connection-tests.md is out of date. Write it anew with: {ANEW}");
}

/// One line of the table.
pub fn row(about: &str, report: &CheckReport) -> String {
    let remedies: Vec<&str> = report.remedies.iter().map(|remedy| remedy.text.as_str()).collect();
    format!("| {about} | {} | {} |\n", report.title, remedies.join("<br>"))
}
