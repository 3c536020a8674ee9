//! One page and its components, in Twilio's spelling, as Meta's (Twilio: content types, flows; Meta:
//! flows/reference/components).

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use transom_domain::content::{FlowPage, Variables};
use transom_domain::field::Findings;

use super::{Pictures, limits, words};
use crate::read::{member, object};

/// A component's own fields, beside `type`.
const FIELDS: &[(&str, &[&str])] = &[
    ("TEXT_HEADING", &["text"]),
    ("TEXT_SUBHEADING", &["text"]),
    ("TEXT_BODY", &["text"]),
    ("TEXT_CAPTION", &["text"]),
    ("RICH_TEXT", &["text_list"]),
    ("MEDIA", &["url"]),
    ("FOOTER", &["label"]),
    ("SHORT_TEXT", &["label", "text", "name", "required", "input_type"]),
    ("LONG_TEXT", &["label", "text", "name", "required"]),
    ("SINGLE_SELECT", &["label", "text", "name", "required", "options"]),
    ("MULTI_SELECT", &["label", "text", "name", "required", "options"]),
    ("MULTIPLE_SELECT", &["label", "text", "name", "required", "options"]),
    ("LIST", &["label", "text", "name", "required", "options"]),
    ("DATE_PICKER", &["label", "text", "name", "required", "min_date", "max_date", "unavailable_dates"]),
    ("OPT_IN", &["label", "name", "required"]),
];

/// A screen in the making.
pub(super) struct Screen<'a> {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) children: Vec<Value>,
    pub(super) footer: Option<String>,
    /// Names under which something is entered.
    pub(super) inputs: Vec<String>,
    /// Variables of the content that its texts speak of.
    pub(super) variables: BTreeSet<String>,
    samples: &'a Variables,
    pictures: &'a Pictures,
}

impl<'a> Screen<'a> {
    pub(super) fn new(name: String, samples: &'a Variables, pictures: &'a Pictures) -> Self {
        Self {
            name,
            title: String::new(),
            children: Vec::new(),
            footer: None,
            inputs: Vec::new(),
            variables: BTreeSet::new(),
            samples,
            pictures,
        }
    }

    pub(super) fn read(&mut self, page: &FlowPage, title: &str, used: &mut BTreeSet<String>, findings: &mut Findings) {
        self.title =
            words::fixed(page.title.as_deref().filter(|t| !t.is_empty()).unwrap_or(title), "title", usize::MAX, findings);
        if let Some(subtitle) = page.subtitle.as_ref().filter(|s| !s.is_empty()) {
            let text = self.said(subtitle, "subtitle", limits::HEADING, findings);
            self.children.push(json!({ "type": "TextSubheading", "text": text }));
        }
        // Rich text stands alone on its screen; beside others its marks are those of a plain text.
        let kinds = page.layout.iter().map(kind_of).filter(|kind| kind != "FOOTER");
        let alone = kinds.count() == 1 && self.children.is_empty();
        for (at, component) in page.layout.iter().enumerate() {
            findings.within(&format!("layout[{at}]"), |findings| self.component(component, alone, used, findings));
        }
        let count = |kind: &str| self.children.iter().filter(|c| c.get("type").and_then(Value::as_str) == Some(kind)).count();
        // The footer and the form around it all count too.
        let all = self.children.len() + 2;
        for (have, most, what) in [
            (all, limits::COMPONENTS, "components, with the form and the footer"),
            (count("Image"), limits::IMAGES, "pictures"),
            (count("OptIn"), limits::OPT_INS, "switches"),
        ] {
            if have > most {
                findings.note("layout", format!("has {have} {what}, Meta takes {most} on one screen"), "use more pages");
            }
        }
    }

    fn said(&mut self, words: &str, field: &str, most: usize, findings: &mut Findings) -> String {
        words::said(words, field, most, self.samples, &mut self.variables, findings)
    }

