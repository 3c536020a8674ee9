//! Forms as they are written, every component once; and what cannot be written, named by its page and component.

use proptest::prelude::*;
use serde::Deserialize;

use super::component::input_name;
use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nand so on";

fn flows(pages: Value) -> Flows {
    Flows::deserialize(json!({"body": "Buchen", "button_text": "Los", "type": "APPOINTMENT_BOOKING", "pages": pages})).unwrap()
}

fn pictures() -> Pictures {
    Pictures::from([
        ("https://x.example/a.png".to_owned(), PNG.to_vec()),
        ("https://x.example/b.gif".to_owned(), b"GIF89a".to_vec()),
        ("https://x.example/c.png".to_owned(), [PNG, &vec![0; 400 * 1_024]].concat()),
    ])
}

fn written(pages: Value, samples: &Variables) -> Value {
    let made = from_pages(&flows(pages), samples, &pictures()).unwrap();
    let json: Value = serde_json::from_str(&made.text).unwrap();
    assert_eq!(json["screens"][0]["id"], json!(made.first_screen));
    json
}

fn form(children: Value) -> Value {
    json!({"type": "SingleColumnLayout", "children": [{"type": "Form", "name": "form", "children": children}]})
}

#[test]
fn pages_become_screens_and_every_answer_is_handed_over_at_the_end() {
    let made = written(
        json!([
            {"id": "wann", "title": "Wann?", "subtitle": "Ihr Termin", "next_page_id": "wer_2", "layout": [
                {"type": "TEXT_HEADING", "text": "Bitte wählen"}, {"type": "MEDIA", "url": "https://x.example/a.png"},
                {"type": "DATE_PICKER", "label": "Tag", "min_date": "2026-12-01", "max_date": "2026-12-31", "text": "Werktags",
                    "unavailable_dates": "[\"2026-12-24\"]"},
                {"type": "LIST", "label": "Uhrzeit", "required": true, "text": "Zur vollen Stunde",
                    "options": "[{\"id\":\"8\",\"title\":\"8 Uhr\"}]"},
                {"type": "FOOTER", "label": "Weiter"}]},
            {"id": "wer_2", "title": "Wer?", "next_page_id": "regeln", "layout": [
                {"type": "TEXT_SUBHEADING", "text": "Zu Ihnen"}, {"type": "TEXT_BODY", "text": "Kurz."},
                {"type": "SHORT_TEXT", "label": "Ihr Name", "input_type": "TEXT", "required": "true", "text": "Vor- und Nachname"},
                {"type": "LONG_TEXT", "label": "姓", "text": "Frei"},
                {"type": "SINGLE_SELECT", "label": "Tag", "text": "Einer", "options": [{"id": "a", "title": "A"}]},
                {"type": "MULTIPLE_SELECT", "label": "Wünsche", "options": [{"id": "b", "title": "B", "description": "bb"}]},
                {"type": "OPT_IN", "label": "Ja, bitte", "required": false, "name": "ja"},
                {"type": "RICH_TEXT", "text_list": ["Eins", "**Zwei**"]}, {"type": "TEXT_CAPTION", "text": "Klein"}]},
            {"id": "regeln", "layout": [{"type": "RICH_TEXT", "text_list": "[\"# Regeln\", \"| a | b |\"]"}]}
        ]),
        &Variables::new(),
    );
    let navigate = |name: &str| json!({"name": "navigate", "next": {"type": "screen", "name": name}, "payload": {}});
    let complete = json!({"name": "complete", "payload": {
        "tag": "${screen.WANN.form.tag}", "uhrzeit": "${screen.WANN.form.uhrzeit}", "ihr_name": "${screen.WER_C.form.ihr_name}",
        "field": "${screen.WER_C.form.field}", "tag_2": "${screen.WER_C.form.tag_2}", "w_nsche": "${screen.WER_C.form.w_nsche}",
        "ja": "${screen.WER_C.form.ja}"}});
    assert_eq!(
        made,
        json!({"version": "7.1", "screens": [
            {"id": "WANN", "title": "Wann?", "layout": form(json!([
                {"type": "TextSubheading", "text": "Ihr Termin"}, {"type": "TextHeading", "text": "Bitte wählen"},
                {"type": "Image", "src": "iVBORw0KGgphbmQgc28gb24=", "scale-type": "contain"},
                {"type": "DatePicker", "name": "tag", "label": "Tag", "required": false, "helper-text": "Werktags",
                    "min-date": "2026-12-01", "max-date": "2026-12-31", "unavailable-dates": ["2026-12-24"]},
                {"type": "TextCaption", "text": "Zur vollen Stunde"},
                {"type": "Dropdown", "name": "uhrzeit", "label": "Uhrzeit", "required": true,
                    "data-source": [{"id": "8", "title": "8 Uhr"}]},
                {"type": "Footer", "label": "Weiter", "on-click-action": navigate("WER_C")}]))},
            {"id": "WER_C", "title": "Wer?", "layout": form(json!([
                {"type": "TextSubheading", "text": "Zu Ihnen"}, {"type": "TextBody", "text": "Kurz."},
                {"type": "TextInput", "name": "ihr_name", "label": "Ihr Name", "required": true, "input-type": "text",
                    "helper-text": "Vor- und Nachname"},
                {"type": "TextArea", "name": "field", "label": "姓", "required": false, "helper-text": "Frei"},
                {"type": "RadioButtonsGroup", "name": "tag_2", "label": "Tag", "required": false, "description": "Einer",
                    "data-source": [{"id": "a", "title": "A"}]},
                {"type": "CheckboxGroup", "name": "w_nsche", "label": "Wünsche", "required": false,
                    "data-source": [{"id": "b", "title": "B", "description": "bb"}]},
                {"type": "OptIn", "name": "ja", "label": "Ja, bitte", "required": false},
                {"type": "TextBody", "text": ["Eins", "**Zwei**"], "markdown": true}, {"type": "TextCaption", "text": "Klein"},
                {"type": "Footer", "label": "Continue", "on-click-action": navigate("REGELN")}]))},
            {"id": "REGELN", "title": "Los", "terminal": true, "success": true, "layout": form(json!([
                {"type": "RichText", "text": ["# Regeln", "| a | b |"]},
                {"type": "Footer", "label": "Done", "on-click-action": complete}]))},
        ]})
    );
}

