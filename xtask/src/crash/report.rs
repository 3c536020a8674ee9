//! The table at the end: what was done to the processes, and what became of the messages.

use std::fmt::Write as _;
use std::time::Duration;

use super::chaos::Tally;
use super::judge::Judgement;
use super::schedule::Fault;
use crate::source::source;

/// Findings that are shown in full.
const SHOWN_MAX: usize = 20;

/// Everything a report tells.
pub(super) struct Report<'a> {
    pub(super) command: &'a str,
    pub(super) machine: &'a str,
    pub(super) date: &'a str,
    pub(super) seed: u64,
    pub(super) took: Duration,
    pub(super) disk: &'a str,
    pub(super) settings: &'a [(&'static str, String)],
    pub(super) gateways: usize,
    pub(super) gateway_kills: usize,
    pub(super) simulator_kills: usize,
    pub(super) gateway_back: Vec<Duration>,
    pub(super) simulator_back: Vec<Duration>,
    pub(super) refused_starts: usize,
    pub(super) tally: &'a Tally,
    /// Answers that callers heard, by status; 0: none.
    pub(super) answers: &'a [(u16, usize)],
    /// Gauges that must be at zero in the end.
    pub(super) left_over: &'a [(String, f64)],
    pub(super) judgement: &'a Judgement,
}

/// The value below which so many thousandths lie.
pub(crate) fn quantile(sorted: &[Duration], thousandths: usize) -> Duration {
    let at = (sorted.len() * thousandths).div_ceil(1_000).saturating_sub(1);
    sorted.get(at).copied().unwrap_or_default()
}

fn back(name: &str, mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let ms = |at| quantile(&times, at).as_millis();
    format!("| {name} | {} | {} ms | {} ms | {} ms |", times.len(), ms(500), ms(990), ms(1_000))
}

/// What became of the messages.
pub(crate) fn messages(text: &mut String, j: &Judgement) -> std::fmt::Result {
    writeln!(text, "| Messages | |\n|---|---:|")?;
    for (what, count) in [
        ("acknowledged to their callers", j.accepted),
        ("delivered", j.delivered),
        ("sent in more than one attempt", j.again),
        ("lost", j.lost),
        ("doubled", j.doubled),
        ("doubled where the caller chose `resend`", j.doubled_by_choice),
        ("attempts whose outcome was unknown for a while", j.unknown),
        ("of these, settled by a word of the upstream", j.settled_by_word),
        ("of these, silent: sent again", j.settled_by_silence),
        ("of these, told as unknown to their callers", j.told_as_unknown),
        ("of these, never settled", j.unsettled),
        ("written by customers, and kept once", j.inbound),
        ("events, positions without gaps", j.events),
        ("deliveries to the endpoint, repetitions included", j.deliveries),
    ] {
        writeln!(text, "| {what} | {count} |")?;
    }
    for (reason, count) in &j.failed {
        writeln!(text, "| told as failed with `{reason}` | {count} |")?;
    }
    Ok(())
}

