//! The special kinds of templates: carousels, limited-time offers, products, one-time codes.

use super::buttons::{self, Kind, kinds};
use super::finding::{Notes, Rule};
use super::{Case, limits, parts};
use crate::template::{
    BodyDefinition, ButtonDefinition, CardDefinition, Category, FooterDefinition, Handover, HeaderDefinition, LimitedTimeOffer,
};

// ---- carousels -----------------------------------------------------------------------------------------------------------

pub(super) fn carousel(case: Case<'_>, notes: &mut Notes) {
    let definition = case.definition;
    let cards = &definition.cards;
    if cards.is_empty() {
        return;
    }
    marketing_only(case, "A carousel", notes);
    let beside = [
        (definition.header.is_some(), "header", "a header"),
        (definition.footer.is_some(), "footer", "a footer"),
        (!definition.buttons.is_empty(), "buttons", "buttons"),
        (definition.limited_time_offer.is_some(), "limited_time_offer", "a limited-time offer"),
        (definition.call_permission_request, "call_permission_request", "a request to call"),
    ];
    for (_, field, what) in beside.into_iter().filter(|(is_there, ..)| *is_there) {
        notes.note(
            Rule::CarouselAlone,
            field,
            format!("Beside the carousel stands {what}."),
            "Leave it out; cards have headers and buttons of their own.",
        );
    }
    if !limits::CARDS.contains(&cards.len()) {
        notes.note(
            Rule::CarouselCount,
            "cards",
            format!("The carousel has {} cards, 2 to 10 are allowed.", cards.len()),
            "Add or remove cards.",
        );
    }
    for (place, card) in cards.iter().enumerate().take(super::LOOKED_AT) {
        look_at_card(case, card, &format!("cards[{place}]"), notes);
    }
    let Some(first) = cards.first() else { return };
    for (place, card) in cards.iter().enumerate().skip(1).take(super::LOOKED_AT) {
        if let Some(what) = difference(first, card) {
            notes.note(
                Rule::CarouselStructure,
                format!("cards[{place}]"),
                format!("Card {} has {what} than the first.", place + 1),
                "Give all cards the same kind of header, a text or none, and the same kinds of buttons in the same order.",
            );
        }
    }
}

fn difference(first: &CardDefinition, card: &CardDefinition) -> Option<&'static str> {
    if std::mem::discriminant(&first.header) != std::mem::discriminant(&card.header) {
        Some("another kind of header")
    } else if first.body.is_some() != card.body.is_some() {
        Some("other parts")
    } else if kinds(&first.buttons) != kinds(&card.buttons) {
        Some("other buttons")
    } else {
        None
    }
}

fn look_at_card(case: Case<'_>, card: &CardDefinition, part: &str, notes: &mut Notes) {
    parts::look_at_header(case, &card.header, &format!("{part}.header"), notes);
    if let Some(body) = &card.body {
        parts::body(case, body, &format!("{part}.body"), "The card", limits::CARD_BODY, notes);
    }
    buttons::each(case, &card.buttons, &format!("{part}.buttons"), notes);
    let fitting: &[Kind] = match card.header {
        HeaderDefinition::Image { .. } | HeaderDefinition::Video { .. } => &[Kind::QuickReply, Kind::Url, Kind::PhoneNumber],
        HeaderDefinition::Product => &[Kind::SingleProduct, Kind::Url],
        HeaderDefinition::Text(_) | HeaderDefinition::Document { .. } | HeaderDefinition::Location => {
            notes.note(
                Rule::CarouselCard,
                format!("{part}.header"),
                "The card has neither an image nor a video nor a product above.",
                "Use a header of format IMAGE, VIDEO or PRODUCT.",
            );
            return;
        }
    };
    if !limits::CARD_BUTTONS.contains(&card.buttons.len()) {
        notes.note(
            Rule::CarouselCard,
            format!("{part}.buttons"),
            format!("The card has {} buttons, one or two are allowed.", card.buttons.len()),
            "Add or remove buttons.",
        );
    }
    if let Some(kind) = kinds(&card.buttons).into_iter().find(|kind| !fitting.contains(kind)) {
        let names: Vec<&str> = fitting.iter().map(|kind| kind.as_str()).collect();
        notes.note(
            Rule::CarouselCard,
            format!("{part}.buttons"),
            format!("A card with this header has no {} button.", kind.as_str()),
            format!("Use {}.", names.join(" or ")),
        );
    }
}

