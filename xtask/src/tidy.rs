//! What a machine can see of a tree's tidiness: sizes, links, names in documents, and things that belong to one machine only.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::root;
use crate::steps::say;

/// Longest Rust file, in lines: longer ones hold more than one idea.
const LINES_MAX: usize = 700;
/// Folders that are nobody's text.
const SKIPPED: [&str; 6] = ["target", ".git", "node_modules", "assets", ".transom", ".simulator"];
/// Kinds of files that are looked into.
const TEXTS: [&str; 10] = ["rs", "md", "toml", "sql", "json", "py", "mjs", "sh", "yml", "css"];
/// Files whose names and links must lead somewhere.
const DOCUMENTS: [&str; 4] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"];
/// The documents in which every word in code type is a name of the sources.
const MAPS: [&str; 2] = ["ARCHITECTURE.md", "SECURITY.md"];
/// Names in the maps that are words of the trade or of a test's file, not of the sources.
const WORDS: [&str; 2] = ["transom", "guard"];
/// What belongs to one machine; written in two halves, so that this file passes.
const FORBIDDEN: [(&str, &str); 6] = [
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("../sha", "red"), "a folder outside the repository"),
    (concat!("registry.npm", "js"), "the host of a package registry"),
    (concat!("index.crates", ".io"), "the host of a package registry"),
];

/// `cargo xtask tidy`
///
/// # Errors
/// When something is untidy.
pub(crate) fn run() -> Result<()> {
    let mut found = findings();
    for (path, text) in crate::derive::files()? {
        if std::fs::read_to_string(root().join(path)).unwrap_or_default() != text {
            found.push(format!("{path} is old: run `cargo xtask derive`"));
        }
    }
    found.iter().for_each(|f| say(f));
    match found.len() {
        0 => say("the tree is tidy"),
        some => bail!("{some} findings"),
    }
    Ok(())
}

/// Everything that is untidy, one sentence each.
pub(crate) fn findings() -> Vec<String> {
    let root = root();
    let files = texts(&root);
    let mut found = Vec::new();
    let mut sources = String::new();
    for path in &files {
        let name = path.strip_prefix(&root).unwrap_or(path).display().to_string();
        let Ok(text) = std::fs::read_to_string(path) else {
            found.push(format!("{name} is not UTF-8"));
            continue;
        };
        if path.extension().is_some_and(|e| e == "rs") {
            let lines = text.lines().count();
            if lines > LINES_MAX {
                found.push(format!("{name} has {lines} lines, at most {LINES_MAX} are allowed: split it by idea"));
            }
            if !text.trim_start().starts_with("//!") && !name.contains("/tests/") && is_root_of_module(path) {
                found.push(format!("{name} does not begin with what it is about (`//!`)"));
            }
            sources.push_str(&text);
        }
        for (number, line) in text.lines().enumerate() {
            for (word, what) in FORBIDDEN {
                if line.contains(word) {
                    found.push(format!("{name}:{}: {what}", number + 1));
                }
            }
        }
    }
    let names = declared(&sources);
    for document in DOCUMENTS {
        look_at_document(&root, document, &names, &mut found);
    }
    found
}

/// Unit tests in files of their own (`tests.rs`, `…_tests.rs`) need no introduction: the module they test has one.
fn is_root_of_module(path: &Path) -> bool {
    path.file_stem().and_then(|s| s.to_str()).is_some_and(|stem| stem != "tests" && !stem.ends_with("_tests"))
}

