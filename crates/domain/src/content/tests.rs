use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read(types: serde_json::Value) -> Result<Content, Vec<FieldError>> {
    Content::read(&json!({"language": "en", "types": types}), "content")
}

fn fields(result: Result<Content, Vec<FieldError>>) -> Vec<String> {
    result.err().unwrap_or_default().into_iter().map(|f| f.field).collect()
}

#[test]
fn every_finding_names_its_field() {
    let found = fields(read(json!({
        "twilio/quick-reply": {"body": "", "actions": [{"title": "a".repeat(26), "type": "URL"}]},
        "twilio/magic": {},
        "twilio/text": {"body": "Hi", "colour": "red"},
    })));
    assert_eq!(found, ["content.types.twilio/magic", "content.types.twilio/text.colour"]);
    let found = fields(read(json!({"twilio/quick-reply": {"body": "", "actions": [{"title": "a".repeat(26), "type": "URL"}]}})));
    assert_eq!(
        found,
        [
            "content.types.twilio/quick-reply.body",
            "content.types.twilio/quick-reply.actions[0].type",
            "content.types.twilio/quick-reply.actions[0].title",
            "content.types.twilio/quick-reply.actions[0].url",
        ]
    );
}

#[test]
fn what_has_the_wrong_form_is_named_exactly_and_in_plain_words() {
    let buttons = |actions: serde_json::Value| json!({"twilio/quick-reply": {"body": "Hi", "actions": actions}});
    let code = |minutes: serde_json::Value| json!({"whatsapp/authentication": {"code_expiration_minutes": minutes, "actions": [{"type": "COPY_CODE"}]}});
    let expiry = "whatsapp/authentication.code_expiration_minutes";
    let button = "twilio/quick-reply.actions[1]";
    let flow =
        |pages: serde_json::Value| json!({"twilio/flows": {"body": "a", "button_text": "b", "type": "SURVEY", "pages": pages}});
    let cases = [
        (code(json!(256)), expiry, "must be a whole number between 1 and 90"),
        (code(json!(91)), expiry, "must be a whole number between 1 and 90"),
        (code(json!(-1)), expiry, "must be a whole number between 1 and 90"),
        (code(json!("ten")), expiry, "must be a whole number between 1 and 90"),
        (code(json!(1.5)), expiry, "must be a whole number between 1 and 90"),
        (code(json!({})), expiry, "must be a whole number between 1 and 90"),
        (json!({"twilio/text": "x"}), "twilio/text", "must be an object, not a text"),
        (json!({"twilio/text": null}), "twilio/text", "must be an object, not null"),
        (json!({"twilio/text": ["x"]}), "twilio/text", "must be an object, not a list"),
        (json!({"twilio/text": {"body": 7}}), "twilio/text.body", "must be a text, not a number"),
        (json!({"twilio/text": {"body": "expected f64", "bdy": "a"}}), "twilio/text.bdy", "is not a field here"),
        (json!({"twilio/text": {"`body`": "a"}}), "twilio/text.`body`", "is not a field here"),
        (json!({"twilio/flows": {}}), "twilio/flows.body", "is required"),
        (flow(json!([{"layout": []}])), "twilio/flows.pages[0].id", "is required"),
        (flow(json!([{"id": "p", "layout": [1]}])), "twilio/flows.pages[0].layout[0]", "must be an object, not a number"),
        (
            json!({"twilio/location": {"latitude": "abc, expected a list", "longitude": 1}}),
            "twilio/location.latitude",
            "must be a number, not a text",
        ),
        (json!({"twilio/media": {"media": "https://files.example/a.jpg"}}), "twilio/media.media", "must be a list, not a text"),
        (buttons(json!("x")), "twilio/quick-reply.actions", "must be a list, not a text"),
        (buttons(json!([{"title": "a"}, "x"])), button, "must be an object, not a text"),
        (
            buttons(json!([{"title": "a"}, {"title": "b", "type": "F`O, expected O"}])),
            "twilio/quick-reply.actions[1].type",
            "must be one of QUICK_REPLY, URL, PHONE, PHONE_NUMBER, COPY_CODE, VOICE_CALL, VOICE_CALL_REQUEST, REQUEST_CONTACT_INFO",
        ),
        (buttons(json!([{"title": "a", "type": 5}])), "twilio/quick-reply.actions[0].type", "must be a text, not a number"),
        (
            buttons(json!([{"title": "a", "type": {"URL": 1}}])),
            "twilio/quick-reply.actions[0].type",
            "must be a text, not an object",
        ),
        (
            buttons(json!([{"title": "a", "index": 256}])),
            "twilio/quick-reply.actions[0].index",
            "must be a whole number between 0 and 255",
        ),
        (buttons(json!([{"phone": "1", "phone_number": "1"}])), "twilio/quick-reply.actions[0].phone", "is given twice"),
        (
            buttons(json!([{"title": "a", "chip_list": 1}])),
            "twilio/quick-reply.actions[0].chip_list",
            "must be true or false, not a number",
        ),
    ];
    for (types, field, rule) in cases {
        let found = read(types.clone()).unwrap_err();
        assert_eq!(found.len(), 1, "{types}: {found:?}");
        assert_eq!(
            (found[0].field.as_str(), found[0].rule.as_str()),
            (format!("content.types.{field}").as_str(), rule),
            "{types}"
        );
        assert!(!found[0].remedy.is_empty() && !found[0].remedy.contains("see the reference"), "{found:?}");
    }
    let found = read(json!({"twilio/text": {"body": "a", "bdy": "b"}})).unwrap_err();
    assert_eq!(found[0].remedy, "remove it, or write `body`");
}

