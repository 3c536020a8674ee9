//! One inbound message (Meta: webhooks/reference/messages and the page of each type).

use serde_json::value::RawValue;
use serde_json::{Map, Value};
use transom_domain::address::{Bsuid, Phone};
use transom_domain::amendment::{Amended, Amendment};
use transom_domain::fact::{AskedProduct, Fact, IdentityChange, Inbound, InboundBody, Person};
use transom_domain::free_form::MediaKind;
use transom_domain::time::Timestamp;

use super::messages::{from_of, moment_of};
use super::person::{Contacts, is_nobody, person};
use super::{name, news};
use crate::read::{member, real, take_object, take_text};
use crate::wire_error::from_values;

/// Reads a message; the news that WhatsApp puts into the form of one are told as what they are.
pub(super) fn read(mut message: Map<String, Value>, contacts: &Contacts, fallback: Timestamp, raw: &RawValue) -> Fact {
    let kind = member(&message, "type").unwrap_or_default();
    let from = from_of(&message);
    let at = moment_of(&message).unwrap_or(fallback);
    // A group has no session and no conversation of ours: what is said in one, to whomever, is passed on and opens nothing.
    if member(&message, "group_id").is_some() {
        return Fact::News(news("messages.group", raw, Some(at)));
    }
    if kind == "system" {
        let passed = || Fact::News(news("messages.system", raw, Some(at)));
        return system(&mut message, from, at).unwrap_or_else(passed);
    }
    let known = take_text(&mut message, "id").filter(|id| !id.is_empty());
    // Nobody to answer, or nothing to recognise a repetition by: not a message that this gateway can keep.
    let (Some(provider_id), false) = (known, is_nobody(&from)) else {
        return Fact::Other { field: name(&kind) };
    };
    if let Some((original, change)) = amendment(&kind, &mut message) {
        return Fact::Amended(Amended { provider_id, at, from: contacts.complete(from), original, change });
    }
    let context = take_object(&mut message, "context").unwrap_or_default();
    let flag = |key: &str| context.get(key).and_then(Value::as_bool).unwrap_or(false);
    let referral = message.remove("referral").filter(|referral| !referral.is_null());
    let mut from = contacts.complete(from);
    if let (None, Some(phone)) = (&from.phone, shared_phone(&message)) {
        (from.phone, from.shared) = (Some(phone), true);
    }
    Fact::Inbound(Inbound {
        provider_id,
        at,
        from,
        forwarded: flag("forwarded") || flag("frequently_forwarded"),
        often_forwarded: flag("frequently_forwarded"),
        product: context.get("referred_product").and_then(Value::as_object).and_then(product),
        reply_to: member(&context, "id"),
        referral,
        body: body(&kind, message),
    })
}

/// The customer's own number, shared by a tap on the button that asks for it. A card that a customer shares by hand may be anybody's
/// (business-scoped-user-ids, "Request contact information"). An earlier revision has `origin` on the message.
fn shared_phone(message: &Map<String, Value>) -> Option<Phone> {
    let asked = |object: &Map<String, Value>| object.get("origin").and_then(Value::as_str) == Some("contact_request");
    let card =
        message.get("contacts")?.as_array()?.iter().find_map(|card| card.as_object().filter(|c| asked(c) || asked(message)))?;
    let phones = card.get("phones")?.as_array()?.iter().filter_map(Value::as_object);
    let number = |phone: &Map<String, Value>| {
        let whatsapp = member(phone, "wa_id").and_then(|digits| Phone::from_wa_id(&digits).ok());
        whatsapp.or_else(|| member(phone, "phone").and_then(|text| Phone::parse(&text).ok()))
    };
    phones.into_iter().find_map(number)
}

