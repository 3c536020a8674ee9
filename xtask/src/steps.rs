//! Steps with headings, durations and a summary, so that a long run can be followed and a short one read.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Prints a line; a reader that has gone away is no failure.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A run of steps.
pub(crate) struct Steps {
    all: usize,
    begun: Instant,
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// A run of so many steps.
    pub(crate) fn new(all: usize) -> Self {
        Self { all, begun: Instant::now(), done: Vec::new() }
    }

    /// Does one step; the run ends with the first that fails.
    pub(crate) fn step(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        say(&format!("\n== {}/{} {name}", self.done.len() + 1, self.all));
        let begun = Instant::now();
        work().with_context(|| format!("step {}/{} failed: {name}", self.done.len() + 1, self.all))?;
        let took = begun.elapsed();
        say(&format!("-- {name}: done in {}", in_words(took)));
        self.done.push((name.to_owned(), took));
        Ok(())
    }

    /// Says that all of it went well, and what took how long.
    pub(crate) fn summary(&self) {
        say("");
        for (name, took) in &self.done {
            say(&format!("  ok  {name:<32} {:>8}", in_words(*took)));
        }
        say(&format!("\nall {} steps passed in {}", self.done.len(), in_words(self.begun.elapsed())));
    }
}

fn in_words(took: Duration) -> String {
    match took.as_secs() {
        0 => format!("{} ms", took.as_millis()),
        secs @ 1..60 => format!("{secs} s"),
        secs => format!("{} min {} s", secs / 60, secs % 60),
    }
}

/// Runs a program to its end, with its output where ours goes.
pub(crate) fn run(dir: &Path, program: &str, args: &[&str]) -> Result<()> {
    run_with(dir, &[], program, args)
}

/// As [`run`], with variables of its own.
pub(crate) fn run_with(dir: &Path, variables: &[(&str, &str)], program: &str, args: &[&str]) -> Result<()> {
    let shown: String = variables.iter().map(|(name, value)| format!("{name}={value} ")).collect();
    say(&format!("$ {shown}{program} {}", args.join(" ")));
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).envs(variables.iter().copied());
    // What one run alone builds is never built upon: half the disk, and no slower.
    if std::env::var_os("CI").is_some() {
        command.env("CARGO_INCREMENTAL", "0");
    }
    let status = command.status().with_context(|| format!("{program} cannot be started"))?;
    if !status.success() {
        bail!("{program} {} ended with {status}", args.join(" "));
    }
    Ok(())
}
