//! What has gone through each budget, and what is reserved of it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::calendar::{Period, PeriodKey, Tally, Today};
use super::refusal::{Gate, Reach, Refusal, Why};
use super::reservation::{Estimate, Spent};
use super::{Ask, Booked, BudgetSeat, Seat, Subject};
use crate::breaker::Pass;
use crate::budget::{Announced, Budget, Crossing, Measure, OnLimit, Scope};
use crate::id::BudgetId;
use crate::time::Now;

/// A budget with its sums.
#[derive(Clone, Debug)]
struct Meter {
    budget: Budget,
    /// `None` for a budget whose subject is gone: it meets no call.
    meets: Option<Meets>,
    /// By the period in which the call began: one that lasts past midnight burdens yesterday.
    reserved: Tally,
    /// By this process; what is not known stands as its estimate.
    spent: Tally,
    /// By this process, as the ledger will have it: what is not known is nothing there.
    booked: Tally,
    /// By everybody, as the ledger has it.
    ledger: Tally,
    /// By other processes and earlier runs: what the ledger had beyond this process's own.
    others: Tally,
    announced: Announced,
}

/// Which calls a budget meets.
#[derive(Clone, Debug)]
enum Meets {
    All,
    Seat(Seat, Reach),
    Feature,
}

/// A budget's level was reached or left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelEvent {
    /// Whose.
    pub budget: BudgetId,
    /// In which day or month.
    pub period: PeriodKey,
    /// What happened.
    pub crossing: Crossing,
    /// Spent and reserved then.
    pub used: u64,
    /// Of so much.
    pub cap: u64,
}

/// How far a budget is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetUse {
    /// Settled.
    pub spent: u64,
    /// Held by calls on their way.
    pub reserved: u64,
}

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptMeter {
    budget: BudgetId,
    spent: Tally,
    announced: Announced,
}

/// All budgets.
#[derive(Clone, Debug, Default)]
pub(super) struct Meters {
    meters: Vec<Meter>,
    seats: HashMap<BudgetId, BudgetSeat>,
}

impl Meters {
    /// Takes the budgets as they are now. Sums of a budget that stays are kept.
    pub(super) fn configure(&mut self, budgets: Vec<Budget>, seat_of: impl Fn(&Subject) -> Option<Seat>) {
        for meter in &mut self.meters {
            meter.meets = None;
        }
        for budget in budgets {
            let meets = match &budget.scope {
                Scope::All => Some(Meets::All),
                Scope::Feature(_) => Some(Meets::Feature),
                Scope::Of(subject) => seat_of(subject).map(|seat| Meets::Seat(seat, subject.reach())),
            };
            let next = BudgetSeat(u32::try_from(self.meters.len()).unwrap_or(u32::MAX));
            let seat = *self.seats.entry(budget.id).or_insert(next);
            match self.meters.get_mut(seat.0 as usize) {
                // Dollars are no tokens: a budget that counts something else begins anew.
                Some(meter) if meter.budget.measure == budget.measure => {
                    (meter.budget, meter.meets) = (budget, meets);
                }
                Some(meter) => *meter = Meter::new(budget, meets),
                None => self.meters.push(Meter::new(budget, meets)),
            }
        }
    }

    /// The first budget that stops this call. What is reserved counts, so that calls side by side overshoot a cap by one
    /// estimate at most (N1).
    pub(super) fn check(&self, ask: &Ask<'_>, now: Now, today: Today) -> Option<Refusal> {
        self.meters.iter().enumerate().find_map(|(index, meter)| {
            let span = today.span(meter.budget.period);
            let reach = meter.reach(ask)?;
            let is_over = meter.used(span.key) >= meter.budget.cap_in(span.key);
            (is_over && meter.budget.on_limit == OnLimit::Stop).then(|| Refusal {
                why: Why::Budget,
                gate: Gate::Budget(BudgetSeat(u32::try_from(index).unwrap_or(u32::MAX))),
                reach,
                // Where calls on their way hold the rest of it, the end of one of them may make room.
                after_ms: meter.is_spent(span.key).then(|| span.range.to.since_ms(now.wall)),
            })
        })
    }

