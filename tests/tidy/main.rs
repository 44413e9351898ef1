//! The repository's own rules, as tests. A failure names the places and says how to mend them.
#![cfg(test)]

mod page;
mod repository;
mod rust;

use std::fs;
use std::path::{Path, PathBuf};

/// A text file of the repository.
struct Source {
    /// Relative to the root, with forward slashes.
    path: String,
    text: String,
}

impl Source {
    fn is_in(&self, folder: &str) -> bool {
        self.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    }
}

const TEXT: [&str; 14] =
    ["css", "html", "js", "json", "md", "rs", "sh", "sql", "svelte", "svg", "toml", "ts", "tsv", "yml"];

/// Folders that are built or downloaded.
const NOT_OURS: [&str; 5] = [".git", "dist", "gen", "node_modules", "target"];

/// This test spells out what it forbids, and generated locks are nobody's prose.
fn is_exempt(path: &str) -> bool {
    path.starts_with("tests/tidy/") || path.ends_with("Cargo.lock") || path.ends_with("package-lock.json")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All text files with one of these endings.
fn sources(endings: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    collect(root(), &mut paths);
    paths.sort();
    let found: Vec<Source> = paths.iter().filter_map(|path| read(path, endings)).collect();
    assert!(!found.is_empty(), "no {endings:?} file was found: this test looks in the wrong place");
    found
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let kind = entry.file_type().unwrap();
        let is_ours = !NOT_OURS.iter().any(|name| entry.file_name() == *name);
        if kind.is_dir() && is_ours {
            collect(&entry.path(), into);
        } else if kind.is_file() {
            into.push(entry.path());
        }
    }
}

fn read(path: &Path, endings: &[&str]) -> Option<Source> {
    let ending = path.extension()?.to_str()?;
    let relative = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    (endings.contains(&ending) && !is_exempt(&relative))
        .then(|| Source { path: relative, text: fs::read_to_string(path).unwrap() })
}

/// `path:line: text` of every line that is bad.
fn lines_where(files: &[Source], is_bad: impl Fn(&str) -> bool) -> Vec<String> {
    let place = |file: &Source, (index, line): (usize, &str)| {
        is_bad(line).then(|| format!("{}:{}: {}", file.path, index + 1, line.trim()))
    };
    files.iter().flat_map(|file| file.text.lines().enumerate().filter_map(move |l| place(file, l))).collect()
}

#[track_caller]
fn demand(found: &[String], how_to_mend: &str) {
    assert!(found.is_empty(), "\n{how_to_mend}\n\n  {}\n", found.join("\n  "));
}

/// Proves that a rule catches what it should, and nothing else.
#[track_caller]
fn prove(rule: impl Fn(&str) -> bool, caught: &[&str], passed: &[&str]) {
    for text in caught {
        assert!(rule(text), "the rule should catch: {text}");
    }
    for text in passed {
        assert!(!rule(text), "the rule should let pass: {text}");
    }
}

fn is_word_part(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}
