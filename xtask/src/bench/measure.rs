//! What a run cost: CPU time and memory of the process that is measured, what the machine had left, and what its disk is.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

/// A block of the probe of the disk.
const BLOCK: [u8; 4096] = [0x5a; 4096];

/// Times, of which the share below a bound is asked.
#[derive(Debug, Clone, Default)]
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(super) fn add(&mut self, took: Duration) {
        self.0.push(took);
    }

    pub(super) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that so many in a hundred did not exceed (nearest rank); none of nothing.
    pub(super) fn percentile(&mut self, percent: usize) -> Option<Duration> {
        self.0.sort_unstable();
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied()
    }
}

/// What was seen between two looks.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Figures {
    /// Messages or lives that came out at the other end.
    pub(super) messages: u64,
    /// From the first request to the last arrival.
    pub(super) time: Duration,
    /// From the last answer to the last arrival.
    pub(super) tail: Duration,
    /// CPU time of the measured processes, user and system.
    pub(super) cpu: Duration,
    /// CPU time of the store's server with all its processes, where the store is not in the measured process.
    pub(super) server: Duration,
    /// CPU time of the load, upstream and endpoint: this process.
    pub(super) load: Duration,
    /// Share of the machine's time in which it had nothing to do, 0 to 1.
    pub(super) idle: f64,
    /// Share of the machine's time that its host gave to others.
    pub(super) stolen: f64,
    /// Most memory the process ever held, in bytes.
    pub(super) peak: u64,
}

impl Figures {
    pub(super) fn per_second(&self) -> f64 {
        self.messages as f64 / self.time.as_secs_f64().max(f64::EPSILON)
    }

    /// In words: how many times the CPU of another run.
    pub(super) fn against(&self, other: &Self) -> String {
        format!("; {:.2} times the CPU of fewer customers", self.cpu_micros() / other.cpu_micros().max(f64::EPSILON))
    }

    /// CPU time per message, in microseconds.
    pub(super) fn cpu_micros(&self) -> f64 {
        self.each(self.cpu)
    }

    /// CPU time of the store's server per message, in microseconds.
    pub(super) fn server_micros(&self) -> f64 {
        self.each(self.server)
    }

    /// CPU time of the load per message, in microseconds.
    pub(super) fn load_micros(&self) -> f64 {
        self.each(self.load)
    }

    fn each(&self, cpu: Duration) -> f64 {
        cpu.as_secs_f64() * 1e6 / (self.messages as f64).max(1.0)
    }
}

/// Looks at what is measured, and at the machine.
pub(super) struct Meter {
    pids: Vec<u32>,
    server: Option<u32>,
    ticks_per_second: u32,
    begun: Instant,
    cpu: Duration,
    of_server: Duration,
    load: Duration,
    machine: Machine,
}

/// Ticks of all processors since the machine started.
#[derive(Debug, Clone, Copy)]
struct Machine {
    all: u64,
    idle: u64,
    stolen: u64,
}

impl Meter {
    /// Begins to look at one process.
    ///
    /// # Errors
    /// Where the system is not Linux, or the process has ended.
    pub(super) fn start(pid: u32) -> Result<Self> {
        Self::of(vec![pid], None)
    }

    /// Begins to look at processes, and at the first process of the server that they use.
    ///
    /// # Errors
    /// As [`Meter::start`].
    pub(super) fn of(pids: Vec<u32>, server: Option<u32>) -> Result<Self> {
        let output = Command::new("getconf").arg("CLK_TCK").output().context("getconf")?;
        let ticks_per_second = String::from_utf8_lossy(&output.stdout).trim().parse().context("getconf CLK_TCK")?;
        let mut meter = Self {
            pids,
            server,
            ticks_per_second,
            begun: Instant::now(),
            cpu: Duration::ZERO,
            of_server: Duration::ZERO,
            load: Duration::ZERO,
            machine: Machine::now()?,
        };
        (meter.cpu, meter.of_server, meter.load) = meter.cpu()?;
        Ok(meter)
    }

    /// So far: of the measured processes, of the server, of this one.
    fn cpu(&self) -> Result<(Duration, Duration, Duration)> {
        let cpu = self.pids.iter().map(|pid| self.cpu_of(*pid)).sum::<Result<Duration>>()?;
        let server = self.server.map_or(Ok(Duration::ZERO), |pid| self.cpu_of_all(pid))?;
        Ok((cpu, server, self.cpu_of(std::process::id())?))
    }

    /// User and system time of a process so far (proc(5): fields 14 and 15 of `stat`).
    fn cpu_of(&self, pid: u32) -> Result<Duration> {
        let stat = Stat::of(pid).context("the measured process has ended, or this is no Linux")?;
        Ok(Duration::from_secs(stat.own) / self.ticks_per_second)
    }

