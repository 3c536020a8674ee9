//! A template as somebody asks for it: the body of Meta's create call, read strictly.
//!
//! What Meta sends is read with an open mind ([`super::parse`]); what a person wrote is not: a member that we don't know would be
//! lost on the way, so it is refused. Rules about texts, counts and combinations are the linter's ([`transom_domain::lint`]).

use serde_json::{Map, Value};
use transom_domain::content::Language;
use transom_domain::field::{FieldError, Findings};
use transom_domain::template::{BodyDefinition, Category, Definition, FooterDefinition};

use super::parse;
use crate::read::{member, whole};

/// A template that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its name, as it was written.
    pub name: String,
    /// Language of its texts.
    pub language: Language,
    /// Category.
    pub category: Category,
    /// What it consists of.
    pub definition: Definition,
    /// Seconds for which Meta is to try to deliver it.
    pub ttl_seconds: Option<i64>,
}

/// Longest text that is looked at, in bytes: many times what any part may have.
const TEXT_MAX: usize = 16 * 1024;
/// Longest form that comes along with its template, in bytes (Meta: flows/reference/flowjson, 10 MB; a request here is far shorter).
const FORM_MAX: usize = 1024 * 1024;
/// Most samples of one text that are looked at.
const SAMPLES_MAX: usize = 1_000;

/// What a member has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Is {
    /// A text, perhaps empty.
    Text,
    /// Flow JSON.
    Form,
    /// A text or a number: ids come as either.
    Id,
    Flag,
    Whole,
    Object,
    /// With at least one element.
    List,
    /// The one text that Meta has there.
    Fixed(&'static str),
    /// Looked at elsewhere.
    Sample,
}

