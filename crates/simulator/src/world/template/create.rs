//! `POST /{waba_id}/message_templates` (WA templates/overview, templates/components): what can be put on file at all.

use serde_json::{Map, Value, json};

use super::rules;
use super::spec::{ButtonKind, Header, Spec};
use super::text::{self, Text};
use super::{Category, Format, authentication, buttons, languages, library};
use crate::graph::error::GraphError;
use crate::graph::read::Fields;

type Read<T> = Result<T, GraphError>;

/// A template that may be filed.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) category: Category,
    pub(crate) format: Format,
    pub(crate) components: Vec<Value>,
    pub(crate) ttl_seconds: Option<i64>,
    /// `cta_url_link_tracking_opted_out`.
    pub(crate) untracked: bool,
    /// The template of the library that it was made from.
    pub(crate) library: Option<String>,
}

/// Reads the request.
pub(crate) fn read(value: &Value) -> Read<Draft> {
    let fields = Fields::body(value)?;
    if fields.has("library_template_name") {
        return library::read(&fields);
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
    let name = name(&fields)?;
    let language = language(&fields)?;
    let category = category(&fields)?;
    let format = format_or(&fields, Format::Positional)?;
    let components = components(&fields, category, format, language)?;
    Ok(Draft {
        name: name.to_owned(),
        language: language.to_owned(),
        category,
        format,
        components,
        ttl_seconds: ttl(&fields, category)?,
        untracked: fields.flag_opt("cta_url_link_tracking_opted_out")?.unwrap_or(false),
        library: None,
    })
}

/// `name`.
pub(crate) fn name<'a>(fields: &Fields<'a>) -> Read<&'a str> {
    let name = fields.text("name", usize::MAX)?;
    if name.chars().count() > rules::NAME_MAX {
        return Err(rules::LENGTH.refuse("The name of a message template can have at most 512 characters.").about("name"));
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') {
        let why = "The message template name can only have lowercase letters, digits and underscores.";
        return Err(rules::NAME_FORMAT.refuse(why).about("name"));
    }
    Ok(name)
}

/// `language`.
pub(crate) fn language<'a>(fields: &Fields<'a>) -> Read<&'a str> {
    let language = fields.text("language", 16)?;
    if !languages::is_supported(language) {
        return Err(fields.wrong("language", &format!("\"{language}\" is not a supported language.")));
    }
    Ok(language)
}

/// `category`.
pub(crate) fn category(fields: &Fields<'_>) -> Read<Category> {
    let text = fields.one_of("category", &Category::ALL)?;
    Category::parse(text).ok_or_else(|| GraphError::missing("category"))
}

/// `parameter_format`, or what it is when left out.
pub(crate) fn format_or(fields: &Fields<'_>, left_out: Format) -> Read<Format> {
    if !fields.has("parameter_format") {
        return Ok(left_out);
    }
    let named = fields.one_of("parameter_format", &["NAMED", "POSITIONAL"])? == "NAMED";
    Ok(if named { Format::Named } else { Format::Positional })
}

