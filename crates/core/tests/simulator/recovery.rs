//! The end of a run: every reservation is back, and who was in trouble heals without a person (F4).

use patchbay_core::breaker::Pass;
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::standing::{Hurdle, Naming, Verdict};

use crate::run::Run;
use crate::scene::MODELS;

/// Longer than the longest rest of a breaker, of a model, and than any wish for a pause.
const REST_MS: u64 = 16 * 60_000;

impl Run<'_> {
    pub fn recover(&mut self) -> Result<(), String> {
        self.check_all_is_back()?;
        self.clock.t += REST_MS;
        for connection in self.fleet.connections.clone() {
            let subject = patchbay_core::admission::Subject::Connection(connection.id);
            let seat = self.board.admission().seat(&subject).ok_or("no seat")?;
            let now = self.clock.now();
            let hurdle = self.board.hurdle(seat, MODELS[0], Naming::ByKey, now);
            if connection.status != ConnectionStatus::Active {
                if hurdle != Err(Hurdle::Paused) {
                    return Err(format!("{} is paused and would answer: {hurdle:?}", connection.key));
                }
                continue;
            }
            let pass = hurdle.map_err(|hurdle| format!("{} never heals: {hurdle:?}", connection.key))?;
            let standing = self.board.standing_mut(seat).ok_or("no standing")?;
            standing.enter(MODELS[0], pass, u64::MAX, now.mono);
            standing.learn(MODELS[0], Verdict::Answered, (pass, now.mono), now);
            let after = self.board.hurdle(seat, MODELS[0], Naming::InPlan, now);
            if after != Ok(Pass::Free) {
                return Err(format!("{} answered and is not well: {after:?}", connection.key));
            }
        }
        Ok(())
    }

    fn check_all_is_back(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        let open = (self.board.admission().open(), self.book.open(), self.board.waiting());
        if open != (0, 0, 0) {
            return Err(format!("still open at the end (reservations, attempts, waiting): {open:?}"));
        }
        let spent: Vec<_> = self.book.budgets(now.wall).map(|(budget, spent)| (budget.id, spent)).collect();
        for (budget, spent) in spent {
            let used = self.board.admission().budget_used(budget, now).ok_or("no budget")?;
            if (used.spent, used.reserved) != (spent, 0) {
                return Err(format!("{budget:?} says {used:?}, and {spent} was spent"));
            }
        }
        Ok(())
    }
}
