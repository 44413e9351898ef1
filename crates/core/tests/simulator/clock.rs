//! True time, and what the two clocks of the process make of it.

use patchbay_core::time::{Mono, Now, Timestamp};

pub struct Clock {
    /// Milliseconds since the run began.
    pub t: u64,
    booted: u64,
    wall_shift: i64,
}

impl Clock {
    pub fn new(wall_at_start: i64) -> Self {
        Self { t: 0, booted: 0, wall_shift: wall_at_start }
    }

    pub fn now(&self) -> Now {
        Now { mono: Mono::START.plus_ms(self.t - self.booted), wall: self.wall() }
    }

    pub fn wall(&self) -> Timestamp {
        Timestamp(self.wall_shift + i64::try_from(self.t).expect("small"))
    }

    /// The true time of a moment on the steady clock.
    pub fn true_time(&self, mono: Mono) -> u64 {
        self.booted + mono.since_ms(Mono::START)
    }

    pub fn restart(&mut self) {
        self.booted = self.t;
    }

    pub fn set_wall(&mut self, by_ms: i64) {
        self.wall_shift += by_ms;
    }
}
