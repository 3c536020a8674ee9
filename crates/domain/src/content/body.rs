//! The body of one content type: its texts, the values that fill them, and its JSON form by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use super::action::Action;
use super::form;
use super::types::{
    Authentication, CallToAction, Card, Carousel, Catalog, ContentType, Flows, ListPicker, Location, Media, Pay, QuickReply,
    Schedule, Text, WhatsappCard, WhatsappFlows,
};
use super::variables::{Variables, placeholders, render_text};
use crate::field::Findings;

/// The body of one type.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// Plain text.
    Text(Text),
    /// A file with an optional text.
    Media(Media),
    /// A place.
    Location(Location),
    /// Text with reply buttons.
    QuickReply(QuickReply),
    /// Text with buttons that lead somewhere.
    CallToAction(CallToAction),
    /// A menu.
    ListPicker(ListPicker),
    /// A card with header media and buttons.
    Card(Card),
    /// Several cards side by side.
    Carousel(Carousel),
    /// Products of a catalog.
    Catalog(Catalog),
    /// A form of several pages.
    Flows(Flows),
    /// WhatsApp's own card, with header and footer.
    WhatsappCard(WhatsappCard),
    /// A one-time code.
    Authentication(Authentication),
    /// A form that is at Meta already.
    WhatsappFlows(WhatsappFlows),
    /// A payment.
    Pay(Pay),
    /// Times to choose from.
    Schedule(Schedule),
}

/// Calls `$use` for every text of a body in which a variable may stand.
macro_rules! each_text {
    ($body:expr, $use:expr, $($mutability:tt)?) => {{
        // By reference, since only one of the two uses needs a closure that changes what it holds.
        let visit = &mut $use;
        match $body {
            Body::Text(b) => visit(&$($mutability)? b.body),
            Body::Media(b) => {
                if let Some(t) = &$($mutability)? b.body { visit(t); }
                for t in &$($mutability)? b.media { visit(t); }
            }
            Body::Location(b) => {
                if let Some(t) = &$($mutability)? b.label { visit(t); }
                if let Some(t) = &$($mutability)? b.address { visit(t); }
            }
            Body::QuickReply(b) => { visit(&$($mutability)? b.body); each_text!(@actions b.actions, visit, $($mutability)?); }
            Body::CallToAction(b) => { visit(&$($mutability)? b.body); each_text!(@actions b.actions, visit, $($mutability)?); }
            Body::ListPicker(b) => {
                visit(&$($mutability)? b.body);
                visit(&$($mutability)? b.button);
                for item in &$($mutability)? b.items {
                    visit(&$($mutability)? item.id);
                    visit(&$($mutability)? item.item);
                    if let Some(t) = &$($mutability)? item.description { visit(t); }
                }
            }
            Body::Card(b) => {
                if let Some(t) = &$($mutability)? b.title { visit(t); }
                if let Some(t) = &$($mutability)? b.body { visit(t); }
                if let Some(t) = &$($mutability)? b.subtitle { visit(t); }
                for t in &$($mutability)? b.media { visit(t); }
                each_text!(@actions b.actions, visit, $($mutability)?);
            }
            Body::Carousel(b) => {
                visit(&$($mutability)? b.body);
                for card in &$($mutability)? b.cards {
                    if let Some(t) = &$($mutability)? card.title { visit(t); }
                    if let Some(t) = &$($mutability)? card.body { visit(t); }
                    visit(&$($mutability)? card.media);
                    each_text!(@actions card.actions, visit, $($mutability)?);
                }
            }
            Body::Catalog(b) => {
                visit(&$($mutability)? b.id);
                if let Some(t) = &$($mutability)? b.title { visit(t); }
                if let Some(t) = &$($mutability)? b.body { visit(t); }
                if let Some(t) = &$($mutability)? b.subtitle { visit(t); }
                if let Some(t) = &$($mutability)? b.thumbnail_item_id { visit(t); }
                for item in &$($mutability)? b.items { visit(&$($mutability)? item.id); }
                if let Some(t) = &$($mutability)? b.dynamic_items { visit(t); }
            }
            Body::Flows(b) => {
                visit(&$($mutability)? b.body);
                if let Some(t) = &$($mutability)? b.subtitle { visit(t); }
                if let Some(t) = &$($mutability)? b.media_url { visit(t); }
                for page in &$($mutability)? b.pages {
                    if let Some(t) = &$($mutability)? page.title { visit(t); }
                    if let Some(t) = &$($mutability)? page.subtitle { visit(t); }
                    for component in &$($mutability)? page.layout {
                        for (_, value) in component {
                            if let serde_json::Value::String(t) = value { visit(t); }
                        }
                    }
                }
            }
            Body::WhatsappCard(b) => {
                visit(&$($mutability)? b.body);
                if let Some(t) = &$($mutability)? b.footer { visit(t); }
                if let Some(t) = &$($mutability)? b.header_text { visit(t); }
                for t in &$($mutability)? b.media { visit(t); }
                each_text!(@actions b.actions, visit, $($mutability)?);
            }
            Body::Authentication(b) => if let Some(t) = &$($mutability)? b.body { visit(t); },
            Body::WhatsappFlows(b) => {
                visit(&$($mutability)? b.body);
                visit(&$($mutability)? b.button_text);
                if let Some(t) = &$($mutability)? b.subtitle { visit(t); }
                if let Some(t) = &$($mutability)? b.media_url { visit(t); }
                visit(&$($mutability)? b.flow_id);
                if let Some(t) = &$($mutability)? b.flow_token { visit(t); }
                if let Some(t) = &$($mutability)? b.flow_first_page_id { visit(t); }
            }
            Body::Pay(b) => {
                visit(&$($mutability)? b.payment_id);
                visit(&$($mutability)? b.body);
                visit(&$($mutability)? b.merchant_name);
                visit(&$($mutability)? b.items);
                visit(&$($mutability)? b.order_expiration_description);
                visit(&$($mutability)? b.subtotal_amount);
                visit(&$($mutability)? b.total_amount);
                for (_, value) in &$($mutability)? b.pix {
                    if let serde_json::Value::String(t) = value { visit(t); }
                }
            }
            Body::Schedule(b) => {
                visit(&$($mutability)? b.title);
                visit(&$($mutability)? b.time_slots);
            }
        }
    }};
    (@actions $actions:expr, $visit:ident, $($mutability:tt)?) => {
        for action in &$($mutability)? $actions {
            if let Some(t) = &$($mutability)? action.title { $visit(t); }
            if let Some(t) = &$($mutability)? action.id { $visit(t); }
            if let Some(t) = &$($mutability)? action.url { $visit(t); }
            if let Some(t) = &$($mutability)? action.code { $visit(t); }
        }
    };
}

