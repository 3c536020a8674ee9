//! Content as a free-form message for a session.

use super::{CATALOG_BODY, PRODUCTS_TITLE, file, minutes, products};
use crate::content::{Action, ActionKind, Body, Catalog, ListPicker, Media};
use crate::free_form::{FreeForm, Header, ListRow, ListSection, ReplyButton};

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
        Body::WhatsappFlows(b) => FreeForm::Flow {
            header: b.media_url.as_deref().map(|link| Header::File(file(link))),
            body: b.body.clone(),
            footer: b.subtitle.clone().filter(|footer| !footer.is_empty()),
            flow_id: b.flow_id.clone(),
            button: b.button_text.clone(),
            token: b.flow_token.clone(),
            screen: b.flow_first_page_id.clone(),
            from_endpoint: b.is_flow_first_page_endpoint,
            data: None,
        },
        Body::Carousel(_) | Body::Flows(_) | Body::Authentication(_) | Body::Pay(_) | Body::Schedule(_) => return None,
    })
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
