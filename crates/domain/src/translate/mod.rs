//! Content in its three other forms, and the way back: a free-form message for a session, a definition to be approved, a send
//! of the template that was approved; and content again from a template that was read from Meta.

mod back;
mod compare;
mod definition;
mod free_form;
mod send;

use crate::content::{Card, CarouselCard, Catalog, CatalogItem};
use crate::free_form::{File, MediaKind, MediaSource, ProductSection};

pub use back::{Beside, NotExpressible, to_content};
pub use compare::said_by;
pub use definition::{category, flow_screens, flow_variable, flow_variables, to_definition};
pub use free_form::to_free_form;
pub use send::to_send;

/// Title of a list of products where the content gives none.
const PRODUCTS_TITLE: &str = "Products";
/// Meta's word for a form whose endpoint says what its first screen shows.
const FROM_ENDPOINT: &str = "data_exchange";
/// Text of a catalog message where the content gives none.
const CATALOG_BODY: &str = "Our catalog";

/// The file behind a link, of the kind that its name tells.
fn file(link: &str) -> File {
    let kind = MediaKind::of_link(link);
    let name = link.split(['?', '#']).next().and_then(|path| path.rsplit('/').next()).filter(|n| !n.is_empty());
    // A file of ours has a name of its own, which its id is not.
    let named = kind == MediaKind::Document && crate::media::referred(link).is_none();
    let filename = name.filter(|_| named).map(str::to_owned);
    File { kind, source: MediaSource::Link(link.to_owned()), filename }
}

fn minutes(value: &serde_json::Value) -> Option<u32> {
    value.as_u64().and_then(|n| u32::try_from(n).ok()).or_else(|| value.as_str()?.trim().parse().ok())
}

/// On WhatsApp the title is the text of the message.
fn card_text(b: &Card) -> Option<&str> {
    b.title.as_deref().or(b.body.as_deref())
}

fn carousel_text(c: &CarouselCard) -> Option<String> {
    match (c.title.as_deref().filter(|t| !t.is_empty()), c.body.as_deref().filter(|t| !t.is_empty())) {
        (Some(title), Some(body)) => Some(format!("{title}\n{body}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

/// The items in their sections, in order of first appearance; `dynamic_items` is read when it has been filled in.
fn products(b: &Catalog) -> Vec<ProductSection> {
    let dynamic: Vec<CatalogItem> =
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

#[cfg(test)]
mod back_tests;
#[cfg(test)]
mod tests;
