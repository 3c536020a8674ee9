//! The `template` object of a send (WA messages/template-messages): components and parameters, not yet held against the
//! template itself.

use serde_json::Value;

use super::content::{MediaKind, MediaUse, ProductUse};
use super::error::GraphError;
use super::free::{location_object, media_object};
use super::interactive::product_sections;
use super::read::Fields;

type Read<T> = Result<T, GraphError>;

/// Meta gives no limit for one value; the hydrated body's is what binds.
const VALUE_MAX: usize = 4_096;

/// One value for one placeholder, or the media or action that takes its place.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Parameter {
    Text {
        name: Option<String>,
        text: String,
    },
    Media {
        media: MediaUse,
        object: Value,
    },
    Location(Value),
    Product {
        product: ProductUse,
        object: Value,
    },
    Payload(String),
    CouponCode(String),
    Action(Action),
    /// When a limited-time offer ends, in milliseconds since the epoch.
    OfferEnds(i64),
}

/// The `action` parameter of catalog, multi-product and flow buttons.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Action {
    pub(crate) thumbnail: Option<String>,
    pub(crate) products: Option<Vec<ProductUse>>,
    pub(crate) is_flow: bool,
    pub(crate) object: Value,
}

/// What a button component says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ButtonSub {
    QuickReply,
    Url,
    CopyCode,
    Catalog,
    MultiProduct,
    Flow,
    VoiceCall,
    OrderDetails,
}

/// A button component.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ButtonPart {
    pub(crate) sub: ButtonSub,
    pub(crate) index: usize,
    pub(crate) parameters: Vec<Parameter>,
}

/// The components of a message or of one card.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Parts {
    pub(crate) header: Option<Vec<Parameter>>,
    pub(crate) body: Option<Vec<Parameter>>,
    pub(crate) buttons: Vec<ButtonPart>,
    pub(crate) offer_ends: Option<i64>,
    pub(crate) cards: Option<Vec<Parts>>,
}

/// A template as a send names it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TemplateSend {
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) parts: Parts,
}

/// Reads `template`.
pub(crate) fn read(fields: &Fields<'_>) -> Read<TemplateSend> {
    fields.only(&["name", "language", "components", "namespace"])?;
    let name = fields.text("name", 512)?.to_owned();
    let language = fields.object("language")?;
    language.only(&["code", "policy"])?;
    if language.has("policy") {
        language.one_of("policy", &["deterministic"])?;
    }
    // Underscore form is what is stored; the hyphen occurs in webhooks and is taken from them.
    let code = language.text("code", 16)?.replace('-', "_");
    let parts = if fields.has("components") { components(fields, false)? } else { Parts::default() };
    Ok(TemplateSend { name, language: code, parts })
}

