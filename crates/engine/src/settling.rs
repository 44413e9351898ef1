//! Summing up the days and months that are over, so that reports over years read few sums (T4). Reports do not depend on it: what
//! is not settled is read from quarters of an hour.

use patchbay_core::time::HOUR_MS;
use patchbay_store::rollup::settle;

use crate::error::Error;
use crate::{Engine, clock};

/// A day is settled so long after its end: attempts are entered when they end, and where they began.
const REST_MS: i64 = HOUR_MS;

/// Settles what is over in the zone of the configuration, and answers how many days and months.
pub(crate) fn run(engine: &Engine) -> Result<u32, Error> {
    let zone = clock::zone_or_system(&engine.snapshot()?.zone);
    Ok(settle::run(&engine.store, &zone, clock::now().plus_ms(-REST_MS))?)
}
