//! SIGTERM and ctrl-c: the first drains, the second ends the process at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::fail::Fail;
use crate::out;

/// What a process that a signal has ended answers with: 128 and the number of SIGINT.
const ABORTED: i32 = 130;

/// Signals, caught from the moment this is made: so before a process says that it is ready.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// From now on signals are caught.
    ///
    /// # Errors
    /// When the system lets us catch none.
    pub(crate) fn catch() -> Result<Self, Fail> {
        let uncaught = |why| Fail::new(format!("signals cannot be caught: {why}"));
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(uncaught)?,
            interrupt: signal(SignalKind::interrupt()).map_err(uncaught)?,
        })
    }

    /// Resolves with the first signal; the one after it ends the process.
    pub(crate) async fn first(&mut self) {
        self.any().await;
        if let Ok(mut more) = Self::catch() {
            tokio::spawn(async move {
                more.any().await;
                out::note("stopped at once by a second signal; what was accepted is kept");
                std::process::exit(ABORTED);
            });
        }
    }

    async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
