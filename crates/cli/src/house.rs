//! Starting a gateway from a configuration, and closing it again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use transom_clock::WorldClock;
use transom_domain::endpoint::TIMEOUT_MAX;
use transom_domain::time::Span;
use transom_gateway::admin::{Admin, Door};
use transom_gateway::chance::Chance;
use transom_gateway::config::Config;
use transom_gateway::console::{CALLBACK_PATH, ConsoleSettings, Oidc, OidcSettings};
use transom_gateway::http::HttpSettings;
use transom_gateway::media::MediaSettings;
use transom_gateway::media::bucket::{Bucket, BucketPlace};
use transom_gateway::media::vault::{Folder, Vault};
use transom_gateway::service::{AddressRules, HistorySettings, Limits};
use transom_gateway::traces::{Exporting, TraceSettings};
use transom_gateway::upstream::UpstreamSettings;
use transom_gateway::wire::{Http, Wires};
use transom_gateway::work::replicas::ReplicaSettings;
use transom_gateway::{Gateway, GatewayParts, HouseParts};
use transom_simulator::StartError;
use transom_store::{FolderLock, Keep};

use crate::fail::Fail;
use crate::signals::Signals;
use crate::stores::{self, For, Opened};

/// How long the provider of sign-ins may take for one answer; somebody waits meanwhile.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the spans that wait at the end may take to be told.
const TRACES_END: Duration = Duration::from_secs(2);

/// A running gateway with its operator's door.
pub(crate) struct House {
    gateway: Gateway,
    store: Opened,
    _folder: Option<FolderLock>,
    door: Door,
    config: Config,
    /// Spans on their way to the collector, where one is configured.
    traces: Option<Exporting>,
    signals: tokio::sync::Mutex<Signals>,
}

impl House {
    /// Opens the store, binds the port, starts. `port_flag` is the argument that would choose another port;
    /// `simulator` is the address of the simulator on the same desk, at which the console needs no sign-in.
    ///
    /// # Errors
    /// When the folder is held or cannot be written, the port is in use, or the store does not answer.
    pub(crate) async fn start(
        config: Config,
        clock: WorldClock,
        port_flag: &str,
        simulator: Option<String>,
    ) -> Result<Self, Fail> {
        let listener = listen(config.server.listen, port_flag).await?;
        let address = listener.local_addr().map_err(|why| Fail::new(format!("the listener has no address: {why}")))?;
        let folder = stores::own_folder(&config)?;
        let key = if config.store.url.is_some() { Some(stores::sealing_key(&config)?) } else { None };
        let store = Opened::open(&config, For::Serving).await?;
        // The embedded store's folder, in which the key may be made, is only now this process's own.
        let key = key.map_or_else(|| stores::sealing_key(&config), Ok)?;
        let local = format!("http://{}", reachable(address));
        let public_url = config.server.public_url.as_ref().map_or_else(|| local.clone(), |url| url.as_str().to_owned());
        let oidc = oidc(&config, &public_url)?;
        let traces = traces(&config)?;
        let door = Door::new(&local).map_err(|why| Fail::new(why.to_string()))?;
        let house = HouseParts {
            store: store.store(),
            clock,
            key,
            public_url: Some(public_url),
            upstream: upstream(&config),
            upstream_connections: config.upstream.connections,
            upstream_per_sender: config.upstream.per_sender,
            limits: Limits {
                accept_per_second: config.limits.accept_per_second,
                accept_burst: config.limits.accept_burst,
                backlog_max: config.limits.backlog_max,
                schedule_max: config.limits.schedule_max,
                idempotency_keep: config.limits.idempotency_keep,
                unknown_wait: config.limits.unknown_wait,
                pair_gap: config.limits.pair_gap,
                pair_burst: config.limits.pair_burst,
                endpoint_timeout: config.webhooks.timeout,
                console_idle: config.console.idle,
                endpoint_disable_after: config.webhooks.disable_after,
                history: HistorySettings { after: config.history.after, per_minute: config.history.per_minute },
            },
            addresses: addresses(&config),
            wires: wires(&config)?,
            template_interval: config.templates.sync_interval,
            keep: Keep {
                messages: config.retention.messages,
                events: config.retention.events,
                journal: config.retention.journal,
                media: config.retention.media,
            },
            media: media(&config)?,
            chance: Chance::of_system(),
            replica: ReplicaSettings {
                address: config.replica.address.as_ref().map_or_else(|| from_elsewhere(address), |url| url.as_str().to_owned()),
                lease: config.replica.lease,
            },
            gate: None,
        };
        let gateway = Gateway::start(GatewayParts {
            house,
            listener,
            http: HttpSettings {
                connections_max: config.server.max_connections,
                header_timeout: duration(config.server.header_timeout),
                first_byte_timeout: duration(config.server.header_timeout),
                body_timeout: duration(config.server.body_timeout),
                // Whoever may take so long to send may take so long to receive.
                write_timeout: duration(config.server.body_timeout),
                drain: duration(config.server.drain),
                ..HttpSettings::default()
            },
            console: ConsoleSettings {
                enabled: config.console.enabled,
                longest: config.console.longest,
                simulator,
                public_url: config.server.public_url.as_ref().map(|url| url.as_str().to_owned()),
                trusted_proxies: config.server.trusted_proxies.clone().unwrap_or_default(),
                passwords: config.console.passwords,
                oidc,
            },
            admin_token: Some(door.token.clone()),
        })
        .await
        .map_err(|why| Fail::new(format!("the gateway cannot start: {why}")))?;
        door.open(&config.store.dir).map_err(|why| {
            Fail::new(format!("{} cannot be written: {why}", config.store.dir.display()))
                .remedy("Make the folder writable for this user.")
        })?;
        // Before anybody is told that it is ready: whoever hears so may stop it at once.
        let signals = tokio::sync::Mutex::new(Signals::catch()?);
        Ok(Self { gateway, store, _folder: folder, door, config, traces, signals })
    }

