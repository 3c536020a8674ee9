//! `cargo xtask replicas`: the test of three replicas, of which one is killed, one stands still and one is drained, and which are then
//! restarted in turn, at full size and as a report.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::crash::today;
use crate::root;
use crate::source::source;
use crate::steps::{run_with, say};

const USAGE: &str = "\
cargo xtask replicas [--messages N] [--pause S] [--out FILE] [--machine TEXT]
  --messages N    over two pauses and a quarter of a minute (3000); as fast for as long as the restarts take after that
  --pause S       seconds for which one replica stands still (60)
  --out FILE      write the report there as Markdown, with --machine TEXT in it";

/// The options of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Options {
    messages: usize,
    pause: usize,
    out: Option<String>,
    machine: String,
}

impl Options {
    fn read(args: &[&str]) -> Result<Self> {
        let mut options = Self { messages: 3_000, pause: 60, out: None, machine: "not told".to_owned() };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().copied().with_context(|| format!("{arg} needs a value\n\n{USAGE}"));
            match *arg {
                "--messages" => options.messages = number(value()?)?,
                "--pause" => options.pause = number(value()?)?,
                "--out" => options.out = Some(value()?.to_owned()),
                "--machine" => options.machine = value()?.to_owned(),
                other => bail!("{other} is no option\n\n{USAGE}"),
            }
        }
        // Its lease is three seconds: in less than that nothing is handed over.
        if options.messages == 0 || options.pause < 4 {
            bail!("--messages is 1 or more, --pause 4 or more\n\n{USAGE}");
        }
        Ok(options)
    }

    fn command(&self) -> String {
        format!("cargo xtask replicas --messages {} --pause {}", self.messages, self.pause)
    }
}

fn number(text: &str) -> Result<usize> {
    text.parse().ok().with_context(|| format!("{text:?} is no number\n\n{USAGE}"))
}

/// Runs the test, optimised, and tells what it counted, also where that is not as it should be.
///
/// # Errors
/// When the test fails.
pub(crate) fn command(args: &[&str]) -> Result<()> {
    let options = Options::read(args)?;
    let dir = tempfile::tempdir()?;
    let counted = dir.path().join("counted.json");
    let (messages, pause, file) = (options.messages.to_string(), options.pause.to_string(), counted.display().to_string());
    let variables =
        [("TRANSOM_REPLICA_MESSAGES", &*messages), ("TRANSOM_REPLICA_PAUSE", &*pause), ("TRANSOM_REPLICA_OUT", &*file)];
    let test = ["test", "--profile", "quick", "--package", "transom", "--test", "replicas", "--", "--nocapture"];
    let done = run_with(&root(), &variables, "cargo", &test);
    let text = match std::fs::read_to_string(&counted) {
        Ok(text) => report(&options, &today(), &serde_json::from_str(&text)?),
        // It got no further than that.
        Err(_) => return done.and_then(|()| bail!("the test counted nothing")),
    };
    say(&format!("\n{text}"));
    if let Some(out) = &options.out {
        std::fs::write(out, &text).with_context(|| format!("{out} cannot be written"))?;
    }
    done
}

fn report(options: &Options, date: &str, counted: &Value) -> String {
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = write(&mut text, options, date, counted);
    text
}

