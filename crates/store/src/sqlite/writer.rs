//! The writer: one thread, one connection. It takes all that waits, runs each move, commits them together with one sync, and only
//! then answers. A move that is refused after it wrote makes the group begin anew, with a savepoint for each move.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};
use tokio::sync::{oneshot, watch};

use super::checkpoint::{Checkpointer, WritersPart};
use super::copy::{self, Copying, Order, Served};
use super::room::DiskRoom;
use super::rows::{SqliteRows, execute, fault};
use crate::StoreError;
use crate::cache::Cache;
use crate::engine::Room;
use crate::rows::{MessageRows as _, Result};

/// How many moves wait at most, unless configured: about a second's work, so that a caller who is let in is answered in time.
pub(super) const QUEUE: usize = 8_192;
/// How many moves one commit takes: enough to make the sync cheap, few enough that no caller waits for a long group.
const GROUP_MAX: usize = 512;
/// The writer counts as idle after this long without work.
const IDLE: Duration = Duration::from_millis(20);

/// A move that waits to be run.
trait Work: Send {
    /// Runs it, for the first time or again; `false` when it is to be undone.
    fn run(&mut self, rows: &mut SqliteRows<'_>) -> bool;
    /// Answers its caller, once the group's fate is known.
    fn answer(self: Box<Self>, group: Result<()>);
}

struct Job<T, F> {
    run: F,
    answer: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: Fn(&mut SqliteRows<'_>) -> Result<T> + Send> Work for Job<T, F> {
    fn run(&mut self, rows: &mut SqliteRows<'_>) -> bool {
        let answer = (self.run)(rows).and_then(|answer| rows.finish().map(|()| answer));
        let stands = answer.is_ok();
        self.answer = Some(answer);
        stands
    }

    fn answer(self: Box<Self>, group: Result<()>) {
        let answer = match (group, self.answer) {
            (Err(why), Some(Ok(_)) | None) => Err(why),
            (_, Some(answer)) => answer,
            (Ok(()), None) => Err(StoreError::Unavailable("it was not run".to_owned())),
        };
        // A caller that went away needs no answer.
        drop(self.reply.send(answer));
    }
}

#[derive(Default)]
struct State {
    queue: VecDeque<Box<dyn Work>>,
    order: Option<Order>,
    closed: bool,
}

/// Where callers put their moves.
pub(super) struct Inbox {
    state: Mutex<State>,
    changed: Condvar,
    failed: watch::Sender<Option<String>>,
    room: usize,
    disk: Arc<DiskRoom>,
}

/// What the writer finds there.
enum Taken {
    Group(Vec<Box<dyn Work>>),
    Order(Order),
    Nothing,
    Closed,
}

impl Inbox {
    pub(super) fn new(room: usize, disk: Arc<DiskRoom>) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), failed: watch::Sender::new(None), room: room.max(4), disk }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells when the store has failed.
    pub(super) fn failures(&self) -> watch::Receiver<Option<String>> {
        self.failed.subscribe()
    }

    fn refusal(&self) -> Option<StoreError> {
        self.failed.borrow().clone().map(StoreError::Unavailable)
    }

    /// Puts a move in, or refuses it at once.
    pub(super) fn push<T: Send + 'static>(
        &self,
        room: Room,
        run: impl Fn(&mut SqliteRows<'_>) -> Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        let limit = match room {
            Room::Hearing => self.room,
            Room::Sending | Room::Ending => self.room / 4 * 3,
        };
        if room == Room::Sending {
            self.disk.check()?;
        }
        let (reply, answer) = oneshot::channel();
        let mut state = self.state();
        if state.closed {
            return Err(StoreError::Unavailable("the store is closed".to_owned()));
        }
        if state.queue.len() >= limit {
            return Err(StoreError::Busy);
        }
        state.queue.push_back(Box::new(Job { run, answer: None, reply }));
        drop(state);
        self.changed.notify_one();
        Ok(answer)
    }

    /// Asks for a copy of the store; refused while another is asked for.
    pub(super) fn order(&self, order: Order) -> Result<()> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal);
        }
        let mut state = self.state();
        if state.closed {
            return Err(StoreError::Unavailable("the store is closed".to_owned()));
        }
        if state.order.is_some() {
            return Err(StoreError::Busy);
        }
        state.order = Some(order);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Nothing more is taken on; what was is finished.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_one();
    }

    fn take(&self, patience: Duration) -> Taken {
        let state = self.state();
        let (mut state, _) = self
            .changed
            .wait_timeout_while(state, patience, |s| s.queue.is_empty() && s.order.is_none() && !s.closed)
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(order) = state.order.take() {
            return Taken::Order(order);
        }
        if state.queue.is_empty() {
            return if state.closed { Taken::Closed } else { Taken::Nothing };
        }
        let many = state.queue.len().min(GROUP_MAX);
        Taken::Group(state.queue.drain(..many).collect())
    }

    /// The store is over: everybody who waits, and everybody who comes, is told why.
    fn fail(&self, why: &str) {
        tracing::error!(why, "the store has failed and takes no more work");
        self.failed.send_replace(Some(why.to_owned()));
        let queue = {
            let mut state = self.state();
            state.closed = true;
            if let Some(order) = state.order.take() {
                order.refuse(StoreError::Unavailable(why.to_owned()));
            }
            std::mem::take(&mut state.queue)
        };
        for work in queue {
            work.answer(Err(StoreError::Unavailable(why.to_owned())));
        }
    }
}

