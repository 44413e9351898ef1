//! Models: what is known of them, from whom, and which of them are meant.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::money::NanoUsd;

/// Something that a model can do beyond plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Calls functions.
    Tools,
    /// Answers in JSON, to a schema.
    Json,
    /// Reads pictures.
    Images,
    /// Thinks before it answers.
    Reasoning,
    /// Makes vectors.
    Embeddings,
}

/// Whether a model can be had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// The provider's list named it last time.
    #[default]
    Available,
    /// The list did not name it any more.
    Unavailable,
    /// It can be had, and its provider has named the day of its end.
    Deprecated,
}

impl ModelState {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Unavailable => "unavailable",
            Self::Deprecated => "deprecated",
        }
    }

    /// The state of that name; anything unknown is taken as available, because only a list can say otherwise (M1).
    pub fn parse(name: &str) -> Self {
        match name {
            "unavailable" => Self::Unavailable,
            "deprecated" => Self::Deprecated,
            _ => Self::Available,
        }
    }
}

/// Where a model is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// The tables of this program.
    Bundled,
    /// Its provider's list, asked by a sync.
    Synced,
    /// Its provider's list, asked by a connection test.
    Test,
    /// The user named it.
    User,
}

impl ModelSource {
    /// The source of that name in the database; anything unknown is taken as the tables of this program.
    pub fn parse(name: &str) -> Self {
        match name {
            "synced" => Self::Synced,
            "test" => Self::Test,
            "user" => Self::User,
            _ => Self::Bundled,
        }
    }
}

/// What the bundled table knows of a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BundledModel {
    /// The longest prompt and answer together, in tokens.
    pub context_window: Option<u32>,
    /// The longest answer, in tokens.
    pub max_output: Option<u32>,
    /// It makes vectors.
    pub embeds: bool,
    /// The day of its end (2026-11-30).
    pub retires_on: Option<&'static str>,
}

type Bundled = HashMap<(&'static str, &'static str), BundledModel>;

static BUNDLED: LazyLock<Bundled> = LazyLock::new(|| {
    let lines = include_str!("../data/models.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(parse_line).collect()
});

/// What the bundled table knows of a model; nothing where it does not name it.
pub fn bundled(provider: &str, model: &str) -> BundledModel {
    BUNDLED.get(&(provider, model)).copied().unwrap_or_default()
}

/// `provider  model  context_window  max_output  kind  retires_on`, `-` for not stated.
fn parse_line(line: &'static str) -> Option<((&'static str, &'static str), BundledModel)> {
    let mut fields = line.split('\t');
    let key = (fields.next()?, fields.next()?);
    let (context_window, max_output) = (fields.next()?.parse().ok(), fields.next()?.parse().ok());
    let embeds = fields.next()? == "embedding";
    let retires_on = fields.next().filter(|day| *day != "-");
    Some((key, BundledModel { context_window, max_output, embeds, retires_on }))
}

/// Whether two ids mean the same model at different providers: marketplaces put a maker before the id, a variant behind it,
/// and write versions with points.
pub fn is_same_model(one: &str, other: &str) -> bool {
    let bare = |id: &str| {
        let id = id.rsplit('/').next().unwrap_or(id);
        id.split(':').next().unwrap_or(id).to_lowercase().replace('.', "-")
    };
    bare(one) == bare(other)
}

/// Whether a price is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum Pricing {
    /// It is.
    Known,
    /// It is not.
    Unknown,
}

/// Which models are meant. `None` and empty are any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFilter {
    /// The provider's slug.
    pub provider: Option<String>,
    /// Words that all occur in the id or in the provider's name.
    pub text: String,
    /// It can do all of these.
    pub capabilities: Vec<Capability>,
    /// Its state.
    pub state: Option<ModelState>,
    /// Whether its price is known.
    pub pricing: Option<Pricing>,
    /// Its input price per million tokens is known and at most this.
    pub max_input: Option<NanoUsd>,
    /// Its context window is known and at least this.
    pub min_context: Option<u32>,
}

/// What a filter looks at.
#[derive(Clone, Copy, Debug)]
pub struct Traits<'a> {
    /// The provider's slug.
    pub provider: &'a str,
    /// The provider's name.
    pub provider_name: &'a str,
    /// The id.
    pub model: &'a str,
    /// What it is known to do.
    pub capabilities: &'a [Capability],
    /// Its state.
    pub state: ModelState,
    /// Its input price per million tokens.
    pub input: Option<NanoUsd>,
    /// Its context window.
    pub context_window: Option<u32>,
}

