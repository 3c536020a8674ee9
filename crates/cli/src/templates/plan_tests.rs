//! Files and Meta held against each other: by examples, by every kept template, and by definitions of every make.

use std::path::Path;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use transom_domain::template::{App, Category, FooterDefinition, Handover, LimitedTimeOffer};

use super::*;
use crate::templates::file::{self, TemplateFile};
use crate::templates::remote;

fn language(code: &str) -> Language {
    Language::parse(code).unwrap()
}

/// A template as our API shows it.
fn view(name: &str, language: &Language, wanted: &Wanted, status: &str) -> Value {
    let printed = transom_meta::templates::to_create(name, language, wanted.category, &wanted.definition);
    let format = if wanted.definition.format == ParameterFormat::Named { "NAMED" } else { "POSITIONAL" };
    json!({
        "id": "1", "name": name, "language": language.as_str(), "category": wanted.category.as_str(), "status": status,
        "reason": null, "parameterFormat": format, "components": printed["components"],
        "messageSendTtlSeconds": wanted.ttl_seconds, "underReview": null,
    })
}

fn standing(name: &str, code: &str, wanted: &Wanted, status: &str) -> Standing {
    remote::standing(&view(name, &language(code), wanted, status)).unwrap()
}

fn placed(name: &str, languages: &BTreeMap<Language, Wanted>) -> BTreeMap<Key, Placed> {
    let place = |(language, wanted): (&Language, &Wanted)| {
        ((name.to_owned(), language.clone()), Placed { file: format!("{name}.toml"), wanted: wanted.clone() })
    };
    languages.iter().map(place).collect()
}

/// Meta shows samples under other addresses at every reading.
fn with_other_samples(mut standing: Standing) -> Standing {
    let definition = &mut standing.template.definition;
    for header in definition.header.iter_mut().chain(definition.cards.iter_mut().map(|card| &mut card.header)) {
        if let HeaderDefinition::Image { sample } | HeaderDefinition::Video { sample } | HeaderDefinition::Document { sample } =
            header
        {
            *sample = Some("https://cdn.example/another?ccb=2".to_owned());
        }
    }
    standing
}

/// Pull, write, read, plan: nothing is to be done, and pulling again writes nothing else.
fn assert_at_rest(name: &str, at_meta: &BTreeMap<Language, Standing>) {
    let by_language = |all: &BTreeMap<Language, Standing>| -> BTreeMap<Key, Standing> {
        all.iter().map(|(language, standing)| ((name.to_owned(), language.clone()), standing.clone())).collect()
    };
    let borrowed: BTreeMap<Language, &Standing> = at_meta.iter().map(|(language, s)| (language.clone(), s)).collect();
    let languages = pulled(None, &borrowed, false);
    let text = print::file(&TemplateFile { name: name.to_owned(), languages });
    let read = file::read(&text).unwrap_or_else(|why| panic!("{why:?}\n{text}"));
    assert_eq!(print::file(&read), text);
    let later: BTreeMap<Language, Standing> =
        at_meta.iter().map(|(language, s)| (language.clone(), with_other_samples(s.clone()))).collect();
    for seen in [at_meta, &later] {
        let steps = steps(&placed(name, &read.languages), &by_language(seen), true);
        assert!(steps.iter().all(|step| step.action == Action::Keep), "{steps:#?}\n{text}");
        let borrowed: BTreeMap<Language, &Standing> = seen.iter().map(|(language, s)| (language.clone(), s)).collect();
        assert_eq!(pulled(Some(&read.languages), &borrowed, true), read.languages);
    }
}

fn word() -> impl Strategy<Value = String> {
    prop_oneof![5 => "[A-Za-z][a-z ]{0,12}[a-z]", 1 => "[a-z\"'\\\\#={}\\[\\]é🙂\u{200b}\u{0}\t]{1,8}"]
}

fn text(format: ParameterFormat) -> impl Strategy<Value = TextDefinition> {
    let names: &[&str] = match format {
        ParameterFormat::Positional => &["1", "2", "3"],
        ParameterFormat::Named => &["name", "first_name", "order"],
    };
    let piece = prop_oneof![
        4 => word(),
        2 => select(vec!["\n", "\n\n", "\"\"\"", "\\", "*", " {{ }} ", "\r\n", "'''"]).prop_map(str::to_owned),
        4 => select(names.to_vec()).prop_map(|name| format!(" {{{{{name}}}}} ")),
    ];
    (vec(piece, 0..8), vec(word(), 0..4), any::<bool>()).prop_map(|(pieces, list, full)| {
        let mut text = TextDefinition::new(format!("A{}", pieces.concat()), Vec::new());
        let names = text.names().into_iter().map(str::to_owned).collect::<Vec<_>>();
        text.samples = if full { names.iter().map(|name| format!("of {name}")).collect() } else { list };
        text
    })
}

