//! What a webhook says: names and values, each name once, as a form or as a query.

use std::collections::BTreeMap;

use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// Names with their values. Each name is there once, since validators read repeated ones in different ways, and in the order in
/// which signatures want them: by code point.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a value.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Sets a value where there is one.
    pub fn set_some(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Sets the same value under several names.
    pub fn set_all(&mut self, names: &[&str], value: &str) {
        for name in names {
            self.set(*name, value);
        }
    }

    /// A value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Everything, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// As `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn encoded(&self) -> String {
        Serializer::new(String::new()).extend_pairs(self.iter()).finish()
    }

    /// The address with all of it behind what it asks for already.
    #[must_use]
    pub fn behind(&self, url: &Url) -> Url {
        // Built by hand: what stands in the address stays byte for byte as its owner wrote it.
        let mut query = url.query().unwrap_or_default().to_owned();
        for (name, value) in self.iter() {
            if !query.is_empty() && !query.ends_with('&') {
                query.push('&');
            }
            query.extend(byte_serialize(name.as_bytes()));
            query.push('=');
            query.extend(byte_serialize(value.as_bytes()));
        }
        let mut url = url.clone();
        url.set_query(Some(&query));
        url
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Form {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_query_keeps_what_stands_there() {
        let form: Form = [("From", "whatsapp:+1"), ("Body", "a b&c=ü")].into_iter().collect();
        for (before, after) in [
            ("https://e.example/x", "https://e.example/x?Body=a+b%26c%3D%C3%BC&From=whatsapp%3A%2B1"),
            ("https://e.example/x?n=Jos%C3%A9", "https://e.example/x?n=Jos%C3%A9&Body=a+b%26c%3D%C3%BC&From=whatsapp%3A%2B1"),
            ("https://e.example/x?n=1&", "https://e.example/x?n=1&Body=a+b%26c%3D%C3%BC&From=whatsapp%3A%2B1"),
        ] {
            assert_eq!(form.behind(&Url::parse(before).unwrap()).as_str(), after);
        }
    }

    proptest! {
        #[test]
        fn every_form_reads_back(pairs in prop::collection::btree_map(".{1,8}", ".{0,40}", 0..8)) {
            let form: Form = pairs.clone().into_iter().collect();
            let read: BTreeMap<String, String> = url::form_urlencoded::parse(form.encoded().as_bytes()).into_owned().collect();
            prop_assert_eq!(&read, &pairs);
            let behind = form.behind(&Url::parse("https://e.example/?%").unwrap());
            let read: BTreeMap<String, String> = behind.query_pairs().into_owned().filter(|(name, _)| name != "%").collect();
            let expected: BTreeMap<String, String> = pairs.into_iter().filter(|(name, _)| name != "%").collect();
            prop_assert_eq!(read, expected);
        }
    }
}