    /// One component; the footer is printed with the step that follows.
    fn component(&mut self, component: &Map<String, Value>, alone: bool, used: &mut BTreeSet<String>, findings: &mut Findings) {
        let kind = kind_of(component);
        let Some((_, fields)) = FIELDS.iter().find(|(known, _)| *known == kind) else {
            let known: Vec<&str> = FIELDS.iter().map(|(known, _)| *known).collect();
            return findings.note(
                "type",
                format!("{kind:?} is no component of a form"),
                format!("use one of {}", known.join(", ")),
            );
        };
        for key in component.keys().filter(|key| *key != "type" && !fields.contains(&key.as_str())) {
            findings.note(key, format!("is no field of {kind}"), format!("it has {}", fields.join(", ")));
        }
        match kind.as_str() {
            "TEXT_HEADING" => self.text("TextHeading", component, limits::HEADING, findings),
            "TEXT_SUBHEADING" => self.text("TextSubheading", component, limits::HEADING, findings),
            "TEXT_BODY" => self.text("TextBody", component, limits::TEXT, findings),
            "TEXT_CAPTION" => self.text("TextCaption", component, limits::CAPTION, findings),
            "RICH_TEXT" => self.rich_text(component, alone, findings),
            "MEDIA" => self.picture(component, findings),
            "FOOTER" if self.footer.is_some() => {
                findings.note("type", "is the page's second FOOTER", "a page has one button to go on");
            }
            "FOOTER" => self.footer = Some(self.label(component, limits::FOOTER_LABEL, findings)),
            "SHORT_TEXT" => {
                let mut printed = self.input("TextInput", component, limits::FIELD_LABEL, used, findings);
                let asked = member(component, "input_type").unwrap_or_else(|| "TEXT".to_owned());
                if !matches!(asked.as_str(), "TEXT" | "NUMBER" | "EMAIL" | "PASSWORD" | "PASSCODE" | "PHONE") {
                    let remedy = "use TEXT, NUMBER, EMAIL, PASSWORD, PASSCODE or PHONE";
                    findings.note("input_type", format!("{asked:?} is none"), remedy);
                }
                printed.insert("input-type".to_owned(), json!(asked.to_ascii_lowercase()));
                self.beside("helper-text", limits::HELP, component, &mut printed, findings);
                self.children.push(Value::Object(printed));
            }
            "LONG_TEXT" => {
                let mut printed = self.input("TextArea", component, limits::FIELD_LABEL, used, findings);
                self.beside("helper-text", limits::HELP, component, &mut printed, findings);
                self.children.push(Value::Object(printed));
            }
            "LIST" => {
                // A dropdown has no text of its own.
                if let Some(text) = member(component, "text") {
                    let text = self.said(&text, "text", limits::CAPTION, findings);
                    self.children.push(json!({ "type": "TextCaption", "text": text }));
                }
                let mut printed = self.input("Dropdown", component, limits::FIELD_LABEL, used, findings);
                printed.insert("data-source".to_owned(), options(component, limits::DROPDOWN_OPTIONS, findings));
                self.children.push(Value::Object(printed));
            }
            "DATE_PICKER" => {
                let mut printed = self.input("DatePicker", component, limits::DATE_LABEL, used, findings);
                self.beside("helper-text", limits::HELP, component, &mut printed, findings);
                dates(component, &mut printed, findings);
                self.children.push(Value::Object(printed));
            }
            "OPT_IN" => {
                let printed = self.input("OptIn", component, limits::OPT_IN_LABEL, used, findings);
                self.children.push(Value::Object(printed));
            }
            choice => {
                let name = if choice == "SINGLE_SELECT" { "RadioButtonsGroup" } else { "CheckboxGroup" };
                let mut printed = self.input(name, component, limits::CHOICE_LABEL, used, findings);
                self.beside("description", limits::DESCRIPTION, component, &mut printed, findings);
                printed.insert("data-source".to_owned(), options(component, limits::OPTIONS, findings));
                self.children.push(Value::Object(printed));
            }
        }
    }

    fn text(&mut self, kind: &str, component: &Map<String, Value>, most: usize, findings: &mut Findings) {
        match member(component, "text") {
            Some(text) => {
                let text = self.said(&text, "text", most, findings);
                self.children.push(json!({ "type": kind, "text": text }));
            }
            None => findings.note("text", "is required", "give the component a text"),
        }
    }

