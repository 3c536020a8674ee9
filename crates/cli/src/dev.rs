//! `transom dev`: the desk, and what to try on it first.

use std::path::Path;

use transom_gateway::config::{BaseUrl, Setting as _};
use transom_store::PostgresAddress;

use crate::args::DevArgs;
use crate::desk::{Desk, DeskOptions};
use crate::env_file::FILE;
use crate::fail::Fail;
use crate::{logs, out};

/// Runs until a signal.
///
/// # Errors
/// When it cannot start, or something under way did not end in time.
pub(crate) async fn run(args: &DevArgs) -> Result<(), Fail> {
    logs::start(&args.log, transom_gateway::config::LogFormat::Text)?;
    let store = args.store.as_deref().map(PostgresAddress::read).transpose();
    // The address is not repeated: it may hold a password.
    let store = store.map_err(|expected| Fail::usage("--store is no PostgreSQL address").remedy(format!("Write {expected}.")))?;
    let traces = args.traces.as_deref().map(BaseUrl::read).transpose();
    let traces = traces.map_err(|expected| Fail::usage("--traces is no address").remedy(format!("Write {expected}.")))?;
    let options = DeskOptions {
        dir: args.dir.clone(),
        port: args.port,
        simulator_port: args.simulator_port,
        customers: true,
        store,
        traces,
    };
    let desk = Desk::start(options).await?;
    welcome(&desk, &args.dir);
    let ended = desk.until_stopped().await;
    out::note("stopping; a second signal stops at once");
    let in_time = desk.stop().await;
    ended?;
    if in_time { Ok(()) } else { Err(Fail::new("some work did not end in time; it goes on at the next start")) }
}

fn welcome(desk: &Desk, dir: &Path) {
    let env = desk.env();
    let file = dir.join(FILE);
    out::line("Transom is ready. Ctrl-c stops it; everything is kept for the next start.\n");
    out::line(format!("  console    {}/console   phones, messages and Meta's desk; no sign-in on this machine", env.transom_url));
    out::line(format!("  gateway    {}   API reference at /docs", env.transom_url));
    out::line(format!("  simulator  {}   Meta on your desk; controls under /sim/v1/", env.simulator_url));
    out::line(format!("  settings   {}", file.display()));
    out::line("\nTry it in another terminal:\n");
    // A file name without a slash would be looked for in PATH.
    let source = if file.is_absolute() { file.display().to_string() } else { format!("./{}", file.display()) };
    out::line(format!("  . {source}\n"));
    for person in desk.people() {
        let about = if person.open {
            "has written, so a session is open and a text goes as it is"
        } else {
            "has not written in the last 24 hours: the same text is refused, and the answer says what would go"
        };
        out::line(format!("{} ({}) {about}:\n", person.name, person.phone));
        let body = format!(
            r#"{{"to":"{}","content":{{"language":"en","types":{{"twilio/text":{{"body":"Hello {}!"}}}}}}}}"#,
            person.phone, person.name
        );
        out::line("  curl -sS \"$TRANSOM_URL/v1/businesses/$TRANSOM_BUSINESS/messages\" -H \"X-API-Key: $TRANSOM_API_KEY\" \\");
        out::line(format!("    -d '{body}'\n"));
        if person.in_us {
            out::line(format!(
                "{} is in the US: a marketing template fails there with Meta's 131049, even an approved one.\n",
                person.name
            ));
        }
    }
    if let Some(person) = desk.people().first() {
        out::line(format!("What {}'s phone shows:\n", person.name));
        out::line(format!("  curl -sS \"$SIMULATOR_URL/sim/v1/customers/{}/inbox\"\n", person.phone.trim_start_matches('+')));
    }
    out::line("The whole table of what may be sent when, on this very desk:\n");
    out::line(format!("  transom tour --env {}\n", file.display()));
}
