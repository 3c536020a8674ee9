//! The published operations on templates: `create/template` and `get/templates`, and beside them the deletion.

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use transom_domain::content::Language;
use transom_domain::field::FieldError;
use transom_domain::id::SenderId;
use transom_domain::template::{Approval, ButtonDefinition, CardDefinition, Category, Template};
use transom_domain::time::Timestamp;
use transom_store::{PAGE_MAX, Page};

use super::query::Query;
use super::read::{Notes, read, read_optional, request_bodies};
use super::template_view::components;
use crate::http::App;
use crate::http::call::{Asked, Authorised, PathName, TEMPLATES, json as answer};
use crate::http::refusal::{ListRefusals, TemplateRefusals};
use crate::problem::Problem;
use crate::service::{NewTemplate, TemplateFilter, TemplatePage};

const CATEGORY_PREFIX: &str = "MESSAGE_TEMPLATE_GROUP_CATEGORY_";
const STATUS_PREFIX: &str = "MESSAGE_TEMPLATE_STATUS_";

/// A template to be created, in the published form.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "name": "parcel_update",
    "language": { "code": "de" },
    "category": "MESSAGE_TEMPLATE_GROUP_CATEGORY_UTILITY",
    "template_components": [
        { "body": { "text": { "text": "Hallo {{1}}, Ihr Paket {{2}} ist heute angekommen.", "example": ["Marta", "8812"] } } },
        { "button": { "quickReply": { "text": "Danke" } } }
    ]
}))]
pub(crate) struct PublishedTemplate {
    /// Referred to as `templateName` when it is sent.
    name: String,
    /// An object with `code`.
    language: LanguageCode,
    /// With the prefix or without; `AUTHENTICATION` where a button carries a one-time code, else `MARKETING` where left out.
    category: Option<String>,
    /// The WhatsApp Business Account; may be left out while the business has only one. Not among the published fields.
    waba_id: Option<String>,
    /// Objects with one key each: `header`, `body`, `footer`, `button`, `carousel`.
    #[schema(value_type = Vec<Object>)]
    template_components: Vec<Value>,
}

/// A language in the published form.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LanguageCode {
    /// Such as `de` or `en_US`.
    code: String,
}

/// What a list is narrowed to.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PublishedFilter {
    /// Only of this WhatsApp Business Account; of all of them where left out.
    waba_id: Option<String>,
    /// Only with this name.
    name: Option<String>,
    /// Only in this language.
    language: Option<String>,
    /// Only with this status, with the prefix or without.
    status: Option<String>,
    /// Templates of one answer; all of them where left out.
    #[schema(minimum = 1, maximum = 200)]
    page_size: Option<u32>,
    /// `nextPageToken` of the page before.
    page_token: Option<String>,
}

request_bodies!(PublishedTemplate, PublishedFilter);

/// The components of the published form as Meta's, with a name for each part of the request that they came from.
struct Translated {
    components: Vec<Value>,
    /// Where each of Meta's components, and each of its buttons, stood in the request.
    places: Vec<(String, String)>,
}

