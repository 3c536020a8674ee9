use super::*;
use crate::content::Content;
use crate::template::{BodyDefinition, ButtonDefinition, HeaderDefinition, ParameterFormat, TextDefinition};
use serde_json::json;

fn english() -> Language {
    Language::parse("en").unwrap()
}

fn own(text: &str, samples: &[&str]) -> BodyDefinition {
    BodyDefinition::Own(TextDefinition::new(text, samples.iter().map(|s| (*s).to_owned()).collect()))
}

fn found(definition: &Definition, category: Category) -> Vec<(Rule, String)> {
    let language = english();
    let draft = Draft { name: "order_update", language: &language, category, definition, ttl_seconds: None };
    template(&draft).into_iter().map(|f| (f.rule, f.field)).collect()
}

fn in_body(text: &str, samples: &[&str]) -> Vec<Rule> {
    let definition = Definition { body: own(text, samples), ..Definition::default() };
    found(&definition, Category::Utility).into_iter().map(|(rule, _)| rule).collect()
}

#[test]
fn a_rule_has_one_word_and_every_word_is_kebab() {
    let words: std::collections::BTreeSet<_> = Rule::ALL.iter().map(|rule| rule.as_str()).collect();
    assert_eq!(words.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        assert!(rule.as_str().bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{rule}");
        assert!(rule.says().ends_with('.'), "{rule}");
    }
}

#[test]
fn a_finding_prints_as_it_is_documented() {
    let finding = approval_name("Order").remove(0);
    assert_eq!(
        serde_json::to_value(&finding).unwrap(),
        json!({"severity": "error", "field": "name", "rule": "name-charset", "message": "The name has 'O' in it.",
            "fix": "Use lower-case letters, digits and underscores, such as order_update.", "source": "templates/overview"})
    );
}

#[test]
fn variables_stand_where_they_may() {
    assert_eq!(in_body("Hi {{1}}, your order is {{2}} now.", &["Ana", "packed"]), []);
    assert_eq!(in_body("{{1}}, your order is here now", &["Ana"]), [Rule::VariableAtEdge]);
    assert_eq!(in_body("Your order is here now, {{1}}!", &["Ana"]), [Rule::VariableAtEdge]);
    assert_eq!(in_body("Your order is here now, {{1}} 🎉", &["Ana"]), []);
    assert_eq!(in_body("Your order at {{1}} {{2}} is on its way to you", &["a", "b"]), [Rule::VariablesAdjacent]);
    assert_eq!(in_body("Your order at {{1}}, {{2}} is on its way to you", &["a", "b"]), [Rule::VariablesClose]);
    assert_eq!(in_body("Hi {{1}}, welcome", &["Ana"]), [Rule::VariablesTooMany]);
    assert_eq!(in_body("Hi {{1}}, welcome back", &["Ana"]), []);
    assert_eq!(in_body("您好{{1}}，您的订单{{2}}已发货。", &["王", "7"]), [Rule::LanguageMismatch]);
    assert_eq!(in_body("Your order is here:\n{{1}}\nSee you soon again", &["7"]), [Rule::VariableAlone]);
}

#[test]
fn variables_are_counted_from_one() {
    assert_eq!(in_body("Your order {{2}} is at {{1}} now for you", &["7", "home"]), []);
    assert_eq!(in_body("Your order {{1}} is at {{3}} now for you", &["7", "home"]), [Rule::VariableGap]);
    assert_eq!(in_body("Your order {{01}} is here now", &["7"]), [Rule::VariableGap]);
    assert_eq!(in_body("Your order {{number}} is here now", &["7"]), [Rule::VariableMix]);
    assert_eq!(in_body("Your order {{#1}} is here now", &[]), [Rule::BracesBroken]);
    let named = |text: &str| {
        let definition = Definition { format: ParameterFormat::Named, body: own(text, &["7"]), ..Definition::default() };
        found(&definition, Category::Utility).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>()
    };
    assert_eq!(named("Your order {{order_7}} is here now"), []);
    assert_eq!(named("Your order {{Order}} is here now"), [Rule::VariableName]);
    assert_eq!(named("Your order {{1}} is here now"), [Rule::VariableMix]);
}

#[test]
fn samples_are_one_for_each() {
    assert_eq!(in_body("Your order {{1}} is here now", &[]), [Rule::SampleMissing]);
    assert_eq!(in_body("Your order {{1}} is here now", &[" "]), [Rule::SampleMissing]);
    assert_eq!(in_body("Your order {{1}} is here now", &["7", "8"]), [Rule::SampleSurplus]);
    assert_eq!(in_body("Your order {{1}} is here now", &["a\nb"]), [Rule::SampleForm]);
    let header = Some(HeaderDefinition::Image { sample: None });
    let definition = Definition { header, body: own("Your order is here now", &[]), ..Definition::default() };
    assert_eq!(found(&definition, Category::Utility), [(Rule::SampleMissing, "header.example".to_owned())]);
}

#[test]
fn an_address_has_its_variable_at_the_end() {
    let rules = |url: &str, sample: Option<&str>| {
        let button = ButtonDefinition::Url { text: "Track".into(), url: url.into(), sample: sample.map(Into::into) };
        let definition = Definition { body: own("Your order is here now", &[]), buttons: vec![button], ..Definition::default() };
        found(&definition, Category::Utility).into_iter().map(|(rule, _)| rule).collect::<Vec<_>>()
    };
    assert_eq!(rules("https://shop.example/t/{{1}}", Some("https://shop.example/t/7")), []);
    assert_eq!(rules("https://shop.example/t?id={{1}}", Some("7")), []);
    assert_eq!(rules("https://shop.example/t/{{1}}", None), [Rule::SampleMissing]);
    assert_eq!(rules("https://shop.example/t/{{1}}", Some("https://other.example/t/7")), [Rule::SampleForm]);
    assert_eq!(rules("https://shop.example/{{1}}/t", Some("x")), [Rule::UrlVariable]);
    assert_eq!(rules("https://shop.example{{1}}", Some("x")), [Rule::UrlVariable]);
    assert_eq!(rules("https://{{1}}", Some("x")), [Rule::UrlForm, Rule::UrlVariable]);
    assert_eq!(rules("https://shop.example/{{2}}", Some("x")), [Rule::UrlVariable]);
    assert_eq!(rules("https://wa.me/4930123456", None), [Rule::WhatsappLink]);
    assert_eq!(rules("https://bit.ly/abc", None), [Rule::LinkShortener]);
    assert_eq!(rules("shop.example/t", None), [Rule::UrlForm]);
}

#[test]
fn content_is_told_of_in_its_own_fields() {
    let content = |types: serde_json::Value, variables: serde_json::Value| {
        Content::read(&json!({"language": "en", "types": types, "variables": variables}), "").unwrap()
    };
    let look = |c: &Content| {
        let submission = Submission { name: "n", category: Category::Utility };
        super::content(c, Some(submission)).into_iter().map(|f| (f.rule, f.field)).collect::<Vec<_>>()
    };
    let card = content(
        json!({"twilio/card": {"title": "{{1}}, your order is here", "subtitle": "See {{2}}",
            "actions": [{"type": "URL", "title": "Go {{1}}", "url": "https://shop.example/{{3}}"}]}}),
        json!({"1": "Ana"}),
    );
    assert_eq!(
        look(&card),
        [
            (Rule::VariableAtEdge, "types.twilio/card.title".to_owned()),
            (Rule::VariableNotAllowed, "types.twilio/card.subtitle".to_owned()),
            (Rule::VariableNotAllowed, "types.twilio/card.actions[0].title".to_owned()),
            (Rule::SampleMissing, "variables.3".to_owned()),
        ]
    );
    assert!(super::content(&card, None).iter().all(|f| !f.is_error()));
    let list = content(
        json!({"twilio/list-picker": {"body": "Choose", "button": "Open", "items": [{"id": "1", "item": "One"}]}}),
        json!({}),
    );
    assert_eq!(look(&list), [(Rule::NeverSubmittable, "types".to_owned())]);
    assert_eq!(super::content(&list, None), []);
    // What the rule table says of a type is said here too.
    let both = content(
        json!({
            "twilio/schedule": {"id": "1", "title": "When?", "timeSlots": "Monday at nine"},
            "twilio/location": {"latitude": 1.0, "longitude": 2.0},
        }),
        json!({}),
    );
    let finding = super::content(&both, Some(Submission { name: "n", category: Category::Utility })).remove(0);
    assert_eq!(finding.rule, Rule::NeverSubmittable);
    assert_eq!(
        finding.message,
        "twilio/location can go in a session only; no template can hold it. \
         twilio/schedule is never sent: it has no form on WhatsApp or Messenger."
    );
    // Numbers run through the whole of it and are counted anew when it is submitted.
    let counted = content(
        json!({"twilio/call-to-action": {"body": "Your order {{1}} is here now",
            "actions": [{"type": "URL", "title": "Go", "url": "https://shop.example/{{2}}"}]}}),
        json!({"1": "7", "2": "x"}),
    );
    assert_eq!(look(&counted), []);
    // A sample of no variable is told of once, however many types there are, and stops no submission.
    let stray = content(
        json!({"twilio/text": {"body": "Your order {{1}} is here now"},
            "twilio/quick-reply": {"body": "Your order {{1}} is here now", "actions": [{"title": "Thanks"}]}}),
        json!({"1": "7", "7": "x"}),
    );
    assert_eq!(look(&stray), [(Rule::SampleSurplus, "variables.7".to_owned())]);
    let submission = Submission { name: "n", category: Category::Utility };
    assert!(super::content(&stray, Some(submission)).iter().all(|f| !f.is_error()));
    let kept: Vec<_> = super::content(&stray, None).into_iter().map(|f| (f.rule, f.field)).collect();
    assert_eq!(kept, look(&stray));
}

#[test]
fn every_field_of_a_finding_is_one_of_the_content() {
    let one = json!({
        "twilio/text": {"body": "{{1}}"},
        "twilio/media": {"body": "{{1}}", "media": ["https://files.example/{{2}}"]},
        "twilio/quick-reply": {"body": "{{1}}", "actions": [{"title": "a {{1}}"}]},
        "twilio/call-to-action": {"body": "{{1}}", "actions": [{"type": "COPY_CODE", "title": "Copy", "code": "{{2}}"},
            {"type": "URL", "title": "{{1}}", "url": "https://wa.me/{{2}}"}]},
        "twilio/card": {"title": "{{1}}", "subtitle": "{{2}}", "media": ["https://files.example/{{3}}.jpg"],
            "actions": [{"type": "PHONE_NUMBER", "title": "{{1}}", "phone": "+4930123456"}]},
        "twilio/carousel": {"body": "{{1}}", "cards": [
            {"title": "{{1}}", "media": "https://files.example/a.jpg", "actions": [{"title": "{{1}}"}]},
            {"body": "{{1}}", "media": "https://files.example/a.mp4", "actions": [{"title": "a\nb"}]}]},
        "twilio/catalog": {"id": "1", "title": "*{{1}}*", "body": "{{1}}", "subtitle": "{{2}}", "dynamic_items": "{{items}}"},
        "twilio/flows": {"body": "{{1}}", "button_text": "a {{1}}", "type": "OTHER", "media_url": "https://files.example/{{2}}.pdf",
            "pages": [{"id": "a", "layout": [{"type": "TEXT_BODY", "text": "x"}]}]},
        "whatsapp/flows": {"body": "{{1}}", "button_text": "a {{1}}", "subtitle": "{{2}}", "flow_id": "{{form}}", "flow_token": "{{token}}",
            "media_url": "https://files.example/{{3}}.pdf"},
        "whatsapp/card": {"body": "{{1}}", "header_text": "*{{2}} {{3}}*", "footer": "{{4}}", "actions": [{"title": "Yes"}]},
        "whatsapp/authentication": {"actions": [{"type": "COPY_CODE", "copy_code_text": "a {{1}} b"}]},
    });
    let at = |types: &serde_json::Value, path: &str| {
        let mut at = types;
        for step in path.replace(']', "").split(['.', '[']) {
            let next = step.parse::<usize>().map_or_else(|_| at.get(step), |index| at.get(index));
            match next {
                Some(next) => at = next,
                None => return false,
            }
        }
        true
    };
    for (kind, body) in one.as_object().unwrap() {
        let types = json!({ kind: body });
        let read = Content::read(&json!({"language": "en", "types": types}), "").unwrap();
        for category in [Category::Marketing, Category::Utility, Category::Authentication] {
            for finding in super::content(&read, Some(Submission { name: "n", category })) {
                let is_there = match finding.field.split_once('.') {
                    Some(("types", path)) => at(&types, path),
                    Some(("variables", name)) => read.types.values().any(|b| b.placeholders().iter().any(|p| p == name)),
                    _ => ["category", "language"].contains(&finding.field.as_str()),
                };
                assert!(is_there, "{kind} as {category:?}: {} of {}", finding.field, finding.rule);
            }
        }
    }
}
