//! Rules for the Rust sources.

use crate::{Source, demand, is_word_part, lines_where, prove, sources};

/// Longer than this, a file wants to be two.
const LONGEST_FILE: usize = 500;

/// Files that may be longer, each with the one thing that it holds. A file that is short again leaves the list.
const EXCUSED: [(&str, &str); 0] = [];

/// How many rules each letter has. A test that proves rule R2 is called `r2_…`.
const RULES: [(char, u32); 9] =
    [('r', 6), ('f', 9), ('c', 5), ('t', 4), ('k', 5), ('a', 3), ('n', 4), ('m', 6), ('x', 4)];

/// Words that say that a thing does something, but not what.
const EMPTY_WORDS: [&str; 7] = ["manager", "service", "helper", "util", "utility", "processor", "handler"];

#[test]
fn lints_are_silenced_only_where_they_are_expected() {
    let found = lines_where(&sources(&["rs"]), allows_a_lint);
    demand(&found, "Write #[expect(the_lint, reason = \"…\")]: it says why, and goes away with its cause.");
    prove(
        allows_a_lint,
        &["#[allow(dead_code)]", "  #![allow(unused)]"],
        &["#[expect(dead_code, reason = \"x\")]"],
    );
}

fn allows_a_lint(line: &str) -> bool {
    line.contains("#[allow(") || line.contains("#![allow(") || line.contains(", allow(")
}

#[test]
fn names_say_what_a_thing_is() {
    let files = sources(&["rs", "svelte", "ts"]);
    let mut found = lines_where(&files, declares_an_empty_name);
    found.extend(files.iter().filter(|file| has_empty_word(&file.path)).map(|file| file.path.clone()));
    demand(
        &found,
        "Name the thing after what it is or decides (Router, Trail, Desk), not Manager, Service, Helper, Util, \
         Processor or Handler.",
    );
    prove(
        declares_an_empty_name,
        &[
            "pub struct KeyManager {",
            "trait RetryHandler: Send {",
            "mod utils;",
            "export class UsageService {",
        ],
        &["struct Trail;", "/// a type Manager would be", "let kind = SecretService;", "enum Manageress {"],
    );
}

fn declares_an_empty_name(line: &str) -> bool {
    const KEYWORDS: [&str; 8] = ["struct", "enum", "trait", "type", "union", "mod", "class", "interface"];
    let is_prose = line.trim_start().starts_with(['/', '*', '#']);
    let words: Vec<&str> = line.split(|c| !is_word_part(c)).filter(|word| !word.is_empty()).collect();
    !is_prose && words.windows(2).any(|pair| KEYWORDS.contains(&pair[0]) && has_empty_word(pair[1]))
}

/// Looks at each word of `snake_case`, `CamelCase` and `path/names.rs`.
fn has_empty_word(name: &str) -> bool {
    let mut spaced = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() || !letter.is_alphanumeric() {
            spaced.push(' ');
        }
        spaced.extend(letter.to_lowercase());
    }
    spaced.split(|c: char| !c.is_alphanumeric()).any(|word| {
        EMPTY_WORDS.contains(&word) || EMPTY_WORDS.contains(&word.strip_suffix('s').unwrap_or(word))
    })
}

#[test]
fn a_change_of_the_desk_is_recorded() {
    let desk: Vec<Source> =
        sources(&["rs"]).into_iter().filter(|file| file.path.starts_with("crates/engine/src/desk")).collect();
    assert!(desk.len() > 10);
    demand(
        &lines_where(&desk, writes_unrecorded),
        "Use engine.change(…) or store.change(…): what a person changes is in the audit log, in the same transaction.",
    );
    prove(
        writes_unrecorded,
        &["engine.store.write(move |db| set(db))", "store.submit(work, done)"],
        &["engine.store.change(now, work)", "engine.change(work)", "out.write(bytes)"],
    );
}

fn writes_unrecorded(line: &str) -> bool {
    line.contains("store.write(") || line.contains("store.submit(")
}

#[test]
fn files_are_short() {
    let mut found = Vec::new();
    for Source { path, text } in &sources(&["rs"]) {
        let lines = text.lines().count();
        let excused = EXCUSED.iter().any(|(name, _)| name == path);
        if lines > LONGEST_FILE && !excused {
            found.push(format!("{path}: {lines} lines"));
        } else if lines <= LONGEST_FILE && excused {
            found.push(format!("{path}: {lines} lines; take it out of EXCUSED"));
        }
    }
    demand(
        &found,
        "Split the file by what it holds. If it holds one type only, add it to EXCUSED with that reason.",
    );
}

#[test]
fn what_a_module_offers_is_listed_by_name() {
    let files = sources(&["rs"]);
    let mut found = Vec::new();
    for file in &files {
        found.extend(
            statements(&file.text)
                .filter(|text| re_exports_all(text))
                .map(|text| format!("{}: {text}", file.path)),
        );
    }
    demand(&found, "List the names: pub use module::{This, That};");
    prove(
        re_exports_all,
        &["pub use chat::*", "pub(crate) use a::{b, c::*}"],
        &["use super::*", "pub use chat::{Message, Role}"],
    );
}

fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').filter_map(|part| part.rfind("pub").map(|at| part[at..].trim()))
}

fn re_exports_all(statement: &str) -> bool {
    let is_public_use =
        statement.starts_with("pub use ") || (statement.starts_with("pub(") && statement.contains(") use "));
    is_public_use && statement.contains("::*")
}

#[test]
fn tests_named_after_a_rule_name_one_that_exists() {
    let mut found = Vec::new();
    for file in sources(&["rs"]) {
        found.extend(
            test_names(&file.text)
                .into_iter()
                .filter(|name| names_no_rule(name))
                .map(|name| format!("{}: {name}", file.path)),
        );
    }
    demand(
        &found,
        "A test name that starts with a letter and a number proves the rule of that id. Use an id that exists, or begin \
         with a word (percentile_95_…, not p95_…).",
    );
    prove(
        names_no_rule,
        &["r7_never", "p95_is_exact", "f0_x", "x44_y"],
        &["r2_never_more", "utf8_is_kept", "f9_health", "round"],
    );
    assert_eq!(test_names("#[test]\n#[expect(x)]\nfn r2_a() {}\nfn r9_b() {}\n"), ["r2_a"]);
}

/// The functions whose attributes make them a test.
fn test_names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("#[") {
            is_test |= line.contains("test");
        } else if let Some((before, after)) = line.split_once("fn ") {
            if is_test && before.split(' ').all(|word| matches!(word, "" | "pub" | "async")) {
                names.extend(after.split(|c| !is_word_part(c)).next());
            }
            is_test = false;
        }
    }
    names
}

fn names_no_rule(name: &str) -> bool {
    let Some((id, _)) = name.split_once('_') else {
        return false;
    };
    let mut letters = id.chars();
    let (Some(letter), Ok(number)) = (letters.next(), letters.as_str().parse::<u32>()) else {
        return false;
    };
    letter.is_ascii_lowercase()
        && !RULES.iter().any(|(known, count)| *known == letter && (1..=*count).contains(&number))
}
