//! Lanes and what waits in them, as their rows read.

use transom_domain::id::{ContentId, CustomerId, SenderId};
use transom_domain::message::Class;

use super::{Row, corrupt, get, get_count, get_id, get_id_if, get_time, get_time_if};
use crate::rows::{LaneKey, Result, Wait};

pub(crate) fn class(row: &dyn Row) -> Result<Class> {
    let rank: u8 = get(row, 1)?;
    Class::ranked(rank).ok_or_else(|| corrupt(row, 1, format!("no class has the rank {rank}")))
}

pub(crate) fn lane_key(row: &dyn Row) -> Result<LaneKey> {
    Ok(LaneKey {
        sender: SenderId::from_bytes(get_id(row, 0)?),
        class: class(row)?,
        customer: CustomerId::from_bytes(get_id(row, 2)?),
    })
}

pub(crate) fn wait(row: &dyn Row) -> Result<Wait> {
    Ok(Wait {
        lane: lane_key(row)?,
        position: get_count(row, 3)?,
        seq: get(row, 4)?,
        not_before: get_time(row, 5)?,
        aside: get(row, 6)?,
        expires_at: get_time_if(row, 7)?,
        accepted_at: get_time(row, 8)?,
        content: get_id_if(row, 9)?.map(ContentId::from_bytes),
    })
}
