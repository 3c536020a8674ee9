//! Putting the house together, and closing it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use transom_clock::{Settles, WorldClock};
use transom_domain::time::Span;
use transom_store::{Keep, Store, StoreError};

use crate::admin::Admin;
use crate::chance::Chance;
use crate::directory::Directory;
use crate::http::{self, HttpSettings};
use crate::intake::Intake;
use crate::media::fetch::{Fetcher, FetcherParts};
use crate::media::links::Links;
use crate::media::{Files, MediaSettings};
use crate::seal::SealingKey;
use crate::service::{AddressRules, Limits, Samples, Service, ServiceParts};
use crate::telemetry;
use crate::templates::Library;
use crate::upstream::{Upstream, UpstreamSettings};
use crate::wire::Wires;
use crate::work::dispatcher::{Dispatcher, DispatcherParts};
use crate::work::rehearing::Rehearing;
use crate::work::relay::{Relay, RelayParts};
use crate::work::rest::Rest;
use crate::work::tasks::{Gate, Tasks};
use crate::work::upkeep::Upkeep;

/// What a house is started with.
pub struct HouseParts {
    /// The store, open.
    pub store: Arc<dyn Store>,
    /// World time.
    pub clock: WorldClock,
    /// The sealing key.
    pub key: SealingKey,
    /// Our address as others reach it, without a trailing slash; none when nobody listens.
    pub public_url: Option<String>,
    /// Meta.
    pub upstream: UpstreamSettings,
    /// Calls upstream at once, all senders together.
    pub upstream_connections: usize,
    /// Calls upstream at once of one sender.
    pub upstream_per_sender: usize,
    /// Limits on callers.
    pub limits: Limits,
    /// Which webhook addresses are allowed.
    pub addresses: AddressRules,
    /// The ways out, to Meta and to webhook endpoints.
    pub wires: Wires,
    /// How often templates are read from Meta.
    pub template_interval: Span,
    /// How long what is over is kept.
    pub keep: Keep,
    /// How files are kept.
    pub media: MediaSettings,
    /// What ids and the spread of retries are made from.
    pub chance: Chance,
    /// What stands before every task; none outside of trials.
    pub gate: Option<Arc<dyn Gate>>,
}

/// What a gateway is started with.
pub struct GatewayParts {
    /// The house behind the socket.
    pub house: HouseParts,
    /// Where it listens; bound already, so that a port in use is told before anything starts.
    pub listener: TcpListener,
    /// Bounds of the HTTP surface.
    pub http: HttpSettings,
    /// Bearer token of `/admin/v1`; none switches it off.
    pub admin_token: Option<String>,
}

/// Why a gateway did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store does not answer.
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
    /// TLS or sockets.
    #[error("the network cannot be used: {0}")]
    Network(String),
}

/// The rooms of a house, furnished, before anybody works in them.
struct Rooms {
    store: Arc<dyn Store>,
    clock: WorldClock,
    directory: Directory,
    library: Library,
    upstream: Upstream,
    relay: Relay,
    dispatcher: Dispatcher,
    service: Service,
    fetcher: Fetcher,
    admin: Admin,
    rest: Rest,
    chance: Chance,
    tasks: Tasks,
}

