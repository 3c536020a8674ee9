//! What passes the check fills the template; what does not is named by its place.

use proptest::prelude::*;

use super::*;
use crate::cases::definition;
use crate::content::{Language, placeholders};
use crate::shown::{Shown, ShownHeader, shown, with_samples};
use crate::template::{Approval, CardDefinition, Category, LimitedTimeOffer};

fn template(definition: Definition) -> Template {
    Template {
        id: "1".into(),
        name: "t".into(),
        language: Language::parse("en").unwrap(),
        category: Category::Utility,
        approval: Approval::Approved,
        reason: None,
        definition,
        life: crate::template::Life::default(),
    }
}

/// Everything that is shown, one line each.
fn lines(shown: &Shown) -> Vec<String> {
    let mut all = vec![shown.body.clone()];
    all.extend(shown.header.iter().map(|header| match header {
        ShownHeader::Text(text) => text.clone(),
        ShownHeader::Other(other) => format!("{other:?}"),
    }));
    all.extend(shown.buttons.iter().filter_map(|button| button.gives.clone()));
    all.extend(shown.cards.iter().flat_map(lines));
    all
}

/// Every value of a send.
fn values(send: &TemplateSend) -> Vec<String> {
    let header = |header: &Option<HeaderParameter>| match header {
        Some(HeaderParameter::Text(value)) => vec![value.text.clone()],
        Some(HeaderParameter::File(File { source: MediaSource::Link(link) | MediaSource::Id(link), .. })) => vec![link.clone()],
        Some(HeaderParameter::Product { product, .. }) => vec![product.clone()],
        Some(HeaderParameter::Location { .. }) | None => Vec::new(),
    };
    let button = |button: &ButtonParameter| match &button.value {
        ButtonValue::UrlSuffix { suffix } => vec![suffix.clone()],
        ButtonValue::CouponCode { code } | ButtonValue::OneTimeCode { code } => vec![code.clone()],
        ButtonValue::Payload { payload } => vec![payload.clone()],
        ButtonValue::MultiProduct { sections, .. } => sections.iter().flat_map(|s| s.products.clone()).collect(),
        ButtonValue::Catalog { thumbnail } => thumbnail.iter().cloned().collect(),
        ButtonValue::Flow { token, .. } => token.iter().cloned().collect(),
    };
    let mut all: Vec<String> = header(&send.header);
    all.extend(send.body.iter().map(|value| value.text.clone()));
    all.extend(send.buttons.iter().flat_map(button));
    for card in &send.cards {
        all.extend(header(&card.header));
        all.extend(card.body.iter().map(|value| value.text.clone()));
        all.extend(card.buttons.iter().flat_map(button));
    }
    all
}

/// One thing done to a send that fits.
#[derive(Debug, Clone)]
enum Harm {
    None,
    DropHeader,
    DropBody(usize),
    AddBody,
    Text(usize, String),
    DropButton(usize),
    AddButton(u8),
    Swap(usize),
    Suffix(String),
    DropCard,
    Rename(usize),
    Header(HeaderParameter),
}

fn harm() -> impl Strategy<Value = Harm> {
    let text = prop_oneof!["[a-z{} ]{0,12}", Just("a\nb".to_owned()), Just("x".repeat(1_100)), Just("     ".to_owned())];
    let file = File { kind: MediaKind::Audio, source: MediaSource::Id("1".into()), filename: None };
    prop_oneof![
        3 => Just(Harm::None),
        1 => Just(Harm::DropHeader),
        1 => (0usize..4).prop_map(Harm::DropBody),
        1 => Just(Harm::AddBody),
        3 => (0usize..4, text).prop_map(|(at, text)| Harm::Text(at, text)),
        1 => (0usize..4).prop_map(Harm::DropButton),
        1 => (0u8..12).prop_map(Harm::AddButton),
        1 => (0usize..4).prop_map(Harm::Swap),
        1 => "(https://shop.example/t/)?[a-z ]{0,4}".prop_map(Harm::Suffix),
        1 => Just(Harm::DropCard),
        1 => (0usize..4).prop_map(Harm::Rename),
        1 => Just(Harm::Header(HeaderParameter::File(file))),
    ]
}

