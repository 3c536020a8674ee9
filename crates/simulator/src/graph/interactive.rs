//! Interactive messages (WA messages/interactive-reply-buttons-messages and its siblings): each kind's action and limits.

use std::collections::HashSet;

use serde_json::Value;

use super::content::{Content, Kind, MediaKind, MediaUse, ProductUse, Tap, TapDoes, numbered};
use super::error::GraphError;
use super::free::{id_opt, media_object, web_link};
use super::read::Fields;

type Read<T> = Result<T, GraphError>;

const BODY_MAX: usize = 1_024;
/// Meta: messages/interactive-list-messages; the one kind with a longer body.
const LIST_BODY_MAX: usize = 4_096;
const FOOTER_MAX: usize = 60;
const HEADER_MAX: usize = 60;
const BUTTON_MAX: usize = 20;
const LINK_MAX: usize = 2_048;

/// Which headers a kind may have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Header {
    Never,
    TextOnly,
    TextRequired,
    Any,
}

/// Whether a kind may, must or cannot have a body.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Required(usize),
    Optional(usize),
}

/// What an action added to the message.
#[derive(Default)]
struct Found {
    taps: Vec<Tap>,
    media: Vec<MediaUse>,
    products: Vec<ProductUse>,
}

/// `interactive`.
pub(crate) fn read(fields: &Fields<'_>, value: &Value) -> Read<Content> {
    fields.only(&["type", "header", "body", "footer", "action"])?;
    let kind = fields.one_of(
        "type",
        &[
            "button",
            "list",
            "cta_url",
            "location_request_message",
            "product",
            "product_list",
            "catalog_message",
            "flow",
            "carousel",
            "address_message",
            "call_permission_request",
            "voice_call",
            "request_contact_info",
        ],
    )?;
    let (header, body, footer) = match kind {
        "button" | "cta_url" => (Header::Any, Body::Required(BODY_MAX), true),
        "list" => (Header::TextOnly, Body::Required(LIST_BODY_MAX), true),
        "product" => (Header::Never, Body::Optional(BODY_MAX), true),
        "product_list" => (Header::TextRequired, Body::Required(BODY_MAX), true),
        "catalog_message" => (Header::Never, Body::Required(BODY_MAX), true),
        "flow" => (Header::Any, Body::Required(BODY_MAX), true),
        "carousel" | "location_request_message" | "request_contact_info" => (Header::Never, Body::Required(BODY_MAX), false),
        "call_permission_request" => (Header::Never, Body::Optional(BODY_MAX), false),
        _ => (Header::Never, Body::Required(BODY_MAX), true),
    };
    let mut found = Found::default();
    read_header(fields, header, &mut found)?;
    read_body(fields, body)?;
    read_footer(fields, footer)?;
    let action = fields.object("action")?;
    match kind {
        "button" => reply_buttons(&action, &mut found)?,
        "list" => list(&action, &mut found)?,
        "cta_url" => url_button(&action, None, &mut found)?,
        "product" => product(&action, &mut found)?,
        "product_list" => product_list(&action, &mut found)?,
        "catalog_message" => catalog(&action, &mut found)?,
        "flow" => flow(&action, &mut found)?,
        "carousel" => carousel(&action, &mut found)?,
        "address_message" => address(&action)?,
        "voice_call" => voice_call(&action, &mut found)?,
        other => request(other, &action, &mut found)?,
    }
    Ok(Content {
        taps: found.taps,
        media: found.media,
        products: found.products,
        ..Content::plain(Kind::Interactive, value.clone())
    })
}

