//! Customers and identities, as their rows read.

use transom_domain::consent::{Choice, Consent, Stand};
use transom_domain::id::{BusinessId, CustomerId, SenderId};
use transom_domain::people::{Claim, Joined, Learnt, Present};
use transom_domain::session::Evidence;

use super::{Row, get, get_id, get_id_if, get_identity, get_small, get_text_if, get_time, get_time_if, get_word};
use crate::rows::{ClaimRow, Conversation, CustomerRow, Merged, Result};

/// What [`customer`] reads, in its order.
/// A choice and its moment, from this column on.
pub(crate) fn stand(row: &dyn Row, from: usize) -> Result<Option<Stand>> {
    let Some(at) = get_time_if(row, from + 1)? else { return Ok(None) };
    let out: bool = get(row, from)?;
    Ok(Some(Stand { at, choice: if out { Choice::OptedOut } else { Choice::OptedIn } }))
}

pub(crate) fn customer(row: &dyn Row) -> Result<CustomerRow> {
    let merged = match get_id_if(row, 11)? {
        None => None,
        Some(into) => {
            Some(Merged { into: CustomerId::from_bytes(into), at: get_time(row, 12)?, why: get_word(row, 13, Joined::named)? })
        }
    };
    Ok(CustomerRow {
        id: CustomerId::from_bytes(get_id(row, 1)?),
        business: BusinessId::from_bytes(get_id(row, 0)?),
        name: get(row, 2)?,
        username: get(row, 3)?,
        named_at: get_time(row, 15)?,
        present: Present { phone: get_text_if(row, 4)?, bsuid: get_text_if(row, 5)?, other: get_text_if(row, 6)? },
        merged,
        absorbed: get_small(row, 14)?,
        consent: Consent { marketing: stand(row, 7)?, everything: stand(row, 9)? },
    })
}

pub(crate) fn claim_row(row: &dyn Row) -> Result<ClaimRow> {
    let identity = match get_text_if(row, 2)? {
        Some(spelled) => spelled,
        None => get_identity(row, 1)?,
    };
    let claim = Claim {
        identity,
        since: get_time(row, 3)?,
        seen: get_time(row, 4)?,
        until: get_time_if(row, 5)?,
        with: get_text_if(row, 6)?,
        how: get_word(row, 7, Learnt::named)?,
        held: get(row, 8)?,
    };
    Ok(ClaimRow { customer: CustomerId::from_bytes(get_id(row, 0)?), claim })
}

/// A conversation in a list: its two sides, and what is known of it but the pace.
pub(crate) fn spoken(row: &dyn Row) -> Result<(SenderId, CustomerId, Conversation)> {
    let known = Conversation { evidence: evidence(row)?, spoken_at: get_time_if(row, "spoken_at")?, ..Conversation::default() };
    Ok((SenderId::from_bytes(get_id(row, "sender")?), CustomerId::from_bytes(get_id(row, "customer")?), known))
}

pub(crate) fn evidence(row: &dyn Row) -> Result<Evidence> {
    Ok(Evidence { heard: get_time_if(row, "heard")?, refused: get_time_if(row, "refused")? })
}
