//! A drill in force: until its end, real calls meet a trouble that is only pretended. Who is struck is passed by, or held back,
//! before anything is reserved or sent, so that no counter, breaker, alert or report learns of it.

use serde::{Deserialize, Serialize};

use super::{Candidate, Drill, Plan, SkipReason, Trouble};
use crate::time::Timestamp;

/// A drill that real calls meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    /// Who is in trouble, and what is the matter.
    pub drill: Drill,
    /// It ends then, by itself.
    pub until: Timestamp,
}

/// What becomes of an attempt that a drill strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pretence {
    /// It is not made.
    PassedBy,
    /// It is made so many milliseconds later.
    HeldBack(u32),
    /// After so many milliseconds, it is not made: nobody waits longer for a first byte there.
    GivenUp(u32),
}

impl InForce {
    /// Whether it has ended by then.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until <= now
    }

    /// What becomes of an attempt at that candidate; `None` where it is not struck.
    pub fn meets(&self, candidate: &Candidate<'_>) -> Option<Pretence> {
        if !self.drill.strikes(candidate.connection) {
            return None;
        }
        let patience = candidate.first_byte_ms;
        Some(match self.drill.trouble {
            Trouble::Outage | Trouble::RateLimited => Pretence::PassedBy,
            Trouble::Slow { first_byte_ms } => u32::try_from(first_byte_ms)
                .ok()
                .filter(|after_ms| *after_ms < patience)
                .map_or(Pretence::GivenUp(patience), Pretence::HeldBack),
        })
    }

    /// Why who is struck is passed by.
    pub fn reason(&self) -> SkipReason {
        SkipReason::Pretended(self.drill.trouble, self.until)
    }
}

impl Plan<'_> {
    /// Passes by whom a drill strikes for the whole call. Who is left would be left by the trouble itself, too: a bare model does
    /// not go to another provider because of it.
    pub(super) fn pretend(&mut self, drill: &InForce) {
        let skipped = &mut self.skipped;
        self.candidates.retain(|candidate| {
            let is_struck = drill.meets(candidate) == Some(Pretence::PassedBy);
            if is_struck {
                skipped.push((candidate.connection, drill.reason()));
            }
            !is_struck
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::tests::connection;
    use crate::route::{Fleet, Needs, Struck, plan, rehearse};
    use crate::switchboard::Switchboard;
    use crate::time::{Mono, Now};

    const NOW: Now = Now { mono: Mono(1_000), wall: Timestamp(1_790_000_000_000) };

    fn in_force(trouble: Trouble) -> InForce {
        let drill = Drill { struck: Struck::Provider("openai".into()), trouble };
        InForce { drill, until: NOW.wall.plus_ms(60_000) }
    }

    /// Two connections of OpenAI and another one that has the same model.
    fn fleet(drill: InForce) -> Fleet {
        Fleet {
            connections: vec![
                connection(1, "primary", "openai", 1, &["m", "own"]),
                connection(2, "backup", "openai", 2, &["m"]),
                connection(3, "desk", "ollama", 3, &["m"]),
            ],
            drill: Some(drill),
            ..Fleet::default()
        }
    }

    /// Who is tried and who is passed by because of the drill, at that moment.
    fn planned(trouble: Trouble, requested: &str, now: Now) -> (Vec<String>, Vec<String>) {
        let mut board = Switchboard::new(jiff::tz::TimeZone::UTC);
        let drill = in_force(trouble);
        let directory = board.configure(fleet(drill.clone()));
        let plan = plan(&directory, requested, &Needs::default(), &board, now);
        let tried = plan.candidates.iter().map(|candidate| candidate.connection.key.clone()).collect();
        let pretended = plan.skipped.iter().filter(|(_, reason)| *reason == drill.reason());
        (tried, pretended.map(|(connection, _)| connection.key.clone()).collect())
    }

    #[test]
    fn who_is_struck_is_passed_by_until_the_drill_ends() {
        for trouble in [Trouble::Outage, Trouble::RateLimited] {
            let (tried, pretended) = planned(trouble, "openai/m", NOW);
            assert_eq!((tried, pretended), (vec![], vec!["primary".to_owned(), "backup".to_owned()]));
            assert_eq!(planned(trouble, "primary/own", NOW).1, ["primary"], "a key leads past no drill");
            assert_eq!(planned(trouble, "ollama/m", NOW).0, ["desk"]);
            let later = Now { wall: NOW.wall.plus_ms(60_000), ..NOW };
            let (tried, pretended) = planned(trouble, "openai/m", later);
            assert_eq!((tried.len(), pretended.len()), (2, 0), "it has ended");
        }
    }

    #[test]
    fn f7_a_drill_leads_no_bare_model_to_another_provider() {
        assert_eq!(planned(Trouble::Outage, "m", NOW).0, Vec::<String>::new());
    }

    #[test]
    fn slowness_holds_back_as_long_as_anybody_waits_for_a_first_byte() {
        let there = connection(1, "primary", "openai", 1, &["m"]);
        let elsewhere = connection(3, "desk", "ollama", 1, &["m"]);
        let patient = Candidate { first_byte_ms: 2_000, ..Candidate::unlisted(&there, "m") };
        let meets = |first_byte_ms| in_force(Trouble::Slow { first_byte_ms }).meets(&patient);
        assert_eq!(meets(1_999), Some(Pretence::HeldBack(1_999)));
        assert_eq!(meets(2_000), Some(Pretence::GivenUp(2_000)));
        assert_eq!(meets(u64::MAX), Some(Pretence::GivenUp(2_000)));
        let slow = in_force(Trouble::Slow { first_byte_ms: 10 });
        assert_eq!(slow.meets(&Candidate::unlisted(&elsewhere, "m")), None);
        assert_eq!(
            planned(slow.drill.trouble, "openai/m", NOW).0,
            ["primary", "backup"],
            "whoever is slow is asked"
        );
    }

    #[test]
    fn a_rehearsal_is_of_things_as_they_really_are() {
        let mut board = Switchboard::new(jiff::tz::TimeZone::UTC);
        let directory = board.configure(fleet(in_force(Trouble::Outage)));
        let other = Drill {
            struck: Struck::Connection("backup".into()),
            trouble: Trouble::Slow { first_byte_ms: 1 },
        };
        let rehearsal = rehearse(&directory, "openai/m", &Needs::default(), &other, (&board, NOW));
        assert_eq!(rehearsal.home().map(|stop| stop.connection.key.as_str()), Some("primary"));
    }

    #[test]
    fn it_is_kept_as_it_is() {
        for trouble in [Trouble::Outage, Trouble::RateLimited, Trouble::Slow { first_byte_ms: 30_000 }] {
            let drill = in_force(trouble);
            let text = serde_json::to_string(&drill).unwrap();
            assert_eq!(serde_json::from_str::<InForce>(&text).unwrap(), drill, "{text}");
        }
    }
}
