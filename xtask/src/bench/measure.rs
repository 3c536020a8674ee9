//! What a process cost: messages that came out at the other end, the time until the last did, and CPU time from the kernel.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::sink::Sink;

/// How long the last messages may take after the load has ended.
const PATIENCE: Duration = Duration::from_secs(120);

/// What was measured.
pub(super) struct Figures {
    /// Messages that reached the upstream.
    pub(super) messages: usize,
    time: Duration,
    cpu: Duration,
}

impl Figures {
    /// Messages per second, from the first request to the last arrival.
    pub(super) fn per_second(&self) -> f64 {
        to_f64(self.messages) / self.time.as_secs_f64()
    }

    /// CPU time per message, user and system, in microseconds.
    pub(super) fn cpu_micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / to_f64(self.messages).max(1.0)
    }
}

fn to_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::from(u32::MAX), f64::from)
}

/// Reads the CPU time of a process.
pub(super) struct Meter {
    pid: u32,
    ticks_per_second: u32,
}

impl Meter {
    /// Of this process.
    pub(super) fn of(pid: u32) -> Result<Self> {
        let output = Command::new("getconf").arg("CLK_TCK").output().context("getconf")?;
        let ticks_per_second = String::from_utf8_lossy(&output.stdout).trim().parse().context("getconf CLK_TCK")?;
        Ok(Self { pid, ticks_per_second })
    }

    /// User and system time so far (proc(5): fields 14 and 15 of `stat`; the name in brackets may hold blanks).
    fn cpu(&self) -> Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid))
            .context("only Linux tells the CPU time of a process so")?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|f| f.parse::<u32>().ok()).context("a field of stat");
        Ok(Duration::from_secs(u64::from(ticks(11)? + ticks(12)?)) / self.ticks_per_second)
    }

    /// Runs a load, waits until everything that was answered has come out at the other end, and reads the cost.
    pub(super) async fn measure(&self, sink: &Sink, load: impl Future<Output = Result<usize>>) -> Result<Figures> {
        let (before, cpu, begun) = (sink.received(), self.cpu()?, Instant::now());
        let answered = load.await?;
        let wanted = before + answered;
        if tokio::time::timeout(PATIENCE, sink.reaches(wanted)).await.is_err() {
            bail!("{} of {answered} messages have not come out after {} s", wanted - sink.received(), PATIENCE.as_secs());
        }
        let time = begun.elapsed();
        Ok(Figures { messages: sink.received() - before, time, cpu: self.cpu()?.saturating_sub(cpu) })
    }
}
