//! Meta's library of templates that are approved before anybody files them (WA templates/template-library): reading it, and making a
//! template from it. The shapes are Meta's; the texts are this simulator's own.

use serde_json::{Value, json};

use super::create::{self, Draft};
use super::{Category, Format, authentication, rules};
use crate::graph::error::GraphError;
use crate::graph::read::Fields;

type Read<T> = Result<T, GraphError>;

/// A button of a library template: what the business has to fill in stands open.
enum Open {
    Url(&'static str),
    Phone(&'static str),
    QuickReply(&'static str),
    Code,
}

struct Entry {
    name: &'static str,
    language: &'static str,
    topic: &'static str,
    usecase: &'static str,
    industry: &'static [&'static str],
    header: Option<&'static str>,
    body: &'static str,
    samples: &'static [(&'static str, &'static str)],
    buttons: &'static [Open],
}

/// Values of the filters: the same page.
const TOPICS: [&str; 6] =
    ["ACCOUNT_UPDATE", "CUSTOMER_FEEDBACK", "ORDER_MANAGEMENT", "PAYMENTS", "EVENT_REMINDER", "IDENTITY_VERIFICATION"];
const INDUSTRIES: [&str; 2] = ["E_COMMERCE", "FINANCIAL_SERVICES"];

const SHOPS: &[&str] = &["E_COMMERCE"];
const BANKS: &[&str] = &["FINANCIAL_SERVICES"];
const BOTH: &[&str] = &["E_COMMERCE", "FINANCIAL_SERVICES"];

const ENTRIES: &[Entry] = &[
    Entry {
        name: "delivery_update_1",
        language: "en_US",
        topic: "ORDER_MANAGEMENT",
        usecase: "DELIVERY_UPDATE",
        industry: SHOPS,
        header: None,
        body: "Hello {{1}}, there is news of your order {{2}}. It is expected on {{3}} now.",
        samples: &[("Ana", "TEXT"), ("A-17", "TEXT"), ("2026-12-01", "DATE")],
        buttons: &[Open::Url("See your order")],
    },
    Entry {
        name: "delivery_update_1",
        language: "de",
        topic: "ORDER_MANAGEMENT",
        usecase: "DELIVERY_UPDATE",
        industry: SHOPS,
        header: None,
        body: "Guten Tag {{1}}, zu Ihrer Bestellung {{2}} gibt es Neues. Sie kommt voraussichtlich am {{3}} an.",
        samples: &[("Ana", "TEXT"), ("A-17", "TEXT"), ("01.12.2026", "DATE")],
        buttons: &[Open::Url("Zur Bestellung")],
    },
    Entry {
        name: "order_confirmation_1",
        language: "en_US",
        topic: "ORDER_MANAGEMENT",
        usecase: "ORDER_CONFIRMATION",
        industry: SHOPS,
        header: Some("Thank you for your order"),
        body: "Hello {{1}}, we have your order {{2}} over {{3}} and will write again when it leaves us.",
        samples: &[("Ana", "TEXT"), ("A-17", "TEXT"), ("EUR 19.90", "AMOUNT")],
        buttons: &[Open::Url("See your order"), Open::Phone("Call us")],
    },
    Entry {
        name: "shipment_confirmation_1",
        language: "en_US",
        topic: "ORDER_MANAGEMENT",
        usecase: "SHIPMENT_CONFIRMATION",
        industry: SHOPS,
        header: None,
        body: "Good news, {{1}}: your order {{2}} has left us and is on its way to you.",
        samples: &[("Ana", "TEXT"), ("A-17", "TEXT")],
        buttons: &[Open::Url("Follow it")],
    },
    Entry {
        name: "order_pick_up_1",
        language: "en_US",
        topic: "ORDER_MANAGEMENT",
        usecase: "ORDER_PICK_UP",
        industry: SHOPS,
        header: None,
        body: "Hello {{1}}, your order {{2}} waits for you at {{3}} until closing time.",
        samples: &[("Ana", "TEXT"), ("A-17", "TEXT"), ("1 Example Street, Ulm", "ADDRESS")],
        buttons: &[Open::Phone("Call the shop")],
    },
    Entry {
        name: "delivery_failed_1",
        language: "en_US",
        topic: "ORDER_MANAGEMENT",
        usecase: "DELIVERY_FAILED",
        industry: SHOPS,
        header: None,
        body: "We came with your order {{1}} today and could not hand it over. We try again on {{2}} if that suits you.",
        samples: &[("A-17", "TEXT"), ("2026-12-01", "DATE")],
        buttons: &[Open::QuickReply("That suits me"), Open::QuickReply("Another day")],
    },
    Entry {
        name: "payment_due_reminder_1",
        language: "en_US",
        topic: "PAYMENTS",
        usecase: "PAYMENT_DUE_REMINDER",
        industry: BOTH,
        header: Some("A payment is due"),
        body: "Hello {{1}}, your payment of {{2}} is due on {{3}} as agreed.",
        samples: &[("Ana", "TEXT"), ("EUR 75.00", "AMOUNT"), ("2026-12-01", "DATE")],
        buttons: &[Open::Url("Pay now")],
    },
    Entry {
        name: "payment_confirmation_1",
        language: "en_US",
        topic: "PAYMENTS",
        usecase: "PAYMENT_CONFIRMATION",
        industry: BOTH,
        header: None,
        body: "Thank you, {{1}}: your payment of {{2}} has arrived in full.",
        samples: &[("Ana", "TEXT"), ("EUR 75.00", "AMOUNT")],
        buttons: &[],
    },
    Entry {
        name: "low_balance_warning_1",
        language: "en_US",
        topic: "PAYMENTS",
        usecase: "LOW_BALANCE_WARNING",
        industry: BANKS,
        header: Some("Your balance is low"),
        body: "Hello {{1}}, the balance of your account ending in {{2}} has fallen below {{3}} since yesterday.",
        samples: &[("Ana", "TEXT"), ("1234", "NUMBER"), ("EUR 50.00", "AMOUNT")],
        buttons: &[Open::Url("Make a deposit"), Open::Phone("Call us")],
    },
    Entry {
        name: "fraud_alert_1",
        language: "en_US",
        topic: "ACCOUNT_UPDATE",
        usecase: "FRAUD_ALERT",
        industry: BANKS,
        header: None,
        body: "Hello {{1}}, we stopped a payment of {{2}} from your account because it did not look like yours.",
        samples: &[("Ana", "TEXT"), ("EUR 990.00", "AMOUNT")],
        buttons: &[Open::QuickReply("It was me"), Open::QuickReply("It was not me")],
    },
    Entry {
        name: "feedback_survey_1",
        language: "en_US",
        topic: "CUSTOMER_FEEDBACK",
        usecase: "FEEDBACK_SURVEY",
        industry: SHOPS,
        header: None,
        body: "Hello {{1}}, how was your visit to {{2}}? Two minutes of yours help us do better.",
        samples: &[("Ana", "TEXT"), ("Example Shop", "TEXT")],
        buttons: &[Open::Url("Take the survey")],
    },
];

/// The name under which one-time codes are in the library.
const CODE: &str = "verify_code_1";

/// How they are listed. Made they are in any language, as all authentication templates are.
const CODE_ENTRY: Entry = Entry {
    name: CODE,
    language: "en_US",
    topic: "IDENTITY_VERIFICATION",
    usecase: "VERIFY_CODE",
    industry: BOTH,
    header: None,
    body: "*{{1}}* is your verification code.",
    samples: &[("123456", "NUMBER")],
    buttons: &[Open::Code],
};

impl Entry {
    fn shown(&self, id: usize) -> Value {
        let buttons: Vec<Value> = self
            .buttons
            .iter()
            .map(|button| match button {
                Open::Url(text) => json!({ "type": "URL", "text": text, "url": "https://www.example.com/" }),
                Open::Phone(text) => json!({ "type": "PHONE_NUMBER", "text": text, "phone_number": "+18005551234" }),
                Open::QuickReply(text) => json!({ "type": "QUICK_REPLY", "text": text }),
                Open::Code => json!({ "type": "OTP", "otp_type": "COPY_CODE" }),
            })
            .collect();
        let category = if self.name == CODE { Category::Authentication } else { Category::Utility };
        let mut shown = json!({
            "name": self.name, "language": self.language, "category": category.as_str(), "topic": self.topic, "usecase": self.usecase,
            "industry": self.industry, "body": self.body,
            "body_params": self.samples.iter().map(|(sample, _)| sample).collect::<Vec<_>>(),
            "body_param_types": self.samples.iter().map(|(_, kind)| kind).collect::<Vec<_>>(),
            "buttons": buttons, "id": format!("7{id:015}"),
        });
        if let (Some(header), Some(map)) = (self.header, shown.as_object_mut()) {
            map.insert("header".into(), json!(header));
        }
        shown
    }
}

/// `GET /message_template_library`: what fits the filters, each with what stands for it in a cursor.
pub(crate) fn search(query: &Value) -> Read<Vec<(u64, Value)>> {
    let fields = Fields::body(query)?;
    fields.only(&["search", "topic", "usecase", "industry", "language", "name", "limit", "after", "before", "fields"])?;
    for (key, known) in [("topic", &TOPICS[..]), ("industry", &INDUSTRIES[..])] {
        if fields.has(key) {
            fields.one_of(key, known)?;
        }
    }
    let given = |key: &str| fields.text_opt(key, 512);
    let (wanted, topic, usecase) = (given("search")?, given("topic")?, given("usecase")?);
    let (industry, language, name) = (given("industry")?, given("language")?, given("name")?);
    let same = |wanted: Option<&str>, value: &str| wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(value));
    let fits = |entry: &&Entry| {
        let text = [entry.name, entry.header.unwrap_or(""), entry.body].join("\n").to_lowercase();
        wanted.is_none_or(|wanted| text.contains(&wanted.trim_matches('"').to_lowercase()))
            && same(topic, entry.topic)
            && same(usecase, entry.usecase)
            && industry.is_none_or(|wanted| entry.industry.iter().any(|one| one.eq_ignore_ascii_case(wanted)))
            && language.is_none_or(|wanted| wanted == entry.language)
            && name.is_none_or(|wanted| wanted == entry.name)
    };
    let all = ENTRIES.iter().chain([&CODE_ENTRY]);
    let numbered = (1u64..).zip(1usize..).zip(all);
    Ok(numbered.filter(|(_, entry)| fits(entry)).map(|((cursor, id), entry)| (cursor, entry.shown(id))).collect())
}

/// What stands for each parameter of a library template's body: values of another kind are refused at the send.
pub(crate) fn kinds(name: &str, language: &str) -> impl Iterator<Item = &'static str> {
    let entry = ENTRIES.iter().find(move |entry| entry.name == name && entry.language == language);
    entry.into_iter().flat_map(|entry| entry.samples.iter().map(|(_, kind)| *kind))
}

