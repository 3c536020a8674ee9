//! What an engine is: it opens transactions, for moves that write and for moves that read.

use std::path::PathBuf;
use std::sync::Arc;

use transom_domain::id::{BusinessId, EndpointId, SenderId};

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

/// Whose rows a move changes: an engine that serves many businesses at once decides their races one business at a time, and need not
/// wait for one to serve another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// One business's.
    Business(BusinessId),
    /// Those of the business whose sender this is.
    Sender(SenderId),
    /// Those of the business whose endpoint this is.
    Endpoint(EndpointId),
    /// The house's own, nobody's, or those of businesses that only the move itself finds.
    House,
    /// Leases of replicas, which wait behind nothing else.
    Leases,
}

impl Scope {
    /// That of what concerns all of these.
    pub(crate) fn of_all(mut businesses: impl Iterator<Item = BusinessId>) -> Self {
        match businesses.next() {
            Some(first) if businesses.all(|other| other == first) => Self::Business(first),
            _ => Self::House,
        }
    }
}

/// An engine. Moves that read need no [`Scope`]: they see one state of the store, whoever writes meanwhile.
pub(crate) trait Engine: Send + Sync + 'static {
    /// Runs a move that writes, in a transaction; answers when it is durable. It may be run more than once, and only the last run
    /// counts: an engine that runs many moves in one transaction has to undo and repeat those that did nothing wrong. What it
    /// changes outside its scope is found out and made right, at a price.
    fn write<T: Send + 'static>(
        &self,
        scope: Scope,
        room: Room,
        run: impl Fn(&mut dyn Rows) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T>;
    /// Runs a move that reads, on one state of the store. It may be run more than once: an engine whose server ends connections
    /// asks again.
    fn read<T: Send + 'static>(&self, run: impl Fn(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T>;
    /// As [`Engine::read`], for a handful of rows by their keys: worth less than a change of threads.
    fn look_up<T: Send + 'static>(&self, run: impl Fn(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T>;
    /// Runs a move on the journal, in a transaction of the journal's own; answers when it is durable. May be run more than once.
    fn note<T: Send + 'static>(
        &self,
        scope: Scope,
        room: Room,
        run: impl Fn(&mut dyn JournalRows) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T>;
    /// Runs a move that reads the journal, on one state of it.
    fn consult<T: Send + 'static>(&self, run: impl Fn(&dyn JournalRows) -> Result<T> + Send + 'static) -> Answer<'_, T>;
    /// See [`crate::Replicas::is_shared`].
    fn is_shared(&self) -> bool {
        false
    }
    /// See [`Store::scrub`].
    fn scrubbed(&self) -> Answer<'_, bool>;
    /// See [`Store::condition`].
    fn shown(&self) -> Condition;
    /// See [`Store::copy`].
    fn copied(&self, to: PathBuf, progress: Arc<CopyProgress>) -> Answer<'_, ()>;
    /// See [`Store::close`].
    fn end(&self) -> Answer<'_, ()>;
}
