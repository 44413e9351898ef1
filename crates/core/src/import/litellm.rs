//! LiteLLM's `config.yaml`: deployments of the same account become one connection, and each `model_name` leads to its deployments.

use serde_json::{Map, Value};

use super::{Found, KeyAt, Named, Sighting, Skipped, at};
use crate::catalog::{CatalogProvider, provider, providers};
use crate::connection::Limits;
use crate::secret::Secret;

/// How a value says that it is in an environment variable.
const IN_VARIABLE: &str = "os.environ/";
/// What of a deployment becomes part of its connection.
const UNDERSTOOD: [&str; 13] = [
    "model",
    "api_key",
    "api_base",
    "base_url",
    "rpm",
    "tpm",
    "max_parallel_requests",
    "organization",
    "timeout",
    "stream_timeout",
    "max_retries",
    "num_retries",
    "custom_llm_provider",
];
/// What people write where a client insists on a key and the server does not.
const PLACEHOLDERS: [&str; 7] =
    ["none", "null", "empty", "dummy", "no-key", "not-needed", "sk-no-key-required"];
/// Providers that Patchbay has no protocol for, and why.
const FOREIGN: [(&str, &str); 5] = [
    ("azure", "Azure's addresses and keys differ from OpenAI's, and Patchbay does not speak them."),
    ("bedrock", "AWS signs each request, which Patchbay does not do."),
    ("sagemaker", "AWS signs each request, which Patchbay does not do."),
    ("vertex_ai", "Google Cloud's service accounts are not API keys. Use Gemini with a key of AI Studio."),
    ("watsonx", "Patchbay does not speak its protocol."),
];

/// Whether this is such a file.
pub fn is_config(document: &Value) -> bool {
    document.get("model_list").is_some_and(Value::is_array)
}

/// The connections that a configuration speaks of. `text` reads a variable that a setting other than a key refers to.
pub fn find(document: &Value, text: impl Fn(&str) -> Option<String>) -> Sighting {
    let mut sighting = Sighting::default();
    let deployments = document.get("model_list").and_then(Value::as_array).into_iter().flatten();
    for (index, deployment) in deployments.enumerate() {
        let asked_for = deployment["model_name"].as_str();
        let name = asked_for.unwrap_or("without a name");
        match Deployment::read(deployment, &text) {
            Ok(deployment) => {
                let model = deployment.model.clone();
                let origin = take(&mut sighting, deployment, name);
                // A name with a * is a pattern, which stands for itself.
                if let Some((name, model)) = asked_for.filter(|name| !name.contains('*')).zip(model) {
                    lead(&mut sighting.names, name, (origin, model));
                }
            }
            Err(why) => sighting.skipped.push(Skipped::new(format!("model_list {}: {name}", index + 1), why)),
        }
    }
    let sections = document.as_object().into_iter().flat_map(Map::keys);
    for section in sections.filter(|section| *section != "model_list") {
        sighting.skipped.push(Skipped::new(section, why_left(section)));
    }
    sighting
}

/// What Patchbay has in the place of a section.
fn why_left(section: &str) -> &'static str {
    match section {
        "router_settings" => "Fail-over goes by the order of connections, and by the chain of a profile.",
        "general_settings" => "Apps, tokens and budgets are set in Patchbay.",
        "litellm_settings" => "Retries, time limits and fall-backs are set for each connection and profile.",
        "environment_variables" => {
            "Variables are read from the environment and from a .env file beside this one."
        }
        _ => "Patchbay has nothing like it.",
    }
}

/// One entry of the list, understood.
struct Deployment {
    provider: &'static CatalogProvider,
    base_url: Option<String>,
    model: Option<String>,
    key: KeyAt,
    organization: Option<String>,
    limits: Limits,
    max_retries: Option<u32>,
    timeout_s: Option<u32>,
    left: Vec<String>,
}

