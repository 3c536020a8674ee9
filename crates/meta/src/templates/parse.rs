//! A template as Meta writes it when it is read: an element of `GET /{waba_id}/message_templates`, or `GET /{template_id}`.
//!
//! What could not be compared with content later is not read half: a template with a part of a kind we don't know is skipped,
//! with the reason, instead of passing for a simpler one.

use serde_json::{Map, Value};
use transom_domain::content::Language;
use transom_domain::template::{
    App, Approval, BodyDefinition, ButtonDefinition, CardDefinition, Category, Definition, FooterDefinition, Handover,
    HeaderDefinition, Life, LimitedTimeOffer, NextCategory, ParameterFormat, Quality, Template, TextDefinition,
};

use crate::read::{member, whole};

/// Why a template was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTemplate {
    /// A field is missing, or is not what it should be.
    #[error("{field} is missing or malformed; read the template again with the fields id, name, language, category, components")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// A part of a kind that this version does not know.
    #[error("{what} {kind:?} is not known to this version; a newer version may know it")]
    Unknown {
        /// What it is a kind of.
        what: &'static str,
        /// Meta's word for it.
        kind: String,
    },
}

/// One page of a list of templates.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// Those that could be read.
    pub templates: Vec<Template>,
    /// Those that could not.
    pub skipped: Vec<Skipped>,
    /// What to pass as `after` for the next page; none on the last.
    pub after: Option<String>,
}

/// A template that is in the list and could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} ({}): {why}", name.as_deref().unwrap_or("?"), language.as_deref().unwrap_or("?"))]
pub struct Skipped {
    /// Its name, where even that can be read.
    pub name: Option<String>,
    /// Its language, as it is written.
    pub language: Option<String>,
    /// Why it was not read.
    pub why: BadTemplate,
}

/// Not a page of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is no list of templates; check the Graph address and any proxy in between")]
pub struct NotAPage;

/// Reads a page of the list.
///
/// # Errors
/// When it is no page at all; templates that cannot be read are in [`Page::skipped`].
pub fn parse_page(json: &Value) -> Result<Page, NotAPage> {
    let data = json.get("data").and_then(Value::as_array).ok_or(NotAPage)?;
    let mut page = Page { after: json.get("paging").and_then(next_cursor), ..Page::default() };
    for json in data {
        match parse(json) {
            Ok(template) => page.templates.push(template),
            Err(why) => {
                let text = |key: &str| json.as_object().and_then(|o| member(o, key));
                page.skipped.push(Skipped { name: text("name"), language: text("language"), why });
            }
        }
    }
    Ok(page)
}

/// Cursors are there on the last page too; only `next` says that there is more.
pub(crate) fn next_cursor(paging: &Value) -> Option<String> {
    let next = paging.get("next")?.as_str()?;
    let cursor = paging.get("cursors").and_then(|c| c.get("after")).and_then(Value::as_str).map(str::to_owned);
    let in_address = || next.split(['?', '&']).find_map(|pair| pair.strip_prefix("after=")).map(str::to_owned);
    cursor.or_else(in_address).filter(|c| !c.is_empty())
}

/// Reads one template.
///
/// # Errors
/// When a field is missing, or a part is of a kind that this version does not know.
pub fn parse(json: &Value) -> Result<Template, BadTemplate> {
    let template = json.as_object().ok_or(BadTemplate::Field { field: "the template" })?;
    let text = |field: &'static str| member(template, field).ok_or(BadTemplate::Field { field });
    let category = text("category")?;
    let category = super::category(&category).ok_or(BadTemplate::Unknown { what: "category", kind: category })?;
    let components = template.get("components").and_then(Value::as_array).ok_or(BadTemplate::Field { field: "components" })?;
    Ok(Template {
        id: text("id")?,
        name: text("name")?,
        language: Language::parse(&text("language")?).map_err(|_| BadTemplate::Field { field: "language" })?,
        category,
        approval: Approval::named(&text("status")?),
        reason: member(template, "rejected_reason").filter(|reason| !reason.eq_ignore_ascii_case("none")),
        definition: definition(components, category, member(template, "parameter_format").as_deref())?,
        life: life(template, category),
    })
}

/// What the list tells beside status and components. A category that Meta holds for the right one is going to be the template's.
fn life(template: &Map<String, Value>, present: Category) -> Life {
    let of = |field: &str| member(template, field).and_then(|word| super::category(&word));
    let score = template.get("quality_score").and_then(|score| score.get("score")).and_then(Value::as_str);
    Life {
        quality: score.and_then(Quality::named),
        previous_category: of("previous_category"),
        next_category: of("correct_category").filter(|next| *next != present).map(|category| NextCategory { category, at: None }),
        ttl_seconds: member(template, "message_send_ttl_seconds").and_then(|seconds| whole(&seconds)),
        ..Life::default()
    }
}

