//! What is in force for a call, and which level says so (M5): call before profile before connection before provider before what
//! is built in.

use serde::Serialize;

use super::{Conduct, Recipe, Streams, WhenFull, WhenSlow};
use crate::chat::{ResponseFormat, ToolChoice};
use crate::connection::Connection;
use crate::dialect::takes::{Parameters, asked};
use crate::route::MAX_ATTEMPTS;

/// Who says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum SettingLevel {
    /// The caller.
    Call,
    /// The profile.
    Profile,
    /// The connection.
    Connection,
    /// The provider.
    Provider,
    /// Patchbay, or the model itself.
    BuiltIn,
}

/// One setting in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, specta::Type)]
pub struct EffectiveSetting {
    /// Its name, as in a profile's document.
    pub name: &'static str,
    /// For people; `None` where nothing is sent and the model does as it does.
    pub value: Option<String>,
    /// Who says so.
    pub level: SettingLevel,
    /// The model does not take it: it is left out, or the target is passed by.
    pub is_untaken: bool,
}

/// Everything that is in force at one connection, in the order of a profile's document.
pub fn effective(
    call: &Recipe,
    profile: Option<(&Recipe, &Conduct)>,
    connection: &Connection,
    untaken: Parameters,
) -> Vec<EffectiveSetting> {
    let nothing = (Recipe::default(), Conduct::default());
    let (recipe, conduct) = profile.unwrap_or((&nothing.0, &nothing.1));
    let mut list = sent(call, recipe, untaken);
    list.extend(conducted(conduct, connection));
    list
}

fn sent(call: &Recipe, profile: &Recipe, untaken: Parameters) -> Vec<EffectiveSetting> {
    let wanted = |recipe: &Recipe| asked(&recipe.sampling, recipe.response_format.as_ref()).and(untaken);
    let lost = [wanted(call), wanted(profile)];
    let pick = |name: &'static str, said: [Option<String>; 2]| {
        let level = [SettingLevel::Call, SettingLevel::Profile].into_iter().zip(said).zip(lost);
        let first =
            level.into_iter().find_map(|((level, value), lost)| value.map(|value| (level, value, lost)));
        let (level, value, lost) = first
            .map_or((SettingLevel::BuiltIn, None, Parameters::NONE), |(level, value, lost)| {
                (level, Some(value), lost)
            });
        let is_untaken = lost.iter().any(|parameter| parameter.as_str() == short(name));
        EffectiveSetting { name, value, level, is_untaken }
    };
    let both = |read: fn(&Recipe) -> Option<String>| [read(call), read(profile)];
    vec![
        pick("temperature", both(|one| number(one.sampling.temperature))),
        pick("top_p", both(|one| number(one.sampling.top_p))),
        pick("max_tokens", both(|one| one.max_tokens.map(|tokens| tokens.to_string()))),
        pick("presence_penalty", both(|one| number(one.sampling.presence_penalty))),
        pick("frequency_penalty", both(|one| number(one.sampling.frequency_penalty))),
        pick("seed", both(|one| one.sampling.seed.map(|seed| seed.to_string()))),
        pick("stop_sequences", both(|one| listed(&one.sampling.stop))),
        pick("response_format", both(|one| one.response_format.as_ref().map(format))),
        pick("tool_configurations", both(|one| listed(one.tools.iter().map(|tool| &tool.name)))),
        pick("tool_choice", both(|one| one.tool_choice.as_ref().map(choice))),
        pick("system_prompt", both(|one| one.system_prompt.clone())),
    ]
}

/// The parameter's name beside the field's.
fn short(name: &str) -> &str {
    if name == "stop_sequences" { "stop" } else { name }
}

fn conducted(conduct: &Conduct, connection: &Connection) -> Vec<EffectiveSetting> {
    let by =
        |name, value: String, level| EffectiveSetting { name, value: Some(value), level, is_untaken: false };
    let (streams, streams_by) = streaming(conduct, connection);
    let (first_byte_ms, timeout_by) = match conduct.first_byte_ms {
        Some(ms) => (ms, SettingLevel::Profile),
        None => (connection.timeouts.first_byte_ms, SettingLevel::Connection),
    };
    let (attempts, attempts_by) = conduct
        .attempts
        .map_or((MAX_ATTEMPTS, SettingLevel::BuiltIn), |attempts| (attempts, SettingLevel::Profile));
    let full_by =
        if conduct.when_full == WhenFull::default() { SettingLevel::BuiltIn } else { SettingLevel::Profile };
    let (slow, slow_by) = match conduct.when_slow {
        WhenSlow::Wait => ("wait", SettingLevel::BuiltIn),
        WhenSlow::AskNext => ("ask_next", SettingLevel::Profile),
    };
    let url_by =
        if connection.own_base_url.is_some() { SettingLevel::Connection } else { SettingLevel::Provider };
    let mut list = vec![
        by("streaming_enabled", if streams { "yes" } else { "no" }.into(), streams_by),
        by("timeout_s", format!("{}", f64::from(first_byte_ms) / 1_000.0), timeout_by),
        by("max_attempts", attempts.to_string(), attempts_by),
        by("max_retries", connection.max_retries.to_string(), SettingLevel::Connection),
        by("when_full", full(conduct.when_full), full_by),
        by("when_slow", slow.into(), slow_by),
        by("base_url", connection.base_url.clone(), url_by),
    ];
    // Limits do not replace each other: all hold at once.
    let concurrent = [
        (conduct.limits.max_concurrent_requests, SettingLevel::Profile),
        (connection.limits.max_concurrent_requests, SettingLevel::Connection),
        (connection.facts.max_concurrent_requests, SettingLevel::Provider),
    ];
    for (most, level) in concurrent {
        list.extend(most.map(|most| by("max_concurrent_requests", most.to_string(), level)));
    }
    list
}

