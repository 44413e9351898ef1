//! What budgets are told of the ledger (N1). It is shared by all processes on the folder: what it holds beyond this process's own
//! was spent by others, and counts within half a second.

use patchbay_core::alert::AlertKind;
use patchbay_core::budget::Period;
use patchbay_store::alert::Which;
use patchbay_store::{StoreError, alert, booked};

use super::{Board, Learnt};
use crate::snapshot::Snapshot;

impl Board {
    /// Tells budgets anew what the ledger holds of this day and this month.
    pub(super) fn open_books(&self) -> Result<(), StoreError> {
        let now = self.now();
        let (today, wants) = {
            let mut live = self.live();
            let wants = live.roster.has_budgets();
            (live.switchboard.admission().today(now), wants)
        };
        let spans = [(Period::Day, today.day), (Period::Month, today.month)];
        let (sums, newest) = self.store.read(|db| {
            let db = db.unchecked_transaction()?;
            let newest = booked::newest(&db)?;
            let mut sums = Vec::new();
            for (period, span) in spans.into_iter().filter(|_| wants) {
                sums.push((period, booked::during(&db, span.range)?));
            }
            Ok((sums, newest))
        })?;
        let mut live = self.live();
        let live = &mut *live;
        let admission = live.switchboard.admission();
        admission.close_books();
        for (period, rows) in &sums {
            for row in rows {
                let booked = live.roster.booked(row, admission);
                admission.book(&booked, Some(*period), row.at);
            }
        }
        admission.balance_books();
        live.booked_to = Some(newest);
        Ok(())
    }

    /// Which levels were announced before this process began: alerts that still stand.
    pub(super) fn remember_levels(&self) -> Result<(), StoreError> {
        self.alerts.catch_up()?;
        let lasting = self.store.read(|db| alert::list(db, Which::Lasting))?;
        let mut live = self.live();
        for alert in lasting.iter().filter(|alert| alert.kind == AlertKind::Budget) {
            if let Some((budget, period)) = live.roster.budget_of(&alert.subject).zip(alert.period) {
                live.switchboard.admission().announced(budget, period, alert.rank);
            }
        }
        Ok(())
    }

    /// Tells budgets what was entered since the last time, by whichever process, and lets them speak: a period ends without a
    /// call, too.
    pub fn follow_ledger(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let Some(booked_to) = self.live().booked_to.filter(|_| !snapshot.budgets.is_empty()) else {
            return Ok(());
        };
        let (rows, newest) = self.store.read(|db| booked::after(db, booked_to))?;
        if newest < booked_to {
            // Sample data was taken out, whose numbers are given again.
            return self.open_books();
        }
        let now = self.now();
        let mut live = self.live();
        let inner = &mut *live;
        let admission = inner.switchboard.admission();
        for row in &rows {
            let booked = inner.roster.booked(row, admission);
            admission.book(&booked, None, row.at);
        }
        admission.balance_books();
        inner.booked_to = Some(newest);
        let news = inner.news(now);
        drop(live);
        self.keep(Learnt { news, standings: Vec::new() });
        Ok(())
    }
}
