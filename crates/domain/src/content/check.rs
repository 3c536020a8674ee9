//! Fields and limits of each content type (Twilio: the page of each type; WhatsApp's own limits where they are narrower).

use super::action::{Action, ActionKind};
use super::body::Body;
use super::types::CarouselCard;
use super::variables::{Piece, VARIABLE_NAME_MAX, VARIABLES_MAX, Variables, pieces};
use super::{Content, Language};
use crate::address::Phone;
use crate::field::{FieldError, Findings};
use crate::free_form::{MediaKind, is_web_address, limits};

/// Text of `twilio/text` and `twilio/media`.
const TEXT: usize = 1_600;
/// Text of every type with buttons, and of a template.
const BODY: usize = 1_024;
/// Text of `twilio/call-to-action`.
const CALL_TO_ACTION_BODY: usize = 640;
/// Title and text of a carousel's card, together.
const CARD_TEXT: usize = 160;
/// Cards of a carousel: Meta takes no fewer than two.
const CARDS: std::ops::RangeInclusive<usize> = 2..=10;
/// Buttons of one message.
const BUTTONS: usize = 10;
/// Label of a button. Twilio's pages say 20 here and 25 there; Meta takes 25 in templates, 20 in a session.
const BUTTON_TITLE: usize = 25;
/// Payload of a quick reply.
const BUTTON_ID: usize = 256;
/// Coupon code.
const COUPON: usize = 20;
/// One-time code (Meta: templates/authentication-templates).
pub const ONE_TIME_CODE: usize = 15;
/// Rule on the minutes for which a one-time code holds (same source).
pub(super) const MINUTES: &str = "must be a whole number between 1 and 90";
/// Rule on links of files and buttons.
pub(super) const WEB_ADDRESS: &str = "must be an http or https address";
/// Products of one message.
const PRODUCTS: usize = limits::PRODUCTS;
/// Pages of a form.
const PAGES: usize = 10;
/// Components of a page.
const LAYOUT: usize = 50;

pub(super) fn content(content: &Content, prefix: &str) -> Result<(), Vec<FieldError>> {
    let mut f = Findings::under(prefix);
    let _: &Language = &content.language;
    f.within("types", |f| {
        for (kind, body) in &content.types {
            f.within(kind.as_str(), |f| look(body, f));
        }
    });
    let names = content.names();
    for name in names.iter().filter(|name| name.len() > VARIABLE_NAME_MAX) {
        f.note(
            "types",
            format!("has a variable whose name is longer than {VARIABLE_NAME_MAX} characters: {{{{{name}}}}}"),
            "shorten the name",
        );
    }
    if names.len() > VARIABLES_MAX {
        f.note("types", format!("has {} variables, at most {VARIABLES_MAX} are allowed", names.len()), "use fewer variables");
    }
    f.result(())
}

/// What is wrong with one type's body, by paths inside it; also with a body whose variables are filled in.
pub(super) fn filled(body: &Body) -> Vec<FieldError> {
    let mut f = Findings::default();
    look(body, &mut f);
    f.result(()).err().unwrap_or_default()
}

/// A value that is a whole address, where it would stand behind the beginning of one.
pub(super) fn addresses(body: &Body, values: &Variables, f: &mut Findings) {
    let cards = if let Body::Carousel(carousel) = body { carousel.cards.as_slice() } else { &[] };
    let actions = body.actions().iter().chain(cards.iter().flat_map(|card| &card.actions));
    for url in actions.filter_map(|action| action.url.as_deref()) {
        for name in super::placeholders(url) {
            if values.get(name).is_some_and(|value| value.contains("://")) {
                let rule = format!("is a whole address, and would stand inside another: {url}");
                f.note(name, rule, "give only the end of the address, percent-encoded");
            }
        }
    }
}

