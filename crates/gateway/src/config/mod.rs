//! Configuration: one table of keys, four places a value can come from (default, file, environment, command line), and for
//! each value the knowledge of where it came from.
//!
//! The table below is the only list of keys: the struct, the checks, `transom config show --origin` and the reference page
//! are all made from it.

mod layer;
mod page;
mod setting;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use transom_domain::Span;

pub use layer::{ConfigError, ConfigErrors, Origin, Sources};
pub use page::{reference_file, reference_page};
pub use setting::{BaseUrl, ByteSize, GraphVersion, LogFormat, Setting};

/// One key, as the reference page and `config show` present it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDoc {
    /// `section.key`, as in the file.
    pub key: &'static str,
    /// What kind of value it takes, in words.
    pub kind: &'static str,
    /// The default as it would be written, or none when there is none.
    pub default: Option<String>,
    /// The environment variable that sets it.
    pub env: String,
    /// What it does.
    pub sentence: String,
}

/// A value in force and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// `section.key`.
    pub key: &'static str,
    /// The value as it would be written; none when unset.
    pub value: Option<String>,
    /// Where it came from.
    pub origin: Origin,
}

/// A configuration with the origin of every value.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The values.
    pub config: Config,
    /// Each key with its value and origin, in the order of the reference page.
    pub in_force: Vec<InForce>,
}

/// Declares sections, keys, defaults and sentences once.
macro_rules! keys {
    ($($(#[doc = $section_doc:literal])+ $section:ident: $Section:ident {
        $($(#[doc = $doc:literal])+ $key:ident: $type:ty = $default:expr;)+
    })+) => {
        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone, PartialEq)]
            pub struct $Section {
                $($(#[doc = $doc])+ pub $key: $type,)+
            }

            impl Default for $Section {
                fn default() -> Self {
                    Self { $($key: $default,)+ }
                }
            }
        )+

        /// Everything that can be configured.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub struct Config {
            $($(#[doc = $section_doc])+ pub $section: $Section,)+
        }

        impl Config {
            /// Every key, in the order of the reference page.
            #[must_use]
            pub fn reference() -> Vec<KeyDoc> {
                let defaults = Self::default();
                vec![$($(KeyDoc {
                    key: concat!(stringify!($section), ".", stringify!($key)),
                    kind: <$type as Setting>::KIND,
                    default: defaults.$section.$key.shown(),
                    env: layer::env_name(stringify!($section), stringify!($key)),
                    sentence: concat!($($doc),+).trim().to_owned(),
                },)+)+]
            }

            /// The sections with what each is about.
            #[must_use]
            pub fn sections() -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($section), concat!($($section_doc),+).trim_ascii()),)+]
            }

            /// Sets every key that a layer names; collects what does not parse.
            fn fill(layers: &layer::Layers, errors: &mut Vec<ConfigError>) -> Loaded {
                let mut config = Self::default();
                let mut in_force = Vec::new();
                $($({
                    const KEY: &str = concat!(stringify!($section), ".", stringify!($key));
                    let mut origin = Origin::Default;
                    if let Some((text, from)) = layers.get(KEY) {
                        match <$type as Setting>::read(text) {
                            Ok(value) => config.$section.$key = value,
                            Err(expected) => errors.push(ConfigError::value(from, KEY, text, <$type as Setting>::KIND, expected)),
                        }
                        origin = from.clone();
                    }
                    in_force.push(InForce { key: KEY, value: config.$section.$key.shown(), origin });
                })+)+
                Loaded { config, in_force }
            }
        }
    };
}

