//! Holding the parameters of a send against the template, and what the phone then shows.

use serde_json::{Map, Value, json};

use super::spec::{Button, ButtonKind, Header, Spec};
use super::text::Text;
use super::{Format, Template, library};
use crate::graph::content::{Content, Kind, Tap, TapDoes, numbered};
use crate::graph::error::GraphError;
use crate::graph::template_send::{ButtonPart, ButtonSub, Parameter, Parts};

type Check<T> = Result<T, GraphError>;

const BODY_MAX: usize = 1_024;
const HEADER_MAX: usize = 60;
/// Meta: templates/authentication-templates.
const CODE_MAX: usize = 15;

/// The parts of a message or card, filled in.
#[derive(Default)]
struct Filled {
    shown: Map<String, Value>,
    content: Content,
}

impl Default for Content {
    fn default() -> Self {
        Self::plain(Kind::Template, Value::Null)
    }
}

/// Fills the template in, or says what does not fit.
pub(crate) fn fill(template: &Template, parts: &Parts) -> Check<Content> {
    let (spec, format, _) = template.sendable().unwrap_or((&template.spec, template.format, None));
    let filled = fill_in(spec, format, template.category == super::Category::Authentication, parts)?;
    check_kinds(template, parts.body.as_deref().unwrap_or(&[]))?;
    let mut shown = json!({ "name": template.name, "language": template.language, "category": template.category.as_str() });
    if let Some(map) = shown.as_object_mut() {
        map.extend(filled.shown);
    }
    Ok(Content { shown, ..filled.content })
}

/// Whether a template that was asked for like this would take these parts once it is approved.
///
/// # Errors
/// What does not fit.
#[cfg(feature = "fuzz")]
pub(crate) fn takes(draft: &super::create::Draft, parts: &Parts) -> Check<()> {
    let is_code = draft.category == super::Category::Authentication;
    fill_in(&Spec::of(&draft.components), draft.format, is_code, parts).map(|_| ())
}

fn fill_in(spec: &Spec, format: Format, is_code: bool, parts: &Parts) -> Check<Filled> {
    let mut filled = Filled::default();
    fill_header(spec.header.as_ref(), parts.header.as_deref(), format, &mut filled)?;
    fill_body(&spec.body, parts.body.as_deref(), format, &mut filled)?;
    if let Some(footer) = &spec.footer {
        filled.shown.insert("footer".into(), json!({ "text": footer }));
    }
    fill_buttons(&spec.buttons, &parts.buttons, None, is_code, &mut filled)?;
    fill_offer(spec, parts, &mut filled)?;
    fill_cards(spec, parts, format, &mut filled)?;
    Ok(filled)
}

/// Templates of Meta's library say of what kind each parameter is.
fn check_kinds(template: &Template, given: &[Parameter]) -> Check<()> {
    let Some(name) = &template.library else { return Ok(()) };
    for (at, (kind, parameter)) in library::kinds(name, &template.language).zip(given).enumerate() {
        if let Parameter::Text { text, .. } = parameter
            && !library::is_of_kind(text, kind)
        {
            return Err(GraphError::new(132_018, format!("body: parameter {} must be of type {kind}.", at + 1)));
        }
    }
    Ok(())
}

fn mismatch(part: &str, expected: usize, got: usize) -> GraphError {
    GraphError::new(
        132_000,
        format!("{part}: number of localizable_params ({got}) does not match the expected number of params ({expected})"),
    )
}

fn format_mismatch(part: &str, expected: &str) -> GraphError {
    GraphError::new(132_012, format!("{part}: Format mismatch, expected {expected}"))
}

fn fill_header(spec: Option<&Header>, given: Option<&[Parameter]>, format: Format, filled: &mut Filled) -> Check<()> {
    let given = given.unwrap_or(&[]);
    let shown = match spec {
        None if given.is_empty() => return Ok(()),
        None => return Err(mismatch("header", 0, given.len())),
        Some(Header::Text(text)) => {
            let value = text.fill(&values("header", text, given, format)?);
            if value.chars().count() > HEADER_MAX {
                return Err(GraphError::new(
                    132_005,
                    format!("header: the translated text is over {HEADER_MAX} characters long"),
                ));
            }
            json!({ "format": "TEXT", "text": value })
        }
        Some(Header::Media(kind)) => match given {
            [Parameter::Media { media, object }] if media.kind == *kind => {
                filled.content.media.push(media.clone());
                json!({ "format": kind.as_str().to_ascii_uppercase(), kind.as_str(): object })
            }
            _ => return Err(format_mismatch("header", &kind.as_str().to_ascii_uppercase())),
        },
        Some(Header::Location) => match given {
            [Parameter::Location(object)] => json!({ "format": "LOCATION", "location": object }),
            _ => return Err(format_mismatch("header", "LOCATION")),
        },
        Some(Header::Product) => match given {
            [Parameter::Product { product, object }] => {
                filled.content.products.push(product.clone());
                json!({ "format": "PRODUCT", "product": object })
            }
            _ => return Err(format_mismatch("header", "PRODUCT")),
        },
    };
    filled.shown.insert("header".into(), shown);
    Ok(())
}