fn read_header(fields: &Fields<'_>, allowed: Header, found: &mut Found) -> Read<()> {
    let Some(header) = fields.object_opt("header")? else {
        return if allowed == Header::TextRequired { Err(GraphError::missing(&fields.name("header"))) } else { Ok(()) };
    };
    if allowed == Header::Never {
        return Err(fields.wrong("header", "is not supported for this type of interactive message."));
    }
    let choices: &[&'static str] = if allowed == Header::Any { &["text", "image", "video", "document"] } else { &["text"] };
    let kind = header.one_of("type", choices)?;
    header.only(&["type", kind])?;
    let media = match kind {
        "image" => MediaKind::Image,
        "video" => MediaKind::Video,
        "document" => MediaKind::Document,
        _ => return header.text("text", HEADER_MAX).map(|_| ()),
    };
    found.media.push(media_object(media, &header.object(kind)?, false)?);
    Ok(())
}

fn read_body(fields: &Fields<'_>, rule: Body) -> Read<()> {
    let (max, required) = match rule {
        Body::Required(max) => (max, true),
        Body::Optional(max) => (max, false),
    };
    match fields.object_opt("body")? {
        Some(body) => {
            body.only(&["text"])?;
            body.text("text", max)?;
        }
        None if required => return Err(GraphError::missing(&fields.name("body"))),
        None => {}
    }
    Ok(())
}

fn read_footer(fields: &Fields<'_>, allowed: bool) -> Read<()> {
    let Some(footer) = fields.object_opt("footer")? else { return Ok(()) };
    if !allowed {
        return Err(fields.wrong("footer", "is not supported for this type of interactive message."));
    }
    footer.only(&["text"])?;
    footer.text("text", FOOTER_MAX)?;
    Ok(())
}

fn unique<'a>(seen: &mut HashSet<&'a str>, fields: &Fields<'_>, key: &str, value: &'a str) -> Read<()> {
    if seen.insert(value) { Ok(()) } else { Err(fields.wrong(key, "must be unique within the message.")) }
}

fn reply_buttons(action: &Fields<'_>, found: &mut Found) -> Read<()> {
    action.only(&["buttons"])?;
    let (mut ids, mut titles) = (HashSet::new(), HashSet::new());
    for (index, button) in numbered(action.objects("buttons", 1..=3)?) {
        button.only(&["type", "reply"])?;
        button.one_of("type", &["reply"])?;
        let reply = button.object("reply")?;
        reply.only(&["id", "title"])?;
        let (id, title) = (reply.text("id", 256)?, reply.text("title", BUTTON_MAX)?);
        unique(&mut ids, &reply, "id", id)?;
        unique(&mut titles, &reply, "title", title)?;
        found.taps.push(tap(None, index, id, title, TapDoes::Reply));
    }
    Ok(())
}

fn tap(card: Option<u32>, index: u32, id: &str, title: &str, does: TapDoes) -> Tap {
    Tap { card, index, id: id.to_owned(), title: title.to_owned(), description: None, does }
}

fn list(action: &Fields<'_>, found: &mut Found) -> Read<()> {
    action.only(&["button", "sections"])?;
    action.text("button", BUTTON_MAX)?;
    let sections = action.objects("sections", 1..=10)?;
    let mut ids = HashSet::new();
    let mut index = 0;
    for section in &sections {
        section.only(&["title", "rows"])?;
        if sections.len() > 1 {
            section.text("title", 24)?;
        } else {
            section.text_opt("title", 24)?;
        }
        for row in section.objects("rows", 1..=10)? {
            row.only(&["id", "title", "description"])?;
            let (id, title) = (row.text("id", 200)?, row.text("title", 24)?);
            unique(&mut ids, &row, "id", id)?;
            let description = row.text_opt("description", 72)?.filter(|text| !text.is_empty()).map(str::to_owned);
            found.taps.push(Tap { description, ..tap(None, index, id, title, TapDoes::Row) });
            index += 1;
        }
    }
    // Ten rows in all, however many sections: Meta, messages/interactive-list-messages.
    if found.taps.len() > 10 {
        return Err(action.wrong("sections", "must have at most 10 rows in total."));
    }
    Ok(())
}

fn url_button(action: &Fields<'_>, card: Option<u32>, found: &mut Found) -> Read<()> {
    action.only(&["name", "parameters"])?;
    action.one_of("name", &["cta_url"])?;
    let parameters = action.object("parameters")?;
    parameters.only(&["display_text", "url"])?;
    let title = parameters.text("display_text", BUTTON_MAX)?;
    let url = web_link(&parameters, "url", parameters.text("url", LINK_MAX)?)?;
    found.taps.push(tap(card, 0, &url, title, TapDoes::Opens(url.clone())));
    Ok(())
}

fn product(action: &Fields<'_>, found: &mut Found) -> Read<()> {
    action.only(&["catalog_id", "product_retailer_id"])?;
    let product = ProductUse {
        catalog: Some(required_id(action, "catalog_id")?),
        retailer_id: Some(action.text("product_retailer_id", 200)?.to_owned()),
    };
    found.taps.push(tap(None, 0, "view", "View", TapDoes::Opens("product".into())));
    found.products.push(product);
    Ok(())
}