/// Name, kind, and whether it must be there.
type Member = (&'static str, Is, bool);

const REQUEST: &[Member] = &[
    ("name", Is::Text, true),
    ("language", Is::Text, true),
    ("category", Is::Text, true),
    ("parameter_format", Is::Text, false),
    ("components", Is::List, true),
    ("message_send_ttl_seconds", Is::Whole, false),
    // Meta ignores it since April 2025.
    ("allow_category_change", Is::Flag, false),
];

const COMPONENTS: [&str; 7] =
    ["HEADER", "BODY", "FOOTER", "BUTTONS", "CAROUSEL", "LIMITED_TIME_OFFER", "CALL_PERMISSION_REQUEST"];
const IN_CARDS: [&str; 3] = ["HEADER", "BODY", "BUTTONS"];
const HEADERS: [&str; 6] = ["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION", "PRODUCT"];

const BUTTONS: &[(&str, &[Member])] = &[
    ("QUICK_REPLY", &[("text", Is::Text, true)]),
    ("URL", &[("text", Is::Text, true), ("url", Is::Text, true), ("example", Is::Sample, false)]),
    ("PHONE_NUMBER", &[("text", Is::Text, true), ("phone_number", Is::Id, true)]),
    ("COPY_CODE", &[("example", Is::Sample, false), ("text", Is::Text, false)]),
    (
        "FLOW",
        &[
            ("text", Is::Text, true),
            ("flow_id", Is::Id, false),
            ("flow_name", Is::Text, false),
            ("flow_json", Is::Form, false),
            ("flow_action", Is::Text, false),
            ("navigate_screen", Is::Text, false),
        ],
    ),
    ("CATALOG", &[("text", Is::Fixed("View catalog"), false)]),
    ("MPM", &[("text", Is::Fixed("View items"), false)]),
    ("SPM", &[("text", Is::Fixed("View"), false)]),
    ("VOICE_CALL", &[("text", Is::Text, true), ("ttl_minutes", Is::Whole, false)]),
    ("REQUEST_CONTACT_INFO", &[("text", Is::Text, false)]),
    (
        "OTP",
        &[
            ("otp_type", Is::Text, true),
            ("text", Is::Text, false),
            ("autofill_text", Is::Text, false),
            ("supported_apps", Is::List, false),
            ("package_name", Is::Text, false),
            ("signature_hash", Is::Text, false),
            ("zero_tap_terms_accepted", Is::Flag, false),
        ],
    ),
];
const APP: &[Member] = &[("package_name", Is::Text, true), ("signature_hash", Is::Text, true)];

/// Reads the body of Meta's create call.
///
/// # Errors
/// Each member that is missing, unknown or not what it should be, by its path.
pub fn read_request(json: &Value) -> Result<Request, Vec<FieldError>> {
    let mut f = Findings::default();
    let Some(map) = json.as_object() else {
        f.note("", "must be an object", "see the reference of templates");
        return Err(f.result(()).err().unwrap_or_default());
    };
    members(map, REQUEST, &mut f);
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    let language = text("language").and_then(|code| match Language::parse(code) {
        Ok(language) => Some(language),
        Err(why) => {
            f.note("language", why.to_string(), "use a code of Meta's list");
            None
        }
    });
    let category = text("category").and_then(|word| {
        let category = super::category(word);
        if category.is_none() {
            f.note("category", format!("{word:?} is no category"), "use MARKETING, UTILITY or AUTHENTICATION");
        }
        category
    });
    let components = map.get("components").unwrap_or(&Value::Null);
    let (Some(language), Some(category), true) = (language, category, f.is_empty()) else {
        return Err(f.result(()).err().unwrap_or_default());
    };
    let definition = read_components(components, category, text("parameter_format"))?;
    let ttl_seconds = member(map, "message_send_ttl_seconds").and_then(|seconds| whole(&seconds));
    Ok(Request { name: text("name").unwrap_or_default().to_owned(), language, category, definition, ttl_seconds })
}

/// Reads the array of components of a template that is asked for; paths begin with `components`.
///
/// # Errors
/// As [`read_request`].
pub fn read_components(json: &Value, category: Category, parameter_format: Option<&str>) -> Result<Definition, Vec<FieldError>> {
    let mut f = Findings::default();
    if parameter_format.is_some_and(|word| !["NAMED", "POSITIONAL"].iter().any(|known| word.eq_ignore_ascii_case(known))) {
        f.note("parameter_format", "is neither NAMED nor POSITIONAL", "use one of them, or leave it out");
    }
    let list = json.as_array().map(Vec::as_slice).unwrap_or_default();
    components(list, "components", &COMPONENTS, &mut f);
    if !list.iter().any(|component| kind_of(component).as_deref() == Some("BODY")) {
        f.note("components", "must have one of type BODY", "add the text of the message");
    }
    f.result(())?;
    // What is asked for is read as Meta reads it: numbered unless something else is said.
    let mut definition = parse::definition(list, category, Some(parameter_format.unwrap_or("POSITIONAL"))).map_err(|why| {
        let mut f = Findings::default();
        f.note("components", why.to_string(), "see the reference of templates");
        f.result(()).err().unwrap_or_default()
    })?;
    for component in list.iter().filter_map(Value::as_object) {
        match component.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase().as_str() {
            // Read back, Meta's words stand here; asked for, they would be the author's.
            "BODY" if category == Category::Authentication => {
                if let Some(text) = component.get("text").and_then(Value::as_str) {
                    definition.body = BodyDefinition::Own(transom_domain::template::TextDefinition::new(text, Vec::new()));
                }
            }
            // Read back, only what can be is taken for minutes.
            "FOOTER" => {
                if let Some(minutes) = member(component, "code_expiration_minutes").and_then(|minutes| whole(&minutes)) {
                    let minutes = u8::try_from(minutes).unwrap_or(u8::MAX);
                    definition.footer = Some(FooterDefinition::CodeExpiration { minutes });
                } else if let Some(text) = component.get("text").and_then(Value::as_str) {
                    definition.footer = Some(FooterDefinition::Text { text: text.to_owned() });
                }
            }
            _ => {}
        }
    }
    Ok(definition)
}

fn kind_of(json: &Value) -> Option<String> {
    json.get("type").and_then(Value::as_str).map(str::to_ascii_uppercase)
}

fn components(list: &[Value], part: &str, known: &[&str], f: &mut Findings) {
    let mut seen: Vec<String> = Vec::new();
    for (place, json) in list.iter().enumerate() {
        let path = format!("{part}[{place}]");
        f.within(&path, |f| {
            let Some(map) = json.as_object() else {
                return f.note("", "must be an object", "see the reference of templates");
            };
            let kind = kind_of(json).unwrap_or_default();
            if !known.contains(&kind.as_str()) {
                return f.note(
                    "type",
                    format!("{kind:?} is no kind of component here"),
                    format!("use one of {}", known.join(", ")),
                );
            }
            if seen.contains(&kind) {
                f.note("type", format!("{kind} stands here twice"), "make one of the two");
            }
            component(&kind, map, f);
            seen.push(kind);
        });
    }
}

fn component(kind: &str, map: &Map<String, Value>, f: &mut Findings) {
    const TYPE: Member = ("type", Is::Text, true);
    match kind {
        "HEADER" => header(map, f),
        "BODY" => {
            let members_of = [
                TYPE,
                ("text", Is::Text, false),
                ("example", Is::Object, false),
                ("add_security_recommendation", Is::Flag, false),
            ];
            members(map, &members_of, f);
            samples(map, &["body_text", "body_text_named_params"], f);
        }
        "FOOTER" => {
            members(map, &[TYPE, ("text", Is::Text, false), ("code_expiration_minutes", Is::Whole, false)], f);
            if !map.contains_key("text") && !map.contains_key("code_expiration_minutes") {
                f.note("text", "is required", "give the footer's text, or leave the footer out");
            }
        }
        "BUTTONS" => {
            members(map, &[TYPE, ("buttons", Is::List, true)], f);
            for (place, json) in array(map, "buttons").iter().enumerate() {
                f.within(&format!("buttons[{place}]"), |f| button(json, f));
            }
        }
        "CAROUSEL" => {
            members(map, &[TYPE, ("cards", Is::List, true)], f);
            for (place, json) in array(map, "cards").iter().enumerate() {
                f.within(&format!("cards[{place}]"), |f| card(json, f));
            }
        }
        "LIMITED_TIME_OFFER" => {
            members(map, &[TYPE, ("limited_time_offer", Is::Object, true)], f);
            if let Some(offer) = map.get("limited_time_offer").and_then(Value::as_object) {
                f.within("limited_time_offer", |f| {
                    members(offer, &[("text", Is::Text, true), ("has_expiration", Is::Flag, false)], f);
                });
            }
        }
        _ => members(map, &[TYPE], f),
    }
}

fn header(map: &Map<String, Value>, f: &mut Findings) {
    const TYPE: Member = ("type", Is::Text, true);
    const FORMAT: Member = ("format", Is::Text, true);
    let format = map.get("format").and_then(Value::as_str).unwrap_or_default().to_ascii_uppercase();
    match format.as_str() {
        "TEXT" => {
            members(map, &[TYPE, FORMAT, ("text", Is::Text, true), ("example", Is::Object, false)], f);
            samples(map, &["header_text", "header_text_named_params"], f);
        }
        "IMAGE" | "VIDEO" | "DOCUMENT" => {
            members(map, &[TYPE, FORMAT, ("example", Is::Object, false)], f);
            samples(map, &["header_handle"], f);
        }
        "LOCATION" | "PRODUCT" => members(map, &[TYPE, FORMAT], f),
        "GIF" => f.note("format", "GIF goes through the Marketing Messages API only", "use VIDEO or IMAGE"),
        _ => f.note("format", format!("{format:?} is no format of a header"), format!("use one of {}", HEADERS.join(", "))),
    }
}

fn samples(map: &Map<String, Value>, known: &[&str], f: &mut Findings) {
    let Some(example) = map.get("example").and_then(Value::as_object) else { return };
    f.within("example", |f| {
        for (key, given) in example {
            if !known.contains(&key.as_str()) {
                f.note(key, "is not known here", format!("use {}", known.join(" or ")));
            }
            let given = given.as_array().map(Vec::as_slice).unwrap_or_default();
            if given.len() + given.iter().filter_map(Value::as_array).map(Vec::len).sum::<usize>() > SAMPLES_MAX {
                f.note(key, format!("has more than {SAMPLES_MAX} samples"), "give one for each variable");
            }
        }
    });
}

fn card(json: &Value, f: &mut Findings) {
    let Some(map) = json.as_object() else { return f.note("", "must be an object", "see the reference of templates") };
    members(map, &[("components", Is::List, true)], f);
    let list = array(map, "components");
    components(list, "components", &IN_CARDS, f);
    if !list.iter().any(|component| kind_of(component).as_deref() == Some("HEADER")) {
        f.note("components", "must have one of type HEADER", "add an image, a video or a product");
    }
}

fn button(json: &Value, f: &mut Findings) {
    let Some(map) = json.as_object() else { return f.note("", "must be an object", "see the reference of templates") };
    let kind = kind_of(json).unwrap_or_default();
    let Some((_, of_kind)) = BUTTONS.iter().find(|(known, _)| *known == kind) else {
        let known: Vec<&str> = BUTTONS.iter().map(|(known, _)| *known).collect();
        return f.note("type", format!("{kind:?} is no kind of button"), format!("use one of {}", known.join(", ")));
    };
    let mut all: Vec<Member> = vec![("type", Is::Text, true)];
    all.extend_from_slice(of_kind);
    members(map, &all, f);
    for (place, app) in array(map, "supported_apps").iter().enumerate() {
        f.within(&format!("supported_apps[{place}]"), |f| match app.as_object() {
            Some(app) => members(app, APP, f),
            None => f.note("", "must be an object", "give package_name and signature_hash"),
        });
    }
}

fn array<'a>(map: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    map.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Everything that must be there is, everything that is there is known, and all of it is what it should be.
fn members(map: &Map<String, Value>, known: &[Member], f: &mut Findings) {
    for key in map.keys().filter(|key| !known.iter().any(|(name, ..)| name == key)) {
        let names: Vec<&str> = known.iter().map(|(name, ..)| *name).collect();
        f.note(key, "is not known here", format!("there is {}", names.join(", ")));
    }
    for (name, is, required) in known {
        match map.get(*name) {
            None | Some(Value::Null) if *required => f.note(name, "is required", "give it"),
            None | Some(Value::Null) => {}
            Some(value) => {
                if let Some(wrong) = is.wrong(value, *required) {
                    f.note(name, wrong, is.remedy());
                }
            }
        }
    }
}

impl Is {
    fn wrong(self, value: &Value, required: bool) -> Option<String> {
        let must = |fits: bool, what: &str| (!fits).then(|| format!("must be {what}"));
        match self {
            Self::Text | Self::Form if value.as_str().is_some_and(|text| text.len() > self.text_max()) => {
                Some(format!("is longer than {} bytes", self.text_max()))
            }
            Self::Text if required => must(value.as_str().is_some_and(|text| !text.is_empty()), "a text that is not empty"),
            Self::Text | Self::Form => must(value.is_string(), "a text"),
            Self::Id => must(value.is_string() || value.is_u64(), "a text"),
            Self::Flag => must(value.is_boolean(), "true or false"),
            Self::Whole => must(value.is_i64() || value.as_str().and_then(whole).is_some(), "a whole number"),
            Self::Object => must(value.is_object(), "an object"),
            Self::List => must(value.as_array().is_some_and(|list| !list.is_empty()), "a list with at least one element"),
            Self::Fixed(text) => must(value.as_str() == Some(text), &format!("{text:?}, or left out")),
            Self::Sample => must(value.is_string() || value.is_array(), "a text, or a list with one"),
        }
    }

    const fn text_max(self) -> usize {
        if matches!(self, Self::Form) { FORM_MAX } else { TEXT_MAX }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::Fixed(_) => "leave it out: the label is Meta's",
            _ => "see the reference of templates",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use transom_domain::template::{App, ButtonDefinition, Handover};

    fn fields(json: &Value) -> Vec<String> {
        read_request(json).err().unwrap_or_default().into_iter().map(|f| f.field).collect()
    }

    #[test]
    fn what_would_be_lost_is_refused_by_its_path() {
        let request = |components: Value| json!({"name": "n", "language": "en", "category": "utility", "components": components});
        for (components, path) in [
            (json!([]), "components"),
            (json!([{"type": "FOOTER", "text": "x"}]), "components"),
            (json!([{"type": "BODY", "text": "x", "colour": "red"}]), "components[0].colour"),
            (json!([{"type": "BODY", "text": "x"}, {"type": "BODY", "text": "y"}]), "components[1].type"),
            (json!([{"type": "BODY", "text": "x", "example": {"header_text": ["a"]}}]), "components[0].example.header_text"),
            (json!([{"type": "BODY", "text": "x"}, {"type": "HEADER", "format": "GIF"}]), "components[1].format"),
            (
                json!([{"type": "BODY", "text": "x"}, {"type": "BUTTONS", "buttons": [{"type": "CATALOG", "text": "Look"}]}]),
                "components[1].buttons[0].text",
            ),
            (
                json!([{"type": "BODY", "text": "x"}, {"type": "CAROUSEL", "cards": [{"components": [{"type": "BODY", "text": "x"}]}]}]),
                "components[1].cards[0].components",
            ),
        ] {
            assert_eq!(fields(&request(components)), [path]);
        }
        assert_eq!(
            fields(&json!({"name": "n", "language": "english", "category": "NEWS", "components": [1]})),
            ["language", "category"]
        );
        assert_eq!(fields(&json!([])), [""]);
    }

    #[test]
    fn what_a_code_needs_is_kept() {
        let json = json!({"name": "n", "language": "en", "category": "AUTHENTICATION", "components": [
            {"type": "BODY", "add_security_recommendation": true}, {"type": "FOOTER", "code_expiration_minutes": 120},
            {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "ONE_TAP", "autofill_text": "Fill in",
                "supported_apps": [{"package_name": "com.example", "signature_hash": "K8a/AINcGX7"}]}]}]});
        let read = read_request(&json).unwrap().definition;
        assert_eq!(read.footer, Some(FooterDefinition::CodeExpiration { minutes: 120 }));
        let app = App { package_name: "com.example".into(), signature_hash: "K8a/AINcGX7".into() };
        let handover = Handover { autofill_text: Some("Fill in".into()), apps: vec![app], zero_tap_terms_accepted: false };
        assert_eq!(read.buttons, [ButtonDefinition::Otp { otp_type: "ONE_TAP".into(), text: None, handover: Some(handover) }]);
        let printed = super::super::to_create("n", &Language::parse("en").unwrap(), Category::Authentication, &read);
        assert_eq!(printed["components"][2], json["components"][2]);
    }
}
