//! Content as the SDKs send it: the types under every spelling that they have been seen to use, printed under one.

use serde_json::{Map, Value};

use transom_domain::content::{Content, ContentType, Language};
use transom_domain::field::FieldError;

use super::codes::Code;
use super::refusal::Refusal;
use crate::problem::Problem;
use crate::service::NewContent;

/// Longest friendly name, in characters.
const FRIENDLY_NAME_MAX: usize = 256;
/// Most levels of a body that are looked through; Twilio's forms have seven.
const DEPTH_MAX: usize = 16;

/// Types that Twilio knows and that cannot be sent from here, each with the reason.
const UNUSABLE: [(&str, &str); 4] = [
    (
        "twilio/pay",
        "asks for a payment by Pix through a payment provider that Twilio is connected with; Transom is connected with none. Send \
         a link to your own checkout as a URL button of a twilio/call-to-action",
    ),
    (
        "twilio/schedule",
        "has no channel: neither WhatsApp nor Messenger can show it. Send the times as the rows of a twilio/list-picker",
    ),
    (
        "whatsapp/flows",
        "names a form that was made at Meta by hand, which Transom does not follow. Write the pages as twilio/flows: the form is \
         then made and published at Meta when the content is submitted",
    ),
    ("twilio/button", "was retired by Twilio. Use twilio/quick-reply or twilio/call-to-action"),
];

/// Reads a creation, or a change of content in `kept`, whose language can stay unsaid.
pub(super) fn read(mut body: Map<String, Value>, kept: Option<&Language>) -> Result<NewContent, Refusal> {
    let friendly_name = match either(&mut body, "friendly_name", "friendlyName") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(name)) => name,
        Some(_) => return Err(Refusal::parameter("friendly_name", "must be a text", "put the value in quotes")),
    };
    let length = friendly_name.chars().count();
    if length > FRIENDLY_NAME_MAX {
        let rule = format!("has {length} characters, at most {FRIENDLY_NAME_MAX} are allowed");
        return Err(Refusal::parameter("friendly_name", rule, "shorten the text"));
    }
    let types = match body.remove("types") {
        Some(Value::Object(types)) if !types.is_empty() => spelled(types)?,
        _ => {
            let message = "types: at least one content type is required, such as {\"twilio/text\": {\"body\": \"Hi\"}}.";
            return Err(Refusal::new(Code::ContentTypeMissing, message));
        }
    };
    let mut content = Map::from_iter([("types".to_owned(), Value::Object(types))]);
    let language = body.remove("language").filter(|language| !language.is_null());
    if let Some(language) = language.or_else(|| kept.map(|language| language.as_str().into())) {
        content.insert("language".to_owned(), language);
    }
    if let Some(variables) = body.remove("variables") {
        content.insert("variables".to_owned(), variables);
    }
    // What else there is in the body nobody asks for, as in Twilio's own.
    let content = Content::read(&Value::Object(content), "").map_err(|found| refused(&found))?;
    Ok(NewContent { id: None, friendly_name, content })
}

fn either(body: &mut Map<String, Value>, name: &str, alias: &str) -> Option<Value> {
    let alias = body.remove(alias);
    body.remove(name).or(alias)
}

/// The findings under the code that Twilio has for the first of them.
fn refused(found: &[FieldError]) -> Refusal {
    let refusal = Refusal::from(Problem::fields(found));
    match found.first().map(|first| (first.field.as_str(), first.rule.as_str())) {
        Some(("language", "is required")) => refusal.coded(Code::LanguageMissing),
        Some(("language", _)) => refusal.coded(Code::LanguageInvalid),
        Some(("types", rule)) if rule.contains("variables") => refusal.coded(Code::VariablesTooMany),
        Some(("variables", rule)) if rule.contains("entries") => refusal.coded(Code::VariablesTooMany),
        Some((field, _)) if field == "variables" || field.starts_with("variables.") => refusal.coded(Code::SamplesInvalid),
        _ => refusal,
    }
}