/// What was done to which message. None for what is something else, or does not say to which.
pub(super) fn amendment(kind: &str, message: &mut Map<String, Value>) -> Option<(String, Amendment)> {
    if !matches!(kind, "edit" | "revoke") {
        return None;
    }
    let original = member(message.get(kind)?.as_object()?, "original_message_id")?;
    if kind == "revoke" {
        return Some((original, Amendment::Revoked));
    }
    // Looked at before it is taken, so that what cannot be read is still whole when it is passed on as unknown.
    let kind = member(message.get("edit")?.get("message")?.as_object()?, "type")?;
    let changed = take_object(message.get_mut("edit")?.as_object_mut()?, "message")?;
    Some((original, Amendment::Edited { body: Box::new(body(&kind, changed)) }))
}

fn product(product: &Map<String, Value>) -> Option<AskedProduct> {
    Some(AskedProduct { catalog_id: member(product, "catalog_id"), retailer_id: member(product, "product_retailer_id")? })
}

/// What a message says.
pub(super) fn body(kind: &str, mut message: Map<String, Value>) -> InboundBody {
    let read = match kind {
        "text" => text(&mut message),
        "image" => media(MediaKind::Image, &mut message),
        "video" => media(MediaKind::Video, &mut message),
        "audio" => media(MediaKind::Audio, &mut message),
        "document" => media(MediaKind::Document, &mut message),
        "sticker" => media(MediaKind::Sticker, &mut message),
        "location" => location(&mut message),
        "contacts" => message.get_mut("contacts").filter(|c| c.is_array()).map(|c| InboundBody::Contacts { contacts: c.take() }),
        "reaction" => reaction(&mut message),
        "button" => button(&mut message),
        "interactive" => interactive(&message),
        "order" => message.get_mut("order").filter(|o| o.is_object()).map(|o| InboundBody::Order { order: o.take() }),
        "unsupported" | "unknown" => Some(unsupported(&message)),
        _ => None,
    };
    read.unwrap_or_else(|| unread(kind, message))
}

/// A message of a known type without its object has an error instead; anything else is of a type nobody knows yet.
fn unread(kind: &str, message: Map<String, Value>) -> InboundBody {
    let errors = from_values(message.get("errors"));
    if errors.is_empty() {
        InboundBody::Unknown { name: name(kind), raw: Value::Object(message) }
    } else {
        InboundBody::Unsupported { kind: None, errors }
    }
}

fn unsupported(message: &Map<String, Value>) -> InboundBody {
    let kind = message.get("unsupported").and_then(Value::as_object).and_then(|what| member(what, "type"));
    InboundBody::Unsupported { kind: kind.map(|kind| name(&kind)), errors: from_values(message.get("errors")) }
}

fn text(message: &mut Map<String, Value>) -> Option<InboundBody> {
    // Looked at before it is taken, so that what cannot be read is still whole when it is passed on as unknown.
    message.get("text")?.get("body")?.as_str()?;
    let body = take_text(&mut take_object(message, "text")?, "body")?;
    Some(InboundBody::Text { body })
}

fn media(kind: MediaKind, message: &mut Map<String, Value>) -> Option<InboundBody> {
    member(message.get(kind.as_str())?.as_object()?, "id")?;
    let mut media = take_object(message, kind.as_str())?;
    Some(InboundBody::Media {
        kind,
        voice: media.get("voice").and_then(Value::as_bool).unwrap_or(false),
        animated: media.get("animated").and_then(Value::as_bool).unwrap_or(false),
        id: take_text(&mut media, "id")?,
        mime_type: take_text(&mut media, "mime_type").unwrap_or_default(),
        sha256: take_text(&mut media, "sha256"),
        caption: take_text(&mut media, "caption"),
        filename: take_text(&mut media, "filename"),
        url: take_text(&mut media, "url"),
    })
}

fn location(message: &mut Map<String, Value>) -> Option<InboundBody> {
    let place = message.get("location")?.as_object()?;
    let (latitude, longitude) = (real(place, "latitude")?, real(place, "longitude")?);
    let [name, address, url] = ["name", "address", "url"].map(|key| member(place, key));
    Some(InboundBody::Location { latitude, longitude, name, address, url })
}

fn reaction(message: &mut Map<String, Value>) -> Option<InboundBody> {
    let reaction = message.get("reaction")?.as_object()?;
    Some(InboundBody::Reaction { message_id: member(reaction, "message_id")?, emoji: member(reaction, "emoji") })
}

