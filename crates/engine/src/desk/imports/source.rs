//! Reading the environment and files. Keys stay where they are until an import is made.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use patchbay_core::import::{Skipped, litellm, variables};
use patchbay_core::secret::Secret;
use patchbay_store::{StoreError, sealed};
use serde_json::Value;

use super::Look;
use crate::desk::configuration::is_document;
use crate::error::Error;

/// Longer than any file of settings.
const LONGEST: u64 = 4 * 1024 * 1024;

/// Variables by name: of a file, else of this process.
#[derive(Debug, Default)]
pub(super) struct Variables {
    of_file: BTreeMap<String, Secret>,
    reads_environment: Environment,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Environment {
    #[default]
    Not,
    Too,
}

impl Variables {
    fn names(&self) -> BTreeSet<String> {
        let own = self.of_file.keys().cloned();
        match self.reads_environment {
            Environment::Not => own.collect(),
            Environment::Too => own.chain(environment_names()).collect(),
        }
    }

    /// What a variable holds; `None` where it is not set, or empty.
    pub(super) fn read(&self, name: &str) -> Option<Secret> {
        let own = self.of_file.get(name).cloned();
        let found = own.or_else(|| match self.reads_environment {
            Environment::Not => None,
            Environment::Too => std::env::var(name).ok().map(Secret::new),
        });
        found.filter(|value| !value.is_empty())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.read(name).map(|value| value.expose().to_owned())
    }
}

fn environment_names() -> impl Iterator<Item = String> {
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())
}

/// What this process's variables speak of.
pub(super) fn environment() -> Look {
    let variables = Variables { reads_environment: Environment::Too, ..Variables::default() };
    let sighting = variables::find(&variables.names(), |name| variables.text(name));
    Look { sighting, variables, models: Vec::new() }
}

/// Whether a file is an export of Patchbay's.
pub(super) fn is_own_export(file: &Path) -> bool {
    sealed::is_sealed(file).unwrap_or(false) || read(file).is_ok_and(|text| is_document(&text))
}

/// What a file speaks of.
pub(super) fn file(path: &Path) -> Result<Look, Error> {
    let text = read(path)?;
    if let Some(config) = config(path, &text)? {
        let beside = read(&path.with_file_name(".env")).map(|text| dotenv(&text).0).unwrap_or_default();
        let variables = Variables { of_file: beside, reads_environment: Environment::Too };
        let sighting = litellm::find(&config, |name| variables.text(name));
        return Ok(Look { sighting, variables, models: Vec::new() });
    }
    let (of_file, unread) = dotenv(&text);
    if of_file.is_empty() {
        return Err(unknown(
            path,
            "it has no NAME=value lines, no model_list, and is no export of Patchbay's",
        ));
    }
    let variables = Variables { of_file, reads_environment: Environment::Not };
    let mut sighting = variables::find(&variables.names(), |name| variables.text(name));
    if unread > 0 {
        let why = "They are no NAME=value.".to_owned();
        sighting.skipped.push(Skipped { what: format!("{unread} lines"), why });
    }
    Ok(Look { sighting, variables, models: Vec::new() })
}

fn read(path: &Path) -> Result<String, Error> {
    let mut text = String::new();
    let file = std::fs::File::open(path).and_then(|file| file.take(LONGEST).read_to_string(&mut text));
    file.map_err(|error| unknown(path, &error.to_string()))?;
    Ok(text)
}

fn unknown(path: &Path, why: &str) -> Error {
    StoreError::BadFile { path: path.to_owned(), why: why.to_owned() }.into()
}

/// LiteLLM's configuration, in YAML or JSON; `None` for a file of another kind.
fn config(path: &Path, text: &str) -> Result<Option<Value>, Error> {
    let named =
        path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml" || ending == "json");
    if !named && !text.lines().any(|line| line.starts_with("model_list:")) {
        return Ok(None);
    }
    // The parser's own words repeat lines of the file, which may hold a key.
    let parsed: Result<Value, _> = serde_saphyr::from_str(text);
    match parsed {
        Ok(document) if litellm::is_config(&document) => Ok(Some(document)),
        Ok(_) => Err(unknown(path, "it has no model_list, so it is no configuration of LiteLLM's")),
        Err(error) => {
            let place = error.location().map(|at| format!(" (line {})", at.line())).unwrap_or_default();
            Err(unknown(path, &format!("it is no YAML{place}")))
        }
    }
}

/// The variables of a `.env` file, and how many lines could not be read.
fn dotenv(text: &str) -> (BTreeMap<String, Secret>, usize) {
    let (mut variables, mut unread) = (BTreeMap::new(), 0);
    for line in dotenvy::from_read_iter(text.as_bytes()) {
        match line {
            Ok((name, value)) => drop(variables.insert(name, Secret::new(value))),
            Err(_) => unread += 1,
        }
    }
    (variables, unread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x1_a_dotenv_file_is_read_as_shells_read_it() {
        let text = "# keys\nexport OPENAI_API_KEY='sk-one'\nGROQ_API_KEY=\"gsk two\" # night\n\nEMPTY=\nnot a line\nXAI_API_KEY=xai-3\n";
        let (variables, unread) = dotenv(text);
        let told: Vec<_> = variables.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(
            told,
            [
                ("EMPTY", ""),
                ("GROQ_API_KEY", "gsk two"),
                ("OPENAI_API_KEY", "sk-one"),
                ("XAI_API_KEY", "xai-3")
            ]
        );
        assert_eq!(unread, 1);
    }

    #[test]
    fn k1_a_file_that_is_no_yaml_is_refused_without_its_text() {
        let path = Path::new("config.yaml");
        let error = config(path, "model_list:\n  - a: [sk-secret-0123456789\n b").unwrap_err();
        assert!(!error.to_string().contains("sk-secret"), "{error}");
    }
}
