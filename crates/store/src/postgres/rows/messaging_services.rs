//! Messaging services and their pools.

use super::params;

use transom_domain::id::{BusinessId, SenderId, ServiceId};
use transom_domain::messaging_service::{MessagingService, PoolMember};

use super::{PgRows, Sql, bound, get, get_id, json};
use crate::rows::{MessagingServiceRows, Result, Seq};
use crate::sql::messaging_services::{member, service};

/// Messaging services of a business, newest first.
pub(super) const SERVICES: &str = "SELECT seq, id, business, options, created_at, updated_at FROM messaging_service
     WHERE business = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
/// The senders of a pool.
pub(super) const POOL: &str =
    "SELECT sender, since FROM pool WHERE business = $3 AND service = $1 ORDER BY since, sender LIMIT $2";

impl MessagingServiceRows for PgRows<'_> {
    fn service(&self, business: BusinessId, id: ServiceId) -> Result<Option<MessagingService>> {
        self.one(
            "SELECT seq, id, business, options, created_at, updated_at FROM messaging_service WHERE business = $1 AND id = $2",
            [business.to_bytes(), id.to_bytes()],
            |row| Ok(service(row)?.1),
        )
    }

    fn add_service(&mut self, new: &MessagingService) -> Result<()> {
        self.put(
            "INSERT INTO messaging_service (seq, id, business, options, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6)",
            params![
                self.next_number(new.business)?,
                new.id.to_bytes(),
                new.business.to_bytes(),
                json(&new.options)?,
                new.created_at.as_millis(),
                new.updated_at.as_millis()
            ],
        )?;
        Ok(())
    }

    fn count_services(&self, business: BusinessId) -> Result<usize> {
        let sql = "SELECT count(*) FROM messaging_service WHERE business = $1";
        let counted = self.one(sql, [business.to_bytes()], |row| get::<i64>(row, 0))?;
        Ok(counted.and_then(|n| usize::try_from(n).ok()).unwrap_or(0))
    }

    fn set_service(&mut self, changed: &MessagingService) -> Result<()> {
        self.put(
            "UPDATE messaging_service SET options = $3, updated_at = $4 WHERE business = $1 AND id = $2",
            params![changed.business.to_bytes(), changed.id.to_bytes(), json(&changed.options)?, changed.updated_at.as_millis()],
        )?;
        Ok(())
    }

    fn drop_service(&mut self, business: BusinessId, id: ServiceId) -> Result<()> {
        self.put("DELETE FROM messaging_service WHERE business = $1 AND id = $2", [business.to_bytes(), id.to_bytes()])?;
        Ok(())
    }

    fn services(&self, business: BusinessId, before: Option<Seq>, limit: usize) -> Result<Vec<(Seq, MessagingService)>> {
        self.all(SERVICES, params![business.to_bytes(), before.unwrap_or(i64::MAX), bound(limit)], service)
    }

    fn pool(&self, business: BusinessId, service: ServiceId, limit: usize) -> Result<Vec<PoolMember>> {
        self.all(POOL, params![service.to_bytes(), bound(limit), business.to_bytes()], member)
    }

    fn member(&self, sender: SenderId) -> Result<Option<(ServiceId, PoolMember)>> {
        self.one(
            "SELECT sender, since, service FROM pool WHERE business = $2 AND sender = $1",
            [sender.to_bytes(), self.of_sender(sender)?],
            |row| Ok((ServiceId::from_bytes(get_id(row, 2)?), member(row)?)),
        )
    }

    fn put_member(&mut self, service: ServiceId, member: PoolMember) -> Result<()> {
        self.put(
            "INSERT INTO pool (business, sender, service, since) VALUES ($4, $1, $2, $3)
             ON CONFLICT (business, sender) DO UPDATE SET service = excluded.service, since = excluded.since",
            params![member.sender.to_bytes(), service.to_bytes(), member.since.as_millis(), self.of_sender(member.sender)?],
        )?;
        Ok(())
    }

    fn drop_member(&mut self, sender: SenderId) -> Result<()> {
        self.put("DELETE FROM pool WHERE business = $2 AND sender = $1", [sender.to_bytes(), self.of_sender(sender)?])?;
        Ok(())
    }
}