fn required_id(fields: &Fields<'_>, key: &str) -> Read<String> {
    id_opt(fields, key)?.filter(|id| !id.is_empty()).ok_or_else(|| GraphError::missing(&fields.name(key)))
}

fn product_list(action: &Fields<'_>, found: &mut Found) -> Read<()> {
    action.only(&["catalog_id", "sections"])?;
    let catalog = required_id(action, "catalog_id")?;
    found.products = product_sections(action, Some(&catalog))?;
    found.taps.push(tap(None, 0, "view", "View items", TapDoes::Opens("products".into())));
    Ok(())
}

/// Sections of products, in a message or in the multi-product button of a template.
pub(crate) fn product_sections(action: &Fields<'_>, catalog: Option<&str>) -> Read<Vec<ProductUse>> {
    let sections = action.objects("sections", 1..=10)?;
    let mut products = Vec::new();
    for section in &sections {
        section.only(&["title", "product_items"])?;
        if sections.len() > 1 {
            section.text("title", 24)?;
        } else {
            section.text_opt("title", 24)?;
        }
        for item in section.objects("product_items", 1..=30)? {
            item.only(&["product_retailer_id"])?;
            products.push(ProductUse {
                catalog: catalog.map(str::to_owned),
                retailer_id: Some(item.text("product_retailer_id", 200)?.to_owned()),
            });
        }
    }
    if products.len() > 30 {
        return Err(action.wrong("sections", "must have at most 30 products in total."));
    }
    Ok(products)
}

fn catalog(action: &Fields<'_>, found: &mut Found) -> Read<()> {
    action.only(&["name", "parameters"])?;
    action.one_of("name", &["catalog_message"])?;
    let mut retailer_id = None;
    if let Some(parameters) = action.object_opt("parameters")? {
        parameters.only(&["thumbnail_product_retailer_id"])?;
        retailer_id = parameters.text_opt("thumbnail_product_retailer_id", 200)?.map(str::to_owned);
    }
    found.products.push(ProductUse { catalog: None, retailer_id });
    found.taps.push(tap(None, 0, "catalog", "View catalog", TapDoes::Opens("catalog".into())));
    Ok(())
}

fn flow(action: &Fields<'_>, found: &mut Found) -> Read<()> {
    action.only(&["name", "parameters"])?;
    action.one_of("name", &["flow"])?;
    let parameters = action.object("parameters")?;
    parameters.only(&[
        "flow_message_version",
        "flow_id",
        "flow_name",
        "flow_cta",
        "flow_token",
        "mode",
        "flow_action",
        "flow_action_payload",
    ])?;
    if parameters.text("flow_message_version", 4)? != "3" {
        return Err(parameters.wrong("flow_message_version", "must be \"3\"."));
    }
    match (id_opt(&parameters, "flow_id")?, parameters.text_opt("flow_name", 200)?) {
        (Some(_), Some(_)) => return Err(parameters.wrong("flow_id", "and flow_name exclude each other.")),
        (None, None) => return Err(GraphError::missing(&parameters.name("flow_id"))),
        _ => {}
    }
    let title = parameters.text("flow_cta", 30)?;
    parameters.text_opt("flow_token", 1_024)?;
    if parameters.has("mode") {
        parameters.one_of("mode", &["published", "draft"])?;
    }
    let navigates =
        !parameters.has("flow_action") || parameters.one_of("flow_action", &["navigate", "data_exchange"])? == "navigate";
    if let Some(payload) = parameters.object_opt("flow_action_payload")? {
        if !navigates {
            return Err(parameters.wrong("flow_action_payload", "is only for flow_action \"navigate\"."));
        }
        payload.only(&["screen", "data"])?;
        payload.text("screen", 200)?;
        if payload.get("data").is_some_and(|data| data.as_object().is_none_or(serde_json::Map::is_empty)) {
            return Err(payload.wrong("data", "must be a non-empty object."));
        }
    }
    found.taps.push(tap(None, 0, "flow", title, TapDoes::Opens("flow".into())));
    Ok(())
}