fn header(format: ParameterFormat) -> impl Strategy<Value = HeaderDefinition> {
    let sample = || {
        option::of(prop_oneof![
            Just("4::aW1hZ2U=".to_owned()),
            Just("https://cdn.example/a".to_owned()),
            word().prop_map(|path| format!("file:{path}"))
        ])
    };
    prop_oneof![
        2 => text(format).prop_map(HeaderDefinition::Text),
        1 => sample().prop_map(|sample| HeaderDefinition::Image { sample }),
        1 => sample().prop_map(|sample| HeaderDefinition::Video { sample }),
        1 => sample().prop_map(|sample| HeaderDefinition::Document { sample }),
        1 => Just(HeaderDefinition::Location),
        1 => Just(HeaderDefinition::Product),
    ]
}

fn handover() -> impl Strategy<Value = Option<Handover>> {
    let app = (word(), word()).prop_map(|(package_name, signature_hash)| App { package_name, signature_hash });
    (option::of(word()), vec(app, 0..3), any::<bool>()).prop_map(|(autofill_text, apps, zero_tap_terms_accepted)| {
        Some(Handover { autofill_text, apps, zero_tap_terms_accepted }).filter(|h| *h != Handover::default())
    })
}

fn button() -> impl Strategy<Value = ButtonDefinition> {
    let maybe = || option::of(word());
    prop_oneof![
        word().prop_map(|text| ButtonDefinition::QuickReply { text }),
        (word(), any::<bool>(), maybe()).prop_map(|(text, open, sample)| ButtonDefinition::Url {
            text,
            url: if open { "https://shop.example/{{1}}".into() } else { "https://shop.example/".into() },
            sample,
        }),
        (word(), "[0-9]{4,9}").prop_map(|(text, phone)| ButtonDefinition::PhoneNumber { text, phone }),
        maybe().prop_map(|sample| ButtonDefinition::CopyCode { sample }),
        (select(vec!["COPY_CODE", "ONE_TAP", "ZERO_TAP"]), maybe(), handover())
            .prop_map(|(otp_type, text, handover)| { ButtonDefinition::Otp { otp_type: otp_type.into(), text, handover } }),
        (word(), maybe(), maybe(), maybe(), option::of(select(vec!["navigate", "data_exchange"])), maybe()).prop_map(
            |(text, flow_id, flow_name, flow_json, flow_action, navigate_screen)| ButtonDefinition::Flow {
                text,
                flow_id,
                flow_name,
                flow_json,
                flow_action: flow_action.map(str::to_owned),
                navigate_screen,
            }
        ),
        Just(ButtonDefinition::Catalog),
        Just(ButtonDefinition::MultiProduct),
        Just(ButtonDefinition::SingleProduct),
        (word(), option::of(1..40_000_u32)).prop_map(|(text, ttl_minutes)| ButtonDefinition::VoiceCall { text, ttl_minutes }),
        Just(ButtonDefinition::RequestContactInfo),
    ]
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let formats = vec![ParameterFormat::Positional, ParameterFormat::Named];
    let categories = vec![Category::Marketing, Category::Utility, Category::Authentication];
    (select(formats), select(categories)).prop_flat_map(|(format, category)| {
        // The words around a code are Meta's in that category alone.
        let for_codes = if category == Category::Authentication { 5 } else { 0 };
        let card = (header(format), option::of(text(format)), vec(button(), 0..3));
        let card = card.prop_map(|(header, body, buttons)| CardDefinition { header, body, buttons });
        let body = prop_oneof![
            5 => text(format).prop_map(BodyDefinition::Own),
            for_codes => any::<bool>().prop_map(|add| BodyDefinition::Authentication { add_security_recommendation: add }),
        ];
        let footer = prop_oneof![
            word().prop_map(|text| FooterDefinition::Text { text }),
            (1..=90_u8).prop_map(|minutes| FooterDefinition::CodeExpiration { minutes })
        ];
        let offer = (word(), any::<bool>()).prop_map(|(text, has_expiration)| LimitedTimeOffer { text, has_expiration });
        let parts = (option::of(header(format)), body, option::of(footer), vec(button(), 0..4), vec(card, 0..3));
        (parts, option::of(offer), any::<bool>(), option::of(30..43_200_i64)).prop_map(
            move |((header, body, footer, buttons, cards), limited_time_offer, call_permission_request, ttl_seconds)| {
                let definition =
                    Definition { format, header, body, footer, buttons, cards, limited_time_offer, call_permission_request };
                Wanted { category, definition, ttl_seconds }
            },
        )
    })
}

