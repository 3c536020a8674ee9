//! `POST send/whatsapp_templated_messages`, as published.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use transom_domain::content::Language;
use transom_domain::message::{WhenRefused, WhenUnknown};
use transom_domain::parameters::{Naming, Parameter};

use super::common::{callback_data, campaign};
use super::read::{Notes, read, request_bodies};
use super::recipient;
use super::sent::{SentId, published};
use crate::http::App;
use crate::http::call::{Asked, Authorised, SEND};
use crate::http::refusal::SendRefusals;
use crate::problem::Problem;
use crate::service::{SendCommand, What};

/// Most parameters of one send: ten cards with a header, variables and two buttons each stay far below.
const PARAMETERS_MAX: usize = 250;
/// Longest template name in characters (Meta: message-templates).
const TEMPLATE_NAME_MAX: usize = 512;

/// A template by name, with a value for each of its variables.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "number": "+4915112345678",
    "templateName": "parcel_update",
    "language": "de",
    "sender": "+493012345678",
    "parameters": [
        { "name": "header_document", "value": "https://files.example.org/l/8812.pdf", "filename": "Lieferschein.pdf" },
        { "name": "body_1", "value": "Marta" },
        { "name": "body_2", "value": "8812" },
        { "name": "button_1_url", "value": "track/8812" }
    ],
    "campaignName": "parcel-2026-10",
    "callbackData": { "shipment": 8812 }
}))]
pub(crate) struct SendTemplate {
    /// Recipient: `+E.164` (decoration such as blanks and brackets is dropped), or `bsuid:` and a business-scoped user id.
    number: String,
    /// Name of the template, as in WhatsApp Manager.
    template_name: String,
    /// Language of the translation, such as `de` or `pt_BR`; may be left out when only one translation is approved.
    language: Option<String>,
    /// Values of the template's variables, in any order.
    parameters: Option<Vec<TemplateParameter>>,
    /// Our WhatsApp number, as a text; needed only where there are several.
    sender: Option<String>,
    /// Any JSON up to 1,024 bytes; comes back in every webhook about the message.
    callback_data: Option<Value>,
    /// A tag.
    campaign_name: Option<String>,
    /// Accepted and ignored.
    #[serde(rename = "order")]
    #[schema(value_type = Option<Object>)]
    _order: Option<Value>,
}

/// The value of one variable.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TemplateParameter {
    /// `header_text`, `header_image`, `header_video`, `header_document`, `header_location`, `header_product`, `body_1`,
    /// `button_1_url`, `button_1_payload`, `button_1_code`, `button_1_flow_token`, `button_1_thumbnail`, `button_1_products`,
    /// `offer_expiration`, `card_1_header_image`, `card_1_body_1`, …
    #[schema(example = "body_1")]
    name: String,
    /// The value: a text; of a file its public URL, or the digits of the id that Meta gave the upload; of a URL button the end of
    /// the address, or the whole of it; of a limited-time offer its end in milliseconds since 1970.
    #[schema(example = "Marta")]
    value: String,
    /// Shown name, with `header_document`.
    filename: Option<String>,
}

request_bodies!(SendTemplate);

pub(super) fn parse(asked: Asked) -> Result<SendCommand, Problem> {
    let (request, mut notes) = read::<SendTemplate>(&asked.body)?;
    notes.hint(
        "sender",
        "here the sender is a text, such as \"+493012345678\"; an object with id and channelType belongs to send/messages",
    );
    let command = request.and_then(|request| request.into_command(&asked, &mut notes));
    let command = notes.finish(command)?;
    Ok(SendCommand { idempotency: asked.idempotency, ..command })
}

impl SendTemplate {
    fn into_command(self, asked: &Asked, notes: &mut Notes) -> Option<SendCommand> {
        let to = recipient::customer(&self.number, "number", notes);
        let from = self.sender.as_deref().and_then(|text| recipient::sender(text, None, "sender", notes));
        let name = self.template_name.trim().to_owned();
        if name.is_empty() {
            notes.note("templateName", "must not be empty", "give the template's name");
        }
        notes.at_most("templateName", Some(&name), TEMPLATE_NAME_MAX);
        let language = self.language.as_deref().filter(|l| !l.trim().is_empty()).and_then(|l| language(l, "language", notes));
        let parameters = self.parameters.unwrap_or_default();
        if parameters.len() > PARAMETERS_MAX {
            let rule = format!("has {} entries, at most {PARAMETERS_MAX} are allowed", parameters.len());
            notes.note("parameters", rule, "give one entry per variable");
        }
        let callback_data = callback_data(self.callback_data.as_ref(), &asked.body, notes);
        let campaign = campaign(self.campaign_name, notes);
        let parameters =
            parameters.into_iter().map(|p| Parameter { name: p.name, value: p.value, filename: p.filename }).collect();
        Some(SendCommand {
            to: to?,
            from,
            id: None,
            name: None,
            what: What::Template { name, language, fallback: Vec::new(), parameters, naming: Naming::Published },
            send_at: None,
            validity: None,
            when_unknown: WhenUnknown::Auto,
            callback_data,
            when_refused: WhenRefused::Refuse,
            campaign,
            origin: None,
            human: None,
            context: None,
            idempotency: None,
        })
    }
}

/// A language code.
pub(super) fn language(text: &str, field: &str, notes: &mut Notes) -> Option<Language> {
    let parsed = Language::parse(text);
    if let Err(why) = parsed {
        notes.note(field, format!("is not a language: {why}"), "use the code of the template's translation");
    }
    parsed.ok()
}

