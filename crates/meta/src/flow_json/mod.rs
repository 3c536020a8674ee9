//! Forms: the pages of `twilio/flows` as Flow JSON, Meta's language for forms (Meta: flows/reference/flowjson).
//!
//! Each page becomes a screen with one form in it. The last screen hands everything that was entered to the business, under
//! names made from the labels. Variables of the pages come with each send as data of the first screen, and are handed on.

mod component;
mod limits;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use transom_domain::content::{Body, FlowPage, Flows, Variables};
use transom_domain::field::{FieldError, Findings};
use transom_domain::template::{ButtonDefinition, Definition};
use transom_domain::translate::{flow_screens, flow_variable};

use crate::read::{member, object};
use component::Screen;

/// Version of the language. Values of earlier screens can be named from 4.0 on, rich text is there from 5.1 on, texts joined
/// of several from 6.0 on.
pub const VERSION: &str = "7.1";

/// The name of the form on every screen.
const FORM: &str = "form";

/// The bytes of the pictures that pages show, by their links: Flow JSON carries pictures in itself.
pub type Pictures = BTreeMap<String, Vec<u8>>;

/// A form, written out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowJson {
    /// The JSON, as it goes into `flow_json` of a template's button or into a form's own upload.
    pub text: String,
    /// Name of the first screen, for `navigate_screen`.
    pub first_screen: String,
}

/// The links of the pictures that a form shows, whose bytes [`from_pages`] wants.
#[must_use]
pub fn picture_links(flows: &Flows) -> BTreeSet<String> {
    let components = flows.pages.iter().flat_map(|page| &page.layout);
    let media = components.filter(|c| member(c, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("MEDIA")));
    media.filter_map(|component| member(component, "url")).collect()
}

/// Puts the form of this content into the button that opens it, so that the template can be created; does nothing where the
/// content has no form.
///
/// # Errors
/// As [`from_pages`], with paths that start at `types.twilio/flows`.
pub fn fill(definition: &mut Definition, body: &Body, samples: &Variables, pictures: &Pictures) -> Result<(), Vec<FieldError>> {
    let Body::Flows(flows) = body else { return Ok(()) };
    let made = from_pages(flows, samples, pictures).map_err(|found| {
        let under = |f: FieldError| FieldError { field: format!("types.twilio/flows.{}", f.field), ..f };
        found.into_iter().map(under).collect::<Vec<_>>()
    })?;
    for button in &mut definition.buttons {
        if let ButtonDefinition::Flow { flow_json, navigate_screen, .. } = button {
            *flow_json = Some(made.text.clone());
            *navigate_screen = Some(made.first_screen.clone());
        }
    }
    Ok(())
}

/// Writes pages as Flow JSON. Texts are measured with the samples of their variables.
///
/// # Errors
/// A finding for every page that is not on the way from the first to the last, and for every component that cannot be written:
/// of an unknown type, without a label, over one of Meta's limits, with options that are none, or with a picture whose bytes
/// are not among the pictures. Each names the page and the component, such as `pages[1].layout[0].options`.
pub fn from_pages(flows: &Flows, samples: &Variables, pictures: &Pictures) -> Result<FlowJson, Vec<FieldError>> {
    let mut findings = Findings::default();
    let way = way(&flows.pages, &mut findings);
    let names = flow_screens(&flows.pages);
    let name_of = |at: usize| names.get(at).cloned().unwrap_or_default();
    let mut used = BTreeSet::new();
    let mut screens: Vec<Screen<'_>> = Vec::new();
    for (at, page) in &way {
        findings.within(&format!("pages[{at}]"), |findings| {
            let mut screen = Screen::new(name_of(*at), samples, pictures);
            screen.read(page, flows.button_text.as_str(), &mut used, findings);
            screens.push(screen);
        });
    }
    let printed = print(&screens, samples);
    let text = json!({ "version": VERSION, "screens": printed }).to_string();
    if text.len() > limits::FLOW_JSON {
        let rule = format!("become {} bytes, Meta takes {}", text.len(), limits::FLOW_JSON);
        findings.note("pages", rule, "use fewer or smaller pictures");
    }
    findings.result(FlowJson { text, first_screen: screens.first().map(|s| s.name.clone()).unwrap_or_default() })
}

