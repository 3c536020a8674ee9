//! `POST /{waba_id}/message_templates` (WA templates/overview, templates/components): what can be put on file at all.

use serde_json::{Map, Value, json};

use super::spec::Spec;
use super::text::Text;
use super::{Category, Format, authentication, buttons, languages};
use crate::graph::error::GraphError;
use crate::graph::read::Fields;

type Read<T> = Result<T, GraphError>;

const NAME_MAX: usize = 512;
const HEADER_MAX: usize = 60;
const FOOTER_MAX: usize = 60;
const BODY_MAX: usize = 1_024;
/// Limited-time offers have shorter ones.
const OFFER_BODY_MAX: usize = 600;
/// Cards and single-product templates have the shortest.
const CARD_BODY_MAX: usize = 160;

/// A template that may be filed.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) category: Category,
    pub(crate) format: Format,
    pub(crate) components: Vec<Value>,
    pub(crate) ttl_seconds: Option<i64>,
}

/// Reads the request.
pub(crate) fn read(value: &Value) -> Read<Draft> {
    let fields = Fields::body(value)?;
    if fields.has("library_template_name") {
        return Err(GraphError::invalid(
            "Param library_template_name: this account's template library is empty; write the components.",
        ));
    }
    fields.only(&[
        "name",
        "language",
        "category",
        "parameter_format",
        "components",
        "message_send_ttl_seconds",
        "allow_category_change",
        "cta_url_link_tracking_opted_out",
        "sub_category",
        "degrees_of_freedom_spec",
    ])?;
    let name = fields.text("name", NAME_MAX)?;
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        return Err(fields.wrong("name", "may only have lower-case letters, digits and underscores."));
    }
    let language = fields.text("language", 16)?;
    if !languages::is_supported(language) {
        return Err(fields.wrong("language", &format!("\"{language}\" is not a supported language.")));
    }
    let category = category(&fields)?;
    let format = format(&fields)?;
    let components = components(&fields, category, format, language)?;
    Ok(Draft {
        name: name.to_owned(),
        language: language.to_owned(),
        category,
        format,
        components,
        ttl_seconds: ttl(&fields, category)?,
    })
}

/// `category`.
pub(crate) fn category(fields: &Fields<'_>) -> Read<Category> {
    let text = fields.one_of("category", &Category::ALL)?;
    Category::parse(text).ok_or_else(|| GraphError::missing("category"))
}

fn format(fields: &Fields<'_>) -> Read<Format> {
    if fields.has("parameter_format") && fields.one_of("parameter_format", &["NAMED", "POSITIONAL"])? == "NAMED" {
        Ok(Format::Named)
    } else {
        Ok(Format::Positional)
    }
}

/// `message_send_ttl_seconds`: Meta, templates/time-to-live.
pub(crate) fn ttl(fields: &Fields<'_>, category: Category) -> Read<Option<i64>> {
    let Some(seconds) = fields.int_opt("message_send_ttl_seconds")? else { return Ok(None) };
    let range = match category {
        Category::Authentication => 30..=900,
        Category::Utility => 30..=43_200,
        Category::Marketing => 43_200..=2_592_000,
    };
    if range.contains(&seconds) || (seconds == -1 && category != Category::Marketing) {
        Ok(Some(seconds))
    } else {
        Err(fields.wrong(
            "message_send_ttl_seconds",
            &format!("must be between {} and {} for {}.", range.start(), range.end(), category.as_str()),
        ))
    }
}

