//! The way back: the definition of a template as content.
//!
//! Meta gives each text of a template its own variables: `{{1}}` of the header is not `{{1}}` of the text. Content has one set
//! of variables for all of them, so the text keeps its names and the others get free ones.

use std::collections::{BTreeMap, BTreeSet};

use super::{FROM_ENDPOINT, to_definition};
use crate::content::{
    Action, ActionKind, Authentication, Body, CallToAction, Card, Carousel, CarouselCard, Catalog, Content, FlowPage, Flows,
    Language, Media, Piece, QuickReply, Text, VARIABLE_NAME_MAX, Variables, WhatsappCard, WhatsappFlows, pieces,
};
use crate::field::{FieldError, Findings};
use crate::free_form::{MediaKind, is_web_address};
use crate::template::{BodyDefinition, ButtonDefinition, CardDefinition, Definition, FooterDefinition, HeaderDefinition};

/// Text of `twilio/call-to-action`; what is longer becomes a card.
const CALL_TO_ACTION_BODY: usize = 640;
/// Label of the button that asks for leave to call, which Meta words itself.
const CALL_REQUEST: &str = "Allow calls";
/// What a form is for where nobody said.
const PURPOSE: &str = "OTHER";

/// What a definition does not tell, and some types of content must say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// The pages of its form: Meta shows only the form's id.
    pub pages: &'a [FlowPage],
    /// Meta's id of the catalog: a template speaks of the one that the account has.
    pub catalog_id: Option<&'a str>,
    /// Where the business keeps its files, such as `https://files.example/`; the header's file becomes a variable under it. Where
    /// it is left out the sample's own place is taken.
    pub files: Option<&'a str>,
}

/// A template that content cannot say whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("content cannot say this template: {}", listed(.parts))]
pub struct NotExpressible {
    /// Each part that cannot be said: where it stands in the definition, or in the content that would come of it.
    pub parts: Vec<FieldError>,
}

fn listed(parts: &[FieldError]) -> String {
    parts.iter().map(|part| format!("{} {}", part.field, part.rule)).collect::<Vec<_>>().join("; ")
}

/// The content that says what this template says, its samples as the samples of the variables. Made into a definition again it
/// has the same canonical form.
///
/// # Errors
/// Every part for which content has no words, such as a limited-time offer.
pub fn to_content(definition: &Definition, language: &Language, beside: Beside<'_>) -> Result<Content, NotExpressible> {
    let mut way = Way { names: Names::of(definition), variables: Variables::new(), findings: Findings::default() };
    let body = way.body(definition, beside);
    let Way { variables, findings, .. } = way;
    findings.result(()).map_err(|parts| NotExpressible { parts })?;
    let content = Content { language: language.clone(), types: BTreeMap::from([(body.kind(), body)]), variables };
    content.check("content").map_err(|parts| NotExpressible { parts })?;
    match content.types.values().next().and_then(|body| to_definition(body, &content.variables)) {
        Some(again) => same(definition, &again).map(|()| content),
        None => Err(NotExpressible { parts: vec![changed("body")] }),
    }
}

fn changed(part: &str) -> FieldError {
    FieldError {
        field: part.to_owned(),
        rule: "would not be the same when made from content again".to_owned(),
        remedy: "keep it as a template".to_owned(),
    }
}

fn same(one: &Definition, other: &Definition) -> Result<(), NotExpressible> {
    if !one.opens(other) {
        return Err(NotExpressible { parts: vec![changed("buttons")] });
    }
    let (one, other) = (one.canonical(), other.canonical());
    let parts: Vec<FieldError> = [
        ("header", one.header == other.header),
        ("body", one.body == other.body),
        ("footer", one.footer == other.footer),
        ("buttons", one.buttons == other.buttons),
        ("cards", one.cards == other.cards),
        ("call_permission_request", one.call_permission_request == other.call_permission_request),
    ]
    .into_iter()
    .filter(|(_, same)| !same)
    .map(|(part, _)| changed(part))
    .collect();
    if parts.is_empty() && one == other { Ok(()) } else { Err(NotExpressible { parts }) }
}

/// Names that are free in the one set of variables that content has.
struct Names {
    counted: bool,
    taken: BTreeSet<String>,
}

