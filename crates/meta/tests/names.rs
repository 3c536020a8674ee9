//! Names become positions where Meta counts, and each value still lands where its name stood: content is created, read back
//! and sent, and the JSON is filled in as Meta's pages say, by a reader that knows nothing of our types.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is a failed test")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use transom_domain::address::Phone;
use transom_domain::content::{Body, Content, Variables};
use transom_domain::template::{
    BodyDefinition, CardDefinition, Definition, HeaderDefinition, ParameterFormat, Template, TextDefinition,
};
use transom_domain::translate::{category, to_definition, to_send};
use transom_meta::send::{Envelope, Recipient, template as print};
use transom_meta::templates::{parse, to_create};

const NAMES: [&str; 6] = ["1", "2", "7", "name", "order_no", "Tag"];

fn words() -> impl Strategy<Value = String> {
    let piece = (select(vec!["Hello ", "and ", "is here, "]), select(NAMES.to_vec()));
    vec(piece, 0..5).prop_map(|pieces| {
        let middle: String = pieces.into_iter().map(|(words, name)| format!("{words}{{{{{name}}}}} ")).collect();
        format!("A {middle}end.")
    })
}

fn line() -> impl Strategy<Value = String> {
    select(NAMES.to_vec()).prop_map(|name| format!("For {{{{{name}}}}} now"))
}

fn action() -> impl Strategy<Value = Value> {
    prop_oneof![
        select(NAMES.to_vec())
            .prop_map(|name| json!({"type": "URL", "title": "See", "url": format!("https://shop.example/t/{{{{{name}}}}}")})),
        select(NAMES.to_vec()).prop_map(|name| json!({"type": "COPY_CODE", "code": format!("{{{{{name}}}}}")})),
        select(NAMES.to_vec()).prop_map(|name| json!({"type": "QUICK_REPLY", "title": "Yes", "id": format!("p-{{{{{name}}}}}")})),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    let types = prop_oneof![
        words().prop_map(|body| json!({"twilio/text": {"body": body}})),
        (words(), line(), vec(action(), 1..4)).prop_map(
            |(body, header, actions)| json!({"whatsapp/card": {"body": body, "header_text": header, "actions": actions}})
        ),
        (words(), vec((words(), select(NAMES.to_vec())), 2..4)).prop_map(|(body, cards)| {
            let cards: Vec<Value> = cards
                .into_iter()
                .map(|(body, name)| {
                    json!({"body": body, "media": "https://files.example/a.jpg", "actions": [
                    {"type": "URL", "title": "See", "url": format!("https://shop.example/t/{{{{{name}}}}}")}]})
                })
                .collect();
            json!({"twilio/carousel": {"body": body, "cards": cards}})
        }),
    ];
    types.prop_filter_map("within the limits of its type", |types| {
        let samples: Variables = NAMES.iter().map(|name| ((*name).to_owned(), format!("s{name}"))).collect();
        Content::read(&json!({"language": "en", "types": types, "variables": samples}), "content").ok()
    })
}

/// The same template with its variables named, as it could have been made in Meta's manager.
fn named(definition: &Definition) -> Definition {
    let rename = |text: &TextDefinition| {
        let mut words = text.text.clone();
        for (at, name) in text.names().iter().enumerate() {
            words = words.replace(&format!("{{{{{name}}}}}"), &format!("{{{{a_rather_long_name_number_{at}}}}}"));
        }
        TextDefinition::new(words, text.samples.clone())
    };
    let mut made = Definition { format: ParameterFormat::Named, ..definition.clone() };
    if let Some(HeaderDefinition::Text(text)) = &definition.header {
        made.header = Some(HeaderDefinition::Text(rename(text)));
    }
    if let BodyDefinition::Own(text) = &definition.body {
        made.body = BodyDefinition::Own(rename(text));
    }
    let cards = definition.cards.iter();
    made.cards = cards.map(|c| CardDefinition { body: c.body.as_ref().map(rename), ..c.clone() }).collect();
    made
}

/// As Meta would have it after it was created.
fn as_read(content: &Content, body: &Body, definition: &Definition) -> (Value, Template) {
    let mut json = to_create("t", &content.language, category(body), definition);
    json["id"] = json!("1");
    json["status"] = json!("APPROVED");
    let template = parse(&json).unwrap();
    (json, template)
}

fn component<'a>(components: &'a Value, kind: &str) -> Option<&'a Value> {
    components.as_array()?.iter().find(|c| c["type"].as_str().is_some_and(|t| t.eq_ignore_ascii_case(kind)))
}