/// `components`, checked and as they will be read back.
pub(crate) fn components(fields: &Fields<'_>, category: Category, format: Format, language: &str) -> Read<Vec<Value>> {
    let given = fields.objects("components", 1..=10)?;
    if category == Category::Authentication {
        return authentication::read(&given, language);
    }
    let has = |kind: &str| {
        given.iter().any(|c| c.get("type").and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case(kind)))
    };
    let is_offer = has("LIMITED_TIME_OFFER");
    let is_product =
        given.iter().any(|c| c.get("format").and_then(Value::as_str).is_some_and(|text| text.eq_ignore_ascii_case("PRODUCT")));
    let body_max = if is_offer {
        OFFER_BODY_MAX
    } else if is_product {
        CARD_BODY_MAX
    } else {
        BODY_MAX
    };
    let mut written: Vec<Value> = Vec::new();
    for component in &given {
        let kinds = ["HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER", "CALL_PERMISSION_REQUEST"];
        let kind = component.one_of("type", &kinds)?;
        if written.iter().any(|other| other["type"] == kind) {
            return Err(component.wrong("type", &format!("{kind} occurs twice; a template has each component once.")));
        }
        written.push(match kind {
            "HEADER" => header(component, format, is_offer)?,
            "BODY" => body(component, format, body_max)?,
            "FOOTER" if is_offer => return Err(component.wrong("type", "a limited-time offer has no footer.")),
            "FOOTER" => footer(component)?,
            "BUTTONS" => buttons::read(component, if is_offer { 15 } else { 20 })?,
            "CAROUSEL" => carousel(component, category, format)?,
            "LIMITED_TIME_OFFER" => offer(component, category)?,
            _ => {
                component.only(&["type"])?;
                json!({ "type": kind })
            }
        });
    }
    if !has("BODY") {
        return Err(GraphError::missing("components of type BODY"));
    }
    let spec = Spec::of(&written);
    if is_offer && !matches!(spec.header, Some(super::spec::Header::Media(_))) {
        return Err(GraphError::template(
            2_388_047,
            "Header is required",
            "A limited-time offer needs a header of format IMAGE or VIDEO.",
        ));
    }
    Ok(written)
}

