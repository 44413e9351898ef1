//! Which attempts are meant: one filter for cards, charts, tables, exports and the log (C5).

use serde::{Deserialize, Serialize};

use crate::time::Range;

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The connection key.
    Connection,
    /// The provider's slug.
    Provider,
    /// The model asked of the provider.
    Model,
    /// The feature.
    Feature,
    /// The app.
    App,
    /// The profile.
    Profile,
    /// `chat`, `embedding`, `test` or `count`.
    Type,
    /// `answered`, `failed`, `limited`, `cancelled`, `cut` or `interrupted`.
    Outcome,
    /// The class of the error.
    Error,
    /// `direct` for first attempts, `failover` for later ones.
    Route,
    /// The decision that a call belongs to.
    Signal,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Connection,
        Self::Provider,
        Self::Model,
        Self::Feature,
        Self::App,
        Self::Profile,
        Self::Type,
        Self::Outcome,
        Self::Error,
        Self::Route,
        Self::Signal,
    ];

    /// As it is written in a condition.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Provider => "provider",
            Self::Model => "model",
            Self::Feature => "feature",
            Self::App => "app",
            Self::Profile => "profile",
            Self::Type => "type",
            Self::Outcome => "outcome",
            Self::Error => "error",
            Self::Route => "route",
            Self::Signal => "signal",
        }
    }

    /// The field of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == name)
    }
}

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// One of the values.
    Is,
    /// None of the values.
    IsNot,
}

/// One thing that has to hold. An empty value means "nobody said".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Condition {
    /// What it is about.
    pub field: Field,
    /// How it compares.
    pub relation: Relation,
    /// With what; at least one.
    pub values: Vec<String>,
}

impl Condition {
    /// Whether a value fits.
    pub fn admits(&self, value: &str) -> bool {
        self.values.iter().any(|one| one == value) == (self.relation == Relation::Is)
    }
}

/// Which rows are meant: those in the range for which all conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// When the attempt began; the edges are rounded outward to the bucket. `None` is any time.
    pub range: Option<Range>,
    /// At most one for each field and relation.
    pub conditions: Vec<Condition>,
}

impl Filter {
    /// Everything in a span of time.
    pub fn during(range: Range) -> Self {
        Self { range: Some(range), ..Self::default() }
    }

    /// The same with one more condition. Values of the same field and relation are added up: `app` is this one or that one.
    #[must_use]
    pub fn and(mut self, field: Field, relation: Relation, value: &str) -> Self {
        let known = self.conditions.iter_mut().find(|c| c.field == field && c.relation == relation);
        match known {
            Some(condition) => condition.values.push(value.to_owned()),
            None => self.conditions.push(Condition { field, relation, values: vec![value.to_owned()] }),
        }
        self
    }

    /// Only what has this value.
    #[must_use]
    pub fn only(self, field: Field, value: &str) -> Self {
        self.and(field, Relation::Is, value)
    }

    /// Adds the condition `name=value`, or `name!=value` where the name ends with `!`; `false` for a name that is none.
    #[must_use]
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let (name, relation) = match name.strip_suffix('!') {
            Some(name) => (name, Relation::IsNot),
            None => (name, Relation::Is),
        };
        let Some(field) = Field::parse(name) else { return false };
        *self = std::mem::take(self).and(field, relation, value);
        true
    }

    /// Whether it takes all that belongs to a signal or none of it: the steps of one decision are an app's own, but ask several models,
    /// connections and features. Only then a signal has a cost.
    pub fn keeps_signals_whole(&self) -> bool {
        self.conditions.iter().all(|condition| matches!(condition.field, Field::App | Field::Signal))
    }

    /// The conditions on signals, for which rows have to be read: there are too many of these for a rollup.
    pub fn names_a_signal(&self) -> bool {
        self.conditions.iter().any(|condition| condition.field == Field::Signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_of_one_field_are_alternatives_and_those_of_several_all_hold() {
        let mut filter = Filter::default();
        for (name, value) in [("app", "a"), ("app", "b"), ("app!", "c"), ("model", "m")] {
            assert!(filter.set(name, value));
        }
        assert!(!filter.set("colour", "blue"));
        let fits = |field: Field, value: &str| {
            filter.conditions.iter().filter(|c| c.field == field).all(|condition| condition.admits(value))
        };
        assert_eq!(filter.conditions.len(), 3);
        assert!(fits(Field::App, "a") && fits(Field::App, "b") && fits(Field::Model, "m"));
        assert!(!fits(Field::App, "c") && !fits(Field::App, "d") && !fits(Field::Model, ""));
        assert!(fits(Field::Feature, "anything"));
    }

    #[test]
    fn c5_a_signal_has_a_cost_where_none_of_its_steps_is_left_out() {
        let app = Filter::default().only(Field::App, "bot");
        assert!(Filter::default().keeps_signals_whole() && app.keeps_signals_whole());
        assert!(!app.only(Field::Model, "m").keeps_signals_whole());
    }

    #[test]
    fn every_field_is_found_by_its_name() {
        for field in Field::ALL {
            assert_eq!(Field::parse(field.as_str()), Some(field));
            assert_eq!(serde_json::to_value(field).expect("a name"), field.as_str());
        }
    }
}
