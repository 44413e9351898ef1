//! What was seen of each connection, so that nobody is skipped without a cause.

use patchbay_core::code::{Blame, Code};
use patchbay_core::id::ConnectionId;
use patchbay_core::route::SkipReason;
use patchbay_core::standing::Hurdle;

#[derive(Clone, Debug)]
struct Seen {
    t: u64,
    connection: ConnectionId,
    model: String,
    code: Code,
    retry_after_ms: Option<u64>,
}

#[derive(Default)]
pub struct Evidence {
    seen: Vec<Seen>,
}

impl Evidence {
    pub fn failed(&mut self, t: u64, at: (ConnectionId, &str), code: Code, retry_after_ms: Option<u64>) {
        self.seen.push(Seen { t, connection: at.0, model: at.1.to_owned(), code, retry_after_ms });
    }

    pub fn forget(&mut self, connection: ConnectionId) {
        self.seen.retain(|seen| seen.connection != connection);
    }

    pub fn forget_all(&mut self) {
        self.seen.clear();
    }

    /// Whether a connection may be passed by for that reason.
    pub fn allows(&self, reason: SkipReason, at: (ConnectionId, &str), t: u64) -> bool {
        let here = || self.seen.iter().filter(move |seen| seen.connection == at.0);
        match reason {
            SkipReason::Cooling(_) => here().any(|seen| {
                let rests = seen.t + seen.retry_after_ms.unwrap_or(20_000);
                seen.model == at.1 && seen.code == Code::RateLimited && t < rests
            }),
            SkipReason::ModelUnavailable => here()
                .any(|seen| seen.model == at.1 && seen.code == Code::ModelNotFound && t < seen.t + 900_000),
            SkipReason::NeedsAttention(code) => here().any(|seen| seen.code == code),
            SkipReason::BreakerOpen(_) => {
                here().filter(|seen| seen.code.policy().health == Blame::Connection).count() >= 5
            }
            _ => false,
        }
    }

    pub fn allows_hurdle(&self, hurdle: Hurdle, at: (ConnectionId, &str), t: u64) -> bool {
        let now = patchbay_core::time::Now::default();
        self.allows(SkipReason::of_hurdle(hurdle, now), at, t)
    }
}
