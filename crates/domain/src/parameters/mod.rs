//! Parameters of a template send: by their published names (`body_1`, `header_image`, `button_2_url`, …) put in order, and
//! checked against the template. Order of arrival never counts: `body_10` comes after `body_9`.

mod check;
mod place;

use serde::{Deserialize, Serialize};

use crate::content::{Piece, pieces};
use crate::field::FieldError;
use crate::free_form::{File, MediaKind, MediaSource, ProductSection};
use crate::template::{
    BodyDefinition, ButtonDefinition, ButtonParameter, ButtonValue, CardParameters, Definition, HeaderDefinition,
    HeaderParameter, ParameterFormat, Template, TemplateSend, TextDefinition, TextParameter,
};
use crate::time::Timestamp;

pub use check::check;
pub use place::{Misfit, Part, Place};

/// Published name of the time at which a limited-time offer ends.
const OFFER_END: &str = "offer_expiration";

/// One parameter as the caller gave it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Published name.
    pub name: String,
    /// Value.
    pub value: String,
    /// Shown name of a header document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
}

/// How the caller names parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Naming {
    /// By their published names.
    #[default]
    Published,
    /// As members of `variables`: the text's by their bare names (`1`, `name`), every other by its published name.
    Variables,
}

impl Naming {
    /// What the caller would write for a published name.
    fn bare(self, published: &str) -> Option<&str> {
        match self {
            Self::Published => None,
            Self::Variables => published.strip_prefix("body_"),
        }
    }

    /// The field to point at for a name as the caller wrote it.
    fn field(self, written: &str) -> String {
        match self {
            Self::Published => written.to_owned(),
            Self::Variables => format!("variables.{written}"),
        }
    }
}

/// The parameters, which of them were used, and for what.
struct Given<'a> {
    naming: Naming,
    parameters: Vec<(&'a Parameter, bool)>,
    places: Vec<(Place, &'a str)>,
    misfits: Vec<Misfit>,
}

impl<'a> Given<'a> {
    fn take(&mut self, name: &str, place: Place) -> Option<&'a Parameter> {
        let bare = self.naming.bare(name);
        let at = self.parameters.iter().position(|(p, _)| p.name == name);
        let at = at.or_else(|| self.parameters.iter().position(|(p, _)| Some(p.name.as_str()) == bare))?;
        let (parameter, used) = self.parameters.get_mut(at)?;
        *used = true;
        self.places.push((place, &parameter.name));
        Some(parameter)
    }

    fn note(&mut self, place: Place, rule: impl Into<String>, remedy: impl Into<String>) {
        self.misfits.push(Misfit { place, rule: rule.into(), remedy: remedy.into() });
    }

    /// The caller's own name for a place: what was written, else what should have been.
    fn field(&self, place: Place, definition: &Definition) -> String {
        if let Some((_, written)) = self.places.iter().find(|(at, _)| *at == place) {
            return self.naming.field(written);
        }
        let published = place.published(definition);
        self.naming.field(self.naming.bare(&published).unwrap_or(&published))
    }
}

/// Fits parameters to a template.
///
/// # Errors
/// Each missing, unknown, doubled or malformed parameter; `field` is its name as this caller writes it.
pub fn fit(template: &Template, parameters: &[Parameter], naming: Naming) -> Result<TemplateSend, Vec<FieldError>> {
    let definition = &template.definition;
    let mut given =
        Given { naming, parameters: parameters.iter().map(|p| (p, false)).collect(), places: Vec::new(), misfits: Vec::new() };
    let send = TemplateSend {
        name: template.name.clone(),
        language: template.language.clone(),
        fallback: Vec::new(),
        header: definition.header.as_ref().and_then(|h| header(h, definition.format, None, &mut given)),
        offer_end: offer_end(&mut given),
        body: body(definition, &mut given),
        buttons: buttons(&definition.buttons, None, &mut given),
        cards: cards(definition, &mut given),
    };
    let mut misfits = std::mem::take(&mut given.misfits);
    // What could not be read at all is not missing besides.
    let unread: Vec<Place> = misfits.iter().map(|m| m.place).collect();
    let found = check(&send, definition).err().unwrap_or_default();
    misfits.extend(found.into_iter().filter(|m| !unread.contains(&m.place)));
    misfits.sort_by_key(|m| m.place);
    let finding = |name: &str, rule: &str, remedy: &str| FieldError {
        field: naming.field(name),
        rule: rule.to_owned(),
        remedy: remedy.to_owned(),
    };
    let before = |at: usize, name: &str| parameters.iter().take(at).any(|p| p.name == name);
    let mut all: Vec<FieldError> = Vec::new();
    for (at, parameter) in parameters.iter().enumerate() {
        if before(at, &parameter.name) {
            all.push(finding(&parameter.name, "is given twice", "give each parameter once"));
        }
    }
    all.extend(misfits.into_iter().map(|m| {
        let field = given.field(m.place, definition);
        m.named(field)
    }));
    for (at, (parameter, used)) in given.parameters.iter().enumerate() {
        if !used && !before(at, &parameter.name) {
            let rule = "is not a parameter of this template";
            all.push(finding(&parameter.name, rule, "remove it, or check the template's variables"));
        }
    }
    if all.is_empty() { Ok(send) } else { Err(all) }
}

