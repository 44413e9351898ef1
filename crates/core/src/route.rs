//! Who is tried, in what order, and why somebody is not (behaviours F1, F2, F7).

mod directory;
mod drill;
mod needs;
mod pretence;
mod pursuit;
mod reason;
#[cfg(test)]
pub(crate) mod tests;

pub use directory::{Directory, Fleet};
pub use drill::{Drill, Fate, Rehearsal, Stop, Struck, Trouble, rehearse};
pub use needs::{Capabilities, ModelFacts, Needs};
pub use pretence::{InForce, Pretence};
pub use pursuit::{DEADLINE_MS, Failed, MAX_ATTEMPTS, Next, Pursuit, Standby, Terms};
pub use reason::SkipReason;

use self::directory::{Address, Listed, Offer};
use crate::admission::Seat;
use crate::catalog::DEMO;
use crate::connection::{Connection, ConnectionStatus};
use crate::model::ModelState;
use crate::profile::{Conduct, Profile, Streams};
use crate::provider::ProviderStatus;
use crate::standing::Naming;
use crate::switchboard::Switchboard;
use crate::time::{Now, Timestamp};

/// A connection that may be tried, with the model that it is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// The model id as its provider knows it.
    pub model: &'a str,
    /// The places of its provider and itself in the tables of admission; none for one that is not saved yet.
    pub seats: [Option<Seat>; 2],
    /// How the call came to it.
    pub naming: Naming,
    /// Tokens that fit into the model, where that is known.
    pub context: Option<u32>,
    /// The longest answer in tokens, where that is known.
    pub max_output: Option<u32>,
    /// How long its first byte is waited for, in milliseconds: as the profile says, else the connection.
    pub first_byte_ms: u32,
    /// Its step in the order of trying, and the number of the last attempt there, for the tie-break.
    order: (u32, u64),
}

impl<'a> Candidate<'a> {
    /// A connection that is tried whether it may be routed to or not: for tests.
    pub fn unlisted(connection: &'a Connection, model: &'a str) -> Self {
        Self {
            connection,
            model,
            seats: [None, None],
            naming: Naming::ByKey,
            context: None,
            max_output: None,
            first_byte_ms: connection.timeouts.first_byte_ms,
            order: (0, 0),
        }
    }

    /// The same, by a connection whose credential has changed since the plan was made.
    #[must_use]
    pub fn by(self, connection: &'a Connection) -> Self {
        Self { connection, ..self }
    }

    /// With its places in the tables of admission, where it is one of the directory's: an attempt counts for it.
    #[must_use]
    pub fn seated(self, directory: &Directory) -> Self {
        Self { seats: directory.seats(self.connection.id), ..self }
    }
}

/// The outcome of planning. An empty plan with skipped candidates is a 503; an empty one without any is a 404.
#[derive(Debug, Default)]
pub struct Plan<'a> {
    /// In the order of trying.
    pub candidates: Vec<Candidate<'a>>,
    /// Who has the model and is not tried.
    pub skipped: Vec<(&'a Connection, SkipReason)>,
    /// The profile that was named.
    pub profile: Option<&'a Profile>,
}

/// Plans a call for the model `requested`. A drill that is in force passes by whom it strikes.
pub fn plan<'a>(
    directory: &'a Directory,
    requested: &'a str,
    needs: &Needs,
    board: &Switchboard,
    now: Now,
) -> Plan<'a> {
    let mut plan = plan_in_earnest(directory, requested, needs, board, now);
    if let Some(drill) = directory.drill(now.wall) {
        plan.pretend(drill);
    }
    plan
}

/// The same as things really are.
fn plan_in_earnest<'a>(
    directory: &'a Directory,
    requested: &'a str,
    needs: &Needs,
    board: &Switchboard,
    now: Now,
) -> Plan<'a> {
    let mut plan = Plan::default();
    let mut offers = Vec::new();
    let address = directory.read(requested);
    let mut look = Look { needs, board, now, naming: naming_of(address), conduct: Conduct::default() };
    if let Address::Profile(index) = address {
        let profile = directory.profile(index);
        plan.profile = Some(profile);
        look.conduct = profile.conduct;
        for target in &profile.targets {
            directory.step_offers(&target.step, &target.model, &mut offers);
            plan.add(&mut offers, &look);
        }
        return plan;
    }
    directory.offers(address, &mut offers);
    plan.add(&mut offers, &look);
    if matches!(address, Address::Model(_)) {
        plan.keep_to_one_provider();
    }
    plan
}

fn naming_of(address: Address<'_>) -> Naming {
    if matches!(address, Address::Connection(..)) { Naming::ByKey } else { Naming::InPlan }
}

/// What offers are looked at with.
struct Look<'b> {
    needs: &'b Needs,
    board: &'b Switchboard,
    now: Now,
    naming: Naming,
    conduct: Conduct,
}

