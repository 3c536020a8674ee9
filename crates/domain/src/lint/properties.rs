//! What holds for every definition, however wild.

use super::*;
use crate::content::{Content, placeholders};
use crate::template::{
    App, BodyDefinition, ButtonDefinition, CardDefinition, FooterDefinition, Handover, HeaderDefinition, LimitedTimeOffer,
    ParameterFormat, TextDefinition,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

/// Texts that rules look for, and whatever else there is.
fn wild() -> impl Strategy<Value = String> {
    let bits = prop_oneof![
        Just("{{1}}".to_owned()),
        Just("{{2}}".to_owned()),
        Just("{{name}}".to_owned()),
        Just("{{".to_owned()),
        Just("}}".to_owned()),
        Just(" word ".to_owned()),
        Just("https://wa.me/".to_owned()),
        Just("% off".to_owned()),
        Just("\n\n\n".to_owned()),
        Just("👩‍👩‍👧".to_owned()),
        "[a-z_*~`.,!? ]{0,8}",
        ".{0,6}",
    ];
    vec(bits, 0..8).prop_map(|bits| bits.concat())
}

fn text() -> impl Strategy<Value = TextDefinition> {
    (wild(), vec(wild(), 0..4)).prop_map(|(text, samples)| TextDefinition { text, samples })
}

fn header() -> impl Strategy<Value = HeaderDefinition> {
    prop_oneof![
        text().prop_map(HeaderDefinition::Text),
        option::of(wild()).prop_map(|sample| HeaderDefinition::Image { sample }),
        option::of(wild()).prop_map(|sample| HeaderDefinition::Video { sample }),
        option::of(wild()).prop_map(|sample| HeaderDefinition::Document { sample }),
        Just(HeaderDefinition::Location),
        Just(HeaderDefinition::Product),
    ]
}

fn button() -> impl Strategy<Value = ButtonDefinition> {
    let app = (wild(), wild()).prop_map(|(package_name, signature_hash)| App { package_name, signature_hash });
    let handover = (option::of(wild()), vec(app, 0..7), any::<bool>())
        .prop_map(|(autofill_text, apps, zero_tap_terms_accepted)| Handover { autofill_text, apps, zero_tap_terms_accepted });
    prop_oneof![
        wild().prop_map(|text| ButtonDefinition::QuickReply { text }),
        (wild(), wild(), option::of(wild())).prop_map(|(text, url, sample)| ButtonDefinition::Url { text, url, sample }),
        (wild(), wild()).prop_map(|(text, phone)| ButtonDefinition::PhoneNumber { text, phone }),
        option::of(wild()).prop_map(|sample| ButtonDefinition::CopyCode { sample }),
        (prop_oneof![Just("ZERO_TAP".to_owned()), wild()], option::of(wild()), option::of(handover))
            .prop_map(|(otp_type, text, handover)| ButtonDefinition::Otp { otp_type, text, handover }),
        (wild(), option::of(wild()), option::of(wild())).prop_map(|(text, flow_id, flow_json)| ButtonDefinition::Flow {
            text,
            flow_id,
            flow_name: None,
            flow_json,
            flow_action: None,
            navigate_screen: None,
        }),
        Just(ButtonDefinition::Catalog),
        Just(ButtonDefinition::MultiProduct),
        Just(ButtonDefinition::SingleProduct),
        (wild(), option::of(any::<u32>())).prop_map(|(text, ttl_minutes)| ButtonDefinition::VoiceCall { text, ttl_minutes }),
        Just(ButtonDefinition::RequestContactInfo),
    ]
}

fn definition() -> impl Strategy<Value = Definition> {
    let body = prop_oneof![
        4 => text().prop_map(BodyDefinition::Own),
        1 => any::<bool>().prop_map(|add_security_recommendation| BodyDefinition::Authentication { add_security_recommendation }),
    ];
    let footer = prop_oneof![
        wild().prop_map(|text| FooterDefinition::Text { text }),
        any::<u8>().prop_map(|minutes| FooterDefinition::CodeExpiration { minutes }),
    ];
    let card = (header(), option::of(text()), vec(button(), 0..4)).prop_map(|(header, body, buttons)| CardDefinition {
        header,
        body,
        buttons,
    });
    let offer = (wild(), any::<bool>()).prop_map(|(text, has_expiration)| LimitedTimeOffer { text, has_expiration });
    let format = prop_oneof![Just(ParameterFormat::Positional), Just(ParameterFormat::Named)];
    (
        format,
        option::of(header()),
        body,
        option::of(footer),
        vec(button(), 0..13),
        vec(card, 0..4),
        option::of(offer),
        any::<bool>(),
    )
        .prop_map(|(format, header, body, footer, buttons, cards, limited_time_offer, call_permission_request)| Definition {
            format,
            header,
            body,
            footer,
            buttons,
            cards,
            limited_time_offer,
            call_permission_request,
        })
}

fn category() -> impl Strategy<Value = Category> {
    prop_oneof![Just(Category::Marketing), Just(Category::Utility), Just(Category::Authentication)]
}

fn found(definition: &Definition, category: Category) -> Vec<Finding> {
    let language = Language::parse("en").unwrap();
    template(&Draft { name: "n", language: &language, category, definition, ttl_seconds: None })
}

fn of_body(text: &str, format: ParameterFormat) -> Vec<Rule> {
    let mut body = TextDefinition::new(text, Vec::new());
    body.samples = body.names().iter().map(|name| format!("a {name}")).collect();
    let definition = Definition { format, body: BodyDefinition::Own(body), ..Definition::default() };
    found(&definition, Category::Utility).into_iter().filter(Finding::is_error).map(|f| f.rule).collect()
}

proptest! {
    /// No definition makes it panic; every finding is whole, and what it says is bounded by what was looked at.
    #[test]
    fn no_definition_makes_it_panic(
        definition in definition(), category in category(), name in wild(), ttl in option::of(any::<i64>()), code in "[a-z]{2}(_[A-Z]{2})?",
    ) {
        let language = Language::parse(&code).unwrap();
        let draft = Draft { name: &name, language: &language, category, definition: &definition, ttl_seconds: ttl };
        let findings = template(&draft);
        for finding in &findings {
            prop_assert!(!finding.field.is_empty() && !finding.fix.is_empty(), "{finding:?}");
            prop_assert!(finding.message.ends_with('.') || finding.message.contains('"'), "{finding:?}");
            prop_assert_eq!(finding.severity, finding.rule.severity());
            let _ = in_components(&finding.field, &json!([{"type": "BODY"}, {"type": "CAROUSEL", "cards": [{"components": []}]}]));
        }
        prop_assert_eq!(template(&draft), findings);
    }

    /// Words after a body never take anything away from the variables in it.
    #[test]
    fn more_words_make_no_more_errors(text in wild()) {
        let placed = [Rule::VariableAtEdge, Rule::VariablesAdjacent, Rule::VariablesTooMany, Rule::VariableGap, Rule::SampleMissing];
        let errors = |text: &str| of_body(text, ParameterFormat::Positional).into_iter().filter(|rule| placed.contains(rule)).collect::<Vec<_>>();
        let (before, after) = (errors(&text), errors(&format!("{text} and some more words of ours")));
        for rule in after {
            prop_assert!(before.contains(&rule), "{rule} came with more words to {text:?}");
        }
    }

    /// A button less is never a button too many, and a card that goes from an even carousel leaves an even one.
    #[test]
    fn fewer_buttons_are_not_more(definition in definition(), at in 0usize..13) {
        let count = |definition: &Definition| {
            found(definition, Category::Marketing).iter().filter(|f| matches!(f.rule, Rule::ButtonCount | Rule::ButtonAlone)).count()
        };
        let mut fewer = definition.clone();
        if at < fewer.buttons.len() {
            fewer.buttons.remove(at);
        }
        prop_assert!(count(&fewer) <= count(&definition));
    }

    /// What variables are called does not count, as long as it is a name; nor do numbers against names.
    #[test]
    fn names_do_not_count(text in "[a-z ]{0,12}(\\{\\{[12]\\}\\}[a-z, .]{0,9}){0,3}") {
        let named = text.replace("{{1}}", "{{first_name}}").replace("{{2}}", "{{order_no}}");
        let numbered = of_body(&text, ParameterFormat::Positional).into_iter().filter(|rule| *rule != Rule::VariableGap);
        prop_assert_eq!(numbered.collect::<Vec<_>>(), of_body(&named, ParameterFormat::Named));
    }

    /// What could be an error when content is submitted is a warning when it is written, and nothing else.
    #[test]
    fn content_is_warned_of_what_its_submission_would_be_refused_for(body in wild(), title in "[a-z{}1 ]{1,25}", sample in option::of(wild())) {
        let mut json = json!({"language": "en", "types": {"twilio/quick-reply": {"body": body, "actions": [{"title": title}]}}});
        if let Some(sample) = sample {
            json["variables"] = json!({"1": sample});
        }
        let Ok(read) = Content::read(&json, "") else { return Ok(()) };
        let warned = content(&read, None);
        prop_assert!(warned.iter().all(|finding| !finding.is_error()));
        let refused = content(&read, Some(Submission { name: "n", category: Category::Utility }));
        let rules = |findings: &[Finding]| findings.iter().map(|f| (f.rule, f.field.clone())).collect::<Vec<_>>();
        prop_assert_eq!(rules(&warned), rules(&refused));
        for finding in refused {
            let inside = finding.field.strip_prefix("variables.").is_none_or(|name| placeholders(&body).contains(&name));
            prop_assert!(inside || finding.rule == Rule::SampleSurplus, "{}", finding.field);
        }
    }
}