fn harmed(mut send: TemplateSend, harm: &Harm) -> TemplateSend {
    match harm {
        Harm::None => {}
        Harm::DropHeader => send.header = None,
        Harm::DropBody(at) if *at < send.body.len() => drop(send.body.remove(*at)),
        Harm::AddBody => send.body.push(TextParameter { name: None, text: "more".into() }),
        Harm::Text(at, text) => {
            if let Some(value) = send.body.get_mut(*at) {
                value.text.clone_from(text);
            }
        }
        Harm::DropButton(at) if *at < send.buttons.len() => drop(send.buttons.remove(*at)),
        Harm::AddButton(index) => {
            send.buttons.push(ButtonParameter { index: *index, value: ButtonValue::Payload { payload: "more".into() } });
        }
        Harm::Swap(at) => {
            if let Some(button) = send.buttons.get_mut(*at) {
                button.value = ButtonValue::Catalog { thumbnail: Some("swapped".into()) };
            }
        }
        Harm::Suffix(text) => {
            for button in &mut send.buttons {
                if let ButtonValue::UrlSuffix { suffix } = &mut button.value {
                    suffix.clone_from(text);
                }
            }
        }
        Harm::DropCard => drop(send.cards.pop()),
        Harm::Rename(at) => {
            if let Some(value) = send.body.get_mut(*at) {
                value.name = Some("other".into());
            }
        }
        Harm::Header(header) => send.header = Some(header.clone()),
        Harm::DropBody(_) | Harm::DropButton(_) => {}
    }
    send
}