keys! {
    /// The HTTP listener.
    server: ServerConfig {
        /// Address and port on which the API and Meta's webhooks are served; port 0 takes a free one.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        /// Where Meta reaches this server from outside, such as `https://gateway.example.com`; `sender add` subscribes
        /// `{public_url}/webhooks/meta/{app}` at Meta.
        public_url: Option<BaseUrl> = None;
        /// How long requests and sends under way may take to finish after SIGTERM.
        drain: Span = Span::secs(20);
        /// Most connections at once; further ones wait in the backlog of the operating system.
        max_connections: usize = 10_000;
        /// How long a client may take to send the head of a request.
        header_timeout: Span = Span::secs(10);
        /// How long a client may take to send the body of a request.
        body_timeout: Span = Span::secs(30);
    }
    /// Where everything is kept.
    store: StoreConfig {
        /// Folder of the embedded store; made when it is missing, locked by the process that uses it.
        dir: PathBuf = PathBuf::from("transom-data");
        /// The most that the write-ahead log may have; larger means fewer pages written twice, longer waits for the disk when it is
        /// written back, and a longer start after a kill.
        log_max: ByteSize = ByteSize(16 << 20);
        /// Room on the disk that is kept for what is heard: with less than this free, sends hear 503 with Retry-After until there
        /// is more; 0B keeps none.
        disk_reserve: ByteSize = ByteSize(256 << 20);
    }
    /// Meta's Graph API, or the simulator.
    upstream: UpstreamConfig {
        /// Base address of the Graph API, without a version.
        graph_url: BaseUrl = BaseUrl::known("https://graph.facebook.com");
        /// Version of the Graph API that is called; v21.0 to v26.0 are served.
        version: GraphVersion = GraphVersion::default();
        /// After how long the answer to a send counts as lost.
        timeout: Span = Span::secs(30);
        /// Calls under way at once, all senders together.
        connections: usize = 256;
        /// Calls under way at once for one sender.
        per_sender: usize = 64;
    }
    /// How much is taken on, and how fast it goes out.
    limits: LimitsConfig {
        /// Sends accepted per second and business; beyond it callers hear 429 with Retry-After.
        accept_per_second: u32 = 200;
        /// Sends accepted at once before the rate applies.
        accept_burst: u32 = 400;
        /// Messages of one sender that may wait; beyond it callers hear 429.
        backlog_max: u64 = 1_000_000;
        /// How long a message whose answer was lost waits for a status before `whenUnknown` decides.
        unknown_wait: Span = Span::minutes(10);
        /// Gap between two messages to the same customer (Meta: 1 per 6 seconds).
        pair_gap: Span = Span::secs(6);
        /// Messages to the same customer that may be borrowed ahead of that gap (Meta: 45).
        pair_burst: u32 = 45;
        /// How long an idempotency key is remembered; at least 24h.
        idempotency_keep: Span = Span::hours(48);
    }
    /// Templates as known from Meta.
    templates: TemplatesConfig {
        /// How often all templates are read again; webhooks keep them true in between.
        sync_interval: Span = Span::hours(1);
    }
    /// Deliveries to the webhook endpoints of businesses.
    webhooks: WebhooksConfig {
        /// How long an endpoint may take to answer, unless it says otherwise itself.
        timeout: Span = Span::secs(15);
        /// How long an endpoint may take nothing before it is switched off, with the event `endpoint.disabled`.
        disable_after: Span = Span::days(5);
        /// Allow endpoints on this machine (127.0.0.0/8, ::1), and on no other private network.
        allow_loopback: bool = false;
        /// Allow endpoints on private, loopback and link-local addresses. Only for networks in which every tenant is trusted.
        allow_private: bool = false;
        /// Allow endpoints without TLS.
        allow_http: bool = false;
    }
    /// Files: what customers send, and what callers upload. They lie in a folder, or in a bucket of any S3-compatible store; its
    /// credentials are taken from the environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`) or, where
    /// those are not set, from the machine's or the container's own role.
    media: MediaConfig {
        /// Folder of the files, readable by this user alone; without it, `media` in the store's folder.
        dir: Option<PathBuf> = None;
        /// Name of the bucket; set, files lie in it, and only those that are still coming lie in the folder.
        bucket: Option<String> = None;
        /// What their names in the bucket begin with, without a slash at its end.
        prefix: Option<String> = None;
        /// Address of the S3-compatible store; without it, Amazon's of the region. The bucket's name stands in the path.
        endpoint: Option<BaseUrl> = None;
        /// Region of the bucket.
        region: String = "us-east-1".to_owned();
        /// How long a link to a file is good, at least; it ends at a full hour.
        link_life: Span = Span::days(7);
        /// Files fetched from Meta at once, all senders together; four of one sender at most.
        fetches: usize = 16;
        /// Look at each link of a file that is to be sent, for type and size, before Meta is given it. A link that does not answer
        /// is passed on; one that answers with what Meta would refuse is refused.
        check_links: bool = true;
    }
    /// How long what is over is kept. What is past it is removed in small slices while everything goes on.
    retention: RetentionConfig {
        /// Messages that are over, from when they were accepted, with their timeline; at least 8d, since Meta repeats webhooks
        /// for seven days. One that still waits is kept whatever its age.
        messages: Span = Span::days(90);
        /// Events, once every webhook endpoint has been told; a cursor older than what is left gets 410.
        events: Span = Span::days(30);
        /// Raw bodies of Meta's webhooks.
        journal: Span = Span::days(14);
        /// Files, from when they came; one that came with a message never longer than the message.
        media: Span = Span::days(90);
    }
    /// What is written to standard error.
    log: LogConfig {
        /// `text` for people, `json` for machines.
        format: LogFormat = LogFormat::Text;
        /// Level, or a filter such as `info,transom_gateway=debug`. Content of messages is never logged.
        level: String = "info".to_owned();
    }
    /// The key that seals upstream tokens, app secrets and webhook secrets in the store.
    seal: SealConfig {
        /// File with the key, mode 0600; without it, `seal.key` in the store's folder, made at the first start.
        key_file: Option<PathBuf> = None;
    }
}