fn look(body: &Body, f: &mut Findings) {
    match body {
        Body::Text(b) => text("body", &b.body, TEXT, f),
        Body::Media(b) => {
            if let Some(body) = &b.body {
                text("body", body, TEXT, f);
            }
            if b.media.len() != 1 {
                f.note("media", format!("has {} links, exactly one is sent", b.media.len()), "give one link");
            }
            for link in &b.media {
                media("media", link, f);
            }
        }
        Body::Location(b) => {
            if !(-90.0..=90.0).contains(&b.latitude) {
                f.note("latitude", "must be between -90 and 90", "give degrees north");
            }
            if !(-180.0..=180.0).contains(&b.longitude) {
                f.note("longitude", "must be between -180 and 180", "give degrees east");
            }
        }
        Body::QuickReply(b) => {
            text("body", &b.body, BODY, f);
            actions(&b.actions, &[ActionKind::QuickReply], 1, f);
        }
        Body::CallToAction(b) => {
            text("body", &b.body, CALL_TO_ACTION_BODY, f);
            let all = ActionKind::ALL;
            actions(&b.actions, &all, 1, f);
        }
        Body::ListPicker(b) => {
            text("body", &b.body, BODY, f);
            text("button", &b.button, limits::BUTTON_TITLE, f);
            between("items", b.items.len(), 1, limits::ROWS, f);
            for (i, item) in b.items.iter().enumerate() {
                f.within(&format!("items[{i}]"), |f| {
                    f.required("id", &item.id, limits::ROW_ID);
                    text("item", &item.item, limits::ROW_TITLE, f);
                    if let Some(description) = &item.description {
                        text_or_nothing("description", description, limits::ROW_DESCRIPTION, f);
                    }
                });
            }
        }
        Body::Card(b) => {
            let words = b.title.as_deref().or(b.body.as_deref()).unwrap_or_default();
            if words.trim().is_empty() {
                f.note("title", "or body is required", "give the text of the card as its title");
            } else {
                text(if b.title.is_some() { "title" } else { "body" }, words, BODY, f);
            }
            if b.subtitle.is_none() && b.media.is_empty() && b.actions.is_empty() && (b.title.is_none() || b.body.is_none()) {
                f.note(
                    "",
                    "needs a title or body and at least one more field",
                    "add media, a subtitle or a button; else use twilio/text",
                );
            }
            frame(b.subtitle.as_deref(), "subtitle", &b.media, f);
            actions(&b.actions, &CARD_ACTIONS, 0, f);
        }
        Body::WhatsappCard(b) => {
            text("body", &b.body, BODY, f);
            if b.header_text.is_some() && !b.media.is_empty() {
                f.note("header_text", "and media exclude each other", "leave one of them out");
            }
            if let Some(header) = &b.header_text {
                text("header_text", header, limits::HEADER, f);
            }
            if b.header_text.is_none() && b.footer.is_none() && b.media.is_empty() && b.actions.is_empty() {
                f.note(
                    "",
                    "needs a body and at least one more field",
                    "add a header, a footer or a button; else use twilio/text",
                );
            }
            frame(b.footer.as_deref(), "footer", &b.media, f);
            actions(&b.actions, &CARD_ACTIONS, 0, f);
        }
        Body::Carousel(b) => {
            text("body", &b.body, BODY, f);
            between("cards", b.cards.len(), *CARDS.start(), *CARDS.end(), f);
            carousel(&b.cards, f);
        }
        Body::Catalog(b) => {
            f.required("id", &b.id, 64);
            for (name, words, max) in
                [("title", &b.title, limits::HEADER), ("body", &b.body, BODY), ("subtitle", &b.subtitle, limits::FOOTER)]
            {
                if let Some(words) = words {
                    text_or_nothing(name, words, max, f);
                }
            }
            if b.items.len() > PRODUCTS {
                f.note("items", format!("has {} entries, at most {PRODUCTS} are allowed", b.items.len()), "send fewer products");
            }
            if b.items.len() > 1 && b.title.as_deref().unwrap_or_default().is_empty() {
                f.note("title", "is required where there are several products", "give the list a heading");
            }
            if !b.items.is_empty() && b.dynamic_items.is_some() {
                f.note("dynamic_items", "and items exclude each other", "leave one of them out");
            }
            for (i, item) in b.items.iter().enumerate() {
                f.required(&format!("items[{i}].id"), &item.id, 100);
                f.at_most(
                    &format!("items[{i}].section_title"),
                    item.section_title.as_deref().unwrap_or_default(),
                    limits::ROW_TITLE,
                );
            }
        }
        Body::Flows(b) => {
            text("body", &b.body, BODY, f);
            f.required("button_text", &b.button_text, BUTTON_TITLE);
            form_frame(b.subtitle.as_deref(), b.media_url.as_deref(), f);
            between("pages", b.pages.len(), 1, PAGES, f);
            for (i, page) in b.pages.iter().enumerate() {
                f.within(&format!("pages[{i}]"), |f| {
                    f.required("id", &page.id, 20);
                    between("layout", page.layout.len(), 1, LAYOUT, f);
                    if let Some(next) = &page.next_page_id
                        && !b.pages.iter().any(|p| p.id == *next)
                    {
                        f.note(
                            "next_page_id",
                            format!("names no page: {next}"),
                            "use the id of another page, or leave it out on the last",
                        );
                    }
                });
            }
        }
        Body::Authentication(b) => {
            let copies = b.actions.len() == 1 && b.actions.iter().all(|a| a.kind == ActionKind::CopyCode);
            if !copies {
                f.note("actions", "must be one COPY_CODE button", "write [{\"type\":\"COPY_CODE\",\"copy_code_text\":\"Copy\"}]");
            }
            if b.code_expiration_minutes.is_some_and(|m| !(1..=90).contains(&m)) {
                f.note("code_expiration_minutes", MINUTES, "leave it out to say nothing of it");
            }
        }
        Body::WhatsappFlows(b) => {
            text("body", &b.body, BODY, f);
            text("button_text", &b.button_text, limits::FLOW_BUTTON, f);
            form_frame(b.subtitle.as_deref(), b.media_url.as_deref(), f);
            text("flow_id", &b.flow_id, limits::FLOW_ID, f);
            if let Some(token) = &b.flow_token {
                text("flow_token", token, limits::FLOW_TOKEN, f);
            }
            match &b.flow_first_page_id {
                Some(_) if b.is_flow_first_page_endpoint => {
                    let rule = "and is_flow_first_page_endpoint exclude each other: the endpoint names the first screen";
                    f.note("flow_first_page_id", rule, "leave one of them out");
                }
                Some(page) => text("flow_first_page_id", page, limits::FLOW_SCREEN, f),
                None => {}
            }
        }
        // Twilio's own limits: no channel of ours ever measures these.
        Body::Pay(b) => {
            f.required("payment_id", &b.payment_id, 35);
            text("body", &b.body, BODY, f);
            text_or_nothing("order_expiration_description", &b.order_expiration_description, 120, f);
        }
        Body::Schedule(b) => {
            f.required("id", &b.id, BUTTON_ID);
            text("title", &b.title, BODY, f);
        }
    }
}

