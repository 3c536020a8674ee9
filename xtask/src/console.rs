//! The console's own checks: its types, that what is committed is what its sources make, and the tests in a browser.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::steps::{run as run_in, say};
use crate::{node, root, target};

/// Where Debian has it; another is named by `CHROMIUM`.
const BROWSER: &str = "/usr/bin/chromium";

/// Says what is missing, before anything takes long.
///
/// # Errors
/// When there is no browser, or no Node that is new enough.
pub(crate) fn check() -> Result<()> {
    node::check()?;
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| BROWSER.to_owned());
    if !Path::new(&browser).exists() {
        bail!("{browser} is missing; install Chromium (Debian: apt install chromium), or name another with CHROMIUM");
    }
    say(&format!("browser {browser}"));
    Ok(())
}

/// Everything about the console; `transom` is the binary that the browser talks to.
///
/// # Errors
/// When a check or a test fails, or `web/dist` is not what `web/src` makes.
pub(crate) fn run(transom: &Path) -> Result<()> {
    let web = root().join("web");
    run_in(&web, "npm", &["ci", "--silent", "--no-fund", "--no-audit"])?;
    run_in(&web, "npm", &["run", "--silent", "check"])?;
    let built = target().join("console-dist");
    let out = built.display().to_string();
    run_in(&web, "npm", &["exec", "--", "vite", "build", "--logLevel", "warn", "--emptyOutDir", "--outDir", &out])?;
    compare(&files(&built)?, &files(&web.join("dist"))?)?;
    run_in(&web, "node", &["build/report.mjs"])?;
    let binary = format!("TRANSOM_BIN={}", transom.display());
    run_in(&web, "env", &[&binary, "npm", "run", "--silent", "e2e"])
}

/// `cargo xtask console`: the same by itself, with the binary built first.
///
/// # Errors
/// As [`run`].
pub(crate) fn command() -> Result<()> {
    check()?;
    run_in(&root(), "cargo", &["build", "--package", "transom"])?;
    run(&target().join("debug/transom"))
}

/// All files below a folder, by their paths in it.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(&next).with_context(|| format!("{} cannot be read", next.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
                found.insert(name, std::fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

fn compare(built: &BTreeMap<String, Vec<u8>>, committed: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let differs = |name: &&String| built.get(*name) != committed.get(*name);
    let old: Vec<&String> = built.keys().chain(committed.keys()).filter(differs).collect();
    match old.first() {
        Some(first) => bail!("web/dist is not what web/src makes ({first}): run `npm --prefix web run build` and commit"),
        None => {
            say("web/dist is what web/src makes");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_differs_is_missing_or_is_left_over_is_named() {
        let files = |list: &[(&str, &str)]| -> BTreeMap<String, Vec<u8>> {
            list.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
        };
        let committed = files(&[("console.html", "a"), ("assets/x.js", "b")]);
        assert!(compare(&committed, &committed).is_ok());
        for other in [&[("console.html", "a"), ("assets/x.js", "c")][..], &[("console.html", "a")], &[("assets/y.js", "b")]] {
            let why = compare(&files(other), &committed).unwrap_err().to_string();
            assert!(why.contains("assets/") || why.contains("console.html"), "{why}");
        }
    }
}
