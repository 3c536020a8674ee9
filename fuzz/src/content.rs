//! Content, templates, placeholders and forms: everything that becomes a text on a customer's phone.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use transom_domain::address::Phone;
use transom_domain::content::{Body, Content, Flows, Language, Piece, pieces, placeholders, render_text};
use transom_domain::free_form::FreeForm;
use transom_domain::parameters::{Naming, Parameter, fit};
use transom_domain::template::Definition;
use transom_domain::{lint, translate};
use transom_meta::send::{Envelope, Recipient};
use transom_meta::{flow_json, templates};

/// Longest request that is shown to the simulator's reader: it bounds some texts that Meta's pages give no bound for.
const REQUEST_MAX: usize = 4 * 1024;

/// A session message that passed our checks is one that Graph can read.
pub(crate) fn leaves(say: &FreeForm) {
    let Ok(phone) = Phone::parse("+4915112345678") else { return };
    let around = Envelope { recipient: Recipient::To(&phone), context: None, callback: "01K5Z3V8Q4M9W2N7T6R1XBCDEF.1" };
    let request = transom_meta::send::free_form(&around, say);
    if request.to_string().len() > REQUEST_MAX {
        return;
    }
    if let Err(why) = transom_simulator::probe::send(&request) {
        panic!("Graph refuses what was checked: {why}\n{request}");
    }
}

/// Longest form that is shown to the simulator's reader, as far as a template's button can carry it.
const FORM_MAX: usize = 1 << 20;

/// Content through every check and every translation.
pub(crate) fn content(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else { return };
    if let Ok(content) = Content::read(&json, "content") {
        whole(&content);
    }
}

/// What must hold of content that was read.
pub(crate) fn whole(content: &Content) {
    // A message waits in the store in this form.
    let kept = serde_json::to_value(content).expect("content is written");
    let again: Content = serde_json::from_value(kept.clone()).unwrap_or_else(|why| panic!("{why}: {kept}"));
    assert!(super::wire::same(&kept, &serde_json::to_value(&again).expect("content is written")), "{kept}");
    assert!(!lint::content(content, None).iter().any(lint::Finding::is_error));
    for body in content.types.values() {
        if let Some(definition) = translate::to_definition(body, &content.variables) {
            let _ = definition.canonical();
            let request = templates::to_create("name", &content.language, translate::category(body), &definition);
            let _ = transom_simulator::probe::create_template(&request);
        }
        if let Body::Flows(flows) = body {
            form(flows);
        }
    }
    let Ok(rendered) = content.rendered(&content.variables) else { return };
    for form in rendered.values().filter_map(translate::to_free_form) {
        if form.check("").is_ok() {
            leaves(&form);
        }
    }
}

/// A template as Meta lists it: written as we would create it, it reads back as the same.
pub(crate) fn template(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(template) = templates::parse(&json) else { return };
    let kept = serde_json::to_string(&template).expect("a template is written");
    let again = serde_json::from_str(&kept).unwrap_or_else(|why| panic!("{why}: {kept}"));
    assert_eq!(template, again);
    assert_eq!(template.definition.canonical(), template.definition.canonical().canonical());
    let given: Vec<Parameter> = ["header_text", "body_1", "button_1_url", "card_1_body_1"]
        .map(|name| Parameter { name: name.to_owned(), value: "https://a.example/b".to_owned(), filename: None })
        .into();
    let _ = fit(&template, &[], Naming::Published);
    let _ = fit(&template, &given, Naming::Variables);
    back(&template.definition, &template.language);
    let mut created = templates::to_create(&template.name, &template.language, template.category, &template.definition);
    if let Some(object) = created.as_object_mut() {
        object.insert("id".to_owned(), json!(template.id));
        object.insert("status".to_owned(), json!("APPROVED"));
    }
    if let Ok(read) = templates::parse(&created) {
        assert_eq!(read.definition.canonical(), template.definition.canonical(), "{created}");
    }
}

