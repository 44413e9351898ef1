//! Who has what, compiled once for each change of the configuration, so that a call looks up instead of searching.

use std::collections::HashMap;

use super::InForce;
use super::needs::ModelFacts;
use crate::admission::{Allowed, Seat, Subject};
use crate::budget::Budget;
use crate::catalog::KeyNeed;
use crate::connection::Connection;
use crate::id::{AppId, ConnectionId, ProfileId};
use crate::profile::{Profile, Step};
use crate::time::Timestamp;

/// Everything that routing is configured by.
#[derive(Clone, Debug, Default)]
pub struct Fleet {
    /// All connections.
    pub connections: Vec<Connection>,
    /// All profiles that are not archived.
    pub profiles: Vec<Profile>,
    /// Other names of targets.
    pub aliases: HashMap<String, String>,
    /// What is known of models.
    pub models: Vec<ModelFacts>,
    /// The apps' limits.
    pub apps: Vec<(AppId, Allowed)>,
    /// All budgets.
    pub budgets: Vec<Budget>,
    /// The drill that is in force, until its end.
    pub drill: Option<InForce>,
}

/// A connection with its places in the tables of admission.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) connection: Connection,
    /// Its provider wants a key, and it has none.
    pub(super) needs_key: bool,
    /// Grows with each step in priority, and from the default to the others.
    pub(super) rank: u32,
    pub(super) provider_seat: Option<Seat>,
    pub(super) seat: Option<Seat>,
}

/// A model at a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer<'a> {
    pub(super) listed: &'a Listed,
    pub(super) model: &'a str,
    pub(super) facts: Option<&'a ModelFacts>,
}

/// How a requested model was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Address<'a> {
    /// A profile's name.
    Profile(usize),
    /// `connection_key/model`, or a bare connection key for its default model.
    Connection(usize, Option<&'a str>),
    /// `provider-slug/model`.
    Provider(&'a str, &'a str),
    /// A bare model id, which may hold slashes itself.
    Model(&'a str),
}

/// The compiled configuration.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    listed: Vec<Listed>,
    profiles: Vec<Profile>,
    profile_names: HashMap<String, usize>,
    aliases: HashMap<String, String>,
    keys: HashMap<String, usize>,
    ids: HashMap<ConnectionId, usize>,
    providers: HashMap<String, Vec<usize>>,
    models: HashMap<String, Vec<(usize, Option<usize>)>>,
    facts: Vec<ModelFacts>,
    facts_of: HashMap<String, HashMap<String, usize>>,
    seats: HashMap<Subject, Seat>,
    drill: Option<InForce>,
}

impl Directory {
    /// Compiles a fleet. `seat_of` gives each subject its place.
    pub fn new(fleet: Fleet, seat_of: impl Fn(&Subject) -> Option<Seat>) -> Self {
        let mut directory = Self { aliases: fleet.aliases, drill: fleet.drill, ..Self::default() };
        for (index, facts) in fleet.models.into_iter().enumerate() {
            let of_provider = directory.facts_of.entry(facts.provider.clone()).or_default();
            of_provider.insert(facts.model.clone(), index);
            directory.facts.push(facts);
        }
        let mut connections = fleet.connections;
        // In the order of trying but for the tie-break, so that a plan's sort finds little to do.
        connections.sort_by_key(|one| (one.priority, !one.is_default, one.id));
        let (mut rank, mut last) = (0, None);
        for connection in connections {
            let step = (connection.priority, !connection.is_default);
            rank += u32::from(last.replace(step).is_some_and(|last| last != step));
            directory.list(Listed {
                needs_key: needs_key(&connection),
                rank,
                provider_seat: seat_of(&Subject::Provider(connection.provider.clone())),
                seat: seat_of(&Subject::Connection(connection.id)),
                connection,
            });
        }
        let apps = fleet.apps.iter().map(|(app, _)| Subject::App(*app));
        let profiles = fleet.profiles.iter().map(|profile| Subject::Profile(profile.id));
        let seated = apps.chain(profiles).filter_map(|subject| seat_of(&subject).map(|seat| (subject, seat)));
        directory.seats = seated.collect();
        let names = fleet.profiles.iter().enumerate();
        directory.profile_names = names.map(|(index, profile)| (profile.name.clone(), index)).collect();
        directory.profiles = fleet.profiles;
        directory
    }

    fn list(&mut self, listed: Listed) {
        let index = self.listed.len();
        let connection = &listed.connection;
        self.keys.insert(connection.key.clone(), index);
        self.ids.insert(connection.id, index);
        self.providers.entry(connection.provider.clone()).or_default().push(index);
        let facts = self.facts_of.get(&connection.provider);
        for model in connection.default_model.iter().chain(&connection.models) {
            let offers = self.models.entry(model.clone()).or_default();
            if offers.last().is_none_or(|(last, _)| *last != index) {
                offers.push((index, facts.and_then(|facts| facts.get(model)).copied()));
            }
        }
        self.listed.push(listed);
    }

