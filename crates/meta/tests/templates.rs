//! Templates as they are created and as they are read back.

#![expect(clippy::unwrap_used, reason = "helpers of tests: what fails here is a failed test")]

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Value, json};
use transom_domain::content::Language;
use transom_domain::template::{
    Approval, BodyDefinition, ButtonDefinition, CardDefinition, Category, Definition, FooterDefinition, HeaderDefinition,
    LimitedTimeOffer, ParameterFormat, TextDefinition,
};
use transom_meta::templates::{BadTemplate, NotAPage, Page, parse, parse_page, to_create};

fn page() -> Page {
    parse_page(&serde_json::from_str(include_str!("fixtures/template/page.json")).unwrap()).unwrap()
}

fn german() -> Language {
    Language::parse("de").unwrap()
}

fn created(definition: &Definition, category: Category) -> Value {
    to_create("termin", &german(), category, definition)
}

fn text(text: &str, samples: &[&str]) -> TextDefinition {
    TextDefinition::new(text, samples.iter().map(|s| (*s).to_owned()).collect())
}

#[test]
fn a_page_is_read_whole_and_says_what_it_passed_over() {
    let page = page();
    assert_eq!(page.after.as_deref(), Some("WlpaWg"));
    let seen: Vec<_> = page.templates.iter().map(|t| (t.name.as_str(), t.id.as_str(), t.approval, t.category)).collect();
    assert_eq!(
        seen,
        [
            ("termin", "610000000000001", Approval::Approved, Category::Utility),
            ("login", "610000000000002", Approval::Paused, Category::Authentication),
            ("angebot", "610000000000003", Approval::Rejected, Category::Marketing),
            ("karten", "610000000000004", Approval::InAppeal, Category::Marketing),
        ]
    );
    let reasons: Vec<_> = page.templates.iter().map(|t| t.reason.as_deref()).collect();
    assert_eq!(reasons, [None, None, Some("INVALID_FORMAT"), None]);
    let starts =
        ["film (de): header \"GIF\" is not known", "ohne_text (de): components.BODY is missing", "? (?): the template is"];
    assert_eq!(page.skipped.len(), starts.len());
    for (said, start) in page.skipped.iter().map(ToString::to_string).zip(starts) {
        assert!(said.starts_with(start), "{said}");
    }
}

#[test]
fn named_variables_keep_their_samples_by_name() {
    let page = page();
    assert_eq!(
        page.templates[0].definition,
        Definition {
            format: ParameterFormat::Named,
            header: Some(HeaderDefinition::Image { sample: Some("https://cdn.example/sample.jpg".into()) }),
            body: BodyDefinition::Own(text("Hallo {{vorname}}, bis {{tag}}!", &["Ana", "Montag"])),
            footer: Some(FooterDefinition::Text { text: "Praxis am Markt".into() }),
            buttons: vec![
                ButtonDefinition::QuickReply { text: "Absagen".into() },
                ButtonDefinition::Url {
                    text: "Ansehen".into(),
                    url: "https://praxis.example/t/{{1}}".into(),
                    sample: Some("https://praxis.example/t/7".into()),
                },
                ButtonDefinition::PhoneNumber { text: "Anrufen".into(), phone: "+4930555000".into() },
            ],
            ..Definition::default()
        }
    );
}

#[test]
fn metas_words_around_a_code_are_recognised() {
    let page = page();
    let login = &page.templates[1];
    assert_eq!(login.language.as_str(), "en_US");
    assert_eq!(
        login.definition,
        Definition {
            body: BodyDefinition::Authentication { add_security_recommendation: true },
            footer: Some(FooterDefinition::CodeExpiration { minutes: 10 }),
            buttons: vec![ButtonDefinition::Otp { otp_type: "COPY_CODE".into(), text: Some("Copy code".into()), handover: None }],
            ..Definition::default()
        }
    );
    let words = |body: &str, footer: &str| {
        let json = json!({"id": "1", "name": "login", "language": "ar", "status": "APPROVED", "category": "AUTHENTICATION", "components": [
            {"type": "BODY", "text": body}, {"type": "FOOTER", "text": footer},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "one_tap", "text": "x"}]}]});
        parse(&json).unwrap().definition
    };
    let plain = words("*{{1}}* is your verification code.", "تنتهي صلاحية هذا الكود خلال ١٥ دقيقة.");
    assert_eq!(plain.body, BodyDefinition::Authentication { add_security_recommendation: false });
    assert_eq!(plain.footer, Some(FooterDefinition::CodeExpiration { minutes: 15 }));
    assert_eq!(words("{{1}}。{{1}}。", "no number").footer, Some(FooterDefinition::Text { text: "no number".into() }));
}

