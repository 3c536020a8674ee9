//! Log lines on standard error, as text or JSON. Content of messages is never in them: nothing that logs gets to see it.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use transom_gateway::config::LogFormat;

use crate::fail::Fail;

/// Below `info` the driver of PostgreSQL tells every value of every statement, and so what people say to each other.
const SILENT: &str = "tokio_postgres=info,tokio_postgres::query=info";

/// Starts logging; a second call in the same process changes nothing.
///
/// # Errors
/// When the filter cannot be read.
pub(crate) fn start(filter: &str, format: LogFormat) -> Result<(), Fail> {
    let filter = EnvFilter::try_new(format!("{filter},{SILENT}")).map_err(|why| {
        Fail::usage(format!("log.level: {filter:?} is no level and no filter: {why}"))
            .remedy("Write a level such as info, or a filter such as info,transom_gateway=debug.")
    })?;
    // Colours are for eyes; in a file or a journal their codes are noise.
    let coloured = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(coloured).with_writer(std::io::stderr);
    // Complaining about a line that cannot be written would go the same way, and end whatever was logging: a full disk takes the
    // log, never the work.
    let lines = lines.log_internal_errors(false);
    let _already_started = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}