#[test]
fn values_fill_placeholders_once_and_samples_stand_in() {
    let mut content = read(json!({"twilio/text": {"body": "Hi {{1}}, {{ name }}! {{1}}"}})).unwrap();
    content.variables.insert("1".into(), "sample".into());
    let given = Variables::from([("name".into(), "{{1}}".into())]);
    let rendered = content.rendered(&given).unwrap();
    assert_eq!(rendered.get(&ContentType::Text), Some(&Body::Text(Text { body: "Hi sample, {{1}}! sample".into() })));
    let missing = read(json!({"twilio/text": {"body": "Hi {{1}}"}})).unwrap().rendered(&Variables::new());
    assert_eq!(missing.unwrap_err()[0].field, "variables.1");
    let broken = content.rendered(&Variables::from([("name".into(), "a\nb".into()), ("x".into(), "y".into())])).unwrap_err();
    assert_eq!(broken.iter().map(|f| f.field.as_str()).collect::<Vec<_>>(), ["variables.x", "variables.name"]);
}

#[test]
fn a_value_that_no_text_has_is_refused_though_a_sample_has_its_name() {
    let samples = json!({"1": "A", "7": "B"});
    let content = json!({"language": "en", "types": {"twilio/text": {"body": "Hello {{1}}, hi"}}, "variables": samples});
    let content = Content::read(&content, "").unwrap();
    assert!(content.rendered(&Variables::from([("1".into(), "x".into())])).is_ok(), "a stray sample alone stops nothing");
    for stray in ["7", "8"] {
        let found = content.rendered(&Variables::from([(stray.into(), "x".into())])).unwrap_err();
        assert_eq!(found.iter().map(|f| f.field.clone()).collect::<Vec<_>>(), [format!("variables.{stray}")]);
    }
}

#[test]
fn the_kind_of_a_file_that_is_a_variable_shows_once_it_is_filled_in() {
    let card = json!({"body": "x", "media": "https://files.example/{{1}}", "actions": [{"title": "Yes"}]});
    let content = read(json!({"twilio/carousel": {"body": "Hi", "cards": [card, card]}})).unwrap();
    let with = |name: &str| content.rendered(&Variables::from([("1".into(), name.into())]));
    assert!(with("a.jpg").is_ok());
    let found = with("a.pdf").unwrap_err();
    assert_eq!(found[0].field, "variables.1");
    assert!(found[0].rule.starts_with("fills twilio/carousel.cards[0].media, which then "), "{found:?}");
}

