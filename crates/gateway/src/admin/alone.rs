//! The operator's hand on a folder that no server holds: everything but the workers.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use transom_clock::WorldClock;
use transom_store::Store;

use super::Admin;
use crate::StartError;
use crate::chance::Chance;
use crate::directory::Directory;
use crate::seal::SealingKey;
use crate::service::{AddressRules, Limits, Service, ServiceParts};
use crate::templates::Library;
use crate::upstream::{Upstream, UpstreamSettings};
use crate::wire::Wires;
use crate::work::dispatcher::{Dispatcher, DispatcherParts};
use crate::work::relay::Relay;
use crate::work::rest::Rest;
use crate::work::tasks::Tasks;

impl Admin {
    /// Over a store that this process alone holds. Nothing is sent, told or heard meanwhile: the workers are stopped before
    /// they start.
    ///
    /// # Errors
    /// When the store does not answer or the network cannot be used.
    pub async fn alone(
        store: Arc<dyn Store>,
        key: SealingKey,
        upstream: &UpstreamSettings,
        wires: Wires,
        addresses: AddressRules,
    ) -> Result<Self, StartError> {
        let (clock, key) = (WorldClock::wall(), Arc::new(key));
        let stop = CancellationToken::new();
        stop.cancel();
        let (tasks, rest, limits) = (Tasks::default(), Rest::new(clock.clone()), Limits::default());
        let upstream = Upstream::new(upstream, wires.upstream.clone());
        let directory = Directory::open(store.clone(), key.clone()).await?;
        let library = Library::new(store.clone(), upstream.clone(), clock.clone());
        let relay = Relay::new(
            store.clone(),
            clock.clone(),
            directory.clone(),
            addresses,
            wires.endpoints,
            rest.clone(),
            Chance::of_system(),
            tasks.clone(),
            stop.clone(),
        );
        let dispatcher = Dispatcher::new(DispatcherParts {
            store: store.clone(),
            clock: clock.clone(),
            directory: directory.clone(),
            library: library.clone(),
            upstream: upstream.clone(),
            limits: limits.clone(),
            key: key.clone(),
            relay: relay.clone(),
            rest,
            owner: 0,
            connections: 1,
            per_sender: 1,
            chance: Chance::of_system(),
            tasks: tasks.clone(),
            stop,
        });
        let chance = Chance::of_system();
        let service = Service::new(ServiceParts {
            store,
            clock,
            directory,
            library,
            upstream,
            key,
            limits,
            addresses,
            dispatcher,
            relay,
            chance,
            tasks,
        });
        Ok(Self::new(service, None, wires.upstream))
    }
}
