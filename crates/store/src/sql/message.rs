//! Messages and words as their rows read.

use transom_domain::fact::{HeardBy, Reported};
use transom_domain::id::{BusinessId, ContentId, CustomerId, MessageId, SenderId};
use transom_domain::message::{Class, WhenUnknown};
use transom_domain::status::{Phase, Status};

use super::{
    Row, corrupt, get, get_channel, get_count, get_id, get_id_if, get_identity, get_json, get_json_if, get_small, get_time,
    get_time_if, get_word, get_word_if, json,
};
use crate::rows::{Brief, Result, Standing};
use crate::{Step, Word};

pub(crate) fn brief(row: &dyn Row) -> Result<(Brief, Standing)> {
    let rank: u8 = get(row, 8)?;
    let whens = [WhenUnknown::Auto, WhenUnknown::Fail, WhenUnknown::Resend];
    let customer = CustomerId::from_bytes(get_id(row, 4)?);
    let brief = Brief {
        seq: get(row, 0)?,
        id: MessageId::from_bytes(get_id(row, 1)?),
        business: BusinessId::from_bytes(get_id(row, 2)?),
        sender: SenderId::from_bytes(get_id(row, 3)?),
        customer,
        lane: get_id_if(row, 22)?.map_or(customer, CustomerId::from_bytes),
        channel: get_channel(row, 5)?,
        address: get_identity(row, 6)?,
        position: get_count(row, 7)?,
        class: Class::ranked(rank).ok_or_else(|| corrupt(row, 8, "no class has this rank"))?,
        accepted_at: get_time(row, 9)?,
        expires_at: get_time_if(row, 10)?,
        when_unknown: get_word(row, 11, |word| whens.into_iter().find(|w| w.as_str() == word))?,
        callback_data: get(row, 12)?,
        campaign: get(row, 13)?,
        reply_to: get(row, 14)?,
        content: get_id_if(row, 15)?.map(ContentId::from_bytes),
        origin: get_json_if(row, 16)?,
    };
    let at = || get_time_if(row, 18)?.ok_or_else(|| corrupt(row, 18, "missing"));
    let phase: String = get(row, 17)?;
    let phase = match phase.as_str() {
        "queued" => Phase::Queued { not_before: at()? },
        "in_flight" => Phase::InFlight,
        "unknown" => Phase::Unknown { until: at()? },
        "handed" => Phase::Handed,
        "given_up" => Phase::GivenUp { failure: get_json(row, 19)? },
        "expired" => Phase::Expired,
        "cancelled" => Phase::Cancelled,
        "received" => Phase::Received,
        other => return Err(corrupt(row, 17, format!("the word {other} is unknown"))),
    };
    let told: u16 = get(row, 21)?;
    Ok((brief, Standing { phase, status: get_word(row, 20, Status::named)?, told }))
}

/// A phase as its columns: word, moment, failure.
pub(crate) fn phase(phase: &Phase) -> Result<(&'static str, Option<i64>, Option<String>)> {
    Ok(match phase {
        Phase::Queued { not_before } => ("queued", Some(not_before.as_millis()), None),
        Phase::InFlight => ("in_flight", None, None),
        Phase::Unknown { until } => ("unknown", Some(until.as_millis()), None),
        Phase::Handed => ("handed", None, None),
        Phase::GivenUp { failure } => ("given_up", None, Some(json(failure)?)),
        Phase::Expired => ("expired", None, None),
        Phase::Cancelled => ("cancelled", None, None),
        Phase::Received => ("received", None, None),
    })
}

pub(crate) fn word(row: &dyn Row) -> Result<Word> {
    Ok(Word {
        attempt: get_small(row, 0)?,
        step: get_word(row, 1, Step::named)?,
        at: get_time(row, 2)?,
        heard_at: get_time(row, 3)?,
        until: get_time_if(row, 4)?,
        error: get_json_if(row, 5)?,
        note: get(row, 6)?,
        pricing: get_json_if(row, 7)?,
        by: get_word_if(row, 8, HeardBy::named)?.unwrap_or_default(),
        answer: get_json_if(row, 9)?,
    })
}

pub(crate) const fn reported(status: Reported) -> &'static str {
    match status {
        Reported::Sent => "sent",
        Reported::Delivered => "delivered",
        Reported::Read => "read",
        Reported::Played => "played",
        Reported::Failed => "failed",
    }
}
