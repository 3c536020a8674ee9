//! Placeholders `{{1}}` and `{{name}}`: finding them, filling them.

use std::collections::BTreeMap;

use crate::field::Findings;

/// Values or samples by variable name.
pub type Variables = BTreeMap<String, String>;

/// Most variables one content may have (Twilio: using variables with the Content API).
pub const VARIABLES_MAX: usize = 100;
/// Longest name of a variable of content (same source).
pub const VARIABLE_NAME_MAX: usize = 16;
/// Longest name that is looked for in a text: Meta names no limit for its templates, and real ones are longer than content's.
const NAME_MAX: usize = 128;
/// Longest value in characters (same source).
pub const VALUE_MAX: usize = 1_600;
/// Most blanks in a row in a value; Meta refuses more (returned as 132012).
pub(crate) const BLANKS_MAX: usize = 4;

/// A stretch of text: as it stands, or a placeholder's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stands as it is.
    Plain(&'a str),
    /// `{{name}}`, blanks inside the braces allowed.
    Variable(&'a str),
}

/// Cuts a text into plain stretches and placeholders. Braces that hold no proper name stay plain.
#[must_use]
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut plain_from = 0;
    let mut at = 0;
    let mut close = 0;
    while let Some(open) = text.get(at..).and_then(|rest| rest.find("{{")).map(|i| at + i) {
        let inner_from = open + 2;
        // Many opening braces can have the same closing ones ahead: looked for once, not once for each.
        if close < inner_from {
            let Some(next) = text.get(inner_from..).and_then(|rest| rest.find("}}")) else { break };
            close = inner_from + next;
        }
        match text.get(inner_from..close).and_then(name_in) {
            Some(name) => {
                if open > plain_from {
                    found.push(Piece::Plain(text.get(plain_from..open).unwrap_or_default()));
                }
                found.push(Piece::Variable(name));
                plain_from = close + 2;
                at = plain_from;
            }
            None => at = open + 1,
        }
    }
    if plain_from < text.len() {
        found.push(Piece::Plain(text.get(plain_from..).unwrap_or_default()));
    }
    found
}

/// The name inside a pair of braces, with nothing but blanks around it. Looks no further than where it cannot be one.
fn name_in(inner: &str) -> Option<&str> {
    let inner = inner.trim_start();
    let end = inner.bytes().take(NAME_MAX + 1).take_while(|b| is_name_byte(*b)).count();
    let (name, rest) = inner.split_at_checked(end)?;
    (is_name(name) && rest.trim_start().is_empty()).then_some(name)
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a text may name a variable: letters, digits and underscores, at most [`NAME_MAX`].
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= NAME_MAX && name.bytes().all(is_name_byte)
}

/// The names in a text, in order of appearance, each as often as it stands there.
#[must_use]
pub fn placeholders(text: &str) -> Vec<&str> {
    pieces(text)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name),
            Piece::Plain(_) => None,
        })
        .collect()
}

/// The text with each placeholder that has a value replaced; values are not looked into again.
#[must_use]
pub fn render_text(text: &str, values: &Variables) -> String {
    let mut rendered = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Plain(plain) => rendered.push_str(plain),
            Piece::Variable(name) => match values.get(name) {
                Some(value) => rendered.push_str(value),
                None => {
                    rendered.push_str("{{");
                    rendered.push_str(name);
                    rendered.push_str("}}");
                }
            },
        }
    }
    rendered
}

/// Notes what is wrong with one value.
pub(super) fn check_value(name: &str, value: &str, findings: &mut Findings) {
    if value.is_empty() {
        findings.note(name, "must not be empty", "give a value, or leave the variable out to use its sample");
    }
    findings.at_most(name, value, VALUE_MAX);
    if value.contains(['\n', '\r', '\t']) || value.contains(&" ".repeat(BLANKS_MAX + 1)) {
        findings.note(
            name,
            "must not contain a line break, a tab or more than four blanks in a row",
            "put line breaks into the content itself, not into a value",
        );
    }
}

/// Reads `{"1":"Ana"}`: an object of texts (numbers are taken as their text).
pub(super) fn read(json: Option<&serde_json::Value>, findings: &mut Findings) -> Variables {
    let mut variables = Variables::new();
    let object = match json {
        None | Some(serde_json::Value::Null) => return variables,
        Some(serde_json::Value::Object(object)) => object,
        Some(_) => {
            findings.note("variables", "must be an object of texts", "write it as {\"1\":\"Ana\"}");
            return variables;
        }
    };
    findings.within("variables", |findings| {
        if object.len() > VARIABLES_MAX {
            findings.note(
                "",
                format!("has {} entries, at most {VARIABLES_MAX} are allowed", object.len()),
                "use fewer variables",
            );
        }
        for (name, value) in object {
            let text = match value {
                serde_json::Value::String(text) => text.clone(),
                serde_json::Value::Number(number) => number.to_string(),
                _ => {
                    findings.note(name, "must be a text", "put the value in quotes");
                    continue;
                }
            };
            if is_name(name) && name.len() <= VARIABLE_NAME_MAX {
                variables.insert(name.clone(), text);
            } else {
                findings.note(name, "is not a name for a variable", "use up to 16 letters, digits and underscores");
            }
        }
    });
    variables
}

/// Reads the `variables` of a send.
///
/// # Errors
/// A finding for each entry that is no text or has no proper name.
pub fn read_given(json: Option<&serde_json::Value>) -> Result<Variables, Vec<crate::field::FieldError>> {
    let mut findings = Findings::default();
    let variables = read(json, &mut findings);
    findings.result(variables)
}