impl Translated {
    fn of(parts: &[Value], path: &str, at: &str, notes: &mut Notes) -> Self {
        let mut this = Self { components: Vec::new(), places: Vec::new() };
        let (mut buttons, mut button_places) = (Vec::new(), Vec::new());
        for (index, part) in parts.iter().enumerate() {
            let place = format!("{path}[{index}]");
            let known = ["header", "body", "footer", "button", "carousel"];
            let one = part.as_object().filter(|part| part.len() == 1).and_then(|part| part.iter().next());
            let Some((kind, value)) = one.filter(|(kind, _)| known.contains(&kind.as_str())) else {
                notes.note(&place, "must be an object with one key", format!("use one of {}", known.join(", ")));
                continue;
            };
            let place = format!("{place}.{kind}");
            let component = match kind.as_str() {
                "header" => header(value, &place, notes),
                "body" => text_of(value, &place, notes).map(|(text, example)| {
                    let mut body = json!({ "type": "BODY", "text": text });
                    if !example.is_empty() {
                        body["example"] = json!({ "body_text": [example] });
                    }
                    body
                }),
                "footer" => text_of(value, &place, notes).map(|(text, _)| json!({ "type": "FOOTER", "text": text })),
                "carousel" => {
                    Some(carousel(value, &place, &format!("{at}components[{}]", this.components.len()), &mut this.places, notes))
                }
                _ => {
                    if let Some(button) = button(value, &place, notes) {
                        buttons.push(button);
                        button_places.push(place.clone());
                    }
                    None
                }
            };
            if let Some(component) = component {
                this.places.push((format!("{at}components[{}]", this.components.len()), place));
                this.components.push(component);
            }
        }
        if !buttons.is_empty() {
            let own = format!("{at}components[{}]", this.components.len());
            for (index, place) in button_places.into_iter().enumerate() {
                this.places.push((format!("{own}.buttons[{index}]"), place));
            }
            this.places.push((own, path.to_owned()));
            this.components.push(json!({ "type": "BUTTONS", "buttons": buttons }));
        }
        this
    }

    /// A field of Meta's form in the words of the request.
    fn in_request(&self, field: &str) -> String {
        let known = self.places.iter().filter(|(own, _)| field.starts_with(own.as_str())).max_by_key(|(own, _)| own.len());
        match (known, field) {
            (Some((own, place)), _) => format!("{place}{}", &field[own.len()..]),
            (None, "components") => "template_components".to_owned(),
            (None, "language") => "language.code".to_owned(),
            (None, other) => other.to_owned(),
        }
    }
}

/// `{"text": {"text", "example"}}`.
fn text_of(value: &Value, place: &str, notes: &mut Notes) -> Option<(String, Vec<String>)> {
    let inner = value.get("text").filter(|_| has_only(value, &["text"], place, notes));
    let Some(inner) = inner.filter(|inner| has_only(inner, &["text", "example"], &format!("{place}.text"), notes)) else {
        notes.note(
            place,
            "must have `text` with `text` and `example`",
            "such as {\"text\": {\"text\": \"Hi\", \"example\": []}}",
        );
        return None;
    };
    let Some(text) = inner.get("text").and_then(Value::as_str) else {
        notes.note(&format!("{place}.text.text"), "is required and must be a text", "give the text");
        return None;
    };
    let samples = texts(inner.get("example"), &format!("{place}.text.example"), notes);
    Some((text.to_owned(), samples))
}

fn texts(value: Option<&Value>, place: &str, notes: &mut Notes) -> Vec<String> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        Some(_) => {
            notes.note(place, "must be a list of texts", "give one sample for each variable");
            Vec::new()
        }
    }
}

/// Whether an object has no other members than these; notes those that it has.
fn has_only(value: &Value, known: &[&str], place: &str, notes: &mut Notes) -> bool {
    let Some(map) = value.as_object() else { return false };
    let mut only = true;
    for unknown in map.keys().filter(|key| !known.contains(&key.as_str())) {
        only = false;
        notes.note(&format!("{place}.{unknown}"), "is not known", format!("use {}", known.join(", ")));
    }
    only
}

fn header(value: &Value, place: &str, notes: &mut Notes) -> Option<Value> {
    if value.get("text").is_some() {
        let (text, example) = text_of(value, place, notes)?;
        let mut header = json!({ "type": "HEADER", "format": "TEXT", "text": text });
        if !example.is_empty() {
            header["example"] = json!({ "header_text": example });
        }
        return Some(header);
    }
    let media = value.get("media").filter(|media| has_only(media, &["type", "example"], &format!("{place}.media"), notes));
    let kind = media.and_then(|media| media.get("type")?.as_str());
    let format = match kind {
        Some("TYPE_IMAGE") => "IMAGE",
        Some("TYPE_VIDEO") => "VIDEO",
        Some("TYPE_DOCUMENT") => "DOCUMENT",
        _ => {
            let rule = "must have `text`, or `media` with `type` TYPE_IMAGE, TYPE_VIDEO or TYPE_DOCUMENT";
            notes.note(place, rule, "give one of them");
            return None;
        }
    };
    let samples = texts(media.and_then(|media| media.get("example")), &format!("{place}.media.example"), notes);
    Some(json!({ "type": "HEADER", "format": format, "example": { "header_handle": samples } }))
}

