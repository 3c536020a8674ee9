//! `transom endpoint …`

use clap::{Args, Subcommand, ValueEnum};

use super::{Place, TopicArg};

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OrderArg {
    /// Each event as soon as it can be
    None,
    /// Those of one conversation one after the other
    Conversation,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PayloadArg {
    /// Events, as `GET events` shows them
    Event,
    /// Meta's own webhooks, byte for byte
    Raw,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OutcomeArg {
    /// Tried again
    Waiting,
    /// Tried for days
    GivenUp,
}

/// What an endpoint wants, and how.
#[derive(Debug, Args)]
pub(crate) struct EndpointFlags {
    /// Type of event that it wants, such as message.status or message.*; may be repeated
    #[arg(long = "event", value_name = "TYPE", conflicts_with = "topic")]
    pub(crate) events: Vec<String>,
    /// Sender, by address or id; may be repeated
    #[arg(long = "sender", value_name = "SENDER", conflicts_with = "topic")]
    pub(crate) senders: Vec<String>,
    /// Channel; may be repeated
    #[arg(long = "channel", value_name = "CHANNEL", conflicts_with = "topic")]
    pub(crate) channels: Vec<String>,
    /// Campaign, such as summer-*; may be repeated
    #[arg(long = "campaign", value_name = "GLOB", conflicts_with = "topic")]
    pub(crate) campaigns: Vec<String>,
    /// What it is for
    #[arg(long, conflicts_with = "topic")]
    pub(crate) description: Option<String>,
    /// In which order it is told
    #[arg(long, value_enum, conflicts_with = "topic")]
    pub(crate) order: Option<OrderArg>,
    /// Deliveries at once, 1 to 32
    #[arg(long, value_name = "N", conflicts_with = "topic")]
    pub(crate) concurrency: Option<u8>,
    /// Seconds that it may take to answer, 1 to 30; 0 for the gateway's own limit
    #[arg(long, value_name = "N", conflicts_with = "topic")]
    pub(crate) timeout: Option<u8>,
}

/// What is told once more.
#[derive(Debug, Args)]
pub(crate) struct ReplayArgs {
    /// Only what was given up
    #[arg(long)]
    pub(crate) failed: bool,
    /// Position of the first event
    #[arg(long, value_name = "POSITION", conflicts_with = "since")]
    pub(crate) from: Option<u64>,
    /// Position of the last
    #[arg(long, value_name = "POSITION", conflicts_with = "until")]
    pub(crate) to: Option<u64>,
    /// From this moment on, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Until before this moment, RFC 3339
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Show the replays instead, and how far each got
    #[arg(long, conflicts_with_all = ["failed", "from", "to", "since", "until", "stop"])]
    pub(crate) list: bool,
    /// Stop this replay instead
    #[arg(long, value_name = "REPLAY", conflicts_with_all = ["failed", "from", "to", "since", "until"])]
    pub(crate) stop: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EndpointCommand {
    /// Register an endpoint: for all events, for some, or as a published registration for one topic
    #[command(
        after_help = "Examples:\n  transom endpoint add https://shop.example.com/hooks\n  transom endpoint add https://shop.example.com/hooks --event 'message.*' --order conversation\n  transom endpoint add --topic messages https://shop.example.com/hooks/messages"
    )]
    Add {
        /// Where to
        address: String,
        /// Published topic; one endpoint each, told in the published payloads
        #[arg(long, value_enum)]
        topic: Option<TopicArg>,
        /// Also tell of our own outbound messages
        #[arg(long, requires = "topic")]
        echo: bool,
        /// In what form it is told
        #[arg(long, value_enum, conflicts_with = "topic")]
        payload: Option<PayloadArg>,
        #[command(flatten)]
        flags: EndpointFlags,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// List the endpoints and how they are doing
    #[command(after_help = "Example:\n  transom endpoint list")]
    List {
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Show one endpoint that is no published registration
    #[command(after_help = "Example:\n  transom endpoint show 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Show {
        /// Which, as `endpoint list` shows it
        endpoint: String,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Change an endpoint; what is not named stays, a list that is named is the whole list
    #[command(
        after_help = "Examples:\n  transom endpoint update 01K5Z3V8Q4M9W2N7T6R1XBCDEF --address https://shop.example.com/hooks/new\n  transom endpoint update 01K5Z3V8Q4M9W2N7T6R1XBCDEF --event message.received"
    )]
    Update {
        /// Which, as `endpoint list` shows it
        endpoint: String,
        /// Where to; one that was switched off is switched on
        #[arg(long)]
        address: Option<String>,
        /// Also tell of our own outbound messages (published registrations)
        #[arg(long = "echo", id = "topic", value_name = "BOOL")]
        echo: Option<bool>,
        #[command(flatten)]
        flags: EndpointFlags,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Send an endpoint a test event and show what it answers
    #[command(after_help = "Example:\n  transom endpoint test 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Test {
        /// Which, as `endpoint list` shows it
        endpoint: String,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Switch an endpoint on, with a clean slate
    #[command(after_help = "Example:\n  transom endpoint enable 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Enable {
        /// Which, as `endpoint list` shows it
        endpoint: String,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Switch an endpoint off; it goes on where it was when it is switched on
    #[command(after_help = "Example:\n  transom endpoint disable 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Disable {
        /// Which, as `endpoint list` shows it
        endpoint: String,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Remove an endpoint, with what it still waits for
    #[command(after_help = "Example:\n  transom endpoint remove 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Remove {
        /// Which, as `endpoint list` shows it
        endpoint: String,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// List what an endpoint was told, and what it was not
    #[command(
        after_help = "Examples:\n  transom endpoint deliveries 01K5Z3V8Q4M9W2N7T6R1XBCDEF\n  transom endpoint deliveries 01K5Z3V8Q4M9W2N7T6R1XBCDEF --outcome given-up"
    )]
    Deliveries {
        /// Which, as `endpoint list` shows it
        endpoint: String,
        /// Only these
        #[arg(long, value_enum)]
        outcome: Option<OutcomeArg>,
        /// How many
        #[arg(long, default_value_t = 50, value_name = "N")]
        limit: u8,
        /// Go on where a list before ended
        #[arg(long, value_name = "TOKEN")]
        page_token: Option<String>,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Repeat one delivery now, whatever became of it
    #[command(after_help = "Example:\n  transom endpoint retry 01K5Z3V8Q4M9W2N7T6R1XBCDEF 01K60A1B2C3D4E5F6G7H8J9KMN")]
    Retry {
        /// Which, as `endpoint list` shows it
        endpoint: String,
        /// Id of the event, as `endpoint deliveries` shows it
        event: String,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Tell an endpoint a range of events once more, beside what is happening now
    #[command(
        after_help = "Examples:\n  transom endpoint replay 01K5Z3V8Q4M9W2N7T6R1XBCDEF --since 2026-11-22T08:00:00Z --until 2026-11-22T09:00:00Z\n  transom endpoint replay 01K5Z3V8Q4M9W2N7T6R1XBCDEF --failed\n  transom endpoint replay 01K5Z3V8Q4M9W2N7T6R1XBCDEF --list"
    )]
    Replay {
        /// Which, as `endpoint list` shows it
        endpoint: String,
        #[command(flatten)]
        range: ReplayArgs,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Make a new secret of an endpoint, or of all published registrations; the old one signs beside it for a day
    #[command(
        after_help = "Examples:\n  transom endpoint rotate-secret 01K5Z3V8Q4M9W2N7T6R1XBCDEF\n  transom endpoint rotate-secret"
    )]
    RotateSecret {
        /// Which, as `endpoint list` shows it; left out: the secret of the published registrations
        endpoint: Option<String>,
        /// Hours for which the old secret signs on, at most 168
        #[arg(long, value_name = "N", requires = "endpoint")]
        keep_hours: Option<u8>,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
}
