//! Environment variables and `.env` files. A key is known by its variable's name; its value is not looked at.

use std::collections::BTreeSet;

use super::{Found, KeyAt, Sighting, Skipped, at};
use crate::catalog::{CatalogProvider, providers};

/// Endings of variables that only name where a key is.
const ELSEWHERE: [&str; 3] = ["_FILE", "_PATH", "_URL"];

/// The connections that these variables speak of. `url` reads a variable that holds an address; no other is read.
pub fn find(names: &BTreeSet<String>, url: impl Fn(&str) -> Option<String>) -> Sighting {
    let mut sighting = Sighting::default();
    for name in names {
        let upper = name.to_ascii_uppercase();
        if let Some((provider, variable)) = owner(&upper) {
            match keyed(name, provider, &Affixes::of(&upper, variable), (names, &url)) {
                Ok(found) => sighting.found.push(found),
                Err(why) => sighting.skipped.push(Skipped::new(name, why)),
            }
        } else if let Some(provider) = local(&upper).filter(|_| !names.contains(&key_of(&upper))) {
            match url(name).map(|url| at(provider, &reachable(&url))) {
                Some(Ok((provider, own))) => {
                    let found = Found::new(name, provider, provider.name.clone(), KeyAt::Nowhere);
                    sighting.found.push(Found { base_url: own, ..found });
                }
                Some(Err(why)) => sighting.skipped.push(Skipped::new(name, why)),
                None => {}
            }
        } else if upper.ends_with("_API_KEY") {
            sighting.skipped.push(Skipped::new(name, "No provider is known by this name. Add it by hand."));
        }
    }
    sighting
}

/// The provider of a variable that holds a key, and the variable's plain name.
fn owner(name: &str) -> Option<(&'static CatalogProvider, &'static str)> {
    if ELSEWHERE.iter().any(|ending| name.ends_with(ending)) {
        return None;
    }
    let variables = providers().iter().flat_map(|provider| {
        provider.key_variables.iter().map(move |variable| (provider, variable.as_str()))
    });
    variables.filter(|(_, variable)| is_named(name, variable)).max_by_key(|(_, variable)| variable.len())
}

/// `OPENAI_API_KEY`, `DESK_OPENAI_API_KEY`, `OPENAI_API_KEY_2`.
fn is_named(name: &str, variable: &str) -> bool {
    name == variable
        || name.strip_suffix(variable).is_some_and(|before| before.ends_with('_'))
        || name.strip_prefix(variable).is_some_and(|after| after.starts_with('_'))
}

/// What a variable's name has around its plain name: "DESK_", "_2".
struct Affixes<'a> {
    before: &'a str,
    after: &'a str,
}

impl<'a> Affixes<'a> {
    fn of(name: &'a str, variable: &str) -> Self {
        let at = name.find(variable).unwrap_or_default();
        let (before, rest) = name.split_at(at);
        Self { before, after: rest.get(variable.len()..).unwrap_or_default() }
    }

    fn around(&self, variable: &str) -> String {
        format!("{}{variable}{}", self.before, self.after)
    }

    /// "OpenAI desk", "OpenAI 2".
    fn name(&self, provider: &str) -> String {
        let words = format!("{} {}", self.before, self.after).replace('_', " ").to_ascii_lowercase();
        std::iter::once(provider).chain(words.split_whitespace()).collect::<Vec<_>>().join(" ")
    }
}

fn keyed(
    name: &str,
    provider: &'static CatalogProvider,
    affixes: &Affixes<'_>,
    (names, url): (&BTreeSet<String>, impl Fn(&str) -> Option<String>),
) -> Result<Found, String> {
    let address = provider.url_variables.iter().map(|variable| affixes.around(variable));
    let address = address
        .filter_map(|wanted| names.iter().find(|name| name.to_ascii_uppercase() == wanted))
        .find_map(|name| url(name).filter(|url| !url.trim().is_empty()).map(|url| (name, url)));
    let key = KeyAt::Variable(name.to_owned());
    let Some((variable, address)) = address else {
        return Ok(Found::new(name, provider, affixes.name(&provider.name), key));
    };
    let (actual, own) = at(provider, &reachable(&address)).map_err(|why| format!("{variable}: {why}"))?;
    let mut found = Found::new(name, actual, affixes.name(&actual.name), key);
    found.base_url = own;
    found.notes.push(format!("Its address comes from {variable}."));
    Ok(found)
}

