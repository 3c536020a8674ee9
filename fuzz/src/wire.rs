//! What comes over the wire from Meta's side: webhooks, answers, signatures, queries and forms.

use serde_json::Value;
use transom_domain::fact::{Account, Heard};
use transom_meta::{codes, graph, messenger, send, signature, templates, webhook};

/// As many characters of a number are kept to the last digit: all that prices and coordinates have.
const EXACT_MAX: usize = 16;

/// Whether two values are the same but for the last digits of long fractions, which reading and writing may change.
pub(crate) fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(a), Value::Number(b)) => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) if a != b => {
                let text = a.to_string();
                let long = text.len() > EXACT_MAX || text.contains('e');
                long && (x - y).abs() <= x.abs().max(y.abs()) * 1e-12
            }
            _ => a == b,
        },
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && same(a, b))
        }
        _ => one == other,
    }
}

/// What a part may have besides the bytes that it keeps: its members' names as they are written anew.
const ENVELOPE_MAX: usize = 1_024;

/// Facts of one body that are written and read again; the others of a long body are of the same kinds.
const AGAIN_MAX: usize = 200;

/// Bodies that anybody can post.
pub(crate) fn webhook(data: &[u8]) {
    let Ok(deliveries) = webhook::parse(data) else { return };
    for heard in deliveries.iter().flat_map(|delivery| &delivery.heard).take(AGAIN_MAX) {
        // The journal and the events keep facts: what was heard must read back the same.
        let kept = serde_json::to_value(heard).expect("a fact is written");
        let text = kept.to_string();
        let again: Heard = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
        let again = serde_json::to_value(&again).expect("a fact is written");
        assert!(same(&kept, &again), "{kept} became {again}");
    }
    parted(data);
}

/// What of a body is kept and relayed to whom it is about: Meta's own bytes, and nobody else's.
fn parted(data: &[u8]) {
    let Some(whole) = webhook::part(data, &|_| true) else { return };
    let facts =
        |body: &[u8]| webhook::parse(body).map_or(0, |all| all.iter().map(|delivery| delivery.heard.len()).sum::<usize>());
    assert!(whole.len() <= data.len() + ENVELOPE_MAX, "{} bytes of {}", whole.len(), data.len());
    // Every other account's part, and the rest of it.
    let odd = |account: &Account| match account {
        Account::PhoneNumber(id) | Account::Waba(id) | Account::Page(id) => id.bytes().fold(0, |sum, b| sum ^ b) % 2 == 1,
    };
    let parts = [webhook::part(data, &odd), webhook::part(data, &|account| !odd(account))];
    let told: usize = parts.iter().flatten().map(|part| facts(part)).sum();
    assert!(told >= facts(&whole), "{told} of {} facts are in a part", facts(&whole));
    assert!(webhook::part(data, &|_| false).is_none());
}

/// Answers that anything in between can give: every reader of them, on the same bytes.
pub(crate) fn answer(data: &[u8]) {
    for status in [200, 400, 500] {
        if let send::Answer::Refused { http, error } = send::parse_answer(status, data) {
            let _ = codes::classify(http, error.as_ref());
        }
    }
    let _ = messenger::parse_profile(data);
    let Ok(json) = serde_json::from_slice::<Value>(data) else { return };
    let _ = messenger::parse_page(&json);
    let _ = templates::parse_page(&json);
    let _ = graph::parse_phone_number(&json);
    let _ = graph::parse_phone_numbers(&json);
    let _ = graph::parse_subscribed_apps(&json);
    let _ = graph::parse_app_subscriptions(&json);
    let _ = graph::parse_debug_token(&json);
    let _ = graph::parse_catalogs(&json);
    let _ = graph::parse_waba(&json);
    let _ = graph::parse_created(&json);
    let _ = graph::parse_media(&json);
    let _ = graph::parse_handle(&json);
    let _ = graph::parse_id(&json);
    let _ = graph::parse_success(&json);
    history(&json);
}

/// The message that the kept histories are about.
const ASKED_ABOUT: &str = "wamid.asked";

/// What Meta says of a message's statuses: bounded, whatever it says.
fn history(json: &Value) {
    let told = graph::parse_message_history(json, ASKED_ABOUT).ok().flatten().map(|found| found.occurrences);
    let more = graph::parse_message_events(json).ok().map(|(events, _)| events);
    for occurrence in told.iter().chain(&more).flatten() {
        let reason = occurrence.reason.as_ref().map_or(0, |reason| reason.chars().count());
        assert!(reason <= 512 && occurrence.errors().len() <= 1);
    }
    assert!(told.iter().chain(&more).all(|occurrences| occurrences.len() <= 100));
}

/// A header, a line break, and the body that it is said to sign.
pub(crate) fn signature(data: &[u8]) {
    const SECRET: &[u8] = b"0123456789abcdef";
    let cut = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let (header, body) = data.split_at(cut);
    let header = String::from_utf8_lossy(header);
    let right = signature::sign(SECRET, body);
    // Nobody finds the right one by chance; a header that fits is the right one in some spelling.
    if signature::verify(SECRET, body, &header) {
        assert!(header.trim().eq_ignore_ascii_case(&right), "{header}");
    }
    assert!(signature::verify(SECRET, body, &right));
    assert!(!signature::verify(b"another", body, &right));
    if let Ok(text) = std::str::from_utf8(body) {
        let escaped = signature::escape_non_ascii(text);
        assert!(escaped.is_ascii());
        if let Ok(plain) = serde_json::from_str::<Value>(text) {
            assert_eq!(serde_json::from_str::<Value>(&escaped).ok(), Some(plain));
        }
    }
}

/// A query, a line break, and a form.
pub(crate) fn form(data: &[u8]) {
    let cut = data.iter().position(|b| *b == b'\n').unwrap_or(data.len());
    let (query, body) = data.split_at(cut);
    let query = String::from_utf8_lossy(query);
    if let Some(challenge) = webhook::handshake(&query, "token") {
        assert!((1..=webhook::CHALLENGE_MAX).contains(&challenge.len()));
        assert!(challenge.bytes().all(|b| b.is_ascii_graphic() && !b"<>\"'&".contains(&b)), "{challenge}");
    }
    if let Ok((_, page)) = transom_gateway::native::probe::list_query(&query) {
        assert!((1..=200).contains(&page.size));
    }
    for form in [true, false] {
        let _ = transom_simulator::probe::parameters("/v25.0/1/messages", &query, form, body);
    }
    let _ = transom_simulator::probe::parameters(&query, "", true, b"");
}
