//! Everything that must hold before a change lands.

use anyhow::Result;

use crate::steps::{self, Steps};
use crate::{foreign, root};

/// Runs all of it. Needs Python and Node beside the Rust toolchain, and says so before anything takes long.
pub(crate) fn run() -> Result<()> {
    let root = root();
    let cargo = |args: &[&str]| steps::run(&root, "cargo", args);
    let mut steps = Steps::new(5);
    steps.step("Python and Node are there", foreign::check)?;
    steps.step("format", || cargo(&["fmt", "--all", "--check"]))?;
    steps.step("lints", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // The tidy check, the derived files, the tour, the fuzz corpus and the kills are among these.
    steps.step("tests", || cargo(&["test", "--workspace"]))?;
    steps.step("other people's clients", foreign::run)?;
    steps.summary();
    Ok(())
}
