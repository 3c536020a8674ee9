//! The stage: where bytes lie while they come. What is there when the process starts is half of something, and is removed.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;

use transom_domain::media::HEAD;
use transom_store::{Digest, DiskSpace, StoreError};

use crate::seal;
use crate::wire::stream::{Flow, next};

/// A folder of its own for what comes.
#[derive(Debug, Clone)]
pub struct Stage {
    dir: PathBuf,
    /// Bytes that are still to come of what is being staged.
    expected: Arc<AtomicU64>,
}

/// Room on the disk for bytes that are to come, until it is dropped.
#[derive(Debug)]
pub struct Held {
    expected: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.expected.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

/// Bytes that are whole and durable, still without a place of their own. Removed when it is dropped.
#[derive(Debug)]
pub struct Staged {
    /// Where.
    pub path: PathBuf,
    /// SHA-256 of them.
    pub digest: Digest,
    /// How many.
    pub size: u64,
    /// The first of them.
    pub head: Vec<u8>,
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone already where it was moved.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Why bytes were not staged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotStaged {
    /// More than there may be.
    TooLarge,
    /// They broke off, or paused for too long.
    Broken(String),
    /// They cannot be written.
    Disk(String),
}

/// How long bytes may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two pieces.
    pub pause: Duration,
    /// In all.
    pub whole: Duration,
}

impl Stage {
    /// A stage in this folder; made when something is first put on it.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir, expected: Arc::default() }
    }

    /// Removes what an earlier process left.
    ///
    /// # Errors
    /// What the system says.
    pub fn clear(&self) -> io::Result<()> {
        match std::fs::remove_dir_all(&self.dir) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => Err(why),
            _ => Ok(()),
        }
    }

    /// Holds room for so many bytes, beside those that others are still to bring: what the disk keeps for what is heard is not theirs.
    ///
    /// # Errors
    /// When there is no room on a disk of which so much is known.
    pub fn hold(&self, bytes: u64, disk: Option<DiskSpace>) -> Result<Held, StoreError> {
        let others = self.expected.fetch_add(bytes, Ordering::SeqCst);
        let held = Held { expected: self.expected.clone(), bytes };
        match disk {
            Some(DiskSpace { free, reserve, .. }) if free < reserve.saturating_add(others).saturating_add(bytes) => {
                Err(StoreError::DiskLow { free, reserve })
            }
            _ => Ok(held),
        }
    }

    /// Takes bytes as they come, at most `max`.
    ///
    /// # Errors
    /// When they are too many, break off, take too long or cannot be written; nothing stays then.
    pub async fn take(&self, body: Flow, max: u64, patience: Patience) -> Result<Staged, NotStaged> {
        let taken = tokio::time::timeout(patience.whole, self.taken(body, max, patience.pause)).await;
        taken.unwrap_or_else(|_| Err(NotStaged::Broken(format!("it took more than {} seconds", patience.whole.as_secs()))))
    }

    async fn taken(&self, mut body: Flow, max: u64, pause: Duration) -> Result<Staged, NotStaged> {
        let disk = |why: io::Error| NotStaged::Disk(why.to_string());
        let name = seal::random::<16>().map_err(|why| NotStaged::Disk(why.to_string()))?;
        let path = self.dir.join(seal::hex(&name));
        private_dir(&self.dir).map_err(disk)?;
        let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(disk)?;
        // From here on a drop removes it, however this ends.
        let mut staged = Staged { path, digest: [0; 32], size: 0, head: Vec::with_capacity(HEAD) };
        let mut file = tokio::fs::File::from_std(file);
        let mut hash = Sha256::new();
        while let Some(piece) = next(&mut body, pause).await.map_err(NotStaged::Broken)? {
            staged.size = staged.size.saturating_add(piece.len() as u64);
            if staged.size > max {
                return Err(NotStaged::TooLarge);
            }
            hash.update(&piece);
            let wanted = HEAD.saturating_sub(staged.head.len()).min(piece.len());
            staged.head.extend(piece.iter().take(wanted));
            file.write_all(&piece).await.map_err(disk)?;
        }
        file.flush().await.map_err(disk)?;
        file.sync_all().await.map_err(disk)?;
        staged.digest = hash.finalize().into();
        Ok(staged)
    }
}

/// Makes a folder, and those above it, that only this user can enter.
///
/// # Errors
/// What the system says.
pub(super) fn private_dir(dir: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Bytes that are here already, as a flow.
#[must_use]
pub fn flow_of(bytes: impl Into<Bytes>) -> Flow {
    let bytes = bytes.into();
    Box::pin(futures::stream::once(async move { Ok(bytes) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience = Patience { pause: Duration::from_millis(50), whole: Duration::from_secs(20) };

    #[test]
    fn what_is_to_come_leaves_the_reserve_alone_whoever_brings_it() {
        let stage = Stage::new(PathBuf::new());
        let disk = Some(DiskSpace { free: 1_000, reserve: 300, low: false });
        let first = stage.hold(400, disk).unwrap();
        let refused = stage.hold(301, disk).unwrap_err();
        assert_eq!(refused, StoreError::DiskLow { free: 1_000, reserve: 300 });
        let second = stage.hold(300, disk).unwrap();
        assert!(stage.hold(1, disk).is_err());
        drop(first);
        assert!(stage.hold(400, disk).is_ok(), "what was refused or is over holds nothing");
        drop(second);
        assert!(stage.hold(u64::MAX, None).is_ok());
    }

    fn pieces(pieces: Vec<Result<&'static [u8], &'static str>>) -> Flow {
        let pieces = pieces.into_iter().map(|p| p.map(Bytes::from_static).map_err(str::to_owned));
        Box::pin(futures::stream::iter(pieces))
    }

    #[tokio::test]
    async fn what_is_staged_is_whole_or_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::new(dir.path().join("in"));
        let staged = stage.take(pieces(vec![Ok(b"ab"), Ok(b"c")]), 3, PATIENCE).await.unwrap();
        assert_eq!((staged.size, staged.head.as_slice()), (3, &b"abc"[..]));
        assert_eq!(seal::hex(&staged.digest), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(std::fs::read(&staged.path).unwrap(), b"abc");
        drop(staged);
        let too_many = stage.take(pieces(vec![Ok(b"ab"), Ok(b"cd")]), 3, PATIENCE).await.unwrap_err();
        assert_eq!(too_many, NotStaged::TooLarge);
        let broken = stage.take(pieces(vec![Ok(b"ab"), Err("reset")]), 3, PATIENCE).await.unwrap_err();
        assert_eq!(broken, NotStaged::Broken("reset".into()));
        let never = Box::pin(futures::stream::pending());
        assert!(
            matches!(stage.take(never, 3, PATIENCE).await.unwrap_err(), NotStaged::Broken(why) if why.contains("nothing came"))
        );
        // One that never ends ends here.
        let endless = Box::pin(futures::stream::repeat_with(|| Ok(Bytes::from_static(&[0; 1_024]))));
        assert_eq!(stage.take(endless, 1 << 20, PATIENCE).await.unwrap_err(), NotStaged::TooLarge);
        assert_eq!(std::fs::read_dir(dir.path().join("in")).unwrap().count(), 0, "nothing stays of them");
    }

    #[tokio::test]
    async fn what_a_killed_process_left_is_removed() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let stage = Stage::new(dir.path().join("in"));
        stage.clear().unwrap();
        std::mem::forget(stage.take(flow_of("half"), 9, PATIENCE).await.unwrap());
        let mode = std::fs::metadata(dir.path().join("in")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        stage.clear().unwrap();
        assert!(!dir.path().join("in").exists());
    }
}
