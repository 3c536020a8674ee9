//! A template's file as text: the same definition gives the same bytes, with texts over several lines as people read them.

use std::fmt::Write as _;

use transom_domain::content::Language;
use transom_domain::template::{
    BodyDefinition, ButtonDefinition, CardDefinition, Category, FooterDefinition, HeaderDefinition, ParameterFormat,
    TextDefinition,
};

use super::file::{FILE_SAMPLE, TemplateFile, Wanted, by_number};

/// The whole file.
#[must_use]
pub(crate) fn file(template: &TemplateFile) -> String {
    let mut text = String::new();
    // What most languages have stands once, at the top.
    let first = template.languages.values().next();
    let category = first.map_or(Category::Utility, |wanted| wanted.category);
    let format = first.map_or(ParameterFormat::Positional, |wanted| wanted.definition.format);
    line(&mut text, "name", &string(&template.name));
    line(&mut text, "category", &string(category.as_str()));
    if format == ParameterFormat::Named {
        line(&mut text, "parameter_format", "\"NAMED\"");
    }
    for (code, wanted) in &template.languages {
        text.push('\n');
        let head = Head {
            category: (wanted.category != category).then_some(wanted.category),
            format: (wanted.definition.format != format).then_some(wanted.definition.format),
        };
        one_language(&mut text, code, wanted, &head);
    }
    text
}

/// One language alone, as it stands in a file whose head says nothing of category and format.
#[must_use]
pub(crate) fn section(code: &Language, wanted: &Wanted) -> String {
    let named = wanted.definition.format == ParameterFormat::Named;
    let head = Head { category: Some(wanted.category), format: named.then_some(ParameterFormat::Named) };
    let mut text = String::new();
    one_language(&mut text, code, wanted, &head);
    text
}

/// What a language says for itself because it differs from the head of the file.
struct Head {
    category: Option<Category>,
    format: Option<ParameterFormat>,
}

fn one_language(text: &mut String, code: &Language, wanted: &Wanted, head: &Head) {
    let definition = &wanted.definition;
    let format = definition.format;
    let _ = writeln!(text, "[languages.{code}]");
    if let Some(category) = head.category {
        line(text, "category", &string(category.as_str()));
    }
    match head.format {
        Some(ParameterFormat::Named) => line(text, "parameter_format", "\"NAMED\""),
        Some(ParameterFormat::Positional) => line(text, "parameter_format", "\"POSITIONAL\""),
        None => {}
    }
    if let Some(seconds) = wanted.ttl_seconds {
        line(text, "message_send_ttl_seconds", &seconds.to_string());
    }
    if let Some(shown) = &definition.header {
        line(text, "header", &header(shown, format));
    }
    if let Some(offer) = &definition.limited_time_offer {
        let expires = if offer.has_expiration { ", has_expiration = true" } else { "" };
        line(text, "limited_time_offer", &format!("{{ text = {}{expires} }}", string(&offer.text)));
    }
    match &definition.body {
        BodyDefinition::Own(own) => body(text, own, format),
        BodyDefinition::Authentication { add_security_recommendation } => {
            line(text, "add_security_recommendation", &add_security_recommendation.to_string());
        }
    }
    match &definition.footer {
        Some(FooterDefinition::Text { text: footer }) => line(text, "footer", &string(footer)),
        Some(FooterDefinition::CodeExpiration { minutes }) => line(text, "code_expiration_minutes", &minutes.to_string()),
        None => {}
    }
    if definition.call_permission_request {
        line(text, "call_permission_request", "true");
    }
    buttons(text, &definition.buttons);
    for shown in &definition.cards {
        let _ = writeln!(text, "\n[[languages.{code}.cards]]");
        card(text, shown, format);
    }
}

fn card(text: &mut String, card: &CardDefinition, format: ParameterFormat) {
    line(text, "header", &header(&card.header, format));
    if let Some(own) = &card.body {
        body(text, own, format);
    }
    buttons(text, &card.buttons);
}

fn line(text: &mut String, key: &str, value: &str) {
    let _ = writeln!(text, "{key} = {value}");
}

fn body(text: &mut String, own: &TextDefinition, format: ParameterFormat) {
    line(text, "body", &block(&own.text));
    if !own.samples.is_empty() {
        line(text, "samples", &samples(own, format));
    }
}

fn samples(own: &TextDefinition, format: ParameterFormat) -> String {
    let names = own.names();
    if format == ParameterFormat::Named && own.samples.len() == names.len() {
        let pairs: Vec<String> =
            names.iter().zip(&own.samples).map(|(name, sample)| format!("{} = {}", key(name), string(sample))).collect();
        return format!("{{ {} }}", pairs.join(", "));
    }
    let list: Vec<String> = by_number(own).into_iter().map(string).collect();
    format!("[{}]", list.join(", "))
}

fn header(header: &HeaderDefinition, format: ParameterFormat) -> String {
    let media = |word: &str, sample: &Option<String>| {
        let sample = sample.as_deref().map(|sample| match sample.strip_prefix(FILE_SAMPLE) {
            Some(path) => ("file", path.to_owned()),
            None => ("sample", sample.to_owned()),
        });
        table("format", word, &sample.into_iter().collect::<Vec<_>>())
    };
    match header {
        HeaderDefinition::Text(own) => {
            let mut printed = format!("{{ format = \"TEXT\", text = {}", string(&own.text));
            if !own.samples.is_empty() {
                printed.push_str(&format!(", samples = {}", samples(own, format)));
            }
            printed + " }"
        }
        HeaderDefinition::Image { sample } => media("IMAGE", sample),
        HeaderDefinition::Video { sample } => media("VIDEO", sample),
        HeaderDefinition::Document { sample } => media("DOCUMENT", sample),
        HeaderDefinition::Location => table("format", "LOCATION", &[]),
        HeaderDefinition::Product => table("format", "PRODUCT", &[]),
    }
}

