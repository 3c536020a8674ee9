//! A part of a body, in Meta's own form: the envelope with only those changes that are about some accounts. What is kept is kept
//! byte for byte.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use transom_domain::fact::Account;

use super::wire;

/// The members of an object in their order, each with its bytes.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reader).map(Self)
    }
}

#[derive(serde::Deserialize)]
struct About<'a> {
    #[serde(borrow, default)]
    metadata: Option<wire::Metadata<'a>>,
}

/// Where a list is written, one at a time.
struct List(String);

impl List {
    fn push(&mut self, item: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(item);
    }
}

/// The part of a body that is about accounts of which `mine` is true; none when nothing is, or when the body is no webhook.
#[must_use]
pub fn part(body: &[u8], mine: &dyn Fn(&Account) -> bool) -> Option<Vec<u8>> {
    let raw: &RawValue = serde_json::from_slice(body).ok()?;
    let root: wire::Root<'_> = serde_json::from_str(raw.get()).ok()?;
    let pages = matches!(root.object.as_deref(), Some("page" | "instagram"));
    let mut entries = List(String::new());
    for entry in root.entry.unwrap_or_default() {
        if let Some(kept) = of_entry(entry, pages, mine) {
            entries.push(&kept);
        }
    }
    (!entries.0.is_empty()).then_some(())?;
    written(raw, "entry", &entries.0).map(String::into_bytes)
}

/// The part of an entry; all of it where it is about one account.
fn of_entry(raw: &RawValue, pages: bool, mine: &dyn Fn(&Account) -> bool) -> Option<String> {
    let entry: wire::Entry<'_> = serde_json::from_str(raw.get()).unwrap_or_default();
    let id = entry.id.unwrap_or_default().into_owned();
    if pages {
        return mine(&Account::Page(id)).then(|| raw.get().to_owned());
    }
    let mut changes = List(String::new());
    for change in entry.changes.unwrap_or_default() {
        if mine(&account(change, &id)) {
            changes.push(change.get());
        }
    }
    (!changes.0.is_empty()).then_some(())?;
    written(raw, "changes", &changes.0)
}

/// Whom a change is about: a number where it names one, else the account.
fn account(change: &RawValue, waba: &str) -> Account {
    let change: wire::Change<'_> = serde_json::from_str(change.get()).unwrap_or_default();
    let about = change.value.and_then(|value| serde_json::from_str::<About<'_>>(value.get()).ok());
    let number = about.and_then(|about| about.metadata).and_then(|m| m.phone_number_id).filter(|id| !id.is_empty());
    number.map_or_else(|| Account::Waba(waba.to_owned()), |id| Account::PhoneNumber(id.into_owned()))
}

/// An object with another list in the place of one of its members.
fn written(raw: &RawValue, name: &str, list: &str) -> Option<String> {
    let Members(members) = serde_json::from_str(raw.get()).ok()?;
    let mut object = List(String::new());
    for (key, value) in members {
        let quoted = serde_json::to_string(&key).ok()?;
        if key == name {
            object.push(&format!("{quoted}:[{list}]"));
        } else {
            object.push(&format!("{quoted}:{}", value.get()));
        }
    }
    Some(format!("{{{}}}", object.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: &str = r#"{ "object":"whatsapp_business_account", "entry":[
        {"id":"1","time":7,"changes":[
            {"field":"messages", "value":{"metadata":{"phone_number_id":"11"},"statuses":[ {"id":"a\/b"} ]}},
            {"field":"messages","value":{"metadata":{"phone_number_id":"12"},"x":1.50}},
            {"field":"account_update","value":{}}],"later":null},
        {"id":"2","changes":[{"field":"account_update","value":{}}]}], "also" : [1, 2] }"#;

    fn of(wanted: &[Account]) -> Option<String> {
        part(MIXED.as_bytes(), &|account| wanted.contains(account)).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn each_has_its_own_changes_byte_for_byte() {
        let number = of(&[Account::PhoneNumber("12".to_owned())]);
        let expected = r#"{"object":"whatsapp_business_account","entry":[{"id":"1","time":7,"changes":[{"field":"messages","value":{"metadata":{"phone_number_id":"12"},"x":1.50}}],"later":null}],"also":[1, 2]}"#;
        assert_eq!(number.as_deref(), Some(expected));
        let waba = of(&[Account::Waba("2".to_owned())]).unwrap();
        assert!(waba.contains(r#""entry":[{"id":"2","changes":[{"field":"account_update","value":{}}]}]"#), "{waba}");
        let both = of(&[Account::PhoneNumber("11".to_owned()), Account::Waba("1".to_owned())]).unwrap();
        assert!(both.contains(r#"{"id":"a\/b"}"#) && both.contains("account_update") && !both.contains("1.50"), "{both}");
        assert_eq!(of(&[Account::Page("1".to_owned())]), None);
        assert_eq!(part(b"no JSON", &|_| true), None);
    }

    #[test]
    fn the_parts_of_a_page_are_whole_entries() {
        let body = br#"{"object":"page","entry":[{"id":"5","messaging":[{"x":1}]},{"id":"6","messaging":[{"x": 2}]}]}"#;
        let part = part(body, &|account| *account == Account::Page("6".to_owned())).unwrap();
        assert_eq!(part, br#"{"object":"page","entry":[{"id":"6","messaging":[{"x": 2}]}]}"#);
    }

    #[test]
    fn a_part_says_what_the_whole_says_of_it() {
        let wanted = Account::PhoneNumber("11".to_owned());
        let mine = |deliveries: Vec<super::super::Delivery>| {
            let facts = deliveries.into_iter().flat_map(|delivery| delivery.heard);
            facts.filter(|heard| heard.account == wanted).collect::<Vec<_>>()
        };
        let kept = part(MIXED.as_bytes(), &|account| *account == wanted).unwrap();
        let (whole, kept) = (super::super::parse(MIXED.as_bytes()).unwrap(), super::super::parse(&kept).unwrap());
        assert_eq!(mine(whole), mine(kept));
    }
}
