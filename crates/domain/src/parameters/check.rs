//! Whether a send fits the template that was approved: everything for which Meta would refuse it, before Meta sees it (Meta:
//! messages/template-messages, templates/components and the page of each special kind).

use super::place::{Misfit, Part, Place};
use crate::content::{BLANKS_MAX, ONE_TIME_CODE_MAX, Piece, pieces};
use crate::free_form::{File, MediaKind, MediaSource, limits};
use crate::media::is_file_address;
use crate::template::{
    BodyDefinition, ButtonDefinition, ButtonParameter, ButtonValue, CardDefinition, CardParameters, Definition, HeaderDefinition,
    HeaderParameter, LimitedTimeOffer, ParameterFormat, TemplateSend, TextDefinition, TextParameter,
};

/// Text of a template with its values filled in; what is longer Meta refuses as 132005.
const TEXT: usize = 1_024;
/// The same where it is about an offer that ends.
const OFFER_TEXT: usize = 600;
/// The same of a card, and of a template about a single product.
const CARD_TEXT: usize = 160;
/// Payload of a quick reply.
const PAYLOAD: usize = 128;
/// Coupon code.
const COUPON: usize = 20;
/// Coupon code beside an offer that ends.
const OFFER_COUPON: usize = 15;
/// Retailer id of a product.
const PRODUCT: usize = 100;
/// Id that Meta gave a file.
const MEDIA_ID: usize = 64;
/// Token of a form.
const FLOW_TOKEN: usize = crate::free_form::limits::FLOW_TOKEN;

/// Checks a send against the definition of its template. What passes fills every variable and drops no value.
///
/// # Errors
/// Every value that is missing, left over, empty, too long, of another kind or otherwise not what Meta takes, in order of place.
pub fn check(send: &TemplateSend, definition: &Definition) -> Result<(), Vec<Misfit>> {
    let single = definition.buttons.contains(&ButtonDefinition::SingleProduct);
    let longest = match &definition.limited_time_offer {
        Some(_) => OFFER_TEXT,
        None if single => CARD_TEXT,
        None => TEXT,
    };
    let coupon = if definition.limited_time_offer.is_some() { OFFER_COUPON } else { COUPON };
    let mut look = Look { card: None, format: definition.format, coupon, found: Vec::new() };
    look.header(definition.header.as_ref(), send.header.as_ref());
    look.offer(definition.limited_time_offer.as_ref(), send);
    match &definition.body {
        BodyDefinition::Own(text) => look.text(Some(text), &send.body, longest),
        BodyDefinition::Authentication { .. } => look.code_in_text(send),
    }
    look.buttons(&definition.buttons, &send.buttons);
    look.cards(&definition.cards, &send.cards);
    if look.found.is_empty() { Ok(()) } else { Err(look.found) }
}

struct Look {
    card: Option<usize>,
    format: ParameterFormat,
    coupon: usize,
    found: Vec<Misfit>,
}

impl Look {
    fn note(&mut self, part: Part, rule: impl Into<String>, remedy: impl Into<String>) {
        let place = Place { card: self.card, part };
        let misfit = Misfit { place, rule: rule.into(), remedy: remedy.into() };
        // Several products can be wrong in the same way.
        if !self.found.contains(&misfit) {
            self.found.push(misfit);
        }
    }

    fn missing(&mut self, part: Part, what: &str) {
        self.note(part, "is missing", format!("give {what}: every variable of the template must be filled"));
    }

    fn extra(&mut self, part: Part, why: &str) {
        self.note(part, format!("is given, but {why}"), "remove it, or check the template's variables");
    }

    /// Some text, at most so long, on one line.
    fn line(&mut self, part: Part, text: &str, most: usize) {
        if text.trim().is_empty() {
            self.note(part, "must not be empty", "give a value");
        }
        let length = text.chars().count();
        if length > most {
            self.note(part, format!("has {length} characters, at most {most} are allowed"), "shorten it");
        }
        if text.contains(['\n', '\r', '\t']) || text.contains(&" ".repeat(BLANKS_MAX + 1)) {
            self.note(
                part,
                "must not contain a line break, a tab or more than four blanks in a row",
                "Meta refuses such values: use single blanks",
            );
        }
    }