fn table(tag: &str, kind: &str, members: &[(&str, String)]) -> String {
    let mut printed = format!("{{ {tag} = {}", string(kind));
    for (key, value) in members {
        printed.push_str(&format!(", {key} = {}", string(value)));
    }
    printed + " }"
}

fn buttons(text: &mut String, buttons: &[ButtonDefinition]) {
    if buttons.is_empty() {
        return;
    }
    let _ = writeln!(text, "buttons = [");
    for shown in buttons {
        let _ = writeln!(text, "  {},", button(shown));
    }
    let _ = writeln!(text, "]");
}

fn button(button: &ButtonDefinition) -> String {
    let with = |kind: &str, members: &[(&'static str, Option<&String>)]| {
        let members: Vec<(&str, String)> =
            members.iter().filter_map(|(key, value)| value.map(|value| (*key, value.clone()))).collect();
        table("type", kind, &members)
    };
    match button {
        ButtonDefinition::QuickReply { text } => with("QUICK_REPLY", &[("text", Some(text))]),
        ButtonDefinition::Url { text, url, sample } => {
            with("URL", &[("text", Some(text)), ("url", Some(url)), ("sample", sample.as_ref())])
        }
        ButtonDefinition::PhoneNumber { text, phone } => {
            with("PHONE_NUMBER", &[("text", Some(text)), ("phone_number", Some(phone))])
        }
        ButtonDefinition::CopyCode { sample } => with("COPY_CODE", &[("sample", sample.as_ref())]),
        ButtonDefinition::Otp { otp_type, text, handover } => {
            let autofill = handover.as_ref().and_then(|h| h.autofill_text.as_ref());
            let mut printed = with("OTP", &[("otp_type", Some(otp_type)), ("text", text.as_ref()), ("autofill_text", autofill)]);
            if let Some(handover) = handover {
                printed.truncate(printed.len() - 2);
                let apps: Vec<String> = handover
                    .apps
                    .iter()
                    .map(|app| {
                        let (name, hash) = (string(&app.package_name), string(&app.signature_hash));
                        format!("{{ package_name = {name}, signature_hash = {hash} }}")
                    })
                    .collect();
                if !apps.is_empty() {
                    printed.push_str(&format!(", supported_apps = [{}]", apps.join(", ")));
                }
                if handover.zero_tap_terms_accepted {
                    printed.push_str(", zero_tap_terms_accepted = true");
                }
                printed.push_str(" }");
            }
            printed
        }
        ButtonDefinition::Flow { text, flow_id, flow_name, flow_json, flow_action, navigate_screen } => with(
            "FLOW",
            &[
                ("text", Some(text)),
                ("flow_id", flow_id.as_ref()),
                ("flow_name", flow_name.as_ref()),
                ("flow_json", flow_json.as_ref()),
                ("flow_action", flow_action.as_ref()),
                ("navigate_screen", navigate_screen.as_ref()),
            ],
        ),
        ButtonDefinition::Catalog => with("CATALOG", &[]),
        ButtonDefinition::MultiProduct => with("MPM", &[]),
        ButtonDefinition::SingleProduct => with("SPM", &[]),
        ButtonDefinition::VoiceCall { text, ttl_minutes } => {
            let mut printed = with("VOICE_CALL", &[("text", Some(text))]);
            if let Some(minutes) = ttl_minutes {
                printed.truncate(printed.len() - 2);
                printed.push_str(&format!(", ttl_minutes = {minutes} }}"));
            }
            printed
        }
        ButtonDefinition::RequestContactInfo => with("REQUEST_CONTACT_INFO", &[]),
    }
}

/// A key, in quotes where TOML wants them.
fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if is_bare { name.to_owned() } else { string(name) }
}

/// A text on one line.
fn string(text: &str) -> String {
    format!("\"{}\"", escaped(text, false))
}

/// A text as it reads: over several lines where it has several.
fn block(text: &str) -> String {
    if text.contains('\n') { format!("\"\"\"\n{}\"\"\"", escaped(text, true)) } else { string(text) }
}

fn escaped(text: &str, in_block: bool) -> String {
    let mut printed = String::with_capacity(text.len());
    let mut quotes = 0;
    let last = text.chars().count().saturating_sub(1);
    for (place, c) in text.chars().enumerate() {
        quotes = if c == '"' { quotes + 1 } else { 0 };
        match c {
            '\\' => printed.push_str("\\\\"),
            // Three in a row would end a block, and so would one at its end.
            '"' if !in_block || quotes == 3 || place == last => {
                quotes = 0;
                printed.push_str("\\\"");
            }
            '\n' if in_block => printed.push('\n'),
            '\n' => printed.push_str("\\n"),
            '\t' => printed.push_str("\\t"),
            '\r' => printed.push_str("\\r"),
            c if c.is_control() || is_unseen(c) => {
                let _ = write!(printed, "\\U{:08X}", u32::from(c));
            }
            c => printed.push(c),
        }
    }
    printed
}

/// Characters that editors lose or show as nothing: at the begin of a file as a byte order mark, at the end of a line, in between.
const fn is_unseen(c: char) -> bool {
    matches!(c, '\u{feff}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{a0}' | '\u{202f}' | '\u{2060}' | '\u{202a}'..='\u{202e}')
}
