//! Screens and what stands on them.

use serde_json::{Map, Value};

use super::Faults;
use super::parts::{self, Part};

/// What routing needs to know of a screen.
#[derive(Debug)]
pub(super) struct Screen {
    pub(super) id: String,
    pub(super) at: usize,
    pub(super) is_terminal: bool,
    /// Names under which something is taken in.
    pub(super) inputs: Vec<String>,
    /// Names in its data model; nothing: it has none.
    pub(super) data: Option<Vec<String>>,
    pub(super) actions: Vec<Action>,
}

/// What a tap does.
#[derive(Debug)]
pub(super) struct Action {
    pub(super) name: String,
    pub(super) next: Option<String>,
    pub(super) payload: Map<String, Value>,
    pub(super) path: String,
    /// It stands on a footer.
    pub(super) on_footer: bool,
}

const SCREEN: &[&str] = &["id", "title", "terminal", "success", "data", "layout", "refresh_on_back", "sensitive"];
/// A word Meta keeps for the end of a form.
const RESERVED: &str = "success";

/// How a component is being read: what it stands on and in.
struct Reader<'a> {
    version: (u32, u32),
    faults: &'a mut Faults,
    screen: Screen,
    kinds: Vec<&'static str>,
    inputs_outside: Vec<String>,
}

/// All screens, or nothing when there are none to speak of.
pub(super) fn read(root: &Map<String, Value>, version: (u32, u32), faults: &mut Faults) -> Option<Vec<Screen>> {
    let Some(list) = root.get("screens") else {
        faults.missing("screens", "screens");
        return None;
    };
    let Some(list) = list.as_array() else {
        faults.wrong_type("screens", "array", list);
        return None;
    };
    if list.is_empty() {
        faults.note("MIN_ITEMS_REQUIRED", "screens", "Property 'screens' should have at least '1' items.");
        return None;
    }
    if list.len() > parts::SCREENS_MAX {
        let message = format!("Maximum number of screens allowed per Flow is {} but found {}.", parts::SCREENS_MAX, list.len());
        faults.note("MAX_SCREENS_NUMBER", "screens", message);
        return None;
    }
    let mut screens: Vec<Screen> = Vec::new();
    for (at, value) in list.iter().enumerate() {
        let path = format!("screens[{at}]");
        let Some(map) = value.as_object() else {
            faults.wrong_type(&path, "object", value);
            continue;
        };
        let screen = one(map, at, version, faults);
        if !screen.id.is_empty() && screens.iter().any(|other| other.id == screen.id) {
            let message = format!("Duplicate screen id found: {}.", screen.id);
            faults.note("DUPLICATE_SCREEN_IDS", format!("{path}.id"), message);
        }
        screens.push(screen);
    }
    ends(&screens, list, faults);
    Some(screens)
}

/// A form has to end somewhere, and every end needs its button.
fn ends(screens: &[Screen], list: &[Value], faults: &mut Faults) {
    if !screens.iter().any(|screen| screen.is_terminal) {
        faults.note("MISSING_TERMINAL_SCREEN", "screens", "Terminal screen is required but not provided.");
        return;
    }
    let has_footer = |screen: &&Screen| screen.actions.iter().any(|action| action.on_footer);
    let bare: Vec<&str> = screens.iter().filter(|s| s.is_terminal && !has_footer(s)).map(|s| s.id.as_str()).collect();
    if !bare.is_empty() {
        let message = format!("Footer component is missing on terminal screens: [{}].", bare.join(", "));
        faults.note("MISSING_FOOTER_ON_TERMINAL_SCREEN", "screens", message);
    }
    let fails = |screen: &&Screen| list.get(screen.at).and_then(|value| value.get("success")) == Some(&Value::Bool(false));
    if screens.iter().filter(|screen| screen.is_terminal).all(|screen| fails(&screen)) {
        let message = "At least one terminal screen must have property 'success' set as true.";
        faults.note("INVALID_PROPERTY_VALUE", "screens", message);
    }
}

fn one(map: &Map<String, Value>, at: usize, version: (u32, u32), faults: &mut Faults) -> Screen {
    let path = format!("screens[{at}]");
    faults.only(map, SCREEN, &path);
    let id = id(map, &path, faults);
    let is_terminal = flag(map, "terminal", &path, faults);
    if map.contains_key("success") && !is_terminal {
        let message = "Property 'success' can only be specified on a terminal screen.";
        faults.note("NOT_KEYWORD_SCHEMA_VALIDATION_FAILED", format!("{path}.success"), message);
    }
    flag(map, "success", &path, faults);
    if let Some(title) = map.get("title").filter(|title| !title.is_string()) {
        faults.wrong_type(&format!("{path}.title"), "string", title);
    }
    let data = data(map, &path, faults);
    let screen = Screen { id, at, is_terminal, inputs: Vec::new(), data, actions: Vec::new() };
    let mut reader = Reader { version, faults, screen, kinds: Vec::new(), inputs_outside: Vec::new() };
    reader.layout(map, &path);
    reader.finish(&path)
}

