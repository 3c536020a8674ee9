//! Content to a definition and back, for every type and button mix; and definitions of every make.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::*;
use crate::cases::definition;
use crate::content::{Body, Content, FlowPage, Language, placeholders};
use crate::template::{
    BodyDefinition, ButtonDefinition, Definition, HeaderDefinition, LimitedTimeOffer, ParameterFormat, TextDefinition,
};

fn english() -> Language {
    Language::parse("en").unwrap()
}

fn pages() -> Vec<FlowPage> {
    let layout = json!({"type": "TEXT_HEADING", "text": "Hi"}).as_object().cloned().unwrap();
    vec![FlowPage { id: "START".into(), next_page_id: None, title: None, subtitle: None, layout: vec![layout] }]
}

fn there_and_back(definition: &Definition) -> Result<Content, NotExpressible> {
    // Whoever has the id of a form needs none of its pages.
    let is_at_meta = |b: &ButtonDefinition| matches!(b, ButtonDefinition::Flow { flow_id: Some(_), .. });
    let pages = if definition.buttons.iter().any(is_at_meta) { Vec::new() } else { pages() };
    to_content(definition, &english(), Beside { pages: &pages, catalog_id: Some("7700"), files: None })
}

// ---- contents ----------------------------------------------------------------------------------------------------------

fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => select(vec!["Hello ", "your parcel, ", "is here.\nNow ", "größer ", "50% "]).prop_map(str::to_owned),
        2 => select(vec!["1", "2", "3", "07", "name", "order_no", "sixteen_letters_"]).prop_map(|name| format!("{{{{{name}}}}} ")),
    ];
    vec(piece, 0..6).prop_map(|pieces| format!("A {}end.", pieces.concat()))
}

fn title() -> impl Strategy<Value = String> {
    "[A-Z][a-z]{0,12}"
}

fn link(endings: &'static [&'static str]) -> impl Strategy<Value = String> {
    (select(endings), any::<bool>()).prop_map(|(ending, variable)| {
        if variable {
            format!("https://files.example/a/{{{{file{ending}}}}}")
        } else {
            format!("https://files.example/b/x.{ending}")
        }
    })
}

const PICTURES: &[&str] = &["jpg", "png", "mp4"];
const FILES: &[&str] = &["jpg", "mp4", "pdf"];

fn action(kinds: &'static [&'static str]) -> impl Strategy<Value = Value> {
    (select(kinds), title(), any::<bool>()).prop_map(|(kind, title, variable)| match kind {
        "QUICK_REPLY" => json!({"type": kind, "title": title, "id": if variable { "p-{{1}}" } else { "p" }}),
        "URL" => {
            let url = if variable { "https://shop.example/t/{{2}}" } else { "https://shop.example/t" };
            json!({"type": kind, "title": title, "url": url})
        }
        "PHONE_NUMBER" => json!({"type": kind, "title": title, "phone": "+4915112345678"}),
        "COPY_CODE" => json!({"type": kind, "code": if variable { "{{code}}" } else { "SAVE10" }}),
        "VOICE_CALL" => json!({"type": kind, "title": title, "ttl_minutes": 60}),
        "VOICE_CALL_REQUEST" => json!({"type": kind, "title": title}),
        _ => json!({"type": kind}),
    })
}

