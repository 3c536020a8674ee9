//! `transom import …`

use clap::{Args, Subcommand};

use super::Target;

#[derive(Debug, Subcommand)]
pub(crate) enum ImportCommand {
    /// Read the contents of a Twilio account, with their SIDs, and follow their templates at Meta
    ///
    /// What is here already is never changed: what differs is said. Run twice, it changes nothing. The auth token is read from
    /// TWILIO_IMPORT_AUTH_TOKEN.
    #[command(
        after_help = "Examples:\n  transom import twilio --account-sid AC0123456789abcdef0123456789abcdef --dry-run\n  transom import twilio --account-sid AC0123456789abcdef0123456789abcdef --json",
        after_long_help = "Examples:\n  transom import twilio --account-sid AC0123456789abcdef0123456789abcdef --dry-run\n  transom import twilio --account-sid AC0123456789abcdef0123456789abcdef --json\n\nExit codes:\n  0  everything is here, or was\n  1  some content cannot be taken over as it is, or a side does not answer\n  2  wrong arguments"
    )]
    Twilio(ImportTwilioArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ImportTwilioArgs {
    /// SID of the account
    #[arg(long, value_name = "AC…")]
    pub(crate) account_sid: String,
    /// SID of an API key; the token is then its secret
    #[arg(long = "key-sid", value_name = "SK…")]
    pub(crate) key_sid: Option<String>,
    /// Where its Content API is
    #[arg(long, default_value = "https://content.twilio.com")]
    pub(crate) base_url: String,
    /// Only say what would be done
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}
