//! Content as the send of the template that was approved.

use super::{CATALOG_BODY, PRODUCTS_TITLE, card_text, carousel_text, flow_variable, flow_variables, products};
use crate::content::{Action, ActionKind, Body, Catalog, Variables, placeholders, render_text};
use crate::field::FieldError;
use crate::free_form::{File, MediaKind};
use crate::parameters::{Part, Place, check};
use crate::template::{
    BodyDefinition, ButtonDefinition, ButtonParameter, ButtonValue, CardParameters, Definition, HeaderDefinition,
    HeaderParameter, ParameterFormat, Template, TemplateSend, TextDefinition, TextParameter,
};

/// The send of a template whose canonical content equals this body's: a value for each of the template's variables.
///
/// `body` is not filled in; `values` has every variable (given, else sample).
///
/// # Errors
/// Each value with which Meta would refuse the template, under the name of its variable (`variables.2`), or of the field of
/// the content where no variable stands.
pub fn to_send(body: &Body, values: &Variables, template: &Template) -> Result<TemplateSend, Vec<FieldError>> {
    let definition = &template.definition;
    let mut filler = Filler { kind: body.kind().as_str(), values, format: definition.format, card: None, origins: Vec::new() };
    let send = TemplateSend {
        name: template.name.clone(),
        language: template.language.clone(),
        fallback: Vec::new(),
        header: filler.header(body, definition),
        offer_end: None,
        body: filler.words(body, definition),
        buttons: filler.of_body(body, definition),
        cards: filler.cards(body, definition),
    };
    match check(&send, definition) {
        Ok(()) => Ok(send),
        Err(misfits) => Err(misfits
            .into_iter()
            .map(|misfit| {
                let origin = filler.origins.iter().find(|(place, _)| *place == misfit.place);
                let name = origin.map_or_else(|| misfit.place.published(definition), |(_, name)| name.clone());
                misfit.named(name)
            })
            .collect()),
    }
}

/// Fills the places of a template, and keeps what each value came from.
struct Filler<'a> {
    kind: &'static str,
    values: &'a Variables,
    format: ParameterFormat,
    card: Option<usize>,
    origins: Vec<(Place, String)>,
}

