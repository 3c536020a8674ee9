//! One file at work: its writer, its checkpoints, its readers.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::SqliteOptions;
use super::checkpoint::Checkpointer;
use super::open::{Connections, OpenError};
use super::reader::Readers;
use super::room::DiskRoom;
use super::rows::SqliteRows;
use super::writer::{self, Inbox};
use crate::StoreError;
use crate::engine::Room;
use crate::rows::Result;

/// A file at work, until it is closed or dropped.
pub(super) struct Volume {
    pub(super) inbox: Arc<Inbox>,
    pub(super) checkpointer: Arc<Checkpointer>,
    pub(super) log_max: u64,
    pub(super) readers: Arc<Readers>,
    ended: watch::Receiver<bool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Volume {
    /// Starts its threads.
    pub(super) fn start(
        name: &str,
        connections: Connections,
        options: SqliteOptions,
        disk: &Arc<DiskRoom>,
    ) -> std::result::Result<Self, OpenError> {
        let inbox = Arc::new(Inbox::new(options.queue, Arc::clone(disk)));
        let checkpointer = Arc::new(Checkpointer::new(options.log_max, Arc::clone(disk)));
        let (end, ended) = watch::channel(false);
        let cannot = |why: std::io::Error| OpenError::Unusable(format!("a thread cannot be started: {why}"));

        let (signal, connection) = (Arc::clone(&checkpointer), connections.checkpointer);
        let checkpoints = std::thread::Builder::new()
            .name(format!("{name}-checkpoint"))
            .spawn(move || signal.run(&connection))
            .map_err(cannot)?;

        let (mine, part, connection) = (Arc::clone(&inbox), Arc::clone(&checkpointer), connections.writer);
        let writer = std::thread::Builder::new()
            .name(format!("transom-{name}"))
            .spawn(move || {
                writer::run(&connection, &mine, &part);
                part.close();
                // The last connection to close empties the log into the file.
                if checkpoints.join().is_err() {
                    tracing::warn!("the thread that makes checkpoints had stopped");
                }
                drop(connection);
                end.send_replace(true);
            })
            .map_err(cannot)?;
        Ok(Self {
            inbox,
            checkpointer,
            log_max: options.log_max,
            readers: Arc::new(Readers::new(connections.readers)),
            ended,
            threads: Mutex::new(vec![writer]),
        })
    }

    /// Runs a move that writes; answers when it is durable.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        room: Room,
        run: impl Fn(&mut SqliteRows<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let answer = self.inbox.push(room, run)?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer has stopped".to_owned())))
    }

    /// Resolves with the reason once nothing more may be written.
    pub(super) async fn failed(&self) -> String {
        let mut failures = self.inbox.failures();
        match failures.wait_for(Option::is_some).await {
            Ok(why) => why.clone().unwrap_or_default(),
            // The inbox lives as long as the store: there is nothing that could fail any more.
            Err(_) => std::future::pending().await,
        }
    }

    /// Nothing more is taken on; what was is finished.
    pub(super) fn close(&self) {
        self.readers.close();
        self.inbox.close();
    }

    /// Resolves when all is finished.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        // An error means that the writer is gone, which is what is waited for.
        let _gone = ended.wait_for(|ended| *ended).await.is_err();
    }
}

impl Drop for Volume {
    /// Finishes what was taken on, so that the file can be opened again at once.
    fn drop(&mut self) {
        self.close();
        for thread in self.threads.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            if thread.join().is_err() {
                tracing::error!("a writer of the store had stopped");
            }
        }
    }
}
