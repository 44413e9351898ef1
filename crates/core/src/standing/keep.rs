//! What survives a restart of a standing. Moments are the wall's, because the steady clock begins anew.

use super::{Attention, COOLDOWN_CAP_MS, Standing};
use crate::breaker::Breaker;
use crate::code::Code;
use crate::time::{Mono, Now, Timestamp};

/// What is known of a connection beyond the end of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Until when its breaker rests, and for how long it was set to rest.
    pub rest: Option<(Timestamp, u64)>,
    /// Why it needs a person.
    pub attention: Option<Attention>,
    /// Models of it that rest.
    pub models: Vec<ModelRest>,
}

/// A model that is not asked for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRest {
    /// The model.
    pub model: String,
    /// Until when.
    pub until: Timestamp,
    /// A rate limit, or that it was not found.
    pub why: Code,
}

impl Standing {
    /// What is worth keeping now.
    pub fn keep(&self, now: Now) -> Kept {
        let rest = self.breaker.keep(now.mono);
        let models = self.troubles.iter().flat_map(|trouble| {
            let rests = [(trouble.cooling, Code::RateLimited), (trouble.missing, Code::ModelNotFound)];
            let ahead = |(until, why): (Option<Mono>, Code)| {
                let until = now.wall_at(until.filter(|until| now.mono < *until)?);
                Some(ModelRest { model: trouble.model.clone(), until, why })
            };
            rests.into_iter().filter_map(ahead)
        });
        Kept {
            rest: rest.map(|(until, cooldown_ms)| (now.wall_at(until), cooldown_ms)),
            attention: self.attention,
            models: models.collect(),
        }
    }

    /// Takes up what an earlier run kept. A credential that was replaced meanwhile owes nothing to the old one.
    pub fn resume(&mut self, kept: &Kept, now: Now) {
        let ahead = |until: Timestamp| now.mono.plus_ms(until.since_ms(now.wall));
        self.attention = kept.attention.filter(|attention| attention.credential == self.credential);
        if let Some((until, cooldown_ms)) = kept.rest {
            self.breaker = Breaker::restored(ahead(until), cooldown_ms, now.mono);
        }
        for rest in kept.models.iter().filter(|rest| rest.until > now.wall) {
            let until = ahead(rest.until).min(now.mono.plus_ms(COOLDOWN_CAP_MS));
            let trouble = self.trouble_of(&rest.model, now.mono);
            match rest.why {
                Code::ModelNotFound => trouble.missing = Some(until),
                _ => trouble.cooling = Some(until),
            }
        }
    }
}
