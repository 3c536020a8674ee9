//! Contact cards: the fields that Meta knows (messages/contacts-messages), so that a misspelt one is told before the message is
//! taken on, and not by Meta after it.

use serde_json::{Map, Value};

use crate::field::Findings;
use crate::free_form::ContactCard;

/// Parts of a name beside `formatted_name`, of which one must be there.
const NAME_PARTS: [&str; 5] = ["first_name", "last_name", "middle_name", "suffix", "prefix"];
/// Longest text of a card, in characters.
const TEXT_MAX: usize = 1_000;
/// Most entries of one list, as many as Meta takes cards.
const ENTRIES_MAX: usize = 257;
/// What can stand in a list, by the list's name.
const LISTS: [(&str, &[&str]); 4] = [
    ("phones", &["phone", "type", "wa_id"]),
    ("emails", &["email", "type"]),
    ("urls", &["url", "type"]),
    ("addresses", &["street", "city", "state", "zip", "country", "country_code", "type"]),
];
/// What can stand in `org`.
const ORG: [&str; 3] = ["company", "department", "title"];

/// Notes what is wrong with a card.
pub(crate) fn check(card: &ContactCard, findings: &mut Findings) {
    let named = card.name.get("formatted_name").and_then(Value::as_str).is_some_and(|name| !name.trim().is_empty());
    let has_part = NAME_PARTS.iter().any(|part| card.name.get(*part).is_some_and(|part| !part.is_null()));
    if !named || !has_part {
        findings.note("name", "needs formatted_name and one more part of the name", "add first_name or last_name");
    }
    texts("name", &card.name, |key| key == "formatted_name" || NAME_PARTS.contains(&key), findings);
    for (key, value) in &card.rest {
        match (key.as_str(), value) {
            (_, Value::Null) => {}
            ("birthday", Value::String(date)) if is_date(date) => {}
            ("birthday", _) => findings.note(key, "is not a date", "write it as YYYY-MM-DD"),
            ("org", Value::Object(org)) => texts(key, org, |key| ORG.contains(&key), findings),
            ("org", _) => findings.note(key, "must be an object", "such as {\"company\":\"Tea shop\"}"),
            (name, value) => match LISTS.iter().find(|(list, _)| *list == name) {
                Some((_, keys)) => list(key, value, keys, findings),
                None => findings.note(key, "is not a field of a contact card", "leave it out"),
            },
        }
    }
}

fn list(name: &str, value: &Value, keys: &[&str], findings: &mut Findings) {
    let Some(entries) = value.as_array().filter(|entries| entries.len() <= ENTRIES_MAX) else {
        return findings.note(
            name,
            format!("must be a list of at most {ENTRIES_MAX} objects"),
            "put the entries in square brackets",
        );
    };
    for (i, entry) in entries.iter().enumerate() {
        let at = format!("{name}[{i}]");
        match entry {
            Value::Object(entry) => texts(&at, entry, |key| keys.contains(&key), findings),
            _ => findings.note(&at, "must be an object", format!("an entry has {}", keys.join(", "))),
        }
    }
}

/// Notes fields that nobody knows, and values that are no text or too long.
fn texts(at: &str, object: &Map<String, Value>, known: impl Fn(&str) -> bool, findings: &mut Findings) {
    for (key, value) in object {
        let field = format!("{at}.{key}");
        match value {
            _ if !known(key) => findings.note(&field, "is not a field of a contact card", "leave it out"),
            Value::Null => {}
            Value::String(text) => findings.at_most(&field, text, TEXT_MAX),
            _ => findings.note(&field, "must be a text", "put the value in quotes"),
        }
    }
}

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts.as_slice(), [year, month, day] if year.len() == 4 && month.len() == 2 && day.len() == 2
        && parts.iter().all(|part| part.bytes().all(|b| b.is_ascii_digit())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(name: Value, rest: Value) -> Vec<String> {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let mut findings = Findings::default();
        check(&ContactCard { name: object(name), rest: object(rest) }, &mut findings);
        findings.result(()).err().unwrap_or_default().into_iter().map(|f| f.field).collect()
    }

    #[test]
    fn every_field_that_meta_knows_passes() {
        let name = json!({"formatted_name": "Ben B", "first_name": "Ben", "suffix": null});
        let rest = json!({"phones": [{"phone": "+4930", "type": "WORK", "wa_id": "4930"}], "emails": [{"email": "a@b.c", "type": "HOME"}],
            "urls": [{"url": "https://a.example"}], "addresses": [{"street": "s", "city": "c", "zip": "1", "country_code": "DE"}],
            "org": {"company": "c", "department": "d", "title": "t"}, "birthday": "1990-01-31"});
        assert_eq!(fields(name, rest), Vec::<String>::new());
    }

    #[test]
    fn what_meta_does_not_know_is_named() {
        let name = json!({"formatted_name": "Ben B", "fist_name": "Ben", "last_name": 5});
        let rest = json!({"phones": [{"phone": 5}, "x"], "emails": {}, "addresses": [{"co,ntry_code": "DE"}], "org": [],
            "birthday": "31.1.1990", "colour": "red"});
        let mut found = fields(name, rest);
        found.sort();
        assert_eq!(
            found,
            [
                "addresses[0].co,ntry_code",
                "birthday",
                "colour",
                "emails",
                "name.fist_name",
                "name.last_name",
                "org",
                "phones[0].phone",
                "phones[1]"
            ]
        );
        assert_eq!(fields(json!({"formatted_name": "Ben", "fist_name": "Ben"}), json!({})), ["name", "name.fist_name"]);
    }
}