fn header(component: &Fields<'_>, format: Format, is_offer: bool) -> Read<Value> {
    component.only(&["type", "format", "text", "example"])?;
    let kinds = ["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "PRODUCT", "GIF"];
    let kind = component.one_of("format", &kinds)?;
    if is_offer && !matches!(kind, "IMAGE" | "VIDEO") {
        return Err(component.wrong("format", "must be IMAGE or VIDEO in a limited-time offer."));
    }
    match kind {
        "TEXT" => text_header(component, format),
        "GIF" => Err(component.wrong("format", "GIF is only for the Marketing Messages API.")),
        "LOCATION" | "PRODUCT" => Ok(json!({ "type": "HEADER", "format": kind })),
        _ => {
            let handles = component.object("example")?;
            handles.only(&["header_handle"])?;
            for handle in handles.list("header_handle", 1..=1)? {
                if !handle.as_str().is_some_and(|text| text.starts_with("4:")) {
                    return Err(
                        handles.wrong("header_handle", "must be a handle from the resumable upload, which begins with 4:.")
                    );
                }
            }
            Ok(json!({ "type": "HEADER", "format": kind, "example": component.value("example")? }))
        }
    }
}

fn text_header(component: &Fields<'_>, format: Format) -> Read<Value> {
    let subcode = 2_388_047;
    let given = component.text("text", HEADER_MAX)?;
    let text = Text::of(given);
    text.check_names(format, "header", subcode)?;
    if text.variables.len() > 1 {
        return Err(GraphError::template(subcode, "Header is not well formed", "The header may have one parameter at most."));
    }
    if text.words().contains(['\n', '\r', '*', '~', '`']) {
        return Err(GraphError::template(
            subcode,
            "Header is not well formed",
            "The header may have no line breaks and no formatting.",
        ));
    }
    let mut written = json!({ "type": "HEADER", "format": "TEXT", "text": given });
    if !text.variables.is_empty() {
        let example = samples(component, &text, format, "header_text", subcode)?;
        if let Some(map) = written.as_object_mut() {
            map.insert("example".into(), example);
        }
    }
    Ok(written)
}

fn body(component: &Fields<'_>, format: Format, max: usize) -> Read<Value> {
    component.only(&["type", "text", "example"])?;
    let subcode = 2_388_072;
    let given = component.text_opt("text", usize::MAX)?.filter(|text| !text.trim().is_empty());
    let given = given.ok_or_else(|| GraphError::missing(&component.name("text")))?;
    if given.chars().count() > max {
        return Err(GraphError::template(2_388_040, "Body is too long", format!("The body may have at most {max} characters.")));
    }
    if given.contains("\n\n\n") || given.contains("     ") {
        return Err(GraphError::template(
            subcode,
            "Body is not well formed",
            "The body may have at most two line breaks and four spaces in a row.",
        ));
    }
    let text = Text::of(given);
    text.check_names(format, "body", subcode)?;
    text.check_places("body")?;
    let mut written = json!({ "type": "BODY", "text": given });
    if !text.variables.is_empty() {
        let example = samples(component, &text, format, "body_text", subcode)?;
        if let Some(map) = written.as_object_mut() {
            map.insert("example".into(), example);
        }
    }
    Ok(written)
}

fn footer(component: &Fields<'_>) -> Read<Value> {
    component.only(&["type", "text"])?;
    let text = component.text("text", FOOTER_MAX)?;
    if text.contains("{{") || text.contains(['\n', '\r']) {
        return Err(GraphError::template(
            2_388_073,
            "Footer is not well formed",
            "The footer may have no parameters and no line breaks.",
        ));
    }
    Ok(json!({ "type": "FOOTER", "text": text }))
}

/// The samples that come with every placeholder; written back in the one documented form.
fn samples(component: &Fields<'_>, text: &Text, format: Format, key: &str, subcode: u32) -> Read<Value> {
    let missing = || {
        GraphError::template(
            subcode,
            "Samples are missing",
            format!("Give one sample for each of the {} parameters in example.{key}.", text.variables.len()),
        )
    };
    let example = component.object_opt("example")?.ok_or_else(missing)?;
    if format == Format::Named {
        let key = format!("{key}_named_params");
        example.only(&[&key])?;
        let mut by_name = Map::new();
        for sample in example.objects(&key, 1..=100)? {
            sample.only(&["param_name", "example"])?;
            by_name.insert(sample.text("param_name", 128)?.to_owned(), json!(sample.text("example", 1_024)?));
        }
        if by_name.len() != text.variables.len() || !text.variables.iter().all(|name| by_name.contains_key(name)) {
            return Err(missing());
        }
        let given = example.value(&key)?;
        return Ok(json!({ key: given }));
    }
    example.only(&[key])?;
    let flat: Vec<&str> = match example.value(key)? {
        Value::String(one) => vec![one],
        Value::Array(list) => match list.first() {
            Some(Value::Array(inner)) => inner.iter().filter_map(Value::as_str).collect(),
            _ => list.iter().filter_map(Value::as_str).collect(),
        },
        _ => Vec::new(),
    };
    if flat.len() != text.variables.len() || flat.iter().any(|sample| sample.is_empty()) {
        return Err(missing());
    }
    // Nested for the body, flat for the header: Meta, templates/components.
    Ok(if key == "body_text" { json!({ key: [flat] }) } else { json!({ key: flat }) })
}

fn offer(component: &Fields<'_>, category: Category) -> Read<Value> {
    component.only(&["type", "limited_time_offer"])?;
    if category != Category::Marketing {
        return Err(component.wrong("type", "LIMITED_TIME_OFFER is only for category MARKETING."));
    }
    let offer = component.object("limited_time_offer")?;
    offer.only(&["text", "has_expiration"])?;
    let text = offer.text("text", 16)?;
    let expires = offer.flag_opt("has_expiration")?.unwrap_or(false);
    Ok(json!({ "type": "LIMITED_TIME_OFFER", "limited_time_offer": { "text": text, "has_expiration": expires } }))
}

fn carousel(component: &Fields<'_>, category: Category, format: Format) -> Read<Value> {
    component.only(&["type", "cards"])?;
    if category != Category::Marketing {
        return Err(component.wrong("type", "CAROUSEL is only for category MARKETING."));
    }
    let mut cards = Vec::new();
    let mut first_shape = None;
    for card in component.objects("cards", 2..=10)? {
        card.only(&["components"])?;
        let mut written: Vec<Value> = Vec::new();
        for part in card.objects("components", 1..=3)? {
            written.push(match part.one_of("type", &["HEADER", "BODY", "BUTTONS"])? {
                "HEADER" => card_header(&part)?,
                "BODY" => body(&part, format, CARD_BODY_MAX)?,
                _ => card_buttons(&part)?,
            });
        }
        let spec = Spec::of(&written);
        if spec.header.is_none() || spec.buttons.is_empty() {
            return Err(card.wrong("components", "must have a header and buttons."));
        }
        let shape: (_, Vec<_>, bool) =
            (spec.header.clone(), spec.buttons.iter().map(|button| button.kind).collect(), spec.body.text.is_empty());
        if first_shape.get_or_insert_with(|| shape.clone()) != &shape {
            return Err(component.wrong("cards", "must all have the same components: header format, body, kinds of buttons."));
        }
        cards.push(json!({ "components": written }));
    }
    Ok(json!({ "type": "CAROUSEL", "cards": cards }))
}

fn card_header(part: &Fields<'_>) -> Read<Value> {
    part.one_of("format", &["IMAGE", "VIDEO", "PRODUCT"])?;
    header(part, Format::Positional, false)
}

fn card_buttons(part: &Fields<'_>) -> Read<Value> {
    for button in part.objects("buttons", 1..=2)? {
        button.one_of("type", &["QUICK_REPLY", "URL", "PHONE_NUMBER", "SPM"])?;
    }
    buttons::read(part, 20)
}
