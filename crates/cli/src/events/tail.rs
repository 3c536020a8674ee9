//! `transom events tail`.

use std::io::{IsTerminal as _, Write as _};

use super::follow::{Follower, Heard};
use super::line::{Colour, line};
use crate::api::Api;
use crate::args::TailArgs;
use crate::fail::Fail;

/// Prints events until it is stopped, or nobody reads any more.
///
/// # Errors
/// When the gateway refuses.
pub(crate) async fn run(args: &TailArgs) -> Result<(), Fail> {
    let TailArgs { target, filter } = args;
    let mut follower = Follower::new(Api::of(target)?, target.json, filter, filter.after);
    let mut out = std::io::stdout();
    let colour = if out.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) {
        Colour::Terminal
    } else {
        Colour::None
    };
    loop {
        let Heard::Event(event) = follower.next().await? else { continue };
        let printed = if target.json { writeln!(out, "{}", event.text) } else { writeln!(out, "{}", line(&event.json, colour)) };
        if printed.and_then(|()| out.flush()).is_err() {
            // Whoever read has enough, as in `transom events tail | head`.
            return Ok(());
        }
    }
}