impl<'a> Plan<'a> {
    /// When the first of those that were skipped may be tried again, where time alone can tell: the `Retry-After` of a call that
    /// nobody may take.
    pub fn opens_at(&self) -> Option<Timestamp> {
        self.skipped.iter().filter_map(|(_, reason)| reason.until()).min()
    }

    /// Adds one step's offers, in the order of F1: priority, default, least recently used, id.
    fn add(&mut self, offers: &mut Vec<Offer<'a>>, look: &Look<'_>) {
        let first = self.candidates.len();
        self.candidates.reserve(offers.len());
        for offer in offers.drain(..) {
            let is_again = self.profile.is_some() && self.holds(&offer);
            match look.skip_reason(&offer) {
                _ if is_again => {}
                Some(reason) => self.skipped.push((&offer.listed.connection, reason)),
                None => self.candidates.push(look.candidate(&offer)),
            }
        }
        // Offers come sorted but for the last use, and those that were used go in turn: the stable sort finds two long runs,
        // and keeps the order of ids.
        self.candidates[first..].sort_by_key(|candidate| candidate.order);
    }

    /// A chain may name the same model of the same connection twice; it is tried once (F2).
    fn holds(&self, offer: &Offer<'_>) -> bool {
        let id = offer.listed.connection.id;
        self.candidates.iter().any(|known| known.connection.id == id && known.model == offer.model)
    }

    /// A bare model goes to the provider of the first connection that may take it, and no further (F7).
    fn keep_to_one_provider(&mut self) {
        let Some(first) = self.candidates.first() else { return };
        let (seat, provider) = (first.seats[0], first.connection.provider.as_str());
        let skipped = &mut self.skipped;
        self.candidates.retain(|candidate| {
            // Seats are compared first because they lie at hand.
            let has_same_seat = seat.is_some() && candidate.seats[0] == seat;
            let is_same = has_same_seat || candidate.connection.provider == provider;
            if !is_same {
                skipped.push((candidate.connection, SkipReason::OtherProvider));
            }
            is_same
        });
    }
}

impl Look<'_> {
    fn candidate<'a>(&self, offer: &Offer<'a>) -> Candidate<'a> {
        Candidate {
            connection: &offer.listed.connection,
            model: offer.model,
            seats: [offer.listed.provider_seat, offer.listed.seat],
            naming: self.naming,
            context: offer.facts.and_then(|facts| facts.context),
            max_output: offer.facts.and_then(|facts| facts.max_output),
            first_byte_ms: self
                .conduct
                .first_byte_ms
                .unwrap_or(offer.listed.connection.timeouts.first_byte_ms),
            order: (offer.listed.rank, offer.listed.seat.map_or(0, |seat| self.board.last_use(seat))),
        }
    }

    fn skip_reason(&self, offer: &Offer<'_>) -> Option<SkipReason> {
        self.settings(offer.listed).or_else(|| self.model(offer)).or_else(|| {
            let seat = offer.listed.seat?;
            let hurdle = self.board.hurdle(seat, offer.model, self.naming, self.now).err()?;
            Some(SkipReason::of_hurdle(hurdle, self.now))
        })
    }

    fn settings(&self, listed: &Listed) -> Option<SkipReason> {
        let connection = &listed.connection;
        match connection.status {
            ConnectionStatus::Inactive => Some(SkipReason::Paused),
            ConnectionStatus::Suspended => Some(SkipReason::Suspended),
            ConnectionStatus::Active if connection.facts.status == ProviderStatus::Maintenance => {
                Some(SkipReason::Maintenance)
            }
            ConnectionStatus::Active
                if !connection.tested && self.naming == Naming::InPlan && connection.provider != DEMO =>
            {
                Some(SkipReason::Untested)
            }
            ConnectionStatus::Active if listed.needs_key => Some(SkipReason::NoCredential),
            ConnectionStatus::Active if self.needs.delivery.is_streamed() && !self.streams(connection) => {
                Some(SkipReason::NoStreams)
            }
            ConnectionStatus::Active => None,
        }
    }

    fn model(&self, offer: &Offer<'_>) -> Option<SkipReason> {
        let facts = offer.facts?;
        if facts.state == ModelState::Unavailable {
            return Some(SkipReason::ModelUnavailable);
        }
        let lacking = facts.capabilities.and_then(|can| self.needs.capabilities.missing_in(can));
        let too_small = facts.context.filter(|context| self.needs.context > u64::from(*context));
        lacking.map(SkipReason::Lacks).or(too_small.map(SkipReason::ContextTooSmall))
    }

    /// A profile comes before its connections, and no one makes a provider stream that cannot (M5).
    fn streams(&self, connection: &Connection) -> bool {
        connection.facts.streaming
            && match self.conduct.streams {
                Streams::AsConnection => connection.streaming,
                Streams::Allowed => true,
                Streams::Refused => false,
            }
    }
}