const CARD_ACTIONS: [ActionKind; 5] =
    [ActionKind::Url, ActionKind::PhoneNumber, ActionKind::QuickReply, ActionKind::CopyCode, ActionKind::VoiceCall];

fn frame(footer: Option<&str>, footer_name: &str, media_links: &[String], f: &mut Findings) {
    if let Some(footer) = footer {
        text_or_nothing(footer_name, footer, limits::FOOTER, f);
    }
    if media_links.len() > 1 {
        f.note("media", format!("has {} links, at most one is sent", media_links.len()), "give one link");
    }
    for link in media_links {
        media("media", link, f);
        if matches!(known_kind(link), Some(MediaKind::Audio | MediaKind::Sticker)) {
            f.note("media", "must be an image, a video or a document", "send audio with twilio/media");
        }
    }
}

/// Footer and header of the message that opens a form.
fn form_frame(subtitle: Option<&str>, media_url: Option<&str>, f: &mut Findings) {
    if let Some(subtitle) = subtitle {
        text_or_nothing("subtitle", subtitle, limits::FOOTER, f);
    }
    if let Some(link) = media_url {
        media("media_url", link, f);
        if matches!(known_kind(link), Some(MediaKind::Audio | MediaKind::Sticker)) {
            f.note("media_url", "must be an image, a video or a document", "send audio with twilio/media");
        }
    }
}

/// The kind that a link's ending tells; none while a variable stands in its file name.
fn known_kind(link: &str) -> Option<MediaKind> {
    let path = link.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    super::placeholders(name).is_empty().then(|| MediaKind::of_link(link))
}

fn carousel(cards: &[CarouselCard], f: &mut Findings) {
    let kinds = |card: &CarouselCard| card.actions.iter().map(|a| a.kind).collect::<Vec<_>>();
    for (i, card) in cards.iter().enumerate() {
        f.within(&format!("cards[{i}]"), |f| {
            let words = card.title.as_deref().unwrap_or_default().chars().count()
                + card.body.as_deref().unwrap_or_default().chars().count();
            if words > CARD_TEXT {
                f.note(
                    "body",
                    format!("and title have {words} characters together, at most {CARD_TEXT} are allowed"),
                    "shorten the text",
                );
            }
            media("media", &card.media, f);
            if !matches!(known_kind(&card.media), None | Some(MediaKind::Image | MediaKind::Video)) {
                f.note("media", "must be an image or a video", "use a link that ends in .jpg, .png or .mp4");
            }
            between("actions", card.actions.len(), 1, 2, f);
            actions(&card.actions, &[ActionKind::QuickReply, ActionKind::Url, ActionKind::PhoneNumber], 1, f);
            if cards.first().is_some_and(|first| kinds(first) != kinds(card)) {
                f.note("actions", "must have the same kinds of buttons in the same order on every card", "make the cards alike");
            }
        });
    }
}