#[test]
fn a_value_that_spoils_the_filled_text_is_named() {
    let reply = |body: &str| json!({"twilio/quick-reply": {"body": body, "actions": [{"title": "Yes"}]}});
    let page = json!([{"type": "URL", "title": "See", "url": "https://shop.example/t/{{1}}"}]);
    let page = json!({"twilio/call-to-action": {"body": "Hi", "actions": page}});
    let button = json!([{"title": "See"}]);
    let carousel = |card: serde_json::Value| json!({"twilio/carousel": {"body": "Hi", "cards": [card, card]}});
    let together =
        carousel(json!({"title": "{{1}}", "body": "{{2}}", "media": "https://files.example/{{3}}.png", "actions": button}));
    let code = json!({"whatsapp/authentication": {"actions": [{"type": "COPY_CODE", "copy_code_text": "Copy"}]}});
    let (long, half) = ("a".repeat(1_100), "b".repeat(600));
    /// Types, values, the fields that are found, and words of the rule and of the remedy.
    type Case<'a> = (serde_json::Value, &'a [(&'a str, &'a str)], &'a [&'a str], &'a str, &'a str);
    let cases: [Case<'_>; 7] = [
        (
            reply("Hi {{1}}, {{2}}"),
            &[("1", &long), ("2", "x")],
            &["1"],
            "twilio/quick-reply.body, which then has 1106 ",
            "shorten the value",
        ),
        (reply("{{1}} {{2}}"), &[("1", &half), ("2", &half)], &["1", "2"], "twilio/quick-reply.body, ", "shorten the value"),
        (reply("{{1}}"), &[("1", " ")], &["1"], "twilio/quick-reply.body, which then must not be empty", "give"),
        (page, &[("1", "a b c")], &["1"], "twilio/call-to-action.actions[0].url, which then must be", "percent-encode the value"),
        (
            together.clone(),
            &[("1", "a"), ("2", &half), ("3", "c")],
            &["2", "2"],
            "twilio/carousel.cards[0].body, ",
            "shorten the value",
        ),
        (
            together,
            &[("1", "a"), ("2", "b"), ("3", "c d")],
            &["3", "3"],
            "twilio/carousel.cards[0].media, ",
            "percent-encode the value",
        ),
        (code, &[("1", "1234567890123456")], &["1"], "has 16 characters", "shorten the text"),
    ];
    for (types, given, named, rule, remedy) in cases {
        let given = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let found = read(types.clone()).unwrap().rendered(&given).unwrap_err();
        let fields: Vec<_> = found.iter().map(|f| f.field.trim_start_matches("variables.")).collect();
        assert_eq!(fields, named, "{types}: {found:?}");
        assert!(found[0].rule.contains(rule) && found[0].remedy.starts_with(remedy), "{found:?}");
    }
}

#[test]
fn names_longer_than_contents_are_found_and_refused() {
    let found = read(json!({"twilio/text": {"body": "Hi {{a_name_of_seventeen}}"}})).unwrap_err();
    assert!(found[0].field == "content.types" && found[0].rule.contains("a_name_of_seventeen"), "{found:?}");
}

#[test]
fn a_whole_address_is_refused_where_only_its_end_is_wanted() {
    let action = json!({"type": "URL", "title": "See", "url": "https://shop.example/t/{{1}}"});
    let content = read(json!({"twilio/call-to-action": {"body": "Hi", "actions": [action]}})).unwrap();
    let with = |value: &str| content.rendered(&Variables::from([("1".into(), value.into())]));
    assert!(with("8812?back=shop").is_ok());
    let found = with("https://shop.example/t/8812").unwrap_err();
    assert_eq!(found[0].field, "variables.1");
}

#[test]
fn content_survives_the_store() {
    let content = read(json!({
        "twilio/card": {"title": "Hi {{1}}", "subtitle": "foot", "actions": [{"type": "PHONE", "title": "Call", "phone": "+4915112345678"}]},
        "whatsapp/authentication": {"code_expiration_minutes": "30", "actions": [{"type": "COPY_CODE", "copy_code_text": "Copy"}]},
    }))
    .unwrap();
    let text = serde_json::to_string(&content).unwrap();
    assert_eq!(serde_json::from_str::<Content>(&text).unwrap(), content);
}

#[test]
fn languages_are_folded_into_metas_form() {
    assert_eq!(Language::parse("pt-br").unwrap().as_str(), "pt_BR");
    assert_eq!(Language::parse("FIL").unwrap().as_str(), "fil");
    for bad in ["", "e", "english", "en_", "en_USAUSA", "e1"] {
        assert!(Language::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_scanner_panic_and_nothing_is_lost(text in "[{} a1é_\\n]{0,60}") {
        let again: String = pieces(&text).iter().map(|p| match p {
            Piece::Plain(plain) => (*plain).to_owned(),
            Piece::Variable(name) => format!("{{{{{name}}}}}"),
        }).collect();
        let squeezed = |t: &str| t.replace([' ', '\n'], "");
        prop_assert_eq!(squeezed(&again), squeezed(&text));
    }

    #[test]
    fn no_json_makes_the_reader_panic(body in ".{0,30}", link in ".{0,30}", n in 0usize..12) {
        let actions: Vec<_> = (0..n).map(|_| json!({"type": "URL", "title": body, "url": link})).collect();
        let _ = read(json!({"twilio/call-to-action": {"body": body, "actions": actions}, "twilio/media": {"media": [link]}}));
    }
}
