//! Putting the house together, and closing it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use transom_clock::{Settles, WorldClock};
use transom_domain::time::Span;
use transom_store::{Alike, Keep, Store, StoreError};

use crate::admin::Admin;
use crate::chance::Chance;
use crate::console::ConsoleSettings;
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
use crate::work::asking::Asking;
use crate::work::dispatcher::{Dispatcher, DispatcherParts};
use crate::work::names::{Names, NamesParts};
use crate::work::rehearing::Rehearing;
use crate::work::relay::{Relay, RelayParts};
use crate::work::replicas::{BeginError, Hints, Holdings, Keeper, KeeperParts, ReplicaSettings};
use crate::work::rest::Rest;
use crate::work::tasks::{Gate, Tasks};
use crate::work::upkeep::Upkeep;

/// How long handing over to other replicas may take where nobody says: longer than any one thing of it.
const HANDS_OVER_WITHIN: Duration = Duration::from_secs(60);

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
    /// How the other replicas reach this one, where the store is shared.
    pub replica: ReplicaSettings,
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
    /// The console.
    pub console: ConsoleSettings,
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
    /// It cannot work beside the replicas that are there.
    #[error("{0}")]
    Replica(BeginError),
}

impl From<BeginError> for StartError {
    fn from(why: BeginError) -> Self {
        match why {
            BeginError::Store(why) => Self::Store(why),
            why @ BeginError::Key(_) => Self::Replica(why),
        }
    }
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
    holdings: Holdings,
    hints: Hints,
    chance: Chance,
    tasks: Tasks,
}

impl Rooms {
    async fn furnish(parts: HouseParts, holdings: Holdings, stop: &CancellationToken) -> Result<Self, StoreError> {
        let HouseParts { store, clock, limits, addresses, chance, wires, keep, .. } = parts;
        let key = Arc::new(parts.key);
        let tasks = Tasks::behind(parts.gate);
        let hints = if holdings.is_shared() { Hints::over(wires.replicas.clone(), &key) } else { Hints::none() };
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
            holdings: holdings.clone(),
            hints: hints.clone(),
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
            holdings: holdings.clone(),
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
            holdings: holdings.clone(),
            hints: hints.clone(),
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
            public_url: parts.public_url,
            own: wires.upstream,
        });
        relay.answer_through(&service);
        let admin = Admin::new(service.clone());
        Ok(Self {
            store,
            clock,
            directory,
            library,
            upstream,
            relay,
            dispatcher,
            service,
            fetcher,
            admin,
            rest,
            holdings,
            hints,
            chance,
            tasks,
        })
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
            replica: ReplicaSettings::default(),
            gate: None,
        };
        Ok(Rooms::furnish(parts, Holdings::alone(0), &stop).await?.admin)
    }
}

/// The house at work, without a socket: service, intake, dispatcher, relay and upkeep.
pub struct House {
    service: Service,
    intake: Intake,
    admin: Admin,
    store: Arc<dyn Store>,
    rest: Arc<dyn Settles>,
    keeper: Option<Keeper>,
    stop: CancellationToken,
    tasks: Tasks,
}