fn actions(actions: &[Action], allowed: &[ActionKind], min: usize, f: &mut Findings) {
    between("actions", actions.len(), min, BUTTONS, f);
    for (i, action) in actions.iter().enumerate() {
        f.within(&format!("actions[{i}]"), |f| action_fields(action, allowed, f));
    }
    let of = |kind| actions.iter().filter(|a| a.kind == kind).count();
    if of(ActionKind::Url) > 2 {
        f.note("actions", "has more than two URL buttons", "WhatsApp shows at most two");
    }
    if of(ActionKind::PhoneNumber) + of(ActionKind::VoiceCall) + of(ActionKind::VoiceCallRequest) > 1 {
        f.note("actions", "has more than one call button", "keep one");
    }
    if of(ActionKind::CopyCode) > 1 {
        f.note("actions", "has more than one COPY_CODE button", "keep one");
    }
}

fn action_fields(action: &Action, allowed: &[ActionKind], f: &mut Findings) {
    if !allowed.contains(&action.kind) {
        let names: Vec<_> = allowed.iter().map(|k| k.as_str()).collect();
        f.note("type", format!("{} is not possible here", action.kind.as_str()), format!("use one of {}", names.join(", ")));
    }
    let fixed_label = matches!(action.kind, ActionKind::CopyCode | ActionKind::RequestContactInfo);
    match &action.title {
        Some(title) => text("title", title, BUTTON_TITLE, f),
        None if !fixed_label => f.note("title", "is required", "give the button a label"),
        None => {}
    }
    f.at_most("id", action.id.as_deref().unwrap_or_default(), BUTTON_ID);
    match action.kind {
        ActionKind::Url => match &action.url {
            Some(url) => url_with_variable("url", url, f),
            None => f.note("url", "is required", "give the page that the button opens"),
        },
        ActionKind::PhoneNumber => match action.phone.as_deref().map(Phone::parse) {
            Some(Ok(_)) => {}
            Some(Err(why)) => f.note("phone", why.to_string(), "give the number with its country"),
            None => f.note("phone", "is required", "give the number that the button dials"),
        },
        ActionKind::CopyCode => match &action.code {
            Some(code) => f.required("code", code, COUPON),
            None => f.note("code", "is required", "give the coupon code"),
        },
        _ => {}
    }
}

/// A text with placeholders: a placeholder counts as one character, as Twilio counts at creation.
fn text(field: &str, words: &str, max: usize, f: &mut Findings) {
    if words.trim().is_empty() {
        f.note(field, "must not be empty", "give a text");
    }
    text_or_nothing(field, words, max, f);
}

fn text_or_nothing(field: &str, words: &str, max: usize, f: &mut Findings) {
    let length: usize = pieces(words)
        .iter()
        .map(|piece| match piece {
            Piece::Plain(plain) => plain.chars().count(),
            Piece::Variable(_) => 1,
        })
        .sum();
    if length > max {
        f.note(field, format!("has {length} characters, at most {max} are allowed"), "shorten the text");
    }
    if pieces(words).iter().any(|p| matches!(p, Piece::Plain(plain) if plain.contains("{{"))) {
        f.note(
            field,
            "has braces that hold no variable",
            format!("write {{{{1}}}} or {{{{name}}}}, up to {VARIABLE_NAME_MAX} letters, digits and underscores"),
        );
    }
}

fn media(field: &str, link: &str, f: &mut Findings) {
    if crate::media::referred(link).is_some() {
        return;
    }
    address(field, link, f);
}

fn address(field: &str, link: &str, f: &mut Findings) {
    f.at_most(field, link, limits::URL);
    if !is_web_address(link) {
        f.note(field, WEB_ADDRESS, "give a public link to the file");
        return;
    }
    let path_from = link.find("://").map_or(0, |i| i + 3);
    let host = link.get(path_from..).and_then(|r| r.split('/').next()).unwrap_or_default();
    if !super::placeholders(host).is_empty() {
        f.note(field, "may have a variable only after the domain", "write the domain out");
    }
}

fn url_with_variable(field: &str, url: &str, f: &mut Findings) {
    address(field, url, f);
    let found = pieces(url);
    let variables = found.iter().filter(|p| matches!(p, Piece::Variable(_))).count();
    if variables > 1 || (variables == 1 && !matches!(found.last(), Some(Piece::Variable(_)))) {
        f.note(field, "may have one variable, at its very end", "move the variable to the end of the address");
    }
}

fn between(field: &str, have: usize, min: usize, max: usize, f: &mut Findings) {
    if have < min || have > max {
        f.note(field, format!("has {have} entries, {min} to {max} are allowed"), "add or remove entries");
    }
}