// ---- limited-time offers -------------------------------------------------------------------------------------------------

pub(super) fn offer(case: Case<'_>, notes: &mut Notes) {
    let definition = case.definition;
    let Some(LimitedTimeOffer { text, .. }) = &definition.limited_time_offer else { return };
    const FIELD: &str = "limited_time_offer.text";
    marketing_only(case, "A limited-time offer", notes);
    let length = text.chars().count();
    if text.trim().is_empty() {
        notes.note(Rule::TextRequired, FIELD, "The offer has no text.", "Say what is offered, such as \"Expiring soon\".");
    }
    if length > limits::OFFER_TEXT {
        notes.note(
            Rule::TextTooLong,
            FIELD,
            format!("The offer's text has {length} characters, at most {} are allowed.", limits::OFFER_TEXT),
            format!("Shorten it by {}.", length - limits::OFFER_TEXT),
        );
    }
    if super::variables::has_variable(text) {
        notes.note(Rule::VariableNotAllowed, FIELD, "The offer's text has a variable.", "Move it into the body.");
    }
    if !matches!(definition.header, None | Some(HeaderDefinition::Image { .. } | HeaderDefinition::Video { .. })) {
        notes.note(
            Rule::OfferParts,
            "header",
            "The limited-time offer has something else than an image or a video above.",
            "Use a header of format IMAGE or VIDEO.",
        );
    }
    if definition.footer.is_some() {
        notes.note(Rule::OfferParts, "footer", "The limited-time offer has a footer.", "Leave it out.");
    }
    if let Some(kind) = kinds(&definition.buttons).into_iter().find(|kind| !matches!(kind, Kind::CopyCode | Kind::Url)) {
        notes.note(
            Rule::OfferParts,
            "buttons",
            format!("The limited-time offer has a {} button.", kind.as_str()),
            "Use COPY_CODE and URL buttons.",
        );
    }
}

fn marketing_only(case: Case<'_>, what: &str, notes: &mut Notes) {
    if case.category != Category::Marketing {
        notes.note(
            Rule::MarketingOnly,
            "category",
            format!("{what} is filed as {}.", case.category.as_str()),
            "Set the category to MARKETING.",
        );
    }
}

// ---- products ------------------------------------------------------------------------------------------------------------

pub(super) fn product(case: Case<'_>, notes: &mut Notes) {
    let header = matches!(case.definition.header, Some(HeaderDefinition::Product));
    let button = kinds(&case.definition.buttons).contains(&Kind::SingleProduct);
    match (header, button) {
        (true, false) => notes.note(
            Rule::ProductParts,
            "buttons",
            "The header shows a product, and no button opens it.",
            "Add a button of type SPM.",
        ),
        (false, true) => notes.note(
            Rule::ProductParts,
            "header",
            "An SPM button opens the header's product, and there is none.",
            "Add a header of format PRODUCT.",
        ),
        _ => {}
    }
}

// ---- one-time codes ------------------------------------------------------------------------------------------------------

