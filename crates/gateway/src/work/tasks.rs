//! Tasks: everything that goes on in a gateway, tracked until it ends. Whoever starts the house may put a [`Gate`] before them,
//! so that a trial can hold a whole process up, or end it between any two steps.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

/// A task as a gate sees it.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Decides when the tasks of a process are run. A task that a gate ends is dropped where it stands.
pub trait Gate: Send + Sync + 'static {
    /// The task as it runs behind this gate.
    fn behind(&self, task: Task) -> Task;
}

/// The tasks of one gateway; cheap to clone.
#[derive(Clone, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    gate: Option<Arc<dyn Gate>>,
}

impl Tasks {
    /// No tasks yet, and no gate but the one given.
    #[must_use]
    pub fn behind(gate: Option<Arc<dyn Gate>>) -> Self {
        Self { tracker: TaskTracker::new(), gate }
    }

    /// Starts a task.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
        match &self.gate {
            None => self.tracker.spawn(task),
            Some(gate) => self.tracker.spawn(gate.behind(Box::pin(task))),
        }
    }

    /// Runs a future as a task of its own, which goes on when whoever waits for it goes away. `None` when it did not come to
    /// its end: it panicked, or its process did.
    pub async fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> Option<T> {
        match &self.gate {
            None => self.tracker.spawn(future).await.ok(),
            Some(gate) => {
                let (tell, told) = oneshot::channel();
                self.tracker.spawn(gate.behind(Box::pin(async move {
                    let _ = tell.send(future.await);
                })));
                told.await.ok()
            }
        }
    }

    /// No more tasks are expected: [`Tasks::ended`] resolves with the last of them.
    pub fn close(&self) {
        self.tracker.close();
    }

    /// Waits until all tasks have ended, after [`Tasks::close`].
    pub async fn ended(&self) {
        self.tracker.wait().await;
    }
}
