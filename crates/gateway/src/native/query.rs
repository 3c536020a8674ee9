//! Reading queries: the same manners as bodies.

use std::collections::BTreeMap;

use transom_domain::time::Timestamp;
use transom_store::{PAGE_MAX, Page};

use super::common::moment;
use super::read::{Notes, closest, snake_case};
use crate::problem::Problem;

/// Entries of a list, unless the caller says how many.
const PAGE_DEFAULT: usize = 50;
/// Longest token of a page; ours are far shorter.
const TOKEN_MAX: usize = 512;

/// The parameters of one request, each at most once and by its camel-case name.
#[derive(Debug)]
pub(crate) struct Query {
    values: BTreeMap<&'static str, String>,
    /// What was found so far.
    pub(crate) notes: Notes,
}

impl Query {
    /// Reads a query string; parameters that are not among `known` are findings.
    pub(crate) fn read(query: Option<&str>, known: &[&'static str]) -> Self {
        let mut values = BTreeMap::new();
        let mut notes = Notes::default();
        for (name, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let Some(parameter) = known.iter().find(|k| **k == name || snake_case(k) == name) else {
                let shown: String = name.chars().take(60).collect();
                let remedy = match closest(&name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("remove it; the parameters are {}", known.join(", ")),
                };
                notes.note(&shown, "is not a parameter of this request", remedy);
                continue;
            };
            if values.insert(*parameter, value.into_owned()).is_some() {
                notes.note(parameter, "is given twice", "give it once");
            }
        }
        Self { values, notes }
    }

    /// A parameter; an empty one counts as left out.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str).filter(|v| !v.is_empty())
    }

    /// A parameter that is a word of a fixed choice.
    pub(crate) fn choice<T>(&mut self, name: &'static str, choices: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let found = read(self.get(name)?);
        if found.is_none() {
            self.notes.note(name, "is not one of its values", format!("use {choices}"));
        }
        found
    }

    /// A moment as RFC 3339 text.
    pub(crate) fn moment(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.get(name)?.to_owned();
        moment(Some(&text), name, &mut self.notes)
    }

    /// A whole number within bounds.
    pub(crate) fn number(&mut self, name: &'static str, min: u64, max: u64) -> Option<u64> {
        let number = self.get(name)?.parse().ok().filter(|n| (min..=max).contains(n));
        if number.is_none() {
            self.notes.note(name, format!("must be a whole number from {min} to {max}"), "leave it out for the default");
        }
        number
    }

    /// `pageSize` and `pageToken`.
    pub(crate) fn page(&mut self) -> Page {
        let size = self.number("pageSize", 1, PAGE_MAX as u64).and_then(|n| usize::try_from(n).ok());
        let token = self.get("pageToken").map(str::to_owned);
        self.notes.at_most("pageToken", token.as_deref(), TOKEN_MAX);
        Page { size: size.unwrap_or(PAGE_DEFAULT), token }
    }

    /// The value, if nothing was found.
    ///
    /// # Errors
    /// The problem that names every finding.
    pub(crate) fn finish<T>(self, value: T) -> Result<T, Problem> {
        self.notes.finish(Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: &[&str] = &["campaignName", "pageSize", "pageToken"];

    #[test]
    fn both_spellings_and_defaults() {
        let mut query = Query::read(Some("campaign_name=a%20b&page_size=7&pageToken="), KNOWN);
        assert_eq!(query.get("campaignName"), Some("a b"));
        assert_eq!(query.page(), Page { size: 7, token: None });
        assert_eq!(Query::read(None, KNOWN).page().size, PAGE_DEFAULT);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let mut query = Query::read(Some("campaignNam=a&pageSize=0&pageSize=3&zzzzzzz=1"), KNOWN);
        let page = query.page();
        let refused = query.finish(page).unwrap_err();
        let fields: Vec<_> = refused.details["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["campaignNam", "pageSize", "zzzzzzz"]);
        let mut query = Query::read(Some("pageSize=201"), KNOWN);
        let page = query.page();
        assert!(query.finish(page).is_err());
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(text in ".{0,80}") {
            let _ = Query::read(Some(&text), KNOWN).page();
        }
    }
}