/// Send a template message
///
/// Goes at any time, also to start a conversation: Meta has approved the content beforehand. 201 means accepted; what became of
/// it comes by webhook.
#[utoipa::path(
    post,
    path = "/v1/businesses/{business}/send/whatsapp_templated_messages",
    operation_id = "sendTemplateMessage",
    tag = "Sending",
    params(
        ("business" = String, Path, description = "Id of the business"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 128 printable ASCII characters: a repetition gets the answer of the first"),
    ),
    request_body(content = SendTemplate),
    responses(
        (status = 201, description = "Accepted and durable", body = SentId, headers(
            ("Idempotency-Replayed" = String, description = "`true` when this is the answer of an earlier request"),
        )),
        SendRefusals,
    ),
    security(("X-API-Key" = []))
)]
pub(crate) async fn send_template(
    State(app): State<App>,
    Authorised(caller): Authorised<SEND>,
    asked: Asked,
) -> Result<Response, Problem> {
    published(app.service.send(&caller, parse(asked)?).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;
    use transom_domain::error_code::ErrorCode;

    fn asked(body: &Value) -> Asked {
        Asked::of(body.to_string())
    }

    fn example() -> Value {
        json!({
            "number": "+4915112345678", "templateName": "parcel_update", "language": "de", "sender": "+493012345678",
            "parameters": [
                { "name": "header_document", "value": "https://files.example.org/l/8812.pdf", "filename": "Lieferschein.pdf" },
                { "name": "body_1", "value": "Marta" },
                { "name": "body_2", "value": "8812" },
                { "name": "button_1_url", "value": "track/8812" }
            ],
            "campaignName": "parcel-2026-10", "callbackData": { "shipment": 8812 }
        })
    }

    fn refusal(body: &Value) -> Problem {
        parse(asked(body)).unwrap_err()
    }

    #[test]
    fn the_published_example_is_read_whole() {
        let command = parse(asked(&example())).unwrap();
        assert_eq!(command.to.to_string(), "+4915112345678");
        assert_eq!(command.from.unwrap().to_string(), "+493012345678");
        assert_eq!(command.campaign.as_deref(), Some("parcel-2026-10"));
        assert_eq!(command.callback_data.as_deref(), Some(r#"{"shipment":8812}"#));
        let What::Template { name, language, parameters, .. } = command.what else { panic!("not a template") };
        assert_eq!((name.as_str(), language.unwrap().as_str(), parameters.len()), ("parcel_update", "de", 4));
        assert_eq!(parameters[0].filename.as_deref(), Some("Lieferschein.pdf"));
    }

    #[test]
    fn a_carousel_goes_to_a_customer_known_by_user_id_only() {
        let body = json!({
            "number": "bsuid:DE.4402917750112", "templateName": "autumn_picks", "language": "de",
            "parameters": [
                { "name": "body_1", "value": "Marta" },
                { "name": "card_1_header_image", "value": "https://files.example.org/p/1.jpg" },
                { "name": "card_1_body_1", "value": "19,90 EUR" },
                { "name": "card_1_button_1_url", "value": "p/1" }
            ]
        });
        let command = parse(asked(&body)).unwrap();
        assert_eq!(command.to.to_string(), "bsuid:DE.4402917750112");
        assert!(command.from.is_none());
    }

    #[test]
    fn both_spellings_are_equal() {
        let mut snake = example();
        let object = snake.as_object_mut().unwrap();
        for (camel, under) in
            [("templateName", "template_name"), ("campaignName", "campaign_name"), ("callbackData", "callback_data")]
        {
            let value = object.remove(camel).unwrap();
            object.insert(under.to_owned(), value);
        }
        assert_eq!(format!("{:?}", parse(asked(&snake)).unwrap()), format!("{:?}", parse(asked(&example())).unwrap()));
    }

    #[test]
    fn a_sender_object_belongs_to_the_other_operation() {
        let mut body = example();
        body["sender"] = json!({ "id": "+493012345678", "channelType": "whatsapp" });
        let refused = refusal(&body);
        assert_eq!(refused.code, ErrorCode::RequestInvalid);
        assert_eq!(refused.details["errors"][0]["field"], "sender");
        assert!(refused.remedy.unwrap().contains("send/messages"));
    }

    #[test]
    fn decorated_numbers_are_taken_and_bad_ones_have_their_code() {
        let mut body = example();
        body["number"] = json!("+1(604) 585 2331");
        assert_eq!(parse(asked(&body)).unwrap().to.to_string(), "+16045852331");
        body["number"] = json!("604 585 2331");
        assert_eq!(refusal(&body).code, ErrorCode::PhoneNumberBadFormat);
        body["number"] = json!("bsuid:x");
        assert_eq!(refusal(&body).code, ErrorCode::RecipientBsuidInvalid);
    }

    #[test]
    fn order_is_ignored_and_all_findings_are_told() {
        let mut body = example();
        body["order"] = json!({ "parentId": "x", "strategy": "strategy_unspecified" });
        assert!(parse(asked(&body)).is_ok());
        body["number"] = json!("12");
        body["language"] = json!("german");
        body["templateNam"] = json!("x");
        body["callbackData"] = json!("x".repeat(1_100));
        let refused = refusal(&body);
        let fields: Vec<_> = refused.details["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["templateNam", "number", "language", "callbackData"]);
    }

    proptest! {
        #[test]
        fn no_value_makes_it_panic(number in ".{0,40}", name in ".{0,20}", sender in ".{0,20}", language in ".{0,8}") {
            let _ = parse(asked(&json!({ "number": number, "templateName": name, "sender": sender, "language": language })));
        }
    }
}