impl Names {
    /// Numbers where the template has nothing but numbers, else words.
    fn of(definition: &Definition) -> Self {
        let texts = match (&definition.header, &definition.body) {
            (Some(HeaderDefinition::Text(header)), BodyDefinition::Own(body)) => vec![header, body],
            (_, BodyDefinition::Own(body)) => vec![body],
            _ => Vec::new(),
        };
        let texts = texts.into_iter().chain(definition.cards.iter().filter_map(|card| card.body.as_ref()));
        let counted = texts.flat_map(crate::template::TextDefinition::names).all(|name| name.parse::<u32>().is_ok());
        Self { counted, taken: BTreeSet::new() }
    }

    /// The name wished for if it is free, else one like it.
    fn give(&mut self, wish: &str) -> String {
        let number = wish.parse::<u32>().is_ok();
        let wish: String = wish.chars().take(VARIABLE_NAME_MAX).collect();
        let mut name = wish.clone();
        let mut next = 1;
        while self.taken.contains(&name) || (self.counted && !number && next == 1) {
            name = if self.counted {
                next.to_string()
            } else {
                let end = format!("_{}", next + 1);
                wish.chars().take(VARIABLE_NAME_MAX - end.len().min(VARIABLE_NAME_MAX)).collect::<String>() + &end
            };
            next += 1;
        }
        self.taken.insert(name.clone());
        name
    }
}

struct Way {
    names: Names,
    variables: Variables,
    findings: Findings,
}

impl Way {
    /// The body; what it lacks is among the findings.
    fn body(&mut self, definition: &Definition, beside: Beside<'_>) -> Body {
        if definition.limited_time_offer.is_some() {
            self.cannot("limited_time_offer", "has no counterpart in content");
        }
        let text = match &definition.body {
            BodyDefinition::Authentication { add_security_recommendation } => {
                return self.code(definition, *add_security_recommendation);
            }
            // First, so that it keeps its names.
            BodyDefinition::Own(text) => self.text(&text.text, &text.samples),
        };
        let footer = match &definition.footer {
            Some(FooterDefinition::Text { text }) if !text.is_empty() => Some(self.fixed("footer", text)),
            Some(FooterDefinition::CodeExpiration { .. }) => {
                self.cannot("footer", "tells when a code is void, which only whatsapp/authentication says");
                None
            }
            Some(FooterDefinition::Text { .. }) | None => None,
        };
        let is = |wanted: fn(&ButtonDefinition) -> bool| definition.buttons.iter().any(wanted);
        if !definition.cards.is_empty() {
            return self.carousel(definition, text, footer);
        }
        if is(|b| matches!(b, ButtonDefinition::Catalog | ButtonDefinition::MultiProduct)) {
            return self.catalog(definition, text, footer, beside);
        }
        if is(|b| matches!(b, ButtonDefinition::Flow { .. })) {
            return match definition.buttons.as_slice() {
                // Which pages it has only Meta knows; that it is there is enough to open it.
                [ButtonDefinition::Flow { flow_id: Some(id), .. }] if beside.pages.is_empty() => {
                    self.form_at_meta(definition, id, text, footer, beside)
                }
                _ => self.form(definition, text, footer, beside),
            };
        }
        self.plain(definition, text, footer, beside)
    }

    fn cannot(&mut self, part: &str, why: impl Into<String>) {
        self.findings.note(part, why, "keep it as a template");
    }

    /// A text, its variables under free names and their samples kept.
    fn text(&mut self, text: &str, samples: &[String]) -> String {
        let mut given: Vec<(&str, String)> = Vec::new();
        let mut said = String::with_capacity(text.len());
        for piece in pieces(text) {
            match piece {
                Piece::Plain(plain) => said.push_str(plain),
                Piece::Variable(name) => {
                    let ours = match given.iter().find(|(its, _)| *its == name) {
                        Some((_, ours)) => ours.clone(),
                        None => {
                            let ours = self.variable(name, samples.get(given.len()).map(String::as_str));
                            given.push((name, ours.clone()));
                            ours
                        }
                    };
                    said.push_str(&format!("{{{{{ours}}}}}"));
                }
            }
        }
        said
    }

    fn variable(&mut self, wish: &str, sample: Option<&str>) -> String {
        let name = self.names.give(wish);
        if let Some(sample) = sample.filter(|s| !s.is_empty()) {
            self.variables.insert(name.clone(), sample.to_owned());
        }
        name
    }

