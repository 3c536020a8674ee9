//! What the customer sees of a template: its texts with the values of a send, or with its own samples.

use crate::content::{Piece, pieces};
use crate::free_form::{File, MediaKind, MediaSource};
use crate::template::{
    BodyDefinition, ButtonDefinition, ButtonParameter, ButtonValue, CardDefinition, CardParameters, Definition, FooterDefinition,
    HeaderDefinition, HeaderParameter, ParameterFormat, Template, TemplateSend, TextDefinition, TextParameter,
};
use crate::time::Timestamp;

/// A code for previews.
const CODE: &str = "123456";

/// A message or card as it is shown.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shown {
    /// Above the text.
    pub header: Option<ShownHeader>,
    /// The line of a limited-time offer, and when it ends.
    pub offer: Option<(String, Option<Timestamp>)>,
    /// The text; around a one-time code it is in English here, while Meta words it in the template's language.
    pub body: String,
    /// Below the text.
    pub footer: Option<String>,
    /// Buttons, in order.
    pub buttons: Vec<ShownButton>,
    /// Cards, in order.
    pub cards: Vec<Shown>,
}

/// A header as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum ShownHeader {
    /// A line.
    Text(String),
    /// A file, a place or a product.
    Other(HeaderParameter),
}

/// A button as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownButton {
    /// Label.
    pub label: String,
    /// What it opens, dials, copies or sends back; none where that is Meta's or a form's to say.
    pub gives: Option<String>,
}

/// What the customer sees of this send. Values are never looked into, so that braces in one stay as they are.
#[must_use]
pub fn shown(definition: &Definition, send: &TemplateSend) -> Shown {
    let code = send.buttons.iter().find_map(|button| match &button.value {
        ButtonValue::OneTimeCode { code } => Some(code.as_str()),
        _ => None,
    });
    Shown {
        header: header(definition.header.as_ref(), send.header.as_ref()),
        offer: definition.limited_time_offer.as_ref().map(|offer| (offer.text.clone(), send.offer_end)),
        body: match &definition.body {
            BodyDefinition::Own(words) => text(words, &send.body),
            BodyDefinition::Authentication { add_security_recommendation } => {
                let code = code.or_else(|| send.body.first().map(|value| value.text.as_str())).unwrap_or_default();
                let advice = if *add_security_recommendation { " For your security, do not share this code." } else { "" };
                format!("{code} is your verification code.{advice}")
            }
        },
        footer: definition.footer.as_ref().map(|footer| match footer {
            FooterDefinition::Text { text } => text.clone(),
            FooterDefinition::CodeExpiration { minutes } => format!("This code expires in {minutes} minutes."),
        }),
        buttons: buttons(&definition.buttons, &send.buttons),
        cards: definition.cards.iter().zip(&send.cards).map(|(definition, values)| card(definition, values)).collect(),
    }
}

fn card(definition: &CardDefinition, values: &CardParameters) -> Shown {
    Shown {
        header: header(Some(&definition.header), values.header.as_ref()),
        body: definition.body.as_ref().map(|words| text(words, &values.body)).unwrap_or_default(),
        buttons: buttons(&definition.buttons, &values.buttons),
        ..Shown::default()
    }
}

fn header(definition: Option<&HeaderDefinition>, value: Option<&HeaderParameter>) -> Option<ShownHeader> {
    match (definition?, value) {
        (HeaderDefinition::Text(words), Some(HeaderParameter::Text(value))) => {
            Some(ShownHeader::Text(text(words, std::slice::from_ref(value))))
        }
        (HeaderDefinition::Text(words), _) => Some(ShownHeader::Text(words.text.clone())),
        (_, value) => value.cloned().map(ShownHeader::Other),
    }
}

