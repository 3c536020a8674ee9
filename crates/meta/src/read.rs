//! Reading Meta's JSON with an open mind: ids and times come as text or as number, depending on page and version, and a field
//! that is not what it should be is as good as left out.

use std::borrow::Cow;
use std::fmt;

use serde::Deserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use transom_domain::time::Timestamp;

/// Seconds above this are milliseconds: a few senders have been seen with those, and in seconds it is the year 5138.
const SECONDS_MAX: i64 = 100_000_000_000;

/// Text, or a number or flag as its text; anything else counts as left out.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    struct Loose;

    impl<'de> Visitor<'de> for Loose {
        type Value = Option<Cow<'de, str>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("anything")
        }
        fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Borrowed(text)))
        }
        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(text.to_owned())))
        }
        fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(text)))
        }
        fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(number.to_string())))
        }
        fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(number.to_string())))
        }
        fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
            Ok(Some(Cow::Owned(number.to_string())))
        }
        fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
            Ok(Some(Cow::Borrowed(if flag { "true" } else { "false" })))
        }
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            Ok(None)
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            Ok(None)
        }
    }

    deserializer.deserialize_any(Loose)
}

/// A whole number, written as number or as text; anything else counts as left out.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    Ok(text(deserializer)?.and_then(|text| whole(&text)))
}

/// A moment, in seconds or milliseconds, written as number or as text; anything else counts as left out.
pub(crate) fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(number(deserializer)?.and_then(as_moment))
}

/// The whole number a text stands for; a fraction is cut off.
pub(crate) fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = match text.split_once('.') {
        Some((digits, fraction)) if fraction.bytes().all(|b| b.is_ascii_digit()) => digits,
        _ => text,
    };
    digits.parse().ok()
}

/// Seconds or milliseconds since the epoch; nothing before it.
pub(crate) fn as_moment(number: i64) -> Option<Timestamp> {
    match number {
        ..0 => None,
        0..=SECONDS_MAX => Some(Timestamp::from_secs(number)),
        _ => Some(Timestamp::from_millis(number)),
    }
}

/// Text of a member that is not empty; numbers as their text.
pub(crate) fn member(map: &Map<String, Value>, key: &str) -> Option<String> {
    match map.get(key)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Takes text out of an object, so that it need not be copied; numbers as their text. What is neither stays.
pub(crate) fn take_text(map: &mut Map<String, Value>, key: &str) -> Option<String> {
    match map.remove(key)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        other => {
            map.insert(key.to_owned(), other);
            None
        }
    }
}

/// Takes an object out of an object. What is none stays.
pub(crate) fn take_object(map: &mut Map<String, Value>, key: &str) -> Option<Map<String, Value>> {
    match map.remove(key)? {
        Value::Object(object) => Some(object),
        other => {
            map.insert(key.to_owned(), other);
            None
        }
    }
}

/// A number written as number or as text.
pub(crate) fn real(map: &Map<String, Value>, key: &str) -> Option<f64> {
    let number = match map.get(key)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|n| n.is_finite())
}

/// Puts a text into an object, unless there is none or it is empty.
pub(crate) fn put(map: &mut Map<String, Value>, key: &str, text: Option<&str>) {
    if let Some(text) = text.filter(|t| !t.is_empty()) {
        map.insert(key.to_owned(), Value::String(text.to_owned()));
    }
}

/// An object out of pairs.
pub(crate) fn object<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(serde::Deserialize)]
    struct Loose<'a> {
        #[serde(borrow, default, deserialize_with = "text")]
        text: Option<Cow<'a, str>>,
        #[serde(default, deserialize_with = "moment")]
        at: Option<Timestamp>,
    }

    #[test]
    fn whatever_stands_there_is_text_or_nothing() {
        let cases = [
            (r#""a""#, Some("a")),
            (r#""\u00e4""#, Some("ä")),
            ("17", Some("17")),
            ("-17", Some("-17")),
            ("1.5", Some("1.5")),
            ("true", Some("true")),
            ("null", None),
            ("[1,[2]]", None),
            (r#"{"a":{"b":[]}}"#, None),
        ];
        for (json, wanted) in cases {
            let json = format!(r#"{{"text":{json}}}"#);
            let read: Loose<'_> = serde_json::from_str(&json).unwrap();
            assert_eq!(read.text.as_deref(), wanted, "{json}");
        }
    }

    #[test]
    fn times_come_in_seconds_or_milliseconds_as_text_or_number() {
        let second = Some(Timestamp::from_secs(1_793_000_001));
        for json in ["1793000001", r#""1793000001""#, r#"" 1793000001 ""#, "1793000001000", r#""1793000001000""#, "1793000001.0"]
        {
            let json = format!(r#"{{"at":{json}}}"#);
            assert_eq!(serde_json::from_str::<Loose<'_>>(&json).unwrap().at, second, "{json}");
        }
        for json in [r#""yesterday""#, "-5", "null", "{}", r#""""#, "1e300"] {
            let json = format!(r#"{{"at":{json}}}"#);
            assert_eq!(serde_json::from_str::<Loose<'_>>(&json).unwrap().at, None, "{json}");
        }
        assert_eq!(as_moment(SECONDS_MAX), Some(Timestamp::from_secs(SECONDS_MAX)));
        assert_eq!(as_moment(SECONDS_MAX + 1), Some(Timestamp::from_millis(SECONDS_MAX + 1)));
    }

    proptest! {
        #[test]
        fn no_text_makes_a_number_panic(text in ".{0,40}", number: i64) {
            let _ = whole(&text).and_then(as_moment);
            let _ = as_moment(number);
        }
    }
}
