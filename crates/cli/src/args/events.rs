//! `transom events …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Target;

#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// Print events as they happen, a line each; `--after 0` begins with all that there is
    #[command(
        after_help = "Examples:\n  transom events tail\n  transom events tail --types 'message.*,session.*' --after 0\n  transom events tail --json > events.jsonl"
    )]
    Tail(TailArgs),
    /// Post events to a server on this machine, signed as a webhook endpoint gets them
    #[command(
        after_help = "Examples:\n  transom events forward --to http://localhost:3000/hook\n  transom events forward --to http://localhost:3000/hook --types 'message.*' --secret whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    )]
    Forward(ForwardArgs),
}

/// Which events.
#[derive(Debug, Args)]
pub(crate) struct EventFilter {
    /// Types, parted by commas; `*` stands for any stretch
    #[arg(long)]
    pub(crate) types: Option<String>,
    /// Of these senders, by address or id, parted by commas
    #[arg(long)]
    pub(crate) sender: Option<String>,
    /// Of this channel: whatsapp or messenger
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// Begin after this position; 0 for all that there is
    #[arg(long, value_name = "POSITION")]
    pub(crate) after: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct TailArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) filter: EventFilter,
}

#[derive(Debug, Args)]
pub(crate) struct ForwardArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(flatten)]
    pub(crate) filter: EventFilter,
    /// Where to
    #[arg(long, value_name = "URL")]
    pub(crate) to: String,
    /// Sign with this secret; else the one in the state file, else one is made up and printed
    #[arg(long, env = "TRANSOM_FORWARD_SECRET", hide_env_values = true)]
    pub(crate) secret: Option<String>,
    /// File that remembers the position and the secret; forward.json beside dev.env, or in this folder
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<PathBuf>,
    /// Go on with the next event once the server has answered one so often with an error; it is waited for as long as it is down
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tries: u32,
}