/// A text with its values: by name where they are named, else by the order in which values are given.
fn text(words: &TextDefinition, values: &[TextParameter]) -> String {
    let order = words.parameters();
    let mut shown = String::with_capacity(words.text.len());
    for piece in pieces(&words.text) {
        match piece {
            Piece::Plain(plain) => shown.push_str(plain),
            Piece::Variable(name) => {
                let named = values.iter().find(|value| value.name.as_deref() == Some(name));
                let counted = || values.get(order.iter().position(|n| *n == name)?).filter(|value| value.name.is_none());
                match named.or_else(counted) {
                    Some(value) => shown.push_str(&value.text),
                    None => shown.push_str(&format!("{{{{{name}}}}}")),
                }
            }
        }
    }
    shown
}

fn buttons(definitions: &[ButtonDefinition], values: &[ButtonParameter]) -> Vec<ShownButton> {
    let value_at = |at: usize| values.iter().find(|value| usize::from(value.index) == at).map(|value| &value.value);
    definitions.iter().enumerate().map(|(at, definition)| button(definition, value_at(at))).collect()
}

fn button(definition: &ButtonDefinition, value: Option<&ButtonValue>) -> ShownButton {
    let (label, gives) = match (definition, value) {
        (ButtonDefinition::Url { text: label, url, .. }, Some(ButtonValue::UrlSuffix { suffix })) => {
            let end = TextParameter { name: None, text: suffix.clone() };
            (label.as_str(), Some(text(&TextDefinition::new(url.as_str(), Vec::new()), &[end])))
        }
        (ButtonDefinition::Url { text, url, .. }, _) => (text.as_str(), Some(url.clone())),
        (ButtonDefinition::PhoneNumber { text, phone }, _) => (text.as_str(), Some(phone.clone())),
        (ButtonDefinition::QuickReply { text }, Some(ButtonValue::Payload { payload })) => (text.as_str(), Some(payload.clone())),
        (ButtonDefinition::QuickReply { text }, _) => (text.as_str(), Some(text.clone())),
        (ButtonDefinition::CopyCode { .. }, Some(ButtonValue::CouponCode { code })) => ("Copy code", Some(code.clone())),
        (ButtonDefinition::CopyCode { .. }, _) => ("Copy code", None),
        (ButtonDefinition::Otp { text, .. }, value) => {
            let code = if let Some(ButtonValue::OneTimeCode { code }) = value { Some(code.clone()) } else { None };
            (text.as_deref().unwrap_or("Copy code"), code)
        }
        (ButtonDefinition::Flow { text, .. }, Some(ButtonValue::Flow { token, .. })) => (text.as_str(), token.clone()),
        (ButtonDefinition::Flow { text, .. }, _) => (text.as_str(), None),
        (ButtonDefinition::Catalog, Some(ButtonValue::Catalog { thumbnail })) => ("View catalog", thumbnail.clone()),
        (ButtonDefinition::Catalog, _) => ("View catalog", None),
        (ButtonDefinition::MultiProduct, Some(ButtonValue::MultiProduct { sections, .. })) => {
            let products: Vec<&str> = sections.iter().flat_map(|s| &s.products).map(String::as_str).collect();
            ("View items", Some(products.join(", ")))
        }
        (ButtonDefinition::MultiProduct, _) => ("View items", None),
        (ButtonDefinition::SingleProduct, _) => ("View", None),
        (ButtonDefinition::VoiceCall { text, .. }, _) => (text.as_str(), None),
        (ButtonDefinition::RequestContactInfo, _) => ("Share contact info", None),
    };
    ShownButton { label: label.to_owned(), gives }
}

