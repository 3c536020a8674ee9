//! A copy of the store, made while it is written to: by the writer itself, a few pages between two groups.
//!
//! SQLite brings pages up to date in the copy when they change after they were copied, if the same connection writes them. So
//! the copy is the state at its end, nobody's reading holds the log up meanwhile, and nothing is copied twice.

use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use tokio::sync::oneshot;

use crate::rows::Result;
use crate::{CopyProgress, StoreError};

/// Pages copied between two groups: 256 KiB, less than a millisecond when they are in memory.
const STEP: i32 = 64;
/// It rests for so many times as long as a step took.
const REST: u32 = 4;
/// And at least so long, so that it does not turn over the writer's memory for pages faster than the hot ones come back.
const REST_LEAST: Duration = Duration::from_millis(2);
/// Memory for pages of the copy, in KiB.
const CACHE_KIB: u32 = 4 << 10;
/// What is copied is synced in parts of this size, so that no write waits for a gigabyte of another.
const SYNC_EVERY: u64 = 32 << 20;
/// How often it is looked whether a part is to be synced.
const SYNC_LOOK: Duration = Duration::from_millis(100);

/// A copy that is wanted.
pub(super) struct Order {
    to: PathBuf,
    progress: Arc<CopyProgress>,
    reply: oneshot::Sender<Result<()>>,
}

impl Order {
    pub(super) fn refuse(self, why: StoreError) {
        // Whoever asked may have gone.
        drop(self.reply.send(Err(why)));
    }
}

/// A copy under way.
pub(super) struct Copying<'c> {
    backup: Backup<'c, 'c>,
    due: Instant,
    progress: Arc<CopyProgress>,
}

impl Copying<'_> {
    /// How long the writer may wait for work before the next step.
    pub(super) fn patience(&self) -> Duration {
        self.due.saturating_duration_since(Instant::now())
    }

    /// Copies a few pages, if it is time. Says whether all are there.
    pub(super) fn step(&mut self) -> rusqlite::Result<bool> {
        let begun = Instant::now();
        if begun < self.due {
            return Ok(false);
        }
        let step = self.backup.step(STEP)?;
        let done = self.backup.progress();
        let count = |pages: i32| u64::try_from(pages).unwrap_or(0);
        self.progress.pages.store(count(done.pagecount), Ordering::Relaxed);
        self.progress.copied.store(count(done.pagecount - done.remaining), Ordering::Relaxed);
        let now = Instant::now();
        self.due = now + REST_LEAST.max(now.duration_since(begun).saturating_mul(REST));
        Ok(matches!(step, StepResult::Done))
    }
}

/// How serving ended while a copy was made.
pub(super) enum Served {
    /// The copy is whole.
    Copied,
    /// It could not go on.
    CopyFailed(rusqlite::Error),
    /// The store is closed or has failed.
    Over,
}

/// Makes a copy while `serve` goes on serving. Says whether the store is over.
pub(super) fn during(connection: &Connection, order: Order, serve: impl FnOnce(Copying<'_>) -> Served) -> bool {
    let refused = |error: rusqlite::Error| StoreError::Unavailable(format!("the copy cannot be made: {error}"));
    let mut copy = match open(&order.to) {
        Ok(copy) => copy,
        Err(error) => {
            order.refuse(refused(error));
            return false;
        }
    };
    let served = match Backup::new(connection, &mut copy) {
        Ok(backup) => serve(Copying { backup, due: Instant::now(), progress: Arc::clone(&order.progress) }),
        Err(error) => Served::CopyFailed(error),
    };
    drop(copy);
    let (answer, over) = match served {
        Served::Copied => (Ok(()), false),
        Served::CopyFailed(error) => (Err(refused(error)), false),
        Served::Over => (Err(StoreError::Unavailable("the store was closed before the copy was whole".to_owned())), true),
    };
    drop(order.reply.send(answer));
    over
}

/// The copy needs no journal of its own: one that is not finished is thrown away. It is synced by whoever ordered it.
fn open(to: &Path) -> rusqlite::Result<Connection> {
    let copy = Connection::open(to)?;
    copy.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(()))?;
    copy.execute_batch(&format!("PRAGMA synchronous = OFF; PRAGMA cache_size = -{CACHE_KIB};"))?;
    Ok(copy)
}

/// Orders a copy and waits for it; the file is new, for its owner alone, and on disk when this answers.
pub(super) async fn order(to: PathBuf, progress: Arc<CopyProgress>, put: impl FnOnce(Order) -> Result<()>) -> Result<()> {
    let refused = |what: &str, why: std::io::Error| StoreError::Unavailable(format!("{} cannot be {what}: {why}", to.display()));
    let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&to);
    let file = Arc::new(made.map_err(|why| refused("made", why))?);
    let (reply, mut answer) = oneshot::channel();
    let ordered = put(Order { to: to.clone(), progress: Arc::clone(&progress), reply });
    let mut look = tokio::time::interval(SYNC_LOOK);
    let mut synced = 0;
    let copied = loop {
        if let Err(why) = ordered {
            break Err(why);
        }
        tokio::select! {
            copied = &mut answer => {
                break copied.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer has stopped".to_owned())));
            }
            _ = look.tick() => {}
        }
        let bytes = progress.copied.load(Ordering::Relaxed) * 4_096;
        if bytes >= synced + SYNC_EVERY {
            synced = bytes;
            sync(&file).await.map_err(|why| refused("synced", why))?;
        }
    };
    let whole = match copied {
        Ok(()) => sync(&file).await.map_err(|why| refused("synced", why)),
        Err(why) => Err(why),
    };
    if whole.is_err() {
        // What is left of it is of no use; if it cannot be removed, its name says what it is.
        let _ = std::fs::remove_file(&to);
    }
    whole
}

async fn sync(file: &Arc<std::fs::File>) -> std::io::Result<()> {
    let file = Arc::clone(file);
    tokio::task::spawn_blocking(move || file.sync_all()).await.unwrap_or_else(|why| Err(std::io::Error::other(why)))
}
