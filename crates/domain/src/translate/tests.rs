//! Each type in its three other forms.

use serde_json::json;

use super::*;
use crate::content::{Body, Content, ContentType, FlowPage, Language, Variables};
use crate::template::{Approval, BodyDefinition, Category, Definition, Template, TextDefinition};

fn one_of_each() -> Content {
    Content::read(
        &json!({
            "language": "en",
            "variables": {"1": "Ana", "2": "A-17", "code": "SAVE10", "file": "bill.pdf"},
            "types": {
                "twilio/text": {"body": "Hi {{1}}, order {{2}} is on its way."},
                "twilio/media": {"body": "Bill {{2}} is attached.", "media": ["https://files.example/{{file}}"]},
                "twilio/location": {"latitude": 52.52, "longitude": 13.4, "label": "Shop of {{1}}"},
                "twilio/quick-reply": {"body": "Was it good, {{1}}?", "actions": [{"title": "Yes", "id": "y-{{2}}"}, {"title": "No", "id": "n"}]},
                "twilio/call-to-action": {"body": "Order {{2}} waits for you.", "actions": [
                    {"type": "URL", "title": "Track", "url": "https://shop.example/t/{{2}}"},
                    {"type": "PHONE_NUMBER", "title": "Call", "phone": "+4915112345678"}]},
                "twilio/list-picker": {"body": "Which day, {{1}}?", "button": "Days", "items": [{"id": "mo", "item": "Monday"}]},
                "twilio/card": {"title": "Code for {{1}} is here.", "subtitle": "Until Sunday", "media": ["https://files.example/a.jpg"],
                    "actions": [{"type": "COPY_CODE", "title": "Copy", "code": "{{code}}"}]},
                "twilio/carousel": {"body": "Picks for {{1}} today.", "cards": [
                    {"title": "One", "body": "First for {{1}} now.", "media": "https://files.example/1.jpg", "actions": [{"type": "URL", "title": "See", "url": "https://shop.example/p/{{2}}"}]},
                    {"body": "Second.", "media": "https://files.example/2.jpg", "actions": [{"type": "URL", "title": "See", "url": "https://shop.example/p/2"}]}]},
                "twilio/catalog": {"id": "7700", "title": "Top", "body": "For {{1}} today.", "subtitle": "foot", "items": [{"id": "sku-1", "section_title": "A"}, {"id": "sku-2", "section_title": "A"}]},
                "twilio/flows": {"body": "Book a table, {{1}}, now.", "button_text": "Book", "type": "APPOINTMENT_BOOKING", "pages": [{"id": "p1", "title": "When", "layout": [{"type": "TEXT_HEADING", "text": "Hi"}]}]},
                "whatsapp/card": {"body": "Hi {{1}}, a word.", "footer": "foot", "header_text": "Order {{2}}", "actions": [{"type": "URL", "title": "Track", "url": "https://shop.example/t/{{2}}"}]},
                "whatsapp/authentication": {"code_expiration_minutes": 5, "actions": [{"type": "COPY_CODE", "copy_code_text": "Copy"}]},
                "whatsapp/flows": {"body": "Tell us more, {{1}}, now.", "button_text": "Begin", "subtitle": "foot", "flow_id": "88{{2}}",
                    "flow_token": "t-{{2}}", "flow_first_page_id": "FIRST", "media_url": "https://files.example/a.jpg"}
            }
        }),
        "content",
    )
    .unwrap()
}

#[test]
fn what_can_be_said_in_a_session_has_a_session_form_within_limits() {
    let content = one_of_each();
    let rendered = content.rendered(&Variables::from([("1".into(), "123456".into())])).unwrap();
    let mut forms = Vec::new();
    for (kind, body) in &rendered {
        if let Some(form) = to_free_form(body) {
            form.check("").unwrap_or_else(|found| panic!("{kind}: {found:?}"));
            assert!(!serde_json::to_string(&form).unwrap().contains("{{"), "{kind}");
            forms.push(kind.as_str());
        }
    }
    assert_eq!(
        forms,
        [
            "twilio/text",
            "twilio/media",
            "twilio/location",
            "twilio/quick-reply",
            "twilio/call-to-action",
            "twilio/list-picker",
            "twilio/catalog",
            "whatsapp/card",
            "whatsapp/flows"
        ]
    );
}

