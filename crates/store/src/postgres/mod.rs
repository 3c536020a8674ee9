//! PostgreSQL, and what speaks its protocol: the engine for many replicas on one store.
//!
//! Writers are threads with a connection each; the moves of one business always go to the same one of a process, which commits them in
//! groups. Replicas race only for a business's turn, a row that whoever writes holds until the commit: see `rows::flush`. What is
//! nobody's or is found only by the move itself (upkeep) has a writer of its own, and so has the journal.

mod address;
pub(crate) mod connect;
mod directory;
mod hosts;
mod inbox;
mod migrate;
#[cfg(test)]
mod plans;
pub(crate) mod rows;
mod scrub;
pub(crate) mod session;
#[cfg(test)]
mod spread;
#[cfg(test)]
mod stall_tests;
#[cfg(test)]
mod takeover;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(crate) mod value;
mod writer;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use transom_domain::id::BusinessId;

use crate::engine::{Engine, Room, Scope};
use crate::rows::{JournalRows, Result, Rows};
use crate::sql::params;
use crate::{Answer, Condition, CopyProgress, StoreError};

pub use address::PostgresAddress;
pub use migrate::PostgresError;
pub(crate) use rows::{NUMBERS, OTHERS};

use connect::Connect;
use directory::Directory;
use inbox::{Inbox, Look, Write};
use rows::PgRows;
use session::{PATIENCE, PAUSE, Session, Trouble};
use writer::Writer;

/// How a PostgreSQL store is opened.
#[derive(Debug, Clone, Copy)]
pub struct PostgresOptions {
    /// Connections that write for businesses; three more write for the house, for the journal and for leases.
    pub writers: usize,
    /// Connections that read.
    pub readers: usize,
    /// How many moves wait at most, for each writer.
    pub queue: usize,
    /// A statement that takes longer is ended by the server: no move comes near it.
    pub statement_timeout: Duration,
    /// A process that stands still in the middle of a transaction is cut off by the server after so long, since others wait for what it
    /// holds. Half of a replica's lease: nobody then waits for it longer than for the lease.
    pub stall_timeout: Duration,
    /// How long opening waits for a server that does not answer.
    pub patience: Duration,
    /// As what connections are known to the server: servers of ours are told from commands by it.
    pub application: &'static str,
    /// Whether opening makes the schema, or brings it up to date. Without it, one that is not there or is older is refused.
    pub make: bool,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            writers: 4,
            readers: 8,
            queue: 8_192,
            statement_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(5),
            patience: Duration::ZERO,
            application: SERVING,
            make: true,
        }
    }
}

/// As what the connections of a process that serves are known to the server.
pub(crate) const SERVING: &str = "transom";

/// What a renewal of a lease waits for an answer: it comes every few seconds, and must not come too late.
const LEASES: Duration = Duration::from_secs(4);

/// How many looks wait at most.
const LOOKS: usize = 4_096;

/// The store on a PostgreSQL server. Any number of processes may have it open.
pub struct PostgresStore {
    /// By business.
    writers: Vec<Arc<Inbox<Write>>>,
    house: Arc<Inbox<Write>>,
    journal: Arc<Inbox<Write>>,
    /// Renewals of leases, which must not wait for anything else.
    leases: Arc<Inbox<Write>>,
    looks: Arc<Inbox<Box<dyn Look>>>,
    connect: Arc<Connect>,
    directory: Arc<Directory>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("writers", &self.writers.len()).finish_non_exhaustive()
    }
}

/// Waits for the server and brings its schema to what this program knows.
pub(crate) fn prepared(address: &PostgresAddress, options: PostgresOptions) -> std::result::Result<Arc<Connect>, PostgresError> {
    let connect = Arc::new(Connect::new(address, options).map_err(PostgresError::Tls)?);
    let directory = Arc::new(Directory::default());
    apart(|| {
        let session = || Session::new(Arc::clone(&connect), Arc::clone(&directory)).map_err(PostgresError::Threads);
        let (lock, work) = (session()?, session()?);
        lock.wait_for_server(options.patience)?;
        migrate::run(&lock, &work, options.make)
    })?;
    Ok(connect)
}

