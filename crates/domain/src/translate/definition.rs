//! Content as the definition of a template that Meta would have to approve.

use super::{CATALOG_BODY, FROM_ENDPOINT, card_text, carousel_text, minutes};
use crate::content::{
    Action, ActionKind, Authentication, Body, CarouselCard, FlowPage, Flows, Variables, WhatsappCard, WhatsappFlows,
    placeholders, render_text,
};
use crate::free_form::MediaKind;
use crate::template::{
    BodyDefinition, ButtonDefinition, CardDefinition, Category, Definition, FooterDefinition, HeaderDefinition, TextDefinition,
};

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
        Body::CallToAction(b) => Definition {
            body: own(&b.body),
            buttons: buttons(&b.actions, samples),
            call_permission_request: b.actions.iter().any(|a| a.kind == ActionKind::VoiceCallRequest),
            ..Definition::default()
        },
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
        Body::WhatsappFlows(b) => Definition {
            header: match &b.media_url {
                Some(link) => Some(header_definition(link, samples)?),
                None => None,
            },
            body: own(&b.body),
            footer: footer(b.subtitle.as_deref()),
            buttons: vec![form_button(b, samples)],
            ..Definition::default()
        },
        Body::Location(_) | Body::ListPicker(_) | Body::Pay(_) | Body::Schedule(_) => return None,
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

fn footer(words: Option<&str>) -> Option<FooterDefinition> {
    words.filter(|w| !w.is_empty()).map(|text| FooterDefinition::Text { text: text.to_owned() })
}

fn card(c: &CarouselCard, samples: &Variables) -> Option<CardDefinition> {
    Some(CardDefinition {
        header: header_definition(&c.media, samples)?,
        body: carousel_text(c).map(|words| text_definition(&words, samples)),
        buttons: buttons(&c.actions, samples),
    })
}

/// The buttons; to ask for leave to call is a part of its own at Meta, and no button.
fn buttons(actions: &[Action], samples: &Variables) -> Vec<ButtonDefinition> {
    let button = |action: &Action| {
        let text = action.title.clone().unwrap_or_default();
        Some(match action.kind {
            ActionKind::QuickReply => ButtonDefinition::QuickReply { text },
            ActionKind::Url => {
                let url = action.url.clone().unwrap_or_default();
                let sample = (!placeholders(&url).is_empty()).then(|| render_text(&url, samples));
                ButtonDefinition::Url { text, url, sample }
            }
            ActionKind::PhoneNumber => ButtonDefinition::PhoneNumber { text, phone: action.phone.clone().unwrap_or_default() },
            ActionKind::CopyCode => {
                ButtonDefinition::CopyCode { sample: action.code.as_deref().map(|code| render_text(code, samples)) }
            }
            ActionKind::VoiceCall => {
                ButtonDefinition::VoiceCall { text, ttl_minutes: action.ttl_minutes.as_ref().and_then(minutes) }
            }
            ActionKind::VoiceCallRequest => return None,
            ActionKind::RequestContactInfo => ButtonDefinition::RequestContactInfo,
        })
    };
    actions.iter().filter_map(button).collect()
}

fn flow_button(b: &Flows) -> ButtonDefinition {
    ButtonDefinition::Flow {
        text: b.button_text.clone(),
        flow_id: None,
        flow_name: None,
        flow_json: None,
        flow_action: None,
        navigate_screen: flow_screens(&b.pages).into_iter().next(),
    }
}

/// The button of a form that is at Meta already. Which form, and where it opens, is settled by the approval: a variable stands for
/// its value.
fn form_button(b: &WhatsappFlows, samples: &Variables) -> ButtonDefinition {
    ButtonDefinition::Flow {
        text: b.button_text.clone(),
        flow_id: Some(render_text(&b.flow_id, samples)),
        flow_name: None,
        flow_json: None,
        flow_action: b.is_flow_first_page_endpoint.then(|| FROM_ENDPOINT.to_owned()),
        navigate_screen: b.flow_first_page_id.as_deref().map(|page| render_text(page, samples)),
    }
}

/// The names of a form's screens, one for each page: letters and underscores, upper case, digits as letters; what would be
/// empty, Meta's own `SUCCESS` or a name that an earlier page has gets letters more (Meta: flows/reference/flowjson).
#[must_use]
pub fn flow_screens(pages: &[FlowPage]) -> Vec<String> {
    let letter = |c: char| match c {
        '0'..='9' => char::from(b'A' + (c as u8 - b'0')),
        c if c.is_ascii_alphabetic() => c.to_ascii_uppercase(),
        _ => '_',
    };
    let mut names: Vec<String> = Vec::with_capacity(pages.len());
    for page in pages {
        let mut name: String = page.id.chars().map(letter).collect();
        while name.is_empty() || name == "SUCCESS" || names.contains(&name) {
            name.push('X');
        }
        names.push(name);
    }
    names
}

/// The name under which a variable is handed to a form's screens.
#[must_use]
pub fn flow_variable(name: &str) -> String {
    format!("v_{name}")
}

/// The variables of a form's pages, each once, in order of first appearance.
#[must_use]
pub fn flow_variables(pages: &[FlowPage]) -> Vec<String> {
    let texts = pages.iter().flat_map(|page| {
        let components = page.layout.iter().flat_map(serde_json::Map::values).filter_map(serde_json::Value::as_str);
        page.title.as_deref().into_iter().chain(page.subtitle.as_deref()).chain(components)
    });
    let mut names: Vec<String> = Vec::new();
    for name in texts.flat_map(placeholders) {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

fn authentication(b: &Authentication) -> Definition {
    Definition {
        body: BodyDefinition::Authentication { add_security_recommendation: b.add_security_recommendation },
        footer: b.code_expiration_minutes.map(|minutes| FooterDefinition::CodeExpiration { minutes }),
        buttons: vec![ButtonDefinition::Otp {
            otp_type: "COPY_CODE".to_owned(),
            text: b.actions.first().and_then(|a| a.copy_code_text.clone().or_else(|| a.title.clone())),
            handover: None,
        }],
        ..Definition::default()
    }
}