/// Tells everybody if the writer stops in an unforeseen way.
struct Watch<'a>(&'a Inbox);

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail("the writer stopped unexpectedly");
        }
    }
}

/// Serves the inbox until it is closed and empty, or the store fails.
pub(super) fn run(connection: &Connection, inbox: &Inbox, checkpointer: &Checkpointer) {
    let _watch = Watch(inbox);
    let mut writer =
        Writer { connection, inbox, checkpointer, part: WritersPart::new(checkpointer), cache: Cache::default(), dirty: false };
    while let Some(order) = writer.serve() {
        if copy::during(connection, order, |copying| writer.serve_copying(copying)) {
            return;
        }
    }
}

/// The writer at work.
struct Writer<'a> {
    connection: &'a Connection,
    inbox: &'a Inbox,
    checkpointer: &'a Checkpointer,
    part: WritersPart<'a>,
    cache: Cache,
    /// Something was written that is only in the log.
    dirty: bool,
}

impl Writer<'_> {
    /// Serves until a copy is wanted; none when the inbox is closed and empty, or the store has failed.
    fn serve(&mut self) -> Option<Order> {
        loop {
            // Without anything to write back there is nothing to wake up for.
            match self.inbox.take(if self.dirty { IDLE } else { Duration::from_secs(3_600) }) {
                Taken::Closed => return None,
                Taken::Nothing => self.rest(),
                Taken::Order(order) => return Some(order),
                Taken::Group(group) => self.group(group)?,
            }
        }
    }

    /// Serves while a copy is made.
    fn serve_copying(&mut self, mut copying: Copying<'_>) -> Served {
        loop {
            match self.inbox.take(copying.patience()) {
                Taken::Closed => return Served::Over,
                Taken::Nothing => {}
                Taken::Order(order) => order.refuse(StoreError::Busy),
                Taken::Group(group) => {
                    if self.group(group).is_none() {
                        return Served::Over;
                    }
                }
            }
            match copying.step() {
                Ok(true) => return Served::Copied,
                Ok(false) => {}
                Err(error) => return Served::CopyFailed(error),
            }
        }
    }

    fn rest(&mut self) {
        if std::mem::take(&mut self.dirty) {
            self.checkpointer.idle();
        }
    }

    /// Commits a group; none when nothing more may be written.
    fn group(&mut self, group: Vec<Box<dyn Work>>) -> Option<()> {
        self.dirty = true;
        if let Err(why) = commit(self.connection, &self.cache, group) {
            self.inbox.fail(&why);
            return None;
        }
        if let Err(error) = self.part.after_group(self.connection) {
            // The next commit meets the same trouble, and decides.
            tracing::warn!(%error, "a checkpoint was not made");
        }
        Some(())
    }
}

