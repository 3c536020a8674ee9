//! A template as a file: TOML, one file for a name, all its languages in it.
//!
//! The words are Meta's where Meta has words. What a [`Definition`] can say the file can say, and the other way round: nothing is
//! lost between the two ([`super::print`] writes what is read here).

use std::collections::BTreeMap;

use serde::Deserialize;
use transom_domain::content::Language;
use transom_domain::template::{
    App, BodyDefinition, ButtonDefinition, CardDefinition, Category, Definition, FooterDefinition, Handover, HeaderDefinition,
    LimitedTimeOffer, ParameterFormat, TextDefinition,
};

/// One language of a template, as its author wants it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wanted {
    /// Category.
    pub(crate) category: Category,
    /// What it consists of. A sample that is a file beside this one is told by [`FILE_SAMPLE`] before its path.
    pub(crate) definition: Definition,
    /// Seconds for which Meta is to try to deliver it.
    pub(crate) ttl_seconds: Option<i64>,
}

/// A template in all its languages.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TemplateFile {
    /// Its name at Meta.
    pub(crate) name: String,
    /// By language.
    pub(crate) languages: BTreeMap<Language, Wanted>,
}

/// What stands before the path of a sample that is a file.
pub(crate) const FILE_SAMPLE: &str = "file:";

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// Path of the field; empty for the file as a whole.
    pub(crate) field: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) fix: String,
}

