//! What is going on right now in this process, the switch that ends it, and the drill that it meets.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use patchbay_core::route::InForce;
use tokio::sync::watch;

const MINUTE: Duration = Duration::from_mins(1);

/// Live figures.
#[derive(Debug, Default)]
pub struct Gauges {
    in_flight: Arc<AtomicU32>,
    starts: Mutex<VecDeque<Instant>>,
    stop: watch::Sender<Traffic>,
    drill: watch::Sender<Option<InForce>>,
}

/// Whether calls are served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Traffic {
    /// They are.
    #[default]
    Flows,
    /// Somebody threw the switch.
    Stopped,
}

/// A call on its way; dropping it ends its count.
#[derive(Debug)]
pub struct InFlight(Arc<AtomicU32>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gauges {
    /// A call begins.
    pub fn enter(&self) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut starts);
        starts.push_back(Instant::now());
        InFlight(Arc::clone(&self.in_flight))
    }

    /// Calls on their way.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Calls that began in the last 60 s.
    pub fn per_minute(&self) -> u32 {
        let mut starts = self.starts.lock().unwrap_or_else(PoisonError::into_inner);
        forget_old(&mut starts);
        u32::try_from(starts.len()).unwrap_or(u32::MAX)
    }

    /// Cuts everything on its way.
    pub fn stop(&self) {
        self.stop.send_replace(Traffic::Stopped);
    }

    /// Lets calls through again.
    pub fn resume(&self) {
        self.stop.send_replace(Traffic::Flows);
    }

    /// Returns when traffic is stopped.
    pub async fn stopped(&self) {
        let mut traffic = self.stop.subscribe();
        // The sender lives as long as these gauges do.
        let _ = traffic.wait_for(|traffic| *traffic == Traffic::Stopped).await;
    }

    /// This drill is in force from now on, or none.
    pub fn drill(&self, drill: Option<InForce>) {
        self.drill.send_if_modified(|known| {
            let is_news = *known != drill;
            *known = drill;
            is_news
        });
    }

    /// Returns when that drill is not in force any more, because somebody ended it.
    pub async fn drill_ended(&self, drill: &InForce) {
        let mut known = self.drill.subscribe();
        // The sender lives as long as these gauges do.
        let _ = known.wait_for(|known| known.as_ref() != Some(drill)).await;
    }
}

fn forget_old(starts: &mut VecDeque<Instant>) {
    while starts.front().is_some_and(|start| start.elapsed() > MINUTE) {
        starts.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_while_they_last() {
        let gauges = Gauges::default();
        let (first, second) = (gauges.enter(), gauges.enter());
        assert_eq!((gauges.in_flight(), gauges.per_minute()), (2, 2));
        drop(first);
        assert_eq!((gauges.in_flight(), gauges.per_minute()), (1, 2));
        drop(second);
        assert_eq!(gauges.in_flight(), 0);
    }
}
