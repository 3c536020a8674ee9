//! The published examples, both spellings, and everything that is refused.

use proptest::prelude::*;
use serde_json::{Value, json};

use transom_domain::error_code::ErrorCode;
use transom_domain::free_form::FreeForm;

use super::*;
use crate::native::message_print::message_json;

fn asked(body: &Value) -> Asked {
    Asked::of(body.to_string())
}

fn with(message: &Value) -> Value {
    json!({ "recipient": { "id": "+4915112345678", "channelType": "whatsapp" }, "message": message })
}

fn say(message: &Value) -> FreeForm {
    let What::FreeForm(say) = parse(asked(&with(message))).unwrap().what else { panic!("not free-form") };
    say
}

fn refused(message: &Value) -> (ErrorCode, String) {
    let problem = parse(asked(&with(message))).unwrap_err();
    let field = problem.details["errors"][0]["field"].as_str().unwrap().to_owned();
    (problem.code, field)
}

/// One of every kind, as published or in the same style.
fn examples() -> Vec<Value> {
    vec![
        json!({ "text": "Wir melden uns gleich." }),
        json!({ "text": "Hier: https://shop.example", "previewUrl": true }),
        json!({ "attachments": [{ "type": "document", "url": "https://files.example.org/a.pdf", "caption": "A", "filename": "a.pdf" }] }),
        json!({ "attachments": [{ "type": "audio", "url": "https://files.example.org/a.ogg" }] }),
        json!({ "location": { "latitude": 52.52, "longitude": 13.4, "name": "Laden", "address": "Weg 1" } }),
        json!({
            "text": "Bitte Filiale waehlen",
            "listMessage": {
                "header": { "text": "Filialen" }, "button": { "text": "Auswahl" },
                "sections": [{ "title": "Nord", "rows": [{ "id": "hh", "text": "Hamburg", "description": "bis 20 Uhr" }] }]
            }
        }),
        json!({
            "text": "Wie zufrieden sind Sie?",
            "replyButtonMessage": {
                "header": { "attachment": { "type": "image", "url": "https://files.example.org/h.png" } },
                "footer": { "text": "Antwort freiwillig" },
                "buttons": [{ "id": "good", "text": "Gut" }, { "id": "bad", "text": "Schlecht" }]
            }
        }),
        json!({ "singleProductMessage": { "catalogId": "7700", "productItem": { "productRetailerId": "sku-1" } } }),
        json!({
            "text": "Passend dazu",
            "multiProductMessage": {
                "header": { "text": "Zubehoer" }, "catalogId": "7700",
                "sections": [{ "title": "Top", "productItems": [{ "productRetailerId": "sku-1" }, { "productRetailerId": "sku-2" }] }]
            }
        }),
        json!({ "text": "Hier", "ctaUrlMessage": { "header": { "text": "H" }, "button": { "text": "Zum Laden", "url": "https://shop.example" } } }),
        json!({ "text": "Wo sind Sie?", "locationRequestMessage": {} }),
        json!({ "text": "Ihre Nummer?", "contactRequestMessage": {} }),
        json!({ "reaction": { "messageId": "01K5Z3V8Q4M9W2N7T6R1XBCDEF", "emoji": "👍" } }),
        json!({ "contacts": [{ "name": { "formattedName": "Ana B", "firstName": "Ana" }, "phones": [{ "phone": "+34911222333", "waId": "34911222333" }] }] }),
        json!({ "sticker": { "url": "https://files.example.org/s.webp" } }),
    ]
}

/// The same with every name spelled with underscores.
fn snake(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            Value::Object(object.iter().map(|(k, v)| (super::super::read::snake_case(k), snake(v))).collect())
        }
        Value::Array(items) => items.iter().map(snake).collect(),
        other => other.clone(),
    }
}

#[test]
fn every_kind_is_read_and_printed_back_as_it_was() {
    for example in examples() {
        let mut expected = example.clone();
        if let Some(product) = expected.get("singleProductMessage").cloned() {
            expected = json!({ "singleProductMessage": product });
        }
        assert_eq!(message_json(&say(&example)), expected);
    }
}

#[test]
fn both_spellings_are_equal_in_every_kind() {
    for example in examples() {
        assert_eq!(say(&snake(&example)), say(&example), "{example}");
    }
    let recipient = json!({ "recipient": { "id": "+4915112345678", "channel_type": "whatsapp" }, "message": { "text": "a", "is_echo": true } });
    assert!(parse(asked(&recipient)).is_ok());
    let twice = json!({ "text": "a", "list_message": null, "previewUrl": true, "preview_url": false });
    assert_eq!(refused(&twice), (ErrorCode::RequestInvalid, "message.previewUrl".into()));
}

#[test]
fn the_published_text_send_is_read_whole() {
    let body = json!({
        "sender": { "id": "+493012345678", "channelType": "whatsapp" },
        "recipient": { "id": "+4915112345678", "channelType": "whatsapp", "name": "Marta" },
        "message": { "id": "01K5Z3V8Q4M9W2N7T6R1XBCDEF", "text": "Wir melden uns gleich.", "contextId": "01K5Z3V8Q4M9W2N7T6R1XBCDEG" },
        "callbackData": "ticket-771"
    });
    let command = parse(asked(&body)).unwrap();
    assert_eq!(command.from.unwrap().to_string(), "+493012345678");
    assert_eq!(command.name.as_deref(), Some("Marta"));
    assert_eq!(command.id.unwrap().to_string(), "01K5Z3V8Q4M9W2N7T6R1XBCDEF");
    assert_eq!(command.context.unwrap().to_string(), "01K5Z3V8Q4M9W2N7T6R1XBCDEG");
    assert_eq!(command.callback_data.as_deref(), Some("\"ticket-771\""));
}