fn fill_body(text: &Text, given: Option<&[Parameter]>, format: Format, filled: &mut Filled) -> Check<()> {
    let value = text.fill(&values("body", text, given.unwrap_or(&[]), format)?);
    if value.chars().count() > BODY_MAX {
        return Err(GraphError::new(132_005, format!("body: the translated text is over {BODY_MAX} characters long")));
    }
    if !value.is_empty() {
        filled.shown.insert("body".into(), json!({ "text": value }));
    }
    Ok(())
}

/// The values in the order of the template's placeholders.
fn values(part: &str, text: &Text, given: &[Parameter], format: Format) -> Check<Vec<String>> {
    if given.len() != text.variables.len() {
        return Err(mismatch(part, text.variables.len(), given.len()));
    }
    let texts: Vec<(Option<&str>, &str)> = given
        .iter()
        .map(|parameter| match parameter {
            Parameter::Text { name, text } => Ok((name.as_deref(), text.as_str())),
            _ => Err(format_mismatch(part, "TEXT")),
        })
        .collect::<Check<_>>()?;
    match format {
        Format::Positional => Ok(texts.iter().map(|(_, value)| (*value).to_owned()).collect()),
        Format::Named => text
            .variables
            .iter()
            .map(|variable| {
                texts.iter().find(|(name, _)| *name == Some(variable)).map(|(_, value)| (*value).to_owned()).ok_or_else(|| {
                    GraphError::new(132_012, format!("{part}: parameter_name \"{variable}\" is missing or misspelt"))
                })
            })
            .collect(),
    }
}

fn fill_offer(spec: &Spec, parts: &Parts, filled: &mut Filled) -> Check<()> {
    match (spec.offer, parts.offer_ends) {
        (None, Some(_)) => return Err(format_mismatch("limited_time_offer", "no such component")),
        (Some(true), None) => return Err(GraphError::missing("limited_time_offer.expiration_time_ms")),
        (Some(_), Some(ends)) => {
            filled.shown.insert("limited_time_offer".into(), json!({ "expiration_time_ms": ends }));
        }
        (_, None) => {}
    }
    Ok(())
}

fn fill_cards(spec: &Spec, parts: &Parts, format: Format, filled: &mut Filled) -> Check<()> {
    let given = parts.cards.as_deref().unwrap_or(&[]);
    if given.len() != spec.cards.len() {
        return Err(format_mismatch("carousel", &format!("{} cards, received {}", spec.cards.len(), given.len())));
    }
    let mut shown = Vec::new();
    for (at, (card, given)) in numbered(spec.cards.iter().zip(given)) {
        let mut one = Filled::default();
        fill_header(card.header.as_ref(), given.header.as_deref(), format, &mut one)?;
        fill_body(&card.body, given.body.as_deref(), format, &mut one)?;
        fill_buttons(&card.buttons, &given.buttons, Some(at), false, &mut one)?;
        shown.push(Value::Object(one.shown));
        filled.content.taps.append(&mut one.content.taps);
        filled.content.media.append(&mut one.content.media);
        filled.content.products.append(&mut one.content.products);
    }
    if !shown.is_empty() {
        filled.shown.insert("cards".into(), Value::Array(shown));
    }
    Ok(())
}

fn fill_buttons(spec: &[Button], given: &[ButtonPart], card: Option<u32>, is_code: bool, filled: &mut Filled) -> Check<()> {
    for part in given {
        let Some(button) = spec.get(part.index) else {
            return Err(format_mismatch("buttons", &format!("no button at index {}", part.index)));
        };
        let fits = matches!(
            (button.kind, part.sub),
            (ButtonKind::QuickReply, ButtonSub::QuickReply)
                | (ButtonKind::Url, ButtonSub::Url)
                | (ButtonKind::CopyCode, ButtonSub::CopyCode)
                | (ButtonKind::Catalog, ButtonSub::Catalog)
                | (ButtonKind::MultiProduct, ButtonSub::MultiProduct)
                | (ButtonKind::Flow, ButtonSub::Flow)
                | (ButtonKind::VoiceCall, ButtonSub::VoiceCall)
        );
        if !fits {
            return Err(format_mismatch("buttons", &format!("another sub_type at index {}", part.index)));
        }
    }
    let mut shown = Vec::new();
    for (index, button) in numbered(spec) {
        let mut parts = given.iter().filter(|part| u32::try_from(part.index) == Ok(index));
        let part = parts.next();
        if parts.next().is_some() {
            return Err(format_mismatch("buttons", &format!("one component for the button at index {index}")));
        }
        let parameters = part.map_or(&[][..], |part| part.parameters.as_slice());
        let (object, id, does) = fill_button(button, index, parameters, is_code, filled)?;
        filled.content.taps.push(Tap { card, index, id, title: button.text.clone(), description: None, does });
        shown.push(object);
    }
    if !shown.is_empty() {
        filled.shown.insert("buttons".into(), Value::Array(shown));
    }
    Ok(())
}

