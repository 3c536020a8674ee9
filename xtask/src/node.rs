//! Node. Its version stands in `.nvmrc`, where version managers and CI look; whoever has a newer one builds the same pages, since what
//! builds them is pinned by `package-lock.json`.

use std::process::Command;

use anyhow::{Result, bail};

/// The one that is built with, and the oldest that will do.
const PINNED: &str = include_str!("../../.nvmrc");

/// What a program says of its version.
pub(crate) fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Says which Node and npm are here.
///
/// # Errors
/// When one is missing, or Node is older than the pinned one.
pub(crate) fn check() -> Result<String> {
    let pinned = PINNED.trim();
    let Some(node) = version("node") else { bail!("node is missing; install Node {pinned} or newer") };
    if numbers(&node) < numbers(pinned) {
        bail!("node is {node}; install Node {pinned} or newer");
    }
    let Some(npm) = version("npm") else { bail!("npm is missing; it comes with Node") };
    Ok(format!("Node {node}, npm {npm}"))
}

/// `v20.19.0` as `[20, 19, 0]`, which compares as versions do; what is none is older than all.
fn numbers(text: &str) -> Option<Vec<u32>> {
    text.trim_start_matches('v').split('.').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_version_counts() {
        for (older, newer) in [("v20.18.3", "20.19.0"), ("v18.20.8", "20.19.0"), ("v9.9.9", "v10.0.0"), ("none", "0.0.0")] {
            assert!(numbers(older) < numbers(newer), "{older} {newer}");
        }
        assert_eq!(numbers("v20.19.0"), numbers(PINNED.trim()));
    }

    #[test]
    fn all_that_name_a_node_name_the_pinned_one() {
        let pinned = PINNED.trim();
        let package: serde_json::Value = serde_json::from_str(include_str!("../../web/package.json")).unwrap();
        assert_eq!(package["engines"]["node"], format!(">={pinned}"));
        assert!(include_str!("../../README.md").contains(&format!("Node {pinned} or newer")));
    }
}