impl Deployment {
    fn read(entry: &Value, text: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let none = Map::new();
        let settings = entry["litellm_params"].as_object().unwrap_or(&none);
        let read = |name: &str| match settings.get(name).and_then(Value::as_str) {
            Some(value) => value.strip_prefix(IN_VARIABLE).map_or(Some(value.to_owned()), &text),
            None => None,
        };
        let model = read("model").ok_or("It names no model.")?;
        let base = read("api_base").or_else(|| read("base_url")).filter(|url| !url.trim().is_empty());
        let (provider, model) = provider_of(&model, read("custom_llm_provider").as_deref(), base.is_some())?;
        let (provider, base_url) = match base {
            Some(url) => at(provider, &url)?,
            None if provider.base_url.is_empty() => return Err("It names no api_base.".to_owned()),
            None => (provider, None),
        };
        let seconds =
            settings.get("stream_timeout").or_else(|| settings.get("timeout")).and_then(Value::as_f64);
        let left = settings.keys().filter(|name| !UNDERSTOOD.contains(&name.as_str())).cloned().collect();
        Ok(Self {
            provider,
            base_url,
            model: Some(model.to_owned()).filter(|model| !model.contains('*')),
            key: key_of(settings),
            organization: read("organization"),
            limits: limits_of(settings),
            max_retries: count(settings, "max_retries")
                .or_else(|| count(settings, "num_retries"))
                .map(|n| n.min(10)),
            timeout_s: seconds.and_then(whole_seconds),
            left,
        })
    }

    /// The same account: one connection has all its models.
    fn is_of(&self, found: &Found) -> bool {
        found.provider == self.provider.slug && found.base_url == self.base_url && found.key == self.key
    }
}

fn key_of(settings: &Map<String, Value>) -> KeyAt {
    match settings.get("api_key").and_then(Value::as_str).filter(|key| !key.trim().is_empty()) {
        None => KeyAt::Nowhere,
        Some(key) if PLACEHOLDERS.contains(&key.to_ascii_lowercase().as_str()) => KeyAt::Nowhere,
        Some(key) => match key.strip_prefix(IN_VARIABLE) {
            Some(name) => KeyAt::Variable(name.trim().to_owned()),
            None => KeyAt::Here(Secret::new(key.to_owned())),
        },
    }
}

fn limits_of(settings: &Map<String, Value>) -> Limits {
    Limits {
        rate_limit_per_minute: count(settings, "rpm"),
        tokens_per_minute: count(settings, "tpm"),
        max_concurrent_requests: count(settings, "max_parallel_requests"),
        ..Limits::default()
    }
}

/// A number from 1 on, also where it is written as text.
fn count(settings: &Map<String, Value>, name: &str) -> Option<u32> {
    let value = settings.get(name)?;
    let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())?;
    u32::try_from(number).ok().filter(|number| *number > 0)
}

fn whole_seconds(seconds: f64) -> Option<u32> {
    (1..=3_600).find(|whole| f64::from(*whole) >= seconds).filter(|_| seconds > 0.0)
}

/// The provider of a model's name, and the name that it knows the model by.
fn provider_of<'a>(
    model: &'a str,
    custom: Option<&str>,
    has_address: bool,
) -> Result<(&'static CatalogProvider, &'a str), String> {
    let (prefix, rest) = match (custom, model.split_once('/')) {
        (Some(custom), _) => (custom.to_owned(), model),
        (None, Some((prefix, rest))) => (prefix.to_owned(), rest),
        (None, None) => (bare(model).unwrap_or_default().to_owned(), model),
    };
    if let Some((_, why)) = FOREIGN.iter().find(|(foreign, _)| prefix.starts_with(foreign)) {
        return Err((*why).to_owned());
    }
    let known = providers().iter().find(|provider| provider.litellm.contains(&prefix));
    // A model's own name may have a slash in it, where an address says who answers.
    let open = || provider("compatible").filter(|_| has_address).map(|provider| (provider, model));
    known.map(|provider| (provider, rest)).or_else(open).ok_or_else(|| {
        if prefix.is_empty() {
            format!("\"{model}\" does not say whose model it is.")
        } else {
            format!("No provider is known as \"{prefix}\".")
        }
    })
}

