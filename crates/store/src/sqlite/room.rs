//! Room on the disk: sends leave a reserve to what is heard, as they leave it a part of the queue.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::{DiskSpace, StoreError};

/// How often the disk is looked at: a second's writing is far less than any sensible reserve.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What is known of the disk. Read by every move that wants room, written by one thread.
pub(super) struct DiskRoom {
    folder: PathBuf,
    reserve: u64,
    free: AtomicU64,
    low: AtomicBool,
}

/// Once low, it stays so until an eighth of the reserve is free beyond it: no flapping around the line.
fn is_low(was: bool, free: u64, reserve: u64) -> bool {
    free < if was { reserve.saturating_add(reserve / 8) } else { reserve }
}

impl DiskRoom {
    /// Looks at the disk at once.
    pub(super) fn new(folder: PathBuf, reserve: u64) -> Self {
        let room = Self { folder, reserve, free: AtomicU64::new(u64::MAX), low: AtomicBool::new(false) };
        room.look();
        room
    }

    /// Looks at the disk.
    pub(super) fn look(&self) {
        match rustix::fs::statvfs(&self.folder) {
            Ok(disk) => self.saw(disk.f_bavail.saturating_mul(disk.f_frsize)),
            // Without an answer nothing is refused: a commit that finds no room says so itself.
            Err(why) => tracing::debug!(%why, "the disk did not say how much room it has"),
        }
    }

    fn saw(&self, free: u64) {
        self.free.store(free, Ordering::Relaxed);
        let was = self.low.load(Ordering::Relaxed);
        let low = is_low(was, free, self.reserve);
        self.low.store(low, Ordering::Relaxed);
        if low && !was {
            tracing::error!(free, reserve = self.reserve, "the disk is nearly full: nothing new is taken on until there is room");
        } else if was && !low {
            tracing::info!(free, reserve = self.reserve, "the disk has room again: sends are taken on");
        }
    }

    /// Refuses what would use the reserve.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        if !self.low.load(Ordering::Relaxed) {
            return Ok(());
        }
        Err(StoreError::DiskLow { free: self.free.load(Ordering::Relaxed), reserve: self.reserve })
    }

    pub(super) fn shown(&self) -> DiskSpace {
        DiskSpace { free: self.free.load(Ordering::Relaxed), reserve: self.reserve, low: self.low.load(Ordering::Relaxed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_low_below_the_reserve_and_until_there_is_clearly_more() {
        let folder = tempfile::tempdir().unwrap();
        let room = DiskRoom::new(folder.path().to_owned(), 800);
        assert!(room.shown().free > 0, "the disk was looked at");
        for (free, low) in [(1_000, false), (800, false), (799, true), (800, true), (899, true), (900, false), (0, true)] {
            room.saw(free);
            assert_eq!(room.check().is_err(), low, "{free}");
            assert_eq!(room.shown(), DiskSpace { free, reserve: 800, low });
        }
        assert!(!DiskRoom::new(folder.path().to_owned(), 0).shown().low, "no reserve refuses nothing");
    }
}