fn button(message: &mut Map<String, Value>) -> Option<InboundBody> {
    let button = message.get("button")?.as_object()?;
    let text = member(button, "text");
    let payload = member(button, "payload").or_else(|| text.clone())?;
    Some(InboundBody::Button { payload, text: text.unwrap_or_default() })
}

fn interactive(message: &Map<String, Value>) -> Option<InboundBody> {
    let interactive = message.get("interactive")?.as_object()?;
    let kind = interactive.get("type")?.as_str()?;
    let reply = interactive.get(kind)?;
    let field = |key: &str| reply.as_object().and_then(|r| member(r, key));
    match kind {
        "button_reply" => Some(InboundBody::ButtonReply { id: field("id")?, title: field("title").unwrap_or_default() }),
        "list_reply" => Some(InboundBody::ListReply {
            id: field("id")?,
            title: field("title").unwrap_or_default(),
            description: field("description"),
        }),
        "nfm_reply" => Some(InboundBody::FlowReply {
            name: field("name").unwrap_or_default(),
            body: field("body").unwrap_or_default(),
            // A text of JSON by the documents; where it comes as JSON itself it is written out again.
            response_json: match reply.get("response_json")? {
                Value::String(json) => json.clone(),
                other => other.to_string(),
            },
        }),
        "call_permission_reply" => Some(InboundBody::CallPermission { reply: reply.clone() }),
        _ => None,
    }
}

/// A new number or user id. Three forms are in use: `user_changed_number`, `user_changed_user_id`, and payloads before August
/// 2026 that name the old user id in their prose only.
fn system(message: &mut Map<String, Value>, old: Person, at: Timestamp) -> Option<Fact> {
    let system = take_object(message, "system")?;
    let kind = member(&system, "type").unwrap_or_default();
    if !matches!(kind.as_str(), "user_changed_number" | "user_changed_user_id") {
        return None;
    }
    let [number, user_id, parent, previous_id, previous_parent] =
        ["wa_id", "user_id", "parent_user_id", "previous_user_id", "previous_parent_user_id"].map(|key| member(&system, key));
    let (told_before, told_now) = member(&system, "body").map_or((None, None), |body| ids_in_prose(&body));
    let mut current = person(number.as_deref(), user_id.as_deref(), parent.as_deref());
    current.bsuid = current.bsuid.or(told_now);
    let named = person(None, previous_id.as_deref(), previous_parent.as_deref());
    // `from` is the old number; a user id beside it is the old one only if it is not the new one.
    let previous = Person {
        phone: old.phone,
        bsuid: named.bsuid.or(told_before).or(old.bsuid.filter(|id| Some(id) != current.bsuid.as_ref())),
        parent_bsuid: named.parent_bsuid.or(old.parent_bsuid.filter(|id| Some(id) != current.parent_bsuid.as_ref())),
        ..Person::default()
    };
    if is_nobody(&previous) || is_nobody(&current) {
        return None;
    }
    let provider_id = take_text(message, "id").unwrap_or_default();
    Some(Fact::IdentityChanged(IdentityChange { provider_id, at, previous, current }))
}

/// The two user ids in "… changed from DE.1 to DE.2". Only what has the shape of one counts: between the words may stand
/// numbers, and before them the name that a person chose.
fn ids_in_prose(body: &str) -> (Option<Bsuid>, Option<Bsuid>) {
    let words: Vec<&str> = body.split_whitespace().map(|w| w.trim_end_matches(['.', ',', ';', ':', '!'])).collect();
    let id_at = |at: usize| words.get(at).and_then(|word| Bsuid::parse(word).ok());
    // The last such pair: whatever a name imitates stands before it.
    let pair = (0..words.len()).rev().find(|at| words.get(*at) == Some(&"from") && words.get(at + 2) == Some(&"to"));
    pair.map_or((None, None), |at| (id_at(at + 1), id_at(at + 3)))
}
