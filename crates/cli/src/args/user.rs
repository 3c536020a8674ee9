//! `transom user`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Place;

/// What somebody may do in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RoleArg {
    /// Look
    Viewer,
    /// Look, and speak with customers
    Agent,
    /// Everything
    Owner,
    /// Nothing any more
    None,
}

/// Where somebody is something.
#[derive(Debug, Args)]
pub(crate) struct WhereFlags {
    /// In this business; in every business, those to come too, when left out
    #[arg(long)]
    pub(crate) business: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Let somebody use the console; the password is made up and shown once, unless a file has it
    #[command(
        after_help = "Examples:\n  transom user add ana@shop.example\n  transom user add cy@shop.example --no-password\n  transom user add bo@shop.example --role agent --business 01K5Z3V8Q4M9W2N7T6R1XBCDEF"
    )]
    Add {
        /// E-mail address, by which they sign in
        email: String,
        /// Their name
        #[arg(long, default_value = "")]
        name: String,
        /// What they may do
        #[arg(long, value_enum, default_value = "owner")]
        role: RoleArg,
        #[command(flatten)]
        place_of_role: WhereFlags,
        /// File with the password, on one line
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        /// They sign in with your company's account only, with this address
        #[arg(long, conflicts_with = "password_file")]
        no_password: bool,
        #[command(flatten)]
        place: Place,
    },
    /// List who may use the console
    #[command(after_help = "Example:\n  transom user list")]
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Change what somebody may do
    #[command(
        after_help = "Examples:\n  transom user role ana@shop.example owner\n  transom user role bo@shop.example none --business 01K5Z3V8Q4M9W2N7T6R1XBCDEF"
    )]
    Role {
        /// Who
        email: String,
        /// What
        #[arg(value_enum)]
        role: RoleArg,
        #[command(flatten)]
        place_of_role: WhereFlags,
        #[command(flatten)]
        place: Place,
    },
    /// Give somebody another password, and sign them out everywhere
    #[command(after_help = "Example:\n  transom user password ana@shop.example")]
    Password {
        /// Who
        email: String,
        /// File with the password, on one line
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        place: Place,
    },
    /// Forget which account at the provider is somebody's; the next sign-in there with their address is theirs
    #[command(after_help = "Example:\n  transom user unlink ana@shop.example")]
    Unlink {
        /// Who
        email: String,
        #[command(flatten)]
        place: Place,
    },
    /// Sign somebody out everywhere
    #[command(after_help = "Example:\n  transom user sign-out ana@shop.example")]
    SignOut {
        /// Who
        email: String,
        #[command(flatten)]
        place: Place,
    },
    /// Remove somebody, and sign them out everywhere
    #[command(after_help = "Example:\n  transom user remove ana@shop.example")]
    Remove {
        /// Who
        email: String,
        #[command(flatten)]
        place: Place,
    },
}