#[test]
fn a_code_in_a_businesss_own_words_stays_its_own() {
    let json = json!({"id": "1", "name": "alt", "language": "de", "status": "APPROVED", "category": "AUTHENTICATION",
        "components": [{"type": "BODY", "text": "Ihr Code ist {{1}}.", "example": {"body_text": [["1"]]}}]});
    assert_eq!(parse(&json).unwrap().definition.body, BodyDefinition::Own(text("Ihr Code ist {{1}}.", &["1"])));
}

#[test]
fn every_kind_of_part_is_read_in_either_case() {
    let page = page();
    let offer = &page.templates[2].definition;
    assert_eq!(offer.header, Some(HeaderDefinition::Text(text("Für {{1}}", &["Ana"]))));
    assert_eq!(offer.limited_time_offer, Some(LimitedTimeOffer { text: "Nur heute".into(), has_expiration: true }));
    // Samples are counted by number and kept by appearance.
    assert_eq!(offer.body, BodyDefinition::Own(text("{{2}} und {{1}} sind da", &["zwei", "eins"])));
    assert!(offer.call_permission_request);
    assert_eq!(
        offer.buttons,
        [
            ButtonDefinition::CopyCode { sample: Some("HERBST".into()) },
            ButtonDefinition::Flow {
                text: "Los".into(),
                flow_id: Some("99".into()),
                flow_name: None,
                flow_json: None,
                flow_action: None,
                navigate_screen: Some("START".into()),
            },
            ButtonDefinition::Catalog,
            ButtonDefinition::MultiProduct,
            ButtonDefinition::SingleProduct,
            ButtonDefinition::VoiceCall { text: "Anrufen".into(), ttl_minutes: Some(60) },
            ButtonDefinition::RequestContactInfo,
        ]
    );
    let cards = &page.templates[3].definition;
    assert_eq!(cards.body, BodyDefinition::Own(text("Unsere Wahl, {{1}}", &["Ana"])));
    assert_eq!(
        cards.cards,
        [
            CardDefinition { header: HeaderDefinition::Product, body: None, buttons: vec![ButtonDefinition::SingleProduct] },
            CardDefinition {
                header: HeaderDefinition::Video { sample: None },
                body: Some(text("Zwei", &[])),
                buttons: vec![ButtonDefinition::QuickReply { text: "Mehr".into() }],
            },
        ]
    );
}

#[test]
fn a_part_nobody_knows_never_passes_for_a_simpler_template() {
    let with = |component: Value| {
        parse(&json!({"id": "1", "name": "n", "language": "de", "status": "APPROVED", "category": "UTILITY",
            "components": [{"type": "BODY", "text": "Hallo"}, component]}))
    };
    let unknown = |what, kind: &str| Err(BadTemplate::Unknown { what, kind: kind.into() });
    assert_eq!(with(json!({"type": "HOLOGRAM"})), unknown("component", "HOLOGRAM"));
    assert_eq!(with(json!({"type": "BUTTONS", "buttons": [{"type": "ORDER_DETAILS"}]})), unknown("button", "ORDER_DETAILS"));
    assert_eq!(
        with(json!({"type": "CAROUSEL", "cards": [{"components": [{"type": "FOOTER", "text": "x"}]}]})),
        unknown("component of a card", "FOOTER")
    );
    assert_eq!(with(json!({"type": "BUTTONS"})), Err(BadTemplate::Field { field: "components.BUTTONS.buttons" }));
    assert!(with(json!({"type": "BUTTONS", "buttons": []})).is_ok());
}

#[test]
fn the_last_page_is_known_by_its_missing_next() {
    let after = |paging: Value| parse_page(&json!({"data": [], "paging": paging})).unwrap().after;
    assert_eq!(after(json!({"cursors": {"before": "a", "after": "b"}})), None);
    assert_eq!(after(json!({"cursors": {"after": "b"}, "next": "https://graph.example/x"})).as_deref(), Some("b"));
    assert_eq!(after(json!({"next": "https://graph.example/x?limit=2&after=c"})).as_deref(), Some("c"));
    assert_eq!(after(Value::Null), None);
    for json in [json!({}), json!([]), json!({"data": {}})] {
        assert_eq!(parse_page(&json), Err(NotAPage), "{json}");
    }
}

