//! Messages on their way to Meta: `POST /{version}/{phone_number_id}/messages` (Meta: messages/send-messages).
//!
//! Limits are the domain's to check; here a message that has passed them is only spelled.

mod answer;
mod free_form;
mod template;

use serde_json::{Map, Value, json};
use transom_domain::address::{Bsuid, Phone};
use transom_domain::free_form::{File, MediaKind, MediaSource};

pub use answer::{Accepted, Answer, parse_answer};
pub use free_form::free_form;
pub use template::template;

pub use crate::wire_error::parse_error;

use crate::read::{object, put};

/// Longest `biz_opaque_callback_data`. Providers speak of 512 characters; Meta does not say, so we stay far below.
pub const CALLBACK_MAX: usize = 256;

/// Whom a message is for. Meta takes a phone number in `to` and a user id in `recipient`; a user id in `to` would be accepted
/// and lead nowhere, so each address brings its own field (business-scoped-user-ids).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient<'a> {
    /// A phone number, sent with its `+`: without it Meta may prepend the sender's country.
    To(&'a Phone),
    /// A business-scoped user id, plain or parent. Not for one-time codes (131062).
    Recipient(&'a Bsuid),
}

/// What every message has around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// Whom it is for.
    pub recipient: Recipient<'a>,
    /// Meta's id of the message that is quoted. Left out with reactions, which name their message themselves.
    pub context: Option<&'a str>,
    /// Comes back with every status of this message (`biz_opaque_callback_data`), at most [`CALLBACK_MAX`] bytes; empty for none.
    pub callback: &'a str,
}

impl Envelope<'_> {
    /// The whole request, for a `type` and the object of the same name.
    fn around(&self, kind: &str, content: Value, quotes: bool) -> Value {
        let mut body = object([
            ("messaging_product", json!("whatsapp")),
            ("recipient_type", json!("individual")),
            ("type", json!(kind)),
            (kind, content),
        ]);
        match self.recipient {
            Recipient::To(phone) => put(&mut body, "to", Some(phone.as_str())),
            Recipient::Recipient(bsuid) => put(&mut body, "recipient", Some(bsuid.as_str())),
        }
        if let Some(quoted) = self.context.filter(|id| quotes && !id.is_empty()) {
            body.insert("context".to_owned(), json!({ "message_id": quoted }));
        }
        put(&mut body, "biz_opaque_callback_data", Some(self.callback));
        Value::Object(body)
    }
}

/// Marks an inbound message, and all before it in its conversation, as read; with `typing`, the customer sees for 25 seconds
/// or until the answer that one is being written (messages/mark-message-as-read, typing-indicators).
#[must_use]
pub fn mark_read(message_id: &str, typing: bool) -> Value {
    let mut body =
        object([("messaging_product", json!("whatsapp")), ("status", json!("read")), ("message_id", json!(message_id))]);
    if typing {
        body.insert("typing_indicator".to_owned(), json!({ "type": "text" }));
    }
    Value::Object(body)
}

/// The object of a file: its id or its link, and the name of a document.
fn file_object(file: &File) -> Map<String, Value> {
    let mut media = match &file.source {
        MediaSource::Link(link) => object([("link", json!(link))]),
        MediaSource::Id(id) => object([("id", json!(id))]),
    };
    if file.kind == MediaKind::Document {
        put(&mut media, "filename", file.filename.as_deref());
    }
    media
}

/// A place, in a message or in a template's header. The pages show the coordinates as numbers and as text; both are taken.
fn location_object(latitude: f64, longitude: f64, name: Option<&str>, address: Option<&str>) -> Value {
    let mut place = object([("latitude", json!(latitude)), ("longitude", json!(longitude))]);
    put(&mut place, "name", name);
    put(&mut place, "address", address);
    Value::Object(place)
}

/// Sections of products, in a list of products or in a template's multi-product button.
fn product_sections(sections: &[transom_domain::free_form::ProductSection]) -> Value {
    let printed = sections.iter().map(|section| {
        let items: Vec<Value> = section.products.iter().map(|id| json!({ "product_retailer_id": id })).collect();
        let mut printed = object([("product_items", Value::Array(items))]);
        put(&mut printed, "title", section.title.as_deref());
        Value::Object(printed)
    });
    Value::Array(printed.collect())
}

#[cfg(test)]
mod tests;