/// A name without what the SDKs disagree about: `twilio/list-picker`, `twilio_list_picker` and `twilioListPicker` are one.
fn bare(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The content type that is meant by a name, in whatever spelling.
///
/// # Errors
/// What is known to Twilio and not usable here, with the reason; and what nobody knows.
pub(super) fn kind(name: &str) -> Result<ContentType, Refusal> {
    let meant = bare(name);
    if let Some(kind) = ContentType::ALL.into_iter().find(|kind| bare(kind.as_str()) == meant) {
        return Ok(kind);
    }
    if let Some((unusable, why)) = UNUSABLE.iter().find(|(unusable, _)| bare(unusable) == meant) {
        let code = if *unusable == "twilio/button" { Code::TypeRetired } else { Code::ContentTypeMissing };
        return Err(Refusal::new(code, format!("types: {unusable} {why}.")));
    }
    let known: Vec<_> = ContentType::ALL.iter().map(|kind| kind.as_str()).collect();
    let message = format!("types: {} is not a content type. Use one of {}.", super::form::shown(name), known.join(", "));
    Err(Refusal::new(Code::ContentTypeMissing, message))
}

/// The types by their own names, their fields spelled as Twilio documents them, without those that are null: so each SDK says that
/// a field is left out.
fn spelled(types: Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    let mut found = Map::new();
    for (name, body) in types {
        let kind = kind(&name)?;
        if body.is_null() {
            continue;
        }
        if found.insert(kind.as_str().to_owned(), plain(body, 0)).is_some() {
            return Err(Refusal::parameter(&format!("types.{kind}"), "is given twice", "use one spelling"));
        }
    }
    Ok(found)
}

fn plain(value: Value, depth: usize) -> Value {
    match value {
        Value::Object(fields) if depth < DEPTH_MAX => {
            let mut plainer = Map::new();
            // What is spelled as documented counts more than another spelling of the same.
            let (documented, others): (Vec<_>, Vec<_>) = fields.into_iter().partition(|(name, _)| *name == field(name));
            for (name, value) in others.into_iter().chain(documented).filter(|(_, value)| !value.is_null()) {
                plainer.insert(field(&name), plain(value, depth + 1));
            }
            Value::Object(plainer)
        }
        Value::Array(items) if depth < DEPTH_MAX => Value::Array(items.into_iter().map(|item| plain(item, depth + 1)).collect()),
        other => other,
    }
}

/// A field's name as Twilio documents it: all are in snake case but one.
fn field(name: &str) -> String {
    if matches!(name, "thumbnailImageAlignment" | "thumbnail_image_alignment") {
        return "thumbnailImageAlignment".to_owned();
    }
    crate::native::snake_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn of(body: &Value) -> Result<NewContent, Refusal> {
        read(body.as_object().unwrap().clone(), None)
    }

    fn code(body: &Value) -> u32 {
        of(body).unwrap_err().code.number()
    }

    #[test]
    fn every_spelling_of_the_sdks_is_the_same_content() {
        let documented = json!({ "friendly_name": "otp", "language": "en", "types": {
            "twilio/list-picker": { "body": "Which?", "button": "Choose", "items": [{ "id": "a", "item": "A", "description": "first" }] },
            "whatsapp/authentication": { "add_security_recommendation": true, "code_expiration_minutes": 5,
                "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy" }] } } });
        let camel = json!({ "friendlyName": "otp", "language": "en", "types": {
            "twilioListPicker": { "body": "Which?", "button": "Choose", "items": [{ "id": "a", "item": "A", "description": "first" }] },
            "whatsappAuthentication": { "addSecurityRecommendation": true, "codeExpirationMinutes": "5", "body": null,
                "actions": [{ "type": "COPY_CODE", "copyCodeText": "Copy" }] } }, "somethingElse": 7 });
        let snake = json!({ "friendly_name": "otp", "language": "en", "types": {
            "twilio_list_picker": { "body": "Which?", "button": "Choose", "items": [{ "id": "a", "item": "A", "description": "first" }] },
            "whatsapp_authentication": { "add_security_recommendation": true, "code_expiration_minutes": "5",
                "actions": [{ "type": "COPY_CODE", "copy_code_text": "Copy" }] },
            "twilio_text": null } });
        let expected = of(&documented).unwrap();
        for other in [camel, snake] {
            let new = of(&other).unwrap();
            assert_eq!((new.content, new.friendly_name), (expected.content.clone(), expected.friendly_name.clone()));
        }
        let twice = json!({ "language": "en", "types": { "twilio/text": { "body": "a" }, "twilioText": { "body": "b" } } });
        assert_eq!(code(&twice), 20422);
        let both = json!({ "language": "en", "types": { "twilio/card": { "title": "T", "subtitle": "s", "orientation": "VERTICAL",
            "thumbnail_image_alignment": "LEFT", "thumbnailImageAlignment": "RIGHT" } } });
        let content = serde_json::to_value(of(&both).unwrap().content).unwrap();
        assert_eq!(content["types"]["twilio/card"]["thumbnailImageAlignment"], "RIGHT");
    }

    #[test]
    fn what_is_wrong_has_twilios_code_and_says_what_to_do() {
        let text = json!({ "twilio/text": { "body": "Hi {{1}}" } });
        assert_eq!(code(&json!({ "language": "en" })), 92001);
        assert_eq!(code(&json!({ "language": "en", "types": {} })), 92001);
        assert_eq!(code(&json!({ "types": text })), 92003);
        assert_eq!(code(&json!({ "language": "english", "types": text })), 92004);
        assert_eq!(code(&json!({ "language": "en", "types": text, "variables": { "a b": "x" } })), 92007);
        assert_eq!(code(&json!({ "language": "en", "types": text, "variables": [] })), 92007);
        let many: Map<String, Value> = (0..101).map(|n| (n.to_string(), json!("x"))).collect();
        assert_eq!(code(&json!({ "language": "en", "types": text, "variables": many })), 92002);
        assert_eq!(code(&json!({ "language": "en", "types": text, "friendly_name": "x".repeat(257) })), 20422);
        assert_eq!(code(&json!({ "language": "en", "types": text, "friendly_name": 7 })), 20422);
        let refused = of(&json!({ "language": "en", "types": { "twilio/text": { "body": "" } } })).unwrap_err();
        assert!(refused.message.contains("types.twilio/text.body"), "{}", refused.message);
    }

    #[test]
    fn what_cannot_work_here_is_refused_with_its_reason() {
        for (name, number) in
            [("twilio/pay", 92001), ("twilioSchedule", 92001), ("whatsapp_flows", 92001), ("twilio/button", 92008)]
        {
            let refused = of(&json!({ "language": "en", "types": { name: { "body": "x" } } })).unwrap_err();
            assert_eq!(refused.code.number(), number, "{name}");
            assert!(refused.message.contains("twilio/") && refused.message.len() > 60, "{}", refused.message);
        }
        let refused = of(&json!({ "language": "en", "types": { "twilio/fax": {} } })).unwrap_err();
        assert!(refused.message.contains("twilio/fax is not a content type"), "{}", refused.message);
    }

    #[test]
    fn a_change_may_leave_the_language_unsaid() {
        let kept = Language::parse("de").unwrap();
        let body = json!({ "types": { "twilio/text": { "body": "Hallo" } } });
        assert_eq!(read(body.as_object().unwrap().clone(), Some(&kept)).unwrap().content.language, kept);
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(name in ".{0,20}", field in ".{0,12}", value in ".{0,20}", deep in 0usize..40) {
            let nested = (0..deep).fold(json!({ field.clone(): value }), |inner, _| json!({ field.clone(): [inner] }));
            let _ = of(&json!({ "language": value, "friendlyName": value, "types": { name: nested, "twilio/text": { field: value } } }));
        }
    }
}