pub(super) fn definition(components: &[Value], category: Category, format: Option<&str>) -> Result<Definition, BadTemplate> {
    let mut read = Definition { format: parameter_format(format, components), ..Definition::default() };
    let mut has_body = false;
    for component in components {
        let component = component.as_object().ok_or(BadTemplate::Field { field: "components" })?;
        let kind = upper(component, "type").ok_or(BadTemplate::Field { field: "components.type" })?;
        match kind.as_str() {
            "HEADER" => read.header = Some(header(component, read.format)?),
            "BODY" => {
                has_body = true;
                read.body = body(component, components, category, read.format)?;
            }
            "FOOTER" => read.footer = footer(component, category),
            "BUTTONS" => read.buttons = buttons(component)?,
            "CAROUSEL" => read.cards = cards(component, read.format)?,
            "LIMITED_TIME_OFFER" => read.limited_time_offer = Some(offer(component)?),
            "CALL_PERMISSION_REQUEST" => read.call_permission_request = true,
            _ => return Err(BadTemplate::Unknown { what: "component", kind }),
        }
    }
    if has_body { Ok(read) } else { Err(BadTemplate::Field { field: "components.BODY" }) }
}

/// Said by `parameter_format`; where that is left out the texts themselves tell.
fn parameter_format(said: Option<&str>, components: &[Value]) -> ParameterFormat {
    let named = said.map_or_else(
        || {
            let texts = components.iter().filter_map(|c| c.get("text")?.as_str());
            texts.flat_map(transom_domain::content::placeholders).any(|name| name.parse::<u32>().is_err())
        },
        |said| said.eq_ignore_ascii_case("NAMED"),
    );
    if named { ParameterFormat::Named } else { ParameterFormat::Positional }
}

fn upper(map: &Map<String, Value>, key: &str) -> Option<String> {
    member(map, key).map(|text| text.to_ascii_uppercase())
}

fn header(component: &Map<String, Value>, format: ParameterFormat) -> Result<HeaderDefinition, BadTemplate> {
    let kind = upper(component, "format").ok_or(BadTemplate::Field { field: "components.HEADER.format" })?;
    let sample = || first_text(component.get("example").and_then(|e| e.get("header_handle")));
    Ok(match kind.as_str() {
        "TEXT" => HeaderDefinition::Text(text(component, format, "header_text", "components.HEADER.text")?),
        "IMAGE" => HeaderDefinition::Image { sample: sample() },
        "VIDEO" => HeaderDefinition::Video { sample: sample() },
        "DOCUMENT" => HeaderDefinition::Document { sample: sample() },
        "LOCATION" => HeaderDefinition::Location,
        "PRODUCT" => HeaderDefinition::Product,
        _ => return Err(BadTemplate::Unknown { what: "header", kind }),
    })
}

/// Meta's words around a code are told from a business's own by the button that copies it: templates of this category made
/// before 2023 have words of their own and no such button.
fn body(
    component: &Map<String, Value>,
    all: &[Value],
    category: Category,
    format: ParameterFormat,
) -> Result<BodyDefinition, BadTemplate> {
    let advised = component.get("add_security_recommendation").and_then(Value::as_bool);
    if category == Category::Authentication && (advised.is_some() || all.iter().any(copies_a_code)) {
        let said = || component.get("text").and_then(Value::as_str).is_some_and(has_advice);
        return Ok(BodyDefinition::Authentication { add_security_recommendation: advised.unwrap_or_else(said) });
    }
    text(component, format, "body_text", "components.BODY.text").map(BodyDefinition::Own)
}

fn copies_a_code(component: &Value) -> bool {
    let buttons = component.get("buttons").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    buttons.iter().filter_map(Value::as_object).any(|button| {
        upper(button, "type").is_some_and(|kind| kind == "OTP")
            || member(button, "url").is_some_and(|url| otp_type(&url).is_some())
    })
}

/// The advice is a second sentence, in whatever language; only looked at where Meta leaves the flag out.
fn has_advice(text: &str) -> bool {
    text.chars().filter(|c| matches!(c, '.' | '!' | '。' | '！' | '।' | '۔' | '։' | '።')).count() > 1
}

fn footer(component: &Map<String, Value>, category: Category) -> Option<FooterDefinition> {
    let text = member(component, "text");
    let minutes = member(component, "code_expiration_minutes")
        .and_then(|minutes| whole(&minutes))
        .or_else(|| if category == Category::Authentication { number_in(text.as_deref()?) } else { None });
    match minutes.and_then(|minutes| u8::try_from(minutes).ok()).filter(|minutes| (1..=90).contains(minutes)) {
        Some(minutes) => Some(FooterDefinition::CodeExpiration { minutes }),
        None => text.map(|text| FooterDefinition::Text { text }),
    }
}