fn button(value: &Value, place: &str, notes: &mut Notes) -> Option<Value> {
    const KINDS: [(&str, &[&str]); 7] = [
        ("quickReply", &["text"]),
        ("url", &["text", "url", "example"]),
        ("phoneNumber", &["text", "phoneNumber"]),
        ("copyCode", &["example"]),
        ("flow", &["text", "flowId", "screen"]),
        ("otp", &["otpType", "text"]),
        ("requestContactInfo", &[]),
    ];
    let one = value.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next());
    let known = one.and_then(|(kind, inner)| KINDS.iter().find(|(known, _)| known == kind).map(|(_, f)| (kind, inner, *f)));
    let Some((kind, inner, fields)) = known else {
        let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        notes.note(place, "must be an object with one key", format!("use one of {}", kinds.join(", ")));
        return None;
    };
    let place = format!("{place}.{kind}");
    if !has_only(inner, fields, &place, notes) {
        if !inner.is_object() {
            notes.note(&place, "must be an object", "give its fields");
        }
        return None;
    }
    let take = |from: &str| inner.get(from).filter(|value| !value.is_null()).cloned();
    let mut printed = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            printed.insert(name.to_owned(), value);
        }
    };
    let word = match kind.as_str() {
        "quickReply" => "QUICK_REPLY",
        "url" => "URL",
        "phoneNumber" => "PHONE_NUMBER",
        "copyCode" => "COPY_CODE",
        "flow" => "FLOW",
        "otp" => "OTP",
        _ => "REQUEST_CONTACT_INFO",
    };
    put("type", Some(word.into()));
    put("text", take("text"));
    put("url", take("url"));
    put("example", take("example"));
    put("phone_number", take("phoneNumber"));
    put("otp_type", take("otpType"));
    put("flow_id", take("flowId"));
    if word == "FLOW" {
        put("flow_action", take("screen").map(|_| "navigate".into()));
        put("navigate_screen", take("screen"));
    }
    Some(Value::Object(printed))
}

fn carousel(value: &Value, place: &str, at: &str, places: &mut Vec<(String, String)>, notes: &mut Notes) -> Value {
    let cards = value.get("cards").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if cards.is_empty() {
        notes.note(&format!("{place}.cards"), "must be a list of cards", "give two to ten, each with `components`");
    }
    let mut printed = Vec::new();
    for (index, card) in cards.iter().enumerate() {
        let path = format!("{place}.cards[{index}].components");
        let parts = card.get("components").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if parts.is_empty() {
            notes.note(&path, "must be a list of components", "give a header, a body and buttons");
        }
        let mut card = Translated::of(parts, &path, &format!("{at}.cards[{index}]."), notes);
        printed.push(json!({ "components": card.components }));
        places.append(&mut card.places);
    }
    json!({ "type": "CAROUSEL", "cards": printed })
}

fn category(word: &str, notes: &mut Notes) -> Option<Category> {
    let category = transom_meta::templates::category(word.strip_prefix(CATEGORY_PREFIX).unwrap_or(word));
    if category.is_none() {
        notes.note(
            "category",
            "is no category",
            "use MESSAGE_TEMPLATE_GROUP_CATEGORY_MARKETING, ..._UTILITY or ..._AUTHENTICATION",
        );
    }
    category
}

