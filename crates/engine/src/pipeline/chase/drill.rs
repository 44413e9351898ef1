//! What a drill in force does to a call on its way: slowness that is only pretended, and words for a call that has no home
//! because of it. What is pretended comes before anything is reserved, so that nothing learns of it.

use std::sync::Arc;
use std::time::Duration;

use patchbay_core::dialect::Failure;
use patchbay_core::route::{InForce, Next, Plan, Pretence, SkipReason};

use super::super::hedge;
use super::Chase;
use crate::Engine;
use crate::call::Call;
use crate::desk::drill::in_words;
use crate::gauges::Traffic;
use crate::snapshot::Snapshot;

/// Whether a drill had part in what became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pipeline) enum Part {
    /// It had none.
    None,
    /// Somebody was passed by, or held back, because of it.
    Some,
}

/// The part of a drill in a plan.
pub(in crate::pipeline) fn has_part_in(plan: &Plan<'_>) -> Part {
    let is_struck = plan.skipped.iter().any(|(_, reason)| matches!(reason, SkipReason::Pretended(..)));
    if is_struck { Part::Some } else { Part::None }
}

/// Nobody took a call: people are told, unless a drill has part in it. Then its caller is told of that.
pub(in crate::pipeline) fn unserved(
    (engine, snapshot): (&Engine, &Snapshot),
    call: &Call,
    failure: Failure,
    part: Part,
) -> Failure {
    let drill = snapshot.drill.as_ref().filter(|_| part == Part::Some);
    let Some(drill) = drill else {
        engine.watch.unserved(&call.inbound.model, &failure);
        return failure;
    };
    let pretended = in_words(snapshot, drill);
    let how = "`patchbay drill end`, or End drill in the window, ends it.";
    Failure { message: format!("{} A drill is in force: {pretended}. {how}", failure.message), ..failure }
}

/// What ends a wait that is only pretended.
enum Ended {
    /// Its time.
    InTime,
    /// Somebody ended the drill.
    WithDrill,
    /// All traffic was stopped.
    Stopped,
}

impl Chase<'_> {
    /// Waits as long as a drill pretends that the current candidate's first byte takes, once for each; then, whether it is to be
    /// asked. The call's deadline holds here, too.
    pub(super) async fn sits_out_drill(&mut self) -> bool {
        let (engine, began) = (self.engine, self.engine.board.now());
        let Some(drill) = self.snapshot.directory.drill(began.wall) else { return true };
        let Some((wait_ms, is_asked)) = self.pretended(drill).await else { return true };
        let longest_ms = self.pursuit.left_ms(began.mono).min(drill.until.since_ms(began.wall));
        let ended = hold(engine, drill, wait_ms.min(longest_ms)).await;
        let now = engine.board.now();
        self.held.push(self.pursuit.candidate());
        self.detours.held_ms += now.mono.since_ms(began.mono);
        match ended {
            Ended::Stopped => (self.traffic, self.next) = (Traffic::Stopped, Next::GiveUp),
            _ if self.pursuit.left_ms(now.mono) == 0 => self.next = Next::GiveUp,
            Ended::WithDrill => return true,
            Ended::InTime if is_asked || drill.is_over(now.wall) => return true,
            Ended::InTime => {
                self.pass_by(self.candidate(), drill.reason());
                self.next = self.pursuit.barred(&self.plan.candidates, now.mono);
            }
        }
        false
    }

    /// The part of a drill in what became of this call.
    pub(super) fn part_of_drill(&self) -> Part {
        if self.held.is_empty() { has_part_in(self.plan) } else { Part::Some }
    }

    /// How long the current candidate is held back, and whether it is asked then; `None` where nothing is pretended of it, or it
    /// was held back already. Who asks the next one beside a slow one asks that one alone: this one will not answer sooner.
    async fn pretended(&self, drill: &InForce) -> Option<(u64, bool)> {
        if self.held.contains(&self.pursuit.candidate()) {
            return None;
        }
        let (wait_ms, is_asked) = match drill.meets(self.candidate())? {
            Pretence::PassedBy => (0, false),
            Pretence::HeldBack(ms) => (u64::from(ms), true),
            Pretence::GivenUp(ms) => (u64::from(ms), false),
        };
        if self.may_ask_beside()
            && let Some(slow_ms) = hedge::slow_after(self, self.candidate()).await
            && slow_ms < wait_ms
        {
            return Some((slow_ms, false));
        }
        Some((wait_ms, is_asked))
    }
}

async fn hold(engine: &Arc<Engine>, drill: &InForce, wait_ms: u64) -> Ended {
    tokio::select! {
        () = tokio::time::sleep(Duration::from_millis(wait_ms)) => Ended::InTime,
        () = engine.gauges.drill_ended(drill) => Ended::WithDrill,
        () = engine.gauges.stopped() => Ended::Stopped,
    }
}
