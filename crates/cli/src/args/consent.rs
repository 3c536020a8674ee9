//! `transom consent …` and `transom keywords …`: their commands and arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Target;

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// How many lines, the newest first
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=200))]
    pub(crate) limit: u16,
    #[command(flatten)]
    pub(crate) target: Target,
}

/// What a word of consent is about.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum AboutArg {
    /// Marketing templates
    Marketing,
    /// All there is, one-time codes included
    Everything,
}

/// What was chosen.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ChoiceArg {
    /// Wants it
    In,
    /// Does not want it
    Out,
}

#[derive(Debug, Args)]
pub(crate) struct RecordArgs {
    /// Id, +E.164, bsuid:CC.…, or messenger:<psid>; a number that nobody has becomes a new customer
    pub(crate) customer: String,
    /// About what
    #[arg(long, value_enum)]
    pub(crate) scope: AboutArg,
    /// What
    #[arg(long, value_enum)]
    pub(crate) choice: ChoiceArg,
    /// When the customer chose, such as 2026-11-22T08:00:00Z; now where it is left out
    #[arg(long)]
    pub(crate) at: Option<String>,
    /// What was shown to the customer
    #[arg(long)]
    pub(crate) wording: Option<String>,
    /// What the customer said
    #[arg(long)]
    pub(crate) said: Option<String>,
    /// Network address of the customer
    #[arg(long)]
    pub(crate) ip: Option<String>,
    /// Web address of the page on which it was chosen
    #[arg(long, value_name = "URL")]
    pub(crate) page: Option<String>,
    /// Our id of the message that says it
    #[arg(long, value_name = "ID")]
    pub(crate) message: Option<String>,
    /// It comes from a system that kept it before
    #[arg(long)]
    pub(crate) imported: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConsentCommand {
    /// Show what a customer wants to be sent, and what shows it
    #[command(after_help = "Example:\n  transom consent show +4915112345678")]
    Show {
        /// Id, +E.164, bsuid:CC.…, or messenger:<psid>
        customer: String,
        #[command(flatten)]
        target: Target,
    },
    /// Record what a customer chose
    #[command(
        after_help = "Example:\n  transom consent record +4915112345678 --scope marketing --choice in --wording 'Send me offers' --page https://shop.example/news"
    )]
    Record(RecordArgs),
    /// Write the whole ledger, who the person is and what became of each message (not what was said) into one JSON file
    #[command(after_help = "Example:\n  transom consent export +4915112345678 --to ana.json")]
    Export {
        /// Id, +E.164, bsuid:CC.…, or messenger:<psid>
        customer: String,
        /// The new file; - prints it
        #[arg(long, value_name = "FILE")]
        to: PathBuf,
        #[command(flatten)]
        target: Target,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeywordsCommand {
    /// Show the words by which customers stop messages and start them again
    #[command(after_help = "Example:\n  transom keywords show")]
    Show {
        #[command(flatten)]
        target: Target,
    },
    /// Set the business's own words; those that are not given are gone
    #[command(
        after_help = "Example:\n  transom keywords set keywords.json\n\nThe file looks like:\n{\"builtIn\": true, \"languages\": {\"de\": {\"stop\": [\"Genug\"], \"stopMarketing\": [\"Keine Angebote\"], \"start\": [\"Weiter\"]}}}"
    )]
    Set {
        /// A JSON file; - reads standard input
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        target: Target,
    },
}
