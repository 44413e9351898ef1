//! Who waits for room, first come first served (R4).

use std::collections::VecDeque;

use super::Bid;
use crate::admission::{Estimate, Gate, Refusal, Seat};
use crate::standing::Naming;
use crate::time::Mono;

/// So many callers wait at most; the next one is told to come back.
pub(super) const LONGEST: usize = 1_000;

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub(super) u64);

/// One of the candidates that a caller waits for.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    /// Its number in the caller's plan.
    pub(super) candidate: usize,
    pub(super) seats: [Option<Seat>; 4],
    pub(super) model: String,
    pub(super) naming: Naming,
}

/// A caller that waits.
#[derive(Clone, Debug)]
pub(super) struct Waiter {
    pub(super) ticket: Ticket,
    pub(super) wishes: Vec<Wish>,
    pub(super) feature: String,
    pub(super) estimate: Estimate,
    pub(super) until: Mono,
    /// Whose room it waits for, as of the last look.
    pub(super) blocked: Vec<Gate>,
    /// Why, for the answer if the wait is in vain.
    pub(super) refusal: Option<Refusal>,
}

impl Waiter {
    pub(super) fn bid<'a>(&'a self, wish: &'a Wish) -> Bid<'a> {
        Bid {
            seats: wish.seats,
            model: &wish.model,
            naming: wish.naming,
            feature: &self.feature,
            estimate: self.estimate,
        }
    }
}

/// The queue, and the limits and budgets that somebody in it waits for: nobody overtakes there.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    pub(super) waiters: VecDeque<Waiter>,
    claims: Vec<Gate>,
    tickets: u64,
}

impl Queue {
    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    /// What somebody waits for.
    pub(super) fn claims(&self) -> &[Gate] {
        &self.claims
    }

    pub(super) fn claim(&mut self, gate: Gate) {
        if !self.claims.contains(&gate) {
            self.claims.push(gate);
        }
    }

    pub(super) fn forget_claims(&mut self) {
        self.claims.clear();
    }

    /// Takes a waiter out. What it claimed alone is free for the others.
    pub(super) fn cancel(&mut self, ticket: Ticket) {
        self.waiters.retain(|waiter| waiter.ticket != ticket);
        self.claims.clear();
        let blocked: Vec<Gate> = self.waiters.iter().flat_map(|waiter| &waiter.blocked).copied().collect();
        for gate in blocked {
            self.claim(gate);
        }
    }
}
