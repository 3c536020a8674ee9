//! Flow JSON, Meta's language for forms, held against its pages: FB whatsapp/flows/reference/flowjson, reference/components and
//! reference/error-codes ("Static Validation Errors"), whose codes and messages are used here.

mod parts;
mod routing;
mod screens;

use serde_json::{Map, Value, json};

/// Versions that can be published: FB whatsapp/flows/changelogs.
const VERSIONS: &[(u32, u32)] =
    &[(2, 1), (3, 0), (3, 1), (4, 0), (5, 0), (5, 1), (6, 0), (6, 1), (6, 2), (6, 3), (7, 0), (7, 1), (7, 2), (7, 3)];

/// Characters of a form: FB whatsapp/flows/reference/flowjson (10 MB), as far as a template's button can carry it.
pub(crate) const LENGTH_MAX: usize = 1 << 20;

/// Errors told of one form at most.
const FAULTS_MAX: usize = 100;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Meta's word for it.
    pub(crate) error: &'static str,
    pub(crate) message: String,
    /// `screens[0].layout.children[1].text`.
    pub(crate) path: String,
}

/// What is wrong so far.
#[derive(Debug, Default)]
struct Faults {
    all: Vec<Fault>,
}

impl Faults {
    fn note(&mut self, error: &'static str, path: impl Into<String>, message: impl Into<String>) {
        if self.all.len() < FAULTS_MAX {
            self.all.push(Fault { error, message: message.into(), path: path.into() });
        }
    }

    fn missing(&mut self, path: &str, key: &str) {
        self.note("MISSING_REQUIRED_PROPERTY", path, format!("Required property '{key}' is missing."));
    }

    fn wrong_type(&mut self, path: &str, expected: &str, found: &Value) {
        let message = format!("Expected property '{path}' to be of type {expected}, but found {}.", type_of(found));
        self.note("INVALID_PROPERTY_TYPE", path, message);
    }

    /// Every key that is not among these.
    fn only(&mut self, map: &Map<String, Value>, known: &[&str], path: &str) {
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            let place = if path.is_empty() { "$root" } else { path };
            self.note("INVALID_PROPERTY_KEY", at, format!("Property '{key}' cannot be specified at '{place}'."));
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Reads a form: its JSON, or everything that is wrong with it.
///
/// # Errors
/// At least one fault.
pub(crate) fn read(text: &str) -> Result<Value, Vec<Fault>> {
    let mut faults = Faults::default();
    let Ok(flow) = serde_json::from_str::<Value>(text) else {
        faults.note("INVALID_FLOW_JSON", "", "Flow JSON is not valid.");
        return Err(faults.all);
    };
    let Some(root) = flow.as_object() else {
        faults.wrong_type("", "object", &flow);
        return Err(faults.all);
    };
    if let Some(version) = version(root, &mut faults) {
        check(root, version, &mut faults);
    }
    if faults.all.is_empty() { Ok(flow) } else { Err(faults.all) }
}

fn version(root: &Map<String, Value>, faults: &mut Faults) -> Option<(u32, u32)> {
    let text = match root.get("version") {
        None => {
            faults.note("MISSING_FLOW_JSON_VERSION", "version", "Flow JSON version is not specified.");
            return None;
        }
        Some(Value::String(text)) => text,
        Some(_) => {
            faults.note("UNSUPPORTED_FLOW_JSON_VERSION", "version", "Unsupported Flow JSON version.");
            return None;
        }
    };
    let version = text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    let known = version.filter(|version| VERSIONS.contains(version));
    if known.is_none() {
        faults.note("INVALID_FLOW_JSON_VERSION", "version", "Invalid Flow JSON version.");
    }
    known
}

fn check(root: &Map<String, Value>, version: (u32, u32), faults: &mut Faults) {
    let mut known = vec!["version", "screens", "routing_model", "data_api_version"];
    if version < (3, 0) {
        known.push("data_channel_uri");
    }
    faults.only(root, &known, "");
    let Some(screens) = screens::read(root, version, faults) else { return };
    // A form that is badly written has no routes worth judging.
    if faults.all.is_empty() {
        routing::check(root, &screens, faults);
    }
}

/// `validation_errors`, as the Flows API prints them: with the lines and columns of what is wrong.
pub(crate) fn validation_errors(text: &str, faults: &[Fault]) -> Value {
    let print = |fault: &Fault| {
        let (line, column) = place(text, &fault.path);
        let ends = json!({ "line_start": line, "line_end": line, "column_start": column, "column_end": column });
        let mut pointer = ends.clone();
        let mut printed = ends;
        if let (Some(pointer), Some(printed)) = (pointer.as_object_mut(), printed.as_object_mut()) {
            pointer.insert("path".into(), json!(fault.path));
            printed.insert("error".into(), json!(fault.error));
            printed.insert("error_type".into(), json!("FLOW_JSON_ERROR"));
            printed.insert("message".into(), json!(fault.message));
        }
        if let Some(printed) = printed.as_object_mut() {
            printed.insert("pointers".into(), json!([pointer]));
        }
        printed
    };
    Value::Array(faults.iter().map(print).collect())
}

/// Line and column, from 1, of what a path names: the last key of it that the text has, searched in order.
fn place(text: &str, path: &str) -> (usize, usize) {
    let mut at = 0;
    for step in path.split('.') {
        let (key, index) = match step.split_once('[') {
            Some((key, index)) => (key, index.trim_end_matches(']').parse::<usize>().unwrap_or(0)),
            None => (step, 0),
        };
        let Some(found) = text.get(at..).and_then(|rest| rest.find(&format!("\"{key}\""))) else { break };
        at += found;
        if step.contains('[') {
            at = element(text, at, index).unwrap_or(at);
        }
    }
    let before = text.get(..at).unwrap_or("");
    let line = before.matches('\n').count() + 1;
    (line, before.chars().rev().take_while(|c| *c != '\n').count() + 1)
}

/// Where the n-th element of the first list after `from` begins.
fn element(text: &str, from: usize, index: usize) -> Option<usize> {
    let open = from + text.get(from..)?.find('[')?;
    let (mut depth, mut count, mut in_text, mut escaped) = (0usize, 0usize, false, false);
    for (at, c) in text.get(open..)?.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '[' | '{' => {
                depth += 1;
                if depth == 2 && count == index {
                    return Some(open + at);
                }
            }
            ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return None;
                }
            }
            ',' if depth == 1 => count += 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests;