/// Runs a group and commits it. An error is one after which nothing more may be written.
fn commit(connection: &Connection, cache: &Cache, group: Vec<Box<dyn Work>>) -> std::result::Result<(), String> {
    let mut todo: VecDeque<_> = group.into();
    while !todo.is_empty() {
        let mut done: Vec<Box<dyn Work>> = Vec::with_capacity(todo.len());
        let outcome = round(connection, cache, &mut todo, &mut done);
        let (group, fate) = match outcome {
            Ok(()) => (Ok(()), Ok(())),
            Err(error) => {
                cache.forget();
                let passes = matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy));
                let why = fault(error);
                if !connection.is_autocommit()
                    && let Err(error) = execute(connection, "ROLLBACK")
                {
                    (Err(why), Err(format!("what was begun cannot be undone: {error}")))
                } else if passes {
                    // Nothing was synced, so nothing is uncertain: it goes on once there is space, or once another program
                    // (a shell on the file, say) lets go of it.
                    (Err(why), Ok(()))
                } else {
                    // A sync that failed is never tried again: the pages may be gone from memory and not be on disk.
                    let fate = Err(why.to_string());
                    (Err(why), fate)
                }
            }
        };
        for work in done {
            work.answer(group.clone());
        }
        if let Err(fate) = fate {
            for work in todo {
                work.answer(Err(StoreError::Unavailable(fate.clone())));
            }
            return Err(fate);
        }
    }
    Ok(())
}

/// One transaction: moves from `todo` go to `done` as they are run.
fn round(
    connection: &Connection,
    cache: &Cache,
    todo: &mut VecDeque<Box<dyn Work>>,
    done: &mut Vec<Box<dyn Work>>,
) -> rusqlite::Result<()> {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        done.extend(todo.drain(..));
        return Err(error);
    }
    if todo.iter_mut().all(|work| runs_clean(connection, cache, &mut **work)) {
        done.extend(todo.drain(..));
        SqliteRows::writing(connection, cache).flush()?;
        return execute(connection, "COMMIT");
    }
    // One of them has to be undone: all are, and run again so that each can be undone by itself. That costs SQLite a copy of
    // every page that a move is the first to touch, which is why it is not the usual way.
    cache.forget();
    if !connection.is_autocommit()
        && let Err(error) = execute(connection, "ROLLBACK")
    {
        done.extend(todo.drain(..));
        return Err(error);
    }
    apart(connection, cache, todo, done)
}

/// Runs a move; `false` when it has to be undone.
fn runs_clean(connection: &Connection, cache: &Cache, work: &mut dyn Work) -> bool {
    let changes = || (connection.total_changes(), cache.changes());
    let before = changes();
    work.run(&mut SqliteRows::writing(connection, cache)) || (changes() == before && !connection.is_autocommit())
}

