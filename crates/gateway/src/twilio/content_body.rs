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

/// A type that Twilio has retired.
const RETIRED: &str = "twilio/button";

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
/// What Twilio has retired, and what nobody knows.
pub(super) fn kind(name: &str) -> Result<ContentType, Refusal> {
    let meant = bare(name);
    if let Some(kind) = ContentType::ALL.into_iter().find(|kind| bare(kind.as_str()) == meant) {
        return Ok(kind);
    }
    if bare(RETIRED) == meant {
        let message = format!("types: {RETIRED} was retired by Twilio. Use twilio/quick-reply or twilio/call-to-action.");
        return Err(Refusal::new(Code::TypeRetired, message));
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
    fn what_is_retired_or_unknown_is_refused_with_its_reason() {
        for (name, number, said) in
            [("twilioButton", 92008, "Use twilio/quick-reply"), ("twilio/fax", 92001, "twilio/fax is not a content type")]
        {
            let refused = of(&json!({ "language": "en", "types": { name: { "body": "x" } } })).unwrap_err();
            assert_eq!(refused.code.number(), number, "{name}");
            assert!(refused.message.contains(said), "{}", refused.message);
        }
    }

    #[test]
    fn types_that_the_sdks_only_know_in_part_are_kept_whole() {
        let pay = json!({ "body": "Pay {{1}}", "payment_id": "p-1", "merchant_name": "Desk shop", "country_code": "BR",
            "currency_code": "BRL", "items": "[]", "order_expiration": 1_900_000_000, "order_expiration_description": "Soon",
            "subtotal_amount": "10.00", "total_amount": "10.00", "pix": { "type": "ORDER_DETAILS", "code": "{{2}}", "key_type": "EMAIL" } });
        let form = json!({ "body": "Tell us", "button_text": "Open", "flow_id": "{{form}}", "flow_token": "{{token}}",
            "subtitle": null, "is_flow_first_page_endpoint": true });
        let times = json!({ "id": "t", "title": "When?", "timeSlots": "9,10" });
        let new =
            of(&json!({ "language": "en", "types": { "twilio/pay": pay, "whatsappFlows": form, "twilio_schedule": times } }));
        let content = new.unwrap().content;
        assert_eq!(content.names().into_iter().collect::<Vec<_>>(), ["1", "2", "form", "token"]);
        let types = serde_json::to_value(content).unwrap()["types"].clone();
        assert_eq!((&types["twilio/pay"], &types["twilio/schedule"]), (&pay, &times));
        assert_eq!(types["whatsapp/flows"]["is_flow_first_page_endpoint"], true);
        let python = json!({ "id": "t", "title": "When?", "time_slots": "9,10" });
        let again = of(&json!({ "language": "en", "types": { "twilio_schedule": python } })).unwrap().content;
        assert_eq!(serde_json::to_value(again).unwrap()["types"]["twilio/schedule"], times);
        assert_eq!(code(&json!({ "language": "en", "types": { "whatsapp/flows": { "body": "a", "button_text": "b" } } })), 20422);
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
