//! The command line: every command, its arguments, and an example for each.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod consent;
mod customer;
mod endpoint;
mod events;
mod import;
mod journal;
mod media;
mod store;
mod template;
mod twilio;
mod user;

pub(crate) use consent::*;
pub(crate) use customer::*;
pub(crate) use endpoint::{EndpointCommand, EndpointFlags, OrderArg, OutcomeArg, PayloadArg, ReplayArgs};
pub(crate) use events::*;
pub(crate) use import::*;
pub(crate) use journal::*;
pub(crate) use media::*;
pub(crate) use store::*;
pub(crate) use template::*;
pub(crate) use twilio::*;
pub(crate) use user::*;

/// Transom: the self-hosted gateway between your software and your customers on WhatsApp and Messenger.
#[derive(Debug, Parser)]
#[command(name = "transom", version, propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Start here:\n  transom dev          gateway and simulator on this machine, with customers to try it on\n  transom tour         what may be sent when, shown on the real thing"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run gateway and simulator together, for development
    #[command(after_help = "Example:\n  transom dev --dir .transom --port 8080 --simulator-port 8090")]
    Dev(DevArgs),
    /// Walk the whole table of what may be sent when, and compare
    #[command(after_help = "Examples:\n  transom tour\n  transom tour --env .transom/dev.env --json")]
    Tour(TourArgs),
    /// Run the gateway
    #[command(
        after_help = "Examples:\n  transom serve --config transom.toml\n  transom serve --dir /var/lib/transom --public-url https://gateway.example.com\n  TRANSOM_LOG__FORMAT=json transom serve --config transom.toml --set server.drain=1m"
    )]
    Serve(ServeArgs),
    /// Run the simulator of Meta alone
    #[command(after_help = "Example:\n  transom simulate --dir .simulator --port 8090")]
    Simulate(SimulateArgs),
    /// Businesses, the tenants
    #[command(subcommand)]
    Business(BusinessCommand),
    /// API keys of a business
    #[command(subcommand)]
    Key(KeyCommand),
    /// Who may use the console
    #[command(subcommand)]
    User(UserCommand),
    /// What Twilio's SDKs need to speak with this gateway
    #[command(subcommand)]
    Twilio(TwilioCommand),
    /// Apps at Meta, under which webhooks arrive
    #[command(subcommand)]
    App(AppCommand),
    /// WhatsApp numbers through which a business speaks
    #[command(subcommand)]
    Sender(SenderCommand),
    /// Webhook endpoints to which a business is told what happens
    #[command(subcommand)]
    Endpoint(EndpointCommand),
    /// Files: what customers sent, and what is to be sent
    #[command(subcommand)]
    Media(MediaCommand),
    /// Templates at Meta, and as files
    #[command(subcommand)]
    Template(TemplateCommand),
    /// Who the customers are: their identities, merged and separated
    #[command(subcommand)]
    Customer(CustomerCommand),
    /// What customers want to be sent, and what shows it
    #[command(subcommand)]
    Consent(ConsentCommand),
    /// Words by which customers stop messages and start them again
    #[command(subcommand)]
    Keywords(KeywordsCommand),
    /// The stream of what happens, as lines or forwarded to a server of your own
    #[command(subcommand)]
    Events(EventsCommand),
    /// Meta's webhooks as they came: search them, show them, hear them again
    #[command(subcommand)]
    Journal(JournalCommand),
    /// How long a business keeps what is over
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Who did what to settings, keys, endpoints and customers
    #[command(after_help = "Example:\n  transom audit --limit 20")]
    Audit(AuditArgs),
    /// Bring contents and their approvals from elsewhere
    #[command(subcommand)]
    Import(ImportCommand),
    /// Where everything is kept: carry it to PostgreSQL, and come back from a backup there
    #[command(subcommand)]
    Store(StoreCommand),
    /// Make a backup while everything goes on
    #[command(
        after_help = "Examples:\n  transom backup --dir /var/lib/transom --to /var/backups/transom-monday\n  transom backup --check /var/backups/transom-monday"
    )]
    Backup(BackupArgs),
    /// Make a folder of a backup
    #[command(
        after_help = "Examples:\n  transom restore --from /var/backups/transom-monday --dir /var/lib/transom-new --key seal.key\n  transom restore --from /var/backups/transom-monday --dir /var/lib/transom-new --queue fail"
    )]
    Restore(RestoreArgs),
    /// Which replicas there are, and who holds what
    #[command(after_help = "Examples:\n  transom replicas\n  transom replicas --dir /var/lib/transom --json")]
    Replicas(Place),
    /// Say what is wrong, and how to mend it
    #[command(after_help = "Examples:\n  transom doctor\n  transom doctor --dir /var/lib/transom --json")]
    Doctor(Place),
    /// Send one message
    #[command(
        after_help = "Examples:\n  transom send --to +4915112345678 --text 'Hello'\n  transom send --dir .transom --to +4915112345678 --content content.json --var 1=Ana --wait"
    )]
    Send(SendArgs),
    /// Ask whether a message may go, and how
    #[command(after_help = "Example:\n  transom verdict --to +4915112345678 --text 'Hello'")]
    Verdict(MessageArgs),
    /// The configuration: check it, show it
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print completions for a shell
    #[command(after_help = "Example:\n  transom completions bash > /etc/bash_completion.d/transom")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// Print the version
    #[command(after_help = "Example:\n  transom version --json")]
    Version {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    /// Folder in which everything is kept
    #[arg(long, default_value = ".transom")]
    pub(crate) dir: PathBuf,
    /// Port of the gateway; 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    pub(crate) port: u16,
    /// Port of the simulator; 0 takes a free one
    #[arg(long, default_value_t = 8090)]
    pub(crate) simulator_port: u16,
    /// PostgreSQL in place of a file in the folder, postgres://user@host:5432/database; to be named at each start
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Address of a collector to which traces of messages are told (OTLP over HTTP), such as http://localhost:4318
    #[arg(long, value_name = "URL")]
    pub(crate) traces: Option<String>,
    /// What to log: a level, or a filter such as info,transom_gateway=debug
    #[arg(long, default_value = "warn")]
    pub(crate) log: String,
}