/// On a thread of its own: whoever opens a store may do so inside a runtime.
fn apart<T: Send>(work: impl FnOnce() -> std::result::Result<T, PostgresError> + Send) -> std::result::Result<T, PostgresError> {
    std::thread::scope(|scope| scope.spawn(work).join().unwrap_or(Err(PostgresError::Stopped)))
}

impl PostgresStore {
    /// Opens the store at an address, and brings its schema to what this program knows. Blocks until that is done; connections for work
    /// are made when they are first used, and again whenever they end.
    ///
    /// # Errors
    /// When the server cannot be reached or says no, or the schema is newer than this program or not its own.
    pub fn open(address: &PostgresAddress, options: PostgresOptions) -> std::result::Result<Self, PostgresError> {
        let connect = prepared(address, options)?;
        let directory = Arc::new(Directory::default());
        let within = |most: Duration| {
            let session = Session::new(Arc::clone(&connect), Arc::clone(&directory)).map_err(PostgresError::Threads)?;
            Ok::<_, PostgresError>(session.answered_within(most))
        };
        let session = || within(Duration::MAX);
        apart(|| migrate::is_whole(&session()?))?;
        let inbox = || Arc::new(Inbox::new(options.queue));
        let store = Self {
            writers: (0..options.writers.max(1)).map(|_| inbox()).collect(),
            house: inbox(),
            journal: inbox(),
            leases: inbox(),
            looks: Arc::new(Inbox::new(LOOKS)),
            connect: Arc::clone(&connect),
            directory: Arc::clone(&directory),
            threads: Mutex::default(),
        };
        for (n, inbox) in store.writers.iter().enumerate() {
            let (session, inbox) = (session()?, Arc::clone(inbox));
            store.start(format!("writer {n}"), move || Writer::new(session, inbox, true).serve())?;
        }
        let (of_house, house) = (session()?, Arc::clone(&store.house));
        store.start("house".to_owned(), move || Writer::new(of_house, house, true).serve())?;
        let (of_journal, journal) = (session()?, Arc::clone(&store.journal));
        store.start("journal".to_owned(), move || Writer::new(of_journal, journal, false).serve())?;
        // It finds out first, for all, that a server stands still.
        let (of_leases, leases) = (within(LEASES)?, Arc::clone(&store.leases));
        store.start("leases".to_owned(), move || Writer::new(of_leases, leases, false).serve())?;
        for n in 0..options.readers.max(1) {
            let (session, looks) = (session()?, Arc::clone(&store.looks));
            store.start(format!("reader {n}"), move || read(&session, &looks))?;
        }
        Ok(store)
    }

    /// How many connections of processes that serve are open in the database, besides the one that asks.
    ///
    /// # Errors
    /// When the server does not answer.
    pub async fn others(&self) -> std::result::Result<u64, StoreError> {
        self.look(|rows| rows.others()).await
    }

    /// How often its connections have waited for the server's answer since it was opened: ways to the server and back.
    #[must_use]
    pub fn round_trips(&self) -> u64 {
        self.connect.waits()
    }

    fn start(&self, name: String, run: impl FnOnce() + Send + 'static) -> std::result::Result<(), PostgresError> {
        let thread = std::thread::Builder::new().name(name).spawn(run).map_err(PostgresError::Threads)?;
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).push(thread);
        Ok(())
    }

    fn close(&self) {
        self.writers.iter().chain([&self.house, &self.journal, &self.leases]).for_each(|inbox| inbox.close());
        self.looks.close();
    }

    async fn look<T: Send + 'static>(&self, run: impl Fn(&PgRows<'_>) -> Result<T> + Send + 'static) -> Result<T> {
        answered(self.looks.push(run)?).await
    }

    /// Whose a move is; none for what is nobody's or is not known yet.
    async fn whose(&self, scope: Scope) -> Result<Option<BusinessId>> {
        let found = match scope {
            Scope::Business(business) => return Ok(Some(business)),
            Scope::House | Scope::Leases => return Ok(None),
            Scope::Sender(sender) => match self.directory.known_sender(sender.to_bytes()) {
                Some(known) => known,
                None => self.look(move |rows| rows.of_sender(sender)).await?,
            },
            Scope::Endpoint(endpoint) => match self.directory.known_endpoint(endpoint.to_bytes()) {
                Some(known) => known,
                None => self.look(move |rows| rows.of_endpoint(endpoint)).await?,
            },
        };
        Ok((found != [0; 16]).then(|| BusinessId::from_bytes(found)))
    }

    fn writer_of(&self, of: Option<BusinessId>) -> &Inbox<Write> {
        let Some(business) = of else { return &self.house };
        // The last bytes of an id are chance.
        let spread = business.to_bytes().iter().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        self.writers.get(spread % self.writers.len()).unwrap_or(&self.house)
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.close();
    }
}

