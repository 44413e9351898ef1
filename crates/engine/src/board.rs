//! Routing at work: the switchboard behind its lock, those who wait for room, and what is learnt on its way into the store.
//! The lock is held for microseconds and never over an await.

mod ledger;
mod place;
mod recall;
mod roster;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use patchbay_core::admission::calendar::{Span, Today};
use patchbay_core::admission::{Ask, BudgetUse, Refusal, Reservation, Subject, Used};
use patchbay_core::id::ConnectionId;
use patchbay_core::route::{self, Directory, Drill, Fleet, Needs, Plan, Rehearsal};
use patchbay_core::standing::{Change, Kept};
use patchbay_core::switchboard::{Bid, Denial, Ending, Event, Switchboard, Ticket, Wait, Wake};
use patchbay_core::time::{Now, Timestamp};
use patchbay_store::budget::BudgetRow;
use patchbay_store::{Store, standing};
use tokio::sync::{Notify, oneshot};

pub(crate) use self::place::Place;
pub(crate) use self::recall::since as counted_since;
use self::roster::Roster;
use crate::alerts::{Alerts, Dated};
use crate::changes::{Changed, Changes};
use crate::clock::{self, Clock};
use crate::snapshot::Snapshot;

/// The switchboard of this process.
#[derive(Debug)]
pub struct Board {
    live: Mutex<Live>,
    clock: Clock,
    store: Store,
    changes: Changes,
    alerts: Alerts,
    /// Rung when the alarm's time may have come closer.
    alarm: Notify,
    recalled: OnceLock<()>,
}

#[derive(Debug)]
struct Live {
    switchboard: Switchboard,
    /// Those who wait.
    callers: HashMap<Ticket, oneshot::Sender<Wake>>,
    alarm: Alarm,
    /// The names of those who sit here.
    roster: Roster,
    /// The newest row of the ledger that budgets were told of; none before the first recall.
    booked_to: Option<i64>,
}

/// How a budget stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BudgetStand {
    pub(crate) used: BudgetUse,
    /// With what was added to it.
    pub(crate) cap: u64,
    pub(crate) span: Span,
    pub(crate) now: Timestamp,
    /// What it is for exists.
    pub(crate) has_subject: bool,
}

/// Whether a task looks after the moments at which time alone makes room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alarm {
    Off,
    Set,
}

/// What was learnt, to be kept, and what people are to be told of it.
#[derive(Debug, Default)]
struct Learnt {
    standings: Vec<(ConnectionId, Kept)>,
    news: Vec<Dated>,
}

impl Board {
    /// Days are cut in this system's zone until the configuration names another.
    pub fn new(clock: Clock, store: Store, changes: Changes, alerts: Alerts) -> Self {
        let switchboard = Switchboard::new(clock::zone_or_system(""));
        let (callers, alarm, roster) = (HashMap::new(), Alarm::Off, Roster::default());
        Self {
            live: Mutex::new(Live { switchboard, callers, alarm, roster, booked_to: None }),
            clock,
            store,
            changes,
            alerts,
            alarm: Notify::new(),
            recalled: OnceLock::new(),
        }
    }

    /// Now, as routing sees it.
    pub fn now(&self) -> Now {
        self.clock.moment()
    }

    /// Takes the configuration as it is now. What was counted and learnt stays, and who waits is looked at again.
    pub fn configure(&self, fleet: Fleet, snapshot: &Snapshot) -> Directory {
        let now = self.now();
        let roster = Roster::new(&fleet, snapshot);
        let mut live = self.live();
        if live.roster.zone != roster.zone {
            live.switchboard.admission().set_zone(clock::zone_or_system(&roster.zone));
        }
        live.roster = roster;
        let directory = live.switchboard.configure(fleet);
        let is_recalled = live.booked_to.is_some();
        drop(live);
        if is_recalled && let Err(error) = self.open_books() {
            tracing::error!(%error, "budgets could not be told what was spent");
        }
        let mut live = self.live();
        let learnt = self.look_around(&mut live, now);
        drop(live);
        self.keep(learnt);
        directory
    }

    /// How a budget stands now.
    pub(crate) fn budget(&self, row: &BudgetRow, snapshot: &Snapshot) -> BudgetStand {
        let now = self.now();
        let mut live = self.live();
        let has_subject = live.roster.knows(&row.key.scope, snapshot);
        let admission = live.switchboard.admission();
        BudgetStand {
            used: admission.budget_used(row.id, now).unwrap_or(BudgetUse { spent: 0, reserved: 0 }),
            cap: admission.budget_cap(row.id, now).unwrap_or(row.terms.cap),
            span: admission.today(now).span(row.key.period),
            now: now.wall,
            has_subject,
        }
    }