/// Whether calls may be streamed there, and who says so.
fn streaming(conduct: &Conduct, connection: &Connection) -> (bool, SettingLevel) {
    match conduct.streams {
        _ if !connection.facts.streaming => (false, SettingLevel::Provider),
        Streams::Refused => (false, SettingLevel::Profile),
        Streams::Allowed => (true, SettingLevel::Profile),
        Streams::AsConnection => (connection.streaming, SettingLevel::Connection),
    }
}

fn number(value: Option<f64>) -> Option<String> {
    value.map(|value| value.to_string())
}

fn listed<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Option<String> {
    let texts: Vec<String> = texts.into_iter().map(|text| text.as_ref().to_owned()).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn format(format: &ResponseFormat) -> String {
    match format {
        ResponseFormat::Text => "text".to_owned(),
        ResponseFormat::JsonObject => "any JSON".to_owned(),
        ResponseFormat::JsonSchema { name, .. } => format!("JSON schema \"{name}\""),
    }
}

fn choice(choice: &ToolChoice) -> String {
    match choice {
        ToolChoice::Auto => "auto".to_owned(),
        ToolChoice::None => "none".to_owned(),
        ToolChoice::Required => "required".to_owned(),
        ToolChoice::Function(name) => name.clone(),
    }
}

fn full(when: WhenFull) -> String {
    match when {
        WhenFull::Rotate { wait_ms } => format!("the others, then wait up to {} s", wait_ms / 1_000),
        WhenFull::Wait { wait_ms } => format!("wait up to {} s", wait_ms / 1_000),
        WhenFull::Fail => "fail".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Sampling;
    use crate::dialect::takes::untaken_by_model;
    use crate::route::tests::connection;

    fn find<'a>(list: &'a [EffectiveSetting], name: &str) -> &'a EffectiveSetting {
        list.iter().find(|one| one.name == name).expect(name)
    }

    fn warm(temperature: f64) -> Recipe {
        Recipe {
            sampling: Sampling { temperature: Some(temperature), ..Sampling::default() },
            ..Recipe::default()
        }
    }

    #[test]
    fn m5_each_level_comes_before_the_next() {
        let mut there = connection(1, "main", "openai", 1, &["m"]);
        there.timeouts.first_byte_ms = 30_000;
        let recipe = Recipe { max_tokens: Some(100), ..warm(0.3) };
        let conduct =
            Conduct { first_byte_ms: Some(20_000), when_slow: WhenSlow::AskNext, ..Conduct::default() };
        let list = effective(&warm(0.7), Some((&recipe, &conduct)), &there, Parameters::NONE);
        for (name, value, level) in [
            ("temperature", Some("0.7"), SettingLevel::Call),
            ("max_tokens", Some("100"), SettingLevel::Profile),
            ("top_p", None, SettingLevel::BuiltIn),
            ("timeout_s", Some("20"), SettingLevel::Profile),
            ("streaming_enabled", Some("yes"), SettingLevel::Connection),
            ("base_url", Some("http://127.0.0.1:1/v1"), SettingLevel::Provider),
            ("max_attempts", Some("4"), SettingLevel::BuiltIn),
            ("when_slow", Some("ask_next"), SettingLevel::Profile),
        ] {
            let found = find(&list, name);
            assert_eq!((found.value.as_deref(), found.level), (value, level), "{name}");
        }
        let bare = effective(&Recipe::default(), None, &there, Parameters::NONE);
        assert_eq!(find(&bare, "timeout_s").value.as_deref(), Some("30"));
        assert_eq!(find(&bare, "timeout_s").level, SettingLevel::Connection);
    }

    #[test]
    fn m5_limits_of_all_levels_hold_together() {
        let mut there = connection(1, "main", "openai", 1, &["m"]);
        there.limits.max_concurrent_requests = Some(4);
        let mut conduct = Conduct::default();
        conduct.limits.max_concurrent_requests = Some(10);
        let list =
            effective(&Recipe::default(), Some((&Recipe::default(), &conduct)), &there, Parameters::NONE);
        let most: Vec<_> = list
            .iter()
            .filter(|one| one.name == "max_concurrent_requests")
            .map(|one| (one.value.as_deref().unwrap_or_default(), one.level))
            .collect();
        assert_eq!(most, [("10", SettingLevel::Profile), ("4", SettingLevel::Connection)]);
    }

    #[test]
    fn m4_what_a_model_does_not_take_is_marked() {
        let there = connection(1, "main", "openai", 1, &["m"]);
        let untaken = untaken_by_model("openai", "gpt-5-mini");
        let recipe = warm(0.3);
        let list = effective(&Recipe::default(), Some((&recipe, &Conduct::default())), &there, untaken);
        assert!(find(&list, "temperature").is_untaken);
        assert!(!find(&list, "top_p").is_untaken, "nobody asked for it");
    }
}