#[test]
fn a_request_has_every_sample_where_meta_wants_it() {
    let definition = Definition {
        header: Some(HeaderDefinition::Text(text("Bestellung {{4}}", &["A-17"]))),
        body: BodyDefinition::Own(text("{{7}} kommt am {{2}}, {{7}}!", &["Das Paket", "Montag"])),
        footer: Some(FooterDefinition::Text { text: "Laden".into() }),
        buttons: vec![
            ButtonDefinition::Url {
                text: "Folgen".into(),
                url: "https://shop.example/t/{{nr}}".into(),
                sample: Some("https://shop.example/t/A-17".into()),
            },
            ButtonDefinition::CopyCode { sample: Some("HERBST".into()) },
        ],
        ..Definition::default()
    };
    assert_eq!(
        created(&definition, Category::Utility),
        json!({"name": "termin", "language": "de", "category": "UTILITY", "parameter_format": "POSITIONAL", "components": [
            {"type": "HEADER", "format": "TEXT", "text": "Bestellung {{1}}", "example": {"header_text": ["A-17"]}},
            {"type": "BODY", "text": "{{2}} kommt am {{1}}, {{2}}!", "example": {"body_text": [["Montag", "Das Paket"]]}},
            {"type": "FOOTER", "text": "Laden"},
            {"type": "BUTTONS", "buttons": [
                {"type": "URL", "text": "Folgen", "url": "https://shop.example/t/{{1}}", "example": ["https://shop.example/t/A-17"]},
                {"type": "COPY_CODE", "example": "HERBST"}]}]})
    );
    let named = Definition {
        format: ParameterFormat::Named,
        body: BodyDefinition::Own(text("Hallo {{vorname}}!", &["Ana"])),
        ..Definition::default()
    };
    let request = created(&named, Category::Utility);
    assert_eq!(request["parameter_format"], "NAMED");
    assert_eq!(
        request["components"],
        json!([{"type": "BODY", "text": "Hallo {{vorname}}!",
            "example": {"body_text_named_params": [{"param_name": "vorname", "example": "Ana"}]}}])
    );
}