impl Body {
    /// Its type.
    #[must_use]
    pub const fn kind(&self) -> ContentType {
        match self {
            Self::Text(_) => ContentType::Text,
            Self::Media(_) => ContentType::Media,
            Self::Location(_) => ContentType::Location,
            Self::QuickReply(_) => ContentType::QuickReply,
            Self::CallToAction(_) => ContentType::CallToAction,
            Self::ListPicker(_) => ContentType::ListPicker,
            Self::Card(_) => ContentType::Card,
            Self::Carousel(_) => ContentType::Carousel,
            Self::Catalog(_) => ContentType::Catalog,
            Self::Flows(_) => ContentType::Flows,
            Self::WhatsappCard(_) => ContentType::WhatsappCard,
            Self::Authentication(_) => ContentType::Authentication,
            Self::WhatsappFlows(_) => ContentType::WhatsappFlows,
            Self::Pay(_) => ContentType::Pay,
            Self::Schedule(_) => ContentType::Schedule,
        }
    }

    /// The buttons of types that have a free choice of them; empty for the others.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        match self {
            Self::QuickReply(b) => &b.actions,
            Self::CallToAction(b) => &b.actions,
            Self::Card(b) => &b.actions,
            Self::WhatsappCard(b) => &b.actions,
            _ => &[],
        }
    }

    /// The names of its variables; an authentication always has `1`, the code.
    #[must_use]
    pub fn placeholders(&self) -> Vec<String> {
        if matches!(self, Self::Authentication(_)) {
            return vec!["1".to_owned()];
        }
        let mut names = Vec::new();
        each_text!(self, |text: &String| names.extend(placeholders(text).into_iter().map(str::to_owned)),);
        names
    }

    /// Every text of it in which a variable may stand: what people read, and addresses and ids beside that.
    #[must_use]
    pub fn texts<'a>(&'a self) -> Vec<&'a str> {
        let mut texts = Vec::new();
        each_text!(self, |text: &'a String| texts.push(text.as_str()),);
        texts
    }

    /// With every placeholder that has a value replaced.
    #[must_use]
    pub fn rendered(&self, values: &Variables) -> Self {
        let mut body = self.clone();
        if let Self::Authentication(authentication) = &mut body {
            authentication.body = values.get("1").cloned();
            return body;
        }
        each_text!(&mut body, |text: &mut String| *text = render_text(text, values), mut);
        body
    }

    pub(super) fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        match self {
            Self::Text(b) => serde_json::to_value(b),
            Self::Media(b) => serde_json::to_value(b),
            Self::Location(b) => serde_json::to_value(b),
            Self::QuickReply(b) => serde_json::to_value(b),
            Self::CallToAction(b) => serde_json::to_value(b),
            Self::ListPicker(b) => serde_json::to_value(b),
            Self::Card(b) => serde_json::to_value(b),
            Self::Carousel(b) => serde_json::to_value(b),
            Self::Catalog(b) => serde_json::to_value(b),
            Self::Flows(b) => serde_json::to_value(b),
            Self::WhatsappCard(b) => serde_json::to_value(b),
            Self::Authentication(b) => serde_json::to_value(b),
            Self::WhatsappFlows(b) => serde_json::to_value(b),
            Self::Pay(b) => serde_json::to_value(b),
            Self::Schedule(b) => serde_json::to_value(b),
        }
    }

    /// Reads the body of one type; [`form`](super::form) puts an error into words.
    pub(super) fn read<'de, D: Deserializer<'de>>(kind: ContentType, json: D) -> Result<Self, D::Error> {
        Ok(match kind {
            ContentType::Text => Self::Text(Text::deserialize(json)?),
            ContentType::Media => Self::Media(Media::deserialize(json)?),
            ContentType::Location => Self::Location(Location::deserialize(json)?),
            ContentType::QuickReply => Self::QuickReply(QuickReply::deserialize(json)?),
            ContentType::CallToAction => Self::CallToAction(CallToAction::deserialize(json)?),
            ContentType::ListPicker => Self::ListPicker(ListPicker::deserialize(json)?),
            ContentType::Card => Self::Card(Card::deserialize(json)?),
            ContentType::Carousel => Self::Carousel(Carousel::deserialize(json)?),
            ContentType::Catalog => Self::Catalog(Catalog::deserialize(json)?),
            ContentType::Flows => Self::Flows(Flows::deserialize(json)?),
            ContentType::WhatsappCard => Self::WhatsappCard(WhatsappCard::deserialize(json)?),
            ContentType::Authentication => Self::Authentication(Authentication::deserialize(json)?),
            ContentType::WhatsappFlows => Self::WhatsappFlows(WhatsappFlows::deserialize(json)?),
            ContentType::Pay => Self::Pay(Pay::deserialize(json)?),
            ContentType::Schedule => Self::Schedule(Schedule::deserialize(json)?),
        })
    }
}