fn id(map: &Map<String, Value>, path: &str, faults: &mut Faults) -> String {
    let at = format!("{path}.id");
    match map.get("id") {
        None => faults.missing(path, "id"),
        Some(Value::String(id)) if id.is_empty() => {
            faults.note("MIN_CHARS_REQUIRED", at, "Property 'id' should have at least '1' characters.");
        }
        Some(Value::String(id)) => {
            if !id.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_') {
                faults.note("PATTERN_MISMATCH", at, "Property 'id' should only consist of alphabets and underscores.");
            } else if id.eq_ignore_ascii_case(RESERVED) {
                let message = "Screen id cannot be 'success' since it is a reserved keyword.";
                faults.note("SCREEN_ID_IS_RESERVED_KEYWORD", at, message);
            }
            return id.clone();
        }
        Some(other) => faults.wrong_type(&at, "string", other),
    }
    String::new()
}

fn flag(map: &Map<String, Value>, key: &str, path: &str, faults: &mut Faults) -> bool {
    match map.get(key) {
        None => false,
        Some(Value::Bool(flag)) => *flag,
        Some(other) => {
            faults.wrong_type(&format!("{path}.{key}"), "boolean", other);
            false
        }
    }
}

/// The data model: a type for each name, and an example of it.
fn data(map: &Map<String, Value>, path: &str, faults: &mut Faults) -> Option<Vec<String>> {
    let value = map.get("data")?;
    let at = format!("{path}.data");
    let Some(model) = value.as_object() else {
        faults.wrong_type(&at, "object", value);
        return None;
    };
    for (name, schema) in model {
        let at = format!("{at}.{name}");
        match schema.get("type") {
            None => faults.note("INVALID_SCREEN_DATA", &at, "Missing the definition of property 'type'."),
            Some(Value::String(kind)) => {
                if kind == "array" && schema.get("items").is_none() {
                    faults.note("INVALID_SCREEN_DATA", &at, "Missing the schema for property 'items' in array.");
                }
                let found = schema.get("__example__");
                if let Some(found) = found.filter(|found| super::type_of(found) != kind.as_str()) {
                    let message = format!(
                        "Invalid data model schema. Expected property '__example__' to be of type {kind}, but found {}.",
                        super::type_of(found)
                    );
                    faults.note("INVALID_SCREEN_DATA", &at, message);
                }
            }
            Some(_) => faults.note("INVALID_SCREEN_DATA", &at, "Expected the property 'type' to be of type string."),
        }
    }
    Some(model.keys().cloned().collect())
}