impl Unreadable {
    fn new(field: impl Into<String>, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into(), fix: fix.into() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    name: String,
    category: String,
    parameter_format: Option<ParameterFormat>,
    languages: BTreeMap<String, OneLanguage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OneLanguage {
    category: Option<String>,
    parameter_format: Option<ParameterFormat>,
    message_send_ttl_seconds: Option<i64>,
    header: Option<Header>,
    body: Option<String>,
    samples: Option<Samples>,
    add_security_recommendation: Option<bool>,
    footer: Option<String>,
    code_expiration_minutes: Option<u8>,
    #[serde(default)]
    buttons: Vec<Button>,
    limited_time_offer: Option<Offer>,
    #[serde(default)]
    call_permission_request: bool,
    #[serde(default)]
    cards: Vec<Card>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "samples are a list of texts, or a table with one for each named variable")]
enum Samples {
    List(Vec<String>),
    Named(BTreeMap<String, String>),
}

#[derive(Deserialize)]
#[serde(tag = "format", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
enum Header {
    Text { text: String, samples: Option<Samples> },
    Image { sample: Option<String>, file: Option<String> },
    Video { sample: Option<String>, file: Option<String> },
    Document { sample: Option<String>, file: Option<String> },
    Location {},
    Product {},
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Offer {
    text: String,
    #[serde(default)]
    has_expiration: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    header: Header,
    body: Option<String>,
    samples: Option<Samples>,
    #[serde(default)]
    buttons: Vec<Button>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SupportedApp {
    package_name: String,
    signature_hash: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "SCREAMING_SNAKE_CASE", deny_unknown_fields)]
enum Button {
    QuickReply {
        text: String,
    },
    Url {
        text: String,
        url: String,
        sample: Option<String>,
    },
    PhoneNumber {
        text: String,
        phone_number: String,
    },
    CopyCode {
        sample: Option<String>,
    },
    Otp {
        otp_type: String,
        text: Option<String>,
        autofill_text: Option<String>,
        #[serde(default)]
        supported_apps: Vec<SupportedApp>,
        #[serde(default)]
        zero_tap_terms_accepted: bool,
    },
    Flow {
        text: String,
        flow_id: Option<String>,
        flow_name: Option<String>,
        flow_json: Option<String>,
        flow_action: Option<String>,
        navigate_screen: Option<String>,
    },
    Catalog {},
    Mpm {},
    Spm {},
    VoiceCall {
        text: String,
        ttl_minutes: Option<u32>,
    },
    RequestContactInfo {},
}

/// Reads a file.
///
/// # Errors
/// The first thing that cannot be read, by its field.
pub(crate) fn read(text: &str) -> Result<TemplateFile, Unreadable> {
    let fix = "See `transom template pull --help` for what a file looks like.";
    let table = toml::Deserializer::parse(text).map_err(|why| Unreadable::new("", one_line(&why, text), "Mend the TOML."))?;
    let whole: Whole = serde_path_to_error::deserialize(table).map_err(|why| {
        let path = why.path().to_string();
        Unreadable::new(if path == "." { String::new() } else { path }, one_line(why.inner(), text), fix)
    })?;
    let common = category(&whole.category, "category")?;
    if whole.languages.is_empty() {
        return Err(Unreadable::new("languages", "There is no language.", "Add a table such as [languages.en_US]."));
    }
    let mut languages = BTreeMap::new();
    for (code, one) in whole.languages {
        let at = format!("languages.{code}");
        let language =
            Language::parse(&code).map_err(|why| Unreadable::new(&at, why.to_string(), "Use a code such as en_US."))?;
        if language.as_str() != code {
            let fix = format!("Write [languages.{language}].");
            return Err(Unreadable::new(at, format!("The code is written {language}."), fix));
        }
        let category = match &one.category {
            Some(word) => category(word, &format!("{at}.category"))?,
            None => common,
        };
        let format = one.parameter_format.or(whole.parameter_format).unwrap_or_default();
        let ttl_seconds = one.message_send_ttl_seconds;
        languages.insert(language, Wanted { category, definition: definition(one, format, &at)?, ttl_seconds });
    }
    Ok(TemplateFile { name: whole.name, languages })
}

/// The parser's message with its line, without the picture of the line that it draws for terminals.
fn one_line(why: &toml::de::Error, text: &str) -> String {
    let message = why.message().trim().trim_end_matches('.');
    match why.span() {
        Some(span) => {
            let line = text.get(..span.start).map_or(1, |before| before.matches('\n').count() + 1);
            format!("Line {line}: {message}.")
        }
        None => format!("{message}."),
    }
}

fn category(word: &str, field: &str) -> Result<Category, Unreadable> {
    transom_meta::templates::category(word)
        .ok_or_else(|| Unreadable::new(field, format!("{word:?} is no category."), "Use MARKETING, UTILITY or AUTHENTICATION."))
}

fn definition(one: OneLanguage, format: ParameterFormat, at: &str) -> Result<Definition, Unreadable> {
    let body = match (one.body, one.add_security_recommendation) {
        (Some(body), None) => BodyDefinition::Own(text(body, one.samples, format, at)?),
        (None, Some(add_security_recommendation)) => {
            if one.samples.is_some() {
                return Err(Unreadable::new(
                    format!("{at}.samples"),
                    "Samples without a body.",
                    "Leave them out: the text is Meta's.",
                ));
            }
            BodyDefinition::Authentication { add_security_recommendation }
        }
        (None, None) => {
            return Err(Unreadable::new(
                format!("{at}.body"),
                "There is no body.",
                "Give the text; or, where the text is Meta's own around a one-time code, add_security_recommendation.",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(Unreadable::new(
                format!("{at}.add_security_recommendation"),
                "A body of one's own cannot have Meta's advice.",
                "Leave out one of body and add_security_recommendation.",
            ));
        }
    };
    let footer = match (one.footer, one.code_expiration_minutes) {
        (None, None) => None,
        (Some(text), None) => Some(FooterDefinition::Text { text }),
        (None, Some(minutes)) => Some(FooterDefinition::CodeExpiration { minutes }),
        (Some(_), Some(_)) => {
            return Err(Unreadable::new(
                format!("{at}.code_expiration_minutes"),
                "There is a footer already.",
                "Leave out one of footer and code_expiration_minutes.",
            ));
        }
    };
    let mut cards = Vec::with_capacity(one.cards.len());
    for (place, card) in one.cards.into_iter().enumerate() {
        let at = format!("{at}.cards[{place}]");
        let body = match (card.body, card.samples) {
            (Some(body), samples) => Some(text(body, samples, format, &at)?),
            (None, None) => None,
            (None, Some(_)) => {
                return Err(Unreadable::new(format!("{at}.samples"), "Samples without a body.", "Leave them out."));
            }
        };
        let buttons = card.buttons.into_iter().map(button).collect();
        cards.push(CardDefinition { header: header(card.header, format, &at)?, body, buttons });
    }
    Ok(Definition {
        format,
        header: one.header.map(|h| header(h, format, at)).transpose()?,
        body,
        footer,
        buttons: one.buttons.into_iter().map(button).collect(),
        cards,
        limited_time_offer: one.limited_time_offer.map(|o| LimitedTimeOffer { text: o.text, has_expiration: o.has_expiration }),
        call_permission_request: one.call_permission_request,
    })
}

/// A text with its samples. Where variables are counted, samples stand in the order of the numbers; named ones stand by name.
fn text(body: String, samples: Option<Samples>, format: ParameterFormat, at: &str) -> Result<TextDefinition, Unreadable> {
    let mut read = TextDefinition::new(body, Vec::new());
    let wrong = |message: String, fix: &str| Unreadable::new(format!("{at}.samples"), message, fix);
    let names: Vec<String> = read.names().into_iter().map(str::to_owned).collect();
    read.samples = match samples {
        None => Vec::new(),
        Some(Samples::List(list)) => by_appearance(&read, list),
        Some(Samples::Named(_)) if format == ParameterFormat::Positional => {
            return Err(wrong(
                "Samples by name, and variables by number.".to_owned(),
                "Set parameter_format = \"NAMED\", or give a list.",
            ));
        }
        Some(Samples::Named(mut table)) => {
            let mut samples = Vec::with_capacity(names.len());
            for name in &names {
                match table.remove(name) {
                    Some(sample) => samples.push(sample),
                    None => return Err(wrong(format!("There is none for {{{{{name}}}}}."), "Give one for each variable.")),
                }
            }
            if let Some((name, _)) = table.pop_first() {
                return Err(wrong(format!("The text has no variable {{{{{name}}}}}."), "Take it out, or mend its name."));
            }
            samples
        }
    };
    Ok(read)
}

/// A list in the order of the numbers, in the order in which the variables appear. One that has not a sample for each is left
/// as it is: the linter names it.
fn by_appearance(text: &TextDefinition, list: Vec<String>) -> Vec<String> {
    let (names, order) = (text.names(), text.parameters());
    if list.len() != names.len() {
        return list;
    }
    let place = |name: &&str| order.iter().position(|n| n == name);
    names.iter().filter_map(|name| list.get(place(name)?).cloned()).collect()
}

/// What [`by_appearance`] takes.
pub(super) fn by_number(text: &TextDefinition) -> Vec<&str> {
    let (names, order) = (text.names(), text.parameters());
    if text.samples.len() != names.len() {
        return text.samples.iter().map(String::as_str).collect();
    }
    let place = |name: &&str| names.iter().position(|n| n == name);
    order.iter().filter_map(|name| text.samples.get(place(name)?).map(String::as_str)).collect()
}

fn header(header: Header, format: ParameterFormat, at: &str) -> Result<HeaderDefinition, Unreadable> {
    let at = format!("{at}.header");
    let media = |sample: Option<String>, file: Option<String>| match (sample, file) {
        (Some(_), Some(_)) => {
            Err(Unreadable::new(format!("{at}.file"), "There is a sample already.", "Leave out one of sample and file."))
        }
        (None, Some(file)) => Ok(Some(format!("{FILE_SAMPLE}{file}"))),
        (sample, None) => Ok(sample),
    };
    Ok(match header {
        Header::Text { text: words, samples } => HeaderDefinition::Text(text(words, samples, format, &at)?),
        Header::Image { sample, file } => HeaderDefinition::Image { sample: media(sample, file)? },
        Header::Video { sample, file } => HeaderDefinition::Video { sample: media(sample, file)? },
        Header::Document { sample, file } => HeaderDefinition::Document { sample: media(sample, file)? },
        Header::Location {} => HeaderDefinition::Location,
        Header::Product {} => HeaderDefinition::Product,
    })
}

fn button(button: Button) -> ButtonDefinition {
    match button {
        Button::QuickReply { text } => ButtonDefinition::QuickReply { text },
        Button::Url { text, url, sample } => ButtonDefinition::Url { text, url, sample },
        Button::PhoneNumber { text, phone_number } => ButtonDefinition::PhoneNumber { text, phone: phone_number },
        Button::CopyCode { sample } => ButtonDefinition::CopyCode { sample },
        Button::Otp { otp_type, text, autofill_text, supported_apps, zero_tap_terms_accepted } => {
            let apps = supported_apps.into_iter();
            let apps = apps.map(|a| App { package_name: a.package_name, signature_hash: a.signature_hash }).collect();
            let handover = Handover { autofill_text, apps, zero_tap_terms_accepted };
            ButtonDefinition::Otp { otp_type, text, handover: Some(handover).filter(|h| *h != Handover::default()) }
        }
        Button::Flow { text, flow_id, flow_name, flow_json, flow_action, navigate_screen } => {
            ButtonDefinition::Flow { text, flow_id, flow_name, flow_json, flow_action, navigate_screen }
        }
        Button::Catalog {} => ButtonDefinition::Catalog,
        Button::Mpm {} => ButtonDefinition::MultiProduct,
        Button::Spm {} => ButtonDefinition::SingleProduct,
        Button::VoiceCall { text, ttl_minutes } => ButtonDefinition::VoiceCall { text, ttl_minutes },
        Button::RequestContactInfo {} => ButtonDefinition::RequestContactInfo,
    }
}

/// Where a finding of the linter's is in the file: `body.text` is `languages.en_US.body`.
pub(crate) fn in_file(field: &str, language: &Language, definition: &Definition) -> String {
    let at = format!("languages.{language}");
    let is_text = matches!(definition.header, Some(HeaderDefinition::Text(_)));
    let (card, part) = match field.split_once('.') {
        Some((card, part)) if card.starts_with("cards[") => (format!(".{card}"), part),
        _ => (String::new(), field),
    };
    let samples = |member: &str| member == "example" || member.starts_with("example.");
    let place = match part.split_once('.') {
        Some(("body", "text")) => "body".to_owned(),
        Some(("body", member)) if samples(member) => "samples".to_owned(),
        Some(("body", member)) => member.to_owned(),
        Some(("footer", "text")) => "footer".to_owned(),
        Some(("footer", member)) => member.to_owned(),
        Some((header @ "header", member)) if samples(member) => {
            format!("{header}.{}", if is_text && card.is_empty() { "samples" } else { "sample" })
        }
        Some((button, member)) if button.starts_with("buttons[") && samples(member) => format!("{button}.sample"),
        _ => part.to_owned(),
    };
    match place.as_str() {
        "name" => "name".to_owned(),
        "language" => at,
        _ => format!("{at}{card}.{place}"),
    }
}