pub(super) fn authentication(case: Case<'_>, notes: &mut Notes) {
    let definition = case.definition;
    if matches!(definition.body, BodyDefinition::Own(_)) {
        notes.note(
            Rule::AuthenticationText,
            "body.text",
            "An authentication template has a text of its own; Meta writes it.",
            "Leave the text out, and set add_security_recommendation if you like.",
        );
    }
    let beside = [
        (definition.header.is_some(), "header", "a header"),
        (matches!(definition.footer, Some(FooterDefinition::Text { .. })), "footer.text", "a footer of its own"),
        (!definition.cards.is_empty(), "cards", "a carousel"),
        (definition.limited_time_offer.is_some(), "limited_time_offer", "a limited-time offer"),
        (definition.call_permission_request, "call_permission_request", "a request to call"),
    ];
    for (_, field, what) in beside.into_iter().filter(|(is_there, ..)| *is_there) {
        notes.note(
            Rule::AuthenticationParts,
            field,
            format!("An authentication template has {what}."),
            "Leave it out, or set another category.",
        );
    }
    if let Some(FooterDefinition::CodeExpiration { minutes }) = &definition.footer
        && !limits::EXPIRY_MINUTES.contains(minutes)
    {
        notes.note(
            Rule::ExpiryMinutes,
            "footer.code_expiration_minutes",
            format!("The code expires after {minutes} minutes, 1 to 90 are allowed."),
            "Give 1 to 90, or leave the footer out.",
        );
    }
    match definition.buttons.as_slice() {
        [ButtonDefinition::Otp { otp_type, text, handover }] => {
            if let Some(text) = text {
                buttons::label(text, limits::LABEL, "buttons[0].text", notes);
            }
            match otp_type.as_str() {
                "COPY_CODE" => {}
                "ONE_TAP" | "ZERO_TAP" => hand_over(otp_type, handover.as_ref(), notes),
                other => notes.note(
                    Rule::AuthenticationButton,
                    "buttons[0].otp_type",
                    format!("{other:?} is no kind of code button."),
                    "Use COPY_CODE, ONE_TAP or ZERO_TAP.",
                ),
            }
        }
        other => notes.note(
            Rule::AuthenticationButton,
            "buttons",
            format!("An authentication template has one button of type OTP, and this one has {} buttons.", other.len()),
            "Write one button {\"type\":\"OTP\",\"otp_type\":\"COPY_CODE\"}.",
        ),
    }
}

/// What it takes for a code to reach an app without being typed.
fn hand_over(otp_type: &str, handover: Option<&Handover>, notes: &mut Notes) {
    const FIELD: &str = "buttons[0].supported_apps";
    let apps = handover.map(|handover| handover.apps.as_slice()).unwrap_or_default();
    if let Some(text) = handover.and_then(|handover| handover.autofill_text.as_deref()) {
        buttons::label(text, limits::LABEL, "buttons[0].autofill_text", notes);
    }
    if apps.is_empty() || apps.len() > limits::APPS {
        notes.note(
            Rule::AuthenticationButton,
            FIELD,
            format!("A {otp_type} button hands the code to 1 to {} apps, and this one names {}.", limits::APPS, apps.len()),
            "Name the app: {\"package_name\":\"com.example.app\",\"signature_hash\":\"K8a/AINcGX7\"}.",
        );
    }
    for (place, app) in apps.iter().enumerate().take(super::LOOKED_AT) {
        if !is_package(&app.package_name) || app.signature_hash.chars().count() != limits::SIGNATURE {
            notes.note(
                Rule::AuthenticationButton,
                format!("{FIELD}[{place}]"),
                format!("{:?} with the hash {:?} is no app.", app.package_name, app.signature_hash),
                "Give the package name as in com.example.app, and the eleven characters of the app's signing key hash.",
            );
        }
    }
    if otp_type == "ZERO_TAP" && !handover.is_some_and(|handover| handover.zero_tap_terms_accepted) {
        notes.note(
            Rule::AuthenticationButton,
            "buttons[0].zero_tap_terms_accepted",
            "Meta's terms for zero-tap are not accepted.",
            "Read them in the WhatsApp Manager, and set zero_tap_terms_accepted to true; or use ONE_TAP.",
        );
    }
}

/// Two or more parts, each of which begins with a letter.
fn is_package(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic()) && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    name.len() <= limits::PACKAGE && name.contains('.') && name.split('.').all(part)
}
