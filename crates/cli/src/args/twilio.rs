//! The arguments of `transom twilio …`.

use clap::{Subcommand, ValueEnum};

use super::Place;

#[derive(Debug, Subcommand)]
pub(crate) enum TwilioCommand {
    /// Show the account SID and the auth token, made at the first time; or rotate the token, with both valid meanwhile
    #[command(
        after_help = "Examples:\n  transom twilio credentials --json\n  transom twilio credentials --rotate begin\n  transom twilio credentials --rotate promote"
    )]
    Credentials {
        /// A step of a rotation
        #[arg(long, value_enum)]
        rotate: Option<RotateArg>,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Choose how a message is refused that may not go: at once, or by its status, as Twilio does
    #[command(after_help = "Examples:\n  transom twilio refusals at-once\n  transom twilio refusals by-status")]
    Refusals {
        /// How
        #[arg(value_enum)]
        how: RefusalsArg,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RotateArg {
    /// Make a second token; both are valid, and webhooks go on being signed with the first
    Begin,
    /// Sign with the second token, and end the first
    Promote,
    /// End the second token again
    Abandon,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RefusalsArg {
    /// The request is refused, and nothing is stored
    AtOnce,
    /// The message is accepted and becomes undelivered
    ByStatus,
}