/// Mixes that content allows: at most two links, one call, one code.
fn actions(kinds: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<Value>> {
    vec(action(kinds), 1..=most).prop_map(|actions| {
        let (mut links, mut calls, mut codes) = (0, 0, 0);
        let mut kept = actions;
        kept.retain(|action| match action["type"].as_str().unwrap() {
            "URL" => {
                links += 1;
                links <= 2
            }
            "PHONE_NUMBER" | "VOICE_CALL" | "VOICE_CALL_REQUEST" => {
                calls += 1;
                calls <= 1
            }
            "COPY_CODE" => {
                codes += 1;
                codes <= 1
            }
            _ => true,
        });
        kept
    })
}

const CARD: &[&str] = &["QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "VOICE_CALL"];
const CALLS: &[&str] =
    &["QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "VOICE_CALL", "VOICE_CALL_REQUEST", "REQUEST_CONTACT_INFO"];

/// Every type that can be approved, by its name.
fn types() -> impl Strategy<Value = (&'static str, Value)> {
    let card = |kinds| (option::of(link(FILES)), option::of(title()), option::of(words()), actions(kinds, 10));
    let one_of_carousel =
        (vec((option::of(title()), words(), link(PICTURES)), 2..=10), actions(&["QUICK_REPLY", "URL", "PHONE_NUMBER"], 2));
    prop_oneof![
        words().prop_map(|body| ("twilio/text", json!({"body": body}))),
        (words(), link(FILES)).prop_map(|(body, link)| ("twilio/media", json!({"body": body, "media": [link]}))),
        (words(), actions(&["QUICK_REPLY"], 10)).prop_map(|(body, actions)| ("twilio/quick-reply", json!({"body": body, "actions": actions}))),
        (words(), actions(CALLS, 10)).prop_map(|(body, actions)| ("twilio/call-to-action", json!({"body": body, "actions": actions}))),
        (words(), card(CARD)).prop_map(|(body, (link, footer, _, actions))| {
            let media: Vec<String> = link.into_iter().collect();
            ("twilio/card", json!({"title": body, "media": media, "subtitle": footer, "actions": actions}))
        }),
        (words(), card(CARD)).prop_map(|(body, (link, footer, header, actions))| {
            let media: Vec<String> = link.into_iter().filter(|_| header.is_none()).collect();
            // A header is one line of at most sixty characters.
            let header = header.map(|h| h.chars().filter(|c| *c != '\n').take(40).collect::<String>()).map(|h| h.replace("{{", "").replace("}}", "") + " {{2}}");
            ("whatsapp/card", json!({"body": body, "media": media, "header_text": header, "footer": footer, "actions": actions}))
        }),
        (words(), title(), option::of(link(FILES)), option::of(title()), any::<bool>()).prop_map(|(body, button, link, footer, screen)| {
            let mut form = json!({"body": body, "button_text": button, "flow_id": "77", "flow_token": "{{token}}", "is_flow_first_page_endpoint": !screen});
            for (name, value) in [("media_url", link), ("subtitle", footer), ("flow_first_page_id", screen.then(|| "FIRST".to_owned()))] {
                if let (Some(value), Some(fields)) = (value, form.as_object_mut()) {
                    fields.insert(name.to_owned(), json!(value));
                }
            }
            ("whatsapp/flows", form)
        }),
        (words(), one_of_carousel).prop_map(|(body, (cards, actions))| {
            let cards: Vec<Value> = cards.into_iter().map(|(title, body, media)| json!({"title": title, "body": body, "media": media, "actions": actions})).collect();
            ("twilio/carousel", json!({"body": body, "cards": cards}))
        }),
        (words(), option::of(title()), option::of(title()), 0usize..4).prop_map(|(body, title, subtitle, items)| {
            let items: Vec<Value> = (0..items).map(|n| json!({"id": format!("sku-{n}")})).collect();
            let title = if items.len() > 1 { Some(title.unwrap_or_else(|| "Top {{3}}".to_owned())) } else { title };
            ("twilio/catalog", json!({"id": "7700", "body": body, "title": title, "subtitle": subtitle, "items": items}))
        }),
        (words(), title(), option::of(title()), option::of(link(FILES))).prop_map(|(body, button, subtitle, media)| {
            ("twilio/flows", json!({"body": body, "button_text": button, "type": "SURVEY", "subtitle": subtitle, "media_url": media, "pages": pages()}))
        }),
        (any::<bool>(), option::of(1u8..=90), option::of(title())).prop_map(|(advice, minutes, label)| {
            ("whatsapp/authentication", json!({"add_security_recommendation": advice, "code_expiration_minutes": minutes,
                "actions": [{"type": "COPY_CODE", "copy_code_text": label}]}))
        }),
    ]
}

fn content() -> impl Strategy<Value = Content> {
    types().prop_filter_map("within the limits of its type", |(name, mut body)| {
        if let Some(object) = body.as_object_mut() {
            object.retain(|_, value| !value.is_null());
        }
        let samples = json!({"1": "Ana", "2": "A-17", "3": "x", "07": "seven", "name": "Bo", "order_no": "N1", "sixteen_letters_": "y",
            "code": "SAVE5", "filejpg": "a.jpg", "filepng": "a.png", "filemp4": "a.mp4", "filepdf": "a.pdf"});
        Content::read(&json!({"language": "en", "types": {name: body}, "variables": samples}), "content").ok()
    })
}

fn only(content: &Content) -> &Body {
    content.types.values().next().unwrap()
}

/// What the reviewers see in place of variables and files.
fn samples(definition: &Definition) -> Vec<Option<String>> {
    let text = |text: &TextDefinition| text.samples.iter().cloned().map(Some).collect::<Vec<_>>();
    let header = |header: &HeaderDefinition| match header {
        HeaderDefinition::Text(words) => text(words),
        HeaderDefinition::Image { sample } | HeaderDefinition::Video { sample } | HeaderDefinition::Document { sample } => {
            vec![sample.clone()]
        }
        HeaderDefinition::Location | HeaderDefinition::Product => Vec::new(),
    };
    let button = |button: &ButtonDefinition| match button {
        ButtonDefinition::Url { sample, .. } | ButtonDefinition::CopyCode { sample } => vec![sample.clone()],
        _ => Vec::new(),
    };
    let mut all: Vec<Option<String>> = definition.header.iter().flat_map(header).collect();
    if let BodyDefinition::Own(words) = &definition.body {
        all.extend(text(words));
    }
    all.extend(definition.buttons.iter().flat_map(button));
    for card in &definition.cards {
        all.extend(header(&card.header).into_iter().chain(card.body.iter().flat_map(text)));
        all.extend(card.buttons.iter().flat_map(button));
    }
    all
}

proptest! {
    #[test]
    fn every_type_comes_back_as_the_same_template(content in content()) {
        let once = to_definition(only(&content), &content.variables);
        // Audio and files of unknown kinds are no template.
        if let Some(once) = once {
            let back = there_and_back(&once);
            prop_assert!(back.is_ok(), "{back:?} of {once:#?}");
            let back = back.unwrap();
            let twice = to_definition(only(&back), &back.variables).unwrap();
            prop_assert_eq!(twice.canonical(), once.canonical());
            prop_assert!(twice.says(&once));
            prop_assert_eq!(samples(&twice), samples(&once));
        }
    }
}

proptest! {
    #[test]
    fn whatever_comes_back_is_the_same_template_and_else_each_part_is_named(definition in definition()) {
        match there_and_back(&definition) {
            Ok(content) => {
                let again = to_definition(only(&content), &content.variables).unwrap();
                prop_assert_eq!(again.canonical(), definition.canonical());
                // Each variable of each text has a name of its own.
                let texts = [definition.header.as_ref().and_then(|h| if let HeaderDefinition::Text(t) = h { Some(t) } else { None })];
                let own = if let BodyDefinition::Own(text) = &definition.body { text.names().len() } else { 1 };
                let wanted = own + texts.into_iter().flatten().map(|t| t.names().len()).sum::<usize>();
                let names: std::collections::BTreeSet<String> = only(&content).placeholders().into_iter().collect();
                prop_assert!(names.len() >= wanted, "{names:?}");
            }
            Err(NotExpressible { parts }) => {
                prop_assert!(!parts.is_empty());
                prop_assert!(parts.iter().all(|part| !part.field.is_empty() && !part.rule.is_empty() && !part.remedy.is_empty()));
            }
        }
    }
}

#[test]
fn what_content_cannot_say_is_named() {
    let parts = |definition: Definition| -> Vec<String> {
        there_and_back(&definition).unwrap_err().parts.into_iter().map(|part| part.field).collect()
    };
    let own = |text: &str| BodyDefinition::Own(TextDefinition::new(text, vec![]));
    let offer = Some(LimitedTimeOffer { text: "Now".into(), has_expiration: false });
    assert_eq!(
        parts(Definition {
            body: own("Hi"),
            header: Some(HeaderDefinition::Location),
            buttons: vec![ButtonDefinition::QuickReply { text: "Yes".into() }, ButtonDefinition::SingleProduct],
            limited_time_offer: offer,
            ..Definition::default()
        }),
        ["limited_time_offer", "header", "buttons[1]"]
    );
    let handle = Some(HeaderDefinition::Image { sample: Some("4::aW1n".into()) });
    assert_eq!(parts(Definition { body: own("Hi"), header: handle.clone(), ..Definition::default() }), ["header"]);
    // The business says where its files are, and then it can be said.
    let beside = Beside { files: Some("https://files.example"), ..Beside::default() };
    let content =
        to_content(&Definition { body: own("Hi"), header: handle, ..Definition::default() }, &english(), beside).unwrap();
    let Body::Media(media) = only(&content) else { panic!("not media") };
    assert_eq!(media.media, ["https://files.example/{{1}}"]);
    assert_eq!(content.variables["1"], "sample.jpg");
    let form = ButtonDefinition::Flow {
        text: "Go".into(),
        flow_id: None,
        flow_json: None,
        flow_name: Some("booking".into()),
        flow_action: None,
        navigate_screen: None,
    };
    for button in [form, ButtonDefinition::MultiProduct] {
        let definition = Definition { body: own("Hi"), buttons: vec![button], ..Definition::default() };
        let found = to_content(&definition, &english(), Beside::default()).unwrap_err();
        assert_eq!(found.parts.iter().map(|p| p.field.as_str()).collect::<Vec<_>>(), ["buttons[0]"], "{found}");
    }
}

#[test]
fn variables_of_header_text_and_buttons_stay_apart() {
    let definition = Definition {
        format: ParameterFormat::Named,
        header: Some(HeaderDefinition::Text(TextDefinition::new("For {{name}}", vec!["Ana".into()]))),
        body: BodyDefinition::Own(TextDefinition::new("Hi {{name}}, {{customer_first_name}}!", vec!["Bo".into(), "Cy".into()])),
        buttons: vec![ButtonDefinition::Url {
            text: "See".into(),
            url: "https://shop.example/{{1}}".into(),
            sample: Some("https://shop.example/8".into()),
        }],
        ..Definition::default()
    };
    let content = there_and_back(&definition).unwrap();
    let Body::WhatsappCard(card) = only(&content) else { panic!("not a card with a header") };
    assert_eq!(card.body, "Hi {{name}}, {{customer_first_n}}!");
    assert_eq!(card.header_text.as_deref(), Some("For {{name_2}}"));
    assert_eq!(placeholders(card.actions[0].url.as_deref().unwrap()), ["1"]);
    let samples: Vec<(&str, &str)> = content.variables.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(samples, [("1", "8"), ("customer_first_n", "Cy"), ("name", "Bo"), ("name_2", "Ana")]);
}