/// The first whole number in a sentence, in the digits of whatever script the sentence is written in.
fn number_in(text: &str) -> Option<i64> {
    // Where the ten digits begin: ASCII, Arabic, Persian, Devanagari, Bengali, Gujarati, Tamil, Telugu, Kannada, Thai.
    const ZEROS: [u32; 10] = [0x30, 0x660, 0x6f0, 0x966, 0x9e6, 0xae6, 0xbe6, 0xc66, 0xce6, 0xe50];
    let digit = |c: char| ZEROS.iter().find_map(|zero| u32::from(c).checked_sub(*zero).filter(|value| *value < 10));
    let mut digits = text.chars().skip_while(|c| digit(*c).is_none()).map_while(digit).take(4).peekable();
    digits.peek()?;
    Some(digits.fold(0, |number, value| number * 10 + i64::from(value)))
}

fn buttons(component: &Map<String, Value>) -> Result<Vec<ButtonDefinition>, BadTemplate> {
    const FIELD: &str = "components.BUTTONS.buttons";
    let buttons = component.get("buttons").and_then(Value::as_array).ok_or(BadTemplate::Field { field: FIELD })?;
    buttons.iter().map(|b| button(b.as_object().ok_or(BadTemplate::Field { field: FIELD })?)).collect()
}

fn button(button: &Map<String, Value>) -> Result<ButtonDefinition, BadTemplate> {
    let kind = upper(button, "type").ok_or(BadTemplate::Field { field: "components.BUTTONS.type" })?;
    let label = || member(button, "text").ok_or(BadTemplate::Field { field: "components.BUTTONS.text" });
    Ok(match kind.as_str() {
        "QUICK_REPLY" => ButtonDefinition::QuickReply { text: label()? },
        "URL" => {
            let url = member(button, "url").ok_or(BadTemplate::Field { field: "components.BUTTONS.url" })?;
            match otp_type(&url) {
                Some(otp_type) => ButtonDefinition::Otp { otp_type, text: member(button, "text"), handover: handover(button) },
                None => ButtonDefinition::Url { text: label()?, url, sample: first_text(button.get("example")) },
            }
        }
        "PHONE_NUMBER" => ButtonDefinition::PhoneNumber {
            text: label()?,
            phone: member(button, "phone_number").ok_or(BadTemplate::Field { field: "components.BUTTONS.phone_number" })?,
        },
        "COPY_CODE" => ButtonDefinition::CopyCode { sample: first_text(button.get("example")) },
        "OTP" => ButtonDefinition::Otp {
            otp_type: upper(button, "otp_type").unwrap_or_else(|| "COPY_CODE".to_owned()),
            text: member(button, "text"),
            handover: handover(button),
        },
        "FLOW" => ButtonDefinition::Flow {
            text: label()?,
            flow_id: member(button, "flow_id"),
            flow_name: member(button, "flow_name"),
            flow_json: member(button, "flow_json"),
            // Written in lower case, read back in upper; what it means when it is left out is not told apart from saying so.
            flow_action: member(button, "flow_action").map(|a| a.to_ascii_lowercase()).filter(|a| a != "navigate"),
            navigate_screen: member(button, "navigate_screen"),
        },
        "CATALOG" => ButtonDefinition::Catalog,
        "MPM" => ButtonDefinition::MultiProduct,
        "SPM" => ButtonDefinition::SingleProduct,
        "VOICE_CALL" => ButtonDefinition::VoiceCall {
            text: label()?,
            ttl_minutes: member(button, "ttl_minutes").and_then(|m| whole(&m)).and_then(|m| u32::try_from(m).ok()),
        },
        "REQUEST_CONTACT_INFO" => ButtonDefinition::RequestContactInfo,
        _ => return Err(BadTemplate::Unknown { what: "button", kind }),
    })
}

/// The apps stand in a list, or the one app in the button itself, as it was written first.
fn handover(button: &Map<String, Value>) -> Option<Handover> {
    let app = |app: &Map<String, Value>| {
        Some(App { package_name: member(app, "package_name")?, signature_hash: member(app, "signature_hash")? })
    };
    let listed = button.get("supported_apps").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let listed: Vec<App> = listed.iter().filter_map(Value::as_object).filter_map(app).collect();
    let read = Handover {
        autofill_text: member(button, "autofill_text"),
        apps: if listed.is_empty() { app(button).into_iter().collect() } else { listed },
        zero_tap_terms_accepted: button.get("zero_tap_terms_accepted").and_then(Value::as_bool).unwrap_or(false),
    };
    (read != Handover::default()).then_some(read)
}

