//! Messaging services and their pools.

use transom_domain::id::{BusinessId, SenderId, ServiceId};
use transom_domain::messaging_service::{MessagingService, PoolMember};

use super::{Result, Seq};

/// Rows of messaging services.
pub(crate) trait MessagingServiceRows {
    fn service(&self, business: BusinessId, id: ServiceId) -> Result<Option<MessagingService>>;
    fn add_service(&mut self, service: &MessagingService) -> Result<()>;
    fn count_services(&self, business: BusinessId) -> Result<usize>;
    /// Replaces what was chosen, and the moment of the change.
    fn set_service(&mut self, service: &MessagingService) -> Result<()>;
    /// Removes a service; its pool stays.
    fn drop_service(&mut self, business: BusinessId, id: ServiceId) -> Result<()>;
    /// Services of a business, newest first, before `before`.
    fn services(&self, business: BusinessId, before: Option<Seq>, limit: usize) -> Result<Vec<(Seq, MessagingService)>>;

    /// The senders of a pool, in the order in which they joined.
    fn pool(&self, business: BusinessId, service: ServiceId, limit: usize) -> Result<Vec<PoolMember>>;
    /// In which pool a sender is.
    fn member(&self, sender: SenderId) -> Result<Option<(ServiceId, PoolMember)>>;
    fn put_member(&mut self, service: ServiceId, member: PoolMember) -> Result<()>;
    fn drop_member(&mut self, sender: SenderId) -> Result<()>;
}
