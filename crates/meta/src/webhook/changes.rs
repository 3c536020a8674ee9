//! One change: which field, whose account, which facts.

use serde_json::value::RawValue;
use transom_domain::content::Language;
use transom_domain::fact::{Account, Fact, TemplateStatus};
use transom_domain::template::Approval;
use transom_domain::time::Timestamp;

use super::wire::{Change, MessagesValue, RejectionInfo, Status, TemplateStatus as Wire};
use super::{Delivery, messages};

/// Reads a change of a WhatsApp Business Account.
pub(super) fn read(field: &str, change: &Change<'_>, delivery: &mut Delivery) {
    let waba = Account::Waba(delivery.entry_id.clone());
    let Some(value) = change.value else { return delivery.other(waba, field) };
    match field {
        "messages" | "calls" | "user_preferences" | "user_id_update" => customers(field, value, delivery),
        "message_template_status_update" => match template_status(value, change.rejection_info, delivery.at) {
            Some(status) => delivery.tell(waba, Fact::TemplateStatus(status)),
            None => delivery.other(waba, field),
        },
        _ => delivery.other(waba, field),
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

/// None for an event that is no status of a template: what we believe of it then stays as it is until it is read anew.
fn template_status(value: &RawValue, beside: Option<&RawValue>, at: Option<Timestamp>) -> Option<TemplateStatus> {
    let wire: Wire<'_> = serde_json::from_str(value.get()).ok()?;
    let approval = Approval::named(wire.event?.trim());
    if approval == Approval::Unknown {
        return None;
    }
    let said = |text: &str| !text.is_empty() && !text.eq_ignore_ascii_case("none");
    let reason = wire.reason.map(|reason| reason.into_owned()).filter(|reason| said(reason)).or_else(|| {
        let info: RejectionInfo<'_> = serde_json::from_str(wire.rejection_info.or(beside)?.get()).ok()?;
        info.reason.map(|reason| reason.into_owned()).filter(|reason| said(reason))
    });
    Some(TemplateStatus {
        id: wire.message_template_id.filter(|id| !id.is_empty())?.into_owned(),
        name: wire.message_template_name?.into_owned(),
        language: Language::parse(&wire.message_template_language?).ok()?,
        approval,
        category: wire.message_template_category.and_then(|word| crate::templates::category(&word)),
        reason,
        at: at.unwrap_or(Timestamp::EPOCH),
    })
}