#[test]
fn a_sender_text_belongs_to_the_other_operation() {
    let mut body = with(&json!({ "text": "a" }));
    body["sender"] = json!("+493012345678");
    let problem = parse(asked(&body)).unwrap_err();
    assert_eq!(problem.details["errors"][0]["field"], "sender");
    assert!(problem.remedy.unwrap().contains("whatsapp_templated_messages"));
}

#[test]
fn recipients_go_by_number_user_id_or_page_scoped_id() {
    let to = |recipient: Value| {
        parse(asked(&json!({ "recipient": recipient, "message": { "text": "a" } }))).map(|c| c.to.to_string()).map_err(|p| p.code)
    };
    assert_eq!(to(json!({ "id": "DE.4402917750112", "channelType": "whatsapp" })), Ok("bsuid:DE.4402917750112".into()));
    assert_eq!(to(json!({ "userId": "DE.44", "channelType": "whatsapp" })), Ok("bsuid:DE.44".into()));
    assert_eq!(to(json!({ "id": "+4915112345678", "userId": "DE.44", "channelType": "whatsapp" })), Ok("+4915112345678".into()));
    assert_eq!(to(json!({ "id": "8000000000000001", "channelType": "messenger" })), Ok("messenger:8000000000000001".into()));
    assert_eq!(to(json!({ "id": "4915112345678", "channelType": "whatsapp" })), Err(ErrorCode::PhoneNumberBadFormat));
    assert_eq!(to(json!({ "id": "+4915112345678", "channelType": "sms" })), Err(ErrorCode::RequestInvalid));
    assert_eq!(to(json!({ "channelType": "whatsapp" })), Err(ErrorCode::RequestInvalid));
}

#[test]
fn the_published_codes_are_used() {
    let attachment = |kind: &str, url: &str| json!({ "attachments": [{ "type": kind, "url": url }] });
    assert_eq!(refused(&attachment("image", "")).0, ErrorCode::MessageAttachmentEmpty);
    assert_eq!(refused(&json!({ "attachments": [{ "type": "image" }] })).0, ErrorCode::MessageAttachmentEmpty);
    assert_eq!(
        refused(&attachment("image", "ftp://a.example/x")),
        (ErrorCode::MessageAttachmentInvalid, "message.attachments[0].url".into())
    );
    assert_eq!(
        refused(&attachment("sticker", "https://a.example/x")),
        (ErrorCode::RequestInvalid, "message.attachments[0].type".into())
    );
    assert_eq!(refused(&json!({ "attachments": [] })).0, ErrorCode::MessageAttachmentsNumberInvalid);
    let two = json!({ "attachments": [{ "type": "image", "url": "https://a.example/1" }, { "type": "image", "url": "https://a.example/2" }] });
    assert_eq!(refused(&two).0, ErrorCode::MessageAttachmentsNumberInvalid);
    for no_text in [json!({}), json!({ "text": " " }), json!({ "locationRequestMessage": {} })] {
        assert_eq!(refused(&no_text), (ErrorCode::MessageTextEmpty, "message.text".into()), "{no_text}");
    }
}

#[test]
fn one_content_per_message() {
    let place = json!({ "latitude": 1, "longitude": 2 });
    assert_eq!(refused(&json!({ "location": place, "sticker": { "url": "https://a.example/s.webp" } })).1, "message");
    assert_eq!(refused(&json!({ "text": "a", "location": place })).1, "message");
    let captioned = json!({ "text": "a", "attachments": [{ "type": "image", "url": "https://a.example/1" }] });
    let problem = parse(asked(&with(&captioned))).unwrap_err();
    assert!(problem.remedy.unwrap().contains("caption"));
}

#[test]
fn limits_are_told_in_the_published_terms() {
    let buttons: Vec<_> = (0..4).map(|i| json!({ "id": i.to_string(), "text": "x".repeat(21) })).collect();
    let problem = parse(asked(&with(&json!({ "text": "t", "replyButtonMessage": { "buttons": buttons } })))).unwrap_err();
    let fields: Vec<_> = problem.details["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert!(fields.contains(&"message.replyButtonMessage.buttons"), "{fields:?}");
    assert!(fields.contains(&"message.replyButtonMessage.buttons[0].text"), "{fields:?}");
    assert_eq!(refused(&json!({ "text": "x".repeat(4_097) })).1, "message.text");
    let media_header = json!({ "text": "t", "listMessage": {
        "header": { "attachment": { "type": "image", "url": "https://a.example/h.png" } },
        "button": { "text": "b" }, "sections": [{ "rows": [{ "id": "1", "text": "1" }] }] } });
    assert_eq!(refused(&media_header).1, "message.listMessage.header.attachment");
    let no_header = json!({ "text": "t", "multiProductMessage": { "catalogId": "1", "sections": [{ "productItems": [{ "productRetailerId": "a" }] }] } });
    assert_eq!(refused(&no_header).1, "message.multiProductMessage.header.text");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let names = prop::sample::select(vec![
        "text",
        "attachments",
        "location",
        "listMessage",
        "list_message",
        "replyButtonMessage",
        "buttons",
        "sections",
        "rows",
        "id",
        "type",
        "url",
        "header",
        "footer",
        "contacts",
        "name",
        "reaction",
        "messageId",
        "sticker",
        "ctaUrlMessage",
        "button",
    ]);
    leaf.prop_recursive(5, 48, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..5)
                .prop_map(|m| Value::Object(m.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(message in any_json(), sender in any_json(), recipient in any_json()) {
        let _ = parse(asked(&with(&message)));
        let _ = parse(asked(&json!({ "message": message, "sender": sender, "recipient": recipient })));
    }
}
