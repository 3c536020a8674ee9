//! Backups one after the other, for as long as a run takes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::gateway::Gateway;
use crate::target;

/// Backups under way.
pub(super) struct Backups {
    begun: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    running: JoinHandle<Result<u64>>,
}

impl Backups {
    /// Begins with the first, onto the disk on which the store is.
    pub(super) fn start(gateway: &Gateway<'_>) -> Result<Self> {
        let dir = TempDir::new_in(target().join("bench"))?;
        let (begun, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, stopped) = (begun.clone(), stop.clone());
        let to = dir.path().join("backup.db");
        let beside = ["backup.db.json", "backup.db.journal"].map(|name| dir.path().join(name));
        let mut command = gateway.command(&["backup", "--to", &to.display().to_string()]);
        let running = tokio::task::spawn_blocking(move || {
            // Removed with the last.
            let _dir = dir;
            let mut whole = 0;
            while !stopped.load(Ordering::Relaxed) {
                counted.fetch_add(1, Ordering::Relaxed);
                let output = command.output().context("transom backup")?;
                if !output.status.success() {
                    bail!("transom backup: {}", String::from_utf8_lossy(&output.stderr));
                }
                for made in std::iter::once(&to).chain(&beside) {
                    std::fs::remove_file(made).with_context(|| format!("{} was not made", made.display()))?;
                }
                whole += 1;
            }
            Ok(whole)
        });
        Ok(Self { begun, stop, running })
    }

    /// How many were begun.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Lets the last one end. Gives how many were made, all of them whole.
    pub(super) async fn end(self) -> Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.running.await?
    }
}