/// What content says of a template makes the same template again.
fn back(definition: &Definition, language: &Language) {
    let beside = translate::Beside { catalog_id: Some("7700"), files: Some("https://files.example/"), ..Default::default() };
    let Ok(content) = translate::to_content(definition, language, beside) else { return };
    for body in content.types.values() {
        let again = translate::to_definition(body, &content.variables).expect("what came of a template makes one");
        assert_eq!(again.canonical(), definition.canonical());
    }
}

/// A template as a caller asks for it: what the linter lets pass is printed and asked for again, and passes again.
pub(crate) fn draft(data: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(data) else { return };
    let Ok(request) = templates::read_request(&json) else { return };
    let found = findings(&request);
    for finding in &found {
        let _ = lint::in_components(&finding.field, &json["components"]);
    }
    if found.iter().any(lint::Finding::is_error) {
        return;
    }
    let printed = templates::to_create(&request.name, &request.language, request.category, &request.definition);
    let again = templates::read_request(&printed).unwrap_or_else(|why| panic!("{why:?}: {printed}"));
    assert_eq!(again.definition.canonical(), request.definition.canonical(), "{printed}");
    assert!(!findings(&again).iter().any(lint::Finding::is_error), "{printed}");
}

fn findings(request: &templates::Request) -> Vec<lint::Finding> {
    let templates::Request { name, language, category, definition, ttl_seconds } = request;
    lint::template(&lint::Draft { name, language, category: *category, definition, ttl_seconds: *ttl_seconds })
}

/// A text with placeholders, a line break, and a value.
pub(crate) fn placeholder(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (text, value) = text.split_once('\n').unwrap_or((&text, "value"));
    let found = pieces(text);
    let plain: usize = found.iter().map(|piece| if let Piece::Plain(plain) = piece { plain.len() } else { 0 }).sum();
    assert!(plain <= text.len() && found.len() <= text.len());
    let names = placeholders(text);
    let values: BTreeMap<String, String> = names.iter().take(2).map(|name| ((*name).to_owned(), value.to_owned())).collect();
    // Without values only blanks inside braces change, and what is left are the same placeholders.
    let bare = render_text(text, &BTreeMap::new());
    assert_eq!(placeholders(&bare), names);
    assert_eq!(render_text(&bare, &BTreeMap::new()), bare);
    if values.len() == names.len() {
        let filled = render_text(text, &values);
        assert_eq!(filled.len(), plain + names.len() * value.len());
    }
    let given: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), json!(value))).collect();
    let _ = transom_domain::content::read_given(Some(&Value::Object(given)));
    if let Ok(language) = Language::parse(text) {
        assert_eq!(Language::parse(language.as_str()).as_ref(), Ok(&language));
    }
}

/// A form: what is written is JSON, and names its first screen.
pub(crate) fn flow(data: &[u8]) {
    if let Ok(flows) = serde_json::from_slice::<Flows>(data) {
        form(&flows);
    }
}

fn form(flows: &Flows) {
    let links = flow_json::picture_links(flows);
    let pictures = links.into_iter().map(|link| (link, b"\x89PNG\r\n\x1a\n".to_vec())).collect();
    let samples = translate::flow_variables(&flows.pages).into_iter().map(|name| (name, "sample".to_owned())).collect();
    let Ok(written) = flow_json::from_pages(flows, &samples, &pictures) else { return };
    if written.text.len() <= FORM_MAX
        && let Err(why) = transom_simulator::probe::flow_json(&written.text)
    {
        panic!("Graph refuses the form that was written: {why}\n{}", written.text);
    }
    let json: Value = serde_json::from_str(&written.text).expect("Flow JSON is JSON");
    let first = json.pointer("/screens/0/id").and_then(Value::as_str);
    assert_eq!(first, Some(written.first_screen.as_str()), "{}", written.text);
}
