//! The form of an inbound message.

use serde_json::{Map, Value, json};

use transom_domain::address::Channel;
use transom_domain::event::Party;
use transom_domain::fact::{Inbound, InboundBody};
use transom_domain::id::{BusinessId, MediaId, MessageId};
use transom_domain::media::of_message;

use super::form::Form;
use super::names::{API_VERSION, address, customer, sender};
use crate::twilio::sid::{Sid as _, message_sid};

/// Longest `ChannelMetadata` with what has no parameter of its own in it, in bytes; beyond it that is left out.
const METADATA_MAX: usize = 64 * 1024;

/// A message from a customer, and in whose name it is told.
#[derive(Debug, Clone, Copy)]
pub struct Said<'a> {
    /// Whose.
    pub business: BusinessId,
    /// Between whom.
    pub party: &'a Party,
    /// Our id of it.
    pub message: MessageId,
    /// What came.
    pub inbound: &'a Inbound,
    /// The message it answers, where that is known here.
    pub replied_to: Option<&'a Original>,
    /// SID of the messaging service whose address is called, where one's is.
    pub service: Option<&'a str>,
}

/// A message that is answered: quoted, tapped on, or reacted to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Original {
    /// Its SID.
    pub sid: String,
    /// Whether the customer wrote it, and not the business.
    pub is_inbound: bool,
}

/// The form of a message; none for what is no message: calls, leave to call, and what WhatsApp reports by itself. `link` makes an
/// address from which a file can be had.
#[must_use]
pub fn form(said: &Said<'_>, link: impl Fn(MediaId) -> String) -> Option<Form> {
    let Said { party, inbound, .. } = said;
    let told = match &inbound.body {
        InboundBody::Call { .. } | InboundBody::CallPermission { .. } => false,
        body => body.opens_session(),
    };
    if !told {
        return None;
    }
    let mut form = Form::new();
    heading(&mut form, said);
    let mut more = Map::new();
    body(&mut form, &mut more, said, link);
    if inbound.forwarded {
        form.set("Forwarded", "true");
    }
    if inbound.often_forwarded {
        form.set("FrequentlyForwarded", "true");
    }
    if let Some(product) = &inbound.product {
        form.set("ProductRetailerId", product.retailer_id.as_str());
    }
    if let Some(original) = said.replied_to {
        form.set("OriginalRepliedMessageSid", original.sid.as_str());
        form.set("OriginalRepliedMessageSender", if original.is_inbound { customer(party) } else { sender(party) });
    }
    if party.channel == Channel::Whatsapp {
        form.set("ReferralNumMedia", "0");
    }
    if let Some(referral) = &inbound.referral {
        refer(&mut form, referral);
        more.insert("referral".to_owned(), referral.clone());
    }
    form.set("ChannelMetadata", metadata(party, more));
    Some(form)
}

/// What every message says.
fn heading(form: &mut Form, said: &Said<'_>) {
    let Said { business, party, message, inbound, service, .. } = *said;
    // As lists show it too.
    let own = message_sid(message, matches!(inbound.body, InboundBody::Media { .. }));
    form.set_all(&["MessageSid", "SmsSid", "SmsMessageSid"], &own);
    form.set("AccountSid", business.sid());
    form.set("ApiVersion", API_VERSION);
    form.set("SmsStatus", "received");
    form.set("NumSegments", "1");
    form.set("NumMedia", "0");
    form.set("Body", "");
    form.set("From", customer(party));
    form.set("To", sender(party));
    form.set_some("MessagingServiceSid", service);
    form.set_some("ProfileName", party.name.as_deref());
    form.set("MessageType", kind(&inbound.body));
    if party.channel == Channel::Whatsapp {
        form.set_some("WaId", party.phone.as_ref().map(|phone| phone.digits()));
        form.set_some("ExternalUserId", party.bsuid.as_ref().map(|bsuid| format!("whatsapp:{bsuid}")));
    }
}

/// The channel's word for what came.
fn kind(body: &InboundBody) -> &str {
    match body {
        InboundBody::ButtonReply { .. } | InboundBody::ListReply { .. } | InboundBody::FlowReply { .. } => "interactive",
        other => other.word(),
    }
}

