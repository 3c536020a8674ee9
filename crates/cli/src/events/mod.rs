//! `transom events`: the stream of a business, on a terminal and on a laptop's own server.

mod follow;
mod forward;
mod line;
mod sse;
mod tail;

use crate::args::EventsCommand;
use crate::fail::Fail;

/// Runs one of them.
///
/// # Errors
/// When no gateway is named or the stream cannot be read.
pub(crate) async fn run(command: EventsCommand) -> Result<(), Fail> {
    match command {
        EventsCommand::Tail(args) => tail::run(&args).await,
        EventsCommand::Forward(args) => forward::run(&args).await,
    }
}
