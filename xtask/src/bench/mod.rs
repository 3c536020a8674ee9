//! `cargo xtask bench`: what the main job costs, row by row, against a bare proxy that stores nothing, in one run on one machine.
//! What counts are the ratio and the CPU time per message; messages per second alone say more about the machine.

mod backups;
mod endpoint;
mod gateway;
mod http;
mod inbox;
mod load;
mod measure;
mod postgres;
mod proxy;
mod queue;
mod report;
mod rows;
mod statuses;
mod upstream;
mod verdicts;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::steps::{run as run_in, say};
use crate::{root, target};

pub(crate) use proxy::run as proxy;
use rows::{Bench, Sizes};

/// The rows there are.
const ROWS: &str = "abcdefgh";
/// How long each run is under load, unless asked otherwise.
const SECONDS: u64 = 10;

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    rows: String,
    seconds: u64,
    short: bool,
    statements: bool,
    profile: String,
    out: Option<PathBuf>,
    against: Option<PathBuf>,
}

impl Asked {
    fn parse(args: &[&str]) -> Result<Self> {
        let mut asked = Self {
            rows: String::new(),
            seconds: SECONDS,
            short: false,
            statements: false,
            profile: "release".to_owned(),
            out: None,
            against: None,
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            if !arg.starts_with('-') {
                if arg.is_empty() || !arg.chars().all(|row| ROWS.contains(row)) {
                    bail!("{arg:?} is no row; there are {ROWS}, and all are run without any");
                }
                asked.rows.push_str(arg);
                continue;
            }
            if *arg == "--statements" {
                asked.statements = true;
                continue;
            }
            let value = *args.next().with_context(|| format!("{arg} wants a value"))?;
            match *arg {
                "--seconds" => {
                    asked.seconds = value.parse().with_context(|| format!("--seconds wants a number, not {value:?}"))?;
                }
                "--size" => asked.short = value == "short",
                "--profile" => asked.profile = value.to_owned(),
                "--out" => asked.out = Some(value.into()),
                "--against" => asked.against = Some(value.into()),
                _ => bail!("{arg} is no flag of `bench`: --seconds, --size short, --profile, --out, --against"),
            }
        }
        if !(1..=600).contains(&asked.seconds) {
            bail!("--seconds is {}, 1 to 600 make sense", asked.seconds);
        }
        if asked.rows.is_empty() {
            asked.rows = ROWS.to_owned();
        }
        Ok(asked)
    }
}

impl Asked {
    /// Says what came of it, and writes it where that was asked for.
    fn written(&self, page: &str) -> Result<()> {
        say(&format!("\n{page}"));
        match &self.out {
            Some(out) => std::fs::write(out, page).with_context(|| format!("{} cannot be written", out.display())),
            None => Ok(()),
        }
    }
}

/// Builds gateway and load with full optimisation, then runs the benchmark from that build: a slow load would measure itself.
///
/// # Errors
/// When the arguments cannot be read, the build fails or the benchmark does.
pub(crate) fn build_and_run(args: &[&str]) -> Result<()> {
    // The inbox is a benchmark of its own, of reading alone, and so is the store on PostgreSQL against the one in a folder.
    let own = args.strip_prefix(&["inbox"]).or_else(|| args.strip_prefix(&["postgres"]));
    let asked = Asked::parse(own.unwrap_or(args))?;
    run_in(&root(), "cargo", &["build", "--profile", &asked.profile, "--package", "transom", "--package", "xtask"])?;
    let built = target().join(&asked.profile);
    let (xtask, transom) = (built.join("xtask").display().to_string(), built.join("transom").display().to_string());
    let mut all = vec!["bench-run", &transom];
    all.extend(args);
    run_in(&root(), &xtask, &all)
}

/// The benchmark itself, in the process that is the load.
///
/// # Errors
/// When anything but the expected came out, or the report cannot be written.
pub(crate) fn run(transom: &Path, args: &[&str]) -> Result<()> {
    if let Some(args) = args.strip_prefix(&["inbox"]) {
        let asked = Asked::parse(args)?;
        let sizes = if asked.short { inbox::Sizes::SHORT } else { inbox::Sizes::FULL };
        let command = format!("cargo xtask bench inbox {}", args.join(" "));
        return asked.written(&inbox::run(transom, sizes, command.trim())?);
    }
    if let Some(args) = args.strip_prefix(&["postgres"]) {
        let asked = Asked::parse(args)?;
        let command = format!("cargo xtask bench postgres {}", args.join(" "));
        return asked.written(&postgres::run(transom, &asked, command.trim())?);
    }
    let asked = Asked::parse(args)?;
    let sizes = if asked.short { Sizes::short() } else { Sizes::full(Duration::from_secs(asked.seconds)) };
    let mut bench = Bench { transom: transom.to_owned(), xtask: std::env::current_exe()?, sizes, lines: Vec::new() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    say(report::head());
    for row in asked.rows.chars() {
        runtime.block_on(bench.row(row)).with_context(|| format!("row ({row})"))?;
    }
    let command = format!("cargo xtask bench {}", args.join(" "));
    let page = report::page(command.trim(), &bench.lines, asked.against.as_deref());
    asked.written(&page)
}

#[cfg(test)]
mod tests;