fn languages() -> impl Strategy<Value = BTreeMap<Language, Wanted>> {
    btree_map(select(vec!["en_US", "de", "pt_BR", "fil"]).prop_map(language), wanted(), 1..3)
}

proptest! {
    #[test]
    fn a_file_says_all_that_a_definition_says(languages in languages(), name in "[a-z_0-9]{1,20}") {
        let template = TemplateFile { name, languages };
        let text = print::file(&template);
        prop_assert_eq!(file::read(&text).unwrap_or_else(|why| panic!("{why:?}\n{text}")), template);
    }

    #[test]
    fn after_a_pull_nothing_is_to_be_done(languages in languages()) {
        let at_meta: BTreeMap<Language, Standing> = languages
            .iter()
            .map(|(language, wanted)| (language.clone(), standing("order", language.as_str(), wanted, "APPROVED")))
            .collect();
        assert_at_rest("order", &at_meta);
    }

    #[test]
    fn what_an_apply_leaves_at_meta_is_what_the_file_says(languages in languages()) {
        // Meta has what was sent to it, in its own writing; what it does not show cannot be held against it.
        let at_meta: BTreeMap<Key, Standing> = languages
            .iter()
            .map(|(language, wanted)| {
                (("order".to_owned(), language.clone()), standing("order", language.as_str(), wanted, "PENDING"))
            })
            .filter(|((_, language), standing)| {
                // Old templates of that category have words of their own, which are told by what stands beside them.
                let is_code = matches!(languages[language].definition.body, BodyDefinition::Authentication { .. });
                let read_as_code = matches!(standing.template.definition.body, BodyDefinition::Authentication { .. });
                is_code == read_as_code
            })
            .collect();
        let wanted: BTreeMap<Key, Placed> =
            placed("order", &languages).into_iter().filter(|(key, _)| at_meta.contains_key(key)).collect();
        for step in steps(&wanted, &at_meta, true) {
            let read = &at_meta[&(step.name.clone(), step.language.clone())].template.definition;
            // A footer that only looks like minutes is read as minutes.
            if read.footer == languages[&step.language].definition.footer {
                prop_assert_eq!(step.action, Action::Keep, "{:?}", step);
            }
        }
    }
}

#[test]
fn after_a_pull_of_every_kept_template_nothing_is_to_be_done() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/templates");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let cases: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in cases {
            let Ok(read) = transom_meta::templates::read_request(&case["request"]) else { continue };
            let wanted = Wanted { category: read.category, definition: read.definition, ttl_seconds: read.ttl_seconds };
            let at_meta = standing(&read.name, read.language.as_str(), &wanted, "APPROVED");
            assert_at_rest(&read.name, &BTreeMap::from([(read.language, at_meta)]));
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen} templates are too few");
}

fn saying(text: &str) -> Wanted {
    let body = BodyDefinition::Own(TextDefinition::new(text, Vec::new()));
    Wanted { category: Category::Utility, definition: Definition { body, ..Definition::default() }, ttl_seconds: None }
}

fn of(list: &[(&str, &str, &Wanted)]) -> BTreeMap<Key, Placed> {
    list.iter().flat_map(|(name, code, wanted)| placed(name, &BTreeMap::from([(language(code), (*wanted).clone())]))).collect()
}

fn at_meta(list: &[(&str, &str, &Wanted, &str)]) -> BTreeMap<Key, Standing> {
    let one = |(name, code, wanted, status): &(&str, &str, &Wanted, &str)| {
        (((*name).to_owned(), language(code)), standing(name, code, wanted, status))
    };
    list.iter().map(one).collect()
}

#[test]
fn each_difference_is_a_step() {
    let (old, new) = (saying("Your order\nis packed."), saying("Your order\nis on its way."));
    let wanted = of(&[("a", "en", &old), ("b", "en", &new), ("c", "en", &old), ("d", "en", &new)]);
    let standing = at_meta(&[
        ("a", "en", &old, "APPROVED"),
        ("b", "en", &old, "APPROVED"),
        ("b", "de", &old, "APPROVED"),
        ("d", "en", &new, "PENDING_DELETION"),
        ("e", "en", &old, "DISABLED"),
        ("f", "en", &old, "PENDING_DELETION"),
    ]);
    let told = |prune: bool| -> Vec<(String, Action, bool)> {
        let steps = steps(&wanted, &standing, prune);
        steps.iter().map(|s| (format!("{} {}", s.name, s.language), s.action, s.blocked.is_some())).collect()
    };
    let step = |what: &str, action, blocked| (what.to_owned(), action, blocked);
    let mut expected = vec![
        step("a en", Action::Keep, false),
        step("b en", Action::Edit, false),
        step("c en", Action::Create, false),
        // What is on its way out has to be made again, and the outlook says when that is possible.
        step("d en", Action::Create, false),
    ];
    let only = [step("b de", Action::OnlyAtMeta, false), step("e en", Action::OnlyAtMeta, false)];
    assert_eq!(told(false), [expected.clone(), only.to_vec()].concat());
    expected.extend([step("b de", Action::Delete, false), step("e en", Action::Delete, true)]);
    assert_eq!(told(true), expected);
    let edit = &steps(&wanted, &standing, false)[1];
    assert_eq!(edit.changes, ["body"]);
    assert_eq!(edit.difference, ["- is packed.\"\"\"", "+ is on its way.\"\"\""]);
}