proptest! {
    #[test]
    fn whatever_passes_leaves_no_placeholder_and_drops_no_value(definition in definition(), harm in harm()) {
        let template = template(definition);
        let send = harmed(with_samples(&template), &harm);
        let checked = check(&send, &template.definition);
        if checked.is_ok() {
            let lines = lines(&shown(&template.definition, &send));
            for value in values(&send) {
                prop_assert!(lines.iter().any(|line| line.contains(&value)), "{value:?} is not in {lines:?}");
            }
            // A value may hold braces of its own.
            if !values(&send).iter().any(|value| value.contains('{')) {
                for line in &lines {
                    prop_assert!(placeholders(line).is_empty(), "{line}");
                }
            }
        } else {
            for misfit in checked.unwrap_err() {
                prop_assert!(!misfit.place.published(&template.definition).is_empty());
            }
        }
    }

    #[test]
    fn the_samples_of_a_template_fit_it(definition in definition()) {
        let template = template(definition);
        let send = with_samples(&template);
        // But for a header with several variables, which Meta approves for nobody.
        let found = check(&send, &template.definition).err().unwrap_or_default();
        let found: Vec<&Misfit> = found.iter().filter(|m| m.rule != "has several variables" && !m.rule.contains("characters")).collect();
        prop_assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn parameters_by_name_make_the_send_that_passes(definition in definition(), by_variable in any::<bool>(), seed in any::<u64>()) {
        let template = template(definition);
        let send = with_samples(&template);
        prop_assume!(check(&send, &template.definition).is_ok());
        let mut parameters = named(&send, &template.definition);
        let naming = if by_variable { Naming::Variables } else { Naming::Published };
        for parameter in &mut parameters {
            if let Some(bare) = naming.bare(&parameter.name) {
                parameter.name = bare.to_owned();
            }
        }
        if !parameters.is_empty() {
            let turn = usize::try_from(seed % 7).unwrap() % parameters.len();
            parameters.rotate_left(turn);
        }
        let fitted = fit(&template, &parameters, naming);
        prop_assert!(fitted.is_ok(), "{fitted:?} of {parameters:?}");
        prop_assert_eq!(values(&fitted.unwrap()), values(&send));
    }
}

/// The parameters of a send under their published names.
fn named(send: &TemplateSend, definition: &Definition) -> Vec<Parameter> {
    let mut all = Vec::new();
    let mut push = |place: Place, value: String| {
        all.push(Parameter { name: place.published(definition), value, filename: None });
    };
    let header = |header: &Option<HeaderParameter>| match header {
        Some(HeaderParameter::Text(value)) => Some(value.text.clone()),
        Some(HeaderParameter::File(File { source: MediaSource::Link(link) | MediaSource::Id(link), .. })) => Some(link.clone()),
        Some(HeaderParameter::Product { catalog_id, product }) => Some(format!("{catalog_id},{product}")),
        Some(HeaderParameter::Location { latitude, longitude, .. }) => Some(format!("{latitude},{longitude},[place]")),
        None => None,
    };
    let button = |value: &ButtonValue| match value {
        ButtonValue::UrlSuffix { suffix } => suffix.clone(),
        ButtonValue::CouponCode { code } | ButtonValue::OneTimeCode { code } => code.clone(),
        ButtonValue::MultiProduct { sections, .. } => sections[0].products.join(","),
        other => panic!("no sample: {other:?}"),
    };
    if let Some(value) = header(&send.header) {
        push(Place::of(Part::Header), value);
    }
    if let Some(at) = send.offer_end {
        push(Place::of(Part::OfferEnd), at.as_millis().to_string());
    }
    for (at, value) in send.body.iter().enumerate() {
        push(Place::of(Part::Body(at)), value.text.clone());
    }
    for value in &send.buttons {
        push(Place::of(Part::Button(value.index.into())), button(&value.value));
    }
    for (at, card) in send.cards.iter().enumerate() {
        let place = |part| Place { card: Some(at), part };
        if let Some(value) = header(&card.header) {
            push(place(Part::Header), value);
        }
        for (n, value) in card.body.iter().enumerate() {
            push(place(Part::Body(n)), value.text.clone());
        }
        for value in &card.buttons {
            push(place(Part::Button(value.index.into())), button(&value.value));
        }
    }
    all
}

fn own(text: &str) -> BodyDefinition {
    BodyDefinition::Own(TextDefinition::new(text, vec![]))
}

fn url() -> ButtonDefinition {
    ButtonDefinition::Url { text: "See".into(), url: "https://shop.example/t/{{1}}".into(), sample: None }
}

fn fields(definition: Definition, parameters: &[(&str, &str)], naming: Naming) -> Vec<(String, String)> {
    let parameters: Vec<Parameter> =
        parameters.iter().map(|(n, v)| Parameter { name: (*n).into(), value: (*v).into(), filename: None }).collect();
    let found = fit(&template(definition), &parameters, naming).err().unwrap_or_default();
    found.into_iter().map(|f| (f.field, f.rule)).collect()
}

fn names(definition: Definition, parameters: &[(&str, &str)]) -> Vec<String> {
    fields(definition, parameters, Naming::Published).into_iter().map(|(field, _)| field).collect()
}

#[test]
fn each_way_to_miss_a_template_names_its_parameter() {
    let two = || Definition { body: own("A {{1}} and {{2}} end."), buttons: vec![url()], ..Definition::default() };
    let good = [("body_2", "b"), ("button_1_url", "x"), ("body_1", "a")];
    assert!(names(two(), &good).is_empty());
    let with = |name: &'static str, value: &'static str| {
        let mut given = good.to_vec();
        given.retain(|(n, _)| *n != name);
        given.push((name, value));
        names(two(), &given)
    };
    assert_eq!(with("body_2", ""), ["body_2"]);
    assert_eq!(with("body_2", "a\tb"), ["body_2"]);
    assert_eq!(with("body_2", "a     b"), ["body_2"]);
    assert!(with("body_2", "a    b").is_empty(), "four blanks are allowed");
    assert_eq!(with("body_3", "x"), ["body_3"]);
    assert_eq!(with("header_image", "https://x.example/a.jpg"), ["header_image"]);
    assert_eq!(with("button_1_payload", "x"), ["button_1_payload"]);
    assert_eq!(with("button_1_url", "https://elsewhere.example/x"), ["button_1_url"]);
    assert_eq!(with("button_1_url", "https://shop.example/t/https://shop.example/t/x"), ["button_1_url"]);
    assert_eq!(with("button_1_url", "https://shop.example/t/"), ["button_1_url"], "nothing is left of it");
    assert!(with("button_1_url", "https://shop.example/t/x").is_empty());
    assert_eq!(names(two(), &good[..2]), ["body_1"]);
    assert_eq!(names(two(), &good[1..]), ["body_2"]);
    let long = "x".repeat(1_013);
    assert_eq!(names(two(), &[("body_1", "a"), ("body_2", &long), ("button_1_url", "x")]), ["body_2"]);
}

#[test]
fn every_kind_of_part_is_checked() {
    let with = |header: HeaderDefinition| Definition { header: Some(header), body: own("Hi."), ..Definition::default() };
    let image = || with(HeaderDefinition::Image { sample: None });
    assert_eq!(names(image(), &[]), ["header_image"]);
    assert_eq!(names(image(), &[("header_image", "ftp://x")]), ["header_image"]);
    assert_eq!(names(image(), &[("header_text", "x")]), ["header_image", "header_text"]);
    assert!(names(image(), &[("header_image", "1234567890")]).is_empty(), "an uploaded file goes by its id");
    let line = || with(HeaderDefinition::Text(TextDefinition::new("For {{1}}", vec![])));
    assert_eq!(names(line(), &[("header_text", &"x".repeat(57))]), ["header_text"]);
    assert_eq!(names(with(HeaderDefinition::Location), &[("header_location", "91,0")]), ["header_location"]);
    assert_eq!(names(with(HeaderDefinition::Product), &[("header_product", "7700")]), ["header_product"]);
    let button = |button| Definition { body: own("Hi."), buttons: vec![button], ..Definition::default() };
    let code = || button(ButtonDefinition::CopyCode { sample: None });
    assert_eq!(names(code(), &[("button_1_code", &"X".repeat(21))]), ["button_1_code"]);
    assert!(names(code(), &[("button_1_code", &"X".repeat(20))]).is_empty());
    assert_eq!(names(button(ButtonDefinition::MultiProduct), &[("button_1_products", " , ")]), ["button_1_products"]);
    let many = vec!["sku"; 31].join(",");
    assert_eq!(names(button(ButtonDefinition::MultiProduct), &[("button_1_products", &many)]), ["button_1_products"]);
    assert_eq!(
        names(button(ButtonDefinition::QuickReply { text: "Yes".into() }), &[("button_1_payload", &"x".repeat(129))]),
        ["button_1_payload"]
    );
}

#[test]
fn a_code_is_given_once_or_twice_the_same() {
    let login = || Definition {
        body: BodyDefinition::Authentication { add_security_recommendation: true },
        buttons: vec![ButtonDefinition::Otp { otp_type: "COPY_CODE".into(), text: None, handover: None }],
        ..Definition::default()
    };
    assert!(names(login(), &[("body_1", "482913")]).is_empty());
    assert!(names(login(), &[("button_1_code", "482913")]).is_empty());
    assert!(names(login(), &[("button_1_code", "482913"), ("body_1", "482913")]).is_empty());
    assert_eq!(names(login(), &[("button_1_code", "482913"), ("body_1", "1")]), ["body_1"]);
    assert_eq!(names(login(), &[]), ["button_1_code"]);
    assert_eq!(names(login(), &[("body_1", "1234567890123456")]), ["body_1"], "named as it was written");
}

#[test]
fn an_offer_that_ends_wants_its_end_and_shorter_texts() {
    let offer = |has_expiration| Definition {
        body: own("Only {{1}} today."),
        buttons: vec![ButtonDefinition::CopyCode { sample: None }],
        limited_time_offer: Some(LimitedTimeOffer { text: "Ends soon".into(), has_expiration }),
        ..Definition::default()
    };
    let given = [("body_1", "x"), ("button_1_code", "SAVE10"), ("offer_expiration", "1790000000000")];
    assert!(names(offer(true), &given).is_empty());
    assert_eq!(names(offer(true), &given[..2]), ["offer_expiration"]);
    assert_eq!(names(offer(false), &given), ["offer_expiration"]);
    let long = "x".repeat(600);
    assert_eq!(names(offer(false), &[("body_1", &long), ("button_1_code", "1234567890123456")]), ["body_1", "button_1_code"]);
}

#[test]
fn cards_are_checked_each_by_its_number() {
    let card = CardDefinition {
        header: HeaderDefinition::Image { sample: None },
        body: Some(TextDefinition::new("For {{1}} now.", vec![])),
        buttons: vec![url()],
    };
    let carousel = || Definition { body: own("Hi."), cards: vec![card.clone(), card.clone()], ..Definition::default() };
    let link = "https://x.example/a.jpg";
    let first = [("card_1_header_image", link), ("card_1_body_1", "x"), ("card_1_button_1_url", "x")];
    assert_eq!(names(carousel(), &first), ["card_2_header_image", "card_2_body_1", "card_2_button_1_url"]);
    let long = "x".repeat(160);
    let second = [("card_2_header_image", link), ("card_2_body_1", long.as_str()), ("card_2_button_1_url", "x")];
    assert_eq!(names(carousel(), &[&first[..], &second[..]].concat()), ["card_2_body_1"]);
    let mut send = with_samples(&template(carousel()));
    send.cards.pop();
    let found = check(&send, &carousel()).unwrap_err();
    assert_eq!(found[0].place, Place::of(Part::Cards));
}

#[test]
fn variables_are_named_as_their_object_has_them() {
    let named = || Definition {
        format: ParameterFormat::Named,
        body: own("A {{name}} and {{order}} end."),
        buttons: vec![url()],
        ..Definition::default()
    };
    let fields = |given: &[(&str, &str)]| -> Vec<String> {
        fields(named(), given, Naming::Variables).into_iter().map(|(field, _)| field).collect()
    };
    assert!(fields(&[("name", "a"), ("order", "b"), ("button_1_url", "c")]).is_empty());
    assert!(fields(&[("body_name", "a"), ("order", "b"), ("button_1_url", "c")]).is_empty());
    assert_eq!(
        fields(&[("name", "a\n"), ("body_order", ""), ("stray", "c")]),
        ["variables.name", "variables.body_order", "variables.button_1_url", "variables.stray"]
    );
}
