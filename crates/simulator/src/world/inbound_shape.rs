//! What a customer can send (WA webhooks/reference/messages/*): the object of each type, checked before it becomes a webhook.

use serde_json::{Map, Value, json};

use crate::graph::content::{Kind, MediaKind};
use crate::graph::error::GraphError;
use crate::graph::free::id_opt;
use crate::graph::read::Fields;

type Read<T> = Result<T, GraphError>;

/// How Meta tells a change of number or id: as a system message with or without the ids of before, or as a field of its own.
const CHANGE_FORMS: &[&str] = &["system", "without_previous", "user_id_update"];

/// Bounds of texts a person types or an object carries; the body of a text is Meta's, the rest is ours.
const TEXT_MAX: usize = 4_096;
const SHORT_MAX: usize = 1_024;
/// What every message has besides what its sender says.
const MESSAGE_MEMBERS: [&str; 4] = ["id", "from", "from_user_id", "timestamp"];
/// A flow's answer as text, and a message as it stands.
const RESPONSE_MAX: usize = 64 * 1_024;

/// Media of a customer's message before it has an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DraftMedia {
    pub(crate) kind: MediaKind,
    pub(crate) mime: String,
    /// The bytes in base64, where the desk gave them.
    pub(crate) data: Option<String>,
}

/// A customer's message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    /// The object of the type, without what only Meta knows.
    pub(crate) object: Value,
    pub(crate) media: Option<DraftMedia>,
    pub(crate) context: Option<Context>,
    pub(crate) referral: Option<Value>,
}

/// What the message refers to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Context {
    Quote(String),
    Forwarded(Value),
    Product { quote: Option<String>, product: Value },
}

/// A message with nothing around it.
pub(crate) fn plain(kind: Kind, object: Value) -> Draft {
    Draft { kind, object, media: None, context: None, referral: None }
}

/// Reads `{to, type, <object>, context?, referral?}`; the business number, under whatever name, is left to the caller.
pub(crate) fn read(fields: &Fields<'_>, number: &str) -> Read<Draft> {
    let kind = fields.one_of(
        "type",
        &[
            "text",
            "image",
            "video",
            "audio",
            "document",
            "sticker",
            "location",
            "contacts",
            "reaction",
            "button",
            "interactive",
            "order",
            "system",
            "unsupported",
            "edit",
            "revoke",
            "raw",
        ],
    )?;
    fields.only(&[number, "type", kind, "context", "referral"])?;
    let mut draft = match kind {
        "image" => media(fields, MediaKind::Image)?,
        "video" => media(fields, MediaKind::Video)?,
        "audio" => media(fields, MediaKind::Audio)?,
        "document" => media(fields, MediaKind::Document)?,
        "sticker" => media(fields, MediaKind::Sticker)?,
        "contacts" => contacts(fields)?,
        "unsupported" => unsupported(fields)?,
        "raw" => raw(fields)?,
        other => object(fields, other)?,
    };
    draft.context = context(fields)?;
    draft.referral = referral(fields)?;
    Ok(draft)
}