impl ModelFilter {
    /// Whether a model is meant.
    pub fn admits(&self, model: &Traits<'_>) -> bool {
        self.admits_all_but_text(model) && self.admits_text(model)
    }

    /// Whether a model would be meant if the text were another: what a search that found nothing is told.
    pub fn admits_all_but_text(&self, model: &Traits<'_>) -> bool {
        self.provider.as_deref().is_none_or(|slug| slug == model.provider)
            && self.state.is_none_or(|state| state == model.state)
            && self.pricing.is_none_or(|pricing| (pricing == Pricing::Known) == model.input.is_some())
            && self.max_input.is_none_or(|most| model.input.is_some_and(|input| input <= most))
            && self.min_context.is_none_or(|least| model.context_window.is_some_and(|size| size >= least))
            && self.capabilities.iter().all(|wanted| model.capabilities.contains(wanted))
    }

    fn admits_text(&self, model: &Traits<'_>) -> bool {
        let name = format!("{}/{} {}", model.provider, model.model, model.provider_name).to_lowercase();
        self.text.to_lowercase().split_whitespace().all(|word| name.contains(word))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: Traits<'static> = Traits {
        provider: "openrouter",
        provider_name: "OpenRouter",
        model: "deepseek/deepseek-chat-v3.1",
        capabilities: &[Capability::Tools, Capability::Json],
        state: ModelState::Available,
        input: Some(NanoUsd(270_000_000)),
        context_window: Some(163_840),
    };

    fn check(change: impl FnOnce(&mut ModelFilter), admitted: bool) {
        let mut filter = ModelFilter::default();
        change(&mut filter);
        assert_eq!(filter.admits(&MODEL), admitted, "{filter:?}");
    }

    #[test]
    fn a_filter_admits_what_fits_all_of_it() {
        check(|_| {}, true);
        check(|f| f.provider = Some("openrouter".into()), true);
        check(|f| f.provider = Some("openai".into()), false);
        check(|f| f.text = "DeepSeek v3".into(), true);
        check(|f| f.text = "openrouter/deepseek".into(), true);
        check(|f| f.text = "deepseek v4".into(), false);
        check(|f| f.capabilities = vec![Capability::Tools], true);
        check(|f| f.capabilities = vec![Capability::Tools, Capability::Images], false);
        check(|f| f.state = Some(ModelState::Unavailable), false);
        check(|f| f.pricing = Some(Pricing::Known), true);
        check(|f| f.pricing = Some(Pricing::Unknown), false);
        check(|f| f.max_input = Some(NanoUsd(270_000_000)), true);
        check(|f| f.max_input = Some(NanoUsd(269_999_999)), false);
        check(|f| f.min_context = Some(163_840), true);
        check(|f| f.min_context = Some(163_841), false);
    }

    #[test]
    fn what_is_not_known_fits_no_bound() {
        let unknown = Traits { input: None, context_window: None, ..MODEL };
        for filter in [
            ModelFilter { max_input: Some(NanoUsd(i64::MAX)), ..ModelFilter::default() },
            ModelFilter { min_context: Some(1), ..ModelFilter::default() },
        ] {
            assert!(!filter.admits(&unknown), "{filter:?}");
        }
        let unpriced = ModelFilter { pricing: Some(Pricing::Unknown), ..ModelFilter::default() };
        assert!(unpriced.admits(&unknown));
    }

    #[test]
    fn the_same_model_goes_by_several_ids() {
        for (one, other, same) in [
            ("claude-sonnet-4-5", "anthropic/claude-sonnet-4.5", true),
            ("deepseek/deepseek-r1:free", "deepseek-r1", true),
            ("gpt-5-mini", "openai/gpt-5", false),
        ] {
            assert_eq!(is_same_model(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn the_bundled_table_is_read_whole() {
        let lines = include_str!("../data/models.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(BUNDLED.len(), lines);
        assert_eq!(bundled("anthropic", "claude-sonnet-4-5").context_window, Some(200_000));
        assert_eq!(bundled("openai", "no-such-model"), BundledModel::default());
    }
}
