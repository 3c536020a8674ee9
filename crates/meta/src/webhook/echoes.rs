//! What the business wrote in the WhatsApp Business app (Meta: webhooks/reference/smb_message_echoes): a message the other way
//! round, from the business to a customer.

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use transom_domain::amendment::Amended;
use transom_domain::fact::{Echo, Fact};
use transom_domain::time::Timestamp;

use super::inbound::{amendment, body};
use super::messages::moment_of;
use super::person::{Contacts, is_nobody, person};
use super::{name, news};
use crate::read::{member, take_object, take_text};

/// Reads an echo. What was done in the app to an earlier message is told like what a customer does to one.
pub(super) fn read(mut message: Map<String, Value>, contacts: &Contacts, fallback: Timestamp, raw: &RawValue) -> Fact {
    let kind = member(&message, "type").unwrap_or_default();
    let at = moment_of(&message).unwrap_or(fallback);
    if member(&message, "group_id").is_some() {
        return Fact::News(news("smb_message_echoes.group", raw, Some(at)));
    }
    let [number, user_id, parent] = ["to", "to_user_id", "to_parent_user_id"].map(|key| member(&message, key));
    let to = person(number.as_deref(), user_id.as_deref(), parent.as_deref());
    let known = take_text(&mut message, "id").filter(|id| !id.is_empty());
    let (Some(provider_id), false) = (known, is_nobody(&to)) else { return Fact::Other { field: name(&kind) } };
    if let Some((original, change)) = amendment(&kind, &mut message) {
        return Fact::Amended(Amended { provider_id, at, from: Default::default(), original, change });
    }
    let reply_to = take_object(&mut message, "context").and_then(|context| member(&context, "id"));
    Fact::Echo(Echo { provider_id, at, to: contacts.complete(to), body: body(&kind, message), reply_to })
}
