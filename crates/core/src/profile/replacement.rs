//! What may take the place of a model that is gone or will end (M3). It is proposed, never taken by itself.

use crate::model::{ModelState, is_same_model};
use crate::money::NanoUsd;
use crate::route::Capabilities;

/// A model that can be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered<'a> {
    /// The provider's slug.
    pub provider: &'a str,
    /// The model.
    pub model: &'a str,
    /// Whether it can be had.
    pub state: ModelState,
    /// What it can do, where that is known completely.
    pub capabilities: Option<Capabilities>,
    /// Tokens that fit into it, where that is known.
    pub context: Option<u32>,
    /// Its input price per million tokens, where that is known.
    pub input: Option<NanoUsd>,
}

/// The best of what is offered in the place of `gone`: first the same model elsewhere, then the nearest name of the same
/// provider, and among equals the one nearest in price. What is known to lack something that `gone` could do is none.
pub fn replacement<'a>(gone: &Offered<'_>, offered: &[Offered<'a>]) -> Option<Offered<'a>> {
    let fits = |other: &&Offered<'a>| {
        let is_itself = other.provider == gone.provider && other.model == gone.model;
        let lacks =
            gone.capabilities.zip(other.capabilities).is_some_and(|(own, can)| own.missing_in(can).is_some());
        let is_smaller = gone.context.zip(other.context).is_some_and(|(own, there)| there < own);
        !is_itself && other.state == ModelState::Available && !lacks && !is_smaller
    };
    let kinship = |other: &Offered<'_>| {
        let is_same = is_same_model(gone.model, other.model);
        let shared = if other.provider == gone.provider { shared_words(gone.model, other.model) } else { 0 };
        (usize::from(is_same) * 100) + shared
    };
    let distance = |other: &Offered<'_>| match (gone.input, other.input) {
        (Some(NanoUsd(own)), Some(NanoUsd(there))) => own.abs_diff(there),
        _ => u64::MAX,
    };
    offered
        .iter()
        .filter(fits)
        .filter(|other| kinship(other) > 0)
        .min_by_key(|other| {
            (std::cmp::Reverse(kinship(other)), distance(other), std::cmp::Reverse(other.model))
        })
        .cloned()
}

/// How many words two ids begin with alike: `gpt-5-mini` and `gpt-5.1-mini` share the family.
fn shared_words(one: &str, other: &str) -> usize {
    let words = |id: &str| -> Vec<String> {
        let id = id.rsplit('/').next().unwrap_or(id).to_lowercase();
        id.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect()
    };
    let (one, other) = (words(one), words(other));
    let is_word = |word: &&String| !word.bytes().all(|b| b.is_ascii_digit());
    let family = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    if family == 0 {
        return 0;
    }
    // A size (mini, pro, sonnet) counts more than a version.
    family + one.iter().filter(is_word).filter(|word| other.contains(word)).count() * 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Capability;

    fn model<'a>(provider: &'a str, model: &'a str) -> Offered<'a> {
        Offered {
            provider,
            model,
            state: ModelState::Available,
            capabilities: None,
            context: None,
            input: Some(NanoUsd(250_000_000)),
        }
    }

    fn proposed(gone: &Offered<'_>, offered: &[Offered<'_>]) -> Option<String> {
        replacement(gone, offered).map(|found| format!("{}/{}", found.provider, found.model))
    }

    #[test]
    fn m3_the_nearest_relative_is_proposed() {
        let gone = model("openai", "gpt-5-mini");
        let offered = [
            gone.clone(),
            model("openai", "gpt-5"),
            model("openai", "gpt-5.1-mini"),
            model("openai", "text-embedding-3-small"),
            model("gemini", "gemini-2.5-flash"),
        ];
        assert_eq!(proposed(&gone, &offered).as_deref(), Some("openai/gpt-5.1-mini"));
        let elsewhere = [model("openai", "gpt-5.1-mini"), model("openrouter", "openai/gpt-5-mini")];
        assert_eq!(proposed(&gone, &elsewhere).as_deref(), Some("openrouter/openai/gpt-5-mini"));
        assert_eq!(proposed(&gone, &[model("gemini", "gemini-2.5-flash")]), None);
    }

    #[test]
    fn m3_a_model_that_lacks_something_or_ends_itself_is_not_proposed() {
        let tools: Capabilities = [Capability::Tools].into_iter().collect();
        let gone =
            Offered { capabilities: Some(tools), context: Some(100_000), ..model("openai", "gpt-5-mini") };
        let other = model("openai", "gpt-5.1-mini");
        for (offered, fits) in [
            (other.clone(), true),
            (Offered { capabilities: Some(Capabilities::NONE), ..other.clone() }, false),
            (Offered { context: Some(50_000), ..other.clone() }, false),
            (Offered { state: ModelState::Deprecated, ..other.clone() }, false),
            (Offered { state: ModelState::Unavailable, ..other.clone() }, false),
        ] {
            assert_eq!(replacement(&gone, std::slice::from_ref(&offered)).is_some(), fits, "{offered:?}");
        }
    }

    #[test]
    fn among_equals_the_price_decides() {
        let gone = model("openai", "gpt-5-mini");
        let cheap = Offered { input: Some(NanoUsd(240_000_000)), ..model("openai", "gpt-5.2-mini") };
        let dear = Offered { input: Some(NanoUsd(2_000_000_000)), ..model("openai", "gpt-5.1-mini") };
        assert_eq!(proposed(&gone, &[dear, cheap]).as_deref(), Some("openai/gpt-5.2-mini"));
    }
}
