//! The form of a content type's body: which field is not as it should be, said in plain words.

use serde_json::Value;
use serde_path_to_error::{Path, Segment, Track};

use super::body::Body;
use super::types::ContentType;
use crate::field::FieldError;

/// Most characters of a given name that are shown again.
const NAME_SHOWN_MAX: usize = 64;

/// Reads the body of one type.
///
/// # Errors
/// The first field that has not the form of this type, with its path inside the body.
pub(super) fn read(kind: ContentType, json: &Value) -> Result<Body, FieldError> {
    // A list would pass for the object with its values in the order of the fields.
    if !json.is_object() {
        return Err(wrong_kind(String::new(), "an object", json));
    }
    let mut track = Track::new();
    Body::read(kind, serde_path_to_error::Deserializer::new(json, &mut track))
        .map_err(|why| explained(&track.path(), &why.to_string(), json))
}

/// Serde's message in the words of the other findings.
fn explained(path: &Path, message: &str, json: &Value) -> FieldError {
    let (field, value) = place(path, json);
    // What was given may hold any words; what serde expects stands behind it, at the end.
    let expected = message.rsplit_once(", expected ").map(|(_, expected)| expected);
    let named = expected.map(names).unwrap_or_default();
    if message.starts_with("unknown field ") {
        let remedy = match named.as_slice() {
            [] => "remove it".to_owned(),
            [one] => format!("remove it, or write `{one}`"),
            several => format!("remove it; the fields are {}", several.join(", ")),
        };
        return FieldError { field, rule: "is not a field here".into(), remedy };
    }
    if message.starts_with("unknown variant ") {
        return FieldError { field, rule: format!("must be one of {}", named.join(", ")), remedy: "write one of these".into() };
    }
    // These two are told of the object around the field.
    let missing = message.starts_with("missing field ");
    if (missing || message.starts_with("duplicate field "))
        && let Some(name) = names(message).first()
    {
        let field = if field.is_empty() { (*name).to_owned() } else { format!("{field}.{name}") };
        let (rule, remedy) =
            if missing { ("is required", format!("give `{name}`")) } else { ("is given twice", "use one spelling".to_owned()) };
        return FieldError { field, rule: rule.into(), remedy };
    }
    match (expected.and_then(wanted), value) {
        (Some("a whole number between 0 and 255"), Some(_)) => FieldError {
            field,
            rule: "must be a whole number between 0 and 255".into(),
            remedy: "write the value without quotes".into(),
        },
        (Some(wanted), Some(value)) => wrong_kind(field, wanted, value),
        _ => FieldError { field, rule: message.to_owned(), remedy: "correct it, or leave it out".into() },
    }
}

/// The names between backticks.
fn names(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// What serde expected, as people call it.
fn wanted(expected: &str) -> Option<&'static str> {
    Some(match expected {
        "a string" | "string or map" | "map with a single key" | "unit" => "a text",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "u8" => "a whole number between 0 and 255",
        "f64" | "a JSON number" => "a number",
        "a map" => "an object",
        other if other.starts_with("struct ") => "an object",
        _ => return None,
    })
}

fn wrong_kind(field: String, wanted: &str, value: &Value) -> FieldError {
    let given = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let remedy = match wanted {
        "a text" => "put the value in quotes",
        "a list" => "put the value in square brackets",
        "an object" => "write an object in braces",
        _ => "write the value without quotes",
    };
    FieldError { field, rule: format!("must be {wanted}, not {given}"), remedy: remedy.to_owned() }
}

/// The path in the spelling of the other findings, and what stands there.
fn place<'a>(path: &Path, json: &'a Value) -> (String, Option<&'a Value>) {
    let mut field = String::new();
    let mut value = Some(json);
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                field.push_str(&format!("[{index}]"));
                value = value.and_then(|value| value.get(index));
            }
            Segment::Map { key } => {
                if !field.is_empty() {
                    field.push('.');
                }
                field.extend(key.chars().take(NAME_SHOWN_MAX));
                value = value.and_then(|value| value.get(key));
            }
            // No field is named by these: the value before them is the one that does not fit.
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    (field, value)
}
