//! A file system of its own for the gateway's folder, in a mount namespace of its own, that can be full for a while.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::process::run;

/// Tries to leave no room: the gateway writes meanwhile.
const TRIES: usize = 50;

/// The file system: memory, of a size that can be changed while it is in use.
pub(super) struct Disk {
    at: PathBuf,
    megabytes: u64,
}

impl Disk {
    /// Mounts it over an empty folder; only in a mount namespace of this process's own.
    pub(super) fn mount(at: &Path, megabytes: u64) -> Result<Self> {
        let shown = at.display().to_string();
        run("mount", &["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=0700"), "transom", &shown])
            .context("--disk needs a mount namespace: `unshare --user --map-root-user --mount` must be allowed")?;
        Ok(Self { at: at.to_owned(), megabytes })
    }

    /// Not one page more.
    pub(super) fn fill(&self) -> Result<()> {
        for _ in 0..TRIES {
            let used = self.used()?;
            // It may have grown since: then the size is refused, and the next one is larger.
            if self.resize(&format!("{used}")).is_ok() {
                return Ok(());
            }
        }
        bail!("the disk grew faster than it could be filled")
    }

    /// Room again.
    pub(super) fn free(&self) -> Result<()> {
        self.resize(&format!("{}m", self.megabytes))
    }

    fn resize(&self, size: &str) -> Result<()> {
        run("mount", &["-o", &format!("remount,size={size}"), &self.at.display().to_string()])
    }

    fn used(&self) -> Result<u64> {
        let output = Command::new("df").args(["--block-size=1", "--output=used"]).arg(&self.at).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().nth(1).and_then(|line| line.trim().parse().ok()).context("df did not say how much is used")
    }
}