fn object(fields: &Fields<'_>, name: &'static str) -> Read<Draft> {
    let object = fields.object(name)?;
    let kind = match name {
        "text" => {
            object.only(&["body"])?;
            object.text("body", TEXT_MAX)?;
            Kind::Text
        }
        "location" => {
            object.only(&["latitude", "longitude", "name", "address", "url"])?;
            let (latitude, longitude) = (object.number("latitude", -90.0..=90.0)?, object.number("longitude", -180.0..=180.0)?);
            let mut written = fields.value(name)?.clone();
            // Numbers in webhooks, however they came: Meta, webhooks/reference/messages/location.
            if let Some(map) = written.as_object_mut() {
                map.insert("latitude".into(), json!(latitude));
                map.insert("longitude".into(), json!(longitude));
            }
            return Ok(plain(Kind::Location, written));
        }
        "reaction" => {
            object.only(&["message_id", "emoji"])?;
            object.text("message_id", 512)?;
            let mut written = fields.value(name)?.clone();
            // Taken back: the member is missing, not empty.
            if object.text_opt("emoji", 32)?.is_none_or(str::is_empty)
                && let Some(map) = written.as_object_mut()
            {
                map.remove("emoji");
            }
            return Ok(plain(Kind::Reaction, written));
        }
        "button" => {
            object.only(&["payload", "text"])?;
            object.text("payload", 256)?;
            object.text("text", SHORT_MAX)?;
            Kind::Button
        }
        "interactive" => {
            interactive(&object)?;
            Kind::Interactive
        }
        "order" => {
            order(&object)?;
            Kind::Order
        }
        "system" => {
            object.only(&["type", "wa_id", "body", "form"])?;
            if object.has("form") {
                object.one_of("form", CHANGE_FORMS)?;
            }
            let kind = object.one_of("type", &["user_changed_number", "user_changed_user_id"])?;
            if kind == "user_changed_number" {
                object.text("wa_id", 16)?;
            }
            Kind::System
        }
        "edit" => {
            object.only(&["original_message_id", "message"])?;
            object.text("original_message_id", 512)?;
            let message = object.object("message")?;
            let kind = message.text("type", 64)?;
            message.value(kind)?;
            Kind::Edit
        }
        _ => {
            object.only(&["original_message_id"])?;
            object.text("original_message_id", 512)?;
            Kind::Revoke
        }
    };
    Ok(plain(kind, fields.value(name)?.clone()))
}

fn media(fields: &Fields<'_>, kind: MediaKind) -> Read<Draft> {
    let object = fields.object(kind.as_str())?;
    let (default, extra): (&str, &[&str]) = match kind {
        MediaKind::Image => ("image/png", &["caption"]),
        MediaKind::Video => ("video/mp4", &["caption"]),
        MediaKind::Audio => ("audio/ogg; codecs=opus", &["voice"]),
        MediaKind::Document => ("application/pdf", &["caption", "filename"]),
        MediaKind::Sticker => ("image/webp", &["animated"]),
    };
    let known: Vec<&str> = ["mime_type", "data"].iter().chain(extra).copied().collect();
    object.only(&known)?;
    object.text_opt("caption", SHORT_MAX)?;
    object.text_opt("filename", 240)?;
    object.flag_opt("voice")?;
    object.flag_opt("animated")?;
    let mime = object.text_opt("mime_type", 128)?.unwrap_or(default).to_owned();
    let data = object.text_opt("data", 140 << 20)?.map(str::to_owned);
    let mut written = Map::new();
    for key in extra {
        let value = match *key {
            "voice" | "animated" => Some(object.get(key).cloned().unwrap_or(json!(false))),
            "filename" => Some(object.get(key).cloned().unwrap_or(json!("document.pdf"))),
            _ => object.get(key).cloned(),
        };
        if let Some(value) = value {
            written.insert((*key).to_owned(), value);
        }
    }
    written.insert("mime_type".into(), json!(mime));
    let media = Some(DraftMedia { kind, mime, data });
    Ok(Draft { media, ..plain(kind.kind(), Value::Object(written)) })
}

fn contacts(fields: &Fields<'_>) -> Read<Draft> {
    for card in fields.objects("contacts", 1..=257)? {
        card.only(&["name", "phones", "emails", "urls", "addresses", "org", "birthday", "vcard", "origin"])?;
        card.object("name")?.text("formatted_name", SHORT_MAX)?;
        if card.has("origin") {
            card.one_of("origin", &["contact_request", "other"])?;
        }
    }
    Ok(plain(Kind::Contacts, fields.value("contacts")?.clone()))
}

fn unsupported(fields: &Fields<'_>) -> Read<Draft> {
    let kind = match fields.object_opt("unsupported")? {
        Some(object) => {
            object.only(&["type"])?;
            object.text_opt("type", 64)?.unwrap_or("unknown").to_owned()
        }
        None => "unknown".to_owned(),
    };
    Ok(plain(Kind::Unsupported, json!({ "type": kind })))
}

