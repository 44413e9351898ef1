//! The only place that reads the clocks that decisions go by, and the system's zone.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use patchbay_core::time::{Mono, Now, Timestamp};

/// Now.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Now, on both clocks.
pub fn moment() -> Now {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let since = u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX);
    Now { mono: Mono::START.plus_ms(since), wall: now() }
}

/// The zone of that IANA name, or this system's where the name is empty or unknown.
pub fn zone_or_system(name: &str) -> TimeZone {
    patchbay_core::time::zone(name).unwrap_or_else(TimeZone::system)
}