impl Rooms {
    async fn furnish(parts: HouseParts, owner: u64, stop: &CancellationToken) -> Result<Self, StoreError> {
        let HouseParts { store, clock, limits, addresses, chance, wires, keep, .. } = parts;
        let key = Arc::new(parts.key);
        let tasks = Tasks::behind(parts.gate);
        let rest = Rest::new(clock.clone());
        let upstream = Upstream::new(&parts.upstream, wires.upstream.clone());
        let directory = Directory::open(store.clone(), key.clone()).await?;
        let library = Library::new(store.clone(), upstream.clone(), clock.clone());
        let samples = Samples::new(wires.endpoints.clone());
        let links = Arc::new(Links::new(&key, parts.public_url.as_deref(), clock.clone(), parts.media.link_life));
        let files = Files::new(&parts.media, links.clone(), store.clone(), clock.clone(), &wires, addresses);
        let relay = Relay::new(RelayParts {
            store: store.clone(),
            clock: clock.clone(),
            directory: directory.clone(),
            key: key.clone(),
            addresses,
            wire: wires.endpoints,
            links,
            rest: rest.clone(),
            chance: chance.clone(),
            tasks: tasks.clone(),
            timeout: Duration::from_millis(u64::try_from(limits.endpoint_timeout.as_millis()).unwrap_or_default()),
            disable_after: limits.endpoint_disable_after,
            stop: stop.child_token(),
        });
        let fetcher = Fetcher::new(FetcherParts {
            files: files.clone(),
            directory: directory.clone(),
            upstream: upstream.clone(),
            relay: relay.clone(),
            rest: rest.clone(),
            chance: chance.clone(),
            tasks: tasks.clone(),
            stop: stop.child_token(),
        });
        let dispatcher = Dispatcher::new(DispatcherParts {
            store: store.clone(),
            clock: clock.clone(),
            directory: directory.clone(),
            library: library.clone(),
            upstream: upstream.clone(),
            limits: limits.clone(),
            key: key.clone(),
            relay: relay.clone(),
            files: files.clone(),
            rest: rest.clone(),
            owner,
            connections: parts.upstream_connections,
            per_sender: parts.upstream_per_sender,
            chance: chance.clone(),
            tasks: tasks.clone(),
            stop: stop.child_token(),
        });
        let service = Service::new(ServiceParts {
            store: store.clone(),
            clock: clock.clone(),
            directory: directory.clone(),
            library: library.clone(),
            upstream: upstream.clone(),
            key,
            limits,
            addresses,
            dispatcher: dispatcher.clone(),
            relay: relay.clone(),
            chance: chance.clone(),
            tasks: tasks.clone(),
            samples,
            files,
            fetcher: fetcher.clone(),
            keep,
        });
        relay.answer_through(&service);
        let admin = Admin::new(service.clone(), parts.public_url, wires.upstream);
        Ok(Self { store, clock, directory, library, upstream, relay, dispatcher, service, fetcher, admin, rest, chance, tasks })
    }
}

impl Admin {
    /// The operator's hand on a store that this process alone holds, over the wall's clock. Nothing is sent, told or heard
    /// meanwhile: the workers are stopped before they start.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn alone(
        store: Arc<dyn Store>,
        key: SealingKey,
        upstream: UpstreamSettings,
        wires: Wires,
        addresses: AddressRules,
        media: MediaSettings,
    ) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        stop.cancel();
        let parts = HouseParts {
            store,
            clock: WorldClock::wall(),
            key,
            public_url: None,
            upstream,
            upstream_connections: 1,
            upstream_per_sender: 1,
            limits: Limits::default(),
            addresses,
            wires,
            template_interval: Span::ZERO,
            keep: Keep::default(),
            media,
            chance: Chance::of_system(),
            gate: None,
        };
        Ok(Rooms::furnish(parts, 0, &stop).await?.admin)
    }
}

/// The house at work, without a socket: service, intake, dispatcher, relay and upkeep.
pub struct House {
    service: Service,
    intake: Intake,
    admin: Admin,
    store: Arc<dyn Store>,
    rest: Arc<dyn Settles>,
    stop: CancellationToken,
    tasks: Tasks,
}