    fn header(&mut self, approved: Option<&HeaderDefinition>, given: Option<&HeaderParameter>) {
        let part = Part::Header;
        match (approved, given) {
            (None, None) => {}
            (None, Some(_)) => self.extra(part, "the template has no header"),
            (Some(HeaderDefinition::Text(text)), given) => match (text.names().as_slice(), given) {
                ([], None) => {}
                ([], Some(_)) => self.extra(part, "the header has no variable"),
                ([_], None) => self.missing(part, "the value of the header's variable"),
                ([name], Some(HeaderParameter::Text(value))) => {
                    let named = (self.format == ParameterFormat::Named).then_some(*name);
                    if value.name.as_deref() != named {
                        self.note(part, "names another variable than the header's", "leave the name out, or name the header's");
                    }
                    self.line(part, &value.text, usize::MAX);
                    self.rendered(part, text, &[&value.text], limits::HEADER);
                }
                ([_], Some(_)) => self.note(part, "must be a text", "the header of this template is a text"),
                (_, _) => self.note(part, "has several variables", "Meta takes one: mend the template"),
            },
            (Some(HeaderDefinition::Image { .. }), given) => self.file(MediaKind::Image, given),
            (Some(HeaderDefinition::Video { .. }), given) => self.file(MediaKind::Video, given),
            (Some(HeaderDefinition::Document { .. }), given) => self.file(MediaKind::Document, given),
            (Some(HeaderDefinition::Location), None) => self.missing(part, "the place"),
            (Some(HeaderDefinition::Location), Some(HeaderParameter::Location { latitude, longitude, .. })) => {
                if !(-90.0..=90.0).contains(latitude) || !(-180.0..=180.0).contains(longitude) {
                    self.note(part, "is no place on earth", "give -90 to 90 degrees north and -180 to 180 degrees east");
                }
            }
            (Some(HeaderDefinition::Location), Some(_)) => {
                self.note(part, "must be a place", "the header of this template is one");
            }
            (Some(HeaderDefinition::Product), None) => self.missing(part, "the product"),
            (Some(HeaderDefinition::Product), Some(HeaderParameter::Product { catalog_id, product })) => {
                self.line(part, catalog_id, MEDIA_ID);
                self.line(part, product, PRODUCT);
            }
            (Some(HeaderDefinition::Product), Some(_)) => {
                self.note(part, "must be a product", "the header of this template is one");
            }
        }
    }

    fn file(&mut self, kind: MediaKind, given: Option<&HeaderParameter>) {
        let (part, word) = (Part::Header, kind.as_str());
        let file = match given {
            None => return self.missing(part, &format!("the public URL of the {word}")),
            Some(HeaderParameter::File(file)) if file.kind == kind => file,
            Some(HeaderParameter::File(File { kind: other, .. })) => {
                let rule = format!("must be of kind {word}, and is of kind {}", other.as_str());
                return self.note(part, rule, "give a file of the kind that was approved");
            }
            Some(_) => return self.note(part, format!("must be a file of kind {word}"), "give its public URL"),
        };
        match &file.source {
            MediaSource::Link(link) if is_file_address(link) => self.line(part, link, limits::URL),
            MediaSource::Link(_) => self.note(part, "must be an http or https address", "give the public URL of the file"),
            MediaSource::Id(id) => self.line(part, id, MEDIA_ID),
        }
        if file.filename.is_some() && kind != MediaKind::Document {
            self.note(part, "takes no filename", "a filename is possible only with header_document");
        }
    }

    fn offer(&mut self, approved: Option<&LimitedTimeOffer>, send: &TemplateSend) {
        let counts_down = approved.is_some_and(|offer| offer.has_expiration);
        match send.offer_end {
            None if counts_down => self.missing(Part::OfferEnd, "the time at which the offer ends"),
            Some(_) if !counts_down => self.extra(Part::OfferEnd, "the template counts nothing down"),
            Some(at) if at.as_millis() <= 0 => {
                self.note(Part::OfferEnd, "must be a time", "give milliseconds since 1970");
            }
            _ => {}
        }
    }