/// Whether a value is of a kind: "List of parameters and sample values" of the same page.
pub(crate) fn is_of_kind(value: &str, kind: &str) -> bool {
    let has_digit = value.bytes().any(|b| b.is_ascii_digit());
    match kind {
        "AMOUNT" | "DATE" => has_digit,
        "NUMBER" => has_digit && value.bytes().all(|b| b.is_ascii_digit()),
        "PHONE NUMBER" => has_digit && value.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')' | '+')),
        "EMAIL" => value.split_once('@').is_some_and(|(who, at)| !who.is_empty() && at.contains('.')),
        _ => true,
    }
}

/// A template made from one of the library.
pub(crate) fn read(fields: &Fields<'_>) -> Read<Draft> {
    fields.only(&[
        "name",
        "language",
        "category",
        "library_template_name",
        "library_template_button_inputs",
        "library_template_body_inputs",
        "message_send_ttl_seconds",
        "allow_category_change",
    ])?;
    let (name, language) = (create::name(fields)?, create::language(fields)?);
    let category = create::category(fields)?;
    let wanted = fields.text("library_template_name", rules::NAME_MAX)?;
    let inputs = inputs(fields, "library_template_button_inputs")?;
    let components = if wanted == CODE {
        if category != Category::Authentication {
            return Err(rules::LIBRARY_INPUT.refuse(format!("The category of {CODE} is AUTHENTICATION.")));
        }
        code(fields, inputs, language)?
    } else {
        if category != Category::Utility {
            return Err(rules::LIBRARY_INPUT.refuse("The category of a template of the library must be UTILITY."));
        }
        let in_language = |entry: &&Entry| entry.name == wanted && entry.language == language;
        let Some(entry) = ENTRIES.iter().find(in_language) else {
            return Err(rules::LIBRARY_INPUT.refuse(format!("The template library has no {wanted} in {language}.")));
        };
        filled_in(entry, inputs)?
    };
    Ok(Draft {
        name: name.to_owned(),
        language: language.to_owned(),
        category,
        format: Format::Positional,
        components,
        ttl_seconds: create::ttl(fields, category)?,
        untracked: false,
        library: Some(wanted.to_owned()),
    })
}

