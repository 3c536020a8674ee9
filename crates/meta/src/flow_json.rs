//! Forms: the pages of `twilio/flows` as Flow JSON, Meta's language for forms (Meta: flows/reference/flowjson).
//!
//! Each page becomes a screen with one form in it. The last screen hands everything that was entered to the business, under
//! names made from the labels.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use transom_domain::content::{FlowPage, Flows};
use transom_domain::field::{FieldError, Findings};
use transom_domain::translate::flow_screens;

use crate::read::{member, object, put};

/// Version of the language. Values of earlier screens can be named from 4.0 on, rich text from 5.1 on.
pub const VERSION: &str = "7.1";

/// The name of the form on every screen.
const FORM: &str = "form";

/// Most components that Meta takes on one screen.
const COMPONENTS_MAX: usize = 50;

/// A form, written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowJson {
    /// The JSON, as it goes into `flow_json` of a template's button or into a form's own upload.
    pub text: String,
    /// Name of the first screen, for `navigate_screen`.
    pub first_screen: String,
}

/// Writes pages as Flow JSON.
///
/// # Errors
/// A finding for every page that is not on the way from the first to the last, and for every component that cannot be
/// written: of an unknown type, without a label, with options that are none, or a picture (which Flow JSON wants as bytes).
pub fn from_pages(flows: &Flows) -> Result<FlowJson, Vec<FieldError>> {
    let mut findings = Findings::under("pages");
    let way = way(&flows.pages, &mut findings);
    let names = flow_screens(&flows.pages);
    let name_of = |at: usize| names.get(at).cloned().unwrap_or_default();
    let mut answers = Map::new();
    let mut used = BTreeSet::new();
    let mut screens = Vec::new();
    for (step, (at, page)) in way.iter().enumerate() {
        findings.within(&format!("[{at}]"), |findings| {
            let name = name_of(*at);
            let mut screen = Screen { children: Vec::new(), footer: None, inputs: Vec::new() };
            screen.read(page, &mut used, findings);
            for input in &screen.inputs {
                answers.insert(input.clone(), json!(format!("${{screen.{name}.{FORM}.{input}}}")));
            }
            let next = way.get(step + 1).map(|(next, _)| name_of(*next));
            screens.push(screen.print(&name, page.title.as_deref().unwrap_or(&flows.button_text), next.as_deref(), &answers));
        });
    }
    let text = json!({ "version": VERSION, "screens": screens }).to_string();
    findings.result(FlowJson { text, first_screen: way.first().map(|(at, _)| name_of(*at)).unwrap_or_default() })
}

/// The pages in the order in which they are shown, each with its place among those given.
fn way<'a>(pages: &'a [FlowPage], findings: &mut Findings) -> Vec<(usize, &'a FlowPage)> {
    let mut way: Vec<(usize, &FlowPage)> = Vec::new();
    let mut at = (!pages.is_empty()).then_some(0);
    if at.is_none() {
        findings.note("", "must hold at least one page", "add a page");
    }
    while let Some((place, page)) = at.and_then(|place| Some((place, pages.get(place)?))) {
        way.push((place, page));
        at = match &page.next_page_id {
            None => None,
            Some(next) => {
                let found = pages.iter().position(|p| p.id == *next);
                if found.is_none_or(|found| way.iter().any(|(seen, _)| *seen == found)) {
                    let rule = format!("{next:?} is no page, or one that was shown before");
                    findings.note(&format!("[{place}].next_page_id"), rule, "name a later page, or leave it out on the last one");
                    None
                } else {
                    found
                }
            }
        };
    }
    for (place, page) in pages.iter().enumerate() {
        if !way.iter().any(|(seen, _)| *seen == place) {
            let rule = format!("{:?} is never shown", page.id);
            findings.note(&format!("[{place}].id"), rule, "name it as next_page_id of the page before it");
        }
    }
    way
}

struct Screen {
    children: Vec<Value>,
    footer: Option<String>,
    inputs: Vec<String>,
}

impl Screen {
    fn read(&mut self, page: &FlowPage, used: &mut BTreeSet<String>, findings: &mut Findings) {
        if let Some(subtitle) = page.subtitle.as_ref().filter(|s| !s.is_empty()) {
            self.children.push(json!({ "type": "TextSubheading", "text": subtitle }));
        }
        for (at, component) in page.layout.iter().enumerate() {
            findings.within(&format!("layout[{at}]"), |findings| {
                let printed = self.component(component, used, findings);
                self.children.extend(printed);
            });
        }
        if self.children.len() >= COMPONENTS_MAX {
            findings.note(
                "layout",
                format!("has {} components, Meta takes {COMPONENTS_MAX}", self.children.len() + 1),
                "use more pages",
            );
        }
    }

