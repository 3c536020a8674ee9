//! Where in a send a value belongs, and the published name of that place.

use crate::field::FieldError;
use crate::template::{BodyDefinition, ButtonDefinition, CardDefinition, Definition, HeaderDefinition, TextDefinition};

/// A place for a value: in the message itself or in one of its cards. Ordered as they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The card, counted from 0; none for the message itself.
    pub card: Option<usize>,
    /// Which part.
    pub part: Part,
}

/// A part of a message or card that takes values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The header's text or file.
    Header,
    /// When a limited-time offer ends.
    OfferEnd,
    /// A variable of the text, counted from 0 in the order in which values are given.
    Body(usize),
    /// A button, counted from 0 among all of the message or card.
    Button(usize),
    /// The cards as a whole.
    Cards,
}

impl Place {
    /// A place in the message itself.
    #[must_use]
    pub const fn of(part: Part) -> Self {
        Self { card: None, part }
    }

    /// The published name of the parameter for this place, such as `body_1` or `card_2_button_1_url`.
    #[must_use]
    pub fn published(&self, definition: &Definition) -> String {
        let card = self.card.and_then(|at| definition.cards.get(at));
        let prefix = self.card.map(|at| format!("card_{}_", at + 1)).unwrap_or_default();
        format!("{prefix}{}", self.in_part(definition, card))
    }

    fn in_part(&self, definition: &Definition, card: Option<&CardDefinition>) -> String {
        let in_card = self.card.is_some();
        match self.part {
            Part::Header => {
                let header = if in_card { card.map(|c| &c.header) } else { definition.header.as_ref() };
                match header {
                    Some(HeaderDefinition::Text(_)) => "header_text",
                    Some(HeaderDefinition::Image { .. }) => "header_image",
                    Some(HeaderDefinition::Video { .. }) => "header_video",
                    Some(HeaderDefinition::Document { .. }) => "header_document",
                    Some(HeaderDefinition::Location) => "header_location",
                    Some(HeaderDefinition::Product) => "header_product",
                    None => "header",
                }
                .to_owned()
            }
            Part::OfferEnd => super::OFFER_END.to_owned(),
            Part::Body(at) => {
                let text = match (&definition.body, in_card) {
                    (_, true) => card.and_then(|c| c.body.as_ref()),
                    (BodyDefinition::Own(text), false) => Some(text),
                    (BodyDefinition::Authentication { .. }, false) => None,
                };
                match text.map(TextDefinition::parameters).and_then(|names| names.get(at).map(|name| (*name).to_owned())) {
                    Some(name) => format!("body_{name}"),
                    None => format!("body_{}", at + 1),
                }
            }
            Part::Button(at) => {
                let buttons = if in_card { card.map(|c| c.buttons.as_slice()) } else { Some(definition.buttons.as_slice()) };
                let end = match buttons.and_then(|buttons| buttons.get(at)) {
                    Some(ButtonDefinition::Url { .. }) => "_url",
                    Some(ButtonDefinition::QuickReply { .. }) => "_payload",
                    Some(ButtonDefinition::CopyCode { .. } | ButtonDefinition::Otp { .. }) => "_code",
                    Some(ButtonDefinition::Flow { .. }) => "_flow_token",
                    Some(ButtonDefinition::Catalog) => "_thumbnail",
                    Some(ButtonDefinition::MultiProduct) => "_products",
                    _ => "",
                };
                format!("button_{}{end}", at + 1)
            }
            Part::Cards => "cards".to_owned(),
        }
    }
}

/// A value that does not fit its place, or a place without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Where.
    pub place: Place,
    /// The rule that does not hold, as a sentence without its subject.
    pub rule: String,
    /// What to do about it.
    pub remedy: String,
}

impl Misfit {
    /// The finding under the caller's name for the place.
    #[must_use]
    pub fn named(self, field: String) -> FieldError {
        FieldError { field, rule: self.rule, remedy: self.remedy }
    }
}