fn components(fields: &Fields<'_>, in_card: bool) -> Read<Parts> {
    let mut parts = Parts::default();
    for component in fields.objects("components", 0..=20)? {
        let choices: &[&'static str] =
            if in_card { &["header", "body", "button"] } else { &["header", "body", "button", "limited_time_offer", "carousel"] };
        match component.one_of("type", choices)? {
            "header" => once(&component, &mut parts.header)?,
            "body" => once(&component, &mut parts.body)?,
            "button" => parts.buttons.push(button(&component)?),
            "limited_time_offer" => {
                component.only(&["type", "parameters"])?;
                for parameter in parameters(&component)? {
                    if let Parameter::OfferEnds(at) = parameter {
                        parts.offer_ends = Some(at);
                    }
                }
            }
            _ => parts.cards = Some(cards(&component)?),
        }
    }
    Ok(parts)
}

fn once(component: &Fields<'_>, into: &mut Option<Vec<Parameter>>) -> Read<()> {
    component.only(&["type", "parameters"])?;
    if into.is_some() {
        return Err(component.wrong("type", "occurs twice; send each component once."));
    }
    *into = Some(parameters(component)?);
    Ok(())
}

fn cards(component: &Fields<'_>) -> Read<Vec<Parts>> {
    component.only(&["type", "cards"])?;
    let mut cards = Vec::new();
    for card in component.objects("cards", 1..=10)? {
        card.only(&["card_index", "components"])?;
        if card.int_opt("card_index")? != i64::try_from(cards.len()).ok() {
            return Err(card.wrong("card_index", "must count the cards from 0."));
        }
        cards.push(components(&card, true)?);
    }
    Ok(cards)
}

fn button(component: &Fields<'_>) -> Read<ButtonPart> {
    component.only(&["type", "sub_type", "index", "parameters"])?;
    let choices = ["quick_reply", "url", "copy_code", "catalog", "mpm", "flow", "voice_call", "order_details"];
    let sub = match component.one_of("sub_type", &choices)? {
        "quick_reply" => ButtonSub::QuickReply,
        "url" => ButtonSub::Url,
        "copy_code" => ButtonSub::CopyCode,
        "catalog" => ButtonSub::Catalog,
        "mpm" => ButtonSub::MultiProduct,
        "flow" => ButtonSub::Flow,
        "voice_call" => ButtonSub::VoiceCall,
        _ => ButtonSub::OrderDetails,
    };
    let index = component.int_opt("index")?.ok_or_else(|| GraphError::missing(&component.name("index")))?;
    let index = usize::try_from(index)
        .ok()
        .filter(|index| *index <= 9)
        .ok_or_else(|| component.wrong("index", "must be between 0 and 9."))?;
    Ok(ButtonPart { sub, index, parameters: parameters(component)? })
}

fn parameters(component: &Fields<'_>) -> Read<Vec<Parameter>> {
    if !component.has("parameters") {
        return Ok(Vec::new());
    }
    component.objects("parameters", 0..=100)?.iter().map(parameter).collect()
}

fn parameter(fields: &Fields<'_>) -> Read<Parameter> {
    let kind = fields.one_of(
        "type",
        &[
            "text",
            "currency",
            "date_time",
            "image",
            "video",
            "document",
            "location",
            "product",
            "payload",
            "coupon_code",
            "action",
            "limited_time_offer",
        ],
    )?;
    let name = fields.text_opt("parameter_name", 128)?.map(str::to_owned);
    fields.only(&["type", "parameter_name", kind])?;
    match kind {
        "text" => Ok(Parameter::Text { name, text: value_text(fields, "text")?.to_owned() }),
        "currency" | "date_time" => {
            let object = fields.object(kind)?;
            if kind == "currency" {
                object.only(&["fallback_value", "code", "amount_1000"])?;
                object.text("code", 3)?;
                object.int_opt("amount_1000")?.ok_or_else(|| GraphError::missing(&object.name("amount_1000")))?;
            }
            Ok(Parameter::Text { name, text: value_text(&object, "fallback_value")?.to_owned() })
        }
        "image" => media(fields, MediaKind::Image),
        "video" => media(fields, MediaKind::Video),
        "document" => media(fields, MediaKind::Document),
        "location" => {
            location_object(&fields.object("location")?)?;
            Ok(Parameter::Location(fields.value("location")?.clone()))
        }
        "product" => {
            let object = fields.object("product")?;
            object.only(&["product_retailer_id", "catalog_id"])?;
            let product = ProductUse {
                catalog: super::free::id_opt(&object, "catalog_id")?,
                retailer_id: Some(object.text("product_retailer_id", 200)?.to_owned()),
            };
            Ok(Parameter::Product { product, object: fields.value("product")?.clone() })
        }
        "payload" => Ok(Parameter::Payload(fields.text("payload", 256)?.to_owned())),
        "coupon_code" => Ok(Parameter::CouponCode(fields.text("coupon_code", 20)?.to_owned())),
        "action" => action(fields),
        _ => {
            let offer = fields.object("limited_time_offer")?;
            offer.only(&["expiration_time_ms"])?;
            let ends = offer.int_opt("expiration_time_ms")?;
            Ok(Parameter::OfferEnds(ends.ok_or_else(|| GraphError::missing(&offer.name("expiration_time_ms")))?))
        }
    }
}

fn media(fields: &Fields<'_>, kind: MediaKind) -> Read<Parameter> {
    let media = media_object(kind, &fields.object(kind.as_str())?, false)?;
    Ok(Parameter::Media { media, object: fields.value(kind.as_str())?.clone() })
}

/// A placeholder's value: no line break, no tab, not five spaces in a row.
fn value_text<'a>(fields: &Fields<'a>, key: &str) -> Read<&'a str> {
    let text = fields.text(key, VALUE_MAX)?;
    if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
        return Err(GraphError::new(
            132_012,
            format!("{} cannot have new-line/tab characters or more than 4 consecutive spaces.", fields.name(key)),
        ));
    }
    Ok(text)
}

fn action(fields: &Fields<'_>) -> Read<Parameter> {
    let object = fields.object("action")?;
    object.only(&["thumbnail_product_retailer_id", "sections", "flow_token", "flow_action_data"])?;
    let thumbnail = object.text_opt("thumbnail_product_retailer_id", 200)?.map(str::to_owned);
    let products = if object.has("sections") { Some(product_sections(&object, None)?) } else { None };
    object.text_opt("flow_token", 1_024)?;
    object.object_opt("flow_action_data")?;
    let is_flow = object.has("flow_token") || object.has("flow_action_data");
    Ok(Parameter::Action(Action { thumbnail, products, is_flow, object: fields.value("action")?.clone() }))
}
