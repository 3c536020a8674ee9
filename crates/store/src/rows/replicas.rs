//! Who is there, and who holds what. An engine that serves one process alone keeps none of it.

use transom_domain::holding::{ReplicaId, Thing};
use transom_domain::id::{BusinessId, SenderId};
use transom_domain::time::Span;

use super::{Result, Seq};
use crate::{Enrol, Holding, Replica, StoreError};

fn alone<T>() -> Result<T> {
    Err(StoreError::Unavailable("this store serves one process alone: nothing in it is held".to_owned()))
}

/// Rows of replicas.
pub(crate) trait ReplicaRows {
    /// Whether other processes may write too.
    fn is_shared(&self) -> bool {
        false
    }
    /// A replica begins.
    fn add_replica(&mut self, _replica: &Enrol) -> Result<()> {
        alone()
    }
    /// Renews a lease that is not over; `false` when it is.
    fn renew_replica(&mut self, _id: ReplicaId, _lease: Span, _draining: bool) -> Result<bool> {
        alone()
    }
    /// A replica, with what is left of its lease at this moment.
    fn replica(&self, _id: ReplicaId) -> Result<Option<Replica>> {
        alone()
    }
    /// All of them, oldest first.
    fn replicas(&self) -> Result<Vec<Replica>> {
        alone()
    }
    fn drop_replica(&mut self, _id: ReplicaId) -> Result<()> {
        alone()
    }
    /// Who holds a thing of a business, or a duty.
    fn holding(&self, _business: Option<BusinessId>, _thing: Thing) -> Result<Option<Holding>> {
        alone()
    }
    /// All that is or was held.
    fn holdings(&self) -> Result<Vec<Holding>> {
        alone()
    }
    /// Writes down who holds it; `since` is the store's own time of now.
    fn put_holding(&mut self, _holding: &Holding) -> Result<()> {
        alone()
    }
    fn drop_holding(&mut self, _business: Option<BusinessId>, _thing: Thing) -> Result<()> {
        alone()
    }
    /// Attempts of a sender's messages, begun by others than `owner`, of which nothing has been heard.
    fn left_behind_at(&self, _sender: SenderId, _owner: u64, _limit: usize) -> Result<Vec<(Seq, u32)>> {
        alone()
    }
    /// How often each business was written to.
    fn versions(&self) -> Result<Vec<(BusinessId, u64)>> {
        alone()
    }
}
