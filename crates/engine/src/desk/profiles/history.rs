//! The versions of a profile, and what differs between two of them (M2).

use std::sync::Arc;

use patchbay_core::audit::Change;
use patchbay_core::profile::{Spec, SpecTarget};
use patchbay_core::time::Timestamp;
use patchbay_store::profile;
use serde::Serialize;
use serde_json::{Value, json};

use crate::Engine;
use crate::error::Error;

/// A version of a profile.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct ProfileVersion {
    /// From 1.
    pub number: u32,
    /// Why it was made; may be empty.
    pub note: String,
    /// When.
    pub created_at: Timestamp,
    /// It is the one in use.
    pub is_current: bool,
    /// Everything that it says.
    pub spec: Spec,
    /// What it changed of the version before it; empty for the first.
    pub changes: Vec<VersionDifference>,
}

/// A field in which two versions differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct VersionDifference {
    /// Its name in the profile's document.
    pub field: String,
    /// As text; empty where nothing was said.
    pub before: String,
    /// As text; empty where nothing is said any more.
    pub after: String,
}

/// All versions, the newest first.
pub async fn versions(engine: &Arc<Engine>, name: &str) -> Result<Vec<ProfileVersion>, Error> {
    let name = name.to_owned();
    engine
        .blocking(move |engine| {
            let (row, versions) = engine.store.read(|db| {
                let row = profile::get(db, &name)?;
                let versions = profile::versions(db, row.id)?;
                Ok((row, versions))
            })?;
            let earlier = |index: usize| versions.get(index + 1);
            Ok(versions
                .iter()
                .enumerate()
                .map(|(index, version)| ProfileVersion {
                    number: version.number,
                    note: version.note.clone(),
                    created_at: version.created_at,
                    is_current: version.number == row.version.number,
                    spec: version.spec.clone(),
                    changes: earlier(index)
                        .map(|before| difference(&before.spec, &version.spec))
                        .unwrap_or_default(),
                })
                .collect())
        })
        .await
}

/// The fields in which two versions differ, in the order of the document.
pub fn difference(before: &Spec, after: &Spec) -> Vec<VersionDifference> {
    let change = Change::between(&fields(before), &fields(after));
    change
        .fields()
        .map(|(field, before, after)| VersionDifference {
            field: field.to_owned(),
            before: text(before),
            after: text(after),
        })
        .collect()
}

/// A document whose parts are text, so that a difference is one of a whole field.
fn fields(spec: &Spec) -> Value {
    let Value::Object(mut fields) = json!(spec) else { return Value::Null };
    let chain: Vec<String> = spec.targets.iter().map(SpecTarget::address).collect();
    fields.insert("targets".into(), chain.join(" → ").into());
    for value in fields.values_mut() {
        if value.is_object() || value.is_array() {
            let is_empty = value.as_array().is_some_and(Vec::is_empty);
            *value = if is_empty { Value::Null } else { value.to_string().into() };
        }
    }
    Value::Object(fields)
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m2_two_versions_differ_field_by_field() {
        let step = |key: &str| SpecTarget { connection: Some(key.into()), provider: None, model: "m".into() };
        let before = Spec { targets: vec![step("a")], temperature: Some(0.3), ..Spec::default() };
        let after = Spec {
            targets: vec![step("a"), step("b")],
            temperature: None,
            stop_sequences: vec!["END".into()],
            ..before.clone()
        };
        let found: Vec<_> =
            difference(&before, &after).into_iter().map(|one| (one.field, one.before, one.after)).collect();
        let expected = [
            ("targets", "a/m", "a/m → b/m"),
            ("temperature", "0.3", ""),
            ("stop_sequences", "", "[\"END\"]"),
        ];
        let expected: Vec<_> =
            expected.into_iter().map(|(a, b, c)| (a.to_owned(), b.to_owned(), c.to_owned())).collect();
        assert_eq!(found, expected);
        assert!(difference(&after, &after).is_empty());
    }
}
