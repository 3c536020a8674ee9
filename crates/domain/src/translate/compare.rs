//! Content held against a template that is there already.

use serde_json::Value;

use super::to_definition;
use crate::content::{Content, ContentType};
use crate::template::Definition;

/// The richest of a content's types of which a template says the same.
///
/// # Errors
/// The parts in which the richest that can be a template differs; `form` where none can.
pub fn said_by(content: &Content, there: &Definition) -> Result<ContentType, Vec<String>> {
    let mut differs = None;
    for (kind, body) in content.richest_first() {
        let Some(own) = to_definition(body, &content.variables) else { continue };
        if there.says(&own) {
            return Ok(kind);
        }
        differs.get_or_insert_with(|| parts_that_differ(&own, there));
    }
    Err(differs.unwrap_or_else(form))
}

fn form() -> Vec<String> {
    vec!["form".to_owned()]
}

/// The names of the parts in which two definitions are not the same.
fn parts_that_differ(own: &Definition, there: &Definition) -> Vec<String> {
    let parts = |of: &Definition| match serde_json::to_value(of.canonical()) {
        Ok(Value::Object(parts)) => parts,
        _ => serde_json::Map::new(),
    };
    let (own, there) = (parts(own), parts(there));
    let mut names: Vec<String> = own.keys().chain(there.keys()).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| own.get(name) != there.get(name));
    if names.is_empty() { form() } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn content(types: Value) -> Content {
        Content::read(&json!({ "language": "en", "variables": { "1": "Ana" }, "types": types }), "").unwrap()
    }

    #[test]
    fn the_type_that_says_the_same_is_found_and_else_the_parts_that_differ_are_named() {
        let words = |text: &str| json!({ "body": text });
        let ready = content(json!({ "twilio/text": words("Hello {{1}}, it is ready.") }));
        let there = to_definition(ready.richest_first().next().unwrap().1, &ready.variables).unwrap();
        assert_eq!(said_by(&ready, &there), Ok(ContentType::Text));
        let other = content(json!({ "twilio/text": words("Hello {{1}}, it is late.") }));
        assert_eq!(said_by(&other, &there), Err(vec!["body".to_owned()]));
        let never = content(json!({ "twilio/location": { "latitude": 1.0, "longitude": 2.0 } }));
        assert_eq!(said_by(&never, &there), Err(vec!["form".to_owned()]));
    }
}
