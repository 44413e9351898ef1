//! The cap that spend by day stands under: where a filter means exactly what one daily budget on money counts.

use patchbay_core::budget::{Measure, Period, ScopeKind, ScopeName};
use patchbay_core::report::{Condition, Field, Relation};
use patchbay_store::budget::{BudgetRow, Key};

/// The cap in nano-dollars; `None` where no budget counts just these calls.
pub(super) fn daily_cap(budgets: &[BudgetRow], conditions: &[Condition]) -> Option<i64> {
    let key = Key { scope: scope(conditions)?, period: Period::Day, measure: Measure::Money };
    let budget = budgets.iter().find(|budget| budget.key == key)?;
    i64::try_from(budget.terms.cap).ok()
}

/// What a budget would have to be for.
fn scope(conditions: &[Condition]) -> Option<ScopeName> {
    let (field, name) = match conditions {
        [] => return Some(ScopeName::ALL),
        [Condition { field, relation: Relation::Is, values }] => match values.as_slice() {
            [name] if !name.is_empty() => (field, name),
            _ => return None,
        },
        _ => return None,
    };
    let kind = match field {
        Field::Provider => ScopeKind::Provider,
        Field::Connection => ScopeKind::Connection,
        Field::Profile => ScopeKind::Profile,
        Field::App => ScopeKind::App,
        Field::Feature => ScopeKind::Feature,
        Field::Model | Field::Type | Field::Outcome | Field::Error | Field::Route | Field::Signal => {
            return None;
        }
    };
    Some(ScopeName { kind, name: name.clone() })
}

#[cfg(test)]
mod tests {
    use patchbay_core::budget::OnLimit;
    use patchbay_core::id::BudgetId;
    use patchbay_core::report::Filter;
    use patchbay_store::budget::Terms;

    use super::*;

    fn budget(scope: &str, period: Period, measure: Measure, cap: u64) -> BudgetRow {
        let scope = ScopeName::parse(scope).expect("a scope");
        let terms = Terms { cap, on_limit: OnLimit::Warn, degrade_to: None, levels: Vec::new() };
        BudgetRow { id: BudgetId(1), key: Key { scope, period, measure }, terms, extra: None }
    }

    #[test]
    fn n1_a_cap_is_that_of_the_one_budget_that_counts_the_same_calls() {
        let budgets = [
            budget("all", Period::Month, Measure::Money, 900),
            budget("all", Period::Day, Measure::Money, 12),
            budget("app:bot", Period::Day, Measure::Requests, 70),
            budget("app:bot", Period::Day, Measure::Money, 5),
            budget("provider:openai", Period::Month, Measure::Money, 80),
            budget("feature:scan", Period::Day, Measure::Money, 3),
        ];
        let all = Filter::default();
        for (filter, cap) in [
            (all.clone(), Some(12)),
            (all.clone().only(Field::App, "bot"), Some(5)),
            (all.clone().only(Field::Feature, "scan"), Some(3)),
            (all.clone().only(Field::App, "other"), None),
            (all.clone().only(Field::App, ""), None),
            (all.clone().only(Field::App, "bot").only(Field::App, "other"), None),
            (all.clone().only(Field::App, "bot").only(Field::Provider, "openai"), None),
            (all.clone().and(Field::App, Relation::IsNot, "bot"), None),
            (all.clone().only(Field::Provider, "openai"), None),
            (all.only(Field::Model, "bot"), None),
        ] {
            assert_eq!(daily_cap(&budgets, &filter.conditions), cap, "{filter:?}");
        }
    }
}