#[derive(Debug, Args)]
pub(crate) struct TourArgs {
    /// A dev.env to walk it on; without it, a gateway and a simulator of its own
    #[arg(long, value_name = "FILE")]
    pub(crate) env: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Where the configuration comes from.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// TOML file; every key is described in docs/configuration.md
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the store (store.dir)
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// Address and port to listen on (server.listen)
    #[arg(long)]
    pub(crate) listen: Option<SocketAddr>,
    /// Where Meta reaches this server (server.public_url)
    #[arg(long)]
    pub(crate) public_url: Option<String>,
    /// Base of the Graph API, or of a simulator (upstream.graph_url)
    #[arg(long)]
    pub(crate) graph_url: Option<String>,
    /// Any other key; may be repeated
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateArgs {
    /// Folder in which the simulator keeps everything
    #[arg(long, default_value = ".simulator")]
    pub(crate) dir: PathBuf,
    /// Port; 0 takes a free one
    #[arg(long, default_value_t = 8090)]
    pub(crate) port: u16,
    /// What to log: a level, or a filter
    #[arg(long, default_value = "warn")]
    pub(crate) log: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which gateway an operator's command is for.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Folder of the store, or of `transom dev`; a server that holds it is talked to
    #[arg(long, global = true)]
    pub(crate) dir: Option<PathBuf>,
    /// TOML file of the gateway
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct BackupArgs {
    /// The new file; its manifest lies beside it, with .json at the end of its name
    #[arg(long, value_name = "FILE", required_unless_present = "check")]
    pub(crate) to: Option<PathBuf>,
    /// Write the sealing key beside it too, with .key at the end of its name
    #[arg(long, conflicts_with = "check")]
    pub(crate) with_key: bool,
    /// Make none: see that this one is sound
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    pub(crate) check: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) place: Place,
}

/// What becomes of messages that waited when a backup was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QueueArg {
    /// They may have been sent since: hold them as unknown, so that statuses can settle them, then fail
    Hold,
    /// They may have been sent since: fail them as unknown at once
    Fail,
    /// Nothing was sent since: send them
    Send,
}

