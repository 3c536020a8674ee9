//! Seeded trials, by the runner of their crate, built with optimisation since many are run.

use anyhow::Result;

use crate::{root, steps};

/// Runs it with these arguments.
pub(crate) fn command(args: &[&str]) -> Result<()> {
    let run = ["run", "--release", "--quiet", "-p", "transom-trials", "--bin", "trials", "--"];
    steps::run(&root(), "cargo", &[&run[..], args].concat())
}
