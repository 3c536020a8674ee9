//! What can be chosen on the command line.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::every_fault;
use super::schedule::Fault;

/// The options of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Options {
    /// Kills in all, of the gateway and of the simulator.
    pub(super) kills: usize,
    /// It ends after this time at the latest.
    pub(super) minutes: Option<Duration>,
    /// What the schedule is made from.
    pub(super) seed: u64,
    /// What goes wrong besides.
    pub(super) faults: Vec<Fault>,
    /// Messages a second.
    pub(super) rate: u32,
    /// The gateway's store is on PostgreSQL, a server of this run's own.
    pub(super) postgres: bool,
    /// So many gateways work on it.
    pub(super) replicas: usize,
    /// A file system of its own for the gateway, in megabytes.
    pub(super) disk: Option<u64>,
    /// Where the report is written.
    pub(super) out: Option<String>,
    /// The machine, for the report.
    pub(super) machine: String,
    /// The day, for the report.
    pub(super) date: String,
    /// The folders stay.
    pub(super) keep: bool,
}

/// What the command says of itself.
pub(super) const USAGE: &str = "\
cargo xtask crash [--kills N] [--minutes M] [--seed S] [--faults LIST] [--rate R] [--store KIND] [--replicas N] [--disk MB] [--out FILE] [--machine TEXT] [--keep]
  --kills N       kill -9 so often, gateway and simulator together (1000)
  --minutes M     end after M minutes at the latest
  --seed S        the same seed makes the same schedule of kills and faults (1)
  --faults LIST   names with commas between them; `none`; without it every one that this machine allows
  --rate R        messages a second (40)
  --store KIND    sqlite, the folder (without it), or postgres, a server that is killed and started again as well
  --replicas N    so many gateways on that server, killed by turns (1)
  --disk MB       the gateway's folder on a file system of its own (tmpfs in a mount namespace), which can then be full
  --out FILE      write the report there as Markdown, with --machine TEXT in it
  --keep          leave the folders and logs where they are";

impl Options {
    /// Reads them.
    pub(super) fn read(args: &[&str]) -> Result<Self> {
        let mut options = Self {
            kills: 1_000,
            minutes: None,
            seed: 1,
            faults: Vec::new(),
            rate: 40,
            postgres: false,
            replicas: 1,
            disk: None,
            out: None,
            machine: "not told".to_owned(),
            date: today(),
            keep: false,
        };
        let mut faults = None;
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().with_context(|| format!("{arg} needs a value\n\n{USAGE}"));
            match *arg {
                "--kills" => options.kills = number(value()?)?,
                "--minutes" => options.minutes = Some(Duration::from_secs(60 * number::<u64>(value()?)?)),
                "--seed" => options.seed = number(value()?)?,
                "--rate" => options.rate = number(value()?)?,
                "--store" => {
                    options.postgres = match *value()? {
                        "sqlite" => false,
                        "postgres" => true,
                        other => bail!("{other:?} is no store; choose from sqlite, postgres\n\n{USAGE}"),
                    };
                }
                "--replicas" => options.replicas = number(value()?)?,
                "--disk" => options.disk = Some(number(value()?)?),
                "--out" => options.out = Some((*value()?).to_owned()),
                "--machine" => options.machine = (*value()?).to_owned(),
                "--faults" => faults = Some(*value()?),
                "--keep" => options.keep = true,
                other => bail!("{other} is no option\n\n{USAGE}"),
            }
        }
        let named = |name: &str| {
            let all = || Fault::ALL.map(Fault::name).join(", ");
            Fault::named(name).with_context(|| format!("{name:?} is no fault; choose from {}", all()))
        };
        options.faults = match faults {
            None => every_fault(options.disk.is_some(), options.postgres),
            Some("none") => Vec::new(),
            Some(list) => list.split(',').map(named).collect::<Result<_>>()?,
        };
        if options.faults.contains(&Fault::DiskFull) && options.disk.is_none() {
            bail!("disk-full needs --disk, such as --disk 2048");
        }
        if let Some(fault) = options.faults.iter().find(|fault| !fault.meets(options.postgres)) {
            bail!("{} does not happen to this store; leave it out, or choose another with --store", fault.name());
        }
        if options.postgres && options.disk.is_some() {
            bail!("--disk is for the store in the gateway's folder, and --store postgres has none there");
        }
        if options.replicas == 0 || (options.replicas > 1 && !options.postgres) {
            bail!("--replicas is 1, or more with --store postgres: one process alone holds a folder");
        }
        Ok(options)
    }

    /// The command that orders the same run; without what only says where the report goes and what stands in it.
    pub(super) fn shown(&self, args: &[&str]) -> String {
        let aside = [self.out.as_deref(), Some(self.machine.as_str())];
        let told = args.iter().filter(|arg| !matches!(**arg, "--out" | "--machine") && !aside.contains(&Some(**arg)));
        told.fold("cargo xtask crash".to_owned(), |line, arg| line + " " + arg)
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().ok().with_context(|| format!("{text:?} is no number\n\n{USAGE}"))
}

/// The day, for a report.
pub(crate) fn today() -> String {
    let output = std::process::Command::new("date").args(["-u", "+%F"]).output();
    output.map_or_else(|_| String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_what_is_wrong_is_named() {
        let options = Options::read(&["--kills", "5", "--seed", "9", "--faults", "slow,throttle"]).unwrap();
        assert_eq!((options.kills, options.seed), (5, 9));
        assert_eq!(options.faults, [Fault::Slow, Fault::Throttle]);
        let args = ["--kills", "5", "--machine", "two cores, busy", "--out", "report.md"];
        assert_eq!(Options::read(&args).unwrap().shown(&args), "cargo xtask crash --kills 5");
        assert!(!Options::read(&[]).unwrap().faults.contains(&Fault::DiskFull), "only with a file system of its own");
        assert!(Options::read(&["--store", "postgres"]).unwrap().faults.contains(&Fault::StoreKilled));
        assert_eq!(Options::read(&["--store", "postgres", "--replicas", "3"]).unwrap().replicas, 3);
        assert!(!Options::read(&[]).unwrap().faults.contains(&Fault::StoreKilled));
        assert!(Options::read(&["--disk", "64"]).unwrap().faults.contains(&Fault::DiskFull));
        for (args, word) in [
            (vec!["--kills"], "needs a value"),
            (vec!["--kills", "many"], "no number"),
            (vec!["--faults", "flood"], "choose from"),
            (vec!["--faults", "disk-full"], "--disk"),
            (vec!["--fast"], "no option"),
            (vec!["--store", "paper"], "no store"),
            (vec!["--store", "postgres", "--faults", "write-fails"], "does not happen"),
            (vec!["--faults", "store-killed"], "does not happen"),
            (vec!["--replicas", "2"], "holds a folder"),
            (vec!["--store", "postgres", "--replicas", "0"], "holds a folder"),
            (vec!["--store", "postgres", "--disk", "64"], "has none there"),
        ] {
            let why = Options::read(&args).unwrap_err().to_string();
            assert!(why.contains(word), "{why}");
        }
    }
}