/// `message_send_ttl_seconds`: Meta, templates/time-to-live.
pub(crate) fn ttl(fields: &Fields<'_>, category: Category) -> Read<Option<i64>> {
    let Some(seconds) = fields.int_opt("message_send_ttl_seconds")? else { return Ok(None) };
    let range = match category {
        Category::Authentication => rules::TTL_AUTHENTICATION,
        Category::Utility => rules::TTL_UTILITY,
        Category::Marketing => rules::TTL_MARKETING,
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
        rules::OFFER_BODY_MAX
    } else if is_product {
        rules::CARD_BODY_MAX
    } else {
        rules::BODY_MAX
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
            "FOOTER" if is_offer => return Err(rules::COMPONENTS_MISMATCH.refuse("A limited-time offer has no footer.")),
            "FOOTER" => footer(component)?,
            "BUTTONS" => buttons::read(component, if is_offer { rules::OFFER_CODE_MAX } else { rules::CODE_MAX })?,
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
    go_together(&Spec::of(&written), has("CAROUSEL"))?;
    Ok(written)
}

/// Which components make sense beside each other: the page of each kind of template.
fn go_together(spec: &Spec, is_carousel: bool) -> Read<()> {
    let refuse = |why: &str| Err(rules::COMPONENTS_MISMATCH.refuse(why));
    if is_carousel && (spec.header.is_some() || spec.footer.is_some() || !spec.buttons.is_empty()) {
        return refuse("A carousel template has a body and cards; header, footer and buttons belong to the cards.");
    }
    if spec.offer.is_some() && !spec.buttons.iter().all(|b| matches!(b.kind, ButtonKind::CopyCode | ButtonKind::Url)) {
        return refuse("A limited-time offer has buttons of type COPY_CODE and URL only.");
    }
    let is_product = matches!(spec.header, Some(Header::Product));
    if is_product != spec.buttons.iter().any(|button| button.kind == ButtonKind::SingleProduct) {
        return refuse("A header of format PRODUCT and a button of type SPM come together.");
    }
    Ok(())
}

fn header(component: &Fields<'_>, format: Format, is_offer: bool) -> Read<Value> {
    component.only(&["type", "format", "text", "example"])?;
    let kinds = ["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "PRODUCT", "GIF"];
    let kind = component.one_of("format", &kinds)?;
    if is_offer && !matches!(kind, "IMAGE" | "VIDEO") {
        return Err(rules::COMPONENTS_MISMATCH.refuse("The header of a limited-time offer is an IMAGE or a VIDEO."));
    }
    match kind {
        "TEXT" => text_header(component, format),
        "GIF" => Err(component.wrong("format", "GIF is only for the Marketing Messages API.")),
        "LOCATION" | "PRODUCT" => Ok(json!({ "type": "HEADER", "format": kind })),
        _ => {
            let missing = || rules::SAMPLE_MISSING.refuse("component of type HEADER is missing expected field(s) (example)");
            let handles = component.object_opt("example")?.ok_or_else(missing)?;
            handles.only(&["header_handle"])?;
            let handle = match handles.get("header_handle") {
                Some(Value::Array(list)) => list.first().and_then(Value::as_str),
                Some(Value::String(handle)) => Some(handle.as_str()),
                _ => None,
            };
            let handle = handle.filter(|handle| !handle.trim().is_empty()).ok_or_else(missing)?;
            if !handle.starts_with("4:") {
                return Err(rules::HANDLE_INVALID.refuse("Header handles come from the resumable upload and begin with 4:."));
            }
            Ok(json!({ "type": "HEADER", "format": kind, "example": { "header_handle": [handle] } }))
        }
    }
}

fn text_header(component: &Fields<'_>, format: Format) -> Read<Value> {
    let rule = &rules::HEADER_FORMAT;
    let given = limited(component, "HEADER", rules::HEADER_MAX)?;
    let text = Text::of(given);
    text.check_names(format, "header", rule)?;
    if text.variables.len() > rules::HEADER_PARAMETERS_MAX {
        return Err(rule.refuse("The message header can have one parameter at most."));
    }
    let words = text.words();
    let is_italic = |word: &str| word.len() > 2 && word.starts_with('_') && word.ends_with('_');
    if words.chars().any(|c| matches!(c, '\n' | '\r' | '*' | '~' | '`') || text::is_emoji(c))
        || words.split_whitespace().any(is_italic)
    {
        return Err(rule.refuse("The message header can't have any new lines, formatting characters, emojis or asterisks."));
    }
    let mut written = json!({ "type": "HEADER", "format": "TEXT", "text": given });
    if text.variables.is_empty() {
        no_samples(component, "header_text")?;
    } else {
        let example = samples(component, &text, format, "header_text")?;
        if let Some(map) = written.as_object_mut() {
            map.insert("example".into(), example);
        }
    }
    Ok(written)
}

fn body(component: &Fields<'_>, format: Format, max: usize) -> Read<Value> {
    component.only(&["type", "text", "example"])?;
    let rule = &rules::BODY_FORMAT;
    let given = limited(component, "BODY", max)?;
    if given.contains("\n\n\n") || given.contains("     ") {
        return Err(rule.refuse("The message body can have at most two line breaks and four spaces in a row."));
    }
    let text = Text::of(given);
    text.check_names(format, "body", rule)?;
    text.check_places("body")?;
    let mut written = json!({ "type": "BODY", "text": given });
    if text.variables.is_empty() {
        no_samples(component, "body_text")?;
    } else {
        let example = samples(component, &text, format, "body_text")?;
        if let Some(map) = written.as_object_mut() {
            map.insert("example".into(), example);
        }
    }
    Ok(written)
}

fn footer(component: &Fields<'_>) -> Read<Value> {
    component.only(&["type", "text"])?;
    let text = limited(component, "FOOTER", rules::FOOTER_MAX)?;
    if text.contains("{{") || text.contains(['\n', '\r']) {
        return Err(rules::FOOTER_FORMAT.refuse("The message footer can't have parameters or line breaks."));
    }
    Ok(json!({ "type": "FOOTER", "text": text }))
}

/// The text of a component, which must be there, within its limit.
fn limited<'a>(component: &Fields<'a>, part: &str, max: usize) -> Read<&'a str> {
    let text = component.text("text", usize::MAX)?;
    if text.chars().count() > max {
        return Err(rules::LENGTH.refuse(format!("component of type {part} can have at most {max} characters")));
    }
    Ok(text)
}

/// Where nothing is left open there is nothing to give samples of.
fn no_samples(component: &Fields<'_>, key: &str) -> Read<()> {
    let Some(example) = component.object_opt("example")? else { return Ok(()) };
    let named = format!("{key}_named_params");
    let is_given = |key: &str| match example.get(key) {
        Some(Value::Array(list)) => list.iter().any(|one| one.as_array().is_none_or(|inner| !inner.is_empty())),
        Some(_) => true,
        None => false,
    };
    if is_given(key) || is_given(&named) {
        return Err(rules::SAMPLE_SURPLUS.refuse(format!("{} has samples, and its text no parameters.", example.path())));
    }
    Ok(())
}

/// The samples that come with every placeholder; written back in the one documented form.
fn samples(component: &Fields<'_>, text: &Text, format: Format, key: &str) -> Read<Value> {
    let part = if key == "header_text" { "HEADER" } else { "BODY" };
    let missing = || {
        let wanted = text.variables.len();
        rules::SAMPLE_MISSING.refuse(format!(
            "component of type {part} is missing expected field(s) (example): {wanted} samples in {key}, one for each parameter"
        ))
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
    let text = limited(&offer, "LIMITED_TIME_OFFER", rules::OFFER_TEXT_MAX)?;
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
    for card in component.objects("cards", rules::CARDS)? {
        card.only(&["components"])?;
        let mut written: Vec<Value> = Vec::new();
        for part in card.objects("components", 1..=3)? {
            written.push(match part.one_of("type", &["HEADER", "BODY", "BUTTONS"])? {
                "HEADER" => card_header(&part)?,
                "BODY" => body(&part, format, rules::CARD_BODY_MAX)?,
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
            return Err(
                rules::CARDS_DIFFER.refuse("All cards must have the same components: header format, body, kinds of buttons.")
            );
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
    for button in part.objects("buttons", rules::CARD_BUTTONS)? {
        button.one_of("type", &["QUICK_REPLY", "URL", "PHONE_NUMBER", "SPM"])?;
    }
    buttons::read(part, rules::CODE_MAX)
}