    /// Words in which a template has no variable: content would take braces for one.
    fn fixed(&mut self, part: &str, words: &str) -> String {
        if words.contains("{{") {
            self.cannot(part, "has braces, which content would take for a variable");
        }
        words.to_owned()
    }

    fn without(&mut self, part: &str, there: bool, kind: &str) {
        if there {
            self.cannot(part, format!("is not possible in {kind}"));
        }
    }

    fn code(&mut self, definition: &Definition, add_security_recommendation: bool) -> Body {
        const KIND: &str = "whatsapp/authentication";
        self.without("header", definition.header.is_some(), KIND);
        self.without("cards", !definition.cards.is_empty(), KIND);
        self.without("call_permission_request", definition.call_permission_request, KIND);
        let code_expiration_minutes = match &definition.footer {
            Some(FooterDefinition::CodeExpiration { minutes }) => Some(*minutes),
            Some(FooterDefinition::Text { text }) => {
                self.without("footer", !text.is_empty(), KIND);
                None
            }
            None => None,
        };
        let mut actions = Vec::new();
        for (at, button) in definition.buttons.iter().enumerate() {
            match button {
                ButtonDefinition::Otp { text, .. } => {
                    let label = text.as_ref().map(|text| self.fixed(&format!("buttons[{at}]"), text));
                    actions.push(Action { copy_code_text: label, ..Action::of(ActionKind::CopyCode) });
                }
                _ => self.cannot(&format!("buttons[{at}]"), format!("is not possible in {KIND}")),
            }
        }
        Body::Authentication(Authentication { add_security_recommendation, code_expiration_minutes, actions, body: None })
    }

    fn carousel(&mut self, definition: &Definition, body: String, footer: Option<String>) -> Body {
        const KIND: &str = "twilio/carousel";
        self.without("header", definition.header.is_some(), KIND);
        self.without("footer", footer.is_some(), KIND);
        self.without("buttons", !definition.buttons.is_empty(), KIND);
        self.without("call_permission_request", definition.call_permission_request, KIND);
        let cards = definition.cards.iter().enumerate().map(|(at, card)| self.card(at, card)).collect();
        Body::Carousel(Carousel { body, cards })
    }

    fn card(&mut self, at: usize, card: &CardDefinition) -> CarouselCard {
        let body = card.body.as_ref().filter(|text| !text.text.is_empty()).map(|text| self.text(&text.text, &text.samples));
        let part = format!("cards[{at}].header");
        let media = match &card.header {
            HeaderDefinition::Image { sample } => self.file(MediaKind::Image, sample.as_deref(), &part, None),
            HeaderDefinition::Video { sample } => self.file(MediaKind::Video, sample.as_deref(), &part, None),
            _ => {
                self.cannot(&part, "must be an image or a video in twilio/carousel");
                String::new()
            }
        };
        CarouselCard { title: None, body, media, actions: self.actions(&card.buttons, &format!("cards[{at}].")) }
    }

    fn catalog(&mut self, definition: &Definition, text: String, footer: Option<String>, beside: Beside<'_>) -> Body {
        const KIND: &str = "twilio/catalog";
        self.without("call_permission_request", definition.call_permission_request, KIND);
        if definition.buttons.len() > 1 {
            self.cannot("buttons", format!("has more than the one button that {KIND} has"));
        }
        let several = definition.buttons.contains(&ButtonDefinition::MultiProduct);
        let title = match &definition.header {
            Some(HeaderDefinition::Text(title)) if several => Some(self.text(&title.text, &title.samples)),
            header => {
                self.without("header", header.is_some(), KIND);
                None
            }
        };
        if beside.catalog_id.is_none() {
            self.findings.note(
                "buttons[0]",
                "shows a catalog, whose id the template does not tell",
                "name Meta's id of the catalog",
            );
        }
        Body::Catalog(Catalog {
            id: beside.catalog_id.unwrap_or_default().to_owned(),
            title,
            body: Some(text),
            subtitle: footer,
            thumbnail_item_id: None,
            items: Vec::new(),
            dynamic_items: several.then(|| format!("{{{{{}}}}}", self.variable("products", None))),
        })
    }