    /// Where a call goes instead, because a budget that degrades is used up.
    pub(super) fn detour(&self, ask: &Ask<'_>, today: Today) -> Option<&str> {
        self.meters.iter().find_map(|meter| {
            let to = meter.budget.degrade_to.as_deref()?;
            let key = today.span(meter.budget.period).key;
            let is_over = meter.used(key) >= meter.budget.cap_in(key);
            meter.reach(ask)?;
            (is_over && meter.budget.on_limit == OnLimit::Degrade).then_some(to)
        })
    }

    /// The ledger holds this, in that period only or in both.
    pub(super) fn book(&mut self, booked: &Booked<'_>, only: Option<Period>, today: Today) {
        let ask = Ask {
            seats: booked.seats,
            feature: booked.feature,
            estimate: Estimate::default(),
            pass: Pass::Free,
        };
        for meter in &mut self.meters {
            let period = meter.budget.period;
            if only.is_none_or(|only| only == period) && meter.reach(&ask).is_some() {
                let amount = match meter.budget.measure {
                    Measure::Requests => booked.requests,
                    measure => amount(measure, booked.used),
                };
                meter.ledger.add(today.span(period).key, amount);
            }
        }
    }

    /// Forgets what the ledger holds, to be told anew.
    pub(super) fn close_books(&mut self) {
        self.meters.iter_mut().for_each(|meter| meter.ledger = Tally::default());
    }

    /// What the ledger has beyond this process's own was spent by others. A row of this process's that is not in the ledger yet
    /// hides as much of theirs for a moment, so what was known once stays.
    pub(super) fn balance(&mut self) {
        for meter in &mut self.meters {
            for key in meter.ledger.keys() {
                let others = meter.ledger.of(key).saturating_sub(meter.booked.of(key));
                meter.others.raise(key, others);
            }
        }
    }

    /// What a budget has spoken of before this process began.
    pub(super) fn announced(&mut self, budget: BudgetId, announced: Announced) {
        let seat = self.seats.get(&budget);
        if let Some(meter) = seat.and_then(|seat| self.meters.get_mut(seat.0 as usize)) {
            meter.announced = announced;
        }
    }

    /// Reserves in every budget that this call meets, and notes which they are.
    pub(super) fn take(
        &mut self,
        ask: &Ask<'_>,
        today: Today,
        held: &mut Vec<BudgetSeat>,
        events: &mut Vec<LevelEvent>,
    ) {
        for (index, meter) in self.meters.iter_mut().enumerate() {
            if meter.reach(ask).is_some() {
                held.push(BudgetSeat(u32::try_from(index).unwrap_or(u32::MAX)));
                let key = today.span(meter.budget.period).key;
                meter.reserved.add(key, amount(meter.budget.measure, ask.estimate));
                meter.look(today, events);
            }
        }
    }

    /// Turns a reservation into what was spent; into nothing where `known` is `None`.
    pub(super) fn settle(
        &mut self,
        seat: BudgetSeat,
        reserved: Estimate,
        known: Option<Spent>,
        days: (PeriodKey, PeriodKey),
    ) {
        if let Some(meter) = self.meters.get_mut(seat.0 as usize) {
            let measure = meter.budget.measure;
            let key = if meter.budget.period == Period::Day { days.0 } else { days.1 };
            meter.reserved.subtract(key, amount(measure, reserved));
            if let Some(known) = known {
                meter.spent.add(key, amount(measure, known.or(reserved)));
                meter.booked.add(key, amount(measure, known.or(Estimate::default())));
            }
        }
    }

    /// Looks at every budget: at a settlement, and when a period may have begun anew.
    pub(super) fn look(&mut self, seats: &[BudgetSeat], today: Today, events: &mut Vec<LevelEvent>) {
        for seat in seats {
            if let Some(meter) = self.meters.get_mut(seat.0 as usize) {
                meter.look(today, events);
            }
        }
    }