impl QueueArg {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Fail => "fail",
            Self::Send => "send",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArgs {
    /// The backup; its manifest must lie beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) from: PathBuf,
    /// The new folder
    #[arg(long)]
    pub(crate) dir: PathBuf,
    /// What becomes of messages that waited when the backup was made
    #[arg(long, value_enum, default_value = "hold")]
    pub(crate) queue: QueueArg,
    /// How long they are held
    #[arg(long, default_value = "1h", value_name = "DURATION")]
    pub(crate) hold: String,
    /// File with the sealing key, to be put into the folder
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Allow a folder that is not empty; a store in it is put aside as transom.db.replaced
    #[arg(long)]
    pub(crate) replace: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BusinessCommand {
    /// Make a business
    #[command(after_help = "Example:\n  transom business add --name 'Tea shop'")]
    Add {
        /// Its name, for people
        #[arg(long)]
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// List the businesses
    #[command(after_help = "Example:\n  transom business list --json")]
    List {
        #[command(flatten)]
        place: Place,
    },
}

/// What a key may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ScopeArg {
    /// Send and read messages
    Send,
    /// Templates and content
    Templates,
    /// Webhook endpoints and events
    Webhooks,
    /// Look at all of these, and change nothing
    Read,
    /// Everything of the business
    Admin,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key; its text is shown once
    #[command(
        after_help = "Example:\n  transom key add --business 01K5Z3V8Q4M9W2N7T6R1XBCDEF --label 'Order service' --scopes send,webhooks"
    )]
    Add {
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        /// What it is for
        #[arg(long, default_value = "default")]
        label: String,
        /// What it may do, parted by commas; everything of the business when left out
        #[arg(long, value_enum, value_delimiter = ',')]
        scopes: Vec<ScopeArg>,
        /// Everything but administration: what Twilio calls a standard key; without this and --scopes it is a main key
        #[arg(long, conflicts_with = "scopes")]
        standard: bool,
        /// Days until it ends by itself
        #[arg(long)]
        expires_in_days: Option<u16>,
        #[command(flatten)]
        place: Place,
    },
    /// List the keys, without their texts
    #[command(after_help = "Example:\n  transom key list")]
    List {
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// End a key at once
    #[command(after_help = "Example:\n  transom key revoke 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Revoke {
        /// Which, as `key list` shows it
        key: String,
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AppCommand {
    /// Make or change an app
    #[command(after_help = "Example:\n  transom app put 123456789012345 --secret-file app.secret")]
    Put {
        /// Meta's app id
        id: String,
        /// File with the app secret; else META_APP_SECRET
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// Verify token of the handshake; else META_VERIFY_TOKEN, else one is made up
        #[arg(long)]
        verify_token: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// List the apps
    #[command(after_help = "Example:\n  transom app list")]
    List {
        #[command(flatten)]
        place: Place,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum SenderCommand {
    /// Add a WhatsApp number, or a Page of Messenger: read, check, register, subscribe, confirm, store
    #[command(
        after_help = "Examples:\n  MESSENGER_PAGE_TOKEN=… transom sender add --app 123456789012345 --page 456789012345678\n  META_ACCESS_TOKEN=… transom sender add --app 123456789012345 --waba 234567890123456 --phone-number-id 345678901234567 --pin 123456"
    )]
    Add {
        /// Whose; may be left out when there is only one business
        #[arg(long)]
        business: Option<String>,
        /// Meta's app id; may be left out when `app put` has stored just one
        #[arg(long, env = "META_APP_ID")]
        app: Option<String>,
        /// File with the app secret, which stores the app first; else META_APP_SECRET, else the app must be known
        #[arg(long, value_name = "FILE")]
        app_secret_file: Option<PathBuf>,
        /// Id of the WhatsApp Business Account
        #[arg(long, env = "META_WABA_ID", required_unless_present = "page")]
        waba: Option<String>,
        /// Phone number id (not the number)
        #[arg(long, env = "META_PHONE_NUMBER_ID", required_unless_present = "page")]
        phone_number_id: Option<String>,
        /// Id of a Page of Messenger, in place of a number
        #[arg(long)]
        page: Option<String>,
        /// File with the access token; else META_ACCESS_TOKEN, for a Page MESSENGER_PAGE_TOKEN
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
        /// Six digits, needed when the number must be registered; else META_PIN
        #[arg(long)]
        pin: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// List the senders
    #[command(after_help = "Example:\n  transom sender list")]
    List {
        /// Of this business only
        #[arg(long)]
        business: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Show how much one sender may send, how much of that is left, and what waits
    #[command(
        after_help = "Examples:\n  transom sender show +493023125001\n  transom sender show 01K5Z3V8Q4M9W2N7T6R1XBCDEF --json"
    )]
    Show {
        /// Which: its number or its id, as `sender list` shows them
        sender: String,
        #[command(flatten)]
        place: Place,
    },
    /// Look one sender over, here and at Meta
    #[command(after_help = "Examples:\n  transom sender check +493023125001\n  transom sender check 01K5Z3V8Q4M9W2N7T6R1XBCDEF")]
    Check {
        /// Which: its number or its id, as `sender list` shows them
        sender: String,
        #[command(flatten)]
        place: Place,
    },
    /// Let a stopped sender go on
    #[command(
        after_help = "Examples:\n  transom sender resume +493023125001\n  transom sender resume 01K5Z3V8Q4M9W2N7T6R1XBCDEF"
    )]
    Resume {
        /// Which: its number or its id, as `sender list` shows them
        sender: String,
        #[command(flatten)]
        place: Place,
    },
}

/// What an endpoint is told.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum TopicArg {
    /// Inbound messages
    Messages,
    /// How far messages got
    #[value(name = "delivery_status")]
    DeliveryStatus,
    /// What became of templates
    #[value(name = "template_status")]
    TemplateStatus,
}

