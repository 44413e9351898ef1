//! Making what was planned: keys go into the vault first, and then everything is named in one change.

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::connection::Connection;
use patchbay_core::id::ConnectionId;
use patchbay_core::import::{Found, KeyAt};
use patchbay_core::secret::Secret;
use patchbay_core::time::Timestamp;
use patchbay_store::connection::{Editable, NewConnection};
use patchbay_store::credential::Predecessor;
use patchbay_store::{Db, Recorded, StoreError, connection, credential};

use super::names::{self, Naming, Spot};
use super::{Import, LeftAlone, Look, Planned};
use crate::Engine;
use crate::custody::{Laid, credential_name};
use crate::error::Error;
use crate::snapshot::Snapshot;

/// A connection that is about to be made.
struct Making {
    planned: Planned,
    found: Found,
    secret: Option<Secret>,
}

/// What is made and what is not.
#[derive(Default)]
struct Sorted {
    makings: Vec<Making>,
    skipped: Vec<LeftAlone>,
    /// Where names may lead: to what is made, and to what is there in the place of what is not.
    spots: Vec<Spot>,
}

/// Why a connection is not made.
struct Reason {
    why: String,
    /// The one that takes its place.
    instead: Option<Spot>,
}

/// See [`super::apply`].
pub(super) fn run(
    engine: &Engine,
    plan: Import,
    look: &Look,
    chosen: Option<&[String]>,
    from: String,
) -> Result<Import, Error> {
    if let Some(unknown) = chosen.into_iter().flatten().find(|origin| !is_planned(&plan, origin)) {
        return Err(StoreError::NotFound { what: "find", name: unknown.clone() }.into());
    }
    let snapshot = engine.snapshot()?;
    let sorted = sort(engine, &snapshot, plan, look, chosen)?;
    let (namings, left) = names::settle(&snapshot, &look.sighting.names, &sorted.spots);
    let Sorted { makings, mut skipped, .. } = sorted;
    let connections = makings.iter().map(|making| making.planned.clone()).collect();
    let steps = namings.iter().map(Naming::step).collect();
    if !makings.is_empty() || !namings.is_empty() {
        make(engine, makings, namings, from)?;
    }
    skipped.extend(left);
    Ok(Import { connections, steps, skipped, ..Import::default() })
}

fn is_planned(plan: &Import, origin: &str) -> bool {
    plan.connections.iter().any(|planned| planned.origin == origin)
}

/// Only now are keys read.
fn sort(
    engine: &Engine,
    snapshot: &Snapshot,
    plan: Import,
    look: &Look,
    chosen: Option<&[String]>,
) -> Result<Sorted, Error> {
    let mut sorted = Sorted { skipped: plan.skipped, ..Sorted::default() };
    for planned in plan.connections {
        let found = look.sighting.found.iter().find(|found| found.origin == planned.origin);
        let Some(found) = found else { continue };
        let secret = match &found.key {
            KeyAt::Nowhere => None,
            KeyAt::Variable(name) => look.variables.read(name),
            KeyAt::Here(secret) => Some(secret.clone()),
        };
        let reason = reason(engine, snapshot, &sorted.makings, (&planned, secret.as_ref()), chosen)?;
        if let Some(Reason { why, instead }) = reason {
            sorted.spots.extend(instead);
            sorted.skipped.push(LeftAlone { what: planned.origin, why });
        } else {
            sorted.spots.push(Spot::new(&planned));
            sorted.makings.push(Making { planned, found: found.clone(), secret });
        }
    }
    Ok(sorted)
}

/// Why a connection is not made; `None` = it is.
fn reason(
    engine: &Engine,
    snapshot: &Snapshot,
    makings: &[Making],
    (planned, secret): (&Planned, Option<&Secret>),
    chosen: Option<&[String]>,
) -> Result<Option<Reason>, Error> {
    let origin = planned.origin.as_str();
    if let Some(other) = with_the_key(engine, snapshot, planned, secret)? {
        let why = format!("{} has its key already.", other.name);
        return Ok(Some(Reason { why, instead: Some(Spot::there(origin, other)) }));
    }
    let clash = snapshot.connections.iter().find(|other| planned.clash.as_ref() == Some(&other.name));
    let instead = || clash.map(|clash| Spot::there(origin, clash));
    if chosen.is_some_and(|chosen| !chosen.contains(&planned.origin)) {
        return Ok(Some(Reason { why: "It was not chosen.".to_owned(), instead: instead() }));
    }
    let is_there = |other: &&Making| {
        other.planned.base_url == planned.base_url
            && other.planned.provider == planned.provider
            && other.secret.as_ref() == secret
    };
    if let Some(twin) = makings.iter().find(is_there) {
        let why = format!("{} is the same.", twin.planned.origin);
        let twin = Planned { origin: origin.to_owned(), ..twin.planned.clone() };
        return Ok(Some(Reason { why, instead: Some(Spot::new(&twin)) }));
    }
    if let Some(clash) = clash.filter(|_| chosen.is_none()) {
        let why = format!(
            "{} leads to the same place already. Choose it by its name to add it all the same.",
            clash.name
        );
        return Ok(Some(Reason { why, instead: instead() }));
    }
    Ok(None)
}

