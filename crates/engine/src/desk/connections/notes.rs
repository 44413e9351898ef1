//! What a careful person would point out of a connection.

use jiff::tz::TimeZone;
use patchbay_core::code::Code;
use patchbay_core::connection::{Connection as Settings, is_cleartext};
use patchbay_core::provider::ProviderStatus;
use patchbay_core::report::Totals;
use patchbay_core::standing::Kept;
use patchbay_core::time::{Timestamp, last_days};
use patchbay_store::{Db, StoreError, credential};

use crate::error::remedy;

/// Everything that is worth a sentence.
pub(super) fn of(
    db: &Db,
    settings: &Settings,
    kept: Option<&Kept>,
    today: &Totals,
    (now, zone): (Timestamp, &TimeZone),
) -> Result<Vec<String>, StoreError> {
    let mut notes = kept.map_or_else(Vec::new, |kept| rests(kept, now, zone));
    notes.extend(day(settings, today, now, zone));
    notes.extend(standing(settings));
    let sharing = credential::sharing(db, settings.id)?;
    if !sharing.is_empty() {
        notes.push(format!(
            "The same key is used by {}: they share one rate limit at the provider.",
            sharing.join(", ")
        ));
    }
    Ok(notes)
}

/// What calls have taught: who needs a person, and who rests until when.
fn rests(kept: &Kept, now: Timestamp, zone: &TimeZone) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(attention) = &kept.attention {
        let since = attention.since.in_words(zone);
        let what = match attention.code {
            Code::QuotaExhausted => "its account has no quota left",
            _ => "its key was refused",
        };
        notes.push(format!("Needs you since {since}: {what}. {}", remedy(attention.code)));
    }
    match kept.rest {
        Some((until, _)) if until > now => notes.push(format!(
            "Failed too often and is left alone until {}; then one call finds out whether it answers again.",
            until.in_words(zone)
        )),
        Some(_) => notes.push("Failed too often; the next call finds out whether it answers again.".into()),
        None => {}
    }
    for rest in kept.models.iter().filter(|rest| rest.until > now) {
        let (model, until) = (&rest.model, rest.until.in_words(zone));
        notes.push(match rest.why {
            Code::ModelNotFound => format!("{model} was not found; it is asked for again after {until}."),
            _ => format!("{model} rests until {until}, as its provider wished."),
        });
    }
    notes
}

/// How much of a day's requests is used, and when they are counted anew (R3).
fn day(settings: &Settings, today: &Totals, now: Timestamp, zone: &TimeZone) -> Option<String> {
    let most = settings.limits.rate_limit_per_day?;
    let (_, day) = last_days(now, 1, zone).into_iter().next()?;
    let anew = day.to.in_words(zone);
    Some(format!("{} of {most} requests of this day; counted anew at {anew}.", today.attempts))
}

/// A provider that should be left, and a key that crosses a network in the clear (K5).
fn standing(settings: &Settings) -> Vec<String> {
    let mut notes = Vec::new();
    match settings.facts.status {
        ProviderStatus::Active => {}
        ProviderStatus::Maintenance => {
            notes.push(format!("{} is set to maintenance: nothing is sent to it.", settings.provider_name));
        }
        ProviderStatus::Deprecated => notes.push(format!(
            "{} is marked as deprecated: move what uses it to another provider.",
            settings.provider_name
        )),
    }
    if is_cleartext(&settings.base_url) {
        notes.push(
            "Plain HTTP to another machine: the key and the prompts can be read on the way.".to_owned(),
        );
    }
    notes
}
