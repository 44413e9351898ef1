//! The rules of a call's way, each in its own words.

use patchbay_core::code::Code;
use patchbay_core::profile::WhenFull;
use patchbay_core::switchboard::Ticket;

use crate::run::{Broken, Phase, Run};

impl Run<'_> {
    /// F2: each candidate once per round; a connection again only with another model, after a trouble of the model's own.
    pub fn check_order(&self, call: usize, candidate: usize) -> Broken {
        let live = &self.calls[call];
        let here = live.candidates[candidate];
        let last = live.tried.last().map(|(last, _)| *last);
        for (earlier, code) in &live.tried {
            let there = live.candidates[*earlier];
            let is_own_trouble = !matches!(code, Some(Code::RateLimited | Code::ModelNotFound));
            let is_again = *earlier == candidate && last != Some(candidate);
            if is_again
                || (*earlier != candidate && there.connection.id == here.connection.id && is_own_trouble)
            {
                return Err(format!("{} was tried again after {:?}", here.connection.key, live.tried));
            }
        }
        if live.tried.len() >= 4 {
            return Err(format!("a fifth attempt after {:?}", live.tried));
        }
        let in_a_row = live.tried.iter().rev().take_while(|(at, _)| *at == candidate).count();
        if in_a_row > here.connection.max_retries as usize + 1 {
            return Err(format!("too many retries: {:?}", live.tried));
        }
        Ok(())
    }

    /// R4: of two callers that want the same, the later one never goes first.
    pub fn check_fifo(&self, call: usize, ticket: Ticket) -> Broken {
        let wants = |call: usize| {
            let spec = &self.scene.calls[call];
            let full: Vec<_> =
                self.calls[call].pursuit.full().iter().map(|at| self.wish(call, *at).subjects).collect();
            (spec.app, spec.feature, spec.estimate, full)
        };
        for (other, live) in self.calls.iter().enumerate() {
            if matches!(live.phase, Phase::Waits(earlier) if earlier < ticket) && wants(other) == wants(call)
            {
                return Err(format!("call {call} overtook call {other}, which wanted the same"));
            }
        }
        Ok(())
    }

    /// A call fails only if nobody was left who would have taken it: the cap, the deadline, its own wish not to look further, an
    /// error that no other connection would change, or every candidate tried, passed by for a cause, or spoilt by its connection.
    pub fn give_up(&mut self, call: usize) -> Broken {
        self.calls[call].phase = Phase::Over;
        let (spec, live) = (&self.scene.calls[call], &self.calls[call]);
        let is_over = self.clock.t >= spec.at + spec.patience_ms || live.tried.len() >= 4;
        let last = live.tried.last().and_then(|(_, code)| *code);
        let stops = spec.when_full == WhenFull::Fail && !live.passed_by.is_empty();
        if is_over || stops || last == Some(Code::BadRequest) {
            return Ok(());
        }
        for (index, candidate) in live.candidates.iter().enumerate() {
            let was_tried = live.tried.iter().any(|(at, _)| *at == index) || live.passed_by.contains(&index);
            let is_spoilt = live.tried.iter().any(|(at, code)| {
                let same = live.candidates[*at].connection.id == candidate.connection.id;
                same && !matches!(code, Some(Code::RateLimited | Code::ModelNotFound))
            });
            if !was_tried && !is_spoilt {
                return Err(format!(
                    "call {call} gave up and never asked {}: {:?}",
                    candidate.connection.key, live.tried
                ));
            }
        }
        Ok(())
    }

    /// R4: whoever comes new does not go before somebody who waits for the same and would fit.
    pub fn check_overtaking(&self, call: usize, candidate: usize) -> Broken {
        let mine = self.wish(call, candidate);
        for (other, live) in self.calls.iter().enumerate() {
            if !matches!(live.phase, Phase::Waits(_)) {
                continue;
            }
            for at in live.pursuit.full() {
                let (wish, there) = (self.wish(other, *at), live.candidates[*at]);
                let seat = there.seats[1].ok_or("no seat")?;
                let is_open = self.board.hurdle(seat, there.model, there.naming, self.clock.now()).is_ok();
                let fits = wish.estimate.tokens <= mine.estimate.tokens && wish.feature == mine.feature;
                if is_open && fits && wish.subjects == mine.subjects {
                    return Err(format!("call {call} came new and went before call {other}"));
                }
            }
        }
        Ok(())
    }
}
