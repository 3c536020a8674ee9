//! What was done to messages, as its rows read.

use super::{Row, get, get_count, get_json_if, get_time};
use crate::rows::{AmendmentRow, Result};

pub(crate) fn amendment(row: &dyn Row) -> Result<AmendmentRow> {
    let told_at: Option<i64> = get(row, 4)?;
    Ok(AmendmentRow {
        original: get(row, 0)?,
        provider_id: get(row, 1)?,
        heard_at: get_time(row, 2)?,
        seq: get(row, 3)?,
        told_at: told_at.map(|_| get_count(row, 4)).transpose()?,
        amended: get_json_if(row, 5)?,
    })
}
