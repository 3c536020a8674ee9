//! Content in its three other forms: a free-form message for a session, a definition to be approved, and a send of the
//! template that was approved.

use crate::content::{
    Action, ActionKind, Authentication, Body, Card, CarouselCard, Catalog, Flows, ListPicker, Media, Variables, WhatsappCard,
    render_text,
};
use crate::free_form::{File, FreeForm, Header, ListRow, ListSection, MediaKind, MediaSource, ProductSection, ReplyButton};
use crate::template::{
    BodyDefinition, ButtonDefinition, ButtonParameter, ButtonValue, CardDefinition, CardParameters, Category, Definition,
    FooterDefinition, HeaderDefinition, HeaderParameter, ParameterFormat, Template, TemplateSend, TextDefinition, TextParameter,
};

/// Title of a list of products where the content gives none.
const PRODUCTS_TITLE: &str = "Products";
/// Text of a catalog message where the content gives none.
const CATALOG_BODY: &str = "Our catalog";

// ---- to a session message ---------------------------------------------------------------------------------------------

/// The free-form message that says this (variables filled in already); none where only a template can.
///
/// Whether the buttons may go without approval is for the rules to say; here they only need a form.
#[must_use]
pub fn to_free_form(body: &Body) -> Option<FreeForm> {
    Some(match body {
        Body::Text(b) => FreeForm::Text { body: b.body.clone(), preview_url: b.body.contains("://") },
        Body::Media(b) => media(b)?,
        Body::Location(b) => {
            FreeForm::Location { latitude: b.latitude, longitude: b.longitude, name: b.label.clone(), address: b.address.clone() }
        }
        Body::QuickReply(b) => with_buttons(None, b.body.clone(), None, &b.actions)?,
        Body::CallToAction(b) => with_buttons(None, b.body.clone(), None, &b.actions)?,
        Body::ListPicker(b) => list(b),
        Body::Card(b) => {
            let text = b.title.clone().or_else(|| b.body.clone())?;
            with_buttons(media_header(&b.media), text, b.subtitle.clone(), &b.actions)?
        }
        Body::WhatsappCard(b) => {
            let header = b.header_text.clone().map(Header::Text).or_else(|| media_header(&b.media));
            with_buttons(header, b.body.clone(), b.footer.clone(), &b.actions)?
        }
        Body::Catalog(b) => catalog(b),
        Body::Carousel(_) | Body::Flows(_) | Body::Authentication(_) => return None,
    })
}

fn file(link: &str) -> File {
    let kind = MediaKind::of_link(link);
    let name = link.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).filter(|n| !n.is_empty());
    let filename = name.filter(|_| kind == MediaKind::Document).map(str::to_owned);
    File { kind, source: MediaSource::Link(link.to_owned()), filename }
}

fn media_header(links: &[String]) -> Option<Header> {
    links.first().map(|link| Header::File(file(link)))
}

fn media(b: &Media) -> Option<FreeForm> {
    let file = file(b.media.first()?);
    Some(FreeForm::Media { caption: b.body.clone().filter(|t| !t.is_empty()), file, voice: false })
}

fn list(b: &ListPicker) -> FreeForm {
    let rows = b
        .items
        .iter()
        .map(|item| ListRow { id: item.id.clone(), title: item.item.clone(), description: item.description.clone() })
        .collect();
    FreeForm::List {
        header: None,
        body: b.body.clone(),
        footer: None,
        button: b.button.clone(),
        sections: vec![ListSection { title: None, rows }],
    }
}

fn with_buttons(header: Option<Header>, body: String, footer: Option<String>, actions: &[Action]) -> Option<FreeForm> {
    let Some(first) = actions.first() else { return Some(without_buttons(header, body, footer)) };
    let title = |action: &Action| action.title.clone().unwrap_or_default();
    match first.kind {
        ActionKind::QuickReply => {
            let buttons =
                actions.iter().map(|a| ReplyButton { id: a.id.clone().unwrap_or_else(|| title(a)), title: title(a) }).collect();
            Some(FreeForm::Buttons { header, body, footer, buttons })
        }
        ActionKind::Url => Some(FreeForm::CtaUrl { header, body, footer, display_text: title(first), url: first.url.clone()? }),
        ActionKind::VoiceCall => {
            let ttl_minutes = first.ttl_minutes.as_ref().and_then(minutes);
            Some(FreeForm::VoiceCall { body, display_text: first.title.clone(), ttl_minutes, payload: first.id.clone() })
        }
        ActionKind::VoiceCallRequest => Some(FreeForm::CallPermissionRequest { body: Some(body) }),
        ActionKind::RequestContactInfo => Some(FreeForm::ContactRequest { body }),
        ActionKind::PhoneNumber | ActionKind::CopyCode => None,
    }
}

/// A card without buttons is a file with a caption, or a text of several lines.
fn without_buttons(header: Option<Header>, body: String, footer: Option<String>) -> FreeForm {
    let text = match footer {
        Some(footer) if !footer.is_empty() => format!("{body}\n\n{footer}"),
        _ => body,
    };
    match header {
        Some(Header::File(file)) => FreeForm::Media { file, caption: Some(text), voice: false },
        Some(Header::Text(header)) => FreeForm::Text { body: format!("*{header}*\n{text}"), preview_url: false },
        None => FreeForm::Text { body: text, preview_url: false },
    }
}

