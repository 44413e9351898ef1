//! Who changed what, when and why: an entry of the audit log, before it is written (behaviours A1).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Who acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The person at the window or the command line.
    User,
    /// Patchbay by itself, because it was time.
    Scheduler,
    /// Patchbay by itself, because of how calls went.
    Router,
    /// A file that was imported.
    Import,
    /// A program with a token; the reason names it.
    App,
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is new.
    Create,
    /// Fields changed.
    Update,
    /// It is gone.
    Delete,
    /// It takes no calls any more.
    Pause,
    /// It takes calls again.
    Enable,
    /// Its place in the order changed.
    Reorder,
    /// It was tested.
    Test,
    /// A new version of a credential waits.
    Stage,
    /// A version waits to take over.
    Standby,
    /// A version became the active one.
    Activate,
    /// The version before became the active one again.
    Rollback,
    /// A standby became the active one by itself.
    TakeOver,
    /// It is refused from now on.
    Revoke,
    /// Its secret was erased.
    Purge,
    /// An app got a new token.
    Rotate,
    /// All traffic was stopped.
    Stop,
    /// Traffic flows again.
    Resume,
    /// It is in force from now on.
    Begin,
    /// It is in force no more.
    End,
    /// It needs a person.
    NeedAttention,
    /// It failed too often and is left alone for a while.
    Rest,
    /// It works again.
    Recover,
    /// Sample data was added.
    Load,
    /// It was emptied.
    Clear,
    /// It was written to a file.
    Export,
    /// It was read from a file.
    Import,
    /// A copy of everything was made.
    BackUp,
    /// Everything was replaced by a copy.
    Restore,
    /// It lies elsewhere now.
    Move,
    /// Old entries or rows were let go.
    Retain,
}

/// What kind of thing it was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A provider, by its slug.
    Provider,
    /// A connection, by its key.
    Connection,
    /// A version of a connection's credential: `key v3`.
    Credential,
    /// A model, by its id.
    Model,
    /// A price, by its model.
    Price,
    /// A profile, by its name.
    Profile,
    /// An app, by its name.
    App,
    /// A budget, by what it caps.
    Budget,
    /// An alert, by its kind and subject.
    Alert,
    /// A setting, by its name.
    Setting,
    /// A saved view, by its name.
    View,
    /// All calls.
    Traffic,
    /// A failover drill, by who was said to be in trouble.
    Drill,
    /// The sample data.
    SampleData,
    /// The ledger.
    Usage,
    /// The audit log itself.
    Audit,
    /// Where secrets are kept.
    Vault,
    /// Everything together.
    Store,
}

macro_rules! named {
    ($($kind:ident),*) => { $(
        impl $kind {
            /// The name in the database and in exports.
            pub fn as_str(self) -> String {
                json!(self).as_str().unwrap_or_default().to_owned()
            }

            /// The one of that name; `None` for a name that this Patchbay does not know.
            pub fn parse(name: &str) -> Option<Self> {
                serde_json::from_value(Value::String(name.to_owned())).ok()
            }
        }
    )* };
}
named!(Actor, Action, Kind);

/// Fields before and after. A field that did not change is not in it; a secret is in it only as its fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Change(Map<String, Value>);

impl Change {
    /// One field.
    #[must_use]
    pub fn with(mut self, field: &str, before: impl Serialize, after: impl Serialize) -> Self {
        let (before, after) = (json!(before), json!(after));
        if before != after {
            self.0.insert(field.to_owned(), json!({ "before": before, "after": after }));
        }
        self
    }

    /// A fact about something that was made, or about what was done.
    #[must_use]
    pub fn fact(self, field: &str, value: impl Serialize) -> Self {
        self.with(field, Value::Null, value)
    }

    /// All fields in which two records differ; nested ones by their path (`limits.rate_limit_per_day`).
    pub fn between(before: &impl Serialize, after: &impl Serialize) -> Self {
        let (before, after) = (flat(json!(before)), flat(json!(after)));
        let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
        names.fold(Self::default(), |change, name| change.with(name, before.get(name), after.get(name)))
    }

    /// All fields of a record that is new, apart from empty ones.
    pub fn made(record: &impl Serialize) -> Self {
        let fields = flat(json!(record));
        fields
            .iter()
            .filter(|(_, value)| !is_empty(value))
            .fold(Self::default(), |change, (name, value)| change.fact(name, value))
    }

    /// The fields of both.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each field with its value before and after.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Value, &Value)> {
        self.0.iter().map(|(name, both)| (name.as_str(), &both["before"], &both["after"]))
    }
}

fn flat(record: Value) -> Map<String, Value> {
    let mut fields = Map::new();
    let Value::Object(record) = record else { return fields };
    for (name, value) in record {
        match value {
            Value::Object(_) => {
                fields
                    .extend(flat(value).into_iter().map(|(inner, value)| (format!("{name}.{inner}"), value)));
            }
            value => {
                fields.insert(name, value);
            }
        }
    }
    fields
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        _ => false,
    }
}

/// One entry, before its time and its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Who.
    pub actor: Actor,
    /// Did what.
    pub action: Action,
    /// To what kind of thing.
    pub kind: Kind,
    /// To which.
    pub name: String,
    /// What changed.
    pub change: Change,
    /// Why, or how; may be empty.
    pub reason: String,
}

impl Entry {
    /// What a person did.
    pub fn user(action: Action, kind: Kind, name: impl Into<String>) -> Self {
        Self::by(Actor::User, action, kind, name)
    }

    /// What somebody did.
    pub fn by(actor: Actor, action: Action, kind: Kind, name: impl Into<String>) -> Self {
        Self { actor, action, kind, name: name.into(), change: Change::default(), reason: String::new() }
    }

    /// With what changed.
    #[must_use]
    pub fn change(mut self, change: Change) -> Self {
        self.change = change;
        self
    }

    /// With a reason.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a1_only_what_differs_is_in_a_change() {
        let before = json!({ "name": "a", "limits": { "rpm": 1, "rpd": 2 }, "gone": true });
        let after = json!({ "name": "a", "limits": { "rpm": 3, "rpd": 2 }, "new": [1] });
        let change = Change::between(&before, &after);
        let fields: Vec<_> =
            change.fields().map(|(name, before, after)| format!("{name} {before} {after}")).collect();
        assert_eq!(fields, ["limits.rpm 1 3", "gone true null", "new null [1]"]);
        assert!(Change::between(&after, &after).is_empty());
    }

    #[test]
    fn a1_what_is_new_is_told_without_its_empty_fields() {
        let change =
            Change::made(&json!({ "name": "a", "proxy": null, "headers": {}, "models": [], "on": false }));
        assert_eq!(change.fields().map(|(name, ..)| name).collect::<Vec<_>>(), ["name", "on"]);
    }

    #[test]
    fn names_are_read_back() {
        assert_eq!(Action::parse(&Action::TakeOver.as_str()), Some(Action::TakeOver));
        assert_eq!(
            (Kind::SampleData.as_str().as_str(), Actor::parse("user")),
            ("sample_data", Some(Actor::User))
        );
        assert_eq!(Action::parse("no_such_action"), None);
    }
}