    /// Where it listens, as a client on this machine reaches it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", reachable(self.gateway.address()))
    }

    /// Its operator's hand.
    pub(crate) fn admin(&self) -> &Admin {
        self.gateway.admin()
    }

    /// Runs until a signal, or until the store can no longer make anything durable.
    ///
    /// # Errors
    /// When the store has failed: it is not tried again, since what a failed sync has lost is not known.
    pub(crate) async fn until_stopped(&self) -> Result<(), Fail> {
        tokio::select! {
            () = async { self.signals.lock().await.first().await } => Ok(()),
            why = self.store.failed() => Err(Fail::new(format!("the store has failed: {why}"))
                .remedy("Mend the disk, then start again: everything that was accepted is there.")),
        }
    }

    /// Drains and closes. Says whether everything under way ended in time.
    pub(crate) async fn stop(self) -> bool {
        self.door.close(&self.config.store.dir);
        let in_time = self.gateway.drain(duration(self.config.server.drain)).await;
        if let Some(traces) = self.traces {
            traces.end(TRACES_END).await;
        }
        in_time
    }
}

/// Starts telling spans to the collector that a configuration names, if it does.
fn traces(config: &Config) -> Result<Option<Exporting>, Fail> {
    let Some(endpoint) = &config.traces.endpoint else { return Ok(None) };
    let settings = TraceSettings { endpoint: endpoint.as_str().to_owned(), percent: config.traces.percent };
    let started = transom_gateway::traces::start(&settings);
    started.map(Some).map_err(|why| Fail::new(format!("traces.endpoint cannot be used: {why}")))
}

/// How Meta is called.
pub(crate) fn upstream(config: &Config) -> UpstreamSettings {
    UpstreamSettings {
        graph_url: config.upstream.graph_url.as_str().to_owned(),
        version: config.upstream.version.as_str().to_owned(),
    }
}

/// How files are kept.
///
/// # Errors
/// When what is configured makes no store of files.
pub(crate) fn media(config: &Config) -> Result<MediaSettings, Fail> {
    let media = &config.media;
    let dir = media.dir.clone().unwrap_or_else(|| config.store.dir.join("media"));
    let vault: Arc<dyn Vault> = match &media.bucket {
        None => Arc::new(Folder::new(dir.clone())),
        Some(bucket) => {
            let place = BucketPlace {
                bucket: bucket.clone(),
                prefix: media.prefix.clone(),
                endpoint: media.endpoint.as_ref().map(|endpoint| endpoint.as_str().to_owned()),
                region: media.region.clone(),
            };
            Arc::new(Bucket::new(place).map_err(|why| Fail::new(why.to_string()))?)
        }
    };
    // Beside the files, so that they are moved and not copied; but where many processes keep files in one folder, in each one's own, since
    // what lies there at a start is removed.
    let stage = if config.store.url.is_some() { &config.store.dir } else { &dir };
    Ok(MediaSettings {
        stage: stage.join(".incoming"),
        vault,
        link_life: media.link_life,
        fetches: media.fetches,
        check_links: media.check_links,
    })
}

