//! Messaging services and their pools, as their rows read.

use transom_domain::id::{BusinessId, SenderId, ServiceId};
use transom_domain::messaging_service::{MessagingService, PoolMember};

use super::{Row, get, get_id, get_json, get_time};
use crate::rows::{Result, Seq};

pub(crate) fn service(row: &dyn Row) -> Result<(Seq, MessagingService)> {
    let service = MessagingService {
        id: ServiceId::from_bytes(get_id(row, 1)?),
        business: BusinessId::from_bytes(get_id(row, 2)?),
        options: get_json(row, 3)?,
        created_at: get_time(row, 4)?,
        updated_at: get_time(row, 5)?,
    };
    Ok((get(row, 0)?, service))
}

pub(crate) fn member(row: &dyn Row) -> Result<PoolMember> {
    Ok(PoolMember { sender: SenderId::from_bytes(get_id(row, 0)?), since: get_time(row, 1)? })
}