    fn form(&mut self, definition: &Definition, body: String, footer: Option<String>, beside: Beside<'_>) -> Body {
        const KIND: &str = "twilio/flows";
        self.without("call_permission_request", definition.call_permission_request, KIND);
        let button_text = match definition.buttons.as_slice() {
            [ButtonDefinition::Flow { text, .. }] => self.fixed("buttons[0]", text),
            _ => {
                self.cannot("buttons", format!("has more than the one button that {KIND} has"));
                String::new()
            }
        };
        if beside.pages.is_empty() {
            self.findings.note(
                "buttons[0]",
                "opens a form, whose pages the template does not tell",
                "read the form from Meta and give its pages",
            );
        }
        let media_url = match &definition.header {
            Some(HeaderDefinition::Text(_)) => {
                self.without("header", true, KIND);
                None
            }
            header => self.media(header.as_ref(), beside),
        };
        Body::Flows(Flows {
            body,
            button_text,
            purpose: PURPOSE.to_owned(),
            subtitle: footer,
            media_url,
            pages: beside.pages.to_vec(),
        })
    }

    fn form_at_meta(
        &mut self,
        definition: &Definition,
        id: &str,
        body: String,
        footer: Option<String>,
        beside: Beside<'_>,
    ) -> Body {
        const KIND: &str = "whatsapp/flows";
        self.without("call_permission_request", definition.call_permission_request, KIND);
        let mut opens = (String::new(), None, false);
        if let [ButtonDefinition::Flow { text, flow_action, navigate_screen, .. }] = definition.buttons.as_slice() {
            let from_endpoint = flow_action.as_deref().is_some_and(|action| action.eq_ignore_ascii_case(FROM_ENDPOINT));
            opens = (self.fixed("buttons[0]", text), navigate_screen.clone(), from_endpoint);
        }
        let (button_text, flow_first_page_id, is_flow_first_page_endpoint) = opens;
        let media_url = match &definition.header {
            Some(HeaderDefinition::Text(_)) => {
                self.without("header", true, KIND);
                None
            }
            header => self.media(header.as_ref(), beside),
        };
        Body::WhatsappFlows(WhatsappFlows {
            body,
            button_text,
            subtitle: footer,
            media_url,
            flow_id: self.fixed("buttons[0]", id),
            flow_token: Some(format!("{{{{{}}}}}", self.variable("flow_token", None))),
            flow_first_page_id,
            is_flow_first_page_endpoint,
        })
    }

    fn plain(&mut self, definition: &Definition, body: String, footer: Option<String>, beside: Beside<'_>) -> Body {
        let header = match &definition.header {
            Some(HeaderDefinition::Text(text)) => Some(self.text(&text.text, &text.samples)),
            _ => None,
        };
        let media: Vec<String> = match &definition.header {
            Some(HeaderDefinition::Text(_)) => Vec::new(),
            header => self.media(header.as_ref(), beside).into_iter().collect(),
        };
        let mut actions = self.actions(&definition.buttons, "");
        if definition.call_permission_request {
            actions.push(Action { title: Some(CALL_REQUEST.to_owned()), ..Action::of(ActionKind::VoiceCallRequest) });
        }
        if let Some(header_text) = header {
            return Body::WhatsappCard(WhatsappCard { body, footer, header_text: Some(header_text), media: Vec::new(), actions });
        }
        let only_in_call_to_action =
            actions.iter().any(|a| matches!(a.kind, ActionKind::VoiceCallRequest | ActionKind::RequestContactInfo));
        match (media.is_empty() && footer.is_none(), actions.first()) {
            (true, None) => Body::Text(Text { body }),
            (false, None) if footer.is_none() => Body::Media(Media { body: Some(body), media }),
            (true, Some(_)) if actions.iter().all(|a| a.kind == ActionKind::QuickReply) => {
                Body::QuickReply(QuickReply { body, actions })
            }
            (true, Some(_)) if only_in_call_to_action || body.chars().count() <= CALL_TO_ACTION_BODY => {
                Body::CallToAction(CallToAction { body, actions })
            }
            _ => Body::Card(Card {
                title: Some(body),
                body: None,
                subtitle: footer,
                media,
                actions,
                orientation: None,
                thumbnail_image_alignment: None,
                height: None,
            }),
        }
    }

    fn media(&mut self, header: Option<&HeaderDefinition>, beside: Beside<'_>) -> Option<String> {
        let (kind, sample) = match header? {
            HeaderDefinition::Image { sample } => (MediaKind::Image, sample),
            HeaderDefinition::Video { sample } => (MediaKind::Video, sample),
            HeaderDefinition::Document { sample } => (MediaKind::Document, sample),
            HeaderDefinition::Text(_) => return None,
            HeaderDefinition::Location | HeaderDefinition::Product => {
                self.cannot("header", "is a place or a product, given with each send, which no type of content says");
                return None;
            }
        };
        Some(self.file(kind, sample.as_deref(), "header", beside.files))
    }

