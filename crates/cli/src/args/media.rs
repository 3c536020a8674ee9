//! The arguments of `transom media …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Target;

#[derive(Debug, Subcommand)]
pub(crate) enum MediaCommand {
    /// Show a file, or save its bytes
    #[command(
        after_help = "Examples:\n  transom media get 01K5Z3V8Q4M9W2N7T6R1XBCDEF\n  transom media get 01K5Z3V8Q4M9W2N7T6R1XBCDEF --out photo.jpg"
    )]
    Get(MediaGetArgs),
    /// Upload a file, to be sent by the reference that is printed
    #[command(after_help = "Example:\n  transom media put invoice.pdf")]
    Put(MediaPutArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MediaGetArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Id of the file; the file of a message that came in has the message's id
    pub(crate) id: String,
    /// Save its bytes here
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct MediaPutArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The file
    pub(crate) file: PathBuf,
    /// Its type; without it, what the ending of its name stands for
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) mime_type: Option<String>,
}