#[test]
fn what_can_be_approved_has_a_definition_and_a_send_that_fills_it() {
    let content = one_of_each();
    let values = content.variables.clone();
    let mut defined = Vec::new();
    for (kind, body) in &content.types {
        let Some(definition) = to_definition(body, &values) else { continue };
        defined.push(*kind);
        let template = Template {
            id: "1".into(),
            name: "t".into(),
            language: Language::parse("en").unwrap(),
            category: category(body),
            approval: Approval::Approved,
            reason: None,
            definition: definition.clone(),
            life: crate::template::Life::default(),
        };
        let send = to_send(body, &values, &template).unwrap();
        if let BodyDefinition::Own(text) = &definition.body {
            assert_eq!(send.body.len(), text.names().len(), "{kind}");
        }
        for (i, button) in definition.buttons.iter().enumerate() {
            let given = send.buttons.iter().any(|b| usize::from(b.index) == i);
            assert!(given || !button.wants_parameter(), "{kind} button {i}");
        }
        assert_eq!(send.cards.len(), definition.cards.len(), "{kind}");
    }
    let never: Vec<_> = ContentType::ALL.into_iter().filter(|k| !defined.contains(k)).collect();
    assert_eq!(never, [ContentType::Location, ContentType::ListPicker, ContentType::Pay, ContentType::Schedule]);
}

#[test]
fn names_of_variables_and_samples_do_not_tell_templates_apart_but_words_do() {
    let definition = |body: &str| {
        let body = Body::Text(crate::content::Text { body: body.into() });
        to_definition(&body, &Variables::new()).unwrap().canonical()
    };
    assert_eq!(definition("Hi {{name}}, {{2}} and {{name}}."), definition("Hi {{1}}, {{2}} and {{1}}."));
    assert_eq!(definition("Hi {{2}}, {{1}}."), definition("Hi {{1}}, {{2}}."));
    assert_ne!(definition("Hi {{1}}, {{1}}."), definition("Hi {{1}}, {{2}}."));
    assert_ne!(definition("Hi {{1}}."), definition("Hello {{1}}."));
}

#[test]
fn values_follow_the_approved_order_not_ours() {
    let ours = Body::Text(crate::content::Text { body: "From {{b}} to {{a}}.".into() });
    let approved = TextDefinition::new("From {{2}} to {{1}}.", vec![]);
    let template = Template {
        id: "1".into(),
        name: "t".into(),
        language: Language::parse("en").unwrap(),
        category: Category::Utility,
        approval: Approval::Approved,
        reason: None,
        definition: Definition { body: BodyDefinition::Own(approved), ..Definition::default() },
        life: crate::template::Life::default(),
    };
    let values = Variables::from([("a".into(), "Rome".into()), ("b".into(), "Bonn".into())]);
    let send = to_send(&ours, &values, &template).unwrap();
    let texts: Vec<&str> = send.body.iter().map(|p| p.text.as_str()).collect();
    // Position 1 stands second in the text, where ours says {{a}}.
    assert_eq!(texts, ["Rome", "Bonn"]);
}

#[test]
fn flow_screens_have_metas_kind_of_name() {
    let page = |id: &str| FlowPage { id: id.into(), next_page_id: None, title: None, subtitle: None, layout: Vec::new() };
    let names = flow_screens(&["START", "p1", "p-1", "pB", "success", "", "p_B"].map(page));
    assert_eq!(names, ["START", "PB", "P_B", "PBX", "SUCCESSX", "X", "P_BX"]);
}

#[test]
fn a_value_that_misses_the_template_is_named_by_its_variable() {
    let content = one_of_each();
    let found = |kind: ContentType, name: &str, value: &str| -> Vec<String> {
        let body = &content.types[&kind];
        let definition = to_definition(body, &content.variables).unwrap();
        let template = Template {
            id: "1".into(),
            name: "t".into(),
            language: content.language.clone(),
            category: category(body),
            approval: Approval::Approved,
            reason: None,
            definition,
            life: crate::template::Life::default(),
        };
        let mut values = content.variables.clone();
        values.insert(name.into(), value.into());
        to_send(body, &values, &template).err().unwrap_or_default().into_iter().map(|f| f.field).collect()
    };
    let long = "x".repeat(1_020);
    assert_eq!(found(ContentType::Text, "1", &long), ["variables.1"]);
    assert_eq!(found(ContentType::CallToAction, "2", "https://shop.example/t/8"), ["variables.2"]);
    assert_eq!(found(ContentType::Card, "code", &"X".repeat(21)), ["variables.code"]);
    assert_eq!(found(ContentType::WhatsappCard, "2", &"x".repeat(55)), ["variables.2"]);
    assert_eq!(found(ContentType::Carousel, "1", &"x".repeat(150)), ["variables.1"]);
    assert_eq!(found(ContentType::Authentication, "1", "1234567890123456"), ["variables.1"]);
    let mut content = content.clone();
    if let Some(Body::Catalog(catalog)) = content.types.get_mut(&ContentType::Catalog) {
        catalog.items[0].id = "x".repeat(101);
    }
    let body = &content.types[&ContentType::Catalog];
    let template = Template {
        id: "1".into(),
        name: "t".into(),
        language: content.language.clone(),
        category: category(body),
        approval: Approval::Approved,
        reason: None,
        definition: to_definition(body, &content.variables).unwrap(),
        life: crate::template::Life::default(),
    };
    let fields: Vec<String> = to_send(body, &content.variables, &template).unwrap_err().into_iter().map(|f| f.field).collect();
    assert_eq!(fields, ["content.types.twilio/catalog.items"]);
}

