//! Rules for the repository as a whole: crates, migrations, documents, words.

use crate::{TEXT, demand, is_word_part, lines_where, prove, root, sources};
use std::fs;

/// The crates form a line, and each may use those before it.
const MAY_USE: [(&str, &str, &[&str]); 5] = [
    ("patchbay-core", "crates/core/Cargo.toml", &[]),
    ("patchbay-store", "crates/store/Cargo.toml", &["patchbay-core"]),
    ("patchbay-engine", "crates/engine/Cargo.toml", &["patchbay-core", "patchbay-store"]),
    ("patchbay-cli", "crates/cli/Cargo.toml", &["patchbay-core", "patchbay-store", "patchbay-engine"]),
    ("patchbay-desktop", "Cargo.toml", &["patchbay-core", "patchbay-store", "patchbay-engine"]),
];

/// What would bring a clock, a socket, a file or a random number into the core.
const IMPURE: [&str; 13] = [
    "async-std",
    "axum",
    "fastrand",
    "futures",
    "getrandom",
    "hyper",
    "keyring-core",
    "rand",
    "reqwest",
    "rusqlite",
    "tauri",
    "tokio",
    "tracing",
];

#[test]
fn crates_depend_one_way() {
    let mut found = Vec::new();
    for (name, manifest, allowed) in MAY_USE {
        for used in dependencies(&fs::read_to_string(root().join(manifest)).unwrap()) {
            if used.starts_with("patchbay-") && !allowed.contains(&used.as_str()) {
                found.push(format!("{name} uses {used}"));
            }
        }
    }
    demand(
        &found,
        "core ◀ store ◀ engine ◀ the two shells. Move the code to the crate that may use both, or pass the value in.",
    );
}

#[test]
fn every_crate_has_its_place_in_the_line() {
    let manifests: Vec<String> = sources(&["toml"])
        .into_iter()
        .map(|file| file.path)
        .filter(|path| path.ends_with("Cargo.toml"))
        .collect();
    let unknown: Vec<String> =
        manifests.into_iter().filter(|path| !MAY_USE.iter().any(|(_, known, _)| known == path)).collect();
    demand(&unknown, "A new crate: say in MAY_USE (tests/tidy/repository.rs) which crates it may use.");
}

#[test]
fn the_core_is_pure() {
    let used = dependencies(&fs::read_to_string(root().join("crates/core/Cargo.toml")).unwrap());
    let found: Vec<String> = used.into_iter().filter(|name| IMPURE.contains(&name.as_str())).collect();
    demand(
        &found,
        "The core only decides. Take the value as a parameter and do the rest in the store or the engine.",
    );
}

/// The names under every `[…dependencies]` of a manifest, with the name of the package where it was renamed.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_inside = false;
    for line in manifest.lines().map(str::trim) {
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            is_inside = header.contains("dependencies") && !header.starts_with("workspace");
            names.extend(
                header.rsplit_once("dependencies.").filter(|_| is_inside).map(|(_, name)| name.to_owned()),
            );
        } else if is_inside && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            let package = line.split_once("package").and_then(|(_, rest)| rest.split('"').nth(1));
            names.extend(
                [name, package.unwrap_or_default()]
                    .iter()
                    .filter(|name| !name.is_empty())
                    .map(ToString::to_string),
            );
        }
    }
    names
}

#[test]
fn a_manifest_is_read_right() {
    let manifest = "[package]\nname = \"x\"\n[workspace.dependencies]\nz = \"1\"\n[dependencies]\n# c\na.workspace = true\n\
                    b = { package = \"real\", version = \"1\" }\n[target.'cfg(unix)'.dependencies]\nd = \"1\"\n[dev-dependencies.e]\n";
    assert_eq!(dependencies(manifest), ["a", "b", "real", "d", "e"]);
}

#[test]
fn migrations_are_numbered_in_order() {
    let folders = fs::read_dir(root().join("migrations")).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = folders
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort_by_key(|name| number_of(name));
    let mut found = Vec::new();
    for (index, name) in names.iter().enumerate() {
        if number_of(name) != Some(index + 1) {
            found.push(format!("migrations/{name}: number {} is due", index + 1));
        }
        if !root().join("migrations").join(name).join("up.sql").is_file() {
            found.push(format!("migrations/{name}: has no up.sql"));
        }
    }
    demand(
        &found,
        "Name migrations NUMBER-what-it-does, without gaps or doubles. Those that were released stay as they are.",
    );
    assert_eq!([number_of("02-usage"), number_of("usage"), number_of("3")], [Some(2), None, None]);
}

fn number_of(folder: &str) -> Option<usize> {
    folder.split_once('-')?.0.parse().ok()
}

#[test]
fn nothing_is_left_unfinished() {
    demand(
        &lines_where(&sources(&TEXT), is_unfinished),
        "Do it now, or write down elsewhere that it is missing.",
    );
    prove(
        is_unfinished,
        &["// TODO: later", "todo!()", "FIXME", "unimplemented!(\"x\")"],
        &["the to-do list", "METODOS"],
    );
}

fn is_unfinished(line: &str) -> bool {
    ["TODO", "FIXME", "todo!", "unimplemented!"].iter().any(|word| has_word(line, word))
}

#[test]
fn the_text_speaks_of_the_product() {
    demand(
        &lines_where(&sources(&TEXT), cites_the_workshop),
        "Say why the code is as it is, so that it can be understood without knowing who asked for it, where and when.",
    );
    prove(
        cites_the_workshop,
        &["as decided in session 12", "see issue #7", "Issue 31: fix", "Session #3"],
        &["the session ends", "session_12", "an issue with 3 parts"],
    );
}

fn cites_the_workshop(line: &str) -> bool {
    let lower = line.to_lowercase();
    ["session ", "issue "].iter().any(|word| {
        lower.match_indices(word).any(|(at, _)| {
            let after = lower[at + word.len()..].trim_start_matches('#');
            !lower[..at].ends_with(is_word_part) && after.starts_with(|c: char| c.is_ascii_digit())
        })
    })
}

fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        !before.ends_with(is_word_part) && !after.starts_with(is_word_part)
    })
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut found = Vec::new();
    for document in sources(&["md"]) {
        let path = root().join(&document.path);
        let folder = path.parent().unwrap();
        for target in links(&document.text).iter().filter(|target| !folder.join(target).exists()) {
            found.push(format!("{}: {target}", document.path));
        }
    }
    demand(&found, "Mend the link, or write the document that it promises.");
    let text = "[a](b.md#c) `[no](x)` [d](https://e) [f](#g)\n```\n[no](y)\n```\n![h](i.png \"j\")";
    assert_eq!(links(text), ["b.md", "i.png"]);
}

/// The targets inside the repository of all links, outside code.
fn links(markdown: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for (index, block) in markdown.split("```").enumerate() {
        for prose in block.split('`').step_by(2).filter(|_| index % 2 == 0) {
            let inside = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '#']).next());
            targets.extend(
                inside.filter(|target| !target.is_empty() && !target.contains(':')).map(str::to_owned),
            );
        }
    }
    targets
}