    /// Lines of Markdown.
    fn rich_text(&mut self, component: &Map<String, Value>, alone: bool, findings: &mut Findings) {
        let lines: Option<Vec<String>> = match component.get("text_list") {
            Some(Value::String(text)) if !text.trim_start().starts_with('[') && !text.is_empty() => Some(vec![text.clone()]),
            given => listed(given).and_then(|list| list.iter().map(|line| line.as_str().map(str::to_owned)).collect()),
        };
        let Some(lines) = lines.filter(|lines| !lines.is_empty()) else {
            let remedy = "write it as [\"first line\",\"second line\"]";
            return findings.note("text_list", "must be a list of texts", remedy);
        };
        for line in &lines {
            words::fixed(line, "text_list", usize::MAX, findings);
        }
        findings.at_most("text_list", &lines.join("\n"), limits::TEXT);
        if alone {
            return self.children.push(json!({ "type": "RichText", "text": lines }));
        }
        // Bold, italics, links and lists are there as well; what only rich text has is not.
        if lines.iter().any(|line| line.starts_with('#') || line.starts_with('|') || line.contains("![")) {
            findings.note(
                "text_list",
                "has a heading, a table or a picture, which Meta shows only where rich text stands alone on its page",
                "give it a page of its own, or use TEXT_HEADING and MEDIA",
            );
        }
        self.children.push(json!({ "type": "TextBody", "text": lines, "markdown": true }));
    }

    /// A picture: Flow JSON has its bytes in itself.
    fn picture(&mut self, component: &Map<String, Value>, findings: &mut Findings) {
        let Some(link) = member(component, "url") else {
            return findings.note("url", "is required", "give the public link of a jpeg or png");
        };
        let Some(bytes) = self.pictures.get(&link) else {
            return findings.note("url", "could not be fetched", "give the public link of a jpeg or png");
        };
        let is_picture = bytes.starts_with(b"\x89PNG\r\n\x1a\n") || bytes.starts_with(b"\xff\xd8\xff");
        if !is_picture {
            findings.note("url", "is neither a jpeg nor a png", "give a picture of one of the two kinds");
        }
        if bytes.len() > limits::IMAGE {
            let rule = format!("has {} bytes, at most {} are shown", bytes.len(), limits::IMAGE);
            findings.note("url", rule, "make the picture smaller");
        }
        self.children.push(json!({ "type": "Image", "src": STANDARD.encode(bytes), "scale-type": "contain" }));
    }

    /// What all inputs share: a label, a name of their own, and whether they must be filled in.
    fn input(
        &mut self,
        kind: &str,
        component: &Map<String, Value>,
        most: usize,
        used: &mut BTreeSet<String>,
        findings: &mut Findings,
    ) -> Map<String, Value> {
        let name = member(component, "name").or_else(|| member(component, "label")).unwrap_or_default();
        let name = input_name(&name, used);
        let label = self.label(component, most, findings);
        let required = match component.get("required") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(required)) => *required,
            Some(Value::String(word)) if word.eq_ignore_ascii_case("true") => true,
            Some(Value::String(word)) if word.eq_ignore_ascii_case("false") => false,
            Some(_) => {
                findings.note("required", "must be true or false", "leave it out where the field may stay empty");
                false
            }
        };
        let printed =
            object([("type", json!(kind)), ("name", json!(name)), ("label", json!(label)), ("required", json!(required))]);
        self.inputs.push(name);
        printed
    }

    fn label(&mut self, component: &Map<String, Value>, most: usize, findings: &mut Findings) -> String {
        match member(component, "label") {
            Some(label) => self.said(&label, "label", most, findings),
            None => {
                findings.note("label", "is required", "give the component a label");
                String::new()
            }
        }
    }

    /// `text`, under the name that this kind of component has for it.
    fn beside(
        &mut self,
        key: &str,
        most: usize,
        component: &Map<String, Value>,
        printed: &mut Map<String, Value>,
        findings: &mut Findings,
    ) {
        if let Some(text) = member(component, "text") {
            let text = self.said(&text, "text", most, findings);
            printed.insert(key.to_owned(), json!(text));
        }
    }
}

