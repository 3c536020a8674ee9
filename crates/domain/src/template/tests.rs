//! What waits in the store can be read again.

use super::*;
use crate::free_form::{MediaKind, MediaSource, ProductSection};

/// What waits in the store must be readable when its turn comes: every variant of every tagged type, there and back.
#[test]
fn every_kind_of_parameter_survives_the_store() {
    let file = |kind| File { kind, source: MediaSource::Link("https://f.example/a".into()), filename: Some("a".into()) };
    let text = |name: Option<&str>| TextParameter { name: name.map(Into::into), text: "x".into() };
    let headers = [
        HeaderParameter::Text(text(Some("n"))),
        HeaderParameter::Text(text(None)),
        HeaderParameter::File(file(MediaKind::Image)),
        HeaderParameter::File(file(MediaKind::Video)),
        HeaderParameter::File(file(MediaKind::Document)),
        HeaderParameter::Location { latitude: 1.5, longitude: -2.5, name: None, address: Some("a".into()) },
        HeaderParameter::Product { catalog_id: "1".into(), product: "sku".into() },
    ];
    let sections = vec![ProductSection { title: None, products: vec!["sku".into()] }];
    let values = [
        ButtonValue::Payload { payload: "p".into() },
        ButtonValue::UrlSuffix { suffix: "s".into() },
        ButtonValue::CouponCode { code: "c".into() },
        ButtonValue::OneTimeCode { code: "1".into() },
        ButtonValue::Catalog { thumbnail: None },
        ButtonValue::MultiProduct { thumbnail: "sku".into(), sections },
        ButtonValue::Flow { token: Some("t".into()), data: Some(serde_json::Map::new()) },
    ];
    for header in headers {
        let buttons: Vec<_> = values.iter().map(|v| ButtonParameter { index: 0, value: v.clone() }).collect();
        let send = TemplateSend {
            name: "t".into(),
            language: Language::parse("en").unwrap(),
            fallback: vec![Language::parse("pt").unwrap()],
            header: Some(header.clone()),
            offer_end: Some(Timestamp::from_millis(1)),
            body: vec![text(None)],
            buttons: buttons.clone(),
            cards: vec![CardParameters { header: Some(header), body: vec![text(None)], buttons }],
        };
        let draft = crate::message::Draft::Template { send };
        let json = serde_json::to_string(&draft).unwrap();
        assert_eq!(serde_json::from_str::<crate::message::Draft>(&json).unwrap(), draft, "{json}");
    }
}

#[test]
fn every_kind_of_definition_survives_the_store() {
    let text = TextDefinition::new("Hi {{1}}", vec!["x".into()]);
    let headers = [
        HeaderDefinition::Text(text.clone()),
        HeaderDefinition::Image { sample: None },
        HeaderDefinition::Video { sample: Some("s".into()) },
        HeaderDefinition::Document { sample: None },
        HeaderDefinition::Location,
        HeaderDefinition::Product,
    ];
    let buttons = vec![
        ButtonDefinition::QuickReply { text: "a".into() },
        ButtonDefinition::Url { text: "a".into(), url: "https://a.example/{{1}}".into(), sample: None },
        ButtonDefinition::PhoneNumber { text: "a".into(), phone: "+4915112345678".into() },
        ButtonDefinition::CopyCode { sample: None },
        ButtonDefinition::Otp {
            otp_type: "ONE_TAP".into(),
            text: None,
            handover: Some(Handover {
                autofill_text: Some("a".into()),
                apps: vec![App { package_name: "com.example".into(), signature_hash: "K8a/AINcGX7".into() }],
                zero_tap_terms_accepted: false,
            }),
        },
        ButtonDefinition::Flow {
            text: "a".into(),
            flow_id: None,
            flow_name: Some("n".into()),
            flow_json: None,
            flow_action: Some("data_exchange".into()),
            navigate_screen: None,
        },
        ButtonDefinition::Catalog,
        ButtonDefinition::MultiProduct,
        ButtonDefinition::SingleProduct,
        ButtonDefinition::VoiceCall { text: "a".into(), ttl_minutes: Some(1) },
        ButtonDefinition::RequestContactInfo,
    ];
    let bodies = [BodyDefinition::Own(text.clone()), BodyDefinition::Authentication { add_security_recommendation: true }];
    let footers = [FooterDefinition::Text { text: "f".into() }, FooterDefinition::CodeExpiration { minutes: 5 }];
    for header in headers {
        for (body, footer) in bodies.iter().zip(&footers) {
            let definition = Definition {
                header: Some(header.clone()),
                body: body.clone(),
                footer: Some(footer.clone()),
                buttons: buttons.clone(),
                cards: vec![CardDefinition { header: header.clone(), body: Some(text.clone()), buttons: buttons.clone() }],
                ..Definition::default()
            };
            let json = serde_json::to_string(&definition).unwrap();
            assert_eq!(serde_json::from_str::<Definition>(&json).unwrap(), definition, "{json}");
        }
    }
}