/// What stands before the variable of an approved address.
fn base(approved: &str) -> String {
    pieces(approved).into_iter().map_while(|p| if let Piece::Plain(t) = p { Some(t) } else { None }).collect()
}

fn prefix(card: Option<usize>) -> String {
    card.map(|at| format!("card_{}_", at + 1)).unwrap_or_default()
}

/// A public address, or the id that Meta gave an uploaded file: nothing but digits.
fn source(value: &str) -> MediaSource {
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        MediaSource::Id(value.to_owned())
    } else {
        MediaSource::Link(value.to_owned())
    }
}

fn header(
    header: &HeaderDefinition,
    format: ParameterFormat,
    card: Option<usize>,
    given: &mut Given<'_>,
) -> Option<HeaderParameter> {
    let place = Place { card, part: Part::Header };
    let prefix = prefix(card);
    let mut take = |end: &str| given.take(&format!("{prefix}header_{end}"), place);
    let mut file = |kind: MediaKind| {
        let parameter = take(kind.as_str())?;
        let (source, filename) = (source(&parameter.value), parameter.filename.clone());
        Some(HeaderParameter::File(File { kind, source, filename }))
    };
    match header {
        HeaderDefinition::Text(text) => {
            let name = text.names().first().copied()?;
            let parameter = take("text")?;
            let named = (format == ParameterFormat::Named).then(|| name.to_owned());
            Some(HeaderParameter::Text(TextParameter { name: named, text: parameter.value.clone() }))
        }
        HeaderDefinition::Image { .. } => file(MediaKind::Image),
        HeaderDefinition::Video { .. } => file(MediaKind::Video),
        HeaderDefinition::Document { .. } => file(MediaKind::Document),
        HeaderDefinition::Location => {
            let read = location(&take("location")?.value);
            if read.is_none() {
                let rule = "must be latitude,longitude and perhaps a name and an address";
                given.note(place, rule, "such as 52.52,13.40,Shop,Street 1");
            }
            read
        }
        HeaderDefinition::Product => match take("product")?.value.split_once(',') {
            Some((catalog, product)) if !catalog.is_empty() && !product.is_empty() => {
                Some(HeaderParameter::Product { catalog_id: catalog.trim().to_owned(), product: product.trim().to_owned() })
            }
            _ => {
                given.note(place, "must be a catalog id, a comma and a product's retailer id", "such as 7700,sku-1");
                None
            }
        },
    }
}

fn location(value: &str) -> Option<HeaderParameter> {
    let mut parts = value.splitn(4, ',').map(str::trim);
    let degrees = |part: Option<&str>, most: f64| part.and_then(|p| p.parse::<f64>().ok()).filter(|d| d.abs() <= most);
    let (latitude, longitude) = (degrees(parts.next(), 90.0)?, degrees(parts.next(), 180.0)?);
    let text = |part: Option<&str>| part.filter(|p| !p.is_empty()).map(str::to_owned);
    Some(HeaderParameter::Location { latitude, longitude, name: text(parts.next()), address: text(parts.next()) })
}

fn offer_end(given: &mut Given<'_>) -> Option<Timestamp> {
    let place = Place::of(Part::OfferEnd);
    let parameter = given.take(OFFER_END, place)?;
    let read = parameter.value.trim().parse().ok().map(Timestamp::from_millis);
    if read.is_none() {
        given.note(place, "must be a whole number", "give the end of the offer in milliseconds since 1970");
    }
    read
}