/// Whose model a name without a prefix is, as LiteLLM takes it.
fn bare(model: &str) -> Option<&'static str> {
    const KNOWN: [(&str, &str); 6] = [
        ("gpt-", "openai"),
        ("chatgpt-", "openai"),
        ("o1", "openai"),
        ("o3", "openai"),
        ("o4", "openai"),
        ("claude-", "anthropic"),
    ];
    KNOWN.into_iter().find(|(start, _)| model.starts_with(start)).map(|(_, owner)| owner)
}

/// One more place for a name.
fn lead(names: &mut Vec<Named>, name: &str, place: (String, String)) {
    match names.iter_mut().find(|known| known.name == name) {
        Some(known) if known.places.contains(&place) => {}
        Some(known) => known.places.push(place),
        None => names.push(Named { name: name.to_owned(), places: vec![place] }),
    }
}

/// Answers the origin of the connection that a deployment belongs to.
fn take(sighting: &mut Sighting, deployment: Deployment, name: &str) -> String {
    let mut notes = Vec::new();
    if !deployment.left.is_empty() {
        notes.push(format!("{name}: {} not taken over.", deployment.left.join(", ")));
    }
    if let Some(found) = sighting.found.iter_mut().find(|found| deployment.is_of(found)) {
        found.limits = strictest(found.limits, deployment.limits);
        found.notes.extend(notes);
        return found.origin.clone();
    }
    let key = deployment.key;
    let taken = |origin: &str| sighting.found.iter().any(|found| found.origin == origin);
    let origin = (1..).map(|n| if n == 1 { name.to_owned() } else { format!("{name} {n}") });
    let origin = origin.into_iter().find(|origin| !taken(origin)).unwrap_or_default();
    let found = Found::new(&origin, deployment.provider, deployment.provider.name.clone(), key);
    sighting.found.push(Found {
        base_url: deployment.base_url,
        default_model: deployment.model,
        organization: deployment.organization,
        limits: deployment.limits,
        max_retries: deployment.max_retries,
        timeout_s: deployment.timeout_s,
        notes,
        ..found
    });
    origin
}

