//! `transom customer …`: its commands and arguments.

use clap::Subcommand;

use super::Target;

#[derive(Debug, Subcommand)]
pub(crate) enum CustomerCommand {
    /// List customers, latest first, or find some
    #[command(after_help = "Examples:\n  transom customer list\n  transom customer list +49151\n  transom customer list Ana")]
    List {
        /// The beginning of a phone number, or of any word of a user name or display name
        #[arg(value_name = "TEXT")]
        query: Option<String>,
        /// How many, at most 200
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
        limit: u32,
        #[command(flatten)]
        target: Target,
    },
    /// Show one with identities, sessions and consent
    #[command(after_help = "Example:\n  transom customer show +4915112345678")]
    Show {
        /// Id, +E.164, bsuid:CC.…, or messenger:<psid>
        customer: String,
        #[command(flatten)]
        target: Target,
    },
    /// Make one person of two customers
    #[command(after_help = "Example:\n  transom customer merge +4915112345678 messenger:8000000000000001")]
    Merge {
        /// Id or identity of the one
        customer: String,
        /// Id or identity of the other
        other: String,
        #[command(flatten)]
        target: Target,
    },
    /// Take a merge back
    #[command(after_help = "Example:\n  transom customer unmerge 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Unmerge {
        /// Id of the customer that was merged, as `transom customer show` lists it
        merged: String,
        #[command(flatten)]
        target: Target,
    },
    /// Forget one: messages, files, what events and raw webhooks say of the person, and the consent
    #[command(after_help = "Example:\n  transom customer erase +4915112345678 --yes")]
    Erase {
        /// Id, +E.164, bsuid:CC.…, or messenger:<psid>; again with the id shows how far it is
        customer: String,
        /// That you mean it: nothing but a backup brings it back
        #[arg(long, required = true)]
        yes: bool,
        #[command(flatten)]
        target: Target,
    },
}
