//! Header, body and footer.

use super::finding::{Notes, Rule};
use super::variables::{Text, has_variable, has_wide_gap};
use super::{Case, limits, links, words};
use crate::template::{BodyDefinition, ButtonDefinition, FooterDefinition, HeaderDefinition, TextDefinition};

/// The three parts of a template that is no authentication.
pub(super) fn look(case: Case<'_>, notes: &mut Notes) {
    if let Some(header) = &case.definition.header {
        look_at_header(case, header, "header", notes);
    }
    match &case.definition.body {
        BodyDefinition::Own(text) => body(case, text, "body", "The body", body_max(case), notes),
        BodyDefinition::Authentication { .. } => notes.note(
            Rule::AuthenticationOnly,
            "body",
            "Meta's text around a one-time code is for authentication templates.",
            "Set the category to AUTHENTICATION, or write a text.",
        ),
    }
    match &case.definition.footer {
        Some(FooterDefinition::Text { text }) => footer(text, notes),
        Some(FooterDefinition::CodeExpiration { .. }) => notes.note(
            Rule::AuthenticationOnly,
            "footer.code_expiration_minutes",
            "The minutes after which a code is void are for authentication templates.",
            "Set the category to AUTHENTICATION, or leave the footer out.",
        ),
        None => {}
    }
}

fn body_max(case: Case<'_>) -> usize {
    let shows_product = matches!(case.definition.header, Some(HeaderDefinition::Product))
        || case.definition.buttons.iter().any(|button| matches!(button, ButtonDefinition::SingleProduct));
    if case.definition.limited_time_offer.is_some() {
        limits::OFFER_BODY
    } else if shows_product {
        limits::CARD_BODY
    } else {
        limits::BODY
    }
}

/// A header of the template, or of a card.
pub(super) fn look_at_header(case: Case<'_>, header: &HeaderDefinition, part: &str, notes: &mut Notes) {
    match header {
        HeaderDefinition::Text(text) => text_header(case, text, part, notes),
        HeaderDefinition::Image { sample } | HeaderDefinition::Video { sample } | HeaderDefinition::Document { sample } => {
            if sample.as_deref().is_none_or(|sample| sample.trim().is_empty()) {
                notes.note(
                    Rule::SampleMissing,
                    format!("{part}.example"),
                    "The header has no sample file.",
                    "Give one; the reviewers look at it, and what is sent may be another of the same kind.",
                );
            }
        }
        HeaderDefinition::Location | HeaderDefinition::Product => {}
    }
}

fn text_header(case: Case<'_>, definition: &TextDefinition, part: &str, notes: &mut Notes) {
    let (format, origin) = (case.definition.format, case.origin);
    let text = Text { part, what: "The header", definition, format, origin, max: limits::HEADER };
    text.length(notes);
    text.names(notes);
    let field = format!("{part}.text");
    let variables = crate::content::placeholders(&definition.text).len();
    if variables > 1 {
        notes.note(
            Rule::HeaderVariables,
            field.as_str(),
            format!("The header has {variables} variables, at most one is allowed."),
            "Move the others into the body.",
        );
    }
    text.samples(notes);
    let plain = plain(&definition.text);
    let wrong = [
        (plain.contains(['\n', '\r', '\t']), "a line break or a tab"),
        (words::emojis(&plain) > 0, "an emoji"),
        (has_markup(&plain), "formatting (asterisks, underscores, tildes or backticks)"),
    ];
    for (_, what) in wrong.into_iter().filter(|(is_so, _)| *is_so) {
        notes.note(
            Rule::HeaderForm,
            field.as_str(),
            format!("The header has {what}."),
            "Write it as one plain line; WhatsApp shows headers in bold anyway.",
        );
    }
}

/// Asterisks, tildes and backticks anywhere; underscores only in pairs around words, since names of things have them too.
fn has_markup(plain: &str) -> bool {
    let italic = |word: &str| word.len() > 2 && word.starts_with('_') && word.ends_with('_');
    plain.contains(['*', '~', '`']) || plain.split(|c: char| c != '_' && words::is_punctuation(c)).any(italic)
}

fn plain(text: &str) -> String {
    let words = crate::content::pieces(text).into_iter().map(|piece| match piece {
        crate::content::Piece::Plain(plain) => plain,
        crate::content::Piece::Variable(_) => "\u{fffc}",
    });
    words.collect()
}

/// A body of the template, or of a card.
pub(super) fn body(case: Case<'_>, definition: &TextDefinition, part: &str, what: &str, max: usize, notes: &mut Notes) {
    let text = Text { part, what, definition, format: case.definition.format, origin: case.origin, max };
    text.length(notes);
    text.names(notes);
    text.places(notes);
    text.samples(notes);
    let field = format!("{part}.text");
    let words = &definition.text;
    if words.contains('\t') || has_wide_gap(words) || has_many_breaks(words) {
        notes.note(
            Rule::Spacing,
            field.as_str(),
            format!("{what} has a tab, more than four blanks or more than two line breaks in a row."),
            "Use single blanks, and at most one empty line.",
        );
    }
    let emojis = words::emojis(words);
    if emojis > limits::EMOJIS {
        notes.note(
            Rule::EmojiCount,
            field.as_str(),
            format!("{what} has {emojis} emojis, at most {} are allowed.", limits::EMOJIS),
            "Leave some out.",
        );
    }
    links::look_in_text(words, &field, what, notes);
}

fn has_many_breaks(text: &str) -> bool {
    let mut run = 0;
    text.chars().any(|c| {
        match c {
            '\n' => run += 1,
            '\r' => {}
            _ => run = 0,
        }
        run > limits::LINE_BREAKS
    })
}

fn footer(text: &str, notes: &mut Notes) {
    const FIELD: &str = "footer.text";
    let length = text.chars().count();
    if text.trim().is_empty() {
        notes.note(Rule::TextRequired, FIELD, "The footer has no text.", "Write one, or leave the footer out.");
    }
    if length > limits::FOOTER {
        notes.note(
            Rule::TextTooLong,
            FIELD,
            format!("The footer has {length} characters, at most {} are allowed.", limits::FOOTER),
            format!("Shorten it by {}.", length - limits::FOOTER),
        );
    }
    if has_variable(text) {
        notes.note(Rule::VariableNotAllowed, FIELD, "The footer has a variable.", "Move it into the body.");
    }
    if text.contains(['\n', '\r', '\t']) {
        notes.note(Rule::FooterForm, FIELD, "The footer has a line break or a tab.", "Write it as one line.");
    }
    if words::emojis(text) > 0 {
        notes.note(Rule::EmojiInPlainText, FIELD, "The footer has an emoji.", "Leave it out; reviewers reject some of them.");
    }
}
