//! What calls have taught of a connection: its breaker, whether it needs a person, which of its models rest, and its health
//! (behaviours F3, F4, F5, R5, F9). The state is per connection, and per model of it where the trouble is the model's.

mod keep;
mod signal;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use keep::{Kept, ModelRest};
pub use signal::Signal;

use crate::breaker::{Breaker, Pass, Turn};
use crate::code::{Blame, Code};
use crate::connection::ConnectionStatus;
use crate::health::{Record, Trial, Vitals};
use crate::time::{Mono, Now, Timestamp};

/// A rate limit without a date: the model rests so long.
const COOLDOWN_MS: u64 = 20_000;
/// No provider's wish for a pause is believed beyond a day; what is longer is a mistake in a header.
const COOLDOWN_CAP_MS: u64 = 24 * 3_600_000;
/// A model that was not found is asked for again after so long: catalogues change, and nobody should have to tell.
const MISSING_MS: u64 = 15 * 60_000;
/// So many models in trouble are remembered of a connection: bots that ask for invented names must not fill the memory.
const MODELS: usize = 64;

/// Why the account needs a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    /// A refused key, an exhausted quota.
    pub code: Code,
    /// Since when.
    pub since: Timestamp,
    /// With which credential: another one clears it.
    pub credential: Option<u32>,
    #[serde(skip)]
    noticed: Mono,
}

impl Attention {
    /// What an earlier run noticed: any answer from now on clears it.
    pub fn known(code: Code, since: Timestamp, credential: Option<u32>) -> Self {
        Self { code, since, credential, noticed: Mono(0) }
    }
}

/// Why a connection does not take an attempt now, whatever its limits say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hurdle {
    /// The user paused it.
    Paused,
    /// It is suspended.
    Suspended,
    /// Its account needs a person.
    NeedsAttention(Code),
    /// This model of it rests, as its provider wished.
    Cooling(Mono),
    /// Its breaker is open, or its one probe is on its way.
    Broken(Mono),
    /// It said that it does not know this model; asked again then.
    ModelMissing(Mono),
}

/// How an attempt ended, as far as its connection is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It answered.
    Answered,
    /// It failed so.
    Failed {
        /// The class.
        code: Code,
        /// The provider's wish for a pause.
        retry_after_ms: Option<u64>,
    },
    /// It ended without telling anything: its caller left, or Patchbay stopped.
    Unknown,
}

/// Something happened to a connection that a person may want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is left alone until then.
    BreakerOpened(Mono),
    /// It answers again.
    BreakerClosed,
    /// Its account needs a person.
    NeedsAttention(Code),
    /// It no longer does.
    AttentionCleared,
    /// It does not know a model that it was asked for.
    ModelMissing,
    /// A model of it rests until then.
    Cooling(Mono),
}

/// A model of a connection that is in some trouble.
#[derive(Clone, Debug)]
struct Trouble {
    model: String,
    cooling: Option<Mono>,
    missing: Option<Mono>,
    /// So many more requests until then, says the provider.
    remaining: Option<(u32, Mono)>,
}

/// The standing of one connection.
#[derive(Clone, Debug)]
pub struct Standing {
    status: ConnectionStatus,
    credential: Option<u32>,
    cleared_at: Option<Timestamp>,
    breaker: Breaker,
    attention: Option<Attention>,
    troubles: Vec<Trouble>,
    record: Record,
    last_use: u64,
}

impl Standing {
    /// Of a connection that nothing is known of yet.
    pub fn new(status: ConnectionStatus, credential: Option<u32>) -> Self {
        Self {
            status,
            credential,
            cleared_at: None,
            breaker: Breaker::default(),
            attention: None,
            troubles: Vec::new(),
            record: Record::default(),
            last_use: 0,
        }
    }

