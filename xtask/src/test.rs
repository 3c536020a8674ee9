//! Everything that must hold before a change lands.

use anyhow::{Result, bail};

use crate::steps::{self, Steps};
use crate::{console, deploy, foreign, root, target};

/// Tests of the binary that run on PostgreSQL as well: kills, tenants and secrets, the tour, contents and both dialects, the stream of
/// events, endpoints over kills and in order, files, retention, the journal and its replays, what Meta is asked for afterwards, limits,
/// templates, imports, the console's users, traces, and what bad input gets. Not `operator` and `backup`: they are about what a folder
/// has in it, its lock, its key and its copy.
const ON_POSTGRES: [&str; 22] = [
    "kill",
    "guard",
    "dev",
    "contents",
    "events",
    "endpoints",
    "webhooks",
    "published",
    "published_rules",
    "twilio",
    "messenger",
    "unusual",
    "media",
    "retention",
    "journal",
    "history",
    "limits",
    "templates",
    "import",
    "console",
    "traces",
    "bad",
];

/// Runs all of it. Needs PostgreSQL, Python, Node and Chromium beside the Rust toolchain, and says so before anything takes long.
pub(crate) fn run() -> Result<()> {
    let root = root();
    let cargo = |args: &[&str]| steps::run(&root, "cargo", args);
    let mut steps = Steps::new(8);
    steps.step("PostgreSQL, Python, Node and Chromium are there", || {
        postgres()?;
        foreign::check()?;
        console::check()
    })?;
    steps.step("format", || cargo(&["fmt", "--all", "--check"]))?;
    steps.step("lints", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    // The tidy check, the derived files, the tour, the fuzz corpus and the kills are among these.
    steps.step("tests", || cargo(&["test", "--workspace"]))?;
    // The same binaries, already built.
    steps.step("the house on PostgreSQL", || {
        let mut args = vec!["test", "--workspace"];
        args.extend(ON_POSTGRES.iter().flat_map(|test| ["--test", test]));
        steps::run_with(&root, &[("TRANSOM_TEST_STORE", "postgres")], "cargo", &args)
    })?;
    steps.step("other people's clients", foreign::run)?;
    // The tests above have built the binary.
    steps.step("the console", || console::run(&target().join("debug/transom")))?;
    steps.step("the deployment files", deploy::run)?;
    steps.summary();
    Ok(())
}

/// Says that PostgreSQL is missing, before anything takes long. The store's tests look for it in the same place.
fn postgres() -> Result<()> {
    let mut versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    if !versions.any(|version| version.path().join("bin/initdb").exists()) {
        bail!("PostgreSQL is missing under /usr/lib/postgresql; install it (Debian: apt install postgresql)");
    }
    Ok(())
}
