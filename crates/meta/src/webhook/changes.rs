//! One change: which field, whose account, which facts.

use serde_json::value::RawValue;
use transom_domain::fact::{Account, Fact};

use super::wire::{Change, MessagesValue, Status};
use super::{Delivery, accounts, messages, templates};

/// Fields that are known and have no meaning of their own here: what they say is passed on.
const PASSED: [&str; 16] = [
    "account_alerts",
    "account_settings_update",
    "automatic_events",
    "flows",
    "group_lifecycle_update",
    "group_participants_update",
    "group_settings_update",
    "group_status_update",
    "history",
    "message_template_correct_category_detection",
    "messaging_handovers",
    "partner_solutions",
    "payment_configuration_update",
    "security",
    "smb_app_state_sync",
    "tracking_events",
];

/// Reads a change of a WhatsApp Business Account.
pub(super) fn read(field: &str, change: &Change<'_>, delivery: &mut Delivery) {
    let waba = Account::Waba(delivery.entry_id.clone());
    let Some(value) = change.value else { return delivery.other(waba, field) };
    match field {
        "messages" | "calls" | "user_preferences" | "user_id_update" | "smb_message_echoes" => customers(field, value, delivery),
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
        "phone_number_quality_update" => match accounts::number_news(value, delivery.at) {
            Some(told) => delivery.tell(waba, Fact::Limits(told)),
            None => delivery.pass(waba, field, value),
        },
        "business_capability_update" => {
            if let Some(told) = accounts::capability(value, delivery.at) {
                delivery.tell(waba.clone(), Fact::Limits(told));
            }
            delivery.pass(waba, field, value);
        }
        "account_update"
        | "account_review_update"
        | "phone_number_name_update"
        | "business_username_update"
        | "business_username_updates" => {
            if let Some(told) = accounts::standing(field, value, delivery.at) {
                delivery.tell(waba.clone(), Fact::Account(told));
            }
            delivery.pass(waba, field, value);
        }
        _ if PASSED.contains(&field) => delivery.pass(waba, field, value),
        // Nobody here knows it yet: told as not understood, and passed on too.
        _ => {
            delivery.other(waba.clone(), field);
            delivery.pass(waba, field, value);
        }
    }
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
