//! What an engine is: it opens transactions, for moves that write and for moves that read.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(doc)]
use crate::Store;
use crate::contract::{Answer, Condition, CopyProgress};
use crate::rows::{JournalRows, Result, Rows};

/// Which part of a full queue a move may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// All of it: what the upstream tells, and what became of what has left, must not be turned away by what is yet to leave.
    Hearing,
    /// All but the reserve for hearing, in the queue and on disk.
    Sending,
    /// As for sending, but on disk all of it: what makes room, and what ends something.
    Ending,
}

/// An engine.
pub(crate) trait Engine: Send + Sync + 'static {
    /// Runs a move that writes, in a transaction; answers when it is durable. It may be run more than once, and only the last run
    /// counts: an engine that runs many moves in one transaction has to undo and repeat those that did nothing wrong.
    fn write<T: Send + 'static>(&self, room: Room, run: impl Fn(&mut dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T>;
    /// Runs a move that reads, on one state of the store.
    fn read<T: Send + 'static>(&self, run: impl FnOnce(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T>;
    /// As [`Engine::read`], for a handful of rows by their keys: worth less than a change of threads.
    fn look_up<T: Send + 'static>(&self, run: impl FnOnce(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T>;
    /// Runs a move on the journal, in a transaction of the journal's own; answers when it is durable. May be run more than once.
    fn note<T: Send + 'static>(
        &self,
        room: Room,
        run: impl Fn(&mut dyn JournalRows) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T>;
    /// Runs a move that reads the journal, on one state of it.
    fn consult<T: Send + 'static>(&self, run: impl FnOnce(&dyn JournalRows) -> Result<T> + Send + 'static) -> Answer<'_, T>;
    /// See [`Store::scrub`].
    fn scrubbed(&self) -> Answer<'_, bool>;
    /// See [`Store::condition`].
    fn shown(&self) -> Condition;
    /// See [`Store::copy`].
    fn copied(&self, to: PathBuf, progress: Arc<CopyProgress>) -> Answer<'_, ()>;
    /// See [`Store::close`].
    fn end(&self) -> Answer<'_, ()>;
}
