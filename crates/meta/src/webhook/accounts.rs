//! What Meta tells of an account and of its numbers (webhooks/reference: account_update, account_review_update,
//! phone_number_name_update, business_username_update, phone_number_quality_update, business_capability_update).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use transom_domain::address::Phone;
use transom_domain::limits::{LimitsTold, Rating};
use transom_domain::standing::{
    AccountNews, AccountState, AccountTold, NameStatus, RESTRICTIONS_MAX, Restriction, Username, WORD_MAX,
};
use transom_domain::time::Timestamp;

use super::wire::{Capability, NumberQuality, Text};
use crate::graph::Throughput;
use crate::read::{moment, text};

/// The value of every field of these.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    event: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    decision: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    display_phone_number: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    phone_number: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    requested_verified_name: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    rejection_reason: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    username: Text<'a>,
    #[serde(borrow, default, deserialize_with = "text")]
    status: Text<'a>,
    #[serde(borrow, default)]
    ban_info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    violation_info: Option<&'a RawValue>,
    #[serde(borrow, default)]
    restriction_info: Option<&'a RawValue>,
}

#[derive(Deserialize, Default)]
struct Ban<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    waba_ban_state: Text<'a>,
    /// Prose: `April 17, 2025`.
    #[serde(borrow, default, deserialize_with = "text")]
    waba_ban_date: Text<'a>,
}

#[derive(Deserialize, Default)]
struct Violation<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    violation_type: Text<'a>,
}

#[derive(Deserialize)]
struct Restricted<'a> {
    #[serde(borrow, default, deserialize_with = "text")]
    restriction_type: Text<'a>,
    #[serde(default, deserialize_with = "moment")]
    expiration: Option<Timestamp>,
}

fn inner<'a, T: Deserialize<'a> + Default>(raw: Option<&'a RawValue>) -> T {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// A word that says something, bounded.
fn said(text: Option<Cow<'_, str>>) -> Option<String> {
    let text = text?;
    let kept = text.trim();
    (!kept.is_empty() && !kept.eq_ignore_ascii_case("none")).then(|| kept.chars().take(WORD_MAX).collect())
}

/// What it says of how an account or a number stands. None for what says nothing that is kept: it is passed on.
pub(super) fn standing(field: &str, value: &RawValue, at: Option<Timestamp>) -> Option<AccountTold> {
    let wire: Wire<'_> = serde_json::from_str(value.get()).ok()?;
    let number = wire.display_phone_number.as_deref().or(wire.phone_number.as_deref());
    let phone = number.and_then(|digits| Phone::from_wa_id(digits).ok());
    let (phone, news) = match field {
        "account_update" => (None, account(&wire)?),
        "account_review_update" => (None, AccountNews::Review { decision: said(wire.decision)?.to_ascii_uppercase() }),
        "phone_number_name_update" => {
            let status = said(wire.decision)?.to_ascii_uppercase();
            let name = NameStatus { status, requested: said(wire.requested_verified_name), reason: said(wire.rejection_reason) };
            (Some(phone?), AccountNews::Name { name })
        }
        _ => {
            let status = said(wire.status)?.to_ascii_lowercase();
            let name = said(wire.username).map(|name| name.trim_start_matches('@').to_owned());
            let name = name.filter(|_| status != "deleted");
            (Some(phone?), AccountNews::Username { username: Username { name, status } })
        }
    };
    // Without a time it says how things are now: taken for later than all before it, and cut to the moment of hearing.
    Some(AccountTold { phone, at: at.unwrap_or(Timestamp::FAR), news })
}

fn account(wire: &Wire<'_>) -> Option<AccountNews> {
    let event = wire.event.as_deref()?.trim();
    let state = |account| Some(AccountNews::Account { account });
    match event.to_ascii_uppercase().as_str() {
        "ACCOUNT_DELETED" => state(AccountState::Deleted),
        "ACCOUNT_VIOLATION" => {
            let violation: Violation<'_> = inner(wire.violation_info);
            Some(AccountNews::Violation { kind: said(violation.violation_type)? })
        }
        "ACCOUNT_RESTRICTION" => Some(AccountNews::Restricted { restrictions: restrictions(wire.restriction_info) }),
        _ => {
            let ban: Ban<'_> = inner(wire.ban_info);
            let date = said(ban.waba_ban_date);
            match ban.waba_ban_state?.trim().to_ascii_uppercase().as_str() {
                "SCHEDULE_FOR_DISABLE" => state(AccountState::ScheduledForDisable { date }),
                "DISABLE" => state(AccountState::Disabled { date }),
                "REINSTATE" => state(AccountState::Reinstated),
                _ => None,
            }
        }
    }
}

/// One that is not what it should be is left out; the others of its list count.
fn restrictions(raw: Option<&RawValue>) -> Vec<Restriction> {
    let list: Vec<&RawValue> = inner(raw);
    let read = |raw: &RawValue| {
        let one: Restricted<'_> = serde_json::from_str(raw.get()).ok()?;
        Some(Restriction { kind: said(one.restriction_type)?.to_ascii_uppercase(), until: one.expiration })
    };
    list.into_iter().filter_map(read).take(RESTRICTIONS_MAX).collect()
}

/// A number's throughput, quality or limit changed (webhooks/reference/phone_number_quality_update).
pub(super) fn number_news(value: &RawValue, at: Option<Timestamp>) -> Option<LimitsTold> {
    let wire: NumberQuality<'_> = serde_json::from_str(value.get()).ok()?;
    // The older field is kept by some versions and left out by others; the newer one is of the portfolio.
    let limit = wire.max_daily_conversations_per_business.or(wire.current_limit).and_then(|word| word.parse().ok());
    let (throughput, quality) = match wire.event?.trim() {
        "THROUGHPUT_UPGRADE" => (Throughput::High.per_second(), None),
        "FLAGGED" => (None, Some(Rating::Red)),
        // Medium or better: the next reading of the number says which.
        "UNFLAGGED" => (None, Some(Rating::Yellow)),
        _ => (None, None),
    };
    let phone = wire.display_phone_number.and_then(|digits| Phone::from_wa_id(&digits).ok());
    let told = LimitsTold { phone, throughput, quality, limit, name: None, at: at.unwrap_or(Timestamp::FAR) };
    (told.throughput.is_some() || told.quality.is_some() || told.limit.is_some()).then_some(told)
}

/// The portfolio's limit changed (webhooks/reference/business_capability_update).
pub(super) fn capability(value: &RawValue, at: Option<Timestamp>) -> Option<LimitsTold> {
    let wire: Capability<'_> = serde_json::from_str(value.get()).ok()?;
    let limit = wire.max_daily_conversations_per_business?.parse().ok()?;
    Some(LimitsTold { limit: Some(limit), at: at.unwrap_or(Timestamp::FAR), ..LimitsTold::default() })
}