    fn text(&mut self, approved: Option<&TextDefinition>, given: &[TextParameter], most: usize) {
        let empty = TextDefinition::default();
        let approved = approved.unwrap_or(&empty);
        let names = approved.parameters();
        // The place that a value is for: by number, or by name.
        let place = |at: usize, value: &TextParameter| match (self.format, &value.name) {
            (ParameterFormat::Positional, None) => (at < names.len()).then_some(at),
            (ParameterFormat::Named, Some(name)) => names.iter().position(|known| known == name),
            (ParameterFormat::Positional, Some(_)) | (ParameterFormat::Named, None) => None,
        };
        let places: Vec<Option<usize>> = given.iter().enumerate().map(|(at, value)| place(at, value)).collect();
        for at in 0..names.len() {
            match places.iter().filter(|place| **place == Some(at)).count() {
                0 => self.missing(Part::Body(at), "a value"),
                1 => {}
                _ => self.note(Part::Body(at), "is given twice", "give each value once"),
            }
        }
        let mut values: Vec<&str> = vec![""; names.len()];
        for (at, (value, place)) in given.iter().zip(&places).enumerate() {
            match place {
                Some(place) => {
                    self.line(Part::Body(*place), &value.text, usize::MAX);
                    if let Some(slot) = values.get_mut(*place) {
                        *slot = &value.text;
                    }
                }
                // Behind the last, so that it is told apart from the places that there are.
                None => self.extra(Part::Body(names.len().max(at)), "the text has no such variable"),
            }
        }
        let longest = (0..values.len()).max_by_key(|at| values.get(*at).map_or(0, |value| value.chars().count()));
        if let Some(longest) = longest {
            let in_order: Vec<&str> = approved
                .names()
                .iter()
                .map(|name| names.iter().position(|n| n == name).and_then(|at| values.get(at)).copied().unwrap_or_default())
                .collect();
            self.rendered(Part::Body(longest), approved, &in_order, most);
        }
    }