    /// Takes the configuration as it is now. Switching on clears what the connection had been blamed for (F5), and so does a
    /// person who says that all is well (`cleared_at` tells when, because another process may have been told); another
    /// credential clears what its account had been blamed for. Nothing else does, and nothing here ever switches on.
    pub fn configure(
        &mut self,
        status: ConnectionStatus,
        credential: Option<u32>,
        cleared_at: Option<Timestamp>,
    ) -> Option<Change> {
        let was_off = self.status != ConnectionStatus::Active;
        let had_attention = self.attention.is_some();
        if (was_off && status == ConnectionStatus::Active) || self.cleared_at != cleared_at {
            self.clear();
            self.cleared_at = cleared_at;
        }
        if self.attention.is_some_and(|attention| attention.credential != credential) {
            self.attention = None;
        }
        (self.status, self.credential) = (status, credential);
        (had_attention && self.attention.is_none()).then_some(Change::AttentionCleared)
    }

    /// The user says that all is well: counters, breaker and attention begin anew (F5).
    pub fn clear(&mut self) {
        let (last_use, cleared_at) = (self.last_use, self.cleared_at);
        *self = Self { cleared_at, last_use, ..Self::new(self.status, self.credential) };
    }

    /// Why an attempt at `model` would not be made now; how the breaker lets it through where it would. Somebody who names the
    /// connection by its key may try an account in trouble.
    pub fn hurdle(&self, model: &str, naming: Naming, now: Mono) -> Result<Pass, Hurdle> {
        match self.status {
            ConnectionStatus::Inactive => return Err(Hurdle::Paused),
            ConnectionStatus::Suspended => return Err(Hurdle::Suspended),
            ConnectionStatus::Active => {}
        }
        if let Some(attention) = self.attention.filter(|_| naming == Naming::InPlan) {
            return Err(Hurdle::NeedsAttention(attention.code));
        }
        if let Some(trouble) = self.trouble(model) {
            trouble.hurdle(now).map_or(Ok(()), Err)?;
        }
        self.breaker.pass(now).map_err(Hurdle::Broken)
    }

    /// An attempt begins. `turn` counts all attempts of the process, for the tie-break of F1.
    pub fn enter(&mut self, model: &str, pass: Pass, turn: u64, now: Mono) {
        self.last_use = turn;
        self.breaker.enter(pass);
        if let Some(trouble) = self.troubles.iter_mut().find(|trouble| trouble.model == model) {
            trouble.count_start(now);
        }
    }

    /// It is used, past everything that is asked before an attempt.
    pub(crate) fn touch(&mut self, turn: u64) {
        self.last_use = turn;
    }

    /// An attempt that `began` ended. What it changed: at most the breaker and the attention.
    pub fn learn(
        &mut self,
        model: &str,
        verdict: Verdict,
        (pass, began): (Pass, Mono),
        now: Now,
    ) -> [Option<Change>; 2] {
        let Verdict::Failed { code, retry_after_ms } = verdict else {
            if verdict == Verdict::Answered {
                return self.answered(model, pass, began, now);
            }
            self.breaker.abandoned(pass, now.mono);
            return [None, None];
        };
        let blame = code.policy().health;
        if blame != Blame::Nobody {
            self.record.note(now.wall, Trial::Failed);
        }
        if blame == Blame::Connection {
            return [self.breaker.failed(pass, now.mono).map(into_change), None];
        }
        self.breaker.abandoned(pass, now.mono);
        let change = match blame {
            Blame::Account => self.demand_attention(code, now),
            _ => self.rest_model(model, code, retry_after_ms, now.mono),
        };
        [change, None]
    }

    fn answered(&mut self, model: &str, pass: Pass, began: Mono, now: Now) -> [Option<Change>; 2] {
        self.record.note(now.wall, Trial::Answered);
        self.troubles.iter_mut().filter(|trouble| trouble.model == model).for_each(|it| it.missing = None);
        let turn = self.breaker.answered(pass, now.mono).map(into_change);
        // An answer that was under way when the key was refused proves nothing.
        let cleared = self.attention.take_if(|attention| attention.noticed <= began);
        [turn, cleared.map(|_| Change::AttentionCleared)]
    }

    fn demand_attention(&mut self, code: Code, now: Now) -> Option<Change> {
        let is_news = self.attention.is_none();
        let credential = self.credential;
        self.attention.get_or_insert(Attention { code, since: now.wall, credential, noticed: now.mono });
        is_news.then_some(Change::NeedsAttention(code))
    }