/// Created as OTP, the button is read back as one that opens an address of WhatsApp's own, which names the kind.
fn otp_type(url: &str) -> Option<String> {
    let (path, query) = url.strip_prefix("https://www.whatsapp.com/otp/")?.split_once('?')?;
    let kind = query.split('&').find_map(|pair| pair.strip_prefix("otp_type="));
    (path.trim_end_matches('/') == "code" || kind.is_some()).then(|| kind.unwrap_or("COPY_CODE").to_ascii_uppercase())
}

fn cards(component: &Map<String, Value>, format: ParameterFormat) -> Result<Vec<CardDefinition>, BadTemplate> {
    const FIELD: &str = "components.CAROUSEL.cards";
    let cards = component.get("cards").and_then(Value::as_array).ok_or(BadTemplate::Field { field: FIELD })?;
    cards
        .iter()
        .map(|card| {
            let parts = card.get("components").and_then(Value::as_array).ok_or(BadTemplate::Field { field: FIELD })?;
            let (mut top, mut words, mut taps) = (None, None, Vec::new());
            for part in parts {
                let part = part.as_object().ok_or(BadTemplate::Field { field: FIELD })?;
                match upper(part, "type").unwrap_or_default().as_str() {
                    "HEADER" => top = Some(header(part, format)?),
                    "BODY" => words = Some(text(part, format, "body_text", "components.CAROUSEL.cards.BODY.text")?),
                    "BUTTONS" => taps = buttons(part)?,
                    kind => return Err(BadTemplate::Unknown { what: "component of a card", kind: kind.to_owned() }),
                }
            }
            let header = top.ok_or(BadTemplate::Field { field: "components.CAROUSEL.cards.HEADER" })?;
            Ok(CardDefinition { header, body: words, buttons: taps })
        })
        .collect()
}

fn offer(component: &Map<String, Value>) -> Result<LimitedTimeOffer, BadTemplate> {
    let offer = component.get("limited_time_offer").and_then(Value::as_object);
    let offer = offer.ok_or(BadTemplate::Field { field: "components.LIMITED_TIME_OFFER" })?;
    Ok(LimitedTimeOffer {
        text: member(offer, "text").unwrap_or_default(),
        has_expiration: offer.get("has_expiration").and_then(Value::as_bool).unwrap_or(false),
    })
}

/// A text and its samples, put into the order in which the variables first appear.
fn text(
    component: &Map<String, Value>,
    format: ParameterFormat,
    key: &str,
    field: &'static str,
) -> Result<TextDefinition, BadTemplate> {
    let mut read = TextDefinition::new(member(component, "text").ok_or(BadTemplate::Field { field })?, Vec::new());
    let example = component.get("example");
    let given: Vec<(String, String)> = match format {
        ParameterFormat::Named => named_samples(example.and_then(|e| e.get(format!("{key}_named_params")))),
        ParameterFormat::Positional => {
            let flat = flat_samples(example.and_then(|e| e.get(key)));
            let names = read.parameters().into_iter().map(str::to_owned);
            names.chain(std::iter::repeat(String::new())).zip(flat).collect()
        }
    };
    let sample = |name: &&str| given.iter().find(|(n, _)| n == name).map(|(_, sample)| sample.clone());
    // All of them or none, as they are written.
    let names = read.names();
    let mut samples = names.iter().map(sample).collect::<Option<Vec<String>>>().unwrap_or_default();
    // What has more than there are variables is kept, so that it can be told of.
    if samples.len() == names.len() {
        samples.extend(given.into_iter().filter(|(name, _)| !names.contains(&name.as_str())).map(|(_, sample)| sample));
    }
    read.samples = samples;
    Ok(read)
}

fn named_samples(json: Option<&Value>) -> Vec<(String, String)> {
    let list = json.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let pair = |entry: &Value| Some((member(entry.as_object()?, "param_name")?, member(entry.as_object()?, "example")?));
    list.iter().filter_map(pair).collect()
}

/// Samples nested once, flat, or a bare text: all three occur.
fn flat_samples(json: Option<&Value>) -> Vec<String> {
    match json {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) => match list.first() {
            Some(inner @ Value::Array(_)) => flat_samples(Some(inner)),
            _ => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        },
        _ => Vec::new(),
    }
}

/// The first text of a list, or the text itself.
fn first_text(json: Option<&Value>) -> Option<String> {
    match json? {
        Value::String(text) => Some(text.clone()),
        Value::Array(list) => list.first()?.as_str().map(str::to_owned),
        _ => None,
    }
}
