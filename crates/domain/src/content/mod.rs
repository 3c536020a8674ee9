//! Content: a message body written once, in one or more of the content types, with variables and their samples.
//!
//! The field names inside `types` are Twilio's own (Content API, "content types overview"); limits are those that WhatsApp
//! puts on a message of that kind, since every type is written to be sent there.

mod action;
mod blame;
mod body;
mod check;
mod form;
mod search;
mod types;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::field::{FieldError, Findings};

pub use action::{Action, ActionKind};
pub use body::Body;
pub use check::ONE_TIME_CODE as ONE_TIME_CODE_MAX;
pub use search::{Needle, WORDS_MAX as SEARCH_WORDS_MAX};
pub use types::{
    Authentication, CallToAction, Card, Carousel, CarouselCard, Catalog, CatalogItem, ContentType, FlowPage, Flows, ListItem,
    ListPicker, Location, Media, Pay, QuickReply, Schedule, Text, WhatsappCard, WhatsappFlows,
};
pub(crate) use variables::BLANKS_MAX;
pub use variables::{
    Piece, VALUE_MAX, VARIABLE_NAME_MAX, VARIABLES_MAX, Variables, pieces, placeholders, read_given, render_text,
};

/// A language code as Meta writes it, such as `en` or `pt_BR`; compared without regard to case and `-` against `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Language(String);

impl Language {
    /// Reads a language code; `en-US` becomes `en_US`.
    ///
    /// # Errors
    /// When it is not two or three letters, optionally followed by `_` and a region.
    pub fn parse(text: &str) -> Result<Self, BadLanguage> {
        let text = text.trim();
        let (tongue, region) = match text.split_once(['_', '-']) {
            Some((tongue, region)) => (tongue, Some(region)),
            None => (text, None),
        };
        let fits = (2..=3).contains(&tongue.len())
            && tongue.bytes().all(|b| b.is_ascii_alphabetic())
            && region.is_none_or(|r| (2..=4).contains(&r.len()) && r.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !fits {
            return Err(BadLanguage);
        }
        let tongue = tongue.to_ascii_lowercase();
        Ok(Self(region.map_or(tongue.clone(), |r| format!("{tongue}_{}", r.to_ascii_uppercase()))))
    }

    /// The code with an underscore.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Language> for String {
    fn from(language: Language) -> Self {
        language.0
    }
}

impl TryFrom<String> for Language {
    type Error = BadLanguage;
    fn try_from(text: String) -> Result<Self, BadLanguage> {
        Self::parse(&text)
    }
}

/// Not a language code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a language is a code such as en, en_US or pt_BR")]
pub struct BadLanguage;

/// Content: one language, one or more types (one body per type), samples for its variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Content {
    /// The language all its texts are in.
    pub language: Language,
    /// The bodies, by type.
    #[serde(with = "body::by_name")]
    pub types: BTreeMap<ContentType, Body>,
    /// Sample values, also used where a send leaves a variable out.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: Variables,
}

impl Content {
    /// Reads content from its JSON form `{"language","types":{…},"variables":{…}}` and checks it.
    ///
    /// # Errors
    /// Every finding, with paths that start at `prefix`.
    pub fn read(json: &serde_json::Value, prefix: &str) -> Result<Self, Vec<FieldError>> {
        let mut findings = Findings::under(prefix);
        let Some(object) = json.as_object() else {
            findings.note("", "must be an object with `language` and `types`", "see the reference of content");
            return Err(findings.result(()).err().unwrap_or_default());
        };
        for key in object.keys() {
            if !matches!(key.as_str(), "language" | "types" | "variables" | "friendlyName" | "friendly_name") {
                findings.note(key, "is not a field of content", "content has `language`, `types` and `variables`");
            }
        }
        let language = match object.get("language").and_then(serde_json::Value::as_str).map(Language::parse) {
            Some(Ok(language)) => Some(language),
            Some(Err(why)) => {
                findings.note("language", why.to_string(), "use a language code of Meta's list");
                None
            }
            None => {
                findings.note("language", "is required", "give the language of the texts, such as \"en\"");
                None
            }
        };
        let variables = variables::read(object.get("variables"), &mut findings);
        let types = body::read(object.get("types"), &mut findings);
        match (language, findings.is_empty()) {
            (Some(language), true) => {
                let content = Self { language, types, variables };
                content.check(prefix)?;
                Ok(content)
            }
            _ => Err(findings.result(()).err().unwrap_or_default()),
        }
    }

    /// The bodies from the richest type to the plainest: the order in which a channel's best is looked for.
    pub fn richest_first(&self) -> impl Iterator<Item = (ContentType, &Body)> {
        self.types.iter().rev().map(|(kind, body)| (*kind, body))
    }

    /// The names of the variables of all its texts.
    #[must_use]
    pub fn names(&self) -> BTreeSet<String> {
        self.types.values().flat_map(Body::placeholders).collect()
    }

    /// This content with every placeholder of every type replaced: by `given`, else by its sample.
    ///
    /// # Errors
    /// A finding for each variable without a value, each unknown one, and each value that breaks a rule.
    pub fn rendered(&self, given: &Variables) -> Result<BTreeMap<ContentType, Body>, Vec<FieldError>> {
        let mut findings = Findings::under("variables");
        let wanted = self.names();
        for name in given.keys().filter(|name| !wanted.contains(*name)) {
            let remedy = "remove it, or use it in the content as a placeholder";
            if self.variables.contains_key(name) {
                findings.note(name, "has a sample in this content, but stands in none of its texts", remedy);
            } else {
                findings.note(name, "is not a variable of this content", remedy);
            }
        }
        let mut values = Variables::new();
        for name in wanted {
            match given.get(&name).or_else(|| self.variables.get(&name)) {
                Some(value) => {
                    variables::check_value(&name, value, &mut findings);
                    values.insert(name, value.clone());
                }
                None => findings.note(&name, "has no value and no sample", format!("give a value for {{{{{name}}}}}")),
            }
        }
        for body in self.types.values() {
            check::addresses(body, &values, &mut findings);
        }
        if !findings.is_empty() {
            return Err(findings.result(()).err().unwrap_or_default());
        }
        let rendered: BTreeMap<_, _> = self.types.iter().map(|(kind, body)| (*kind, body.rendered(&values))).collect();
        for (kind, filled) in &rendered {
            if let Some(body) = self.types.get(kind) {
                blame::values(body, filled, &values, &mut findings);
            }
        }
        findings.result(rendered)
    }

    /// Checks every type's fields and limits.
    ///
    /// # Errors
    /// Every finding, with paths that start at `prefix`.
    pub fn check(&self, prefix: &str) -> Result<(), Vec<FieldError>> {
        check::content(self, prefix)
    }
}

#[cfg(test)]
mod tests;
