//! `POST /{phone_number_id}/messages` (WA messages/send-messages): the common parameters, and which kind it is.

use serde_json::Value;

use super::content::{Content, MediaKind};
use super::error::GraphError;
use super::read::Fields;
use super::template_send::TemplateSend;
use super::{free, interactive, template_send};

type Read<T> = Result<T, GraphError>;

/// Providers restating Meta give 512 characters.
const CALLBACK_DATA_MAX: usize = 512;

/// The types of message, each with an object of the same name.
const TYPES: [&str; 11] =
    ["text", "image", "video", "audio", "document", "sticker", "location", "reaction", "contacts", "interactive", "template"];

/// Graph takes structured parameters as JSON text too, and clients make use of it; what is text by nature stays text.
pub(crate) fn unwrap_json(value: &mut Value) {
    let Some(body) = value.as_object_mut() else { return };
    for key in TYPES.iter().chain(&["context", "typing_indicator"]) {
        if let Some(Value::String(text)) = body.get(*key)
            && text.starts_with(['{', '['])
            && let Ok(inner) = serde_json::from_str::<Value>(text)
        {
            body.insert((*key).to_owned(), inner);
        }
    }
}

/// Whom a message is for, as the caller wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// `to` with something that is, or should be, a phone number.
    Phone(String),
    /// `recipient` with a business-scoped user id.
    UserId(String),
    /// A business-scoped user id written into `to`: accepted, and nobody ever gets it.
    UserIdInTo(String),
}

impl Address {
    pub(crate) fn as_given(&self) -> &str {
        match self {
            Self::Phone(text) | Self::UserId(text) | Self::UserIdInTo(text) => text,
        }
    }
}

/// What the message is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Payload {
    /// Anything that only goes inside the window.
    Free(Content),
    /// A template with its parameters.
    Template(TemplateSend),
}

/// A message to send.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SendRequest {
    pub(crate) to: Address,
    pub(crate) payload: Payload,
    pub(crate) quotes: Option<String>,
    pub(crate) callback_data: Option<String>,
}

/// The two things this endpoint takes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Posted {
    Send(Box<SendRequest>),
    /// `status: read`, perhaps with the typing indicator.
    Read {
        message_id: String,
        typing: bool,
    },
}

/// Whether a text is a business-scoped user id or its parent form.
pub(crate) fn is_user_id(text: &str) -> bool {
    let Some((country, rest)) = text.split_once('.') else { return false };
    let id = rest.strip_prefix("ENT.").unwrap_or(rest);
    country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && (1..=128).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Reads the body of `/messages`.
pub(crate) fn read(value: &Value) -> Read<Posted> {
    let body = Fields::body(value)?;
    product(&body)?;
    if body.has("status") {
        return read_mark(&body);
    }
    let kind = if body.has("type") { body.text("type", 64)? } else { "text" };
    let known = [
        "messaging_product",
        "recipient_type",
        "to",
        "recipient",
        "type",
        "context",
        "biz_opaque_callback_data",
        "recipient_identity_key_hash",
        "category",
        kind,
    ];
    if !TYPES.contains(&kind) {
        return Err(GraphError::invalid(format!("Param type must be one of {{{}}} - got \"{kind}\".", TYPES.join(", "))));
    }
    body.only(&known)?;
    if body.has("recipient_type") && body.one_of("recipient_type", &["individual", "group"])? == "group" {
        return Err(GraphError::new(131_215, "This phone number is not eligible for group messaging."));
    }
    let to = address(&body)?;
    body.text_opt("recipient_identity_key_hash", 256)?;
    let callback_data = body.text_opt("biz_opaque_callback_data", CALLBACK_DATA_MAX)?.map(str::to_owned);
    let quotes = match body.object_opt("context")? {
        Some(_) if kind == "reaction" => return Err(body.wrong("context", "is not allowed with a reaction.")),
        Some(context) => {
            context.only(&["message_id"])?;
            Some(context.text("message_id", 512)?.to_owned())
        }
        None => None,
    };
    let payload = payload(kind, &body)?;
    if body.has("category") {
        direct_send(&body, kind)?;
    }
    Ok(Posted::Send(Box::new(SendRequest { to, payload, quotes, callback_data })))
}

fn product(body: &Fields<'_>) -> Read<()> {
    if body.text("messaging_product", 32)? == "whatsapp" {
        Ok(())
    } else {
        Err(body.wrong("messaging_product", "must be \"whatsapp\"."))
    }
}

fn read_mark(body: &Fields<'_>) -> Read<Posted> {
    body.only(&["messaging_product", "status", "message_id", "typing_indicator"])?;
    body.one_of("status", &["read"])?;
    let message_id = body.text("message_id", 512)?.to_owned();
    let typing = match body.object_opt("typing_indicator")? {
        Some(indicator) => {
            indicator.only(&["type"])?;
            indicator.one_of("type", &["text"])?;
            true
        }
        None => false,
    };
    Ok(Posted::Read { message_id, typing })
}

fn address(body: &Fields<'_>) -> Read<Address> {
    // With both, `to` wins: Meta, business-scoped-user-ids.
    if let Some(to) = body.text_opt("to", 256)?.map(str::trim).filter(|to| !to.is_empty()) {
        return Ok(if is_user_id(to) { Address::UserIdInTo(to.to_owned()) } else { Address::Phone(to.to_owned()) });
    }
    match body.text_opt("recipient", 256)?.filter(|recipient| !recipient.is_empty()) {
        Some(recipient) if is_user_id(recipient) => Ok(Address::UserId(recipient.to_owned())),
        Some(_) => Err(GraphError::new(131_009, "recipient must be a business-scoped user id such as US.13491208655302741918.")),
        None => Err(GraphError::missing("to")),
    }
}

fn payload(kind: &str, body: &Fields<'_>) -> Read<Payload> {
    if kind == "contacts" {
        return free::contacts(body).map(Payload::Free);
    }
    let value = body.value(kind)?;
    let fields = body.object(kind)?;
    let content = match kind {
        "template" => return template_send::read(&fields).map(Payload::Template),
        "interactive" => interactive::read(&fields, value)?,
        "image" => free::media(MediaKind::Image, &fields, value)?,
        "video" => free::media(MediaKind::Video, &fields, value)?,
        "audio" => free::media(MediaKind::Audio, &fields, value)?,
        "document" => free::media(MediaKind::Document, &fields, value)?,
        "sticker" => free::media(MediaKind::Sticker, &fields, value)?,
        "location" => free::location(&fields, value)?,
        "reaction" => free::reaction(&fields, value)?,
        _ => free::text(&fields, value)?,
    };
    Ok(Payload::Free(content))
}

/// Direct Send is for accounts that Meta has let in; this one is not (WA direct-send/overview).
fn direct_send(body: &Fields<'_>, kind: &str) -> Read<()> {
    body.one_of("category", &["utility", "authentication"])?;
    if kind != "text" && kind != "interactive" {
        return Err(body.wrong("category", "is only for text and interactive messages."));
    }
    Err(GraphError::new(139_200, "Direct Send is not enabled for this WhatsApp Business Account."))
}