fn body(definition: &Definition, given: &mut Given<'_>) -> Vec<TextParameter> {
    match &definition.body {
        BodyDefinition::Own(text) => texts(text, definition.format, None, given),
        BodyDefinition::Authentication { .. } => {
            // The code goes in twice, and callers may give it under either name.
            let code = given.take("body_1", Place::of(Part::Body(0)));
            code.map(|p| vec![TextParameter { name: None, text: p.value.clone() }]).unwrap_or_default()
        }
    }
}

fn texts(text: &TextDefinition, format: ParameterFormat, card: Option<usize>, given: &mut Given<'_>) -> Vec<TextParameter> {
    let prefix = prefix(card);
    let mut values = Vec::new();
    for (at, name) in text.parameters().into_iter().enumerate() {
        let place = Place { card, part: Part::Body(at) };
        let value = given.take(&format!("{prefix}body_{name}"), place).map(|parameter| parameter.value.clone());
        if value.is_none() {
            given.note(place, "is missing", "every variable of the template must be filled");
        }
        // Those behind a missing one keep their places.
        let named = (format == ParameterFormat::Named).then(|| name.to_owned());
        values.push(TextParameter { name: named, text: value.unwrap_or_default() });
    }
    values
}

fn buttons(buttons: &[ButtonDefinition], card: Option<usize>, given: &mut Given<'_>) -> Vec<ButtonParameter> {
    let prefix = prefix(card);
    let mut values = Vec::new();
    for (index, button) in buttons.iter().enumerate() {
        let place = Place { card, part: Part::Button(index) };
        let mut take = |end: &str| given.take(&format!("{prefix}button_{}_{end}", index + 1), place);
        let value = match button {
            ButtonDefinition::Url { url, .. } if button.wants_parameter() => {
                take("url").map(|p| ButtonValue::UrlSuffix { suffix: url_suffix(url, &p.value) })
            }
            ButtonDefinition::QuickReply { .. } => take("payload").map(|p| ButtonValue::Payload { payload: p.value.clone() }),
            ButtonDefinition::CopyCode { .. } => take("code").map(|p| ButtonValue::CouponCode { code: p.value.clone() }),
            ButtonDefinition::Otp { .. } => {
                let code = take("code").or_else(|| given.take("body_1", place));
                code.map(|p| ButtonValue::OneTimeCode { code: p.value.clone() })
            }
            // Meta wants the button named even where there is nothing to say of it.
            ButtonDefinition::Flow { .. } => {
                Some(ButtonValue::Flow { token: take("flow_token").map(|p| p.value.clone()), data: None })
            }
            ButtonDefinition::Catalog => take("thumbnail").map(|p| ButtonValue::Catalog { thumbnail: Some(p.value.clone()) }),
            ButtonDefinition::MultiProduct => take("products").and_then(|p| {
                let products: Vec<String> = p.value.split(',').map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect();
                let Some(first) = products.first().cloned() else {
                    given.note(place, "must be retailer ids with commas between them", "such as sku-1,sku-2");
                    return None;
                };
                let sections = vec![ProductSection { title: Some("Products".to_owned()), products }];
                Some(ButtonValue::MultiProduct { thumbnail: first, sections })
            }),
            _ => None,
        };
        if let (Some(value), Ok(index)) = (value, u8::try_from(index)) {
            values.push(ButtonParameter { index, value });
        }
    }
    values
}

/// A URL value is the suffix or the whole address: where it begins with what was approved, that is taken off.
fn url_suffix(approved: &str, value: &str) -> String {
    let value = value.trim();
    value.strip_prefix(base(approved).as_str()).unwrap_or(value).to_owned()
}

fn cards(definition: &Definition, given: &mut Given<'_>) -> Vec<CardParameters> {
    let cards = definition.cards.iter().enumerate();
    cards
        .map(|(at, card)| CardParameters {
            header: header(&card.header, definition.format, Some(at), given),
            body: card.body.as_ref().map(|b| texts(b, definition.format, Some(at), given)).unwrap_or_default(),
            buttons: buttons(&card.buttons, Some(at), given),
        })
        .collect()
}

#[cfg(test)]
mod tests;
