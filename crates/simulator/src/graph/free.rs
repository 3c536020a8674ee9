//! The plain kinds of message (WA messages/text-messages and its siblings): their parameters and limits.

use serde_json::Value;

use super::content::{Content, Kind, MediaKind, MediaSource, MediaUse};
use super::error::GraphError;
use super::read::Fields;

/// Meta: messages/text-messages.
const TEXT_MAX: usize = 4_096;
/// Meta: messages/image-messages, video-messages, document-messages.
const CAPTION_MAX: usize = 1_024;
/// Links have no documented limit; this one bounds what is stored.
const LINK_MAX: usize = 2_048;
/// Meta: messages/contacts-messages.
const CONTACTS_MAX: usize = 257;
/// Names, addresses and the like: documented nowhere, bounded so that a message stays a message.
const SHORT_MAX: usize = 1_024;

/// `text`.
pub(crate) fn text(fields: &Fields<'_>, value: &Value) -> Result<Content, GraphError> {
    fields.only(&["body", "preview_url"])?;
    fields.text("body", TEXT_MAX)?;
    fields.flag_opt("preview_url")?;
    Ok(Content::plain(Kind::Text, value.clone()))
}

/// `image`, `video`, `audio`, `document` and `sticker`.
pub(crate) fn media(kind: MediaKind, fields: &Fields<'_>, value: &Value) -> Result<Content, GraphError> {
    let used = media_object(kind, fields, true)?;
    Ok(Content { media: vec![used], ..Content::plain(kind.kind(), value.clone()) })
}

/// The object of a media kind, in a message, a header or a template parameter; captions only stand in messages.
pub(crate) fn media_object(kind: MediaKind, fields: &Fields<'_>, captions: bool) -> Result<MediaUse, GraphError> {
    match kind {
        MediaKind::Image | MediaKind::Video if captions => fields.only(&["id", "link", "caption"])?,
        MediaKind::Document if captions => fields.only(&["id", "link", "caption", "filename"])?,
        MediaKind::Document => fields.only(&["id", "link", "filename"])?,
        MediaKind::Audio => fields.only(&["id", "link", "voice"])?,
        MediaKind::Image | MediaKind::Video | MediaKind::Sticker => fields.only(&["id", "link"])?,
    }
    fields.text_opt("caption", CAPTION_MAX)?;
    fields.text_opt("filename", 240)?;
    fields.flag_opt("voice")?;
    let source = match (id_opt(fields, "id")?, fields.text_opt("link", LINK_MAX)?) {
        (Some(_), Some(_)) => return Err(fields.wrong("id", "and link exclude each other: send one of the two.")),
        (Some(id), None) => MediaSource::Id(id),
        (None, Some(link)) => MediaSource::Link(web_link(fields, "link", link)?),
        (None, None) => return Err(GraphError::missing(&format!("{} or {}", fields.name("id"), fields.name("link")))),
    };
    Ok(MediaUse { kind, source })
}

/// An id as text or as a number; both occur.
pub(crate) fn id_opt(fields: &Fields<'_>, key: &str) -> Result<Option<String>, GraphError> {
    match fields.get(key) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Ok(fields.text_opt(key, 256)?.map(str::to_owned)),
    }
}

/// A link must at least look like one that Meta could fetch or open.
pub(crate) fn web_link(fields: &Fields<'_>, key: &str, link: &str) -> Result<String, GraphError> {
    let rest = link.strip_prefix("https://").or_else(|| link.strip_prefix("http://"));
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or(""));
    match host {
        Some(host) if !host.is_empty() && !link.contains(char::is_whitespace) => Ok(link.to_owned()),
        _ => Err(fields.wrong(key, "must be a valid http or https URL.")),
    }
}

/// `location`; coordinates come as text or number.
pub(crate) fn location(fields: &Fields<'_>, value: &Value) -> Result<Content, GraphError> {
    location_object(fields)?;
    Ok(Content::plain(Kind::Location, value.clone()))
}

/// The location object, in a message or a template header.
pub(crate) fn location_object(fields: &Fields<'_>) -> Result<(), GraphError> {
    fields.only(&["latitude", "longitude", "name", "address"])?;
    fields.number("latitude", -90.0..=90.0)?;
    fields.number("longitude", -180.0..=180.0)?;
    fields.text_opt("name", SHORT_MAX)?;
    fields.text_opt("address", SHORT_MAX)?;
    Ok(())
}

/// `reaction`; an empty emoji takes the reaction back.
pub(crate) fn reaction(fields: &Fields<'_>, value: &Value) -> Result<Content, GraphError> {
    fields.only(&["message_id", "emoji"])?;
    let target = fields.text("message_id", 512)?.to_owned();
    if !fields.has("emoji") {
        return Err(GraphError::missing(&fields.name("emoji")));
    }
    fields.text_opt("emoji", 32)?;
    Ok(Content { reacts_to: Some(target), ..Content::plain(Kind::Reaction, value.clone()) })
}

/// `contacts`: cards with a formatted name and one more part of it.
pub(crate) fn contacts(body: &Fields<'_>) -> Result<Content, GraphError> {
    for card in body.objects("contacts", 1..=CONTACTS_MAX)? {
        card.only(&["name", "phones", "emails", "urls", "addresses", "org", "birthday"])?;
        let name = card.object("name")?;
        let parts = ["first_name", "last_name", "middle_name", "suffix", "prefix"];
        name.only(&["formatted_name", "first_name", "last_name", "middle_name", "suffix", "prefix"])?;
        name.text("formatted_name", SHORT_MAX)?;
        for part in parts {
            name.text_opt(part, SHORT_MAX)?;
        }
        if !parts.iter().any(|part| name.has(part)) {
            return Err(GraphError::missing(&format!(
                "one of first_name, last_name, middle_name, prefix, suffix beside {}",
                name.name("formatted_name")
            )));
        }
        for (list, keys) in [
            ("phones", &["phone", "type", "wa_id"][..]),
            ("emails", &["email", "type"][..]),
            ("urls", &["url", "type"][..]),
            ("addresses", &["street", "city", "state", "zip", "country", "country_code", "type"][..]),
        ] {
            if card.has(list) {
                for entry in card.objects(list, 0..=CONTACTS_MAX)? {
                    entry.only(keys)?;
                    for key in keys {
                        entry.text_opt(key, SHORT_MAX)?;
                    }
                }
            }
        }
        if let Some(org) = card.object_opt("org")? {
            org.only(&["company", "department", "title"])?;
        }
        if let Some(birthday) = card.text_opt("birthday", 10)?
            && !is_date(birthday)
        {
            return Err(card.wrong("birthday", "must be written YYYY-MM-DD."));
        }
    }
    Ok(Content::plain(Kind::Contacts, body.value("contacts")?.clone()))
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts.as_slice(), [year, month, day]
        if year.len() == 4 && month.len() == 2 && day.len() == 2
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_digit())))
}
