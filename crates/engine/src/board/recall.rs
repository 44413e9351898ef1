//! What an earlier run knew (R3, F9): the ledger says what counts against limits, the states say who rests. The ledger is
//! written before a caller sees the end of its answer, so not even a crash forgives a request.

use patchbay_core::admission::{Recalled, Seat};
use patchbay_core::time::{Timestamp, last_days};
use patchbay_store::usage::Start;
use patchbay_store::{StoreError, standing, usage};

use super::Board;
use crate::clock;
use crate::snapshot::Snapshot;

const MINUTE_MS: i64 = 60_000;

impl Board {
    /// Takes up what an earlier run knew, once, before the first call.
    pub fn recall(&self, snapshot: &Snapshot) {
        self.recalled.get_or_init(|| {
            if let Err(error) = self.recall_now(snapshot) {
                tracing::error!(%error, "limits begin anew: what was used of them could not be read");
            }
            if let Err(error) = self.remember_levels().and_then(|()| self.open_books()) {
                tracing::error!(%error, "budgets begin anew: what was spent of them could not be read");
            }
            let news = self.live().news(self.now());
            self.alerts.take(news);
        });
    }

    fn recall_now(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let now = self.now();
        let since = since(now.wall, snapshot);
        let (starts, states) =
            self.store.read(|db| Ok::<_, StoreError>((usage::starts(db, since)?, standing::states(db)?)))?;
        let mut live = self.live();
        for start in starts {
            let past = Recalled { seats: seats(&start, snapshot), at: start.at, tokens: start.tokens };
            live.switchboard.admission().recall(&past, now);
        }
        for (id, state) in states {
            let [_, seat] = snapshot.directory.seats(id);
            if let Some(standing) = seat.and_then(|seat| live.switchboard.standing_mut(seat)) {
                standing.resume(&state.kept, now);
            }
        }
        Ok(())
    }
}

/// Whose limits an attempt counts against: its call's are counted once.
fn seats(start: &Start, snapshot: &Snapshot) -> [Option<Seat>; 4] {
    let directory = &snapshot.directory;
    let [provider, connection] = directory.seats(start.connection);
    if !start.is_final {
        return [provider, connection, None, None];
    }
    let profile = directory.profiles().iter().find(|profile| profile.name == start.profile);
    let profile = profile.and_then(|profile| directory.profile_seat(profile.id));
    let app = snapshot.app_id(&start.app).and_then(|app| directory.app_seat(app));
    [provider, connection, profile, app]
}

/// The earliest moment that any limit still looks at: midnight, or the start of the longest window.
pub(crate) fn since(now: Timestamp, snapshot: &Snapshot) -> Timestamp {
    let midnight =
        last_days(now, 1, &clock::zone_or_system(&snapshot.zone)).first().map_or(now, |(_, day)| day.from);
    let of_connections = snapshot.connections.iter().map(|connection| connection.limits.rate_limit_period_s);
    let of_profiles = snapshot.profiles.iter().map(|profile| profile.version.spec.rate_limit_period_s);
    let longest = of_connections.chain(of_profiles).flatten().max().unwrap_or(0);
    midnight.min(now.plus_ms(-(i64::from(longest) * 1_000).max(MINUTE_MS)))
}