fn texts(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for path in entries.filter_map(|e| e.ok().map(|e| e.path())) {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            if path.is_dir() {
                if !SKIPPED.contains(&name) && name != "corpus" {
                    dirs.push(path);
                }
            } else if path.extension().and_then(|e| e.to_str()).is_some_and(|e| TEXTS.contains(&e)) {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    files
}

/// Every name that the sources declare: functions, types, traits, modules, constants, variants.
fn declared(sources: &str) -> HashSet<&str> {
    let mut names = HashSet::new();
    for line in sources.lines() {
        let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty()).collect();
        for pair in words.windows(2) {
            if let [keyword, name] = pair
                && matches!(*keyword, "fn" | "struct" | "enum" | "trait" | "mod" | "const" | "static" | "type" | "macro_rules")
            {
                names.insert(*name);
            }
        }
        // Variants and fields stand first on a line of their own.
        if let Some(first) = words.first()
            && line.trim_start().starts_with(*first)
        {
            names.insert(first);
        }
        // `pub field: Type` and `pub(crate) field: Type`.
        if let Some(after) = words.iter().position(|w| *w == "pub").and_then(|at| words.get(at + 1..)) {
            names.extend(after.iter().take(2).copied());
        }
    }
    names
}

fn look_at_document(root: &Path, document: &str, names: &HashSet<&str>, found: &mut Vec<String>) {
    let Ok(text) = std::fs::read_to_string(root.join(document)) else {
        found.push(format!("{document} is missing"));
        return;
    };
    let mut in_block = false;
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        if in_block {
            continue;
        }
        let at = format!("{document}:{}", number + 1);
        for span in line.split('`').skip(1).step_by(2) {
            let unknown = || MAPS.contains(&document).then(|| unknown(root, span, names)).flatten();
            if let Some(what) = missing(root, span, names).or_else(unknown) {
                found.push(format!("{at}: `{span}`: {what}"));
            }
        }
        for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap_or_default();
            let local = !path.is_empty() && !target.contains("://") && !target.starts_with("mailto:");
            if local && !root.join(path).exists() {
                found.push(format!("{at}: the link leads to nothing: {target}"));
            }
        }
    }
}

/// What a span of code in a document names and does not exist; none for anything that is not a name of ours.
fn missing(root: &Path, span: &str, names: &HashSet<&str>) -> Option<&'static str> {
    let is_word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let is_path = span.contains('/') && !span.contains([' ', '{', '<', '*', '…', '$', ':']);
    if is_path && ["crates/", "docs/", "xtask/", "fuzz/"].iter().any(|begin| span.starts_with(begin)) {
        return (!root.join(span).exists()).then_some("there is no such file");
    }
    let symbol = span.trim_end_matches("()");
    if span.contains("::") && symbol.split("::").all(is_word) {
        let known = symbol.split("::").all(|part| names.contains(part) || crate_of(part));
        return (!known).then_some("the sources declare no such name");
    }
    if span.ends_with("()") && is_word(symbol) {
        return (!names.contains(symbol)).then_some("the sources declare no such function");
    }
    None
}

/// What a single word in the map names and does not exist: a declared name, a crate, or a folder at the root.
fn unknown(root: &Path, span: &str, names: &HashSet<&str>) -> Option<&'static str> {
    let is_name =
        span.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && span.starts_with(|c: char| c.is_ascii_alphabetic());
    let there =
        names.contains(span) || WORDS.contains(&span) || root.join("crates").join(span).is_dir() || root.join(span).is_dir();
    (is_name && !there).then_some("the sources declare no such name")
}

fn crate_of(name: &str) -> bool {
    name.starts_with("transom_") || matches!(name, "crate" | "std" | "tokio")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let found = findings();
        assert!(found.is_empty(), "{} findings:\n{}", found.len(), found.join("\n"));
    }

    #[test]
    fn names_in_documents_are_looked_up() {
        let sources = "pub struct Store {\n    pub field: u8,\n}\nimpl Store {\n    pub async fn accept(&self) {}\n}\nenum E {\n    Variant,\n}\n";
        let names = declared(sources);
        let root = root();
        for (span, there) in [
            ("Store::accept", true),
            ("accept()", true),
            ("E::Variant", true),
            ("Store::field", true),
            ("Store::reject", false),
            ("reject()", false),
            ("crates/cli/src/main.rs", true),
            ("crates/cli/src/nowhere.rs", false),
            ("GET /v1/errors", true),
            ("a word", true),
        ] {
            assert_eq!(missing(&root, span, &names).is_none(), there, "{span}");
        }
    }
}