impl House {
    /// Starts everything; answers once the first claims are under way.
    ///
    /// # Errors
    /// When the store does not answer, or this process cannot work beside the replicas that are there.
    pub async fn start(parts: HouseParts) -> Result<Self, StartError> {
        let stop = CancellationToken::new();
        let holdings = match parts.store.is_shared() {
            true => Holdings::shared(),
            // A number that no earlier start had: what another owner left without an outcome is unknown.
            false => Holdings::alone(parts.chance.draw_u64() >> 1),
        };
        let (template_interval, keep, replica) = (parts.template_interval, parts.keep, parts.replica.clone());
        let alike = Alike { key: parts.key.name(), media: parts.media.vault.place() };
        let (unknown_wait, history) = (parts.limits.unknown_wait, parts.limits.history);
        let rooms = Rooms::furnish(parts, holdings, &stop).await?;
        let Rooms { store, clock, directory, library, upstream, relay, dispatcher, service, fetcher, admin, .. } = rooms;
        let Rooms { rest, holdings, hints, chance, tasks, .. } = rooms;
        let now = clock.now();
        // Where others may be at work, what they left is found when it is taken.
        let left = match holdings.is_shared() {
            true => 0,
            false => store.recover(holdings.owner(), now, now.plus(unknown_wait)).await?,
        };
        if left > 0 {
            tracing::warn!(
                attempts = left,
                "attempts of an earlier run have no outcome; their messages are unknown until a status comes or the wait is over"
            );
        }
        let names = Names::new(NamesParts {
            store: store.clone(),
            clock: clock.clone(),
            directory: directory.clone(),
            upstream: upstream.clone(),
            stop: stop.child_token(),
        });
        let replays = rest.post();
        let intake = Intake::new(
            store.clone(),
            clock.clone(),
            directory.clone(),
            library.clone(),
            dispatcher.clone(),
            relay.clone(),
            fetcher.clone(),
            names.clone(),
            chance.clone(),
            tasks.clone(),
            keep.messages,
            replays.clone(),
        );
        let rehearing = Rehearing {
            intake: intake.clone(),
            store: store.clone(),
            clock: clock.clone(),
            holdings: holdings.clone(),
            stop: stop.child_token(),
        };
        tasks.spawn(rehearing.work(replays));
        if history.per_minute > 0 {
            let asking = Asking {
                intake: intake.clone(),
                store: store.clone(),
                clock: clock.clone(),
                directory: directory.clone(),
                upstream: upstream.clone(),
                settings: history,
                holdings: holdings.clone(),
                stop: stop.child_token(),
            };
            tasks.spawn(asking.work(rest.post()));
        }
        fetcher.start();
        names.start(&rest, &tasks);
        relay.reload_here().await?;
        let keeper = match holdings.is_shared() {
            false => None,
            true => {
                let parts = KeeperParts {
                    store: store.clone(),
                    clock: clock.clone(),
                    directory: directory.clone(),
                    dispatcher: dispatcher.clone(),
                    relay: relay.clone(),
                    holdings: holdings.clone(),
                    hints,
                    chance,
                    tasks: tasks.clone(),
                    stop: stop.child_token(),
                    settings: replica,
                    alike,
                    unknown_wait,
                };
                let keeper = Keeper::begin(parts).await?;
                keeper.start();
                Some(keeper)
            }
        };
        dispatcher.follow_directory();
        let upkeep = Upkeep {
            store: store.clone(),
            clock: clock.clone(),
            directory,
            library,
            dispatcher,
            relay,
            holdings,
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
        Ok(Self { service, intake, admin, store, rest, keeper, stop, tasks })
    }

    /// Hands over what it holds to the other replicas, stops, and waits until what is under way has ended.
    pub async fn stop(&self) {
        if let Some(keeper) = &self.keeper {
            keeper.hand_over(HANDS_OVER_WITHIN).await;
        }
        self.stop.cancel();
        self.tasks.close();
        self.tasks.ended().await;
    }

    /// What it holds among other replicas; none where it has its store for itself.
    #[must_use]
    pub fn keeper(&self) -> Option<&Keeper> {
        self.keeper.as_ref()
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
        let GatewayParts { house, listener, http, console, admin_token } = parts;
        let address = listener.local_addr().map_err(|why| StartError::Network(why.to_string()))?;
        let metrics = telemetry::install();
        let mut house = House::start(house).await?;
        house.admin = house.admin.with_sign_in(console.oidc.clone());
        let router = http::router(http::Parts {
            service: house.service.clone(),
            intake: house.intake.clone(),
            admin: admin_token.map(|token| (house.admin.clone(), token)),
            console,
            metrics,
            keeper: house.keeper.clone(),
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

    /// Drains: hands over what it holds to other replicas, stops listening and claiming, lets what is under way end within `within`, closes the store. Says whether all
    /// of it ended in time.
    pub async fn drain(self, within: Duration) -> bool {
        let House { service, store, rest, keeper, stop, tasks, .. } = self.house;
        service.start_draining();
        if let Some(keeper) = keeper {
            // Callers are served meanwhile: what they send is sent by whoever takes over.
            keeper.hand_over(within / 2).await;
        }
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