#[test]
fn a_form_that_is_at_meta_is_named_by_its_id_in_every_form() {
    use crate::free_form::FreeForm;
    use crate::template::{ButtonDefinition, ButtonValue};
    let read = |endpoint: bool, screen: Option<&str>| {
        let form = json!({"body": "Tell us, {{name}}, now.", "button_text": "Begin", "flow_id": "{{form}}", "flow_token": "{{token}}",
            "is_flow_first_page_endpoint": endpoint, "flow_first_page_id": screen});
        Content::read(&json!({"language": "en", "types": {"whatsapp/flows": form}}), "").unwrap()
    };
    let values =
        |form: &str| Variables::from([("form", form), ("token", "t-1"), ("name", "Ana")].map(|(n, v)| (n.into(), v.into())));
    let (plain, asked) = (read(false, Some("FIRST")), read(true, None));
    let say = |content: &Content| {
        let rendered = content.rendered(&values("77")).unwrap();
        let form = to_free_form(&rendered[&ContentType::WhatsappFlows]).unwrap();
        let FreeForm::Flow { flow_id, token, screen, from_endpoint, .. } = form else { panic!("no form") };
        assert_eq!((flow_id.as_str(), token.as_deref()), ("77", Some("t-1")));
        (screen, from_endpoint)
    };
    assert_eq!((say(&plain), say(&asked)), ((Some("FIRST".into()), false), (None, true)));
    let define =
        |content: &Content, form: &str| to_definition(&content.types[&ContentType::WhatsappFlows], &values(form)).unwrap();
    let button = define(&asked, "77").buttons.remove(0);
    assert!(
        matches!(&button, ButtonDefinition::Flow { flow_id: Some(id), flow_action: Some(action), .. } if id == "77" && action == "data_exchange")
    );
    // The template that opens another form, or opens it in another way, is another one.
    assert!(define(&plain, "77").says(&define(&plain, "77")));
    assert!(!define(&plain, "77").says(&define(&plain, "78")));
    assert!(!define(&plain, "77").says(&define(&asked, "77")));
    let template = Template {
        id: "1".into(),
        name: "t".into(),
        language: plain.language.clone(),
        category: Category::Utility,
        approval: Approval::Approved,
        reason: None,
        definition: define(&plain, "77"),
        life: crate::template::Life::default(),
    };
    let send = to_send(&plain.types[&ContentType::WhatsappFlows], &values("77"), &template).unwrap();
    assert_eq!(send.buttons[0].value, ButtonValue::Flow { token: Some("t-1".into()), data: None });
    let mut long = values("77");
    long.insert("token".into(), "x".repeat(1_025));
    let found = to_send(&plain.types[&ContentType::WhatsappFlows], &long, &template).unwrap_err();
    assert_eq!(found[0].field, "variables.token");
    let both =
        json!({"body": "a", "button_text": "b", "flow_id": "1", "flow_first_page_id": "A", "is_flow_first_page_endpoint": true});
    let refused = Content::read(&json!({"language": "en", "types": {"whatsapp/flows": both}}), "").unwrap_err();
    assert_eq!(refused[0].field, "types.whatsapp/flows.flow_first_page_id");
}

#[test]
fn variables_of_a_forms_pages_go_along_as_data_of_its_first_screen() {
    let content = Content::read(
        &json!({"language": "en", "variables": {"name": "Ana", "2": "A-17"}, "types": {"twilio/flows": {
            "body": "Book, {{2}}, now.", "button_text": "Book", "type": "OTHER", "pages": [
                {"id": "a", "title": "When", "layout": [{"type": "TEXT_HEADING", "text": "Hi {{name}}, {{ name }}"}]}]}}}),
        "content",
    )
    .unwrap();
    let body = &content.types[&ContentType::Flows];
    let template = Template {
        id: "1".into(),
        name: "t".into(),
        language: content.language.clone(),
        category: category(body),
        approval: Approval::Approved,
        reason: None,
        life: crate::template::Life::default(),
        definition: to_definition(body, &content.variables).unwrap(),
    };
    let send = to_send(body, &content.variables, &template).unwrap();
    let crate::template::ButtonValue::Flow { data, .. } = &send.buttons[0].value else { panic!("not a form") };
    assert_eq!(serde_json::to_value(data).unwrap(), json!({"v_name": "Ana"}));
    assert_eq!(send.body.len(), 1);
}
