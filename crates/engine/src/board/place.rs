//! The right to make one attempt, given back whatever happens.

use std::sync::Arc;

use patchbay_core::admission::{Reservation, Spent};
use patchbay_core::standing::{Signal, Verdict};
use patchbay_core::switchboard::Ending;

use super::Board;

/// A reservation with the way back. Dropped, it counts as an attempt that told nothing: a panic, a task that was cancelled.
#[derive(Debug)]
pub(crate) struct Place {
    board: Arc<Board>,
    reservation: Option<Reservation>,
}

impl Place {
    pub(super) fn new(board: &Arc<Board>, reservation: Reservation) -> Self {
        Self { board: Arc::clone(board), reservation: Some(reservation) }
    }

    /// From now on something may have reached the provider.
    pub(crate) fn sent(&mut self) {
        if let Some(reservation) = &mut self.reservation {
            reservation.mark_sent();
        }
    }

    /// It did not go out after all.
    pub(crate) fn not_sent(&mut self) {
        if let Some(reservation) = &mut self.reservation {
            reservation.mark_unsent();
        }
    }

    /// The attempt has ended.
    pub(crate) fn settle(mut self, ending: &Ending<'_>) {
        if let Some(reservation) = self.reservation.take() {
            self.board.settle(reservation, ending);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(reservation) = self.reservation.take() {
            let ending = Ending {
                model: "",
                spent: Spent::default(),
                verdict: Verdict::Unknown,
                signal: Signal::default(),
            };
            self.board.settle(reservation, &ending);
        }
    }
}
