//! Rules for the page inside the window.

use crate::{Source, demand, is_word_part, lines_where, prove, sources};

/// The only components that may put a string into the page as markup: charts, drawn by our own Rust code.
const MAY_SHOW_MARKUP: [&str; 1] = ["ui/src/kit/Chart.svelte"];

fn page(endings: &[&str]) -> Vec<Source> {
    sources(endings).into_iter().filter(|file| file.is_in("ui/src")).collect()
}

fn page_without(endings: &[&str], exceptions: &[&str]) -> Vec<Source> {
    page(endings).into_iter().filter(|file| !exceptions.contains(&file.path.as_str())).collect()
}

#[test]
fn one_file_talks_to_the_backend() {
    let files = page_without(&["ts", "svelte"], &["ui/src/backend.ts", "ui/src/bindings.ts"]);
    demand(
        &lines_where(&files, imports_the_backend),
        "Import it from backend.ts, the only file that imports the bindings and @tauri-apps; add it there if it is missing.",
    );
    prove(
        imports_the_backend,
        &[
            "import { invoke } from '@tauri-apps/api/core';",
            "  } from \"../bindings\";",
            "const b = await import(\"./bindings.ts\");",
        ],
        &[
            "import { Call } from \"../backend\";",
            "import { bindings } from \"./actions\";",
            "// about @tauri-apps",
        ],
    );
}

fn imports_the_backend(line: &str) -> bool {
    let module = |text: &str| {
        text.starts_with("@tauri-apps") || matches!(text.rsplit('/').next(), Some("bindings" | "bindings.ts"))
    };
    (line.contains("import") || line.contains("from"))
        && line.split(['"', '\'', '`']).skip(1).step_by(2).any(module)
}

#[test]
fn colours_stand_in_one_file() {
    let files = page_without(&["css", "svelte", "ts"], &["ui/src/tokens.css", "ui/src/bindings.ts"]);
    demand(
        &lines_where(&files, has_a_colour),
        "Use a token: var(--…). A colour that is missing is added to tokens.css, for both themes.",
    );
    prove(
        has_a_colour,
        &[
            "color: #fff;",
            "fill=\"#3568d8\"",
            "background: rgb(0 0 0 / .5)",
            "const red = '#f00';",
            "border: 1px solid hsl(1 2% 3%)",
        ],
        &[
            "{#each rows as row}",
            "href=\"#add\"",
            "this.#add(row)",
            "#bed = 1;",
            "color: var(--text)",
            "&#123;",
            "<use href=\"#face\" />",
        ],
    );
}

fn has_a_colour(line: &str) -> bool {
    let lower = line.to_ascii_lowercase();
    let is_called =
        |name: &str| lower.match_indices(name).any(|(at, _)| !lower[..at].ends_with(is_word_part));
    ["rgb(", "rgba(", "hsl(", "hsla(", "hwb(", "lab(", "lch(", "oklab(", "oklch("]
        .iter()
        .any(|name| is_called(name))
        || lower.match_indices('#').any(|(at, _)| is_hex_colour(&lower[..at], &lower[at + 1..]))
}

/// `#` also begins blocks (`{#if`), private fields (`this.#add`), entities and links; none of these is a colour.
fn is_hex_colour(before: &str, after: &str) -> bool {
    let digits = after.chars().take_while(char::is_ascii_hexdigit).count();
    let ends_there = !after[digits..].starts_with(|c| is_word_part(c) || c == '(' || c == '-');
    let is_other = before.trim().is_empty()
        || before.ends_with(|c: char| is_word_part(c) || matches!(c, '.' | '&' | '{'))
        || before.ends_with("href=\"")
        || before.ends_with("url(");
    matches!(digits, 3 | 4 | 6 | 8) && ends_there && !is_other
}

#[test]
fn no_text_becomes_markup() {
    let files = page_without(&["svelte", "ts"], &MAY_SHOW_MARKUP);
    demand(
        &lines_where(&files, shows_markup),
        "Show it as text: what a model or a provider says is never markup. Only charts, drawn by our own code, are.",
    );
    prove(shows_markup, &["<p>{@html answer}</p>", "node.innerHTML = text"], &["<p>{answer}</p>"]);
}

fn shows_markup(line: &str) -> bool {
    ["{@html", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"]
        .iter()
        .any(|way| line.contains(way))
}
