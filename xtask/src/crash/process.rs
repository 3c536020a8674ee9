//! A process that is killed, stopped, starved of disk, and started again.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How to start it, and what runs at the moment.
pub(crate) struct Process {
    bin: PathBuf,
    args: Vec<String>,
    /// The first line that says it listens begins with this.
    ready: &'static str,
    log: PathBuf,
    running: Option<(Child, BufReader<ChildStdout>)>,
}

impl Process {
    /// One that is not running yet. Its log is appended to `log`.
    pub(crate) fn new(bin: &Path, args: Vec<String>, ready: &'static str, log: PathBuf) -> Self {
        Self { bin: bin.to_owned(), args, ready, log, running: None }
    }

    /// Starts it and reads its first line that says so; gives what it printed up to there.
    ///
    /// # Errors
    /// When it ended before.
    pub(crate) fn start(&mut self) -> Result<String> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        // The shell makes a write beyond the limit an error in place of a signal; then it becomes the program itself.
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(&self.bin).args(&self.args);
        for (name, _) in std::env::vars() {
            if name.starts_with("TRANSOM_") || name.starts_with("META_") {
                command.env_remove(name);
            }
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
        let mut output = BufReader::new(child.stdout.take().context("no output")?);
        let mut said = String::new();
        loop {
            let from = said.len();
            if output.read_line(&mut said)? == 0 {
                let status = child.wait()?;
                bail!("{} ended with {status} before it was ready", self.args.first().map_or("", String::as_str));
            }
            if said.get(from..).is_some_and(|line| line.starts_with(self.ready)) {
                break;
            }
        }
        self.running = Some((child, output));
        Ok(said)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> Option<u32> {
        self.running.as_ref().map(|(child, _)| child.id())
    }

    /// `kill -9`, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some((mut child, _)) = self.running.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// How it ended, if it ended by itself.
    pub(crate) fn ended(&mut self) -> Result<Option<String>> {
        let Some((child, _)) = &mut self.running else { return Ok(None) };
        let Some(status) = child.try_wait()? else { return Ok(None) };
        self.running = None;
        Ok(Some(status.to_string()))
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, name: &str) -> Result<()> {
        let Some(id) = self.id() else { return Ok(()) };
        run("kill", &[&format!("-{name}"), &id.to_string()])
    }

    /// Bounds, or frees, how large a file it may write.
    pub(crate) fn limit_files(&self, bytes: Option<u64>) -> Result<()> {
        let Some(id) = self.id() else { return Ok(()) };
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        run("prlimit", &["--pid", &id.to_string(), &format!("--fsize={soft}:unlimited")])
    }

    /// SIGTERM; says whether it ended well, and how long that took.
    pub(crate) fn terminate(&mut self) -> Result<(bool, Duration)> {
        let begun = Instant::now();
        self.signal("TERM")?;
        let Some((mut child, _)) = self.running.take() else { bail!("it does not run") };
        Ok((child.wait()?.success(), begun.elapsed()))
    }

    /// The last lines of its log.
    pub(crate) fn last_words(&self, lines: usize) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let all: Vec<&str> = text.lines().collect();
        all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// Runs a small program that must succeed.
pub(crate) fn run(program: &str, args: &[&str]) -> Result<()> {
    let done = Command::new(program).args(args).output().with_context(|| format!("{program} cannot be started"))?;
    if !done.status.success() {
        bail!("{program} {}: {}", args.join(" "), String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(())
}
