//! What can be chosen on the command line.

use anyhow::{Context as _, Result, bail};

/// The options of a soak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// Different webhooks.
    pub(super) webhooks: usize,
    /// How often the gateway is killed meanwhile.
    pub(super) kills: usize,
    /// What everything is made from.
    pub(super) seed: u64,
    /// A `transom` that is built already.
    pub(super) binary: Option<String>,
    /// Where the report is written.
    pub(super) out: Option<String>,
    /// The machine, for the report.
    pub(super) machine: String,
    /// The day, for the report.
    pub(super) date: String,
}

const USAGE: &str = "\
cargo xtask soak [--webhooks N] [--kills K] [--seed S] [--binary FILE] [--out FILE] [--machine TEXT]
  --webhooks N    different webhooks (100000)
  --kills K       kill -9 of the gateway so often meanwhile (10)
  --seed S        the same seed makes the same webhooks in the same order (1)
  --binary FILE   a transom that is built already
  --out FILE      write the report there as Markdown, with --machine TEXT in it";

impl Options {
    /// Reads them.
    pub(super) fn read(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            webhooks: 100_000,
            kills: 10,
            seed: 1,
            binary: None,
            out: None,
            machine: "not told".to_owned(),
            date: super::super::options::today(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let value = args.next().with_context(|| format!("{arg} needs a value\n\n{USAGE}"))?;
            match *arg {
                "--webhooks" => options.webhooks = number(value)?,
                "--kills" => options.kills = number(value)?,
                "--seed" => options.seed = number(value)?,
                "--binary" => options.binary = Some((*value).to_owned()),
                "--out" => options.out = Some((*value).to_owned()),
                "--machine" => options.machine = (*value).to_owned(),
                other => bail!("{other} is no option\n\n{USAGE}"),
            }
        }
        Ok(options)
    }

    /// The command that orders the same soak.
    pub(super) fn shown(&self, args: &[&str]) -> String {
        let mut line = "cargo xtask soak".to_owned();
        for pair in args.chunks(2).filter(|pair| !matches!(pair.first(), Some(&("--out" | "--machine" | "--binary")))) {
            line = line + " " + &pair.join(" ");
        }
        line
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().ok().with_context(|| format!("{text:?} is no number\n\n{USAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_what_is_wrong_is_named() {
        let args = ["--webhooks", "500", "--machine", "two cores", "--kills", "2", "--binary", "x"];
        let options = Options::read(&args).unwrap();
        assert_eq!(
            (options.webhooks, options.kills, options.shown(&args).as_str()),
            (500, 2, "cargo xtask soak --webhooks 500 --kills 2")
        );
        for (args, word) in
            [(vec!["--kills"], "needs a value"), (vec!["--kills", "x"], "no number"), (vec!["--fast", "1"], "no option")]
        {
            assert!(Options::read(&args).unwrap_err().to_string().contains(word));
        }
    }
}