/// Inputs come as JSON, or as a text that holds it.
fn inputs(fields: &Fields<'_>, key: &str) -> Read<Value> {
    match fields.get(key) {
        None => Ok(Value::Null),
        Some(Value::String(text)) => {
            serde_json::from_str(text).map_err(|error| fields.wrong(key, &format!("is not valid JSON: {error}.")))
        }
        Some(other) => Ok(other.clone()),
    }
}

fn filled_in(entry: &Entry, inputs: Value) -> Read<Vec<Value>> {
    let mut components = Vec::new();
    if let Some(header) = entry.header {
        components.push(json!({ "type": "HEADER", "format": "TEXT", "text": header }));
    }
    let samples: Vec<&str> = entry.samples.iter().map(|(sample, _)| *sample).collect();
    components.push(json!({ "type": "BODY", "text": entry.body, "example": { "body_text": [samples] } }));
    let mut left = match inputs {
        Value::Null => Vec::new(),
        Value::Array(list) => list,
        _ => return Err(rules::LIBRARY_INPUT.refuse("library_template_button_inputs must be an array.")),
    };
    let mut take = |kind: &str| {
        let at = left.iter().position(|input| input.get("type").and_then(Value::as_str) == Some(kind));
        at.map(|at| left.remove(at)).ok_or_else(|| {
            rules::LIBRARY_INPUT.refuse(format!("library_template_button_inputs: an input of type {kind} is required."))
        })
    };
    let mut buttons = Vec::new();
    for button in entry.buttons {
        buttons.push(match button {
            Open::QuickReply(text) => json!({ "type": "QUICK_REPLY", "text": text }),
            Open::Code => take("OTP")?,
            Open::Phone(text) => {
                json!({ "type": "PHONE_NUMBER", "text": text, "phone_number": take("PHONE_NUMBER")?["phone_number"] })
            }
            Open::Url(text) => {
                let input = take("URL")?;
                let mut made = json!({ "type": "URL", "text": text, "url": input["url"]["base_url"] });
                if let (Some(example), Some(map)) = (input["url"].get("url_suffix_example"), made.as_object_mut()) {
                    map.insert("example".into(), json!([example]));
                }
                made
            }
        });
    }
    if let Some(unused) = left.first() {
        let kind = unused.get("type").and_then(Value::as_str).unwrap_or("").to_owned();
        return Err(
            rules::LIBRARY_INPUT.refuse(format!("library_template_button_inputs: {} takes no input of type {kind}.", entry.name))
        );
    }
    if !buttons.is_empty() {
        components.push(json!({ "type": "BUTTONS", "buttons": buttons }));
    }
    // What the business filled in is held to the same rules as what it writes itself.
    let whole = json!({ "components": components });
    create::components(&Fields::body(&whole)?, Category::Utility, Format::Positional, entry.language)
}

