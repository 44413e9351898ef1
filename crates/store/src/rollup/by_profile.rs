//! The rollup by profile and app: who calls a profile, and how often.

use std::collections::BTreeMap;

use patchbay_core::report::{Column, Columns, Detail, Filter};
use patchbay_core::time::Range;
use rusqlite::Connection as Db;

use super::scan::scan;
use crate::error::StoreError;

/// How often an app called a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileUse {
    /// The profile's name.
    pub profile: String,
    /// The app's name.
    pub app: String,
    /// Requests as their callers saw them.
    pub calls: u32,
}

/// Every app's calls of every profile in a span of time, most first.
pub fn by_profile(db: &Db, range: Range) -> Result<Vec<ProfileUse>, StoreError> {
    let mut calls: BTreeMap<(String, String), u64> = BTreeMap::new();
    let detail = Detail::whole(Columns::of(&[Column::Calls]));
    scan(db, &Filter::during(range), &detail, |bucket| {
        let labels = bucket.labels;
        if !labels.profile.is_empty() && bucket.counts.calls > 0 {
            *calls.entry((labels.profile.clone(), labels.app.clone())).or_default() += bucket.counts.calls;
        }
    })?;
    let one = |((profile, app), calls)| ProfileUse {
        profile,
        app,
        calls: u32::try_from(calls).unwrap_or(u32::MAX),
    };
    let mut uses: Vec<ProfileUse> = calls.into_iter().map(one).collect();
    uses.sort_by(|a, b| b.calls.cmp(&a.calls).then_with(|| a.app.cmp(&b.app)));
    Ok(uses)
}
