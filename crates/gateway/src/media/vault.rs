//! The vault: where the bytes of files are, each once under its digest. A folder by default; see [`super::bucket`] for the other.

use std::fmt;
use std::future::Future;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use transom_domain::id::BusinessId;
use transom_store::Digest;

use super::stage::{Staged, private_dir};
use crate::seal;
use crate::wire::stream::Flow;

/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;

/// Names bytes: each business has its own, so that nothing is learnt of another's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Name {
    /// Whose.
    pub business: BusinessId,
    /// SHA-256 of them.
    pub digest: Digest,
}

impl fmt::Display for Name {
    /// As a path: `<business>/<two digits>/<digest>`. Nothing that anybody wrote is in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = seal::hex(&self.digest);
        write!(f, "{}/{}/{hex}", self.business, hex.get(..2).unwrap_or_default())
    }
}

/// The vault does not answer, or cannot be written; a sentence that names it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VaultError(pub String);

/// What a call of the vault answers with.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = Result<T, VaultError>> + Send + 'a>>;

/// Where bytes are kept.
pub trait Vault: Send + Sync + 'static {
    /// Where, in words for an operator; no secret is in them.
    fn place(&self) -> String;
    /// Keeps bytes under their name, whole or not at all; those that are there already are the same. Durable when it answers.
    fn keep(&self, name: Name, staged: Staged) -> Doing<'_, ()>;
    /// Reads bytes, or a part of them; none when they are not there.
    fn open(&self, name: Name, part: Option<Range<u64>>) -> Doing<'_, Option<Flow>>;
    /// Removes bytes; that they are not there is no error.
    fn remove(&self, name: Name) -> Doing<'_, ()>;
    /// Whether it answers and can be written.
    fn probe(&self) -> Doing<'_, ()>;
}

/// A folder.
#[derive(Debug, Clone)]
pub struct Folder {
    dir: PathBuf,
}

impl Folder {
    /// This folder; made when something is first kept.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { dir }
    }

    fn failed(&self, what: &str, why: &io::Error) -> VaultError {
        VaultError(format!("files in {} cannot be {what}: {why}", self.dir.display()))
    }

    fn path(&self, name: Name) -> PathBuf {
        self.dir.join(name.to_string())
    }
}

/// Moves a file, and makes its new place durable with every folder above it that is new.
fn move_durably(root: &Path, from: &Path, to: &Path) -> io::Result<()> {
    let folder = to.parent().unwrap_or(root);
    private_dir(folder)?;
    std::fs::rename(from, to).or_else(|why| {
        // The stage lies on another disk: beside its place first, so that nobody sees half of it.
        if why.kind() != io::ErrorKind::CrossesDevices {
            return Err(why);
        }
        let beside = to.with_extension("part");
        std::fs::copy(from, &beside)?;
        std::fs::File::open(&beside)?.sync_all()?;
        std::fs::rename(&beside, to)
    })?;
    let mut at = Some(folder);
    while let Some(dir) = at.filter(|dir| dir.starts_with(root)) {
        std::fs::File::open(dir)?.sync_all()?;
        at = dir.parent();
    }
    Ok(())
}

impl Vault for Folder {
    fn place(&self) -> String {
        format!("the folder {}", self.dir.display())
    }

