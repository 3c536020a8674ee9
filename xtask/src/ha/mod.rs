//! `cargo xtask ha`: high availability for real. A PostgreSQL cluster under Patroni, two replicas of the gateway under load, and the primary
//! is lost again and again.

mod cluster;
mod node;
mod options;
mod report;
mod run;
mod settings;
mod silence;

use std::path::Path;

use anyhow::Result;

use crate::steps::run as run_in;
use crate::{root, target};

use options::Options;

/// Looks whether what it needs is installed, builds both programs, then runs the trial from that build.
///
/// # Errors
/// When a program is missing, anything was lost or doubled, or anything else was found.
pub(crate) fn command(args: &[&str]) -> Result<()> {
    Options::read(args)?;
    cluster::tools()?;
    run_in(&root(), "cargo", &["build", "--profile", "quick", "--package", "transom", "--package", "xtask"])?;
    let built = target().join("quick");
    let (xtask, transom) = (built.join("xtask").display().to_string(), built.join("transom").display().to_string());
    let mut line = vec!["ha-run", &transom];
    line.extend(args);
    run_in(&root(), &xtask, &line)
}

/// The trial itself.
///
/// # Errors
/// As [`command`].
pub(crate) fn run(transom: &str, args: &[&str]) -> Result<()> {
    let options = Options::read(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run::trial(Path::new(transom), &options, args))
}
