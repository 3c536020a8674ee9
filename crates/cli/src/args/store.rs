//! The arguments of `transom store …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::QueueArg;

#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Carry everything from a folder to PostgreSQL; goes on where it was interrupted
    #[command(
        after_help = "Examples:\n  transom store copy --from /var/lib/transom --config transom.toml\n  transom store copy --from .transom/gateway --to postgres://transom@localhost:5432/transom"
    )]
    Copy(CopyArgs),
    /// Say that the database was restored from a backup, and what becomes of messages that waited then
    #[command(after_help = "Example:\n  transom store restored --config transom.toml --queue hold")]
    Restored(RestoredArgs),
}

/// Which PostgreSQL.
#[derive(Debug, Args)]
pub(crate) struct PostgresArgs {
    /// Address of the database (store.url); a password is better given in a file
    #[arg(long, value_name = "URL")]
    pub(crate) to: Option<String>,
    /// TOML file of the gateway
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Any other key of the configuration, such as store.ca_file; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CopyArgs {
    /// Folder of the store; nobody may be working on it
    #[arg(long, value_name = "DIR")]
    pub(crate) from: PathBuf,
    #[command(flatten)]
    pub(crate) postgres: PostgresArgs,
    /// Rows of one commit
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) batch: u32,
}

#[derive(Debug, Args)]
pub(crate) struct RestoredArgs {
    #[command(flatten)]
    pub(crate) postgres: PostgresArgs,
    /// What becomes of messages that waited when the backup was made
    #[arg(long, value_enum, default_value = "hold")]
    pub(crate) queue: QueueArg,
    /// How long they are held
    #[arg(long, default_value = "1h", value_name = "DURATION")]
    pub(crate) hold: String,
}