fn write(text: &mut String, options: &Options, date: &str, counted: &Value) -> std::fmt::Result {
    let count =
        |name: &str| counted.get(name).and_then(Value::as_u64).map_or_else(|| "not counted".to_owned(), |n| n.to_string());
    let seconds =
        |of: &Value, name: &str| of.get(name).and_then(Value::as_f64).map_or_else(|| "?".to_owned(), |s| format!("{s:.1} s"));
    writeln!(text, "# Three replicas under load: one killed, one stopped for a while, one drained, then each restarted\n")?;
    writeln!(text, "- **Command**: `{}`", options.command())?;
    writeln!(text, "- **Machine**: {}", options.machine)?;
    writeln!(text, "- **Date**: {date}")?;
    writeln!(text, "- **Source**: {}\n", source())?;
    writeln!(
        text,
        "Three `transom serve` on one PostgreSQL, behind one address, with a lease of three seconds. One is killed with `-9`; one stands still \
         (SIGSTOP) for {} and wakes, both in the middle of sends; one is told to stop (SIGTERM), with {} messages still to be accepted. Then, \
         under the same load, {} of them are restarted in turn as an upgrade does it: SIGTERM, out of the balancer once `/readyz` says no or \
         nobody answers, and back once it says yes; {} were heard to say that they drain. The judge is the simulator's own record of what it \
         has taken.\n",
        seconds(counted, "stoodStillSeconds"),
        count("leftWhenDrained"),
        count("restarts"),
        count("heardToDrain")
    )?;
    writeln!(
        text,
        "> {} messages: {} lost, {} doubled, {} of {} conversations out of order\n",
        count("messages"),
        count("lost"),
        count("doubled"),
        count("disordered"),
        count("conversations")
    )?;
    writeln!(text, "| Messages | |\n|---|---:|")?;
    for (what, name) in [
        ("acknowledged to their callers", "messages"),
        ("taken by the upstream", "sentUpstream"),
        ("lost", "lost"),
        ("doubled", "doubled"),
        ("under way at the one that was killed", "underWayKilled"),
        ("under way at the one that was stopped", "underWayStopped"),
        ("told as unknown to their callers", "unknown"),
        ("conversations", "conversations"),
        ("of these, out of order", "disordered"),
    ] {
        writeln!(text, "| {what} | {} |", count(name))?;
    }
    writeln!(
        text,
        "\n| A replica … | until all hold their share of {} senders | longest that a sender sent nothing |\n|---|---:|---:|",
        count("senders")
    )?;
    for one in counted.get("handOvers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice) {
        let what = one.get("what").and_then(Value::as_str).unwrap_or("?");
        writeln!(text, "| {what} | {} | {} |", seconds(one, "seconds"), seconds(one, "silentSeconds"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_are_read_and_what_is_wrong_is_named() {
        let options = Options::read(&["--messages", "500", "--out", "report.md"]).unwrap();
        assert_eq!(options.command(), "cargo xtask replicas --messages 500 --pause 60");
        for (args, word) in [
            (vec!["--messages"], "needs a value"),
            (vec!["--pause", "long"], "no number"),
            (vec!["--pause", "3"], "4 or more"),
            (vec!["--kills", "1"], "no option"),
        ] {
            let why = Options::read(&args).unwrap_err().to_string();
            assert!(why.contains(word), "{why}");
        }
    }

    #[test]
    fn what_was_counted_is_told_and_what_was_not_is_no_zero() {
        let counted = json!({
            "messages": 3024, "lost": 0, "disordered": 0, "conversations": 48, "stoodStillSeconds": 60.04, "leftWhenDrained": 12,
            "underWayKilled": 2, "underWayStopped": 3, "unknown": 3, "restarts": 3, "heardToDrain": 2,
            "handOvers": [{ "what": "killed with -9", "seconds": 4.26, "silentSeconds": 5.0 }],
        });
        let text = report(&Options::read(&[]).unwrap(), "2026-11-23", &counted);
        for part in [
            "> 3024 messages: 0 lost, not counted doubled, 0 of 48 conversations out of order",
            "(SIGSTOP) for 60.0 s and wakes",
            "with 12 messages still",
            "3 of them are restarted in turn",
            "2 were heard to say that they drain",
            "killed | 2 |\n| under way at the one that was stopped | 3 |\n| told as unknown to their callers | 3 |",
            "| killed with -9 | 4.3 s | 5.0 s |",
        ] {
            assert!(text.contains(part), "{part}\n\n{text}");
        }
    }
}
