//! Making what was planned: keys go into the vault first, and then everything is named in one change.

use patchbay_core::audit::{Action, Actor, Change, Entry, Kind};
use patchbay_core::id::ConnectionId;
use patchbay_core::import::{Found, KeyAt};
use patchbay_core::secret::Secret;
use patchbay_core::time::Timestamp;
use patchbay_store::connection::{Editable, NewConnection};
use patchbay_store::credential::Predecessor;
use patchbay_store::{Db, Recorded, StoreError, connection, credential};

use super::source::Variables;
use super::{Import, LeftAlone, Planned};
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

/// See [`super::apply`].
pub(super) fn run(
    engine: &Engine,
    plan: Import,
    (found, variables): (&[Found], &Variables),
    chosen: Option<&[String]>,
    from: String,
) -> Result<Import, Error> {
    if let Some(unknown) = chosen.into_iter().flatten().find(|origin| !is_planned(&plan, origin)) {
        return Err(StoreError::NotFound { what: "find", name: unknown.clone() }.into());
    }
    let (makings, skipped) = sort(engine, plan, (found, variables), chosen)?;
    let made = makings.iter().map(|making| making.planned.clone()).collect();
    if !makings.is_empty() {
        make(engine, makings, from)?;
    }
    Ok(Import { connections: made, skipped, ..Import::default() })
}

fn is_planned(plan: &Import, origin: &str) -> bool {
    plan.connections.iter().any(|planned| planned.origin == origin)
}

/// What is made, and what is left alone and why. Only now are keys read.
fn sort(
    engine: &Engine,
    plan: Import,
    (found, variables): (&[Found], &Variables),
    chosen: Option<&[String]>,
) -> Result<(Vec<Making>, Vec<LeftAlone>), Error> {
    let snapshot = engine.snapshot()?;
    let (mut makings, mut skipped): (Vec<Making>, _) = (Vec::new(), plan.skipped);
    for planned in plan.connections {
        let Some(found) = found.iter().find(|found| found.origin == planned.origin) else { continue };
        let secret = match &found.key {
            KeyAt::Nowhere => None,
            KeyAt::Variable(name) => variables.read(name),
            KeyAt::Here(secret) => Some(secret.clone()),
        };
        match reason(engine, &snapshot, &makings, (&planned, secret.as_ref()), chosen)? {
            Some(why) => skipped.push(LeftAlone { what: planned.origin, why }),
            None => makings.push(Making { planned, found: found.clone(), secret }),
        }
    }
    Ok((makings, skipped))
}

/// Why a connection is not made; `None` = it is.
fn reason(
    engine: &Engine,
    snapshot: &Snapshot,
    makings: &[Making],
    (planned, secret): (&Planned, Option<&Secret>),
    chosen: Option<&[String]>,
) -> Result<Option<String>, Error> {
    if chosen.is_some_and(|chosen| !chosen.contains(&planned.origin)) {
        return Ok(Some("It was not chosen.".to_owned()));
    }
    let is_there = |other: &&Making| {
        other.planned.base_url == planned.base_url
            && other.planned.provider == planned.provider
            && other.secret.as_ref() == secret
    };
    if let Some(twin) = makings.iter().find(is_there) {
        return Ok(Some(format!("{} is the same.", twin.planned.origin)));
    }
    if let Some(clash) = planned.clash.as_ref().filter(|_| chosen.is_none()) {
        return Ok(Some(format!(
            "{clash} leads to the same place already. Choose it by its name to add it all the same."
        )));
    }
    let Some(secret) = secret else { return Ok(None) };
    let fingerprint = engine.keys.fingerprint(secret);
    for other in &snapshot.connections {
        if other.provider != planned.provider || other.base_url != planned.base_url {
            continue;
        }
        let known = engine.store.read(|db| credential::all(db, other.id))?;
        let in_use = other.credential.as_ref().map(|credential| credential.version);
        if known.iter().any(|known| Some(known.version) == in_use && known.fingerprint == fingerprint) {
            return Ok(Some(format!("{} has its key already.", other.name)));
        }
    }
    Ok(None)
}

fn make(engine: &Engine, makings: Vec<Making>, from: String) -> Result<(), Error> {
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
        let summary = Entry::by(Actor::Import, Action::Import, Kind::Store, "connections")
            .change(Change::default().fact("connections", makings.len()))
            .because(format!("from {from}"));
        let mut entries = vec![summary];
        for (making, place) in makings.iter().zip(places) {
            let own = place.and_then(|(id, at)| laid.get(at).map(|laid| (id, laid)));
            entries.extend(insert(db, making, own, now)?);
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
