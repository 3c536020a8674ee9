//! `transom events tail`.

use std::io::{IsTerminal as _, Write as _};

use super::follow::{Follower, Heard};
use super::line::{Colour, line};
use crate::api::Api;
use crate::args::TailArgs;
use crate::fail::Fail;
use crate::out;

/// Prints events until it is stopped, or nobody reads any more.
///
/// # Errors
/// When the gateway refuses.
pub(crate) async fn run(args: &TailArgs) -> Result<(), Fail> {
    let TailArgs { target, filter } = args;
    let mut follower = Follower::new(Api::of(target)?, target.json, filter, filter.after);
    let mut stdout = std::io::stdout();
    let colour = if stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()) {
        Colour::Terminal
    } else {
        Colour::None
    };
    // Without a beginning it is what happens from now on: whoever sees nothing is told where that is.
    let mut unsaid = filter.after.is_none();
    loop {
        let event = match follower.next().await? {
            Heard::Event(event) => event,
            Heard::Reached(position) => {
                if std::mem::take(&mut unsaid) {
                    out::note(format!("following from position {position}; --after 0 shows what was before"));
                }
                continue;
            }
        };
        let printed =
            if target.json { writeln!(stdout, "{}", event.text) } else { writeln!(stdout, "{}", line(&event.json, colour)) };
        if printed.and_then(|()| stdout.flush()).is_err() {
            // Whoever read has enough, as in `transom events tail | head`.
            return Ok(());
        }
    }
}
