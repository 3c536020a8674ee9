//! One change: which field, whose account, which facts.

use serde_json::value::RawValue;
use transom_domain::address::Phone;
use transom_domain::fact::{Account, Fact};
use transom_domain::limits::{LimitsTold, Rating};
use transom_domain::time::Timestamp;

use super::wire::{Capability, Change, MessagesValue, NumberQuality, Status};
use super::{Delivery, messages, templates};
use crate::graph::Throughput;

/// Reads a change of a WhatsApp Business Account.
pub(super) fn read(field: &str, change: &Change<'_>, delivery: &mut Delivery) {
    let waba = Account::Waba(delivery.entry_id.clone());
    let Some(value) = change.value else { return delivery.other(waba, field) };
    match field {
        "messages" | "calls" | "user_preferences" | "user_id_update" => customers(field, value, delivery),
        "message_template_status_update" => match templates::status(value, change.rejection_info, delivery.at) {
            Some(status) => delivery.tell(waba, Fact::TemplateStatus(status)),
            None => delivery.other(waba, field),
        },
        "message_template_quality_update" | "message_template_components_update" | "template_category_update" => {
            match templates::news(field, value, delivery.at) {
                Some(told) => delivery.tell(waba, Fact::TemplateNews(told)),
                None => delivery.other(waba, field),
            }
        }
        "phone_number_quality_update" => match number_news(value, delivery.at) {
            Some(told) => delivery.tell(waba, Fact::Limits(told)),
            None => delivery.other(waba, field),
        },
        "business_capability_update" => match capability(value, delivery.at) {
            Some(told) => delivery.tell(waba, Fact::Limits(told)),
            None => delivery.other(waba, field),
        },
        _ => delivery.other(waba, field),
    }
}

/// A number's throughput, quality or limit changed (webhooks/reference/phone_number_quality_update).
fn number_news(value: &RawValue, at: Option<Timestamp>) -> Option<LimitsTold> {
    let wire: NumberQuality<'_> = serde_json::from_str(value.get()).ok()?;
    // The older field is kept by some versions and left out by others; the newer one is of the portfolio.
    let limit = wire.max_daily_conversations_per_business.or(wire.current_limit).and_then(|word| word.parse().ok());
    let (throughput, quality) = match wire.event?.trim() {
        "THROUGHPUT_UPGRADE" => (Throughput::High.per_second(), None),
        "FLAGGED" => (None, Some(Rating::Red)),
        _ => (None, None),
    };
    let phone = wire.display_phone_number.and_then(|digits| Phone::from_wa_id(&digits).ok());
    let told = LimitsTold { phone, throughput, quality, limit, at: at.unwrap_or(Timestamp::FAR) };
    (told.throughput.is_some() || told.quality.is_some() || told.limit.is_some()).then_some(told)
}

/// The portfolio's limit changed (webhooks/reference/business_capability_update).
fn capability(value: &RawValue, at: Option<Timestamp>) -> Option<LimitsTold> {
    let wire: Capability<'_> = serde_json::from_str(value.get()).ok()?;
    let limit = wire.max_daily_conversations_per_business?.parse().ok()?;
    Some(LimitsTold { limit: Some(limit), at: at.unwrap_or(Timestamp::FAR), ..LimitsTold::default() })
}

fn customers(field: &str, value: &RawValue, delivery: &mut Delivery) {
    match serde_json::from_str::<MessagesValue<'_, Status<'_>>>(value.get()) {
        Ok(value) => messages::read(field, value, delivery),
        // One status is not what it should be: the others of its batch still count.
        Err(_) => match serde_json::from_str::<MessagesValue<'_, &RawValue>>(value.get()) {
            Ok(value) => messages::read(field, value, delivery),
            Err(_) => delivery.other(Account::Waba(delivery.entry_id.clone()), field),
        },
    }
}