fn kind_of(component: &Map<String, Value>) -> String {
    member(component, "type").unwrap_or_default().to_ascii_uppercase()
}

/// A list, or the text of one: Twilio writes lists inside components as text.
fn listed(json: Option<&Value>) -> Option<Vec<Value>> {
    match json? {
        Value::Array(list) => Some(list.clone()),
        Value::String(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn options(component: &Map<String, Value>, most: usize, findings: &mut Findings) -> Value {
    let given = listed(component.get("options")).unwrap_or_default();
    let mut ids = BTreeSet::new();
    let mut options = Vec::new();
    for (at, option) in given.iter().take(most).enumerate() {
        findings.within(&format!("options[{at}]"), |findings| {
            let text = |key: &str| option.as_object().and_then(|o| member(o, key));
            let (Some(id), Some(title)) = (text("id"), text("title")) else {
                return findings.note(
                    "",
                    "must be an object with `id` and `title`",
                    "write it as {\"id\":\"1\",\"title\":\"One\"}",
                );
            };
            if !ids.insert(id.clone()) {
                findings.note("id", format!("{id:?} is another option's too"), "give each option its own");
            }
            let title = words::fixed(&title, "title", limits::OPTION_TITLE, findings);
            let mut printed = object([("id", json!(id)), ("title", json!(title))]);
            if let Some(description) = text("description") {
                let description = words::fixed(&description, "description", limits::OPTION_DESCRIPTION, findings);
                printed.insert("description".to_owned(), json!(description));
            }
            options.push(Value::Object(printed));
        });
    }
    if given.is_empty() {
        findings.note(
            "options",
            "must be a list of {id,title}, or the text of one",
            "write it as \"[{\\\"id\\\":\\\"1\\\",\\\"title\\\":\\\"One\\\"}]\"",
        );
    } else if given.len() > most {
        findings.note("options", format!("has {} entries, at most {most} are shown", given.len()), "offer fewer");
    }
    Value::Array(options)
}

/// The first and the last day that can be chosen, and those that cannot.
fn dates(component: &Map<String, Value>, printed: &mut Map<String, Value>, findings: &mut Findings) {
    let mut day = |ours: &str, its: &str, printed: &mut Map<String, Value>| {
        let day = member(component, ours)?;
        if !is_day(&day) {
            findings.note(ours, format!("{day:?} is no day"), "write it as 2026-12-24");
        }
        printed.insert(its.to_owned(), json!(day));
        Some(day)
    };
    let (first, last) = (day("min_date", "min-date", printed), day("max_date", "max-date", printed));
    if let (Some(first), Some(last)) = (&first, &last)
        && first > last
    {
        findings.note("max_date", "is before min_date", "exchange the two");
    }
    match component.get("unavailable_dates") {
        None | Some(Value::Null) => {}
        given => match listed(given) {
            Some(days) if days.iter().all(|day| day.as_str().is_some_and(is_day)) => {
                if !days.is_empty() {
                    printed.insert("unavailable-dates".to_owned(), Value::Array(days));
                }
            }
            _ => findings.note("unavailable_dates", "must be a list of days, or the text of one", "write it as [\"2026-12-24\"]"),
        },
    }
}

/// `2026-12-24`; months have up to 31 days here.
fn is_day(text: &str) -> bool {
    let part = |from: usize, to: usize| text.get(from..to).filter(|p| p.bytes().all(|b| b.is_ascii_digit()))?.parse::<u32>().ok();
    let dashes = text.len() == 10 && text.get(4..5) == Some("-") && text.get(7..8) == Some("-");
    dashes
        && part(0, 4).is_some()
        && part(5, 7).is_some_and(|month| (1..=12).contains(&month))
        && part(8, 10).is_some_and(|day| (1..=31).contains(&day))
}

/// A name from a label: small letters, digits and underscores, starting with a letter; unique in the whole form, so that no
/// answer hides another.
pub(super) fn input_name(label: &str, used: &mut BTreeSet<String>) -> String {
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