    /// The names of its own that a call may use for a model: profiles, then aliases, each in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let mut profiles: Vec<&str> = self.profile_names.keys().map(String::as_str).collect();
        let mut aliases: Vec<&str> = self.aliases.keys().map(String::as_str).collect();
        profiles.sort_unstable();
        aliases.sort_unstable();
        aliases.retain(|alias| !self.profile_names.contains_key(*alias));
        profiles.into_iter().chain(aliases)
    }

    /// The seat of an app, if it has one.
    pub fn app_seat(&self, app: AppId) -> Option<Seat> {
        self.seats.get(&Subject::App(app)).copied()
    }

    /// The seat of a profile.
    pub fn profile_seat(&self, profile: ProfileId) -> Option<Seat> {
        self.seats.get(&Subject::Profile(profile)).copied()
    }

    /// The connection of that key.
    pub fn connection(&self, key: &str) -> Option<&Connection> {
        self.keys.get(key).map(|index| &self.listed[*index].connection)
    }

    /// The places of a connection's provider and of itself in the tables of admission.
    pub fn seats(&self, connection: ConnectionId) -> [Option<Seat>; 2] {
        let listed = self.ids.get(&connection).map(|index| &self.listed[*index]);
        listed.map_or([None, None], |listed| [listed.provider_seat, listed.seat])
    }

    /// The drill that is in force then.
    pub fn drill(&self, now: Timestamp) -> Option<&InForce> {
        self.drill.as_ref().filter(|drill| !drill.is_over(now))
    }

    /// The profile that a requested model leads to, by its name or by an alias.
    pub fn profile_of(&self, requested: &str) -> Option<&Profile> {
        match self.read(requested) {
            Address::Profile(index) => Some(self.profile(index)),
            _ => None,
        }
    }

    /// All profiles, in the order of the fleet.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    pub(super) fn profile(&self, index: usize) -> &Profile {
        &self.profiles[index]
    }

    /// A profile's name comes before an alias, an alias before a connection key, that before a provider's slug, and a slug
    /// before a model id with a slash in it; a slug without any connection is no slug. An alias of an alias is none.
    pub(super) fn read<'a>(&'a self, requested: &'a str) -> Address<'a> {
        if let Some(profile) = self.profile_names.get(requested) {
            return Address::Profile(*profile);
        }
        let requested = self.aliases.get(requested).map_or(requested, String::as_str);
        if let Some(profile) = self.profile_names.get(requested) {
            return Address::Profile(*profile);
        }
        if let Some(index) = self.keys.get(requested) {
            return Address::Connection(*index, None);
        }
        let Some((first, model)) = requested.split_once('/') else {
            return Address::Model(requested);
        };
        if let Some(index) = self.keys.get(first) {
            return Address::Connection(*index, Some(model));
        }
        if self.providers.contains_key(first) {
            return Address::Provider(first, model);
        }
        Address::Model(requested)
    }

    /// Who is meant, in the order of trying but for the tie-break.
    pub(super) fn offers<'a>(&'a self, address: Address<'a>, into: &mut Vec<Offer<'a>>) {
        match address {
            Address::Profile(_) => {}
            Address::Connection(index, model) => {
                let listed = &self.listed[index];
                let model = model.or(listed.connection.default_model.as_deref());
                into.extend(model.map(|model| self.offer(listed, model)));
            }
            Address::Provider(slug, model) => self.offer_provider(slug, model, into),
            Address::Model(model) => {
                let offers = self.models.get(model).map_or(&[][..], Vec::as_slice);
                into.extend(offers.iter().map(|(index, facts)| Offer {
                    listed: &self.listed[*index],
                    model,
                    facts: facts.map(|facts| &self.facts[facts]),
                }));
            }
        }
    }

    /// Who is meant by one step of a chain.
    pub(super) fn step_offers<'a>(&'a self, step: &'a Step, model: &'a str, into: &mut Vec<Offer<'a>>) {
        match step {
            Step::Connection(id) => {
                into.extend(self.ids.get(id).map(|index| self.offer(&self.listed[*index], model)));
            }
            Step::Provider(slug) => self.offer_provider(slug, model, into),
        }
    }

    fn offer_provider<'a>(&'a self, slug: &str, model: &'a str, into: &mut Vec<Offer<'a>>) {
        let Some(members) = self.providers.get(slug) else { return };
        let facts = self.facts(slug, model);
        into.extend(members.iter().map(|index| Offer { listed: &self.listed[*index], model, facts }));
    }

    fn offer<'a>(&'a self, listed: &'a Listed, model: &'a str) -> Offer<'a> {
        Offer { listed, model, facts: self.facts(&listed.connection.provider, model) }
    }

    fn facts(&self, provider: &str, model: &str) -> Option<&ModelFacts> {
        self.facts_of.get(provider)?.get(model).map(|index| &self.facts[*index])
    }
}

fn needs_key(connection: &Connection) -> bool {
    connection.facts.key == KeyNeed::Required && connection.credential.is_none()
}
