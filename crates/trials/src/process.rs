//! A process as a gate before its tasks: it can be held up, and ended between any two steps.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use transom_gateway::work::tasks::{Gate, Task};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Runs,
    Waits,
    Over,
}

struct State {
    mode: Mode,
    parked: Vec<Waker>,
}

/// One life of a process.
pub(crate) struct Process(Mutex<State>);

impl Process {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { mode: Mode::Runs, parked: Vec::new() })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, mode: Mode) {
        let parked = {
            let mut state = self.state();
            if state.mode == Mode::Over {
                return;
            }
            state.mode = mode;
            if mode == Mode::Waits { Vec::new() } else { std::mem::take(&mut state.parked) }
        };
        parked.into_iter().for_each(Waker::wake);
    }

    /// Its tasks are not run until [`Process::go_on`].
    pub(crate) fn hold(&self) {
        self.turn(Mode::Waits);
    }

    /// Its tasks run again.
    pub(crate) fn go_on(&self) {
        self.turn(Mode::Runs);
    }

    /// It ends: each of its tasks is dropped where it stands.
    pub(crate) fn end(&self) {
        self.turn(Mode::Over);
    }

    /// Whether it has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.state().mode == Mode::Over
    }

    /// Runs a task in this process.
    pub(crate) fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) {
        tokio::spawn(Gated { process: self.clone(), task: Some(Box::pin(task)) });
    }
}

/// The gate that the gateway is started with.
pub(crate) struct Door(pub(crate) Arc<Process>);

impl Gate for Door {
    fn behind(&self, task: Task) -> Task {
        Box::pin(Gated { process: self.0.clone(), task: Some(task) })
    }
}

struct Gated {
    process: Arc<Process>,
    task: Option<Task>,
}

impl Future for Gated {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        {
            let mut state = self.process.state();
            match state.mode {
                Mode::Runs => {}
                Mode::Waits => {
                    state.parked.push(context.waker().clone());
                    return Poll::Pending;
                }
                Mode::Over => {
                    drop(state);
                    self.task = None;
                    return Poll::Ready(());
                }
            }
        }
        let Some(task) = self.task.as_mut() else { return Poll::Ready(()) };
        let polled = task.as_mut().poll(context);
        if polled.is_ready() || self.process.is_over() {
            self.task = None;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
