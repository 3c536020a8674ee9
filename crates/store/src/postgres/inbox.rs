//! Where callers put their moves, and where a session's thread finds them: bounded, and refusing at once when it is full.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::oneshot;

use transom_domain::id::BusinessId;

use super::rows::PgRows;
use crate::StoreError;
use crate::engine::Room;
use crate::rows::Result;

/// A move that waits to be run.
pub(super) trait Work: Send {
    /// Runs it, for the first time or again; `false` when it is to be undone.
    fn run(&mut self, rows: &mut PgRows<'_>) -> bool;
    /// Answers its caller, once the group's fate is known.
    fn answer(self: Box<Self>, group: Result<()>);
    /// When it was put in.
    fn since(&self) -> Instant;
}

struct Job<T, F> {
    run: F,
    since: Instant,
    answer: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: Fn(&mut PgRows<'_>) -> Result<T> + Send> Work for Job<T, F> {
    fn run(&mut self, rows: &mut PgRows<'_>) -> bool {
        let answer = (self.run)(rows);
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

    fn since(&self) -> Instant {
        self.since
    }
}

/// A move that reads.
pub(super) trait Look: Send {
    /// Runs it, for the first time or again.
    fn run(&mut self, rows: &PgRows<'_>);
    /// Answers its caller: with what it found, or with why it could not be run.
    fn answer(self: Box<Self>, why: Option<StoreError>);
    /// When it was put in.
    fn since(&self) -> Instant;
}

struct Reading<T, F> {
    run: F,
    since: Instant,
    answer: Option<Result<T>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T: Send, F: Fn(&PgRows<'_>) -> Result<T> + Send> Look for Reading<T, F> {
    fn run(&mut self, rows: &PgRows<'_>) {
        self.answer = Some((self.run)(rows));
    }

    fn answer(self: Box<Self>, why: Option<StoreError>) {
        let failed = why.map_or_else(|| Err(StoreError::Unavailable("it was not run".to_owned())), Err);
        drop(self.reply.send(self.answer.unwrap_or(failed)));
    }

    fn since(&self) -> Instant {
        self.since
    }
}

struct State<W> {
    queue: VecDeque<W>,
    closed: bool,
}

/// A queue with an end.
pub(super) struct Inbox<W> {
    state: Mutex<State<W>>,
    changed: Condvar,
    room: usize,
}

/// A move, and whose.
pub(super) type Write = (Option<BusinessId>, Box<dyn Work>);

/// Moves of one business, or one that is nobody's.
pub(super) type Group = (Option<BusinessId>, Vec<Box<dyn Work>>);

pub(super) fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

impl<W> Inbox<W> {
    pub(super) fn new(room: usize) -> Self {
        Self { state: Mutex::new(State { queue: VecDeque::new(), closed: false }), changed: Condvar::new(), room: room.max(4) }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, limit: usize, work: W) -> Result<()> {
        let mut state = self.state();
        if state.closed {
            return Err(closed());
        }
        if state.queue.len() >= limit {
            return Err(StoreError::Busy);
        }
        state.queue.push_back(work);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Nothing more is taken on; what was is finished.
    pub(super) fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    /// Whether [`Inbox::close`] was said.
    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Waits for what is next; none once it is closed and empty.
    fn wait(&self) -> Option<MutexGuard<'_, State<W>>> {
        let state = self.changed.wait_while(self.state(), |s| s.queue.is_empty() && !s.closed);
        let state = state.unwrap_or_else(PoisonError::into_inner);
        (!state.queue.is_empty()).then_some(state)
    }
}

impl Inbox<Write> {
    /// Puts a move in, or refuses it at once.
    pub(super) fn push<T: Send + 'static>(
        &self,
        room: Room,
        of: Option<BusinessId>,
        run: impl Fn(&mut PgRows<'_>) -> Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        let limit = match room {
            Room::Hearing => self.room,
            Room::Sending | Room::Ending => self.room / 4 * 3,
        };
        let (reply, answer) = oneshot::channel();
        self.add(limit, (of, Box::new(Job { run, since: Instant::now(), answer: None, reply })))?;
        Ok(answer)
    }

    /// The next move and those behind it of the same business, at most `most`: what is nobody's goes alone. Those of one business stay
    /// in their order.
    pub(super) fn take(&self, most: usize) -> Option<Group> {
        let mut state = self.wait()?;
        let (of, first) = state.queue.pop_front()?;
        let mut group = vec![first];
        if of.is_some() {
            let mut others = VecDeque::with_capacity(state.queue.len());
            for work in state.queue.drain(..) {
                if work.0 == of && group.len() < most {
                    group.push(work.1);
                } else {
                    others.push_back(work);
                }
            }
            state.queue = others;
        }
        Some((of, group))
    }
}

impl Inbox<Box<dyn Look>> {
    /// Puts a look in, or refuses it at once.
    pub(super) fn push<T: Send + 'static>(
        &self,
        run: impl Fn(&PgRows<'_>) -> Result<T> + Send + 'static,
    ) -> Result<oneshot::Receiver<Result<T>>> {
        let (reply, answer) = oneshot::channel();
        self.add(self.room, Box::new(Reading { run, since: Instant::now(), answer: None, reply }))?;
        Ok(answer)
    }

    /// The next one.
    pub(super) fn take(&self) -> Option<Box<dyn Look>> {
        self.wait()?.queue.pop_front()
    }
}