    /// The day and the month as budgets and limits count them.
    pub(crate) fn today(&self) -> Today {
        let now = self.now();
        self.live().switchboard.admission().today(now)
    }

    /// Whether there is a profile of that name.
    pub(crate) fn has_profile(&self, name: &str) -> bool {
        self.live().roster.has_profile(name)
    }

    /// Where a call goes instead of where it wanted to, because a budget that degrades it is used up.
    pub fn detour(&self, ask: &Ask<'_>) -> Option<String> {
        let now = self.now();
        self.live().switchboard.admission().detour(ask, now).map(str::to_owned)
    }

    /// A budget that refused, for people: "The daily budget of $12.00 is used up."
    pub fn refusal_in_words(&self, refusal: &Refusal) -> Option<String> {
        let now = self.now();
        let mut live = self.live();
        let live = &mut *live;
        live.roster.refusal(refusal, live.switchboard.admission(), now)
    }

    /// Plans a call.
    pub fn plan<'a>(&self, directory: &'a Directory, requested: &'a str, needs: &Needs) -> Plan<'a> {
        let now = self.now();
        route::plan(directory, requested, needs, &self.live().switchboard, now)
    }

    /// Walks a call through its plan with a trouble that is only pretended.
    pub fn rehearse<'a>(
        &self,
        directory: &'a Directory,
        requested: &'a str,
        needs: &Needs,
        drill: &Drill,
    ) -> Rehearsal<'a> {
        let now = self.now();
        route::rehearse(directory, requested, needs, drill, (&self.live().switchboard, now))
    }

    /// Reserves everything for one attempt, or says why not.
    pub fn admit(self: &Arc<Self>, bid: &Bid<'_>) -> Result<Place, Denial> {
        let now = self.now();
        let mut live = self.live();
        let reservation = live.switchboard.admit(bid, now)?;
        // Told at the reservation, not only when it is settled (N2).
        let news = live.news(now);
        drop(live);
        self.alerts.take(news);
        Ok(Place::new(self, reservation))
    }

    /// How much of a subject's limits is used now, and when its day ends.
    pub fn used(&self, subject: &Subject) -> (Used, Timestamp) {
        let now = self.now();
        let mut live = self.live();
        let admission = live.switchboard.admission();
        let used = admission.seat(subject).map_or_else(Used::default, |seat| admission.used(seat, now));
        (used, admission.today(now).day.range.to)
    }

    /// Somebody uses a connection past admission.
    pub fn touch(&self, connection: ConnectionId) {
        self.live().switchboard.touch(connection);
    }

    /// Waits for room at any of these candidates, in line. Who drops this leaves the line.
    pub async fn wait(self: &Arc<Self>, bids: &[(usize, Bid<'_>)], up_to_ms: u64) -> Waited {
        let now = self.now();
        // Dropped in the opposite order: a place that has come already is dropped before its line is left, and given on.
        let (mut line, woken) = {
            let mut live = self.live();
            match live.switchboard.wait(bids, now.mono.plus_ms(up_to_ms), now) {
                Wait::Over(wake) => return Waited::new(self, wake),
                Wait::Crowded => return Waited::InVain(None),
                Wait::Queued(ticket) => {
                    let (caller, woken) = oneshot::channel();
                    live.callers.insert(ticket, caller);
                    self.set_alarm(&mut live);
                    (InLine { board: Arc::clone(self), ticket: Some(ticket) }, woken)
                }
            }
        };
        match woken.await {
            Ok(wake) => {
                line.ticket = None;
                Waited::new(self, wake)
            }
            Err(_) => Waited::InVain(None),
        }
    }

    fn settle(&self, reservation: Reservation, ending: &Ending<'_>) {
        let now = self.now();
        let mut live = self.live();
        live.switchboard.settle(reservation, ending, now);
        let learnt = self.look_around(&mut live, now);
        drop(live);
        self.keep(learnt);
    }

    /// Gives on what came free, and collects what was learnt.
    fn look_around(&self, live: &mut Live, now: Now) -> Learnt {
        while live.switchboard.waiting() > 0 {
            let woken = live.switchboard.wake(now);
            // Who has left gets nothing: the place is free again, and the line is looked at once more.
            let mut has_lost_some = false;
            for (ticket, wake) in woken {
                let caller = live.callers.remove(&ticket);
                has_lost_some |= caller.is_none_or(|caller| caller.send(wake).is_err());
            }
            if !has_lost_some {
                break;
            }
        }
        if live.alarm == Alarm::Set {
            self.alarm.notify_one();
        }
        live.learnt(now)
    }

    fn set_alarm(self: &Arc<Self>, live: &mut Live) {
        self.alarm.notify_one();
        if live.alarm == Alarm::Off {
            live.alarm = Alarm::Set;
            tokio::spawn(Arc::clone(self).ring());
        }
    }

    /// Looks at the line whenever time alone may have made room; ends when nobody waits.
    async fn ring(self: Arc<Self>) {
        loop {
            let left_ms = {
                let mut live = self.live();
                let waits = live.switchboard.waiting() > 0;
                let Some(at) = live.switchboard.wakes_at().filter(|_| waits) else {
                    live.alarm = Alarm::Off;
                    return;
                };
                at.since_ms(self.now().mono)
            };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left_ms)) => self.wake(),
                () = self.alarm.notified() => {}
            }
        }
    }

    fn wake(&self) {
        let now = self.now();
        let mut live = self.live();
        let learnt = self.look_around(&mut live, now);
        drop(live);
        self.keep(learnt);
    }

    /// Hands what was learnt to the store. A row of the ledger that is handed over after it is committed with it or later, so
    /// that who sees the end of a call sees its consequences, too.
    fn keep(&self, learnt: Learnt) {
        self.alerts.take(learnt.news);
        for (connection, kept) in learnt.standings {
            let changes = self.changes.clone();
            let submitted = self.store.submit(
                move |db| standing::keep(db, connection, &kept, clock::now()),
                move |result| match result {
                    Ok(()) => {
                        changes.send(Changed::Connections);
                        changes.send(Changed::Status);
                    }
                    Err(error) => tracing::error!(%error, "what was learnt of a connection is not kept"),
                },
            );
            if let Err(error) = submitted {
                tracing::error!(%error, "what was learnt of a connection is not kept");
            }
        }
    }

    fn live(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn learnt(&mut self, now: Now) -> Learnt {
        let events = self.switchboard.events();
        let mut learnt = Learnt { news: self.news(now), standings: Vec::new() };
        for event in events {
            tell(&event, now);
            learnt.news.extend(self.roster.of_event(&event, now));
            let id = event.connection;
            if learnt.standings.iter().all(|(known, _)| *known != id)
                && let Some(seat) = self.switchboard.admission().seat(&Subject::Connection(id))
                && let Some(standing) = self.switchboard.standing(seat)
            {
                learnt.standings.push((id, standing.keep(now)));
            }
        }
        learnt
    }

    /// What budgets have to say.
    fn news(&mut self, now: Now) -> Vec<Dated> {
        let events = self.switchboard.admission().level_events(now);
        events.iter().filter_map(|event| self.roster.of_level(event)).collect()
    }
}