/// A message as it stands, of whatever type: what Meta adds one day.
fn raw(fields: &Fields<'_>) -> Read<Draft> {
    let object = fields.object("raw")?;
    object.text("type", 64)?;
    let value = fields.value("raw")?;
    for key in MESSAGE_MEMBERS {
        if object.has(key) {
            return Err(object.wrong(key, "is Meta's to write; leave it out."));
        }
    }
    if value.to_string().len() > RESPONSE_MAX {
        return Err(fields.wrong("raw", "must be at most 65536 bytes long."));
    }
    Ok(plain(Kind::Raw, value.clone()))
}

fn interactive(object: &Fields<'_>) -> Read<()> {
    let kind = object.one_of("type", &["button_reply", "list_reply", "nfm_reply", "call_permission_reply"])?;
    object.only(&["type", kind])?;
    let reply = object.object(kind)?;
    match kind {
        "button_reply" => {
            reply.only(&["id", "title"])?;
            reply.text("id", 256)?;
            reply.text("title", SHORT_MAX)?;
        }
        "list_reply" => {
            reply.only(&["id", "title", "description"])?;
            reply.text("id", 200)?;
            reply.text("title", SHORT_MAX)?;
            reply.text_opt("description", SHORT_MAX)?;
        }
        "nfm_reply" => {
            reply.only(&["name", "body", "response_json"])?;
            reply.text_opt("name", 64)?;
            reply.text_opt("body", SHORT_MAX)?;
            // A text that holds JSON, which need not be an object.
            let json = reply.text("response_json", RESPONSE_MAX)?;
            if serde_json::from_str::<Value>(json).is_err() {
                return Err(reply.wrong("response_json", "must be a string that holds JSON."));
            }
        }
        _ => {
            reply.only(&["response", "is_permanent", "expiration_timestamp", "response_source"])?;
            reply.one_of("response", &["accept", "reject"])?;
        }
    }
    Ok(())
}

fn order(object: &Fields<'_>) -> Read<()> {
    object.only(&["catalog_id", "text", "product_items"])?;
    if id_opt(object, "catalog_id")?.is_none() {
        return Err(GraphError::missing(&object.name("catalog_id")));
    }
    object.text_opt("text", SHORT_MAX)?;
    for item in object.objects("product_items", 1..=100)? {
        item.only(&["product_retailer_id", "quantity", "item_price", "currency"])?;
        item.text("product_retailer_id", 200)?;
        item.number("quantity", 0.0..=99_999.0)?;
        item.number("item_price", 0.0..=1e12)?;
        item.text("currency", 3)?;
    }
    Ok(())
}

fn context(fields: &Fields<'_>) -> Read<Option<Context>> {
    let Some(context) = fields.object_opt("context")? else { return Ok(None) };
    context.only(&["id", "message_id", "forwarded", "frequently_forwarded", "referred_product"])?;
    let quote = match context.text_opt("id", 512)? {
        Some(id) => Some(id.to_owned()),
        None => context.text_opt("message_id", 512)?.map(str::to_owned),
    };
    for key in ["forwarded", "frequently_forwarded"] {
        if context.flag_opt(key)? == Some(true) {
            return Ok(Some(Context::Forwarded(json!({ key: true }))));
        }
    }
    if let Some(product) = context.object_opt("referred_product")? {
        product.only(&["catalog_id", "product_retailer_id"])?;
        product.text("product_retailer_id", 200)?;
        return Ok(Some(Context::Product { quote, product: context.value("referred_product")?.clone() }));
    }
    quote.map(|id| Some(Context::Quote(id))).ok_or_else(|| GraphError::missing(&context.name("id")))
}

fn referral(fields: &Fields<'_>) -> Read<Option<Value>> {
    let Some(referral) = fields.object_opt("referral")? else { return Ok(None) };
    referral.only(&[
        "source_url",
        "source_id",
        "source_type",
        "body",
        "headline",
        "media_type",
        "image_url",
        "video_url",
        "thumbnail_url",
        "ctwa_clid",
        "welcome_message",
    ])?;
    referral.one_of("source_type", &["ad", "post"])?;
    referral.text("source_url", 2_048)?;
    Ok(Some(fields.value("referral")?.clone()))
}
