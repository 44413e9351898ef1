//! What people and the machine do in the middle of it all.

use patchbay_core::admission::Spent;
use patchbay_core::connection::ConnectionStatus;
use patchbay_core::switchboard::Switchboard;

use crate::run::{Broken, Phase, Run};
use crate::scene::Change;

impl Run<'_> {
    pub fn change(&mut self, index: usize) -> Broken {
        match self.scene.changes[index].1 {
            Change::Pause(at) => self.fleet.connections[at].status = ConnectionStatus::Inactive,
            Change::Enable(at) => {
                if self.fleet.connections[at].status != ConnectionStatus::Active {
                    self.evidence.forget(self.fleet.connections[at].id);
                }
                self.fleet.connections[at].status = ConnectionStatus::Active;
            }
            Change::NewKey(at) => {
                if let Some(credential) = &mut self.fleet.connections[at].credential {
                    credential.version += 1;
                }
            }
            Change::SetClock(by_ms) => self.clock.set_wall(by_ms),
            Change::Restart => self.restart()?,
        }
        self.configured += 1;
        let (board, fleet) = (&mut self.board, &self.fleet);
        self.directory = self.cells[self.configured].get_or_init(|| board.configure(fleet.clone()));
        self.wake()
    }

    /// Everything on its way ends with the process; what was counted is taken up by the next one.
    pub fn restart(&mut self) -> Broken {
        self.tally.restarts += 1;
        for call in 0..self.calls.len() {
            if let Phase::InFlight { reservation, entry, .. } =
                std::mem::replace(&mut self.calls[call].phase, Phase::Over)
            {
                self.enter(&reservation, entry, Spent::default());
            }
            if self.scene.calls[call].at > self.clock.t {
                self.calls[call].phase = Phase::Ahead;
            }
            self.next_step(call);
        }
        let now = self.clock.now();
        while self.board.admission().reclaim(now).is_some() {}
        let kept =
            serde_json::to_string(&self.board.admission().keep(now)).map_err(|error| error.to_string())?;
        self.clock.restart();
        self.evidence.forget_all();
        self.board = Switchboard::new(patchbay_core::time::zone(self.scene.zone).ok_or("a zone")?);
        self.board.configure(self.fleet.clone());
        let counters = serde_json::from_str(&kept).map_err(|error| error.to_string())?;
        self.board.admission().restore(&counters, self.clock.now());
        Ok(())
    }
}