/// Reads the published form.
fn asked_for(body: &[u8]) -> Result<(NewTemplate, Translated), Problem> {
    let (asked, mut notes) = read::<PublishedTemplate>(body)?;
    let Some(asked) = asked else { return notes.finish(None) };
    let mut translated = Translated::of(&asked.template_components, "template_components", "", &mut notes);
    let has_otp = asked.template_components.iter().any(|part| part.pointer("/button/otp").is_some());
    let category = match asked.category.as_deref() {
        Some(word) => category(word, &mut notes),
        None if has_otp => Some(Category::Authentication),
        // Meta takes any content as marketing; offered as anything else it may be refused for its category.
        None => Some(Category::Marketing),
    };
    let has_body = translated.components.iter().any(|component| component["type"] == "BODY");
    if category == Some(Category::Authentication) && !has_body {
        // Its words are Meta's.
        translated.components.push(json!({ "type": "BODY" }));
    }
    let request = json!({
        "name": asked.name, "language": asked.language.code, "category": category.map(Category::as_str),
        "components": translated.components,
    });
    let new = category.and_then(|category| match transom_meta::templates::read_request(&request) {
        Ok(read) => Some(NewTemplate {
            waba: asked.waba_id.clone(),
            name: read.name,
            language: read.language,
            category,
            definition: read.definition,
            ttl_seconds: None,
        }),
        Err(found) => {
            for FieldError { field, rule, remedy } in found {
                notes.note(&translated.in_request(&field), rule, remedy);
            }
            None
        }
    });
    notes.finish(new).map(|new| (new, translated))
}

/// RFC 3339 with nanoseconds, as published.
fn nanoseconds(moment: Timestamp) -> String {
    let shown = jiff::Timestamp::from_millisecond(moment.as_millis()).unwrap_or(jiff::Timestamp::MAX);
    format!("{shown:.9}")
}

fn status(approval: Approval) -> String {
    format!("{STATUS_PREFIX}{}", approval.as_str())
}

/// A template as its creation answers it.
fn created(template: &Template) -> Value {
    json!({
        "id": template.id, "channel": null, "language": { "code": template.language.as_str() },
        "status": status(template.approval),
        "createdAt": nanoseconds(template.life.since), "updatedAt": nanoseconds(template.life.changed_at),
        "externalTemplate": null, "components": [], "templateComponents": [], "rejectionReason": template.reason,
    })
}

/// A template as lists show it, with Meta's own.
fn listed(template: &Template, waba: &str, channel: Option<SenderId>) -> Value {
    let mut shown = created(template);
    let printed = components(&template.definition);
    shown["channel"] = json!({
        "id": channel.map(|id| uuid(id.0)), "externalId": waba, "channelType": "CHANNEL_TYPE_WHATSAPP_CLOUD",
    });
    shown["externalTemplate"] = json!({ "whatsapp": {
        "id": template.id, "name": template.name, "language": template.language.as_str(),
        "status": template.approval.as_str(), "category": template.category.as_str(),
        "components": printed.as_array().map(|list| list.iter().map(external).collect::<Vec<_>>()),
        "lastUpdatedTime": nanoseconds(template.life.changed_at),
        "rejectedReason": template.reason.as_deref().unwrap_or("NONE"),
        "qualityScore": { "score": template.life.quality.map_or("UNKNOWN", |quality| quality.as_str()) },
    } });
    shown["templateComponents"] = published(&printed, &template.definition.buttons, &template.definition.cards);
    shown
}

