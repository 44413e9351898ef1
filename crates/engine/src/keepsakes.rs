//! What providers want back with tools' results, between an answer and the next request of the same loop; in memory alone,
//! because a loop lasts seconds.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use patchbay_core::dialect::Keepsake;

/// How many tool calls are remembered: the oldest go first. One is a few kilobytes at most.
const REMEMBERED: NonZeroUsize = NonZeroUsize::MIN.saturating_add(4_095);

/// Keepsakes by the ids of their tool calls.
#[derive(Debug)]
pub struct Keepsakes(Mutex<LruCache<String, Arc<Keepsake>>>);

impl Default for Keepsakes {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(REMEMBERED)))
    }
}

impl Keepsakes {
    /// Keeps one until its loop goes on.
    pub fn keep(&self, keepsake: Keepsake) {
        if keepsake.is_empty() {
            return;
        }
        let keepsake = Arc::new(keepsake);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in keepsake.call_ids() {
            kept.put(id.to_owned(), Arc::clone(&keepsake));
        }
    }

    /// What was kept with a tool call.
    pub fn of(&self, call_id: &str) -> Option<Keepsake> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(call_id).map(|keepsake| keepsake.as_ref().clone())
    }
}
