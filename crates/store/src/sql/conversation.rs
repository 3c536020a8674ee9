//! Conversations, as their rows read.

use transom_domain::id::{CustomerId, SenderId};
use transom_domain::session::Evidence;

use super::{Row, get_id, get_time_if};
use crate::rows::{Conversation, Result};

/// A conversation in a list: its two sides, and what is known of it but the pace.
pub(crate) fn spoken(row: &dyn Row) -> Result<(SenderId, CustomerId, Conversation)> {
    let known = Conversation { evidence: evidence(row)?, spoken_at: get_time_if(row, "spoken_at")?, ..Conversation::default() };
    Ok((SenderId::from_bytes(get_id(row, "sender")?), CustomerId::from_bytes(get_id(row, "customer")?), known))
}

pub(crate) fn evidence(row: &dyn Row) -> Result<Evidence> {
    Ok(Evidence { heard: get_time_if(row, "heard")?, refused: get_time_if(row, "refused")? })
}
