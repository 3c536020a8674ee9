//! What a benchmark says: a table with a line per run, and under what circumstances it was made.

use std::path::Path;
use std::time::Duration;

use super::measure::{Figures, Latencies};
pub(super) use crate::source::{said, source};

/// One line of the table: a run, and beside it what was seen in the same minute.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    /// Row of the benchmark.
    pub(super) row: char,
    /// What was run.
    pub(super) what: String,
    /// What it gave.
    pub(super) figures: Option<Figures>,
    /// The rate as a share of what the bare proxy allows, and what that share is of.
    pub(super) ratio: Option<f64>,
    /// Median and 99th percentile.
    pub(super) latency: Option<(Duration, Duration)>,
    /// Rows read from the store per message.
    pub(super) rows_read: Option<f64>,
    /// Whatever else is to be said.
    pub(super) note: String,
    /// The surroundings, where there was a run.
    pub(super) beside: Option<Beside>,
}

/// What was seen beside a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    /// The bare proxy.
    pub(super) proxy: Figures,
    /// Median and 99th percentile of a synced write.
    pub(super) sync: (Duration, Duration),
}

/// Median and 99th percentile, where there is anything.
pub(super) fn p50_p99(latencies: &mut Latencies) -> Option<(Duration, Duration)> {
    Some((latencies.percentile(50)?, latencies.percentile(99)?))
}

/// A tail shorter than this is not worth a word.
const TAIL: Duration = Duration::from_millis(250);

/// Head of the table.
const HEAD: &str = "\
| | run | per second | of the proxy | CPU per message (of the load) | p50 / p99 | rows read | peak memory | machine idle | proxy: per second, CPU | synced write p50 / p99 | |
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|";

impl Line {
    fn cells(&self) -> [String; 12] {
        let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "–".to_owned());
        let run = self.figures.as_ref();
        [
            format!("({})", self.row),
            self.what.clone(),
            or_dash(run.map(|f| thousands(f.per_second()))),
            or_dash(self.ratio.map(|ratio| format!("{ratio:.2}"))),
            or_dash(run.filter(|f| !f.cpu.is_zero()).map(|f| format!("{:.1} µs ({:.1})", f.cpu_micros(), f.load_micros()))),
            or_dash(self.latency.map(|(p50, p99)| format!("{} / {}", millis(p50), millis(p99)))),
            or_dash(self.rows_read.map(|rows| format!("{rows:.1}"))),
            or_dash(run.filter(|f| f.peak > 0).map(|f| mib(f.peak))),
            or_dash(run.map(|f| format!("{:.0} %{}", f.idle * 100.0, stolen(f.stolen)))),
            or_dash(self.beside.map(|b| {
                format!("{}, {:.1} µs ({:.1})", thousands(b.proxy.per_second()), b.proxy.cpu_micros(), b.proxy.load_micros())
            })),
            or_dash(self.beside.map(|b| format!("{} / {}", millis(b.sync.0), millis(b.sync.1)))),
            [self.note.clone(), run.map(|f| tail(f.tail)).unwrap_or_default()].join(""),
        ]
    }

    /// As a row of the table.
    pub(super) fn markdown(&self) -> String {
        format!("| {} |", self.cells().join(" | "))
    }
}

/// A tail that says something: one message that is late makes a rate of many look slow.
fn tail(time: Duration) -> String {
    if time < TAIL { String::new() } else { format!(" (the last came out {:.1} s after the load had ended)", time.as_secs_f64()) }
}

fn stolen(share: f64) -> String {
    if share < 0.005 { String::new() } else { format!(" ({:.0} % stolen)", share * 100.0) }
}

pub(super) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

pub(super) fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

/// A whole number with commas.
pub(super) fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The head of the table alone, for a run that shows its lines as they come.
pub(super) const fn head() -> &'static str {
    HEAD
}

