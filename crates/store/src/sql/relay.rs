//! Endpoints, deliveries and replays, as their rows read.

use transom_domain::id::{BusinessId, CustomerId, EndpointId, ReplayId, SenderId};

use super::{Row, get, get_count, get_id, get_json, get_json_if, get_small, get_time, get_time_if};
use crate::rows::{Delivery, Result};
use crate::{Attempted, Endpoint, EventReplay, Own, Role, Sealed, StoreError};

/// The manner of origins of callbacks; those of other roles are objects.
pub(crate) const CALLBACKS: &str = "\"callbacks\"";

pub(crate) fn endpoint(row: &dyn Row) -> Result<Endpoint> {
    let id = EndpointId::from_bytes(get_id(row, "id")?);
    let topic: Option<String> = get(row, "topic")?;
    let manner: String = get(row, "manner")?;
    let role = match topic {
        Some(_) => Role::Published(get_json(row, "manner")?),
        None if manner == CALLBACKS => Role::Callbacks,
        None => {
            let secret: Option<Vec<u8>> = get(row, "secret")?;
            let previous: Option<Vec<u8>> = get(row, "previous_secret")?;
            let until = get_time_if(row, "previous_until")?;
            let missing = || StoreError::Corrupt(format!("endpoint {id}: it has no secret"));
            Role::Own(Box::new(Own {
                manner: get_json(row, "manner")?,
                secret: Sealed(secret.ok_or_else(missing)?),
                previous: previous.map(Sealed).zip(until),
            }))
        }
    };
    Ok(Endpoint {
        id,
        business: BusinessId::from_bytes(get_id(row, "business")?),
        role,
        address: get(row, "address")?,
        filter: get_json(row, "filter")?,
        begins: get_count(row, "begins")?,
        cursor: get_count(row, "cursor")?,
        health: get_json(row, "health")?,
        created_at: get_time(row, "created_at")?,
    })
}

pub(crate) fn delivery(row: &dyn Row) -> Result<Delivery> {
    let sender: Option<[u8; 16]> = get(row, "sender")?;
    let customer: Option<[u8; 16]> = get(row, "customer")?;
    let attempt = match get_time_if(row, "at")? {
        Some(at) => Some(Attempted { at, status: get(row, "status")?, millis: get_small(row, "millis")? }),
        None => None,
    };
    Ok(Delivery {
        position: get_count(row, "position")?,
        key: sender.map(SenderId::from_bytes).zip(customer.map(CustomerId::from_bytes)),
        first: get(row, "first")?,
        tried: get_small(row, "tried")?,
        due: get_time_if(row, "due")?,
        since: get_time(row, "since")?,
        seen: get(row, "seen")?,
        attempt,
        answer: get_json_if(row, "answer")?,
    })
}

pub(crate) fn replay(row: &dyn Row) -> Result<EventReplay> {
    Ok(EventReplay {
        id: ReplayId::from_bytes(get_id(row, "id")?),
        endpoint: EndpointId::from_bytes(get_id(row, "endpoint")?),
        given_up: get(row, "given_up")?,
        from: get_count(row, "first")?,
        to: get_count(row, "last")?,
        cursor: get_count(row, "cursor")?,
        told: get_count(row, "told")?,
        failed: get_count(row, "failed")?,
        created_at: get_time(row, "created_at")?,
        over_at: get_time_if(row, "over_at")?,
        stopped: get(row, "stopped")?,
    })
}
