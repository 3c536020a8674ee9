//! What is told in the end: what became of the messages, and how long there was no service each time.

use std::fmt::Write as _;
use std::time::Duration;

use crate::crash::judge::Judgement;
use crate::crash::report::{findings, heard, messages, quantile, settings};
use crate::source::source;

use super::cluster::Kill;
use super::run::Loss;
use super::silence::Silence;

/// Everything a report tells.
pub(super) struct Report<'a> {
    pub(super) command: &'a str,
    pub(super) machine: &'a str,
    pub(super) date: &'a str,
    pub(super) seed: u64,
    pub(super) took: Duration,
    pub(super) versions: &'a str,
    /// What of Patroni's settings is not its default, and why.
    pub(super) cluster: &'a [(&'static str, String, &'static str)],
    /// The replicas' own.
    pub(super) settings: &'a [(&'static str, String)],
    pub(super) losses: &'a [Loss],
    pub(super) answers: &'a [(u16, usize)],
    pub(super) judgement: &'a Judgement,
    /// Everything that must not be.
    pub(super) wrong: &'a [String],
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Of some durations the middle one and the longest.
fn spread(durations: impl Iterator<Item = Duration>) -> String {
    let mut all: Vec<Duration> = durations.collect();
    all.sort_unstable();
    format!("{} | {}", seconds(quantile(&all, 500)), seconds(quantile(&all, 1_000)))
}

fn each(silences: &[Silence]) -> String {
    silences.iter().map(|silence| seconds(silence.over)).collect::<Vec<_>>().join(", ")
}

impl Report<'_> {
    /// As Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = self.write(&mut text);
        text
    }

    /// One line.
    pub(super) fn headline(&self) -> String {
        let (j, longest) = (self.judgement, self.longest());
        format!(
            "the primary lost {} times, {} messages: {} lost, {} doubled; at most {} in which a replica accepted nothing; {} findings",
            self.losses.len(),
            j.accepted,
            j.lost,
            j.doubled,
            seconds(longest),
            self.wrong.len()
        )
    }

    fn longest(&self) -> Duration {
        self.losses.iter().flat_map(|loss| &loss.accepted).map(|silence| silence.lasted).max().unwrap_or_default()
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "# The primary of PostgreSQL lost {} times under load\n", self.losses.len())?;
        writeln!(text, "- **Command**: `{}`", self.command)?;
        writeln!(text, "- **Machine**: {}", self.machine)?;
        let seconds = self.took.as_secs();
        writeln!(text, "- **Date**: {}, in {} min {} s; seed {}", self.date, seconds / 60, seconds % 60, self.seed)?;
        writeln!(text, "- **Source**: {}", source())?;
        writeln!(
            text,
            "- **Cluster**: three nodes, {}; all on loopback, and etcd spoken to by its second interface\n",
            self.versions
        )?;
        writeln!(
            text,
            "Two `transom serve` on the cluster, whose `store.url` names all three nodes, and `transom simulate`. Each call of the load goes \
             to the other replica than the one before; what was not answered, or with 503, is asked again under the same idempotency key. \
             The primary is lost, another takes over, the lost one comes back as a standby, and once all is well the next is lost. The judge \
             is the simulator's own record: what it has taken, and what the customers' phones show. The replicas' settings: {}.\n",
            settings(self.settings)
        )?;
        writeln!(text, "> {}\n", self.headline())?;
        messages(text, self.judgement)?;
        writeln!(text, "\nCallers heard: {}.\n", heard(self.answers))?;
        self.without_service(text)?;
        writeln!(text, "\n## Each time\n")?;
        writeln!(
            text,
            "From the kill until another node led, until each replica accepted again, until each sender sent again, and until the lost node \
             was a standby again.\n"
        )?;
        writeln!(text, "| | how | node | led | accepted | sent | well |\n|---:|---|---|---:|---:|---:|---:|")?;
        for (number, loss) in (1..).zip(self.losses) {
            writeln!(
                text,
                "| {number} | {} | node{} | {} | {} | {} | {} |",
                loss.how.meaning(),
                loss.node,
                self::seconds(loss.led),
                each(&loss.accepted),
                each(&loss.sent),
                self::seconds(loss.well)
            )?;
        }
        writeln!(text, "\n## Patroni's settings\n")?;
        writeln!(text, "Everything else is as Patroni has it.\n\n| Setting | Value | Why |\n|---|---|---|")?;
        for (name, value, why) in self.cluster {
            writeln!(text, "| `{name}` | `{value}` | {why} |")?;
        }
        findings(text, self.wrong)
    }

    /// How long nothing was accepted, and nothing sent.
    fn without_service(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "| Way | times | another led: p50 | longest | no accepting: p50 | longest | no sending: p50 | longest |")?;
        writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|")?;
        let ways = Kill::ALL.into_iter().map(|how| (how.meaning(), Some(how)));
        for (name, how) in ways.chain([("all", None)]) {
            let of: Vec<&Loss> = self.losses.iter().filter(|loss| how.is_none_or(|how| loss.how == how)).collect();
            if of.is_empty() {
                continue;
            }
            let led = spread(of.iter().map(|loss| loss.led));
            let accepting = spread(of.iter().flat_map(|loss| &loss.accepted).map(|silence| silence.lasted));
            let sending = spread(of.iter().flat_map(|loss| &loss.sent).map(|silence| silence.lasted));
            writeln!(text, "| {name} | {} | {led} | {accepting} | {sending} |", of.len())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(how: Kill, seconds: u64) -> Loss {
        let span = Duration::from_secs(seconds);
        let silence = Silence { lasted: span, over: span + Duration::from_millis(500) };
        Loss { how, node: 1, led: span, well: span * 2, accepted: vec![silence; 2], sent: vec![silence; 2] }
    }

    #[test]
    fn a_report_tells_each_loss_and_what_must_not_be() {
        let losses = [loss(Kill::Postmaster, 3), loss(Kill::PostmasterAndPatroni, 21), loss(Kill::Postmaster, 5)];
        let report = Report {
            command: "cargo xtask ha",
            machine: "a machine",
            date: "2026-11-23",
            seed: 1,
            took: Duration::from_secs(61),
            versions: "PostgreSQL 15",
            cluster: &[("synchronous_mode", "true".to_owned(), "because")],
            settings: &[("log.level", "warn".to_owned())],
            losses: &losses,
            answers: &[(0, 2), (201, 9)],
            judgement: &Judgement { accepted: 9, ..Judgement::default() },
            wrong: &["a gap".to_owned()],
        };
        let text = report.markdown();
        let meaning = Kill::Postmaster.meaning();
        for part in [
            "lost 3 times, 9 messages: 0 lost, 0 doubled; at most 21.0 s in which",
            &format!("| {meaning} | 2 | 3.0 s | 5.0 s | 3.0 s | 5.0 s | 3.0 s | 5.0 s |"),
            "| all | 3 | 5.0 s | 21.0 s | 5.0 s | 21.0 s | 5.0 s | 21.0 s |",
            &format!("| 3 | {meaning} | node1 | 5.0 s | 5.5 s, 5.5 s | 5.5 s, 5.5 s | 10.0 s |"),
            "no answer 2 times, 201 9 times",
            "| `synchronous_mode` | `true` | because |",
            "## What must not be\n\n- a gap",
        ] {
            assert!(text.contains(part), "{part}\n\n{text}");
        }
        assert!(!text.contains(Kill::Freeze.meaning()), "what did not happen is no row");
    }
}