fn minutes(value: &serde_json::Value) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok()).or_else(|| value.as_str()?.trim().parse().ok())
}

fn catalog(b: &Catalog) -> FreeForm {
    let products = products(b);
    let body = b.body.clone().unwrap_or_else(|| CATALOG_BODY.to_owned());
    match products.iter().map(|s| s.products.len()).sum::<usize>() {
        0 => FreeForm::Catalog { body, footer: b.subtitle.clone(), thumbnail: b.thumbnail_item_id.clone() },
        1 => FreeForm::Product {
            body: b.body.clone(),
            footer: b.subtitle.clone(),
            catalog_id: b.id.clone(),
            product: products.into_iter().flat_map(|s| s.products).next().unwrap_or_default(),
        },
        _ => FreeForm::ProductList {
            header: b.title.clone().unwrap_or_else(|| PRODUCTS_TITLE.to_owned()),
            body,
            footer: b.subtitle.clone(),
            catalog_id: b.id.clone(),
            sections: products,
        },
    }
}

/// The items in their sections, in order of first appearance; `dynamic_items` is read when it has been filled in.
fn products(b: &Catalog) -> Vec<ProductSection> {
    let dynamic: Vec<crate::content::CatalogItem> =
        b.dynamic_items.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let mut sections: Vec<ProductSection> = Vec::new();
    for item in b.items.iter().chain(&dynamic) {
        let title = item.section_title.clone().filter(|t| !t.is_empty());
        match sections.iter_mut().find(|s| s.title == title) {
            Some(section) => section.products.push(item.id.clone()),
            None => sections.push(ProductSection { title, products: vec![item.id.clone()] }),
        }
    }
    if sections.len() > 1 {
        for section in &mut sections {
            section.title.get_or_insert_with(|| PRODUCTS_TITLE.to_owned());
        }
    }
    sections
}

// ---- to a definition ---------------------------------------------------------------------------------------------------

/// The template that Meta would have to approve for this (variables not filled in), with samples; none for content that
/// cannot become one.
#[must_use]
pub fn to_definition(body: &Body, samples: &Variables) -> Option<Definition> {
    let text = |words: &str| text_definition(words, samples);
    let own = |words: &str| BodyDefinition::Own(text(words));
    Some(match body {
        Body::Text(b) => Definition { body: own(&b.body), ..Definition::default() },
        Body::Media(b) => Definition {
            header: Some(header_definition(b.media.first()?, samples)?),
            body: own(b.body.as_deref().filter(|t| !t.is_empty())?),
            ..Definition::default()
        },
        Body::QuickReply(b) => Definition { body: own(&b.body), buttons: buttons(&b.actions, samples), ..Definition::default() },
        Body::CallToAction(b) => {
            Definition { body: own(&b.body), buttons: buttons(&b.actions, samples), ..Definition::default() }
        }
        Body::Card(b) => Definition {
            header: optional_header(&b.media, samples)?,
            body: own(card_text(b)?),
            footer: footer(b.subtitle.as_deref()),
            buttons: buttons(&b.actions, samples),
            ..Definition::default()
        },
        Body::WhatsappCard(b) => Definition {
            header: whatsapp_header(b, samples)?,
            body: own(&b.body),
            footer: footer(b.footer.as_deref()),
            buttons: buttons(&b.actions, samples),
            ..Definition::default()
        },
        Body::Carousel(b) => Definition {
            body: own(&b.body),
            cards: b.cards.iter().map(|c| card(c, samples)).collect::<Option<_>>()?,
            ..Definition::default()
        },
        Body::Catalog(b) => {
            let several = !b.items.is_empty() || b.dynamic_items.is_some();
            Definition {
                header: b.title.as_deref().filter(|_| several).map(|t| HeaderDefinition::Text(text(t))),
                body: own(b.body.as_deref().unwrap_or(CATALOG_BODY)),
                footer: footer(b.subtitle.as_deref()),
                buttons: vec![if several { ButtonDefinition::MultiProduct } else { ButtonDefinition::Catalog }],
                ..Definition::default()
            }
        }
        Body::Flows(b) => Definition {
            header: match &b.media_url {
                Some(link) => Some(header_definition(link, samples)?),
                None => None,
            },
            body: own(&b.body),
            footer: footer(b.subtitle.as_deref()),
            buttons: vec![flow_button(b)],
            ..Definition::default()
        },
        Body::Authentication(b) => authentication(b),
        Body::Location(_) | Body::ListPicker(_) => return None,
    })
}

/// The category under which this is submitted where the caller names none.
#[must_use]
pub fn category(body: &Body) -> Category {
    match body {
        Body::Authentication(_) => Category::Authentication,
        Body::Carousel(_) | Body::Catalog(_) => Category::Marketing,
        _ => Category::Utility,
    }
}