impl Filler<'_> {
    /// Keeps where a value came from: the first variable in these words, else the field they stand in.
    fn from(&mut self, part: Part, words: &str, field: &str) {
        let place = Place { card: self.card, part };
        let origin = match placeholders(words).first() {
            Some(name) => format!("variables.{name}"),
            None => {
                let card = self.card.map(|at| format!("cards[{at}].")).unwrap_or_default();
                format!("content.types.{}.{card}{field}", self.kind)
            }
        };
        self.origins.push((place, origin));
    }

    fn header(&mut self, body: &Body, definition: &Definition) -> Option<HeaderParameter> {
        let (words, link) = match body {
            Body::Media(b) => (None, b.media.first().map(|link| (link, "media"))),
            Body::Card(b) => (None, b.media.first().map(|link| (link, "media"))),
            Body::WhatsappCard(b) => (b.header_text.as_ref(), b.media.first().map(|link| (link, "media"))),
            Body::Catalog(b) => (b.title.as_ref(), None),
            Body::Flows(b) => (None, b.media_url.as_ref().map(|link| (link, "media_url"))),
            Body::WhatsappFlows(b) => (None, b.media_url.as_ref().map(|link| (link, "media_url"))),
            _ => (None, None),
        };
        match (&definition.header, words, link) {
            (Some(HeaderDefinition::Text(approved)), Some(words), _) => {
                self.values_of(Part::Header, words, approved).into_iter().next().map(HeaderParameter::Text)
            }
            (Some(approved), None, Some((link, field))) => self.file(link, field, approved),
            _ => None,
        }
    }

    /// A file, of the kind that was approved whatever its name tells.
    fn file(&mut self, link: &str, field: &str, approved: &HeaderDefinition) -> Option<HeaderParameter> {
        let kind = match approved {
            HeaderDefinition::Image { .. } => MediaKind::Image,
            HeaderDefinition::Video { .. } => MediaKind::Video,
            HeaderDefinition::Document { .. } => MediaKind::Document,
            HeaderDefinition::Text(_) | HeaderDefinition::Location | HeaderDefinition::Product => return None,
        };
        self.from(Part::Header, link, field);
        let file = super::file(&render_text(link, self.values));
        let filename = file.filename.filter(|_| kind == MediaKind::Document);
        Some(HeaderParameter::File(File { kind, source: file.source, filename }))
    }

    fn words(&mut self, body: &Body, definition: &Definition) -> Vec<TextParameter> {
        let words = match body {
            Body::Text(b) => &b.body,
            Body::Media(b) => b.body.as_deref().unwrap_or_default(),
            Body::QuickReply(b) => &b.body,
            Body::CallToAction(b) => &b.body,
            Body::Card(b) => card_text(b).unwrap_or_default(),
            Body::WhatsappCard(b) => &b.body,
            Body::Carousel(b) => &b.body,
            Body::Catalog(b) => b.body.as_deref().unwrap_or(CATALOG_BODY),
            Body::Flows(b) => &b.body,
            Body::WhatsappFlows(b) => &b.body,
            Body::Authentication(_) => {
                self.from(Part::Body(0), "{{1}}", "");
                return vec![TextParameter { name: None, text: self.code() }];
            }
            Body::Location(_) | Body::ListPicker(_) | Body::Pay(_) | Body::Schedule(_) => return Vec::new(),
        };
        match &definition.body {
            BodyDefinition::Own(approved) => self.values_of(Part::Body(0), words, approved),
            BodyDefinition::Authentication { .. } => Vec::new(),
        }
    }

    fn code(&self) -> String {
        self.values.get("1").cloned().unwrap_or_default()
    }

    /// Values for a text's variables: ours and its are the same by order of first appearance, and are given in its order.
    fn values_of(&mut self, part: Part, ours: &str, approved: &TextDefinition) -> Vec<TextParameter> {
        let our = TextDefinition::new(ours, Vec::new());
        let (our_names, its_names) = (our.names(), approved.names());
        let mut values = Vec::new();
        for name in approved.parameters() {
            let ours = its_names.iter().position(|n| *n == name).and_then(|place| our_names.get(place));
            let Some((ours, value)) = ours.and_then(|ours| Some((ours, self.values.get(*ours)?))) else { continue };
            let part = if matches!(part, Part::Body(_)) { Part::Body(values.len()) } else { part };
            self.origins.push((Place { card: self.card, part }, format!("variables.{ours}")));
            let named = (self.format == ParameterFormat::Named).then(|| name.to_owned());
            values.push(TextParameter { name: named, text: value.clone() });
        }
        values
    }

    fn of_body(&mut self, body: &Body, definition: &Definition) -> Vec<ButtonParameter> {
        match body {
            Body::Catalog(b) => self.catalog_button(b, definition),
            Body::Flows(b) => {
                let value = |name: String| Some((flow_variable(&name), self.values.get(&name)?.clone().into()));
                let data: serde_json::Map<_, _> = flow_variables(&b.pages).into_iter().filter_map(value).collect();
                let data = (!data.is_empty()).then_some(data);
                vec![ButtonParameter { index: 0, value: ButtonValue::Flow { token: None, data } }]
            }
            Body::WhatsappFlows(b) => {
                let token = b.flow_token.as_ref().map(|token| {
                    self.from(Part::Button(0), token, "flow_token");
                    render_text(token, self.values)
                });
                vec![ButtonParameter { index: 0, value: ButtonValue::Flow { token, data: None } }]
            }
            Body::Authentication(_) => {
                self.from(Part::Button(0), "{{1}}", "");
                vec![ButtonParameter { index: 0, value: ButtonValue::OneTimeCode { code: self.code() } }]
            }
            _ => self.buttons(body.actions()),
        }
    }

    /// By place among the template's buttons: what asks for leave to call is none of them.
    fn buttons(&mut self, actions: &[Action]) -> Vec<ButtonParameter> {
        let mut parameters = Vec::new();
        let shown = actions.iter().enumerate().filter(|(_, action)| action.kind != ActionKind::VoiceCallRequest);
        for (index, (at, action)) in (0u8..).zip(shown) {
            let part = Part::Button(index.into());
            let filled = |words: &String| render_text(words, self.values);
            let value = match action.kind {
                ActionKind::QuickReply => action.id.as_ref().map(|id| (id, "id", ButtonValue::Payload { payload: filled(id) })),
                ActionKind::Url => action.url.as_ref().and_then(|url| {
                    let name = placeholders(url).into_iter().next()?;
                    self.values.get(name).map(|suffix| (url, "url", ButtonValue::UrlSuffix { suffix: suffix.clone() }))
                }),
                ActionKind::CopyCode => {
                    action.code.as_ref().map(|code| (code, "code", ButtonValue::CouponCode { code: filled(code) }))
                }
                _ => None,
            };
            if let Some((words, field, value)) = value {
                self.from(part, words, &format!("actions[{at}].{field}"));
                parameters.push(ButtonParameter { index, value });
            }
        }
        parameters
    }

    fn catalog_button(&mut self, b: &Catalog, definition: &Definition) -> Vec<ButtonParameter> {
        let items = b.dynamic_items.clone().unwrap_or_default();
        self.from(Part::Button(0), &items, "items");
        let mut filled = b.clone();
        for item in &mut filled.items {
            item.id = render_text(&item.id, self.values);
        }
        filled.dynamic_items = filled.dynamic_items.map(|text| render_text(&text, self.values));
        let thumbnail = b.thumbnail_item_id.as_deref().map(|id| render_text(id, self.values));
        let value = match definition.buttons.first() {
            Some(ButtonDefinition::MultiProduct) => {
                let mut sections = products(&filled);
                for section in &mut sections {
                    section.title.get_or_insert_with(|| PRODUCTS_TITLE.to_owned());
                }
                let first = sections.iter().flat_map(|s| s.products.first()).next().cloned().unwrap_or_default();
                ButtonValue::MultiProduct { thumbnail: thumbnail.unwrap_or(first), sections }
            }
            _ => match thumbnail {
                Some(thumbnail) => ButtonValue::Catalog { thumbnail: Some(thumbnail) },
                None => return Vec::new(),
            },
        };
        vec![ButtonParameter { index: 0, value }]
    }

    fn cards(&mut self, body: &Body, definition: &Definition) -> Vec<CardParameters> {
        let Body::Carousel(b) = body else { return Vec::new() };
        let mut cards = Vec::new();
        for (at, (card, approved)) in b.cards.iter().zip(&definition.cards).enumerate() {
            self.card = Some(at);
            cards.push(CardParameters {
                header: self.file(&card.media, "media", &approved.header),
                body: match (&approved.body, carousel_text(card)) {
                    (Some(approved), Some(words)) => self.values_of(Part::Body(0), &words, approved),
                    _ => Vec::new(),
                },
                buttons: self.buttons(&card.actions),
            });
        }
        self.card = None;
        cards
    }
}