#[test]
fn what_is_entered_on_the_last_page_is_its_own_forms() {
    let made = written(
        json!([{"id": "a", "layout": [{"type": "SHORT_TEXT", "label": "Mail", "input_type": "EMAIL"}]}]),
        &Variables::new(),
    );
    let action = &made["screens"][0]["layout"]["children"][0]["children"][1]["on-click-action"];
    assert_eq!(*action, json!({"name": "complete", "payload": {"mail": "${form.mail}"}}));
}

#[test]
fn variables_come_with_the_send_and_are_handed_on_to_where_they_are_shown() {
    let samples = Variables::from([("name".into(), "Ana".into()), ("2".into(), "8812".into())]);
    let made = written(
        json!([
            {"id": "a", "next_page_id": "b", "layout": [{"type": "TEXT_HEADING", "text": "{{name}}"}]},
            {"id": "b", "next_page_id": "c", "layout": [{"type": "TEXT_BODY", "text": "It's {{name}}'s {{2}}."}]},
            {"id": "c", "layout": [{"type": "SHORT_TEXT", "label": "Code {{2}}"}]}
        ]),
        &samples,
    );
    let example = |text: &str| json!({"type": "string", "__example__": text});
    let child = |screen: usize, at: usize| &made["screens"][screen]["layout"]["children"][0]["children"][at];
    assert_eq!(made["screens"][0]["data"], json!({"v_2": example("8812"), "v_name": example("Ana")}));
    assert_eq!(made["screens"][2]["data"], json!({"v_2": example("8812")}));
    assert_eq!(child(0, 0)["text"], "${data.v_name}");
    assert_eq!(child(1, 0)["text"], r"`'It\'s ' ${data.v_name} '\'s ' ${data.v_2} '.'`");
    assert_eq!(child(2, 0)["label"], "`'Code ' ${data.v_2}`");
    assert_eq!(child(0, 1)["on-click-action"]["payload"], json!({"v_2": "${data.v_2}", "v_name": "${data.v_name}"}));
    assert_eq!(child(1, 1)["on-click-action"]["payload"], json!({"v_2": "${data.v_2}"}));
}