    fn keep(&self, name: Name, staged: Staged) -> Doing<'_, ()> {
        Box::pin(async move {
            let (root, to) = (self.dir.clone(), self.path(name));
            let kept = tokio::task::spawn_blocking(move || {
                if std::fs::metadata(&to).is_ok_and(|there| there.len() == staged.size) {
                    return Ok(());
                }
                move_durably(&root, &staged.path, &to)
            });
            match kept.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(why)) => Err(self.failed("written", &why)),
                Err(_) => Err(VaultError("a file could not be written".to_owned())),
            }
        })
    }

    fn open(&self, name: Name, part: Option<Range<u64>>) -> Doing<'_, Option<Flow>> {
        Box::pin(async move {
            let failed = |why: io::Error| self.failed("read", &why);
            let mut file = match tokio::fs::File::open(self.path(name)).await {
                Ok(file) => file,
                Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(why) => return Err(failed(why)),
            };
            let left = match part {
                Some(part) => {
                    file.seek(io::SeekFrom::Start(part.start)).await.map_err(failed)?;
                    part.end.saturating_sub(part.start)
                }
                None => u64::MAX,
            };
            let flow = futures::stream::try_unfold(file.take(left), |mut file| async move {
                let mut piece = Vec::with_capacity(PIECE);
                let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece).await.map_err(|why| why.to_string())?;
                Ok((read > 0).then(|| (Bytes::from(piece), file)))
            });
            Ok(Some(Box::pin(flow) as Flow))
        })
    }

    fn remove(&self, name: Name) -> Doing<'_, ()> {
        Box::pin(async move {
            match tokio::fs::remove_file(self.path(name)).await {
                Err(why) if why.kind() != io::ErrorKind::NotFound => Err(self.failed("removed", &why)),
                _ => Ok(()),
            }
        })
    }

    fn probe(&self) -> Doing<'_, ()> {
        Box::pin(async move {
            let dir = self.dir.clone();
            let probed = tokio::task::spawn_blocking(move || {
                private_dir(&dir)?;
                let probe = dir.join(".probe");
                std::fs::write(&probe, b"probe")?;
                match std::fs::remove_file(&probe) {
                    // Another process that keeps its files here has just looked, too.
                    Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
                    removed => removed,
                }
            });
            match probed.await {
                Ok(Ok(())) => Ok(()),
                Ok(Err(why)) => Err(self.failed("written", &why)),
                Err(_) => Err(VaultError("the folder of files could not be looked at".to_owned())),
            }
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::media::stage::{Patience, Stage, flow_of};
    use futures::TryStreamExt as _;
    use std::time::Duration;

    pub(crate) async fn staged(stage: &Stage, bytes: &'static str) -> Staged {
        let patience = Patience { pause: Duration::from_secs(5), whole: Duration::from_secs(20) };
        stage.take(flow_of(bytes), 1 << 20, patience).await.unwrap()
    }

    pub(crate) async fn read(vault: &dyn Vault, name: Name, part: Option<Range<u64>>) -> Option<String> {
        let flow = vault.open(name, part).await.unwrap()?;
        let pieces: Vec<Bytes> = flow.try_collect().await.unwrap();
        Some(String::from_utf8(pieces.concat()).unwrap())
    }

    #[tokio::test]
    async fn bytes_are_kept_once_and_read_whole_or_in_part() {
        let dir = tempfile::tempdir().unwrap();
        let (stage, vault) = (Stage::new(dir.path().join("in")), Folder::new(dir.path().join("media")));
        let name = |business, staged: &Staged| Name { business: BusinessId(business), digest: staged.digest };
        let one = staged(&stage, "0123456789").await;
        let own = name(1, &one);
        assert_eq!(read(&vault, own, None).await, None);
        vault.probe().await.unwrap();
        vault.keep(own, one).await.unwrap();
        vault.keep(own, staged(&stage, "0123456789").await).await.unwrap();
        assert_eq!(std::fs::read_dir(dir.path().join("in")).unwrap().count(), 0);
        assert_eq!(read(&vault, own, None).await.as_deref(), Some("0123456789"));
        assert_eq!(read(&vault, own, Some(3..5)).await.as_deref(), Some("34"));
        assert_eq!(read(&vault, own, Some(8..99)).await.as_deref(), Some("89"));
        // Another business has its own.
        assert_eq!(read(&vault, Name { business: BusinessId(2), ..own }, None).await, None);
        vault.remove(own).await.unwrap();
        vault.remove(own).await.unwrap();
        assert_eq!(read(&vault, own, None).await, None);
    }

    #[tokio::test]
    async fn large_files_flow_in_pieces() {
        let dir = tempfile::tempdir().unwrap();
        let (stage, vault) = (Stage::new(dir.path().join("in")), Folder::new(dir.path().join("media")));
        let long: &'static str = "x".repeat(3 * PIECE + 5).leak();
        let whole = staged(&stage, long).await;
        let name = Name { business: BusinessId(1), digest: whole.digest };
        vault.keep(name, whole).await.unwrap();
        let pieces: Vec<Bytes> = vault.open(name, None).await.unwrap().unwrap().try_collect().await.unwrap();
        assert!(pieces.len() >= 4 && pieces.iter().all(|p| p.len() <= PIECE));
        assert_eq!(pieces.concat(), long.as_bytes());
    }
}
