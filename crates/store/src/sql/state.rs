//! What changes about a message, as its rows read.

use std::rc::Rc;

use transom_domain::message::Attempt;
use transom_domain::status::Progress;

use super::message::brief;
use super::{Row, get, get_json_if, get_small, get_time, get_word};
use crate::cache::State;
use crate::rows::{AttemptRow, Result};

/// An attempt, from this column on.
pub(crate) fn attempt(row: &dyn Row, from: usize) -> Result<AttemptRow> {
    let owner: i64 = get(row, from + 1)?;
    let priced: Option<String> = get(row, from + 9)?;
    Ok(AttemptRow {
        attempt: Attempt {
            number: get_small(row, from)?,
            started_at: get_time(row, from + 2)?,
            progress: get_word(row, from + 3, Progress::named)?,
            at: get_time(row, from + 4)?,
            provider_id: get(row, from + 5)?,
            error: get_json_if(row, from + 6)?,
            note: get(row, from + 7)?,
            pricing: get_json_if(row, from + 8)?,
        },
        // The owner is any 64 bits: kept as the signed number with the same bits.
        owner: owner.cast_unsigned(),
        priced: priced.as_deref().and_then(Progress::named),
    })
}

pub(crate) fn state(row: &dyn Row) -> Result<State> {
    let (brief, standing) = brief(row)?;
    let number: Option<u32> = get(row, 23)?;
    let judged: Option<u32> = get(row, 33)?;
    let verdict: Option<Rc<str>> = get::<Option<String>>(row, 34)?.map(Into::into);
    Ok(State {
        brief: Rc::new(brief),
        standing,
        attempts: number.map(|_| attempt(row, 23)).transpose()?.into_iter().collect(),
        judged: judged.map(|number| (number, verdict)),
        accepted_on: None,
        stored: Some(number.unwrap_or(0)),
        changed: Vec::new(),
        words: None,
    })
}