/// The whole report.
pub(super) fn page(command: &str, lines: &[Line], before: Option<&Path>) -> String {
    let table: Vec<String> = lines.iter().map(Line::markdown).collect();
    let compared = before.map(|path| compare(path, lines)).unwrap_or_default();
    format!(
        "# Benchmark\n\n- **Command**: `{command}`\n- **Machine**: {}\n- **Date**: {}\n- **Source**: {}\n\n{}\n{}\n\n{}\n{compared}",
        machine(),
        said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        source(),
        HEAD,
        table.join("\n"),
        NOTES,
    )
}

const NOTES: &str = "\
API keys, an idempotency key per request, verdicts, lanes, pace, attempts and signatures are on in every run of the gateway; 100
senders at 1,000 messages a second each; customers are drawn evenly from all that are stored. CPU is that of the measured process
alone, user and system; load, upstream and webhook endpoint are in a process of their own on the same cores, whose time per message
stands in brackets: the less it is, the more of the machine is left to what is measured. Latencies are of open
loops: from the moment at which a request was due. The bare proxy (same libraries in and out, stores nothing) and the synced
4 KiB writes on the same disk were measured right before each run. For lives, `of the proxy` is against the exchange budget: two HTTP
exchanges per message through the proxy, divided by the eight of a life.

Aimed at: (a) 0.6 of the proxy and 60 µs of CPU per message; (b) 0.5 of the budget; (c) a million verdicts a second of one core; (d)
10 ms to accept and 5 ms to acknowledge a webhook at the 99th percentile; (e) 1.35 times the CPU and the same rows; (f) 40 MB idle and
half a second to start; (g) 5,000 messages a second.";

/// What changed against an earlier page: rows are matched by what was run.
fn compare(path: &Path, lines: &[Line]) -> String {
    let Ok(page) = std::fs::read_to_string(path) else { return String::new() };
    let before: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| ("))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
        .collect();
    let changed: Vec<String> = lines
        .iter()
        .filter_map(|line| {
            let now = line.cells();
            let then =
                before.iter().find(|cells| cells.first() == Some(&now[0].as_str()) && cells.get(1) == Some(&now[1].as_str()))?;
            let pair = |at: usize| Some(format!("{} → {}", then.get(at)?, now.get(at)?));
            Some(format!("| {} | {} | {} | {} | {} | {} |", now[0], now[1], pair(2)?, pair(3)?, pair(4)?, pair(5)?))
        })
        .collect();
    if changed.is_empty() {
        return String::new();
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    format!(
        "\n## Against {name}\n\n| | run | per second | of the proxy | CPU per message | p50 / p99 |\n|---|---|---:|---:|---:|---:|\n{}\n",
        changed.join("\n")
    )
}

/// Processors, memory and kernel, as the system tells them.
pub(super) fn machine() -> String {
    let read = |path: &str, begin: &str| -> String {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(begin)).unwrap_or_default().to_owned();
        line.split_once(':').map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let kib: f64 = read("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap_or_default();
    let kernel = said("uname", &["-sr"]);
    format!("{cores} cores ({}), {:.0} GiB of memory, {kernel}", read("/proc/cpuinfo", "model name"), kib / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(per_second: u64) -> Line {
        let figures = Figures { messages: per_second, time: Duration::from_secs(1), ..Figures::default() };
        Line { row: 'a', what: "accept and send".to_owned(), figures: Some(figures), ..Line::default() }
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(["7", "1,234", "12,345,678"].map(str::to_owned), [7.0, 1234.0, 12_345_678.0].map(thousands));
        assert!(line(0).markdown().starts_with("| (a) | accept and send | 0 | – |"));
    }

    #[test]
    fn a_page_is_compared_with_the_one_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("before.md");
        std::fs::write(&path, page("bench", &[line(1_000)], None)).unwrap();
        let page = page("bench", &[line(2_000)], Some(&path));
        assert!(page.contains("## Against before.md") && page.contains("1,000 → 2,000"), "{page}");
    }
}
