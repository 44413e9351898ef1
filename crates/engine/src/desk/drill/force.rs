//! A drill in force: begun, shown and ended. It is a part of the configuration, so every process on the folder follows it, and a
//! restart does not end it; its time does.

use std::sync::Arc;

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::code::Code;
use patchbay_core::route::{InForce, Struck, Trouble};
use patchbay_core::time::Timestamp;
use patchbay_store::{Recorded, setting};
use serde::{Deserialize, Serialize};

use super::{DrillReport, DrillRequest, TroubleKind, label, run};
use crate::changes::Changed;
use crate::error::Error;
use crate::snapshot::{DRILL, Snapshot};
use crate::{Engine, clock};

/// No drill is in force for longer, in minutes.
pub const LONGEST_MIN: u32 = 120;
const MINUTE_MS: i64 = 60_000;

/// Whether a drill begins that leaves names without a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Homeless {
    /// Not before a person has seen which.
    Ask,
    /// Calls for them fail until it ends.
    Accept,
}

/// A drill in force, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct DrillInForce {
    /// Who is said to be in trouble, as a person calls it.
    pub struck: String,
    /// What is the matter.
    pub trouble: TroubleKind,
    /// Both in words: "OpenAI is pretended to be down".
    pub text: String,
    /// When it ends by itself.
    pub until: Timestamp,
}

/// What became of the wish to begin one.
#[derive(Clone, Debug, Serialize, specta::Type)]
pub struct DrillStarted {
    /// `None` where names would have no home, and nobody has said that they may.
    pub in_force: Option<DrillInForce>,
    /// The dry run of it.
    pub report: DrillReport,
}

/// Lets real calls meet a drill for so many minutes.
pub async fn start(
    engine: &Arc<Engine>,
    request: &DrillRequest,
    minutes: u32,
    homeless: Homeless,
) -> Result<DrillStarted, Error> {
    if !(1..=LONGEST_MIN).contains(&minutes) {
        return Err(Error::invalid(
            format!("A drill is in force for 1 to {LONGEST_MIN} minutes, not for {minutes}."),
            "Give fewer minutes, or begin another one when it has ended.",
        ));
    }
    let report = run(engine, request)?;
    if report.homeless > 0 && homeless == Homeless::Ask {
        return Ok(DrillStarted { in_force: None, report });
    }
    let snapshot = engine.snapshot()?;
    let now = engine.board.now().wall;
    let until = now.plus_ms(i64::from(minutes) * MINUTE_MS);
    let begun = InForce { drill: request.drill(&snapshot)?, until };
    let other = engine.change({
        let begun = begun.clone();
        move |db| {
            let known: Option<InForce> = setting::get(db, DRILL)?;
            let Some(over) = known else {
                setting::set(db, DRILL, &begun, clock::now())?;
                return Ok(Recorded::new(None, entered(&begun, minutes)));
            };
            if !over.is_over(now) {
                return Ok(Recorded::unchanged(Some(over)));
            }
            setting::set(db, DRILL, &begun, clock::now())?;
            Ok(Recorded::all(None, vec![timed_out(&over), entered(&begun, minutes)]))
        }
    });
    if let Some(other) = other.await? {
        return Err(Error::new(
            Code::InUse,
            format!("A drill is in force already: {}.", in_words(&snapshot, &other)),
            "End it first: `patchbay drill end`, or End drill in the window.",
        ));
    }
    engine.gauges.drill(Some(begun.clone()));
    engine.changes.send(Changed::Status);
    Ok(DrillStarted { in_force: Some(shown(&snapshot, &begun)), report })
}

/// Ends the drill in force, and answers which; `None` where there is none.
pub async fn end(engine: &Arc<Engine>) -> Result<Option<DrillInForce>, Error> {
    let now = engine.board.now().wall;
    let ended = engine
        .change(move |db| {
            let known: Option<InForce> = setting::get(db, DRILL)?;
            let Some(drill) = known else { return Ok(Recorded::unchanged(None)) };
            setting::clear(db, DRILL)?;
            let is_over = drill.is_over(now);
            let entry = if is_over { timed_out(&drill) } else { ended(Actor::User, &drill) };
            Ok(Recorded::new((!is_over).then_some(drill), entry))
        })
        .await?;
    engine.gauges.drill(None);
    engine.changes.send(Changed::Status);
    let snapshot = engine.snapshot()?;
    Ok(ended.map(|drill| shown(&snapshot, &drill)))
}

/// The drill in force.
pub fn in_force(engine: &Engine) -> Result<Option<DrillInForce>, Error> {
    let snapshot = engine.snapshot()?;
    let drill = snapshot.directory.drill(engine.board.now().wall);
    Ok(drill.map(|drill| shown(&snapshot, drill)))
}

/// "OpenAI is pretended to be down until 14:20".
pub(crate) fn in_words(snapshot: &Snapshot, drill: &InForce) -> String {
    let zone = clock::zone_or_system(&snapshot.zone);
    format!("{} until {}", pretended(snapshot, drill), drill.until.clock(&zone))
}

impl Engine {
    /// Ends the drill whose time is over. Of several processes on the folder, the first enters it.
    pub(crate) fn end_drill_in_time(&self) -> Result<(), Error> {
        let now = self.board.now().wall;
        let known: Option<InForce> = self.store.read(|db| setting::get(db, DRILL))?;
        if !known.is_some_and(|drill| drill.is_over(now)) {
            return Ok(());
        }
        self.store.change(clock::now(), move |db| {
            let known: Option<InForce> = setting::get(db, DRILL)?;
            let Some(over) = known.filter(|drill| drill.is_over(now)) else {
                return Ok(Recorded::unchanged(()));
            };
            setting::clear(db, DRILL)?;
            Ok(Recorded::new((), timed_out(&over)))
        })?;
        self.changes.send(Changed::Status);
        Ok(())
    }
}

fn shown(snapshot: &Snapshot, drill: &InForce) -> DrillInForce {
    DrillInForce {
        struck: label(snapshot, &drill.drill.struck),
        trouble: drill.drill.trouble.into(),
        text: pretended(snapshot, drill),
        until: drill.until,
    }
}

fn pretended(snapshot: &Snapshot, drill: &InForce) -> String {
    let struck = label(snapshot, &drill.drill.struck);
    match drill.drill.trouble {
        Trouble::Outage => format!("{struck} is pretended to be down"),
        Trouble::RateLimited => format!("{struck} is pretended to answer 429"),
        Trouble::Slow { first_byte_ms } => {
            let seconds = first_byte_ms.div_ceil(1_000);
            format!("{struck} is pretended to take {seconds} s for its first byte")
        }
    }
}

fn entered(drill: &InForce, minutes: u32) -> Entry {
    let change = Change::default().fact("trouble", drill.drill.trouble).fact("minutes", minutes);
    Entry::user(Action::Begin, Kind::Drill, name(drill)).change(change)
}

fn ended(actor: Actor, drill: &InForce) -> Entry {
    Entry::by(actor, Action::End, Kind::Drill, name(drill))
}

fn timed_out(drill: &InForce) -> Entry {
    ended(Actor::Scheduler, drill).because("its time was over")
}

fn name(drill: &InForce) -> &str {
    match &drill.drill.struck {
        Struck::Provider(name) | Struck::Connection(name) => name,
    }
}

impl From<Trouble> for TroubleKind {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Outage => Self::Outage,
            Trouble::RateLimited => Self::RateLimited,
            Trouble::Slow { .. } => Self::Slow,
        }
    }
}