/// Which gateway a message goes to.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// Folder of `transom dev`; else TRANSOM_URL, TRANSOM_BUSINESS and TRANSOM_API_KEY, else .transom
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// The dev.env itself, wherever it lies
    #[arg(long, value_name = "FILE", conflicts_with = "dir")]
    pub(crate) env: Option<PathBuf>,
    /// Address of a gateway, in the place of TRANSOM_URL
    #[arg(long, conflicts_with_all = ["dir", "env"])]
    pub(crate) url: Option<String>,
    /// Id of the business there, in the place of TRANSOM_BUSINESS
    #[arg(long, requires = "url")]
    pub(crate) business: Option<String>,
    /// Key of the business, in the place of TRANSOM_API_KEY, which other users of this machine cannot see
    #[arg(long, requires = "url")]
    pub(crate) key: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// What is to be said, and to whom.
#[derive(Debug, Args)]
pub(crate) struct MessageArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// To whom: +E.164, bsuid:CC.…, or messenger:<psid>
    #[arg(long)]
    pub(crate) to: String,
    /// Through which sender; may be left out when only one can be meant
    #[arg(long)]
    pub(crate) from: Option<String>,
    /// A text
    #[arg(long, conflicts_with = "content", required_unless_present = "content")]
    pub(crate) text: Option<String>,
    /// A JSON file with content (`-` reads standard input): {"language","types",…}
    #[arg(long, value_name = "FILE")]
    pub(crate) content: Option<PathBuf>,
    /// Language of the text
    #[arg(long, default_value = "en")]
    pub(crate) language: String,
    /// Value of a variable; may be repeated
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// Go as this template and no other
    #[arg(long, value_name = "NAME:LANGUAGE")]
    pub(crate) template: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    #[command(flatten)]
    pub(crate) message: MessageArgs,
    /// Replays the first answer when it is sent again under the same key
    #[arg(long)]
    pub(crate) idempotency_key: Option<String>,
    /// Wait until it is delivered, read or failed
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a file with every key at its default, described
    #[command(after_help = "Example:\n  transom config reference > transom.toml")]
    Reference,
    /// Say what is wrong with a configuration
    #[command(after_help = "Example:\n  transom config check --config transom.toml")]
    Check(ServeArgs),
    /// Show every value in force
    #[command(after_help = "Example:\n  transom config show --config transom.toml --origin")]
    Show {
        #[command(flatten)]
        source: ServeArgs,
        /// Also say where each value came from
        #[arg(long)]
        origin: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[cfg(test)]
#[path = "args_tests.rs"]
mod tests;