    pub(super) fn look_at_all(&mut self, today: Today, events: &mut Vec<LevelEvent>) {
        self.meters.iter_mut().for_each(|meter| meter.look(today, events));
    }

    pub(super) fn used(&self, budget: BudgetId, today: Today) -> Option<BudgetUse> {
        let meter = self.meters.get(self.seats.get(&budget)?.0 as usize)?;
        let key = today.span(meter.budget.period).key;
        Some(BudgetUse { spent: meter.settled(key), reserved: meter.reserved.of(key) })
    }

    pub(super) fn cap(&self, budget: BudgetId, today: Today) -> Option<u64> {
        let meter = self.meters.get(self.seats.get(&budget)?.0 as usize)?;
        Some(meter.budget.cap_in(today.span(meter.budget.period).key))
    }

    /// Whether that budget meets the call, and how far its refusal would reach.
    pub(super) fn reach(&self, seat: BudgetSeat, ask: &Ask<'_>) -> Option<Reach> {
        self.meters.get(seat.0 as usize)?.reach(ask)
    }

    pub(super) fn period(&self, seat: BudgetSeat) -> Option<Period> {
        self.meters.get(seat.0 as usize).map(|meter| meter.budget.period)
    }

    pub(super) fn id(&self, seat: BudgetSeat) -> Option<BudgetId> {
        self.meters.get(seat.0 as usize).map(|meter| meter.budget.id)
    }

    pub(super) fn keep(&self) -> Vec<KeptMeter> {
        let kept = |meter: &Meter| KeptMeter {
            budget: meter.budget.id,
            spent: meter.spent.clone(),
            announced: meter.announced,
        };
        self.meters.iter().map(kept).collect()
    }

    pub(super) fn restore(&mut self, kept: &[KeptMeter]) {
        for one in kept {
            let seat = self.seats.get(&one.budget);
            if let Some(meter) = seat.and_then(|seat| self.meters.get_mut(seat.0 as usize)) {
                (meter.spent, meter.announced) = (one.spent.clone(), one.announced);
            }
        }
    }
}

impl Meter {
    fn new(budget: Budget, meets: Option<Meets>) -> Self {
        Self {
            budget,
            meets,
            reserved: Tally::default(),
            spent: Tally::default(),
            booked: Tally::default(),
            ledger: Tally::default(),
            others: Tally::default(),
            announced: Announced::default(),
        }
    }

    fn settled(&self, key: PeriodKey) -> u64 {
        self.spent.of(key).saturating_add(self.others.of(key))
    }

    fn used(&self, key: PeriodKey) -> u64 {
        self.settled(key).saturating_add(self.reserved.of(key))
    }

    fn is_spent(&self, key: PeriodKey) -> bool {
        self.settled(key) >= self.budget.cap_in(key)
    }

    /// Whether this budget meets the call, and how far its refusal would reach.
    fn reach(&self, ask: &Ask<'_>) -> Option<Reach> {
        match self.meets.as_ref()? {
            Meets::All => Some(Reach::Call),
            Meets::Seat(seat, reach) => ask.seats.contains(&Some(*seat)).then_some(*reach),
            Meets::Feature => {
                let is_meant = matches!(&self.budget.scope, Scope::Feature(name) if name == ask.feature);
                is_meant.then_some(Reach::Call)
            }
        }
    }

    fn look(&mut self, today: Today, events: &mut Vec<LevelEvent>) {
        let key = today.span(self.budget.period).key;
        let used = self.used(key);
        let cap = self.budget.cap_in(key);
        if let Some(crossing) = self.announced.look(&self.budget.levels, used, cap, key) {
            events.push(LevelEvent { budget: self.budget.id, period: key, crossing, used, cap });
        }
    }
}

fn amount(measure: Measure, estimate: Estimate) -> u64 {
    match measure {
        Measure::Money => u64::try_from(estimate.cost.0).unwrap_or(0),
        Measure::Requests => 1,
        Measure::Tokens => estimate.tokens,
    }
}
