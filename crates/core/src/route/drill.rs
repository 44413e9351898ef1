//! A failover drill: a provider or a connection is said to be in trouble, and a call is walked through its plan as it would go.
//! It runs on the real plan with the real [`Pursuit`], in virtual time; nothing is sent, counted or learnt. Real calls meet it
//! only while it is in force ([`super::InForce`]), which a rehearsal takes no notice of.

use serde::{Deserialize, Serialize};

use super::{
    Candidate, DEADLINE_MS, Directory, Failed, MAX_ATTEMPTS, Needs, Next, Pursuit, SkipReason, Standby,
    Terms, plan_in_earnest,
};
use crate::code::Code;
use crate::connection::Connection;
use crate::dialect::Failure;
use crate::switchboard::Switchboard;
use crate::time::{Mono, Now};

/// Backoff is drawn by chance; a drill takes the same draw every time.
const JITTER: u64 = 125;

/// Who is in trouble.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Struck {
    /// All connections of that provider, by its slug.
    Provider(String),
    /// That connection, by its key.
    Connection(String),
}

/// What is the matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// It cannot be reached: every attempt waits for the connection in vain.
    Outage,
    /// It answers 429 without saying until when.
    RateLimited,
    /// Its first byte comes after so many milliseconds.
    Slow {
        /// After the request.
        first_byte_ms: u64,
    },
}

/// A drill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// Who is in trouble.
    pub struck: Struck,
    /// What is the matter.
    pub trouble: Trouble,
}

/// What would become of one stop on a call's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Passed by, as things are now.
    Skipped(SkipReason),
    /// It would fail.
    Fails {
        /// Why.
        code: Code,
        /// How often it would be tried.
        tries: u32,
    },
    /// It would answer.
    Answers,
    /// The call would not come this far.
    Spare,
}

/// One stop on a call's way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// The model, where it would be asked for one.
    pub model: Option<&'a str>,
    /// What would become of it.
    pub fate: Fate,
}

/// How a call would go.
#[derive(Clone, Debug, PartialEq)]
pub struct Rehearsal<'a> {
    /// In the order of trying; who is passed by comes last.
    pub stops: Vec<Stop<'a>>,
    /// How long it would take until the answering attempt begins, or until the caller is told, at most, in milliseconds.
    pub delay_ms: u64,
    /// Whether anything on its way is in trouble.
    pub is_struck: bool,
}

impl<'a> Rehearsal<'a> {
    /// Who would answer; `None` for a call that would have no home.
    pub fn home(&self) -> Option<&Stop<'a>> {
        self.stops.iter().find(|stop| stop.fate == Fate::Answers)
    }
}

/// Walks a call for `requested` through its plan, with that trouble.
pub fn rehearse<'a>(
    directory: &'a Directory,
    requested: &'a str,
    needs: &Needs,
    drill: &Drill,
    (board, now): (&Switchboard, Now),
) -> Rehearsal<'a> {
    let plan = plan_in_earnest(directory, requested, needs, board, now);
    let conduct = plan.profile.map(|profile| profile.conduct).unwrap_or_default();
    let terms = Terms {
        attempts: conduct.attempts.unwrap_or(MAX_ATTEMPTS),
        deadline: Mono(0).plus_ms(DEADLINE_MS),
        when_full: conduct.when_full,
    };
    let (fates, delay_ms) = walk(drill, &plan.candidates, terms);
    let stop = |(candidate, fate): (&Candidate<'a>, Fate)| Stop {
        connection: candidate.connection,
        model: Some(candidate.model),
        fate,
    };
    let skipped = |(connection, reason): &(&'a Connection, SkipReason)| Stop {
        connection,
        model: None,
        fate: Fate::Skipped(*reason),
    };
    let is_struck = plan.candidates.iter().any(|candidate| drill.strikes(candidate.connection));
    let stops = plan.candidates.iter().zip(fates).map(stop).chain(plan.skipped.iter().map(skipped)).collect();
    Rehearsal { stops, delay_ms, is_struck }
}

impl Drill {
    /// Whether that connection is in trouble.
    pub fn strikes(&self, connection: &Connection) -> bool {
        match &self.struck {
            Struck::Provider(slug) => connection.provider == *slug,
            Struck::Connection(key) => connection.key == *key,
        }
    }
}