/// As [`round`], with a savepoint for each move.
fn apart(
    connection: &Connection,
    cache: &Cache,
    todo: &mut VecDeque<Box<dyn Work>>,
    done: &mut Vec<Box<dyn Work>>,
) -> rusqlite::Result<()> {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        done.extend(todo.drain(..));
        return Err(error);
    }
    while let Some(mut work) = todo.pop_front() {
        let began = execute(connection, "SAVEPOINT move");
        let mut rows = SqliteRows::writing(connection, cache);
        let stands = began.is_ok() && work.run(&mut rows);
        done.push(work);
        began?;
        if connection.is_autocommit() {
            // SQLite itself has undone the whole transaction (a full disk, a failing one): what was run in it did not happen.
            // What has not been run yet gets a transaction of its own.
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL),
                Some("the transaction was undone; the disk is full or failing".to_owned()),
            ));
        }
        if stands {
            rows.flush()?;
        } else {
            cache.forget();
            execute(connection, "ROLLBACK TO move")?;
        }
        execute(connection, "RELEASE move")?;
    }
    execute(connection, "COMMIT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use transom_domain::time::Timestamp;

    fn connection() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        crate::migrate::sqlite(&connection).unwrap();
        connection
    }

    fn job<T: Send + 'static>(
        run: impl Fn(&mut SqliteRows<'_>) -> Result<T> + Send + 'static,
    ) -> (Box<dyn Work>, oneshot::Receiver<Result<T>>) {
        let (reply, answer) = oneshot::channel();
        (Box::new(Job { run, answer: None, reply }), answer)
    }

    fn heard(connection: &Connection, app: &str) -> bool {
        SqliteRows::reading(connection).heard_of(app).unwrap().is_some()
    }

    #[test]
    fn one_refusal_in_a_group_undoes_only_itself() {
        let connection = connection();
        let (first, mut first_answer) = job(|rows| rows.put_heard_of("first", Timestamp::EPOCH));
        let (second, mut second_answer) = job(|rows| {
            rows.put_heard_of("second", Timestamp::EPOCH)?;
            Err::<(), _>(StoreError::Corrupt("no".to_owned()))
        });
        let (third, mut third_answer) = job(|rows| rows.put_heard_of("third", Timestamp::EPOCH));
        commit(&connection, &Cache::default(), vec![first, second, third]).unwrap();
        assert_eq!(first_answer.try_recv().unwrap(), Ok(()));
        assert_eq!(second_answer.try_recv().unwrap(), Err(StoreError::Corrupt("no".to_owned())));
        assert_eq!(third_answer.try_recv().unwrap(), Ok(()));
        assert!(heard(&connection, "first") && !heard(&connection, "second") && heard(&connection, "third"));
    }

    #[test]
    fn a_full_disk_fails_who_needs_space_and_nobody_for_good() {
        let connection = connection();
        let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        connection.execute_batch(&format!("PRAGMA max_page_count = {pages}")).unwrap();
        let (large, mut large_answer) = job(|rows| rows.put_heard_of(&"x".repeat(100_000), Timestamp::EPOCH));
        commit(&connection, &Cache::default(), vec![large]).unwrap();
        assert!(matches!(large_answer.try_recv().unwrap(), Err(StoreError::Unavailable(_))));
        let (small, mut small_answer) = job(|rows| rows.put_heard_of("small", Timestamp::EPOCH));
        commit(&connection, &Cache::default(), vec![small]).unwrap();
        assert_eq!(small_answer.try_recv().unwrap(), Ok(()));
    }

    #[test]
    fn a_writer_held_up_from_outside_goes_on_when_it_is_let_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("transom.db");
        let ours = Connection::open(&path).unwrap();
        ours.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).unwrap();
        ours.busy_timeout(Duration::ZERO).unwrap();
        crate::migrate::sqlite(&ours).unwrap();
        let theirs = Connection::open(&path).unwrap();
        theirs.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (first, mut first_answer) = job(|rows| rows.put_heard_of("first", Timestamp::EPOCH));
        commit(&ours, &Cache::default(), vec![first]).unwrap();
        assert!(matches!(first_answer.try_recv().unwrap(), Err(StoreError::Unavailable(_))), "told at once, never silently");
        theirs.execute_batch("ROLLBACK").unwrap();
        let (second, mut second_answer) = job(|rows| rows.put_heard_of("second", Timestamp::EPOCH));
        commit(&ours, &Cache::default(), vec![second]).unwrap();
        assert_eq!(second_answer.try_recv().unwrap(), Ok(()));
        assert!(!heard(&ours, "first") && heard(&ours, "second"));
    }

    #[test]
    fn a_commit_that_fails_is_told_to_all_and_ends_the_store() {
        let connection = connection();
        connection
            .execute_batch(
                "PRAGMA foreign_keys = ON; CREATE TABLE parent (x PRIMARY KEY);
                 CREATE TABLE child (x REFERENCES parent (x) DEFERRABLE INITIALLY DEFERRED);
                 CREATE TRIGGER breaks AFTER INSERT ON app_heard BEGIN INSERT INTO child VALUES (1); END;",
            )
            .unwrap();
        let (first, mut first_answer) = job(|_| Ok(7));
        let (second, mut second_answer) = job(|rows| rows.put_heard_of("x", Timestamp::EPOCH));
        assert!(commit(&connection, &Cache::default(), vec![first, second]).is_err());
        assert!(first_answer.try_recv().unwrap().is_err());
        assert!(second_answer.try_recv().unwrap().is_err());
        assert!(!heard(&connection, "x"));
    }

    #[test]
    fn hearing_has_room_that_sends_may_not_use() {
        let folder = tempfile::tempdir().unwrap();
        let inbox = Inbox::new(8, Arc::new(DiskRoom::new(folder.path().to_owned(), 0)));
        let kept: Vec<_> = (0..6).map(|_| inbox.push(Room::Sending, |_| Ok(())).unwrap()).collect();
        assert!(matches!(inbox.push(Room::Sending, |_| Ok(())), Err(StoreError::Busy)));
        let heard: Vec<_> = (0..2).map(|_| inbox.push(Room::Hearing, |_| Ok(())).unwrap()).collect();
        assert!(matches!(inbox.push(Room::Hearing, |_| Ok(())), Err(StoreError::Busy)));
        inbox.fail("the disk is gone");
        for mut answer in kept.into_iter().chain(heard) {
            assert_eq!(answer.try_recv().unwrap(), Err(StoreError::Unavailable("the disk is gone".to_owned())));
        }
        assert!(matches!(inbox.push(Room::Hearing, |_| Ok(())), Err(StoreError::Unavailable(_))));
        assert_eq!(inbox.failures().borrow().as_deref(), Some("the disk is gone"));
    }
}