impl Reader<'_> {
    fn layout(&mut self, map: &Map<String, Value>, path: &str) {
        let at = format!("{path}.layout");
        let Some(layout) = map.get("layout") else { return self.faults.missing(path, "layout") };
        let Some(layout) = layout.as_object() else { return self.faults.wrong_type(&at, "object", layout) };
        self.faults.only(layout, &["type", "children"], &at);
        if layout.get("type").and_then(Value::as_str) != Some("SingleColumnLayout") {
            let message = format!("Invalid value found for property 'type' at '{at}'.");
            self.faults.note("INVALID_PROPERTY_VALUE", format!("{at}.type"), message);
        }
        self.children(layout, "children", &at, false, 0);
    }

    fn children(&mut self, map: &Map<String, Value>, key: &str, path: &str, in_form: bool, depth: usize) {
        let at = format!("{path}.{key}");
        let Some(value) = map.get(key) else { return self.faults.missing(path, key) };
        let Some(children) = value.as_array() else { return self.faults.wrong_type(&at, "array", value) };
        if key == "then" && children.is_empty() {
            let message = "Expected array to contain at least one component.";
            self.faults.note("INVALID_PROPERTY_VALUE", at, message);
            return;
        }
        for (index, child) in children.iter().enumerate() {
            self.component(child, &format!("{at}[{index}]"), in_form, depth);
        }
    }

    fn component(&mut self, value: &Value, path: &str, in_form: bool, depth: usize) {
        let Some(map) = value.as_object() else { return self.faults.wrong_type(path, "object", value) };
        let Some(kind) = map.get("type") else {
            return self.faults.note("MISSING_REQUIRED_TYPE_PROPERTY", path, "Required property 'type' is missing.");
        };
        let part = kind.as_str().and_then(parts::part).filter(|part| part.since <= self.version);
        let Some(part) = part else {
            let message = format!("Invalid value found for property 'type' at '{path}'.");
            return self.faults.note("INVALID_PROPERTY_VALUE", format!("{path}.type"), message);
        };
        self.kinds.push(part.kind);
        self.properties(map, part, path);
        if part.is_input {
            self.take_in(map, part, path, in_form);
        }
        self.special(map, part.kind, path);
        for key in ["on-click-action", "on-select-action", "on-unselect-action"] {
            self.action(map, key, part.kind, path);
        }
        match part.kind {
            "Form" => self.children(map, "children", path, true, depth),
            "If" => self.branches(map, path, in_form, depth),
            "Switch" => self.cases(map, path, in_form, depth),
            _ => {}
        }
    }

    fn properties(&mut self, map: &Map<String, Value>, part: &Part, path: &str) {
        let known: Vec<&str> = ["type"].iter().chain(part.required).chain(part.optional).copied().collect();
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let message = format!("Property '{key}' cannot be specified at '{}' on '{path}'.", part.kind);
            self.faults.note("INVALID_PROPERTY_KEY", format!("{path}.{key}"), message);
        }
        for key in part.required {
            if !map.contains_key(*key) {
                self.faults.missing(path, key);
            }
        }
        for (key, most) in part.limits {
            let at = format!("{path}.{key}");
            match map.get(*key) {
                None => {}
                // What is filled in later has no length yet.
                Some(Value::String(text)) if text.contains("${") => {}
                Some(Value::String(text)) if text.trim().is_empty() && part.required.contains(key) => {
                    let message = format!("Property '{key}' should not be blank or empty string.");
                    self.faults.note("PATTERN_MISMATCH", at, message);
                }
                Some(Value::String(text)) if text.chars().count() > *most => {
                    let message = format!("Property '{key}' should have at most '{most}' characters.");
                    self.faults.note("MAX_CHARS_REQUIRED", at, message);
                }
                Some(Value::String(_)) => {}
                // Markdown comes in lines; a range of days has two of each.
                Some(Value::Array(_)) if *key == "text" => {}
                Some(Value::Object(_)) if part.kind == "CalendarPicker" => {}
                Some(other) => self.faults.wrong_type(&at, "string", other),
            }
        }
    }

    fn take_in(&mut self, map: &Map<String, Value>, part: &Part, path: &str, in_form: bool) {
        let Some(name) = map.get("name").and_then(Value::as_str) else { return };
        if self.screen.inputs.iter().any(|other| other == name) {
            let message = format!("Duplicate name found for Form components: {name}.");
            self.faults.note("DUPLICATE_FORM_COMPONENT_NAMES", format!("{path}.name"), message);
        }
        self.screen.inputs.push(name.to_owned());
        if !in_form {
            if self.version < (4, 0) {
                let message = format!("Property '{}' must be defined inside parent property 'Form'.", part.kind);
                self.faults.note("KEYWORD_ONE_OF", path, message);
            }
            self.inputs_outside.push(part.kind.to_owned());
        }
    }

    /// What only some kinds have.
    fn special(&mut self, map: &Map<String, Value>, kind: &str, path: &str) {
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        if let Some(asked) = text("input-type").filter(|asked| kind == "TextInput" && !parts::INPUT_TYPES.contains(asked)) {
            let message = format!("Value should be one of: [{}]. Found '{asked}'.", parts::INPUT_TYPES.join(", "));
            self.faults.note("INVALID_ENUM_VALUE", format!("{path}.input-type"), message);
        }
        if kind == "TextInput" && map.contains_key("pattern") && !map.contains_key("helper-text") {
            let message = "TextInput should have property helper-text when property pattern is present.";
            self.faults.note("INVALID_DEPENDENCIES", path, message);
        }
        if kind == "Footer" {
            self.captions(map, path);
        }
        if matches!(kind, "CheckboxGroup" | "RadioButtonsGroup" | "Dropdown" | "ChipsSelector") {
            self.options(map, kind, path);
            if kind != "Dropdown" && self.version >= (4, 0) && !map.contains_key("label") {
                self.faults.missing(path, "label");
            }
        }
        for (least, most) in [("min-selected-items", "max-selected-items"), ("min-chars", "max-chars"), ("min-days", "max-days")]
        {
            let number = |key: &str| map.get(key).and_then(Value::as_i64);
            if let (Some(low), Some(high)) = (number(least), number(most))
                && low > high
            {
                let message = format!("{least} cannot be greater than {most} for {kind}.");
                self.faults.note("MIN_VALUE_GREATER_THAN_MAX", path, message);
            }
        }
    }

    fn captions(&mut self, map: &Map<String, Value>, path: &str) {
        let has = |key: &str| map.contains_key(key);
        if has("center-caption") && (has("left-caption") || has("right-caption")) {
            let message = "Properties 'center-caption' and [left-caption, right-caption] must be present exclusively at Footer.";
            self.faults.note("NOT_KEYWORD_SCHEMA_VALIDATION_FAILED", path, message);
        } else if has("left-caption") != has("right-caption") {
            let message = "Footer should have property left-caption when property right-caption is present.";
            self.faults.note("INVALID_DEPENDENCIES", path, message);
        }
    }

    fn options(&mut self, map: &Map<String, Value>, kind: &str, path: &str) {
        let at = format!("{path}.data-source");
        let list = match map.get("data-source") {
            None => return,
            Some(Value::String(text)) if text.starts_with("${") => return,
            Some(Value::Array(list)) => list,
            Some(other) => return self.faults.wrong_type(&at, "array", other),
        };
        let (least, few, many) = parts::OPTIONS;
        let most = if kind == "Dropdown" { many } else { few };
        if list.len() < least {
            let message = format!("Property 'data-source' should have at least '{least}' items.");
            self.faults.note("MIN_ITEMS_REQUIRED", &at, message);
        }
        if list.len() > most {
            let message = format!("Property 'data-source' should have at most '{most}' items.");
            self.faults.note("MAX_ITEMS_REQUIRED", &at, message);
        }
        let mut ids: Vec<&str> = Vec::new();
        for (index, option) in list.iter().enumerate() {
            let at = format!("{at}[{index}]");
            let Some(option) = option.as_object() else {
                self.faults.wrong_type(&at, "object", option);
                continue;
            };
            for key in ["id", "title"] {
                if option.get(key).and_then(Value::as_str).is_none_or(str::is_empty) {
                    self.faults.missing(&at, key);
                }
            }
            for (key, most) in parts::OPTION_LIMITS {
                if option.get(key).and_then(Value::as_str).is_some_and(|text| text.chars().count() > most) {
                    let message = format!("Property '{key}' should have at most '{most}' characters.");
                    self.faults.note("MAX_CHARS_REQUIRED", format!("{at}.{key}"), message);
                }
            }
            if let Some(id) = option.get("id").and_then(Value::as_str) {
                if ids.contains(&id) {
                    self.faults.note("INVALID_PROPERTY_VALUE", format!("{at}.id"), format!("Duplicate option id found: {id}."));
                }
                ids.push(id);
            }
        }
    }

    fn action(&mut self, map: &Map<String, Value>, key: &str, kind: &str, path: &str) {
        let Some(value) = map.get(key) else { return };
        let at = format!("{path}.{key}");
        let Some(action) = value.as_object() else { return self.faults.wrong_type(&at, "object", value) };
        let Some(name) = action.get("name").and_then(Value::as_str) else { return self.faults.missing(&at, "name") };
        let mut allowed = match (key, kind) {
            ("on-click-action", "Footer") => vec!["data_exchange", "navigate", "complete"],
            ("on-click-action", _) => vec!["data_exchange", "navigate"],
            _ => vec!["data_exchange"],
        };
        if self.version >= (6, 0) {
            allowed.push(if key == "on-click-action" { "open_url" } else { "update_data" });
        }
        if !allowed.contains(&name) {
            let message = format!("Value should be one of: [{}].", allowed.join(", "));
            return self.faults.note("INVALID_ENUM_VALUE", format!("{at}.name"), message);
        }
        self.faults.only(action, &["name", "next", "payload", "url"], &at);
        let next = action.get("next").and_then(|next| next.get("name")).and_then(Value::as_str).map(str::to_owned);
        if name == "navigate" && next.is_none() {
            self.faults.missing(&at, "next");
        }
        let payload = action.get("payload").and_then(Value::as_object).cloned().unwrap_or_default();
        let on_footer = kind == "Footer";
        self.screen.actions.push(Action { name: name.to_owned(), next, payload, path: at, on_footer });
    }

    fn branches(&mut self, map: &Map<String, Value>, path: &str, in_form: bool, depth: usize) {
        if map.get("condition").and_then(Value::as_str).is_none_or(|condition| condition.trim().is_empty()) {
            let message = "Expected property 'condition' to contain at least one operand.";
            self.faults.note("INVALID_PROPERTY_VALUE", format!("{path}.condition"), message);
        }
        if depth >= parts::IF_DEPTH_MAX {
            let message = format!("It is allowed to nest up to {} 'If' components.", parts::IF_DEPTH_MAX);
            return self.faults.note("MAXIMUM_IF_NESTING", path, message);
        }
        let in_then = self.footers_in(|reader| reader.children(map, "then", path, in_form, depth + 1));
        let in_else = self.footers_in(|reader| {
            if map.contains_key("else") {
                reader.children(map, "else", path, in_form, depth + 1);
            }
        });
        if (in_then == 0) != (in_else == 0) {
            let message = if map.contains_key("else") {
                "Footer component must be present in all branches of 'If' component if it exists in any one branch."
            } else {
                "Missing Footer inside one of the 'If' component branches. Branch 'else' should exist and contain one Footer."
            };
            self.faults.note("MISSING_FOOTER_IN_IF_ELSE_BRANCHES", path, message);
        }
        self.count_once("Footer", in_then, in_else);
    }

    fn cases(&mut self, map: &Map<String, Value>, path: &str, in_form: bool, depth: usize) {
        let Some(cases) = map.get("cases").and_then(Value::as_object).filter(|cases| !cases.is_empty()) else {
            let message = format!("Invalid empty property found at: '{path}/cases'.");
            return self.faults.note("INVALID_PROPERTY_VALUE", format!("{path}.cases"), message);
        };
        let mut counts = Vec::new();
        for key in cases.keys() {
            counts.push(self.footers_in(|reader| reader.children(cases, key, &format!("{path}.cases"), in_form, depth)));
        }
        let (least, most) = (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
        if least == 0 && most > 0 {
            let message = "Footer component must be present in all switch cases if it exists in one of the cases.";
            self.faults.note("MISSING_FOOTER_IN_SWITCH_BRANCHES", path, message);
        }
        let rest = counts.iter().sum::<usize>().saturating_sub(most);
        self.count_once("Footer", rest, most);
    }

    fn footers_in(&mut self, read: impl FnOnce(&mut Self)) -> usize {
        let count = |reader: &Self| reader.kinds.iter().filter(|kind| **kind == "Footer").count();
        let before = count(self);
        read(self);
        count(self) - before
    }

    /// Of branches only one is ever shown, so what both have counts once.
    fn count_once(&mut self, kind: &str, one: usize, other: usize) {
        for _ in 0..one.min(other) {
            if let Some(at) = self.kinds.iter().rposition(|known| *known == kind) {
                self.kinds.remove(at);
            }
        }
    }

    fn finish(self, path: &str) -> Screen {
        let Self { faults, screen, kinds, inputs_outside, version } = self;
        if kinds.len() > parts::PER_SCREEN_MAX {
            let message = format!(
                "Maximum number of components allowed per screen is {} but found {}.",
                parts::PER_SCREEN_MAX,
                kinds.len()
            );
            faults.note("COMPONENT_MAX_NUMBER_PER_SCREEN", path, message);
        }
        for part in parts::PARTS {
            let count = kinds.iter().filter(|kind| **kind == part.kind).count();
            if count > part.most {
                let message = format!("Maximum number of {} allowed per screen is {} but found {count}.", part.kind, part.most);
                faults.note("COMPONENT_TYPE_MAX_NUMBER_PER_SCREEN", path, message);
            }
        }
        if kinds.contains(&"Form") && !inputs_outside.is_empty() && version >= (4, 0) {
            let names = inputs_outside.join("', '");
            let message = format!("Component '{names}' is not allowed outside Form when Form component is present.");
            faults.note("COMPONENTS_OUTSIDE_FORM", path, message);
        }
        // Rich text fills its screen; since 6.3 a footer may stand below it.
        let may_stand = |kind: &str| matches!(kind, "RichText" | "Form") || (kind == "Footer" && version >= (6, 3));
        if kinds.contains(&"RichText") && !kinds.iter().all(|kind| may_stand(kind)) {
            let message = "RichText cannot be used with other components on the same screen. Please either remove RichText or \
                           ensure that it is the only component on the screen.";
            faults.note("INVALID_COMPONENT_PLACEMENT", path, message);
        }
        screen
    }
}