impl Config {
    /// Reads every source, later ones over earlier ones: defaults, file, environment, command line.
    ///
    /// # Errors
    /// Every finding at once: unknown keys (with the nearest known name), values of the wrong kind, values that do not go
    /// together.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
        let mut errors = Vec::new();
        let layers = layer::Layers::read(sources, &Self::reference(), &mut errors);
        let loaded = Self::fill(&layers, &mut errors);
        loaded.config.check(&loaded.in_force, &mut errors);
        if errors.is_empty() { Ok(loaded) } else { Err(ConfigErrors(errors)) }
    }

    /// Rules that one value alone cannot tell.
    fn check(&self, in_force: &[InForce], errors: &mut Vec<ConfigError>) {
        let mut wrong = |key: &'static str, rule: &str, remedy: &str| {
            let from = in_force.iter().find(|v| v.key == key).map_or(&Origin::Default, |v| &v.origin);
            errors.push(ConfigError::rule(from, key, rule, remedy));
        };
        for (key, value) in [
            ("server.max_connections", self.server.max_connections),
            ("upstream.connections", self.upstream.connections),
            ("upstream.per_sender", self.upstream.per_sender),
            ("limits.accept_per_second", self.limits.accept_per_second as usize),
            ("limits.accept_burst", self.limits.accept_burst as usize),
            ("limits.pair_burst", self.limits.pair_burst as usize),
            ("media.fetches", self.media.fetches),
        ] {
            if value == 0 {
                wrong(key, "must be at least 1", "leave it out for the default");
            }
        }
        if self.store.log_max < ByteSize(4 << 20) {
            wrong("store.log_max", "must be at least 4MiB", "write 4MiB or more, or leave it out");
        }
        for (key, value, least) in [
            ("limits.idempotency_keep", self.limits.idempotency_keep, Span::hours(24)),
            ("limits.unknown_wait", self.limits.unknown_wait, self.upstream.timeout),
            ("retention.messages", self.retention.messages, Span::days(8)),
            ("retention.events", self.retention.events, Span::days(1)),
            ("retention.journal", self.retention.journal, Span::hours(1)),
            ("media.link_life", self.media.link_life, Span::hours(1)),
            ("retention.media", self.retention.media, Span::hours(1)),
            ("templates.sync_interval", self.templates.sync_interval, Span::secs(10)),
            ("upstream.timeout", self.upstream.timeout, Span::secs(1)),
            ("webhooks.timeout", self.webhooks.timeout, Span::secs(1)),
            ("webhooks.disable_after", self.webhooks.disable_after, Span::hours(1)),
            ("server.header_timeout", self.server.header_timeout, Span::secs(1)),
            ("server.body_timeout", self.server.body_timeout, Span::secs(1)),
        ] {
            if value < least {
                let least = least.shown().unwrap_or_default();
                wrong(key, &format!("must be at least {least}"), &format!("write {least} or more, or leave it out"));
            }
        }
    }
}

#[cfg(test)]
mod tests;
