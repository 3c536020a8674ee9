//! The commands of the journal, and of how long things are kept.

use clap::{Args, Subcommand, ValueEnum};

use super::{Place, Target};

/// How much of a webhook was understood.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum OutcomeArg {
    /// All of it
    Heard,
    /// Some of it
    #[value(name = "partly_understood")]
    Partly,
    /// Nothing of it
    #[value(name = "not_understood")]
    NotUnderstood,
}

impl OutcomeArg {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Heard => "heard",
            Self::Partly => "partly_understood",
            Self::NotUnderstood => "not_understood",
        }
    }
}

/// Which webhooks.
#[derive(Debug, Args)]
pub(crate) struct JournalRange {
    /// Heard at this moment or later, as RFC 3339, or so long ago, such as 24h
    #[arg(long)]
    pub(crate) since: Option<String>,
    /// Heard before this moment
    #[arg(long)]
    pub(crate) until: Option<String>,
    /// Outcome; may be repeated
    #[arg(long = "outcome", value_enum)]
    pub(crate) outcomes: Vec<OutcomeArg>,
    /// What it is about, such as messages, statuses or account_update
    #[arg(long)]
    pub(crate) field: Option<String>,
    /// Position after which to begin
    #[arg(long, default_value_t = 0)]
    pub(crate) after: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Find webhooks, in the order in which they came
    #[command(
        after_help = "Examples:\n  transom journal search --since 24h --outcome not_understood\n  transom journal search --text 4915112345678\n  transom journal search --message 01K5Z3V8Q4M9W2N7T6R1XBCDEF"
    )]
    Search {
        #[command(flatten)]
        range: JournalRange,
        /// Text that the body holds, however it writes it
        #[arg(long)]
        text: Option<String>,
        /// Id of a message: what was heard of it
        #[arg(long)]
        message: Option<String>,
        /// Most entries
        #[arg(long, default_value_t = 100)]
        limit: usize,
        #[command(flatten)]
        target: Target,
    },
    /// Show webhooks as they come in, until it is stopped
    #[command(after_help = "Examples:\n  transom journal tail\n  transom journal tail --outcome not_understood --json")]
    Tail {
        /// Heard at this moment or later, or so long ago, such as 10m; else from now on
        #[arg(long)]
        since: Option<String>,
        /// Outcome; may be repeated
        #[arg(long = "outcome", value_enum)]
        outcomes: Vec<OutcomeArg>,
        /// What it is about, such as messages, statuses or account_update
        #[arg(long)]
        field: Option<String>,
        /// Text that the body holds, however it writes it
        #[arg(long)]
        text: Option<String>,
        #[command(flatten)]
        target: Target,
    },
    /// Show a webhook as it came
    #[command(after_help = "Example:\n  transom journal show 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Show {
        /// Which, as `journal search` shows it
        entry: String,
        #[command(flatten)]
        target: Target,
    },
    /// Hear webhooks again: what was missing appears, nothing is doubled
    #[command(
        after_help = "Examples:\n  transom journal replay 01K5Z3V8Q4M9W2N7T6R1XBCDEF\n  transom journal replay --since 3d\n  transom journal replay --since 2026-11-20T00:00:00Z --outcome heard --field statuses"
    )]
    Replay {
        /// Which; else all of the range that were not understood whole
        entries: Vec<String>,
        #[command(flatten)]
        range: JournalRange,
        /// Do not wait until the range is over: it goes on by itself
        #[arg(long, conflicts_with = "entries")]
        detach: bool,
        #[command(flatten)]
        target: Target,
    },
    /// Show how far replays of ranges are
    #[command(after_help = "Example:\n  transom journal replays")]
    Replays {
        #[command(flatten)]
        target: Target,
    },
    /// Stop a replay where it stands; what was heard stays heard
    #[command(after_help = "Example:\n  transom journal stop-replay 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    StopReplay {
        /// Which, as `journal replays` shows it
        replay: String,
        #[command(flatten)]
        target: Target,
    },
    /// Show webhooks that are nobody's: malformed, or for a number, Page or account that is not registered; the newest 200 are kept
    #[command(after_help = "Examples:\n  transom journal stray\n  transom journal stray 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Stray {
        /// Which one to show as it came, cut after 4 KiB; else all are listed
        entry: Option<String>,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RetentionCommand {
    /// Show how long things are kept
    #[command(after_help = "Example:\n  transom retention show")]
    Show {
        #[command(flatten)]
        target: Target,
    },
    /// Choose how many days things are kept; what is left out stays as it is, 0 follows the configuration
    #[command(after_help = "Examples:\n  transom retention set --bodies 30 --journal 7\n  transom retention set --events 0")]
    Set {
        /// Contents of messages that are over; their statuses and timelines stay
        #[arg(long, value_name = "DAYS")]
        bodies: Option<u32>,
        /// Files
        #[arg(long, value_name = "DAYS")]
        media: Option<u32>,
        /// Raw webhooks
        #[arg(long, value_name = "DAYS")]
        journal: Option<u32>,
        /// Events
        #[arg(long, value_name = "DAYS")]
        events: Option<u32>,
        #[command(flatten)]
        target: Target,
    },
}