/// The ways out, with their time limits.
pub(crate) fn wires(config: &Config) -> Result<Wires, Fail> {
    Wires::http(
        config.upstream.graph_url.as_str(),
        duration(config.upstream.timeout),
        // The most that any endpoint may ask for; each has its own limit within.
        duration(config.webhooks.timeout.max(Span::secs(i64::from(TIMEOUT_MAX)))),
        addresses(config),
    )
    .map_err(|why| Fail::new(format!("the network cannot be used: {why}")))
}

/// How people sign in at a provider, where one is named.
///
/// # Errors
/// When the file with the secret cannot be read, or TLS cannot be set up.
fn oidc(config: &Config, public_url: &str) -> Result<Option<Oidc>, Fail> {
    let settings = &config.oidc;
    let (Some(issuer), Some(client_id)) = (&settings.issuer, &settings.client_id) else { return Ok(None) };
    let client_secret = match &settings.client_secret_file {
        None => settings.client_secret.as_ref().map(|secret| secret.0.clone()),
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|why| Fail::usage(format!("oidc.client_secret_file: {} cannot be read: {why}", path.display())))?;
            match text.trim() {
                "" => return Err(Fail::usage(format!("oidc.client_secret_file: {} is empty", path.display()))),
                text => Some(text.to_owned()),
            }
        }
    };
    let wire = Http::upstream(issuer.as_str(), PROVIDER_TIMEOUT)
        .map_err(|why| Fail::new(format!("the network cannot be used: {why}")))?;
    Ok(Some(Oidc::new(OidcSettings {
        issuer: issuer.as_str().to_owned(),
        client_id: client_id.clone(),
        client_secret,
        scopes: settings.scopes.0.clone(),
        name_claim: settings.name_claim.clone(),
        trust_email: settings.trust_email,
        domains: settings.domains.clone().unwrap_or_default().0,
        roles: settings.roles_claim.clone().zip(settings.roles.clone()),
        callback: format!("{public_url}{CALLBACK_PATH}"),
        wire: Arc::new(wire),
    })))
}

/// Which webhook addresses are allowed.
pub(crate) fn addresses(config: &Config) -> AddressRules {
    let webhooks = &config.webhooks;
    AddressRules {
        allow_http: webhooks.allow_http,
        allow_loopback: webhooks.allow_loopback,
        allow_private: webhooks.allow_private,
    }
}

/// As the system counts time.
pub(crate) fn duration(span: Span) -> Duration {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(0))
}

async fn listen(address: SocketAddr, flag: &str) -> Result<TcpListener, Fail> {
    TcpListener::bind(address).await.map_err(|why| cannot_listen("the gateway", address, &why, flag))
}

fn cannot_listen(who: &str, address: SocketAddr, why: &std::io::Error, flag: &str) -> Fail {
    let (said, remedy) = if why.kind() == std::io::ErrorKind::AddrInUse {
        ("another program listens there".to_owned(), "Stop that program, or choose")
    } else {
        (why.to_string(), "Choose")
    };
    Fail::new(format!("{who} cannot listen on {address}: {said}"))
        .remedy(format!("{remedy} another port with {flag}; 0 takes a free one."))
}

/// Why the simulator did not start; `port_flag` is the argument that would choose another port.
pub(crate) fn simulator_failed(why: StartError, port_flag: &str) -> Fail {
    match why {
        StartError::Listen { address, source } => cannot_listen("the simulator", address, &source, port_flag),
        why => Fail::new(why.to_string()),
    }
}

/// An address that a client on this machine can use: a listener on every interface is reached on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, address.port())) } else { address }
}

/// How another machine reaches a listener: one on every interface by the address by which this machine reaches others, where it has one.
/// Nothing is sent to find that out.
fn from_elsewhere(address: SocketAddr) -> String {
    let outward = || {
        let socket = std::net::UdpSocket::bind((std::net::Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        // Of the range for documents: routed as any other, and nobody's.
        socket.connect((std::net::Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
        Some(SocketAddr::new(socket.local_addr().ok()?.ip(), address.port()))
    };
    let found = if address.ip().is_unspecified() { outward().unwrap_or_else(|| reachable(address)) } else { address };
    format!("http://{found}")
}