fn carousel(action: &Fields<'_>, found: &mut Found) -> Read<()> {
    action.only(&["cards"])?;
    let mut first_shape: Option<(&'static str, usize)> = None;
    for (at, card) in numbered(action.objects("cards", 2..=10)?) {
        card.only(&["card_index", "type", "header", "body", "action"])?;
        if card.int_opt("card_index")? != Some(i64::from(at)) {
            return Err(card.wrong("card_index", "must count the cards from 0."));
        }
        let kind = card.one_of("type", &["cta_url", "product"])?;
        let inner = card.object("action")?;
        let buttons = if kind == "product" {
            product(&inner, found)?;
            0
        } else {
            media_card(&card, &inner, at, found)?
        };
        let shape = (if buttons == 0 { kind } else { "quick_reply" }, buttons);
        if first_shape.get_or_insert(shape) != &shape {
            return Err(action.wrong("cards", "must all have the same kind and number of buttons."));
        }
    }
    let catalogs: HashSet<_> = found.products.iter().map(|product| &product.catalog).collect();
    if catalogs.len() > 1 {
        return Err(action.wrong("cards", "must all show products of one catalog."));
    }
    Ok(())
}

/// A card with a picture or film; answers how many quick replies it has.
fn media_card(card: &Fields<'_>, action: &Fields<'_>, at: u32, found: &mut Found) -> Read<usize> {
    let header = card.object("header")?;
    let kind = header.one_of("type", &["image", "video"])?;
    header.only(&["type", kind])?;
    let media = if kind == "image" { MediaKind::Image } else { MediaKind::Video };
    found.media.push(media_object(media, &header.object(kind)?, false)?);
    if let Some(body) = card.object_opt("body")? {
        body.only(&["text"])?;
        let text = body.text("text", 160)?;
        if text.matches('\n').count() > 2 {
            return Err(body.wrong("text", "may have at most 2 line breaks on a card."));
        }
    }
    if !action.has("buttons") {
        url_button(action, Some(at), found)?;
        return Ok(0);
    }
    action.only(&["buttons"])?;
    let buttons = action.objects("buttons", 1..=3)?;
    for (index, button) in numbered(&buttons) {
        button.only(&["type", "quick_reply"])?;
        button.one_of("type", &["quick_reply"])?;
        let reply = button.object("quick_reply")?;
        reply.only(&["id", "title"])?;
        // The page says 20 for the id and shows a longer one; the reply buttons' limit is the safe reading.
        found.taps.push(tap(Some(at), index, reply.text("id", 256)?, reply.text("title", BUTTON_MAX)?, TapDoes::Reply));
    }
    Ok(buttons.len())
}

fn address(action: &Fields<'_>) -> Read<()> {
    action.only(&["name", "parameters"])?;
    action.one_of("name", &["address_message"])?;
    let parameters = action.object("parameters")?;
    parameters.only(&["country", "values", "saved_addresses", "validation_errors"])?;
    // India only: Meta, messages/address-messages.
    parameters.one_of("country", &["IN"])?;
    Ok(())
}

fn voice_call(action: &Fields<'_>, found: &mut Found) -> Read<()> {
    action.only(&["name", "parameters"])?;
    action.one_of("name", &["voice_call"])?;
    let mut title = "Call";
    if let Some(parameters) = action.object_opt("parameters")? {
        parameters.only(&["display_text", "ttl_minutes", "payload"])?;
        title = parameters.text_opt("display_text", BUTTON_MAX)?.unwrap_or(title);
        parameters.text_opt("payload", 512)?;
        if parameters.int_opt("ttl_minutes")?.is_some_and(|minutes| !(1..=43_200).contains(&minutes)) {
            return Err(parameters.wrong("ttl_minutes", "must be between 1 and 43200."));
        }
    }
    found.taps.push(tap(None, 0, "voice_call", title, TapDoes::Opens("voice_call".into())));
    Ok(())
}

/// The kinds whose action is just a name.
fn request(kind: &str, action: &Fields<'_>, found: &mut Found) -> Read<()> {
    action.only(&["name"])?;
    let (name, title, does) = match kind {
        "location_request_message" => ("send_location", "Send location", TapDoes::Opens("location".into())),
        "request_contact_info" => ("request_contact_info", "Share Contact Info", TapDoes::ShareContact),
        _ => ("call_permission_request", "Choose preference", TapDoes::Opens("call_permission".into())),
    };
    action.one_of("name", &[name])?;
    found.taps.push(tap(None, 0, name, title, does));
    Ok(())
}