/// What it says; what has no parameter goes into `more`.
fn body(form: &mut Form, more: &mut Map<String, Value>, said: &Said<'_>, link: impl Fn(MediaId) -> String) {
    match &said.inbound.body {
        InboundBody::Text { body } => form.set("Body", body.as_str()),
        InboundBody::Media { mime_type, caption, filename, .. } => {
            form.set("NumMedia", "1");
            form.set("MediaUrl0", link(of_message(said.message, 0)));
            form.set("MediaContentType0", mime_type.split(';').next().unwrap_or_default().trim());
            // The name of a document has no parameter: it stands where nothing else does.
            form.set_some("Body", caption.as_deref().or(filename.as_deref()));
            if let Some(name) = filename {
                more.insert("filename".to_owned(), name.as_str().into());
            }
        }
        InboundBody::Location { latitude, longitude, name, address, url } => {
            form.set("Latitude", latitude.to_string());
            form.set("Longitude", longitude.to_string());
            form.set_some("Label", name.as_deref());
            form.set_some("Address", address.as_deref());
            if let Some(url) = url {
                more.insert("url".to_owned(), url.as_str().into());
            }
        }
        InboundBody::Button { payload, text } | InboundBody::ButtonReply { id: payload, title: text } => {
            form.set("Body", text.as_str());
            form.set("ButtonText", text.as_str());
            // The other word is for links and calls, of whose taps nobody is told.
            form.set("ButtonType", "REPLY");
            form.set("ButtonPayload", if payload.is_empty() { text.as_str() } else { payload.as_str() });
        }
        InboundBody::ListReply { id, title, description } => {
            form.set("Body", title.as_str());
            form.set("ListId", id.as_str());
            form.set("ListTitle", title.as_str());
            if let Some(description) = description {
                more.insert("listDescription".to_owned(), description.as_str().into());
            }
        }
        InboundBody::FlowReply { name, body, response_json } => {
            form.set("Body", body.as_str());
            form.set("InteractiveData", response_json.as_str());
            if name == "flow" {
                form.set("FlowData", response_json.as_str());
            }
        }
        InboundBody::Reaction { emoji, .. } => form.set_some("Body", emoji.as_deref()),
        InboundBody::Order { order } => {
            form.set_some("Body", order.get("text").and_then(Value::as_str));
            form.set("ProductRetailerId", order.to_string());
        }
        InboundBody::Contacts { contacts } => {
            more.insert("contacts".to_owned(), contacts.clone());
        }
        InboundBody::Unsupported { kind, errors } => {
            more.insert("unsupported".to_owned(), json!({ "type": kind, "errors": errors }));
        }
        InboundBody::Unknown { raw, .. } => {
            more.insert("raw".to_owned(), raw.clone());
        }
        InboundBody::CallPermission { .. } | InboundBody::Call { .. } => {}
    }
}

/// Where the customer came from. Meta names other things on its two channels; what both have goes into the same parameters.
fn refer(form: &mut Form, referral: &Value) {
    let text = |names: &[&str]| names.iter().find_map(|name| referral.pointer(name).and_then(Value::as_str)).map(str::to_owned);
    let media =
        text(&["/image_url", "/video_url", "/thumbnail_url", "/ads_context_data/photo_url", "/ads_context_data/video_url"]);
    for (name, value) in [
        ("ReferralBody", text(&["/body"])),
        ("ReferralHeadline", text(&["/headline", "/ads_context_data/ad_title"])),
        ("ReferralSourceId", text(&["/source_id", "/ad_id"])),
        ("ReferralSourceType", text(&["/source_type", "/source"])),
        ("ReferralSourceUrl", text(&["/source_url", "/referer_uri"])),
        ("ReferralCtwaClid", text(&["/ctwa_clid"])),
        ("ReferralMediaId", text(&["/image/id", "/video/id", "/media_id"])),
        ("ReferralMediaContentType", text(&["/media_type"])),
    ] {
        form.set_some(name, value);
    }
    form.set("ReferralNumMedia", if media.is_some() { "1" } else { "0" });
    form.set_some("ReferralMediaUrl", media);
}

fn metadata(party: &Party, more: Map<String, Value>) -> String {
    let mut context = Map::new();
    if let Some(name) = &party.name {
        context.insert("ProfileName".to_owned(), name.as_str().into());
    }
    if let (Channel::Whatsapp, Some(phone)) = (party.channel, &party.phone) {
        context.insert("WaId".to_owned(), phone.digits().into());
    }
    if let Some(username) = &party.username {
        context.insert("Username".to_owned(), username.as_str().into());
    }
    // The address of the conversation itself, which is not always the number.
    context.insert("Address".to_owned(), address(&party.customer_address).into());
    let mut data = Map::new();
    data.insert("context".to_owned(), Value::Object(context));
    let told = |data: &Map<String, Value>| json!({ "type": party.channel.as_str(), "data": data }).to_string();
    let plain = told(&data);
    if more.is_empty() {
        return plain;
    }
    data.extend(more);
    Some(told(&data)).filter(|whole| whole.len() <= METADATA_MAX).unwrap_or(plain)
}

#[cfg(test)]
#[path = "inbound_tests.rs"]
mod tests;