async fn answered<T>(answer: oneshot::Receiver<Result<T>>) -> Result<T> {
    answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("a thread of the store stopped unexpectedly".to_owned())))
}

/// Serves looks until their inbox is closed and empty. One whose connection was lost is run again, for as long as its caller may be
/// kept waiting; after that it waits for no new connection.
fn read(session: &Session, looks: &Inbox<Box<dyn Look>>) {
    while let Some(mut look) = looks.take() {
        loop {
            let begun = session.ready().and_then(|()| session.put("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", params![]));
            let failed = match begun {
                Ok(()) => {
                    look.run(&PgRows::reading(session));
                    session.trouble().filter(|trouble| *trouble != Trouble::Other).and_then(|_| session.why())
                }
                Err(why) => Some(why),
            };
            if failed.is_none() || look.since().elapsed() > PATIENCE || looks.is_closed() {
                look.answer(failed);
                session.undo();
                break;
            }
            session.undo();
            std::thread::sleep(PAUSE);
        }
    }
}

impl Engine for PostgresStore {
    fn write<T: Send + 'static>(
        &self,
        scope: Scope,
        room: Room,
        run: impl Fn(&mut dyn Rows) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            if scope == Scope::Leases {
                return answered(self.leases.push(room, None, move |rows| run(rows))?).await;
            }
            let of = self.whose(scope).await?;
            answered(self.writer_of(of).push(room, of, move |rows| run(rows))?).await
        })
    }

    fn read<T: Send + 'static>(&self, run: impl Fn(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(self.look(move |rows| run(rows)))
    }

    fn look_up<T: Send + 'static>(&self, run: impl Fn(&dyn Rows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        self.read(run)
    }

    fn note<T: Send + 'static>(
        &self,
        scope: Scope,
        room: Room,
        run: impl Fn(&mut dyn JournalRows) -> Result<T> + Send + 'static,
    ) -> Answer<'_, T> {
        Box::pin(async move {
            let of = self.whose(scope).await?;
            answered(self.journal.push(room, of, move |rows| run(rows))?).await
        })
    }

    fn consult<T: Send + 'static>(&self, run: impl Fn(&dyn JournalRows) -> Result<T> + Send + 'static) -> Answer<'_, T> {
        Box::pin(self.look(move |rows| run(rows)))
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn scrubbed(&self) -> Answer<'_, bool> {
        Box::pin(scrub::scrub(&self.connect, scrub::PATIENCE))
    }

    fn shown(&self) -> Condition {
        Condition::default()
    }

    fn copied(&self, _to: PathBuf, _progress: Arc<CopyProgress>) -> Answer<'_, ()> {
        Box::pin(async {
            Err(StoreError::Unavailable(
                "a store on PostgreSQL is backed up by PostgreSQL's own tools, such as pg_basebackup".to_owned(),
            ))
        })
    }

    fn end(&self) -> Answer<'_, ()> {
        Box::pin(async move {
            self.close();
            let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
            let joined = tokio::task::spawn_blocking(move || threads.into_iter().all(|thread| thread.join().is_ok()));
            match joined.await {
                Ok(true) => Ok(()),
                _ => Err(StoreError::Unavailable("a thread of the store stopped unexpectedly".to_owned())),
            }
        })
    }
}
