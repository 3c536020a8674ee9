//! What was done, and what everybody counted.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::ears::Ears;
use super::plan::Plan;
use super::post::Posted;

/// Everything a report tells.
pub(super) struct Report<'a> {
    pub(super) command: &'a str,
    pub(super) machine: &'a str,
    pub(super) date: &'a str,
    pub(super) seed: u64,
    pub(super) plan: &'a Plan,
    pub(super) posted: Posted,
    pub(super) kills: usize,
    pub(super) back: Vec<Duration>,
    pub(super) heard_in: Duration,
    pub(super) took: Duration,
    pub(super) events: usize,
    pub(super) ears: &'a Ears,
    pub(super) streamed: usize,
    pub(super) connections: usize,
    pub(super) wrong: &'a [String],
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
        writeln!(text, "# {} webhooks, twice, late and out of order, and {} times `kill -9`\n", self.plan.webhooks, self.kills)?;
        writeln!(text, "- **Command**: `{}`", self.command)?;
        writeln!(text, "- **Machine**: {}", self.machine)?;
        let minutes = self.took.as_secs() / 60;
        writeln!(text, "- **Date**: {}, in {minutes} min {} s; seed {}\n", self.date, self.took.as_secs() % 60, self.seed)?;
        writeln!(
            text,
            "Signed webhooks are posted to `transom serve` until they are answered 200. Each endpoint verifies every delivery, fails one \
             in twenty by 500 or silence, and counts what it has taken; a reader of the live stream comes back where it was. The judge \
             is what they counted, against the list of all events and the texts that were posted.\n"
        )?;
        writeln!(text, "> {}\n", self.headline())?;
        let seconds = self.heard_in.as_secs_f64();
        writeln!(text, "| Heard | |\n|---|---:|")?;
        writeln!(text, "| different webhooks | {} |", self.plan.webhooks)?;
        writeln!(text, "| messages in them | {} |", self.plan.messages.len())?;
        writeln!(text, "| posts, repetitions of both sides included | {} |", self.posted.posts)?;
        writeln!(text, "| posts that were not answered 200, and were made again | {} |", self.posted.unheard)?;
        writeln!(
            text,
            "| posts a second, kills and endpoints beside them | {:.0} |",
            self.posted.posts as f64 / seconds.max(0.001)
        )?;
        writeln!(text, "| events, positions without gaps | {} |", self.events)?;
        let longest = self.back.iter().max().map_or(0, Duration::as_millis);
        writeln!(text, "| from `kill -9` to ready, longest | {longest} ms |")?;
        writeln!(
            text,
            "\n| Told to | order | deliveries taken | different events | failed on purpose |\n|---|---|---:|---:|---:|"
        )?;
        for ear in self.ears.all() {
            let told = ear.told();
            let order = if ear.ordered { "per conversation" } else { "none" };
            let failed = ear.failed.load(Ordering::SeqCst);
            let different = told.iter().collect::<HashSet<_>>().len();
            writeln!(text, "| endpoint `{}` (`{}*`) | {order} | {} | {different} | {failed} |", ear.name, ear.wants, told.len())?;
        }
        writeln!(
            text,
            "| the live stream, over {} connections | of the stream | {} | {} | |",
            self.connections, self.streamed, self.streamed
        )?;
        if !self.wrong.is_empty() {
            writeln!(text, "\n## What must not be\n")?;
            for finding in self.wrong {
                writeln!(text, "- {finding}")?;
            }
        }
        Ok(())
    }

    /// One line.
    pub(super) fn headline(&self) -> String {
        let told: usize = self.ears.all().iter().map(|ear| ear.told().len()).sum();
        format!(
            "{} webhooks, {} kills, {} events, {told} deliveries taken: {} findings",
            self.plan.webhooks,
            self.kills,
            self.events,
            self.wrong.len()
        )
    }
}
