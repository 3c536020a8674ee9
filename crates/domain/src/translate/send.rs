//! Content as the send of the template that was approved.

use super::{CATALOG_BODY, PRODUCTS_TITLE, card_text, carousel_text, file, products};
use crate::content::{Action, ActionKind, Body, Catalog, Variables, placeholders};
use crate::template::{
    BodyDefinition, ButtonDefinition, ButtonParameter, ButtonValue, CardParameters, Definition, HeaderDefinition,
    HeaderParameter, ParameterFormat, Template, TemplateSend, TextDefinition, TextParameter,
};

/// The send of a template whose canonical content equals this body's: a value for each of the template's variables.
///
/// `body` is not filled in; `values` has every variable (given, else sample).
#[must_use]
pub fn to_send(body: &Body, values: &Variables, template: &Template) -> TemplateSend {
    let definition = &template.definition;
    let format = definition.format;
    let rendered = body.rendered(values);
    let mut send = TemplateSend {
        name: template.name.clone(),
        language: template.language.clone(),
        header: None,
        body: Vec::new(),
        buttons: Vec::new(),
        cards: Vec::new(),
    };
    let own_text = |words: &str| match &definition.body {
        BodyDefinition::Own(approved) => parameters(words, approved, values, format),
        BodyDefinition::Authentication { .. } => Vec::new(),
    };
    match (body, &rendered) {
        (Body::Text(b), _) => send.body = own_text(&b.body),
        (Body::Media(b), Body::Media(r)) => {
            send.header = r.media.first().map(|link| HeaderParameter::File(file(link)));
            send.body = own_text(b.body.as_deref().unwrap_or_default());
        }
        (Body::QuickReply(b), Body::QuickReply(r)) => {
            send.body = own_text(&b.body);
            send.buttons = button_values(&b.actions, &r.actions, values);
        }
        (Body::CallToAction(b), Body::CallToAction(r)) => {
            send.body = own_text(&b.body);
            send.buttons = button_values(&b.actions, &r.actions, values);
        }
        (Body::Card(b), Body::Card(r)) => {
            send.header = r.media.first().map(|link| HeaderParameter::File(file(link)));
            send.body = own_text(card_text(b).unwrap_or_default());
            send.buttons = button_values(&b.actions, &r.actions, values);
        }
        (Body::WhatsappCard(b), Body::WhatsappCard(r)) => {
            send.header = match (&b.header_text, &definition.header) {
                (Some(words), Some(HeaderDefinition::Text(approved))) => {
                    parameters(words, approved, values, format).into_iter().next().map(HeaderParameter::Text)
                }
                _ => r.media.first().map(|link| HeaderParameter::File(file(link))),
            };
            send.body = own_text(&b.body);
            send.buttons = button_values(&b.actions, &r.actions, values);
        }
        (Body::Carousel(b), Body::Carousel(r)) => {
            send.body = own_text(&b.body);
            send.cards = b
                .cards
                .iter()
                .zip(&r.cards)
                .zip(&definition.cards)
                .map(|((card, filled), approved)| CardParameters {
                    header: Some(HeaderParameter::File(file(&filled.media))),
                    body: match (&approved.body, carousel_text(card)) {
                        (Some(approved), Some(words)) => parameters(&words, approved, values, format),
                        _ => Vec::new(),
                    },
                    buttons: button_values(&card.actions, &filled.actions, values),
                })
                .collect();
        }
        (Body::Catalog(b), Body::Catalog(r)) => {
            if let (Some(words), Some(HeaderDefinition::Text(approved))) = (&b.title, &definition.header) {
                send.header = parameters(words, approved, values, format).into_iter().next().map(HeaderParameter::Text);
            }
            send.body = own_text(b.body.as_deref().unwrap_or(CATALOG_BODY));
            send.buttons = catalog_button(r, definition);
        }
        (Body::Flows(b), Body::Flows(r)) => {
            send.header = r.media_url.as_deref().map(|link| HeaderParameter::File(file(link)));
            send.body = own_text(&b.body);
            send.buttons = vec![ButtonParameter { index: 0, value: ButtonValue::Flow { token: None, data: None } }];
        }
        (Body::Authentication(_), Body::Authentication(r)) => {
            let code = r.body.clone().unwrap_or_default();
            send.body = vec![TextParameter { name: None, text: code.clone() }];
            send.buttons = vec![ButtonParameter { index: 0, value: ButtonValue::OneTimeCode { code } }];
        }
        _ => {}
    }
    send
}

/// Values for the template's variables: ours and its are the same by order of first appearance, and are given in its order.
fn parameters(ours: &str, approved: &TextDefinition, values: &Variables, format: ParameterFormat) -> Vec<TextParameter> {
    let our = TextDefinition::new(ours, Vec::new());
    let (our_names, its_names) = (our.names(), approved.names());
    approved
        .parameters()
        .into_iter()
        .filter_map(|name| {
            let place = its_names.iter().position(|n| *n == name)?;
            let value = values.get(*our_names.get(place)?)?;
            let named = (format == ParameterFormat::Named).then(|| name.to_owned());
            Some(TextParameter { name: named, text: value.clone() })
        })
        .collect()
}

fn button_values(actions: &[Action], filled: &[Action], values: &Variables) -> Vec<ButtonParameter> {
    let mut parameters = Vec::new();
    for (index, (action, filled)) in (0u8..).zip(actions.iter().zip(filled)) {
        let value = match action.kind {
            ActionKind::QuickReply => filled.id.clone().map(|payload| ButtonValue::Payload { payload }),
            ActionKind::Url => action.url.as_deref().and_then(|url| {
                let name = placeholders(url).into_iter().next()?;
                values.get(name).map(|suffix| ButtonValue::UrlSuffix { suffix: suffix.clone() })
            }),
            ActionKind::CopyCode => filled.code.clone().map(|code| ButtonValue::CouponCode { code }),
            _ => None,
        };
        if let Some(value) = value {
            parameters.push(ButtonParameter { index, value });
        }
    }
    parameters
}

fn catalog_button(b: &Catalog, definition: &Definition) -> Vec<ButtonParameter> {
    let value = match definition.buttons.first() {
        Some(ButtonDefinition::MultiProduct) => {
            let mut sections = products(b);
            for section in &mut sections {
                section.title.get_or_insert_with(|| PRODUCTS_TITLE.to_owned());
            }
            let first = sections.iter().flat_map(|s| s.products.first()).next().cloned().unwrap_or_default();
            ButtonValue::MultiProduct { thumbnail: b.thumbnail_item_id.clone().unwrap_or(first), sections }
        }
        _ => match &b.thumbnail_item_id {
            Some(thumbnail) => ButtonValue::Catalog { thumbnail: Some(thumbnail.clone()) },
            None => return Vec::new(),
        },
    };
    vec![ButtonParameter { index: 0, value }]
}