/// One button: as shown, the id a tap can name, and what a tap does.
fn fill_button(
    button: &Button,
    index: u32,
    given: &[Parameter],
    is_code: bool,
    filled: &mut Filled,
) -> Check<(Value, String, TapDoes)> {
    let required = || GraphError::new(131_008, format!("buttons: Button at index {index} requires a parameter"));
    let wrong = |expected: &str| format_mismatch(&format!("buttons: Button at index {index}"), expected);
    let opens = |what: &str| TapDoes::Opens(what.to_owned());
    let text = &button.text;
    Ok(match button.kind {
        ButtonKind::QuickReply => {
            let payload = match given {
                [] => text.clone(),
                [Parameter::Payload(payload)] => payload.clone(),
                _ => return Err(wrong("one parameter of type payload")),
            };
            (json!({ "type": "QUICK_REPLY", "text": text, "payload": payload }), payload, TapDoes::TemplateReply)
        }
        ButtonKind::Url => {
            let url = match (button.target.variables.len(), given) {
                (0, []) => button.target.text.clone(),
                (0, _) => return Err(mismatch(&format!("buttons: Button at index {index}"), 0, given.len())),
                (_, [Parameter::Text { text, .. }]) => {
                    if is_code && text.chars().count() > CODE_MAX {
                        return Err(GraphError::new(132_018, format!("The code may have at most {CODE_MAX} characters.")));
                    }
                    button.target.fill(std::slice::from_ref(text))
                }
                (_, []) => return Err(required()),
                _ => return Err(wrong("one parameter of type text")),
            };
            (json!({ "type": "URL", "text": text, "url": url }), url.clone(), opens(&url))
        }
        ButtonKind::Phone => {
            let number = &button.target.text;
            (
                json!({ "type": "PHONE_NUMBER", "text": text, "phone_number": number }),
                number.clone(),
                opens(&format!("tel:{number}")),
            )
        }
        ButtonKind::CopyCode => match given {
            [Parameter::CouponCode(code)] => {
                (json!({ "type": "COPY_CODE", "text": text, "code": code }), code.clone(), opens(&format!("code:{code}")))
            }
            [] => return Err(required()),
            _ => return Err(wrong("one parameter of type coupon_code")),
        },
        ButtonKind::Catalog | ButtonKind::MultiProduct | ButtonKind::Flow => {
            let action = match given {
                [] if button.kind == ButtonKind::MultiProduct => return Err(required()),
                [] => None,
                [Parameter::Action(action)] => Some(action),
                _ => return Err(wrong("one parameter of type action")),
            };
            let is_products = button.kind != ButtonKind::Flow;
            if action.is_some_and(|action| action.is_flow == is_products) {
                return Err(wrong(if is_products { "products" } else { "flow_token or flow_action_data" }));
            }
            if button.kind == ButtonKind::MultiProduct && action.is_none_or(|action| action.products.is_none()) {
                return Err(required());
            }
            let (name, what) = match button.kind {
                ButtonKind::Catalog => ("CATALOG", "catalog"),
                ButtonKind::MultiProduct => ("MPM", "products"),
                _ => ("FLOW", "flow"),
            };
            if let Some(action) = action {
                let thumbnail =
                    action.thumbnail.clone().map(|id| crate::graph::content::ProductUse { catalog: None, retailer_id: Some(id) });
                filled.content.products.extend(thumbnail);
                filled.content.products.extend(action.products.clone().unwrap_or_default());
            }
            let mut object = json!({ "type": name, "text": text, "action": action.map(|action| &action.object) });
            if let (ButtonKind::Flow, Some(map)) = (button.kind, object.as_object_mut())
                && !button.target.text.is_empty()
            {
                map.insert("flow_id".into(), json!(button.target.text));
            }
            (object, what.to_owned(), opens(what))
        }
        ButtonKind::SingleProduct => (json!({ "type": "SPM", "text": text }), "product".into(), opens("product")),
        ButtonKind::VoiceCall => (json!({ "type": "VOICE_CALL", "text": text }), "voice_call".into(), opens("voice_call")),
        ButtonKind::RequestContact => {
            (json!({ "type": "REQUEST_CONTACT_INFO", "text": text }), "request_contact_info".into(), TapDoes::ShareContact)
        }
    })
}
