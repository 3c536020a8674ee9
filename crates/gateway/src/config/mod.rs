//! Configuration: one table of keys, four places a value can come from (default, file, environment, command line), and for
//! each value the knowledge of where it came from.
//!
//! The table below is the only list of keys: the struct, the checks, `transom config show --origin` and the reference page
//! are all made from it.

mod layer;
mod networks;
mod page;
mod setting;
mod sign_in;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use transom_domain::Span;
use transom_store::PostgresAddress;

pub use layer::{ConfigError, ConfigErrors, Origin, Sources};
pub use networks::Networks;
pub use page::{reference_file, reference_page};
pub use setting::{BaseUrl, ByteSize, GraphVersion, LogFormat, Setting};
pub use sign_in::{Hidden, Issuer, RoleMap, Words};

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
                            Err(expected) => errors.push(ConfigError::value::<$type>(from, KEY, text, expected)),
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
        /// Proxies in front of this server, as addresses or networks with spaces between, such as `10.0.0.7 172.16.0.0/12`. From them, the
        /// nearest address of `X-Forwarded-For` that is none of theirs is where somebody signs in from, by which wrong passwords are counted.
        trusted_proxies: Option<Networks> = None;
        /// How long requests and sends under way may take to finish after SIGTERM.
        drain: Span = Span::secs(20);
        /// Most connections at once; further ones wait in the backlog of the operating system.
        max_connections: usize = 10_000;
        /// How long a client may take to send the head of a request.
        header_timeout: Span = Span::secs(10);
        /// How long a client may take to send the body of a request.
        body_timeout: Span = Span::secs(30);
    }
    /// Where everything is kept: in a folder of this machine, or on PostgreSQL, where any number of processes work on it.
    store: StoreConfig {
        /// Folder of the embedded store; made when it is missing, locked by the process that uses it. With `url`, only what is this
        /// process's own lies in it: files that are still coming, and the operator's door.
        dir: PathBuf = PathBuf::from("transom-data");
        /// The most that the write-ahead log may have; larger means fewer pages written twice, longer waits for the disk when it is
        /// written back, and a longer start after a kill.
        log_max: ByteSize = ByteSize(16 << 20);
        /// Room on the disk that is kept for what is heard: with less than this free, sends hear 503 with Retry-After until there
        /// is more; 0B keeps none.
        disk_reserve: ByteSize = ByteSize(256 << 20);
        /// PostgreSQL, in place of the embedded store: `postgres://user@host:5432/database`, several hosts parted by commas,
        /// of which the one that takes writes is found. TLS is asked for and the certificate verified, unless `?sslmode=disable` follows or the host is this machine.
        url: Option<PostgresAddress> = None;
        /// File with the password for it, on one line; without it, the one in `url`.
        password_file: Option<PathBuf> = None;
        /// File with certificates (PEM) that are trusted for it, besides the machine's own.
        ca_file: Option<PathBuf> = None;
        /// Connections to it of this process: three for the house, the journal and the lease, a third of the others to write, the rest to read.
        connections: usize = 14;
        /// How long one statement may take before PostgreSQL ends it.
        statement_timeout: Span = Span::secs(30);
        /// How long a start waits for it to answer, before it ends with an error.
        start_timeout: Span = Span::minutes(1);
    }
    /// One replica among those that work on the same store.
    replica: ReplicaConfig {
        /// Where the other replicas reach this one, such as `http://10.0.0.7:8080`; without it the address on which it listens, or of a
        /// listener on every interface the one by which this machine reaches others.
        address: Option<BaseUrl> = None;
        /// How long what a replica holds stays its own after it was last heard of: so long nobody speaks for its senders when it is killed.
        lease: Span = Span::secs(10);
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
        /// Messages of one sender that may wait for one more to be scheduled; what goes at once has the rest of `backlog_max`.
        schedule_max: u64 = 500_000;
        /// How long a message whose answer was lost waits for a status before `whenUnknown` decides.
        unknown_wait: Span = Span::minutes(10);
        /// Gap between two messages to the same customer (Meta: 1 per 6 seconds).
        pair_gap: Span = Span::secs(6);
        /// Messages to the same customer that may be borrowed ahead of that gap (Meta: 45).
        pair_burst: u32 = 45;
        /// How long an idempotency key is remembered; at least 24h.
        idempotency_keep: Span = Span::hours(48);
    }
    /// Statuses that never came are asked for, where Meta offers its message history to the app.
    history: HistoryConfig {
        /// After how long Meta is asked about a message of which nothing was heard. One that was sent and not delivered is asked about after
        /// 23 hours, and none after seven days.
        after: Span = Span::minutes(15);
        /// Messages of one sender that Meta is asked about per minute; 0 asks about none.
        per_minute: usize = 20;
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
    /// The console at `/console`.
    console: ConsoleConfig {
        /// Serve it. Without it, whoever has no API key gets nothing here.
        enabled: bool = true;
        /// How long a sign-in lasts that is not used.
        idle: Span = Span::hours(12);
        /// How long a sign-in lasts, however much it is used.
        longest: Span = Span::days(7);
        /// Take passwords. Without them everybody signs in at the provider that `oidc` names.
        passwords: bool = true;
    }
    /// Signing in to the console with an account of the company's own, at any OpenID Connect provider. It is told of one address to
    /// send people back to: `{server.public_url}/console/auth/oidc/callback`.
    oidc: OidcConfig {
        /// The provider, spelt as it spells itself in its tokens.
        issuer: Option<Issuer> = None;
        /// What this gateway is called there.
        client_id: Option<String> = None;
        /// Its secret there. Without one, the gateway is a public client; every sign-in is bound to its browser in any case (PKCE).
        client_secret: Option<Hidden> = None;
        /// File with the secret, on one line, instead.
        client_secret_file: Option<PathBuf> = None;
        /// What is asked for of somebody, with spaces between; `openid` always is.
        scopes: Words = Words(vec!["email".to_owned(), "profile".to_owned()]);
        /// The claim that has somebody's name.
        name_claim: String = "name".to_owned();
        /// Take an address for somebody's own where the provider says nothing of it (`email_verified` is missing, as with Microsoft
        /// Entra ID). Only where people cannot choose their address at the provider themselves.
        trust_email: bool = false;
        /// What addresses must end in behind the `@`, with spaces between; any, without it.
        domains: Option<Words> = None;
        /// The claim that has somebody's groups, such as `groups`; parts of a path may stand with dots between.
        roles_claim: Option<String> = None;
        /// What its groups mean here, such as `it=owner; support=agent@01K5Z3V8Q4M9W2N7T6R1XBCDEF`. With it, the provider alone says what
        /// somebody is who signs in through it, at each sign-in, and new users are made; without it, an operator makes them first.
        roles: Option<RoleMap> = None;
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
    /// Traces of messages, from the request that brings one to the last webhook that tells of it, for OpenTelemetry. A span says which
    /// message and how it went, never whom it is for or what it says.
    traces: TracesConfig {
        /// Address of a collector that takes OTLP over HTTP, such as `http://localhost:4318`; without it nothing is traced.
        endpoint: Option<BaseUrl> = None;
        /// How many of a hundred messages are traced whose callers say nothing of it in `traceparent`; 0 to 100.
        percent: u32 = 100;
    }
    /// The key that seals upstream tokens, app secrets and webhook secrets in the store.
    seal: SealConfig {
        /// File with the key, mode 0600; without it, `seal.key` in the store's folder, made at the first start.
        key_file: Option<PathBuf> = None;
    }
}

/// One that writes, one that reads, the house's, the journal's and the lease's.
const CONNECTIONS_MIN: usize = 5;

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
        let oidc = &self.oidc;
        if oidc.issuer.is_some() != oidc.client_id.is_some() {
            let (absent, present) =
                if oidc.issuer.is_none() { ("oidc.issuer", "oidc.client_id") } else { ("oidc.client_id", "oidc.issuer") };
            wrong(absent, &format!("must be set where {present} is"), "set both, or neither");
        }
        if oidc.roles_claim.is_some() != oidc.roles.is_some() {
            let (absent, present) =
                if oidc.roles.is_none() { ("oidc.roles", "oidc.roles_claim") } else { ("oidc.roles_claim", "oidc.roles") };
            wrong(absent, &format!("must be set where {present} is"), "set both, or neither");
        }
        if oidc.client_secret.is_some() && oidc.client_secret_file.is_some() {
            wrong("oidc.client_secret_file", "cannot be set beside oidc.client_secret", "keep one of them");
        }
        if !self.console.passwords && oidc.issuer.is_none() {
            wrong("console.passwords", "cannot be false without oidc.issuer: nobody could sign in", "set oidc.issuer too");
        }
        if self.traces.percent > 100 {
            wrong("traces.percent", "must be at most 100", "write 0 to 100, or leave it out");
        }
        if self.store.log_max < ByteSize(4 << 20) {
            wrong("store.log_max", "must be at least 4MiB", "write 4MiB or more, or leave it out");
        }
        if self.store.connections < CONNECTIONS_MIN {
            wrong("store.connections", "must be at least 5", "write 5 or more, or leave it out");
        }
        for (key, set) in
            [("store.password_file", self.store.password_file.is_some()), ("store.ca_file", self.store.ca_file.is_some())]
        {
            if set && self.store.url.is_none() {
                wrong(key, "is for PostgreSQL, and store.url is not set", "set store.url, or leave it out");
            }
        }
        for (key, value, least) in [
            ("store.statement_timeout", self.store.statement_timeout, Span::secs(1)),
            ("limits.idempotency_keep", self.limits.idempotency_keep, Span::hours(24)),
            ("limits.unknown_wait", self.limits.unknown_wait, self.upstream.timeout),
            ("replica.lease", self.replica.lease, Span::secs(3)),
            ("history.after", self.history.after, Span::minutes(1)),
            ("retention.messages", self.retention.messages, Span::days(8)),
            ("retention.events", self.retention.events, Span::days(1)),
            ("retention.journal", self.retention.journal, Span::hours(1)),
            ("media.link_life", self.media.link_life, Span::hours(1)),
            ("retention.media", self.retention.media, Span::hours(1)),
            ("templates.sync_interval", self.templates.sync_interval, Span::secs(10)),
            ("upstream.timeout", self.upstream.timeout, Span::secs(1)),
            ("console.idle", self.console.idle, Span::minutes(1)),
            ("console.longest", self.console.longest, self.console.idle),
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