#[test]
fn a_one_time_code_has_no_words_of_ours() {
    let definition = Definition {
        body: BodyDefinition::Authentication { add_security_recommendation: true },
        footer: Some(FooterDefinition::CodeExpiration { minutes: 5 }),
        buttons: vec![ButtonDefinition::Otp { otp_type: "COPY_CODE".into(), text: Some("Kopieren".into()), handover: None }],
        ..Definition::default()
    };
    assert_eq!(
        created(&definition, Category::Authentication),
        json!({"name": "termin", "language": "de", "category": "AUTHENTICATION", "components": [
            {"type": "BODY", "add_security_recommendation": true},
            {"type": "FOOTER", "code_expiration_minutes": 5},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Kopieren"}]}]})
    );
}

#[test]
fn the_special_kinds_are_spelled_as_their_pages_show() {
    let definition = Definition {
        header: Some(HeaderDefinition::Video { sample: Some("4::abc".into()) }),
        body: BodyDefinition::Own(text("Nur heute", &[])),
        limited_time_offer: Some(LimitedTimeOffer { text: "Minus 20 %".into(), has_expiration: true }),
        buttons: vec![
            ButtonDefinition::Flow {
                text: "Los".into(),
                flow_id: None,
                flow_name: None,
                flow_json: Some("{}".into()),
                flow_action: None,
                navigate_screen: Some("START".into()),
            },
            ButtonDefinition::VoiceCall { text: "Anrufen".into(), ttl_minutes: Some(30) },
            ButtonDefinition::PhoneNumber { text: "Rufen".into(), phone: "+4930555000".into() },
            ButtonDefinition::Catalog,
            ButtonDefinition::MultiProduct,
            ButtonDefinition::SingleProduct,
            ButtonDefinition::RequestContactInfo,
        ],
        cards: vec![CardDefinition {
            header: HeaderDefinition::Image { sample: Some("4::def".into()) },
            body: Some(text("Für {{3}}", &["Ana"])),
            buttons: vec![ButtonDefinition::QuickReply { text: "Mehr".into() }],
        }],
        call_permission_request: true,
        ..Definition::default()
    };
    assert_eq!(
        created(&definition, Category::Marketing)["components"],
        json!([
            {"type": "HEADER", "format": "VIDEO", "example": {"header_handle": ["4::abc"]}},
            {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Minus 20 %", "has_expiration": true}},
            {"type": "BODY", "text": "Nur heute"},
            {"type": "BUTTONS", "buttons": [
                {"type": "FLOW", "text": "Los", "flow_json": "{}", "flow_action": "navigate", "navigate_screen": "START"},
                {"type": "VOICE_CALL", "text": "Anrufen", "ttl_minutes": 30},
                {"type": "PHONE_NUMBER", "text": "Rufen", "phone_number": "+4930555000"},
                {"type": "CATALOG", "text": "View catalog"}, {"type": "MPM", "text": "View items"}, {"type": "SPM", "text": "View"},
                {"type": "REQUEST_CONTACT_INFO"}]},
            {"type": "CAROUSEL", "cards": [{"components": [
                {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::def"]}},
                {"type": "BODY", "text": "Für {{1}}", "example": {"body_text": [["Ana"]]}},
                {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Mehr"}]}]}]},
            {"type": "CALL_PERMISSION_REQUEST"},
        ])
    );
}

// What Meta makes of a created template, as far as its pages say, and the property that our reading sees through it.

fn read_back(request: &Value, flags: bool) -> Value {
    let mut template = request.clone();
    template["id"] = json!(610_000_000_000_001_u64);
    template["status"] = json!("APPROVED");
    let components = template["components"].as_array_mut().unwrap();
    for component in components.iter_mut() {
        component_back(component, flags);
    }
    components.reverse();
    template
}

fn component_back(component: &mut Value, flags: bool) {
    if let Some(advised) = component.get("add_security_recommendation").and_then(Value::as_bool) {
        let advice = if advised { " For your security, do not share this code." } else { "" };
        component["text"] = json!(format!("*{{{{1}}}}* is your verification code.{advice}"));
        component["example"] = json!({"body_text": [["123456"]]});
    }
    if let Some(minutes) = component.get("code_expiration_minutes").cloned() {
        component["text"] = json!(format!("This code expires in {minutes} minutes."));
    }
    if !flags {
        let map = component.as_object_mut().unwrap();
        map.remove("add_security_recommendation");
        map.remove("code_expiration_minutes");
    }
    if component.get("format").is_some_and(|f| f != "TEXT") && component.get("example").is_some() {
        component["example"]["header_handle"] = json!(["https://cdn.example/sample"]);
    }
    for button in component.get_mut("buttons").and_then(Value::as_array_mut).into_iter().flatten() {
        button_back(button);
    }
    for card in component.get_mut("cards").and_then(Value::as_array_mut).into_iter().flatten() {
        for part in card["components"].as_array_mut().unwrap() {
            component_back(part, flags);
        }
    }
}

fn button_back(button: &mut Value) {
    match button["type"].as_str().unwrap() {
        "OTP" => {
            let kind = button["otp_type"].as_str().unwrap();
            let url = format!("https://www.whatsapp.com/otp/code/?otp_type={kind}&code=otp{{{{1}}}}");
            *button = json!({"type": "URL", "text": "Copy code", "url": url, "example": [url.replace("{{1}}", "123456")]});
        }
        "COPY_CODE" => *button = json!({"type": "COPY_CODE", "text": "Copy offer code", "example": [button["example"]]}),
        "FLOW" => {
            let map = button.as_object_mut().unwrap();
            map.remove("flow_json");
            map.insert("flow_id".into(), json!(77));
        }
        "VOICE_CALL" => {
            button.as_object_mut().unwrap().remove("ttl_minutes");
        }
        "REQUEST_CONTACT_INFO" => button["text"] = json!("Share Contact Info"),
        _ => {}
    }
}

const WORDS: &str = "[A-Za-zÄßé][A-Za-zÄßé .,!]{0,11}";

/// A text with variables, each with its sample; counted ones with gaps and in any order.
fn texts(format: ParameterFormat) -> impl Strategy<Value = TextDefinition> {
    let name = match format {
        ParameterFormat::Positional => "[1-9][0-9]?".boxed(),
        ParameterFormat::Named => "[a-z][a-z_]{0,7}[a-z]".boxed(),
    };
    (WORDS, vec((name, WORDS), 0..4)).prop_map(|(start, parts)| {
        let mut text = start;
        for (name, words) in parts {
            text.push_str(&format!("{{{{{name}}}}} {words}"));
        }
        let mut definition = TextDefinition::new(text, Vec::new());
        definition.samples = definition.names().iter().map(|name| format!("sample {name}")).collect();
        definition
    })
}

fn headers(format: ParameterFormat) -> impl Strategy<Value = HeaderDefinition> {
    let handle = option::of(Just("4::handle".to_owned()));
    prop_oneof![
        texts(format).prop_map(HeaderDefinition::Text),
        handle.clone().prop_map(|sample| HeaderDefinition::Image { sample }),
        handle.clone().prop_map(|sample| HeaderDefinition::Video { sample }),
        handle.prop_map(|sample| HeaderDefinition::Document { sample }),
        Just(HeaderDefinition::Location),
        Just(HeaderDefinition::Product),
    ]
}

fn button() -> impl Strategy<Value = ButtonDefinition> {
    let suffix = prop_oneof![Just(""), Just("{{1}}"), Just("{{nr}}")];
    prop_oneof![
        WORDS.prop_map(|text| ButtonDefinition::QuickReply { text }),
        (WORDS, "https://[a-z]{1,9}\\.example/[a-z]{0,5}", suffix).prop_map(|(text, url, suffix)| ButtonDefinition::Url {
            text,
            sample: (!suffix.is_empty()).then(|| format!("{url}sample")),
            url: format!("{url}{suffix}"),
        }),
        (WORDS, "\\+49[0-9]{6,9}").prop_map(|(text, phone)| ButtonDefinition::PhoneNumber { text, phone }),
        "[A-Z]{1,9}".prop_map(|code| ButtonDefinition::CopyCode { sample: Some(code) }),
        (WORDS, option::of("[A-Z]{1,9}")).prop_map(|(text, navigate_screen)| ButtonDefinition::Flow {
            text,
            flow_id: None,
            flow_name: None,
            flow_json: Some("{}".into()),
            flow_action: None,
            navigate_screen,
        }),
        (WORDS, option::of(1..43_200_u32)).prop_map(|(text, ttl_minutes)| ButtonDefinition::VoiceCall { text, ttl_minutes }),
        Just(ButtonDefinition::Catalog),
        Just(ButtonDefinition::MultiProduct),
        Just(ButtonDefinition::SingleProduct),
        Just(ButtonDefinition::RequestContactInfo),
    ]
}

fn own_words() -> impl Strategy<Value = Definition> {
    prop_oneof![Just(ParameterFormat::Positional), Just(ParameterFormat::Named)].prop_flat_map(|format| {
        let card = (headers(format), option::of(texts(format)), vec(button(), 1..3))
            .prop_map(|(header, body, buttons)| CardDefinition { header, body, buttons });
        let offer = (WORDS, any::<bool>()).prop_map(|(text, has_expiration)| LimitedTimeOffer { text, has_expiration });
        (
            option::of(headers(format)),
            texts(format),
            option::of(WORDS.prop_map(|text| FooterDefinition::Text { text })),
            vec(button(), 0..5),
            vec(card, 0..3),
            option::of(offer),
            any::<bool>(),
        )
            .prop_map(move |(header, body, footer, buttons, cards, limited_time_offer, call_permission_request)| {
                Definition {
                    format,
                    header,
                    body: BodyDefinition::Own(body),
                    footer,
                    buttons,
                    cards,
                    limited_time_offer,
                    call_permission_request,
                }
            })
    })
}

fn codes() -> impl Strategy<Value = Definition> {
    let otp = (prop_oneof!["COPY_CODE", "ONE_TAP", "ZERO_TAP"], option::of(WORDS));
    (any::<bool>(), option::of(1..=90_u8), otp).prop_map(|(add_security_recommendation, minutes, (otp_type, text))| Definition {
        body: BodyDefinition::Authentication { add_security_recommendation },
        footer: minutes.map(|minutes| FooterDefinition::CodeExpiration { minutes }),
        buttons: vec![ButtonDefinition::Otp { otp_type, text, handover: None }],
        ..Definition::default()
    })
}

proptest! {
    #[test]
    fn what_was_created_is_recognised_when_it_is_read_back(definition in own_words(), flags: bool) {
        let read = parse(&read_back(&created(&definition, Category::Marketing), flags)).unwrap().definition;
        prop_assert_eq!(read.canonical(), definition.canonical());
        prop_assert_eq!(read.format, definition.format);
        // The same values in the same order fit both.
        let (BodyDefinition::Own(ours), BodyDefinition::Own(theirs)) = (&definition.body, &read.body) else { panic!("{read:?}") };
        prop_assert_eq!(&ours.samples, &theirs.samples);
        let places = |text: &TextDefinition| {
            let names = text.names();
            text.parameters().iter().map(|p| names.iter().position(|n| n == p)).collect::<Vec<_>>()
        };
        prop_assert_eq!(places(ours), places(theirs));
    }

    #[test]
    fn a_one_time_code_is_recognised_when_it_is_read_back(definition in codes(), flags: bool) {
        let read = parse(&read_back(&created(&definition, Category::Authentication), flags)).unwrap().definition;
        prop_assert_eq!(read.canonical(), definition.canonical());
    }

    #[test]
    fn what_differs_is_not_taken_for_the_same(one in own_words(), other in own_words()) {
        let read = |definition| parse(&read_back(&created(definition, Category::Marketing), true)).unwrap().definition.canonical();
        prop_assert_eq!(one.canonical() == other.canonical(), read(&one) == read(&other));
    }
}
