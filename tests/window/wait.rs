//! Waiting for a condition, never for time.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

const LOOK_AGAIN: Duration = Duration::from_millis(40);

/// Looks until there is something to see.
pub(crate) async fn until<T>(what: &str, limit: Duration, look: impl AsyncFn() -> Option<T>) -> T {
    match found(limit, look).await {
        Some(seen) => seen,
        None => panic!("waited {} s in vain: {what}", limit.as_secs()),
    }
}

/// Looks until there is something to see, or the limit has passed.
pub(crate) async fn found<T>(limit: Duration, look: impl AsyncFn() -> Option<T>) -> Option<T> {
    let end = Instant::now() + limit;
    let mut looks = interval(LOOK_AGAIN);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let seen = look().await;
        if seen.is_some() || Instant::now() > end {
            return seen;
        }
    }
}
