//! Links: what they may lead to.

use super::finding::{Notes, Rule};

/// Addresses that hide where they lead.
const SHORTENERS: [&str; 10] =
    ["bit.ly", "tinyurl.com", "goo.gl", "t.co", "ow.ly", "is.gd", "buff.ly", "rebrand.ly", "cutt.ly", "shorturl.at"];
/// What leads back into WhatsApp.
const WHATSAPP: [&str; 2] = ["wa.me", "wa.link"];

/// Looks at the links in a text.
pub(super) fn look_in_text(text: &str, field: &str, what: &str, notes: &mut Notes) {
    note(text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '<' | '>' | '"' | '*' | '_')), field, what, notes);
}

/// Looks at one address.
pub(super) fn look_at(address: &str, field: &str, what: &str, notes: &mut Notes) {
    note(std::iter::once(address), field, what, notes);
}

fn note<'a>(words: impl Iterator<Item = &'a str>, field: &str, what: &str, notes: &mut Notes) {
    let (mut seen_whatsapp, mut seen_short) = (false, false);
    for word in words {
        let host = host(word).to_ascii_lowercase();
        let host = host.strip_prefix("www.").unwrap_or(&host);
        if WHATSAPP.contains(&host) && !std::mem::replace(&mut seen_whatsapp, true) {
            notes.note(
                Rule::WhatsappLink,
                field,
                format!("{what} leads to {host}: the customer is in WhatsApp already."),
                "Leave the link out; let them answer, or add a quick reply.",
            );
        } else if SHORTENERS.contains(&host) && !std::mem::replace(&mut seen_short, true) {
            notes.note(
                Rule::LinkShortener,
                field,
                format!("{what} has a link of {host}, which does not show where it leads."),
                "Write the whole address, on a domain of yours.",
            );
        }
    }
}

/// What stands before the path of an address, with or without a scheme.
fn host(word: &str) -> &str {
    let word = word.split_once("://").map_or(word, |(_, rest)| rest);
    let word = word.trim_start_matches(|c: char| !c.is_alphanumeric());
    word.split(['/', '?', '#', ':', ',', '!', ';']).next().unwrap_or(word).trim_end_matches('.')
}