fn code(fields: &Fields<'_>, inputs: Value, language: &str) -> Read<Vec<Value>> {
    let extra = self::inputs(fields, "library_template_body_inputs")?;
    let mut body = json!({ "type": "BODY" });
    let mut components = Vec::new();
    if let (Some(advice), Some(map)) = (extra.get("add_security_recommendation"), body.as_object_mut()) {
        map.insert("add_security_recommendation".into(), advice.clone());
    }
    components.push(body);
    if let Some(minutes) = extra.get("code_expiration_minutes") {
        components.push(json!({ "type": "FOOTER", "code_expiration_minutes": minutes }));
    }
    let button = match inputs {
        Value::Array(list) if list.len() == 1 => list.into_iter().next().unwrap_or_default(),
        _ => return Err(rules::LIBRARY_INPUT.refuse("library_template_button_inputs: one input of type OTP is required.")),
    };
    components.push(json!({ "type": "BUTTONS", "buttons": [button] }));
    let whole = json!({ "components": components });
    let fields = Fields::body(&whole)?;
    authentication::read(&fields.objects("components", 1..=3)?, language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_would_pass_the_reviewer() {
        for entry in ENTRIES {
            let inputs: Vec<Value> = entry
                .buttons
                .iter()
                .filter_map(|button| match button {
                    Open::Url(_) => Some(json!({ "type": "URL", "url": {
                        "base_url": "https://example.com/{{1}}", "url_suffix_example": "https://example.com/a" } })),
                    Open::Phone(_) => Some(json!({ "type": "PHONE_NUMBER", "phone_number": "+4930123456" })),
                    Open::QuickReply(_) | Open::Code => None,
                })
                .collect();
            let made = filled_in(entry, json!(inputs)).map_err(|error| error.details().to_owned());
            assert!(made.is_ok(), "{} {}: {made:?}", entry.name, entry.language);
            assert!(TOPICS.contains(&entry.topic) && entry.industry.iter().all(|one| INDUSTRIES.contains(one)), "{}", entry.name);
        }
    }
}
