//! The only place that reads the clocks that decisions go by, and the system's zone.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use patchbay_core::time::{Mono, Now, Timestamp};

/// Now.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The zone of that IANA name, or this system's where the name is empty or unknown.
pub fn zone_or_system(name: &str) -> TimeZone {
    patchbay_core::time::zone(name).unwrap_or_else(TimeZone::system)
}

/// The two clocks that limits, breakers and queues go by. They can be turned, so that a proof of what happens at midnight does
/// not have to wait for it.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Turned>);

#[derive(Debug, Default)]
struct Turned {
    both_ms: AtomicU64,
    wall_ms: AtomicI64,
}

impl Clock {
    /// Now, on both clocks.
    pub fn moment(&self) -> Now {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let since = u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX);
        let turned = self.0.both_ms.load(Ordering::Relaxed);
        let wall = i64::try_from(turned).unwrap_or(i64::MAX) + self.0.wall_ms.load(Ordering::Relaxed);
        Now { mono: Mono::START.plus_ms(since.saturating_add(turned)), wall: now().plus_ms(wall) }
    }

    /// Time passes.
    pub fn advance(&self, ms: u64) {
        self.0.both_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Somebody sets the clock on the wall, forward or back; no time passes.
    pub fn set_wall(&self, by_ms: i64) {
        self.0.wall_ms.fetch_add(by_ms, Ordering::Relaxed);
    }
}
