//! What the models of a chain lack of what its profile asks for (M4): warnings before a bot finds out.

use serde::Serialize;

use super::Spec;
use crate::catalog::Protocol;
use crate::dialect::takes::{asked, untaken_by_model, untaken_by_protocol};
use crate::model::{Capability, ModelState};
use crate::route::Capabilities;

/// What is known of one step of a chain.
#[derive(Clone, Copy, Debug)]
pub struct TargetFacts<'a> {
    /// The provider's slug.
    pub provider: &'a str,
    /// What it speaks.
    pub protocol: Protocol,
    /// The model.
    pub model: &'a str,
    /// Whether it can be had, where the catalogue knows it.
    pub state: Option<ModelState>,
    /// What it can do, where that is known completely.
    pub capabilities: Option<Capabilities>,
    /// The longest answer in tokens, where that is known.
    pub max_output: Option<u32>,
}

/// A setting that a model of the chain lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct ProfileHint {
    /// The field of the profile's document.
    pub setting: &'static str,
    /// The step, from 1.
    pub step: u32,
    /// The model that lacks it.
    pub model: String,
    /// For people.
    pub text: String,
}

/// What the steps of a chain lack, in their order.
pub fn hints(spec: &Spec, chain: &[TargetFacts<'_>]) -> Vec<ProfileHint> {
    (1..).zip(chain).flat_map(|(step, target)| lacks(spec, step, target)).collect()
}

fn lacks(spec: &Spec, step: u32, target: &TargetFacts<'_>) -> Vec<ProfileHint> {
    let model = target.model;
    let hint = |setting, text: String| ProfileHint { setting, step, model: model.to_owned(), text };
    let recipe = spec.recipe();
    let wanted = asked(&recipe.sampling, recipe.response_format.as_ref());
    let by_model = wanted.and(untaken_by_model(target.provider, model));
    let by_protocol = wanted.and(untaken_by_protocol(target.protocol));
    let mut hints: Vec<ProfileHint> = by_model
        .iter()
        .map(|parameter| (parameter, format!("{model} does not take it.")))
        .chain(
            by_protocol
                .iter()
                .map(|parameter| (parameter, format!("{model}'s provider has no word for it."))),
        )
        .map(|(parameter, text)| hint(field(parameter.as_str()), text))
        .collect();
    let cannot = |capability| target.capabilities.is_some_and(|can| !can.has(capability));
    if !spec.tool_configurations.is_empty() && cannot(Capability::Tools) {
        hints.push(hint("tool_configurations", format!("{model} cannot call tools: calls pass it by.")));
    }
    if matches!(spec.response_format, Some(super::AnswerFormat::JsonSchema { .. }))
        && cannot(Capability::Json)
    {
        hints.push(hint(
            "response_format",
            format!("{model} cannot keep to a JSON schema: calls pass it by."),
        ));
    }
    if let Some((asked, most)) = spec.max_tokens.zip(target.max_output).filter(|(asked, most)| asked > most) {
        hints.push(hint("max_tokens", format!("{model} answers with {most} tokens at most, not {asked}.")));
    }
    match target.state {
        Some(ModelState::Unavailable) => {
            hints.push(hint("targets", format!("{model} is gone: its provider lists it no more.")));
        }
        Some(ModelState::Deprecated) => {
            hints.push(hint("targets", format!("{model} will end: its provider has named the day.")));
        }
        _ => {}
    }
    hints
}

/// The field of a profile's document that holds a parameter.
fn field(parameter: &'static str) -> &'static str {
    if parameter == "stop" { "stop_sequences" } else { parameter }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{AnswerFormat, SpecTarget, ToolSpec};

    const MINI: TargetFacts<'static> = TargetFacts {
        provider: "openai",
        protocol: Protocol::Openai,
        model: "gpt-5-mini",
        state: Some(ModelState::Available),
        capabilities: None,
        max_output: Some(128_000),
    };

    fn told(spec: &Spec, chain: &[TargetFacts<'_>]) -> Vec<(&'static str, u32)> {
        hints(spec, chain).iter().map(|hint| (hint.setting, hint.step)).collect()
    }

    #[test]
    fn m4_a_setting_that_a_model_of_the_chain_lacks_is_told_with_its_name() {
        let claude =
            TargetFacts { provider: "anthropic", protocol: Protocol::Anthropic, model: "claude", ..MINI };
        let spec = Spec {
            targets: vec![SpecTarget::default()],
            temperature: Some(0.3),
            seed: Some(1),
            max_tokens: Some(200_000),
            response_format: Some(AnswerFormat::JsonObject),
            ..Spec::default()
        };
        let expected =
            [("temperature", 1), ("max_tokens", 1), ("seed", 2), ("response_format", 2), ("max_tokens", 2)];
        assert_eq!(told(&spec, &[MINI, claude]), expected);
        let hint = &hints(&spec, &[MINI])[0];
        assert_eq!((hint.model.as_str(), hint.text.as_str()), ("gpt-5-mini", "gpt-5-mini does not take it."));
        assert_eq!(told(&Spec::default(), &[MINI, claude]), []);
    }

    #[test]
    fn m4_what_is_not_known_of_a_model_is_no_lack() {
        let tool =
            ToolSpec { name: "t".into(), description: None, parameters: serde_json::json!({}), strict: None };
        let spec = Spec { tool_configurations: vec![tool], ..Spec::default() };
        assert_eq!(told(&spec, &[MINI]), []);
        let plain = TargetFacts { capabilities: Some(Capabilities::NONE), ..MINI };
        assert_eq!(told(&spec, &[plain]), [("tool_configurations", 1)]);
    }

    #[test]
    fn m3_a_model_that_is_gone_is_told() {
        let gone = TargetFacts { state: Some(ModelState::Unavailable), ..MINI };
        assert_eq!(told(&Spec::default(), &[gone]), [("targets", 1)]);
    }
}
