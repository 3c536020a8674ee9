//! What can be chosen on the command line.

use anyhow::{Context as _, Result, bail};

use crate::crash::today;

/// The options of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// So often the primary is lost.
    pub(super) kills: usize,
    /// Messages a second.
    pub(super) rate: u32,
    /// What the order of kills is made from.
    pub(super) seed: u64,
    /// Where the report is written.
    pub(super) out: Option<String>,
    /// The machine, for the report.
    pub(super) machine: String,
    /// The day, for the report.
    pub(super) date: String,
    /// The folder with the logs stays.
    pub(super) keep: bool,
}

/// What the command says of itself.
const USAGE: &str = "\
cargo xtask ha [--kills N] [--rate R] [--seed S] [--out FILE] [--machine TEXT] [--keep]
  --kills N       the primary is lost so often (20)
  --rate R        messages a second (40)
  --seed S        the same seed loses it in the same ways, in the same order (1)
  --out FILE      write the report there as Markdown, with --machine TEXT in it
  --keep          leave the logs where they are";

impl Options {
    /// Reads them.
    pub(super) fn read(args: &[&str]) -> Result<Self> {
        let mut options =
            Self { kills: 20, rate: 40, seed: 1, out: None, machine: "not told".to_owned(), date: today(), keep: false };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().copied().with_context(|| format!("{arg} needs a value\n\n{USAGE}"));
            match *arg {
                "--kills" => options.kills = number(value()?)?,
                "--rate" => options.rate = number(value()?)?,
                "--seed" => options.seed = number(value()?)?,
                "--out" => options.out = Some(value()?.to_owned()),
                "--machine" => options.machine = value()?.to_owned(),
                "--keep" => options.keep = true,
                other => bail!("{other} is no option\n\n{USAGE}"),
            }
        }
        if options.kills == 0 || options.rate == 0 {
            bail!("--kills and --rate are 1 or more\n\n{USAGE}");
        }
        Ok(options)
    }

    /// The command that orders the same run; without what only says where the report goes and what stands in it.
    pub(super) fn shown(&self, args: &[&str]) -> String {
        let aside = [self.out.as_deref(), Some(self.machine.as_str())];
        let told = args.iter().filter(|arg| !matches!(**arg, "--out" | "--machine") && !aside.contains(&Some(**arg)));
        told.fold("cargo xtask ha".to_owned(), |line, arg| line + " " + arg)
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
        let args = ["--kills", "5", "--seed", "9", "--machine", "two cores, busy", "--out", "report.md"];
        let options = Options::read(&args).unwrap();
        assert_eq!((options.kills, options.seed, options.rate), (5, 9, 40));
        assert_eq!(options.shown(&args), "cargo xtask ha --kills 5 --seed 9");
        for (args, word) in [
            (vec!["--kills"], "needs a value"),
            (vec!["--kills", "many"], "no number"),
            (vec!["--rate", "0"], "1 or more"),
            (vec!["--disk", "64"], "no option"),
        ] {
            let why = Options::read(&args).unwrap_err().to_string();
            assert!(why.contains(word), "{why}");
        }
    }
}