/// The send that fills a template with its own samples, as its reviewers saw it; what has no sample gets a word that says so.
#[must_use]
pub fn with_samples(template: &Template) -> TemplateSend {
    let definition = &template.definition;
    let format = definition.format;
    TemplateSend {
        name: template.name.clone(),
        language: template.language.clone(),
        fallback: Vec::new(),
        header: definition.header.as_ref().and_then(|header| sample_header(header, format)),
        offer_end: definition.limited_time_offer.as_ref().filter(|o| o.has_expiration).map(|_| Timestamp::FAR),
        body: match &definition.body {
            BodyDefinition::Own(words) => sample_text(words, format),
            BodyDefinition::Authentication { .. } => vec![TextParameter { name: None, text: CODE.to_owned() }],
        },
        buttons: sample_buttons(&definition.buttons),
        cards: definition
            .cards
            .iter()
            .map(|card| CardParameters {
                header: sample_header(&card.header, format),
                body: card.body.as_ref().map(|words| sample_text(words, format)).unwrap_or_default(),
                buttons: sample_buttons(&card.buttons),
            })
            .collect(),
    }
}

fn sample_text(words: &TextDefinition, format: ParameterFormat) -> Vec<TextParameter> {
    let appearance = words.names();
    let sample = |name: &str| appearance.iter().position(|n| *n == name).and_then(|at| words.samples.get(at)).cloned();
    let named = |name: &str| (format == ParameterFormat::Named).then(|| name.to_owned());
    let value = |name: &str| sample(name).filter(|s| !s.trim().is_empty()).unwrap_or_else(|| format!("[{name}]"));
    words.parameters().into_iter().map(|name| TextParameter { name: named(name), text: value(name) }).collect()
}

fn sample_header(header: &HeaderDefinition, format: ParameterFormat) -> Option<HeaderParameter> {
    let file = |kind: MediaKind, sample: &Option<String>| {
        let link = sample.clone().filter(|s| crate::free_form::is_web_address(s));
        let link = link.unwrap_or_else(|| format!("https://sample.invalid/{}", kind.as_str()));
        Some(HeaderParameter::File(File { kind, source: MediaSource::Link(link), filename: None }))
    };
    match header {
        HeaderDefinition::Text(words) => sample_text(words, format).into_iter().next().map(HeaderParameter::Text),
        HeaderDefinition::Image { sample } => file(MediaKind::Image, sample),
        HeaderDefinition::Video { sample } => file(MediaKind::Video, sample),
        HeaderDefinition::Document { sample } => file(MediaKind::Document, sample),
        HeaderDefinition::Location => {
            Some(HeaderParameter::Location { latitude: 0.0, longitude: 0.0, name: Some("[place]".to_owned()), address: None })
        }
        HeaderDefinition::Product => {
            Some(HeaderParameter::Product { catalog_id: "[catalog]".to_owned(), product: "[product]".to_owned() })
        }
    }
}

fn sample_buttons(buttons: &[ButtonDefinition]) -> Vec<ButtonParameter> {
    let value = |button: &ButtonDefinition| {
        Some(match button {
            ButtonDefinition::Url { url, sample, .. } if button.wants_parameter() => {
                let base: String =
                    pieces(url).into_iter().map_while(|p| if let Piece::Plain(t) = p { Some(t) } else { None }).collect();
                let end = sample.as_ref().and_then(|whole| whole.strip_prefix(base.as_str())).filter(|end| !end.is_empty());
                ButtonValue::UrlSuffix { suffix: end.unwrap_or("sample").to_owned() }
            }
            ButtonDefinition::CopyCode { sample } => {
                ButtonValue::CouponCode { code: sample.clone().unwrap_or_else(|| "SAMPLE".to_owned()) }
            }
            ButtonDefinition::Otp { .. } => ButtonValue::OneTimeCode { code: CODE.to_owned() },
            ButtonDefinition::MultiProduct => {
                let section = crate::free_form::ProductSection { title: None, products: vec!["[product]".to_owned()] };
                ButtonValue::MultiProduct { thumbnail: "[product]".to_owned(), sections: vec![section] }
            }
            _ => return None,
        })
    };
    let valued = (0u8..).zip(buttons).filter_map(|(index, button)| Some(ButtonParameter { index, value: value(button)? }));
    valued.collect()
}