fn text_definition(words: &str, samples: &Variables) -> TextDefinition {
    let definition = TextDefinition::new(words, Vec::new());
    let samples =
        definition.names().into_iter().map(|name| samples.get(name).cloned().unwrap_or_else(|| "sample".to_owned())).collect();
    TextDefinition::new(words, samples)
}

fn header_definition(link: &str, samples: &Variables) -> Option<HeaderDefinition> {
    let sample = Some(render_text(link, samples));
    Some(match MediaKind::of_link(&render_text(link, samples)) {
        MediaKind::Image => HeaderDefinition::Image { sample },
        MediaKind::Video => HeaderDefinition::Video { sample },
        MediaKind::Document => HeaderDefinition::Document { sample },
        MediaKind::Audio | MediaKind::Sticker => return None,
    })
}

#[expect(clippy::option_option, reason = "the outer says whether a template is possible, the inner whether it has a header")]
fn optional_header(links: &[String], samples: &Variables) -> Option<Option<HeaderDefinition>> {
    match links.first() {
        Some(link) => header_definition(link, samples).map(Some),
        None => Some(None),
    }
}

#[expect(clippy::option_option, reason = "the outer says whether a template is possible, the inner whether it has a header")]
fn whatsapp_header(b: &WhatsappCard, samples: &Variables) -> Option<Option<HeaderDefinition>> {
    match &b.header_text {
        Some(words) => Some(Some(HeaderDefinition::Text(text_definition(words, samples)))),
        None => optional_header(&b.media, samples),
    }
}

fn card_text(b: &Card) -> Option<&str> {
    b.title.as_deref().or(b.body.as_deref())
}

fn footer(words: Option<&str>) -> Option<FooterDefinition> {
    words.filter(|w| !w.is_empty()).map(|text| FooterDefinition::Text { text: text.to_owned() })
}

fn carousel_text(c: &CarouselCard) -> Option<String> {
    match (c.title.as_deref().filter(|t| !t.is_empty()), c.body.as_deref().filter(|t| !t.is_empty())) {
        (Some(title), Some(body)) => Some(format!("{title}\n{body}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

fn card(c: &CarouselCard, samples: &Variables) -> Option<CardDefinition> {
    Some(CardDefinition {
        header: header_definition(&c.media, samples)?,
        body: carousel_text(c).map(|words| text_definition(&words, samples)),
        buttons: buttons(&c.actions, samples),
    })
}

fn buttons(actions: &[Action], samples: &Variables) -> Vec<ButtonDefinition> {
    actions
        .iter()
        .map(|action| {
            let text = action.title.clone().unwrap_or_default();
            match action.kind {
                ActionKind::QuickReply => ButtonDefinition::QuickReply { text },
                ActionKind::Url => {
                    let url = action.url.clone().unwrap_or_default();
                    let sample = (!crate::content::placeholders(&url).is_empty()).then(|| render_text(&url, samples));
                    ButtonDefinition::Url { text, url, sample }
                }
                ActionKind::PhoneNumber => {
                    ButtonDefinition::PhoneNumber { text, phone: action.phone.clone().unwrap_or_default() }
                }
                ActionKind::CopyCode => {
                    ButtonDefinition::CopyCode { sample: action.code.as_deref().map(|code| render_text(code, samples)) }
                }
                ActionKind::VoiceCall => {
                    ButtonDefinition::VoiceCall { text, ttl_minutes: action.ttl_minutes.as_ref().and_then(minutes) }
                }
                ActionKind::VoiceCallRequest => ButtonDefinition::VoiceCall { text, ttl_minutes: None },
                ActionKind::RequestContactInfo => ButtonDefinition::RequestContactInfo,
            }
        })
        .collect()
}

fn flow_button(b: &Flows) -> ButtonDefinition {
    ButtonDefinition::Flow {
        text: b.button_text.clone(),
        flow_id: None,
        flow_json: None,
        navigate_screen: b.pages.first().map(|page| flow_screen(&page.id)),
    }
}

/// A screen id as Flow JSON allows it: letters and underscores, upper case; digits become letters.
#[must_use]
pub fn flow_screen(page: &str) -> String {
    page.chars()
        .map(|c| match c {
            '0'..='9' => char::from(b'A' + (c as u8 - b'0')),
            c if c.is_ascii_alphabetic() => c.to_ascii_uppercase(),
            _ => '_',
        })
        .collect()
}

fn authentication(b: &Authentication) -> Definition {
    Definition {
        body: BodyDefinition::Authentication { add_security_recommendation: b.add_security_recommendation },
        footer: b.code_expiration_minutes.map(|minutes| FooterDefinition::CodeExpiration { minutes }),
        buttons: vec![ButtonDefinition::Otp {
            otp_type: "COPY_CODE".to_owned(),
            text: b.actions.first().and_then(|a| a.copy_code_text.clone().or_else(|| a.title.clone())),
        }],
        ..Definition::default()
    }
}

// ---- to a send ---------------------------------------------------------------------------------------------------------

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
                let name = crate::content::placeholders(url).into_iter().next()?;
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

#[cfg(test)]
mod tests;
