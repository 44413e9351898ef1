//! A second request beside a slow one, for profiles whose calls cannot wait: the first to answer is taken, the other ends, and
//! both are on the ledger.

use std::pin::pin;
use std::time::Duration;

use patchbay_core::ledger::Position;
use patchbay_core::pace::slow_after_ms;
use patchbay_core::route::Candidate;
use patchbay_core::time::HOUR_MS;
use patchbay_store::usage;

use super::attempt::Opened;
use super::chase::Chase;
use super::{Lost, attempt, standby_for};
use crate::clock;
use crate::trail::{Approach, Race};

/// An answer's pace is told by so many before it, of each kind of call.
const KNOWN: u32 = 100;

/// Makes an attempt at a candidate, and another one beside it once it is slow.
pub(super) async fn run<'a: 'b, 'b>(
    chase: &mut Chase<'a>,
    candidate: Candidate<'b>,
    approach: Approach,
) -> Result<Opened, Box<Lost<'b>>> {
    let (engine, snapshot, call) = chase.parts();
    let of = (snapshot, call);
    let Some(after_ms) = slow_after(chase, &candidate).await else {
        return attempt(engine, of, candidate, approach, None).await;
    };
    let race = Race::default();
    let mut first = pin!(attempt(engine, of, candidate, approach, Some(&race)));
    tokio::select! {
        ended = &mut first => return won(ended, &race),
        () = tokio::time::sleep(Duration::from_millis(after_ms)) => {}
    }
    let Some((beside, candidate, approach)) = chase.beside(after_ms) else {
        return won(first.await, &race);
    };
    let mut second = pin!(attempt(engine, of, candidate, approach, Some(&race)));
    let (ended, other, (left, failed)) = tokio::select! {
        ended = &mut first => (ended, second, (beside.second, beside.first)),
        ended = &mut second => (ended, first, (beside.first, beside.second)),
    };
    let Err(lost) = ended else {
        return won(ended, &race);
    };
    chase.left_with(left, failed);
    let closing = async {
        // Its standby key takes over for later calls; this one does not need it.
        standby_for(engine, lost.candidate.connection, &lost.failure).await;
        lost.trail.close(Position::Earlier, None).await;
    };
    let ((), ended) = tokio::join!(closing, other);
    won(ended, &race)
}

/// Who answers has won: the other, if there is one, ends when it is dropped.
fn won<'b>(ended: Result<Opened, Box<Lost<'b>>>, race: &Race) -> Result<Opened, Box<Lost<'b>>> {
    ended.map(|mut opened| {
        opened.win();
        race.decide();
        opened
    })
}

/// After how long a candidate is slower than it usually is; `None` where too little is known.
pub(super) async fn slow_after(chase: &Chase<'_>, candidate: &Candidate<'_>) -> Option<u64> {
    let (engine, _, call) = chase.parts();
    let (id, model, streamed) = (candidate.connection.id, candidate.model.to_owned(), call.is_streamed());
    let since = clock::now().plus_ms(-24 * HOUR_MS);
    let known = engine.blocking(move |engine| {
        Ok(engine.store.read(|db| usage::waits(db, (id, &model), streamed, (since, KNOWN)))?)
    });
    let known =
        known.await.inspect_err(|error| tracing::warn!(%error, "the pace of a model could not be read"));
    slow_after_ms(known.ok()?)
}