/// LiteLLM's limits are of one deployment, Patchbay's of the whole connection: the smaller one can be kept by both.
fn strictest(one: Limits, other: Limits) -> Limits {
    let smaller = |one: Option<u32>, other: Option<u32>| one.into_iter().chain(other).min();
    Limits {
        rate_limit_per_minute: smaller(one.rate_limit_per_minute, other.rate_limit_per_minute),
        tokens_per_minute: smaller(one.tokens_per_minute, other.tokens_per_minute),
        max_concurrent_requests: smaller(one.max_concurrent_requests, other.max_concurrent_requests),
        ..one
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> Value {
        json!({
            "model_list": [
                { "model_name": "gpt-5-mini", "litellm_params": {
                    "model": "openai/gpt-5-mini", "api_key": "os.environ/OPENAI_API_KEY", "rpm": 500, "tpm": "90000" } },
                { "model_name": "fast", "litellm_params": {
                    "model": "gpt-4o-mini", "api_key": "os.environ/OPENAI_API_KEY", "rpm": 60, "drop_params": true } },
                { "model_name": "claude", "litellm_params": {
                    "model": "anthropic/claude-sonnet-4-5", "api_key": "sk-ant-literal-0123456789", "stream_timeout": 12.5 } },
                { "model_name": "local", "litellm_params": {
                    "model": "ollama_chat/llama3", "api_base": "http://localhost:11434" } },
                { "model_name": "house", "litellm_params": {
                    "model": "openai/mixtral", "api_base": "os.environ/HOUSE_URL", "api_key": "none", "max_retries": 99 } },
                { "model_name": "hf", "litellm_params": {
                    "model": "meta-llama/Llama-3", "api_base": "http://10.0.0.7:8000/v1" } },
                { "model_name": "az", "litellm_params": { "model": "azure/gpt-4o", "api_base": "https://x.azure.com" } },
                { "model_name": "who", "litellm_params": { "model": "my-model" } },
                { "model_name": "all", "litellm_params": { "model": "openrouter/*", "api_key": "os.environ/OR_KEY" } },
                "nonsense",
            ],
            "router_settings": { "routing_strategy": "least-busy" },
            "surprise": 1,
        })
    }

    fn sighting() -> Sighting {
        find(&config(), |name| (name == "HOUSE_URL").then(|| "https://llm.house.example/v1".to_owned()))
    }

    #[test]
    fn x1_deployments_of_one_account_become_one_connection() {
        let found = sighting().found;
        let told: Vec<String> = found
            .iter()
            .map(|found| {
                let model = found.default_model.as_deref().unwrap_or("-");
                let url = found.base_url.as_deref().unwrap_or("-");
                let key = match &found.key {
                    KeyAt::Nowhere => "no key".to_owned(),
                    KeyAt::Variable(name) => name.clone(),
                    KeyAt::Here(key) => format!("…{}", key.tail()),
                };
                format!("{}: {} {model} {url} {key}", found.origin, found.provider)
            })
            .collect();
        assert_eq!(
            told,
            [
                "gpt-5-mini: openai gpt-5-mini - OPENAI_API_KEY",
                "claude: anthropic claude-sonnet-4-5 - …6789",
                "local: ollama llama3 http://localhost:11434/v1 no key",
                "house: compatible mixtral https://llm.house.example/v1 no key",
                "hf: compatible meta-llama/Llama-3 http://10.0.0.7:8000/v1 no key",
                "all: openrouter - - OR_KEY",
            ]
        );
        let openai = &found[0];
        assert_eq!(
            (openai.limits.rate_limit_per_minute, openai.limits.tokens_per_minute),
            (Some(60), Some(90_000))
        );
        assert!(openai.notes.iter().any(|note| note.contains("drop_params")), "{:?}", openai.notes);
        assert_eq!((found[1].timeout_s, found[3].max_retries), (Some(13), Some(10)));
    }

    #[test]
    fn x1_each_model_name_leads_to_its_deployments_in_order() {
        let twice = json!({ "model_list": [
            { "model_name": "duo", "litellm_params": { "model": "openai/gpt-5-mini", "api_key": "os.environ/A", "rpm": 5 } },
            { "model_name": "duo", "litellm_params": { "model": "openai/gpt-5-mini", "api_key": "os.environ/B" } },
            { "model_name": "duo", "litellm_params": { "model": "openai/gpt-5-mini", "api_key": "os.environ/A" } },
            { "model_name": "any-*", "litellm_params": { "model": "openai/gpt-5-mini", "api_key": "os.environ/A" } },
        ]});
        let told = |sighting: Sighting| -> Vec<String> {
            let place = |(origin, model): &(String, String)| format!("{origin}/{model}");
            let line = |named: &Named| {
                let places: Vec<String> = named.places.iter().map(place).collect();
                format!("{} > {}", named.name, places.join(" > "))
            };
            sighting.names.iter().map(line).collect()
        };
        assert_eq!(told(find(&twice, |_| None)), ["duo > duo/gpt-5-mini > duo 2/gpt-5-mini"]);
        assert_eq!(
            told(sighting()),
            [
                "gpt-5-mini > gpt-5-mini/gpt-5-mini",
                "fast > gpt-5-mini/gpt-4o-mini",
                "claude > claude/claude-sonnet-4-5",
                "local > local/llama3",
                "house > house/mixtral",
                "hf > hf/meta-llama/Llama-3",
            ]
        );
    }

    #[test]
    fn x1_what_is_not_understood_is_listed() {
        let told: Vec<String> = sighting().skipped.iter().map(|s| format!("{}: {}", s.what, s.why)).collect();
        assert_eq!(told.len(), 5, "{told:#?}");
        for (line, start) in told.iter().zip([
            "model_list 7: az: Azure's",
            "model_list 8: who: \"my-model\" does not say",
            "model_list 10: without a name: It names no model.",
            "router_settings: Fail-over",
            "surprise: Patchbay has nothing",
        ]) {
            assert!(line.starts_with(start), "{line}");
        }
        assert!(!format!("{:?}", sighting()).contains("literal"), "a key in the file is not printed");
    }
}
