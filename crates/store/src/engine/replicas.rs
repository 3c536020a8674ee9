//! How an engine serves [`Replicas`].

use transom_domain::holding::ReplicaId;
use transom_domain::id::BusinessId;
use transom_domain::time::Span;

use super::{Engine, Room, Scope};
use crate::contract::{Answer, Enrol, GivenBack, Holding, Replica, Replicas, Take, Taken};
use crate::moves::replicas;

fn scope_of(business: Option<BusinessId>) -> Scope {
    business.map_or(Scope::House, Scope::Business)
}

impl<E: Engine> Replicas for E {
    fn is_shared(&self) -> bool {
        Engine::is_shared(self)
    }

    fn enrol(&self, replica: Enrol) -> Answer<'_, ()> {
        self.write(Scope::Leases, Room::Hearing, move |rows| replicas::enrol(rows, &replica))
    }

    fn renew(&self, id: ReplicaId, lease: Span, draining: bool) -> Answer<'_, Option<Vec<Replica>>> {
        self.write(Scope::Leases, Room::Hearing, move |rows| replicas::renew(rows, id, lease, draining))
    }

    fn leave(&self, id: ReplicaId) -> Answer<'_, ()> {
        self.write(Scope::Leases, Room::Hearing, move |rows| rows.drop_replica(id))
    }

    fn replicas(&self) -> Answer<'_, Vec<Replica>> {
        self.read(|rows| rows.replicas())
    }

    fn holdings(&self) -> Answer<'_, Vec<Holding>> {
        self.read(|rows| rows.holdings())
    }

    fn take(&self, take: Take) -> Answer<'_, Vec<Taken>> {
        self.write(scope_of(take.business), Room::Hearing, move |rows| replicas::take(rows, &take))
    }

    fn give_back(&self, by: ReplicaId, business: Option<BusinessId>, things: Vec<GivenBack>) -> Answer<'_, ()> {
        self.write(scope_of(business), Room::Hearing, move |rows| replicas::give_back(rows, by, business, &things))
    }

    fn versions(&self) -> Answer<'_, Vec<(BusinessId, u64)>> {
        self.read(|rows| rows.versions())
    }
}