#[test]
fn what_is_under_review_counts_before_what_is_in_force() {
    let (old, new) = (saying("Your order is packed."), saying("Your order is on its way."));
    let mut view = view("a", &language("en"), &old, "PENDING");
    view["underReview"] = json!({ "version": 2, "components": [{ "type": "BODY", "text": "Your order is on its way." }] });
    let standing = BTreeMap::from([(("a".to_owned(), language("en")), remote::standing(&view).unwrap())]);
    assert_eq!(steps(&of(&[("a", "en", &new)]), &standing, false)[0].action, Action::Keep);
    assert_eq!(steps(&of(&[("a", "en", &old)]), &standing, false)[0].action, Action::Edit);
}

#[test]
fn samples_make_no_difference_and_details_of_buttons_do() {
    let with = |header_sample: Option<&str>, form: &str| {
        let mut wanted = saying("Book a table.");
        wanted.definition.header = Some(HeaderDefinition::Image { sample: header_sample.map(str::to_owned) });
        wanted.definition.buttons = vec![ButtonDefinition::Flow {
            text: "Book".into(),
            flow_id: Some(form.into()),
            flow_name: None,
            flow_json: None,
            flow_action: None,
            navigate_screen: None,
        }];
        wanted
    };
    let standing = standing("a", "en", &with(Some("https://cdn.example/1"), "7"), "APPROVED");
    assert_eq!(changes(&with(Some("file:logo.png"), "7"), &standing), Vec::<&str>::new());
    assert_eq!(changes(&with(None, "8"), &standing), ["buttons"]);
    // A pull that has to write keeps the author's sample.
    let known = BTreeMap::from([(language("en"), with(Some("file:logo.png"), "8"))]);
    let pulled = pulled(Some(&known), &BTreeMap::from([(language("en"), &standing)]), false);
    assert_eq!(pulled[&language("en")], with(Some("file:logo.png"), "7"));
}

#[test]
fn names_of_variables_make_a_difference() {
    let named = |name: &str| {
        let mut wanted = saying(&format!("Hi {{{{{name}}}}}, your order is packed."));
        wanted.definition.format = ParameterFormat::Named;
        wanted
    };
    let standing = standing("a", "en", &named("first_name"), "APPROVED");
    assert_eq!(changes(&named("first_name"), &standing), Vec::<&str>::new());
    assert_eq!(changes(&named("name"), &standing), ["body"]);
    assert_eq!(changes(&saying("Hi {{1}}, your order is packed."), &standing), ["parameter_format", "body"]);
}

#[test]
fn creations_beyond_an_hours_worth_wait() {
    let text = saying("Your order is packed.");
    let wanted: BTreeMap<Key, Placed> =
        (0..103).flat_map(|n| placed(&format!("t{n:03}"), &BTreeMap::from([(language("en"), text.clone())]))).collect();
    let steps = steps(&wanted, &BTreeMap::new(), false);
    let waiting: Vec<&str> = steps.iter().filter(|step| step.blocked.is_some()).map(|step| step.name.as_str()).collect();
    assert_eq!(waiting, ["t100", "t101", "t102"]);
}

#[test]
fn a_change_by_others_is_drift() {
    let history = |lines: &[(&str, &str)]| -> Option<String> {
        let happened =
            |(by, change): &(&str, &str)| Happened { at: "2026-01-01".into(), by: (*by).into(), change: (*change).into() };
        drift(&lines.iter().map(happened).collect::<Vec<_>>()).map(|drift| format!("{} {}", drift.by, drift.change))
    };
    assert_eq!(history(&[("elsewhere", "edited"), ("key:1", "created")]).as_deref(), Some("elsewhere edited"));
    assert_eq!(history(&[("meta", "status"), ("meta", "category"), ("key:1", "created")]).as_deref(), Some("meta category"));
    // Edited here since, or only found: the difference is the file's.
    assert_eq!(history(&[("key:1", "edited"), ("elsewhere", "edited")]), None);
    assert_eq!(history(&[("elsewhere", "found")]), None);
    assert_eq!(history(&[]), None);
}