    /// The link of a file: a place that stays, and a variable for the rest, since each send brings its own.
    fn file(&mut self, kind: MediaKind, sample: Option<&str>, part: &str, files: Option<&str>) -> String {
        let sample = sample.filter(|link| is_web_address(link) && MediaKind::of_link(link) == kind);
        let cut = sample.and_then(|link| {
            let host_from = link.find("://")? + 3;
            let path_from = link.get(host_from..)?.find('/')? + host_from + 1;
            link.split_at_checked(path_from).filter(|(_, path)| !path.is_empty())
        });
        let (place, rest) = match (files, cut) {
            (Some(files), cut) => {
                let place = if files.ends_with('/') { files.to_owned() } else { format!("{files}/") };
                let name = cut.and_then(|(_, path)| path.split(['?', '#']).next()?.rsplit('/').next()).filter(|n| !n.is_empty());
                (place, name.unwrap_or(stand_in(kind)).to_owned())
            }
            (None, Some((place, path))) => (place.to_owned(), path.to_owned()),
            (None, None) => {
                self.findings.note(
                    part,
                    format!("has no sample whose address tells that it is a file of kind {}", kind.as_str()),
                    "say where the business keeps its files",
                );
                return String::new();
            }
        };
        format!("{place}{{{{{}}}}}", self.variable("file", Some(&rest)))
    }

    fn actions(&mut self, buttons: &[ButtonDefinition], of: &str) -> Vec<Action> {
        let mut actions = Vec::with_capacity(buttons.len());
        for (at, button) in buttons.iter().enumerate() {
            let part = format!("{of}buttons[{at}]");
            let labelled =
                |way: &mut Self, kind: ActionKind, text: &str| Action { title: Some(way.fixed(&part, text)), ..Action::of(kind) };
            actions.push(match button {
                ButtonDefinition::QuickReply { text } => labelled(self, ActionKind::QuickReply, text),
                ButtonDefinition::Url { text, url, sample } => {
                    let url = self.address(url, sample.as_deref());
                    Action { url: Some(url), ..labelled(self, ActionKind::Url, text) }
                }
                ButtonDefinition::PhoneNumber { text, phone } => {
                    let phone = if phone.starts_with('+') { phone.clone() } else { format!("+{phone}") };
                    Action { phone: Some(phone), ..labelled(self, ActionKind::PhoneNumber, text) }
                }
                ButtonDefinition::CopyCode { sample } => {
                    let code = format!("{{{{{}}}}}", self.variable("code", sample.as_deref()));
                    Action { code: Some(code), ..Action::of(ActionKind::CopyCode) }
                }
                ButtonDefinition::VoiceCall { text, ttl_minutes } => Action {
                    ttl_minutes: ttl_minutes.map(serde_json::Value::from),
                    ..labelled(self, ActionKind::VoiceCall, text)
                },
                ButtonDefinition::RequestContactInfo => Action::of(ActionKind::RequestContactInfo),
                ButtonDefinition::Otp { .. } => {
                    self.cannot(&part, "copies a one-time code, which only whatsapp/authentication says");
                    continue;
                }
                ButtonDefinition::SingleProduct
                | ButtonDefinition::MultiProduct
                | ButtonDefinition::Catalog
                | ButtonDefinition::Flow { .. } => {
                    self.cannot(&part, "stands where no type of content has such a button");
                    continue;
                }
            });
        }
        actions
    }

    /// An address with its variable under a free name; the sample, a whole address at Meta, is its end here.
    fn address(&mut self, url: &str, sample: Option<&str>) -> String {
        let base: String = pieces(url).into_iter().map_while(|p| if let Piece::Plain(t) = p { Some(t) } else { None }).collect();
        let end = sample.map(|whole| whole.strip_prefix(base.as_str()).unwrap_or(whole).to_owned());
        self.text(url, &end.into_iter().collect::<Vec<_>>())
    }
}

const fn stand_in(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "sample.jpg",
        MediaKind::Video => "sample.mp4",
        MediaKind::Document | MediaKind::Audio | MediaKind::Sticker => "sample.pdf",
    }
}