#[test]
fn a_template_is_created_with_its_form() {
    let flows = flows(json!([{"id": "success", "layout": [{"type": "TEXT_BODY", "text": "Hi"}]}]));
    let body = Body::Flows(flows);
    let mut definition = transom_domain::translate::to_definition(&body, &Variables::new()).unwrap();
    fill(&mut definition, &body, &Variables::new(), &Pictures::new()).unwrap();
    let [ButtonDefinition::Flow { flow_json: Some(text), navigate_screen, .. }] = definition.buttons.as_slice() else {
        panic!("{definition:?}")
    };
    let json: Value = serde_json::from_str(text).unwrap();
    // Meta keeps the word for itself.
    assert_eq!((json["screens"][0]["id"].as_str(), navigate_screen.as_deref()), (Some("SUCCESSX"), Some("SUCCESSX")));
}

fn findings(pages: Value) -> Vec<(String, String)> {
    let found = from_pages(&flows(pages), &Variables::new(), &pictures()).unwrap_err();
    found.into_iter().map(|f| (f.field, f.rule)).collect()
}

#[test]
fn what_cannot_be_written_is_named() {
    let long = |most: usize| "x".repeat(most + 1);
    let option = |n: usize| json!({"id": n.to_string(), "title": "x"});
    let many: Vec<Value> = (0..21).map(option).collect();
    let more: Vec<Value> = (0..201).map(option).collect();
    let cases = [
        (json!({"type": "HOLOGRAM"}), "type"),
        (json!({"type": "TEXT_BODY"}), "text"),
        (json!({"type": "TEXT_BODY", "text": "x", "colour": "red"}), "colour"),
        (json!({"type": "TEXT_HEADING", "text": long(80)}), "text"),
        (json!({"type": "TEXT_CAPTION", "text": long(409)}), "text"),
        (json!({"type": "TEXT_BODY", "text": "${data.x}"}), "text"),
        (json!({"type": "TEXT_BODY", "text": "{{a.b}}"}), "text"),
        (json!({"type": "TEXT_BODY", "text": "a `{{b}}`"}), "text"),
        (json!({"type": "SHORT_TEXT"}), "label"),
        (json!({"type": "SHORT_TEXT", "label": long(20)}), "label"),
        (json!({"type": "SHORT_TEXT", "label": "a", "text": long(80)}), "text"),
        (json!({"type": "SHORT_TEXT", "label": "a", "input_type": "FAX"}), "input_type"),
        (json!({"type": "SHORT_TEXT", "label": "a", "required": "perhaps"}), "required"),
        (json!({"type": "LIST", "label": "b", "options": "no list"}), "options"),
        (json!({"type": "LIST", "label": "c", "options": [{"id": "1"}]}), "options[0]"),
        (json!({"type": "LIST", "label": "c", "options": more}), "options"),
        (json!({"type": "SINGLE_SELECT", "label": "c", "options": many}), "options"),
        (json!({"type": "MULTI_SELECT", "label": "c", "options": [option(1), option(1)]}), "options[1].id"),
        (json!({"type": "MULTI_SELECT", "label": "c", "options": [{"id": "1", "title": long(30)}]}), "options[0].title"),
        (json!({"type": "MULTI_SELECT", "label": "c", "options": [{"id": "1", "title": "{{1}}"}]}), "options[0].title"),
        (json!({"type": "DATE_PICKER", "label": "d", "min_date": "24.12.2026"}), "min_date"),
        (json!({"type": "DATE_PICKER", "label": "d", "min_date": "2026-12-24", "max_date": "2026-12-01"}), "max_date"),
        (json!({"type": "DATE_PICKER", "label": "d", "unavailable_dates": "[\"soon\"]"}), "unavailable_dates"),
        (json!({"type": "OPT_IN", "label": long(120)}), "label"),
        (json!({"type": "RICH_TEXT", "text_list": [1]}), "text_list"),
        (json!({"type": "MEDIA"}), "url"),
        (json!({"type": "MEDIA", "url": "https://x.example/lost.png"}), "url"),
        (json!({"type": "MEDIA", "url": "https://x.example/b.gif"}), "url"),
        (json!({"type": "MEDIA", "url": "https://x.example/c.png"}), "url"),
        (json!({"type": "FOOTER", "label": long(35)}), "label"),
    ];
    for (component, field) in cases {
        let page = |layout: Value| json!({"id": "b", "layout": layout});
        let pages =
            json!([{"id": "a", "next_page_id": "b", "layout": []}, page(json!([{"type": "TEXT_BODY", "text": "x"}, component]))]);
        let fields: Vec<String> = findings(pages).into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, [format!("pages[1].layout[1].{field}")], "{component}");
    }
    let pages = |component: Value, times: usize| json!([{"id": "a", "layout": vec![component; times]}]);
    for (component, most) in [
        (json!({"type": "MEDIA", "url": "https://x.example/a.png"}), 3),
        (json!({"type": "OPT_IN", "label": "Yes"}), 5),
        (json!({"type": "TEXT_BODY", "text": "x"}), 48),
    ] {
        assert!(from_pages(&flows(pages(component.clone(), most)), &Variables::new(), &pictures()).is_ok(), "{component}");
        assert_eq!(findings(pages(component, most + 1))[0].0, "pages[0].layout");
    }
    let footer = json!({"type": "FOOTER", "label": "Go"});
    assert_eq!(findings(pages(footer, 2))[0].0, "pages[0].layout[1].type");
    let rich = json!([{"id": "a", "subtitle": "x", "layout": [{"type": "RICH_TEXT", "text_list": ["# Big"]}]}]);
    assert_eq!(findings(rich)[0].0, "pages[0].layout[0].text_list");
}