    /// One component; none for the footer, which is printed with the step that follows.
    fn component(
        &mut self,
        component: &Map<String, Value>,
        used: &mut BTreeSet<String>,
        findings: &mut Findings,
    ) -> Option<Value> {
        let kind = member(component, "type").unwrap_or_default().to_ascii_uppercase();
        let input = |printed: &str, screen: &mut Self, used: &mut BTreeSet<String>, findings: &mut Findings| {
            screen.input(printed, component, used, findings)
        };
        match kind.as_str() {
            "TEXT_HEADING" => text("TextHeading", component, findings),
            "TEXT_SUBHEADING" => text("TextSubheading", component, findings),
            "TEXT_BODY" => text("TextBody", component, findings),
            "TEXT_CAPTION" => text("TextCaption", component, findings),
            "RICH_TEXT" => rich_text(component, findings),
            "FOOTER" => {
                self.footer = label(component, findings);
                None
            }
            "SHORT_TEXT" => {
                let mut printed = input("TextInput", self, used, findings);
                let asked = member(component, "input_type").unwrap_or_else(|| "TEXT".to_owned());
                if matches!(asked.as_str(), "TEXT" | "NUMBER" | "EMAIL" | "PASSWORD" | "PASSCODE" | "PHONE") {
                    put(&mut printed, "input-type", Some(&asked.to_ascii_lowercase()));
                } else {
                    findings.note(
                        "input_type",
                        format!("{asked:?} is none"),
                        "use TEXT, NUMBER, EMAIL, PASSWORD, PASSCODE or PHONE",
                    );
                }
                put(&mut printed, "helper-text", member(component, "text").as_deref());
                Some(Value::Object(printed))
            }
            "LONG_TEXT" => {
                let mut printed = input("TextArea", self, used, findings);
                put(&mut printed, "helper-text", member(component, "text").as_deref());
                Some(Value::Object(printed))
            }
            "SINGLE_SELECT" | "MULTI_SELECT" | "MULTIPLE_SELECT" | "LIST" => {
                let name = match kind.as_str() {
                    "SINGLE_SELECT" => "RadioButtonsGroup",
                    "LIST" => "Dropdown",
                    _ => "CheckboxGroup",
                };
                let mut printed = input(name, self, used, findings);
                if name != "Dropdown" {
                    put(&mut printed, "description", member(component, "text").as_deref());
                }
                printed.insert("data-source".to_owned(), options(component, findings));
                Some(Value::Object(printed))
            }
            "DATE_PICKER" => {
                let mut printed = input("DatePicker", self, used, findings);
                put(&mut printed, "helper-text", member(component, "text").as_deref());
                put(&mut printed, "min-date", member(component, "min_date").as_deref());
                put(&mut printed, "max-date", member(component, "max_date").as_deref());
                if let Some(dates) = listed(component.get("unavailable_dates")).filter(|dates| !dates.is_empty()) {
                    printed.insert("unavailable-dates".to_owned(), Value::Array(dates));
                }
                Some(Value::Object(printed))
            }
            "MEDIA" => {
                findings.note(
                    "type",
                    "MEDIA cannot be written yet: Flow JSON wants the bytes of a picture, not its link",
                    "leave it out",
                );
                None
            }
            _ => {
                findings.note("type", format!("{kind:?} is no component of a form"), "use one of Twilio's components for flows");
                None
            }
        }
    }

    /// What all inputs share: a label, a name of their own, and whether they must be filled in.
    fn input(
        &mut self,
        kind: &str,
        component: &Map<String, Value>,
        used: &mut BTreeSet<String>,
        findings: &mut Findings,
    ) -> Map<String, Value> {
        let label = label(component, findings).unwrap_or_default();
        let name = input_name(member(component, "name").as_deref().unwrap_or(&label), used);
        let required = match component.get("required") {
            Some(Value::Bool(required)) => *required,
            Some(Value::String(word)) => word.eq_ignore_ascii_case("true"),
            _ => false,
        };
        let printed =
            object([("type", json!(kind)), ("name", json!(name)), ("label", json!(label)), ("required", json!(required))]);
        self.inputs.push(name);
        printed
    }

    fn print(self, name: &str, title: &str, next: Option<&str>, answers: &Map<String, Value>) -> Value {
        let action = match next {
            Some(next) => json!({ "name": "navigate", "next": { "type": "screen", "name": next }, "payload": {} }),
            None => json!({ "name": "complete", "payload": answers }),
        };
        let usual = if next.is_some() { "Continue" } else { "Done" };
        let mut children = self.children;
        children.push(json!({
            "type": "Footer", "label": self.footer.as_deref().unwrap_or(usual), "on-click-action": action,
        }));
        let form = json!({ "type": "Form", "name": FORM, "children": children });
        let mut screen = object([
            ("id", json!(name)),
            ("title", json!(title)),
            ("layout", json!({ "type": "SingleColumnLayout", "children": [form] })),
        ]);
        if next.is_none() {
            screen.insert("terminal".to_owned(), Value::Bool(true));
            screen.insert("success".to_owned(), Value::Bool(true));
        }
        Value::Object(screen)
    }
}