/// 128 bits as a UUID's text.
fn uuid(bits: u128) -> String {
    let hex = format!("{bits:032x}");
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// One of Meta's components with the published names.
fn external(component: &Value) -> Value {
    let example = component.get("example").map(|example| {
        let list = |key: &str| example.get(key).cloned().unwrap_or_else(|| json!([]));
        let body = example.pointer("/body_text/0").cloned().unwrap_or_else(|| json!([]));
        json!({ "headerText": list("header_text"), "headerHandle": list("header_handle"), "bodyText": body })
    });
    let buttons = component.get("buttons").and_then(Value::as_array).map(|buttons| {
        let shown = |button: &Value| {
            json!({
                "type": button["type"], "text": button["text"], "url": button["url"], "phoneNumber": button["phone_number"],
                "example": match &button["example"] {
                    list @ Value::Array(_) => list.clone(),
                    Value::String(one) => json!([one]),
                    _ => json!([]),
                },
            })
        };
        buttons.iter().map(shown).collect::<Vec<_>>()
    });
    json!({
        "type": component["type"],
        "format": component.get("format").cloned().unwrap_or_else(|| "FORMAT_UNSPECIFIED".into()),
        "text": component["text"], "buttons": buttons.unwrap_or_default(), "example": example,
    })
}

/// Meta's components in the published form: what `create/template` takes.
fn published(components: &Value, buttons: &[ButtonDefinition], cards: &[CardDefinition]) -> Value {
    let samples = |value: Option<&Value>| value.cloned().unwrap_or_else(|| json!([]));
    let mut parts = Vec::new();
    for component in components.as_array().map(Vec::as_slice).unwrap_or_default() {
        match component["type"].as_str().unwrap_or_default() {
            "HEADER" => parts.push(match component["format"].as_str() {
                Some("TEXT") | None => json!({ "header": { "text": {
                    "text": component["text"], "example": samples(component.pointer("/example/header_text")),
                } } }),
                Some(kind) => json!({ "header": { "media": {
                    "type": format!("TYPE_{kind}"), "example": samples(component.pointer("/example/header_handle")),
                } } }),
            }),
            "BODY" => parts.push(json!({ "body": { "text": {
                "text": component["text"], "example": samples(component.pointer("/example/body_text/0")),
            } } })),
            "FOOTER" => parts.push(json!({ "footer": { "text": { "text": component["text"], "example": [] } } })),
            "BUTTONS" => parts.extend(buttons.iter().map(|button| json!({ "button": published_button(button) }))),
            "CAROUSEL" => {
                let printed = component["cards"].as_array().map(Vec::as_slice).unwrap_or_default();
                let printed: Vec<Value> = printed
                    .iter()
                    .zip(cards)
                    .map(|(card, known)| json!({ "components": published(&card["components"], &known.buttons, &[]) }))
                    .collect();
                parts.push(json!({ "carousel": { "cards": printed } }));
            }
            _ => {}
        }
    }
    Value::Array(parts)
}

fn published_button(button: &ButtonDefinition) -> Value {
    match button {
        ButtonDefinition::QuickReply { text } => json!({ "quickReply": { "text": text } }),
        ButtonDefinition::Url { text, url, sample } => json!({ "url": { "text": text, "url": url, "example": sample } }),
        ButtonDefinition::PhoneNumber { text, phone } => json!({ "phoneNumber": { "text": text, "phoneNumber": phone } }),
        ButtonDefinition::CopyCode { sample } => json!({ "copyCode": { "example": sample } }),
        ButtonDefinition::Flow { text, flow_id, navigate_screen, .. } => {
            json!({ "flow": { "text": text, "flowId": flow_id, "screen": navigate_screen } })
        }
        ButtonDefinition::Otp { otp_type, text, .. } => json!({ "otp": { "otpType": otp_type, "text": text } }),
        ButtonDefinition::RequestContactInfo => json!({ "requestContactInfo": {} }),
        ButtonDefinition::Catalog => json!({ "catalog": {} }),
        ButtonDefinition::MultiProduct => json!({ "multiProduct": {} }),
        ButtonDefinition::SingleProduct => json!({ "singleProduct": {} }),
        ButtonDefinition::VoiceCall { text, .. } => json!({ "voiceCall": { "text": text } }),
    }
}

/// Create a template (published)
///
/// Submits a template to Meta. `POST …/templates` takes Meta's own components and says more.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/create/template",
    operation_id = "createTemplatePublished",
    tag = "Templates",
    params(("business" = String, Path, description = "Id of the business")),
    request_body = PublishedTemplate,
    responses((status = 200, description = "Meta has it", body = Object), TemplateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn create(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (new, translated) = asked_for(&asked.body)?;
    let made = app.service.create_template(&caller, new).await;
    let meta = Value::Array(translated.components.clone());
    let made = made.map_err(|mut problem| {
        for finding in problem.details.get_mut("findings").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(field) = finding.get("field").and_then(Value::as_str) {
                let field = translated.in_request(&transom_domain::lint::in_components(field, &meta));
                finding["field"] = field.into();
            }
        }
        problem
    })?;
    let template = &made.template;
    let entity = json!({
        "id": template.name, "name": template.name, "category": template.category.as_str(), "templates": [created(template)],
    });
    answer(StatusCode::OK, &json!({ "entity": entity }))
}

/// List templates (published)
///
/// Templates by name, each with its languages. The body may be left out; `GET …/templates` says more.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/get/templates",
    operation_id = "getTemplatesPublished",
    tag = "Templates",
    params(("business" = String, Path, description = "Id of the business")),
    request_body(content = Option<PublishedFilter>),
    responses((status = 200, description = "Templates by name", body = Object), ListRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn list(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    asked: Asked,
) -> Result<Response, Problem> {
    let (wanted, mut notes) = read_optional::<PublishedFilter>(&asked.body)?;
    let wanted = wanted.unwrap_or_default();
    let language = wanted.language.as_deref().and_then(|code| match Language::parse(code) {
        Ok(language) => Some(language),
        Err(why) => {
            notes.note("language", why.to_string(), "use a code such as de or en_US");
            None
        }
    });
    let approval = wanted.status.as_deref().and_then(|word| {
        let bare = word.strip_prefix(STATUS_PREFIX).unwrap_or(word);
        let approval = Some(Approval::named(bare)).filter(|approval| approval.as_str() == bare);
        if approval.is_none() {
            notes.note("status", "is no status", "use one such as MESSAGE_TEMPLATE_STATUS_APPROVED");
        }
        approval
    });
    if wanted.page_size.is_some_and(|size| size == 0 || usize::try_from(size).is_ok_and(|size| size > PAGE_MAX)) {
        notes.note("pageSize", format!("must be from 1 to {PAGE_MAX}"), "leave it out for all");
    }
    let filter =
        TemplateFilter { waba: wanted.waba_id, name: wanted.name, language, status: approval, ..TemplateFilter::default() };
    let filter = notes.finish(Some(filter))?;
    // Published without pages: all of them, unless pages are asked for. Meta has at most 6,000.
    let size = wanted.page_size.and_then(|size| usize::try_from(size).ok()).unwrap_or(usize::MAX);
    let page = Page { size, token: wanted.page_token };
    let (pages, next) = app.service.templates_everywhere(&caller, &filter, &page).await?;
    let senders = app.service.senders(caller.business);
    let groups = groups(&pages, |waba| senders.iter().find(|s| s.waba.as_deref() == Some(waba)).map(|sender| sender.id));
    answer(StatusCode::OK, &json!({ "entity": { "templateGroups": groups, "nextPageToken": next } }))
}

/// Templates by name, whatever account they are of: each one's channel says which.
fn groups(pages: &[TemplatePage], channel: impl Fn(&str) -> Option<SenderId>) -> Vec<Value> {
    let mut groups: BTreeMap<&str, (&Template, Vec<Value>)> = BTreeMap::new();
    for page in pages {
        let channel = channel(&page.waba);
        for template in &page.templates {
            let shown = listed(template, &page.waba, channel);
            groups.entry(&template.name).or_insert_with(|| (template, Vec::new())).1.push(shown);
        }
    }
    let shown = |(name, (first, templates)): (&str, (&Template, Vec<Value>))| json!({ "id": name, "name": name, "category": first.category.as_str(), "templates": templates });
    groups.into_iter().map(shown).collect()
}

/// Delete a template (published form)
#[utoipa::path(
    delete,
    path = "/v1/businesses/{business}/delete/templates/{name}",
    operation_id = "deleteTemplatePublished",
    tag = "Templates",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("name" = String, Path, description = "Name of the template"),
        ("language" = Option<String>, Query, description = "Its language; all of them where left out"),
        ("wabaId" = Option<String>, Query, description = "Its WhatsApp Business Account; may be left out while there is only one"),
    ),
    responses((status = 200, description = "It is gone", body = Object), TemplateRefusals),
    security(("X-API-Key" = []))
)]
pub(crate) async fn delete(
    State(app): State<App>,
    Authorised(caller): Authorised<TEMPLATES>,
    PathName(name): PathName,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut query = Query::read(query.as_deref(), &["language", "wabaId"]);
    let waba = query.get("wabaId").map(str::to_owned);
    let language = query.choice("language", "a code such as de", |code| Language::parse(code).ok());
    let language = query.finish(language)?;
    app.service.delete_template(&caller, waba, name, language).await?;
    answer(StatusCode::OK, &json!({}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &Value) -> Vec<String> {
        let problem = asked_for(body.to_string().as_bytes()).err().unwrap();
        let errors = problem.details["errors"].as_array().unwrap();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn the_published_example_is_read() {
        let parts = json!([
            { "header": { "media": { "type": "TYPE_IMAGE", "example": ["https://files.example.org/h.jpg"] } } },
            { "body": { "text": { "text": "Hallo {{1}}, Paket {{2}} ist da.", "example": ["Marta", "8812"] } } },
            { "footer": { "text": { "text": "Stop zum Abmelden", "example": [] } } },
            { "button": { "quickReply": { "text": "Danke" } } },
            { "button": { "quickReply": { "text": "Stop" } } }
        ]);
        let body = json!({
            "name": "parcel_update", "language": { "code": "de" }, "category": "MESSAGE_TEMPLATE_GROUP_CATEGORY_UTILITY",
            "template_components": parts,
        });
        let (new, _) = asked_for(body.to_string().as_bytes()).unwrap();
        assert_eq!((new.category, new.definition.buttons.len()), (Category::Utility, 2));
        // What was read is printed in the same form.
        let printed = transom_meta::templates::to_create(&new.name, &new.language, new.category, &new.definition);
        assert_eq!(published(&printed["components"], &new.definition.buttons, &[]), parts);
        let named = json!({ "name": "a", "language": { "code": "de" }, "wabaId": "1020", "template_components": parts });
        assert_eq!(asked_for(named.to_string().as_bytes()).unwrap().0.waba.as_deref(), Some("1020"));
        // Both spellings; the category without its prefix, or left out.
        let bare = json!({ "name": "a", "language": { "code": "de" }, "category": "utility", "templateComponents": parts });
        assert_eq!(asked_for(bare.to_string().as_bytes()).unwrap().0.category, Category::Utility);
        let none = json!({ "name": "a", "language": { "code": "de" }, "template_components": parts });
        assert_eq!(asked_for(none.to_string().as_bytes()).unwrap().0.category, Category::Marketing);
        let code = json!({
            "name": "a", "language": { "code": "de" },
            "template_components": [{ "button": { "otp": { "otpType": "COPY_CODE" } } }],
        });
        assert_eq!(asked_for(code.to_string().as_bytes()).unwrap().0.category, Category::Authentication);
    }

    #[test]
    fn what_is_wrong_is_named_where_it_stands() {
        let body = json!({
            "name": "a", "language": { "code": "de" }, "category": "GREETING",
            "template_components": [
                { "body": { "text": { "text": "Hi", "exmple": [] } } },
                { "button": { "quickReplay": { "text": "Danke" } } },
                { "header": { "media": { "type": "TYPE_SOUND" } } },
                { "body": {}, "footer": {} },
            ],
        });
        let fields = refused(&body);
        for field in [
            "category",
            "template_components[0].body.text.exmple",
            "template_components[1].button",
            "template_components[2].header",
            "template_components[3]",
        ] {
            assert!(fields.iter().any(|found| found == field), "{field}: {fields:?}");
        }
        assert_eq!(refused(&json!({ "name": "a", "language": { "code": "de" } })), ["templateComponents"]);
    }

    #[test]
    fn an_id_is_shown_as_a_uuid() {
        assert_eq!(uuid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef), "01234567-89ab-cdef-0123-456789abcdef");
    }
}