/// Reads the object `types`.
pub(super) fn read(json: Option<&serde_json::Value>, findings: &mut Findings) -> BTreeMap<ContentType, Body> {
    let mut bodies = BTreeMap::new();
    let Some(object) = json.and_then(serde_json::Value::as_object).filter(|o| !o.is_empty()) else {
        findings.note("types", "must be an object with at least one content type", "such as {\"twilio/text\":{\"body\":\"Hi\"}}");
        return bodies;
    };
    findings.within("types", |findings| {
        for (name, value) in object {
            let Some(kind) = ContentType::named(name) else {
                let known: Vec<_> = ContentType::ALL.iter().map(|k| k.as_str()).collect();
                findings.note(name, "is not a content type", format!("use one of {}", known.join(", ")));
                continue;
            };
            match form::read(kind, value) {
                Ok(body) => {
                    bodies.insert(kind, body);
                }
                Err(wrong) => findings.within(name, |findings| findings.note(&wrong.field, wrong.rule, wrong.remedy)),
            }
        }
    });
    bodies
}

/// `types` as an object by name, for the store.
pub(super) mod by_name {
    use super::{BTreeMap, Body, ContentType};
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _, ser::Error as _, ser::SerializeMap};

    pub(in super::super) fn serialize<S: Serializer>(types: &BTreeMap<ContentType, Body>, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(types.len()))?;
        for (kind, body) in types {
            map.serialize_entry(kind.as_str(), &body.to_json().map_err(S::Error::custom)?)?;
        }
        map.end()
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<BTreeMap<ContentType, Body>, D::Error> {
        BTreeMap::<String, serde_json::Value>::deserialize(d)?
            .into_iter()
            .map(|(name, value)| {
                let kind = ContentType::named(&name).ok_or_else(|| D::Error::custom("unknown content type"))?;
                Ok((kind, Body::read(kind, &value).map_err(D::Error::custom)?))
            })
            .collect()
    }
}
