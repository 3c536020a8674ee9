//! The arguments of `transom twilio …`.

use clap::{Args, Subcommand, ValueEnum};

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
    /// The addresses that are called about a sender: what customers write to it, and what becomes of messages
    #[command(subcommand)]
    Callbacks(CallbacksCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum CallbacksCommand {
    /// Show them
    #[command(after_help = "Example:\n  transom twilio callbacks show +493012345678 --json")]
    Show {
        /// Address of the sender, with + and country or messenger:<page>, or its id
        sender: String,
        #[command(flatten)]
        place: Place,
    },
    /// Choose some of them; those that are not named stay as they are
    #[command(
        after_help = "Examples:\n  transom twilio callbacks set +493012345678 --inbound-url 'https://shop.example/in#rc=2&rp=5xx'\n  transom twilio callbacks set +493012345678 --status-callback https://shop.example/status"
    )]
    Set {
        /// Address of the sender, with + and country or messenger:<page>, or its id
        sender: String,
        #[command(flatten)]
        callbacks: CallbackFlags,
        #[command(flatten)]
        place: Place,
    },
    /// Call none of them any more
    #[command(after_help = "Example:\n  transom twilio callbacks clear +493012345678")]
    Clear {
        /// Address of the sender, with + and country or messenger:<page>, or its id
        sender: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Which addresses are called, and how.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct CallbackFlags {
    /// Told of what customers write, and answers with TwiML; empty for none
    #[arg(long, value_name = "URL")]
    pub(crate) inbound_url: Option<String>,
    /// How it is called
    #[arg(long, value_enum)]
    pub(crate) inbound_method: Option<MethodArg>,
    /// Asked instead where that one fails; empty for none
    #[arg(long, value_name = "URL")]
    pub(crate) fallback_url: Option<String>,
    /// How it is called
    #[arg(long, value_enum)]
    pub(crate) fallback_method: Option<MethodArg>,
    /// Told of the statuses of messages that name no address of their own; empty for none
    #[arg(long, value_name = "URL")]
    pub(crate) status_callback: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum MethodArg {
    /// With a form
    Post,
    /// With a query
    Get,
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