/// A text with the parameters of its component: by `parameter_name`, else by number.
fn filled(text: &str, parameters: &Value) -> String {
    let mut text = text.to_owned();
    for (at, parameter) in parameters.as_array().into_iter().flatten().enumerate() {
        let name = parameter["parameter_name"].as_str().map_or_else(|| (at + 1).to_string(), str::to_owned);
        text = text.replace(&format!("{{{{{name}}}}}"), parameter["text"].as_str().unwrap());
    }
    text
}

/// Header, text and addresses of a template (or card) with the components of a send.
fn shown(components: &Value, sent: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for kind in ["HEADER", "BODY"] {
        if let Some(text) = component(components, kind).and_then(|c| c["text"].as_str()) {
            let parameters = component(sent, kind).map_or(Value::Null, |c| c["parameters"].clone());
            all.push(filled(text, &parameters));
        }
    }
    let buttons = component(components, "BUTTONS").map_or(Value::Null, |c| c["buttons"].clone());
    for (at, button) in buttons.as_array().into_iter().flatten().enumerate() {
        let ours = |c: &&Value| c["type"] == "button" && c["index"] == json!(at.to_string());
        let parameters = sent.as_array().into_iter().flatten().find(ours).map_or(Value::Null, |c| c["parameters"].clone());
        match button["type"].as_str().unwrap() {
            "URL" => all.push(filled(button["url"].as_str().unwrap(), &parameters)),
            "COPY_CODE" => all.push(parameters[0]["coupon_code"].as_str().unwrap().to_owned()),
            _ => all.push(parameters[0]["payload"].as_str().unwrap().to_owned()),
        }
    }
    let cards = component(components, "CAROUSEL").map_or(Value::Null, |c| c["cards"].clone());
    let sent_cards = component(sent, "CAROUSEL").map_or(Value::Null, |c| c["cards"].clone());
    for (card, sent) in cards.as_array().into_iter().flatten().zip(sent_cards.as_array().into_iter().flatten()) {
        all.extend(shown(&card["components"], &sent["components"]));
    }
    all
}

/// The same of content that was filled in by itself.
fn rendered(body: &Body) -> Vec<String> {
    let actions = |actions: &[transom_domain::content::Action]| -> Vec<String> {
        actions.iter().filter_map(|a| a.url.clone().or_else(|| a.code.clone()).or_else(|| a.id.clone())).collect()
    };
    match body {
        Body::Text(b) => vec![b.body.clone()],
        Body::WhatsappCard(b) => b.header_text.iter().cloned().chain([b.body.clone()]).chain(actions(&b.actions)).collect(),
        Body::Carousel(b) => {
            let cards = b.cards.iter().flat_map(|c| c.body.iter().cloned().chain(actions(&c.actions)));
            [b.body.clone()].into_iter().chain(cards).collect()
        }
        // Nothing else is made here.
        _ => Vec::new(),
    }
}

proptest! {
    #[test]
    fn every_value_lands_where_its_name_stood(content in content()) {
        let body = content.types.values().next().unwrap();
        let definition = to_definition(body, &content.variables).unwrap();
        let values: Variables = NAMES.iter().map(|name| ((*name).to_owned(), format!("v{name}"))).collect();
        let phone = Phone::parse("+4915112345678").unwrap();
        let around = Envelope { recipient: Recipient::To(&phone), context: None, callback: "" };
        let wanted = rendered(&body.rendered(&values));
        for definition in [definition.clone(), named(&definition)] {
            let (json, template) = as_read(&content, body, &definition);
            prop_assert_eq!(template.definition.canonical(), to_definition(body, &values).unwrap().canonical());
            let send = to_send(body, &values, &template).unwrap();
            let sent = print(&around, &send);
            let sent = sent["template"].get("components").cloned().unwrap_or(json!([]));
            prop_assert_eq!(shown(&json["components"], &sent), wanted.clone(), "{} {}", json, sent);
        }
    }
}
