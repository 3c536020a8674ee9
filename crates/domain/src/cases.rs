//! Definitions of every make, for properties.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::template::{
    BodyDefinition, ButtonDefinition, CardDefinition, Definition, FooterDefinition, HeaderDefinition, LimitedTimeOffer,
    ParameterFormat, TextDefinition,
};

fn title() -> impl Strategy<Value = String> {
    "[A-Z][a-z]{0,12}"
}

/// A text with variables numbered from one, or named; braces that are none now and then.
pub(crate) fn text(format: ParameterFormat) -> impl Strategy<Value = TextDefinition> {
    let names: &[&str] = match format {
        ParameterFormat::Positional => &["1", "2", "3"],
        ParameterFormat::Named => &["name", "customer_first_name", "customer_first_names", "order"],
    };
    let piece = prop_oneof![
        12 => select(vec!["Hello ", "your parcel, ", "is here.\nNow "]).prop_map(str::to_owned),
        8 => select(names.to_vec()).prop_map(|name| format!("{{{{{name}}}}} ")),
        1 => Just("{{ }} ".to_owned()),
    ];
    (vec(piece, 0..6), any::<bool>()).prop_map(|(pieces, sampled)| {
        let text = TextDefinition::new(format!("A {}end.", pieces.concat()), Vec::new());
        let samples = text.names().iter().map(|name| format!("sample {name}")).collect();
        if sampled { TextDefinition::new(text.text, samples) } else { text }
    })
}

pub(crate) fn header(format: ParameterFormat) -> impl Strategy<Value = HeaderDefinition> {
    let sample = |ending: &'static str| {
        prop_oneof![
            Just(None),
            Just(Some("4::aW1hZ2U=".to_owned())),
            Just(Some(format!("https://cdn.example/v/t.{ending}?ccb=1"))),
            Just(Some("https://cdn.example/".to_owned())),
        ]
    };
    prop_oneof![
        text(format).prop_map(HeaderDefinition::Text),
        sample("jpg").prop_map(|sample| HeaderDefinition::Image { sample }),
        sample("mp4").prop_map(|sample| HeaderDefinition::Video { sample }),
        sample("pdf").prop_map(|sample| HeaderDefinition::Document { sample }),
        Just(HeaderDefinition::Location),
        Just(HeaderDefinition::Product),
    ]
}

pub(crate) fn button() -> impl Strategy<Value = ButtonDefinition> {
    prop_oneof![
        title().prop_map(|text| ButtonDefinition::QuickReply { text }),
        (title(), any::<bool>(), any::<bool>()).prop_map(|(text, variable, sampled)| ButtonDefinition::Url {
            text,
            url: if variable { "https://shop.example/t/{{1}}".into() } else { "https://shop.example/t".into() },
            sample: (variable && sampled).then(|| "https://shop.example/t/8".into()),
        }),
        title().prop_map(|text| ButtonDefinition::PhoneNumber { text, phone: "4915112345678".into() }),
        Just(ButtonDefinition::CopyCode { sample: Some("SAVE".into()) }),
        Just(ButtonDefinition::Otp { otp_type: "ONE_TAP".into(), text: None, handover: None }),
        title().prop_map(|text| ButtonDefinition::Flow {
            text,
            flow_id: Some("1".into()),
            flow_json: None,
            flow_name: None,
            flow_action: None,
            navigate_screen: Some("START".into())
        }),
        Just(ButtonDefinition::Catalog),
        Just(ButtonDefinition::MultiProduct),
        Just(ButtonDefinition::SingleProduct),
        title().prop_map(|text| ButtonDefinition::VoiceCall { text, ttl_minutes: None }),
        Just(ButtonDefinition::RequestContactInfo),
    ]
}

pub(crate) fn definition() -> impl Strategy<Value = Definition> {
    let format = select(vec![ParameterFormat::Positional, ParameterFormat::Named]);
    format.prop_flat_map(|format| {
        let card = (header(format), option::of(text(format)), vec(button(), 0..3))
            .prop_map(|(header, body, buttons)| CardDefinition { header, body, buttons });
        let body = prop_oneof![
            5 => text(format).prop_map(BodyDefinition::Own),
            1 => any::<bool>().prop_map(|add| BodyDefinition::Authentication { add_security_recommendation: add }),
        ];
        let footer = prop_oneof![
            4 => title().prop_map(|text| FooterDefinition::Text { text }),
            1 => (1u8..90).prop_map(|minutes| FooterDefinition::CodeExpiration { minutes }),
        ];
        let cards = prop_oneof![4 => Just(Vec::new()), 1 => vec(card, 1..4)];
        let offer = prop_oneof![9 => Just(None), 1 => Just(Some(LimitedTimeOffer { text: "Now".into(), has_expiration: true }))];
        let calls = prop_oneof![9 => Just(false), 1 => Just(true)];
        (option::of(header(format)), body, option::of(footer), vec(button(), 0..4), cards, offer, calls).prop_map(
            move |(header, body, footer, buttons, cards, limited_time_offer, call_permission_request)| Definition {
                format,
                header,
                body,
                footer,
                buttons,
                cards,
                limited_time_offer,
                call_permission_request,
            },
        )
    })
}