/// A provider on this machine that this variable gives the address of.
fn local(name: &str) -> Option<&'static CatalogProvider> {
    providers()
        .iter()
        .find(|provider| provider.local && provider.url_variables.iter().any(|variable| variable == name))
}

/// The plain key variable beside an address variable.
fn key_of(name: &str) -> String {
    let provider = local(name);
    provider.and_then(|provider| provider.key_variables.first()).cloned().unwrap_or_default()
}

/// Servers listen at 0.0.0.0; they are asked at 127.0.0.1.
fn reachable(address: &str) -> String {
    address.replace("0.0.0.0", "127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    const URLS: [(&str, &str); 7] = [
        ("OPENAI_BASE_URL", "https://api.openai.com/v1/"),
        ("DESK_OPENAI_API_BASE", "https://openrouter.ai/api/v1"),
        ("OPENAI_API_BASE_2", "http://10.0.0.7:8000/v1"),
        ("OLLAMA_HOST", "0.0.0.0:11434"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:9000"),
        ("GROQ_API_BASE", "ftp://nowhere"),
        ("XAI_API_BASE", ""),
    ];

    fn sighting(names: &[&str]) -> Sighting {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        find(&names, |name| {
            let found = URLS.iter().find(|(known, _)| *known == name);
            assert!(found.is_some(), "{name} is read, and holds no address");
            found.map(|(_, url)| (*url).to_owned())
        })
    }

    /// Each as "variable: provider name address".
    fn told(names: &[&str]) -> Vec<String> {
        let found = sighting(names).found;
        let line = |found: &Found| {
            let url = found.base_url.as_deref().unwrap_or("-");
            format!("{}: {} \"{}\" {url}", found.origin, found.provider, found.name)
        };
        found.iter().map(line).collect()
    }

    #[test]
    fn x1_keys_are_known_by_the_names_of_their_variables() {
        for (name, expected) in [
            ("OPENAI_API_KEY", "openai \"OpenAI\""),
            ("DESK_OPENAI_API_KEY", "openai \"OpenAI desk\""),
            ("OPENAI_API_KEY_2", "openai \"OpenAI 2\""),
            ("GOOGLE_API_KEY", "gemini \"Google Gemini\""),
            ("openrouter_api_key", "openrouter \"OpenRouter\""),
            ("ANTHROPIC_API_KEY_NIGHT_DESK", "anthropic \"Anthropic night desk\""),
            ("XAI_API_KEY", "xai \"xAI\""),
        ] {
            assert_eq!(told(&[name]), [format!("{name}: {expected} -")]);
        }
        for name in ["OPENAI_API_KEY_FILE", "HOME", "OPENAI_BASE_URL", "MYOPENAI_API_KEYS"] {
            assert_eq!(sighting(&[name]), Sighting::default(), "{name}");
        }
    }

    #[test]
    fn x1_an_address_beside_a_key_says_who_answers() {
        for (names, expected) in [
            (["OPENAI_API_KEY", "OPENAI_BASE_URL"], "OPENAI_API_KEY: openai \"OpenAI\" -"),
            (
                ["DESK_OPENAI_API_KEY", "DESK_OPENAI_API_BASE"],
                "DESK_OPENAI_API_KEY: openrouter \"OpenRouter desk\" -",
            ),
            (
                ["OPENAI_API_KEY_2", "OPENAI_API_BASE_2"],
                "OPENAI_API_KEY_2: compatible \"Other 2\" http://10.0.0.7:8000/v1",
            ),
            (
                ["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"],
                "ANTHROPIC_API_KEY: anthropic \"Anthropic\" http://127.0.0.1:9000",
            ),
            (["XAI_API_KEY", "XAI_API_BASE"], "XAI_API_KEY: xai \"xAI\" -"),
        ] {
            assert_eq!(told(&names), [expected]);
        }
        assert_eq!(told(&["OLLAMA_HOST"]), ["OLLAMA_HOST: ollama \"Ollama\" -"]);
    }

    #[test]
    fn x1_what_is_not_understood_is_listed() {
        let skipped = sighting(&["BINANCE_API_KEY", "GROQ_API_KEY", "GROQ_API_BASE"]).skipped;
        let told: Vec<&str> = skipped.iter().map(|skipped| skipped.what.as_str()).collect();
        assert_eq!(told, ["BINANCE_API_KEY", "GROQ_API_KEY"]);
        assert!(skipped[1].why.contains("GROQ_API_BASE") && skipped[1].why.contains("ftp"), "{skipped:?}");
    }
}
