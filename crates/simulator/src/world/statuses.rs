//! The webhooks that say what became of a message (WA webhooks/reference/messages/status).

use serde_json::{Map, Value, json};

use super::customer::Customer;
use super::message::{Message, PricingCategory, PricingType, Status};
use super::{Now, World};
use crate::graph::error::title;

/// Where Meta's error objects point.
pub(crate) const ERRORS_PAGE: &str = "/documentation/business-messaging/whatsapp/support/error-codes";

/// How long an old-style conversation runs, in seconds.
const CONVERSATION_SECONDS: i64 = 86_400;

impl World {
    /// Owes the webhook for the status a message has now.
    pub(crate) fn tell_status(&mut self, now: Now, seq: u64) {
        let Some(message) = self.messages.get(seq) else { return };
        let Some(number) = self.numbers.get(&message.body.number) else { return };
        let customer = message.body.customer.and_then(|id| self.customers.get(&id));
        let status = message.progress.status;
        let mut value = Map::new();
        value.insert("messaging_product".into(), json!("whatsapp"));
        value.insert("metadata".into(), metadata(number));
        if status != Status::Failed
            && let Some(customer) = customer
        {
            let wa_id = shown_wa_id(message, customer, now);
            value.insert("contacts".into(), json!([customer.contact(wa_id, status != Status::Sent)]));
        }
        value.insert("statuses".into(), json!([self.status(now, message, customer)]));
        let number = message.body.number;
        self.owe_number(now, number, "messages", &Value::Object(value));
    }

    fn status(&self, now: Now, message: &Message, customer: Option<&Customer>) -> Value {
        let (body, progress) = (&message.body, &message.progress);
        let status = progress.status;
        let mut object = Map::new();
        object.insert("id".into(), json!(body.wamid));
        object.insert("status".into(), json!(status.as_str()));
        object.insert("timestamp".into(), json!(now.world.as_secs().to_string()));
        match customer {
            Some(customer) => {
                if let Some(wa_id) = shown_wa_id(message, customer, now) {
                    object.insert("recipient_id".into(), json!(wa_id));
                }
                if status != Status::Failed || body.by_user_id {
                    object.insert("recipient_user_id".into(), json!(customer.user_id));
                }
            }
            None => {
                let key = if body.by_user_id { "recipient_user_id" } else { "recipient_id" };
                object.insert(key.into(), json!(body.to));
            }
        }
        if let Some(data) = &body.callback_data {
            object.insert("biz_opaque_callback_data".into(), json!(data));
        }
        if status == Status::Failed {
            let code = progress.error.unwrap_or(131_000);
            object.insert("errors".into(), json!([error_object(code, progress.details.as_deref().unwrap_or(""))]));
            return Value::Object(object);
        }
        let tells_price = status == Status::Sent || status == Status::Delivered || (status == Status::Read && !progress.priced);
        if let Some(pricing) = body.pricing.filter(|_| tells_price) {
            let is_free_entry = pricing.kind == PricingType::FreeEntryPoint;
            if let Some(id) = body.conversation.as_ref().filter(|_| is_free_entry || self.settings.webhook_version <= 23) {
                object.insert("conversation".into(), conversation(id, status, body.at, pricing.category));
            }
            object.insert(
                "pricing".into(),
                json!({
                    "billable": pricing.billable,
                    "pricing_model": "PMP",
                    "type": pricing.kind,
                    "category": pricing.category,
                }),
            );
        }
        Value::Object(object)
    }
}

/// Phone sends always tell the number; sends to a user id only where webhooks of this customer show it.
fn shown_wa_id<'a>(message: &'a Message, customer: &'a Customer, now: Now) -> Option<&'a str> {
    if message.body.by_user_id { customer.shown_wa_id(message.body.number, now.world) } else { Some(&message.body.to) }
}

fn conversation(id: &str, status: Status, at: i64, category: PricingCategory) -> Value {
    let mut object = Map::new();
    object.insert("id".into(), json!(id));
    if status == Status::Sent {
        let until = at.div_euclid(1_000) + CONVERSATION_SECONDS;
        object.insert("expiration_timestamp".into(), json!(until.to_string()));
    }
    object.insert("origin".into(), json!({ "type": category }));
    Value::Object(object)
}

/// `value.metadata`.
pub(crate) fn metadata(number: &super::account::Number) -> Value {
    json!({ "display_phone_number": number.display_digits(), "phone_number_id": number.id.to_string() })
}

/// An error as webhooks write it.
pub(crate) fn error_object(code: u32, details: &str) -> Value {
    json!({
        "code": code,
        "title": title(code),
        "message": title(code),
        "error_data": { "details": details },
        "href": ERRORS_PAGE,
    })
}
