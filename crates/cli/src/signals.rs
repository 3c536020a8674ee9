//! SIGTERM and ctrl-c: the first drains, the second ends the process at once.

use tokio::signal::unix::{SignalKind, signal};

use crate::fail::Fail;
use crate::out;

/// What a process that a signal has ended answers with: 128 and the number of SIGINT.
const ABORTED: i32 = 130;

/// Resolves with the first signal.
///
/// # Errors
/// When the system lets us catch none.
pub(crate) async fn first() -> Result<(), Fail> {
    let uncaught = |why| Fail::new(format!("signals cannot be caught: {why}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(uncaught)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(uncaught)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        out::note("stopped at once by a second signal; what was accepted is kept");
        std::process::exit(ABORTED);
    });
    Ok(())
}
