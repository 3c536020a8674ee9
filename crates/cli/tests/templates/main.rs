//! Templates as code, with the real binary, gateway and simulator.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod gate;
mod interrupted;
mod rest;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use common::{run, transom};

/// Where `transom template …` goes: URL, business, key.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) business: String,
    pub(crate) key: String,
}

impl Target {
    /// A command of `transom template`, on a folder.
    pub(crate) fn command(&self, folder: &Path, args: &[&str]) -> Command {
        let mut command = transom();
        command.args(["template", args[0]]).arg(folder).args(&args[1..]);
        self.with(&mut command);
        command
    }

    /// A command of `transom template` without a folder.
    pub(crate) fn plain(&self, args: &[&str]) -> Command {
        let mut command = transom();
        command.arg("template").args(args);
        self.with(&mut command);
        command
    }

    fn with(&self, command: &mut Command) {
        command.env("TRANSOM_URL", &self.url).env("TRANSOM_BUSINESS", &self.business).env("TRANSOM_API_KEY", &self.key);
    }

    /// Runs it with `--json`: its exit code and what it printed.
    pub(crate) fn json(&self, folder: &Path, args: &[&str]) -> (i32, Value) {
        let mut command = self.command(folder, args);
        let output = run(command.arg("--json"));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let json =
            serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{args:?} printed no JSON ({why}): {said}"));
        (output.status.code().unwrap(), json)
    }

    /// Runs it for people: its exit code and what it printed.
    pub(crate) fn told(&self, folder: &Path, args: &[&str]) -> (i32, String) {
        told(&run(&mut self.command(folder, args)))
    }
}

/// Exit code and text, of both channels.
pub(crate) fn told(output: &Output) -> (i32, String) {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.code().unwrap(), text)
}

pub(crate) fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}