#[test]
fn pages_that_are_not_on_the_way_are_named() {
    let page = |id: &str, next: Option<&str>| json!({"id": id, "next_page_id": next, "layout": []});
    assert_eq!(
        findings(json!([page("a", Some("z"))])),
        [("pages[0].next_page_id".to_owned(), "\"z\" is no page, or one that was shown before".to_owned())]
    );
    assert_eq!(
        findings(json!([page("a", Some("b")), page("b", Some("a"))])),
        [("pages[1].next_page_id".to_owned(), "\"a\" is no page, or one that was shown before".to_owned())]
    );
    assert_eq!(
        findings(json!([page("a", None), page("b", None)])),
        [("pages[1].id".to_owned(), "\"b\" is never shown".to_owned())]
    );
    assert_eq!(findings(json!([page("a", None), page("a", None)]))[0].0, "pages[1].id");
    assert_eq!(findings(json!([])), [("pages".to_owned(), "must hold at least one page".to_owned())]);
}

#[test]
fn the_pictures_to_fetch_are_told() {
    let flows = flows(json!([{"id": "a", "layout": [
        {"type": "media", "url": "https://x.example/a.png"}, {"type": "MEDIA", "url": "https://x.example/a.png"},
        {"type": "TEXT_BODY", "text": "https://x.example/b.png"}]}]));
    assert_eq!(picture_links(&flows), BTreeSet::from(["https://x.example/a.png".to_owned()]));
}

proptest! {
    #[test]
    fn names_are_unique_and_proper(labels in prop::collection::vec("[a-b1 é_]{0,4}", 0..30)) {
        let mut used = BTreeSet::new();
        let names: Vec<String> = labels.iter().map(|label| input_name(label, &mut used)).collect();
        prop_assert_eq!(used.len(), names.len());
        for name in names {
            prop_assert!(name.starts_with(|c: char| c.is_ascii_lowercase()));
            prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
        }
    }
}