/// The fate of each candidate, and how long it took in all.
fn walk(drill: &Drill, candidates: &[Candidate<'_>], terms: Terms) -> (Vec<Fate>, u64) {
    let mut fates = vec![Fate::Spare; candidates.len()];
    let mut pursuit = Pursuit::new(terms);
    let mut clock = Mono(0);
    while let Some(candidate) = candidates.get(pursuit.candidate()) {
        let at = pursuit.candidate();
        let Some((failure, took_ms)) = failure(drill, candidate) else {
            fates[at] = Fate::Answers;
            break;
        };
        let tries = if let Fate::Fails { tries, .. } = fates[at] { tries + 1 } else { 1 };
        fates[at] = Fate::Fails { code: failure.code, tries };
        clock = clock.plus_ms(took_ms);
        let failed = Failed { failure: &failure, standby: Standby::Absent, jitter: JITTER };
        match pursuit.failed(&failed, candidates, clock) {
            Next::Same { after_ms } => clock = clock.plus_ms(after_ms),
            Next::Candidate | Next::Standby => {}
            Next::Wait { .. } | Next::GiveUp => break,
        }
    }
    (fates, clock.since_ms(Mono(0)))
}

/// How an attempt there would fail, and after how many milliseconds; `None` where it would answer.
fn failure(drill: &Drill, candidate: &Candidate<'_>) -> Option<(Failure, u64)> {
    if !drill.strikes(candidate.connection) {
        return None;
    }
    let patience = u64::from(candidate.first_byte_ms);
    let failed = |code, after_ms| Some((Failure::new(code, "drill"), after_ms));
    match drill.trouble {
        Trouble::Outage => failed(Code::NetworkFailed, candidate.connection.timeouts.connect_ms.into()),
        Trouble::RateLimited => failed(Code::RateLimited, 0),
        Trouble::Slow { first_byte_ms } if first_byte_ms < patience => None,
        Trouble::Slow { .. } => failed(Code::TimedOut, patience),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::ConnectionStatus;
    use crate::id::{ConnectionId, ProfileId};
    use crate::profile::{Conduct, Profile, Step, Target};
    use crate::route::Fleet;
    use crate::route::tests::connection;
    use crate::time::Timestamp;

    const NOW: Now = Now { mono: Mono(1_000), wall: Timestamp(1_790_000_000_000) };

    fn fleet(conduct: Conduct) -> Fleet {
        let to = |id| Target { step: Step::Connection(ConnectionId(id)), model: "m".into() };
        let chain = Profile::chain(ProfileId(1), "signals", 1, vec![to(1), to(2), to(3)]);
        let mut primary = connection(1, "primary", "openai", 1, &["m"]);
        primary.max_retries = 1;
        Fleet {
            connections: vec![
                primary,
                connection(2, "backup", "openai", 2, &["m"]),
                connection(3, "desk", "ollama", 1, &["m"]),
            ],
            profiles: vec![Profile { conduct, ..chain }],
            ..Fleet::default()
        }
    }

    fn fates(fleet: Fleet, struck: Struck, trouble: Trouble) -> (Vec<Fate>, u64, Option<String>) {
        let mut board = Switchboard::new(jiff::tz::TimeZone::UTC);
        let directory = board.configure(fleet);
        let drill = Drill { struck, trouble };
        let rehearsal = rehearse(&directory, "signals", &Needs::default(), &drill, (&board, NOW));
        let home = rehearsal.home().map(|stop| stop.connection.key.clone());
        assert!(board.events().is_empty(), "a drill teaches nothing");
        (rehearsal.stops.iter().map(|stop| stop.fate).collect(), rehearsal.delay_ms, home)
    }

    fn openai() -> Struck {
        Struck::Provider("openai".into())
    }

    #[test]
    fn an_outage_goes_down_the_chain_with_all_its_retries() {
        let down = |tries| Fate::Fails { code: Code::NetworkFailed, tries };
        let (found, delay_ms, home) = fates(fleet(Conduct::default()), openai(), Trouble::Outage);
        assert_eq!(found, [down(2), down(1), Fate::Answers]);
        assert_eq!((delay_ms, home.as_deref()), (15_125, Some("desk")));
        let (found, ..) =
            fates(fleet(Conduct::default()), Struck::Connection("desk".into()), Trouble::Outage);
        assert_eq!(found, [Fate::Answers, Fate::Spare, Fate::Spare]);
    }

    #[test]
    fn f2_a_chain_that_is_longer_than_its_attempts_has_no_home() {
        let short = Conduct { attempts: Some(2), ..Conduct::default() };
        let (found, _, home) = fates(fleet(short), openai(), Trouble::Outage);
        assert_eq!(home, None);
        assert_eq!(found[1..], [Fate::Spare, Fate::Spare], "both attempts went to the first");
    }

    #[test]
    fn slowness_counts_where_it_is_longer_than_the_patience() {
        let slow = Trouble::Slow { first_byte_ms: 20_000 };
        let (_, delay_ms, home) = fates(fleet(Conduct::default()), openai(), slow);
        assert_eq!((delay_ms, home.as_deref()), (0, Some("primary")));
        let impatient = Conduct { first_byte_ms: Some(2_000), ..Conduct::default() };
        let (_, delay_ms, home) = fates(fleet(impatient), openai(), slow);
        assert_eq!((delay_ms, home.as_deref()), (6_125, Some("desk")));
    }

    #[test]
    fn who_is_passed_by_now_is_no_home() {
        let mut two = fleet(Conduct::default());
        two.connections[2].status = ConnectionStatus::Inactive;
        let (found, _, home) = fates(two, openai(), Trouble::RateLimited);
        assert_eq!(home, None);
        assert_eq!(found.last(), Some(&Fate::Skipped(SkipReason::Paused)));
    }
}