fn tell(event: &Event, now: Now) {
    let (connection, model) = (event.connection.0, &event.model);
    match event.change {
        Change::BreakerOpened(until) => {
            let until = now.wall_at(until).to_rfc3339();
            tracing::info!(connection, until, "a connection failed too often and rests");
        }
        Change::BreakerClosed => tracing::info!(connection, "a connection answers again"),
        Change::NeedsAttention(code) => {
            tracing::info!(connection, code = code.as_str(), "a connection needs a person");
        }
        Change::AttentionCleared => tracing::info!(connection, "a connection no longer needs a person"),
        Change::ModelMissing => tracing::info!(connection, model, "a model was not found"),
        Change::Cooling(until) => {
            let until = now.wall_at(until).to_rfc3339();
            tracing::info!(connection, model, until, "a model rests, as its provider wished");
        }
    }
}

/// What became of a wait.
#[derive(Debug)]
pub(crate) enum Waited {
    /// There is room at that candidate, counted as in the plan.
    Granted(usize, Place),
    /// Its time is over, too many wait, or nobody takes calls any more; that was in the way last.
    InVain(Option<Refusal>),
}

impl Waited {
    fn new(board: &Arc<Board>, wake: Wake) -> Self {
        match wake {
            Wake::Granted(candidate, reservation) => Self::Granted(candidate, Place::new(board, reservation)),
            Wake::TimedOut(refusal) => Self::InVain(refusal),
            Wake::Barred(_) => Self::InVain(None),
        }
    }
}

/// A caller's place in the line; leaves it when dropped.
struct InLine {
    board: Arc<Board>,
    ticket: Option<Ticket>,
}

impl Drop for InLine {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let mut live = self.board.live();
        live.callers.remove(&ticket);
        let now = self.board.now();
        live.switchboard.cancel(ticket, now);
        let learnt = self.board.look_around(&mut live, now);
        drop(live);
        self.board.keep(learnt);
    }
}