/// The screens, each with the way to the next: what was entered goes along by name, what came with the send is handed on.
fn print(screens: &[Screen<'_>], samples: &Variables) -> Vec<Value> {
    let mut answers = Map::new();
    let mut printed = Vec::new();
    for (step, screen) in screens.iter().enumerate() {
        // What this screen and those behind it speak of.
        let speaks_of = |from: usize| -> BTreeSet<&String> { screens.iter().skip(from).flat_map(|s| &s.variables).collect() };
        let action = match screens.get(step + 1) {
            Some(next) => {
                let handed: Map<String, Value> = speaks_of(step + 1)
                    .into_iter()
                    .map(|name| (flow_variable(name), json!(format!("${{data.{}}}", flow_variable(name)))))
                    .collect();
                json!({ "name": "navigate", "next": { "type": "screen", "name": next.name }, "payload": handed })
            }
            None => {
                let mut all = answers.clone();
                all.extend(screen.inputs.iter().map(|input| (input.clone(), json!(format!("${{{FORM}.{input}}}")))));
                json!({ "name": "complete", "payload": all })
            }
        };
        for input in &screen.inputs {
            answers.insert(input.clone(), json!(format!("${{screen.{}.{FORM}.{input}}}", screen.name)));
        }
        let last = step + 1 == screens.len();
        let mut children = screen.children.clone();
        let usual = if last { "Done" } else { "Continue" };
        let label = screen.footer.as_deref().unwrap_or(usual);
        children.push(json!({ "type": "Footer", "label": label, "on-click-action": action }));
        let form = json!({ "type": "Form", "name": FORM, "children": children });
        let mut all = object([
            ("id", json!(screen.name)),
            ("title", json!(screen.title)),
            ("layout", json!({ "type": "SingleColumnLayout", "children": [form] })),
        ]);
        let data: Map<String, Value> = speaks_of(step)
            .into_iter()
            .map(|name| {
                let sample = samples.get(name).map_or("sample", String::as_str);
                (flow_variable(name), json!({ "type": "string", "__example__": sample }))
            })
            .collect();
        if !data.is_empty() {
            all.insert("data".to_owned(), Value::Object(data));
        }
        if last {
            all.insert("terminal".to_owned(), Value::Bool(true));
            all.insert("success".to_owned(), Value::Bool(true));
        }
        printed.push(Value::Object(all));
    }
    printed
}

/// The pages in the order in which they are shown, each with its place among those given.
fn way<'a>(pages: &'a [FlowPage], findings: &mut Findings) -> Vec<(usize, &'a FlowPage)> {
    let mut way: Vec<(usize, &FlowPage)> = Vec::new();
    let mut at = (!pages.is_empty()).then_some(0);
    if at.is_none() {
        findings.note("pages", "must hold at least one page", "add a page");
    }
    for (place, page) in pages.iter().enumerate() {
        if pages.iter().take(place).any(|before| before.id == page.id) {
            findings.note(
                &format!("pages[{place}].id"),
                format!("{:?} is another page's too", page.id),
                "give each page its own",
            );
        }
    }
    while let Some((place, page)) = at.and_then(|place| Some((place, pages.get(place)?))) {
        way.push((place, page));
        at = match &page.next_page_id {
            None => None,
            Some(next) => {
                let found = pages.iter().position(|p| p.id == *next);
                if found.is_none_or(|found| way.iter().any(|(seen, _)| *seen == found)) {
                    let rule = format!("{next:?} is no page, or one that was shown before");
                    let field = format!("pages[{place}].next_page_id");
                    findings.note(&field, rule, "name a later page, or leave it out on the last one");
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
            findings.note(&format!("pages[{place}].id"), rule, "name it as next_page_id of the page before it");
        }
    }
    way
}

#[cfg(test)]
mod tests;
