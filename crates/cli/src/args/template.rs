//! `transom template …`: its commands and arguments.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Place, Target};

/// What a file looks like; shown where files are first met.
const FILE_HELP: &str = r#"A file of the folder, one for each name:
  name = "order_update"
  category = "UTILITY"

  [languages.en_US]
  header = { format = "IMAGE", file = "parcel.jpg" }
  body = """
  Hi {{1}},
  your order {{2}} is on its way to you."""
  samples = ["Ana", "1234"]
  footer = "Example Shop"
  buttons = [
    { type = "URL", text = "Track it", url = "https://shop.example/t/{{1}}", sample = "https://shop.example/t/1" },
  ]

Samples of media are a `file` beside this one (up to 700 kB), or a `sample`: a public link. `parameter_format = "NAMED"` at the
top lets variables have names: {{first_name}}, with samples = { first_name = "Ana" }. Cards are [[languages.en_US.cards]]; one-time
codes have add_security_recommendation instead of a body, and may have code_expiration_minutes instead of a footer. A language
that differs says category and parameter_format for itself.
"#;

/// Which account, of the business that the key is for.
#[derive(Debug, Args)]
pub(crate) struct Account {
    #[command(flatten)]
    pub(crate) target: Target,
    /// WhatsApp Business Account; needed when the business has several
    #[arg(long)]
    pub(crate) waba: Option<String>,
}

/// A folder of templates, and the account that it is held against.
#[derive(Debug, Args)]
pub(crate) struct FolderArgs {
    /// Folder of the files, *.toml
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) account: Account,
}

/// The category that is asked for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum CategoryArg {
    /// Offers and news
    Marketing,
    /// About something the customer has ordered or asked for
    Utility,
    /// One-time codes
    Authentication,
}

impl CategoryArg {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Marketing => "MARKETING",
            Self::Utility => "UTILITY",
            Self::Authentication => "AUTHENTICATION",
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// Read all templates from Meta
    #[command(after_help = "Example:\n  transom template sync")]
    Sync {
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// List the templates
    #[command(after_help = "Example:\n  transom template list")]
    List {
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Write the templates at Meta into files
    ///
    /// A file whose languages are all as Meta has them is left as it is, with its comments; any other is written anew, and keeps its
    /// own samples. What is in files and not at Meta is told, and taken out with --prune alone. Other files are left alone.
    #[command(
        after_help = "Examples:\n  transom template pull templates\n  transom template pull templates --prune --json",
        after_long_help = format!("Examples:\n  transom template pull templates\n  transom template pull templates --prune --json\n\n{FILE_HELP}")
    )]
    Pull {
        #[command(flatten)]
        folder: FolderArgs,
        /// Take out of the files what Meta does not have: gone templates, and new ones that were never applied
        #[arg(long)]
        prune: bool,
    },
    /// Hold files against Meta's rules, offline
    #[command(
        after_help = "Example:\n  transom template lint templates",
        after_long_help = "Example:\n  transom template lint templates\n\nExit codes:\n  0  no errors; there may be warnings\n  1  errors, each with its file and field\n  2  the folder cannot be read"
    )]
    Lint {
        /// Folder of the files, *.toml
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what apply would do, and what is in its way
    #[command(
        after_help = "Examples:\n  transom template plan templates\n  transom template plan templates --prune --check --json",
        after_long_help = "Examples:\n  transom template plan templates\n  transom template plan templates --prune --check --json\n\nExit codes:\n  0  the plan is shown\n  3  with --check: files and Meta differ\n  4  a file cannot be applied: the linter refuses it"
    )]
    Plan {
        #[command(flatten)]
        folder: FolderArgs,
        /// Also delete at Meta what no file has
        #[arg(long)]
        prune: bool,
        /// End with 3 when anything is to be done, or only Meta has it
        #[arg(long)]
        check: bool,
    },
    /// Create, edit and delete at Meta, until it has what the files say
    ///
    /// Run it again after an interruption: what was done is seen to be done, and nothing is made twice.
    #[command(
        after_help = "Examples:\n  transom template apply templates\n  transom template apply templates --prune --json",
        after_long_help = "Examples:\n  transom template apply templates\n  transom template apply templates --prune --json\n\nExit codes:\n  0  Meta has what the files say, or reviews it\n  1  broken off: run it again\n  2  wrong arguments, or an unreadable folder\n  3  done but for what a quota, a lock or a review is in the way of: run it again later\n  4  done but for what the linter or Meta refuses\n  5  done but for calls without an answer: run it again"
    )]
    Apply {
        #[command(flatten)]
        folder: FolderArgs,
        /// Also delete at Meta what no file has
        #[arg(long)]
        prune: bool,
    },
    /// Show how far templates got at Meta, and why
    #[command(after_help = "Examples:\n  transom template status\n  transom template status order_update --json")]
    Status {
        /// Only this one, in all its languages
        name: Option<String>,
        #[command(flatten)]
        account: Account,
    },
    /// Submit content for approval as a template
    #[command(
        after_help = "Example:\n  transom template submit 01K5Z3V8Q4M9W2N7T6R1XBCDEF --name order_update --category utility"
    )]
    Submit {
        /// Id of the content
        content: String,
        /// Name of the template that it is to become
        #[arg(long)]
        name: String,
        /// Category
        #[arg(long, value_enum)]
        category: CategoryArg,
        #[command(flatten)]
        account: Account,
    },
    /// Show a template as a customer would see it, with its samples
    #[command(
        after_help = "Examples:\n  transom template preview templates/order_update.toml\n  transom template preview order_update --language en_US"
    )]
    Preview {
        /// A file, or the name of a template at Meta
        #[arg(value_name = "NAME|FILE")]
        what: String,
        /// Only in this language
        #[arg(long)]
        language: Option<String>,
        #[command(flatten)]
        account: Account,
    },
}