    /// The whole text with its values, one for each of its names.
    fn rendered(&mut self, part: Part, text: &TextDefinition, values: &[&str], most: usize) {
        let names = text.names();
        let length: usize = pieces(&text.text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Plain(plain) => plain.chars().count(),
                Piece::Variable(name) => {
                    names.iter().position(|n| *n == name).and_then(|at| values.get(at)).map_or(0, |value| value.chars().count())
                }
            })
            .sum();
        if length > most {
            self.note(part, format!("makes the text {length} characters long, at most {most} are allowed"), "shorten the value");
        }
    }

    /// Where the words are Meta's the text repeats the button's code, and may be left to us.
    fn code_in_text(&mut self, send: &TemplateSend) {
        let code = send.buttons.iter().find_map(|button| match &button.value {
            ButtonValue::OneTimeCode { code } => Some(code.as_str()),
            _ => None,
        });
        for (at, value) in send.body.iter().enumerate() {
            if at > 0 || value.name.is_some() {
                self.extra(Part::Body(at), "the text has one variable, the code");
            } else if code.is_some_and(|code| code != value.text) {
                self.note(Part::Body(at), "is another code than the button's", "give the same code, or give it once");
            }
        }
    }

    fn buttons(&mut self, approved: &[ButtonDefinition], given: &[ButtonParameter]) {
        for (at, button) in approved.iter().enumerate() {
            let mut values = given.iter().filter(|value| usize::from(value.index) == at);
            let value = values.next().map(|given| &given.value);
            if values.next().is_some() {
                self.note(Part::Button(at), "is given twice", "give each value once");
            }
            self.button(at, button, value);
        }
        for value in given.iter().filter(|value| usize::from(value.index) >= approved.len()) {
            self.extra(Part::Button(value.index.into()), "the template has no such button");
        }
    }

    fn button(&mut self, at: usize, approved: &ButtonDefinition, given: Option<&ButtonValue>) {
        let part = Part::Button(at);
        match (approved, given) {
            (ButtonDefinition::Url { url, .. }, given) if approved.wants_parameter() => match given {
                None => self.missing(part, "the end of the address"),
                Some(ButtonValue::UrlSuffix { suffix }) => self.suffix(part, url, suffix),
                Some(_) => self.note(part, "must be the end of an address", "this button opens a page"),
            },
            (ButtonDefinition::CopyCode { .. }, None) => self.missing(part, "the coupon code"),
            (ButtonDefinition::CopyCode { .. }, Some(ButtonValue::CouponCode { code })) => self.line(part, code, self.coupon),
            (ButtonDefinition::Otp { .. }, None) => self.missing(part, "the one-time code"),
            (ButtonDefinition::Otp { .. }, Some(ButtonValue::OneTimeCode { code })) => self.line(part, code, ONE_TIME_CODE_MAX),
            (ButtonDefinition::MultiProduct, None) => self.missing(part, "the products"),
            (ButtonDefinition::MultiProduct, Some(ButtonValue::MultiProduct { thumbnail, sections })) => {
                self.products(part, thumbnail, sections);
            }
            (ButtonDefinition::QuickReply { .. }, Some(ButtonValue::Payload { payload })) => self.line(part, payload, PAYLOAD),
            (ButtonDefinition::Catalog, Some(ButtonValue::Catalog { thumbnail })) => {
                if let Some(thumbnail) = thumbnail {
                    self.line(part, thumbnail, PRODUCT);
                }
            }
            (ButtonDefinition::Flow { .. }, Some(ButtonValue::Flow { token, .. })) => {
                if let Some(token) = token {
                    self.line(part, token, FLOW_TOKEN);
                }
            }
            (_, None) => {}
            (_, Some(_)) => self.extra(part, "this button takes no such value"),
        }
    }

    /// The end of an address. What was approved stands before it, so a whole address would stand there twice.
    fn suffix(&mut self, part: Part, approved: &str, suffix: &str) {
        let base = super::base(approved);
        if suffix.starts_with(&base) || suffix.contains("://") {
            let rule = format!("is a whole address, and would stand behind the approved one, which begins with {base}");
            return self.note(part, rule, "give only the end of the address, percent-encoded");
        }
        if suffix.contains(' ') {
            self.note(part, "must not contain a blank", "percent-encode it");
        }
        self.line(part, suffix, limits::URL.saturating_sub(base.chars().count()));
    }

    fn products(&mut self, part: Part, thumbnail: &str, sections: &[crate::free_form::ProductSection]) {
        self.line(part, thumbnail, PRODUCT);
        let count: usize = sections.iter().map(|section| section.products.len()).sum();
        if sections.is_empty() || sections.len() > limits::SECTIONS || sections.iter().any(|s| s.products.is_empty()) {
            let rule = format!("must have 1 to {} sections, none of them empty", limits::SECTIONS);
            self.note(part, rule, "put the products into fewer sections");
        }
        if count > limits::PRODUCTS {
            let rule = format!("has {count} products, at most {} are allowed", limits::PRODUCTS);
            return self.note(part, rule, "send fewer products");
        }
        for section in sections {
            match section.title.as_deref().filter(|title| !title.is_empty()) {
                Some(title) => self.line(part, title, limits::ROW_TITLE),
                None if sections.len() > 1 => self.note(part, "has a section without a title", "give each section a title"),
                None => {}
            }
            for product in &section.products {
                self.line(part, product, PRODUCT);
            }
        }
    }

    fn cards(&mut self, approved: &[CardDefinition], given: &[CardParameters]) {
        if approved.len() != given.len() {
            let rule = format!("has {} cards, the template has {}", given.len(), approved.len());
            self.note(Part::Cards, rule, "give values for every card that was approved, and for no other");
        }
        for (at, (approved, given)) in approved.iter().zip(given).enumerate() {
            self.card = Some(at);
            self.header(Some(&approved.header), given.header.as_ref());
            self.text(approved.body.as_ref(), &given.body, CARD_TEXT);
            self.buttons(&approved.buttons, &given.buttons);
        }
        self.card = None;
    }
}