/// A connection to the same place that uses this key.
fn with_the_key<'a>(
    engine: &Engine,
    snapshot: &'a Snapshot,
    planned: &Planned,
    secret: Option<&Secret>,
) -> Result<Option<&'a Connection>, Error> {
    let Some(secret) = secret else { return Ok(None) };
    let fingerprint = engine.keys.fingerprint(secret);
    for other in &snapshot.connections {
        if other.provider != planned.provider || other.base_url != planned.base_url {
            continue;
        }
        let known = engine.store.read(|db| credential::all(db, other.id))?;
        let in_use = other.credential.as_ref().map(|credential| credential.version);
        if known.iter().any(|known| Some(known.version) == in_use && known.fingerprint == fingerprint) {
            return Ok(Some(other));
        }
    }
    Ok(None)
}

fn make(engine: &Engine, makings: Vec<Making>, namings: Vec<Naming>, from: String) -> Result<(), Error> {
    let (mut laid, mut places) = (Vec::new(), Vec::new());
    for making in &makings {
        let Some(secret) = &making.secret else {
            places.push(None);
            continue;
        };
        match engine.lay_down(None, secret) {
            Ok((id, own)) => {
                places.push(Some((id, laid.len())));
                laid.push(own);
            }
            Err(error) => {
                engine.take_up(&laid.iter().map(Laid::place).collect::<Vec<_>>());
                return Err(error);
            }
        }
    }
    engine.name_all(laid, move |db, laid, now| {
        let change = Change::default().fact("connections", makings.len()).fact("names", namings.len());
        let summary = Entry::by(Actor::Import, Action::Import, Kind::Store, "connections")
            .change(change)
            .because(format!("from {from}"));
        let mut entries = vec![summary];
        for (making, place) in makings.iter().zip(places) {
            let own = place.and_then(|(id, at)| laid.get(at).map(|laid| (id, laid)));
            entries.extend(insert(db, making, own, now)?);
        }
        for naming in &namings {
            entries.push(naming.write(db, &from, now)?);
        }
        Ok(Recorded::all((), entries))
    })
}

fn insert(
    db: &Db,
    making: &Making,
    laid: Option<(ConnectionId, &Laid)>,
    now: Timestamp,
) -> Result<Vec<Entry>, StoreError> {
    let Making { planned, found, .. } = making;
    let new = NewConnection {
        id: laid.map(|(id, _)| id),
        provider: planned.provider.clone(),
        key: planned.key.clone(),
        name: planned.name.clone(),
        base_url: found.base_url.clone(),
        default_model: found.default_model.clone(),
        limits: found.limits,
        max_retries: found.max_retries,
        first_byte_ms: found.timeout_s.map(|seconds| seconds.saturating_mul(1_000)),
        ..NewConnection::default()
    };
    let id = connection::insert(db, &new, now)?;
    if let Some(organization) = &found.organization {
        let all = connection::all(db)?;
        if let Some(made) = all.iter().find(|made| made.id == id) {
            let fields = Editable { organization: Some(organization.clone()), ..Editable::from(made) };
            connection::update(db, id, &fields, now)?;
        }
    }
    let created = Entry::by(Actor::Import, Action::Create, Kind::Connection, &new.key);
    let mut entries = vec![created.change(Change::made(&new)).because(&found.origin)];
    if let Some((_, laid)) = laid {
        entries.push(Entry { actor: Actor::Import, ..laid.stage(db, &new.key, now)? });
        let version = laid.place().1;
        credential::promote(db, id, version, Predecessor::Retires { erase_at: now }, now)?;
        let name = credential_name(&new.key, version);
        entries.push(Entry::by(Actor::Import, Action::Activate, Kind::Credential, name));
    }
    Ok(entries)
}