fn label(component: &Map<String, Value>, findings: &mut Findings) -> Option<String> {
    let label = member(component, "label");
    if label.is_none() {
        findings.note("label", "is required", "give the component a label");
    }
    label
}

fn text(kind: &str, component: &Map<String, Value>, findings: &mut Findings) -> Option<Value> {
    let text = member(component, "text");
    if text.is_none() {
        findings.note("text", "is required", "give the component a text");
    }
    text.map(|text| json!({ "type": kind, "text": text }))
}

fn rich_text(component: &Map<String, Value>, findings: &mut Findings) -> Option<Value> {
    let lines = match component.get("text_list") {
        Some(Value::String(text)) if !text.trim_start().starts_with('[') && !text.is_empty() => Some(vec![json!(text)]),
        given => listed(given),
    };
    let lines = lines.filter(|lines| !lines.is_empty() && lines.iter().all(Value::is_string));
    if lines.is_none() {
        findings.note("text_list", "must be a list of texts", "write it as [\"first line\",\"second line\"]");
    }
    lines.map(|lines| json!({ "type": "RichText", "text": lines }))
}

/// A list, or the text of one: Twilio writes lists inside components as text.
fn listed(json: Option<&Value>) -> Option<Vec<Value>> {
    match json? {
        Value::Array(list) => Some(list.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn options(component: &Map<String, Value>, findings: &mut Findings) -> Value {
    let given = listed(component.get("options")).unwrap_or_default();
    let options: Vec<Value> = given
        .iter()
        .filter_map(|option| {
            let option = option.as_object()?;
            let mut printed = object([("id", json!(member(option, "id")?)), ("title", json!(member(option, "title")?))]);
            put(&mut printed, "description", member(option, "description").as_deref());
            Some(Value::Object(printed))
        })
        .collect();
    if options.is_empty() || options.len() != given.len() {
        findings.note(
            "options",
            "must be a list of {id,title}, or the text of one",
            "write it as \"[{\\\"id\\\":\\\"1\\\",\\\"title\\\":\\\"One\\\"}]\"",
        );
    }
    Value::Array(options)
}

/// A name from a label: small letters, digits and underscores, starting with a letter; unique in the whole form, so that no
/// answer hides another.
fn input_name(label: &str, used: &mut BTreeSet<String>) -> String {
    let mut name = String::new();
    for c in label.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let mut name = name.trim_end_matches('_').to_owned();
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        name = if name.is_empty() { "field".to_owned() } else { format!("field_{name}") };
    }
    let unique = (1..=used.len() + 1)
        .map(|n| if n == 1 { name.clone() } else { format!("{name}_{n}") })
        .find(|candidate| !used.contains(candidate))
        .unwrap_or(name);
    used.insert(unique.clone());
    unique
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;

    fn flows(pages: Value) -> Flows {
        Flows::deserialize(json!({"body": "Buchen", "button_text": "Los", "type": "APPOINTMENT_BOOKING", "pages": pages}))
            .unwrap()
    }

    #[test]
    fn pages_become_screens_and_every_answer_is_handed_over_at_the_end() {
        let flows = flows(json!([
            {"id": "wann", "title": "Wann?", "subtitle": "Ihr Termin", "next_page_id": "wer_2", "layout": [
                {"type": "TEXT_HEADING", "text": "Bitte wählen"},
                {"type": "DATE_PICKER", "label": "Tag", "min_date": "2026-12-01", "unavailable_dates": "[\"2026-12-24\"]"},
                {"type": "LIST", "label": "Uhrzeit", "required": true, "options": "[{\"id\":\"8\",\"title\":\"8 Uhr\"}]"},
                {"type": "FOOTER", "label": "Weiter"}]},
            {"id": "wer_2", "title": "Wer?", "layout": [
                {"type": "SHORT_TEXT", "label": "Ihr Name", "input_type": "TEXT", "required": "true", "text": "Vor- und Nachname"},
                {"type": "LONG_TEXT", "label": "姓"},
                {"type": "SINGLE_SELECT", "label": "Tag", "text": "Einer", "options": [{"id": "a", "title": "A"}]},
                {"type": "MULTIPLE_SELECT", "label": "Wünsche", "options": [{"id": "b", "title": "B", "description": "bb"}]},
                {"type": "RICH_TEXT", "text_list": ["Eins", "Zwei"]}, {"type": "TEXT_CAPTION", "text": "Klein"}]}
        ]));
        let made = from_pages(&flows).unwrap();
        assert_eq!(made.first_screen, "WANN");
        let navigate = json!({"name": "navigate", "next": {"type": "screen", "name": "WER_C"}, "payload": {}});
        let complete = json!({"name": "complete", "payload": {
            "tag": "${screen.WANN.form.tag}", "uhrzeit": "${screen.WANN.form.uhrzeit}", "ihr_name": "${screen.WER_C.form.ihr_name}",
            "field": "${screen.WER_C.form.field}", "tag_2": "${screen.WER_C.form.tag_2}", "w_nsche": "${screen.WER_C.form.w_nsche}"}});
        let form = |children: Value| json!({"type": "SingleColumnLayout", "children": [{"type": "Form", "name": "form", "children": children}]});
        assert_eq!(
            serde_json::from_str::<Value>(&made.text).unwrap(),
            json!({"version": "7.1", "screens": [
                {"id": "WANN", "title": "Wann?", "layout": form(json!([
                    {"type": "TextSubheading", "text": "Ihr Termin"}, {"type": "TextHeading", "text": "Bitte wählen"},
                    {"type": "DatePicker", "name": "tag", "label": "Tag", "required": false, "min-date": "2026-12-01",
                        "unavailable-dates": ["2026-12-24"]},
                    {"type": "Dropdown", "name": "uhrzeit", "label": "Uhrzeit", "required": true,
                        "data-source": [{"id": "8", "title": "8 Uhr"}]},
                    {"type": "Footer", "label": "Weiter", "on-click-action": navigate}]))},
                {"id": "WER_C", "title": "Wer?", "terminal": true, "success": true, "layout": form(json!([
                    {"type": "TextInput", "name": "ihr_name", "label": "Ihr Name", "required": true, "input-type": "text",
                        "helper-text": "Vor- und Nachname"},
                    {"type": "TextArea", "name": "field", "label": "姓", "required": false},
                    {"type": "RadioButtonsGroup", "name": "tag_2", "label": "Tag", "required": false, "description": "Einer",
                        "data-source": [{"id": "a", "title": "A"}]},
                    {"type": "CheckboxGroup", "name": "w_nsche", "label": "Wünsche", "required": false,
                        "data-source": [{"id": "b", "title": "B", "description": "bb"}]},
                    {"type": "RichText", "text": ["Eins", "Zwei"]}, {"type": "TextCaption", "text": "Klein"},
                    {"type": "Footer", "label": "Done", "on-click-action": complete}]))},
            ]})
        );
    }

    fn findings(pages: Value) -> Vec<(String, String)> {
        from_pages(&flows(pages)).unwrap_err().into_iter().map(|f| (f.field, f.rule)).collect()
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let fields: Vec<String> = findings(json!([{"id": "a", "layout": [
            {"type": "MEDIA", "url": "https://x.example/a.png"}, {"type": "HOLOGRAM"}, {"type": "TEXT_BODY"}, {"type": "SHORT_TEXT"},
            {"type": "SHORT_TEXT", "label": "a", "input_type": "FAX"}, {"type": "LIST", "label": "b", "options": "no list"},
            {"type": "LIST", "label": "c", "options": [{"id": "1"}]}, {"type": "RICH_TEXT", "text_list": [1]}]}]))
        .into_iter()
        .map(|(field, _)| field)
        .collect();
        let at = |n: usize, field: &str| format!("pages.[0].layout[{n}].{field}").replace(".[", "[");
        let wanted: Vec<String> = [
            (0, "type"),
            (1, "type"),
            (2, "text"),
            (3, "label"),
            (4, "input_type"),
            (5, "options"),
            (6, "options"),
            (7, "text_list"),
        ]
        .map(|(n, field)| at(n, field))
        .to_vec();
        assert_eq!(fields.iter().map(|f| f.replace(".[", "[")).collect::<Vec<_>>(), wanted);
    }

    #[test]
    fn pages_that_are_not_on_the_way_are_named() {
        let page = |id: &str, next: Option<&str>| json!({"id": id, "next_page_id": next, "layout": []});
        let rules = |pages: Value| findings(pages).into_iter().map(|(_, rule)| rule).collect::<Vec<_>>();
        assert_eq!(rules(json!([page("a", Some("z"))])), ["\"z\" is no page, or one that was shown before"]);
        assert_eq!(
            rules(json!([page("a", Some("b")), page("b", Some("a"))])),
            ["\"a\" is no page, or one that was shown before"]
        );
        assert_eq!(rules(json!([page("a", None), page("b", None)])), ["\"b\" is never shown"]);
        assert_eq!(rules(json!([])), ["must hold at least one page"]);
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
}
