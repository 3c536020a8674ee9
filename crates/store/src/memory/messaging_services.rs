//! Messaging services and their pools, in memory.

use transom_domain::id::{BusinessId, SenderId, ServiceId};
use transom_domain::messaging_service::{MessagingService, PoolMember};

use super::table::MemoryRows;
use crate::rows::{MessagingServiceRows, Result, Seq};

impl MemoryRows {
    fn service_seq(&self, business: BusinessId, id: ServiceId) -> Option<Seq> {
        self.services.iter().find(|(_, service)| service.business == business && service.id == id).map(|(seq, _)| *seq)
    }
}

impl MessagingServiceRows for MemoryRows {
    fn service(&self, business: BusinessId, id: ServiceId) -> Result<Option<MessagingService>> {
        Ok(self.service_seq(business, id).and_then(|seq| self.services.get(&seq).cloned()))
    }

    fn add_service(&mut self, service: &MessagingService) -> Result<()> {
        let seq = self.last_service.get(&()).copied().unwrap_or(0) + 1;
        self.last_service.put((), seq);
        self.services.put(seq, service.clone());
        Ok(())
    }

    fn count_services(&self, business: BusinessId) -> Result<usize> {
        Ok(self.services.values().filter(|service| service.business == business).count())
    }

    fn set_service(&mut self, service: &MessagingService) -> Result<()> {
        if let Some(seq) = self.service_seq(service.business, service.id) {
            self.services.put(seq, service.clone());
        }
        Ok(())
    }

    fn drop_service(&mut self, business: BusinessId, id: ServiceId) -> Result<()> {
        if let Some(seq) = self.service_seq(business, id) {
            self.services.drop(&seq);
        }
        Ok(())
    }

    fn services(&self, business: BusinessId, before: Option<Seq>, limit: usize) -> Result<Vec<(Seq, MessagingService)>> {
        let older = self.services.range(..before.unwrap_or(Seq::MAX)).rev();
        Ok(older.filter(|(_, s)| s.business == business).take(limit).map(|(seq, s)| (*seq, s.clone())).collect())
    }

    fn pool(&self, _business: BusinessId, service: ServiceId, limit: usize) -> Result<Vec<PoolMember>> {
        let of = self.pools.iter().filter(|(_, (of, _))| *of == service);
        let mut members: Vec<PoolMember> = of.map(|(sender, (_, since))| PoolMember { sender: *sender, since: *since }).collect();
        members.sort_by_key(|member| (member.since, member.sender));
        members.truncate(limit);
        Ok(members)
    }

    fn member(&self, sender: SenderId) -> Result<Option<(ServiceId, PoolMember)>> {
        Ok(self.pools.get(&sender).map(|(service, since)| (*service, PoolMember { sender, since: *since })))
    }

    fn put_member(&mut self, service: ServiceId, member: PoolMember) -> Result<()> {
        self.pools.put(member.sender, (service, member.since));
        Ok(())
    }

    fn drop_member(&mut self, sender: SenderId) -> Result<()> {
        self.pools.drop(&sender);
        Ok(())
    }
}
