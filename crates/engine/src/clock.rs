//! The only place that reads the wall clock and the system's zone.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use patchbay_core::time::Timestamp;

/// Now.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The zone of that IANA name, or this system's where the name is empty or unknown.
pub fn zone_or_system(name: &str) -> TimeZone {
    patchbay_core::time::zone(name).unwrap_or_else(TimeZone::system)
}