/// What callers heard, in words.
pub(crate) fn heard(answers: &[(u16, usize)]) -> String {
    let words = answers.iter().map(|(status, count)| match status {
        0 => format!("no answer {count} times"),
        status => format!("{status} {count} times"),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// A configuration, in words.
pub(crate) fn settings(settings: &[(&'static str, String)]) -> String {
    settings.iter().map(|(key, value)| format!("`{key}={value}`")).collect::<Vec<_>>().join(", ")
}

/// What must not be; nothing where nothing is.
pub(crate) fn findings(text: &mut String, wrong: &[String]) -> std::fmt::Result {
    if !wrong.is_empty() {
        writeln!(text, "\n## What must not be\n")?;
        for finding in wrong.iter().take(SHOWN_MAX) {
            writeln!(text, "- {finding}")?;
        }
        if wrong.len() > SHOWN_MAX {
            writeln!(text, "- and {} more", wrong.len() - SHOWN_MAX)?;
        }
    }
    Ok(())
}

/// Gauges that are not at zero.
pub(crate) fn left(gauges: &[(String, f64)]) -> impl Iterator<Item = String> {
    gauges.iter().filter(|(_, left)| *left != 0.0).map(|(gauge, left)| format!("{gauge} is {left}"))
}

impl Report<'_> {
    /// As Markdown.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a text cannot fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let j = self.judgement;
        let kills = self.gateway_kills + self.simulator_kills;
        writeln!(text, "# {kills} times `kill -9` under load, and whatever else goes wrong\n")?;
        writeln!(text, "- **Command**: `{}`", self.command)?;
        writeln!(text, "- **Machine**: {}", self.machine)?;
        let minutes = self.took.as_secs() / 60;
        writeln!(text, "- **Date**: {}, in {minutes} min {} s; seed {}", self.date, self.took.as_secs() % 60, self.seed)?;
        writeln!(text, "- **Source**: {}", source())?;
        if self.gateways > 1 {
            writeln!(text, "- **Gateways**: {} on one store, killed by turns; each call goes to the next", self.gateways)?;
        }
        writeln!(text, "- **The gateway's folder**: {}\n", self.disk)?;
        writeln!(
            text,
            "`transom serve` and `transom simulate` as processes of their own. The judge is the simulator's own record: what it has \
             taken, and what the customers' phones show. `auto` keeps its promise as long as the upstream's statuses come within \
             the wait, so the upstream tries a webhook that was not heard again every second, and the wait is longer than any \
             stall: {}.\n",
            settings(self.settings)
        )?;
        writeln!(text, "> {}\n", self.headline())?;
        messages(text, j)?;
        writeln!(text, "\n| From `kill -9` to ready | kills | p50 | p99 | longest |\n|---|---:|---:|---:|---:|")?;
        writeln!(text, "{}", back("gateway", self.gateway_back.clone()))?;
        writeln!(text, "{}", back("simulator", self.simulator_back.clone()))?;
        writeln!(text, "\n| Fault | what it is | times |\n|---|---|---:|")?;
        writeln!(text, "| kill | `kill -9` of the gateway | {} |", self.gateway_kills)?;
        writeln!(text, "| kill | `kill -9` of the simulator | {} |", self.simulator_kills)?;
        for fault in Fault::ALL {
            let times = self.tally.injected.get(&fault).copied().unwrap_or(0);
            writeln!(text, "| {} | {} | {times} |", fault.name(), fault.meaning())?;
        }
        let explained = self.tally.ended.iter().filter(|(_, explained)| *explained).count();
        writeln!(
            text,
            "\nThe gateway stopped by itself {explained} times when its writes failed, and was started again; {} starts met a full \
             disk or a file limit. Callers heard: {}.",
            self.refused_starts,
            heard(self.answers)
        )?;
        findings(text, &self.wrong())
    }

    /// One line.
    pub(super) fn headline(&self) -> String {
        let j = self.judgement;
        format!(
            "{} kills, {} messages: {} lost, {} doubled, {} unknown for a while of which {} never settled; {} findings",
            self.gateway_kills + self.simulator_kills,
            j.accepted,
            j.lost,
            j.doubled,
            j.unknown,
            j.unsettled,
            self.wrong().len()
        )
    }

    /// Everything that must not be.
    pub(super) fn wrong(&self) -> Vec<String> {
        let mut wrong = self.judgement.wrong.clone();
        let unexplained = self.tally.ended.iter().filter(|(_, explained)| !explained);
        wrong.extend(unexplained.map(|(how, _)| format!("by itself, {how}")));
        wrong.extend(self.tally.failed.iter().map(|why| format!("not brought about: {why}")));
        wrong.extend(left(self.left_over));
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_measured() {
        let times: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!(quantile(&times, 500), Duration::from_millis(50));
        assert_eq!(quantile(&times, 990), Duration::from_millis(99));
        assert_eq!(quantile(&times, 1_000), Duration::from_millis(100));
        assert_eq!(quantile(&[], 500), Duration::ZERO);
    }
}