impl House {
    /// Starts everything; answers once the first claims are under way.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn start(parts: HouseParts) -> Result<Self, StoreError> {
        let stop = CancellationToken::new();
        // A number that no earlier start had: what another owner left without an outcome is unknown.
        let owner = parts.chance.draw_u64() >> 1;
        let (template_interval, keep, unknown_wait) = (parts.template_interval, parts.keep, parts.limits.unknown_wait);
        let rooms = Rooms::furnish(parts, owner, &stop).await?;
        let Rooms { store, clock, directory, library, upstream, relay, dispatcher, service, fetcher, admin, rest, chance, tasks } =
            rooms;
        let now = clock.now();
        let left = store.recover(owner, now, now.plus(unknown_wait)).await?;
        if left > 0 {
            tracing::warn!(
                attempts = left,
                "attempts of an earlier run have no outcome; their messages are unknown until a status comes or the wait is over"
            );
        }
        let replays = rest.post();
        let intake = Intake::new(
            store.clone(),
            clock.clone(),
            directory.clone(),
            library.clone(),
            dispatcher.clone(),
            relay.clone(),
            fetcher.clone(),
            chance,
            tasks.clone(),
            keep.messages,
            replays.clone(),
        );
        let rehearing =
            Rehearing { intake: intake.clone(), store: store.clone(), clock: clock.clone(), stop: stop.child_token() };
        tasks.spawn(rehearing.work(replays));
        fetcher.start();
        dispatcher.follow_directory();
        relay.reload().await?;
        let upkeep = Upkeep {
            store: store.clone(),
            clock: clock.clone(),
            directory,
            library,
            dispatcher,
            relay,
            rest: rest.clone(),
            fetcher,
            upstream,
            template_interval,
            keep,
            stop: stop.child_token(),
        };
        upkeep.start(&tasks);
        let rest: Arc<dyn Settles> = Arc::new(rest);
        clock.enlist(&rest);
        Ok(Self { service, intake, admin, store, rest, stop, tasks })
    }

    /// The service behind every dialect.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// The way in from Meta.
    #[must_use]
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// Setting up without SQL.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }
}

/// A running gateway: a house that listens.
pub struct Gateway {
    house: House,
    address: SocketAddr,
    stop_listening: CancellationToken,
    listening: tokio::task::JoinHandle<()>,
}

impl Gateway {
    /// Starts everything; answers once the port listens and the first claims are under way.
    ///
    /// # Errors
    /// When the store does not answer or the network cannot be used.
    pub async fn start(parts: GatewayParts) -> Result<Self, StartError> {
        let GatewayParts { house, listener, http, admin_token } = parts;
        let address = listener.local_addr().map_err(|why| StartError::Network(why.to_string()))?;
        let metrics = telemetry::install();
        let house = House::start(house).await?;
        let router = http::router(http::Parts {
            service: house.service.clone(),
            intake: house.intake.clone(),
            admin: admin_token.map(|token| (house.admin.clone(), token)),
            metrics,
            settings: http.clone(),
        });
        let stop_listening = CancellationToken::new();
        let listening = tokio::spawn(http::serve(listener, router, http, stop_listening.clone()));
        Ok(Self { house, address, stop_listening, listening })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The service behind every dialect.
    #[must_use]
    pub fn service(&self) -> &Service {
        self.house.service()
    }

    /// The way in from Meta.
    #[must_use]
    pub fn intake(&self) -> &Intake {
        self.house.intake()
    }

    /// Setting up without SQL.
    #[must_use]
    pub fn admin(&self) -> &Admin {
        self.house.admin()
    }

    /// Drains: stops listening and claiming, lets what is under way end within `within`, closes the store. Says whether all
    /// of it ended in time.
    pub async fn drain(self, within: Duration) -> bool {
        let House { service, store, rest, stop, tasks, .. } = self.house;
        service.start_draining();
        self.stop_listening.cancel();
        stop.cancel();
        tasks.close();
        let ended = tokio::time::timeout(within, async {
            let _ = self.listening.await;
            tasks.ended().await;
        })
        .await
        .is_ok();
        drop(rest);
        if let Err(why) = store.close().await {
            tracing::warn!(error = %why, "the store did not close cleanly");
        }
        ended
    }
}
