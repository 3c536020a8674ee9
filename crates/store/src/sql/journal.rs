//! The journal, as its rows read.

use transom_domain::id::{BusinessId, JournalId};

use super::{Row, corrupt, get, get_count, get_id, get_time, int};
use crate::rows::{Of, Result};
use crate::{JournalHead, JournalOutcome};

/// Whose, as it is kept.
pub(crate) fn key(of: Of) -> Vec<u8> {
    of.map_or_else(Vec::new, |business| business.to_bytes().to_vec())
}

pub(crate) fn of_key(key: &[u8]) -> Of {
    <[u8; 16]>::try_from(key).ok().map(BusinessId::from_bytes)
}

pub(crate) fn head(row: &dyn Row) -> Result<JournalHead> {
    let business: Vec<u8> = get(row, 1)?;
    let outcome = get_count(row, 5)?;
    let named = usize::try_from(outcome).ok().and_then(|n| JournalOutcome::ALL.get(n)).copied();
    Ok(JournalHead {
        id: JournalId::from_bytes(get_id(row, 0)?),
        business: of_key(&business),
        position: get_count(row, 2)?,
        app: get(row, 3)?,
        at: get_time(row, 4)?,
        outcome: named.ok_or_else(|| corrupt(row, 5, "no outcome has this number"))?,
        fields: get(row, 6)?,
        note: get(row, 7)?,
        size: usize::try_from(get_count(row, 8)?).unwrap_or(usize::MAX),
        erased: get(row, 9)?,
    })
}

pub(crate) fn number(outcome: JournalOutcome) -> i64 {
    JournalOutcome::ALL.iter().position(|one| *one == outcome).map_or(0, |n| int(n as u64))
}