    /// That of a process and of its children, those that have ended too.
    fn cpu_of_all(&self, parent: u32) -> Result<Duration> {
        let stat = Stat::of(parent).context("the server has ended, or this is no Linux")?;
        let mut ticks = stat.own + stat.ended;
        for entry in std::fs::read_dir("/proc")?.flatten() {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
            // One that ends meanwhile is counted with its parent from the next look on.
            let child = pid.and_then(Stat::of).filter(|child| child.parent == parent);
            ticks += child.map_or(0, |child| child.own + child.ended);
        }
        Ok(Duration::from_secs(ticks) / self.ticks_per_second)
    }

    /// What was seen since it began.
    pub(super) fn figures(&self, messages: u64) -> Result<Figures> {
        let (time, machine) = (self.begun.elapsed(), Machine::now()?);
        let (cpu, server, load) = self.cpu()?;
        let all = (machine.all - self.machine.all).max(1) as f64;
        Ok(Figures {
            messages,
            time,
            tail: Duration::ZERO,
            cpu: cpu.saturating_sub(self.cpu),
            server: server.saturating_sub(self.of_server),
            load: load.saturating_sub(self.load),
            idle: (machine.idle - self.machine.idle) as f64 / all,
            stolen: (machine.stolen - self.machine.stolen) as f64 / all,
            peak: self.pids.iter().map(|pid| memory(*pid, "VmHWM:")).sum::<Result<u64>>()?,
        })
    }
}

/// What proc(5) tells of a process, in ticks.
struct Stat {
    parent: u32,
    /// Its own, user and system.
    own: u64,
    /// Of its children that have ended and were waited for.
    ended: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name in brackets may hold blanks.
        let fields: Vec<&str> = stat.rsplit(')').next()?.split_whitespace().collect();
        let at = |at: usize| fields.get(at)?.parse::<u64>().ok();
        Some(Self { parent: fields.get(1)?.parse().ok()?, own: at(11)? + at(12)?, ended: at(13)? + at(14)? })
    }
}

impl Machine {
    /// proc(5): user, nice, system, idle, iowait, irq, softirq, steal; the guests' time is in the first two.
    fn now() -> Result<Self> {
        let stat = std::fs::read_to_string("/proc/stat").context("only Linux tells the machine's time so")?;
        let ticks: Vec<u64> =
            stat.lines().next().unwrap_or_default().split_whitespace().skip(1).take(8).filter_map(|t| t.parse().ok()).collect();
        let at = |i: usize| ticks.get(i).copied().unwrap_or_default();
        Ok(Self { all: ticks.iter().sum(), idle: at(3) + at(4), stolen: at(7) })
    }
}

/// Memory of a process in bytes: `VmRSS:` now, `VmHWM:` at its highest.
pub(super) fn memory(pid: u32, what: &str) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("the measured process has ended")?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)).with_context(|| format!("no {what} in its status"))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().context("a size in kB")?;
    Ok(kib * 1024)
}

/// CPU time of this thread (schedstat has it in nanoseconds).
pub(super) fn thread_cpu() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").context("only Linux tells a thread's time so")?;
    let nanos = stat.split_whitespace().next().and_then(|n| n.parse().ok()).context("a number in schedstat")?;
    Ok(Duration::from_nanos(nanos))
}

/// Appends blocks to a file in this folder and syncs each, for a time: what a commit costs on this disk at the least.
pub(super) fn probe_disk(dir: &Path, time: Duration) -> Result<Latencies> {
    let path = dir.join("probe");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let (begun, mut latencies) = (Instant::now(), Latencies::default());
    while begun.elapsed() < time {
        let one = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        latencies.add(one.elapsed());
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_seen() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile(99), None);
        for millis in (1..=200).rev() {
            latencies.add(Duration::from_millis(millis));
        }
        for (percent, millis) in [(0, 1), (50, 100), (99, 198), (100, 200)] {
            assert_eq!(latencies.percentile(percent), Some(Duration::from_millis(millis)), "{percent}");
        }
    }

    #[test]
    fn this_process_uses_time_and_memory() {
        let meter = Meter::start(std::process::id()).unwrap();
        let before = thread_cpu().unwrap();
        let mut sum = 0_u64;
        while meter.cpu_of(std::process::id()).unwrap() == meter.cpu {
            sum = (0..1_000_000_u64).fold(sum, |sum, i| std::hint::black_box(sum ^ i));
        }
        assert!(thread_cpu().unwrap() > before, "{sum}");
        let figures = meter.figures(1).unwrap();
        assert!(figures.cpu > Duration::ZERO && figures.peak > 1 << 20 && (0.0..=1.0).contains(&figures.idle), "{figures:?}");
    }
}