    fn rest_model(&mut self, model: &str, code: Code, retry_ms: Option<u64>, now: Mono) -> Option<Change> {
        match code {
            Code::RateLimited => {
                let until = now.plus_ms(retry_ms.unwrap_or(COOLDOWN_MS).min(COOLDOWN_CAP_MS));
                let trouble = self.trouble_of(model, now);
                trouble.cooling = Some(trouble.cooling.map_or(until, |known| known.max(until)));
                trouble.cooling.map(Change::Cooling)
            }
            Code::ModelNotFound => {
                let trouble = self.trouble_of(model, now);
                let is_news = trouble.missing.is_none();
                trouble.missing = Some(now.plus_ms(MISSING_MS));
                is_news.then_some(Change::ModelMissing)
            }
            _ => None,
        }
    }

    /// The provider told what is left. It may lower what is allowed here until its reset, and never raises the user's limit,
    /// which is asked as well (R5). Nothing left is a rest, which outlives the process as every rest does.
    pub fn observe(&mut self, model: &str, signal: Signal, now: Mono) -> Option<Change> {
        let (remaining, reset_ms) = signal.tightest()?;
        let until = now.plus_ms(reset_ms.min(COOLDOWN_CAP_MS));
        let trouble = self.trouble_of(model, now);
        if remaining > 0 {
            trouble.remaining = Some((remaining, until));
            return None;
        }
        let is_news = trouble.cooling.is_none_or(|known| known < until);
        trouble.cooling = trouble.cooling.max(Some(until));
        (is_news && reset_ms > 0).then_some(Change::Cooling(until))
    }

    fn trouble(&self, model: &str) -> Option<&Trouble> {
        self.troubles.iter().find(|trouble| trouble.model == model)
    }

    fn trouble_of(&mut self, model: &str, now: Mono) -> &mut Trouble {
        let index = self.troubles.iter().position(|trouble| trouble.model == model);
        let index = index.unwrap_or_else(|| {
            self.troubles.retain(|trouble| trouble.lasts(now));
            if self.troubles.len() == MODELS {
                self.troubles.remove(0);
            }
            let model = model.to_owned();
            self.troubles.push(Trouble { model, cooling: None, missing: None, remaining: None });
            self.troubles.len() - 1
        });
        &mut self.troubles[index]
    }

    /// The number of the last attempt here; smaller is longer ago.
    pub fn last_use(&self) -> u64 {
        self.last_use
    }

    /// Why it needs a person, if it does.
    pub fn attention(&self) -> Option<Attention> {
        self.attention
    }

    /// What its health is judged by: the same value wherever it shows (F9).
    pub fn vitals(&self, now: Now) -> Vitals {
        Vitals {
            needs_attention: self.attention.is_some(),
            breaker_open: self.breaker.open_until(now.mono).is_some(),
            ..self.record.vitals(now.wall)
        }
    }
}

/// How a call came to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// By its key.
    ByKey,
    /// As one of several.
    InPlan,
}

impl Trouble {
    fn hurdle(&self, now: Mono) -> Option<Hurdle> {
        let is_ahead = |moment: &Mono| now < *moment;
        let spent = self.remaining.and_then(|(left, until)| (left == 0).then_some(until)).filter(is_ahead);
        let cooling = self.cooling.filter(is_ahead).max(spent);
        cooling.map(Hurdle::Cooling).or_else(|| self.missing.filter(is_ahead).map(Hurdle::ModelMissing))
    }

    fn count_start(&mut self, now: Mono) {
        self.remaining = self
            .remaining
            .filter(|(_, until)| now < *until)
            .map(|(left, until)| (left.saturating_sub(1), until));
    }

    fn lasts(&self, now: Mono) -> bool {
        let remaining = self.remaining.map(|(_, until)| until);
        [self.cooling, self.missing, remaining].into_iter().flatten().any(|until| now < until)
    }
}

fn into_change(turn: Turn) -> Change {
    match turn {
        Turn::Opened { until } => Change::BreakerOpened(until),
        Turn::Closed => Change::BreakerClosed,
    }
}
